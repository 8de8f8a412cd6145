use super::{MAX_NESTED, check};
use crate::rule_text::Sql;

fn refused(sql: &str) -> Option<String> {
    check(&Sql::new("rules/r/rule.sql".to_owned(), sql)).err().map(|fault| fault.to_string())
}

fn chain(first: &str, link: &str, links: usize) -> String {
    format!("SELECT a FROM t WHERE {first}{}", link.repeat(links))
}

#[test]
fn what_nests_a_level_a_term_is_bounded() {
    for (first, link, links) in [
        ("x = 'a'", " OR x = 'b'", 127),
        ("x = 'a'", "\nAND x <> 'b'", 127),
        ("1", " + 1", 255),
        ("x", " || x", 255),
        ("x", "::int", 127),
        ("x", " IS NULL", 127),
        ("f(1, 2)", " + f(1, 2)", 127),
        ("CASE WHEN a THEN 1 END", " + CASE WHEN a THEN 1 END", 127),
        ("x", " UNION SELECT 1, 2 FROM t WHERE x", 50),
    ] {
        assert_eq!(refused(&chain(first, link, links)), None, "{link}");
        let told = refused(&chain(first, link, links * 3)).unwrap();
        assert!(told.starts_with("rules/r/rule.sql:") && told.contains("nests more than 256"), "{told}");
    }
    for (before, link, after) in [
        ("SELECT a FROM t", ", accounts", ""),
        ("SELECT a FROM t", " JOIN accounts ON a = b", ""),
        ("SELECT a FROM ", "(SELECT a, b FROM ", ""),
        ("WITH a AS (SELECT 1, 2)", ", a AS (SELECT 1, 2)", " SELECT 1"),
        ("SELECT ", "CASE WHEN a THEN 1 ELSE ", ""),
        ("SELECT ", "f(a, ", ""),
    ] {
        let text = |links| format!("{before}{}{after}", link.repeat(links));
        assert_eq!(refused(&text(60)), None, "{link}");
        assert!(refused(&text(300)).is_some(), "{link}");
    }
}

#[test]
fn what_stands_side_by_side_may_be_long() {
    let side_by_side = |link: &str| link.repeat(1_000);
    for sql in [
        format!("SELECT a{} FROM t", side_by_side(", x = 1 AND y = 2 AS c")),
        format!("SELECT a FROM t WHERE x IN ('a'{})", side_by_side(", 'b'")),
        format!("SELECT CASE{} END FROM t", side_by_side(" WHEN x = 'a' THEN 'b'")),
        format!("SELECT COALESCE(x{}) FROM t", side_by_side(", NULLIF(y, 'a')")),
    ] {
        assert_eq!(refused(&sql), None, "{}", &sql[..60]);
    }
    let told = refused(&format!("SELECT a FROM t WHERE x IN ('a'{})", ", 'b'".repeat(20_000))).unwrap();
    assert!(told.starts_with("rules/r/rule.sql: holds 100032 bytes, and a rule has at most 65536; "), "{told}");
}

#[test]
fn the_place_is_where_it_becomes_too_much() {
    let told = refused(&format!("SELECT a\nFROM t\nWHERE 1{}", "+1".repeat(MAX_NESTED + 1))).unwrap();
    assert!(told.starts_with("rules/r/rule.sql:3:520: "), "{told}");
}

#[test]
fn words_that_open_or_close_nothing_change_nothing() {
    for (first, link) in [("(x.end)", " OR (x.end)"), ("x)", " OR x)"), ("\"case\"", " + \"end\""), ("(x", " + (x")] {
        assert!(refused(&chain(first, link, 600)).is_some(), "{link}");
    }
}
