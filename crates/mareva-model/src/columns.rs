//! How columns are collected: most of them are absent from most batches.

use std::sync::Arc;

use arrow::array::{Array, ArrayBuilder, ArrayRef, StringBuilder, new_null_array};
use arrow::datatypes::DataType;

/// A text column that is being collected. Nulls cost nothing until a text comes.
#[derive(Debug, Default)]
pub struct TextColumn {
    builder: StringBuilder,
    /// Nulls behind what the builder holds.
    nulls: usize,
    /// Room for so many rows and bytes of text when a text comes.
    room: (usize, usize),
}

impl TextColumn {
    /// Adds a row.
    pub fn append(&mut self, text: Option<&str>) {
        let Some(text) = text else {
            self.nulls += 1;
            return;
        };
        if self.builder.is_empty() {
            let (rows, bytes) = self.room;
            self.builder = StringBuilder::with_capacity(rows.max(self.nulls + 1), bytes);
        }
        if self.nulls > 0 {
            self.builder.append_nulls(std::mem::take(&mut self.nulls));
        }
        self.builder.append_value(text);
    }

    /// The column of all rows since the last call, which the next one is taken to be like.
    pub fn finish(&mut self) -> ArrayRef {
        let nulls = std::mem::take(&mut self.nulls);
        if self.builder.is_empty() {
            return new_null_array(&DataType::Utf8, nulls);
        }
        if nulls > 0 {
            self.builder.append_nulls(nulls);
        }
        let column = self.builder.finish();
        let bytes = column.values().len();
        // Batches of one size do not have the same bytes: a sixteenth more, or it would double.
        self.room = (column.len(), bytes + bytes / 16);
        Arc::new(column)
    }
}

#[cfg(test)]
mod tests;
