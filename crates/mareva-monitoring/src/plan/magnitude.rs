//! How large the values of an expression can be, so that no sum of them passes what SQL's 38 digits hold, and no whole number wraps.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

/// Digits before the point of an amount in the reference currency: from 10^12 units on it is null.
const AMOUNT_DIGITS: u32 = 12;

/// Digits of the number of rows that are ever retained: fewer than 2^31.
const ROWS_DIGITS: u32 = 10;

/// Digits of a year that `date_part` gives.
const YEAR_DIGITS: u32 = 6;

/// Bytes of a text, at most: records are of a megabyte, and no function makes more than 256 times as much of one.
const MOST_LETTERS: u128 = 1 << 28;

const LENGTHS: [&str; 6] = ["character_length", "octet_length", "bit_length", "strpos", "levenshtein", "find_in_set"];

/// Digits of a decimal, and of the sums that DataFusion makes of them.
const DIGITS: u32 = 38;

/// Whether no sum of values of so many digits before the point, `scale` of which stand behind it, can pass 38 digits; `spare` are
/// multiplied on before it is divided.
pub(super) fn fits(digits: u32, scale: i8, spare: u32) -> bool {
    digits + u32::from(scale.unsigned_abs()) + spare + ROWS_DIGITS <= DIGITS
}

/// Digits before the point that a number has which is no further from zero than so far.
pub(super) fn digits(most: u128) -> u32 {
    most.saturating_sub(1).checked_ilog10().map_or(u32::from(most > 0), |digits| digits + 1)
}

/// No value is further from zero.
pub(super) fn most(expr: &Expr, schema: &DFSchema) -> u128 {
    unbounded(expr, schema).min(of_type(expr, schema))
}

fn of_type(expr: &Expr, schema: &DFSchema) -> u128 {
    expr.get_type(schema).ok().and_then(|found| most_of(&found)).unwrap_or(u128::MAX)
}

/// None would be, if its type had room for it.
pub(super) fn unbounded(expr: &Expr, schema: &DFSchema) -> u128 {
    let of = |expr: &Expr| most(expr, schema);
    let of_type = || of_type(expr, schema);
    match expr {
        Expr::Column(column) => match column.name.as_str() {
            name if is_amount(name) => power(AMOUNT_DIGITS),
            _ => of_type(),
        },
        Expr::Literal(value, _) => most_of_value(value).unwrap_or_else(of_type),
        Expr::Negative(inner) => of(inner),
        Expr::Alias(alias) => of(&alias.expr),
        Expr::Cast(cast) if cast.field.data_type().is_decimal() || cast.field.data_type().is_integer() => {
            of(&cast.expr).min(of_type())
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Plus | Operator::Minus => of(left).saturating_add(of(right)),
            Operator::Multiply => of(left).saturating_mul(of(right)),
            Operator::Divide if is_one_or_more(right) => of(left),
            // A rest is nearer to zero than both.
            Operator::Modulo => of(left).min(of(right)),
            _ => of_type(),
        },
        Expr::Case(case) => {
            let branches = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
            branches.map(|branch| of(branch)).max().unwrap_or(0)
        }
        Expr::ScalarFunction(function) if matches!(function.name(), "coalesce" | "greatest" | "least") => {
            function.args.iter().map(of).max().unwrap_or(0)
        }
        Expr::ScalarFunction(function) if matches!(function.name(), "abs" | "nullif" | "floor" | "trunc") => {
            function.args.first().map_or_else(of_type, of)
        }
        // A year has the most, but for seconds since 1970 and parts of a second.
        Expr::ScalarFunction(function) if function.name() == "date_part" && !function.args.iter().any(is_fine) => {
            power(YEAR_DIGITS)
        }
        Expr::ScalarFunction(function) if LENGTHS.contains(&function.name()) => MOST_LETTERS,
        Expr::ScalarFunction(function) if matches!(function.name(), "round" | "ceil") => {
            function.args.first().map_or_else(of_type, |argument| of(argument).saturating_add(1))
        }
        _ => of_type(),
    }
}

fn power(digits: u32) -> u128 {
    10_u128.saturating_pow(digits)
}

fn is_fine(part: &Expr) -> bool {
    let fine = ["epoch", "milli", "micro", "nano", "ms", "us", "ns"];
    let starts = |part: &str| fine.iter().any(|unit| part.to_lowercase().starts_with(unit));
    matches!(part, Expr::Literal(value, _) if value.try_as_str().flatten().is_none_or(starts))
}

/// Whether it is a number that makes none greater that is divided by it.
fn is_one_or_more(divisor: &Expr) -> bool {
    match divisor {
        Expr::Literal(value, _) => match value {
            ScalarValue::Decimal128(Some(units), _, scale) => {
                units.unsigned_abs() >= power(u32::from(scale.unsigned_abs()))
            }
            _ => most_of_value(value).is_some_and(|most| most > 0),
        },
        Expr::Cast(cast) => is_one_or_more(&cast.expr),
        _ => false,
    }
}

/// Amounts in the reference currency, as the tables have them.
fn is_amount(column: &str) -> bool {
    matches!(column, "amount_ref" | "balance_ref" | "originator_balance_ref" | "beneficiary_balance_ref")
}

fn most_of(of: &DataType) -> Option<u128> {
    match of {
        DataType::Decimal128(precision, scale) => {
            Some(power((i32::from(*precision) - i32::from(*scale)).max(0).unsigned_abs()))
        }
        DataType::Int64 => Some(u128::from(i64::MIN.unsigned_abs())),
        DataType::UInt64 => Some(u128::from(u64::MAX)),
        DataType::Date32 | DataType::Int32 => Some(u128::from(i32::MIN.unsigned_abs())),
        DataType::UInt32 => Some(u128::from(u32::MAX)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => Some(power(14)),
        _ => None,
    }
}

fn most_of_value(value: &ScalarValue) -> Option<u128> {
    match value {
        ScalarValue::Decimal128(Some(units), _, scale) => {
            Some(units.unsigned_abs().div_ceil(power(u32::from(scale.unsigned_abs()))))
        }
        ScalarValue::Int64(Some(number)) => Some(u128::from(number.unsigned_abs())),
        ScalarValue::Int32(Some(number)) => Some(u128::from(number.unsigned_abs())),
        _ => value.is_null().then_some(0),
    }
}
