use std::ops::Range;

use mareva_model::{DeadLetter, PartyRole, Reason, TransactionBatch};

use crate::fault::Fault;
use crate::row::{Collected, Context, Scratch, position};
use crate::{bank_json, exchange_json, iso20022, mt, salvage};

/// Bounds on what is read. Beyond one, the record or transaction is a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a record.
    pub record_bytes: usize,
    /// Levels of nesting.
    pub depth: usize,
    /// Bytes of a text field.
    pub field_bytes: usize,
    /// Bytes of the remittance text.
    pub remittance_bytes: usize,
    /// Transactions in a record.
    pub transactions: usize,
    /// Bytes of text in all rows of a record: the transactions of a message repeat the message's own texts, so that a
    /// small one could fill the memory.
    pub expanded_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 1024 * 1024,
            depth: 64,
            field_bytes: 1024,
            remittance_bytes: 4096,
            transactions: 10_000,
            // Ten thousand transactions of the longest ids that the standard allows stay below a third of it.
            expanded_bytes: 16 * 1024 * 1024,
        }
    }
}

/// Which of the two input streams a record is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Canonical bank JSON, ISO 20022 and SWIFT FIN messages.
    Bank,
    /// Canonical exchange JSON and `ethereum-etl`.
    Exchange,
}

/// A record as the broker (or a file) gave it.
#[derive(Debug, Clone, Copy)]
pub struct Record<'r> {
    /// Topic.
    pub topic: &'r str,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Append time at the broker, UTC milliseconds.
    pub append_time: i64,
    /// The bytes.
    pub payload: &'r [u8],
}

/// A name or a canonical identifier, to be screened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartyText {
    /// A name as the sender wrote it.
    Name(String),
    /// A canonical identifier (see [`mareva_model::identifier`]).
    Identifier(String),
}

impl PartyText {
    /// The name or identifier itself.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name(text) | Self::Identifier(text) => text,
        }
    }
}

/// A party of an accepted transaction that has no column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraParty {
    /// Row of the batch.
    pub row: u32,
    /// What the party does in it.
    pub role: PartyRole,
    /// Its name or identifier.
    pub text: PartyText,
}

/// What became of the records since the last [`Decoder::finish`].
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The transactions, in the order read.
    pub batch: TransactionBatch,
    /// Where each transaction stands in its record, in bytes: all of it where the record holds no other.
    pub places: Vec<Range<u32>>,
    /// The records and transactions refused, in the order read.
    pub dead_letters: Vec<DeadLetter>,
    /// Parties that could be read from dead letters (index into `dead_letters`): they are screened all the same.
    pub dead_letter_parties: Vec<(usize, PartyRole, PartyText)>,
    /// Parties of the transactions that have no column: ultimate parties, intermediaries, names of agents, an exchange's
    /// own address.
    pub parties: Vec<ExtraParty>,
}

/// Turns records into columns. Every record gives at least one row or one dead letter; every transaction in it exactly one.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    scratch: Scratch,
    message: iso20022::Message,
    collected: Collected,
}

/// Rows from which on [`Decoder::is_full`].
const FULL_ROWS: usize = 65_536;
/// Bytes read and written from which on [`Decoder::is_full`]. What is decoded never exceeds it by more than one record,
/// which reads and writes at most [`ADDRESSABLE`] each: far below the 2 GiB that an Arrow text column can address.
const FULL_BYTES: usize = 64 * 1024 * 1024;
/// The limits on a record are lowered to this.
const ADDRESSABLE: usize = 256 * 1024 * 1024;

impl Decoder {
    /// A decoder with these limits; those on the bytes of a record are at most 256 MiB.
    pub fn new(mut limits: Limits) -> Self {
        limits.record_bytes = limits.record_bytes.min(ADDRESSABLE);
        limits.expanded_bytes = limits.expanded_bytes.min(ADDRESSABLE);
        Self {
            limits,
            scratch: Scratch::default(),
            message: iso20022::Message::default(),
            collected: Collected::default(),
        }
    }

    /// Decodes one record: adds its rows, dead letters and parties.
    pub fn decode(&mut self, stream: Stream, record: Record<'_>) {
        self.collected.text_bytes += record.payload.len().min(self.limits.record_bytes) + record.topic.len();
        self.collected.expanded = 0;
        if let Err(fault) = self.read(stream, &record) {
            let readable = &record.payload[..record.payload.len().min(self.limits.record_bytes)];
            let (parties, all) = salvage::parties(stream, readable);
            let mut detail = fault.detail;
            if !all || readable.len() < record.payload.len() {
                detail.push_str("; too large to be screened whole, so look at the rest of it by hand");
            }
            let letter = DeadLetter::new(position(&record, 0), fault.reason, detail, record.payload);
            self.collected.refuse(letter, parties);
        }
    }

    /// Whether it is time to [`finish`](Self::finish): from 65,536 rows or 64 MiB on. Who goes on all the same may exceed
    /// what a column can address.
    pub fn is_full(&self) -> bool {
        self.collected.builder.len() >= FULL_ROWS || self.collected.text_bytes >= FULL_BYTES
    }

    /// Everything since the last call; the decoder is empty afterwards.
    pub fn finish(&mut self) -> Decoded {
        self.collected.text_bytes = 0;
        Decoded {
            batch: self.collected.builder.finish(),
            places: std::mem::take(&mut self.collected.places),
            dead_letters: std::mem::take(&mut self.collected.dead_letters),
            dead_letter_parties: std::mem::take(&mut self.collected.dead_letter_parties),
            parties: std::mem::take(&mut self.collected.parties),
        }
    }

    fn read(&mut self, stream: Stream, record: &Record<'_>) -> Result<(), Fault> {
        let payload = record.payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record.payload);
        if payload.len() > self.limits.record_bytes {
            let limit = self.limits.record_bytes;
            return Err(Fault::new(Reason::TooLarge, format!("record of more than {limit} bytes; split it")));
        }
        let first = payload.iter().find(|byte| !byte.is_ascii_whitespace());
        let unknown = |told: &str| Err(Fault::new(Reason::UnknownFormat, told));
        match (stream, first) {
            (_, Some(b'{')) | (Stream::Bank, Some(b'<')) => {}
            (_, None) => return unknown("empty record; send one object or message a record"),
            (Stream::Exchange, Some(b'<')) => {
                return unknown("XML on the exchange stream; send it to the bank stream");
            }
            (_, Some(0 | 0xfe | 0xff)) => {
                return Err(Fault::new(Reason::Malformed, "not UTF-8; send UTF-8 without other encodings"));
            }
            _ => return unknown("neither a JSON object nor an XML message; check the producer"),
        }
        let text = std::str::from_utf8(payload).map_err(|error| {
            Fault::new(Reason::Malformed, format!("not UTF-8 at byte {}; send UTF-8", error.valid_up_to()))
        })?;
        self.scratch.clear();
        let context =
            Context { limits: &self.limits, record, scratch: &mut self.scratch, collected: &mut self.collected };
        let is_mt = text.trim_ascii_start().starts_with(mt::START);
        match (stream, first) {
            (Stream::Bank, _) if is_mt => mt::decode(text, context),
            (Stream::Exchange, _) if is_mt => unknown("an MT on the exchange stream; send it to the bank stream"),
            (_, Some(b'<')) => iso20022::decode(text, &mut self.message, context),
            (Stream::Bank, _) => bank_json::decode(text, context),
            (Stream::Exchange, _) => exchange_json::decode(text, context),
        }
    }
}

#[cfg(test)]
mod tests;
