//! What the planner says of a rule, in words that its author can know, and with its place.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use mareva_model::{Fault, perhaps};

use super::types::ALIKE;
use super::{Sql, TABLES_AND_FORMS, found, words};

/// Letters of what the planner says that are repeated.
const MAX_TOLD: usize = 400;

const SELECTED: &str = "select it with an alias and name that in QUALIFY: COUNT(*) OVER w AS n … QUALIFY n > 3";

/// A fault of which the planner says this: what it stands at, the reason and the remedy.
pub(super) type Reworded = (String, String, String);

impl Sql<'_> {
    /// What the planner says.
    pub fn engine(&self, error: &DataFusionError) -> Fault {
        let span = error.diagnostic().and_then(|told| told.span);
        let here = Self { near: span.map(|span| (span.start.line, span.start.column)).or(self.near), ..self.clone() };
        match error.find_root() {
            DataFusionError::SQL(error, _) => here.unparsed(error),
            DataFusionError::SchemaError(error, _) => match error.as_ref() {
                SchemaError::FieldNotFound { field, valid_fields } => {
                    let elsewhere = valid_fields.iter().find(|column| column.name == field.name);
                    match elsewhere.and_then(|column| column.relation.as_ref()) {
                        Some(table) => {
                            let reason = format!("there is no column {} in this table", field.name);
                            here.refuse(&field.name, reason, &format!("write {}.{}", table.table(), field.name))
                        }
                        None => here.no_column(&field.name, valid_fields.iter().map(|column| column.name.as_str())),
                    }
                }
                SchemaError::AmbiguousReference { field } => {
                    let reason = format!("{} is a column of both tables", field.name);
                    here.refuse(&field.name, reason, "write the name of the table, or its alias, and a dot before it")
                }
                other => here.planned(&other.to_string()),
            },
            other => here.planned(&other.strip_backtrace()),
        }
    }

    /// That there is no column of this name among those known.
    fn no_column<'k>(&self, name: &str, known: impl Iterator<Item = &'k str>) -> Fault {
        let reason = format!("there is no column {name}");
        let quoted = format!("\"{name}\"");
        if self.has(&quoted) {
            return self.refuse(&quoted, reason, &format!("write a text in single quotes: '{name}'"));
        }
        let mut known: Vec<&str> = known.collect();
        // Besides columns there are aggregates that nobody has given a name.
        if known.iter().any(|one| one.contains('(')) && self.has("over") {
            let remedy = format!("give what it is a name in SELECT: SUM(amount_ref) OVER w AS {name}");
            return self.refuse(name, reason, &remedy);
        }
        known.sort_unstable();
        known.dedup();
        let remedy = match known.is_empty() {
            true => "write FROM transactions, movements or signals".to_owned(),
            false => format!("{}there are {}", perhaps(name, known.iter().copied()), known.join(", ")),
        };
        self.refuse(name, reason, &remedy)
    }

    fn planned(&self, told: &str) -> Fault {
        let told = told.replace("datafusion.public.", "");
        let told: String = told.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_TOLD).collect();
        let kinds =
            ["Error during planning: ", "This feature is not implemented: ", "Execution error: ", "Arrow error: "];
        let reason = kinds.iter().find_map(|kind| told.strip_prefix(kind)).unwrap_or(&told);
        // What it proposes for a function changes from one run to the next.
        let reason = reason.split(" Did you mean").next().unwrap_or_default().trim_end_matches('.');
        let named = reason.split('\'').nth(1).unwrap_or_default();
        let known = [Self::of_names, Self::of_values, Self::of_windows, Self::of_types, Self::of_forms];
        if let Some((at, reason, remedy)) = known.iter().find_map(|words| words(self, reason, named)) {
            return self.refuse(&at, reason, &remedy);
        }
        // What comes then are the parser's own structures.
        let ends = [" { ", " Value("].into_iter().filter_map(|begin| reason.find(begin)).min();
        let shown = ends.map_or(reason, |end| &reason[..end]);
        self.refuse(&self.named_in(shown), shown, TABLES_AND_FORMS)
    }

    /// The first word that is so; none where none is.
    fn word(&self, is_it: impl Fn(&str) -> bool) -> String {
        words(self.sql).into_iter().map(|word| word.text).find(|text| is_it(text)).unwrap_or_default()
    }

    /// What in the text a message is about: what it quotes, or the rarest word that both have.
    fn named_in(&self, reason: &str) -> String {
        let quoted =
            reason.split('\'').skip(1).step_by(2).flat_map(|part| [format!("'{part}'"), bare(part).to_owned()]);
        if let Some(found) = quoted.into_iter().find(|part| self.has(part)) {
            return found;
        }
        let all = words(self.sql);
        let is_word = |word: &&str| word.len() > 2 && !COMMON.contains(&word.to_lowercase().as_str());
        let told = reason.split(|c: char| !c.is_alphanumeric() && c != '_').filter(is_word);
        let counted = told.map(|word| (found(&all, word).len(), word)).filter(|(times, _)| *times > 0);
        counted.min_by_key(|(times, _)| *times).map(|(_, word)| word.to_owned()).unwrap_or_default()
    }

    /// Of tables, parameters, functions and aliases.
    fn of_names(&self, reason: &str, named: &str) -> Option<Reworded> {
        if reason.starts_with("Invalid function '") {
            let remedy = perhaps(named, FUNCTIONS.iter().copied()) + "see rules/README.md";
            return Some(said(named, format!("there is no function {named}"), remedy));
        }
        if reason.starts_with("table '") && reason.ends_with("not found") {
            let remedy = "there are transactions, movements and signals, and accounts to join";
            return Some(said(named, format!("there is no table {named}"), remedy));
        }
        if let Some(name) = after(reason, "placeholder with name ") {
            let remedy = match name.trim_start_matches(['$', '?']) {
                "" => "write $name, and [parameters.name] in rule.toml".to_owned(),
                name => format!("add [parameters.{name}] to rule.toml"),
            };
            return Some(said(name, format!("the parameter {name} has no value"), remedy));
        }
        let twice = ["duplicate unqualified field name", "unique expression names"];
        if twice.iter().any(|said| reason.contains(said)) {
            let quoted = reason.split('"').nth(1).unwrap_or_default();
            let name = quoted.rsplit(" AS ").next().and_then(|name| name.split('(').next()).unwrap_or_default();
            let alias = format!("as {name}");
            if found(&words(self.sql), &alias).len() > 1 {
                let remedy = "give each column an alias of its own";
                return Some(said(&alias, format!("two columns are called {name}"), remedy));
            }
            let reason = "two expressions are alike but for casts and brackets, and the planner has one name for both";
            return Some(said(name, reason, "write one of them otherwise, such as x + 0, or make two rules of it"));
        }
        let column = || bare(reason.split("column \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or(""));
        if reason.contains("must be in GROUP BY or an aggregate function") {
            if !self.has("group by") {
                let alone = AGGREGATES.map(|name| format!("{name}(")).into_iter().find(|call| self.has(call));
                if let Some(at) = alone.filter(|_| !self.has("over")) {
                    let reason = "an aggregate stands without OVER, and there is no GROUP BY";
                    let remedy = "write COUNT(*) OVER w AS n, with WINDOW w AS (PARTITION BY account ORDER BY event_time RANGE …)";
                    return Some(said(&at, reason, remedy));
                }
                let reason = "an expression over a window stands outside of SELECT";
                return Some(said("qualify", reason, SELECTED));
            }
            let remedy = match column() {
                "row_id" => "write LAST_VALUE(row_id ORDER BY event_time, row_id) AS row_id".to_owned(),
                "event_time" => "write MAX(event_time) AS event_time".to_owned(),
                other => format!("group by it, too, or take MIN({other}) or MAX({other})"),
            };
            let reason = format!("{} is neither in GROUP BY nor in an aggregate", column());
            return Some(said(column(), reason, remedy));
        }
        None
    }

    /// Of literals that are none of the type that they have to be.
    fn of_values(&self, reason: &str, named: &str) -> Option<Reworded> {
        let quoted = format!("'{named}'");
        if reason.contains("Cannot cast string '") {
            if named.parse::<f64>().is_ok() {
                let reason = format!("{quoted} is a text, and what it meets holds no such number");
                return Some(said(
                    &quoted,
                    reason,
                    "write whole numbers without quotes, others as CAST('1.5' AS DECIMAL(9, 2))",
                ));
            }
            return Some(said(&quoted, format!("{quoted} is compared or computed with numbers and is none"), ALIKE));
        }
        if let Some(time) = after(reason, "Overflow converting ") {
            let at = self.word(|text| text.starts_with(&format!("'{time}")));
            return Some(said(&at, format!("{time} is too far away"), "write a time before the year 2262"));
        }
        if reason.contains("Error parsing timestamp from '") {
            return Some(said(&quoted, format!("{quoted} is no time"), "write TIMESTAMP '2026-01-31T23:59:59Z'"));
        }
        if reason.contains("is too large to store in a Decimal") {
            let number = reason.split(" is too large").next().and_then(|before| before.split_whitespace().next_back());
            let whole = number.unwrap_or_default().split('.').next().unwrap_or_default();
            let at = self.word(|text| text.trim_matches('\'').split('.').next() == Some(whole));
            let reason = format!("{} does not fit the DECIMAL that it is made", number.unwrap_or_default());
            return Some(said(&at, reason, "give the DECIMAL more digits"));
        }
        if reason.contains("interval argument")
            || reason.contains("INTERVAL expression cannot be")
            || reason.contains("type interval")
        {
            let reason = "an interval is no parameter, no expression and no other text";
            return Some(said("interval", reason, "write it out: INTERVAL '24' HOUR"));
        }
        if reason.contains("regex parse error") {
            let at = ["~", "~*", "!~", "regexp_like", "regexp_match"].into_iter().find(|sign| self.has(sign));
            let why = reason.split("error: ").last().unwrap_or_default();
            return Some(said(
                at?,
                format!("the pattern is no regular expression: {why}"),
                "write '\\(' for a bracket itself",
            ));
        }
        None
    }

    /// Of windows, and of aggregates where none may stand.
    fn of_windows(&self, reason: &str, _: &str) -> Option<Reworded> {
        if let Some(name) = after(reason, "The window ").filter(|_| reason.contains("multiple times")) {
            let (at, reason) = (format!("{name} as ("), format!("two windows are called {name}"));
            return Some(said(&at, reason, "give each a name of its own"));
        }
        if let Some(name) = after(reason, "The window ") {
            let remedy = format!("add WINDOW {name} AS (PARTITION BY … ORDER BY …)");
            return Some(said(&format!("over {name}"), format!("there is no window {name}"), remedy));
        }
        if reason.contains("not allowed in the WHERE clause") {
            let reason = "an aggregate stands in WHERE, which looks at one row";
            return Some(said("where", reason, SELECTED));
        }
        if reason.contains("QUALIFY clause requires window functions") {
            let remedy = "ask of a window there too (COUNT(*) OVER w AS n … QUALIFY n >= 1), whose alias is no column of the table; \
                          what asks of the row alone may stand in WHERE";
            return Some(said("qualify", "QUALIFY asks of no window", remedy));
        }
        if reason.contains("Aggregate ORDER BY is not implemented") {
            let at = self.word(|text| text == "first_value" || text == "last_value");
            return Some(said(
                &at,
                "a window has one order, that of its ORDER BY",
                "leave out the one within the brackets",
            ));
        }
        if reason.contains("Invalid window frame") {
            let (at, reason) = match self.has("rows") {
                true => ("rows", "ROWS counts rows, and RANGE goes by time"),
                false => ("range", "RANGE goes back by one interval that is written out"),
            };
            return Some(said(at, reason, "write RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW"));
        }
        if reason.contains("Window function calls cannot be nested") {
            let at = if self.has("over (") { "over (" } else { "over" };
            let remedy = "make two rules of it, the second over the signals of the first";
            return Some(said(at, "a window stands within another", remedy));
        }
        None
    }

    /// Of what is SQL and not of the forms.
    fn of_forms(&self, reason: &str, _: &str) -> Option<Reworded> {
        if reason.contains("only supports a single SQL statement") {
            return Some(said(";", "there are several statements", "make a rule of each"));
        }
        if ["array literal", "array_has", "'AtArrow'", "'ArrowAt'", "FieldAccess"]
            .iter()
            .any(|words| reason.contains(words))
        {
            let at = ["any", "array", "@>", "<@", "["].into_iter().find(|word| self.has(word)).unwrap_or_default();
            return Some(said(at, "there are no arrays", "write x IN ('a', 'b')"));
        }
        if reason.contains("UnicodeStringLiteral") || reason.contains("NationalStringLiteral") {
            let at = self.word(|text| text.starts_with("u&'") || text.starts_with("n'"));
            return Some(said(
                &at,
                "a letter stands before the quotes of a text",
                "write the text in plain quotes: 'x'",
            ));
        }
        if reason.contains("SetComparison") {
            let at = ["all", "any", "some"].into_iter().find(|word| self.has(word)).unwrap_or_default();
            return Some(said(at, "a value is compared with a query", "write the values: x IN (1, 2), or x > 3"));
        }
        if reason.contains("Operator DIV") {
            return Some(said("//", "there is no division of whole numbers by this sign", "write x / 2"));
        }
        if reason.contains("has no type information") {
            let at = self.word(|text| text.starts_with('@'));
            return Some(said(&at, "there are no variables", "write $name, and [parameters.name] in rule.toml"));
        }
        if reason.contains("RLike") {
            let at = ["rlike", "regexp"].into_iter().find(|word| self.has(word)).unwrap_or_default();
            return Some(said(at, format!("{} is not supported", at.to_uppercase()), "write x ~ '^…$'"));
        }
        if reason.contains("escape_char") || reason.contains("escape character") {
            let remedy = "write LIKE 'a\\%%' to look for a percent sign";
            return Some(said("escape", "ESCAPE takes no letter but the backslash, which needs none", remedy));
        }
        None
    }
}

/// Functions over many rows.
const AGGREGATES: [&str; 9] = ["avg", "count", "first_value", "last_value", "max", "min", "stddev", "sum", "var_pop"];

/// Functions that rules often call.
const FUNCTIONS: [&str; 22] = [
    "abs",
    "avg",
    "coalesce",
    "count",
    "date_bin",
    "date_part",
    "date_trunc",
    "first_value",
    "lag",
    "last_value",
    "lower",
    "max",
    "min",
    "nullif",
    "row_number",
    "stddev",
    "strpos",
    "substr",
    "sum",
    "trim",
    "upper",
    "var_pop",
];

/// Words of messages that say nothing of what a rule has.
const COMMON: [&str; 24] = [
    "and",
    "are",
    "cannot",
    "cast",
    "char",
    "character",
    "data",
    "does",
    "expected",
    "expression",
    "feature",
    "for",
    "from",
    "function",
    "must",
    "not",
    "other",
    "select",
    "single",
    "the",
    "type",
    "value",
    "with",
    "where",
];

pub(super) fn said(at: &str, reason: impl Into<String>, remedy: impl Into<String>) -> Reworded {
    (at.to_owned(), reason.into(), remedy.into())
}

/// The word behind others.
pub(super) fn after<'r>(reason: &'r str, words: &str) -> Option<&'r str> {
    reason.split_once(words).map(|(_, rest)| rest.split_whitespace().next().unwrap_or(""))
}

/// A column without its table.
pub(super) fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
