//! Columns of nothing but nulls: most of them, in most batches.

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::DataType;
use mareva_model::TransactionBatch;

/// One array of each type, which all such columns of a batch share: rows are retained for weeks.
#[derive(Debug, Default)]
pub(super) struct AbsentColumns(Vec<ArrayRef>);

impl AbsentColumns {
    /// The batch with shared arrays in the place of columns that hold nothing.
    pub fn share(&mut self, batch: TransactionBatch) -> TransactionBatch {
        let columns = batch.batch().columns().iter().map(|column| match column.null_count() == column.len() {
            true => self.column(column.data_type(), column.len()),
            false => column.clone(),
        });
        let shared = RecordBatch::try_new(batch.batch().schema(), columns.collect());
        // Types and lengths are those that were there.
        shared.ok().and_then(|shared| TransactionBatch::try_new(shared).ok()).unwrap_or(batch)
    }

    fn column(&mut self, kind: &DataType, rows: usize) -> ArrayRef {
        let known = self.0.iter().position(|column| column.data_type() == kind);
        let at = known.unwrap_or_else(|| {
            self.0.push(new_null_array(kind, 0));
            self.0.len() - 1
        });
        if self.0[at].len() != rows {
            self.0[at] = new_null_array(kind, rows);
        }
        self.0[at].clone()
    }
}
