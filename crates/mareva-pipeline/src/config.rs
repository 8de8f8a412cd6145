use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use mareva_codec::{Approvers, Limits, Stream};
use mareva_model::{Digest, digest};
use mareva_monitoring::{Accounts, Bounds, Ruleset, Spill};
use mareva_screening::Watchlist;

use crate::Rates;
use crate::alerts::AlertConfig;

/// What decides the outcome, beside lists, rules and tables: the semantic part of the config. Times in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineConfig {
    /// Format of each input topic.
    pub streams: BTreeMap<String, Stream>,
    /// How far below low time a row may be and still count.
    pub allowed_lateness_ms: i64,
    /// How far beyond its append time a row may be.
    pub max_ahead_ms: i64,
    /// After this long without a record a partition does not hold low time.
    pub idle_after_ms: i64,
    /// How far back alerts look on an account at least; further where the windows of rules reach further.
    pub lookback_ms: i64,
    /// Transactions retained before the state says that it is over its budget.
    pub max_rows: u64,
    /// Limits of the decoders.
    pub limits: Limits,
    /// How alerts are made.
    pub alerts: AlertConfig,
    /// Whose decisions count.
    pub decisions: DecisionConfig,
}

/// Where decisions come from, and which take force.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecisionConfig {
    /// Topics of decisions.
    pub topics: BTreeSet<String>,
    /// Whose signatures count.
    pub approvers: Approvers,
    /// The longest that one may last, milliseconds.
    pub longest_ms: i64,
    /// How many may be in force, and as many that ended early be remembered.
    pub max_in_force: usize,
}

impl PipelineConfig {
    /// Bounds of monitoring.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { allowed_lateness_ms: self.allowed_lateness_ms, lookback_ms: self.lookback_ms, max_rows: self.max_rows }
    }

    /// How far back alerts look where the windows behind a detection reach `reach_ms`: an alert looks back from the start of
    /// its episode.
    pub(crate) fn look_back(&self, reach_ms: i64) -> i64 {
        self.lookback_ms.max(self.alerts.episode_ms.saturating_add(reach_ms))
    }
}

/// All that is in force, built and checked by the binary. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Lists.
    pub watchlist: Arc<Watchlist>,
    /// Rules.
    pub ruleset: Arc<Ruleset>,
    /// The `accounts` table.
    pub accounts: Arc<Accounts>,
    /// Digest of the text that `accounts` was read from.
    pub accounts_digest: Digest,
    /// Identifiers of accounts at exchanges and other VASPs.
    pub vasps: Arc<HashSet<String>>,
    /// Rates.
    pub rates: Arc<Rates>,
    /// Config.
    pub config: Arc<PipelineConfig>,
    /// Where retained rows go that memory does not hold; it decides nothing, and is no part of the epoch.
    pub spill: Option<Spill>,
}

impl Parts {
    /// The same with other rules.
    #[must_use]
    pub fn with_rules(&self, ruleset: Arc<Ruleset>) -> Self {
        Self { ruleset, ..self.clone() }
    }

    /// The same with other lists.
    #[must_use]
    pub fn with_lists(&self, watchlist: Arc<Watchlist>) -> Self {
        Self { watchlist, ..self.clone() }
    }

    /// The epoch: one digest of everything in force and of this version of the engine.
    pub fn epoch(&self) -> Digest {
        self.frame().epoch(self.ruleset.digest(), self.watchlist.epoch())
    }

    /// What an epoch is made of beside rules and lists.
    pub fn frame(&self) -> EpochFrame {
        let mut vasps: Vec<&String> = self.vasps.iter().collect();
        vasps.sort_unstable();
        let mut config = PipelineConfig::clone(&self.config);
        // The alerts' own copy of the epoch follows from the rest.
        config.alerts.epoch = Digest([0; 32]);
        let parts = [
            env!("CARGO_PKG_VERSION").to_owned(),
            self.accounts_digest.to_string(),
            self.rates.reference().to_owned(),
            self.rates.digest().map(|d| d.to_string()).unwrap_or_default(),
            format!("{vasps:?}"),
            format!("{config:?}"),
        ];
        EpochFrame(digest(parts.join("\n").as_bytes()))
    }
}

/// All that an epoch is made of but rules and lists, as one digest: those change while the process runs, the rest does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochFrame(Digest);

impl EpochFrame {
    /// The epoch with rules of this digest, and lists of that epoch.
    pub fn epoch(self, rules: Digest, lists: Digest) -> Digest {
        digest(format!("{}\n{rules}\n{lists}", self.0).as_bytes())
    }
}
