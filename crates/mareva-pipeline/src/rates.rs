//! Dated rates into the reference currency, and the amounts they give.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use mareva_model::{AMOUNT_SCALE, Amount, Fault, ReferenceAmount, Refusal, parse_time};

const DAY_MS: i64 = 86_400_000;
/// The rate of the reference currency.
const ONE: Amount = Amount(10_i128.pow(AMOUNT_SCALE));

/// Rates by currency and day, immutable. The latest one at or before the day of a transaction applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rates {
    reference: String,
    /// Ascending by day.
    by_currency: HashMap<String, Vec<(i64, Amount)>>,
    digest: Option<mareva_model::Digest>,
}

impl Rates {
    /// Rates into `reference`, which itself is always 1.
    pub fn new(reference: &str) -> Self {
        Self { reference: reference.to_owned(), ..Self::default() }
    }

    /// Reads `date,currency,rate` with a header; the rate is reference units for one unit of the currency.
    ///
    /// # Errors
    /// Every bad line.
    pub fn read(reference: &str, csv_text: &str, place: &str) -> Result<Self, Refusal> {
        let mut rates = Self::new(reference);
        let mut faults = Refusal::default();
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(csv_text.as_bytes());
        let header =
            |header: &csv::StringRecord| header.iter().map(str::to_ascii_lowercase).eq(["date", "currency", "rate"]);
        if !reader.headers().is_ok_and(header) {
            let remedy = "begin it with date,currency,rate";
            faults.0.push(Fault::new(format!("{place}:1"), "is not the header of a rates file", remedy));
        }
        let mut lines: HashMap<_, (usize, Amount)> = HashMap::new();
        for (index, record) in reader.records().enumerate() {
            let at = format!("{place}:{}", index + 2);
            let parsed = record.ok().and_then(|record| {
                let day = parse_time(record.get(0)?).ok()? / DAY_MS;
                let rate = Amount::parse(record.get(2)?).ok().filter(|rate| rate.0 > 0)?;
                Some((record.get(1)?.to_owned(), day, rate))
            });
            match parsed {
                Some((currency, _, rate)) if currency == reference && rate.0 != ONE.0 => faults.0.push(Fault::new(
                    at,
                    format!("gives a rate for {reference}, the reference currency, which is always 1"),
                    "leave the line out, or correct `semantics.reference_currency`",
                )),
                Some((currency, day, rate)) => match lines.entry((currency.clone(), day)) {
                    Entry::Occupied(first) if first.get().1 != rate => {
                        let reason = format!("gives {currency} another rate of this day than line {}", first.get().0);
                        faults.0.push(Fault::new(at, reason, "leave one of the two out"));
                    }
                    Entry::Occupied(_) => {}
                    Entry::Vacant(first) => {
                        first.insert((index + 2, rate));
                        rates.by_currency.entry(currency).or_default().push((day, rate));
                    }
                },
                None => {
                    faults.0.push(Fault::new(at, "not a rate", "write date,currency,rate such as 2026-01-05,USD,0.92"))
                }
            }
        }
        for days in rates.by_currency.values_mut() {
            days.sort();
        }
        if rates.by_currency.is_empty() && faults.0.is_empty() {
            let remedy = "write date,currency,rate such as 2026-01-05,USD,0.92, or leave `tables.rates` empty";
            faults.0.push(Fault::new(place, "holds no rate", remedy));
        }
        faults.into_result()?;
        rates.digest = Some(mareva_model::digest(csv_text.as_bytes()));
        Ok(rates)
    }

    /// Code of the reference currency.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Digest of the text they were read from.
    pub fn digest(&self) -> Option<mareva_model::Digest> {
        self.digest
    }

    /// The rate of a currency at a time (UTC milliseconds).
    pub fn rate(&self, currency: &str, time: i64) -> Option<Amount> {
        if currency == self.reference {
            return Some(ONE);
        }
        let days = self.by_currency.get(currency)?;
        let at = days.partition_point(|(day, _)| *day <= time / DAY_MS).checked_sub(1)?;
        Some(days[at].1)
    }

    /// An amount of a currency (10^-18) in the reference currency; null without a rate or from 10^12 units on.
    pub fn to_reference(&self, amount: i128, currency: &str, time: i64) -> Option<ReferenceAmount> {
        if currency == self.reference {
            return Amount(amount).to_reference(ONE);
        }
        Amount(amount).to_reference(self.rate(currency, time)?)
    }
}
