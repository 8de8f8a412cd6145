//! A process is killed over and over while records stream in: at failpoints and at moments of no meaning.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use mareva_tests::{
    counting::{Filling, Outcome, topics},
    kafka_broker::KafkaBroker,
};

const RECORDS: u64 = 150_000;

fn start(broker: &KafkaBroker, snapshots: &Path, until_end: bool, failpoint: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_counting_run"))
        .arg(format!("brokers={}", broker.bootstrap_servers()))
        .arg("prefix=kill")
        .arg(format!("snapshots={}", snapshots.display()))
        .arg("snapshot_ms=300")
        .arg(format!("until_end={until_end}"))
        .env("MAREVA_FAILPOINT", failpoint)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the process starts")
}

/// Waits for the end; kills at `deadline` and gives `None` then.
fn wait(child: &mut Child, deadline: Duration) -> Option<std::process::ExitStatus> {
    let since = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("its own child") {
            return Some(status);
        }
        if since.elapsed() > deadline {
            child.kill().expect("SIGKILL is sent");
            child.wait().expect("its own child");
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn killed_at_any_moment_each_alert_is_published_once() {
    let broker = KafkaBroker::start();
    let topics = topics("kill");
    broker.make(&topics, 4);
    let connection = broker.connection();
    let filling = Filling { accounts: 400, malformed: 101 };
    let folder = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| filling.write(&connection, &topics, 0..RECORDS, 6_000));
        let failpoints = [
            "before_offsets:3",
            "after_offsets:20",
            "before_commit:30",
            "after_commit:40",
            "before_snapshot_rename:2",
            "during_replay:1",
            "after_snapshot_rename:1",
            // What was committed since the snapshot before stays to be judged again.
            "before_snapshot_rename:1",
            "during_replay:2",
        ];
        for failpoint in failpoints {
            let mut child = start(&broker, folder.path(), false, failpoint);
            let status = wait(&mut child, Duration::from_secs(20));
            let status = status.unwrap_or_else(|| panic!("{failpoint} was not passed"));
            assert!(!status.success() && status.code().is_none(), "{failpoint}: {status}");
        }
        for pause in [350, 700, 1_100, 50, 500] {
            let mut child = start(&broker, folder.path(), false, "");
            assert!(wait(&mut child, Duration::from_millis(pause)).is_none(), "it runs until it is killed");
        }
    });
    let mut child = start(&broker, folder.path(), true, "");
    let status = wait(&mut child, Duration::from_secs(60)).expect("it comes to the end");
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    let (alerts, dead_letters) = filling.expected(0..RECORDS);
    Outcome::read(&connection, &topics).check(&alerts, dead_letters);
    let names = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(names.count(), 2, "two snapshots are kept and nothing unfinished is left");
}
