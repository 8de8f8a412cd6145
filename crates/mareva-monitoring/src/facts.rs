//! What features need of each row of a table, evaluated once when it comes.

use std::collections::VecDeque;
use std::sync::Arc;

/// Rows whose facts are allocated together.
const CHUNK: usize = 8192;

/// What the features need of each row of a table: which predicates hold, and the values of the arguments.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    words: usize,
    arguments: usize,
    texts: usize,
    first: u64,
    next: u64,
    masks: VecDeque<Box<[u64]>>,
    values: VecDeque<Box<[u128]>>,
    kept: VecDeque<Box<[Option<Arc<str>>]>>,
}

impl Facts {
    /// Of so many predicates and arguments, and so many texts that are kept as they are.
    pub fn new(predicates: usize, arguments: usize, texts: usize) -> Self {
        Self { words: predicates.div_ceil(64).max(1), arguments, texts, ..Self::default() }
    }

    /// Makes room for rows up to `end`; new rows hold no predicate until set. Numbering may start anywhere.
    pub fn extend_to(&mut self, from: u64, end: u64) {
        if self.masks.is_empty() {
            self.first = from / CHUNK as u64 * CHUNK as u64;
            self.next = self.first;
        }
        while self.next < end {
            self.masks.push_back(vec![0; CHUNK * self.words].into_boxed_slice());
            self.values.push_back(vec![0; CHUNK * self.arguments].into_boxed_slice());
            self.kept.push_back(vec![None; CHUNK * self.texts].into_boxed_slice());
            self.next += CHUNK as u64;
        }
    }

    fn at(&self, row: u64) -> (usize, usize) {
        let offset = (row - self.first) as usize;
        (offset / CHUNK, offset % CHUNK)
    }

    pub fn set_predicate(&mut self, row: u64, predicate: usize) {
        let (chunk, index) = self.at(row);
        self.masks[chunk][index * self.words + predicate / 64] |= 1 << (predicate % 64);
    }

    pub fn set_argument(&mut self, row: u64, argument: usize, value: u128) {
        let (chunk, index) = self.at(row);
        self.values[chunk][index * self.arguments + argument] = value;
    }

    pub fn holds(&self, row: u64, predicate: usize) -> bool {
        let (chunk, index) = self.at(row);
        self.masks[chunk][index * self.words + predicate / 64] >> (predicate % 64) & 1 == 1
    }

    pub fn argument(&self, row: u64, argument: usize) -> u128 {
        let (chunk, index) = self.at(row);
        self.values[chunk][index * self.arguments + argument]
    }

    pub fn set_text(&mut self, row: u64, slot: usize, text: &str) {
        let (chunk, index) = self.at(row);
        self.kept[chunk][index * self.texts + slot] = Some(text.into());
    }

    pub fn text(&self, row: u64, slot: usize) -> Option<&Arc<str>> {
        let (chunk, index) = self.at(row);
        self.kept[chunk][index * self.texts + slot].as_ref()
    }

    /// Lets go of whole chunks before `row`.
    pub fn expire(&mut self, row: u64) {
        while self.first + CHUNK as u64 <= row && self.masks.pop_front().is_some() {
            self.values.pop_front();
            self.kept.pop_front();
            self.first += CHUNK as u64;
        }
    }

    pub fn bytes(&self) -> usize {
        self.masks.len() * CHUNK * (self.words * 8 + self.arguments * 16 + self.texts * size_of::<Option<Arc<str>>>())
    }
}
