//! What the end-to-end tests share: the binary under test, simulated streams, disorder, and readers of what it wrote.
//! Nothing here decides whether a test passes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

pub mod counting;
pub mod decisions;
pub mod https_server;
pub mod kafka_broker;
pub mod lists;
pub mod messages;
pub mod mixed;
pub mod rules;
pub mod running;
pub mod small;
pub mod stream;
pub mod tables;
pub mod truth;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_path_buf()
}

/// The `mareva` binary of this checkout, built once.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let build =
            escargot::CargoBuild::new().manifest_path(root().join("Cargo.toml")).package("mareva").bin("mareva");
        build.run().expect("the binary builds").path().to_path_buf()
    })
}

/// Runs the binary to its end.
///
/// # Panics
/// When it does not start.
pub fn mareva<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    Command::new(binary()).args(args).output().expect("the binary starts")
}

/// Runs the binary and panics with what it said unless it exits 0.
///
/// # Panics
/// When it exits otherwise.
pub fn mareva_ok<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    let output = mareva(args);
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Lines of an NDJSON file.
///
/// # Panics
/// When it cannot be read or a line is no JSON.
pub fn ndjson(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}
