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
        let firm = firm.filter(|(parts, _)| !is_split_alike(a, b, *parts));
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
        // What tells most first, of equal ones what covers most, then by what does not depend on which name is which; then in order.
        let told = |pair: &Pair| pair.weight * pair.likeness * pair.likeness;
        let tokens = |pair: &Pair| pair.covers.0.count_ones() + pair.covers.1.count_ones();
        let texts = |pair: &Pair| {
            let (x, y) = (&a.token(usize::from(pair.parts.0)).text, &b.token(usize::from(pair.parts.1)).text);
            (x.min(y), x.max(y))
        };
        self.pairs.sort_by(|x, y| {
            let by_weight = told(y).total_cmp(&told(x)).then_with(|| tokens(y).cmp(&tokens(x)));
            by_weight.then_with(|| texts(x).cmp(&texts(y))).then_with(|| x.parts.cmp(&y.parts))
        });
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

    /// What the pairs tell that an index can find, initials aside.
    pub(crate) fn firm_weight<A: AsRef<Token>, B: AsRef<Token>>(&self, a: &Parts<A>, b: &Parts<B>) -> f32 {
        let firm = self.pairs.iter().filter(|pair| pair.is_firm);
        firm.map(|pair| a.solid_weight(pair.covers.0).min(b.solid_weight(pair.covers.1))).sum()
    }
}

fn new_pair<A: AsRef<Token>, B: AsRef<Token>>(
    a: &Parts<A>,
    b: &Parts<B>,
    parts: (u8, u8),
    likeness: f32,
    is_firm: bool,
) -> Pair {
    let covers = (a.covers[usize::from(parts.0)], b.covers[usize::from(parts.1)]);
    let weight = a.weight(covers.0).min(b.weight(covers.1));
    Pair { parts, covers, likeness, weight, is_firm }
}

/// Whether two compounds are of the same tokens, which say it better by themselves.
fn is_split_alike<A: AsRef<Token>, B: AsRef<Token>>(a: &Parts<A>, b: &Parts<B>, (i, j): (u8, u8)) -> bool {
    let (x, y) = (a.token(usize::from(i)), b.token(usize::from(j)));
    let first = |covers: u32| covers.trailing_zeros() as usize;
    let (of_x, of_y) = (a.covers[usize::from(i)], b.covers[usize::from(j)]);
    x.is_compound
        && y.is_compound
        && x.text == y.text
        && of_x.count_ones() == of_y.count_ones()
        && a.token(first(of_x)).text == b.token(first(of_y)).text
}
