//! How large the values of an expression can be, so that no sum of them passes what SQL's 38 digits hold.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

/// Digits before the point of an amount in the reference currency: from 10^12 units on it is null.
const AMOUNT_DIGITS: u32 = 12;

/// Digits of the number of rows that are ever retained: fewer than 2^31.
const ROWS_DIGITS: u32 = 10;

/// Digits of a year that `date_part` gives.
const YEAR_DIGITS: u32 = 6;

/// Digits of a decimal, and of the sums that DataFusion makes of them.
const DIGITS: u32 = 38;

/// Whether no sum of values of so many digits before the point, `scale` of which stand behind it, can pass 38 digits; `spare` are
/// multiplied on before it is divided.
pub(super) fn fits(digits: u32, scale: i8, spare: u32) -> bool {
    digits + u32::from(scale.unsigned_abs()) + spare + ROWS_DIGITS <= DIGITS
}

/// Digits before the point that a number may have, at most.
pub(super) fn digits(expr: &Expr, schema: &DFSchema) -> u32 {
    unbounded(expr, schema).min(of_type(expr, schema))
}

fn of_type(expr: &Expr, schema: &DFSchema) -> u32 {
    expr.get_type(schema).ok().and_then(|found| digits_of(&found)).unwrap_or(DIGITS)
}

/// Digits before the point that a number would have, if its type had room for them.
pub(super) fn unbounded(expr: &Expr, schema: &DFSchema) -> u32 {
    let of = |expr: &Expr| digits(expr, schema);
    let of_type = || of_type(expr, schema);
    match expr {
        Expr::Column(column) => match column.name.as_str() {
            name if is_amount(name) => AMOUNT_DIGITS,
            _ => of_type(),
        },
        Expr::Literal(value, _) => digits_of_value(value).unwrap_or_else(of_type),
        Expr::Negative(inner) => of(inner),
        Expr::Alias(alias) => of(&alias.expr),
        Expr::Cast(cast) if cast.field.data_type().is_decimal() || cast.field.data_type().is_integer() => {
            of(&cast.expr).min(of_type())
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Plus | Operator::Minus => of(left).max(of(right)) + 1,
            Operator::Multiply => of(left) + of(right),
            Operator::Divide if is_one_or_more(right) => of(left),
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
        // A year has the most, but for seconds since 1970.
        Expr::ScalarFunction(function) if function.name() == "date_part" && !function.args.iter().any(is_epoch) => {
            YEAR_DIGITS
        }
        Expr::ScalarFunction(function) if matches!(function.name(), "round" | "ceil") => {
            function.args.first().map_or_else(of_type, |argument| of(argument) + 1)
        }
        _ => of_type(),
    }
}

fn is_epoch(argument: &Expr) -> bool {
    matches!(argument, Expr::Literal(value, _) if value.to_string().eq_ignore_ascii_case("epoch"))
}

/// Whether it is a number that makes none greater that is divided by it.
fn is_one_or_more(divisor: &Expr) -> bool {
    match divisor {
        Expr::Literal(value, _) => digits_of_value(value).is_some_and(|digits| digits > 0),
        Expr::Cast(cast) => is_one_or_more(&cast.expr),
        _ => false,
    }
}

/// Amounts in the reference currency, as the tables have them.
fn is_amount(column: &str) -> bool {
    matches!(column, "amount_ref" | "balance_ref" | "originator_balance_ref" | "beneficiary_balance_ref")
}

fn digits_of(of: &DataType) -> Option<u32> {
    match of {
        DataType::Decimal128(precision, scale) => {
            Some((i32::from(*precision) - i32::from(*scale)).max(0).unsigned_abs())
        }
        DataType::Int64 | DataType::UInt64 => Some(19),
        DataType::Int32 | DataType::UInt32 => Some(10),
        DataType::Timestamp(TimeUnit::Millisecond, _) => Some(14),
        _ => None,
    }
}

fn digits_of_value(value: &ScalarValue) -> Option<u32> {
    let whole = match value {
        ScalarValue::Decimal128(Some(units), _, scale) => {
            units.unsigned_abs() / 10_u128.checked_pow(u32::from(scale.unsigned_abs()))?
        }
        ScalarValue::Int64(Some(number)) => u128::from(number.unsigned_abs()),
        ScalarValue::Int32(Some(number)) => u128::from(number.unsigned_abs()),
        _ => return value.is_null().then_some(0),
    };
    Some(whole.checked_ilog10().map_or(0, |digits| digits + 1))
}
