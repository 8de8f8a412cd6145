//! Accounts and wallets of exchanges and other VASPs, from CSV.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use mareva_model::{Fault, Refusal, identifier};

use super::{cut, unreadable};
use crate::config::unread;

/// Reads `identifier,vasp,country`; without a path there are none.
pub(super) fn load(path: &Path) -> Result<HashSet<String>, Refusal> {
    let mut vasps = HashSet::new();
    if path.as_os_str().is_empty() {
        return Ok(vasps);
    }
    let mut faults = Refusal::default();
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(file);
    let place = path.display().to_string();
    let column = match reader.headers() {
        Ok(names) => names.iter().position(|name| name == "identifier"),
        Err(error) => {
            let (reason, remedy) = broken(error);
            return Err(Refusal::one(place, reason, remedy));
        }
    };
    let Some(column) = column else {
        return Err(Refusal::one(place, "has no column `identifier`", "begin it with identifier,vasp,country"));
    };
    for (index, record) in reader.records().enumerate() {
        match record.map(|record| identifier::recognise(record.get(column).unwrap_or_default())) {
            Ok(Some(found)) if found.validated || !found.canonical.starts_with("eip155:") => {
                vasps.insert(found.canonical);
            }
            Ok(_) => faults.0.push(Fault::new(
                format!("{place}:{}", index + 2),
                "the identifier is no account or address whose format and checksum hold",
                "correct it, or write it in its canonical form, such as acct:BIC/number",
            )),
            Err(error) => {
                let (reason, remedy) = broken(error);
                faults.0.push(Fault::new(format!("{place}:{}", index + 2), reason, remedy));
            }
        }
    }
    faults.into_result().map_err(|refusal| cut(refusal, path))?;
    Ok(vasps)
}

/// A row of any number of columns can be broken in no other way than these.
fn broken(error: csv::Error) -> (String, &'static str) {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => unread(&error),
        _ => unread(&std::io::ErrorKind::InvalidData.into()),
    }
}
