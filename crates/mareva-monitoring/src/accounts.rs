//! The `accounts` reference table that rules may join.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::key::{Key, KeyBuild, key_of};

/// One account of the reference table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// Canonical identifier.
    pub account: String,
    /// Customer that owns it: ties bank and exchange accounts.
    #[serde(default)]
    pub customer: Option<String>,
    /// Segment for parameters.
    #[serde(default)]
    pub segment: Option<String>,
    /// `retail`, `business`, `payroll`, `merchant`, `psp`, `omnibus`, `internal`, `collective`.
    #[serde(default)]
    pub role: Option<String>,
    /// UTC milliseconds.
    #[serde(default)]
    pub opened_at: Option<i64>,
    /// ISO 3166 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
}

/// Accounts by identifier, immutable.
#[derive(Debug, Clone)]
pub struct Accounts {
    batch: RecordBatch,
    rows: HashMap<Key, u32, KeyBuild>,
}

/// Schema of `accounts`.
pub fn accounts_schema() -> SchemaRef {
    static SCHEMA: OnceLock<SchemaRef> = OnceLock::new();
    SCHEMA
        .get_or_init(|| {
            Arc::new(Schema::new(vec![
                Field::new("account", DataType::Utf8, false),
                Field::new("customer", DataType::Utf8, true),
                Field::new("segment", DataType::Utf8, true),
                Field::new("role", DataType::Utf8, true),
                Field::new("opened_at", DataType::Timestamp(TimeUnit::Millisecond, None), true),
                Field::new("country", DataType::Utf8, true),
            ]))
        })
        .clone()
}

impl Accounts {
    /// A table of accounts; of two with one identifier the later counts.
    pub fn new(accounts: &[Account]) -> Self {
        let mut last: HashMap<&str, usize> = HashMap::with_capacity(accounts.len());
        for (index, account) in accounts.iter().enumerate() {
            last.insert(&account.account, index);
        }
        let kept: Vec<&Account> = accounts
            .iter()
            .enumerate()
            .filter(|(i, a)| last.get(a.account.as_str()) == Some(i))
            .map(|(_, a)| a)
            .collect();
        let text = |field: fn(&Account) -> Option<&str>| -> ArrayRef {
            Arc::new(kept.iter().map(|a| field(a)).collect::<StringArray>())
        };
        let columns: Vec<ArrayRef> = vec![
            text(|a| Some(&a.account)),
            text(|a| a.customer.as_deref()),
            text(|a| a.segment.as_deref()),
            text(|a| a.role.as_deref()),
            Arc::new(kept.iter().map(|a| a.opened_at).collect::<TimestampMillisecondArray>()),
            text(|a| a.country.as_deref()),
        ];
        let batch = RecordBatch::try_new(accounts_schema(), columns).expect("columns follow accounts_schema");
        let rows = kept.iter().enumerate().map(|(row, a)| (key_of(&a.account), row as u32)).collect();
        Self { batch, rows }
    }

    /// The table itself.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// Row of an account.
    pub fn row(&self, account: &str) -> Option<usize> {
        self.rows.get(&key_of(account)).map(|row| *row as usize)
    }

    /// A text column's value at a row.
    pub fn text(&self, row: usize, column: usize) -> Option<&str> {
        let array = self.batch.column(column).as_any().downcast_ref::<StringArray>()?;
        array.is_valid(row).then(|| array.value(row))
    }

    /// A column for the accounts named in `keys`; null where there is no such account.
    pub(crate) fn lookup(&self, keys: &StringArray, column: &str) -> Result<ArrayRef, ArrowError> {
        let indices: UInt32Array = keys.iter().map(|key| self.rows.get(&key_of(key?)).copied()).collect();
        take(self.batch.column(self.batch.schema_ref().index_of(column)?), &indices, None)
    }
}
