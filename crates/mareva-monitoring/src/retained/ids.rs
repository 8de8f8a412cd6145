//! Which row an identity stands for.

use std::collections::HashMap;

use crate::key::{Key, KeyBuild};

/// Maps that share the identities. One map of ten million grows in a second, while the judging waits; of these each grows in
/// less than a millisecond, and since they are not equally full, not all with one slice.
const SHARDS: usize = 1 << 10;

/// Bytes of an entry: key, number, and a byte of the map's own.
const ENTRY: usize = size_of::<(Key, u64)>() + 1;

/// Row numbers by identity.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// None until the first identity comes.
    shards: Vec<HashMap<Key, u64, KeyBuild>>,
    /// Entries that there is room for.
    room: usize,
}

impl Ids {
    pub fn insert(&mut self, key: Key, number: u64) {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, HashMap::default);
        }
        let shard = &mut self.shards[place(key)];
        let before = shard.capacity();
        shard.insert(key, number);
        self.room += shard.capacity() - before;
    }

    pub fn get(&self, key: Key) -> Option<u64> {
        self.shards.get(place(key))?.get(&key).copied()
    }

    pub fn remove(&mut self, key: Key) {
        if let Some(shard) = self.shards.get_mut(place(key)) {
            shard.remove(&key);
        }
    }

    /// Bytes, as allocated.
    pub fn bytes(&self) -> usize {
        self.room * ENTRY
    }
}

/// Within a shard the map goes by all 128 bits, folded: these, from the upper half, leave it evenly spread.
fn place(key: Key) -> usize {
    (key >> 96) as usize % SHARDS
}
