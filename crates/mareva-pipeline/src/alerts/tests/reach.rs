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

/// What a mule of ours moves to its account at our exchange, where it is withdrawn to a wallet but for 100.
fn through_the_exchange() -> Vec<Payment> {
    vec![
        pay("in1", START + HOUR, FAR, MULE, 500_000),
        pay("x1", START + 2 * HOUR, MULE, USER, 300_000)
            .with(Text::Kind, "deposit")
            .with(Text::Network, "sepa")
            .with(Text::LinkedAccount, MULE),
        pay("out2", START + 3 * HOUR, MULE, "merchant:shop", 10_000).with(Text::Kind, "card_payment"),
        pay("x2", START + 4 * HOUR, USER, WALLET, 290_000)
            .with(Text::Kind, "withdrawal")
            .with(Text::Network, "tron")
            .with(Text::TxHash, "c0ffee")
            .with(Text::LinkedAccount, MULE),
    ]
}

#[test]
fn money_is_followed_through_the_exchange_account_of_the_mule() {
    let alert = run(&through_the_exchange(), &[], &changes()).pop().unwrap();
    let told = |alert: &Alert| -> Vec<(Action, String, String)> {
        let target = |target: &mareva_model::alert::Target| {
            (target.action, target.account.clone().unwrap(), target.recommended_amount.clone().unwrap())
        };
        alert.targets.iter().map(target).collect()
    };
    let at = |action, account: &str, sum: &str| (action, account.to_owned(), sum.to_owned());
    let (bank, shop) = (at(Action::Hold, MULE, "1900.00"), at(Action::Report, "merchant:shop", "100.00"));
    let wallet = at(Action::Recall, WALLET, "2900.00");
    assert_eq!(told(&alert), [bank.clone(), at(Action::Hold, USER, "100.00"), shop.clone(), wallet]);
    assert_eq!(alert.money.as_ref().unwrap().recommended, "5000.00", "never more than was received");
    let recall = alert.targets.last().unwrap();
    assert_eq!(recall.chain.as_ref().unwrap().exchange.as_deref(), Some("kestrel"));
    // Somebody else's account at the exchange is not the mule's.
    let mut payments = through_the_exchange();
    payments[1] = pay("x1", START + 2 * HOUR, MULE, USER, 300_000).with(Text::Network, "sepa");
    let alert = run(&payments, &[], &changes()).pop().unwrap();
    assert_eq!(told(&alert), [bank, at(Action::Hold, USER, "3000.00"), shop.clone()]);
    // What comes back to the bank account is named once, and no longer held at the exchange.
    let mut payments = through_the_exchange();
    payments[3] =
        pay("x2", START + 4 * HOUR, USER, MULE, 300_000).with(Text::Kind, "withdrawal").with(Text::LinkedAccount, MULE);
    let alert = run(&payments, &[], &changes()).pop().unwrap();
    assert!(told(&alert).contains(&at(Action::Report, USER, "3000.00")), "{:?}", told(&alert));
}
