//! Shares of a payment in its own currency, exact and rounded down.

use mareva_model::{AMOUNT_SCALE, Amount, Text};
use mareva_monitoring::TransactionView;

use super::place::is_bank;

/// ISO 4217 currencies without minor unit, and those with three places; all others have two.
const NO_PLACES: [&str; 16] =
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF"];
const THREE_PLACES: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// Decimal places to which a share of this payment is cut: those of the currency for money, 18 for assets on a chain.
pub(super) fn places(view: &TransactionView<'_>) -> u32 {
    let fiat_network = matches!(view.text(Text::Network), Some("sepa" | "swift" | "card" | "fiat" | "ach" | "fps"));
    if !is_bank(view) && !fiat_network {
        return AMOUNT_SCALE;
    }
    match view.text(Text::Currency).unwrap_or_default() {
        code if NO_PLACES.contains(&code) => 0,
        code if THREE_PLACES.contains(&code) => 3,
        _ => 2,
    }
}

/// `part / whole` of `amount`, rounded down to `places`; the whole is the whole, to the last digit.
pub(super) fn share(amount: i128, part: i64, whole: i64, places: u32) -> i128 {
    if part >= whole {
        return amount;
    }
    if part <= 0 || amount <= 0 {
        return 0;
    }
    let (part, whole) = (i128::from(part), i128::from(whole));
    // Both products stay below the amount and 2^127: `part < whole < 2^63`, and the remainder is below `whole`.
    let exact = amount / whole * part + amount % whole * part / whole;
    let unit = 10_i128.pow(AMOUNT_SCALE.saturating_sub(places));
    exact - exact % unit
}

/// The share of a payment as decimal text; `None` where the payment's own amount is not held as a number.
pub(super) fn share_text(view: &TransactionView<'_>, part: i64, whole: i64) -> Option<String> {
    Some(Amount(share(view.amount()?, part, whole, places(view))).to_string())
}
