//! Parquet files of the rule tables, read by the columns that are asked for.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use mareva_model::{Table, TransactionBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::BacktestError;
use crate::accounts::{Accounts, accounts_schema};
use crate::table_digest::{BESIDE_KEY, DIGEST_KEY, Footer, footer, pages_are};
use crate::tables::schema_of;

/// Rows read at a time.
const BATCH_ROWS: usize = 8_192;

/// What a file holds, told by its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Rows of a table that rules start from.
    Table(Table),
    /// The `accounts` table.
    Accounts,
}

/// An open Parquet file of one of the tables. Only one thread may read it at a time: its readers share a position.
#[derive(Debug)]
pub struct TableFile {
    file: File,
    /// What it is called in errors.
    name: Arc<str>,
    metadata: ArrowReaderMetadata,
    holds: Holds,
}

impl TableFile {
    /// Reads the footer of a file, which errors call by this name.
    ///
    /// # Errors
    /// What is wrong with it, in words for a fault.
    pub fn open(file: File, name: &str) -> Result<Self, String> {
        let damaged = || "is no Parquet file, or is damaged".to_owned();
        let footer = footer(&file).map_err(|error| format!("cannot be read ({error})"))?;
        if footer == Footer::Damaged {
            return Err("is damaged: its footer is another one than was written".to_owned());
        }
        // On some footers that are damaged the library panics (parquet 59).
        let load = || ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let metadata = catch_unwind(AssertUnwindSafe(load)).map_err(|_| damaged())?.map_err(|_| damaged())?;
        if footer == Footer::Unsaid && noted(&metadata, DIGEST_KEY).is_some() {
            return Err("is damaged: what stands before its footer is lost".to_owned());
        }
        let groups = metadata.metadata().row_groups().iter().flat_map(RowGroupMetaData::columns);
        if let Some(codec) = groups.map(ColumnChunkMetaData::compression).find(|codec| !is_read(*codec)) {
            return Err(format!("is compressed with {codec}, which is not read; zstd, snappy, lz4 and gzip are"));
        }
        let has = |name: &str| metadata.schema().field_with_name(name).is_ok();
        let holds = match () {
            () if has("row_id") && has("direction") && has("account") => Holds::Table(Table::Movements),
            () if has("row_id") && has("originator") => Holds::Table(Table::Transactions),
            () if has("row_id") && has("rule") && has("weight") => Holds::Table(Table::Signals),
            () if has("account") && has("opened_at") => Holds::Accounts,
            () => return Err("holds none of the tables transactions, movements, signals and accounts".to_owned()),
        };
        let found = Self { file, name: name.into(), metadata, holds };
        found.check()?;
        Ok(found)
    }

    fn schema(&self) -> SchemaRef {
        match self.holds {
            Holds::Table(table) => schema_of(table),
            Holds::Accounts => accounts_schema(),
        }
    }

    /// Every column must be there with its type: nothing is cast, since a cast may lose something.
    fn check(&self) -> Result<(), String> {
        for field in self.schema().fields() {
            match self.metadata.schema().field_with_name(field.name()) {
                Err(_) => return Err(format!("has no column {}", field.name())),
                Ok(found) if found.data_type() != field.data_type() => {
                    let (name, found, wanted) = (field.name(), found.data_type(), field.data_type());
                    return Err(format!("has {name} as {found} instead of {wanted}"));
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Reads the whole file and holds it against the digest in its footer. Files of others have none.
    ///
    /// # Errors
    /// That it is damaged, in words for a fault, or what the file system reports.
    pub fn check_digest(&self) -> io::Result<Result<(), String>> {
        let Some(said) = noted(&self.metadata, DIGEST_KEY) else { return Ok(Ok(())) };
        Ok(match pages_are(&self.file, said)? {
            Some(true) => Ok(()),
            Some(false) => Err("is damaged: it holds other bytes than were written".to_owned()),
            None => Err("is damaged: its footer holds no digest that can be read".to_owned()),
        })
    }

    /// The digest of its pages, of a file that says it.
    pub fn digest(&self) -> Option<&str> {
        noted(&self.metadata, DIGEST_KEY).and_then(|said| said.split_once(' ')).map(|(_, digest)| digest)
    }

    /// Of movements that say it: the digest of the transactions that they are of.
    pub fn beside(&self) -> Option<&str> {
        noted(&self.metadata, BESIDE_KEY)
    }

    /// What it holds.
    pub fn holds(&self) -> Holds {
        self.holds
    }

    /// Number of its rows.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or_default()
    }

    /// Some columns of every `of`-th row group from the `stripe`-th on, in the order asked for.
    pub(super) fn read(&self, columns: &[String], stripe: usize, of: usize) -> Result<Rows, BacktestError> {
        let groups = (stripe..self.metadata.metadata().num_row_groups()).step_by(of).collect();
        let mask = ProjectionMask::columns(self.metadata.parquet_schema(), columns.iter().map(String::as_str));
        let file = self.file.try_clone().map_err(BacktestError::Disk)?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_projection(mask)
            .with_row_groups(groups)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| BacktestError::parquet(&self.name, &error))?;
        Ok(Rows { reader, name: self.name.clone(), schema: projected(&self.schema(), columns)? })
    }

    fn all_columns(&self) -> Vec<String> {
        self.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The accounts that it holds.
    ///
    /// # Errors
    /// A damaged file.
    pub fn accounts(&self) -> Result<AccountTable, BacktestError> {
        let batches = self.read(&self.all_columns(), 0, 1)?.collect::<Result<Vec<_>, _>>()?;
        Ok(AccountTable(concat_batches(&self.schema(), &batches)?))
    }

    /// Calls `take` with some of its columns, batch by batch.
    pub(crate) fn each_batch(
        &self,
        columns: &[String],
        mut take: impl FnMut(RecordBatch) -> Result<(), BacktestError>,
    ) -> Result<(), BacktestError> {
        self.read(columns, 0, 1)?.try_for_each(|batch| take(batch?))
    }

    /// Calls `take` with its transactions, batch by batch.
    ///
    /// # Errors
    /// A damaged file, or what `take` reports.
    pub fn each_transaction<E: From<BacktestError>>(
        &self,
        mut take: impl FnMut(TransactionBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        for batch in self.read(&self.all_columns(), 0, 1)? {
            let batch = TransactionBatch::try_new(batch?);
            take(batch.map_err(|_| BacktestError::Columns("columns in another order"))?)?;
        }
        Ok(())
    }
}

/// Whether this build reads pages that are compressed so.
fn is_read(codec: Compression) -> bool {
    use Compression::{GZIP, LZ4, LZ4_RAW, SNAPPY, UNCOMPRESSED, ZSTD};
    matches!(codec, UNCOMPRESSED | SNAPPY | GZIP(_) | LZ4 | LZ4_RAW | ZSTD(_))
}

/// What a footer says under a key.
fn noted<'a>(metadata: &'a ArrowReaderMetadata, key: &str) -> Option<&'a str> {
    let pairs = metadata.metadata().file_metadata().key_value_metadata();
    pairs.into_iter().flatten().find(|pair| pair.key == key).map(|pair| pair.value.as_deref().unwrap_or_default())
}

/// The `accounts` table that rules may join.
#[derive(Debug, Clone)]
pub struct AccountTable(pub(crate) RecordBatch);

impl AccountTable {
    /// Number of accounts.
    pub fn rows(&self) -> u64 {
        self.0.num_rows() as u64
    }

    /// Whether another table says the same of the same accounts, in the same order.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.columns() == other.0.columns()
    }
}

impl From<&Accounts> for AccountTable {
    fn from(accounts: &Accounts) -> Self {
        Self(accounts.batch().clone())
    }
}

/// Some columns of a table's schema, in this order.
pub(super) fn projected(schema: &SchemaRef, columns: &[String]) -> Result<SchemaRef, BacktestError> {
    let fields = columns.iter().map(|name| Ok(schema.field_with_name(name)?.clone()));
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>, arrow::error::ArrowError>>()?)))
}

/// Batches with just the columns asked for.
pub(super) struct Rows {
    reader: ParquetRecordBatchReader,
    name: Arc<str>,
    schema: SchemaRef,
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, BacktestError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(batch.map_err(|error| BacktestError::of_file(&self.name, error)).and_then(|batch| {
            let column = |field: &arrow::datatypes::FieldRef| {
                let values = batch.column(batch.schema_ref().index_of(field.name())?);
                if !field.is_nullable() && values.null_count() > 0 {
                    let (file, column) = (self.name.to_string(), field.name().clone());
                    return Err(BacktestError::Null { file, column });
                }
                Ok(values.clone())
            };
            let columns = self.schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
            let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
        }))
    }
}
