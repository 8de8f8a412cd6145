//! A refusal says where in the text the fault is, also where the same words stand elsewhere, too.

use super::*;

const HEAD: &str =
    "-- between, median, a / b and nulls are told of here\nSELECT row_id, account AS subject, event_time,\n";
const HOUR: &str = "ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW";

/// `§` stands where the fault is.
fn cases() -> Vec<(String, &'static str)> {
    let good = format!("w AS (PARTITION BY account {HOUR})");
    let second = |v: &str| {
        format!(
            "{HEAD}COUNT(*) OVER w AS n, SUM(amount_ref) OVER v AS s\nFROM movements\nWINDOW {good},\n  v AS ({v})\nQUALIFY n > s"
        )
    };
    let column =
        |what: &str| format!("{HEAD}COUNT(*) OVER w AS n,\n {what} AS x FROM movements\nWINDOW {good}\nQUALIFY n > 1");
    let asked =
        |condition: &str| format!("{HEAD}COUNT(*) OVER w AS n FROM movements\nWINDOW {good}\nQUALIFY {condition}");
    let row = |rest: &str| format!("SELECT row_id, account AS subject, event_time FROM movements {rest}");
    vec![
        (second("PARTITION BY account ORDER BY event_time ROWS §BETWEEN 5 PRECEDING AND CURRENT ROW"), "not RANGE"),
        (second(&format!("PARTITION BY §device {HOUR}")), "device can be null"),
        (second(&format!("PARTITION BY upper(§account) {HOUR}")), "not a column"),
        (
            second(&format!("PARTITION BY account {HOUR}").replace("INTERVAL '1' HOUR", "§INTERVAL '1' MONTH")),
            "whole number",
        ),
        (
            second(&format!("PARTITION BY account §{HOUR}").replace("event_time RANGE", "event_time DESC RANGE")),
            "ascending",
        ),
        (second(&format!("PARTITION BY account, §date_trunc('month', event_time) {HOUR}")), "not all of one length"),
        (column("§MEDIAN(amount_ref) OVER w"), "not supported"),
        (column("SUM(amount_ref) OVER w + §SUM(amount) OVER w"), "wrap"),
        (column("§LAG(amount_ref, 70) OVER (PARTITION BY account ORDER BY event_time, row_id)"), "1 to 64"),
        (column("FIRST_VALUE(amount_ref) IGNORE §NULLS OVER w"), "nulls cannot be left out"),
        (column("amount_ref §/ amount_ref"), "meet a zero"),
        (column("amount_ref / 2 + amount_ref §/ balance_ref"), "meet a zero"),
        (column("§amoun"), "there is no column amoun"),
        (column("'Überweisungsgebühr', §now()"), "every time"),
        (column("§substr(account)"), "where it begins"),
        (column("SUM(amount_ref) §OVER v"), "there is no window v"),
        (column("§MAX(amount_ref) OVER w, MAX(CAST(amount_ref AS BIGINT)) OVER w"), "alike but for casts"),
        (asked("n > §1e3"), "not exact"),
        (asked("n > §$most"), "the parameter $most has no value; add [parameters.most]"),
        (asked("n > 1 AND §c > 1"), "there is no column c"),
        (row(&format!("WINDOW {good} §QUALIFY COUNT(*) OVER w > 1")), "outside of SELECT"),
        (row("WHERE §x > 1"), "there is no column x"),
        (row("WHERE amount_ref > 0; SELECT 1").replace("; SELECT", "§; SELECT"), "several statements"),
        (row("§ORDER BY event_time"), "ORDER BY of the whole is not supported"),
        (row("WHERE event_time > TIMESTAMP '2026-01-01T00:00:00' - §INTERVAL $most HOUR"), "no parameter"),
        (
            format!("§WITH m AS (SELECT * FROM movements) {}", row("").replace("movements", "m")),
            "WITH is not supported",
        ),
        ("SELECT m.row_id, m.account AS subject, m.event_time §FROM movements m, accounts a".into(), "one pair"),
        (
            "SELECT row_id, §account AS subject, event_time FROM movements m JOIN accounts a ON m.account = a.account"
                .into(),
            "both tables",
        ),
        ("§DROP TABLE movements".into(), "no SELECT"),
        ("SELECT row_id, device §AS subject, event_time FROM movements".into(), "the subject can be null"),
        ("SELECT row_id, amount_ref §AS subject, event_time FROM movements".into(), "the subject is not text"),
        ("SELECT row_id, account AS subject, event_time, amount_ref §AS version FROM movements".into(), "of its rule"),
    ]
}

#[test]
fn a_refusal_says_where_the_fault_is() {
    let mut wrong = Vec::new();
    for (marked, reason) in cases() {
        let before = marked.split('§').next().unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        let place = format!("rules/r/rule.sql:{line}:{column}: ");
        let sql = marked.replace('§', "");
        let told = Ruleset::load(&[rule("r", "signal", &sql)]).err().map(|refusal| refusal.to_string());
        let is_told = |told: &String| told.contains(&place) && told.contains(reason);
        if !told.as_ref().is_some_and(is_told) || told.as_ref().is_some_and(|told| told.contains(" { ")) {
            wrong.push(format!("wanted {place}{reason}:\n{sql}\n{told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_sql() {
    let sql = "\u{feff}SELECT row_id, account AS subject, event_time FROM movements";
    Ruleset::load(&[rule("r", "signal", sql)]).unwrap();
}
