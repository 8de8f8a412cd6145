//! What stands beside the alerts: first-level detections, and which accounts are known as victims or suspects.

use std::collections::{BTreeMap, BTreeSet};

use mareva_model::{Detection, DetectionChange, Raises, SubjectRole};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A first-level detection that stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Signal {
    pub(super) event_time: i64,
    pub(super) row_id: String,
    pub(super) rule: u32,
    pub(super) columns: Map<String, Value>,
}

/// Standing first-level detections by subject, each list ordered by (time, `row_id`, rule number).
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Signals {
    by_subject: BTreeMap<String, Vec<Signal>>,
    count: usize,
}

impl Signals {
    /// Takes a change of a detection that raises a signal: `Some(true)` where it stands now and did not before,
    /// `Some(false)` where it stands no longer.
    pub(super) fn apply(&mut self, change: &DetectionChange, rule: u32) -> Option<bool> {
        let detection = change.detection();
        let stands = !matches!(change, DetectionChange::Withdrawn(_));
        if !stands && !self.by_subject.contains_key(&detection.subject) {
            return None;
        }
        let list = self.by_subject.entry(detection.subject.clone()).or_default();
        let wanted = (detection.event_time, detection.row_id.as_str(), rule);
        let found = list.binary_search_by(|s| (s.event_time, s.row_id.as_str(), s.rule).cmp(&wanted));
        let effect = match (found, stands) {
            (Ok(at), true) => {
                list[at].columns.clone_from(&detection.columns);
                None
            }
            (Ok(at), false) => {
                list.remove(at);
                self.count -= 1;
                Some(false)
            }
            (Err(at), true) => {
                list.insert(at, Signal::new(detection, rule));
                self.count += 1;
                Some(true)
            }
            (Err(_), false) => None,
        };
        if list.is_empty() {
            self.by_subject.remove(&detection.subject);
        }
        effect
    }

    /// The signals of a subject with `from` ≤ time ≤ `to`.
    pub(super) fn between(&self, subject: &str, from: i64, to: i64) -> &[Signal] {
        let list = self.by_subject.get(subject).map_or(&[][..], Vec::as_slice);
        let start = list.partition_point(|signal| signal.event_time < from);
        let end = list.partition_point(|signal| signal.event_time <= to);
        list.get(start..end).unwrap_or_default()
    }

    /// Forgets signals before `before`.
    pub(super) fn expire(&mut self, before: i64) {
        let mut count = 0;
        self.by_subject.retain(|_, list| {
            let gone = list.partition_point(|signal| signal.event_time < before);
            list.drain(..gone);
            count += list.len();
            !list.is_empty()
        });
        self.count = count;
    }

    /// Keeps the newest `bound` signals; returns how many had to go.
    pub(super) fn enforce(&mut self, bound: usize) -> u64 {
        if self.count <= bound {
            return 0;
        }
        let before = self.count;
        // A quarter goes at once, so that the search for the cut is rare.
        let excess = self.count - bound + bound / 4;
        let mut times: Vec<i64> = self.by_subject.values().flatten().map(|signal| signal.event_time).collect();
        let at = excess.min(times.len().saturating_sub(1));
        let (_, cut, _) = times.select_nth_unstable(at);
        let cut = *cut;
        self.expire(cut.saturating_add(1));
        (before - self.count) as u64
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }
}

impl Signal {
    fn new(detection: &Detection, rule: u32) -> Self {
        Self {
            event_time: detection.event_time,
            row_id: detection.row_id.clone(),
            rule,
            columns: detection.columns.clone(),
        }
    }
}

/// What is known of one account, customer or linked account: how many detections stand, by time.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Standing {
    /// A victim, by a rule that raises alerts.
    victim: BTreeMap<i64, u32>,
    /// A victim, by a rule that raises signals.
    victim_signal: BTreeMap<i64, u32>,
    /// A suspect by any rule, or on a fraud list that asks for less than restraint.
    suspect: BTreeMap<i64, u32>,
    /// On a fraud list that asks for restraint, binds, and rests on confirmed evidence.
    listed: BTreeMap<i64, u32>,
}

/// Accounts and customers known as victims or suspects.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    by_identity: BTreeMap<String, Standing>,
}

/// A change in what is known about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Knowledge {
    Victim,
    VictimSignal,
    Suspect,
    Listed,
}

impl Knowledge {
    /// What a detection says about its subject.
    pub(super) fn of(detection: &Detection) -> Option<Self> {
        match (detection.rule.subject_role, detection.rule.raises) {
            (SubjectRole::Victim, Raises::Alert) => Some(Self::Victim),
            (SubjectRole::Victim, Raises::Signal) => Some(Self::VictimSignal),
            (SubjectRole::Suspect | SubjectRole::Listed, _) => Some(Self::Suspect),
            (SubjectRole::Unknown, _) => None,
        }
    }
}

impl Known {
    /// Counts one more (`stands`) or one less detection at `time`.
    pub(super) fn apply(&mut self, identity: &str, what: Knowledge, time: i64, stands: bool) {
        if !stands && !self.by_identity.contains_key(identity) {
            return;
        }
        let standing = self.by_identity.entry(identity.to_owned()).or_default();
        let counts = match what {
            Knowledge::Victim => &mut standing.victim,
            Knowledge::VictimSignal => &mut standing.victim_signal,
            Knowledge::Suspect => &mut standing.suspect,
            Knowledge::Listed => &mut standing.listed,
        };
        if stands {
            *counts.entry(time).or_default() += 1;
        } else if let Some(count) = counts.get_mut(&time) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&time);
            }
        }
        if standing.is_empty() {
            self.by_identity.remove(identity);
        }
    }

    /// Whether more or less knowledge of this kind can decide who is a victim: a suspect only where signals say victim, a list
    /// only where anything does.
    pub(super) fn decides(&self, identity: &str, what: Knowledge) -> bool {
        let Some(standing) = self.by_identity.get(identity) else {
            return matches!(what, Knowledge::Victim | Knowledge::VictimSignal);
        };
        match what {
            Knowledge::Victim | Knowledge::VictimSignal => true,
            Knowledge::Suspect => !standing.victim_signal.is_empty(),
            Knowledge::Listed => !standing.victim_signal.is_empty() || !standing.victim.is_empty(),
        }
    }

    /// Whether this is a victim with `from` ≤ time < `to`: by a rule that raises alerts, or by a signal where nothing
    /// makes it a suspect. A weak sign of loss must not shield the account of a mule, and no sign at all one that an
    /// institution has confirmed: a mule can behave like a victim.
    pub(super) fn victim(&self, identity: &str, from: i64, to: i64) -> bool {
        self.by_identity.get(identity).is_some_and(|standing| {
            !any(&standing.listed, from, to)
                && (any(&standing.victim, from, to)
                    || (any(&standing.victim_signal, from, to) && !any(&standing.suspect, from, to)))
        })
    }

    /// Whether this is a suspect with `from` ≤ time < `to`.
    pub(super) fn suspect(&self, identity: &str, from: i64, to: i64) -> bool {
        self.by_identity
            .get(identity)
            .is_some_and(|standing| any(&standing.suspect, from, to) || any(&standing.listed, from, to))
    }

    /// Forgets what is before `before`, and beyond `bound` identities those whose latest knowledge is oldest; returns
    /// how many of the latter had to go.
    pub(super) fn expire(&mut self, before: i64, bound: usize) -> u64 {
        self.by_identity.retain(|_, standing| {
            for counts in standing.counts_mut() {
                *counts = counts.split_off(&before);
            }
            !standing.is_empty()
        });
        let excess = self.by_identity.len().saturating_sub(bound);
        if excess > 0 {
            let by_age: BTreeSet<(i64, &String)> =
                self.by_identity.iter().map(|(identity, standing)| (standing.latest(), identity)).collect();
            let gone: Vec<String> = by_age.into_iter().take(excess).map(|(_, identity)| identity.clone()).collect();
            for identity in gone {
                self.by_identity.remove(&identity);
            }
        }
        excess as u64
    }

    pub(super) fn len(&self) -> usize {
        self.by_identity.len()
    }
}

impl Standing {
    fn counts(&self) -> [&BTreeMap<i64, u32>; 4] {
        [&self.victim, &self.victim_signal, &self.suspect, &self.listed]
    }

    fn counts_mut(&mut self) -> [&mut BTreeMap<i64, u32>; 4] {
        [&mut self.victim, &mut self.victim_signal, &mut self.suspect, &mut self.listed]
    }

    fn is_empty(&self) -> bool {
        self.counts().iter().all(|counts| counts.is_empty())
    }

    fn latest(&self) -> i64 {
        self.counts()
            .iter()
            .filter_map(|counts| counts.last_key_value().map(|(time, _)| *time))
            .max()
            .unwrap_or(i64::MIN)
    }
}

fn any(counts: &BTreeMap<i64, u32>, from: i64, to: i64) -> bool {
    from < to && counts.range(from..to).next().is_some()
}
