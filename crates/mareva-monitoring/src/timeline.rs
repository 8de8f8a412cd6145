//! The timeline of one key: its rows in the order of time, and the features that slide over them.

use std::collections::VecDeque;

use crate::aggregate::Value;
use crate::cursor::{Cursor, Feature, RingRow};
use crate::extent::Extent;
use crate::facts::Facts;

/// A window of the features of a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub extent: Extent,
    /// Of sessions: the predicate of the rows that make them.
    pub members: usize,
}

impl Window {
    /// Only sessions depend on what else is in them: other windows are alike whatever rule they are of.
    pub fn of(extent: Extent, gate: usize) -> Self {
        Self { extent, members: if matches!(extent, Extent::Session { .. }) { gate } else { 0 } }
    }
}

/// What is computed on the timelines of a key expression.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    pub features: Vec<Feature>,
    pub windows: Vec<Window>,
    /// Where the `row_id` of rows is kept, if rows of one millisecond lie in its order.
    pub order: Option<usize>,
    /// Longest reach of its features and groups, milliseconds.
    pub span: i64,
    /// Longest window of a group, milliseconds.
    pub grouped: i64,
}

/// When the session of a row began: the last one that was looked for, of each window.
#[derive(Debug, Clone, Copy)]
struct Session {
    window: Window,
    row: u64,
    start: i64,
}

/// A row and its time, as of which features are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsOf {
    pub time: i64,
    pub row: u64,
}

/// Where windows begin that nobody has asked for.
const UNKNOWN: u32 = u32::MAX;
/// A window moves on by few rows at a time: so many are tried before the ring is searched.
const NEAR: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct KeyTimeline {
    /// Fewer than 2^32: that many rows are never retained.
    pub ring: VecDeque<RingRow>,
    /// Ascending by feature; each from when it was first asked for.
    cursors: Vec<Cursor>,
    sessions: Option<Box<Vec<Session>>>,
}

impl KeyTimeline {
    /// Place of a row on the ring: by time, and where the layout says so by `row_id` among equals.
    fn place_of(&self, as_of: AsOf, layout: &Layout, facts: &Facts) -> usize {
        let AsOf { time, row } = as_of;
        let Some(slot) = layout.order else { return self.ring.partition_point(|r| r.time <= time) };
        let id = facts.text(row, slot);
        self.ring.partition_point(|r| r.time < time || r.time == time && facts.text(r.row, slot) < id)
    }

    /// Puts a row where it belongs; `true` when other rows of the same or a later time were there before.
    pub fn insert(&mut self, time: i64, row: u64, layout: &Layout, facts: &Facts) -> bool {
        match self.ring.back() {
            Some(last) if last.time >= time => {}
            _ => {
                self.ring.push_back(RingRow { time, row });
                return false;
            }
        }
        let at = self.place_of(AsOf { time, row }, layout, facts);
        self.disturb(at, row, true, layout, facts);
        self.ring.insert(at, RingRow { time, row });
        true
    }

    /// Takes a row out again; `false` when it was not there.
    pub fn remove(&mut self, time: i64, row: u64, layout: &Layout, facts: &Facts) -> bool {
        let from = self.ring.partition_point(|r| r.time < time);
        let Some(at) = self.ring.range(from..).position(|r| r.row == row).map(|at| at + from) else { return false };
        self.disturb(at, row, false, layout, facts);
        self.ring.remove(at);
        true
    }

    fn disturb(&mut self, at: usize, row: u64, comes: bool, layout: &Layout, facts: &Facts) {
        for cursor in &mut self.cursors {
            let feature = &layout.features[usize::from(cursor.feature())];
            cursor.disturbed(at as u32, row, comes, &self.ring, feature, facts);
        }
        self.sessions = None;
    }

    /// The wanted features, which ascend, as of a row: over the rows from the start of their window to those of its own time, or
    /// of a positional kind to itself. `starts` is room for the starts of the windows.
    pub fn values(
        &mut self,
        wanted: impl Iterator<Item = u16>,
        as_of: AsOf,
        (layout, facts): (&Layout, &Facts),
        starts: &mut Vec<u32>,
        mut give: impl FnMut(u16, Value),
    ) {
        starts.clear();
        starts.resize(layout.windows.len(), UNKNOWN);
        let upto = match self.ring.back() {
            Some(last) if last.time > as_of.time => self.ring.partition_point(|r| r.time <= as_of.time),
            _ => self.ring.len(),
        } as u32;
        let mut own = None;
        let mut near = 0;
        for index in wanted {
            let feature = &layout.features[usize::from(index)];
            let (found, is_new) = self.find(index, near);
            let from = match starts[feature.window] {
                UNKNOWN => {
                    let hint = if is_new { upto } else { self.cursors[found].tail() };
                    let begins = self.begins(layout.windows[feature.window], as_of, layout, facts);
                    starts[feature.window] = self.first_at_or_after(begins, hint as usize);
                    starts[feature.window]
                }
                known => known,
            };
            let to = match feature.kind.is_positional() {
                true => *own.get_or_insert_with(|| self.place_of(as_of, layout, facts) as u32 + 1),
                false => upto,
            };
            if is_new {
                self.cursors.insert(found, Cursor::new(index, feature, from));
            }
            let cursor = &mut self.cursors[found];
            cursor.seek((from, to.min(self.ring.len() as u32).max(from)), &self.ring, feature, facts);
            give(index, cursor.value(feature, facts));
            near = found + 1;
        }
    }

    /// Place of a feature's cursor, and whether it has yet to be put there; the cursors before `near` are of earlier features.
    fn find(&self, feature: u16, near: usize) -> (usize, bool) {
        // With all features there, as on busy keys, each stands at its own number.
        for at in [near, usize::from(feature)] {
            if self.cursors.get(at).is_some_and(|cursor| cursor.feature() == feature) {
                return (at, false);
            }
        }
        let later = &self.cursors[near..];
        match later.binary_search_by_key(&feature, Cursor::feature) {
            Ok(at) => (near + at, false),
            Err(at) => (near + at, true),
        }
    }

    fn first_at_or_after(&self, time: i64, hint: usize) -> u32 {
        let mut at = hint.min(self.ring.len());
        for _ in 0..NEAR {
            if self.ring.get(at).is_some_and(|row| row.time < time) {
                at += 1;
            } else if at > 0 && self.ring[at - 1].time >= time {
                at -= 1;
            } else {
                return at as u32;
            }
        }
        self.ring.partition_point(|row| row.time < time) as u32
    }

    /// When the window of a row began. Of a session, walks back to its first row, or to one whose beginning is known.
    pub fn begins(&mut self, window: Window, as_of: AsOf, layout: &Layout, facts: &Facts) -> i64 {
        let day = window.extent.start(as_of.time);
        let Extent::Session { gap } = window.extent else { return day };
        let known = self.sessions.iter().flat_map(|known| known.iter()).find(|known| known.window == window).copied();
        let own = self.place_of(as_of, layout, facts);
        let mut start = as_of.time;
        for earlier in self.ring.range(..own.min(self.ring.len())).rev() {
            if earlier.time < day || earlier.time < start.saturating_sub(gap) {
                break;
            }
            if facts.holds(earlier.row, window.members) {
                start = earlier.time;
                if let Some(known) = known.filter(|known| known.row == earlier.row) {
                    start = known.start;
                    break;
                }
            }
        }
        let sessions = self.sessions.get_or_insert_default();
        let session = Session { window, row: as_of.row, start };
        match sessions.iter_mut().find(|known| known.window == window) {
            Some(known) => *known = session,
            None => sessions.push(session),
        }
        start
    }

    /// Whether a row comes after this one, before `end`, that a predicate holds for.
    pub fn is_followed(&self, as_of: AsOf, end: i64, predicate: usize, layout: &Layout, facts: &Facts) -> bool {
        let own = self.place_of(as_of, layout, facts);
        let later = self.ring.range((own + 1).min(self.ring.len())..).take_while(|r| r.time < end);
        later.into_iter().any(|r| facts.holds(r.row, predicate))
    }

    /// Lets go of the rows before `before`.
    pub fn expire(&mut self, before: i64, layout: &Layout, facts: &Facts) {
        let gone = self.ring.partition_point(|row| row.time < before);
        for cursor in &mut self.cursors {
            let feature = &layout.features[usize::from(cursor.feature())];
            cursor.expire(gone as u32, &self.ring, feature, facts);
        }
        self.ring.drain(..gone);
        // What a key needed in busy times is not kept through quiet ones.
        if self.ring.capacity() > 4 * self.ring.len().max(4) {
            self.ring.shrink_to(2 * self.ring.len());
        }
    }
}

/// What the parts of a timeline take, in bytes: for estimates.
pub(crate) struct PartBytes {
    /// A row on one timeline.
    pub row: usize,
    /// A key of one timeline, without its place in the map.
    pub key: usize,
    /// A feature of one key.
    pub feature: usize,
}

/// See [`PartBytes`].
pub(crate) fn bytes_of_parts() -> PartBytes {
    PartBytes { row: size_of::<RingRow>(), key: size_of::<KeyTimeline>(), feature: size_of::<Cursor>() }
}
