//! Places in a rule's SQL.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use mareva_model::Fault;

/// Letters of what the planner says that are repeated.
const MAX_TOLD: usize = 400;

/// The rule's text, to say where a fault is.
pub(crate) struct Sql<'a> {
    pub place: String,
    pub sql: &'a str,
}

impl Sql<'_> {
    pub fn at(&self, fragment: &str) -> String {
        let lower = self.sql.to_lowercase();
        match lower.find(&fragment.to_lowercase()) {
            Some(at) => {
                let line = lower[..at].matches('\n').count() + 1;
                let column = at - lower[..at].rfind('\n').map_or(0, |n| n + 1) + 1;
                format!("{}:{line}:{column}", self.place)
            }
            None => self.place.clone(),
        }
    }

    /// Whether a word stands in it.
    pub fn has(&self, word: &str) -> bool {
        self.sql.to_lowercase().contains(word)
    }

    pub fn refuse(&self, fragment: &str, reason: impl Into<String>, remedy: &str) -> Fault {
        Fault::new(self.at(fragment), reason, remedy)
    }

    /// What the planner says, in the words of a rule's author and with its place.
    pub fn engine(&self, error: &DataFusionError) -> Fault {
        match error.find_root() {
            DataFusionError::SQL(error, _) => self.unparsed(error),
            DataFusionError::SchemaError(error, _) => match error.as_ref() {
                SchemaError::FieldNotFound { field, valid_fields } => {
                    let mut known: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
                    known.sort_unstable();
                    known.dedup();
                    let remedy = match known.is_empty() {
                        true => "write FROM transactions, movements or signals".to_owned(),
                        false => format!("there are {}", known.join(", ")),
                    };
                    self.refuse(&field.name, format!("there is no column {}", field.name), &remedy)
                }
                other => self.planned(&other.to_string()),
            },
            other => self.planned(&other.strip_backtrace()),
        }
    }

    fn planned(&self, told: &str) -> Fault {
        let told = told.replace("datafusion.public.", "");
        let told: String = told.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_TOLD).collect();
        let reason = told.strip_prefix("Error during planning: ").unwrap_or(&told);
        // What it proposes for a function changes from one run to the next.
        let reason = reason.split(" Did you mean").next().unwrap_or_default().trim_end_matches('.');
        let named = reason.split('\'').nth(1).unwrap_or_default();
        if reason.starts_with("table '") && reason.ends_with("not found") {
            let remedy = "there are transactions, movements and signals, and accounts to join";
            return self.refuse(named, format!("there is no table {named}"), remedy);
        }
        let place = if named.is_empty() { self.place.clone() } else { self.at(named) };
        Fault::new(place, reason, "see rules/README.md for the tables and forms of a rule")
    }

    fn unparsed(&self, error: &ParserError) -> Fault {
        let (ParserError::ParserError(told) | ParserError::TokenizerError(told)) = error else {
            return Fault::new(&self.place, "brackets nest too deep", "leave some out, or make two rules of it");
        };
        let (reason, at) = told.split_once(" at Line: ").unwrap_or((told, ""));
        let place = match at.split_once(", Column: ") {
            Some((line, column)) => format!("{}:{line}:{column}", self.place),
            None if reason.ends_with("found: EOF") => self.end(),
            None => self.place.clone(),
        };
        let reason = format!("is no SQL: {}", reason.replace(['\n', '\r'], " "));
        let remedy = "see rules/README.md for the tables and forms of a rule";
        Fault::new(place, reason, remedy)
    }

    fn end(&self) -> String {
        let written = self.sql.trim_end();
        let last = written.lines().next_back().unwrap_or_default();
        format!("{}:{}:{}", self.place, written.lines().count().max(1), last.chars().count() + 1)
    }
}
