//! A rule is not a rule until it carries its evidence.

use std::fs;

use crate::{none, root};

const PARTS: [&str; 5] = ["rule.toml", "rule.sql", "fires.ndjson", "quiet.ndjson", "expected.ndjson"];

#[test]
fn every_rule_has_its_five_files() {
    let mut offences = Vec::new();
    let mut rules = 0;
    for folder in fs::read_dir(root().join("rules")).expect("the folder `rules` is there") {
        let folder = folder.expect("the folder `rules` can be read").path();
        if !folder.is_dir() {
            continue;
        }
        rules += 1;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let is_empty = |part: &&str| fs::metadata(folder.join(part)).map_or(0, |found| found.len()) == 0;
        let missing: Vec<&str> = PARTS.into_iter().filter(is_empty).collect();
        if !missing.is_empty() {
            offences.push(format!(
                "rules/{name}: has no {}; show what fires the rule, what does not, and what comes out",
                missing.join(", ")
            ));
        }
    }
    offences.sort();
    assert!(rules > 0, "no rules in the folder `rules`");
    none(offences);
}
