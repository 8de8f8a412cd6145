//! Durations as people write them.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// Ten years: nothing here is longer.
const LONGEST_MS: i64 = 3_653 * 86_400_000;

/// A duration of the config, whole milliseconds from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(i64);

impl Span {
    /// Milliseconds.
    pub fn ms(self) -> i64 {
        self.0
    }

    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_span(text).map(Span).map_err(|(reason, remedy)| format!("{reason}; {remedy}"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How durations are written.
pub const WRITTEN: &str = "write a number and ms, s, min, h or days, such as \"5 min\"";

/// `250 ms`, `60 s`, `5 min`, `72 h`, `3 days` in milliseconds; the space may be left out.
///
/// # Errors
/// What is wrong with the text, and what to do.
pub fn parse_span(text: &str) -> Result<i64, (String, &'static str)> {
    let written = text.trim();
    let (digits, unit) = written.split_at(written.find(|c: char| !c.is_ascii_digit()).unwrap_or(written.len()));
    let unit = match unit.trim_start() {
        _ if digits.is_empty() => None,
        "ms" | "millisecond" | "milliseconds" => Some(1),
        "s" | "sec" | "second" | "seconds" => Some(1_000),
        "m" | "min" | "minute" | "minutes" => Some(60_000),
        "h" | "hour" | "hours" => Some(3_600_000),
        "d" | "day" | "days" => Some(86_400_000),
        fraction if fraction.starts_with(['.', ',']) => {
            return Err((format!("`{text}` is no whole number"), "take a smaller unit: 90 min for 1.5 h"));
        }
        _ => None,
    };
    let unit = unit.ok_or_else(|| (format!("`{text}` is no duration"), WRITTEN))?;
    // Of digits alone only a number that is too large cannot be parsed.
    let ms = digits.parse::<i64>().ok().and_then(|number| number.checked_mul(unit));
    let out_of_range = || (format!("`{text}` is out of range"), "write at least 1 ms and at most 3653 days");
    ms.filter(|ms| (1..=LONGEST_MS).contains(ms)).ok_or_else(out_of_range)
}
