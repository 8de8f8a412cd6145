//! Promise 2, with the whole pipeline on a real Kafka: a disordered stream with repeats and broken records, killed again
//! and again, publishes each alert revision once and ends in the content that `mareva replay` gives for the same files.
//! `MAREVA_RECORDS` sets the size; without it, a size that fits an ordinary test run.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mareva_kafka::{Connection, FollowFrom, Follower, Topics};
use mareva_tests::counting::producer;
use mareva_tests::kafka_broker::KafkaBroker;
use mareva_tests::stream::{Disorder, Simulated, disorder};
use mareva_tests::{binary, mareva_ok, ndjson};
use rdkafka::producer::{BaseRecord, Producer};

const PARTITIONS: i32 = 3;

fn records() -> u64 {
    std::env::var("MAREVA_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(40_000)
}

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
        for (name, malformed) in [("bank", records() / 500), ("exchange", records() / 2000)] {
            let how = Disorder { seed: 5, within_ms: 50_000, repeat_one_in: 100, malformed };
            let from = simulated.folder.join(format!("{name}.ndjson"));
            produced += disorder(&from, &folder.path().join(format!("{name}.ndjson")), how);
        }
        Self { folder, produced }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The simulator's config with the broker and a snapshot folder of its own in it.
    fn config(&self, broker: &KafkaBroker, snapshots: &str) -> PathBuf {
        let text = std::fs::read_to_string(self.path("sim/mareva.toml")).expect("the simulator's config");
        let kafka = format!(
            "\n[kafka]\n\"bootstrap.servers\" = \"{}\"\n\n[snapshots]\npath = \"{}\"\nevery = \"2 s\"\n",
            broker.bootstrap_servers(),
            self.path(snapshots).display()
        );
        let path = self.path(&format!("sim/{snapshots}.toml"));
        std::fs::write(&path, text + &kafka).expect("a config");
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

fn fill(connection: &Connection, topic: &str, file: &Path) {
    let producer = producer(connection);
    for (number, line) in BufReader::new(std::fs::File::open(file).expect("the stream")).lines().enumerate() {
        let line = line.expect("text");
        let mut record = BaseRecord::<(), String>::to(topic).payload(&line).partition(number as i32 % PARTITIONS);
        while let Err((_, again)) = producer.send(record) {
            std::thread::sleep(Duration::from_millis(1));
            record = again;
        }
    }
    producer.flush(Duration::from_secs(120)).expect("the broker takes them");
}

fn start(config: &Path, failpoint: &str) -> Child {
    let mut command = Command::new(binary());
    command.args(["run", "--until-end", "--config"]).arg(config).env("MAREVA_FAILPOINT", failpoint);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts")
}

/// What a `read_committed` reader sees: every (alert, revision) once, and how many records the other topics hold.
fn committed(connection: &Connection, topics: &Topics) -> (Vec<serde_json::Value>, usize) {
    let read = |topic: &str| {
        let mut follower = Follower::open(connection, &[topic], &FollowFrom::Beginning).expect("the topic");
        follower.read_to_end(Duration::from_secs(30)).expect("a committed end")
    };
    let mut alerts: Vec<serde_json::Value> =
        read(&topics.alerts).iter().map(|r| serde_json::from_slice(&r.payload).expect("an alert")).collect();
    alerts.sort_by_key(|alert| alert["revision"].as_u64());
    let mut seen = std::collections::BTreeSet::new();
    for alert in &alerts {
        let key = (alert["alert_id"].as_str().map(str::to_owned), alert["revision"].as_u64());
        assert!(seen.insert(key.clone()), "published twice: {key:?}");
    }
    (alerts, read(&topics.dead_letters).len())
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

#[test]
fn killed_or_not_the_stream_ends_in_what_replay_gives() {
    let stage = Stage::new();
    let expected = stage.replayed();
    assert!(expected.len() >= 10, "a comparison of {} alerts says little", expected.len());
    let malformed = records() / 500 + records() / 2000;

    let broker = KafkaBroker::start();
    let topics = broker.make_topics(PARTITIONS);
    let connection = broker.connection();
    for name in ["bank", "exchange"] {
        fill(&connection, &format!("{name}.transactions"), &stage.path(&format!("{name}.ndjson")));
    }
    let config = stage.config(&broker, "snapshots");
    let failpoints = [
        "before_offsets:2",
        "after_offsets:2",
        "before_commit:3",
        "after_commit:2",
        "before_snapshot_rename:1",
        "after_snapshot_rename:1",
        "during_replay:1",
    ];
    let mut died = 0;
    for failpoint in failpoints {
        let output = start(&config, failpoint).wait_with_output().expect("its own child");
        died += u32::from(!output.status.success());
    }
    for moment in [700, 1500, 2500] {
        let mut child = start(&config, "");
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().expect("SIGKILL is sent");
        child.wait().expect("its own child");
    }
    let output = start(&config, "").wait_with_output().expect("its own child");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(died >= 3, "the failpoints were not passed");
    let (alerts, dead_letters) = committed(&connection, &topics);
    assert_eq!(dead_letters as u64, malformed, "of {} produced", stage.produced);
    assert_same("killed", &final_contents(alerts), &expected);
}
