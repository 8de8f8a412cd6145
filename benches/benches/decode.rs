//! Bytes to columns, by stream.
#![allow(missing_docs)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mareva_benches::{BANK, EXCHANGE, Economy};
use mareva_codec::{Decoded, Decoder, Limits, Record, Stream};

const RECORDS: u64 = 20_000;

/// A message with one transaction, as a bank sends it.
const PACS008: &str = include_str!("../../crates/mareva-codec/examples-data/pacs008.xml");

fn decode(decoder: &mut Decoder, stream: Stream, payloads: &[&[u8]]) -> Decoded {
    for (offset, payload) in payloads.iter().enumerate() {
        let record =
            Record { topic: BANK, partition: 0, offset: offset as i64, append_time: 1_767_571_200_000, payload };
        decoder.decode(stream, record);
    }
    decoder.finish()
}

fn benches(c: &mut Criterion) {
    let economy = Economy::new(1, RECORDS);
    let of = |topic: &str| -> Vec<&[u8]> {
        let records = economy.records.iter().filter(|record| &*record.topic == topic);
        records.map(|record| record.payload.as_ref()).take(4_096).collect()
    };
    let pacs008 = vec![PACS008.as_bytes(); 256];
    let mut group = c.benchmark_group("decode");
    for (name, stream, payloads) in [
        ("bank", Stream::Bank, of(BANK)),
        ("exchange", Stream::Exchange, of(EXCHANGE)),
        ("pacs008", Stream::Bank, pacs008),
    ] {
        let mut decoder = Decoder::new(Limits::default());
        let decoded = decode(&mut decoder, stream, &payloads);
        assert!(decoded.dead_letters.is_empty(), "{name}: {:?}", decoded.dead_letters.first());
        group.throughput(Throughput::Elements(payloads.len() as u64));
        group.bench_function(name, |b| {
            b.iter_batched(|| (), |()| decode(&mut decoder, stream, &payloads), BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
