use mareva_model::Refusal;
use serde_json::{Value, json};

use super::{compare, read, try_rule, unread};
use crate::config;
use crate::open::{RuleFolder, load_rules};

fn failures(expected: &str, fired: &[Value]) -> Vec<String> {
    let mut failures = Vec::new();
    compare(expected, fired, &mut failures);
    failures
}

#[test]
fn what_comes_is_held_against_what_was_expected() {
    let fired = [
        json!({ "row_id": "a", "subject": "x", "event_time": "2026-01-05T10:00:00.000Z", "sum": "10.00" }),
        json!({ "row_id": "b", "subject": "x", "event_time": "2026-01-05T11:00:00.000Z", "sum": "11.00" }),
    ];
    let exact = fired.iter().map(|line| format!("{line}\n")).collect::<String>();
    assert!(failures(&exact, &fired).is_empty());
    let fewer = "{\"row_id\":\"a\",\"subject\":\"x\",\"event_time\":\"2026-01-05T10:00:00Z\"}\n{\"row_id\":\"b\",\"subject\":\"x\"}";
    assert!(failures(fewer, &fired).is_empty(), "columns that are not named are free");
    for (expected, part) in [
        (exact.lines().next().unwrap_or_default().to_owned(), "came and was not expected"),
        (exact.replace("11.00", "12.00"), "sum is \"11.00\", expected \"12.00\""),
        (exact.replacen("sum", "sums", 1), "a: there is no column sums, expected \"10.00\""),
        (format!("{exact}{{\"row_id\":\"c\",\"subject\":\"x\"}}"), "expected and did not come"),
        (format!("{exact}nonsense"), "is no JSON"),
    ] {
        let found = failures(&expected, &fired);
        assert!(found.len() == 1 && found[0].contains(part), "{part}: {found:?}");
    }
}

#[test]
fn lines_that_are_neither_transaction_nor_account_are_named() {
    let config = config::load(None, &mut Refusal::default());
    let text = "{\"type\":\"account\",\"account\":\"exch:kestrel:1\"}\n{\"type\":\"trade\",\"time\":5}\n{\"type\":\"x\"}\nnonsense\n";
    let material = read(&config, text);
    assert_eq!((material.records.len(), material.accounts.len()), (1, 1));
    assert_eq!(material.records[0].append_time, 5);
    let lines: Vec<i64> = material.unread.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [3, 4], "{:?}", material.unread);
}

#[test]
fn every_line_of_the_evidence_that_cannot_be_read_is_named() {
    let config = config::load(None, &mut Refusal::default());
    let sound = &crate::open::rule_folders(std::path::Path::new("")).unwrap()[0];
    assert!(unread(&config, sound).unwrap().is_empty());
    let spoilt = |text: &Option<String>, lines: &str| Some(text.clone().unwrap() + lines);
    let end = |text: &Option<String>| text.as_ref().unwrap().lines().count() as i64;
    let folder = RuleFolder {
        fires: spoilt(&sound.fires, "nonsense\n{\"type\":\"credit_transfer\",\"time\":\"2026-01-05T10:00:00Z\"}\n"),
        quiet: spoilt(&sound.quiet, "{\"type\":\"account\",\"account\":7}\n"),
        expected: spoilt(&sound.expected, "{\"row_id\":\"a\"}\n{\n"),
        ..sound.clone()
    };
    let found = unread(&config, &folder).unwrap();
    let places: Vec<(&str, i64)> = found.iter().map(|(file, (line, _))| (*file, *line)).collect();
    let (fires, quiet, expected) = (end(&sound.fires), end(&sound.quiet), end(&sound.expected));
    let due = [
        ("fires.ndjson", fires + 1),
        ("fires.ndjson", fires + 2),
        ("quiet.ndjson", quiet + 1),
        ("expected.ndjson", expected + 1),
        ("expected.ndjson", expected + 2),
    ];
    assert_eq!(places, due, "{found:#?}");
}

#[test]
fn a_rule_without_evidence_fails() {
    let config = config::load(None, &mut Refusal::default());
    let folders = crate::open::rule_folders(std::path::Path::new("")).unwrap();
    let bare = RuleFolder { fires: None, quiet: None, expected: None, ..folders[0].clone() };
    let ruleset = load_rules(&folders).unwrap();
    let trial = try_rule(&config, &ruleset, &bare).unwrap();
    assert_eq!((trial.failures.len(), trial.differences.len()), (2, 1));
    let accounts = "{\"type\":\"account\",\"account\":\"iban:DE23910200020000010005\"}\n";
    let accounts_alone = RuleFolder { quiet: Some(accounts.to_owned()), ..folders[0].clone() };
    let trial = try_rule(&config, &ruleset, &accounts_alone).unwrap();
    assert_eq!(trial.failures, ["quiet.ndjson holds no record of a stream"]);
}
