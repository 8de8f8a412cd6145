use std::sync::Arc;

use super::*;

const SQL: &str = "SELECT row_id, account AS subject, event_time FROM movements WHERE amount_ref > 1";

/// `new` in shadow, challenging `old`, and `third`.
pub(crate) fn rules() -> Vec<Arc<RuleRef>> {
    let text = |id: &str, more: &str| mareva_monitoring::RuleText {
        folder: id.to_owned(),
        toml: format!(
            "id = \"{id}\"\nversion = 1\ntitle = \"t\"\nseverity = \"low\"\nraises = \"alert\"\n\
             subject_role = \"unknown\"\ntargets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\n\
             typology = \"T\"\nsources = [\"s\"]\n{more}"
        ),
        sql: SQL.to_owned(),
    };
    let texts = [text("new", "shadow = true\nchallenger_of = \"old\"\n"), text("old", ""), text("third", "")];
    let ruleset = mareva_monitoring::Ruleset::load(&texts).unwrap();
    ruleset.rules().iter().map(|rule| rule.reference.clone()).collect()
}

pub(crate) fn found(rule: &Arc<RuleRef>, row: &str, time: i64) -> Detection {
    Detection {
        rule: rule.clone(),
        row_id: row.to_owned(),
        subject: "s".to_owned(),
        event_time: time,
        columns: serde_json::Map::new(),
    }
}

#[test]
fn rows_are_compared_by_day_though_they_settle_apart() {
    let rules = rules();
    let [new, old, third] = &rules[..] else { panic!("{rules:?}") };
    let mut comparison = Comparison::of(rules.iter().map(|rule| &**rule));
    comparison.add(&[found(new, "a", 1), found(old, "a", 1), found(third, "b", 1), found(old, "c", 2)], Some(0));
    // Another day, and `c` of the challenger, whose windows close later.
    comparison.add(&[found(new, "c", 2), found(new, "d", DAY), found(old, "e", DAY + 1)], Some(3));
    let open = comparison.challenges();
    comparison.add(&[], Some(i64::MAX));
    assert!(comparison.alone.is_empty());
    let challenges = comparison.challenges();
    assert_eq!(challenges, open);
    let [challenge] = &challenges[..] else { panic!("{challenges:?}") };
    assert_eq!((challenge.rule.as_str(), challenge.champion.as_str()), ("new", "old"));
    assert_eq!(challenge.all, Compared { same: 2, extra: 1, missing: 1 });
    let days: Vec<(&str, Compared)> = challenge.days.iter().map(|(day, compared)| (day.as_str(), *compared)).collect();
    let second = Compared { same: 0, extra: 1, missing: 1 };
    assert_eq!(days, [("1970-01-01", Compared { same: 2, extra: 0, missing: 0 }), ("1970-01-02", second)]);

    let mut whole = Challenge::among(rules.iter().map(|rule| &**rule)).remove(0);
    let rows = |rows: &[(i64, u8)]| rows.iter().copied().collect::<BTreeSet<_>>();
    compare(&mut whole, &rows(&[(1, 1), (2, 3), (DAY, 4)]), &rows(&[(1, 1), (2, 3), (DAY + 1, 5)]));
    assert_eq!(&whole, challenge);
}
