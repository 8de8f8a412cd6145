//! Sequencing, commit and recovery, without I/O and without a clock: `step(now, Input) -> Vec<Action>`.
//!
//! Start: look at the logs, fence, inspect them, open the judge on the newest usable snapshot, read the log since, judge
//! the recorded slices again with their output suppressed, go live. Live: cut slices from what arrived, gather what they
//! give, commit one transaction at a time while the judge goes on. After any doubt between begin and commit: look, fence,
//! inspect, and go on from what the broker really holds; the judge never goes back.
//!
//! Of two instances with one transactional id the one that fenced last goes on. The other ends when it meets the fence, or
//! when it looks and finds a record of another run: whoever would be fenced is looked for before it is done.

mod cut;
mod figures;
mod lane;
mod publish;
mod recover;
mod settle;
mod transaction;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use mareva_model::Digest;
use mareva_pipeline::{InputRecord, InputSlice};

pub use cut::Limits;
pub(crate) use cut::SLICES_AHEAD;
use cut::{Judging, LastRecord};
pub use figures::Figures;
use publish::JudgedSlice;
pub use transaction::{Step, Transaction};

use crate::{
    error::Error,
    judge::{Message, Verdict},
    record::{AlertDigest, AlertRevision, Cut, LastJudged, SequenceRecord, SliceRange, TopicPartition},
};
use lane::Lane;
use recover::Recorded;

/// The two clocks, read by whoever drives the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds on a clock that never goes back: deadlines.
    pub mono: u64,
    /// UTC milliseconds: ticks.
    pub wall: i64,
}

/// What a machine is built with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bounds and times.
    pub limits: Limits,
    /// Epoch of new slices.
    pub epoch: Digest,
    /// Others that the judge knows: recorded slices are judged again under their own.
    pub known_epochs: BTreeSet<Digest>,
    /// Name of this run, different in every run.
    pub writer: String,
    /// Its transactional id.
    pub transactional_id: String,
    /// Go on with a log that was written under another transactional id.
    pub take_over: bool,
    /// Stop when all that the topics held at the start is judged, ending with a slice that ends the input.
    pub until_end: bool,
    /// Go on where needed input is gone.
    pub accept_gap: bool,
    /// When the log was written under another epoch: judge its slices again under the new one, instead of refusing.
    pub replay_other_epoch: bool,
    /// Time between snapshots; `None` without a folder for them.
    pub snapshot_every: Option<Duration>,
    /// Time after which the broker ends an open transaction, and fences its producer.
    pub transaction_timeout: Duration,
}

/// Known end of a partition: first and next offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The partition.
    pub source: TopicPartition,
    /// First offset still there.
    pub low: i64,
    /// Offset after the last committed record.
    pub high: i64,
}

/// Records of one partition, ascending by offset.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The partition.
    pub source: TopicPartition,
    /// Its records.
    pub records: Vec<InputRecord>,
}

/// What the logs hold, read after fencing, committed data only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inspection {
    /// The last sequence record.
    pub last: Option<Box<SequenceRecord>>,
    /// Digests of the alerts from its `alerts_from` on (from the start when there is no record).
    pub visible: BTreeSet<AlertDigest>,
    /// Whether every offset from `alerts_from` on was still there to read.
    pub complete: bool,
}

/// Why a transaction is in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The broker says that a newer producer has taken our place, or that our transaction took too long.
    pub fenced: bool,
    /// For how long the transaction had been open.
    pub open_for: Duration,
    /// What was reported.
    pub reason: String,
}

/// What happens to the machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Start.
    Begin,
    /// A new producer is initialised; next offsets of the alerts topic.
    Fenced(BTreeMap<i32, i64>),
    /// Answer to [`Action::Inspect`].
    Inspected(Inspection),
    /// The judge holds the state after slice `seq` (0: empty), which ended at `positions`.
    Opened {
        /// Last slice in the state.
        seq: u64,
        /// Next offsets after it.
        positions: BTreeMap<TopicPartition, i64>,
        /// Digest of the history that it began with.
        history: Option<Digest>,
        /// What is in force in it.
        epoch: Digest,
    },
    /// New slices are judged under another epoch from now on: the judge is ready for it.
    Epoch(Digest),
    /// Answer to [`Action::ReadLog`].
    Log {
        /// Sequence records, ascending.
        records: Vec<SequenceRecord>,
        /// All input partitions.
        bounds: Vec<Bounds>,
    },
    /// Records arrived.
    Records(Block),
    /// The end of a partition is reached: its next offset.
    End(TopicPartition, i64),
    /// The offset asked for is gone; this is the first there.
    Gone(TopicPartition, i64),
    /// A partition reports an error that may pass.
    Trouble(TopicPartition, String),
    /// Partitions that were not there before.
    Partitions(Vec<Bounds>),
    /// What the slice gave.
    Judged(Verdict),
    /// The transaction is committed; next offsets of the alerts topic.
    Committed(BTreeMap<i32, i64>),
    /// The transaction may or may not be committed.
    Doubt(Doubt),
    /// A snapshot is complete under its temporary name.
    SnapshotWritten(u64),
    /// A snapshot has its final name.
    SnapshotPublished(u64),
    /// A snapshot could not be written.
    SnapshotFailed(u64),
    /// Finish what is under way, then stop.
    Stop,
    /// Time has passed.
    Clock,
}

/// What the machine wants done.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Drop the producer, initialise a new one. Answer: [`Input::Fenced`].
    Fence,
    /// Read the last sequence record and the alerts since. Answer: [`Input::Inspected`].
    Inspect,
    /// Open the judge on the newest snapshot with `seq` ≤ `not_after`, or empty. Answer: [`Input::Opened`].
    OpenJudge {
        /// Last slice that the snapshot may hold.
        not_after: u64,
    },
    /// Have the judge go on after this slice, without those that the log does not hold, and know what they published.
    Skip(u64, Vec<AlertRevision>),
    /// Read the sequence records of slices after `after`, and the bounds of the input. Answer: [`Input::Log`].
    ReadLog {
        /// Last slice not needed.
        after: u64,
    },
    /// Read these partitions from these offsets on, beside what is read already.
    Assign(Vec<(TopicPartition, i64)>),
    /// Read these partitions no longer, until they are assigned again.
    Pause(Vec<TopicPartition>),
    /// Replace the consumer by a new one that reads these partitions.
    Reopen(Vec<(TopicPartition, i64)>),
    /// Judge a slice, under its epoch. Answer: [`Input::Judged`], in the order of the slices.
    Judge {
        /// The slice.
        slice: InputSlice,
        /// Whether it was judged before, by an earlier run.
        replay: bool,
        /// What it published when it was judged under an epoch that the judge does not know, or with input that is gone now.
        published: Vec<AlertRevision>,
    },
    /// Carry out a transaction. Answer: [`Input::Committed`] or [`Input::Doubt`].
    Transact(Arc<Transaction>),
    /// Write the judge's state. Answer: [`Input::SnapshotWritten`] or [`Input::SnapshotFailed`].
    WriteSnapshot {
        /// Last slice in it.
        seq: u64,
        /// Next offsets after it.
        positions: BTreeMap<TopicPartition, i64>,
    },
    /// Give a written snapshot its final name. Answer: [`Input::SnapshotPublished`] or [`Input::SnapshotFailed`].
    PublishSnapshot(u64),
    /// All is committed and, where wanted, in a snapshot.
    Finish,
    /// Give up.
    Fail(Error),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Replaying,
    Live,
    Done,
}

/// State of the producer side.
#[derive(Debug, Clone, PartialEq)]
enum Publishing {
    /// Before fencing: whom would it hit?
    Looking,
    Fencing,
    Inspecting,
    Ready,
    InFlight(Arc<Transaction>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Snapshot {
    None,
    Writing,
    Written(u64),
    Publishing,
}

/// The state machine. See the module.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    phase: Phase,
    publishing: Publishing,
    snapshot: Snapshot,

    lanes: BTreeMap<TopicPartition, Lane>,
    buffered_records: usize,
    buffered_bytes: usize,
    last_clock: u64,
    reopens: u32,

    seq: u64,
    tick: i64,
    /// Under which the next slice is judged.
    epoch: Digest,
    /// Slices that are with the judge, in order.
    judging: VecDeque<Judging>,
    cut_last: bool,
    last_cut: u64,
    /// A slice is due, whether anything has come or not.
    asked: bool,
    ended: bool,
    ended_before: bool,
    stopping: bool,

    recorded: VecDeque<Recorded>,
    last_record: Option<SequenceRecord>,
    /// Digest of the history that the judge's state began with.
    history: Option<Digest>,
    /// Tick of the last slice of the log, and whether the input ended with it.
    last_slice: Option<(i64, bool)>,
    /// Whether a record is due though there may be nothing to publish.
    announce: bool,
    missing: BTreeSet<AlertDigest>,
    orphans: BTreeSet<AlertDigest>,
    reissue: Vec<Message>,
    gaps: Vec<Cut>,
    log_gap: Option<SliceRange>,

    uncommitted: VecDeque<JudgedSlice>,
    output_bytes: usize,
    alerts_waiting: bool,
    covered: BTreeMap<TopicPartition, i64>,
    last_judged: LastJudged,
    alert_ends: BTreeMap<i32, i64>,
    number: u64,
    committed_seq: u64,
    last_begin: u64,
    last_commit: Option<u64>,
    /// Since when what was judged waits for a confirmed commit.
    waits_since: Option<u64>,
    /// Whether the present producer has: then it was the one that the broker takes for ours.
    has_committed: bool,
    doubted: Option<Arc<Transaction>>,
    doubt_since: Option<u64>,
    doubt_reason: String,

    snapshot_seq: u64,
    last_snapshot: u64,
    snapshot_gave_up: bool,
    figures: Figures,
}

impl Machine {
    /// A machine that waits for [`Input::Begin`].
    pub fn new(settings: Settings) -> Self {
        Self {
            epoch: settings.epoch,
            settings,
            phase: Phase::Starting,
            publishing: Publishing::Looking,
            snapshot: Snapshot::None,
            lanes: BTreeMap::new(),
            buffered_records: 0,
            buffered_bytes: 0,
            last_clock: 0,
            reopens: 0,
            seq: 0,
            tick: i64::MIN,
            judging: VecDeque::new(),
            cut_last: false,
            last_cut: 0,
            asked: false,
            ended: false,
            ended_before: false,
            stopping: false,
            recorded: VecDeque::new(),
            last_record: None,
            history: None,
            last_slice: None,
            announce: false,
            missing: BTreeSet::new(),
            orphans: BTreeSet::new(),
            reissue: Vec::new(),
            gaps: Vec::new(),
            log_gap: None,
            uncommitted: VecDeque::new(),
            output_bytes: 0,
            alerts_waiting: false,
            covered: BTreeMap::new(),
            last_judged: LastJudged::new(),
            alert_ends: BTreeMap::new(),
            number: 0,
            committed_seq: 0,
            last_begin: 0,
            last_commit: None,
            waits_since: None,
            has_committed: false,
            doubted: None,
            doubt_since: None,
            doubt_reason: String::new(),
            snapshot_seq: 0,
            last_snapshot: 0,
            snapshot_gave_up: false,
            figures: Figures::default(),
        }
    }

    /// Takes an input; gives what is to be done, in order.
    pub fn step(&mut self, now: Now, input: Input) -> Vec<Action> {
        if self.phase == Phase::Done {
            return Vec::new();
        }
        let actions = match input {
            Input::Begin => Ok(vec![Action::Inspect]),
            Input::Fenced(ends) => self.fenced(ends),
            Input::Inspected(found) => self.inspected(now, found),
            Input::Opened { seq, positions, history, epoch } => self.opened(seq, positions, history, epoch),
            Input::Epoch(epoch) => Ok(self.go_under(epoch)),
            Input::Log { records, bounds } => self.log_read(now, records, bounds),
            Input::Records(block) => Ok(self.arrived(now, block)),
            Input::End(source, offset) => Ok(self.end_reached(now, &source, offset)),
            Input::Gone(source, low) => self.offset_gone(source, low),
            Input::Trouble(source, reason) => Ok(self.trouble(&source, reason)),
            Input::Partitions(bounds) => Ok(self.partitions_found(now, bounds)),
            Input::Judged(verdict) => self.judged(now, verdict),
            Input::Committed(ends) => Ok(self.committed(now, ends)),
            Input::Doubt(doubt) => self.doubt(now, doubt),
            Input::SnapshotWritten(seq) => Ok(self.snapshot_written(seq)),
            Input::SnapshotPublished(seq) => Ok(self.snapshot_published(seq)),
            Input::SnapshotFailed(_) => Ok(self.snapshot_failed()),
            Input::Stop => Ok(self.stop()),
            Input::Clock => self.clock(now),
        };
        match actions {
            Ok(mut actions) => {
                if self.can_finish() {
                    self.phase = Phase::Done;
                    actions.push(Action::Finish);
                }
                actions
            }
            Err(error) => {
                self.phase = Phase::Done;
                vec![Action::Fail(error)]
            }
        }
    }

    /// For how long nothing will happen by time alone, in milliseconds, at most 100.
    pub fn wait(&self, now: Now) -> u64 {
        if self.cut_last && self.judging.len() < SLICES_AHEAD || self.is_asked_now() {
            return 0;
        }
        let mut wait: u64 = if self.buffered_records > 0 && self.may_cut() { 10 } else { 100 };
        if self.phase == Phase::Live {
            let due = |since: u64, every: Duration| {
                let every = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
                since.saturating_add(every).saturating_sub(now.mono)
            };
            if !self.uncommitted.is_empty() && self.publishing == Publishing::Ready {
                let every = due(self.last_begin, self.settings.limits.commit_every);
                let gap = self.last_commit.map_or(0, |last| due(last, self.settings.limits.commit_gap));
                wait = wait.min(if self.alerts_waiting { gap } else { every.max(gap) }.max(1));
            }
            wait = wait.min(due(self.last_cut, self.settings.limits.idle_tick).max(1));
        }
        wait
    }

    /// Last slice whose output is committed.
    pub fn committed_seq(&self) -> u64 {
        self.committed_seq
    }

    /// Last slice of the newest snapshot that the run began with or gave its name; 0 without one.
    pub fn snapshot_seq(&self) -> u64 {
        self.snapshot_seq
    }

    /// Last slice judged.
    pub fn judged_seq(&self) -> u64 {
        self.seq - self.judging.len() as u64
    }

    /// Whether it judges new input (not recorded slices, not starting).
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Digest of the history that the judge's state began with.
    pub fn history(&self) -> Option<Digest> {
        self.history
    }

    /// Records that wait to be cut.
    pub fn buffered(&self) -> usize {
        self.buffered_records
    }

    /// Figures so far.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// Next offset to be judged, by partition; those that no slice has seen yet are not among them.
    pub fn positions(&self) -> BTreeMap<TopicPartition, i64> {
        let mut positions = self.covered.clone();
        let joined = self.lanes.iter().filter(|(_, lane)| lane.joined);
        positions.extend(joined.map(|(source, lane)| (source.clone(), lane.next)));
        positions
    }

    fn clock(&mut self, now: Now) -> Result<Vec<Action>, Error> {
        self.cut_last = false;
        let mut actions = Vec::new();
        if !matches!(self.phase, Phase::Live | Phase::Replaying) {
            return Ok(actions);
        }
        self.check_patience(now)?;
        actions.extend(self.check_progress(now)?);
        actions.extend(self.begin_transaction(now));
        actions.extend(self.begin_snapshot(now));
        actions.extend(self.read_on(now));
        actions.extend(self.cut(now));
        Ok(actions)
    }
}

#[cfg(test)]
mod tests;
