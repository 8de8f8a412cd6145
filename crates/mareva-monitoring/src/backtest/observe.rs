//! What tables say of labelled accounts, and when they begin.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{Decimal128Type, TimestampMillisecondType};
use mareva_model::Table;

use super::{BacktestError, TableFile};
use crate::key::{Key, KeyBuild, key_of};

/// Rows that are compared at a time, each by 32 bytes.
const ROWS_COMPARED: u64 = 1 << 23;

/// Keys of texts.
pub type Seen = HashSet<Key, KeyBuild>;

/// Money that went through an account, in hundredths of the reference currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Through {
    /// Came in.
    pub received: i128,
    /// Went out.
    pub sent: i128,
}

fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|name| (*name).to_owned()).collect()
}

/// Earliest and latest event time of some files.
///
/// # Errors
/// A damaged file.
pub fn earliest(files: &[TableFile]) -> Result<Option<(i64, i64)>, BacktestError> {
    let mut ends: Option<(i64, i64)> = None;
    for file in files {
        for batch in file.read(&names(&["event_time"]), 0, 1)? {
            let batch = batch?;
            for time in batch.column(0).as_primitive::<TimestampMillisecondType>().values() {
                let (from, to) = ends.unwrap_or((*time, *time));
                ends = Some((from.min(*time), to.max(*time)));
            }
        }
    }
    Ok(ends)
}

/// Rows of a table that stand in two of some files: how many of each pair, by the places of the files. A pair of one file has
/// them twice itself.
///
/// # Errors
/// A damaged file.
pub fn rows_twice(files: &[TableFile]) -> Result<BTreeMap<(usize, usize), u64>, BacktestError> {
    let rows: u64 = files.iter().map(TableFile::rows).sum();
    // Each round compares the rows of its share of all keys, so that memory has a bound.
    let rounds = u128::from(rows / ROWS_COMPARED + 1);
    let mut twice = BTreeMap::new();
    for round in 0..rounds {
        let mut seen: Vec<(Key, usize)> = Vec::new();
        for (number, file) in files.iter().enumerate() {
            for batch in file.read(&names(&["row_id"]), 0, 1)? {
                let batch = batch?;
                let keys = batch.column(0).as_string::<i32>().iter().flatten().map(key_of);
                seen.extend(keys.filter(|key| key % rounds == round).map(|key| (key, number)));
            }
        }
        seen.sort_unstable();
        for pair in seen.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            *twice.entry((pair[0].1, pair[1].1)).or_default() += 1;
        }
    }
    Ok(twice)
}

/// Identities of the transactions whose `<source>:<tx_id>` is among these keys. A row's own identity may be its UETR.
///
/// # Errors
/// A damaged file.
pub fn labelled_rows(transactions: &[TableFile], labelled: &Seen) -> Result<Seen, BacktestError> {
    let mut rows = Seen::default();
    let mut text = String::new();
    for file in transactions {
        for batch in file.read(&names(&["row_id", "source", "tx_id"]), 0, 1)? {
            let batch = batch?;
            let [ids, sources, tx_ids] = [0, 1, 2].map(|at| batch.column(at).as_string::<i32>());
            for row in 0..batch.num_rows() {
                let own = key_of(ids.value(row));
                text.clear();
                text.push_str(sources.value(row));
                text.push(':');
                text.push_str(if tx_ids.is_valid(row) { tx_ids.value(row) } else { "" });
                if labelled.contains(&own) || labelled.contains(&key_of(&text)) {
                    rows.insert(own);
                }
            }
        }
    }
    Ok(rows)
}

/// Of the accounts that move money: what went through them, counting only the transactions in `rows` where some are given.
///
/// # Errors
/// A damaged file.
pub fn through(
    movements: &[TableFile],
    accounts: &Seen,
    rows: Option<&Seen>,
) -> Result<HashMap<Key, Through, KeyBuild>, BacktestError> {
    let mut through: HashMap<Key, Through, KeyBuild> = HashMap::default();
    for file in movements {
        for batch in file.read(&names(&["account", "row_id", "direction", "amount_ref"]), 0, 1)? {
            let batch = batch?;
            let [owners, ids, directions] = [0, 1, 2].map(|at| batch.column(at).as_string::<i32>());
            let amounts = batch.column(3).as_primitive::<Decimal128Type>();
            for row in 0..batch.num_rows() {
                let account = key_of(owners.value(row));
                if !accounts.contains(&account) {
                    continue;
                }
                let of_account = through.entry(account).or_default();
                let id = ids.value(row);
                let id = Table::Movements.transaction(id).unwrap_or(id);
                if amounts.is_null(row) || rows.is_some_and(|rows| !rows.contains(&key_of(id))) {
                    continue;
                }
                let side = if directions.value(row) == "in" { &mut of_account.received } else { &mut of_account.sent };
                *side = side.saturating_add(amounts.value(row));
            }
        }
    }
    Ok(through)
}
