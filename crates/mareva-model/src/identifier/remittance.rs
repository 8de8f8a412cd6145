//! Identifiers inside free text.

use super::bank::{MAX_IBAN, MIN_IBAN};
use super::{Identifier, bank, confusable, write_address};

/// Shortest address: an XRP address of 25 characters.
const MIN_ADDRESS: usize = 25;
/// Most separators between two characters of an IBAN.
const MAX_GAP: usize = 3;
/// Shortest telephone number in E.164, without its `+`.
const MIN_PHONE: usize = 8;

/// Appends the identifiers that stand in `text` to `found`, each once: IBANs and chain addresses, then telephone
/// numbers with `+`. Words of other alphabets, labels and punctuation may touch them; the groups of an IBAN may be set
/// apart by blanks, points, hyphens and the like. Nothing but the length of the text bounds their number, so that none can
/// be hidden behind others. Text without any costs one pass over its bytes.
pub fn recognise_in_text(text: &str, found: &mut Vec<Identifier>) {
    let first = found.len();
    if text.is_ascii() {
        scan(text, found);
    } else {
        let (folded, joined) = confusable::fold_text(text);
        scan(&folded, found);
        if joined {
            // As it was written, everything but ASCII sets words apart.
            scan(text, found);
        }
    }
    if found.len() - first > 1 {
        let mut own = found.split_off(first);
        let rank = |one: &Identifier| one.canonical.starts_with("phone:");
        own.sort_unstable_by(|a, b| (rank(a), &a.canonical).cmp(&(rank(b), &b.canonical)));
        own.dedup();
        found.append(&mut own);
    }
}

fn scan(text: &str, found: &mut Vec<Identifier>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_alphanumeric() {
            let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            at = word(text, at, at + length, found);
        } else {
            at += 1;
        }
    }
}

/// Looks at the word from `start` to `end`; returns where to go on.
fn word(text: &str, start: usize, end: usize, found: &mut Vec<Identifier>) -> usize {
    let word = &text[start..end];
    if word.len() >= MIN_ADDRESS && take(found, |out| write_address(out, word)) {
        return end;
    }
    if word.len() >= MIN_PHONE && text[..start].ends_with('+') {
        take(found, |out| bank::write_phone(out, &text[start - 1..end]).then_some(true));
    }
    let mut from = start;
    while let Some(at) = iban_start(&text.as_bytes()[from..end]) {
        let mut behind = None;
        take(found, |out| {
            behind = iban(&text[from + at..], out);
            behind.map(|_| true)
        });
        // What follows an IBAN without a space is read on its own.
        from += at + behind.unwrap_or(1);
        if from >= end {
            return from;
        }
    }
    if word.len() > MIN_ADDRESS {
        for piece in pieces(word) {
            take(found, |out| write_address(out, piece));
        }
    }
    end
}

fn take(found: &mut Vec<Identifier>, write: impl FnOnce(&mut String) -> Option<bool>) -> bool {
    let mut canonical = String::new();
    let written = write(&mut canonical);
    if let Some(validated) = written {
        found.push(Identifier { canonical, validated });
    }
    written.is_some()
}

/// Where two letters and two digits stand together, the beginning of every IBAN.
fn iban_start(word: &[u8]) -> Option<usize> {
    word.windows(4).position(|four| {
        four[2].is_ascii_digit()
            && four[3].is_ascii_digit()
            && four[0].is_ascii_alphabetic()
            && four[1].is_ascii_alphabetic()
    })
}

/// Writes the IBAN that `text` begins with, whatever follows it; returns its length in the text.
fn iban(text: &str, out: &mut String) -> Option<usize> {
    let mut kept = [0_u8; MAX_IBAN];
    let (mut length, mut gap) = (0, 0);
    // What stands behind country and check digits, as a number modulo 97.
    let mut rest = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b'-' | b'.' | b'/' | b'_' if gap < MAX_GAP => gap += 1,
            _ if byte.is_ascii_alphanumeric() && length < MAX_IBAN => {
                let byte = byte.to_ascii_uppercase();
                kept[length] = byte;
                (length, gap) = (length + 1, 0);
                if length > 4 {
                    let value = value(byte);
                    rest = (rest * if value < 10 { 10 } else { 100 } + value) % 97;
                }
                // The check digits leave one length in a hundred to be held against the country's structure.
                if length >= MIN_IBAN && holds(rest, &kept) {
                    let electronic = std::str::from_utf8(&kept[..length]).ok()?;
                    if bank::write_iban(out, electronic) {
                        return Some(at + 1);
                    }
                }
            }
            _ => return None,
        }
    }
    None
}

/// The number that a digit or capital letter is to ISO 7064.
fn value(byte: u8) -> u32 {
    u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' + 10 })
}

fn holds(rest: u32, kept: &[u8; MAX_IBAN]) -> bool {
    let [a, b, c, d] = [kept[0], kept[1], kept[2], kept[3]].map(value);
    (rest * 1_000_000 + a * 10_000 + b * 100 + c * 10 + d) % 97 == 1
}

/// Parts of a word that may be addresses with something glued to them, in the forms that show where they begin and end.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    const EVM: usize = 42;
    const TRON: usize = 34;
    const MAX_SEGWIT: usize = 90;
    let marks = |mark| word.match_indices(mark).map(|(at, _)| at);
    let evm = ["0x", "0X"].into_iter().flat_map(marks).filter_map(|at| word.get(at..at + EVM));
    let segwit = ["bc1", "BC1", "ltc1", "LTC1"].into_iter().flat_map(marks).filter_map(|at| word.get(at..));
    let ends = [word.get(..TRON), word.len().checked_sub(TRON).and_then(|at| word.get(at..))];
    let tron = ends.into_iter().flatten().filter(|end| end.starts_with('T'));
    evm.chain(segwit.filter(|address| address.len() <= MAX_SEGWIT)).chain(tron)
}
