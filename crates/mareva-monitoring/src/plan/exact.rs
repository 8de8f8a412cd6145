//! Expressions in canonical columns; what cannot be computed exactly or safely is refused.

use std::collections::HashMap;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, Operator, Volatility};
use mareva_model::Fault;

use super::aligned::put_in_zone;
use super::base::flat_column;
use super::zones::UTC;
use super::{FORM, Matcher, growth, spans};
use crate::rule_text::Sql;

const INEXACT: &str = "a floating-point number is not exact";

impl Matcher<'_> {
    /// Rewrites columns to canonical ones and refuses what cannot be computed exactly or safely.
    pub(super) fn canonical(&self, expr: &Expr, names: &HashMap<String, Expr>) -> Result<Expr, Fault> {
        // As it is written, which says where it stands: what columns stand for was looked at before.
        self.exact(expr)?;
        let mut fault = None;
        let rewritten = expr.clone().transform_down(|part| {
            Ok(match part {
                Expr::Column(column) => match names.get(&flat_column(&column)) {
                    // What it stands for is canonical: nothing in it is to be replaced again.
                    Some(known) => Transformed::new(known.clone(), true, TreeNodeRecursion::Jump),
                    None => {
                        let part = Expr::Column(column.clone());
                        fault = Some(self.text.near([&part]).refuse(&column.name, "unknown column", FORM));
                        Transformed::no(part)
                    }
                },
                other => Transformed::no(other),
            })
        });
        let rewritten = rewritten.map_err(|e| self.text.engine(&e))?.data;
        fault.map_or(Ok(rewritten), Err)
    }

    pub(super) fn exact(&self, expr: &Expr) -> Result<(), Fault> {
        if let Some(fault) = self.no_float(expr) {
            return Err(fault);
        }
        let mut fault = None;
        let walked = expr.apply(|part| {
            let text = || self.text.near([expr]).near([part]);
            fault = match part {
                Expr::Cast(cast) if cast.field.data_type().is_floating() => {
                    // The planner casts, too, where the other side is such a number.
                    Some(match self.text.has("cast") {
                        true => text().refuse("cast", INEXACT, "cast what is one to DECIMAL(38, 2) first"),
                        false => Self::of_deviation(&text()),
                    })
                }
                Expr::Cast(cast) if *cast.field.data_type() == DataType::Boolean && !is_null(&cast.expr) => {
                    let place = ["filter", "case"].into_iter().find(|word| self.text.has(word)).unwrap_or_default();
                    let remedy = "compare it with something: direction = 'in'";
                    Some(text().refuse(place, "what is no condition is taken for one", remedy))
                }
                Expr::Cast(cast) if is_taken_for_local(cast) => {
                    let reason = "a time without a zone meets one of a zone, and is taken for one of that";
                    Some(text().refuse("", reason, "put both into the zone, or neither"))
                }
                Expr::ScalarFunction(function) if function.args.iter().any(is_made_float) => {
                    let reason = format!("{} gives a floating-point number, which is not exact", function.name());
                    Some(text().refuse(function.name(), reason, "compare its square, or what it is taken of"))
                }
                Expr::BinaryExpr(binary) if matches!(binary.op, Operator::Divide | Operator::Modulo) => {
                    (!never_zero(&binary.right)).then(|| {
                        let remedy = "multiply the other side instead, or divide by NULLIF(x, 0)";
                        let text = text().near([binary.right.as_ref()]);
                        text.refuse(&binary.op.to_string(), "this division can meet a zero", remedy)
                    })
                }
                part if spans::compares_days(part) => Some(spans::refusal(&text(), part)),
                Expr::BinaryExpr(binary) if binary.op == Operator::BitwiseXor => {
                    Some(text().refuse("^", "^ is no power: it takes bits apart (XOR)", "write x * x"))
                }
                Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) => {
                    Some(text().refuse("(select", "a subquery is not supported", FORM))
                }
                Expr::ScalarFunction(function) if function.name() == "round" && function.args.len() > 1 => {
                    // In the planner's eyes it has the places of its argument, until it is simplified and has its own: what is
                    // compared or added up then differs by powers of ten, in stock DataFusion 55 as well.
                    let remedy = "round to places with CAST(x AS DECIMAL(38, 2))";
                    Some(text().refuse("round", "round to a number of places is not exact", remedy))
                }
                part if let Some((name, remedy)) = growth::makes_long(part) => {
                    Some(text().refuse(name, format!("{name} can make a text of any length"), &remedy))
                }
                Expr::ScalarFunction(function) if function.func.signature().volatility != Volatility::Immutable => {
                    let reason = format!("{} gives another value every time", function.name());
                    Some(text().refuse(function.name(), reason, "time is the row's event_time"))
                }
                _ => None,
            };
            Ok(if fault.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        });
        walked.map_err(|e| self.text.engine(&e))?;
        fault.map_or(Ok(()), Err)
    }

    /// Refuses the first number that is no decimal: the planner makes others like it where they meet.
    fn no_float(&self, expr: &Expr) -> Option<Fault> {
        let mut found = None;
        let walked = expr.apply(|part| {
            if let Expr::Literal(value, _) = part
                && value.data_type().is_floating()
            {
                found = Some(value.clone());
                return Ok(TreeNodeRecursion::Stop);
            }
            Ok(TreeNodeRecursion::Continue)
        });
        // The closure never fails.
        walked.ok()?;
        let place = match found? {
            ScalarValue::Float64(Some(value)) => self.text.at_number(value),
            _ => self.text.near([expr]).at(""),
        };
        Some(Fault::new(place, INEXACT, "use a decimal parameter or CAST('0.85' AS DECIMAL(3, 2))"))
    }

    /// A deviation is a float and differs in its last digits with the order of the rows: conditions compare it as a decimal.
    pub(super) fn rounded(&self, expr: &Expr, floats: &[String]) -> Result<(), Fault> {
        let is_float = |part: &Expr| matches!(part, Expr::Column(column) if floats.contains(&column.name));
        let mut bare = is_float(expr);
        let walked = expr.apply(|part| {
            let rounded = match part {
                Expr::Cast(cast) => {
                    let is_round = matches!(cast.field.data_type(), DataType::Decimal128(_, scale) if *scale <= 6);
                    is_float(&cast.expr) && is_round
                }
                Expr::IsNull(known) | Expr::IsNotNull(known) => is_float(known),
                _ => false,
            };
            bare |= is_float(part);
            Ok(if rounded { TreeNodeRecursion::Jump } else { TreeNodeRecursion::Continue })
        });
        walked.map_err(|e| self.text.engine(&e))?;
        if bare { Err(Self::of_deviation(&self.text)) } else { Ok(()) }
    }

    /// That a deviation is compared as it is.
    fn of_deviation(text: &Sql<'_>) -> Fault {
        let spreads = ["stddev", "stddev_pop", "stddev_samp", "var_samp", "var_pop", "variance", "var"];
        let Some(place) = spreads.into_iter().find(|spread| text.has(spread)) else {
            if !text.has("avg") {
                return text.refuse("", INEXACT, "compute with decimals");
            }
            let remedy = "average a decimal: AVG(CAST(x AS DECIMAL(20, 2)))";
            return text.refuse("avg", "the average of whole numbers is not exact", remedy);
        };
        let remedy = "select STDDEV(x) OVER w AS spread and compare CAST(spread AS DECIMAL(38, 2))";
        text.refuse(place, "a condition on a floating-point number is not exact", remedy)
    }
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value, _) if value.is_null())
}

/// Whether a time without a zone is put into one that is not UTC: where it is asked for it is put into UTC first.
fn is_taken_for_local(cast: &Cast) -> bool {
    match cast.field.data_type() {
        DataType::Timestamp(_, Some(zone)) => !UTC.contains(&zone.as_ref()) && put_in_zone(&cast.expr).is_none(),
        _ => false,
    }
}

/// Whether the planner makes a floating-point number of it.
fn is_made_float(expr: &Expr) -> bool {
    matches!(expr, Expr::Cast(cast) if cast.field.data_type().is_floating())
}

/// Whether an expression is the literal zero, of whatever type it was made.
fn is_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => ScalarValue::new_zero(&value.data_type()).is_ok_and(|zero| zero == *value),
        Expr::Cast(cast) => is_zero(&cast.expr),
        _ => false,
    }
}

/// Whether a divisor is a number other than zero, or null instead: as it is after it was made the type of the other side.
fn never_zero(divisor: &Expr) -> bool {
    match divisor {
        Expr::Literal(value, _) => {
            !value.is_null() && ScalarValue::new_zero(&value.data_type()).is_ok_and(|zero| zero != *value)
        }
        Expr::ScalarFunction(function) => function.name() == "nullif" && function.args.get(1).is_some_and(is_zero),
        Expr::Cast(cast) => match cast.expr.as_ref() {
            Expr::Literal(value, _) => {
                let value = value.cast_to(cast.field.data_type());
                value.is_ok_and(|value| never_zero(&Expr::Literal(value, None)))
            }
            // What is not zero can become zero where decimals are cut off: whole numbers are cast by the planner.
            other => {
                cast.field.data_type().is_decimal() && matches!(other, Expr::ScalarFunction(_)) && never_zero(other)
            }
        },
        _ => false,
    }
}
