//! What is asked of a run from outside: over HTTP, and of the log that it writes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use mareva_kafka::{Connection, FollowFrom, Follower, SequenceRecord};

/// An address that nobody listens at.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The whole answer to a request of this method, path and further headers; none where nobody answers.
pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: m\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// A metric, by its name with labels.
pub fn metric(address: SocketAddr, name: &str) -> Option<f64> {
    let answer = ask(address, "GET", "/metrics", "")?;
    answer.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// Waits until so many records of the only partition of `bank.transactions` are judged and committed; whether they are.
pub fn all_are_judged(connection: &Connection, records: u64) -> bool {
    let mut log = Follower::open(connection, &["mareva.sequence"], &FollowFrom::Beginning).unwrap();
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(300) {
        let Some(record) = log.next(Duration::from_secs(10)).unwrap() else { continue };
        let record: SequenceRecord = serde_json::from_slice(&record.payload).unwrap();
        if has_judged(&record, records) {
            return true;
        }
    }
    false
}

/// Whether so many records of the only partition of `bank.transactions` are judged.
pub fn has_judged(log: &SequenceRecord, records: u64) -> bool {
    let judged = log.judged.get("bank.transactions").and_then(|partitions| partitions.get(&0));
    judged.is_some_and(|offset| u64::try_from(*offset).unwrap() >= records)
}
