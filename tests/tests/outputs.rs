//! No output of `mareva replay` and `mareva rules backtest` takes the place of anything that the run reads, by whatever name, and
//! a place that cannot be written is known before the run.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use mareva_tests::stream::Simulated;
use mareva_tests::{binary, rules};
use tempfile::TempDir;

const BACKTEST: &str = "rules backtest --config sim/mareva.toml --rules rules";
const REPLAY: &str = "replay --config sim/mareva.toml --rules rules --bank sim/bank.ndjson";

/// An economy in `sim`, its tables in `tables`, a rule in `rules` and another that a link leads to.
fn workplace() -> TempDir {
    let place = TempDir::new().unwrap();
    let at = |name: &str| place.path().join(name);
    Simulated::new(&at("sim"), 3, 500);
    let all = "SELECT row_id, account AS subject, event_time FROM movements WHERE amount_ref > 5000";
    rules::write(&at("rules"), "large", "alert", all);
    rules::write(&at("elsewhere"), "linked", "alert", all);
    symlink(at("elsewhere/linked"), at("rules/linked")).unwrap();
    let made = run(place.path(), &format!("{REPLAY} --exchange sim/exchange.ndjson --out alerts --tables tables"));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    symlink(at("tables"), at("link")).unwrap();
    fs::hard_link(at("tables/movements.parquet"), at("hard")).unwrap();
    place
}

fn run(place: &Path, line: &str) -> Output {
    let mut command = Command::new(binary());
    command.current_dir(place).args(line.split_whitespace()).stdin(Stdio::null()).output().unwrap()
}

fn files(folder: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
    for one in fs::read_dir(folder).unwrap() {
        let path = one.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
}

#[test]
fn an_output_that_is_read_is_refused_by_whatever_name() {
    let place = workplace();
    let mut before = BTreeMap::new();
    files(place.path(), &mut before);
    let of_config = ["sim/accounts.ndjson", "sim/mareva.toml", "sim/rates.csv", "sim/mules.csv"];
    let of_rules = ["rules/large/rule.sql", "elsewhere/linked/rule.toml", "rules/large/new.sql", "./rules/report.html"];
    let given = |command: &str, option: &str, outputs: &[&str]| -> Vec<String> {
        outputs.iter().map(|output| format!("{command} {option} {output}")).collect()
    };
    let backtest = format!("{BACKTEST} --data tables");
    let data = ["tables/movements.parquet", "link/movements.parquet", "hard", "tables/new.ndjson"];
    let labelled = format!("{backtest} --labels sim/labels.ndjson");
    let cases = [
        given(&backtest, "--out", &[&of_config[..], &of_rules, &data].concat()),
        given(&backtest, "--detections", &[&of_config[..], &of_rules, &data].concat()),
        given(&backtest, "--detections same.html --out", &["./same.html", "same.html"]),
        given(&labelled, "--out", &["sim/labels.ndjson"]),
        given(REPLAY, "--out", &[&of_config[..], &of_rules, &["sim/bank.ndjson", "rules/../sim/bank.ndjson"]].concat()),
        given(REPLAY, "--out new --late", &["sim/rates.csv", "elsewhere/linked/rule.sql"]),
    ];
    for line in cases.concat() {
        let output = run(place.path(), &line);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{line}: {told}");
        assert!(told.contains("is named for something else, too: "), "{line}: {told}");
    }
    let mut after = BTreeMap::new();
    files(place.path(), &mut after);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "something was written");
}

#[test]
fn a_place_that_cannot_be_written_is_known_at_once() {
    let place = workplace();
    for out in ["--out /proc/x.html", "--detections /proc/x.ndjson"] {
        let output = run(place.path(), &format!("{BACKTEST} --data tables {out}"));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("cannot write /proc/x.") && output.stdout.is_empty(), "{out}: {told}");
    }
    let mut command = Command::new(binary());
    command.current_dir(place.path()).env("TMPDIR", "/nonexistent").args(BACKTEST.split_whitespace());
    let output = command.args(["--data", "tables"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(1) && told.contains("temporary files into /nonexistent; set TMPDIR"),
        "{told}"
    );
}

#[test]
fn what_was_found_is_told_where_a_file_fails() {
    let place = workplace();
    let output = run(place.path(), &format!("{BACKTEST} --data tables --out /dev/full"));
    let (told, shown) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("/dev/full") && shown.contains("large ") && !shown.contains("written to"), "{told}{shown}");
}
