//! Wire formats of Mareva. Principal type: [`Decoder`]. The bytes of records from the bank and the exchange stream enter
//! ([`Record`]); a [`TransactionBatch`](mareva_model::TransactionBatch), dead letters and the parties that have no column
//! leave ([`Decoded`]). Untrusted input stops here: this crate must never panic on it, never drop any of it silently, never
//! follow a reference out of it, and it does no I/O and reads no clock.
//!
//! Formats: canonical JSON (`schema/bank.schema.json`, `schema/exchange.schema.json`), ISO 20022 `pacs.008.001.02` to `.13`
//! on the bank stream, `ethereum-etl` token transfers and transactions on the exchange stream. Beside them [`read_decision`]: signed decisions of people.

mod amount;
mod bank_json;
mod decision;
mod decoder;
mod ethereum_etl;
mod exchange_json;
mod fault;
mod json;
pub mod outbound;
mod pacs008;
mod row;
mod salvage;

pub use decision::{Approver, Approvers, SignError, SigningKey, read_decision, read_public_key};
pub use decoder::{Decoded, Decoder, ExtraParty, Limits, PartyText, Record, Stream};
