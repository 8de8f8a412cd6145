//! Topics of a bench on a running Apache Kafka, named so that no two runs meet.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use mareva_codec::Stream;
use mareva_kafka::Topics;
use mareva_pipeline::{Parts, PipelineConfig};

use crate::BANK;

/// A name that no other run has: milliseconds of the clock.
pub fn run_name() -> String {
    wall_clock().to_string()
}

/// UTC milliseconds.
pub fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// An input topic of a run.
pub fn input(run: &str, stream: &str) -> String {
    format!("bench-{run}-{stream}")
}

/// Output topics of a run; its inputs are to be set.
pub fn outputs(run: &str) -> Topics {
    let name = |topic: &str| format!("bench-{run}-{topic}");
    Topics {
        alerts: name("alerts"),
        dead_letters: name("deadletters"),
        late: name("late"),
        sequence: name("sequence"),
        ..Topics::default()
    }
}

/// The parts, reading the input topics of a run.
pub fn reading(mut parts: Parts, topics: &Topics) -> Parts {
    let streams = topics.inputs.iter().map(|topic| (topic.clone(), stream_of(topic))).collect();
    parts.config = Arc::new(PipelineConfig { streams, ..PipelineConfig::clone(&parts.config) });
    parts
}

/// The stream behind an input topic of a run.
pub fn stream_of(topic: &str) -> Stream {
    if topic.ends_with(BANK) { Stream::Bank } else { Stream::Exchange }
}
