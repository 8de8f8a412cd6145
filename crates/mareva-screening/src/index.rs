use bloomfilter::Bloom;
use serde::Serialize;
use siphasher::sip::SipHasher13;

/// A filter is never sized for fewer keys than this: the hashes of a tiny filter are too alike to hold its rate.
const MIN_FILTER_KEYS: usize = 64;

/// A keyed filter of the `bloomfilter` crate for `keys` keys; `None` when there is nothing to filter for.
///
/// # Errors
/// The crate's reason.
pub(crate) fn filter(keys: u64, rate: f64, seed: &[u8; 32]) -> Result<Option<Bloom<str>>, &'static str> {
    if keys == 0 {
        return Ok(None);
    }
    let keys = usize::try_from(keys).unwrap_or(usize::MAX).max(MIN_FILTER_KEYS);
    Bloom::new_for_fp_rate_with_seed(keys, rate, seed).map(Some)
}

/// How large a filter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FilterSize {
    /// Bits.
    pub bits: u64,
    /// Hash functions (k).
    pub hashes: u32,
}

impl FilterSize {
    pub(crate) fn of(filter: Option<&Bloom<str>>) -> Self {
        filter
            .map_or_else(Self::default, |filter| Self { bits: filter.len(), hashes: filter.number_of_hash_functions() })
    }
}

/// Slots that one step of the directory covers, on average: one line of cache.
const SLOTS_PER_STEP: usize = 8;
/// Bits of the hash that a slot keeps.
const HASH_BITS: u32 = 32;

/// From a key to the entries that may hold it: the filter, then 32 bits of a keyed hash and the number of the entry in
/// one sorted word a key, with a directory over the upper bits. The caller compares with the entry itself; the hash
/// decides nothing.
pub(crate) struct KeyIndex {
    filter: Option<Bloom<str>>,
    hasher: SipHasher13,
    slots: Vec<u64>,
    /// Where the slots of each value of the hash's upper bits begin, and the end.
    directory: Vec<u32>,
    /// How far to shift a hash to get its place in the directory.
    shift: u32,
}

impl KeyIndex {
    pub(crate) fn new(keys: u64, rate: f64, seed: &[u8; 32]) -> Result<Self, &'static str> {
        Ok(Self { filter: filter(keys, rate, seed)?, ..Self::unfiltered(keys, seed) })
    }

    /// Without a filter of its own: it may hold nothing, and has its candidates all the same.
    pub(crate) fn unfiltered(keys: u64, seed: &[u8; 32]) -> Self {
        let hasher_key = blake3::derive_key("mareva-screening 2026 exact index", seed);
        let mut half = [0; 16];
        half.copy_from_slice(&hasher_key[..16]);
        Self {
            filter: None,
            hasher: SipHasher13::new_with_key(&half),
            slots: Vec::with_capacity(usize::try_from(keys).unwrap_or(0)),
            directory: Vec::new(),
            shift: HASH_BITS,
        }
    }

    /// Adds a key of an entry. [`Self::seal`] comes before the first probe.
    pub(crate) fn add(&mut self, key: &str, entry: u32) {
        if let Some(filter) = &mut self.filter {
            filter.set(key);
        }
        self.slots.push(self.hash(key) << HASH_BITS | u64::from(entry));
    }

    pub(crate) fn seal(&mut self) {
        self.slots.sort_unstable();
        self.slots.dedup();
        self.slots.shrink_to_fit();
        let steps = (self.slots.len() / SLOTS_PER_STEP).max(1).next_power_of_two();
        self.shift = HASH_BITS - steps.ilog2();
        let mut end = 0;
        self.directory = Vec::with_capacity(steps + 1);
        for step in 0..=steps as u64 {
            let before = |slot: &u64| slot >> HASH_BITS >> self.shift < step;
            end += self.slots[end..].iter().take_while(|slot| before(slot)).count();
            self.directory.push(u32::try_from(end).unwrap_or(u32::MAX));
        }
    }

    fn hash(&self, key: &str) -> u64 {
        self.hasher.hash(key.as_bytes()) >> (u64::BITS - HASH_BITS)
    }

    /// The filter's word: false is final.
    #[inline]
    pub(crate) fn may_hold(&self, key: &str) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.check(key))
    }

    /// Numbers of the entries that may hold the key, ascending.
    pub(crate) fn candidates(&self, key: &str) -> impl Iterator<Item = u32> {
        let hash = self.hash(key);
        let step = (hash >> self.shift) as usize;
        let bound = |place: usize| self.directory.get(place).map_or(0, |bound| *bound as usize);
        let slots = &self.slots[bound(step)..bound(step + 1)];
        slots.iter().filter(move |slot| **slot >> HASH_BITS == hash).map(|slot| *slot as u32)
    }

    pub(crate) fn filter_size(&self) -> FilterSize {
        FilterSize::of(self.filter.as_ref())
    }

    /// Measured size, bytes.
    pub(crate) fn size(&self) -> usize {
        let directory = self.directory.capacity() * size_of::<u32>();
        self.slots.capacity() * size_of::<u64>() + directory + self.filter_size().bits as usize / 8
    }
}
