use super::{Plans, office, ordered, somebody, waking};
use crate::action::{Action, Note, Transfer};
use crate::calendar::{DAY, HOUR, MINUTE};
use crate::dice::Dice;
use crate::world::{AccountId, Living, World};

/// Things that happen to few people a day and look, from outside, like typologies. Chances are per person and day, in
/// millionths: two homes bought per hundred households and year, a car per fifteen, works per twenty, and so on.
pub(super) fn plan(world: &World, day: i64, dice: &mut Dice, plans: &mut Plans) {
    const STORIES: [(u64, Story); 8] = [
        (45, buy_home),
        (150, buy_car),
        (110, renovate),
        (70, organise_trip),
        (40, pay_tuition),
        (60, lend_for_purchase),
        (400, awaken),
        (30, discover_coins),
    ];
    for (chance, story) in STORIES {
        for _ in 0..dice.count(world.people.len() as u64 * chance / 1_000) {
            let (at, account) = somebody(world, dice);
            // Whoever is part of an operation has trouble enough.
            if !world.people[at].cast {
                story(world, at, account, day, dice, plans);
            }
        }
    }
}

type Story = fn(&World, usize, AccountId, i64, &mut Dice, &mut Plans);

fn transfer(world: &World, dice: &mut Dice, from: AccountId, to: AccountId, cents: i64, note: Note) -> Action {
    Action::Transfer(ordered(world, dice, Transfer::new(from, to, cents, note)))
}

/// Savings become a home: a drained account that is nobody's crime.
fn buy_home(world: &World, at: usize, account: AccountId, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let Some(savings) = world.people[at].savings else { return };
    let cents = world.account(savings).balance * dice.between(75, 97) / 100;
    let time = office(day, dice);
    plans.push((time, transfer(world, dice, savings, account, cents, Note::Savings)));
    let deed = transfer(world, dice, account, world.places.notary, cents, Note::Deed);
    plans.push((time + dice.between(HOUR, 30 * HOUR), deed));
}

fn buy_car(world: &World, at: usize, account: AccountId, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let to = if dice.chance(700_000) { *dice.pick(&world.places.dealers) } else { world.outsider(dice) };
    let cents = dice.skewed(250_000, 3_000_000) / 10_000 * 10_000;
    let time = office(day, dice);
    if let Some(savings) = world.people[at].savings {
        plans.push((time - 20 * MINUTE, transfer(world, dice, savings, account, cents, Note::Savings)));
    }
    plans.push((time, transfer(world, dice, account, to, cents, Note::Car)));
}

/// Stage payments to a craftsman who was never paid before, each larger than the last.
fn renovate(world: &World, at: usize, account: AccountId, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let Some(savings) = world.people[at].savings else { return };
    let to = *dice.pick(&world.places.craftsmen);
    let (mut cents, mut time) = (dice.between(40, 150) * 1_000, office(day, dice));
    for _ in 0..dice.between(2, 4) {
        plans.push((time - 10 * MINUTE, transfer(world, dice, savings, account, cents, Note::Savings)));
        plans.push((time, transfer(world, dice, account, to, cents, Note::Works)));
        cents = cents * dice.between(80, 170) / 100;
        time += dice.between(20 * HOUR, 6 * DAY);
    }
}

/// Many pay one, and nearly all of it goes on: to a travel agency.
fn organise_trip(world: &World, at: usize, account: AccountId, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let friends = dice.between(4, 12);
    let share = dice.between(60, 350) * 100;
    for _ in 0..friends {
        let near = (at as i64 + dice.between(-30, 30)).rem_euclid(world.people.len() as i64) as usize;
        let from = if dice.chance(600_000) { world.people[near].account } else { world.outsider(dice) };
        let time = waking(day, dice) + dice.between(0, 2) * DAY;
        plans.push((time, transfer(world, dice, from, account, share, Note::Trip)));
    }
    let to = *dice.pick(&world.places.travel);
    let time = day + 3 * DAY + dice.between(8 * HOUR, 20 * HOUR);
    plans.push((time, transfer(world, dice, account, to, share * friends, Note::Trip)));
}

fn pay_tuition(world: &World, at: usize, account: AccountId, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let Some(child) = world.people[at].family else { return };
    let student = world.people[child as usize].account;
    let cents = dice.between(8, 45) * 10_000;
    let time = waking(day, dice);
    plans.push((time, transfer(world, dice, account, student, cents, Note::Tuition)));
    let fee = transfer(world, dice, student, world.places.university, cents, Note::Tuition);
    plans.push((time + dice.between(HOUR, 20 * HOUR), fee));
}

/// Family lends, and the money leaves at once for what it was lent for.
fn lend_for_purchase(world: &World, _at: usize, account: AccountId, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let lender = if dice.chance(500_000) { world.outsider(dice) } else { somebody(world, dice).1 };
    let cents = dice.between(12, 60) * 10_000;
    let time = waking(day, dice);
    plans.push((time, transfer(world, dice, lender, account, cents, Note::Loan)));
    let to = *dice.pick(&world.places.dealers);
    plans.push((time + dice.between(HOUR, 22 * HOUR), transfer(world, dice, account, to, cents, Note::Car)));
}

/// An account that slept for years receives a legacy, and part of it moves to relatives.
fn awaken(world: &World, at: usize, account: AccountId, day: i64, dice: &mut Dice, plans: &mut Plans) {
    if world.people[at].living != Living::Quiet {
        return;
    }
    let cents = dice.between(20, 300) * 10_000;
    let time = office(day, dice);
    let legacy = Transfer::new(world.places.notary, account, cents, Note::Deed);
    plans.push((time, Action::Transfer(legacy)));
    let part = transfer(world, dice, account, world.people[at].friends[0], cents / 3, Note::Loan);
    plans.push((time + dice.between(DAY, 4 * DAY), part));
}

/// Somebody buys coins for the first time, several times in a day.
fn discover_coins(world: &World, _at: usize, account: AccountId, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let to = *dice.pick(&world.places.exchanges);
    let mut time = waking(day, dice);
    for _ in 0..dice.between(1, 4) {
        let cents = dice.between(10, 160) * 1_000;
        plans.push((time, transfer(world, dice, account, to, cents, Note::Exchange)));
        time += dice.between(10 * MINUTE, 8 * HOUR);
    }
}
