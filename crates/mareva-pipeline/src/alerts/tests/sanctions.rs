use std::sync::Arc;

use mareva_model::alert::{Action, AmountBasis, Severity, TargetKind};
use mareva_model::{
    APART, EvidenceClass, ListAction, ListRef, PartyApart, PartyRole, Prepared, Regime, SubjectRole, Text,
};

use super::fixture::*;

pub(super) fn sdn(binding_in: &str) -> Arc<ListRef> {
    list("demo-sdn", Regime::Sanctions, ListAction::Block, binding_in)
}

#[test]
fn all_property_of_a_listed_party_is_blocked_where_the_list_binds() {
    let payments = [
        pay("p", START + HOUR, ANNA, MULE, 120_000).names("Anna Beispiel", "Kessel Trading"),
        pay("q", START + 2 * HOUR, MULE, FAR, 20_000).with(Text::Status, "pending"),
        pay("r", START + 3 * HOUR, MULE, FAR, 30_000),
    ];
    let class = EvidenceClass::Order;
    let hits: Vec<_> =
        [("p", 1, PartyRole::Beneficiary), ("q", 2, PartyRole::Originator), ("r", 3, PartyRole::Originator)]
            .into_iter()
            .map(|(id, hour, role)| hit(id, START + hour * HOUR, role, MULE, &sdn("DE"), class))
            .collect();
    let alert = run(&payments, &hits, &[]).remove(0);
    assert_eq!((alert.regime, alert.action, alert.severity), (Regime::Sanctions, Action::Block, Severity::Critical));
    assert_eq!((alert.subject_role, alert.reason_code.as_str()), (SubjectRole::Listed, "RR04"));
    assert_eq!(alert.legal_basis.as_deref(), Some("demo-sdn DEMO2"));
    assert_eq!((alert.expires_at, alert.clock_basis.as_deref()), (None, None), "a block does not expire");
    let [property, received, stopped, gone] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
    assert_eq!((property.kind, property.action), (TargetKind::Account, Action::Block));
    assert_eq!(property.amount_basis, Some(AmountBasis::AllProperty));
    assert_eq!((property.recommended_amount.as_deref(), property.currency.as_deref()), (None, None));
    assert_eq!((received.action, received.recommended_amount.as_deref()), (Action::Block, Some("1200.00")));
    assert_eq!(stopped.action, Action::Block, "not settled: it can still be stopped");
    assert_eq!(gone.action, Action::Report, "settled: it has left us");
}

#[test]
fn elsewhere_it_is_a_report_and_a_name_alone_a_review() {
    let payments = [pay("p", START + HOUR, ANNA, MULE, 120_000).names("Anna Beispiel", "Kessel Trading")];
    let make =
        |binding: &str| hit("p", START + HOUR, PartyRole::Beneficiary, MULE, &sdn(binding), EvidenceClass::Order);
    for (hit, action, role) in [
        (make("US"), Action::Report, SubjectRole::Listed),
        (by_name(make("*"), "Kessel Trading", &[]), Action::Review, SubjectRole::Unknown),
        (by_name(make("*"), "Kessel Trading", &["country"]), Action::Block, SubjectRole::Listed),
    ] {
        let alert = run(&payments, &[hit], &[]).remove(0);
        assert_eq!((alert.action, alert.subject_role), (action, role));
        assert!(alert.targets.iter().all(|target| target.action <= action));
    }
}

#[test]
fn the_two_regimes_never_share_an_alert() {
    let payments = [pay("p", START + HOUR, ANNA, MULE, 120_000)];
    let mules = list("mules", Regime::Fraud, ListAction::Block, "*");
    let class = EvidenceClass::Order;
    let hits = [&sdn("*"), &mules].map(|list| hit("p", START + HOUR, PartyRole::Beneficiary, MULE, list, class));
    let alerts = run(&payments, &hits, &[]);
    assert_eq!(alerts.len(), 2);
    for alert in &alerts {
        let expected = if alert.regime == Regime::Fraud { Action::Hold } else { Action::Block };
        assert_eq!(alert.action, expected);
        assert!(alert.evidence.hits.iter().all(|hit| hit.list.regime == alert.regime));
    }
}

#[test]
fn a_hit_on_a_row_that_is_not_retained_is_an_alert_all_the_same() {
    let class = EvidenceClass::Order;
    let late = hit("late", START + HOUR, PartyRole::Beneficiary, WALLET, &sdn("*"), class);
    let alert = run(&[], std::slice::from_ref(&late), &[]).remove(0);
    assert_eq!((alert.subject.as_str(), alert.action), (WALLET, Action::Report));
    assert!(alert.targets.is_empty());
    assert_eq!(alert.evidence.hits[0].position, Some(late.position.clone()));
    let named = by_name(late, "Kessel Trading", &["country"]);
    let alert = run(&[], &[named], &[]).remove(0);
    assert_eq!((alert.subject.as_str(), alert.subject_name.as_deref()), ("entry:demo:17", Some("Kessel Trading")));
}

#[test]
fn a_rejected_payment_moves_nothing() {
    let payments = [pay("p", START + HOUR, ANNA, FAR, 120_000).with(Text::Status, "rejected")];
    let hit = hit("p", START + HOUR, PartyRole::Beneficiary, FAR, &sdn("*"), EvidenceClass::Order);
    let alert = run(&payments, &[hit], &[]).remove(0);
    assert_eq!((alert.action, alert.targets.len()), (Action::Report, 0));
}

#[test]
fn a_late_hit_goes_into_an_open_episode() {
    let rows = rows(&[]);
    let mut book = crate::alerts::AlertBook::new(config());
    book.close(&rows, Some(START + 5 * DAY), false);
    let late = hit("late", START, PartyRole::Beneficiary, WALLET, &sdn("*"), EvidenceClass::Order);
    let alert = book.apply(&[], &[late], &[], &rows).remove(0);
    assert!(alert.episode.to + 5 * MINUTE > START + 5 * DAY);
    assert_eq!(alert.event_time, START);
    assert_eq!(book.counts().refiled, 1);
}

#[test]
fn all_property_with_us_is_blocked_though_the_payment_came_too_late() {
    let late = |account: &str, agent: &str| {
        let mut late = hit("late", START + HOUR, PartyRole::Beneficiary, account, &sdn("*"), EvidenceClass::Order);
        late.row_id = format!("{APART}:0123456789abcdef0123456789abcdef/0");
        late.apart = Some(PartyApart {
            account: account.to_owned(),
            agent: Some(agent.to_owned()),
            customer: Some("CUST-9".to_owned()),
            ..PartyApart::default()
        });
        run(&[], &[late], &[]).remove(0)
    };
    let alert = late(MULE, "bic:MRVADEFFXXX");
    let [target] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
    assert_eq!((target.action, target.amount_basis), (Action::Block, Some(AmountBasis::AllProperty)));
    assert_eq!((target.account.as_deref(), target.agent.as_deref()), (Some(MULE), Some("bic:MRVADEFFXXX")));
    assert_eq!(alert.action, Action::Block);
    assert!(late(FAR, "bic:OTHRGB2LXXX").targets.is_empty(), "others keep it");
}

#[test]
fn a_name_that_a_payer_wrote_blocks_the_payment_and_not_all_property() {
    let account = |payment: Payment, role: PartyRole, matched: &str| {
        let hit = hit("p", START + HOUR, role, MULE, &sdn("*"), EvidenceClass::Order);
        let hit = if matched == "name" { by_name(hit, "Kessel Trading", &["country"]) } else { hit };
        let alert = run(&[payment], &[hit], &[]).remove(0);
        assert_eq!(alert.action, Action::Block, "the payment is stopped");
        let account = alert.targets.iter().find(|target| target.kind == TargetKind::Account);
        account.map(|target| (target.action, target.amount_basis))
    };
    let received = || pay("p", START + HOUR, FAR, MULE, 1).names("Far Payer", "Kessel Trading");
    let all = Some(AmountBasis::AllProperty);
    assert_eq!(account(received(), PartyRole::Beneficiary, "name"), Some((Action::Report, all)));
    assert_eq!(account(received(), PartyRole::Beneficiary, "identifier"), Some((Action::Block, all)));
    let sent = pay("p", START + HOUR, MULE, FAR, 1).with(Text::Status, "pending").names("Kessel Trading", "Far");
    assert_eq!(account(sent, PartyRole::Originator, "name"), Some((Action::Block, all)), "we wrote it");
    for role in ["omnibus", "psp", "collective", "merchant", "payroll", "internal"] {
        let payment = || received().prepared(Prepared::BeneficiaryRole, role);
        assert_eq!(account(payment(), PartyRole::Beneficiary, "name"), None, "{role}");
        assert_eq!(account(payment(), PartyRole::Beneficiary, "identifier"), Some((Action::Block, all)), "{role}");
    }
    let exchange = received().prepared(Prepared::BeneficiaryIsVasp, "true");
    assert_eq!(account(exchange, PartyRole::Beneficiary, "name"), None);
}

#[test]
fn what_was_not_accepted_takes_nothing_from_what_is_known_of_the_account() {
    let payment = pay("p", START + HOUR, ANNA, MULE, 120_000)
        .names("Anna Beispiel", "Kessel Trading")
        .prepared(Prepared::BeneficiaryCustomer, "CUST-9");
    let accepted = hit("p", START + HOUR, PartyRole::Beneficiary, MULE, &sdn("*"), EvidenceClass::Order);
    let mut again = accepted.clone();
    again.event_time += HOUR;
    again.row_id = format!("{APART}:0123456789abcdef0123456789abcdef/0");
    again.apart = Some(PartyApart {
        account: MULE.to_owned(),
        agent: Some("bic:MRVADEFFXXX".to_owned()),
        ..PartyApart::default()
    });
    let alert = run(&[payment], &[accepted, again], &[]).remove(0);
    let account = alert.targets.iter().find(|target| target.kind == TargetKind::Account).unwrap();
    assert_eq!(account.customer.as_deref(), Some("CUST-9"));
    assert_eq!(account.beneficiary.name.as_deref(), Some("Kessel Trading"));
}

#[test]
fn a_name_in_a_record_that_was_not_accepted_never_blocks_all_property() {
    for role in [PartyRole::Originator, PartyRole::Beneficiary] {
        let told = hit("p", START + HOUR, role, MULE, &sdn("*"), EvidenceClass::Order);
        let mut told = by_name(told, "Kessel Trading", &["country"]);
        told.row_id = format!("{APART}:0123456789abcdef0123456789abcdef/0");
        told.apart = Some(PartyApart {
            account: MULE.to_owned(),
            agent: Some("bic:MRVADEFFXXX".to_owned()),
            ..PartyApart::default()
        });
        let alert = run(&[], &[told], &[]).remove(0);
        let [target] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
        assert_eq!((target.action, alert.action), (Action::Report, Action::Report));
    }
}
