use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::outcome::say;

/// Write completions for a shell to standard output
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  mareva completions bash > /etc/bash_completion.d/mareva")]
pub struct Args {
    /// The shell
    shell: Shell,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "mareva", &mut script);
    say(String::from_utf8(script)?.trim_end())
}
