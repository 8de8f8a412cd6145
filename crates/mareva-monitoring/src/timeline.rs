//! Per-key timelines: a ring of time-ordered rows, and running features that slide over it in both directions.

use std::collections::{HashMap, VecDeque};

use crate::aggregate::{AggregateKind, Running};
use crate::key::{Key, KeyBuild};

/// Rows whose facts are allocated together.
const CHUNK: usize = 8192;

/// What the features need of each row of a table: which predicates hold, and the values of the arguments.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    words: usize,
    arguments: usize,
    first: u64,
    next: u64,
    masks: VecDeque<Box<[u64]>>,
    values: VecDeque<Box<[u128]>>,
}

impl Facts {
    pub fn new(predicates: usize, arguments: usize) -> Self {
        Self { words: predicates.div_ceil(64).max(1), arguments, ..Self::default() }
    }

    /// Makes room for rows up to `end`; new rows hold no predicate until set. Numbering may start anywhere.
    pub fn extend_to(&mut self, from: u64, end: u64) {
        if self.masks.is_empty() {
            self.first = from / CHUNK as u64 * CHUNK as u64;
            self.next = self.first;
        }
        while self.next < end {
            self.masks.push_back(vec![0; CHUNK * self.words].into_boxed_slice());
            self.values.push_back(vec![0; CHUNK * self.arguments].into_boxed_slice());
            self.next += CHUNK as u64;
        }
    }

    fn at(&self, row: u64) -> (usize, usize) {
        let offset = (row - self.first) as usize;
        (offset / CHUNK, offset % CHUNK)
    }

    pub fn set_predicate(&mut self, row: u64, predicate: usize) {
        let (chunk, index) = self.at(row);
        self.masks[chunk][index * self.words + predicate / 64] |= 1 << (predicate % 64);
    }

    pub fn set_argument(&mut self, row: u64, argument: usize, value: u128) {
        let (chunk, index) = self.at(row);
        self.values[chunk][index * self.arguments + argument] = value;
    }

    pub fn holds(&self, row: u64, predicate: usize) -> bool {
        let (chunk, index) = self.at(row);
        self.masks[chunk][index * self.words + predicate / 64] >> (predicate % 64) & 1 == 1
    }

    pub fn argument(&self, row: u64, argument: usize) -> u128 {
        let (chunk, index) = self.at(row);
        self.values[chunk][index * self.arguments + argument]
    }

    /// Lets go of whole chunks before `row`.
    pub fn expire(&mut self, row: u64) {
        while self.first + CHUNK as u64 <= row && self.masks.pop_front().is_some() {
            self.values.pop_front();
            self.first += CHUNK as u64;
        }
    }

    pub fn bytes(&self) -> usize {
        self.masks.len() * CHUNK * (self.words * 8 + self.arguments * 16)
    }
}

/// One distinct windowed aggregate of a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Feature {
    pub kind: AggregateKind,
    /// Rows that count: the rule's WHERE, the aggregate's FILTER and "argument is not null".
    pub predicate: usize,
    pub argument: Option<usize>,
    /// Milliseconds before the row's time that are still inside, inclusive.
    pub span: i64,
}

impl Feature {
    fn value_of(&self, facts: &Facts, row: u64) -> u128 {
        self.argument.map_or(0, |argument| facts.argument(row, argument))
    }
}

#[derive(Debug, Clone, Copy)]
struct RingRow {
    time: i64,
    row: u64,
}

/// A feature's value over the ring rows `[tail, head)`, counted from the first row ever put on this ring.
#[derive(Debug)]
struct Cursor {
    feature: u16,
    tail: u64,
    head: u64,
    running: Running,
}

#[derive(Debug, Default)]
struct KeyTimeline {
    ring: VecDeque<RingRow>,
    /// Number of rows that have left the front.
    base: u64,
    cursors: Vec<Cursor>,
}

impl KeyTimeline {
    fn row(&self, at: u64) -> RingRow {
        self.ring[(at - self.base) as usize]
    }

    fn end(&self) -> u64 {
        self.base + self.ring.len() as u64
    }

    fn first_at_or_after(&self, time: i64) -> u64 {
        self.base + self.ring.partition_point(|row| row.time < time) as u64
    }

    /// Puts a row where it belongs; `true` when other rows of the same or a later time were there before.
    fn insert(&mut self, time: i64, row: u64, features: &[Feature], facts: &Facts) -> bool {
        match self.ring.back() {
            Some(last) if last.time >= time => {}
            _ => {
                self.ring.push_back(RingRow { time, row });
                return false;
            }
        }
        let index = self.ring.partition_point(|r| r.time <= time);
        let at = self.base + index as u64;
        for cursor in &mut self.cursors {
            let feature = &features[usize::from(cursor.feature)];
            if at < cursor.tail {
                cursor.tail += 1;
                cursor.head += 1;
            } else if at < cursor.head {
                cursor.head += 1;
                if facts.holds(row, feature.predicate) {
                    cursor.running.add(feature.value_of(facts, row));
                }
            }
        }
        self.ring.insert(index, RingRow { time, row });
        true
    }

    /// Takes a row out again; `false` when it was not there.
    fn remove(&mut self, time: i64, row: u64, features: &[Feature], facts: &Facts) -> bool {
        let from = self.ring.partition_point(|r| r.time < time);
        let Some(index) = self.ring.range(from..).position(|r| r.row == row).map(|i| i + from) else { return false };
        let at = self.base + index as u64;
        for cursor in &mut self.cursors {
            let feature = &features[usize::from(cursor.feature)];
            if at < cursor.tail {
                cursor.tail -= 1;
                cursor.head -= 1;
            } else if at < cursor.head {
                cursor.head -= 1;
                if facts.holds(row, feature.predicate) {
                    cursor.running.remove(feature.value_of(facts, row));
                }
            }
        }
        self.ring.remove(index);
        true
    }

    /// The feature over the rows with `time - span` ≤ their time ≤ `time`. Costs the rows between here and there.
    fn seek(&mut self, feature_index: u16, feature: &Feature, time: i64, facts: &Facts) -> Option<i128> {
        let from = time.saturating_sub(feature.span);
        let at = match self.cursors.iter().position(|c| c.feature == feature_index) {
            Some(at) => at,
            None => {
                let start = self.first_at_or_after(from);
                let running = Running::new(feature.kind);
                self.cursors.push(Cursor { feature: feature_index, tail: start, head: start, running });
                self.cursors.len() - 1
            }
        };
        let (mut tail, mut head) = (self.cursors[at].tail, self.cursors[at].head);
        let mut running = std::mem::replace(&mut self.cursors[at].running, Running::Sum { sum: 0, count: 0 });
        let mut step = |row: RingRow, add: bool| {
            if facts.holds(row.row, feature.predicate) {
                let value = feature.value_of(facts, row.row);
                if add { running.add(value) } else { running.remove(value) }
            }
        };
        let end = self.end();
        while head < end && self.row(head).time <= time {
            step(self.row(head), true);
            head += 1;
        }
        while head > self.base && self.row(head - 1).time > time {
            head -= 1;
            if head >= tail {
                step(self.row(head), false);
            } else {
                tail = head;
            }
        }
        while tail < head && self.row(tail).time < from {
            step(self.row(tail), false);
            tail += 1;
        }
        while tail > self.base && self.row(tail - 1).time >= from {
            tail -= 1;
            step(self.row(tail), true);
        }
        let value = running.value(feature.kind);
        let cursor = &mut self.cursors[at];
        (cursor.tail, cursor.head, cursor.running) = (tail, head, running);
        value
    }

    /// Lets go of the rows before `before`.
    fn expire(&mut self, before: i64, features: &[Feature], facts: &Facts) {
        while let Some(front) = self.ring.front().copied().filter(|row| row.time < before) {
            for cursor in &mut self.cursors {
                let feature = &features[usize::from(cursor.feature)];
                if cursor.tail == self.base {
                    if cursor.head > self.base && facts.holds(front.row, feature.predicate) {
                        cursor.running.remove(feature.value_of(facts, front.row));
                    }
                    cursor.tail += 1;
                    cursor.head = cursor.head.max(cursor.tail);
                }
            }
            self.ring.pop_front();
            self.base += 1;
        }
        let front = self.ring.front().map(|row| row.row);
        if front.is_none() {
            self.cursors.clear();
        }
    }
}

/// All timelines of one key expression, shared by every rule that partitions by it.
#[derive(Debug, Default)]
pub(crate) struct Dimension {
    pub features: Vec<Feature>,
    /// Longest span of its features, milliseconds.
    pub span: i64,
    keys: HashMap<Key, KeyTimeline, KeyBuild>,
    rows: usize,
}

impl Dimension {
    pub fn new(features: Vec<Feature>) -> Self {
        let span = features.iter().map(|f| f.span).max().unwrap_or(0);
        Self { features, span, ..Self::default() }
    }

    /// Puts a row on its key's timeline; `true` when other rows of the same or a later time were there before.
    pub fn insert(&mut self, key: Key, time: i64, row: u64, facts: &Facts) -> bool {
        self.rows += 1;
        self.keys.entry(key).or_default().insert(time, row, &self.features, facts)
    }

    /// Takes a row off again.
    pub fn remove(&mut self, key: Key, time: i64, row: u64, facts: &Facts) {
        if let Some(timeline) = self.keys.get_mut(&key)
            && timeline.remove(time, row, &self.features, facts)
        {
            self.rows -= 1;
        }
    }

    /// Rows of a key with `from` ≤ time ≤ `to`.
    pub fn rows_between(&self, key: Key, from: i64, to: i64) -> impl Iterator<Item = u64> + '_ {
        let timeline = self.keys.get(&key);
        let start = timeline.map_or(0, |t| t.ring.partition_point(|row| row.time < from));
        timeline.into_iter().flat_map(move |t| t.ring.range(start..).take_while(move |r| r.time <= to).map(|r| r.row))
    }

    /// The value of a feature as of `time`.
    pub fn value(&mut self, key: Key, feature: usize, time: i64, facts: &Facts) -> Option<i128> {
        let definition = &self.features[feature];
        match self.keys.get_mut(&key) {
            // Features of a dimension are counted when rules are compiled; there are never 65,536.
            Some(timeline) => timeline.seek(feature as u16, definition, time, facts),
            None => Running::empty(definition.kind),
        }
    }

    /// Lets go of rows of `key` before `before`, and of the key when none is left.
    pub fn expire(&mut self, key: Key, before: i64, facts: &Facts) {
        if let Some(timeline) = self.keys.get_mut(&key) {
            let rows = timeline.ring.len();
            timeline.expire(before, &self.features, facts);
            self.rows -= rows - timeline.ring.len();
            if timeline.ring.is_empty() {
                self.keys.remove(&key);
            }
        }
    }

    /// Keys and rows on their timelines.
    pub fn size(&self) -> (usize, usize) {
        (self.keys.len(), self.rows)
    }
}

/// What the parts of a timeline take, in bytes: for estimates.
pub(crate) struct PartBytes {
    /// A row on one timeline.
    pub row: usize,
    /// A key of one timeline, with its place in the map.
    pub key: usize,
    /// A feature of one key.
    pub feature: usize,
}

/// See [`PartBytes`].
pub(crate) fn bytes_of_parts() -> PartBytes {
    PartBytes {
        row: size_of::<RingRow>(),
        key: size_of::<Key>() + size_of::<KeyTimeline>(),
        feature: size_of::<Cursor>(),
    }
}
