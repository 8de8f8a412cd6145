//! The transactional producer, on its own thread.
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use rdkafka::{
    ClientConfig, ClientContext, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata},
    error::KafkaError,
    message::Message as _,
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
    types::RDKafkaErrorCode,
};

use crate::{
    config::{Connection, RunConfig, Side, property},
    error::{Error, is_denied, is_permanent},
    failpoint::Failpoint,
    judge::{Message, Sink},
    machine::{Doubt, Input, Step, Transaction},
    mailbox::{Letter, Mailbox},
    record::TopicPartition,
    run::Clock,
    tail::Tail,
};

/// Our values of producer properties; the user's overrule them.
const OWN: [(&str, &str); 5] = [
    ("linger.ms", "0"),
    ("transaction.timeout.ms", "10000"),
    ("compression.type", "zstd"),
    ("client.id", "mareva"),
    ("log.connection.close", "false"),
];

/// Those that delivery rests on: nobody overrules them. Offsets of what was delivered come with the reports of success.
pub(crate) const FIXED: [(&str, &str); 2] = [("enable.idempotence", "true"), ("delivery.report.only.error", "false")];

/// How the producer is set.
pub(crate) fn client(connection: &Connection, transactional_id: &str) -> Result<ClientConfig, Error> {
    let mut client = connection.client(Side::Producer, &OWN, &FIXED)?;
    client.set("transactional.id", transactional_id);
    client.remove("group.id");
    Ok(client)
}

/// Time after which the broker ends a transaction of ours.
pub(crate) fn transaction_timeout(connection: &Connection) -> Result<Duration, Error> {
    let client = connection.client(Side::Producer, &OWN, &[])?;
    let millis = client.get("transaction.timeout.ms").and_then(|millis| millis.parse().ok());
    // What is no number librdkafka refuses later, with the reason.
    Ok(Duration::from_millis(millis.unwrap_or_default()))
}

/// What the loop asks for.
pub(crate) enum Request {
    Fence,
    Inspect,
    Transact(Arc<Transaction>),
}

/// The producer thread.
pub(crate) struct Publisher {
    requests: Option<mpsc::Sender<Request>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    pub(crate) fn start(
        config: &RunConfig,
        writer: String,
        mailbox: &Arc<Mailbox>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let name = "mareva-publisher";
        let (requests, received) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            config: config.clone(),
            writer,
            clock,
            producer: None,
            group: None,
            deliveries: Arc::default(),
            first_number: None,
            sequence_end: 0,
            stop: stop.clone(),
        };
        let mailbox = mailbox.clone();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || worker.run(&received, &mailbox))
            .map_err(|error| Error::Thread { name, error })?;
        Ok(Self { requests: Some(requests), stop, thread: Some(thread) })
    }

    pub(crate) fn ask(&self, request: Request) -> Result<(), Error> {
        let lost = || Error::ThreadLost("mareva-publisher");
        self.requests.as_ref().ok_or_else(lost)?.send(request).map_err(|_| lost())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.requests = None;
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported on standard error; there is nothing to add.
            let _ = thread.join();
        }
    }
}

/// What delivery reports say.
#[derive(Debug, Default)]
struct Deliveries {
    failed: Mutex<Option<(String, usize, KafkaError)>>,
    alert_ends: Mutex<BTreeMap<i32, i64>>,
    /// First and last offset in the sequence topic of the transaction under way.
    sequence: Mutex<Option<(i64, i64)>>,
}

struct DeliveryContext {
    alerts: String,
    sequence: String,
    deliveries: Arc<Deliveries>,
}

impl ClientContext for DeliveryContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        crate::stats::log_line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        crate::stats::client_error("producer", &error, reason);
    }
}

impl ProducerContext for DeliveryContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(message) => {
                if message.topic() == self.alerts {
                    let mut ends = self.deliveries.alert_ends.lock().unwrap_or_else(PoisonError::into_inner);
                    let end = ends.entry(message.partition()).or_default();
                    *end = (*end).max(message.offset() + 1);
                } else if message.topic() == self.sequence {
                    let offset = message.offset();
                    let mut sequence = self.deliveries.sequence.lock().unwrap_or_else(PoisonError::into_inner);
                    *sequence =
                        Some(sequence.map_or((offset, offset), |(first, last)| (first.min(offset), last.max(offset))));
                }
            }
            Err((error, message)) => {
                let mut failed = self.deliveries.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert((message.topic().to_owned(), message.payload_len(), error.clone()));
            }
        }
    }
}

/// How a step failed.
enum Failure {
    /// It may have worked.
    Doubt(Doubt),
    /// It never will.
    Final(Error),
}

struct Worker {
    config: RunConfig,
    writer: String,
    clock: Clock,
    producer: Option<BaseProducer<DeliveryContext>>,
    group: Option<ConsumerGroupMetadata>,
    deliveries: Arc<Deliveries>,
    /// Number of the first transaction of this run: a record of another run that has it, or a later one, is a rival's.
    first_number: Option<u64>,
    /// Where the sequence topic ended when all in it was known to be ours, or from before us.
    sequence_end: i64,
    stop: Arc<AtomicBool>,
}

impl Worker {
    fn run(mut self, requests: &mpsc::Receiver<Request>, mailbox: &Mailbox) {
        loop {
            let request = match requests.recv_timeout(Duration::from_millis(100)) {
                Ok(request) => request,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if let Some(producer) = &self.producer {
                        producer.poll(Duration::ZERO);
                    }
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            let began = Instant::now();
            let letter = match request {
                Request::Fence => self.fence().map_or_else(Letter::Failed, |ends| Letter::Input(Input::Fenced(ends))),
                Request::Inspect => {
                    let found = self.retried("cannot read the output topics", |worker| worker.tail()?.inspect());
                    found.map_or_else(Letter::Failed, |found| Letter::Input(Input::Inspected(found)))
                }
                Request::Transact(transaction) => match self.transact(&transaction) {
                    Ok(ends) => {
                        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                        Letter::Committed { input: Input::Committed(ends), at: self.clock.now(), took }
                    }
                    Err(Failure::Doubt(doubt)) => Letter::Input(Input::Doubt(doubt)),
                    Err(Failure::Final(error)) => Letter::Failed(error),
                },
            };
            mailbox.reply(letter);
        }
    }

    /// Tries again until patience is over; errors that no retry mends end it at once.
    fn retried<T>(
        &mut self,
        doing: &'static str,
        mut attempt: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let since = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            match attempt(self) {
                Ok(done) => return Ok(done),
                Err(error) if !error.is_retryable() || self.stop.load(Ordering::Relaxed) => return Err(error),
                Err(error) if since.elapsed() > self.config.limits.patience => {
                    let seconds = since.elapsed().as_secs();
                    return Err(Error::CannotCommit { seconds, reason: format!("{doing}: {error}") });
                }
                Err(error) => tracing::warn!(%error, "{doing}, trying again"),
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    fn tail(&self) -> Result<Tail, Error> {
        Tail::open(&self.config.connection, &self.config.topics, Duration::from_secs(10))
    }

    fn fence(&mut self) -> Result<BTreeMap<i32, i64>, Error> {
        // Its transaction, if one is open, is aborted by the initialisation of the next.
        self.producer = None;
        self.retried("cannot initialise the producer", Self::new_producer)?;
        let (ends, sequence_end) = self.retried("cannot read the ends of the output topics", |worker| {
            let mut tail = worker.tail()?;
            Ok((tail.alert_ends()?, tail.sequence_end()?))
        })?;
        self.sequence_end = sequence_end;
        *self.deliveries.alert_ends.lock().unwrap_or_else(PoisonError::into_inner) = ends.clone();
        Ok(ends)
    }

    fn new_producer(&mut self) -> Result<(), Error> {
        if self.group.is_none() {
            self.group = Some(self.group_metadata()?);
        }
        let client = client(&self.config.connection, &self.config.transactional_id)?;
        self.deliveries = Arc::default();
        let context = DeliveryContext {
            alerts: self.config.topics.alerts.clone(),
            sequence: self.config.topics.sequence.clone(),
            deliveries: self.deliveries.clone(),
        };
        let producer: BaseProducer<DeliveryContext> = client.create_with_context(context).map_err(property)?;
        let answer = producer.init_transactions(Duration::from_secs(10));
        producer.poll(Duration::ZERO);
        match answer {
            Ok(()) => {
                self.producer = Some(producer);
                Ok(())
            }
            Err(error) if error.rdkafka_error_code().is_some_and(is_denied) => Err(Error::NotAllowed {
                what: format!("transactional id {}", self.config.transactional_id),
                reason: error.to_string(),
            }),
            Err(error) => Err(Error::Client { doing: "cannot initialise transactions", error }),
        }
    }

    /// The name of the group, in the form that a transaction wants it. No consumer ever joins it.
    fn group_metadata(&self) -> Result<ConsumerGroupMetadata, Error> {
        let fixed = [("group.id", self.config.group_id.as_str()), ("enable.auto.commit", "false")];
        let client = self.config.connection.client(Side::Consumer, &[("client.id", "mareva")], &fixed)?;
        let consumer: BaseConsumer = client.create().map_err(property)?;
        consumer.group_metadata().ok_or(Error::Client {
            doing: "cannot name the consumer group",
            error: KafkaError::ClientCreation("no group metadata".to_owned()),
        })
    }

    fn transact(&mut self, transaction: &Transaction) -> Result<BTreeMap<i32, i64>, Failure> {
        let (began, began_wall) = (Instant::now(), SystemTime::now());
        self.first_number.get_or_insert(transaction.record.number);
        let answer = self.carry_out(transaction);
        if let (Ok(_), Some((_, last))) = (&answer, self.placed()) {
            self.sequence_end = last + 1;
        }
        answer.map_err(|failure| match failure {
            Failure::Doubt(mut doubt) => {
                // The steady clock stands still while the machine sleeps.
                doubt.open_for = began.elapsed().max(began_wall.elapsed().unwrap_or_default());
                // A fenced producer refuses every further call with another error.
                let fatal = self.producer.as_ref().and_then(|producer| producer.client().fatal_error());
                doubt.fenced |= fatal.is_some_and(|(code, _)| is_fence(code));
                Failure::Doubt(doubt)
            }
            last => last,
        })
    }

    fn carry_out(&self, transaction: &Transaction) -> Result<BTreeMap<i32, i64>, Failure> {
        let lost = || unsure("there is no producer".to_owned());
        let producer = self.producer.as_ref().ok_or_else(lost)?;
        let group = self.group.as_ref().ok_or_else(lost)?;
        let points = &self.config.failpoints;
        let patience = Duration::from_secs(10);
        let began = Instant::now();
        let mut passed = [Duration::ZERO; 2];
        for step in transaction.steps() {
            match step {
                Step::Begin => {
                    *self.deliveries.sequence.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    producer.begin_transaction().map_err(doubt)?;
                }
                Step::Produce(message) => self.produce(producer, message)?,
                Step::Drain => {
                    self.drain(producer, patience)?;
                    self.check_alone(producer, patience)?;
                }
                Step::SendOffsets(offsets) => {
                    passed[0] = began.elapsed();
                    points.pass(Failpoint::BeforeOffsets);
                    producer.send_offsets_to_transaction(&offset_list(offsets)?, group, patience).map_err(doubt)?;
                    points.pass(Failpoint::AfterOffsets);
                }
                Step::Commit => {
                    passed[1] = began.elapsed();
                    self.drain(producer, patience)?;
                    points.pass(Failpoint::BeforeCommit);
                    producer.commit_transaction(patience).map_err(doubt)?;
                    points.pass(Failpoint::AfterCommit);
                }
            }
        }
        let [records, offsets] = passed;
        tracing::debug!(?records, ?offsets, committed = ?began.elapsed(), "transaction");
        Ok(self.deliveries.alert_ends.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// First and last offset of the sequence records of the transaction under way.
    fn placed(&self) -> Option<(i64, i64)> {
        *self.deliveries.sequence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether we are alone in the sequence topic. The broker fences by transactional id: an instance with another one is
    /// seen only by the offsets that it takes between two transactions of ours, each of which takes one for every record and
    /// one for its marker. Where more are gone the log says whose they are, before anything of this transaction is seen.
    fn check_alone(&self, producer: &BaseProducer<DeliveryContext>, patience: Duration) -> Result<(), Failure> {
        let (Some((first, _)), Some(number)) = (self.placed(), self.first_number) else { return Ok(()) };
        if first <= self.sequence_end + 1 {
            return Ok(());
        }
        let found =
            self.tail().and_then(|mut tail| Ok((tail.sequence_end()?, tail.second_writer(number, &self.writer)?)));
        match found {
            // The end of what is decided: where it lies before our record, whoever wrote there may still commit.
            Ok((end, None)) if end < first => Err(unsure("another producer writes to the sequence topic".to_owned())),
            Ok((_, None)) => Ok(()),
            Ok((_, Some(record))) => {
                // Left open it would keep readers waiting until the broker ends it; that it does so if this fails is enough.
                let _ = producer.abort_transaction(patience);
                let (writer, transactional_id) = (record.writer, record.transactional_id);
                Err(Failure::Final(Error::SecondWriter { writer, transactional_id }))
            }
            Err(error) if error.is_retryable() => Err(unsure(format!("cannot read the sequence topic: {error}"))),
            Err(error) => Err(Failure::Final(error)),
        }
    }

    fn topic(&self, sink: Sink) -> &str {
        let topics = &self.config.topics;
        match sink {
            Sink::Alerts => &topics.alerts,
            Sink::DeadLetters => &topics.dead_letters,
            Sink::Late => &topics.late,
            Sink::Sequence => &topics.sequence,
        }
    }

    fn produce(&self, producer: &BaseProducer<DeliveryContext>, message: &Message) -> Result<(), Failure> {
        let topic = self.topic(message.sink);
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).payload(&message.payload);
        if let Some(key) = &message.key {
            record = record.key(key);
        }
        if message.sink == Sink::Sequence {
            record = record.partition(self.config.topics.sequence_partition);
        }
        let since = Instant::now();
        loop {
            match producer.send(record) {
                Ok(()) => return Ok(()),
                Err((error, again)) => {
                    match error.rdkafka_error_code() {
                        Some(RDKafkaErrorCode::QueueFull) if since.elapsed() < Duration::from_secs(10) => {
                            producer.poll(Duration::from_millis(1));
                        }
                        Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
                            let bytes = message.payload.len();
                            return Err(Failure::Final(Error::TooLarge { topic: topic.to_owned(), bytes }));
                        }
                        _ => return Err(doubt(error)),
                    }
                    record = again;
                }
            }
        }
    }

    /// Waits until every record is acknowledged. Without it the calls that follow sit out 100 ms each in a poll.
    fn drain(&self, producer: &BaseProducer<DeliveryContext>, patience: Duration) -> Result<(), Failure> {
        let since = Instant::now();
        while producer.in_flight_count() > 0 {
            if since.elapsed() > patience {
                return Err(unsure("records were not acknowledged".to_owned()));
            }
            // A poll that waits would spin through its last millisecond, and the broker may need this core.
            thread::sleep(Duration::from_micros(200));
            producer.poll(Duration::ZERO);
        }
        match self.deliveries.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            None => Ok(()),
            Some((topic, bytes, error)) => match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::MessageSizeTooLarge) => Err(Failure::Final(Error::TooLarge { topic, bytes })),
                Some(code) if is_denied(code) => {
                    let what = format!("topic {topic}");
                    Err(Failure::Final(Error::NotAllowed { what, reason: code.to_string() }))
                }
                _ => Err(doubt(error)),
            },
        }
    }
}

fn offset_list(offsets: &[(TopicPartition, i64)]) -> Result<TopicPartitionList, Failure> {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (at, offset) in offsets {
        list.add_partition_offset(&at.topic, at.partition, Offset::Offset(*offset)).map_err(doubt)?;
    }
    Ok(list)
}

fn doubt(error: KafkaError) -> Failure {
    if is_permanent(&error) {
        return Failure::Final(Error::Client { doing: "cannot publish", error });
    }
    let fenced = error.rdkafka_error_code().is_some_and(is_fence);
    Failure::Doubt(Doubt { fenced, open_for: Duration::ZERO, reason: error.to_string() })
}

fn unsure(reason: String) -> Failure {
    Failure::Doubt(Doubt { fenced: false, open_for: Duration::ZERO, reason })
}

/// Whether the broker does not take us for the producer with our transactional id. librdkafka reports one code for what
/// brokers tell apart in no useful way: both come after a takeover and after a transaction that took too long.
fn is_fence(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::InvalidProducerEpoch)
}
