//! What features need of each row of a table, evaluated once when it comes.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

/// Rows whose facts are allocated together.
const CHUNK: usize = 8192;

/// Where an argument lies among the words of a row: numbers as they are, texts by their key.
#[derive(Debug, Clone, Copy)]
struct Field {
    at: usize,
    /// It takes two words, since not every value of the chunk fits into one.
    wide: bool,
}

/// Texts, one after the other. Records have a bound: those of a chunk are far below 4 GiB.
#[derive(Debug)]
struct Texts {
    /// Where each begins and ends; `(u32::MAX, 0)` is null.
    places: Box<[(u32, u32)]>,
    all: String,
}

impl Texts {
    fn new() -> Self {
        Self { places: vec![(u32::MAX, 0); CHUNK].into_boxed_slice(), all: String::new() }
    }

    fn set(&mut self, at: usize, text: &str) {
        let from = self.all.len();
        self.all.push_str(text);
        self.places[at] = (from as u32, self.all.len() as u32);
    }

    fn get(&self, at: usize) -> Option<&str> {
        let (from, to) = self.places[at];
        self.all.get(from as usize..to as usize)
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.places[..]) + self.all.capacity()
    }
}

/// Facts of some rows. What belongs to a row lies together: as it leaves a window, all of it comes from memory at once.
#[derive(Debug)]
struct Chunk {
    /// Words of a row: its predicates, then its arguments.
    stride: usize,
    fields: Vec<Field>,
    words: Box<[u64]>,
    texts: Vec<Texts>,
}

impl Chunk {
    fn new(predicates: usize, wide: impl Iterator<Item = bool>, texts: usize) -> Self {
        let mut stride = predicates;
        let field = |wide| {
            let at = stride;
            stride += 1 + usize::from(wide);
            Field { at, wide }
        };
        let fields = wide.map(field).collect();
        let texts = (0..texts).map(|_| Texts::new()).collect();
        Self { stride, fields, words: vec![0; CHUNK * stride].into_boxed_slice(), texts }
    }

    fn row(&self, index: usize) -> &[u64] {
        &self.words[index * self.stride..(index + 1) * self.stride]
    }

    fn of(&self, index: usize) -> RowFacts<'_> {
        RowFacts { words: self.row(index), fields: &self.fields, texts: &self.texts, index }
    }

    fn get(&self, index: usize, argument: usize) -> u128 {
        self.of(index).argument(argument)
    }

    fn set(&mut self, index: usize, argument: usize, value: u128) {
        if !self.fields[argument].wide && i64::try_from(value as i128).is_err() {
            self.widen(argument);
        }
        let Field { at, wide } = self.fields[argument];
        let at = index * self.stride + at;
        self.words[at] = value as u64;
        if wide {
            self.words[at + 1] = (value >> 64) as u64;
        }
    }

    fn widen(&mut self, argument: usize) {
        // Predicates come first.
        let before = self.fields[0].at;
        let wide = self.fields.iter().enumerate().map(|(number, field)| field.wide || number == argument);
        let mut wider = Self::new(before, wide, 0);
        for index in 0..CHUNK {
            let row = index * wider.stride;
            wider.words[row..row + before].copy_from_slice(&self.row(index)[..before]);
            (0..self.fields.len()).for_each(|argument| wider.set(index, argument, self.get(index, argument)));
        }
        *self = Self { texts: std::mem::take(&mut self.texts), ..wider };
    }
}

/// What is known of one row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowFacts<'a> {
    words: &'a [u64],
    fields: &'a [Field],
    texts: &'a [Texts],
    index: usize,
}

impl<'a> RowFacts<'a> {
    /// Something of each cache line that it lies in.
    pub fn touched(&self) -> u64 {
        let last = self.words.last().copied().unwrap_or_default();
        self.words.iter().step_by(8).copied().fold(last, u64::wrapping_add)
    }

    /// Whether a predicate holds.
    pub fn holds(&self, predicate: usize) -> bool {
        self.words[predicate / 64] >> (predicate % 64) & 1 == 1
    }

    /// The value of an argument.
    pub fn argument(&self, argument: usize) -> u128 {
        let Field { at, wide } = self.fields[argument];
        match wide {
            true => u128::from(self.words[at + 1]) << 64 | u128::from(self.words[at]),
            false => i128::from(self.words[at] as i64) as u128,
        }
    }

    /// A text that is kept as it is.
    pub fn text(&self, slot: usize) -> Option<&'a str> {
        self.texts[slot].get(self.index)
    }
}

/// What the features need of each row of a table: which predicates hold, and the values of the arguments.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    words: usize,
    arguments: usize,
    texts: usize,
    first: u64,
    next: u64,
    chunks: VecDeque<Chunk>,
    /// Arguments that were ever below zero.
    negative: Vec<bool>,
}

impl Facts {
    /// Of so many predicates and arguments, and so many texts that are kept as they are.
    pub fn new(predicates: usize, arguments: usize, texts: usize) -> Self {
        let negative = vec![false; arguments];
        Self { words: predicates.div_ceil(64).max(1), arguments, texts, negative, ..Self::default() }
    }

    /// Makes room for rows up to `end`; new rows hold no predicate until set. Numbering may start anywhere.
    pub fn extend_to(&mut self, from: u64, end: u64) {
        if self.chunks.is_empty() {
            self.first = from / CHUNK as u64 * CHUNK as u64;
            self.next = self.first;
        }
        while self.next < end {
            // An argument that did not fit in the chunk before will not in this one.
            let wide = |argument: usize| self.chunks.back().is_some_and(|before| before.fields[argument].wide);
            self.chunks.push_back(Chunk::new(self.words, (0..self.arguments).map(wide), self.texts));
            self.next += CHUNK as u64;
        }
    }

    fn at(&self, row: u64) -> (&Chunk, usize) {
        let offset = (row - self.first) as usize;
        (&self.chunks[offset / CHUNK], offset % CHUNK)
    }

    fn at_mut(&mut self, row: u64) -> (&mut Chunk, usize) {
        let offset = (row - self.first) as usize;
        (&mut self.chunks[offset / CHUNK], offset % CHUNK)
    }

    /// All that is known of a row.
    pub fn of(&self, row: u64) -> RowFacts<'_> {
        let (chunk, index) = self.at(row);
        chunk.of(index)
    }

    /// Sets which of the predicates `64 word ..` hold on a row.
    pub fn set_mask(&mut self, row: u64, word: usize, mask: u64) {
        let (chunk, index) = self.at_mut(row);
        chunk.words[index * chunk.stride + word] = mask;
    }

    /// Which predicates hold on a row, 64 in a word.
    pub fn mask(&self, row: u64) -> &[u64] {
        let (chunk, index) = self.at(row);
        &chunk.row(index)[..self.words]
    }

    /// Whether one of these predicates holds on a row.
    pub fn any(&self, row: u64, of: &[u64]) -> bool {
        self.mask(row).iter().zip(of).any(|(mask, of)| mask & of != 0)
    }

    pub fn holds(&self, row: u64, predicate: usize) -> bool {
        self.of(row).holds(predicate)
    }

    pub fn set_argument(&mut self, row: u64, argument: usize, value: u128) {
        self.negative[argument] |= (value as i128) < 0;
        let (chunk, index) = self.at_mut(row);
        chunk.set(index, argument, value);
    }

    /// Whether a value of this argument may be below zero.
    pub fn is_negative(&self, argument: usize) -> bool {
        self.negative[argument]
    }

    pub fn argument(&self, row: u64, argument: usize) -> u128 {
        self.of(row).argument(argument)
    }

    pub fn set_text(&mut self, row: u64, slot: usize, text: &str) {
        let (chunk, index) = self.at_mut(row);
        chunk.texts[slot].set(index, text);
    }

    pub fn text(&self, row: u64, slot: usize) -> Option<&str> {
        self.of(row).text(slot)
    }

    /// Lets go of whole chunks before `row`.
    pub fn expire(&mut self, row: u64) {
        while self.first + CHUNK as u64 <= row && self.chunks.pop_front().is_some() {
            self.first += CHUNK as u64;
        }
    }

    pub fn bytes(&self) -> usize {
        let of = |chunk: &Chunk| size_of_val(&chunk.words[..]) + chunk.texts.iter().map(Texts::bytes).sum::<usize>();
        self.chunks.iter().map(of).sum()
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
    words.enumerate().flat_map(|(word, bits)| bits_of(bits).map(move |bit| word * 64 + bit))
}

/// The same of one word.
pub(crate) fn bits_of(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as usize;
        word &= word.wrapping_sub(1);
        (bit < 64).then_some(bit)
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
