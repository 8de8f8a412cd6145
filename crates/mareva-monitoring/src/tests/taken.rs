//! Ordinary SQL is taken, and at the value that it has.

use super::*;

fn filtered(condition: &str) -> String {
    format!("SELECT row_id, account AS subject, event_time FROM movements WHERE device IS NOT NULL AND {condition}")
}

#[test]
fn ordinary_arithmetic_of_days_counts_and_lengths_is_taken() {
    let windows = "SELECT row_id, account AS subject, event_time, COUNT(*) OVER w AS n, MAX(event_time) OVER before AS earlier \
                   FROM movements WINDOW w AS (PARTITION BY account ORDER BY event_time RANGE BETWEEN INTERVAL '1' DAY PRECEDING \
                   AND CURRENT ROW), before AS (PARTITION BY account ORDER BY event_time RANGE BETWEEN INTERVAL '30' DAY \
                   PRECEDING AND INTERVAL '1' MILLISECOND PRECEDING) QUALIFY ";
    let of_windows = |condition: &str| format!("{windows}{condition}");
    for sql in [
        filtered("CAST(event_time AS DATE) - DATE '2026-01-01' > 3"),
        filtered("length(device) + length(counterparty) > 3"),
        filtered("length(device) - length(replace(device, '9', '')) > 0"),
        filtered("CAST(\"device\" AS BIGINT) > 5 AND (device)::BIGINT > 5"),
        filtered("event_time > TIMESTAMP '2026-01-01T00:00:00' - INTERVAL '2' DAY"),
        filtered("upper(replace(device, ' ', '')) LIKE 'A%' AND concat(device, ':', counterparty) <> 'a:b'"),
        filtered("date_part('hour', event_time) * 60 + date_part('minute', event_time) < 300"),
        // The optimizer leaves these as they are.
        filtered("coalesce(CAST(amount_ref AS BIGINT), 0) = 2 AND CAST(remittance AS BIGINT) = 5"),
        filtered("NOT (device IN ('a') OR kind = 'x') AND (length(kind) > 1 AND device IN ('a'))"),
        filtered("(coalesce(device NOT IN ('a', 'b'), kind = 'x') OR device NOT IN ('c', 'd'))"),
        filtered("(device LIKE 'a%' OR device LIKE '%b') AND device NOT LIKE 'c' AND length(device) >> 1 = 2"),
        filtered("length(device) = 7 % 4 * 2"),
        of_windows("event_time - earlier > INTERVAL '24' HOUR AND n * n > 4"),
        of_windows("earlier < event_time - INTERVAL '1' DAY AND n * 100 > 250"),
    ] {
        if let Err(refusal) = Ruleset::load(&[rule("r", "signal", &sql)]) {
            panic!("{sql}\n{refusal}");
        }
    }
}

/// The type of a listed column follows from its values, those of parameters included.
#[test]
fn a_decimal_parameter_keeps_its_places_beside_whole_numbers() {
    let sql = "SELECT row_id, account AS subject, event_time, l.least AS least, NULL AS none FROM movements \
               JOIN (VALUES ('out', $limit), ('in', 9)) AS l(way, least) ON direction = l.way WHERE amount_ref > l.least";
    let rules = Ruleset::load(&[rule("r", "signal", sql)]).unwrap();
    let paid = |index: usize, cents: i64| {
        let tx = Tx { time: 0, from: Some(1), to: None, cents: Some(cents), device: None, status: 0, kind: 0 };
        (index, tx)
    };
    let rows = [paid(0, 1_250), paid(1, 1_251), paid(2, 1_300)];
    let (found, _) = run(&rules, &rows, &[], 99);
    let told: Vec<(&str, String)> =
        found.iter().map(|one| (one.row_id.as_str(), one.columns["least"].to_string())).collect();
    assert_eq!(told, [("s:1/out", "\"12.50\"".to_owned()), ("s:2/out", "\"12.50\"".to_owned())]);
    assert!(found.iter().all(|one| one.columns["none"].is_null()), "{found:?}");
    assert_eq!(shown(&found), shown(&oracle(&rules, &rows)));
}
