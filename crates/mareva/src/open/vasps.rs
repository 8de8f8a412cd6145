//! Accounts and wallets of exchanges and other VASPs, from CSV.

use std::collections::HashSet;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use mareva_model::Refusal;
use mareva_monitoring::{Key, key_of};

use super::table::{Faults, LineFault, Told, canonical, country_fault, no_account, unknown};
use super::unreadable;
use crate::config::{read_bytes, unread};

/// Bytes of the file: some million identifiers.
const MAX_FILE: u64 = 64 << 20;
/// Its columns; the first decides, the others are for readers.
const COLUMNS: [&str; 3] = ["identifier", "vasp", "country"];

/// Reads `identifier,vasp,country`; without a path there are none.
pub(super) fn load(path: &Path) -> Result<HashSet<String>, Refusal> {
    let mut vasps = HashSet::new();
    if path.as_os_str().is_empty() {
        return Ok(vasps);
    }
    let (mut faults, mut told) = (Faults::of(path), Told::nothing());
    let bytes = read_bytes(path, MAX_FILE).map_err(|error| unreadable(path, &error))?;
    let mut reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(bytes.as_slice());
    let names = match reader.headers() {
        Ok(names) => names.clone(),
        Err(error) => {
            let (reason, remedy) = broken(error);
            return Err(Refusal::one(path.display().to_string(), reason, remedy));
        }
    };
    let Some(column) = names.iter().position(|name| name == "identifier") else {
        let remedy = "begin it with identifier,vasp,country";
        return Err(Refusal::one(path.display().to_string(), "has no column `identifier`", remedy));
    };
    for name in names.iter().filter(|name| !name.is_empty() && !COLUMNS.contains(name)) {
        faults.add(1, unknown("column", name, &COLUMNS));
    }
    let country = names.iter().position(|name| name == "country");
    let mut row = StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut row) {
            Ok(false) => break,
            Ok(true) => {
                let line = row.position().map_or(line, csv::Position::line);
                let wrong = country.and_then(|at| row.get(at)).filter(|text| !text.is_empty()).and_then(country_fault);
                wrong.into_iter().for_each(|fault| faults.add(line, fault));
                match identifier(&row, column, line, &mut told) {
                    Ok(found) => _ = vasps.insert(found),
                    Err(fault) => faults.add(line, fault),
                }
            }
            Err(error) => {
                let (reason, remedy) = broken(error);
                faults.add(line, (reason, remedy.to_owned()));
            }
        }
    }
    faults.into_result()?;
    Ok(vasps)
}

fn identifier(row: &StringRecord, column: usize, line: u64, told: &mut Told<Key>) -> Result<String, LineFault> {
    let found = canonical(row.get(column).unwrap_or_default()).ok_or_else(|| no_account("the identifier"))?;
    let rest: Vec<&str> = row.iter().enumerate().filter(|(at, _)| *at != column).map(|(_, text)| text).collect();
    told.tell(&found, line, key_of(&format!("{rest:?}")))?;
    Ok(found)
}

/// A row of any number of columns can be broken in no other way than these.
fn broken(error: csv::Error) -> (String, &'static str) {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => unread(&error),
        _ => unread(&std::io::ErrorKind::InvalidData.into()),
    }
}
