/// The consonants of a romanised token as they are spelled alike in different romanisations: `qaddafi` and `gadafy`, `ivanov`
/// and `iwanoff`, `hussein` and `husain` are one. Vowels count only at the beginning, and there alike. Empty where the token
/// holds a digit. For names of all origins the rules of Soundex or Metaphone, made for English, are too much.
pub(crate) fn sound(token: &str) -> Sound {
    let bytes = token.as_bytes();
    let mut out = Sound::default();
    if bytes.iter().any(u8::is_ascii_digit) {
        return out;
    }
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (letter, length) = consonant(rest, at.checked_sub(1).map(|before| bytes[before]));
        let doubled = length == 1 && at > 0 && bytes[at - 1] == rest[0];
        if let Some(letter) = letter.filter(|_| !doubled) {
            out.push(letter);
        }
        at += length;
    }
    out
}

/// Letters of a sound, five bits each, the first twelve; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sound(pub(crate) u64);

const LETTER_BITS: u32 = 5;
const MAX_SOUND: u32 = 12;
/// `a`.
const FIRST_LETTER: u64 = 1;

impl Sound {
    fn letters(self) -> u32 {
        (u64::BITS - self.0.leading_zeros()).div_ceil(LETTER_BITS)
    }

    fn push(&mut self, letter: u8) {
        if self.letters() < MAX_SOUND {
            self.0 = (self.0 << LETTER_BITS) | (u64::from(letter - b'a') + FIRST_LETTER);
        }
    }

    /// Without the mark of a vowel at the beginning.
    pub(crate) fn consonants(self) -> usize {
        let letters = self.letters();
        let first = self.0 >> (LETTER_BITS * letters.saturating_sub(1));
        letters as usize - usize::from(first == FIRST_LETTER)
    }

    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// The class of the letters that `rest` begins with, after the letter `before`, and how many they are.
fn consonant(rest: &[u8], before: Option<u8>) -> (Option<u8>, usize) {
    match rest {
        [b's', b'c', b'h', ..] | [b't', b'c', b'h', ..] => (Some(b'x'), 3),
        [b'd', b'z', b'h', ..] => (Some(b'j'), 3),
        [b's' | b'c', b'h', ..] | [b's' | b'c', b'z', ..] => (Some(b'x'), 2),
        [b'z', b'h', ..] | [b'd', b'j' | b'z', ..] => (Some(b'j'), 2),
        [b'k' | b'g', b'h', ..] | [b'c', b'k', ..] => (Some(b'k'), 2),
        [b'p', b'h', ..] => (Some(b'f'), 2),
        [b't', b'h' | b't', ..] => (Some(b't'), 2),
        [b'd', b'h' | b'd', ..] => (Some(b'd'), 2),
        [b't', b's' | b'z', ..] => (Some(b's'), 2),
        [b'c', b'e' | b'i' | b'y', ..] => (Some(b's'), 1),
        [b'c' | b'k' | b'g' | b'q', ..] => (Some(b'k'), 1),
        // A vowel where Arabic is romanised letter by letter.
        [b'w'] if before.is_some_and(|before| !is_vowel(before)) => (None, 1),
        [b'b' | b'p', ..] => (Some(b'b'), 1),
        [b'f' | b'v' | b'w', ..] => (Some(b'f'), 1),
        [b's' | b'z' | b'x', ..] => (Some(b's'), 1),
        [b'h', next, ..] if is_vowel(*next) => (Some(b'h'), 1),
        [b'h', ..] => (None, 1),
        [first, ..] if is_vowel(*first) => (before.is_none().then_some(b'a'), 1),
        [first, ..] => (Some(*first), 1),
        [] => (None, 1),
    }
}

pub(crate) fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}
