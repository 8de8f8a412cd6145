use super::{Plans, between_hours, office};
use crate::action::{Action, Note, Transfer};
use crate::calendar::{DAY, HOUR, SECOND, day_of_month, weekday};
use crate::dice::Dice;
use crate::world::{Living, PayDay, Role, World};

pub(super) fn plan(world: &World, day: i64, dice: &mut Dice, plans: &mut Plans) {
    pay_wages(world, day, dice, plans);
    pay_pensions(world, day, dice, plans);
    let weekday = weekday(day);
    for shop in 0..world.shops.len() {
        run_shop(world, shop, day, dice, plans);
    }
    if weekday < 5 {
        for at in 0..world.employers.len() {
            let firm = world.employers[at].account;
            if dice.chance(350_000) {
                let to = *dice.pick(&world.places.suppliers);
                let invoice = Transfer::new(firm, to, dice.skewed(15_000, 2_500_000), Note::Supplier);
                plans.push((office(day, dice), Action::Transfer(invoice)));
            }
        }
        for at in 0..world.people.len() {
            if world.people[at].living == Living::Freelancer {
                bill_clients(world, at, day, dice, plans);
            }
        }
        for firm in world.places.suppliers.iter().chain(&world.places.craftsmen) {
            if dice.chance(300_000) {
                let tax = Transfer::new(*firm, world.places.tax, dice.skewed(20_000, 1_500_000), Note::Tax);
                plans.push((office(day, dice), Action::Transfer(tax)));
            }
        }
    }
}

fn due(pay: PayDay, world: &World, day: i64) -> bool {
    match pay {
        PayDay::Monthly(on) => day_of_month(day) == on,
        PayDay::Weekly(on) => weekday(day) == on,
        PayDay::Day(on) => (day - world.start) / DAY % 28 == on,
    }
}

/// A run: everybody is paid within minutes of each other, in the order of the payroll.
fn pay_wages(world: &World, day: i64, dice: &mut Dice, plans: &mut Plans) {
    for employer in world.employers.iter().filter(|employer| due(employer.pay, world, day)) {
        let begin = between_hours(day, dice, 1, 6);
        let share = if matches!(employer.pay, PayDay::Weekly(_)) { 4 } else { 1 };
        for (place, person) in employer.staff.iter().enumerate() {
            let person = &world.people[*person as usize];
            let cents = person.income / share + dice.between(-2_000, 9_000);
            let wage = Transfer::new(employer.account, person.account, cents, Note::Salary);
            let time = begin + place as i64 * 150 + dice.between(0, 140);
            plans.push((time, Action::Transfer(wage)));
        }
    }
}

fn pay_pensions(world: &World, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let begin = day + 2 * HOUR;
    let today = u64::from(day_of_month(day));
    for (at, person) in world.people.iter().enumerate() {
        // Authorities spread their runs over the month.
        if at as u64 % 28 + 1 != today {
            continue;
        }
        let (from, note) = match person.living {
            Living::Pensioner => (world.places.pension, Note::Pension),
            Living::Student => (world.places.benefits, Note::Benefit),
            _ => continue,
        };
        let time = begin + plans.len() as i64 % 7_200 * SECOND + dice.between(0, 900);
        plans.push((time, Action::Transfer(Transfer::new(from, person.account, person.income, note))));
    }
}

fn run_shop(world: &World, at: usize, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let shop = world.shops[at];
    let ours = world.account(shop.account).ours();
    if let Some(psp) = shop.psp {
        // What cards brought the day before, less the fee.
        let cents = dice.skewed(4_000, 900_000);
        let batch = Transfer::new(psp, shop.account, cents, Note::Batch);
        plans.push((between_hours(day, dice, 4, 6), Action::Transfer(batch)));
    }
    if ours && shop.trade().cash && weekday(day) < 6 && dice.chance(550_000) {
        let takings = if dice.chance(25_000) { dice.between(7_500, 9_900) } else { dice.skewed(200, 6_500) };
        let time = between_hours(day, dice, shop.trade().hours.1 - 1, shop.trade().hours.1);
        plans.push((time, Action::CashIn { account: shop.account, cents: takings * 100, mark: None }));
    }
    if ours && weekday(day) < 5 && dice.chance(450_000) {
        let to = *dice.pick(&world.places.suppliers);
        let cents = dice.skewed(8_000, 1_200_000);
        plans.push((office(day, dice), Action::Transfer(Transfer::new(shop.account, to, cents, Note::Supplier))));
    }
}

/// Income in one piece, part of it passed on at once: taxes, a subcontractor, the savings.
fn bill_clients(world: &World, at: usize, day: i64, dice: &mut Dice, plans: &mut Plans) {
    let person = &world.people[at];
    if !dice.chance(90_000) {
        return;
    }
    let time = office(day, dice);
    let abroad = dice.chance(120_000);
    let client = if abroad { world.outsider(dice) } else { world.employers[dice.index(world.employers.len())].account };
    let cents = dice.skewed(30_000, 700_000);
    let currency = if !abroad {
        "EUR"
    } else {
        match dice.below(3) {
            0 => "GBP",
            1 => "CHF",
            _ => "USD",
        }
    };
    let invoice = Transfer { currency, ..Transfer::new(client, person.account, cents, Note::Project) };
    plans.push((time, Action::Transfer(invoice)));
    if dice.chance(400_000) {
        let part = cents * dice.between(15, 60) / 100;
        let to = match (dice.below(3), person.savings) {
            (0, Some(savings)) => savings,
            (1, _) => world.places.tax,
            _ => person.friends[1],
        };
        let note = if world.account(to).role == Role::Collective { Note::Tax } else { Note::Project };
        let passed = super::ordered(world, dice, Transfer::new(person.account, to, part, note));
        plans.push((time + dice.between(HOUR, 30 * HOUR), Action::Transfer(passed)));
    }
}
