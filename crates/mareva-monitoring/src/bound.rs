//! A rule's text, planned with the values of its parameters.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::common::{ParamValues, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Query, SetExpr, VisitMut as _, VisitorMut, visit_expressions_mut};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::values::decimal;

/// Plans it.
///
/// # Errors
/// What the planner says.
pub(crate) async fn bound(
    context: &SessionContext,
    sql: &str,
    parameters: &[(String, ScalarValue)],
) -> Result<LogicalPlan, DataFusionError> {
    let state = context.state();
    let dialect = state.config_options().sql_parser.dialect;
    let mut statement = state.sql_to_statement(sql, &dialect)?;
    if let Statement::Statement(statement) = &mut statement {
        let _ = statement.visit(&mut Listed(parameters));
    }
    let planned = state.statement_to_plan(statement).await?;
    let values: HashMap<String, ScalarValue> = parameters.iter().cloned().collect();
    planned.with_param_values(ParamValues::from(values))
}

/// Writes parameters into listed rows before they are planned: the type of a column there follows from its values, and the planner
/// knows nothing of a parameter's. One of `50.50` beside a `9` would become a whole number.
struct Listed<'p>(&'p [(String, ScalarValue)]);

impl VisitorMut for Listed<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let SetExpr::Values(values) = query.body.as_mut() {
            let _ = visit_expressions_mut(values, |expr| {
                if let Some(written) = self.written(expr) {
                    *expr = written;
                }
                ControlFlow::<()>::Continue(())
            });
        }
        ControlFlow::Continue(())
    }
}

impl Listed<'_> {
    fn written(&self, expr: &ast::Expr) -> Option<ast::Expr> {
        let ast::Expr::Value(value) = expr else { return None };
        let ast::Value::Placeholder(name) = &value.value else { return None };
        let (_, value) = self.0.iter().find(|(known, _)| name.strip_prefix('$') == Some(known))?;
        Parser::new(&GenericDialect {}).try_with_sql(&literal(value)).ok()?.parse_expr().ok()
    }
}

/// A parameter as SQL with the very type that it has.
pub(crate) fn literal(value: &ScalarValue) -> String {
    match value {
        ScalarValue::Utf8(Some(text)) => format!("'{}'", text.replace('\'', "''")),
        ScalarValue::Decimal128(Some(units), precision, scale) => {
            let number = decimal(*units, usize::try_from(*scale).unwrap_or_default());
            format!("CAST('{number}' AS DECIMAL({precision}, {scale}))")
        }
        // Behind a minus it would begin a comment.
        ScalarValue::Int64(Some(number)) if *number < 0 => format!("({number})"),
        other => other.to_string(),
    }
}
