//! Rules that change while rows come: each transaction is judged by the rules that were in force when it was accepted.

use super::*;
use crate::signals::{Signal, table};

/// A change of rules: the step before which it takes force, how many steps earlier its back-fill begins, and the shape of each
/// rule after it; none where there is no such rule.
#[derive(Debug, Clone)]
struct Change {
    at: usize,
    ahead: usize,
    rules: [Option<usize>; 3],
    limit: u8,
    /// Which of the rules are only tried.
    shadow: [bool; 3],
}

fn change(shapes: usize) -> impl Strategy<Value = Change> {
    let rule = move || prop::option::weighted(0.8, 0..shapes);
    let shadow = prop::array::uniform3(prop::bool::weighted(0.2));
    (1..12_usize, 0..4_usize, rule(), rule(), rule(), 2..5_u8, shadow)
        .prop_map(|(at, ahead, a, b, c, limit, shadow)| Change { at, ahead, rules: [a, b, c], limit, shadow })
}

/// A rule of any form. What stock DataFusion says of deviations is compared elsewhere.
fn sql() -> impl Strategy<Value = String> {
    let of_any_form = prop::collection::vec(any::<u32>(), 40).prop_filter_map("a deviation", |numbers| {
        let [sql, _] = forms::random_rule(numbers, true);
        (!sql.contains("STDDEV") && !sql.contains("VAR_")).then_some(sql)
    });
    prop_oneof![shape().prop_map(|shape| shape.sql()), of_any_form]
}

fn ruleset(shapes: &[String], change: &Change) -> Ruleset {
    let rules = change.rules.iter().enumerate().filter_map(|(i, shape)| Some((i, &shapes[(*shape)?])));
    let tried = |(i, text): (usize, RuleText)| if change.shadow[i] { in_shadow(text) } else { text };
    let mut texts: Vec<RuleText> =
        rules.map(|(i, sql)| (i, rule(&format!("r{i}"), "signal", sql))).map(tried).collect();
    let two = LEVEL_TWO.replace("total >= 3", &format!("total >= {}", change.limit));
    texts.extend((change.limit < 4).then(|| rule("two", "alert", &two)));
    Ruleset::load(&texts).unwrap()
}

/// The same rule, only tried.
fn in_shadow(text: RuleText) -> RuleText {
    RuleText { toml: text.toml.replace("sources =", "shadow = true\nsources ="), ..text }
}

/// The rows accepted under each of the rulesets, in order.
type Epochs = Vec<(Ruleset, u64)>;

struct Stream {
    monitor: Monitor,
    bounds: Bounds,
    filling: Option<Backfill>,
    low: Option<i64>,
    accepted: Vec<(usize, Tx)>,
    settled: Vec<Detection>,
    standing: BTreeMap<(String, String), String>,
}

impl Stream {
    fn new(rules: &Ruleset, bounds: Bounds) -> Self {
        Self {
            monitor: Monitor::new(rules, Arc::new(Accounts::new(&[])), bounds, None).unwrap(),
            bounds,
            filling: None,
            low: None,
            accepted: Vec::new(),
            settled: Vec::new(),
            standing: BTreeMap::new(),
        }
    }

    fn accept(&mut self, piece: &[(usize, Tx)]) {
        let on_time = piece.iter().filter(|(_, tx)| self.low.is_none_or(|low| tx.time >= low - 12_000));
        let on_time: Vec<(usize, Tx)> = on_time.cloned().collect();
        self.accepted.extend(on_time.iter().cloned());
        self.low = self.low.into_iter().chain(on_time.iter().map(|(_, tx)| tx.time - 5_000)).max();
        let monitored = self.monitor.accept(&batch(&on_time), self.low, i64::MAX).unwrap();
        for change in &monitored.changes {
            let d = change.detection();
            let key = (d.rule.id.clone(), d.row_id.clone());
            let value = format!("{} {} {:?}", d.event_time, d.subject, d.columns);
            match change {
                DetectionChange::Raised(_) => assert_eq!(self.standing.insert(key, value), None, "raised twice"),
                DetectionChange::Revised(_) => assert!(self.standing.insert(key, value).is_some(), "from nothing"),
                DetectionChange::Withdrawn(_) => assert!(self.standing.remove(&key).is_some(), "from nothing"),
            }
        }
        self.settled.extend(monitored.settled);
    }

    fn restart(&mut self, rules: &Ruleset) {
        let mut bytes = Vec::new();
        self.monitor.state().unwrap().write(&mut bytes).unwrap();
        let accounts = Arc::new(Accounts::new(&[]));
        let before = self.monitor.tenures();
        self.monitor = Monitor::read(rules, accounts, self.bounds, None, &mut bytes.as_slice()).unwrap();
        assert_eq!(self.monitor.tenures(), before);
        let mut again = Vec::new();
        self.monitor.state().unwrap().write(&mut again).unwrap();
        assert!(bytes == again, "the state is the same");
        self.filling = None;
    }

    /// What was accepted since goes onto the new timelines, too.
    fn catch_up(&mut self) {
        if let Some(filling) = &mut self.filling {
            self.monitor.hand_over(filling);
            assert_eq!(self.monitor.missing(filling), 0);
            filling.run().unwrap();
        }
    }
}

/// Runs the stream through all changes.
fn run(
    first: &Ruleset,
    changes: &[(Change, Ruleset)],
    rows: &[(usize, Tx)],
    cuts: &[usize],
    restart: usize,
) -> (Stream, Epochs) {
    // A rule that comes later finds the rows that it needs: they are kept for as long as the longest window of all.
    let all = changes.iter().map(|(_, rules)| rules).chain([first]);
    let longest = all.flat_map(Ruleset::rules).map(|rule| rule.reference.span_ms).max().unwrap_or(0);
    let mut stream = Stream::new(first, Bounds { lookback_ms: longest, ..BOUNDS });
    let mut epochs = vec![(first.clone(), 0)];
    let mut at = 0;
    for (step, cut) in cuts.iter().chain([&rows.len()]).enumerate() {
        if step == restart {
            // Under whatever rules it is started: those of the snapshot count.
            stream.restart(first);
        }
        for (change, rules) in changes.iter().filter(|(change, _)| change.at == step) {
            let filling = stream.filling.take().filter(|filling| filling.ruleset().digest() == rules.digest());
            let mut filling = filling.unwrap_or_else(|| stream.monitor.begin(rules));
            if change.ahead % 2 == 0 {
                filling.run().unwrap();
            }
            stream.monitor.adopt(filling, 7).unwrap();
            let row = if stream.accepted.is_empty() { 0 } else { stream.monitor.retained().next() };
            epochs.push((rules.clone(), row));
        }
        let coming = changes.iter().find(|(change, _)| change.at > step && change.at <= step + change.ahead);
        if let (Some((_, rules)), None) = (coming, &stream.filling) {
            stream.filling = Some(stream.monitor.begin(rules));
        }
        stream.catch_up();
        let end = (at + cut).min(rows.len());
        stream.accept(&rows[at..end]);
        at = end;
    }
    stream.settled.extend(stream.monitor.standing());
    (stream, epochs)
}

/// Stock DataFusion over all accepted rows, with the rules of each epoch for the rows accepted in it.
fn expected(epochs: &Epochs, rows: &[(usize, Tx)]) -> Vec<Detection> {
    let mut all = RetainedRows::new();
    all.insert(&batch(rows));
    let (transactions, movements) = (whole(&all, Table::Transactions).unwrap(), whole(&all, Table::Movements).unwrap());
    let accounts = Accounts::new(&[]);
    let ends: Vec<u64> = epochs.iter().skip(1).map(|(_, from)| *from).chain([u64::MAX]).collect();
    let number = |row_id: &str| {
        let id = row_id.rsplit("s:").next().unwrap().split('/').next().unwrap();
        rows.iter().position(|(index, _)| index.to_string() == id).unwrap() as u64
    };
    let mut found = Vec::new();
    for ((rules, from), end) in epochs.iter().zip(&ends) {
        let of_all = oracle::level_one(by_row_id, rules, &accounts, transactions.clone(), movements.clone());
        let of_all = futures::executor::block_on(of_all).unwrap();
        found.extend(of_all.into_iter().filter(|d| (*from..*end).contains(&number(&d.row_id))));
    }
    let raising = found.iter().filter(|d| d.rule.raises_signals());
    let signals: Vec<Signal> = raising.map(|d| Signal::of(d, 150, 0)).collect();
    let signals = table(signals.iter()).unwrap();
    for ((rules, from), end) in epochs.iter().zip(&ends) {
        let of_all =
            futures::executor::block_on(oracle::level_two(by_row_id, rules, &accounts, signals.clone())).unwrap();
        found.extend(of_all.into_iter().filter(|d| (*from..*end).contains(&number(&d.row_id))));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever changes when: a transaction is judged by the rules at its acceptance, over all rows, late ones too, as if the
    /// rules had always been there; with a restart in between, and back-fills begun before the rows of the last slices came.
    #[test]
    fn each_transaction_is_judged_by_the_rules_at_its_acceptance(
        shapes in prop::collection::vec(sql(), 4),
        first in change(4),
        changes in prop::collection::vec(change(4), 1..6),
        txs in prop::collection::vec(tx(), 20..150),
        jitter in prop::collection::vec(0..16_i64, 150),
        cuts in prop::collection::vec(1..20_usize, 4..12),
        restart in 0..12_usize,
    ) {
        let mut rows: Vec<(usize, Tx)> = txs.into_iter().enumerate().collect();
        rows.sort_by_key(|(index, tx)| tx.time + jitter[*index] * 1000);
        let changes: Vec<(Change, Ruleset)> = changes.into_iter().map(|c| (c.clone(), ruleset(&shapes, &c))).collect();
        let (stream, epochs) = run(&ruleset(&shapes, &first), &changes, &rows, &cuts, restart);
        prop_assert_eq!(&shown(&stream.settled), &stream.standing, "what settled is what was raised and not withdrawn");
        prop_assert_eq!(shown(&stream.settled), shown(&expected(&epochs, &stream.accepted)));
    }
}

#[test]
fn a_challenger_is_in_shadow_and_fires_on_the_table_of_its_champion() {
    let of = |id: &str, more: &str, table: &str| {
        let sql = format!(
            "SELECT row_id, {table} AS subject, event_time FROM movements WHERE amount_ref > 1 AND {table} IS NOT NULL"
        );
        let sql = sql.replace("transactions AS", "originator AS").replace("movements AS", "account AS");
        let sql = sql.replace("transactions IS", "originator IS").replace("movements IS", "account IS");
        let text = rule(id, "signal", &sql.replace("FROM movements", &format!("FROM {table}")));
        RuleText { toml: text.toml.replace("sources =", &format!("{more}sources =")), ..text }
    };
    let old = of("old", "", "movements");
    let challenger = "shadow = true\nchallenger_of = \"old\"\n";
    let rules = Ruleset::load(&[old.clone(), of("new", challenger, "movements")]).unwrap();
    assert!(rules.unopposed().is_empty());
    let alone = Ruleset::load(&[of("new", challenger, "movements")]).unwrap();
    assert_eq!(alone.unopposed(), [("new", "old")]);
    let refused = [
        (of("new", "challenger_of = \"old\"\n", "movements"), "only a rule in shadow challenges another"),
        (of("new", "shadow = true\nchallenger_of = \"new\"\n", "movements"), "is the rule itself"),
        (of("new", challenger, "transactions"), "it fires on transactions, and `old` on movements"),
    ];
    for (text, reason) in refused {
        let refusal = Ruleset::load(&[old.clone(), text]).unwrap_err();
        let [fault] = &refusal.0[..] else { panic!("{refusal:?}") };
        assert_eq!((fault.place.as_str(), fault.reason.as_str()), ("rules/new/rule.toml: challenger_of", reason));
    }
}

#[test]
fn a_retired_rule_goes_once_its_rows_are_settled() {
    let pay = |second: i64| Tx {
        time: 1_767_607_200_000 + second * 1000,
        from: Some(1),
        to: Some(2),
        cents: Some(100),
        device: None,
        status: 0,
        kind: 0,
    };
    let sql =
        |over: u32| format!("SELECT row_id, account AS subject, event_time FROM movements WHERE amount_ref > {over}");
    let rules = |over: u32| Ruleset::load(&[rule("r", "signal", &sql(over))]).unwrap();
    let mut stream = Stream::new(&rules(0), BOUNDS);
    for (number, second) in [0, 1, 2, 60].into_iter().enumerate() {
        if number > 0 {
            let filling = stream.monitor.begin(&rules(number as u32));
            stream.monitor.adopt(filling, 7).unwrap();
        }
        stream.accept(&[(number, pay(second))]);
    }
    let shown =
        |stream: &Stream| stream.monitor.tenures().iter().map(|tenure| (tenure.from, tenure.until)).collect::<Vec<_>>();
    assert_eq!(shown(&stream), [(0, Some(1)), (1, Some(2)), (2, Some(3)), (3, None)], "retired, not settled then");
    let filling = stream.monitor.begin(&rules(9));
    stream.monitor.adopt(filling, 7).unwrap();
    assert_eq!(shown(&stream), [(3, Some(4)), (4, None)]);
}

#[test]
fn a_back_fill_fits_only_the_rules_that_it_began_under() {
    let sql = "SELECT row_id, account AS subject, event_time FROM movements WHERE amount_ref > $limit";
    let one = Ruleset::load(&[rule("one", "signal", sql)]).unwrap();
    let both = Ruleset::load(&[rule("one", "signal", sql), rule("two", "signal", sql)]).unwrap();
    let mut monitor = Monitor::new(&one, Arc::new(Accounts::new(&[])), BOUNDS, None).unwrap();
    let (early, late) = (monitor.begin(&both), monitor.begin(&Ruleset::load(&[]).unwrap()));
    monitor.adopt(late, 7).unwrap();
    assert!(matches!(monitor.adopt(early, 7), Err(Error::Backfill)));
}
