//! Lists that change under alerts: what rests on an entry that is gone rests on it no more.

use std::collections::BTreeSet;
use std::sync::Arc;

use mareva_model::alert::{Action, Alert};
use mareva_model::{Hit, MatchedOn, PartyRole, Regime, Text};
use mareva_monitoring::RetainedRows;
use mareva_screening::{ListChanges, Watchlist};
use serde::{Deserialize, Serialize};

use super::config::InstitutionConfig;
use super::contribution::{Contribution, ContributionKey, hit_key, identities, row_of};
use super::draft::AlertKey;
use super::standing::Knowledge;
use super::state::Record;
use super::{AlertBook, Due};

/// Other lists, and which hits in retained rows they have not.
#[derive(Debug)]
pub struct Relisting {
    pub changes: Arc<ListChanges>,
    pub lists: Arc<Watchlist>,
    pub lost: Lost,
}

/// Hits of names in retained rows that are none any more.
#[derive(Debug, Default)]
pub struct Lost {
    names: BTreeSet<ContributionKey>,
    /// There were more than are kept: of hits until then, UTC milliseconds, it is not known.
    unknown_until: Option<i64>,
}

/// Most lost hits that are kept, the newest; of others it is asked whether a name of their entries still meets them.
const MAX_LOST: usize = 1 << 17;

impl Lost {
    /// Takes note of one that no later match took the place of.
    pub fn add(&mut self, hit: &Hit) {
        if matches!(hit.matched, MatchedOn::Name { .. }) {
            self.names.insert(hit_key(hit));
        }
        if self.names.len() > MAX_LOST {
            let oldest = self.names.pop_first().map(|oldest| oldest.event_time);
            self.unknown_until = self.unknown_until.max(oldest);
        }
    }
}

impl Relisting {
    /// Whether a hit of the lists before is none any more. An identifier is the entry's or not; a name may be ruled out, or meet
    /// another spelling, by all that the row says of its bearer.
    pub fn loses(&self, hit: &Hit, rows: &RetainedRows) -> bool {
        if !self.changes.concerns(&hit.entry.id) {
            return false;
        }
        let is_known = self.lost.unknown_until.is_none_or(|until| hit.event_time > until);
        if is_known && is_by_a_name_of_its_row(hit, rows) {
            return self.lost.names.contains(&hit_key(hit));
        }
        !self.lists.still_has(&hit.entry.id, &hit.matched, hit.event_time..=hit.event_time)
    }
}

/// Whether a retained row has the name in a column, so that it was looked at again.
fn is_by_a_name_of_its_row(hit: &Hit, rows: &RetainedRows) -> bool {
    let column = match hit.role {
        PartyRole::Originator => Text::OriginatorName,
        PartyRole::Beneficiary => Text::BeneficiaryName,
        _ => return false,
    };
    let MatchedOn::Name { value, .. } = &hit.matched else { return false };
    row_of(hit, rows).and_then(|row| rows.transaction(row)).is_some_and(|view| view.text(column) == Some(value))
}

/// As what, and under which names, a hit makes its party known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownAs {
    what: Knowledge,
    names: Vec<String>,
}

impl KnownAs {
    /// What a hit on `subject` says: that it is listed for fraud, where that asks for a report or more.
    pub(super) fn of(
        hit: &Hit,
        subject: &str,
        institution: &InstitutionConfig,
        rows: &RetainedRows,
    ) -> Option<Box<Self>> {
        let party = matches!(hit.role, PartyRole::Originator | PartyRole::Beneficiary);
        let action = institution.action_of(hit);
        if !(party && action >= Action::Report && hit.list.regime == Regime::Fraud) {
            return None;
        }
        let what = if action.restrains() { Knowledge::Listed } else { Knowledge::Suspect };
        let view = row_of(hit, rows).and_then(|row| rows.transaction(row));
        Some(Box::new(Self { what, names: identities(subject, view.as_ref()) }))
    }
}

/// An entry that a closed alert rests on, what of it matched, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ground {
    pub(super) entry: String,
    pub(super) matched: MatchedOn,
    pub(super) known: Option<Box<KnownAs>>,
    /// In order, UTC milliseconds.
    pub(super) times: Vec<i64>,
    pub(super) stands: bool,
}

impl Ground {
    fn is_in(&self, lists: &Watchlist) -> bool {
        let (Some(first), Some(last)) = (self.times.first(), self.times.last()) else { return false };
        lists.still_has(&self.entry, &self.matched, *first..=*last)
    }
}

impl Record {
    /// Closes it with the content that it may have again: of what it rests on it keeps what lists and decisions may take away.
    /// What was set aside and is not in that content is gone.
    pub(super) fn close(&mut self, draft: Option<Alert>, gone: &BTreeSet<ContributionKey>) {
        let contributions = std::mem::take(&mut self.contributions);
        (self.closed, self.delisted) = (true, false);
        let is_nothing = contributions.is_empty() || self.aside && draft.is_none();
        self.stands = !is_nothing;
        self.rests_elsewhere = self.omitted > 0;
        for (at, contribution) in contributions.into_iter().filter(|(at, _)| !gone.contains(at)) {
            let Contribution::Hit { hit, known } = contribution else {
                self.rests_elsewhere = true;
                continue;
            };
            let Hit { entry, mut matched, .. } = *hit;
            if let MatchedOn::Name { likeness, .. } = &mut matched {
                *likeness = None;
            }
            let same = |ground: &&mut Ground| (&ground.matched, &ground.known) == (&matched, &known);
            match self.grounds.iter_mut().filter(|ground| ground.entry == entry.id).find(same) {
                Some(ground) => ground.times.push(at.event_time),
                None => {
                    let (entry, times) = (entry.id.clone(), vec![at.event_time]);
                    self.grounds.push(Ground { entry, matched, known, times, stands: true });
                }
            }
        }
        self.draft = draft.filter(|draft| !draft.targets.is_empty() || !self.grounds.is_empty()).map(Box::new);
    }

    /// Whether all that a closed alert rested on has gone.
    fn has_lost_all(&self) -> bool {
        self.stands && !self.rests_elsewhere && self.grounds.iter().all(|ground| !ground.stands)
    }
}

impl AlertBook {
    /// Takes hits away whose entry is gone, or has no longer what matched. The revisions come with the next slice. An alert whose
    /// episode is over is withdrawn where all its entries are gone, whichever went first.
    pub fn relist(&mut self, relisting: &Relisting, rows: &RetainedRows) {
        self.reopen(relisting);
        let mut due = std::mem::take(&mut self.turned);
        self.lose_hits(|hit| relisting.loses(hit, rows), &mut due);
        let (changes, lists) = (&relisting.changes, &relisting.lists);
        self.lose_grounds(|entry| changes.concerns(entry), |ground| ground.is_in(lists), &mut due);
        self.turned = due;
    }

    /// Takes away the hits of open alerts that are none any more.
    pub(super) fn lose_hits(&mut self, is_none: impl Fn(&Hit) -> bool, due: &mut Due) {
        for (_, key) in self.open.clone() {
            let contributions = self.state.records.get(&key).into_iter().flat_map(|record| &record.contributions);
            let lost = contributions.filter(|(_, contribution)| match contribution {
                Contribution::Hit { hit, .. } => is_none(hit),
                Contribution::Detection { .. } => false,
            });
            for at in lost.map(|(at, _)| at.clone()).collect::<Vec<ContributionKey>>() {
                self.lose(&key, &at, due);
            }
        }
    }

    fn lose(&mut self, key: &AlertKey, at: &ContributionKey, due: &mut Due) {
        let Some(record) = self.state.records.get_mut(key) else { return };
        let gone = record.remove(at, &self.state.rules);
        record.delisted = true;
        due.insert(key.clone(), true);
        if let Some(gone) = gone.filter(|gone| !self.is_cleared(key, gone)) {
            self.know(gone.known(), at.event_time, false, due);
        }
    }

    /// Asks of closed alerts that rest on such entries whether they still do.
    pub(super) fn lose_grounds(
        &mut self,
        concerns: impl Fn(&str) -> bool,
        stands: impl Fn(&Ground) -> bool,
        due: &mut Due,
    ) {
        let mut turned = Vec::new();
        for (_, key) in &self.closed {
            let Some(record) = self.state.records.get_mut(key) else { continue };
            let before = turned.len();
            for ground in record.grounds.iter_mut().filter(|ground| concerns(&ground.entry)) {
                let stands = stands(ground);
                if std::mem::replace(&mut ground.stands, stands) != stands {
                    turned.push((key.clone(), ground.clone()));
                }
            }
            if turned.len() > before {
                due.insert(key.clone(), true);
            }
            if turned.len() > before && record.has_lost_all() {
                record.grounds.clear();
                (record.stands, record.draft, record.delisted) = (false, None, true);
            }
        }
        for (key, ground) in turned {
            if self.is_ground_cleared(&key, &ground) {
                continue;
            }
            for time in &ground.times {
                self.know(ground.known.as_deref(), *time, ground.stands, due);
            }
        }
    }

    /// Takes note of what a hit says of its party, or that it does not any more.
    pub(super) fn know(&mut self, known: Option<&KnownAs>, time: i64, stands: bool, due: &mut Due) {
        let Some(KnownAs { what, names }) = known else { return };
        for name in names {
            self.learn(name, *what, time, stands, due);
        }
    }
}
