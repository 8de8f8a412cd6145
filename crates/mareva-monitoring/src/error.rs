use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

/// What can go wrong while rows are judged. None of it comes from the data of one transaction, and none of it repeats a
/// message of the engine: those hold values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A kernel refused columns that the program had been compiled for.
    #[error("a column kernel failed ({0}); report it with the rule that was loaded last")]
    Arrow(&'static str),
    /// An expression that was loaded does not compile.
    #[error("a rule does not compile ({0}); retire the rule that was loaded last")]
    DataFusion(&'static str),
    /// A column that a rule needs was not read.
    #[error("a rule reads a column that was not gathered; report it with the rule that was loaded last")]
    Column,
    /// Rows that were on disk cannot be read, or no more be written.
    #[error("retained rows cannot be kept on disk ({0}); free space there or raise retention.memory_mib")]
    Disk(std::io::ErrorKind),
    /// A back-fill that began under other rules.
    #[error("other rules have taken force since this back-fill began; begin another")]
    Backfill,
    /// The saved state does not fit the rules in force.
    #[error("the saved monitoring state does not fit: {0}; start from an older snapshot or from history")]
    State(String),
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(kernel_kind(&error))
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        Self::DataFusion(kind(&error))
    }
}

/// What kind of error it is.
pub(crate) fn kind(error: &DataFusionError) -> &'static str {
    match error.find_root() {
        DataFusionError::ArrowError(error, _) => kernel_kind(error),
        DataFusionError::Execution(_) => "a function refused its arguments",
        DataFusionError::NotImplemented(_) => "not implemented",
        DataFusionError::Plan(_) | DataFusionError::SchemaError(..) => "an expression that cannot be planned",
        _ => "a fault of the engine",
    }
}

pub(crate) fn kernel_kind(error: &ArrowError) -> &'static str {
    match error {
        ArrowError::CastError(_) | ArrowError::ParseError(_) => "a value that cannot be cast",
        ArrowError::ArithmeticOverflow(_) => "an overflow",
        ArrowError::InvalidArgumentError(_) => "a value out of range",
        ArrowError::DivideByZero => "a division by zero",
        ArrowError::ComputeError(_) => "a computation that has no result",
        _ => "a fault of the engine",
    }
}
