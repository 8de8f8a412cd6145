//! The nouns of Mareva. Principal type: [`TransactionBatch`], Arrow columns with one fixed schema. Values enter from the
//! decoders and the lists and leave in hits, detections, alerts and dead letters. This crate does no I/O, reads no clock and
//! knows no wire format; what it normalises (identifiers, money, time) it normalises once, for everybody.

pub mod alert;
mod batch;
mod columns;
mod dead_letter;
mod decision;
mod detection;
mod digest;
mod hit;
pub mod identifier;
mod money;
mod nearest;
mod refusal;
mod time;
mod transaction;

pub use batch::{
    PREPARED_COLUMNS, Prepared, TransactionBatch, TransactionBatchBuilder, WIRE_COLUMNS, column, prepared_schema,
    wire_schema,
};
pub use columns::TextColumn;
pub use dead_letter::{DeadLetter, Reason, SourcePosition};
pub use decision::{ClearedPair, Decision, Ruling};
pub use detection::{Detection, DetectionChange, Raises, RuleRef, SubjectRole, Table, Targets};
pub use digest::{Digest, Digesting, digest};
pub use hit::{
    APART, AliasQuality, EntryRef, EvidenceClass, Hit, LineageRef, ListAction, ListRef, MatchedOn, Measure,
    NameLikeness, PartyApart, PartyRole, Regime, Relation, TokenPair,
};
pub use money::{AMOUNT_SCALE, Amount, MoneyError, REFERENCE_SCALE, ReferenceAmount};
pub use nearest::{nearest, perhaps};
pub use refusal::{Fault, Refusal};
pub use time::{TimeError, format_time, parse_time, time_from_seconds};
pub use transaction::{
    INITIATION, INSTITUTION, Kind, NAMESAKE, Status, Text, TransactionRow, is_movement, is_told_by_banks, namesakes,
};
