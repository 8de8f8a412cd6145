use std::fmt;
use std::sync::Arc;

use mareva_model::identifier;
use mareva_model::{Digest, ListRef, MatchedOn, Refusal};
use serde::Serialize;

use crate::alike::NameIndex;
use crate::faults::Faults;
use crate::front::Front;
use crate::index::FilterSize;
use crate::list::Key;
use crate::matched::new_match;
use crate::store::View;
use crate::{Basis, Doubts, Entry, ListConfig, ListStats, LoadCounts, LoadedList, Match, Scratch};

/// Most lists in one watchlist.
const MAX_LISTS: usize = 1_024;
/// Counts up whenever the normal form of a name or the meaning of a match changes.
const SCREENING_VERSION: &str = "mareva-screening 5";

/// All lists in force, immutable. Cheap to share, swapped whole.
pub struct Watchlist {
    pub(crate) lists: Vec<Arc<LoadedList>>,
    identifiers: Front,
    pub(crate) names: Front,
    /// Over names of all lists that are found where they are not equal, and over its keys.
    pub(crate) alike: NameIndex,
    pub(crate) spellings: Front,
    epoch: Digest,
}

impl fmt::Debug for Watchlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchlist").field("epoch", &self.epoch).field("lists", &self.lists).finish_non_exhaustive()
    }
}

/// A list in force, for people and metrics.
#[derive(Debug, Clone, Serialize)]
pub struct ListSummary {
    /// The list.
    pub list: Arc<ListRef>,
    /// What it holds.
    pub counts: LoadCounts,
    /// Where its file holds what somebody should look at.
    pub doubts: Doubts,
    /// Filter over its identifiers.
    pub identifier_filter: FilterSize,
    /// Filter over its names.
    pub name_filter: FilterSize,
    /// Configured rate of both.
    pub false_positive_rate: f64,
    /// Measured memory, bytes.
    pub bytes: usize,
}

impl Watchlist {
    /// Puts lists in force together. Every key of every list is probed back through the filter before all lists.
    ///
    /// # Errors
    /// Two lists of one name, too many lists, a key that is not found again.
    pub fn new(lists: Vec<Arc<LoadedList>>) -> Result<Self, Refusal> {
        let mut faults = Faults::default();
        for (place, list) in lists.iter().enumerate() {
            let name = &list.config.name;
            if lists[..place].iter().any(|before| before.config.name == *name) {
                faults.add(format!("list {name}"), "two lists have this name", "name each list differently");
            }
        }
        if lists.len() > MAX_LISTS {
            faults.add("lists", format!("{} lists are configured", lists.len()), format!("use at most {MAX_LISTS}"));
        }
        faults.into_result()?;
        let epoch = watchlist_epoch(lists.iter().map(|list| list.print()));
        let key = front_key(&lists);
        let front = |count: fn(&LoadedList) -> u64| Front::new(lists.iter().map(|list| count(list)).sum(), &key);
        let identifiers = front(|list| list.counts().identifiers);
        let names = front(|list| list.counts().names);
        let alike =
            NameIndex::new((0..).zip(&lists).flat_map(|(number, list)| list.names_alike(number)), &seed_of(&key));
        let spellings = Front::new(alike.key_count, &key);
        let mut watchlist = Self { lists, identifiers, names, alike, spellings, epoch };
        watchlist.fill_fronts();
        watchlist.probe_back()?;
        Ok(watchlist)
    }

    /// A watchlist of a single list of entries that come from no file.
    ///
    /// # Errors
    /// As [`LoadedList::from_entries`].
    pub fn from_entries(config: &ListConfig, entries: Vec<Entry>) -> Result<Self, Refusal> {
        Self::new(vec![Arc::new(LoadedList::from_entries(config, entries)?)])
    }

    fn fill_fronts(&mut self) {
        let Self { lists, identifiers, names, alike, spellings, .. } = self;
        for list in lists {
            list.for_each_key(|key, _| match key {
                Key::Identifier(text, _) => identifiers.set(text),
                Key::Name("") => {}
                Key::Name(key) => names.set(key),
            });
        }
        alike.for_each_key(|key| spellings.set(key));
    }

    fn probe_back(&self) -> Result<(), Refusal> {
        for list in &self.lists {
            let mut missed = None;
            list.for_each_key(|key, entry| {
                let passes = match key {
                    Key::Identifier(text, _) => self.identifiers.passes(text),
                    Key::Name(key) => key.is_empty() || self.names.passes(key),
                };
                if !passes {
                    missed.get_or_insert(entry);
                }
            });
            if let Some(entry) = missed {
                return Err(list.miss(entry));
            }
        }
        Ok(())
    }

    /// Names this set of lists, their policies and filter keys, and the way they are matched.
    pub fn epoch(&self) -> Digest {
        self.epoch
    }

    /// Appends a match for each entry that holds a canonical identifier and is in force at `event_time` (UTC
    /// milliseconds). An address with a tag also meets entries that list the address alone, a branch of a bank those that
    /// list the bank, a mistyped IBAN at a bank those that list it as it is.
    #[inline]
    pub fn screen_identifier(&self, canonical: &str, event_time: i64, scratch: &mut Scratch, out: &mut Vec<Match>) {
        scratch.stats.identifiers += 1;
        if self.identifiers.passes(canonical) {
            self.confirm_identifier(canonical, event_time, scratch, out);
        }
        if canonical.as_bytes().contains(&b'#') {
            let address = identifier::without_tag(canonical);
            if address != canonical && self.identifiers.passes(address) {
                self.confirm_identifier(address, event_time, scratch, out);
            }
        }
        if let Some(bank) = identifier::bank_of_branch(canonical)
            && self.identifiers.passes(&bank)
        {
            self.confirm_identifier(&bank, event_time, scratch, out);
        }
        if let Some(mistyped) = identifier::mistyped_iban(canonical).filter(|mistyped| mistyped != canonical)
            && self.identifiers.passes(&mistyped)
        {
            self.confirm_identifier(&mistyped, event_time, scratch, out);
        }
    }

    #[cold]
    fn confirm_identifier(&self, canonical: &str, event_time: i64, scratch: &mut Scratch, out: &mut Vec<Match>) {
        scratch.bind(&self.epoch, self.list_names());
        for (list, stats) in self.lists.iter().zip(&mut scratch.stats.lists) {
            if !list.identifiers.may_hold(canonical) {
                continue;
            }
            stats.filter_hits += 1;
            for number in list.identifiers.candidates(canonical) {
                let view = list.store.view(number);
                if view.has_identifier(canonical) && in_force(&view, event_time, stats) {
                    let matched = MatchedOn::Identifier { value: canonical.to_owned() };
                    out.push(new_match(list, view.to_entry(), matched, Basis::Identifier));
                }
            }
        }
    }

    pub(crate) fn list_names(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(|list| list.config.name.as_str())
    }

    /// The entry with an id such as `ofac-sdn:36216`; rows that share the id are one entry. Looks through the whole list:
    /// for people, not for the stream.
    pub fn entry(&self, id: &str) -> Option<Entry> {
        let (list, id) = self.list_of(id)?;
        let of_id = list.numbers().filter(|number| list.store.view(*number).id() == id);
        of_id.map(|number| list.store.entry(number)).reduce(|mut entry, row| {
            entry.absorb(row);
            entry
        })
    }

    /// The list of an entry, such as `ofac-sdn:36216`, and the id that it has there.
    pub(crate) fn list_of<'a>(&self, entry: &'a str) -> Option<(&LoadedList, &'a str)> {
        let (list, id) = entry.split_once(':')?;
        self.lists.iter().find(|one| one.config.name == list).map(|list| (&**list, id))
    }

    /// The digests of the rows of an entry, such as `ofac-sdn:36216`: of those that list this account where some do, else of all.
    /// The latter looks through the whole list.
    pub fn digests(&self, id: &str, account: Option<&str>) -> Vec<String> {
        let Some((list, id)) = self.list_of(id) else { return Vec::new() };
        let of_id = |number: &u32| list.store.view(*number).id() == id;
        let candidates = account.into_iter().flat_map(|account| {
            let lists_it = move |number: &u32| list.store.view(*number).has_identifier(account);
            list.identifiers.candidates(account).filter(lists_it)
        });
        let mut numbers: Vec<u32> = candidates.filter(of_id).collect();
        if numbers.is_empty() {
            numbers.extend(list.numbers().filter(of_id));
        }
        numbers.into_iter().map(|number| list.store.entry(number).digest()).collect()
    }

    /// The lists in force, in their order.
    pub fn loaded(&self) -> &[Arc<LoadedList>] {
        &self.lists
    }

    /// The lists in force, in their order, in numbers.
    pub fn lists(&self) -> Vec<ListSummary> {
        let summary = |list: &Arc<LoadedList>| ListSummary {
            list: Arc::clone(list.list()),
            counts: list.counts(),
            doubts: list.doubts().clone(),
            identifier_filter: list.identifiers.filter_size(),
            name_filter: list.names.filter_size(),
            false_positive_rate: list.config.false_positive_rate,
            bytes: list.size(),
        };
        self.lists.iter().map(summary).collect()
    }

    /// Measured memory of everything, bytes.
    pub fn size(&self) -> usize {
        self.identifiers.size()
            + self.names.size()
            + self.alike.size()
            + self.spellings.size()
            + self.lists.iter().map(|list| list.size()).sum::<usize>()
    }

    /// The share of canonical identifiers, none of them listed, that the filter of a list lets through; `None` when there
    /// is no such list or no sample. Listed samples are left out.
    pub fn measured_false_positive_rate<S: AsRef<str>>(
        &self,
        list: &str,
        samples: impl IntoIterator<Item = S>,
    ) -> Option<f64> {
        let list = self.lists.iter().find(|one| one.config.name == list)?;
        let (mut probes, mut passed) = (0_u64, 0_u64);
        for sample in samples {
            let text = sample.as_ref();
            let passes = list.identifiers.may_hold(text);
            let mut holders = list.identifiers.candidates(text).map(|number| list.store.view(number));
            if passes && holders.any(|view| view.has_identifier(text)) {
                continue;
            }
            probes += 1;
            passed += u64::from(passes);
        }
        (probes > 0).then(|| passed as f64 / probes as f64)
    }
}

pub(crate) fn in_force(view: &View<'_>, event_time: i64, stats: &mut ListStats) -> bool {
    let valid = view.is_valid_at(event_time);
    *(if valid { &mut stats.confirmed } else { &mut stats.outside_validity }) += 1;
    valid
}

fn seed_of(front_key: &[u8; 16]) -> [u8; 32] {
    blake3::derive_key("mareva-screening 2026 index of tokens", front_key)
}

/// Secret as long as one of the keys is.
fn front_key(lists: &[Arc<LoadedList>]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("mareva-screening 2026 front filter");
    for list in lists {
        hasher.update(&(list.key.0.len() as u64).to_le_bytes()).update(&list.key.0);
    }
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}

/// The epoch of a watchlist of lists with these prints, in this order.
pub fn watchlist_epoch(prints: impl IntoIterator<Item = Digest>) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(SCREENING_VERSION.as_bytes());
    for print in prints {
        hasher.update(&print.0);
    }
    Digest(*hasher.finalize().as_bytes())
}
