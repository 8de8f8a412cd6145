mod economy;
mod files;
mod fixtures;
mod operations;

use std::collections::HashMap;

use serde_json::Value;

use crate::{Label, SimConfig, SimRecord, records};

/// All records of a configuration with their parsed JSON, and the labels.
fn run(config: &SimConfig) -> (Vec<(SimRecord, Value)>, Vec<Label>) {
    let mut records = records(config);
    let parsed = records
        .by_ref()
        .map(|record| {
            let json = serde_json::from_slice(&record.json).unwrap();
            (record, json)
        })
        .collect();
    (parsed, records.labels().to_vec())
}

fn text<'a>(json: &'a Value, path: &str) -> &'a str {
    json.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// Units of 10^−`places` for decimal text.
fn units(text: &str, places: usize) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<places$}").parse().unwrap()
}

/// The illicit transactions by (source, id): operation, role, amount as text.
fn illicit(labels: &[Label]) -> HashMap<(String, String), (String, &'static str, String)> {
    labels
        .iter()
        .filter_map(|label| match label {
            Label::Transaction { tx_id, source, operation, role, illicit_amount, .. } => {
                Some((((*source).to_owned(), tx_id.clone()), (operation.clone(), *role, illicit_amount.clone())))
            }
            Label::Account { .. } => None,
        })
        .collect()
}
