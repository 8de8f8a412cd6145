//! What the topics of a run must be, checked before anything is fenced or written.
use std::collections::BTreeMap;

use mareva_model::{Fault, Refusal};

use crate::{
    admin::describe_topics,
    batch_queue::BatchQueue,
    config::{RunConfig, Topics},
    error::Error,
    startup,
};

/// A setting that topics of a kind must have.
struct Wanted {
    key: &'static str,
    fits: fn(&str) -> bool,
    remedy: &'static str,
}

const SEQUENCE: [Wanted; 3] = [
    Wanted {
        key: "cleanup.policy",
        fits: |value| !value.split(',').any(|policy| policy.trim() == "compact"),
        remedy: "set it to `delete`: recovery reads records that compaction removes",
    },
    Wanted {
        key: "retention.ms",
        fits: |value| value == "-1",
        remedy: "set it to -1: recovery reads the topic from its beginning",
    },
    Wanted {
        key: "retention.bytes",
        fits: |value| value == "-1",
        remedy: "set it to -1: recovery reads the topic from its beginning",
    },
];

const INPUT: [Wanted; 1] = [Wanted {
    key: "message.timestamp.type",
    fits: |value| value == "LogAppendTime",
    remedy: "set it to `LogAppendTime`: latency, and which times lie in the future, go by the broker's clock",
}];

/// Refuses to start when a topic is missing or set in a way that would lose what recovery needs, naming every fault.
pub(crate) fn check_topics(queue: &BatchQueue, config: &RunConfig) -> Result<(), Error> {
    let topics = &config.topics;
    let mut faults = Vec::new();
    let mut there = Vec::new();
    for topic in topics.inputs.iter().map(String::as_str).chain(topics.outputs()) {
        let count = startup::partition_count(queue.client(), topic, config.connect)?;
        if count == 0 {
            faults.push(missing(topic, config.connection.brokers()));
            continue;
        }
        if topic == topics.sequence && count != 1 {
            let reason = format!("it has {count} partitions");
            faults.push(Fault::new(place(topic), reason, "make it anew with one: it is one log, in one order"));
        }
        there.push(topic);
    }
    faults.extend(settings_faults(topics, &settings(config, &there)));
    Ok(Refusal(faults).into_result()?)
}

fn place(topic: &str) -> String {
    format!("topic {topic}")
}

/// A topic that is not there.
pub(crate) fn missing(topic: &str, brokers: &str) -> Fault {
    let reason = format!("it does not exist on {brokers}");
    Fault::new(place(topic), reason, "create it, or correct `[input]` and `[output]` in the config")
}

/// The settings of topics, as far as the broker tells them: what cannot be read is not checked.
fn settings(config: &RunConfig, topics: &[&str]) -> BTreeMap<String, BTreeMap<String, String>> {
    if topics.is_empty() || !config.check_settings {
        return BTreeMap::new();
    }
    match describe_topics(&config.connection, topics, config.connect) {
        Ok(settings) => {
            for (topic, _) in settings.iter().filter(|(_, settings)| settings.is_empty()) {
                tracing::warn!(topic, "may not read the settings of a topic, going on without a check of them");
            }
            settings
        }
        Err(error) => {
            tracing::warn!(%error, "going on without a check of the topics' settings");
            BTreeMap::new()
        }
    }
}

fn settings_faults(topics: &Topics, settings: &BTreeMap<String, BTreeMap<String, String>>) -> Vec<Fault> {
    let inputs = topics.inputs.iter().map(|topic| (topic, &INPUT[..]));
    let mut faults = Vec::new();
    for (topic, wanted) in inputs.chain([(&topics.sequence, &SEQUENCE[..])]) {
        for Wanted { key, fits, remedy } in wanted {
            if let Some(value) = settings.get(topic).and_then(|settings| settings.get(*key))
                && !fits(value)
            {
                faults.push(Fault::new(place(topic), format!("`{key}` is `{value}`"), *remedy));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests;
