use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rfc3339;
use crate::{Decision, EntryRef, ListRef, MatchedOn, PartyRole, RuleRef, SourcePosition};

/// Why: every rule and hit that contributed, so that the alert can be derived again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Rules, by their first detection; signals that a second-level rule composed are among them.
    pub rules: Vec<RuleEvidence>,
    /// Hits, by (time, `row_id`).
    pub hits: Vec<HitEvidence>,
    /// Hits left out because there are too many; the ones in the middle are.
    pub hits_omitted: u64,
}

/// A rule and its detections about the subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleEvidence {
    /// The rule with its version and parameters.
    pub rule: Arc<RuleRef>,
    /// Its detections, by (time, `row_id`).
    pub detections: Vec<DetectionEvidence>,
    /// Detections left out because there are too many; the ones in the middle are.
    pub omitted: u64,
}

/// One row that crossed the line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectionEvidence {
    /// `row_id` in the rule's table.
    pub row_id: String,
    /// Time of the row.
    #[serde(with = "rfc3339")]
    pub event_time: i64,
    /// Where its transaction was read; null where it is not retained.
    pub position: Option<SourcePosition>,
    /// The rule's columns: the numbers that crossed the line, decimals as text.
    pub columns: BTreeMap<String, serde_json::Value>,
}

/// One confirmed hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HitEvidence {
    /// `row_id` of the transaction.
    pub row_id: String,
    /// Its time.
    #[serde(with = "rfc3339")]
    pub event_time: i64,
    /// Where it was read.
    pub position: Option<SourcePosition>,
    /// The party that matched.
    pub role: PartyRole,
    /// What matched.
    pub matched: MatchedOn,
    /// Whether the list binds in our jurisdiction.
    pub binding: bool,
    /// The list, with version and digest.
    pub list: Arc<ListRef>,
    /// The entry.
    pub entry: Arc<EntryRef>,
    /// The entry was listed, or changed, after the transaction had been judged: its money may have moved on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub look_back: bool,
}

/// A decision that an alert goes by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppliedDecision {
    /// Its id.
    pub id: String,
    /// What it decides: `cleared_pair`, `snooze`, `victim_at_risk` or `do_not_freeze_yet`.
    pub kind: String,
    /// Who signed it.
    pub by: Vec<String>,
    /// Why.
    pub reason: String,
    /// When it ends.
    #[serde(with = "rfc3339")]
    pub until: i64,
}

impl From<&Decision> for AppliedDecision {
    fn from(decision: &Decision) -> Self {
        Self {
            id: decision.id.clone(),
            kind: decision.ruling.as_str().to_owned(),
            by: decision.by.clone(),
            reason: decision.reason.clone(),
            until: decision.until,
        }
    }
}

impl Evidence {
    pub(super) fn clear_positions(&mut self) {
        for detection in self.rules.iter_mut().flat_map(|rule| &mut rule.detections) {
            detection.position = None;
        }
        for hit in &mut self.hits {
            hit.position = None;
        }
    }
}
