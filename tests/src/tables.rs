//! Readers of the tables that `mareva replay --tables` writes.

use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::TimestampMillisecondType;
use mareva_monitoring::{Account, Accounts};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A whole Parquet file as one batch.
///
/// # Panics
/// When it cannot be read.
pub fn read_parquet(path: &Path) -> RecordBatch {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> =
        reader.build().expect("a readable Parquet file").collect::<Result<_, _>>().expect("readable batches");
    concat_batches(&schema, &batches).expect("batches of one schema")
}

/// The `accounts` table.
///
/// # Panics
/// When a column is missing.
pub fn accounts(batch: &RecordBatch) -> Accounts {
    let column = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
    let text = |name: &str, row: usize| {
        let array: &StringArray = column(name).as_string();
        array.is_valid(row).then(|| array.value(row).to_owned())
    };
    let opened = column("opened_at").as_primitive::<TimestampMillisecondType>();
    let rows: Vec<Account> = (0..batch.num_rows())
        .map(|row| Account {
            account: text("account", row).unwrap_or_default(),
            customer: text("customer", row),
            segment: text("segment", row),
            role: text("role", row),
            opened_at: opened.is_valid(row).then(|| opened.value(row)),
            country: text("country", row),
        })
        .collect();
    Accounts::new(&rows)
}
