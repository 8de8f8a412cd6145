//! A process for the tests to kill: runs the counting judge. Arguments are `key=value`: `brokers`, `prefix`, `snapshots`
//! (a folder), `snapshot_ms`, `until_end`. `MAREVA_FAILPOINT` says where it dies. Prints what it did as one line.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::atomic::AtomicBool, time::Duration};

use mareva_kafka::{Connection, Failpoints, SnapshotConfig, run};
use mareva_tests::counting::{Counting, config, topics};

fn main() -> ExitCode {
    let arguments: BTreeMap<String, String> = std::env::args()
        .skip(1)
        .filter_map(|pair| pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())))
        .collect();
    let get = |key: &str| arguments.get(key).map(String::as_str);
    let brokers = get("brokers").unwrap_or_default();
    let mut config = config(&Connection::to(brokers), &topics(get("prefix").unwrap_or_default()));
    config.until_end = get("until_end") == Some("true");
    config.snapshots = get("snapshots").map(|folder| {
        let every = get("snapshot_ms").and_then(|ms| ms.parse().ok()).unwrap_or(1_000);
        SnapshotConfig { every: Duration::from_millis(every), ..SnapshotConfig::in_folder(PathBuf::from(folder)) }
    });
    let failpoints: Result<Failpoints, _> = std::env::var("MAREVA_FAILPOINT").unwrap_or_default().parse();
    match failpoints {
        Ok(failpoints) => config.failpoints = failpoints,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    }
    match run(&config, Counting::open, &AtomicBool::new(false), &mut |_| {}) {
        Ok(summary) => {
            println!("{:?}", summary.stats.figures);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(if error.is_retryable() { 1 } else { 2 })
        }
    }
}
