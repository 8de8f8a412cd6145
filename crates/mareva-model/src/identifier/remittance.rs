//! Identifiers inside free text.

use super::bank::{MAX_PHONE, MIN_PHONE, TRUNK_ZERO};
use super::iban::{has_ibans, write_leading_iban};
use super::{Identifier, confusable, write_address};

/// Shortest address: an XRP address of 25 characters.
const MIN_ADDRESS: usize = 25;
/// Longest segwit address (BIP-173).
const MAX_SEGWIT: usize = 90;
/// Lengths of addresses that are looked for inside of words, too. Shorter ones have a hash that begins with zeros, longer
/// ones are of Monero or Stellar: looking for them everywhere would cost more than the rest.
const COMMON: std::ops::RangeInclusive<usize> = 33..=63;
/// Most separators between two digits of a telephone number, which has no checksum. Between those of an IBAN there may be any.
const MAX_GAP: usize = 3;

/// Appends the identifiers that stand in `text` to `found`, each once: IBANs and chain addresses, then telephone numbers
/// with `+`. Words of any alphabet, labels and punctuation may touch them. The characters of an IBAN may be set apart by
/// anything but letters and digits, the digits of a telephone number by blanks, points, hyphens and the like; nobody knows
/// where it ends then, so that each of its groups may be the last. Nothing but the length of the text bounds their number,
/// so that none can be hidden behind others. Text without any costs one pass over its bytes.
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
        own.sort_unstable_by(|a, b| (rank(a), &a.canonical, !a.validated).cmp(&(rank(b), &b.canonical, !b.validated)));
        own.dedup_by(|a, b| a.canonical == b.canonical);
        found.append(&mut own);
    }
}

fn scan(text: &str, found: &mut Vec<Identifier>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_alphanumeric() {
            let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            word(text, at, at + length, found);
            at += length;
        } else {
            if bytes[at] == b'+' {
                phones(&bytes[at + 1..], found);
            }
            at += 1;
        }
    }
}

/// Looks at the word from `start` to `end`, and at what begins in it.
fn word(text: &str, start: usize, end: usize, found: &mut Vec<Identifier>) {
    let word = &text[start..end];
    if word.len() >= MIN_ADDRESS && take(found, |out| write_address(out, word)) {
        return;
    }
    let bytes = text.as_bytes();
    // Text has few digits: the first of a group shows whether the letters before it begin an IBAN.
    for at in start..end {
        if bytes[at].is_ascii_digit()
            && (at == start || bytes[at - 1].is_ascii_alphabetic())
            && let Some(first) = iban_around(bytes, at)
        {
            take(found, |out| write_leading_iban(&bytes[first..], out).then_some(true));
        }
    }
    if word.len() > MIN_ADDRESS {
        glued(word, found);
    }
}

fn take(found: &mut Vec<Identifier>, write: impl FnOnce(&mut String) -> Option<bool>) -> bool {
    let mut canonical = String::new();
    let written = write(&mut canonical);
    if let Some(validated) = written {
        found.push(Identifier { canonical, validated });
    }
    written.is_some()
}

/// Takes the telephone numbers that begin `bytes`, which stand behind a `+`.
fn phones(bytes: &[u8], found: &mut Vec<Identifier>) {
    let mut number = String::new();
    let (mut at, mut gap) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'0' if number.is_empty() => return,
            b'0'..=b'9' if number.len() < MAX_PHONE => {
                number.push(char::from(byte));
                gap = 0;
                let is_last_of_group = !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
                if is_last_of_group && number.len() >= MIN_PHONE {
                    found.push(Identifier { canonical: format!("phone:+{number}"), validated: true });
                }
            }
            b'(' if bytes[at..].starts_with(TRUNK_ZERO) && !number.is_empty() => at += TRUNK_ZERO.len(),
            b'(' | b')' | b' ' | b'-' | b'.' | b'/' | b'\t' | b'\r' | b'\n'
                if gap < MAX_GAP && (byte == b'(' || !number.is_empty()) =>
            {
                gap += 1;
            }
            _ => return,
        }
    }
}

/// Where the country stands whose check digits would begin at `digit`.
fn iban_around(bytes: &[u8], digit: usize) -> Option<usize> {
    let separators = |byte: &&u8| !byte.is_ascii_alphanumeric();
    let gap = bytes[digit + 1..].iter().take_while(separators).count();
    bytes.get(digit + 1 + gap).filter(|byte| byte.is_ascii_digit())?;
    let letter_before = |at: usize| {
        let gap = bytes[..at].iter().rev().take_while(separators).count();
        at.checked_sub(gap + 1).filter(|at| bytes[*at].is_ascii_alphabetic())
    };
    let second = letter_before(digit)?;
    let first = letter_before(second)?;
    has_ibans(bytes[first], bytes[second]).then_some(first)
}

/// Takes the addresses that stand in a word with something glued to them: wherever one may begin, the lengths that it may
/// have there are held against its checksum; those out of the ordinary only where the word begins or ends with it.
fn glued(word: &str, found: &mut Vec<Identifier>) {
    let bytes = word.as_bytes();
    for at in 0..=bytes.len() - MIN_ADDRESS {
        let rest = &word[at..];
        let (lengths, is_segwit) = lengths(rest.as_bytes());
        // A program of a version to come may have any length.
        let to_the_end = (is_segwit && rest.len() <= MAX_SEGWIT).then_some(rest.len());
        for length in lengths.iter().copied().chain(to_the_end) {
            let at_an_edge = at == 0 || length == rest.len();
            if let Some(address) = rest.get(..length).filter(|_| at_an_edge || COMMON.contains(&length)) {
                take(found, |out| write_address(out, address));
            }
        }
    }
}

/// How long an address may be that begins with these characters, and whether it is a segwit address.
fn lengths(rest: &[u8]) -> (&'static [usize], bool) {
    let lengths: &[usize] = match rest {
        [b'0', b'x' | b'X', ..] => &[42],
        [b'b', b'c', b'1', ..] | [b'B', b'C', b'1', ..] => return (&[42, 62], true),
        [b'l', b't', b'c', b'1', ..] | [b'L', b'T', b'C', b'1', ..] => return (&[43, 63], true),
        [b'q' | b'p' | b'Q' | b'P', ..] => &[42],
        [b'1', ..] => &[26, 27, 28, 29, 30, 31, 32, 33, 34],
        [b'r', ..] => &[25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35],
        [b't', b'1' | b'3', ..] => &[35],
        [b'T', ..] => &[34],
        [b'G', ..] => &[33, 34, 56],
        [b'M', ..] => &[33, 34, 69],
        [b'3' | b'L' | b'D' | b'X' | b'A' | b'9' | b'7', ..] => &[33, 34],
        [b'4' | b'8', ..] => &[95, 106],
        _ => &[],
    };
    (lengths, false)
}
