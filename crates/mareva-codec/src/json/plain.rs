//! Reads plain records without `serde_json`: texts without escapes, names that come once, nothing nested but parties. Nearly
//! all records are. Whatever else there is, faults too, is left to `serde_json`, which tells them apart.

use std::borrow::Cow;

use super::{Field, Token};

/// A record or a part of one, as fields by name: those that `serde` knows, too, in the order of the schema.
pub(crate) trait Record<'a>: Default {
    /// Names of the fields, at most 64.
    const NAMES: &'static [&'static str];

    /// Where the value of a field goes, by its place among the names.
    fn place(&mut self, at: usize) -> Option<Place<'_, 'a>>;
}

/// Where a value goes.
pub(crate) enum Place<'m, 'a> {
    Text(&'m mut Field<'a>),
    Token(&'m mut Option<Token<'a>>),
    Part(&'m mut dyn Part<'a>),
}

/// A field that holds an object.
pub(crate) trait Part<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Option<()>;
}

impl<'a, R: Record<'a>> Part<'a> for Option<R> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        reader.object(self.insert(R::default()))
    }
}

/// A type of field.
pub(crate) trait Slot<'a> {
    fn place(&mut self) -> Place<'_, 'a>;
}

impl<'a> Slot<'a> for Field<'a> {
    fn place(&mut self) -> Place<'_, 'a> {
        Place::Text(self)
    }
}

impl<'a> Slot<'a> for Option<Token<'a>> {
    fn place(&mut self) -> Place<'_, 'a> {
        Place::Token(self)
    }
}

/// The record, where it is plain.
pub(crate) fn read<'a, R: Record<'a>>(text: &'a str) -> Option<R> {
    let (mut reader, mut record) = (Reader { text, at: 0 }, R::default());
    reader.object(&mut record)?;
    reader.peek().is_none().then_some(record)
}

/// Reads on in a record. `None` wherever it is not plain.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn object<R: Record<'a>>(&mut self, into: &mut R) -> Option<()> {
        self.expect(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        let (mut seen, mut expected) = (0_u64, 0);
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            match find(R::NAMES, name, expected) {
                Some(at) => {
                    let bit = 1_u64.checked_shl(u32::try_from(at).ok()?)?;
                    if seen & bit != 0 {
                        return None;
                    }
                    seen |= bit;
                    expected = at + 1;
                    self.value(into.place(at)?)?;
                }
                None => _ = self.token()?,
            }
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    fn value(&mut self, place: Place<'_, 'a>) -> Option<()> {
        if self.peek()? == b'n' {
            return self.word("null").map(|_| ());
        }
        match place {
            Place::Text(field) => field.0 = Some(Cow::Borrowed(self.string()?)),
            Place::Token(token) => *token = Some(Token(self.token()?)),
            Place::Part(part) => part.read(self)?,
        }
        Some(())
    }

    /// A value that is no object and no list, as it is written.
    fn token(&mut self) -> Option<&'a str> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => _ = self.string()?,
            b't' => return self.word("true"),
            b'f' => return self.word("false"),
            b'n' => return self.word("null"),
            _ => self.number()?,
        }
        self.text.get(start..self.at)
    }

    fn word(&mut self, word: &'static str) -> Option<&'a str> {
        let end = self.at + word.len();
        let found = self.text.get(self.at..end).filter(|found| *found == word)?;
        self.at = end;
        Some(found)
    }

    /// By the grammar of RFC 8259, section 6.
    fn number(&mut self) -> Option<()> {
        self.skip(b"-");
        let start = self.at;
        let digits = self.digits();
        if digits == 0 || digits > 1 && self.text.as_bytes()[start] == b'0' {
            return None;
        }
        if self.skip(b".") && self.digits() == 0 {
            return None;
        }
        if self.skip(b"eE") {
            self.skip(b"+-");
            if self.digits() == 0 {
                return None;
            }
        }
        Some(())
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn skip(&mut self, any: &[u8]) -> bool {
        let found = self.text.as_bytes().get(self.at).is_some_and(|byte| any.contains(byte));
        self.at += usize::from(found);
        found
    }

    /// A string without escapes, without its quotes.
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start;
        while let Some(eight) = bytes.get(end..).and_then(<[u8]>::first_chunk) {
            match special(*eight) {
                Some(at) => return self.end(start, end + at),
                None => end += eight.len(),
            }
        }
        let at = bytes.get(end..)?.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
        self.end(start, end + at)
    }

    fn end(&mut self, start: usize, end: usize) -> Option<&'a str> {
        self.at = end + 1;
        (self.text.as_bytes()[end] == b'"').then(|| self.text.get(start..end))?
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match *bytes.get(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }
}

/// The number of a field. Senders write them in one order, nearly always that of the schema: it is looked for from `expected` on.
fn find(names: &[&str], name: &str, expected: usize) -> Option<usize> {
    let (before, from) = names.split_at(expected.min(names.len()));
    let is_it = |own: &&str| **own == *name;
    from.iter().position(is_it).map(|at| at + before.len()).or_else(|| before.iter().position(is_it))
}

/// Place of the first quote, backslash or control character among eight bytes.
///
/// A byte of `v` is zero where the lowest bit set in `(v - 0x01…) & !v & 0x80…` says so; those above may be wrong, since they
/// lent (Anderson, Bit Twiddling Hacks, "Determine if a word has a zero byte" and "a byte less than n").
fn special(eight: [u8; 8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    let word = u64::from_le_bytes(eight);
    let less = |v: u64, n: u64| v.wrapping_sub(ONES * n) & !v & TOPS;
    let is = |byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    let found = is(b'"') | is(b'\\') | less(word, 0x20);
    (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
}
