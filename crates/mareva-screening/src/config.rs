use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use mareva_model::{Digest, EvidenceClass, ListAction, Measure, Regime};
use serde::{Deserialize, Serialize};

use crate::columns::{Column, ColumnMap};
use crate::faults::Faults;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListFormat {
    /// A folder is an OFAC set, a file that begins with `<` an official list in XML, with `{` or `[` JSON, told apart by its first
    /// keys, with `---` or `title:` a TagPack, with `Report Date:` the UK's list, any other plain CSV.
    #[default]
    Auto,
    /// OFAC's CSV files in one folder.
    OfacCsv,
    /// CSV with a header row.
    Csv,
    /// The UK Sanctions List in CSV.
    UkCsv,
    /// An official list in XML, told apart by its first element: the UN's, the EU's (schema 1.1), the UK's, OFAC's `sdn.xml` and
    /// `sdn_advanced.xml`.
    Xml,
    /// Events of MISP in JSON.
    Misp,
    /// A bundle of STIX 2.1.
    Stix,
    /// A TagPack in YAML.
    Tagpack,
    /// Entities of FollowTheMoney in JSON, one a line, as OpenSanctions publishes them.
    Ftm,
}

/// How the dates of a CSV list are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateOrder {
    /// `2026-01-31`, and of dates of birth also what [`crate::BirthDate::parse`] reads.
    #[default]
    Iso,
    /// `31/01/2026`.
    DayFirst,
    /// `01/31/2026`.
    MonthFirst,
}

impl DateOrder {
    /// The date in ISO order. What is no date in this order stays as it is.
    pub(crate) fn iso(self, text: &str) -> Cow<'_, str> {
        let parts: Vec<&str> = if self == Self::Iso { Vec::new() } else { text.split(['/', '.', '-']).collect() };
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match parts[..] {
            [first, second, year] if year.len() == 4 && parts.iter().all(is_number) => {
                let (day, month) = if self == Self::DayFirst { (first, second) } else { (second, first) };
                format!("{year}-{month:0>2}-{day:0>2}").into()
            }
            _ => text.into(),
        }
    }
}

/// A further CSV file of a list. Its rows belong to the entries of the first file that have their id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPart {
    /// The file.
    pub path: PathBuf,
    /// Headers of its columns, one of them `id`.
    pub columns: ColumnMap,
}

/// What one programme of a list asks for, where that differs from the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgrammePolicy {
    /// The programme as the list writes it, such as `NS-PLC`.
    pub programme: String,
    /// Action where it binds.
    pub action: ListAction,
    /// Where it binds; the list's where absent.
    #[serde(default)]
    pub binding_in: Option<Vec<String>>,
    /// What it orders that is no restraint of property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
}

/// Secret bytes that key the filters of a list, so that they do not show who is on it. Never shown or serialised.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FilterKey(pub Vec<u8>);

impl fmt::Debug for FilterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilterKey({} bytes)", self.0.len())
    }
}

/// A list as the config names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListConfig {
    /// Name, first half of every entry id: lower-case letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// File or folder.
    pub path: PathBuf,
    /// How it is written.
    #[serde(default)]
    pub format: ListFormat,
    /// Regime of every alert that rests on it.
    pub regime: Regime,
    /// Action where it binds.
    pub action: ListAction,
    /// ISO 3166 codes where it binds, `*` everywhere.
    pub binding_in: Vec<String>,
    /// What it orders that is no restraint of property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
    /// How sure its source is.
    pub evidence_class: EvidenceClass,
    /// Share of unlisted keys that the filter lets through to the exact entries.
    #[serde(default = "default_false_positive_rate")]
    pub false_positive_rate: f64,
    /// Fewer entries than this and the list is refused as truncated.
    #[serde(default = "default_min_entries")]
    pub min_entries: u64,
    /// Share of its entries that a list may lose at once while the process runs: one that lost more is refused as cut off.
    #[serde(default = "default_max_shrinkage")]
    pub max_shrinkage: f64,
    /// Most identifiers of a plain CSV file that can match nothing, such as an account without its bank: they are left out
    /// with a warning that names their lines. With more of them the list is refused.
    #[serde(default)]
    pub max_unmatchable: u64,
    /// Whether the names of plain CSV rows are screened. Absent: they are under the sanctions regime, and where there is
    /// no identifier column; the holder's name of a mule account is a label, since namesakes of millions are everywhere.
    #[serde(default)]
    pub match_names: Option<bool>,
    /// Least score, over 0.5 to 1, at which a name that is not equal to a listed one is a match; 1: only equal names are. See
    /// `benches/README.md` for what it lets through.
    #[serde(default = "default_name_threshold")]
    pub name_threshold: f64,
    /// Headers of the columns of a CSV file; where there are none, columns count by the names that Mareva gives them.
    #[serde(default)]
    pub columns: ColumnMap,
    /// Further CSV files, such as one of names and one of dates of birth.
    #[serde(default)]
    pub parts: Vec<ListPart>,
    /// How the dates of the CSV files are written.
    #[serde(default)]
    pub dates: DateOrder,
    /// Programmes that ask for something else than the list does.
    #[serde(default)]
    pub programmes: Vec<ProgrammePolicy>,
    /// Key of the filters, from a file; absent: derived from the content of the list.
    #[serde(skip)]
    pub key: Option<FilterKey>,
}

/// Probes of the exact entries for a ten-thousandth of the traffic cost nothing; the filter takes 19 bits a key.
const DEFAULT_FALSE_POSITIVE_RATE: f64 = 1e-4;
/// Bounds of the rate: beyond them the filter is either useless or larger than the entries.
const RATES: std::ops::RangeInclusive<f64> = 1e-12..=0.5;
/// Of the UN list it finds 99 % of names with a slip in them, and of 100,000 ordinary names it takes ten for listed ones.
const DEFAULT_NAME_THRESHOLD: f64 = 0.78;
/// Bounds of the threshold: below them a match is less likely than not.
const THRESHOLDS: std::ops::RangeInclusive<f64> = 0.5..=1.0;
/// Official lists lose a few entries in a hundred in a year; what loses more at once is a part of a list.
const DEFAULT_MAX_SHRINKAGE: f64 = 0.05;
/// Longest name of a list, in bytes.
const MAX_NAME: usize = 64;
/// Shortest filter key, in bytes.
const MIN_KEY: usize = 16;

fn default_false_positive_rate() -> f64 {
    DEFAULT_FALSE_POSITIVE_RATE
}

fn default_name_threshold() -> f64 {
    DEFAULT_NAME_THRESHOLD
}

fn default_max_shrinkage() -> f64 {
    DEFAULT_MAX_SHRINKAGE
}

fn default_min_entries() -> u64 {
    1
}

impl ListConfig {
    /// A sanctions list: an order that blocks everywhere.
    pub fn sanctions(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            format: ListFormat::Auto,
            regime: Regime::Sanctions,
            action: ListAction::Block,
            binding_in: vec!["*".to_owned()],
            measure: None,
            evidence_class: EvidenceClass::Order,
            false_positive_rate: DEFAULT_FALSE_POSITIVE_RATE,
            min_entries: default_min_entries(),
            max_shrinkage: DEFAULT_MAX_SHRINKAGE,
            max_unmatchable: 0,
            match_names: None,
            name_threshold: DEFAULT_NAME_THRESHOLD,
            columns: ColumnMap::new(),
            parts: Vec::new(),
            dates: DateOrder::Iso,
            programmes: Vec::new(),
            key: None,
        }
    }

    /// A list of accounts that institutions confirmed as used for fraud: a hold everywhere.
    pub fn fraud(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            regime: Regime::Fraud,
            action: ListAction::Hold,
            evidence_class: EvidenceClass::InstitutionConfirmed,
            ..Self::sanctions(name, path)
        }
    }

    /// Tells a list of this policy and content from any other, by the digest of its files. A filter key is not in it but for
    /// what tells it from another.
    pub fn print(&self, content: Digest) -> Digest {
        let Self {
            name,
            regime,
            action,
            binding_in,
            evidence_class,
            match_names,
            name_threshold,
            programmes,
            measure,
            ..
        } = self;
        let rate = self.false_positive_rate;
        let policy = format!(
            "{name:?} {regime:?} {action:?} {binding_in:?} {evidence_class:?} {rate:?} {match_names:?} {name_threshold:?} \
             {programmes:?} {measure:?}",
        );
        let parts: Vec<_> = self.parts.iter().map(|part| &part.columns).collect();
        let reading = format!(" {:?} {:?} {parts:?} {:?}", self.columns, self.dates, self.format);
        let key =
            self.key.as_ref().map(|key| blake3::derive_key("mareva-screening 2026 print of a filter key", &key.0));
        let mut hasher = blake3::Hasher::new();
        hasher.update(policy.as_bytes()).update(reading.as_bytes()).update(&content.0);
        hasher.update(&key.unwrap_or_default());
        Digest(*hasher.finalize().as_bytes())
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        let place = format!("list {}", self.name);
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(is_plain) {
            let remedy = format!("use 1 to {MAX_NAME} of a-z, 0-9, '-', '_', '.'");
            faults.add(&place, "the name of a list begins every entry id and may not be this", remedy);
        }
        if !RATES.contains(&self.false_positive_rate) {
            let reason = format!("false_positive_rate is {}", self.false_positive_rate);
            faults.add(&place, reason, "set it between 1e-12 and 0.5, such as 1e-4");
        }
        if !THRESHOLDS.contains(&self.name_threshold) {
            let reason = format!("name_threshold is {}", self.name_threshold);
            faults.add(&place, reason, "set it between 0.5 and 1, such as 0.78; 1 takes equal names only");
        }
        if !(0.0..=1.0).contains(&self.max_shrinkage) {
            let reason = format!("max_shrinkage is {}", self.max_shrinkage);
            faults.add(&place, reason, "set it between 0 and 1, such as 0.05; 1 takes a list that lost everything");
        }
        self.check_columns(&place, faults);
        let all = std::iter::once((self.action, self.measure));
        for (action, measure) in all.chain(self.programmes.iter().map(|one| (one.action, one.measure))) {
            if measure.is_some() && action > ListAction::Report {
                let reason = "a measure that restrains no property beside an action that does";
                faults.add(
                    &place,
                    reason,
                    "write action = \"report\", \"warn\" or \"review\", or leave the measure out",
                );
            }
            let (what, remedy) = match (self.regime, action) {
                (Regime::Fraud, ListAction::Block) => ("fraud regime blocks nothing", "write action = \"hold\""),
                (Regime::Sanctions, ListAction::Hold) => ("sanctions regime holds nothing", "write action = \"block\""),
                _ => continue,
            };
            faults.add(&place, format!("the {what}: its restraint is the other one"), remedy);
        }
        if self.key.as_ref().is_some_and(|key| key.0.len() < MIN_KEY) {
            faults.add(&place, format!("the filter key is shorter than {MIN_KEY} bytes"), "use 32 random bytes");
        }
        let places = self.programmes.iter().filter_map(|one| one.binding_in.as_ref()).flatten();
        for country in self.binding_in.iter().chain(places) {
            if country != "*" && !(country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase())) {
                let reason = format!("binding_in holds {country:?}");
                faults.add(&place, reason, "write ISO 3166 alpha-2 codes in capitals, or \"*\"");
            }
        }
    }

    /// Whether the config says what the columns of the list mean, so that it is CSV.
    pub(crate) fn is_mapped(&self) -> bool {
        !(self.columns.is_empty() && self.parts.is_empty())
    }

    fn check_columns(&self, place: &str, faults: &mut Faults) {
        let is_csv = matches!(self.format, ListFormat::Auto | ListFormat::Csv);
        if self.is_mapped() && !is_csv {
            faults.add(place, "columns and parts are of CSV files", "write format = \"csv\", or leave them out");
        }
        if self.parts.is_empty() {
            return;
        }
        let maps = std::iter::once(&self.columns).chain(self.parts.iter().map(|part| &part.columns));
        if maps.into_iter().any(|map| !map.contains_key(&Column::Id)) {
            let remedy = "write columns = { id = \"…\", … } for the list and for each of its parts";
            faults.add(place, "its files have no column id in common, by which their rows belong together", remedy);
        }
    }
}
