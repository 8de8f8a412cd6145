//! JSON fields that borrow from the record.

use std::borrow::Cow;
use std::fmt;

use mareva_model::{Reason, TimeError, parse_time, time_from_seconds};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;

use crate::fault::Fault;

pub(crate) mod plain;

/// A text field: absent, `null` and the empty text are one. Borrowed unless it holds escapes.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Field<'a>(Option<Cow<'a, str>>);

impl Field<'_> {
    /// The text, `None` when there is none.
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(Text).map(Self)
    }
}

/// A value as it is written: a text with its quotes, a number, `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a>(&'a str);

impl<'a> Token<'a> {
    pub(crate) fn get(self) -> &'a str {
        self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Token<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get()))
    }
}

struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        // Only escapes lead here, and only an escape can smuggle a NUL in, which no store behind us takes.
        if text.contains('\0') {
            return Err(E::custom("expected text without NUL"));
        }
        Ok(Some(Cow::Owned(text.to_owned())))
    }
}

/// Levels of what [`plain::read`] takes.
const PLAIN_DEPTH: usize = 2;

/// Reads one object. Unknown fields are ignored, repeated ones refused.
pub(crate) fn parse<'a, T: Deserialize<'a> + plain::Record<'a>>(text: &'a str, max_depth: usize) -> Result<T, Fault> {
    if let Some(record) = plain::read(text).filter(|_| max_depth >= PLAIN_DEPTH) {
        return Ok(record);
    }
    if deeper_than(text.as_bytes(), max_depth) {
        return Err(Fault::new(Reason::TooLarge, format!("nested deeper than {max_depth} levels; flatten it")));
    }
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let message = error.to_string();
        if error.is_eof() {
            return Fault::new(Reason::Malformed, format!("JSON ends too early at {place}; send the whole record"));
        }
        if !error.is_data() {
            return Fault::new(Reason::Malformed, format!("not JSON at {place}; send one object a record"));
        }
        // Parts of the message that repeat the sender's value stay out.
        let told = match (message.starts_with("duplicate field"), message.rfind("expected ")) {
            (true, _) => message.split(" at line").next().unwrap_or_default(),
            (false, Some(at)) => message[at..].split(" at line").next().unwrap_or_default(),
            (false, None) => "wrong type",
        };
        Fault::new(Reason::InvalidField, format!("{told} at {place}; compare with the schema"))
    })
}

/// Whether brackets nest deeper than `max`, outside strings. Counting all brackets first is enough for nearly every record.
fn deeper_than(bytes: &[u8], max: usize) -> bool {
    // Sums of one byte over short pieces: the compiler makes vectors of them.
    let opening = |piece: &[u8]| {
        usize::from(piece.iter().fold(0_u8, |sum, b| sum.wrapping_add(u8::from(matches!(b, b'{' | b'[')))))
    };
    if bytes.chunks(128).map(opening).sum::<usize>() <= max {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Reads a time token: RFC 3339 text or whole milliseconds since 1970.
pub(crate) fn time(field: &str, token: &str) -> Result<i64, Fault> {
    let read = match token.as_bytes() {
        [b'"', .., b'"'] if token.len() > 1 => parse_time(&token[1..token.len() - 1]),
        [b'0'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => match token.parse::<i64>() {
            Ok(ms) => time_from_seconds(ms.div_euclid(1000)).map(|whole| whole + ms.rem_euclid(1000)),
            Err(_) => Err(TimeError::Range),
        },
        [b'-', ..] => Err(TimeError::Range),
        _ => Err(TimeError::Syntax),
    };
    read.map_err(|error| Fault::time(field, error))
}

#[cfg(test)]
mod tests;
