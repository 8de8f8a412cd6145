//! Who is known to be what: the labels that a back-test is held against.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::Result;
use mareva_model::{Fault, Refusal, SubjectRole, identifier, perhaps};
use mareva_monitoring::backtest::{Seen, TableFile, Through, labelled_rows, through};
use mareva_monitoring::{Key, KeyBuild, ROLES, key_of};
use serde_json::Value;
use strsim::osa_distance;

use crate::config::read_text;
use crate::open::{more_faults, unreadable};

/// Bytes of a file of labels.
const MAX_LABELS: u64 = 1 << 30;
/// Faults of a file that are listed.
const MAX_FAULTS: usize = 20;
/// The label of those who lose money.
const VICTIM: &str = "victim";
/// Labels of those who take part in nothing, besides the roles of accounts.
const INNOCENT: [&str; 27] = [
    "0.00",
    "0.0",
    "f",
    "n",
    "legit",
    "legitimate",
    "genuine",
    "benign",
    "",
    "0",
    "false",
    "no",
    "none",
    "clean",
    "normal",
    "innocent",
    "negative",
    "customer",
    "namesake",
    "false positive",
    "cleared",
    "dismissed",
    "no fraud",
    "not fraud",
    "no sar",
    "not suspicious",
    "unfounded",
];
/// Labels that say that nothing is known: the same as no line.
const UNKNOWN: [&str; 7] = ["unknown", "n/a", "na", "null", "nan", "?", "-"];
/// Different labels of criminals: beyond it they are no labels.
const MAX_WORDS: usize = 1_000;

/// What an account's holder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Takes part in the crime: a collector, a mule, a wallet of a scam centre, a listed party.
    Criminal,
    /// Loses the money.
    Victim,
}

/// Labels as they were read.
#[derive(Debug, Default)]
pub struct Labels {
    accounts: HashMap<Key, (Part, Option<String>), KeyBuild>,
    /// `<source>:<tx_id>` of illicit transactions.
    transactions: Seen,
    /// Operations of which a payment is labelled.
    begun: std::collections::HashSet<String>,
    /// What each account was said to be first, and in which line; only while they are read.
    told: HashMap<Key, (Option<Part>, usize), KeyBuild>,
    /// Accounts and labels that have been counted, likewise.
    counted: Seen,
    /// Accounts by label.
    words: BTreeMap<String, usize>,
}

/// What a label says of an account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Victim,
    Innocent,
    Unknown,
    Criminal,
}

impl Meaning {
    /// Of a label in lower case; `_` and `-` between words are blanks.
    pub fn of(label: &str) -> Self {
        let words = label.replace(['_', '-'], " ");
        match label {
            VICTIM => Self::Victim,
            label if INNOCENT.contains(&label) || ROLES.contains(&label) => Self::Innocent,
            _ if INNOCENT.contains(&words.as_str()) => Self::Innocent,
            label if UNKNOWN.contains(&label) => Self::Unknown,
            _ => Self::Criminal,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Victim => "victim",
            Self::Innocent => "innocent",
            Self::Unknown => "not known",
            Self::Criminal => "criminal",
        }
    }
}

/// A fault of a line: its number, the reason and the remedy.
type LineFault = (usize, String, String);

/// Labels held against the tables: who of the labelled moved money, and how much.
#[derive(Debug)]
pub struct Truth {
    accounts: HashMap<Key, (Part, Through), KeyBuild>,
    /// Whether money is counted of labelled transactions alone.
    pub by_transaction: bool,
    /// Accounts that are labelled as criminal or victim, found or not.
    pub labelled: usize,
    /// Accounts by label.
    pub words: BTreeMap<String, usize>,
}

impl Labels {
    /// Reads `labels.ndjson` of `mareva sim`, or a CSV file with the columns `account` and `label`.
    ///
    /// # Errors
    /// Every line that is no label.
    pub fn read(path: &Path) -> Result<Self, Refusal> {
        let text = read_text(path, MAX_LABELS).map_err(|error| unreadable(path, &error))?;
        let mut labels = Self::default();
        let mut faults = match text.trim_start().starts_with('{') {
            true => labels.read_lines(&text),
            false => labels.read_csv(&text),
        };
        (labels.told, labels.counted) = Default::default();
        if labels.accounts.is_empty() && faults.is_empty() {
            let remedy = "name labels.ndjson of `mareva sim`, or a CSV file with the columns account,label";
            faults.push((1, "no account is labelled as criminal or victim".to_owned(), remedy.to_owned()));
        }
        let more = faults.len().saturating_sub(MAX_FAULTS);
        let fault = |(line, reason, remedy)| Fault::new(format!("{}:{line}", path.display()), reason, remedy);
        let mut refusal = Refusal(faults.into_iter().take(MAX_FAULTS).map(fault).collect());
        if more > 0 {
            refusal.0.push(more_faults(path.display().to_string(), more));
        }
        refusal.into_result()?;
        // As long as nobody has paid there is nothing to find.
        let begun = std::mem::take(&mut labels.begun);
        if !begun.is_empty() {
            labels.accounts.retain(|_, (_, operation)| operation.as_ref().is_none_or(|one| begun.contains(one)));
        }
        Ok(labels)
    }

    fn read_lines(&mut self, text: &str) -> Vec<LineFault> {
        let mut faults = Vec::new();
        let remedy = || "write labels as `mareva sim` does, or a CSV file with the columns account,label".to_owned();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let label: Value = match serde_json::from_str(line) {
                Ok(label) => label,
                Err(_) => {
                    faults.push((number, "is no JSON".to_owned(), remedy()));
                    continue;
                }
            };
            let field = |name: &str| label[name].as_str().unwrap_or_default();
            match field("type") {
                "account" if !label["role"].is_string() => {
                    faults.push((number, "names no role of the account".to_owned(), remedy()));
                }
                "account" if !field("account").is_empty() => {
                    let operation = label["operation"].as_str();
                    faults.extend(self.add(number, field("account"), field("role"), operation));
                }
                "transaction" if !field("tx_id").is_empty() => {
                    self.transactions.insert(key_of(&format!("{}:{}", field("source"), field("tx_id"))));
                    if matches!(field("role"), "victim_payment" | "sanctioned_payment") {
                        self.begun.insert(field("operation").to_owned());
                    }
                }
                _ => faults.push((number, "labels no account and no transaction".to_owned(), remedy())),
            }
        }
        faults
    }

    fn read_csv(&mut self, text: &str) -> Vec<LineFault> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers().cloned().unwrap_or_default();
        let place = |name: &str| headers.iter().position(|header| header.eq_ignore_ascii_case(name));
        let (Some(account), Some(label)) = (place("account"), place("label")) else {
            let other = headers.len() == 1 && headers.iter().any(|one| one.contains([';', '\t', '|']));
            let remedy = match other {
                true => "separate columns with commas: account,label".to_owned(),
                false => {
                    let known = ["account", "label"];
                    let near =
                        headers.iter().filter(|header| !known.contains(header)).map(|header| perhaps(header, known));
                    format!("{}write account,label in the first line", near.max().unwrap_or_default())
                }
            };
            return vec![(1, "does not name the columns account and label".to_owned(), remedy)];
        };
        let twice = |name: &&&str| headers.iter().filter(|header| header.eq_ignore_ascii_case(name)).count() > 1;
        if let Some(name) = ["account", "label"].iter().find(twice) {
            return vec![(1, format!("names the column {name} twice"), "leave one of them".to_owned())];
        }
        let mut faults = Vec::new();
        for (number, line) in (2..).zip(reader.records()) {
            match line {
                Ok(line) if line.get(account).is_some_and(|account| !account.is_empty()) => {
                    let field = |place: usize| line.get(place).unwrap_or_default();
                    faults.extend(self.add(number, field(account), field(label), None));
                }
                Ok(_) => {
                    faults.push((number, "names no account".to_owned(), "name one, or leave the line out".to_owned()));
                }
                Err(_) => {
                    let remedy = "write as many fields as the first line has".to_owned();
                    faults.push((number, "is no line of the table".to_owned(), remedy));
                }
            }
        }
        faults
    }

    /// Takes the label of an account; gives what is wrong with it.
    fn add(&mut self, number: usize, account: &str, label: &str, operation: Option<&str>) -> Option<LineFault> {
        let label = label.to_lowercase();
        let meaning = Meaning::of(&label);
        let part = match meaning {
            Meaning::Victim => Some(Part::Victim),
            Meaning::Innocent | Meaning::Unknown => None,
            Meaning::Criminal => match [VICTIM].iter().chain(&INNOCENT).find(|known| is_misspelt(&label, known)) {
                Some(known) => {
                    let reason = format!("the label `{label}` is not known");
                    return Some((number, reason, format!("perhaps you mean {known}; else take another word")));
                }
                None => Some(Part::Criminal),
            },
        };
        let found = identifier::recognise(account).map_or_else(|| account.to_owned(), |found| found.canonical);
        let key = key_of(&found);
        if meaning != Meaning::Unknown {
            match self.told.entry(key) {
                Entry::Occupied(told) if told.get().0 != part => {
                    let reason = format!("says something else of an account than line {}", told.get().1);
                    return Some((number, reason, "leave one of the two out".to_owned()));
                }
                Entry::Occupied(_) => {}
                Entry::Vacant(place) => _ = place.insert((part, number)),
            }
        }
        if self.words.len() >= MAX_WORDS && !self.words.contains_key(&label) {
            let reason = format!("is one label more than {MAX_WORDS} different ones");
            return Some((number, reason, "see which column is the label".to_owned()));
        }
        if self.counted.insert(key_of(&format!("{found}\n{label}"))) {
            *self.words.entry(label).or_default() += 1;
        }
        if let Some(part) = part {
            self.accounts.insert(key, (part, operation.map(str::to_owned)));
        }
        None
    }

    /// Finds the labelled accounts in the tables.
    ///
    /// # Errors
    /// A damaged file.
    pub fn hold_against(&self, transactions: &[TableFile], movements: &[TableFile]) -> Result<Truth> {
        let accounts: Seen = self.accounts.keys().copied().collect();
        let rows = match self.transactions.is_empty() || transactions.is_empty() {
            true => None,
            false => Some(labelled_rows(transactions, &self.transactions)?),
        };
        let found = through(movements, &accounts, rows.as_ref())?;
        let part = |(account, through)| self.accounts.get(&account).map(|(part, _)| (account, (*part, through)));
        let (labelled, words) = (self.accounts.len(), self.words.clone());
        let accounts = found.into_iter().filter_map(part).collect();
        Ok(Truth { accounts, by_transaction: rows.is_some(), labelled, words })
    }
}

/// Whether a label is a word with a slip in it: one letter in four may be wrong. Short words differ as much from each other.
fn is_misspelt(label: &str, known: &str) -> bool {
    known.len() >= 5 && osa_distance(label, known) * 4 <= label.chars().count().max(known.len())
}

/// How well a rule finds those whom it is meant to find.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Score {
    /// Subjects that it names.
    pub named: usize,
    /// Of them those who are what it says of them.
    pub right: usize,
    /// All who are, among the accounts that moved money.
    pub of: usize,
    /// Money that went through those found, in the reference currency. Hundredths; a decimal such as `"12.50"` in JSON.
    #[serde(serialize_with = "decimal")]
    pub value_caught: i128,
    /// Money that went through all of them.
    #[serde(serialize_with = "decimal")]
    pub value_of: i128,
}

fn decimal<S: serde::Serializer>(hundredths: &i128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}.{:02}", hundredths / 100, hundredths.unsigned_abs() % 100))
}

impl Score {
    /// Share of what it names that is right.
    pub fn precision(&self) -> Option<f64> {
        (self.named > 0).then(|| self.right as f64 / self.named as f64)
    }

    /// Share of what there is that it names.
    pub fn recall(&self) -> Option<f64> {
        (self.of > 0).then(|| self.right as f64 / self.of as f64)
    }

    /// Harmonic mean of the two.
    pub fn f1(&self) -> Option<f64> {
        (self.named + self.of > 0).then(|| 2.0 * self.right as f64 / (self.named + self.of) as f64)
    }

    /// Share of the money.
    pub fn value_share(&self) -> Option<f64> {
        (self.value_of > 0).then(|| self.value_caught as f64 / self.value_of as f64)
    }
}

impl Truth {
    /// Labelled accounts that moved money: criminals and victims.
    pub fn sizes(&self) -> (usize, usize) {
        let criminals = self.accounts.values().filter(|(part, _)| *part == Part::Criminal).count();
        (criminals, self.accounts.len() - criminals)
    }

    /// Holds subjects against it. What a criminal received and what a victim sent is the money.
    pub fn score(&self, role: SubjectRole, subjects: impl Iterator<Item = Key>) -> Score {
        let wanted = |part: Part| match role {
            SubjectRole::Victim => part == Part::Victim,
            SubjectRole::Suspect | SubjectRole::Listed => part == Part::Criminal,
            SubjectRole::Unknown => true,
        };
        // Where both may be named, what a victim sent is what a criminal received: it counts there.
        let value = |(part, through): &(Part, Through)| match (part, role) {
            (Part::Criminal, _) => through.received,
            (Part::Victim, SubjectRole::Victim) => through.sent,
            (Part::Victim, _) => 0,
        };
        let all = || self.accounts.values().filter(|(part, _)| wanted(*part));
        let mut score = Score { of: all().count(), value_of: all().map(value).sum(), ..Score::default() };
        for subject in subjects {
            score.named += 1;
            if let Some(found) = self.accounts.get(&subject).filter(|(part, _)| wanted(*part)) {
                score.right += 1;
                score.value_caught += value(found);
            }
        }
        score
    }
}

#[cfg(test)]
mod tests;
