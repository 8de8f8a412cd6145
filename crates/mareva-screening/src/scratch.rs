use mareva_model::Digest;
use serde::Serialize;

use crate::alike::{Query, Search};
use crate::name::NameScratch;

/// What screening did, since it was last taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ScreeningStats {
    /// Identifiers probed.
    pub identifiers: u64,
    /// Names probed.
    pub names: u64,
    /// Of these, names that were remembered as clear.
    pub names_remembered: u64,
    /// One for each list, in the order of the watchlist, then lists of earlier watchlists.
    pub lists: Vec<ListStats>,
}

/// What one list contributed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ListStats {
    /// Name of the list.
    pub list: String,
    /// Probes that its filter let through, and entries whose names are alike.
    pub filter_hits: u64,
    /// Matches confirmed against the exact entry.
    pub confirmed: u64,
    /// Entries that hold the key and were not in force at the time.
    pub outside_validity: u64,
}

/// What screening did, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Identifiers and names probed.
    pub probes: u64,
    /// Probes that the filter of a list let through.
    pub filter_hits: u64,
}

/// What a thread brings along to screen: buffers, counters, and a memory of names that are clear. Results never depend
/// on it.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) names: NameScratch,
    pub(crate) clear: ClearNames,
    pub(crate) query: Query,
    pub(crate) search: Search,
    pub(crate) stats: ScreeningStats,
    epoch: Option<Digest>,
}

impl Scratch {
    /// A fresh one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Probes, and what the filters of the lists let through, since the counters were last taken.
    pub fn counted(&self) -> Counted {
        let filter_hits = self.stats.lists.iter().map(|list| list.filter_hits).sum();
        Counted { probes: self.stats.identifiers + self.stats.names, filter_hits }
    }

    /// What was counted since the last call.
    pub fn take_stats(&mut self) -> ScreeningStats {
        let lists = self.stats.lists.iter().map(|one| ListStats { list: one.list.clone(), ..ListStats::default() });
        let lists = lists.collect();
        std::mem::replace(&mut self.stats, ScreeningStats { lists, ..ScreeningStats::default() })
    }

    /// Forgets what was true of another watchlist.
    #[inline]
    pub(crate) fn bind<'a>(&mut self, epoch: &Digest, lists: impl Iterator<Item = &'a str>) {
        if self.epoch.as_ref() != Some(epoch) {
            self.rebind(*epoch, lists);
        }
    }

    #[cold]
    fn rebind<'a>(&mut self, epoch: Digest, lists: impl Iterator<Item = &'a str>) {
        self.epoch = Some(epoch);
        self.clear.forget();
        let mut before = std::mem::take(&mut self.stats.lists);
        for list in lists {
            let known = before.iter().position(|one| one.list == list).map(|place| before.remove(place));
            self.stats.lists.push(known.unwrap_or_else(|| ListStats { list: list.to_owned(), ..ListStats::default() }));
        }
        self.stats.lists.append(&mut before);
    }
}

/// Names remembered: four for each of this many hashes, 4 MiB in all. A name longer than this is screened anew each time.
const SETS: usize = 1 << SET_BITS;
const SET_BITS: u32 = 14;
const WAYS: usize = 4;
const NAME_BYTES: usize = 63;

/// Names, as they were written, that no list holds and none is alike to. A name is compared in full; a hash
/// only picks the set, in which the latest names stand first.
#[derive(Default)]
pub(crate) struct ClearNames {
    sets: Vec<[Slot; WAYS]>,
}

#[derive(Clone, Copy)]
struct Slot {
    length: u8,
    name: [u8; NAME_BYTES],
}

impl std::fmt::Debug for ClearNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClearNames({} sets)", self.sets.len())
    }
}

impl ClearNames {
    #[inline]
    pub(crate) fn holds(&self, name: &str) -> bool {
        let Some(set) = self.sets.get(set_of(name.as_bytes())) else { return false };
        set.iter().any(|slot| slot.length != 0 && slot.name.get(..usize::from(slot.length)) == Some(name.as_bytes()))
    }

    pub(crate) fn remember(&mut self, name: &str) {
        if name.len() > NAME_BYTES || name.is_empty() {
            return;
        }
        if self.sets.is_empty() {
            self.sets = vec![[Slot { length: 0, name: [0; NAME_BYTES] }; WAYS]; SETS];
        }
        let set = &mut self.sets[set_of(name.as_bytes())];
        set.rotate_right(1);
        // At most 63.
        set[0].length = name.len() as u8;
        set[0].name[..name.len()].copy_from_slice(name.as_bytes());
    }

    fn forget(&mut self) {
        self.sets.clear();
    }
}

/// A cheap mix of eight bytes at a time: it only spreads names over sets.
#[inline]
fn set_of(name: &[u8]) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut mixed = name.len() as u64;
    let (words, rest) = name.as_chunks::<8>();
    for word in words {
        mixed = (mixed ^ u64::from_le_bytes(*word)).wrapping_mul(ODD).rotate_left(29);
    }
    for byte in rest {
        mixed = (mixed ^ u64::from(*byte)).wrapping_mul(ODD).rotate_left(29);
    }
    (mixed.wrapping_mul(ODD) >> (u64::BITS - SET_BITS)) as usize
}
