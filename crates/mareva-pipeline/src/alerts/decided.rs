//! What decisions of people make of alerts: parties that are cleared, detections that are snoozed, victims and authorities that
//! ask for restraint of ours. What is set aside is kept: it counts again where the decision ends first.

use std::collections::BTreeSet;
use std::sync::Arc;

use mareva_model::alert::{Action, Alert, AlertStatus, AppliedDecision, Target};
use mareva_model::{Amount, ClearedPair, Decision, MatchedOn, Regime, Ruling};
use mareva_monitoring::{Accounts, RetainedRows};

use super::contribution::{Contribution, ContributionKey};
use super::draft::{AlertKey, Scene, blank, draft, finish, reference_of, target_identities};
use super::relisted::{Ground, KnownAs};
use super::state::{MAX_CONTRIBUTIONS, Record};
use super::{AlertBook, Due, Relisting};
use crate::decisions::{Circumstances, Decisions, Met, Refused, Turn, Turned, entry_id, is_of_customer};

impl AlertKey {
    /// That its subject met an entry by this.
    fn met<'a>(&'a self, entry: &'a str, matched: &'a MatchedOn) -> Met<'a> {
        Met { subject: &self.subject, regime: self.regime, entry, matched }
    }
}

impl AlertBook {
    /// The decisions in force.
    pub fn decisions(&self) -> &Decisions {
        &self.state.decisions
    }

    /// Ends the decisions whose time is over at a tick (UTC milliseconds).
    pub(crate) fn expire_decisions(&mut self, tick: i64, accounts: &Accounts) -> Vec<Turn> {
        let turns = self.state.decisions.expire(tick);
        self.turn(&turns, Some(accounts));
        turns
    }

    /// Has a decision take force.
    pub(crate) fn decide(&mut self, decision: Decision, around: &Circumstances<'_>) -> Result<Vec<Turn>, Refused> {
        let turns = self.state.decisions.take(decision, around)?;
        self.turn(&turns, Some(around.accounts));
        Ok(turns)
    }

    /// Ends the cleared pairs whose entries other lists say something else of.
    pub(super) fn reopen(&mut self, relisting: &Relisting) {
        let turns = self.state.decisions.relist(&relisting.changes, &relisting.lists);
        // Cleared pairs alone, which are of no customer.
        self.turn(&turns, None);
    }

    /// Has the alerts looked at again, with the next slice, that decisions bear on which begin or end.
    fn turn(&mut self, turns: &[Turn], accounts: Option<&Accounts>) {
        let mut due = std::mem::take(&mut self.turned);
        // Those that end together and have not been looked at.
        let mut ending = Decisions::default();
        for Turn { decision, .. } in turns.iter().filter(|turn| turn.is != Turned::Begun) {
            ending.hold(decision.clone(), Vec::new());
        }
        for Turn { decision, is } in turns {
            ending.leave(&decision.id);
            match &decision.ruling {
                Ruling::ClearedPair(pair) => self.turn_pair((decision, pair), *is, &ending, &mut due),
                Ruling::ConfirmedMule { .. } if *is == Turned::Revoked => {
                    let entry = entry_id(decision);
                    self.lose_hits(|hit| hit.entry.id == entry, &mut due);
                    self.lose_grounds(|id| id == entry, |_| false, &mut due);
                }
                // What an account did while it was a mule's stays a hit.
                Ruling::ConfirmedMule { .. } | Ruling::Revocation { .. } => {}
                Ruling::Snooze { account: who, .. }
                | Ruling::VictimAtRisk { party: who }
                | Ruling::DoNotFreezeYet { party: who } => {
                    let watching = self.watchers.get(who).into_iter().flatten();
                    let on_it = self.records_on(who).map(|(key, _)| key).chain(watching);
                    due.extend(on_it.map(|key| (key.clone(), true)));
                    if let Some((customer, accounts)) = who.strip_prefix("customer:").zip(accounts) {
                        let is_his = |key: &&AlertKey| is_of_customer(accounts, &key.subject, customer);
                        due.extend(self.open.iter().map(|(_, key)| key).filter(is_his).map(|key| (key.clone(), true)));
                    }
                }
            }
        }
        self.turned = due;
    }

    /// The alerts on a subject.
    fn records_on(&self, subject: &str) -> impl Iterator<Item = (&AlertKey, &Record)> {
        let from = AlertKey { subject: subject.to_owned(), regime: Regime::Fraud, episode: i64::MIN };
        let to = AlertKey { regime: Regime::Sanctions, episode: i64::MAX, ..from.clone() };
        self.state.records.range(from..=to)
    }

    /// Looks again at the alerts with hits that a cleared pair sets aside, or did. What is known of a party by such a hit is not
    /// while it is set aside, by this one or another; of several that end together the last one is asked.
    fn turn_pair(
        &mut self,
        (decision, pair): (&Arc<Decision>, &ClearedPair),
        is: Turned,
        others: &Decisions,
        due: &mut Due,
    ) {
        let mut alone = Decisions::default();
        alone.hold(decision.clone(), Vec::new());
        let mut known = Vec::new();
        let nobody = format!("entry:{}", pair.entry);
        for (key, record) in self.records_on(pair.account.as_deref().unwrap_or(&nobody)) {
            let mut meets = |entry: &str, matched, times: &[i64], as_what: Option<&KnownAs>| {
                let met = key.met(entry, matched);
                if alone.cleared(&met, None).is_none() {
                    return;
                }
                due.insert(key.clone(), true);
                let by_others = self.state.decisions.cleared(&met, Some(&decision.id)).or(others.cleared(&met, None));
                if by_others.is_none() {
                    known.extend(times.iter().filter_map(|time| Some((as_what?.clone(), *time))));
                }
            };
            for (at, contribution) in &record.contributions {
                if let Contribution::Hit { hit, known } = contribution {
                    meets(&hit.entry.id, &hit.matched, &[at.event_time], known.as_deref());
                }
            }
            for ground in record.grounds.iter().filter(|ground| ground.stands) {
                meets(&ground.entry, &ground.matched, &ground.times, ground.known.as_deref());
            }
        }
        for (as_what, time) in known {
            self.know(Some(&as_what), time, is != Turned::Begun, due);
        }
    }

    /// Whether a hit on the subject of an alert is set aside.
    pub(super) fn is_cleared(&self, key: &AlertKey, contribution: &Contribution) -> bool {
        cleared(&self.state.decisions, key, contribution).is_some()
    }

    /// Whether what a closed alert on a subject rests on is set aside.
    pub(super) fn is_ground_cleared(&self, key: &AlertKey, ground: &Ground) -> bool {
        self.state.decisions.cleared(&key.met(&ground.entry, &ground.matched), None).is_some()
    }

    /// Whether all that a closed alert rests on is set aside, or gone.
    pub(super) fn is_set_aside(&self, key: &AlertKey, record: &Record) -> bool {
        record.closed
            && !record.rests_elsewhere
            && !record.grounds.is_empty()
            && !self.state.decisions.is_empty()
            && !record.grounds.iter().any(|ground| ground.stands && !self.is_ground_cleared(key, ground))
    }

    /// What an alert that closes may say again, and which of its contributions that does not rest on: where hits are set aside, and
    /// it rests on nothing else, what it would say with them; where more is set aside, nothing.
    pub(super) fn to_keep(
        &self,
        key: &AlertKey,
        written: Alert,
        rows: &RetainedRows,
    ) -> (Option<Alert>, BTreeSet<ContributionKey>) {
        let cleared = self.cleared_of(key);
        if written.status != AlertStatus::SetAside {
            return (Some(written), cleared);
        }
        match self.state.records.get(key).filter(|record| record.contributions.len() == cleared.len()) {
            Some(Record { contributions, .. }) => {
                (Some(draft(&self.scene(key, rows), key, contributions, self.continues(key))), BTreeSet::new())
            }
            None => (None, cleared),
        }
    }

    /// The contributions of an alert that are set aside.
    fn cleared_of(&self, key: &AlertKey) -> BTreeSet<ContributionKey> {
        let contributions = self.state.records.get(key).into_iter().flat_map(|record| &record.contributions);
        let cleared = contributions.filter(|(_, contribution)| self.is_cleared(key, contribution));
        cleared.map(|(at, _)| at.clone()).collect()
    }

    /// Makes room in an alert that is full: what is set aside never stands in the way of what counts, nor takes its place.
    /// Whether there is any for it.
    pub(super) fn make_room(&mut self, key: &AlertKey, at: &ContributionKey, is_cleared: bool) -> bool {
        let Some(record) = self.state.records.get(key) else { return true };
        let is_full = record.contributions.len() >= MAX_CONTRIBUTIONS && !record.contributions.contains_key(at);
        if !is_full || self.state.decisions.is_empty() {
            return true;
        }
        if is_cleared {
            return false;
        }
        let last = self.cleared_of(key).pop_last();
        if let Some((last, record)) = last.zip(self.state.records.get_mut(key)) {
            record.remove(&last, &self.state.rules);
            self.state.counts.contributions_omitted += 1;
        }
        true
    }

    /// What a closed alert says while all that it rests on is set aside.
    pub(super) fn write_aside(&self, scene: &Scene<'_>, key: &AlertKey, record: &Record) -> Alert {
        let of = |ground: &Ground| scene.decisions.cleared(&key.met(&ground.entry, &ground.matched), None);
        aside(scene, key, record.grounds.iter().filter_map(of).collect())
    }
}

fn cleared<'a>(decisions: &'a Decisions, key: &AlertKey, contribution: &Contribution) -> Option<&'a Arc<Decision>> {
    let Contribution::Hit { hit, .. } = contribution else { return None };
    if decisions.is_empty() {
        return None;
    }
    decisions.cleared(&key.met(&hit.entry.id, &hit.matched), None)
}

/// The content of an alert from what counts of its contributions.
pub(super) fn written(scene: &Scene<'_>, key: &AlertKey, record: &Record, continues: Option<String>) -> Alert {
    let all = &record.contributions;
    let decisions = scene.decisions;
    let snoozes: Vec<_> = match key.regime {
        Regime::Fraud => decisions.snoozes(&key.subject).collect(),
        Regime::Sanctions => Vec::new(),
    };
    let mut applied: Vec<&Arc<Decision>> = Vec::new();
    let mut aside_of = Vec::new();
    for (at, contribution) in all {
        if let Some(decision) = cleared(decisions, key, contribution) {
            applied.push(decision);
            aside_of.push(at);
        }
    }
    if aside_of.is_empty() && snoozes.is_empty() {
        return draft(scene, key, all, continues);
    }
    let mut counting = all.clone();
    aside_of.into_iter().for_each(|at| _ = counting.remove(at));
    if counting.is_empty() && record.omitted > 0 {
        // There was more than is kept, and nobody knows that it is of these parties and entries, too.
        return draft(scene, key, all, continues);
    }
    if counting.is_empty() {
        return aside(scene, key, applied);
    }
    let mut alert = draft(scene, key, &counting, continues.clone());
    // How much it is about is asked of all that would be told, so that two snoozes do not hide together what neither may.
    // Where there was more than is kept, nobody knows it.
    let about = at_stake(&finish(alert.clone(), scene)).filter(|_| record.omitted == 0);
    let before = counting.len();
    for (rules, most, decision) in snoozes {
        if about.is_some_and(|about| about <= most) {
            let there = counting.len();
            counting.retain(|_, contribution| !is_of(scene, contribution, rules));
            applied.extend((counting.len() < there).then_some(decision));
        }
    }
    if counting.is_empty() {
        return aside(scene, key, applied);
    }
    if counting.len() < before {
        alert = draft(scene, key, &counting, continues);
    }
    note(&mut alert, applied);
    alert
}

/// The money that an alert is about, hundredths of the reference currency; `None` where nobody knows all of it.
fn at_stake(alert: &Alert) -> Option<i64> {
    let money = alert.money.as_ref()?;
    let is_known = |target: &Target| target.recommended_reference.is_some();
    let asked = alert.targets.iter().fold(0_i64, |sum, target| sum.saturating_add(reference_of(target)));
    if alert.targets_omitted > 0 || !alert.targets.iter().all(is_known) {
        return None;
    }
    match &money.received {
        Some(received) => Some(Amount::parse(received).ok()?.hundredths()?.max(asked)),
        None => (!alert.targets.is_empty()).then_some(asked),
    }
}

/// Whether it is a detection of one of these rules.
fn is_of(scene: &Scene<'_>, contribution: &Contribution, rules: &[String]) -> bool {
    match contribution {
        Contribution::Detection { rule, .. } => scene.rules.get(*rule).is_some_and(|rule| rules.contains(&rule.id)),
        Contribution::Hit { .. } => false,
    }
}

fn aside(scene: &Scene<'_>, key: &AlertKey, applied: Vec<&Arc<Decision>>) -> Alert {
    let mut alert = Alert { status: AlertStatus::SetAside, ..blank(scene, key) };
    note(&mut alert, applied);
    alert
}

/// Names decisions in an alert.
pub(super) fn note<'a>(alert: &mut Alert, applied: impl IntoIterator<Item = &'a Arc<Decision>>) {
    alert.decisions.extend(applied.into_iter().map(|decision| AppliedDecision::from(&**decision)));
    alert.decisions.sort();
    alert.decisions.dedup();
}

/// What decisions say of the targets of a fraud alert: those of victims at risk go, and nothing is restrained where an authority
/// asked for that.
pub(super) fn spare(alert: &mut Alert, scene: &Scene<'_>) {
    let decisions = scene.decisions;
    if alert.regime != Regime::Fraud || decisions.is_empty() {
        return;
    }
    let mut applied = Vec::new();
    alert.targets.retain(|target| {
        let victim = target_identities(target).iter().find_map(|who| decisions.victim(who));
        applied.extend(victim);
        victim.is_none()
    });
    if !applied.is_empty() {
        alert.safety.victim_at_risk = Some(true);
    }
    let waiting = applied.len();
    applied.extend(decisions.waits(&alert.subject));
    for target in &mut alert.targets {
        if let Some(decision) = target_identities(target).iter().find_map(|who| decisions.waits(who)) {
            target.action = target.action.min(Action::Report);
            applied.push(decision);
        }
    }
    if applied.len() > waiting {
        alert.safety.do_not_freeze_yet = Some(true);
    }
    note(alert, applied);
}
