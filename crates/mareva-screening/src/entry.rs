use std::borrow::Borrow;

use mareva_model::identifier::Identifier;
use mareva_model::{AliasQuality, LineageRef, Relation, format_time};
use serde::Serialize;

use crate::BirthDate;

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The list does not say.
    #[default]
    Unknown,
    /// A natural person.
    Person,
    /// A company, group or government body.
    Organisation,
    /// A ship.
    Vessel,
    /// An aircraft.
    Aircraft,
    /// An account or address whose holder is not listed by name.
    Account,
}

impl EntryKind {
    /// By the words of lists, in whatever case.
    pub(crate) fn of(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "person" | "individual" => Self::Person,
            "organisation" | "organization" | "entity" | "company" => Self::Organisation,
            "ship" | "vessel" => Self::Vessel,
            "aircraft" => Self::Aircraft,
            _ => Self::Unknown,
        }
    }
}

/// A name of an entry, as the list writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedName {
    /// The name.
    pub text: String,
    /// Its quality by the list's own word.
    pub quality: AliasQuality,
}

/// A passport, registration or other document of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Kind in the list's words, such as `Passport` or `Tax ID No.`.
    pub kind: String,
    /// Number as written.
    pub number: String,
    /// Issuing country, ISO 3166 alpha-2 where known.
    pub country: Option<String>,
}

/// An entry of the same list that another one comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lineage {
    /// How it comes from it.
    pub relation: Relation,
    /// Id of the other one, without the list's name.
    pub of: String,
    /// Since when, UTC milliseconds.
    pub since: Option<i64>,
    /// What that rests on.
    pub evidence: Option<String>,
}

impl Lineage {
    pub(crate) fn in_list(&self, list: &str) -> LineageRef {
        LineageRef {
            relation: self.relation,
            entry: format!("{list}:{}", self.of),
            since: self.since.map(format_time),
            evidence: self.evidence.clone(),
        }
    }
}

/// One listed party or account, in the form that every list is brought to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Entry {
    /// Id within the list, without the list's name. Empty: derived from the first identifier or name.
    pub id: String,
    /// What it is.
    pub kind: EntryKind,
    /// Names that are screened.
    pub names: Vec<ListedName>,
    /// What to call it where no name is screened: the holder of a mule account, the exchange of a wallet.
    pub label: Option<String>,
    /// Accounts, addresses, BICs: canonical, those that did not validate as they were written.
    #[serde(serialize_with = "identifiers_as_pairs")]
    pub identifiers: Vec<Identifier>,
    /// Dates of birth, each as the range that the list's words allow.
    pub birth_dates: Vec<BirthDate>,
    /// Countries of nationality, address or flag; ISO 3166 alpha-2 where known, else as written.
    pub countries: Vec<String>,
    /// Passports and other documents.
    pub documents: Vec<Document>,
    /// Programmes, `; ` between them.
    pub programme: Option<String>,
    /// Why it is listed.
    pub reason: Option<String>,
    /// Who reported it.
    pub source: Option<String>,
    /// When it was listed or reported, UTC milliseconds.
    pub listed_at: Option<i64>,
    /// First millisecond (UTC) at which it is in force.
    pub valid_from: Option<i64>,
    /// First millisecond (UTC) at which it is no longer in force.
    pub valid_until: Option<i64>,
    /// What it comes from, nearest first.
    pub lineage: Vec<Lineage>,
}

/// Digits of the id that is derived where the list gives none.
const DERIVED_ID_DIGITS: usize = 16;

/// Id for an entry without one: the first digits of the BLAKE3 of its first key, so that it stays the same when rows are
/// inserted before it.
pub(crate) fn derived_id(key: &str) -> String {
    let mut hex = blake3::hash(key.as_bytes()).to_hex().to_string();
    hex.truncate(DERIVED_ID_DIGITS);
    hex
}

impl Entry {
    /// The primary name, else the label, else the reason, else nothing.
    pub fn display_name(&self) -> &str {
        let first = self.names.first().map(|name| name.text.as_str());
        first.or(self.label.as_deref()).or(self.reason.as_deref()).unwrap_or_default()
    }

    /// 128 bits, in hex, of the BLAKE3 of all that it says: two of 2^40 entries meet with probability 2^-49.
    pub fn digest(&self) -> String {
        let mut hex = blake3::hash(format!("{self:?}").as_bytes()).to_hex().to_string();
        hex.truncate(32);
        hex
    }

    /// Takes over what another row with the same id says about the same party: the union, first come first.
    pub(crate) fn absorb(&mut self, other: Entry) {
        add_new(&mut self.names, other.names);
        add_new(&mut self.identifiers, other.identifiers);
        add_new(&mut self.birth_dates, other.birth_dates);
        add_new(&mut self.countries, other.countries);
        add_new(&mut self.documents, other.documents);
        add_new(&mut self.lineage, other.lineage);
        if let Some(programme) = other.programme {
            let mut all: Vec<String> = programmes(self.programme.as_deref()).map(str::to_owned).collect();
            add_new(&mut all, programmes(Some(&programme)).map(str::to_owned).collect());
            self.programme = Some(all.join(PROGRAMME_SEPARATOR));
        }
        self.label = self.label.take().or(other.label);
        self.reason = self.reason.take().or(other.reason);
        self.source = self.source.take().or(other.source);
    }
}

/// What stands between two programmes of an entry.
pub(crate) const PROGRAMME_SEPARATOR: &str = "; ";

/// Texts such as programmes as one text; `None` where there is nothing in them.
pub(crate) fn joined<T: Borrow<str>>(texts: &[T]) -> Option<String> {
    Some(texts.join(PROGRAMME_SEPARATOR)).filter(|text| !text.is_empty())
}

/// The single programmes of an entry.
pub(crate) fn programmes(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(PROGRAMME_SEPARATOR).filter(|tag| !tag.is_empty())
}

/// Appends what is not there yet.
pub(crate) fn add_new<T: PartialEq>(to: &mut Vec<T>, from: Vec<T>) {
    for value in from {
        if !to.contains(&value) {
            to.push(value);
        }
    }
}

fn identifiers_as_pairs<S: serde::Serializer>(all: &[Identifier], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Pair<'a> {
        value: &'a str,
        validated: bool,
    }
    serializer.collect_seq(all.iter().map(|one| Pair { value: &one.canonical, validated: one.validated }))
}
