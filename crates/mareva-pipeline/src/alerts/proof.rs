//! The evidence of an alert: rules with their detections, and hits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mareva_model::alert::{DetectionEvidence, Evidence, HitEvidence, RuleEvidence};
use mareva_model::{Raises, RuleRef};
use serde_json::{Map, Value};

use super::contribution::{Contribution, ContributionKey, resolve};
use super::draft::Scene;

/// Detections of one rule, and hits, that an alert lists: the first and the last half of them.
const MAX_LISTED: usize = 20;

type Found<'a> = BTreeMap<(i64, &'a str), &'a Map<String, Value>>;

/// Every rule and hit behind an alert on `subject`.
pub(super) fn evidence(
    scene: &Scene<'_>,
    subject: &str,
    contributions: &BTreeMap<ContributionKey, Contribution>,
) -> Evidence {
    let mut by_rule: BTreeMap<u32, Found<'_>> = BTreeMap::new();
    let mut hits = Vec::new();
    let mut spans: BTreeSet<(i64, i64)> = BTreeSet::new();
    for (key, contribution) in contributions {
        match contribution {
            Contribution::Detection { rule, columns } => {
                by_rule.entry(*rule).or_default().insert((key.event_time, &key.row_id), columns);
                if let Some(rule) = scene.rules.get(*rule).filter(|rule| rule.raises == Raises::Alert) {
                    spans.insert((key.event_time.saturating_sub(rule.span_ms), key.event_time));
                }
            }
            Contribution::Hit(hit) => hits.push(HitEvidence {
                row_id: hit.row_id.clone(),
                event_time: hit.event_time,
                position: Some(hit.position.clone()),
                role: hit.role,
                matched: hit.matched.clone(),
                binding: scene.config.institution.binds(&hit.list.binding_in),
                list: Arc::clone(&hit.list),
                entry: Arc::clone(&hit.entry),
            }),
        }
    }
    // Spans overlap; by their start, each begins at the earliest where the one before ended.
    let mut read_to = i64::MIN;
    for (from, to) in spans {
        for signal in scene.signals.between(subject, from.max(read_to), to) {
            by_rule.entry(signal.rule).or_default().insert((signal.event_time, &signal.row_id), &signal.columns);
        }
        read_to = read_to.max(to);
    }
    let numbered = by_rule.iter().filter_map(|(number, found)| Some((scene.rules.get(*number)?, found)));
    let mut rules: Vec<RuleEvidence> = numbered.map(|(rule, found)| rule_evidence(scene, rule, found)).collect();
    rules.sort_by(|a, b| order(a).cmp(&order(b)));
    let hits_omitted = cut_middle(&mut hits);
    Evidence { rules, hits, hits_omitted }
}

fn order(evidence: &RuleEvidence) -> (Option<(i64, &str)>, &str, u32) {
    let first = evidence.detections.first().map(|first| (first.event_time, first.row_id.as_str()));
    (first, &evidence.rule.id, evidence.rule.version)
}

fn rule_evidence(scene: &Scene<'_>, rule: &Arc<RuleRef>, found: &Found<'_>) -> RuleEvidence {
    let mut kept: Vec<_> = found.iter().collect();
    let omitted = cut_middle(&mut kept);
    let detections = kept.into_iter().map(|((event_time, row_id), columns)| DetectionEvidence {
        row_id: (*row_id).to_owned(),
        event_time: *event_time,
        position: resolve(row_id, scene.rows).and_then(|row| Some(scene.rows.transaction(row)?.position())),
        columns: columns.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
    });
    RuleEvidence { rule: Arc::clone(rule), detections: detections.collect(), omitted }
}

/// Keeps the first and the last half of what is listed; returns how many went.
fn cut_middle<T>(list: &mut Vec<T>) -> u64 {
    let gone = list.len().saturating_sub(MAX_LISTED);
    if gone > 0 {
        list.drain(MAX_LISTED / 2..MAX_LISTED / 2 + gone);
    }
    gone as u64
}
