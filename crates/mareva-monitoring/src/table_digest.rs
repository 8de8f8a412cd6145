//! What a table's file says of its own bytes. The library writes no checksums of pages (parquet 59, `column/page.rs`), so that a
//! flipped bit would be another amount; one in the footer would be rows that are not there.
//!
//! Pages are digested while they are written, and the footer says what came out. The footer's own digest stands before it, where
//! no other reader looks. Files of others have neither.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use mareva_model::{Digest, Digesting, digest};

/// Key of the footer under which stand the number of bytes from the start of the file, a blank, and their BLAKE3 digest.
pub(crate) const DIGEST_KEY: &str = "mareva.digest";
/// Key under which movements name the digest of the transactions that they are of.
pub(crate) const BESIDE_KEY: &str = "mareva.transactions";

/// What the digest of a footer begins with.
const MARK: &[u8] = b"mareva.footer ";
/// A BLAKE3 digest as hex.
const HEX: usize = 64;
/// The length of the footer, four bytes, and `PAR1`.
const TAIL: usize = 8;
/// Longest footer that is read, bytes: 10,000 groups of rows take a tenth of it.
const LONGEST: u64 = 256 << 20;

/// Something that is written to, and the digest of what was written.
pub(crate) struct Digested<W> {
    out: W,
    bytes: u64,
    digest: Digesting,
    /// What comes after the pages, from when they ended.
    end: Option<Vec<u8>>,
}

impl<W: Write> Digested<W> {
    pub fn new(out: W) -> Self {
        Self { out, bytes: 0, digest: Digesting::default(), end: None }
    }

    /// All pages are written. Returns the digest, and what the footer says of it.
    pub fn end_pages(&mut self) -> (Digest, String) {
        self.end = Some(Vec::new());
        let digest = self.digest.digest();
        (digest, format!("{} {digest}", self.bytes))
    }

    /// Writes the footer, its digest before it.
    pub fn finish(mut self) -> io::Result<W> {
        let end = self.end.take().unwrap_or_default();
        let footer = footer_bytes(&end).and_then(|footer| end.len().checked_sub(footer)).unwrap_or_default();
        let (before, footer) = end.split_at(footer);
        self.out.write_all(before)?;
        self.out.write_all(MARK)?;
        self.out.write_all(digest(footer).to_string().as_bytes())?;
        self.out.write_all(footer)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(end) = &mut self.end {
            end.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let written = self.out.write(bytes)?;
        self.digest.add(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Bytes of a footer, its tail included, of something that ends with one.
fn footer_bytes(end: &[u8]) -> Option<usize> {
    let length = end.len().checked_sub(TAIL).and_then(|at| end.get(at..at + 4))?;
    let length = u32::from_le_bytes(length.try_into().ok()?);
    usize::try_from(length).ok()?.checked_add(TAIL)
}

/// What the digest before a footer says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Footer {
    /// There is none.
    Unsaid,
    /// It is the footer that was written.
    Whole,
    /// It is another one.
    Damaged,
}

/// Holds the footer of a file against the digest before it.
pub(crate) fn footer(mut file: &File) -> io::Result<Footer> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut tail = [0; TAIL];
    if length < TAIL as u64 {
        return Ok(Footer::Unsaid);
    }
    file.seek(SeekFrom::Start(length - TAIL as u64))?;
    file.read_exact(&mut tail)?;
    let said = MARK.len() + HEX;
    let bytes = footer_bytes(&tail).map_or(u64::MAX, |bytes| bytes as u64);
    let Some(from) = length.checked_sub(bytes).and_then(|at| at.checked_sub(said as u64)) else {
        return Ok(Footer::Unsaid);
    };
    if bytes > LONGEST {
        return Ok(Footer::Damaged);
    }
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.take(said as u64 + bytes).read_to_end(&mut end)?;
    Ok(match end.split_at_checked(said) {
        Some((said, footer)) if said.starts_with(MARK) => {
            let is_it = said[MARK.len()..] == *digest(footer).to_string().as_bytes();
            if is_it { Footer::Whole } else { Footer::Damaged }
        }
        _ => Footer::Unsaid,
    })
}

/// Whether the pages of a file are those of which its footer says this; none where that cannot be read.
pub(crate) fn pages_are(mut file: &File, said: &str) -> io::Result<Option<bool>> {
    let Some((bytes, digest)) = said.split_once(' ').and_then(|(bytes, digest)| Some((bytes.parse().ok()?, digest)))
    else {
        return Ok(None);
    };
    file.rewind()?;
    let (mut left, mut found) = (file.take(bytes), Digesting::default());
    let mut buffer = vec![0; 1 << 20];
    loop {
        match left.read(&mut buffer)? {
            0 => break,
            read => found.add(&buffer[..read]),
        }
    }
    Ok(Some(found.digest().to_string() == digest))
}
