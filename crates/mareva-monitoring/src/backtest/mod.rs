//! Rules over finished tables of any size in stock DataFusion: the oracle's engine, fed so that whole tables never stand in
//! memory. Files enter opened (one [`TableFile`] for each thread), detections leave.
//!
//! Rules whose windows share a key column share the work: rows are split once by that column into parts that fit in
//! memory, each part is sorted once by (key, time), and every such rule runs over every part. As no window reaches from one
//! key to another, the parts together give what the whole table gives. A rule without such a column runs over the
//! whole table, streamed, and spills.

mod found;
mod needs;
mod observe;
mod parts;
mod picked;
mod source;
mod spread;
#[cfg(test)]
mod tests;
mod variant;
mod whole;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use parquet::errors::ParquetError;

pub(crate) use found::over;
pub use found::{Raised, counts_signals_of, second_level};
pub(crate) use needs::columns_read;
pub use needs::{Pass, passes};
pub use observe::{Seen, Through, earliest, labelled_rows, rows_twice, through};
pub(crate) use parts::sorted;
pub use parts::{Part, PartAccounts, split};
#[cfg(test)]
pub(crate) use picked::register as by_row_id;
pub(crate) use picked::{are_in, put_into};
pub use source::{AccountTable, Holds, TableFile};
pub use variant::Variant;
pub use whole::run_whole;

/// Threads of a back-test, and readers of each file: what the figures in `benches/README.md` are taken at.
pub const THREADS: usize = 2;

/// Why a back-test cannot go on. No message repeats a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// Stock DataFusion refuses the whole query where the engine judges a row unknown.
    #[error(
        "rule {rule} fails in stock DataFusion ({kind}); guard what can fail with CASE WHEN … END, see rules/README.md"
    )]
    Rule {
        /// Its id.
        rule: String,
        /// What kind of failure.
        kind: &'static str,
    },
    /// A rule names so much that nobody could look at it.
    #[error("rule {rule} names more than {most} rows; raise its threshold")]
    TooMany {
        /// Its id.
        rule: String,
        /// What is taken.
        most: usize,
    },
    /// What a column kernel reports.
    #[error("the tables cannot be read ({0}); write them anew with `mareva replay --tables`")]
    Columns(&'static str),
    /// What a Parquet file reports.
    #[error("{file} cannot be read ({kind}); write it anew with `mareva replay --tables`")]
    Parquet {
        /// Its name.
        file: String,
        /// What is wrong with it.
        kind: &'static str,
    },
    /// A value that no row of a table is without.
    #[error("{file} has a row without {column}; correct it, or write it anew with `mareva replay --tables`")]
    Null {
        /// Its name.
        file: String,
        /// The column.
        column: String,
    },
    /// What the file system reports.
    #[error("a temporary file cannot be written or read ({0}); check the space in the folder that TMPDIR names")]
    Disk(std::io::Error),
}

impl From<ArrowError> for BacktestError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) => Self::Disk(error),
            other => Self::Columns(crate::error::kernel_kind(&other)),
        }
    }
}

impl BacktestError {
    /// Of a file that holds a table.
    fn parquet(file: &str, error: &ParquetError) -> Self {
        let kind = match error {
            ParquetError::EOF(_) => "it ends too early",
            ParquetError::NYI(_) => "it uses something that is not supported",
            _ => "it is damaged",
        };
        Self::Parquet { file: file.to_owned(), kind }
    }

    /// Of rows that are read from a file.
    fn of_file(file: &str, error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) => Self::Disk(error),
            // A table's rows are taken as they are: whatever fails is in the file.
            _ => Self::Parquet { file: file.to_owned(), kind: "it is damaged" },
        }
    }

    pub(crate) fn of_rule(rule: &str, error: &DataFusionError) -> Self {
        let kind = match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => "it takes more memory than a back-test may",
            DataFusionError::External(cause) => match cause.downcast_ref::<Self>() {
                // The rule has not failed, but the file that it reads.
                Some(Self::Parquet { file, kind }) => return Self::Parquet { file: file.clone(), kind },
                Some(Self::Null { file, column }) => return Self::Null { file: file.clone(), column: column.clone() },
                _ => crate::error::kind(error),
            },
            _ => crate::error::kind(error),
        };
        Self::Rule { rule: rule.to_owned(), kind }
    }
}
