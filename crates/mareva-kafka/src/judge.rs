//! What judges the slices.
use std::{collections::BTreeSet, error::Error as StdError, io};

use mareva_model::Digest;
use mareva_pipeline::{Counts, InputSlice};

use crate::record::{AlertDigest, AlertRevision};

/// What a judge reports when it cannot go on. The run ends with it.
pub type JudgeError = Box<dyn StdError + Send + Sync>;

/// A pure function over numbered slices: the same slices give the same bytes. The pipeline is one
/// ([`crate::PipelineJudge`]); the bare consume-and-count loop of the benches is another.
pub trait Judge {
    /// What a slice gives, before it is encoded: shown to the observer.
    type Output;

    /// What a slice holds, decoded.
    type Decoded: Send + 'static;

    /// Digest of all that is in force.
    fn epoch(&self) -> Digest;

    /// Digest of the history that it was seeded with when it was opened without a snapshot. None for a judge that looks back on
    /// nothing from before the stream.
    fn history(&self) -> Option<Digest> {
        None
    }

    /// What decodes the slices, on a thread of its own, while those before are judged.
    fn decoder(&self) -> Decode<Self::Decoded>;

    /// Judges a slice. Slices come in order of their numbers, each once.
    ///
    /// # Errors
    /// Whatever keeps it from going on; bad input is not among it.
    fn process(&mut self, slice: &InputSlice, decoded: Self::Decoded) -> Result<Self::Output, JudgeError>;

    /// Other rules that are ready to take force: their epoch, under which the next new slice is judged. Asked between slices of a
    /// live run; what takes long is done elsewhere. None for a judge that knows one epoch.
    fn next_epoch(&mut self) -> Option<Digest> {
        None
    }

    /// Goes on under another epoch from the next slice on: one that it has named, or one of the log that it was said to know.
    ///
    /// # Errors
    /// It does not know that epoch, or cannot do it.
    fn adopt(&mut self, epoch: Digest) -> Result<(), JudgeError> {
        Err(format!("epoch {epoch} is asked for, and this judge knows {} alone", self.epoch()).into())
    }

    /// Learns which epochs the snapshots and the slices of the log after the oldest of them were judged under. What others name
    /// need not be kept.
    fn epochs_in_use(&mut self, _epochs: &BTreeSet<Digest>) {}

    /// Goes on after slice `seq`, with the state it has: those before it that it has not judged are gone from the log, and an
    /// operator has accepted that.
    ///
    /// # Errors
    /// It is beyond that slice already.
    fn skip_to(&mut self, seq: u64) -> Result<(), JudgeError>;

    /// Takes note of revisions that were published for the slice just judged, or skipped, and that it may not have given itself
    /// (under another epoch, or with input that is gone): the same alerts get later ones from now on. Nothing to do for a
    /// judge whose alerts have no revisions.
    fn published_before(&mut self, _revisions: &[AlertRevision]) {}

    /// The records to publish for what a slice gave, in the order to publish them.
    fn verdict(&self, slice: &InputSlice, output: &Self::Output) -> Verdict;

    /// The state after the last slice. Judging waits for it, and not for its being written, which another thread does.
    ///
    /// # Errors
    /// Its own.
    fn snapshot(&self) -> Result<WriteState, JudgeError>;
}

/// Decodes a slice. What it gives depends on the slice alone.
pub type Decode<D> = Box<dyn FnMut(&InputSlice) -> Result<D, JudgeError> + Send>;

/// Writes a state that was taken. It fails with the errors of the writer, and its own.
pub type WriteState = Box<dyn FnOnce(&mut dyn io::Write) -> Result<(), JudgeError> + Send>;

/// Topic that a message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sink {
    /// Alert revisions.
    Alerts,
    /// Refused records and transactions.
    DeadLetters,
    /// Transactions too late for the rules.
    Late,
    /// Sequence records.
    Sequence,
}

/// A record to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Topic.
    pub sink: Sink,
    /// Kafka key.
    pub key: Option<Vec<u8>>,
    /// Kafka value.
    pub payload: Vec<u8>,
    /// Append time at the broker of the input record that gave rise to it, UTC milliseconds; `None` when time alone did.
    pub append_time: Option<i64>,
}

impl Message {
    /// The digest that the sequence record lists, of an alert.
    pub fn digest(&self) -> AlertDigest {
        AlertDigest::of(&self.payload)
    }

    /// Bytes it takes in memory and on the wire, about.
    pub fn bytes(&self) -> usize {
        self.payload.len() + self.key.as_ref().map_or(0, Vec::len) + 64
    }
}

/// What is to be published for a slice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Alerts, dead letters and late rows, in order.
    pub messages: Vec<Message>,
    /// Ids and revisions of the alerts among them, in the same order; none where alerts have no revisions.
    pub revisions: Vec<AlertRevision>,
    /// What became of the transactions.
    pub counts: Counts,
    /// Low time after the slice, UTC milliseconds.
    pub low_time: Option<i64>,
    /// Whether the next slice brings more, though nothing has come.
    pub has_more: bool,
}
