//! How much of a payment is still where it was paid to, and what is asked for where nothing is.

use mareva_model::Text;
use mareva_model::alert::{Action, Alert};

use super::fixture::*;

const SECOND: &str = "iban:DE75512108001245126199";
const THIRD: &str = "iban:GB29NWBK60161331926819";

fn back(id: &str, time: i64, from: &str, to: &str, cents: i64, original: &str) -> Payment {
    pay(id, time, from, to, cents).with(Text::Kind, "return").with(Text::Original, &row_id(original))
}

/// A victim's 1,000 that a mule of ours pays on to a second account with us, in two payments.
fn layered() -> Vec<Payment> {
    vec![
        pay("in1", START + HOUR, FAR, MULE, 100_000),
        pay("out1", START + 2 * HOUR, MULE, SECOND, 50_000),
        pay("out2", START + 3 * HOUR, MULE, SECOND, 50_000),
    ]
}

fn changes() -> Vec<mareva_model::DetectionChange> {
    composed(&pass_through(), &mule_account(), "out2", "out", MULE, START + 3 * HOUR)
}

fn alert(more: Vec<Payment>) -> Alert {
    let payments: Vec<Payment> = layered().into_iter().chain(more).collect();
    run(&payments, &[], &changes()).pop().unwrap()
}

/// Action, recommended and reachable amount of what was paid on to the second account.
fn paid_on(alert: &Alert) -> Vec<(Action, &str, &str)> {
    let targets = alert.targets.iter().filter(|target| target.account.as_deref() == Some(SECOND));
    let told = targets.map(|target| (target.action, &target.recommended_amount, &target.reachable_amount));
    told.map(|(action, asked, left)| (action, asked.as_deref().unwrap(), left.as_deref().unwrap())).collect()
}

#[test]
fn money_that_came_back_takes_nothing_from_what_stayed() {
    let whole = alert(vec![back("r1", START + 4 * HOUR, SECOND, MULE, 50_000, "out1")]);
    assert_eq!(paid_on(&whole), [(Action::Hold, "500.00", "500.00")]);
    let part = alert(vec![back("r1", START + 4 * HOUR, SECOND, MULE, 20_000, "out1")]);
    assert_eq!(paid_on(&part), [(Action::Hold, "300.00", "300.00"), (Action::Hold, "500.00", "500.00")]);
}

#[test]
fn part_of_a_victims_payment_that_came_back_is_not_taken_off_twice() {
    let payments = [
        pay("s1", START + HOUR, ANNA, SECOND, 400_000),
        back("r1", START + 2 * HOUR, SECOND, ANNA, 100_000, "s1"),
        pay("s2", START + 3 * HOUR, ANNA, SECOND, 100_000),
    ];
    let changes = composed(&escalation(), &scam_victim(), "s2", "out", ANNA, START + 3 * HOUR);
    let alert = run(&payments, &[], &changes).pop().unwrap();
    assert_eq!(paid_on(&alert), [(Action::Hold, "3000.00", "3000.00"), (Action::Hold, "1000.00", "1000.00")]);
}

#[test]
fn where_nothing_is_left_nothing_is_held() {
    let gone = alert(vec![pay("on", START + 4 * HOUR, SECOND, THIRD, 60_000)]);
    assert_eq!(paid_on(&gone), [(Action::Report, "500.00", "0.00"), (Action::Hold, "500.00", "400.00")]);
    let all = alert(vec![pay("on", START + 4 * HOUR, SECOND, THIRD, 100_000)]);
    assert_eq!((all.action, all.expires_at), (Action::Report, None));
    assert_eq!(paid_on(&all), [(Action::Report, "500.00", "0.00"), (Action::Report, "500.00", "0.00")]);
}

#[test]
fn what_an_overdraft_swallowed_is_not_on_the_account() {
    // The account was 300 below zero, and is 700 above after the 1,000.
    let payments = [pay("in1", START + HOUR, FAR, MULE, 100_000).balance(false, 70_000)];
    let changes = composed(&pass_through(), &mule_account(), "in1", "in", MULE, START + HOUR);
    let alert = run(&payments, &[], &changes).pop().unwrap();
    let target = &alert.targets[0];
    assert_eq!((target.action, target.recommended_amount.as_deref()), (Action::Hold, Some("700.00")));
    assert_eq!(target.reachable_amount.as_deref(), Some("700.00"));
    let money = alert.money.as_ref().unwrap();
    assert_eq!((money.received.as_deref(), money.on_account.as_deref()), (Some("1000.00"), Some("700.00")));
    assert_eq!(money.carried_on.as_deref(), Some("300.00"));
}
