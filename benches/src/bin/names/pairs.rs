use std::collections::BTreeMap;
use std::path::Path;

use mareva_screening::{EntryKind, WEIGHTS, name_key, score};

use crate::Outcome;
use crate::fit::{self, Sample};

/// A labelled pair of names.
pub struct Pair {
    pub names: (String, String),
    pub kind: EntryKind,
    pub is_match: bool,
    pub is_strong: bool,
    pub group: String,
}

const FOLDS: usize = 5;
/// A pair is taken for one party where it is more likely than not.
const EVEN: f64 = 0.5;

pub fn read_pairs(data: &Path) -> Outcome<Vec<Pair>> {
    let mut rows = csv::Reader::from_path(data.join("names/name_pairs_dev.csv"))?;
    let mut pairs = Vec::new();
    for row in rows.records() {
        let row = row?;
        let kind = match &row[1] {
            "Person" => EntryKind::Person,
            "Vessel" => EntryKind::Vessel,
            _ => EntryKind::Organisation,
        };
        pairs.push(Pair {
            names: (row[2].to_owned(), row[3].to_owned()),
            kind,
            is_match: &row[4] == "true",
            is_strong: &row[5] == "STRONG",
            group: format!("{} {}", &row[0], &row[1]),
        });
    }
    Ok(pairs)
}

/// Right and wrong answers.
#[derive(Debug, Clone, Copy, Default)]
struct Answers {
    found: u32,
    wrong: u32,
    missed: u32,
}

impl Answers {
    fn add(&mut self, is_match: bool, answer: bool) {
        self.found += u32::from(is_match && answer);
        self.wrong += u32::from(!is_match && answer);
        self.missed += u32::from(is_match && !answer);
    }

    fn f1(self) -> f64 {
        let wrong = f64::from(self.wrong + self.missed);
        2.0 * f64::from(self.found) / (2.0 * f64::from(self.found) + wrong).max(1.0)
    }
}

/// Answers to some of the pairs.
fn f1(pairs: &[Pair], scores: &[f64], threshold: f64, members: impl Iterator<Item = usize>) -> f64 {
    let mut answers = Answers::default();
    members.for_each(|at| answers.add(pairs[at].is_match, scores[at] >= threshold));
    answers.f1()
}

/// Jaro-Winkler of the sorted tokens, and the threshold that suits these pairs best: more than it could know.
fn jaro_winkler(pairs: &[Pair]) -> (Vec<f64>, f64) {
    let alike = |pair: &Pair| strsim::jaro_winkler(&name_key(&pair.names.0), &name_key(&pair.names.1));
    let scores: Vec<f64> = pairs.iter().map(alike).collect();
    let f1 = |threshold: f64| f1(pairs, &scores, threshold, 0..pairs.len());
    let best = scores.iter().copied().max_by(|a, b| f1(*a).total_cmp(&f1(*b))).unwrap_or(EVEN);
    (scores, best)
}

/// Each pair scored with weights fitted without its fold.
fn cross_validated(samples: &[Option<Sample>], others: &[Sample]) -> Vec<f64> {
    let mut scores = vec![0.0; samples.len()];
    // Every fifth match and every fifth other pair.
    let (mut seen, mut folds) = ([0, 0], Vec::new());
    for sample in samples {
        let side = usize::from(sample.as_ref().is_some_and(|one| one.is_match));
        folds.push(seen[side] % FOLDS);
        seen[side] += 1;
    }
    for fold in 0..FOLDS {
        let known = samples.iter().zip(&folds).filter(|(_, of)| **of != fold).filter_map(|(one, _)| one.as_ref());
        let weights = fit::fit(&known.chain(others).collect::<Vec<_>>());
        for at in (0..samples.len()).filter(|at| folds[*at] == fold) {
            scores[at] = samples[at].as_ref().map_or(0.0, |one| score(&one.features, &weights));
        }
    }
    scores
}

pub fn report(data: &Path) -> Outcome<()> {
    let pairs = read_pairs(data)?;
    let samples = fit::labelled(&pairs);
    let shipped: Vec<f64> =
        samples.iter().map(|one| one.as_ref().map_or(0.0, |one| score(&one.features, &WEIGHTS))).collect();
    let mut others = fit::others(data)?;
    fit::balance(&mut others, pairs.len());
    let validated = cross_validated(&samples, &others);
    let (winkler, best) = jaro_winkler(&pairs);
    println!("{} labelled pairs, F1 at even odds (Jaro-Winkler of sorted tokens at its best, {best:.3})", pairs.len());
    println!("{:<32} {:>5} {:>8} {:>12} {:>13}", "", "pairs", "shipped", "five folds", "Jaro-Winkler");
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, pair) in pairs.iter().enumerate() {
        groups.entry("all").or_default().push(at);
        groups.entry(&pair.group).or_default().push(at);
    }
    for (group, members) in groups {
        let f1 = |scores: &[f64], threshold: f64| f1(&pairs, scores, threshold, members.iter().copied());
        let [ours, folds, theirs] = [f1(&shipped, EVEN), f1(&validated, EVEN), f1(&winkler, best)];
        println!("{group:<32} {:>5} {ours:>8.3} {folds:>12.3} {theirs:>13.3}", members.len());
    }
    let strong = pairs.iter().zip(&shipped).filter(|(pair, score)| pair.is_strong && !pair.is_match && **score >= EVEN);
    println!("strong pairs taken for one and are not: {}", strong.count());
    Ok(())
}
