use std::io::{BufRead, Read};

use mareva_model::Digest;

use crate::faults::Faults;

/// Longest record of a list, in bytes. OFAC's are under 3 KiB; a longer one means an open quote or no CSV at all.
pub(crate) const MAX_RECORD: u64 = 1 << 20;

/// Passes bytes through to the CSV reader while it digests them, bounds the length of a record and notices quotes that
/// are never closed, which the CSV reader would take for the rest of the file.
pub(crate) struct GuardedReader<R> {
    inner: R,
    delimiter: u8,
    digest: blake3::Hasher,
    state: Quoting,
    /// Line being read, from 1, and the line on which the record or quote began.
    line: u64,
    record_line: u64,
    record_bytes: u64,
    last: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    FieldStart,
    Plain,
    Quoted,
    QuoteSeen,
}

/// What was noticed about a file once it is read.
pub(crate) struct Reading {
    /// BLAKE3 of all bytes.
    pub(crate) digest: Digest,
    /// Line on which a quote was opened that nothing closes.
    pub(crate) open_quote: Option<u64>,
    /// Whether the last line has its end of line.
    pub(crate) ends_with_line_break: bool,
}

impl<R: Read> GuardedReader<R> {
    pub(crate) fn new(inner: R, delimiter: u8) -> Self {
        Self {
            inner,
            delimiter,
            digest: blake3::Hasher::new(),
            state: Quoting::FieldStart,
            line: 1,
            record_line: 1,
            record_bytes: 0,
            last: None,
        }
    }

    pub(crate) fn reading(&self) -> Reading {
        Reading {
            digest: Digest(*self.digest.finalize().as_bytes()),
            open_quote: (self.state == Quoting::Quoted).then_some(self.record_line),
            ends_with_line_break: matches!(self.last, Some(b'\n' | b'\r')),
        }
    }

    /// Follows the quoting of one byte; true when the record ends with it.
    fn follow(&mut self, byte: u8) -> bool {
        let is_end = byte == self.delimiter || byte == b'\n' || byte == b'\r';
        self.state = match self.state {
            Quoting::Quoted if byte == b'"' => Quoting::QuoteSeen,
            Quoting::Quoted => Quoting::Quoted,
            Quoting::QuoteSeen | Quoting::FieldStart if byte == b'"' => Quoting::Quoted,
            _ if is_end => Quoting::FieldStart,
            _ => Quoting::Plain,
        };
        byte == b'\n' && self.state != Quoting::Quoted
    }
}

impl<R: Read> Read for GuardedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.digest.update(&buffer[..count]);
        for &byte in &buffer[..count] {
            self.record_bytes += 1;
            let ends = self.follow(byte);
            self.line += u64::from(byte == b'\n');
            if ends {
                (self.record_bytes, self.record_line) = (0, self.line);
            } else if self.record_bytes > MAX_RECORD {
                let begun = self.record_line;
                return Err(std::io::Error::other(format!(
                    "the record that begins on line {begun} is longer than {MAX_RECORD} bytes"
                )));
            }
        }
        self.last = buffer[..count].last().copied().or(self.last);
        Ok(count)
    }
}

/// Looks at the beginning of a file and says what it is when it is no CSV, and else which delimiter it uses.
pub(crate) fn sniff(reader: &mut impl BufRead, place: &str, faults: &mut Faults) -> Option<u8> {
    let head = match reader.fill_buf() {
        Ok(head) => head,
        Err(error) => {
            faults.add(place, format!("cannot be read: {error}"), "check the path and its permissions");
            return None;
        }
    };
    let bom = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let found = what_is(&head[bom..]);
    if let Err((reason, remedy)) = found {
        faults.add(place, reason, remedy);
        return None;
    }
    let line_end = head.iter().position(|b| *b == b'\n').unwrap_or(head.len());
    let count = |delimiter: u8| head[bom..line_end].iter().filter(|b| **b == delimiter).count();
    let delimiter = [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',');
    reader.consume(bom);
    Some(delimiter)
}

fn what_is(head: &[u8]) -> Result<(), (&'static str, &'static str)> {
    let text = head.trim_ascii_start();
    let again = "download it again, from the address of the CSV file";
    match text {
        [] => Err(("the file is empty", again)),
        [b'<', ..] => Err(("this is HTML or XML, not CSV", again)),
        [b'{' | b'[', ..] => Err(("this is JSON, not CSV", "export it as CSV with a header row")),
        [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Err(("the file is compressed", "unpack it first"))
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(("the file is UTF-16", "save it as UTF-8")),
        _ if text.iter().take(512).any(|b| *b == 0) => Err(("the file is binary, not CSV", again)),
        _ => Ok(()),
    }
}
