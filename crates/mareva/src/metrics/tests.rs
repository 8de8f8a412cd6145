use std::collections::BTreeSet;

use mareva_kafka::TopicPartition;
use mareva_model::{DeadLetter, DetectionChange, Reason, SourcePosition};
use mareva_pipeline::InputRecord;

use super::register::CLASSES_MS;
use super::*;
use crate::challenge::tests::{found, rules};

fn record(topic: &Arc<str>, offset: i64) -> InputRecord {
    InputRecord { topic: topic.clone(), partition: 0, offset, append_time: 0, payload: b"12345".to_vec().into() }
}

fn judged(metrics: &Metrics) {
    let topic: Arc<str> = "bank.transactions".into();
    let slice = InputSlice {
        seq: 1,
        records: vec![record(&topic, 0), record(&topic, 1)],
        tick: 0,
        end: false,
        joined: Vec::new(),
        epoch: mareva_model::digest(b"epoch"),
    };
    let position = SourcePosition { topic: topic.to_string(), partition: 0, offset: 0, index: 0 };
    let letter = DeadLetter::new(position, Reason::Malformed, "not JSON", b"12345");
    metrics.judged(&slice, &Output { dead_letters: vec![letter], ..Output::default() });
}

fn stats() -> Stats {
    let mut stats = Stats { low_time: Some(1_500), snapshots: 1, ..Stats::default() };
    stats.counts = Counts { accepted: 5, repeated: 2, late: 1, dead_lettered: 3, namesakes: 4, ..Counts::default() };
    stats.lag = vec![(TopicPartition { topic: "bank.transactions".into(), partition: 3 }, 17)];
    stats.figures.last_commit = Some(1_250);
    stats.figures.log_gaps = 1;
    stats.append_to_alert.record(4);
    stats.append_to_alert.record(40_000);
    stats
}

#[test]
fn what_rules_in_shadow_find_is_counted_by_itself() {
    let metrics = Metrics::new("1.2.3").unwrap();
    metrics.expect_tried(["new"]);
    let rules = rules();
    let (tried, told) = (found(&rules[0], "a", 1), found(&rules[1], "a", 1));
    let slice = InputSlice {
        seq: 1,
        records: Vec::new(),
        tick: 0,
        end: false,
        joined: Vec::new(),
        epoch: mareva_model::digest(b"epoch"),
    };
    let output = Output {
        changes: vec![DetectionChange::Raised(told)],
        shadow: vec![DetectionChange::Raised(tried.clone()), DetectionChange::Revised(tried)],
        ..Output::default()
    };
    metrics.judged(&slice, &output);
    let text = metrics.render().unwrap();
    for line in [
        "mareva_detections_total{change=\"raised\",rule=\"old\"} 1",
        "mareva_shadow_detections_total{change=\"raised\",rule=\"new\"} 1",
        "mareva_shadow_detections_total{change=\"revised\",rule=\"new\"} 1",
        "mareva_shadow_detections_total{change=\"withdrawn\",rule=\"new\"} 0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("mareva_detections_total{change=\"raised\",rule=\"new\"}"));
}

#[test]
fn totals_are_brought_up_and_never_counted_twice() {
    let metrics = Metrics::new("1.2.3").unwrap();
    judged(&metrics);
    metrics.stats(&stats());
    metrics.stats(&stats());
    metrics.sizes(&Sizes { rows: 11, over_budget: true, ..Sizes::default() }, 10);
    let text = metrics.render().unwrap();
    for line in [
        "mareva_build_info{version=\"1.2.3\"} 1",
        "mareva_records_total{topic=\"bank.transactions\"} 2",
        "mareva_record_bytes_total{topic=\"bank.transactions\"} 10",
        "mareva_dead_letters_total{reason=\"malformed\"} 1",
        "mareva_transactions_total{outcome=\"accepted\"} 5",
        "mareva_transactions_total{outcome=\"dead_lettered\"} 3",
        "mareva_transactions_under_another_id_total 4",
        "mareva_consumer_lag_records{partition=\"3\",topic=\"bank.transactions\"} 17",
        "mareva_low_time_seconds 1.5",
        "mareva_gaps_accepted_total{of=\"log\"} 1",
        "mareva_last_commit_time_seconds 1.25",
        "mareva_snapshots_total{result=\"published\"} 1",
        "mareva_append_to_alert_seconds_bucket{le=\"0.003\"} 0",
        "mareva_append_to_alert_seconds_bucket{le=\"0.005\"} 1",
        "mareva_append_to_alert_seconds_bucket{le=\"30\"} 1",
        "mareva_append_to_alert_seconds_bucket{le=\"+Inf\"} 2",
        "mareva_append_to_alert_seconds_sum 40.004",
        "mareva_append_to_alert_seconds_count 2",
        "mareva_retained_rows 11",
        "mareva_retained_budget_rows 10",
        "mareva_retained_over_budget 1",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
    }
}

#[test]
fn classes_are_those_of_the_histogram() {
    for (class, bound) in CLASSES_MS.into_iter().enumerate() {
        for (millis, expected) in [(bound, class), (bound + 1, class + 1)] {
            let mut histogram = mareva_kafka::Histogram::default();
            histogram.record(millis);
            assert_eq!(histogram.counts[expected], 1, "{millis} ms is in another class");
        }
    }
}

#[test]
fn every_name_begins_with_mareva_and_none_is_registered_twice() {
    let metrics = Metrics::new("1").unwrap();
    let text = metrics.render().unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(names.iter().all(|name| name.starts_with("mareva_")));
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
}

#[test]
fn totals_of_all_that_is_known_begin_at_0() {
    let metrics = Metrics::new("1").unwrap();
    metrics.expect(["bank.transactions"], ["collector"]);
    metrics.expect_hits("mules");
    let text = metrics.render().unwrap();
    for series in [
        "mareva_records_total{topic=\"bank.transactions\"}",
        "mareva_record_bytes_total{topic=\"bank.transactions\"}",
        "mareva_transactions_total{outcome=\"late\"}",
        "mareva_dead_letters_total{reason=\"forbidden\"}",
        "mareva_hits_total{by=\"name\",list=\"mules\"}",
        "mareva_detections_total{change=\"withdrawn\",rule=\"collector\"}",
        "mareva_alerts_total{action=\"hold\",regime=\"fraud\",status=\"open\"}",
        "mareva_alerts_total{action=\"block\",regime=\"sanctions\",status=\"basis_withdrawn\"}",
        "mareva_alerts_opened_total{regime=\"sanctions\"}",
        "mareva_messages_committed_total{kind=\"alert\"}",
        "mareva_snapshots_total{result=\"failed\"}",
        "mareva_commit_doubts_total",
    ] {
        assert!(text.lines().any(|line| line == format!("{series} 0")), "{series} is not 0 in\n{text}");
    }
}
