//! Runs rules over tables on a few threads.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

use anyhow::{Context as _, Result, anyhow};
use indicatif::ProgressBar;
use mareva_model::{Detection, RuleRef, Table};
use mareva_monitoring::backtest::{
    BacktestError, Part, PartAccounts, Pass, Raised, THREADS, Variant, counts_signals_of, run_whole, second_level,
    split,
};
use mareva_monitoring::{Key, is_enough, key_of};

use super::data::{Stripes, Tables};
use crate::STACK;
use crate::scratch::Scratch;

/// Rows of a part: with the columns that the shipped rules read some 80 MB, on each thread.
const PART_ROWS: u64 = 250_000;
/// Parts of a table: as many files are open at a time for each thread.
const MAX_PARTS: u64 = 128;
/// Detections of one rule: beyond it nobody could look at them. Each takes some 40 bytes, and 300 more where it raises a signal.
const MAX_DETECTIONS: usize = 5_000_000;

/// A detection as the report needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// UTC milliseconds.
    pub time: i64,
    /// Key of the row that fired, and of its subject.
    pub row: Key,
    pub subject: Key,
}

/// What a variant gave.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Sorted.
    pub found: Vec<Found>,
    /// Times and keys of the detections themselves, one for each window of a hop, sorted: of rules that are compared.
    pub compared: Vec<(i64, Key)>,
    pub raised: Raised,
    /// Why there is nothing.
    pub failed: Option<String>,
    /// The detections themselves, where they are asked for.
    pub detections: Vec<Detection>,
}

/// What is the same for all of the work.
pub struct Work<'w> {
    pub variants: &'w [Variant],
    pub tables: &'w Tables,
    pub accounts: &'w mareva_monitoring::backtest::AccountTable,
    pub scratch: &'w Scratch,
    pub bar: &'w ProgressBar,
    /// Whether whole detections of rules in force are kept.
    pub keeps: bool,
    /// When the tables begin, UTC milliseconds.
    pub from: Option<i64>,
    /// Milliseconds of history that each rule needs, by id.
    pub needs_history: HashMap<String, i64>,
}

impl Work<'_> {
    /// Level one by the passes, then level two over what the rules in force raised.
    ///
    /// # Errors
    /// What files and disk report. A rule that fails is told in its outcome.
    pub fn run(&self, passes: &[Pass]) -> Result<Vec<Outcome>> {
        let rows =
            |pass: &Pass| self.stripes(pass.table).first().map_or(0, |files| files.iter().map(|f| f.rows()).sum());
        let steps = |pass: &Pass| rows(pass) * (pass.variants.len() as u64 + u64::from(pass.key.is_some()));
        self.bar.set_length(passes.iter().map(steps).sum());
        let mut done = 0;
        self.bar.set_position(done);
        let outcomes: Vec<Mutex<Outcome>> = self.variants.iter().map(|_| Mutex::default()).collect();
        for pass in passes {
            match &pass.key {
                Some(key) => {
                    self.bar.set_message(format!("splitting {} by {key}", pass.table.name()));
                    self.in_parts(pass, rows(pass), &outcomes)?;
                }
                None => self.as_a_whole(pass, rows(pass), &outcomes)?,
            }
            // Parts do not hold all rows.
            done += steps(pass);
            self.bar.set_position(done);
        }
        self.bar.set_message("rules over signals");
        for (at, variant) in self.variants.iter().enumerate().filter(|(_, v)| v.rule().table == Table::Signals) {
            if let Some(reason) = self.not_run(variant, &outcomes) {
                outcomes[at].lock().unwrap_or_else(PoisonError::into_inner).failed = Some(reason);
                continue;
            }
            let guards: Vec<_> =
                self.in_force().map(|at| outcomes[at].lock().unwrap_or_else(PoisonError::into_inner)).collect();
            let found = block_on(second_level(variant, self.accounts, guards.iter().map(|outcome| &outcome.raised)))?;
            drop(guards);
            self.take(at, found, &outcomes)?;
        }
        let whole = |outcome: Mutex<Outcome>| {
            let mut outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
            outcome.found.sort_unstable();
            outcome.compared.sort_unstable();
            outcome.detections.sort_by(|a, b| (a.event_time, &a.row_id).cmp(&(b.event_time, &b.row_id)));
            outcome
        };
        Ok(outcomes.into_iter().map(whole).collect())
    }

    /// Places of the rules in force over transactions or movements.
    fn in_force(&self) -> impl Iterator<Item = usize> + '_ {
        let places = self.variants.iter().enumerate();
        places.filter(|(_, v)| v.replaced.is_none() && v.rule().table != Table::Signals).map(|(at, _)| at)
    }

    /// Why a rule over signals says nothing: those of a rule that fails are missing.
    fn not_run(&self, variant: &Variant, outcomes: &[Mutex<Outcome>]) -> Option<String> {
        let raising = self.in_force().filter(|at| self.variants[*at].rule().reference.raises_signals());
        let mut failing =
            raising.filter(|at| self.has_failed(*at, outcomes)).map(|at| &self.variants[at].rule().reference.id);
        let failing = failing.find(|id| counts_signals_of(variant, id))?;
        let own = &variant.rule().reference.id;
        Some(format!("rule {own} is not run: it counts signals of {failing}, which fails"))
    }

    /// Whether a rule is tried against another, or another against it.
    fn is_compared(&self, rule: &RuleRef) -> bool {
        let challenges = |other: &Variant| other.rule().reference.challenger_of.as_ref() == Some(&rule.id);
        rule.challenger_of.is_some() || self.variants.iter().any(challenges)
    }

    fn stripes(&self, table: Table) -> &Stripes {
        match table {
            Table::Transactions => &self.tables.transactions,
            _ => &self.tables.movements,
        }
    }

    fn in_parts(&self, pass: &Pass, rows: u64, outcomes: &[Mutex<Outcome>]) -> Result<()> {
        // At most 128.
        let number = (rows / PART_ROWS + 1).min(MAX_PARTS) as usize;
        let stripes = self.stripes(pass.table);
        let mut files: Vec<Vec<File>> = (0..number).map(|_| Vec::new()).collect();
        let split_one = |stripe: usize| {
            let mut make = || self.scratch.file(0).map(|(file, _)| file);
            split(pass, &stripes[stripe], (stripe, THREADS), number, &mut make, &|rows| self.bar.inc(rows))
        };
        for split in on_threads(&split_one)? {
            files.iter_mut().zip(split?).for_each(|(part, file)| part.push(file));
        }
        self.bar.set_message(format!("{} rules by {}", pass.variants.len(), pass.key.as_deref().unwrap_or_default()));
        let accounts = PartAccounts::new(self.accounts, pass, number);
        let waiting = Mutex::new(files.into_iter().enumerate().collect::<Vec<_>>());
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let judge = |_: usize| -> Result<()> {
            while let Some((number, files)) = next() {
                let part = Part::load(pass, number, files, &accounts)?;
                for at in &pass.variants {
                    if !self.has_failed(*at, outcomes) {
                        self.take(*at, block_on(part.run(&self.variants[*at]))?, outcomes)?;
                    }
                    self.bar.inc(part.rows());
                }
            }
            Ok(())
        };
        on_threads(&judge)?.into_iter().collect::<Result<()>>()
    }

    fn as_a_whole(&self, pass: &Pass, rows: u64, outcomes: &[Mutex<Outcome>]) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_stack_size(STACK)
            .build()
            .context("cannot start threads")?;
        for at in &pass.variants {
            let variant = &self.variants[*at];
            self.bar.set_message(format!("{} over all {}", variant.rule().reference.id, pass.table.name()));
            let found = runtime.block_on(run_whole(pass, variant, self.stripes(pass.table), self.accounts));
            self.take(*at, found, outcomes)?;
            self.bar.inc(rows);
        }
        Ok(())
    }

    fn has_failed(&self, at: usize, outcomes: &[Mutex<Outcome>]) -> bool {
        outcomes[at].lock().unwrap_or_else(PoisonError::into_inner).failed.is_some()
    }

    /// Adds what a variant gave; what the rule itself is at fault for ends the rule, not the run.
    fn take(&self, at: usize, given: Result<Vec<Detection>, BacktestError>, outcomes: &[Mutex<Outcome>]) -> Result<()> {
        let variant = &self.variants[at];
        let id = &variant.rule().reference.id;
        let mut outcome = outcomes[at].lock().unwrap_or_else(PoisonError::into_inner);
        let mut detections = match given {
            Ok(detections) => detections,
            Err(error @ (BacktestError::Rule { .. } | BacktestError::TooMany { .. })) => {
                *outcome = Outcome { failed: Some(error.to_string()), ..Outcome::default() };
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.leave_out_early(id, &mut detections);
        if outcome.found.len() + detections.len() > MAX_DETECTIONS {
            let error = BacktestError::TooMany { rule: id.clone(), most: MAX_DETECTIONS };
            *outcome = Outcome { failed: Some(error.to_string()), ..Outcome::default() };
            return Ok(());
        }
        if variant.replaced.is_none() && self.is_compared(&variant.rule().reference) {
            outcome.compared.extend(detections.iter().map(|found| (found.event_time, key_of(&found.row_id))));
        }
        for detection in &detections {
            let row = self.row_behind(&variant.rule().reference, &detection.row_id);
            let (row, subject) = (key_of(row), key_of(&detection.subject));
            outcome.found.push(Found { time: detection.event_time, row, subject });
            outcome.raised.add(variant, detection);
        }
        if self.keeps && variant.replaced.is_none() {
            outcome.detections.extend(detections);
        }
        Ok(())
    }

    /// Leaves out what comes before the rule has the history that it needs, as the stream does on both levels.
    fn leave_out_early(&self, id: &str, detections: &mut Vec<Detection>) {
        let needed = self.needs_history.get(id).copied().unwrap_or_default();
        detections.retain(|d| is_enough(needed, self.from, d.event_time));
    }

    /// The row of transactions or movements behind a detection, the same for all windows of a hop; of a signal the one that it
    /// rests on.
    fn row_behind<'d>(&self, rule: &RuleRef, row_id: &'d str) -> &'d str {
        let (row, _) = rule.row_of(row_id);
        let Some((first, row)) = row.split_once(':').filter(|_| rule.table == Table::Signals) else { return row };
        let first = self.in_force().map(|at| &self.variants[at].rule().reference).find(|rule| rule.id == first);
        first.map_or(row, |first| first.row_of(row).0)
    }

    /// Detections of a rule over signals where one rule's signals are those of another of its variants.
    ///
    /// # Errors
    /// What DataFusion reports.
    pub fn over_replaced(&self, rule: &Variant, replaced: usize, outcomes: &[Outcome]) -> Result<Vec<Detection>> {
        let id = &self.variants[replaced].rule().reference.id;
        let others = self.in_force().filter(|at| self.variants[*at].rule().reference.id != *id);
        let raised = others.chain([replaced]).map(|at| &outcomes[at].raised);
        let mut found = block_on(second_level(rule, self.accounts, raised))??;
        self.leave_out_early(&rule.rule().reference.id, &mut found);
        Ok(found)
    }
}

/// Runs something once for each thread, with a stack that the planner of rules is safe on.
fn on_threads<T: Send>(work: &(dyn Fn(usize) -> T + Sync)) -> Result<Vec<T>> {
    std::thread::scope(|scope| {
        let start = |number| {
            let named = Builder::new().name(format!("backtest-{number}")).stack_size(STACK);
            named.spawn_scoped(scope, move || work(number)).context("cannot start a thread")
        };
        let threads = (0..THREADS).map(start).collect::<Result<Vec<_>>>()?;
        let end = |thread: std::thread::ScopedJoinHandle<'_, T>| {
            thread.join().map_err(|_| anyhow!("a thread of the back-test has panicked; please report it"))
        };
        threads.into_iter().map(end).collect()
    })
}

fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("cannot start DataFusion")?;
    Ok(runtime.block_on(future))
}
