//! Apache Kafka: through it and out again, once each; and what a wrong set-up says.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::{sync::atomic::AtomicBool, time::Duration};

use mareva_kafka::{Connection, Error, SnapshotConfig, TopicSpec, create_topics, run};
use mareva_tests::{
    counting::{Counting, Filling, Outcome, config, topics},
    kafka_broker::KafkaBroker,
};

#[test]
fn through_apache_kafka() {
    let broker = KafkaBroker::start();
    all_comes_out_once(&broker);
    a_large_slice_of_alerts_fits(&broker);
    aborted_input_is_not_judged(&broker);
    new_partitions_are_read(&broker);
    wrong_set_ups_say_what_to_do(&broker);
}

fn all_comes_out_once(broker: &KafkaBroker) {
    let connection = broker.connection();
    let topics = topics("trip");
    broker.make(&topics, 4);
    let filling = Filling { accounts: 300, malformed: 97 };
    filling.write(&connection, &topics, 0..60_000, 0);
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&connection, &topics);
    config.until_end = true;
    config.snapshots = Some(SnapshotConfig::in_folder(folder.path()));
    let summary = run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    let (alerts, dead_letters) = filling.expected(0..60_000);
    Outcome::read(&connection, &topics).check(&alerts, dead_letters);
    let stats = &summary.stats;
    assert_eq!((stats.records, stats.alerts, stats.dead_letters), (60_000, alerts.len() as u64, dead_letters));
    assert_eq!(stats.counts.accepted + stats.counts.dead_lettered, 60_000);
    assert_eq!((stats.snapshots, stats.figures.doubts), (1, 0));
    println!(
        "transactions {}, commit p50 {:?} p99 {:?} ms",
        stats.figures.transactions,
        stats.commit.quantile(0.5),
        stats.commit.quantile(0.99)
    );

    // Nothing new: nothing is written. Something new: it goes on from the snapshot.
    let before = Outcome::read(&connection, &topics).sequence.len();
    run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!(Outcome::read(&connection, &topics).sequence.len(), before);
    filling.write(&connection, &topics, 60_000..90_000, 0);
    let summary = run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!((summary.stats.records, summary.stats.figures.replayed), (30_000, 0));
    let (alerts, dead_letters) = filling.expected(0..90_000);
    Outcome::read(&connection, &topics).check(&alerts, dead_letters);

    // Without the snapshots all recorded slices are judged again, and nothing of it is published; with little room too,
    // where partitions that run ahead must wait for those that the next slice needs.
    config.snapshots = None;
    config.limits.buffer_records = 1_000;
    config.limits.linger = Duration::from_millis(1);
    let summary = run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!((summary.stats.records, summary.stats.alerts), (0, 0));
    assert!(summary.stats.figures.replayed >= 90_000 / 4_096);
    assert!(
        summary.stats.figures.paused > 0 && summary.stats.figures.skipped_offsets == 0,
        "{:?}",
        summary.stats.figures
    );
    Outcome::read(&connection, &topics).check(&alerts, dead_letters);
}

/// One slice whose digests need several sequence records.
fn a_large_slice_of_alerts_fits(broker: &KafkaBroker) {
    let connection = broker.connection();
    let topics = topics("large");
    broker.make(&topics, 1);
    let filling = Filling { accounts: 1, malformed: 0 };
    filling.write(&connection, &topics, 0..400_000, 0);
    let mut config = config(&connection, &topics);
    config.until_end = true;
    config.limits.slice_records = 400_000;
    config.limits.slice_bytes = 1 << 30;
    config.limits.buffer_records = 800_000;
    config.limits.linger = Duration::from_secs(3);
    run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    let (alerts, _) = filling.expected(0..400_000);
    assert_eq!(alerts.len(), 20_000);
    let outcome = Outcome::read(&connection, &topics);
    assert!(outcome.sequence.iter().any(|record| record.part));
    let seen: std::collections::BTreeSet<_> = outcome.alerts.iter().cloned().collect();
    assert_eq!((outcome.alerts.len(), seen), (20_000, alerts));
    config.limits.linger = Duration::from_millis(5);
    let summary = run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!((summary.stats.alerts, summary.stats.records), (0, 0), "the parts were put together again");
}

/// Input written in transactions: control records leave gaps between offsets, aborted records are never seen, and the
/// topic ends with a control record.
fn aborted_input_is_not_judged(broker: &KafkaBroker) {
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
    let connection = broker.connection();
    let topics = topics("control");
    broker.make(&topics, 1);
    let mut client = rdkafka::ClientConfig::new();
    client.set("bootstrap.servers", connection.brokers()).set("transactional.id", "upstream");
    let producer: BaseProducer = client.create().unwrap();
    let patience = Duration::from_secs(30);
    producer.init_transactions(patience).unwrap();
    for batch in 0..10 {
        producer.begin_transaction().unwrap();
        for _ in 0..20 {
            for input in &topics.inputs {
                producer.send(BaseRecord::to(input).key("k").payload("account 7")).unwrap();
            }
        }
        producer.flush(patience).unwrap();
        match batch % 3 {
            1 => producer.abort_transaction(patience).unwrap(),
            _ => producer.commit_transaction(patience).unwrap(),
        }
    }
    let mut config = config(&connection, &topics);
    config.until_end = true;
    let summary = run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!((summary.stats.records, summary.stats.alerts), (7 * 40, 7 * 2));
    assert!(summary.stats.figures.skipped_offsets > 0);
    let summary = run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!((summary.stats.records, summary.stats.alerts), (0, 0));
    let outcome = Outcome::read(&connection, &topics);
    assert_eq!(outcome.alerts.len(), 14);
}

fn new_partitions_are_read(broker: &KafkaBroker) {
    let connection = broker.connection();
    let topics = topics("grow");
    broker.make(&topics, 1);
    let mut config = config(&connection, &topics);
    config.discover_every = Duration::from_millis(200);
    let stop = AtomicBool::new(false);
    let filling = Filling { accounts: 50, malformed: 0 };
    std::thread::scope(|scope| {
        let run = scope.spawn(|| run(&config, Counting::open, &stop, &mut |_| {}));
        filling.write(&connection, &topics, 0..5_000, 0);
        for input in &topics.inputs {
            grow(&connection, input, 3);
        }
        std::thread::sleep(Duration::from_secs(2));
        // Accounts move to other partitions now: their order is the topic's no longer, so only what is read counts.
        filling.write(&connection, &topics, 5_000..10_000, 0);
        std::thread::sleep(Duration::from_secs(3));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let summary = run.join().unwrap().unwrap();
        assert_eq!(summary.stats.records, 10_000);
        assert_eq!(summary.positions.len(), 6);
    });
}

fn grow(connection: &Connection, topic: &str, partitions: usize) {
    use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", connection.brokers());
    let admin: AdminClient<_> = config.create().unwrap();
    let more = [NewPartitions::new(topic, partitions)];
    futures::executor::block_on(admin.create_partitions(&more, &AdminOptions::new())).unwrap();
}

fn wrong_set_ups_say_what_to_do(broker: &KafkaBroker) {
    let try_run = |config: &mareva_kafka::RunConfig| {
        run(config, Counting::open, &AtomicBool::new(false), &mut |_| {}).expect_err("it cannot run")
    };
    let mut nobody = config(&Connection::to("127.0.0.1:9"), &topics("mistakes"));
    nobody.connect = Duration::from_secs(1);
    let error = try_run(&nobody);
    assert!(error.is_retryable());
    let text = error.to_string();
    assert!(text.starts_with("cannot reach broker 127.0.0.1:9 after 1 s (") && text.contains("refused"), "{text}");

    let connection = broker.connection();
    let topics = topics("mistakes");
    create_topics(&connection, &[TopicSpec::new(&topics.alerts, 1)], Duration::from_secs(10)).unwrap();
    let faults = || match try_run(&config(&connection, &topics)) {
        Error::Refused(refusal) => refusal.0.into_iter().map(|fault| format!("{}: {}", fault.place, fault.reason)),
        error => panic!("{error}"),
    };
    let missing = |name: &str| format!("topic mistakes.{name}: it does not exist on {}", connection.brokers());
    let expected = ["bank", "exchange", "deadletters", "late", "sequence"].map(missing);
    assert_eq!(faults().collect::<Vec<_>>(), expected);

    // One still missing, the others made as no run can use them.
    let wrong = [
        TopicSpec::new("mistakes.bank", 1),
        TopicSpec::input("mistakes.exchange", 2),
        TopicSpec::new(&topics.dead_letters, 1),
        TopicSpec::new(&topics.sequence, 3).with("cleanup.policy", "compact,delete"),
    ];
    create_topics(&connection, &wrong, Duration::from_secs(10)).unwrap();
    let expected = [
        missing("late"),
        "topic mistakes.sequence: it has 3 partitions".to_owned(),
        "topic mistakes.bank: `message.timestamp.type` is `CreateTime`".to_owned(),
        "topic mistakes.sequence: `cleanup.policy` is `compact,delete`".to_owned(),
        "topic mistakes.sequence: `retention.ms` is `604800000`".to_owned(),
    ];
    assert_eq!(faults().collect::<Vec<_>>(), expected);

    let mut property = connection.clone();
    property.properties.insert("fetch.wait.max.millis".to_owned(), "5".to_owned());
    let text = try_run(&config(&property, &topics)).to_string();
    assert!(text.starts_with("kafka property `fetch.wait.max.millis` = `5` is refused"), "{text}");
    let mut secret = connection;
    secret.properties.insert("sasl.password.file".to_owned(), "/nowhere/password".to_owned());
    let text = try_run(&config(&secret, &topics)).to_string();
    assert!(text.starts_with("cannot read the secret for `sasl.password` from /nowhere/password"), "{text}");
}
