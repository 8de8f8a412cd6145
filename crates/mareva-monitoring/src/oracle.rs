//! The same SQL in stock DataFusion over finished tables: the oracle of the tests and the engine of back-tests.

use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit, TimestampMillisecondType};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionConfig, SessionContext};
use mareva_model::{Detection, Table};

use crate::accounts::Accounts;
use crate::backtest::{are_in, put_into};
use crate::bound::bound;
use crate::export::signals_table;
use crate::ruleset::{Rule, Ruleset};
use crate::telling::is_enough;
use crate::values;

/// Runs every rule over whole tables: level one, then level two over the signals of level one. Detections come sorted by
/// (event time, row id, rule). `needs_history` counts from the earliest row of `transactions`.
///
/// Of rows of one millisecond `FIRST_VALUE` and `LAST_VALUE` take what the sorts of stock DataFusion happen to put first, so that
/// their detections may be others than those of the engine.
///
/// # Errors
/// What stock DataFusion returns for the rule's text.
pub async fn detections(
    ruleset: &Ruleset,
    accounts: &Accounts,
    transactions: RecordBatch,
    movements: RecordBatch,
) -> Result<Vec<Detection>, DataFusionError> {
    detections_in(session, ruleset, accounts, transactions, movements).await
}

/// See [`detections`]; in such sessions.
pub(crate) async fn detections_in(
    session: fn() -> SessionContext,
    ruleset: &Ruleset,
    accounts: &Accounts,
    transactions: RecordBatch,
    movements: RecordBatch,
) -> Result<Vec<Detection>, DataFusionError> {
    let from = earliest(&transactions)?;
    let mut found = level_one(session, ruleset, accounts, transactions, movements).await?;
    let signals = signals_table(ruleset, &found)?;
    let second = level_two(session, ruleset, accounts, signals).await?;
    found.extend(second.into_iter().filter(|d| enough(ruleset, from, d)));
    found.sort_by(|a, b| (a.event_time, &a.row_id, &a.rule.id).cmp(&(b.event_time, &b.row_id, &b.rule.id)));
    Ok(found)
}

/// A session of stock DataFusion.
pub(crate) fn session() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1))
}

/// The rules over transactions and movements alone.
pub(crate) async fn level_one(
    session: fn() -> SessionContext,
    ruleset: &Ruleset,
    accounts: &Accounts,
    transactions: RecordBatch,
    movements: RecordBatch,
) -> Result<Vec<Detection>, DataFusionError> {
    let from = earliest(&transactions)?;
    let tables = [("transactions", transactions), ("movements", movements), ("accounts", accounts.batch().clone())];
    let context = over(session, tables)?;
    let mut found = Vec::new();
    for rule in ruleset.rules().iter().filter(|rule| rule.table != Table::Signals) {
        found.extend(run(&context, rule).await?);
    }
    found.retain(|d| enough(ruleset, from, d));
    Ok(found)
}

/// When history begins, UTC milliseconds.
fn earliest(transactions: &RecordBatch) -> Result<Option<i64>, DataFusionError> {
    let times = transactions
        .column_by_name("event_time")
        .ok_or_else(|| DataFusionError::Plan("transactions has no event_time".to_owned()))?;
    let times = arrow::array::AsArray::as_primitive::<arrow::datatypes::TimestampMillisecondType>(times);
    Ok(times.values().iter().copied().min())
}

fn enough(ruleset: &Ruleset, from: Option<i64>, detection: &Detection) -> bool {
    is_enough(ruleset.needs_history(&detection.rule.id), from, detection.event_time)
}

/// The rules over signals alone, whatever history there is.
pub(crate) async fn level_two(
    session: fn() -> SessionContext,
    ruleset: &Ruleset,
    accounts: &Accounts,
    signals: RecordBatch,
) -> Result<Vec<Detection>, DataFusionError> {
    let context = over(session, [("signals", signals), ("accounts", accounts.batch().clone())])?;
    let mut found = Vec::new();
    for rule in ruleset.rules().iter().filter(|rule| rule.table == Table::Signals) {
        found.extend(run(&context, rule).await?);
    }
    Ok(found)
}

/// A session with these tables.
fn over<const N: usize>(
    session: fn() -> SessionContext,
    tables: [(&str, RecordBatch); N],
) -> Result<SessionContext, DataFusionError> {
    let context = session();
    for (name, batch) in tables {
        register(&context, name, batch)?;
    }
    Ok(context)
}

/// Puts a table into a session, in the place of one of its name.
pub(crate) fn register(context: &SessionContext, name: &str, batch: RecordBatch) -> Result<(), DataFusionError> {
    context.deregister_table(name)?;
    context.register_table(name, Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))?;
    Ok(())
}

/// The rows that stock DataFusion returns for a rule's text over the tables of a session.
pub(crate) async fn run(context: &SessionContext, rule: &Rule) -> Result<Vec<Detection>, DataFusionError> {
    let stock = rule.stock()?;
    let sql = if are_in(context) { put_into(&stock)? } else { stock };
    let plan = bound(context, &sql, &rule.checked.parameters).await?;
    let frame = context.execute_logical_plan(plan).await?;
    let mut found = Vec::new();
    for batch in frame.collect().await? {
        for row in 0..batch.num_rows() {
            let mut detection = Detection {
                rule: rule.reference.clone(),
                row_id: String::new(),
                subject: String::new(),
                event_time: 0,
                columns: serde_json::Map::new(),
            };
            for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
                match field.name().as_str() {
                    "row_id" => detection.row_id = values::text(array, row),
                    "subject" => detection.subject = values::text(array, row),
                    "event_time" => {
                        detection.event_time = mareva_model::parse_time(&values::text(array, row))
                            .map_err(|_| DataFusionError::Plan("event_time is no time".to_owned()))?;
                    }
                    name => {
                        detection.columns.insert(name.to_owned(), values::json(array, row));
                    }
                }
            }
            if let Some(start) = window_start(rule, &batch, row) {
                detection.row_id += &values::of_window(start);
            }
            found.push(detection);
        }
    }
    Ok(found)
}

/// When the window of a row began, where there may be several.
fn window_start(rule: &Rule, batch: &RecordBatch, row: usize) -> Option<i64> {
    let column = batch.column_by_name("window_start").filter(|_| rule.reference.hops)?;
    // It may lie before 1970, where no row does.
    let start = arrow::compute::cast(column, &DataType::Timestamp(TimeUnit::Millisecond, None)).ok()?;
    Some(start.as_primitive::<TimestampMillisecondType>().value(row))
}
