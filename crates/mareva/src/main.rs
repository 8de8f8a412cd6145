//! The binary `mareva`. Principal type: [`cli::Cli`], one variant for each subcommand, one file for each under `commands`.
//! Arguments, the config and the files that it names enter; alerts, detections, tables, metrics and exit codes leave: 0 done,
//! 1 it failed on the way, 2 somebody must look before it is started again. It wires the libraries together and must never
//! decide anything about money itself, nor let an account number into a log line or a metric.

#![deny(clippy::print_stdout)]

mod cli;
mod commands;
mod config;
mod demo;
mod history;
mod http;
mod judge;
mod logging;
mod metrics;
mod open;
mod outcome;
mod replay;
mod serve;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    outcome::report(commands::run(cli::Cli::parse()))
}
