//! The columns of some rows that conditions, arguments and keys are computed from.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::concat;
use arrow::error::ArrowError;

use crate::dimension::Slot;
use crate::error::Error;
use crate::key::{Key, key_of, key_of_parts};
use crate::program::Bound;

/// Base columns of some rows; those that only detections need are left out.
pub(crate) struct Base {
    pub rows: Vec<u64>,
    /// The number of the transaction that each row is of.
    pub transactions: Vec<u64>,
    pub times: Vec<i64>,
    pub columns: Vec<Option<ArrayRef>>,
    /// By dimension, then row; null where a part of the key is.
    pub keys: Vec<Vec<Option<Key>>>,
    /// By dimension, then row: where the key's timeline lies, if the row is on it and that is known.
    pub slots: Vec<Vec<Option<Slot>>>,
}

impl Base {
    pub fn inputs(&self, bound: &Bound) -> Result<Vec<ArrayRef>, Error> {
        let column = |input: &usize| self.columns.get(*input).cloned().flatten().ok_or(Error::Column);
        bound.inputs.iter().map(column).collect()
    }

    pub fn join(mut self, other: Self) -> Result<Self, ArrowError> {
        if self.rows.is_empty() {
            return Ok(other);
        }
        for (mine, theirs) in self.columns.iter_mut().zip(other.columns) {
            if let (Some(a), Some(b)) = (&*mine, theirs) {
                *mine = Some(concat(&[a.as_ref(), b.as_ref()])?);
            }
        }
        for (mine, theirs) in self.keys.iter_mut().zip(other.keys) {
            mine.extend(theirs);
        }
        for (mine, theirs) in self.slots.iter_mut().zip(other.slots) {
            mine.extend(theirs);
        }
        self.rows.extend(other.rows);
        self.transactions.extend(other.transactions);
        self.times.extend(other.times);
        Ok(self)
    }
}

/// Keys of a dimension: of several columns, all of them together.
pub(crate) fn keys(positions: &[usize], columns: &[Option<ArrayRef>], rows: usize) -> Vec<Option<Key>> {
    let texts: Vec<_> = positions.iter().filter_map(|p| columns[*p].as_ref()?.as_string_opt::<i32>()).collect();
    if texts.len() != positions.len() {
        return vec![None; rows];
    }
    let null = |row: usize| texts.iter().any(|t| t.is_null(row));
    let key = |row: usize| match texts.as_slice() {
        [one] => key_of(one.value(row)),
        several => key_of_parts(several.iter().map(|t| Some(t.value(row).as_bytes()))),
    };
    (0..rows).map(|row| (!null(row)).then(|| key(row))).collect()
}
