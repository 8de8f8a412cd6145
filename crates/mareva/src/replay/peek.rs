//! The time of a record, found without decoding it: only the order in which files are merged rests on it.

use mareva_codec::Stream;
use mareva_model::{parse_time, time_from_seconds};

/// Event time of a line, UTC milliseconds; `None` where none can be made out.
pub fn peek_time(line: &[u8]) -> Option<i64> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_start();
    if line.first() == Some(&b'<') {
        // Some messages tell their time in the business application header alone.
        let text =
            after(line, b"AccptncDtTm>").or_else(|| after(line, b"CreDtTm>")).or_else(|| after(line, b"CreDt>"))?;
        let end = text.iter().position(|byte| *byte == b'<')?;
        return parse_time(std::str::from_utf8(&text[..end]).ok()?.trim()).ok();
    }
    if let Some(value) = json_value(line, b"\"time\"") {
        return match value {
            Scalar::Text(text) => parse_time(text).ok(),
            Scalar::Number(milliseconds) => Some(milliseconds),
        };
    }
    match json_value(line, b"\"block_timestamp\"")? {
        Scalar::Text(text) => parse_time(text).ok(),
        Scalar::Number(seconds) => time_from_seconds(seconds).ok(),
    }
}

/// Which stream a line belongs to, by its `type`; `None` where it is no transaction.
pub fn stream_of(line: &[u8]) -> Option<Stream> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_start();
    if line.first() == Some(&b'<') {
        return Some(Stream::Bank);
    }
    let Some(Scalar::Text(kind)) = json_value(line, b"\"type\"") else { return None };
    match kind {
        "credit_transfer" | "cash_deposit" | "cash_withdrawal" | "card_payment" | "return" => Some(Stream::Bank),
        "deposit" | "withdrawal" | "trade" | "internal_transfer" | "token_transfer" | "transaction" => {
            Some(Stream::Exchange)
        }
        _ => None,
    }
}

enum Scalar<'l> {
    Text(&'l str),
    Number(i64),
}

/// The value behind the first occurrence of a quoted name that a colon follows. A name inside a text has its quotes
/// escaped there and does not match.
fn json_value<'l>(line: &'l [u8], name: &[u8]) -> Option<Scalar<'l>> {
    let mut rest = line;
    loop {
        rest = after(rest, name)?;
        let Some(value) = rest.trim_ascii_start().strip_prefix(b":") else { continue };
        let value = value.trim_ascii_start();
        if let Some(text) = value.strip_prefix(b"\"") {
            let end = text.iter().position(|byte| *byte == b'"')?;
            return std::str::from_utf8(&text[..end]).ok().map(Scalar::Text);
        }
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        return std::str::from_utf8(&value[..digits]).ok()?.parse().ok().map(Scalar::Number);
    }
}

/// What follows the first occurrence of `needle`.
fn after<'l>(line: &'l [u8], needle: &[u8]) -> Option<&'l [u8]> {
    let first = *needle.first()?;
    let mut from = 0;
    loop {
        from += line.get(from..)?.iter().position(|byte| *byte == first)?;
        if line[from..].starts_with(needle) {
            return line.get(from + needle.len()..);
        }
        from += 1;
    }
}
