//! Transaction monitoring: SQL rules compiled onto per-key timelines over retained rows. Principal type: [`Monitor`].
//! Prepared batches enter, detections leave: raised as of the row that crosses the line, revised or withdrawn when a late
//! row changes what they rest on. It takes no paths, reads no clock and never hands DataFusion an unbounded input:
//! DataFusion parses, plans, types and compiles expressions, and is the oracle.

mod accounts;
mod again;
mod aggregate;
mod backfill;
pub mod backtest;
mod base;
mod bound;
mod calendar;
mod cheaper;
mod compared;
mod cursor;
mod dimension;
mod error;
mod evaluate;
pub mod explain;
mod export;
mod extent;
mod facts;
mod feature_values;
mod few;
mod groups;
mod in_force;
mod judging;
mod key;
mod legs;
mod level;
mod monitor;
mod nesting;
pub mod oracle;
mod plan;
mod program;
mod retained;
mod ring;
mod rule;
mod rule_text;
mod ruleset;
mod signals;
mod state;
mod stock;
mod table_digest;
mod tables;
mod telling;
#[cfg(test)]
mod tests;
mod timeline;
mod values;
mod warm;

pub use accounts::{Account, Accounts, KnownAccount, ROLES, accounts_schema};
pub use backfill::{Backfill, Outgrown};
pub use error::Error;
pub use evaluate::RuleFailure;
pub use export::{ParquetWriter, movements_of, signals_of, write_parquet};
pub use in_force::Tenure;
pub use key::{Key, KeyBuild, key_of};
pub use mareva_model::Table;
pub use monitor::{Bounds, Monitor, Monitored, Sizes};
pub use retained::{Block, Direction, MakeFile, Movement, RetainedRows, RowNumber, Spill, TransactionView, moves};
pub use rule::{RuleText, Source, is_blank};
pub use ruleset::{Rule, Ruleset, rules_digest};
pub use state::MonitorState;
pub use tables::whole;
pub use telling::is_enough;
