//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{check, completions, decisions, demo, lists, replay, rules, run, sim};

/// Catches scam money while it is still there.
///
/// Reads bank and crypto-exchange transactions, screens every party against lists, runs windowed SQL rules over every
/// account, and says what to freeze, how much, where, why, and until when.
#[derive(Debug, Parser)]
#[command(
    name = "mareva",
    version,
    max_term_width = 110,
    arg_required_else_help = true,
    after_help = "Examples:
  mareva demo                          watch it catch a simulated scam centre
  mareva sim --out sim                 a labelled economy to try things on
  mareva replay --bank bank.ndjson --list mules=mules.csv --out alerts.ndjson
  mareva check --config mareva.toml    every fault of config, rules, lists, tables
  mareva run --config mareva.toml      judge Kafka topics until SIGTERM

Exit codes:
  0    done
  1    it failed on the way
  2    somebody must look: it refused to start and listed every fault,
       or another instance has taken over
  130  a second signal ended it at once

Log lines go to standard error; MAREVA_LOG=debug overrules the level of the
config."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(demo::Args),
    Run(run::Args),
    Replay(replay::Args),
    Sim(sim::Args),
    Check(check::Args),
    #[command(subcommand)]
    Rules(rules::Command),
    #[command(subcommand)]
    Lists(lists::Command),
    #[command(subcommand)]
    Decisions(decisions::Command),
    Completions(completions::Args),
}
