//! `mareva rules backtest` says what `mareva replay` says over the same data, and its report can be read.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use mareva_tests::stream::Simulated;
use mareva_tests::{mareva, mareva_ok, ndjson, rules, stream};
use serde_json::Value;
use tempfile::TempDir;

/// Small, because stock DataFusion is built without optimisation here. The rarer rules would fire in larger economies only:
/// the records that fire each rule in its folder are mixed in.
const TRANSACTIONS: u64 = 12_000;

/// An economy with the evidence of all rules in it, its tables, and what `replay` detects.
struct Replayed {
    place: TempDir,
    simulated: Simulated,
}

impl Replayed {
    fn new(seed: u64) -> Self {
        let place = TempDir::new().unwrap();
        let simulated = Simulated::new(&place.path().join("sim"), seed, TRANSACTIONS);
        let evidence = rules::evidence(0);
        let files = [("bank", evidence.bank), ("exchange", evidence.exchange), ("accounts", evidence.accounts)];
        for (name, lines) in files {
            let path = simulated.folder.join(format!("{name}.ndjson"));
            let mut records = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
            records.extend(lines);
            if name != "accounts" {
                // A stream comes in order; what is late is another matter.
                records.sort_by_key(|line| time_of(line));
            }
            let mut file = File::create(&path).unwrap();
            records.iter().for_each(|line| writeln!(file, "{line}").unwrap());
        }
        let replayed = Self { place, simulated };
        let [out, detections, tables] = ["alerts", "replayed.ndjson", "tables"].map(|name| replayed.at(name));
        let (bank, exchange) = (replayed.simulated.file("bank.ndjson"), replayed.simulated.file("exchange.ndjson"));
        let mut args = strings(&["replay", "--bank", &bank, "--exchange", &exchange, "--out", &out]);
        args.extend(strings(&["--detections", &detections, "--tables", &tables]));
        args.extend(replayed.simulated.tables());
        mareva_ok(args);
        replayed
    }

    fn at(&self, name: &str) -> String {
        self.place.path().join(name).display().to_string()
    }

    /// Runs a back-test and gives its report.
    fn backtest(&self, data: &[&str], more: &[&str]) -> Value {
        let mut args = strings(&["rules", "backtest", "--json", "--data"]);
        args.extend(strings(data));
        args.extend(strings(more));
        args.extend(self.simulated.tables());
        serde_json::from_slice(&mareva_ok(args).stdout).unwrap()
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn time_of(line: &str) -> String {
    if line.starts_with('<') {
        return mareva_model::format_time(stream::time_of(line));
    }
    let record: Value = serde_json::from_str(line).unwrap();
    // Of a token transfer it is a text or seconds since 1970.
    match (&record["time"], &record["block_timestamp"]) {
        (Value::String(time), _) | (_, Value::String(time)) => time.clone(),
        (_, seconds) => mareva_model::format_time(seconds.as_i64().unwrap() * 1000),
    }
}

fn detections(path: impl AsRef<Path>) -> BTreeSet<String> {
    ndjson(path.as_ref()).iter().map(Value::to_string).collect()
}

#[test]
fn a_back_test_detects_what_replay_detects() {
    let replayed = Replayed::new(4_001);
    let expected = detections(replayed.at("replayed.ndjson"));
    let rules: BTreeSet<String> =
        ndjson(&PathBuf::from(replayed.at("replayed.ndjson"))).iter().map(|d| d["rule"].to_string()).collect();
    assert_eq!(rules.len(), rules::texts().len(), "the comparison says something only for rules that fire");
    let found = replayed.at("found.ndjson");
    let (tables, transactions) = (replayed.at("tables"), replayed.at("tables/transactions.parquet"));
    let (bank, exchange) = (replayed.simulated.file("bank.ndjson"), replayed.simulated.file("exchange.ndjson"));
    // Tables, transactions alone (movements are made of them), and records.
    let cases: [&[&str]; 3] = [&[&tables], &[&transactions], &[&bank, &exchange]];
    for data in cases {
        let report = replayed.backtest(data, &["--detections", &found]);
        assert_eq!(detections(&found), expected, "{data:?}");
        let of_rules = report["rules"].as_array().unwrap().iter().map(|rule| rule["detections"].as_u64().unwrap());
        assert_eq!(of_rules.sum::<u64>(), expected.len() as u64, "{data:?}");
        let of_days = report["days"].as_array().unwrap().iter().map(|day| day["detections"].as_u64().unwrap());
        assert_eq!(of_days.sum::<u64>(), expected.len() as u64, "{data:?}");
        fs::remove_file(&found).unwrap();
    }
}

#[test]
fn a_rule_whose_windows_share_no_key_is_run_over_the_whole_table() {
    let replayed = Replayed::new(4_002);
    let rules = replayed.place.path().join("rules");
    let folder = rules.join("shared-device");
    fs::create_dir_all(&folder).unwrap();
    let pack = mareva_tests::root().join("rules/shared-device");
    let toml = fs::read_to_string(pack.join("rule.toml")).unwrap();
    fs::write(folder.join("rule.toml"), toml).unwrap();
    let sql = "SELECT row_id, account AS subject, event_time, COUNT(DISTINCT account) OVER d AS accounts, \
               COUNT(*) OVER a AS movements FROM movements WHERE device IS NOT NULL \
               WINDOW d AS (PARTITION BY device ORDER BY event_time RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW), \
               a AS (PARTITION BY account ORDER BY event_time RANGE BETWEEN INTERVAL '7' DAY PRECEDING AND CURRENT ROW) \
               QUALIFY amount_ref >= $min_payment AND accounts >= $min_customers AND movements >= 2";
    fs::write(folder.join("rule.sql"), sql).unwrap();
    let rules = rules.display().to_string();
    let [out, expected, found] = ["out", "expected.ndjson", "found.ndjson"].map(|name| replayed.at(name));
    let (bank, exchange) = (replayed.simulated.file("bank.ndjson"), replayed.simulated.file("exchange.ndjson"));
    let mut args = strings(&["replay", "--bank", &bank, "--exchange", &exchange, "--out", &out, "--rules", &rules]);
    args.extend(strings(&["--detections", &expected]));
    args.extend(replayed.simulated.tables());
    mareva_ok(args);
    replayed.backtest(&[&replayed.at("tables")], &["--rules", &rules, "--detections", &found]);
    let expected = detections(expected);
    assert!(!expected.is_empty());
    assert_eq!(detections(found), expected);
}

/// The rules of the pack, and one of them again with another parameter, in shadow.
fn pack_with_a_challenger(place: &Path) -> String {
    let rules = place.join("rules");
    for text in rules::texts() {
        let folder = rules.join(&text.folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("rule.toml"), &text.toml).unwrap();
        fs::write(folder.join("rule.sql"), &text.sql).unwrap();
        if text.folder == "structuring" {
            let folder = rules.join("structuring-2");
            fs::create_dir_all(&folder).unwrap();
            let other = "id = \"structuring-2\"\nshadow = true\nchallenger_of = \"structuring\"";
            let toml = text.toml.replace("id = \"structuring\"", other);
            let toml = toml.replace("[parameters.min_parts]\nvalue = 3", "[parameters.min_parts]\nvalue = 2");
            assert!(toml.contains("value = 2"));
            fs::write(folder.join("rule.toml"), toml).unwrap();
            fs::write(folder.join("rule.sql"), &text.sql).unwrap();
        }
    }
    rules.display().to_string()
}

/// What no rule in shadow may change of alerts: all but the name of what was in force.
fn without_epoch(path: &str) -> Vec<Value> {
    let mut alerts = ndjson(Path::new(path));
    alerts.iter_mut().for_each(|alert| _ = alert.as_object_mut().unwrap().remove("epoch"));
    alerts
}

#[test]
fn a_challenger_is_held_against_its_champion_and_changes_no_alert() {
    let replayed = Replayed::new(4_004);
    let rules = pack_with_a_challenger(replayed.place.path());
    let [out, found, page] = ["alerts-2", "found.ndjson", "page.html"].map(|name| replayed.at(name));
    let (bank, exchange) = (replayed.simulated.file("bank.ndjson"), replayed.simulated.file("exchange.ndjson"));
    let mut args = strings(&["replay", "--json", "--bank", &bank, "--exchange", &exchange, "--out", &out]);
    args.extend(strings(&["--rules", &rules, "--detections", &found]));
    args.extend(replayed.simulated.tables());
    let summary: Value = serde_json::from_slice(&mareva_ok(args).stdout).unwrap();
    assert_eq!(without_epoch(&out), without_epoch(&replayed.at("alerts")));

    let all = ndjson(Path::new(&found));
    assert!(all.iter().all(|line| line["shadow"].as_bool().unwrap_or_default() == (line["rule"] == "structuring-2")));
    let rows = |rule: &str| -> BTreeSet<(String, String)> {
        let of_rule = all.iter().filter(|line| line["rule"] == rule);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        of_rule.map(|line| (text(&line["event_time"])[..10].to_owned(), text(&line["row_id"]))).collect()
    };
    let (new, old) = (rows("structuring-2"), rows("structuring"));
    let of_days = |rows: Vec<&(String, String)>| {
        let mut days = BTreeMap::<String, u64>::new();
        rows.iter().for_each(|(day, _)| *days.entry(day.clone()).or_default() += 1);
        days
    };
    let sets = [
        ("same", of_days(new.intersection(&old).collect())),
        ("extra", of_days(new.difference(&old).collect())),
        ("missing", of_days(old.difference(&new).collect())),
    ];
    assert!(!sets[0].1.is_empty() && !sets[1].1.is_empty() && sets[2].1.is_empty(), "{sets:?}");
    let report = replayed.backtest(&[&replayed.at("tables")], &["--rules", &rules, "--out", &page]);
    assert_eq!(report["challengers"], summary["challengers"]);
    let [challenge] = &summary["challengers"].as_array().unwrap()[..] else { panic!("{summary}") };
    assert_eq!((&challenge["rule"], &challenge["champion"]), (&"structuring-2".into(), &"structuring".into()));
    for (which, days) in &sets {
        assert_eq!(challenge[which], days.values().sum::<u64>(), "{which}");
        for (day, of_day) in challenge["days"].as_object().unwrap() {
            assert_eq!(of_day[which], days.get(day).copied().unwrap_or(0), "{which} on {day}");
        }
    }
    let figures = report["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "structuring-2").unwrap();
    assert_eq!((&figures["shadow"], &figures["alerts"]), (&true.into(), &0.into()));
    assert!(fs::read_to_string(page).unwrap().contains("<h2>structuring-2 against structuring</h2>"));
}

#[test]
fn rules_that_fire_on_one_row_overlap_whatever_their_form() {
    let place = TempDir::new().unwrap();
    let at = |name: &str| place.path().join(name).display().to_string();
    let simulated = Simulated::new(&place.path().join("sim"), 4_004, 3_000);
    rules::write_forms(&place.path().join("rules"));
    let (bank, exchange) = (simulated.file("bank.ndjson"), simulated.file("exchange.ndjson"));
    let mut args = strings(&["rules", "backtest", "--json", "--rules", &at("rules"), "--data", &bank, &exchange]);
    args.extend(strings(&["--detections", &at("found.ndjson")]));
    args.extend(simulated.tables());
    let report: Value = serde_json::from_slice(&mareva_ok(args).stdout).unwrap();
    let mut fired: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for detection in ndjson(place.path().join("found.ndjson").as_path()) {
        let text = |name: &str| detection[name].as_str().unwrap().to_owned();
        let row = text("row_id");
        // Simulated ids have none of these signs.
        let row =
            row.split_once(':').filter(|(first, _)| *first == "in-hours-signal").map_or(row.as_str(), |(_, row)| row);
        fired.entry(text("rule")).or_default().insert(row.split('@').next().unwrap().to_owned());
    }
    let pairs = report["overlap"].as_array().unwrap();
    assert_eq!((fired.len(), pairs.len()), (4, 6), "every rule fires, and on accounts that others name");
    for pair in pairs {
        let [one, other] = [0, 1].map(|at| &fired[pair["rules"][at].as_str().unwrap()]);
        let both = one.intersection(other).count() as u64;
        assert!(both > 0 && pair["rows"] == both, "{both} rows fire both: {pair}");
    }
}

#[test]
fn the_report_holds_curves_scores_and_a_page_that_needs_nothing_else() {
    let replayed = Replayed::new(4_003);
    let (labels, page) = (replayed.simulated.file("labels.ndjson"), replayed.at("report.html"));
    let sweep = ["--sweep", "structuring.min_parts=2,3,4", "--sweep", "mule-account.min_score=2.5,9.00,9.0"];
    let more = [&["--labels", &labels, "--out", &page][..], &sweep].concat();
    let report = replayed.backtest(&[&replayed.at("tables")], &more);
    let figures = |id: &str| {
        let rules = report["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["rule"] == id).unwrap_or_else(|| panic!("no {id}")).clone()
    };
    let sweeps = report["sweeps"].as_array().unwrap();
    assert_eq!(sweeps.len(), 2);
    let values: Vec<&Value> = sweeps[1]["points"].as_array().unwrap().iter().map(|point| &point["value"]).collect();
    assert_eq!(values, ["2.50", "9.00"], "a value that is written in two ways is one");
    for sweep in sweeps {
        let points = sweep["points"].as_array().unwrap();
        let detections: Vec<u64> = points.iter().map(|point| point["detections"].as_u64().unwrap()).collect();
        assert!(detections.is_sorted_by(|a, b| a >= b), "a higher threshold names no more: {detections:?}");
        // The value in force gives what the rule in force gives.
        let own = points.iter().find(|point| point["value"] == sweep["in_force"]).unwrap();
        assert_eq!(own["detections"], figures(sweep["rule"].as_str().unwrap())["detections"]);
        assert_eq!(own["score"], figures(sweep["rule"].as_str().unwrap())["score"]);
    }
    let score = &figures("mule-account")["score"];
    let (named, right, of) =
        (score["named"].as_f64().unwrap(), score["right"].as_f64().unwrap(), score["of"].as_f64().unwrap());
    assert!(named > 0.0 && right <= named && of > 0.0);
    assert!((score["precision"].as_f64().unwrap() - right / named).abs() < 1e-9);
    assert!((score["recall"].as_f64().unwrap() - right / of).abs() < 1e-9);
    let hundredths = |key: &str| score[key].as_str().unwrap().replace('.', "").parse::<u64>().unwrap();
    assert!(hundredths("value_caught") <= hundredths("value_of"));
    let html = fs::read_to_string(&page).unwrap();
    for part in [
        "<!DOCTYPE html>",
        "default-src 'none'",
        "<svg",
        "alerts of rules",
        "Subject-days of rules that raise alerts",
        "Overlap",
        "Threshold curves",
        "Against labels",
        "--sweep structuring.min_parts=2,3,4",
        "Parameters",
        "</html>",
    ] {
        assert!(html.contains(part), "the page has no {part}");
    }
    for never in ["<script", "http://", "https://", "url(", "@import", "src=", "href=", "NaN", "inf"] {
        assert!(!html.contains(never), "the page holds {never}");
    }
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
}

#[test]
fn what_is_wrong_is_told_all_at_once() {
    let place = TempDir::new().unwrap();
    let at = |name: &str| place.path().join(name).display().to_string();
    fs::write(at("no.ndjson"), "not a record\n").unwrap();
    fs::write(at("bank.ndjson.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
    fs::write(at("labels.csv"), "account,label\n,victim\n").unwrap();
    let args = [
        "rules",
        "backtest",
        "--data",
        &at("no.ndjson"),
        &at("bank.ndjson.gz"),
        &at("missing"),
        "--labels",
        &at("labels.csv"),
        "--out",
    ];
    let more = ["--sweep", "min_prts=2", "--sweep", "structuring.min_parts=x", "--sweep", "structurin.min_parts=2"];
    let output = mareva(args.into_iter().chain([at("none/report.html").as_str()]).chain(more).collect::<Vec<_>>());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    for part in [
        "no.ndjson: holds neither a table in Parquet nor a record of a stream",
        "bank.ndjson.gz: is compressed: unpack it first",
        "missing: ",
        "labels.csv:2: names no account",
        "report.html: cannot be written: its folder is not there",
        "--sweep min_prts=2: no rule has this parameter; perhaps you mean min_parts",
        "--sweep structuring.min_parts=x: is not a whole number",
        "--sweep structurin.min_parts=2: there is no such rule; perhaps you mean structuring",
    ] {
        assert!(told.contains(part), "does not say `{part}`:\n{told}");
    }
}
