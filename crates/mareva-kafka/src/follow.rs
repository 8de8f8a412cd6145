//! A reader of output topics: what a freeze desk, a dashboard or a test sees.
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use mareva_model::Refusal;
use rdkafka::consumer::Consumer as _;

use crate::{
    batch_queue::{BatchQueue, Fetched},
    config::Connection,
    error::{Error, is_denied},
    record::TopicPartition,
    setup, startup,
};

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowFrom {
    /// With the first record there.
    Beginning,
    /// With the next record that comes.
    End,
    /// At these offsets; partitions not named begin with their first record.
    Offsets(BTreeMap<TopicPartition, i64>),
}

/// A committed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Where it stands.
    pub at: TopicPartition,
    /// Its offset.
    pub offset: i64,
    /// Its time at the broker, UTC milliseconds.
    pub time: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub payload: Vec<u8>,
}

/// Reads all partitions of some topics, committed records only, without a group.
pub struct Follower {
    queue: BatchQueue,
    ready: VecDeque<Followed>,
    behind: BTreeSet<TopicPartition>,
}

impl Follower {
    /// Opens the topics.
    ///
    /// # Errors
    /// The brokers cannot be reached within ten seconds, or a topic is missing.
    pub fn open(connection: &Connection, topics: &[&str], from: &FollowFrom) -> Result<Self, Error> {
        let patience = Duration::from_secs(10);
        let mut queue = startup::contact(connection, patience, topics.first().copied().unwrap_or_default())?;
        let names = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let partitions = startup::partitions(queue.client(), &names, patience)?;
        let missing = topics.iter().filter(|topic| !partitions.iter().any(|at| *at.topic == ***topic));
        Refusal(missing.map(|topic| setup::missing(topic, connection.brokers())).collect()).into_result()?;
        for at in &partitions {
            let bounds = startup::bounds(queue.client(), at, patience)?;
            let offset = match from {
                FollowFrom::Beginning => bounds.low,
                FollowFrom::End => bounds.high,
                FollowFrom::Offsets(offsets) => offsets.get(at).map_or(bounds.low, |offset| (*offset).max(bounds.low)),
            };
            queue.start(at, offset)?;
        }
        Ok(Self { queue, ready: VecDeque::new(), behind: partitions })
    }

    /// The next record; waits at most `wait`, and gives `None` when none came.
    ///
    /// # Errors
    /// Access is refused, or a partition was lost. Errors that may pass are tried again.
    pub fn next(&mut self, wait: Duration) -> Result<Option<Followed>, Error> {
        let since = Instant::now();
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(Some(record));
            }
            if !self.fill()? && since.elapsed() >= wait {
                return Ok(None);
            }
        }
    }

    /// Whether everything that was committed has been given out. New records make it false again.
    pub fn at_end(&self) -> bool {
        self.ready.is_empty() && self.behind.is_empty()
    }

    /// All records up to the present end.
    ///
    /// # Errors
    /// As [`Self::next`]; the end not reached within `patience`.
    pub fn read_to_end(&mut self, patience: Duration) -> Result<Vec<Followed>, Error> {
        let since = Instant::now();
        let mut records = Vec::new();
        loop {
            records.extend(self.ready.drain(..));
            if self.behind.is_empty() {
                return Ok(records);
            }
            if !self.fill()? && since.elapsed() > patience {
                let reason = self.queue.client().context().last_error();
                return Err(Error::Unreachable {
                    brokers: "that hold the topics".to_owned(),
                    waited: patience,
                    reason,
                });
            }
        }
    }

    fn fill(&mut self) -> Result<bool, Error> {
        let (ready, behind) = (&mut self.ready, &mut self.behind);
        let mut refused = None;
        let count = self.queue.next_batch(Duration::from_millis(2), |fetched| match fetched {
            Fetched::Record { topic, partition, offset, time, key, payload } => {
                let at = TopicPartition { topic: topic.clone(), partition };
                behind.insert(at.clone());
                ready.push_back(Followed { at, offset, time, key: key.map(<[u8]>::to_vec), payload: payload.to_vec() });
            }
            Fetched::End { at, .. } => {
                behind.remove(&at);
            }
            Fetched::Failed { at, code } if is_denied(code) => {
                refused = Some(Error::NotAllowed { what: format!("topic {}", at.topic), reason: code.to_string() });
            }
            Fetched::Failed { at, code } => tracing::warn!(partition = %at, %code, "cannot follow, trying on"),
        });
        self.queue.serve();
        refused.map_or(Ok(count > 0), Err)
    }
}
