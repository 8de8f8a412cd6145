//! A transaction, and the order in which it is carried out.
use std::collections::BTreeSet;

use crate::{
    judge::{Message, Sink},
    record::{AlertDigest, SequenceRecord, TopicPartition},
};

/// All that one Kafka transaction carries. Its bytes never change: tried again, it is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its sequence record.
    pub record: SequenceRecord,
    /// Alerts, dead letters and late rows, in order; the sequence record last.
    pub messages: Vec<Message>,
    /// Consumer offsets, for lag monitors; recovery reads the sequence record.
    pub offsets: Vec<(TopicPartition, i64)>,
    /// Alerts that readers see already (a torn transaction): not produced again.
    pub seen: BTreeSet<AlertDigest>,
}

/// A step of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Begin.
    Begin,
    /// Write a record.
    Produce(&'a Message),
    /// Wait until the broker has every record.
    Drain,
    /// Add the consumer offsets.
    SendOffsets(&'a [(TopicPartition, i64)]),
    /// Commit.
    Commit,
}

impl Transaction {
    pub(super) fn new(record: SequenceRecord, mut messages: Vec<Message>) -> Self {
        let key = record.writer.clone().into_bytes();
        messages.extend(record.to_payloads().into_iter().map(|payload| Message {
            sink: Sink::Sequence,
            key: Some(key.clone()),
            payload,
            append_time: None,
        }));
        let mut offsets = Vec::new();
        for (topic, partitions) in &record.judged {
            for (partition, offset) in partitions {
                offsets.push((TopicPartition::new(topic.clone(), *partition), *offset));
            }
        }
        Self { record, messages, offsets, seen: BTreeSet::new() }
    }

    /// Its steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let produced = self.messages.iter().filter(|message| !self.is_seen(message)).map(Step::Produce);
        std::iter::once(Step::Begin).chain(produced).chain([
            Step::Drain,
            Step::SendOffsets(&self.offsets),
            Step::Commit,
        ])
    }

    fn is_seen(&self, message: &Message) -> bool {
        message.sink == Sink::Alerts && !self.seen.is_empty() && self.seen.contains(&message.digest())
    }

    /// Its alerts: of its slices, then those published again.
    pub fn alerts(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.sink == Sink::Alerts)
    }
}
