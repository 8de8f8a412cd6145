//! Running features of timelines that were filled without judging.
//!
//! The first time that a feature is asked for on a key, it runs over all rows of its window; from then on it only slides. Where
//! timelines have just been filled, all keys of a slice would do that at once, while the judging waits: with a window of a day,
//! for longer than the slice itself takes. So the newest rows are gone through before, wherever the timelines are filled. A key
//! that has none among them costs its window when it comes, which is about what sliding over the rows since then would cost.

use std::collections::HashMap;

use crate::aggregate::{TakesValues, Value};
use crate::base::keys;
use crate::error::Error;
use crate::in_force::Reign;
use crate::key::{Key, KeyBuild};
use crate::level::{Level, Rows};
use crate::program::RuleProgram;
use crate::timeline::AsOf;

/// How many of the newest transactions are gone through.
pub(crate) const WARM_ROWS: u64 = 1 << 18;

/// Values that nobody asks for.
struct Unneeded;

impl TakesValues for Unneeded {
    fn number(&mut self, _: u16, _: Option<i128>) {}

    fn value(&mut self, _: u16, _: Value) {}
}

impl Level {
    /// Has features run up to the last of these rows on each key, as judging them would. Rows come in order of acceptance.
    pub fn warm(&mut self, source: &dyn Rows, rows: &[u64]) -> Result<(), Error> {
        if rows.is_empty() || self.program.features.is_empty() {
            return Ok(());
        }
        let (columns, times) = self.read(source, rows, &self.program.eager)?;
        for dimension in 0..self.dimensions.len() {
            let keys = keys(&self.program.dimensions[dimension].0, &columns, rows.len());
            for (index, feature) in self.program.numbers[dimension].iter().enumerate() {
                let gates = self.asked_behind(*feature);
                let mut last: HashMap<Key, AsOf, KeyBuild> = HashMap::default();
                for ((key, row), time) in keys.iter().zip(rows).zip(&times) {
                    if let Some(key) = key.filter(|_| gates.iter().any(|gate| self.facts.holds(*row, *gate))) {
                        let as_of = AsOf { time: *time, row: *row };
                        let known = last.entry(key).or_insert(as_of);
                        *known = (*known).max(as_of);
                    }
                }
                let timelines = &mut self.dimensions[dimension];
                for (key, as_of) in last {
                    if let Some(slot) = timelines.find(key) {
                        timelines.values(slot, as_of, std::iter::once(index as u16), &self.facts, &mut Unneeded);
                    }
                }
            }
        }
        Ok(())
    }

    /// The gates of the rules that ask for a feature first of all, of those that are to judge new rows: retired ones want theirs
    /// for late rows alone, and what is asked for later few rows come to.
    fn asked_behind(&self, feature: usize) -> Vec<usize> {
        let rules = self.program.rules.iter().zip(&self.reigns).filter(|(_, reign)| reign.is_live());
        let asks =
            |(rule, _): &(&RuleProgram, &Reign)| rule.stages.first().is_some_and(|s| s.features.contains(&feature));
        rules.filter(asks).map(|(rule, _)| rule.gate).collect()
    }
}
