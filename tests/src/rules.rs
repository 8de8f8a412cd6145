//! The shipped rules and their evidence.

use std::path::{Path, PathBuf};

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

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{}/{name}: {e}", folder.display()))
}

fn id(folder: &Path) -> String {
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

/// Writes a rule of one's own, about suspects, into a folder of rules. `raises` is `alert` or `signal`.
///
/// # Panics
/// When the folder cannot be written.
pub fn write(rules: &Path, id: &str, raises: &str, sql: &str) {
    let folder = rules.join(id);
    let toml = format!(
        "id = \"{id}\"\nversion = 1\ntitle = \"Probe\"\nseverity = \"low\"\nraises = \"{raises}\"\nsubject_role = \"suspect\"\n\
         targets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\ntypology = \"T\"\nsources = [\"s\"]\n{}",
        if raises == "signal" { "weight = \"1.00\"\n" } else { "" }
    );
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    for (file, text) in [("rule.toml", toml.as_str()), ("rule.sql", sql)] {
        std::fs::write(folder.join(file), text).expect("a rule can be written");
    }
}

/// Rules of several forms that most accounts fire which pay now and then: over the payments of a day, over windows of six hours
/// that begin every two, and over signals of those.
///
/// # Panics
/// As [`write`].
pub fn write_forms(rules: &Path) {
    let by_window = "SELECT LAST_VALUE(row_id ORDER BY event_time, row_id) AS row_id, account AS subject, \
        MAX(event_time) AS event_time, hop(event_time, INTERVAL '2' HOUR, INTERVAL '6' HOUR) AS window_start, \
        COUNT(*) AS payments, SUM(amount_ref) AS sent FROM movements WHERE direction = 'out' AND amount_ref IS NOT NULL \
        GROUP BY account, hop(event_time, INTERVAL '2' HOUR, INTERVAL '6' HOUR) HAVING COUNT(*) >= 2";
    write(
        rules,
        "in-a-day",
        "alert",
        "SELECT row_id, account AS subject, event_time, COUNT(*) OVER w AS payments, \
        SUM(amount_ref) OVER w AS sent FROM movements WHERE direction = 'out' AND amount_ref IS NOT NULL \
        WINDOW w AS (PARTITION BY account ORDER BY event_time RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW) \
        QUALIFY payments >= 2",
    );
    write(rules, "in-hours", "alert", by_window);
    write(rules, "in-hours-signal", "signal", by_window);
    write(
        rules,
        "signs",
        "alert",
        "SELECT row_id, subject, event_time, COUNT(*) OVER w AS signs FROM signals \
        WINDOW w AS (PARTITION BY subject ORDER BY event_time RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW) \
        QUALIFY signs >= 2",
    );
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

/// A message that was made later by `shift_ms`.
fn message_later(message: &str, shift_ms: i64) -> String {
    let tag = "<CreDtTm>";
    let Some((before, (time, after))) =
        message.split_once(tag).and_then(|(before, rest)| Some((before, rest.split_once('<')?)))
    else {
        return message.to_owned();
    };
    let time = parse_time(time).expect("a time");
    format!("{before}{tag}{}<{after}", format_time(time + shift_ms))
}

/// The records that fire each rule, later by `shift_ms`, with ids of their own so that they can stand in one stream.
///
/// # Panics
/// When a rule folder cannot be read.
pub fn evidence(shift_ms: i64) -> Evidence {
    let mut evidence = Evidence::default();
    for folder in folders() {
        for line in read(&folder, "fires.ndjson").lines().filter(|line| !line.trim().is_empty()) {
            if line.starts_with('<') {
                evidence.bank.push(message_later(line, shift_ms));
                continue;
            }
            let mut line: Value = serde_json::from_str(line).expect("evidence is JSON");
            for name in ["time", "opened_at", "item_timestamp", "block_timestamp"] {
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
