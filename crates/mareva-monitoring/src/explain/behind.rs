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
use mareva_model::{Detection, RuleRef};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::aggregate::AggregateKind;
use crate::backtest::{AccountTable, BacktestError, Seen, TableFile, columns_read, over, sorted};
use crate::extent::Extent;
use crate::key::{Key, KeyBuild, key_of, key_of_parts};
use crate::plan::WindowPlan;
use crate::program::join_key;
use crate::ruleset::{Rule, Ruleset};
use crate::signals::{Signal, table};
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
    /// The columns that the rule as it is loaded gives at this row over what the tables hold; none where it does not fire there.
    pub recomputed: Option<Map<String, Value>>,
    /// The subject that it gives with them.
    #[serde(skip)]
    pub subject: Option<String>,
    /// One for each windowed aggregate with other rows.
    pub windows: Vec<WindowRows>,
}

impl Behind {
    /// Of a detection whose row was not found.
    pub fn nothing(row_id: &str) -> Self {
        Self { row_id: row_id.to_owned(), found: false, recomputed: None, subject: None, windows: Vec::new() }
    }
}

/// The rows that counted in a window, by time.
#[derive(Debug, Serialize)]
pub struct WindowRows {
    /// The aggregates over them: the column that each is, what it is, and what else than `WHERE` lets rows into it.
    pub aggregates: Vec<String>,
    /// Its key columns and their values in the row that fired.
    pub key: Vec<(String, String)>,
    /// Milliseconds that it reaches back.
    pub span_ms: i64,
    /// The same in words; of a session its pauses.
    pub window: String,
    /// Columns that the rule reads.
    pub rows: Vec<Map<String, Value>>,
    /// Rows that are not told: the latest are.
    pub omitted: usize,
}

/// Finds the rows behind detections of one rule over transactions or movements, told by their `row_id` and time; `raised` is the rule as
/// it was when they were.
///
/// # Errors
/// A damaged file, or more rows than can be looked at.
pub async fn behind(
    rule: &Rule,
    raised: &RuleRef,
    files: &[TableFile],
    accounts: &AccountTable,
    asked: &[(&str, i64)],
) -> Result<Vec<Behind>, BacktestError> {
    if files.is_empty() {
        return Ok(asked.iter().map(|(row_id, _)| Behind::nothing(row_id)).collect());
    }
    let columns = columns_of(rule).await?;
    let wanted: Seen = asked.iter().map(|(row_id, _)| key_of(raised.row_of(row_id).0)).collect();
    let fired = select(files, &columns, |batch| {
        let ids = text(batch, "row_id")?;
        Ok((0..ids.len()).map(|row| Some(wanted.contains(&key_of(ids.value(row))))).collect())
    })?;
    let (keys, joins) = (keys_of(rule), Joins::of(rule, accounts)?);
    let fired = joins.with(&fired)?;
    let mut reached: HashMap<(usize, Key), (i64, i64)> = HashMap::new();
    let longest = rule.plan.reaches().max().unwrap_or(0);
    for row in 0..fired.num_rows() {
        let time = times(&fired)?.value(row);
        for (number, columns) in keys.iter().enumerate() {
            let ends = reached.entry((number, key(&fired, columns, row)?)).or_insert((time, time));
            *ends = (ends.0.min(time.saturating_sub(longest)), ends.1.max(time));
        }
    }
    let by_joined = keys.iter().flat_map(|columns| columns.iter()).any(|name| join_key(name).is_some());
    let rows = select(files, &columns, |batch| {
        let of_batch = times(batch)?;
        let with_joined = if by_joined { Some(joins.with(batch)?) } else { None };
        let batch = with_joined.as_ref().unwrap_or(batch);
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
    // A rule without windows is judged by the row alone.
    let plain = if keys.is_empty() { fired.project(&(0..columns.len()).collect::<Vec<_>>())? } else { rows };
    let (rows, columns) = (joins.with(&plain)?, &columns);
    Looked { rule, raised, rows: &rows, plain: &plain, accounts, fired: &fired, columns }.told(asked).await
}

/// The same of a rule over signals: these are all that are looked at.
///
/// # Errors
/// What DataFusion reports of the rule.
pub async fn behind_signals(
    rule: &Rule,
    raised: &RuleRef,
    ruleset: &Ruleset,
    signals: &[Detection],
    accounts: &AccountTable,
    asked: &[(&str, i64)],
) -> Result<Vec<Behind>, BacktestError> {
    let signals: Vec<Signal> = signals.iter().map(|one| Signal::of(one, ruleset.weight(&one.rule.id), 0)).collect();
    let plain = table(signals.iter())?;
    let rows = Joins::of(rule, accounts)?.with(&plain)?;
    let mut columns = columns_of(rule).await?;
    if !columns.iter().any(|name| name == "rule") {
        columns.push("rule".to_owned());
    }
    Looked { rule, raised, rows: &rows, plain: &plain, accounts, fired: &rows, columns: &columns }.told(asked).await
}

/// Rows that are looked at for the detections of a rule.
struct Looked<'l> {
    rule: &'l Rule,
    raised: &'l RuleRef,
    /// All that their windows may hold, with the columns that are joined.
    rows: &'l RecordBatch,
    /// The same as the table has them.
    plain: &'l RecordBatch,
    accounts: &'l AccountTable,
    /// Those that fired among them.
    fired: &'l RecordBatch,
    columns: &'l [String],
}

impl Looked<'_> {
    async fn told(&self, asked: &[(&str, i64)]) -> Result<Vec<Behind>, BacktestError> {
        let failed = |error: DataFusionError| BacktestError::of_rule(&self.rule.reference.id, &error);
        let mut told = Vec::new();
        let (ids, of_fired) = (text(self.fired, "row_id")?, times(self.fired)?);
        for (row_id, time) in asked {
            let (row, begun) = self.raised.row_of(row_id);
            let mut behind = Behind::nothing(row_id);
            // Other data may have another row of this id.
            let is_it = |at: &usize| ids.value(*at) == row && of_fired.value(*at) == *time;
            let Some(at) = (0..self.fired.num_rows()).find(is_it) else {
                told.push(behind);
                continue;
            };
            behind.found = true;
            if let Some(again) = self.recomputed(row_id, at).await? {
                (behind.subject, behind.recomputed) = (Some(again.subject), Some(again.columns));
            }
            let mut seen: Vec<&WindowPlan> = Vec::new();
            for window in &self.rule.plan.windows {
                if let Some(number) = seen.iter().position(|known| holds_same(known, window)) {
                    behind.windows[number].aggregates.push(super::told(self.rule, window));
                    continue;
                }
                seen.push(window);
                let from = match window.extent {
                    Extent::Session { gap } => self.session(window, gap, at).await.map_err(failed)?,
                    extent => begun.filter(|_| extent.is_hop()).unwrap_or_else(|| extent.start(*time)),
                };
                behind.windows.push(self.in_window(window, at, from).await.map_err(failed)?);
            }
            told.push(behind);
        }
        Ok(told)
    }

    /// What stock DataFusion makes of the rule at a row that fired: over the rows of its keys up to its time, so that a group is as it
    /// stood then.
    async fn recomputed(&self, row_id: &str, at: usize) -> Result<Option<Detection>, BacktestError> {
        let until = times(self.fired)?.value(at);
        let from = until.saturating_sub(self.rule.plan.reaches().max().unwrap_or(0));
        let keys = keys_of(self.rule);
        let own = keys.iter().map(|columns| key(self.fired, columns, at)).collect::<Result<Vec<_>, _>>()?;
        let of_rows = times(self.plain)?;
        let mut belongs = Vec::with_capacity(self.plain.num_rows());
        for row in 0..self.plain.num_rows() {
            let mut is_in = keys.is_empty();
            for (columns, own) in keys.iter().zip(&own).filter(|_| (from..=until).contains(&of_rows.value(row))) {
                is_in |= key(self.rows, columns, row)? == *own;
            }
            belongs.push(Some(is_in));
        }
        let rows = filter_record_batch(self.plain, &belongs.into_iter().collect())?;
        let found = over(self.rule, sorted(&rows, &["event_time", "row_id"])?, self.accounts).await?;
        Ok(found.into_iter().find(|one| one.row_id == row_id))
    }

    /// When the session of a row began. Whatever `WHERE` lets in goes on with it, also what an aggregate does not count: the rows
    /// of the earliest time, which a session's plan asks for, are those.
    async fn session(&self, window: &WindowPlan, gap: i64, at: usize) -> Result<i64, DataFusionError> {
        let is_beginning = |other: &&WindowPlan| {
            other.kind == AggregateKind::Min && other.extent == window.extent && other.keys == window.keys
        };
        let beginning = self.rule.plan.windows.iter().filter(is_beginning).min_by_key(|other| other.atoms.len());
        let time = times(self.fired).map_err(external)?.value(at);
        let (condition, _) = self.condition(beginning.unwrap_or(window), at, window.extent.start(time))?;
        let (mut began, mut last) = (time, None::<i64>);
        for batch in self.find(condition).await? {
            for time in times(&batch).map_err(external)?.values() {
                if last.is_none_or(|last| time - last > gap) {
                    began = *time;
                }
                last = Some(*time);
            }
        }
        Ok(began)
    }

    /// What rows of a window satisfy that began then, and its key.
    fn condition(
        &self,
        window: &WindowPlan,
        at: usize,
        from: i64,
    ) -> Result<(Expr, Vec<(String, String)>), DataFusionError> {
        let column = |name: &str| Expr::Column(Column::new_unqualified(name));
        let text_of = |value: &str| Expr::Literal(ScalarValue::Utf8(Some(value.to_owned())), None);
        let time = times(self.fired).map_err(external)?.value(at);
        let moment = |ms: i64| Expr::Literal(ScalarValue::TimestampMillisecond(Some(ms), None), None);
        let last = time.saturating_sub(window.before);
        let mut condition = column("event_time").between(moment(from), moment(last));
        if window.kind.is_positional() {
            // Of the rows of its millisecond those up to it by `row_id`.
            let own = text(self.fired, "row_id").map_err(external)?.value(at);
            let before = column("event_time").lt(moment(time)).or(column("row_id").lt_eq(text_of(own)));
            condition = condition.and(before);
        }
        let mut keys = Vec::new();
        for name in &window.keys {
            let value = text(self.fired, name).map_err(external)?.value(at).to_owned();
            condition = condition.and(column(name).eq(text_of(&value)));
            keys.push((name.clone(), value));
        }
        Ok((window.atoms.iter().cloned().fold(condition, Expr::and), keys))
    }

    /// The rows that satisfy it, by time and `row_id`.
    async fn find(&self, condition: Expr) -> Result<Vec<RecordBatch>, DataFusionError> {
        let order = ["event_time", "row_id"].map(|name| Expr::Column(Column::new_unqualified(name)).sort(true, true));
        let context = SessionContext::new();
        context.read_batch(self.rows.clone())?.filter(condition)?.sort(order.to_vec())?.collect().await
    }

    async fn in_window(&self, window: &WindowPlan, at: usize, from: i64) -> Result<WindowRows, DataFusionError> {
        let (condition, key) = self.condition(window, at, from)?;
        let mut told: Vec<Map<String, Value>> = Vec::new();
        for batch in &self.find(condition).await? {
            for row in 0..batch.num_rows() {
                let fields = self.columns.iter().filter_map(|name| Some((name, batch.column_by_name(name)?)));
                told.push(fields.map(|(name, array)| (name.clone(), values::json(array, row))).collect());
            }
        }
        if let AggregateKind::Lag(back) = window.kind {
            // It looks at the row so many before this one, and at nothing beyond.
            told.drain(..told.len().saturating_sub(usize::from(back) + 1));
        }
        let omitted = told.len().saturating_sub(TOLD);
        told.drain(..omitted);
        Ok(WindowRows {
            aggregates: vec![super::told(self.rule, window)],
            key,
            span_ms: window.extent.reach(),
            window: super::words::window(window),
            rows: told,
            omitted,
        })
    }
}

/// Whether two windows hold the same rows: aggregates of a column ask once more that it is there.
fn holds_same(a: &WindowPlan, b: &WindowPlan) -> bool {
    let within = |a: &WindowPlan, b: &WindowPlan| a.atoms.iter().all(|atom| b.atoms.contains(atom));
    let counted = |window: &WindowPlan| (window.kind.is_positional()).then_some(window.kind);
    let frame = |window: &WindowPlan| (window.extent, window.before);
    a.keys == b.keys && frame(a) == frame(b) && counted(a) == counted(b) && within(a, b) && within(b, a)
}

fn external(error: BacktestError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// What the windows of a rule are partitioned by.
pub(super) fn keys_of(rule: &Rule) -> BTreeSet<&Vec<String>> {
    rule.plan.windows.iter().map(|window| &window.keys).chain(rule.plan.group.iter().map(|group| &group.keys)).collect()
}

/// Columns that the rule reads, in the order of its table.
async fn columns_of(rule: &Rule) -> Result<Vec<String>, BacktestError> {
    let read = columns_read(rule).await.map_err(|error| BacktestError::of_rule(&rule.reference.id, &error))?;
    let mut wanted: BTreeSet<&str> =
        ["row_id", "event_time"].into_iter().chain(read.iter().map(String::as_str)).collect();
    for name in rule.plan.columns.keys() {
        // A joined column needs its key.
        wanted.insert(join_key(name).map_or(name.as_str(), |(key, _)| key));
    }
    wanted.extend(keys_of(rule).into_iter().flatten().map(String::as_str));
    let schema = schema_of(rule.table);
    Ok(schema
        .fields()
        .iter()
        .map(|field| field.name())
        .filter(|name| wanted.contains(name.as_str()))
        .cloned()
        .collect())
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

/// The columns of `accounts` that a rule joins.
struct Joins<'j> {
    rule: &'j Rule,
    accounts: &'j AccountTable,
    /// Rows of the accounts; none where it joins nothing.
    places: HashMap<Key, u32, KeyBuild>,
}

impl<'j> Joins<'j> {
    fn of(rule: &'j Rule, accounts: &'j AccountTable) -> Result<Self, BacktestError> {
        let mut places: HashMap<Key, u32, KeyBuild> = HashMap::default();
        if rule.plan.columns.keys().any(|name| join_key(name).is_some()) {
            let known = text(&accounts.0, "account")?;
            places.extend((0_u32..).zip(known.iter()).filter_map(|(at, account)| Some((key_of(account?), at))));
        }
        Ok(Self { rule, accounts, places })
    }

    /// Rows with them, under the names that the rule's plan has for them.
    fn with(&self, rows: &RecordBatch) -> Result<RecordBatch, BacktestError> {
        let mut fields: Vec<Field> = rows.schema_ref().fields().iter().map(|field| field.as_ref().clone()).collect();
        let mut arrays: Vec<ArrayRef> = rows.columns().to_vec();
        for (name, field) in &self.rule.plan.columns {
            let Some((key, column)) = join_key(name) else { continue };
            let keys = text(rows, key)?;
            let at: UInt32Array = keys.iter().map(|key| self.places.get(&key_of(key?)).copied()).collect();
            let source = self.accounts.0.column(self.accounts.0.schema_ref().index_of(column)?);
            fields.push(field.clone().with_name(name).with_nullable(true));
            arrays.push(take(source, &at, None)?);
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?)
    }
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
