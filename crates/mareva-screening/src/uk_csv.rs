//! The UK Sanctions List in CSV: a line with the date of the report, a header, and for each designation as many rows as tell
//! all of its names, addresses, dates of birth and numbers.

use std::collections::HashMap;
use std::io::Read;

use mareva_model::{AliasQuality, Refusal, parse_time};

use crate::country::code_or_text;
use crate::entry::add_new;
use crate::faults::Faults;
use crate::official::{DOWNLOAD, ListContent, add_birth_date};
use crate::rows::Rows;
use crate::spellings::spellings;
use crate::uk::{add_number, iso_date};
use crate::{Entry, EntryKind, LoadCounts};

/// Begins the first line.
pub(crate) const PREAMBLE: &str = "Report Date:";
/// Headers that every edition has; without one of them the file is another one.
const NEEDED: [&str; 4] = ["unique id", "name 6", "name type", "regime name"];
/// The last is the family name, or the whole name of what is no person.
const NAMES: [&str; 6] = ["name 1", "name 2", "name 3", "name 4", "name 5", "name 6"];
/// Older editions have the first.
const KINDS: [&str; 2] = ["individual, entity, ship", "designation type"];
const COUNTRIES: [&str; 3] = ["address country", "nationality(/ies)", "current believed flag of ship"];
const NUMBERS: [(&str, &str); 4] = [
    ("Passport", "passport number"),
    ("National identifier", "national identifier number"),
    ("Registration number", "business registration number (s)"),
    ("IMO number", "imo number"),
];

/// Reads the list; `place` names the file in faults.
pub(crate) fn read(input: impl Read, place: &str) -> Result<ListContent, Refusal> {
    let mut faults = Faults::default();
    let Some(mut rows) = Rows::start(input, place, &mut faults) else { return Err(faults.into()) };
    let mut published = None;
    let mut header = rows.next(&mut faults).map(|(_, row)| row.clone()).unwrap_or_default();
    if let Some(date) = header.get(0).and_then(|cell| cell.strip_prefix(PREAMBLE)) {
        published = Some(date.trim().to_owned());
        header = rows.next(&mut faults).map(|(_, row)| row.clone()).unwrap_or_default();
    }
    let places: HashMap<String, usize> =
        header.iter().enumerate().map(|(at, name)| (name.to_ascii_lowercase(), at)).collect();
    for needed in NEEDED.into_iter().filter(|name| !places.contains_key(*name)) {
        faults.add(place, format!("the header has no column {needed:?}"), DOWNLOAD);
    }
    if !faults.is_empty() {
        return Err(faults.into());
    }
    rows.expect_width(header.len());
    let (mut entries, mut by_id) = (Vec::<Entry>::new(), HashMap::<String, usize>::new());
    let mut counts = LoadCounts::default();
    while let Some((line, row)) = rows.next(&mut faults) {
        let of = |name: &str| places.get(name).and_then(|at| row.get(*at)).filter(|text| !text.is_empty());
        let Some(id) = of("unique id") else {
            faults.add(format!("{place}:{line}"), "the row has no Unique ID", DOWNLOAD);
            continue;
        };
        let at = *by_id.entry(id.to_owned()).or_insert_with(|| {
            entries.push(Entry { id: id.to_owned(), ..Entry::default() });
            entries.len() - 1
        });
        add(&mut entries[at], of, &mut counts);
    }
    let digest = rows.close(false, &mut faults);
    for entry in &mut entries {
        // A sound list calls one name primary; where none is, the first is.
        entry.names.sort_by_key(|name| name.quality != AliasQuality::Primary);
        match entry.names.first_mut() {
            Some(name) if name.quality == AliasQuality::Strong => name.quality = AliasQuality::Primary,
            Some(_) => {}
            None => faults.add(format!("{place}: {}", entry.id), "has no name", DOWNLOAD),
        }
    }
    if entries.is_empty() && faults.is_empty() {
        faults.add(place, "the list holds no designations", DOWNLOAD);
    }
    faults.into_result()?;
    Ok(ListContent { entries, digest, counts, published })
}

/// Adds what one row says to its designation.
fn add<'r>(entry: &mut Entry, of: impl Fn(&str) -> Option<&'r str>, counts: &mut LoadCounts) {
    entry.kind = KINDS.iter().find_map(|name| of(name)).map_or(entry.kind, EntryKind::of);
    entry.programme = entry.programme.take().or_else(|| of("regime name").map(str::to_owned));
    entry.reason = entry.reason.take().or_else(|| of("uk statement of reasons").map(str::to_owned));
    entry.listed_at = entry.listed_at.or_else(|| parse_time(&iso_date(of("date designated")?)).ok());
    let parts: Vec<&str> = NAMES.iter().filter_map(|part| of(part)).collect();
    add_new(&mut entry.names, spellings(&parts.join(" "), quality(of("name type"), of("alias strength"))));
    let elsewhere = of("name non-latin script").unwrap_or_default();
    add_new(&mut entry.names, spellings(elsewhere, AliasQuality::Strong));
    for country in COUNTRIES.iter().filter_map(|name| of(name)) {
        add_new(&mut entry.countries, vec![code_or_text(country)]);
    }
    if let Some(date) = of("d.o.b") {
        add_birth_date(entry, &iso_date(date), counts);
    }
    for (kind, number) in NUMBERS.iter().filter_map(|(kind, name)| Some((kind, of(name)?))) {
        add_number(entry, kind, number);
    }
}

fn quality(kind: Option<&str>, strength: Option<&str>) -> AliasQuality {
    let is_low = strength.is_some_and(|text| text.to_ascii_lowercase().starts_with("low"));
    match (is_low, kind.is_some_and(|kind| kind.eq_ignore_ascii_case("primary name"))) {
        (true, _) => AliasQuality::Weak,
        (_, true) => AliasQuality::Primary,
        _ => AliasQuality::Strong,
    }
}
