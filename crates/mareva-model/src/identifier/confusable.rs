//! Letters that look like ASCII.

/// `text` with homoglyphs folded to ASCII and invisible characters dropped; `None` when something else remains.
pub(super) fn fold(text: &str) -> Option<String> {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\x7f' => folded.push(c),
            // Soft hyphen, zero-width, directional marks, byte order mark.
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {}
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => folded.push(' '),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => folded.push('-'),
            // Full-width forms of ASCII.
            '\u{ff01}'..='\u{ff5e}' => folded.push(char::from((c as u32 - 0xff01 + 0x21) as u8)),
            _ => folded.push(look_alike(c)?),
        }
    }
    Some(folded)
}

/// The ASCII letter that a Cyrillic, Greek, Armenian or Latin letter is drawn like (Unicode TR 39, the part that address
/// alphabets need). Folding too much does no harm: a checksum follows.
fn look_alike(c: char) -> Option<char> {
    const PAIRS: [(&str, &str); 4] = [
        ("АВЕКМНОРСТУХІЈЅԚԜҮҒԌԀ", "ABEKMHOPCTYXIJSQWYFGd"),
        ("авеокрсухіјѕһԁԛԝӏмнтгпҮҺъь", "aBeokpcyxijshdqwlMHTrnYhbb"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγεικνορτυχωϲϳ", "ABEZHIKMNOPTYXayeikvoptuxwcj"),
        ("օսհցզյոѡıɡɑᴏ", "ouhgqjnwigao"),
    ];
    PAIRS
        .iter()
        .find_map(|(from, to)| from.chars().zip(to.chars()).find(|(drawn, _)| *drawn == c).map(|(_, like)| like))
}
