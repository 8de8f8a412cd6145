//! The config: one TOML, checked as a table with every fault reported, laid over the defaults of `deploy/mareva.toml`,
//! and only then read into types. Files that it names are opened elsewhere.

mod meaning;
mod model;
mod schema;
mod span;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use mareva_model::{Fault, Refusal};
use mareva_screening::ListConfig;
use toml::{Table, Value};

pub use model::{Config, ListFetch, ListFile};
pub use span::Span;

/// The defaults, with what every key means.
pub const DEFAULTS: &str = include_str!("../../../../deploy/mareva.toml");

/// Bytes of a config: that of the largest institution takes some thousands.
const MAX_CONFIG: u64 = 1 << 20;

/// The config from a file, or the defaults. What is at fault in it is as in the defaults, so that all that it names can be
/// looked at in the same go.
pub fn load(path: Option<&Path>, faults: &mut Refusal) -> Config {
    let (mut text, mut place, mut folder) = (String::new(), "config".to_owned(), Path::new(""));
    if let Some(path) = path {
        (place, folder) = (path.display().to_string(), path.parent().unwrap_or(folder));
        match read_text(path, MAX_CONFIG) {
            Ok(read) => text = read,
            Err(error) => {
                let (reason, remedy) = unread(&error);
                faults.0.push(Fault::new(format!("{place} (--config)"), reason, remedy));
            }
        }
    }
    read(&text, &place, folder, faults)
}

/// The bytes of a file that is read as a whole, at most `max` (whole MiB) of them.
///
/// # Errors
/// It cannot be read, or holds more.
pub fn read_bytes(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it holds more than {} MiB", max >> 20)));
    }
    Ok(bytes)
}

/// As [`read_bytes`], of a text in UTF-8.
///
/// # Errors
/// Likewise, and that it is none.
pub fn read_text(path: &Path, max: u64) -> io::Result<String> {
    String::from_utf8(read_bytes(path, max)?).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// Why a file cannot be read, and what to do.
pub fn unread(error: &std::io::Error) -> (String, &'static str) {
    match error.kind() {
        ErrorKind::IsADirectory => ("cannot be read: it is a folder".to_owned(), "name a file"),
        ErrorKind::NotADirectory => ("cannot be read: it is no folder, or lies in none".to_owned(), "check the path"),
        ErrorKind::InvalidData => ("cannot be read: it is no text in UTF-8".to_owned(), "save it as UTF-8"),
        ErrorKind::FileTooLarge => {
            (format!("cannot be read: {error}"), "name the right file, or leave out of it what nobody needs")
        }
        _ => (format!("cannot be read: {error}"), "check the path and its permissions"),
    }
}

/// The config of a text; `place` names it in faults, relative paths count from `folder`.
pub fn read(text: &str, place: &str, folder: &Path, faults: &mut Refusal) -> Config {
    let mut merged = defaults();
    let written = schema::check(text, place, faults);
    let mut kafka = BTreeMap::new();
    let mut lists = Vec::new();
    for table in [merged.remove("kafka"), written.get("kafka").cloned()].into_iter().flatten() {
        flatten("", &table, &mut kafka);
    }
    for (section, value) in written {
        match (section.as_str(), value, merged.get_mut(&section)) {
            ("kafka", ..) => {}
            ("lists", Value::Array(tables), _) => {
                let numbered = tables.into_iter().enumerate();
                lists = numbered.filter_map(|(at, table)| list_file(at, table, place, faults)).collect();
            }
            (_, Value::Table(keys), Some(Value::Table(defaults))) => defaults.extend(keys),
            // The check has refused everything else.
            _ => {}
        }
    }
    let mut config: Config = Value::Table(merged).try_into().unwrap_or_else(|error: toml::de::Error| {
        faults.0.push(Fault::new(place, error.message(), "compare the file with deploy/mareva.toml"));
        let mut defaults = defaults();
        defaults.remove("kafka");
        Value::Table(defaults).try_into().expect("the defaults are a config")
    });
    config.kafka = kafka;
    config.lists = lists;
    meaning::check(&config, place, faults);
    config.resolve(folder);
    config
}

fn defaults() -> Table {
    DEFAULTS.parse().expect("the defaults are TOML")
}

/// Properties by their dotted names, whether the dots were written or are tables; later ones overrule earlier ones.
fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, value, into);
            }
        }
        Value::String(text) => {
            into.insert(prefix.to_owned(), text.clone());
        }
        other => {
            into.insert(prefix.to_owned(), other.to_string());
        }
    }
}

/// A list of the config. What is at fault in one, or missing, is as for a list on the command line, so that its file and the
/// rest of it are looked at all the same.
fn list_file(at: usize, mut table: Value, place: &str, faults: &mut Refusal) -> Option<ListFile> {
    let written = table.as_table_mut()?;
    let key_file = written.remove("key_file").and_then(|file| file.as_str().map(PathBuf::from));
    let fetch = written.remove("fetch").map(Value::try_into::<ListFetch>);
    let text = |key: &str| written.get(key).and_then(Value::as_str).map(str::to_owned);
    let (name, path) = (text("name"), text("path"));
    let key = name.as_ref().map_or_else(|| format!("lists[{at}]"), |name| format!("lists.{name}"));
    let right = written.clone();
    let list = match table.try_into::<ListConfig>() {
        Ok(list) => list,
        Err(error) => {
            let numbered = format!(": lists[{at}]");
            if !faults.0.iter().any(|fault| fault.place.contains(&numbered)) {
                let place = format!("{place}{numbered}");
                faults.0.push(Fault::new(place, error.message(), "compare it with deploy/mareva.toml"));
            }
            let name = name.unwrap_or_else(|| format!("list-{at}"));
            let assumed = ListFile::assumed(name, path.unwrap_or_default().into());
            filled_up(&assumed, right).unwrap_or(assumed)
        }
    };
    let fetch = fetch.and_then(|fetch| match fetch {
        Ok(fetch) => Some(fetch),
        Err(error) => {
            let numbered = format!("{place}: lists[{at}].fetch");
            if !faults.0.iter().any(|fault| fault.place.contains(&format!(": lists[{at}].fetch"))) {
                faults.0.push(Fault::new(numbered, error.message(), "compare it with deploy/mareva.toml"));
            }
            None
        }
    });
    let path_key = format!("{key}.path");
    let key_file = key_file.filter(|file| !file.as_os_str().is_empty());
    Some(ListFile { list, key_file, fetch, key, path_key })
}

/// A list of these keys, with those of another one where they are missing.
fn filled_up(other: &ListConfig, mut keys: Table) -> Option<ListConfig> {
    if !["regime", "action"].into_iter().all(|key| keys.contains_key(key)) {
        // One of them beside a guess of the other would be at fault for no reason.
        keys.retain(|key, _| !["regime", "action", "programmes"].contains(&key));
    }
    let mut table = Table::try_from(other).ok()?;
    table.extend(keys);
    table.try_into().ok()
}
