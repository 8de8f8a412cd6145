//! A change of what is in force, on a real Kafka: the recorded input is judged again, and whoever reads the alerts sees each
//! revision once, whichever epoch it is of.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::{
    collections::BTreeSet,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use mareva_kafka::{Connection, FollowFrom, Follower};
use mareva_model::alert::Alert;
use mareva_tests::{counting::producer, kafka_broker::KafkaBroker, mareva, mareva_ok, stream::Simulated};
use rdkafka::producer::{BaseRecord, Producer};

const ACCOUNT: &str = "GB33BUKB20201555555555";

/// The simulator's config on a broker, with a list of mules of one's own.
fn config(folder: &Path, broker: &KafkaBroker, name: &str, mules: &str) -> PathBuf {
    let text = fs::read_to_string(folder.join("mareva.toml")).unwrap();
    assert!(text.contains("\"mules.csv\""));
    fs::write(folder.join(format!("{name}.csv")), mules).unwrap();
    let kafka =
        format!("\n[http]\nlisten = \"\"\n[kafka]\n\"bootstrap.servers\" = \"{}\"\n", broker.bootstrap_servers());
    let path = folder.join(format!("{name}.toml"));
    fs::write(&path, text.replace("mules.csv", &format!("{name}.csv")) + &kafka).unwrap();
    path
}

/// Writes payments of 100 to the account, held by somebody of that name.
fn pay(connection: &Connection, numbers: Range<u32>, name: &str) {
    let producer = producer(connection);
    for number in numbers {
        let payment = format!(
            r#"{{"type":"credit_transfer","tx_id":"E{number}","source":"MRVADEFF","time":"2026-01-05T10:00:0{number}Z",
            "amount":"100.00","currency":"EUR","originator":{{"account":"DE89370400440532013000"}},
            "beneficiary":{{"account":"{ACCOUNT}","name":"{name}"}}}}"#
        );
        producer.send(BaseRecord::<(), str>::to("bank.transactions").payload(&payment).partition(0)).unwrap();
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}

fn run(config: &Path) {
    let path = config.display().to_string();
    mareva_ok(["run", "--until-end", "--replay-under-new-epoch", "--config", &path]);
}

#[test]
fn a_reader_sees_each_revision_once_whatever_is_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Simulated::new(&folder.path().join("sim"), 42, 2_000).folder;
    let broker = KafkaBroker::start();
    broker.make_topics(1);
    let connection = broker.connection();
    // The second list finds the same account, but not in all that the first one does: it counts fewer revisions.
    let by_account = config(&folder, &broker, "by_account", &format!("identifier\n{ACCOUNT}\n"));
    let by_name = config(&folder, &broker, "by_name", "name\nSecond Holder\n");

    pay(&connection, 0..3, "First Holder");
    run(&by_account);
    pay(&connection, 3..4, "First Holder");
    pay(&connection, 4..5, "Second Holder");
    run(&by_account);
    pay(&connection, 5..6, "Second Holder");
    run(&by_name);
    pay(&connection, 6..7, "First Holder");
    run(&by_account);
    // Judged again from the beginning, what it recorded itself gives what it gave.
    fs::remove_dir_all(folder.join("snapshots")).unwrap();
    run(&by_account);

    let mut follower = Follower::open(&connection, &["mareva.alerts"], &FollowFrom::Beginning).unwrap();
    let records = follower.read_to_end(Duration::from_secs(60)).unwrap();
    let alerts: Vec<_> = records.iter().map(|record| Alert::from_json(&record.payload).unwrap()).collect();
    let mut published: Vec<_> = alerts.iter().map(|alert| (alert.revision, alert.epoch)).collect();
    published.sort();
    println!("{published:?}");
    assert_eq!(alerts.iter().map(|alert| &alert.alert_id).collect::<BTreeSet<_>>().len(), 1, "one account, one day");
    let numbers: BTreeSet<_> = published.iter().map(|(revision, _)| revision).collect();
    assert_eq!(numbers.len(), published.len(), "a number came twice");
    let epochs: Vec<_> = published.chunk_by(|a, b| a.1 == b.1).map(<[_]>::len).collect();
    assert_eq!(epochs.len(), 3, "the later the epoch, the later the revision");
}

#[test]
fn the_history_that_the_log_began_with_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Simulated::new(&folder.path().join("sim"), 42, 2_000).folder;
    let broker = KafkaBroker::start();
    broker.make_topics(1);
    let first = config(&folder, &broker, "first", "name\nFirst Holder\n");
    let second = config(&folder, &broker, "second", "name\nSecond Holder\n");
    // Other settings: of a list that only has other content, the former one is kept.
    let text = fs::read_to_string(&second).unwrap();
    assert!(text.contains("action = \"hold\""));
    fs::write(&second, text.replacen("action = \"hold\"", "action = \"report\"", 1)).unwrap();
    let (whole, other) = (folder.join("bank.ndjson"), folder.join("exchange.ndjson"));
    let run = |config: &Path, history: Option<&PathBuf>, more: &[&str]| {
        let mut args =
            vec!["run".to_owned(), "--until-end".to_owned(), "--config".to_owned(), config.display().to_string()];
        args.extend(more.iter().map(|&flag| flag.to_owned()));
        args.extend(history.iter().flat_map(|path| ["--history".to_owned(), path.display().to_string()]));
        let output = mareva(args);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    pay(&broker.connection(), 0..3, "First Holder");
    let (code, said) = run(&first, Some(&whole), &[]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&first, None, &[]);
    assert_eq!(code, Some(0), "its snapshot stands for it: {said}");
    for history in [None, Some(&other)] {
        let (code, said) = run(&second, history, &["--replay-under-new-epoch"]);
        assert!(code == Some(2) && said.contains("--history PATH"), "{code:?}: {said}");
    }
    let (code, said) = run(&second, Some(&whole), &["--replay-under-new-epoch"]);
    assert_eq!(code, Some(0), "{said}");
    fs::remove_dir_all(folder.join("snapshots")).unwrap();
    let (code, said) = run(&second, None, &[]);
    assert!(code == Some(2) && said.contains("--accept-gap"), "{code:?}: {said}");
    let (code, said) = run(&second, None, &["--accept-gap"]);
    assert!(code == Some(0) && said.contains("the log rests on another history"), "{code:?}: {said}");
    let (code, said) = run(&second, None, &[]);
    assert_eq!(code, Some(0), "{said}");
}
