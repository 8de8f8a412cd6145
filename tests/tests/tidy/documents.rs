//! Metrics, their page, the dashboard and the alert rules speak of the same things.

use std::collections::BTreeSet;
use std::fs;

use crate::code::literals;
use crate::{files, none, root};

/// What a histogram is shown as.
const SERIES: [&str; 3] = ["_bucket", "_sum", "_count"];

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names of the registry.
fn registered() -> BTreeSet<String> {
    let source = ["metrics.rs", "metrics/rules.rs", "metrics/state.rs"]
        .map(|file| read(&format!("crates/mareva/src/{file}")))
        .concat();
    let names: BTreeSet<String> =
        literals(&source).into_iter().filter(|text| text.starts_with("mareva_")).map(str::to_owned).collect();
    assert!(names.len() > 20, "only {} metrics found in metrics.rs: this test does not read it right", names.len());
    names
}

/// `mareva_…` words of a text.
fn mentioned(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c: char| !is_part(c)).filter(|word| word.starts_with("mareva_"));
    words.map(|word| word.trim_end_matches('_').to_owned()).collect()
}

#[test]
fn every_metric_is_documented_and_no_other() {
    let (registered, documented) = (registered(), mentioned(&read("deploy/metrics.md")));
    let missing = registered.difference(&documented).map(|name| {
        format!("deploy/metrics.md: does not explain {name}; say what it counts and what to do when it moves")
    });
    let stale = documented.iter().filter(|name| !is_known(name, &registered)).map(|name| {
        format!("deploy/metrics.md: explains {name}, which does not exist; remove it, or correct the name")
    });
    none(missing.chain(stale).collect());
}

#[test]
fn dashboards_and_alert_rules_use_metrics_that_exist() {
    let registered = registered();
    let mut offences = Vec::new();
    let mut seen = 0;
    for ending in [".json", ".yml", ".yaml"] {
        for (path, text) in files(&["deploy"], ending) {
            for name in mentioned(&text) {
                seen += 1;
                if !is_known(&name, &registered) {
                    offences
                        .push(format!("{path}: uses {name}, which does not exist; deploy/metrics.md has the names"));
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} uses of metrics found in deploy: this test does not read it right");
    none(offences);
}

fn is_known(name: &str, registered: &BTreeSet<String>) -> bool {
    let bare = SERIES.iter().find_map(|series| name.strip_suffix(series));
    registered.contains(name) || bare.is_some_and(|bare| registered.contains(bare))
}

#[test]
fn json_in_deploy_is_json() {
    let broken = files(&["deploy"], ".json").into_iter().filter_map(|(path, text)| {
        let error = serde_json::from_str::<serde_json::Value>(&text).err()?;
        Some(format!("{path}: {error}; mend it"))
    });
    none(broken.collect());
}

#[test]
fn every_alert_rule_says_what_to_do() {
    let mut offences = Vec::new();
    for (path, text) in files(&["deploy"], "alerts.yml") {
        let rules: Vec<&str> = text.split("- alert: ").skip(1).collect();
        assert!(!rules.is_empty(), "{path}: no alert rules");
        for rule in rules {
            let name = rule.lines().next().unwrap_or_default();
            for part in ["expr:", "for:", "severity:", "summary:", "description:"] {
                if !rule.contains(part) {
                    offences.push(format!("{path}: {name} has no `{part}`; add it"));
                }
            }
        }
    }
    none(offences);
}
