use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use mareva_model::identifier;

use super::parts::columns;
use super::{Cpu, NOW, by_identifier, by_name};
use crate::remarks::Remarks;
use crate::{Column, DateOrder, Entry, EntryKind, ListConfig, ListPart, Scratch, Support, Watchlist, load};

fn data(path: &str) -> PathBuf {
    PathBuf::from(std::env::var("MAREVA_DATA").unwrap()).join(path)
}

fn ofac_2021() -> Watchlist {
    let list = load(&ListConfig::sanctions("ofac", data("lists/ofac-2021"))).unwrap();
    Watchlist::new(vec![list.into()]).unwrap()
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn the_whole_ofac_set_loads_and_matches_itself() {
    let start = Cpu::now();
    let watchlist = ofac_2021();
    let took = start.elapsed();
    let counts = watchlist.loaded()[0].counts();
    println!("loaded in {took:?}: {counts:?}, {} bytes", watchlist.size());
    assert!(took.as_secs() < 5);
    // 8,976 SDN and 442 other entries, of which 4 stand in both.
    assert_eq!(counts.entries, 8_976 + 442 - 4);
    assert_eq!((counts.names_without_key, counts.unreadable_dates), (0, 0));
    let (mut names, mut identifiers) = (0, 0);
    for entry in watchlist.loaded()[0].entries() {
        let id = format!("ofac:{}", entry.id);
        for name in &entry.names {
            names += 1;
            assert!(by_name(&watchlist, &name.text).iter().any(|hit| hit.entry.id == id), "{id} {}", name.text);
        }
        for identifier in &entry.identifiers {
            identifiers += 1;
            let hits = by_identifier(&watchlist, &identifier.canonical);
            assert!(hits.iter().any(|hit| hit.entry.id == id), "{id} {}", identifier.canonical);
        }
    }
    println!("{names} names, {identifiers} identifiers");
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn every_name_of_the_files_matches() {
    let watchlist = ofac_2021();
    let mut names = BTreeSet::new();
    for (file, column) in [("sdn", 1), ("cons_prim", 1), ("alt", 3), ("cons_alt", 3)] {
        let path = data(&format!("lists/ofac-2021/{file}.csv"));
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path);
        for row in reader.unwrap().records().map(Result::unwrap).filter(|row| row.len() > 1) {
            names.insert((row[0].to_owned(), row[column].to_owned()));
        }
    }
    assert!(names.len() > 22_000);
    for (id, name) in names {
        let id = format!("ofac:{id}");
        assert!(by_name(&watchlist, &name).iter().any(|hit| hit.entry.id == id), "{id} {name}");
    }
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn addresses_cut_in_two_are_found() {
    let watchlist = ofac_2021();
    let files = ["sdn.csv", "sdn_comments.csv"].map(|name| data("lists/ofac-2021").join(name));
    let files = files.map(|path| std::fs::read_to_string(path).unwrap());
    let address = "1GqChmWqGtsaLrGbHfgdrV5Nkvahtjjuxr";
    assert!(files.iter().all(|text| !text.contains(address)));
    assert_eq!(by_identifier(&watchlist, &format!("btc:{address}"))[0].entry.id, "ofac:30518");
    // This one lost its label to the cut.
    let whole = "eip155:1:0x8576acc5c05d6ce88f4e49bf65bdf0c62f91353c";
    assert_eq!(by_identifier(&watchlist, whole)[0].entry.id, "ofac:29703");
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn addresses_of_the_union_that_are_in_the_set_match() {
    let watchlist = ofac_2021();
    let files = ["sdn.csv", "sdn_comments.csv"].map(|name| data("lists/ofac-2021").join(name));
    let text: String = files.map(|path| std::fs::read_to_string(path).unwrap()).concat().to_ascii_lowercase();
    let union = csv::Reader::from_path(data("identifiers/ofac_digital_currency_addresses_union.csv"));
    let (mut found, mut unvalidated) = (0, Vec::new());
    for row in union.unwrap().records().map(Result::unwrap) {
        if !text.contains(&row[1].to_ascii_lowercase()) {
            continue;
        }
        match identifier::recognise(&row[1]) {
            Some(one) => {
                found += 1;
                assert!(!by_identifier(&watchlist, &one.canonical).is_empty(), "{}", one.canonical);
            }
            None => unvalidated.push(row[1].to_owned()),
        }
    }
    println!("{found} addresses of the union are in the set, {unvalidated:?} validate as nothing");
    assert!(found >= 90 && unvalidated.len() <= 1);
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn ordinary_names_are_left_alone() {
    let watchlist = ofac_2021();
    let (mut scratch, mut hits, mut names) = (Scratch::new(), Vec::new(), Vec::new());
    let mut reader = csv::Reader::from_path(data("names/ordinary_names_dev.csv")).unwrap();
    for row in reader.records().map(Result::unwrap) {
        names.push((row[0].to_owned(), row[5].to_owned(), row[7].to_owned()));
    }
    for (name, birth_date, country) in &names {
        let support = Support { birth_date: Some(birth_date), country: Some(country) };
        watchlist.screen_name(name, &support, NOW, &mut scratch, &mut hits);
    }
    for hit in &hits {
        println!("{:?} {:?}", hit.matched, hit.entry);
    }
    assert_eq!(names.len(), 10_000);
    assert!(hits.len() <= 5);
    let stats = scratch.take_stats();
    println!("{stats:?}");
    for round in ["anew", "again"] {
        let mut scratch = if round == "anew" { Scratch::new() } else { std::mem::take(&mut scratch) };
        let few = if round == "anew" { &names[..] } else { &names[..2_000] };
        let repeats = 50_000 / few.len();
        let start = Cpu::now();
        for (name, ..) in std::iter::repeat_n(few, repeats).flatten() {
            watchlist.screen_name(name, &Support::default(), NOW, &mut scratch, &mut hits);
        }
        println!("a name, {round}: {:?}", start.elapsed() / 50_000);
    }
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn an_incomplete_set_is_refused() {
    let refusal = load(&ListConfig::sanctions("ofac", data("lists/ofac-2025-12"))).unwrap_err();
    println!("{refusal}");
    assert_eq!(refusal.0.len(), 1);
    assert!(refusal.0[0].place.ends_with("sdn.csv") && refusal.0[0].reason.contains("missing"));
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn the_overflow_of_2025_mentions_366_addresses() {
    let path = data("lists/ofac-2025-12/sdn_comments.csv");
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path);
    let rows = reader.unwrap().into_records().map(Result::unwrap).filter(|row| row.len() == 2);
    assert_eq!(rows.map(|row| Remarks::parse(&row[1]).address_mentions).sum::<u64>(), 366);
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn the_whole_un_list_loads_and_every_name_of_it_matches() {
    let path = data("lists/un/UN_consolidated-2026-02-27.xml");
    let list = load(&ListConfig::sanctions("un", &path)).unwrap();
    let counts = list.counts();
    println!("{counts:?}");
    let kinds = |kind| list.entries().filter(|entry| entry.kind == kind).count();
    assert_eq!((kinds(EntryKind::Person), kinds(EntryKind::Organisation)), (730, 273));
    assert_eq!((counts.unreadable_dates, counts.names_without_key), (0, 0));
    assert_eq!(list.list().version, "2026-02-27T00:00:09.554Z");
    let watchlist = Watchlist::new(vec![list.into()]).unwrap();
    let mut names = csv::Reader::from_path(data("names/un_listed_names.csv")).unwrap();
    let missed: Vec<String> = names
        .records()
        .map(|row| row.unwrap()[0].to_owned())
        .filter(|name| by_name(&watchlist, name).is_empty())
        .collect();
    println!("{} missed: {missed:?}", missed.len());
    // Those that stay behind have left the list since.
    assert!(missed.len() <= 3, "{missed:?}");
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn fixtures_are_valid_by_the_schemas_of_their_publishers() {
    let schemas = [
        ("un.xml", "UN_consolidated.xsd"),
        ("eu.xml", "EU_20171012-FULL-schema-1_1(xsd).xsd"),
        ("sdn.xml", "OFAC_xml.xsd"),
    ];
    for (fixture, schema) in schemas {
        let fixture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
        let schema = data("lists/xsd").join(schema);
        let run = Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).args([&schema, &fixture]).output();
        let run = run.expect("xmllint starts; tests/run.sh installs it");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }
}

/// The UK's list as somebody else has cut it into four files.
#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn the_uk_list_in_four_files_loads_whole() {
    let file = |name: &str| data(&format!("lists/uk-2026-05/{name}.csv"));
    let part = |name: &str, map| ListPart { path: file(name), columns: columns(map) };
    let id = (Column::Id, &["unique_id"][..]);
    let config = ListConfig {
        columns: columns(&[id, (Column::Kind, &["subject_type"]), (Column::ListedAt, &["date_designated"])]),
        dates: DateOrder::DayFirst,
        parts: vec![
            part(
                "subject_names",
                &[id, (Column::Name, &["full_name"]), (Column::Quality, &["name_type", "alias_strength"])],
            ),
            part("subject_dobs", &[id, (Column::BirthDate, &["year", "month", "day"])]),
            part(
                "subject_identifiers",
                &[id, (Column::Document, &["raw_value"]), (Column::DocumentKind, &["identifier_type"])],
            ),
        ],
        ..ListConfig::sanctions("uk", file("subjects"))
    };
    let list = load(&config).unwrap();
    println!("{:?}", list.counts());
    assert_eq!((list.counts().entries, list.counts().unreadable_dates), (6_046, 0));
    let of = |kind| list.entries().filter(|entry| entry.kind == kind).count();
    assert_eq!([EntryKind::Person, EntryKind::Organisation, EntryKind::Vessel].map(of), [3_883, 1_531, 632]);
    let dated = list.entries().filter(|entry| entry.listed_at.is_some()).count();
    assert_eq!(dated, 6_046);
    // Each name and each document once; those that an entry has twice in the files count once.
    let sum = |of: fn(&Entry) -> usize| list.entries().map(|entry| of(&entry)).sum::<usize>();
    println!(
        "{} names, {} documents, {} births",
        sum(|e| e.names.len()),
        sum(|e| e.documents.len()),
        sum(|e| e.birth_dates.len())
    );
    let watchlist = Watchlist::new(vec![list.into()]).unwrap();
    let reader = csv::Reader::from_path(file("subject_names"));
    let mut missed = Vec::new();
    for row in reader.unwrap().records().map(Result::unwrap) {
        let id = format!("uk:{}", &row[1]);
        if !by_name(&watchlist, &row[4]).iter().any(|hit| hit.entry.id == id) {
            missed.push(row[4].to_owned());
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}
