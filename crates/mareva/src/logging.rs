//! Log lines to standard error. No account, name or amount is ever in one.

use std::io::{self, IsTerminal as _, Write as _};

use mareva_model::Refusal;
use tracing_subscriber::EnvFilter;

/// What levels there are, as a remedy.
pub const LEVELS: &str = "write off, error, warn, info, debug or trace, or directives such as \"info,librdkafka=warn\"";

/// Begins to write log lines: `format` is `text` or `json`; the environment variable `MAREVA_LOG` overrules `level`.
///
/// # Errors
/// When the variable holds no level.
pub fn start(format: &str, level: &str) -> Result<(), Refusal> {
    let directives = match std::env::var("MAREVA_LOG") {
        Ok(own) => match level_fault(&own) {
            Some(reason) => return Err(Refusal::one("MAREVA_LOG", reason, LEVELS)),
            None => own,
        },
        Err(_) => level.to_owned(),
    };
    let filter = EnvFilter::builder().parse_lossy(quiet(&directives));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // It would tell of a line that cannot be written on the same standard error, and panic there.
        .log_internal_errors(false);
    let started = match format {
        "json" => lines.json().flatten_event(true).try_init(),
        _ => lines.with_target(false).try_init(),
    };
    if let Err(error) = started {
        _ = writeln!(io::stderr(), "mareva: no log lines: {error}");
    }
    Ok(())
}

/// The directives, with those in front that keep the planner of rules to its warnings: it tells every step of every plan; and the client of
/// `lists fetch` from telling URLs, which may hold tokens.
/// Whoever wants that names it, as in `debug,datafusion=debug`.
fn quiet(directives: &str) -> String {
    let is_detailed = |level: &str| ["debug", "trace"].contains(&level.trim().to_ascii_lowercase().as_str());
    match directives.split(',').any(is_detailed) {
        true => format!("datafusion=warn,sqlparser=warn,ureq=info,ureq_proto=info,{directives}"),
        false => directives.to_owned(),
    }
}

/// Why a text is no level and holds no directives. A word that is no level would else be taken for the name of a target,
/// and nothing but that target would be logged.
pub fn level_fault(text: &str) -> Option<String> {
    for directive in text.split(',').map(str::trim) {
        let level = match directive.rsplit_once('=') {
            Some((_, level)) if !level.contains(']') => level,
            None if !directive.contains('[') => directive,
            _ => continue,
        };
        if !["off", "error", "warn", "info", "debug", "trace"].contains(&level.to_ascii_lowercase().as_str()) {
            return Some(format!("`{level}` is no level"));
        }
    }
    EnvFilter::builder().parse(text).err().map(|error| error.to_string())
}
