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
        Some((part, sign, digits)) => {
            let reason = format!("up to {digits} digits can pass what a whole number holds, which then wraps around");
            let columns = part.column_refs();
            let text = text.naming(columns.iter().map(|column| column.name.as_str()));
            Err(text.refuse(sign, reason, "CAST one side AS DECIMAL(38, 0)"))
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

/// Two numbers that can give too large a one, the sign between them, and how many digits it has.
fn wrapping(expr: &Expr, schema: &DFSchema) -> Option<(Expr, &'static str, u32)> {
    let mut found = None;
    let walked = expr.apply(|part| {
        let sign = match part {
            Expr::BinaryExpr(BinaryExpr { op: Operator::Plus, .. }) => "+",
            Expr::BinaryExpr(BinaryExpr { op: Operator::Minus, .. }) | Expr::Negative(_) => "-",
            Expr::BinaryExpr(BinaryExpr { op: Operator::Multiply, .. }) => "*",
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        let greatest = match part.get_type(schema) {
            Ok(DataType::Int64 | DataType::UInt64) => i64::MAX,
            Ok(DataType::Int32 | DataType::UInt32) => i64::from(i32::MAX),
            Ok(DataType::Int16 | DataType::UInt16) => i64::from(i16::MAX),
            Ok(DataType::Int8 | DataType::UInt8) => i64::from(i8::MAX),
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        let most = magnitude::unbounded(part, schema);
        found = (most > u128::from(greatest.unsigned_abs())).then(|| (part.clone(), sign, magnitude::digits(most)));
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    // The closure never fails.
    walked.ok().and(found)
}
