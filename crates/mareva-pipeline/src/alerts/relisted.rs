//! Lists that change under alerts: what rests on an entry that is gone rests on it no more.

use mareva_monitoring::RetainedRows;
use mareva_screening::{ListChanges, Watchlist};

use super::contribution::{Contribution, ContributionKey, subject_of};
use super::draft::AlertKey;
use super::{AlertBook, Due};

impl AlertBook {
    /// Takes hits away whose entry is gone, or has no longer what matched. The revisions come with the next slice. An alert whose
    /// episode is over is withdrawn where all its entries are gone.
    pub fn relist(&mut self, changes: &ListChanges, lists: &Watchlist, rows: &RetainedRows) {
        let mut due = Due::new();
        for (_, key) in self.open.clone() {
            for at in self.lost(&key, changes, lists) {
                self.lose(&key, &at, rows, &mut due);
            }
        }
        for (_, key) in &self.closed {
            let Some(record) = self.state.records.get_mut(key) else { continue };
            if !record.listed.is_empty() && record.listed.iter().all(|entry| changes.is_gone(entry)) {
                record.listed.clear();
                (record.stands, record.draft, record.delisted) = (false, None, true);
                due.insert(key.clone(), true);
            }
        }
        self.relisted = due;
    }

    /// The contributions of an open alert that rest on nothing any more.
    fn lost(&self, key: &AlertKey, changes: &ListChanges, lists: &Watchlist) -> Vec<ContributionKey> {
        let contributions = self.state.records.get(key).into_iter().flat_map(|record| &record.contributions);
        let lost = contributions.filter(|(at, contribution)| match contribution {
            Contribution::Hit(hit) => {
                changes.touches(&hit.list.name) && !lists.still_has(&hit.entry.id, &hit.matched, at.event_time)
            }
            Contribution::Detection { .. } => false,
        });
        lost.map(|(at, _)| at.clone()).collect()
    }

    fn lose(&mut self, key: &AlertKey, at: &ContributionKey, rows: &RetainedRows, due: &mut Due) {
        let Some(record) = self.state.records.get_mut(key) else { return };
        let Some(Contribution::Hit(hit)) = record.contributions.get(at).cloned() else { return };
        record.remove(at, &self.state.rules);
        record.delisted = true;
        due.insert(key.clone(), true);
        self.know_listed(&hit, &subject_of(&hit, rows), false, rows, due);
    }
}
