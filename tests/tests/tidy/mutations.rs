//! A planted fault whose place is gone plants nothing.

use std::fs;

use crate::{none, root};

#[test]
fn every_planted_fault_has_its_place_once() {
    let text = fs::read_to_string(root().join("tests/mutations.toml")).expect("the list of faults");
    let list: toml::Table = text.parse().expect("a valid list of faults");
    let faults = list["mutation"].as_array().expect("a list");
    let offence = |fault: &toml::Value| {
        let said = |key: &str| fault[key].as_str().expect("a text");
        let (file, find) = (said("file"), said("find"));
        let source = fs::read_to_string(root().join("crates/mareva-monitoring/src").join(file)).unwrap_or_default();
        let times = source.matches(find).count();
        (times != 1).then(|| format!("tests/mutations.toml: {file}: is there {times} times: {find}"))
    };
    assert!(!faults.is_empty(), "no faults in the list");
    none(faults.iter().filter_map(offence).collect());
}
