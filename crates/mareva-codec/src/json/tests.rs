use super::*;

#[test]
fn times_are_text_or_milliseconds() {
    for (token, expected) in [
        ("\"2026-01-05T10:00:00.123Z\"", Some(1_767_607_200_123)),
        ("1767607200123", Some(1_767_607_200_123)),
        ("0", Some(0)),
        ("-1", None),
        ("1767607200.5", None),
        ("253402300799000", None),
        ("99999999999999999999999", None),
        ("\"9999-12-31T23:59:59Z\"", None),
        ("\"\"", None),
        ("\"", None),
        ("true", None),
    ] {
        assert_eq!(time("time", token).ok(), expected, "{token}");
    }
}

#[test]
fn depth_counts_brackets_outside_texts() {
    for (text, max, expected) in [
        (r#"{"a":"[[[[[["}"#, 2, false),
        (r#"{"a":"\"[[[[[["}"#, 2, false),
        (r#"[[[]]]"#, 2, true),
        (r#"[[],[],[]]"#, 2, false),
        (r#"{"a":"\\"},[[["#, 2, true),
    ] {
        assert_eq!(deeper_than(text.as_bytes(), max), expected, "{text}");
    }
}
