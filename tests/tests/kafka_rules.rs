//! Rules that change while a run judges, on a real Kafka: asked for by an operator, killed in between. Each transaction is judged
//! by the rules of one epoch, and a rule that has just taken force gives what it would have given had it always been there.
//! `MAREVA_RECORDS` sets the size, with 100 changes; without it, a size that fits an ordinary test run.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mareva_kafka::{Connection, FollowFrom, Follower, SequenceRecord};
use mareva_model::alert::Alert;
use mareva_model::format_time;
use mareva_tests::binary;
use mareva_tests::counting::producer;
use mareva_tests::kafka_broker::KafkaBroker;
use mareva_tests::running::{all_are_judged, ask, free_address, metric};
use rdkafka::producer::{BaseRecord, Producer};

const TOKEN: &str = "a token of the test alone";
const START: i64 = 1_767_571_200_000;
const HOUR: i64 = 3_600_000;
/// All records lie in this many hours, at equal distances.
const HOURS: i64 = 72;
/// Accounts that everybody pays, in turn.
const PAYEES: u64 = 50;

fn size() -> (u64, u32) {
    let asked = std::env::var("MAREVA_RECORDS").ok().and_then(|n| n.parse().ok());
    asked.map_or((60_000, 16), |records| (records, 100))
}

fn time(number: u64, records: u64) -> i64 {
    START + i64::try_from(number).unwrap() * HOURS * HOUR / i64::try_from(records).unwrap()
}

/// Cents between nothing and 10,000.00.
fn amount(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) % 1_000_000
}

/// The windows, in hours, and the least amount, in cents, of a version of the rule.
fn terms(version: u32, records: u64) -> (i64, u64) {
    let fire = 1_000_000 * 400 / records * u64::from(10 + version % 3) / 10;
    ([24, 1, 24, 6][version as usize % 4], 1_000_000 - fire)
}

/// Writes a version of the only rule.
fn write_rule(rules: &Path, version: u32, records: u64) {
    let (hours, least) = terms(version, records);
    let toml = format!(
        "id = \"probe\"\nversion = {version}\ntitle = \"Large payment\"\nseverity = \"low\"\nraises = \"alert\"\n\
         subject_role = \"unknown\"\ntargets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\ntypology = \"T\"\n\
         sources = [\"s\"]\n[parameters]\nleast = {{ value = \"{}.{:02}\", type = \"decimal\" }}\n",
        least / 100,
        least % 100
    );
    let sql = format!(
        "SELECT row_id, account AS subject, event_time, COUNT(*) OVER w AS seen FROM movements WHERE counterparty IS NOT NULL\n\
         WINDOW w AS (PARTITION BY counterparty ORDER BY event_time RANGE BETWEEN INTERVAL '{hours}' HOUR PRECEDING AND \
         CURRENT ROW)\nQUALIFY direction = 'out' AND amount_ref >= $least AND seen > 0"
    );
    let folder = rules.join("probe");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("rule.toml"), toml).unwrap();
    fs::write(folder.join("rule.sql"), sql).unwrap();
}

fn payment(number: u64, records: u64) -> String {
    let (cents, payee) = (amount(number), number % PAYEES);
    format!(
        r#"{{"type":"credit_transfer","tx_id":"R{number}","source":"MRVADEFF","time":"{}","amount":"{}.{:02}","currency":"EUR","originator":{{"account":"PAYER{number}"}},"beneficiary":{{"account":"PAYEE{payee}"}}}}"#,
        format_time(time(number, records)),
        cents / 100,
        cents % 100
    )
}

/// Writes all records within about `seconds`, and tells how many it has written.
fn feed(connection: &Connection, records: u64, seconds: u64, written: &AtomicU64) {
    let producer = producer(connection);
    let began = Instant::now();
    for number in 0..records {
        let line = payment(number, records);
        while producer.send(BaseRecord::<(), str>::to("bank.transactions").payload(&line).partition(0)).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
        if number % 500 == 0 {
            written.store(number, Ordering::Relaxed);
            let due = Duration::from_millis(seconds * 1_000 * number / records);
            thread::sleep(due.saturating_sub(began.elapsed()));
        }
    }
    producer.flush(Duration::from_secs(60)).unwrap();
    written.store(records, Ordering::Relaxed);
}

struct Stage {
    folder: tempfile::TempDir,
    address: SocketAddr,
    config: PathBuf,
}

impl Stage {
    fn new(broker: &KafkaBroker) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
        let text = format!(
            "[institution]\nbics = [\"MRVADEFF\"]\n[input]\nexchange = []\n[rules]\npath = \"rules\"\n[snapshots]\npath = \"state\"\nevery = \"3 s\"\n\
             [http]\nlisten = \"{address}\"\nadmin_token_file = \"token\"\n[kafka]\n\"bootstrap.servers\" = \"{}\"\n",
            broker.bootstrap_servers()
        );
        let config = folder.path().join("mareva.toml");
        fs::write(&config, text).unwrap();
        Self { folder, address, config }
    }

    fn rules(&self) -> PathBuf {
        self.folder.path().join("rules")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn start(&self) -> Child {
        let mut command = Command::new(binary());
        command.args(["run", "--json", "--config"]).arg(&self.config);
        // A pipe that nobody reads would stop it once it is full.
        let log = fs::File::options().create(true).append(true).open(self.log()).unwrap();
        command.stdout(Stdio::piped()).stderr(log).spawn().expect("the binary starts")
    }

    fn ask(&self, method: &str, path: &str, token: &str) -> Option<(u16, serde_json::Value)> {
        let answer = ask(self.address, method, path, &format!("Authorization: Bearer {token}\r\n"))?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.get(9..12)?.parse().ok()?, serde_json::from_str(body).unwrap_or_default()))
    }

    /// Longest time for which the judging has waited for a change, milliseconds.
    fn longest_change(&self) -> f64 {
        let seconds = metric(self.address, "mareva_rule_change_stall_seconds").unwrap();
        println!("until it is killed: longest change {} ms", seconds * 1e3);
        seconds * 1e3
    }

    /// Waits until this version is in force and gives its epoch.
    fn in_force(&self, version: u32) -> String {
        let since = Instant::now();
        loop {
            if since.elapsed() > Duration::from_secs(120) {
                panic!("version {version} does not take force:\n{}", fs::read_to_string(self.log()).unwrap());
            }
            thread::sleep(Duration::from_millis(50));
            let Some((200, shown)) = self.ask("GET", "/admin/rules", TOKEN) else { continue };
            let is = |rule: &&serde_json::Value| rule["version"] == version && rule["until_row"].is_null();
            if shown["rules"].as_array().unwrap().iter().any(|rule| is(&rule)) {
                return shown["epoch"].as_str().unwrap().to_owned();
            }
        }
    }
}

/// No pause of the judging is longer than this, milliseconds; in a run of its own, where the machine does nothing else.
fn assert_no_pause(records: u64, millis: f64) {
    assert!(records < 1_000_000 || millis <= 100.0, "{millis} ms");
}

/// The epoch of each offset of the input, as the log tells it.
fn epochs_of(connection: &Connection) -> Vec<String> {
    let mut log = Follower::open(connection, &["mareva.sequence"], &FollowFrom::Beginning).unwrap();
    let mut epochs = Vec::new();
    for record in log.read_to_end(Duration::from_secs(60)).unwrap() {
        let record: SequenceRecord = serde_json::from_slice(&record.payload).unwrap();
        for cut in record.slices.iter().flat_map(|slice| &slice.cuts) {
            assert_eq!(usize::try_from(cut.from).unwrap(), epochs.len(), "slices tile");
            epochs.resize(usize::try_from(cut.to).unwrap(), record.epoch.to_string());
        }
    }
    epochs
}

/// What was detected: payer, version, and how often the payee was seen.
type Found = BTreeMap<String, (u32, u64)>;

fn published(connection: &Connection) -> Found {
    let mut alerts = Follower::open(connection, &["mareva.alerts"], &FollowFrom::Beginning).unwrap();
    let mut found = Found::new();
    for record in alerts.read_to_end(Duration::from_secs(60)).unwrap() {
        let alert = Alert::from_json(&record.payload).unwrap();
        let [rule] = &alert.evidence.rules[..] else { panic!("{}", alert.subject) };
        let [detection] = &rule.detections[..] else { panic!("{}", alert.subject) };
        let seen = detection.columns["seen"].as_u64().unwrap();
        let twice = found.insert(alert.subject.clone(), (rule.rule.version, seen));
        assert!(twice.is_none() || twice == Some((rule.rule.version, seen)), "{} is judged twice", alert.subject);
    }
    found
}

fn expected(epochs: &[String], versions: &BTreeMap<String, u32>, records: u64) -> Found {
    let mut found = Found::new();
    for (number, epoch) in (0..records).zip(epochs) {
        let version = versions[epoch];
        let (hours, least) = terms(version, records);
        if amount(number) < least {
            continue;
        }
        let from = time(number, records) - hours * HOUR;
        let before = (0..=number / PAYEES).map(|back| number - back * PAYEES);
        let seen = before.take_while(|earlier| time(*earlier, records) >= from).count() as u64;
        found.insert(format!("acct:-/PAYER{number}"), (version, seen));
    }
    found
}

#[test]
fn each_transaction_is_judged_by_the_rules_of_one_epoch() {
    let (records, changes) = size();
    let broker = KafkaBroker::start();
    broker.make_topics(1);
    let stage = Stage::new(&broker);
    write_rule(&stage.rules(), 1, records);
    let mut run = stage.start();
    let mut versions = BTreeMap::from([(stage.in_force(1), 1)]);
    let refused = stage.ask("POST", "/admin/rules/reload", "another token of the test").unwrap();
    assert_eq!(refused.0, 401);
    let connection = broker.connection();
    let seconds = u64::from(changes) * 3 / 2;
    let written = Arc::new(AtomicU64::new(0));
    let by_now = written.clone();
    let feeding = thread::spawn(move || feed(&connection, records, seconds, &written));
    let mut changed_since_start = 0;
    for change in 1..=changes {
        let version = change + 1;
        // The changes are spread over the records.
        while by_now.load(Ordering::Relaxed) < records * u64::from(change) / u64::from(changes + 1) {
            thread::sleep(Duration::from_millis(20));
        }
        if change == changes / 2 {
            assert_no_pause(records, stage.longest_change());
            // Between two versions, and with other rules in the folder than in force.
            run.kill().unwrap();
            run.wait().unwrap();
            write_rule(&stage.rules(), version, records);
            run = stage.start();
            changed_since_start = 0;
        } else {
            write_rule(&stage.rules(), version, records);
            // Whoever looks first: the watch, or this.
            let (code, said) = stage.ask("POST", "/admin/rules/reload", TOKEN).unwrap();
            assert!(matches!(code, 200 | 202), "{code}: {said}");
            changed_since_start += 1;
        }
        versions.insert(stage.in_force(version), version);
    }
    feeding.join().unwrap();
    // What does not load changes nothing, and is told.
    fs::write(stage.rules().join("probe/rule.sql"), "SELECT nothing").unwrap();
    let (code, said) = stage.ask("POST", "/admin/rules/reload", TOKEN).unwrap();
    assert!(code == 422 && said["faults"].as_array().is_some_and(|faults| !faults.is_empty()), "{code}: {said}");
    stage.in_force(changes + 1);
    assert!(all_are_judged(&broker.connection(), records), "not all is judged");
    assert!(Command::new("kill").arg(run.id().to_string()).status().unwrap().success());
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", fs::read_to_string(stage.log()).unwrap());
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{records} records, {changes} changes: {summary}");
    assert!(summary["epoch_changes"].as_u64().unwrap() > changed_since_start, "{summary}");
    assert!(summary["longest_change_at_start_ms"].as_f64().unwrap() > 0.0, "{summary}");
    for longest in
        [&summary["longest_change_ms"], &summary["slice_with_change_ms"]["max"], &summary["longest_snapshot_ms"]]
    {
        assert_no_pause(records, longest.as_f64().unwrap());
    }

    let epochs = epochs_of(&broker.connection());
    assert_eq!(epochs.len() as u64, records);
    let (found, expected) = (published(&broker.connection()), expected(&epochs, &versions, records));
    assert!(expected.len() > 100 && found.len() == expected.len(), "{} of {}", found.len(), expected.len());
    assert!(found == expected, "the first that differs: {:?}", found.iter().zip(&expected).find(|(a, b)| a != b));
    let under: BTreeSet<u32> = expected.values().map(|(version, _)| *version).collect();
    assert!(under.len() > changes as usize / 2, "the comparison says something only where versions judged: {under:?}");
}
