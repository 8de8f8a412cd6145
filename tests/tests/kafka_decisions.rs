//! Decisions of people through a real Kafka: each kind from its slice on, over a `kill -9`, until its time is over; what is forged,
//! late or contradicts ends as a dead letter.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use mareva_codec::SigningKey;
use mareva_kafka::{Connection, FollowFrom, Follower, Topics};
use mareva_model::alert::{Action, Alert, AlertStatus};
use mareva_model::{DeadLetter, format_time};
use mareva_tests::binary;
use mareva_tests::counting::producer;
use mareva_tests::kafka_broker::KafkaBroker;
use mareva_tests::running::{free_address, metric};
use rdkafka::producer::{BaseRecord, Producer};
use serde_json::{Value, json};

/// Accounts with us: one whose holder has a listed name, one that a rule finds, one that is decided to be a mule's, two that are
/// listed.
const NAMED: &str = "DE02120300000000202051";
const LOUD: &str = "DE02500105170137075030";
const MULE: &str = "DE88100900001234567892";
const LISTED: [&str; 2] = ["GB33BUKB20201555555555", "FR1420041010050500013M02606"];
/// How long what is to end on time lasts.
const SHORT: Duration = Duration::from_secs(40);

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

struct Stage {
    folder: tempfile::TempDir,
    address: SocketAddr,
    connection: Connection,
    sent: u32,
    alerts: Follower,
    letters: Follower,
    /// The latest revision of each alert, and when it was read.
    latest: BTreeMap<String, (Alert, i64)>,
    refused: Vec<DeadLetter>,
}

impl Stage {
    fn new(broker: &KafkaBroker) -> Self {
        let (folder, address, connection) = (tempfile::tempdir().unwrap(), free_address(), broker.connection());
        let at = |name: &str| folder.path().join(name);
        let approver = |name: &str, number| {
            format!(
                "[[decisions.approvers]]\nname = \"{name}\"\nkey_id = \"{name}-1\"\npublic_key = \"{}\"\nmay = [\"cleared_pair\", \
                 \"snooze\", \"confirmed_mule\", \"victim_at_risk\", \"do_not_freeze_yet\", \"revocation\"]\n",
                key(number).public_key()
            )
        };
        let list = |name: &str, regime: &str, action: &str| {
            format!(
                "[[lists]]\nname = \"{name}\"\npath = \"{name}.csv\"\nregime = \"{regime}\"\naction = \"{action}\"\nbinding_in = [\"*\"]\n\
                 evidence_class = \"institution_confirmed\"\n"
            )
        };
        let text = [
            "[institution]\nbics = [\"MRVADEFF\"]\n[input]\nexchange = []\ndecisions = [\"mareva.decisions\"]\n[rules]\npath = \"rules\"\n\
             [snapshots]\npath = \"state\"\nevery = \"3 s\"\n"
                .to_owned(),
            format!("[http]\nlisten = \"{address}\"\n"),
            list("mules", "fraud", "hold"),
            list("names", "sanctions", "block"),
            approver("alice", 1),
            approver("bob", 2),
            format!("[kafka]\n\"bootstrap.servers\" = \"{}\"\n", broker.bootstrap_servers()),
        ];
        fs::write(at("mareva.toml"), text.concat()).unwrap();
        fs::write(at("mules.csv"), format!("identifier\n{}\n{}\n", LISTED[0], LISTED[1])).unwrap();
        fs::write(at("names.csv"), "id,name\nn1,Anna Beispiel\n").unwrap();
        fs::create_dir_all(at("rules/large")).unwrap();
        let toml = "id = \"large\"\nversion = 1\ntitle = \"large payment\"\nseverity = \"high\"\nraises = \"alert\"\nsubject_role = \
             \"suspect\"\ntargets = \"subject_account\"\naction = \"hold\"\nreason_code = \"FRAD\"\ntypology = \"T\"\nsources = [\"s\"]\n";
        let sql = "SELECT row_id, account AS subject, event_time, COUNT(*) OVER w AS seen FROM movements WINDOW w AS (PARTITION BY \
             account ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) \
             QUALIFY direction = 'in' AND amount_ref >= 1000 AND seen > 0";
        fs::write(at("rules/large/rule.toml"), toml).unwrap();
        fs::write(at("rules/large/rule.sql"), sql).unwrap();
        let open = |topic: &str| Follower::open(&connection, &[topic], &FollowFrom::Beginning).unwrap();
        let (alerts, letters) = (open("mareva.alerts"), open("mareva.deadletters"));
        let (latest, refused) = (BTreeMap::new(), Vec::new());
        Self { folder, address, connection, sent: 0, alerts, letters, latest, refused }
    }

    fn start(&self) -> Child {
        let mut command = Command::new(binary());
        command.args(["run", "--json", "--config"]).arg(self.folder.path().join("mareva.toml"));
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        command.stdout(Stdio::null()).stderr(log).spawn().expect("the binary starts")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn send(&self, topic: &str, payload: &str) {
        let producer = producer(&self.connection);
        assert!(producer.send(BaseRecord::<(), str>::to(topic).payload(payload).partition(0)).is_ok());
        producer.flush(Duration::from_secs(60)).unwrap();
    }

    fn pay(&mut self, to: &str, name: &str, amount: &str) {
        self.sent += 1;
        let payment = json!({
            "type": "credit_transfer", "tx_id": format!("P{}", self.sent), "source": "MRVADEFF", "time": format_time(now()),
            "amount": amount, "currency": "EUR", "originator": { "account": "ES9121000418450200051332" },
            "beneficiary": { "account": to, "name": name, "agent": "MRVADEFF" },
        });
        self.send("bank.transactions", &payment.to_string());
    }

    /// Signs a decision by Alice, and by Bob too where two have to; when it ends.
    fn signed(id: &str, lasts: Duration, mut what: Value) -> (String, i64) {
        let (now, lasts) = (now(), i64::try_from(lasts.as_millis()).unwrap());
        what["id"] = json!(id);
        what["reason"] = json!("somebody has looked at it");
        what["issued_at"] = json!(format_time(now));
        what["until"] = json!(format_time(now + lasts));
        let once = key(1).sign("alice-1", what.to_string().as_bytes()).unwrap();
        let record = if what["kind"] == "snooze" { key(2).sign_too("bob-1", once.as_bytes()).unwrap() } else { once };
        (record, now + lasts)
    }

    fn decide(&self, id: &str, lasts: Duration, what: Value) -> i64 {
        let (record, until) = Self::signed(id, lasts, what);
        self.send("mareva.decisions", &record);
        until
    }

    /// Waits until the latest alert on an account is such; when that was read.
    fn wait_for(&mut self, what: &str, account: &str, is: impl Fn(&Alert) -> bool) -> (Alert, i64) {
        let since = Instant::now();
        loop {
            let on_it = self.latest.values().filter(|(alert, _)| alert.subject.contains(account));
            if let Some(found) = on_it.clone().find(|(alert, _)| is(alert)) {
                return found.clone();
            }
            let shown: Vec<_> = on_it.map(|(alert, _)| alert.headline()).collect();
            assert!(since.elapsed() < Duration::from_secs(90), "{what}: {shown:?}\n{}", self.log());
            self.read_alert(Duration::from_millis(100));
        }
    }

    fn read_alert(&mut self, wait: Duration) -> bool {
        let Some(record) = self.alerts.next(wait).unwrap() else { return false };
        let alert = Alert::from_json(&record.payload).unwrap();
        let known = self.latest.insert(alert.alert_id.clone(), (alert.clone(), now()));
        assert!(known.is_none_or(|(known, _)| known.revision < alert.revision), "{} is told twice", alert.alert_id);
        true
    }

    /// Waits for the next dead letter; its reason as the topic has it.
    fn refusal(&mut self, what: &str) -> String {
        let since = Instant::now();
        loop {
            assert!(since.elapsed() < Duration::from_secs(60), "{what}\n{}", self.log());
            let Some(record) = self.letters.next(Duration::from_millis(100)).unwrap() else { continue };
            let letter: DeadLetter = serde_json::from_slice(&record.payload).unwrap();
            let reason = serde_json::to_value(letter.reason).unwrap().as_str().unwrap().to_owned();
            self.refused.push(letter);
            return reason;
        }
    }

    fn in_force(&self, kind: &str) -> f64 {
        metric(self.address, &format!("mareva_decisions_in_force{{kind=\"{kind}\"}}")).unwrap_or(-1.0)
    }

    fn wait_until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let since = Instant::now();
        while !is(self) {
            assert!(since.elapsed() < Duration::from_secs(60), "{what}\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn is_open(alert: &Alert) -> bool {
    alert.status == AlertStatus::Open
}

fn is_aside(alert: &Alert) -> bool {
    alert.status == AlertStatus::SetAside
}

fn holds(alert: &Alert) -> bool {
    is_open(alert) && alert.action == Action::Hold && !alert.targets.is_empty()
}

/// What no decision may do; each is a dead letter, and nothing of it takes force.
fn send_what_is_hostile(stage: &mut Stage) {
    let mule = json!({ "kind": "confirmed_mule", "account": NAMED });
    let (right, _) = Stage::signed("H1", SHORT, mule.clone());
    let mut forged: Value = serde_json::from_str(&right).unwrap();
    forged["payload"] =
        serde_json::from_str::<Value>(&Stage::signed("H2", SHORT, mule.clone()).0).unwrap()["payload"].clone();
    let (snooze, _) = Stage::signed(
        "H3",
        SHORT,
        json!({ "kind": "snooze", "account": LOUD, "rules": ["large"], "amount_cap": "9.00" }),
    );
    let mut of_one: Value = serde_json::from_str(&snooze).unwrap();
    of_one["signatures"].as_array_mut().unwrap().pop();
    let payload = json!({
        "id": "H4", "kind": "confirmed_mule", "account": NAMED, "reason": "r", "issued_at": format_time(now() - 20_000),
        "until": format_time(now() - 10_000),
    });
    let expired = key(1).sign("alice-1", payload.to_string().as_bytes()).unwrap();
    let (contradicts, _) = Stage::signed("H5", SHORT, json!({ "kind": "victim_at_risk", "account": MULE }));
    let (unknown, _) = Stage::signed("H6", SHORT, json!({ "kind": "revocation", "decision": "nothing" }));
    for (what, record, reason) in [
        ("forged", forged.to_string(), "untrusted"),
        ("one signature of two", of_one.to_string(), "untrusted"),
        ("a stranger's", key(9).sign("alice-1", mule_of(NAMED).as_bytes()).unwrap(), "untrusted"),
        ("unsigned", mule.to_string(), "malformed"),
        ("expired", expired, "expired"),
        ("contradicts", contradicts, "conflicting"),
        ("revokes nothing", unknown, "invalid_field"),
    ] {
        stage.send("mareva.decisions", &record);
        assert_eq!(stage.refusal(what), reason, "{what}");
        let letter = stage.refused.last().unwrap();
        assert_eq!((letter.position.topic.as_str(), letter.payload.as_str()), ("mareva.decisions", record.as_str()));
    }
}

fn mule_of(account: &str) -> String {
    json!({
        "id": "H9", "kind": "confirmed_mule", "account": account, "reason": "r", "issued_at": format_time(now()),
        "until": format_time(now() + 60_000),
    })
    .to_string()
}

/// Pays to everybody of whom something is decided, and reads what comes of it.
fn pay_everybody_again(stage: &mut Stage) {
    stage.pay(NAMED, "Anna Beispiel", "11.00");
    stage.pay(LOUD, "Bert", "1000.00");
    stage.pay(MULE, "Bert", "21.00");
    LISTED.iter().for_each(|account| stage.pay(account, "Bert", "31.00"));
    stage.wait_until("not all is judged", |stage| {
        metric(stage.address, "mareva_transactions_total{outcome=\"accepted\"}") == Some(5.0)
    });
    // What came of it is committed within a second.
    while stage.read_alert(Duration::from_secs(2)) {}
}

#[test]
fn decisions_hold_over_a_kill_and_end_on_time() {
    let broker = KafkaBroker::start();
    let mut topics = Topics::default();
    topics.inputs.insert("mareva.decisions".to_owned());
    broker.make(&topics, 1);
    let mut stage = Stage::new(&broker);
    let mut run = stage.start();
    stage.pay(NAMED, "Anna Beispiel", "10.00");
    stage.pay(LOUD, "Bert", "1000.00");
    stage.pay(MULE, "Bert", "20.00");
    LISTED.iter().for_each(|account| stage.pay(account, "Bert", "30.00"));
    let (named, _) = stage.wait_for("a name", NAMED, is_open);
    stage.wait_for("a rule", LOUD, holds);
    LISTED.iter().for_each(|account| _ = stage.wait_for("a listed account", account, holds));

    let long = Duration::from_secs(3_600);
    let entry = &named.evidence.hits[0].entry;
    let pair = json!({ "kind": "cleared_pair", "account": NAMED, "entry": entry.id, "entry_digest": entry.digest, "name": "Anna Beispiel" });
    let cleared_until = stage.decide("D1", SHORT, pair);
    stage.wait_for("a cleared pair", NAMED, is_aside);
    let snooze = json!({ "kind": "snooze", "account": LOUD, "rules": ["large"], "amount_cap": "5000.00" });
    let snoozed_until = stage.decide("D2", SHORT, snooze);
    stage.wait_for("a snooze", LOUD, is_aside);
    stage.decide("D3", long, json!({ "kind": "confirmed_mule", "account": MULE }));
    let (mule, _) = stage.wait_for("a confirmed mule", MULE, holds);
    assert!(mule.evidence.hits[0].look_back, "what it did before");
    stage.decide("D4", long, json!({ "kind": "victim_at_risk", "account": LISTED[0] }));
    let is_spared = |alert: &Alert| alert.safety.victim_at_risk == Some(true) && alert.targets.is_empty();
    stage.wait_for("a victim", LISTED[0], is_spared);
    let waiting_until = stage.decide("D5", SHORT, json!({ "kind": "do_not_freeze_yet", "account": LISTED[1] }));
    let waits = |alert: &Alert| alert.safety.do_not_freeze_yet == Some(true) && alert.action == Action::Report;
    stage.wait_for("an authority's wish", LISTED[1], waits);
    send_what_is_hostile(&mut stage);

    run.kill().unwrap();
    run.wait().unwrap();
    run = stage.start();
    stage.wait_until("decisions are gone after a kill", |stage| {
        ["cleared_pair", "snooze", "confirmed_mule", "victim_at_risk", "do_not_freeze_yet"]
            .iter()
            .all(|kind| stage.in_force(kind) == 1.0)
    });
    pay_everybody_again(&mut stage);
    let mule = stage.wait_for("a payment to the mule", MULE, holds).0;
    assert_eq!(mule.evidence.hits.len(), 2);
    assert!(now() < cleared_until, "the machine is too slow for this test: make SHORT longer");
    for (account, is) in
        [(NAMED, is_aside as fn(&Alert) -> bool), (LOUD, is_aside), (LISTED[0], is_spared), (LISTED[1], waits)]
    {
        stage.wait_for("it holds no more after the kill", account, is);
    }

    // Their time is over: what was set aside stands, with what came meanwhile.
    let mut latest = 0;
    for (account, until, is) in [
        (NAMED, cleared_until, (|alert| is_open(alert) && alert.evidence.hits.len() == 2) as fn(&Alert) -> bool),
        (LOUD, snoozed_until, holds),
        (LISTED[1], waiting_until, holds),
    ] {
        let (alert, at) = stage.wait_for("it does not end", account, is);
        assert!(at >= until && alert.decisions.is_empty(), "{account} ended {} ms early", until - at);
        latest = latest.max(at - until);
    }
    println!("decisions ended at most {latest} ms after their time was over, as read from the topic");
    assert_eq!(stage.in_force("victim_at_risk"), 1.0);
    stage.decide("R3", long, json!({ "kind": "revocation", "decision": "D3" }));
    stage.wait_for("a revoked mule", MULE, |alert| alert.status == AlertStatus::BasisWithdrawn);
    assert!(Command::new("kill").arg(run.id().to_string()).status().unwrap().success());
    assert!(run.wait().unwrap().success(), "{}", stage.log());
}
