//! Expressions that fail on some rows.

use serde_json::{Value, json};

use super::*;

/// 1 for the device `d1`, null for none, and for the device `d0` an error that names it.
const NUMBER: &str = "CAST(REPLACE(device, 'd1', '1') AS BIGINT)";

/// Payments of a0 to a1, one a second, by device.
fn payments() -> Vec<(usize, Tx)> {
    let devices = [Some(1), Some(0), Some(1), None, Some(0), Some(1)];
    let payment = |(index, device): (usize, Option<u8>)| {
        let time = 1_767_607_200_000 + index as i64 * 1000;
        let cents = if index == 4 { 1_000_000 } else { 1_000 };
        (index, Tx { time, from: Some(0), to: Some(1), cents: Some(cents), device, status: 0, kind: 0 })
    };
    devices.into_iter().enumerate().map(payment).collect()
}

/// Settled detections by (row, subject, value of `x`); evaluations that failed; and what is said of them.
fn judged(sql: &str, rows: &[(usize, Tx)], at_once: usize) -> (Vec<(String, String, Value)>, u64, Vec<String>) {
    let rules = Ruleset::load(&[rule("r", "signal", sql)]).unwrap_or_else(|refusal| panic!("{sql}\n{refusal}"));
    let mut monitor = Monitor::new(&rules, Arc::new(Accounts::new(&[])), BOUNDS, None).unwrap();
    let mut errors = 0;
    for piece in rows.chunks(at_once) {
        errors += monitor.accept(&batch(piece), None, i64::MAX).unwrap().rule_errors;
    }
    let said = monitor.rule_failures().map(ToString::to_string).collect();
    let settled = monitor.standing().into_iter();
    (settled.map(|found| (found.row_id, found.subject, found.columns["x"].clone())).collect(), errors, said)
}

#[test]
fn an_expression_that_fails_on_a_row_is_unknown_there_and_counted() {
    let sql = |output: &str, condition: &str, qualify: &str| {
        format!(
            "SELECT row_id, account AS subject, event_time, {output} AS x, COUNT(*) OVER w AS n FROM movements \
             WHERE direction = 'out' AND {condition} WINDOW w AS (PARTITION BY account ORDER BY event_time \
             RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) QUALIFY n >= 0 AND {qualify}"
        )
    };
    let is_one = format!("{NUMBER} = 1");
    let ones = [json!(1), json!(1), json!(2), json!(2), json!(2), json!(3)];
    let all = |values: [Value; 6]| -> Vec<(usize, Value)> { values.into_iter().enumerate().collect() };
    let counted = |numbers: [i64; 3]| vec![(0, json!(numbers[0])), (2, json!(numbers[1])), (5, json!(numbers[2]))];
    let (one, null) = (json!(1), Value::Null);
    let outputs = [one.clone(), null.clone(), one.clone(), null.clone(), null.clone(), one];
    let amounts = std::array::from_fn(|row| if row == 4 { null.clone() } else { json!("10.00") });
    let decimals = ["1.00", "1.00", "2.00", "2.00", "2.00", "3.00"].map(|sum| json!(sum));
    for (text, expected, errors) in [
        (sql("COUNT(*) OVER w", &is_one, "true"), counted([1, 2, 3]), 2),
        (sql(&format!("COUNT(*) FILTER (WHERE {is_one}) OVER w"), "true", "true"), all(ones.clone()), 2),
        (sql(&format!("COUNT({NUMBER}) OVER w"), "true", "true"), all(ones), 2),
        (sql(&format!("SUM(CAST({NUMBER} AS DECIMAL(9, 2))) OVER w"), "true", "true"), all(decimals), 2),
        // What can never be null fails all the same.
        (sql("COUNT(CAST(row_id AS BIGINT)) OVER w", "true", "true"), all([0; 6].map(|n| json!(n))), 6),
        (sql("COUNT(*) OVER w", "true", &is_one), counted([1, 3, 6]), 2),
        (sql("COUNT(*) OVER w", "true", &format!("CAST({NUMBER} AS DECIMAL(20, 0)) * n > 0")), counted([1, 3, 6]), 2),
        (sql(NUMBER, "true", "true"), all(outputs), 2),
        (sql("CAST(amount_ref AS DECIMAL(4, 2))", "true", "true"), all(amounts), 1),
    ] {
        let expected: Vec<(String, String, Value)> =
            expected.into_iter().map(|(row, x)| (format!("s:{row}/out"), "a0".to_owned(), x)).collect();
        for at_once in [6, 4, 1] {
            let (found, failed, said) = judged(&text, &payments(), at_once);
            assert_eq!((&found, failed), (&expected, errors), "{text}, {at_once} at once");
            let [said] = said.as_slice() else { panic!("{text}: {said:?}") };
            assert!(said.starts_with(&format!("rule r failed on {errors} rows: a value ")), "{said}");
            assert!(!said.contains("d0") && !said.contains("10000"), "a value of the data: {said}");
        }
        let mut late = payments();
        late.rotate_left(1);
        assert_eq!(judged(&text, &late, 2).0, expected, "{text}, the first row last");
    }
}

#[test]
fn a_row_whose_subject_fails_is_no_detection() {
    let sql = "SELECT row_id, CASE WHEN direction = 'in' THEN account ELSE CAST(CAST(account AS BIGINT) AS VARCHAR) END AS subject, \
        event_time, kind AS x FROM movements";
    let (found, failed, said) = judged(sql, &payments(), 6);
    let rows: Vec<(&str, &str)> = found.iter().map(|(row, subject, _)| (row.as_str(), subject.as_str())).collect();
    let received = ["s:0/in", "s:1/in", "s:2/in", "s:3/in", "s:4/in", "s:5/in"].map(|row| (row, "a1"));
    assert_eq!(rows, received);
    assert_eq!(failed, 6);
    assert_eq!(
        said,
        ["rule r failed on 6 rows: a value that cannot be cast, in column subject, which reads account, direction"]
    );
}

#[test]
fn a_condition_that_fails_where_another_decides_is_no_error() {
    let sql = format!(
        "SELECT row_id, account AS subject, event_time, kind AS x FROM movements WHERE device = 'd1' AND {NUMBER} = 1"
    );
    let (found, failed, said) = judged(&sql, &payments(), 6);
    assert_eq!((found.len(), failed, said), (6, 0, Vec::new()));
}

#[test]
fn a_guard_keeps_an_expression_from_failing() {
    let sql = format!(
        "SELECT row_id, account AS subject, event_time, CASE WHEN device ~ '^d[1-9]$' THEN {NUMBER} END AS x \
         FROM movements WHERE direction = 'out'"
    );
    let (found, failed, said) = judged(&sql, &payments(), 6);
    let values: Vec<Value> = found.into_iter().map(|(.., x)| x).collect();
    assert_eq!(json!(values), json!([1, null, 1, null, null, 1]));
    assert_eq!((failed, said), (0, Vec::new()));
}

#[test]
fn no_error_repeats_what_the_engine_says_of_values() {
    let told = |error: Error| format!("{error} {error:?}");
    let cast = || arrow::error::ArrowError::CastError("Cannot cast string 'DE89' to value".to_owned());
    assert!(!told(cast().into()).contains("DE89"));
    let nested = datafusion::error::DataFusionError::from(cast()).context("DE89");
    assert!(!told(nested.into()).contains("DE89"));
    let rules = Ruleset::load(&[]).unwrap();
    let state = b"\x07\x00\x00\x00\x00\x00\x00\x00[\"DE89\"";
    let refused = Monitor::read(&rules, Arc::new(Accounts::new(&[])), BOUNDS, None, &mut state.as_slice());
    assert!(!told(refused.unwrap_err()).contains("DE89"));
}
