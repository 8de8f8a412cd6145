//! The binary `mareva`. Principal type: [`cli::Cli`], one variant for each subcommand, one file for each under `commands`.
//! Arguments, the config and the files that it names enter; alerts, detections, tables, metrics and exit codes leave: 0 done,
//! 1 it failed on the way, 2 somebody must look before it is started again. It wires the libraries together and must never
//! decide anything about money itself, nor let an account number into a log line or a metric.

#![deny(clippy::print_stdout)]

mod backtest;
mod challenge;
mod cli;
mod commands;
mod config;
mod demo;
mod fetch;
mod history;
mod http;
mod in_force;
mod judge;
mod logging;
mod metrics;
mod open;
mod outcome;
mod outputs;
mod replay;
mod scratch;
mod serve;
mod words;

use std::process::ExitCode;
use std::thread::{Builder, JoinHandle};

use clap::Parser as _;

/// Stack of the thread that does all the work. Rules are planned and judged by functions that call themselves, which takes
/// 18 MiB at most (`nesting.rs` of `mareva-monitoring` has the bound); what `ulimit -s` gives may be less.
pub(crate) const STACK: usize = 64 << 20;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let work = move || outcome::report(commands::run(cli));
    match Builder::new().name("mareva".to_owned()).stack_size(STACK).spawn(work).map(JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic has been told; this is the code that the runtime gives it.
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => outcome::report(Err(anyhow::Error::new(error).context("cannot start a thread"))),
    }
}
