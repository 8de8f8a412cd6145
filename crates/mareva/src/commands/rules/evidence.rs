//! The evidence of a rule, run through a pipeline of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use mareva_codec::Stream;
use mareva_model::{DeadLetter, parse_time};
use mareva_monitoring::{Account, Accounts, Ruleset};
use mareva_pipeline::{InputRecord, InputSlice, Pipeline};
use serde_json::Value;

use crate::config::Config;
use crate::open::{RuleFolder, bare_parts, parse_account};
use crate::replay::{detection_json, peek_time, stream_of};

/// What came out, and how that differs from what was expected.
#[derive(Debug, Default)]
pub struct Trial {
    /// Detections over `fires.ndjson`.
    pub fired: Vec<Value>,
    /// In plain words.
    pub failures: Vec<String>,
    /// What differs from `expected.ndjson`, likewise.
    pub differences: Vec<String>,
}

impl Trial {
    /// Whether the rule does what its evidence says.
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.differences.is_empty()
    }
}

/// A file of evidence, read.
#[derive(Debug, Default)]
struct Material {
    records: Vec<InputRecord>,
    accounts: Vec<Account>,
    unread: Vec<Unread>,
}

/// Number of a line of evidence that nothing can be made of, and why.
type Unread = (i64, String);

/// Every line of the evidence of a rule that nothing can be made of, with its file.
///
/// # Errors
/// When the engine itself fails.
pub fn unread(config: &Config, folder: &RuleFolder) -> Result<Vec<(&'static str, Unread)>> {
    let mut all = Vec::new();
    for (file, text) in [("fires.ndjson", &folder.fires), ("quiet.ndjson", &folder.quiet)] {
        let Material { records, accounts, mut unread } = read(config, text.as_deref().unwrap_or_default());
        let mut pipeline = Pipeline::new(bare_parts(config, Ruleset::load(&[])?, Accounts::new(&accounts))?)?;
        let holds_none = records.is_empty() && text.as_ref().is_some_and(|text| !text.trim().is_empty());
        let slice = one_slice(records, &pipeline);
        unread.extend(pipeline.prepare(&slice)?.dead_letters.iter().map(refused));
        if holds_none {
            unread.push((1, "holds no record of a stream".to_owned()));
        }
        unread.sort();
        all.extend(unread.into_iter().map(|line| (file, line)));
    }
    for (number, line) in lines(folder.expected.as_deref().unwrap_or_default()) {
        let of_another = |line: &Value| line["rule"].as_str().is_some_and(|rule| rule != folder.folder);
        let reason = match expected(line) {
            Ok(line) if of_another(&line) => Some("is a detection of another rule".to_owned()),
            other => other.err(),
        };
        all.extend(reason.map(|reason| ("expected.ndjson", (number, reason))));
    }
    Ok(all)
}

/// Lines that are not blank, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (i64, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty())
}

fn refused(letter: &DeadLetter) -> Unread {
    (letter.position.offset + 1, format!("is refused: {}", letter.detail))
}

/// All of it in one slice, after which the input ends.
fn one_slice(records: Vec<InputRecord>, pipeline: &Pipeline) -> InputSlice {
    InputSlice { seq: 1, records, tick: 0, end: true, joined: Vec::new(), epoch: pipeline.epoch() }
}

/// Runs the evidence of one rule.
///
/// # Errors
/// When the engine itself fails.
pub fn try_rule(config: &Config, ruleset: &Ruleset, folder: &RuleFolder) -> Result<Trial> {
    let mut trial = Trial::default();
    let over = |file: &str, text: &Option<String>, failures: &mut Vec<String>| -> Result<Vec<Value>> {
        match text.as_deref().filter(|text| !text.trim().is_empty()) {
            Some(text) => detections(config, ruleset, &folder.folder, text, file, failures),
            None => {
                failures.push(format!("{file} is missing or empty"));
                Ok(Vec::new())
            }
        }
    };
    let mut failures = Vec::new();
    trial.fired = over("fires.ndjson", &folder.fires, &mut failures)?;
    let quiet = over("quiet.ndjson", &folder.quiet, &mut failures)?;
    if trial.fired.is_empty() && folder.fires.is_some() {
        failures.push("nothing in fires.ndjson fires it".to_owned());
    }
    failures.extend(quiet.iter().map(|line| format!("quiet.ndjson fires it: {line}")));
    match folder.expected.as_deref() {
        Some(expected) => compare(expected, &trial.fired, &mut trial.differences),
        None => trial.differences.push("expected.ndjson is missing; write it with --update".to_owned()),
    }
    trial.failures = failures;
    Ok(trial)
}

/// Settled detections of the rule over a file, all of it in one slice.
fn detections(
    config: &Config,
    ruleset: &Ruleset,
    rule: &str,
    text: &str,
    file: &str,
    failures: &mut Vec<String>,
) -> Result<Vec<Value>> {
    let Material { records, accounts, unread } = read(config, text);
    if records.is_empty() {
        failures.push(format!("{file} holds no record of a stream"));
    }
    let parts = bare_parts(config, ruleset.clone(), Accounts::new(&accounts))?;
    let mut pipeline = Pipeline::new(parts)?;
    let output = pipeline.process(&one_slice(records, &pipeline))?;
    let unread = unread.into_iter().chain(output.dead_letters.iter().map(refused));
    failures.extend(unread.map(|(line, reason)| format!("{file}:{line} {reason}")));
    failures.extend(pipeline.monitor().rule_failures().map(|failure| format!("{file}: {failure}")));
    Ok(output.settled.iter().filter(|found| found.rule.id == rule).map(detection_json).collect())
}

fn read(config: &Config, text: &str) -> Material {
    let mut material = Material::default();
    let (bank, exchange): (Arc<str>, Arc<str>) = (config.bank_topic().into(), config.exchange_topic().into());
    let latest = text.lines().filter_map(|line| peek_time(line.as_bytes())).max().unwrap_or_default();
    for (number, line) in lines(text) {
        let topic = match stream_of(line.as_bytes()) {
            Some(Stream::Bank) => &bank,
            Some(Stream::Exchange) => &exchange,
            None => {
                match account(line) {
                    Ok(account) => material.accounts.push(account),
                    Err(reason) => material.unread.push((number, reason)),
                }
                continue;
            }
        };
        material.records.push(InputRecord {
            topic: topic.clone(),
            partition: 0,
            offset: number - 1,
            append_time: latest,
            payload: line.as_bytes().to_vec().into(),
        });
    }
    material
}

fn account(line: &str) -> Result<Account, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("is no JSON: {error}"))?;
    match value["type"].as_str() {
        Some("account") => parse_account(line, &["type", "note"]).map_err(|faults| {
            let each = faults.iter().map(|(reason, remedy)| format!("{reason}; {remedy}"));
            each.collect::<Vec<_>>().join("; ")
        }),
        Some(other) => Err(format!("is no transaction and no account: its type is `{other}`")),
        None => Err("is no transaction and no account: it has no text `type`".to_owned()),
    }
}

/// Every expected line must come, with every column that it names, and nothing else may.
fn compare(text: &str, fired: &[Value], failures: &mut Vec<String>) {
    let mut left: BTreeMap<(String, String), &Value> = fired.iter().map(|line| (key(line), line)).collect();
    for (number, line) in lines(text) {
        let line = match expected(line) {
            Ok(line) => line,
            Err(reason) => {
                failures.push(format!("expected.ndjson:{number} {reason}"));
                continue;
            }
        };
        let Some(found) = left.remove(&key(&line)) else {
            failures.push(format!("expected and did not come: {line}"));
            continue;
        };
        // Whether a rule is only tried is no part of what it finds: it stays the same when the rule is published.
        for (name, value) in line.as_object().into_iter().flatten().filter(|(name, _)| *name != "shadow") {
            let row = found["row_id"].as_str().unwrap_or_default();
            if found.get(name).is_none() {
                failures.push(format!("{row}: there is no column {name}, expected {value}"));
            } else if !same(name, value, &found[name]) {
                failures.push(format!("{row}: {name} is {}, expected {value}", found[name]));
            }
        }
    }
    failures.extend(left.values().map(|line| format!("came and was not expected: {line}")));
}

/// A line of `expected.ndjson`.
fn expected(line: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("is no JSON: {error}"))?;
    match ["row_id", "subject"].into_iter().find(|name| !value[name].is_string()) {
        Some(name) => Err(format!("names no detection: it has no text `{name}`")),
        None => Ok(value),
    }
}

fn key(line: &Value) -> (String, String) {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    (text("row_id"), text("subject"))
}

/// Equal, where times may be written in different ways.
fn same(name: &str, expected: &Value, found: &Value) -> bool {
    let time = |value: &Value| value.as_str().and_then(|text| parse_time(text).ok());
    expected == found || (name == "event_time" && time(expected).is_some() && time(expected) == time(found))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod units;
