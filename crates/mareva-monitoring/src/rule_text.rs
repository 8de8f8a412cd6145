//! Places in a rule's SQL.

mod planner;
mod types;

use std::ops::Range;

use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use mareva_model::Fault;

const TABLES_AND_FORMS: &str = "see rules/README.md for the tables and forms of a rule";

/// Line and column, from 1, in letters.
pub(crate) type Location = (u64, u64);

/// The rule's text, to say where a fault is.
#[derive(Clone)]
pub(crate) struct Sql<'a> {
    pub place: String,
    pub sql: &'a str,
    /// Where a column of the part stands that is looked at: the same words may stand elsewhere, too.
    pub near: Option<Location>,
}

/// A word, number or sign of the SQL.
struct Word {
    token: Token,
    text: String,
    at: Location,
}

/// Without blanks and comments; none of what is no SQL.
fn words(sql: &str) -> Vec<Word> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().unwrap_or_default();
    let tokens = tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    let word = |token: TokenWithSpan| Word {
        text: token.token.to_string().to_lowercase(),
        at: (token.span.start.line, token.span.start.column),
        token: token.token,
    };
    tokens.map(word).collect()
}

/// Where the words of a fragment stand, one after the other.
fn found(words_of_all: &[Word], fragment: &str) -> Vec<usize> {
    let wanted = words(fragment);
    let same = |some: &[Word]| some.iter().zip(&wanted).all(|(word, wanted)| word.text == wanted.text);
    let places =
        words_of_all.windows(wanted.len().max(1)).enumerate().filter(|(_, some)| !wanted.is_empty() && same(some));
    // The one of COUNT(*) multiplies nothing.
    let is_all = |at: usize| fragment == "*" && at > 0 && words_of_all[at - 1].token == Token::LParen;
    places.map(|(at, _)| at).filter(|at| !is_all(*at)).collect()
}

/// The words of the brackets around each one, innermost first, and all at last.
fn around(words: &[Word], at: usize) -> Vec<Range<usize>> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    for (index, word) in words.iter().enumerate() {
        match word.token {
            Token::LParen => open.push(index),
            Token::RParen => {
                let from = open.pop().unwrap_or(0);
                if (from..=index).contains(&at) {
                    found.push(from..index + 1);
                }
            }
            _ => {}
        }
    }
    found.push(0..words.len());
    found
}

impl<'a> Sql<'a> {
    pub fn new(place: String, sql: &'a str) -> Self {
        Self { place, sql, near: None }
    }

    /// The same, of a part in which these expressions stand.
    #[must_use]
    pub fn near<'e>(&self, parts: impl IntoIterator<Item = &'e Expr>) -> Self {
        let columns = parts.into_iter().flat_map(Expr::column_refs);
        let places = columns.filter_map(|column| column.spans().first());
        let first = places.map(|span| (span.start.line, span.start.column)).min();
        Self { near: first.or(self.near), ..self.clone() }
    }

    /// The same, of the first part that names one of these columns.
    #[must_use]
    pub fn naming<'e>(&self, columns: impl IntoIterator<Item = &'e str>) -> Self {
        let all = words(self.sql);
        let first = columns.into_iter().filter_map(|column| found(&all, column).first().map(|at| all[*at].at)).min();
        Self { near: first.or(self.near), ..self.clone() }
    }

    /// The same, of its end.
    #[must_use]
    pub fn last(&self) -> Self {
        Self { near: Some((u64::MAX, u64::MAX)), ..self.clone() }
    }

    /// Where a fragment stands: nearest to the part that is looked at, in the same brackets before others; that part itself
    /// where it stands nowhere.
    pub fn at(&self, fragment: &str) -> String {
        let all = words(self.sql);
        let found = found(&all, fragment);
        let at = match self.near {
            None => found.first().map(|at| all[*at].at),
            Some(near) => {
                let anchor = all.partition_point(|word| word.at <= near).saturating_sub(1);
                let within = |part: Range<usize>| {
                    let before = found.iter().rfind(|at| **at <= anchor && part.contains(at));
                    before.or_else(|| found.iter().find(|at| part.contains(at))).copied()
                };
                Some(around(&all, anchor).into_iter().find_map(within).map_or(near, |at| all[at].at))
            }
        };
        self.located(at.or_else(|| all.first().map(|word| word.at)).unwrap_or((1, 1)))
    }

    /// Where a number of this value stands, however it is written.
    pub fn at_number(&self, value: f64) -> String {
        let is_it = |word: &Word| word.text.parse::<f64>().is_ok_and(|number| number.abs() == value.abs());
        let found = words(self.sql).into_iter().find(|word| matches!(word.token, Token::Number(..)) && is_it(word));
        found.map_or_else(|| self.at(""), |word| self.located(word.at))
    }

    fn located(&self, (line, column): Location) -> String {
        format!("{}:{line}:{column}", self.place)
    }

    /// Whether these words stand in it, one after the other.
    pub fn has(&self, fragment: &str) -> bool {
        !found(&words(self.sql), fragment).is_empty()
    }

    pub fn refuse(&self, fragment: &str, reason: impl Into<String>, remedy: &str) -> Fault {
        Fault::new(self.at(fragment), reason, remedy)
    }

    fn unparsed(&self, error: &ParserError) -> Fault {
        let (ParserError::ParserError(told) | ParserError::TokenizerError(told)) = error else {
            return Fault::new(&self.place, "brackets nest too deep", "leave some out, or make two rules of it");
        };
        let (reason, at) = told.split_once(" at Line: ").unwrap_or((told, ""));
        let place = match at.split_once(", Column: ") {
            Some((line, column)) => format!("{}:{line}:{column}", self.place),
            None if reason.ends_with("found: EOF") => self.end(),
            None => self.at(""),
        };
        let remedy = match reason.rsplit_once("found: ").map(|(_, found)| found.trim()) {
            Some("HAVING" | "WHERE") => {
                "the order is FROM, JOIN, WHERE, WINDOW, QUALIFY: what is asked of a window stands in QUALIFY"
            }
            Some(found) if found.starts_with(['‘', '’', '“', '”', '´', '`']) => {
                "write straight quotes: 'text'"
            }
            _ => TABLES_AND_FORMS,
        };
        if reason.ends_with("found: EXCLUDE") {
            return Fault::new(
                place,
                "EXCLUDE is not supported",
                "end the window before its row: AND INTERVAL '1' MILLISECOND PRECEDING",
            );
        }
        let reason = format!("is no SQL: {}", reason.replace(['\n', '\r'], " "));
        Fault::new(place, reason, remedy)
    }

    fn end(&self) -> String {
        let written = self.sql.trim_end();
        let last = written.lines().next_back().unwrap_or_default();
        format!("{}:{}:{}", self.place, written.lines().count().max(1), last.chars().count() + 1)
    }
}
