//! What the planner says of values of the wrong type.

use mareva_model::Table;

use super::planner::{Reworded, after, bare, said};
use super::{Sql, Word, words};
use crate::tables::schema_of;

pub(super) const ALIKE: &str =
    "compare numbers with numbers, texts with texts and times with times, or CAST one of them";

/// Functions of texts.
const OF_TEXTS: [&str; 12] = [
    "substr",
    "substring",
    "upper",
    "lower",
    "length",
    "trim",
    "replace",
    "starts_with",
    "ends_with",
    "lpad",
    "rpad",
    "concat",
];

/// What looks at a truth value, and what not.
const TRUTHS: [&str; 6] = ["is true", "is not true", "is false", "is not false", "is unknown", "is not unknown"];

impl Sql<'_> {
    pub(super) fn of_types(&self, reason: &str, named: &str) -> Option<Reworded> {
        if reason.contains("failed to match any signature") || reason.contains("' requires String") {
            let kind = match after(reason, "but received ") {
                Some("String") => "a text",
                Some("Boolean") => "a truth value",
                _ => "a value of this type",
            };
            let remedy = match OF_TEXTS.contains(&named) {
                true => "give it a text: CAST(x AS VARCHAR)",
                false => "give it a number, or count rows with COUNT(*) FILTER (WHERE …)",
            };
            return Some(said(named, format!("{named} cannot take {kind}"), remedy));
        }
        if reason.starts_with("Substring") {
            return Some(said("substr", "substr takes a text and where it begins", "write substr(x, 1, 4)"));
        }
        if reason.contains("Failed to coerce arguments") || reason.contains("user-defined coercion failed") {
            let name = after(reason, "a call to ").or_else(|| after(reason, "Function ")).unwrap_or(named);
            let name = name.trim_matches('\'');
            if name == "cardinality" && !self.has(name) {
                let at = ["all", "any", "some"].into_iter().find(|word| self.has(word)).unwrap_or_default();
                return Some(said(at, "there are no arrays", "write x IN (1, 2), or x > 3"));
            }
            return Some(said(
                name,
                format!("{name} cannot take values of these types, or so many"),
                "see rules/README.md",
            ));
        }
        if reason.contains("non-boolean predicate") {
            // A name of SELECT is told as all that it stands for.
            let (at, what) = match named.contains(" OVER ") || named.contains("PARTITION BY") {
                true => ("qualify", "what QUALIFY names"),
                false if named.contains([' ', '(']) => {
                    (if self.has("qualify") && !self.has("where") { "qualify" } else { "where" }, "what it asks")
                }
                false => (bare(named), named),
            };
            return Some(said(at, format!("{what} is no condition"), "compare it with something: direction = 'in'"));
        }
        if reason.starts_with("Cannot automatically convert") && reason.ends_with("to Boolean") {
            let remedy = "compare it with something: FILTER (WHERE direction = 'in')";
            return Some(said("filter", "what FILTER asks is no condition", remedy));
        }
        if reason.contains("argument type for logical boolean operation") {
            let word = if reason.contains(" OR ") { "OR" } else { "AND" };
            let clause = if self.has("qualify") { "qualify" } else { "where" };
            return Some(said(clause, format!("{word} stands between what is no condition"), ALIKE));
        }
        if reason.contains("DISTINCT FROM Boolean") {
            return Some(match TRUTHS.into_iter().find(|truth| self.has(truth)) {
                Some(truth) => {
                    let what = format!("what is no condition stands before {}", truth.to_uppercase());
                    said(truth, what, "compare it with something before, or write IS NULL")
                }
                None => said("distinct from", "nothing says of what type this NULL is", "write IS NULL or IS NOT NULL"),
            });
        }
        if reason.contains("in BETWEEN expression") {
            let types = reason.split("coerce types ").nth(1)?.split(" in BETWEEN").next()?;
            let (one, other) = types.split_once(" and ")?;
            let told = format!("{} stands between what is {}", kind_of(one), kind_of(other));
            return Some(said(&self.operation("between", [one, other]), told, ALIKE));
        }
        self.of_operators(reason)
    }

    /// Of signs between values.
    fn of_operators(&self, reason: &str) -> Option<Reworded> {
        let begins = [
            "Cannot coerce arithmetic expression ",
            "Cannot get result type for temporal operation ",
            "Cannot get result type for decimal operation ",
        ];
        let arithmetic = begins.into_iter().find_map(|begin| reason.strip_prefix(begin));
        let compared = || reason.strip_prefix("Cannot infer common argument type for ")?.split_once(" operation ");
        let both = arithmetic.or_else(|| compared().map(|(_, both)| both))?;
        let both = both.split(": ").next()?.split(" to valid").next()?;
        let is_sign = |word: &&str| !word.contains(|c: char| c.is_alphanumeric() || c == ')' || c == '(');
        let sign = both.split_whitespace().find(is_sign)?;
        let (one, other) = both.split_once(&format!(" {sign} "))?;
        let at = self.operation(sign, [one, other]);
        if reason.contains("would exceed max scale") {
            let remedy = "CAST one side AS DECIMAL(38, 2)";
            return Some(said(&at, "the product has more places behind the point than 38", remedy));
        }
        let what = format!("{} meets {}", kind_of(one), kind_of(other));
        Some(said(&at, format!("{what}, and there is no {sign} between them"), ALIKE))
    }

    /// The words of the operation of this sign between values of these types.
    fn operation(&self, sign: &str, [one, other]: [&str; 2]) -> String {
        let all = words(self.sql);
        let fits = |word: Option<&Word>, of: &str| usize::from(word.is_some_and(|word| could_be(&word.text, of)));
        let places = all.iter().enumerate().filter(|(_, word)| word.text == sign);
        let score = |at: &usize| {
            let before = at.checked_sub(1).and_then(|before| all.get(before));
            fits(before, one) + fits(all.get(at + 1), other)
        };
        let best =
            places.map(|(at, _)| at).filter(|at| score(at) > 0).max_by_key(|at| (score(at), std::cmp::Reverse(*at)));
        best.map_or_else(
            || sign.to_owned(),
            |at| {
                all[at.saturating_sub(1)..(at + 2).min(all.len())]
                    .iter()
                    .map(|word| word.text.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            },
        )
    }
}

/// What a type of the planner is called here.
fn kind_of(planned: &str) -> &'static str {
    let known = [
        ("Interval", "an interval"),
        ("Decimal", "a decimal"),
        ("Int", "a whole number"),
        ("UInt", "a whole number"),
        ("Float", "a floating-point number"),
        ("Utf8", "a text"),
        ("Timestamp", "a time"),
        ("Date", "a day"),
        ("Boolean", "a truth value"),
    ];
    known.into_iter().find(|(begin, _)| planned.starts_with(begin)).map_or("a value", |(_, kind)| kind)
}

/// Whether a word can be a value of a type, as the planner writes it.
fn could_be(word: &str, of: &str) -> bool {
    if word.starts_with('\'') {
        return of.starts_with("Utf8");
    }
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return of.starts_with("Int") || of.starts_with("Float") || of.starts_with("Decimal");
    }
    if word == "interval" {
        return of.starts_with("Interval");
    }
    let tables = [Table::Transactions, Table::Movements, Table::Signals];
    let known = tables.into_iter().filter_map(|table| schema_of(table).field_with_name(word).ok().cloned());
    known.into_iter().any(|field| field.data_type().to_string() == of)
}
