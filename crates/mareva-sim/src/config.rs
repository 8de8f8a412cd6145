/// What to simulate. The same values give the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimConfig {
    /// Seed of everything that is left to chance.
    pub seed: u64,
    /// Number of records in both streams together; the size of the population and the number of days follow from it. Made for
    /// up to fifty million.
    pub transactions: u64,
    /// Midnight (UTC milliseconds) at or before which the first day begins; 2026-01-05, a Monday, by default.
    pub start: i64,
    /// Upper bound of illicit transactions per million; 1,500 by default. Operations are planned within it.
    pub illicit_per_million: u64,
}

/// 2026-01-05T00:00:00Z.
const DEFAULT_START: i64 = 1_767_571_200_000;

/// Records that one person causes a day, in hundredths, measured over the whole population and a whole week.
const DAILY_RECORDS: u64 = 138;

/// Fewest people: below this, there is nobody to pay.
const LEAST_PEOPLE: u64 = 80;

impl Default for SimConfig {
    fn default() -> Self {
        Self { seed: 1, transactions: 100_000, start: DEFAULT_START, illicit_per_million: 1_500 }
    }
}

impl SimConfig {
    /// The defaults with another seed and size.
    pub fn new(seed: u64, transactions: u64) -> Self {
        Self { seed, transactions, ..Self::default() }
    }

    /// Days that the economy lives: longer for more records, so that daily rates per account stay realistic.
    pub fn days(&self) -> i64 {
        match self.transactions {
            0..20_000 => 7,
            20_000..500_000 => 14,
            500_000..5_000_000 => 21,
            _ => 28,
        }
    }

    /// Customers of our bank.
    pub(crate) fn people(&self) -> u64 {
        (self.transactions * 100 / (DAILY_RECORDS * self.days() as u64)).max(LEAST_PEOPLE)
    }

    /// Illicit transactions allowed in all.
    pub(crate) fn illicit(&self) -> u64 {
        (u128::from(self.transactions) * u128::from(self.illicit_per_million) / 1_000_000) as u64
    }
}
