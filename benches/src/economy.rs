//! A simulated economy and all that is in force over it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use mareva_codec::{Limits, Stream};
use mareva_model::{Digest, digest, identifier, parse_time};
use mareva_monitoring::{Account, Accounts, RuleText, Ruleset, Table};
use mareva_pipeline::alerts::{AlertConfig, InstitutionConfig};
use mareva_pipeline::{DecisionConfig, InputRecord, InputSlice, Parts, PipelineConfig, Rates};
use mareva_screening::{ListConfig, LoadedList, Watchlist, load_ofac, load_plain};
use mareva_sim::{EXCHANGE as OUR_EXCHANGE, OUR_BIC, Records, Reference, SimConfig};

/// Topic of the bank stream.
pub const BANK: &str = "bank.transactions";
/// Topic of the exchange stream.
pub const EXCHANGE: &str = "exchange.transactions";

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Records of an economy in event-time order, held in memory, and what belongs to them.
pub struct Economy {
    /// As a broker would give them; append time is event time.
    pub records: Vec<InputRecord>,
    reference: Reference,
}

/// Simulated records as a broker would give them, one by one; append time is event time.
pub struct Arriving {
    simulated: Records,
    topics: [Arc<str>; 2],
    next: [i64; 2],
}

impl Arriving {
    /// Simulates `transactions` records.
    pub fn new(seed: u64, transactions: u64) -> Self {
        let simulated = mareva_sim::records(&SimConfig::new(seed, transactions));
        Self { simulated, topics: [BANK, EXCHANGE].map(Arc::from), next: [0; 2] }
    }
}

impl Iterator for Arriving {
    type Item = InputRecord;

    fn next(&mut self) -> Option<InputRecord> {
        let record = self.simulated.next()?;
        let stream = usize::from(record.stream == mareva_sim::Stream::Exchange);
        let offset = self.next[stream];
        self.next[stream] += 1;
        let (topic, append_time) = (self.topics[stream].clone(), record.event_time);
        Some(InputRecord { topic, partition: 0, offset, append_time, payload: record.json.into() })
    }
}

impl Economy {
    /// Simulates `transactions` records.
    pub fn new(seed: u64, transactions: u64) -> Self {
        let mut arriving = Arriving::new(seed, transactions);
        let records = arriving.by_ref().collect();
        Self { records, reference: arriving.simulated.reference() }
    }

    /// What belongs to such an economy, without its records.
    pub fn without_records(seed: u64, transactions: u64) -> Self {
        Self { records: Vec::new(), reference: mareva_sim::reference(&SimConfig::new(seed, transactions)) }
    }

    /// The shipped rules, the lists, tables and rates of the economy, and a config of its bank and exchange.
    ///
    /// # Panics
    /// When the checkout is not whole: its rules and the simulator's lists must load.
    pub fn parts(&self) -> Parts {
        self.parts_beside(0, &self.reference.accounts)
    }

    /// The same with a further list of so many accounts, none of which takes part, and an accounts table of one's own.
    ///
    /// # Panics
    /// As [`Economy::parts`].
    pub fn parts_beside(&self, entries: u64, accounts: &[u8]) -> Parts {
        let Reference { vasps_csv, rates_csv, .. } = &self.reference;
        let mut lists = self.lists();
        if entries > 0 {
            let config = ListConfig::fraud("reported", "reported.csv");
            let list = load_plain(&config, mule_list(entries).as_bytes(), "reported.csv");
            lists.push(Arc::new(list.unwrap_or_else(|refusal| refused(&refusal))));
        }
        let watchlist = Watchlist::new(lists).unwrap_or_else(|refusal| refused(&refusal));
        parts(watchlist, accounts, vasps_csv, rates_csv)
    }

    /// Its accounts table, NDJSON.
    pub fn accounts(&self) -> &[u8] {
        &self.reference.accounts
    }

    /// What is known of the economy: its labels, accounts, lists and rates.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The sanctions and the mule list of the economy.
    ///
    /// # Panics
    /// When they do not load.
    pub fn watchlist(&self) -> Watchlist {
        Watchlist::new(self.lists()).unwrap_or_else(|refusal| refused(&refusal))
    }

    fn lists(&self) -> Vec<Arc<LoadedList>> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for (name, content) in &self.reference.sanctions {
            fs::write(folder.path().join(name), content).expect("a temporary file can be written");
        }
        let sanctions = load_ofac(&ListConfig::sanctions("sanctions", folder.path()), folder.path());
        let mules =
            load_plain(&ListConfig::fraud("mules", "mules.csv"), self.reference.mules_csv.as_slice(), "mules.csv");
        [sanctions, mules].map(|list| Arc::new(list.unwrap_or_else(|refusal| refused(&refusal)))).into()
    }

    /// The records as slices of up to `size`, numbered from 1, the last of which ends the input.
    pub fn slices(&self, size: usize, epoch: Digest) -> Vec<InputSlice> {
        let chunks = self.records.chunks(size.max(1));
        let last = chunks.len();
        let slice = |(at, records): (usize, &[InputRecord])| slice(at, records.to_vec(), at + 1 == last, epoch);
        chunks.enumerate().map(slice).collect()
    }
}

/// The n-th slice, from 0.
pub fn slice(at: usize, records: Vec<InputRecord>, end: bool, epoch: Digest) -> InputSlice {
    InputSlice {
        seq: at as u64 + 1,
        tick: records.last().map_or(0, |record| record.append_time),
        records,
        end,
        joined: if at == 0 { [BANK, EXCHANGE].map(|topic| (topic.into(), 0)).into() } else { Vec::new() },
        epoch,
    }
}

/// The shipped rules over these lists and tables, at the simulator's bank and exchange.
///
/// # Panics
/// When the checkout is not whole: its rules and the simulator's tables must load.
pub fn parts(watchlist: Watchlist, accounts: &[u8], vasps_csv: &[u8], rates_csv: &[u8]) -> Parts {
    let ruleset = Ruleset::load(&rules()).unwrap_or_else(|refusal| refused(&refusal));
    Parts {
        watchlist: Arc::new(watchlist),
        accounts: Arc::new(accounts_table(accounts)),
        accounts_digest: digest(accounts),
        vasps: Arc::new(vasps(text(vasps_csv))),
        rates: Arc::new(Rates::read("EUR", text(rates_csv), "rates.csv").unwrap_or_else(|refusal| refused(&refusal))),
        config: Arc::new(config(&ruleset)),
        ruleset: Arc::new(ruleset),
        spill: None,
    }
}

/// A list of mule accounts alone.
///
/// # Panics
/// When it does not load.
pub fn mules(csv: &[u8]) -> Watchlist {
    let list = load_plain(&ListConfig::fraud("mules", "mules.csv"), csv, "mules.csv");
    let list = Arc::new(list.unwrap_or_else(|refusal| refused(&refusal)));
    Watchlist::new(vec![list]).unwrap_or_else(|refusal| refused(&refusal))
}

fn refused(refusal: &mareva_model::Refusal) -> ! {
    eprintln!("{refusal}");
    std::process::exit(2)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the simulator writes UTF-8")
}

/// The shipped rules.
///
/// # Panics
/// When the checkout is not whole.
pub fn rules() -> Vec<RuleText> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules");
    let mut texts = Vec::new();
    for rule in fs::read_dir(folder).expect("the folder `rules` is there") {
        let rule = rule.expect("the folder `rules` can be read").path();
        if rule.join("rule.toml").is_file() {
            let read = |name: &str| fs::read_to_string(rule.join(name)).expect("a rule has its files");
            let folder = rule.file_name().unwrap_or_default().to_string_lossy().into_owned();
            texts.push(RuleText { folder, toml: read("rule.toml"), sql: read("rule.sql") });
        }
    }
    texts
}

fn accounts_table(ndjson: &[u8]) -> Accounts {
    let account = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("the simulator writes JSON");
        let field = |name: &str| line[name].as_str().map(str::to_owned);
        Account {
            account: field("account").unwrap_or_default(),
            customer: field("customer"),
            segment: field("segment"),
            role: field("role"),
            opened_at: field("opened_at").and_then(|time| parse_time(&time).ok()),
            country: field("country"),
        }
    };
    Accounts::new(&text(ndjson).lines().map(account).collect::<Vec<_>>())
}

fn vasps(csv: &str) -> HashSet<String> {
    let identifiers = csv.lines().skip(1).filter_map(|line| line.split(',').next());
    identifiers.filter_map(identifier::recognise).map(|found| found.canonical).collect()
}

/// The defaults of `deploy/mareva.toml` for the simulator's bank and exchange.
fn config(ruleset: &Ruleset) -> PipelineConfig {
    let span = |second: bool| {
        let of_level = ruleset.rules().iter().filter(|rule| (rule.table == Table::Signals) == second);
        of_level.map(|rule| rule.reference.span_ms).max().unwrap_or(0)
    };
    let reach_ms = span(true) + span(false);
    PipelineConfig {
        streams: [(BANK.to_owned(), Stream::Bank), (EXCHANGE.to_owned(), Stream::Exchange)].into(),
        decisions: DecisionConfig::default(),
        allowed_lateness_ms: 5 * 60_000,
        max_ahead_ms: 5 * 60_000,
        idle_after_ms: 60_000,
        lookback_ms: (7 * DAY).max(DAY + reach_ms),
        max_rows: 50_000_000,
        limits: Limits::default(),
        alerts: AlertConfig {
            institution: InstitutionConfig {
                bics: vec![OUR_BIC.to_owned()],
                exchanges: vec![OUR_EXCHANGE.to_owned()],
                jurisdiction: Some("DE".to_owned()),
            },
            episode_ms: DAY,
            lateness_ms: 5 * 60_000,
            reach_ms,
            memory_ms: 3 * DAY,
            hold_ms: 3 * DAY,
            clock_basis: None,
            fraud_legal_basis: None,
            sanctions_legal_basis: None,
            confidentiality: None,
            tlp: None,
            operation: None,
            notice_ref: None,
            reference_currency: "EUR".to_owned(),
            max_open: 100_000,
            max_closed: 100_000,
            max_signals: 1_000_000,
            max_targets: 100,
            epoch: Digest([0; 32]),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
        },
    }
}

/// A list of `count` different German accounts whose check digits hold, none of which the simulator uses.
pub fn mule_list(count: u64) -> String {
    let mut csv = String::from("identifier,reason,reported_at,source\n");
    for number in 0..count {
        // This bank code does not exist.
        csv.push_str(&german_iban(99_999_999, number));
        csv.push_str(",reported by the bank,2026-01-01,bank\n");
    }
    csv
}

/// The IBAN of an account, its check digits right.
pub fn german_iban(bank: u32, number: u64) -> String {
    let account = format!("{bank:08}{number:010}");
    // DE is 1314, then the two check digits as 00.
    let remainder =
        format!("{account}131400").bytes().fold(0_u32, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("DE{:02}{account}", 98 - remainder)
}
