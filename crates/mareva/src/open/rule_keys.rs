//! `rule.toml` looked at as the text that somebody wrote: the line of each fault, what was perhaps meant, and what nobody reads.

use std::ops::Range;

use mareva_model::{Fault, perhaps};
use mareva_monitoring::{RuleText, is_blank};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The keys of a parameter.
const PARAMETER: [&str; 4] = ["value", "type", "unit", "source"];
/// The keys of a source.
const SOURCE: [&str; 3] = ["title", "where", "quote_or_threshold"];
/// What the engine says of a key that it does not know; the remedy lists those that it does.
const UNKNOWN: &str = "is no key of a rule";

/// All that is wrong with some rules: what the engine says, with lines, and what only the text shows. Of one value one fault
/// is told.
pub(super) fn all_faults(texts: &[RuleText], of_engine: Vec<Fault>) -> Vec<Fault> {
    let files: Vec<File<'_>> = texts.iter().map(File::read).collect();
    let mut faults: Vec<Fault> = of_engine
        .into_iter()
        .filter_map(|fault| match files.iter().find_map(|file| Some((file, file.key_of(&fault)?))) {
            Some((file, key)) => (!file.tells_of(&key)).then(|| file.placed(fault, &key)),
            None => Some(fault),
        })
        .collect();
    faults.extend(files.into_iter().flat_map(|file| file.found.into_iter().map(|(_, fault)| fault)));
    faults
}

/// Parameters without a source, which are not thresholds.
pub(super) fn without_source(text: &RuleText) -> Vec<String> {
    let Ok(root) = DeTable::parse(&text.toml) else { return Vec::new() };
    let Some(DeValue::Table(parameters)) = root.get_ref().get("parameters").map(Spanned::get_ref) else {
        return Vec::new();
    };
    let has_none = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::Table(keys) => match keys.get("source").map(Spanned::get_ref) {
            Some(DeValue::String(source)) => is_blank(source),
            source => source.is_none(),
        },
        _ => false,
    };
    let named = parameters.iter().filter(|(_, value)| has_none(value));
    named.map(|(name, _)| format!("parameter {} of {} names no source", name.get_ref(), text.folder)).collect()
}

/// A `rule.toml`.
struct File<'t> {
    place: String,
    text: &'t str,
    table: DeTable<'t>,
    /// Whether it is no TOML: then nothing else is told of it.
    broken: bool,
    /// Faults that were found here, by the path of the key.
    found: Vec<(String, Fault)>,
}

impl<'t> File<'t> {
    fn read(rule: &'t RuleText) -> Self {
        let place = format!("rules/{}/rule.toml", rule.folder);
        let (root, errors) = DeTable::parse_recoverable(&rule.toml);
        let mut file =
            Self { place, text: &rule.toml, table: root.into_inner(), broken: !errors.is_empty(), found: Vec::new() };
        for error in errors {
            file.fault("", error.span(), error.message(), "see https://toml.io for how TOML is written");
        }
        if !file.broken {
            file.look(&rule.sql);
        }
        file
    }

    fn look(&mut self, sql: &str) {
        let table = std::mem::take(&mut self.table);
        let raises = table.get("raises").map(Spanned::get_ref);
        let alerts = matches!(raises, Some(DeValue::String(word)) if word == "alert");
        for (name, value) in &table {
            let at = Some(name.span());
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("version", DeValue::Integer(number)) if number.as_str() == "0" => {
                    self.fault("version", at, "is 0", "begin with version = 1 and count up with every change");
                }
                ("version", found) if !matches!(found, DeValue::Integer(_)) => {
                    self.fault("version", at, "is no whole number", "write it without quotes: version = 1");
                }
                ("weight", _) if alerts => {
                    self.fault("weight", at, "is read of no rule that raises alerts", "remove it, or raise a signal");
                }
                ("weight", DeValue::String(text)) if text.starts_with('-') => {
                    self.fault("weight", at, "is below zero", "no sign speaks for somebody; write 0.00 or more");
                }
                ("weight", DeValue::Float(_) | DeValue::Integer(_)) => {
                    self.fault("weight", at, "is no text", "write a decimal in quotes: weight = \"1.00\"");
                }
                ("parameters", DeValue::Table(parameters)) => self.parameters(parameters, sql),
                ("sources", DeValue::Array(sources)) => {
                    let tables = sources.iter().filter_map(|source| match source.get_ref() {
                        DeValue::Table(keys) => Some(keys),
                        _ => None,
                    });
                    (0..).zip(tables).for_each(|(at, keys)| self.known(&format!("sources[{at}]"), keys, &SOURCE));
                }
                _ => {}
            }
        }
        self.table = table;
    }

    fn parameters(&mut self, parameters: &DeTable<'_>, sql: &str) {
        for (name, value) in parameters {
            let (word, at) = (name.get_ref(), Some(name.span()));
            let path = format!("parameters.{word}");
            let DeValue::Table(keys) = value.get_ref() else {
                self.fault(&path, at, "is no table", format!("begin it with [{path}]"));
                continue;
            };
            self.known(&path, keys, &PARAMETER);
            if !names(sql, word) {
                let remedy = format!("write ${word} where it is meant, or take it out");
                self.fault(&path, at.clone(), "is not in rule.sql", remedy);
            }
            let types = "write type = \"decimal\", \"integer\" or \"text\"";
            match keys.get("type") {
                None => self.fault(&format!("{path}.type"), at.clone(), "is missing", types),
                Some(kind) if !matches!(kind.get_ref(), DeValue::String(_)) => {
                    self.fault(&format!("{path}.type"), Some(kind.span()), "is no text", types);
                }
                Some(_) => {}
            }
            match keys.get("value") {
                None => self.fault(&format!("{path}.value"), at, "is missing", "write value = …"),
                Some(value) => {
                    if let DeValue::Float(number) = value.get_ref() {
                        let remedy = format!("write it in quotes: value = \"{}\"", number.as_str());
                        let path = format!("{path}.value");
                        self.fault(&path, Some(value.span()), "is a floating-point number, which is not exact", remedy);
                    }
                }
            }
        }
    }

    /// Notes keys that nobody reads.
    fn known(&mut self, path: &str, keys: &DeTable<'_>, known: &[&str]) {
        for (name, _) in keys {
            let word = name.get_ref().as_ref();
            if !known.contains(&word) {
                let near = perhaps(word, known.iter().copied());
                let remedy = format!("{near}the keys are {}", known.join(", "));
                self.fault(&format!("{path}.{word}"), Some(name.span()), "is no key here", remedy);
            }
        }
    }

    fn fault(&mut self, path: &str, at: Option<Range<usize>>, reason: impl Into<String>, remedy: impl Into<String>) {
        let fault = Fault::new(self.place(at.map(|at| at.start), path), reason, remedy);
        self.found.push((path.to_owned(), fault));
    }

    fn place(&self, at: Option<usize>, path: &str) -> String {
        let line = at.map(|at| self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1);
        let mut place = line.map_or_else(|| self.place.clone(), |line| format!("{}:{line}", self.place));
        if !path.is_empty() {
            place = format!("{place}: {path}");
        }
        place
    }

    /// The key that a fault of the engine is about, where it is about this file; empty where it is about all of it.
    fn key_of(&self, fault: &Fault) -> Option<String> {
        let rest = fault.place.strip_prefix(&self.place)?;
        if rest.is_empty() { Some(String::new()) } else { rest.strip_prefix(": ").map(str::to_owned) }
    }

    /// Whether a fault was found here of that key or of something in it.
    fn tells_of(&self, key: &str) -> bool {
        let is_in = |path: &str| path == key || path.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        self.broken || self.found.iter().any(|(path, _)| is_in(path))
    }

    /// A fault of the engine with its line, and with the key that was perhaps meant.
    fn placed(&self, fault: Fault, key: &str) -> Fault {
        let Fault { reason, mut remedy, .. } = fault;
        let (first, rest) = key.split_once('.').unwrap_or((key, ""));
        let in_table = |table: &DeTable<'_>, word: &str| {
            table.iter().find(|(name, _)| name.get_ref() == word).map(|(name, _)| name.span().start)
        };
        let inside = match self.table.get(first).map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => in_table(table, rest),
            _ => None,
        };
        let at = inside.or_else(|| in_table(&self.table, first));
        if reason == UNKNOWN {
            let known = remedy.strip_prefix("the keys are ").unwrap_or_default().split(", ");
            remedy = perhaps(key, known) + &remedy;
        }
        if first == "needs_history" {
            remedy += ", such as \"180 days\"";
        }
        Fault::new(self.place(at, key), reason, remedy)
    }
}

/// Whether a text of SQL names a parameter, outside of texts and comments.
fn names(sql: &str, parameter: &str) -> bool {
    let mut rest = sql;
    while let Some(at) = rest.find(['\'', '$', '-']) {
        rest = &rest[at..];
        let end = match rest.as_bytes() {
            [b'\'', ..] => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            [b'-', b'-', ..] => rest.find('\n').unwrap_or(rest.len()),
            [b'$', ..] => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let end = rest[1..].find(|c| !is_part(c)).map_or(rest.len(), |end| end + 1);
                if rest[1..end] == *parameter {
                    return true;
                }
                end
            }
            _ => 1,
        };
        rest = &rest[end..];
    }
    false
}

#[cfg(test)]
mod tests;
