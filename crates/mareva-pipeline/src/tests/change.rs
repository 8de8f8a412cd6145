//! Rules that change between two slices.

use mareva_model::DetectionChange;
use mareva_monitoring::{Bounds, Monitor, RuleText};

use super::*;
use crate::alerts::AlertConfig;
use crate::reach::Reach;

/// A rule that raises an alert on payments of more than `over`.
fn rules(over: u32) -> Arc<Ruleset> {
    rules_with(over, "")
}

fn rules_with(over: u32, more: &str) -> Arc<Ruleset> {
    let toml = format!(
        "id = \"large\"\nversion = {over}\ntitle = \"t\"\nseverity = \"low\"\nraises = \"alert\"\nsubject_role = \"suspect\"\n\
         targets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\ntypology = \"T\"\nsources = [\"s\"]\n{more}"
    );
    let sql = format!(
        "SELECT row_id, account AS subject, event_time, COUNT(*) OVER w AS seen FROM movements WINDOW w AS (PARTITION BY \
         account ORDER BY event_time RANGE BETWEEN INTERVAL '{over}' HOUR PRECEDING AND CURRENT ROW) \
         QUALIFY direction = 'in' AND amount_ref > {over} AND seen > 1"
    );
    Arc::new(Ruleset::load(&[RuleText { folder: "large".to_owned(), toml, sql }]).unwrap())
}

fn pay(number: u32) -> [String; 1] {
    [payment(&format!(r#""tx_id":"C{number}""#), "MRVADEFF", INNOCENT, "2026-01-05T10:00:00Z")]
}

fn found(output: &Output) -> Vec<(u32, String)> {
    output.changes.iter().map(|change| (change.detection().rule.version, change.detection().row_id.clone())).collect()
}

#[test]
fn other_rules_take_force_between_two_slices_and_a_snapshot_holds_them() {
    let mut run = Run::new();
    run.pipeline = Pipeline::new(parts().with_rules(rules(200))).unwrap();
    assert_eq!(found(&run.slice(BANK, &pay(1))), []);
    let before = run.pipeline.epoch();
    let mut change = run.pipeline.begin(rules(50));
    // What comes meanwhile is judged by the rules in force, and is missing on the new timelines.
    assert_eq!(found(&run.slice(BANK, &pay(2))), []);
    change.run().unwrap();
    assert_eq!(run.pipeline.missing(&change), 1);
    assert_eq!(run.pipeline.hand_over(&mut change), 1);
    change.run().unwrap();
    assert_eq!(change.epoch(), parts().with_rules(rules(50)).epoch());
    run.pipeline.adopt(change).unwrap();
    assert_ne!(run.pipeline.epoch(), before);
    let early =
        InputSlice { records: Vec::new(), seq: 3, tick: APPENDED, end: false, joined: Vec::new(), epoch: before };
    assert!(matches!(run.pipeline.process(&early), Err(Error::Epoch { .. })));
    let output = run.slice(BANK, &pay(3));
    assert_eq!(found(&output), [(50, "MRVADEFF:C3/in".to_owned())], "warm: it has seen the others");
    assert_eq!(output.alerts[0].epoch, run.pipeline.epoch());
    assert_eq!(output.changes[0].detection().columns["seen"], 3);

    // Whatever rules the process is started with, those of the snapshot are in force, with the slice they came with.
    let mut bytes = Vec::new();
    run.pipeline.write_snapshot(&mut bytes).unwrap();
    for other in [rules(200), rules(50), rules(7)] {
        let restored = Pipeline::restore(parts().with_rules(other), &mut bytes.as_slice()).unwrap();
        assert_eq!(restored.epoch(), run.pipeline.epoch());
        let tenures = restored.monitor().tenures();
        assert_eq!(tenures, run.pipeline.monitor().tenures());
        let shown: Vec<_> =
            tenures.iter().map(|one| (one.rule.version, one.since_slice, one.from, one.until)).collect();
        assert_eq!(shown, [(200, 0, 0, Some(2)), (50, 3, 2, None)]);
        let mut again = Vec::new();
        restored.write_snapshot(&mut again).unwrap();
        assert!(again == bytes, "the state is the same");
    }
    // Nothing else may differ.
    let mut others = parts();
    others.accounts_digest = digest(b"others");
    assert!(matches!(Pipeline::restore(others, &mut bytes.as_slice()), Err(Error::Epoch { .. })));
}

#[test]
fn a_rule_in_shadow_is_reported_and_in_no_alert_until_it_is_live() {
    let mut run = Run::new();
    run.pipeline = Pipeline::new(parts().with_rules(rules_with(50, "shadow = true\n"))).unwrap();
    assert_eq!(run.pipeline.monitor().reach_ms(), 0, "alerts look back on nothing for it");
    run.slice(BANK, &pay(1));
    let output = run.slice(BANK, &pay(2));
    assert_eq!(found(&output), []);
    assert!(output.alerts.is_empty(), "{:?}", output.alerts);
    let shown = |output: &Output| -> Vec<(String, bool)> {
        let each = output.shadow.iter().map(|change| (change, change.detection()));
        each.map(|(change, found)| (found.row_id.clone(), matches!(change, DetectionChange::Raised(_)))).collect()
    };
    // Rows of one millisecond see each other.
    let both = |raised| [("MRVADEFF:C1/in".to_owned(), raised), ("MRVADEFF:C2/in".to_owned(), raised)];
    assert_eq!(shown(&output), both(true));
    // It takes force as any other rule does, warm, and what it found before stays in shadow.
    let mut change = run.pipeline.begin(rules(50));
    change.run().unwrap();
    run.pipeline.adopt(change).unwrap();
    let output = run.slice(BANK, &pay(3));
    assert_eq!(found(&output), [(50, "MRVADEFF:C3/in".to_owned())]);
    assert_eq!(output.changes[0].detection().columns["seen"], 3);
    assert_eq!(shown(&output), both(false), "revised, and still only tried");
    let alerted: Vec<&str> = output
        .alerts
        .iter()
        .flat_map(|alert| &alert.evidence.rules)
        .flat_map(|rule| &rule.detections)
        .map(|detection| detection.row_id.as_str())
        .collect();
    assert_eq!(alerted, ["MRVADEFF:C3/in"]);
}

#[test]
fn alerts_look_back_as_far_as_the_windows_of_former_rules_while_they_may_rest_on_them() {
    let hour = 3_600_000;
    let config =
        PipelineConfig { alerts: AlertConfig { reach_ms: 0, ..fixture::config() }, ..(*parts().config).clone() };
    let bounds = Bounds { allowed_lateness_ms: config.allowed_lateness_ms, lookback_ms: 0, max_rows: 1_000 };
    let mut monitor = Monitor::new(&rules(90), Arc::new(Accounts::new(&[])), bounds, None).unwrap();
    let mut reach = Reach::of(&monitor, &config);
    assert_eq!(reach.at(None, &config), 90 * hour);
    let mut run = Run::new();
    let accepted = run.slice(BANK, &pay(1)).accepted;
    let time = accepted[0].event_time().value(0);
    monitor.accept(&accepted[0], Some(time), i64::MAX).unwrap();
    for over in [1, 2] {
        let backfill = monitor.begin(&rules(over));
        monitor.adopt(backfill, 2).unwrap();
        reach.change(&monitor, &config);
        assert_eq!(reach.at(Some(time), &config), 90 * hour, "its rows are not settled");
    }
    // Long after, but for alerts of those days.
    let day = config.alerts.episode_ms;
    let later = accepted[0].clone();
    monitor.accept(&later, Some(time + day), i64::MAX).unwrap();
    let backfill = monitor.begin(&rules(3));
    monitor.adopt(backfill, 3).unwrap();
    reach.change(&monitor, &config);
    assert_eq!(reach.at(Some(time + day), &config), 90 * hour, "an alert of that day may still be open");
    assert_eq!(reach.at(Some(time + 2 * day + config.allowed_lateness_ms), &config), 90 * hour);
    assert_eq!(reach.at(Some(time + 2 * day + config.allowed_lateness_ms + 1), &config), 3 * hour);
}
