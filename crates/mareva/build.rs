//! Writes the rule pack into the binary: a table of the texts under `rules/`, in order of their folders.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The files of a rule, in the order of `PackedRule::texts`.
const FILES: [&str; 5] = ["rule.toml", "rule.sql", "fires.ndjson", "quiet.ndjson", "expected.ndjson"];

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let rules = manifest.join("../../rules");
    println!("cargo:rerun-if-changed={}", rules.display());
    println!("cargo:rerun-if-changed=build.rs");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(&rules)?.filter_map(|found| found.ok().map(|found| found.path())).filter(|p| p.is_dir()).collect();
    folders.sort();
    let mut table = String::from("&[\n");
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        write!(table, "    PackedRule {{ folder: {name:?}, texts: [").map_err(io::Error::other)?;
        for file in FILES {
            let text = text_of(&folder.join(file))?;
            write!(table, "{text}, ").map_err(io::Error::other)?;
        }
        table.push_str("] },\n");
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("rule_pack.rs"), table)
}

/// The expression that stands for a file's text: none where there is no such file.
fn text_of(path: &Path) -> io::Result<String> {
    if !path.exists() {
        return Ok("None".to_owned());
    }
    let path = path.canonicalize()?;
    println!("cargo:rerun-if-changed={}", path.display());
    Ok(format!("Some(include_str!({:?}))", path.display().to_string()))
}
