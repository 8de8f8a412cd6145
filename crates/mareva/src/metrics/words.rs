//! What values are called in labels.

use mareva_model::alert::AlertStatus;
use mareva_model::{DetectionChange, Reason, Regime};

pub(super) fn regime(regime: Regime) -> &'static str {
    match regime {
        Regime::Fraud => "fraud",
        Regime::Sanctions => "sanctions",
    }
}

pub(super) fn status(status: AlertStatus) -> &'static str {
    match status {
        AlertStatus::Open => "open",
        AlertStatus::Withdrawn => "withdrawn",
        AlertStatus::BasisWithdrawn => "basis_withdrawn",
        AlertStatus::SetAside => "set_aside",
    }
}

/// The name of a reason, the same as in a dead letter.
pub(crate) fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::UnknownFormat => "unknown_format",
        Reason::Malformed => "malformed",
        Reason::TooLarge => "too_large",
        Reason::MissingField => "missing_field",
        Reason::InvalidField => "invalid_field",
        Reason::Forbidden => "forbidden",
        Reason::TimeAhead => "time_ahead",
        Reason::Conflicting => "conflicting",
        Reason::Untrusted => "untrusted",
        Reason::Expired => "expired",
    }
}

/// How a detection came or went.
pub(super) fn kind(change: &DetectionChange) -> &'static str {
    match change {
        DetectionChange::Raised(_) => "raised",
        DetectionChange::Revised(_) => "revised",
        DetectionChange::Withdrawn(_) => "withdrawn",
    }
}
