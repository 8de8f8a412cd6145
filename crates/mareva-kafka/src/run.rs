//! The loop that drives the machine with real clients. It runs on the caller's thread; consumer, producer and snapshot
//! writer have their own. Each waits only on its own queue.
use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use mareva_model::Digest;

use crate::{
    ahead::{Ahead, Cut},
    config::{EpochChange, RunConfig},
    error::Error,
    failpoint::Failpoint,
    judge::{Judge, JudgeError, Sink},
    machine::{Action, Input, Machine, Now, Settings, Transaction},
    mailbox::{Letter, Mailbox},
    outage::{Outage, Word},
    progress::{Progress, RunSummary},
    publisher::{self, Publisher, Request},
    record::{AlertRevision, SliceRange, TopicPartition},
    setup,
    snapshot::{SnapshotInfo, SnapshotStore, SnapshotWriter},
    source::{Ends, Source},
    startup,
    stats::Stats,
    tail::Tail,
};

/// Batches of records that wait between consumer and loop.
const CHUNKS: usize = 4;

/// Both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn now(self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let mono = self.0.elapsed().as_millis();
        Now { mono: u64::try_from(mono).unwrap_or(u64::MAX), wall: i64::try_from(wall).unwrap_or(i64::MAX) }
    }
}

/// Judges the input topics until `stop` is set (what is under way is finished and, where configured, a snapshot written),
/// until the end of the input if so configured, or until an error. `open` makes the judge: from the snapshot it is given,
/// or empty.
///
/// # Errors
/// Anything that keeps it from going on. All that is committed stays; started again, it goes on from there.
pub fn run<J: Judge>(
    config: &RunConfig,
    open: impl FnOnce(Option<&mut (dyn io::Read + Send)>) -> Result<J, JudgeError>,
    stop: &AtomicBool,
    observe: &mut dyn FnMut(&Progress<'_, J::Output>),
) -> Result<RunSummary, Error> {
    let first = config.topics.inputs.first().map_or(config.topics.sequence.as_str(), String::as_str);
    let Some(contact) = startup::contact_unless(stop, &config.connection, config.connect, first)? else {
        tracing::info!("stopping: no broker has answered yet");
        return Ok(RunSummary { stats: Stats::default(), positions: BTreeMap::new(), snapshot_seq: 0 });
    };
    setup::check_topics(&contact, config)?;
    drop(contact);
    let clock = Clock(Instant::now());
    let mailbox = Arc::new(Mailbox::new(CHUNKS));
    let snapshots = match &config.snapshots {
        None => None,
        Some(settings) => {
            let store = SnapshotStore::open(&settings.folder, settings.keep)?;
            let writer = SnapshotWriter::start(store.clone(), config.failpoints.clone(), &mailbox)?;
            Some((store, writer))
        }
    };
    let writer = writer_name(&config.transactional_id);
    let machine = Machine::new(Settings {
        limits: config.limits,
        epoch: config.epoch,
        known_epochs: config.known_epochs.clone(),
        writer: writer.clone(),
        transactional_id: config.transactional_id.clone(),
        take_over: config.take_over,
        until_end: config.until_end,
        accept_gap: config.accept_gap,
        replay_other_epoch: config.epoch_change == EpochChange::Replay,
        snapshot_every: config.snapshots.as_ref().map(|snapshots| snapshots.every),
        transaction_timeout: publisher::transaction_timeout(&config.connection)?,
    });
    let running = Running {
        config,
        clock,
        machine,
        publisher: Publisher::start(config, writer, &mailbox, clock)?,
        mailbox,
        source: None,
        ends: Ends::default(),
        snapshots,
        open: Some(open),
        judge: None,
        ahead: None,
        epochs: Vec::new(),
        in_flight: None,
        stats: Stats::default(),
        observe,
        finished: false,
    };
    running.drive(stop)
}

/// A name that no other run has.
fn writer_name(transactional_id: &str) -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let text = format!("{transactional_id}/{}/{nanos}", std::process::id());
    mareva_model::digest(text.as_bytes()).to_string()[..16].to_owned()
}

struct Running<'a, J: Judge, F> {
    config: &'a RunConfig,
    clock: Clock,
    machine: Machine,
    publisher: Publisher,
    mailbox: Arc<Mailbox>,
    source: Option<Source>,
    ends: Ends,
    snapshots: Option<(SnapshotStore, SnapshotWriter)>,
    open: Option<F>,
    judge: Option<J>,
    ahead: Option<Ahead<J::Decoded>>,
    /// Epochs, each with the last slice before it began, from the state on that the run began with.
    epochs: Vec<(u64, Digest)>,
    in_flight: Option<Arc<Transaction>>,
    stats: Stats,
    observe: &'a mut dyn FnMut(&Progress<'_, J::Output>),
    finished: bool,
}

impl<J, F> Running<'_, J, F>
where
    J: Judge,
    F: FnOnce(Option<&mut (dyn io::Read + Send)>) -> Result<J, JudgeError>,
{
    fn drive(mut self, stop: &AtomicBool) -> Result<RunSummary, Error> {
        let (mut stopped, mut live, mut second) = (false, false, Instant::now());
        let mut outage = Outage::default();
        self.apply(Input::Begin)?;
        while !self.finished {
            let wait = Duration::from_millis(self.machine.wait(self.clock.now()));
            for letter in self.mailbox.take(self.machine.wants_records(), wait) {
                self.receive(letter)?;
            }
            if stop.load(Ordering::Relaxed) && !std::mem::replace(&mut stopped, true) {
                tracing::info!("stopping: finishing what is under way");
                self.apply(Input::Stop)?;
            }
            if self.machine.is_live() {
                self.change_epoch()?;
            }
            self.apply(Input::Clock)?;
            if self.machine.is_live() && !std::mem::replace(&mut live, true) {
                self.measure();
                tracing::info!(replayed = self.stats.figures.replayed, seq = self.machine.judged_seq(), "live");
                (self.observe)(&Progress::Live { stats: &self.stats });
            }
            if second.elapsed() >= Duration::from_secs(1) {
                second = Instant::now();
                self.measure();
                self.tell(outage.see(self.stats.waits_for_commit));
                (self.observe)(&Progress::Second { stats: &self.stats });
            }
        }
        self.source = None;
        self.measure();
        let positions = self.machine.positions();
        Ok(RunSummary { stats: self.stats, positions, snapshot_seq: self.machine.snapshot_seq() })
    }

    fn receive(&mut self, letter: Letter) -> Result<(), Error> {
        match letter {
            Letter::Failed(error) => Err(error),
            Letter::Decoded => {
                let judged = self.judge_next()?;
                self.apply(judged)
            }
            Letter::Committed { input, at, took } => {
                if let Some(transaction) = self.in_flight.take() {
                    self.account(&transaction, at, took);
                }
                self.apply(input)
            }
            Letter::Input(input) => {
                match &input {
                    Input::Doubt(doubt) => tracing::warn!(reason = doubt.reason, "transaction in doubt, recovering"),
                    Input::SnapshotPublished(seq) => {
                        self.stats.snapshots += 1;
                        self.stats.snapshot_bytes = self.snapshots.as_ref().map_or(0, |(_, writer)| writer.bytes());
                        self.tell_epochs()?;
                        tracing::info!(seq, bytes = self.stats.snapshot_bytes, "snapshot published");
                    }
                    Input::SnapshotFailed(_) => self.stats.snapshots_failed += 1,
                    _ => {}
                }
                self.apply(input)
            }
        }
    }

    fn apply(&mut self, input: Input) -> Result<(), Error> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for action in self.machine.step(self.clock.now(), input) {
                inputs.extend(self.perform(action)?);
            }
        }
        Ok(())
    }

    fn perform(&mut self, action: Action) -> Result<Option<Input>, Error> {
        match action {
            Action::Fence => self.publisher.ask(Request::Fence)?,
            Action::Inspect => self.publisher.ask(Request::Inspect)?,
            Action::Transact(transaction) => {
                self.in_flight = Some(transaction.clone());
                self.publisher.ask(Request::Transact(transaction))?;
            }
            Action::OpenJudge { not_after } => return self.open_judge(not_after).map(Some),
            Action::Skip(to, published) => self.skip(to, &published)?,
            Action::ReadLog { after } => return self.read_log(after).map(Some),
            Action::Assign(partitions) => {
                if self.source.is_none() {
                    self.source = Some(Source::start(self.config, &self.mailbox, &self.ends)?);
                }
                if let Some(source) = &self.source {
                    source.assign(partitions)?;
                }
            }
            Action::Pause(partitions) => {
                if let Some(source) = &self.source {
                    source.pause(partitions)?;
                }
            }
            Action::Reopen(partitions) => {
                tracing::warn!("no progress though there is more to read: replacing the consumer");
                self.source = None;
                let source = Source::start(self.config, &self.mailbox, &self.ends)?;
                source.assign(partitions)?;
                self.source = Some(source);
            }
            Action::Judge { slice, replay, published } => {
                self.ahead.as_ref().ok_or(Error::ThreadLost("mareva"))?.decode(Cut { slice, replay, published })?;
            }
            Action::WriteSnapshot { seq, positions } => return self.write_snapshot(seq, &positions),
            Action::PublishSnapshot(seq) => {
                self.snapshots.as_ref().map_or(Ok(()), |(_, writer)| writer.publish(seq))?;
            }
            Action::Finish => self.finished = true,
            Action::Fail(error) => return Err(error),
        }
        Ok(None)
    }

    fn open_judge(&mut self, not_after: u64) -> Result<Input, Error> {
        let found = match &self.snapshots {
            Some((store, _)) => store.newest(not_after, &|epoch| self.machine.knows(epoch))?,
            None => None,
        };
        let open = self.open.take().ok_or(Error::ThreadLost("mareva"))?;
        match found {
            None => {
                let judge = open(None).map_err(|error| Error::Open { at: None, error })?;
                let (history, epoch) = (judge.history(), judge.epoch());
                self.take_on(judge)?;
                self.epochs.push((0, epoch));
                Ok(Input::Opened { seq: 0, positions: BTreeMap::new(), history, epoch })
            }
            Some((info, path, mut state)) => {
                tracing::info!(seq = info.seq, path = %path.display(), "restoring snapshot");
                let opened = open(Some(&mut state));
                let judge = opened.map_err(|error| Error::Open { at: Some(path), error })?;
                let epoch = judge.epoch();
                self.take_on(judge)?;
                self.epochs.push((info.seq, epoch));
                Ok(Input::Opened { seq: info.seq, positions: info.next_offsets(), history: info.history, epoch })
            }
        }
    }

    fn take_on(&mut self, judge: J) -> Result<(), Error> {
        self.ahead = Some(Ahead::start(judge.decoder(), &self.mailbox)?);
        self.judge = Some(judge);
        Ok(())
    }

    fn skip(&mut self, to: u64, published: &[AlertRevision]) -> Result<(), Error> {
        let judge = self.judge.as_mut().ok_or(Error::ThreadLost("mareva"))?;
        judge.skip_to(to).map_err(|error| Error::Judge { seq: to, error })?;
        judge.published_before(published);
        tracing::warn!(
            to,
            "recorded slices are gone from the sequence topic: going on after this one without their state"
        );
        Ok(())
    }

    fn read_log(&mut self, after: u64) -> Result<Input, Error> {
        let patience = Duration::from_secs(30);
        let mut tail = Tail::open(&self.config.connection, &self.config.topics, patience)?;
        let records = tail.records_after(after)?;
        if let Some(recorded) = records.last().and_then(|last| last.history)
            && self.machine.history() != Some(recorded)
        {
            tracing::warn!(%recorded, "the log rests on another history: going on with other rows to look back on");
        }
        let contact = startup::contact(&self.config.connection, patience, &self.config.topics.sequence)?;
        let partitions = startup::partitions(contact.client(), &self.config.topics.inputs, patience)?;
        let bounds: Result<Vec<_>, _> =
            partitions.iter().map(|at| startup::bounds(contact.client(), at, patience)).collect();
        let bounds = bounds?;
        if let Some(last) = records.last() {
            tail.check_last_judged(last, &bounds)?;
        }
        Ok(Input::Log { records, bounds })
    }

    /// Judges the next slice that is decoded.
    fn judge_next(&mut self) -> Result<Input, Error> {
        let (Cut { slice, replay, published }, decoded) =
            self.ahead.as_ref().ok_or(Error::ThreadLost("mareva"))?.take()?;
        let slice = &slice;
        let failed = |error| Error::Judge { seq: slice.seq, error };
        let decoded = decoded.map_err(failed)?;
        let judge = self.judge.as_mut().ok_or(Error::ThreadLost("mareva"))?;
        let mut began = Instant::now();
        let changes = slice.epoch != judge.epoch();
        // The first new slice may be under other rules than the recorded ones: that too is a part of the start.
        let starting = replay || self.stats.slices() == 0;
        if changes {
            judge.adopt(slice.epoch).map_err(failed)?;
            self.epochs.push((slice.seq - 1, slice.epoch));
            self.stats.epoch_changes += 1;
            self.stats.note_change(began.elapsed(), starting);
            if starting {
                began = Instant::now();
            }
            tracing::info!(seq = slice.seq, epoch = %slice.epoch, replay, "another epoch from this slice on");
        }
        let output = judge.process(slice, decoded).map_err(failed)?;
        let verdict = judge.verdict(slice, &output);
        judge.published_before(&published);
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let stats = &mut self.stats;
        stats.low_time = verdict.low_time;
        stats.judged_seq = slice.seq;
        if replay {
            self.config.failpoints.pass(Failpoint::DuringReplay);
        } else {
            stats.judging_micros += took;
            stats.longest_slice_micros = stats.longest_slice_micros.max(took);
            let of_kind = if changes && !starting { &mut stats.changing_slices } else { &mut stats.other_slices };
            of_kind.record(took.div_ceil(1_000));
            stats.records += slice.records.len() as u64;
            stats.bytes += slice.records.iter().map(|record| record.payload.len() as u64).sum::<u64>();
            stats.counts += &verdict.counts;
        }
        (self.observe)(&Progress::Judged { slice, output: &output, replay, stats: &self.stats });
        Ok(Input::Judged(verdict))
    }

    fn account(&mut self, transaction: &Transaction, at: Now, took: u64) {
        let stats = &mut self.stats;
        stats.commit.record(took / 1_000);
        for message in &transaction.messages {
            match message.sink {
                Sink::Alerts => {
                    stats.alerts += 1;
                    if let Some(append_time) = message.append_time {
                        let latency = at.wall.saturating_sub(append_time).max(0);
                        stats.append_to_alert.record(u64::try_from(latency).unwrap_or(0));
                    }
                }
                Sink::DeadLetters => stats.dead_letters += 1,
                Sink::Late => stats.late += 1,
                Sink::Sequence => continue,
            }
            stats.published += 1;
        }
        for gap in &transaction.record.gaps {
            let (topic, partition, from, to) = (&gap.topic, gap.partition, gap.from, gap.to);
            tracing::warn!(%topic, partition, from, to, "input is gone and was not judged; the sequence topic says so");
        }
        if let Some(SliceRange { from, to }) = transaction.record.log_gap {
            tracing::warn!(from, to, "slices are gone from the sequence topic and not in the state; the topic says so");
        }
        stats.committed_seq = transaction.record.last_seq;
        (self.observe)(&Progress::Committed { transaction, stats: &self.stats });
    }

    fn write_snapshot(&mut self, seq: u64, positions: &BTreeMap<TopicPartition, i64>) -> Result<Option<Input>, Error> {
        let (Some((_, writer)), Some(judge)) = (&self.snapshots, &self.judge) else {
            return Ok(Some(Input::SnapshotFailed(seq)));
        };
        let began = Instant::now();
        let info = SnapshotInfo::new(seq, judge.epoch(), self.machine.history(), positions);
        let taken = judge.snapshot();
        self.stats.note_snapshot(began.elapsed());
        match taken {
            Ok(state) => writer.write(info, state)?,
            Err(error) => {
                tracing::error!(seq, %error, "cannot take a snapshot");
                self.stats.snapshots_failed += 1;
                return Ok(Some(Input::SnapshotFailed(seq)));
            }
        }
        Ok(None)
    }

    /// Has the next slice judged under another epoch where the judge is ready for it.
    fn change_epoch(&mut self) -> Result<(), Error> {
        let began = Instant::now();
        let next = self.judge.as_mut().and_then(J::next_epoch);
        self.stats.note_change(began.elapsed(), false);
        next.map_or(Ok(()), |epoch| self.apply(Input::Epoch(epoch)))
    }

    /// Tells the judge which epochs a later start may ask for. Those of snapshots from before this run are not known.
    fn tell_epochs(&mut self) -> Result<(), Error> {
        let (Some((store, _)), Some(judge)) = (&self.snapshots, &mut self.judge) else { return Ok(()) };
        let oldest = store.oldest()?.unwrap_or(0);
        let first = self.epochs.partition_point(|(last_before, _)| *last_before < oldest);
        if let Some(first) = first.checked_sub(1) {
            self.epochs.drain(..first);
            judge.epochs_in_use(&self.epochs.iter().map(|(_, epoch)| *epoch).collect());
        }
        Ok(())
    }

    fn tell(&self, word: Option<Word>) {
        let slices = self.machine.judged_seq().saturating_sub(self.machine.committed_seq());
        match word {
            None => {}
            Some(Word::Waits(waits)) => tracing::warn!(
                seconds = waits.as_secs(),
                slices,
                "nothing is committed: the brokers are not reached, or refuse; trying on"
            ),
            Some(Word::Back(after)) => tracing::info!(seconds = after.as_secs(), "commits come again"),
        }
    }

    fn measure(&mut self) {
        self.stats.figures = self.machine.figures();
        self.stats.buffered = self.machine.buffered();
        self.stats.committed_seq = self.machine.committed_seq();
        self.stats.waits_for_commit = self.machine.waits_for_commit(self.clock.now());
        let positions = self.machine.positions();
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let lag = |(at, end): &(TopicPartition, i64)| Some((at.clone(), (end - positions.get(at)?).max(0)));
        self.stats.lag = ends.iter().filter_map(lag).collect();
    }
}
