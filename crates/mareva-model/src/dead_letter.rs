use serde::{Deserialize, Serialize};

use crate::Digest;

/// Where a transaction came from: the record and, in records that hold several, its index.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourcePosition {
    /// Kafka topic, or the name of the file that stands for it.
    pub topic: String,
    /// Kafka partition.
    pub partition: i32,
    /// Offset of the record; in files, the line number from 0.
    pub offset: i64,
    /// Index of the transaction in its record, from 0.
    pub index: i32,
}

/// Why a record or transaction is a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No supported format recognises the bytes.
    UnknownFormat,
    /// The syntax of its format is broken, or it is not UTF-8.
    Malformed,
    /// Larger, deeper or longer than a limit.
    TooLarge,
    /// A field that the format requires is absent.
    MissingField,
    /// A field has a value outside its type or range.
    InvalidField,
    /// A DOCTYPE, entity or other construct that is refused for safety.
    Forbidden,
    /// Its time is further ahead of the broker's append time than `max_ahead`.
    TimeAhead,
    /// The same source sent the same id with other content; a decision contradicts one that is in force.
    Conflicting,
    /// A decision without a right signature of somebody who may decide it.
    Untrusted,
    /// A decision whose time is over.
    Expired,
}

/// A record or transaction that was not accepted, kept with all that is needed to mend and send it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Where it was read.
    pub position: SourcePosition,
    /// Why it was refused.
    pub reason: Reason,
    /// The field or place, and what to do.
    pub detail: String,
    /// Digest of the whole payload.
    pub payload_digest: Digest,
    /// Length of the whole payload in bytes.
    pub payload_length: usize,
    /// The payload, at most [`DeadLetter::MAX_PAYLOAD`] bytes, as text where it is UTF-8, else as lower-case hex.
    pub payload: String,
    /// Whether `payload` is hex.
    pub payload_is_hex: bool,
}

impl DeadLetter {
    /// Bytes of payload kept with a dead letter.
    pub const MAX_PAYLOAD: usize = 64 * 1024;

    /// A dead letter for `payload` read at `position`.
    pub fn new(position: SourcePosition, reason: Reason, detail: impl Into<String>, payload: &[u8]) -> Self {
        let mut kept = &payload[..payload.len().min(Self::MAX_PAYLOAD)];
        // A cut in the middle of a character is not a wrong encoding: drop the broken tail only.
        if let Err(error) = std::str::from_utf8(kept)
            && error.error_len().is_none()
        {
            kept = &kept[..error.valid_up_to()];
        }
        let (payload_text, payload_is_hex) = match std::str::from_utf8(kept) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => {
                (kept[..kept.len().min(Self::MAX_PAYLOAD / 2)].iter().map(|b| format!("{b:02x}")).collect(), true)
            }
        };
        Self {
            position,
            reason,
            detail: detail.into(),
            payload_digest: crate::digest(payload),
            payload_length: payload.len(),
            payload: payload_text,
            payload_is_hex,
        }
    }
}
