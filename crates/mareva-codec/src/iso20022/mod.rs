//! ISO 20022 messages about payments, with any prefix or namespace, bare or in any envelope (a business application header
//! beside them or not), several of them in one record if need be. One walk reads them all; [`definition`] says which messages
//! there are and [`places`] where in them a value stands. A record is read whole before any of it counts: when it is not
//! well-formed, it is one dead letter. When it is, each transaction stands alone.
//!
//! | message | a row is | moves |
//! |---|---|---|
//! | pacs.008 | a payment of a customer | the money |
//! | pacs.009 | a transfer between institutions; the customers of a payment that it covers (COV) are parties | no account of a customer |
//! | pacs.004 | a return, the parties as the money moves now | the money, back |
//! | pacs.002 | the status of a payment; where that is RJCT, the return of its money | nothing; the money, back |
//! | pain.001 | a customer's order, pending | nothing: its pacs.008 will |
//! | camt.056 | a recall, with the parties and the amount of the payment as it was | nothing |
//! | camt.110 | an investigation, likewise | nothing |

mod definition;
mod ids;
mod places;
mod reader;
mod tags;
mod transaction;
mod view;

use mareva_model::{DeadLetter, PartyRole, digest};

use crate::fault::Fault;
use crate::row::{Context, position};
use definition::Definition;
pub(crate) use places::Extra;
use places::SLOTS;
pub(crate) use tags::Tag;

/// A piece of [`Message::text`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    /// Its transaction; says nothing of a party of the message or of a group.
    transaction: u32,
    role: Option<(PartyRole, Extra)>,
    span: Span,
}

/// What counts for all transactions of a message, or of a group in it.
#[derive(Debug, Clone)]
struct Level {
    slots: [Span; SLOTS],
    /// Its parties, in [`Message::header_extras`] or [`Message::group_extras`].
    extras: (usize, usize),
    /// Bytes of text in its slots.
    bytes: usize,
}

impl Level {
    fn new(from: usize) -> Self {
        Self { slots: [Span::default(); SLOTS], extras: (from, from), bytes: 0 }
    }
}

/// One transaction as it was read.
#[derive(Debug, Clone)]
struct Read {
    definition: Definition,
    /// The version of its message, where that was stated.
    version: Option<u8>,
    slots: [Span; SLOTS],
    /// The first thing wrong with it.
    fault: Option<Fault>,
    /// Its element in the record, in bytes.
    place: (usize, usize),
    /// What counts for its message, and for its group, if it has one.
    header: usize,
    group: Option<usize>,
}

/// The messages of a record as they were read; the buffers are kept from record to record, their size is bounded by the limits.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// The text of all elements that are wanted, references resolved.
    text: String,
    transactions: Vec<Read>,
    extras: Vec<ExtraText>,
    /// One a message. Parties are those of headers, of what stands beside the transactions, and of the envelopes around.
    headers: Vec<Level>,
    header_extras: Vec<ExtraText>,
    groups: Vec<Level>,
    group_extras: Vec<ExtraText>,
}

impl Message {
    fn clear(&mut self) {
        self.text.clear();
        self.transactions.clear();
        self.extras.clear();
        self.headers.clear();
        self.header_extras.clear();
        self.groups.clear();
        self.group_extras.clear();
    }

    fn span(&self, span: Span) -> Option<&str> {
        self.text.get(span.start as usize..span.end as usize).filter(|text| !text.is_empty())
    }
}

/// Decodes a record.
pub(crate) fn decode(xml: &str, message: &mut Message, context: Context<'_, '_>) -> Result<(), Fault> {
    let Context { limits, record, scratch, collected } = context;
    message.clear();
    reader::read(xml, limits, message)?;
    let message = &*message;
    let mut payload_digest = None;
    let mut extras = message.extras.as_slice();
    // The last message and group of which a dead letter has named the parties.
    let mut named = (None, None);
    for (index, read) in message.transactions.iter().enumerate() {
        let own = extras.iter().take_while(|extra| extra.transaction as usize == index).count();
        let (own, later) = extras.split_at(own);
        extras = later;
        // The limit on transactions keeps the index far below.
        let number = i32::try_from(index).unwrap_or(i32::MAX);
        let view = view::View { message, read, extras: own, limits, index: number };
        // One transaction among many keeps its own element only: ten thousand would keep the message each.
        let before = record.payload.len() - xml.len();
        let (start, end) = match message.transactions.len() {
            1 => (0, record.payload.len()),
            _ => (before + read.place.0, before + read.place.1),
        };
        if let Err(fault) = view.append(record, scratch, collected) {
            let kept = record.payload.get(start..end).unwrap_or_default();
            let mut letter = DeadLetter::new(position(record, number), fault.reason, fault.detail, kept);
            letter.payload_digest = *payload_digest.get_or_insert_with(|| digest(record.payload));
            letter.payload_length = record.payload.len();
            let (of_message, of_group) = (Some(read.header), read.group);
            let parties = view.parties(named.0 != of_message, named.1 != of_group);
            named = (of_message, of_group);
            collected.refuse(letter, parties);
        } else {
            collected.place(start, end);
        }
    }
    Ok(())
}
