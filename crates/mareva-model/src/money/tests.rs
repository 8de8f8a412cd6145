use proptest::prelude::*;

use super::*;

#[test]
fn amounts_parse_exactly_or_not_at_all() {
    for (text, shown) in [
        ("1500", Ok("1500.00")),
        ("1500.5", Ok("1500.50")),
        ("-0.01", Ok("-0.01")),
        ("0.000000000000000001", Ok("0.000000000000000001")),
        ("0.0000000000000000010", Ok("0.000000000000000001")),
        ("0.0000000000000000001", Err(MoneyError::Range)),
        ("99999999999999999999", Ok("99999999999999999999.00")),
        ("100000000000000000000", Err(MoneyError::Range)),
        ("115792089237316195423570985008687907853269984665640564039457584007913129639935", Err(MoneyError::Range)),
        ("", Err(MoneyError::Syntax)),
        (".", Err(MoneyError::Syntax)),
        ("1e5", Err(MoneyError::Syntax)),
        ("1,5", Err(MoneyError::Syntax)),
    ] {
        assert_eq!(Amount::parse(text).map(|a| a.to_string()), shown.map(str::to_owned), "{text}");
    }
    assert_eq!(Amount::parse_scaled("1500000", 6).map(|a| a.to_string()), Ok("1.50".to_owned()));
}

/// On paper: the digits, with as many zeros behind them as places are missing, or as many less.
fn on_paper(whole: &str, fraction: &str, decimals: usize) -> Result<i128, MoneyError> {
    let mut digits = format!("{whole}{fraction}");
    let missing = 18 - decimals as i64 - fraction.len() as i64;
    for _ in 0..missing {
        digits.push('0');
    }
    for _ in missing..0 {
        if digits.pop().is_some_and(|digit| digit != '0') {
            return Err(MoneyError::Range);
        }
    }
    let plain = digits.trim_start_matches('0');
    if plain.len() > 38 { Err(MoneyError::Range) } else { Ok(plain.parse().unwrap_or(0)) }
}

proptest! {
    #[test]
    fn digits_are_read_as_on_paper(
        whole in "0{0,3}[0-9]{0,24}0{0,20}", fraction in "[0-9]{0,21}0{0,6}", decimals in 0_usize..40, negative: bool,
    ) {
        let text = if fraction.is_empty() { whole.clone() } else { format!("{whole}.{fraction}") };
        let text = if negative { format!("-{text}") } else { text };
        let expected = if whole.is_empty() && fraction.is_empty() {
            Err(MoneyError::Syntax)
        } else {
            on_paper(&whole, &fraction, decimals).map(|units| if negative { -units } else { units })
        };
        prop_assert_eq!(Amount::parse_scaled(&text, decimals as u32).map(|amount| amount.0), expected, "{}", text);
    }

    #[test]
    fn shown_amounts_parse_back(units in -Amount::MAX..=Amount::MAX) {
        prop_assert_eq!(Amount::parse(&Amount(units).to_string()), Ok(Amount(units)));
    }

    #[test]
    fn conversion_rounds_to_the_nearest_hundredth(units in 0_i64..1_000_000_000_000, rate in 1_i64..10_000_000) {
        // units in hundredths, rate in millionths: the exact product in 10^-8 is a small integer.
        let amount = Amount(i128::from(units) * 10_i128.pow(16));
        let rate_units = Amount(i128::from(rate) * 10_i128.pow(12));
        let exact = i128::from(units) * i128::from(rate);
        let rounded = (exact + 500_000) / 1_000_000;
        prop_assert_eq!(amount.to_reference(rate_units), ReferenceAmount::new(rounded));
    }
}
