//! Wire formats of Mareva. Principal type: [`Decoder`]. The bytes of records from the bank and the exchange stream enter
//! ([`Record`]); a [`TransactionBatch`](mareva_model::TransactionBatch), dead letters and the parties that have no column
//! leave ([`Decoded`]). Untrusted input stops here: this crate must never panic on it, never drop any of it silently, never
//! follow a reference out of it, and it does no I/O and reads no clock.
//!
//! Formats: canonical JSON (`schema/bank.schema.json`, `schema/exchange.schema.json`); on the bank stream ISO 20022 messages
//! (`pacs.008`, `pacs.009`, `pacs.004`, `pacs.002`, `pain.001`, `camt.056`, `camt.110`) and SWIFT FIN messages (MT103, MT202,
//! MT205, MT192, MT292), of which README.md says what a row of each is; on the exchange stream `ethereum-etl` token transfers and
//! transactions. Beside them [`read_decision`]: signed decisions of people.

mod amount;
mod bank_json;
mod decision;
mod decoder;
mod ethereum_etl;
mod exchange_json;
mod fault;
mod iso20022;
mod json;
mod mt;
pub mod outbound;
mod row;
mod salvage;

pub use decision::{Approver, Approvers, SignError, SigningKey, read_decision, read_public_key};
pub use decoder::{Decoded, Decoder, ExtraParty, Limits, PartyText, Record, Stream};
