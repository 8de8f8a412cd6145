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
        let wrong = || format!("`{text}` is no duration; write a number and ms, s, min, h or days, such as \"30 s\"");
        parse_span(text).map(Span).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// `250 ms`, `60 s`, `5 min`, `72 h`, `3 days` in milliseconds; the space may be left out.
pub fn parse_span(text: &str) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let unit = match text[split..].trim_start() {
        "ms" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "second" | "seconds" => 1_000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return None,
    };
    let number: i64 = text[..split].parse().ok()?;
    number.checked_mul(unit).filter(|ms| (1..=LONGEST_MS).contains(ms))
}
