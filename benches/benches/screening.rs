//! Parties against lists: the economy's own, and a million mule accounts.
#![allow(missing_docs)]

use std::collections::BTreeSet;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mareva_benches::{Economy, mule_list};
use mareva_model::Text;
use mareva_pipeline::Pipeline;
use mareva_screening::{ListConfig, Scratch, Support, Watchlist, load_plain};

const RECORDS: u64 = 50_000;
const MULES: u64 = 1_000_000;

/// Accounts and names of the economy.
fn parties(economy: &Economy) -> (Vec<String>, Vec<String>) {
    let parts = economy.parts();
    let slices = economy.slices(4_096, parts.epoch());
    let mut pipeline = Pipeline::new(parts).expect("the shipped rules compile");
    let (mut accounts, mut names) = (BTreeSet::new(), BTreeSet::new());
    for slice in &slices {
        for batch in pipeline.prepare(slice).expect("simulated records are of known topics").batches {
            let texts = |text| batch.text(text).iter().flatten().map(str::to_owned);
            accounts.extend(texts(Text::Originator).chain(texts(Text::Beneficiary)));
            names.extend(texts(Text::OriginatorName).chain(texts(Text::BeneficiaryName)));
        }
    }
    (accounts.into_iter().collect(), names.into_iter().collect())
}

fn screen(watchlist: &Watchlist, accounts: &[String], names: &[String], scratch: &mut Scratch) -> usize {
    let mut found = Vec::new();
    for account in accounts {
        watchlist.screen_identifier(account, 1_767_571_200_000, scratch, &mut found);
    }
    for name in names {
        watchlist.screen_name(name, &Support::default(), 1_767_571_200_000, scratch, &mut found);
    }
    found.len()
}

fn benches(c: &mut Criterion) {
    let economy = Economy::new(1, RECORDS);
    let (accounts, names) = parties(&economy);
    let own = economy.watchlist();
    let mules = load_plain(&ListConfig::fraud("million", "million.csv"), mule_list(MULES).as_bytes(), "million.csv");
    let million = Watchlist::new(vec![Arc::new(mules.expect("the list is valid"))]).expect("one list");
    let mut group = c.benchmark_group("screening");
    for (name, watchlist, accounts, names) in [
        ("identifiers", &own, accounts.as_slice(), &[][..]),
        ("names", &own, &[][..], names.as_slice()),
        ("identifiers, a million listed", &million, accounts.as_slice(), &[][..]),
    ] {
        group.throughput(Throughput::Elements((accounts.len() + names.len()) as u64));
        let mut scratch = Scratch::new();
        group.bench_function(name, |b| b.iter(|| screen(watchlist, accounts, names, &mut scratch)));
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
