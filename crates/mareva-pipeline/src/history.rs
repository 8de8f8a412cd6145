//! Rows from before the stream, that rules look back on and never judge.

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use mareva_model::{SourcePosition, TransactionBatch};
use mareva_monitoring::{Monitor, RowNumber};
use serde::{Deserialize, Serialize};

use crate::config::Parts;
use crate::decoding::DecodedSlice;
use crate::error::Error;
use crate::prepare::{is_ahead, position};

/// What of the retained rows is history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History {
    /// Retained rows with a lower number.
    rows: u64,
    /// Whether the stream has not brought a transaction since: where it begins is not known.
    open: bool,
}

/// History that reached into the stream, and where it was cut off: the stream brings the rest itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryCut {
    /// The earliest transaction of the first slice of the stream that holds any, but for one in a hundred.
    pub first: SourcePosition,
    /// Rows from here on were left out: its time less the allowed lateness, UTC milliseconds.
    pub from: i64,
    /// How many.
    pub left_out: u64,
    /// Rows before.
    pub kept: u64,
}

impl History {
    /// After rows of it were loaded, of which `next` follows the last.
    pub fn loaded(&mut self, next: u64) {
        *self = Self { rows: next, open: true };
    }

    /// Whether a retained row was loaded as history: nobody has screened it.
    pub fn holds(self, row: RowNumber) -> bool {
        row.0 < self.rows
    }

    /// Ends history where the stream begins, once a slice shows that. A row in both would be a repeat in the stream, which
    /// nothing judges. Gives the monitor without the rows that are left out, where there are any.
    pub fn end_before(
        &mut self,
        decoded: &DecodedSlice,
        parts: &Parts,
        monitor: &Monitor,
    ) -> Result<Option<(Monitor, HistoryCut)>, Error> {
        if !self.open {
            return Ok(None);
        }
        let Some((earliest, first)) = earliest(decoded, parts) else { return Ok(None) };
        self.open = false;
        let from = earliest.saturating_sub(parts.config.allowed_lateness_ms);
        let early = |batch: &TransactionBatch| -> BooleanArray {
            batch.event_time().values().iter().map(|time| Some(*time < from)).collect()
        };
        let batches = || monitor.retained().batches().map(|(_, batch)| batch);
        let kept: u64 = batches().map(|batch| early(&batch).true_count() as u64).sum();
        let left_out = monitor.retained().len() - kept;
        if left_out == 0 {
            return Ok(None);
        }
        let mut shorter = monitor.emptied()?;
        for batch in batches() {
            let rows = filter_record_batch(batch.batch(), &early(&batch))?;
            if rows.num_rows() > 0 {
                shorter.load(&TransactionBatch::try_new(rows).map_err(|_| Error::Schema)?)?;
            }
        }
        self.rows = shorter.retained().next();
        Ok(Some((shorter, HistoryCut { first, from, left_out, kept })))
    }
}

/// Of a hundred transactions of the first slice one may be a straggler from long before: the stream does not begin there.
const STRAGGLERS_ONE_IN: usize = 100;

/// Time and place of the earliest transaction of a slice whose time can be trusted, but for stragglers.
fn earliest(decoded: &DecodedSlice, parts: &Parts) -> Option<(i64, SourcePosition)> {
    let mut found: Vec<(i64, SourcePosition)> = Vec::new();
    for batch in decoded.parts.iter().map(|part| &part.decoded.batch) {
        let (times, append) = (batch.event_time().values(), batch.append_time().values());
        let rows = times.iter().zip(append).enumerate();
        let trusted = rows.filter(|(_, (time, append))| !is_ahead(**time, **append, &parts.config));
        found.extend(trusted.map(|(row, (time, _))| (*time, position(batch, row))));
    }
    found.sort_by_key(|(time, _)| *time);
    let at = found.len() / STRAGGLERS_ONE_IN;
    found.into_iter().nth(at)
}
