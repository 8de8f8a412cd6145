//! History that ends before the stream, and history that reaches into it.

use std::sync::Arc;

use mareva_model::format_time;
use mareva_monitoring::{RuleText, Ruleset};

use super::{APPENDED, BANK, INNOCENT, LISTED, parts};
use crate::{InputRecord, InputSlice, Output, Parts, Pipeline};

const MINUTE: i64 = 60_000;
const PAYER: &str = "DE89370400440532013000";
const PAYEE: &str = "GB29NWBK60161331926819";

/// Money that comes in and leaves within the day fires.
fn with_a_rule() -> Parts {
    let folder = format!("{}/../../rules/rapid-pass-through", env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    let text = RuleText { folder: "rapid-pass-through".to_owned(), toml: read("rule.toml"), sql: read("rule.sql") };
    Parts { ruleset: Arc::new(Ruleset::load(&[text]).unwrap()), ..parts() }
}

fn slice(seq: u64, partition: i32, payments: &[String], epoch: mareva_model::Digest) -> InputSlice {
    let record = |(offset, text): (usize, &String)| InputRecord {
        topic: BANK.into(),
        partition,
        offset: i64::try_from(offset).unwrap() + 1_000 * i64::try_from(seq).unwrap(),
        append_time: APPENDED,
        payload: text.clone().into_bytes().into(),
    };
    let records = payments.iter().enumerate().map(record).collect();
    InputSlice { seq, records, tick: APPENDED, end: false, joined: Vec::new(), epoch }
}

/// A payment so many minutes before the stream is appended.
fn pay(id: &str, minutes: i64, from: &str, to: &str, amount: u32) -> String {
    let time = format_time(APPENDED - minutes * MINUTE);
    format!(
        r#"{{"type":"credit_transfer","tx_id":"{id}","source":"MRVADEFF","time":"{time}","amount":"{amount}.00","currency":"EUR",
        "originator":{{"account":"{from}"}},"beneficiary":{{"account":"{to}"}}}}"#
    )
}

fn before() -> Vec<String> {
    (0..3).map(|n| pay(&format!("B{n}"), 5_000 - n, PAYER, INNOCENT, 10)).collect()
}

/// Slices of the stream: a fast pass-through in each, and a payment to a listed account.
fn stream() -> Vec<Vec<String>> {
    let round = |n: i64| {
        let at = 1_000 - 100 * n;
        vec![
            pay(&format!("S{n}in"), at, PAYER, INNOCENT, 9_000),
            pay(&format!("S{n}out"), at - 20, INNOCENT, PAYEE, 8_950),
            pay(&format!("S{n}listed"), at - 30, PAYER, LISTED, 5),
        ]
    };
    (0..3).map(round).collect()
}

fn seeded(history: &[String]) -> Pipeline {
    let mut pipeline = Pipeline::new(with_a_rule()).unwrap();
    let loaded = pipeline.load_history(&slice(1, 7, history, pipeline.epoch())).unwrap();
    assert_eq!(loaded.counts.accepted, history.len() as u64);
    pipeline
}

fn judge(pipeline: &mut Pipeline, stream: &[Vec<String>]) -> Vec<Output> {
    let mut outputs = Vec::new();
    for payments in stream {
        let next = slice(pipeline.last_seq() + 1, 0, payments, pipeline.epoch());
        outputs.push(pipeline.process(&next).unwrap());
    }
    outputs
}

#[test]
fn a_stream_is_judged_alike_whether_history_ends_before_it_or_reaches_into_it() {
    let stream = stream();
    let expected = judge(&mut seeded(&before()), &stream);
    assert!(expected.iter().all(|output| output.counts.accepted == 3 && output.history_cut.is_none()));
    assert!(expected.iter().all(|output| !output.changes.is_empty() && output.hits.len() == 1));
    let alerts: Vec<_> = expected.iter().map(|output| output.alerts.clone()).collect();
    assert!(alerts.iter().all(|alerts| !alerts.is_empty()));
    // All of the stream, its middle alone, and one that goes on beyond it.
    let all = stream.concat();
    let beyond = [all.clone(), vec![pay("later", 1, PAYER, INNOCENT, 1)]].concat();
    for (overlap, restored) in [(&all, false), (&all, true), (&stream[1], false), (&beyond, false)] {
        let mut pipeline = seeded(&[before(), overlap.clone()].concat());
        assert_eq!(pipeline.retained().len(), 3 + overlap.len() as u64);
        if restored {
            // It ended before the stream brought anything.
            judge(&mut pipeline, &[Vec::new()]);
            let mut snapshot = Vec::new();
            pipeline.write_snapshot(&mut snapshot).unwrap();
            pipeline = Pipeline::restore(with_a_rule(), &mut snapshot.as_slice()).unwrap();
        }
        let mut outputs = judge(&mut pipeline, &stream);
        let cut = outputs[0].history_cut.take().unwrap();
        assert_eq!((cut.kept, cut.left_out), (3, overlap.len() as u64));
        assert_eq!(cut.from, APPENDED - 1_000 * MINUTE - 300_000);
        if restored {
            // Offsets count from another slice on.
            let figures = |outputs: &[Output]| -> Vec<_> {
                outputs.iter().map(|o| (o.counts, o.changes.len(), o.alerts.len(), o.low_time)).collect()
            };
            assert_eq!(figures(&outputs), figures(&expected));
        } else {
            assert_eq!(outputs, expected);
        }
    }
}

#[test]
fn history_makes_nothing_late_and_what_repeats_it_is_screened() {
    // The first record of the stream is younger than one that comes after, which history holds.
    let listed = pay("L", 900, PAYER, LISTED, 5);
    let older = pay("O", 4_000, PAYER, INNOCENT, 5);
    let mut pipeline = seeded(&[before(), vec![listed.clone()]].concat());
    let mut first = slice(1, 0, &[pay("S", 100, PAYER, INNOCENT, 1)], pipeline.epoch());
    // A partition that has said nothing holds low time, whatever history says.
    first.joined = vec![(BANK.into(), 0), (BANK.into(), 1)];
    let first = pipeline.process(&first).unwrap();
    assert_eq!((first.counts.accepted, first.low_time, first.history_cut), (1, None, None));
    let mut snapshot = Vec::new();
    pipeline.write_snapshot(&mut snapshot).unwrap();
    let mut pipeline = Pipeline::restore(with_a_rule(), &mut snapshot.as_slice()).unwrap();
    let second = pipeline.process(&slice(2, 1, &[older, listed.clone()], pipeline.epoch())).unwrap();
    let counts = second.counts;
    assert_eq!((counts.accepted, counts.repeated, counts.late, second.hits.len()), (1, 1, 0, 1));
    assert_eq!(second.alerts.len(), 1);
}
