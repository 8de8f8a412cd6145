//! The walk over the XML: well-formedness, limits, and the text of the wanted elements.

use mareva_model::Reason;
use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

use super::places::{HEADER_SLOTS, SLOTS, Slot, Target, envelope, header, other, transaction};
use super::tags::Tag;
use super::{Extra, ExtraText, Message, Read, Span, unknown};
use crate::decoder::Limits;
use crate::fault::Fault;

/// Versions of the message that are read; their names differ, the elements read here do not.
const VERSIONS: std::ops::RangeInclusive<u8> = 2..=13;

/// Bytes of an XML declaration, and attributes of an amount.
const MAX_DECLARATION: usize = 256;
const MAX_ATTRIBUTES: usize = 16;

/// Parties of a message and its envelope that are read, those of its transactions aside: every transaction has them. The
/// standard has room for about 60.
const MAX_HEADER_PARTIES: usize = 256;

/// Reads a message; on an error nothing of it counts.
pub(super) fn read(xml: &str, limits: &Limits, message: &mut Message) -> Result<(), Fault> {
    if xml.contains('\0') {
        return Err(Fault::new(Reason::Malformed, "holds a NUL, which XML forbids; send text"));
    }
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut walk = Walk {
        limits,
        message,
        stack: Vec::new(),
        root: None,
        part: None,
        target: None,
        start: 0,
        seen: false,
        first: 0,
        header_from: 0,
    };
    loop {
        let before = reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|_| ill_formed(reader.error_position()))?;
        match event {
            Event::Start(tag) => walk.open(&tag, before)?,
            Event::End(_) => walk.close(reader.buffer_position() as usize)?,
            Event::Text(text) => walk.push(&text, before)?,
            Event::CData(text) => walk.push(&text, before)?,
            Event::GeneralRef(name) => walk.reference(&name, before)?,
            Event::Decl(declaration) => encoding(&declaration, xml)?,
            Event::DocType(_) => {
                return Err(Fault::new(Reason::Forbidden, "DOCTYPE is refused; send the message without one"));
            }
            Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
            Event::Eof => break,
        }
    }
    if !walk.stack.is_empty() {
        return Err(Fault::new(Reason::Malformed, "XML ends too early; send the whole message"));
    }
    // An envelope that closes behind the last message.
    walk.give_header();
    if walk.seen { Ok(()) } else { Err(unknown("no FIToFICstmrCdtTrf in it; send pacs.008 on this stream")) }
}

fn ill_formed(place: u64) -> Fault {
    Fault::new(Reason::Malformed, format!("XML is not well-formed at byte {place}; mend the message"))
}

/// Bytes have been read as UTF-8: a declared encoding must agree with that.
fn encoding(declaration: &BytesDecl<'_>, xml: &str) -> Result<(), Fault> {
    // Looking for an attribute among very many would take time that grows with their square.
    if declaration.len() > MAX_DECLARATION {
        return Err(ill_formed(0));
    }
    let Some(declared) = declaration.encoding() else {
        return Ok(());
    };
    let declared = declared.map_err(|_| ill_formed(0))?;
    let name = declared.to_ascii_lowercase();
    let ascii = [b"us-ascii".as_slice(), b"iso-8859-", b"windows-125"].iter().any(|start| name.starts_with(start));
    if name == b"utf-8" || ascii && xml.is_ascii() {
        return Ok(());
    }
    Err(Fault::new(Reason::Malformed, "declares an encoding other than UTF-8; send UTF-8"))
}

/// Which part of the message the walk is in; its element is the last of `depth` ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Header(usize),
    Transaction(usize),
}

struct Walk<'w> {
    limits: &'w Limits,
    message: &'w mut Message,
    stack: Vec<Tag>,
    /// Depth of the message's element.
    root: Option<usize>,
    part: Option<Part>,
    /// Where the text of the innermost element goes.
    target: Option<Target>,
    /// Where its text starts.
    start: usize,
    seen: bool,
    /// First transaction of the message, and first party of its header and envelope.
    first: usize,
    header_from: usize,
}

impl Walk<'_> {
    fn open(&mut self, tag: &BytesStart<'_>, before: usize) -> Result<(), Fault> {
        let name = Tag::of(tag.local_name().into_inner());
        self.stack.push(name);
        let depth = self.stack.len();
        if depth > self.limits.depth {
            let limit = self.limits.depth;
            return Err(Fault::new(Reason::TooLarge, format!("nested deeper than {limit} levels; flatten it")));
        }
        match self.target.take() {
            // Text beside an element would be lost, and with it perhaps a name.
            Some(_) if self.part.is_some() => {
                self.text_fault("an element stands inside a text; mend the message")?;
            }
            // Others than the standard write what stands here; the text goes on behind the element.
            Some(target) => self.store(target)?,
            None => {}
        }
        self.start = self.message.text.len();
        let Some(root) = self.root else {
            return self.outside(tag, name, depth);
        };
        match (self.part, name) {
            (None, Tag::GrpHdr) if depth == root + 1 => self.part = Some(Part::Header(depth)),
            (None, Tag::CdtTrfTxInf) if depth == root + 1 => self.begin(depth, before)?,
            (Some(Part::Header(base)), _) => self.target = header(&self.stack[base..]),
            (Some(Part::Transaction(base)), _) => self.target = transaction(&self.stack[base..]),
            // Beside header and transactions, such as supplementary data of the message.
            (None, _) => self.target = other(&self.stack[root..]),
        }
        match self.target {
            Some(Target::Slot(slot)) if slot == Slot::Amount as usize => self.currency(tag),
            _ => Ok(()),
        }
    }

    /// Elements around the message: they may state its version.
    fn outside(&mut self, tag: &BytesStart<'_>, name: Tag, depth: usize) -> Result<(), Fault> {
        let attributes = tag.attributes_raw();
        let stated = attributes.windows(b"pacs.008.001.".len()).position(|window| window == b"pacs.008.001.");
        if let Some(at) = stated {
            let end = (at + b"pacs.008.001.NN".len()).min(attributes.len());
            let stated = String::from_utf8_lossy(&attributes[at..end]);
            if !is_read(&stated) {
                return Err(unknown("this version of pacs.008 is not read; send .001.02 to .001.13"));
            }
            self.message.name.clear();
            self.message.name.push_str(&stated);
        }
        if name == Tag::FiToFiCstmrCdtTrf {
            self.root = Some(depth);
            self.seen = true;
            self.message.header = [Span::default(); HEADER_SLOTS];
            // Parties since the last message are of the envelope of this one.
            self.header_from = self.message.transactions.last().map_or(0, |last| last.header.1);
            self.first = self.message.transactions.len();
        } else {
            self.target = envelope(&self.stack);
        }
        Ok(())
    }

    fn begin(&mut self, depth: usize, before: usize) -> Result<(), Fault> {
        if self.message.transactions.len() >= self.limits.transactions {
            let limit = self.limits.transactions;
            let told = format!("more than {limit} transactions in a message; split it");
            return Err(Fault::new(Reason::TooLarge, told));
        }
        let mut slots = [Span::default(); SLOTS];
        slots[..HEADER_SLOTS].copy_from_slice(&self.message.header);
        self.message.transactions.push(Read { slots, fault: None, place: (before, before), header: (0, 0) });
        self.part = Some(Part::Transaction(depth));
        Ok(())
    }

    fn currency(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        let mut attributes = tag.attributes();
        let attributes = attributes.with_checks(false).take(MAX_ATTRIBUTES);
        let code = attributes.filter_map(Result::ok).find(|attribute| attribute.key.as_ref() == b"Ccy");
        match code {
            Some(code) if code.value.len() == 3 && code.value.iter().all(u8::is_ascii_uppercase) => {
                let start = self.message.text.len();
                self.message.text.extend(code.value.iter().map(|byte| char::from(*byte)));
                self.start = self.message.text.len();
                self.fill(Slot::Currency as usize, span(start, self.start))
            }
            None => self.fault(Fault::missing("IntrBkSttlmAmt Ccy")),
            Some(_) => self.text_fault("IntrBkSttlmAmt Ccy is no ISO 4217 code; write three capital letters"),
        }
    }

    fn push(&mut self, text: &[u8], before: usize) -> Result<(), Fault> {
        if self.target.is_some() {
            self.message.text.push_str(std::str::from_utf8(text).map_err(|_| ill_formed(before as u64))?);
        }
        Ok(())
    }

    /// Only the five references of XML itself and characters are resolved; nothing else can be declared without a DOCTYPE.
    fn reference(&mut self, name: &BytesRef<'_>, before: usize) -> Result<(), Fault> {
        let forbidden = || Fault::new(Reason::Forbidden, "an entity that XML does not define; write the text itself");
        let resolved = match &**name {
            b"amp" => '&',
            b"lt" => '<',
            b"gt" => '>',
            b"quot" => '"',
            b"apos" => '\'',
            _ => match name.resolve_char_ref() {
                Ok(Some(c)) if c != '\0' => c,
                Ok(None) => return Err(forbidden()),
                _ => return Err(ill_formed(before as u64)),
            },
        };
        if self.target.is_some() {
            self.message.text.push(resolved);
        }
        Ok(())
    }

    fn close(&mut self, after: usize) -> Result<(), Fault> {
        let depth = self.stack.len();
        if let Some(target) = self.target.take() {
            self.store(target)?;
        }
        self.stack.pop();
        match self.part {
            Some(Part::Header(base)) if base == depth => self.part = None,
            Some(Part::Transaction(base)) if base == depth => {
                self.part = None;
                if let Some(read) = self.message.transactions.last_mut() {
                    read.place.1 = after;
                }
            }
            _ => {}
        }
        if self.root == Some(depth) {
            self.root = None;
            self.give_header();
        }
        if self.part.is_none() {
            self.target = self.root.map_or_else(|| envelope(&self.stack), |root| other(&self.stack[root..]));
            self.start = self.message.text.len();
        }
        Ok(())
    }

    /// Gives the transactions of the message the parties of its header and envelope.
    fn give_header(&mut self) {
        let header = (self.header_from, self.message.header_extras.len());
        for read in &mut self.message.transactions[self.first..] {
            read.header = header;
        }
    }

    /// Files the text since `start` under its target.
    fn store(&mut self, target: Target) -> Result<(), Fault> {
        let raw = &self.message.text[self.start..];
        let leading = raw.len() - raw.trim_start().len();
        let text = raw.trim();
        if text.is_empty() {
            return Ok(());
        }
        let length = text.len();
        let found = span(self.start + leading, self.start + leading + length);
        if target == Target::MessageName {
            if self.message.name.is_empty() && is_read(text) {
                self.message.name = text.to_owned();
            }
            return Ok(());
        }
        let limit = match target {
            Target::Remittance | Target::Extra(_, Extra::Text) => self.limits.remittance_bytes,
            _ => self.limits.field_bytes,
        };
        if length > limit {
            self.fault(Fault::too_long("a text", limit))?;
        }
        let transaction = u32::try_from(self.message.transactions.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let role = match target {
            Target::Slot(slot) => return self.fill(slot, found),
            Target::Extra(role, kind) => Some((role, kind)),
            Target::Remittance | Target::MessageName => None,
        };
        let extra = ExtraText { transaction, role, span: found };
        if matches!(self.part, Some(Part::Transaction(_))) {
            self.message.extras.push(extra);
        } else if self.message.header_extras.len() - self.header_from < MAX_HEADER_PARTIES {
            self.message.header_extras.push(extra);
        } else {
            let told = format!("more than {MAX_HEADER_PARTIES} parties in the headers of a message; split it");
            return Err(Fault::new(Reason::TooLarge, told));
        }
        Ok(())
    }

    fn fill(&mut self, slot: usize, found: Span) -> Result<(), Fault> {
        let in_header = matches!(self.part, Some(Part::Header(_)));
        let place = match self.message.transactions.last_mut() {
            _ if in_header => self.message.header.get_mut(slot),
            Some(read) => read.slots.get_mut(slot),
            None => None,
        };
        match place {
            Some(place) if place.end > place.start => {
                self.text_fault("an element that may stand once is repeated; send it once")
            }
            Some(place) => {
                *place = found;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn text_fault(&mut self, told: &str) -> Result<(), Fault> {
        self.fault(Fault::new(Reason::InvalidField, told))
    }

    /// Notes what is wrong with the transaction the walk is in; what is wrong elsewhere is wrong with the message.
    fn fault(&mut self, fault: Fault) -> Result<(), Fault> {
        match (self.part, self.message.transactions.last_mut()) {
            (Some(Part::Transaction(_)), Some(read)) => {
                read.fault.get_or_insert(fault);
                Ok(())
            }
            _ => Err(fault),
        }
    }
}

/// Whether `name` is that of a version that is read.
fn is_read(name: &str) -> bool {
    let version = name.strip_prefix("pacs.008.001.").filter(|nn| nn.len() == 2);
    version.and_then(|nn| nn.parse().ok()).is_some_and(|version| VERSIONS.contains(&version))
}

fn span(start: usize, end: usize) -> Span {
    // A record is far smaller than 4 GiB.
    Span { start: u32::try_from(start).unwrap_or(u32::MAX), end: u32::try_from(end).unwrap_or(u32::MAX) }
}
