//! Prepared rows to detections, with the shipped rules.
#![allow(missing_docs)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mareva_benches::Economy;
use mareva_monitoring::{Bounds, Monitor};
use mareva_pipeline::{Pipeline, Prepared};

const RECORDS: u64 = 100_000;

fn benches(c: &mut Criterion) {
    let economy = Economy::new(1, RECORDS);
    let parts = economy.parts();
    let mut group = c.benchmark_group("monitoring");
    group.sample_size(10);
    for size in [256, 1_024, 4_096] {
        let slices = economy.slices(size, parts.epoch());
        let mut pipeline = Pipeline::new(parts.clone()).expect("the shipped rules compile");
        let prepare = |slice| pipeline.prepare(slice).expect("simulated records are of known topics");
        let prepared: Vec<Prepared> = slices.iter().map(prepare).collect();
        let rows: u64 = prepared.iter().map(|slice| slice.counts.accepted).sum();
        let bounds = Bounds { allowed_lateness_ms: 300_000, lookback_ms: 7 * 86_400_000, max_rows: 50_000_000 };
        let monitor =
            || Monitor::new(&parts.ruleset, parts.accounts.clone(), bounds, None).expect("the shipped rules compile");
        group.throughput(Throughput::Elements(rows));
        group.bench_function(format!("batches of {size}"), |b| {
            let judge = |mut monitor: Monitor| {
                for slice in &prepared {
                    for batch in &slice.batches {
                        monitor.accept(batch, slice.low_time, i64::MAX).expect("kernels work");
                    }
                }
                // Given back, so that freeing it is not measured.
                monitor
            };
            b.iter_batched(monitor, judge, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
