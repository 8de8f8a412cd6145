//! The broker of the demo: librdkafka's mock cluster. It speaks the protocol and forgets everything: commits are not
//! atomic on it, and each partition keeps 5 MB. Nothing about delivery can be shown with it.
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    mocking::MockCluster,
    producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer},
    types::RDKafkaErrorCode,
};

use crate::{
    config::{Connection, Side, Topics, property},
    error::Error,
    record::TopicPartition,
};

/// Bytes of a partition that may be unread, well below what the mock cluster keeps.
const UNREAD: usize = 1 << 20;

/// A broker inside the process. It ends when it is dropped; clients should be gone by then.
pub struct MockBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
    partitions: i32,
}

impl MockBroker {
    /// Starts one, with every topic of `topics`: `partitions` for inputs and alerts, one for the others.
    ///
    /// # Errors
    /// The cluster cannot listen on a local port.
    pub fn start(topics: &Topics, partitions: i32) -> Result<Self, Error> {
        let failed = Error::client("cannot start the mock cluster");
        let broker = Self { cluster: MockCluster::new(1).map_err(failed)?, partitions };
        for topic in topics.inputs.iter().chain([&topics.alerts]) {
            broker.create_topic(topic, partitions)?;
        }
        for topic in [&topics.dead_letters, &topics.late, &topics.sequence] {
            broker.create_topic(topic, 1)?;
        }
        Ok(broker)
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// It exists already.
    pub fn create_topic(&self, topic: &str, partitions: i32) -> Result<(), Error> {
        self.cluster
            .create_topic(topic, partitions, 1)
            .map_err(Error::client("cannot make a topic of the mock cluster"))
    }

    /// `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// A connection to it.
    pub fn connection(&self) -> Connection {
        Connection::to(self.bootstrap_servers())
    }

    /// A producer that never lets more than 1 MiB of a partition be unread.
    ///
    /// # Errors
    /// The client cannot be created.
    pub fn feed(&self) -> Result<Feed, Error> {
        let connection = self.connection();
        let config = connection.client(Side::Producer, &[("linger.ms", "5"), ("client.id", "mareva-feed")], &[])?;
        Ok(Feed {
            producer: config.create().map_err(property)?,
            partitions: self.partitions,
            unread: Pace::default(),
            next: BTreeMap::new(),
        })
    }
}

#[derive(Debug, Default)]
struct Unread {
    /// Per partition: sizes of the records not judged yet, by offset.
    sizes: BTreeMap<TopicPartition, BTreeMap<i64, usize>>,
    bytes: BTreeMap<TopicPartition, usize>,
}

/// Tells a [`Feed`] what has been judged. Clones speak to the same feed.
#[derive(Debug, Clone, Default)]
pub struct Pace(Arc<(Mutex<Unread>, Condvar)>);

impl Pace {
    /// Everything below `next` was judged.
    pub fn judged(&self, at: &TopicPartition, next: i64) {
        let mut unread = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sizes) = unread.sizes.get_mut(at) {
            let left = sizes.split_off(&next);
            let gone: usize = std::mem::replace(sizes, left).values().sum();
            if let Some(bytes) = unread.bytes.get_mut(at) {
                *bytes = bytes.saturating_sub(gone);
            }
        }
        self.0.1.notify_all();
    }
}

/// A paced producer for the mock cluster. Offsets are counted here: nobody else may write to its topics.
pub struct Feed {
    producer: BaseProducer,
    partitions: i32,
    unread: Pace,
    next: BTreeMap<TopicPartition, i64>,
}

impl Feed {
    /// What the observer of the run tells of judged offsets.
    pub fn pace(&self) -> Pace {
        self.unread.clone()
    }

    /// Sends a record to the partition that its key falls on; waits while too much is unread. `false` when nothing was
    /// judged for `patience`, and the record was not sent.
    ///
    /// # Errors
    /// The mock cluster is gone.
    pub fn send(&mut self, topic: &Arc<str>, key: &[u8], payload: &[u8], patience: Duration) -> Result<bool, Error> {
        let hash = u64::from_le_bytes(std::array::from_fn(|i| blake3::hash(key).as_bytes()[i]));
        let partition = i32::try_from(hash % u64::from(self.partitions.unsigned_abs().max(1))).unwrap_or(0);
        let at = TopicPartition { topic: topic.clone(), partition };
        let since = Instant::now();
        let mut unread = self.unread.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while unread.bytes.get(&at).copied().unwrap_or(0) > UNREAD {
            if since.elapsed() > patience {
                return Ok(false);
            }
            self.producer.poll(Duration::ZERO);
            let wait = Duration::from_millis(20);
            unread = self.unread.0.1.wait_timeout(unread, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
        let offset = self.next.entry(at.clone()).or_default();
        unread.sizes.entry(at.clone()).or_default().insert(*offset, payload.len());
        *unread.bytes.entry(at).or_default() += payload.len();
        *offset += 1;
        drop(unread);
        let mut record = BaseRecord::to(topic).partition(partition).key(key).payload(payload);
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((error, again)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                    self.producer.poll(Duration::from_millis(1));
                    record = again;
                }
                Err((error, _)) => return Err(Error::client("cannot feed the mock cluster")(error)),
            }
        }
        self.producer.poll(Duration::ZERO);
        Ok(true)
    }

    /// Waits until the broker has everything.
    ///
    /// # Errors
    /// It does not take it within ten seconds.
    pub fn finish(&self) -> Result<(), Error> {
        self.producer.flush(Duration::from_secs(10)).map_err(Error::client("cannot feed the mock cluster"))
    }
}

#[cfg(test)]
mod tests;
