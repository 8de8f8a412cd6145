//! Plants the faults of `tests/mutations.toml` in a copy of the rule engine, one at a time, and expects its tests to fail.
//! Exit 0: every fault was caught. A fault that does not compile or whose place is gone is an error of the list.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the run")]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use mareva_tests::root;
use serde::Deserialize;

#[derive(Deserialize)]
struct Mutations {
    mutation: Vec<Mutation>,
}

#[derive(Deserialize)]
struct Mutation {
    why: String,
    file: String,
    find: String,
    replace: String,
}

const ENGINE: &str = "crates/mareva-monitoring/src";

fn main() -> ExitCode {
    let text = std::fs::read_to_string(root().join("tests/mutations.toml")).expect("the list of faults");
    let Mutations { mutation: mutations } = toml::from_str(&text).expect("a valid list of faults");
    let copy = tempfile::tempdir().expect("a folder for the copy");
    copy_tree(&root(), copy.path());
    // Its own folder, kept: the first run builds the dependencies, later ones only the engine.
    let target = root().join("target/mutants");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(target, |given| Path::new(&given).join("mutants"));
    assert!(tests_pass(copy.path(), &target), "the tests fail without any fault");
    let mut missed = 0;
    for Mutation { why, file, find, replace } in &mutations {
        let path = copy.path().join(ENGINE).join(file);
        let whole = std::fs::read_to_string(&path).expect("a file of the engine");
        assert_eq!(whole.matches(find.as_str()).count(), 1, "{file}: the place is not there once: {find}");
        std::fs::write(&path, whole.replace(find.as_str(), replace)).expect("the copy can be written");
        assert!(cargo(copy.path(), &target, &["--no-run"]), "{file}: does not compile: {replace}");
        let caught = !tests_pass(copy.path(), &target);
        println!("{}  {file}: {why}", if caught { "caught" } else { "MISSED" });
        missed += usize::from(!caught);
        std::fs::write(&path, whole).expect("the copy can be written");
    }
    println!("{} of {} faults caught", mutations.len() - missed, mutations.len());
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tests_pass(copy: &Path, target: &Path) -> bool {
    cargo(copy, target, &[])
}

fn cargo(copy: &Path, target: &Path, more: &[&str]) -> bool {
    let mut command = Command::new("cargo");
    command.args(["test", "--quiet", "--locked", "-p", "mareva-monitoring", "--lib"]).args(more);
    // What a fault shrinks to is of no use here, and must not stay behind.
    command.current_dir(copy).env("CARGO_TARGET_DIR", target).env("PROPTEST_FAILURE_PERSISTENCE", "off");
    command.env("PROPTEST_MAX_SHRINK_ITERS", "0");
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("cargo starts").success()
}

/// Copies what the workspace is built from.
fn copy_tree(from: &Path, to: &Path) {
    let kept = |entry: &walkdir::DirEntry| {
        let name = entry.file_name();
        entry.depth() == 0 || (name != "target" && name != ".git")
    };
    for entry in walkdir::WalkDir::new(from).into_iter().filter_entry(kept) {
        let entry = entry.expect("a readable checkout");
        let place = to.join(entry.path().strip_prefix(from).expect("inside the checkout"));
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&place).expect("the copy can be written");
        } else if entry.file_type().is_file() {
            std::fs::copy(entry.path(), &place).expect("the copy can be written");
        }
    }
}
