//! What no form says is refused, with the reason and its place: nothing is computed otherwise than the SQL says.

use super::*;

const LAST: &str = "LAST_VALUE(row_id ORDER BY event_time, row_id)";
const OVER: &str =
    "OVER (PARTITION BY account ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)";

fn select(what: &str) -> String {
    format!("SELECT row_id, account AS subject, event_time, {what} AS x\nFROM movements QUALIFY x > 1")
}

fn only(condition: &str) -> String {
    format!("SELECT row_id, account AS subject, event_time FROM movements\nWHERE {condition}")
}

fn group(by: &str, row: &str, having: &str) -> String {
    format!(
        "SELECT {row} AS row_id, account AS subject, MAX(event_time) AS event_time FROM movements GROUP BY {by} HAVING {having}"
    )
}

fn listed(join: &str, rows: &str, on: &str) -> String {
    format!(
        "SELECT m.row_id, m.account AS subject, m.event_time FROM movements m {join} (VALUES {rows}) AS l(k, v) ON {on} \
         WHERE m.amount_ref > l.v"
    )
}

/// What stock DataFusion computes as well, and nobody means.
fn silent() -> Vec<(String, &'static str)> {
    vec![
        (select(&format!("COUNT(*) {OVER} * 9223372036854775807")), "wraps around"),
        (select(&format!("COUNT(*) {OVER} + CAST(remittance AS BIGINT)")), "wraps around"),
        (only("-CAST(remittance AS BIGINT) > 1"), "wraps around"),
        (only("9223372036854775807 + 1 > 1"), "wraps around"),
        (select(&format!("CAST(COUNT(*) {OVER} AS DECIMAL(5, -3))")), "a scale below zero"),
        (select("CAST(amount_ref AS NUMERIC(10, -2))"), "a scale below zero"),
        (only("length(repeat(kind, 100000000)) > 1"), "any length"),
        (only("length(lpad(kind, 2000000000)) > 1"), "any length"),
        (only("length(rpad(kind, length(device))) > 1"), "any length"),
        (only(&format!("length(concat_ws(device, {})) > 1", ["'a'"; 300].join(", "))), "concat_ws can make a text"),
        (only("length(regexp_replace(kind, 'a', device, 'g')) > 1"), "regexp_replace can make a text"),
        (only("amount_ref = '10.004'"), "'10.004' has more places"),
        (only("event_time > TIMESTAMP '2026-03-26 02:00:00.0005'"), "more places"),
        (only("event_time > '2026-03-26T02:00:00.00050Z'"), "more places"),
    ]
}

/// What the optimizer of stock DataFusion 55 makes something else of.
fn optimized() -> Vec<(String, &'static str)> {
    let many: Vec<String> = (100..140).map(|n| format!("amount_ref <> {n}")).collect();
    let narrowed = [
        only("CAST(amount_ref AS DECIMAL(38, 1)) = 100"),
        only("amount_ref > 1 AND CAST(amount_ref AS BIGINT) IN (2, 3)"),
        only("amount_ref::DECIMAL(38, 0) BETWEEN 1 AND 2"),
        only("TRY_CAST(amount_ref AS TINYINT) < 100"),
        only("3 <> CAST(CAST(amount_ref AS BIGINT) AS DECIMAL(38, 2))"),
        only("CAST(amount_ref AS SMALLINT) IS DISTINCT FROM 2"),
        only("NOT CAST(amount_ref AS DECIMAL(5, 2)) < 100"),
        only(&format!("{} AND CAST(amount_ref AS BIGINT) <> 9", many.join(" AND "))),
        only("CAST(amount_ref AS BIGINT) | 0 = 2"),
        only("CAST(amount_ref AS BIGINT) * 1 = 2"),
        only("CAST(amount_ref AS BIGINT) / 1 = 2"),
        only("CAST(amount_ref AS BIGINT) >> 0 = 2"),
        only("coalesce(CAST(amount_ref AS BIGINT)) = 2"),
        only("CASE WHEN true THEN CAST(amount_ref AS BIGINT) END = 2"),
        only("CAST(amount_ref AS BIGINT) = coalesce(2, length(device))"),
        select(&format!("SUM(amount_ref) {OVER}")).replace("x > 1", "CAST(x AS DECIMAL(38, 0)) = 3"),
        select(&format!("COUNT(*) FILTER (WHERE CAST(amount_ref AS BIGINT) = 2) {OVER}")),
        group("account, date_trunc('day', event_time)", LAST, "CAST(AVG(amount_ref) AS DECIMAL(38, 0)) = 3"),
    ];
    let twice = [
        only("device NOT IN ('a') OR device NOT IN ('b')"),
        only("NOT (device IN ('a', 'b') AND device IN ('c'))"),
        only("COALESCE(device IN ('a') AND device NOT IN ('a', 'b'), true)"),
        only("NOT (device = 'a' OR device = 'b') OR NOT (device = 'd1' OR device = 'd2')"),
        only("device NOT IN ('a', 'b') = true OR device NOT IN ('c', 'd') OR false"),
        only("coalesce(device NOT IN ('a', 'b')) OR device NOT IN ('c', 'd')"),
    ];
    let mut cases: Vec<(String, &'static str)> = Vec::new();
    cases.extend(narrowed.map(|sql| (sql, "say between which values")));
    cases.extend(twice.map(|sql| (sql, "where device is null it gives")));
    cases.extend([
        (only("amount_ref IN (1) AND amount_ref NOT IN (1)"), "write one list"),
        (only("NOT (device ~ '.*')"), "where device is null it gives false, and not null"),
        (only("NOT (device ~ concat('.', '*'))"), "where device is null it gives false, and not null"),
        (only("device !~ '^(a1|b)$' OR device !~ '^(c1|d)$'"), "ask for IS NOT NULL"),
    ]);
    cases
}

/// A rule over ROW_NUMBER, of which this is asked.
fn numbered(asked: &str) -> String {
    let window = "PARTITION BY account, date_bin(INTERVAL '1' DAY, event_time) ORDER BY event_time, row_id";
    select(&format!("ROW_NUMBER() OVER ({window})")).replace("x > 1", asked)
}

/// Twenty calls within one another.
fn nested(function: &str) -> String {
    format!("{}channel{} = 'a'", format!("{function}(").repeat(20), ", 'x')".repeat(20))
}

fn reckoned() -> Vec<(String, &'static str)> {
    vec![
        (only("CASE WHEN direction = 'in' THEN '5' ELSE 10 END < '9'"), "some of its values are texts"),
        (only("CASE direction WHEN 'in' THEN 1 WHEN 'out' THEN '2' END = '01'"), "some of its values are texts"),
        (only("CASE WHEN direction = 'in' THEN remittance ELSE 5 END > '10'"), "some of its values are texts"),
        (numbered("x / 2 * 2 = x"), "a quotient of ROW_NUMBER"),
        (numbered("(x + 1) / 2 > 3"), "a quotient of ROW_NUMBER"),
        (numbered("100 / NULLIF(x, 0) > 3"), "a quotient of ROW_NUMBER"),
        (only(&nested("COALESCE")), "each level doubles it"),
        (only(&nested("nvl")), "each level doubles it"),
    ]
}

/// What parser, functions and types of stock DataFusion 55 make something else of.
fn misread() -> Vec<(String, &'static str)> {
    let berlin = "event_time AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin'";
    let backslash = ["~ 'a\\\\b'", "~* '^a\\\\'", "!~ '[\\\\]'", "~ 'a\\x5cb'", "~ ('a\\' || '\\b')"];
    let rows = ["(device, kind) NOT IN (('a', 'b'))", "(device, kind) <> ('a', 'b')", "(device, NULL) IS NULL"];
    let mut cases: Vec<(String, &'static str)> = Vec::new();
    cases.extend(backslash.map(|sought| (only(&format!("remittance {sought}")), "a backslash that is sought for")));
    cases.extend(rows.map(|condition| (only(condition), "values in brackets are compared as one")));
    cases.extend([
        (only("regexp_like(remittance, 'a\\\\b')"), "a backslash that is sought for"),
        (only("to_char(event_time, 'YYYY' || '-MM') = '2026-01'"), "a pattern without %"),
        (only("to_char(event_time - TIMESTAMP '2026-01-01', '%H') = '01'"), "a span of time has no text"),
        (
            only("device IS NOT NULL AND to_char(event_time, 'YYYY%') = '2026'"),
            "fails for every row: Cast error: Format error",
        ),
        (only("amount_ref = '1.99' || '4'"), "'1.994' has more places"),
        (only("event_time > to_timestamp_micros(1774000000000500)"), "times have three places"),
        (only("event_time > to_timestamp('2026-03-26T02:00:00.0005')"), "times have three places"),
        (only("event_time > to_timestamp_nanos(CAST(remittance AS BIGINT))"), "times have three places"),
        (only(&format!("to_timestamp({berlin}) < TIMESTAMP '2026-01-01'")), "has the clock of UTC"),
        (only(&format!("to_timestamp_millis({berlin}) < TIMESTAMP '2026-01-01'")), "has the clock of UTC"),
        (only("length(regexp_replace(kind, 'a', '$5')) > 1"), "a dollar, a number of two digits"),
        (only("length(regexp_replace(kind, 'a', '\\10')) > 1"), "a dollar, a number of two digits"),
        (only("length(regexp_replace(kind, 'a', '\\\\')) > 1"), "a backslash before anything else"),
        (
            only("kind IN ('x', 'y', 'z', CASE direction WHEN 'in' THEN 'a' ELSE 'b' END)"),
            "one value is kept for all rows",
        ),
        (
            only("lower(device) NOT IN ('x', trim(coalesce(remittance, counterparty, 'b')))"),
            "one value is kept for all",
        ),
        (only("event_time > TIMESTAMP '2026-01-01' + INTERVAL '1.5' DAY"), "a part of a unit in an interval"),
        (only(&format!("{berlin} <> {}", berlin.replace("Europe/Berlin", "Asia/Kolkata"))), "times of two zones"),
        (only(&format!("CAST(date_part('epoch', {berlin}) AS BIGINT) % 86400 = 0")), "those of UTC"),
        (
            only(
                &berlin
                    .replace("Europe/Berlin", "+02:00")
                    .replace("event", "date_part('hour', event")
                    .replace("+02:00'", "+02:00') = 2"),
            ),
            "an offset is read with either sign",
        ),
        (only("left(CAST(event_time AS VARCHAR), 13) = '2026-01-01 00'"), "has a T between day and hour"),
        (only("TRY_CAST(event_time AS VARCHAR) LIKE '2026-01-01 %'"), "has a T between day and hour"),
        (only("concat(device, event_time) = 'd2026-01-01 00:00:00'"), "has a T between day and hour"),
        (
            only("CAST(event_time AS TIMESTAMP(0)) = TIMESTAMP '2026-01-01 00:00:00'"),
            "a TIMESTAMP of less than three places",
        ),
        (only("CAST(floor(amount_ref) AS VARCHAR) = '100'"), "how many places it has as a text"),
        (only("device IS DISTINCT FROM 'a' IS NOT TRUE"), "IS DISTINCT FROM before AND, OR or IS"),
        (only("length(device) & 6 >> 1 = 2"), "this sign beside others, without brackets"),
        (only("length(device) >> 1 + 1 = 2"), "this sign beside others, without brackets"),
        (only("CAST(device AS STRING(2)) = 'd'"), "STRING is not supported"),
        (only("event_time >= CAST(event_time AS DATE) + INTERVAL '12' HOUR"), "a date has no hours"),
        (only("event_time < DATE '2026-01-01' - INTERVAL '1 day 1 hour'"), "a date has no hours"),
        (only("event_time > event_time - INTERVAL '0.0004' SECOND"), "a span below a millisecond"),
        (only(&format!("CAST({berlin} AS TIMESTAMP) < TIMESTAMP '2026-01-01'")), "has the clock of UTC"),
        (only("date_part('hour', event_time - TIMESTAMP '2026-01-01') < 2"), "hours and minutes are counted in all"),
        (only("EXTRACT(MINUTE FROM event_time - TIMESTAMP '2026-01-01') < 5"), "hours and minutes are counted in all"),
        (only("arrow_cast(amount_ref, 'Decimal128(38, 0)') > 1"), "types of its own"),
        (only("to_char(event_time, 'YYYY-MM-DD') = '2026-01-01'"), "a pattern without %"),
        (only("CAST(device AS CHAR) = 'd'"), "CHAR is not supported"),
        (only("nvl(amount_ref, '0') > '9'"), "amount_ref is no text, and meets a text"),
        (only("ifnull(amount_ref, '0') > '9'"), "amount_ref is no text, and meets a text"),
        (only("CASE WHEN device IS NULL THEN '0' ELSE amount_ref END > '9'"), "amount_ref is no text"),
    ]);
    cases
}

/// Rows that stand in the rule.
fn listed_rows() -> Vec<(String, &'static str)> {
    vec![
        (listed("JOIN", "('a', 1), ('a', 2)", "m.account = l.k"), "a is listed twice"),
        (listed("JOIN", "('a', 1), (NULL, 2)", "m.account = l.k"), "listed for NULL"),
        (listed("JOIN", "('a', 1), ('b', 1.5e0)", "m.account = l.k"), "float"),
        (listed("JOIN", "('a', 1), ('b', abs(2))", "m.account = l.k"), "no constant"),
        (listed("FULL JOIN", "('a', 1)", "m.account = l.k"), "a Full join of listed rows is not supported"),
        (listed("JOIN", "('a', 1)", "upper(m.account) = l.k"), "AS limits(segment, most)"),
        (listed("JOIN", "('a', 1)", "upper(m.account) = l.k"), "one pair of equal columns"),
        (listed("JOIN", "('a', 1)", "l.v = l.v AND m.account = l.k"), "one pair of equal columns"),
        (listed("JOIN", &["('a', 1)"; 257].join(", "), "m.account = l.k"), "more than 256 rows"),
        (
            listed("JOIN", "('a', 1)", "m.account = l.k JOIN (VALUES (1, 2)) AS n(v, w) ON l.v = n.v"),
            "by a column of a table",
        ),
        (
            group("account, session(event_time, INTERVAL '1' HOUR)", LAST, "COUNT(*) > 1")
                .replace("FROM movements", "FROM movements JOIN (VALUES ('a', 1)) AS l(k, v) ON account = l.k"),
            "sessions are of the rows of one table",
        ),
    ]
}

/// Windows and expressions.
fn frames_and_floats() -> Vec<(String, &'static str)> {
    vec![
        (select(&format!("SUM(amount) {OVER}")), "wrap"),
        (select(&format!("ROW_NUMBER() {OVER}")), "no settled order"),
        (select(&format!("STDDEV(amount_ref) {OVER}")), "not exact"),
        (select(&format!("AVG(CAST(amount_ref AS BIGINT)) {OVER}")), "not exact"),
        (select(&format!("SUM(amount_ref) {}", OVER.replace("account", "device"))), "can be null"),
        (select(&format!("SUM(amount_ref) {}", OVER.replace("PARTITION BY account ", ""))), "no PARTITION BY"),
        (select(&format!("SUM(amount_ref) {}", OVER.replace("'1' HOUR", "'1' MONTH"))), "whole number"),
        (
            select(&format!("SUM(amount_ref) {}", OVER.replace("RANGE", "ROWS").replace("INTERVAL '1' HOUR", "5"))),
            "RANGE",
        ),
        (select(&format!("COUNT(*) {OVER} * 0.5")), "not exact"),
        (select(&format!("100 / COUNT(*) {OVER}")), "meet a zero"),
        (select(&format!("COUNT(*) {OVER} / 0")), "meet a zero"),
        (select(&format!("SUM(amount_ref) {}", OVER.replace("'1'", "'-1'"))), "the interval is negative"),
        (select(&format!("COUNT(*) {}", OVER.replace("event_time RANGE", "event_time DESC RANGE"))), "ascending"),
        (select(&format!("COUNT(*) {}", OVER.replace("BY event_time", "BY append_time"))), "no column append_time"),
        (select(&format!("COUNT(*) {}", OVER.replace("CURRENT ROW", "INTERVAL '1' HOUR FOLLOWING"))), "CURRENT ROW"),
        (select(&format!("COUNT(*) {}", OVER.replace("INTERVAL '1' HOUR", "UNBOUNDED"))), "fixed interval"),
        (
            select(&format!(
                "COUNT(*) {}",
                OVER.replace("RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW", "")
            )),
            "fixed interval",
        ),
        (select(&format!("COUNT(*) {}", OVER.replace("BY account", "BY amount_ref"))), "not text"),
        (select(&format!("COUNT(*) {}", OVER.replace("BY account", "BY upper(account)"))), "not a column"),
        (select(&format!("MEDIAN(amount_ref) {OVER}")), "not supported"),
        (
            select(&format!("SUM(amount_ref * CAST('1000000000000000' AS DECIMAL(16, 0))) {OVER}")),
            "up to 28 digits before the point can pass 38",
        ),
        (select(&format!("AVG(amount_ref * amount_ref) {OVER}")), "up to 24 digits before the point can pass 38"),
        (select(&format!("SUM(amount_ref / balance_ref) {OVER}")), "meet a zero"),
        (select(&format!("CORR(amount_ref, amount_ref) {OVER}")), "not supported"),
    ]
}

/// Functions over windows.
fn functions() -> Vec<(String, &'static str)> {
    vec![
        (select(&format!("approx_distinct(counterparty) {OVER}")), "not supported"),
        (select(&format!("STRING_AGG(counterparty, ',') {OVER}")), "not supported"),
        (select(&format!("BOOL_AND(direction = 'in') {OVER}")).replace("x > 1", "x"), "not supported"),
        (select(&format!("SUM(DISTINCT amount_ref) {OVER}")), "sum has no DISTINCT"),
        (select("RANK() OVER (PARTITION BY account ORDER BY event_time)"), "fixed interval"),
        (select(&format!("RANK() {OVER}")), "not supported"),
        (select(&format!("LEAD(amount_ref) {OVER}")), "not supported"),
        (select(&format!("NTH_VALUE(amount_ref, 2) {OVER}")), "not supported"),
        (select(&format!("FIRST_VALUE(amount_ref) IGNORE NULLS {OVER}")), "nulls cannot be left out"),
        (select(&format!("LAG(amount_ref) {OVER}")), "no settled order"),
        (select("LAG(amount_ref) OVER (PARTITION BY account ORDER BY event_time, row_id)"), "how far back"),
        (select("LAG(amount_ref, 65) OVER (PARTITION BY account ORDER BY event_time, row_id)"), "1 to 64"),
        (
            select("LAG(amount_ref, 1, 0) OVER (PARTITION BY account ORDER BY event_time, row_id)"),
            "where there are fewer",
        ),
        (select("ROW_NUMBER() OVER (PARTITION BY account ORDER BY event_time, row_id)"), "first row there ever was"),
        (select("ROW_NUMBER() OVER (ORDER BY event_time, row_id)"), "no PARTITION BY"),
        (
            select(
                "ROW_NUMBER() OVER (PARTITION BY account, date_trunc('quarter', event_time) ORDER BY event_time, row_id)",
            ),
            "no windows of this unit",
        ),
        (
            select(
                "ROW_NUMBER() OVER (PARTITION BY account, hop(event_time, INTERVAL '1' HOUR, INTERVAL '2' HOUR) ORDER BY event_time, row_id)",
            ),
            "several windows",
        ),
        (
            select(&format!(
                "COUNT(*) {}",
                OVER.replace("BY account", "BY account, date_bin(INTERVAL '1' DAY, event_time)")
            )),
            "begins inside",
        ),
        (select(&format!("STDDEV(amount_ref) {OVER}")).replace("x > 1", "x > amount_ref"), "not exact"),
        (select(&format!("SUM(CAST(amount_ref AS DOUBLE)) {OVER}")), "not exact"),
        (select(&format!("COUNT(*) {OVER} + (SELECT 1)")), "a subquery"),
    ]
}

/// Other statements, and groups.
fn shapes() -> Vec<(String, &'static str)> {
    vec![
        ("SELECT row_id, account AS subject FROM movements".to_owned(), "event_time is not selected"),
        ("SELECT * FROM nowhere".to_owned(), "rule.sql:1:15: there is no table nowhere; there are transactions, movements"),
        ("SELECT row_id,\n  acount FROM movements".to_owned(), "rule.sql:2:3: there is no column acount; perhaps you mean account; there are account, "),
        ("SELECT foo(row_id) FROM movements".to_owned(), "rule.sql:1:8: there is no function foo; see rules/README.md"),
        ("SELECT 1".to_owned(), "rule.sql:1:1: the rule reads no table"),
        ("SELECT row_id, account AS subject, event_time FROM movements WHERE account ~ '((('".into(), "unclosed group"),
        ("SELEC 1".to_owned(), "rule.sql:1:1: is no SQL: Expected: an SQL statement, found: SELEC"),
        ("SELECT row_id FROM movements QUALIFY x >".to_owned(), "rule.sql:1:41: is no SQL: Expected: an expression, found: EOF"),
        ("SELECT account AS subject, MAX(row_id) AS row_id, MAX(event_time) AS event_time FROM movements GROUP BY account".into(), "never ends"),
        ("SELECT row_id, account AS subject, event_time FROM movements WHERE event_time > now()".into(), "every time"),
        ("SELECT row_id, account AS subject, event_time FROM movements WHERE account IN (SELECT account FROM accounts)".into(), "a subquery"),
        ("SELECT row_id, account AS subject, event_time FROM movements WHERE random() > amount_ref".into(), "every time"),
        ("SELECT row_id, account AS subject, event_time FROM movements ORDER BY event_time".into(), "ORDER BY of the whole"),
        ("SELECT row_id, account AS subject, event_time FROM movements LIMIT 5".into(), "LIMIT"),
        ("SELECT DISTINCT row_id, account AS subject, event_time FROM movements".into(), "SELECT DISTINCT"),
        ("SELECT row_id, account AS subject, event_time FROM movements UNION ALL SELECT row_id, account, event_time FROM movements".into(), "UNION"),
        ("SELECT m.row_id, m.account AS subject, m.event_time FROM movements m JOIN movements n ON m.account = n.account".into(), "only accounts and listed rows can be joined"),
        ("SELECT m.row_id, m.account AS subject, m.event_time FROM movements m RIGHT JOIN accounts a ON m.account = a.account".into(), "Right join"),
        ("SELECT m.row_id, m.account AS subject, m.event_time FROM movements m JOIN accounts a ON m.account = a.customer".into(), "accounts.account"),
        (group("account", "MAX(row_id)", "COUNT(*) > 1"), "never ends"),
        (group("date_bin(INTERVAL '1' HOUR, event_time)", "MAX(row_id)", "COUNT(*) > 1").replace("account AS", "MAX(account) AS"), "no key beside"),
        (group("account, date_bin(INTERVAL '1' HOUR, event_time)", "MAX(row_id)", "COUNT(*) > 1"), "not that of the group's last row"),
        (group("account, date_bin(INTERVAL '1' MONTH, event_time)", LAST, "COUNT(*) > 1"), "no fixed interval"),
        (group("account, date_bin(INTERVAL '1' HOUR, event_time), date_trunc('day', event_time)", LAST, "COUNT(*) > 1"), "two windows"),
        (group("account, hop(event_time, INTERVAL '7' MINUTE, INTERVAL '1' HOUR)", LAST, "COUNT(*) > 1"), "no multiple"),
        (group("account, hop(event_time, INTERVAL '1' SECOND, INTERVAL '1' HOUR)", LAST, "COUNT(*) > 1"), "more than 64"),
        (group("account, hop(event_time, INTERVAL '5' MINUTE, INTERVAL '1' HOUR)", LAST, "COUNT(*) > 1"), "which of the windows"),
        (group("account, session(event_time, INTERVAL '2' DAY)", LAST, "COUNT(*) > 1"), "a day or longer"),
        (group("account, date_bin(INTERVAL '1' HOUR, event_time)", "LAST_VALUE(row_id ORDER BY event_time)", "COUNT(*) > 1"), "is not settled"),
        (group("account, date_bin(INTERVAL '1' HOUR, event_time)", LAST, "STDDEV(amount_ref) > COUNT(*)"), "not exact"),
        (group("account, date_bin(INTERVAL '1' HOUR, event_time)", LAST, "SUM(amount) > 1"), "wrap"),
    ]
}

/// What looks like a form and says something else.
fn look_alikes() -> Vec<(String, &'static str)> {
    let day = "account, date_trunc('day', event_time)";
    let row =
        |what: &str, name: &str| {
            format!("SELECT row_id, account AS subject, event_time FROM movements QUALIFY COUNT(*) {OVER} > 1")
                .replacen(name, &format!("{what} AS {name}"), 1)
        };
    let by = |window: &str| {
        let over = format!("OVER (PARTITION BY account, {window} ORDER BY event_time)");
        select(&format!("COUNT(*) {over}"))
    };
    let hop = group("account, hop(event_time, INTERVAL '1' HOUR, INTERVAL '2' HOUR)", LAST, "COUNT(*) > 1");
    let lag = "SELECT row_id, account AS subject, event_time, LAG(event_time) OVER w AS earlier FROM movements \
        WINDOW w AS (PARTITION BY account ORDER BY event_time, row_id) \
        QUALIFY CAST(earlier AS DATE) >= CAST(event_time AS DATE) - INTERVAL '1' DAY";
    vec![
        (by("CAST(date_trunc('hour', event_time) AS DATE)"), "not a column"),
        (by("session(event_time, INTERVAL '5' MINUTE)"), "not of a partition"),
        (group("account, CAST(date_trunc('hour', event_time) AS DATE)", LAST, "COUNT(*) > 1"), "not a column"),
        (
            group("account, date_bin(INTERVAL '1' HOUR, CAST(event_time AS DATE))", LAST, "COUNT(*) > 1"),
            "of event_time",
        ),
        (lag.to_owned(), "how far back"),
        (group(day, LAST, "LAST_VALUE(device ORDER BY event_time, row_id) IGNORE NULLS = 'd'"), "nulls cannot be left"),
        (row("account", "row_id"), "row_id is not that of the row"),
        (row("date_trunc('day', event_time)", "event_time"), "event_time is not that of the row"),
        (
            row(
                "FIRST_VALUE(row_id) OVER (PARTITION BY account ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)",
                "row_id",
            ),
            "row_id is not that of the row",
        ),
        (hop.replace("FROM", ", date_trunc('day', MAX(event_time)) AS window_start FROM"), "which of the windows"),
        (
            "SELECT row_id, account AS subject, event_time FROM movements \
             WHERE session(event_time, INTERVAL '5' MINUTE) > TIMESTAMP '2020-01-01T00:00:00'"
                .to_owned(),
            "stands in GROUP BY",
        ),
        (select(&format!("amount_ref / NULLIF(COUNT(*) {OVER}, 5)")), "meet a zero"),
        (select(&format!("COUNT(DISTINCT CAST(event_time AS TIMESTAMP(0))) {OVER}")), "not supported"),
        (
            select("1").replace("x > 1", &format!("MAX(CAST(event_time AS TIMESTAMP)) {OVER} > event_time")),
            "not supported",
        ),
        (select("1").replace("x > 1", &format!("MIN(event_time AT TIME ZONE 'UTC') {OVER} IS NULL")), "not supported"),
    ]
}

/// Time zones, and what is no condition.
fn zones_and_truths() -> Vec<(String, &'static str)> {
    let local = |condition: &str| {
        let berlin = condition.replace("{}", "event_time AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin'");
        format!("SELECT row_id, account AS subject, event_time FROM movements WHERE {berlin}")
    };
    let zoned = |unit: &str, time: &str| group(&format!("account, date_trunc('{unit}', {time})"), LAST, "COUNT(*) > 1");
    vec![
        (zoned("day", "event_time AT TIME ZONE 'Asia/Tokyo'"), "taken for one of this zone"),
        (zoned("hour", "event_time AT TIME ZONE 'UTC' AT TIME ZONE 'Asia/Tokyo'"), "this unit has no time zone"),
        (
            zoned("day", "event_time AT TIME ZONE 'UTC' AT TIME ZONE 'Atlantic/Azores'"),
            "over midnight there on 2099-10-25",
        ),
        (zoned("day", "event_time AT TIME ZONE 'UTC' AT TIME ZONE '+02:00'"), "an offset is read with either sign"),
        (
            zoned("day", "event_time AT TIME ZONE 'UTC' AT TIME ZONE 'Asia/Tokyo' AT TIME ZONE 'Europe/Berlin'"),
            "into a second zone",
        ),
        (local("event_time < date_trunc('day', {}) + INTERVAL '2' HOUR"), "is taken for one of that"),
        (local("event_time - date_trunc('day', {}) < INTERVAL '2' HOUR"), "is taken for one of that"),
        (select(&format!("COUNT(*) FILTER (WHERE length(kind)) {OVER}")), "what is no condition"),
        (select(&format!("COUNT(*) FILTER (WHERE 1) {OVER}")), "what is no condition"),
        (select(&format!("COUNT(*) FILTER (WHERE kind) {OVER}")), "what is no condition"),
        (select(&format!("CASE WHEN COUNT(*) {OVER} THEN 1 ELSE 0 END")), "what is no condition"),
        (zoned("day", "event_time AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Nowhere'"), "no such time zone"),
        (
            zoned("day", "(event_time + INTERVAL '1' HOUR) AT TIME ZONE 'UTC' AT TIME ZONE 'Asia/Tokyo'"),
            "of event_time",
        ),
    ]
}

/// Clauses that the planner would leave out.
fn other_dialects() -> Vec<(String, &'static str)> {
    let from = |table: &str| {
        select("amount_ref").replace("movements", table).replace("QUALIFY", "WHERE").replace("x >", "amount_ref >")
    };
    let day = group("account, date_trunc('day', event_time)", LAST, "COUNT(*) > 1");
    let mut cases = vec![
        (from("movements TABLESAMPLE BERNOULLI (1)"), "rule.sql:2:16: TABLESAMPLE is not supported"),
        (from("movements SAMPLE 0.1"), "2:16: SAMPLE is not supported"),
        (from("movements WITH (NOLOCK)"), "2:16: WITH is not supported"),
        (from("movements PARTITION (p2020)"), "2:16: PARTITION is not supported"),
        (from("movements m GLOBAL LEFT JOIN accounts a ON m.account = a.account"), "2:18: GLOBAL is not supported"),
        (from("movements PREWHERE amount_ref > 1000"), "2:16: PREWHERE is not supported"),
        (
            from("movements START WITH account = 'a' CONNECT BY account = counterparty")
                .replace(" WHERE amount_ref > 1", ""),
            "CONNECT BY is not supported",
        ),
        (day.replace("HAVING", "WITH ROLLUP HAVING"), "WITH is not supported"),
        (day.replace("HAVING", "WITH TOTALS HAVING"), "WITH is not supported"),
        (select(&format!("SUM(round(amount_ref, 0)) {OVER}")), "rule.sql:1:52: round to a number of places"),
        (
            select(&format!("COUNT(*) {OVER}")).replace("x > 1", "x > 1 AND round(amount_ref, 1) > 5"),
            "round to a number of places",
        ),
    ];
    for clause in ["FOR UPDATE", "FOR JSON AUTO", "FOR XML AUTO", "SETTINGS max_threads = 1", "FORMAT JSON"] {
        let name = clause.split(' ').next().unwrap_or_default();
        let sql = from("movements") + "\n" + clause;
        cases.push((
            sql,
            match name {
                "FOR" => "3:1: FOR is not supported",
                "SETTINGS" => "3:1: SETTINGS",
                _ => "3:1: FORMAT",
            },
        ));
    }
    cases
}

#[test]
fn sql_outside_the_forms_is_refused_with_its_place() {
    let mut wrong = Vec::new();
    let cases = [
        frames_and_floats(),
        silent(),
        misread(),
        reckoned(),
        optimized(),
        listed_rows(),
        functions(),
        shapes(),
        look_alikes(),
        zones_and_truths(),
        other_dialects(),
    ]
    .concat();
    assert!(cases.len() >= 50);
    for (sql, reason) in cases {
        let Err(refusal) = Ruleset::load(&[rule("r", "signal", &sql)]) else {
            wrong.push(format!("not refused: {sql}"));
            continue;
        };
        let text = refusal.to_string();
        let place = text.split_once("rules/r/rule.sql:").map(|(_, rest)| rest.splitn(3, ':').take(2));
        let is_placed = place.is_some_and(|mut numbers| numbers.all(|number| number.parse::<u32>().is_ok()));
        let is_told = text.contains(reason) && is_placed;
        if !is_told || text.contains("datafusion") || text.contains("ParserError") {
            wrong.push(format!("wanted {reason:?}: {sql}\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
