//! The smallest judge: it counts records per account and raises an alert at every twentieth. What it publishes depends on
//! the order of each account's records and on nothing else, so that every run over the same topic gives the same alerts.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use mareva_kafka::{
    Connection, Decode, FollowFrom, Follower, Judge, JudgeError, Message, RunConfig, SequenceRecord, Sink, Topics,
    Verdict, WriteState,
};
use mareva_model::Digest;
use mareva_pipeline::InputSlice;
use rdkafka::{
    ClientConfig,
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use serde::{Deserialize, Serialize};

/// Records of an account between two alerts.
const EVERY: u64 = 20;

/// See the module.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Counting {
    seq: u64,
    counts: BTreeMap<String, u64>,
}

impl Counting {
    /// Its epoch: it has no rules that could change.
    pub fn epoch_digest() -> Digest {
        mareva_model::digest(b"counting")
    }

    /// Empty, or from a snapshot.
    ///
    /// # Errors
    /// The snapshot is not one of its own.
    pub fn open(snapshot: Option<&mut (dyn Read + Send)>) -> Result<Self, JudgeError> {
        match snapshot {
            None => Ok(Self::default()),
            Some(state) => Ok(serde_json::from_reader(state)?),
        }
    }
}

impl Judge for Counting {
    type Output = Verdict;
    type Decoded = ();

    fn epoch(&self) -> Digest {
        Self::epoch_digest()
    }

    fn decoder(&self) -> Decode<()> {
        Box::new(|_| Ok(()))
    }

    fn process(&mut self, slice: &InputSlice, (): ()) -> Result<Verdict, JudgeError> {
        if slice.seq != self.seq + 1 {
            return Err(format!("slice {} follows slice {}", slice.seq, self.seq).into());
        }
        self.seq = slice.seq;
        let mut verdict = Verdict::default();
        for record in &slice.records {
            verdict.counts.records += 1;
            verdict.counts.produced += 1;
            let Some(account) =
                std::str::from_utf8(&record.payload).ok().and_then(|text| text.strip_prefix("account "))
            else {
                verdict.counts.dead_lettered += 1;
                let payload = format!("{}/{}/{}", record.topic, record.partition, record.offset).into_bytes();
                verdict.messages.push(Message { sink: Sink::DeadLetters, key: None, payload, append_time: None });
                continue;
            };
            verdict.counts.accepted += 1;
            let count = self.counts.entry(account.to_owned()).or_default();
            *count += 1;
            if (*count).is_multiple_of(EVERY) {
                verdict.messages.push(Message {
                    sink: Sink::Alerts,
                    key: Some(account.as_bytes().to_vec()),
                    payload: format!("{account}/{} at {}", *count / EVERY, record.offset).into_bytes(),
                    append_time: Some(record.append_time),
                });
            }
        }
        Ok(verdict)
    }

    fn skip_to(&mut self, seq: u64) -> Result<(), JudgeError> {
        self.seq = seq;
        Ok(())
    }

    fn verdict(&self, _: &InputSlice, output: &Verdict) -> Verdict {
        output.clone()
    }

    fn snapshot(&self) -> Result<WriteState, JudgeError> {
        let bytes = serde_json::to_vec(self)?;
        Ok(Box::new(move |out| Ok(out.write_all(&bytes)?)))
    }
}

/// Topics of one scenario on a shared broker.
pub fn topics(prefix: &str) -> Topics {
    Topics {
        inputs: [format!("{prefix}.bank"), format!("{prefix}.exchange")].into(),
        alerts: format!("{prefix}.alerts"),
        dead_letters: format!("{prefix}.deadletters"),
        late: format!("{prefix}.late"),
        sequence: format!("{prefix}.sequence"),
        sequence_partition: 0,
    }
}

/// A run of the counting judge over `topics`.
pub fn config(connection: &Connection, topics: &Topics) -> RunConfig {
    let mut config = RunConfig::new(connection.clone(), Counting::epoch_digest());
    config.transactional_id = format!("{}-0", topics.sequence);
    config.topics = topics.clone();
    config
}

/// A producer with the settings of a connection (security included), without transactions.
///
/// # Panics
/// When it cannot be created.
pub fn producer(connection: &Connection) -> ThreadedProducer<DefaultProducerContext> {
    let mut config = ClientConfig::new();
    for (key, value) in &connection.properties {
        match key.strip_suffix(".file") {
            Some(key) => config.set(key, std::fs::read_to_string(value).expect("a secret").trim_end()),
            None => config.set(key, value),
        };
    }
    config.set("linger.ms", "5").set("queue.buffering.max.messages", "1000000");
    config.create().expect("a producer")
}

/// A made-up input: record `n` is of a certain account, one in `malformed` is unreadable (0 for none).
#[derive(Debug, Clone, Copy)]
pub struct Filling {
    /// Accounts.
    pub accounts: u64,
    /// One in so many is unreadable.
    pub malformed: u64,
}

impl Filling {
    fn record(self, number: u64) -> (u64, bool) {
        let account = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % self.accounts;
        (account, self.malformed > 0 && number % self.malformed == self.malformed - 1)
    }

    /// Writes the records with these numbers, at most `rate` a second (0 for no limit).
    ///
    /// # Panics
    /// When the broker does not take them.
    pub fn write(self, connection: &Connection, topics: &Topics, numbers: Range<u64>, rate: u64) {
        let producer = producer(connection);
        let inputs: Vec<_> = topics.inputs.iter().collect();
        let (since, first) = (Instant::now(), numbers.start);
        for number in numbers {
            if rate > 0 && (number - first) % 64 == 0 {
                let due = Duration::from_micros((number - first) * 1_000_000 / rate);
                std::thread::sleep(due.saturating_sub(since.elapsed()));
            }
            let (account, malformed) = self.record(number);
            let text = if malformed { format!("nonsense {number}") } else { format!("account {account}") };
            let key = account.to_string();
            let mut record = BaseRecord::to(inputs[usize::from(account % 2 == 1)]).key(&key).payload(&text);
            while let Err((_, again)) = producer.send(record) {
                std::thread::sleep(Duration::from_millis(1));
                record = again;
            }
        }
        producer.flush(Duration::from_secs(60)).expect("the broker takes them");
    }

    /// What the output topics must hold after these records: alerts as `account/revision`, and how many dead letters.
    pub fn expected(self, numbers: Range<u64>) -> (BTreeSet<String>, u64) {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        let mut dead_letters = 0;
        for number in numbers {
            match self.record(number) {
                (_, true) => dead_letters += 1,
                (account, false) => *counts.entry(account).or_default() += 1,
            }
        }
        let of_account =
            |(account, count): (u64, u64)| (1..=count / EVERY).map(move |revision| format!("{account}/{revision}"));
        (counts.into_iter().flat_map(of_account).collect(), dead_letters)
    }
}

/// What a run left in the output topics, as a `read_committed` reader sees it.
#[derive(Debug)]
pub struct Outcome {
    /// Alerts as `account/revision`, in order of reading.
    pub alerts: Vec<String>,
    /// Dead letters.
    pub dead_letters: Vec<String>,
    /// Sequence records.
    pub sequence: Vec<SequenceRecord>,
}

impl Outcome {
    /// Reads the topics to their ends.
    ///
    /// # Panics
    /// When they cannot be read.
    pub fn read(connection: &Connection, topics: &Topics) -> Self {
        let all = |topic: &str| {
            let mut follower = Follower::open(connection, &[topic], &FollowFrom::Beginning).expect("a follower");
            follower.read_to_end(Duration::from_secs(30)).expect("the topic can be read")
        };
        let text = |payload: Vec<u8>| String::from_utf8(payload).expect("text");
        let id = |alert: String| alert.split(' ').next().unwrap_or_default().to_owned();
        Self {
            alerts: all(&topics.alerts).into_iter().map(|record| id(text(record.payload))).collect(),
            dead_letters: all(&topics.dead_letters).into_iter().map(|record| text(record.payload)).collect(),
            sequence: all(&topics.sequence)
                .into_iter()
                .map(|record| serde_json::from_slice(&record.payload).expect("a sequence record"))
                .collect(),
        }
    }

    /// Each alert once, all of them, and a log without gaps.
    ///
    /// # Panics
    /// When it is not so.
    pub fn check(&self, expected: &BTreeSet<String>, dead_letters: u64) {
        let seen: BTreeSet<_> = self.alerts.iter().cloned().collect();
        assert_eq!(self.alerts.len(), seen.len(), "an alert is visible twice");
        assert_eq!(&seen, expected, "alerts are lost or invented");
        let unique: BTreeSet<_> = self.dead_letters.iter().collect();
        assert_eq!((self.dead_letters.len() as u64, unique.len() as u64), (dead_letters, dead_letters), "dead letters");
        let mut next: BTreeMap<(Arc<str>, i32), i64> = BTreeMap::new();
        let mut seq = 0;
        for (number, record) in (1..).zip(&self.sequence) {
            assert_eq!(record.number, number, "transactions are numbered without a gap");
            for slice in &record.slices {
                seq += 1;
                assert_eq!(slice.seq, seq, "slices are numbered without a gap");
                for cut in &slice.cuts {
                    let before = next.insert((cut.topic.clone(), cut.partition), cut.to).unwrap_or(0);
                    assert_eq!(cut.from, before, "ranges tile");
                }
            }
        }
    }
}
