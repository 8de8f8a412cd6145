//! SWIFT FIN messages about payments, one a record: MT103 (a payment of a customer), MT202 and MT205 (a transfer between
//! institutions, with COV the cover of a customer's payment), MT192 and MT292 (a recall). They become what pacs.008, pacs.009
//! and camt.056 become, under the same ids: a payment that is told in both forms has one UETR. An acknowledgement of the
//! network may stand before a message.
//!
//! A message tells no time but that of block 2 of one that was delivered, in the local time of its sender. The time of a row is
//! the broker's append time, unless the message was sent more than [`time::FRESH_MS`] before: then it is that of block 2.

mod blocks;
mod party;
mod recall;
mod row;
mod time;

use std::borrow::Cow;

use mareva_model::Reason;
use mareva_model::identifier::write_bic;

use crate::fault::Fault;
use crate::row::{Context, Parties};
use blocks::Blocks;

/// What every record of these messages begins with.
pub(crate) const START: &str = "{1:";

/// The messages that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MessageType {
    CustomerTransfer,
    InstitutionTransfer,
    Recall,
}

/// A field of block 4.
#[derive(Debug, Clone, Copy)]
struct Field<'a> {
    /// Two digits and an option, such as `50K`.
    tag: &'a str,
    value: &'a str,
}

impl<'a> Field<'a> {
    fn number(&self) -> &'a str {
        self.tag.get(..2).unwrap_or_default()
    }

    fn option(&self) -> &'a str {
        self.tag.get(2..).unwrap_or_default()
    }

    /// Its lines, as far as something stands in them.
    fn lines(&self) -> impl Iterator<Item = &'a str> {
        self.value.lines().map(str::trim_end).filter(|line| !line.is_empty())
    }
}

/// A message, its parts found.
#[derive(Debug)]
struct Message<'a> {
    /// Such as `MT103`.
    name: String,
    message_type: MessageType,
    /// BICs of 11 characters.
    sender: String,
    receiver: String,
    /// When the sender sent it by his own clock, UTC milliseconds as if that were UTC.
    sent: Option<i64>,
    uetr: Option<&'a str>,
    fields: Vec<Field<'a>>,
}

/// Decodes a message.
pub(crate) fn decode(text: &str, context: Context<'_, '_>) -> Result<(), Fault> {
    let blocks = Blocks::read(text)?;
    let message = message(&blocks)?;
    for field in message.fields.iter().filter(|field| party::role(field.number()).is_some()) {
        context.limits.text(&format!("field {}", field.number()), Some(field.value))?;
    }
    match message.message_type {
        MessageType::CustomerTransfer | MessageType::InstitutionTransfer => row::append(&message, context),
        MessageType::Recall => recall::append(&message, context),
    }
}

/// Whoever can be made out in a message that cannot be decoded.
pub(crate) fn salvage(text: &str) -> Parties {
    let mut found = Parties::new();
    for field in blocks::fields_anywhere(text) {
        party::push(&field, &mut found);
    }
    found
}

fn message<'a>(blocks: &Blocks<'a>) -> Result<Message<'a>, Fault> {
    let terminal = |text: &str| {
        // Behind the eight characters of an institution stands its terminal, then its branch.
        let bic = text.get(..8).zip(text.get(9..12)).map(|(institution, branch)| format!("{institution}{branch}"));
        let mut canonical = String::new();
        bic.filter(|bic| write_bic(&mut canonical, bic)).ok_or_else(|| malformed("a logical terminal is no BIC"))
    };
    let us = terminal(blocks.basic.get(3..).unwrap_or_default())?;
    let application = blocks.application;
    let (direction, number) = (application.get(..1), application.get(1..4).unwrap_or_default());
    let (sender, receiver, sent) = match direction {
        Some("I") => (us, terminal(application.get(4..).unwrap_or_default())?, None),
        Some("O") => {
            let sent = time::sent(application.get(4..14).unwrap_or_default());
            (terminal(application.get(14..).unwrap_or_default())?, us, Some(sent?))
        }
        _ => return Err(malformed("block 2 begins with neither I nor O")),
    };
    let message_type = match number {
        "103" => MessageType::CustomerTransfer,
        "202" | "205" => MessageType::InstitutionTransfer,
        "192" | "292" => MessageType::Recall,
        _ => {
            let told = "this message type is not read; send MT103, MT202, MT205, MT192 or MT292";
            return Err(Fault::new(Reason::UnknownFormat, told));
        }
    };
    let fields = blocks::fields(blocks.text)?;
    Ok(Message { name: format!("MT{number}"), message_type, sender, receiver, sent, uetr: blocks.uetr, fields })
}

impl<'a> Message<'a> {
    /// The fields of the message itself, and those of the customer's payment that it covers.
    fn sequences(&self) -> (&[Field<'a>], &[Field<'a>]) {
        let covers = self.message_type == MessageType::InstitutionTransfer;
        let underlying = self.fields.iter().position(|field| covers && field.number() == "50");
        self.fields.split_at(underlying.unwrap_or(self.fields.len()))
    }

    /// Its sender as a source: a BIC, in its 8 characters where it is a head office.
    fn source(&self) -> &str {
        self.sender.strip_suffix("XXX").unwrap_or(&self.sender)
    }
}

/// The field of this number, with any option, that may stand once.
fn single<'a>(fields: &[Field<'a>], number: &str) -> Result<Option<Field<'a>>, Fault> {
    let mut found = fields.iter().filter(|field| field.number() == number);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Fault::invalid(&format!("field {number}"), "stands more than once; send it once")),
        (first, None) => Ok(first.copied()),
    }
}

/// The field of this number that must be there.
fn required<'a>(fields: &[Field<'a>], number: &str) -> Result<Field<'a>, Fault> {
    single(fields, number)?.filter(|field| !field.value.trim().is_empty()).ok_or_else(|| missing(number))
}

fn missing(number: &str) -> Fault {
    Fault::missing(&format!("field {number}"))
}

fn malformed(told: &str) -> Fault {
    Fault::new(Reason::Malformed, format!("{told}; send the message as the network delivers it"))
}

/// Lines as one text. They break after so many characters, between words or not.
fn joined<'a>(field: &Field<'a>) -> Cow<'a, str> {
    let mut lines = field.lines().map(text_of);
    match (lines.next(), lines.next()) {
        (first, None) => Cow::Borrowed(first.unwrap_or_default()),
        (first, second) => {
            let all: Vec<&str> = first.into_iter().chain(second).chain(lines).collect();
            Cow::Owned(all.join(" "))
        }
    }
}

/// A line without the mark of one that goes on.
fn text_of(line: &str) -> &str {
    line.strip_prefix("//").unwrap_or(line)
}
