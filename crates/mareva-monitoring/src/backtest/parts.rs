//! A table split by a key column into parts that fit in memory, and rules over one part.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{
    SortColumn, concat_batches, filter_record_batch, interleave_record_batch, lexsort_to_indices, take_record_batch,
};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext, col};
use mareva_model::Detection;

use super::source::projected;
use super::{AccountTable, BacktestError, Pass, TableFile, Variant};
use crate::key::key_of;
use crate::oracle;
use crate::tables::schema_of;

/// Rows that wait for being dealt out: what a thread holds while it splits.
const WAITING_ROWS: usize = 1 << 18;
/// Rows of a batch that DataFusion is given.
const BATCH_ROWS: usize = 8_192;
/// What sorts and joins of one part may take in memory; beyond it they spill. The part itself, twice while it is
/// sorted, comes on top.
const POOL: usize = 2 << 30;

/// Which of `parts` a key belongs to; null goes to the first.
fn part_of(keys: &StringArray, row: usize, parts: usize) -> usize {
    if keys.is_null(row) { 0 } else { (key_of(keys.value(row)) % parts as u128) as usize }
}

fn keys_of<'b>(batch: &'b RecordBatch, key: &str) -> Result<&'b StringArray, BacktestError> {
    let at = batch.schema_ref().index_of(key)?;
    batch.column(at).as_string_opt::<i32>().ok_or(BacktestError::Columns("a key that is no text"))
}

/// Splits every `of`-th row group from the `stripe`-th on of some files: one file for each part, made by `make`.
///
/// # Errors
/// What files and disk report.
pub fn split(
    pass: &Pass,
    files: &[TableFile],
    (stripe, of): (usize, usize),
    parts: usize,
    make: &mut dyn FnMut() -> std::io::Result<File>,
    progress: &dyn Fn(u64),
) -> Result<Vec<File>, BacktestError> {
    let key = pass.key.as_deref().unwrap_or_default();
    let schema = projected(&schema_of(pass.table), &pass.columns)?;
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writers = Vec::with_capacity(parts);
    for _ in 0..parts {
        let file = BufWriter::new(make().map_err(BacktestError::Disk)?);
        writers.push(StreamWriter::try_new_with_options(file, &schema, options.clone())?);
    }
    let mut deal = |waiting: &mut Vec<RecordBatch>| -> Result<(), BacktestError> {
        let mut places: Vec<Vec<(usize, usize)>> = vec![Vec::new(); parts];
        for (at, batch) in waiting.iter().enumerate() {
            let keys = keys_of(batch, key)?;
            let kept = (0..batch.num_rows()).filter(|row| !pass.skips_null || keys.is_valid(*row));
            kept.for_each(|row| places[part_of(keys, row, parts)].push((at, row)));
        }
        let batches: Vec<&RecordBatch> = waiting.iter().collect();
        for (writer, places) in writers.iter_mut().zip(&places).filter(|(_, places)| !places.is_empty()) {
            writer.write(&interleave_record_batch(&batches, places)?)?;
        }
        waiting.clear();
        Ok(())
    };
    let (mut waiting, mut rows) = (Vec::new(), 0);
    for file in files {
        for batch in file.read(&pass.columns, stripe, of)? {
            let batch = batch?;
            rows += batch.num_rows();
            progress(batch.num_rows() as u64);
            waiting.push(batch);
            if rows >= WAITING_ROWS {
                deal(&mut waiting)?;
                rows = 0;
            }
        }
    }
    deal(&mut waiting)?;
    let whole = |writer: StreamWriter<BufWriter<File>>| {
        let mut file = writer.into_inner()?.into_inner().map_err(|error| BacktestError::Disk(error.into_error()))?;
        file.rewind().map_err(BacktestError::Disk)?;
        Ok(file)
    };
    writers.into_iter().map(whole).collect()
}

/// The accounts table as the rules of a pass join it.
#[derive(Debug)]
pub struct PartAccounts {
    whole: RecordBatch,
    parts: usize,
    by_key: bool,
}

impl PartAccounts {
    /// The table for the parts of a pass.
    pub fn new(accounts: &AccountTable, pass: &Pass, parts: usize) -> Self {
        Self { whole: accounts.0.clone(), parts, by_key: pass.joins_by_key && pass.key.is_some() }
    }

    /// The accounts that rows of a part can meet.
    fn of(&self, part: usize) -> Result<RecordBatch, BacktestError> {
        if !self.by_key {
            return Ok(self.whole.clone());
        }
        let keys = keys_of(&self.whole, "account")?;
        let belong: BooleanArray = (0..keys.len()).map(|row| Some(part_of(keys, row, self.parts) == part)).collect();
        Ok(filter_record_batch(&self.whole, &belong)?)
    }
}

/// One part in memory, sorted by (key, time), as a session that its rules run in.
pub struct Part {
    context: SessionContext,
    rows: u64,
}

impl Part {
    /// Reads a part from the files that hold it.
    ///
    /// # Errors
    /// What files and disk report.
    pub fn load(pass: &Pass, number: usize, files: Vec<File>, accounts: &PartAccounts) -> Result<Self, BacktestError> {
        let schema = projected(&schema_of(pass.table), &pass.columns)?;
        let mut batches = Vec::new();
        for file in files {
            for batch in StreamReader::try_new(BufReader::with_capacity(1 << 18, file), None)? {
                batches.push(batch?);
            }
        }
        let together = concat_batches(&schema, &batches)?;
        drop(batches);
        let key = pass.key.as_deref().unwrap_or_default();
        // Among equal times, rows come in the order in which the engine has them.
        let sorted = sorted(&together, &[key, "event_time", "row_id"])?;
        drop(together);
        let rows = sorted.num_rows();
        let slices = (0..rows).step_by(BATCH_ROWS).map(|from| sorted.slice(from, BATCH_ROWS.min(rows - from)));
        let table = MemTable::try_new(schema, vec![slices.collect()]).map(|table| {
            table.with_sort_order(vec![vec![col(key).sort(true, true), col("event_time").sort(true, true)]])
        });
        let failed = |error: DataFusionError| BacktestError::Columns(crate::error::kind(&error));
        let context = context(1, POOL).map_err(failed)?;
        context.register_table(pass.table.name(), Arc::new(table.map_err(failed)?)).map_err(failed)?;
        oracle::register(&context, "accounts", accounts.of(number)?).map_err(failed)?;
        Ok(Self { context, rows: rows as u64 })
    }

    /// Its rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What a rule gives over this part.
    ///
    /// # Errors
    /// What stock DataFusion reports of the rule.
    pub async fn run(&self, variant: &Variant) -> Result<Vec<Detection>, BacktestError> {
        let rule = &variant.rule;
        oracle::run(&self.context, rule).await.map_err(|error| BacktestError::of_rule(&rule.reference.id, &error))
    }
}

/// A session with a bound on memory, beyond which sorts spill to the folder that TMPDIR names.
pub(super) fn context(partitions: usize, pool: usize) -> Result<SessionContext, DataFusionError> {
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(pool))).build_arc()?;
    let context = SessionContext::new_with_config_rt(SessionConfig::new().with_target_partitions(partitions), runtime);
    super::spread::register(&context);
    super::picked::register(&context);
    Ok(context)
}

/// Rows sorted by these columns.
pub(crate) fn sorted(batch: &RecordBatch, by: &[&str]) -> Result<RecordBatch, BacktestError> {
    let column = |name: &&str| -> Result<SortColumn, BacktestError> {
        let values = batch.column(batch.schema_ref().index_of(name)?).clone();
        let options = arrow::compute::SortOptions { descending: false, nulls_first: true };
        Ok(SortColumn { values, options: Some(options) })
    };
    let by = by.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    Ok(take_record_batch(batch, &lexsort_to_indices(&by, None)?)?)
}
