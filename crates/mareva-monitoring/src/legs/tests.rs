use proptest::prelude::*;

use super::*;

/// Event time, hash of the paying account, hash of the receiving one.
type Row = (i64, Option<u32>, Option<u32>);

fn batches() -> impl Strategy<Value = Vec<Vec<Row>>> {
    let row = (0..50_i64, prop::option::of(0..6_u32), prop::option::of(0..6_u32));
    prop::collection::vec(prop::collection::vec(row, 1..12), 1..60)
}

proptest! {
    /// What is found is what a look at every row finds.
    #[test]
    fn finds_the_legs_of_every_retained_row(batches in batches(), first in 0..1_000_u64, gone in 0..30_usize) {
        let mut legs = Legs::default();
        let (mut all, mut next, mut kept_from) = (Vec::new(), first, first);
        for (number, batch) in batches.iter().enumerate() {
            let rows = batch.iter().enumerate().flat_map(|(index, (time, from, to))| {
                let row = next + index as u64;
                let sides = [from.map(|hash| (hash, row << 1)), to.map(|hash| (hash, row << 1 | 1))];
                sides.into_iter().flatten().map(|leg| (*time, leg))
            });
            let rows: Vec<(i64, (u32, u64))> = rows.collect();
            let times = batch.iter().map(|(time, ..)| *time);
            let times = (times.clone().min().unwrap(), times.max().unwrap());
            let end = next + batch.len() as u64;
            legs.insert(next, end, times, rows.iter().map(|(_, leg)| *leg));
            all.extend(rows);
            next = end;
            if number + 1 == gone {
                legs.expire(next);
                kept_from = next;
            }
        }
        for hash in 0..6 {
            let mut found: Vec<u64> = legs.find(hash, 10, 30).collect();
            found.sort_unstable();
            // A run may hold more than was asked for, never less, and nothing of another hash.
            let of_hash = |leg: &&(i64, (u32, u64))| leg.1.0 == hash && leg.1.1 >> 1 >= kept_from;
            let must: Vec<u64> =
                all.iter().filter(of_hash).filter(|leg| (10..=30).contains(&leg.0)).map(|leg| leg.1.1).collect();
            prop_assert!(must.iter().all(|leg| found.binary_search(leg).is_ok()), "{must:?} {found:?}");
            let may: Vec<u64> = all.iter().filter(|leg| leg.1.0 == hash).map(|leg| leg.1.1).collect();
            prop_assert!(found.iter().all(|leg| may.binary_search(leg).is_ok()), "{may:?} {found:?}");
            prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "once each: {found:?}");
        }
    }
}

#[test]
fn runs_stay_few_and_no_run_is_larger_than_the_largest() {
    let mut legs = Legs::default();
    let rows = 3 * LARGEST_RUN as u64 / 2;
    for first in (0..rows).step_by(512) {
        let both = (first..first + 512).flat_map(|row| [(row as u32, row << 1), (!row as u32, row << 1 | 1)]);
        legs.insert(first, first + 512, (0, 0), both);
    }
    assert!(legs.runs.iter().all(|run| run.legs.len() <= LARGEST_RUN));
    assert!(legs.runs.len() < 3 + 11 * FANOUT, "{}", legs.runs.len());
    assert_eq!(legs.find(77, 0, 0).collect::<Vec<_>>(), [77 << 1]);
    legs.expire(rows);
    assert_eq!(legs.runs.len(), 0);
}
