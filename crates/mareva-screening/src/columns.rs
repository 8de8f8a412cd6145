//! Which column of a CSV file means what: by the names that Mareva gives them, or by a map of the config.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Doubts;
use crate::faults::Faults;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// An account, address or BIC.
    Identifier,
    /// An account number.
    Account,
    /// The bank that keeps the accounts of the row.
    Agent,
    /// A name.
    Name,
    /// How good the names of the row are: `low` or `weak`, `primary`, all other words strong.
    Quality,
    /// What is listed: a person, an organisation, a ship.
    Kind,
    /// Id of the entry.
    Id,
    /// Why it is listed.
    Reason,
    /// Programme.
    Programme,
    /// Country of nationality, address or flag.
    Country,
    /// Date of birth.
    BirthDate,
    /// Number of a passport or another document.
    Document,
    /// What kind of document it is.
    DocumentKind,
    /// When it comes into force.
    ValidFrom,
    /// When it goes out of force.
    ValidUntil,
    /// When it was listed.
    ListedAt,
    /// Who reported it.
    Source,
    /// The exchange that keeps the accounts of the row.
    Vasp,
    /// Id of the entry that it has taken over from.
    SuccessorOf,
    /// Id of the entry that it is under another name.
    RebrandOf,
    /// Since when it comes from that one.
    LineageSince,
    /// What that rests on.
    LineageEvidence,
}

impl Column {
    /// By a header in lower case with `_` for spaces.
    fn of(header: &str) -> Option<Self> {
        Some(match header {
            "identifier" | "address" | "wallet" => Self::Identifier,
            "account" | "account_number" | "iban" => Self::Account,
            "agent" | "bic" => Self::Agent,
            "name" => Self::Name,
            "quality" => Self::Quality,
            "kind" => Self::Kind,
            "document" => Self::Document,
            "document_kind" => Self::DocumentKind,
            "id" => Self::Id,
            "reason" => Self::Reason,
            "programme" | "program" => Self::Programme,
            "country" => Self::Country,
            "birth_date" | "date_of_birth" | "dob" => Self::BirthDate,
            "valid_from" => Self::ValidFrom,
            "valid_until" => Self::ValidUntil,
            "listed_at" | "listed_on" | "reported_at" => Self::ListedAt,
            "source" => Self::Source,
            "vasp" => Self::Vasp,
            "successor_of" => Self::SuccessorOf,
            "rebrand_of" => Self::RebrandOf,
            "lineage_since" => Self::LineageSince,
            "lineage_evidence" => Self::LineageEvidence,
            _ => return None,
        })
    }

    /// What stands between the parts of a value that is in several columns.
    fn separator(self) -> &'static str {
        match self {
            Self::BirthDate | Self::ListedAt | Self::ValidFrom | Self::ValidUntil | Self::LineageSince => "-",
            _ => " ",
        }
    }
}

/// Headers of the columns that make up one value: `full_name`, or `["first", "last"]`, joined with blanks, the parts of a date
/// with `-`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Headers {
    /// One column.
    One(String),
    /// Several, in their order.
    Joined(Vec<String>),
}

impl Headers {
    fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Joined(names) => names,
        }
    }
}

/// Headers of a file by what they mean. Empty: those that Mareva itself gives columns.
pub type ColumnMap = BTreeMap<Column, Headers>;

/// The columns of a file that mean something, each with the places of its values in a row.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    places: Vec<(Column, Vec<usize>)>,
}

impl Columns {
    /// By the first row, and the names of the columns that mean nothing. `None` where a column of the map is not there: that is a
    /// fault at `place`.
    pub(crate) fn of(
        header: &csv::StringRecord,
        map: &ColumnMap,
        place: &str,
        faults: &mut Faults,
    ) -> Option<(Self, Vec<String>)> {
        if !map.is_empty() {
            return Some((Self::mapped(header, map, place, faults)?, Vec::new()));
        }
        let (mut places, mut unknown) = (Vec::new(), Vec::new());
        for (at, name) in header.iter().enumerate() {
            match Column::of(&plain(name)) {
                Some(column) => places.push((column, vec![at])),
                None => unknown.push(name.chars().take(Doubts::MAX_NAME).collect()),
            }
        }
        Some((Self { places }, unknown))
    }

    fn mapped(header: &csv::StringRecord, map: &ColumnMap, place: &str, faults: &mut Faults) -> Option<Self> {
        let (before, mut places) = (faults.count(), Vec::new());
        for (column, headers) in map {
            let mut own = Vec::new();
            for wanted in headers.names() {
                match header.iter().position(|name| plain(name) == plain(wanted)) {
                    Some(at) => own.push(at),
                    None => {
                        let reason = format!("the first row has no column {wanted:?}, which the config names");
                        faults.add(format!("{place}:1"), reason, "write it in columns as the first row has it");
                    }
                }
            }
            places.push((*column, own));
        }
        Some(Self { places }).filter(|_| faults.count() == before)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn has(&self, column: Column) -> bool {
        self.places.iter().any(|(own, _)| *own == column)
    }

    /// The values of a row that are not empty.
    pub(crate) fn values<'r>(&'r self, row: &'r csv::StringRecord) -> impl Iterator<Item = (Column, Cow<'r, str>)> {
        self.places.iter().filter_map(|(column, places)| Some((*column, joined(*column, places, row)?)))
    }

    /// The first value of a column.
    pub(crate) fn value<'r>(&'r self, row: &'r csv::StringRecord, wanted: Column) -> Option<Cow<'r, str>> {
        let mut own = self.places.iter().filter(|(column, _)| *column == wanted);
        own.find_map(|(_, places)| joined(wanted, places, row))
    }
}

/// What stands at these places of a row.
fn joined<'r>(column: Column, places: &[usize], row: &'r csv::StringRecord) -> Option<Cow<'r, str>> {
    let mut parts = places.iter().filter_map(|at| row.get(*at)).filter(|text| !text.is_empty());
    let first = parts.next()?;
    let rest: Vec<&str> = parts.collect();
    Some(match rest[..] {
        [] => Cow::Borrowed(first),
        _ => Cow::Owned([&[first], &rest[..]].concat().join(column.separator())),
    })
}

fn plain(header: &str) -> String {
    header.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}
