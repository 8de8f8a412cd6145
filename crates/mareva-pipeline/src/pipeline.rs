//! The whole product as one function.

use std::io::{Read, Write};

use mareva_codec::Decoder;
use mareva_model::Digest;
use mareva_monitoring::{Monitor, RetainedRows, Sizes};
use serde::{Deserialize, Serialize};

use crate::alerts::AlertBook;
use crate::config::Parts;
use crate::error::Error;
use crate::history::History;
use crate::low_time::LowTime;
use crate::prepare::{Prepared, Preparer};
use crate::screen::Screen;
use crate::slice::{InputSlice, Output};

/// The path from records to alerts. `process` is pure: the same slices from the same state give the same output.
#[derive(Debug)]
pub struct Pipeline {
    parts: Parts,
    epoch: Digest,
    seq: u64,
    low_time: LowTime,
    decoder: Decoder,
    screen: Screen,
    monitor: Monitor,
    alerts: AlertBook,
    history: History,
}

/// First part of a snapshot; the alert book and the monitor follow.
#[derive(Serialize, Deserialize)]
struct Saved {
    format: u32,
    epoch: Digest,
    seq: u64,
    low_time: LowTime,
    history: History,
}

/// Counts up with every change of the layout of snapshots.
const SNAPSHOT_FORMAT: u32 = 4;

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
        let epoch = parts.epoch();
        let mut config = parts.config.alerts.clone();
        config.epoch = epoch;
        Self {
            epoch,
            seq,
            low_time,
            decoder: Decoder::new(parts.config.limits.clone()),
            screen: Screen::new(parts.watchlist.clone()),
            monitor,
            alerts: alerts.unwrap_or_else(|| AlertBook::new(config)),
            history: History::default(),
            parts,
        }
    }

    /// Digest of everything in force.
    pub fn epoch(&self) -> Digest {
        self.epoch
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
        let preparer = Preparer {
            parts: &self.parts,
            screen: &mut self.screen,
            low_time: &mut self.low_time,
            retained: self.monitor.retained(),
            history: self.history,
        };
        preparer.prepare(&mut self.decoder, slice)
    }

    /// Rows → detections → alerts: the second half of [`Pipeline::process`].
    ///
    /// # Errors
    /// When a kernel fails.
    pub fn judge(&mut self, prepared: Prepared, end: bool) -> Result<Output, Error> {
        let Prepared { batches: accepted, hits, late, dead_letters, mut counts, low_time } = prepared;
        let needed_from = low_time.map_or(i64::MIN, |low| self.alerts.needs_rows_from(low));
        let (mut changes, mut settled) = (Vec::new(), Vec::new());
        for (number, batch) in accepted.iter().enumerate() {
            // Low time is the one after the whole slice: nothing settles and no row goes before all of it is in.
            let low_time = low_time.filter(|_| number + 1 == accepted.len());
            let monitored = self.monitor.accept(batch, low_time, needed_from)?;
            counts.rule_errors += monitored.rule_errors;
            changes.extend(monitored.changes);
            settled.extend(monitored.settled);
        }
        let mut alerts = self.alerts.apply(&accepted, &hits, &changes, self.monitor.retained());
        if end {
            settled.extend(self.monitor.standing());
        }
        if low_time.is_some() || end {
            alerts.extend(self.alerts.close(self.monitor.retained(), low_time, end));
        }
        // An alert that a row is missing from is not published.
        self.monitor.intact()?;
        Ok(Output { alerts, dead_letters, late, hits, changes, accepted, settled, counts, low_time, history_cut: None })
    }

    /// Processes the next slice.
    ///
    /// # Errors
    /// [`Error::Sequence`] or [`Error::Epoch`] when the slice is not the next one under this epoch; other variants when
    /// the engine itself fails. Bad input is never an error.
    pub fn process(&mut self, slice: &InputSlice) -> Result<Output, Error> {
        if slice.seq != self.seq + 1 {
            return Err(Error::Sequence { expected: self.seq + 1, got: slice.seq });
        }
        if slice.epoch != self.epoch {
            return Err(Error::Epoch { expected: self.epoch.to_string(), got: slice.epoch.to_string() });
        }
        for (topic, partition) in &slice.joined {
            self.low_time.join(topic, *partition, slice.tick);
        }
        let shorter = self.history.end_before(slice, &mut self.decoder, &self.parts, &self.monitor)?;
        let history_cut = shorter.map(|(monitor, cut)| {
            self.monitor = monitor;
            cut
        });
        let prepared = self.prepare(slice)?;
        let output = self.judge(prepared, slice.end)?;
        self.seq = slice.seq;
        Ok(Output { history_cut, ..output })
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
        let preparer = Preparer {
            parts: &self.parts,
            screen: &mut self.screen,
            low_time: &mut LowTime::default(),
            retained: self.monitor.retained(),
            history: self.history,
        };
        let prepared = preparer.prepare(&mut self.decoder, slice)?;
        for batch in &prepared.batches {
            self.monitor.load(batch)?;
        }
        self.history.loaded(self.monitor.retained().next());
        Ok(prepared)
    }

    /// Writes the state after the last slice.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write_snapshot(&self, out: &mut dyn Write) -> Result<(), Error> {
        let saved = Saved {
            format: SNAPSHOT_FORMAT,
            epoch: self.epoch,
            seq: self.seq,
            low_time: self.low_time.clone(),
            history: self.history,
        };
        write_part(out, &serde_json::to_vec(&saved).map_err(unusable)?)?;
        write_part(out, &serde_json::to_vec(&self.alerts.state()).map_err(unusable)?)?;
        self.monitor.write(out)?;
        Ok(())
    }

    /// The pipeline as it was when `input` was written, under the same epoch.
    ///
    /// # Errors
    /// [`Error::Epoch`] under another epoch, [`Error::Snapshot`] when the bytes do not fit.
    pub fn restore(parts: Parts, input: &mut dyn Read) -> Result<Self, Error> {
        let saved: Saved = serde_json::from_slice(&read_part(input)?).map_err(no_json)?;
        let epoch = parts.epoch();
        if saved.epoch != epoch {
            return Err(Error::Epoch { expected: epoch.to_string(), got: saved.epoch.to_string() });
        }
        if saved.format != SNAPSHOT_FORMAT {
            return Err(Error::Snapshot(format!("format {} instead of {SNAPSHOT_FORMAT}", saved.format)));
        }
        let mut config = parts.config.alerts.clone();
        config.epoch = epoch;
        let state = serde_json::from_slice(&read_part(input)?).map_err(no_json)?;
        let alerts = AlertBook::restore(config, state);
        let monitor =
            Monitor::read(&parts.ruleset, parts.accounts.clone(), parts.config.bounds(), parts.spill.clone(), input)?;
        let history = saved.history;
        Ok(Self { history, ..Self::assemble(parts, saved.seq, saved.low_time, monitor, Some(alerts)) })
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
