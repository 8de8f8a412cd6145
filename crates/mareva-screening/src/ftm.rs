//! Entities of FollowTheMoney, one JSON object a line, as OpenSanctions and others publish them (`entities.ftm.json`, and nested
//! `targets.nested.json`). Its schema: <https://followthemoney.tech/explorer/>.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

use mareva_model::identifier;
use mareva_model::{AliasQuality, Digest, Refusal, Relation, parse_time};
use serde::Deserialize;
use serde_json::Value;

use crate::country::code_or_text;
use crate::entry::{add_new, joined, programmes};
use crate::faults::Faults;
use crate::official::{ListContent, add_birth_date, matchable};
use crate::{Document, Entry, EntryKind, Lineage, ListedName, LoadCounts};

/// Longest line, in bytes: the largest of OpenSanctions, with all that hangs on it, are under 2 MiB.
const MAX_LINE: usize = 8 << 20;

/// Levels of entities within each other that are looked at.
const MAX_DEPTH: usize = 4;

const EXPORT: &str = "download the entities again as JSON, one a line";

#[derive(Deserialize)]
struct Line {
    id: String,
    schema: String,
    #[serde(default)]
    caption: Option<String>,
    #[serde(default)]
    target: Option<bool>,
    #[serde(default)]
    properties: HashMap<String, Vec<Value>>,
}

impl Line {
    /// The texts of properties, in their order.
    fn texts<'l>(&'l self, names: &'l [&str]) -> impl Iterator<Item = &'l str> {
        let values = names.iter().filter_map(|name| self.properties.get(*name)).flatten();
        values.filter_map(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Ids of other entities, and those that stand in here whole.
    fn refers_to<'l>(&'l self, names: &'l [&str]) -> impl Iterator<Item = &'l str> {
        let values = names.iter().filter_map(|name| self.properties.get(*name)).flatten();
        values.filter_map(|value| value.as_str().or_else(|| value.get("id")?.as_str()))
    }
}

/// What the schema of a line makes of it.
enum Role {
    Party(EntryKind),
    /// An account or address, of the party in these properties.
    Account(&'static [&'static str]),
    /// A document, listing or place of the party in these properties.
    Detail(&'static [&'static str]),
    /// A tie between parties, an event: nothing to screen.
    Other,
}

fn role(schema: &str) -> Role {
    match schema {
        "Person" => Role::Party(EntryKind::Person),
        "Organization" | "Company" | "PublicBody" => Role::Party(EntryKind::Organisation),
        "LegalEntity" => Role::Party(EntryKind::Unknown),
        "Vessel" => Role::Party(EntryKind::Vessel),
        "Airplane" => Role::Party(EntryKind::Aircraft),
        "CryptoWallet" => Role::Account(&["holder", "owner"]),
        "BankAccount" => Role::Account(&["owner", "holder"]),
        "Identification" | "Passport" => Role::Detail(&["holder"]),
        "Sanction" => Role::Detail(&["entity"]),
        _ => Role::Other,
    }
}

/// Reads a list, one line at a time; `place` names the file in faults.
pub(crate) fn read(input: impl Read, place: &str) -> Result<ListContent, Refusal> {
    let mut input = BufReader::new(input);
    let mut list = List::default();
    let (mut digest, mut line, mut number) = (blake3::Hasher::new(), Vec::new(), 0_u64);
    loop {
        line.clear();
        number += 1;
        let here = format!("{place}:{number}");
        let read = (&mut input).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Refusal::one(&here, format!("cannot be read: {error}"), EXPORT))?;
        if read > MAX_LINE {
            return Err(Refusal::one(here, format!("the line is longer than {MAX_LINE} bytes"), EXPORT));
        }
        if read == 0 {
            break;
        }
        digest.update(&line);
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).trim_ascii();
        if text.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Line>(text) {
            Ok(found) => list.take(&found, &here, 0),
            Err(error) => {
                // What serde says of a value could show it.
                let reason = format!("is no entity: column {}: {:?} error", error.column(), error.classify());
                list.faults.add(here, reason, EXPORT);
            }
        }
    }
    list.finish(place, Digest(*digest.finalize().as_bytes()))
}

/// Parties that come from others.
struct Succession {
    predecessors: Vec<String>,
    successors: Vec<String>,
    since: Option<i64>,
    evidence: Option<String>,
}

/// A party or account and whether it is said to be listed.
struct Found {
    entry: Entry,
    is_target: Option<bool>,
    has_topics: bool,
}

#[derive(Default)]
struct List {
    found: Vec<Found>,
    by_id: HashMap<String, usize>,
    /// What belongs to a party that may come later.
    details: Vec<(Vec<String>, Entry)>,
    /// Parties that come from others: those, these, and how.
    successions: Vec<Succession>,
    counts: LoadCounts,
    faults: Faults,
}

impl List {
    fn take(&mut self, line: &Line, place: &str, depth: usize) {
        if line.schema == "Succession" {
            let of = |name| line.refers_to(&[name]).map(str::to_owned).collect();
            let since = line.texts(&["startDate", "date"]).filter_map(|date| parse_time(date).ok()).min();
            let evidence = line.texts(&["summary", "sourceUrl", "description"]).next().map(str::to_owned);
            self.successions.push(Succession {
                predecessors: of("predecessor"),
                successors: of("successor"),
                since,
                evidence,
            });
        }
        let role = role(&line.schema);
        match &role {
            Role::Party(kind) => {
                let entry = party(line, *kind, &mut self.counts);
                self.add(line, entry, place);
            }
            Role::Account(owners) => {
                let entry = account(line, &mut self.counts);
                let owners: Vec<String> = line.refers_to(owners).map(str::to_owned).collect();
                match owners.is_empty() {
                    true if depth == 0 => self.add(line, entry, place),
                    _ => self.details.push((owners, entry)),
                }
            }
            Role::Detail(owners) => {
                let owners = line.refers_to(owners).map(str::to_owned).collect();
                self.details.push((owners, detail(line)));
            }
            Role::Other => {}
        }
        self.take_nested(line, place, depth);
    }

    /// Entities that stand in the properties of another. What is one of its details is that without saying so.
    fn take_nested(&mut self, line: &Line, place: &str, depth: usize) {
        if depth == MAX_DEPTH {
            return;
        }
        for value in line.properties.values().flatten().filter(|value| value.is_object()) {
            // What cannot be read as one says nothing that is screened.
            let Ok(nested) = Line::deserialize(value) else { continue };
            let before = self.details.len();
            if !matches!(role(&nested.schema), Role::Party(_)) {
                self.take(&nested, place, depth + 1);
            }
            for (owners, _) in &mut self.details[before..] {
                if owners.is_empty() {
                    owners.push(line.id.clone());
                }
            }
        }
    }

    fn add(&mut self, line: &Line, entry: Entry, place: &str) {
        if line.id.is_empty() {
            self.faults.add(place, "has no id", EXPORT);
        } else if self.by_id.insert(line.id.clone(), self.found.len()).is_some() {
            self.faults.add(place, format!("{} is there twice", line.id), EXPORT);
        }
        if entry.names.is_empty() && entry.kind != EntryKind::Account {
            self.faults.add(place, format!("{} has no name", line.id), EXPORT);
        }
        let has_topics = line.texts(&["topics"]).next().is_some();
        self.found.push(Found { entry, is_target: line.target, has_topics });
    }

    /// Has those who come from somebody listed be listed, too, and whoever comes from them.
    fn succeed(&mut self, listed: &mut [bool]) {
        let mut again = true;
        while std::mem::take(&mut again) {
            for Succession { predecessors, successors, since, evidence } in &self.successions {
                for of in predecessors {
                    let before = self.by_id.get(of).copied().filter(|before| listed[*before]);
                    let Some(before) = before else { continue };
                    let known = successors.iter().filter_map(|id| self.by_id.get(id).copied());
                    for after in known.filter(|after| *after != before) {
                        let (since, evidence) = (*since, evidence.clone());
                        let from = Lineage { relation: Relation::SuccessorOf, of: of.clone(), since, evidence };
                        let entry = &mut self.found[after].entry;
                        if !entry.lineage.contains(&from) {
                            entry.lineage.push(from);
                            (listed[after], again) = (true, true);
                        }
                    }
                }
            }
        }
    }

    fn finish(mut self, place: &str, digest: Digest) -> Result<ListContent, Refusal> {
        for (owners, detail) in std::mem::take(&mut self.details) {
            for owner in owners.iter().filter_map(|owner| self.by_id.get(owner)) {
                let entry = &mut self.found[*owner].entry;
                entry.listed_at = entry.listed_at.into_iter().chain(detail.listed_at).min();
                entry.absorb(detail.clone());
            }
        }
        // Beside those that are listed there are people about them, who are not.
        let says = self.found.iter().any(|one| one.is_target.is_some() || one.has_topics);
        let is_listed = |one: &Found| !says || one.is_target.unwrap_or(one.has_topics);
        let mut listed: Vec<bool> = self.found.iter().map(is_listed).collect();
        self.succeed(&mut listed);
        let entries = self.found.into_iter().zip(listed).filter(|(_, listed)| *listed).map(|(one, _)| one.entry);
        let entries: Vec<Entry> = entries.collect();
        if entries.is_empty() && self.faults.is_empty() {
            self.faults.add(place, "holds no party that is listed", EXPORT);
        }
        self.faults.into_result()?;
        Ok(ListContent { entries, digest, counts: self.counts, published: None })
    }
}

const COUNTRIES: [&str; 7] =
    ["nationality", "citizenship", "country", "jurisdiction", "mainCountry", "flag", "birthCountry"];

/// Properties that are numbers of documents, and what they are called in ours.
const DOCUMENTS: [(&[&str], &str); 11] = [
    (&["passportNumber"], "Passport"),
    (&["idNumber"], "National identifier"),
    (&["socialSecurityNumber"], "Social security number"),
    (&["taxNumber"], "Tax number"),
    (&["vatCode"], "VAT number"),
    (&["innCode"], "INN"),
    (&["registrationNumber"], "Registration number"),
    (&["ogrnCode"], "OGRN"),
    (&["uscCode"], "USCC"),
    (&["leiCode"], "LEI"),
    (&["imoNumber"], "IMO number"),
];

fn party(line: &Line, kind: EntryKind, counts: &mut LoadCounts) -> Entry {
    let mut entry = Entry { id: line.id.clone(), kind, ..detail(line) };
    let of = |names: &'static [&'static str], quality| {
        line.texts(names).map(move |text| ListedName { text: text.to_owned(), quality })
    };
    let caption = line.caption.iter().map(|text| ListedName { text: text.clone(), quality: AliasQuality::Primary });
    let named = line.texts(&["name"]).next().is_some();
    // The caption is one of the names, the one that is shown.
    let first = caption.filter(|name| !named || line.texts(&["name"]).any(|text| text == name.text)).take(1);
    entry.names.extend(first);
    let primary = if entry.names.is_empty() { AliasQuality::Primary } else { AliasQuality::Strong };
    for name in of(&["name"], primary)
        .chain(of(&["alias", "previousName"], AliasQuality::Strong))
        .chain(of(&["weakAlias", "abbreviation"], AliasQuality::Weak))
    {
        // What is an alias and a name is a name.
        if !entry.names.iter().any(|known| known.text == name.text) {
            entry.names.push(name);
        }
    }
    for date in line.texts(&["birthDate"]) {
        add_birth_date(&mut entry, date, counts);
    }
    entry
}

/// What every kind of line may say of a party.
fn detail(line: &Line) -> Entry {
    let joined = |names| {
        let mut texts: Vec<&str> = Vec::new();
        add_new(&mut texts, line.texts(names).flat_map(|text| programmes(Some(text))).collect());
        joined(&texts)
    };
    let mut entry = Entry { programme: joined(&["programId", "program"]), ..Entry::default() };
    entry.reason = line.texts(&["reason", "notes", "summary"]).next().map(str::to_owned);
    entry.source = line.texts(&["authority", "publisher"]).next().map(str::to_owned);
    entry.listed_at = line.texts(&["listingDate", "startDate"]).filter_map(|date| parse_time(date).ok()).min();
    add_new(&mut entry.countries, line.texts(&COUNTRIES).map(|code| code_or_text(&code.to_uppercase())).collect());
    entry.documents = documents(line);
    add_new(&mut entry.identifiers, line.texts(&["swiftBic"]).filter_map(identifier::recognise).collect());
    entry
}

/// Numbers of a line that is a document itself, and else those that a party has among its properties.
fn documents(line: &Line) -> Vec<Document> {
    let country = line.texts(&["country"]).next().map(|code| code_or_text(&code.to_uppercase()));
    let kind = line.texts(&["type"]).next().unwrap_or("Identification");
    let (of, country): (&[(&[&str], &str)], _) = match line.schema.as_str() {
        "Passport" => (&[(&["number", "passportNumber"], "Passport")], country),
        "Identification" => (&[(&["number"], kind)], country),
        _ => (&DOCUMENTS, None),
    };
    let mut found = Vec::new();
    for (properties, kind) in of {
        for number in line.texts(properties) {
            let document = Document { kind: (*kind).to_owned(), number: number.to_owned(), country: country.clone() };
            add_new(&mut found, vec![document]);
        }
    }
    found
}

fn account(line: &Line, counts: &mut LoadCounts) -> Entry {
    let mut entry = Entry { id: line.id.clone(), kind: EntryKind::Account, ..detail(line) };
    entry.label.clone_from(&line.caption);
    let network = line.texts(&["currency"]).next();
    let wallets = line.texts(&["publicKey"]).map(|text| identifier::wallet(text, network, None));
    let bank = line.texts(&["bic"]).next();
    let accounts = line.texts(&["iban", "accountNumber"]).map(|text| identifier::account(text, bank));
    entry.identifiers = matchable(wallets.chain(accounts).collect(), counts);
    entry
}
