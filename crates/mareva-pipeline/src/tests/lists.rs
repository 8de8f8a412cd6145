//! Lists that change between two slices, and what they find in rows that were judged before.

use std::collections::BTreeSet;

use mareva_model::alert::{Alert, AlertStatus};
use proptest::prelude::*;

use super::*;
use crate::Change;

fn mules(accounts: &[&str]) -> Arc<Watchlist> {
    let config = ListConfig::fraud("mules", "");
    // One that nobody pays: a list is never empty.
    let all = ["DE44500105175407324931"].iter().chain(accounts);
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

const NOTHING: [String; 0] = [];

fn evidence(alert: &Alert) -> Vec<(String, bool)> {
    alert.evidence.hits.iter().map(|hit| (hit.row_id.clone(), hit.look_back)).collect()
}

fn change_to(run: &mut Run, accounts: &[&str]) {
    let mut change: Change = run.pipeline.begin_lists(mules(accounts));
    change.run().unwrap();
    run.pipeline.adopt(change).unwrap();
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
    let slice = |run: &Run, epoch| InputSlice {
        records: vec![InputRecord {
            topic: BANK.into(),
            partition: 0,
            offset: 1,
            append_time: APPENDED,
            payload: to(INNOCENT, 1, "2026-01-05T10:00:00Z").into(),
        }],
        seq: run.pipeline.last_seq() + 1,
        tick: APPENDED,
        end: false,
        joined: Vec::new(),
        epoch,
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

const ACCOUNTS: [&str; 4] = [INNOCENT, LISTED, "ES9121000418450200051332", "NL91ABNA0417164300"];

#[derive(Debug, Clone)]
enum Step {
    Pay(Vec<(usize, u32)>),
    List(u8),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => prop::collection::vec((0..4_usize, 0..600_u32), 1..5).prop_map(Step::Pay),
        2 => (0..16_u8).prop_map(Step::List),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..14)
}

fn listed(mask: u8) -> Vec<&'static str> {
    ACCOUNTS.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1).map(|(_, account)| *account).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever came first, money or list: what stands in the end is what is listed then, and names every payment.
    #[test]
    fn what_stands_in_the_end_is_what_would_have_been_found_with_the_last_lists(steps in steps()) {
        let (mut run, mut number, mut mask) = (run_with(&[]), 0, 0);
        let (mut paid, mut latest) = (Vec::new(), BTreeMap::new());
        for step in steps.into_iter().chain([Step::Pay(Vec::new())]) {
            match step {
                Step::Pay(payments) => {
                    let records: Vec<String> = payments.into_iter().map(|(account, minute)| {
                        number += 1;
                        paid.push((ACCOUNTS[account], format!("MRVADEFF:L{number}")));
                        // All of one day, and none of them late.
                        to(ACCOUNTS[account], number, &format!("2026-01-05T10:0{}:{:02}Z", minute / 150, minute % 60))
                    }).collect();
                    for alert in run.slice(BANK, &records).alerts {
                        latest.insert(alert.alert_id.clone(), alert);
                    }
                }
                Step::List(next) => {
                    mask = next;
                    change_to(&mut run, &listed(mask));
                    for alert in run.slice(BANK, &NOTHING).alerts {
                        latest.insert(alert.alert_id.clone(), alert);
                    }
                }
                Step::Restart => {
                    let mut bytes = Vec::new();
                    run.pipeline.write_snapshot(&mut bytes).unwrap();
                    let parts = parts().with_lists(run.pipeline.watchlist().clone());
                    run.pipeline = Pipeline::restore(parts, &mut bytes.as_slice()).unwrap();
                }
            }
        }
        let standing = latest.values().filter(|alert: &&Alert| alert.status == AlertStatus::Open);
        let found: BTreeMap<String, BTreeSet<String>> = standing
            .map(|alert| (alert.subject.clone(), evidence(alert).into_iter().map(|(row, _)| row).collect()))
            .collect();
        let mut expected = BTreeMap::<String, BTreeSet<String>>::new();
        for (account, row) in paid.into_iter().filter(|(account, _)| listed(mask).contains(account)) {
            expected.entry(format!("iban:{account}")).or_default().insert(row);
        }
        prop_assert_eq!(found, expected);
        for alert in latest.values().filter(|alert| alert.status != AlertStatus::Open) {
            prop_assert_eq!(alert.status, AlertStatus::BasisWithdrawn);
        }
    }
}
