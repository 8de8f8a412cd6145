//! The timeline of one key: its rows in the order of time, and the features that slide over them.

use crate::aggregate::{AggregateKind, TakesValues};
use crate::cursor::{Cursor, Feature};
use crate::extent::Extent;
use crate::facts::Facts;
use crate::few::{FEW, Few};
use crate::ring::{Ring, RingRow};

/// A window of the features of a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub extent: Extent,
    /// It ends so many milliseconds before its row.
    pub before: i64,
    /// Of sessions: the predicate of the rows that make them.
    pub members: usize,
}

impl Window {
    /// Only sessions depend on what else is in them: other windows are alike whatever rule they are of.
    pub fn of(extent: Extent, before: i64, gate: usize) -> Self {
        Self { extent, before, members: if matches!(extent, Extent::Session { .. }) { gate } else { 0 } }
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

/// What is kept for a key beside its rows. Most keys have none of it, and their timeline fits a cache line.
#[derive(Debug, Default)]
struct Kept {
    /// Ascending by feature; each from when it was first asked for over more than few rows.
    cursors: Vec<Cursor>,
    sessions: Vec<Session>,
}

impl Kept {
    /// The cursor at a place where it was found, or else the new one that is put there.
    fn cursor(&mut self, found: Result<usize, usize>, new: impl FnOnce() -> Cursor) -> &mut Cursor {
        let at = found.unwrap_or_else(|at| {
            self.cursors.insert(at, new());
            at
        });
        &mut self.cursors[at]
    }
}

/// A row and its time, as of which features are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AsOf {
    pub time: i64,
    pub row: u64,
}

#[derive(Debug, Default)]
pub(crate) struct KeyTimeline {
    pub ring: Ring,
    kept: Option<Box<Kept>>,
}

impl KeyTimeline {
    fn cursors(&self) -> &[Cursor] {
        self.kept.as_ref().map_or(&[], |kept| &kept.cursors)
    }

    /// How deep its memory lies: what is found at one depth says where the next one is.
    pub const DEPTHS: usize = 3;

    /// Something of what lies at a depth.
    pub fn touched(&self, depth: usize) -> u64 {
        match depth {
            0 => self.ring.len() as u64 + u64::from(self.kept.is_some()),
            1 => self.ring.last_time().unwrap_or_default() as u64 + self.cursors().len() as u64,
            _ => self.cursors().first().and_then(|first| self.ring.row(first.ends().0)).unwrap_or_default(),
        }
    }

    /// Position of a row on the ring: by time, and where the layout says so by `row_id` among equals.
    fn place_of(&self, as_of: AsOf, layout: &Layout, facts: &Facts) -> u32 {
        let AsOf { time, row } = as_of;
        let Some(slot) = layout.order else { return self.ring.partition(|r| r.time <= time) };
        let id = facts.text(row, slot);
        self.ring.partition(|r| r.time < time || r.time == time && facts.text(r.row, slot) < id)
    }

    /// Puts a row where it belongs; `true` when other rows of the same or a later time were there before.
    pub fn insert(&mut self, time: i64, row: u64, layout: &Layout, facts: &Facts) -> bool {
        if self.ring.last_time().is_none_or(|last| last < time) {
            self.ring.push(RingRow { time, row });
            return false;
        }
        let at = self.place_of(AsOf { time, row }, layout, facts);
        self.disturb(at, row, true, layout, facts);
        self.ring.insert(at, RingRow { time, row });
        true
    }

    /// Takes a row out again; `false` when it was not there.
    pub fn remove(&mut self, time: i64, row: u64, layout: &Layout, facts: &Facts) -> bool {
        let Some(at) = self.ring.find(time, row) else { return false };
        self.disturb(at, row, false, layout, facts);
        self.ring.remove(at);
        true
    }

    fn disturb(&mut self, at: u32, row: u64, comes: bool, layout: &Layout, facts: &Facts) {
        let Some(kept) = &mut self.kept else { return };
        kept.sessions.clear();
        if at == self.ring.end() {
            return;
        }
        for cursor in &mut kept.cursors {
            let feature = &layout.features[usize::from(cursor.feature())];
            cursor.disturbed(at, row, comes, &self.ring, feature, facts);
        }
    }

    /// The rows of a window that begins then, of a row of `time`; `hint` is where they may lie.
    fn range(&self, window: Window, begins: i64, time: i64, hint: (u32, u32)) -> (u32, u32) {
        let from = self.ring.first_at_or_after(begins, hint.0);
        let ends = time.saturating_sub(window.before).saturating_add(1);
        // One that ends before it begins holds nothing.
        (from, if ends <= begins { from } else { self.ring.first_at_or_after(ends, hint.1) })
    }

    /// Position after the last row up to a time.
    pub fn upto(&self, time: i64) -> u32 {
        match self.ring.last_time() {
            Some(last) if last > time => self.ring.first_at_or_after(time.saturating_add(1), self.ring.asked),
            _ => self.ring.end(),
        }
    }

    /// The wanted features, which ascend, as of a row: over the rows from the start of their window to its end, or of a positional
    /// kind to itself. `ranges` is room for those of the windows.
    pub fn values(
        &mut self,
        wanted: impl Iterator<Item = u16>,
        as_of: AsOf,
        (layout, facts): (&Layout, &Facts),
        ranges: &mut Vec<Option<(u32, u32)>>,
        into: &mut impl TakesValues,
    ) {
        ranges.clear();
        ranges.resize(layout.windows.len(), None);
        let upto = self.upto(as_of.time);
        self.ring.asked = upto;
        let (mut own, mut few, mut near) = (None, None, 0);
        for index in wanted {
            let feature = &layout.features[usize::from(index)];
            let found = self.find(index, near);
            let (at, hint) = found.map_or_else(|at| (at, (upto, upto)), |at| (at, self.cursors()[at].ends()));
            let (from, to) = match ranges[feature.window] {
                Some(range) => range,
                None => {
                    let window = layout.windows[feature.window];
                    let begins = self.begins(window, as_of, layout, facts);
                    let range = match window.before {
                        0 => (self.ring.first_at_or_after(begins, hint.0), upto),
                        _ => self.range(window, begins, as_of.time, hint),
                    };
                    *ranges[feature.window].insert(range)
                }
            };
            let to = match feature.kind.is_positional() {
                true => *own.get_or_insert_with(|| self.place_of(as_of, layout, facts).wrapping_add(1)),
                false => to,
            };
            near = at;
            if found.is_err() && self.ring.between(from, upto) <= FEW {
                let few = few.get_or_insert_with(|| Few::before(upto, &self.ring, facts));
                match feature.is_number() {
                    true => into.number(index, few.number((from, to), feature)),
                    false => into.value(index, few.value((from, to), feature)),
                }
                continue;
            }
            let cursor = self.kept.get_or_insert_default().cursor(found, || Cursor::new(index, feature, from));
            cursor.seek((from, to), &self.ring, feature, facts);
            match feature.is_number() {
                true => into.number(index, cursor.number(feature)),
                false => into.value(index, cursor.value(feature, facts)),
            }
            near = at + 1;
        }
    }

    /// What no total of a feature exceeds as of rows of the times from `first` to `last`: the total of all that any of their windows
    /// holds. None where that says nothing. Its cursor stays over those rows: the next ones asked about are near.
    pub fn at_most(&mut self, index: u16, first: i64, last: i64, (layout, facts): (&Layout, &Facts)) -> Option<i128> {
        let feature = &layout.features[usize::from(index)];
        let window = layout.windows[feature.window];
        let grows = match feature.kind {
            AggregateKind::Count => true,
            AggregateKind::Sum => feature.argument.is_some_and(|argument| !facts.is_negative(argument)),
            _ => false,
        };
        if !grows || matches!(window.extent, Extent::Session { .. }) {
            return None;
        }
        let found = self.find(index, 0);
        let asked = self.ring.asked;
        let hint = found.map_or((asked, asked), |at| self.cursors()[at].ends());
        let range = self.range(window, window.extent.start(first), last, (hint.0, asked));
        let cursor = self.kept.get_or_insert_default().cursor(found, || Cursor::new(index, feature, asked));
        cursor.seek(range, &self.ring, feature, facts);
        // A sum of nothing is null.
        Some(cursor.number(feature).unwrap_or_default())
    }

    /// Place of a feature's cursor, or where it has to be put; the cursors before `near` are of earlier features.
    fn find(&self, feature: u16, near: usize) -> Result<usize, usize> {
        let cursors = self.cursors();
        let Some(next) = cursors.get(near).map(Cursor::feature).filter(|next| *next < feature) else {
            let is_it = cursors.get(near).is_some_and(|next| next.feature() == feature);
            return if is_it { Ok(near) } else { Err(near) };
        };
        // It is not farther off than if all features between them were there, as they are on busy keys.
        let farthest = near + usize::from(feature - next);
        if cursors.get(farthest).is_some_and(|cursor| cursor.feature() == feature) {
            return Ok(farthest);
        }
        let between = &cursors[near..farthest.min(cursors.len())];
        let found = between.binary_search_by_key(&feature, Cursor::feature);
        found.map(|at| near + at).map_err(|at| near + at)
    }

    /// When the window of a row began. Of a session, walks back to its first row, or to one whose beginning is known.
    pub fn begins(&mut self, window: Window, as_of: AsOf, layout: &Layout, facts: &Facts) -> i64 {
        let day = window.extent.start(as_of.time);
        let Extent::Session { gap } = window.extent else { return day };
        let known = self.kept.iter().flat_map(|kept| &kept.sessions).find(|known| known.window == window).copied();
        let own = self.place_of(as_of, layout, facts);
        let mut start = as_of.time;
        for earlier in self.ring.before(own) {
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
        let sessions = &mut self.kept.get_or_insert_default().sessions;
        let session = Session { window, row: as_of.row, start };
        match sessions.iter_mut().find(|known| known.window == window) {
            Some(known) => *known = session,
            None => sessions.push(session),
        }
        start
    }

    /// Whether a row comes after this one, before `end`, that a predicate holds for.
    pub fn is_followed(&self, as_of: AsOf, end: i64, predicate: usize, layout: &Layout, facts: &Facts) -> bool {
        let later = self.ring.from(self.place_of(as_of, layout, facts)).skip(1).take_while(|r| r.time < end);
        later.into_iter().any(|r| facts.holds(r.row, predicate))
    }

    /// Lets go of the rows before `before`.
    pub fn expire(&mut self, before: i64, layout: &Layout, facts: &Facts) {
        let front = self.ring.after_front(before);
        if self.ring.between(front, self.ring.end()) as usize == self.ring.len() {
            return;
        }
        for cursor in self.kept.iter_mut().flat_map(|kept| &mut kept.cursors) {
            let feature = &layout.features[usize::from(cursor.feature())];
            cursor.expire(front, &self.ring, feature, facts);
        }
        self.ring.expire(front);
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
