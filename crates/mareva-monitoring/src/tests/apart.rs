//! Outcomes that once were mixed up: of rules, of rows, of groups.

use super::*;

const START: i64 = 1_767_607_200_000;
const MINUTE: i64 = 60_000;

/// A payment at a minute.
fn pay(index: usize, minute: f64, (from, to): (u8, u8), cents: i64) -> (usize, Tx) {
    let time = START + (minute * MINUTE as f64) as i64;
    (index, Tx { time, from: Some(from), to: Some(to), cents: Some(cents), device: None, status: 0, kind: 0 })
}

fn monitor(rules: &[(&str, &str, &str)]) -> Monitor {
    let texts: Vec<RuleText> = rules.iter().map(|(id, raises, sql)| rule(id, raises, sql)).collect();
    let rules = Ruleset::load(&texts).unwrap_or_else(|refusal| panic!("{refusal}"));
    Monitor::new(&rules, Arc::new(Accounts::new(&[])), BOUNDS, None).unwrap()
}

/// Rows of a rule that stand.
fn standing(monitor: &Monitor, rule: &str) -> Vec<String> {
    monitor.standing().into_iter().filter(|found| found.rule.id == rule).map(|found| found.row_id).collect()
}

const PAYERS: &str =
    "(PARTITION BY originator ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)";

#[test]
fn a_row_before_the_late_ones_of_a_busy_key_is_judged_by_what_it_has_itself() {
    let sql = format!(
        "SELECT row_id, originator AS subject, event_time, COUNT(*) FILTER (WHERE amount_ref >= 1) OVER {PAYERS} AS large, \
         COUNT(*) OVER {} AS received FROM transactions WHERE originator IS NOT NULL AND beneficiary IS NOT NULL \
         QUALIFY large >= 3 AND received >= 2",
        PAYERS.replace("originator", "beneficiary")
    );
    let mut monitor = monitor(&[("r", "signal", &sql)]);
    let mut early: Vec<_> = (0..3).map(|n| pay(n, n as f64, (0, 10 + n as u8), 100)).collect();
    early.extend((3..12).map(|n| pay(n, 67.0 + n as f64, (0, 10 + n as u8), 1)));
    monitor.accept(&batch(&early), None, i64::MAX).unwrap();
    assert!(standing(&monitor, "r").is_empty());
    // One late row has many of account 0 behind it, which reach nothing; the other comes before its third payment.
    let late = [pay(20, 69.5, (0, 30), 1), pay(21, 1.5, (1, 12), 1)];
    monitor.accept(&batch(&late), None, i64::MAX).unwrap();
    assert_eq!(standing(&monitor, "r"), ["s:2"]);
}

#[test]
fn aggregates_that_read_alike_are_told_apart() {
    let sql = |filter: &str| {
        format!(
            "SELECT row_id, originator AS subject, event_time, COUNT(*) FILTER (WHERE {filter}) OVER {PAYERS} AS n \
             FROM transactions WHERE originator IS NOT NULL QUALIFY n >= 1"
        )
    };
    let (one, two) = (sql("NOT (amount_ref > 1 OR currency = 'EUR')"), sql("NOT amount_ref > 1 OR currency = 'EUR'"));
    let listed = sql("remittance IN ('a', 'b') OR currency = 'EUR'");
    let single = sql(r#"remittance IN ('a"), Utf8("b') AND currency = 'EUR'"#);
    let mut monitor = monitor(&[
        ("one", "signal", &one),
        ("two", "signal", &two),
        ("x", "signal", &listed),
        ("y", "signal", &single),
    ]);
    monitor.accept(&batch(&[pay(0, 0.0, (0, 1), 500)]), None, i64::MAX).unwrap();
    let found = ["one", "two", "x", "y"].map(|rule| standing(&monitor, rule).len());
    assert_eq!(found, [0, 1, 1, 0]);
}

/// So many that they are not added up anew each time, and some of them expire while nothing comes on their key.
#[test]
fn rows_that_leave_a_timeline_count_no_more() {
    let sql = format!(
        "SELECT row_id, originator AS subject, event_time, SUM(amount_ref) OVER {PAYERS} AS total FROM transactions \
         WHERE originator IS NOT NULL QUALIFY total > 0"
    );
    let mut monitor = monitor(&[("r", "signal", &sql)]);
    let early: Vec<_> = (0..30).map(|n| pay(n, n as f64, (0, 1), 500)).collect();
    // Rows expire by batches.
    early.chunks(15).for_each(|some| _ = monitor.accept(&batch(some), None, i64::MAX).unwrap());
    let other = pay(30, 76.0, (2, 1), 500);
    let low = other.1.time + BOUNDS.allowed_lateness_ms;
    monitor.accept(&batch(&[other]), Some(low), i64::MAX).unwrap();
    assert_eq!(monitor.retained().len(), 16);
    let changes = monitor.accept(&batch(&[pay(31, 76.5, (0, 1), 500)]), None, i64::MAX).unwrap().changes;
    // 13 of the hour before, and itself.
    assert_eq!(changes[0].detection().columns["total"], "70.00", "{changes:?}");
}

/// What stood for want of history is told when a late row is the earliest, whoever it is of.
#[test]
fn a_late_first_row_brings_what_had_too_little_history() {
    let sql = format!(
        "SELECT row_id, originator AS subject, event_time, COUNT(*) OVER {PAYERS} AS n FROM transactions \
        WHERE originator IS NOT NULL QUALIFY n >= 2"
    );
    let mut text = rule("r", "signal", &sql);
    text.toml = text.toml.replace("sources =", "needs_history = \"60 seconds\"\nsources =");
    let rules = Ruleset::load(&[text]).unwrap();
    let mut monitor = Monitor::new(&rules, Arc::new(Accounts::new(&[])), BOUNDS, None).unwrap();
    let two = [pay(0, 1.0, (0, 1), 500), pay(1, 1.5, (0, 1), 500)];
    assert!(monitor.accept(&batch(&two), None, i64::MAX).unwrap().changes.is_empty());
    let changes = monitor.accept(&batch(&[pay(2, 0.2, (3, 4), 500)]), None, i64::MAX).unwrap().changes;
    assert!(matches!(&changes[..], [DetectionChange::Raised(found)] if found.row_id == "s:1"), "{changes:?}");
}

/// A payment that is the account's only one in a minute. A late one may take that back.
const LONE: &str = "SELECT row_id, account AS subject, event_time, COUNT(*) OVER w AS n FROM movements WHERE amount_ref >= 1 \
    WINDOW w AS (PARTITION BY account ORDER BY event_time RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) \
    QUALIFY direction = 'out' AND n <= 1";

fn grouped(window: &str, condition: &str) -> String {
    format!(
        "SELECT LAST_VALUE(row_id ORDER BY event_time, row_id) AS row_id, subject, MAX(event_time) AS event_time, \
         COUNT(*) AS n FROM signals GROUP BY subject, {window} HAVING {condition}"
    )
}

#[test]
fn a_session_that_loses_its_first_row_is_told_of_anew() {
    let session = grouped("session(event_time, INTERVAL '30' MINUTE)", "COUNT(*) >= 3");
    let mut monitor = monitor(&[("lone", "signal", LONE), ("g", "alert", &session)]);
    let three = [0.0, 15.0, 30.0].into_iter().enumerate().map(|(n, minute)| pay(n, minute, (0, 1 + n as u8), 500));
    monitor.accept(&batch(&three.collect::<Vec<_>>()), None, i64::MAX).unwrap();
    assert_eq!(standing(&monitor, "g").len(), 1);
    monitor.accept(&batch(&[pay(9, -0.5, (8, 0), 500)]), None, i64::MAX).unwrap();
    assert_eq!((standing(&monitor, "lone").len(), standing(&monitor, "g").len()), (3, 0), "the late one is alone");
}

#[test]
fn what_is_settled_is_not_told_again() {
    let day = grouped("date_trunc('day', event_time)", "COUNT(*) >= 1");
    let hour = "SELECT row_id, subject, event_time, COUNT(*) OVER w AS n FROM signals WINDOW w AS (PARTITION BY subject \
        ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) QUALIFY n >= 1";
    let mut monitor = monitor(&[("lone", "signal", LONE), ("g", "alert", &day), ("a", "alert", hour)]);
    let mut told = BTreeMap::new();
    let mut note = |settled: Vec<Detection>| {
        settled.into_iter().for_each(|found| *told.entry((found.rule.id.clone(), found.row_id)).or_insert(0) += 1);
    };
    let lateness = BOUNDS.allowed_lateness_ms;
    // On the evening of one day, and after midnight.
    for row in [pay(0, 600.0, (0, 1), 500), pay(1, 870.0, (0, 2), 500)] {
        let low = row.1.time - MINUTE / 2;
        note(monitor.accept(&batch(&[row]), Some(low + lateness), i64::MAX).unwrap().settled);
    }
    // The second one is not the only one of its minute any more, and rows of its key are looked at again.
    note(monitor.accept(&batch(&[pay(2, 869.9, (7, 0), 500)]), None, i64::MAX).unwrap().settled);
    note(monitor.standing());
    assert_eq!(told.get(&("g".to_owned(), "lone:s:0/out".to_owned())), Some(&1), "{told:?}");
    assert!(told.values().all(|times| *times == 1), "{told:?}");
}

/// Stock DataFusion names such an expression in one window and not in the other.
#[test]
fn windows_of_two_aggregates_over_one_expression_run_in_the_oracle() {
    let window = "OVER (PARTITION BY account, date_trunc('minute', event_time) ORDER BY event_time)";
    let sql = format!(
        "SELECT row_id, account AS subject, event_time, SUM(amount_ref) {window} AS x, SUM(amount_ref * 2 + 1) {window} AS y \
         FROM movements QUALIFY x > 1 AND y > 1"
    );
    let rules = Ruleset::load(&[rule("r", "signal", &sql)]).unwrap();
    let rows: Vec<_> = (0..9).map(|n| pay(n, n as f64 / 4.0, (0, 1), 500)).collect();
    let (settled, accepted) = run(&rules, &rows, &[2, 5], 1);
    assert!(settled.len() > 9);
    assert_eq!(shown(&settled), shown(&oracle(&rules, &accepted)));
}

#[test]
fn deviations_of_large_numbers_are_right() {
    let sql = format!(
        "SELECT row_id, originator AS subject, event_time, STDDEV(amount_ref * CAST('10000000000000' AS DECIMAL(14, 0))) \
         OVER {PAYERS} AS sd FROM transactions WHERE originator IS NOT NULL QUALIFY COUNT(*) OVER {PAYERS} >= 30"
    );
    let mut monitor = monitor(&[("r", "signal", &sql)]);
    let rows: Vec<_> = (0..30_i64).map(|n| pay(n as usize, n as f64, (0, 1), (90 + n) * 100_000_000_000)).collect();
    monitor.accept(&batch(&rows), None, i64::MAX).unwrap();
    let found: Vec<f64> = monitor.standing().iter().filter_map(|found| found.columns["sd"].as_f64()).collect();
    // Of thirty consecutive numbers: the root of 30 · 31 ÷ 12.
    let right = (30.0_f64 * 31.0 / 12.0).sqrt() * 1e22;
    assert!(found.len() == 1 && (found[0] / right - 1.0).abs() < 1e-7, "{found:?} instead of {right}");
}
