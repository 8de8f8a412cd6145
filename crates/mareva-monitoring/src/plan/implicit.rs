//! Texts of which the planner makes numbers or times since they meet some: on most rows they are none.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use mareva_model::Fault;

use crate::rule_text::Sql;

/// What is made of which columns.
type Conversion = (BTreeSet<String>, String);

/// Refuses the first text that a plan makes a number or a time, and that was none as it was `written`.
///
/// # Errors
/// The text.
pub(super) fn check(written: &LogicalPlan, analysed: &LogicalPlan, text: &Sql<'_>) -> Result<(), Fault> {
    let (mut known, mut found) = (BTreeSet::new(), None);
    let walked = each_cast(written, &mut |cast, _| {
        known.insert(conversion(cast));
        false
    });
    let walked = walked.and_then(|()| {
        each_cast(analysed, &mut |cast, schema| {
            let of_text =
                matches!(cast.expr.get_type(schema), Ok(DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8));
            let to = cast.field.data_type();
            let is_made = of_text && (to.is_numeric() || to.is_temporal());
            if is_made && !cast.expr.column_refs().is_empty() && !known.contains(&conversion(cast)) {
                found = Some(cast.clone());
            }
            found.is_some()
        })
    });
    walked.map_err(|error| text.engine(&error))?;
    let Some(cast) = found else { return Ok(()) };
    let columns = cast.expr.column_refs();
    let named = columns.into_iter().find_map(|column| name_in(&column.name, text)).unwrap_or("a value");
    let remedy = match cast.field.data_type().is_numeric() {
        true => format!("write quotes around what it is compared with, or CAST({named} AS BIGINT)"),
        false => format!("write CAST({named} AS TIMESTAMP)"),
    };
    let text = text.naming([named]).near([cast.expr.as_ref()]);
    Err(text.refuse(named, format!("{named} is a text, and meets what is none"), &remedy))
}

/// The name of a column as the SQL has it. What a window gives is called by all that it computes: `max(movements.device) …`.
fn name_in<'c>(column: &'c str, text: &Sql<'_>) -> Option<&'c str> {
    let is_other = |c: char| !c.is_alphanumeric() && c != '_';
    let pieces = column.split_inclusive(is_other).filter(|piece| !piece.ends_with(['(', '.']));
    pieces.map(|piece| piece.trim_end_matches(is_other)).find(|word| !word.is_empty() && text.has(word))
}

fn conversion(cast: &Cast) -> Conversion {
    let columns = cast.expr.column_refs().into_iter().map(|column| column.name.clone()).collect();
    (columns, cast.field.data_type().to_string())
}

/// Shows every conversion of a plan, with the columns that it may name, until `seen` has seen enough.
fn each_cast(plan: &LogicalPlan, seen: &mut impl FnMut(&Cast, &DFSchema) -> bool) -> Result<(), DataFusionError> {
    plan.apply(|node| {
        let schema = merge_schema(&node.inputs());
        let mut enough = false;
        node.apply_expressions(|expr: &Expr| {
            expr.apply(|part| {
                if let Expr::Cast(cast) = part {
                    enough |= seen(cast, &schema);
                }
                Ok(if enough { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })?;
        Ok(if enough { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })
    .map(|_| ())
}
