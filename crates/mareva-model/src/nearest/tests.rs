use super::*;

#[test]
fn near_words_are_found() {
    let known = ["allowed_lateness", "max_ahead", "idle_after"];
    for (word, expected) in [
        ("alowed_lateness", Some("allowed_lateness")),
        ("lateness", Some("allowed_lateness")),
        ("max_aehad", Some("max_ahead")),
        ("zebra", None),
    ] {
        assert_eq!(nearest(word, known), expected, "{word}");
    }
}
