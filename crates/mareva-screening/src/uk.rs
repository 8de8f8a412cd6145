//! The UK Sanctions List of the Foreign, Commonwealth & Development Office in XML.

use mareva_model::identifier;
use mareva_model::{AliasQuality, parse_time};

use crate::country::code_or_text;
use crate::entry::add_new;
use crate::official::{XmlFormat, add_birth_date};
use crate::spellings::spellings;
use crate::xml::Element;
use crate::{DateOrder, Document, Entry, EntryKind, LoadCounts};

pub(crate) const FORMAT: XmlFormat = XmlFormat {
    root: "Designations",
    published: "DateGenerated",
    dates: DateOrder::DayFirst,
    count: None,
    entries: &["Designation"],
    id: "UniqueID",
    entry,
};

/// The last is the family name, or the whole name of what is no person.
const NAMES: [&str; 6] = ["Name1", "Name2", "Name3", "Name4", "Name5", "Name6"];
const BICS: [&str; 3] = ["SWIFT/BIC", "SWIFT", "BIC"];

fn entry(element: &Element, counts: &mut LoadCounts) -> Entry {
    let text = |name| element.text_of(name).map(str::to_owned);
    let mut entry = Entry {
        id: text("UniqueID").unwrap_or_default(),
        kind: EntryKind::of(element.text_of("IndividualEntityShip").unwrap_or_default()),
        programme: text("RegimeName"),
        reason: text("UKStatementofReasons"),
        listed_at: element.text_of("DateDesignated").and_then(|date| parse_time(&iso_date(date)).ok()),
        ..Entry::default()
    };
    add_names(&mut entry, element);
    let of = |path: &[&str]| texts(element, path);
    for path in [
        &["Addresses", "Address", "AddressCountry"][..],
        &["IndividualDetails", "Individual", "Nationalities", "Nationality"],
        &["ShipDetails", "Ship", "CurrentBelievedFlagOfShips", "CurrentBelievedFlagOfShip"],
    ] {
        add_new(&mut entry.countries, of(path).into_iter().map(code_or_text).collect());
    }
    for date in of(&["IndividualDetails", "Individual", "DOBs", "DOB"]) {
        add_birth_date(&mut entry, &iso_date(date), counts);
    }
    for (kind, path) in [
        ("Passport", &["IndividualDetails", "Individual", "PassportDetails", "Passport", "PassportNumber"][..]),
        (
            "National identifier",
            &[
                "IndividualDetails",
                "Individual",
                "NationalIdentifierDetails",
                "NationalIdentifier",
                "NationalIdentifierNumber",
            ],
        ),
        (
            "Registration number",
            &["EntityDetails", "Entity", "BusinessRegistrationNumbers", "BusinessRegistrationNumber"],
        ),
        ("IMO number", &["ShipDetails", "Ship", "IMONumbers", "IMONumber"]),
    ] {
        of(path).into_iter().for_each(|number| add_number(&mut entry, kind, number));
    }
    entry
}

/// Texts of the elements at the end of a path, in their order.
fn texts<'e>(element: &'e Element, path: &[&str]) -> Vec<&'e str> {
    let mut level = vec![element];
    for name in path {
        level = level.into_iter().flat_map(|one| one.children(name)).collect();
    }
    level.into_iter().map(Element::text).filter(|text| !text.is_empty()).collect()
}

/// The kind of a name is written in several casings; where none is called primary, the first one is.
fn add_names(entry: &mut Entry, element: &Element) {
    let is_kind =
        |name: &Element, kind: &str| name.text_of("NameType").is_some_and(|own| own.eq_ignore_ascii_case(kind));
    let mut names: Vec<&Element> = element.children("Names").flat_map(|all| all.children("Name")).collect();
    names.sort_by_key(|name| !is_kind(name, "primary name"));
    for name in names {
        let parts: Vec<&str> = NAMES.iter().filter_map(|part| name.text_of(part)).collect();
        let is_low = name.text_of("AliasStrength").is_some_and(|text| text.to_ascii_lowercase().starts_with("low"));
        let quality = match (is_low, entry.names.is_empty()) {
            (true, _) => AliasQuality::Weak,
            (_, true) => AliasQuality::Primary,
            _ => AliasQuality::Strong,
        };
        add_new(&mut entry.names, spellings(&parts.join(" "), quality));
    }
    for name in texts(element, &["NonLatinNames", "NonLatinName", "NameNonLatinScript"]) {
        add_new(&mut entry.names, spellings(name, AliasQuality::Strong));
    }
}

/// `31/12/1969`; where day or month is unknown, `dd` and `mm` stand in their place.
pub(crate) fn iso_date(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').collect();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match parts[..] {
        [day, month, year] if is_number(month) && is_number(day) => format!("{year}-{month:0>2}-{day:0>2}"),
        [_, month, year] if is_number(month) => format!("{year}-{month:0>2}"),
        [_, _, year] => year.to_owned(),
        _ => text.to_owned(),
    }
}

/// A code of a bank among the numbers is screened.
pub(crate) fn add_number(entry: &mut Entry, kind: &str, number: &str) {
    let bic = BICS.iter().find_map(|word| number.strip_prefix(word)).map(|rest| rest.trim_start_matches([':', ' ']));
    if let Some(found) = bic.and_then(identifier::recognise) {
        return add_new(&mut entry.identifiers, vec![found]);
    }
    let document = Document { kind: kind.to_owned(), number: number.to_owned(), country: None };
    add_new(&mut entry.documents, vec![document]);
}
