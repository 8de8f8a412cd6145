//! How a command ends: exit codes, and errors in plain words.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use mareva_model::Refusal;

/// Writes a line to standard output.
///
/// # Errors
/// When it is closed or full, which `println` would answer with a panic.
pub fn say(text: impl Display) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{text}").context("cannot write to standard output")
}

/// Whether standard output was closed when the process started, which matters where it is to hold the result. The standard library
/// then puts `/dev/null` in its place, open for reading too, as `> /dev/null` of a shell is not: what is written is gone, and no write
/// says so. Who starts us from Python or Node with output ignored gives us such a one as well. Told on Linux only.
pub fn stdout_is_closed() -> bool {
    // The access mode is in the last octal digit: 2 is both ways.
    let open = fs::read_to_string("/proc/self/fdinfo/1").unwrap_or_default();
    let flags = open.lines().find_map(|line| line.strip_prefix("flags:"));
    let both_ways = flags.is_some_and(|flags| flags.ends_with(['2', '6']));
    both_ways && fs::read_link("/proc/self/fd/1").is_ok_and(|file| file == Path::new("/dev/null"))
}

/// Writes what went wrong to standard error and gives the exit code: 0 done, 1 it failed and may be started again, 2 it
/// refused, or starting it again does not help.
pub fn report(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if is_broken_pipe(&error) {
        // Whoever read our output has had enough of it, as `head` has.
        return ExitCode::SUCCESS;
    }
    // It may be closed or full: that changes nothing of how it ended.
    let tell = |text: std::fmt::Arguments<'_>| _ = writeln!(io::stderr().lock(), "{text}");
    if let Some(refusal) = error.chain().find_map(|cause| cause.downcast_ref::<Refusal>()) {
        let faults = refusal.0.len();
        tell(format_args!("mareva: refused, {faults} {}:", if faults == 1 { "fault" } else { "faults" }));
        for fault in &refusal.0 {
            tell(format_args!("  {fault}"));
        }
        return ExitCode::from(code(&error));
    }
    tell(format_args!("mareva: {}", in_words(&error)));
    ExitCode::from(code(&error))
}

/// The error and its causes, each told once: some repeat the words of their cause.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if words.is_empty() {
            words = cause;
        } else if !words.ends_with(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

/// The error of a command whose output is of use only as a whole: there a reader who goes away early has missed something.
pub fn needs_its_reader(error: anyhow::Error) -> anyhow::Error {
    if !is_broken_pipe(&error) {
        return error;
    }
    anyhow!("{}: whoever read the output ended before it was whole; run it again into a file", in_words(&error))
}

/// 2 where somebody must look before it is started again, as whoever watches over the process is told.
fn code(error: &anyhow::Error) -> u8 {
    let is_final = |cause: &(dyn std::error::Error + 'static)| {
        let kafka = cause.downcast_ref::<mareva_kafka::Error>();
        cause.is::<Refusal>() || kafka.is_some_and(|error| !error.is_retryable())
    };
    if error.chain().any(is_final) { 2 } else { 1 }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io_errors = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    io_errors.into_iter().any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests;
