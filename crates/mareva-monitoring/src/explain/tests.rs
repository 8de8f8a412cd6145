use super::{explain, span};
use crate::rule::RuleText;
use crate::ruleset::Ruleset;

fn rule(folder: &str, sql: &str) -> RuleText {
    let toml = format!(
        "id = \"{folder}\"\nversion = 1\ntitle = \"t\"\nseverity = \"low\"\nraises = \"alert\"\nsubject_role = \"suspect\"\n\
         targets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\ntypology = \"T\"\nsources = [\"s\"]\n\
         [parameters.least]\nvalue = \"5.00\"\ntype = \"decimal\"\n[parameters.word]\nvalue = \"it's $least\"\ntype = \"text\"\n"
    );
    RuleText { folder: folder.to_owned(), toml, sql: sql.to_owned() }
}

const WINDOW: &str = "WINDOW w AS (PARTITION BY account ORDER BY event_time \
                      RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW)";

#[test]
fn what_rules_share_costs_nothing_more() {
    let sums = |condition: &str| {
        format!(
            "SELECT row_id, account AS subject, event_time, SUM(amount_ref) OVER w AS sent FROM movements {WINDOW} \
             QUALIFY {condition}"
        )
    };
    let texts = [rule("a", &sums("sent > $least")), rule("b", &sums("direction = 'out' AND sent > 7"))];
    let ruleset = Ruleset::load(&texts).unwrap();
    let explained = explain(&ruleset, &["b".to_owned()]).unwrap();
    let [one] = explained.as_slice() else { panic!("one rule was asked for") };
    assert_eq!((one.table, one.windows.len()), ("movements", 1));
    assert_eq!(one.windows[0].shared_with, ["a"]);
    assert_eq!(one.shares_timelines_with, ["a"]);
    assert_eq!(one.windows[0].keys, ["account"]);
    assert_eq!(one.windows[0].span_ms, 86_400_000);
    assert!(one.gate.iter().any(|atom| atom.contains("direction")), "{:?}", one.gate);
    assert_eq!((one.cost.features, one.cost.features_added), (1, 0));
    assert_eq!((one.cost.timelines, one.cost.timelines_added), (1, 0));
    assert!(one.cost.bytes_per_row > 0 && one.cost.bytes_per_key_added == 0);
}

#[test]
fn parameters_are_filled_in_outside_of_texts_alone() {
    let sql = format!(
        "-- $least\nSELECT row_id, account AS subject, event_time, SUM(amount_ref) OVER w AS sent FROM movements \
         WHERE kind <> '$least' AND kind <> $word {WINDOW} QUALIFY sent - 1 > $least"
    );
    let ruleset = Ruleset::load(&[rule("a", &sql)]).unwrap();
    let filled = explain(&ruleset, &[]).unwrap().remove(0).sql;
    assert!(filled.starts_with("-- $least\nSELECT"), "{filled}");
    assert!(filled.contains("kind <> '$least' AND kind <> 'it''s $least'"), "{filled}");
    assert!(filled.ends_with("sent - 1 > CAST('5.00' AS DECIMAL(3, 2))"), "{filled}");
}

#[test]
fn a_negative_parameter_behind_a_minus_begins_no_comment() {
    let sql = format!(
        "SELECT row_id, account AS subject, event_time, COUNT(*) OVER w AS n FROM movements {WINDOW} QUALIFY n >-$number"
    );
    let mut text = rule("a", &sql);
    text.toml += "[parameters.number]\nvalue = -5\ntype = \"integer\"\n";
    let filled = explain(&Ruleset::load(&[text]).unwrap(), &[]).unwrap().remove(0).sql;
    assert!(filled.ends_with("n >-(-5)"), "{filled}");
}

#[test]
fn expressions_are_told_as_sql() {
    let sql = format!(
        "SELECT row_id, account AS subject, event_time, AVG(amount_ref) FILTER (WHERE kind NOT IN ('a', 'it''s')) OVER w AS mean, \
         COUNT(DISTINCT counterparty) OVER w AS n, STDDEV(amount_ref) OVER w AS dev FROM movements {WINDOW} \
         QUALIFY n >= 3 AND mean > $least AND amount_ref <= 7 AND CAST(dev AS DECIMAL(38, 2)) > CAST('2.50' AS DECIMAL(3, 2)) AND kind LIKE 'x%' \
         AND event_time >= TIMESTAMP '2026-01-01T00:00:00' AND direction <> 'in' AND event_time - INTERVAL '36' HOUR > event_time"
    );
    let one = explain(&Ruleset::load(&[rule("a", &sql)]).unwrap(), &[]).unwrap().remove(0);
    let all = format!("{:?}", (&one.gate, &one.windows, &one.qualify, &one.outputs));
    for part in [
        "kind NOT IN ('a', 'it''s')",
        "[COUNT(DISTINCT counterparty) by account over 1 d] >= 3",
        "[AVG(amount_ref) by account over 1 d] > 5.00",
        "amount_ref <= 7",
        "CAST([STDDEV(amount_ref) by account over 1 d] AS DECIMAL(38, 2)) > CAST('2.50' AS DECIMAL(3, 2))",
        "kind LIKE 'x%'",
        "CAST('2026-01-01T00:00:00' AS TIMESTAMP)",
        "direction != 'in'",
        "INTERVAL '36' HOUR",
    ] {
        assert!(all.contains(part), "does not say {part}: {all}");
    }
    for never in ["Utf8(", "Int64(", "Decimal128(", "IntervalM", "Timestamp", "CountDistinct"] {
        assert!(!all.contains(never), "says {never}: {all}");
    }
}

#[test]
fn spans_are_told_in_whole_units() {
    assert_eq!([86_400_000, 5_400_000, 90_000, 1_500].map(span), ["1 d", "90 min", "90 s", "1500 ms"]);
}
