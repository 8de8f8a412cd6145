use std::collections::BTreeMap;

use mareva_model::alert::Action;
use mareva_monitoring::RowNumber;
use proptest::prelude::*;

use crate::alerts::config::effective;
use crate::alerts::fifo::{Leg, run};
use crate::alerts::share::share;

fn leg(row: u64, out: bool, amount: i64) -> Leg {
    Leg { row: RowNumber(row), out, amount: Some(amount), reverses: None, overdrawn: 0 }
}

fn suspect(rows: &[(u64, i64)]) -> BTreeMap<RowNumber, i64> {
    rows.iter().map(|(row, amount)| (RowNumber(*row), *amount)).collect()
}

#[test]
fn older_clean_money_is_spent_first() {
    let legs = [leg(0, false, 100), leg(1, true, 60), leg(2, true, 70)];
    let flow = run(&legs, &suspect(&[(0, 100)]), 50);
    assert_eq!(flow.carried_by(RowNumber(1)), 10);
    assert_eq!(flow.carried_by(RowNumber(2)), 70);
    assert_eq!(flow.lots[&RowNumber(0)].remaining, 20);
    assert!(!flow.uncertain);
}

#[test]
fn a_return_gives_back_to_where_it_came_from() {
    // Suspect 100 in; 80 out, which bounces; then 30 are sent back to the sender.
    let bounced = Leg { reverses: Some(RowNumber(1)), ..leg(2, false, 80) };
    let sent_back = Leg { reverses: Some(RowNumber(0)), ..leg(3, true, 30) };
    let flow = run(&[leg(0, false, 100), leg(1, true, 80), bounced, sent_back], &suspect(&[(0, 100)]), 0);
    assert_eq!(flow.carried_by(RowNumber(1)), 0);
    let lot = flow.lots[&RowNumber(0)];
    assert_eq!((lot.remaining, lot.returned), (70, 30));
}

#[test]
fn an_overdraft_swallows_what_comes_in_first() {
    let covered = Leg { overdrawn: 30, ..leg(0, false, 100) };
    let flow = run(&[covered, leg(1, true, 50)], &suspect(&[(0, 60)]), 0);
    let lot = flow.lots[&RowNumber(0)];
    assert_eq!((lot.received, lot.absorbed, flow.carried_by(RowNumber(1)), lot.remaining), (60, 30, 30, 0));
}

#[test]
fn a_payment_without_a_rate_makes_what_remains_uncertain() {
    let unknown = Leg { amount: None, ..leg(1, true, 0) };
    assert!(run(&[leg(0, false, 100), unknown], &suspect(&[(0, 100)]), 0).uncertain);
}

#[test]
fn shares_are_rounded_down_at_the_currency_and_whole_when_whole() {
    let units = |text: &str| mareva_model::Amount::parse(text).unwrap().0;
    for (amount, part, whole, places, expected) in [
        ("100.00", 1, 3, 2, "33.33"),
        ("100.00", 2, 3, 2, "66.66"),
        ("0.000000000000000003", 1, 3, 18, "0.000000000000000001"),
        ("1500", 2, 3, 0, "1000"),
        ("1000", 2, 3, 0, "666"),
        ("10.123", 5, 5, 2, "10.123"),
        ("10", 0, 5, 2, "0"),
        ("99999999999999999999", 999_999_999_999_998, 999_999_999_999_999, 2, "99999999999999899998.99"),
    ] {
        let got = share(units(amount), part, whole, places);
        assert_eq!(got, units(expected), "{amount} {part}/{whole}");
    }
}

#[test]
fn actions_go_as_far_as_we_reach_and_never_onto_a_collective_account() {
    assert_eq!(effective(Action::Recall, Action::Hold, None), Action::Hold);
    assert_eq!(effective(Action::Hold, Action::Recall, Some("retail")), Action::Recall);
    assert_eq!(effective(Action::Hold, Action::Report, None), Action::Report);
    assert_eq!(effective(Action::Warn, Action::Hold, None), Action::Warn);
    for role in ["payroll", "merchant", "omnibus", "psp", "internal", "collective"] {
        assert_eq!(effective(Action::Hold, Action::Hold, Some(role)), Action::Report, "{role}");
    }
}

fn legs() -> impl Strategy<Value = (Vec<Leg>, BTreeMap<RowNumber, i64>, i64)> {
    let back = prop::option::of(0_usize..40);
    let one = (any::<bool>(), 0_i64..2_000, 0_i64..=100, back, any::<bool>(), prop::option::of(0_i64..3_000));
    (prop::collection::vec(one, 0..40), 0_i64..1_000).prop_map(|(drawn, opening)| {
        let mut suspect = BTreeMap::new();
        let mut legs: Vec<Leg> = Vec::new();
        for (row, (out, amount, percent, back, unknown, overdrawn)) in drawn.into_iter().enumerate() {
            let row = RowNumber(row as u64);
            let original = back.and_then(|at| legs.get(at)).filter(|original| original.out != out);
            let reverses = original.map(|original| original.row);
            let amount = Some(amount).filter(|_| !unknown || percent > 5);
            if let Some(amount) = amount.filter(|_| !out && reverses.is_none() && percent > 50) {
                suspect.insert(row, amount * percent / 100);
            }
            legs.push(Leg { row, out, amount, reverses, overdrawn: overdrawn.filter(|_| !out).unwrap_or(0) });
        }
        (legs, suspect, opening)
    })
}

proptest! {
    #[test]
    fn money_is_conserved((legs, suspect, opening) in legs()) {
        let flow = run(&legs, &suspect, opening);
        for (row, lot) in &flow.lots {
            let carried: i64 = flow.carried.values().flatten().filter(|(from, _)| from == row).map(|(_, s)| s).sum();
            prop_assert_eq!(lot.received, suspect[row]);
            prop_assert_eq!(lot.received, lot.remaining + carried + lot.returned + lot.absorbed);
            prop_assert!(lot.remaining >= 0 && lot.returned >= 0 && lot.absorbed >= 0 && carried >= 0);
        }
        // No more remains than lies on the account, whatever overdrafts took.
        let on_account = legs.iter().fold(opening, |sum, leg| match (leg.out, leg.amount.unwrap_or(0)) {
            (true, amount) => (sum - amount).max(0),
            (false, amount) => sum + amount - amount.min(leg.overdrawn),
        });
        prop_assert!(flow.lots.values().map(|lot| lot.remaining).sum::<i64>() <= on_account);
        for (row, shares) in &flow.carried {
            let leg = legs.iter().find(|leg| leg.row == *row).unwrap();
            prop_assert!(leg.out);
            prop_assert!(flow.carried_by(*row) <= flow.sent[row].iter().map(|(_, share)| share).sum::<i64>());
            prop_assert!(shares.iter().map(|(_, share)| share).sum::<i64>() <= leg.amount.unwrap());
        }
    }

    #[test]
    fn shares_never_exceed_the_payment(amount in 0_i128..=mareva_model::Amount::MAX, parts in prop::collection::vec(0_i64..1_000_000_000, 1..6), places in 0_u32..=18) {
        let whole: i64 = parts.iter().sum();
        let shares: Vec<i128> = parts.iter().map(|part| share(amount, *part, whole, places)).collect();
        if whole > 0 && parts.iter().all(|part| *part < whole) {
            prop_assert!(shares.iter().try_fold(0_i128, |sum, share| sum.checked_add(*share)).unwrap() <= amount);
        }
        prop_assert!(shares.iter().all(|share| *share >= 0 && *share <= amount));
    }
}
