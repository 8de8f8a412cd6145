//! Promise 2, with the whole pipeline on a real Kafka: a disordered stream with repeats and broken records loses nothing,
//! publishes each alert revision once and ends in the content that `mareva replay` gives for the same files; killed again
//! and again, it ends in the same. `MAREVA_RECORDS` sets the size; without it, a size that fits an ordinary test run.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mareva_kafka::{Connection, FollowFrom, Follower, SequenceRecord, TopicSpec, Topics, create_topics};
use mareva_tests::counting::producer;
use mareva_tests::kafka_broker::KafkaBroker;
use mareva_tests::stream::{Disorder, Simulated, disorder, time_of};
use mareva_tests::{binary, mareva_ok, ndjson};
use rdkafka::producer::{BaseRecord, Producer};

const PARTITIONS: i32 = 3;

fn records() -> u64 {
    std::env::var("MAREVA_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(300_000)
}

/// Broken records among them.
fn malformed() -> u64 {
    MALFORMED.iter().map(|(_, one_in)| records() / one_in).sum()
}

/// One broken record in so many of both streams together, by stream.
const MALFORMED: [(&str, u64); 2] = [("bank", 500), ("exchange", 2000)];

/// The files that both ways read, and the config.
struct Stage {
    folder: tempfile::TempDir,
    produced: u64,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let simulated = Simulated::new(&folder.path().join("sim"), 42, records());
        let mut produced = 0;
        for (name, one_in) in MALFORMED {
            let how = Disorder { seed: 5, within_ms: 50_000, repeat_one_in: 100, malformed: records() / one_in };
            let from = simulated.folder.join(format!("{name}.ndjson"));
            produced += disorder(&from, &folder.path().join(format!("{name}.ndjson")), how);
        }
        Self { folder, produced }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The simulator's config with the broker, and outputs and a snapshot folder of its own.
    fn config(&self, broker: &KafkaBroker, run: &Outputs, snapshot_every: Duration) -> PathBuf {
        let text = std::fs::read_to_string(self.path("sim/mareva.toml")).expect("the simulator's config");
        let Topics { alerts, dead_letters, late, sequence, .. } = &run.topics;
        let own = format!(
            "\n[output]\nalerts = \"{alerts}\"\ndead_letters = \"{dead_letters}\"\nlate = \"{late}\"\n\
             sequence = \"{sequence}\"\n\n[kafka]\n\"bootstrap.servers\" = \"{}\"\n\"group.id\" = \"{name}\"\n\
             \"transactional.id\" = \"{name}\"\n\n[http]\nlisten = \"\"\n\n\
             [snapshots]\npath = \"{}\"\nevery = \"{} ms\"\n",
            broker.bootstrap_servers(),
            self.path(run.name).display(),
            snapshot_every.as_millis(),
            name = run.name,
        );
        let path = self.path(&format!("sim/{}.toml", run.name));
        std::fs::write(&path, text + &own).expect("a config");
        path
    }

    fn replayed(&self) -> BTreeMap<String, serde_json::Value> {
        let args = ["replay", "--config", "sim/mareva.toml", "--bank", "bank.ndjson", "--exchange", "exchange.ndjson"];
        let mut args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        for at in [2, 4, 6] {
            args[at] = self.path(&args[at]).display().to_string();
        }
        args.extend(["--out".to_owned(), self.path("alerts").display().to_string()]);
        mareva_ok(args);
        final_contents(ndjson(&self.path("alerts")))
    }
}

/// The last revision of each alert without what may differ: revision numbers, source positions and the epoch.
fn final_contents(alerts: Vec<serde_json::Value>) -> BTreeMap<String, serde_json::Value> {
    let mut last = BTreeMap::new();
    for mut alert in alerts {
        let id = alert["alert_id"].as_str().expect("an alert has an id").to_owned();
        forget(&mut alert);
        last.insert(id, alert);
    }
    last
}

fn forget(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(object) => {
            for name in ["revision", "position", "positions", "epoch", "source"] {
                object.remove(name);
            }
            object.values_mut().for_each(forget);
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(forget),
        _ => {}
    }
}

/// Names of the topics that one run writes.
struct Outputs {
    name: &'static str,
    topics: Topics,
}

impl Outputs {
    fn make(broker: &KafkaBroker, name: &'static str) -> Self {
        let topic = |of: &str| format!("{name}.{of}");
        let topics = Topics {
            alerts: topic("alerts"),
            dead_letters: topic("deadletters"),
            late: topic("late"),
            sequence: topic("sequence"),
            ..Topics::default()
        };
        let mut specs = vec![TopicSpec::sequence(&topics.sequence)];
        specs.extend([&topics.alerts, &topics.dead_letters, &topics.late].map(|topic| TopicSpec::new(topic, 1)));
        create_topics(&broker.connection(), &specs, Duration::from_secs(20)).expect("topics can be made");
        Self { name, topics }
    }

    /// What a `read_committed` reader sees of a topic.
    fn committed(&self, connection: &Connection, topic: &str) -> Vec<Vec<u8>> {
        let mut follower = Follower::open(connection, &[topic], &FollowFrom::Beginning).expect("the topic");
        let records = follower.read_to_end(Duration::from_secs(60)).expect("a committed end");
        records.into_iter().map(|record| record.payload).collect()
    }

    /// Final contents of the alerts; each (alert, revision) is there once.
    fn alerts(&self, connection: &Connection) -> BTreeMap<String, serde_json::Value> {
        let parse = |payload: Vec<u8>| serde_json::from_slice(&payload).expect("an alert");
        let alerts = self.committed(connection, &self.topics.alerts).into_iter().map(parse);
        let mut alerts: Vec<serde_json::Value> = alerts.collect();
        alerts.sort_by_key(|alert| alert["revision"].as_u64());
        let mut seen = BTreeSet::new();
        for alert in &alerts {
            let key = (alert["alert_id"].as_str().map(str::to_owned), alert["revision"].as_u64());
            assert!(seen.insert(key.clone()), "published twice: {key:?}");
        }
        final_contents(alerts)
    }

    /// Committed transactions and the records that their slices cut, which follow each other without a gap.
    fn cut(&self, connection: &Connection) -> (u64, u64) {
        let (mut transactions, mut records) = (0, 0);
        let mut next: BTreeMap<(String, i32), i64> = BTreeMap::new();
        for payload in self.committed(connection, &self.topics.sequence) {
            let record: SequenceRecord = serde_json::from_slice(&payload).expect("a sequence record");
            transactions += 1;
            for cut in record.slices.iter().flat_map(|slice| &slice.cuts) {
                let before = next.insert((cut.topic.to_string(), cut.partition), cut.to).unwrap_or(0);
                assert_eq!(cut.from, before, "slices leave a gap or overlap");
                records += u64::try_from(cut.to - cut.from).expect("cuts go forward");
            }
        }
        (transactions, records)
    }
}

/// Writes both streams as they happen: interleaved by time, over all partitions in turn.
fn fill(connection: &Connection, stage: &Stage) {
    let producer = producer(connection);
    let mut streams = ["bank", "exchange"].map(|name| {
        let file = std::fs::File::open(stage.path(&format!("{name}.ndjson"))).expect("the stream");
        let mut last = 0;
        let timed = BufReader::new(file).lines().map(move |line| {
            let line = line.expect("text");
            // Broken records have no time: they come with the one before them.
            last = if line.contains("\"time\":\"2") || line.contains("item_timestamp") { time_of(&line) } else { last };
            (last, line)
        });
        (format!("{name}.transactions"), timed.peekable(), 0_i32)
    });
    loop {
        let heads = streams.iter_mut().enumerate();
        let Some((_, at)) = heads.filter_map(|(at, s)| Some((s.1.peek()?.0, at))).min() else { break };
        let (topic, lines, number) = &mut streams[at];
        let Some((_, line)) = lines.next() else { break };
        let mut record = BaseRecord::<(), String>::to(topic).payload(&line).partition(*number % PARTITIONS);
        *number += 1;
        while let Err((_, again)) = producer.send(record) {
            std::thread::sleep(Duration::from_millis(1));
            record = again;
        }
    }
    producer.flush(Duration::from_secs(120)).expect("the broker takes them");
}

fn start(config: &Path, failpoint: &str) -> Child {
    let mut command = Command::new(binary());
    command.args(["run", "--until-end", "--json", "--config"]).arg(config).env("MAREVA_FAILPOINT", failpoint);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts")
}

/// Lets it run to the end and returns what it counted.
fn to_the_end(config: &Path) -> serde_json::Value {
    let output: Output = start(config, "").wait_with_output().expect("its own child");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a summary")
}

fn assert_same(
    kind: &str,
    found: &BTreeMap<String, serde_json::Value>,
    expected: &BTreeMap<String, serde_json::Value>,
) {
    for (id, alert) in expected {
        let other = found.get(id).unwrap_or_else(|| panic!("{kind}: alert {id} is missing"));
        assert_eq!(other, alert, "{kind}: alert {id}");
    }
    assert_eq!(found.len(), expected.len(), "{kind}: more alerts than replay gives");
}

/// The counts add up to what was written, and the topics hold what was counted.
fn assert_balanced(stage: &Stage, summary: &serde_json::Value, run: &Outputs, connection: &Connection) {
    let count = |name: &str| summary["counts"][name].as_u64().expect("a count");
    assert_eq!(count("records"), stage.produced, "every record is judged");
    assert_eq!(count("produced"), stage.produced, "every record is one transaction here");
    let ends = ["accepted", "repeated", "late", "dead_lettered"].map(count);
    assert_eq!(ends.iter().sum::<u64>(), stage.produced, "{ends:?}");
    let held = |topic: &str| run.committed(connection, topic).len() as u64;
    assert_eq!(held(&run.topics.late), count("late"));
    assert_eq!(held(&run.topics.dead_letters), count("dead_lettered"));
    assert_eq!(count("dead_lettered"), malformed(), "the broken ones, and no other");
    println!("{} produced = {ends:?} accepted, repeated, late, dead-lettered", stage.produced);
}

/// Kills a run ten times on its way, seven of them at failpoints, and lets it end.
fn kill_ten_times(config: &Path, transactions: u64, calm: Duration) {
    // Each life gets a twelfth of the way at most.
    let share = (transactions / 12).max(1);
    let at = |name: &str, passing: u64| format!("{name}:{passing}");
    let failpoints = [
        at("before_offsets", share),
        at("after_offsets", share),
        at("before_snapshot_rename", 1),
        at("before_commit", share),
        at("after_snapshot_rename", 1),
        at("after_commit", share),
        // What the last life committed is in no snapshot.
        at("during_replay", 1),
    ];
    for failpoint in &failpoints {
        let output = start(config, failpoint).wait_with_output().expect("its own child");
        assert!(!output.status.success(), "{failpoint} was not passed before the end");
    }
    for _ in failpoints.len()..10 {
        let mut child = start(config, "");
        std::thread::sleep(Duration::from_millis(300) + calm / 12);
        let running = child.try_wait().expect("its own child").is_none();
        assert!(running, "the run was over before it could be killed");
        child.kill().expect("SIGKILL is sent");
        child.wait().expect("its own child");
    }
    to_the_end(config);
}

#[test]
fn killed_or_not_the_stream_ends_in_what_replay_gives() {
    let stage = Stage::new();
    let expected = stage.replayed();
    assert!(expected.len() >= 10, "a comparison of {} alerts says little", expected.len());

    let broker = KafkaBroker::start();
    let connection = broker.connection();
    let inputs: Vec<_> = Topics::default().inputs.iter().map(|name| TopicSpec::input(name, PARTITIONS)).collect();
    create_topics(&connection, &inputs, Duration::from_secs(20)).expect("topics can be made");
    fill(&connection, &stage);

    let calm = Outputs::make(&broker, "calm");
    let began = Instant::now();
    let summary = to_the_end(&stage.config(&broker, &calm, Duration::from_secs(3600)));
    let took = began.elapsed();
    assert_balanced(&stage, &summary, &calm, &connection);
    assert_same("undisturbed", &calm.alerts(&connection), &expected);
    let (transactions, records) = calm.cut(&connection);
    assert_eq!(records, stage.produced);
    println!("undisturbed: {took:?}, {transactions} transactions, {} alerts", expected.len());

    let killed = Outputs::make(&broker, "killed");
    kill_ten_times(&stage.config(&broker, &killed, took / 20), transactions, took);
    assert_same("killed", &killed.alerts(&connection), &expected);
    let dead_letters = killed.committed(&connection, &killed.topics.dead_letters);
    assert_eq!(dead_letters.len() as u64, malformed());
    assert_eq!(BTreeSet::from_iter(&dead_letters).len(), dead_letters.len(), "each once");
    assert_eq!(
        killed.committed(&connection, &killed.topics.late).len(),
        calm.committed(&connection, &calm.topics.late).len()
    );
    let (transactions, records) = killed.cut(&connection);
    assert_eq!(records, stage.produced);
    println!("killed: {transactions} transactions");
}
