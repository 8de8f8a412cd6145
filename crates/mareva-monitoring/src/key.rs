//! 128-bit keys of partition values, identities and distinct values.

use std::hash::{BuildHasherDefault, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

/// SipHash-1-3 with 128 bits of output. Two of 2^40 values meet with probability 2^-49; a crafted meeting takes 2^64
/// work, so the key stands for the full value.
pub type Key = u128;

/// The lower half of a key, and the upper one: a [`Key`] as such would need to lie on 16 bytes.
pub(crate) fn halves(key: Key) -> [u64; 2] {
    [key as u64, (key >> 64) as u64]
}

/// The key of a text.
pub fn key_of(text: &str) -> Key {
    // In one go: half the work of the streaming form.
    SipHasher13::new().hash(text.as_bytes()).as_u128()
}

/// The key of several nullable values, in order.
pub fn key_of_parts<'a>(parts: impl Iterator<Item = Option<&'a [u8]>>) -> Key {
    let mut hasher = SipHasher13::new();
    for part in parts {
        match part {
            // The length keeps ("ab", "c") and ("a", "bc") apart, the first byte null and empty.
            Some(bytes) => {
                hasher.write_u8(1);
                hasher.write_u64(bytes.len() as u64);
                hasher.write(bytes);
            }
            None => hasher.write_u8(0),
        }
    }
    hasher.finish128().as_u128()
}

/// Maps keyed by [`Key`] take its low half as the hash: it is one already.
pub type KeyBuild = BuildHasherDefault<KeyHasher>;

/// See [`KeyBuild`].
#[derive(Debug, Default, Clone, Copy)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64 ^ (value >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
