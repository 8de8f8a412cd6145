//! What the alert book remembers; it goes into the snapshot as it is.

use std::collections::BTreeMap;

use mareva_model::alert::{Action, Alert, AlertStatus, Severity};
use mareva_model::{Digest, digest};
use serde::{Deserialize, Serialize};

use super::contribution::{Contribution, ContributionKey, RuleTable, basis_of};
use super::draft::{AlertKey, reachable_of, reference_of};
use super::relisted::Ground;
use super::standing::{Known, Signals};
use crate::decisions::Decisions;

/// Contributions kept for one alert: the first ones in (time, `row_id`). Only an account that many people's money runs
/// through ever gets there.
pub(super) const MAX_CONTRIBUTIONS: usize = 4_096;

/// Everything that the alert book has to find again after a restart. Serialises sorted, so equal states give equal bytes.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookState {
    #[serde(with = "pairs")]
    pub(super) records: BTreeMap<AlertKey, Record>,
    pub(super) rules: RuleTable,
    pub(super) signals: Signals,
    pub(super) known: Known,
    pub(super) decisions: Decisions,
    /// By alert id, what was published before by others than this book.
    pub(super) floors: BTreeMap<String, Floor>,
    pub(super) low_time: Option<i64>,
    pub(super) swept_at: Option<i64>,
    pub(super) counts: BookCounts,
}

/// The last revision of an alert that was published under another epoch, or from input that is gone.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Floor {
    pub(super) revision: u32,
    /// Latest event time read until then: its episode begins no later.
    pub(super) at: i64,
}

/// What the alert book had to do out of the ordinary, since the beginning.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookCounts {
    /// Revisions published.
    pub revisions: u64,
    /// Alerts closed early because too many were open.
    pub closed_early: u64,
    /// First-level detections forgotten because there were too many: alerts name fewer of them.
    pub signals_dropped: u64,
    /// Known victims and suspects forgotten because there were too many.
    pub known_dropped: u64,
    /// Contributions beyond the bound of one alert.
    pub contributions_omitted: u64,
    /// Contributions filed under the running episode because their own is over.
    pub refiled: u64,
}

/// What came of a contribution.
pub(super) enum Added {
    /// It is one more; where there were too many, the last had to go for it.
    New { crowded_out: Option<(ContributionKey, Contribution)> },
    /// It stands in the place of what was there under its key.
    Replaced(Contribution),
    /// It is beyond the bound.
    Omitted,
}

/// One alert.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(with = "pairs")]
    pub(super) contributions: BTreeMap<ContributionKey, Contribution>,
    /// Rules and entries it rests on, with the number of contributions of each.
    pub(super) basis: BTreeMap<String, u32>,
    pub(super) omitted: u64,
    /// Contributions when its content was last made.
    pub(super) drafted_at: usize,
    /// Hundredths of the reference currency that have left its accounts, or come back to them, since then.
    pub(super) moved: i64,
    pub(super) published: Option<Published>,
    pub(super) closed: bool,
    /// Closed with something to rest on.
    pub(super) stands: bool,
    /// The last that it lost was a list entry.
    pub(super) delisted: bool,
    /// Decisions set aside all that it rested on when its content was last made.
    pub(super) aside: bool,
    /// List entries that a closed alert rests on.
    pub(super) grounds: Vec<Ground>,
    /// A closed alert rests on something else too, or not all of it is known.
    pub(super) rests_elsewhere: bool,
    /// Content of a closed alert that has targets or rests on list entries, with the targets that turned out to be victims.
    pub(super) draft: Option<Box<Alert>>,
    /// Names under which its targets may become known as victims.
    pub(super) watched: Vec<String>,
}

/// What was last published, as far as the next revision is decided by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Published {
    pub(super) revision: u32,
    status: AlertStatus,
    action: Action,
    severity: Severity,
    targets: Digest,
    basis: Digest,
    decisions: Digest,
    recommended: i64,
    reachable: i64,
    content: Digest,
}

impl Published {
    pub(super) fn of(alert: &Alert, basis: Digest) -> Self {
        let mut keys: Vec<String> = alert.targets.iter().map(|target| target.key()).collect();
        keys.sort();
        Self {
            revision: alert.revision,
            status: alert.status,
            action: alert.action,
            severity: alert.severity,
            targets: digest(keys.join("\n").as_bytes()),
            basis,
            decisions: digest(format!("{:?}", alert.decisions).as_bytes()),
            recommended: alert.targets.iter().fold(0, |sum, target| reference_of(target).saturating_add(sum)),
            reachable: alert.targets.iter().fold(0, |sum, target| reachable_of(target).saturating_add(sum)),
            content: digest(&alert.content()),
        }
    }

    /// Whether `next` differs so much that it is published at once: another action, severity, set of targets or basis, or
    /// an amount that moved by a tenth.
    pub(super) fn calls_for(&self, next: &Self) -> bool {
        self.status != next.status
            || self.action != next.action
            || self.severity != next.severity
            || self.targets != next.targets
            || self.basis != next.basis
            || self.decisions != next.decisions
            || is_a_tenth(next.recommended.abs_diff(self.recommended), self.recommended)
            || is_a_tenth(next.reachable.abs_diff(self.reachable), self.reachable)
    }

    /// How far amounts are from those of `next`: what counts towards the tenth that is published at once.
    pub(super) fn drift(&self, next: &Self) -> i64 {
        let drift = next.recommended.abs_diff(self.recommended).max(next.reachable.abs_diff(self.reachable));
        i64::try_from(drift).unwrap_or(i64::MAX)
    }

    /// Whether `next` says anything else at all.
    pub(super) fn differs(&self, next: &Self) -> bool {
        self.content != next.content
    }
}

/// Whether something, and a tenth of `whole` or more.
fn is_a_tenth(part: u64, whole: i64) -> bool {
    part > 0 && u128::from(part) * 10 >= u128::from(whole.unsigned_abs())
}

impl Record {
    /// Adds or replaces a contribution.
    pub(super) fn insert(&mut self, key: ContributionKey, contribution: Contribution, rules: &RuleTable) -> Added {
        let basis = basis_of(&contribution, rules);
        self.delisted = false;
        if let Some(known) = self.contributions.get_mut(&key) {
            let former = std::mem::replace(known, contribution);
            let former_basis = basis_of(&former, rules);
            if former_basis != basis {
                *self.basis.entry(basis).or_default() += 1;
                self.leave_basis(&former_basis);
            }
            return Added::Replaced(former);
        }
        let mut crowded_out = None;
        if self.contributions.len() >= MAX_CONTRIBUTIONS {
            self.omitted += 1;
            if self.contributions.keys().next_back().is_some_and(|last| *last < key) {
                return Added::Omitted;
            }
            crowded_out = self.contributions.pop_last();
            if let Some((_, gone)) = &crowded_out {
                self.leave_basis(&basis_of(gone, rules));
            }
        }
        *self.basis.entry(basis).or_default() += 1;
        self.contributions.insert(key, contribution);
        Added::New { crowded_out }
    }

    /// Takes a contribution out, where it was there.
    pub(super) fn remove(&mut self, key: &ContributionKey, rules: &RuleTable) -> Option<Contribution> {
        self.delisted = false;
        let gone = self.contributions.remove(key);
        match &gone {
            Some(gone) => self.leave_basis(&basis_of(gone, rules)),
            None => self.omitted = self.omitted.saturating_sub(1),
        }
        gone
    }

    fn leave_basis(&mut self, basis: &str) {
        if let Some(count) = self.basis.get_mut(basis) {
            *count -= 1;
            if *count == 0 {
                self.basis.remove(basis);
            }
        }
    }

    pub(super) fn basis_digest(&self) -> Digest {
        let names: Vec<&str> = self.basis.keys().map(String::as_str).collect();
        digest(names.join("\n").as_bytes())
    }

    /// Whether it rests on anything.
    pub(super) fn rests(&self) -> bool {
        self.stands || !self.contributions.is_empty()
    }

    /// Hundredths of the reference currency that it asked for when it was last published.
    pub(super) fn asked(&self) -> i64 {
        self.published.as_ref().map_or(0, |published| published.recommended)
    }

    /// Whether so much money has moved that what it asks for may have changed by a tenth.
    pub(super) fn has_moved(&self) -> bool {
        is_a_tenth(self.moved.unsigned_abs(), self.asked())
    }

    /// Whether its content is worth making again before the episode closes. Making it costs as much as it has
    /// contributions, so a long list must have grown or shrunk by a tenth, or rest on something new, or a tenth of what it
    /// asks for must have moved.
    pub(super) fn is_due(&self) -> bool {
        let (now, then) = (self.contributions.len(), self.drafted_at);
        now <= 64
            || now * 10 >= then * 11
            || then * 10 >= now * 11
            || self.has_moved()
            || self.published.as_ref().is_none_or(|published| published.basis != self.basis_digest())
    }
}

/// Maps whose keys are no text, as lists of pairs.
pub(super) mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in super::super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(in super::super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
