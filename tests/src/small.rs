//! A few payments and a few rules in a folder of their own: what replay and back-test say of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{mareva, mareva_ok, ndjson, rules};

/// Where payments begin: 2026-03-02T00:00:00Z, UTC milliseconds.
pub const START: i64 = 1_772_409_600_000;

/// The IBAN of our n-th account.
pub fn iban(account: u32) -> String {
    let bank = format!("90010001{account:010}");
    // The remainder of the number with `DE00` behind it, digit by digit.
    let rest = format!("{bank}131400").bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("DE{:02}{bank}", 98 - rest)
}

/// A payment between two of our accounts, so many seconds from the start on.
pub fn payment(id: &str, seconds: i64, from: u32, to: u32) -> Value {
    let party = |account: u32| json!({ "account": iban(account), "agent": "MRVADEFF" });
    json!({
        "type": "credit_transfer", "tx_id": id, "source": "MRVADEFF",
        "time": mareva_model::format_time(START + seconds * 1_000), "amount": "500.00", "currency": "EUR",
        "originator": party(from), "beneficiary": party(to),
    })
}

/// The folder, with `rules`, `bank.ndjson` and a config in it.
#[derive(Debug)]
pub struct Small {
    place: TempDir,
}

impl Small {
    /// Writes rules (their ids, what they raise, their SQL) and payments.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn new(of_rules: &[(&str, &str, &str)], payments: &[Value]) -> Self {
        let small = Self { place: TempDir::new().expect("a folder can be made") };
        for (id, raises, sql) in of_rules {
            rules::write(&small.path("rules"), id, raises, sql);
        }
        let lines: String = payments.iter().map(|payment| format!("{payment}\n")).collect();
        small.write("bank.ndjson", &lines);
        small.write("m.toml", "[institution]\nbics = [\"MRVADEFF\"]\n");
        small
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The same as text.
    pub fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes a file.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file can be written");
    }

    /// Adds lines to a rule's `rule.toml`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn add_to_rule(&self, id: &str, lines: &str) {
        let path = format!("rules/{id}/rule.toml");
        let text = std::fs::read_to_string(self.path(&path)).expect("the rule was written") + lines;
        self.write(&path, &text);
    }

    /// Replays the payments into `alerts`, `detections` and `tables`, and gives the summary.
    ///
    /// # Panics
    /// When the replay fails.
    pub fn replay(&self) -> Value {
        let [bank, config, rules] = ["bank.ndjson", "m.toml", "rules"].map(|name| self.at(name));
        let [out, detections, tables] = ["alerts", "detections", "tables"].map(|name| self.at(name));
        let args = ["replay", "--json", "--bank", &bank, "--config", &config, "--rules", &rules, "--out", &out];
        let output = mareva_ok(args.into_iter().chain(["--detections", &detections, "--tables", &tables]));
        serde_json::from_slice(&output.stdout).expect("a summary in JSON")
    }

    /// Back-tests the rules over data in the folder, with `found` for what they detect.
    pub fn backtest(&self, data: &[&str], more: &[&str]) -> Output {
        let [config, rules, found] = ["m.toml", "rules", "found"].map(|name| self.at(name));
        let data: Vec<String> = data.iter().map(|name| self.at(name)).collect();
        let args = ["rules", "backtest", "--config", &config, "--rules", &rules, "--detections", &found];
        let args = args.into_iter().chain(more.iter().copied()).chain(["--data"]);
        mareva(args.chain(data.iter().map(String::as_str)))
    }

    /// The report over the tables of [`Small::replay`].
    ///
    /// # Panics
    /// When it is none.
    pub fn report(&self) -> Value {
        let output = self.backtest(&["tables"], &["--json"]);
        let told = || String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", told()))
    }

    /// The lines of a file.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn lines(&self, name: &str) -> BTreeSet<String> {
        ndjson(Path::new(&self.path(name))).iter().map(Value::to_string).collect()
    }
}
