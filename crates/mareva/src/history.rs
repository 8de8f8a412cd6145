//! Records from before the stream: read, retained and accounted for.

use std::error::Error;

use mareva_model::{Digest, Reason, Refusal};
use mareva_pipeline::{HistoryCut, InputRecord, Pipeline, Prepared};

use crate::config::Config;
use crate::metrics;
pub use crate::replay::NumberedFile as HistoryFile;
use crate::replay::{Frame, Merge, Refused};

/// One unreadable record in so many is the most that a history may hold: beyond that the files are damaged, and rules would
/// look back on less than they are said to.
const UNREADABLE_ONE_IN: u64 = 100;

/// What became of the records of a history.
#[derive(Debug, Default)]
struct Account {
    produced: u64,
    retained: u64,
    repeated: u64,
    refused: Refused,
    unreadable: u64,
}

/// Digest of a history: of the records of each file in their order. How the files are called, how they are merged and what of
/// them is retained is not in it: it is the same under another epoch.
struct Fingerprint(Vec<blake3::Hasher>);

impl Fingerprint {
    /// Of so many files.
    fn of(files: usize) -> Self {
        Self(vec![blake3::Hasher::new(); files])
    }

    fn add(&mut self, record: &InputRecord, files: &[HistoryFile]) {
        let is_of = |(topic, partition, _): &HistoryFile| **topic == *record.topic && *partition == record.partition;
        let Some(hasher) = files.iter().position(is_of).and_then(|file| self.0.get_mut(file)) else { return };
        hasher.update(&(record.payload.len() as u64).to_le_bytes());
        hasher.update(&record.payload);
    }

    fn digest(&self) -> Digest {
        let files: Vec<u8> = self.0.iter().flat_map(|file| *file.finalize().as_bytes()).collect();
        mareva_model::digest(&files)
    }
}

/// Retains records from before the stream, without judging them; gives their digest.
///
/// # Errors
/// Files that cannot be read, and a refusal where too many of their records cannot.
pub fn load_history(
    config: &Config,
    files: &[HistoryFile],
    pipeline: &mut Pipeline,
) -> Result<Digest, Box<dyn Error + Send + Sync>> {
    let frame = Frame::now(config, pipeline.epoch())?;
    let numbered = files.iter().map(|(topic, partition, file)| (topic.as_str(), *partition, file.as_path()));
    let mut merge = Merge::open(numbered, frame)?;
    let mut account = Account::default();
    let mut fingerprint = Fingerprint::of(files.len());
    while let Some(slice) = merge.next_slice()? {
        slice.records.iter().for_each(|record| fingerprint.add(record, files));
        account.add(&pipeline.load_history(&slice)?, files);
    }
    account.tell(files.len());
    account.check()?;
    Ok(fingerprint.digest())
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

impl Account {
    fn add(&mut self, prepared: &Prepared, files: &[HistoryFile]) {
        let Prepared { counts, dead_letters, .. } = prepared;
        self.produced += counts.produced;
        self.retained += counts.accepted;
        self.repeated += counts.repeated;
        self.refused.add(dead_letters, files);
        self.unreadable += dead_letters.iter().filter(|letter| is_unreadable(letter.reason)).count() as u64;
    }

    fn tell(&self, files: usize) {
        let Self { retained, repeated, .. } = self;
        let refused = self.refused.total();
        tracing::info!(rows = retained, repeated, refused, files, "history retained");
        let Some((first, first_reason)) = &self.refused.first else { return };
        for (reason, count) in &self.refused.by_reason {
            let reason = metrics::reason(*reason);
            tracing::warn!(reason, count, "records of the history were refused: rules do not see them");
        }
        let reason = metrics::reason(*first_reason);
        tracing::warn!(%first, reason, "the first refused record of the history");
    }

    fn check(&self) -> Result<(), Refusal> {
        let Some((first, reason)) = &self.refused.first else { return Ok(()) };
        if self.unreadable.saturating_mul(UNREADABLE_ONE_IN) <= self.produced {
            return Ok(());
        }
        let (unreadable, produced, reason) = (self.unreadable, self.produced, metrics::reason(*reason));
        Err(Refusal::one(
            first,
            format!(
                "{unreadable} of {produced} records of --history cannot be read, the first refused one here ({reason})"
            ),
            format!("mend the files or leave --history out: at most one in {UNREADABLE_ONE_IN} may be unreadable"),
        ))
    }
}

/// Whether a reason is in the bytes of the record itself.
fn is_unreadable(reason: Reason) -> bool {
    !matches!(reason, Reason::TimeAhead | Reason::Conflicting)
}

#[cfg(test)]
mod tests;
