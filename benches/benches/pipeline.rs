//! Bytes to alerts in memory, and its two halves' state: snapshot and restore.
#![allow(missing_docs)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mareva_benches::Economy;
use mareva_pipeline::{InputSlice, Pipeline};

const RECORDS: u64 = 100_000;

fn run(mut pipeline: Pipeline, slices: &[InputSlice]) -> Pipeline {
    for slice in slices {
        pipeline.process(slice).expect("simulated records are judged");
    }
    pipeline
}

fn benches(c: &mut Criterion) {
    let economy = Economy::new(1, RECORDS);
    let parts = economy.parts();
    let new = || Pipeline::new(parts.clone()).expect("the shipped rules compile");
    let mut group = c.benchmark_group("pipeline");
    group.sample_size(10);
    group.throughput(Throughput::Elements(economy.records.len() as u64));
    for size in [256, 4_096] {
        let slices = economy.slices(size, parts.epoch());
        group.bench_function(format!("slices of {size}"), |b| {
            b.iter_batched(new, |pipeline| run(pipeline, &slices), BatchSize::PerIteration);
        });
    }
    let full = run(new(), &economy.slices(4_096, parts.epoch()));
    let mut snapshot = Vec::new();
    full.write_snapshot(&mut snapshot).expect("memory takes it");
    group.throughput(Throughput::Bytes(snapshot.len() as u64));
    group.bench_function("snapshot", |b| {
        b.iter(|| full.write_snapshot(&mut std::io::sink()).expect("a sink takes everything"));
    });
    group.bench_function("restore", |b| {
        b.iter_with_large_drop(|| Pipeline::restore(parts.clone(), &mut snapshot.as_slice()).expect("same epoch"));
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
