//! The text of a rule as stock SQL: what `hop` and `session` stand for, written out.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, Select, SetExpr, Statement,
    TableFactor, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

use crate::extent::Extent;
use crate::plan::{HOP, SESSION};

/// Column that tells when the window of a row began.
pub(crate) const WINDOW_START: &str = "window_start";

/// The rule as stock DataFusion runs it; one without `hop` and `session` is the same text.
///
/// A hop becomes a join with the distances to the windows that hold the row. A session becomes the last beginning among the
/// rows up to this one, where a row begins a session if the one before it of the same key and day is too far away.
///
/// # Errors
/// Where it is no SQL, or one of the two stands elsewhere than beside plain keys in `GROUP BY` over one table.
pub(crate) fn stock(sql: &str, window: Extent) -> Result<String, ParserError> {
    let mut statements = Parser::parse_sql(&GenericDialect {}, sql)?;
    let Some(Statement::Query(query)) = statements.first_mut() else { return Ok(sql.to_owned()) };
    let SetExpr::Select(select) = query.body.as_mut() else { return Ok(sql.to_owned()) };
    let GroupByExpr::Expressions(groups, _) = &select.group_by else { return Ok(sql.to_owned()) };
    let Some(call) = groups.iter().find_map(as_window).cloned() else { return Ok(sql.to_owned()) };
    let keys: Vec<String> = groups.iter().filter(|group| as_window(group).is_none()).map(ToString::to_string).collect();
    let rows = match (call.name.to_string().to_lowercase().as_str(), arguments(&call).as_slice()) {
        (HOP, [time, slide, _]) => hopping(select, time, slide, window)?,
        (SESSION, [time, gap]) => in_sessions(select, time, gap, &keys)?,
        _ => return Ok(sql.to_owned()),
    };
    if let Some(table) = select.from.first_mut() {
        table.relation = rows;
    }
    let _ = visit_expressions_mut(&mut *select, |expr| {
        if as_window(expr).is_some() {
            *expr = Expr::Identifier(Ident::new(WINDOW_START));
        }
        ControlFlow::<()>::Continue(())
    });
    Ok(statements[0].to_string())
}

fn as_window(expr: &Expr) -> Option<&Function> {
    match expr {
        Expr::Function(function) => {
            let name = function.name.to_string().to_lowercase();
            matches!(name.as_str(), HOP | SESSION).then_some(function)
        }
        _ => None,
    }
}

fn arguments(function: &Function) -> Vec<String> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let plain = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.to_string()),
        _ => None,
    };
    list.args.iter().filter_map(plain).collect()
}

fn refuse(reason: &str) -> ParserError {
    ParserError::ParserError(reason.to_owned())
}

/// The table that the rule starts from, and its name in the rest of the text.
fn source(select: &Select) -> Result<(String, String), ParserError> {
    match select.from.first().map(|from| &from.relation) {
        Some(TableFactor::Table { name, alias, .. }) => {
            let called = alias.as_ref().map_or_else(|| name.to_string(), |alias| alias.name.to_string());
            Ok((name.to_string(), called))
        }
        _ => Err(refuse("hop and session need a table")),
    }
}

/// A query in the place of a table.
fn derived(query: &str, called: &str) -> Result<TableFactor, ParserError> {
    let text = format!("SELECT 1 FROM ({query}) AS {called}");
    let mut statements = Parser::parse_sql(&GenericDialect {}, &text)?;
    let Some(Statement::Query(query)) = statements.pop() else { return Err(refuse("no query")) };
    let SetExpr::Select(mut select) = *query.body else { return Err(refuse("no query")) };
    Ok(select.from.pop().ok_or_else(|| refuse("no table"))?.relation)
}

/// The rows of the table, each once for every window that holds it.
fn hopping(select: &Select, time: &str, slide: &str, window: Extent) -> Result<TableFactor, ParserError> {
    let (table, called) = source(select)?;
    let hops: Vec<String> =
        window.distances().into_iter().map(|distance| format!("(INTERVAL '{distance} milliseconds')")).collect();
    let query = format!(
        "SELECT {called}.*, date_bin({slide}, {time}) - hops.back AS {WINDOW_START} FROM {table} AS {called} \
         CROSS JOIN (VALUES {}) AS hops(back)",
        hops.join(", ")
    );
    derived(&query, &called)
}

/// The rows that the rule lets in, each with the beginning of its session.
fn in_sessions(select: &mut Select, time: &str, gap: &str, keys: &[String]) -> Result<TableFactor, ParserError> {
    let (table, called) = source(select)?;
    let filter = select.selection.take().map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
    let window =
        format!("PARTITION BY {}, date_trunc('day', {time}) ORDER BY {time}, {called}.row_id", keys.join(", "));
    let begins = format!(
        "SELECT {called}.*, COALESCE(LAG({time}) OVER ({window}) < {time} - {gap}, true) AS begins \
         FROM {table} AS {called}{filter}"
    );
    let query = format!(
        "SELECT {called}.*, MAX(CASE WHEN {called}.begins THEN {time} END) OVER ({window} \
         ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS {WINDOW_START} FROM ({begins}) AS {called}"
    );
    derived(&query, &called)
}
