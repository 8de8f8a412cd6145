//! The European Union's consolidated list of financial sanctions, XML schema 1.1 (`20171012-FULL-schema-1_1`).

use mareva_model::identifier;
use mareva_model::{AliasQuality, parse_time};

use crate::country::code_or_text;
use crate::entry::{add_new, joined};
use crate::official::{XmlFormat, add_birth_date};
use crate::spellings::spellings;
use crate::xml::Element;
use crate::{DateOrder, Document, Entry, EntryKind, LoadCounts};

pub(crate) const FORMAT: XmlFormat = XmlFormat {
    root: "export",
    published: "generationDate",
    dates: DateOrder::Iso,
    count: None,
    entries: &["sanctionEntity"],
    id: "euReferenceNumber or logicalId",
    entry,
};

/// What stands for an unknown country.
const NO_COUNTRY: &str = "00";

fn entry(element: &Element, counts: &mut LoadCounts) -> Entry {
    let id = element.attribute("euReferenceNumber").or_else(|| element.attribute("logicalId"));
    let time = |name| element.attribute(name).and_then(|date| parse_time(date).ok());
    let mut entry = Entry {
        id: id.unwrap_or_default().to_owned(),
        kind: kind(element),
        listed_at: time("designationDate"),
        valid_until: time("delistingDate"),
        ..Entry::default()
    };
    for alias in element.children("nameAlias") {
        let is_first = entry.names.is_empty();
        let quality = match (alias.attribute("strong"), is_first) {
            (Some("false"), _) => AliasQuality::Weak,
            (_, true) => AliasQuality::Primary,
            _ => AliasQuality::Strong,
        };
        add_new(&mut entry.names, spellings(&whole_name(alias), quality));
        let function = alias.attribute("function").map(str::to_owned);
        entry.reason = entry.reason.take().or(function);
    }
    let mut acts: Vec<&str> = Vec::new();
    add_new(&mut acts, element.children("regulation").filter_map(|act| act.attribute("programme")).collect());
    entry.programme = joined(&acts);
    for name in ["citizenship", "address"] {
        add_new(&mut entry.countries, element.children(name).filter_map(country).collect());
    }
    for date in element.children("birthdate") {
        match birth_date(date) {
            Some(text) => add_birth_date(&mut entry, &text, counts),
            None => counts.unreadable_dates += u64::from(date.attribute("year").is_some()),
        }
    }
    for document in element.children("identification") {
        add_document(&mut entry, document);
    }
    entry
}

/// `P` is a person, `E` everything else, ships by their code.
fn kind(element: &Element) -> EntryKind {
    let of = element.children("subjectType").next();
    let is = |attribute, value| of.and_then(|of| of.attribute(attribute)) == Some(value);
    match (is("classificationCode", "P"), is("classificationCode", "E"), is("code", "ship")) {
        (true, ..) => EntryKind::Person,
        (_, _, true) => EntryKind::Vessel,
        (_, true, _) => EntryKind::Organisation,
        _ => EntryKind::Unknown,
    }
}

fn whole_name(alias: &Element) -> String {
    let parts = ["firstName", "middleName", "lastName"].into_iter().filter_map(|part| alias.attribute(part));
    alias.attribute("wholeName").map_or_else(|| parts.collect::<Vec<_>>().join(" "), str::to_owned)
}

fn country(element: &Element) -> Option<String> {
    let code = element.attribute("countryIso2Code").filter(|code| *code != NO_COUNTRY);
    code.or_else(|| element.attribute("countryDescription")).filter(|text| *text != "UNKNOWN").map(code_or_text)
}

/// The words that [`crate::BirthDate::parse`] reads; `None` without a date of the Gregorian calendar.
fn birth_date(element: &Element) -> Option<String> {
    let part = |name| element.attribute(name).filter(|text| *text != "0");
    let gregorian = element.attribute("calendarType").is_none_or(|calendar| calendar == "GREGORIAN");
    let in_parts = || {
        let year = part("year").filter(|_| gregorian)?;
        Some(match (part("monthOfYear"), part("dayOfMonth")) {
            (Some(month), Some(day)) => format!("{year}-{month}-{day}"),
            (Some(month), None) => format!("{year}-{month}"),
            _ => year.to_owned(),
        })
    };
    let range = || {
        let (from, to) = part("yearRangeFrom").zip(part("yearRangeTo")).filter(|_| gregorian)?;
        Some(format!("{from} to {to}"))
    };
    let date = element.attribute("birthdate").map(str::to_owned).or_else(in_parts).or_else(range)?;
    Some(if element.attribute("circa") == Some("true") { format!("circa {date}") } else { date })
}

/// Codes of banks and accounts are screened, everything else is a document.
fn add_document(entry: &mut Entry, element: &Element) {
    let Some(number) = element.attribute("latinNumber").or_else(|| element.attribute("number")) else { return };
    let code = element.attribute("identificationTypeCode").unwrap_or_default();
    let kind = element.attribute("identificationTypeDescription").unwrap_or(code);
    let is_screened = ["bic", "swift", "iban"].iter().any(|word| code.to_ascii_lowercase().contains(word));
    if let Some(found) = identifier::recognise(number).filter(|_| is_screened) {
        return add_new(&mut entry.identifiers, vec![found]);
    }
    let document = Document { kind: kind.to_owned(), number: number.to_owned(), country: country(element) };
    add_new(&mut entry.documents, vec![document]);
}
