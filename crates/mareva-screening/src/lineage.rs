//! Entries that come from others (a guarantee market under its next name) bear their risk: their programmes, and so what those ask
//! for, from the day on that the list tells.

use std::collections::HashMap;

use mareva_model::Refusal;

use crate::entry::{Lineage, add_new, joined, programmes};
use crate::faults::Faults;
use crate::{Entry, ListConfig};

/// Entries between one and the first that it comes from.
const MAX_STEPS: usize = 16;

/// Gives each entry what those have that it comes from, however many lie between.
///
/// # Errors
/// Each entry that comes from one which the list has not.
pub(crate) fn inherited(config: &ListConfig, mut entries: Vec<Entry>) -> Result<Vec<Entry>, Refusal> {
    if entries.iter().all(|entry| entry.lineage.is_empty()) {
        return Ok(entries);
    }
    let mut faults = Faults::default();
    let mut direct = HashMap::<String, (Vec<Lineage>, Vec<String>)>::new();
    for entry in entries.iter() {
        let (lineage, tags) = direct.entry(entry.id.clone()).or_default();
        add_new(lineage, entry.lineage.clone());
        add_new(tags, programmes(entry.programme.as_deref()).map(str::to_owned).collect());
    }
    for entry in entries.iter_mut().filter(|entry| !entry.lineage.is_empty()) {
        // What is not listed itself is so since it came to be.
        let since = entry.lineage.iter().filter_map(|from| from.since).min();
        if entry.listed_at.is_none() {
            entry.valid_from = entry.valid_from.max(since);
        }
        let mut tags: Vec<String> = programmes(entry.programme.as_deref()).map(str::to_owned).collect();
        let mut at = 0;
        while let Some(from) = entry.lineage.get(at).cloned().filter(|_| at < MAX_STEPS) {
            let Some((further, theirs)) = direct.get(&from.of) else {
                let reason = format!("entry {} comes from {}, which the list has not", entry.id, from.of);
                faults.add(
                    format!("list {}", config.name),
                    reason,
                    "list that one too, or write its id as it stands there",
                );
                break;
            };
            add_new(&mut tags, theirs.clone());
            // One that comes from itself in a circle is named once.
            let news = further.iter().filter(|next| next.of != entry.id).cloned().collect();
            add_new(&mut entry.lineage, news);
            at += 1;
        }
        entry.lineage.truncate(MAX_STEPS);
        entry.programme = joined(&tags);
    }
    faults.into_result()?;
    Ok(entries)
}
