//! Amounts as text: every digit is kept until it is known to fit.

use std::borrow::Cow;

use mareva_model::{Amount, MoneyError, Text, TransactionRow};

use crate::fault::Fault;

/// Digits of an amount: 78 for 2^256 − 1 and 18 places.
const MAX_DIGITS: usize = 96;

/// An amount read from a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadAmount<'a> {
    /// Units of 10^-18; `None` where `Decimal128(38, 18)` cannot hold it.
    pub(crate) units: Option<i128>,
    /// The decimal text.
    pub(crate) text: Cow<'a, str>,
}

impl<'a> ReadAmount<'a> {
    /// Reads a non-negative plain decimal.
    pub(crate) fn plain(field: &str, text: impl Into<Cow<'a, str>>) -> Result<Self, Fault> {
        let text = text.into();
        if !is_plain(&text) {
            return Err(Fault::invalid(field, "not a decimal of zero or more; write digits with an optional point"));
        }
        Self::sized(field, text)
    }

    /// Sets the amount of a row: as text where the number does not fit.
    pub(crate) fn set<'r>(&'r self, row: &mut TransactionRow<'r>) {
        row.amount = self.units;
        row.set(Text::AmountText, self.units.is_none().then_some(self.text.as_ref()));
    }

    fn sized(field: &str, text: Cow<'a, str>) -> Result<Self, Fault> {
        if text.len() > MAX_DIGITS + 1 {
            return Err(Fault::invalid(field, "more than 96 digits; check the unit"));
        }
        match Amount::parse(&text) {
            Ok(amount) => Ok(Self { units: Some(amount.0), text }),
            Err(MoneyError::Range) => Ok(Self { units: None, text }),
            Err(MoneyError::Syntax) => Err(Fault::invalid(field, "not a decimal amount; write digits with a point")),
        }
    }

    /// Reads a JSON token: a string holding a plain decimal, or a number, whose exponent is applied exactly.
    pub(crate) fn json(field: &str, token: &'a str) -> Result<Self, Fault> {
        match token.as_bytes() {
            [b'"', .., b'"'] if token.len() > 1 => Self::plain(field, &token[1..token.len() - 1]),
            [b'0'..=b'9', ..] => match token.bytes().position(|b| matches!(b, b'e' | b'E')) {
                Some(at) => Self::sized(field, Cow::Owned(expand(field, &token[..at], &token[at + 1..])?)),
                None => Self::sized(field, Cow::Borrowed(token)),
            },
            _ => Self::plain(field, token),
        }
    }
}

/// Reads a balance, which may be negative: units of 10^-18, `None` where they do not fit.
pub(crate) fn balance(field: &str, token: &str) -> Result<Option<i128>, Fault> {
    let inner = token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(token);
    let (negative, digits) = inner.strip_prefix('-').map_or((false, inner), |digits| (true, digits));
    let amount =
        if inner.len() == token.len() { ReadAmount::json(field, digits)? } else { ReadAmount::plain(field, digits)? };
    Ok(amount.units.map(|units| if negative { -units } else { units }))
}

fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let whole = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let (separator, fraction) = match &bytes[whole..] {
        [] => return whole > 0,
        [separator, fraction @ ..] => (*separator, fraction),
    };
    whole > 0 && separator == b'.' && !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit)
}

/// `mantissa × 10^exponent` as a plain decimal.
fn expand(field: &str, mantissa: &str, exponent: &str) -> Result<String, Fault> {
    let fault = || Fault::invalid(field, "exponent out of range; write the digits");
    let exponent: i32 = exponent.parse().map_err(|_| fault())?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if exponent.unsigned_abs() as usize > MAX_DIGITS || whole.len() + fraction.len() > MAX_DIGITS {
        return Err(fault());
    }
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i32 + exponent;
    let text = if point <= 0 {
        format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
    } else if point as usize >= digits.len() {
        format!("{digits}{}", "0".repeat(point as usize - digits.len()))
    } else {
        format!("{}.{}", &digits[..point as usize], &digits[point as usize..])
    };
    let text = text.trim_start_matches('0');
    let text = if text.is_empty() || text.starts_with('.') { format!("0{text}") } else { text.to_owned() };
    Ok(if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text })
}

/// Moves the point of an integer of base units left by `decimals`: the amount in units.
pub(crate) fn shift(base_units: &str, decimals: usize) -> String {
    let padded = format!("{base_units:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    format!("{whole}.{fraction}")
}

#[cfg(test)]
mod tests;
