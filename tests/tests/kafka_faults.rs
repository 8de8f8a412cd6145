//! A broker that dies, freezes, forgets; a second instance. Nothing is lost, nothing is published twice.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::{
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use mareva_kafka::{
    Connection, Error, RunConfig, RunSummary, SequenceRecord, SnapshotConfig, TopicSpec, Topics, create_topics, run,
};
use mareva_tests::{
    counting::{Counting, Filling, Outcome, config, producer, topics},
    kafka_broker::KafkaBroker,
};
use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    producer::{BaseProducer, BaseRecord, Producer as _},
};

const FILLING: Filling = Filling { accounts: 200, malformed: 0 };

#[test]
fn faults_of_the_broker() {
    let mut broker = KafkaBroker::start();
    a_second_instance_takes_over(&broker);
    one_that_wakes_up_takes_nothing_back(&broker);
    instances_under_two_ids_do_not_publish_twice(&broker);
    gone_input_is_a_fault(&broker);
    an_input_topic_created_anew_is_a_fault(&broker);
    the_broker_dies_and_freezes(&mut broker);
}

fn to_the_end(connection: &Connection, topics: &Topics) -> RunSummary {
    let mut config = config(connection, topics);
    config.until_end = true;
    run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).expect("it comes to the end")
}

fn the_broker_dies_and_freezes(broker: &mut KafkaBroker) {
    let topics = topics("outage");
    broker.make(&topics, 2);
    let connection = broker.connection();
    let (config, stop) = (config(&connection, &topics), AtomicBool::new(false));
    thread::scope(|scope| {
        let run = scope.spawn(|| run(&config, Counting::open, &stop, &mut |_| {}));
        FILLING.write(&connection, &topics, 0..20_000, 10_000);
        broker.kill();
        thread::sleep(Duration::from_secs(1));
        broker.restart();
        FILLING.write(&connection, &topics, 20_000..40_000, 10_000);
        // Longer than a transaction may take.
        broker.suspend(true);
        thread::sleep(Duration::from_secs(13));
        broker.suspend(false);
        FILLING.write(&connection, &topics, 40_000..60_000, 10_000);
        stop.store(true, Ordering::Relaxed);
        let summary = run.join().unwrap().unwrap();
        println!("outage: {:?}", summary.stats.figures);
        assert!(summary.stats.figures.doubts > 0);
    });
    to_the_end(&connection, &topics);
    let (alerts, dead_letters) = FILLING.expected(0..60_000);
    Outcome::read(&connection, &topics).check(&alerts, dead_letters);
}

fn a_second_instance_takes_over(broker: &KafkaBroker) {
    let topics = topics("twins");
    broker.make(&topics, 2);
    let connection = broker.connection();
    let (config, stop) = (config(&connection, &topics), AtomicBool::new(false));
    thread::scope(|scope| {
        let first = scope.spawn(|| run(&config, Counting::open, &stop, &mut |_| {}));
        let writing = scope.spawn(|| FILLING.write(&connection, &topics, 0..60_000, 10_000));
        thread::sleep(Duration::from_secs(2));
        // On a busy machine the first one may publish between the second one's look at the log and its fence. Then the second
        // one starts again, as whoever watches over it would have it do.
        let second = scope.spawn(|| {
            loop {
                match run(&config, Counting::open, &stop, &mut |_| {}) {
                    Err(error @ Error::Overtaken { .. }) => println!("twins: the second one starts again: {error}"),
                    ended => return ended,
                }
            }
        });
        let since = Instant::now();
        while !first.is_finished() {
            assert!(since.elapsed() < Duration::from_secs(20), "the first one does not end by itself");
            thread::sleep(Duration::from_millis(10));
        }
        println!("twins: the first one ended after {:?}", since.elapsed());
        let error = first.join().unwrap().expect_err("another one has taken over");
        assert!(matches!(error, Error::Fenced { .. }) && !error.is_retryable(), "{error}");
        writing.join().unwrap();
        thread::sleep(Duration::from_secs(2));
        stop.store(true, Ordering::Relaxed);
        let summary = second.join().unwrap().expect("it goes on");
        assert!(summary.stats.records > 0 && summary.stats.figures.doubts == 0, "{:?}", summary.stats.figures);
    });
    to_the_end(&connection, &topics);
    let (alerts, dead_letters) = FILLING.expected(0..60_000);
    Outcome::read(&connection, &topics).check(&alerts, dead_letters);
}

/// An instance stands still for longer than a transaction may take, and another takes over meanwhile.
fn one_that_wakes_up_takes_nothing_back(broker: &KafkaBroker) {
    let topics = topics("sleeper");
    broker.make(&topics, 2);
    let connection = broker.connection();
    let mut sleeper = Command::new(env!("CARGO_BIN_EXE_counting_run"))
        .args([format!("brokers={}", broker.bootstrap_servers()), "prefix=sleeper".to_owned()])
        .spawn()
        .expect("the process starts");
    let id = sleeper.id().to_string();
    let signal = |name: &str| {
        let status = Command::new("kill").arg(name).arg(&id).status().expect("kill starts");
        assert!(status.success(), "the signal is sent");
    };
    let (config, stop) = (config(&connection, &topics), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| FILLING.write(&connection, &topics, 0..40_000, 5_000));
        thread::sleep(Duration::from_secs(2));
        signal("-STOP");
        let second = scope.spawn(|| run(&config, Counting::open, &stop, &mut |_| {}));
        thread::sleep(Duration::from_secs(12));
        signal("-CONT");
        let since = Instant::now();
        let status = loop {
            match sleeper.try_wait().expect("its own child") {
                Some(status) => break status,
                None if since.elapsed() > Duration::from_secs(30) => {
                    sleeper.kill().expect("SIGKILL is sent");
                    panic!("it does not end by itself");
                }
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        assert_eq!(status.code(), Some(2), "started again it would take the place back");
        thread::sleep(Duration::from_secs(2));
        stop.store(true, Ordering::Relaxed);
        let summary = second.join().unwrap().expect("it goes on");
        assert_eq!(summary.stats.figures.doubts, 0);
    });
    to_the_end(&connection, &topics);
    let (alerts, dead_letters) = FILLING.expected(0..40_000);
    Outcome::read(&connection, &topics).check(&alerts, dead_letters);
}

/// The broker fences by transactional id, so it lets two ids write to one log.
fn instances_under_two_ids_do_not_publish_twice(broker: &KafkaBroker) {
    let topics = topics("ids");
    broker.make(&topics, 2);
    let connection = broker.connection();
    FILLING.write(&connection, &topics, 0..10_000, 0);
    to_the_end(&connection, &topics);
    let first = config(&connection, &topics);
    let mut second = first.clone();
    second.transactional_id = "another".to_owned();
    second.until_end = true;
    let start = |config: &RunConfig| run(config, Counting::open, &AtomicBool::new(false), &mut |_| {});
    let error = start(&second).expect_err("the log is of another id");
    assert!(matches!(error, Error::OtherTransactionalId { .. }) && !error.is_retryable(), "{error}");

    // While the first one runs, whoever finds records of the other in the log ends, and one goes on.
    second.take_over = true;
    second.until_end = false;
    let stop = &AtomicBool::new(false);
    thread::scope(|scope| {
        let start = |config| scope.spawn(move || run(config, Counting::open, stop, &mut |_| {}));
        let writing = scope.spawn(|| FILLING.write(&connection, &topics, 10_000..40_000, 5_000));
        let running = start(&first);
        thread::sleep(Duration::from_secs(2));
        let runs = [running, start(&second)];
        let since = Instant::now();
        while runs.iter().all(|run| !run.is_finished()) {
            assert!(since.elapsed() < Duration::from_secs(20), "both go on");
            thread::sleep(Duration::from_millis(10));
        }
        writing.join().unwrap();
        thread::sleep(Duration::from_secs(2));
        stop.store(true, Ordering::Relaxed);
        let ended: Vec<_> = runs.into_iter().map(|run| run.join().unwrap()).collect();
        let errors: Vec<_> = ended.into_iter().filter_map(Result::err).collect();
        let known = |error: &Error| matches!(error, Error::SecondWriter { .. } | Error::Fenced { writer: Some(_) });
        assert!(errors.len() == 1 && known(&errors[0]) && !errors[0].is_retryable(), "{errors:?}");
    });
    let last = RunConfig { take_over: true, until_end: true, ..first };
    start(&last).expect("nobody else is there");
    let (alerts, dead_letters) = FILLING.expected(0..40_000);
    Outcome::read(&connection, &topics).check(&alerts, dead_letters);

    // Nobody else writes now, so it is gone on with; and one that finds records of a rival publishes nothing more.
    second.until_end = true;
    FILLING.write(&connection, &topics, 40_000..41_000, 0);
    start(&second).expect("the first one is gone");
    second.take_over = false;
    second.until_end = false;
    let error = thread::scope(|scope| {
        let running = scope.spawn(|| start(&second));
        let before = Outcome::read(&connection, &topics).sequence.len();
        let since = Instant::now();
        let last = loop {
            let mut records = Outcome::read(&connection, &topics).sequence;
            assert!(since.elapsed() < Duration::from_secs(20), "it publishes nothing");
            if records.len() > before {
                break records.pop().unwrap();
            }
        };
        let writer = "rival".to_owned();
        write_record(&connection, &topics, &SequenceRecord { number: last.number + 1, writer, ..last });
        running.join().unwrap().expect_err("a rival publishes")
    });
    assert!(error.to_string().starts_with("another instance (run rival"), "{error}");
}

fn write_record(connection: &Connection, topics: &Topics, record: &SequenceRecord) {
    let mut client = rdkafka::ClientConfig::new();
    client.set("bootstrap.servers", connection.brokers()).set("transactional.id", "rival");
    let (producer, patience): (BaseProducer, _) = (client.create().unwrap(), Duration::from_secs(10));
    producer.init_transactions(patience).unwrap();
    producer.begin_transaction().unwrap();
    for payload in record.to_payloads() {
        producer.send(BaseRecord::<(), _>::to(&topics.sequence).payload(&payload)).unwrap();
    }
    producer.commit_transaction(patience).unwrap();
}

fn gone_input_is_a_fault(broker: &KafkaBroker) {
    let topics = topics("gone");
    broker.make(&topics, 1);
    let connection = broker.connection();
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&connection, &topics);
    config.until_end = true;
    config.snapshots = Some(SnapshotConfig::in_folder(folder.path()));
    FILLING.write(&connection, &topics, 0..10_000, 0);
    run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    let input = topics.inputs.first().unwrap();
    delete_before(&connection, input, 1_000);
    // The snapshot covers it.
    run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    // Without, it is needed.
    config.snapshots = None;
    let error = run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).expect_err("input is gone");
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("offset 0 of {input}/0 is needed and gone (the topic begins at 1000)")),
        "{text}"
    );
    assert!(!error.is_retryable());
    config.accept_gap = true;
    let summary = run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert!(summary.stats.figures.replayed > 0);
    let gaps: Vec<_> =
        Outcome::read(&connection, &topics).sequence.into_iter().flat_map(|record| record.gaps).collect();
    assert_eq!(gaps.len(), 1, "recorded, though nothing new was judged");
    // The same gap is in the way of the next start.
    FILLING.write(&connection, &topics, 10_000..11_000, 0);
    run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap();
    let gaps: Vec<_> =
        Outcome::read(&connection, &topics).sequence.into_iter().flat_map(|record| record.gaps).collect();
    assert_eq!(gaps.len(), 2);
    assert!(gaps.iter().all(|gap| (gap.from, gap.to) == (0, 1_000)), "{gaps:?}");
}

fn an_input_topic_created_anew_is_a_fault(broker: &KafkaBroker) {
    let topics = topics("anew");
    broker.make(&topics, 1);
    let connection = broker.connection();
    let topic = topics.inputs.first().unwrap().clone();
    let write = |numbers: std::ops::Range<u32>| {
        let producer = producer(&connection);
        for number in numbers {
            let text = format!("account {number}");
            producer.send(BaseRecord::<(), _>::to(&topic).payload(&text)).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(Duration::from_secs(20)).unwrap();
    };
    write(0..100);
    to_the_end(&connection, &topics);
    let last = Outcome::read(&connection, &topics).sequence.pop().unwrap();
    assert_eq!(
        last.last_records().map(|(at, offset, _)| (at.to_string(), offset)).collect::<Vec<_>>(),
        [(format!("{topic}/0"), 99)]
    );
    // Started again it finds its own.
    to_the_end(&connection, &topics);
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
    futures::executor::block_on(admin(&connection).delete_topics(&[&topic], &options)).unwrap();
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(200));
        let spec = TopicSpec::input(&topic, 1);
        if create_topics(&connection, &[spec], Duration::from_secs(20)).is_ok() {
            break;
        }
    }
    thread::sleep(Duration::from_secs(1));
    // More than was judged: by their offsets a hundred of them would be done.
    write(1_000..1_150);
    for accept_gap in [false, true] {
        let mut config = config(&connection, &topics);
        (config.until_end, config.accept_gap) = (true, accept_gap);
        let error = run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
        assert!(matches!(&error, Error::OtherRecord { offset: 99, .. }) && !error.is_retryable(), "{error}");
        assert!(error.to_string().contains(&format!("{topic}/0")), "{error}");
    }
}

fn admin(connection: &Connection) -> AdminClient<DefaultClientContext> {
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", connection.brokers());
    config.create().unwrap()
}

fn delete_before(connection: &Connection, topic: &str, offset: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
    futures::executor::block_on(admin(connection).delete_records(&list, &AdminOptions::new())).unwrap();
}
