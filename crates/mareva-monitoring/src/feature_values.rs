//! Values of features at the rows for which rules ask for them. Rows are numbered in the order in which they are judged.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use crate::aggregate::{TakesValues, Value};
use crate::base::Base;
use crate::dimension::{Dimension, Slot};
use crate::facts::{Facts, bits};
use crate::program::Program;
use crate::timeline::AsOf;
use crate::values;

/// Values of one feature that were asked for at once, ascending by row.
#[derive(Debug)]
struct Run {
    at: Vec<u32>,
    kinds: Vec<Kind>,
    /// Of a text its place among the texts.
    numbers: Vec<i128>,
    texts: Vec<Arc<str>>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Null,
    Number,
    Text,
}

impl Run {
    fn with_capacity(rows: usize) -> Self {
        let (at, kinds, numbers) = (Vec::with_capacity(rows), Vec::with_capacity(rows), Vec::with_capacity(rows));
        Self { at, kinds, numbers, texts: Vec::new() }
    }

    fn push(&mut self, row: u32, kind: Kind, number: i128) {
        self.at.push(row);
        self.kinds.push(kind);
        self.numbers.push(number);
    }

    fn text(&self, at: usize) -> Option<&str> {
        matches!(self.kinds[at], Kind::Text).then(|| self.texts[self.numbers[at] as usize].as_ref())
    }
}

/// The runs of a dimension, by its features, while values come of a row.
struct Taking {
    runs: Vec<Run>,
    row: u32,
}

impl TakesValues for Taking {
    fn number(&mut self, feature: u16, value: Option<i128>) {
        let kind = if value.is_some() { Kind::Number } else { Kind::Null };
        self.runs[usize::from(feature)].push(self.row, kind, value.unwrap_or_default());
    }

    fn value(&mut self, feature: u16, value: Value) {
        let run = &mut self.runs[usize::from(feature)];
        match value {
            Value::Null => run.push(self.row, Kind::Null, 0),
            Value::Number(number) => run.push(self.row, Kind::Number, number),
            Value::Text(text) => {
                run.push(self.row, Kind::Text, run.texts.len() as i128);
                run.texts.push(text);
            }
        }
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
            let mut taking = Taking { runs: asked.counts.iter().map(room).collect(), row: 0 };
            let slots = self.order.iter().map(|index| self.base.slots[number][*index]).enumerate();
            let slots = slots.map(|(row, slot)| slot.filter(|_| asked.missing(row).any(|word| word != 0)));
            let slots: Vec<Option<Slot>> = slots.collect();
            for (row, index) in self.order.iter().enumerate() {
                dimensions[number].approach(&slots, row);
                let Some(slot) = slots[row] else { continue };
                let as_of = AsOf { time: self.base.times[*index], row: self.base.rows[*index] };
                taking.row = row as u32;
                // Features of a dimension are counted when rules are compiled: there are never 65,536.
                let new = bits(asked.missing(row)).map(|feature| feature as u16);
                dimensions[number].values(slot, as_of, new, facts, &mut taking);
            }
            asked.given.copy_from_slice(&asked.wanted);
            asked.counts.fill(0);
            for (run, feature) in taking.runs.into_iter().zip(numbers).filter(|(run, _)| !run.at.is_empty()) {
                self.runs[*feature].push(run);
            }
        }
    }

    /// The values of a feature at rows, which ascend, as an array of its SQL type; null where it was never fetched.
    pub fn array(&self, feature: usize, rows: &[u32], kind: &DataType) -> Result<ArrayRef, ArrowError> {
        if *kind == DataType::Utf8 {
            let found = self.found(feature, rows);
            let texts = found.map(|found| found.and_then(|(run, at)| run.text(at)));
            return Ok(Arc::new(texts.collect::<StringArray>()));
        }
        let is_number = |kind: Kind| matches!(kind, Kind::Number);
        // Mostly the rule that asks is the one that has asked.
        if let [run] = self.runs[feature].as_slice()
            && run.at == rows
        {
            let known = BooleanBuffer::collect_bool(rows.len(), |at| is_number(run.kinds[at]));
            return values::array(run.numbers.clone(), known, kind);
        }
        let number = |found: Option<(&'_ Run, usize)>| {
            found.map_or((0, false), |(run, at)| (run.numbers[at], is_number(run.kinds[at])))
        };
        let (numbers, known): (Vec<i128>, Vec<bool>) = self.found(feature, rows).map(number).unzip();
        values::array(numbers, known.into(), kind)
    }

    /// Where the values of a feature at rows are, which ascend.
    fn found<'b>(&'b self, feature: usize, rows: &'b [u32]) -> impl Iterator<Item = Option<(&'b Run, usize)>> {
        let runs = &self.runs[feature];
        let mut next = vec![0; runs.len()];
        rows.iter().map(move |row| {
            for (run, next) in runs.iter().zip(&mut next) {
                while run.at.get(*next).is_some_and(|at| at < row) {
                    *next += 1;
                }
                if run.at.get(*next) == Some(row) {
                    return Some((run, *next));
                }
            }
            None
        })
    }
}
