//! Official lists in XML, told apart by their first element.

use std::collections::HashSet;
use std::io::Read;

use mareva_model::identifier::{self, Identifier};
use mareva_model::{Digest, Refusal};

use crate::entry::add_new;
use crate::faults::Faults;
use crate::xml::{Element, XmlList};
use crate::{BirthDate, DateOrder, Entry, LoadCounts, eu, ofac_advanced, ofac_xml, uk, un};

pub(crate) const DOWNLOAD: &str = "download the list again, from the address of its XML file";

/// What the file of a list holds.
pub(crate) struct ListContent {
    pub(crate) entries: Vec<Entry>,
    pub(crate) digest: Digest,
    pub(crate) counts: LoadCounts,
    /// When it was published, in ISO order where the format writes dates as numbers.
    pub(crate) published: Option<String>,
}

/// A format in which one element is one entry.
pub(crate) struct XmlFormat {
    /// First element of a file.
    pub(crate) root: &'static str,
    /// Attribute of it, or element with a text, that says when the list was published.
    pub(crate) published: &'static str,
    /// How that is written.
    pub(crate) dates: DateOrder,
    /// Element that says how many entries the list has.
    pub(crate) count: Option<&'static str>,
    /// Elements that are entries.
    pub(crate) entries: &'static [&'static str],
    /// What holds the id of an entry, for messages.
    pub(crate) id: &'static str,
    pub(crate) entry: fn(&Element, &mut LoadCounts) -> Entry,
}

const FORMATS: [&XmlFormat; 4] = [&un::FORMAT, &eu::FORMAT, &uk::FORMAT, &ofac_xml::FORMAT];

/// Reads a list, one entry at a time; `place` names the file in faults.
pub(crate) fn read(input: impl Read, place: &str) -> Result<ListContent, Refusal> {
    let mut list = XmlList::open(input, place)?;
    let root = list.root().name.clone();
    if root == ofac_advanced::ROOT {
        return ofac_advanced::read(list, place);
    }
    let Some(format) = FORMATS.into_iter().find(|format| format.root == root) else {
        let known: Vec<&str> = FORMATS.iter().map(|format| format.root).chain([ofac_advanced::ROOT]).collect();
        let reason = format!("its first element is {root:?}, none of {}", known.join(", "));
        return Err(Refusal::one(place, reason, DOWNLOAD));
    };
    let mut published = list.root().attribute(format.published).map(str::to_owned);
    let (mut entries, mut ids) = (Vec::new(), HashSet::new());
    let (mut faults, mut counts) = (Faults::default(), LoadCounts::default());
    let mut told: Option<usize> = None;
    let wanted: Vec<&str> = format.entries.iter().copied().chain([format.published]).chain(format.count).collect();
    while let Some(element) = list.next(&wanted)? {
        if element.name == format.published {
            published.get_or_insert_with(|| element.text().to_owned());
            continue;
        }
        if format.count == Some(&element.name) {
            told = element.text().parse().ok();
            continue;
        }
        let entry = (format.entry)(&element, &mut counts);
        let place = format!("{place}: {} {}", element.name, if entry.id.is_empty() { "without id" } else { &entry.id });
        if entry.id.is_empty() {
            faults.add(&place, format!("has no {}", format.id), DOWNLOAD);
        } else if !ids.insert(entry.id.clone()) {
            faults.add(&place, "is listed twice", DOWNLOAD);
        }
        if entry.names.is_empty() {
            faults.add(&place, "has no name", DOWNLOAD);
        }
        entries.push(entry);
    }
    let found = entries.len();
    if let Some(told) = told.filter(|told| *told != found) {
        faults.add(place, format!("holds {found} entries where the list says {told}"), DOWNLOAD);
    }
    if entries.is_empty() {
        faults.add(place, format!("holds no {}", format.entries.join(" and no ")), DOWNLOAD);
    }
    faults.into_result()?;
    let published = published.map(|date| format.dates.iso(&date).into_owned());
    Ok(ListContent { entries, digest: list.digest(), counts, published })
}

/// Takes a date of birth to an entry, or counts it as unreadable.
pub(crate) fn add_birth_date(entry: &mut Entry, text: &str, counts: &mut LoadCounts) {
    match BirthDate::parse(text) {
        Some(date) => add_new(&mut entry.birth_dates, vec![date]),
        None => counts.unreadable_dates += 1,
    }
}

/// The identifiers that can match; the others are counted. The number of an account can be anybody's where nobody names its bank
/// and it is no mistyped IBAN, which names its own.
pub(crate) fn matchable(mut found: Vec<Identifier>, counts: &mut LoadCounts) -> Vec<Identifier> {
    let before = found.len();
    found.retain(|one| !one.canonical.starts_with("acct:-/") || identifier::mistyped_iban(&one.canonical).is_some());
    counts.unmatchable += (before - found.len()) as u64;
    found
}
