//! Records from before the stream: read and retained.

use std::error::Error;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use mareva_pipeline::{HistoryCut, Pipeline};

use crate::config::Config;
use crate::replay::{Frame, Merge};

/// Topic and partition that a file stands for, and the file.
pub type HistoryFile = (String, i32, PathBuf);

/// Retains records from before the stream, without judging them.
///
/// # Errors
/// Files that cannot be read.
pub fn load_history(
    config: &Config,
    files: &[HistoryFile],
    pipeline: &mut Pipeline,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let frame = Frame {
        started: i64::try_from(now.as_millis())?,
        max_ahead_ms: config.semantics.max_ahead.ms(),
        idle_after_ms: config.semantics.idle_after.ms(),
        epoch: pipeline.epoch(),
    };
    let numbered = files.iter().map(|(topic, partition, file)| (topic.as_str(), *partition, file.as_path()));
    let mut merge = Merge::open(numbered, frame)?;
    let mut rows = 0;
    while let Some(slice) = merge.next_slice()? {
        rows += pipeline.load_history(&slice)?.counts.accepted;
    }
    tracing::info!(rows, files = files.len(), "history retained");
    Ok(())
}

/// Says that history reached into the stream and what that cost.
pub fn tell_cut(cut: &HistoryCut) {
    let HistoryCut { first, from, left_out, kept } = cut;
    let (topic, partition, offset) = (&first.topic, first.partition, first.offset);
    let from = mareva_model::format_time(*from);
    tracing::warn!(
        %topic, partition, offset, from, left_out, kept,
        "history reaches into the stream, which begins with this record: its rows from then on are left out, and the \
         stream's own are judged"
    );
}
