//! Rules that are tried against those whose place they are to take: what each of them finds that the other does not.

use std::collections::{BTreeMap, BTreeSet};

use mareva_model::{Detection, RuleRef, format_time};
use serde::Serialize;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Rows that challenger and champion find.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Both.
    pub same: u64,
    /// The challenger alone.
    pub extra: u64,
    /// The champion alone.
    pub missing: u64,
}

/// Who has found a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Both,
    Challenger,
    Champion,
}

/// A rule that is tried against another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Challenge {
    /// The rule.
    pub rule: String,
    /// The one whose place it is to take.
    pub champion: String,
    #[serde(flatten)]
    pub all: Compared,
    /// UTC days on which one of them finds anything.
    pub days: BTreeMap<String, Compared>,
}

impl Challenge {
    /// Those among rules, with nothing found yet. One whose champion is not among them is compared with nothing.
    pub fn among<'r>(rules: impl IntoIterator<Item = &'r RuleRef>) -> Vec<Self> {
        let rules: Vec<&RuleRef> = rules.into_iter().collect();
        let of = |rule: &&RuleRef| {
            let (all, days) = (Compared::default(), BTreeMap::new());
            let champion = rule.challenger_of.clone().filter(|id| rules.iter().any(|other| other.id == *id))?;
            Some(Self { rule: rule.id.clone(), champion, all, days })
        };
        rules.iter().filter_map(of).collect()
    }

    /// Counts a row.
    pub fn count(&mut self, time: i64, by: By) {
        let day = format_time(time.div_euclid(DAY) * DAY).chars().take(10).collect();
        for compared in [self.days.entry(day).or_default(), &mut self.all] {
            match by {
                By::Both => compared.same += 1,
                By::Challenger => compared.extra += 1,
                By::Champion => compared.missing += 1,
            }
        }
    }
}

/// A row that one of a pair has found: its time, the place of the challenge, and the row.
type Alone = (i64, usize, String);

/// Compares detections as they settle. Rules with other windows settle later, so that what one has found waits until the other
/// cannot find it any more: no longer than what stands waits for its own settling.
#[derive(Debug, Default)]
pub struct Comparison {
    challenges: Vec<Challenge>,
    /// Whether it is the challenger that has found it.
    alone: BTreeMap<Alone, bool>,
}

impl Comparison {
    /// Of the challengers among these rules.
    pub fn of<'r>(rules: impl IntoIterator<Item = &'r RuleRef>) -> Self {
        Self { challenges: Challenge::among(rules), alone: BTreeMap::new() }
    }

    /// Takes what has settled. What is before a time comes from none of them any more.
    pub fn add(&mut self, settled: &[Detection], settled_before: Option<i64>) {
        if self.challenges.is_empty() {
            return;
        }
        for found in settled {
            for at in 0..self.challenges.len() {
                let Challenge { rule, champion, .. } = &self.challenges[at];
                let challenges = found.rule.id == *rule;
                if !challenges && found.rule.id != *champion {
                    continue;
                }
                let place = (found.event_time, at, found.row_id.clone());
                match self.alone.remove(&place) {
                    Some(other) if other != challenges => self.challenges[at].count(found.event_time, By::Both),
                    _ => _ = self.alone.insert(place, challenges),
                }
            }
        }
        if let Some(before) = settled_before {
            let open = self.alone.split_off(&(before, 0, String::new()));
            let over = std::mem::replace(&mut self.alone, open);
            over.into_iter().for_each(|(place, challenges)| count_alone(&mut self.challenges, &place, challenges));
        }
    }

    /// What was found so far; what waits counts as found by one alone.
    pub fn challenges(&self) -> Vec<Challenge> {
        let mut challenges = self.challenges.clone();
        self.alone.iter().for_each(|(place, challenger)| count_alone(&mut challenges, place, *challenger));
        challenges
    }
}

fn count_alone(challenges: &mut [Challenge], (time, at, _): &Alone, challenges_it: bool) {
    challenges[*at].count(*time, if challenges_it { By::Challenger } else { By::Champion });
}

/// Compares whole sets of rows, each with its time.
pub fn compare<R: Ord + Copy>(
    challenge: &mut Challenge,
    challenger: &BTreeSet<(i64, R)>,
    champion: &BTreeSet<(i64, R)>,
) {
    for (time, _) in challenger.intersection(champion) {
        challenge.count(*time, By::Both);
    }
    for (time, _) in challenger.difference(champion) {
        challenge.count(*time, By::Challenger);
    }
    for (time, _) in champion.difference(challenger) {
        challenge.count(*time, By::Champion);
    }
}

#[cfg(test)]
pub(crate) mod tests;
