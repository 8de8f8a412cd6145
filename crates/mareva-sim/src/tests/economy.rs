use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{illicit, run, text, units};
use crate::{Label, SimConfig, Stream, records, reference};

fn digest(config: &SimConfig) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let mut records = records(config);
    for record in records.by_ref() {
        hasher.update(&record.json);
        hasher.update(record.tx_id.as_bytes());
    }
    let reference = records.reference();
    for part in [&reference.accounts, &reference.mules_csv, &reference.vasps_csv, &reference.rates_csv] {
        hasher.update(part);
    }
    for (_, content) in &reference.sanctions {
        hasher.update(content);
    }
    hasher.update(&reference.labels_ndjson());
    hasher.finalize()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let config = SimConfig::new(7, 20_000);
    assert_eq!(digest(&config), digest(&config));
    assert_ne!(digest(&config), digest(&SimConfig::new(8, 20_000)));
}

#[test]
fn labels_do_not_depend_on_whether_records_are_written() {
    let config = SimConfig::new(3, 30_000);
    let mut written = records(&config);
    written.by_ref().for_each(drop);
    assert_eq!(written.reference(), reference(&config));
}

#[test]
fn any_size_gives_exactly_as_many_records() {
    for transactions in [0, 1, 50, 3_000] {
        assert_eq!(records(&SimConfig::new(1, transactions)).count() as u64, transactions);
    }
}

#[test]
fn records_are_in_order_unique_and_complete() {
    let (records, _) = run(&SimConfig::new(5, 60_000));
    let mut seen = HashSet::new();
    let mut last = 0;
    for (record, json) in &records {
        assert!(record.event_time >= last, "{}", record.tx_id);
        last = record.event_time;
        assert!(seen.insert((record.source, record.tx_id.clone())), "{} comes twice", record.tx_id);
        assert_eq!(text(json, "/type"), record.kind);
        let wanted: &[&str] = match (record.stream, record.kind) {
            (Stream::Bank, "credit_transfer") => &[
                "/originator/account",
                "/beneficiary/account",
                "/originator/agent",
                "/msg_id",
                "/instr_id",
                "/end_to_end_id",
                "/uetr",
                "/settlement_date",
                "/settlement_amount",
                "/remittance",
            ],
            (Stream::Bank, "return") => &["/originator/account", "/beneficiary/account", "/original_tx_id"],
            (Stream::Bank, "cash_deposit") => &["/beneficiary/account"],
            (Stream::Bank, "cash_withdrawal") => &["/originator/account"],
            (Stream::Bank, "card_payment") => &["/originator/account", "/beneficiary/account", "/merchant"],
            (_, "token_transfer") => {
                assert_eq!(json["block_timestamp"].as_i64().unwrap() * 1000, record.event_time);
                &["/from_address", "/to_address", "/transaction_hash"]
            }
            (_, "trade") => &["/user", "/to_asset", "/to_amount"],
            (_, "internal_transfer") => &["/user", "/counterparty_user"],
            _ => &["/user", "/network", "/linked_account"],
        };
        for path in wanted {
            assert!(!text(json, path).is_empty(), "{path} is missing in {json}");
        }
        for path in ["/msg_id", "/instr_id", "/end_to_end_id", "/clearing_ref"] {
            assert!(text(json, path).len() <= 35, "{path} is longer than 35 characters in {json}");
        }
    }
}

#[test]
fn at_most_two_in_a_thousand_are_illicit_and_every_label_has_its_record() {
    for (seed, transactions) in [(1, 20_000), (2, 100_000), (3, 100_000)] {
        let (records, labels) = run(&SimConfig::new(seed, transactions));
        let mut illicit = illicit(&labels);
        assert!(illicit.len() as u64 * 500 <= transactions, "{} of {transactions}", illicit.len());
        assert!(illicit.len() as u64 * 1_500 >= transactions, "{} of {transactions}", illicit.len());
        for (record, _) in &records {
            illicit.remove(&(record.source.to_owned(), record.tx_id.clone()));
        }
        assert!(illicit.is_empty(), "labels without a record: {illicit:?}");
    }
}

/// The balance of one side after a record, in cents, where it is one of our accounts.
fn side<'a>(json: &'a Value, side: &str) -> Option<(&'a str, i64)> {
    let balance = json.pointer(&format!("/{side}/balance_after"))?.as_str()?;
    Some((text(json, &format!("/{side}/account")), units(balance, 2)))
}

#[test]
fn balances_follow_from_the_amounts_and_respect_the_overdraft() {
    let config = SimConfig::new(11, 60_000);
    let overdrafts: HashMap<String, i64> =
        records(&config).world.accounts.iter().map(|a| (a.iban.to_string(), a.overdraft)).collect();
    let (records, _) = run(&config);
    let mut balances: HashMap<String, i64> = HashMap::new();
    let mut checked = 0;
    for (_, json) in records.iter().filter(|(record, _)| record.stream == Stream::Bank) {
        let amount = if text(json, "/status") == "rejected" { 0 } else { units(text(json, "/amount"), 2) };
        for (name, sign) in [("originator", -1), ("beneficiary", 1)] {
            let Some((account, after)) = side(json, name) else { continue };
            assert!(after >= -overdrafts[account], "{account} is overdrawn in {json}");
            if let Some(before) = balances.insert(account.to_owned(), after)
                && text(json, "/currency") == "EUR"
            {
                assert_eq!(after - before, sign * amount, "{json}");
                checked += 1;
            }
        }
    }
    assert!(checked > 50_000, "{checked}");
}

#[test]
fn exchange_balances_follow_from_the_amounts() {
    let (records, _) = run(&SimConfig::new(12, 60_000));
    let mut negative = 0;
    for (record, json) in &records {
        if record.stream == Stream::Exchange && text(json, "/balance_after").starts_with('-') {
            negative += 1;
        }
    }
    assert_eq!(negative, 0);
}

#[test]
fn the_days_have_a_rhythm() {
    let config = SimConfig::new(1, 100_000);
    let (records, _) = run(&config);
    let hour = |time: i64| (time / 3_600_000).rem_euclid(24);
    let cards: Vec<i64> = records.iter().filter(|(r, _)| r.kind == "card_payment").map(|(r, _)| r.event_time).collect();
    let night = cards.iter().filter(|time| hour(**time) < 5).count();
    let noon = cards.iter().filter(|time| (11..16).contains(&hour(**time))).count();
    assert!(noon > 10 * night, "{noon} by day, {night} by night");
    let lived = (records.last().unwrap().0.event_time - config.start) / 86_400_000;
    assert!((lived - config.days()).abs() <= 1, "{lived} of {} days", config.days());
}

#[test]
fn the_innocent_are_labelled_where_they_are_special() {
    let reference = reference(&SimConfig::new(1, 100_000));
    let has = |wanted: &str| {
        reference
            .labels
            .iter()
            .any(|label| matches!(label, Label::Account { role, operation: None, .. } if *role == wanted))
    };
    for role in ["payroll", "merchant", "psp", "omnibus", "namesake", "sanctioned"] {
        assert!(has(role), "no account is labelled {role}");
    }
}
