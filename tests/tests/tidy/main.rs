//! Holds the fences of the house: what clippy and the compiler do not see. Each check lists every offender with the remedy.
//! The rules themselves stand in `crates/README.md`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod code;
mod dependencies;
mod documents;
mod mutations;
mod rules;
mod source;

use std::path::{Path, PathBuf};

/// The top of the project.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files below some folders whose name ends like this, with their path from the top of the project.
fn files(folders: &[&str], ending: &str) -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    for folder in folders {
        let kept = |at: &walkdir::DirEntry| at.file_name() != "target" && at.file_name() != "node_modules";
        for file in walkdir::WalkDir::new(root.join(folder)).sort_by_file_name().into_iter().filter_entry(kept) {
            let file = file.expect("the tree of the project can be read");
            let path = file.path().strip_prefix(&root).expect("found below the top").to_string_lossy().into_owned();
            if file.file_type().is_file() && path.ends_with(ending) {
                // What is no text is none of our sources.
                if let Ok(text) = std::fs::read_to_string(file.path()) {
                    found.push((path, text));
                }
            }
        }
    }
    found
}

/// All Rust files of the project.
fn rust() -> Vec<(String, String)> {
    files(&["crates", "tests", "benches"], ".rs")
}

/// Fails with all offences at once.
fn none(offences: Vec<String>) {
    assert!(offences.is_empty(), "{} found\n\n{}\n", offences.len(), offences.join("\n"));
}
