//! Decisions of people: each kind from its slice on, until its time is over or it is revoked.

mod ended;

use mareva_codec::{Approver, SigningKey, read_public_key};
use mareva_model::alert::{Action, Alert, AlertStatus};
use mareva_model::{Ruling, format_time};
use mareva_monitoring::{Account, RuleText};
use serde_json::{Value, json};

use super::*;
use crate::LIST_OF_DECISIONS;
use crate::alerts::tests::contract;

const DECISIONS: &str = "mareva.decisions";
const MINUTE: i64 = 60_000;
/// Accounts with us. The first is listed as a mule's.
const ACCOUNTS: [&str; 3] = ["DE02120300000000202051", "DE02500105170137075030", "DE88100900001234567892"];

fn iban(account: usize) -> String {
    format!("iban:{}", ACCOUNTS[account])
}

/// Every payment in raises an alert that holds it.
fn rules() -> Arc<Ruleset> {
    let toml = "id = \"large\"\nversion = 1\ntitle = \"t\"\nseverity = \"high\"\nraises = \"alert\"\nsubject_role = \"suspect\"\n\
         targets = \"subject_account\"\naction = \"hold\"\nreason_code = \"FRAD\"\ntypology = \"T\"\nsources = [\"s\"]\n";
    let sql = "SELECT row_id, account AS subject, event_time, COUNT(*) OVER w AS seen FROM movements WINDOW w AS (PARTITION BY \
         account ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) \
         QUALIFY direction = 'in' AND amount_ref >= 100 AND seen > 0";
    let text = RuleText { folder: "large".to_owned(), toml: toml.to_owned(), sql: sql.to_owned() };
    Arc::new(Ruleset::load(&[text]).unwrap())
}

/// The listed account, and two entries of one name; the second may be of another programme.
fn lists(programme: &str) -> Arc<Watchlist> {
    let list = |config, text: &str| Arc::new(load_plain(&config, text.as_bytes(), "list.csv").unwrap());
    let mules = format!("identifier,id\n{},m1\n", ACCOUNTS[0]);
    let names = format!("id,name,programme\nn1,Anna Beispiel,A\nn2,Anna Beispiel,{programme}\n");
    let blocked = "identifier,id\nGB33BUKB20201555555555,b1\n";
    let lists = vec![
        list(ListConfig::fraud("mules", ""), mules.as_str()),
        list(ListConfig::sanctions("names", ""), names.as_str()),
        list(ListConfig::sanctions("blocked", ""), blocked),
    ];
    Arc::new(Watchlist::new(lists).unwrap())
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

fn world() -> Parts {
    let approver = |name: &str, number| Approver {
        name: name.to_owned(),
        public_key: read_public_key(&key(number).public_key()).unwrap(),
        may: Ruling::ALL.map(str::to_owned).to_vec(),
    };
    let base = parts();
    let decisions = DecisionConfig {
        topics: [DECISIONS.to_owned()].into(),
        approvers: [("a".to_owned(), approver("alice", 1)), ("b".to_owned(), approver("bob", 2))].into(),
        longest_ms: 366 * 86_400_000,
        max_in_force: 100,
    };
    let config = Arc::new(PipelineConfig { decisions, ..PipelineConfig::clone(&base.config) });
    // The second account is one of two of a customer.
    let of_customer = |account: &str| Account {
        account: format!("iban:{account}"),
        customer: Some("C1".into()),
        segment: None,
        role: None,
        opened_at: None,
        country: None,
    };
    let accounts = Arc::new(Accounts::new(&[of_customer(ACCOUNTS[1]), of_customer("BE68539007547034")]));
    Parts { watchlist: lists("B"), ruleset: rules(), config, accounts, ..base }
}

/// A pipeline, its clock, and the latest revision of each alert.
struct Desk {
    pipeline: Pipeline,
    tick: i64,
    offset: i64,
    latest: BTreeMap<String, Alert>,
}

enum Sent {
    Payment(String),
    Decision(String),
}

impl Desk {
    fn new() -> Self {
        Self { pipeline: Pipeline::new(world()).unwrap(), tick: APPENDED, offset: 0, latest: BTreeMap::new() }
    }

    fn slice(&mut self, sent: Vec<Sent>) -> Output {
        let records = sent.into_iter().map(|sent| {
            self.offset += 1;
            let (topic, payload) = match sent {
                Sent::Payment(payload) => (BANK, payload),
                Sent::Decision(payload) => (DECISIONS, payload),
            };
            let (offset, append_time) = (self.offset, self.tick);
            InputRecord { topic: topic.into(), partition: 0, offset, append_time, payload: payload.into() }
        });
        let slice = InputSlice {
            records: records.collect(),
            seq: self.pipeline.last_seq() + 1,
            tick: self.tick,
            end: false,
            joined: vec![(DECISIONS.into(), 0)],
            epoch: self.pipeline.epoch(),
        };
        let output = self.pipeline.process(&slice).unwrap();
        let Counts { produced, accepted, repeated, late, dead_lettered, .. } = output.counts;
        assert_eq!(produced, accepted + repeated + late + dead_lettered);
        assert_eq!(dead_lettered, output.dead_letters.len() as u64);
        for alert in &output.alerts {
            let json = serde_json::from_slice(&alert.to_json()).unwrap();
            assert_eq!(contract::faults(&json), [] as [String; 0], "{json}");
            let before = self.latest.insert(alert.alert_id.clone(), alert.clone());
            assert!(before.is_none_or(|before| before.revision < alert.revision));
        }
        output
    }

    /// Pays to an account under a name; the alerts of it.
    fn pay(&mut self, account: usize, name: &str, amount: &str) -> Vec<Alert> {
        let text = self.payment(account, name, amount);
        self.slice(vec![Sent::Payment(text)]).alerts
    }

    fn payment(&self, account: usize, name: &str, amount: &str) -> String {
        json!({
            "type": "credit_transfer", "tx_id": format!("P{}", self.offset), "source": "MRVADEFF",
            "time": "2026-01-05T10:00:00Z", "amount": amount, "currency": "EUR",
            "originator": { "account": "FR1420041010050500013M02606" },
            "beneficiary": { "account": ACCOUNTS[account], "name": name, "agent": "MRVADEFF" },
        })
        .to_string()
    }

    /// Sends a decision that lasts for so long.
    fn decide(&mut self, id: &str, minutes: i64, what: Value) -> Output {
        let record = self.signed(id, minutes, what);
        self.slice(vec![Sent::Decision(record)])
    }

    fn signed(&self, id: &str, minutes: i64, mut what: Value) -> String {
        what["id"] = json!(id);
        what["reason"] = json!("it was looked at");
        what["issued_at"] = json!(format_time(self.tick));
        what["until"] = json!(format_time(self.tick + minutes * MINUTE));
        let once = key(1).sign("a", what.to_string().as_bytes()).unwrap();
        if what["kind"] == "snooze" { key(2).sign_too("b", once.as_bytes()).unwrap() } else { once }
    }

    /// Why a decision is refused.
    fn refusal(&mut self, id: &str, minutes: i64, what: Value) -> Option<Reason> {
        let output = self.decide(id, minutes, what);
        assert_eq!(output.counts.decisions, 1 - output.dead_letters.len() as u64);
        output.dead_letters.first().map(|letter| letter.reason)
    }

    /// Lets time go by.
    fn later(&mut self, minutes: i64) -> Vec<Alert> {
        self.tick += minutes * MINUTE;
        self.slice(Vec::new()).alerts
    }

    fn restart(&mut self) {
        let mut bytes = Vec::new();
        self.pipeline.write_snapshot(&mut bytes).unwrap();
        let parts = world().with_lists(self.pipeline.watchlist().clone());
        self.pipeline = Pipeline::restore(parts, &mut bytes.as_slice()).unwrap();
        let mut again = Vec::new();
        self.pipeline.write_snapshot(&mut again).unwrap();
        assert!(bytes == again, "what is restored is what was written");
    }

    /// The pair of a hit that an alert names.
    fn pair(&self, entry: &str, account: usize) -> Value {
        let hits = self.latest.values().flat_map(|alert| &alert.evidence.hits);
        let digest = hits.filter(|hit| hit.entry.id == entry).map(|hit| hit.entry.digest.clone()).next().unwrap();
        let mut pair =
            json!({ "kind": "cleared_pair", "account": ACCOUNTS[account], "entry": entry, "entry_digest": digest });
        if entry.starts_with("names:") {
            pair["name"] = json!("Anna Beispiel");
        }
        pair
    }

    fn relist(&mut self, programme: &str) -> Output {
        let mut change = self.pipeline.begin_lists(lists(programme));
        change.run().unwrap();
        self.pipeline.adopt(change).unwrap();
        self.slice(Vec::new())
    }
}

fn entries(alert: &Alert) -> Vec<&str> {
    alert.evidence.hits.iter().map(|hit| hit.entry.id.as_str()).collect()
}

fn decided(alert: &Alert) -> Vec<&str> {
    alert.decisions.iter().map(|one| one.id.as_str()).collect()
}

fn of_names(alerts: &[Alert]) -> &Alert {
    alerts.iter().find(|alert| alert.regime == mareva_model::Regime::Sanctions).expect("an alert by name")
}

#[test]
fn a_cleared_pair_sets_its_hits_aside_until_it_ends_and_no_other_entry() {
    let mut desk = Desk::new();
    let raised = desk.pay(1, "Anna Beispiel", "10.00");
    assert_eq!(entries(of_names(&raised)), ["names:n1", "names:n2"]);
    let pair = desk.pair("names:n1", 1);
    let output = desk.decide("D1", 10, pair);
    assert_eq!((output.counts.decisions, output.decisions_in_force["cleared_pair"]), (1, 1));
    let alert = of_names(&output.alerts);
    assert_eq!((entries(alert), decided(alert), alert.status), (vec!["names:n2"], vec!["D1"], AlertStatus::Open));
    assert_eq!(alert.decisions[0].by, ["alice"]);
    let pair = desk.pair("names:n2", 1);
    let output = desk.decide("D2", 20, pair);
    let alert = of_names(&output.alerts);
    assert_eq!((alert.status, alert.targets.len(), decided(alert)), (AlertStatus::SetAside, 0, vec!["D1", "D2"]));
    desk.restart();
    // The same party again is not told of; another one of the name is.
    assert_eq!(desk.pay(1, "Anna Beispiel", "20.00"), []);
    assert_eq!(of_names(&desk.pay(2, "Anna Beispiel", "20.00")).subject, iban(2));
    let alerts = desk.later(10);
    let alert = of_names(&alerts);
    assert_eq!((entries(alert), decided(alert)), (vec!["names:n1", "names:n1"], vec!["D2"]));
    assert_eq!((alert.status, alert.subject.as_str()), (AlertStatus::Open, iban(1).as_str()));
    assert_eq!(entries(of_names(&desk.later(10))).len(), 4);
    assert_eq!(desk.later(10), []);
}

#[test]
fn a_cleared_pair_is_open_again_when_its_entry_says_something_else() {
    let mut desk = Desk::new();
    desk.pay(1, "Anna Beispiel", "10.00");
    let (first, second) = (desk.pair("names:n1", 1), desk.pair("names:n2", 1));
    desk.decide("D1", 100, first.clone());
    assert_eq!(of_names(&desk.decide("D2", 100, second.clone()).alerts).status, AlertStatus::SetAside);
    let output = desk.relist("C");
    assert_eq!(output.decisions_in_force["cleared_pair"], 1);
    let alert = of_names(&output.alerts);
    assert_eq!((entries(alert), decided(alert)), (vec!["names:n2"], vec!["D1"]));
    // What was decided of the entry as it was counts no more, whoever sends it again.
    assert_eq!(desk.refusal("D2", 100, second.clone()), Some(Reason::Expired));
    assert_eq!(desk.refusal("D3", 100, second), Some(Reason::Conflicting));
    assert_eq!(desk.refusal("D1", 100, first), None, "it is in force already");
}

#[test]
fn a_hit_that_more_supports_than_was_looked_at_is_not_cleared() {
    let mut desk = Desk::new();
    desk.pay(1, "Anna Beispiel", "10.00");
    let mut pair = desk.pair("names:n1", 1);
    pair["name"] = json!("anna  BEISPIEL");
    desk.decide("D1", 100, pair);
    let met = |name: &str, supported_by: &[&str]| mareva_model::MatchedOn::Name {
        value: name.to_owned(),
        listed: "Anna Beispiel".to_owned(),
        quality: mareva_model::AliasQuality::Primary,
        supported_by: supported_by.iter().map(|one| (*one).to_owned()).collect(),
        likeness: None,
    };
    let subject = iban(1);
    let cleared = |matched: &mareva_model::MatchedOn| {
        let (regime, entry) = (mareva_model::Regime::Sanctions, "names:n1");
        let met = crate::decisions::Met { subject: &subject, regime, entry, matched };
        desk.pipeline.decisions().cleared(&met, None).is_some()
    };
    assert!(cleared(&met("Anna Beispiel", &[])));
    assert!(!cleared(&met("Anna Beispiel", &["birth_date"])));
    assert!(!cleared(&met("Beispiel Anna", &[])), "another name");
    assert!(!cleared(&mareva_model::MatchedOn::Identifier { value: subject.clone() }));
}

#[test]
fn what_a_sanctions_list_names_by_its_number_is_never_cleared_and_what_a_fraud_list_names_is() {
    let mut desk = Desk::new();
    let digest = desk.pipeline.watchlist().digests("blocked:b1", None).remove(0);
    let account = "GB33BUKB20201555555555";
    let pair = json!({ "kind": "cleared_pair", "account": account, "entry": "blocked:b1", "entry_digest": digest });
    assert_eq!(desk.refusal("D1", 10, pair), Some(Reason::Forbidden));
    let raised = desk.pay(0, "A", "10.00");
    assert_eq!((raised.len(), raised[0].action, entries(&raised[0])), (1, Action::Hold, vec!["mules:m1"]));
    let pair = desk.pair("mules:m1", 0);
    assert_eq!(desk.decide("D2", 10, pair).alerts[0].status, AlertStatus::SetAside);
    // Nor is the account known as listed while that lasts: it may be a victim's.
    assert_eq!(desk.pay(0, "A", "20.00"), []);
    let alert = desk.later(10).remove(0);
    assert_eq!((alert.status, alert.action, alert.evidence.hits.len()), (AlertStatus::Open, Action::Hold, 2));
}

#[test]
fn a_snooze_silences_its_rules_up_to_its_cap_and_no_hit() {
    let mut desk = Desk::new();
    let snooze = |account: usize, cap: &str| json!({ "kind": "snooze", "account": ACCOUNTS[account], "rules": ["large"], "amount_cap": cap });
    assert_eq!(desk.refusal("D1", 10, snooze(1, "250.00")), None);
    assert_eq!(desk.pay(1, "A", "100.00"), []);
    assert_eq!(desk.pay(2, "A", "100.00").len(), 1, "another account");
    assert_eq!(desk.pay(1, "A", "150.00"), [], "250 is the most that may be");
    desk.restart();
    let told = desk.pay(1, "A", "100.00");
    assert_eq!((told[0].status, told[0].evidence.rules[0].detections.len()), (AlertStatus::Open, 3), "350 in all");
    // A hit is told of, with what the snooze leaves of the rest.
    desk.decide("D2", 10, snooze(0, "1000.00"));
    let told = desk.pay(0, "A", "500.00").remove(0);
    assert_eq!((entries(&told), told.evidence.rules.len(), decided(&told)), (vec!["mules:m1"], 0, vec!["D2"]));
    desk.decide("D3", 5, snooze(2, "100.00"));
    assert_eq!(desk.latest.values().find(|alert| alert.subject == iban(2)).unwrap().status, AlertStatus::SetAside);
    let told = desk.later(5).remove(0);
    assert_eq!((told.subject.as_str(), told.status), (iban(2).as_str(), AlertStatus::Open));
    for (what, snooze, reason) in [
        ("no rule", json!({ "rules": ["lrage"] }), Reason::InvalidField),
        ("one that is confirmed", json!({ "account": ACCOUNTS[2] }), Reason::Conflicting),
    ] {
        desk.decide("M", 100, json!({ "kind": "confirmed_mule", "account": ACCOUNTS[2] }));
        let mut wrong = json!({ "kind": "snooze", "account": ACCOUNTS[1], "rules": ["large"], "amount_cap": "1.00" });
        wrong.as_object_mut().unwrap().extend(snooze.as_object().unwrap().clone());
        assert_eq!(desk.refusal("D9", 10, wrong), Some(reason), "{what}");
    }
}

#[test]
fn a_confirmed_mule_is_a_hit_from_then_on_and_in_what_it_did_before() {
    let mut desk = Desk::new();
    assert_eq!(desk.pay(1, "A", "10.00"), []);
    let output = desk.decide("M1", 10, json!({ "kind": "confirmed_mule", "account": ACCOUNTS[1] }));
    let alert = &output.alerts[0];
    let entry = format!("{LIST_OF_DECISIONS}:M1");
    assert_eq!(
        (alert.action, entries(alert), alert.evidence.hits[0].look_back),
        (Action::Hold, vec![entry.as_str()], true)
    );
    desk.restart();
    let output = desk.slice(vec![Sent::Payment(desk.payment(1, "A", "20.00"))]);
    assert_eq!((output.hits.len(), output.alerts[0].evidence.hits.len()), (1, 2));
    // Its time is over: what it did stays what it is, and what comes is nobody's.
    assert_eq!(desk.later(10), []);
    assert_eq!(desk.pay(1, "A", "30.00"), []);
    desk.decide("M2", 10, json!({ "kind": "confirmed_mule", "account": ACCOUNTS[2] }));
    assert_eq!(desk.pay(2, "A", "10.00").len(), 1);
    let output = desk.decide("R", 10, json!({ "kind": "revocation", "decision": "M2" }));
    assert_eq!(
        (output.alerts[0].status, output.alerts[0].subject.as_str()),
        (AlertStatus::BasisWithdrawn, iban(2).as_str())
    );
    assert_eq!(desk.pay(2, "A", "10.00"), []);
}

#[test]
fn of_two_decisions_on_one_mule_the_other_stands_when_one_is_revoked() {
    let mut desk = Desk::new();
    let mule = json!({ "kind": "confirmed_mule", "account": ACCOUNTS[1] });
    desk.decide("M1", 100, mule.clone());
    desk.decide("M2", 10, mule);
    let raised = desk.pay(1, "A", "10.00").remove(0);
    assert_eq!(entries(&raised), ["decisions:M1", "decisions:M2"]);
    let output = desk.decide("R", 10, json!({ "kind": "revocation", "decision": "M2" }));
    assert_eq!((output.alerts[0].status, entries(&output.alerts[0])), (AlertStatus::Open, vec!["decisions:M1"]));
}

/// Whether lists found the row clear beforehand depends on threads, so what is found must not.
#[test]
fn what_is_found_of_a_mule_does_not_depend_on_what_was_decoded_ahead() {
    let record = |desk: &Desk| {
        let mut payment: Value = serde_json::from_str(&desk.payment(1, "A", "10.00")).unwrap();
        payment["remittance"] = json!(format!("for IBAN {}", ACCOUNTS[2]));
        payment.to_string()
    };
    let mut found = Vec::new();
    for other_lists in [false, true] {
        let mut desk = Desk::new();
        desk.decide("M1", 10, json!({ "kind": "confirmed_mule", "account": ACCOUNTS[2] }));
        let payload = record(&desk);
        let slice = |desk: &Desk| InputSlice {
            records: vec![InputRecord {
                topic: BANK.into(),
                partition: 0,
                offset: 9,
                append_time: desk.tick,
                payload: payload.clone().into(),
            }],
            seq: desk.pipeline.last_seq() + 1,
            tick: desk.tick,
            end: false,
            joined: Vec::new(),
            epoch: desk.pipeline.epoch(),
        };
        let mut decoder = desk.pipeline.decoder();
        let ahead = decoder.decode(&slice(&desk)).unwrap();
        if other_lists {
            let mut change = desk.pipeline.begin_lists(lists("C"));
            change.run().unwrap();
            desk.pipeline.adopt(change).unwrap();
        }
        let output = desk.pipeline.process_decoded(&slice(&desk), ahead).unwrap();
        assert_eq!(output.counts.accepted, 1);
        found.push(output.hits.len());
    }
    assert_eq!(found[0], found[1]);
}

#[test]
fn a_victim_at_risk_is_no_target_and_an_authority_can_have_a_hold_wait() {
    for (kind, action, targets) in [("victim_at_risk", None, 0), ("do_not_freeze_yet", Some(Action::Report), 1)] {
        let mut desk = Desk::new();
        let before = desk.pay(0, "A", "500.00").remove(0);
        assert_eq!(before.action, Action::Hold);
        let output = desk.decide("D", 10, json!({ "kind": kind, "account": ACCOUNTS[0] }));
        let alert = &output.alerts[0];
        assert_eq!((alert.targets.len(), decided(alert)), (targets, vec!["D"]), "{kind}");
        assert!(alert.targets.iter().all(|target| Some(target.action) == action && !target.action.restrains()));
        let is_victim = kind == "victim_at_risk";
        assert_eq!(alert.safety.victim_at_risk, is_victim.then_some(true));
        assert_eq!(alert.safety.do_not_freeze_yet, (!is_victim).then_some(true));
        desk.restart();
        let after = desk.later(10).remove(0);
        assert_eq!(after.content(), before.content(), "{kind}");
    }
}

#[test]
fn what_is_late_wrong_or_contradicts_is_a_dead_letter() {
    let mut desk = Desk::new();
    let mule = |account: usize| json!({ "kind": "confirmed_mule", "account": ACCOUNTS[account] });
    let victim = |account: usize| json!({ "kind": "victim_at_risk", "account": ACCOUNTS[account] });
    let old = desk.signed("D0", 10, mule(1));
    let letter = |desk: &mut Desk, record: &str| {
        desk.slice(vec![Sent::Decision(record.to_owned())]).dead_letters.first().map(|letter| letter.reason)
    };
    desk.later(10);
    assert_eq!(letter(&mut desk, &old), Some(Reason::Expired));
    desk.tick += 60 * MINUTE;
    let early = desk.signed("D1", 10, mule(1));
    desk.tick -= 60 * MINUTE;
    assert_eq!(letter(&mut desk, &early), Some(Reason::TimeAhead));
    assert_eq!(desk.refusal("D2", 367 * 24 * 60, mule(1)), Some(Reason::InvalidField), "longer than any may last");
    let kept = desk.signed("D3", 20, mule(1));
    assert_eq!(letter(&mut desk, &kept), None);
    assert_eq!(letter(&mut desk, &kept), None, "the same again");
    assert_eq!(desk.refusal("D3", 30, mule(1)), Some(Reason::Conflicting), "another under its id");
    assert_eq!(desk.refusal("D4", 10, victim(1)), Some(Reason::Conflicting));
    assert_eq!(desk.refusal("D5", 10, victim(2)), None);
    assert_eq!(desk.refusal("D6", 10, mule(2)), Some(Reason::Conflicting));
    let customer = json!({ "kind": "victim_at_risk", "customer": "C1" });
    assert_eq!(
        desk.refusal("D7", 10, customer.clone()),
        Some(Reason::Conflicting),
        "one of the customer's accounts is"
    );
    let mut other = Desk::new();
    assert_eq!(other.refusal("D8", 10, customer), None);
    assert_eq!(other.refusal("D9", 10, mule(1)), Some(Reason::Conflicting), "its customer is");
    assert_eq!(desk.refusal("R0", 10, json!({ "kind": "revocation", "decision": "D9" })), Some(Reason::InvalidField));
    let revocation = desk.signed("R1", 10, json!({ "kind": "revocation", "decision": "D3" }));
    assert_eq!(letter(&mut desk, &revocation), None);
    assert_eq!(letter(&mut desk, &revocation), None, "the same again");
    // What was revoked does not come back with its old signature, not after a restart either.
    desk.restart();
    assert_eq!(letter(&mut desk, &kept), Some(Reason::Expired));
    assert_eq!(letter(&mut desk, "{}"), Some(Reason::Malformed));
    assert_eq!(letter(&mut desk, &kept.replacen("signatures", "signature", 1)), Some(Reason::Malformed));
}
