use super::{CastRole, Crime, Deed, Operation, Place, Scheme, Step};
use crate::action::{Action, Channel, Mark, Note, TransactionRole, Transfer};
use crate::calendar::{DAY, HOUR};
use crate::config::SimConfig;
use crate::dice::Dice;
use crate::identifiers::OUR_BANK;
use crate::world::{AccountId, Asset, Chain, Opening, Role, UserId, WalletId, World};

/// The fictional entries: kind, name, programme, title, date of birth, place, country, alias, weak alias.
const ENTRIES: &str = include_str!("../../data/sanctions.csv");

/// The entry whose addresses do not fit into one remark.
const LONG_ENTRY: usize = 10;

/// A listed party.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// `ent_num`.
    pub(crate) number: u32,
    /// `individual`, `entity` or `vessel`.
    pub(crate) kind: &'static str,
    /// As the list writes it: `FAMILY, Given`.
    pub(crate) name: &'static str,
    pub(crate) programme: &'static str,
    pub(crate) title: Option<&'static str>,
    /// `14 Mar 1971`.
    pub(crate) birth: Option<&'static str>,
    pub(crate) town: Option<&'static str>,
    pub(crate) country: &'static str,
    pub(crate) alias: &'static str,
    pub(crate) weak_alias: Option<&'static str>,
    pub(crate) wallets: Vec<WalletId>,
}

/// The fictional sanctions list and what its parties use.
#[derive(Debug, Clone, Default)]
pub(crate) struct SanctionsList {
    pub(crate) entries: Vec<Entry>,
    /// Bank accounts of listed parties; the first is with us.
    accounts: Vec<AccountId>,
    /// Whether an operation has ended in a listed wallet yet.
    pub(super) used: bool,
}

fn filled(text: &'static str) -> Option<&'static str> {
    (text != "-").then_some(text)
}

fn parse(line: &'static str, number: u32) -> Option<Entry> {
    let mut fields = line.split('|');
    let mut next = || fields.next();
    Some(Entry {
        number,
        kind: next()?,
        name: next()?,
        programme: next()?,
        title: next().and_then(filled),
        birth: next().and_then(filled),
        town: next().and_then(filled),
        country: next()?,
        alias: next()?,
        weak_alias: next().and_then(filled),
        wallets: Vec::new(),
    })
}

/// ISO 3166 code of a country as the list names it.
fn country_code(country: &str) -> &'static str {
    match country {
        "Cambodia" => "KH",
        "Burma" => "MM",
        "Laos" => "LA",
        "Moldova" => "MD",
        "Cyprus" => "CY",
        "Singapore" => "SG",
        "Palau" => "PW",
        _ => "AE",
    }
}

/// `1971-03-14` for `14 Mar 1971`.
fn iso_birth(text: &str) -> Option<Box<str>> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.split(' ');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Some(format!("{year}-{month:02}-{day}").into())
}

/// `Given Family` in mixed case for `FAMILY, Given`.
fn spoken(name: &str) -> String {
    let Some((family, given)) = name.split_once(", ").filter(|_| !name.contains("CO.")) else {
        return name.to_owned();
    };
    let rest = family.chars().skip(1).flat_map(char::to_lowercase);
    format!("{given} {}{}", &family[..1], rest.collect::<String>())
}

impl SanctionsList {
    pub(super) fn new(world: &mut World) -> Self {
        let lines = ENTRIES.lines().filter(|line| !line.starts_with('#'));
        let mut entries: Vec<Entry> =
            lines.enumerate().filter_map(|(at, line)| parse(line, 90_001 + 7 * at as u32)).collect();
        for (at, entry) in entries.iter_mut().enumerate() {
            let count = match (at, entry.kind) {
                (LONG_ENTRY, _) => 30,
                (_, "individual") => 2,
                (_, "entity") => 3,
                _ => 0,
            };
            entry.wallets = (0..count).map(|n| world.new_wallet(chain_of(at, n))).collect();
        }
        let mut dice = Dice::new(world.seed, "listed", 0);
        let accounts = (0..4).map(|at| open(world, &mut dice, &entries[at], at == 0)).collect();
        Self { entries, accounts, used: false }
    }

    /// Listed wallets on a chain.
    pub(super) fn wallets_of(&self, world: &World, chain: Chain) -> Vec<WalletId> {
        let all = self.entries.iter().flat_map(|entry| entry.wallets.iter().copied());
        all.filter(|wallet| world.wallet(*wallet).chain == chain).collect()
    }

    /// What listed parties own.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let wallets = self.entries.iter().flat_map(|entry| entry.wallets.iter().copied().map(Place::Wallet));
        self.accounts.iter().copied().map(Place::Account).chain(wallets)
    }
}

fn chain_of(entry: usize, n: usize) -> Chain {
    match (entry + n) % 4 {
        0 | 1 => Chain::Tron,
        2 => Chain::Evm,
        _ => Chain::Bitcoin,
    }
}

fn open(world: &mut World, dice: &mut Dice, entry: &Entry, with_us: bool) -> AccountId {
    let bank = if with_us { OUR_BANK } else { 7 };
    let opened = world.ago(dice, 200, 1_500);
    let id = world.open(&Opening {
        name: &spoken(entry.name),
        bank,
        role: Role::Retail,
        segment: "retail",
        opened,
        balance: 4_200_000,
        overdraft: 0,
    });
    let device = world.next_device();
    let account = &mut world.accounts[id as usize];
    account.birth = entry.birth.and_then(iso_birth);
    account.country = country_code(entry.country);
    account.device = device;
    id
}

/// One in a hundred thousand transactions, two at least once there is room for them, deals with a listed party.
pub(super) fn plan_payments(crime: &mut Crime, world: &World, dice: &mut Dice, config: &SimConfig, budget: &mut u64) {
    let wanted = (config.transactions / 100_000).max(3).min(*budget / 4);
    for number in 0..wanted {
        let operation = crime.operations.len() as u16;
        let mark = Some(Mark { operation, role: TransactionRole::Sanctioned });
        let (action, place) = payment(crime, world, dice, number, mark);
        let day = dice.between(0, config.days() - 2);
        let time = world.start + day * DAY + dice.between(8 * HOUR, 18 * HOUR);
        crime.steps.push(Step { time, operation, deed: Deed::Act(action) });
        crime.operations.push(Operation {
            name: format!("op-{operation}"),
            scheme: Scheme::Sanctions,
            cast: vec![(place, CastRole::Sanctioned)],
            held: Vec::new(),
        });
    }
    *budget -= wanted;
}

fn payment(crime: &Crime, world: &World, dice: &mut Dice, number: u64, mark: Option<Mark>) -> (Action, Place) {
    let list = &crime.sanctions;
    let firm = world.employers[dice.index(world.employers.len())].account;
    let firm = if world.account(firm).ours() { firm } else { world.employers[0].account };
    let abroad = list.accounts[1 + (number / 5) as usize % 3];
    let cents = dice.between(90, 900) * 1_000;
    let user = ordinary_user(world, dice);
    let wallets = list.wallets_of(world, Chain::Tron);
    let wallet = wallets[(number / 5) as usize % wallets.len()];
    let units = cents * 10_000;
    match number % 5 {
        0 => {
            let order = Transfer::new(firm, abroad, cents, Note::Supplier);
            (Action::Transfer(Transfer { currency: "USD", mark, ..order }), Place::Account(abroad))
        }
        1 => (Action::CryptoIn { user, asset: Asset::Usdt, units, wallet, mark }, Place::Wallet(wallet)),
        2 => {
            let own = list.accounts[0];
            let order = Transfer::new(own, world.places.dealers[0], cents, Note::Car);
            let order = order.by(Channel::Online, world.account(own).device);
            (Action::Transfer(Transfer { mark, ..order }), Place::Account(own))
        }
        3 => {
            let order = Transfer::new(firm, world.places.suppliers[1], cents, Note::Usdt(wallet));
            (Action::Transfer(Transfer { mark, ..order }), Place::Wallet(wallet))
        }
        _ => {
            let order = Transfer::new(abroad, firm, cents, Note::Invoice);
            (Action::Transfer(Transfer { mark, ..order }), Place::Account(abroad))
        }
    }
}

fn ordinary_user(world: &World, dice: &mut Dice) -> UserId {
    dice.below(world.users.len() as u64) as UserId
}

/// Somebody innocent bears a listed name, with another date of birth.
pub(super) fn name_alike(list: &SanctionsList, world: &mut World, dice: &mut Dice) -> Vec<AccountId> {
    if world.people.len() < 1_000 {
        return Vec::new();
    }
    let account = world.people[dice.index(world.people.len())].account;
    world.accounts[account as usize].name = spoken(list.entries[5].name).into();
    vec![account]
}
