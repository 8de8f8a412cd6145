use super::*;

fn described(topics: &Topics, sequence: &[(&str, &str)], input: &[(&str, &str)]) -> Vec<String> {
    let own = |settings: &[(&str, &str)]| settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let mut settings: BTreeMap<_, _> = topics.inputs.iter().map(|topic| (topic.clone(), own(input))).collect();
    settings.insert(topics.sequence.clone(), own(sequence));
    settings_faults(topics, &settings).iter().map(ToString::to_string).collect()
}

#[test]
fn every_setting_that_would_lose_what_recovery_needs_is_named() {
    let topics = Topics { inputs: ["payments".to_owned()].into(), ..Topics::default() };
    let faults = described(
        &topics,
        &[("cleanup.policy", "compact,delete"), ("retention.ms", "604800000"), ("retention.bytes", "1073741824")],
        &[("message.timestamp.type", "CreateTime"), ("retention.ms", "604800000")],
    );
    let expected = [
        "topic payments: `message.timestamp.type` is `CreateTime`; set it to `LogAppendTime`: latency, and which times lie in \
         the future, go by the broker's clock",
        "topic mareva.sequence: `cleanup.policy` is `compact,delete`; set it to `delete`: recovery reads records that \
         compaction removes",
        "topic mareva.sequence: `retention.ms` is `604800000`; set it to -1: recovery reads the topic from its beginning",
        "topic mareva.sequence: `retention.bytes` is `1073741824`; set it to -1: recovery reads the topic from its beginning",
    ];
    assert_eq!(faults, expected);
}

#[test]
fn what_fits_and_what_is_not_told_is_let_through() {
    let topics = Topics::default();
    let sequence = [("cleanup.policy", "delete"), ("retention.ms", "-1"), ("retention.bytes", "-1")];
    assert!(described(&topics, &sequence, &[("message.timestamp.type", "LogAppendTime")]).is_empty());
    assert!(described(&topics, &[], &[]).is_empty(), "a principal that may not describe the topics can still run");
    assert!(settings_faults(&topics, &BTreeMap::new()).is_empty());
}
