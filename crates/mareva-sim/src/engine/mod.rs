mod bank;
mod exchange;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::action::{Action, Mark, Planned};
use crate::calendar::{DAY, SECOND};
use crate::config::SimConfig;
use crate::crime::Crime;
use crate::dice::Dice;
use crate::json::decimal;
use crate::labels::Label;
use crate::life;
use crate::record::SimRecord;
use crate::reference::{Reference, reference_of};
use crate::world::World;

/// The records of an economy in the order of event time. Memory is bounded by the population and by one day's plans, not by
/// the number of records.
#[derive(Debug)]
pub struct Records {
    pub(crate) world: World,
    pub(crate) crime: Crime,
    /// What follows from earlier actions, and what was planned ahead: returns, settlements, steps of operations.
    queue: BinaryHeap<Reverse<Planned>>,
    /// The ordinary actions of the day, latest first.
    today: Vec<Planned>,
    next_day: i64,
    /// Whether ordinary life goes on; otherwise only what is in the queue happens.
    ordinary: bool,
    order: u64,
    dice: Dice,
    left: u64,
    bank_number: u64,
    exchange_number: u64,
    labels: Vec<Label>,
    render: bool,
}

impl Records {
    pub(crate) fn new(config: &SimConfig, render: bool) -> Self {
        let mut world = World::new(config);
        let crime = Crime::plan(&mut world, config);
        let next_day = world.start;
        let mut records = Self::scripted(world, Vec::new(), config.transactions, render);
        records.next_day = next_day;
        records.ordinary = true;
        records.labels = crime.account_labels(&records.world);
        for (at, step) in crime.steps.iter().enumerate() {
            records.queue.push(Reverse(Planned { time: step.time, order: at as u64, action: Action::Step(at as u32) }));
        }
        records.order = crime.steps.len() as u64;
        for (time, action) in crime.ordinary.clone() {
            records.after(time, action);
        }
        records.crime = crime;
        records
    }

    /// A world in which only the given actions and what follows from them happen.
    pub(crate) fn scripted(world: World, actions: Vec<(i64, Action)>, limit: u64, render: bool) -> Self {
        let dice = Dice::new(world.seed, "engine", 0);
        let mut records = Self {
            world,
            crime: Crime::default(),
            queue: BinaryHeap::new(),
            today: Vec::new(),
            next_day: i64::MAX,
            ordinary: false,
            order: 0,
            dice,
            left: limit,
            bank_number: 0,
            exchange_number: 0,
            labels: Vec::new(),
            render,
        };
        records.plan(actions);
        records
    }

    /// The labels of all accounts, and of the transactions that have been given out.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Accounts, lists, rates and, so far, labels. All but the labels of transactions are final from the beginning.
    pub fn reference(&self) -> Reference {
        reference_of(&self.world, &self.crime, &self.labels)
    }

    /// Sorts a day's actions; the latest first, so that the next one is at the end.
    fn plan(&mut self, actions: Vec<(i64, Action)>) {
        let mut today = Vec::with_capacity(actions.len());
        for (time, action) in actions {
            let planned = self.planned(time, action);
            if planned.time < self.next_day {
                today.push(planned);
            } else {
                self.queue.push(Reverse(planned));
            }
        }
        today.sort_unstable_by(|a, b| b.cmp(a));
        self.today = today;
    }

    fn planned(&mut self, time: i64, action: Action) -> Planned {
        self.order += 1;
        // Blocks have whole seconds.
        let time = if matches!(action, Action::Token { .. }) { (time + SECOND - 1) / SECOND * SECOND } else { time };
        Planned { time, order: self.order, action }
    }

    /// Plans something for later.
    pub(crate) fn after(&mut self, time: i64, action: Action) {
        let planned = self.planned(time, action);
        self.queue.push(Reverse(planned));
    }

    pub(crate) fn dice_chance(&mut self, per_million: u64) -> bool {
        self.dice.chance(per_million)
    }

    fn take(&mut self) -> Option<Planned> {
        loop {
            let queued = self.queue.peek().map(|Reverse(planned)| planned);
            match (self.today.last(), queued) {
                (Some(ordinary), Some(queued)) if queued < ordinary => break,
                (Some(_), _) => return self.today.pop(),
                (None, Some(queued)) if queued.time < self.next_day => break,
                (None, _) if self.ordinary => self.plan_day(),
                (None, _) => return None,
            }
        }
        self.queue.pop().map(|Reverse(planned)| planned)
    }

    fn plan_day(&mut self) {
        let day = self.next_day;
        self.next_day += DAY;
        let number = ((day - self.world.start) / DAY) as u64;
        let mut dice = Dice::new(self.world.seed, "day", number);
        let mut actions = Vec::new();
        life::plan_day(&self.world, day, &mut dice, &mut actions);
        self.plan(actions);
    }

    fn execute(&mut self, planned: Planned) -> Option<SimRecord> {
        let time = planned.time;
        match planned.action {
            Action::Transfer(transfer) => self.transfer(time, &transfer),
            Action::Card { payer, shop, cents } => self.card(time, payer, shop, cents),
            Action::CashIn { account, cents, mark } => self.cash_in(time, account, cents, mark),
            Action::CashOut { account, cents, mark } => self.cash_out(time, account, cents, mark),
            Action::Return { original, from, to, cents } => self.give_back(time, original, from, to, cents),
            Action::FiatIn { user, cents, mark } => self.fiat_in(time, user, cents, mark),
            Action::FiatOut { user, cents, mark } => self.fiat_out(time, user, cents, mark),
            Action::Buy { user, asset, cents, mark } => self.buy(time, user, asset, cents, mark),
            Action::Sell { user, asset, units, mark } => self.sell(time, user, asset, units, mark),
            Action::CryptoIn { user, asset, units, wallet, mark } => {
                self.crypto_in(time, user, asset, units, wallet, mark)
            }
            Action::CryptoOut { user, asset, units, wallet, mark } => {
                self.crypto_out(time, user, asset, units, wallet, mark)
            }
            Action::Internal { user, other, asset, units } => self.internal(time, user, other, asset, units),
            Action::Token { from, to, units, mark } => Some(self.token(time, from, to, units, mark)),
            Action::Step(at) => self.step(time, at),
        }
    }

    /// Labels a transaction that is part of an operation.
    fn label(&mut self, record: &SimRecord, mark: Option<Mark>, units: i64, places: u32, currency: &'static str) {
        let Some(mark) = mark else { return };
        let operation = &self.crime.operations[usize::from(mark.operation)];
        self.labels.push(Label::Transaction {
            tx_id: record.tx_id.clone(),
            source: record.source,
            scheme: operation.scheme.as_str(),
            operation: operation.name.clone(),
            role: mark.role.as_str(),
            illicit_amount: decimal(units, places),
            currency,
        });
    }
}

impl Iterator for Records {
    type Item = SimRecord;

    fn next(&mut self) -> Option<SimRecord> {
        while self.left > 0 {
            let planned = self.take()?;
            if let Some(record) = self.execute(planned) {
                self.left -= 1;
                return Some(record);
            }
        }
        None
    }
}
