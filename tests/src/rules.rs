//! The shipped rules and their evidence.

use std::path::PathBuf;

use mareva_model::{format_time, parse_time};
use mareva_monitoring::RuleText;
use serde_json::Value;

fn folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(super::root().join("rules")).expect("rules/");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    folders.retain(|folder| folder.join("rule.toml").is_file());
    folders.sort();
    folders
}

fn read(folder: &std::path::Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{}/{name}: {e}", folder.display()))
}

fn id(folder: &std::path::Path) -> String {
    folder.file_name().and_then(|n| n.to_str()).expect("a plain name").to_owned()
}

/// Texts of every rule folder.
///
/// # Panics
/// When a rule folder cannot be read.
pub fn texts() -> Vec<RuleText> {
    let text = |folder: &PathBuf| RuleText {
        folder: id(folder),
        toml: read(folder, "rule.toml"),
        sql: read(folder, "rule.sql"),
    };
    folders().iter().map(text).collect()
}

/// What fires the shipped rules: lines of both streams and of the accounts table.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Of the bank stream.
    pub bank: Vec<String>,
    /// Of the exchange stream.
    pub exchange: Vec<String>,
    /// Of `accounts.ndjson`.
    pub accounts: Vec<String>,
}

/// The records that fire each rule, later by `shift_ms`, with ids of their own so that they can stand in one stream.
///
/// # Panics
/// When a rule folder cannot be read.
pub fn evidence(shift_ms: i64) -> Evidence {
    let mut evidence = Evidence::default();
    for folder in folders() {
        for line in read(&folder, "fires.ndjson").lines().filter(|line| !line.trim().is_empty()) {
            let mut line: Value = serde_json::from_str(line).expect("evidence is JSON");
            for name in ["time", "opened_at", "item_timestamp"] {
                let time = line[name].as_str().map(|text| parse_time(text).expect("a time"));
                if let Some(time) = time {
                    line[name] = format_time(time + shift_ms).into();
                }
            }
            if let Some(seconds) = line["block_timestamp"].as_i64() {
                line["block_timestamp"] = (seconds + shift_ms / 1_000).into();
            }
            for name in ["tx_id", "original_tx_id"] {
                if let Some(tx) = line[name].as_str() {
                    line[name] = format!("{}-{tx}", id(&folder)).into();
                }
            }
            let to = match line["type"].as_str() {
                Some("account") => {
                    // Only in evidence is it one of several kinds of lines.
                    line.as_object_mut().expect("a line is an object").remove("type");
                    &mut evidence.accounts
                }
                Some("deposit" | "withdrawal" | "trade" | "internal_transfer" | "token_transfer" | "transaction") => {
                    &mut evidence.exchange
                }
                _ => &mut evidence.bank,
            };
            to.push(line.to_string());
        }
    }
    evidence
}
