//! Days, weeks and months of a time zone, which are not all of one length.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::{DateTime, Datelike as _, Days, LocalResult, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::explain::span;

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;
/// Clocks are put forward by less. Stock DataFusion looks so far back where midnight is left out (`date_trunc`).
const CLOCK_CHANGE_HOURS: i64 = 3;

/// A part of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Day,
    /// From Monday on.
    Week,
    Month,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As `date_trunc` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// Days, weeks or months of a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Calendar {
    zone: Tz,
    part: Part,
    /// How long after midnight they begin: milliseconds that go by, whatever clocks do.
    cut_off: i64,
}

impl Calendar {
    /// # Errors
    /// The reason: there is no such zone, or a day does not begin once and with its first moment.
    pub fn of(zone: &str, part: Part) -> Result<Self, String> {
        /// Zones that were looked at, of which there are six hundred: a look takes as long as planning some rules.
        static KNOWN: LazyLock<Mutex<HashMap<Tz, Option<NaiveDate>>>> = LazyLock::new(Mutex::default);
        let unknown = |_| "a window is of a zone of the IANA database".to_owned();
        let zone: Tz = zone.parse().map_err(unknown)?;
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        match *known.entry(zone).or_insert_with(|| strange_day(zone)) {
            None => Ok(Self { zone, part, cut_off: 0 }),
            Some(day) => Err(format!("clocks went back over midnight there on {day}, which came twice")),
        }
    }

    /// The same, each beginning so many milliseconds after midnight.
    pub const fn cut_off(self, cut_off: i64) -> Self {
        Self { cut_off, ..self }
    }

    /// When the part began that a time is in; both UTC milliseconds. Times that no calendar has are parts of their own.
    pub fn start(self, time: i64) -> i64 {
        self.first_day(time).and_then(|first| self.begin(first, time)).unwrap_or(time)
    }

    /// When the part ends that a time is in.
    pub fn end(self, time: i64) -> i64 {
        let next = |first: NaiveDate| match self.part {
            Part::Day => first.checked_add_days(Days::new(1)),
            Part::Week => first.checked_add_days(Days::new(7)),
            Part::Month => first.checked_add_months(Months::new(1)),
        };
        let first = self.first_day(time);
        // Before the second midnight of a day that has two, that is the end.
        let again = first.and_then(|first| self.begin(first, i64::MAX)).filter(|again| *again > time);
        again.or_else(|| self.begin(first.and_then(next)?, i64::MIN)).unwrap_or(i64::MAX)
    }

    /// The longest that a part can be, milliseconds.
    pub fn longest(self) -> i64 {
        let days = match self.part {
            Part::Day => 1,
            Part::Week => 7,
            Part::Month => 31,
        };
        (24 * days + CLOCK_CHANGE_HOURS) * HOUR
    }

    /// Such as `a day in Europe/Berlin`.
    pub fn name(self) -> String {
        let part = self.part.name();
        let cut_off = if self.cut_off == 0 {
            String::new()
        } else {
            format!(" that begins {} after midnight", span(self.cut_off))
        };
        format!("a {part} in {}{cut_off}", self.zone)
    }

    fn begin(self, first: NaiveDate, time: i64) -> Option<i64> {
        begin(self.zone, first, time.saturating_sub(self.cut_off))?.checked_add(self.cut_off)
    }

    fn first_day(self, time: i64) -> Option<NaiveDate> {
        let time = time.checked_sub(self.cut_off)?;
        let date = DateTime::<Utc>::from_timestamp_millis(time)?.with_timezone(&self.zone).date_naive();
        match self.part {
            Part::Day => Some(date),
            Part::Week => date.checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday()))),
            Part::Month => date.with_day(1),
        }
    }
}

/// The last day, 1970 to 2099, that does not begin where stock DataFusion says, or is two from 2000 on. Where midnight came twice before,
/// the hour between the two is a day of its own, there and here.
fn strange_day(zone: Tz) -> Option<NaiveDate> {
    let is_of = |moment: i64, date: NaiveDate| {
        DateTime::from_timestamp_millis(moment).is_some_and(|at| at.with_timezone(&zone).date_naive() == date)
    };
    let is_strange = |date: &NaiveDate| match zone.from_local_datetime(&date.and_time(NaiveTime::MIN)) {
        LocalResult::Single(_) => false,
        LocalResult::Ambiguous(_, second) => date.year() >= 2000 || !is_of(second.timestamp_millis() - 1, *date),
        LocalResult::None => begin(zone, *date, 0).is_none_or(|first| is_of(first - 1, *date)),
    };
    let mut days = (0..47_482).rev().filter_map(|day| NaiveDate::default().checked_add_days(Days::new(day)));
    days.find(is_strange)
}

/// The first moment of a day, UTC milliseconds; of one that begins twice the second time for what comes after it.
fn begin(zone: Tz, date: NaiveDate, time: i64) -> Option<i64> {
    let midnight = date.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&midnight) {
        LocalResult::Single(first) => Some(first.timestamp_millis()),
        LocalResult::Ambiguous(first, second) => {
            let (first, second) = (first.timestamp_millis(), second.timestamp_millis());
            Some(if time < second { first } else { second })
        }
        LocalResult::None => {
            let earlier = midnight.checked_sub_signed(TimeDelta::hours(CLOCK_CHANGE_HOURS))?;
            let earlier = zone.from_local_datetime(&earlier).single()?;
            Some(earlier.timestamp_millis() + CLOCK_CHANGE_HOURS * HOUR)
        }
    }
}
