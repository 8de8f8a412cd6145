//! The schemas of what comes in say what the decoder takes.

#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::fs;
use std::path::Path;

use mareva_codec::{Decoder, Limits, Record, Stream};
use serde_json::{Value, json};

fn codec(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/mareva-codec").join(file);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn is_decoded(record: &Value) -> bool {
    let mut decoder = Decoder::new(Limits::default());
    let payload = record.to_string();
    let record = Record { topic: "t", partition: 0, offset: 0, append_time: 0, payload: payload.as_bytes() };
    decoder.decode(Stream::Exchange, record);
    decoder.finish().batch.len() == 1
}

#[test]
fn what_ethereum_etl_may_write_is_valid_where_it_is_decoded() {
    let schema = jsonschema::validator_for(&codec("schema/exchange.schema.json")).unwrap();
    let [transaction, transfer] = ["transaction", "token_transfer"].map(|kind| {
        let example = codec(&format!("examples-data/exchange.{kind}.json"));
        move |key: &str, value: &Value| {
            let mut record = example.clone();
            record[key] = value.clone();
            record
        }
    });
    let contract = "0x6b75d8af000000e20b7a7ddf000ba900b4009a80";
    let values = [
        json!(0),
        json!(1),
        json!(2),
        json!(-1),
        json!("0"),
        json!("1"),
        json!("2"),
        json!("-1"),
        json!(""),
        json!("x"),
        json!(null),
        json!(contract),
        json!(true),
    ];
    for value in &values {
        for record in [
            transaction("receipt_status", value),
            transaction("to_address", value),
            transaction("receipt_contract_address", value),
            transfer("log_index", value),
            transfer("to_address", value),
        ] {
            assert_eq!(schema.is_valid(&record), is_decoded(&record), "{record}");
        }
    }
}
