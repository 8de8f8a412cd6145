use siphasher::sip::SipHasher13;

/// Bits of memory a key; with four bits set in one word of 64, under one unlisted key in a hundred passes.
const BITS_PER_KEY: u64 = 16;
const WORD_BITS: u64 = 64;

/// The coarse filter before all lists: one hash and one word of memory, since nearly every probe ends here. What passes
/// is judged by the filter of each list at its configured rate, then by the exact entry. Keyed like those.
pub(crate) struct Front {
    words: Vec<u64>,
    hasher: SipHasher13,
}

impl Front {
    /// For a number of keys; without keys nothing passes.
    pub(crate) fn new(keys: u64, key: &[u8; 16]) -> Self {
        let words = if keys == 0 { 0 } else { (keys * BITS_PER_KEY).div_ceil(WORD_BITS).min(u64::from(u32::MAX)) };
        let words = usize::try_from(words).unwrap_or(usize::MAX);
        Self { words: vec![0; words], hasher: SipHasher13::new_with_key(key) }
    }

    pub(crate) fn set(&mut self, key: &str) {
        let (word, mask) = self.place(key);
        if let Some(word) = self.words.get_mut(word) {
            *word |= mask;
        }
    }

    /// False is final.
    #[inline]
    pub(crate) fn passes(&self, key: &str) -> bool {
        let (word, mask) = self.place(key);
        self.words.get(word).is_some_and(|word| word & mask == mask)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Measured size, bytes.
    pub(crate) fn size(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    /// The upper half of the hash picks the word, the lower half the bits.
    #[inline]
    fn place(&self, key: &str) -> (usize, u64) {
        let hash = self.hasher.hash(key.as_bytes());
        let word = ((hash >> 32) * self.words.len() as u64) >> 32;
        let bit = |shift: u32| 1_u64 << ((hash >> shift) & 63);
        (word as usize, bit(0) | bit(6) | bit(12) | bit(18))
    }
}
