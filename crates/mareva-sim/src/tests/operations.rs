use std::collections::{HashMap, HashSet};

use super::{illicit, run, text, units};
use crate::{Label, SimConfig, reference};

/// The canonical account that pays and the one that receives, and the amount in cents or millionths.
fn legs(json: &serde_json::Value) -> (String, String, i64) {
    let bank = |side: &str| format!("iban:{}", text(json, &format!("/{side}/account")));
    let user = format!("exch:kestrel:{}", text(json, "/user"));
    let tron = |address: &str| match address.strip_prefix("0x") {
        Some(hex) => format!("eip155:1:0x{}", hex.to_lowercase()),
        None => format!("tron:{address}"),
    };
    match text(json, "/type") {
        // The bank's record of the same payment counts for the account.
        "deposit" if text(json, "/network") == "sepa" => (String::new(), user, units(text(json, "/amount"), 2)),
        "withdrawal" if text(json, "/network") == "sepa" => (user, String::new(), units(text(json, "/amount"), 2)),
        "deposit" => (tron(text(json, "/from_address")), user, units(text(json, "/amount"), 6)),
        "withdrawal" => (user, tron(text(json, "/to_address")), units(text(json, "/amount"), 6)),
        "trade" => (user.clone(), user, 0),
        "token_transfer" => {
            let value = json["value"].as_i64().unwrap();
            (tron(text(json, "/from_address")), tron(text(json, "/to_address")), value)
        }
        _ => (bank("originator"), bank("beneficiary"), units(text(json, "/amount"), 2)),
    }
}

#[test]
fn what_is_illicit_is_the_whole_amount_and_no_mule_passes_on_more_than_came_in() {
    let (records, labels) = run(&SimConfig::new(4, 400_000));
    let illicit = illicit(&labels);
    // In and out by operation and account; victims and couriers bring in, commissions and stopped money stay.
    let mut flows: HashMap<(String, String), (i64, i64)> = HashMap::new();
    for (record, json) in &records {
        let Some((operation, role, amount)) = illicit.get(&(record.source.to_owned(), record.tx_id.clone())) else {
            continue;
        };
        if record.kind == "token_transfer" {
            assert_eq!(units(amount, 6), json["value"].as_i64().unwrap());
        } else {
            assert_eq!(amount, text(json, "/amount"));
        }
        // Inducements come out of the organisers' pockets.
        if matches!(*role, "inducement" | "conversion" | "sanctioned_payment") {
            continue;
        }
        let (from, to, amount) = legs(json);
        flows.entry((operation.clone(), from)).or_default().1 += amount;
        flows.entry((operation.clone(), to)).or_default().0 += amount;
    }
    let mut checked = 0;
    for label in &labels {
        let Label::Account { account, role, operation: Some(operation) } = label else { continue };
        let Some((came, went)) = flows.get(&(operation.clone(), account.clone())) else { continue };
        let bank = account.starts_with("iban:");
        // The stream does not show the hops between the last wallet that it shows and the next.
        if (*role == "mule" && bank) || *role == "collector" {
            assert!(went <= came, "{operation} {account}: {came} came, {went} went");
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
}

#[test]
fn every_fraud_and_every_pattern_is_there() {
    let (records, labels) = run(&SimConfig::new(9, 400_000));
    let schemes: HashSet<_> = labels
        .iter()
        .filter_map(|label| match label {
            Label::Transaction { scheme, .. } => Some(*scheme),
            Label::Account { .. } => None,
        })
        .collect();
    for scheme in ["voice_phishing", "pig_butchering", "account_takeover", "job_scam", "romance", "sanctions"] {
        assert!(schemes.contains(scheme), "no {scheme}");
    }
    let illicit = illicit(&labels);
    let mut payers: HashMap<String, HashSet<String>> = HashMap::new();
    let mut payees: HashMap<String, HashSet<String>> = HashMap::new();
    let mut devices: HashMap<String, HashSet<String>> = HashMap::new();
    let mut cash: HashMap<String, Vec<(i64, i64)>> = HashMap::new();
    for (record, json) in &records {
        let Some((operation, role, _)) = illicit.get(&(record.source.to_owned(), record.tx_id.clone())) else {
            continue;
        };
        let (from, to, amount) = legs(json);
        let device = text(json, "/device");
        if !device.is_empty() && record.kind == "credit_transfer" {
            devices.entry(device.to_owned()).or_default().insert(from.clone());
        }
        match *role {
            "victim_payment" => {
                payers.entry(to).or_default().insert(from);
            }
            "layer" => {
                payees.entry(from).or_default().insert(to);
            }
            "structuring" => cash.entry(operation.clone()).or_default().push((record.event_time, amount)),
            _ => {}
        }
    }
    let most = |sets: &HashMap<String, HashSet<String>>| sets.values().map(HashSet::len).max().unwrap_or(0);
    assert!(most(&payers) >= 4, "no fan-in");
    assert!(most(&payees) >= 4, "no fan-out");
    assert!(most(&devices) >= 3, "no device shared by three accounts");
    let structured = cash.values().filter(|deposits| {
        let span = deposits.last().unwrap().0 - deposits[0].0;
        let total: i64 = deposits.iter().map(|(_, cents)| cents).sum();
        deposits.len() >= 3
            && span < 86_400_000
            && total >= 1_000_000
            && deposits.iter().all(|(_, cents)| (800_000..1_000_000).contains(cents))
    });
    assert!(structured.count() >= 2, "no structuring");
}

#[test]
fn operations_end_within_two_days() {
    let (records, labels) = run(&SimConfig::new(6, 300_000));
    let illicit = illicit(&labels);
    let mut spans: HashMap<&str, (i64, i64)> = HashMap::new();
    for (record, _) in &records {
        if let Some((operation, ..)) = illicit.get(&(record.source.to_owned(), record.tx_id.clone())) {
            let span = spans.entry(operation).or_insert((record.event_time, 0));
            span.1 = record.event_time;
        }
    }
    for (operation, (first, last)) in spans {
        assert!(last - first <= 2 * 86_400_000, "{operation} takes {} hours", (last - first) / 3_600_000);
    }
}

#[test]
fn some_mules_are_listed_beforehand_and_listed_wallets_are_used() {
    for seed in 1..6 {
        let reference = reference(&SimConfig::new(seed, 100_000));
        let listed = String::from_utf8(reference.mules_csv.clone()).unwrap();
        let listed: HashSet<&str> = listed.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        let (mut mules, mut known, mut wallets) = (HashSet::new(), 0, 0);
        for label in &reference.labels {
            let Label::Account { account, role, operation: Some(_) } = label else { continue };
            if *role == "sanctioned" && !account.starts_with("iban:") {
                wallets += 1;
            }
            let Some(iban) = account.strip_prefix("iban:").filter(|_| ["mule", "collector"].contains(role)) else {
                continue;
            };
            if mules.insert(iban) && listed.contains(iban) {
                known += 1;
            }
        }
        assert!(known >= 1 && known * 3 <= mules.len(), "{known} of {} mules are listed", mules.len());
        assert!(wallets >= 1);
    }
}

#[test]
fn victims_and_mules_are_different_people() {
    let reference = reference(&SimConfig::new(2, 400_000));
    let mut roles: HashMap<&str, HashSet<&str>> = HashMap::new();
    for label in &reference.labels {
        if let Label::Account { account, role, operation: Some(_) } = label {
            roles.entry(account).or_default().insert(role);
        }
    }
    for (account, roles) in roles {
        assert!(!(roles.contains("victim") && roles.len() > 1), "{account} is {roles:?}");
    }
}
