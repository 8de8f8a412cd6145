//! What parser, functions and types of stock DataFusion 55 make of a text other than SQL says, without a word. No test against it
//! can see that: such texts are refused. What its optimizer does is seen by [`super::twice`].

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Case, Expr, ExprSchemable, LogicalPlan, Operator};
use datafusion::prelude::SessionContext;
use mareva_model::Fault;

use super::parts::{compared, each_part, picked_from};
use super::zones::UTC;
use crate::program::simplified;
use crate::rule_text::Sql;

/// What stands at the fault, why it is refused, and what to write.
type Said = (String, &'static str, &'static str);

/// Refuses the first of them in a plan as it is `written`, and constants that lose places in what they are made of it.
///
/// # Errors
/// The expression.
pub(super) fn check(
    context: &SessionContext,
    written: &LogicalPlan,
    analysed: &LogicalPlan,
    text: &Sql<'_>,
) -> Result<(), Fault> {
    refuse_first(written, text, |part, _| doubled(part))?;
    refuse_first(analysed, text, |part, schema| converted(context, part, schema))?;
    refuse_first(written, text, |part, schema| finer(context, part, schema).or_else(|| misread(context, part, schema)))
}

/// Refuses the first part of which there is something to say.
fn refuse_first<R: Into<String>>(
    plan: &LogicalPlan,
    text: &Sql<'_>,
    say: impl Fn(&Expr, &DFSchema) -> Option<(String, R, &'static str)>,
) -> Result<(), Fault> {
    let mut found = None;
    let walked = each_part(plan, &mut |part, schema| {
        found = say(part, schema).map(|said| (part.clone(), said));
        found.is_some()
    });
    walked.map_err(|error| text.engine(&error))?;
    let Some((part, (fragment, reason, remedy))) = found else { return Ok(()) };
    Err(text.near([&part]).refuse(&fragment, reason, remedy))
}

/// The value of what no column is in, however it is put together.
fn constant(context: &SessionContext, part: &Expr, schema: &DFSchema) -> Option<ScalarValue> {
    match part {
        Expr::Literal(value, _) => Some(value.clone()),
        _ if part.any_column_refs() => None,
        _ => match simplified(context, &Arc::new(schema.clone()), part) {
            Ok(Expr::Literal(value, _)) => Some(value),
            _ => None,
        },
    }
}

/// A constant text.
fn constant_text(context: &SessionContext, part: &Expr, schema: &DFSchema) -> Option<String> {
    constant(context, part, schema)?.try_as_str().flatten().map(str::to_owned)
}

/// A conversion, written or the planner's, that gives another value than that of SQL.
fn converted(context: &SessionContext, part: &Expr, schema: &DFSchema) -> Option<(String, String, &'static str)> {
    if let Some((fragment, literal)) = cut_off(context, part, schema) {
        let reason = format!("'{literal}' has more places than are kept, and is rounded");
        return Some((fragment, reason, "times have three places, amounts two, and DECIMAL(38, 4) four"));
    }
    let (of, to) = match part {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type()),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type()),
        _ => return None,
    };
    if !to.is_string() || !of.any_column_refs() {
        return None;
    }
    let (reason, remedy) = match of.get_type(schema).ok()? {
        DataType::Timestamp(..) => {
            let remedy = "write to_char(event_time, '%Y-%m-%d %H:%M:%S'), or CAST(event_time AS DATE)";
            ("a time as a text has a T between day and hour", remedy)
        }
        of if of.is_floating() => ("a floating-point number is made a text", "CAST it AS BIGINT first"),
        DataType::Decimal128(..) if !has_its_own_places(of) => {
            ("how many places it has as a text hangs on its type", "say so first: CAST(x AS DECIMAL(38, 2))")
        }
        _ => return None,
    };
    Some(("cast".to_owned(), reason.to_owned(), remedy))
}

/// Whether the SQL says how many places a decimal has: it is a column, or cast.
fn has_its_own_places(of: &Expr) -> bool {
    match of {
        Expr::Column(_) | Expr::Cast(_) | Expr::TryCast(_) => true,
        Expr::Alias(alias) => has_its_own_places(&alias.expr),
        Expr::Negative(inner) => has_its_own_places(inner),
        _ => false,
    }
}

/// The text that is taken for a decimal or a time and loses places, and what stands there.
fn cut_off(context: &SessionContext, part: &Expr, schema: &DFSchema) -> Option<(String, String)> {
    let Expr::Cast(cast) = part else { return None };
    let kept = match cast.field.data_type() {
        DataType::Decimal128(_, scale) => usize::try_from(*scale).unwrap_or(0),
        // Those of the tables.
        DataType::Timestamp(..) => 3,
        _ => return None,
    };
    let text = constant_text(context, &cast.expr, schema)?;
    let (_, places) = text.split_once('.')?;
    // A zone may follow.
    let end = places.find(|c: char| !c.is_ascii_digit()).unwrap_or(places.len());
    let fragment = match cast.expr.as_ref() {
        Expr::BinaryExpr(binary) => binary.op.to_string(),
        Expr::ScalarFunction(function) => function.name().to_owned(),
        _ => format!("'{text}'"),
    };
    (places[..end].trim_end_matches('0').len() > kept).then_some((fragment, text))
}

/// Refuses times that functions make of less than a millisecond: what they meet takes no notice of it.
fn finer(context: &SessionContext, part: &Expr, schema: &DFSchema) -> Option<Said> {
    let Expr::ScalarFunction(function) = part else { return None };
    let name = function.name();
    if !name.starts_with("to_timestamp") {
        return None;
    }
    let has_rest = |value: &ScalarValue| match value {
        ScalarValue::TimestampMicrosecond(Some(at), _) => at % 1_000 != 0,
        ScalarValue::TimestampNanosecond(Some(at), _) => at % NANOS != 0,
        _ => false,
    };
    let is_fine = part.any_column_refs() && matches!(name, "to_timestamp_micros" | "to_timestamp_nanos");
    (is_fine || constant(context, part, schema).as_ref().is_some_and(has_rest)).then(|| {
        let reason = "times have three places: what is below a millisecond is left out";
        (name.to_owned(), reason, "write to_timestamp_millis(…), or TIMESTAMP '2026-03-26 02:00:00.001'")
    })
}

/// Functions of which the planner writes every value but the last twice.
const DOUBLED: [&str; 3] = ["coalesce", "ifnull", "nvl"];
/// Parts that it may make of one of them; nine levels within one another are more.
const MAX_DOUBLED: u64 = 1_024;

/// Refuses what would take minutes and gigabytes to plan: each level doubles it.
fn doubled(part: &Expr) -> Option<Said> {
    let Expr::ScalarFunction(function) = part else { return None };
    let name = function.name();
    (DOUBLED.contains(&name) && parts_of(part, true) > MAX_DOUBLED.max(2 * parts_of(part, false))).then(|| {
        let reason = "nests so deep that planning it takes too long: each level doubles it";
        (name.to_owned(), reason, "give all values to one call: COALESCE(a, b, c)")
    })
}

/// Parts of an expression, as the planner writes it out, or as it is.
fn parts_of(part: &Expr, written_out: bool) -> u64 {
    let doubles = written_out && matches!(part, Expr::ScalarFunction(function) if DOUBLED.contains(&function.name()));
    let mut inner: u64 = 0;
    // It never fails.
    let _ = part.apply_children(|child| {
        inner = inner.saturating_add(parts_of(child, written_out));
        Ok(TreeNodeRecursion::Continue)
    });
    inner.saturating_mul(if doubles { 2 } else { 1 }).saturating_add(1)
}

/// Whether some values of a CASE are texts and others numbers: SQL takes quoted ones for numbers then, DataFusion all for texts.
fn mixes_texts(case: &Case, schema: &DFSchema) -> bool {
    let values = case.when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(case.else_expr.as_deref());
    let kinds: Vec<DataType> = values.filter_map(|value| value.get_type(schema).ok()).collect();
    kinds.iter().any(DataType::is_string) && kinds.iter().any(DataType::is_numeric)
}

/// Whether it counts rows by ROW_NUMBER, whose type is no BIGINT here: a quotient of it has places.
fn numbers_rows(part: &Expr, schema: &DFSchema) -> bool {
    let mut found = false;
    let _ = part.apply(|inner| {
        Ok(match inner {
            Expr::Cast(_) | Expr::TryCast(_) => TreeNodeRecursion::Jump,
            _ if matches!(inner.get_type(schema), Ok(DataType::UInt64)) => {
                found = true;
                TreeNodeRecursion::Stop
            }
            _ => TreeNodeRecursion::Continue,
        })
    });
    found
}

fn misread(context: &SessionContext, part: &Expr, schema: &DFSchema) -> Option<Said> {
    let said = |fragment: &str, reason, remedy| Some((fragment.to_owned(), reason, remedy));
    match part {
        _ if is_row(part, schema) => said(
            "(",
            "values in brackets are compared as one, and nulls in them as values",
            "compare column by column: a = 'x' AND b = 'y'",
        ),
        _ if meets_another_zone(part, schema) => said(
            "at time zone",
            "times of two zones are compared as instants, not by their clocks",
            "compare event_time itself, or date_part of each",
        ),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus | Operator::Minus, right }) => {
            let drops = is_date(left, schema) && has_hours(right, schema);
            let drops = drops || is_date(right, schema) && has_hours(left, schema);
            drops.then(|| {
                let remedy = "write date_trunc('day', event_time) + INTERVAL '12' HOUR";
                ("interval".to_owned(), "a date has no hours, and those that meet it are left out", remedy)
            })
        }
        Expr::Case(case) if mixes_texts(case, schema) => said(
            "case",
            "some of its values are texts and some numbers, and all are taken for texts",
            "write all of them with quotes, or all without",
        ),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide, right })
            if numbers_rows(left, schema) || numbers_rows(right, schema) =>
        {
            said("/", "a quotient of ROW_NUMBER has four places here, not none", "write CAST(n AS BIGINT) / 2")
        }
        Expr::BinaryExpr(BinaryExpr { op, right, .. }) if op.to_string().contains('~') => {
            pattern(&constant_text(context, right, schema)?, &op.to_string())
        }
        Expr::ScalarFunction(function) => of_function(context, function.name(), &function.args, schema),
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), _) if span.nanoseconds % NANOS != 0 => said(
            "interval",
            "a span below a millisecond is left out: times have three places",
            "write whole milliseconds",
        ),
        Expr::Cast(cast) => {
            let is_plain = matches!(cast.field.data_type(), DataType::Timestamp(_, None));
            (is_plain && is_local(&cast.expr, schema)).then(|| {
                let remedy = "take hours and days of the time as it is: date_part, date_trunc, CAST AS DATE";
                ("cast".to_owned(), "a time of a zone that is cast to one without has the clock of UTC", remedy)
            })
        }
        _ => None,
    }
}

/// Nanoseconds of a millisecond.
const NANOS: i64 = 1_000_000;

fn of_function(context: &SessionContext, name: &str, args: &[Expr], schema: &DFSchema) -> Option<Said> {
    let said = |reason, remedy| Some((name.to_owned(), reason, remedy));
    let text = |part: &Expr| constant_text(context, part, schema);
    let is_span = |of: &Expr| matches!(of.get_type(schema), Ok(DataType::Interval(_) | DataType::Duration(_)));
    match (name, args) {
        (
            "arrow_cast" | "arrow_try_cast" | "cast_to_type" | "try_cast_to_type" | "arrow_typeof" | "arrow_metadata",
            _,
        ) => said("types of its own are not supported", "write CAST(x AS DECIMAL(38, 2)), or another type of SQL"),
        ("regexp_like", [_, sought, ..]) => pattern(&text(sought)?, name),
        ("regexp_replace", [_, _, with, ..]) if text(with).is_some_and(|with| refers_oddly(&with)) => said(
            "a dollar, a number of two digits and a backslash before anything else are taken otherwise",
            "write \\1 to \\9 for its parts, and replace(x, 'a', '$') for a dollar",
        ),
        ("date_part", [_, of]) if is_span(of) => {
            let reason = "of a span of time, hours and minutes are counted in all, and fractions left out";
            // It is also written EXTRACT(HOUR FROM x).
            Some((String::new(), reason, "compare the span: event_time - earlier < INTERVAL '2' HOUR"))
        }
        ("date_part", [unit, of])
            if is_local(of, schema) && text(unit).is_some_and(|unit| unit.eq_ignore_ascii_case("epoch")) =>
        {
            let reason = "the seconds of a time of a zone are those of UTC";
            Some((String::new(), reason, "take hours and days of it: date_part('hour', …), date_trunc('day', …)"))
        }
        ("to_char" | "date_format", [of, ..]) if is_span(of) => {
            said("a span of time has no text in SQL", "compare the span: event_time - earlier < INTERVAL '2' HOUR")
        }
        ("to_char" | "date_format", [_, format]) if text(format).is_some_and(|format| !format.contains('%')) => {
            said("a pattern without % is taken for the text itself", "write '%Y-%m-%d %H:%M:%S'")
        }
        (name, [of, ..]) if name.starts_with("to_timestamp") || name == "to_date" => is_local(of, schema).then(|| {
            let remedy = "take hours and days of the time as it is: date_part, date_trunc, CAST AS DATE";
            (name.to_owned(), "a time of a zone that is made one without has the clock of UTC", remedy)
        }),
        _ => None,
    }
}

/// Whether a replacement names parts of what was found otherwise than by one digit behind a backslash.
fn refers_oddly(with: &str) -> bool {
    let mut behind = with.split('\\');
    let before = behind.next().unwrap_or_default();
    let is_part = |rest: &str| {
        let mut letters = rest.chars();
        letters.next().is_some_and(|c| ('1'..='9').contains(&c)) && !letters.next().is_some_and(|c| c.is_ascii_digit())
    };
    before.contains('$') || behind.any(|rest| !is_part(rest) || rest.contains('$'))
}

/// Whether times of two zones are compared, or one of both is picked.
fn meets_another_zone(part: &Expr, schema: &DFSchema) -> bool {
    let zone = |of: &Expr| match of.get_type(schema) {
        Ok(DataType::Timestamp(_, Some(zone))) => Some(zone),
        _ => None,
    };
    let mut zones = compared(part).into_iter().chain(picked_from(part)).filter_map(zone);
    zones.next().is_some_and(|first| zones.any(|other| other != first))
}

/// Of regular expressions those are refused in which a backslash means something else once they are made a LIKE.
fn pattern(sought: &str, place: &str) -> Option<Said> {
    let mut letters = sought.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' && matches!(letters.next(), Some('\\' | 'x' | 'u' | 'U')) {
            let remedy = "write strpos(remittance, '\\') > 0";
            return Some((place.to_owned(), "a backslash that is sought for is taken for one that escapes", remedy));
        }
    }
    None
}

fn is_local(of: &Expr, schema: &DFSchema) -> bool {
    matches!(of.get_type(schema), Ok(DataType::Timestamp(_, Some(zone))) if !UTC.contains(&zone.as_ref()))
}

fn is_row(part: &Expr, schema: &DFSchema) -> bool {
    matches!(part, Expr::ScalarFunction(_) | Expr::Literal(..))
        && matches!(part.get_type(schema), Ok(DataType::Struct(_) | DataType::Map(..)))
}

fn is_date(part: &Expr, schema: &DFSchema) -> bool {
    matches!(part.get_type(schema), Ok(DataType::Date32 | DataType::Date64))
}

/// Whether a span can be other than whole days.
fn has_hours(part: &Expr, schema: &DFSchema) -> bool {
    match part {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), _) => span.nanoseconds != 0,
        _ => matches!(part.get_type(schema), Ok(DataType::Interval(_) | DataType::Duration(_))),
    }
}
