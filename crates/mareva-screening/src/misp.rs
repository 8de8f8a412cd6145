//! Events of MISP in JSON, as its export and its API write them: `{"Event": …}`, `{"response": [{"Event": …}, …]}` or a list of
//! events. Format: <https://www.misp-standard.org/rfc/misp-standard-core.html>; objects by their templates `bank-account`,
//! `coin-address` and `btc-wallet` (<https://github.com/MISP/misp-objects>).

use std::io::Read;

use mareva_model::identifier::{self, Identifier};
use mareva_model::{Refusal, parse_time};
use serde::Deserialize;
use serde_json::Value;

use crate::entry::{add_new, joined};
use crate::faults::Faults;
use crate::official::{ListContent, matchable};
use crate::{Entry, EntryKind, LoadCounts, document};

const EXPORT: &str = "export the events again from MISP, as MISP JSON";
/// Says that an attribute is of somebody who was harmed.
const VICTIM: &str = "victim";
/// Category of what somebody was after, not of who was.
const TARGETED: &str = "Targeting data";

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Response { response: Vec<Wrapped> },
    One(Wrapped),
    Many(Vec<Wrapped>),
}

#[derive(Deserialize)]
struct Wrapped {
    #[serde(rename = "Event")]
    report: Report,
}

#[derive(Deserialize)]
struct Report {
    uuid: String,
    #[serde(default)]
    info: String,
    #[serde(default)]
    date: Option<String>,
    #[serde(default, rename = "Orgc")]
    creator: Option<Organisation>,
    #[serde(default, rename = "Tag")]
    tags: Vec<Tag>,
    #[serde(default, rename = "Attribute")]
    attributes: Vec<Attribute>,
    #[serde(default, rename = "Object")]
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Organisation {
    name: String,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

impl Tag {
    /// Whether it says that what it marks is harmless, or of somebody who was harmed.
    fn clears(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        name.starts_with("false-positive") || name.contains(VICTIM)
    }
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    name: String,
    #[serde(default)]
    uuid: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    deleted: bool,
    #[serde(default, rename = "Attribute")]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    #[serde(default)]
    uuid: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    object_relation: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    /// Whether it is meant to be looked for.
    #[serde(default)]
    to_ids: Option<bool>,
    #[serde(default)]
    deleted: bool,
    #[serde(default, rename = "Tag")]
    tags: Vec<Tag>,
}

impl Attribute {
    fn is_looked_for(&self) -> bool {
        !self.deleted && self.to_ids != Some(false) && self.category != TARGETED && !self.tags.iter().any(Tag::clears)
    }

    /// The value where it is a text, as those of accounts and wallets are.
    fn text(&self) -> &str {
        self.value.as_str().unwrap_or_default().trim()
    }

    fn is(&self, relation: &str) -> bool {
        !self.deleted && self.object_relation.as_deref() == Some(relation)
    }

    /// What it is by its type alone.
    fn identifier(&self, bank: Option<&str>) -> Option<Identifier> {
        let text = self.text();
        match self.kind.as_str() {
            "iban" | "bank-account-nr" => Some(identifier::account(text, bank)),
            "btc" => Some(identifier::wallet(text, Some("BTC"), None)),
            "dash" => Some(identifier::wallet(text, Some("DASH"), None)),
            "xmr" => Some(identifier::wallet(text, Some("XMR"), None)),
            _ => None,
        }
    }
}

/// Reads events; `place` names the file in faults.
pub(crate) fn read(input: impl Read, place: &str) -> Result<ListContent, Refusal> {
    let (document, digest) = document::json::<Document>(input, place, "event of MISP", EXPORT)?;
    let events = match document {
        Document::Response { response } => response,
        Document::One(event) => vec![event],
        Document::Many(events) => events,
    };
    let (mut entries, mut counts, mut faults) = (Vec::new(), LoadCounts::default(), Faults::default());
    for Wrapped { report } in &events {
        let here = format!("{place}: event {}", report.uuid);
        for attribute in report.attributes.iter().filter(|attribute| attribute.is_looked_for()) {
            if let Some(found) = attribute.identifier(None) {
                let about = [attribute.comment.as_deref().unwrap_or_default(), report.info.as_str()];
                let entry = told_by(report, &attribute.uuid, about, &attribute.tags);
                add(entry, vec![found], &here, (&mut entries, &mut counts, &mut faults));
            }
        }
        for object in report.objects.iter().filter(|object| !object.deleted && object.name != VICTIM) {
            if let Some((entry, found)) = account(report, object) {
                add(entry, found, &here, (&mut entries, &mut counts, &mut faults));
            }
        }
    }
    if entries.is_empty() && faults.is_empty() {
        faults.add(place, "holds no account and no wallet that is meant to be looked for", EXPORT);
    }
    faults.into_result()?;
    Ok(ListContent { entries, digest, counts, published: None })
}

type Taken<'a> = (&'a mut Vec<Entry>, &'a mut LoadCounts, &'a mut Faults);

/// Adds an entry with those of its identifiers that can match.
fn add(mut entry: Entry, found: Vec<Identifier>, place: &str, (entries, counts, faults): Taken<'_>) {
    entry.identifiers = matchable(found, counts);
    if entry.id.is_empty() {
        faults.add(place, "has an attribute or object without uuid", EXPORT);
    }
    if !entry.identifiers.is_empty() {
        entries.push(entry);
    }
}

/// The account or wallet that an object tells of, and its holder as a label.
fn account(report: &Report, object: &Object) -> Option<(Entry, Vec<Identifier>)> {
    let of = |relation: &str| object.attributes.iter().find(|attribute| attribute.is(relation));
    let text = |relation: &str| of(relation).map(|attribute| attribute.text());
    let looked_for = || object.attributes.iter().filter(|attribute| attribute.is_looked_for());
    let found: Vec<Identifier> = match object.name.as_str() {
        "bank-account" => looked_for().filter_map(|attribute| attribute.identifier(text("swift"))).collect(),
        "coin-address" => {
            let is_address =
                |one: &&Attribute| ["address", "address-xmr", "address-crypto"].iter().any(|name| one.is(name));
            looked_for().filter(is_address).map(|one| identifier::wallet(one.text(), text("symbol"), None)).collect()
        }
        "btc-wallet" => looked_for().filter_map(|attribute| attribute.identifier(None)).collect(),
        _ => return None,
    };
    let tags: Vec<&Tag> = object.attributes.iter().flat_map(|attribute| &attribute.tags).collect();
    let about = [text("report-code").unwrap_or_default(), object.comment.as_str(), report.info.as_str()];
    let mut entry = told_by(report, &object.uuid, about, tags);
    entry.label = text("account-name").or(text("beneficiary")).map(str::to_owned);
    Some((entry, found)).filter(|(_, found)| !found.is_empty())
}

/// What an event says of whatever stands in it. Tags, such as `tlp:amber`, are its programmes.
fn told_by<'a, const N: usize>(
    report: &'a Report,
    uuid: &str,
    about: [&'a str; N],
    tags: impl IntoIterator<Item = &'a Tag>,
) -> Entry {
    let mut programmes: Vec<&str> = Vec::new();
    add_new(&mut programmes, report.tags.iter().chain(tags).map(|tag| tag.name.as_str()).collect());
    let about: Vec<&str> = about.into_iter().map(str::trim).filter(|text| !text.is_empty()).collect();
    Entry {
        id: uuid.to_owned(),
        kind: EntryKind::Account,
        programme: joined(&programmes),
        reason: Some(about.join(": ")).filter(|text| !text.is_empty()),
        source: report.creator.as_ref().map(|creator| creator.name.clone()),
        listed_at: report.date.as_deref().and_then(|date| parse_time(date).ok()),
        ..Entry::default()
    }
}
