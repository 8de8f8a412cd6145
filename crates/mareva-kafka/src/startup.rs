//! First contact: is there a broker, which partitions are there, what do they hold.
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use rdkafka::{
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use crate::{
    batch_queue::BatchQueue,
    config::Connection,
    error::{Error, is_denied, is_permanent},
    machine::Bounds,
    record::TopicPartition,
    source,
};

/// A client for questions, once a broker has answered.
pub(crate) fn contact(connection: &Connection, patience: Duration, topic: &str) -> Result<BatchQueue, Error> {
    let first = First::open(connection, patience)?;
    while !first.answers(topic)? {}
    Ok(first.queue)
}

/// As [`contact`]; nothing where `stop` is set before a broker has answered.
pub(crate) fn contact_unless(
    stop: &AtomicBool,
    connection: &Connection,
    patience: Duration,
    topic: &str,
) -> Result<Option<BatchQueue>, Error> {
    let first = First::open(connection, patience)?;
    loop {
        match first.answers(topic) {
            _ if stop.load(Ordering::Relaxed) => return Ok(None),
            Ok(false) => {}
            answer => return answer.map(|_| Some(first.queue)),
        }
    }
}

/// The client that asks for the first time.
struct First<'c> {
    queue: BatchQueue,
    connection: &'c Connection,
    since: Instant,
    patience: Duration,
}

impl<'c> First<'c> {
    fn open(connection: &'c Connection, patience: Duration) -> Result<Self, Error> {
        Ok(Self { queue: source::open_queue(connection, 256)?, connection, since: Instant::now(), patience })
    }

    /// Whether a broker answers now; waits two seconds for it at most.
    fn answers(&self, topic: &str) -> Result<bool, Error> {
        let client = self.queue.client();
        let left = self.patience.saturating_sub(self.since.elapsed());
        let answer = client.fetch_metadata(Some(topic), left.min(Duration::from_secs(2)));
        self.queue.serve();
        if let Some(reason) = client.context().denied() {
            return Err(Error::NotAllowed { what: "the brokers".to_owned(), reason });
        }
        match answer {
            Ok(_) => Ok(true),
            Err(error) if is_permanent(&error) => Err(Error::client("cannot read metadata")(error)),
            Err(_) if self.since.elapsed() < self.patience => Ok(false),
            Err(_) => Err(Error::Unreachable {
                brokers: self.connection.brokers().to_owned(),
                waited: self.patience,
                reason: client.context().last_error(),
            }),
        }
    }
}

/// Partitions of a topic; none when it does not exist.
pub(crate) fn partition_count<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topic: &str,
    patience: Duration,
) -> Result<i32, Error> {
    let since = Instant::now();
    loop {
        let metadata = client
            .fetch_metadata(Some(topic), patience)
            .map_err(Error::client("cannot read the metadata of a topic"))?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(0) };
        let Some(error) = found.error() else {
            return Ok(i32::try_from(found.partitions().len()).unwrap_or(i32::MAX));
        };
        let code = RDKafkaErrorCode::from(error);
        match code {
            RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => return Ok(0),
            code if is_denied(code) => {
                return Err(Error::NotAllowed { what: format!("topic {topic}"), reason: code.to_string() });
            }
            _ if since.elapsed() < patience => std::thread::sleep(Duration::from_millis(100)),
            _ => {
                let error = KafkaError::MetadataFetch(code);
                return Err(Error::Client { doing: "cannot read the metadata of a topic", error });
            }
        }
    }
}

/// All partitions of some topics.
pub(crate) fn partitions<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topics: &BTreeSet<String>,
    patience: Duration,
) -> Result<BTreeSet<TopicPartition>, Error> {
    let mut found = BTreeSet::new();
    for topic in topics {
        let count = partition_count(client, topic, patience)?;
        let topic: std::sync::Arc<str> = topic.as_str().into();
        found.extend((0..count).map(|partition| TopicPartition { topic: topic.clone(), partition }));
    }
    Ok(found)
}

/// First and next offset of a partition.
pub(crate) fn bounds<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    at: &TopicPartition,
    patience: Duration,
) -> Result<Bounds, Error> {
    let since = Instant::now();
    loop {
        match client.fetch_watermarks(&at.topic, at.partition, patience) {
            Ok((low, high)) => return Ok(Bounds { source: at.clone(), low, high }),
            Err(error) if is_permanent(&error) || since.elapsed() >= patience => {
                return Err(Error::Client { doing: "cannot read the bounds of a partition", error });
            }
            // A leader is being elected, or the answer got lost.
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}
