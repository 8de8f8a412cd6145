use mareva_model::alert::{Action, AlertStatus, AmountBasis, OurRole, TargetKind};
use mareva_model::{
    APART, DetectionChange, EvidenceClass, Hit, ListAction, PartyApart, PartyRole, Prepared, Regime, SubjectRole, Text,
};

use super::fixture::*;
use crate::alerts::AlertBook;

/// Two victims pay a mule of ours 5,000; it sends 3,500 to another bank and pays 100 in a shop.
pub(super) fn mule_payments() -> Vec<Payment> {
    vec![
        pay("in1", START + HOUR, ANNA, MULE, 300_000).names("Anna Beispiel", "Max Muster"),
        pay("in2", START + 2 * HOUR, FAR, MULE, 200_000).names("Far Payer", "Max Muster"),
        pay("out1", START + 3 * HOUR, MULE, FAR, 350_000).names("Max Muster", "Second Layer"),
        pay("out2", START + 3 * HOUR + MINUTE, MULE, "merchant:shop", 10_000).with(Text::Kind, "card_payment"),
    ]
}

/// The same, with the 3,500 for somebody who has not paid in.
pub(super) fn mule_paid_on() -> Vec<Payment> {
    let mut payments = mule_payments();
    payments[2] =
        pay("out1", START + 3 * HOUR, MULE, "iban:GB29NWBK60161331926819", 350_000).names("Max Muster", "Second Layer");
    payments
}

pub(super) fn mule_changes() -> Vec<DetectionChange> {
    composed(&pass_through(), &mule_account(), "out2", "out", MULE, START + 3 * HOUR + MINUTE)
}

#[test]
fn a_mule_account_is_held_up_to_what_is_left_and_the_rest_recalled() {
    let alerts = run(&mule_paid_on(), &[], &mule_changes());
    assert_eq!(alerts.len(), 1, "one revision, nothing new at the close");
    let alert = &alerts[0];
    assert_eq!((alert.revision, alert.status, alert.action), (1, AlertStatus::Open, Action::Hold));
    assert_eq!(alert.subject_role, SubjectRole::Suspect);
    assert_eq!(alert.subject_name.as_deref(), Some("Max Muster"));
    let [hold, recall, shop] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
    assert_eq!((hold.kind, hold.action, hold.our_role), (TargetKind::Account, Action::Hold, OurRole::CreditorAgent));
    assert_eq!(hold.recommended_amount.as_deref(), Some("1400.00"));
    assert_eq!(hold.reachable_amount.as_deref(), Some("1400.00"));
    assert_eq!(hold.amount_basis, Some(AmountBasis::WindowFifo));
    assert_eq!((recall.action, recall.our_role), (Action::Recall, OurRole::DebtorAgent));
    assert_eq!(recall.recommended_amount.as_deref(), Some("3500.00"));
    assert!(recall.missing.contains(&"payment.uetr".to_owned()));
    assert_eq!(shop.action, Action::Report, "a shop is not asked for the money");
    let money = alert.money.as_ref().unwrap();
    assert_eq!(money.received.as_deref(), Some("5000.00"));
    assert_eq!(money.on_account.as_deref(), Some("1400.00"));
    assert_eq!(money.carried_on.as_deref(), Some("3600.00"));
    assert_eq!(money.recommended, "5000.00");
    assert_eq!(alert.expires_at, Some(alert.event_time + 72 * HOUR));
    let rules: Vec<&str> = alert.evidence.rules.iter().map(|rule| rule.rule.id.as_str()).collect();
    assert_eq!(rules, ["rapid-pass-through", "mule-account"], "the signal and what composed it");
    assert!(alert.evidence.rules.iter().all(|rule| rule.detections[0].position.is_some()));
}

#[test]
fn signals_alone_make_no_alert() {
    let changes = mule_changes();
    assert!(run(&mule_payments(), &[], &changes[..1]).is_empty());
}

#[test]
fn money_that_goes_back_to_a_payer_is_not_asked_for_unless_he_is_a_suspect() {
    let mut payments = mule_payments();
    payments[2] = pay("out1", START + 3 * HOUR, MULE, FAR, 300_000);
    let alerts = run(&payments, &[], &mule_changes());
    assert!(alerts[0].targets.iter().all(|target| target.account.as_deref() != Some(FAR)));
    assert_eq!(alerts[0].money.as_ref().unwrap().carried_on.as_deref(), Some("3100.00"));
    let mut changes = mule_changes();
    let signal = detection(&pass_through(), &format!("{}/in", row_id("out1")), FAR, START + 3 * HOUR);
    changes.push(DetectionChange::Raised(signal));
    let alerts = run(&payments, &[], &changes);
    assert!(alerts[0].targets.iter().any(|target| target.account.as_deref() == Some(FAR)));
}

#[test]
fn money_with_a_collective_account_is_never_held() {
    for role in ["payroll", "merchant", "omnibus", "psp", "internal", "collective"] {
        let payments: Vec<Payment> = mule_payments()
            .into_iter()
            .map(|payment| payment.prepared(Prepared::OriginatorRole, role).prepared(Prepared::BeneficiaryRole, role))
            .collect();
        let alerts = run(&payments, &[], &mule_changes());
        assert!(alerts.iter().all(|alert| !alert.action.restrains()), "{role}");
        assert!(alerts.iter().flat_map(|alert| &alert.targets).all(|target| !target.action.restrains()), "{role}");
    }
}

#[test]
fn wages_and_the_opening_balance_are_not_suspect() {
    let payments = vec![
        pay("wage", START + HOUR, BERT, MULE, 250_000)
            .prepared(Prepared::OriginatorRole, "payroll")
            .balance(false, 300_000),
        pay("in1", START + 2 * HOUR, ANNA, MULE, 300_000),
        pay("out2", START + 3 * HOUR, MULE, "iban:GB29NWBK60161331926819", 350_000),
    ];
    let changes = composed(&pass_through(), &mule_account(), "out2", "out", MULE, START + 3 * HOUR);
    let alert = run(&payments, &[], &changes).remove(0);
    let money = alert.money.unwrap();
    // 500 were there, then 2,500 of wages: the 3,500 sent on carry 500 of the suspect 3,000.
    assert_eq!(money.received.as_deref(), Some("3000.00"));
    assert_eq!(money.carried_on.as_deref(), Some("500.00"));
    assert_eq!(money.on_account.as_deref(), Some("2500.00"));
}

#[test]
fn amounts_are_in_the_currency_of_the_payment() {
    // 1,000 units of which each is worth 0.50 in the reference currency.
    let payments = vec![
        pay("in1", START + HOUR, WALLET, USER, 100_000)
            .with(Text::Currency, "USDT")
            .with(Text::Kind, "deposit")
            .reference(Some(50_000)),
        pay("out1", START + 2 * HOUR, USER, "tron:TX", 33_333)
            .with(Text::Currency, "TRX")
            .with(Text::Kind, "withdrawal")
            .with(Text::Network, "tron")
            .with(Text::TxHash, "abc")
            .log_index(3)
            .reference(Some(20_000)),
    ];
    let changes = composed(&pass_through(), &mule_account(), "out1", "out", USER, START + 2 * HOUR);
    let alert = run(&payments, &[], &changes).remove(0);
    let [hold, recall] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
    assert_eq!((hold.our_role, hold.currency.as_deref()), (OurRole::Exchange, Some("USDT")));
    assert_eq!(hold.recommended_amount.as_deref(), Some("600.00"));
    assert_eq!(hold.recommended_reference.as_deref(), Some("300.00"));
    assert_eq!((recall.our_role, recall.action), (OurRole::Exchange, Action::Recall));
    assert_eq!(recall.recommended_amount.as_deref(), Some("333.33"), "a payment wholly suspect, to the last digit");
    let chain = recall.chain.as_ref().unwrap();
    assert_eq!((chain.address.as_deref(), chain.tx_hash.as_deref()), (Some("TX"), Some("abc")));
    assert_eq!((chain.exchange.as_deref(), chain.exchange_uid.as_deref()), (Some("kestrel"), Some("10023")));
    assert_eq!((chain.log_index, recall.agent.as_deref()), (Some(3), None));
    assert!(recall.missing.contains(&"agent".to_owned()));
}

#[test]
fn what_a_transfer_should_have_told_is_named() {
    let check = |wallet: &str, currency: &str, missing: &[&str]| {
        let payments = vec![
            pay("in1", START + HOUR, WALLET, USER, 100_000).with(Text::Kind, "deposit"),
            pay("out1", START + 2 * HOUR, USER, wallet, 100_000)
                .with(Text::Currency, currency)
                .with(Text::Kind, "withdrawal")
                .with(Text::Network, "net")
                .with(Text::TxHash, "abc"),
        ];
        let changes = composed(&pass_through(), &mule_account(), "out1", "out", USER, START + 2 * HOUR);
        let alert = run(&payments, &[], &changes).remove(0);
        let [recall] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
        let of_chain = recall.missing.iter().filter(|name| name.starts_with("chain."));
        assert_eq!(of_chain.collect::<Vec<_>>(), missing, "{currency} at {wallet}");
        for name in ["beneficiary.name", "beneficiary.agent", "agent"] {
            assert!(recall.missing.contains(&name.to_owned()), "{name} of a wallet is not known");
        }
    };
    check("tron:TX", "USDT", &["chain.asset_contract", "chain.log_index"]);
    check("tron:TX", "TRX", &[]);
    check("btc:bc1q", "BTC", &[]);
    check("xrp:rX", "XRP", &["chain.tag"]);
    check("xrp:rX#7", "XRP", &[]);
}

fn mules(binding_in: &str) -> std::sync::Arc<mareva_model::ListRef> {
    list("mules", Regime::Fraud, ListAction::Hold, binding_in)
}

#[test]
fn a_payment_to_a_listed_mule_is_held_with_us_and_recalled_elsewhere() {
    let class = EvidenceClass::InstitutionConfirmed;
    for (account, action, kind) in
        [(MULE, Action::Hold, TargetKind::Account), (FAR, Action::Recall, TargetKind::Payment)]
    {
        let payments = [pay("p", START + HOUR, ANNA, account, 120_000)];
        let hit = hit("p", START + HOUR, PartyRole::Beneficiary, account, &mules("*"), class);
        let alert = run(&payments, &[hit], &[]).remove(0);
        assert_eq!((alert.action, alert.subject.as_str(), alert.subject_role), (action, account, SubjectRole::Listed));
        let [target] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
        assert_eq!((target.kind, target.action), (kind, action));
        assert_eq!(target.recommended_amount.as_deref(), Some("1200.00"));
        assert_eq!(alert.evidence.hits.len(), 1);
    }
}

#[test]
fn a_list_binds_only_where_it_binds_and_weak_evidence_is_a_review() {
    let confirmed = EvidenceClass::InstitutionConfirmed;
    let payments = [pay("p", START + HOUR, ANNA, MULE, 120_000).names("Anna", "Max Muster")];
    let make = |binding: &str, class| hit("p", START + HOUR, PartyRole::Beneficiary, MULE, &mules(binding), class);
    for (hit, action) in [
        (make("DE", confirmed), Action::Hold),
        (make("US", confirmed), Action::Report),
        (make("*", EvidenceClass::Order), Action::Hold),
        (make("*", EvidenceClass::Partner), Action::Review),
        (make("*", EvidenceClass::Heuristic), Action::Review),
        (by_name(make("*", confirmed), "max muster", &[]), Action::Review),
        (by_name(make("*", confirmed), "max muster", &["birth_date"]), Action::Hold),
    ] {
        let alert = run(&payments, std::slice::from_ref(&hit), &[]).remove(0);
        assert_eq!(alert.action, action, "{hit:?}");
        assert_eq!(alert.targets.iter().any(|target| target.recommended_amount.is_some()), action >= Action::Report);
    }
}

#[test]
fn a_payment_out_of_a_listed_account_that_received_nothing_is_reviewed() {
    let payments = [pay("p", START + HOUR, FAR, ANNA, 120_000)];
    let class = EvidenceClass::InstitutionConfirmed;
    let hit = hit("p", START + HOUR, PartyRole::Originator, FAR, &mules("*"), class);
    let alert = run(&payments, &[hit], &[]).remove(0);
    let [target] = &alert.targets[..] else { panic!("{:#?}", alert.targets) };
    assert_eq!((target.kind, target.account.as_deref()), (TargetKind::Account, Some(FAR)), "not whom it pays");
    assert_eq!((target.action, target.row_ids.len()), (Action::Review, 1));
    assert_eq!((alert.action, target.recommended_amount.as_deref()), (Action::Report, None));
}

#[test]
fn payments_out_of_a_listed_account_are_named_in_the_order_of_their_time() {
    let payments = [pay("late", START + 2 * HOUR, FAR, ANNA, 1_000), pay("early", START + HOUR, FAR, BERT, 1_000)];
    let class = EvidenceClass::InstitutionConfirmed;
    let make = |id, time| hit(id, time, PartyRole::Originator, FAR, &mules("*"), class);
    let alert = run(&payments, &[make("late", START + 2 * HOUR), make("early", START + HOUR)], &[]).pop().unwrap();
    assert_eq!(alert.targets[0].row_ids, [row_id("early"), row_id("late")]);
    assert_eq!(alert.targets[0].event_time, START + 2 * HOUR);
}

#[test]
fn an_exchanges_own_account_is_not_held_and_its_users_are() {
    let class = EvidenceClass::InstitutionConfirmed;
    for (account, action) in [(MULE, Action::Report), (USER, Action::Hold)] {
        let payments = [pay("p", START + HOUR, ANNA, account, 120_000).prepared(Prepared::BeneficiaryIsVasp, "true")];
        let hit = hit("p", START + HOUR, PartyRole::Beneficiary, account, &mules("*"), class);
        let alert = run(&payments, &[hit], &[]).remove(0);
        assert_eq!(alert.action, action, "{account}");
        assert!(alert.targets.iter().all(|target| target.action <= action), "{account}");
    }
}

#[test]
fn revisions_come_when_something_changes_by_a_tenth_and_once_at_the_close() {
    let mut payments = mule_payments();
    payments.extend((0_i64..40).map(|n| pay(&format!("more{n}"), START + 4 * HOUR + n * MINUTE, ANNA, MULE, 10_000)));
    let mut book = AlertBook::new(config());
    let rows = rows(&payments);
    let mut published = book.apply(&[], &[], &mule_changes(), &rows);
    for n in 0..40 {
        let (id, time) = (format!("more{n}"), START + 4 * HOUR + n * MINUTE);
        let changes = composed(&pass_through(), &mule_account(), &id, "in", MULE, time);
        published.extend(book.apply(&[], &[], &changes, &rows));
    }
    let at_once = published.len();
    assert!((2..20).contains(&at_once), "{at_once}");
    published.extend(book.close(&rows, Some(START + DAY + HOUR), false));
    assert_eq!(published.len(), at_once + 1, "the final content");
    let numbers: Vec<u32> = published.iter().map(|alert| alert.revision).collect();
    assert_eq!(numbers, (1..=published.len() as u32).collect::<Vec<_>>());
    assert!(book.close(&rows, Some(START + 2 * DAY), true).is_empty());
}

#[test]
fn a_withdrawn_detection_withdraws_the_alert_and_comes_back() {
    let rows = rows(&mule_payments());
    let changes = mule_changes();
    let mut book = AlertBook::new(config());
    let first = book.apply(&[], &[], &changes, &rows).remove(0);
    let withdrawn = vec![DetectionChange::Withdrawn(changes[1].detection().clone())];
    let second = book.apply(&[], &[], &withdrawn, &rows).remove(0);
    assert_eq!((second.revision, second.status, second.action), (2, AlertStatus::Withdrawn, Action::Review));
    assert!(second.targets.is_empty() && second.evidence.rules.is_empty() && second.money.is_none());
    let third = book.apply(&[], &[], &changes[1..], &rows).remove(0);
    assert_eq!(third.revision, 3);
    assert_eq!(third.content(), first.content());
}

#[test]
fn an_alert_names_its_first_and_last_detections_and_counts_the_rest() {
    let payments: Vec<Payment> =
        (0..100_i64).map(|n| pay(&format!("p{n:03}"), START + n * MINUTE, ANNA, MULE, 1_000)).collect();
    let changes: Vec<DetectionChange> = (0..100_i64)
        .flat_map(|n| composed(&pass_through(), &mule_account(), &format!("p{n:03}"), "in", MULE, START + n * MINUTE))
        .collect();
    let alert = run(&payments, &[], &changes).pop().unwrap();
    for rule in &alert.evidence.rules {
        assert_eq!((rule.detections.len(), rule.omitted), (20, 80));
        let times: Vec<i64> = rule.detections.iter().map(|detection| (detection.event_time - START) / MINUTE).collect();
        assert_eq!(times, (0..10).chain(90..100).collect::<Vec<_>>());
    }
    assert_eq!(alert.targets[0].row_ids.len(), 32);
    assert_eq!(alert.money.unwrap().received.as_deref(), Some("1000.00"));
}

#[test]
fn the_next_day_continues_the_alert() {
    let mut payments = mule_payments();
    payments.push(pay("next", START + DAY + HOUR, ANNA, MULE, 50_000));
    let mut changes = mule_changes();
    changes.extend(composed(&pass_through(), &mule_account(), "next", "in", MULE, START + DAY + HOUR));
    for order in [[0, 1, 2, 3], [2, 3, 0, 1]] {
        let changes: Vec<DetectionChange> = order.iter().map(|at| changes[*at].clone()).collect();
        let alerts = last(run(&payments, &[], &changes));
        let mut by_time: Vec<_> = alerts.values().collect();
        by_time.sort_by_key(|alert| alert.event_time);
        assert_eq!(by_time[0].continues, None);
        assert_eq!(by_time[1].continues.as_ref(), Some(&by_time[0].alert_id));
    }
}

#[test]
fn too_many_open_alerts_close_the_oldest_and_bounds_are_counted() {
    let mut config = config();
    config.max_open = 1;
    config.max_signals = 4;
    let rows = rows(&mule_payments());
    let mut book = AlertBook::new(config);
    let rule = mule_account();
    let changes: Vec<DetectionChange> = ["a", "b", "c"]
        .iter()
        .map(|subject| DetectionChange::Raised(detection(&rule, &row_id("in1"), subject, START + HOUR)))
        .collect();
    assert_eq!(book.apply(&[], &[], &changes, &rows).len(), 3);
    assert_eq!((book.size().open, book.counts().closed_early), (1, 2));
    let signals: Vec<DetectionChange> =
        (0..9).map(|n| DetectionChange::Raised(detection(&pass_through(), &format!("r{n}"), "x", START + n))).collect();
    book.apply(&[], &[], &signals, &rows);
    assert!(book.size().signals <= 4);
    assert_eq!(book.counts().signals_dropped, 9 - book.size().signals as u64);
}

#[test]
fn what_comes_after_an_alert_was_closed_early_continues_it_and_takes_nothing_back() {
    let mut config = config();
    config.max_open = 1;
    let mut payments = mule_payments();
    payments.push(pay("late", START + 5 * HOUR, ANNA, MULE, 70_000));
    let rows = rows(&payments);
    let mut book = AlertBook::new(config);
    let first = book.apply(&[], &[], &mule_changes(), &rows).pop().unwrap();
    let other = DetectionChange::Raised(detection(&mule_account(), &row_id("in1"), "zed", START + HOUR));
    book.apply(&[], &[], &[other], &rows);
    assert_eq!((book.size().open, book.counts().closed_early), (1, 1));
    let more = composed(&pass_through(), &mule_account(), "late", "late", MULE, START + 5 * HOUR);
    let later = book.apply(&[], &[], &more, &rows);
    let next = later.iter().find(|alert| alert.subject == first.subject).unwrap();
    assert_eq!((next.revision, next.continues.as_ref()), (1, Some(&first.alert_id)));
    assert!(later.iter().all(|alert| alert.alert_id != first.alert_id), "the first stands as it was");
    // What it rests on can still be withdrawn.
    let withdrawn: Vec<_> = more.iter().map(|change| DetectionChange::Withdrawn(change.detection().clone())).collect();
    let gone = book.apply(&[], &[], &withdrawn, &rows).pop().unwrap();
    assert_eq!((gone.alert_id, gone.revision), (next.alert_id.clone(), 2));
    assert_eq!(gone.status, AlertStatus::Withdrawn);
}

#[test]
fn a_cent_paid_in_does_not_hide_where_the_loot_went() {
    let asked = |back: &[Payment], baited: i64| {
        let mut payments = vec![pay("in1", START + HOUR, ANNA, MULE, 1_000_000)];
        payments.push(pay("out1", START + 2 * HOUR, MULE, FAR, 900_000));
        payments.push(pay("bait", START + 3 * HOUR, MULE, ANNA, baited));
        payments.extend_from_slice(back);
        let mules = list("mules", Regime::Fraud, ListAction::Hold, "*");
        let class = EvidenceClass::InstitutionConfirmed;
        let hits: Vec<_> = [("in1", START + HOUR), ("back", START + 4 * HOUR)]
            .iter()
            .filter(|(id, _)| *id != "back" || !back.is_empty())
            .map(|(id, time)| hit(id, *time, PartyRole::Beneficiary, MULE, &mules, class))
            .collect();
        let alert = run(&payments, &hits, &[]).pop().unwrap();
        let asked = |account: &str| {
            let target = alert.targets.iter().find(|target| target.account.as_deref() == Some(account))?;
            target.recommended_amount.clone()
        };
        (asked(FAR), asked(ANNA))
    };
    let all = (Some("9000.00".to_owned()), None);
    assert_eq!(asked(&[], 50_000), all);
    assert_eq!(asked(&[pay("back", START + 4 * HOUR, FAR, MULE, 1)], 50_000), all);
    let returned =
        pay("back", START + 4 * HOUR, FAR, MULE, 1).with(Text::Kind, "return").with(Text::Original, &row_id("out1"));
    assert_eq!(asked(&[returned], 50_000).0.as_deref(), Some("8999.99"));
    // Who paid in as much as he got has taken nothing away.
    assert_eq!(asked(&[pay("back", START + 4 * HOUR, FAR, MULE, 600_000)], 50_000).0, None);
    assert_eq!(asked(&[pay("back", START + 4 * HOUR, FAR, MULE, 599_999)], 50_000), all);
}

#[test]
fn a_late_record_moves_neither_a_hold_nor_its_end() {
    let mules = list("mules", Regime::Fraud, ListAction::Hold, "*");
    let class = EvidenceClass::InstitutionConfirmed;
    let day = START + 10 * DAY;
    let payments = [
        pay("old", day - DAY + HOUR, ANNA, MULE, 300_000),
        pay("in", day + HOUR, ANNA, MULE, 500_000),
        pay("out", day + 2 * HOUR, MULE, "iban:GB29NWBK60161331926819", 400_000),
    ];
    let fresh = hit("in", day + HOUR, PartyRole::Beneficiary, MULE, &mules, class);
    let mut late = hit("late", START, PartyRole::Beneficiary, MULE, &mules, class);
    late.row_id = format!("{APART}:0123456789abcdef0123456789abcdef/0");
    late.apart = Some(PartyApart { account: MULE.to_owned(), ..PartyApart::default() });
    let retained = rows(&payments);
    let play = |hits: &[Hit]| {
        let mut book = AlertBook::new(config());
        book.close(&retained, Some(day + 3 * HOUR), false);
        book.apply(&[], hits, &[], &retained).pop().unwrap()
    };
    let (without, with) = (play(std::slice::from_ref(&fresh)), play(&[fresh.clone(), late]));
    assert_eq!(with.targets, without.targets);
    assert_eq!(without.expires_at, Some(day + HOUR + 72 * HOUR));
    assert!(with.expires_at >= Some(day + 72 * HOUR), "{:?}", with.expires_at);
    assert_eq!((with.event_time, with.window.from), (START, day));
}
