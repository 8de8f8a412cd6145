//! IBANs (ISO 13616): a structure for each country, and check digits (ISO 7064, modulo 97).
//!
//! The check is our own because every payment of a bank has two: the library, which the tests hold it against, took a fifth of
//! the time of decoding.

use super::bank::strip_scheme;
use super::trimmed;

/// Shortest and longest IBAN: Norway's 15 characters, and the 34 that ISO 13616 allows.
pub(super) const MIN_IBAN: usize = 15;
pub(super) const MAX_IBAN: usize = 34;

/// Country and what stands behind its check digits: so many digits (`n`), letters (`a`) or either (`c`). From the SWIFT IBAN
/// Registry; Honduras and Pakistan are not among those of the library.
const STRUCTURES: &str = "AD8n12c AE19n AL8n16c AT16n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BI23n BR23n1a1c BY4c4n16c CH5n12c CR18n CY8n16c \
CZ20n DE18n DJ23n DK14n DO4c20n EE16n EG25n ES20n FI14n FK2a12n FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c GL14n \
GR7n16c GT24c HN4a20n HR17n HU24n IE4a14n IL19n IQ4a15n IS22n IT1a10n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c \
LC4a24c LI5n12c LT16n LU3n13c LV4a13c LY21n MC10n11c2n MD20c ME18n MK3n10c2n MN16n MR23n MT4a5n18c MU4a19n3a \
NI4a20n NL4a10n NO11n OM3n16c PK4a16c PL24n PS4a21c PT21n QA4a21c RO4a16c RS18n RU14n15c SA2n18c SC4a20n3a SD14n \
SE20n SI15n SK20n SM1a10n12c SO19n ST21n SV4a20n TL19n TN20n TR6n16c UA6n19c VA18n VG4a16n XK16n YE4a4n18c";

/// What stands behind the check digits, its first character the lowest bit. Of no country: no length.
#[derive(Clone, Copy)]
struct Structure {
    length: u32,
    digits: u32,
    letters: u32,
}

const LETTERS: usize = 26;

/// By country: see [`place`].
const BY_COUNTRY: [Structure; LETTERS * LETTERS] = {
    let text = STRUCTURES.as_bytes();
    let mut all = [Structure { length: 0, digits: 0, letters: 0 }; LETTERS * LETTERS];
    let (mut at, mut country, mut count) = (0, 0, 0);
    while at < text.len() {
        let (byte, known) = (text[at], &mut all[country]);
        let places = (((1_u64 << count) - 1) << known.length) as u32;
        at += 1;
        match byte {
            b'A'..=b'Z' => {
                country = (byte - b'A') as usize * LETTERS + (text[at] - b'A') as usize;
                at += 1;
            }
            b'0'..=b'9' => count = count * 10 + (byte - b'0') as u32,
            b' ' => {}
            class => {
                match class {
                    b'n' => known.digits |= places,
                    b'a' => known.letters |= places,
                    _ => {}
                }
                known.length += count;
                count = 0;
            }
        }
    }
    all
};

/// Place of a country of two letters, in any case.
fn place(first: u8, second: u8) -> Option<usize> {
    let letter = |byte: u8| byte.is_ascii_alphabetic().then(|| usize::from(byte.to_ascii_uppercase() - b'A'));
    Some(letter(first)? * LETTERS + letter(second)?)
}

/// Whether IBANs may begin with two letters, in any case.
pub(super) fn has_ibans(first: u8, second: u8) -> bool {
    place(first, second).is_some_and(|country| BY_COUNTRY[country].length > 0)
}

/// Appends `iban:` and the electronic form when `text` is a valid IBAN; spaces and hyphens are dropped first.
pub fn write_iban(out: &mut String, text: &str) -> bool {
    let text = strip_scheme(strip_scheme(trimmed(text), "iban"), ":");
    if !text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let mut kept = [0_u8; MAX_IBAN];
    let mut length = 0;
    for &byte in text.as_bytes() {
        match byte {
            b' ' | b'-' => {}
            _ if !byte.is_ascii_alphanumeric() || length == kept.len() => return false,
            _ => {
                kept[length] = byte.to_ascii_uppercase();
                length += 1;
            }
        }
    }
    let electronic = &kept[..length];
    if !is_iban(electronic) {
        return false;
    }
    out.push_str("iban:");
    let start = out.len();
    if length == text.len() {
        out.push_str(text);
        out[start..].make_ascii_uppercase();
    } else {
        out.extend(electronic.iter().map(|byte| char::from(*byte)));
    }
    true
}

/// Whether digits and capital letters are an IBAN: a country, check digits, and what that country has behind them.
fn is_iban(electronic: &[u8]) -> bool {
    let Some((start, account)) = electronic.split_at_checked(4) else { return false };
    let &[first, second, tens, ones] = start else { return false };
    let Some(country) = place(first, second) else { return false };
    let Structure { length, digits, letters } = BY_COUNTRY[country];
    // What is taken from 98 is a remainder: 00 and 01 are written by nobody.
    let checked = tens.is_ascii_digit() && ones.is_ascii_digit() && (tens, ones) > (b'0', b'1');
    if !checked || length == 0 || account.len() != length as usize {
        return false;
    }
    let is_digit = account.iter().rev().fold(0_u32, |bits, byte| bits << 1 | u32::from(byte.is_ascii_digit()));
    digits & !is_digit == 0 && letters & is_digit == 0 && remainder(account.iter().chain(start)) == 1
}

/// Below this a digit or letter can follow in 64 bits.
const ROOM: u64 = u64::MAX / 100 - 36;

/// The number that digits and capital letters are (letters from 10 to 35), modulo 97.
fn remainder<'a>(characters: impl Iterator<Item = &'a u8>) -> u64 {
    characters.fold(0, |rest, byte| follow(if rest < ROOM { rest } else { rest % 97 }, *byte)) % 97
}

fn follow(rest: u64, byte: u8) -> u64 {
    match byte {
        b'0'..=b'9' => rest * 10 + u64::from(byte - b'0'),
        _ => rest * 100 + u64::from(byte - b'A') + 10,
    }
}

/// Writes the IBAN that `text` begins with, whatever follows it.
pub(super) fn write_leading_iban(text: &[u8], out: &mut String) -> bool {
    let mut kept = [0_u8; MAX_IBAN];
    let mut length = 0;
    for (place, byte) in kept.iter_mut().zip(text.iter().filter(|byte| byte.is_ascii_alphanumeric())) {
        *place = byte.to_ascii_uppercase();
        length += 1;
    }
    let Some(country) = kept.first_chunk::<2>().and_then(|[first, second]| place(*first, *second)) else {
        return false;
    };
    let length_of_country = 4 + BY_COUNTRY[country].length as usize;
    let electronic = &kept[..length_of_country.min(length)];
    let valid = is_iban(electronic);
    if valid {
        out.push_str("iban:");
        out.extend(electronic.iter().map(|byte| char::from(*byte)));
    }
    valid
}

#[cfg(test)]
mod tests;
