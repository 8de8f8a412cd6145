//! How `mareva run` ends on a Kafka that it cannot run on: with 2 where somebody must look and a restart would not help (the
//! systemd unit does not restart it then), having listed every fault; with 1 where starting again may help.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use mareva_kafka::{Connection, FollowFrom, Follower};
use mareva_tests::{binary, kafka_broker::KafkaBroker, mareva, stream::Simulated};

/// The simulator's config on a broker, with more of one's own.
fn config(folder: &Path, name: &str, broker: &KafkaBroker, own: &str) -> PathBuf {
    let text = fs::read_to_string(folder.join("mareva.toml")).unwrap();
    let kafka =
        format!("\n[http]\nlisten = \"\"\n[kafka]\n\"bootstrap.servers\" = \"{}\"\n", broker.bootstrap_servers());
    let path = folder.join(format!("{name}.toml"));
    fs::write(&path, text + &kafka + own).unwrap();
    path
}

/// Runs to the end of the topics; gives the exit code and what was said.
fn run(config: &Path, flags: &[&str]) -> (Option<i32>, String) {
    let path = config.display().to_string();
    let mut args = vec!["run", "--until-end", "--config", &path];
    args.extend(flags);
    let output = mareva(args);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn two_where_somebody_must_look_and_one_where_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Simulated::new(&folder.path().join("sim"), 3, 2_000).folder;
    let mut broker = KafkaBroker::start();
    let plain = config(&folder, "plain", &broker, "");

    let (code, said) = run(&plain, &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("mareva: refused, 6 faults:"), "{said}");
    for topic in ["bank.transactions", "mareva.alerts", "mareva.sequence"] {
        assert!(said.contains(&format!("topic {topic}: it does not exist on ")), "{said}");
    }

    broker.make_topics(2);
    let (code, said) = run(&plain, &[]);
    assert_eq!(code, Some(0), "{said}");

    let too_long = "\"producer.transaction.timeout.ms\" = \"2000000\"\n";
    let (code, said) = run(&config(&folder, "unsupported", &broker, too_long), &[]);
    assert_eq!(code, Some(2), "the broker does not take this setting: {said}");

    let other = config(&folder, "other", &broker, "[alerts]\nhold = \"48 h\"\n");
    let (code, said) = run(&other, &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--replay-under-new-epoch"), "{said}");
    let (code, said) = run(&other, &["--replay-under-new-epoch"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&other, &[]);
    assert_eq!(code, Some(0), "the epoch is in force though nothing came since: {said}");

    the_one_that_was_taken_over_ends_with_two(&plain, &broker.connection());

    a_drain_that_leaves_no_snapshot_ends_with_one(&folder, &broker);

    broker.stop();
    let (code, said) = run(&plain, &[]);
    assert_eq!(code, Some(1), "the broker may come back: {said}");
}

fn the_one_that_was_taken_over_ends_with_two(config: &Path, connection: &Connection) {
    let start = |flags: &[&str]| {
        let mut command = Command::new(binary());
        command.args(["run", "--config"]).arg(config).args(flags).stderr(Stdio::piped());
        command.spawn().expect("the binary starts")
    };
    let mut log = Follower::open(connection, &["mareva.sequence"], &FollowFrom::End).unwrap();
    let first = start(&["--replay-under-new-epoch"]);
    let committed = log.next(Duration::from_secs(60)).unwrap();
    assert!(committed.is_some(), "it has not gone live");
    let second = start(&[]);
    let output = ended(first, Duration::from_secs(60)).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("has taken over our transactional id"), "{said}");
    let id = second.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    let output = ended(second, Duration::from_secs(60)).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

fn a_drain_that_leaves_no_snapshot_ends_with_one(folder: &Path, broker: &KafkaBroker) {
    let snapshots = folder.join("drained");
    let own = format!("[alerts]\nhold = \"48 h\"\n[snapshots]\npath = \"{}\"\n", snapshots.display());
    let path = config(folder, "drained", broker, &own).display().to_string();
    let drain = || {
        let output = mareva(["run", "--drain", "--json", "--replay-under-new-epoch", "--config", &path]);
        (output.status.code(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let named = || -> Vec<PathBuf> {
        let all = fs::read_dir(&snapshots).unwrap().map(|entry| entry.unwrap().path());
        // Beside them the rules of the epoch are kept.
        all.filter(|path| *path != snapshots.join("rules")).collect()
    };
    let (code, summary, said) = drain();
    assert_eq!(code, Some(0), "{said}");
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    let snapshot = snapshots.join(format!("snapshot-{:020}.mareva", summary["committed_slice"].as_u64().unwrap()));
    assert_eq!(named(), std::slice::from_ref(&snapshot), "one at the last committed slice");

    let history = folder.join("bank.ndjson").display().to_string();
    let (code, said) = run(Path::new(&path), &["--history", &history]);
    assert!(code == Some(0) && said.contains("--history is not used: there is a snapshot"), "{code:?}: {said}");

    // Something stands in its place that is no file: it cannot be named. A run that was idle for long has committed a tick, and
    // its snapshot is a later one.
    let last = named().into_iter().max().unwrap();
    named().iter().for_each(|path| fs::remove_file(path).unwrap());
    fs::create_dir(&last).unwrap();
    let (code, _, said) = drain();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no snapshot was written"), "{said}");
}

fn ended(mut child: Child, patience: Duration) -> Child {
    let since = Instant::now();
    while child.try_wait().expect("its own child").is_none() {
        if since.elapsed() > patience {
            child.kill().expect("SIGKILL is sent");
            panic!("it does not end: {:?}", child.wait_with_output());
        }
        thread::sleep(Duration::from_millis(20));
    }
    child
}
