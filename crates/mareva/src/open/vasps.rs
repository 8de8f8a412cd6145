//! Accounts and wallets of exchanges and other VASPs, from CSV.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use mareva_model::{Fault, Refusal, identifier};

use super::{cut, unreadable};

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
    let column =
        reader.headers().map_err(|error| unreadable(path, &error))?.iter().position(|name| name == "identifier");
    let Some(column) = column else {
        return Err(Refusal::one(place, "has no column `identifier`", "begin it with identifier,vasp,country"));
    };
    for (index, record) in reader.records().enumerate() {
        let text = record.map_err(|error| error.to_string()).map(|r| r.get(column).unwrap_or_default().to_owned());
        match text.map(|text| identifier::recognise(&text).ok_or(text)) {
            Ok(Ok(found)) => {
                vasps.insert(found.canonical);
            }
            Ok(Err(_)) => faults.0.push(Fault::new(
                format!("{place}:{}", index + 2),
                "the identifier is no account or address whose format and checksum hold",
                "correct it, or write it in its canonical form, such as acct:BIC/number",
            )),
            Err(error) => faults.0.push(Fault::new(format!("{place}:{}", index + 2), error, "correct the line")),
        }
    }
    faults.into_result().map_err(|refusal| cut(refusal, path))?;
    Ok(vasps)
}
