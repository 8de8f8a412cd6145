//! Log lines to standard error. No account, name or amount is ever in one.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// Begins to write log lines: `format` is `text` or `json`; the environment variable `MAREVA_LOG` overrules `level`.
pub fn start(format: &str, level: &str) {
    let directives = std::env::var("MAREVA_LOG").unwrap_or_else(|_| level.to_owned());
    let filter = EnvFilter::builder().parse_lossy(directives);
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let started = match format {
        "json" => lines.json().flatten_event(true).try_init(),
        _ => lines.with_target(false).try_init(),
    };
    if let Err(error) = started {
        eprintln!("mareva: no log lines: {error}");
    }
}
