//! How fast the whole path is beside decoding alone, on one thread and in memory, and how many rows a GiB holds.

use std::time::Duration;

use mareva_benches::{Arriving, BANK, Economy, Transfers, Usage, option, resident_bytes};
use mareva_codec::{Decoder, Limits, Record, Stream};
use mareva_pipeline::{InputRecord, InputSlice, Parts, Pipeline};

const GIB: f64 = (1_u64 << 30) as f64;

pub(crate) fn measure() -> Result<(), mareva_pipeline::Error> {
    let transactions: u64 = option("transactions", 1_000_000);
    let slice: usize = option("slice", 4_096);
    let seed: u64 = option("seed", 1);
    let rounds: u32 = option("rounds", 3);
    let accounts: u64 = option("accounts", 0);
    let entries: u64 = option("list-entries", 0);

    let arriving = || -> Box<dyn Iterator<Item = InputRecord>> {
        match accounts {
            0 => Box::new(Arriving::new(seed, transactions)),
            _ => Box::new(Transfers::new(seed, accounts, transactions)),
        }
    };
    let mut economy = Economy::without_records(seed, if accounts == 0 { transactions } else { 100_000 });
    let parts = match accounts {
        0 => economy.parts_beside(entries, economy.accounts()),
        _ => economy.parts_beside(entries, &Transfers::new(seed, accounts, transactions).accounts_table()),
    };
    // First, while the process holds nothing else and no freed memory hides what is taken.
    let held = held(&parts, arriving(), slice)?;
    economy.records = arriving().collect();
    let count = economy.records.len();
    let bytes: usize = economy.records.iter().map(|record| record.payload.len()).sum();
    println!(
        "accounts               {:>12} in the table, {entries} entries on a list beside",
        parts.accounts.batch().num_rows()
    );
    println!("records                {count} of {} bytes, slices of {slice}", bytes / count.max(1));

    let decoding = best(rounds, || decode(&economy.records, slice));
    let slices = economy.slices(slice, parts.epoch());
    drop(economy);
    let (mut pipeline, judging) = judge(Pipeline::new(parts.clone())?, &slices)?;
    let sizes = pipeline.sizes();
    let mut judging_best = judging.time;
    for _ in 1..rounds {
        drop(pipeline);
        let again;
        (pipeline, again) = judge(Pipeline::new(parts.clone())?, &slices)?;
        judging_best = judging_best.min(again.time);
    }

    let rate = |time: Duration| count as f64 / time.as_secs_f64();
    println!("decode only            {:>12.0} records/s   {:.3} µs each", rate(decoding), micros(decoding, count));
    println!(
        "whole path             {:>12.0} records/s   {:.3} µs each",
        rate(judging_best),
        micros(judging_best, count)
    );
    println!("ratio                  {:>12.3}", rate(judging_best) / rate(decoding));
    println!("accepted               {:>12}", judging.accepted);
    println!("alert revisions        {:>12}", judging.alerts);
    println!("rows retained          {:>12}", sizes.rows);
    println!("rows on timelines      {:>12}", sizes.timeline_rows);
    println!("keys on timelines      {:>12}", sizes.keys);
    println!("timelines a transaction{:>12.2}", sizes.timeline_rows as f64 / sizes.rows.max(1) as f64);
    println!("resident for the state {:>12.3} GiB", held as f64 / GIB);
    println!("of it, retained rows   {:>12.3} GiB", sizes.retained_bytes as f64 / GIB);
    println!("of it, facts of rules  {:>12.3} GiB", sizes.fact_bytes as f64 / GIB);
    println!("rows per GiB           {:>12.0}", sizes.rows as f64 / (held as f64 / GIB));
    Ok(())
}

/// Bytes that the state takes after all records, which come one slice at a time and are not kept.
fn held(
    parts: &Parts,
    mut arriving: impl Iterator<Item = InputRecord>,
    size: usize,
) -> Result<u64, mareva_pipeline::Error> {
    let mut pipeline = Pipeline::new(parts.clone())?;
    let before = resident_bytes();
    for at in 0.. {
        let records: Vec<InputRecord> = arriving.by_ref().take(size).collect();
        if records.is_empty() {
            break;
        }
        pipeline.process(&mareva_benches::slice(at, records, false, parts.epoch()))?;
    }
    Ok(resident_bytes().saturating_sub(before))
}

fn micros(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e6 / count.max(1) as f64
}

/// The fastest of some rounds: the others were disturbed.
fn best(rounds: u32, mut round: impl FnMut() -> Duration) -> Duration {
    (0..rounds.max(1)).map(|_| round()).min().unwrap_or_default()
}

fn decode(records: &[InputRecord], slice: usize) -> Duration {
    let mut decoder = Decoder::new(Limits::default());
    let usage = Usage::begin();
    let mut rows = 0;
    for records in records.chunks(slice) {
        for record in records {
            let stream = if &*record.topic == BANK { Stream::Bank } else { Stream::Exchange };
            let (partition, offset, append_time) = (record.partition, record.offset, record.append_time);
            let topic = &*record.topic;
            decoder.decode(stream, Record { topic, partition, offset, append_time, payload: &record.payload });
        }
        rows += decoder.finish().batch.len();
    }
    let time = usage.processor();
    assert!(rows > 0, "nothing was decoded");
    time
}

struct Judged {
    time: Duration,
    accepted: u64,
    alerts: usize,
}

fn judge(mut pipeline: Pipeline, slices: &[InputSlice]) -> Result<(Pipeline, Judged), mareva_pipeline::Error> {
    let (mut accepted, mut alerts) = (0, 0);
    let usage = Usage::begin();
    for slice in slices {
        let output = pipeline.process(slice)?;
        accepted += output.counts.accepted;
        alerts += output.alerts.len();
    }
    Ok((pipeline, Judged { time: usage.processor(), accepted, alerts }))
}
