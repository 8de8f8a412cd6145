/// What can go wrong while rows are judged. None of it comes from the data of one transaction.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A kernel refused columns that the program had been compiled for.
    #[error("a column kernel failed: {0}; report it with the rule that was loaded last")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A compiled expression failed on a whole batch.
    #[error("a rule expression failed: {0}; retire the rule that was loaded last")]
    DataFusion(#[from] Box<datafusion::error::DataFusionError>),
    /// A column that a rule needs was not read.
    #[error("a rule reads a column that was not gathered; report it with the rule that was loaded last")]
    Column,
    /// The saved state does not fit the rules in force.
    #[error("the saved monitoring state does not fit: {0}; start from an older snapshot or from history")]
    State(String),
}

impl From<datafusion::error::DataFusionError> for Error {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        Self::DataFusion(Box::new(error))
    }
}
