mod institutions;
mod names;
mod people;
mod tables;

use std::borrow::Cow;

use crate::calendar::{DAY, date};
use crate::config::SimConfig;
use crate::dice::Dice;
use crate::identifiers::{BANKS, OUR_BANK, address_key, bitcoin, evm, iban, tron};
use crate::rates::Rates;

pub(crate) use institutions::{Employer, PayDay, Places, Shop};
pub(crate) use names::Names;
pub(crate) use people::{Living, Person};

/// Index into [`World::accounts`].
pub(crate) type AccountId = u32;
/// Index into [`World::users`].
pub(crate) type UserId = u32;
/// Index into [`World::wallets`].
pub(crate) type WalletId = u32;

/// What an account is for, as in the `accounts` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Retail,
    Business,
    Payroll,
    Merchant,
    Psp,
    Omnibus,
    Collective,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Retail => "retail",
            Self::Business => "business",
            Self::Payroll => "payroll",
            Self::Merchant => "merchant",
            Self::Psp => "psp",
            Self::Omnibus => "omnibus",
            Self::Collective => "collective",
        }
    }
}

/// A bank account, ours or another bank's.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) iban: Box<str>,
    pub(crate) name: Box<str>,
    /// Date of birth of a person, `YYYY-MM-DD`.
    pub(crate) birth: Option<Box<str>>,
    pub(crate) country: &'static str,
    pub(crate) bank: u8,
    pub(crate) role: Role,
    pub(crate) segment: &'static str,
    pub(crate) customer: u32,
    pub(crate) opened: i64,
    /// Cents of a euro; kept for our bank's accounts only.
    pub(crate) balance: i64,
    pub(crate) overdraft: i64,
    /// Number of the holder's own device and of the one shared at home; 0 is none.
    pub(crate) device: u32,
    pub(crate) home: u32,
}

impl Account {
    pub(crate) fn ours(&self) -> bool {
        self.bank == OUR_BANK
    }

    pub(crate) fn bic(&self) -> &'static str {
        BANKS[usize::from(self.bank)].bic
    }

    /// Whether the `accounts` table names it: our customers, and institutions that everybody knows.
    pub(crate) fn known(&self) -> bool {
        self.ours() || !matches!(self.role, Role::Retail | Role::Business)
    }

    /// Cents that can leave the account now.
    pub(crate) fn available(&self) -> i64 {
        if self.ours() { self.balance + self.overdraft } else { i64::MAX / 4 }
    }
}

/// What the exchange keeps for its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asset {
    Eur,
    /// USDT on TRON.
    Usdt,
    /// USDT on Ethereum.
    UsdtEvm,
    Btc,
    Eth,
}

impl Asset {
    pub(crate) const COUNT: usize = 5;

    pub(crate) fn ticker(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Usdt | Self::UsdtEvm => "USDT",
            Self::Btc => "BTC",
            Self::Eth => "ETH",
        }
    }

    /// Decimal places in which amounts are kept.
    pub(crate) fn places(self) -> u32 {
        match self {
            Self::Eur => 2,
            Self::Usdt | Self::UsdtEvm => 6,
            Self::Btc => 8,
            Self::Eth => 9,
        }
    }

    pub(crate) fn chain(self) -> Chain {
        match self {
            Self::Btc => Chain::Bitcoin,
            Self::UsdtEvm | Self::Eth => Chain::Evm,
            Self::Eur | Self::Usdt => Chain::Tron,
        }
    }
}

/// A user of the exchange.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) uid: u32,
    /// The bank account tied to it; name, country and device are its holder's.
    pub(crate) account: AccountId,
    pub(crate) opened: i64,
    /// By [`Asset`], in its smallest unit.
    pub(crate) balances: [i64; Asset::COUNT],
    /// The user's own wallet outside, by [`Chain`].
    pub(crate) own: [WalletId; 3],
    /// Where the user's deposits arrive, by [`Chain`].
    pub(crate) deposit: [WalletId; 3],
    /// Part of an operation: takes no part in ordinary trading.
    pub(crate) cast: bool,
}

/// A chain that wallets live on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chain {
    Tron,
    Evm,
    Bitcoin,
}

impl Chain {
    pub(crate) const ALL: [Self; 3] = [Self::Tron, Self::Evm, Self::Bitcoin];

    pub(crate) fn network(self) -> &'static str {
        match self {
            Self::Tron => "tron",
            Self::Evm => "ethereum",
            Self::Bitcoin => "bitcoin",
        }
    }
}

/// An address on a chain.
#[derive(Debug, Clone)]
pub(crate) struct Wallet {
    pub(crate) address: Box<str>,
    pub(crate) chain: Chain,
}

impl Wallet {
    /// The canonical identifier, as in the `accounts` table.
    pub(crate) fn canonical(&self) -> String {
        match self.chain {
            Chain::Tron => format!("tron:{}", self.address),
            Chain::Evm => format!("eip155:1:{}", self.address),
            Chain::Bitcoin => format!("btc:{}", self.address),
        }
    }
}

/// Everybody and everything that can take part in a transaction.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) seed: u64,
    /// Midnight of the first day.
    pub(crate) start: i64,
    pub(crate) rates: Rates,
    pub(crate) accounts: Vec<Account>,
    pub(crate) people: Vec<Person>,
    pub(crate) employers: Vec<Employer>,
    pub(crate) shops: Vec<Shop>,
    pub(crate) users: Vec<User>,
    pub(crate) wallets: Vec<Wallet>,
    /// Persons who bank elsewhere.
    pub(crate) outsiders: std::ops::Range<AccountId>,
    pub(crate) places: Places,
    pub(crate) names: Names,
    customers: u32,
    devices: u32,
    /// The dates from the start on, as text.
    dates: Vec<String>,
}

/// What is needed to open an account.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) name: &'a str,
    pub(crate) bank: u8,
    pub(crate) role: Role,
    pub(crate) segment: &'static str,
    pub(crate) opened: i64,
    pub(crate) balance: i64,
    pub(crate) overdraft: i64,
}

impl World {
    /// A world without anybody in it.
    pub(crate) fn empty(seed: u64, start: i64, days: i64) -> Self {
        Self {
            seed,
            start,
            rates: Rates::new(seed, start, days),
            accounts: Vec::new(),
            people: Vec::new(),
            employers: Vec::new(),
            shops: Vec::new(),
            users: Vec::new(),
            wallets: Vec::new(),
            outsiders: 0..0,
            places: Places::default(),
            names: Names::new(),
            customers: 0,
            devices: 0,
            dates: (0..days + 20).map(|day| date(start + day * DAY)).collect(),
        }
    }

    /// The ordinary economy for a configuration.
    pub(crate) fn new(config: &SimConfig) -> Self {
        let mut world = Self::empty(config.seed, crate::calendar::midnight(config.start), config.days());
        world.populate(config.people());
        people::found_exchange(&mut world, &mut Dice::new(config.seed, "exchange", 0));
        world
    }

    /// People and firms without an exchange, for a few days.
    pub(crate) fn town(seed: u64, start: i64, people: u64) -> Self {
        let mut world = Self::empty(seed, crate::calendar::midnight(start), 7);
        world.populate(people);
        world
    }

    fn populate(&mut self, people: u64) {
        institutions::found(self, &mut Dice::new(self.seed, "institutions", 0), people);
        people::settle(self, &mut Dice::new(self.seed, "people", 0), people);
    }

    /// `YYYY-MM-DD` of a time.
    pub(crate) fn date(&self, time: i64) -> Cow<'_, str> {
        let day = usize::try_from((time - self.start).div_euclid(DAY)).ok().and_then(|day| self.dates.get(day));
        day.map_or_else(|| Cow::Owned(date(time)), |text| Cow::Borrowed(text.as_str()))
    }

    pub(crate) fn account(&self, id: AccountId) -> &Account {
        &self.accounts[id as usize]
    }

    pub(crate) fn user(&self, id: UserId) -> &User {
        &self.users[id as usize]
    }

    pub(crate) fn wallet(&self, id: WalletId) -> &Wallet {
        &self.wallets[id as usize]
    }

    /// A new customer of some bank.
    pub(crate) fn next_customer(&mut self) -> u32 {
        self.customers += 1;
        self.customers
    }

    /// A new device.
    pub(crate) fn next_device(&mut self) -> u32 {
        self.devices += 1;
        self.devices
    }

    /// Opens an account for a new customer.
    pub(crate) fn open(&mut self, opening: &Opening<'_>) -> AccountId {
        let id = self.accounts.len() as AccountId;
        let customer = self.next_customer();
        self.accounts.push(Account {
            iban: iban(opening.bank, u64::from(id) + (self.seed % 1_000) * 5_000_000).into(),
            name: opening.name.into(),
            birth: None,
            country: BANKS[usize::from(opening.bank)].country,
            bank: opening.bank,
            role: opening.role,
            segment: opening.segment,
            customer,
            opened: opening.opened,
            balance: opening.balance,
            overdraft: opening.overdraft,
            device: 0,
            home: 0,
        });
        id
    }

    /// A new address; nobody holds its key.
    pub(crate) fn new_wallet(&mut self, chain: Chain) -> WalletId {
        let id = self.wallets.len() as WalletId;
        let key = address_key(self.seed, "wallet", u64::from(id));
        let address = match chain {
            Chain::Tron => tron(&key),
            Chain::Evm => evm(&key),
            Chain::Bitcoin => bitcoin(&key),
        };
        self.wallets.push(Wallet { address: address.into(), chain });
        id
    }

    /// Registers a user of the exchange with a linked bank account.
    pub(crate) fn register(&mut self, account: AccountId, opened: i64) -> UserId {
        let id = self.users.len() as UserId;
        let own = Chain::ALL.map(|chain| self.new_wallet(chain));
        let deposit = Chain::ALL.map(|chain| self.new_wallet(chain));
        self.users.push(User {
            uid: 100_000 + id * 7 + (self.seed % 7) as u32,
            account,
            opened,
            balances: [0; Asset::COUNT],
            own,
            deposit,
            cast: false,
        });
        id
    }

    /// A person of another bank, picked from the pool.
    pub(crate) fn outsider(&self, dice: &mut Dice) -> AccountId {
        self.outsiders.start + dice.below(u64::from(self.outsiders.end - self.outsiders.start)) as AccountId
    }

    /// A time some days before the start.
    pub(crate) fn ago(&self, dice: &mut Dice, least_days: i64, most_days: i64) -> i64 {
        self.start - dice.between(least_days, most_days) * DAY
    }

    /// Canonical identifier of a user.
    pub(crate) fn user_canonical(&self, id: UserId) -> String {
        format!("exch:{}:{}", crate::identifiers::EXCHANGE, self.user(id).uid)
    }
}
