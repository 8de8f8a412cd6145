//! What low time leaves behind within one slice, and rules that tell of a window when it has closed.

use mareva_model::DetectionChange;
use mareva_model::alert::Alert;
use mareva_monitoring::RuleText;

use super::*;

const HEAD: &str = "version = 1\ntitle = \"t\"\nseverity = \"low\"\nsubject_role = \"suspect\"\nreason_code = \"FRAD\"\n\
                    typology = \"T\"\nsources = [\"s\"]\n";
const HOLDS: &str = "raises = \"alert\"\ntargets = \"subject_account\"\naction = \"hold\"\n";
const SIGNALS: &str = "raises = \"signal\"\nweight = \"1.00\"\ntargets = \"none\"\naction = \"review\"\n";
/// Two payments received within an hour.
const WITHIN: &str = "SELECT row_id, account AS subject, event_time, SUM(amount_ref) OVER w AS received FROM movements \
                      WHERE direction = 'in' WINDOW w AS (PARTITION BY account ORDER BY event_time RANGE BETWEEN \
                      INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) QUALIFY received > 150";
/// A day in which just two were.
const TWO: &str = "SELECT LAST_VALUE(row_id ORDER BY event_time, row_id) AS row_id, account AS subject, \
                   MAX(event_time) AS event_time, COUNT(*) AS payments FROM movements WHERE direction = 'in' \
                   GROUP BY account, date_bin(INTERVAL '1' DAY, event_time) HAVING COUNT(*) = 2";
const OVER_SIGNALS: &str = "SELECT row_id, subject, event_time, COUNT(*) OVER w AS signs FROM signals WINDOW w AS (PARTITION \
                            BY subject ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) \
                            QUALIFY signs > 0";

fn rules(rules: &[(&str, &str, &str)]) -> Arc<Ruleset> {
    let text = |(id, keys, sql): &(&str, &str, &str)| RuleText {
        folder: (*id).to_owned(),
        toml: format!("id = \"{id}\"\n{HEAD}{keys}"),
        sql: (*sql).to_owned(),
    };
    Arc::new(Ruleset::load(&rules.iter().map(text).collect::<Vec<_>>()).unwrap())
}

fn close(keys: &str) -> String {
    format!("{keys}emit = \"close\"\n")
}

/// Payments at these times, which these slices bring, and all that comes of them.
fn outputs(rules: &Arc<Ruleset>, slices: &[&[&str]], at_end: bool) -> Vec<Output> {
    let mut run = Run::new();
    run.pipeline = Pipeline::new(parts().with_rules(rules.clone())).unwrap();
    let mut number = 0;
    let mut outputs: Vec<Output> = Vec::new();
    for times in slices {
        let pay = |time: &&str| {
            number += 1;
            payment(&format!(r#""tx_id":"C{number}""#), "MRVADEFF", INNOCENT, time)
        };
        outputs.push(run.slice(BANK, &times.iter().map(pay).collect::<Vec<_>>()));
    }
    if at_end {
        let (seq, epoch) = (run.pipeline.last_seq() + 1, run.pipeline.epoch());
        let last = InputSlice { records: Vec::new(), seq, tick: APPENDED, end: true, joined: Vec::new(), epoch };
        outputs.push(run.pipeline.process(&last).unwrap());
    }
    outputs
}

fn changes(outputs: &[Output]) -> Vec<Vec<(bool, String)>> {
    let told =
        |change: &DetectionChange| (matches!(change, DetectionChange::Raised(_)), change.detection().row_id.clone());
    outputs.iter().map(|output| output.changes.iter().map(told).collect()).collect()
}

fn last(outputs: &[Output]) -> Alert {
    outputs.iter().flat_map(|output| &output.alerts).next_back().cloned().unwrap()
}

#[test]
fn an_alert_rests_on_rows_that_the_same_slice_leaves_behind() {
    let rules = rules(&[("large", HOLDS, WITHIN)]);
    let (one, two, later) = ("2025-09-01T10:00:00Z", "2025-09-01T10:10:00Z", "2026-01-05T10:00:00Z");
    let apart = last(&outputs(&rules, &[&[one], &[two], &[later]], false));
    let together = last(&outputs(&rules, &[&[one], &[two, later]], false));
    assert_eq!(apart.targets, together.targets);
    assert!(!together.targets.is_empty());
}

#[test]
fn a_window_is_told_of_when_it_has_closed_and_then_for_good() {
    let (signals, holds) = (close(SIGNALS), close(HOLDS));
    let times: [&[&str]; 5] = [
        &["2026-01-03T10:00:00Z", "2026-01-03T12:00:00Z"],
        &["2026-01-04T10:00:00Z", "2026-01-04T11:00:00Z", "2026-01-04T12:00:00Z"],
        &["2026-01-05T00:04:59Z"],
        &["2026-01-05T00:05:00Z"],
        &["2026-01-05T10:00:00Z"],
    ];
    let of = |keys: &str| changes(&outputs(&rules(&[("two", keys, TWO)]), &times, true));
    let raised = |row: &str| (true, format!("MRVADEFF:{row}/in"));
    // The day of two closes with the first row five minutes into the next day; that of three never has two at its end.
    let expected = [vec![], vec![raised("C2")], vec![], vec![], vec![], vec![]];
    assert_eq!(of(&holds), expected);
    // As rows come it is told sooner, and taken back.
    assert_eq!(of(HOLDS)[0], [raised("C2")]);
    assert!(of(HOLDS)[1..].iter().flatten().any(|(raised, _)| !raised));
    // What other rules make of it comes with it, and its alert has amounts.
    let composed = rules(&[("two", &signals, TWO), ("three", HOLDS, OVER_SIGNALS)]);
    let found = outputs(&composed, &times, true);
    let rows: Vec<usize> = found.iter().map(|output| output.changes.len()).collect();
    assert_eq!(rows, [0, 2, 0, 0, 0, 0]);
    assert!(!last(&found).targets.is_empty());
}

#[test]
fn the_end_of_the_input_closes_no_window() {
    let rules = rules(&[("two", &close(HOLDS), TWO)]);
    let found = outputs(&rules, &[&["2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z"]], true);
    assert_eq!(changes(&found), [vec![], vec![]]);
    assert_eq!(found[1].settled[0].row_id, "MRVADEFF:C2/in", "as back-tests find it");
    assert!(found[1].alerts.is_empty());
}

#[test]
fn windows_over_signals_close_whatever_rules_raise_none() {
    let day = "SELECT LAST_VALUE(row_id ORDER BY event_time, row_id) AS row_id, subject, MAX(event_time) AS event_time, \
               COUNT(*) AS signs FROM signals GROUP BY subject, date_bin(INTERVAL '1' DAY, event_time) HAVING COUNT(*) > 0";
    let month = TWO.replace("date_bin(INTERVAL '1' DAY, event_time)", "date_trunc('month', event_time)");
    let rules = rules(&[("two", &close(SIGNALS), TWO), ("day", &close(HOLDS), day), ("month", &close(HOLDS), &month)]);
    // A signal of a day comes when that has closed: so a day of signals closes a day later, with the first row five minutes into it.
    let times: [&[&str]; 4] = [
        &["2026-01-01T10:00:00Z", "2026-01-01T12:00:00Z"],
        &["2026-01-02T00:05:00Z"],
        &["2026-01-03T00:04:59Z"],
        &["2026-01-03T00:05:00Z"],
    ];
    let raised = |row: &str| vec![(true, row.to_owned())];
    let expected = [vec![], raised("MRVADEFF:C2/in"), vec![], raised("two:MRVADEFF:C2/in")];
    assert_eq!(changes(&outputs(&rules, &times, false)), expected);
}
