//! Both levels of monitoring over the retained rows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use mareva_model::{Detection, DetectionChange, Raises, Table, TransactionBatch};

use crate::accounts::Accounts;
use crate::error::Error;
use crate::evaluate::RuleFailure;
use crate::level::{Level, Rows};
use crate::retained::{RetainedRows, Spill};
use crate::ruleset::Ruleset;
use crate::signals::{Signal, Signals, table};
use crate::tables::{gather, row_numbers};

/// How long rows can matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How far below low time a row may be and still count, milliseconds.
    pub allowed_lateness_ms: i64,
    /// How far back alerts look on an account, milliseconds; rows are kept at least that long.
    pub lookback_ms: i64,
    /// Rows retained at most; beyond it the oldest are still kept, and `Sizes::over_budget` says so.
    pub max_rows: u64,
}

/// What a batch gave.
#[derive(Debug, Default, PartialEq)]
pub struct Monitored {
    /// Detections that came, changed or went: level one, then level two, each by (event time, row id, rule).
    pub changes: Vec<DetectionChange>,
    /// Detections that no later row can change any more.
    pub settled: Vec<Detection>,
    /// Rule evaluations that failed on a row; [`Monitor::rule_failures`] says which.
    pub rule_errors: u64,
}

/// What is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Transactions retained.
    pub rows: u64,
    /// Bytes of retained columns in memory, and of their indexes.
    pub retained_bytes: usize,
    /// Transactions on disk.
    pub rows_on_disk: u64,
    /// Bytes of them there.
    pub disk_bytes: u64,
    /// Keys on timelines, all dimensions.
    pub keys: usize,
    /// Rows on timelines, all dimensions.
    pub timeline_rows: usize,
    /// Bytes of facts.
    pub fact_bytes: usize,
    /// Standing signals.
    pub signals: usize,
    /// Standing detections.
    pub standing: usize,
    /// Whether more rows are retained than the budget allows.
    pub over_budget: bool,
}

/// Transaction monitoring: accepted batches in, detections out.
#[derive(Debug)]
pub struct Monitor {
    pub(crate) retained: RetainedRows,
    pub(crate) levels: [Level; 2],
    pub(crate) second: Level,
    pub(crate) signals: Signals,
    pub(crate) history_from: Option<i64>,
    ruleset: Ruleset,
    bounds: Bounds,
}

struct TableRows<'a> {
    retained: &'a RetainedRows,
    table: Table,
}

impl Rows for TableRows<'_> {
    fn gather(&self, rows: &[u64], columns: &[String]) -> Result<RecordBatch, ArrowError> {
        gather(self.retained, self.table, rows, columns)
    }
}

impl Monitor {
    /// Empty timelines for these rules; rows that memory does not hold go where `spill` says.
    ///
    /// # Errors
    /// When the rules do not compile; [`Ruleset::load`] has tried that before.
    pub fn new(
        ruleset: &Ruleset,
        accounts: Arc<Accounts>,
        bounds: Bounds,
        spill: Option<Spill>,
    ) -> Result<Self, Error> {
        let level = |table| -> Result<Level, Error> { Ok(Level::new(ruleset.program(table)?, accounts.clone())) };
        Ok(Self {
            retained: RetainedRows::with(spill),
            levels: [level(Table::Transactions)?, level(Table::Movements)?],
            second: level(Table::Signals)?,
            signals: Signals::default(),
            history_from: None,
            ruleset: ruleset.clone(),
            bounds,
        })
    }

    /// Whether all rows are there that were looked up.
    ///
    /// # Errors
    /// [`Error::Disk`] where one was not.
    pub fn intact(&self) -> Result<(), Error> {
        self.retained.failure().map_or(Ok(()), |kind| Err(Error::Disk(kind)))
    }

    /// The accepted rows still kept.
    pub fn retained(&self) -> &RetainedRows {
        &self.retained
    }

    /// Sizes of the state.
    pub fn sizes(&self) -> Sizes {
        let levels = || self.levels.iter().chain([&self.second]);
        let on_disk = self.retained.on_disk();
        let sizes = levels().flat_map(Level::sizes).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        Sizes {
            rows: self.retained.len(),
            retained_bytes: self.retained.bytes(),
            rows_on_disk: on_disk.0,
            disk_bytes: on_disk.1,
            keys: sizes.0,
            timeline_rows: sizes.1,
            fact_bytes: levels().map(Level::fact_bytes).sum(),
            signals: self.signals.len(),
            standing: levels().map(Level::standing_count).sum(),
            over_budget: self.retained.len() > self.bounds.max_rows,
        }
    }

    /// The evaluations that failed so far, on rows that were loaded too.
    pub fn rule_failures(&self) -> impl Iterator<Item = &RuleFailure> {
        self.levels.iter().chain([&self.second]).flat_map(|level| &level.failures)
    }

    /// Retains rows and puts them on the timelines without judging them: history before the stream begins.
    ///
    /// # Errors
    /// [`Error`] when a kernel fails.
    pub fn load(&mut self, batch: &TransactionBatch) -> Result<(), Error> {
        self.note_history(batch);
        let rows = self.retained.insert(batch);
        for level in &mut self.levels {
            let table = level.program.table;
            let numbers = row_numbers(table, rows.start, batch);
            level.load(&TableRows { retained: &self.retained, table }, &numbers)?;
        }
        Ok(())
    }

    fn note_history(&mut self, batch: &TransactionBatch) {
        let earliest = batch.event_time().values().iter().copied().min();
        self.history_from = self.history_from.into_iter().chain(earliest).min();
    }

    /// Judges accepted rows. `low_time` is the one after this batch; rows from `needed_from` on are kept whatever the rules
    /// need (both UTC milliseconds).
    ///
    /// # Errors
    /// [`Error`] when a kernel fails: nothing of it comes from the data.
    pub fn accept(
        &mut self,
        batch: &TransactionBatch,
        low_time: Option<i64>,
        needed_from: i64,
    ) -> Result<Monitored, Error> {
        let mut monitored = Monitored::default();
        self.note_history(batch);
        let rows = self.retained.insert(batch);
        let mut changes = Vec::new();
        for level in &mut self.levels {
            let table = level.program.table;
            if level.program.rules.is_empty() {
                continue;
            }
            let numbers = row_numbers(table, rows.start, batch);
            let judged = level.judge(&TableRows { retained: &self.retained, table }, &numbers, &[])?;
            monitored.rule_errors += judged.rule_errors();
            changes.extend(judged.changes.into_iter().map(|(_, change)| change));
        }
        sort_changes(&mut changes);
        let from = self.history_from;
        changes.retain(|change| enough_history(&self.ruleset, from, change.detection()));
        let second = self.second_level(&changes, &mut monitored.rule_errors)?;
        monitored.changes = changes;
        monitored.changes.extend(second);
        if let Some(low) = low_time {
            monitored.settled = self.settle(low - self.bounds.allowed_lateness_ms);
            self.expire(low - self.bounds.allowed_lateness_ms, needed_from)?;
        }
        self.intact()?;
        Ok(monitored)
    }

    fn second_level(&mut self, changes: &[DetectionChange], errors: &mut u64) -> Result<Vec<DetectionChange>, Error> {
        let (mut raised, mut withdrawn) = (Vec::new(), Vec::new());
        for change in changes {
            let detection = change.detection();
            if detection.rule.raises != Raises::Signal {
                continue;
            }
            let signal = Signal::of(detection, self.weight(&detection.rule.id));
            let before = self.signals.number(&signal.row_id);
            let same = before.and_then(|number| self.signals.get(number)) == Some(&signal);
            let keep = !matches!(change, DetectionChange::Withdrawn(_));
            if keep && same {
                continue;
            }
            withdrawn.extend(before);
            if keep {
                raised.push(self.signals.raise(signal));
            }
        }
        if raised.is_empty() && withdrawn.is_empty() {
            return Ok(Vec::new());
        }
        let judged = self.second.judge(&self.signals, &raised, &withdrawn)?;
        for number in withdrawn {
            self.signals.withdraw(number);
        }
        *errors += judged.rule_errors();
        let mut second: Vec<DetectionChange> = judged.changes.into_iter().map(|(_, change)| change).collect();
        sort_changes(&mut second);
        Ok(second)
    }

    fn weight(&self, rule: &str) -> i64 {
        self.levels.iter().flat_map(|l| &l.program.rules).find(|r| r.rule.id == rule).map_or(0, |r| r.weight)
    }

    /// Detections that stand before `before`, by (event time, row id, rule).
    fn settle(&mut self, before: i64) -> Vec<Detection> {
        let mut settled: Vec<Detection> = self.levels.iter_mut().flat_map(|level| level.settle(before)).collect();
        settled.extend(self.second.settle(self.signals_settled(before)));
        self.told(settled)
    }

    /// Until when signals are settled: that of a group may go, or move to a later row, until its window closes.
    fn signals_settled(&self, before: i64) -> i64 {
        before.saturating_sub(self.ruleset.longest_group())
    }

    /// Detections that stand and are not settled, by (event time, row id, rule): at the end of a finite input, all there are.
    pub fn standing(&self) -> Vec<Detection> {
        let levels = self.levels.iter().chain([&self.second]);
        self.told(levels.flat_map(|level| level.stands().cloned()).collect())
    }

    fn told(&self, mut detections: Vec<Detection>) -> Vec<Detection> {
        let from = self.history_from;
        detections.retain(|detection| enough_history(&self.ruleset, from, detection));
        detections.sort_by(|a, b| order(a).cmp(&order(b)));
        detections
    }

    /// Drops rows that no window and no alert can reach any more.
    fn expire(&mut self, before: i64, needed_from: i64) -> Result<(), Error> {
        let span = self.levels.iter().map(Level::span).max().unwrap_or(0).max(self.bounds.lookback_ms);
        let before_first = before.saturating_sub(span).min(needed_from);
        if self.retained.expires(before_first) {
            let gone = self.retained.expire(before_first);
            for (first, batch) in gone {
                self.forget(first, &batch, before_first)?;
            }
        }
        let before = self.signals_settled(before).saturating_sub(self.second.span());
        let stale = self.signals.expired(before);
        // Signals leave in batches: each pass over the timelines costs a look-up per key.
        if stale.len() > 1024 {
            let keep_from = self.signals.first_but(&stale);
            self.second.expire(&self.signals, &stale, before, keep_from)?;
            for number in stale {
                self.signals.withdraw(number);
            }
        }
        Ok(())
    }

    fn forget(&mut self, first: u64, batch: &TransactionBatch, before: i64) -> Result<(), Error> {
        let mut alone = RetainedRows::new();
        alone.start_at(first);
        alone.insert(batch);
        for level in &mut self.levels {
            let table = level.program.table;
            let numbers = row_numbers(table, first, batch);
            let end = alone.next() << u32::from(table == Table::Movements);
            level.expire(&TableRows { retained: &alone, table }, &numbers, before, end)?;
        }
        Ok(())
    }

    /// The signals that stand, as the table that rules see.
    ///
    /// # Errors
    /// When the columns cannot be built, which would be a fault of this crate.
    pub fn signals_table(&self) -> Result<RecordBatch, Error> {
        Ok(table(self.signals.all())?)
    }
}

fn enough_history(ruleset: &Ruleset, from: Option<i64>, detection: &Detection) -> bool {
    let needed = ruleset.needs_history(&detection.rule.id);
    needed == 0 || from.is_some_and(|from| detection.event_time.saturating_sub(from) >= needed)
}

fn order(detection: &Detection) -> (i64, &str, &str) {
    (detection.event_time, &detection.row_id, &detection.rule.id)
}

fn sort_changes(changes: &mut [DetectionChange]) {
    changes.sort_by(|a, b| order(a.detection()).cmp(&order(b.detection())));
}
