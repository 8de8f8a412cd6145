use std::path::Path;

use mareva_model::{AliasQuality, parse_time};

use super::{by_identifier, by_name, names, told};
use crate::{Column, ColumnMap, DateOrder, EntryKind, Headers, ListConfig, ListPart, Watchlist, lists_parties, load};

const SUBJECTS: &str =
    "ref,type,listed,bic_code\nA1,individual,29/06/2012,\nB2,entity,05/11/2012,QUILRUMM\nC3,ship,,\n";
const NAMES: &str = "ref,strength,first,last\nA1,primary,Arno,Belquil\nA1,low_quality_aka,,The Clerk\n\
                     B2,primary,,Quilmoor Bank\nC3,primary,,Quilmoor Star\nA1,alias,Arnau,Bel\n";
const BIRTHS: &str = "ref,y,m,d\nA1,1967,,\nA1,1969,06,04\n";
const PAPERS: &str = "ref,number,sort\nA1,P 77-1,passport\n";

pub(crate) fn columns(map: &[(Column, &[&str])]) -> ColumnMap {
    let headers = |names: &[&str]| match names {
        [name] => Headers::One((*name).to_owned()),
        names => Headers::Joined(names.iter().map(|name| (*name).to_owned()).collect()),
    };
    map.iter().map(|(column, names)| (*column, headers(names))).collect()
}

/// A list in four files, with what is given in their place.
fn written(folder: &Path, files: [&str; 4]) -> ListConfig {
    let [subjects, names, births, papers] = ["subjects", "names", "births", "papers"].map(|name| folder.join(name));
    for (path, text) in [&subjects, &names, &births, &papers].into_iter().zip(files) {
        std::fs::write(path, text).unwrap();
    }
    let part = |path, map| ListPart { path, columns: columns(map) };
    ListConfig {
        columns: columns(&[
            (Column::Id, &["ref"]),
            (Column::Kind, &["type"]),
            (Column::ListedAt, &["listed"]),
            (Column::Identifier, &["bic_code"]),
        ]),
        dates: DateOrder::DayFirst,
        parts: vec![
            part(
                names,
                &[(Column::Id, &["ref"]), (Column::Quality, &["strength"]), (Column::Name, &["first", "last"])],
            ),
            part(births, &[(Column::Id, &["ref"]), (Column::BirthDate, &["y", "m", "d"])]),
            part(papers, &[(Column::Id, &["ref"]), (Column::Document, &["number"]), (Column::DocumentKind, &["sort"])]),
        ],
        ..ListConfig::sanctions("parts", subjects)
    }
}

#[test]
fn rows_of_several_files_are_one_entry_by_their_id() {
    let folder = tempfile::tempdir().unwrap();
    let list = load(&written(folder.path(), [SUBJECTS, NAMES, BIRTHS, PAPERS])).unwrap();
    let [person, bank, ship] = &list.entries().collect::<Vec<_>>()[..] else { panic!("three entries") };
    assert_eq!((person.kind, bank.kind, ship.kind), (EntryKind::Person, EntryKind::Organisation, EntryKind::Vessel));
    assert_eq!(names(person, AliasQuality::Primary), ["Arno Belquil"]);
    assert_eq!(names(person, AliasQuality::Strong), ["Arnau Bel"]);
    assert_eq!(names(person, AliasQuality::Weak), ["The Clerk"]);
    let born = ["1967", "1969-06-04"].map(|text| crate::BirthDate::parse(text).unwrap());
    assert_eq!(person.birth_dates, born);
    assert_eq!((person.documents[0].number.as_str(), person.documents[0].kind.as_str()), ("P 77-1", "passport"));
    assert_eq!(person.listed_at, parse_time("2012-06-29").ok());
    assert_eq!((list.counts().entries, list.counts().names, list.counts().unreadable_dates), (3, 5, 0));
    let watchlist = Watchlist::new(vec![list.into()]).unwrap();
    assert_eq!(by_identifier(&watchlist, "bic:QUILRUMMXXX")[0].entry.id, "parts:B2");
    assert_eq!(by_name(&watchlist, "BEL, Arnau")[0].entry.id, "parts:A1");
}

/// The version of a list is the digest of its files: of each of them.
#[test]
fn each_file_of_a_list_counts_for_its_version() {
    let versions =
        [[SUBJECTS, NAMES, BIRTHS, PAPERS], [SUBJECTS, NAMES, "ref,y,m,d\nA1,1967,,\n", PAPERS]].map(|files| {
            let folder = tempfile::tempdir().unwrap();
            load(&written(folder.path(), files)).unwrap().list().version.clone()
        });
    assert_ne!(versions[0], versions[1]);
}

#[test]
fn what_is_wrong_with_a_list_of_several_files() {
    let reason = |files: [&str; 4]| {
        let folder = tempfile::tempdir().unwrap();
        told(&load(&written(folder.path(), files)).unwrap_err())
    };
    let whole = [SUBJECTS, NAMES, BIRTHS, PAPERS];
    let with = |at: usize, text: &'static str| {
        let mut files = whole;
        files[at] = text;
        reason(files)
    };
    for (at, text, expected) in [
        (1, "ref,strength,first,last\nA1,primary,Arno,Belquil\n", "entry C3 has nothing to screen in any of the files"),
        (2, "ref,y,m,d\nZ9,1967,,\n", "births:2: the first file of the list has no row with this id"),
        (2, "ref,y,m,d\n,1967,,\n", "births:2: the row has no id"),
        (2, "ref,year,m,d\nA1,1967,,\n", "births:1: the first row has no column \"y\", which the config names"),
        (3, "", "papers: the file is empty"),
        (3, "<html>", "papers: this is HTML or XML, not CSV"),
        (0, "<Designations/>", "subjects: this is HTML or XML, not CSV"),
        (0, "ref,type,listed,bic_code\n", "names:2: the first file of the list has no row with this id"),
    ] {
        let told = with(at, text);
        assert!(told.contains(expected), "{text:?}: {told}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut gone = written(folder.path(), whole);
    gone.parts[1].path = folder.path().join("elsewhere");
    assert!(told(&load(&gone).unwrap_err()).contains("elsewhere: cannot be read"));
    let mut apart = written(folder.path(), whole);
    apart.parts[0].columns.remove(&Column::Id);
    assert!(told(&load(&apart).unwrap_err()).contains("its files have no column id in common"));
    apart.format = crate::ListFormat::Xml;
    assert!(told(&load(&apart).unwrap_err()).contains("columns and parts are of CSV files"));
}

/// With a map, only what it names counts, whatever else the file holds.
#[test]
fn a_map_names_the_columns_of_a_single_file() {
    let config = ListConfig {
        columns: columns(&[(Column::Name, &["Last Name", "first-name"]), (Column::Id, &["no"])]),
        dates: DateOrder::MonthFirst,
        ..ListConfig::sanctions("one", "")
    };
    let text = "no;name;Last Name;First Name;dob\n7;not this;Belquil;Arno;1/2/2003\n";
    let list = crate::load_plain(&config, text.as_bytes(), "one.csv").unwrap();
    let entry = list.entries().next().unwrap();
    assert_eq!((entry.id.as_str(), names(&entry, AliasQuality::Primary)), ("7", vec!["Belquil Arno"]));
    assert!(entry.birth_dates.is_empty() && list.doubts().unknown_columns.is_empty());
}

#[test]
fn orders_of_dates() {
    for (order, text, iso) in [
        (DateOrder::DayFirst, "29/06/2012", "2012-06-29"),
        (DateOrder::DayFirst, "1.6.2012", "2012-06-01"),
        (DateOrder::MonthFirst, "06/29/2012", "2012-06-29"),
        (DateOrder::DayFirst, "2012-06-29", "2012-06-29"),
        (DateOrder::DayFirst, "circa 1960", "circa 1960"),
        (DateOrder::Iso, "29/06/2012", "29/06/2012"),
    ] {
        assert_eq!(order.iso(text), iso, "{order:?}");
    }
}

#[test]
fn files_of_parties_are_told_from_files_of_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    for (text, expected) in [
        (include_str!("../../fixtures/un.xml"), true),
        (include_str!("../../fixtures/uk.csv"), true),
        (include_str!("../../fixtures/entities.ftm.json"), true),
        (SUBJECTS, false),
        ("", false),
    ] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(lists_parties(&file), expected, "{text:.40}");
    }
    assert!(!lists_parties(folder.path()) && !lists_parties(Path::new("nowhere")));
    // What stands in a pipe can be read but once, and by the loader: it is not looked into.
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(!lists_parties(&pipe));
    std::fs::write(folder.path().join("sdn.csv"), "").unwrap();
    assert!(lists_parties(folder.path()));
}
