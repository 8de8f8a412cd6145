use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::{RuleRef, SourcePosition, Targets, digest};

fn rule() -> RuleRef {
    RuleRef {
        shadow: false,
        challenger_of: None,
        id: "mule-account".into(),
        version: 3,
        title: "mule account".into(),
        severity: "high".into(),
        raises: crate::Raises::Alert,
        table: crate::Table::Signals,
        subject_role: SubjectRole::Suspect,
        targets: Targets::SubjectAccount,
        action: "hold".into(),
        reason_code: "FRAD".into(),
        typology: "T03 rapid pass-through".into(),
        span_ms: 86_400_000,
        hops: false,
        parameters: BTreeMap::from([("min_received".into(), "1000".into())]),
    }
}

fn alert() -> Alert {
    let position = SourcePosition { topic: "bank.transactions".into(), partition: 3, offset: 41, index: 0 };
    let columns = serde_json::from_str(r#"{"received":"5000.00","sent":"4800.00","payees":3}"#).unwrap();
    Alert {
        contract: CONTRACT,
        alert_id: alert_id(Regime::Fraud, "iban:DE89370400440532013000", 20_000),
        revision: 2,
        status: AlertStatus::Open,
        regime: Regime::Fraud,
        subject: "iban:DE89370400440532013000".into(),
        subject_role: SubjectRole::Suspect,
        subject_name: Some("Max Muster".into()),
        severity: Severity::High,
        action: Action::Hold,
        reason_code: "FRAD".into(),
        jurisdiction: None,
        legal_basis: None,
        event_time: 1_728_000_000_000,
        as_of: 1_728_000_600_000,
        episode: Span { from: 1_728_000_000_000, to: 1_728_086_400_000 },
        window: Span { from: 1_727_913_600_000, to: 1_728_000_600_000 },
        continues: None,
        expires_at: Some(1_728_259_200_000),
        clock_basis: None,
        money: Some(SuspectMoney {
            currency: "EUR".into(),
            received: Some("5000.00".into()),
            on_account: Some("200.00".into()),
            carried_on: Some("4800.00".into()),
            returned: Some("0.00".into()),
            recommended: "200.00".into(),
        }),
        targets: Vec::new(),
        targets_omitted: 0,
        missing: vec!["jurisdiction".into()],
        safety: Safety::default(),
        confidentiality: None,
        tlp: None,
        operation: None,
        notice_ref: None,
        decisions: Vec::new(),
        evidence: Evidence {
            rules: vec![RuleEvidence {
                rule: Arc::new(rule()),
                detections: vec![DetectionEvidence {
                    row_id: "MRVADEFF:B1/out".into(),
                    event_time: 1_728_000_000_000,
                    position: Some(position),
                    columns,
                }],
                omitted: 0,
            }],
            hits: Vec::new(),
            hits_omitted: 0,
        },
        epoch: digest(b"epoch"),
        engine: "0.1.0".into(),
    }
}

#[test]
fn json_reads_back_to_the_same_alert_and_the_same_bytes() {
    let json = alert().to_json();
    let back = Alert::from_json(&json).unwrap();
    assert_eq!(back, alert());
    assert_eq!(back.to_json(), json);
    let text = String::from_utf8(json).unwrap();
    assert!(text.starts_with(r#"{"contract":1,"alert_id":""#), "{text}");
    assert!(text.contains(r#""event_time":"2024-10-04T00:00:00.000Z""#), "{text}");
    assert!(text.contains(r#""victim_at_risk":null"#), "{text}");
}

#[test]
fn content_leaves_out_the_revision_and_the_positions_only() {
    let first = alert();
    let mut other = alert();
    other.revision = 9;
    other.evidence.rules[0].detections[0].position = None;
    assert_eq!(first.content(), other.content());
    other.action = Action::Review;
    assert_ne!(first.content(), other.content());
}

#[test]
fn ids_differ_by_regime_subject_and_episode() {
    let ids = [
        alert_id(Regime::Fraud, "a", 1),
        alert_id(Regime::Sanctions, "a", 1),
        alert_id(Regime::Fraud, "b", 1),
        alert_id(Regime::Fraud, "a", 2),
    ];
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(id.len(), 32);
        assert!(ids[n + 1..].iter().all(|other| other != id));
    }
}

#[test]
fn keys_name_the_subject_only_without_a_key_file() {
    let alert = alert();
    assert_eq!(alert.key(None), alert.subject);
    let hashed = alert.key(Some(b"secret"));
    assert_eq!(hashed.len(), 64);
    assert_eq!(hashed, alert.key(Some(b"secret")));
    assert_ne!(hashed, alert.key(Some(b"another")));
}

#[test]
fn the_headline_says_what_to_do() {
    let line = alert().headline();
    assert_eq!(line, "hold 200.00 EUR because of iban:DE89370400440532013000 (Max Muster): mule account");
}

#[test]
fn actions_and_severities_are_ordered_and_read_from_rules() {
    assert!(Action::Review < Action::Warn && Action::Report < Action::Recall && Action::Hold < Action::Block);
    for action in [Action::Review, Action::Warn, Action::Report, Action::Recall, Action::Hold, Action::Block] {
        assert_eq!(Action::parse(action.as_str()), action);
    }
    assert_eq!(Action::parse("seize"), Action::Review);
    assert_eq!(Severity::parse("critical"), Severity::Critical);
    assert_eq!(Severity::parse("?"), Severity::Medium);
}
