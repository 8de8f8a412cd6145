//! Lists that change while a run judges, on a real Kafka: an account that is listed while its money is moving, hostile versions of
//! the list, a list that changes while the process is dead, one that is taken off.
//! `MAREVA_RECORDS` and `MAREVA_ACCOUNTS` set the size; without them, one that fits an ordinary test run.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Cursor;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use mareva_kafka::{Connection, FollowFrom, Follower, SequenceRecord};
use mareva_model::alert::{Alert, AlertStatus};
use mareva_model::format_time;
use mareva_tests::binary;
use mareva_tests::counting::producer;
use mareva_tests::https_server::{Answer, HttpsServer};
use mareva_tests::kafka_broker::KafkaBroker;
use mareva_tests::lists::un_list;
use mareva_tests::running::{all_are_judged, free_address, has_judged, metric};
use minisign::KeyPair;
use rdkafka::producer::{BaseRecord, Producer};

const START: i64 = 1_767_571_200_000;
const DAY: i64 = 86_400_000;
/// Two accounts that take turns as the ones that are listed.
const FIRST: &str = "GB33BUKB20201555555555";
const SECOND: &str = "FR1420041010050500013M02606";
/// Everybody else pays, and is paid by, somebody else.
const EVERY: u64 = 1_000;
/// Payments a second while lists change.
const RATE: u64 = 2_000;

fn asked(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

struct Stage {
    folder: tempfile::TempDir,
    address: SocketAddr,
    connection: Connection,
    records: u64,
    accounts: u64,
    sent: u64,
    /// Payments that others sent.
    others: u64,
    server: HttpsServer,
    keys: KeyPair,
}

impl Stage {
    fn new(broker: &KafkaBroker) -> Self {
        let (folder, server) = (tempfile::tempdir().unwrap(), HttpsServer::start());
        let keys = KeyPair::generate_unencrypted_keypair().unwrap();
        let address = free_address();
        let text = format!(
            "[institution]\nbics = [\"MRVADEFF\"]\n[input]\nexchange = []\n[snapshots]\npath = \"state\"\nevery = \"3 s\"\n\
             [http]\nlisten = \"{address}\"\n[[lists]]\nname = \"mules\"\npath = \"mules.csv\"\nregime = \"fraud\"\n\
             action = \"hold\"\nbinding_in = [\"*\"]\nevidence_class = \"institution_confirmed\"\n[[lists]]\nname = \"un\"\n\
             path = \"un.xml\"\nregime = \"sanctions\"\naction = \"block\"\nbinding_in = [\"*\"]\nevidence_class = \"order\"\n\
             [lists.fetch]\nurl = \"{}\"\nca_file = \"ca.pem\"\npublic_key = \"{}\"\nmax_mib = 8\nmax_age = \"1 h\"\n[kafka]\n\
             \"bootstrap.servers\" = \"{}\"\n",
            server.url("/un.xml"),
            keys.pk.to_base64(),
            broker.bootstrap_servers()
        );
        fs::write(folder.path().join("mareva.toml"), text).unwrap();
        fs::write(folder.path().join("ca.pem"), server.certificate()).unwrap();
        fs::write(folder.path().join("un.xml"), un_list("2026-01-02", 1_000)).unwrap();
        let (records, accounts) = (asked("MAREVA_RECORDS", 40_000), asked("MAREVA_ACCOUNTS", 20_000));
        Self { folder, address, connection: broker.connection(), records, accounts, sent: 0, others: 0, server, keys }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a version of the list in its place: 40 accounts that nobody pays, and these.
    fn list(&self, accounts: &[&str]) {
        let others = (0..40).map(|number| format!("acct:-/MULE{number},report {number}\n"));
        let listed = accounts.iter().map(|account| format!("{account},report of a bank\n"));
        self.put(&["identifier,reason\n".to_owned()].into_iter().chain(others).chain(listed).collect::<String>());
    }

    fn put(&self, text: &str) {
        fs::write(self.path("mules.new"), text).unwrap();
        fs::rename(self.path("mules.new"), self.path("mules.csv")).unwrap();
    }

    /// Has a list published, signed.
    fn publish(&self, text: &str) {
        let signature = minisign::sign(Some(&self.keys.pk), &self.keys.sk, Cursor::new(text), None, None).unwrap();
        self.server.answer("/un.xml", Answer::Whole(text.into()));
        self.server.answer("/un.xml.minisig", Answer::Whole(signature.to_string().into()));
    }

    /// Fetches it; the exit code.
    fn fetch(&self) -> Option<i32> {
        let mut command = Command::new(binary());
        command.args(["lists", "fetch", "--config"]).arg(self.path("mareva.toml"));
        command.output().unwrap().status.code()
    }

    /// Fetches what is none in every way, while the run goes on: each is refused.
    fn fetch_what_is_hostile(&self) {
        let (half, older) = (un_list("2026-01-03", 500), un_list("2026-01-01", 1_000));
        for text in ["", "<html><body>503 Service Unavailable</body></html>", &half, &older, &half[..9_000]] {
            self.publish(text);
            assert_eq!(self.fetch(), Some(2), "{}", text.get(..60).unwrap_or(text));
        }
        self.publish(&half);
        let other = un_list("2026-01-03", 1_001);
        for answer in [
            // Not what was signed.
            Answer::Whole(other.clone().into()),
            Answer::CutOff(other.into()),
            Answer::Says(10 << 30),
            Answer::Endless,
            Answer::Status(404, None),
            Answer::Status(500, None),
        ] {
            self.server.answer("/un.xml", answer.clone());
            assert_eq!(self.fetch(), Some(2), "{answer:?}");
        }
    }

    fn fetch_what_is_right(&self) {
        let is_stale = |stage: &Self| stage.metric("mareva_list_stale{list=\"un\"}");
        self.wait_for("no publisher has answered", |stage| is_stale(stage) == 1.0);
        self.publish(&un_list("2026-01-03", 1_001));
        assert_eq!(self.fetch(), Some(0));
        self.wait_for("the version that is right is in force", |stage| {
            stage.metric("mareva_list_entries{list=\"un\"}") == 1_001.0 && is_stale(stage) == 0.0
        });
    }

    fn start(&self) -> Child {
        let mut command = Command::new(binary());
        command.args(["run", "--json", "--config"]).arg(self.path("mareva.toml"));
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        command.stdout(Stdio::piped()).stderr(log).spawn().expect("the binary starts")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// Sends payments, one in [`EVERY`] of them to each of the two accounts, spread over the day before [`START`] or at one time.
    fn feed(&mut self, number: u64, at: impl Fn(u64) -> i64) {
        let producer = producer(&self.connection);
        for number in self.sent..self.sent + number {
            let to = match number % EVERY {
                1 => FIRST.to_owned(),
                2 => SECOND.to_owned(),
                _ => format!("PAYEE{}", number.wrapping_mul(7_919) % self.accounts),
            };
            let line = format!(
                r#"{{"type":"credit_transfer","tx_id":"R{number}","source":"MRVADEFF","time":"{}","amount":"100.00","currency":"EUR","originator":{{"account":"PAYER{}"}},"beneficiary":{{"account":"{to}"}}}}"#,
                format_time(at(number)),
                number % self.accounts
            );
            while producer.send(BaseRecord::<(), str>::to("bank.transactions").payload(&line).partition(0)).is_err() {
                thread::sleep(Duration::from_millis(5));
            }
        }
        producer.flush(Duration::from_secs(60)).unwrap();
        self.sent += number;
    }

    /// Waits until all that was sent is judged and committed.
    fn judged(&self) {
        assert!(all_are_judged(&self.connection, self.sent + self.others), "not all is judged:\n{}", self.log());
    }

    fn metric(&self, name: &str) -> f64 {
        metric(self.address, name).unwrap_or(-1.0)
    }

    fn wait_for(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        while !is(self) {
            assert!(since.elapsed() < Duration::from_secs(60), "{what}:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Payments between others at a steady rate, until they are stopped.
struct Load {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<u64>,
}

impl Load {
    fn start(stage: &Stage) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (producer, stopped, accounts) = (producer(&stage.connection), stop.clone(), stage.accounts);
        let work = move || {
            let (mut sent, since) = (0, Instant::now());
            while !stopped.load(Ordering::Relaxed) {
                let line = format!(
                    r#"{{"type":"credit_transfer","tx_id":"L{sent}","source":"MRVADEFF","time":"{}","amount":"1.00","currency":"EUR","originator":{{"account":"PAYER{}"}},"beneficiary":{{"account":"PAYEE{}"}}}}"#,
                    format_time(START),
                    sent % accounts,
                    sent.wrapping_mul(7_919) % accounts
                );
                while producer.send(BaseRecord::<(), str>::to("bank.transactions").payload(&line).partition(0)).is_err()
                {
                    thread::sleep(Duration::from_millis(5));
                }
                sent += 1;
                let due = Duration::from_micros(sent * 1_000_000 / RATE);
                thread::sleep(due.saturating_sub(since.elapsed()));
            }
            producer.flush(Duration::from_secs(60)).unwrap();
            sent
        };
        Self { stop, thread: thread::spawn(work) }
    }

    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// The longest time between two slices that were cut from `since` to `until`, milliseconds.
fn longest_gap(connection: &Connection, records: u64, (since, until): (i64, i64)) -> i64 {
    let mut log = Follower::open(connection, &["mareva.sequence"], &FollowFrom::Beginning).unwrap();
    let (mut last, mut longest) = (since, 0);
    loop {
        let record = log.next(Duration::from_secs(30)).unwrap().expect("the log goes on");
        let record: SequenceRecord = serde_json::from_slice(&record.payload).unwrap();
        for slice in record.slices.iter().filter(|slice| (since..until).contains(&slice.tick)) {
            longest = longest.max(slice.tick - std::mem::replace(&mut last, slice.tick));
        }
        if has_judged(&record, records) {
            return longest;
        }
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Reads alerts as they come.
struct Alerts {
    follower: Follower,
    /// The latest revision of each.
    latest: BTreeMap<String, Alert>,
    revisions: usize,
}

impl Alerts {
    fn new(connection: &Connection) -> Self {
        let follower = Follower::open(connection, &["mareva.alerts"], &FollowFrom::Beginning).unwrap();
        Self { follower, latest: BTreeMap::new(), revisions: 0 }
    }

    /// The alerts on an account.
    fn of(&self, account: &str) -> impl Iterator<Item = &Alert> {
        self.latest.values().filter(move |alert| alert.subject.contains(account))
    }

    /// Waits until the alerts on an account are such.
    fn wait_for(&mut self, stage: &Stage, account: &str, is: impl Fn(&[&Alert]) -> bool) {
        let since = Instant::now();
        loop {
            let of: Vec<&Alert> = self.of(account).collect();
            if is(&of) {
                return;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "{of:?}\n{}", stage.log());
            let Some(record) = self.follower.next(Duration::from_millis(100)).unwrap() else { continue };
            let alert = Alert::from_json(&record.payload).unwrap();
            self.revisions += 1;
            let known = self.latest.insert(alert.alert_id.clone(), alert.clone());
            assert!(known.is_none_or(|known| known.revision < alert.revision), "{} is told twice", alert.alert_id);
        }
    }
}

/// Hits, and how many of those that are shown were no look back.
fn hits(alerts: &[&Alert]) -> (usize, usize) {
    let shown = || alerts.iter().flat_map(|alert| &alert.evidence.hits);
    let omitted: u64 = alerts.iter().map(|alert| alert.evidence.hits_omitted).sum();
    (shown().count() + usize::try_from(omitted).unwrap(), shown().filter(|hit| !hit.look_back).count())
}

#[test]
fn lists_change_while_money_moves() {
    let broker = KafkaBroker::start();
    broker.make_topics(1);
    let mut stage = Stage::new(&broker);
    let mut alerts = Alerts::new(&stage.connection);
    stage.list(&[]);
    let mut run = stage.start();
    let records = stage.records;
    stage.feed(records, |number| START - DAY + i64::try_from(number * DAY as u64 / records).unwrap());
    stage.judged();
    let paid = usize::try_from(records / EVERY).unwrap();

    // Listed while its money is moving: all of the last day is told.
    let load = Load::start(&stage);
    thread::sleep(Duration::from_secs(1));
    let (since, from) = (Instant::now(), now());
    stage.list(&[FIRST]);
    alerts.wait_for(&stage, FIRST, |of| hits(of).0 >= paid);
    println!("listed to told: {} ms, {records} records, {} accounts", since.elapsed().as_millis(), stage.accounts);
    alerts.wait_for(&stage, FIRST, |of| hits(of) == (paid, 0) && of.iter().all(|one| one.status == AlertStatus::Open));

    stage.wait_for("the metrics say which version", |stage| {
        stage.metric("mareva_list_entries{list=\"mules\"}") == 41.0
            && stage.metric("mareva_list_changes_total{result=\"changed\"}") == 1.0
    });

    // Versions that are none: the one in force stays, and says so.
    let good = fs::read_to_string(stage.path("mules.csv")).unwrap();
    let half: String = good.lines().take(20).map(|line| format!("{line}\n")).collect();
    let hostile =
        ["", "<html><body>503 Service Unavailable</body></html>", "identifier,reason\n", &half, "identifier\n\"broken"];
    for (number, text) in hostile.into_iter().enumerate() {
        stage.put(text);
        let refused = (number + 1) as f64;
        stage.wait_for("it is not refused", |stage| {
            stage.metric("mareva_list_changes_total{result=\"refused\"}") == refused
        });
    }
    stage.fetch_what_is_hostile();
    stage.fetch_what_is_right();
    let until = now();
    stage.others += load.stop();
    stage.feed(EVERY, |_| START);
    stage.judged();
    alerts.wait_for(&stage, FIRST, |of| hits(of) == (paid + 1, 1));
    let versions: BTreeSet<&str> =
        alerts.of(FIRST).flat_map(|alert| &alert.evidence.hits).map(|hit| hit.list.version.as_str()).collect();
    assert_eq!(versions.len(), 1, "the version in force was the same all the time");
    let gap = longest_gap(&stage.connection, stage.sent + stage.others, (from, until));
    let stall = stage.metric("mareva_rule_change_stall_seconds") * 1e3;
    println!(
        "at {RATE} payments a second the longest time between two slices is {gap} ms, and a change took {stall} ms"
    );
    assert!(stall < 5_000.0 && gap > 0);

    // The process dies, and the list is another one when it comes back.
    run.kill().unwrap();
    run.wait().unwrap();
    stage.list(&[SECOND]);
    run = stage.start();
    alerts.wait_for(&stage, FIRST, |of| of.iter().all(|one| one.status == AlertStatus::BasisWithdrawn));
    alerts.wait_for(&stage, SECOND, |of| hits(of) == (paid + 1, 0));
    stage.feed(EVERY, |_| START + 1);
    stage.judged();
    alerts.wait_for(&stage, SECOND, |of| hits(of) == (paid + 2, 1));
    assert!(Command::new("kill").arg(run.id().to_string()).status().unwrap().success());
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stage.log());
    // Once more, under the lists that were kept.
    run = stage.start();
    stage.wait_for("it does not come back", |stage| {
        stage.metric("mareva_list_changes_total{result=\"refused\"}") == 0.0
    });
    assert!(Command::new("kill").arg(run.id().to_string()).status().unwrap().success());
    assert!(run.wait_with_output().unwrap().status.success(), "{}", stage.log());
}
