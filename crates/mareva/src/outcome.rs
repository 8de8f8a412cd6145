//! How a command ends: exit codes, and errors in plain words.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use mareva_model::Refusal;

/// Writes a line to standard output.
///
/// # Errors
/// When it is closed or full, which `println` would answer with a panic.
pub fn say(text: impl Display) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{text}").context("cannot write to standard output")
}

/// Writes what went wrong to standard error and gives the exit code: 0 done, 1 failed, 2 refused.
pub fn report(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if is_broken_pipe(&error) {
        // Whoever read our output has had enough of it, as `head` has.
        return ExitCode::SUCCESS;
    }
    if let Some(refusal) = error.chain().find_map(|cause| cause.downcast_ref::<Refusal>()) {
        let faults = refusal.0.len();
        eprintln!("mareva: refused, {faults} {}:", if faults == 1 { "fault" } else { "faults" });
        for fault in &refusal.0 {
            eprintln!("  {fault}");
        }
        return ExitCode::from(2);
    }
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    eprintln!("mareva: {}", causes.join(": "));
    ExitCode::FAILURE
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io_errors = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    io_errors.into_iter().any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
