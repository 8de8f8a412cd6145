//! Keys of which many rows would be judged again, since late ones came before them.
//!
//! On a busy key those are tens of thousands for each late row, and features would go back over all of them. A rule that has to reach
//! a number holds for none of them where even all that their windows hold together is less. It did not before, either: with the late
//! rows there is more of it.

use std::collections::HashMap;

use crate::dimension::Slot;
use crate::facts::mask_of;
use crate::judging::Pass;
use crate::level::{Disturbed, Level};

/// Fewer rows of a key than this are judged again as they are: that costs less than to ask what each rule can reach. Streams of tests
/// are short.
const MANY: usize = if cfg!(test) { 4 } else { 256 };

/// A key of which many rows have late ones before them, and the times of all of those.
#[derive(Debug, Clone, Copy)]
pub(super) struct Busy {
    slot: Slot,
    first: i64,
    last: i64,
}

/// Busy keys, by dimension.
pub(super) type BusyKeys = Vec<Vec<Busy>>;

impl Level {
    /// The rows whose windows late ones have come into, but for those for which no rule can hold that looks at them; and the
    /// busy keys among them.
    pub(super) fn judged_again(&mut self, dimension: usize, late: &Disturbed) -> (Vec<u64>, Vec<Busy>) {
        let (mut again, mut busy) = (Vec::new(), Vec::new());
        for (key, range) in late {
            let rows: Vec<u64> = self.rows_behind(dimension, *key, *range).collect();
            let timelines = &self.dimensions[dimension];
            let slot = timelines.find(*key).filter(|_| rows.len() >= MANY);
            let last = range.1.saturating_add(timelines.layout.span);
            let key = slot.map(|slot| Busy { slot, first: range.0, last });
            busy.extend(key);
            let within_reach = key.map(|key| self.gates_within_reach(dimension, key));
            let gates = within_reach.as_ref().unwrap_or(&self.program.gates);
            again.extend(rows.into_iter().filter(|row| self.facts.any(*row, gates)));
        }
        (again, busy)
    }

    /// The gates of the rules that look at rows of a busy key and may hold for one of them.
    fn gates_within_reach(&mut self, dimension: usize, key: Busy) -> Vec<u64> {
        let mut gates = Vec::new();
        for rule in 0..self.program.rules.len() {
            let program = &self.program.rules[rule];
            let looks = program.dimensions.contains(&dimension);
            let (gate, totals) = (program.gate, program.totals.clone());
            if looks && totals.iter().all(|total| self.is_within_reach(dimension, key, *total)) {
                gates.push(gate);
            }
        }
        mask_of(gates.into_iter(), self.program.gates.len())
    }

    /// Whether a feature may come to a number on rows of a busy key.
    fn is_within_reach(
        &mut self,
        dimension: usize,
        Busy { slot, first, last }: Busy,
        (feature, needed): (usize, i128),
    ) -> bool {
        let place = &self.program.features[feature];
        if place.dimension != dimension {
            return true;
        }
        let most = self.dimensions[dimension].at_most(slot, place.index as u16, (first, last), &self.facts);
        most.is_none_or(|most| most >= needed)
    }

    /// Takes rows of busy keys out that a rule cannot hold for: the late ones themselves, and those that another rule looks at.
    pub(super) fn leave_out(&mut self, pass: &Pass<'_>, busy: &BusyKeys, holding: &mut [Vec<u32>]) {
        for (dimension, busy) in busy.iter().enumerate().filter(|(_, busy)| !busy.is_empty()) {
            let places: HashMap<Slot, usize> = busy.iter().enumerate().map(|(place, key)| (key.slot, place)).collect();
            let slots = &pass.base.slots[dimension];
            let place = |index: &usize| {
                let (place, time) = (*places.get(&slots[*index]?)?, pass.base.times[*index]);
                (busy[place].first..=busy[place].last).contains(&time).then_some(place)
            };
            let of: Vec<Option<usize>> = pass.order.iter().map(place).collect();
            for (rule, holding) in holding.iter_mut().enumerate().filter(|(_, holding)| !holding.is_empty()) {
                for total in self.program.rules[rule].totals.clone() {
                    let reaches: Vec<bool> =
                        busy.iter().map(|key| self.is_within_reach(dimension, *key, total)).collect();
                    holding.retain(|at| of[*at as usize].is_none_or(|place| reaches[place]));
                }
            }
        }
    }
}
