//! Promise 1: settled detections are the rows that stock DataFusion returns for the same SQL over the accepted rows.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;

use mareva_monitoring::{Ruleset, oracle};
use mareva_tests::stream::{Disorder, Simulated, disorder};
use mareva_tests::tables::{accounts, read_parquet};
use mareva_tests::{mareva_ok, ndjson, rules};

const SEEDS: u64 = 20;
/// Small, because stock DataFusion is built without optimisation here. The rarer rules would fire in larger economies only:
/// the records that fire each rule in its folder are mixed in.
const TRANSACTIONS: u64 = 12_000;

fn ruleset() -> Ruleset {
    let texts = rules::texts();
    Ruleset::load(&texts).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// Detections by (rule, row): subject, time and columns.
type Shown = BTreeMap<(String, String), String>;

/// Puts the evidence of all rules into an economy, at another time of day for each seed.
fn mix_in_evidence(simulated: &Simulated, seed: u64) {
    let evidence = rules::evidence(i64::try_from(seed).expect("a small number") * 4_517_000);
    let files = [("bank", evidence.bank), ("exchange", evidence.exchange), ("accounts", evidence.accounts)];
    for (name, lines) in files {
        let path = simulated.folder.join(format!("{name}.ndjson"));
        let mut file = File::options().append(true).open(path).expect("the economy's file");
        lines.iter().for_each(|line| writeln!(file, "{line}").expect("a file that can be written"));
    }
}

fn replayed(simulated: &Simulated, folder: &Path) -> Shown {
    let (bank, exchange) = (folder.join("bank"), folder.join("exchange"));
    let how = |seed, malformed| Disorder { seed, within_ms: 50_000, repeat_one_in: 50, malformed };
    disorder(&simulated.folder.join("bank.ndjson"), &bank, how(7, 20));
    disorder(&simulated.folder.join("exchange.ndjson"), &exchange, how(8, 20));
    let detections = folder.join("detections");
    let mut args: Vec<String> = ["replay", "--bank"].map(str::to_owned).to_vec();
    args.push(bank.display().to_string());
    for (option, path) in [
        ("--exchange", &exchange),
        ("--out", &folder.join("alerts")),
        ("--detections", &detections),
        ("--tables", &folder.join("tables")),
    ] {
        args.extend([option.to_owned(), path.display().to_string()]);
    }
    args.extend(simulated.tables());
    mareva_ok(args);
    let mut shown = Shown::new();
    for mut detection in ndjson(&detections) {
        let object = detection.as_object_mut().expect("a detection is an object");
        let rule = object.remove("rule").and_then(|r| Some(r.as_str()?.to_owned())).expect("rule");
        let row_id = object.remove("row_id").and_then(|r| Some(r.as_str()?.to_owned())).expect("row_id");
        object.remove("version");
        let twice = shown.insert((rule, row_id), sorted(object));
        assert_eq!(twice, None, "a detection settled twice");
    }
    shown
}

fn sorted(columns: &serde_json::Map<String, serde_json::Value>) -> String {
    format!("{:?}", columns.iter().map(|(k, v)| (k, v.to_string())).collect::<BTreeMap<_, _>>())
}

fn expected(rules: &Ruleset, tables: &Path) -> Shown {
    let read = |name: &str| read_parquet(&tables.join(format!("{name}.parquet")));
    let accounts = accounts(&read("accounts"));
    let found = oracle::detections(rules, &accounts, read("transactions"), read("movements"));
    let found = futures::executor::block_on(found).expect("stock DataFusion runs the rules");
    let show = |d: mareva_model::Detection| {
        let mut columns = d.columns.clone();
        columns.insert("subject".into(), d.subject.clone().into());
        columns.insert("event_time".into(), mareva_model::format_time(d.event_time).into());
        columns.insert("parameters".into(), serde_json::json!(d.rule.parameters));
        ((d.rule.id.clone(), d.row_id.clone()), sorted(&columns))
    };
    found.into_iter().map(show).collect()
}

#[test]
fn settled_detections_equal_stock_datafusion_for_every_rule_and_twenty_seeds() {
    let ruleset = ruleset();
    let mut fired: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..SEEDS {
        let folder = tempfile::tempdir().expect("a folder");
        let simulated = Simulated::new(&folder.path().join("sim"), 1000 + seed, TRANSACTIONS);
        mix_in_evidence(&simulated, seed);
        let settled = replayed(&simulated, folder.path());
        let expected = expected(&ruleset, &folder.path().join("tables"));
        for (key, value) in &expected {
            assert_eq!(settled.get(key), Some(value), "seed {seed}: {key:?}");
        }
        let extra: Vec<_> = settled.keys().filter(|key| !expected.contains_key(*key)).collect();
        assert!(extra.is_empty(), "seed {seed}: not in DataFusion: {extra:?}");
        let of_seed: BTreeSet<&String> = settled.keys().map(|(rule, _)| rule).collect();
        assert_eq!(
            of_seed.len(),
            ruleset.rules().len(),
            "seed {seed}: the comparison says something only for rules that fire"
        );
        for (rule, _) in settled.keys() {
            *fired.entry(rule.clone()).or_default() += 1;
        }
    }
    println!("detections by rule over {SEEDS} seeds: {fired:?}");
}
