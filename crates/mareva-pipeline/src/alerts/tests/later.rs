//! What happens to the money after the last rule or list has spoken.

use mareva_model::alert::{Action, Alert};
use mareva_model::{DetectionChange, EvidenceClass, ListAction, PartyRole, Regime, Text};

use super::fixture::*;
use super::fraud::{mule_changes, mule_paid_on};
use super::victims::{scam_changes, scam_payments};

const THIRD: &str = "iban:GB29NWBK60161331926819";

fn back(id: &str, time: i64, from: &str, to: &str, cents: i64, original: &str) -> Payment {
    pay(id, time, from, to, cents).with(Text::Kind, "return").with(Text::Original, original)
}

fn later(first: Vec<Payment>, changes: Vec<DetectionChange>, payments: Vec<Payment>) -> Vec<Alert> {
    run_slices(&[(first, Vec::new(), changes), (payments, Vec::new(), Vec::new())])
}

fn held(alert: &Alert) -> Option<&str> {
    alert.targets.iter().find(|target| target.action == Action::Hold)?.recommended_amount.as_deref()
}

#[test]
fn money_that_leaves_after_the_alert_is_no_longer_held_but_recalled() {
    let out = pay("out3", START + 5 * HOUR, MULE, THIRD, 100_000);
    let alerts = later(mule_paid_on(), mule_changes(), vec![out]);
    let [first, second] = &alerts[..] else { panic!("{alerts:#?}") };
    assert_eq!((held(first), first.as_of), (Some("1400.00"), START + 3 * HOUR + MINUTE));
    assert_eq!((held(second), second.as_of), (Some("400.00"), START + 5 * HOUR));
    assert_eq!(second.window.to, first.window.to, "what the rules rest on has not changed");
    let recalled = second.targets.iter().filter(|target| target.action == Action::Recall);
    let recalled: Vec<_> = recalled.filter_map(|target| target.recommended_amount.as_deref()).collect();
    assert_eq!(recalled, ["3500.00", "1000.00"]);
}

#[test]
fn a_small_payment_waits_for_the_close_and_many_of_them_do_not() {
    let out = |n: i64| pay(&format!("small{n}"), START + 5 * HOUR + n * MINUTE, MULE, THIRD, 5_000);
    let alerts = later(mule_paid_on(), mule_changes(), vec![out(0)]);
    assert_eq!(
        alerts.iter().map(|alert| (alert.revision, held(alert))).collect::<Vec<_>>(),
        [(1, Some("1400.00")), (2, Some("1350.00"))]
    );
    let mut slices = vec![(mule_paid_on(), Vec::new(), mule_changes())];
    slices.extend((0..20).map(|n| (vec![out(n)], Vec::new(), Vec::new())));
    let alerts = run_slices(&slices);
    let amounts: Vec<_> = alerts.iter().map(|alert| held(alert).unwrap()).collect();
    assert_eq!(amounts, ["1400.00", "900.00", "400.00"]);
}

#[test]
fn money_sent_back_is_not_held_and_money_that_bounces_is() {
    let sent_back = back("r1", START + 5 * HOUR, MULE, FAR, 200_000, &row_id("in2"));
    let alerts = later(mule_paid_on(), mule_changes(), vec![sent_back]);
    let last = alerts.last().unwrap();
    assert_eq!(held(last), None);
    assert_eq!(last.money.as_ref().unwrap().returned.as_deref(), Some("1400.00"));
    let bounced = back("r2", START + 5 * HOUR, THIRD, MULE, 350_000, &row_id("out1"));
    let alerts = later(mule_paid_on(), mule_changes(), vec![bounced]);
    assert_eq!(held(alerts.last().unwrap()), Some("4900.00"));
}

#[test]
fn a_transfer_that_exchange_and_chain_tell_of_counts_once() {
    const DEST: &str = "eip155:1:0x52908400098527886e0f7030069857d2e4169ee7";
    const HOT: &str = "eip155:1:0x8617e340b3d01fa5f11f306f4090fd50e238070d";
    let onward = pay("x9", START + 2 * HOUR, DEST, FAR, 40_000).with(Text::Kind, "token_transfer");
    let told = |id: &str, from: &str, cents, hash: &str, log: Option<i64>| {
        let kind = if from == HOT { "token_transfer" } else { "withdrawal" };
        let record = pay(id, START + HOUR, from, DEST, cents).with(Text::Kind, kind).with(Text::TxHash, hash);
        log.map_or(record.clone(), |log| record.log_index(log))
    };
    for (exchange, chain, received) in [
        // The exchange writes the hash as it likes, and its own amount where it names the log.
        (told("w1", USER, 100_000, "0xAB", None), told("c1", HOT, 100_000, "0xab", Some(7)), "1000.00"),
        (told("w1", USER, 100_000, "ab", Some(7)), told("c1", HOT, 99_500, "0xab", Some(7)), "1000.00"),
        // Another transfer of the same transaction, or another transaction, is other money.
        (told("w1", USER, 100_000, "0xab", Some(7)), told("c1", HOT, 100_000, "0xab", Some(8)), "2000.00"),
        (told("w1", USER, 100_000, "0xab", None), told("c1", HOT, 50_000, "0xab", Some(8)), "1500.00"),
        (told("w1", USER, 100_000, "0xab", None), told("c1", HOT, 100_000, "0xac", Some(7)), "2000.00"),
    ] {
        let changes = composed(&super::fixture::pass_through(), &mule_account(), "x9", "out", DEST, START + 2 * HOUR);
        let orders = [[exchange.clone(), chain.clone()], [chain, exchange]];
        for payments in orders {
            let payments: Vec<Payment> = payments.into_iter().chain([onward.clone()]).collect();
            let alert = run(&payments, &[], &changes).pop().unwrap();
            assert_eq!(alert.money.unwrap().received.as_deref(), Some(received), "{payments:?}");
        }
    }
}

#[test]
fn a_bounced_payment_never_makes_a_hold_larger_than_the_account() {
    // 500 of its own, 1,000 from a victim, 900 out, which bounce: the list makes whatever comes in suspect.
    let payments = vec![
        pay("p1", START + HOUR, ANNA, MULE, 100_000).balance(false, 150_000),
        pay("p2", START + 2 * HOUR, MULE, THIRD, 90_000),
        back("p3", START + 3 * HOUR, THIRD, MULE, 90_000, &row_id("p2")),
    ];
    let mules = list("mules", Regime::Fraud, ListAction::Hold, "*");
    let make = |id, time| hit(id, time, PartyRole::Beneficiary, MULE, &mules, EvidenceClass::InstitutionConfirmed);
    let alert = run(&payments, &[make("p1", START + HOUR), make("p3", START + 3 * HOUR)], &[]).pop().unwrap();
    assert_eq!(held(&alert), alert.money.as_ref().unwrap().on_account.as_deref());
    assert_eq!(held(&alert), alert.targets[0].recommended_reference.as_deref());
}

#[test]
fn a_return_may_name_its_payment_by_either_id() {
    let known_by_uetr =
        pay("in3", START + HOUR, FAR, MULE, 100_000).with(Text::RowId, "uetr:7a562c67-ca16-48ba-b074-65581be6f009");
    for name in ["uetr:7a562c67-ca16-48ba-b074-65581be6f009".to_owned(), row_id("in3")] {
        let mut first = mule_paid_on();
        first.push(known_by_uetr.clone());
        let alerts = later(first, mule_changes(), vec![back("r7", START + 5 * HOUR, MULE, FAR, 100_000, &name)]);
        let money = alerts.last().unwrap().money.clone().unwrap();
        assert_eq!(money.returned.as_deref(), Some("1000.00"), "{name}");
    }
}

#[test]
fn a_return_of_a_payment_that_is_not_known_holds_nobody() {
    let stray = back("r9", START + 5 * HOUR, MULE, THIRD, 100_000, &row_id("before-our-time"));
    let alerts = later(mule_paid_on(), mule_changes(), vec![stray]);
    assert!(alerts.last().unwrap().targets.iter().all(|target| target.row_ids != [row_id("r9")]));
    // A return to somebody else than who paid is a payment.
    let false_return = back("r8", START + 5 * HOUR, MULE, BERT, 100_000, &row_id("in2"));
    let alerts = later(mule_paid_on(), mule_changes(), vec![false_return]);
    let last = alerts.last().unwrap();
    assert_eq!(last.money.as_ref().unwrap().returned.as_deref(), Some("0.00"));
    assert!(last.targets.iter().any(|target| target.row_ids == [row_id("r8")] && target.action.restrains()));
}

#[test]
fn cash_that_is_paid_back_is_held_again_at_once() {
    let cash = pay("c1", START + 4 * HOUR, MULE, "", 140_000).with(Text::Kind, "cash_withdrawal");
    let undone = back("c2", START + 5 * HOUR, "", MULE, 140_000, &row_id("c1"));
    let first = (mule_paid_on(), Vec::new(), mule_changes());
    let last = pay("c3", START + 6 * HOUR, MULE, THIRD, 100);
    let slices = [first, (vec![cash], vec![], vec![]), (vec![undone], vec![], vec![]), (vec![last], vec![], vec![])];
    let held: Vec<_> = run_slices(&slices).iter().map(|alert| held(alert).map(str::to_owned)).collect();
    assert_eq!(held[..3], [Some("1400.00".to_owned()), None, Some("1400.00".to_owned())]);
}

#[test]
fn what_came_back_to_a_victim_is_not_recalled() {
    let original = "uetr:7a562c67-ca16-48ba-b074-65581be6f003";
    for (cents, recalls, money) in [(400_000, 2, "2000.00"), (100_000, 3, "5000.00")] {
        let payments = vec![back("r3", START + 6 * HOUR, FAR, ANNA, cents, original)];
        let alerts = later(scam_payments(), scam_changes(), payments);
        let last = alerts.last().unwrap();
        assert_eq!((alerts.len(), last.targets.len()), (2, recalls));
        let sums = last.money.as_ref().unwrap();
        assert_eq!((sums.recommended.as_str(), sums.received.as_deref()), (money, Some("6000.00")));
        assert_eq!(sums.returned.as_deref(), Some(format!("{}.00", cents / 100).as_str()));
        assert_eq!(last.as_of, START + 6 * HOUR);
    }
}

#[test]
fn a_return_at_another_rate_leaves_nothing_behind() {
    let payments = vec![
        back("r3", START + 6 * HOUR, FAR, ANNA, 400_000, "uetr:7a562c67-ca16-48ba-b074-65581be6f003")
            .reference(Some(399_000)),
    ];
    let alerts = later(scam_payments(), scam_changes(), payments);
    assert_eq!(alerts.last().unwrap().targets.len(), 2);
}

#[test]
fn a_return_finds_its_payment_among_several_under_one_uetr() {
    let uetr = "uetr:7a562c67-ca16-48ba-b074-65581be6f00a";
    // Somebody else paid a small sum under the UETR first, or later.
    for (squat, real) in [(uetr.to_owned(), format!("{uetr}#2")), (format!("{uetr}#2"), uetr.to_owned())] {
        let mut payments = mule_paid_on();
        payments.push(pay("sq", START + HOUR, BERT, THIRD, 100).with(Text::RowId, &squat));
        payments.push(pay("in9", START + HOUR, FAR, MULE, 100_000).with(Text::RowId, &real));
        let sent_back = back("r9", START + 5 * HOUR, MULE, FAR, 100_000, uetr);
        let alerts = later(payments, mule_changes(), vec![sent_back]);
        let money = alerts.last().unwrap().money.clone().unwrap();
        assert_eq!(money.returned.as_deref(), Some("1000.00"), "{squat}");
    }
}
