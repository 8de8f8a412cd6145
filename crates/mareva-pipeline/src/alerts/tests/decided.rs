//! What decisions make of alerts that are full, and of those whose day is over.

use std::sync::Arc;

use mareva_model::alert::{Alert, AlertStatus};
use mareva_model::{ClearedPair, Decision, EntryRef, EvidenceClass, Hit, PartyRole, Regime, Ruling};
use mareva_monitoring::RetainedRows;

use super::fixture::*;
use super::sanctions::sdn;
use crate::alerts::AlertBook;

const NAME: &str = "Kessel Trading";

/// That the holder of the account is not this entry.
fn pair(id: &str, entry: &str) -> Arc<Decision> {
    let pair = ClearedPair {
        entry: entry.to_owned(),
        entry_digest: String::new(),
        account: Some(MULE.to_owned()),
        name: Some(NAME.to_owned()),
        supported_by: Vec::new(),
    };
    Arc::new(Decision {
        id: id.to_owned(),
        ruling: Ruling::ClearedPair(pair),
        reason: "it was looked at".to_owned(),
        issued_at: START,
        until: START + 100 * DAY,
        by: vec!["alice".to_owned()],
    })
}

/// By its name, on the account, an entry.
fn named(number: i64, entry: &str) -> Hit {
    let at = START + HOUR + number;
    let hit = hit(&format!("p{number}"), at, PartyRole::Beneficiary, MULE, &sdn("DE"), EvidenceClass::Order);
    let mut hit = by_name(hit, NAME, &[]);
    hit.entry = Arc::new(EntryRef { id: entry.to_owned(), ..EntryRef::clone(&hit.entry) });
    hit
}

/// A book in which these decisions are in force, of hits on one account.
fn told(book: &mut AlertBook, rows: &RetainedRows, hits: &[Hit]) -> Option<Alert> {
    book.apply(&[], hits, &[], rows).into_iter().find(|alert| alert.regime == Regime::Sanctions)
}

fn rows_of(numbers: std::ops::Range<i64>) -> RetainedRows {
    let pays = numbers.map(|number| pay(&format!("p{number}"), START + HOUR + number, ANNA, MULE, 100));
    rows(&pays.map(|pay| pay.names("Anna", NAME)).collect::<Vec<_>>())
}

#[test]
fn hits_that_are_cleared_never_stand_in_the_way_of_another_entry() {
    let rows = rows_of(-1..5_002);
    let mut book = AlertBook::new(config());
    book.state.decisions.hold(pair("D1", "demo:1"), Vec::new());
    let many: Vec<Hit> = (0..5_000).map(|number| named(number, "demo:1")).collect();
    assert_eq!(told(&mut book, &rows, &many), None, "the party is not that entry, however often");
    let alert = told(&mut book, &rows, &[named(5_001, "demo:2")]).expect("another entry is told of");
    assert_eq!((alert.status, alert.evidence.hits.len()), (AlertStatus::Open, 1));
    assert_eq!(alert.evidence.hits[0].entry.id, "demo:2");
    // Nor does one more of the cleared take its place.
    assert_eq!(told(&mut book, &rows, &[named(-1, "demo:1")]), None);
}

#[test]
fn an_alert_that_holds_more_than_is_kept_is_not_set_aside() {
    let rows = rows_of(-1..5_002);
    let mut book = AlertBook::new(config());
    let many: Vec<Hit> = (0..4_096).map(|number| named(number, "demo:1")).chain([named(5_001, "demo:2")]).collect();
    assert!(told(&mut book, &rows, &many).is_some());
    book.state.decisions.hold(pair("D1", "demo:1"), Vec::new());
    let of = book.state.records.keys().next().cloned().unwrap();
    book.turned.insert(of, true);
    let after = told(&mut book, &rows, &[]);
    assert!(after.is_none_or(|alert| alert.status == AlertStatus::Open), "the other entry stands, and is not kept");
}

#[test]
fn a_closed_alert_keeps_no_ground_that_its_content_does_not_show() {
    let rows = rows_of(0..10);
    let mut book = AlertBook::new(config());
    book.state.decisions.hold(pair("D1", "demo:1"), Vec::new());
    let raised = told(&mut book, &rows, &[named(1, "demo:1"), named(2, "demo:2")]).unwrap();
    assert_eq!(raised.evidence.hits.len(), 1);
    book.close(&rows, Some(START + 2 * DAY), false);
    // The entry that it shows is gone: nothing holds it any more, whatever was decided of the other.
    let mut due = super::super::Due::new();
    book.lose_grounds(|entry| entry == "demo:2", |_| false, &mut due);
    book.turned = due;
    let alert = told(&mut book, &rows, &[]).expect("it is withdrawn");
    assert_eq!((alert.status, alert.targets.len()), (AlertStatus::BasisWithdrawn, 0));
    // And the end of the decision does not bring it back.
    book.expire_decisions(START + 200 * DAY, &mareva_monitoring::Accounts::new(&[]));
    assert_eq!(told(&mut book, &rows, &[]), None);
}

#[test]
fn a_closed_alert_that_was_set_aside_as_a_whole_stands_again_as_it_was() {
    let rows = rows_of(0..10);
    let mut book = AlertBook::new(config());
    let raised = told(&mut book, &rows, &[named(1, "demo:1")]).unwrap();
    book.state.decisions.hold(pair("D1", "demo:1"), Vec::new());
    let key = book.state.records.keys().next().cloned().unwrap();
    book.turned.insert(key, true);
    assert_eq!(told(&mut book, &rows, &[]).unwrap().status, AlertStatus::SetAside);
    assert_eq!(book.close(&rows, Some(START + DAY + 10 * MINUTE), false), []);
    book.expire_decisions(START + 200 * DAY, &mareva_monitoring::Accounts::new(&[]));
    let again = told(&mut book, &rows, &[]).expect("it stands again");
    assert_eq!((again.status, again.revision), (AlertStatus::Open, 3));
    assert_eq!((&again.targets, &again.evidence), (&raised.targets, &raised.evidence));
}
