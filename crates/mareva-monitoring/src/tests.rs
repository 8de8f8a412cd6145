use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, RecordBatch, StringArray};
use datafusion::prelude::SessionContext;
use mareva_model::{
    Detection, DetectionChange, PREPARED_COLUMNS, Text, TransactionBatch, TransactionBatchBuilder, TransactionRow,
    prepared_schema,
};
use proptest::prelude::*;

use crate::rule::Emit;
use crate::*;

mod apart;
mod changes;
mod failing;
mod forms;
mod pauses;
mod places;
mod refused;
mod taken;
mod zones;

/// One transaction of a generated stream.
#[derive(Debug, Clone)]
pub(crate) struct Tx {
    pub time: i64,
    pub from: Option<u8>,
    pub to: Option<u8>,
    pub cents: Option<i64>,
    pub device: Option<u8>,
    pub status: u8,
    pub kind: u8,
}

pub(crate) fn batch(rows: &[(usize, Tx)]) -> TransactionBatch {
    let mut builder = TransactionBatchBuilder::default();
    for (index, tx) in rows {
        let mut row = TransactionRow::new(tx.time);
        let (id, from, to) = (format!("s:{index}"), tx.from.map(|a| format!("a{a}")), tx.to.map(|a| format!("a{a}")));
        let device = tx.device.map(|d| format!("d{d}"));
        row.set(Text::RowId, id.as_str());
        row.set(Text::Kind, ["credit_transfer", "trade", "deposit"][usize::from(tx.kind) % 3]);
        row.set(Text::Status, ["settled", "rejected", "pending", "accepted"][usize::from(tx.status) % 4]);
        row.set(Text::Source, "s");
        row.set(Text::Currency, "EUR");
        row.set(Text::Topic, "t");
        row.set(Text::Originator, from.as_deref());
        row.set(Text::Beneficiary, to.as_deref());
        row.set(Text::Device, device.as_deref());
        builder.append(&row);
    }
    let wire = builder.finish().into_batch();
    let amounts: Decimal128Array = rows.iter().map(|(_, tx)| tx.cents.map(i128::from)).collect();
    let amounts: ArrayRef = Arc::new(amounts.with_precision_and_scale(38, 2).unwrap());
    let mut columns = wire.columns().to_vec();
    for (name, kind) in PREPARED_COLUMNS {
        columns.push(match name {
            "amount_ref" => amounts.clone(),
            "originator_is_vasp" | "beneficiary_is_vasp" => Arc::new(BooleanArray::from(vec![None; rows.len()])),
            _ if kind == arrow::datatypes::DataType::Utf8 => {
                Arc::new(StringArray::from(vec![None::<&str>; rows.len()]))
            }
            _ => arrow::array::new_null_array(&kind, rows.len()),
        });
    }
    TransactionBatch::try_new(RecordBatch::try_new(prepared_schema(), columns).unwrap()).unwrap()
}

fn rule(id: &str, raises: &str, sql: &str) -> RuleText {
    let toml = format!(
        "id = \"{id}\"\nversion = 1\ntitle = \"t\"\nseverity = \"low\"\nraises = \"{raises}\"\nweight = \"1.50\"\n\
         subject_role = \"suspect\"\ntargets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\n\
         typology = \"T\"\nsources = [\"s\"]\n[parameters]\nlimit = {{ value = \"12.50\", type = \"decimal\" }}\n"
    );
    RuleText { folder: id.to_owned(), toml, sql: sql.to_owned() }
}

/// A windowed aggregate and a comparison it can be put to; two of them that a late row can make untrue again.
const FEATURES: [(&str, &str); 11] = [
    ("COUNT(*)", "= 1"),
    ("MAX(amount_ref)", "<= $limit"),
    ("COUNT(*)", ">= 3"),
    ("COUNT(amount_ref)", ">= 2"),
    ("COUNT(DISTINCT counterparty)", ">= 2"),
    ("SUM(amount_ref)", ">= CAST('20.00' AS DECIMAL(6,2))"),
    ("AVG(amount_ref)", "> $limit"),
    ("MIN(amount_ref)", "< $limit"),
    ("MAX(amount_ref)", ">= $limit"),
    ("MIN(event_time)", "< event_time"),
    ("COUNT(DISTINCT device)", ">= 2"),
];
const FILTERS: [&str; 5] = [
    "",
    "FILTER (WHERE direction = 'in')",
    "FILTER (WHERE direction = 'out' AND amount_ref > $limit)",
    "FILTER (WHERE counterparty <> 'a1')",
    "FILTER (WHERE status = 'settled' OR device IS NULL)",
];
const WHERES: [&str; 4] = [
    "WHERE device IS NOT NULL AND counterparty IS NOT NULL",
    "WHERE counterparty IS NOT NULL AND device IS NOT NULL AND amount_ref > 1",
    "WHERE device IS NOT NULL AND counterparty IS NOT NULL AND status <> 'pending'",
    "WHERE device IS NOT NULL AND counterparty IS NOT NULL AND account <> 'a0'",
];
const KEYS: [&str; 4] = ["account", "account, counterparty", "device", "counterparty"];

#[derive(Debug, Clone)]
struct Shape {
    features: [(usize, usize, usize, i64); 2],
    filter: usize,
    any: bool,
}

impl Shape {
    fn sql(&self) -> String {
        let [a, b] = self.features;
        let column = |(feature, filter, _, _): (usize, usize, usize, i64), window: &str| {
            format!("{} {} OVER {window}", FEATURES[feature].0, FILTERS[filter])
        };
        let window = |(_, _, key, span): (usize, usize, usize, i64)| {
            format!(
                "(PARTITION BY {} ORDER BY event_time RANGE BETWEEN INTERVAL '{span}' SECOND PRECEDING AND CURRENT ROW)",
                KEYS[key]
            )
        };
        format!(
            "SELECT row_id, account AS subject, event_time, direction, {} AS x, {} AS y FROM movements {} \
             WINDOW v AS {}, w AS {} QUALIFY direction = 'out' AND (x {} {} y {})",
            column(a, "v"),
            column(b, "w"),
            WHERES[self.filter],
            window(a),
            window(b),
            FEATURES[a.0].1,
            if self.any { "OR" } else { "AND" },
            FEATURES[b.0].1,
        )
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let feature = || (0..FEATURES.len(), 0..FILTERS.len(), 0..KEYS.len(), 1..20_i64);
    (feature(), feature(), 0..WHERES.len(), any::<bool>()).prop_map(|(a, b, filter, any)| Shape {
        features: [a, b],
        filter,
        any,
    })
}

fn tx() -> impl Strategy<Value = Tx> {
    let account = || prop::option::weighted(0.9, 0..4_u8);
    let cents = prop::option::weighted(0.9, prop_oneof![0..3000_i64, Just(99_999_999_999_999)]);
    (0..40_i64, account(), account(), cents, prop::option::weighted(0.8, 0..3_u8), 0..8_u8, 0..6_u8).prop_map(
        |(second, from, to, cents, device, status, kind)| Tx {
            time: 1_767_607_200_000 + second * 1000,
            from,
            to,
            cents,
            device,
            status: if status > 3 { 0 } else { status },
            kind: if kind > 2 { 0 } else { kind },
        },
    )
}

const LEVEL_TWO: &str = "SELECT row_id, subject, event_time, COUNT(DISTINCT rule) OVER w AS rules, SUM(weight) OVER w AS total \
    FROM signals WINDOW w AS (PARTITION BY subject ORDER BY event_time \
    RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW) QUALIFY total >= 3";

fn shown(detections: &[Detection]) -> BTreeMap<(String, String), String> {
    detections
        .iter()
        .map(|d| ((d.rule.id.clone(), d.row_id.clone()), format!("{} {} {:?}", d.event_time, d.subject, d.columns)))
        .collect()
}

/// Two of the accounts that take part, and one that does not.
fn some_accounts() -> Accounts {
    let account = |account: &str, role: &str| Account {
        account: account.to_owned(),
        customer: None,
        segment: None,
        role: Some(role.to_owned()),
        opened_at: Some(1_767_000_000_000),
        country: None,
    };
    Accounts::new(&[account("a1", "payroll"), account("a2", "retail"), account("a9", "retail")])
}

const BOUNDS: Bounds = Bounds { allowed_lateness_ms: 12_000, lookback_ms: 0, max_rows: u64::MAX };

/// Feeds the accepted rows in the given cuts, restarting from a snapshot where asked, and returns what settled.
fn run(rules: &Ruleset, rows: &[(usize, Tx)], cuts: &[usize], restart_at: usize) -> (Vec<Detection>, Vec<(usize, Tx)>) {
    let accounts = Arc::new(some_accounts());
    let mut monitor = Monitor::new(rules, accounts.clone(), BOUNDS, None).unwrap();
    let (mut settled, mut accepted, mut at, mut low) = (Vec::new(), Vec::new(), 0, None::<i64>);
    let mut standing: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut fixed: BTreeSet<(String, String)> = BTreeSet::new();
    let on_close: Vec<&str> = rules
        .rules()
        .iter()
        .filter(|rule| rule.checked.emit == Emit::Close)
        .map(|rule| rule.reference.id.as_str())
        .collect();
    let is_on_close = |d: &Detection| on_close.contains(&d.rule.id.as_str());
    for (step, cut) in cuts.iter().chain([&rows.len()]).enumerate() {
        let piece = &rows[at..(at + cut).min(rows.len())];
        at = (at + cut).min(rows.len());
        let on_time: Vec<(usize, Tx)> =
            piece.iter().filter(|(_, tx)| low.is_none_or(|low| tx.time >= low - 12_000)).cloned().collect();
        accepted.extend(on_time.iter().cloned());
        // Low time ends a little behind the newest row, as with several partitions.
        low = low.into_iter().chain(on_time.iter().map(|(_, tx)| tx.time - 5_000)).max();
        let monitored = monitor.accept(&batch(&on_time), low, i64::MAX).unwrap();
        for change in &monitored.changes {
            let d = change.detection();
            if is_on_close(d) {
                let is_told = matches!(change, DetectionChange::Raised(_)) && monitored.settled.contains(d);
                assert!(is_told, "told before its window has closed: {change:?}");
            }
            let key = (d.rule.id.clone(), d.row_id.clone());
            let value = format!("{} {} {:?}", d.event_time, d.subject, d.columns);
            assert!(!fixed.contains(&key), "{key:?} changes after it has settled: {change:?}");
            match change {
                DetectionChange::Raised(_) => assert_eq!(standing.insert(key, value), None, "raised twice"),
                DetectionChange::Revised(_) => assert!(standing.insert(key, value).is_some(), "revised from nothing"),
                DetectionChange::Withdrawn(_) => assert!(standing.remove(&key).is_some(), "withdrawn from nothing"),
            }
        }
        fixed.extend(monitored.settled.iter().map(|d| (d.rule.id.clone(), d.row_id.clone())));
        settled.extend(monitored.settled);
        if step == restart_at {
            let mut bytes = Vec::new();
            monitor.state().unwrap().write(&mut bytes).unwrap();
            monitor = Monitor::read(rules, accounts.clone(), BOUNDS, None, &mut bytes.as_slice()).unwrap();
        }
    }
    let open = monitor.standing();
    let told: Vec<Detection> = settled.iter().chain(open.iter().filter(|d| !is_on_close(d))).cloned().collect();
    settled.extend(monitor.at_end().unwrap());
    assert_eq!(shown(&monitor.standing()), shown(&open), "that it was asked changes nothing");
    assert_eq!(shown(&told), standing, "what settled is what was raised and not withdrawn");
    (settled, accepted)
}

fn oracle(rules: &Ruleset, rows: &[(usize, Tx)]) -> Vec<Detection> {
    oracle_in(oracle::session, rules, rows)
}

/// A session of stock DataFusion in which first and last values are those of the lowest and the highest `row_id`.
fn by_row_id() -> SessionContext {
    let session = oracle::session();
    backtest::by_row_id(&session);
    session
}

/// Detections of stock DataFusion in such sessions.
fn oracle_in(session: fn() -> SessionContext, rules: &Ruleset, rows: &[(usize, Tx)]) -> Vec<Detection> {
    let mut all = RetainedRows::new();
    all.insert(&batch(rows));
    let (transactions, movements) = (whole(&all, Table::Transactions).unwrap(), whole(&all, Table::Movements).unwrap());
    let accounts = some_accounts();
    let found = oracle::detections_in(session, rules, &accounts, transactions, movements);
    futures::executor::block_on(found).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// The stream equals the SQL: whatever the cuts, the order within the lateness and a restart.
    #[test]
    fn settled_detections_equal_stock_datafusion(
        shapes in prop::collection::vec(shape(), 1..4),
        txs in prop::collection::vec(tx(), 1..120),
        jitter in prop::collection::vec(0..16_i64, 120),
        cuts in prop::collection::vec(1..20_usize, 0..12),
        restart_at in 0..12_usize,
        history in prop::collection::vec(prop::option::weighted(0.3, 0..30_u32), 5),
    ) {
        let mut texts: Vec<RuleText> =
            shapes.iter().enumerate().map(|(i, s)| rule(&format!("r{i}"), "signal", &s.sql())).collect();
        texts.push(rule("two", "alert", LEVEL_TWO));
        for (text, seconds) in texts.iter_mut().zip(history) {
            let needs = seconds.map_or_else(String::new, |seconds| format!("needs_history = \"{seconds} seconds\"\n"));
            text.toml = text.toml.replace("sources =", &format!("{needs}sources ="));
        }
        let rules = Ruleset::load(&texts).unwrap();
        let mut rows: Vec<(usize, Tx)> = txs.into_iter().enumerate().collect();
        rows.sort_by_key(|(index, tx)| tx.time + jitter[*index] * 1000);
        let (settled, accepted) = run(&rules, &rows, &cuts, restart_at);
        let expected = oracle(&rules, &accepted);
        prop_assert_eq!(shown(&settled), shown(&expected));
    }
}

#[test]
fn a_rejected_payment_and_a_trade_move_nothing() {
    let tx = |status, kind| Tx { time: 0, from: Some(1), to: Some(2), cents: Some(100), device: None, status, kind };
    // Statuses and kinds by their place in `batch`: settled or rejected, a transfer or a trade.
    for (status, kind, legs) in [(0, 0, 2), (1, 0, 0), (0, 1, 0), (1, 1, 0)] {
        let mut rows = RetainedRows::new();
        rows.insert(&batch(&[(0, tx(0, 0)), (1, tx(status, kind))]));
        assert_eq!(whole(&rows, Table::Movements).unwrap().num_rows(), 2 + legs);
        assert_eq!(rows.movements("a1", 0, 0).len(), 1 + legs / 2);
    }
}

#[test]
fn signals_that_a_rule_counts_and_no_rule_raises_are_named() {
    let two = "SELECT row_id, subject, event_time, COUNT(*) FILTER (WHERE rule IN ('one', 'gone')) OVER w AS n FROM signals \
               WHERE rule <> 'other' WINDOW w AS (PARTITION BY subject ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR \
               PRECEDING AND CURRENT ROW) QUALIFY n > 0 AND (rule = 'two' OR 'lost' = rule)";
    let one = "SELECT row_id, account AS subject, event_time FROM movements WHERE kind IN ('trade', 'deposit')";
    let rules = Ruleset::load(&[rule("one", "signal", one), rule("two", "alert", two)]).unwrap();
    assert_eq!(rules.unmet(), ["gone", "lost", "two"].map(|named| ("two", named.to_owned())));
}

#[test]
fn values_that_no_row_has_are_named_also_behind_what_stands_for_null() {
    let sql = "SELECT row_id, account AS subject, event_time FROM movements WHERE COALESCE(account_role, 'none') NOT IN \
               ('payrol', 'merchant', 'none') AND kind <> 'tranfer'";
    let rules = Ruleset::load(&[rule("r", "alert", sql)]).unwrap();
    let found: Vec<(&str, String, Option<&str>)> =
        rules.never_equal().into_iter().map(|(_, of, it, near)| (of, it, near)).collect();
    let texts: Vec<(&str, &str)> = found.iter().map(|(of, it, _)| (*of, it.as_str())).collect();
    assert_eq!(texts, [("kind", "tranfer"), ("account_role", "payrol")]);
    assert_eq!(found[1].2, Some("payroll"));
}

#[test]
fn faults_of_a_rule_and_of_its_sql_are_told_together() {
    let sql = "SELECT row_id, account AS subject, event_tyme AS event_time FROM movements WHERE amount_ref > $limit";
    let broken = |old: &str, new: &str| {
        let mut rule = rule("r", "signal", sql);
        rule.toml = rule.toml.replacen(old, new, 1);
        Ruleset::load(&[rule]).unwrap_err().to_string()
    };
    let told = broken("\"low\"", "\"huge\"");
    assert!(told.contains("severity: `huge` is unknown") && told.contains("event_tyme"), "{told}");
    let told = broken("\"suspect\"", "\"listed\"");
    assert!(told.contains("subject_role: `listed`") && told.contains("victim, suspect or unknown"), "{told}");
    let told = broken("\"FRAD\"", "\"FRUD\"");
    assert!(told.contains("reason_code: `FRUD` is unknown") && told.contains("ENUE, FRAD"), "{told}");
    let told = broken("\"review\"", "\"hold\"");
    assert!(told.contains("action: `hold` asks to restrain, and targets is none"), "{told}");
    let told = broken("\"suspect\"\ntargets = \"none\"", "\"victim\"\ntargets = \"subject_account\"");
    assert!(told.contains("targets: `subject_account` of a victim"), "{told}");
    // What its SQL lacks because of a fault is no fault of its SQL.
    let told = broken("\"12.50\"", "\"much\"");
    assert!(told.contains("parameters.limit") && !told.contains("rule.sql"), "{told}");
}
