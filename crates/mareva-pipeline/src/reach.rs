//! How far back alerts look: as far as the windows behind a detection reach.

use mareva_monitoring::Monitor;
use serde::{Deserialize, Serialize};

use crate::config::PipelineConfig;

/// The windows of the rules in force, and of those before for as long as an alert may rest on them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// Milliseconds.
    now: i64,
    /// Longer ones of rules before: milliseconds, and the latest event time that was judged under them. The longer, the
    /// earlier, so there are no more of them than there were lengths.
    before: Vec<(i64, i64)>,
}

impl Reach {
    pub fn of(monitor: &Monitor, config: &PipelineConfig) -> Self {
        Self { now: monitor.reach_ms().max(config.alerts.reach_ms), before: Vec::new() }
    }

    /// After other rules took force.
    pub fn change(&mut self, monitor: &Monitor, config: &PipelineConfig) {
        if let Some(latest) = monitor.latest() {
            self.before.push((self.now, latest));
        }
        self.now = monitor.reach_ms().max(config.alerts.reach_ms);
        self.sort();
    }

    fn sort(&mut self) {
        let mut kept: Vec<(i64, i64)> = Vec::new();
        for (reach, latest) in self.before.drain(..).rev().filter(|(reach, _)| *reach > self.now) {
            if kept.last().is_none_or(|(longest, _)| reach > *longest) {
                kept.push((reach, latest));
            }
        }
        kept.reverse();
        self.before = kept;
    }

    /// Milliseconds. An alert on a row is open until its episode, or the next where it comes late, is over.
    pub fn at(&mut self, low_time: Option<i64>, config: &PipelineConfig) -> i64 {
        let open = config.alerts.episode_ms.saturating_mul(2).saturating_add(config.allowed_lateness_ms);
        if let Some(low) = low_time {
            self.before.retain(|(_, latest)| latest.saturating_add(open) >= low);
        }
        self.before.iter().map(|(reach, _)| *reach).max().unwrap_or(0).max(self.now)
    }
}
