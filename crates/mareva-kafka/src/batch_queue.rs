//! The batch queue of librdkafka: thousands of records a call, at a third of the processor time of `poll`. One of the two
//! files of the project that may hold unsafe code.
#![allow(unsafe_code)]

use std::{
    collections::BTreeSet,
    ffi::{CStr, CString},
    ptr::NonNull,
    slice,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use rdkafka_sys as rdsys;

use crate::{
    config::property,
    error::{Error, is_denied},
    record::TopicPartition,
};

/// Keeps what the client reports, and hands its log lines on.
#[derive(Debug, Default)]
pub struct QueueContext {
    last_error: Mutex<Option<String>>,
    denied: Mutex<Option<String>>,
}

impl QueueContext {
    /// The last error the client reported by itself, such as a refused connection.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The refusal of our credentials, once there was one.
    pub fn denied(&self) -> Option<String> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for QueueContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        crate::stats::log_line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let sums_up = crate::stats::client_error("consumer", &error, reason);
        if error.rdkafka_error_code().is_some_and(is_denied) {
            *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none() || !sums_up {
            *last = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for QueueContext {}

/// One thing that a partition gave.
#[derive(Debug)]
pub enum Fetched<'a> {
    /// A record.
    Record {
        /// Topic.
        topic: &'a Arc<str>,
        /// Partition.
        partition: i32,
        /// Offset.
        offset: i64,
        /// Time at the broker, UTC milliseconds; -1 when it has none.
        time: i64,
        /// Key.
        key: Option<&'a [u8]>,
        /// Value; empty for a tombstone.
        payload: &'a [u8],
    },
    /// Everything committed was read: the next offset.
    End {
        /// The partition.
        at: TopicPartition,
        /// Next offset.
        offset: i64,
    },
    /// An error of the partition.
    Failed {
        /// The partition.
        at: TopicPartition,
        /// The error.
        code: RDKafkaErrorCode,
    },
}

/// A consumer without a group that reads given partitions from given offsets into one queue.
pub struct BatchQueue {
    queue: NonNull<rdsys::rd_kafka_queue_t>,
    topics: Vec<(NonNull<rdsys::rd_kafka_topic_t>, Arc<str>)>,
    started: BTreeSet<(usize, i32)>,
    buffer: Vec<*mut rdsys::rd_kafka_message_t>,
    client: Arc<BaseConsumer<QueueContext>>,
}

// SAFETY: the pointers are owned by this value and used only through `&mut self` (or for calls that librdkafka allows from
// any thread); librdkafka's handles are not bound to the thread that made them.
unsafe impl Send for BatchQueue {}

impl BatchQueue {
    /// A queue that gives up to `batch` records a call. The configuration must not name a group.
    ///
    /// # Errors
    /// A refused property, or a client that cannot be created.
    pub fn open(config: &ClientConfig, batch: usize) -> Result<Self, Error> {
        let client: BaseConsumer<QueueContext> =
            config.create_with_context(QueueContext::default()).map_err(property)?;
        let client = Arc::new(client);
        // SAFETY: the client is alive; the queue is destroyed in `drop`, before the client.
        let queue = unsafe { rdsys::rd_kafka_queue_new(client.client().native_ptr()) };
        let queue = NonNull::new(queue).ok_or(Error::Client {
            doing: "cannot create a queue",
            error: KafkaError::ClientCreation("no queue".to_owned()),
        })?;
        Ok(Self { queue, topics: Vec::new(), started: BTreeSet::new(), buffer: Vec::with_capacity(batch), client })
    }

    /// The client behind it, for metadata.
    pub fn client(&self) -> &Arc<BaseConsumer<QueueContext>> {
        &self.client
    }

    /// Reads `at` from `offset` on. Started again, it goes on from there, and what was fetched before is dropped.
    ///
    /// # Errors
    /// What librdkafka reports.
    pub fn start(&mut self, at: &TopicPartition, offset: i64) -> Result<(), Error> {
        self.stop(at)?;
        let index = self.topic_index(&at.topic)?;
        let topic = self.topics[index].0.as_ptr();
        // SAFETY: topic and queue are alive and belong to the same client.
        let failed =
            unsafe { rdsys::rd_kafka_consume_start_queue(topic, at.partition, offset, self.queue.as_ptr()) } != 0;
        if failed {
            // SAFETY: reads the calling thread's last error.
            let code = RDKafkaErrorCode::from(unsafe { rdsys::rd_kafka_last_error() });
            return Err(Error::Client { doing: "cannot read a partition", error: KafkaError::Global(code) });
        }
        self.started.insert((index, at.partition));
        Ok(())
    }

    /// Reads `at` no longer; what was fetched of it and not handed over is dropped.
    ///
    /// # Errors
    /// A topic name that librdkafka does not take.
    pub fn stop(&mut self, at: &TopicPartition) -> Result<(), Error> {
        let index = self.topic_index(&at.topic)?;
        if self.started.remove(&(index, at.partition)) {
            // SAFETY: the topic handle is alive and the partition was started.
            unsafe { rdsys::rd_kafka_consume_stop(self.topics[index].0.as_ptr(), at.partition) };
        }
        Ok(())
    }

    /// Waits until the batch is full or `linger` is over and hands each fetched thing to `take`, in order per partition.
    /// Gives how many there were.
    pub fn next_batch(&mut self, linger: Duration, mut take: impl FnMut(Fetched<'_>)) -> usize {
        let linger = i32::try_from(linger.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the buffer has room for `capacity` pointers; librdkafka writes at most that many and returns how many.
        let count = unsafe {
            rdsys::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                linger,
                self.buffer.as_mut_ptr(),
                self.buffer.capacity(),
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        // SAFETY: the first `count` pointers were written by the call above.
        unsafe { self.buffer.set_len(count) };
        let messages = std::mem::take(&mut self.buffer);
        for &message in &messages {
            // SAFETY: librdkafka gave us this message; nobody else holds it, and it lives until it is destroyed below.
            let raw = unsafe { &*message };
            self.hand_over(raw, &mut take);
            // SAFETY: as above; `raw` and what was borrowed from it are not used any more.
            unsafe { rdsys::rd_kafka_message_destroy(message) };
        }
        self.buffer = messages;
        self.buffer.clear();
        count
    }

    /// End of a partition as the last fetch reported it, without asking the broker.
    pub fn known_end(&self, at: &TopicPartition) -> Option<i64> {
        let name = CString::new(&*at.topic).ok()?;
        let (mut low, mut high) = (-1i64, -1i64);
        // SAFETY: the client is alive, the name ends with a zero byte, the results are written to our two variables.
        let code = unsafe {
            rdsys::rd_kafka_get_watermark_offsets(
                self.client.client().native_ptr(),
                name.as_ptr(),
                at.partition,
                &mut low,
                &mut high,
            )
        };
        (code == rdsys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
    }

    /// Serves log lines, errors and token requests of the client. To be called now and then.
    pub fn serve(&self) {
        // A served log line and an empty queue look the same from here: ask a fixed number of times.
        for _ in 0..32 {
            self.client.poll(Duration::ZERO);
        }
    }

    fn topic_index(&mut self, topic: &Arc<str>) -> Result<usize, Error> {
        if let Some(index) = self.topics.iter().position(|(_, name)| name == topic) {
            return Ok(index);
        }
        let name = CString::new(&**topic)
            .map_err(|error| Error::Client { doing: "cannot use a topic name", error: KafkaError::Nul(error) })?;
        // SAFETY: the client is alive and the name ends with a zero byte; without a configuration the client's is used.
        let handle = unsafe {
            rdsys::rd_kafka_topic_new(self.client.client().native_ptr(), name.as_ptr(), std::ptr::null_mut())
        };
        let handle = NonNull::new(handle).ok_or(Error::Client {
            doing: "cannot open a topic",
            error: KafkaError::ClientCreation(topic.to_string()),
        })?;
        self.topics.push((handle, topic.clone()));
        Ok(self.topics.len() - 1)
    }

    fn hand_over(&self, raw: &rdsys::rd_kafka_message_t, take: &mut impl FnMut(Fetched<'_>)) {
        let Some(topic) = self.topic_of(raw.rkt) else { return };
        let (partition, offset) = (raw.partition, raw.offset);
        match raw.err {
            rdsys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {
                // SAFETY: `raw` is a live message; the kind of time is not asked for.
                let time = unsafe { rdsys::rd_kafka_message_timestamp(raw, std::ptr::null_mut()) };
                // SAFETY: payload and key point to as many bytes as the lengths say, for as long as the message lives.
                let (payload, key) = unsafe { (bytes(raw.payload, raw.len), bytes(raw.key, raw.key_len)) };
                let payload = payload.unwrap_or_default();
                take(Fetched::Record { topic, partition, offset, time, key, payload });
            }
            rdsys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
                take(Fetched::End { at: TopicPartition { topic: topic.clone(), partition }, offset });
            }
            code => {
                let at = TopicPartition { topic: topic.clone(), partition };
                take(Fetched::Failed { at, code: code.into() });
            }
        }
    }

    fn topic_of(&self, handle: *mut rdsys::rd_kafka_topic_t) -> Option<&Arc<str>> {
        if let Some((_, name)) = self.topics.iter().find(|(known, _)| known.as_ptr() == handle) {
            return Some(name);
        }
        if handle.is_null() {
            return None;
        }
        // SAFETY: the handle of a live message is alive, and its name is a C string that lives as long.
        let name = unsafe { CStr::from_ptr(rdsys::rd_kafka_topic_name(handle)) };
        let name = name.to_str().ok()?;
        self.topics.iter().find(|(_, known)| &**known == name).map(|(_, known)| known)
    }
}

/// # Safety
/// `start` is null or points to `length` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *mut std::ffi::c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: what the caller promises.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast::<u8>(), length) })
}

impl Drop for BatchQueue {
    fn drop(&mut self) {
        for (index, partition) in &self.started {
            // SAFETY: the topic handle is alive and the partition was started.
            unsafe { rdsys::rd_kafka_consume_stop(self.topics[*index].0.as_ptr(), *partition) };
        }
        // SAFETY: nothing reads the queue or uses the topic handles any more; the client, which must outlive both, is
        // dropped after this.
        unsafe {
            rdsys::rd_kafka_queue_destroy(self.queue.as_ptr());
            for (topic, _) in &self.topics {
                rdsys::rd_kafka_topic_destroy(topic.as_ptr());
            }
        }
    }
}
