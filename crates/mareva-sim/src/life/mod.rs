mod firms;
mod households;
mod stories;
mod trading;

use crate::action::{Action, Channel, Transfer};
use crate::calendar::{HOUR, MINUTE, day_of_month};
use crate::dice::Dice;
use crate::world::{AccountId, World};

/// Actions and when they happen, in no order.
pub(crate) type Plans = Vec<(i64, Action)>;

/// Plans what ordinary people and firms do on the day that begins at `day`.
pub(crate) fn plan_day(world: &World, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let today = day_of_month(day);
    for person in &world.people {
        households::plan(world, person, (day, today), dice, plans);
    }
    firms::plan(world, day, dice, plans);
    trading::plan(world, day, dice, plans);
    stories::plan(world, day, dice, plans);
}

/// A time between two hours of the day, to the millisecond.
fn between_hours(day: i64, dice: &mut Dice, from: i64, to: i64) -> i64 {
    day + dice.between(from * HOUR, to * HOUR - 1)
}

/// When people use their phones: hardly at night, most in the evening.
fn waking(day: i64, dice: &mut Dice) -> i64 {
    const HOURS: [u32; 24] = [4, 2, 1, 1, 1, 3, 10, 22, 30, 34, 36, 38, 42, 38, 34, 34, 38, 46, 54, 58, 52, 38, 22, 10];
    let hour = dice.weighted(&HOURS) as i64;
    between_hours(day, dice, hour, hour + 1)
}

/// When offices work.
fn office(day: i64, dice: &mut Dice) -> i64 {
    between_hours(day, dice, 7, 17) + dice.between(0, 30 * MINUTE)
}

/// The transfer, ordered by its payer on the payer's own device or the one shared at home.
fn ordered(world: &World, dice: &mut Dice, transfer: Transfer) -> Transfer {
    let holder = world.account(transfer.from);
    let device = if holder.home != 0 && dice.chance(350_000) { holder.home } else { holder.device };
    match dice.below(20) {
        0 => transfer.by(Channel::Branch, 0),
        1..=12 => transfer.by(Channel::Mobile, device),
        _ => transfer.by(Channel::Online, device),
    }
}

/// Somebody among the people who uses the account, with the account.
fn somebody(world: &World, dice: &mut Dice) -> (usize, AccountId) {
    let at = dice.index(world.people.len());
    (at, world.people[at].account)
}
