use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Chance in whole numbers: one ChaCha8 stream per purpose and number, so that a change in one part of the economy does not
/// shift the others.
#[derive(Debug, Clone)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64, purpose: &str, number: u64) -> Self {
        Self(ChaCha8Rng::from_seed(derive(seed, purpose, number)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// From 0 to `n` − 1; 0 for `n` = 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// From `lo` to `hi`, both possible.
    pub(crate) fn between(&mut self, lo: i64, hi: i64) -> i64 {
        let span = hi.saturating_sub(lo).max(0) as u64;
        lo + self.below(span + 1) as i64
    }

    /// Like [`Self::between`], but small values are much more frequent than large ones.
    pub(crate) fn skewed(&mut self, lo: i64, hi: i64) -> i64 {
        let bits = self.next();
        let (a, b, c) = (bits & 0xffff, bits >> 16 & 0xffff, bits >> 32 & 0xffff);
        let cube = u128::from(a) * u128::from(b) * u128::from(c);
        lo + ((u128::from(hi.saturating_sub(lo).max(0) as u64) * cube) >> 48) as i64
    }

    /// True in `per_million` of a million cases.
    pub(crate) fn chance(&mut self, per_million: u64) -> bool {
        self.below(1_000_000) < per_million
    }

    /// A count with the given mean in thousandths: the whole part varies by ± half of itself.
    pub(crate) fn count(&mut self, mean_permille: u64) -> u64 {
        let tries = 3 + mean_permille / 1000;
        (0..tries).filter(|_| self.below(tries * 1000) < mean_permille).count() as u64
    }

    /// An index into a slice of this length.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// One of the values.
    pub(crate) fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        let at = self.index(values.len());
        &values[at]
    }

    /// An index, chosen by weight.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
        let mut point = self.below(total);
        for (at, weight) in weights.iter().enumerate() {
            let weight = u64::from(*weight);
            if point < weight {
                return at;
            }
            point -= weight;
        }
        0
    }
}

/// 32 bytes that depend on seed, purpose and number alone.
pub(crate) fn derive(seed: u64, purpose: &str, number: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(purpose.as_bytes());
    *hasher.finalize().as_bytes()
}

/// A well-mixed 64-bit value from a counter (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
