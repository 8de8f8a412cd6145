//! The tables that rules see as Parquet, so that any engine can run a rule's SQL over them.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use mareva_model::{Detection, Digest, Table, TransactionBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::error::Error;
use crate::retained::RetainedRows;
use crate::ruleset::Ruleset;
use crate::signals::{Signal, table};
use crate::table_digest::{BESIDE_KEY, DIGEST_KEY, Digested};
use crate::tables::whole;

/// Rows that are gathered before they are written: what a writer holds in memory.
const GROUP_ROWS: usize = 65_536;

/// A Parquet file that is written batch by batch.
pub struct ParquetWriter<W: Write + Send>(ArrowWriter<Digested<W>>);

impl<W: Write + Send> ParquetWriter<W> {
    /// Begins a file for batches with the schema of this one, without its rows.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(out: W, like: &RecordBatch) -> Result<Self, ParquetError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        Ok(Self(ArrowWriter::try_new(Digested::new(out), like.schema(), Some(properties))?))
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Another schema, or what the file system reports.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        self.0.write(batch)
    }

    /// Says that these are the movements of transactions whose file has this digest.
    pub fn beside(&mut self, transactions: Digest) {
        self.0.append_key_value_metadata(KeyValue::new(BESIDE_KEY.to_owned(), transactions.to_string()));
    }

    /// Writes what is left and the footer. Gives back what it wrote to, and the digest of its pages.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn finish(mut self) -> Result<(W, Digest), ParquetError> {
        self.0.flush()?;
        self.0.sync()?;
        let (digest, said) = self.0.inner_mut().end_pages();
        self.0.append_key_value_metadata(KeyValue::new(DIGEST_KEY.to_owned(), said));
        Ok((self.0.into_inner()?.finish()?, digest))
    }
}

/// Writes one batch as a whole Parquet file, and gives back what it wrote to.
///
/// # Errors
/// What the file system reports.
pub fn write_parquet<W: Write + Send>(batch: &RecordBatch, out: W) -> Result<W, ParquetError> {
    let mut writer = ParquetWriter::new(out, batch)?;
    writer.write(batch)?;
    Ok(writer.finish()?.0)
}

/// The rows of `movements` that accepted transactions give.
///
/// # Errors
/// When a column cannot be built, which would be a fault of this crate.
pub fn movements_of(accepted: &TransactionBatch) -> Result<RecordBatch, Error> {
    let mut retained = RetainedRows::new();
    if !accepted.is_empty() {
        retained.insert(accepted);
    }
    Ok(whole(&retained, Table::Movements)?)
}

/// The rows of `signals` that settled detections give.
///
/// # Errors
/// When a column cannot be built, which would be a fault of this crate.
pub fn signals_of(ruleset: &Ruleset, settled: &[Detection]) -> Result<RecordBatch, Error> {
    Ok(signals_table(ruleset, settled)?)
}

pub(crate) fn signals_table(ruleset: &Ruleset, settled: &[Detection]) -> Result<RecordBatch, ArrowError> {
    let raising = settled.iter().filter(|detection| detection.rule.raises_signals());
    let signals: Vec<Signal> = raising.map(|found| Signal::of(found, ruleset.weight(&found.rule.id), 0)).collect();
    table(signals.iter())
}
