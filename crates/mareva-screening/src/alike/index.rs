use std::collections::HashMap;
use std::fmt::Write as _;

use crate::EntryKind;
use crate::alike::alignment::Alignment;
use crate::alike::likeness::{LEAST, likeness, most_edits};
use crate::alike::score::{GATE, WEIGHTS, features, score};
use crate::alike::token::{MAX_LETTERS, Parts, Token};
use crate::alike::words::Class;
use crate::index::KeyIndex;
use crate::name::NameScratch;

/// Sums of the same weights in another order may differ by this.
const ROUNDING: f32 = 1e-4;

/// Whether firm pairs tell enough of two names that tell this much each: a share of both, and no less than one token that tells
/// who is named.
pub(crate) fn passes(firm: f32, a: f32, b: f32) -> bool {
    firm + ROUNDING >= Class::Own.weight() && firm + ROUNDING >= GATE * (a + b) / 2.0
}

/// Finds the listed names that are alike to a name. Every spelling within reach of a token is a key; two tokens that are alike
/// have one in common (deletions of both sides, as in SymSpell), so no name that passes the gate is missed.
pub(crate) struct NameIndex {
    /// From a key to tokens of the vocabulary; the filter before all lists is asked first.
    keys: KeyIndex,
    /// Each token and compound of the listed names once.
    vocabulary: Vec<Token>,
    /// The names that hold a token of the vocabulary.
    postings: Rows,
    /// The tokens and compounds of a name, and what they cover.
    parts: Rows,
    covers: Rows,
    names: Vec<Listed>,
    /// How many keys the filter before all lists has to hold.
    pub(crate) key_count: u64,
}

/// Where a name is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Which of the lists.
    pub(crate) list: u32,
    /// Which of its entries.
    pub(crate) entry: u32,
    /// Which of the names of the entry.
    pub(crate) name: u32,
}

#[derive(Debug, Clone, Copy)]
struct Listed {
    place: Place,
    /// Of its tokens that are more than a letter.
    weight: f32,
    tokens: u8,
    kind: EntryKind,
}

/// Rows of numbers, one after another.
#[derive(Debug, Default)]
struct Rows {
    ends: Vec<u32>,
    numbers: Vec<u32>,
}

impl Rows {
    fn push(&mut self, row: impl Iterator<Item = u32>) {
        self.numbers.extend(row);
        self.ends.push(u32::try_from(self.numbers.len()).unwrap_or(u32::MAX));
    }

    fn row(&self, row: u32) -> &[u32] {
        let bound = |row: u32| self.ends[row as usize] as usize;
        &self.numbers[row.checked_sub(1).map_or(0, bound)..bound(row)]
    }

    fn size(&self) -> usize {
        (self.ends.capacity() + self.numbers.capacity()) * size_of::<u32>()
    }
}

impl NameIndex {
    /// Over names: where each is listed, what the entry is, the name.
    pub(crate) fn new<'a>(listed: impl Iterator<Item = (Place, EntryKind, &'a str)>, seed: &[u8; 32]) -> Self {
        let (mut vocabulary, mut numbers) = (Vec::new(), HashMap::<(String, bool), u32>::new());
        let (mut parts, mut covers, mut names) = (Rows::default(), Rows::default(), Vec::new());
        let mut scratch = NameScratch::default();
        for (place, kind, name) in listed {
            let compared = Parts::of(name, &mut scratch);
            if compared.tokens == 0 {
                continue;
            }
            let weight = compared.solid_weight(compared.everything());
            // At most 24.
            names.push(Listed { place, weight, tokens: compared.tokens as u8, kind });
            covers.push(compared.covers.into_iter());
            parts.push(compared.all.into_iter().map(|token| {
                let next = u32::try_from(vocabulary.len()).unwrap_or(u32::MAX);
                *numbers.entry((token.text.clone(), token.is_compound)).or_insert_with(|| {
                    vocabulary.push(token);
                    next
                })
            }));
        }
        let mut all = Vec::new();
        let mut keys = 0;
        for token in &vocabulary {
            blocking_keys(token, &mut |_| keys += 1);
        }
        let mut index = KeyIndex::unfiltered(keys, seed);
        for (number, token) in (0..).zip(&vocabulary) {
            blocking_keys(token, &mut |key| index.add(key, number));
        }
        index.seal();
        for name in 0..u32::try_from(names.len()).unwrap_or(u32::MAX) {
            all.extend(parts.row(name).iter().map(|token| (*token, name)));
        }
        Self {
            key_count: keys,
            keys: index,
            postings: grouped(all, vocabulary.len()),
            vocabulary,
            parts,
            covers,
            names,
        }
    }

    /// Calls `see` with every key, for the filter before all lists.
    pub(crate) fn for_each_key(&self, mut see: impl FnMut(&str)) {
        for token in &self.vocabulary {
            blocking_keys(token, &mut see);
        }
    }

    /// Measured size, bytes.
    pub(crate) fn size(&self) -> usize {
        let letters: usize = self.vocabulary.iter().map(|token| token.text.len() + token.word.len()).sum();
        let vocabulary = self.vocabulary.capacity() * size_of::<Token>() + letters;
        self.keys.size()
            + vocabulary
            + self.postings.size()
            + self.parts.size()
            + self.covers.size()
            + self.names.capacity() * size_of::<Listed>()
    }

    /// Calls `see` with every listed name that scores at least `threshold`.
    pub(crate) fn search(&self, query: &Query, threshold: f64, search: &mut Search, mut see: impl FnMut(Found<'_>)) {
        self.find_tokens(query, search);
        self.mark_names(query, search);
        let Search { by_token, marks, touched, alignment, .. } = search;
        for name in touched.drain(..) {
            let set = std::mem::take(&mut marks[name as usize]);
            let listed = &self.names[name as usize];
            if !passes(query.parts.solid_weight(set), query.weight, listed.weight) {
                continue;
            }
            let numbers = self.parts.row(name);
            let parts = Parts {
                all: numbers.iter().map(|number| &self.vocabulary[*number as usize]).collect(),
                covers: self.covers.row(name).to_vec(),
                tokens: usize::from(listed.tokens),
            };
            let firm = (0_u8..).zip(numbers).flat_map(|(j, number)| {
                let first = by_token.partition_point(|one| one.token < *number);
                let alike = by_token[first..].iter().take_while(|one| one.token == *number);
                alike.map(move |one| ((one.part, j), one.likeness))
            });
            alignment.align(&query.parts, &parts, firm);
            if !passes(alignment.firm_weight(&query.parts, &parts), query.weight, listed.weight) {
                continue;
            }
            let score = score(&features(&query.parts, &parts, alignment, listed.kind), &WEIGHTS);
            if score >= threshold {
                see(Found { place: listed.place, score, alignment, query: &query.parts, listed: &parts });
            }
        }
    }

    /// All tokens of the vocabulary that are alike to a part of the query.
    fn find_tokens(&self, query: &Query, search: &mut Search) {
        let Search { numbers, by_part, ends, by_token, .. } = search;
        by_part.clear();
        ends.clear();
        let mut keys = query.keys.as_slice();
        for (part, token) in (0_u8..).zip(&query.parts.all) {
            let (own, rest) = keys.split_at(keys.iter().take_while(|key| key.part == part).count());
            keys = rest;
            numbers.clear();
            for key in own.iter().map(|key| &query.letters[key.start as usize..key.end as usize]) {
                numbers.extend(self.keys.candidates(key));
            }
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers.iter().copied() {
                let likeness = likeness(token, &self.vocabulary[number as usize]);
                if likeness >= LEAST {
                    by_part.push(Close { token: number, part, likeness });
                }
            }
            ends.push(by_part.len());
        }
        by_token.clone_from(by_part);
        by_token.sort_unstable_by_key(|one| (one.token, one.part));
    }

    /// Marks each name with the tokens of the query that it may hold. Tokens that few names hold come first: once those left
    /// tell too little together, they bring no further name.
    fn mark_names(&self, query: &Query, search: &mut Search) {
        let Search { by_part, ends, marks, touched, order, .. } = search;
        if marks.len() < self.names.len() {
            marks.resize(self.names.len(), 0);
        }
        order.clear();
        let mut start = 0;
        for (part, end) in (0_u8..).zip(ends.iter().copied()) {
            let names: usize = by_part[start..end].iter().map(|one| self.postings.row(one.token).len()).sum();
            if names > 0 {
                order.push((names, part, start..end));
            }
            start = end;
        }
        order.sort_unstable_by_key(|(names, part, _)| (*names, *part));
        // What firm pairs tell is at most what the listed name tells, so this is the least that passes beside any name.
        let least = GATE * query.weight / (2.0 - GATE) - ROUNDING;
        for at in 0..order.len() {
            let left = order[at..].iter().fold(0, |set, (_, part, _)| set | query.parts.covers[usize::from(*part)]);
            let brings = query.parts.solid_weight(left) >= least;
            let (_, part, close) = &order[at];
            let covers = query.parts.covers[usize::from(*part)];
            for one in &by_part[close.clone()] {
                for name in self.postings.row(one.token) {
                    let mark = &mut marks[*name as usize];
                    if *mark == 0 && brings {
                        touched.push(*name);
                    }
                    if *mark != 0 || brings {
                        *mark |= covers;
                    }
                }
            }
        }
    }
}

/// Names grouped by token.
fn grouped(mut all: Vec<(u32, u32)>, tokens: usize) -> Rows {
    all.sort_unstable();
    all.dedup();
    let mut rows = Rows::default();
    let mut rest = all.as_slice();
    for token in 0..u32::try_from(tokens).unwrap_or(u32::MAX) {
        let (own, after) = rest.split_at(rest.iter().take_while(|(of, _)| *of == token).count());
        rows.push(own.iter().map(|(_, name)| *name));
        rest = after;
    }
    rows
}

/// A name to be found, with the keys of its tokens that the filter before all lists let through.
#[derive(Debug, Default)]
pub(crate) struct Query {
    parts: Parts<Token>,
    weight: f32,
    letters: String,
    keys: Vec<QueryKey>,
}

#[derive(Debug, Clone, Copy)]
struct QueryKey {
    part: u8,
    start: u32,
    end: u32,
}

impl Query {
    /// Takes a name, and of the keys of its tokens those that pass.
    pub(crate) fn set(&mut self, name: &str, scratch: &mut NameScratch, mut passes: impl FnMut(&str) -> bool) {
        self.parts = Parts::of(name, scratch);
        self.weight = self.parts.solid_weight(self.parts.everything());
        let Self { parts, letters, keys, .. } = self;
        letters.clear();
        keys.clear();
        for (part, token) in (0_u8..).zip(&parts.all) {
            blocking_keys(token, &mut |key| {
                if passes(key) {
                    let start = letters.len() as u32;
                    letters.push_str(key);
                    keys.push(QueryKey { part, start, end: letters.len() as u32 });
                }
            });
        }
    }

    /// Whether no token is anywhere near a listed one.
    pub(crate) fn is_clear(&self) -> bool {
        self.keys.is_empty()
    }
}

/// Room to search in.
#[derive(Debug, Default)]
pub(crate) struct Search {
    numbers: Vec<u32>,
    /// By part, with the end of each, and once more by token.
    by_part: Vec<Close>,
    ends: Vec<usize>,
    by_token: Vec<Close>,
    /// By listed name, the tokens of the query that it may hold; all zero between searches.
    marks: Vec<u32>,
    touched: Vec<u32>,
    /// How many names a part may bring, the part, and its tokens.
    order: Vec<(usize, u8, std::ops::Range<usize>)>,
    alignment: Alignment,
}

/// A token of the vocabulary that is alike to a part of the query.
#[derive(Debug, Clone, Copy)]
struct Close {
    token: u32,
    part: u8,
    likeness: f32,
}

/// A listed name that is alike.
pub(crate) struct Found<'a> {
    pub(crate) place: Place,
    /// Over 0 to 1.
    pub(crate) score: f64,
    pub(crate) alignment: &'a Alignment,
    pub(crate) query: &'a Parts<Token>,
    pub(crate) listed: &'a Parts<&'a Token>,
}

/// The keys under which a token is found: what it sounds like, the names it stands for, its word, and its letters without
/// any of as many as may be wrong.
fn blocking_keys(token: &Token, see: &mut impl FnMut(&str)) {
    let mut key = String::with_capacity(token.text.len() + 1);
    if token.word != token.text {
        see(&token.word);
    }
    if !token.sound.is_none() {
        key.clear();
        let _ = write!(key, "~{:x}", token.sound.0);
        see(&key);
    }
    for group in token.nicknames.iter().filter(|group| **group != 0) {
        key.clear();
        let _ = write!(key, "^{group}");
        see(&key);
    }
    see(&token.text);
    // Numbers are equal or different.
    if token.class != Class::Number {
        deletions(&token.text, most_edits(token), see);
    }
}

/// All texts that are left of a text when one letter is dropped, or where `most` is two, also when two are.
fn deletions(text: &str, most: usize, see: &mut impl FnMut(&str)) {
    let (mut once, mut twice) = (String::with_capacity(MAX_LETTERS), String::with_capacity(MAX_LETTERS));
    for first in 0..if most > 0 { text.len() } else { 0 } {
        without(text, first, &mut once);
        see(&once);
        for second in first..if most > 1 { once.len() } else { 0 } {
            without(&once, second, &mut twice);
            see(&twice);
        }
    }
}

fn without(text: &str, letter: usize, out: &mut String) {
    out.clear();
    out.push_str(&text[..letter]);
    out.push_str(&text[letter + 1..]);
}
