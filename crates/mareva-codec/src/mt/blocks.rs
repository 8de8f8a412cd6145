//! The blocks of a message, and the fields of its text.

use mareva_model::Reason;

use super::{Field, malformed};
use crate::fault::Fault;

/// Fields of a message; the standard allows far fewer.
const MAX_FIELDS: usize = 1_000;

/// The blocks that are read, without their marks.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    /// Block 1.
    pub(super) basic: &'a str,
    /// Block 2.
    pub(super) application: &'a str,
    /// Field 121 of block 3.
    pub(super) uetr: Option<&'a str>,
    /// Block 4.
    pub(super) text: &'a str,
}

/// Field 451 of an acknowledgement that refuses.
const REFUSED: &str = "{451:1}";

impl<'a> Blocks<'a> {
    /// Reads a record: a message, behind the acknowledgement of one perhaps.
    pub(super) fn read(record: &'a str) -> Result<Self, Fault> {
        let mut rest = record;
        let (mut acknowledged, mut found) = (false, [None; 4]);
        while let Some((id, content, behind)) = block(rest)? {
            rest = behind;
            let place = match id {
                "1" if content.get(1..3) == Some("21") && !acknowledged && found[0].is_none() => {
                    acknowledged = true;
                    continue;
                }
                "4" if acknowledged && found[0].is_none() => {
                    if content.contains(REFUSED) {
                        let told =
                            "the network has refused this message (451), so it moves nothing; send what was accepted";
                        return Err(Fault::new(Reason::InvalidField, told));
                    }
                    continue;
                }
                "1" | "2" | "3" | "4" => usize::from(id.as_bytes()[0] - b'1'),
                "5" | "S" => continue,
                _ => return Err(malformed("a block that the standard does not have")),
            };
            if found[place].replace(content).is_some() {
                return Err(malformed("a block stands twice, as where a record holds two messages"));
            }
        }
        match found {
            [Some(basic), Some(application), user, Some(text)] if basic.starts_with("F01") => {
                Ok(Self { basic, application, uetr: user.and_then(|user| tagged(user, "121")), text })
            }
            [Some(_), Some(_), _, Some(_)] => Err(malformed("block 1 is not that of a FIN message (F01)")),
            [None, ..] if acknowledged => Err(malformed("an acknowledgement without its message")),
            _ => Err(malformed("block 1, 2 or 4 is missing")),
        }
    }
}

/// The block at the start of `text`: its id, what is in it, and what stands behind; `None` at the end.
fn block(text: &str) -> Result<Option<(&str, &str, &str)>, Fault> {
    let text = text.trim_start();
    if text.is_empty() {
        return Ok(None);
    }
    let inside = text.strip_prefix('{').ok_or_else(|| malformed("text between blocks"))?;
    let (id, content) = inside.split_once(':').ok_or_else(|| malformed("a block without an id"))?;
    let (content, behind) = match id {
        // Of service messages it holds fields in braces.
        "4" if !content.starts_with('{') => {
            text_block(content).ok_or_else(|| malformed("block 4 does not end with -}"))?
        }
        _ => braces(content).ok_or_else(|| malformed("a block that does not end"))?,
    };
    Ok(Some((id, content, behind)))
}

/// Block 4 ends with a line that begins with `-}`.
fn text_block(content: &str) -> Option<(&str, &str)> {
    let at = content.find("\n-}")?;
    Some((&content[..at], &content[at + "\n-}".len()..]))
}

/// Up to the brace that closes.
fn braces(content: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    for (at, byte) in content.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' if open == 0 => return Some((&content[..at], &content[at + 1..])),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// The value of a field in braces.
fn tagged<'a>(block: &'a str, tag: &str) -> Option<&'a str> {
    let fields = block.split('{').filter_map(|field| field.split_once('}')).map(|(field, _)| field);
    fields.filter_map(|field| field.split_once(':')).find(|(id, _)| *id == tag).map(|(_, value)| value.trim())
}

/// Tag and the start of the value of a line that begins a field.
fn field_line(line: &str) -> Option<(&str, &str)> {
    let (tag, value) = line.strip_prefix(':')?.split_once(':')?;
    let is_tag = match tag.as_bytes() {
        [a, b] => a.is_ascii_digit() && b.is_ascii_digit(),
        [a, b, option] => a.is_ascii_digit() && b.is_ascii_digit() && option.is_ascii_uppercase(),
        _ => false,
    };
    is_tag.then_some((tag, value))
}

/// The fields of block 4.
pub(super) fn fields(text: &str) -> Result<Vec<Field<'_>>, Fault> {
    let mut fields = Vec::new();
    for (number, (field, whole)) in split(text).enumerate() {
        match field {
            Some(_) if fields.len() == MAX_FIELDS => {
                let told = format!("more than {MAX_FIELDS} fields in a message; split it");
                return Err(Fault::new(Reason::TooLarge, told));
            }
            Some(field) => {
                // A line that goes on begins with neither of these; such a one hides a field that is misspelt.
                if field.value.lines().skip(1).any(|line| line.starts_with([':', '-'])) {
                    return Err(malformed("a line of block 4 begins with a colon or hyphen and no field"));
                }
                fields.push(field);
            }
            None if number == 0 && whole.trim().is_empty() => {}
            None => return Err(malformed("block 4 begins with no field")),
        }
    }
    Ok(fields)
}

/// The fields that stand somewhere in a record, whatever it is.
pub(super) fn fields_anywhere(text: &str) -> impl Iterator<Item = Field<'_>> {
    split(text).filter_map(|(field, _)| field).take(MAX_FIELDS)
}

/// Text up to the next line that begins a field, with that line's field where it begins with one.
fn split(text: &str) -> impl Iterator<Item = (Option<Field<'_>>, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        let end = loop {
            let Some(at) = rest[from..].find('\n') else { break rest.len() };
            from += at + 1;
            if field_line(rest[from..].lines().next().unwrap_or_default()).is_some() {
                break from;
            }
        };
        let (whole, behind) = rest.split_at(end);
        rest = behind;
        let field = field_line(whole).map(|(tag, value)| Field { tag, value });
        Some((field, whole))
    })
}
