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
    let ends = |end: &str| format!("PARTITION BY account {}", HOUR.replace("CURRENT ROW", end));
    let column =
        |what: &str| format!("{HEAD}COUNT(*) OVER w AS n,\n {what} AS x FROM movements\nWINDOW {good}\nQUALIFY n > 1");
    let asked =
        |condition: &str| format!("{HEAD}COUNT(*) OVER w AS n FROM movements\nWINDOW {good}\nQUALIFY {condition}");
    let row = |rest: &str| format!("SELECT row_id, account AS subject, event_time FROM movements {rest}");
    vec![
        (second("PARTITION BY account ORDER BY event_time ROWS §BETWEEN 5 PRECEDING AND CURRENT ROW"), "not RANGE"),
        (second(&ends("INTERVAL '1' HOUR FOLLOWING").replace("BETWEEN", "§BETWEEN")), "an interval PRECEDING"),
        (second(&ends("INTERVAL '2' HOUR PRECEDING").replace("BETWEEN", "§BETWEEN")), "ends before it begins"),
        (second(&ends("INTERVAL '1' MONTH PRECEDING").replace("AND", "§AND")), "no whole number of milliseconds"),
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
        (
            second(&format!("PARTITION BY account, §date_trunc('quarter', event_time) {HOUR}")),
            "no windows of this unit",
        ),
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

/// A window and what is asked of it, in which nothing is wrong.
fn good() -> String {
    format!("WINDOW w AS (PARTITION BY account {HOUR}) QUALIFY n > 1")
}

/// A rule with a condition on its rows.
fn filtered(condition: &str) -> String {
    format!("{HEAD}COUNT(*) OVER w AS n\nFROM movements\nWHERE {condition}\n{}", good())
}

/// A rule that computes something.
fn counted(what: &str) -> String {
    format!("{HEAD}{what} AS n\nFROM movements\n{}", good())
}

/// A rule over groups that computes something of each.
fn grouped(window: &str, what: &str) -> String {
    format!(
        "SELECT LAST_VALUE(row_id ORDER BY event_time, row_id) AS row_id, account AS subject,\n\
         MAX(event_time) AS event_time, {window} AS window_start, {what} AS x FROM movements\nGROUP BY account, {window} HAVING COUNT(*) > 2"
    )
}

/// What other dialects have.
fn dialects() -> Vec<(String, &'static str)> {
    vec![
        (filtered("kind = §U&'\\0061'"), "a letter stands before the quotes"),
        (filtered("amount_ref > §ALL (SELECT 1)"), "compared with a query"),
        (filtered("event_time < TIMESTAMP §'9999-12-31T00:00:00Z'"), "too far away"),
        (filtered("kind §REGEXP 'a'"), "REGEXP is not supported; write x ~"),
        (filtered("kind §RLIKE 'a'"), "RLIKE is not supported; write x ~"),
        (counted("MIN(§DISTINCT amount_ref) OVER w"), "min has no DISTINCT"),
        (counted("FIRST_VALUE(amount_ref) IGNORE §NULLS OVER w"), "nulls cannot be left out"),
        (filtered("kind = §N'x'"), "a letter stands before the quotes"),
        (counted("COUNT(*) OVER w").replace("n > 1", "n §// 2 > 1"), "no division of whole numbers"),
        (counted("COUNT(*) OVER w").replace("n > 1", "n > §@p"), "there are no variables"),
        (counted("COUNT(*) OVER w") + "\n§ORDER BY event_time", "ORDER BY of the whole"),
        (
            format!("{HEAD}COUNT(*) OVER w AS amount\nFROM movements\n{}", good())
                .replace("QUALIFY n > 1", "§QUALIFY amount > 1"),
            "QUALIFY asks of no window; ask of a window there too",
        ),
        (counted("COUNT(*) OVER w §AS amount, COUNT(*) OVER w"), "amount is a column of movements, too"),
        (counted("COUNT(*) OVER w").replace("FROM", "§FROM public."), "a schema before a table's name"),
        (counted("COUNT(*) OVER v").replace("WINDOW", "§WINDOW v AS w,"), "a window that is called after another"),
    ]
}

/// Slips that are often made.
fn slips() -> Vec<(String, &'static str)> {
    let alone = "SELECT row_id, account AS subject, event_time, §COUNT(*) AS n FROM movements";
    vec![
        (alone.to_owned(), "an aggregate stands without OVER, and there is no GROUP BY"),
        (filtered("amount_ref >> 5").replace("WHERE", "§WHERE"), "what it asks is no condition"),
        (filtered("account§[1] = 'x'"), "there are no arrays"),
        (filtered("amount_ref > §ALL (5)"), "there are no arrays"),
        (filtered("§? > 5"), "write $name, and [parameters.name]"),
        (
            filtered("device IS §DISTINCT FROM 'a' AND amount_ref > 1"),
            "before AND, OR or IS, without brackets, is not supported",
        ),
    ]
}

/// What is of the wrong type.
fn typed() -> Vec<(String, &'static str)> {
    vec![
        (
            filtered("amount > 1\n AND §amount_ref > INTERVAL '1' DAY"),
            "a decimal meets an interval, and there is no > between them",
        ),
        (filtered("amount > 1\n AND §account_is_vasp > 0"), "a truth value meets a whole number"),
        (filtered("§amount_ref * '0.855' > 10"), "a decimal meets a text"),
        (filtered("amount > 1\n AND §event_time + event_time > event_time"), "a time meets a time, and there is no +"),
        (
            counted("COUNT(*) OVER w")
                .replace("WINDOW w AS", "WINDOW §unused AS (PARTITION BY nope ORDER BY event_time), w AS"),
            "nothing is computed over the window unused",
        ),
        (filtered("account_role §IS UNKNOWN"), "what is no condition stands before IS UNKNOWN"),
        (filtered("account_role §IS NOT TRUE"), "what is no condition stands before IS NOT TRUE"),
        (filtered("§device BETWEEN 1 AND event_time"), "stands between what is"),
        (filtered("§upper(amount_ref) = 'A'"), "upper cannot take a value of this type; give it a text"),
        (filtered("§substr(amount_ref, 1, 2) = 'a'"), "give it a text"),
        (filtered("§coalesce() > 1"), "coalesce cannot take values of these types, or so many"),
        (counted("SUM(§amount * amount * amount) OVER w"), "more places behind the point than 38"),
        (counted("§AVG(1) OVER w"), "the average of whole numbers is not exact"),
        (counted("§FIRST_VALUE(device ORDER BY amount_ref) OVER w"), "a window has one order"),
        (
            counted("COUNT(*) OVER w").replace("QUALIFY n > 1", "QUALIFY n > §'1.5'"),
            "'1.5' is a text, and what it meets",
        ),
        (counted("COUNT(*) OVER w").replace("CURRENT ROW", "CURRENT ROW §EXCLUDE TIES"), "EXCLUDE is not supported"),
        (filtered("amount_ref = §'10.004'"), "'10.004' has more places than are kept"),
        (filtered("kind = 'a' AND §device > 5"), "device is a text, and meets what is none"),
        (filtered("lower(§device) > 5"), "device is a text, and meets what is none"),
        (filtered("COALESCE(§device, '0') > 5"), "device is a text"),
        (filtered("date_part('year', §remittance) = 2026"), "write CAST(remittance AS TIMESTAMP)"),
        (counted("MAX(§device) OVER w").replace("QUALIFY n > 1", "QUALIFY n > 5"), "is a text, and meets what is none"),
        (filtered("event_time - TIMESTAMP '2026-01-01T00:00:00' §< INTERVAL '1' DAY"), "25 hours are less than a day"),
        (
            counted("MIN(event_time) OVER w").replace("QUALIFY n > 1", "QUALIFY event_time - n §> INTERVAL '1' DAY"),
            "write hours, INTERVAL '24' HOUR",
        ),
        (
            filtered("CAST(date_part('second', event_time) AS INT UNSIGNED) §- CAST(60 AS INT UNSIGNED) > 0"),
            "below zero",
        ),
        (filtered("date_part('microsecond', event_time) §* CAST(40 AS INT) < 0"), "wraps around"),
        (filtered("length(device) §<< 2 > 1"), "are gone; multiply by a power of two"),
        (
            filtered(
                "length(replace(replace(§replace(device, 'a', 'aaaaaaaaaa'), 'b', 'aaaaaaaaaa'), 'c', 'aaaaaaaaaa')) > 5",
            ),
            "replace can make a text of any length; make it no longer than 256 times",
        ),
        (filtered("§device IN (5, 7)"), "device is a text, and meets what is none"),
        (filtered("§remittance > event_time"), "remittance is a text, and meets what is none"),
        (
            filtered("amount_ref > 1 AND CAST(remittance AS BIGINT) §* 100 > 1"),
            "wraps around; CAST one side AS DECIMAL(38, 0)",
        ),
    ]
}

/// What the planner itself refuses, without a place or in words of its own.
fn planned() -> Vec<(String, &'static str)> {
    let where_ = |condition: &str| filtered(condition).replace("WHERE", "§WHERE");
    let joined = |join: &str| {
        let window = good().replace("BY account", "BY m.account");
        format!(
            "SELECT m.row_id, m.account AS subject, m.event_time, COUNT(*) OVER w AS n FROM movements m {join} {window}"
        )
    };
    let plain = "SELECT row_id, account AS subject, event_time FROM movements";
    vec![
        (where_("SUM(amount_ref) > 5"), "an aggregate stands in WHERE"),
        (where_("COUNT(*) OVER w > 5"), "an aggregate stands in WHERE"),
        (filtered("amount_ref < §'abc'"), "'abc' is compared or computed with numbers"),
        (filtered("amount_ref IN (1, §'x')"), "'x' is compared or computed with numbers"),
        (filtered("amount_ref > CAST(§'x' AS DECIMAL(3, 2))"), "'x' is compared or computed with numbers"),
        (filtered("amount_ref > CAST(§'99999' AS DECIMAL(3, 2))"), "99999.00 does not fit the DECIMAL"),
        (counted("COUNT(*) OVER w").replace("n > 1", "n > §'abc'"), "'abc' is compared or computed with numbers"),
        (filtered("event_time > §'yesterday'"), "'yesterday' is no time"),
        (filtered("event_time > TIMESTAMP §'2026-13-01'"), "'2026-13-01' is no time"),
        (filtered("event_time > event_time - §INTERVAL 'x' HOUR"), "an interval is no parameter"),
        (filtered("date_trunc(§'dy', event_time) < event_time"), "dy"),
        (filtered("date_part(§'foo', event_time) > 3"), "foo"),
        (filtered("EXTRACT(§FOO FROM event_time) > 3"), "FOO"),
        (filtered("kind §~ '('"), "no regular expression"),
        (filtered("kind = §ANY('x')"), "there are no arrays"),
        (filtered("kind = §ANY(ARRAY['x'])"), "there are no arrays"),
        (filtered("kind §@> 'x'"), "there are no arrays"),
        (filtered("kind §COLLATE \"C\" = 'x'"), "Collate"),
        (filtered("kind LIKE 'x!%' §ESCAPE '!'"), "ESCAPE takes no letter"),
        (filtered("kind LIKE 'x!%' §ESCAPE '!!'"), "ESCAPE takes no letter"),
        (filtered("CAST(kind AS §FOO) = 1"), "FOO"),
        (filtered("kind §SIMILAR TO 'a%'"), "SIMILAR TO is not supported; write LIKE"),
        (filtered("event_time AT TIME ZONE §'Europe/Berlin' > event_time"), "taken for one of this zone"),
        (filtered("date_part('hour', event_time AT TIME ZONE 'UTC' AT TIME ZONE §'Europe/Berlim') < 5"), "no such time zone"),
        (filtered("CAST(kind AS §VARCHAR(7)) = 'x'"), "VARCHAR is not supported; write CAST(x AS VARCHAR), or substr"),
        (counted("COUNT(*) §OVER (w ORDER BY event_time)"), "a window that names another"),
        (filtered("§summ(amount_ref) > 1"), "there is no function summ; perhaps you mean sum"),
        (filtered("m.kind = §‘x’"), "write straight quotes"),
        (counted("COUNT(*) OVER w").replace("QUALIFY n > 1", "§HAVING n > 1"), "what is asked of a window stands in QUALIFY"),
        (filtered("§kind"), "is no condition"),
        (filtered("§ammount_ref > 3"), "no column ammount_ref; perhaps you mean amount_ref; there are"),
        (filtered("direction = §\"out\""), "no column out; write a text in single quotes: 'out'"),
        (filtered("§amount_ref + kind > 1"), "there is no + between them; compare numbers with numbers"),
        (counted("§SUM(direction) OVER w"), "sum cannot take a text"),
        (counted("§SUM(direction = 'in') OVER w"), "sum cannot take a truth value"),
        (counted("§sqrt(SUM(amount_ref) OVER w)"), "sqrt gives a floating-point number"),
        (counted("COUNT(*) OVER w §AS n, SUM(amount_ref) OVER w"), "two columns are called n"),
        (counted("COUNT(*) OVER w").replace("RANGE BETWEEN INTERVAL", "§ROWS BETWEEN INTERVAL"), "ROWS counts rows"),
        (counted("COUNT(*) OVER w").replace("QUALIFY n > 1", "§QUALIFY n AND 3"), "AND stands between what is no condition"),
        (counted("COUNT(*) OVER w").replace("n > 1", "n > 1\n§FETCH FIRST 5 ROWS ONLY"), "FETCH is not supported"),
        (format!("{plain} §UNION SELECT row_id FROM movements"), "UNION is not supported"),
        (format!("{plain} §INTERSECT {plain}"), "INTERSECT is not supported"),
        (format!("{plain} §EXCEPT {plain}"), "EXCEPT is not supported"),
        (
            "SELECT row_id, account AS subject, event_time + INTERVAL '1' HOUR §AS event_time FROM movements".into(),
            "event_time is not that of the row",
        ),
        (
            "SELECT §row_id, account AS subject, event_time FROM movements GROUP BY account, date_bin(INTERVAL '1' HOUR, event_time)"
                .into(),
            "row_id is neither in GROUP BY nor in an aggregate; write LAST_VALUE(row_id",
        ),
        (
            joined("JOIN accounts a ON m.account = a.account §JOIN accounts b ON a.account = b.account"),
            "accounts are joined by a column of the table",
        ),
    ]
}

/// Conditions that are none, and windows that are not what they seem.
fn look_alikes() -> Vec<(String, &'static str)> {
    vec![
        (counted("COUNT(*) OVER w").replace("QUALIFY n > 1", "§QUALIFY n"), "what QUALIFY names is no condition"),
        (counted("COUNT(*) §FILTER (WHERE amount_ref) OVER w"), "what FILTER asks is no condition"),
        (counted("§STDDEV(amount_ref) OVER w"), "a condition on a floating-point number is not exact"),
        (counted("§VAR_POP(amount_ref) OVER w"), "a condition on a floating-point number is not exact"),
        (counted("COUNT(*) OVER w").replace("n > 1", "n §^ 2 > 1"), "^ is no power"),
        (
            counted("COUNT(*) OVER w").replace("WINDOW w", &format!("§WINDOW W AS (PARTITION BY account {HOUR}), w")),
            "differs from another's in case alone",
        ),
        (
            counted("COUNT(*) OVER w").replace("WINDOW w", &format!("WINDOW §w AS (PARTITION BY account {HOUR}), w")),
            "two windows are called w",
        ),
        (
            counted("COUNT(*) OVER w")
                .replace("INTERVAL '1' HOUR", "INTERVAL '2' HOUR - INTERVAL '1' HOUR")
                .replace("RANGE", "§RANGE"),
            "one interval that is written out",
        ),
        (counted("COUNT(*) OVER w").replace("FROM movements", "§FROM movements m(a, b)"), "a list of columns after it"),
        (
            grouped("session(event_time, INTERVAL '2' DAY)", "COUNT(*)")
                .replace("account, session", "account, §session"),
            "a day or longer",
        ),
        (
            grouped(
                "date_trunc('day', event_time)",
                "FIRST_VALUE(kind ORDER BY event_time, row_id) §FILTER (WHERE amount_ref > 2)",
            ),
            "of a group has no FILTER",
        ),
    ]
}

#[test]
fn a_refusal_says_where_the_fault_is() {
    let mut wrong = Vec::new();
    for (marked, reason) in [cases(), planned(), typed(), slips(), look_alikes(), dialects()].concat() {
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

#[test]
fn a_text_that_is_the_value_of_a_parameter_is_told_of_that() {
    let mut given =
        rule("r", "signal", "SELECT row_id, account AS subject, event_time FROM movements\nWHERE amount_ref > $limit");
    given.toml = given.toml.replace("value = \"12.50\", type = \"decimal\"", "value = \"abc\", type = \"text\"");
    let told = Ruleset::load(&[given]).unwrap_err().to_string();
    assert!(told.contains("rule.sql:2:20: $limit ('abc') is compared or computed with numbers"), "{told}");
    assert!(told.contains("give the parameter another type or value in rule.toml"), "{told}");
}
