//! OFAC's `sdn_advanced.xml` and `cons_advanced.xml`. What belongs to one party is spread over sections that name each other by
//! numbers: places and documents come before the parties, programmes behind them.

use std::collections::HashMap;
use std::io::Read;

use mareva_model::identifier;
use mareva_model::{AliasQuality, Refusal, parse_time};

use crate::country::code_or_text;
use crate::entry::{PROGRAMME_SEPARATOR, add_new, programmes};
use crate::faults::Faults;
use crate::official::{DOWNLOAD, ListContent, add_birth_date};
use crate::remarks::{ADDRESS, address};
use crate::xml::{Element, XmlList};
use crate::{Document, Entry, EntryKind, ListedName, LoadCounts};

/// First element of a file.
pub(crate) const ROOT: &str = "Sanctions";

/// Sets of words that the rest names by number, each with the element of a word.
const WORDS: [(&str, &str); 5] = [
    ("FeatureTypeValues", "FeatureType"),
    ("PartyTypeValues", "PartyType"),
    ("PartySubTypeValues", "PartySubType"),
    ("IDRegDocTypeValues", "IDRegDocType"),
    ("SanctionsTypeValues", "SanctionsType"),
];
const COUNTRIES: (&str, &str) = ("CountryValues", "Country");
const AREAS: (&str, &str) = ("AreaCodeValues", "AreaCode");
const ISSUED: &str = "DateOfIssue";
const SECTIONS: [&str; 4] = ["Location", "IDRegDocument", "DistinctParty", "SanctionsEntry"];

/// What stands before and behind the parties.
#[derive(Default)]
struct Sections {
    /// Words by their set and number.
    words: HashMap<(&'static str, String), Element>,
    countries: HashMap<String, String>,
    /// Countries of areas, and of places.
    areas: HashMap<String, String>,
    places: HashMap<String, String>,
    /// Documents by the identity that holds them.
    documents: HashMap<String, Vec<Document>>,
    entries: Vec<Entry>,
    /// Where the entry of a profile stands among them.
    profiles: HashMap<String, usize>,
    published: Option<String>,
    counts: LoadCounts,
}

/// Reads the rest of a list whose first element was [`ROOT`].
pub(crate) fn read<R: Read>(mut list: XmlList<'_, R>, place: &str) -> Result<ListContent, Refusal> {
    let (mut all, mut faults) = (Sections::default(), Faults::default());
    let sets = WORDS.iter().chain([&COUNTRIES, &AREAS]).map(|(set, _)| *set);
    let wanted: Vec<&str> = sets.chain(SECTIONS).chain([ISSUED]).collect();
    while let Some(element) = list.next(&wanted)? {
        match element.name.as_str() {
            "Location" => all.location(&element),
            "IDRegDocument" => all.document(&element),
            "DistinctParty" => all.party(&element, place, &mut faults),
            "SanctionsEntry" => all.programme(&element, place, &mut faults),
            ISSUED => all.published = date(&element),
            _ => all.set(element),
        }
    }
    if all.entries.is_empty() {
        faults.add(place, "holds no DistinctParty", DOWNLOAD);
    }
    for entry in all.entries.iter().filter(|entry| entry.programme.is_none()) {
        // The section stands at the end: where the file is whole, every party has its programme.
        faults.add(format!("{place}: DistinctParty {}", entry.id), "has no SanctionsEntry", DOWNLOAD);
    }
    faults.into_result()?;
    let Sections { entries, counts, published, .. } = all;
    Ok(ListContent { entries, digest: list.digest(), counts, published })
}

impl Sections {
    fn set(&mut self, set: Element) {
        let ids = |element: &Element, name| element.attribute(name).unwrap_or_default().to_owned();
        if set.name == COUNTRIES.0 {
            for country in set.children(COUNTRIES.1) {
                let code = country.attribute("ISO2").unwrap_or(country.text());
                self.countries.insert(ids(country, "ID"), code_or_text(code));
            }
        } else if set.name == AREAS.0 {
            for area in set.children(AREAS.1) {
                let country = self.countries.get(&ids(area, "CountryID")).cloned();
                let named = area.attribute("Description").map(code_or_text);
                self.areas.extend(country.or(named).map(|country| (ids(area, "ID"), country)));
            }
        } else if let Some((name, word)) = WORDS.iter().find(|(name, _)| set.name == *name) {
            let words = set.into_children(word);
            self.words.extend(words.map(|element| ((*name, ids(&element, "ID")), element)));
        }
    }

    /// What a number means in a set.
    fn word(&self, set: &'static str, id: Option<&str>) -> Option<&Element> {
        self.words.get(&(set, id?.to_owned()))
    }

    fn location(&mut self, element: &Element) {
        let country = element.children("LocationCountry").find_map(|one| one.attribute("CountryID"));
        let country = country.and_then(|id| self.countries.get(id));
        let area = element.children("LocationAreaCode").find_map(|one| one.attribute("AreaCodeID"));
        let found = country.or_else(|| self.areas.get(area?)).filter(|country| *country != "undetermined");
        if let (Some(id), Some(country)) = (element.attribute("ID"), found.cloned()) {
            self.places.insert(id.to_owned(), country);
        }
    }

    fn document(&mut self, element: &Element) {
        let (Some(holder), Some(number)) = (element.attribute("IdentityID"), element.text_of("IDRegistrationNo"))
        else {
            return;
        };
        let kind = self.word("IDRegDocTypeValues", element.attribute("IDRegDocTypeID"));
        let country = element.attribute("IssuedBy-CountryID").and_then(|id| self.countries.get(id));
        let document = Document {
            kind: kind.map(Element::text).unwrap_or_default().to_owned(),
            number: number.to_owned(),
            country: country.cloned(),
        };
        self.documents.entry(holder.to_owned()).or_default().push(document);
    }

    fn party(&mut self, element: &Element, place: &str, faults: &mut Faults) {
        let id = element.attribute("FixedRef").unwrap_or_default();
        let place = format!("{place}: DistinctParty {}", if id.is_empty() { "without id" } else { id });
        let mut entry = Entry { id: id.to_owned(), ..Entry::default() };
        for profile in element.children("Profile") {
            entry.kind = self.kind(profile);
            for identity in profile.children("Identity") {
                add_names(&mut entry, identity);
                let documents = identity.attribute("ID").and_then(|id| self.documents.remove(id));
                documents.into_iter().flatten().for_each(|document| add_document(&mut entry, document));
            }
            for feature in profile.children("Feature") {
                self.feature(&mut entry, feature);
            }
            let known = profile.attribute("ID").map(|id| self.profiles.insert(id.to_owned(), self.entries.len()));
            if known.flatten().is_some() {
                faults.add(&place, "is listed twice", DOWNLOAD);
            }
        }
        if id.is_empty() {
            faults.add(&place, "has no FixedRef", DOWNLOAD);
        }
        if entry.names.is_empty() {
            faults.add(&place, "has no name", DOWNLOAD);
        }
        self.entries.push(entry);
    }

    /// Ships and aircraft are sub-types of a means of transport.
    fn kind(&self, profile: &Element) -> EntryKind {
        let below = self.word("PartySubTypeValues", profile.attribute("PartySubTypeID"));
        let above = below.and_then(|below| self.word("PartyTypeValues", below.attribute("PartyTypeID")));
        match (below.map(Element::text), above.map(Element::text)) {
            (Some("Vessel"), _) => EntryKind::Vessel,
            (Some("Aircraft"), _) => EntryKind::Aircraft,
            (_, Some("Individual")) => EntryKind::Person,
            (_, Some("Entity")) => EntryKind::Organisation,
            _ => EntryKind::Unknown,
        }
    }

    fn feature(&mut self, entry: &mut Entry, feature: &Element) {
        let kind = self.word("FeatureTypeValues", feature.attribute("FeatureTypeID"));
        let kind = kind.map(|kind| kind.text().to_owned()).unwrap_or_default();
        for version in feature.children("FeatureVersion") {
            let places = version.children("VersionLocation").filter_map(|one| one.attribute("LocationID"));
            add_new(&mut entry.countries, places.filter_map(|id| self.places.get(id).cloned()).collect());
            for detail in version.texts("VersionDetail") {
                if let Some(ticker) = kind.strip_prefix(ADDRESS) {
                    self.counts.address_mentions += 1;
                    add_new(&mut entry.identifiers, address(ticker, detail));
                } else if kind.contains("BIC") {
                    add_new(&mut entry.identifiers, identifier::recognise(detail).into_iter().collect());
                } else if kind.contains("Flag") || kind.contains("Nationality") {
                    add_new(&mut entry.countries, vec![code_or_text(detail)]);
                }
            }
            if kind == "Birthdate" {
                for text in version.children("DatePeriod").filter_map(period) {
                    add_birth_date(entry, &text, &mut self.counts);
                }
            }
        }
    }

    fn programme(&mut self, element: &Element, place: &str, faults: &mut Faults) {
        let profile = element.attribute("ProfileID").unwrap_or_default();
        let Some(number) = self.profiles.get(profile) else {
            faults.add(place, format!("a SanctionsEntry is of profile {profile:?}, which is no party's"), DOWNLOAD);
            return;
        };
        let is_programme = |measure: &&Element| {
            self.word("SanctionsTypeValues", measure.attribute("SanctionsTypeID"))
                .is_some_and(|of| of.text() == "Program")
        };
        let named = element.children("SanctionsMeasure").filter(is_programme).filter_map(|one| one.text_of("Comment"));
        let named: Vec<String> = named.map(str::to_owned).collect();
        let listed = element.children("EntryEvent").flat_map(|event| event.children("Date")).find_map(date);
        let Some(entry) = self.entries.get_mut(*number) else { return };
        let mut all: Vec<String> = programmes(entry.programme.as_deref()).map(str::to_owned).collect();
        add_new(&mut all, named);
        entry.programme = Some(all.join(PROGRAMME_SEPARATOR));
        entry.listed_at = entry.listed_at.or_else(|| parse_time(&listed?).ok());
    }
}

/// Each script of an alias is a name of its own; the parts of one stand in the order in which it is written.
fn add_names(entry: &mut Entry, identity: &Element) {
    let is = |alias: &Element, attribute: &str| alias.attribute(attribute) == Some("true");
    let mut aliases: Vec<&Element> = identity.children("Alias").collect();
    aliases.sort_by_key(|alias| !is(alias, "Primary"));
    for alias in aliases {
        for name in alias.children("DocumentedName") {
            let parts = name.children("DocumentedNamePart").flat_map(|part| part.texts("NamePartValue"));
            let text = parts.collect::<Vec<_>>().join(" ");
            let quality = match (is(alias, "LowQuality"), entry.names.is_empty()) {
                (true, _) => AliasQuality::Weak,
                (_, true) => AliasQuality::Primary,
                _ => AliasQuality::Strong,
            };
            if !text.is_empty() {
                add_new(&mut entry.names, vec![ListedName { text, quality }]);
            }
        }
    }
}

/// Codes of banks among the documents are screened.
fn add_document(entry: &mut Entry, document: Document) {
    match identifier::recognise(&document.number).filter(|_| document.kind.contains("BIC")) {
        Some(found) => add_new(&mut entry.identifiers, vec![found]),
        None => add_new(&mut entry.documents, vec![document]),
    }
}

/// From the first possible day to the last one.
fn period(element: &Element) -> Option<String> {
    let day = |end: &str, side: &str| element.children(end).flat_map(|one| one.children(side)).find_map(date);
    let first = day("Start", "From")?;
    let last = day("End", "To").or_else(|| day("Start", "To")).unwrap_or_else(|| first.clone());
    let is_about = element.children("Start").any(|start| start.attribute("Approximate") == Some("true"));
    let range = if first == last { first } else { format!("{first} to {last}") };
    Some(if is_about { format!("circa {range}") } else { range })
}

fn date(element: &Element) -> Option<String> {
    let (year, month, day) = (element.text_of("Year")?, element.text_of("Month")?, element.text_of("Day")?);
    Some(format!("{year:0>4}-{month:0>2}-{day:0>2}"))
}
