//! What the planner of stock DataFusion 55 makes of a text other than SQL says, without a word. No test against it can see that:
//! such texts are refused.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};
use mareva_model::Fault;

use super::parts::{compared, each_part};
use super::zones::UTC;
use crate::rule_text::Sql;

/// What stands at the fault, why it is refused, and what to write.
type Said = (String, &'static str, &'static str);

/// Refuses the first of them in a plan as it is written.
///
/// # Errors
/// The expression.
pub(super) fn check(written: &LogicalPlan, text: &Sql<'_>) -> Result<(), Fault> {
    let mut found = None;
    let walked = each_part(written, &mut |part, schema| {
        found = misread(part, schema).map(|said| (part.clone(), said));
        found.is_some()
    });
    walked.map_err(|error| text.engine(&error))?;
    let Some((part, (fragment, reason, remedy))) = found else { return Ok(()) };
    Err(text.near([&part]).refuse(&fragment, reason, remedy))
}

fn misread(part: &Expr, schema: &DFSchema) -> Option<Said> {
    let said = |fragment: &str, reason, remedy| Some((fragment.to_owned(), reason, remedy));
    match part {
        _ if is_row(part, schema) => said(
            "(",
            "values in brackets are compared as one, and nulls in them as values",
            "compare column by column: a = 'x' AND b = 'y'",
        ),
        _ if compares_narrowed(part, schema) => said(
            "cast",
            "a CAST that drops places or digits is left out where it meets a constant",
            "say between which values: x >= 99.995 AND x < 100.005",
        ),
        Expr::BinaryExpr(BinaryExpr { op, .. }) if lists_one_value_twice(part, *op) => said(
            "in",
            "two lists of one value are made one, and null taken for a value that is in neither",
            "write one list",
        ),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus | Operator::Minus, right }) => {
            let drops = is_date(left, schema) && has_hours(right, schema);
            let drops = drops || is_date(right, schema) && has_hours(left, schema);
            drops.then(|| {
                let remedy = "write date_trunc('day', event_time) + INTERVAL '12' HOUR";
                ("interval".to_owned(), "a date has no hours, and those that meet it are left out", remedy)
            })
        }
        Expr::BinaryExpr(BinaryExpr { op, right, .. }) if op.to_string().contains('~') => {
            pattern(right, &op.to_string())
        }
        Expr::ScalarFunction(function) => of_function(function.name(), &function.args, schema),
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), _) if span.nanoseconds % NANOS != 0 => said(
            "interval",
            "a span below a millisecond is left out: times have three places",
            "write whole milliseconds",
        ),
        Expr::Cast(cast) => {
            let is_plain = matches!(cast.field.data_type(), DataType::Timestamp(_, None));
            let from = cast.expr.get_type(schema);
            let is_local = matches!(&from, Ok(DataType::Timestamp(_, Some(zone))) if !UTC.contains(&zone.as_ref()));
            (is_plain && is_local).then(|| {
                let remedy = "take hours and days of the time as it is: date_part, date_trunc, CAST AS DATE";
                ("cast".to_owned(), "a time of a zone that is cast to one without has the clock of UTC", remedy)
            })
        }
        _ => None,
    }
}

/// Nanoseconds of a millisecond.
const NANOS: i64 = 1_000_000;

fn of_function(name: &str, args: &[Expr], schema: &DFSchema) -> Option<Said> {
    let said = |reason, remedy| Some((name.to_owned(), reason, remedy));
    match (name, args) {
        ("arrow_cast" | "arrow_try_cast" | "arrow_typeof" | "arrow_metadata", _) => {
            said("types of its own are not supported", "write CAST(x AS DECIMAL(38, 2)), or another type of SQL")
        }
        ("regexp_like", [_, sought, ..]) => pattern(sought, name),
        ("date_part", [_, of]) if matches!(of.get_type(schema), Ok(DataType::Interval(_) | DataType::Duration(_))) => {
            let reason = "of a span of time, hours and minutes are counted in all, and fractions left out";
            // It is also written EXTRACT(HOUR FROM x).
            Some((String::new(), reason, "compare the span: event_time - earlier < INTERVAL '2' HOUR"))
        }
        ("to_char" | "date_format", [_, Expr::Literal(format, _)])
            if format.try_as_str().flatten().is_some_and(|format| !format.contains('%')) =>
        {
            said("a pattern without % is taken for the text itself", "write '%Y-%m-%d %H:%M:%S'")
        }
        _ => None,
    }
}

/// Of regular expressions those are refused that become a LIKE in which a backslash means something else, or that become a test
/// for null.
fn pattern(sought: &Expr, place: &str) -> Option<Said> {
    let Expr::Literal(sought, _) = sought else { return None };
    let sought = sought.try_as_str().flatten()?;
    if sought == ".*" {
        let remedy = "write IS NOT NULL";
        return Some((place.to_owned(), "this pattern is made IS NOT NULL, which is never null", remedy));
    }
    let mut letters = sought.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' && matches!(letters.next(), Some('\\' | 'x' | 'u' | 'U')) {
            let remedy = "write strpos(remittance, '\\') > 0";
            return Some((place.to_owned(), "a backslash that is sought for is taken for one that escapes", remedy));
        }
    }
    None
}

fn is_row(part: &Expr, schema: &DFSchema) -> bool {
    matches!(part, Expr::ScalarFunction(_) | Expr::Literal(..))
        && matches!(part.get_type(schema), Ok(DataType::Struct(_) | DataType::Map(..)))
}

/// Whether two tests of one value against lists stand beside each other so that they are made one which is never null.
fn lists_one_value_twice(part: &Expr, op: Operator) -> bool {
    if !matches!(op, Operator::And | Operator::Or) {
        return false;
    }
    let mut tests = Vec::new();
    collect_tests(part, op, false, &mut tests);
    // A union of lists says what both did; what is left of a difference can be nothing.
    let may_be_nothing = |is_in: bool| is_in == (op == Operator::And);
    tests.iter().enumerate().any(|(at, (value, is_in))| {
        tests[..at].iter().any(|(other, was_in)| value == other && (may_be_nothing(*is_in) || may_be_nothing(*was_in)))
    })
}

/// The values that are tested against lists, and whether they have to be in them, where all of it is joined by `op`.
fn collect_tests<'e>(part: &'e Expr, op: Operator, negated: bool, tests: &mut Vec<(&'e Expr, bool)>) {
    let joined = match (op, negated) {
        (Operator::And, true) => Operator::Or,
        (Operator::Or, true) => Operator::And,
        _ => op,
    };
    match part {
        Expr::Not(inner) => collect_tests(inner, op, !negated, tests),
        Expr::BinaryExpr(binary) if binary.op == joined => {
            collect_tests(&binary.left, op, negated, tests);
            collect_tests(&binary.right, op, negated, tests);
        }
        Expr::InList(list) => tests.push((&list.expr, list.negated == negated)),
        _ => {}
    }
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

/// Whether a cast that loses something meets a constant here.
fn compares_narrowed(part: &Expr, schema: &DFSchema) -> bool {
    let sides = compared(part);
    sides.iter().any(|side| side.column_refs().is_empty()) && sides.iter().any(|side| is_narrowed(side, schema))
}

fn is_narrowed(side: &Expr, schema: &DFSchema) -> bool {
    let (inner, to) = match side {
        Expr::Cast(cast) => (&cast.expr, cast.field.data_type()),
        Expr::TryCast(cast) => (&cast.expr, cast.field.data_type()),
        Expr::Alias(alias) => return is_narrowed(&alias.expr, schema),
        _ => return false,
    };
    let loses = inner.get_type(schema).is_ok_and(|from| loses(&from, to));
    loses && !inner.column_refs().is_empty() || is_narrowed(inner, schema)
}

/// Whether a number of one type has places or digits that another has not.
fn loses(from: &DataType, to: &DataType) -> bool {
    let parts = |of: &DataType| match of {
        DataType::Decimal128(digits, places) => Some((i32::from(*digits) - i32::from(*places), i32::from(*places))),
        of if of.is_integer() => Some((whole_digits(of), 0)),
        _ => None,
    };
    let Some(((whole, places), (whole_left, places_left))) = parts(from).zip(parts(to)) else { return false };
    places_left < places || whole_left < whole
}

/// Decimal digits that a whole number can have; one of no sign has one more, so that it is none of the other.
fn whole_digits(of: &DataType) -> i32 {
    match of {
        DataType::Int8 => 3,
        DataType::UInt8 => 4,
        DataType::Int16 => 5,
        DataType::UInt16 => 6,
        DataType::Int32 => 10,
        DataType::UInt32 => 11,
        DataType::Int64 => 19,
        _ => 20,
    }
}
