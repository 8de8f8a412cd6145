//! The config: one TOML, checked as a table with every fault reported, laid over the defaults of `deploy/mareva.toml`,
//! and only then read into types. Files that it names are opened elsewhere.

mod meaning;
mod model;
mod nearest;
mod schema;
mod span;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use mareva_model::{Fault, Refusal};
use mareva_screening::ListConfig;
use toml::{Table, Value};

pub use model::{Config, ListFile};
pub use span::Span;

/// The defaults, with what every key means.
pub const DEFAULTS: &str = include_str!("../../../../deploy/mareva.toml");

/// The config from a file, or the defaults.
///
/// # Errors
/// Every fault of the file.
pub fn load(path: Option<&Path>) -> Result<Config, Refusal> {
    let Some(path) = path else { return read("", "config", Path::new("")) };
    let place = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Refusal::one(&place, format!("cannot be read: {error}"), "check the path behind --config and its permissions")
    })?;
    read(&text, &place, path.parent().unwrap_or(Path::new("")))
}

/// The config of a text; `place` names it in faults, relative paths count from `folder`.
///
/// # Errors
/// Every fault of the text.
pub fn read(text: &str, place: &str, folder: &Path) -> Result<Config, Refusal> {
    schema::check(text, place)?;
    let unreadable = |error: toml::de::Error| {
        Refusal::one(place, error.message().to_owned(), "compare the file with deploy/mareva.toml")
    };
    let mut merged: Table = DEFAULTS.parse().map_err(unreadable)?;
    let written: Table = text.parse().map_err(unreadable)?;
    let mut kafka = BTreeMap::new();
    let mut lists = Vec::new();
    for table in [merged.remove("kafka"), written.get("kafka").cloned()].into_iter().flatten() {
        flatten("", &table, &mut kafka);
    }
    for (section, value) in written {
        match (section.as_str(), value, merged.get_mut(&section)) {
            ("kafka", ..) => {}
            ("lists", value, _) => lists = list_files(value, place)?,
            (_, Value::Table(keys), Some(Value::Table(defaults))) => defaults.extend(keys),
            // The check has refused everything else.
            _ => {}
        }
    }
    let mut config: Config = Value::Table(merged).try_into().map_err(unreadable)?;
    config.kafka = kafka;
    config.lists = lists;
    meaning::check(&config, place)?;
    config.resolve(folder);
    Ok(config)
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

fn list_files(value: Value, place: &str) -> Result<Vec<ListFile>, Refusal> {
    let Value::Array(tables) = value else { return Ok(Vec::new()) };
    let mut lists = Vec::new();
    let mut faults = Refusal::default();
    for (index, mut table) in tables.into_iter().enumerate() {
        let key_file = table.as_table_mut().and_then(|table| table.remove("key_file"));
        let key_file = key_file.and_then(|file| file.as_str().map(str::to_owned)).filter(|file| !file.is_empty());
        match table.try_into::<ListConfig>() {
            Ok(list) => lists.push(ListFile { list, key_file: key_file.map(Into::into) }),
            Err(error) => {
                let at = format!("{place}: lists[{index}]");
                faults.0.push(Fault::new(at, error.message().to_owned(), "compare it with deploy/mareva.toml"));
            }
        }
    }
    faults.into_result()?;
    Ok(lists)
}
