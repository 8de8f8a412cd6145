/// What keeps a slice from being judged. Nothing of it comes from the data of a transaction.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A record of a topic that the config does not name.
    #[error("topic {topic} is not an input of this pipeline; name it in the config")]
    Topic {
        /// The topic.
        topic: String,
    },
    /// Slices are numbered without gaps.
    #[error("slice {got} came where {expected} was due; restart from the last snapshot")]
    Sequence {
        /// The one that was due.
        expected: u64,
        /// The one that came.
        got: u64,
    },
    /// Rules, lists, tables or config are not those that a slice or snapshot was made with.
    #[error("epoch {got} where {expected} is in force; start with the rules, lists and config of that epoch")]
    Epoch {
        /// In force.
        expected: String,
        /// Asked for.
        got: String,
    },
    /// Columns do not follow the schema.
    #[error("columns do not follow the schema of this version; report it")]
    Schema,
    /// A column kernel failed.
    #[error("a column kernel failed: {0}; report it")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Monitoring failed.
    #[error(transparent)]
    Monitoring(#[from] mareva_monitoring::Error),
    /// Lists that were loaded do not fit together.
    #[error("the lists cannot be compared: {0}")]
    Lists(mareva_model::Refusal),
    /// A snapshot cannot be written or read.
    #[error("the snapshot cannot be used: {0}; remove it, an older one or the log will be used")]
    Snapshot(String),
}
