use mareva_model::{Reason, TimeError};

/// Why a transaction is refused: becomes a dead letter. Details name fields and places, never their content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    pub(crate) fn missing(field: &str) -> Self {
        Self::new(Reason::MissingField, format!("{field} is missing; send it again with this field"))
    }

    pub(crate) fn invalid(field: &str, remedy: &str) -> Self {
        Self::new(Reason::InvalidField, format!("{field}: {remedy}"))
    }

    pub(crate) fn too_long(field: &str, limit: usize) -> Self {
        Self::new(Reason::TooLarge, format!("{field} is longer than {limit} bytes; shorten it"))
    }

    pub(crate) fn time(field: &str, error: TimeError) -> Self {
        Self::new(Reason::InvalidField, format!("{field}: {error}"))
    }
}
