use std::cmp::Reverse;
use std::sync::Arc;

use mareva_model::{AliasQuality, EntryRef, EvidenceClass, ListAction, ListRef, MatchedOn};
use serde::Serialize;

use crate::{BirthDate, Entry, LoadedList, country_code};

/// What else a transaction says about a party, to support a name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Support<'a> {
    /// Date of birth, whole or in part.
    pub birth_date: Option<&'a str>,
    /// ISO 3166 alpha-2 code or name of a country.
    pub country: Option<&'a str>,
}

/// A key of the stream that a listed entry really holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The list, under the policy of the entry's programme.
    pub list: Arc<ListRef>,
    /// The entry.
    pub entry: Arc<EntryRef>,
    /// What matched.
    pub matched: MatchedOn,
    /// How strong it is, for comparing.
    pub strength: Strength,
}

/// How strong a match is, greater is stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Strength {
    /// What it may ask for at most, where the list binds: a name with nothing to support it, or an entry below
    /// institution-confirmed, is for review.
    pub action: ListAction,
    /// What agreed.
    pub basis: Basis,
    /// How sure the entry is.
    pub evidence: Reverse<EvidenceClass>,
}

/// What agreed in a match, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// A weak or short name or one that is only alike, by itself or with a country.
    WeakName,
    /// A name alone.
    Name,
    /// A weak or short name or one that is only alike, and more than a country.
    SupportedWeakName,
    /// A name and something else.
    SupportedName,
    /// An identifier.
    Identifier,
}

/// The strongest of some matches; the first among equals.
pub fn strongest(matches: &[Match]) -> Option<&Match> {
    matches.iter().reduce(|best, next| if next.strength > best.strength { next } else { best })
}

/// Whether both give a date of birth and no two can be of one year: day and month are often swapped.
pub(crate) fn is_of_another_year(entry: &Entry, support: &Support<'_>) -> bool {
    let years = |date: BirthDate| date.first / YEAR..=date.last / YEAR;
    let born = support.birth_date.and_then(BirthDate::parse).map(years);
    born.is_some_and(|born| {
        let meets = |listed: &BirthDate| {
            let listed = years(*listed);
            listed.start() <= born.end() && born.start() <= listed.end()
        };
        !entry.birth_dates.is_empty() && !entry.birth_dates.iter().any(meets)
    })
}

/// A date as a number has four digits of month and day.
const YEAR: u32 = 10_000;

/// Names what of the transaction supports a name of the entry. Nothing does where both give a date of birth and no two agree:
/// that is somebody else of the name; nor does a country alone support a weak name, which too many share in any country.
pub(crate) fn supported_by(entry: &Entry, quality: AliasQuality, support: &Support<'_>) -> Vec<String> {
    let born = support.birth_date.and_then(BirthDate::parse);
    let birth_date = born.is_some_and(|date| entry.birth_dates.iter().any(|listed| listed.agrees_with(date)));
    let is_another = born.is_some() && !entry.birth_dates.is_empty();
    if !birth_date && (is_another || quality == AliasQuality::Weak) {
        return Vec::new();
    }
    let country = support.country.and_then(country_code);
    let country = country.is_some_and(|code| entry.countries.iter().any(|listed| listed == code));
    let found = [(birth_date, "birth_date"), (country, "country")];
    found.into_iter().filter(|(agrees, _)| *agrees).map(|(_, what)| what.to_owned()).collect()
}

/// A confirmed match.
pub(crate) fn new_match(list: &LoadedList, entry: Entry, matched: MatchedOn, basis: Basis) -> Match {
    let list_ref = Arc::clone(list.list_ref(entry.programme.as_deref()));
    let evidence_class = list.config.evidence_class;
    let for_review = basis <= Basis::Name || !evidence_class.is_confirmed();
    let action = if for_review { ListAction::Review } else { list_ref.action };
    let entry = EntryRef {
        digest: entry.digest(),
        lineage: entry.lineage.iter().map(|from| from.in_list(&list.config.name)).collect(),
        id: format!("{}:{}", list.config.name, entry.id),
        name: entry.display_name().to_owned(),
        programme: entry.programme.or(entry.source),
        evidence_class,
    };
    let strength = Strength { action, basis, evidence: Reverse(evidence_class) };
    Match { list: list_ref, entry: Arc::new(entry), matched, strength }
}
