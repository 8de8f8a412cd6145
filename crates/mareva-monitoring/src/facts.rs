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

    /// Sets which of the predicates `64 word ..` hold on a row.
    pub fn set_mask(&mut self, row: u64, word: usize, mask: u64) {
        let (chunk, index) = self.at(row);
        self.masks[chunk][index * self.words + word] = mask;
    }

    /// Which predicates hold on a row, 64 in a word.
    pub fn mask(&self, row: u64) -> &[u64] {
        let (chunk, index) = self.at(row);
        &self.masks[chunk][index * self.words..(index + 1) * self.words]
    }

    /// Whether one of these predicates holds on a row.
    pub fn any(&self, row: u64, of: &[u64]) -> bool {
        self.mask(row).iter().zip(of).any(|(mask, of)| mask & of != 0)
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

/// Predicates as words of bits.
pub(crate) fn mask_of(predicates: impl Iterator<Item = usize>, words: usize) -> Vec<u64> {
    let mut mask = vec![0; words];
    for predicate in predicates {
        mask[predicate / 64] |= 1 << (predicate % 64);
    }
    mask
}

/// The numbers of the bits that are set, ascending.
pub(crate) fn bits(words: impl Iterator<Item = u64>) -> impl Iterator<Item = usize> {
    words.enumerate().flat_map(|(word, mut bits)| {
        std::iter::from_fn(move || {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
            (bit < 64).then_some(word * 64 + bit)
        })
    })
}

/// Swaps rows and columns of 64 words (Warren, Hacker's Delight, 7-3).
pub(crate) fn transpose(bits: &mut [u64; 64]) {
    let (mut width, mut mask) = (32, 0xffff_ffff_u64);
    while width > 0 {
        let mut at = 0;
        while at < 64 {
            let swapped = (bits[at] >> width ^ bits[at + width]) & mask;
            bits[at] ^= swapped << width;
            bits[at + width] ^= swapped;
            at = (at + width + 1) & !width;
        }
        width /= 2;
        mask ^= mask << width;
    }
}
