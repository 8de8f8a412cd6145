//! One file for each subcommand.

pub mod check;
pub mod completions;
pub mod decisions;
pub mod demo;
pub mod fetch;
pub mod lists;
pub mod replay;
pub mod rules;
pub mod run;
pub mod sim;

use crate::cli::{Cli, Command};

/// Carries out the command.
///
/// # Errors
/// A `Refusal` where something was refused before anything began; anything else on the way.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Run(args) => run::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Sim(args) => sim::run(&args),
        Command::Check(args) => check::run(args),
        Command::Rules(command) => rules::run(command),
        Command::Lists(command) => lists::run(command),
        Command::Decisions(command) => decisions::run(command),
        Command::Completions(args) => completions::run(&args),
    }
}
