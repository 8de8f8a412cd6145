//! The demo as somebody sees it who has just built it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::time::{Duration, Instant};

use mareva_tests::{binary, mareva_ok};

#[test]
fn it_begins_at_once_and_judges_all() {
    binary();
    let began = Instant::now();
    let output = mareva_ok(["demo", "--for", "1s", "--transactions", "500", "--json"]);
    let took = began.elapsed();
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["counts"]["produced"], 500, "{summary}");
    // A question that its broker does not answer (how topics are set, say) takes ten seconds to give up.
    assert!(took < Duration::from_secs(10), "{took:?}");
}
