use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use mareva_model::{MatchedOn, Refusal};

use crate::faults::Faults;
use crate::{LoadedList, Scratch, Support, Watchlist};

/// What one watchlist says otherwise than the one before it.
#[derive(Debug)]
pub struct ListChanges {
    fresh: Arc<Watchlist>,
    stale: Arc<Watchlist>,
    /// 128 bits of the digest of the id of each entry that is new, gone or another one.
    concerned: HashSet<u128>,
    gone: u64,
}

impl ListChanges {
    /// Compares two watchlists of the same lists, entry by entry where one has other content. It takes as long as the lists that changed are
    /// long: that is not to be done where the judging waits.
    ///
    /// # Errors
    /// As [`Watchlist::new`].
    pub fn between(former: &Watchlist, later: &Watchlist) -> Result<Self, Refusal> {
        let (mut fresh, mut stale, mut concerned, mut gone) = (Vec::new(), Vec::new(), HashSet::new(), 0);
        for list in later.loaded() {
            let name = &list.list().name;
            let before = former.loaded().iter().find(|one| one.list().name == *name);
            if before.is_some_and(|before| before.print() == list.print()) {
                continue;
            }
            let (now, then) = (prints(list), before.map(|before| prints(before)).unwrap_or_default());
            fresh.extend(others(list, &now, &then)?);
            if let Some(before) = before {
                stale.extend(others(before, &then, &now)?);
                let there: HashSet<u128> = ids(list).collect();
                gone += ids(before).filter(|id| !there.contains(id)).collect::<HashSet<_>>().len() as u64;
            }
        }
        concerned.extend(fresh.iter().chain(&stale).flat_map(|list| ids(list)));
        let (fresh, stale) = (Arc::new(Watchlist::new(fresh)?), Arc::new(Watchlist::new(stale)?));
        Ok(Self { fresh, stale, concerned, gone })
    }

    /// The entries that are new or say something else, under the name, version and policy of their lists.
    pub fn fresh(&self) -> &Arc<Watchlist> {
        &self.fresh
    }

    /// The entries that are gone, and those that changed as they were before.
    pub fn stale(&self) -> &Arc<Watchlist> {
        &self.stale
    }

    /// Whether an entry, such as `mules:4711`, is new, gone or another one.
    pub fn concerns(&self, entry: &str) -> bool {
        self.concerned.contains(&print_of(entry))
    }

    /// How many entries are new or changed, and how many are gone.
    pub fn counts(&self) -> (u64, u64) {
        let fresh = self.fresh.loaded().iter().map(|list| list.counts().entries).sum();
        (fresh, self.gone)
    }
}

impl Watchlist {
    /// Whether an entry, such as `mules:4711`, still has the identifier that matched, or any name that the matched one meets, and is in
    /// force at one of these `times`, UTC milliseconds. Of a name that is less than to match again: what else the party said is not
    /// known here.
    pub fn still_has(&self, entry: &str, matched: &MatchedOn, times: RangeInclusive<i64>) -> bool {
        let value = match matched {
            MatchedOn::Identifier { value } => value,
            MatchedOn::Name { value, .. } => return self.meets(entry, value, &times),
        };
        let Some((list, id)) = self.list_of(entry) else { return false };
        list.identifiers.candidates(value).any(|number| {
            let view = list.store.view(number);
            view.is_valid_within(&times) && view.id() == id && view.has_identifier(value)
        })
    }

    fn meets(&self, entry: &str, name: &str, times: &RangeInclusive<i64>) -> bool {
        let (mut scratch, mut found) = (Scratch::new(), Vec::new());
        for time in [times.start(), times.end()] {
            self.screen_name(name, &Support::default(), *time, &mut scratch, &mut found);
        }
        found.iter().any(|found| found.entry.id == entry)
    }
}

impl LoadedList {
    /// Whether it may take the place of an earlier version of it.
    ///
    /// # Errors
    /// It says that it was published before that one, or it has lost more than one entry and than `max_shrinkage` of them.
    pub fn may_follow(&self, former: &Self) -> Result<(), Refusal> {
        let mut faults = Faults::default();
        let place = format!("list {}", self.config.name);
        let (then, now) = (&former.list().version, &self.list().version);
        // Without a date of publication the version is of the digest.
        let is_date = |version: &str| version.get(..10).is_some_and(is_iso_date);
        if is_date(then) && is_date(now) && now < then {
            let reason = format!("is of {now}, older than {then}, which is in force");
            faults.add(&place, reason, "put the latest version there; for an older one start again");
        }
        let (before, entries) = (former.counts().entries, self.counts().entries);
        let lost = before.saturating_sub(entries);
        // One entry may always go: of a short list that is a large share.
        if lost as f64 > (self.config.max_shrinkage * before as f64).max(1.0) {
            let reason =
                format!("holds {entries} entries, and the version in force {before}: it has lost more than it may");
            faults.add(&place, reason, "check that the file is whole; raise max_shrinkage if the list did shrink");
        }
        faults.into_result()
    }
}

fn is_iso_date(text: &str) -> bool {
    let digit = |at: usize, byte: u8| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(|(at, byte)| digit(at, byte))
}

/// Of each entry, all that it says.
fn prints(list: &LoadedList) -> Vec<u128> {
    list.entries().map(|entry| print_of(&format!("{entry:?}"))).collect()
}

/// The entries of a list, with these prints, that another has not or not as they are; none where it has them all.
fn others(list: &LoadedList, prints: &[u128], than: &[u128]) -> Result<Option<Arc<LoadedList>>, Refusal> {
    let known: HashSet<&u128> = than.iter().collect();
    let part =
        list.part(list.numbers().zip(prints).filter(|(_, print)| !known.contains(print)).map(|(number, _)| number))?;
    Ok((!part.store.is_empty()).then(|| Arc::new(part)))
}

fn ids(list: &LoadedList) -> impl Iterator<Item = u128> {
    list.numbers().map(|number| print_of(&format!("{}:{}", list.config.name, list.store.view(number).id())))
}

/// 128 bits of the BLAKE3 of a text: two of 2^40 meet with probability 2^-49.
fn print_of(text: &str) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    u128::from_le_bytes(half)
}
