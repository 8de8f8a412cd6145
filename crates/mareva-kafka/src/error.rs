use std::{path::PathBuf, time::Duration};

use mareva_model::{Digest, Refusal};
use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};

use crate::{judge::JudgeError, record::TopicPartition};

/// Why a run, a follower or a set-up ended. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No broker answered.
    #[error(
        "cannot reach broker {brokers} after {} s{}; check the address (`bootstrap.servers`), the network, and the security settings",
        waited.as_secs(), because(reason)
    )]
    Unreachable {
        /// `bootstrap.servers`.
        brokers: String,
        /// How long was tried.
        waited: Duration,
        /// The last error that the client reported.
        reason: Option<String>,
    },
    /// Topics are missing or set in a way that would lose what recovery needs: every fault.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// A librdkafka property has a wrong name or value.
    #[error("kafka property `{key}` = `{value}` is refused: {reason}; see the configuration page of librdkafka")]
    Property {
        /// Name.
        key: String,
        /// Value; hidden for secrets.
        value: String,
        /// Why.
        reason: String,
    },
    /// A file with a secret cannot be read.
    #[error("cannot read the secret for `{key}` from {}: {error}; check the path and its permissions", path.display())]
    Secret {
        /// The property.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file or folder that a property names cannot be found.
    #[error("cannot read {}, which `{key}` names: {error}; check the path and its permissions", path.display())]
    Location {
        /// The property.
        key: String,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A client call failed.
    #[error("{doing}: {error}")]
    Client {
        /// What was being done.
        doing: &'static str,
        /// What librdkafka says.
        error: KafkaError,
    },
    /// The client may not do this.
    #[error("not allowed to use {what}: {reason}; grant it in the broker's access rules, or correct the credentials")]
    NotAllowed {
        /// Topic, group or transactional id.
        what: String,
        /// What the broker says.
        reason: String,
    },
    /// Offsets that are needed were deleted by retention: every partition of which some are.
    #[error(
        "{}; restore a snapshot that covers it, seed with --history and no snapshot, or start with --accept-gap",
        listed(.0)
    )]
    OffsetsGone(Vec<Gone>),
    /// An offset that was judged is not there: the topic is another one.
    #[error(
        "{at} ends at {high}, yet its records below {offset} were judged: the topic was truncated or created anew; \
         restore it, or use new output topics and an empty snapshot folder"
    )]
    OffsetBeyond {
        /// The partition.
        at: TopicPartition,
        /// Offset known to be judged.
        offset: i64,
        /// Offset at which it ends.
        high: i64,
    },
    /// At the offset that was judged last stands another record: the topic is another one.
    #[error(
        "offset {offset} of {at} was judged and holds another record now: the topic was created anew, and what it holds below was \
         not judged; restore the former one, or use new output topics and an empty snapshot folder"
    )]
    OtherRecord {
        /// The partition.
        at: TopicPartition,
        /// The offset.
        offset: i64,
    },
    /// A partition of which records were judged is not there.
    #[error(
        "{at} is needed from offset {offset} and does not exist: its topic was created anew with fewer partitions, or is no input any \
         more; restore the former topic, correct `[input]` and `[output]` in the config, or use new output topics and an empty \
         snapshot folder"
    )]
    PartitionGone {
        /// The partition.
        at: TopicPartition,
        /// Offset needed.
        offset: i64,
    },
    /// The log was written under an epoch that is not known.
    #[error(
        "the log was written under epoch {recorded}, now rules, lists, tables and config give {current}, and either tables or config \
         are not those of then, or its rules and lists are not kept beside the snapshots; put the former ones back, or start with --replay-under-new-epoch to judge the recorded input again"
    )]
    EpochChanged {
        /// Epoch in the log.
        recorded: Digest,
        /// Epoch of the judge.
        current: Digest,
    },
    /// The log rests on a history that was not given, and no snapshot stands for it.
    #[error(
        "the log rests on the history with the digest {recorded}, this start has {}, and there is no snapshot of this epoch that \
         would stand for it: rules would not look back on what they did; name the same files with --history PATH, or go on without \
         them with --accept-gap",
        current.map_or_else(|| "none".to_owned(), |current| format!("another one ({current})"))
    )]
    OtherHistory {
        /// Digest in the log.
        recorded: Digest,
        /// Digest of what was given.
        current: Option<Digest>,
    },
    /// The log was written under another transactional id.
    #[error(
        "the sequence topic was written under `transactional.id` {recorded}, now it is {current}: two instances would publish \
         everything twice; put the former id back, give this instance output topics of its own, or, where the other one is \
         gone for good, start with --take-over"
    )]
    OtherTransactionalId {
        /// Id in the log.
        recorded: String,
        /// Id of this run.
        current: String,
    },
    /// Another instance writes to our sequence topic, and the broker takes it for none of ours.
    #[error(
        "another instance (run {writer}{}) writes to our sequence topic beside us: this one ends before it publishes the same \
         again; stop one of the two, or give each its own output topics",
        transactional_id.as_ref().map(|id| format!(", `transactional.id` {id}")).unwrap_or_default()
    )]
    SecondWriter {
        /// The other run.
        writer: String,
        /// Its transactional id, where its records tell.
        transactional_id: Option<String>,
    },
    /// The log holds a transaction twice.
    #[error(
        "the sequence topic holds transaction {number} twice: two instances wrote to it at once and published the same; \
         name new output topics and an empty snapshot folder, and start one instance"
    )]
    TwoLogs {
        /// Number of the transaction.
        number: u64,
    },
    /// Sequence records are missing.
    #[error(
        "slices {from} to {to} are needed and not in the sequence topic; set its retention to unlimited, \
         restore a newer snapshot, or start with --accept-gap"
    )]
    LogGap {
        /// First slice missing.
        from: u64,
        /// Last slice needed.
        to: u64,
    },
    /// The sequence topic lost committed records while we ran.
    #[error(
        "the sequence topic ends with transaction {found}, {expected} was committed: it lost data; check its replication, then restart"
    )]
    LogBehind {
        /// Last transaction known to be committed.
        expected: u64,
        /// Last transaction found.
        found: u64,
    },
    /// A record of the sequence topic cannot be read.
    #[error("{at} offset {offset} is no sequence record: {reason}; nothing else may write to this topic")]
    SequenceUnreadable {
        /// The partition.
        at: TopicPartition,
        /// Offset.
        offset: i64,
        /// Why.
        reason: String,
    },
    /// A snapshot does not belong to this log.
    #[error(
        "the snapshot stands at offset {snapshot} of {at}, the log at {recorded}: it belongs to another log; \
         use the snapshot folder of this sequence topic"
    )]
    ForeignSnapshot {
        /// The partition.
        at: TopicPartition,
        /// Offset in the snapshot.
        snapshot: i64,
        /// Offset in the log.
        recorded: i64,
    },
    /// Judging a recorded slice again gave other alerts.
    #[error(
        "slice {seq} judged again gives {now} alerts that differ from the {recorded} published; if the log was begun with \
         other --history or without, start as it was begun, else the engine is not the one that wrote it: please report this"
    )]
    Diverged {
        /// The slice.
        seq: u64,
        /// Alerts published then.
        recorded: usize,
        /// Alerts derived now.
        now: usize,
    },
    /// Alerts are there, and no sequence record that could cover them.
    #[error(
        "the alerts topic holds alerts and the sequence topic no record at all: the log of what was published is gone; \
         restore it, name a new alerts topic, or start with --accept-gap to judge all input anew and publish beside what is there"
    )]
    LogLost,
    /// Another instance has taken our place.
    #[error(
        "another instance{} has taken over our transactional id: this one ends, the other goes on; if both are wanted, \
         give each its own `transactional.id` and output topics, if this one is, stop the other and start it again",
        by(writer)
    )]
    Fenced {
        /// The other run, where it has published already.
        writer: Option<String>,
    },
    /// Another instance had our place until we took it back.
    #[error(
        "another instance (run {writer}) published while we were cut off, and we have fenced it since; \
         start again, to go on from what it published"
    )]
    Overtaken {
        /// The other run.
        writer: String,
    },
    /// No transaction could be committed for too long.
    #[error("no transaction could be committed for {seconds} s: {reason}; check the brokers, nothing is lost")]
    CannotCommit {
        /// How long.
        seconds: u64,
        /// The last error.
        reason: String,
    },
    /// The input stands still though there is more.
    #[error(
        "{at} gives no record from offset {offset} on for {seconds} s though it has more: {reason}; check its leader"
    )]
    Stalled {
        /// The partition.
        at: TopicPartition,
        /// Next offset.
        offset: i64,
        /// How long.
        seconds: u64,
        /// The last error of that partition.
        reason: String,
    },
    /// A record is larger than the topic takes.
    #[error(
        "a record of {bytes} bytes is too large for {topic}; raise its `max.message.bytes` and `producer.message.max.bytes`"
    )]
    TooLarge {
        /// Topic.
        topic: String,
        /// Payload bytes.
        bytes: usize,
    },
    /// The judge cannot go on.
    #[error("cannot judge slice {seq}: {error}")]
    Judge {
        /// The slice.
        seq: u64,
        /// Its error.
        error: JudgeError,
    },
    /// The judge cannot be opened.
    #[error("cannot open the engine{}: {error}", at.as_ref().map(|at| format!(" on snapshot {}", at.display())).unwrap_or_default())]
    Open {
        /// The snapshot.
        at: Option<PathBuf>,
        /// Its error.
        error: JudgeError,
    },
    /// The snapshot folder fails.
    #[error("{doing} {}: {error}; check space and permissions", path.display())]
    Snapshot {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A thread cannot be started.
    #[error("cannot start thread {name}: {error}; raise the limit on processes")]
    Thread {
        /// Its name.
        name: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// A thread ended without a word.
    #[error("thread {0} ended unexpectedly; please report this")]
    ThreadLost(&'static str),
}

/// Offsets of a partition that are needed and not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The partition.
    pub at: TopicPartition,
    /// First offset needed.
    pub offset: i64,
    /// First offset there.
    pub low: i64,
}

fn listed(gone: &[Gone]) -> String {
    let each = gone.iter().map(|Gone { at, offset, low }| {
        format!("offset {offset} of {at} is needed and gone (the topic begins at {low})")
    });
    each.collect::<Vec<_>>().join(", ")
}

fn by(writer: &Option<String>) -> String {
    writer.as_ref().map(|writer| format!(" (run {writer})")).unwrap_or_default()
}

fn because(reason: &Option<String>) -> String {
    reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
}

impl PartialEq for Error {
    /// By what they say: for tests of the state machine.
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Error {
    /// Whether starting again, with nothing changed, may help. After [`Self::Fenced`] it would only take the place back from
    /// the instance that took it.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::CannotCommit { .. }
            | Self::Stalled { .. }
            | Self::Thread { .. }
            | Self::ThreadLost(_)
            | Self::Snapshot { .. }
            | Self::Overtaken { .. } => true,
            Self::Client { error, .. } => !is_permanent(error),
            _ => false,
        }
    }

    pub(crate) fn client(doing: &'static str) -> impl FnOnce(KafkaError) -> Self {
        move |error| Self::Client { doing, error }
    }
}

/// Errors that no retry mends: access and configuration.
pub(crate) fn is_permanent(error: &KafkaError) -> bool {
    if matches!(error, KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_)) {
        return true;
    }
    error.rdkafka_error_code().is_some_and(|code| is_denied(code) || code == RDKafkaErrorCode::MessageSizeTooLarge)
}

/// Whether the broker refuses us.
pub(crate) fn is_denied(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::InvalidTransactionTimeout
            | RDKafkaErrorCode::UnsupportedFeature
    )
}
