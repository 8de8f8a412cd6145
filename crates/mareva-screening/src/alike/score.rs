use crate::EntryKind;
use crate::alike::alignment::Alignment;
use crate::alike::likeness::{begin_alike, edits};
use crate::alike::token::{Parts, Token};
use crate::alike::words::Class;

/// Numbers that a score rests on.
pub const FEATURES: usize = 11;
/// What each feature adds to the log-odds that two names are of one party. Fitted by `names fit` of `benches/`, which tells on
/// what, and prints these beside what it fits.
pub const WEIGHTS: [f64; FEATURES] = [-3.61, 8.23, 0.72, -5.00, -1.08, -1.20, -1.46, -2.61, -2.15, 3.38, 6.30];

/// Of what a name tells in all, the share that has to stand in firm pairs, or nothing is scored. An index that finds all
/// firm pairs finds all names that are scored.
pub(crate) const GATE: f32 = 0.55;

/// The probability that two names are of one party, by their features.
pub fn score(features: &[f64; FEATURES], weights: &[f64; FEATURES]) -> f64 {
    let log_odds: f64 = features.iter().zip(weights).map(|(feature, weight)| feature * weight).sum();
    // Of the machine's own `exp` the last bit is its own too.
    1.0 / (1.0 + libm::exp(-log_odds))
}

/// Features of two names, the same whichever of them is the listed one.
///
/// In their order: one; what the pairs tell, weighed by likeness, of all that both names tell; the least likeness of a pair that
/// tells something; what is left out of the name of which less is; of the other; pairs that begin differently; pairs
/// beyond the first that are not equal; whether a single token agrees, and others do not or by an initial only; whether it is no
/// person; of no person, what is left out of the name of which less is; how alike the two most alike tokens left out are.
pub(crate) fn features<A: AsRef<Token>, B: AsRef<Token>>(
    a: &Parts<A>,
    b: &Parts<B>,
    alignment: &Alignment,
    kind: EntryKind,
) -> [f64; FEATURES] {
    let yes = |is: bool| f64::from(u8::from(is));
    let (mut told, mut agreed, mut least, mut other_letters, mut unequal) = (0.0, 0.0, 1.0_f64, 0.0, 0.0);
    let (mut tokens, mut initials) = (0, false);
    for pair in &alignment.pairs {
        let (x, y) = (a.token(usize::from(pair.parts.0)), b.token(usize::from(pair.parts.1)));
        let (weight, likeness) = (f64::from(pair.weight), f64::from(pair.likeness));
        told += weight;
        agreed += weight * likeness;
        tokens += i32::from(pair.is_firm && pair.weight >= Class::Particle.weight())
            + i32::from(pair.weight >= Class::Own.weight() + Class::Particle.weight());
        initials |= !pair.is_firm && pair.weight >= Class::Initial.weight();
        if pair.weight >= Class::Initial.weight() {
            least = least.min(likeness);
            other_letters += yes(likeness < 1.0 && !begin_alike(x, y));
            unequal += yes(likeness < 1.0);
        }
    }
    let left = [a.weight(alignment.left_out.0), b.weight(alignment.left_out.1)].map(f64::from);
    let total = told + (left[0] + left[1]) / 2.0;
    let (less, more) = (left[0].min(left[1]), left[0].max(left[1]));
    let no_person = yes(!matches!(kind, EntryKind::Person | EntryKind::Unknown));
    [
        1.0,
        if total > 0.0 { agreed / total } else { 0.0 },
        least,
        less,
        more,
        other_letters,
        (unequal - 1.0_f64).max(0.0),
        yes(tokens < 2 && (more >= 0.9 || initials)),
        no_person,
        no_person * less,
        nearest_left_out(a, b, alignment),
    ]
}

/// How alike the two most alike tokens are that stand in no pair: `sechev` and `sechin`.
fn nearest_left_out<A: AsRef<Token>, B: AsRef<Token>>(a: &Parts<A>, b: &Parts<B>, alignment: &Alignment) -> f64 {
    let mut nearest = 0.0_f64;
    for x in a.tokens_of(alignment.left_out.0).filter(|token| token.class == Class::Own) {
        for y in b.tokens_of(alignment.left_out.1).filter(|token| token.class == Class::Own) {
            let letters = x.text.len().max(y.text.len());
            nearest = nearest.max(1.0 - edits(x, y) as f64 / letters as f64);
        }
    }
    nearest
}
