//! What of config, tables and lists is refused before anything begins, and how a start ends that reaches no broker.

#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use mareva_tests::binary;
use tempfile::TempDir;

fn command(place: &Path, line: &str) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(place).args(line.split_whitespace()).stdin(Stdio::null());
    command
}

/// How `line` ends with this config, and what it says.
fn told(place: &Path, config: &str, line: &str) -> (Option<i32>, String) {
    fs::write(place.join("mareva.toml"), config).unwrap();
    let output = command(place, line).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_table_of_accounts_that_holds_none_is_refused() {
    let place = TempDir::new().unwrap();
    for empty in ["", "\n \n", "\u{feff}", "\u{feff}\n"] {
        fs::write(place.path().join("accounts"), empty).unwrap();
        let (exit, told) = told(place.path(), "", "check --accounts accounts");
        assert!(
            exit == Some(2) && told.contains("accounts (tables.accounts): holds no account; "),
            "{empty:?}: {told}"
        );
    }
    fs::write(place.path().join("accounts"), "\u{feff}{\"account\":\"acct:A/1\"}\r\n").unwrap();
    assert_eq!(told(place.path(), "", "check --accounts accounts"), (Some(0), String::new()));
}
