//! Simulated streams, and what goes wrong with them on the way.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use mareva_model::alert::Alert;
use mareva_model::parse_time;
use mareva_sim::{Fixture, Stream};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A simulated economy on disk.
pub struct Simulated {
    /// Folder of the files that `mareva sim` writes.
    pub folder: PathBuf,
}

impl Simulated {
    /// Runs `mareva sim`.
    pub fn new(folder: &Path, seed: u64, transactions: u64) -> Self {
        let (seed, transactions) = (seed.to_string(), transactions.to_string());
        let out = folder.display().to_string();
        crate::mareva_ok(["sim", "--seed", &seed, "--transactions", &transactions, "--out", &out]);
        Self { folder: folder.to_path_buf() }
    }

    /// Writes a fixture in the same form. It has no lists: nobody in it is on one.
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn of_fixture(folder: &Path, fixture: &Fixture) -> Self {
        let config = "[institution]\nbics = [\"MRVADEFF\"]\nexchanges = [\"kestrel\"]\njurisdiction = \"DE\"\n\n\
                      [tables]\naccounts = \"accounts.ndjson\"\nrates = \"rates.csv\"\n";
        for (name, content) in [
            ("bank.ndjson", &fixture.ndjson(Stream::Bank)),
            ("exchange.ndjson", &fixture.ndjson(Stream::Exchange)),
            ("accounts.ndjson", &fixture.accounts),
            ("rates.csv", &fixture.rates_csv),
            ("mareva.toml", &config.as_bytes().to_vec()),
        ] {
            std::fs::write(folder.join(name), content).expect("the folder can be written");
        }
        Self { folder: folder.to_path_buf() }
    }

    /// Every alert revision that `mareva replay` gives under the config beside the streams.
    ///
    /// # Panics
    /// When it fails, or what it wrote is no alert.
    pub fn replayed(&self) -> Vec<Alert> {
        let out = self.file("alerts.ndjson");
        let (config, bank, exchange) =
            (self.file("mareva.toml"), self.file("bank.ndjson"), self.file("exchange.ndjson"));
        let args = ["replay", "--config", &config, "--bank", &bank, "--exchange", &exchange, "--out", &out, "--json"];
        let summary: serde_json::Value =
            serde_json::from_slice(&crate::mareva_ok(args).stdout).expect("a summary in JSON");
        let counts = &summary["counts"];
        assert!(counts["accepted"] == counts["produced"] && counts["records"] != 0, "all was judged: {counts}");
        let text = std::fs::read(&out).expect("the alerts are there");
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| Alert::from_json(line).unwrap_or_else(|e| panic!("no alert: {e}"))).collect()
    }

    /// One of its files.
    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The options of `mareva replay` that name its tables and lists.
    pub fn tables(&self) -> Vec<String> {
        let mut options = Vec::new();
        for (option, file) in [("--accounts", "accounts.ndjson"), ("--rates", "rates.csv"), ("--vasps", "vasps.csv")] {
            options.extend([option.to_owned(), self.file(file)]);
        }
        for (name, file) in [("mules", "mules.csv"), ("sanctions", "sanctions")] {
            options.extend(["--list".to_owned(), format!("{name}={}", self.file(file))]);
        }
        options
    }
}

/// What [`disorder`] does to a stream.
#[derive(Debug, Clone, Copy)]
pub struct Disorder {
    /// Seed.
    pub seed: u64,
    /// Records come late by up to this many milliseconds of event time, against those that came before.
    pub within_ms: i64,
    /// Records repeated, one in this many; 0 for none.
    pub repeat_one_in: u64,
    /// Records that no decoder accepts, spread over the stream.
    pub malformed: u64,
}

/// Ways in which a record is broken; each is a dead letter.
const MALFORMED: [&str; 6] = [
    "{\"type\":\"credit_transfer\"",
    "not a record",
    "{\"type\":\"unheard_of\",\"tx_id\":\"1\"}",
    "{}",
    "[1,2,3]",
    "{\"type\":\"credit_transfer\",\"tx_id\":\"M\",\"source\":\"X\",\"time\":\"9999-01-01T00:00:00Z\",\"amount\":\"1\",\"currency\":\"EUR\"}",
];

/// Rewrites an NDJSON stream in another order, with repeats and broken records; returns how many lines it wrote.
///
/// # Panics
/// When a file cannot be read or written.
pub fn disorder(from: &Path, to: &Path, how: Disorder) -> u64 {
    let mut dice = StdRng::seed_from_u64(how.seed);
    let mut lines: Vec<(i64, String)> = Vec::new();
    for line in BufReader::new(std::fs::File::open(from).expect("the stream is there")).lines() {
        let line = line.expect("the stream is text");
        let time = time_of(&line);
        lines.push((time + dice.random_range(0..=how.within_ms), line));
    }
    if how.repeat_one_in > 0 {
        let mut repeats = Vec::new();
        for (_, line) in &lines {
            if dice.random_range(0..how.repeat_one_in) == 0 {
                repeats.push((time_of(line) + dice.random_range(0..=how.within_ms), line.clone()));
            }
        }
        lines.extend(repeats);
    }
    let last = lines.len().saturating_sub(1);
    for number in 0..how.malformed {
        let near = lines[dice.random_range(0..=last)].0;
        lines.push((near, MALFORMED[number as usize % MALFORMED.len()].to_owned()));
    }
    lines.sort_by_key(|(at, _)| *at);
    let mut out = BufWriter::new(std::fs::File::create(to).expect("the target can be written"));
    for (_, line) in &lines {
        writeln!(out, "{line}").expect("the target can be written");
    }
    out.flush().expect("the target can be written");
    lines.len() as u64
}

/// The time of a canonical or `ethereum-etl` record, or of a message.
///
/// # Panics
/// When the line has none: the simulator writes one on every line.
pub fn time_of(line: &str) -> i64 {
    let after = |name: &str| line.find(name).map(|at| &line[at + name.len()..]);
    let text = after("\"time\":\"").or_else(|| after("\"item_timestamp\":\"")).or_else(|| after("<CreDtTm>"));
    let text = text.unwrap_or_else(|| panic!("no time: {line}"));
    let end = text.find(['"', '<']).expect("a closing quote, or the end of the element");
    parse_time(&text[..end]).unwrap_or_else(|e| panic!("{line}: {e}"))
}
