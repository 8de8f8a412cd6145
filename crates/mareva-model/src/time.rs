/// Why a time was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("not a time; write RFC 3339 such as 2026-01-05T10:00:00.123Z")]
    Syntax,
    /// Before 1970 or after 2199: windows and offsets are computed on it, so it must be plausible.
    #[error("time outside 1970 to 2199; check the unit and the year")]
    Range,
}

const DAY_MS: i64 = 86_400_000;
/// First millisecond of the year 2200.
const END_MS: i64 = 7_258_118_400_000;

/// Days from 1970-01-01 to a civil date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

fn digits(bytes: &[u8], from: usize, count: usize) -> Option<i64> {
    bytes
        .get(from..from + count)?
        .iter()
        .try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Parses RFC 3339 (a date alone is midnight UTC; no offset means UTC) to milliseconds since 1970, finer digits cut off.
///
/// # Errors
/// [`TimeError`] when the text is no such time or out of range.
pub fn parse_time(text: &str) -> Result<i64, TimeError> {
    let b = text.as_bytes();
    let (year, month, day) = (digits(b, 0, 4), digits(b, 5, 2), digits(b, 8, 2));
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return Err(TimeError::Syntax) };
    if b[4] != b'-' || b[7] != b'-' || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return Err(TimeError::Syntax);
    }
    let midnight = days_from_civil(year, month, day) * DAY_MS;
    let ms = if b.len() == 10 { midnight } else { midnight + time_of_day(b)? };
    in_range(ms)
}

fn time_of_day(b: &[u8]) -> Result<i64, TimeError> {
    let (Some(hour), Some(minute), Some(second)) = (digits(b, 11, 2), digits(b, 14, 2), digits(b, 17, 2)) else {
        return Err(TimeError::Syntax);
    };
    if !matches!(b[10], b'T' | b't' | b' ') || b[13] != b':' || b[16] != b':' || hour > 23 || minute > 59 || second > 60
    {
        return Err(TimeError::Syntax);
    }
    let mut at = 19;
    let mut ms = 0;
    if b.get(at) == Some(&b'.') {
        let fraction = b[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
        if fraction == 0 || fraction > 18 {
            return Err(TimeError::Syntax);
        }
        for place in 0..3 {
            ms = ms * 10 + if place < fraction { i64::from(b[at + 1 + place] - b'0') } else { 0 };
        }
        at += 1 + fraction;
    }
    let offset = match b.get(at..).unwrap_or_default() {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), rest @ ..] if rest.len() == 5 && rest[2] == b':' => {
            let (Some(h), Some(m)) = (digits(rest, 0, 2), digits(rest, 3, 2)) else { return Err(TimeError::Syntax) };
            if h > 14 || m > 59 {
                return Err(TimeError::Syntax);
            }
            (h * 60 + m) * if *sign == b'+' { 1 } else { -1 }
        }
        _ => return Err(TimeError::Syntax),
    };
    Ok(((hour * 60 + minute - offset) * 60 + second) * 1000 + ms)
}

fn in_range(ms: i64) -> Result<i64, TimeError> {
    if (0..END_MS).contains(&ms) { Ok(ms) } else { Err(TimeError::Range) }
}

/// Milliseconds from whole seconds since 1970, as chain data carries them.
///
/// # Errors
/// [`TimeError::Range`] outside 1970 to 2199.
pub fn time_from_seconds(seconds: i64) -> Result<i64, TimeError> {
    in_range(seconds.checked_mul(1000).ok_or(TimeError::Range)?)
}

/// RFC 3339 in UTC with milliseconds.
pub fn format_time(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil_from_days(days);
    let (second, milli) = (rest / 1000, rest % 1000);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests;
