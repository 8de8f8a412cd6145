use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use bytes::Bytes;
use mareva_model::{
    DeadLetter, Detection, DetectionChange, Digest, Hit, SourcePosition, TransactionBatch, alert::Alert, digest,
};
use serde::{Deserialize, Serialize};

use crate::history::HistoryCut;
use crate::look_back::LookedBack;

/// One record as the broker (or a file) gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct InputRecord {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Append time at the broker, UTC milliseconds.
    pub append_time: i64,
    /// The bytes, perhaps a part of a buffer of many records. At most the codec's record limit is read.
    pub payload: Bytes,
}

/// A numbered piece of the input: everything that is not deterministic is in here, so that the same slices give the
/// same output, byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct InputSlice {
    /// Number, from 1, without gaps.
    pub seq: u64,
    /// Records in the order they are judged; offsets of one partition ascend.
    pub records: Vec<InputRecord>,
    /// Wall clock when the slice was cut, UTC milliseconds: decides idleness of partitions, nothing else.
    pub tick: i64,
    /// Whether the input ends here: every episode closes and publishes its final content.
    pub end: bool,
    /// Partitions that begin to hold low time with this slice, before their first record: all of them in the first slice
    /// after the start of the log, new ones when they appear. Part of the sequence record.
    pub joined: Vec<(Arc<str>, i32)>,
    /// Digest of rules, lists, reference tables, rates, semantic config and engine version.
    pub epoch: Digest,
}

/// Finds records that are asked for in the order of the slice, in one pass over it.
pub(crate) struct InOrder<'s>(pub(crate) &'s [InputRecord]);

impl<'s> InOrder<'s> {
    /// The record at a position that is not before the last one asked for.
    pub(crate) fn find(&mut self, at: &SourcePosition) -> Option<&'s InputRecord> {
        let is_it = |r: &InputRecord| {
            r.offset == at.offset && r.partition == at.partition && r.topic.as_ref() == at.topic.as_str()
        };
        self.0 = &self.0[self.0.iter().position(is_it)?..];
        self.0.first()
    }
}

/// Digests of the payloads of records that are asked for in the order of the slice.
pub(crate) struct Digests<'s> {
    records: InOrder<'s>,
    /// The record of the last one and its digest: a message may hold thousands of transactions.
    last: Option<(&'s InputRecord, Digest)>,
}

impl<'s> Digests<'s> {
    pub(crate) fn new(records: &'s [InputRecord]) -> Self {
        Self { records: InOrder(records), last: None }
    }

    /// The record at a position that is not before the last one asked for, and its digest.
    pub(crate) fn find(&mut self, at: &SourcePosition) -> Option<(&'s InputRecord, Digest)> {
        let record = self.records.find(at)?;
        let known = self.last.filter(|(last, _)| std::ptr::eq(*last, record));
        Some(*self.last.insert(known.unwrap_or_else(|| (record, digest(&record.payload)))))
    }
}

/// What became of the transactions: `produced = accepted + repeated + late + dead_lettered`, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records read.
    pub records: u64,
    /// Transactions, unreadable records and refused decisions produced by them.
    pub produced: u64,
    /// Judged.
    pub accepted: u64,
    /// Same id and content as an accepted one (retransmission, or a witness from another source).
    pub repeated: u64,
    /// Below low time minus the allowed lateness: screened, not judged by rules.
    pub late: u64,
    /// Refused, with reason.
    pub dead_lettered: u64,
    /// Decisions that took force, or were in force already when they came again: beside the transactions.
    pub decisions: u64,
    /// Accepted under another identity than they came with: their id stands for another payment already.
    pub namesakes: u64,
    /// Accepted amounts that are null in the reference currency (no rate, or 10^12 units and more).
    pub without_reference: u64,
    /// Rule evaluations that failed on a row (such as an overflow): the row is not a detection of that rule.
    pub rule_errors: u64,
    /// Parties and identifiers probed in the filter.
    pub probes: u64,
    /// Filter hits.
    pub filter_hits: u64,
    /// Filter hits confirmed by an exact entry.
    pub confirmed_hits: u64,
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, more: &Counts) {
        let Counts {
            records,
            produced,
            accepted,
            repeated,
            late,
            dead_lettered,
            decisions,
            namesakes,
            without_reference,
            rule_errors,
            probes,
            filter_hits,
            confirmed_hits,
        } = more;
        self.records += records;
        self.produced += produced;
        self.accepted += accepted;
        self.repeated += repeated;
        self.late += late;
        self.dead_lettered += dead_lettered;
        self.decisions += decisions;
        self.namesakes += namesakes;
        self.without_reference += without_reference;
        self.rule_errors += rule_errors;
        self.probes += probes;
        self.filter_hits += filter_hits;
        self.confirmed_hits += confirmed_hits;
    }
}

/// A transaction too late for the rules. It was screened all the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LateRow {
    /// Where it was read.
    pub position: SourcePosition,
    /// Its identity.
    pub row_id: String,
    /// Its time, UTC milliseconds.
    pub event_time: i64,
    /// Low time when it arrived, UTC milliseconds.
    pub low_time: i64,
}

/// What a slice gives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// New alert revisions, in the order to publish.
    pub alerts: Vec<Alert>,
    /// Records and transactions refused.
    pub dead_letters: Vec<DeadLetter>,
    /// Transactions too late.
    pub late: Vec<LateRow>,
    /// Confirmed hits.
    pub hits: Vec<Hit>,
    /// Detections of both levels that came, changed or went.
    pub changes: Vec<DetectionChange>,
    /// The same of rules that are only tried.
    pub shadow: Vec<DetectionChange>,
    /// Accepted transactions, as the rules see them.
    pub accepted: Vec<TransactionBatch>,
    /// Detections that no later row can change any more, those of rules that are only tried among them.
    pub settled: Vec<Detection>,
    /// Detections of rows before this time will not come any more, UTC milliseconds; `None` before the first settles.
    pub settled_before: Option<i64>,
    /// Counts of this slice.
    pub counts: Counts,
    /// Low time after the slice, UTC milliseconds; `None` before the first accepted transaction.
    pub low_time: Option<i64>,
    /// Where this slice showed that history reaches into the stream.
    pub history_cut: Option<HistoryCut>,
    /// What other lists found in rows that were judged before, in the first slice under them.
    pub looked_back: Option<LookedBack>,
    /// Whether more of that, or of what accounts did that are decided to be mules', comes with the next slice.
    pub has_more: bool,
    /// Decisions in force after the slice, by kind.
    pub decisions_in_force: BTreeMap<&'static str, u64>,
}
