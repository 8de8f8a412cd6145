use mareva_model::{AliasQuality, Refusal};

use super::{by_identifier, by_name, names, told};
use crate::{BirthDate, EntryKind, ListConfig, LoadedList, Watchlist, load_xml};

const UN: &str = include_str!("../../fixtures/un.xml");
const EU: &str = include_str!("../../fixtures/eu.xml");
const UK: &str = include_str!("../../fixtures/uk.xml");
const SDN: &str = include_str!("../../fixtures/sdn.xml");
const ADVANCED: &str = include_str!("../../fixtures/sdn_advanced.xml");

fn read(text: &str) -> Result<LoadedList, Refusal> {
    load_xml(&ListConfig::sanctions("list", ""), text.as_bytes(), "list.xml")
}

fn born(texts: &[&str]) -> Vec<BirthDate> {
    texts.iter().map(|text| BirthDate::parse(text).unwrap()).collect()
}

fn reason(text: &str) -> String {
    told(&read(text).unwrap_err())
}

#[test]
fn the_list_of_the_united_nations() {
    let list = read(UN).unwrap();
    assert_eq!(list.list().version, "2026-01-02T00:00:09.554Z");
    let [person, airline] = &list.entries().collect::<Vec<_>>()[..] else { panic!("two entries") };
    assert_eq!(
        (person.id.as_str(), person.kind, airline.kind),
        ("CDi.901", EntryKind::Person, EntryKind::Organisation)
    );
    assert_eq!(names(person, AliasQuality::Primary), ["ARNO BEL QUIL STERN"]);
    let strong = ["أرنو بل", "Arno Bell", "Arnau Bel", "Arnold Belquil (birth name)", "Arnold Belquil"];
    assert_eq!(names(person, AliasQuality::Strong), strong);
    assert_eq!(names(person, AliasQuality::Weak), ["The Clerk"]);
    assert_eq!(person.birth_dates, born(&["1955", "1971-03-04", "circa 1960", "1980 to 1982"]));
    assert_eq!(person.countries, ["CD", "RW"]);
    assert_eq!((person.documents[0].kind.as_str(), person.documents.len()), ("National Identification Number", 1));
    assert_eq!((person.programme.as_deref(), person.reason.as_deref()), (Some("DRC"), Some("Treasurer")));
    assert_eq!(person.listed_at, Some(1_356_912_000_000));
    assert_eq!(names(airline, AliasQuality::Primary), ["QUILMOOR AIRLINES (QMA)", "QUILMOOR AIRLINES"]);
    assert_eq!(names(airline, AliasQuality::Weak), ["QMA"]);
    assert_eq!(list.counts().unreadable_dates, 0);
}

#[test]
fn the_list_of_the_european_union() {
    let list = read(EU).unwrap();
    assert_eq!(list.list().version, "2026-01-02T16:20:05.480+01:00");
    let [person, bank] = &list.entries().collect::<Vec<_>>()[..] else { panic!("two entries") };
    assert_eq!((person.id.as_str(), person.kind, bank.kind), ("EU.901.11", EntryKind::Person, EntryKind::Organisation));
    assert_eq!(names(person, AliasQuality::Primary), ["Arno Belquil"]);
    assert_eq!(names(person, AliasQuality::Strong), ["Арно Белквил"]);
    assert_eq!(names(person, AliasQuality::Weak), ["The Clerk"]);
    // The year 1370 of the Islamic calendar is no date here, and is counted.
    assert_eq!((&person.birth_dates, list.counts().unreadable_dates), (&born(&["circa 1951", "1951-12-15"]), 1));
    assert_eq!((&person.countries[..], person.documents[0].country.as_deref()), (&["RU".to_owned()][..], Some("RU")));
    assert_eq!(person.programme.as_deref(), Some("UKR"));
    let watchlist = Watchlist::new(vec![list.into()]).unwrap();
    assert_eq!(by_identifier(&watchlist, "bic:QUILRUMMXXX")[0].entry.id, "list:EU.902.22");
    assert_eq!(by_name(&watchlist, "belquil arno")[0].entry.id, "list:EU.901.11");
}

/// The schema allows one act for an entity; should there be more, each counts.
#[test]
fn each_programme_of_an_entity_of_the_european_union() {
    let act = |programme: &str| format!(r#"<regulation programme="{programme}"/>"#);
    let text = EU
        .replace("<subjectType code=\"person\"", &format!("{}{}<subjectType code=\"person\"", act("TAQA"), act("UKR")));
    assert_eq!(read(&text).unwrap().entries().next().unwrap().programme.as_deref(), Some("UKR; TAQA"));
}

#[test]
fn the_list_of_the_united_kingdom() {
    let list = read(UK).unwrap();
    assert_eq!(list.list().version, "2026-01-02");
    let [person, company, ship] = &list.entries().collect::<Vec<_>>()[..] else { panic!("three entries") };
    assert_eq!((person.kind, company.kind, ship.kind), (EntryKind::Person, EntryKind::Organisation, EntryKind::Vessel));
    assert_eq!(names(person, AliasQuality::Primary), ["ARNO MARIA BELQUIL"]);
    assert_eq!(names(person, AliasQuality::Strong), ["ARNAU BEL", "Arno Bell", "Арно Белквил"]);
    assert_eq!(names(person, AliasQuality::Weak), ["THE CLERK"]);
    assert_eq!(person.birth_dates, born(&["1945", "1946-09", "1947-09-01"]));
    assert_eq!(person.listed_at, Some(1_340_928_000_000));
    assert_eq!((&person.countries[..], person.documents.len()), (&["AF".to_owned()][..], 2));
    assert_eq!(names(company, AliasQuality::Primary), ["Only An Alias"]);
    assert_eq!((company.identifiers[0].canonical.as_str(), company.documents.len()), ("bic:QUILRUMMXXX", 1));
    assert_eq!((&ship.countries[..], ship.documents[0].number.as_str()), (&["PA".to_owned()][..], "9187629"));
}

/// Both of OFAC's formats hold the same accounts.
fn finds_what_ofac_lists(list: LoadedList) {
    let watchlist = Watchlist::new(vec![list.into()]).unwrap();
    for listed in
        ["eip155:1:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "bic:QUILRUMMXXX", "chain:newcoin/nc1notknownyet"]
    {
        assert_eq!(by_identifier(&watchlist, listed).len(), 1, "{listed}");
    }
}

#[test]
fn the_list_of_ofac() {
    let list = read(SDN).unwrap();
    assert_eq!((list.list().version.as_str(), list.counts().address_mentions), ("2026-01-02", 2));
    let [person, ship] = &list.entries().collect::<Vec<_>>()[..] else { panic!("two entries") };
    assert_eq!((person.kind, ship.kind), (EntryKind::Person, EntryKind::Vessel));
    assert_eq!(names(person, AliasQuality::Primary), ["BELQUIL, Arno"]);
    assert_eq!(names(person, AliasQuality::Strong), ["BEL, Arnau"]);
    assert_eq!(names(person, AliasQuality::Weak), ["THE CLERK"]);
    assert_eq!(person.programme.as_deref(), Some("CYBER2; DPRK3"));
    assert_eq!((person.birth_dates.len(), &person.countries[..]), (2, &["RU".to_owned(), "BY".to_owned()][..]));
    assert_eq!(ship.countries, ["PA"]);
    finds_what_ofac_lists(list);
}

#[test]
fn the_list_of_ofac_in_its_advanced_format() {
    let list = read(ADVANCED).unwrap();
    assert_eq!((list.list().version.as_str(), list.counts().address_mentions), ("2026-01-02", 2));
    let [person, ship] = &list.entries().collect::<Vec<_>>()[..] else { panic!("two entries") };
    assert_eq!((person.id.as_str(), person.kind, ship.kind), ("90001", EntryKind::Person, EntryKind::Vessel));
    assert_eq!(names(person, AliasQuality::Primary), ["Belquil Arno"]);
    assert_eq!(names(person, AliasQuality::Strong), ["Белквил Арно"]);
    assert_eq!(names(person, AliasQuality::Weak), ["The Clerk"]);
    assert_eq!((person.programme.as_deref(), ship.programme.as_deref()), (Some("CYBER2; DPRK3"), Some("IRAN")));
    assert_eq!((&person.birth_dates, person.listed_at), (&born(&["1951"]), Some(1_543_363_200_000)));
    assert_eq!((&person.countries[..], person.documents[0].country.as_deref()), (&["RU".to_owned()][..], Some("RU")));
    finds_what_ofac_lists(list);
}

#[test]
fn broken_files_are_refused_with_the_reason() {
    for (text, expected) in [
        (String::new(), "holds no element"),
        ("<html><body>404</body></html>".to_owned(), "its first element is \"html\""),
        ("<!DOCTYPE html><html></html>".to_owned(), "DOCTYPE"),
        (UN[..UN.len() / 2].to_owned(), "cut off"),
        (UN.replace("</CONSOLIDATED_LIST>", ""), "cut off"),
        (UN.replace("</INDIVIDUAL>", "</ENTITY>"), "not well-formed"),
        (UN.replace("&amp;", "&lol;"), "an entity that XML does not define"),
        (UN.replace("UTF-8", "ISO-8859-1"), "encoding other than UTF-8"),
        (
            UN.replace("<REFERENCE_NUMBER>CDi.901</REFERENCE_NUMBER>", ""),
            "INDIVIDUAL without id: has no REFERENCE_NUMBER",
        ),
        (UN.replace("CDi.901", "CDe.902"), "ENTITY CDe.902: is listed twice"),
        (EU.replace("wholeName=\"Quilmoor Bank\"", "wholeName=\" \""), "EU.902.22: has no name"),
        ("<export generationDate=\"x\"/>".to_owned(), "holds no sanctionEntity"),
        (SDN.replace("<Record_Count>2", "<Record_Count>3"), "holds 2 entries where the list says 3"),
        (format!("<export>{}", "<a>".repeat(40)), "nested deeper"),
        (ADVANCED.replace("ProfileID=\"90002\"", "ProfileID=\"9\""), "DistinctParty 90002: has no SanctionsEntry"),
        (ADVANCED.replace("ID=\"90002\"", "ID=\"90001\""), "DistinctParty 90002: is listed twice"),
    ] {
        let found = reason(&text);
        assert!(found.contains(expected), "{found}\nwithout: {expected}");
    }
}

/// A text without end, in pieces of a megabyte.
struct Endless(u64);

impl std::io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let head = b"<export generationDate='x'><sanctionEntity>";
        let count = if self.0 == 0 { head.len() } else { buffer.len().min(1 << 20) };
        if self.0 == 0 {
            buffer[..count].copy_from_slice(head)
        } else {
            buffer[..count].fill(b'x')
        }
        self.0 += count as u64;
        assert!(self.0 < 64 << 20, "read on and on");
        Ok(count)
    }
}

#[test]
fn a_text_without_end_is_refused_before_it_fills_the_memory() {
    let refusal = load_xml(&ListConfig::sanctions("list", ""), Endless(0), "list.xml").unwrap_err();
    assert!(refusal.0[0].reason.contains("is larger than"), "{refusal}");
}
