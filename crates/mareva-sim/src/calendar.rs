use mareva_model::format_time;

pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// 0 is Monday. 1970-01-01 was a Thursday.
pub(crate) fn weekday(ms: i64) -> i64 {
    (ms.div_euclid(DAY) + 3).rem_euclid(7)
}

/// `YYYY-MM-DD`.
pub(crate) fn date(ms: i64) -> String {
    let mut text = format_time(ms);
    text.truncate(10);
    text
}

/// From 1 to 31.
pub(crate) fn day_of_month(ms: i64) -> u8 {
    date(ms)[8..].parse().unwrap_or(1)
}

/// Midnight before or at a time.
pub(crate) fn midnight(ms: i64) -> i64 {
    ms.div_euclid(DAY) * DAY
}
