//! Rules that need history before they tell of anything: it counts from the earliest accepted row.

use std::collections::BTreeSet;

use mareva_model::DetectionChange;

use crate::level::{Level, Standing};
use crate::monitor::Changes;

/// Whether as much history was there before a time as a rule needs, where history begins `from`; all in (UTC) milliseconds.
pub fn is_enough(needs_history_ms: i64, from: Option<i64>, event_time: i64) -> bool {
    needs_history_ms == 0 || from.is_some_and(|from| event_time.saturating_sub(from) >= needs_history_ms)
}

/// The same of a detection.
pub(crate) fn enough_history(level: &Level, from: Option<i64>, (event_time, _, term): Standing) -> bool {
    is_enough(level.rule(term).map_or(0, |(_, reign)| reign.needs_history_ms), from, event_time)
}

/// Of what changes what is told, where history began at one time before and at another now: a late row may be the earliest.
/// What stood for want of history untold is told with it, and was never told where it goes.
pub(crate) fn with_history(level: &Level, (before, now): (Option<i64>, Option<i64>), changes: Changes) -> Changes {
    let mut told = Changes::new();
    for (at, change) in changes.into_iter().filter(|(at, _)| enough_history(level, now, *at)) {
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
        let new = |at: &Standing| !enough_history(level, before, *at) && enough_history(level, now, *at);
        let stood = level.stands().filter(|(at, _)| new(at) && !known.contains(at));
        told.extend(stood.map(|(at, found)| (at, DetectionChange::Raised(found.clone()))));
    }
    told
}
