//! What rules have in common.

use std::collections::HashSet;

use mareva_monitoring::Key;
use serde::Serialize;

use super::figures::subjects;
use super::work::{Outcome, Work};

/// What two rules have in common.
#[derive(Debug, Serialize)]
pub struct Overlap {
    pub rules: [String; 2],
    /// Subjects that both name.
    pub subjects: u64,
    /// Rows that fire both; of a rule over signals the row behind the signal.
    pub rows: u64,
}

/// Pairs of rules in force that name a subject in common, most first.
pub fn overlap(work: &Work<'_>, outcomes: &[Outcome]) -> Vec<Overlap> {
    let rules = work.variants.iter().zip(outcomes).filter(|(variant, _)| variant.replaced.is_none());
    let sets: Vec<(&str, HashSet<Key>, HashSet<Key>)> = rules
        .map(|(variant, outcome)| {
            let rows = outcome.found.iter().map(|one| one.row).collect();
            (variant.rule().reference.id.as_str(), subjects(&outcome.found), rows)
        })
        .collect();
    let mut pairs = Vec::new();
    for (at, (rule, own, rows)) in sets.iter().enumerate() {
        for (other, others, other_rows) in &sets[at + 1..] {
            let subjects = own.intersection(others).count() as u64;
            if subjects > 0 {
                let rows = rows.intersection(other_rows).count() as u64;
                pairs.push(Overlap { rules: [(*rule).to_owned(), (*other).to_owned()], subjects, rows });
            }
        }
    }
    pairs.sort_by(|a, b| b.subjects.cmp(&a.subjects).then_with(|| a.rules.cmp(&b.rules)));
    pairs
}
