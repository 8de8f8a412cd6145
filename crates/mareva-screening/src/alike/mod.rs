//! How alike two names are that are not equal. Names become tokens, tokens that stand for one another are paired, and what
//! the pairs tell and what is left over gives a score and the reasons for it. An index over the spellings of tokens finds
//! the listed names that can be scored at all, and none is lost by it.

mod alignment;
mod index;
mod likeness;
mod score;
mod sound;
mod token;
mod words;

use crate::EntryKind;
use crate::name::NameScratch;
use alignment::Alignment;
use likeness::{LEAST, likeness};
use score::features;
use token::{Parts, Token};

pub(crate) use index::{Found, NameIndex, Place, Query, Search};
pub use score::{FEATURES, WEIGHTS, score};

/// A name ready to be compared with many, without an index.
#[derive(Debug, Clone)]
pub struct ComparedName(Parts<Token>);

impl ComparedName {
    /// Of a name in any script.
    pub fn new(name: &str) -> Self {
        Self(Parts::of(name, &mut NameScratch::default()))
    }

    /// What a score of the two names rests on; `None` where they have too little in common to be scored.
    pub fn features(&self, other: &Self, kind: EntryKind) -> Option<[f64; FEATURES]> {
        let (a, b) = (&self.0, &other.0);
        let mut alignment = Alignment::default();
        let all =
            (0_u8..).zip(&a.all).flat_map(|(i, x)| (0_u8..).zip(&b.all).map(move |(j, y)| ((i, j), likeness(x, y))));
        alignment.align(a, b, all.filter(|(_, likeness)| *likeness >= LEAST));
        index::passes(alignment.firm_weight(a, b), a.solid_weight(a.everything()), b.solid_weight(b.everything()))
            .then(|| features(a, b, &alignment, kind))
    }
}
