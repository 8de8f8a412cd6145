//! Spans of time in comparisons. Stock SQL compares months, then days, then nanoseconds: a day is more than 25 hours there, and what
//! lies between two times has no days at all.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use mareva_model::Fault;

use super::parts::{compared, picked_from};
use crate::rule_text::Sql;

/// Says so where they are compared.
pub(super) fn refusal(text: &Sql<'_>, expr: &Expr) -> Fault {
    let reason = "spans are compared by their months, then days, then hours: 25 hours are less than a day";
    let remedy = "write hours, INTERVAL '24' HOUR, or compare times: earlier < event_time - INTERVAL '1' DAY";
    let place = match expr {
        Expr::BinaryExpr(binary) => format!("{} interval", binary.op),
        _ => String::new(),
    };
    text.refuse(if text.has(&place) { &place } else { "interval" }, reason, remedy)
}

/// Whether spans are compared or picked here, one of them by months or days.
pub(super) fn compares_days(expr: &Expr) -> bool {
    compared(expr).into_iter().chain(picked_from(expr)).any(|part| has_days(part) == Some(true))
}

/// Of a span of time, whether months or days are in it; none of what is no span.
fn has_days(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Literal(value, _) => match value {
            ScalarValue::IntervalMonthDayNano(Some(span)) => Some(span.months != 0 || span.days != 0),
            ScalarValue::IntervalDayTime(Some(span)) => Some(span.days != 0),
            ScalarValue::IntervalYearMonth(Some(_)) => Some(true),
            _ => None,
        },
        Expr::Cast(cast) if matches!(cast.field.data_type(), DataType::Interval(_)) => match cast.expr.as_ref() {
            // A text that says what it is.
            Expr::Literal(ScalarValue::Utf8(_), _) => Some(true),
            // What lies between two times.
            inner => Some(has_days(inner).unwrap_or(false)),
        },
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus | Operator::Minus, right }) => {
            Some(has_days(left)? | has_days(right)?)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Multiply | Operator::Divide, right }) => {
            has_days(left).or_else(|| has_days(right))
        }
        Expr::Negative(inner) => has_days(inner),
        Expr::Alias(alias) => has_days(&alias.expr),
        Expr::ScalarFunction(_) => either(picked_from(expr).iter()),
        Expr::Case(case) => {
            either(case.when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(case.else_expr.as_deref()))
        }
        _ => None,
    }
}

fn either<'e>(parts: impl Iterator<Item = &'e Expr>) -> Option<bool> {
    parts.filter_map(has_days).reduce(|a, b| a | b)
}
