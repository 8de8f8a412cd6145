//! Reading back what was committed: sequence records, and the alerts they list.
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use rdkafka::consumer::Consumer as _;

use crate::{
    batch_queue::{BatchQueue, Fetched},
    config::{Connection, Topics},
    error::Error,
    machine::{Bounds, Inspection},
    record::{AlertDigest, Assembler, SequenceRecord, TopicPartition},
    source, startup,
};

/// Offsets read first; a window without what is looked for grows eightfold.
const WINDOW: i64 = 512;

/// Alerts looked at per partition when there is no sequence record yet.
const UNKNOWN_ALERTS: i64 = 10_000;

/// Reads committed records of the output topics.
pub(crate) struct Tail {
    queue: BatchQueue,
    sequence: TopicPartition,
    alerts: String,
    patience: Duration,
}

impl Tail {
    pub(crate) fn open(connection: &Connection, topics: &Topics, patience: Duration) -> Result<Self, Error> {
        Ok(Self {
            queue: source::open_queue(connection, 1_024)?,
            sequence: TopicPartition::new(topics.sequence.as_str(), topics.sequence_partition),
            alerts: topics.alerts.clone(),
            patience,
        })
    }

    /// The last sequence record, and the alerts since its `alerts_from`.
    pub(crate) fn inspect(&mut self) -> Result<Inspection, Error> {
        let last = self.records(|_| true)?.pop().map(Box::new);
        let count = startup::partition_count(self.queue.client(), &self.alerts, self.patience)?;
        let mut starts = Vec::new();
        let mut complete = true;
        for partition in 0..count {
            let at = TopicPartition::new(self.alerts.as_str(), partition);
            let bounds = startup::bounds(self.queue.client(), &at, self.patience)?;
            let from = match &last {
                Some(last) => last.alerts_from.get(&partition).copied().unwrap_or(bounds.low),
                None => bounds.low.max(bounds.high - UNKNOWN_ALERTS),
            };
            complete &= from >= bounds.low;
            if from.max(bounds.low) < bounds.high {
                starts.push((at, from.max(bounds.low)));
            }
        }
        let mut visible = BTreeSet::new();
        read_to_end(&mut self.queue, &starts, self.patience, |_, _, payload| {
            visible.insert(AlertDigest::of(payload));
            Ok(())
        })?;
        Ok(Inspection { last, visible, complete })
    }

    /// The records of all slices after `after`, and perhaps some before.
    pub(crate) fn records_after(&mut self, after: u64) -> Result<Vec<SequenceRecord>, Error> {
        self.records(|first| first.slices.first().is_some_and(|slice| slice.seq <= after + 1))
    }

    /// A record of another run than `writer` among the last ones, of a transaction from `number` on.
    pub(crate) fn second_writer(&mut self, number: u64, writer: &str) -> Result<Option<SequenceRecord>, Error> {
        let records = self.records(|_| true)?;
        Ok(records.into_iter().rev().find(|record| record.number >= number && record.writer != writer))
    }

    /// Next offset of the sequence topic.
    pub(crate) fn sequence_end(&mut self) -> Result<i64, Error> {
        Ok(startup::bounds(self.queue.client(), &self.sequence, self.patience)?.high)
    }

    /// Next offsets of the alerts topic.
    pub(crate) fn alert_ends(&mut self) -> Result<std::collections::BTreeMap<i32, i64>, Error> {
        let count = startup::partition_count(self.queue.client(), &self.alerts, self.patience)?;
        (0..count)
            .map(|partition| {
                let at = TopicPartition::new(self.alerts.as_str(), partition);
                Ok((partition, startup::bounds(self.queue.client(), &at, self.patience)?.high))
            })
            .collect()
    }

    /// Checks that the input still holds what was judged last, where it does hold that offset.
    pub(crate) fn check_last_judged(&mut self, last: &SequenceRecord, bounds: &[Bounds]) -> Result<(), Error> {
        let there = |at: &TopicPartition, offset: i64| {
            bounds.iter().any(|bound| bound.source == *at && (bound.low..bound.high).contains(&offset))
        };
        let lasts: Vec<_> = last.last_records().filter(|(at, offset, _)| there(at, *offset)).collect();
        let starts: Vec<_> = lasts.iter().map(|(at, offset, _)| (at.clone(), *offset)).collect();
        let outcome = read_while(&mut self.queue, &starts, self.patience, |at, offset, payload| {
            let judged = lasts.iter().find(|(judged, there, _)| judged == at && *there == offset);
            match judged {
                Some((_, _, digest)) if *digest != AlertDigest::of(payload) => {
                    Err(Error::OtherRecord { at: at.clone(), offset })
                }
                // One further on: compaction may have taken what was judged.
                _ => Ok(false),
            }
        });
        for (at, _) in &starts {
            self.queue.stop(at)?;
        }
        outcome
    }

    /// The end of the topic, from far enough back that the first record satisfies `enough`.
    fn records(&mut self, enough: impl Fn(&SequenceRecord) -> bool) -> Result<Vec<SequenceRecord>, Error> {
        let bounds = startup::bounds(self.queue.client(), &self.sequence, self.patience)?;
        let mut window = WINDOW;
        loop {
            let from = bounds.low.max(bounds.high - window);
            let mut records = Vec::new();
            if from < bounds.high {
                let mut assembler = Assembler::default();
                let sequence = self.sequence.clone();
                read_to_end(&mut self.queue, &[(sequence, from)], self.patience, |at, offset, payload| {
                    let unreadable = |reason| Error::SequenceUnreadable { at: at.clone(), offset, reason };
                    records.extend(assembler.take(payload).map_err(unreadable)?);
                    Ok(())
                })?;
            }
            if from == bounds.low || records.first().is_some_and(&enough) {
                return Ok(records);
            }
            window = window.saturating_mul(8);
        }
    }
}

/// Reads partitions from given offsets to their present ends.
pub(crate) fn read_to_end(
    queue: &mut BatchQueue,
    starts: &[(TopicPartition, i64)],
    patience: Duration,
    mut take: impl FnMut(&TopicPartition, i64, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    read_while(queue, starts, patience, |at, offset, payload| take(at, offset, payload).map(|()| true))
}

/// As [`read_to_end`]; of a partition no further than `take` says.
fn read_while(
    queue: &mut BatchQueue,
    starts: &[(TopicPartition, i64)],
    patience: Duration,
    mut take: impl FnMut(&TopicPartition, i64, &[u8]) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut open: BTreeSet<TopicPartition> = BTreeSet::new();
    for (at, offset) in starts {
        queue.start(at, *offset)?;
        open.insert(at.clone());
    }
    let mut progress = Instant::now();
    let mut outcome = Ok(());
    let mut trouble = None;
    while !open.is_empty() {
        let count = queue.next_batch(Duration::from_millis(5), |fetched| match fetched {
            Fetched::Record { topic, partition, offset, payload, .. } => {
                let at = TopicPartition { topic: topic.clone(), partition };
                if outcome.is_ok() && open.contains(&at) {
                    match take(&at, offset, payload) {
                        Ok(true) => {}
                        Ok(false) => _ = open.remove(&at),
                        Err(error) => outcome = Err(error),
                    }
                }
            }
            Fetched::End { at, .. } => {
                open.remove(&at);
            }
            Fetched::Failed { at, code } => trouble = Some(format!("{at}: {code}")),
        });
        std::mem::replace(&mut outcome, Ok(()))?;
        if count > 0 && trouble.is_none() {
            progress = Instant::now();
        }
        queue.serve();
        if progress.elapsed() > patience {
            let reason = trouble.or_else(|| queue.client().context().last_error());
            return Err(Error::Unreachable {
                brokers: "that hold the output topics".to_owned(),
                waited: patience,
                reason,
            });
        }
    }
    Ok(())
}
