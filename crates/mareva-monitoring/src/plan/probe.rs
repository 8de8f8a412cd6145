//! What plans and yet cannot be computed: units and patterns that a function refuses only when it is called.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use datafusion::common::DFSchema;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use datafusion::prelude::SessionContext;
use mareva_model::Fault;

use super::RulePlan;
use crate::program::simplified;
use crate::rule_text::Sql;

/// Computes every expression of a rule over one row that holds nothing: what fails then fails over every row.
///
/// # Errors
/// The first expression that fails.
pub(super) fn check(context: &SessionContext, plan: &RulePlan, text: &Sql<'_>) -> Result<(), Fault> {
    // Of hopping windows one stands for all; the call that makes them is no function.
    let Some(plan) = plan.shifts().into_iter().next() else { return Ok(()) };
    let schema = Arc::new(plan.schema());
    let arrays = schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(schema.clone(), arrays, &options);
    let row = row.map_err(|error| text.engine(&error.into()))?;
    let known = Arc::new(DFSchema::try_from(schema).map_err(|error| text.engine(&error))?);
    let compute = |expr: &Expr| -> Result<(), DataFusionError> {
        let expr = simplified(context, &known, expr)?;
        context.create_physical_expr(expr, &known)?.evaluate(&row).map(|_| ())
    };
    plan.expressions().try_for_each(|expr| {
        compute(expr).map_err(|error| {
            let columns = expr.column_refs();
            text.naming(columns.iter().map(|column| column.name.as_str())).engine(&error)
        })
    })
}
