use std::path::Path;

use mareva_model::AliasQuality;
use mareva_screening::{ComparedName, EntryKind, FEATURES};

use crate::Outcome;
use crate::pairs::{Pair, read_pairs};
use crate::slips::{Slip, Slips};
use crate::un;

/// What is known of two names: their features, whether they are of one party, how much it counts.
pub struct Sample {
    pub features: [f64; FEATURES],
    pub is_match: bool,
    pub weight: f64,
}

/// Which way a feature may count: names do not become more alike by what tells them apart. Order of
/// [`mareva_screening::WEIGHTS`].
const SIGNS: [i8; FEATURES] = [0, 1, 1, -1, -1, -1, -1, -1, 0, 0, 1];
/// Penalty on weights of features of unit spread.
const RIDGE: f64 = 0.003;
const SWEEPS: usize = 400;
/// How much slips and ordinary names count beside the labelled pairs: four times as much. Labelled pairs are hard ones and
/// say nothing of the millions that have little in common.
const OTHERS: f64 = 4.0;
/// Not the seed of the report.
const SEED: u64 = 1;

/// Logistic regression by coordinate descent, each weight within its sign.
pub fn fit(samples: &[&Sample]) -> [f64; FEATURES] {
    let total: f64 = samples.iter().map(|one| one.weight).sum();
    let spread = spreads(samples, total);
    let (mut weights, mut odds) = ([0.0; FEATURES], vec![0.0; samples.len()]);
    for _ in 0..SWEEPS {
        for feature in 0..FEATURES {
            let ridge = if feature == 0 { 0.0 } else { RIDGE * spread[feature] * spread[feature] };
            let (mut slope, mut bend) = (ridge * weights[feature], ridge + 1e-9);
            for (one, odds) in samples.iter().zip(&odds) {
                let (x, weight) = (one.features[feature], one.weight / total);
                let p = 1.0 / (1.0 + f64::exp(-odds));
                slope += weight * (p - f64::from(u8::from(one.is_match))) * x;
                bend += weight * p * (1.0 - p) * x * x;
            }
            let wanted = weights[feature] - (slope / bend).clamp(-1.0, 1.0);
            let wanted = match SIGNS[feature] {
                1 => wanted.max(0.0),
                -1 => wanted.min(0.0),
                _ => wanted,
            };
            let step = wanted - weights[feature];
            weights[feature] = wanted;
            for (one, odds) in samples.iter().zip(&mut odds) {
                *odds += step * one.features[feature];
            }
        }
    }
    weights
}

fn spreads(samples: &[&Sample], total: f64) -> [f64; FEATURES] {
    std::array::from_fn(|feature| {
        let mean =
            |f: &dyn Fn(f64) -> f64| samples.iter().map(|s| s.weight * f(s.features[feature])).sum::<f64>() / total;
        let middle = mean(&|x| x);
        mean(&|x| (x - middle) * (x - middle)).sqrt()
    })
}

/// The features of labelled pairs, of which those too far apart to be scored are no match.
pub fn labelled(pairs: &[Pair]) -> Vec<Option<Sample>> {
    let sample = |pair: &Pair| {
        let features = ComparedName::new(&pair.names.0).features(&ComparedName::new(&pair.names.1), pair.kind)?;
        Some(Sample { features, is_match: pair.is_match, weight: 1.0 })
    };
    pairs.iter().map(sample).collect()
}

/// Names of the UN list with slips in them, and every second ordinary name with whatever listed name it can be scored with.
pub fn others(data: &Path) -> Outcome<Vec<Sample>> {
    // Names are compared here one by one.
    let list = un::list(data, 1.0)?;
    let mut listed: Vec<(String, ComparedName, EntryKind)> = Vec::new();
    for entry in list.entries() {
        let names = entry.names.iter().filter(|name| name.quality != AliasQuality::Weak);
        listed.extend(names.map(|name| (name.text.clone(), ComparedName::new(&name.text), entry.kind)));
    }
    let mut slips = Slips::new(SEED);
    let mut samples = Vec::new();
    for (name, compared, kind) in listed.iter().filter(|(.., kind)| *kind == EntryKind::Person) {
        for slip in Slip::ALL {
            // One slip, and one more: a name is often misspelt in several places.
            let once = slips.make(name, slip);
            let twice = once.as_ref().and_then(|name| slips.make(name, Slip::Typo));
            let slipped =
                once.iter().chain(&twice).filter_map(|text| ComparedName::new(text).features(compared, *kind));
            samples.extend(slipped.map(|features| Sample { features, is_match: true, weight: 1.0 }));
        }
    }
    for person in un::ordinary(data)?.iter().step_by(2) {
        let person = ComparedName::new(&person.name);
        let near = listed.iter().filter_map(|(_, name, kind)| person.features(name, *kind));
        samples.extend(near.map(|features| Sample { features, is_match: false, weight: 1.0 }));
    }
    Ok(samples)
}

/// Gives the other samples their share beside as many labelled ones, matches and others alike.
pub fn balance(others: &mut [Sample], labelled: usize) {
    for is_match in [false, true] {
        let count = others.iter().filter(|one| one.is_match == is_match).count().max(1);
        let weight = OTHERS * labelled as f64 / 2.0 / count as f64;
        others.iter_mut().filter(|one| one.is_match == is_match).for_each(|one| one.weight = weight);
    }
}

pub fn report(data: &Path) -> Outcome<()> {
    let labelled: Vec<Sample> = labelled(&read_pairs(data)?).into_iter().flatten().collect();
    let mut others = others(data)?;
    balance(&mut others, labelled.len());
    println!("{} labelled pairs that can be scored, {} others", labelled.len(), others.len());
    let weights = fit(&labelled.iter().chain(&others).collect::<Vec<_>>());
    println!("fitted  {}", shown(&weights));
    println!("shipped {}", shown(&mareva_screening::WEIGHTS));
    Ok(())
}

fn shown(weights: &[f64; FEATURES]) -> String {
    weights.map(|weight| format!("{weight:.2}")).join(", ")
}
