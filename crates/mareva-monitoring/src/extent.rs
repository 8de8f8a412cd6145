//! How far a window reaches back from a row.

use crate::calendar::Calendar;

/// Where the window of a row begins. Its end is the row, or those of the same millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Extent {
    /// So many milliseconds before the row, that edge included.
    Preceding(i64),
    /// An aligned window: `width` long, beginning every `slide` from `origin` on (all milliseconds). Of the windows that hold
    /// the row the one that began `back` slides ago.
    Aligned { width: i64, slide: i64, origin: i64, back: i64 },
    /// Back to the first row after a pause of more than `gap` milliseconds, within the day (UTC). Days bound it: rows are not
    /// kept for ever.
    Session { gap: i64 },
    /// A day, week or month of a time zone.
    Calendar(Calendar),
}

/// Milliseconds of a day.
pub(crate) const DAY: i64 = 86_400_000;

impl Extent {
    /// First time inside, UTC milliseconds; of a session the first time that may be.
    pub fn start(self, time: i64) -> i64 {
        match self {
            Self::Preceding(span) => time.saturating_sub(span),
            Self::Aligned { slide, origin, back, .. } => {
                let into = time.saturating_sub(origin).rem_euclid(slide);
                time.saturating_sub(into).saturating_sub(back.saturating_mul(slide))
            }
            Self::Session { .. } => time.saturating_sub(time.rem_euclid(DAY)),
            Self::Calendar(calendar) => calendar.start(time),
        }
    }

    /// The aligned window so many slides earlier.
    pub fn earlier(self, slides: i64) -> Self {
        match self {
            Self::Aligned { width, slide, origin, back } => Self::Aligned { width, slide, origin, back: back + slides },
            other => other,
        }
    }

    /// First time at which no row can come into the window that began at `start` and whose last row is of `time`.
    pub fn end(self, start: i64, time: i64) -> i64 {
        match self {
            Self::Preceding(_) => time,
            Self::Aligned { width, .. } => start.saturating_add(width),
            Self::Session { gap } => time.saturating_add(gap + 1).min(self.start(time).saturating_add(DAY)),
            Self::Calendar(calendar) => calendar.end(time),
        }
    }

    /// Milliseconds from the latest aligned window that holds a row back to each that does.
    pub fn distances(self) -> Vec<i64> {
        match self {
            Self::Aligned { width, slide, .. } => (0..width / slide).map(|back| back * slide).collect(),
            _ => vec![0],
        }
    }

    /// Where windows of this row's group may have begun, before a row between them made them one.
    pub fn merged(self, start: i64, time: i64) -> i64 {
        if matches!(self, Self::Session { .. }) { time } else { start }
    }

    /// How far apart two rows of one window can be, milliseconds.
    pub fn reach(self) -> i64 {
        match self {
            Self::Preceding(span) => span,
            Self::Aligned { width, .. } => width,
            Self::Session { .. } => DAY,
            Self::Calendar(calendar) => calendar.longest(),
        }
    }

    /// Whether a row is in several windows.
    pub fn is_hop(self) -> bool {
        matches!(self, Self::Aligned { width, slide, .. } if width != slide)
    }
}
