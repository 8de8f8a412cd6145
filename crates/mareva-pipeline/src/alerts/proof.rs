//! The evidence of an alert: rules with their detections, and hits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use mareva_model::alert::{DetectionEvidence, Evidence, HitEvidence, RuleEvidence};
use mareva_model::{Raises, RuleRef};
use serde_json::{Map, Value};

use super::contribution::{Contribution, ContributionKey};
use super::draft::Scene;

/// Detections of one rule, and hits, that an alert lists: the first and the last half of them.
const MAX_LISTED: usize = 20;

/// Detections of one rule as they come by, in order: the first and the last of them, and how many there were.
#[derive(Default)]
struct Listed<'a> {
    first: Vec<Seen<'a>>,
    last: VecDeque<Seen<'a>>,
    omitted: u64,
}

/// Time, `row_id` and columns of a detection.
type Seen<'a> = (i64, &'a str, &'a Map<String, Value>);

impl<'a> Listed<'a> {
    fn add(&mut self, seen: Seen<'a>) {
        if self.first.len() < MAX_LISTED / 2 {
            self.first.push(seen);
            return;
        }
        self.last.push_back(seen);
        if self.last.len() > MAX_LISTED / 2 {
            self.last.pop_front();
            self.omitted += 1;
        }
    }
}

/// Every rule and hit behind an alert on `subject`.
pub(super) fn evidence(
    scene: &Scene<'_>,
    subject: &str,
    contributions: &BTreeMap<ContributionKey, Contribution>,
) -> Evidence {
    let mut by_rule: BTreeMap<u32, Listed<'_>> = BTreeMap::new();
    let mut hits = Vec::new();
    let mut spans: BTreeSet<(i64, i64)> = BTreeSet::new();
    for (key, contribution) in contributions {
        match contribution {
            Contribution::Detection { rule, columns } => {
                by_rule.entry(*rule).or_default().add((key.event_time, &key.row_id, columns));
                if let Some(rule) = scene.rules.get(*rule).filter(|rule| rule.raises == Raises::Alert) {
                    spans.insert((key.event_time.saturating_sub(rule.span_ms), key.event_time));
                }
            }
            Contribution::Hit { hit, .. } => hits.push(HitEvidence {
                row_id: hit.row_id.clone(),
                event_time: hit.event_time,
                position: Some(hit.position.clone()),
                role: hit.role,
                matched: hit.matched.clone(),
                binding: scene.config.institution.binds(&hit.list.binding_in),
                list: Arc::clone(&hit.list),
                entry: Arc::clone(&hit.entry),
                look_back: hit.look_back,
            }),
        }
    }
    // Spans overlap, and come by their start: each is read from where the one before ended.
    let mut read_to = i64::MIN;
    for (from, to) in spans {
        for signal in scene.signals.between(subject, from.max(read_to), to) {
            by_rule.entry(signal.rule).or_default().add((signal.event_time, &signal.row_id, &signal.columns));
        }
        read_to = read_to.max(to.saturating_add(1));
    }
    let numbered = by_rule.into_iter().filter_map(|(number, listed)| Some((scene.rules.get(number)?, listed)));
    let mut rules: Vec<RuleEvidence> = numbered.map(|(rule, listed)| rule_evidence(scene, rule, listed)).collect();
    rules.sort_by(|a, b| order(a).cmp(&order(b)));
    let hits_omitted = cut_middle(&mut hits);
    Evidence { rules, hits, hits_omitted }
}

fn order(evidence: &RuleEvidence) -> (Option<(i64, &str)>, &str, u32) {
    let first = evidence.detections.first().map(|first| (first.event_time, first.row_id.as_str()));
    (first, &evidence.rule.id, evidence.rule.version)
}

fn rule_evidence(scene: &Scene<'_>, rule: &Arc<RuleRef>, listed: Listed<'_>) -> RuleEvidence {
    let seen = listed.first.into_iter().chain(listed.last);
    let detections = seen.map(|(event_time, row_id, columns)| DetectionEvidence {
        row_id: row_id.to_owned(),
        event_time,
        position: scene.row_behind(rule, row_id).and_then(|row| Some(scene.rows.transaction(row)?.position())),
        columns: columns.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
    });
    RuleEvidence { rule: Arc::clone(rule), detections: detections.collect(), omitted: listed.omitted }
}

/// Keeps the first and the last half of what is listed; returns how many went.
fn cut_middle<T>(list: &mut Vec<T>) -> u64 {
    let gone = list.len().saturating_sub(MAX_LISTED);
    if gone > 0 {
        list.drain(MAX_LISTED / 2..MAX_LISTED / 2 + gone);
    }
    gone as u64
}
