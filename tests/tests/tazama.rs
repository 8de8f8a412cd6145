//! The rules of Tazama, told as SQL, do what their evidence says.

use mareva_tests::{mareva_ok, root};

#[test]
fn the_rules_of_tazama_do_what_their_evidence_says() {
    let folder = root().join("tests/tazama").display().to_string();
    mareva_ok(["rules", "test", "--rules", folder.as_str()]);
}
