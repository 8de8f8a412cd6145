//! Money that a subject moves to another account of its own, and what becomes of it there.

use mareva_model::alert::{Action, Alert, OurRole};
use mareva_model::{DetectionChange, EvidenceClass, ListAction, PartyRole, Prepared, Regime, Text};

use super::fixture::*;

fn changes() -> Vec<DetectionChange> {
    composed(&pass_through(), &mule_account(), "out2", "out", MULE, START + 3 * HOUR)
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
    // What comes back to the bank account is asked for once, and no longer at the exchange.
    let mut payments = through_the_exchange();
    payments[3] =
        pay("x2", START + 4 * HOUR, USER, MULE, 300_000).with(Text::Kind, "withdrawal").with(Text::LinkedAccount, MULE);
    let alert = run(&payments, &[], &changes()).pop().unwrap();
    assert_eq!(told(&alert), [at(Action::Hold, MULE, "4900.00"), shop]);
    assert_eq!(alert.money.as_ref().unwrap().received.as_deref(), Some("5000.00"), "not received a second time");
}

#[test]
fn what_came_back_from_an_own_account_is_neither_received_anew_nor_asked_for_there() {
    let back = |time, cents| {
        let paid = pay("x3", time, USER, MULE, cents).with(Text::Kind, "withdrawal");
        paid.with(Text::Network, "sepa").with(Text::LinkedAccount, MULE)
    };
    let check = |more: Payment, wallet: i64, expected: &[(&str, &str)], received: &str| {
        let mut payments = through_the_exchange();
        payments[3] = pay("x2", START + 4 * HOUR, USER, WALLET, wallet)
            .with(Text::Kind, "withdrawal")
            .with(Text::Network, "tron")
            .with(Text::LinkedAccount, MULE);
        payments.push(more);
        let mules = list("mules", Regime::Fraud, ListAction::Hold, "*");
        let class = EvidenceClass::InstitutionConfirmed;
        let hits = [("in1", START + HOUR), ("x3", START + 5 * HOUR)]
            .map(|(id, time)| hit(id, time, PartyRole::Beneficiary, MULE, &mules, class));
        let alert = run(&payments, &hits, &[]).pop().unwrap();
        let asked = alert
            .targets
            .iter()
            .map(|target| (target.account.as_deref().unwrap(), target.recommended_amount.as_deref().unwrap()));
        assert_eq!(asked.collect::<Vec<_>>(), expected);
        let money = alert.money.as_ref().unwrap();
        assert_eq!((money.received.as_deref(), money.recommended.as_str()), (Some(received), received));
    };
    let shop = ("merchant:shop", "100.00");
    // 5,000 in, 3,000 to the exchange, 500 from there to a wallet and 2,000 back.
    let expected = [(MULE, "3900.00"), (USER, "500.00"), shop, (WALLET, "500.00")];
    check(back(START + 5 * HOUR, 200_000), 50_000, &expected, "5000.00");
    // What comes beyond what was sent there and has not left is other money.
    let expected = [(MULE, "4400.00"), shop, (WALLET, "1000.00")];
    check(back(START + 5 * HOUR, 250_000), 100_000, &expected, "5500.00");
}

#[test]
fn money_on_an_account_with_us_is_held_though_the_exchange_does_not_name_its_bank() {
    let paid = pay("x2", START + 2 * HOUR, USER, MULE, 200_000)
        .with(Text::Kind, "withdrawal")
        .with(Text::Network, "sepa")
        .with(Text::LinkedAccount, MULE)
        .without(Text::BeneficiaryAgent);
    let mules = list("mules", Regime::Fraud, ListAction::Hold, "*");
    let class = EvidenceClass::InstitutionConfirmed;
    let hit = hit("x2", START + 2 * HOUR, PartyRole::Beneficiary, MULE, &mules, class);
    let known = pay("out1", START + 3 * HOUR, MULE, "merchant:shop", 10_000).with(Text::Kind, "card_payment");
    let bank = pay("b2", START + 2 * HOUR + MINUTE, "iban:DE40500105175407324931", MULE, 200_000)
        .prepared(Prepared::OriginatorIsVasp, "true");
    for (other, left) in [(known, "1900.00"), (bank, "2000.00")] {
        let alert = run(&[paid.clone(), other], std::slice::from_ref(&hit), &[]).pop().unwrap();
        let target = alert.targets.iter().find(|target| target.account.as_deref() == Some(MULE)).unwrap();
        assert_eq!((target.action, target.our_role), (Action::Hold, OurRole::CreditorAgent));
        assert_eq!(target.reachable_amount.as_deref(), Some(left));
        assert_eq!(target.agent.as_deref(), Some("bic:MRVADEFFXXX"));
    }
    // Where nobody has said that it is with us, the exchange asks the bank for it.
    let alert = run(&[paid], &[hit], &[]).pop().unwrap();
    assert_eq!(alert.targets[0].action, Action::Recall);
}

#[test]
fn what_an_exchange_pays_out_to_a_linked_account_with_us_is_held_there() {
    // The mule's loot lies with its exchange account; only the bank knows that the account it is paid out to is ours.
    let payments = [
        pay("in1", START + HOUR, WALLET, USER, 500_000).with(Text::Kind, "deposit").with(Text::Network, "tron"),
        pay("x2", START + 2 * HOUR, USER, ANNA, 300_000)
            .with(Text::Kind, "withdrawal")
            .with(Text::Network, "sepa")
            .with(Text::LinkedAccount, ANNA)
            .without(Text::BeneficiaryAgent),
        pay("b1", START + 3 * HOUR, ANNA, "merchant:shop", 10_000).with(Text::Kind, "card_payment"),
    ];
    let class = EvidenceClass::InstitutionConfirmed;
    let mules = list("mules", Regime::Fraud, ListAction::Hold, "*");
    let hit = hit("in1", START + HOUR, PartyRole::Beneficiary, USER, &mules, class);
    let alert = run(&payments, &[hit], &[]).pop().unwrap();
    let target = alert.targets.iter().find(|target| target.account.as_deref() == Some(ANNA)).unwrap();
    assert_eq!((target.action, target.our_role), (Action::Hold, OurRole::CreditorAgent));
    assert_eq!(target.agent.as_deref(), Some("bic:MRVADEFFXXX"));
    assert_eq!(target.reachable_amount.as_deref(), Some("2900.00"));
}

#[test]
fn what_was_sent_away_before_anything_was_suspect_is_not_received_when_it_comes_back() {
    // 3,000 went to the own account at the exchange a day before, 2,500 of it comes back among the loot.
    let payments = [
        pay("x1", START, MULE, USER, 300_000)
            .with(Text::Kind, "deposit")
            .with(Text::Network, "sepa")
            .with(Text::LinkedAccount, MULE),
        pay("in1", START + DAY + 3 * HOUR, FAR, MULE, 500_000),
        pay("x2", START + DAY + 3 * HOUR + MINUTE, USER, MULE, 250_000)
            .with(Text::Kind, "withdrawal")
            .with(Text::LinkedAccount, MULE),
        pay("out2", START + DAY + 4 * HOUR, MULE, "merchant:shop", 10_000).with(Text::Kind, "card_payment"),
    ];
    let changes = composed(&pass_through(), &mule_account(), "out2", "out", MULE, START + DAY + 4 * HOUR);
    let alert = run(&payments, &[], &changes).pop().unwrap();
    assert_eq!(alert.money.as_ref().unwrap().received.as_deref(), Some("5000.00"));
}
