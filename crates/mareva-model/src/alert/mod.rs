//! The alert contract: what to freeze, how much, where, why and until when, enough to act on from the topic alone.
//!
//! One [`Alert`] is one revision of what is known about one subject under one regime on one day. Money is decimal text,
//! times are RFC 3339 in UTC, unknowns are null and named in `missing`. Field order is fixed and maps are sorted, so the
//! same alert always has the same bytes. `alert.schema.json` beside the pipeline describes the JSON.

mod evidence;
mod target;

use serde::{Deserialize, Serialize};

pub use evidence::{AppliedDecision, DetectionEvidence, Evidence, HitEvidence, RuleEvidence};
pub use target::{
    AmountBasis, ChainReferences, OurRole, PartyRef, PaymentReferences, SuspectMoney, Target, TargetKind,
};

use crate::{Digest, Regime, SubjectRole};

/// Version of the contract, in every alert; it goes up when a field changes its meaning or goes away.
pub const CONTRACT: u32 = 1;

/// Whether an alert still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// It stands. Whether its episode is over is a matter of time and no part of the content.
    Open,
    /// Nothing that it rested on holds any more: release what was restrained because of it.
    Withdrawn,
    /// The list entry that it rested on is gone: release, and record the delisting.
    BasisWithdrawn,
    /// Decisions set aside all that it rests on: release. It stands again where they end first.
    SetAside,
}

/// How urgent it is, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// When there is time.
    Low,
    /// Today.
    Medium,
    /// Within the hour.
    High,
    /// Now.
    Critical,
}

impl Severity {
    /// The severity that a rule names; an unknown word is medium, so that a slip of the pen hides nothing.
    pub fn parse(text: &str) -> Self {
        match text {
            "low" => Self::Low,
            "high" => Self::High,
            "critical" => Self::Critical,
            _ => Self::Medium,
        }
    }
}

/// What to do, weakest first; an alert shows the strongest of its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A person looks at it.
    Review,
    /// Warn the payer.
    Warn,
    /// Report to the authority or to whoever holds the money; restrain nothing.
    Report,
    /// Ask another institution for a payment that has left us.
    Recall,
    /// Hold suspect money that is with us, up to the recommended amount.
    Hold,
    /// Block all property of a listed party.
    Block,
}

impl Action {
    /// The action that a rule names; an unknown word is a review, the weakest.
    pub fn parse(text: &str) -> Self {
        match text {
            "warn" => Self::Warn,
            "report" => Self::Report,
            "recall" => Self::Recall,
            "hold" => Self::Hold,
            "block" => Self::Block,
            _ => Self::Review,
        }
    }

    /// Whether it restrains money: `recall`, `hold` or `block`.
    pub fn restrains(self) -> bool {
        self >= Self::Recall
    }

    /// The word in the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Warn => "warn",
            Self::Report => "report",
            Self::Recall => "recall",
            Self::Hold => "hold",
            Self::Block => "block",
        }
    }
}

/// A stretch of time, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First millisecond.
    #[serde(with = "rfc3339")]
    pub from: i64,
    /// Last millisecond of a window; first millisecond after an episode.
    #[serde(with = "rfc3339")]
    pub to: i64,
}

/// What could go wrong by acting. Unknown is null, not false.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Safety {
    /// Acting, or being seen to act, may put a victim at risk.
    pub victim_at_risk: Option<bool>,
    /// An authority asked that nothing be frozen yet.
    pub do_not_freeze_yet: Option<bool>,
}

/// One revision of an alert. A later revision replaces an earlier one; a repeated `(alert_id, revision)` is the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// [`CONTRACT`].
    pub contract: u32,
    /// 32 hex digits, the same for the same subject, regime and episode, see [`alert_id`].
    pub alert_id: String,
    /// From 1, without gaps under one epoch; after a change of epoch numbers may be left out, none comes again.
    pub revision: u32,
    /// Whether it stands.
    pub status: AlertStatus,
    /// Fraud hold or sanctions block; never both in one alert.
    pub regime: Regime,
    /// The reason for the alert: an account, wallet, device or listed party. Not what to restrain: see `targets`.
    pub subject: String,
    /// What the subject is suspected to be.
    pub subject_role: SubjectRole,
    /// Name of the subject as its transactions gave it, the latest one.
    pub subject_name: Option<String>,
    /// Highest severity of what contributed.
    pub severity: Severity,
    /// Strongest action of the targets.
    pub action: Action,
    /// ISO 20022 code: `FRAD` and kin for a recall, `RR04` (regulatory reason) for sanctions.
    pub reason_code: String,
    /// ISO 3166 code of the place whose law the institution acts under.
    pub jurisdiction: Option<String>,
    /// The law, order or programme.
    pub legal_basis: Option<String>,
    /// Time of the first contribution.
    #[serde(with = "rfc3339")]
    pub event_time: i64,
    /// Time of the last contribution, or of the last movement of suspect money after it in the same episode: amounts are as
    /// of then.
    #[serde(with = "rfc3339")]
    pub as_of: i64,
    /// The day it belongs to.
    pub episode: Span,
    /// Time covered by the rows that its rules and lists rest on.
    pub window: Span,
    /// Id of the previous alert on the same subject under the same regime.
    pub continues: Option<String>,
    /// Until when a fraud hold may last unless an authority extends it; null where nothing expires.
    #[serde(with = "rfc3339::optional")]
    pub expires_at: Option<i64>,
    /// The rule of law or policy behind `expires_at`.
    pub clock_basis: Option<String>,
    /// The suspect money in one currency, for ranking and for the whole picture; null where none was established.
    pub money: Option<SuspectMoney>,
    /// What to restrain, one per payment or account.
    pub targets: Vec<Target>,
    /// Targets left out because there are too many; the smallest amounts are.
    pub targets_omitted: u64,
    /// Fields above that are null because nobody knows, by name; each target has its own.
    pub missing: Vec<String>,
    /// What could go wrong by acting.
    pub safety: Safety,
    /// Whether the customer may be told.
    pub confidentiality: Option<String>,
    /// Traffic light protocol, with whom it may be shared.
    pub tlp: Option<String>,
    /// Operation it belongs to.
    pub operation: Option<String>,
    /// Notice or order that it answers.
    pub notice_ref: Option<String>,
    /// Decisions that make it say something else than it would, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<AppliedDecision>,
    /// Rules, detections and hits behind it.
    pub evidence: Evidence,
    /// Digest of rules, lists, tables, rates and config in force.
    pub epoch: Digest,
    /// Version of the engine.
    pub engine: String,
}

/// The id of the alert on `subject` under `regime` in the episode with this number (`⌊event_time ÷ episode length⌋`).
pub fn alert_id(regime: Regime, subject: &str, episode: i64) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(match regime {
        Regime::Fraud => b"mareva alert fraud",
        Regime::Sanctions => b"mareva alert sanctions",
    });
    hasher.update(&episode.to_le_bytes());
    hasher.update(subject.as_bytes());
    let hex = hasher.finalize().to_hex();
    hex.as_str().chars().take(32).collect()
}

impl Alert {
    /// The JSON as published: no white space, fixed field order.
    pub fn to_json(&self) -> Vec<u8> {
        // Plain structs with text keys: there is nothing in them that JSON cannot hold.
        serde_json::to_vec(self).expect("an alert holds only what JSON can hold")
    }

    /// Reads an alert back.
    ///
    /// # Errors
    /// What the JSON has wrong.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The JSON without what depends on how the same input was cut: the revision and the source positions. Two runs over
    /// the same accepted rows agree in this for the last revision of every alert that stands.
    pub fn content(&self) -> Vec<u8> {
        let mut bare = self.clone();
        bare.revision = 0;
        bare.evidence.clear_positions();
        bare.to_json()
    }

    /// Key of the record on the topic: the subject, or its keyed BLAKE3 hash in hex where the topic's keys must not name
    /// accounts. Equal subjects have equal keys either way.
    pub fn key(&self, key_file: Option<&[u8]>) -> String {
        match key_file {
            None => self.subject.clone(),
            Some(secret) => {
                let key = blake3::derive_key("mareva 2026 key of alert records", secret);
                blake3::keyed_hash(&key, self.subject.as_bytes()).to_hex().to_string()
            }
        }
    }

    /// One line in plain words, for a terminal.
    pub fn headline(&self) -> String {
        let mut line = match self.status {
            AlertStatus::Open => self.action.as_str().to_owned(),
            AlertStatus::Withdrawn => "withdrawn".to_owned(),
            AlertStatus::BasisWithdrawn => "basis withdrawn".to_owned(),
            AlertStatus::SetAside => "set aside".to_owned(),
        };
        if let Some(money) = self.money.as_ref().filter(|_| self.action >= Action::Report) {
            line.push_str(&format!(" {} {}", money.recommended, money.currency));
        }
        let targets = self.targets.iter().filter(|target| target.action == self.action).count();
        match targets {
            0 => {}
            1 => line.push_str(" at 1 place"),
            n => line.push_str(&format!(" at {n} places")),
        }
        line.push_str(&format!(" because of {}", self.subject));
        if let Some(name) = &self.subject_name {
            line.push_str(&format!(" ({name})"));
        }
        let titles = self.evidence.rules.iter().map(|rule| rule.rule.title.as_str());
        let lists = self.evidence.hits.iter().map(|hit| hit.list.name.as_str());
        let mut reasons: Vec<&str> = titles.chain(lists).collect();
        reasons.dedup();
        if !reasons.is_empty() {
            reasons.truncate(4);
            line.push_str(&format!(": {}", reasons.join(", ")));
        }
        line
    }
}

/// Times in the contract: RFC 3339 in UTC with milliseconds, [`i64`] milliseconds in memory.
mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::{format_time, parse_time};

    pub(super) fn serialize<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_time(*ms))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse_time(&text).map_err(serde::de::Error::custom)
    }

    pub(super) mod optional {
        use serde::{Deserialize, Deserializer, Serializer};

        use crate::{format_time, parse_time};

        pub(in super::super) fn serialize<S: Serializer>(ms: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
            match ms {
                Some(ms) => serializer.serialize_some(&format_time(*ms)),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<i64>, D::Error> {
            <Option<String>>::deserialize(deserializer)?
                .map(|text| parse_time(&text).map_err(serde::de::Error::custom))
                .transpose()
        }
    }
}

#[cfg(test)]
mod tests;
