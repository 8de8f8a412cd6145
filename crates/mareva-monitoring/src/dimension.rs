//! All timelines of one key expression, shared by every rule that partitions by it.

use hashbrown::HashTable;

use crate::aggregate::TakesValues;
use crate::facts::Facts;
use crate::key::{Key, halves};
use crate::timeline::{AsOf, KeyTimeline, Layout, Window};

/// Timelines that are allocated together.
const BLOCK: usize = 4096;
/// Tables that hold the keys: when one has to grow, the judging waits for that part alone.
const SHARDS: usize = 256;

/// Timelines that are approached together. A processor waits for a dozen pieces of memory at once.
const TOGETHER: usize = 16;

/// Where the timeline of a key lies. Good until the key is let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slot(u32);

#[derive(Debug, Default)]
struct Line {
    /// A [`Key`] as such would need to lie on 16 bytes.
    key: [u64; 2],
    timeline: KeyTimeline,
}

/// A slot as the table of keys has it: with half of the hash, so that the table grows without a look at the lines.
#[derive(Debug, Clone, Copy)]
struct Place {
    hash: u32,
    slot: Slot,
}

#[derive(Debug)]
pub(crate) struct Dimension {
    pub layout: Layout,
    shards: Vec<HashTable<Place>>,
    /// Blocks do not move when there are more.
    blocks: Vec<Vec<Line>>,
    free: Vec<Slot>,
    rows: usize,
    ranges: Vec<Option<(u32, u32)>>,
}

/// Keys are hashes; the table takes its bits from both ends of a word.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// By other bits than those by which a table looks.
fn shard(hash: u32) -> usize {
    (hash >> 24) as usize % SHARDS
}

impl Slot {
    /// Its block, and its place in that.
    fn place(self) -> (usize, usize) {
        (self.0 as usize / BLOCK, self.0 as usize % BLOCK)
    }
}

fn line(blocks: &mut [Vec<Line>], slot: Slot) -> &mut Line {
    let (block, at) = slot.place();
    &mut blocks[block][at]
}

impl Dimension {
    pub fn new(layout: Layout) -> Self {
        let shards = vec![HashTable::new(); SHARDS];
        Self { layout, shards, blocks: Vec::new(), free: Vec::new(), rows: 0, ranges: Vec::new() }
    }

    fn line(&self, slot: Slot) -> &Line {
        let (block, at) = slot.place();
        &self.blocks[block][at]
    }

    /// Where the timeline of a key lies.
    pub fn find(&self, key: Key) -> Option<Slot> {
        let (hash, halves) = (key as u32, halves(key));
        let is_it = |place: &Place| place.hash == hash && self.line(place.slot).key == halves;
        self.shards[shard(hash)].find(spread(hash), is_it).map(|place| place.slot)
    }

    fn find_or_add(&mut self, key: Key) -> Slot {
        if let Some(slot) = self.find(key) {
            return slot;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
                self.blocks.push(Vec::with_capacity(BLOCK));
            }
            let full = (self.blocks.len() - 1) * BLOCK;
            let last = self.blocks.last_mut().map_or(0, |block| {
                block.push(Line::default());
                block.len() - 1
            });
            Slot((full + last) as u32)
        });
        line(&mut self.blocks, slot).key = halves(key);
        let hash = key as u32;
        self.shards[shard(hash)].insert_unique(spread(hash), Place { hash, slot }, |place| spread(place.hash));
        slot
    }

    /// Puts a row on its key's timeline, which may be known; `true` when other rows of the same or a later time were there before.
    pub fn insert(&mut self, (key, slot): (Key, Option<Slot>), time: i64, row: u64, facts: &Facts) -> (Slot, bool) {
        self.rows += 1;
        let slot = slot.unwrap_or_else(|| self.find_or_add(key));
        (slot, line(&mut self.blocks, slot).timeline.insert(time, row, &self.layout, facts))
    }

    /// To be called before each of some timelines is asked for, in order: has the processor fetch them together every few, so that it
    /// waits for the memory of several at once.
    pub fn approach(&self, slots: &[Option<Slot>], at: usize) {
        if !at.is_multiple_of(TOGETHER) {
            return;
        }
        let slots = &slots[at..slots.len().min(at + TOGETHER)];
        let lines = || slots.iter().flatten().map(|slot| &self.line(*slot).timeline);
        for depth in 0..KeyTimeline::DEPTHS {
            std::hint::black_box(lines().map(|timeline| timeline.touched(depth)).fold(0, u64::wrapping_add));
        }
    }

    /// Takes a row off again.
    pub fn remove(&mut self, key: Key, time: i64, row: u64, facts: &Facts) {
        if let Some(slot) = self.find(key)
            && line(&mut self.blocks, slot).timeline.remove(time, row, &self.layout, facts)
        {
            self.rows -= 1;
        }
    }

    /// Rows of a key with `from` ≤ time ≤ `to`.
    pub fn rows_between(&self, key: Key, from: i64, to: i64) -> impl Iterator<Item = u64> + '_ {
        let ring = self.find(key).map(|slot| &self.line(slot).timeline.ring);
        let rows = ring.into_iter().flat_map(move |ring| ring.from(ring.partition(|row| row.time < from)));
        rows.take_while(move |r| r.time <= to).map(|r| r.row)
    }

    /// Position after the last row up to a time.
    pub fn upto(&self, slot: Slot, time: i64) -> u32 {
        self.line(slot).timeline.upto(time)
    }

    /// Whether so many rows before a position are of a time or later.
    pub fn has_since(&self, slot: Slot, time: i64, at: u32, rows: u32) -> bool {
        self.line(slot).timeline.ring.has_since(time, at, rows)
    }

    /// Gives the wanted features, which ascend, as of a row.
    pub fn values(
        &mut self,
        slot: Slot,
        as_of: AsOf,
        wanted: impl Iterator<Item = u16>,
        facts: &Facts,
        into: &mut impl TakesValues,
    ) {
        let timeline = &mut line(&mut self.blocks, slot).timeline;
        timeline.values(wanted, as_of, (&self.layout, facts), &mut self.ranges, into);
    }

    /// See [`KeyTimeline::at_most`].
    pub fn at_most(&mut self, slot: Slot, feature: u16, (first, last): (i64, i64), facts: &Facts) -> Option<i128> {
        line(&mut self.blocks, slot).timeline.at_most(feature, first, last, (&self.layout, facts))
    }

    /// When the window of a row began.
    pub fn begins(&mut self, key: Key, window: Window, as_of: AsOf, facts: &Facts) -> i64 {
        match self.find(key) {
            Some(slot) => line(&mut self.blocks, slot).timeline.begins(window, as_of, &self.layout, facts),
            None => window.extent.start(as_of.time),
        }
    }

    /// Whether a later row of its key, before `end`, satisfies a predicate.
    pub fn is_followed(&self, key: Key, as_of: AsOf, end: i64, predicate: usize, facts: &Facts) -> bool {
        let followed = |slot| self.line(slot).timeline.is_followed(as_of, end, predicate, &self.layout, facts);
        self.find(key).is_some_and(followed)
    }

    /// Lets go of the rows of a key before `before`, and of the key when none is left. It may be gone already.
    pub fn expire(&mut self, (key, slot): (Key, Slot), before: i64, facts: &Facts) {
        let line = line(&mut self.blocks, slot);
        let rows = line.timeline.ring.len();
        line.timeline.expire(before, &self.layout, facts);
        self.rows -= rows - line.timeline.ring.len();
        if line.timeline.ring.is_empty() {
            *line = Line::default();
            let hash = key as u32;
            if let Ok(place) = self.shards[shard(hash)].find_entry(spread(hash), |place| place.slot == slot) {
                place.remove();
                self.free.push(slot);
            }
        }
    }

    /// Keys and rows on their timelines.
    pub fn size(&self) -> (usize, usize) {
        (self.shards.iter().map(HashTable::len).sum(), self.rows)
    }
}
