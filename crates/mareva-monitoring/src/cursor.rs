//! A feature of one key: its value over some rows of the key's timeline, which slide over it in both directions.

use crate::aggregate::{AggregateKind, Entry, Place, Running, Value, total};
use crate::facts::{Facts, RowFacts};
use crate::ring::Ring;

/// One distinct aggregate or window function of a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Feature {
    pub kind: AggregateKind,
    /// Rows that count: the rule's WHERE, and of aggregates their FILTER and "argument is not null".
    pub predicate: usize,
    pub argument: Option<usize>,
    /// Where the texts are kept, of a text that is needed itself.
    pub text: Option<usize>,
    /// The predicate "argument is not null", for the kinds that pick a row whether it is or not.
    pub known: Option<usize>,
    /// Which of the windows of its dimension.
    pub window: usize,
}

impl Feature {
    /// Whether its value is a number that is computed, and neither a text nor the argument of a row.
    pub fn is_number(&self) -> bool {
        self.text.is_none() && !self.kind.picks_a_row()
    }

    fn value_of(&self, row: u64, facts: &Facts) -> u128 {
        self.argument.map_or(0, |argument| facts.argument(row, argument))
    }

    /// The rows of `[from, to)` that count.
    fn counted<'a>(
        &self,
        ring: &'a Ring,
        from: u32,
        to: u32,
        facts: &'a Facts,
    ) -> impl DoubleEndedIterator<Item = u64> + 'a {
        let predicate = self.predicate;
        ring.rows(from, to).filter(move |row| facts.holds(*row, predicate))
    }

    /// The argument of a row, of a kind that picks one.
    pub fn picked(&self, row: &RowFacts<'_>) -> Value {
        match (self.text, self.argument) {
            _ if self.known.is_some_and(|known| !row.holds(known)) => Value::Null,
            (Some(slot), _) => row.text(slot).map_or(Value::Null, |text| Value::Text(text.into())),
            (None, Some(argument)) => Value::Number(row.argument(argument) as i128),
            (None, None) => Value::Null,
        }
    }

    fn entry<'a>(&self, facts: &'a Facts, row: u64, place: Place) -> Entry<'a> {
        let value = self.value_of(row, facts);
        Entry { row, value, text: self.text.and_then(|slot| facts.text(row, slot)), place }
    }
}

/// The value of a feature over the rows `[tail, head)` of a ring. At 32 bytes there are two in a cache
/// line: with hundreds of rules they are most of what a row touches.
#[derive(Debug)]
pub(crate) enum Cursor {
    /// Counts, sums and averages. An `i128` as such would need to lie on 16 bytes.
    Total { feature: u16, tail: u32, head: u32, count: u32, sum: [u64; 2] },
    /// Everything else.
    Other { feature: u16, tail: u32, head: u32, running: Box<Running> },
}

fn number(sum: [u64; 2]) -> i128 {
    (u128::from(sum[1]) << 64 | u128::from(sum[0])) as i128
}

fn words(sum: i128) -> [u64; 2] {
    [sum as u64, (sum as u128 >> 64) as u64]
}

impl Cursor {
    /// Over no rows, which stand before the one at `at`.
    pub fn new(index: u16, feature: &Feature, at: u32) -> Self {
        match feature.kind.is_total() {
            true => Self::Total { feature: index, tail: at, head: at, count: 0, sum: [0; 2] },
            false => {
                let running = Box::new(Running::new(feature.kind, feature.text.is_some()));
                Self::Other { feature: index, tail: at, head: at, running }
            }
        }
    }

    pub fn feature(&self) -> u16 {
        match self {
            Self::Total { feature, .. } | Self::Other { feature, .. } => *feature,
        }
    }

    /// The first of its rows, and the one behind the last.
    pub fn ends(&self) -> (u32, u32) {
        match self {
            Self::Total { tail, head, .. } | Self::Other { tail, head, .. } => (*tail, *head),
        }
    }

    fn ends_mut(&mut self) -> (&mut u32, &mut u32) {
        match self {
            Self::Total { tail, head, .. } | Self::Other { tail, head, .. } => (tail, head),
        }
    }

    fn add(&mut self, row: u64, place: Place, of: &Feature, facts: &Facts) {
        match self {
            // Inputs are below 10^38 / rows by the bound on amounts; wrapping keeps the inverse exact in any case.
            Self::Total { count, sum, .. } => {
                let value = of.value_of(row, facts) as i128;
                (*sum, *count) = (words(number(*sum).wrapping_add(value)), *count + 1);
            }
            Self::Other { running, .. } => running.add(&of.entry(facts, row, place)),
        }
    }

    fn remove(&mut self, row: u64, place: Place, of: &Feature, facts: &Facts) {
        match self {
            Self::Total { count, sum, .. } => {
                let value = of.value_of(row, facts) as i128;
                (*sum, *count) = (words(number(*sum).wrapping_sub(value)), *count - 1);
            }
            Self::Other { running, .. } => running.remove(&of.entry(facts, row, place)),
        }
    }

    /// Moves to the rows `[from, to)`. Costs the rows between there and where it stood, or those in it if they are fewer.
    pub fn seek(&mut self, (from, to): (u32, u32), ring: &Ring, of: &Feature, facts: &Facts) {
        let (tail, head) = self.ends_mut();
        let moves = u64::from(ring.between(*tail, from)) + u64::from(ring.between(*head, to));
        if moves > u64::from(to.wrapping_sub(from)) {
            *self = Self::new(self.feature(), of, from);
        }
        let (tail, head) = self.ends_mut();
        let (was_tail, was_head) = (std::mem::replace(tail, from), std::mem::replace(head, to));
        // From here on the rows it was over and those it comes to be over meet: it moves by fewer than there are.
        for row in of.counted(ring, was_head, to, facts) {
            self.add(row, Place::Back, of, facts);
        }
        for row in of.counted(ring, from, was_tail, facts).rev() {
            self.add(row, Place::Front, of, facts);
        }
        for row in of.counted(ring, to, was_head, facts).rev() {
            self.remove(row, Place::Back, of, facts);
        }
        for row in of.counted(ring, was_tail, from, facts) {
            self.remove(row, Place::Front, of, facts);
        }
    }

    /// A row comes onto the ring at `at`, or goes from there; the ring is as it is without it.
    pub fn disturbed(&mut self, at: u32, row: u64, comes: bool, ring: &Ring, of: &Feature, facts: &Facts) {
        let (tail, head) = self.ends_mut();
        if !ring.is_before(at, *head) {
            return;
        }
        let moved = |end: u32| if comes { end.wrapping_add(1) } else { end.wrapping_sub(1) };
        *head = moved(*head);
        if ring.is_before(at, *tail) {
            *tail = moved(*tail);
            return;
        }
        let first = *tail;
        if !facts.holds(row, of.predicate) {
            return;
        }
        let place = match self {
            Self::Other { running, .. } if running.keeps_order() => {
                Place::At(of.counted(ring, first, at, facts).count())
            }
            _ => Place::Back,
        };
        if comes { self.add(row, place, of, facts) } else { self.remove(row, place, of, facts) }
    }

    /// The rows before `front` are about to leave the ring.
    pub fn expire(&mut self, front: u32, ring: &Ring, of: &Feature, facts: &Facts) {
        let (tail, head) = self.ends_mut();
        if !ring.is_before(*tail, front) {
            return;
        }
        let first = std::mem::replace(tail, front);
        let last = std::mem::replace(head, if ring.is_before(*head, front) { front } else { *head });
        let last = if ring.is_before(last, front) { last } else { front };
        for row in of.counted(ring, first, last, facts) {
            self.remove(row, Place::Front, of, facts);
        }
    }

    /// The value of a feature that is a number.
    #[inline]
    pub fn number(&self, of: &Feature) -> Option<i128> {
        match self {
            Self::Total { count, sum, .. } => total(of.kind, number(*sum), *count),
            Self::Other { running, .. } => running.number(of.kind),
        }
    }

    /// The value of a feature that is none, or the argument of a row.
    pub fn value(&self, of: &Feature, facts: &Facts) -> Value {
        let Self::Other { running, .. } = self else { return Value::Null };
        match of.kind.picks_a_row() {
            true => running.picked(of.kind).map_or(Value::Null, |row| of.picked(&facts.of(row))),
            false => running.text(of.kind).map_or(Value::Null, |text| Value::Text(text.clone())),
        }
    }
}
