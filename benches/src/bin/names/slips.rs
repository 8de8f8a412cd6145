use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Tokens shorter than this are left alone: another letter makes another name of them.
const MIN_LETTERS: usize = 4;

/// What may happen to a name between a passport and a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slip {
    /// Nothing.
    None,
    /// A letter replaced, inserted or dropped.
    Typo,
    /// Two neighbouring letters swapped.
    Swap,
    /// A token dropped, of three or more.
    Drop,
    /// Tokens in another order.
    Reorder,
}

impl Slip {
    pub const ALL: [Self; 5] = [Self::None, Self::Typo, Self::Swap, Self::Drop, Self::Reorder];
}

/// Makes slips, the same ones from the same seed.
pub struct Slips(ChaCha8Rng);

impl Slips {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The name with a slip in it; `None` where it has no room for one.
    pub fn make(&mut self, name: &str, slip: Slip) -> Option<String> {
        let mut tokens: Vec<Vec<char>> = name.split_whitespace().map(|token| token.chars().collect()).collect();
        match slip {
            Slip::None => {}
            Slip::Typo | Slip::Swap => {
                let long: Vec<usize> = (0..tokens.len()).filter(|at| tokens[*at].len() >= MIN_LETTERS).collect();
                let at = *long.choose(&mut self.0)?;
                self.misspell(&mut tokens[at], slip);
            }
            Slip::Drop if tokens.len() >= 3 => {
                let at = self.0.random_range(0..tokens.len());
                tokens.remove(at);
            }
            Slip::Reorder if tokens.len() >= 2 => tokens.shuffle(&mut self.0),
            Slip::Drop | Slip::Reorder => return None,
        }
        let tokens: Vec<String> = tokens.into_iter().map(|token| token.into_iter().collect()).collect();
        Some(tokens.join(" "))
    }

    fn misspell(&mut self, token: &mut Vec<char>, slip: Slip) {
        if slip == Slip::Swap {
            let at = self.0.random_range(0..token.len() - 1);
            token.swap(at, at + 1);
            return;
        }
        let letter = char::from(self.0.random_range(b'A'..=b'Z'));
        let at = self.0.random_range(1..token.len());
        match self.0.random_range(0..3) {
            0 => token[at] = letter,
            1 => token.insert(at, letter),
            _ => drop(token.remove(at)),
        }
    }
}
