//! What the operator is told of the machine.

/// Figures for the operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Slices judged live.
    pub slices: u64,
    /// Slices judged again at the start.
    pub replayed: u64,
    /// Transactions committed.
    pub transactions: u64,
    /// Transactions that ended in doubt.
    pub doubts: u64,
    /// Alerts published again because a transaction was torn.
    pub reissued: u64,
    /// Alerts of a torn transaction that could not be derived again.
    pub lost: u64,
    /// Alerts that readers can see and no sequence record covers.
    pub orphans: u64,
    /// Records that arrived a second time and were dropped.
    pub duplicates: u64,
    /// Offsets without a record (control records, compaction).
    pub skipped_offsets: u64,
    /// Times a partition was put aside at the start, because recorded slices needed others first.
    pub paused: u64,
    /// Times the consumer was replaced because it made no progress.
    pub reopened: u64,
    /// Gaps in the input that were accepted and are in the log.
    pub input_gaps: u64,
    /// Gaps in the log itself, likewise.
    pub log_gaps: u64,
    /// When the last transaction was known to be committed, UTC milliseconds.
    pub last_commit: Option<i64>,
}
