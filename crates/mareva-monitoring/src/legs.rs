//! Which legs an account has, found by a part of its key.

/// Runs of one size that are merged into one: each leg is moved once for each power of this that the store grows by.
const FANOUT: usize = 4;

/// Legs from which on a run is merged no more, so that no merge takes long: 8 MiB.
const LARGEST_RUN: usize = 1 << 20;

/// The legs of all retained rows, in sorted runs.
///
/// Only alerts ask for the legs of an account, some thousand times a million rows, while every row brings two. A map from
/// accounts to rings cost two cache misses a leg; a sorted run costs none, and half the memory. A look-up is a binary search in
/// each run: at most [`FANOUT`] of each size, and one for each [`LARGEST_RUN`] legs.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    /// Oldest first.
    runs: Vec<Run>,
}

/// The legs of consecutive rows.
#[derive(Debug)]
struct Run {
    /// Its first row.
    first: u64,
    /// After its last row.
    end: u64,
    /// Earliest and latest event time of its rows.
    times: (i64, i64),
    /// `hash << 32 | (row - first) << 1 | leg`, ascending.
    legs: Vec<u64>,
}

impl Run {
    /// How many times [`FANOUT`] goes into its length: runs of one tier are merged.
    fn tier(&self) -> u32 {
        self.legs.len().max(1).ilog(FANOUT)
    }
}

impl Legs {
    /// Adds the legs of rows `first..end`, given as (hash of the account, row << 1 | leg).
    pub(crate) fn insert(&mut self, first: u64, end: u64, times: (i64, i64), legs: impl Iterator<Item = (u32, u64)>) {
        let mut legs: Vec<u64> =
            legs.map(|(hash, leg)| u64::from(hash) << 32 | (leg - (first << 1)) & u64::from(u32::MAX)).collect();
        legs.sort_unstable();
        self.runs.push(Run { first, end, times, legs });
        self.merge();
    }

    /// Merges the last runs while there are enough of one size.
    fn merge(&mut self) {
        while let Some(last) = self.runs.last() {
            let tier = last.tier();
            let alike = self.runs.iter().rev().take_while(|run| run.tier() <= tier).count();
            let from = self.runs.len() - alike;
            let total: usize = self.runs[from..].iter().map(|run| run.legs.len()).sum();
            let rows = last.end - self.runs[from].first;
            if alike < FANOUT || total > LARGEST_RUN || rows > u64::from(u32::MAX >> 1) {
                return;
            }
            let first = self.runs[from].first;
            let mut legs = Vec::with_capacity(total);
            let (mut end, mut times) = (first, (i64::MAX, i64::MIN));
            for run in self.runs.drain(from..) {
                let shift = (run.first - first) << 1;
                legs.extend(run.legs.iter().map(|leg| leg + shift));
                end = run.end;
                times = (times.0.min(run.times.0), times.1.max(run.times.1));
            }
            // The stable sort finds the runs and merges them.
            legs.sort();
            self.runs.push(Run { first, end, times, legs });
        }
    }

    /// `row << 1 | leg` of all that have the hash and may have `from` ≤ event time ≤ `to`, in no order.
    pub(crate) fn find(&self, hash: u32, from: i64, to: i64) -> impl Iterator<Item = u64> {
        let runs = self.runs.iter().filter(move |run| run.times.0 <= to && from <= run.times.1);
        runs.flat_map(move |run| {
            let start = run.legs.partition_point(|leg| (leg >> 32) < u64::from(hash));
            let same = run.legs[start..].iter().take_while(move |leg| *leg >> 32 == u64::from(hash));
            same.map(|leg| (leg & u64::from(u32::MAX)) + (run.first << 1))
        })
    }

    /// Lets go of runs whose rows are all before `row`.
    pub(crate) fn expire(&mut self, row: u64) {
        let gone = self.runs.iter().take_while(|run| run.end <= row).count();
        self.runs.drain(..gone);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.runs.iter().map(|run| run.legs.capacity() * 8 + size_of::<Run>()).sum()
    }
}

#[cfg(test)]
mod tests;
