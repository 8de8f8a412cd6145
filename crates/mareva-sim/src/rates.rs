use crate::calendar::{DAY, date};
use crate::dice::Dice;

/// Micro-euros that one unit cost on the first day.
const FIRST: [(&str, i64); 8] = [
    ("USD", 921_400),
    ("GBP", 1_163_200),
    ("CHF", 1_048_700),
    ("USDT", 921_100),
    ("USDC", 921_300),
    ("BTC", 83_412_550_000),
    ("ETH", 2_871_340_000),
    ("TRX", 248_900),
];

/// Days before the start and after the planned end for which there are rates.
const MARGIN: i64 = 40;

/// Daily rates against the euro, in micro-euros per unit: a seeded walk of at most 0.6 % a day.
#[derive(Debug, Clone)]
pub(crate) struct Rates {
    first_day: i64,
    days: Vec<[i64; FIRST.len()]>,
}

impl Rates {
    pub(crate) fn new(seed: u64, start: i64, days: i64) -> Self {
        let mut dice = Dice::new(seed, "rates", 0);
        let mut today = FIRST.map(|(_, rate)| rate);
        let count = (days + 2 * MARGIN).max(1) as usize;
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push(today);
            for (at, rate) in today.iter_mut().enumerate() {
                let swing = if at < 5 { 1_500 } else { 6_000 };
                *rate += *rate * dice.between(-swing, swing) / 1_000_000;
            }
        }
        Self { first_day: start.div_euclid(DAY) - MARGIN, days: all }
    }

    /// Micro-euros per unit at a time; 1,000,000 for the euro and for a currency without a rate.
    pub(crate) fn at(&self, currency: &str, time: i64) -> i64 {
        let Some(column) = FIRST.iter().position(|(name, _)| *name == currency) else { return 1_000_000 };
        let day = (time.div_euclid(DAY) - self.first_day).clamp(0, self.days.len() as i64 - 1);
        self.days[day as usize][column]
    }

    /// `date,currency,rate`: euros per unit, decimal text.
    pub(crate) fn csv(&self) -> Vec<u8> {
        let mut out = String::from("date,currency,rate\n");
        for (at, rates) in self.days.iter().enumerate() {
            let day = date((self.first_day + at as i64) * DAY);
            out.push_str(&format!("{day},EUR,1\n"));
            for ((currency, _), rate) in FIRST.iter().zip(rates) {
                out.push_str(&format!("{day},{currency},{}\n", crate::json::decimal(*rate, 6)));
            }
        }
        out.into_bytes()
    }
}
