//! The `signals` table: one row a standing detection of a rule that raises a signal.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::error::ArrowError;
use mareva_model::{Detection, SubjectRole, Table};

use crate::level::Rows;
use crate::tables::schema_of;

/// One row of `signals`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Signal {
    pub row_id: String,
    /// Number of the transaction whose row it is: what rules judge it.
    pub transaction: u64,
    pub event_time: i64,
    pub subject: String,
    pub rule: String,
    pub subject_role: String,
    /// Hundredths.
    pub weight: i64,
}

/// The signals that windows may still reach, by number.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    rows: BTreeMap<u64, Arc<Signal>>,
    numbers: HashMap<String, u64>,
    next: u64,
}

/// `victim`, `suspect`, `listed` or `unknown`.
fn role_name(role: SubjectRole) -> &'static str {
    match role {
        SubjectRole::Victim => "victim",
        SubjectRole::Suspect => "suspect",
        SubjectRole::Listed => "listed",
        SubjectRole::Unknown => "unknown",
    }
}

impl Signal {
    pub fn of(detection: &Detection, weight: i64, transaction: u64) -> Self {
        Self {
            row_id: format!("{}:{}", detection.rule.id, detection.row_id),
            transaction,
            event_time: detection.event_time,
            subject: detection.subject.clone(),
            rule: detection.rule.id.clone(),
            subject_role: role_name(detection.rule.subject_role).to_owned(),
            weight,
        }
    }
}

impl Signals {
    /// Adds a signal and returns its number.
    pub fn raise(&mut self, signal: Signal) -> u64 {
        let number = self.next;
        self.next += 1;
        self.numbers.insert(signal.row_id.clone(), number);
        self.rows.insert(number, Arc::new(signal));
        number
    }

    /// The number of the standing signal with this identity.
    pub fn number(&self, row_id: &str) -> Option<u64> {
        self.numbers.get(row_id).copied()
    }

    pub fn get(&self, number: u64) -> Option<&Signal> {
        self.rows.get(&number).map(AsRef::as_ref)
    }

    /// The rows alone, under the same numbers: for timelines that are filled elsewhere.
    pub fn rows(&self) -> Self {
        Self { rows: self.rows.clone(), ..Self::default() }
    }

    /// Forgets a signal, after its level has let go of it.
    pub fn withdraw(&mut self, number: u64) {
        if let Some(signal) = self.rows.remove(&number)
            && self.numbers.get(&signal.row_id) == Some(&number)
        {
            self.numbers.remove(&signal.row_id);
        }
    }

    /// Signals before `before`, by number.
    pub fn expired(&self, before: i64) -> Vec<u64> {
        self.rows.iter().filter(|(_, s)| s.event_time < before).map(|(number, _)| *number).collect()
    }

    /// The first number that stays once `leaving` (ascending) have gone.
    pub fn first_but(&self, leaving: &[u64]) -> u64 {
        self.rows.keys().copied().find(|number| leaving.binary_search(number).is_err()).unwrap_or(self.next)
    }

    pub fn all(&self) -> impl Iterator<Item = &Signal> {
        self.rows.values().map(AsRef::as_ref)
    }

    pub fn numbers(&self) -> Vec<u64> {
        self.rows.keys().copied().collect()
    }

    /// Those that the others do not have, ascending.
    pub fn numbers_without(&self, others: &Self) -> Vec<u64> {
        let mut others = others.rows.keys().peekable();
        let is_new = |number: &&u64| {
            while others.next_if(|other| other < number).is_some() {}
            others.peek() != Some(number)
        };
        self.rows.keys().filter(is_new).copied().collect()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }
}

/// Signals as the table that rules see.
pub(crate) fn table<'a>(signals: impl Iterator<Item = &'a Signal>) -> Result<RecordBatch, ArrowError> {
    let signals: Vec<&Signal> = signals.collect();
    let text = |field: fn(&Signal) -> &str| -> ArrayRef {
        Arc::new(signals.iter().map(|s| Some(field(s))).collect::<StringArray>())
    };
    let weights: Decimal128Array = signals.iter().map(|s| Some(i128::from(s.weight))).collect();
    RecordBatch::try_new(
        schema_of(Table::Signals),
        vec![
            text(|s| &s.row_id),
            Arc::new(signals.iter().map(|s| Some(s.event_time)).collect::<TimestampMillisecondArray>()),
            text(|s| &s.subject),
            text(|s| &s.rule),
            text(|s| &s.subject_role),
            Arc::new(weights.with_precision_and_scale(10, 2)?),
        ],
    )
}

impl Rows for Signals {
    fn gather(&self, rows: &[u64], columns: &[String]) -> Result<RecordBatch, ArrowError> {
        let batch = table(rows.iter().filter_map(|row| self.get(*row)))?;
        let indices = columns.iter().map(|c| batch.schema_ref().index_of(c)).collect::<Result<Vec<_>, _>>()?;
        batch.project(&indices)
    }

    fn transaction(&self, row: u64) -> u64 {
        self.get(row).map_or(0, |signal| signal.transaction)
    }
}
