//! What tables of accounts have in common: faults by line, identifiers, countries, and lines that contradict one another.

use std::collections::HashMap;
use std::path::Path;

use mareva_model::{Fault, Refusal, identifier, perhaps};
use mareva_monitoring::{Key, KeyBuild, key_of};
use mareva_screening::country_code;

use super::MAX_FAULTS;

/// What is wrong with a line, and what to do.
pub type LineFault = (String, String);

/// The first faults of a file, and how many more there are.
pub struct Faults<'p> {
    path: &'p Path,
    listed: Refusal,
    more: usize,
}

impl<'p> Faults<'p> {
    pub fn of(path: &'p Path) -> Self {
        Self { path, listed: Refusal::default(), more: 0 }
    }

    pub fn add(&mut self, line: u64, (reason, remedy): LineFault) {
        if self.listed.0.len() < MAX_FAULTS {
            self.listed.0.push(Fault::new(format!("{}:{line}", self.path.display()), reason, remedy));
        } else {
            self.more += 1;
        }
    }

    /// # Errors
    /// What was found.
    pub fn into_result(mut self) -> Result<(), Refusal> {
        if self.more > 0 {
            self.listed.0.push(more_faults(self.path.display().to_string(), self.more));
        }
        self.listed.into_result()
    }
}

/// That a file has more faults than are listed.
pub fn more_faults(place: String, more: usize) -> Fault {
    Fault::new(place, format!("has {more} more faults"), "mend those above first")
}

/// The canonical form of an account or address; none where its format or checksum does not hold, so that no record will
/// ever name it.
pub fn canonical(text: &str) -> Option<String> {
    let found = identifier::recognise(text)?;
    let is_sound = found.validated || !found.canonical.starts_with("eip155:");
    (is_sound && !found.canonical.starts_with("bic:")).then_some(found.canonical)
}

/// That an identifier has no canonical form.
pub fn no_account(what: &str) -> LineFault {
    let reason = format!("{what} is no account or address whose format and checksum hold");
    (reason, "correct it, or write it in its canonical form, such as acct:BIC/number".to_owned())
}

/// That a text is no country, where it is none.
pub fn country_fault(text: &str) -> Option<LineFault> {
    (country_code(text) != Some(text)).then(|| {
        let remedy = "write its code of two capital letters (ISO 3166), such as DE, or leave it out";
        ("country is none".to_owned(), remedy.to_owned())
    })
}

/// That a key or column is none of those that there are.
pub fn unknown(what: &str, key: &str, known: &[&str]) -> LineFault {
    let shown: String = key.chars().take(40).collect();
    let meant = perhaps(&shown.to_lowercase(), known.iter().copied());
    (format!("{shown:?} is no {what}"), format!("{meant}there are {}", known.join(", ")))
}

/// The line of each identifier and what it says of it.
pub struct Told<T>(HashMap<Key, (u64, T), KeyBuild>);

impl<T: PartialEq> Told<T> {
    pub fn nothing() -> Self {
        Self(HashMap::default())
    }

    /// Whether the identifier is new.
    ///
    /// # Errors
    /// That an earlier line says something else of it.
    pub fn tell(&mut self, identifier: &str, line: u64, what: T) -> Result<bool, LineFault> {
        match self.0.get(&key_of(identifier)) {
            None => Ok(self.0.insert(key_of(identifier), (line, what)).is_none()),
            Some((_, before)) if *before == what => Ok(false),
            Some((first, _)) => {
                let reason = format!("says something else of the account than line {first}");
                Err((reason, "leave one line for each account".to_owned()))
            }
        }
    }
}
