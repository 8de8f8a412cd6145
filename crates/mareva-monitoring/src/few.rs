//! Features over few rows, computed from the rows each time: that costs less than to fetch what was kept, and most keys never have
//! more.

use std::sync::Arc;

use crate::aggregate::{AggregateKind, Moments, Value, total};
use crate::cursor::Feature;
use crate::facts::{Facts, RowFacts, bits_of};
use crate::ring::Ring;

/// So many rows are few.
pub(crate) const FEW: u32 = 8;

/// The last rows before a position, at most [`FEW`]: their facts are looked up once for all features.
pub(crate) struct Few<'a> {
    /// Position of the first of them.
    first: u32,
    rows: [RowFacts<'a>; FEW as usize],
}

impl<'a> Few<'a> {
    pub fn before(end: u32, ring: &Ring, facts: &'a Facts) -> Self {
        let mut few = Self { first: ring.back_from(end, FEW), rows: [RowFacts::default(); FEW as usize] };
        for (place, row) in few.rows.iter_mut().zip(ring.rows(few.first, end)) {
            *place = facts.of(row);
        }
        // Before the first is looked at, so that the processor waits for the memory of all of them at once.
        std::hint::black_box(few.rows.iter().map(RowFacts::touched).fold(0, u64::wrapping_add));
        few
    }

    /// The rows of `[from, to)` on which a predicate holds, as bits. None of them may be before the first row here.
    fn counted(&self, (from, to): (u32, u32), predicate: usize) -> u64 {
        let (low, high) = (from.wrapping_sub(self.first) as i32, to.wrapping_sub(self.first) as i32);
        let rows = self.rows.iter().enumerate().take(high.max(0) as usize).skip(low.max(0) as usize);
        rows.fold(0, |bits, (at, row)| bits | u64::from(row.holds(predicate)) << at)
    }

    /// The value over the rows `[from, to)` of a feature that is a number.
    #[inline]
    pub fn number(&self, range: (u32, u32), of: &Feature) -> Option<i128> {
        let counted = self.counted(range, of.predicate);
        let count = counted.count_ones();
        let values = || {
            let value = |at: usize| of.argument.map_or(0, |argument| self.rows[at].argument(argument));
            bits_of(counted).map(move |at| value(at) as i128)
        };
        match of.kind {
            AggregateKind::Count => Some(i128::from(count)),
            kind if kind.is_total() => total(kind, values().fold(0, i128::wrapping_add), count),
            AggregateKind::CountDistinct => {
                let is_new = |(at, value): &(usize, i128)| !values().take(*at).any(|known| known == *value);
                Some(values().enumerate().filter(is_new).count() as i128)
            }
            AggregateKind::Min => values().min(),
            AggregateKind::Max => values().max(),
            AggregateKind::Spread { population, root, scale } => {
                let mut moments = Moments::default();
                values().for_each(|value| moments.add(value));
                moments.spread(population, root, scale).map(|value| i128::from(value.to_bits()))
            }
            _ => Some(i128::from(count)),
        }
    }

    /// The value of a feature that is none, or the argument of a row.
    pub fn value(&self, range: (u32, u32), of: &Feature) -> Value {
        let counted = self.counted(range, of.predicate);
        if let (AggregateKind::Min | AggregateKind::Max, Some(slot)) = (of.kind, of.text) {
            let texts = bits_of(counted).filter_map(|at| self.rows[at].text(slot));
            let text = if of.kind == AggregateKind::Min { texts.min() } else { texts.max() };
            return text.map_or(Value::Null, |text| Value::Text(Arc::from(text)));
        }
        let picked = match of.kind {
            AggregateKind::Last => bits_of(counted).last(),
            AggregateKind::Lag(back) => {
                let before = bits_of(counted).count().checked_sub(1 + usize::from(back));
                before.and_then(|at| bits_of(counted).nth(at))
            }
            _ => bits_of(counted).next(),
        };
        picked.map_or(Value::Null, |at| of.picked(&self.rows[at]))
    }
}
