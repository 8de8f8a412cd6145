use std::collections::HashSet;

use serde_json::Value;

use super::text;
use crate::{Fixture, SimConfig, Stream, high_alert_stream, merchant, omnibus, payroll};

fn parsed(fixture: &Fixture) -> Vec<Value> {
    assert!(fixture.records.is_sorted_by_key(|record| record.event_time));
    fixture.records.iter().map(|record| serde_json::from_slice(&record.json).unwrap()).collect()
}

#[test]
fn a_payroll_pays_everybody_once() {
    let fixture = payroll(600);
    let employer = fixture.subject.strip_prefix("iban:").unwrap();
    let paid: Vec<String> = parsed(&fixture)
        .iter()
        .filter(|json| text(json, "/originator/account") == employer && text(json, "/purpose") == "SALA")
        .map(|json| text(json, "/beneficiary/account").to_owned())
        .collect();
    assert_eq!(paid.len(), 600);
    assert_eq!(paid.iter().collect::<HashSet<_>>().len(), 600);
    let accounts = String::from_utf8(fixture.accounts).unwrap();
    let line = accounts.lines().find(|line| line.contains(employer)).unwrap();
    assert!(line.contains("\"role\":\"payroll\""));
}

#[test]
fn a_merchant_has_as_many_payers_as_asked() {
    let fixture = merchant(500, 2);
    let shop = fixture.subject.strip_prefix("iban:").unwrap();
    let day = |json: &Value| text(json, "/time")[..10].to_owned();
    let mut payers: HashSet<(String, String)> = HashSet::new();
    for json in parsed(&fixture) {
        if text(&json, "/beneficiary/account") == shop {
            payers.insert((day(&json), text(&json, "/originator/account").to_owned()));
        }
    }
    // A few cannot pay.
    assert!((940..=1_000).contains(&payers.len()), "{}", payers.len());
    assert!(!fixture.ndjson(Stream::Bank).is_empty());
}

#[test]
fn an_omnibus_wallet_has_its_share() {
    let fixture = omnibus(4_000, 30);
    let wallet = fixture.subject.strip_prefix("tron:").unwrap();
    let all = parsed(&fixture);
    let share =
        all.iter().filter(|json| text(json, "/from_address") == wallet || text(json, "/to_address") == wallet).count();
    assert!((all.len() * 28 / 100..all.len() * 32 / 100).contains(&share), "{share} of {}", all.len());
    assert!(String::from_utf8(fixture.accounts).unwrap().contains(wallet));
}

#[test]
fn the_purpose_made_stream_alerts_once_per_subject() {
    let stream = high_alert_stream(20_000, SimConfig::default().start, 10_000);
    let mules = String::from_utf8(stream.mules_csv()).unwrap();
    let mules: HashSet<&str> = mules.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let mut hit = HashSet::new();
    let mut count = 0;
    for record in stream {
        let json: Value = serde_json::from_slice(&record.json).unwrap();
        let payee = text(&json, "/beneficiary/account");
        if mules.contains(payee) {
            assert!(hit.insert(payee.to_owned()), "{payee} is paid twice");
        }
        count += 1;
    }
    assert_eq!((count, hit.len()), (20_000, 250));
}
