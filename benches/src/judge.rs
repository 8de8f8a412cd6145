//! The pipeline as Kafka sees it: the same records to publish as the binary's.

use std::collections::HashMap;

use mareva_kafka::{AlertRevision, Decode, Judge, JudgeError, Message, Sink, Verdict, WriteState};
use mareva_model::{Digest, SourcePosition};
use mareva_pipeline::{DecodedSlice, InputSlice, Output, Parts, Pipeline};
use serde::Serialize;

/// A pipeline and how its output is written.
pub struct PipelineJudge(pub Pipeline);

impl PipelineJudge {
    /// An empty one.
    ///
    /// # Errors
    /// When the rules do not compile.
    pub fn open(parts: &Parts) -> Result<Self, JudgeError> {
        Ok(Self(Pipeline::new(parts.clone())?))
    }
}

impl Judge for PipelineJudge {
    type Output = Output;
    type Decoded = DecodedSlice;

    fn epoch(&self) -> Digest {
        self.0.epoch()
    }

    fn decoder(&self) -> Decode<DecodedSlice> {
        let mut decoder = self.0.decoder();
        Box::new(move |slice| Ok(decoder.decode(slice)?))
    }

    fn process(&mut self, slice: &InputSlice, decoded: DecodedSlice) -> Result<Output, JudgeError> {
        Ok(self.0.process_decoded(slice, decoded)?)
    }

    fn skip_to(&mut self, seq: u64) -> Result<(), JudgeError> {
        Ok(self.0.skip_to(seq)?)
    }

    fn verdict(&self, slice: &InputSlice, output: &Output) -> Verdict {
        // An alert is due to the youngest record of the slice at the latest.
        let newest = slice.records.iter().map(|record| record.append_time).max();
        let mut appended = HashMap::new();
        if !output.dead_letters.is_empty() || !output.late.is_empty() {
            for record in &slice.records {
                appended.insert((&*record.topic, record.partition, record.offset), record.append_time);
            }
        }
        let time = |at: &SourcePosition| appended.get(&(at.topic.as_str(), at.partition, at.offset)).copied();
        let mut messages = Vec::new();
        for alert in &output.alerts {
            let key = Some(alert.key(None).into_bytes());
            messages.push(Message { sink: Sink::Alerts, key, payload: alert.to_json(), append_time: newest });
        }
        for letter in &output.dead_letters {
            messages.push(message(Sink::DeadLetters, letter, time(&letter.position)));
        }
        for late in &output.late {
            messages.push(message(Sink::Late, late, time(&late.position)));
        }
        let revisions = output.alerts.iter().map(AlertRevision::from).collect();
        Verdict { messages, revisions, counts: output.counts, low_time: output.low_time, has_more: output.has_more }
    }

    fn snapshot(&self) -> Result<WriteState, JudgeError> {
        let snapshot = self.0.snapshot()?;
        Ok(Box::new(|out| Ok(snapshot.write(out)?)))
    }
}

fn message(sink: Sink, value: &impl Serialize, append_time: Option<i64>) -> Message {
    let payload = serde_json::to_vec(value).expect("plain structs with text keys fit into JSON");
    Message { sink, key: None, payload, append_time }
}
