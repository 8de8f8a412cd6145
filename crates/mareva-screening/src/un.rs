//! The consolidated list of the United Nations Security Council, as its XML schema of 2017 has it.

use mareva_model::{AliasQuality, parse_time};

use crate::country::code_or_text;
use crate::entry::{add_new, joined};
use crate::official::{XmlFormat, add_birth_date};
use crate::spellings::spellings;
use crate::xml::Element;
use crate::{DateOrder, Document, Entry, EntryKind, LoadCounts};

const NAMES: [&str; 4] = ["FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME"];

pub(crate) const FORMAT: XmlFormat = XmlFormat {
    root: "CONSOLIDATED_LIST",
    published: "dateGenerated",
    dates: DateOrder::Iso,
    count: None,
    entries: &["INDIVIDUAL", "ENTITY"],
    id: "REFERENCE_NUMBER",
    entry,
};

fn entry(element: &Element, counts: &mut LoadCounts) -> Entry {
    let is_person = element.name == "INDIVIDUAL";
    let text = |name| element.text_of(name).map(str::to_owned);
    let mut entry = Entry {
        id: text("REFERENCE_NUMBER").unwrap_or_default(),
        kind: if is_person { EntryKind::Person } else { EntryKind::Organisation },
        programme: text("UN_LIST_TYPE"),
        listed_at: element.text_of("LISTED_ON").and_then(|date| parse_time(date).ok()),
        ..Entry::default()
    };
    let name: Vec<&str> = NAMES.iter().filter_map(|part| element.text_of(part)).collect();
    add_new(&mut entry.names, spellings(&name.join(" "), AliasQuality::Primary));
    for name in element.texts("NAME_ORIGINAL_SCRIPT") {
        add_new(&mut entry.names, spellings(name, AliasQuality::Strong));
    }
    let designations: Vec<&str> = element.children("DESIGNATION").flat_map(|all| all.texts("VALUE")).collect();
    entry.reason = joined(&designations);
    let nationalities = element.children("NATIONALITY").flat_map(|all| all.texts("VALUE"));
    entry.countries.extend(nationalities.map(code_or_text));
    for kind in ["INDIVIDUAL", "ENTITY"] {
        for alias in element.children(&format!("{kind}_ALIAS")) {
            add_alias(&mut entry, alias, counts);
        }
        for address in element.children(&format!("{kind}_ADDRESS")) {
            add_new(&mut entry.countries, address.texts("COUNTRY").map(code_or_text).collect());
        }
    }
    for date in element.children("INDIVIDUAL_DATE_OF_BIRTH").filter_map(birth_date) {
        add_birth_date(&mut entry, &date, counts);
    }
    entry.documents = element.children("INDIVIDUAL_DOCUMENT").filter_map(document).collect();
    entry
}

/// `Low` is weak; `Good`, `a.k.a.` and `f.k.a.` are not. An alias may have a date of birth of its own.
fn add_alias(entry: &mut Entry, alias: &Element, counts: &mut LoadCounts) {
    let quality = match alias.text_of("QUALITY") {
        Some("Low") => AliasQuality::Weak,
        _ => AliasQuality::Strong,
    };
    for name in alias.texts("ALIAS_NAME") {
        add_new(&mut entry.names, spellings(name, quality));
    }
    for date in alias.texts("DATE_OF_BIRTH") {
        add_birth_date(entry, date, counts);
    }
}

/// The words that [`BirthDate::parse`] reads; `None` where the list gives no date.
fn birth_date(element: &Element) -> Option<String> {
    let date = ["DATE", "YEAR"].into_iter().find_map(|name| element.text_of(name));
    let range = element.text_of("FROM_YEAR").zip(element.text_of("TO_YEAR"));
    let date = date.map(str::to_owned).or_else(|| range.map(|(from, to)| format!("{from} to {to}")))?;
    let is_about = element.text_of("TYPE_OF_DATE") == Some("APPROXIMATELY");
    Some(if is_about { format!("circa {date}") } else { date })
}

fn document(element: &Element) -> Option<Document> {
    let either = |names: [&str; 2]| names.into_iter().find_map(|name| element.text_of(name));
    Some(Document {
        kind: either(["TYPE_OF_DOCUMENT", "TYPE_OF_DOCUMENT2"]).unwrap_or_default().to_owned(),
        number: element.text_of("NUMBER")?.to_owned(),
        country: either(["ISSUING_COUNTRY", "COUNTRY_OF_ISSUE"]).map(code_or_text),
    })
}
