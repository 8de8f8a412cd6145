//! Which row an identity stands for.

use hashbrown::HashTable;

use crate::key::{Key, halves};

/// Tables that share the identities. One table of ten million grows in a second, while the judging waits; of these each grows in
/// less than a millisecond, and since they are not equally full, not all with one slice.
const SHARDS: usize = 1 << 10;

/// Bytes of an entry, and a byte of the table's own.
const ENTRY: usize = size_of::<Entry>() + 1;

#[derive(Debug)]
struct Entry {
    /// A [`Key`] as such would need to lie on 16 bytes.
    key: [u64; 2],
    number: u64,
}

/// Row numbers by identity.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// None until the first identity comes.
    shards: Vec<HashTable<Entry>>,
    /// Entries that there is room for.
    room: usize,
}

/// Keys are hashes already: within a shard they go by their lower half.
fn hash(entry: &Entry) -> u64 {
    entry.key[0]
}

/// By other bits than those by which a table looks.
fn place([_, upper]: [u64; 2]) -> usize {
    (upper >> 32) as usize % SHARDS
}

impl Ids {
    /// Lets the numbers from `first` on stand for these, in order.
    pub fn insert(&mut self, keys: impl Iterator<Item = Key>, first: u64) {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, HashTable::new);
        }
        for (key, number) in keys.zip(first..) {
            let key = halves(key);
            let shard = &mut self.shards[place(key)];
            let before = shard.capacity();
            shard.entry(key[0], |entry| entry.key == key, hash).insert(Entry { key, number });
            self.room += shard.capacity() - before;
        }
    }

    pub fn get(&self, key: Key) -> Option<u64> {
        let key = halves(key);
        self.shards.get(place(key))?.find(key[0], |entry| entry.key == key).map(|entry| entry.number)
    }

    pub fn remove(&mut self, key: Key) {
        let key = halves(key);
        if let Some(shard) = self.shards.get_mut(place(key))
            && let Ok(entry) = shard.find_entry(key[0], |entry| entry.key == key)
        {
            entry.remove();
        }
    }

    /// Bytes, as allocated.
    pub fn bytes(&self) -> usize {
        self.room * ENTRY
    }
}
