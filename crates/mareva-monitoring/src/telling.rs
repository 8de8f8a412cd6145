//! What is told, when and in which order: rules may need history, which counts from the earliest accepted row, or tell of a window
//! when it has closed.

use std::collections::BTreeSet;

use mareva_model::{Detection, DetectionChange, Table};

use crate::error::Error;
use crate::level::{Level, Standing};
use crate::monitor::Monitor;
use crate::rule::Emit;

/// What changes, each with where it stands.
pub(crate) type Changes = Vec<(Standing, DetectionChange)>;

/// Whether as much history was there before a time as a rule needs, where history begins `from`; all in (UTC) milliseconds.
pub fn is_enough(needs_history_ms: i64, from: Option<i64>, event_time: i64) -> bool {
    needs_history_ms == 0 || from.is_some_and(|from| event_time.saturating_sub(from) >= needs_history_ms)
}

/// The same of a detection.
pub(crate) fn enough_history(level: &Level, from: Option<i64>, (event_time, _, term): Standing) -> bool {
    is_enough(level.rule(term).map_or(0, |(_, reign)| reign.needs_history_ms), from, event_time)
}

/// Whether nothing is told of it before its window closes.
pub(crate) fn is_on_close(level: &Level, (_, _, term): Standing) -> bool {
    level.rule(term).is_some_and(|(_, reign)| reign.emit == Emit::Close)
}

/// Of what changes what is told at once, where history began at one time before and at another now: a late row may be the earliest.
/// What stood for want of history untold is told with it, and was never told where it goes.
pub(crate) fn with_history(level: &Level, (before, now): (Option<i64>, Option<i64>), changes: Changes) -> Changes {
    let mut told = Changes::new();
    let is_due = |at: Standing| enough_history(level, now, at) && !is_on_close(level, at);
    for (at, change) in changes.into_iter().filter(|(at, _)| is_due(*at)) {
        match change {
            change if enough_history(level, before, at) => told.push((at, change)),
            DetectionChange::Raised(found) | DetectionChange::Revised(found) => {
                told.push((at, DetectionChange::Raised(found)));
            }
            DetectionChange::Withdrawn(_) => {}
        }
    }
    if before.is_some_and(|before| now.is_some_and(|now| now < before)) {
        let known: BTreeSet<Standing> = told.iter().map(|(at, _)| *at).collect();
        let new = |at: &Standing| !enough_history(level, before, *at) && is_due(*at);
        let stood = level.stands().filter(|(at, _)| new(at) && !known.contains(at));
        told.extend(stood.map(|(at, found)| (at, DetectionChange::Raised(found.clone()))));
    }
    told
}

/// Adds what can change no more before `before` to what is settled, and returns what is told only now, its windows having closed.
pub(crate) fn settle(
    level: &mut Level,
    before: i64,
    history_from: Option<i64>,
    settled: &mut Vec<Detection>,
) -> Changes {
    let mut told = Changes::new();
    for (at, detection) in level.settle(before) {
        if !enough_history(level, history_from, at) {
            continue;
        }
        if is_on_close(level, at) {
            told.push((at, DetectionChange::Raised(detection.clone())));
        }
        settled.push(detection);
    }
    told
}

/// With numbers of transactions in the place of those of a table's rows.
pub(crate) fn of_transactions(table: Table, changes: Changes) -> impl Iterator<Item = (Standing, DetectionChange)> {
    let shift = u32::from(table == Table::Movements);
    changes.into_iter().map(move |((time, row, term), change)| ((time, row >> shift, term), change))
}

impl Monitor {
    /// Detections that stand and are not settled, by (event time, row id, rule). Those that are told when their window closes are
    /// among them.
    pub fn standing(&self) -> Vec<Detection> {
        let from = self.history_from;
        let levels = self.levels.iter().chain([&self.second]);
        told(levels.flat_map(|level| {
            let enough = move |(at, _): &(Standing, _)| enough_history(level, from, *at);
            level.stands().filter(enough).map(|(_, detection)| detection.clone())
        }))
    }

    /// What would settle besides if nothing came any more: what stands, and what rules over signals make of windows that are open.
    ///
    /// # Errors
    /// [`Error`] when a kernel fails.
    pub fn at_end(&mut self) -> Result<Vec<Detection>, Error> {
        let from = self.history_from;
        let untold = |level: &Level| -> Changes {
            let raised = level.stands().map(|(at, detection)| (at, DetectionChange::Raised(detection.clone())));
            let due = raised.filter(|(at, _)| enough_history(level, from, *at) && is_on_close(level, *at));
            of_transactions(level.program.table, due.collect()).collect()
        };
        let raised: Changes = self.levels.iter().flat_map(untold).collect();
        let withdrawn = raised.iter().map(|(at, change)| (*at, DetectionChange::Withdrawn(change.detection().clone())));
        let withdrawn: Changes = withdrawn.collect();
        // More may come later: it is as if nothing had been asked.
        self.second_level(&raised, &mut 0)?;
        let found = self.standing();
        self.second_level(&withdrawn, &mut 0)?;
        Ok(found)
    }
}

/// By (event time, row id, rule).
pub(crate) fn told(detections: impl Iterator<Item = Detection>) -> Vec<Detection> {
    let mut detections: Vec<Detection> = detections.collect();
    detections.sort_by(|a, b| order(a).cmp(&order(b)));
    detections
}

fn order(detection: &Detection) -> (i64, &str, &str) {
    (detection.event_time, &detection.row_id, &detection.rule.id)
}

/// The same of changes.
pub(crate) fn sort_changes(changes: &mut Changes) {
    changes.sort_by(|(_, a), (_, b)| order(a.detection()).cmp(&order(b.detection())));
}
