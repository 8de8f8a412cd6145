//! Rules that change while the process runs.

use mareva_model::DetectionChange;
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge};

use super::Metrics;
use super::register::{Advance, Make};
use super::words::kind;
use crate::in_force::Figures;

/// Changes of rules.
pub(super) struct Changing {
    changes: IntCounterVec,
    list_changes: IntCounterVec,
    filling: IntGauge,
    backfill: Gauge,
    shadow: IntCounterVec,
    pub(super) epochs: IntCounter,
    pub(super) stall: Gauge,
}

impl Changing {
    pub(super) fn new(make: &Make<'_>) -> Result<Self, prometheus::Error> {
        let changing = Self {
            changes: make.counts("mareva_rule_changes_total", "Other rules, by what became of them.", &["result"])?,
            list_changes: make.counts(
                "mareva_list_changes_total",
                "Other lists, by what became of them.",
                &["result"],
            )?,
            filling: make.gauge(
                "mareva_rules_filling",
                "1 while timelines are filled for other rules, or rows looked through for lists.",
            )?,
            backfill: make.seconds(
                "mareva_rule_backfill_seconds",
                "How long the timelines of the rules in force took to fill.",
            )?,
            shadow: make.counts(
                "mareva_shadow_detections_total",
                "Detections of rules that are only tried, by rule and change.",
                &["rule", "change"],
            )?,
            epochs: make.count("mareva_epoch_changes_total", "Slices that began another epoch, recorded ones too.")?,
            stall: make.seconds(
                "mareva_rule_change_stall_seconds",
                "Longest time for which the live judging waited for a change of rules or lists.",
            )?,
        };
        for result in ["changed", "refused"] {
            changing.changes.with_label_values(&[result]);
            changing.list_changes.with_label_values(&[result]);
        }
        Ok(changing)
    }
}

impl Metrics {
    /// Rules that are only tried, among those in force at the start: their totals begin at 0.
    pub fn expect_tried<'a>(&self, rules: impl IntoIterator<Item = &'a str>) {
        for rule in rules {
            for change in ["raised", "revised", "withdrawn"] {
                self.changing.shadow.with_label_values(&[rule, change]);
            }
        }
    }

    /// What rules that are only tried gave with a slice.
    pub(super) fn tried(&self, shadow: &[DetectionChange]) {
        for change in shadow {
            let rule = change.detection().rule.id.as_str();
            self.changing.shadow.with_label_values(&[rule, kind(change)]).inc();
        }
    }

    /// What became of rules so far.
    pub fn rules(&self, figures: &Figures) {
        let changing = &self.changing;
        changing.changes.with_label_values(&["changed"]).advance(figures.changed);
        changing.changes.with_label_values(&["refused"]).advance(figures.refused);
        changing.list_changes.with_label_values(&["changed"]).advance(figures.lists_changed);
        changing.list_changes.with_label_values(&["refused"]).advance(figures.lists_refused);
        changing.filling.set(i64::from(figures.filling));
        changing.backfill.set(figures.backfill.as_secs_f64());
        if let Some(epoch) = figures.epoch {
            self.epoch(epoch);
        }
    }
}
