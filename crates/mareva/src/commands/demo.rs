use anyhow::Result;
use clap::value_parser;

use super::sim::MAX_TRANSACTIONS;
use crate::config::Span;
use crate::demo;

/// Watch Mareva catch a simulated scam centre
///
/// Starts a broker inside the process (librdkafka's mock cluster: nothing about delivery can be shown with it), feeds a
/// simulated bank and exchange through it, and judges them with the same code as `run`. Needs no files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva demo
  mareva demo --for 60s --transactions 300000
  mareva demo --for 20s --json | jq .score")]
pub struct Args {
    /// How long to feed: the transactions are spread over it
    #[arg(long = "for", value_name = "TIME", default_value = "30s")]
    time: Span,
    /// Seed of the simulation
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Transactions of the simulation; fewer are fed when the time is up
    #[arg(long, default_value_t = 100_000, value_parser = value_parser!(u64).range(1..=MAX_TRANSACTIONS))]
    transactions: u64,
    /// No view; the summary as one JSON object on standard output
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<()> {
    demo::run(&demo::Settings {
        time: args.time.duration(),
        seed: args.seed,
        transactions: args.transactions,
        json: args.json,
    })
}
