//! The walk over the XML: well-formedness, limits, and the text of the wanted elements.

mod filing;

use mareva_model::Reason;
use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

use super::definition::{Definition, Opens, stated};
use super::places::{SLOTS, Slot, Target, envelope, group, header, is_amount, other, transaction};
use super::tags::Tag;
use super::{Level, Message, Read, Span};
use crate::decoder::Limits;
use crate::fault::Fault;

/// Bytes of an XML declaration, and attributes of an amount.
const MAX_DECLARATION: usize = 256;
const MAX_ATTRIBUTES: usize = 16;

/// Reads the messages of a record; on an error nothing of it counts.
pub(super) fn read(xml: &str, limits: &Limits, message: &mut Message) -> Result<(), Fault> {
    if xml.contains('\0') {
        return Err(Fault::new(Reason::Malformed, "holds a NUL, which XML forbids; send text"));
    }
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut walk = Walk::over(limits, message);
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
    walk.finish()
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

/// Which part of the message the walk is in; its element is the last of so many.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Header(usize),
    Transaction(usize),
}

struct Walk<'w> {
    limits: &'w Limits,
    message: &'w mut Message,
    stack: Vec<Tag>,
    /// The message, and the depth of its element.
    root: Option<(Definition, usize)>,
    /// Depth of the element of a group.
    group: Option<usize>,
    part: Option<Part>,
    /// Where the text of the innermost element goes.
    target: Option<Target>,
    /// Where its text starts.
    start: usize,
    /// The version of each message that was stated last.
    versions: [Option<u8>; Definition::ALL.len()],
    /// What the business application header says of the time.
    header_time: Span,
    /// Where the message and the group begin in the record, and the number of their first transaction.
    message_from: (usize, usize),
    group_from: (usize, usize),
    /// Original messages that this one speaks of.
    originals: usize,
}

impl<'w> Walk<'w> {
    fn over(limits: &'w Limits, message: &'w mut Message) -> Self {
        Self {
            limits,
            message,
            stack: Vec::new(),
            root: None,
            group: None,
            part: None,
            target: None,
            start: 0,
            versions: Default::default(),
            header_time: Span::default(),
            message_from: (0, 0),
            group_from: (0, 0),
            originals: 0,
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, before: usize) -> Result<(), Fault> {
        let name = Tag::of(tag.local_name().into_inner());
        let around = self.stack.last().copied();
        self.stack.push(name);
        let depth = self.stack.len();
        if depth > self.limits.depth {
            let limit = self.limits.depth;
            return Err(Fault::new(Reason::TooLarge, format!("nested deeper than {limit} levels; flatten it")));
        }
        match self.target.take() {
            // Text beside an element would be lost, and with it perhaps a name.
            Some(_) if (self.part.is_some() || self.group.is_some()) && !around.is_some_and(is_either) => {
                self.text_fault("an element stands inside a text; mend the message")?;
            }
            // Others than the standard write what stands here; the text goes on behind the element.
            Some(target) => self.store(target)?,
            None => {}
        }
        self.start = self.message.text.len();
        let Some((definition, root)) = self.root else {
            return self.outside(tag, name, depth, before);
        };
        let opens = if self.part.is_none() { definition.opens(&self.stack[root..]) } else { None };
        match opens {
            Some(Opens::Header) => {
                self.originals += usize::from(name == Tag::OrgnlGrpInf);
                if self.originals == 2 && name == Tag::OrgnlGrpInf {
                    self.forget_original();
                }
                self.part = Some(Part::Header(depth));
            }
            Some(Opens::Group) => self.begin_group(depth, before)?,
            Some(Opens::Transaction) => {
                self.begin(definition, before)?;
                self.part = Some(Part::Transaction(depth));
            }
            None => self.target = self.target_here(),
        }
        match self.target {
            Some(Target::Slot(slot)) if is_amount(slot) => self.currency(slot, tag),
            _ => Ok(()),
        }
    }

    /// Where the text of the innermost element goes, inside a message.
    fn target_here(&self) -> Option<Target> {
        let (definition, root) = self.root?;
        match (self.part, self.group) {
            (Some(Part::Header(base)), _) => {
                let (part, path) = (*self.stack.get(base - 1)?, &self.stack[base..]);
                // Of several original messages each transaction names its own.
                if part == Tag::OrgnlGrpInf && self.originals > 1 { other(path) } else { header(part, path) }
            }
            (Some(Part::Transaction(base)), _) => transaction(definition, &self.stack[base..]),
            (None, Some(base)) => group(definition, &self.stack[base..]),
            // Beside all these, such as supplementary data of the message.
            (None, None) => other(&self.stack[root..]),
        }
    }

    /// Elements around the message: they may state its version.
    fn outside(&mut self, tag: &BytesStart<'_>, name: Tag, depth: usize, before: usize) -> Result<(), Fault> {
        for (definition, version) in stated(tag.attributes_raw()) {
            self.versions[definition as usize] = Some(version);
        }
        let Some(definition) = Definition::of(name) else {
            self.target = envelope(&self.stack);
            return Ok(());
        };
        if self.versions[definition as usize].is_some_and(|version| !definition.reads(version)) {
            let (family, (first, last)) = (definition.family(), definition.versions());
            let told = format!("this version of {family} is not read; send .001.{first:02} to .001.{last:02}");
            return Err(Fault::new(Reason::UnknownFormat, told));
        }
        if self.message.headers.len() >= self.limits.transactions {
            return Err(self.too_many());
        }
        self.root = Some((definition, depth));
        self.message_from = (before, self.message.transactions.len());
        self.originals = 0;
        // Parties since the last message are of the envelope of this one.
        let mut level = Level::new(self.message.headers.last().map_or(0, |last| last.extras.1));
        level.slots[Slot::HeaderTime as usize] = std::mem::take(&mut self.header_time);
        self.message.headers.push(level);
        Ok(())
    }

    fn begin_group(&mut self, depth: usize, before: usize) -> Result<(), Fault> {
        if self.message.groups.len() >= self.limits.transactions {
            return Err(self.too_many());
        }
        self.group = Some(depth);
        self.group_from = (before, self.message.transactions.len());
        self.message.groups.push(Level::new(self.message.group_extras.len()));
        Ok(())
    }

    fn begin(&mut self, definition: Definition, before: usize) -> Result<(), Fault> {
        if self.message.transactions.len() >= self.limits.transactions {
            return Err(self.too_many());
        }
        let header = self.message.headers.len() - 1;
        self.message.transactions.push(Read {
            definition,
            version: self.versions[definition as usize],
            slots: [Span::default(); SLOTS],
            fault: None,
            place: (before, before),
            header,
            group: self.group.map(|_| self.message.groups.len() - 1),
        });
        Ok(())
    }

    fn too_many(&self) -> Fault {
        let limit = self.limits.transactions;
        Fault::new(Reason::TooLarge, format!("more than {limit} transactions in a message; split it"))
    }

    /// What was said of one original message does not hold for transactions of another.
    fn forget_original(&mut self) {
        if let Some(header) = self.message.headers.last_mut() {
            for slot in [Slot::Status, Slot::Reason, Slot::OriginalMessageName] {
                header.slots[slot as usize] = Span::default();
            }
        }
    }

    fn currency(&mut self, slot: usize, tag: &BytesStart<'_>) -> Result<(), Fault> {
        let mut attributes = tag.attributes();
        let attributes = attributes.with_checks(false).take(MAX_ATTRIBUTES);
        let code = attributes.filter_map(Result::ok).find(|attribute| attribute.key.as_ref() == b"Ccy");
        let local_name = String::from_utf8_lossy(tag.local_name().into_inner()).into_owned();
        match code {
            Some(code) if code.value.len() == 3 && code.value.iter().all(u8::is_ascii_uppercase) => {
                let start = self.message.text.len();
                self.message.text.extend(code.value.iter().map(|byte| char::from(*byte)));
                self.start = self.message.text.len();
                self.fill(slot + 1, span(start, self.start))
            }
            None => self.fault(Fault::missing(&format!("{local_name} Ccy"))),
            Some(_) => self.text_fault(&format!("{local_name} Ccy is no ISO 4217 code; write three capital letters")),
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
        if self.group == Some(depth) {
            self.close_group(after)?;
        }
        if let Some((definition, root)) = self.root
            && root == depth
        {
            self.close_message(definition, after)?;
        }
        let either = self.stack.last().copied().is_some_and(is_either);
        let goes_on = self.part.is_none() && self.group.is_none() || either;
        if goes_on {
            self.target = if self.root.is_some() { self.target_here() } else { envelope(&self.stack) };
            self.start = self.message.text.len();
        }
        Ok(())
    }

    /// A group without transactions is a dead letter: nobody is to hide in it.
    fn close_group(&mut self, after: usize) -> Result<(), Fault> {
        let (before, first) = self.group_from;
        if let Some(group) = self.message.groups.last_mut() {
            group.extras.1 = self.message.group_extras.len();
        }
        if let Some((definition, _)) = self.root
            && self.message.transactions.len() == first
        {
            self.stand_in(definition, before, after)?;
        }
        self.group = None;
        Ok(())
    }

    fn close_message(&mut self, definition: Definition, after: usize) -> Result<(), Fault> {
        self.root = None;
        self.give_header();
        let (before, first) = self.message_from;
        if self.message.transactions.len() == first {
            self.stand_in(definition, before, after)?;
        }
        Ok(())
    }

    /// A transaction for a message or a group that has none; the status of a whole message is one.
    fn stand_in(&mut self, definition: Definition, before: usize, after: usize) -> Result<(), Fault> {
        self.begin(definition, before)?;
        let reports = definition == Definition::StatusReport && self.originals == 1;
        if let Some(read) = self.message.transactions.last_mut() {
            read.place.1 = after;
            read.fault = (!reports).then(|| Fault::missing(definition.transaction()));
        }
        Ok(())
    }

    /// Gives the last message the parties of its header and envelope.
    fn give_header(&mut self) {
        if let Some(header) = self.message.headers.last_mut() {
            header.extras.1 = self.message.header_extras.len();
        }
    }

    /// Behind the last element of the record.
    fn finish(mut self) -> Result<(), Fault> {
        // An envelope that closes behind the last message.
        self.give_header();
        match self.message.transactions.as_slice() {
            [] => {
                let families = Definition::ALL.map(Definition::family).join(", ");
                let told = format!("no message in it that is read; send {families} on this stream");
                Err(Fault::new(Reason::UnknownFormat, told))
            }
            // The record is read again for whoever it names.
            [Read { fault: Some(fault), place, .. }] if place.0 == self.message_from.0 => Err(fault.clone()),
            _ => Ok(()),
        }
    }
}

/// Whether an element holds a text in some versions and elements in others.
fn is_either(tag: Tag) -> bool {
    matches!(tag, Tag::InstrForDbtrAgt | Tag::ReqdExctnDt)
}

fn span(start: usize, end: usize) -> Span {
    // A record is far smaller than 4 GiB.
    Span { start: u32::try_from(start).unwrap_or(u32::MAX), end: u32::try_from(end).unwrap_or(u32::MAX) }
}
