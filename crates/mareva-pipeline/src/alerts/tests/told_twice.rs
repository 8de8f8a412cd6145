//! Transfers of an exchange of which a bank tells too.

use mareva_model::alert::{Action, Alert, TargetKind};
use mareva_model::{DetectionChange, EvidenceClass, ListAction, PartyRole, Prepared, Regime, Text};

use super::fixture::*;
use super::fraud::{mule_changes, mule_paid_on};

/// The account of the exchange with its bank.
const OMNIBUS: &str = "iban:DE40500105175407324931";

fn later(payments: Vec<Payment>) -> Vec<Alert> {
    let first: (_, _, Vec<DetectionChange>) = (mule_paid_on(), Vec::new(), mule_changes());
    run_slices(&[first, (payments, Vec::new(), Vec::new())])
}

fn held(alert: &Alert) -> Option<&str> {
    alert.targets.iter().find(|target| target.action == Action::Hold)?.recommended_amount.as_deref()
}

fn by_exchange(id: &str, time: i64, from: &str, to: &str, cents: i64) -> Payment {
    let kind = if to == USER { "deposit" } else { "withdrawal" };
    let told = pay(id, time, from, to, cents).with(Text::Kind, kind).with(Text::Network, "sepa");
    told.with(Text::LinkedAccount, MULE)
}

#[test]
fn a_transfer_that_bank_and_exchange_tell_of_counts_once() {
    let bank = pay("b1", START + 5 * HOUR, MULE, OMNIBUS, 100_000).prepared(Prepared::BeneficiaryIsVasp, "true");
    let exchange = by_exchange("x1", START + 5 * HOUR + MINUTE, MULE, USER, 100_000);
    for payments in [vec![bank.clone(), exchange.clone()], vec![exchange.clone()], vec![bank]] {
        let alerts = later(payments.clone());
        assert_eq!(held(alerts.last().unwrap()), Some("400.00"), "{payments:?}");
    }
    // Two of each are two.
    let again = |payment: &Payment, id: &str| payment.clone().with(Text::RowId, &row_id(id));
    let alerts = later(vec![exchange.clone(), again(&exchange, "x2")]);
    assert!(alerts.last().unwrap().targets.iter().all(|target| target.kind != TargetKind::Account));
}

#[test]
fn a_transfer_of_the_exchange_hides_no_payment_to_or_from_anybody_else() {
    let friend = pay("p1", START + 4 * HOUR, MULE, BERT, 100_000);
    let bank = pay("b1", START + 5 * HOUR, MULE, OMNIBUS, 100_000).prepared(Prepared::BeneficiaryIsVasp, "true");
    let exchange = by_exchange("x1", START + 5 * HOUR + MINUTE, MULE, USER, 100_000);
    let first = pay("in3", START + HOUR, ANNA, MULE, 200_000);
    for payments in [vec![friend.clone(), bank, exchange.clone()], vec![friend, exchange]] {
        let payments = [first.clone()].into_iter().chain(payments).collect();
        let alert = later(payments).pop().unwrap();
        assert!(alert.targets.iter().any(|target| target.account.as_deref() == Some(BERT)), "{alert:#?}");
        assert_eq!(alert.money.as_ref().unwrap().carried_on.as_deref(), Some("5600.00"));
    }
    // Nor a payment in: the victim's 1,000 stay suspect.
    let mules = list("mules", Regime::Fraud, ListAction::Hold, "*");
    let victims = pay("in4", START + HOUR, ANNA, MULE, 100_000);
    let withdrawn = by_exchange("x2", START + 2 * HOUR, USER, MULE, 100_000);
    let hit = hit("in4", START + HOUR, PartyRole::Beneficiary, MULE, &mules, EvidenceClass::InstitutionConfirmed);
    let alert = run(&[victims, withdrawn], &[hit], &[]).pop().unwrap();
    assert_eq!(alert.money.unwrap().received.as_deref(), Some("1000.00"));
}

#[test]
fn of_several_payments_to_exchanges_the_nearest_is_the_one() {
    let bank = |id, time| pay(id, time, MULE, OMNIBUS, 50_000).prepared(Prepared::BeneficiaryIsVasp, "true");
    let exchange = by_exchange("x1", START + 10 * HOUR + MINUTE, MULE, USER, 50_000);
    let alert = later(vec![bank("b1", START + 4 * HOUR), bank("b2", START + 10 * HOUR), exchange]).pop().unwrap();
    let named = |id: &str| alert.targets.iter().any(|target| target.row_ids == [row_id(id)]);
    assert_eq!([named("b1"), named("b2"), named("x1")], [true, false, true]);
}
