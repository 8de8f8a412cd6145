//! The rows behind a detection: for each window of its rule those that counted, found again in finished tables.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take};
use arrow::datatypes::{Field, Schema, TimestampMillisecondType};
use datafusion::common::{Column, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use datafusion::prelude::SessionContext;
use mareva_model::RuleRef;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::backtest::{AccountTable, BacktestError, Seen, TableFile};
use crate::extent::Extent;
use crate::key::{Key, KeyBuild, key_of, key_of_parts};
use crate::plan::WindowPlan;
use crate::ruleset::Rule;
use crate::tables::schema_of;
use crate::values;

/// Rows that all windows of one rule may hold together: 30 days of the busiest accounts.
const MAX_ROWS: usize = 2_000_000;
/// Rows of a window that are told; the others are counted.
const TOLD: usize = 200;

/// What is behind a detection.
#[derive(Debug, Serialize)]
pub struct Behind {
    /// That of the detection.
    pub row_id: String,
    /// Whether the tables hold it.
    pub found: bool,
    /// One for each windowed aggregate with other rows.
    pub windows: Vec<WindowRows>,
}

impl Behind {
    /// Of a detection whose row was not found.
    pub fn nothing(row_id: &str) -> Self {
        Self { row_id: row_id.to_owned(), found: false, windows: Vec::new() }
    }
}

/// The rows that counted in a window, by time.
#[derive(Debug, Serialize)]
pub struct WindowRows {
    /// The aggregates over them.
    pub aggregates: Vec<String>,
    /// Its key columns and their values in the row that fired.
    pub key: Vec<(String, String)>,
    /// Milliseconds that it reaches back.
    pub span_ms: i64,
    /// Columns that the rule reads.
    pub rows: Vec<Map<String, Value>>,
    /// Rows that are not told: the latest are.
    pub omitted: usize,
}

/// Finds the rows behind detections of one rule over transactions or movements, told by their `row_id`; `raised` is the rule as
/// it was when they were.
///
/// # Errors
/// A damaged file, or more rows than can be looked at.
pub async fn behind(
    rule: &Rule,
    raised: &RuleRef,
    files: &[TableFile],
    accounts: &AccountTable,
    asked: &[&str],
) -> Result<Vec<Behind>, BacktestError> {
    if files.is_empty() {
        return Ok(asked.iter().map(|row_id| Behind::nothing(row_id)).collect());
    }
    let columns = columns_of(rule);
    let wanted: Seen = asked.iter().map(|row_id| key_of(raised.row_of(row_id).0)).collect();
    let fired = select(files, &columns, |batch| {
        let ids = text(batch, "row_id")?;
        Ok((0..ids.len()).map(|row| Some(wanted.contains(&key_of(ids.value(row))))).collect())
    })?;
    let keys: BTreeSet<&Vec<String>> = rule.plan.windows.iter().map(|window| &window.keys).collect();
    let mut reached: HashMap<(usize, Key), (i64, i64)> = HashMap::new();
    let longest = rule.plan.reaches().max().unwrap_or(0);
    for row in 0..fired.num_rows() {
        let time = times(&fired)?.value(row);
        for (number, columns) in keys.iter().enumerate() {
            let ends = reached.entry((number, key(&fired, columns, row)?)).or_insert((time, time));
            *ends = (ends.0.min(time.saturating_sub(longest)), ends.1.max(time));
        }
    }
    let rows = select(files, &columns, |batch| {
        let of_batch = times(batch)?;
        let mut held = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let mut is_in = false;
            for (number, columns) in keys.iter().enumerate() {
                let ends = reached.get(&(number, key(batch, columns, row)?));
                is_in |= ends.is_some_and(|(from, to)| (*from..=*to).contains(&of_batch.value(row)));
            }
            held.push(Some(is_in));
        }
        Ok(held.into_iter().collect())
    })?;
    let rows = joined(&rows, rule, accounts)?;
    let failed = |error: DataFusionError| BacktestError::Rule {
        rule: rule.reference.id.clone(),
        kind: crate::error::kind(&error),
    };
    let context = SessionContext::new();
    let mut told = Vec::new();
    let ids = text(&fired, "row_id")?;
    for row_id in asked {
        let (row, begun) = raised.row_of(row_id);
        let mut behind = Behind::nothing(row_id);
        let Some(at) = (0..fired.num_rows()).find(|at| ids.value(*at) == row) else {
            told.push(behind);
            continue;
        };
        behind.found = true;
        let time = times(&fired)?.value(at);
        let mut seen: Vec<&WindowPlan> = Vec::new();
        for window in &rule.plan.windows {
            let same = |known: &&WindowPlan| {
                known.keys == window.keys && known.extent == window.extent && counts_same(known, window)
            };
            if let Some(number) = seen.iter().position(same) {
                behind.windows[number].aggregates.push(super::aggregate(window));
                continue;
            }
            seen.push(window);
            let from = begun.filter(|_| window.extent.is_hop()).unwrap_or_else(|| window.extent.start(time));
            behind
                .windows
                .push(in_window(&context, window, &rows, (&fired, at, from), &columns).await.map_err(failed)?);
        }
        told.push(behind);
    }
    Ok(told)
}

/// Whether the same rows count: aggregates of a column ask once more that it is there.
fn counts_same(a: &WindowPlan, b: &WindowPlan) -> bool {
    let within = |a: &WindowPlan, b: &WindowPlan| a.atoms.iter().all(|atom| b.atoms.contains(atom));
    within(a, b) && within(b, a)
}

async fn in_window(
    context: &SessionContext,
    window: &WindowPlan,
    rows: &RecordBatch,
    (fired, at, from): (&RecordBatch, usize, i64),
    columns: &[String],
) -> Result<WindowRows, DataFusionError> {
    let column = |name: &str| Expr::Column(Column::new_unqualified(name));
    let time = times(fired).map_err(external)?.value(at);
    let moment = |ms: i64| Expr::Literal(ScalarValue::TimestampMillisecond(Some(ms), None), None);
    let mut condition = column("event_time").between(moment(from), moment(time));
    let mut keys = Vec::new();
    for name in &window.keys {
        let value = text(fired, name).map_err(external)?.value(at).to_owned();
        condition = condition.and(column(name).eq(Expr::Literal(ScalarValue::Utf8(Some(value.clone())), None)));
        keys.push((name.clone(), value));
    }
    condition = window.atoms.iter().cloned().fold(condition, Expr::and);
    let order = vec![column("event_time").sort(true, true), column("row_id").sort(true, true)];
    let found = context.read_batch(rows.clone())?.filter(condition)?.sort(order)?.collect().await?;
    let mut told: Vec<Map<String, Value>> = Vec::new();
    for batch in &found {
        for row in 0..batch.num_rows() {
            let fields = columns.iter().filter_map(|name| Some((name, batch.column_by_name(name)?)));
            told.push(fields.map(|(name, array)| (name.clone(), values::json(array, row))).collect());
        }
    }
    told.drain(..before_session(&found, window)?);
    let counted = told.len();
    let omitted = counted.saturating_sub(TOLD);
    told.drain(..omitted);
    Ok(WindowRows {
        aggregates: vec![super::aggregate(window)],
        key: keys,
        span_ms: window.extent.reach(),
        rows: told,
        omitted,
    })
}

/// How many of the rows, ascending in time, are before the last pause that ends a session; of another window none.
fn before_session(found: &[RecordBatch], window: &WindowPlan) -> Result<usize, DataFusionError> {
    let Extent::Session { gap } = window.extent else { return Ok(0) };
    let (mut before, mut at, mut last) = (0, 0, None::<i64>);
    for batch in found {
        for time in times(batch).map_err(external)?.values() {
            if last.is_some_and(|last| time - last > gap) {
                before = at;
            }
            (at, last) = (at + 1, Some(*time));
        }
    }
    Ok(before)
}

fn external(error: BacktestError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Own columns that the rule reads, in the order of the table.
fn columns_of(rule: &Rule) -> Vec<String> {
    let mut wanted: BTreeSet<&str> = ["row_id", "event_time"].into();
    for name in rule.plan.columns.keys() {
        // `accounts(<key>).<column>` needs its key.
        wanted.insert(
            name.strip_prefix("accounts(").and_then(|rest| rest.split_once(')')).map_or(name.as_str(), |(key, _)| key),
        );
    }
    wanted.extend(rule.plan.windows.iter().flat_map(|window| window.keys.iter().map(String::as_str)));
    let schema = schema_of(rule.table);
    schema.fields().iter().map(|field| field.name()).filter(|name| wanted.contains(name.as_str())).cloned().collect()
}

/// The rows that `holds` picks, of all files.
fn select(
    files: &[TableFile],
    columns: &[String],
    holds: impl Fn(&RecordBatch) -> Result<BooleanArray, BacktestError>,
) -> Result<RecordBatch, BacktestError> {
    let (mut picked, mut rows, mut schema) = (Vec::new(), 0, Arc::new(Schema::empty()));
    for file in files {
        file.each_batch(columns, |batch| {
            schema = batch.schema();
            let batch = filter_record_batch(&batch, &holds(&batch)?)?;
            rows += batch.num_rows();
            if rows > MAX_ROWS {
                return Err(BacktestError::Columns("more rows than can be looked at"));
            }
            picked.push(batch);
            Ok(())
        })?;
    }
    Ok(concat_batches(&schema, &picked)?)
}

/// The columns of `accounts` that the rule joins, under the names that its plan has for them.
fn joined(rows: &RecordBatch, rule: &Rule, accounts: &AccountTable) -> Result<RecordBatch, BacktestError> {
    let mut places: HashMap<Key, u32, KeyBuild> = HashMap::default();
    let mut fields: Vec<Field> = rows.schema_ref().fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut arrays: Vec<ArrayRef> = rows.columns().to_vec();
    for (name, field) in &rule.plan.columns {
        let Some((key, column)) = name.strip_prefix("accounts(").and_then(|rest| rest.split_once(").")) else {
            continue;
        };
        if places.is_empty() {
            let known = text(&accounts.0, "account")?;
            places.extend((0_u32..).zip(known.iter()).filter_map(|(at, account)| Some((key_of(account?), at))));
        }
        let keys = text(rows, key)?;
        let at: UInt32Array = keys.iter().map(|key| places.get(&key_of(key?)).copied()).collect();
        let source = accounts.0.column(accounts.0.schema_ref().index_of(column)?);
        fields.push(field.clone().with_name(name).with_nullable(true));
        arrays.push(take(source, &at, None)?);
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?)
}

fn text<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b StringArray, BacktestError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    column.ok_or(BacktestError::Columns("a column that is missing or no text"))
}

fn times(batch: &RecordBatch) -> Result<&arrow::array::PrimitiveArray<TimestampMillisecondType>, BacktestError> {
    let column = batch.column_by_name("event_time").and_then(|c| c.as_primitive_opt::<TimestampMillisecondType>());
    column.ok_or(BacktestError::Columns("a column that is missing or no time"))
}

fn key(batch: &RecordBatch, columns: &[String], row: usize) -> Result<Key, BacktestError> {
    let columns = columns.iter().map(|name| text(batch, name)).collect::<Result<Vec<_>, _>>()?;
    Ok(key_of_parts(columns.iter().map(|column| column.is_valid(row).then(|| column.value(row).as_bytes()))))
}
