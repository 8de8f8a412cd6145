//! The consumer, on its own thread.
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use mareva_pipeline::InputRecord;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
    types::RDKafkaErrorCode,
};

use crate::{
    batch_queue::{BatchQueue, Fetched, QueueContext},
    config::{Connection, RunConfig, Side},
    error::{Error, is_denied},
    machine::{Block, Bounds, Input},
    mailbox::{Letter, Mailbox},
    record::TopicPartition,
    startup,
};

/// Our values of consumer properties; the user's overrule them.
pub(crate) const OWN: [(&str, &str); 5] = [
    ("fetch.wait.max.ms", "5"),
    ("fetch.queue.backoff.ms", "5"),
    ("queued.max.messages.kbytes", "32768"),
    ("client.id", "mareva"),
    ("log.connection.close", "false"),
];

/// Those that delivery rests on: nobody overrules them.
pub(crate) const FIXED: [(&str, &str); 5] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("isolation.level", "read_committed"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
];

/// A queue with the client settings of a run: committed records only, no group. For the bare loop of the benches too.
///
/// # Errors
/// A refused property, or a secret that cannot be read.
pub fn open_queue(connection: &Connection, batch: usize) -> Result<BatchQueue, Error> {
    BatchQueue::open(&client(connection)?, batch)
}

/// How a consumer of ours is set.
pub(crate) fn client(connection: &Connection) -> Result<ClientConfig, Error> {
    let mut config = connection.client(Side::Consumer, &OWN, &FIXED)?;
    // A group would change what the client does; offsets are ours.
    config.remove("group.id");
    Ok(config)
}

/// Payloads are copied together into buffers of this many bytes: one for each record would be made on this thread and freed on
/// the one that judges, the dearest way to use a heap. A record that waits keeps no more than one such buffer.
const BUFFER: usize = 64 * 1024;

/// Known ends of the partitions, kept for lag figures.
pub(crate) type Ends = Arc<Mutex<Vec<(TopicPartition, i64)>>>;

/// What the loop asks of the reader.
enum Order {
    Read(TopicPartition, i64),
    Pause(TopicPartition),
}

/// The consumer thread and the thread that looks for new partitions.
pub(crate) struct Source {
    stop: Arc<AtomicBool>,
    orders: mpsc::Sender<Order>,
    mailbox: Arc<Mailbox>,
    threads: Vec<JoinHandle<()>>,
}

impl Source {
    pub(crate) fn start(config: &RunConfig, mailbox: &Arc<Mailbox>, ends: &Ends) -> Result<Self, Error> {
        let queue = open_queue(&config.connection, config.limits.slice_records)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (orders, received) = mpsc::channel();
        mailbox.close(false);
        let mut source = Self { stop: stop.clone(), orders, mailbox: mailbox.clone(), threads: Vec::new() };
        let client = queue.client().clone();
        let reader = Reader {
            queue,
            buffer: BytesMut::new(),
            linger: config.limits.linger,
            mailbox: mailbox.clone(),
            ends: ends.clone(),
            assigned: Arc::default(),
        };
        let (stopped, assigned) = (stop.clone(), reader.assigned.clone());
        source.spawn("mareva-consumer", move || reader.run(&received, &stopped))?;
        let (inputs, every, mailbox) = (config.topics.inputs.clone(), config.discover_every, mailbox.clone());
        source.spawn("mareva-discovery", move || {
            loop {
                let since = Instant::now();
                while since.elapsed() < every {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    thread::sleep(Duration::from_millis(50).min(every));
                }
                match new_partitions(&client, &inputs, &assigned) {
                    Ok(new) if new.is_empty() => {}
                    Ok(new) => {
                        tracing::info!(partitions = new.len(), "new partitions found");
                        mailbox.reply(Letter::Input(Input::Partitions(new)));
                    }
                    Err(error) => tracing::warn!(%error, "cannot look for new partitions"),
                }
            }
        })?;
        Ok(source)
    }

    fn spawn(&mut self, name: &'static str, body: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
        self.threads.push(thread.map_err(|error| Error::Thread { name, error })?);
        Ok(())
    }

    /// Reads these partitions as well, or from another offset.
    pub(crate) fn assign(&self, partitions: Vec<(TopicPartition, i64)>) -> Result<(), Error> {
        partitions.into_iter().try_for_each(|(at, offset)| self.order(Order::Read(at, offset)))
    }

    /// Reads these partitions no longer, until they are assigned again.
    pub(crate) fn pause(&self, partitions: Vec<TopicPartition>) -> Result<(), Error> {
        partitions.into_iter().try_for_each(|at| self.order(Order::Pause(at)))
    }

    fn order(&self, order: Order) -> Result<(), Error> {
        self.orders.send(order).map_err(|_| Error::ThreadLost("mareva-consumer"))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.mailbox.close(true);
        for thread in self.threads.drain(..) {
            // A panic in a thread has been reported on standard error; there is nothing to add.
            let _ = thread.join();
        }
        self.mailbox.clear_records();
    }
}

/// The partitions that are read.
type Assigned = Arc<Mutex<BTreeSet<TopicPartition>>>;

/// Partitions that are there and not read, with their bounds.
fn new_partitions(
    client: &BaseConsumer<QueueContext>,
    inputs: &BTreeSet<String>,
    assigned: &Assigned,
) -> Result<Vec<Bounds>, Error> {
    let patience = Duration::from_secs(5);
    let found = startup::partitions(client, inputs, patience)?;
    let assigned = assigned.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if assigned.is_empty() {
        return Ok(Vec::new());
    }
    found.difference(&assigned).map(|at| startup::bounds(client, at, patience)).collect()
}

/// A copy of a payload.
fn kept(buffer: &mut BytesMut, payload: &[u8]) -> Bytes {
    if buffer.capacity() < payload.len() {
        *buffer = BytesMut::with_capacity(BUFFER.max(payload.len()));
    }
    buffer.extend_from_slice(payload);
    buffer.split().freeze()
}

struct Reader {
    queue: BatchQueue,
    buffer: BytesMut,
    linger: Duration,
    mailbox: Arc<Mailbox>,
    ends: Ends,
    assigned: Assigned,
}

impl Reader {
    fn run(mut self, orders: &mpsc::Receiver<Order>, stop: &AtomicBool) {
        let (mut served, mut measured) = (Instant::now(), Instant::now());
        while !stop.load(Ordering::Relaxed) {
            for order in orders.try_iter() {
                if let Err(error) = self.obey(order) {
                    return self.mailbox.reply(Letter::Failed(error));
                }
            }
            let letters = self.fetch();
            if !letters.is_empty() && !self.mailbox.deliver(letters) {
                return;
            }
            if served.elapsed() > Duration::from_millis(100) {
                self.queue.serve();
                served = Instant::now();
            }
            if measured.elapsed() > Duration::from_secs(1) {
                self.measure();
                measured = Instant::now();
            }
        }
    }

    fn obey(&mut self, order: Order) -> Result<(), Error> {
        match order {
            Order::Read(at, offset) => {
                self.queue.start(&at, offset)?;
                self.assigned.lock().unwrap_or_else(PoisonError::into_inner).insert(at);
            }
            // It stays one of ours: no new partition.
            Order::Pause(at) => self.queue.stop(&at)?,
        }
        Ok(())
    }

    fn fetch(&mut self) -> Vec<Letter> {
        let mut letters: Vec<Letter> = Vec::new();
        let mut failed: Vec<(TopicPartition, RDKafkaErrorCode)> = Vec::new();
        let mut block: Option<Block> = None;
        let buffer = &mut self.buffer;
        self.queue.next_batch(self.linger, |fetched| match fetched {
            Fetched::Record { topic, partition, offset, time, payload, .. } => {
                let record = InputRecord {
                    topic: topic.clone(),
                    partition,
                    offset,
                    append_time: time,
                    payload: kept(buffer, payload),
                };
                match &mut block {
                    Some(block) if block.source.partition == partition && Arc::ptr_eq(&block.source.topic, topic) => {
                        block.records.push(record);
                    }
                    _ => {
                        let source = TopicPartition { topic: topic.clone(), partition };
                        if let Some(full) = block.replace(Block { source, records: vec![record] }) {
                            letters.push(Letter::Input(Input::Records(full)));
                        }
                    }
                }
            }
            Fetched::End { at, offset } => {
                letters.extend(block.take().map(|block| Letter::Input(Input::Records(block))));
                letters.push(Letter::Input(Input::End(at, offset)));
            }
            Fetched::Failed { at, code } => failed.push((at, code)),
        });
        letters.extend(block.map(|block| Letter::Input(Input::Records(block))));
        letters.extend(failed.into_iter().map(|(at, code)| self.failure(at, code)));
        letters
    }

    fn failure(&self, at: TopicPartition, code: RDKafkaErrorCode) -> Letter {
        match code {
            RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset => {
                match startup::bounds(self.queue.client(), &at, Duration::from_secs(10)) {
                    Ok(bounds) => Letter::Input(Input::Gone(at, bounds.low)),
                    Err(error) => Letter::Input(Input::Trouble(at, error.to_string())),
                }
            }
            code if is_denied(code) => {
                Letter::Failed(Error::NotAllowed { what: format!("topic {}", at.topic), reason: code.to_string() })
            }
            code => {
                tracing::warn!(partition = %at, %code, "cannot read a partition, trying on");
                Letter::Input(Input::Trouble(at, code.to_string()))
            }
        }
    }

    fn measure(&mut self) {
        let known = |at: &TopicPartition| Some((at.clone(), self.queue.known_end(at)?));
        let ends = self.assigned.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(known).collect();
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
        if let Some(reason) = self.queue.client().context().denied() {
            let what = "the brokers".to_owned();
            self.mailbox.reply(Letter::Failed(Error::NotAllowed { what, reason }));
        }
    }
}
