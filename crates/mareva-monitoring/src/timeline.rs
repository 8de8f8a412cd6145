//! Per-key timelines: a ring of time-ordered rows, and running features that slide over it in both directions.

use std::collections::{HashMap, VecDeque};

use crate::aggregate::{AggregateKind, Entry, Place, Running, Value};
use crate::extent::Extent;
use crate::facts::Facts;
use crate::key::{Key, KeyBuild};

/// One distinct aggregate or window function of a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Feature {
    pub kind: AggregateKind,
    /// Rows that count: the rule's WHERE, and of aggregates their FILTER and "argument is not null".
    pub predicate: usize,
    pub argument: Option<usize>,
    /// Where the texts of the argument are kept, if they are needed.
    pub text: Option<usize>,
    /// The predicate "argument is not null", for the kinds that pick a row whether it is or not.
    pub known: Option<usize>,
    pub extent: Extent,
    /// The predicate of the rows that make the sessions, where the extent is one.
    pub members: usize,
}

impl Feature {
    fn entry<'a>(&self, facts: &'a Facts, row: u64, place: Place) -> Entry<'a> {
        let value = self.argument.map_or(0, |argument| facts.argument(row, argument));
        Entry { row, value, text: self.text.and_then(|slot| facts.text(row, slot)), place }
    }

    fn value(&self, running: &Running, facts: &Facts) -> Value {
        if !self.kind.picks_a_row() {
            return running.value(self.kind);
        }
        let Some(row) = running.picked(self.kind) else { return Value::Null };
        match (self.text, self.argument) {
            _ if self.known.is_some_and(|known| !facts.holds(row, known)) => Value::Null,
            (Some(slot), _) => facts.text(row, slot).map_or(Value::Null, |text| Value::Text(text.clone())),
            (None, Some(argument)) => Value::Number(facts.argument(row, argument) as i128),
            (None, None) => Value::Null,
        }
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
    /// The last session that was looked for, of each gap and predicate.
    sessions: Vec<Session>,
}

/// When the session of a row began.
#[derive(Debug, Clone, Copy)]
struct Session {
    gap: i64,
    members: usize,
    row: u64,
    start: i64,
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

    /// Place of a row on the ring: by time, and where `order` says so by `row_id` (a text kept in that slot) among equals.
    fn place_of(&self, time: i64, row: u64, order: Option<usize>, facts: &Facts) -> usize {
        let Some(slot) = order else { return self.ring.partition_point(|r| r.time <= time) };
        let id = facts.text(row, slot);
        self.ring.partition_point(|r| r.time < time || r.time == time && facts.text(r.row, slot) < id)
    }

    /// Place of the ring row `at` among those that count in a cursor's window.
    fn place_in(&self, cursor: &Cursor, at: u64, feature: &Feature, facts: &Facts) -> Place {
        match cursor.running.keeps_order() {
            true => {
                let earlier = (cursor.tail..at).filter(|at| facts.holds(self.row(*at).row, feature.predicate));
                Place::At(earlier.count())
            }
            false => Place::Back,
        }
    }

    /// Puts a row where it belongs; `true` when other rows of the same or a later time were there before.
    fn insert(&mut self, time: i64, row: u64, layout: &Layout, facts: &Facts) -> bool {
        match self.ring.back() {
            Some(last) if last.time >= time => {}
            _ => {
                self.ring.push_back(RingRow { time, row });
                return false;
            }
        }
        let index = self.place_of(time, row, layout.order, facts);
        let at = self.base + index as u64;
        let mut cursors = std::mem::take(&mut self.cursors);
        for cursor in &mut cursors {
            let feature = &layout.features[usize::from(cursor.feature)];
            if at < cursor.tail {
                cursor.tail += 1;
                cursor.head += 1;
            } else if at < cursor.head {
                cursor.head += 1;
                if facts.holds(row, feature.predicate) {
                    let place = self.place_in(cursor, at, feature, facts);
                    cursor.running.add(&feature.entry(facts, row, place));
                }
            }
        }
        self.cursors = cursors;
        self.sessions.clear();
        self.ring.insert(index, RingRow { time, row });
        true
    }

    /// Takes a row out again; `false` when it was not there.
    fn remove(&mut self, time: i64, row: u64, features: &[Feature], facts: &Facts) -> bool {
        let from = self.ring.partition_point(|r| r.time < time);
        let Some(index) = self.ring.range(from..).position(|r| r.row == row).map(|i| i + from) else { return false };
        let at = self.base + index as u64;
        let mut cursors = std::mem::take(&mut self.cursors);
        for cursor in &mut cursors {
            let feature = &features[usize::from(cursor.feature)];
            if at < cursor.tail {
                cursor.tail -= 1;
                cursor.head -= 1;
            } else if at < cursor.head {
                cursor.head -= 1;
                if facts.holds(row, feature.predicate) {
                    let place = self.place_in(cursor, at, feature, facts);
                    cursor.running.remove(&feature.entry(facts, row, place));
                }
            }
        }
        self.cursors = cursors;
        self.sessions.clear();
        self.ring.remove(index);
        true
    }

    /// The feature as of a row: over the rows from the start of its window to those of its own time, or of a positional
    /// kind to itself. Costs the rows between there and where the cursor stood.
    fn seek(&mut self, feature_index: u16, layout: &Layout, time: i64, row: u64, facts: &Facts) -> Value {
        let feature = &layout.features[usize::from(feature_index)];
        let from = self.begins(feature.extent, feature.members, time, row, layout, facts);
        let own = match feature.kind.is_positional() {
            true => self.base + self.place_of(time, row, layout.order, facts) as u64,
            false => u64::MAX,
        };
        let at = match self.cursors.iter().position(|c| c.feature == feature_index) {
            Some(at) => at,
            None => {
                let start = self.first_at_or_after(from);
                let running = Running::new(feature.kind, feature.text.is_some());
                self.cursors.push(Cursor { feature: feature_index, tail: start, head: start, running });
                self.cursors.len() - 1
            }
        };
        let (mut tail, mut head) = (self.cursors[at].tail, self.cursors[at].head);
        let mut running = std::mem::replace(&mut self.cursors[at].running, Running::Sum { sum: 0, count: 0 });
        let mut step = |row: RingRow, add: bool, place: Place| {
            if facts.holds(row.row, feature.predicate) {
                let entry = feature.entry(facts, row.row, place);
                if add { running.add(&entry) } else { running.remove(&entry) }
            }
        };
        let end = self.end();
        while head < end && head <= own && self.row(head).time <= time {
            step(self.row(head), true, Place::Back);
            head += 1;
        }
        while head > self.base && (head - 1 > own || self.row(head - 1).time > time) {
            head -= 1;
            if head >= tail {
                step(self.row(head), false, Place::Back);
            } else {
                tail = head;
            }
        }
        while tail < head && self.row(tail).time < from {
            step(self.row(tail), false, Place::Front);
            tail += 1;
        }
        while tail > self.base && self.row(tail - 1).time >= from {
            tail -= 1;
            step(self.row(tail), true, Place::Front);
        }
        let value = feature.value(&running, facts);
        let cursor = &mut self.cursors[at];
        (cursor.tail, cursor.head, cursor.running) = (tail, head, running);
        value
    }

    /// When the window of a row began. Of a session, walks back to its first row, or to one whose beginning is known.
    fn begins(&mut self, extent: Extent, members: usize, time: i64, row: u64, layout: &Layout, facts: &Facts) -> i64 {
        let day = extent.start(time);
        let Extent::Session { gap } = extent else { return day };
        let known = self.sessions.iter().position(|s| s.gap == gap && s.members == members);
        let own = self.place_of(time, row, layout.order, facts);
        let mut start = time;
        for earlier in self.ring.range(..own.min(self.ring.len())).rev() {
            if earlier.time < day || earlier.time < start.saturating_sub(gap) {
                break;
            }
            if facts.holds(earlier.row, members) {
                start = earlier.time;
                if let Some(known) = known.map(|at| self.sessions[at]).filter(|known| known.row == earlier.row) {
                    start = known.start;
                    break;
                }
            }
        }
        let session = Session { gap, members, row, start };
        match known {
            Some(at) => self.sessions[at] = session,
            None => self.sessions.push(session),
        }
        start
    }

    /// Whether a row comes after this one, before `end`, that a predicate holds for.
    fn is_followed(&self, time: i64, row: u64, end: i64, predicate: usize, layout: &Layout, facts: &Facts) -> bool {
        let own = self.place_of(time, row, layout.order, facts);
        let later = self.ring.range((own + 1).min(self.ring.len())..).take_while(|r| r.time < end);
        later.into_iter().any(|r| facts.holds(r.row, predicate))
    }

    /// Lets go of the rows before `before`.
    fn expire(&mut self, before: i64, features: &[Feature], facts: &Facts) {
        while let Some(front) = self.ring.front().copied().filter(|row| row.time < before) {
            for cursor in &mut self.cursors {
                let feature = &features[usize::from(cursor.feature)];
                if cursor.tail == self.base {
                    if cursor.head > self.base && facts.holds(front.row, feature.predicate) {
                        cursor.running.remove(&feature.entry(facts, front.row, Place::Front));
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

/// What is computed on the timelines of a key expression.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    pub features: Vec<Feature>,
    /// Where the `row_id` of rows is kept, if rows of one millisecond lie in its order.
    pub order: Option<usize>,
    /// Longest reach of its features and groups, milliseconds.
    pub span: i64,
    /// Longest window of a group, milliseconds.
    pub grouped: i64,
}

/// All timelines of one key expression, shared by every rule that partitions by it.
#[derive(Debug, Default)]
pub(crate) struct Dimension {
    pub layout: Layout,
    keys: HashMap<Key, KeyTimeline, KeyBuild>,
    rows: usize,
}

impl Dimension {
    pub fn new(layout: Layout) -> Self {
        Self { layout, ..Self::default() }
    }

    /// Puts a row on its key's timeline; `true` when other rows of the same or a later time were there before.
    pub fn insert(&mut self, key: Key, time: i64, row: u64, facts: &Facts) -> bool {
        self.rows += 1;
        self.keys.entry(key).or_default().insert(time, row, &self.layout, facts)
    }

    /// Takes a row off again.
    pub fn remove(&mut self, key: Key, time: i64, row: u64, facts: &Facts) {
        if let Some(timeline) = self.keys.get_mut(&key)
            && timeline.remove(time, row, &self.layout.features, facts)
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

    /// The value of a feature as of a row.
    pub fn value(&mut self, key: Key, feature: usize, time: i64, row: u64, facts: &Facts) -> Value {
        match self.keys.get_mut(&key) {
            // Features of a dimension are counted when rules are compiled; there are never 65,536.
            Some(timeline) => timeline.seek(feature as u16, &self.layout, time, row, facts),
            None => Running::empty(self.layout.features[feature].kind),
        }
    }

    /// When the window of a row began: see [`Extent`]. Sessions are of the rows that `members` holds for.
    pub fn begins(&mut self, key: Key, extent: Extent, members: usize, time: i64, row: u64, facts: &Facts) -> i64 {
        match self.keys.get_mut(&key) {
            Some(timeline) => timeline.begins(extent, members, time, row, &self.layout, facts),
            None => extent.start(time),
        }
    }

    /// Whether a later row of its key, before `end`, satisfies a predicate.
    pub fn is_followed(&self, key: Key, time: i64, row: u64, end: i64, predicate: usize, facts: &Facts) -> bool {
        self.keys.get(&key).is_some_and(|t| t.is_followed(time, row, end, predicate, &self.layout, facts))
    }

    /// Lets go of rows of `key` before `before`, and of the key when none is left.
    pub fn expire(&mut self, key: Key, before: i64, facts: &Facts) {
        if let Some(timeline) = self.keys.get_mut(&key) {
            let rows = timeline.ring.len();
            timeline.expire(before, &self.layout.features, facts);
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
