//! Opens what a config names and builds all that a pipeline needs, with every fault of every file in one refusal.

mod accounts;
mod lists;
mod rule_keys;
mod rules;
mod table;
mod vasps;

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use mareva_codec::{Approver, Limits, Stream, read_public_key};
use mareva_kafka::Connection;
use mareva_model::{Digest, Fault, Refusal, digest};
use mareva_monitoring::{Accounts, Ruleset, Spill};
use mareva_pipeline::alerts::{AlertConfig, InstitutionConfig};
use mareva_pipeline::{DecisionConfig, Parts, PipelineConfig, Rates};
use mareva_screening::Watchlist;

pub use accounts::parse_account;
pub use lists::{NamedPath, doubts, load_list, reload, warn_of_doubts, watchlist};
pub use rules::{RuleFolder, load_rules, notices, rule_folders, uncounted, without_evidence, without_sources};
pub use table::more_faults;

use crate::config::{Config, read_bytes, read_text, unread};
use crate::scratch::Scratch;

/// Faults listed for one file; beyond it the rest is counted.
const MAX_FAULTS: usize = 20;

/// Bytes of a file with a secret.
const MAX_SECRET: u64 = 1 << 20;
/// Bytes of a rates file: every currency on every day takes less than 2 MiB a year.
const MAX_RATES: u64 = 64 << 20;

/// What takes the place of something in the config, by options of the command line.
#[derive(Debug, Clone, Default)]
pub struct Instead {
    /// The `accounts` table.
    pub accounts: Option<PathBuf>,
    /// Rates.
    pub rates: Option<PathBuf>,
    /// Accounts of VASPs.
    pub vasps: Option<PathBuf>,
    /// The folder of rules.
    pub rules: Option<PathBuf>,
    /// Lists beside those of the config, or files in the place of theirs.
    pub lists: Vec<NamedPath>,
}

impl Instead {
    /// Puts them into the config.
    pub fn apply(self, config: &mut Config, faults: &mut Refusal) {
        let paths = [
            (self.accounts, &mut config.tables.accounts),
            (self.rates, &mut config.tables.rates),
            (self.vasps, &mut config.tables.vasps),
            (self.rules, &mut config.rules.path),
        ];
        for (given, place) in paths {
            if let Some(given) = given {
                *place = given;
            }
        }
        for list in self.lists {
            list.join(&mut config.lists, faults);
        }
    }
}

/// All that is in force.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What the pipeline takes.
    pub parts: Parts,
    /// Secret that hashes the keys of alert records.
    pub subject_key: Option<Vec<u8>>,
    /// What a request must know that changes something.
    pub admin_token: Option<Vec<u8>>,
    /// How brokers are reached; names and values are checked.
    pub connection: Connection,
    /// What somebody should look at in the rules.
    pub notices: Vec<String>,
    /// When reading them began.
    pub read_at: SystemTime,
}

/// Opens everything.
///
/// # Errors
/// Every fault of every file and property.
pub fn open(config: &Config) -> Result<Opened, Refusal> {
    let read_at = SystemTime::now();
    let mut faults = Refusal::default();
    let tables = &config.tables;
    let ruleset = keep(named(rules::load(&config.rules.path), &config.rules.path, "rules.path"), &mut faults);
    let watchlist = keep(lists::watchlist(&config.lists), &mut faults);
    let accounts = keep(named(accounts::load(&tables.accounts), &tables.accounts, "tables.accounts"), &mut faults);
    let rates = keep(named(rates(config), &tables.rates, "tables.rates"), &mut faults);
    let vasps = keep(named(vasps::load(&tables.vasps), &tables.vasps, "tables.vasps"), &mut faults);
    let subject_key = keep(secret(&config.alerts.subject_key_file, "alerts.subject_key_file"), &mut faults);
    let admin_token = keep(secret(&config.http.admin_token_file, "http.admin_token_file"), &mut faults);
    keep(folder(&config.snapshots.path, "snapshots.path"), &mut faults);
    let spill = keep(spill(config), &mut faults).flatten();
    let connection = Connection { properties: config.kafka.clone() };
    faults.0.extend(property_faults(&connection));
    faults.into_result()?;
    let (Some(ruleset), Some(watchlist), Some(accounts), Some(rates), Some(vasps)) =
        (ruleset, watchlist, accounts, rates, vasps)
    else {
        // Whatever is missing has left a fault.
        return Err(Refusal::one("config", "could not be opened", "report this"));
    };
    let pipeline = pipeline_config(config);
    let (ruleset, untried) = ruleset;
    let notices = notices(&ruleset).into_iter().chain(untried).collect();
    let parts = Parts {
        watchlist: Arc::new(watchlist),
        ruleset: Arc::new(ruleset),
        accounts: Arc::new(accounts.accounts),
        accounts_digest: accounts.digest,
        vasps: Arc::new(vasps),
        rates: Arc::new(rates),
        config: Arc::new(pipeline),
        spill,
    };
    let (subject_key, admin_token) = (subject_key.flatten(), admin_token.flatten());
    Ok(Opened { parts, subject_key, admin_token, connection, notices, read_at })
}

/// Every property that librdkafka refuses, or whose file cannot be read; or else that they do not fit each other.
fn property_faults(connection: &Connection) -> Vec<Fault> {
    let alone = connection
        .properties
        .iter()
        .map(|(key, value)| (key, Connection { properties: [(key.clone(), value.clone())].into() }));
    let fault = |(key, one): (&String, Connection)| {
        let error = one.check().err()?;
        Some(Fault::new(format!("kafka.{key}"), error.to_string(), "correct it in the config"))
    };
    let mut faults: Vec<Fault> = alone.filter_map(fault).collect();
    if let Some(error) = connection.check_clients().err().filter(|_| faults.is_empty()) {
        faults.push(Fault::new("kafka", error.to_string(), "correct the section in the config"));
    }
    faults
}

/// The value, or nothing and its faults among the others.
pub fn keep<T>(result: Result<T, Refusal>, faults: &mut Refusal) -> Option<T> {
    result.map_err(|refusal| faults.0.extend(refusal.0)).ok()
}

/// Says by which key a file is named that is at fault as a whole.
fn named<T>(result: Result<T, Refusal>, path: &Path, key: &str) -> Result<T, Refusal> {
    let path = path.display().to_string();
    result.map_err(|mut refusal| {
        for fault in refusal.0.iter_mut().filter(|fault| fault.place == path) {
            fault.place = format!("{path} ({key})");
        }
        refusal
    })
}

/// Parts with these rules and accounts and nothing else: what tests of rules run on.
pub fn bare_parts(config: &Config, ruleset: Ruleset, accounts: Accounts) -> Result<Parts, Refusal> {
    let pipeline = pipeline_config(config);
    Ok(Parts {
        watchlist: Arc::new(Watchlist::new(Vec::new())?),
        ruleset: Arc::new(ruleset),
        accounts: Arc::new(accounts),
        accounts_digest: digest(b""),
        vasps: Arc::new(HashSet::new()),
        rates: Arc::new(Rates::new(&config.semantics.reference_currency)),
        config: Arc::new(pipeline),
        spill: None,
    })
}

/// Where retained rows go that memory does not hold.
fn spill(config: &Config) -> Result<Option<Spill>, Refusal> {
    let path = &config.retention.path;
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    folder(path, "retention.path")?;
    let scratch = Scratch::inside(path.clone());
    let made = std::fs::create_dir_all(path).and_then(|()| scratch.file(0));
    made.map_err(|error| {
        let place = format!("{} (retention.path)", path.display());
        Refusal::one(place, format!("no file can be made there: {error}"), "name a folder that can be written")
    })?;
    let memory = config.retention.memory_mib.saturating_mul(1 << 20);
    Ok(Some(Spill { memory, make: Arc::new(move || scratch.file(0).map(|(file, _)| file)) }))
}

fn pipeline_config(config: &Config) -> PipelineConfig {
    let semantics = &config.semantics;
    let streams = config.input.bank.iter().map(|topic| (topic.clone(), Stream::Bank));
    let streams = streams.chain(config.input.exchange.iter().map(|topic| (topic.clone(), Stream::Exchange)));
    PipelineConfig {
        streams: streams.collect(),
        allowed_lateness_ms: semantics.allowed_lateness.ms(),
        max_ahead_ms: semantics.max_ahead.ms(),
        idle_after_ms: semantics.idle_after.ms(),
        lookback_ms: semantics.lookback.ms(),
        max_rows: semantics.max_rows,
        limits: Limits::default(),
        alerts: alert_config(config),
        decisions: decision_config(config),
    }
}

/// Whose decisions count. A key that cannot be read has left a fault before.
pub fn decision_config(config: &Config) -> DecisionConfig {
    let approvers = config.decisions.approvers.iter().filter_map(|one| {
        let (name, may) = (one.name.clone(), one.may.clone());
        Some((one.key_id.clone(), Approver { name, public_key: read_public_key(&one.public_key)?, may }))
    });
    DecisionConfig {
        topics: config.input.decisions.iter().cloned().collect(),
        approvers: approvers.collect(),
        longest_ms: config.decisions.longest.ms(),
        max_in_force: config.decisions.max_in_force,
    }
}

fn alert_config(config: &Config) -> AlertConfig {
    let (institution, alerts) = (&config.institution, &config.alerts);
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    AlertConfig {
        institution: InstitutionConfig {
            bics: institution.bics.clone(),
            exchanges: institution.exchanges.clone(),
            jurisdiction: some(&institution.jurisdiction),
        },
        episode_ms: alerts.episode.ms(),
        lateness_ms: config.semantics.allowed_lateness.ms(),
        // It follows from the rules in force.
        reach_ms: 0,
        memory_ms: alerts.memory.ms(),
        hold_ms: alerts.hold.ms(),
        clock_basis: some(&alerts.clock_basis),
        fraud_legal_basis: some(&alerts.fraud_legal_basis),
        sanctions_legal_basis: some(&alerts.sanctions_legal_basis),
        confidentiality: some(&alerts.confidentiality),
        tlp: some(&alerts.tlp),
        operation: some(&alerts.operation),
        notice_ref: some(&alerts.notice_ref),
        reference_currency: config.semantics.reference_currency.clone(),
        max_open: alerts.max_open,
        max_closed: alerts.max_closed,
        max_signals: alerts.max_signals,
        max_targets: alerts.max_targets,
        // The pipeline fills in its own.
        epoch: Digest([0; 32]),
        engine: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn rates(config: &Config) -> Result<Rates, Refusal> {
    let (reference, path) = (&config.semantics.reference_currency, &config.tables.rates);
    if path.as_os_str().is_empty() {
        return Ok(Rates::new(reference));
    }
    let text = read_text(path, MAX_RATES).map_err(|error| unreadable(path, &error))?;
    Rates::read(reference, &text, &path.display().to_string()).map_err(|refusal| cut(refusal, path))
}

/// A secret from a file, at least 16 bytes without the line end; none where no file is named.
fn secret(path: &Path, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let mut bytes = named(read_bytes(path, MAX_SECRET).map_err(|error| unreadable(path, &error)), path, key)?;
    while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        bytes.pop();
    }
    if bytes.len() < 16 {
        let place = format!("{} ({key})", path.display());
        return Err(Refusal::one(place, format!("holds {} bytes", bytes.len()), "put 16 random bytes or more into it"));
    }
    Ok(Some(bytes))
}

/// What stands in the way of a folder that is to be there or to be made: something that is no folder, in its place or above
/// it. Who may not look at what is there is told when it is made.
pub fn in_the_way(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|above| above.exists()).filter(|above| !above.is_dir())
}

fn folder(path: &Path, key: &str) -> Result<(), Refusal> {
    in_the_way(path).map_or(Ok(()), |file| {
        let reason = format!("{} is no folder", file.display());
        Err(Refusal::one(format!("{} ({key})", path.display()), reason, "name a folder; it is made if need be"))
    })
}

/// Whether there is a file to read.
///
/// # Errors
/// That there is none.
pub fn readable(path: &Path) -> Result<(), Refusal> {
    let found = path.metadata().map_err(|error| unreadable(path, &error))?;
    if found.is_dir() {
        return Err(unreadable(path, &io::ErrorKind::IsADirectory.into()));
    }
    // Opening a pipe twice would lose what its writer has sent in between.
    if found.is_file() {
        File::open(path).map_err(|error| unreadable(path, &error))?;
    }
    Ok(())
}

/// A file that cannot be read.
pub fn unreadable(path: &Path, error: &io::Error) -> Refusal {
    let (reason, remedy) = unread(error);
    Refusal::one(path.display().to_string(), reason, remedy)
}

/// The first faults of a file, and how many there are in all.
fn cut(mut refusal: Refusal, path: &Path) -> Refusal {
    let faults = refusal.0.len();
    if faults > MAX_FAULTS {
        refusal.0.truncate(MAX_FAULTS);
        let more = format!("has {} more faults", faults - MAX_FAULTS);
        refusal.0.push(Fault::new(path.display().to_string(), more, "mend those above first"));
    }
    refusal
}
