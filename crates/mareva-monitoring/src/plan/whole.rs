//! Whole numbers that could pass their type: they would wrap around without a word, here and in stock DataFusion.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};
use mareva_model::Fault;

use super::{RulePlan, magnitude};
use crate::aggregate::AggregateKind;
use crate::rule_text::Sql;

/// Fewer rows than this are ever retained.
const MOST_ROWS: i64 = 1 << 31;

/// Refuses the first sum, difference or product that could.
///
/// # Errors
/// The expression.
pub(super) fn check(plan: &RulePlan, text: &Sql<'_>) -> Result<(), Fault> {
    let schema = DFSchema::try_from(plan.schema()).map_err(|error| text.engine(&error))?;
    plan.expressions().try_for_each(|expr| match wrapping(&counted(plan, expr), &schema) {
        None => Ok(()),
        Some((part, sign, reason, remedy)) => {
            let columns = part.column_refs();
            let text = text.naming(columns.iter().map(|column| column.name.as_str()));
            Err(text.refuse(sign, reason, remedy))
        }
    })
}

/// With the most that counts can be in their place.
fn counted(plan: &RulePlan, expr: &Expr) -> Expr {
    let is_count = |name: &str| {
        let counts =
            |kind| matches!(kind, AggregateKind::Count | AggregateKind::CountDistinct | AggregateKind::RowNumber);
        plan.windows.iter().any(|window| window.name == name && counts(window.kind))
    };
    let most = Expr::Literal(ScalarValue::Int64(Some(MOST_ROWS)), None);
    let swapped = expr.clone().transform_down(|part| {
        Ok(match &part {
            Expr::Column(column) if is_count(&column.name) => {
                Transformed::new(most.clone(), true, TreeNodeRecursion::Jump)
            }
            _ => Transformed::no(part),
        })
    });
    // The closure never fails.
    swapped.map_or_else(|_| expr.clone(), |swapped| swapped.data)
}

/// An operation that can give what no whole number holds, its sign, why, and what to do.
type Wrapping = (Expr, &'static str, String, &'static str);

/// Two numbers that can give too large a one, or one below zero where there is none.
fn wrapping(expr: &Expr, schema: &DFSchema) -> Option<Wrapping> {
    let mut found = None;
    let walked = expr.apply(|part| {
        let sign = match part {
            Expr::BinaryExpr(BinaryExpr { op: Operator::Plus, .. }) => "+",
            Expr::BinaryExpr(BinaryExpr { op: Operator::Minus, .. }) | Expr::Negative(_) => "-",
            Expr::BinaryExpr(BinaryExpr { op: Operator::Multiply, .. }) => "*",
            Expr::BinaryExpr(BinaryExpr { op: Operator::BitwiseShiftLeft, .. }) => "<<",
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        let Ok(of) = part.get_type(schema) else { return Ok(TreeNodeRecursion::Continue) };
        let greatest = match of {
            DataType::Int64 | DataType::UInt64 => i64::MAX,
            DataType::Int32 | DataType::UInt32 => i64::from(i32::MAX),
            DataType::Int16 | DataType::UInt16 => i64::from(i16::MAX),
            DataType::Int8 | DataType::UInt8 => i64::from(i8::MAX),
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        if sign == "<<" || sign == "-" && of.is_unsigned_integer() {
            let (reason, remedy) = match sign {
                "-" => ("whole numbers without a sign wrap around below zero", "CAST both sides AS BIGINT"),
                _ => ("bits that are moved out of a whole number are gone", "multiply by a power of two"),
            };
            found = Some((part.clone(), sign, reason.to_owned(), remedy));
            return Ok(TreeNodeRecursion::Stop);
        }
        let most = magnitude::unbounded(part, schema);
        if most > u128::from(greatest.unsigned_abs()) {
            let digits = magnitude::digits(most);
            let reason = format!("up to {digits} digits can pass what a whole number holds, which then wraps around");
            found = Some((part.clone(), sign, reason, "CAST one side AS DECIMAL(38, 0)"));
        }
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    // The closure never fails.
    walked.ok().and(found)
}
