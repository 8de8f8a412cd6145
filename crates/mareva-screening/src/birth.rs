use serde::Serialize;

/// A date of birth as far as its source knows it: the range of days that it allows, written `yyyymmdd` as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct BirthDate {
    /// First possible day.
    pub first: u32,
    /// Last possible day.
    pub last: u32,
}

/// Years that "circa" allows to either side.
const CIRCA_YEARS: u32 = 1;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

impl BirthDate {
    /// Reads `1973-10-31` (time of day ignored), `1973-10`, `1973`, `31.10.1973`, and OFAC's `31 Oct 1973`, `Mar 1945`,
    /// `circa 1950`, `1951 to 1953`, `circa 1979-1982`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('.').trim();
        if let Some(rest) = text.strip_prefix("circa ") {
            return Self::parse(rest).map(Self::widened);
        }
        if let Some((from, to)) = text.split_once(" to ").or_else(|| year_pair(text)) {
            let (from, to) = (Self::parse(from)?, Self::parse(to)?);
            return (from.first <= to.last).then_some(Self { first: from.first, last: to.last });
        }
        one_date(text)
    }

    /// Whether the two can be the same day.
    pub fn agrees_with(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn widened(self) -> Self {
        let (first, last) = (self.first / 10_000, self.last / 10_000);
        Self { first: first.saturating_sub(CIRCA_YEARS) * 10_000 + 101, last: (last + CIRCA_YEARS) * 10_000 + 1231 }
    }
}

/// `1979-1982`, which no other form looks like.
fn year_pair(text: &str) -> Option<(&str, &str)> {
    let (from, to) = text.split_once('-')?;
    (from.len() == 4 && to.len() == 4).then_some((from, to))
}

fn one_date(text: &str) -> Option<BirthDate> {
    let text = text.split_once('T').map_or(text, |(day, _)| day);
    let parts: Vec<&str> = text.split([' ', '-', '.', '/']).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [year] => range(year_number(year)?, None, None),
        [a, b] if a.len() == 4 => range(year_number(a)?, Some(month_number(b)?), None),
        [a, b] => range(year_number(b)?, Some(month_name(a)?), None),
        [a, b, c] if a.len() == 4 && !text.contains('.') => {
            range(year_number(a)?, Some(month_number(b)?), Some(number(c, 2)?))
        }
        // `31/10/1973` and `10/31/1973` cannot be told apart and are not read; the dotted form is day first.
        [a, b, c] if text.contains('.') => range(year_number(c)?, Some(month_number(b)?), Some(number(a, 2)?)),
        [a, b, c] => range(year_number(c)?, Some(month_name(b)?), Some(number(a, 2)?)),
        _ => None,
    }
}

fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() <= digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn year_number(text: &str) -> Option<u32> {
    number(text, 4).filter(|year| (1800..2200).contains(year))
}

fn month_number(text: &str) -> Option<u32> {
    number(text, 2).filter(|month| (1..=12).contains(month))
}

fn month_name(text: &str) -> Option<u32> {
    let text = text.to_ascii_lowercase();
    MONTHS.iter().position(|month| *month == text).and_then(|place| u32::try_from(place + 1).ok())
}

fn range(year: u32, month: Option<u32>, day: Option<u32>) -> Option<BirthDate> {
    let of = |month: u32, day: u32| year * 10_000 + month * 100 + day;
    match (month, day) {
        (Some(month), Some(day)) if (1..=31).contains(&day) => {
            Some(BirthDate { first: of(month, day), last: of(month, day) })
        }
        (Some(_), Some(_)) => None,
        (Some(month), None) => Some(BirthDate { first: of(month, 1), last: of(month, 31) }),
        (None, _) => Some(BirthDate { first: of(1, 1), last: of(12, 31) }),
    }
}
