//! Lists that change between two slices, and what they find in rows that were judged before.

use std::collections::BTreeSet;

use mareva_model::MatchedOn;
use mareva_model::alert::{Alert, AlertStatus};
use proptest::prelude::*;

use super::*;
use crate::Change;

/// Nobody pays it: a list is never empty.
const UNPAID: &str = "DE44500105175407324931";
/// No list names it.
const UNLISTED: &str = "BE68539007547034";

fn mules(accounts: &[&str]) -> Arc<Watchlist> {
    let config = ListConfig::fraud("mules", "");
    let all = [UNPAID].iter().chain(accounts);
    let text = std::iter::once("identifier,id\n".to_owned()).chain(all.map(|one| format!("{one},{one}\n")));
    let list = load_plain(&config, text.collect::<String>().as_bytes(), "mules.csv").unwrap();
    Arc::new(Watchlist::new(vec![Arc::new(list)]).unwrap())
}

fn run_with(accounts: &[&str]) -> Run {
    Run { pipeline: Pipeline::new(parts().with_lists(mules(accounts))).unwrap(), offset: 0 }
}

fn to(account: &str, number: u32, time: &str) -> String {
    payment(&format!(r#""tx_id":"L{number}""#), "MRVADEFF", account, time)
}

/// The next slice, of one record.
fn alone(pipeline: &Pipeline, record: String) -> InputSlice {
    InputSlice {
        records: vec![InputRecord {
            topic: BANK.into(),
            partition: 0,
            offset: 1,
            append_time: APPENDED,
            payload: record.into(),
        }],
        seq: pipeline.last_seq() + 1,
        tick: APPENDED,
        end: false,
        joined: Vec::new(),
        epoch: pipeline.epoch(),
    }
}

const NOTHING: [String; 0] = [];

fn evidence(alert: &Alert) -> Vec<(String, bool)> {
    alert.evidence.hits.iter().map(|hit| (hit.row_id.clone(), hit.look_back)).collect()
}

fn put_in_force(run: &mut Run, lists: Arc<Watchlist>) {
    let mut change: Change = run.pipeline.begin_lists(lists);
    change.run().unwrap();
    run.pipeline.adopt(change).unwrap();
}

fn change_to(run: &mut Run, accounts: &[&str]) {
    put_in_force(run, mules(accounts));
}

#[test]
fn an_account_that_is_listed_is_looked_for_in_what_was_judged_and_one_that_is_not_any_more_is_let_go() {
    let mut run = run_with(&[]);
    // Beyond the look back of a day; within it, on two days; to somebody else.
    run.slice(BANK, &[to(INNOCENT, 0, "2026-01-04T08:00:00Z")]);
    run.slice(BANK, &[to(INNOCENT, 1, "2026-01-04T23:00:00Z"), to(LISTED, 9, "2026-01-04T23:30:00Z")]);
    assert_eq!(run.slice(BANK, &[to(INNOCENT, 2, "2026-01-05T10:00:00Z")]).alerts, []);
    let before = run.pipeline.epoch();
    let mut change = run.pipeline.begin_lists(mules(&[INNOCENT]));
    change.run().unwrap();
    // What comes meanwhile is screened against the lists in force, and looked for when the others are.
    run.slice(BANK, &[to(INNOCENT, 3, "2026-01-05T10:01:00Z")]);
    assert_eq!(run.pipeline.missing(&change), 1);
    run.pipeline.adopt(change).unwrap();
    assert_ne!(run.pipeline.epoch(), before);
    assert_eq!(run.pipeline.epoch(), parts().with_lists(mules(&[INNOCENT])).epoch());
    let output = run.slice(BANK, &[to(INNOCENT, 4, "2026-01-05T10:02:00Z")]);
    let told = output.looked_back.unwrap();
    assert_eq!((told.fresh, told.gone, told.hits, told.omitted), (1, 0, 3, 0));
    let alerts: Vec<&Alert> = output.alerts.iter().collect();
    let found: Vec<(String, bool)> = alerts.iter().flat_map(|alert| evidence(alert)).collect();
    let expected = [(1, true), (2, true), (3, true), (4, false)];
    assert_eq!(found, expected.map(|(number, back)| (format!("MRVADEFF:L{number}"), back)));
    assert!(alerts.iter().all(|alert| alert.epoch == run.pipeline.epoch() && alert.subject.contains(INNOCENT)));
    // The same list again says nothing new.
    assert!(run.slice(BANK, &NOTHING).alerts.is_empty());

    change_to(&mut run, &[]);
    let output = run.slice(BANK, &NOTHING);
    assert_eq!(output.looked_back.unwrap().gone, 1);
    let ids = |alerts: &[Alert]| alerts.iter().map(|alert| alert.alert_id.clone()).collect::<BTreeSet<_>>();
    let raised: BTreeSet<String> = alerts.iter().map(|alert| alert.alert_id.clone()).collect();
    assert_eq!(ids(&output.alerts), raised);
    for alert in &output.alerts {
        assert_eq!((alert.status, alert.revision, alert.targets.len()), (AlertStatus::BasisWithdrawn, 2, 0));
    }
    // Listed again, it stands again.
    change_to(&mut run, &[INNOCENT]);
    let output = run.slice(BANK, &NOTHING);
    assert_eq!(ids(&output.alerts), raised);
    assert!(output.alerts.iter().all(|alert| (alert.status, alert.revision) == (AlertStatus::Open, 3)));
}

#[test]
fn an_alert_whose_day_is_over_is_withdrawn_with_its_entry_and_one_with_another_entry_is_not() {
    let mut run = run_with(&[INNOCENT, LISTED]);
    let raised = run.slice(BANK, &[to(INNOCENT, 1, "2026-01-04T10:00:00Z"), to(LISTED, 2, "2026-01-04T10:00:00Z")]);
    assert_eq!(raised.alerts.len(), 2);
    // Its day is over.
    run.slice(BANK, &[to("ES9121000418450200051332", 3, "2026-01-05T10:00:00Z")]);
    change_to(&mut run, &[LISTED]);
    // A snapshot holds what is closed, and why.
    let output = run.slice(BANK, &NOTHING);
    let found: Vec<_> = output.alerts.iter().map(|alert| (alert.subject.as_str(), alert.status)).collect();
    assert_eq!(found, [(format!("iban:{INNOCENT}").as_str(), AlertStatus::BasisWithdrawn)]);
    assert!(run.slice(BANK, &NOTHING).alerts.is_empty(), "once");
}

#[test]
fn what_waits_of_an_entry_that_goes_is_no_hit_any_more() {
    let mut run = run_with(&[]);
    let payments: Vec<String> = (0..1_100).map(|number| to(INNOCENT, number, "2026-01-05T10:00:00Z")).collect();
    run.slice(BANK, &payments);
    change_to(&mut run, &[INNOCENT]);
    let output = run.slice(BANK, &NOTHING);
    assert_eq!((output.looked_back.unwrap().hits, output.hits.len()), (1_100, 1_024));
    change_to(&mut run, &[]);
    let output = run.slice(BANK, &NOTHING);
    assert_eq!((output.hits.len(), output.alerts[0].status), (0, AlertStatus::BasisWithdrawn));
    assert_eq!(run.slice(BANK, &NOTHING).alerts, []);
}

#[test]
fn a_decoder_that_is_ahead_hides_nothing_from_lists_that_come_between() {
    let mut run = run_with(&[]);
    let mut decoder = run.pipeline.decoder();
    let slice = |run: &Run, epoch| {
        let record = to(INNOCENT, 1, "2026-01-05T10:00:00Z");
        InputSlice { epoch, ..alone(&run.pipeline, record) }
    };
    let epoch = parts().with_lists(mules(&[INNOCENT])).epoch();
    let ahead = slice(&run, epoch);
    let decoded = decoder.decode(&ahead).unwrap();
    change_to(&mut run, &[INNOCENT]);
    let output = run.pipeline.process_decoded(&ahead, decoded).unwrap();
    assert_eq!(output.alerts.len(), 1);
    // And from then on it goes by them.
    let mut fresh = run_with(&[INNOCENT]);
    let again = fresh.pipeline.process(&slice(&fresh, epoch)).unwrap();
    assert_eq!((again.counts, again.alerts.len()), (output.counts, 1));
}

fn person(name: &str, more: &str) -> Arc<Watchlist> {
    let text = format!("id,name,birth_date\n1,{name},{more}\n2,Nobody Whatsoever,\n");
    let list = load_plain(&ListConfig::sanctions("persons", ""), text.as_bytes(), "persons.csv").unwrap();
    Arc::new(Watchlist::new(vec![Arc::new(list)]).unwrap())
}

#[test]
fn a_name_that_another_date_of_birth_rules_out_is_let_go_and_another_spelling_takes_the_place_of_the_first() {
    let mut run =
        Run { pipeline: Pipeline::new(parts().with_lists(person("Vladimir Petrovich Orlov", ""))).unwrap(), offset: 0 };
    let record = payment(r#""tx_id":"N1""#, "MRVADEFF", INNOCENT, "2026-01-05T10:00:00Z");
    let bearer = r#""name":"Vladimir Petrovitch Orlow","birth_date":"1970-03-02","account":"FR"#;
    let record = record.replacen(r#""account":"FR"#, bearer, 1);
    let output = run.slice(BANK, &[record]);
    assert_eq!(output.alerts.len(), 1, "{:?}", output.dead_letters);
    let id = output.alerts[0].alert_id.clone();
    let mut change_to = |lists: Arc<Watchlist>| {
        put_in_force(&mut run, lists);
        let mut alerts = run.slice(BANK, &NOTHING).alerts;
        assert!(alerts.len() == 1 && alerts[0].alert_id == id, "{alerts:?}");
        let alert = alerts.remove(0);
        let listed = alert.evidence.hits.iter().map(|hit| match &hit.matched {
            MatchedOn::Name { listed, .. } => listed.clone(),
            MatchedOn::Identifier { .. } => "-".to_owned(),
        });
        (alert.status, listed.collect::<Vec<_>>())
    };
    // The entry, and what matched, are as before: he is just somebody else.
    assert_eq!(change_to(person("Vladimir Petrovich Orlov", "1950-01-01")), (AlertStatus::BasisWithdrawn, vec![]));
    let (status, listed) = change_to(person("Vladimir Petrovich Orlov", "1970"));
    assert_eq!((status, listed), (AlertStatus::Open, vec!["Vladimir Petrovich Orlov".to_owned()]));
    let (status, listed) = change_to(person("Vladimir Petrovich Orlow", "1970"));
    assert_eq!((status, listed), (AlertStatus::Open, vec!["Vladimir Petrovich Orlow".to_owned()]));
}

#[test]
fn what_began_before_history_was_cut_off_does_not_fit_after() {
    let mut run = run_with(&[]);
    let history = alone(&run.pipeline, to(INNOCENT, 1, "2026-01-05T10:05:00Z"));
    run.pipeline.load_history(&history).unwrap();
    let mut change = run.pipeline.begin_lists(mules(&[INNOCENT]));
    change.run().unwrap();
    assert!(run.pipeline.fits(&change));
    let output = run.slice(BANK, &[to(INNOCENT, 2, "2026-01-05T10:01:00Z"), to(LISTED, 3, "2026-01-05T10:02:00Z")]);
    assert_eq!(output.history_cut.map(|cut| cut.left_out), Some(1));
    assert!(!run.pipeline.fits(&change), "rows have other numbers now");
    change_to(&mut run, &[INNOCENT]);
    let output = run.slice(BANK, &NOTHING);
    assert_eq!((output.alerts.len(), output.hits.len()), (1, 1));
}

const ACCOUNTS: [&str; 4] = [INNOCENT, LISTED, "ES9121000418450200051332", "NL91ABNA0417164300"];
const LISTS: [&str; 2] = ["mules", "police"];

#[derive(Debug, Clone)]
enum Step {
    /// Accounts, and seconds after ten.
    Pay(Vec<(usize, u32)>),
    /// What one of the lists holds from now on.
    List(usize, u8),
    NextDay,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec((0..4_usize, 0..240_u32), 1..5).prop_map(Step::Pay),
        4 => (0..2_usize, 0..16_u8).prop_map(|(list, accounts)| Step::List(list, accounts)),
        1 => Just(Step::NextDay),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..20)
}

fn is_listed(masks: [u8; 2], list: usize, account: usize) -> bool {
    masks[list] >> account & 1 == 1
}

fn lists_of(masks: [u8; 2]) -> Arc<Watchlist> {
    let list = |(number, name): (usize, &&str)| {
        let listed = (0..ACCOUNTS.len()).filter(|account| is_listed(masks, number, *account));
        let lines = listed.map(|account| format!("{0},{0}\n", ACCOUNTS[account]));
        let text: String = ["identifier,id\n".to_owned(), format!("{UNPAID},x\n")].into_iter().chain(lines).collect();
        Arc::new(load_plain(&ListConfig::fraud(*name, ""), text.as_bytes(), "list.csv").unwrap())
    };
    Arc::new(Watchlist::new(LISTS.iter().enumerate().map(list).collect()).unwrap())
}

/// An account that a list names.
type Entry = (usize, usize);

/// What should stand, by an account of what was paid and listed that knows nothing of rows, slices and snapshots.
struct Book {
    run: Run,
    day: u32,
    sent: u32,
    masks: [u8; 2],
    low_time: i64,
    /// Time, account and row id of each payment.
    paid: Vec<(i64, usize, String)>,
    /// Hits of alerts of the day.
    hits: BTreeSet<(usize, String, usize)>,
    /// What alerts of days before rested on, and whether they still do on any of it.
    closed: BTreeMap<String, (BTreeSet<Entry>, bool)>,
    latest: BTreeMap<String, Alert>,
}

impl Book {
    fn new() -> Self {
        let run = Run { pipeline: Pipeline::new(parts().with_lists(lists_of([0, 0]))).unwrap(), offset: 0 };
        let (paid, hits, closed, latest) = (Vec::new(), BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Self { run, day: 2, sent: 0, masks: [0, 0], low_time: i64::MIN, paid, hits, closed, latest }
    }

    fn slice(&mut self, records: &[String]) {
        let output = self.run.slice(BANK, records);
        self.low_time = output.low_time.unwrap_or(self.low_time);
        self.latest.extend(output.alerts.into_iter().map(|alert| (alert.alert_id.clone(), alert)));
    }

    fn pay(&mut self, account: &str, second: u32) -> (i64, String, String) {
        self.sent += 1;
        let number = self.sent;
        let time = format!("2026-01-{:02}T10:{:02}:{:02}Z", self.day, second / 60, second % 60);
        let at = APPENDED - 600_000 - i64::from(5 - self.day) * 86_400_000 + i64::from(second) * 1_000;
        (at, format!("MRVADEFF:L{number}"), to(account, number, &time))
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Pay(payments) => {
                let mut records = Vec::new();
                for (account, second) in payments {
                    let (at, row_id, record) = self.pay(ACCOUNTS[account], second);
                    records.push(record);
                    let listed = (0..2).filter(|list| is_listed(self.masks, *list, account));
                    self.hits.extend(listed.map(|list| (account, row_id.clone(), list)));
                    self.paid.push((at, account, row_id));
                }
                self.slice(&records);
            }
            Step::List(list, accounts) => {
                let before = std::mem::replace(&mut self.masks[list], accounts);
                self.hits.retain(|(account, _, by)| *by != list || accounts >> account & 1 == 1);
                let since = self.low_time.saturating_sub(86_400_000);
                let found = self
                    .paid
                    .iter()
                    .filter(|(at, account, _)| *at >= since && (accounts & !before) >> account & 1 == 1);
                self.hits.extend(found.map(|(_, account, row_id)| (*account, row_id.clone(), list)));
                for (grounds, stands) in self.closed.values_mut() {
                    *stands &= grounds.iter().any(|(account, list)| is_listed(self.masks, *list, *account));
                }
                put_in_force(&mut self.run, lists_of(self.masks));
                self.slice(&NOTHING);
            }
            // No day is after that of the records.
            Step::NextDay if self.day == 5 => {}
            Step::NextDay => {
                let mut grounds = BTreeMap::<usize, BTreeSet<Entry>>::new();
                for (account, _, list) in std::mem::take(&mut self.hits) {
                    grounds.entry(account).or_default().insert((account, list));
                }
                for (account, grounds) in grounds {
                    let of_day = self.of_day(account).expect("an alert");
                    self.closed.insert(of_day.alert_id.clone(), (grounds, true));
                }
                self.day += 1;
                let (_, _, record) = self.pay(UNLISTED, 0);
                self.slice(&[record]);
            }
            Step::Restart => {
                let mut bytes = Vec::new();
                self.run.pipeline.write_snapshot(&mut bytes).unwrap();
                let parts = parts().with_lists(self.run.pipeline.watchlist().clone());
                self.run.pipeline = Pipeline::restore(parts, &mut bytes.as_slice()).unwrap();
            }
        }
    }

    /// The alert of the day that stands on an account.
    fn of_day(&self, account: usize) -> Option<&Alert> {
        let subject = format!("iban:{}", ACCOUNTS[account]);
        let standing = self.latest.values().filter(|alert| alert.status == AlertStatus::Open);
        standing.filter(|alert| !self.closed.contains_key(&alert.alert_id)).find(|alert| alert.subject == subject)
    }

    /// How many hits make accounts known as listed, as a snapshot says.
    fn known(&self) -> u64 {
        let mut bytes = Vec::new();
        self.run.pipeline.write_snapshot(&mut bytes).unwrap();
        let part = |from: usize| {
            let length = u64::from_le_bytes(bytes[from..from + 8].try_into().unwrap()) as usize;
            from + 8..from + 8 + length
        };
        let alerts: serde_json::Value = serde_json::from_slice(&bytes[part(part(0).end)]).unwrap();
        let known = alerts["known"]["by_identity"].as_object().unwrap().values();
        let counts = known.flat_map(|standing| standing["listed"].as_object().unwrap().values());
        counts.map(|count| count.as_u64().unwrap()).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever came first, money or list: what stands is what is listed, and names every payment; what stood on days before stands
    /// as long as any of its entries does, and nobody is known as listed by an entry that is gone.
    #[test]
    fn what_stands_is_what_is_listed(steps in steps()) {
        let mut book = Book::new();
        for step in steps {
            book.step(step);
            for account in 0..ACCOUNTS.len() {
                let found: BTreeSet<(usize, String, usize)> = book.of_day(account).into_iter().flat_map(|alert| {
                    alert.evidence.hits.iter().map(|hit| {
                        let list = LISTS.iter().position(|list| *list == hit.list.name).unwrap();
                        (account, hit.row_id.clone(), list)
                    })
                }).collect();
                let expected: BTreeSet<_> = book.hits.iter().filter(|(of, ..)| *of == account).cloned().collect();
                // An alert names the first and the last of many, and counts the others.
                let omitted = book.of_day(account).map_or(0, |alert| alert.evidence.hits_omitted);
                prop_assert_eq!(found.len() as u64 + omitted, expected.len() as u64, "account {}", account);
                prop_assert!(found.is_subset(&expected), "{:?} not in {:?}", found, expected);
            }
            for (id, (grounds, stands)) in &book.closed {
                let status = if *stands { AlertStatus::Open } else { AlertStatus::BasisWithdrawn };
                prop_assert_eq!(book.latest[id].status, status, "{} rested on {:?}", id, grounds);
            }
            let known = book.known();
            let of_day = book.hits.len() as u64;
            prop_assert!(known >= of_day && (known == of_day || !book.closed.is_empty()), "{} known, {} hits", known, of_day);
            if book.closed.values().all(|(_, stands)| !stands) {
                prop_assert_eq!(known, of_day);
            }
        }
    }
}
