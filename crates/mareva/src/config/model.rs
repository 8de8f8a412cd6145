use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mareva_kafka::Connection;
use mareva_screening::{ListConfig, lists_parties};
use serde::Deserialize;

use super::Span;

/// The config in force: defaults and what the user's file says instead. An empty text means none.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    pub institution: Institution,
    pub input: Input,
    pub output: Output,
    /// Properties of librdkafka by their dotted names; `consumer.` and `producer.` in front of those of one side.
    #[serde(skip)]
    pub kafka: BTreeMap<String, String>,
    pub semantics: Semantics,
    pub rules: Rules,
    #[serde(skip)]
    pub lists: Vec<ListFile>,
    pub tables: Tables,
    pub alerts: Alerts,
    pub decisions: Decisions,
    pub retention: Retention,
    pub snapshots: Snapshots,
    pub http: Http,
    pub log: Log,
}

/// A list, and the file with the key of its filters.
#[derive(Debug, Clone)]
pub struct ListFile {
    pub list: ListConfig,
    pub key_file: Option<PathBuf>,
    /// Where it is got.
    pub fetch: Option<ListFetch>,
    /// What it is called in the config, such as `lists.mules`, or on the command line.
    pub key: String,
    /// What its path is called there.
    pub path_key: String,
}

/// Where a list is published, and how what comes from there is checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListFetch {
    pub url: String,
    #[serde(default = "max_mib")]
    pub max_mib: u64,
    /// URL of its SHA-256.
    pub sha256: Option<String>,
    /// Key of minisign that signs it.
    pub public_key: Option<String>,
    /// URL of its signature; that of the list with `.minisig` where absent.
    pub signature: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub max_age: Option<Span>,
}

/// The largest official list has 120 MiB.
fn max_mib() -> u64 {
    1_024
}

impl ListFile {
    /// What a list is taken for of which only name and path are known: a sanctions list where the path holds parties rather
    /// than accounts or the name begins with `sanctions` or `ofac`; otherwise accounts that institutions confirmed as used for
    /// fraud.
    pub fn assumed(name: String, path: PathBuf) -> ListConfig {
        let is_sanctions = lists_parties(&path) || ["sanctions", "ofac"].iter().any(|start| name.starts_with(start));
        let list = if is_sanctions { ListConfig::sanctions } else { ListConfig::fraud };
        list(name, path)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct Institution {
    pub bics: Vec<String>,
    pub exchanges: Vec<String>,
    pub jurisdiction: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    pub bank: Vec<String>,
    pub exchange: Vec<String>,
    pub decisions: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Output {
    pub alerts: String,
    pub dead_letters: String,
    pub late: String,
    pub sequence: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Semantics {
    pub reference_currency: String,
    pub allowed_lateness: Span,
    pub max_ahead: Span,
    pub idle_after: Span,
    pub lookback: Span,
    pub max_rows: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Rules {
    pub path: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Tables {
    pub accounts: PathBuf,
    pub rates: PathBuf,
    pub vasps: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Alerts {
    pub episode: Span,
    pub hold: Span,
    pub clock_basis: String,
    pub fraud_legal_basis: String,
    pub sanctions_legal_basis: String,
    pub confidentiality: String,
    pub tlp: String,
    pub operation: String,
    pub notice_ref: String,
    pub subject_key_file: PathBuf,
    pub memory: Span,
    pub max_open: usize,
    pub max_closed: usize,
    pub max_signals: usize,
    pub max_targets: usize,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Decisions {
    pub approvers: Vec<Approver>,
    pub longest: Span,
    pub max_in_force: usize,
}

/// Somebody whose signature counts.
#[derive(Debug, Clone, Deserialize)]
pub struct Approver {
    pub name: String,
    pub key_id: String,
    pub public_key: String,
    pub may: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Retention {
    pub memory_mib: usize,
    pub path: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Snapshots {
    pub path: PathBuf,
    pub every: Span,
    pub keep: usize,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Http {
    pub listen: String,
    pub admin_token_file: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Log {
    pub format: String,
    pub level: String,
}

impl Config {
    /// Makes relative paths count from `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        let tables = &mut self.tables;
        let fixed = [
            &mut self.rules.path,
            &mut tables.accounts,
            &mut tables.rates,
            &mut tables.vasps,
            &mut self.alerts.subject_key_file,
            &mut self.http.admin_token_file,
            &mut self.retention.path,
            &mut self.snapshots.path,
        ];
        let lists = self.lists.iter_mut().flat_map(|one| {
            let parts = one.list.parts.iter_mut().map(|part| &mut part.path);
            let ca_file = one.fetch.as_mut().and_then(|fetch| fetch.ca_file.as_mut());
            parts.chain([&mut one.list.path]).chain(one.key_file.as_mut()).chain(ca_file)
        });
        for path in fixed.into_iter().chain(lists) {
            if !path.as_os_str().is_empty() {
                *path = folder.join(&*path);
            }
        }
        for (_, path) in self.kafka.iter_mut().filter(|(key, value)| Connection::names_path(key, value)) {
            // Both come from a text, so that nothing is lost here.
            *path = folder.join(&*path).to_string_lossy().into_owned();
        }
    }

    /// The topic that files of bank records stand for.
    pub fn bank_topic(&self) -> &str {
        self.input.bank.first().map_or("bank.transactions", String::as_str)
    }

    /// The topic that files of exchange records stand for.
    pub fn exchange_topic(&self) -> &str {
        self.input.exchange.first().map_or("exchange.transactions", String::as_str)
    }
}
