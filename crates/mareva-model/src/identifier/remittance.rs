//! Identifiers inside free text.

use super::{Identifier, bank, confusable, has_mixed_case, write_address};

/// Identifiers taken from one text at most.
pub const MAX_FOUND: usize = 16;

/// Shortest address: an XRP address of 25 characters. Shortest IBAN: Norway's 15.
const MIN_ADDRESS: usize = 25;
const MIN_IBAN: usize = 15;
const MAX_IBAN: usize = 34;

/// Appends the validated identifiers that stand in `text` to `found`, each once: IBANs (also in groups of four), chain
/// addresses, telephone numbers with `+`. Stops at [`MAX_FOUND`]. Text without any costs one pass over its bytes.
pub fn recognise_in_text(text: &str, found: &mut Vec<Identifier>) {
    let bytes = text.as_bytes();
    let first = found.len();
    let mut at = 0;
    while at < bytes.len() && found.len() - first < MAX_FOUND {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        let word = &text[start..at];
        let mut canonical = String::new();
        if starts_iban(word.as_bytes()) && word.len() < MIN_ADDRESS {
            if let Some(end) = grouped_iban(text, start, at, &mut canonical) {
                at = end;
            }
        } else if word.len() >= MIN_ADDRESS {
            long_word(word, &mut canonical);
            if canonical.is_empty() && starts_iban(word.as_bytes()) {
                bank::write_iban(&mut canonical, word);
            }
        } else if word.len() >= 8 && start > 0 && bytes[start - 1] == b'+' {
            bank::write_phone(&mut canonical, &text[start - 1..at]);
        }
        if !canonical.is_empty() && !found[first..].iter().any(|known| known.canonical == canonical) {
            found.push(Identifier { canonical, validated: true });
        }
    }
}

/// Whether a byte belongs to a word. Bytes of other alphabets do: they may be homoglyphs.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

fn starts_iban(word: &[u8]) -> bool {
    matches!(word, [a, b, c, d, ..]
        if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit())
}

fn long_word(word: &str, canonical: &mut String) {
    if word.is_ascii() {
        write_address(canonical, word);
    // Prose of another alphabet has no digits in its words.
    } else if word.bytes().any(|b| b.is_ascii_digit())
        && let Some(folded) = confusable::fold(word)
    {
        write_address(canonical, folded.trim());
    }
}

/// An IBAN that begins at `start`, in one word or in groups between single spaces or hyphens; the place behind it.
fn grouped_iban(text: &str, start: usize, first_end: usize, canonical: &mut String) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut end, mut length) = (first_end, first_end - start);
    loop {
        if (MIN_IBAN..=MAX_IBAN).contains(&length)
            && !has_mixed_case(&bytes[start..end])
            && bank::write_iban(canonical, &text[start..end])
        {
            return Some(end);
        }
        if length > MAX_IBAN || !matches!(bytes.get(end), Some(b' ' | b'-')) {
            return None;
        }
        let group = bytes[end + 1..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        if group == 0 {
            return None;
        }
        end += 1 + group;
        length += group;
    }
}
