//! Cells of published lists, which people fill in by hand.

use super::forms::{push_tag, unknown_exchange, write_named};
use super::{Identifier, recognise};

/// What a cell of a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListCell {
    /// The identifiers, in order.
    pub identifiers: Vec<Identifier>,
    /// Text that is no identifier or fails its checksum: to be reported, never dropped.
    pub rejected: Vec<String>,
}

/// Reads a cell: several identifiers between commas, semicolons, bars or white space, `(Address tag N)` behind an address,
/// asterisks of footnotes, and bare digits, which are an account at an exchange that the cell does not name.
pub fn list_cell(text: &str) -> ListCell {
    let mut cell = ListCell::default();
    for part in text.split([',', ';', '|', '\n', '\r', '\t']) {
        let (body, tag) = split_tag(trim(part));
        if !body.is_empty() {
            read_part(&mut cell, &body, tag.as_deref());
        } else if tag.is_some() {
            cell.rejected.push(trim(part).to_owned());
        }
    }
    cell
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '"' | '\'' | '\u{feff}'))
}

fn read_part(cell: &mut ListCell, body: &str, tag: Option<&str>) {
    if let Some(identifier) = read_one(body, tag) {
        cell.identifiers.push(identifier);
        return;
    }
    let words: Vec<&str> = body.split_whitespace().map(trim).filter(|word| !word.is_empty()).collect();
    let found: Vec<_> = words.iter().map(|word| read_one(word, tag)).collect();
    let all_digits = words.iter().all(|word| is_digits(word));
    let mut rest = Vec::new();
    for (word, found) in words.iter().zip(found) {
        match found {
            // Among other words, digits are anything but an account.
            Some(identifier) if all_digits || !is_digits(word) => cell.identifiers.push(identifier),
            _ => rest.push(*word),
        }
    }
    if !rest.is_empty() {
        cell.rejected.push(rest.join(" "));
    }
}

fn is_digits(text: &str) -> bool {
    (4..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn read_one(text: &str, tag: Option<&str>) -> Option<Identifier> {
    if let Some(mut identifier) = recognise(text) {
        push_tag(&mut identifier.canonical, 0, tag);
        return Some(identifier);
    }
    if is_digits(text) {
        return Some(unknown_exchange(text));
    }
    // A name with a tag is an account of a chain that has names.
    let mut canonical = String::new();
    (tag.is_some() && write_named(&mut canonical, text, tag)).then_some(Identifier { canonical, validated: true })
}

/// Takes `(Address tag N)`, `tag N`, `memo: N` and the like out of a part.
fn split_tag(part: &str) -> (String, Option<String>) {
    let words: Vec<&str> = part.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ':')).collect();
    let is_label = |word: &str| word.eq_ignore_ascii_case("tag") || word.eq_ignore_ascii_case("memo");
    let Some(label) = words.iter().position(|word| is_label(word)) else {
        return (part.to_owned(), None);
    };
    let value = |word: &&&str| !trim(word).is_empty();
    let Some(tag) = words[label + 1..].iter().find(value) else {
        return (part.to_owned(), None);
    };
    let introduction = ["address", "destination", "dest", "payment"];
    let before = words[..label].iter().filter(|word| !introduction.contains(&word.to_ascii_lowercase().as_str()));
    let after = words[label + 1..].iter().skip_while(|word| *word != tag).skip(1);
    let body: Vec<&str> = before.chain(after).map(|word| trim(word)).filter(|word| !word.is_empty()).collect();
    (body.join(" "), Some(trim(tag).to_owned()))
}
