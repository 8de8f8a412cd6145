//! A rule over a whole table that is streamed from its files: for rules whose windows share no key column.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use mareva_model::Detection;

use super::parts::context;
use super::source::projected;
use super::{AccountTable, BacktestError, Pass, TableFile, Variant};
use crate::oracle;
use crate::tables::schema_of;

/// What sorts of a whole table may take in memory; beyond it they spill.
const POOL: usize = 6 << 30;

/// Every n-th row group of some files.
#[derive(Debug)]
struct Stripe {
    files: Arc<Vec<TableFile>>,
    columns: Vec<String>,
    schema: SchemaRef,
    stripe: usize,
    of: usize,
}

impl PartitionStream for Stripe {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (files, columns, stripe, of) = (self.files.clone(), self.columns.clone(), self.stripe, self.of);
        let batches = (0..files.len()).flat_map(move |file| -> Box<dyn Iterator<Item = _> + Send> {
            match files[file].read(&columns, stripe, of) {
                Ok(rows) => Box::new(rows),
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        });
        let batches = batches.map(|batch| batch.map_err(|error| DataFusionError::External(Box::new(error))));
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), futures::stream::iter(batches)))
    }
}

/// Runs the rule of a pass without a key. `stripes` holds the same files once for each thread.
///
/// # Errors
/// What stock DataFusion reports of the rule.
pub async fn run_whole(
    pass: &Pass,
    variant: &Variant,
    stripes: &[Arc<Vec<TableFile>>],
    accounts: &AccountTable,
) -> Result<Vec<Detection>, BacktestError> {
    let rule = &variant.rule;
    let failed = |error: DataFusionError| BacktestError::of_rule(&rule.reference.id, &error);
    // The columns of the rule alone: a streaming table reads all it has.
    let schema = projected(&schema_of(pass.table), &pass.columns)?;
    let partition = |(stripe, files): (usize, &Arc<Vec<TableFile>>)| -> Arc<dyn PartitionStream> {
        let (columns, schema) = (pass.columns.clone(), schema.clone());
        Arc::new(Stripe { files: files.clone(), columns, schema, stripe, of: stripes.len() })
    };
    let partitions = stripes.iter().enumerate().map(partition).collect();
    let table = StreamingTable::try_new(schema.clone(), partitions).map_err(failed)?;
    let context = context(stripes.len(), POOL).map_err(failed)?;
    context.register_table(pass.table.name(), Arc::new(table)).map_err(failed)?;
    oracle::register(&context, "accounts", accounts.0.clone()).map_err(failed)?;
    oracle::run(&context, rule).await.map_err(failed)
}
