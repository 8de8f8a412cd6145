use crate::action::{Action, Channel, Note, Transfer};
use crate::calendar::{DAY, HOUR, date};
use crate::config::SimConfig;
use crate::dice::Dice;
use crate::engine::Records;
use crate::identifiers::{OUR_BANK, OUR_BIC};
use crate::life;
use crate::record::{SimRecord, Stream};
use crate::reference::accounts_ndjson;
use crate::wire::{Payment, bank_id, bank_json};
use crate::world::{AccountId, Asset, Opening, Role, UserId, World};

/// A stream without any crime in which one account does what only crime does elsewhere.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// In event-time order.
    pub records: Vec<SimRecord>,
    /// `accounts.ndjson` for them.
    pub accounts: Vec<u8>,
    /// `rates.csv` for them.
    pub rates_csv: Vec<u8>,
    /// Canonical identifier of the account that must not be held.
    pub subject: String,
}

impl Fixture {
    /// The records of one stream, a line each.
    pub fn ndjson(&self, stream: Stream) -> Vec<u8> {
        let lines = self.records.iter().filter(|record| record.stream == stream);
        lines.flat_map(|record| record.json.iter().copied().chain([b'\n'])).collect()
    }
}

fn fixture(world: World, actions: Vec<(i64, Action)>, subject: String) -> Fixture {
    let accounts = accounts_ndjson(&world);
    let rates_csv = world.rates.csv();
    let records = Records::scripted(world, actions, u64::MAX, true).collect();
    Fixture { records, accounts, rates_csv, subject }
}

fn account_of(world: &World, id: AccountId) -> String {
    format!("iban:{}", world.account(id).iban)
}

/// An employer receives its revenue and pays `employees` people in one run; for two days they live on it. The subject is
/// the employer's account.
pub fn payroll(employees: u64) -> Fixture {
    let start = SimConfig::default().start;
    let mut dice = Dice::new(1, "payroll fixture", 0);
    let mut world = World::town(1, start, employees);
    world.people.truncate(employees as usize);
    for person in &mut world.people {
        person.family = person.family.filter(|child| u64::from(*child) < employees);
    }
    for employer in &mut world.employers {
        employer.staff.clear();
    }
    let employer = world.employers[0].account;
    let mut actions = Vec::new();
    let revenue = Transfer::new(world.places.psps[1], employer, 4_000_000_000, Note::Batch);
    actions.push((start + HOUR, Action::Transfer(revenue)));
    for (at, person) in world.people.iter().enumerate() {
        let wage = person.income.max(120_000) + dice.between(0, 40_000);
        let wage = Transfer::new(employer, person.account, wage, Note::Salary);
        actions.push((start + 5 * HOUR + at as i64 * 140, Action::Transfer(wage)));
    }
    for day in 0..2 {
        life::plan_day(&world, start + day * DAY, &mut dice, &mut actions);
    }
    let subject = account_of(&world, employer);
    fixture(world, actions, subject)
}

/// A merchant whom `daily_payers` different people pay each day, by card or from account to account; each night the takings
/// go to the head office. The subject is the merchant's account.
pub fn merchant(daily_payers: u64, days: u32) -> Fixture {
    let start = SimConfig::default().start;
    let mut dice = Dice::new(2, "merchant fixture", 0);
    let world = World::town(2, start, daily_payers + daily_payers / 5);
    let shop = world.shops[0].account;
    let office = world.places.suppliers[0];
    let mut actions = Vec::new();
    for day in 0..i64::from(days) {
        let day_start = start + day * DAY;
        let first = dice.index(world.people.len());
        for payer in 0..daily_payers as usize {
            let payer = world.people[(first + payer) % world.people.len()].account;
            let time = day_start + dice.between(7 * HOUR, 21 * HOUR);
            let cents = dice.skewed(300, 9_000);
            let action = if dice.chance(900_000) {
                Action::Card { payer, shop: 0, cents }
            } else {
                let device = world.account(payer).device;
                let order = Transfer::new(payer, shop, cents, Note::Invoice);
                Action::Transfer(order.by(Channel::Mobile, device))
            };
            actions.push((time, action));
        }
        let takings = Transfer::new(shop, office, daily_payers as i64 * 2_000, Note::Supplier);
        actions.push((day_start + 22 * HOUR, Action::Transfer(takings)));
    }
    let subject = account_of(&world, shop);
    fixture(world, actions, subject)
}

/// A day of an exchange's traffic in which another exchange's hot wallet is party to `share_percent` of the `transactions`.
/// The subject is that wallet.
pub fn omnibus(transactions: u64, share_percent: u64) -> Fixture {
    let start = SimConfig::default().start;
    let mut dice = Dice::new(3, "omnibus fixture", 0);
    let config = SimConfig { seed: 3, transactions: transactions * 40, start, illicit_per_million: 0 };
    let world = World::new(&config);
    let wallet = world.places.omnibus[0];
    let mut actions = Vec::new();
    for at in 0..transactions {
        let time = start + (DAY as u64 * at / transactions.max(1)) as i64;
        let user = dice.below(world.users.len() as u64) as UserId;
        let asset = Asset::Usdt;
        let units = dice.skewed(20, 3_000) * 1_000_000;
        let own = world.user(user).own[0];
        let action = match (dice.below(100) < share_percent, dice.below(2)) {
            (true, 0) => Action::CryptoIn { user, asset, units, wallet, mark: None },
            // Small enough for everybody's balance after the deposits that came before; otherwise a deposit.
            (true, _) if world.user(user).balances[asset as usize] >= 5 * units => {
                Action::CryptoOut { user, asset, units, wallet, mark: None }
            }
            (true, _) => Action::CryptoIn { user, asset, units, wallet, mark: None },
            (false, 0) => Action::FiatIn { user, cents: units / 10_000, mark: None },
            (false, _) => Action::CryptoIn { user, asset, units, wallet: own, mark: None },
        };
        actions.push((time, action));
    }
    let subject = world.wallet(wallet).canonical();
    fixture(world, actions, subject)
}

/// A stream in which one in eighty records pays an account on the mule list, a different one each time; see
/// [`high_alert_stream`].
#[derive(Debug)]
pub struct HighAlertStream {
    world: World,
    dice: Dice,
    payers: u64,
    listed: std::ops::Range<AccountId>,
    start: i64,
    per_second: u64,
    next: u64,
    transactions: u64,
}

/// Every so many records, one pays a listed account: 1.25 %.
const LISTED_EVERY: u64 = 80;

/// `transactions` bank records from `start` (UTC milliseconds), `per_second` of them a second of event time, of which 1.25 %
/// pay accounts of the mule list, each only once: as many alerts with different subjects.
pub fn high_alert_stream(transactions: u64, start: i64, per_second: u64) -> HighAlertStream {
    let seed = 4;
    let mut world = World::empty(seed, start, 2);
    let mut dice = Dice::new(seed, "high alert", 0);
    let mut open = |world: &mut World, bank: u8, role: Role| {
        let name = world.names.stranger(&mut dice);
        let opened = start - 900 * DAY;
        let balance = 100_000_000;
        world.open(&Opening { name: &name, bank, role, segment: "retail", opened, balance, overdraft: 0 })
    };
    let payers = (transactions / 10).clamp(1_000, 200_000);
    for _ in 0..payers {
        open(&mut world, OUR_BANK, Role::Retail);
    }
    for _ in 0..SHOPS {
        open(&mut world, 1, Role::Merchant);
    }
    let first = world.accounts.len() as AccountId;
    for _ in 0..transactions.div_ceil(LISTED_EVERY) {
        open(&mut world, 2, Role::Retail);
    }
    let listed = first..world.accounts.len() as AccountId;
    let per_second = per_second.max(1);
    HighAlertStream { world, dice, payers, listed, start, per_second, next: 0, transactions }
}

/// Shops of the purpose-made stream.
const SHOPS: u64 = 500;

impl HighAlertStream {
    /// `mules.csv` with the accounts that are paid.
    pub fn mules_csv(&self) -> Vec<u8> {
        let mut out = String::from("identifier,reason,reported_at,source\n");
        let reported = date(self.start - DAY);
        for id in self.listed.clone() {
            out.push_str(&format!("{},police report,{reported},police\n", self.world.account(id).iban));
        }
        out.into_bytes()
    }

    /// `accounts.ndjson`.
    pub fn accounts(&self) -> Vec<u8> {
        accounts_ndjson(&self.world)
    }

    /// `rates.csv`.
    pub fn rates_csv(&self) -> Vec<u8> {
        self.world.rates.csv()
    }
}

impl Iterator for HighAlertStream {
    type Item = SimRecord;

    fn next(&mut self) -> Option<SimRecord> {
        if self.next >= self.transactions {
            return None;
        }
        let at = self.next;
        self.next += 1;
        let event_time = self.start + (at * 1_000 / self.per_second) as i64;
        let from = self.dice.below(self.payers) as AccountId;
        let alert = at.is_multiple_of(LISTED_EVERY);
        let kind = if alert { "credit_transfer" } else { "card_payment" };
        let cents = if alert { self.dice.between(500, 5_000) * 100 } else { self.dice.skewed(300, 9_000) };
        let mut payment = Payment::new(kind, at + 1, event_time, cents);
        payment.from = Some(from);
        if alert {
            payment.to = Some(self.listed.start + (at / LISTED_EVERY) as AccountId);
            payment.channel = Channel::Mobile.as_str();
            payment.note = Some(Note::Dinner);
        } else {
            payment.to = Some((self.payers + self.dice.below(SHOPS)) as AccountId);
            payment.channel = "card";
        }
        let json = bank_json(&self.world, &payment);
        Some(SimRecord { stream: Stream::Bank, event_time, source: OUR_BIC, tx_id: bank_id(at + 1), kind, json })
    }
}
