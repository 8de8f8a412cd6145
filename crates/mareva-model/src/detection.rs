use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a rule's detection becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Raises {
    /// A weak signal: a row of the `signals` table, for second-level rules.
    Signal,
    /// An alert.
    Alert,
}

/// What the subject of a detection is suspected to be. A victim's account is never a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectRole {
    /// Loses the money.
    Victim,
    /// Receives or moves it.
    Suspect,
    /// Named on a list.
    Listed,
    /// Not known.
    Unknown,
}

/// What an alert of a rule asks to restrain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Targets {
    /// The suspect money on the subject's account, and the payments that carried it on.
    SubjectAccount,
    /// The payments that left the subject, at their beneficiaries.
    OutgoingPayments,
    /// Nothing.
    None,
}

/// A table of the rules.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// One row a transaction.
    #[default]
    Transactions,
    /// One row a leg.
    Movements,
    /// One row a standing detection of a rule that raises a signal.
    Signals,
}

impl Table {
    /// The name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::Movements => "movements",
            Self::Signals => "signals",
        }
    }

    /// The `row_id` of the transaction that a row of this table is of; a signal is of a row of its rule's table. Senders choose ids:
    /// that of a transaction may look like that of a leg.
    pub fn transaction(self, row_id: &str) -> Option<&str> {
        match self {
            Self::Transactions => Some(row_id),
            Self::Movements => row_id.strip_suffix("/in").or_else(|| row_id.strip_suffix("/out")),
            Self::Signals => None,
        }
    }
}

/// The rule behind a detection, with all that makes it derivable again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleRef {
    /// Rule id, the name of its folder.
    pub id: String,
    /// Version from `rule.toml`.
    pub version: u32,
    /// Title.
    pub title: String,
    /// `low`, `medium`, `high`, `critical`.
    pub severity: String,
    /// Signal or alert.
    pub raises: Raises,
    /// The table whose rows it fires on: what its `row_id` is of. Senders choose ids, so that one of one table may look like
    /// one of another. Alerts of earlier versions do not say.
    #[serde(default)]
    pub table: Table,
    /// Whether a row may be in several of its windows: `@` and the start of the window then follow its `row_id`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hops: bool,
    /// Role of its subject.
    pub subject_role: SubjectRole,
    /// What to restrain.
    pub targets: Targets,
    /// `hold`, `recall`, `report`, `warn`, `review`.
    pub action: String,
    /// ISO 20022 `ExternalCancellationReason1Code` for a recall, such as `FRAD`.
    pub reason_code: String,
    /// Typology id and name.
    pub typology: String,
    /// Longest window of the rule, milliseconds: how far back its rows reach.
    pub span_ms: i64,
    /// Parameter values in force, by name.
    pub parameters: std::collections::BTreeMap<String, String>,
    /// Whether it is only tried: evaluated and reported, never a signal and in no alert.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
    /// The rule whose place it is to take, of one that is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger_of: Option<String>,
}

impl RuleRef {
    /// Whether its detections are signals.
    pub fn raises_signals(&self) -> bool {
        self.raises == Raises::Signal && !self.shadow
    }

    /// Whether its detections become alerts.
    pub fn raises_alerts(&self) -> bool {
        self.raises == Raises::Alert && !self.shadow
    }
}

impl RuleRef {
    /// The `row_id` in the rule's table that this one of a detection is of and, of a hopping window, when that began, UTC
    /// milliseconds.
    pub fn row_of<'d>(&self, row_id: &'d str) -> (&'d str, Option<i64>) {
        let of_window = row_id.rsplit_once('@').filter(|_| self.hops);
        let begun = of_window.and_then(|(row, start)| Some((row, Some(start.parse().ok()?))));
        begun.unwrap_or((row_id, None))
    }
}

/// A row of a rule's SQL: this subject, at this row, crossed the line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The rule.
    pub rule: Arc<RuleRef>,
    /// `row_id` in the rule's table (a movement's ends in `/in` or `/out`; a signal's is `rule:row_id`; of a hopping window, `@` and
    /// its start follow).
    pub row_id: String,
    /// Account, device or other key the rule is about.
    pub subject: String,
    /// Time of the row, UTC milliseconds.
    pub event_time: i64,
    /// The rule's other columns as JSON (decimals as text): the numbers that crossed the line.
    pub columns: serde_json::Map<String, serde_json::Value>,
}

/// How a detection came or went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change", content = "detection")]
pub enum DetectionChange {
    /// New.
    Raised(Detection),
    /// Still holds with other numbers, after a late row.
    Revised(Detection),
    /// No longer holds.
    Withdrawn(Detection),
}

impl DetectionChange {
    /// The detection, whatever became of it.
    pub fn detection(&self) -> &Detection {
        match self {
            Self::Raised(d) | Self::Revised(d) | Self::Withdrawn(d) => d,
        }
    }
}

#[cfg(test)]
mod tests;
