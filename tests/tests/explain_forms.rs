//! The rows that `mareva rules explain --alert` tells are those that the engine counted: in sessions, among rows of one millisecond,
//! and behind signals.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use mareva_tests::small::{Small, payment};
use mareva_tests::{mareva, mareva_ok};
use serde_json::Value;

const MINUTE: i64 = 60;
const OUT: &str = "SELECT row_id, account AS subject, event_time FROM movements WHERE direction = 'out'";

/// What a command about the last alert says, over its own data or other.
fn explain(small: &Small, data: &str, more: &[&str]) -> std::process::Output {
    let alerts = mareva_tests::ndjson(&small.path("alerts"));
    let alert = format!("{}:{}", small.at("alerts"), alerts.last().unwrap()["alert_id"].as_str().unwrap());
    let [config, rules, data] = ["m.toml", "rules", data].map(|name| small.at(name));
    let args = ["rules", "explain", "--config", &config, "--rules", &rules, "--alert", &alert, "--data", &data];
    mareva(args.iter().chain(more))
}

/// The windows of the last detection of a rule: aggregates, window, and the rows told.
fn windows(small: &Small, rule: &str) -> Vec<(String, String, Vec<String>)> {
    let output = explain(small, "tables", &["--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rule = told["rules"].as_array().unwrap().iter().find(|one| one["rule"] == rule).unwrap();
    let last = rule["detections"].as_array().unwrap().last().unwrap();
    assert_eq!(last["found"], true, "{last}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let window = |window: &Value| {
        let aggregates: Vec<String> = window["aggregates"].as_array().unwrap().iter().map(text).collect();
        let rows = window["rows"].as_array().unwrap().iter().map(|row| text(&row["row_id"]).replace("MRVADEFF:", ""));
        (aggregates.join(" "), text(&window["window"]), rows.collect())
    };
    last["windows"].as_array().unwrap().iter().map(window).collect()
}

fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

#[test]
fn a_session_goes_on_with_rows_that_an_aggregate_does_not_count() {
    let sql = "SELECT LAST_VALUE(row_id ORDER BY event_time, row_id) AS row_id, account AS subject, MAX(event_time) AS event_time, \
               COUNT(*) FILTER (WHERE direction = 'out') AS o FROM movements \
               GROUP BY account, session(event_time, INTERVAL '30' MINUTE) \
               HAVING COUNT(*) FILTER (WHERE direction = 'out') >= 2";
    let payments = [
        payment("0", 10 * MINUTE, 1, 2),
        payment("1", 60 * MINUTE, 1, 2),
        payment("2", 85 * MINUTE, 3, 1),
        payment("3", 110 * MINUTE, 1, 2),
    ];
    let small = Small::new(&[("g", "alert", sql)], &payments);
    small.replay();
    let windows = windows(&small, "g");
    let found = windows.iter().find(|(aggregates, ..)| aggregates == "o = COUNT(*) where direction = 'out'").unwrap();
    assert_eq!(found.1, "a session with pauses of up to 30 min");
    assert_eq!(found.2, strings(["1/out", "3/out"]), "the payment that came in holds the two together: {windows:?}");
}

#[test]
fn rows_of_one_millisecond_are_told_up_to_the_one_that_fired() {
    let window = "WINDOW w AS (PARTITION BY account, date_trunc('day', event_time) ORDER BY event_time, row_id)";
    let row = "SELECT row_id, account AS subject, event_time";
    let first =
        format!("{row}, ROW_NUMBER() OVER w AS n FROM movements WHERE direction = 'out' {window} QUALIFY n = 2");
    let before =
        format!("{row}, LAG(amount_ref) OVER w AS b FROM movements WHERE direction = 'out' {window} QUALIFY b > 1");
    let payments = ["1", "2", "3"].map(|id| payment(id, MINUTE, 1, 2));
    let small = Small::new(&[("lag", "alert", &before), ("number", "alert", &first)], &payments);
    small.replay();
    let told = |rule: &str| windows(&small, rule).remove(0);
    let (number, lag) = (told("number"), told("lag"));
    assert_eq!((number.0.as_str(), number.2), ("n = ROW_NUMBER()", strings(["1/out", "2/out"])));
    assert_eq!((lag.0.as_str(), lag.2), ("b = LAG(amount_ref)", strings(["2/out", "3/out"])));
}

#[test]
fn behind_signals_are_those_that_the_rule_counts() {
    let by_hour = "SELECT LAST_VALUE(row_id ORDER BY event_time, row_id) AS row_id, subject, MAX(event_time) AS event_time, \
                   COUNT(*) AS n FROM signals GROUP BY subject, date_trunc('hour', event_time) HAVING COUNT(*) >= 4";
    let named = "SELECT row_id, subject, event_time, COUNT(*) OVER w AS n FROM signals WHERE rule = 't' WINDOW w AS \
                 (PARTITION BY subject ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) \
                 QUALIFY n >= 3";
    let payments = [payment("1", 50 * MINUTE, 1, 2), payment("2", 70 * MINUTE, 1, 2), payment("3", 80 * MINUTE, 1, 2)];
    let rules = [("hour", "alert", by_hour), ("named", "alert", named), ("s", "signal", OUT), ("t", "signal", OUT)];
    let small = Small::new(&rules, &payments);
    small.replay();
    let [(.., hour)] = windows(&small, "hour").try_into().unwrap();
    assert_eq!(
        hour,
        strings(["s:2/out", "t:2/out", "s:3/out", "t:3/out"]),
        "that of the hour before is in another bin"
    );
    let [(.., named)] = windows(&small, "named").try_into().unwrap();
    assert_eq!(named, strings(["t:1/out", "t:2/out", "t:3/out"]));
    // Over other data not one row is there.
    small.write("other.ndjson", &format!("{}\n", payment("9", 0, 5, 6)));
    let output = explain(&small, "other.ndjson", &[]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(1) && told.contains("the row is not in the data"), "{told}");
}

#[test]
fn a_rule_is_told_as_sql_with_what_its_sql_does_not_say() {
    let sql = "SELECT row_id, account AS subject, event_time, SUM(amount_ref) OVER w AS sent FROM movements m \
               LEFT JOIN accounts a ON m.account = a.account WHERE kind IN ('return', 'deposit') WINDOW w AS (PARTITION BY \
               m.account ORDER BY event_time RANGE BETWEEN INTERVAL '2' DAY PRECEDING AND CURRENT ROW) QUALIFY \
               direction = 'out' AND sent >- $least AND a.opened_at <= event_time - INTERVAL '180' DAY";
    let small = Small::new(&[("a", "alert", &sql.replace("account AS subject", "m.account AS subject"))], &[]);
    small.add_to_rule(
        "a",
        "needs_history = \"180 days\"\n[parameters.least]\nvalue = \"5.00\"\ntype = \"decimal\"\nsource = \"s\"\n",
    );
    let output = mareva_ok(["rules", "explain", "--rules", &small.at("rules")]);
    let told = String::from_utf8(output.stdout).unwrap();
    for part in [
        "direction = 'out'",
        "kind IN ('return', 'deposit')",
        "INTERVAL '180' DAY",
        "SUM(amount_ref) by account over 2 d",
        "fires once there are 180 d of history (needs_history)",
    ] {
        assert!(told.contains(part), "does not say `{part}`: {told}");
    }
    let before_sql = told.split("SQL for").next().unwrap();
    for never in ["Utf8(", "Int64(", "Decimal128", "IntervalMonth", "Sum(", "any engine"] {
        assert!(!before_sql.contains(never) && !told.contains("any engine"), "says `{never}`: {told}");
    }
    let refused = mareva(["rules", "explain", "a", "--rules", &small.at("rules"), "--data", &small.at("bank.ndjson")]);
    assert_eq!(refused.status.code(), Some(2), "data without an alert");
}
