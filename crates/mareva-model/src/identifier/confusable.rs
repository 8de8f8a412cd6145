//! Letters that look like ASCII.

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

/// The ASCII letter that a Cyrillic, Greek, Armenian or Latin letter is drawn like (Unicode TR 39, the part that address
/// alphabets need). Folding too much does no harm: a checksum follows.
fn look_alike(c: char) -> Option<char> {
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
