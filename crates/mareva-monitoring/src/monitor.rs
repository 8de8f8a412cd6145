//! Both levels of monitoring over the retained rows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use mareva_model::{Detection, DetectionChange, Table, TransactionBatch};

use crate::accounts::Accounts;
use crate::backfill::{Backfill, FIRST, Outgrown};
use crate::error::Error;
use crate::evaluate::RuleFailure;
use crate::in_force::{InForce, Moment, Tenure};
use crate::level::{Level, Rows};
use crate::retained::{RetainedRows, Spill};
use crate::ruleset::Ruleset;
use crate::signals::{Signal, Signals, table};
use crate::tables::{gather, row_numbers};
use crate::telling::{Changes, of_transactions, settle, sort_changes, told, with_history};
use crate::warm::WARM_ROWS;

/// Rows that go with a batch beyond twice its own. When rules with shorter windows take force, hours of rows are to go at once:
/// they go in steps that take no longer than the judging.
const EXPIRE_ROWS: usize = 4_096;
/// The same of signals, which go in batches of at least a thousand.
const EXPIRE_SIGNALS: usize = 8_192;

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
    pub(crate) in_force: InForce,
    /// Latest event time judged.
    pub(crate) latest: Option<i64>,
    /// Rows before are settled, UTC milliseconds.
    pub(crate) settled: i64,
    /// What is before is let go of on the keys of rows that expire, UTC milliseconds.
    expired: i64,
    accounts: Arc<Accounts>,
    bounds: Bounds,
}

pub(crate) struct TableRows<'a> {
    pub retained: &'a RetainedRows,
    pub table: Table,
}

impl Rows for TableRows<'_> {
    fn gather(&self, rows: &[u64], columns: &[String]) -> Result<RecordBatch, ArrowError> {
        gather(self.retained, self.table, rows, columns)
    }

    fn transaction(&self, row: u64) -> u64 {
        row >> u32::from(self.table == Table::Movements)
    }
}

/// Has each level see one retained batch, whose first row has this number, as its table.
pub(crate) fn by_table<'a>(
    levels: impl Iterator<Item = &'a mut Level>,
    first: u64,
    batch: &TransactionBatch,
    mut see: impl FnMut(&mut Level, &TableRows<'_>, &[u64]) -> Result<(), Error>,
) -> Result<(), Error> {
    let alone = RetainedRows::bare(first, batch);
    for level in levels {
        let table = level.program.table;
        see(level, &TableRows { retained: &alone, table }, &row_numbers(table, first, batch))?;
    }
    Ok(())
}

/// Lets go of a batch that is retained no more, and of what is before `before` on its keys.
pub(crate) fn forget<'a>(
    levels: impl Iterator<Item = &'a mut Level>,
    first: u64,
    batch: &TransactionBatch,
    before: i64,
) -> Result<(), Error> {
    by_table(levels, first, batch, |level, source, rows| {
        let end = (first + batch.len() as u64) << u32::from(source.table == Table::Movements);
        level.expire(source, rows, before, end)
    })
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
        Self::under(InForce::new(ruleset.clone()), accounts, bounds, spill)
    }

    /// Empty timelines for the same rules, to be filled with other rows: back-fills that are under way do not fit it.
    ///
    /// # Errors
    /// As [`Monitor::new`].
    pub fn emptied(&self) -> Result<Self, Error> {
        let in_force = self.in_force.anew();
        Self::under(in_force, self.accounts.clone(), self.bounds, self.retained.spills_to())
    }

    pub(crate) fn under(
        in_force: InForce,
        accounts: Arc<Accounts>,
        bounds: Bounds,
        spill: Option<Spill>,
    ) -> Result<Self, Error> {
        let level = |table| -> Result<Level, Error> { Ok(Level::new(in_force.program(table)?, accounts.clone())) };
        Ok(Self {
            retained: RetainedRows::with(spill),
            levels: [level(FIRST[0])?, level(FIRST[1])?],
            second: level(Table::Signals)?,
            signals: Signals::default(),
            history_from: None,
            in_force,
            latest: None,
            settled: i64::MIN,
            expired: i64::MIN,
            accounts,
            bounds,
        })
    }

    /// The rules in force.
    pub fn ruleset(&self) -> &Ruleset {
        &self.in_force.ruleset
    }

    /// The rules in force and those retired whose rows are not settled, each with the rows it judges; by when they took
    /// force.
    pub fn tenures(&self) -> Vec<Tenure> {
        self.in_force.terms.iter().map(Tenure::from).collect()
    }

    /// How far the windows behind a detection reach that an alert may rest on, both levels one after the other, milliseconds:
    /// of rules that are retired, too, while their rows are not settled.
    pub fn reach_ms(&self) -> i64 {
        self.in_force.span_told(false).saturating_add(self.in_force.span_told(true))
    }

    /// How long what such rules say of groups of rows may change after the rows are settled, milliseconds: second-level rules
    /// rest on the first level.
    pub fn unsettled_ms(&self) -> i64 {
        self.in_force.longest_group_told(false).saturating_add(self.in_force.longest_group_told(true))
    }

    /// Rows before are settled, and so is what every rule says of them, UTC milliseconds.
    pub fn settled_before(&self) -> i64 {
        self.settled
    }

    /// Latest event time judged, UTC milliseconds.
    pub fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// Sets how far back alerts look on an account from now on, milliseconds.
    pub fn look_back(&mut self, lookback_ms: i64) {
        self.bounds.lookback_ms = lookback_ms;
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

    /// Goes through the newest rows, so that the next ones find the features of their keys running.
    pub(crate) fn warm(&mut self) -> Result<(), Error> {
        for block in self.retained.blocks(self.retained.next().saturating_sub(WARM_ROWS)) {
            let rows = block.read()?;
            by_table(self.levels.iter_mut(), block.first, &rows, |level, source, rows| level.warm(source, rows))?;
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
        let from_before = self.history_from;
        self.note_history(batch);
        let history = (from_before, self.history_from);
        let latest = batch.event_time().values().iter().copied().max();
        self.latest = self.latest.max(latest);
        let rows = self.retained.insert(batch);
        let mut changes = Changes::new();
        for level in &mut self.levels {
            let table = level.program.table;
            if level.program.rules.is_empty() {
                continue;
            }
            let numbers = row_numbers(table, rows.start, batch);
            let judged = level.judge(&TableRows { retained: &self.retained, table }, &numbers, &[])?;
            monitored.rule_errors += judged.rule_errors();
            changes.extend(of_transactions(table, with_history(level, history, judged.changes)));
        }
        let before = low_time.map(|low| low - self.bounds.allowed_lateness_ms);
        self.conclude(changes, history, before, &mut monitored)?;
        if let Some(before) = before {
            self.expire(before, needed_from, 2 * batch.len() + EXPIRE_ROWS)?;
        }
        self.intact()?;
        Ok(monitored)
    }

    /// What changes of the first level bring about in the second, and what is settled `before`.
    fn conclude(
        &mut self,
        mut changes: Changes,
        history: (Option<i64>, Option<i64>),
        before: Option<i64>,
        monitored: &mut Monitored,
    ) -> Result<(), Error> {
        let mut settled = Vec::new();
        if let Some(before) = before {
            let groups = self.in_force.longest_group(false).saturating_add(self.in_force.longest_group(true));
            self.settled = self.settled.max(before.saturating_sub(groups));
            for level in &mut self.levels {
                let table = level.program.table;
                changes.extend(of_transactions(table, settle(level, before, history.1, &mut settled)));
            }
        }
        sort_changes(&mut changes);
        let second = self.second_level(&changes, &mut monitored.rule_errors)?;
        let mut second = with_history(&self.second, history, second);
        if let Some(before) = before {
            let before = self.signals_settled(before);
            second.extend(settle(&mut self.second, before, history.1, &mut settled));
        }
        sort_changes(&mut second);
        monitored.changes = changes.into_iter().chain(second).map(|(_, change)| change).collect();
        monitored.settled = told(settled.into_iter());
        Ok(())
    }

    /// Judges what changes of the first level, each with its transaction, bring about among the signals.
    pub(crate) fn second_level(&mut self, changes: &Changes, errors: &mut u64) -> Result<Changes, Error> {
        let (mut raised, mut withdrawn) = (Vec::new(), Vec::new());
        for ((_, transaction, term), change) in changes {
            let detection = change.detection();
            let rule = self.levels.iter().find_map(|level| level.rule(*term));
            let Some((rule, _)) = rule.filter(|(rule, _)| rule.rule.raises_signals()) else { continue };
            let signal = Signal::of(detection, rule.weight, *transaction);
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
        Ok(judged.changes)
    }

    /// What has to be done before these rules can take force; the rows so far are handed over.
    pub fn begin(&self, ruleset: &Ruleset) -> Backfill {
        // A rule that goes may judge rows until then: it is on the timelines in any case.
        let later = Moment { row: self.retained.next() + 1, slice: 0, latest: Some(i64::MAX), settled: self.settled };
        let planned = self.in_force.changed(ruleset, later);
        let mut backfill = Backfill::new(planned, self.in_force.next(), self.accounts.clone(), self.retained.first());
        self.hand_over(&mut backfill);
        backfill
    }

    /// Hands over the rows accepted since and returns how many there were.
    pub fn hand_over(&self, backfill: &mut Backfill) -> u64 {
        backfill.take(&self.retained, &self.signals, self.expired)
    }

    /// Rows that were accepted and not handed over.
    pub fn missing(&self, backfill: &Backfill) -> u64 {
        self.retained.next().saturating_sub(backfill.next.max(self.retained.first()))
    }

    /// Whether it began under the rules in force now, with the rows of this monitor.
    pub fn fits(&self, backfill: &Backfill) -> bool {
        backfill.change() == self.in_force.changes() + 1
    }

    /// Puts the rules of a back-fill in force, for the rows accepted from this slice on. Rows that are missing in it are added here:
    /// the judging waits for it.
    ///
    /// # Errors
    /// [`Error::Backfill`] when other rules have taken force since it began; or else when a kernel fails.
    pub fn adopt(&mut self, mut backfill: Backfill, slice: u64) -> Result<Outgrown, Error> {
        if !self.fits(&backfill) {
            return Err(Error::Backfill);
        }
        self.hand_over(&mut backfill);
        backfill.run()?;
        let now = Moment { row: self.retained.next(), slice, latest: self.latest, settled: self.settled };
        self.in_force = self.in_force.changed(backfill.ruleset(), now);
        let mut outgrown = Outgrown::default();
        outgrown.blocks.append(&mut backfill.there);
        let filled = backfill.levels.into_iter().chain([backfill.second]);
        for (level, filled) in self.levels.iter_mut().chain([&mut self.second]).zip(filled) {
            if let Some(filled) = filled {
                outgrown.levels.push(level.make_way_for(filled));
            }
            for reign in &mut level.reigns {
                reign.rows = self.in_force.rows(reign.term);
            }
        }
        Ok(outgrown)
    }

    /// Until when signals are settled: that of a group may go, or move to a later row, until its window closes.
    fn signals_settled(&self, before: i64) -> i64 {
        before.saturating_sub(self.in_force.longest_group_signalled())
    }

    /// Drops rows that no window and no alert can reach any more, about `at_most` of them.
    fn expire(&mut self, before: i64, needed_from: i64, at_most: usize) -> Result<(), Error> {
        let span = self.in_force.span(false).max(self.bounds.lookback_ms);
        let before_first = before.saturating_sub(span).min(needed_from);
        self.expired = self.expired.max(before_first);
        if self.retained.expires(before_first) {
            let gone = self.retained.expire(before_first, at_most);
            for (first, batch) in gone {
                forget(self.levels.iter_mut(), first, &batch, before_first)?;
            }
        }
        let signals_before = self.signals_settled(before).saturating_sub(self.in_force.span(true));
        let mut stale = self.signals.expired(signals_before);
        stale.truncate(EXPIRE_SIGNALS);
        // Signals leave in batches: each pass over the timelines costs a look-up per key.
        if stale.len() > 1024 {
            let keep_from = self.signals.first_but(&stale);
            self.second.expire(&self.signals, &stale, signals_before, keep_from)?;
            for number in stale {
                self.signals.withdraw(number);
            }
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
