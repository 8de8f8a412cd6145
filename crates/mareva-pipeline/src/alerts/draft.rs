//! The content of an alert from what contributed to it: a pure function, whatever the order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use mareva_model::alert::{
    Action, Alert, AlertStatus, CONTRACT, Evidence, Safety, Severity, Span, SuspectMoney, Target, alert_id,
};
use mareva_model::{Amount, MatchedOn, ReferenceAmount, Regime, SubjectRole, Text};
use mareva_monitoring::RetainedRows;
use serde::{Deserialize, Serialize};

use super::config::AlertConfig;
use super::contribution::{Contribution, ContributionKey, RuleTable, Side, action_of, identities, severity_of};
use super::fifo::Flow;
use super::place::name_missing;
use super::standing::{Known, Signals};
use super::suspicion::Suspicion;
use super::{decided, fraud, proof, sanctions};
use crate::decisions::Decisions;

/// Which alert: one per subject, regime and episode.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct AlertKey {
    pub(super) subject: String,
    pub(super) regime: Regime,
    /// `⌊event_time ÷ episode_ms⌋`.
    pub(super) episode: i64,
}

/// Everything that the content of an alert may depend on beside its contributions.
pub(super) struct Scene<'a> {
    pub(super) config: &'a AlertConfig,
    pub(super) rows: &'a RetainedRows,
    /// First millisecond of the episode.
    pub(super) from: i64,
    /// From this time on they are sure to be there.
    pub(super) rows_from: i64,
    pub(super) rules: &'a RuleTable,
    pub(super) signals: &'a Signals,
    pub(super) known: &'a Known,
    pub(super) decisions: &'a Decisions,
    /// What is known counts from here ...
    pub(super) known_from: i64,
    /// ... to before here, for the content ...
    pub(super) known_to: i64,
    /// ... and to before here for victims that must not be targets, however late they come to light.
    pub(super) watch_to: i64,
}

impl Scene<'_> {
    pub(super) fn suspect(&self, identity: &str) -> bool {
        self.known.suspect(identity, self.known_from, self.known_to)
    }

    fn victim(&self, identity: &str) -> bool {
        self.known.victim(identity, self.known_from, self.known_to) || self.decisions.victim(identity).is_some()
    }

    fn shielded(&self, identity: &str) -> bool {
        self.known.victim(identity, self.known_from, self.watch_to)
    }
}

/// Targets of one alert and the money behind them, in hundredths of the reference currency.
#[derive(Debug, Default)]
pub(super) struct Yield {
    targets: BTreeMap<String, Target>,
    flow: Option<[i64; 4]>,
    /// Sum of the payments of a victim ...
    pub(super) paid: Option<i64>,
    /// ... and what of it came back.
    pub(super) came_back: i64,
    /// Time of the last movement of suspect money.
    pub(super) as_of: i64,
    /// Name of the subject in the latest movement that gives one.
    pub(super) name: Option<String>,
}

impl Yield {
    /// Adds a target; of two for the same payment or account the stronger stays.
    pub(super) fn add(&mut self, target: Target) {
        let rank = |target: &Target| (target.action, reference_of(target));
        match self.targets.entry(target.key()) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(target);
            }
            std::collections::btree_map::Entry::Occupied(mut taken) => {
                if rank(&target) > rank(taken.get()) {
                    taken.insert(target);
                }
            }
        }
    }

    pub(super) fn extend(&mut self, targets: impl IntoIterator<Item = Target>) {
        targets.into_iter().for_each(|target| self.add(target));
    }

    /// Whether a target is at this account.
    pub(super) fn names(&self, account: &str) -> bool {
        self.targets.values().any(|target| target.account.as_deref() == Some(account))
    }

    /// Takes note of when suspect money last moved.
    pub(super) fn see(&mut self, scene: &Scene<'_>, flow: &Flow) {
        let last = flow.last.and_then(|row| scene.rows.transaction(row));
        self.as_of = last.map_or(self.as_of, |view| view.event_time().max(self.as_of));
    }

    pub(super) fn count(&mut self, flow: &Flow) {
        let lots = flow
            .lots
            .values()
            .fold([0; 3], |sum, lot| [sum[0] + lot.received, sum[1] + lot.remaining, sum[2] + lot.returned]);
        let absorbed: i64 = flow.lots.values().map(|lot| lot.absorbed).sum();
        let carried: i64 = flow.carried.keys().map(|row| flow.carried_by(*row)).sum();
        self.flow = (lots[0] > 0).then_some([lots[0], lots[1], carried + absorbed, lots[2]]);
    }

    fn money(&self, currency: &str) -> Option<SuspectMoney> {
        let text = |cents: i64| Some(ReferenceAmount(cents).to_string());
        let mut money = SuspectMoney {
            currency: currency.to_owned(),
            received: None,
            on_account: None,
            carried_on: None,
            returned: None,
            recommended: String::new(),
        };
        match (self.flow, self.paid) {
            (Some([received, on_account, carried, returned]), None) => {
                money.received = text(received);
                money.on_account = text(on_account);
                money.carried_on = text(carried);
                money.returned = text(returned);
            }
            (None, Some(paid)) => {
                money.received = text(paid);
                money.returned = Some(self.came_back).filter(|sum| *sum > 0).and_then(text);
            }
            // A subject that both received and paid suspect money: only the sum is beyond doubt.
            (Some([received, ..]), Some(paid)) => money.received = text(received.saturating_add(paid)),
            (None, None) if self.targets.is_empty() => return None,
            (None, None) => {}
        }
        Some(money)
    }
}

/// A target's recommended amount in hundredths of the reference currency.
pub(super) fn reference_of(target: &Target) -> i64 {
    let parsed = target.recommended_reference.as_deref().and_then(|text| Amount::parse(text).ok());
    // Written from hundredths in 64 bits, so it reads back into them.
    parsed.and_then(Amount::hundredths).unwrap_or(0)
}

/// A target's reachable amount in hundredths of the reference currency, rounded down.
pub(super) fn reachable_of(target: &Target) -> i64 {
    let units =
        |text: &Option<String>| text.as_deref().and_then(|text| Amount::parse(text).ok()).map(|amount| amount.0);
    let (Some(part), Some(whole)) = (units(&target.reachable_amount), units(&target.recommended_amount)) else {
        return 0;
    };
    let reference = reference_of(target);
    let share = i128::from(reference).checked_mul(part).and_then(|product| product.checked_div(whole));
    // Beyond 128 bits it only decides when a revision is due, and the amount itself does that too.
    share.and_then(|share| i64::try_from(share).ok()).unwrap_or(reference)
}

/// The content of an alert with all its targets, those at victims included: [`finish`] takes them out.
pub(super) fn draft(
    scene: &Scene<'_>,
    key: &AlertKey,
    contributions: &BTreeMap<ContributionKey, Contribution>,
    continues: Option<String>,
) -> Alert {
    let suspicion = Suspicion::read(scene, &key.subject, contributions);
    let known = known_names(scene, key, &suspicion);
    let victim = key.regime == Regime::Fraud && known.iter().any(|who| scene.victim(who));
    let found = match key.regime {
        Regime::Fraud => fraud::targets(scene, &key.subject, &suspicion, victim),
        Regime::Sanctions => sanctions::targets(scene, &key.subject, contributions),
    };
    let mut alert = blank(scene, key);
    alert.status = AlertStatus::Open;
    alert.subject_role = subject_role(scene, contributions, victim);
    alert.subject_name = subject_name(scene, key, contributions, &suspicion).or_else(|| found.name.clone());
    alert.severity = severity(scene, key, contributions);
    alert.action = base_action(scene, contributions);
    alert.reason_code = reason_code(scene, key, contributions);
    alert.legal_basis = legal_basis(scene, key, contributions);
    alert.event_time = contributions.keys().next().map_or(alert.event_time, |key| key.event_time);
    alert.as_of = found.as_of.max(suspicion.to);
    alert.window = Span { from: suspicion.from, to: suspicion.to };
    alert.continues = continues;
    alert.safety.victim_at_risk = victim.then_some(true);
    let at_risk = known.iter().find_map(|who| scene.decisions.victim(who)).filter(|_| victim);
    decided::note(&mut alert, at_risk);
    alert.evidence = proof::evidence(scene, &key.subject, contributions);
    alert.money = found.money(&scene.config.reference_currency);
    alert.targets = found.targets.into_values().collect();
    alert
}

/// An alert that rests on nothing: what is published when its last contribution goes.
pub(super) fn blank(scene: &Scene<'_>, key: &AlertKey) -> Alert {
    let config = scene.config;
    let from = key.episode.saturating_mul(config.episode_ms);
    Alert {
        contract: CONTRACT,
        alert_id: alert_id(key.regime, &key.subject, key.episode),
        revision: 0,
        status: AlertStatus::Withdrawn,
        regime: key.regime,
        subject: key.subject.clone(),
        subject_role: SubjectRole::Unknown,
        subject_name: None,
        severity: Severity::Low,
        action: Action::Review,
        reason_code: reason_of(key.regime).to_owned(),
        jurisdiction: config.institution.jurisdiction.clone(),
        legal_basis: None,
        event_time: from,
        as_of: from,
        episode: Span { from, to: from.saturating_add(config.episode_ms) },
        window: Span { from, to: from },
        continues: None,
        expires_at: None,
        clock_basis: None,
        money: None,
        targets: Vec::new(),
        targets_omitted: 0,
        missing: Vec::new(),
        safety: Safety::default(),
        confidentiality: config.confidentiality.clone(),
        tlp: config.tlp.clone(),
        operation: config.operation.clone(),
        notice_ref: config.notice_ref.clone(),
        decisions: Vec::new(),
        evidence: Evidence::default(),
        epoch: config.epoch,
        engine: config.engine.clone(),
    }
}

/// Takes victims out of the targets, cuts them to the bound, and fills in what follows from them.
pub(super) fn finish(mut alert: Alert, scene: &Scene<'_>) -> Alert {
    decided::spare(&mut alert, scene);
    // A block is the law's, not ours to waive for somebody whom a rule of ours takes for a victim of fraud.
    if alert.regime == Regime::Fraud {
        let found = alert.targets.len();
        alert.targets.retain(|target| !target_identities(target).iter().any(|who| scene.shielded(who)));
        if alert.targets.len() < found {
            alert.safety.victim_at_risk = Some(true);
        }
    }
    let bound = scene.config.max_targets.max(1);
    if alert.targets.len() > bound {
        let rank = |target: &Target| (target.action, reference_of(target), target.event_time);
        alert.targets.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.key().cmp(&b.key())));
        alert.targets_omitted = (alert.targets.len() - bound) as u64;
        alert.targets.truncate(bound);
    }
    alert.targets.sort_by_cached_key(|target| (target.kind, target.event_time, target.key()));
    alert.targets.iter_mut().for_each(name_missing);
    let strongest = alert.targets.iter().map(|target| target.action).max();
    alert.action = strongest.map_or(alert.action, |action| action.max(alert.action));
    if alert.safety.do_not_freeze_yet == Some(true) && !strongest.is_some_and(Action::restrains) {
        alert.action = alert.action.min(Action::Report);
    }
    let recommended = alert.targets.iter().fold(0_i64, |sum, target| sum.saturating_add(reference_of(target)));
    if let Some(money) = &mut alert.money {
        money.recommended = ReferenceAmount(recommended).to_string();
    }
    if alert.regime == Regime::Fraud && alert.action.restrains() {
        // A contract that counts on times before 2200 must not be broken by a hold that long.
        // Nor must a record that came late end it before it begins.
        let begins = alert.event_time.max(scene.from);
        alert.expires_at = Some(begins.saturating_add(scene.config.hold_ms).min(7_258_118_399_999));
        alert.clock_basis.clone_from(&scene.config.clock_basis);
    }
    alert.missing = missing(&alert);
    alert
}

fn missing(alert: &Alert) -> Vec<String> {
    let open = alert.status == AlertStatus::Open;
    [
        (alert.subject_name.is_none() && open, "subject_name"),
        (alert.jurisdiction.is_none(), "jurisdiction"),
        (alert.legal_basis.is_none() && open, "legal_basis"),
        (alert.expires_at.is_some() && alert.clock_basis.is_none(), "clock_basis"),
        (alert.targets_omitted > 0, "targets"),
        (alert.safety.victim_at_risk.is_none(), "safety.victim_at_risk"),
        (alert.safety.do_not_freeze_yet.is_none(), "safety.do_not_freeze_yet"),
        (alert.confidentiality.is_none(), "confidentiality"),
        (alert.tlp.is_none(), "tlp"),
        (alert.operation.is_none(), "operation"),
        (alert.notice_ref.is_none(), "notice_ref"),
    ]
    .into_iter()
    .filter(|(absent, _)| *absent)
    .map(|(_, name)| name.to_owned())
    .collect()
}

/// Under which names the holder of a target's account may be known as a victim.
pub(super) fn target_identities(target: &Target) -> BTreeSet<String> {
    let account = target.account.clone();
    let customer = target.customer.as_ref().map(|customer| format!("customer:{customer}"));
    // The linked bank account belongs to the exchange's user, so it speaks for the target only where the user is it.
    let is_user = |account: &String| account.starts_with("exch:");
    let linked = target.chain.as_ref().and_then(|chain| chain.linked_account.clone());
    let linked = linked.filter(|_| target.account.as_ref().is_some_and(is_user));
    account.into_iter().chain(customer).chain(linked).collect()
}

fn known_names(scene: &Scene<'_>, key: &AlertKey, suspicion: &Suspicion) -> Vec<String> {
    let view = suspicion.latest(scene, &key.subject).map(|(view, _)| view);
    identities(&key.subject, view.as_ref())
}

fn subject_role(
    scene: &Scene<'_>,
    contributions: &BTreeMap<ContributionKey, Contribution>,
    victim: bool,
) -> SubjectRole {
    let mut roles = BTreeSet::new();
    for contribution in contributions.values() {
        roles.insert(match contribution {
            Contribution::Hit { hit, .. } => match &hit.matched {
                MatchedOn::Name { supported_by, .. } if supported_by.is_empty() => SubjectRole::Unknown,
                _ => SubjectRole::Listed,
            },
            Contribution::Detection { rule, .. } => {
                scene.rules.get(*rule).map_or(SubjectRole::Unknown, |rule| rule.subject_role)
            }
        });
    }
    let order = [SubjectRole::Listed, SubjectRole::Victim, SubjectRole::Suspect];
    let named = order.into_iter().find(|role| roles.contains(role)).unwrap_or(SubjectRole::Unknown);
    if victim { SubjectRole::Victim } else { named }
}

fn subject_name(
    scene: &Scene<'_>,
    key: &AlertKey,
    contributions: &BTreeMap<ContributionKey, Contribution>,
    suspicion: &Suspicion,
) -> Option<String> {
    let from_rows = suspicion.behind.iter().rev().find_map(|row| {
        let view = scene.rows.transaction(*row)?;
        match super::contribution::side_of(&view, &key.subject)? {
            Side::Receiver => view.text(Text::BeneficiaryName),
            Side::Payer => view.text(Text::OriginatorName),
        }
    });
    let matched = contributions.values().rev().find_map(|contribution| match contribution {
        Contribution::Hit { hit, .. } => match &hit.matched {
            MatchedOn::Name { value, .. } => Some(value.as_str()),
            MatchedOn::Identifier { .. } => None,
        },
        Contribution::Detection { .. } => None,
    });
    from_rows.or(matched).map(str::to_owned)
}

fn severity(scene: &Scene<'_>, key: &AlertKey, contributions: &BTreeMap<ContributionKey, Contribution>) -> Severity {
    let of = |contribution: &Contribution| match contribution {
        Contribution::Detection { rule, .. } => {
            scene.rules.get(*rule).map_or(Severity::Medium, |rule| Severity::parse(&rule.severity))
        }
        Contribution::Hit { .. } => {
            severity_of(action_of(contribution, scene.rules, &scene.config.institution), key.regime)
        }
    };
    contributions.values().map(of).max().unwrap_or(Severity::Low)
}

/// The action of an alert without targets: restraint without anything to restrain is a report where a list says so and
/// a review where only rules do.
fn base_action(scene: &Scene<'_>, contributions: &BTreeMap<ContributionKey, Contribution>) -> Action {
    let of = |contribution: &Contribution| {
        let action = action_of(contribution, scene.rules, &scene.config.institution);
        match contribution {
            Contribution::Detection { .. } if action.restrains() => Action::Review,
            _ => action.min(Action::Report),
        }
    };
    contributions.values().map(of).max().unwrap_or(Action::Review)
}

fn reason_of(regime: Regime) -> &'static str {
    match regime {
        Regime::Fraud => "FRAD",
        Regime::Sanctions => "RR04",
    }
}

/// The reason code of the most severe rule, the first by id among equals.
fn reason_code(scene: &Scene<'_>, key: &AlertKey, contributions: &BTreeMap<ContributionKey, Contribution>) -> String {
    let rules = contributions.values().filter_map(|contribution| match contribution {
        Contribution::Detection { rule, .. } => scene.rules.get(*rule),
        Contribution::Hit { .. } => None,
    });
    let best = rules
        .filter(|rule| !rule.reason_code.is_empty())
        .min_by_key(|rule| (std::cmp::Reverse(Severity::parse(&rule.severity)), &rule.id));
    best.map_or(reason_of(key.regime).to_owned(), |rule| rule.reason_code.clone())
}

fn legal_basis(
    scene: &Scene<'_>,
    key: &AlertKey,
    contributions: &BTreeMap<ContributionKey, Contribution>,
) -> Option<String> {
    if key.regime == Regime::Fraud {
        return scene.config.fraud_legal_basis.clone();
    }
    let programmes: BTreeSet<String> = contributions
        .values()
        .filter_map(|contribution| match contribution {
            Contribution::Hit { hit, .. } if scene.config.institution.binds(&hit.list.binding_in) => {
                Some(hit.entry.programme.as_ref().map_or(hit.list.name.clone(), |p| format!("{} {p}", hit.list.name)))
            }
            _ => None,
        })
        .collect();
    let parts: Vec<String> = scene.config.sanctions_legal_basis.iter().cloned().chain(programmes).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The names under which the targets of an alert may become known as victims.
pub(super) fn watched(alert: &Alert) -> Vec<String> {
    let names = alert.targets.iter().flat_map(target_identities);
    let mut names: Vec<String> = names.chain([alert.subject.clone()]).collect();
    names.sort();
    names.dedup();
    names
}
