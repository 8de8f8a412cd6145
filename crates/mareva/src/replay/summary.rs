//! What a replay or a demo has to say at the end.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use mareva_model::alert::{Action, Alert, AlertStatus};
use mareva_model::{Detection, RuleRef};
use mareva_pipeline::{Counts, Output};
use serde::Serialize;

use super::{NumberedFile, Refused};
use crate::challenge::{Challenge, Compared, Comparison};

/// Counts over all slices.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Counts,
    detections: BTreeMap<String, u64>,
    shadow: BTreeMap<String, u64>,
    comparison: Comparison,
    refused: Refused,
    /// Those that the records stand in, if any.
    files: Vec<NumberedFile>,
    hits: BTreeMap<String, u64>,
    revisions: u64,
    /// The last revision of every alert.
    alerts: HashMap<String, (Action, AlertStatus)>,
    low_time: Option<i64>,
}

/// The summary, as a program reads it.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Records, transactions and what became of them.
    pub counts: Counts,
    /// Whether `produced = accepted + repeated + late + dead_lettered`.
    pub balanced: bool,
    /// Settled detections by rule.
    pub detections: BTreeMap<String, u64>,
    /// The same of rules that are only tried.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shadow: BTreeMap<String, u64>,
    /// What rules that are tried find that those do not whose place they are to take, and the other way round: settled rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub challengers: Vec<Challenge>,
    /// Dead letters by reason.
    pub dead_letters: BTreeMap<String, u64>,
    /// File and line of the first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_dead_letter: Option<String>,
    /// Confirmed hits by list.
    pub hits: BTreeMap<String, u64>,
    /// Alerts by the action of their last revision; those that were withdrawn by `withdrawn`.
    pub alerts: BTreeMap<&'static str, u64>,
    /// Alert revisions written.
    pub alert_revisions: u64,
    /// Low time at the end.
    pub low_time: Option<String>,
}

impl Tally {
    /// A tally that holds the challengers among these rules against their champions; of records in these files, or from elsewhere.
    pub fn of<'r>(rules: impl IntoIterator<Item = &'r RuleRef>, files: Vec<NumberedFile>) -> Self {
        Self { comparison: Comparison::of(rules), files, ..Self::default() }
    }

    /// Counts what a slice gave.
    pub fn add(&mut self, output: &Output) {
        self.counts += &output.counts;
        self.low_time = output.low_time.or(self.low_time);
        for Detection { rule, .. } in &output.settled {
            count(if rule.shadow { &mut self.shadow } else { &mut self.detections }, &rule.id);
        }
        self.comparison.add(&output.settled, output.settled_before);
        self.refused.add(&output.dead_letters, &self.files);
        self.refused.add_late(&output.late, &self.files);
        for hit in &output.hits {
            count(&mut self.hits, &hit.list.name);
        }
        for Alert { alert_id, action, status, .. } in &output.alerts {
            self.revisions += 1;
            match self.alerts.get_mut(alert_id) {
                Some(last) => *last = (*action, *status),
                None => {
                    self.alerts.insert(alert_id.clone(), (*action, *status));
                }
            }
        }
    }

    /// The counts so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Where files hold what no rule judges.
    pub fn refused(&self) -> &Refused {
        &self.refused
    }

    /// The summary so far.
    pub fn summary(&self) -> Summary {
        let counts = self.counts;
        let first = self.refused.first.as_ref().filter(|_| !self.files.is_empty());
        let mut alerts = BTreeMap::new();
        for (action, status) in self.alerts.values() {
            let word = if *status == AlertStatus::Open { action.as_str() } else { "withdrawn" };
            *alerts.entry(word).or_default() += 1;
        }
        Summary {
            counts,
            balanced: counts.produced == counts.accepted + counts.repeated + counts.late + counts.dead_lettered,
            detections: self.detections.clone(),
            shadow: self.shadow.clone(),
            challengers: self.comparison.challenges(),
            dead_letters: self.refused.by_reason.iter().map(|(reason, number)| (word_of(reason), *number)).collect(),
            first_dead_letter: first.map(|(place, _)| place.clone()),
            hits: self.hits.clone(),
            alerts,
            alert_revisions: self.revisions,
            low_time: self.low_time.map(mareva_model::format_time),
        }
    }
}

impl Summary {
    /// The summary for people.
    pub fn text(&self) -> String {
        let counts = &self.counts;
        let mut text = format!(
            "{} records, {} transactions = {} accepted + {} repeated + {} late + {} dead-lettered{}\n",
            counts.records,
            counts.produced,
            counts.accepted,
            counts.repeated,
            counts.late,
            counts.dead_lettered,
            if self.balanced { "" } else { " (THIS DOES NOT ADD UP, please report it)" },
        );
        let _ = writeln!(
            text,
            "screening: {} probes, {} passed the filters, {} confirmed hits{}",
            counts.probes,
            counts.filter_hits,
            counts.confirmed_hits,
            listed(&self.hits)
        );
        let detections: u64 = self.detections.values().sum();
        let _ = writeln!(text, "rules: {detections} settled detections{}", listed(&self.detections));
        if !self.shadow.is_empty() {
            let shadow: u64 = self.shadow.values().sum();
            let _ = writeln!(text, "in shadow: {shadow} settled detections{}", listed(&self.shadow));
        }
        for Challenge { rule, champion, all, .. } in &self.challengers {
            let Compared { same, extra, missing } = all;
            let _ = writeln!(text, "{rule} against {champion}: {same} rows the same, {extra} extra, {missing} missing");
        }
        let alerts: u64 = self.alerts.values().sum();
        let by_action: BTreeMap<String, u64> = self.alerts.iter().map(|(a, n)| ((*a).to_owned(), *n)).collect();
        let _ = writeln!(text, "alerts: {alerts} in {} revisions{}", self.alert_revisions, listed(&by_action));
        let asides = [
            ("payments under a UETR of another", counts.namesakes),
            ("amounts without a rate", counts.without_reference),
            ("rule evaluations that failed", counts.rule_errors),
        ];
        for (what, number) in asides.into_iter().filter(|(_, number)| *number > 0) {
            let _ = writeln!(text, "{what}: {number}");
        }
        if !self.dead_letters.is_empty() {
            let first = self.first_dead_letter.as_ref().map(|place| format!("; the first is {place}"));
            let _ = writeln!(text, "dead letters{}{}", listed(&self.dead_letters), first.unwrap_or_default());
        }
        text
    }
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<(&String, &u64)> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shown: Vec<String> = sorted.iter().map(|(name, number)| format!("{name} {number}")).collect();
    if shown.is_empty() { String::new() } else { format!(": {}", shown.join(", ")) }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(number) => *number += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}

/// The word that a plain enum is in JSON.
pub fn word_of(value: impl Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
