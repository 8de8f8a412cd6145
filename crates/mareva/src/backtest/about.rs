//! Of what a report is: by which rules, asked for how, and when.

use std::time::{SystemTime, UNIX_EPOCH};

use mareva_model::format_time;
use serde::Serialize;

/// What a report is of.
#[derive(Debug, Serialize)]
pub struct About {
    /// Digest of the rules.
    pub rules_digest: String,
    /// Currency of all amounts.
    pub currency: String,
    /// What was asked for, as it was written.
    pub command: String,
    /// When, RFC 3339.
    pub written_at: String,
}

impl About {
    /// Of this process, whose arguments say what was asked for.
    pub fn of_this_run(rules_digest: String, currency: String) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
        let written_at = format_time(i64::try_from(since.as_millis()).unwrap_or_default());
        Self { rules_digest, currency, command: command(arguments), written_at }
    }
}

/// Arguments as a shell takes them.
fn command(arguments: impl Iterator<Item = String>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    let quoted = |argument: String| match !argument.is_empty() && argument.chars().all(is_plain) {
        true => argument,
        false => format!("'{}'", argument.replace('\'', "'\\''")),
    };
    let rest = arguments.skip(1).map(quoted);
    std::iter::once("mareva".to_owned()).chain(rest).collect::<Vec<_>>().join(" ")
}
