//! The whole product as one function.

mod decided;

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use mareva_model::{DetectionChange, Digest, Hit};
use mareva_monitoring::{Monitor, MonitorState, RetainedRows, Ruleset, Sizes};
use mareva_screening::Watchlist;
use serde::{Deserialize, Serialize};

use crate::alerts::{AlertBook, Relisting};
use crate::change::{Change, Outgrown, What};
use crate::config::{EpochFrame, Parts};
use crate::decoding::{DecodedSlice, ListsInForce, SliceDecoder};
use crate::error::Error;
use crate::history::History;
use crate::look_back::{LookBack, LookedBack, some_of};
use crate::low_time::LowTime;
use crate::prepare::{Prepared, Preparer};
use crate::reach::Reach;
use crate::screen::Screen;
use crate::slice::{InputSlice, Output};
pub(crate) use decided::Decided;

/// The path from records to alerts. `process` is pure: the same slices from the same state give the same output.
#[derive(Debug)]
pub struct Pipeline {
    parts: Parts,
    /// What an epoch is made of beside rules and lists.
    frame: EpochFrame,
    epoch: Digest,
    seq: u64,
    low_time: LowTime,
    lists: ListsInForce,
    decoder: SliceDecoder,
    screen: Screen,
    /// Hits in rows that were judged before, whose turn has not come.
    found_before: VecDeque<Hit>,
    /// Other lists whose first slice has not come, and what they found.
    relisted: Option<(Relisting, LookedBack)>,
    monitor: Monitor,
    alerts: AlertBook,
    history: History,
    reach: Reach,
}

/// First part of a snapshot; the alert book and the monitor follow.
#[derive(Serialize, Deserialize)]
struct Saved {
    format: u32,
    epoch: Digest,
    seq: u64,
    low_time: LowTime,
    history: History,
    reach: Reach,
    found_before: VecDeque<Hit>,
}

/// The state of a pipeline after a slice. To take it is quick; what takes long is to write it.
#[derive(Debug)]
pub struct Snapshot {
    head: Vec<u8>,
    alerts: Vec<u8>,
    monitor: MonitorState,
}

impl Snapshot {
    /// Writes it, on whatever thread.
    ///
    /// # Errors
    /// When writing fails, or reading rows that are on disk.
    pub fn write(self, out: &mut dyn Write) -> Result<(), Error> {
        write_part(out, &self.head)?;
        write_part(out, &self.alerts)?;
        Ok(self.monitor.write(out)?)
    }
}

/// Counts up with every change of the layout of snapshots.
const SNAPSHOT_FORMAT: u32 = 9;

impl Pipeline {
    /// An empty pipeline with these parts in force.
    ///
    /// # Errors
    /// When the rules do not compile.
    pub fn new(parts: Parts) -> Result<Self, Error> {
        let monitor = Monitor::new(&parts.ruleset, parts.accounts.clone(), parts.config.bounds(), parts.spill.clone())?;
        Ok(Self::assemble(parts, 0, LowTime::default(), monitor, None))
    }

    fn assemble(parts: Parts, seq: u64, low_time: LowTime, monitor: Monitor, alerts: Option<AlertBook>) -> Self {
        let frame = parts.frame();
        let epoch = frame.epoch(parts.ruleset.digest(), parts.watchlist.epoch());
        let lists = ListsInForce::new(Mutex::new(parts.watchlist.clone()));
        let mut config = parts.config.alerts.clone();
        config.epoch = epoch;
        let reach = Reach::of(&monitor, &parts.config);
        let mut pipeline = Self {
            frame,
            epoch,
            seq,
            low_time,
            decoder: SliceDecoder::new(&parts, lists.clone()),
            lists,
            found_before: VecDeque::new(),
            relisted: None,
            screen: Screen::new(parts.watchlist.clone()),
            monitor,
            alerts: alerts.unwrap_or_else(|| AlertBook::new(config)),
            history: History::default(),
            reach,
            parts,
        };
        pipeline.look_back(None);
        pipeline
    }

    /// Has rows retained, and alerts look back, as far as the windows of the rules reach.
    fn look_back(&mut self, low_time: Option<i64>) {
        let reach_ms = self.reach.at(low_time, &self.parts.config);
        self.alerts.set_reach(reach_ms);
        let unsettled_ms = self.monitor.unsettled_ms();
        self.alerts.set_lateness(self.parts.config.allowed_lateness_ms.saturating_add(unsettled_ms));
        self.monitor.look_back(self.parts.config.look_back(reach_ms));
    }

    /// Digest of everything in force.
    pub fn epoch(&self) -> Digest {
        self.epoch
    }

    /// The rules in force.
    pub fn ruleset(&self) -> &Arc<Ruleset> {
        &self.parts.ruleset
    }

    /// The lists in force.
    pub fn watchlist(&self) -> &Arc<Watchlist> {
        &self.parts.watchlist
    }

    /// Number of the last slice processed, 0 before the first.
    pub fn last_seq(&self) -> u64 {
        self.seq
    }

    /// What is kept in memory.
    pub fn sizes(&self) -> Sizes {
        self.monitor.sizes()
    }

    /// The accepted rows still kept.
    pub fn retained(&self) -> &RetainedRows {
        self.monitor.retained()
    }

    /// Transaction monitoring, for exports.
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Bytes → rows, verdicts, hits: the first half of [`Pipeline::process`].
    ///
    /// # Errors
    /// [`Error::Topic`] for a record of a topic that is not an input.
    pub fn prepare(&mut self, slice: &InputSlice) -> Result<Prepared, Error> {
        let decoded = self.decoder.decode(slice)?;
        self.prepare_decoded(slice, decoded)
    }

    fn prepare_decoded(&mut self, slice: &InputSlice, mut decoded: DecodedSlice) -> Result<Prepared, Error> {
        let decided = self.decide(slice, std::mem::take(&mut decoded.decisions))?;
        let preparer = Preparer {
            parts: &self.parts,
            screen: &mut self.screen,
            low_time: &mut self.low_time,
            retained: self.monitor.retained(),
            history: self.history,
        };
        preparer.prepare(decoded.under(self.parts.watchlist.epoch()), slice, decided)
    }

    /// A decoder of slices like its own, for whoever decodes them ahead.
    pub fn decoder(&self) -> SliceDecoder {
        SliceDecoder::new(&self.parts, self.lists.clone())
    }

    /// Rows → detections → alerts: the second half of [`Pipeline::process`].
    ///
    /// # Errors
    /// When a kernel fails.
    pub fn judge(&mut self, prepared: Prepared, end: bool) -> Result<Output, Error> {
        let Prepared { batches: accepted, mut hits, late, dead_letters, mut counts, low_time } = prepared;
        // What this slice brings may be long before the low time after it: alerts of it look back from where low time was.
        let so_far = self.alerts.low_time();
        self.look_back(so_far);
        let needed_from = so_far.map_or(i64::MIN, |low| self.alerts.needs_rows_from(low));
        let (mut changes, mut settled) = (Vec::<DetectionChange>::new(), Vec::new());
        for (number, batch) in accepted.iter().enumerate() {
            // Low time is the one after the whole slice: nothing settles and no row goes before all of it is in.
            let low_time = low_time.filter(|_| number + 1 == accepted.len());
            let monitored = self.monitor.accept(batch, low_time, needed_from)?;
            counts.rule_errors += monitored.rule_errors;
            changes.extend(monitored.changes);
            settled.extend(monitored.settled);
        }
        let (shadow, changes): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| change.detection().rule.shadow);
        let relisted = self.relisted.take();
        if let Some((relisting, _)) = &relisted {
            self.alerts.relist(relisting, self.monitor.retained());
        }
        hits.extend(some_of(&mut self.found_before, end));
        let mut alerts = self.alerts.apply(&accepted, &hits, &changes, self.monitor.retained());
        if end {
            settled.extend(self.monitor.at_end()?);
        }
        if low_time.is_some() || end {
            alerts.extend(self.alerts.close(self.monitor.retained(), low_time, end));
        }
        // An alert that a row is missing from is not published.
        self.monitor.intact()?;
        let settled_before = Some(self.monitor.settled_before()).filter(|before| *before > i64::MIN);
        let output = Output { alerts, dead_letters, late, hits, changes, shadow, accepted, ..Output::default() };
        let looked_back = relisted.map(|(_, found)| found);
        let has_more = !self.found_before.is_empty();
        let decisions_in_force = self.decisions().counts();
        Ok(Output { settled, settled_before, counts, low_time, looked_back, has_more, decisions_in_force, ..output })
    }

    /// Processes the next slice.
    ///
    /// # Errors
    /// [`Error::Sequence`] or [`Error::Epoch`] when the slice is not the next one under this epoch; other variants when
    /// the engine itself fails. Bad input is never an error.
    pub fn process(&mut self, slice: &InputSlice) -> Result<Output, Error> {
        let decoded = self.decoder.decode(slice)?;
        self.process_decoded(slice, decoded)
    }

    /// [`Pipeline::process`] of a slice that is decoded already, by [`Pipeline::decoder`].
    ///
    /// # Errors
    /// As [`Pipeline::process`].
    pub fn process_decoded(&mut self, slice: &InputSlice, decoded: DecodedSlice) -> Result<Output, Error> {
        if slice.seq != self.seq + 1 {
            return Err(Error::Sequence { expected: self.seq + 1, got: slice.seq });
        }
        if slice.epoch != self.epoch {
            return Err(Error::Epoch { expected: self.epoch.to_string(), got: slice.epoch.to_string() });
        }
        // Decisions are of the wall clock: their partitions do not hold low time.
        let is_of_transactions = |(topic, _): &&(Arc<str>, i32)| self.parts.config.streams.contains_key(topic.as_ref());
        for (topic, partition) in slice.joined.iter().filter(is_of_transactions) {
            self.low_time.join(topic, *partition, slice.tick);
        }
        let shorter = self.history.end_before(&decoded, &self.parts, &self.monitor)?;
        let history_cut = shorter.map(|(monitor, cut)| {
            self.monitor = monitor;
            self.look_back(None);
            cut
        });
        let prepared = self.prepare_decoded(slice, decoded)?;
        let output = self.judge(prepared, slice.end)?;
        self.seq = slice.seq;
        Ok(Output { history_cut, ..output })
    }

    /// What has to be done before these rules can take force. The pipeline goes on meanwhile.
    pub fn begin(&self, ruleset: Arc<Ruleset>) -> Change {
        let epoch = self.frame.epoch(ruleset.digest(), self.parts.watchlist.epoch());
        let backfill = Box::new(self.monitor.begin(&ruleset));
        Change { epoch, history: self.history, what: What::Rules(ruleset, backfill) }
    }

    /// What has to be done before these lists can take force. The pipeline goes on meanwhile.
    pub fn begin_lists(&self, watchlist: Arc<Watchlist>) -> Change {
        let epoch = self.frame.epoch(self.parts.ruleset.digest(), watchlist.epoch());
        let mut look_back = Box::new(LookBack::new(self.parts.watchlist.clone(), watchlist.clone()));
        look_back.take(self.monitor.retained());
        Change { epoch, history: self.history, what: What::Lists(watchlist, look_back) }
    }

    /// Hands over the rows accepted since and returns how many there were.
    pub fn hand_over(&self, change: &mut Change) -> u64 {
        match &mut change.what {
            What::Rules(_, backfill) => self.monitor.hand_over(backfill),
            What::Lists(_, look_back) => look_back.take(self.monitor.retained()),
        }
    }

    /// Rows that were accepted and not handed over.
    pub fn missing(&self, change: &Change) -> u64 {
        match &change.what {
            What::Rules(_, backfill) => self.monitor.missing(backfill),
            What::Lists(_, look_back) => look_back.missing(self.monitor.retained()),
        }
    }

    /// Whether it began under what is in force now: else it cannot be adopted.
    pub fn fits(&self, change: &Change) -> bool {
        if change.history != self.history {
            return false;
        }
        let (rules, lists) = (self.parts.ruleset.digest(), self.parts.watchlist.epoch());
        match &change.what {
            What::Rules(ruleset, backfill) => {
                self.monitor.fits(backfill) && change.epoch == self.frame.epoch(ruleset.digest(), lists)
            }
            What::Lists(watchlist, look_back) => {
                look_back.is_from(&self.parts.watchlist) && change.epoch == self.frame.epoch(rules, watchlist.epoch())
            }
        }
    }

    /// Puts rules or lists in force from the next slice on. Rows that are missing are added or looked through here, so there
    /// should be few.
    ///
    /// # Errors
    /// As [`Monitor::adopt`] and [`Change::run`]; [`Error::Epoch`] for a change that does not fit.
    pub fn adopt(&mut self, mut change: Change) -> Result<Outgrown, Error> {
        if !self.fits(&change) {
            return Err(Error::Epoch { expected: self.epoch.to_string(), got: change.epoch.to_string() });
        }
        self.hand_over(&mut change);
        let outgrown = match change.what {
            What::Rules(ruleset, backfill) => {
                let outgrown = self.monitor.adopt(*backfill, self.seq + 1)?;
                self.parts.ruleset = ruleset;
                self.reach.change(&self.monitor, &self.parts.config);
                Outgrown::Timelines(outgrown)
            }
            What::Lists(watchlist, look_back) => {
                let since = self.alerts.low_time().map(|low| low.saturating_sub(self.parts.config.lookback_ms));
                let (relisting, found, told) = look_back.finish(since)?;
                // What waits of an entry that is gone by now is no hit any more.
                self.found_before.retain(|hit| !relisting.loses(hit, self.monitor.retained()));
                self.found_before.extend(found);
                self.relisted = Some((relisting, told));
                self.screen.go_by(&watchlist);
                *self.lists.lock().unwrap_or_else(PoisonError::into_inner) = watchlist.clone();
                Outgrown::Lists(std::mem::replace(&mut self.parts.watchlist, watchlist))
            }
        };
        self.epoch = change.epoch;
        self.alerts.set_epoch(self.epoch);
        self.look_back(None);
        Ok(outgrown)
    }

    /// Goes on after slice `seq` with the state that is there, where those before it cannot be judged again.
    ///
    /// # Errors
    /// [`Error::Sequence`] when slices after it were processed already.
    pub fn skip_to(&mut self, seq: u64) -> Result<(), Error> {
        if seq < self.seq {
            return Err(Error::Sequence { expected: self.seq + 1, got: seq + 1 });
        }
        self.seq = seq;
        Ok(())
    }

    /// Takes note of alert revisions that were published for the slices until now, under another epoch or with input that is
    /// gone: the same alerts get later ones from now on, so that readers see each number once.
    pub fn published_before<'a>(&mut self, revisions: impl IntoIterator<Item = (&'a str, u32)>) {
        self.alerts.published_before(self.low_time.latest(), revisions);
    }

    /// Retains the accepted rows of a slice of history without judging them; its number and epoch do not count. The stream's
    /// low time does not come from it, and in history nothing is late. What reaches into the stream goes again with the
    /// first slice of that.
    ///
    /// # Errors
    /// As [`Pipeline::prepare`].
    pub fn load_history(&mut self, slice: &InputSlice) -> Result<Prepared, Error> {
        let decoded = self.decoder.decode(slice)?;
        let preparer = Preparer {
            parts: &self.parts,
            screen: &mut self.screen,
            low_time: &mut LowTime::default(),
            retained: self.monitor.retained(),
            history: self.history,
        };
        let prepared = preparer.prepare(decoded, slice, Decided::default())?;
        for batch in &prepared.batches {
            self.monitor.load(batch)?;
        }
        self.history.loaded(self.monitor.retained().next());
        Ok(prepared)
    }

    /// The state after the last slice, to be written while the pipeline goes on.
    ///
    /// # Errors
    /// When a part of it cannot be written as JSON, which would be a fault of ours.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        let saved = Saved {
            format: SNAPSHOT_FORMAT,
            epoch: self.epoch,
            seq: self.seq,
            low_time: self.low_time.clone(),
            history: self.history,
            reach: self.reach.clone(),
            found_before: self.found_before.clone(),
        };
        let head = serde_json::to_vec(&saved).map_err(unusable)?;
        let alerts = serde_json::to_vec(&self.alerts.state()).map_err(unusable)?;
        Ok(Snapshot { head, alerts, monitor: self.monitor.state()? })
    }

    /// Writes the state after the last slice.
    ///
    /// # Errors
    /// As [`Pipeline::snapshot`] and [`Snapshot::write`].
    pub fn write_snapshot(&self, out: &mut dyn Write) -> Result<(), Error> {
        self.snapshot()?.write(out)
    }

    /// The pipeline as it was when `input` was written, under the rules that were in force then; all else in force, lists among
    /// it, is to be the same. The rules of `parts` are only spared compiling where they are those.
    ///
    /// # Errors
    /// [`Error::Epoch`] under another epoch, [`Error::Snapshot`] when the bytes do not fit.
    pub fn restore(parts: Parts, input: &mut dyn Read) -> Result<Self, Error> {
        Self::restore_with(parts, input, |_| Ok(None))
    }

    /// [`Pipeline::restore`], under the lists that `lists` gives for the epoch of the snapshot; where it gives none, those of `parts`.
    ///
    /// # Errors
    /// As there, and those of `lists`.
    pub fn restore_with<E: From<Error>>(
        parts: Parts,
        input: &mut dyn Read,
        lists: impl FnOnce(Digest) -> Result<Option<Arc<Watchlist>>, E>,
    ) -> Result<Self, E> {
        let saved: Saved = serde_json::from_slice(&read_part(input)?).map_err(no_json)?;
        let parts = match lists(saved.epoch)? {
            Some(lists) => parts.with_lists(lists),
            None => parts,
        };
        Ok(Self::restore_from(saved, parts, input)?)
    }

    fn restore_from(saved: Saved, parts: Parts, input: &mut dyn Read) -> Result<Self, Error> {
        if saved.format != SNAPSHOT_FORMAT {
            return Err(Error::Snapshot(format!("format {} instead of {SNAPSHOT_FORMAT}", saved.format)));
        }
        let state = serde_json::from_slice(&read_part(input)?).map_err(no_json)?;
        let monitor =
            Monitor::read(&parts.ruleset, parts.accounts.clone(), parts.config.bounds(), parts.spill.clone(), input)?;
        let parts = parts.with_rules(Arc::new(monitor.ruleset().clone()));
        let epoch = parts.epoch();
        if saved.epoch != epoch {
            return Err(Error::Epoch { expected: epoch.to_string(), got: saved.epoch.to_string() });
        }
        let mut config = parts.config.alerts.clone();
        config.epoch = epoch;
        let alerts = AlertBook::restore(config, state);
        let assembled = Self::assemble(parts, saved.seq, saved.low_time, monitor, Some(alerts));
        let Saved { history, reach, found_before, .. } = saved;
        let mut pipeline = Self { history, reach, found_before, ..assembled };
        pipeline.screen.know_mules(pipeline.alerts.decisions().mules());
        pipeline.look_back(None);
        Ok(pipeline)
    }
}

fn unusable(error: impl std::fmt::Display) -> Error {
    Error::Snapshot(error.to_string())
}

/// Without the values that the message would hold.
fn no_json(error: serde_json::Error) -> Error {
    Error::Snapshot(format!("its JSON breaks off or does not fit at byte {}", error.column()))
}

fn write_part(out: &mut dyn Write, bytes: &[u8]) -> Result<(), Error> {
    out.write_all(&(bytes.len() as u64).to_le_bytes()).and_then(|()| out.write_all(bytes)).map_err(unusable)
}

fn read_part(input: &mut dyn Read) -> Result<Vec<u8>, Error> {
    let mut length = [0; 8];
    input.read_exact(&mut length).map_err(unusable)?;
    let mut bytes = Vec::new();
    // Reads at most what is there, whatever the length claims.
    input.take(u64::from_le_bytes(length)).read_to_end(&mut bytes).map_err(unusable)?;
    Ok(bytes)
}
