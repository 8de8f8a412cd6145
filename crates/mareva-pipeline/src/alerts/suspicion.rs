//! From what contributed to which money is suspect.

use std::collections::{BTreeMap, BTreeSet};

use mareva_model::alert::Action;
use mareva_model::{Kind, PartyApart, PartyRole, Raises, RuleRef, Table, Targets, Text};
use mareva_monitoring::{RowNumber, TransactionView, moves};

use super::config::is_collective;
use super::contribution::{Contribution, ContributionKey, Side, action_of, role_of, row_behind, row_of, side_of};
use super::draft::Scene;
use super::standing::Signal;

/// Stretches of time, each with the strongest action that something found there may bring about.
#[derive(Debug, Default)]
pub(super) struct Windows(BTreeMap<Action, Vec<(i64, i64)>>);

impl Windows {
    fn add(&mut self, action: Action, from: i64, to: i64) {
        self.0.entry(action).or_default().push((from, to));
    }

    /// Sorts and joins what overlaps, so that a look-up is a binary search.
    fn seal(&mut self) {
        for spans in self.0.values_mut() {
            spans.sort_unstable();
            let mut joined: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
            for (from, to) in spans.drain(..) {
                match joined.last_mut() {
                    Some(last) if from <= last.1 => last.1 = last.1.max(to),
                    _ => joined.push((from, to)),
                }
            }
            *spans = joined;
        }
    }

    /// The strongest action at `time`.
    pub(super) fn at(&self, time: i64) -> Option<Action> {
        let covers = |spans: &Vec<(i64, i64)>| {
            let next = spans.partition_point(|(from, _)| *from <= time);
            next.checked_sub(1).and_then(|at| spans.get(at)).is_some_and(|(_, to)| time <= *to)
        };
        self.0.iter().rev().find(|(_, spans)| covers(spans)).map(|(action, _)| *action)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn start(&self) -> Option<i64> {
        self.0.values().flatten().map(|(from, _)| *from).min()
    }
}

/// What contributed, read: which money on the subject's account is suspect, and which of its payments.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    /// Money received by the subject in these stretches is suspect.
    pub(super) received: Windows,
    /// So are these payments to it, whatever their time: a list names their receiver.
    pub(super) rows: BTreeMap<RowNumber, Action>,
    /// Payments that the subject, a victim, made in these stretches ...
    pub(super) paid: Windows,
    /// ... to these accounts.
    pub(super) payees: BTreeSet<String>,
    /// Payments that a hit names without saying that suspect money was received by the subject.
    pub(super) named: BTreeMap<RowNumber, Action>,
    /// Accounts that a hit names in a payment which was not accepted: time, and what may come of it.
    pub(super) apart: Vec<(PartyApart, i64, Action)>,
    /// Stretches covered by second-level detections, until their signals are read; by whether they are about payments out.
    composed: BTreeMap<bool, Windows>,
    /// Transactions behind the contributions, ordered by (time, `row_id`).
    pub(super) behind: Vec<RowNumber>,
    /// The subject is an account that many people's money runs through.
    pub(super) collective: bool,
    /// Earliest time that any of it reaches back to.
    pub(super) from: i64,
    /// Time of the last contribution.
    pub(super) to: i64,
    /// Movements up to here count: the money is followed to the end of the episode, whatever the last contribution was.
    pub(super) until: i64,
}

impl Suspicion {
    /// Reads the contributions of an alert about `subject`.
    pub(super) fn read(
        scene: &Scene<'_>,
        subject: &str,
        contributions: &BTreeMap<ContributionKey, Contribution>,
    ) -> Self {
        let from = first_time(scene, contributions);
        let to = contributions.keys().next_back().map_or(0, |key| key.event_time).max(from);
        let mut found = Self { from, to, until: to.max(scene.known_to.saturating_sub(1)), ..Self::default() };
        let mut behind: BTreeSet<(i64, String, RowNumber)> = BTreeSet::new();
        for (key, contribution) in contributions {
            let action = action_of(contribution, scene.rules, &scene.config.institution);
            let row = match contribution {
                Contribution::Detection { rule, .. } => {
                    scene.rules.get(*rule).and_then(|rule| scene.row_behind(rule, &key.row_id))
                }
                Contribution::Hit { hit, .. } => row_of(hit, scene.rows),
            };
            behind.extend(row.map(|row| (key.event_time, key.row_id.clone(), row)));
            match contribution {
                Contribution::Detection { rule, .. } => {
                    if let Some(rule) = scene.rules.get(*rule) {
                        found.read_detection(scene, subject, key, rule, action);
                    }
                }
                Contribution::Hit { hit, .. } => {
                    found.apart.extend(hit.apart.clone().map(|party| (party, key.event_time, action)));
                    let Some(row) = row.filter(|row| scene.moves(*row) && !scene.is_between_institutions(*row)) else {
                        continue;
                    };
                    if hit.role == PartyRole::Beneficiary && action >= Action::Report {
                        strengthen(&mut found.rows, row, action);
                    } else {
                        strengthen(&mut found.named, row, action);
                    }
                }
            }
        }
        found.behind = behind.into_iter().map(|(_, _, row)| row).collect();
        found.collective = is_collective(found.latest(scene, subject).and_then(|(view, side)| role_of(&view, side)));
        // Nothing on such an account is restrained, and what is known of it has no bound.
        if !found.collective {
            found.read_signals(scene, subject);
        }
        found.received.seal();
        found.paid.seal();
        let starts = [found.received.start(), found.paid.start()];
        found.from = starts.into_iter().flatten().fold(found.from, i64::min).max(0);
        found
    }

    fn read_detection(
        &mut self,
        scene: &Scene<'_>,
        subject: &str,
        key: &ContributionKey,
        rule: &RuleRef,
        action: Action,
    ) {
        if rule.targets == Targets::None {
            self.from = self.from.min(key.event_time.saturating_sub(rule.span_ms));
            return;
        }
        let outgoing = rule.targets == Targets::OutgoingPayments;
        let signals = scene.signals_behind(subject, rule, key.event_time);
        let composes = |signal: &Signal| scene.rules.get(signal.rule).is_some_and(|first| supports(first, outgoing));
        // A row of `transactions` or `movements` stands for itself; a row of `signals` for the detections it composes.
        if rule.table == Table::Signals && signals.iter().any(composes) {
            let from = key.event_time.saturating_sub(rule.span_ms);
            self.composed.entry(outgoing).or_default().add(action, from, key.event_time);
        } else {
            self.add(scene, subject, rule, (key.event_time, &key.row_id), action);
        }
    }

    /// Reads the first-level detections in the stretches that second-level ones cover, each once.
    fn read_signals(&mut self, scene: &Scene<'_>, subject: &str) {
        for (outgoing, mut windows) in std::mem::take(&mut self.composed) {
            windows.seal();
            for (action, spans) in windows.0 {
                for (from, to) in spans {
                    for signal in scene.signals.between(subject, from, to) {
                        let Some(first) = scene.rules.get(signal.rule).filter(|first| supports(first, outgoing)) else {
                            continue;
                        };
                        self.add(scene, subject, first, (signal.event_time, &signal.row_id), action);
                    }
                }
            }
        }
    }

    fn add(&mut self, scene: &Scene<'_>, subject: &str, rule: &RuleRef, (time, row_id): (i64, &str), action: Action) {
        let from = time.saturating_sub(rule.span_ms);
        if rule.targets != Targets::OutgoingPayments {
            self.received.add(action, from, time);
            return;
        }
        self.paid.add(action, from, time);
        let view = scene.row_behind(rule, row_id).and_then(|row| scene.rows.transaction(row));
        if let Some(view) = view
            && view.text(Text::Originator) == Some(subject)
            && let Some(payee) = view.text(Text::Beneficiary)
        {
            self.payees.insert(payee.to_owned());
        }
    }

    /// The view of the latest transaction behind it in which the subject takes part, and its side.
    pub(super) fn latest<'a>(&self, scene: &Scene<'a>, subject: &str) -> Option<(TransactionView<'a>, Side)> {
        self.behind.iter().rev().find_map(|row| {
            let view = scene.rows.transaction(*row)?;
            side_of(&view, subject).map(|side| (view, side))
        })
    }
}

/// Time of the first contribution. A hit from before the episode came late and was put into it: its own time would move holds.
fn first_time(scene: &Scene<'_>, contributions: &BTreeMap<ContributionKey, Contribution>) -> i64 {
    let time = |(key, contribution): (&ContributionKey, &Contribution)| match contribution {
        Contribution::Hit { .. } => key.event_time.max(scene.from),
        Contribution::Detection { .. } => key.event_time,
    };
    contributions.iter().map(time).min().unwrap_or(scene.from)
}

impl<'a> Scene<'a> {
    /// First-level detections of the subject that a detection of a second-level rule at `time` may rest on.
    pub(super) fn signals_behind(&self, subject: &str, rule: &RuleRef, time: i64) -> &'a [Signal] {
        if rule.raises == Raises::Alert {
            self.signals.between(subject, time.saturating_sub(rule.span_ms), time)
        } else {
            &[]
        }
    }

    /// The transaction behind a row that `rule` fired on.
    pub(super) fn row_behind(&self, rule: &RuleRef, row_id: &str) -> Option<RowNumber> {
        row_behind(rule, row_id, self.rules, self.rows)
    }

    /// Whether it is a transfer between institutions: the money of customers that it covers is told of by their payment.
    fn is_between_institutions(&self, row: RowNumber) -> bool {
        let kind = self.rows.transaction(row).and_then(|view| view.text(Text::Kind));
        kind == Some(Kind::InstitutionTransfer.as_str())
    }

    /// Whether a transaction moves money between accounts.
    pub(super) fn moves(&self, row: RowNumber) -> bool {
        self.rows.transaction(row).is_some_and(|view| {
            moves(view.text(Text::Status).unwrap_or_default(), view.text(Text::Kind).unwrap_or_default())
        })
    }
}

/// Whether a first-level rule says which money is meant: what the subject paid, or what lies on its account. One without
/// targets (many accounts on one device) only adds weight.
fn supports(rule: &RuleRef, outgoing: bool) -> bool {
    rule.targets == if outgoing { Targets::OutgoingPayments } else { Targets::SubjectAccount }
}

fn strengthen(rows: &mut BTreeMap<RowNumber, Action>, row: RowNumber, action: Action) {
    let known = rows.entry(row).or_insert(action);
    *known = action.max(*known);
}
