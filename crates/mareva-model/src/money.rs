use std::fmt;

/// Decimal places of [`Amount`]: 18, the finest unit of the chains read (wei).
pub const AMOUNT_SCALE: u32 = 18;
/// Decimal places of [`ReferenceAmount`].
pub const REFERENCE_SCALE: u32 = 2;

const AMOUNT_UNIT: i128 = 10_i128.pow(AMOUNT_SCALE);
/// Amounts from 10^12 units on are outside what rules may sum: 10^12 units is 10^14 hundredths, far from overflow in any sum.
const MAX_REFERENCE_UNITS: i128 = 1_000_000_000_000;

/// Digits that a `u64` always holds.
const SHORT_DIGITS: usize = 18;
const POWERS_OF_TEN: [i128; AMOUNT_SCALE as usize + 1] = {
    let mut powers = [1; AMOUNT_SCALE as usize + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Why an amount was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a plain decimal.
    #[error("not a decimal amount; write digits with an optional point")]
    Syntax,
    /// Beyond `Decimal128(38, 18)`: kept as text only.
    #[error("amount beyond 38 digits at 18 places; it is kept as text")]
    Range,
}

/// An amount in its own currency, in units of 10^-18: for showing, never summed by a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub i128);

impl Amount {
    /// Largest magnitude that `Decimal128(38, 18)` holds.
    pub const MAX: i128 = 10_i128.pow(38) - 1;

    /// Parses a non-negative or negative decimal such as `1500.00`. More than 18 places are refused unless zeros.
    ///
    /// # Errors
    /// [`MoneyError`] when it is no decimal or does not fit.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        Self::parse_scaled(text, 0)
    }

    /// Parses `text × 10^-decimals`: an integer of base units of an asset with `decimals` places.
    ///
    /// # Errors
    /// [`MoneyError`] when it is no decimal or does not fit.
    pub fn parse_scaled(text: &str, decimals: u32) -> Result<Self, MoneyError> {
        let (negative, body) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let point = body.iter().position(|&b| b == b'.').unwrap_or(body.len());
        let (whole, fraction) = (&body[..point], body.get(point + 1..).unwrap_or_default());
        let digits = whole.len() + fraction.len();
        // Right for up to 18 digits, as nearly all amounts have.
        let mut short: u64 = 0;
        for &digit in whole.iter().chain(fraction) {
            if !digit.is_ascii_digit() {
                return Err(MoneyError::Syntax);
            }
            short = short.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        }
        if digits == 0 {
            return Err(MoneyError::Syntax);
        }
        if body.len() > 100 {
            return Err(MoneyError::Range);
        }
        // Powers of ten of the smallest unit: those that are missing behind the last digit.
        let missing = i64::from(AMOUNT_SCALE) - i64::from(decimals) - fraction.len() as i64;
        let units = if digits <= SHORT_DIGITS && missing >= 0 {
            i128::from(short)
        } else {
            long(whole, fraction, missing.min(0).unsigned_abs() as usize)?
        };
        let power = POWERS_OF_TEN.get(usize::try_from(missing).unwrap_or(0)).ok_or(MoneyError::Range)?;
        let units = units.checked_mul(*power).ok_or(MoneyError::Range)?;
        if units > Self::MAX {
            return Err(MoneyError::Range);
        }
        Ok(Self(if negative { -units } else { units }))
    }

    /// Hundredths of its unit; `None` where there is a rest, or 64 bits do not hold them.
    pub fn hundredths(self) -> Option<i64> {
        let hundredth = 10_i128.pow(AMOUNT_SCALE - REFERENCE_SCALE);
        (self.0 % hundredth == 0).then(|| i64::try_from(self.0 / hundredth).ok())?
    }

    /// The amount in the reference currency at `rate` (reference units per unit), half away from zero at the hundredth;
    /// `None` from 10^12 reference units on, or when the product overflows.
    pub fn to_reference(self, rate: Amount) -> Option<ReferenceAmount> {
        // Split both factors so that no intermediate exceeds i128: units·rate = (ai + af)(ri + rf).
        let (ai, af) = (self.0 / AMOUNT_UNIT, self.0 % AMOUNT_UNIT);
        if ai.abs() >= 10_i128.pow(18) || rate.0 < 0 {
            return None;
        }
        let (ri, rf) = (rate.0 / AMOUNT_UNIT, rate.0 % AMOUNT_UNIT);
        // In units of 10^-18; af·rf is in units of 10^-36 and is carried down exactly.
        let whole = ai.checked_mul(rate.0)?.checked_add(af.checked_mul(ri)?)?;
        let fine = af.checked_mul(rf)?;
        let total = whole.checked_add(fine / AMOUNT_UNIT)?;
        let cut = fine % AMOUNT_UNIT;
        let cent = 10_i128.pow(AMOUNT_SCALE - REFERENCE_SCALE);
        let (mut hundredths, rest) = (total / cent, total % cent);
        // The part cut off below 10^-18 decides nothing unless `rest` is exactly half: then it only confirms rounding up.
        let half = cent / 2;
        let up = rest.abs() > half || (rest.abs() == half && rest.signum() * cut.signum() >= 0);
        if up {
            hundredths += if total < 0 { -1 } else { 1 };
        }
        ReferenceAmount::new(hundredths)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, AMOUNT_SCALE, 2)
    }
}

/// An amount in the reference currency, in hundredths. This is what rules sum; it always fits an `i64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferenceAmount(pub i64);

impl ReferenceAmount {
    /// `None` from 10^12 units on (design: such amounts are null in `amount_ref`, kept as text and counted).
    pub fn new(hundredths: i128) -> Option<Self> {
        if hundredths.abs() >= MAX_REFERENCE_UNITS * 100 {
            return None;
        }
        i64::try_from(hundredths).ok().map(Self)
    }
}

impl fmt::Display for ReferenceAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, i128::from(self.0), REFERENCE_SCALE, 2)
    }
}

/// The digits as a number without the last `cut`, which must be zeros.
fn long(whole: &[u8], fraction: &[u8], cut: usize) -> Result<i128, MoneyError> {
    let kept = (whole.len() + fraction.len()).saturating_sub(cut);
    let mut units: i128 = 0;
    for (at, digit) in whole.iter().chain(fraction).enumerate() {
        let value = i128::from(digit - b'0');
        if at < kept {
            units = units.checked_mul(10).and_then(|units| units.checked_add(value)).ok_or(MoneyError::Range)?;
        } else if value != 0 {
            return Err(MoneyError::Range);
        }
    }
    Ok(units)
}

fn write_decimal(f: &mut fmt::Formatter<'_>, units: i128, scale: u32, min_places: usize) -> fmt::Result {
    let unit = 10_u128.pow(scale);
    let magnitude = units.unsigned_abs();
    let fraction = format!("{:0width$}", magnitude % unit, width = scale as usize);
    let places = fraction.trim_end_matches('0').len().max(min_places);
    let sign = if units < 0 { "-" } else { "" };
    write!(f, "{sign}{}.{}", magnitude / unit, &fraction[..places])
}

#[cfg(test)]
mod tests;
