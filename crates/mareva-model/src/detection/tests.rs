use std::collections::BTreeMap;

use super::*;

fn rule(table: Table, hops: bool) -> RuleRef {
    RuleRef {
        id: "r".into(),
        version: 1,
        title: "t".into(),
        severity: "low".into(),
        raises: Raises::Alert,
        table,
        hops,
        subject_role: SubjectRole::Suspect,
        targets: Targets::None,
        action: "review".into(),
        reason_code: "FRAD".into(),
        typology: "T".into(),
        shadow: false,
        challenger_of: None,
        span_ms: 0,
        parameters: BTreeMap::new(),
    }
}

#[test]
fn the_row_of_a_detection_is_told_by_its_rule_not_by_the_look_of_it() {
    let (plain, hop) = (rule(Table::Movements, false), rule(Table::Movements, true));
    for (rule, row_id, expected) in [
        (&plain, "A:1/in", ("A:1/in", None)),
        (&plain, "A:1@5/in", ("A:1@5/in", None)),
        (&plain, "A:1/in@1767571200000", ("A:1/in@1767571200000", None)),
        (&hop, "A:1/in@1767571200000", ("A:1/in", Some(1_767_571_200_000))),
        (&hop, "A:1@5/in@-60000", ("A:1@5/in", Some(-60_000))),
        (&hop, "A:1/in@noon", ("A:1/in@noon", None)),
    ] {
        assert_eq!(rule.row_of(row_id), expected, "{row_id} of {rule:?}");
    }
}

#[test]
fn the_transaction_of_a_row_is_told_by_its_table() {
    for (table, row_id, expected) in [
        (Table::Transactions, "A:1/in", Some("A:1/in")),
        (Table::Movements, "A:1/in", Some("A:1")),
        (Table::Movements, "A:1/in/out", Some("A:1/in")),
        (Table::Movements, "A:1", None),
        (Table::Signals, "r:A:1/in", None),
    ] {
        assert_eq!(table.transaction(row_id), expected, "{row_id} of {table:?}");
    }
}
