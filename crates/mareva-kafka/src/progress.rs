//! What a run tells of itself.
use std::collections::BTreeMap;

use mareva_pipeline::InputSlice;

use crate::{machine::Transaction, record::TopicPartition, stats::Stats};

/// What the observer is told, on the loop's thread: it must be quick.
#[derive(Debug)]
pub enum Progress<'a, O> {
    /// The recorded slices are judged again; from here on new input is judged.
    Live {
        /// Figures.
        stats: &'a Stats,
    },
    /// A slice was judged. Its output is not committed yet.
    Judged {
        /// The slice.
        slice: &'a InputSlice,
        /// What it gave.
        output: &'a O,
        /// Whether an earlier run has published it.
        replay: bool,
        /// Figures.
        stats: &'a Stats,
    },
    /// A transaction is committed.
    Committed {
        /// It.
        transaction: &'a Transaction,
        /// Figures.
        stats: &'a Stats,
    },
    /// A second has passed.
    Second {
        /// Figures.
        stats: &'a Stats,
    },
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// Figures.
    pub stats: Stats,
    /// Next offset to be judged, by partition.
    pub positions: BTreeMap<TopicPartition, i64>,
    /// Last slice of the newest snapshot; 0 without one.
    pub snapshot_seq: u64,
}
