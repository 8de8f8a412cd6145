//! Accepted transactions, retained once, all columns, in numbered segments.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use mareva_model::{Status, Text, TransactionBatch, is_movement, prepared_schema};

use crate::error::Error;
use crate::key::{Key, key_of};
use crate::legs::Legs;

mod absent;
mod ids;
mod spill;
#[cfg(test)]
mod tests;
mod view;

use absent::AbsentColumns;
use ids::Ids;
pub use spill::{MakeFile, Spill};
use spill::{Stored, Writer};
pub use view::TransactionView;

/// Rows from which on a batch is a segment of its own; shorter ones are joined until they reach it. Half of what a busy loop
/// hands over at once, so that such batches are never copied.
const SEGMENT_ROWS: usize = 2_048;

/// Blocks that were read from disk and stay in memory for a while: some 300 MB.
const READ_BLOCKS: usize = 512;

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

#[derive(Debug, Clone)]
struct Segment {
    first: u64,
    len: usize,
    latest: i64,
    /// Bytes of the columns.
    bytes: usize,
    /// The rows; of a segment on disk while somebody has looked at them. Shared: back-fills and snapshots take all segments while
    /// the judging waits, and a batch has dozens of columns.
    rows: OnceLock<Arc<TransactionBatch>>,
    stored: Option<Stored>,
}

impl Segment {
    fn in_memory(first: u64, rows: TransactionBatch, latest: i64) -> Self {
        // Columns of nothing share their memory.
        let own = rows.batch().columns().iter().filter(|column| column.null_count() < column.len());
        let (len, bytes) = (rows.len(), own.map(|column| column.get_array_memory_size()).sum());
        Self { first, len, latest, bytes, rows: OnceLock::from(Arc::new(rows)), stored: None }
    }

    /// The rows, read for the caller alone where they are on disk.
    fn take(&self) -> io::Result<TransactionBatch> {
        match (self.rows.get(), &self.stored) {
            (Some(rows), _) => Ok(TransactionBatch::clone(rows)),
            (None, Some(stored)) => stored.read(),
            (None, None) => Err(io::Error::other("a segment without rows")),
        }
    }
}

/// Consecutive retained rows, wherever they are.
#[derive(Debug)]
pub struct Block {
    /// Number of the first.
    pub(crate) first: u64,
    pub(crate) len: usize,
    /// What they are the end of.
    segment: Segment,
}

impl Block {
    /// Number after the last.
    pub fn end(&self) -> u64 {
        self.first + self.len as u64
    }

    /// The rows, from memory or disk.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn read(&self) -> Result<TransactionBatch, Error> {
        let rows = self.segment.take().map_err(|error| Error::Disk(error.kind()))?;
        Ok(rows.slice((self.first - self.segment.first) as usize, self.len))
    }
}

/// The transactions that rules may still look back on, found by number, identity or account.
///
/// Bounded by time: [`RetainedRows::expire`] drops whole segments that nothing can reach any more.
#[derive(Debug, Default)]
pub struct RetainedRows {
    segments: VecDeque<Segment>,
    next: u64,
    by_row_id: Ids,
    legs: Legs,
    spill: Option<Spill>,
    writer: Writer,
    absent: AbsentColumns,
    /// Segments at the front that are on disk.
    stored: usize,
    /// Bytes of the columns in memory, but for those read from disk.
    in_memory: usize,
    /// First rows of the segments that were read, oldest look first.
    read: Mutex<VecDeque<u64>>,
    /// What the disk has refused.
    failed: OnceLock<io::ErrorKind>,
}

/// Whether a transaction moves money between accounts: a rejected payment moves nothing, a trade stays inside, a recall asks.
pub fn moves(status: &str, kind: &str) -> bool {
    status != Status::Rejected.as_str() && is_movement(kind)
}

/// The legs of a batch whose first row has the number `first`: account and `row << 1 | leg`, where leg 1 receives.
pub(crate) fn legs_of(batch: &TransactionBatch, first: u64) -> impl Iterator<Item = (&str, u64)> {
    let (status, kind) = (batch.text(Text::Status), batch.text(Text::Kind));
    let accounts = [batch.text(Text::Originator), batch.text(Text::Beneficiary)];
    let moving = (0..batch.len()).filter(move |row| moves(status.value(*row), kind.value(*row)));
    moving.flat_map(move |row| {
        let legs = accounts.into_iter().zip(0..).filter(move |(accounts, _)| accounts.is_valid(row));
        legs.map(move |(accounts, leg)| (accounts.value(row), (first + row as u64) << 1 | leg))
    })
}

/// The part of an account's key that [`Legs`] go by; the account itself is compared behind it.
fn hash_of(account: &str) -> u32 {
    key_of(account) as u32
}

impl RetainedRows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// One batch whose first row has this number, without indexes: to be read by number alone.
    pub(crate) fn bare(first: u64, batch: &TransactionBatch) -> Self {
        let next = first + batch.len() as u64;
        let segments = [Segment::in_memory(first, batch.clone(), i64::MAX)].into();
        Self { segments, next, ..Self::default() }
    }

    /// No rows; those that memory does not hold will go where `spill` says.
    pub fn with(spill: Option<Spill>) -> Self {
        Self { spill, ..Self::default() }
    }

    /// Retains a prepared batch and returns the numbers of its rows.
    pub fn insert(&mut self, batch: &TransactionBatch) -> Range<u64> {
        let first = self.next;
        if batch.is_empty() {
            return first..first;
        }
        self.next += batch.len() as u64;
        self.by_row_id.insert(batch.text(Text::RowId).iter().flatten().map(key_of), first);
        let times = batch.event_time().values().iter().copied();
        let (earliest, latest) = times.fold((i64::MAX, i64::MIN), |(low, high), time| (low.min(time), high.max(time)));
        let legs = legs_of(batch, first).map(|(account, leg)| (hash_of(account), leg));
        self.legs.insert(first, self.next, (earliest, latest), legs);
        self.push(first, batch.clone(), latest);
        self.seal();
        self.forget_read();
        self.spill();
        first..self.next
    }

    /// Adds a segment with these rows.
    fn push(&mut self, first: u64, rows: TransactionBatch, latest: i64) {
        let segment = Segment::in_memory(first, self.absent.share(rows), latest);
        self.in_memory += segment.bytes;
        self.segments.push_back(segment);
    }

    /// Joins the open batches at the end into one segment once they are long enough.
    fn seal(&mut self) {
        let open = self.segments.iter().rev().take_while(|s| s.stored.is_none() && s.len < SEGMENT_ROWS).count();
        let from = self.segments.len() - open;
        let rows: usize = self.segments.iter().skip(from).map(|s| s.len).sum();
        if rows < SEGMENT_ROWS || open < 2 {
            return;
        }
        let parts: Vec<&RecordBatch> =
            self.segments.iter().skip(from).filter_map(|s| s.rows.get()).map(|rows| rows.batch()).collect();
        // All parts have the prepared schema, so joining them cannot fail; if it did, they stay as they are.
        let Ok(joined) = concat_batches(&prepared_schema(), parts) else { return };
        let Ok(rows) = TransactionBatch::try_new(joined) else { return };
        let latest = self.segments.iter().skip(from).map(|s| s.latest).max().unwrap_or(i64::MIN);
        let first = self.segments[from].first;
        self.in_memory -= self.segments.drain(from..).map(|s| s.bytes).sum::<usize>();
        self.push(first, rows, latest);
    }

    /// Writes the oldest segments in memory to disk until the others fit. What the disk refuses stays in memory, and
    /// [`RetainedRows::failure`] tells.
    fn spill(&mut self) {
        let Some(Spill { memory, make }) = self.spill.clone() else { return };
        while self.in_memory > memory && self.stored + 1 < self.segments.len() {
            let segment = &self.segments[self.stored];
            let Some(rows) = segment.rows.get().filter(|_| segment.len >= SEGMENT_ROWS) else { return };
            let blocks = match self.writer.write(rows, &make) {
                Ok(blocks) => blocks,
                Err(error) => return self.note_failure(&error),
            };
            let (mut first, bytes) = (segment.first, segment.bytes);
            let mut stored = Vec::with_capacity(blocks.len());
            for (rows, block) in blocks {
                let latest = rows.event_time().values().iter().copied().max().unwrap_or(i64::MIN);
                let (len, bytes) = (rows.len(), block.bytes());
                stored.push(Segment { first, len, latest, bytes, rows: OnceLock::new(), stored: Some(block) });
                first += len as u64;
            }
            self.in_memory -= bytes;
            let later = self.segments.split_off(self.stored + 1);
            self.segments.pop_back();
            self.stored += stored.len();
            self.segments.extend(stored);
            self.segments.extend(later);
        }
    }

    /// Lets go of what was read from disk longest ago.
    fn forget_read(&mut self) {
        let read = self.read.get_mut().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<u64> = read.drain(..read.len().saturating_sub(READ_BLOCKS)).collect();
        for first in gone {
            let at = self.segments.partition_point(|s| s.first < first);
            if let Some(segment) = self.segments.get_mut(at).filter(|s| s.first == first && s.stored.is_some()) {
                segment.rows.take();
            }
        }
    }

    fn note_failure(&self, error: &io::Error) {
        // The first one tells.
        let _ = self.failed.set(error.kind());
    }

    /// What the disk has refused, if it has: rows may be missing from what was looked up since then.
    pub fn failure(&self) -> Option<io::ErrorKind> {
        self.failed.get().copied()
    }

    /// Drops the segments at the front whose rows are all before `before` (UTC milliseconds) and returns the batches that
    /// went, with the number of their first row, so that timelines can let go of them. Ends with the segment that makes it
    /// `at_most` rows or more: where less is to be kept from one moment to the next, it goes in steps.
    pub fn expire(&mut self, before: i64, at_most: usize) -> Vec<(u64, TransactionBatch)> {
        let (mut gone, mut rows) = (Vec::new(), 0);
        while rows < at_most && self.segments.front().is_some_and(|s| s.latest < before) {
            let Some(segment) = self.segments.pop_front() else { break };
            rows += segment.len;
            match segment.stored {
                Some(_) => self.stored -= 1,
                None => self.in_memory -= segment.bytes,
            }
            let batch = match segment.take() {
                Ok(batch) => batch,
                Err(error) => {
                    self.note_failure(&error);
                    continue;
                }
            };
            for id in batch.text(Text::RowId).iter().flatten() {
                self.by_row_id.remove(key_of(id));
            }
            gone.push((segment.first, batch));
        }
        self.legs.expire(self.first());
        gone
    }

    /// Where rows go that memory does not hold.
    pub(crate) fn spills_to(&self) -> Option<Spill> {
        self.spill.clone()
    }

    /// The retained rows from `from` on, oldest first, without reading those on disk.
    pub fn blocks(&self, from: u64) -> impl Iterator<Item = Block> {
        let wanted = self.segments.iter().filter(move |segment| segment.first + segment.len as u64 > from);
        wanted.map(move |segment| {
            let mut segment = segment.clone();
            if segment.stored.is_some() {
                // What somebody has looked at is not kept in memory for this.
                segment.rows.take();
            }
            let first = segment.first.max(from);
            Block { first, len: segment.len - (first - segment.first) as usize, segment }
        })
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
        self.in_memory + self.legs.bytes() + self.by_row_id.bytes()
    }

    /// Rows on disk, and their bytes there.
    pub fn on_disk(&self) -> (u64, u64) {
        let stored = self.segments.iter().take(self.stored);
        stored.fold((0, 0), |(rows, bytes), s| (rows + s.len as u64, bytes + s.bytes as u64))
    }

    /// The retained batches with the number of their first row, oldest first; those on disk are read one by one.
    /// [`RetainedRows::failure`] tells whether one was left out.
    pub fn batches(&self) -> impl Iterator<Item = (u64, TransactionBatch)> {
        self.segments.iter().filter_map(|segment| {
            let rows = segment.take().inspect_err(|error| self.note_failure(error)).ok()?;
            Some((segment.first, rows))
        })
    }

    /// Whether there are rows at the front that are all before `before`.
    pub fn expires(&self, before: i64) -> bool {
        self.segments.front().is_some_and(|segment| segment.latest < before)
    }

    /// Starts numbering at `first`: only for an empty store that is about to be restored.
    pub fn start_at(&mut self, first: u64) {
        if self.segments.is_empty() {
            self.next = first;
        }
    }

    /// The retained transaction with this identity.
    pub fn find(&self, row_id: &str) -> Option<RowNumber> {
        self.named(self.by_row_id.get(key_of(row_id))?, row_id)
    }

    /// The retained transactions with these identities, whose keys are at hand. The table is larger than any cache: all of them are
    /// looked up together, so that the processor waits for the memory of several at once.
    pub fn find_all(&self, row_ids: &StringArray, keys: &[Key]) -> Vec<Option<RowNumber>> {
        let found: Vec<Option<u64>> = keys.iter().map(|key| self.by_row_id.get(*key)).collect();
        found.into_iter().zip(row_ids).map(|(number, row_id)| self.named(number?, row_id?)).collect()
    }

    /// A row, if it has this identity.
    fn named(&self, number: u64, row_id: &str) -> Option<RowNumber> {
        let number = RowNumber(number);
        (self.transaction(number)?.text(Text::RowId) == Some(row_id)).then_some(number)
    }

    /// Batch and index of a row.
    pub(crate) fn locate(&self, row: u64) -> Option<(usize, usize)> {
        let segment = self.segments.partition_point(|s| s.first <= row).checked_sub(1)?;
        let index = (row - self.segments[segment].first) as usize;
        (index < self.segments[segment].len).then_some((segment, index))
    }

    /// The n-th batch, as [`RetainedRows::locate`] counts them.
    pub(crate) fn batch(&self, segment: usize) -> Option<&TransactionBatch> {
        let segment = self.segments.get(segment)?;
        if let Some(rows) = segment.rows.get() {
            return Some(rows);
        }
        let rows = segment.take().inspect_err(|error| self.note_failure(error)).ok()?;
        if segment.rows.set(Arc::new(rows)).is_ok() {
            self.read.lock().unwrap_or_else(PoisonError::into_inner).push_back(segment.first);
        }
        segment.rows.get().map(|rows| &**rows)
    }

    /// A retained transaction.
    pub fn transaction(&self, row: RowNumber) -> Option<TransactionView<'_>> {
        let (segment, index) = self.locate(row.0)?;
        Some(TransactionView::new(self.batch(segment)?, index))
    }

    /// Movements of an account with `from` ≤ event time ≤ `to`, ordered by (event time, `row_id`, out before in).
    pub fn movements(&self, account: &str, from: i64, to: i64) -> Vec<Movement> {
        let mut found: Vec<(i64, &str, Direction, Movement)> = Vec::new();
        for leg in self.legs.find(hash_of(account), from, to) {
            let row = RowNumber(leg >> 1);
            let direction = if leg & 1 == 1 { Direction::In } else { Direction::Out };
            let Some(view) = self.transaction(row) else { continue };
            let side = if direction == Direction::In { Text::Beneficiary } else { Text::Originator };
            let event_time = view.event_time();
            if event_time < from || to < event_time || view.text(side) != Some(account) {
                continue;
            }
            let movement = Movement { row, direction, event_time, amount_ref: view.amount_ref() };
            found.push((event_time, view.text(Text::RowId).unwrap_or_default(), direction, movement));
        }
        found.sort_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)));
        found.into_iter().map(|(.., movement)| movement).collect()
    }
}
