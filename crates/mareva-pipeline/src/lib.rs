//! The path of Mareva. Principal type: [`Pipeline`], one pure function: numbered slices of input records enter, alerts, dead
//! letters, late rows and detections leave. [`Pipeline::process`] is [`Pipeline::judge`] after [`Pipeline::prepare`]. It must
//! never do I/O, read a clock or depend on anything but its slices; its state is written to and restored from bytes that
//! the caller keeps.

pub mod alerts;
mod change;
mod config;
mod decisions;
mod decoding;
mod error;
mod history;
mod look_back;
mod low_time;
mod pipeline;
mod prepare;
mod rates;
mod reach;
mod screen;
mod slice;
mod verdict;

pub use change::{Change, Outgrown};
pub use config::{DecisionConfig, EpochFrame, Parts, PipelineConfig};
pub use decisions::{Decisions, LIST_OF_DECISIONS};
pub use decoding::{DecodedSlice, SliceDecoder};
pub use error::Error;
pub use history::HistoryCut;
pub use look_back::LookedBack;
pub use pipeline::{Pipeline, Snapshot};
pub use prepare::Prepared;
pub use rates::Rates;
pub use slice::{Counts, InputRecord, InputSlice, LateRow, Output};

#[cfg(test)]
mod tests;
