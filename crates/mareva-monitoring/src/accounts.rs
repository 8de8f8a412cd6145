//! The `accounts` reference table that rules may join.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::key::{Key, KeyBuild, key_of};

/// What accounts are for: the roles that there are.
pub const ROLES: [&str; 8] = ["retail", "business", "payroll", "merchant", "psp", "omnibus", "internal", "collective"];

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
    /// One of [`ROLES`].
    #[serde(default)]
    pub role: Option<String>,
    /// UTC milliseconds.
    #[serde(default)]
    pub opened_at: Option<i64>,
    /// ISO 3166 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
}

/// What the table says of an account that every row of the stream needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownAccount<'a> {
    /// See [`Account::role`].
    pub role: Option<&'a str>,
    /// See [`Account::segment`].
    pub segment: Option<&'a str>,
    /// See [`Account::customer`].
    pub customer: Option<&'a str>,
}

/// Where it stands: roles and segments are few, so that they stay in the cache while the table does not.
#[derive(Debug, Clone, Copy)]
struct Place {
    row: u32,
    role: Option<NonZeroU32>,
    segment: Option<NonZeroU32>,
}

/// Accounts by identifier, immutable.
#[derive(Debug, Clone)]
pub struct Accounts {
    batch: RecordBatch,
    rows: HashMap<Key, Place, KeyBuild>,
    roles: Names,
    segments: Names,
}

/// Different texts, numbered from 1.
#[derive(Debug, Clone, Default)]
struct Names(Vec<String>);

impl Names {
    fn get(&self, number: Option<NonZeroU32>) -> Option<&str> {
        self.0.get(number?.get() as usize - 1).map(String::as_str)
    }
}

/// Numbers texts while a table is made.
#[derive(Default)]
struct Numbering<'a>(HashMap<&'a str, NonZeroU32>, Names);

impl<'a> Numbering<'a> {
    fn number(&mut self, text: Option<&'a str>) -> Option<NonZeroU32> {
        let (text, Self(numbers, Names(names))) = (text?, self);
        if let Some(number) = numbers.get(text) {
            return Some(*number);
        }
        names.push(text.to_owned());
        // A table has fewer rows than that.
        let number = NonZeroU32::new(u32::try_from(names.len()).ok()?)?;
        numbers.insert(text, number);
        Some(number)
    }
}

/// Where [`accounts_schema`] has the customer.
const CUSTOMER: usize = 1;

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
        let (mut roles, mut segments) = (Numbering::default(), Numbering::default());
        let mut rows = HashMap::with_capacity_and_hasher(kept.len(), KeyBuild::default());
        for (row, account) in (0..).zip(kept) {
            let (role, segment) = (roles.number(account.role.as_deref()), segments.number(account.segment.as_deref()));
            rows.insert(key_of(&account.account), Place { row, role, segment });
        }
        Self { batch, rows, roles: roles.1, segments: segments.1 }
    }

    /// The table itself.
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// How many accounts have each role; `None` stands for those without.
    pub fn by_role(&self) -> BTreeMap<Option<&str>, usize> {
        let mut counts = BTreeMap::new();
        for place in self.rows.values() {
            *counts.entry(self.roles.get(place.role)).or_default() += 1;
        }
        counts
    }

    /// An account.
    pub fn find(&self, account: &str) -> Option<KnownAccount<'_>> {
        self.known(*self.rows.get(&key_of(account))?)
    }

    /// The accounts of a column. The table is larger than any cache: each step is taken for all of them, so that the processor waits
    /// for the memory of several at once.
    pub fn find_all(&self, accounts: &StringArray) -> Vec<Option<KnownAccount<'_>>> {
        if self.rows.is_empty() {
            return vec![None; accounts.len()];
        }
        let keys: Vec<Option<Key>> = accounts.iter().map(|account| account.map(key_of)).collect();
        let places: Vec<Option<Place>> = keys.iter().map(|key| self.rows.get(key.as_ref()?).copied()).collect();
        places.into_iter().map(|place| self.known(place?)).collect()
    }

    fn known(&self, place: Place) -> Option<KnownAccount<'_>> {
        let customers = self.batch.column(CUSTOMER).as_any().downcast_ref::<StringArray>()?;
        let row = place.row as usize;
        Some(KnownAccount {
            role: self.roles.get(place.role),
            segment: self.segments.get(place.segment),
            customer: customers.is_valid(row).then(|| customers.value(row)),
        })
    }

    /// Where in the table the accounts named in `keys` are; null where there is no such account.
    pub(crate) fn places(&self, keys: &StringArray) -> UInt32Array {
        keys.iter().map(|key| self.rows.get(&key_of(key?)).map(|place| place.row)).collect()
    }

    /// A column of the accounts at these places.
    pub(crate) fn column(&self, places: &UInt32Array, column: &str) -> Result<ArrayRef, ArrowError> {
        take(self.batch.column(self.batch.schema_ref().index_of(column)?), places, None)
    }
}
