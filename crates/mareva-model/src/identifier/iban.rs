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

/// Country and check digits.
const START: usize = 4;
/// Characters that are looked at together: those of a word.
const WORD: usize = 8;
/// Words that hold what may stand behind the check digits.
const WORDS: usize = (MAX_IBAN - START).div_ceil(WORD);

/// Digits and capital letters, of which an IBAN is made; zeros behind them.
struct Electronic {
    bytes: [u8; START + WORDS * WORD],
    length: usize,
}

impl Electronic {
    const NOTHING: Self = Self { bytes: [b'0'; START + WORDS * WORD], length: 0 };

    /// The letters and digits of a text, no more of them than an IBAN may have.
    fn of(text: &[u8]) -> Self {
        let mut form = Self::NOTHING;
        if text.len() <= MAX_IBAN {
            form.bytes[..text.len()].copy_from_slice(text);
            form.length = text.len();
        }
        // Nearly always there is nothing else in it: asked of all together, not of one after another.
        let plain = form.bytes.iter().fold(true, |all, byte| all & byte.is_ascii_alphanumeric());
        if !plain || form.length < text.len() {
            form = Self::NOTHING;
            let kept = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
            for (place, byte) in form.bytes[..MAX_IBAN].iter_mut().zip(kept) {
                *place = *byte;
                form.length += 1;
            }
        }
        form.bytes.make_ascii_uppercase();
        form
    }

    /// What its country has behind the check digits.
    fn structure(&self) -> Option<Structure> {
        let [first, second, ..] = self.bytes;
        Some(BY_COUNTRY[place(first, second)?]).filter(|structure| structure.length > 0)
    }

    /// Whether it is an IBAN: a country, check digits, and what that country has behind them.
    fn is_iban(&self) -> bool {
        let ([_, _, tens, ones, ..], Some(Structure { length, digits, letters })) = (self.bytes, self.structure())
        else {
            return false;
        };
        // What is taken from 98 is a remainder of 97: 00, 01 and 99 are written by nobody.
        let checked =
            tens.is_ascii_digit() && ones.is_ascii_digit() && ((b'0', b'2')..=(b'9', b'8')).contains(&(tens, ones));
        if !checked || self.length != START + length as usize {
            return false;
        }
        let is_digit = (0..WORDS).fold(0, |bits, n| bits | digits_of(self.word(n)) << (n * WORD));
        digits & !is_digit == 0 && letters & is_digit == 0 && self.remainder() == 1
    }

    /// The n-th word behind the check digits, its first character the lowest byte.
    fn word(&self, n: usize) -> u64 {
        let mut word = [0; WORD];
        word.copy_from_slice(&self.bytes[START + n * WORD..][..WORD]);
        u64::from_le_bytes(word)
    }

    /// The number that it is, country and check digits last and letters from 10 to 35, modulo 97.
    fn remainder(&self) -> u64 {
        let behind = &self.bytes[START..self.length];
        let rest = behind.chunks(WORD).enumerate().fold(0, |rest, (n, characters)| {
            let word = self.word(n);
            if characters.len() == WORD && digits_of(word) == u32::from(u8::MAX) {
                (rest * 100_000_000 + number_of(word)) % 97
            } else {
                follow(rest, characters)
            }
        });
        follow(rest, &self.bytes[..START])
    }

    fn write(&self, out: &mut String) {
        out.push_str("iban:");
        out.extend(self.bytes[..self.length].iter().map(|byte| char::from(*byte)));
    }
}

/// Which characters of a word are digits, the first in the lowest bit: capital letters have a bit that digits lack.
fn digits_of(word: u64) -> u32 {
    let each = !word >> 6 & 0x0101_0101_0101_0101;
    // Gathers the lowest bit of each byte in the highest byte.
    (each.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// The number that eight digits are: two become one, three times.
fn number_of(word: u64) -> u64 {
    let digits = word & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
}

/// What no more than eight characters make of a remainder: sixteen decimal digits behind it have room in 64 bits.
fn follow(rest: u64, characters: &[u8]) -> u64 {
    let number = characters.iter().fold(rest, |rest, byte| match byte {
        b'0'..=b'9' => rest * 10 + u64::from(byte - b'0'),
        _ => rest * 100 + u64::from(byte - b'A') + 10,
    });
    number % 97
}

/// Appends `iban:` and the electronic form when `text` is a valid IBAN; spaces and hyphens are dropped first.
pub fn write_iban(out: &mut String, text: &str) -> bool {
    let text = strip_scheme(strip_scheme(trimmed(text), "iban"), ":").as_bytes();
    if !text.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let form = Electronic::of(text);
    let all = || text.iter().filter(|byte| !matches!(byte, b' ' | b'-')).count() == form.length;
    let valid = (form.length == text.len() || all()) && form.is_iban();
    if valid {
        form.write(out);
    }
    valid
}

/// Writes the IBAN that `text` begins with, whatever follows it.
pub(super) fn write_leading_iban(text: &[u8], out: &mut String) -> bool {
    let mut form = Electronic::of(text);
    form.length = form.length.min(form.structure().map_or(0, |structure| START + structure.length as usize));
    let valid = form.is_iban();
    if valid {
        form.write(out);
    }
    valid
}

#[cfg(test)]
mod tests;
