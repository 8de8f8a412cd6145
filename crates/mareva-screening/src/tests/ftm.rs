use mareva_model::{AliasQuality, ListAction, Measure, Refusal};

use super::{by_identifier, by_name, names, told};
use crate::{BirthDate, Entry, EntryKind, ListConfig, LoadedList, Watchlist, load, load_ftm};

const ENTITIES: &str = include_str!("../../fixtures/entities.ftm.json");

fn read(text: &str) -> Result<LoadedList, Refusal> {
    load_ftm(&ListConfig::sanctions("list", ""), text.as_bytes(), "entities.json")
}

fn entries(text: &str) -> Vec<Entry> {
    read(text).unwrap().entries().collect()
}

fn reason(text: &str) -> String {
    told(&read(text).unwrap_err())
}

#[test]
fn a_party_has_what_its_own_line_and_others_say_of_it() {
    let list = read(ENTITIES).unwrap();
    let all: Vec<Entry> = list.entries().collect();
    let ids: Vec<&str> = all.iter().map(|entry| entry.id.as_str()).collect();
    // Those about the listed are not.
    assert_eq!(ids, ["NK-arno", "NK-qma", "NK-ship", "w-2"]);
    let [person, company, ship, wallet] = &all[..] else { panic!("four entries") };
    assert_eq!(names(person, AliasQuality::Primary), ["Arno Belquil"]);
    assert_eq!(names(person, AliasQuality::Strong), ["Belquil Arno", "Арно Белквил", "Arno Bel"]);
    assert_eq!(names(person, AliasQuality::Weak), ["The Clerk"]);
    assert_eq!(person.birth_dates, ["1955", "1971-03-04"].map(|text| BirthDate::parse(text).unwrap()));
    assert_eq!(person.countries, ["CD", "RW"]);
    let documents: Vec<&str> = person.documents.iter().map(|document| document.number.as_str()).collect();
    assert_eq!(documents, ["OB0713922", "C 000123"]);
    assert_eq!(person.documents[1].country.as_deref(), Some("RW"));
    assert_eq!((person.programme.as_deref(), person.reason.as_deref()), (Some("DRC; UN-SC1533"), Some("Treasurer")));
    assert_eq!((person.source.as_deref(), person.listed_at), (Some("Security Council"), Some(1_356_912_000_000)));
    assert_eq!(person.identifiers.len(), 1);
    let of = |entry: &Entry| entry.identifiers.iter().map(|one| one.canonical.clone()).collect::<Vec<_>>();
    assert_eq!(of(company), ["bic:QMARKPPYXXX", "iban:DE89370400440532013000"]);
    assert_eq!(
        (company.kind, ship.kind, wallet.kind),
        (EntryKind::Organisation, EntryKind::Vessel, EntryKind::Account)
    );
    assert_eq!(wallet.label.as_deref(), Some("Garantex hot wallet"));
    // An account number without its bank can match nothing.
    assert_eq!((list.counts().unreadable_dates, list.counts().unmatchable), (1, 1));
    let watchlist = Watchlist::new(vec![list].into_iter().map(Into::into).collect()).unwrap();
    assert_eq!(by_name(&watchlist, "BELQUIL, Arno").len(), 1);
    assert!(by_name(&watchlist, "Ela Belquil").is_empty());
    assert_eq!(by_identifier(&watchlist, &of(person)[0]).len(), 1);
}

#[test]
fn entities_within_each_other_say_the_same() {
    let nested = r#"{"id":"NK-arno","caption":"Arno Belquil","schema":"Person","target":true,"properties":{"name":["Arno Belquil"],
        "sanctions":[{"id":"s-1","schema":"Sanction","properties":{"program":["DRC"],"listingDate":["2012-12-31"]}}],
        "wallets":[{"id":"w-1","schema":"CryptoWallet","properties":{"publicKey":["1BoatSLRHtKNngkdXEeobR76b53LETtpyT"]}}],
        "familyPerson":[{"id":"f","schema":"Family","properties":{"relative":[{"id":"NK-wife","schema":"Person","properties":{"name":["Ela"]}}]}}]}}"#;
    let [person] = &entries(&nested.replace('\n', ""))[..] else { panic!("one entry") };
    assert_eq!((person.programme.as_deref(), person.listed_at), (Some("DRC"), Some(1_356_912_000_000)));
    assert_eq!((person.identifiers.len(), person.names.len()), (1, 1));
}

#[test]
fn where_nothing_says_who_is_listed_all_are() {
    let plain = r#"{"id":"a","schema":"Person","properties":{"name":["Ann Quil"]}}
{"id":"b","schema":"Organization","caption":"Quil & Sons"}"#;
    let all = entries(plain);
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].display_name(), "Quil & Sons");
    // Topics say it where no target does.
    let told = plain.replace(r#""name":["Ann Quil"]"#, r#""name":["Ann Quil"],"topics":["crime.fraud"]"#);
    assert_eq!(entries(&told).len(), 1);
}

#[test]
fn what_is_no_list_is_refused_with_its_line() {
    let one = r#"{"id":"a","schema":"Person","properties":{"name":["Ann Quil"]}}"#;
    let cut = &ENTITIES[..ENTITIES.len() - 30];
    for (text, expected) in [
        (cut.to_owned(), "entities.json:10: is no entity"),
        (format!("{one}\n{one}"), "entities.json:2: a is there twice"),
        (format!("{one}\n<html>"), "entities.json:2: is no entity"),
        (one.replace("\"a\"", "\"\""), "entities.json:1: has no id"),
        (one.replace("Ann Quil", " "), "entities.json:1: a has no name"),
        (one.replace(r#""name":["Ann Quil"]"#, r#""swiftBic":["QMARKPPY"]"#), "entities.json:1: a has no name"),
        (one.replace("Person", "Ownership"), "holds no party that is listed"),
        (String::new(), "holds no party that is listed"),
        (format!("{{\"id\":\"{}\"", "a".repeat(9 << 20)), "entities.json:1: the line is longer"),
    ] {
        assert!(reason(&text).contains(expected), "{expected}: {}", reason(&text));
    }
}

#[test]
fn the_first_letter_tells_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    std::fs::write(&path, format!("\u{feff}\n {ENTITIES}")).unwrap();
    let config = ListConfig::sanctions("list", path.to_str().unwrap());
    assert_eq!(load(&config).unwrap().counts().entries, 4);
}

/// Entities as OpenSanctions publishes FinCEN's special measures (dataset `us_fincen_special_measures`): institutions, with what was
/// ordered of them and when.
#[test]
fn special_measures_of_section_311_ask_for_no_block_and_say_what_they_prohibit() {
    let text = r#"{"id":"usfincen-a","caption":"Quilmoor Pay PLC","schema":"Company","target":true,"properties":{"name":["Quilmoor Pay PLC"],"alias":["Quilmoor Group"],"country":["kh"],"swiftBic":["QPAYKHPP"],"topics":["reg.warn"]}}
{"id":"usfincen-a-s","schema":"Sanction","properties":{"entity":["usfincen-a"],"program":["311 Special Measures"],"listingDate":["2025-10-14"]}}"#;
    let config = ListConfig {
        action: ListAction::Report,
        measure: Some(Measure::ProhibitCorrespondent),
        binding_in: vec!["US".to_owned()],
        ..ListConfig::sanctions("us-fincen-311", "")
    };
    let list = load_ftm(&config, text.as_bytes(), "entities.json").unwrap();
    let watchlist = Watchlist::new(vec![list.into()]).unwrap();
    for found in [by_identifier(&watchlist, "bic:QPAYKHPPXXX"), by_name(&watchlist, "Quilmoor Group")] {
        let [found] = &found[..] else { panic!("one entry: {found:?}") };
        assert_eq!((found.list.action, found.list.measure), (ListAction::Report, Some(Measure::ProhibitCorrespondent)));
        assert_eq!(found.entry.programme.as_deref(), Some("311 Special Measures"));
    }
}
