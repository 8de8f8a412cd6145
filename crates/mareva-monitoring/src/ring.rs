//! The rows of a timeline in the order of time. They come at the end, mostly, and leave at the front.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::Range;

/// A row on a timeline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RingRow {
    pub time: i64,
    pub row: u64,
}

/// Most keys have one row: it lies in the place of what would say where several are.
#[derive(Debug)]
enum Rows {
    One(RingRow),
    Several(VecDeque<RingRow>),
}

impl Default for Rows {
    fn default() -> Self {
        Self::Several(VecDeque::new())
    }
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Several(rows) => rows.len(),
        }
    }

    fn get(&self, index: usize) -> Option<&RingRow> {
        match self {
            Self::One(row) => (index == 0).then_some(row),
            Self::Several(rows) => rows.get(index),
        }
    }

    fn range(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = &RingRow> + '_ {
        range.filter_map(|index| self.get(index))
    }

    /// The first index for whose row this does not hold, where it holds for all before. Goes in ever longer steps from `near`: to search
    /// a long ring by halves would fetch rows from all over it.
    fn partition_point(&self, near: usize, holds: impl Fn(&RingRow) -> bool) -> usize {
        let is_before = |index: usize| self.get(index).is_some_and(&holds);
        // It holds for all rows before `low`, and for none from `high` on.
        let (mut high, mut step) = (self.len(), 1);
        let mut low;
        let near = near.min(high);
        if is_before(near) {
            low = near + 1;
            while low + step < high && is_before(low + step) {
                (low, step) = (low + step + 1, 2 * step);
            }
            high = high.min(low + step);
        } else {
            high = near;
            while step < high && !is_before(high - step) {
                (high, step) = (high - step, 2 * step);
            }
            low = high.saturating_sub(step);
        }
        while low < high {
            let middle = low.midpoint(high);
            if is_before(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn insert(&mut self, index: usize, row: RingRow) {
        match self {
            Self::Several(rows) if rows.is_empty() => *self = Self::One(row),
            Self::Several(rows) => {
                if rows.len() == rows.capacity() {
                    rows.reserve_exact(rows.len());
                }
                rows.insert(index, row);
            }
            Self::One(first) => {
                let mut rows = VecDeque::with_capacity(2);
                rows.push_back(*first);
                rows.insert(index, row);
                *self = Self::Several(rows);
            }
        }
    }

    fn remove(&mut self, index: usize) {
        match self {
            Self::One(_) => *self = Self::default(),
            Self::Several(rows) => _ = rows.remove(index),
        }
    }

    fn drop_front(&mut self, count: usize) {
        match self {
            Self::One(_) if count > 0 => *self = Self::default(),
            Self::One(_) => {}
            Self::Several(rows) => {
                rows.drain(..count);
                // What a key needed in busy times is not kept through quiet ones.
                if rows.capacity() > 4 * rows.len().max(4) {
                    rows.shrink_to(2 * rows.len());
                }
            }
        }
    }
}

/// A position counts from the first row that was ever there, modulo 2^32: fewer rows than 2^31 are ever retained.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    rows: Rows,
    /// Position of the front.
    front: u32,
    /// Position after the last row that was asked about: the next one is near.
    pub asked: u32,
}

/// A window moves on by few rows at a time: so many are tried before all are searched.
const NEAR: usize = 8;

impl Ring {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    pub fn last_time(&self) -> Option<i64> {
        self.rows.get(self.rows.len().wrapping_sub(1)).map(|last| last.time)
    }

    fn index(&self, at: u32) -> usize {
        at.wrapping_sub(self.front) as usize
    }

    fn position(&self, index: usize) -> u32 {
        self.front.wrapping_add(index as u32)
    }

    /// Position after the last row.
    pub fn end(&self) -> u32 {
        self.position(self.rows.len())
    }

    pub fn is_before(&self, a: u32, b: u32) -> bool {
        (a.wrapping_sub(b) as i32) < 0
    }

    /// Rows between two positions.
    pub fn between(&self, a: u32, b: u32) -> u32 {
        (a.wrapping_sub(b) as i32).unsigned_abs()
    }

    /// Whether so many rows before a position are of a time or later.
    pub fn has_since(&self, time: i64, at: u32, rows: u32) -> bool {
        let first = self.index(at).checked_sub(rows as usize);
        first.and_then(|first| self.rows.get(first)).is_some_and(|first| first.time >= time)
    }

    /// The position so many rows before this one, or of the front if there are fewer.
    pub fn back_from(&self, at: u32, rows: u32) -> u32 {
        at.wrapping_sub(rows.min(self.between(at, self.front)))
    }

    /// The row at a position.
    pub fn row(&self, at: u32) -> Option<u64> {
        self.rows.get(self.index(at)).map(|found| found.row)
    }

    /// The rows `[from, to)`; none where `to` is not beyond `from`.
    pub fn rows(&self, from: u32, to: u32) -> impl DoubleEndedIterator<Item = u64> + '_ {
        let (first, last) = if self.is_before(from, to) { (self.index(from), self.index(to)) } else { (0, 0) };
        self.rows.range(first..last).map(|found| found.row)
    }

    /// The rows from a position on, or those before it.
    pub fn from(&self, at: u32) -> impl Iterator<Item = RingRow> + '_ {
        self.rows.range(self.index(at).min(self.rows.len())..self.rows.len()).copied()
    }

    /// See [`Ring::from`]; the last one first.
    pub fn before(&self, at: u32) -> impl Iterator<Item = RingRow> + '_ {
        self.rows.range(0..self.index(at).min(self.rows.len())).rev().copied()
    }

    /// Position of the first row for which this does not hold, where it holds for all before: near the last row, mostly.
    pub fn partition(&self, holds: impl Fn(&RingRow) -> bool) -> u32 {
        self.position(self.rows.partition_point(self.rows.len(), holds))
    }

    /// The same for times below `time`, which are likely to end near the position `hint`.
    pub fn first_at_or_after(&self, time: i64, hint: u32) -> u32 {
        let mut at = self.index(hint).min(self.rows.len());
        for _ in 0..NEAR {
            if self.rows.get(at).is_some_and(|row| row.time < time) {
                at += 1;
            } else if at.checked_sub(1).and_then(|before| self.rows.get(before)).is_some_and(|row| row.time >= time) {
                at -= 1;
            } else {
                return self.position(at);
            }
        }
        self.position(self.rows.partition_point(at, |row| row.time < time))
    }

    /// Position of the first row at `time` or later, where all before it are about to go: they are looked at one by one, since to
    /// search a long ring would fetch rows from all over it.
    pub fn after_front(&self, time: i64) -> u32 {
        let all = self.rows.range(0..self.rows.len());
        self.position(all.take_while(|row| row.time < time).count())
    }

    pub fn push(&mut self, row: RingRow) {
        self.rows.insert(self.rows.len(), row);
    }

    pub fn insert(&mut self, at: u32, row: RingRow) {
        self.rows.insert(self.index(at), row);
    }

    pub fn remove(&mut self, at: u32) {
        self.rows.remove(self.index(at));
    }

    /// Position of a row.
    pub fn find(&self, time: i64, row: u64) -> Option<u32> {
        let from = self.rows.partition_point(self.rows.len(), |r| r.time < time);
        let later = self.rows.range(from..self.rows.len());
        let index = later.take_while(|r| r.time == time).position(|r| r.row == row)?;
        Some(self.position(from + index))
    }

    /// Drops the rows before a position.
    pub fn expire(&mut self, front: u32) {
        self.rows.drop_front(self.index(front));
        self.front = front;
    }
}
