//! Texts that are much longer than those they are made of: a few words of SQL could fill the memory.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// So many times as long a text may be as the texts of its row: as often as operators may nest in each other, one can be put behind
/// another.
const MOST_TIMES: u64 = 256;

/// Letters that a text may be padded to.
const MOST_PADDED: u64 = 100;

/// What makes a text too long, and what to do instead.
pub(super) fn makes_long(expr: &Expr) -> Option<(&str, String)> {
    let name = match expr {
        Expr::ScalarFunction(function) => match function.name() {
            "repeat" => return Some(("repeat", "write the text out".to_owned())),
            name @ ("lpad" | "rpad") if !function.args.get(1).is_some_and(is_short) => {
                return Some((name, format!("pad to a number up to {MOST_PADDED}")));
            }
            name @ ("replace" | "regexp_replace" | "translate" | "overlay" | "concat" | "concat_ws") => name,
            _ => return None,
        },
        Expr::BinaryExpr(BinaryExpr { op: Operator::StringConcat, .. }) => "||",
        _ => return None,
    };
    (growth(expr) > MOST_TIMES).then(|| (name, format!("make it no longer than {MOST_TIMES} times what it is made of")))
}

fn is_short(length: &Expr) -> bool {
    matches!(length, Expr::Literal(ScalarValue::Int64(Some(length)), _) if u64::try_from(*length).is_ok_and(|n| n <= MOST_PADDED))
}

/// How many times as long as the longest text of the row it can be.
fn growth(expr: &Expr) -> u64 {
    match expr {
        Expr::Literal(..) => 0,
        Expr::Column(_) => 1,
        Expr::Cast(cast) => growth(&cast.expr),
        Expr::Alias(alias) => growth(&alias.expr),
        Expr::BinaryExpr(binary) => growth(&binary.left).saturating_add(growth(&binary.right)),
        Expr::Case(case) => {
            let branches = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
            branches.map(|branch| growth(branch)).max().unwrap_or(0)
        }
        Expr::ScalarFunction(function) => of_function(function),
        _ => 1,
    }
}

fn of_function(function: &ScalarFunction) -> u64 {
    let all = || function.args.iter().map(growth).fold(0, u64::saturating_add);
    let first = function.args.first().map_or(0, growth);
    let letters = |at: usize| match function.args.get(at)? {
        Expr::Literal(value, _) => value.try_as_str().flatten().map(|text| text.len() as u64),
        _ => None,
    };
    match function.name() {
        // Of another text each letter could become as long as that.
        "replace" => match (letters(1), letters(2)) {
            (_, Some(0)) => first,
            (Some(from), Some(to)) => first.saturating_mul(to.div_ceil(from.max(1)).max(1)),
            _ => first.saturating_mul(MOST_TIMES + 1),
        },
        // A group may stand there again and again.
        "regexp_replace" => first.saturating_mul(letters(2).map_or(MOST_TIMES + 1, |to| to + 1)),
        // What stands between them stands there once fewer than there are.
        "concat_ws" => {
            let between = first.saturating_mul(function.args.len().saturating_sub(2) as u64);
            function.args.iter().skip(1).map(growth).fold(between, u64::saturating_add)
        }
        // A letter has four bytes at most.
        "translate" => first.saturating_mul(4),
        _ => all(),
    }
}
