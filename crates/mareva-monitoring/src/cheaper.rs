//! Expressions in forms that cost less over whole batches. Each form has the value of the original for every row, unknown
//! included.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, cast, lit};

/// The type of times.
const INSTANT: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);
const DAY_MS: i64 = 86_400_000;

/// Rewrites what is known to be slow.
pub(crate) fn cheaper(expr: Expr, schema: &DFSchema) -> Result<Expr, DataFusionError> {
    let rewritten = expr.transform_up(|part| {
        let cheap = match &part {
            Expr::BinaryExpr(binary) => moved_instant(binary, schema)?,
            Expr::InList(listed) => listed_or_unknown(listed).or_else(|| one_by_one(listed)),
            Expr::ScalarFunction(_) => certain(&part),
            _ => None,
        };
        Ok(cheap.map_or(Transformed::no(part), Transformed::yes))
    })?;
    Ok(rewritten.data)
}

/// `time ± interval` of days and less as whole milliseconds: the kernel for intervals goes through the calendar row by row.
fn moved_instant(binary: &BinaryExpr, schema: &DFSchema) -> Result<Option<Expr>, DataFusionError> {
    let BinaryExpr { left, op: op @ (Operator::Plus | Operator::Minus), right } = binary else { return Ok(None) };
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) = right.as_ref() else { return Ok(None) };
    if interval.months != 0 || interval.nanoseconds % 1_000_000 != 0 || left.get_type(schema)? != INSTANT {
        return Ok(None);
    }
    let millis = i64::from(interval.days) * DAY_MS + interval.nanoseconds / 1_000_000;
    let left = Box::new(cast(left.as_ref().clone(), DataType::Int64));
    let moved = Expr::BinaryExpr(BinaryExpr { left, op: *op, right: Box::new(lit(millis)) });
    Ok(Some(cast(moved, INSTANT)))
}

/// `COALESCE(x, 'a') [NOT] IN (…)` without the CASE that it would become: `x IS NULL OR x …` where unknown passes, else
/// `x IS NOT NULL AND x …`.
fn listed_or_unknown(listed: &InList) -> Option<Expr> {
    let (known, instead) = coalesced(&listed.expr)?;
    let literal = |entry: &Expr| matches!(entry, Expr::Literal(value, _) if !value.is_null());
    if !listed.list.iter().all(literal) {
        return None;
    }
    let holds_it = |entry: &Expr| matches!(entry, Expr::Literal(value, _) if value == instead);
    let passes = listed.list.iter().any(holds_it) != listed.negated;
    let plain =
        Expr::InList(InList { expr: Box::new(known.clone()), list: listed.list.clone(), negated: listed.negated });
    Some(if passes { known.clone().is_null().or(plain) } else { known.clone().is_not_null().and(plain) })
}

/// A list whose members differ from row to row, as comparisons: of a CASE among them the kernel for lists keeps one value for all rows.
fn one_by_one(listed: &InList) -> Option<Expr> {
    if !listed.list.iter().any(Expr::any_column_refs) {
        return None;
    }
    let mut equal: Vec<Expr> = listed.list.iter().map(|entry| listed.expr.as_ref().clone().eq(entry.clone())).collect();
    // In pairs, so that a long list does not nest deep.
    while equal.len() > 1 {
        equal = equal.chunks(2).filter_map(|two| two.iter().cloned().reduce(Expr::or)).collect();
    }
    let is_in = equal.pop()?;
    Some(if listed.negated { Expr::Not(Box::new(is_in)) } else { is_in })
}

/// `COALESCE(condition, FALSE)` is `condition IS TRUE`.
fn certain(expr: &Expr) -> Option<Expr> {
    let (known, instead) = coalesced(expr)?;
    match instead {
        ScalarValue::Boolean(Some(false)) => Some(Expr::IsTrue(Box::new(known.clone()))),
        ScalarValue::Boolean(Some(true)) => Some(Expr::IsNotFalse(Box::new(known.clone()))),
        _ => None,
    }
}

/// The arguments of `COALESCE(x, literal)`.
fn coalesced(expr: &Expr) -> Option<(&Expr, &ScalarValue)> {
    let Expr::ScalarFunction(function) = expr else { return None };
    match function.args.as_slice() {
        [known, Expr::Literal(instead, _)] if function.func.name() == "coalesce" && !instead.is_null() => {
            Some((known, instead))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
