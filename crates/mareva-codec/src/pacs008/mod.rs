//! ISO 20022 `pacs.008` FIToFICustomerCreditTransfer, versions .001.02 to .001.13: with any prefix or namespace, bare or in
//! any envelope (a business application header beside it or not). A message is read whole before any of it counts: when
//! it is not well-formed, the record is one dead letter. When it is, each transaction stands alone.

mod places;
mod reader;
mod tags;
mod transaction;

use mareva_model::{DeadLetter, PartyRole, Reason, digest};

use crate::fault::Fault;
use crate::row::{Context, position};
pub(crate) use places::Extra;
use places::{HEADER_SLOTS, SLOTS};
pub(crate) use tags::Tag;

/// A piece of [`Message::text`].
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn length(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// A party without a column, or a part of the remittance text where there is no role.
#[derive(Debug, Clone, Copy)]
struct ExtraText {
    /// Its transaction; says nothing of a party of the message.
    transaction: u32,
    role: Option<(PartyRole, Extra)>,
    span: Span,
}

/// One transaction as it was read.
#[derive(Debug, Clone)]
struct Read {
    slots: [Span; SLOTS],
    /// The first thing wrong with it.
    fault: Option<Fault>,
    /// Its element in the record, in bytes.
    place: (usize, usize),
    /// The parties of its message, in [`Message::header_extras`].
    header: (usize, usize),
}

/// A message as it was read; the buffers are kept from record to record, their size is bounded by the limits.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// The text of all elements that are wanted, references resolved.
    text: String,
    name: String,
    header: [Span; HEADER_SLOTS],
    transactions: Vec<Read>,
    extras: Vec<ExtraText>,
    /// Parties of group headers, of what stands beside the transactions, and of the envelopes around them.
    header_extras: Vec<ExtraText>,
}

impl Message {
    fn clear(&mut self) {
        self.text.clear();
        self.name.clear();
        self.header = [Span::default(); HEADER_SLOTS];
        self.transactions.clear();
        self.extras.clear();
        self.header_extras.clear();
    }

    fn span(&self, span: Span) -> Option<&str> {
        self.text.get(span.start as usize..span.end as usize).filter(|text| !text.is_empty())
    }
}

/// Decodes a message.
pub(crate) fn decode(xml: &str, message: &mut Message, context: Context<'_, '_>) -> Result<(), Fault> {
    let Context { limits, record, scratch, collected } = context;
    message.clear();
    reader::read(xml, limits, message)?;
    if message.transactions.is_empty() {
        return Err(Fault::missing("CdtTrfTxInf"));
    }
    let message = &*message;
    let mut payload_digest = None;
    let mut extras = message.extras.as_slice();
    for (index, read) in message.transactions.iter().enumerate() {
        let own = extras.iter().take_while(|extra| extra.transaction as usize == index).count();
        let (own, later) = extras.split_at(own);
        extras = later;
        let header = message.header_extras.get(read.header.0..read.header.1).unwrap_or_default();
        let view = transaction::View { message, read, extras: own, header, limits };
        // The limit on transactions keeps the index far below.
        let number = i32::try_from(index).unwrap_or(i32::MAX);
        // One transaction among many keeps its own element only: ten thousand would keep the message each.
        let before = record.payload.len() - xml.len();
        let (start, end) = match message.transactions.len() {
            1 => (0, record.payload.len()),
            _ => (before + read.place.0, before + read.place.1),
        };
        if let Err(fault) = view.append(number, record, scratch, collected) {
            let kept = record.payload.get(start..end).unwrap_or_default();
            let mut letter = DeadLetter::new(position(record, number), fault.reason, fault.detail, kept);
            let is_first = payload_digest.is_none();
            letter.payload_digest = *payload_digest.get_or_insert_with(|| digest(record.payload));
            letter.payload_length = record.payload.len();
            collected.refuse(letter, view.parties(is_first));
        } else {
            collected.place(start, end);
        }
    }
    Ok(())
}

/// The fault of a message that is not one.
fn unknown(told: &str) -> Fault {
    Fault::new(Reason::UnknownFormat, told)
}
