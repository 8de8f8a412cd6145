use super::institutions::LARGEST_STAFF;
use super::{AccountId, Asset, Names, Opening, Role, UserId, World};
use crate::dice::Dice;
use crate::identifiers::OUR_BANK;

/// How somebody earns a living.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Living {
    Worker,
    Pensioner,
    Student,
    Freelancer,
    /// Keeps an account and does not use it.
    Quiet,
}

/// A customer of our bank and the customer's habits. Amounts are cents.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) savings: Option<AccountId>,
    pub(crate) living: Living,
    /// Wage, pension or grant a month.
    pub(crate) income: i64,
    pub(crate) rent: i64,
    pub(crate) landlord: AccountId,
    pub(crate) rent_day: u8,
    /// Days of the month on which the bills fall due, and what they come to.
    pub(crate) bills: [(u8, u8, u16); 3],
    /// Card payments per thousand days.
    pub(crate) cards: u16,
    /// Cash withdrawals per thousand days, usual hour and usual amount.
    pub(crate) cash: (u16, u8, u16),
    /// Payments to other persons per thousand days.
    pub(crate) social: u16,
    pub(crate) friends: [AccountId; 4],
    pub(crate) shops: [u32; 6],
    /// Index of a student child or a parent in the people.
    pub(crate) family: Option<u32>,
    /// Part of an operation: chosen at most once.
    pub(crate) cast: bool,
}

pub(super) fn settle(world: &mut World, dice: &mut Dice, count: u64) {
    while (world.people.len() as u64) < count {
        let size = 1 + dice.weighted(&[40, 34, 15, 11]);
        let family = world.names.family(dice);
        let tablet = if size > 1 && dice.chance(150_000) { world.next_device() } else { 0 };
        let first = world.people.len();
        for member in 0..size {
            move_in(world, dice, family, member, tablet);
        }
        adopt(world, first, size);
    }
    befriend(world, dice);
    employ(world, dice);
}

/// Parents of a student in the same household pay pocket money.
fn adopt(world: &mut World, first: usize, size: usize) {
    for member in 1..size {
        if world.people[first + member].living == Living::Student {
            world.people[first].family = Some((first + member) as u32);
        }
    }
}

fn move_in(world: &mut World, dice: &mut Dice, family: &str, member: usize, tablet: u32) {
    let living = match (member, dice.below(100)) {
        (2.., 0..70) => Living::Student,
        (_, 0..58) => Living::Worker,
        (_, 58..81) => Living::Pensioner,
        (_, 81..89) => Living::Student,
        (_, 89..97) => Living::Freelancer,
        _ => Living::Quiet,
    };
    let (ages, balance, income, overdraft) = match living {
        Living::Worker => ((21, 66), (20_000, 1_100_000), (155_000, 620_000), 100_000),
        Living::Pensioner => ((64, 92), (50_000, 2_400_000), (95_000, 290_000), 50_000),
        Living::Student => ((17, 27), (3_000, 160_000), (35_000, 95_000), 0),
        Living::Freelancer => ((24, 67), (80_000, 2_000_000), (200_000, 700_000), 200_000),
        Living::Quiet => ((30, 90), (10_000, 700_000), (0, 0), 0),
    };
    let name = world.names.person(dice, family);
    let birth = Names::birth(dice, ages.0, ages.1);
    let opened = if living == Living::Quiet { world.ago(dice, 900, 5_000) } else { world.ago(dice, 20, 5_000) };
    let account = world.open(&Opening {
        name: &name,
        bank: OUR_BANK,
        role: Role::Retail,
        segment: "retail",
        opened,
        balance: dice.skewed(balance.0, balance.1),
        overdraft,
    });
    let device = world.next_device();
    let holder = &mut world.accounts[account as usize];
    holder.birth = Some(birth);
    holder.device = device;
    holder.home = tablet;
    let saves = !matches!(living, Living::Student | Living::Quiet) && dice.chance(400_000);
    let savings = saves.then(|| open_savings(world, dice, account));
    let income = dice.skewed(income.0, income.1 * 2).min(income.1).max(income.0);
    let person = habits(world, dice, account, savings, living, income);
    world.people.push(person);
}

fn open_savings(world: &mut World, dice: &mut Dice, account: AccountId) -> AccountId {
    let id = world.accounts.len() as AccountId;
    let holder = world.account(account).clone();
    world.open(&Opening {
        name: &holder.name,
        bank: OUR_BANK,
        role: Role::Retail,
        segment: "savings",
        opened: holder.opened,
        balance: dice.skewed(100_000, 9_000_000),
        overdraft: 0,
    });
    let opened = &mut world.accounts[id as usize];
    opened.customer = holder.customer;
    opened.birth = holder.birth;
    opened.device = holder.device;
    opened.home = holder.home;
    id
}

fn habits(
    world: &World,
    dice: &mut Dice,
    account: AccountId,
    savings: Option<AccountId>,
    living: Living,
    income: i64,
) -> Person {
    let shops =
        [(); 6].map(|()| if dice.chance(115_000) { 0 } else { dice.skewed(0, world.shops.len() as i64 - 1) as u32 });
    let rent_day = if dice.chance(500_000) { 1 + dice.below(5) } else { 6 + dice.below(22) } as u8;
    let bill = |dice: &mut Dice| {
        (1 + dice.below(28) as u8, dice.below(world.places.billers.len() as u64) as u8, dice.skewed(900, 19_000) as u16)
    };
    let quiet = living == Living::Quiet;
    let cards = match living {
        Living::Pensioner => dice.between(150, 900),
        Living::Quiet => 0,
        _ => dice.between(450, 1_900),
    };
    let rents = !quiet && income > 90_000 && dice.chance(550_000);
    Person {
        account,
        savings,
        living,
        income,
        rent: if rents { (income * dice.between(22, 38) / 100).min(240_000) / 500 * 500 } else { 0 },
        landlord: landlord(world, dice),
        rent_day,
        bills: [bill(dice), bill(dice), bill(dice)],
        cards: cards as u16,
        cash: if quiet {
            (0, 12, 0)
        } else {
            (dice.skewed(15, 330) as u16, dice.between(8, 20) as u8, dice.skewed(2, 50) as u16 * 10)
        },
        social: if quiet { 0 } else { dice.skewed(20, 380) as u16 },
        friends: [account; 4],
        shops,
        family: None,
        cast: false,
    }
}

/// A property firm, a person of another bank or, now and then, a customer of ours.
fn landlord(world: &World, dice: &mut Dice) -> AccountId {
    let small = dice.below(world.outsiders.len() as u64 / 4 + 1) as AccountId;
    match (dice.below(10), world.people.len()) {
        (0..4, _) => world.places.billers[7],
        (4, people @ 40..) => world.people[dice.skewed(0, people as i64 / 4) as usize].account,
        _ => world.outsiders.start + small,
    }
}

fn befriend(world: &mut World, dice: &mut Dice) {
    for at in 0..world.people.len() {
        let mut friends = world.people[at].friends;
        for friend in &mut friends {
            *friend = if dice.chance(450_000) {
                world.outsider(dice)
            } else {
                // Friends live nearby: people with near numbers know each other.
                let near = (at as i64 + dice.between(-40, 40)).rem_euclid(world.people.len() as i64);
                world.people[near as usize].account
            };
        }
        world.people[at].friends = friends;
    }
}

fn employ(world: &mut World, dice: &mut Dice) {
    let others = world.employers.len() as i64 - 1;
    for at in 0..world.people.len() {
        if world.people[at].living != Living::Worker {
            continue;
        }
        let largest = world.employers[0].staff.len() < LARGEST_STAFF && dice.chance(345_000);
        let employer = if largest { 0 } else { 1 + dice.skewed(0, others - 1) as usize };
        world.employers[employer].staff.push(at as u32);
    }
    for at in 0..world.employers.len() {
        let wages: i64 = world.employers[at].staff.iter().map(|p| world.people[*p as usize].income).sum();
        let account = world.employers[at].account as usize;
        world.accounts[account].balance += wages * 6;
    }
}

/// Users of the exchange: one in eight customers of ours, and as many who bank elsewhere.
pub(super) fn found_exchange(world: &mut World, dice: &mut Dice) {
    for at in 0..world.people.len() {
        if matches!(world.people[at].living, Living::Pensioner | Living::Quiet) || !dice.chance(170_000) {
            continue;
        }
        let account = world.people[at].account;
        join(world, dice, account);
    }
    let strangers = world.people.len() as u64 / 8 + 4;
    for at in 0..strangers.min(world.outsiders.len() as u64) {
        join(world, dice, world.outsiders.start + at as AccountId);
    }
}

fn join(world: &mut World, dice: &mut Dice, account: AccountId) -> UserId {
    let opened = world.ago(dice, 5, 1_800);
    let id = world.register(account, opened);
    let user = &mut world.users[id as usize];
    user.balances[Asset::Eur as usize] = dice.skewed(0, 300_000);
    user.balances[Asset::Usdt as usize] = dice.skewed(0, 4_000_000_000);
    user.balances[Asset::UsdtEvm as usize] = dice.skewed(0, 2_000_000_000);
    user.balances[Asset::Btc as usize] = dice.skewed(0, 9_000_000);
    user.balances[Asset::Eth as usize] = dice.skewed(0, 2_000_000_000);
    id
}
