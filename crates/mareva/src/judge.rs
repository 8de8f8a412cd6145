//! The pipeline as the judge of the Kafka loop: slices in, records to publish out.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::thread::Builder;
use std::time::{Duration, Instant};

use mareva_kafka::{AlertRevision, Decode, Judge, JudgeError, Message, Sink, Verdict, WriteState};
use mareva_model::alert::Alert;
use mareva_model::{Digest, SourcePosition};
use mareva_monitoring::{RuleFailure, Sizes, Tenure};
use mareva_pipeline::{DecodedSlice, InputSlice, LookedBack, Output, Parts, Pipeline};

use crate::STACK;
use crate::config::Config;
use crate::history::{HistoryFile, load_history, tell_cut};
use crate::in_force::Changes;

/// Time between two measurements of what is kept in memory.
const MEASURE_EVERY: Duration = Duration::from_secs(10);

/// What a slice gave, and now and then how large the state is.
#[derive(Debug)]
pub struct Judged {
    pub output: Output,
    pub sizes: Option<Sizes>,
}

/// A pipeline, and the secret that hashes the keys of its alert records.
pub struct PipelineJudge {
    pipeline: Pipeline,
    subject_key: Option<Vec<u8>>,
    /// Digest of what it was seeded with.
    history: Option<Digest>,
    measured: Option<Instant>,
    /// How rules and lists change; none where they do not.
    changes: Option<Changes>,
    /// Failures of rules that the log has: at most one for each rule, part of its SQL and kind.
    logged: HashSet<(String, String, &'static str)>,
}

impl PipelineJudge {
    /// From a snapshot, or empty.
    ///
    /// # Errors
    /// Rules that do not compile, a snapshot that does not fit; no thread.
    pub fn open(
        parts: Parts,
        subject_key: Option<Vec<u8>>,
        snapshot: Option<&mut (dyn Read + Send)>,
        changes: Option<Changes>,
    ) -> Result<Self, JudgeError> {
        let pipeline = match snapshot {
            Some(snapshot) => {
                let kept = changes.as_ref().map(Changes::lists);
                let lists = |epoch| kept.map(|lists| lists(epoch)).transpose();
                elsewhere(|| Pipeline::restore_with::<JudgeError>(parts, snapshot, lists))??
            }
            None => Pipeline::new(parts)?,
        };
        let (history, measured) = (None, None);
        Ok(Self { pipeline, subject_key, history, measured, changes, logged: HashSet::new() })
    }

    /// The rules in force, and since when.
    pub fn tenures(&self) -> Vec<Tenure> {
        self.pipeline.monitor().tenures()
    }

    /// Has it look back on history.
    ///
    /// # Errors
    /// As [`load_history`].
    pub fn seed(&mut self, config: &Config, files: &[HistoryFile]) -> Result<(), JudgeError> {
        self.history = Some(load_history(config, files, &mut self.pipeline)?);
        Ok(())
    }

    /// Says once of every rule that fails on rows where and how; the metric says how often.
    fn log_failures(&mut self) {
        for failure in self.pipeline.monitor().rule_failures() {
            let RuleFailure { rule, part, reads, kind, .. } = failure;
            if self.logged.insert((rule.clone(), part.clone(), kind)) {
                tracing::warn!(rule, part, reads, kind, "a rule fails on rows and judges the others; mend it");
            }
        }
    }
}

impl Judge for PipelineJudge {
    type Output = Judged;
    type Decoded = DecodedSlice;

    fn epoch(&self) -> Digest {
        self.pipeline.epoch()
    }

    fn history(&self) -> Option<Digest> {
        self.history
    }

    fn decoder(&self) -> Decode<DecodedSlice> {
        let mut decoder = self.pipeline.decoder();
        Box::new(move |slice| Ok(decoder.decode(slice)?))
    }

    fn process(&mut self, slice: &InputSlice, decoded: DecodedSlice) -> Result<Judged, JudgeError> {
        let output = self.pipeline.process_decoded(slice, decoded)?;
        if let Some(cut) = &output.history_cut {
            tell_cut(cut);
        }
        if let Some(LookedBack { fresh, gone, hits, omitted }) = output.looked_back {
            tracing::info!(seq = slice.seq, fresh, gone, hits, omitted, "other lists are in force");
        }
        if output.counts.rule_errors > 0 {
            self.log_failures();
        }
        let due = self.measured.is_none_or(|measured| measured.elapsed() >= MEASURE_EVERY);
        let sizes = due.then(|| {
            self.measured = Some(Instant::now());
            self.pipeline.sizes()
        });
        Ok(Judged { output, sizes })
    }

    fn next_epoch(&mut self) -> Option<Digest> {
        self.changes.as_mut()?.next_epoch(&self.pipeline)
    }

    fn adopt(&mut self, epoch: Digest) -> Result<(), JudgeError> {
        let Some(changes) = &mut self.changes else {
            return Err(
                format!("the rules of epoch {epoch} are needed and nothing is kept beside the snapshots").into()
            );
        };
        changes.adopt(&mut self.pipeline, epoch)
    }

    fn epochs_in_use(&mut self, epochs: &BTreeSet<Digest>) {
        if let Some(changes) = &mut self.changes {
            changes.keep_only(epochs);
        }
    }

    fn verdict(&self, slice: &InputSlice, judged: &Judged) -> Verdict {
        let output = &judged.output;
        let mut messages = Vec::new();
        if !output.alerts.is_empty() {
            let times = append_times(slice);
            messages.extend(output.alerts.iter().map(|alert| Message {
                sink: Sink::Alerts,
                key: Some(alert.key(self.subject_key.as_deref()).into_bytes()),
                payload: alert.to_json(),
                append_time: newest(alert, &times),
            }));
        }
        let placed = |sink, position: &SourcePosition, payload: serde_json::Result<Vec<u8>>| Message {
            sink,
            key: Some(format!("{}/{}/{}", position.topic, position.partition, position.offset).into_bytes()),
            // Plain structs with text keys: there is nothing in them that JSON cannot hold.
            payload: payload.unwrap_or_default(),
            append_time: None,
        };
        let letters = output.dead_letters.iter();
        messages.extend(letters.map(|letter| placed(Sink::DeadLetters, &letter.position, serde_json::to_vec(letter))));
        messages.extend(output.late.iter().map(|row| placed(Sink::Late, &row.position, serde_json::to_vec(row))));
        let revisions = output.alerts.iter().map(AlertRevision::from).collect();
        Verdict { messages, revisions, counts: output.counts, low_time: output.low_time, has_more: output.has_more }
    }

    fn skip_to(&mut self, seq: u64) -> Result<(), JudgeError> {
        Ok(self.pipeline.skip_to(seq)?)
    }

    fn published_before(&mut self, revisions: &[AlertRevision]) {
        let each = revisions.iter().map(|one| (one.alert_id.as_str(), one.revision));
        self.pipeline.published_before(each);
    }

    fn snapshot(&self) -> Result<WriteState, JudgeError> {
        let snapshot = self.pipeline.snapshot()?;
        Ok(Box::new(|out| Ok(snapshot.write(out)?)))
    }
}

/// Does something that allocates much on a thread of its own, and waits for it. When timelines are dropped later, elsewhere, the
/// allocator puts their million pieces in order while it serves whoever allocates next to them: that must not be the judge.
///
/// # Errors
/// No thread.
pub fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, JudgeError> {
    std::thread::scope(|scope| {
        let named = Builder::new().name("mareva-start".to_owned()).stack_size(STACK);
        let thread = named.spawn_scoped(scope, work)?;
        thread.join().map_err(|_| "the thread that fills timelines has panicked; please report it".into())
    })
}

type Place<'s> = (&'s str, i32, i64);

fn append_times(slice: &InputSlice) -> HashMap<Place<'_>, i64> {
    slice.records.iter().map(|r| ((&*r.topic, r.partition, r.offset), r.append_time)).collect()
}

/// Append time of the newest record of this slice that an alert rests on.
fn newest(alert: &Alert, times: &HashMap<Place<'_>, i64>) -> Option<i64> {
    let detections = alert.evidence.rules.iter().flat_map(|rule| &rule.detections).map(|found| &found.position);
    let positions = detections.chain(alert.evidence.hits.iter().map(|hit| &hit.position)).flatten();
    positions.filter_map(|at| times.get(&(at.topic.as_str(), at.partition, at.offset)).copied()).max()
}
