//! New entries of lists, looked for in the rows that were judged before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use mareva_model::{Hit, MatchedOn, PartyRole};
use mareva_monitoring::{Block, RetainedRows};
use mareva_screening::{ListChanges, Watchlist};

use crate::alerts::{Lost, Relisting, hit_key};
use crate::error::Error;
use crate::screen::Screen;

/// Most hits of one look back, the newest: an alert names 4,096 of them at most.
const MAX_HITS: usize = 1 << 16;
/// Hits that one slice takes to its alerts: the others come with the next ones, so that the stream does not wait for them.
const HITS_PER_SLICE: usize = 1_024;

/// The retained rows that were handed over, and what new and changed entries were found in them.
#[derive(Debug)]
pub(crate) struct LookBack {
    former: Arc<Watchlist>,
    later: Arc<Watchlist>,
    compared: Option<Compared>,
    waiting: Vec<Block>,
    /// Number of the first row that was not handed over.
    next: u64,
    hits: Vec<Hit>,
    omitted: u64,
    lost: Lost,
}

#[derive(Debug)]
struct Compared {
    changes: Arc<ListChanges>,
    fresh: Screen,
    stale: Screen,
    /// All lists that are to be in force.
    later: Screen,
}

/// What came of a change of lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookedBack {
    /// Entries that are new or say something else.
    pub fresh: u64,
    /// Entries that are gone.
    pub gone: u64,
    /// Hits in rows that were judged before.
    pub hits: u64,
    /// Older ones beyond the bound, which no alert will name.
    pub omitted: u64,
}

impl LookBack {
    pub fn new(former: Arc<Watchlist>, later: Arc<Watchlist>) -> Self {
        let (waiting, hits, lost) = (Vec::new(), Vec::new(), Lost::default());
        Self { former, later, compared: None, waiting, next: 0, hits, omitted: 0, lost }
    }

    /// Takes what was retained since.
    pub fn take(&mut self, retained: &RetainedRows) -> u64 {
        let before = self.next.max(retained.first());
        for block in retained.blocks(self.next) {
            self.next = block.end();
            self.waiting.push(block);
        }
        self.next.saturating_sub(before)
    }

    /// Rows that were retained and not taken.
    pub fn missing(&self, retained: &RetainedRows) -> u64 {
        retained.next().saturating_sub(self.next.max(retained.first()))
    }

    /// Whether it began under these lists.
    pub fn is_from(&self, watchlist: &Arc<Watchlist>) -> bool {
        Arc::ptr_eq(&self.former, watchlist)
    }

    /// Looks through all that was taken. The first run compares the lists, and each gives their changes.
    pub fn run(&mut self) -> Result<Arc<ListChanges>, Error> {
        let mut compared = match self.compared.take() {
            Some(compared) => compared,
            None => Compared::between(&self.former, &self.later)?,
        };
        for block in std::mem::take(&mut self.waiting) {
            self.hits.extend(compared.look(&block, &mut self.lost)?);
            if self.hits.len() > 2 * MAX_HITS {
                self.omitted += keep_newest(&mut self.hits);
            }
        }
        Ok(self.compared.insert(compared).changes.clone())
    }

    /// The changes, and what was found in rows from `since` on (UTC milliseconds), oldest first.
    pub fn finish(mut self, since: Option<i64>) -> Result<(Relisting, VecDeque<Hit>, LookedBack), Error> {
        let changes = self.run()?;
        self.hits.retain(|hit| since.is_none_or(|since| hit.event_time >= since));
        self.omitted += keep_newest(&mut self.hits);
        self.hits.reverse();
        let (fresh, gone) = changes.counts();
        let told = LookedBack { fresh, gone, hits: self.hits.len() as u64, omitted: self.omitted };
        Ok((Relisting { changes, lists: self.later, lost: self.lost }, self.hits.into(), told))
    }
}

impl Compared {
    fn between(former: &Arc<Watchlist>, later: &Arc<Watchlist>) -> Result<Self, Error> {
        let changes = Arc::new(ListChanges::between(former, later).map_err(Error::Lists)?);
        let [fresh, stale] = [changes.fresh(), changes.stale()].map(|lists| Screen::new(lists.clone()));
        Ok(Self { changes, fresh, stale, later: Screen::new(Arc::clone(later)) })
    }

    /// What is found in rows of new and changed entries that was not found before. What was and is not any more goes to `lost`.
    fn look(&mut self, block: &Block, lost: &mut Lost) -> Result<Vec<Hit>, Error> {
        let looks_for = |lists: &Watchlist| !lists.loaded().is_empty();
        let names: u64 = self.changes.stale().loaded().iter().map(|list| list.counts().names).sum();
        if !looks_for(self.changes.fresh()) && names == 0 {
            return Ok(Vec::new());
        }
        let rows = block.read()?;
        let mut hits = self.fresh.retained(&rows, 0..rows.len());
        if names > 0 || !hits.is_empty() {
            let known = self.stale.retained(&rows, 0..rows.len());
            let known: BTreeMap<_, _> = known.into_iter().map(|(row, hit)| (hit_key(&hit), (row, hit))).collect();
            hits.retain(|(_, hit)| !known.get(&hit_key(hit)).is_some_and(|(_, known)| says_the_same(known, hit)));
            let by_name = known.values().filter(|(_, hit)| matches!(hit.matched, MatchedOn::Name { .. }));
            let by_name: BTreeSet<usize> = by_name.map(|(row, _)| *row).collect();
            let there = self.later.retained(&rows, by_name);
            let there: BTreeSet<_> = there.iter().map(|(_, hit)| hit_key(hit)).collect();
            let gone = known.iter().filter(|(key, _)| !there.contains(key));
            gone.for_each(|(_, (_, hit))| lost.add(hit));
        }
        Ok(hits.into_iter().map(|(_, hit)| hit).collect())
    }
}

/// Whether a changed entry asks for what it asked for before.
fn says_the_same(known: &Hit, hit: &Hit) -> bool {
    known.matched == hit.matched
        && (known.list.action, &known.list.binding_in) == (hit.list.action, &hit.list.binding_in)
}

/// Sorts hits, the newest first, and lets go of those beyond the bound; returns how many.
fn keep_newest(hits: &mut Vec<Hit>) -> u64 {
    hits.sort_by(|a, b| order(b).cmp(&order(a)));
    let omitted = hits.len().saturating_sub(MAX_HITS);
    hits.truncate(MAX_HITS);
    omitted as u64
}

fn order(hit: &Hit) -> (i64, &str, PartyRole, &str, &MatchedOn) {
    (hit.event_time, &hit.row_id, hit.role, &hit.entry.id, &hit.matched)
}

/// The next hits to make alerts of; all of them where no slice comes after.
pub(crate) fn some_of(waiting: &mut VecDeque<Hit>, end: bool) -> impl Iterator<Item = Hit> {
    let most = if end { waiting.len() } else { HITS_PER_SLICE };
    waiting.drain(..waiting.len().min(most))
}
