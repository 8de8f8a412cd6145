//! The keys of the config, and the check of a file against them: every fault with its line, before anything is read.

use std::collections::HashSet;
use std::ops::Range;

use mareva_model::{Fault, Refusal, nearest};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::span::{WRITTEN, parse_span};
use crate::open::more_faults;

/// Faults of syntax that are told of a file: what is no TOML at all has one on every line.
const MAX_SYNTAX_FAULTS: usize = 10;

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Text.
    Text,
    /// A list of texts.
    Texts,
    /// A duration, longer than nothing.
    Span,
    /// A whole number from 1 on.
    Count,
    /// A whole number, none at all included.
    CountOrNone,
    /// A number.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of tables with these keys.
    Tables(&'static [Key]),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A table of texts or lists of texts, under some of these keys.
    Headers(&'static [&'static str]),
}

/// A key of a section.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value has to be.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, required: false }
}

const fn required(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, required: true }
}

const MEASURES: Kind = Kind::Choice(&["prohibit-correspondent", "asset-interest"]);
const ACTIONS: Kind = Kind::Choice(&["review", "warn", "report", "hold", "block"]);

/// Sections with a fixed set of keys; `kafka` and `lists` are checked on their own.
pub const SECTIONS: &[(&str, &[Key])] = &[
    ("institution", &[key("bics", Kind::Texts), key("exchanges", Kind::Texts), key("jurisdiction", Kind::Text)]),
    ("input", &[key("bank", Kind::Texts), key("exchange", Kind::Texts), key("decisions", Kind::Texts)]),
    (
        "output",
        &[
            key("alerts", Kind::Text),
            key("dead_letters", Kind::Text),
            key("late", Kind::Text),
            key("sequence", Kind::Text),
        ],
    ),
    (
        "semantics",
        &[
            key("reference_currency", Kind::Text),
            key("allowed_lateness", Kind::Span),
            key("max_ahead", Kind::Span),
            key("idle_after", Kind::Span),
            key("lookback", Kind::Span),
            key("max_rows", Kind::Count),
        ],
    ),
    ("rules", &[key("path", Kind::Text)]),
    ("tables", &[key("accounts", Kind::Text), key("rates", Kind::Text), key("vasps", Kind::Text)]),
    (
        "alerts",
        &[
            key("episode", Kind::Span),
            key("hold", Kind::Span),
            key("clock_basis", Kind::Text),
            key("fraud_legal_basis", Kind::Text),
            key("sanctions_legal_basis", Kind::Text),
            key("confidentiality", Kind::Text),
            key("tlp", Kind::Choice(&["", "clear", "green", "amber", "amber+strict", "red"])),
            key("operation", Kind::Text),
            key("notice_ref", Kind::Text),
            key("subject_key_file", Kind::Text),
            key("memory", Kind::Span),
            key("max_open", Kind::Count),
            key("max_closed", Kind::Count),
            key("max_signals", Kind::Count),
            key("max_targets", Kind::Count),
        ],
    ),
    (
        "decisions",
        &[key("approvers", Kind::Tables(APPROVER)), key("longest", Kind::Span), key("max_in_force", Kind::Count)],
    ),
    ("retention", &[key("memory_mib", Kind::Count), key("path", Kind::Text)]),
    ("snapshots", &[key("path", Kind::Text), key("every", Kind::Span), key("keep", Kind::Count)]),
    ("http", &[key("listen", Kind::Text), key("admin_token_file", Kind::Text)]),
    ("log", &[key("format", Kind::Choice(&["text", "json"])), key("level", Kind::Text)]),
];

/// What the columns of a CSV list may mean, as [`mareva_screening::Column`].
const COLUMNS: Kind = Kind::Headers(&[
    "identifier",
    "account",
    "agent",
    "vasp",
    "name",
    "quality",
    "id",
    "kind",
    "reason",
    "programme",
    "country",
    "birth_date",
    "document",
    "document_kind",
    "valid_from",
    "valid_until",
    "listed_at",
    "source",
    "successor_of",
    "rebrand_of",
    "lineage_since",
    "lineage_evidence",
]);

/// Keys of somebody whose signature counts.
const APPROVER: &[Key] = &[
    required("name", Kind::Text),
    required("key_id", Kind::Text),
    required("public_key", Kind::Text),
    required("may", Kind::Texts),
];

/// Keys of where a list is got.
const FETCH: &[Key] = &[
    required("url", Kind::Text),
    key("max_mib", Kind::Count),
    key("sha256", Kind::Text),
    key("public_key", Kind::Text),
    key("signature", Kind::Text),
    key("ca_file", Kind::Text),
    key("max_age", Kind::Span),
];

/// Keys of a list.
pub const LIST: &[Key] = &[
    required("name", Kind::Text),
    required("path", Kind::Text),
    key("format", Kind::Choice(&["auto", "ofac-csv", "uk-csv", "csv", "xml", "ftm", "misp", "stix", "tagpack"])),
    required("regime", Kind::Choice(&["sanctions", "fraud"])),
    required("action", ACTIONS),
    required("binding_in", Kind::Texts),
    key("measure", MEASURES),
    required("evidence_class", Kind::Choice(&["order", "institution_confirmed", "partner", "allegation", "heuristic"])),
    key("false_positive_rate", Kind::Number),
    key("min_entries", Kind::Count),
    key("max_shrinkage", Kind::Number),
    key("max_unmatchable", Kind::CountOrNone),
    key("match_names", Kind::Flag),
    key("name_threshold", Kind::Number),
    key("key_file", Kind::Text),
    key("dates", Kind::Choice(&["iso", "day-first", "month-first"])),
    key("columns", COLUMNS),
    key("parts", Kind::Tables(&[required("path", Kind::Text), required("columns", COLUMNS)])),
    key("fetch", Kind::Table(FETCH)),
    key(
        "programmes",
        Kind::Tables(&[
            required("programme", Kind::Text),
            required("action", ACTIONS),
            key("binding_in", Kind::Texts),
            key("measure", MEASURES),
        ]),
    ),
];

/// Checks a text against the keys, and gives what of it is right. Of a text whose syntax is broken nothing is.
///
/// The faults are the first of syntax, or else every unknown key, missing key and value of the wrong type or range.
pub fn check(text: &str, place: &str, faults: &mut Refusal) -> toml::Table {
    let mut check = Check { text, place, faults, wrong: HashSet::new() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors.iter().take(MAX_SYNTAX_FAULTS) {
        let reason = error.message().to_owned();
        check.fault(error.span(), "", reason, "see https://toml.io for how TOML is written");
    }
    let more = errors.len().saturating_sub(MAX_SYNTAX_FAULTS);
    if more > 0 {
        check.faults.0.push(more_faults(place.to_owned(), more));
    }
    if !errors.is_empty() {
        return toml::Table::new();
    }
    for (name, value) in root.get_ref() {
        check.section(name, value);
    }
    let wrong = check.wrong;
    match text.parse::<toml::Table>() {
        Ok(mut table) => {
            strip("", &mut table, &wrong);
            table
        }
        Err(error) => {
            faults.0.push(Fault::new(place, error.message(), "see https://toml.io for how TOML is written"));
            toml::Table::new()
        }
    }
}

/// Takes out what stands at these paths. Tables of an array stay where they are, since they are named by their numbers; an
/// array of which nothing is left goes with what was in it.
fn strip(path: &str, table: &mut toml::Table, wrong: &HashSet<String>) {
    table.retain(|name, value| {
        let inner = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        if let toml::Value::Array(all) = value {
            let (before, mut numbers) = (all.len(), 0..);
            let plain = !all.iter().any(toml::Value::is_table);
            all.retain_mut(|one| {
                let at = format!("{inner}[{}]", numbers.next().unwrap_or(before));
                if let toml::Value::Table(one) = one {
                    strip(&at, one, wrong);
                }
                !(plain && wrong.contains(&at))
            });
            if all.is_empty() && before > 0 {
                return false;
            }
        }
        if let toml::Value::Table(table) = value {
            strip(&inner, table, wrong);
        }
        !wrong.contains(&inner)
    });
}

struct Check<'a> {
    text: &'a str,
    place: &'a str,
    faults: &'a mut Refusal,
    /// Paths at which there is a fault.
    wrong: HashSet<String>,
}

type Name<'i> = Spanned<std::borrow::Cow<'i, str>>;
type Value<'i> = Spanned<DeValue<'i>>;

impl Check<'_> {
    fn fault(&mut self, at: Option<Range<usize>>, path: &str, reason: impl Into<String>, remedy: impl Into<String>) {
        let line = at.map(|at| self.text[..at.start.min(self.text.len())].matches('\n').count() + 1);
        let mut place = line.map_or(self.place.to_owned(), |line| format!("{}:{line}", self.place));
        if !path.is_empty() {
            place = format!("{place}: {path}");
            self.wrong.insert(path.to_owned());
        }
        self.faults.0.push(Fault::new(place, reason, remedy));
    }

    fn section(&mut self, name: &Name<'_>, value: &Value<'_>) {
        let word = name.get_ref().as_ref();
        let found = SECTIONS.iter().find(|(section, _)| *section == word);
        match (word, found, value.get_ref()) {
            ("kafka", _, DeValue::Table(table)) => self.kafka("kafka", table),
            ("lists", _, DeValue::Array(_)) => self.value("lists", Kind::Tables(LIST), value),
            ("lists", ..) => {
                self.fault(Some(name.span()), word, "is no list of tables", "begin each list with [[lists]]")
            }
            (_, Some((_, keys)), DeValue::Table(table)) => self.table(word, keys, table, name.span()),
            ("kafka", ..) | (_, Some(_), _) => {
                let remedy = format!("begin the section with [{word}]");
                self.fault(Some(name.span()), word, "is no section", remedy);
            }
            (_, None, _) => {
                let known = SECTIONS.iter().map(|(section, _)| *section).chain(["kafka", "lists"]);
                let remedy = match (nearest(word, known.clone()), home_of(word)) {
                    (_, Some(section)) => format!("move it below [{section}]"),
                    (Some(near), None) => format!("did you mean [{near}]?"),
                    (None, None) => format!("the sections are {}", known.collect::<Vec<_>>().join(", ")),
                };
                self.fault(Some(name.span()), word, "is no section of the config", remedy);
            }
        }
    }

    fn table(&mut self, path: &str, keys: &[Key], table: &DeTable<'_>, span: Range<usize>) {
        for (name, value) in table {
            let word = name.get_ref().as_ref();
            let inner = format!("{path}.{word}");
            match keys.iter().find(|key| key.name == word) {
                Some(key) => self.value(&inner, key.kind, value),
                None => {
                    let names = keys.iter().map(|key| key.name);
                    let remedy = match (nearest(word, names.clone()), home_of(word)) {
                        (Some(near), _) => format!("did you mean `{near}`?"),
                        (None, Some(section)) => format!("move it to [{section}]"),
                        (None, None) => format!("the keys here are {}", names.collect::<Vec<_>>().join(", ")),
                    };
                    self.fault(Some(name.span()), &inner, "is no key of this section", remedy);
                }
            }
        }
        let is_there = |key: &&Key| table.iter().any(|(name, _)| name.get_ref() == key.name);
        for key in keys.iter().filter(|key| key.required && !is_there(key)) {
            self.fault(Some(span.clone()), &format!("{path}.{}", key.name), "is missing", wanted(key.kind));
        }
    }

    fn value(&mut self, path: &str, kind: Kind, value: &Value<'_>) {
        let at = Some(value.span());
        match (kind, value.get_ref()) {
            (Kind::Text, DeValue::String(_)) | (Kind::Flag, DeValue::Boolean(_)) => {}
            (Kind::Texts, DeValue::Array(all)) => {
                for (index, one) in all.iter().enumerate() {
                    self.value(&format!("{path}[{index}]"), Kind::Text, one);
                }
            }
            (Kind::Number, DeValue::Float(_) | DeValue::Integer(_)) => {}
            (Kind::Span, DeValue::String(text)) => {
                if let Err((reason, remedy)) = parse_span(text) {
                    self.fault(at, path, reason, remedy);
                }
            }
            (Kind::Count | Kind::CountOrNone, DeValue::Integer(number)) => {
                let least = i64::from(matches!(kind, Kind::Count));
                if i64::from_str_radix(number.as_str(), number.radix()).ok().is_none_or(|number| number < least) {
                    self.fault(at, path, format!("{number} is out of range"), wanted(kind));
                }
            }
            (Kind::Choice(words), DeValue::String(text)) => {
                if !words.contains(&text.as_ref()) {
                    let near = nearest(text, words.iter().copied());
                    let remedy = near.map_or_else(|| wanted(kind), |near| format!("did you mean \"{near}\"?"));
                    self.fault(at, path, format!("`{text}` is not known"), remedy);
                }
            }
            (Kind::Tables(keys), DeValue::Array(all)) => {
                for (index, one) in all.iter().enumerate() {
                    let inner = format!("{path}[{index}]");
                    match one.get_ref() {
                        DeValue::Table(table) => self.table(&inner, keys, table, one.span()),
                        _ => self.fault(Some(one.span()), &inner, "is no table", format!("begin it with [[{path}]]")),
                    }
                }
            }
            (Kind::Table(keys), DeValue::Table(table)) => self.table(path, keys, table, value.span()),
            (Kind::Headers(words), DeValue::Table(table)) => self.headers(path, words, table),
            (_, found) => {
                let reason = format!("is {} where another type is due", article(found.type_str()));
                self.fault(at, path, reason, wanted(kind));
            }
        }
    }

    fn headers(&mut self, path: &str, words: &[&'static str], table: &DeTable<'_>) {
        for (name, value) in table {
            let word = name.get_ref().as_ref();
            let inner = format!("{path}.{word}");
            if !words.contains(&word) {
                let near = nearest(word, words.iter().copied());
                let all = || format!("the columns are {}", words.join(", "));
                let remedy = near.map_or_else(all, |near| format!("did you mean `{near}`?"));
                self.fault(Some(name.span()), &inner, "is no column of a list", remedy);
                continue;
            }
            let kind = if matches!(value.get_ref(), DeValue::Array(_)) { Kind::Texts } else { Kind::Text };
            self.value(&inner, kind, value);
        }
    }

    /// Properties of librdkafka: any name, any plain value; dots may have become tables.
    fn kafka(&mut self, path: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let inner = format!("{path}.{}", name.get_ref());
            match value.get_ref() {
                DeValue::Table(table) => self.kafka(&inner, table),
                DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {}
                _ => self.fault(
                    Some(value.span()),
                    &inner,
                    "is no value for a property of librdkafka",
                    "write a text, a number, true or false",
                ),
            }
        }
    }
}

/// The section that a key of this name belongs to.
fn home_of(word: &str) -> Option<&'static str> {
    let of_section = SECTIONS.iter().find(|(_, keys)| keys.iter().any(|key| key.name == word));
    of_section.map(|(section, _)| *section)
}

fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'i', 'o']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

fn wanted(kind: Kind) -> String {
    match kind {
        Kind::Text => "write a text in quotes".to_owned(),
        Kind::Texts => "write a list of texts, such as [\"a\", \"b\"]".to_owned(),
        Kind::Span => WRITTEN.to_owned(),
        Kind::Count => "write a whole number from 1 on".to_owned(),
        Kind::CountOrNone => "write a whole number from 0 on".to_owned(),
        Kind::Number => "write a number".to_owned(),
        Kind::Flag => "write true or false".to_owned(),
        Kind::Choice(words) => {
            let shown: Vec<String> = words.iter().filter(|w| !w.is_empty()).map(|word| format!("\"{word}\"")).collect();
            format!("write one of {}", shown.join(", "))
        }
        Kind::Tables(_) => "write a list of tables".to_owned(),
        Kind::Table(_) => "write a table, such as { url = \"https://…\" }".to_owned(),
        Kind::Headers(_) => {
            "write a table of headers, such as { id = \"ref\", name = [\"first\", \"last\"] }".to_owned()
        }
    }
}
