//! Dates and times of a message.

use mareva_model::parse_time;

use super::malformed;
use crate::fault::Fault;

/// A message that was sent longer ago than this comes from an archive. Clocks of sender and reader are up to 26 hours apart.
pub(super) const FRESH_MS: i64 = 36 * 3_600_000;

/// Two digits of a year from which on it is one of the last century, as the standard has it.
const LAST_CENTURY: &str = "80";

/// `YYMMDD` as `YYYY-MM-DD`; `None` where it is no date.
pub(super) fn date(text: &str) -> Option<String> {
    let (year, month, day) = (text.get(..2)?, text.get(2..4)?, text.get(4..6)?);
    let century = if year >= LAST_CENTURY { "19" } else { "20" };
    let date = format!("{century}{year}-{month}-{day}");
    parse_time(&date).is_ok().then_some(date)
}

/// Milliseconds of `HHMMYYMMDD`, the input time and date of block 2, as if they were UTC.
pub(super) fn sent(text: &str) -> Result<i64, Fault> {
    let read = || {
        let (hours, minutes) = (text.get(..2)?, text.get(2..4)?);
        parse_time(&format!("{}T{hours}:{minutes}:00Z", date(text.get(4..)?)?)).ok()
    };
    read().ok_or_else(|| malformed("block 2 has no input time"))
}

/// When the row happened: see the module above.
pub(super) fn of_row(sent: Option<i64>, append_time: i64) -> i64 {
    sent.filter(|sent| sent.saturating_add(FRESH_MS) < append_time).unwrap_or(append_time)
}
