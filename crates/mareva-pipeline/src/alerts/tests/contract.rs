//! The published contract: the schema holds, and the golden files are what is published.

use std::path::PathBuf;

use mareva_model::alert::{Action, Alert, AlertStatus};
use mareva_model::{DetectionChange, EvidenceClass, ListAction, PartyRole, Regime, Table, Text};

use super::fixture::*;
use super::{fraud, sanctions, victims};
use crate::alerts::AlertBook;

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), name].iter().collect()
}

fn schema() -> jsonschema::Validator {
    let text = std::fs::read(folder("schema").join("alert.schema.json")).unwrap();
    jsonschema::validator_for(&serde_json::from_slice(&text).unwrap()).unwrap()
}

pub(crate) fn faults(alert: &serde_json::Value) -> Vec<String> {
    schema().iter_errors(alert).map(|error| format!("{} at {}", error, error.instance_path)).collect()
}

fn exchange_withdrawal() -> Alert {
    let payments = [
        pay("in1", START + HOUR, MULE, USER, 250_000)
            .with(Text::Kind, "deposit")
            .with(Text::Network, "sepa")
            .with(Text::LinkedAccount, MULE)
            .names("Max Muster", "Max Muster"),
        pay("x9", START + 2 * HOUR, USER, WALLET, 268_012)
            .with(Text::Kind, "withdrawal")
            .with(Text::Currency, "USDT")
            .with(Text::Network, "tron")
            .with(Text::AssetContract, "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
            .with(Text::TxHash, "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00")
            .with(Text::OriginatorName, "Max Muster")
            .log_index(0)
            .reference(Some(246_000)),
    ];
    let changes = composed(&pass_through(), &mule_account(), "x9", "out", USER, START + 2 * HOUR);
    run(&payments, &[], &changes).remove(0)
}

fn name_review() -> Alert {
    let payments = [pay("p", START + HOUR, ANNA, FAR, 120_000).names("Anna Beispiel", "Kessel Trading")];
    let hit = hit("p", START + HOUR, PartyRole::Beneficiary, FAR, &sanctions::sdn("DE"), EvidenceClass::Order);
    run(&payments, &[by_name(hit, "Kessel Trading", &[])], &[]).remove(0)
}

fn block() -> Alert {
    let payments = [
        pay("p", START + HOUR, ANNA, MULE, 120_000).names("Anna Beispiel", "Kessel Trading"),
        pay("q", START + 2 * HOUR, MULE, FAR, 20_000),
    ];
    let class = EvidenceClass::Order;
    let hits = [
        hit("p", START + HOUR, PartyRole::Beneficiary, MULE, &sanctions::sdn("DE"), class),
        hit("q", START + 2 * HOUR, PartyRole::Originator, MULE, &sanctions::sdn("DE"), class),
    ];
    run(&payments, &hits, &[]).remove(0)
}

fn listed_mule() -> Alert {
    let payments = [pay("p", START + HOUR, ANNA, MULE, 120_000).names("Anna Beispiel", "Max Muster")];
    let mules = list("mules", Regime::Fraud, ListAction::Hold, "*");
    let class = EvidenceClass::InstitutionConfirmed;
    run(&payments, &[hit("p", START + HOUR, PartyRole::Beneficiary, MULE, &mules, class)], &[]).remove(0)
}

fn withdrawn() -> Alert {
    let rows = rows(&fraud::mule_payments());
    let changes = fraud::mule_changes();
    let mut book = AlertBook::new(config());
    book.apply(&[], &[], &changes, &rows);
    let gone = DetectionChange::Withdrawn(changes[1].detection().clone());
    book.apply(&[], &[], &[gone], &rows).remove(0)
}

fn published() -> Vec<(&'static str, Alert)> {
    vec![
        ("alert-fraud-hold", run(&fraud::mule_paid_on(), &[], &fraud::mule_changes()).remove(0)),
        ("alert-victim-recall", run(&victims::scam_payments(), &[], &victims::scam_changes()).remove(0)),
        ("alert-exchange-recall", exchange_withdrawal()),
        ("alert-listed-mule", listed_mule()),
        ("alert-sanctions-block", block()),
        ("alert-name-review", name_review()),
        ("alert-withdrawn", withdrawn()),
    ]
}

/// Run with `MAREVA_BLESS=1` to write the golden files anew; then read the difference.
#[test]
fn golden_files_are_what_is_published() {
    for (name, alert) in published() {
        let path = folder("golden").join(format!("{name}.json"));
        let now = serde_json::to_string_pretty(&alert).unwrap() + "\n";
        if std::env::var_os("MAREVA_BLESS").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(golden, now, "{name} differs; MAREVA_BLESS=1 writes it anew");
        assert_eq!(Alert::from_json(golden.as_bytes()).unwrap(), alert, "{name} reads back");
    }
}

#[test]
fn every_published_alert_is_valid() {
    for (name, alert) in published() {
        let json: serde_json::Value = serde_json::from_slice(&alert.to_json()).unwrap();
        assert_eq!(faults(&json), Vec::<String>::new(), "{name}");
    }
    let actions: Vec<Action> = published().iter().map(|(_, alert)| alert.action).collect();
    use Action::{Block, Hold, Recall, Review};
    assert_eq!(actions, [Hold, Recall, Hold, Hold, Block, Review, Review]);
    assert_eq!(published()[6].1.status, AlertStatus::Withdrawn);
}

#[test]
fn the_schema_refuses_what_the_contract_forbids() {
    let alert: serde_json::Value = serde_json::from_slice(&published()[1].1.to_json()).unwrap();
    let broken: [(&str, serde_json::Value); 8] = [
        ("/alert_id", "short".into()),
        ("/revision", 0.into()),
        ("/regime", "both".into()),
        ("/event_time", 1_767_571_200_000_i64.into()),
        ("/targets/0/recommended_amount", 1500.into()),
        ("/targets/0/row_ids", Vec::<String>::new().into()),
        ("/action", "block".into()),
        ("/safety", serde_json::Value::Null),
    ];
    for (place, value) in broken {
        let mut other = alert.clone();
        *other.pointer_mut(place).unwrap() = value;
        assert!(!faults(&other).is_empty(), "{place}");
    }
    // A restraint under fraud ends.
    let mut endless = alert.clone();
    endless["expires_at"] = serde_json::Value::Null;
    assert!(!faults(&endless).is_empty());
    let mut unknown = alert.clone();
    unknown["probability"] = "0.5".into();
    assert!(!faults(&unknown).is_empty());
    let mut incomplete = alert;
    incomplete.as_object_mut().unwrap().remove("missing");
    assert!(!faults(&incomplete).is_empty());
}

#[test]
fn what_the_action_of_a_target_needs_is_named_where_it_lacks() {
    let named = |alert: &Alert, action: Action| {
        let target = alert.targets.iter().find(|target| target.action == action).unwrap();
        target.missing.clone()
    };
    let hold = run(&fraud::mule_paid_on(), &[], &fraud::mule_changes()).remove(0);
    let has = |missing: &[String], name: &str| missing.iter().any(|missing| missing == name);
    let (held, recalled, shop) =
        (named(&hold, Action::Hold), named(&hold, Action::Recall), named(&hold, Action::Report));
    assert!(has(&held, "customer") && has(&held, "beneficiary.country") && !has(&held, "reachable_amount"), "{held:?}");
    assert!(!has(&recalled, "customer") && has(&recalled, "originator.country"), "{recalled:?}");
    assert!(has(&recalled, "reachable_amount") && has(&shop, "reachable_amount"), "{shop:?}");
    let review = name_review();
    assert!(!has(&named(&review, Action::Review), "reachable_amount"), "nothing is asked for");
    // All property has no amount.
    let block = block();
    let account = block.targets.iter().find(|target| target.amount_basis.is_some() && target.amount.is_none()).unwrap();
    assert!(has(&account.missing, "customer") && !has(&account.missing, "currency"), "{:?}", account.missing);
}

/// Every property of the schema, by its place.
fn properties(schema: &serde_json::Value, place: &str, found: &mut Vec<(String, bool)>) {
    let described = |value: &serde_json::Value| value["description"].as_str().is_some_and(|text| !text.is_empty());
    for (key, value) in schema.as_object().into_iter().flatten() {
        // Conditions name properties that are described where they stand.
        if key == "allOf" {
            continue;
        }
        if key == "properties" {
            for (name, property) in value.as_object().unwrap() {
                found.push((format!("{place}/{name}"), described(property)));
            }
        }
        properties(value, &format!("{place}/{key}"), found);
    }
    for value in schema.as_array().into_iter().flatten() {
        properties(value, place, found);
    }
}

#[test]
fn every_property_says_what_it_is() {
    let text = std::fs::read(folder("schema").join("alert.schema.json")).unwrap();
    let mut found = Vec::new();
    properties(&serde_json::from_slice(&text).unwrap(), "", &mut found);
    assert!(found.len() > 100);
    let silent: Vec<_> = found.iter().filter(|(_, described)| !described).map(|(place, _)| place).collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn evidence_names_the_payment_whose_leg_it_is_whatever_others_call_theirs() {
    let payments = [
        pay("in1", START + HOUR, ANNA, MULE, 300_000),
        // Somebody sends payments with ids that end like legs, at the same time too.
        pay("in1/in", START + HOUR, BERT, FAR, 7_700).with(Text::TxId, "in1/in"),
        pay("in2/out", START + 2 * HOUR, MULE, FAR, 7_700),
        pay("in2", START + 3 * HOUR, ANNA, FAR, 7_700),
    ];
    let positions = |changes: &[DetectionChange]| -> Vec<i64> {
        let alert = run(&payments, &[], changes).pop().unwrap();
        let detections = alert.evidence.rules.iter().flat_map(|rule| rule.detections.iter());
        detections.map(|detection| detection.position.as_ref().unwrap().offset).collect()
    };
    assert_eq!(positions(&composed(&pass_through(), &mule_account(), "in1", "in", MULE, START + HOUR)), [0, 0]);
    // A rule over `transactions` names the whole id.
    let whole = over(&mule_account(), Table::Transactions, &row_id("in2/out"), MULE, START + 2 * HOUR);
    assert_eq!(positions(&[DetectionChange::Raised(whole)]), [2]);
}
