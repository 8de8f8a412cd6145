//! What a back-test is given is what its figures are of: nothing twice, nothing that is no data, and labels that fit.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::fs::{self, File};
use std::process::{Command, Output, Stdio};

use mareva_tests::binary;
use mareva_tests::small::{Small, iban, payment};
use serde_json::Value;

const OUT: &str = "SELECT row_id, account AS subject, event_time FROM movements WHERE direction = 'out'";

/// Three payments, replayed.
fn small() -> Small {
    let small =
        Small::new(&[("s", "alert", OUT)], &[0, 1, 2].map(|at| payment(&at.to_string(), i64::from(at), 1 + at, 9)));
    small.replay();
    small
}

/// That a run ended so and said these.
#[track_caller]
fn ends(output: &Output, exit: i32, parts: &[&str]) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{told}");
    for part in parts {
        assert!(told.contains(part), "does not say `{part}`: {told}");
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn what_is_given_twice_is_refused() {
    let small = small();
    fs::hard_link(small.path("bank.ndjson"), small.path("hard.ndjson")).unwrap();
    fs::copy(small.path("tables/transactions.parquet"), small.path("copy.parquet")).unwrap();
    fs::create_dir(small.path("empty")).unwrap();
    small.write("empty/exchange.ndjson", "\n");
    let (twice, once) = ("is given twice; name each file once", "rows of transactions that ");
    let cases: [(&[&str], &str); 5] = [
        (&["tables", "tables/movements.parquet"], twice),
        (&["bank.ndjson", "hard.ndjson"], twice),
        (&["bank.ndjson", "tables"], once),
        (&["tables", "copy.parquet"], once),
        (&["empty"], "holds no transactions and no movements"),
    ];
    for (data, told) in cases {
        ends(&small.backtest(data, &[]), 2, &[told]);
    }
    ends(&small.backtest(&["bank.ndjson", "tables"], &[]), 2, &["the records: holds 3 rows of transactions that "]);
    // An exchange without trade stops nothing.
    let report = json(&small.backtest(&["bank.ndjson", "empty"], &["--json"]));
    assert_eq!(report["data"]["transactions"], 3);
}

#[test]
fn what_is_no_data_is_no_report_of_zeros() {
    let small = small();
    let bank = fs::read_to_string(small.path("bank.ndjson")).unwrap();
    let binary: Vec<u8> = (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(small.path("random.ndjson"), binary).unwrap();
    small.write("page.html", "<!DOCTYPE html>\n<html>\n<p>text</p>\n</html>\n");
    small.write("array.json", &format!("[{}]\n", bank.trim_end().replace('\n', ",\n")));
    let pretty: Value = serde_json::from_str(bank.lines().next().unwrap()).unwrap();
    small.write("pretty.json", &serde_json::to_string_pretty(&pretty).unwrap());
    for name in ["random.ndjson", "page.html", "array.json", "pretty.json"] {
        let output = small.backtest(&[name], &[]);
        ends(&output, 2, &[&format!("{name}: holds n")]);
        assert!(output.stdout.is_empty());
    }
    // Of another stream, and no record at all.
    let strange = "{\"type\":\"deposit\",\"tx_id\":\"1\"}\n<html>\n";
    small.write("mixed.ndjson", &(bank.clone() + strange));
    let output = small.backtest(&["mixed.ndjson"], &[]);
    let words = "dead letters: malformed 1, invalid_field 1; the first is ";
    ends(&output, 0, &["2 of 5 records are not seen by any rule", words]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains(words) && shown.contains("mixed.ndjson:4 ("), "{shown}");
    let ahead = bank.replace("2026-03-02", "2126-03-02");
    small.write("ahead.ndjson", &ahead);
    let output = small.backtest(&["ahead.ndjson"], &[]);
    ends(&output, 1, &["none of 3 records was accepted", "time_ahead 3; the first is ", "ahead.ndjson:1 (time_ahead)"]);
    assert!(output.stdout.is_empty());
}

/// A replay takes the file as well, and counts the line.
#[test]
fn a_first_line_that_is_too_long_hides_no_records() {
    let small = small();
    let records = fs::read_to_string(small.path("bank.ndjson")).unwrap();
    small.write("long.ndjson", &format!("{}\n{records}", "x".repeat(3 << 20)));
    let report = json(&small.backtest(&["long.ndjson"], &["--json"]));
    assert_eq!((&report["data"]["transactions"], &report["data"]["records"]["dead_lettered"]), (&3.into(), &1.into()));
    small.write("garbage.ndjson", &format!("{}\n{}{records}", "x".repeat(3 << 20), "garbage\n".repeat(400_000)));
    ends(&small.backtest(&["garbage.ndjson"], &[]), 2, &["neither a table in Parquet nor a record of a stream"]);
}

/// What is only tried is no detection of rules in force, and is there all the same.
#[test]
fn a_page_tells_of_rules_in_shadow() {
    let small = Small::new(&[("s", "alert", OUT)], &[payment("0", 0, 1, 9)]);
    let rule = fs::read_to_string(small.path("rules/s/rule.toml")).unwrap();
    small.write("rules/s/rule.toml", &format!("shadow = true\n{rule}"));
    small.replay();
    let page = small.path("page.html");
    ends(&small.backtest(&["tables"], &["--out", page.to_str().unwrap()]), 0, &[]);
    let page = fs::read_to_string(page).unwrap();
    for part in ["Back-test of 1 rule<", "<b>1</b><span>detections in shadow", "Detections a day, all rules in shadow"]
    {
        assert!(page.contains(part), "no `{part}`");
    }
}

#[test]
fn movements_of_other_transactions_are_refused() {
    let other = Small::new(&[("s", "alert", OUT)], &[payment("7", 0, 1, 9)]);
    other.replay();
    let small = small();
    fs::copy(other.path("tables/movements.parquet"), small.path("others.parquet")).unwrap();
    let told =
        ["others.parquet: holds the movements of transactions that are not among the data; name the transactions"];
    ends(&small.backtest(&["tables/transactions.parquet", "others.parquet"], &[]), 2, &told);
    ends(&small.backtest(&["tables", "others.parquet"], &[]), 2, &told);
    // Rules over movements alone need no more.
    ends(&small.backtest(&["others.parquet"], &[]), 0, &[]);
}

#[test]
fn a_pipe_is_refused() {
    let small = small();
    let mut command = Command::new(binary());
    command.args(["rules", "backtest", "--rules", &small.at("rules"), "--data", "/dev/stdin"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    ends(&output, 2, &["/dev/stdin: is a pipe or a device; write it into a file first"]);
    // A file is one by this name, too.
    let bank = File::open(small.path("bank.ndjson")).unwrap();
    let output = command.stdin(bank).output().unwrap();
    ends(&output, 0, &[]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("3 transactions"));
}

#[test]
fn labels_that_fit_nothing_are_told() {
    let small = small();
    let page = small.at("page.html");
    small.write("none.csv", "account,label\nacct:ABCDDEFF/1,mule\nacct:ABCDDEFF/2,victim\n");
    let labels = small.at("none.csv");
    let output = small.backtest(&["tables"], &["--labels", &labels, "--out", &page]);
    ends(&output, 0, &["no labelled account moves money in this data"]);
    let missing = small.backtest(&["tables"], &["--labels", "nowhere.csv"]);
    ends(&missing, 2, &["refused, 1 fault:", "nowhere.csv: cannot be read"]);
    let words = "2 accounts labelled as criminal or victim, 0 of them moved money: 0 criminals and 0 victims; by label: \
                 mule 1 (criminal), victim 1 (victim)";
    assert!(String::from_utf8_lossy(&output.stdout).contains(words));
    assert!(fs::read_to_string(&page).unwrap().contains(words));
    small.write("some.csv", &format!("account,label\n{},mule\nacct:ABCDDEFF/2,unknown\n", iban(1)));
    let labels = small.at("some.csv");
    let output = small.backtest(&["tables"], &["--json", "--labels", &labels]);
    let labels = &json(&output)["labels"];
    assert_eq!(
        (&labels["labelled"], &labels["criminals"], &labels["words"]["unknown"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert!(output.stderr.is_empty());
}

#[test]
fn a_table_that_is_damaged_or_missing_gives_no_figures() {
    let transactions = OUT
        .replace("account AS", "originator AS")
        .replace("movements WHERE direction = 'out'", "transactions WHERE originator IS NOT NULL");
    let rules = [("m", "alert", OUT), ("t", "signal", transactions.as_str())];
    let small = Small::new(&rules, &[0, 1].map(|at| payment(&at.to_string(), i64::from(at), 1 + at, 9)));
    small.replay();
    small.write("labels.csv", &format!("account,label\n{},mule\n", iban(1)));
    let labels = small.at("labels.csv");
    let notice = "t reads transactions, which the data does not hold; give transactions.parquet, too, with --data";
    let report = json(&small.backtest(&["tables/movements.parquet"], &["--json", "--labels", &labels]));
    let lacks: Vec<&Value> = report["rules"].as_array().unwrap().iter().map(|rule| &rule["lacks_table"]).collect();
    assert_eq!(
        (lacks, &report["notices"]),
        (vec![&Value::from(false), &Value::from(true)], &serde_json::json!([notice]))
    );
    assert!(report["rules"][1]["score"].is_null() && report["rules"][0]["score"]["named"] == 2, "{report}");
    let shown = small.backtest(&["tables/movements.parquet"], &["--labels", &labels]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("LACKS TABLE") && shown.contains(notice) && shown.contains("all alerts together"),
        "{shown}"
    );
    let both = json(&small.backtest(&["tables"], &["--json", "--labels", &labels]));
    assert!(both["notices"] == serde_json::json!([]) && both["rules"][1]["detections"] == 2, "{both}");
    let file = small.path("tables/movements.parquet");
    let mut bytes = fs::read(&file).unwrap();
    bytes[100] ^= 4;
    fs::write(&file, bytes).unwrap();
    ends(&small.backtest(&["tables"], &[]), 2, &["tables/movements.parquet: is damaged"]);
}

#[test]
fn without_a_rule_that_alerts_nothing_is_said_of_alerts() {
    let small = Small::new(&[("s", "signal", OUT)], &[payment("0", 0, 1, 9)]);
    small.replay();
    small.write("labels.csv", &format!("account,label\n{},mule\n", iban(1)));
    let (labels, page) = (small.at("labels.csv"), small.at("page.html"));
    let output = small.backtest(&["tables"], &["--labels", &labels, "--out", &page]);
    ends(&output, 0, &[]);
    let page = fs::read_to_string(&page).unwrap();
    for text in [&*String::from_utf8_lossy(&output.stdout), &page] {
        assert!(text.contains("labelled as criminal") && !text.contains("all alerts together"), "{text}");
    }
    assert!(!page.contains("precision of alerts"));
}

#[test]
fn accounts_of_another_run_are_told() {
    let small = small();
    assert!(small.path("tables/accounts.parquet").exists());
    let other = format!("{{\"account\":\"{}\",\"role\":\"payroll\"}}\n", iban(9));
    small.write("others.ndjson", &other);
    let told = |arguments: &[&str]| json(&small.backtest(&["tables"], arguments))["notices"].to_string();
    let notice = "are not those of accounts.parquet";
    assert!(!told(&["--json"]).contains(notice));
    assert!(told(&["--json", "--accounts", small.path("others.ndjson").to_str().unwrap()]).contains(notice));
}
