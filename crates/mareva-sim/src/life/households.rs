use super::{Plans, between_hours, ordered, waking};
use crate::action::{Action, Note, Transfer};
use crate::calendar::{MINUTE, weekday};
use crate::dice::Dice;
use crate::world::{Living, Person, World};

/// What somebody does on a day, given as its midnight and its day of the month.
pub(super) fn plan(world: &World, person: &Person, (day, today): (i64, u8), dice: &mut Dice, plans: &mut Plans) {
    if person.living == Living::Quiet {
        return;
    }
    shop(world, person, day, dice, plans);
    withdraw(person, day, dice, plans);
    if person.rent_day == today && person.rent > 0 {
        let rent = Transfer::new(person.account, person.landlord, person.rent, Note::Rent);
        plans.push((between_hours(day, dice, 4, 9), Action::Transfer(rent)));
    }
    for (due, biller, cents) in person.bills {
        if due == today {
            let to = world.places.billers[usize::from(biller)];
            let bill = Transfer::new(person.account, to, i64::from(cents), Note::Bill);
            plans.push((between_hours(day, dice, 3, 8), Action::Transfer(bill)));
        }
    }
    socialise(world, person, day, dice, plans);
    save(world, person, day, dice, plans);
}

fn shop(world: &World, person: &Person, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let rhythm = match weekday(day) {
        5 => 1250,
        6 => 600,
        _ => 1000,
    };
    for _ in 0..dice.count(u64::from(person.cards) * rhythm / 1000) {
        let at = if dice.chance(800_000) {
            *dice.pick(&person.shops)
        } else {
            dice.skewed(0, world.shops.len() as i64 - 1) as u32
        };
        let trade = world.shops[at as usize].trade();
        let cents = dice.skewed(trade.cents.0, trade.cents.1);
        let time = between_hours(day, dice, trade.hours.0, trade.hours.1);
        plans.push((time, Action::Card { payer: person.account, shop: at, cents }));
    }
}

/// Everybody has an hour and an amount they are used to.
fn withdraw(person: &Person, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let (often, hour, euros) = person.cash;
    if dice.below(1000) < u64::from(often) {
        let usual = i64::from(euros).max(20);
        let cents = (usual + dice.between(-2, 2) * 10).max(10) * 100;
        let time = between_hours(day, dice, i64::from(hour), i64::from(hour) + 2);
        plans.push((time, Action::CashOut { account: person.account, cents, mark: None }));
    }
    if dice.chance(7_000) {
        // Gifts, flea markets, sold furniture; now and then a car.
        let cents = if dice.chance(30_000) { dice.between(3_000, 9_800) * 100 } else { dice.skewed(30, 900) * 100 };
        let time = between_hours(day, dice, 9, 19);
        plans.push((time, Action::CashIn { account: person.account, cents, mark: None }));
    }
}

fn socialise(world: &World, person: &Person, day: i64, dice: &mut Dice, plans: &mut Plans) {
    if dice.below(1000) < u64::from(person.social) {
        // One payment in eight goes to somebody new.
        let to = match dice.below(8) {
            0 if dice.chance(500_000) => world.outsider(dice),
            0 => super::somebody(world, dice).1,
            _ => *dice.pick(&person.friends),
        };
        let (note, cents) = match dice.below(10) {
            0 => (Note::Present, dice.between(2, 20) * 500),
            1 => (Note::Invoice, dice.skewed(1_500, 90_000)),
            2 => (Note::Loan, dice.between(1, 20) * 2_500),
            _ => (Note::Dinner, dice.skewed(300, 9_000)),
        };
        let transfer = ordered(world, dice, Transfer::new(person.account, to, cents, note));
        plans.push((waking(day, dice), Action::Transfer(transfer)));
    }
    let Some(child) = person.family else { return };
    if weekday(day) == 0 {
        let to = world.people[child as usize].account;
        let money = Transfer::new(person.account, to, 2_500 + i64::from(person.rent_day) * 250, Note::PocketMoney);
        plans.push((between_hours(day, dice, 6, 8), Action::Transfer(money)));
    }
}

/// To the savings after a wage came in, and back when something is to be bought.
fn save(world: &World, person: &Person, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let Some(savings) = person.savings else { return };
    let account = world.account(person.account);
    if dice.chance(30_000) && account.balance > person.income / 2 {
        let cents = (account.balance * dice.between(5, 30) / 100).max(2_000) / 1_000 * 1_000;
        let saved = ordered(world, dice, Transfer::new(person.account, savings, cents, Note::Savings));
        plans.push((waking(day, dice), Action::Transfer(saved)));
    } else if account.balance < 20_000 && dice.chance(350_000) {
        let cents = dice.between(2, 12) * 5_000;
        let back = ordered(world, dice, Transfer::new(savings, person.account, cents, Note::Savings));
        plans.push((waking(day, dice) + MINUTE, Action::Transfer(back)));
    }
}
