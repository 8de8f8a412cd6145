//! A labelled scam-centre economy. Principal type: [`Records`], an iterator of [`SimRecord`] in event-time order. A
//! [`SimConfig`] enters; bank and exchange records, accounts, lists, rates and labels leave, the same bytes for the same
//! configuration. It must never read a clock, hold the stream in memory, compute money with floats, or name a real person,
//! account or listed party: names, banks, exchanges and sanctions entries are invented, identifiers only pass their checks.

#![allow(clippy::explicit_auto_deref, reason = "pick is generic: without the explicit deref its type is not inferred")]

mod config;

mod calendar;
mod dice;
mod identifiers;
mod json;
mod rates;

mod world;

mod action;
mod life;

mod crime;

mod engine;

mod wire;

mod labels;
mod record;
mod reference;
mod truth;
mod write;

mod fixtures;

#[cfg(test)]
mod tests;

pub use config::SimConfig;
pub use engine::Records;
pub use fixtures::{Fixture, HighAlertStream, high_alert_stream, merchant, omnibus, payroll};
pub use identifiers::{EXCHANGE, OUR_BIC};
pub use labels::Label;
pub use record::{SimRecord, Stream};
pub use reference::Reference;
pub use truth::Truth;
pub use write::{Summary, write};

/// The records of a configuration, in event-time order. [`Records::reference`] gives what belongs to them.
pub fn records(config: &SimConfig) -> Records {
    Records::new(config, true)
}

/// Accounts, lists, rates and all labels of a configuration. Runs the whole simulation once, without writing records.
pub fn reference(config: &SimConfig) -> Reference {
    let mut records = Records::new(config, false);
    records.by_ref().for_each(drop);
    records.reference()
}
