//! Requests that leave: filled from an alert's target alone, without looking anything up.

mod camt056;
mod exchange_request;

pub use camt056::camt056;
pub use exchange_request::{ExchangeRequest, exchange_request};

use mareva_model::alert::{Alert, Target};

/// Id of the request about one target of an alert: 32 hex digits, the same for the same revision and payment, so that a
/// request sent twice is recognised as one.
pub fn request_id(alert: &Alert, target: &Target) -> String {
    let key = target.key();
    let text = format!("{}\n{}\n{key}", alert.alert_id, alert.revision);
    mareva_model::digest(text.as_bytes()).to_string().chars().take(32).collect()
}

#[cfg(test)]
mod tests;
