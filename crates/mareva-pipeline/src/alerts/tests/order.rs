//! Whatever the order of arrival within the lateness and the cut into slices: the same final content, revisions without
//! gaps, no victim among the targets, and never more than was received.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mareva_model::alert::{Alert, AlertStatus};
use mareva_model::{
    Amount, DetectionChange, EvidenceClass, Hit, ListAction, MatchedOn, PartyRole, Regime, RuleRef, SubjectRole, Text,
};
use mareva_monitoring::RetainedRows;
use proptest::prelude::*;
use proptest::sample::Index;

use super::fixture::*;
use crate::alerts::AlertBook;

const ACCOUNTS: [&str; 6] = [MULE, FAR, ANNA, BERT, USER, "iban:GB29NWBK60161331926819"];
const LATENESS: i64 = 5 * MINUTE;

/// What one transaction brings with it.
#[derive(Debug, Clone)]
struct Step {
    payment: Payment,
    hits: Vec<Hit>,
    stay: Vec<DetectionChange>,
    /// Raised with the transaction, withdrawn later.
    go: Vec<DetectionChange>,
}

#[derive(Debug, Clone)]
enum Message {
    Row(Box<Step>),
    Gone(Vec<DetectionChange>),
}

fn step() -> impl Strategy<Value = (i64, Index, Index, i64, u8, u8, bool)> {
    (0_i64..60 * HOUR / MINUTE, any::<Index>(), any::<Index>(), 1_i64..500_000, any::<u8>(), any::<u8>(), any::<bool>())
}

fn detections(kind: u8, id: &str, from: &str, to: &str, time: i64) -> Vec<DetectionChange> {
    match kind % 8 {
        0 | 1 => composed(&pass_through(), &mule_account(), id, "in", to, time),
        2 => composed(&pass_through(), &mule_account(), id, "out", from, time),
        3 => composed(&escalation(), &scam_victim(), id, "out", from, time),
        4 => composed(&pass_through(), &mule_account(), id, "in", to, time)[..1].to_vec(),
        5 => composed(&escalation(), &scam_victim(), id, "out", from, time)[..1].to_vec(),
        _ => Vec::new(),
    }
}

fn steps(drawn: Vec<(i64, Index, Index, i64, u8, u8, bool)>) -> Vec<Step> {
    let mules = list("mules", Regime::Fraud, ListAction::Hold, "*");
    let sdn = list("demo-sdn", Regime::Sanctions, ListAction::Block, "DE");
    let mut steps: Vec<Step> = Vec::new();
    let mut paid: Vec<(String, &str, &str)> = Vec::new();
    for (n, (minute, from, to, cents, kind, listed, stays)) in drawn.into_iter().enumerate() {
        let original = paid.get(cents as usize % 8).filter(|_| listed % 4 == 1).cloned();
        let (from, to) =
            original.as_ref().map_or((*from.get(&ACCOUNTS), *to.get(&ACCOUNTS)), |(_, from, to)| (to, from));
        let (id, time) = (format!("t{n:02}"), START + minute * MINUTE);
        let mut hits = Vec::new();
        let class = EvidenceClass::InstitutionConfirmed;
        if listed % 6 == 0 {
            hits.push(hit(&id, time, PartyRole::Beneficiary, to, &mules, class));
        }
        if listed % 11 == 0 {
            hits.push(hit(&id, time, PartyRole::Originator, from, &sdn, class));
        }
        let changes = detections(kind, &id, from, to, time);
        let (stay, go) = if stays { (changes, Vec::new()) } else { (Vec::new(), changes) };
        let mut payment = pay(&id, time, from, to, cents);
        if let Some((original, ..)) = original {
            payment = payment.with(Text::Kind, "return").with(Text::Original, &row_id(&original));
        }
        paid.push((id, from, to));
        steps.push(Step { payment, hits, stay, go });
    }
    steps
}

/// One order of arrival that keeps within the lateness, cut into slices.
fn slices(steps: &[Step], jitter: &[i64], cuts: &[bool]) -> Vec<Vec<Message>> {
    let mut messages: Vec<(i64, usize, Message)> = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        let delay = |n: usize| jitter[n % jitter.len()] % (LATENESS - 1);
        let (first, second) = (delay(n), delay(n + 7));
        let arrival = step.payment.time + first.min(second);
        messages.push((arrival, n, Message::Row(Box::new(step.clone()))));
        if !step.go.is_empty() {
            let gone = step.go.iter().map(|change| DetectionChange::Withdrawn(change.detection().clone())).collect();
            messages.push((step.payment.time + first.max(second) + 1, n + steps.len(), Message::Gone(gone)));
        }
    }
    messages.sort_by_key(|(arrival, n, _)| (*arrival, *n));
    let mut slices = vec![Vec::new()];
    for (at, (.., message)) in messages.into_iter().enumerate() {
        if cuts[at % cuts.len()] {
            slices.push(Vec::new());
        }
        slices.last_mut().unwrap().push(message);
    }
    slices
}

fn play(slices: &[Vec<Message>], snapshots: bool) -> Vec<Alert> {
    let mut rows = RetainedRows::new();
    let mut book = AlertBook::new(config());
    let mut alerts = Vec::new();
    let mut low = i64::MIN;
    for slice in slices {
        let (mut payments, mut hits, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for message in slice {
            match message {
                Message::Row(step) => {
                    low = low.max(step.payment.time);
                    payments.push(step.payment.clone());
                    hits.extend(step.hits.iter().cloned());
                    changes.extend(step.stay.iter().chain(&step.go).cloned());
                }
                Message::Gone(gone) => changes.extend(gone.iter().cloned()),
            }
        }
        let accepted = [batch(&payments)];
        rows.insert(&accepted[0]);
        alerts.extend(book.apply(&accepted, &hits, &changes, &rows));
        if low > i64::MIN {
            alerts.extend(book.close(&rows, Some(low), false));
            if snapshots {
                rows.expire(book.needs_rows_from(low), usize::MAX);
                let saved = serde_json::to_vec(book.state()).unwrap();
                book = AlertBook::restore(config(), serde_json::from_slice(&saved).unwrap());
                assert_eq!(serde_json::to_vec(book.state()).unwrap(), saved);
            }
        }
    }
    alerts.extend(book.close(&rows, Some(low.max(0)), true));
    alerts
}

fn final_content(alerts: &[Alert]) -> BTreeMap<String, String> {
    let standing = last(alerts.to_vec()).into_iter().filter(|(_, alert)| alert.status == AlertStatus::Open);
    standing.map(|(id, alert)| (id, String::from_utf8(alert.content()).unwrap())).collect()
}

/// The first alert that the two do not agree on.
fn difference(one: &[Alert], other: &[Alert]) -> Option<(String, Option<String>, Option<String>)> {
    let (one, other) = (final_content(one), final_content(other));
    let ids: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let found = ids.into_iter().find(|id| one.get(*id) != other.get(*id))?;
    Some((found.clone(), one.get(found).cloned(), other.get(found).cloned()))
}

fn check_revisions(alerts: &[Alert]) {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for alert in alerts {
        let last = seen.entry(&alert.alert_id).or_default();
        assert_eq!(alert.revision, *last + 1);
        *last = alert.revision;
    }
}

fn units(text: &Option<String>) -> i128 {
    text.as_deref().map_or(0, |text| Amount::parse(text).unwrap().0)
}

fn check_targets(alerts: &[Alert], victims: &BTreeSet<String>) {
    for alert in last(alerts.to_vec()).values() {
        for target in &alert.targets {
            let account = target.account.clone().unwrap_or_default();
            assert!(
                alert.regime == Regime::Sanctions || !victims.contains(&account),
                "{account} is a victim and a target of {}",
                alert.subject
            );
            assert!(units(&target.recommended_amount) <= units(&target.amount));
            if let Some(reachable) = &target.reachable_amount {
                assert!(Amount::parse(reachable).unwrap().0 <= units(&target.recommended_amount));
            }
        }
        let money = alert.money.as_ref();
        if let Some(money) = money.filter(|money| money.received.is_some()) {
            assert!(units(&Some(money.recommended.clone())) <= units(&money.received), "{money:?}");
            if money.on_account.is_some() {
                let parts = [&money.on_account, &money.carried_on, &money.returned].map(units);
                assert_eq!(parts.iter().sum::<i128>(), units(&money.received));
            }
        }
    }
}

/// Victims by the rules, but for those whom a list of confirmed mules names.
fn standing_victims(steps: &[Step]) -> BTreeSet<String> {
    let is_victim =
        |rule: &Arc<RuleRef>| rule.subject_role == SubjectRole::Victim && rule.raises == mareva_model::Raises::Alert;
    let standing = steps.iter().flat_map(|step| &step.stay).map(DetectionChange::detection);
    let listed: BTreeSet<&str> = steps
        .iter()
        .flat_map(|step| &step.hits)
        .filter(|hit| hit.list.regime == Regime::Fraud)
        .filter_map(|hit| match &hit.matched {
            MatchedOn::Identifier { value, .. } => Some(value.as_str()),
            MatchedOn::Name { .. } => None,
        })
        .collect();
    standing
        .filter(|detection| is_victim(&detection.rule) && !listed.contains(detection.subject.as_str()))
        .map(|detection| detection.subject.clone())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn order_and_cut_decide_nothing(
        drawn in prop::collection::vec(step(), 1..40),
        jitter in prop::collection::vec(0..LATENESS, 2..20),
        other in prop::collection::vec(0..LATENESS, 2..20),
        cuts in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        let steps = steps(drawn);
        let victims = standing_victims(&steps);
        let whole = play(&slices(&steps, &[0], &[false]), false);
        let one_by_one = play(&slices(&steps, &jitter, &[true]), true);
        let cut = play(&slices(&steps, &other, &cuts), false);
        for alerts in [&whole, &one_by_one, &cut] {
            check_revisions(alerts);
            check_targets(alerts, &victims);
        }
        prop_assert_eq!(difference(&whole, &one_by_one), None);
        prop_assert_eq!(difference(&whole, &cut), None);
    }

    #[test]
    fn what_was_withdrawn_leaves_no_trace(drawn in prop::collection::vec(step(), 1..30)) {
        let steps = steps(drawn);
        let clean: Vec<Step> = steps.iter().cloned().map(|step| Step { go: Vec::new(), ..step }).collect();
        let with = play(&slices(&steps, &[0, 7, 90_000], &[true]), false);
        let without = play(&slices(&clean, &[0], &[false]), false);
        prop_assert_eq!(difference(&with, &without), None);
    }
}
