//! Lists that change, and lists that are kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use mareva_model::MatchedOn;
use proptest::prelude::*;

use super::{NOW, by_identifier, party, told};
use crate::{Entry, ListChanges, ListConfig, LoadedList, Watchlist};

const QUALITY: mareva_model::AliasQuality = mareva_model::AliasQuality::Primary;

fn list(name: &str, entries: Vec<Entry>) -> Arc<LoadedList> {
    let config = ListConfig { min_entries: 0, ..ListConfig::fraud(name, "") };
    Arc::new(LoadedList::from_entries(&config, entries).unwrap())
}

/// An entry whose every part may be another one.
fn entry() -> impl Strategy<Value = Entry> {
    (0..6_u8, 0..3_u8, 0..3_u8, 0..12_u8).prop_map(|(id, account, name, other)| {
        let account = format!("DE{account}");
        let name = ["Ivan Petrov", "Petrov Ivan", "Anna Huber"][usize::from(name)];
        let mut entry = party(&id.to_string(), &[(name, QUALITY)], &[&account]);
        let at = i64::from(other % 3 + 1);
        match other {
            0 => entry.reason = Some("report".to_owned()),
            1 => entry.countries = vec!["RU".to_owned()],
            2 => entry.birth_dates = vec![crate::BirthDate::parse("1980").unwrap()],
            3 => entry.valid_until = Some(at),
            4 => entry.listed_at = Some(at),
            5 => entry.programme = Some("SDGT".to_owned()),
            6 => entry.names[0].quality = mareva_model::AliasQuality::Weak,
            7 => {
                let document = |kind: &str| kind.to_owned();
                entry.documents =
                    vec![crate::Document { kind: document("Passport"), number: document("1"), country: None }];
            }
            8 => entry.kind = crate::EntryKind::Vessel,
            _ => {}
        }
        entry
    })
}

proptest! {
    #[test]
    fn what_is_new_or_changed_and_what_is_gone_is_what_comparing_every_entry_says(
        before in prop::collection::vec(entry(), 0..8),
        after in prop::collection::vec(entry(), 0..8),
    ) {
        let other = list("other", vec![party("1", &[], &["DE89370400440532013000"])]);
        let lists = |entries: &[Entry]| Watchlist::new(vec![list("mules", entries.to_vec()), other.clone()]).unwrap();
        let (former, later) = (lists(&before), lists(&after));
        let changes = ListChanges::between(&former, &later).unwrap();
        let fresh: Vec<Entry> = changes.fresh().loaded().iter().flat_map(|list| list.entries().collect::<Vec<_>>()).collect();
        let expected: Vec<Entry> = after.iter().filter(|entry| !before.contains(entry)).cloned().collect();
        prop_assert_eq!(&fresh, &expected);
        let stale: Vec<Entry> = changes.stale().loaded().iter().flat_map(|list| list.entries().collect::<Vec<_>>()).collect();
        let expected: Vec<Entry> = before.iter().filter(|entry| !after.contains(entry)).cloned().collect();
        prop_assert_eq!(&stale, &expected);
        let ids = |entries: &[Entry]| entries.iter().map(|entry| entry.id.clone()).collect::<BTreeSet<_>>();
        let gone = ids(&before).difference(&ids(&after)).count() as u64;
        prop_assert_eq!(changes.counts(), (fresh.len() as u64, gone));
        let concerned = ids(&[fresh, stale].concat());
        for id in ids(&[before, after].concat()) {
            prop_assert_eq!(changes.concerns(&format!("mules:{id}")), concerned.contains(&id), "{}", id);
        }
        prop_assert!(!changes.concerns("other:1"));
    }

    #[test]
    fn a_kept_list_is_the_list_that_was_kept(entries in prop::collection::vec(entry(), 0..8), cut in 0.0..1.0) {
        let list = list("mules", entries);
        let mut bytes = Vec::new();
        list.write(&mut bytes).unwrap();
        let config = ListConfig { min_entries: 0, ..ListConfig::fraud("mules", "") };
        let read = LoadedList::read(&config, &mut bytes.as_slice()).unwrap();
        prop_assert_eq!(read.print(), list.print());
        prop_assert_eq!(read.entries().collect::<Vec<_>>(), list.entries().collect::<Vec<_>>());
        prop_assert_eq!((read.list(), read.counts(), read.doubts()), (list.list(), list.counts(), list.doubts()));
        // Whatever is cut off or turned over, it is no list any more.
        let at = ((bytes.len() - 1) as f64 * cut) as usize;
        prop_assert!(LoadedList::read(&config, &mut &bytes[..at]).is_err());
        bytes[at] ^= 1;
        prop_assert!(LoadedList::read(&config, &mut bytes.as_slice()).is_err());
    }
}

#[test]
fn a_kept_list_of_another_policy_is_not_used() {
    let mut bytes = Vec::new();
    list("mules", vec![party("1", &[], &["DE1"])]).write(&mut bytes).unwrap();
    let config = ListConfig { name_threshold: 0.9, ..ListConfig::fraud("mules", "") };
    let refusal = LoadedList::read(&config, &mut bytes.as_slice()).unwrap_err();
    assert!(told(&refusal).contains("another policy"), "{refusal}");
}

#[test]
fn fresh_entries_match_under_the_version_of_their_list_and_a_hit_holds_while_its_entry_has_what_matched() {
    let iban = "DE89370400440532013000";
    let (plain, listed) = (vec![party("1", &[("Ivan Petrov", QUALITY)], &[])], party("2", &[], &[iban]));
    let former = Watchlist::new(vec![list("mules", plain.clone())]).unwrap();
    let later = Watchlist::new(vec![list("mules", [plain, vec![listed]].concat())]).unwrap();
    let changes = ListChanges::between(&former, &later).unwrap();
    assert_eq!(changes.counts(), (1, 0));
    let canonical = format!("iban:{iban}");
    let (fresh, whole) = (by_identifier(changes.fresh(), &canonical), by_identifier(&later, &canonical));
    assert_eq!(fresh, whole);
    let by_name = |listed: &str| MatchedOn::Name {
        // What it was listed as is nobody's business: another spelling that it meets will do.
        value: listed.to_owned(),
        listed: "Petroff Ivan".to_owned(),
        quality: QUALITY,
        supported_by: Vec::new(),
        likeness: None,
    };
    let cases: Vec<((&str, bool), MatchedOn)> = vec![
        (("mules:2", true), whole[0].matched.clone()),
        (("mules:1", true), by_name("Ivan Petrov")),
        (("mules:1", true), by_name("Ivan Petrow")),
        (("mules:1", false), by_name("Anna Huber")),
        (("mules:1", false), whole[0].matched.clone()),
        (("mules:2", false), by_name("Ivan Petrov")),
        (("other:2", false), whole[0].matched.clone()),
    ];
    for ((entry, holds), matched) in cases {
        assert_eq!(later.still_has(entry, &matched, NOW..=NOW), holds, "{entry} {matched:?}");
    }
    assert!(!former.still_has("mules:2", &whole[0].matched, NOW..=NOW));
}

#[test]
fn a_version_that_is_older_or_has_lost_too_much_does_not_follow() {
    let entries = |number: u8| (0..number).map(|id| party(&id.to_string(), &[], &["DE1"])).collect::<Vec<_>>();
    let (whole, most, half) = (list("mules", entries(100)), list("mules", entries(95)), list("mules", entries(94)));
    assert!(most.may_follow(&whole).is_ok() && whole.may_follow(&half).is_ok());
    assert!(list("mules", entries(2)).may_follow(&list("mules", entries(3))).is_ok());
    assert!(list("mules", entries(1)).may_follow(&list("mules", entries(3))).is_err());
    assert!(told(&half.may_follow(&whole).unwrap_err()).contains("holds 94 entries, and the version in force 100"));
    let un = |date: &str| {
        let xml = format!(
            "<CONSOLIDATED_LIST dateGenerated=\"{date}\"><INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID>\
             <FIRST_NAME>IVAN</FIRST_NAME><SECOND_NAME>PETROV</SECOND_NAME><REFERENCE_NUMBER>QDi.1</REFERENCE_NUMBER>\
             </INDIVIDUAL></INDIVIDUALS><ENTITIES></ENTITIES></CONSOLIDATED_LIST>"
        );
        crate::load_xml(&ListConfig::sanctions("un", ""), xml.as_bytes(), "un.xml").unwrap()
    };
    let (then, now) = (un("2026-01-01T10:00:00Z"), un("2026-01-02T10:00:00Z"));
    assert!(now.may_follow(&then).is_ok() && then.may_follow(&then).is_ok());
    assert!(told(&then.may_follow(&now).unwrap_err()).contains("older than 2026-01-02"));
}
