//! Timelines for rules that are to take force, filled from the retained rows while the rules in force go on judging.
//!
//! A back-fill is a value: [`crate::Monitor::begin`] hands it the retained rows (Arrow batches, or where they are on disk),
//! [`Backfill::run`] puts them onto timelines, on whatever thread, [`crate::Monitor::hand_over`] gives it what was accepted
//! meanwhile, and [`crate::Monitor::adopt`] puts its rules in force between two slices.

use std::sync::Arc;

use mareva_model::Table;

use crate::accounts::Accounts;
use crate::error::Error;
use crate::in_force::InForce;
use crate::level::Level;
use crate::monitor::{by_table, forget};
use crate::retained::{Block, RetainedRows};
use crate::ruleset::Ruleset;
use crate::signals::Signals;
use crate::warm::WARM_ROWS;

/// The tables of the first level, in the order of a monitor's levels.
pub(crate) const FIRST: [Table; 2] = [Table::Transactions, Table::Movements];

/// See the module.
#[derive(Debug)]
pub struct Backfill {
    /// The terms as they will be, but for the rows they judge.
    planned: InForce,
    /// Terms from here on are new.
    new_from: usize,
    accounts: Arc<Accounts>,
    /// Handed over, and not on the timelines yet.
    waiting: Vec<Block>,
    /// On the timelines.
    pub(crate) there: Vec<Block>,
    /// Number of the first row that was not handed over.
    pub(crate) next: u64,
    /// Rows that the monitor has let go of: numbers below the first are gone, and so is what is before the second (UTC
    /// milliseconds) on their keys.
    gone: (u64, i64),
    /// None of a table whose rules stay as they are.
    pub(crate) levels: [Option<Level>; 2],
    pub(crate) second: Option<Level>,
    /// The signals on the timelines of the second level, and those that should be.
    signals: (Signals, Signals),
    compiled: bool,
}

/// Timelines that others have taken the place of. To drop them takes as long as they are large: that is not to be done where
/// the judging waits for it.
#[derive(Debug, Default)]
pub struct Outgrown {
    pub(crate) levels: Vec<Level>,
    pub(crate) blocks: Vec<Block>,
}

impl Backfill {
    pub(crate) fn new(planned: InForce, new_from: usize, accounts: Arc<Accounts>, first: u64) -> Self {
        Self {
            planned,
            new_from,
            accounts,
            waiting: Vec::new(),
            there: Vec::new(),
            next: first,
            gone: (0, i64::MIN),
            levels: [None, None],
            second: None,
            signals: (Signals::default(), Signals::default()),
            compiled: false,
        }
    }

    /// The rules that are to take force.
    pub fn ruleset(&self) -> &Ruleset {
        &self.planned.ruleset
    }

    /// Which change of the rules it is for.
    pub(crate) fn change(&self) -> u64 {
        self.planned.changes()
    }

    /// Takes what the monitor has accepted since, and learns what it has let go of.
    pub(crate) fn take(&mut self, retained: &RetainedRows, signals: &Signals, before: i64) -> u64 {
        let mut taken = 0;
        // Short batches are joined to longer ones: the front of one may be here already.
        for block in retained.blocks(self.next) {
            taken += block.len as u64;
            self.next = block.end();
            self.waiting.push(block);
        }
        self.gone = (retained.first(), before);
        if self.planned.has_new(Table::Signals, self.new_from) {
            self.signals.1 = signals.rows();
        }
        taken
    }

    /// Puts all that was handed over onto the timelines. The first run compiles the rules.
    ///
    /// # Errors
    /// A rule that does not compile, or a kernel that fails.
    pub fn run(&mut self) -> Result<(), Error> {
        self.compile()?;
        for block in std::mem::take(&mut self.waiting) {
            let (first, batch) = (block.first, block.read()?);
            let is_new = block.end() + WARM_ROWS > self.next;
            by_table(self.levels.iter_mut().flatten(), first, &batch, |level, source, rows| {
                level.load(source, rows)?;
                if is_new { level.warm(source, rows) } else { Ok(()) }
            })?;
            self.there.push(block);
        }
        self.let_go()?;
        self.follow_signals()
    }

    fn compile(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.compiled, true) {
            return Ok(());
        }
        let (planned, accounts, base) = (&self.planned, &self.accounts, self.new_from);
        let level = |table| -> Result<Option<Level>, Error> {
            let level = || Ok::<_, Error>(Level::new(planned.waiting(table)?, accounts.clone()));
            planned.has_new(table, base).then(level).transpose()
        };
        let (first, second) = ([level(FIRST[0])?, level(FIRST[1])?], level(Table::Signals)?);
        (self.levels, self.second) = (first, second);
        Ok(())
    }

    /// Lets go of the rows that the monitor has let go of meanwhile.
    fn let_go(&mut self) -> Result<(), Error> {
        let (first_kept, before) = self.gone;
        let gone = self.there.iter().take_while(|block| block.end() <= first_kept).count();
        for block in self.there.drain(..gone) {
            forget(self.levels.iter_mut().flatten(), block.first, &block.read()?, before)?;
        }
        Ok(())
    }

    fn follow_signals(&mut self) -> Result<(), Error> {
        let Some(second) = &mut self.second else { return Ok(()) };
        let (there, wanted) = &self.signals;
        second.unload(there, &there.numbers_without(wanted))?;
        let new = wanted.numbers_without(there);
        second.load(wanted, &new)?;
        second.warm(wanted, &new)?;
        self.signals.0 = self.signals.1.rows();
        Ok(())
    }
}
