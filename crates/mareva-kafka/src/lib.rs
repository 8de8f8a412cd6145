//! Kafka for Mareva. Principal type: [`machine::Machine`], a pure state machine that cuts the input into numbered slices,
//! gathers what they give into transactions and recovers after a crash or a doubt; [`run`] drives it with real clients.
//! Records of the input topics enter; alerts, dead letters, late rows, the sequence record and the consumer offsets leave in
//! one transaction, snapshots go to a folder. It must never publish a record twice, skip one silently, or let an output out
//! that its sequence record does not cover. It decides nothing about money: that is the [`Judge`]'s work.

pub mod machine;

mod admin;
mod ahead;
mod batch_queue;
mod config;
mod error;
mod failpoint;
mod follow;
mod judge;
mod mailbox;
mod mock;
mod outage;
mod progress;
mod publisher;
mod record;
mod run;
mod setup;
mod snapshot;
mod source;
mod startup;
mod stats;
mod tail;

pub use admin::{TopicSpec, create_topics};
pub use batch_queue::{BatchQueue, Fetched, QueueContext};
pub use config::{Connection, EpochChange, RunConfig, SnapshotConfig, Topics};
pub use error::{Error, Gone};
pub use failpoint::{Failpoint, Failpoints};
pub use follow::{FollowFrom, Followed, Follower};
pub use judge::{Decode, Judge, JudgeError, Message, Sink, Verdict, WriteState};
pub use machine::Limits;
pub use mock::{Feed, MockBroker, Pace};
pub use progress::{Progress, RunSummary};
pub use record::{AlertDigest, AlertRevision, Cut, LastJudged, SequenceRecord, SliceCut, SliceRange, TopicPartition};
pub use run::run;
pub use snapshot::{SnapshotInfo, SnapshotStore};
pub use source::open_queue;
pub use stats::{CLASSES, Histogram, Stats};
