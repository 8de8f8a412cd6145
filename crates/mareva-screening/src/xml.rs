//! Lists in XML, one entry at a time: the whole file is never held.

use std::io::{BufReader, Read};

use mareva_model::{Digest, Refusal};
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

/// Largest element that is held, in bytes of its file. The longest entry of the UN's list of 2026 has 9 KB; reference sets of
/// OFAC's advanced format have some hundred.
const MAX_ELEMENT: u64 = 4 << 20;
/// Deepest nesting; OFAC's advanced format has 10 levels.
const MAX_DEPTH: usize = 32;
/// Most attributes of an element.
const MAX_ATTRIBUTES: usize = 64;
/// Largest file, in bytes; OFAC's advanced format has 120 MB.
const MAX_FILE: u64 = 1 << 30;
/// Buffer between file and reader, in bytes.
const BUFFER: usize = 256 << 10;
const CUT: &str = "the file is cut off: elements are open";
const DOWNLOAD: &str = "download the list again, from the address of its XML file";

/// An element with all that is in it. Names are without prefix; white space of texts is single and never at an end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The text between its tags, without that of elements in it; empty where there is none.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// An attribute; `None` where it is absent or blank.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(own, _)| own == name)?;
        Some(found.1.as_str()).filter(|text| !text.is_empty())
    }

    /// The elements in it that have a name, in their order.
    pub(crate) fn children<'e>(&'e self, name: &str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The same, taken out of it.
    pub(crate) fn into_children<'e>(self, name: &'e str) -> impl Iterator<Item = Element> + 'e {
        self.children.into_iter().filter(move |child| child.name == name)
    }

    /// Texts of the elements in it that have a name, without the blank ones.
    pub(crate) fn texts<'e>(&'e self, name: &str) -> impl Iterator<Item = &'e str> {
        self.children(name).map(Element::text).filter(|text| !text.is_empty())
    }

    /// The first of [`Self::texts`].
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }
}

/// A list in XML, read from its beginning to its end.
pub(crate) struct XmlList<'p, R> {
    reader: Reader<BufReader<Digested<R>>>,
    buffer: Vec<u8>,
    place: &'p str,
    root: Element,
    /// Open elements around the next one.
    depth: usize,
}

impl<'p, R: Read> XmlList<'p, R> {
    /// Reads as far as the first element of a file; `place` names it in faults.
    ///
    /// # Errors
    /// What cannot be read or is no XML.
    pub(crate) fn open(input: R, place: &'p str) -> Result<Self, Refusal> {
        let digested = Digested { inner: input, digest: blake3::Hasher::new(), read: 0, until: MAX_ELEMENT };
        let mut reader = Reader::from_reader(BufReader::with_capacity(BUFFER, digested));
        reader.config_mut().expand_empty_elements = true;
        let mut list = Self { reader, buffer: Vec::new(), place, root: Element::default(), depth: 0 };
        match list.start()? {
            Some(root) => list.root = root,
            None => return Err(list.refused("holds no element")),
        }
        Ok(list)
    }

    /// The first element, without what is in it.
    pub(crate) fn root(&self) -> &Element {
        &self.root
    }

    /// The next element of one of these names, whole, at whatever depth; `None` at the end of the file.
    ///
    /// # Errors
    /// What cannot be read, is cut off, nested too deep or too large.
    pub(crate) fn next(&mut self, names: &[&str]) -> Result<Option<Element>, Refusal> {
        while let Some(element) = self.start()? {
            if names.contains(&element.name.as_str()) {
                return self.whole(element).map(Some);
            }
        }
        Ok(None)
    }

    /// Digest of the file, once [`Self::next`] has come to its end.
    pub(crate) fn digest(&self) -> Digest {
        Digest(*self.reader.get_ref().get_ref().digest.finalize().as_bytes())
    }

    /// A fault of this file.
    pub(crate) fn refused(&self, reason: impl Into<String>) -> Refusal {
        Refusal::one(self.place, reason, DOWNLOAD)
    }

    /// The next start tag, itself now open; `None` at the end.
    fn start(&mut self) -> Result<Option<Element>, Refusal> {
        loop {
            match self.event()? {
                Step::Start(element) => {
                    self.depth += 1;
                    return Ok(Some(element));
                }
                Step::End => self.depth = self.depth.saturating_sub(1),
                Step::Text(_) => {}
                Step::Eof if self.depth > 0 => return Err(self.refused(CUT)),
                Step::Eof => return Ok(None),
            }
        }
    }

    /// Reads on to the end of an element that is open.
    fn whole(&mut self, first: Element) -> Result<Element, Refusal> {
        let began = self.reader.buffer_position();
        let mut open = vec![first];
        loop {
            if self.reader.buffer_position() - began > MAX_ELEMENT {
                return Err(self.refused(format!("an element at byte {began} is larger than {MAX_ELEMENT} bytes")));
            }
            match self.event()? {
                Step::Start(element) => {
                    self.depth += 1;
                    open.push(element);
                }
                Step::Text(text) => {
                    if let Some(innermost) = open.last_mut() {
                        innermost.text.push_str(&text);
                    }
                }
                Step::End => {
                    self.depth = self.depth.saturating_sub(1);
                    let Some(mut closed) = open.pop() else { continue };
                    closed.text = one_line(&closed.text);
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => return Ok(closed),
                    }
                }
                Step::Eof => return Err(self.refused(CUT)),
            }
        }
    }

    fn event(&mut self) -> Result<Step, Refusal> {
        loop {
            self.buffer.clear();
            // One text or tag without end must not fill the memory.
            let until = self.reader.buffer_position() + MAX_ELEMENT;
            self.reader.get_mut().get_mut().until = until.min(MAX_FILE);
            let event = self.reader.read_event_into(&mut self.buffer);
            let read = match event {
                Ok(Event::Start(_)) if self.depth >= MAX_DEPTH => Err(Wrong::Deep),
                Ok(Event::Start(tag)) => element(&tag).map(Some),
                Ok(Event::End(_)) => Ok(Some(Step::End)),
                Ok(Event::Text(bytes)) => text(&bytes),
                Ok(Event::CData(bytes)) => text(&bytes),
                Ok(Event::GeneralRef(name)) => reference(&name),
                Ok(Event::Decl(declaration)) => match declaration.encoding() {
                    Some(Ok(name)) if !name.eq_ignore_ascii_case(b"utf-8") => Err(Wrong::Encoding),
                    _ => Ok(None),
                },
                Ok(Event::DocType(_)) => Err(Wrong::DocType),
                Ok(Event::PI(_) | Event::Comment(_) | Event::Empty(_)) => Ok(None),
                Ok(Event::Eof) => Ok(Some(Step::Eof)),
                Err(Error::Syntax(error)) if error != SyntaxError::InvalidBangMarkup => Err(Wrong::Cut),
                Err(error) => Err(Wrong::Form(error.to_string())),
            };
            match read {
                Ok(Some(read)) => return Ok(read),
                Ok(None) => {}
                Err(wrong) => return Err(self.wrong(&wrong)),
            }
        }
    }

    fn wrong(&self, wrong: &Wrong) -> Refusal {
        let place = self.reader.buffer_position();
        self.refused(match wrong {
            Wrong::Cut => CUT.to_owned(),
            Wrong::Deep => format!("elements are nested deeper than {MAX_DEPTH} levels at byte {place}"),
            Wrong::Encoding => "declares an encoding other than UTF-8".to_owned(),
            Wrong::DocType => "has a DOCTYPE, which no list has".to_owned(),
            Wrong::Entity => format!("an entity that XML does not define stands before byte {place}"),
            Wrong::Form(error) => format!("is not well-formed XML before byte {place}: {error}"),
        })
    }
}

/// What the file goes on with.
enum Step {
    Start(Element),
    Text(String),
    End,
    Eof,
}

/// Why it is no list.
enum Wrong {
    Cut,
    Deep,
    Encoding,
    DocType,
    Entity,
    Form(String),
}

fn element(tag: &BytesStart<'_>) -> Result<Step, Wrong> {
    let name = text_of(tag.local_name().into_inner())?;
    let mut attributes = Vec::new();
    for attribute in tag.attributes().with_checks(false).take(MAX_ATTRIBUTES) {
        let attribute = attribute.map_err(|error| Wrong::Form(error.to_string()))?;
        let value = attribute.unescape_value().map_err(|_| Wrong::Entity)?;
        attributes.push((text_of(attribute.key.local_name().into_inner())?, one_line(&value)));
    }
    Ok(Step::Start(Element { name, attributes, ..Element::default() }))
}

fn text_of(bytes: &[u8]) -> Result<String, Wrong> {
    let text = std::str::from_utf8(bytes).map_err(|error| Wrong::Form(format!("{error}; the file must be UTF-8")))?;
    Ok(text.to_owned())
}

fn text(bytes: &[u8]) -> Result<Option<Step>, Wrong> {
    text_of(bytes).map(|text| Some(Step::Text(text)))
}

/// Only the five references of XML itself and characters are resolved; nothing else can be declared without a DOCTYPE.
fn reference(name: &BytesRef<'_>) -> Result<Option<Step>, Wrong> {
    let named = match &**name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => name.resolve_char_ref().map_err(|error| Wrong::Form(error.to_string()))?,
    };
    named.map(|c| Some(Step::Text(c.to_string()))).ok_or(Wrong::Entity)
}

fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Passes bytes through, digests them, and ends where more is asked for than may be.
struct Digested<R> {
    inner: R,
    digest: blake3::Hasher,
    read: u64,
    until: u64,
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read > self.until + BUFFER as u64 {
            let (most, file) = (MAX_ELEMENT, MAX_FILE);
            let told = format!("a text or tag is larger than {most} bytes, or the file larger than {file}");
            return Err(std::io::Error::other(told));
        }
        let count = self.inner.read(buffer)?;
        self.digest.update(&buffer[..count]);
        self.read += count as u64;
        Ok(count)
    }
}
