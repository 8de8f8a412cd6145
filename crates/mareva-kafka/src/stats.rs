//! Figures of a run, plain: the binary turns them into metrics.
use std::time::Duration;

use mareva_pipeline::Counts;
use rdkafka::{config::RDKafkaLogLevel, error::KafkaError, types::RDKafkaErrorCode};

use crate::{machine::Figures, record::TopicPartition};

/// Upper bounds of the classes of a [`Histogram`], milliseconds.
pub const CLASSES: [u64; 22] =
    [1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 30_000];

/// Times in milliseconds, in classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// How many fell in each class (above the bound before, up to its own); the last is above all bounds.
    pub counts: [u64; CLASSES.len() + 1],
    /// Sum of all, milliseconds.
    pub sum: u64,
    /// Largest, milliseconds.
    pub max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; CLASSES.len() + 1], sum: 0, max: 0 }
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, millis: u64) {
        let class = CLASSES.partition_point(|bound| *bound < millis);
        self.counts[class] += 1;
        self.sum = self.sum.saturating_add(millis);
        self.max = self.max.max(millis);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The bound of the class in which the share `q` (0 to 1) of all is reached, milliseconds; `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let count = self.count();
        let mut seen = 0;
        for (class, in_class) in self.counts.iter().enumerate() {
            seen += in_class;
            if *in_class > 0 && seen as f64 >= q * count as f64 {
                return Some(CLASSES.get(class).map_or(self.max, |bound| (*bound).min(self.max)));
            }
        }
        None
    }
}

/// Figures of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Sequencing, commit and recovery.
    pub figures: Figures,
    /// What became of the transactions judged live by this run.
    pub counts: Counts,
    /// Records judged live.
    pub records: u64,
    /// Payload bytes judged live.
    pub bytes: u64,
    /// Messages committed, in all topics but the sequence topic.
    pub published: u64,
    /// Alerts committed.
    pub alerts: u64,
    /// Dead letters committed.
    pub dead_letters: u64,
    /// Late rows committed.
    pub late: u64,
    /// Broker append time of the record to confirmed commit of the alert it gave.
    pub append_to_alert: Histogram,
    /// Begin to confirmed commit of a transaction.
    pub commit: Histogram,
    /// Microseconds spent judging.
    pub judging_micros: u64,
    /// Longest time that one slice took, microseconds, a change of the epoch before it included.
    pub longest_slice_micros: u64,
    /// Changes of the epoch: those of recorded slices, too.
    pub epoch_changes: u64,
    /// Longest time for which live judging waited for a part of one, microseconds.
    pub longest_change_micros: u64,
    /// The same of changes at the start: of recorded slices, and of the first new one where other rules lie there.
    pub longest_change_at_start_micros: u64,
    /// Times that slices judged live took with which another epoch began, the change included.
    pub changing_slices: Histogram,
    /// Times that the others took.
    pub other_slices: Histogram,
    /// Records that wait to be cut.
    pub buffered: usize,
    /// Last slice judged.
    pub judged_seq: u64,
    /// Last slice committed.
    pub committed_seq: u64,
    /// For how long what was judged has waited without any confirmed commit.
    pub waits_for_commit: Duration,
    /// Low time, UTC milliseconds.
    pub low_time: Option<i64>,
    /// Offsets at the end of each partition not judged yet, as of the last fetch.
    pub lag: Vec<(TopicPartition, i64)>,
    /// Snapshots published.
    pub snapshots: u64,
    /// Snapshots that failed.
    pub snapshots_failed: u64,
    /// Bytes of the last snapshot.
    pub snapshot_bytes: u64,
    /// For how long the last snapshot held up the judging, microseconds.
    pub snapshot_stall_micros: u64,
    /// The longest of them.
    pub longest_snapshot_micros: u64,
}

impl Stats {
    /// Takes note of how long judging waited for a change of the epoch.
    pub(crate) fn note_change(&mut self, took: Duration, starting: bool) {
        let longest = if starting { &mut self.longest_change_at_start_micros } else { &mut self.longest_change_micros };
        *longest = micros(took).max(*longest);
    }

    /// Takes note of how long judging waited for a snapshot to be taken.
    pub(crate) fn note_snapshot(&mut self, took: Duration) {
        self.snapshot_stall_micros = micros(took);
        self.longest_snapshot_micros = self.longest_snapshot_micros.max(self.snapshot_stall_micros);
    }

    /// Slices judged live.
    pub fn slices(&self) -> u64 {
        self.changing_slices.count() + self.other_slices.count()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Hands a line of librdkafka's log on.
pub(crate) fn log_line(level: RDKafkaLogLevel, facility: &str, text: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::error!(target: "librdkafka", facility, "{text}");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{text}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(target: "librdkafka", facility, "{text}"),
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{text}"),
    }
}

/// Hands an error on that a client of librdkafka reports by itself; gives whether it sums up others. "All brokers are down"
/// comes by the dozen and says nothing that its cause has not said: that commits wait is told by the loop.
pub(crate) fn client_error(client: &'static str, error: &KafkaError, reason: &str) -> bool {
    let sums_up = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
    if sums_up {
        tracing::debug!(%error, reason, client, "kafka");
    } else {
        tracing::warn!(%error, reason, client, "kafka");
    }
    sums_up
}

#[cfg(test)]
mod tests;
