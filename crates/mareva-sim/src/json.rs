use crate::calendar::{DAY, HOUR, MINUTE, SECOND};

/// Writes one JSON object; keys are ours and need no escaping.
#[derive(Debug)]
pub(crate) struct Json {
    out: Vec<u8>,
    first: bool,
}

impl Json {
    pub(crate) fn new() -> Self {
        let mut out = Vec::with_capacity(1024);
        out.push(b'{');
        Self { out, first: true }
    }

    fn key(&mut self, key: &str) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.texts(key, &[value]);
    }

    /// The parts, one behind the other, as one text.
    pub(crate) fn texts(&mut self, key: &str, parts: &[&str]) {
        self.key(key);
        self.out.push(b'"');
        for part in parts {
            if part.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
                self.escaped(part);
            } else {
                self.out.extend_from_slice(part.as_bytes());
            }
        }
        self.out.push(b'"');
    }

    fn escaped(&mut self, part: &str) {
        for byte in part.bytes() {
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', byte]),
                0..0x20 => self.out.push(b' '),
                _ => self.out.push(byte),
            }
        }
    }

    /// A prefix and a number with at least `width` digits, as text.
    pub(crate) fn numbered(&mut self, key: &str, prefix: &str, number: u64, width: usize) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(prefix.as_bytes());
        digits(&mut self.out, number, width);
        self.out.push(b'"');
    }

    pub(crate) fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        digits(&mut self.out, value, 1);
    }

    /// A decimal string of `units` × 10^−`places`.
    pub(crate) fn decimal(&mut self, key: &str, units: i64, places: u32) {
        self.key(key);
        self.out.push(b'"');
        push_decimal(&mut self.out, units, places);
        self.out.push(b'"');
    }

    /// RFC 3339 with milliseconds; the date is given because a whole day shares it.
    pub(crate) fn time(&mut self, key: &str, date: &str, ms: i64) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(date.as_bytes());
        let rest = ms.rem_euclid(DAY);
        for (mark, value, width) in [
            (b'T', rest / HOUR, 2),
            (b':', rest % HOUR / MINUTE, 2),
            (b':', rest % MINUTE / SECOND, 2),
            (b'.', rest % SECOND, 3),
        ] {
            self.out.push(mark);
            digits(&mut self.out, value.unsigned_abs(), width);
        }
        self.out.extend_from_slice(b"Z\"");
    }

    pub(crate) fn open(&mut self, key: &str) {
        self.key(key);
        self.out.push(b'{');
        self.first = true;
    }

    pub(crate) fn close(&mut self) {
        self.out.push(b'}');
        self.first = false;
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}

/// A number with leading zeros up to `width` digits.
fn digits(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let mut buffer = [b'0'; 20];
    let mut at = buffer.len();
    while value > 0 {
        at -= 1;
        buffer[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    let from = at.min(buffer.len() - width.clamp(1, buffer.len()));
    out.extend_from_slice(&buffer[from..]);
}

fn push_decimal(out: &mut Vec<u8>, units: i64, places: u32) {
    let scale = 10_u64.pow(places);
    let size = units.unsigned_abs();
    if units < 0 {
        out.push(b'-');
    }
    digits(out, size / scale, 1);
    if places > 0 {
        out.push(b'.');
        digits(out, size % scale, places as usize);
    }
}

/// `units` × 10^−`places` as decimal text.
pub(crate) fn decimal(units: i64, places: u32) -> String {
    let mut out = Vec::with_capacity(24);
    push_decimal(&mut out, units, places);
    String::from_utf8(out).unwrap_or_default()
}
