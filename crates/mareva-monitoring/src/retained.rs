//! Accepted transactions, retained once, all columns, in numbered segments.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use mareva_model::{Kind, Prepared, SourcePosition, Status, Text, TransactionBatch, prepared_schema};

use crate::key::{Key, KeyBuild, key_of};

/// Rows after which the open batches are joined into one sealed segment.
const SEGMENT_ROWS: usize = 16_384;

/// Number of an accepted transaction, from 0, in the order of acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowNumber(pub u64);

/// Which way money moves, seen from the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// The account pays.
    Out,
    /// The account receives.
    In,
}

/// One leg of a retained transaction, seen from an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// The transaction.
    pub row: RowNumber,
    /// Way of the money.
    pub direction: Direction,
    /// UTC milliseconds.
    pub event_time: i64,
    /// Hundredths of the reference currency; null without a rate or from 10^12 units on.
    pub amount_ref: Option<i64>,
}

#[derive(Debug)]
struct Segment {
    first: u64,
    rows: TransactionBatch,
    latest: i64,
}

/// The transactions that rules may still look back on, found by number, identity or account.
///
/// Bounded by time: [`RetainedRows::expire`] drops whole segments that nothing can reach any more.
#[derive(Debug, Default)]
pub struct RetainedRows {
    segments: VecDeque<Segment>,
    next: u64,
    by_row_id: HashMap<Key, u64, KeyBuild>,
    /// Legs of each account, `row << 1 | leg` (1 = in), ordered by time.
    by_account: HashMap<Key, VecDeque<(i64, u64)>, KeyBuild>,
}

/// Whether a transaction moves money between accounts: a rejected payment moves nothing, a trade stays inside.
pub fn moves(status: &str, kind: &str) -> bool {
    status != Status::Rejected.as_str() && kind != Kind::Trade.as_str()
}

impl RetainedRows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Retains a prepared batch and returns the numbers of its rows.
    pub fn insert(&mut self, batch: &TransactionBatch) -> Range<u64> {
        let first = self.next;
        if batch.is_empty() {
            return first..first;
        }
        let (times, ids) = (batch.event_time(), batch.text(Text::RowId));
        let (status, kind) = (batch.text(Text::Status), batch.text(Text::Kind));
        let legs = [batch.text(Text::Originator), batch.text(Text::Beneficiary)];
        for row in 0..batch.len() {
            let number = first + row as u64;
            self.by_row_id.insert(key_of(ids.value(row)), number);
            if !moves(status.value(row), kind.value(row)) {
                continue;
            }
            for (leg, accounts) in legs.iter().enumerate() {
                if accounts.is_valid(row) {
                    let ring = self.by_account.entry(key_of(accounts.value(row))).or_default();
                    let time = times.value(row);
                    let at = match ring.back() {
                        Some((last, _)) if *last > time => ring.partition_point(|(t, _)| *t <= time),
                        _ => ring.len(),
                    };
                    ring.insert(at, (time, number << 1 | leg as u64));
                }
            }
        }
        self.next += batch.len() as u64;
        let latest = times.values().iter().copied().max().unwrap_or(i64::MIN);
        self.segments.push_back(Segment { first, rows: batch.clone(), latest });
        self.seal();
        first..self.next
    }

    /// Joins the open batches at the end into one segment once they are long enough.
    fn seal(&mut self) {
        let open = self.segments.iter().rev().take_while(|s| s.rows.len() < SEGMENT_ROWS).count();
        let from = self.segments.len() - open;
        let rows: usize = self.segments.iter().skip(from).map(|s| s.rows.len()).sum();
        if rows < SEGMENT_ROWS || open < 2 {
            return;
        }
        let parts: Vec<&RecordBatch> = self.segments.iter().skip(from).map(|s| s.rows.batch()).collect();
        // All parts have the prepared schema, so joining them cannot fail; if it did, they stay as they are.
        let Ok(joined) = concat_batches(&prepared_schema(), parts) else { return };
        let Ok(rows) = TransactionBatch::try_new(joined) else { return };
        let latest = self.segments.iter().skip(from).map(|s| s.latest).max().unwrap_or(i64::MIN);
        let first = self.segments[from].first;
        self.segments.truncate(from);
        self.segments.push_back(Segment { first, rows, latest });
    }

    /// Drops the segments at the front whose rows are all before `before` (UTC milliseconds) and returns the batches that
    /// went, with the number of their first row, so that timelines can let go of them.
    pub fn expire(&mut self, before: i64) -> Vec<(u64, TransactionBatch)> {
        let mut gone = Vec::new();
        while self.segments.front().is_some_and(|s| s.latest < before) {
            let Some(segment) = self.segments.pop_front() else { break };
            let end = segment.first + segment.rows.len() as u64;
            let ids = segment.rows.text(Text::RowId);
            for row in 0..segment.rows.len() {
                self.by_row_id.remove(&key_of(ids.value(row)));
            }
            let parties = [segment.rows.text(Text::Originator), segment.rows.text(Text::Beneficiary)];
            let mut keys: Vec<Key> = parties.iter().flat_map(|p| p.iter().flatten()).map(key_of).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                if let Some(ring) = self.by_account.get_mut(&key) {
                    ring.retain(|(_, leg)| leg >> 1 >= end);
                    if ring.is_empty() {
                        self.by_account.remove(&key);
                    }
                }
            }
            gone.push((segment.first, segment.rows));
        }
        gone
    }

    /// Number of the first row still retained.
    pub fn first(&self) -> u64 {
        self.segments.front().map_or(self.next, |s| s.first)
    }

    /// Number that the next row will get.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Rows retained.
    pub fn len(&self) -> u64 {
        self.next - self.first()
    }

    /// Whether none is retained.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the retained columns and their indexes, as allocated.
    pub fn bytes(&self) -> usize {
        let columns: usize = self.segments.iter().map(|s| s.rows.batch().get_array_memory_size()).sum();
        let rings: usize = self.by_account.values().map(|r| r.capacity() * 16 + 64).sum();
        columns + rings + self.by_row_id.capacity() * 25
    }

    /// The retained batches with the number of their first row, oldest first.
    pub fn batches(&self) -> impl Iterator<Item = (u64, &TransactionBatch)> {
        self.segments.iter().map(|s| (s.first, &s.rows))
    }

    /// Starts numbering at `first`: only for an empty store that is about to be restored.
    pub fn start_at(&mut self, first: u64) {
        if self.segments.is_empty() {
            self.next = first;
        }
    }

    /// The retained transaction with this identity.
    pub fn find(&self, row_id: &str) -> Option<RowNumber> {
        self.find_key(key_of(row_id), row_id)
    }

    /// The same where the key of the identity is at hand.
    pub fn find_key(&self, key: Key, row_id: &str) -> Option<RowNumber> {
        let number = RowNumber(*self.by_row_id.get(&key)?);
        (self.transaction(number)?.text(Text::RowId) == Some(row_id)).then_some(number)
    }

    /// Batch and index of a row.
    pub(crate) fn locate(&self, row: u64) -> Option<(usize, usize)> {
        let segment = self.segments.partition_point(|s| s.first <= row).checked_sub(1)?;
        let index = (row - self.segments[segment].first) as usize;
        (index < self.segments[segment].rows.len()).then_some((segment, index))
    }

    /// The n-th batch, as [`RetainedRows::locate`] counts them.
    pub(crate) fn batch(&self, segment: usize) -> &TransactionBatch {
        &self.segments[segment].rows
    }

    /// A retained transaction.
    pub fn transaction(&self, row: RowNumber) -> Option<TransactionView<'_>> {
        let (segment, index) = self.locate(row.0)?;
        Some(TransactionView { batch: &self.segments[segment].rows, index })
    }

    /// Movements of an account with `from` ≤ event time ≤ `to`, ordered by (event time, `row_id`, out before in).
    pub fn movements(&self, account: &str, from: i64, to: i64) -> Vec<Movement> {
        let Some(ring) = self.by_account.get(&key_of(account)) else { return Vec::new() };
        let start = ring.partition_point(|(time, _)| *time < from);
        let mut found: Vec<(i64, &str, Direction, Movement)> = Vec::new();
        for (time, leg) in ring.range(start..).take_while(|(time, _)| *time <= to) {
            let row = RowNumber(leg >> 1);
            let direction = if leg & 1 == 1 { Direction::In } else { Direction::Out };
            let Some((segment, index)) = self.locate(row.0) else { continue };
            let view = TransactionView { batch: &self.segments[segment].rows, index };
            let side = if direction == Direction::In { Text::Beneficiary } else { Text::Originator };
            if view.text(side) != Some(account) {
                continue;
            }
            let movement = Movement { row, direction, event_time: *time, amount_ref: view.amount_ref() };
            found.push((*time, self.segments[segment].rows.text(Text::RowId).value(index), direction, movement));
        }
        found.sort_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)));
        found.into_iter().map(|(.., movement)| movement).collect()
    }
}

/// One retained transaction.
#[derive(Debug, Clone, Copy)]
pub struct TransactionView<'a> {
    batch: &'a TransactionBatch,
    index: usize,
}

impl<'a> TransactionView<'a> {
    /// A row of a prepared batch.
    pub fn new(batch: &'a TransactionBatch, index: usize) -> Self {
        Self { batch, index }
    }

    /// The batch and index behind it.
    pub fn place(&self) -> (&'a TransactionBatch, usize) {
        (self.batch, self.index)
    }

    /// A wire text.
    pub fn text(&self, text: Text) -> Option<&'a str> {
        let column = self.batch.text(text);
        column.is_valid(self.index).then(|| column.value(self.index))
    }

    /// A prepared text.
    pub fn prepared_text(&self, prepared: Prepared) -> Option<&'a str> {
        let column = self.batch.prepared_text(prepared);
        column.is_valid(self.index).then(|| column.value(self.index))
    }

    /// Whether a prepared flag is set.
    pub fn prepared_flag(&self, prepared: Prepared) -> bool {
        let column = self.batch.prepared_flag(prepared);
        column.is_valid(self.index) && column.value(self.index)
    }

    /// Amount in units of 10^-18 of its currency.
    pub fn amount(&self) -> Option<i128> {
        let column = self.batch.amount();
        column.is_valid(self.index).then(|| column.value(self.index))
    }

    /// Amount in hundredths of the reference currency.
    pub fn amount_ref(&self) -> Option<i64> {
        self.prepared_amount(Prepared::AmountRef)
    }

    /// A prepared amount, hundredths of the reference currency.
    pub fn prepared_amount(&self, prepared: Prepared) -> Option<i64> {
        let column = self.batch.prepared_amount(prepared);
        // `ReferenceAmount` keeps every such value inside 64 bits.
        column.is_valid(self.index).then(|| i64::try_from(column.value(self.index)).ok()).flatten()
    }

    /// UTC milliseconds.
    pub fn event_time(&self) -> i64 {
        self.batch.event_time().value(self.index)
    }

    /// Log index on the chain.
    pub fn log_index(&self) -> Option<i64> {
        let column: &ArrayRef = self.batch.batch().column(mareva_model::column::LOG_INDEX);
        let column = column.as_any().downcast_ref::<arrow::array::Int64Array>()?;
        column.is_valid(self.index).then(|| column.value(self.index))
    }

    /// Where it was read.
    pub fn position(&self) -> SourcePosition {
        SourcePosition {
            topic: self.text(Text::Topic).unwrap_or_default().to_owned(),
            partition: self.batch.partition().value(self.index),
            offset: self.batch.offset().value(self.index),
            index: self.batch.index().value(self.index),
        }
    }
}
