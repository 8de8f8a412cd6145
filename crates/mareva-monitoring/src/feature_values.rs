//! Values of features at the rows for which rules ask for them. Rows are numbered in the order in which they are judged.

use crate::aggregate::Value;
use crate::base::Base;
use crate::dimension::{Dimension, Slot};
use crate::facts::{Facts, bits};
use crate::program::Program;
use crate::timeline::AsOf;

/// Values of one feature that were asked for at once, ascending by row.
#[derive(Debug)]
struct Run {
    at: Vec<u32>,
    values: Vec<Value>,
}

impl Run {
    fn with_capacity(rows: usize) -> Self {
        Self { at: Vec::with_capacity(rows), values: Vec::with_capacity(rows) }
    }
}

/// What is asked for on one dimension: of each row, its features as bits.
struct Asked {
    words: usize,
    wanted: Vec<u64>,
    given: Vec<u64>,
    /// How many rows each feature was asked for at since it was fetched, those counted twice for which two rules have asked.
    counts: Vec<usize>,
}

impl Asked {
    /// The features of a row that are wanted and not given yet.
    fn missing(&self, row: usize) -> impl Iterator<Item = u64> {
        let words = row * self.words..(row + 1) * self.words;
        self.wanted[words.clone()].iter().zip(&self.given[words]).map(|(wanted, given)| wanted & !given)
    }
}

/// See the module.
pub(crate) struct FeatureValues<'a> {
    base: &'a Base,
    /// The rows of the base in the order of judging: as features of a key are asked for in time order, they only move forward,
    /// after at most one way back.
    order: &'a [usize],
    asked: Vec<Asked>,
    /// By feature; each at most as often as a rule has stages.
    runs: Vec<Vec<Run>>,
}

impl<'a> FeatureValues<'a> {
    pub fn new(program: &Program, base: &'a Base, order: &'a [usize], dimensions: &[Dimension]) -> Self {
        let asked = |dimension: &Dimension| {
            let words = dimension.layout.features.len().div_ceil(64);
            let (wanted, given) = (vec![0; order.len() * words], vec![0; order.len() * words]);
            Asked { words, wanted, given, counts: vec![0; dimension.layout.features.len()] }
        };
        let asked = dimensions.iter().map(asked).collect();
        Self { base, order, asked, runs: program.features.iter().map(|_| Vec::new()).collect() }
    }

    /// Asks for features at these rows.
    pub fn ask(&mut self, program: &Program, features: &[usize], rows: &[u32]) {
        for feature in features {
            let place = &program.features[*feature];
            let asked = &mut self.asked[place.dimension];
            let (word, bit) = (place.index / 64, 1 << (place.index % 64));
            rows.iter().for_each(|row| asked.wanted[*row as usize * asked.words + word] |= bit);
            asked.counts[place.index] += rows.len();
        }
    }

    /// Fetches what has been asked for.
    pub fn fetch(&mut self, program: &Program, dimensions: &mut [Dimension], facts: &Facts) {
        for (number, asked) in
            self.asked.iter_mut().enumerate().filter(|(_, asked)| asked.counts.iter().any(|count| *count > 0))
        {
            let numbers = &program.numbers[number];
            let room = |count: &usize| Run::with_capacity(self.order.len().min(*count));
            let mut found: Vec<Run> = asked.counts.iter().map(room).collect();
            let slots = self.order.iter().map(|index| self.base.slots[number][*index]).enumerate();
            let slots = slots.map(|(row, slot)| slot.filter(|_| asked.missing(row).any(|word| word != 0)));
            let slots: Vec<Option<Slot>> = slots.collect();
            for (row, index) in self.order.iter().enumerate() {
                dimensions[number].approach(&slots, row);
                let Some(slot) = slots[row] else { continue };
                let as_of = AsOf { time: self.base.times[*index], row: self.base.rows[*index] };
                let give = |feature: u16, value| {
                    let run = &mut found[usize::from(feature)];
                    run.at.push(row as u32);
                    run.values.push(value);
                };
                // Features of a dimension are counted when rules are compiled: there are never 65,536.
                let new = bits(asked.missing(row)).map(|feature| feature as u16);
                dimensions[number].values(slot, as_of, new, facts, give);
            }
            asked.given.copy_from_slice(&asked.wanted);
            asked.counts.fill(0);
            for (run, feature) in found.into_iter().zip(numbers).filter(|(run, _)| !run.at.is_empty()) {
                self.runs[*feature].push(run);
            }
        }
    }

    /// The values of a feature at rows, which ascend; null where it was never fetched.
    pub fn at<'b>(&'b self, feature: usize, rows: &'b [u32]) -> impl Iterator<Item = &'b Value> {
        let runs = &self.runs[feature];
        let mut next = vec![0; runs.len()];
        rows.iter().map(move |row| {
            for (run, next) in runs.iter().zip(&mut next) {
                while run.at.get(*next).is_some_and(|at| at < row) {
                    *next += 1;
                }
                if run.at.get(*next) == Some(row) {
                    return &run.values[*next];
                }
            }
            &Value::Null
        })
    }
}
