use super::{CastRole, Crime, Deed, Place, Step, Sum};
use crate::action::{Action, Channel, Note, TransactionRole, Transfer};
use crate::calendar::{DAY, MINUTE};
use crate::dice::Dice;
use crate::identifiers::{BANKS, OUR_BANK, iban};
use crate::world::{AccountId, Chain, Living, Names, Opening, Role, UserId, WalletId, World};

/// A line of `mules.csv`.
#[derive(Debug, Clone)]
pub(crate) struct MuleEntry {
    pub(crate) iban: String,
    pub(crate) reason: &'static str,
    /// UTC milliseconds.
    pub(crate) reported: i64,
    pub(crate) source: &'static str,
}

const REASONS: [&str; 4] = ["recall FRAD", "police report", "mule recruiter", "victim report"];
const SOURCES: [&str; 3] = ["fraud desk", "bank consortium", "police"];

fn report(dice: &mut Dice, iban: String, start: i64) -> MuleEntry {
    let reported = start - dice.between(1, 120) * DAY;
    MuleEntry { iban, reason: *dice.pick(&REASONS), reported, source: *dice.pick(&SOURCES) }
}

/// Reported accounts that nobody in the simulation uses.
pub(super) fn strangers(world: &World, dice: &mut Dice, count: u64) -> Vec<MuleEntry> {
    // Serials far above those of the world's own accounts, below those of the next seed.
    let first = (world.seed % 1_000) * 5_000_000 + 4_000_000;
    (0..count)
        .map(|at| {
            let bank = 1 + dice.below(BANKS.len() as u64 - 1) as u8;
            report(dice, iban(bank, first + at), world.start)
        })
        .collect()
}

/// An operation while it is being planned.
pub(super) struct Draft<'a> {
    pub(super) world: &'a mut World,
    pub(super) dice: &'a mut Dice,
    crime: &'a mut Crime,
    number: u16,
    steps: Vec<Step>,
    cost: u64,
    cast: Vec<(Place, CastRole)>,
    /// The device from which the controller of the mule accounts works.
    herd: u32,
}

impl<'a> Draft<'a> {
    pub(super) fn new(world: &'a mut World, dice: &'a mut Dice, crime: &'a mut Crime, number: u16) -> Self {
        let herd = world.next_device();
        Self { world, dice, crime, number, steps: Vec::new(), cost: 0, cast: Vec::new(), herd }
    }

    pub(super) fn finish(self) -> (Vec<Step>, u64, Vec<(Place, CastRole)>) {
        (self.steps, self.cost, self.cast)
    }

    /// Adds a step that causes `records` records.
    pub(super) fn add(&mut self, time: i64, deed: Deed, records: u64) {
        self.cost += records;
        self.steps.push(Step { time, operation: self.number, deed });
    }

    pub(super) fn minutes(&mut self, least: i64, most: i64) -> i64 {
        self.dice.between(least * MINUTE, most * MINUTE)
    }

    /// A payment by a victim; from the victim's own device unless another is given.
    pub(super) fn pay(
        &mut self,
        time: i64,
        from: AccountId,
        to: AccountId,
        sum: Sum,
        role: TransactionRole,
        note: Note,
    ) {
        self.add(time, Deed::Pay { from, to, sum, role, note, device: 0, user: None }, 1);
    }

    fn enlist(&mut self, place: Place, role: CastRole) {
        self.cast.push((place, role));
    }

    /// Somebody with at least so many cents: two of three bank with us.
    pub(super) fn victim(&mut self, cents: i64) -> AccountId {
        let id = if self.dice.chance(650_000) { self.own_victim(cents) } else { self.world.outsider(self.dice) };
        self.enlist(Place::Account(id), CastRole::Victim);
        id
    }

    /// A victim among our customers.
    pub(super) fn customer_victim(&mut self, cents: i64) -> AccountId {
        let id = self.own_victim(cents);
        self.enlist(Place::Account(id), CastRole::Victim);
        id
    }

    fn own_victim(&mut self, cents: i64) -> AccountId {
        let fits = |living| matches!(living, Living::Worker | Living::Pensioner | Living::Freelancer);
        let at = self.uncast(fits);
        let id = self.world.people[at].account;
        self.world.accounts[id as usize].balance += cents;
        id
    }

    /// Somebody of the kind who has no part yet; anybody of the kind when the search takes too long.
    fn uncast(&mut self, fits: impl Fn(Living) -> bool) -> usize {
        let mut at = 0;
        for attempt in 0..400 {
            at = self.dice.index(self.world.people.len());
            let person = &self.world.people[at];
            if fits(person.living) && (!person.cast || attempt > 300) {
                break;
            }
        }
        self.world.people[at].cast = true;
        at
    }

    /// The victim empties the savings into the current account first, where there are savings.
    pub(super) fn liquidate(&mut self, time: i64, victim: AccountId) {
        let Some(savings) = self.world.people.iter().find(|p| p.account == victim).and_then(|p| p.savings) else {
            return;
        };
        let holder = self.world.account(victim);
        let cents = self.world.account(savings).balance * 8 / 10;
        let transfer = Transfer::new(savings, victim, cents, Note::Savings).by(Channel::Mobile, holder.device);
        self.crime.ordinary.push((time, Action::Transfer(transfer)));
    }

    /// A mule account with us: a recruited student or worker, an account opened for the purpose, or one that slept for years.
    pub(super) fn mule(&mut self, role: CastRole) -> AccountId {
        let id = match self.dice.below(20) {
            0..7 => {
                let at = self.uncast(|living| matches!(living, Living::Student | Living::Worker));
                self.world.people[at].account
            }
            7..14 => self.account_for_hire(OUR_BANK, 4, 85, self.herd),
            _ => self.account_for_hire(OUR_BANK, 900, 3_500, self.herd),
        };
        self.enlist_mule(id, role);
        id
    }

    /// A mule account that the controller uses from the shared device.
    pub(super) fn herd_mule(&mut self) -> AccountId {
        let (least, most) = if self.dice.chance(400_000) { (900, 3_500) } else { (4, 85) };
        let id = self.account_for_hire(OUR_BANK, least, most, self.herd);
        self.enlist_mule(id, CastRole::Mule);
        id
    }

    /// A mule account at another bank: the money leaves our sight there.
    pub(super) fn mule_elsewhere(&mut self) -> AccountId {
        let bank = 1 + self.dice.weighted(&[20, 15, 10, 15, 25, 5, 10]) as u8;
        let id = self.account_for_hire(bank, 4, 400, 0);
        self.enlist_mule(id, CastRole::Mule);
        id
    }

    fn enlist_mule(&mut self, id: AccountId, role: CastRole) {
        self.enlist(Place::Account(id), role);
        // Some are known to the banks already; the first always, so that every simulation with an operation has one.
        if self.crime.mules.is_empty() || self.dice.chance(140_000) {
            let iban = self.world.account(id).iban.to_string();
            let entry = report(self.dice, iban, self.world.start);
            self.crime.mules.push(entry);
        }
    }

    fn account_for_hire(&mut self, bank: u8, least_days: i64, most_days: i64, device: u32) -> AccountId {
        let name = self.world.names.stranger(self.dice);
        let opened = self.world.ago(self.dice, least_days, most_days);
        let balance = self.dice.skewed(200, 60_000);
        let id = self.world.open(&Opening {
            name: &name,
            bank,
            role: Role::Retail,
            segment: "retail",
            opened,
            balance,
            overdraft: 0,
        });
        let birth = Names::birth(self.dice, 18, 60);
        let account = &mut self.world.accounts[id as usize];
        if bank == OUR_BANK {
            account.birth = Some(birth);
        }
        account.device = device;
        id
    }

    /// A fresh user of the exchange who is tied to the account.
    pub(super) fn user(&mut self, account: AccountId, role: CastRole) -> UserId {
        let opened = self.world.ago(self.dice, 1, 7);
        let id = self.world.register(account, opened);
        self.world.users[id as usize].cast = true;
        self.enlist(Place::User(id), role);
        id
    }

    pub(super) fn wallet(&mut self, chain: Chain) -> WalletId {
        let id = self.world.new_wallet(chain);
        self.enlist(Place::Wallet(id), CastRole::Wallet);
        id
    }

    /// Where the money goes in the end: one in three such wallets is on the sanctions list, the first one always.
    pub(super) fn last_wallet(&mut self, chain: Chain) -> WalletId {
        let listed = self.crime.sanctions.wallets_of(self.world, chain);
        let used = self.crime.sanctions.used;
        if listed.is_empty() || (used && !self.dice.chance(330_000)) {
            return self.wallet(chain);
        }
        self.crime.sanctions.used = true;
        let id = *self.dice.pick(&listed);
        self.enlist(Place::Wallet(id), CastRole::Sanctioned);
        id
    }
}
