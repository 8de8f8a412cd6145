use super::tables::{BILLERS, EMPLOYERS, TRADES, Trade};
use super::{AccountId, Chain, Opening, Role, WalletId, World};
use crate::dice::Dice;
use crate::identifiers::{BANKS, OUR_BANK};

/// When an employer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayDay {
    /// On a day of the month.
    Monthly(u8),
    /// On a weekday, 0 is Monday.
    Weekly(i64),
    /// On this day of the simulation and every 28 days after it.
    Day(i64),
}

/// A firm or authority that pays wages.
#[derive(Debug, Clone)]
pub(crate) struct Employer {
    pub(crate) account: AccountId,
    pub(crate) pay: PayDay,
    /// Indexes into the people.
    pub(crate) staff: Vec<u32>,
}

/// A shop that takes cards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shop {
    pub(crate) account: AccountId,
    /// Index into the trades.
    trade: u8,
    /// The payment service provider that collects for it.
    pub(crate) psp: Option<AccountId>,
}

impl Shop {
    pub(crate) fn trade(&self) -> &'static Trade {
        &TRADES[usize::from(self.trade)]
    }
}

/// Institutions that are there once or few times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Client money account of our exchange, at another bank.
    pub(crate) kestrel: AccountId,
    /// Client money accounts of other exchanges.
    pub(crate) exchanges: Vec<AccountId>,
    pub(crate) psps: Vec<AccountId>,
    pub(crate) billers: Vec<AccountId>,
    pub(crate) suppliers: Vec<AccountId>,
    pub(crate) dealers: Vec<AccountId>,
    pub(crate) travel: Vec<AccountId>,
    pub(crate) craftsmen: Vec<AccountId>,
    pub(crate) university: AccountId,
    pub(crate) tax: AccountId,
    pub(crate) pension: AccountId,
    pub(crate) benefits: AccountId,
    pub(crate) notary: AccountId,
    /// Hot wallets of the largest other exchange, by chain: one wallet with much of the exchange stream's traffic.
    pub(crate) omnibus: [WalletId; 3],
    /// Our exchange's hot wallets, by chain: sweeps end there.
    pub(crate) hot: [WalletId; 3],
}

/// Ten thousand at most: one run of the largest employer.
pub(crate) const LARGEST_STAFF: usize = 10_000;

/// Cents that an institution starts with, so that it can pay for weeks.
const DEEP: i64 = 5_000_000_000;

pub(super) fn found(world: &mut World, dice: &mut Dice, people: u64) {
    found_places(world, dice);
    for at in 0..(people / 60 + 12) {
        found_shop(world, dice, at);
    }
    for at in 0..(people / 45 + 3) {
        found_employer(world, dice, at);
    }
    found_outsiders(world, dice, people / 3 + 40);
}

fn open(world: &mut World, dice: &mut Dice, name: &str, bank: u8, role: Role) -> AccountId {
    let segment = if role == Role::Business { "small_business" } else { "corporate" };
    let opened = world.ago(dice, 700, 6_000);
    let balance = if role == Role::Business { dice.skewed(500_000, 9_000_000) } else { DEEP };
    world.open(&Opening { name, bank, role, segment, opened, balance, overdraft: 2_000_000 })
}

fn some_bank(dice: &mut Dice, ours_permille: u64) -> u8 {
    if dice.below(1000) < ours_permille { OUR_BANK } else { 1 + dice.below(BANKS.len() as u64 - 2) as u8 }
}

fn several(world: &mut World, dice: &mut Dice, count: usize, pattern: &str, role: Role) -> Vec<AccountId> {
    (0..count)
        .map(|_| {
            let name = world.names.firm(dice, pattern);
            let bank = some_bank(dice, 500);
            open(world, dice, &name, bank, role)
        })
        .collect()
}

fn found_places(world: &mut World, dice: &mut Dice) {
    let kestrel = open(world, dice, "Kestrel Digital Assets Client Money", 1, Role::Omnibus);
    let psps = vec![
        open(world, dice, "Paylane Payments Collection", OUR_BANK, Role::Psp),
        open(world, dice, "Torwerk Pay Settlement", 2, Role::Psp),
    ];
    let exchanges = vec![
        open(world, dice, "Halcyon Markets Client Account", 2, Role::Omnibus),
        open(world, dice, "Coinharbour Client Funds", 5, Role::Omnibus),
        open(world, dice, "Bitwold Exchange Clients", 3, Role::Omnibus),
    ];
    let billers = BILLERS
        .iter()
        .map(|pattern| {
            let name = world.names.firm(dice, pattern);
            let bank = some_bank(dice, 600);
            open(world, dice, &name, bank, Role::Merchant)
        })
        .collect();
    world.places = Places {
        kestrel,
        exchanges,
        psps,
        billers,
        suppliers: several(world, dice, 30, "{F} Großhandel {T}", Role::Business),
        dealers: several(world, dice, 8, "Autozentrum {F}", Role::Business),
        travel: several(world, dice, 4, "Reisebüro {F}", Role::Merchant),
        craftsmen: several(world, dice, 24, "{F} Handwerk und Ausbau", Role::Business),
        university: open(world, dice, "Universität Lindenau", OUR_BANK, Role::Merchant),
        tax: open(world, dice, "Finanzkasse Lindenau", 2, Role::Collective),
        pension: open(world, dice, "Rentenkasse Mitte", 1, Role::Payroll),
        benefits: open(world, dice, "Familienkasse Mitte", 2, Role::Payroll),
        notary: open(world, dice, "Notariat Quellenthal Anderkonto", OUR_BANK, Role::Collective),
        omnibus: Chain::ALL.map(|chain| world.new_wallet(chain)),
        hot: Chain::ALL.map(|chain| world.new_wallet(chain)),
    };
}

fn found_shop(world: &mut World, dice: &mut Dice, at: u64) {
    let weights = TRADES.map(|trade| trade.weight);
    let trade = if at == 0 { 0 } else { dice.weighted(&weights) };
    let name = if at == 0 { "Konsum-Union Filialen".to_owned() } else { world.names.firm(dice, TRADES[trade].pattern) };
    let bank = if at == 0 { OUR_BANK } else { some_bank(dice, 800) };
    let account = open(world, dice, &name, bank, Role::Merchant);
    let psp = TRADES[trade].online.then(|| *dice.pick(&world.places.psps));
    world.shops.push(Shop { account, trade: trade as u8, psp });
}

fn found_employer(world: &mut World, dice: &mut Dice, at: u64) {
    let name = if at == 0 {
        "Meridian Werke AG".to_owned()
    } else {
        let pattern = *dice.pick(&EMPLOYERS);
        world.names.firm(dice, pattern)
    };
    let bank = if at == 0 { OUR_BANK } else { some_bank(dice, 700) };
    let account = open(world, dice, &name, bank, Role::Payroll);
    let pay = match (at, dice.below(10)) {
        (0, _) => PayDay::Day(4),
        (_, 0) => PayDay::Weekly(4),
        (_, 1..=3) => PayDay::Monthly(15),
        _ => PayDay::Monthly(*dice.pick(&[8, 10, 20, 25, 27, 28, 29, 30])),
    };
    world.employers.push(Employer { account, pay, staff: Vec::new() });
}

fn found_outsiders(world: &mut World, dice: &mut Dice, count: u64) {
    let first = world.accounts.len() as AccountId;
    for _ in 0..count {
        let name = world.names.stranger(dice);
        let bank = 1 + dice.weighted(&[40, 28, 12, 7, 5, 5, 3]) as u8;
        let opened = world.ago(dice, 90, 6_000);
        world.open(&Opening {
            name: &name,
            bank,
            role: Role::Retail,
            segment: "retail",
            opened,
            balance: 0,
            overdraft: 0,
        });
    }
    world.outsiders = first..world.accounts.len() as AccountId;
}
