//! Letters and digits that stand for ASCII.

/// The zeros of Unicode's decimal digits outside ASCII (general category Nd, Unicode 16); nine more follow each.
const ZEROS: [u32; 74] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50,
    0x11d50, 0x11da0, 0x11f50, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec,
    0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

/// The ASCII digit that a decimal digit of another script is.
pub(super) fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    char::from_digit(code - zero, 10)
}

/// The ASCII letter that a mathematical letter (bold, script, sans-serif and so on) is: alphabets of 52 follow each other.
fn mathematical(c: char) -> Option<char> {
    let place = u32::from(c).checked_sub(0x1d400).filter(|place| *place < 13 * 52)? as u8 % 52;
    Some(char::from(if place < 26 { b'A' + place } else { b'a' + place - 26 }))
}

/// What a character of another alphabet stands for.
enum Meaning {
    Ascii(char),
    /// Soft hyphen, zero-width, directional mark, byte order mark.
    Nothing,
    Other,
}

fn meaning(c: char) -> Meaning {
    match c {
        '\0'..='\x7f' => Meaning::Ascii(c),
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
            Meaning::Nothing
        }
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => Meaning::Ascii(' '),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Meaning::Ascii('-'),
        // Full-width forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => Meaning::Ascii(char::from((c as u32 - 0xff01 + 0x21) as u8)),
        _ => Meaning::Other,
    }
}

/// `text` with homoglyphs folded to ASCII and invisible characters dropped; `None` when something else remains.
pub(super) fn fold(text: &str) -> Option<String> {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match meaning(c) {
            Meaning::Ascii(ascii) => folded.push(ascii),
            Meaning::Nothing => {}
            Meaning::Other => folded.push(look_alike(c)?),
        }
    }
    Some(folded)
}

/// Stands in folded text for what is not ASCII.
const FOREIGN: char = '|';

/// `text` folded like [`fold`], with [`FOREIGN`] for what remains, and whether that may have joined what stood apart: letters
/// of a word of another alphabet that look like ASCII, or two words with something invisible between them.
pub(super) fn fold_text(text: &str) -> (String, bool) {
    let mut folded = String::with_capacity(text.len());
    let mut joined = false;
    for c in text.chars() {
        match meaning(c) {
            Meaning::Ascii(ascii) => folded.push(ascii),
            Meaning::Nothing => joined = true,
            Meaning::Other => {
                let like = look_alike(c);
                joined |= like.is_some();
                folded.push(like.unwrap_or(FOREIGN));
            }
        }
    }
    (folded, joined)
}

/// The digit or mathematical letter in ASCII, or the ASCII letter that a Cyrillic, Greek, Armenian or Latin letter is drawn
/// like (Unicode TR 39, the part that address alphabets need). Folding too much does no harm: a checksum follows.
fn look_alike(c: char) -> Option<char> {
    if let Some(meant) = digit(c).or_else(|| mathematical(c)) {
        return Some(meant);
    }
    Some(match c {
        'А' | 'Α' => 'A',
        'В' | 'в' | 'Β' => 'B',
        'С' => 'C',
        'Е' | 'Ε' => 'E',
        'Ғ' => 'F',
        'Ԍ' => 'G',
        'Н' | 'н' | 'Η' => 'H',
        'І' | 'Ι' => 'I',
        'Ј' => 'J',
        'К' | 'Κ' => 'K',
        'М' | 'м' | 'Μ' => 'M',
        'Ν' => 'N',
        'О' | 'Ο' => 'O',
        'Р' | 'Ρ' => 'P',
        'Ԛ' => 'Q',
        'Ѕ' => 'S',
        'Т' | 'т' | 'Τ' => 'T',
        'Ԝ' => 'W',
        'Х' | 'Χ' => 'X',
        'У' | 'Ү' | 'Υ' => 'Y',
        'Ζ' => 'Z',
        'а' | 'α' | 'ɑ' => 'a',
        'ъ' | 'ь' => 'b',
        'с' | 'ϲ' => 'c',
        'Ԁ' | 'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'ց' | 'ɡ' => 'g',
        'һ' | 'Һ' | 'հ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' | 'ϳ' | 'յ' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'п' | 'ո' => 'n',
        'о' | 'ο' | 'օ' | 'ᴏ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' | 'զ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' => 'v',
        'ԝ' | 'ω' | 'ѡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        _ => return None,
    })
}
