//! Expressions over rows. The value is computed for all rows at once; where that fails, for each row alone, so that a row
//! costs no other its value.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::concat;
use arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use mareva_model::RuleRef;

use crate::error::{Error, kind};
use crate::program::Bound;

/// Evaluations of a rule that failed on rows, all of one kind. It holds no value of the data.
///
/// A condition of `WHERE`, `FILTER` or `QUALIFY` that fails on a row is not true there, an argument that fails adds
/// nothing to its aggregate, an output column that fails is null, and a row whose `row_id` or `subject` fails is no
/// detection. Stock DataFusion would refuse the whole query.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RuleFailure {
    /// The rule.
    pub rule: String,
    /// Part of its SQL.
    pub part: String,
    /// Columns of the table that it reads.
    pub reads: String,
    /// Kind of the first error.
    pub kind: &'static str,
    /// Rows on which it failed, each as often as it was evaluated.
    pub rows: u64,
}

impl RuleFailure {
    pub(crate) fn new(rule: &RuleRef, part: String, bound: &Bound, failed: &Failed) -> Self {
        let rows = failed.rows.count_set_bits() as u64;
        Self { rule: rule.id.clone(), part, reads: bound.reads.clone(), kind: failed.kind, rows }
    }

    /// Adds it to those that are known: one entry for each rule, part and kind.
    pub(crate) fn note(&self, known: &mut Vec<Self>) {
        let same = |one: &&mut Self| (&one.rule, &one.part, one.kind) == (&self.rule, &self.part, self.kind);
        match known.iter_mut().find(same) {
            Some(one) => one.rows += self.rows,
            None => known.push(self.clone()),
        }
    }
}

impl std::fmt::Display for RuleFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rule, part, reads, kind, rows } = self;
        write!(f, "rule {rule} failed on {rows} rows: {kind}, in {part}")?;
        if reads.is_empty() { Ok(()) } else { write!(f, ", which reads {reads}") }
    }
}

/// The value of an expression on some rows.
pub(crate) struct Evaluated {
    /// Null where it failed.
    pub array: ArrayRef,
    pub failed: Option<Failed>,
}

/// Rows on which an expression failed.
#[derive(Clone)]
pub(crate) struct Failed {
    pub rows: BooleanBuffer,
    /// Of the first of them.
    pub kind: &'static str,
}

impl Bound {
    /// The value on every row. Which rows fail does not depend on the rows beside them.
    pub fn evaluate(&self, arrays: Vec<ArrayRef>, rows: usize) -> Result<Evaluated, Error> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?;
        match self.over(&batch) {
            Ok(array) => Ok(Evaluated { array, failed: None }),
            Err(_) => self.row_by_row(&batch),
        }
    }

    fn over(&self, batch: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
        self.expr.evaluate(batch)?.into_array(batch.num_rows())
    }

    fn row_by_row(&self, batch: &RecordBatch) -> Result<Evaluated, Error> {
        let null = new_null_array(&self.expr.data_type(&self.schema)?, 1);
        let mut first = None;
        let mut values = Vec::with_capacity(batch.num_rows());
        let mut failed = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let value = self.over(&batch.slice(row, 1));
            failed.push(value.is_err());
            values.push(value.unwrap_or_else(|error| {
                first.get_or_insert_with(|| kind(&error));
                null.clone()
            }));
        }
        let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
        let failed = first.map(|kind| Failed { rows: BooleanBuffer::from(failed), kind });
        Ok(Evaluated { array: concat(&values)?, failed })
    }
}

/// Where a condition is true; null is not true.
pub(crate) fn truth(array: &ArrayRef) -> Result<BooleanBuffer, Error> {
    if array.data_type() == &DataType::Null {
        return Ok(BooleanBuffer::new_unset(array.len()));
    }
    let array: &BooleanArray = array.as_boolean_opt().ok_or(Error::Column)?;
    Ok(match array.nulls() {
        Some(nulls) => array.values() & nulls.inner(),
        None => array.values().clone(),
    })
}
