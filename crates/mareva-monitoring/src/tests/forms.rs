//! Every form of a rule, made at random, against stock DataFusion.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Parts of rules are picked by numbers; each takes what it needs off this list, modulo what there is.
#[derive(Debug, Clone)]
struct Picks(std::vec::IntoIter<u32>);

impl Picks {
    fn below(&mut self, end: usize) -> usize {
        self.0.next().unwrap_or(0) as usize % end
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const KEYS: [&str; 4] = ["m.account", "m.account, m.counterparty", "m.device", "m.counterparty"];
const BINS: [&str; 4] = [
    "date_bin(INTERVAL '7' SECOND, m.event_time)",
    "date_bin(INTERVAL '20' SECOND, m.event_time, TIMESTAMP '2026-01-01T00:00:03')",
    "date_trunc('minute', m.event_time)",
    "date_trunc('hour', m.event_time)",
];
const FILTERS: [&str; 9] = [
    "",
    "",
    "FILTER (WHERE direction = 'in')",
    "FILTER (WHERE direction = 'out' AND amount_ref > $limit)",
    "FILTER (WHERE upper(m.counterparty) <> 'A1')",
    "FILTER (WHERE status = 'settled' OR device IS NULL)",
    "FILTER (WHERE NOT (direction = 'in' OR amount_ref > $limit))",
    "FILTER (WHERE NOT direction = 'in' OR amount_ref > 2)",
    "FILTER (WHERE CAST(amount_ref AS BIGINT) > amount_ref)",
];
const WHERES: [&str; 8] = [
    "",
    " AND amount_ref > 1",
    " AND status <> 'pending'",
    " AND substr(m.account, 2) <> '0'",
    " AND CASE WHEN direction = 'in' THEN amount_ref > 3 ELSE date_part('second', m.event_time) < 50 END",
    " AND CAST(m.event_time AS DATE) >= DATE '2026-01-01' AND CAST(amount_ref AS VARCHAR) <> '5.00'",
    " AND (status <> 'pending' OR NOT (amount_ref > 3 AND direction = 'in'))",
    " AND amount_ref - (3 - amount_ref) > 1",
];
/// Rows that stand in the rule.
const LISTED: [&str; 6] = [
    "",
    "",
    "",
    "LEFT JOIN (VALUES ('a0', 3), ('a2', $limit)) AS l(whose, least) ON m.account = l.whose",
    "JOIN (VALUES ('settled', 1, 'a'), ('pending', NULL, 'b')) AS l(state, least, word) ON l.state = m.status",
    "LEFT JOIN (VALUES ('in', -1)) AS l(way, least) ON m.direction = l.way",
];
/// Aggregates with conditions that some values meet and some do not.
const AGGREGATES: [(&str, &[&str]); 20] = [
    ("COUNT(*)", &["= 1", ">= 3", "BETWEEN 4 AND 6"]),
    ("COUNT(amount_ref)", &[">= 2", "= 5"]),
    ("COUNT(DISTINCT m.counterparty)", &[">= 2", "= 3"]),
    ("COUNT(DISTINCT device)", &[">= 2"]),
    ("SUM(amount_ref)", &[">= CAST('40.00' AS DECIMAL(6,2))", "< $limit"]),
    ("SUM(CASE WHEN direction = 'in' THEN amount_ref ELSE -amount_ref END)", &["> 0", "< -$limit"]),
    ("SUM(amount_ref * 2 + 1)", &[">= 60"]),
    ("AVG(amount_ref)", &["> $limit", "< 9"]),
    ("MIN(amount_ref)", &["< $limit", "> 4"]),
    ("MAX(amount_ref)", &[">= $limit", "<= 20"]),
    ("MIN(m.event_time)", &["< m.event_time"]),
    ("MAX(m.counterparty)", &["= 'a3'", "> 'a1'"]),
    ("MIN(device)", &["= 'd0'", "<> 'd1'"]),
    ("COUNT(DISTINCT CAST(amount_ref AS BIGINT))", &[">= 2", "= 3"]),
    ("SUM(CAST(amount_ref AS DECIMAL(20, 1)) * 2)", &[">= 40", "< $limit"]),
    ("SUM(amount_ref - (1 - amount_ref) * 2)", &["> 10"]),
    ("MAX(CAST(amount_ref AS BIGINT) + 1)", &["> 4", "<= 20"]),
    ("MIN(CAST(amount_ref AS BIGINT) * 2)", &["> 4"]),
    ("COUNT(DISTINCT CAST(amount_ref AS VARCHAR))", &[">= 2", "= 3"]),
    ("MAX(CAST(amount_ref AS VARCHAR))", &["> '5'", "<> '7.00'"]),
];
const SPREADS: [&str; 4] = ["STDDEV", "STDDEV_POP", "VAR_SAMP", "VAR_POP"];
const PICKED: [(&str, &str); 4] = [
    ("amount_ref", "< $limit"),
    ("m.counterparty", "= 'a2'"),
    ("m.event_time", "<= m.event_time"),
    ("device", "<> 'd1'"),
];

/// What a rule computes, and the condition on it.
struct Computed {
    shown: String,
    condition: String,
    window: String,
}

fn aggregate(picks: &mut Picks) -> (String, String) {
    match picks.below(5) {
        0 => {
            let spread = format!("{}(amount_ref) {}", picks.of(&SPREADS), picks.of(&FILTERS));
            (spread, "IS NOT NULL".to_owned())
        }
        _ => {
            let (call, conditions) = AGGREGATES[picks.below(AGGREGATES.len())];
            (format!("{call} {}", picks.of(&FILTERS)), picks.of(conditions).to_owned())
        }
    }
}

/// Stock DataFusion takes values out of a running deviation as floats, and what is left is wrong by as much as a large value
/// was imprecise. So it computes the variance from exact sums; its root is taken afterwards, where the name asks for it.
fn exactly(call: &str, over: &str, name: &str) -> String {
    let Some(spread) = SPREADS.iter().rev().find(|spread| call.starts_with(*spread)) else {
        return format!("{call} {over} AS {name}");
    };
    let filter = call.split_once("(amount_ref)").map_or("", |(_, filter)| filter);
    let of = |aggregate: &str| format!("{aggregate} {filter} {over}");
    let cents = "CAST(amount_ref AS DECIMAL(16, 2))";
    let (count, sum) = (of("COUNT(amount_ref)"), of("SUM(amount_ref)"));
    let squares = of(&format!("SUM({cents} * {cents})"));
    let less = if spread.ends_with("POP") { "0" } else { "1" };
    let root = if spread.starts_with("STDDEV") { "_root" } else { "" };
    format!(
        "CAST({count} * {squares} - {sum} * {sum} AS DOUBLE) / CAST(NULLIF({count} * ({count} - {less}), 0) AS DOUBLE) \
         AS {name}{root}"
    )
}

fn computed(picks: &mut Picks, name: &str, ties: bool) -> Computed {
    let key = picks.of(&KEYS);
    let span = 1 + picks.below(20);
    let end = match picks.below(3) {
        0 => format!("INTERVAL '{}' MILLISECOND PRECEDING", [0, 1, 999, 1000, 1000 * span / 2][picks.below(5)]),
        _ => "CURRENT ROW".to_owned(),
    };
    let sliding =
        format!("PARTITION BY {key} ORDER BY m.event_time RANGE BETWEEN INTERVAL '{span}' SECOND PRECEDING AND {end}");
    match picks.below(8) {
        0 => {
            let (argument, condition) = PICKED[picks.below(PICKED.len())];
            let call = picks.of(&["FIRST_VALUE", "LAST_VALUE"]);
            let (shown, condition) = (format!("{call}({argument})"), format!("{name} {condition}"));
            // Both legs of a transaction have one time. Where no others do, stock DataFusion can tell what is first in one direction.
            let window = if ties { sliding } else { sliding.replace(key, "m.account, direction") };
            Computed { shown, condition, window }
        }
        1 | 2 => {
            let (argument, condition) = PICKED[picks.below(PICKED.len())];
            let back = 1 + picks.below(3);
            let order = format!("PARTITION BY {key} ORDER BY m.event_time, m.row_id");
            let bound = format!(
                "LAG(m.event_time, {back}) OVER ({order}) >= m.event_time - INTERVAL '{span}' SECOND AND {name} {condition}"
            );
            Computed { shown: format!("LAG({argument}, {back})"), condition: bound, window: order }
        }
        3 => {
            let window = format!("PARTITION BY {key}, {} ORDER BY m.event_time, m.row_id", picks.of(&BINS));
            let condition = picks.of(&["= 1", "<= 3", "= 4"]);
            Computed { shown: "ROW_NUMBER()".into(), condition: format!("{name} {condition}"), window }
        }
        4 => {
            let window = format!(
                "PARTITION BY {key}, {} ORDER BY m.event_time RANGE BETWEEN UNBOUNDED PRECEDING AND {end}",
                picks.of(&BINS)
            );
            let (shown, condition) = aggregate(picks);
            let condition = format!("{name} {condition}");
            Computed { shown, condition, window }
        }
        _ => {
            let (shown, condition) = aggregate(picks);
            let condition = format!("{name} {condition}");
            Computed { shown, condition, window: sliding }
        }
    }
}

fn source(picks: &mut Picks, joins: bool) -> String {
    let filter = picks.of(&WHERES);
    let join = match picks.below(4) {
        _ if !joins => "",
        0 => "JOIN accounts a ON m.account = a.account",
        1 => "LEFT JOIN accounts a ON m.counterparty = a.account",
        _ => "",
    };
    let joined = if join.is_empty() { "" } else { picks.of(&["", " AND COALESCE(a.role, '-') <> 'payroll'"]) };
    let listed = if joins { picks.of(&LISTED) } else { "" };
    let by_listed = if listed.is_empty() { "" } else { picks.of(&["", " AND COALESCE(l.least, 2) <= amount_ref"]) };
    let joined = format!("{joined}{by_listed}");
    format!(
        "FROM movements m {join} {listed} WHERE m.device IS NOT NULL AND m.counterparty IS NOT NULL{filter}{joined}"
    )
}

fn form_a(picks: &mut Picks, ties: bool) -> [String; 2] {
    let computed: Vec<Computed> =
        ["x", "y", "z"][..1 + picks.below(3)].iter().map(|name| computed(picks, name, ties)).collect();
    let column = |(c, name): (&Computed, &str)| {
        let over = format!("OVER ({})", c.window);
        [format!("{} {over} AS {name}", c.shown), exactly(&c.shown, &over, name)]
    };
    let columns: Vec<[String; 2]> = computed.iter().zip(["x", "y", "z"]).map(column).collect();
    // The bound of a LAG has to stand at the top.
    let any = picks.below(2) == 0 && computed.iter().all(|c| !c.condition.starts_with("LAG"));
    let conditions: Vec<&str> = computed.iter().map(|c| c.condition.as_str()).collect();
    let own = picks.of(&[
        "",
        " AND direction = 'out'",
        " AND amount_ref > 2",
        " AND NOT (direction = 'in' AND amount_ref < 5)",
    ]);
    let (from, conditions) = (source(picks, true), conditions.join(if any { " OR " } else { ") AND (" }));
    [0, 1].map(|who| {
        let columns: Vec<&str> = columns.iter().map(|told| told[who].as_str()).collect();
        let mut conditions = conditions.clone();
        for name in
            ["x", "y", "z"].into_iter().filter(|name| columns.iter().any(|c| c.ends_with(&format!("{name}_root"))))
        {
            conditions = conditions.replace(&format!("{name} IS"), &format!("{name}_root IS"));
        }
        format!(
            "SELECT m.row_id, m.account AS subject, m.event_time, direction, {} {from} QUALIFY ({conditions}){own}",
            columns.join(", "),
        )
    })
}

fn form_b(picks: &mut Picks) -> [String; 2] {
    let (slide, hops) = (2 + picks.below(9), 1 + picks.below(5));
    let session = format!("session(m.event_time, INTERVAL '{}' SECOND)", 1 + picks.below(5));
    let window = match picks.below(3) {
        0 => format!("hop(m.event_time, INTERVAL '{slide}' SECOND, INTERVAL '{}' SECOND)", slide * hops),
        1 => session.clone(),
        _ => picks.of(&BINS).to_owned(),
    };
    let key = picks.of(&["m.account", "m.account, m.counterparty", "m.account, m.device"]);
    let of: Vec<(String, String)> = (0..1 + picks.below(2)).map(|_| aggregate(picks)).collect();
    let columns: Vec<[String; 2]> = of
        .iter()
        .zip(["x", "y"])
        .map(|((call, _), name)| [format!("{call} AS {name}"), exactly(call, "", name)])
        .collect();
    let (first, _) = PICKED[picks.below(PICKED.len())];
    let conditions: Vec<String> = of
        .iter()
        .map(|(call, condition)| format!("{call} {}", condition.replace("m.event_time", "MAX(m.event_time)")))
        .collect();
    // Sessions are of the rows of one table.
    let from = source(picks, window != session);
    [0, 1].map(|who| {
        let columns: Vec<&str> = columns.iter().map(|told| told[who].as_str()).collect();
        format!(
            "SELECT LAST_VALUE(m.row_id ORDER BY m.event_time, m.row_id) AS row_id, m.account AS subject, \
             MAX(m.event_time) AS event_time, {window} AS window_start, {}, \
             FIRST_VALUE({first} ORDER BY m.event_time, m.row_id) AS f, \
             LAST_VALUE(status ORDER BY m.event_time, m.row_id) AS l {from} GROUP BY {key}, {window} HAVING {}",
            columns.join(", "),
            conditions.join(" AND "),
        )
    })
}

/// A rule, and what stock DataFusion runs in its place.
pub(super) fn random_rule(numbers: Vec<u32>, ties: bool) -> [String; 2] {
    let mut picks = Picks(numbers.into_iter());
    let told = match picks.below(3) {
        0 => form_b(&mut picks),
        _ => form_a(&mut picks, ties),
    };
    told.map(named_apart)
}

/// The planner has one name for calls that are alike but for a cast, and both stock DataFusion and we refuse a rule with two.
fn named_apart(sql: String) -> String {
    let alike = [
        ["MAX(amount_ref)", "MAX(CAST(amount_ref AS VARCHAR))"],
        ["COUNT(DISTINCT CAST(amount_ref AS BIGINT))", "COUNT(DISTINCT CAST(amount_ref AS VARCHAR))"],
    ];
    let has = |pair: &[&str; 2]| pair.iter().all(|call| sql.contains(call));
    let cast = "CAST(amount_ref AS VARCHAR)";
    if alike.iter().any(has) { sql.replace(cast, &format!("substr({cast}, 1)")) } else { sql }
}

/// Numbers in a detection that are floats, by column, and the rest as text.
fn apart(detection: &Detection) -> (String, BTreeMap<String, f64>) {
    let mut columns = detection.columns.clone();
    let is_float = |value: &serde_json::Value| value.is_number() && value.to_string().contains(['.', 'e']);
    let mut floats = BTreeMap::new();
    for (name, value) in columns.iter().filter(|(_, value)| is_float(value)) {
        let value = value.as_f64().unwrap();
        match name.strip_suffix("_root") {
            Some(name) => floats.insert(name.to_owned(), value.sqrt()),
            None => floats.insert(name.clone(), value),
        };
    }
    columns.retain(|_, value| !is_float(value) && !value.is_null());
    (format!("{} {} {columns:?}", detection.event_time, detection.subject), floats)
}

fn check(rules: &Ruleset, settled: &[Detection], expected: &[Detection]) -> Result<(), String> {
    let table = |detections: &[Detection]| -> BTreeMap<(String, String), (String, BTreeMap<String, f64>)> {
        detections.iter().map(|d| ((d.rule.id.clone(), d.row_id.clone()), apart(d))).collect()
    };
    let (found, wanted) = (table(settled), table(expected));
    if found.len() != settled.len() || wanted.len() != expected.len() {
        return Err("two detections have one identity".to_owned());
    }
    for key in found.keys().chain(wanted.keys()) {
        let same = match (found.get(key), wanted.get(key)) {
            (Some((a, x)), Some((b, y))) => {
                let near =
                    |name: &String, x: &f64| y.get(name).is_some_and(|y| (x - y).abs() <= 1e-9 * y.abs().max(1e-3));
                a == b && x.len() == y.len() && x.iter().all(|(name, x)| near(name, x))
            }
            _ => false,
        };
        if !same {
            let sql = rules.rules().iter().find(|rule| rule.reference.id == key.0).map(|rule| rule.sql.clone());
            return Err(format!("{key:?}\n{sql:?}\nfound {:?}\nwanted {:?}", found.get(key), wanted.get(key)));
        }
    }
    Ok(())
}

/// Cases of the test: `MAREVA_CASES`, or few enough for every run.
fn cases() -> u32 {
    std::env::var("MAREVA_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60)
}

/// Rows of a stream: at least 500 in a long run.
fn rows() -> std::ops::Range<usize> {
    if std::env::var_os("MAREVA_CASES").is_some() { 500..900 } else { 2..600 }
}

/// Rules tried, and those of them that fired on 1 to 50 % of the rows of their stream.
static TRIED: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

fn note_share(rules: usize, rows: usize, expected: &[Detection]) {
    for rule in 0..rules {
        let fired = expected.iter().filter(|d| d.rule.id == format!("r{rule}")).count();
        TRIED[0].fetch_add(1, Ordering::Relaxed);
        TRIED[1].fetch_add(usize::from(fired * 100 >= rows && fired * 2 <= rows), Ordering::Relaxed);
    }
    if std::env::var_os("MAREVA_CASES").is_some() {
        println!("{TRIED:?} rules tried, firing on 1 to 50 % of the rows");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 3000, ..ProptestConfig::default() })]

    /// Whatever the form, the cuts, the order within the lateness and a restart.
    #[test]
    fn rules_of_every_form_equal_stock_datafusion(
        numbers in prop::collection::vec(prop::collection::vec(any::<u32>(), 40), 1..5),
        txs in prop::collection::vec(tx(), rows()),
        ties in prop::bool::weighted(0.6),
        jitter in prop::collection::vec(0..16_i64, 900),
        cuts in prop::collection::vec(1..90_usize, 0..12),
        restart_at in 0..12_usize,
    ) {
        let sqls: Vec<[String; 2]> = numbers.into_iter().map(|numbers| random_rule(numbers, ties)).collect();
        let told = |(i, [sql, _]): (usize, &[String; 2])| {
            let mut text = rule(&format!("r{i}"), "signal", sql);
            let closes = i % 2 == 1 && sql.contains("GROUP BY");
            text.toml = text.toml.replace("weight", if closes { "emit = \"close\"\nweight" } else { "weight" });
            text
        };
        let mut texts: Vec<RuleText> = sqls.iter().enumerate().map(told).collect();
        texts.push(rule("two", "alert", LEVEL_TWO));
        let rules = Ruleset::load(&texts).map_err(|refusal| TestCaseError::fail(format!("{refusal}\n{texts:?}")))?;
        let count = i64::try_from(txs.len()).unwrap();
        let mut rows: Vec<(usize, Tx)> = txs
            .into_iter()
            .enumerate()
            .map(|(index, mut tx)| {
                if !ties {
                    tx.time += i64::try_from(index).unwrap() * 1000 / count;
                }
                (index, tx)
            })
            .collect();
        rows.sort_by_key(|(index, tx)| tx.time + jitter[*index] * 1000);
        let (settled, accepted) = run(&rules, &rows, &cuts, restart_at);
        let stock = sqls.into_iter().enumerate().fold(rules.clone(), |rules, (i, [_, stock])| {
            rules.with_stock(&format!("r{i}"), stock)
        });
        let session = if ties { by_row_id } else { oracle::session };
        let expected = oracle_in(session, &stock, &accepted);
        note_share(rules.rules().len() - 1, 2 * accepted.len(), &expected);
        if let Err(difference) = check(&rules, &settled, &expected) {
            let shown = if accepted.len() < 12 { format!("{accepted:?}") } else { String::new() };
            return Err(TestCaseError::fail(format!("{difference}\n{shown}")));
        }
    }
}
