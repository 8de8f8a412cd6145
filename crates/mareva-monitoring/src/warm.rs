//! Running features of timelines that were filled without judging.
//!
//! The first time that a feature is asked for on a key, it runs over all rows of its window; from then on it only slides. Where
//! timelines have just been filled, all keys of a slice would do that at once, while the judging waits: with a window of a day,
//! for longer than the slice itself takes. So the newest rows are gone through before, wherever the timelines are filled. A key
//! that has none among them costs its window when it comes, which is about what sliding over the rows since then would cost.

use std::collections::HashMap;

use crate::base::keys;
use crate::error::Error;
use crate::key::{Key, KeyBuild};
use crate::level::{Level, Rows};

/// How many of the newest transactions are gone through.
pub(crate) const WARM_ROWS: u64 = 1 << 18;

/// The last row of a key that a feature is wanted for: its time and number.
type Last = (i64, u64);

impl Level {
    /// Has features run up to the last of these rows on each key, as judging them would. Rows come in order of acceptance.
    pub fn warm(&mut self, source: &dyn Rows, rows: &[u64]) -> Result<(), Error> {
        if rows.is_empty() || self.program.features.is_empty() {
            return Ok(());
        }
        let (columns, times) = self.read(source, rows, &self.program.eager())?;
        for dimension in 0..self.dimensions.len() {
            let keys = keys(&self.program.dimensions[dimension].0, &columns, rows.len());
            for (feature, place) in self.program.features.iter().enumerate() {
                if place.dimension != dimension || !self.runs(feature) {
                    continue;
                }
                let mut last: HashMap<Key, Last, KeyBuild> = HashMap::default();
                for ((key, row), time) in keys.iter().zip(rows).zip(&times) {
                    if let Some(key) = key
                        && place.gates.iter().any(|gate| self.facts.holds(*row, *gate))
                    {
                        let known = last.entry(*key).or_insert((*time, *row));
                        *known = (*known).max((*time, *row));
                    }
                }
                for (key, (time, row)) in last {
                    self.dimensions[dimension].value(key, place.index, time, row, &self.facts);
                }
            }
        }
        Ok(())
    }

    /// Whether a rule that is to judge new rows reads a feature: those of retired ones are wanted for late rows alone.
    fn runs(&self, feature: usize) -> bool {
        self.reigns.iter().any(|reign| reign.is_live() && reign.reads.contains(&feature))
    }
}
