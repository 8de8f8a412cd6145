//! What lists put into one cell of names.

use mareva_model::AliasQuality;

use crate::ListedName;
use crate::entry::add_new;

/// Letters that mark the second, third … name of a cell: `Mohammad Sabet b) M. Javad Sabet`.
const MARKS: std::ops::RangeInclusive<char> = 'a'..='l';

/// The names of a cell, `; ` or `b) ` between them. One with something in brackets counts as it is and without it:
/// `Butembo Airlines (BAL)`, `Encep Nurjaman (birth name)`. What stands in brackets is a name of its own where it is in another
/// script, and a weak one where it is an abbreviation.
pub(crate) fn spellings(cell: &str, quality: AliasQuality) -> Vec<ListedName> {
    let mut names = Vec::new();
    for part in cell.split(';').flat_map(marked) {
        let (outside, inside) = without_brackets(part);
        let own = [(part, quality), (outside.as_str(), quality)];
        let bracketed = inside.iter().filter_map(|text| Some((text.as_str(), quality_in_brackets(text, quality)?)));
        for (text, quality) in own.into_iter().chain(bracketed) {
            let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ':'));
            if text.chars().any(char::is_alphanumeric) {
                add_new(&mut names, vec![ListedName { text: text.to_owned(), quality }]);
            }
        }
    }
    names
}

/// Parts of a text that ` b) `, ` c) ` … stand between; a mark at its beginning goes.
fn marked(text: &str) -> Vec<&str> {
    let (mut parts, mut from) = (Vec::new(), 0);
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices(')') {
        let is_mark = at > 0 && MARKS.contains(&char::from(bytes[at - 1])) && (at == 1 || bytes[at - 2] == b' ');
        if is_mark {
            parts.push(&text[from..at - 1]);
            from = at + 1;
        }
    }
    parts.push(&text[from..]);
    parts
}

/// The text without what stands in brackets, and that.
fn without_brackets(text: &str) -> (String, Vec<String>) {
    let (mut outside, mut inside, mut depth) = (String::new(), Vec::new(), 0_u32);
    for c in text.chars() {
        match c {
            '(' => {
                depth += 1;
                inside.push(String::new());
            }
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {
                if let Some(last) = inside.last_mut() {
                    last.push(c);
                }
            }
            _ => outside.push(c),
        }
    }
    (outside, inside)
}

fn quality_in_brackets(text: &str, quality: AliasQuality) -> Option<AliasQuality> {
    let is_letter = |c: &char| c.is_alphabetic();
    if text.chars().filter(is_letter).any(|c| !c.is_ascii()) {
        return Some(quality.max(AliasQuality::Strong));
    }
    let letters = text.chars().filter(is_letter).count();
    let is_abbreviation = letters >= 2 && !text.contains(' ') && text.chars().all(|c| !c.is_ascii_lowercase());
    is_abbreviation.then_some(AliasQuality::Weak)
}
