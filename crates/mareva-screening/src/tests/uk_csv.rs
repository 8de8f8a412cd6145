use mareva_model::Refusal;

use super::{by_identifier, told};
use crate::{Entry, ListConfig, LoadedList, Watchlist, load, load_uk_csv, load_xml};

const CSV: &str = include_str!("../../fixtures/uk.csv");
const XML: &str = include_str!("../../fixtures/uk.xml");

fn config() -> ListConfig {
    ListConfig::sanctions("uk", "")
}

fn read(text: &str) -> Result<LoadedList, Refusal> {
    load_uk_csv(&config(), text.as_bytes(), "uk.csv")
}

/// The order in which a list tells names, documents and countries says nothing.
fn sorted(list: &LoadedList) -> Vec<Entry> {
    let mut entries: Vec<Entry> = list.entries().collect();
    for entry in &mut entries {
        entry.names.sort_by(|a, b| a.text.cmp(&b.text));
        entry.documents.sort_by(|a, b| a.number.cmp(&b.number));
        entry.countries.sort();
        entry.birth_dates.sort_by_key(|date| format!("{date:?}"));
    }
    entries
}

#[test]
fn both_formats_of_the_list_say_the_same() {
    let (csv, xml) = (read(CSV).unwrap(), load_xml(&config(), XML.as_bytes(), "uk.xml").unwrap());
    assert_eq!(sorted(&csv), sorted(&xml));
    assert_eq!(csv.list().version, "02-Jan-2026");
    let watchlist = Watchlist::new(vec![csv.into()]).unwrap();
    assert_eq!(by_identifier(&watchlist, "bic:QUILRUMMXXX")[0].entry.id, "uk:RUS0902");
}

#[test]
fn the_list_is_known_by_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    for text in [CSV.to_owned(), format!("\u{feff}{}", CSV.replace('\n', "\r\n"))] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(load(&ListConfig::sanctions("uk", &path)).unwrap().counts().entries, 3);
    }
    // Without that line it has to be called by its name.
    let bare = CSV.split_once('\n').unwrap().1;
    let list = read(bare).unwrap();
    assert_eq!((list.counts().entries, list.list().version.len()), (3, 12));
}

#[test]
fn what_is_no_such_list_is_refused_with_the_reason() {
    for (text, expected) in [
        (String::new(), "the file is empty"),
        ("Report Date: 02-Jan-2026\n".to_owned(), "the header has no column \"unique id\""),
        (CSV.replace("Regime Name", "Regime"), "the header has no column \"regime name\""),
        (CSV.lines().take(2).map(|line| format!("{line}\n")).collect(), "the list holds no designations"),
        (CSV.replace(",RUS0903,", ",,"), "uk.csv:17: the row has no Unique ID"),
        (CSV.replace("QUILMOOR STAR", ""), "uk.csv: RUS0903: has no name"),
        (CSV[..CSV.len() - 20].to_owned(), "uk.csv:17: 26 columns where the header has 32"),
    ] {
        let told = told(&read(&text).unwrap_err());
        assert!(told.contains(expected), "{expected}: {told}");
    }
}
