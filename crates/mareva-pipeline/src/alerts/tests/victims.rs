use mareva_model::alert::{Action, Alert, AmountBasis, OurRole};
use mareva_model::{DetectionChange, EvidenceClass, ListAction, PartyRole, Prepared, Regime, SubjectRole, Text};

use super::fixture::*;
use super::fraud::{mule_changes, mule_payments};
use crate::alerts::AlertBook;

/// A victim of ours pays three times to an account elsewhere, each time more, and once to her landlord.
pub(super) fn scam_payments() -> Vec<Payment> {
    let mut payments: Vec<Payment> = [(1, 50_000), (2, 150_000), (3, 400_000)]
        .into_iter()
        .map(|(n, cents)| {
            let uetr = format!("7a562c67-ca16-48ba-b074-65581be6f00{n}");
            pay(&format!("s{n}"), START + n * HOUR, ANNA, FAR, cents)
                .names("Anna Beispiel", "Golden Future Ltd")
                .with(Text::Uetr, &uetr)
                .with(Text::RowId, &format!("uetr:{uetr}"))
                .with(Text::MsgId, &format!("MSG{n}"))
                .with(Text::MsgNameId, "pacs.008.001.08")
                .with(Text::InstrId, &format!("INSTR{n}"))
                .with(Text::EndToEndId, &format!("E2E{n}"))
                .with(Text::ClearingRef, &format!("CLR{n}"))
                .with(Text::SettlementAmount, &format!("{}.00", cents / 100))
                .with(Text::SettlementCurrency, "EUR")
                .with(Text::SettlementDate, "2026-01-05")
                .with(Text::OriginatorCountry, "DE")
                .with(Text::BeneficiaryCountry, "GB")
        })
        .collect();
    payments.push(pay("rent", START + HOUR, ANNA, BERT, 90_000));
    payments
}

pub(super) fn scam_changes() -> Vec<DetectionChange> {
    let row = "uetr:7a562c67-ca16-48ba-b074-65581be6f003";
    vec![
        DetectionChange::Raised(detection(&escalation(), row, ANNA, START + 3 * HOUR)),
        DetectionChange::Raised(detection(&scam_victim(), &format!("victim-escalation:{row}"), ANNA, START + 3 * HOUR)),
    ]
}

#[test]
fn what_a_victim_paid_is_recalled_payment_by_payment() {
    let alert = run(&scam_payments(), &[], &scam_changes()).remove(0);
    assert_eq!((alert.action, alert.subject_role), (Action::Recall, SubjectRole::Victim));
    assert_eq!(alert.safety.victim_at_risk, Some(true));
    assert_eq!(alert.targets.len(), 3, "the rent is not among them");
    for (target, amount) in alert.targets.iter().zip(["500.00", "1500.00", "4000.00"]) {
        assert_eq!((target.action, target.our_role), (Action::Recall, OurRole::DebtorAgent));
        assert_eq!(target.recommended_amount.as_deref(), Some(amount));
        assert_eq!(target.amount_basis, Some(AmountBasis::Payment));
        assert_eq!(target.reachable_amount, None, "we do not see that account");
        assert_eq!(target.missing, ["reachable_amount"]);
        assert_eq!(target.account.as_deref(), Some(FAR));
    }
    assert_eq!(alert.money.unwrap().recommended, "6000.00");
}

#[test]
fn what_is_still_there_is_said_where_we_keep_the_account() {
    let payments = [
        pay("s1", START + HOUR, ANNA, MULE, 400_000),
        pay("out", START + 2 * HOUR, MULE, FAR, 250_000),
        pay("s2", START + 3 * HOUR, ANNA, MULE, 100_000),
    ];
    let changes = composed(&escalation(), &scam_victim(), "s2", "out", ANNA, START + 3 * HOUR);
    let alert = run(&payments, &[], &changes).remove(0);
    let [first, second] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
    assert_eq!((first.action, first.recommended_amount.as_deref()), (Action::Hold, Some("4000.00")));
    assert_eq!(first.reachable_amount.as_deref(), Some("1500.00"));
    assert_eq!(second.reachable_amount.as_deref(), Some("1000.00"));
}

#[test]
fn a_payment_between_own_accounts_is_no_target() {
    let own = pay("s1", START + HOUR, ANNA, USER, 400_000);
    for payment in [
        own.clone().prepared(Prepared::OriginatorCustomer, "C1").prepared(Prepared::BeneficiaryCustomer, "C1"),
        own.clone().with(Text::Kind, "deposit").with(Text::LinkedAccount, ANNA),
    ] {
        let changes = composed(&escalation(), &scam_victim(), "s1", "out", ANNA, START + HOUR);
        assert!(run(&[payment], &[], &changes).remove(0).targets.is_empty());
    }
}

/// The mule pays 3,500 on to Bert, whom this makes a victim in one way or another.
fn bert_is_paid() -> Vec<Payment> {
    let mut payments = mule_payments();
    payments[2] = pay("out1", START + 3 * HOUR, MULE, BERT, 350_000).prepared(Prepared::BeneficiaryCustomer, "C7");
    payments.push(
        pay("other", START + 4 * HOUR, "iban:DE75512108001245126199", FAR, 1_000)
            .prepared(Prepared::OriginatorCustomer, "C7"),
    );
    payments
}

fn targets_bert(alerts: &[mareva_model::alert::Alert]) -> bool {
    let last = last(alerts.to_vec());
    last.values().flat_map(|alert| &alert.targets).any(|target| target.account.as_deref() == Some(BERT))
}

#[test]
fn a_victim_is_no_target_whichever_comes_first() {
    let payments = bert_is_paid();
    assert!(targets_bert(&run(&payments, &[], &mule_changes())));
    let direct = DetectionChange::Raised(detection(&scam_victim(), &row_id("out1"), BERT, START + 5 * HOUR));
    // Another account of the same customer is the victim.
    let customer = DetectionChange::Raised(detection(
        &scam_victim(),
        &row_id("other"),
        "iban:DE75512108001245126199",
        START + 5 * HOUR,
    ));
    let signal = DetectionChange::Raised(detection(&escalation(), &row_id("out1"), BERT, START + 5 * HOUR));
    for victim in [direct, customer, signal] {
        let rows = rows(&payments);
        let mut first = vec![victim.clone()];
        first.extend(mule_changes());
        assert!(!targets_bert(&run(&payments, &[], &first)), "{victim:?}");
        let mut book = AlertBook::new(config());
        let mut alerts = book.apply(&[], &[], &mule_changes(), &rows);
        assert!(targets_bert(&alerts));
        alerts.extend(book.apply(&[], &[], std::slice::from_ref(&victim), &rows));
        assert!(!targets_bert(&alerts), "{victim:?}");
        alerts.extend(book.close(&rows, Some(START), true));
        assert!(!targets_bert(&alerts), "{victim:?}");
    }
}

#[test]
fn a_victim_found_after_the_episode_closed_takes_the_target_back() {
    let rows = rows(&bert_is_paid());
    let mut book = AlertBook::new(config());
    let mut alerts = book.apply(&[], &[], &mule_changes(), &rows);
    alerts.extend(book.close(&rows, Some(START + DAY + HOUR), false));
    assert!(targets_bert(&alerts));
    let saved = serde_json::to_vec(book.state()).unwrap();
    let mut book = AlertBook::restore(config(), serde_json::from_slice(&saved).unwrap());
    let victim = detection(&scam_victim(), &row_id("out1"), BERT, START + DAY + 2 * HOUR);
    alerts.extend(book.apply(&[], &[], &[DetectionChange::Raised(victim.clone())], &rows));
    assert!(!targets_bert(&alerts));
    let withdrawn = book.apply(&[], &[], &[DetectionChange::Withdrawn(victim)], &rows);
    assert!(targets_bert(&withdrawn), "and back again when he turns out not to be one");
    let revisions: Vec<u32> = alerts.iter().filter(|a| a.subject == MULE).map(|a| a.revision).collect();
    assert_eq!(revisions, [1, 2]);
}

#[test]
fn a_weak_sign_of_loss_does_not_shield_a_suspect() {
    let mut changes = mule_changes();
    let row = format!("{}/out", row_id("out1"));
    changes.push(DetectionChange::Raised(detection(&escalation(), &row, MULE, START + 3 * HOUR)));
    let alert = run(&mule_payments(), &[], &changes).remove(0);
    assert_eq!((alert.action, alert.subject_role), (Action::Hold, SubjectRole::Suspect));
    // A rule that raises alerts does.
    changes.push(DetectionChange::Raised(detection(&scam_victim(), &row, MULE, START + 3 * HOUR)));
    let alerts = last(run(&mule_payments(), &[], &changes));
    for alert in alerts.values() {
        assert_eq!(alert.subject_role, SubjectRole::Victim);
        assert!(alert.targets.iter().all(|target| target.account.as_deref() != Some(MULE)));
    }
}

/// The sanctions alert on a payment of `from` to `to`, one of whom is listed in this role, where a rule takes `to` for a victim.
fn block_beside_a_victim(from: &str, to: &str, role: PartyRole) -> Alert {
    let payments = [pay("p", START + HOUR, from, to, 120_000)];
    let listed = if role == PartyRole::Originator { from } else { to };
    let sdn = list("demo-sdn", Regime::Sanctions, ListAction::Block, "*");
    let hit = hit("p", START + HOUR, role, listed, &sdn, EvidenceClass::Order);
    let victim = DetectionChange::Raised(detection(&scam_victim(), &row_id("p"), to, START + HOUR));
    let alerts = run(&payments, &[hit], &[victim]);
    alerts.into_iter().find(|alert| alert.regime == Regime::Sanctions).unwrap()
}

#[test]
fn a_block_of_a_listed_party_is_not_waived() {
    let block = block_beside_a_victim(FAR, MULE, PartyRole::Beneficiary);
    assert_eq!(block.action, Action::Block);
    assert!(!block.targets.is_empty());
}

#[test]
fn a_payment_of_a_listed_party_to_a_victim_is_blocked_all_the_same() {
    let block = block_beside_a_victim(FAR, ANNA, PartyRole::Originator);
    assert_eq!((block.action, block.targets.len()), (Action::Block, 1));
}

#[test]
fn a_mule_that_an_institution_has_confirmed_is_no_victim_whatever_the_rules_say() {
    let payments = mule_payments();
    let victim = DetectionChange::Raised(detection(&scam_victim(), &row_id("out1"), MULE, START + 3 * HOUR));
    let class = EvidenceClass::InstitutionConfirmed;
    let hit = |action| {
        let mules = list("mules", Regime::Fraud, action, "*");
        hit("in1", START + HOUR, PartyRole::Beneficiary, MULE, &mules, class)
    };
    let holds = |alert: &Alert| {
        alert.targets.iter().any(|target| target.account.as_deref() == Some(MULE) && target.action == Action::Hold)
    };
    let changes: Vec<DetectionChange> = mule_changes().into_iter().chain([victim]).collect();
    let listed = run(&payments, &[hit(ListAction::Hold)], &changes).pop().unwrap();
    assert!(holds(&listed));
    assert_eq!((listed.subject_role, listed.safety.victim_at_risk), (SubjectRole::Listed, None));
    for hits in [vec![], vec![hit(ListAction::Report)]] {
        let shielded = run(&payments, &hits, &changes).pop().unwrap();
        assert!(!holds(&shielded), "{hits:?}");
        assert_eq!((shielded.subject_role, shielded.safety.victim_at_risk), (SubjectRole::Victim, Some(true)));
    }
}

#[test]
fn an_alert_says_that_a_target_was_left_out_because_it_is_a_victims() {
    let at_risk = |changes: &[DetectionChange]| {
        let alerts = last(run(&bert_is_paid(), &[], changes));
        alerts.values().find(|alert| alert.subject == MULE).unwrap().safety.victim_at_risk
    };
    assert_eq!(at_risk(&mule_changes()), None);
    let victim = DetectionChange::Raised(detection(&scam_victim(), &row_id("out1"), BERT, START + 5 * HOUR));
    let changes: Vec<DetectionChange> = mule_changes().into_iter().chain([victim]).collect();
    assert_eq!(at_risk(&changes), Some(true));
}
