//! Parts of expressions that more than one check looks at.

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};

/// Shows every part of every expression of a plan, with the columns that it may name, until `seen` has seen enough.
pub(super) fn each_part(
    plan: &LogicalPlan,
    seen: &mut impl FnMut(&Expr, &DFSchema) -> bool,
) -> Result<(), DataFusionError> {
    let next = |enough| if enough { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue };
    let walked = plan.apply(|node| {
        let schema = merge_schema(&node.inputs());
        let mut enough = false;
        node.apply_expressions(|expr: &Expr| {
            expr.apply(|part| {
                enough = enough || seen(part, &schema);
                Ok(next(enough))
            })
        })?;
        Ok(next(enough))
    });
    walked.map(|_| ())
}

/// Functions that give one of their arguments.
const PICKS: [&str; 7] = ["coalesce", "greatest", "ifnull", "least", "nullif", "nvl", "nvl2"];

/// What a comparison, BETWEEN or IN compares with each other; nothing of other expressions.
pub(super) fn compared(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::BinaryExpr(binary) if is_comparison(binary.op) => vec![&binary.left, &binary.right],
        Expr::Between(between) => vec![&between.expr, &between.low, &between.high],
        Expr::InList(list) => list.list.iter().chain([list.expr.as_ref()]).collect(),
        _ => Vec::new(),
    }
}

/// The arguments of a function that gives one of them; nothing of other expressions.
pub(super) fn picked_from(expr: &Expr) -> &[Expr] {
    match expr {
        Expr::ScalarFunction(function) if PICKS.contains(&function.name()) => &function.args,
        _ => &[],
    }
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}
