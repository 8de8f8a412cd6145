use crate::alike::likeness::loose_likeness;
use crate::alike::token::{Parts, Token};

/// Tokens of two names that stand for one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pair {
    /// Parts of the one and of the other name.
    pub(crate) parts: (u8, u8),
    /// The tokens that they cover.
    covers: (u32, u32),
    /// How alike they are, over 0 to 1.
    pub(crate) likeness: f32,
    /// What the lighter of them tells.
    pub(crate) weight: f32,
    /// Whether an index can find it.
    pub(crate) is_firm: bool,
}

/// The pairing of two names: each token in at most one pair, the pairs that tell most first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alignment {
    pub(crate) pairs: Vec<Pair>,
    /// Tokens in no pair, one bit each.
    pub(crate) left_out: (u32, u32),
}

impl Alignment {
    /// Pairs the tokens of two names. `firm` are all pairs of parts that an index can find, with their
    /// [`likeness`](crate::alike::likeness::likeness).
    pub(crate) fn align<A: AsRef<Token>, B: AsRef<Token>>(
        &mut self,
        a: &Parts<A>,
        b: &Parts<B>,
        firm: impl Iterator<Item = ((u8, u8), f32)>,
    ) {
        self.pairs.clear();
        self.pairs.extend(firm.map(|(parts, likeness)| new_pair(a, b, parts, likeness, true)));
        if a.has_loose() || b.has_loose() {
            for (i, x) in (0..).zip(a.tokens_of(a.everything())) {
                for (j, y) in (0..).zip(b.tokens_of(b.everything())) {
                    let likeness = loose_likeness(x, y);
                    if likeness > 0.0 && !self.pairs.iter().any(|pair| pair.parts == (i, j)) {
                        self.pairs.push(new_pair(a, b, (i, j), likeness, false));
                    }
                }
            }
        }
        // What tells most first; then in order, so that of equal pairs the same one is taken.
        let told = |pair: &Pair| pair.weight * pair.likeness * pair.likeness;
        self.pairs.sort_by(|x, y| told(y).total_cmp(&told(x)).then_with(|| x.parts.cmp(&y.parts)));
        let mut free = (a.everything(), b.everything());
        self.pairs.retain(|pair| {
            let is_free = free.0 & pair.covers.0 == pair.covers.0 && free.1 & pair.covers.1 == pair.covers.1;
            if is_free {
                free = (free.0 & !pair.covers.0, free.1 & !pair.covers.1);
            }
            is_free
        });
        self.left_out = free;
    }

    /// What the pairs tell that an index can find.
    pub(crate) fn firm_weight(&self) -> f32 {
        self.pairs.iter().filter(|pair| pair.is_firm).map(|pair| pair.weight).sum()
    }
}

fn new_pair<A: AsRef<Token>, B: AsRef<Token>>(
    a: &Parts<A>,
    b: &Parts<B>,
    parts: (u8, u8),
    likeness: f32,
    is_firm: bool,
) -> Pair {
    let (i, j) = (usize::from(parts.0), usize::from(parts.1));
    let weight = a.part_weight(i).min(b.part_weight(j));
    Pair { parts, covers: (a.covers(i), b.covers(j)), likeness, weight, is_firm }
}
