//! `mareva rules explain` tells what a rule becomes and, with `--alert`, the rows that made an alert, found again in the tables of the
//! run that raised it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mareva_model::alert::{Alert, AlertStatus};
use mareva_tests::stream::Simulated;
use mareva_tests::{mareva, mareva_ok, ndjson, root, rules};
use serde_json::Value;
use tempfile::TempDir;

/// Alerts explained of each run: every one reads the tables.
const ALERTS: usize = 8;

/// A small economy, what rules of several forms say of it, and its tables.
struct Raised {
    place: TempDir,
    simulated: Simulated,
    /// Standing alerts, by id.
    alerts: BTreeMap<String, Alert>,
}

impl Raised {
    fn new(seed: u64) -> Self {
        let place = TempDir::new().unwrap();
        let simulated = Simulated::new(&place.path().join("sim"), seed, 3_000);
        rules::write_forms(&place.path().join("rules"));
        let mut raised = Self { place, simulated, alerts: BTreeMap::new() };
        let (bank, exchange) = (raised.simulated.file("bank.ndjson"), raised.simulated.file("exchange.ndjson"));
        let [out, rules, tables] = ["alerts", "rules", "tables"].map(|name| raised.at(name));
        let args =
            ["replay", "--bank", &bank, "--exchange", &exchange, "--out", &out, "--tables", &tables, "--rules", &rules];
        mareva_ok(args.map(str::to_owned).into_iter().chain(raised.simulated.tables()));
        for line in ndjson(Path::new(&out)) {
            let alert = Alert::from_json(line.to_string().as_bytes()).unwrap();
            // The last revision stands.
            raised.alerts.insert(alert.alert_id.clone(), alert);
        }
        raised.alerts.retain(|_, alert| alert.status == AlertStatus::Open && !alert.evidence.rules.is_empty());
        raised
    }

    fn at(&self, name: &str) -> String {
        self.place.path().join(name).display().to_string()
    }

    fn explain(&self, id: &str, more: &[&str]) -> std::process::Output {
        let (alert, tables) = (format!("{}:{id}", self.at("alerts")), self.at("tables"));
        let args = ["rules", "explain", "--alert", &alert, "--data", &tables];
        mareva(args.iter().chain(more).map(|text| (*text).to_owned()).chain(self.simulated.tables()))
    }

    fn explained(&self, id: &str) -> Value {
        let output = self.explain(id, &["--json", "--rules", &self.at("rules")]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Hundredths of a decimal in JSON.
fn hundredths(value: &Value) -> i64 {
    value.as_str().unwrap().replace('.', "").parse().unwrap()
}

/// That the rows told are those which the columns of the detection count.
fn counts(detection: &Value) {
    let columns = &detection["columns"];
    // Count and sum are of the same rows.
    let [window] = detection["windows"].as_array().unwrap().as_slice() else { panic!("not one window: {detection}") };
    let rows = window["rows"].as_array().unwrap();
    let told = (rows.len() as u64, window["omitted"].as_u64());
    assert_eq!(told, (columns["payments"].as_u64().unwrap(), Some(0)), "{detection}");
    let sent: i64 = rows.iter().map(|row| hundredths(&row["amount_ref"])).sum();
    assert_eq!(sent, hundredths(&columns["sent"]), "{detection}");
    // A hopping window is told by its last row, and begins when it says.
    let last = rows.last().unwrap();
    assert_eq!(last["row_id"], detection["row_id"].as_str().unwrap().split('@').next().unwrap());
    assert_eq!(last["event_time"], detection["event_time"]);
    if let Some(start) = columns["window_start"].as_str() {
        let time = |text: &str| mareva_model::parse_time(text).unwrap();
        let start = time(start);
        let mut times = rows.iter().map(|row| time(row["event_time"].as_str().unwrap()));
        assert!(times.all(|time| (start..start + 6 * 3_600_000).contains(&time)), "{detection}");
    }
}

#[test]
fn an_alert_is_explained_by_the_rows_that_its_detections_count() {
    let raised = Raised::new(4_101);
    let names = |alert: &Alert, id: &str| alert.evidence.rules.iter().any(|rule| rule.rule.id == id);
    let whole = raised.alerts.values().filter(|alert| names(alert, "signs") && names(alert, "in-hours"));
    let (mut told, mut hops): (BTreeMap<String, u64>, BTreeMap<String, BTreeSet<u64>>) = Default::default();
    for alert in whole.take(ALERTS) {
        let explained = raised.explained(&alert.alert_id);
        assert_eq!(
            (&explained["subject"], &explained["revision"]),
            (&alert.subject.clone().into(), &alert.revision.into())
        );
        let rules = explained["rules"].as_array().unwrap();
        assert_eq!(rules.len(), alert.evidence.rules.len());
        for (rule, evidence) in rules.iter().zip(&alert.evidence.rules) {
            assert_eq!((&rule["rule"], &rule["notice"]), (&evidence.rule.id.clone().into(), &Value::Null));
            let detections = rule["detections"].as_array().unwrap();
            let ids: Vec<&str> = detections.iter().map(|one| one["row_id"].as_str().unwrap()).collect();
            assert!(ids.iter().eq(evidence.detections.iter().map(|one| &one.row_id)), "{ids:?}");
            *told.entry(evidence.rule.id.clone()).or_default() += ids.len() as u64;
            for one in detections {
                assert_eq!((&one["found"], &one["agrees"]), (&true.into(), &true.into()), "{one}");
                assert_eq!(one["recomputed"], one["columns"], "{one}");
                if evidence.rule.id == "signs" {
                    let signals = one["windows"][0]["rows"].as_array().unwrap();
                    assert!(signals.iter().any(|row| row["row_id"] == one["row_id"]), "{one}");
                    continue;
                }
                counts(one);
                if let Some((row, _)) = one["row_id"].as_str().unwrap().split_once('@') {
                    hops.entry(row.to_owned()).or_default().insert(one["columns"]["payments"].as_u64().unwrap());
                }
            }
        }
    }
    assert_eq!(told.len(), 4, "every form is told: {told:?}");
    assert!(hops.values().any(|counts| counts.len() > 1), "one row ends windows with different rows: {hops:?}");
}

#[test]
fn what_cannot_be_explained_is_said() {
    let raised = Raised::new(4_102);
    let id = raised.alerts.keys().next().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let own = text(&raised.explain(id, &["--rules", &raised.at("rules")]).stdout);
    assert!(own.contains(&format!("alert {id} revision ")) && own.contains(" of account "), "{own}");
    // The shipped rules are not those that raised it.
    let others = text(&raised.explain(id, &[]).stdout);
    let part = "the rule is not among those loaded; name them with --rules";
    assert!(others.contains(part) && !own.contains(part), "{others}");
    assert!(!others.contains("the row is not in the data"), "nobody has looked for it:\n{others}");
    // Other data holds none of its rows.
    let other = Simulated::new(&raised.place.path().join("other"), 4_103, 500);
    let alert = format!("{}:{id}", raised.at("alerts"));
    let rules = raised.at("rules");
    let args = ["rules", "explain", "--alert", &alert, "--rules", &rules, "--data", &other.file("bank.ndjson")];
    let output = mareva(args);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("the row is not in the data"));
    assert!(text(&output.stderr).contains("no row of the alert is in the data"), "{}", text(&output.stderr));
    let unknown = raised.explain("0000", &[]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("holds no alert 0000"), "{}", text(&unknown.stderr));
}

#[test]
fn rows_that_do_not_make_the_numbers_are_no_explanation() {
    let raised = Raised::new(4_104);
    let of_rule = |alert: &Alert| alert.evidence.rules.iter().find(|rule| rule.rule.id == "in-a-day").cloned();
    let mut several = raised.alerts.values().filter_map(|alert| Some((alert, of_rule(alert)?.detections)));
    let (alert, detections) = several.find(|(_, detections)| detections.len() > 1).unwrap();
    let rules = raised.at("rules");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let told = |output: &std::process::Output, parts: &[&str]| {
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let all = text(&output.stdout) + &text(&output.stderr);
        parts.iter().for_each(|part| assert!(all.contains(part), "`{part}` is not in:\n{all}"));
    };
    // One record is missing: the detections over it come to other numbers.
    let row = &detections[0].row_id;
    let id = row.split('/').next().unwrap().rsplit(':').next().unwrap();
    let bank = std::fs::read_to_string(raised.simulated.file("bank.ndjson")).unwrap();
    let of_others: Vec<&str> = bank.lines().filter(|line| !line.contains(id)).collect();
    assert_eq!(of_others.len() + 1, bank.lines().count(), "{row}");
    let less = raised.at("less.ndjson");
    std::fs::write(&less, of_others.join("\n")).unwrap();
    let place = format!("{}:{}", raised.at("alerts"), alert.alert_id);
    let (bank, exchange) = (less.as_str(), raised.simulated.file("exchange.ndjson"));
    let args = ["rules", "explain", "--alert", &place, "--rules", &rules, "--data", bank, &exchange];
    let output = mareva(args.map(str::to_owned).into_iter().chain(raised.simulated.tables()));
    let parts = ["the row is not in the data", "payments ", "of the alert do not come of this data and these rules"];
    told(&output, &parts);
    // The text has changed under its version.
    let sql = std::path::Path::new(&rules).join("in-a-day/rule.sql");
    let before = std::fs::read_to_string(&sql).unwrap();
    std::fs::write(&sql, before.replace("SUM(amount_ref)", "MAX(amount_ref)")).unwrap();
    let output = raised.explain(&alert.alert_id, &["--rules", &rules]);
    told(&output, &["differs: over this data the rule, as it is loaded, gives subject ", "do not come of this data"]);
    std::fs::write(&sql, before.replace("payments >= 2", "payments >= 2000")).unwrap();
    let output = raised.explain(&alert.alert_id, &["--rules", &rules]);
    told(&output, &["differs: over this data the rule, as it is loaded, does not fire here"]);
}

#[test]
fn what_where_says_is_told_once_not_of_each_window() {
    let place = TempDir::new().unwrap();
    rules::write_forms(place.path());
    let output = mareva_ok(["rules", "explain", "in-a-day", "--rules", &place.path().display().to_string()]);
    let told = String::from_utf8(output.stdout).unwrap();
    let lines = |what: &str| told.lines().filter(|line| line.trim_start().starts_with(what)).count();
    let found = ["judges and counts rows where", "judges a row where", "counts where", "fires where"].map(lines);
    assert_eq!(found, [2, 0, 0, 1], "{told}");
}

#[test]
fn without_names_each_rule_is_told_in_a_line() {
    let all = String::from_utf8(mareva_ok(["rules", "explain"]).stdout).unwrap();
    let rules =
        std::fs::read_dir(root().join("rules")).unwrap().filter(|one| one.as_ref().unwrap().path().is_dir()).count();
    // What the figures are stands above them, and their heads.
    assert_eq!(all.lines().skip(3).take_while(|line| line.contains(" (")).count(), rules, "{all}");
    assert!(all.lines().all(|line| line.chars().count() <= 120), "{all}");
    let one = String::from_utf8(mareva_ok(["rules", "explain", "fan-in-smurfing"]).stdout).unwrap();
    let cost = |what: &str| -> (String, String) {
        let line = one.lines().find(|line| line.trim_start().starts_with(what)).expect(what);
        let mut numbers = line.split_whitespace().rev().map(str::to_owned);
        (numbers.next().unwrap(), numbers.next().unwrap())
    };
    let told = all.lines().find(|line| line.starts_with("fan-in-smurfing ")).unwrap();
    for what in [
        "aggregates a row touches",
        "conditions a row is tested by",
        "timelines a row",
        "bytes for each row",
        "bytes for each key",
    ] {
        let (added, alone) = cost(what);
        assert!(told.contains(&format!(" {added} ({alone})")), "{what}: {told}");
    }
}
