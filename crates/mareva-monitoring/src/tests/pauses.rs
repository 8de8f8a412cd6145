//! What the judging would otherwise have to wait for.

use std::time::{Duration, Instant};

use super::*;

const ROWS: usize = 400_000;
/// A low time that all windows are far before.
const LATER: i64 = i64::MAX / 4;

fn busiest(number: usize) -> Tx {
    let from = u8::try_from(number % 3).ok();
    Tx { time: number as i64 * 100, from, to: Some(9), cents: Some(100), device: None, status: 0, kind: 0 }
}

fn rows(from: usize, to: usize) -> TransactionBatch {
    batch(&(from..to).map(|number| (number, busiest(number))).collect::<Vec<_>>())
}

/// A window that holds all rows of the account that everybody pays.
fn rules(more_than: u64) -> Ruleset {
    let sql = format!(
        "SELECT row_id, account AS subject, event_time, SUM(amount_ref) OVER w AS total, COUNT(*) OVER w AS seen\n\
         FROM movements WHERE direction = 'in' AND counterparty IS NOT NULL\n\
         WINDOW w AS (PARTITION BY account ORDER BY event_time RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW)\n\
         QUALIFY total < 0 AND seen > {more_than}"
    );
    Ruleset::load(&[rule("r", "alert", &sql)]).unwrap()
}

#[test]
fn features_run_before_their_rules_take_force_and_after_a_restart() {
    let bounds = Bounds { allowed_lateness_ms: 1_000, lookback_ms: 0, max_rows: u64::MAX };
    let accounts = || Arc::new(Accounts::new(&[]));
    let mut monitor = Monitor::new(&rules(0), accounts(), bounds, None).unwrap();
    let mut next = 0;
    let mut judge = |monitor: &mut Monitor, count: usize| {
        let some = rows(next, next + count);
        next += count;
        let began = Instant::now();
        monitor.accept(&some, Some(next as i64 * 100), i64::MAX).unwrap();
        began.elapsed()
    };
    (0..ROWS / 4_000).for_each(|_| _ = judge(&mut monitor, 4_000));
    let usual: Duration = (0..9).map(|_| judge(&mut monitor, 10)).min().unwrap();
    // The least of several: a busy machine makes some of them slow.
    let after_a_change = (1..6).map(|change| {
        let mut filling = monitor.begin(&rules(change));
        filling.run().unwrap();
        monitor.adopt(filling, change).unwrap();
        judge(&mut monitor, 10)
    });
    let after_a_change: Duration = after_a_change.min().unwrap();
    let bar = usual * 4 + Duration::from_micros(500);
    assert!(after_a_change < bar, "{after_a_change:?} instead of {usual:?}");

    let mut state = Vec::new();
    monitor.state().unwrap().write(&mut state).unwrap();
    let mut after_a_start = Duration::MAX;
    for _ in 0..3 {
        let mut again = Monitor::read(&rules(5), accounts(), bounds, None, &mut state.as_slice()).unwrap();
        after_a_start = after_a_start.min(judge(&mut again, 10));
    }
    assert!(after_a_start < bar, "{after_a_start:?} instead of {usual:?}");
}

#[test]
fn a_state_is_written_as_it_was_when_it_was_taken() {
    let bounds = Bounds { allowed_lateness_ms: 1_000, lookback_ms: 0, max_rows: u64::MAX };
    let spill = Spill { memory: 1 << 20, make: Arc::new(tempfile::tempfile) };
    let mut monitor = Monitor::new(&rules(0), Arc::new(Accounts::new(&[])), bounds, Some(spill)).unwrap();
    let accept = |monitor: &mut Monitor, from: usize, to: usize, at: i64| {
        monitor.accept(&rows(from, to), Some(at), i64::MAX).unwrap();
    };
    accept(&mut monitor, 0, 9_000, 900_000);
    let write = |state: MonitorState| {
        let mut bytes = Vec::new();
        state.write(&mut bytes).unwrap();
        bytes
    };
    let (at_once, later) = (write(monitor.state().unwrap()), monitor.state().unwrap());
    // The first rows go meanwhile, and others go to disk.
    (9..20).for_each(|thousand| accept(&mut monitor, thousand * 1_000, (thousand + 1) * 1_000, LATER));
    assert!(monitor.retained().first() > 0);
    assert!(at_once == write(later));
}

#[test]
fn rows_that_need_not_be_kept_any_more_go_in_steps() {
    let bounds = Bounds { allowed_lateness_ms: 1_000, lookback_ms: 0, max_rows: u64::MAX };
    let mut monitor = Monitor::new(&rules(0), Arc::new(Accounts::new(&[])), bounds, None).unwrap();
    (0..20).for_each(|at| monitor.load(&rows(at * 4_000, (at + 1) * 4_000)).unwrap());
    let mut first = 0;
    for step in 0..40_usize {
        let from = 80_000 + step * 10;
        monitor.accept(&rows(from, from + 10), Some(LATER), i64::MAX).unwrap();
        let gone = monitor.retained().first() - first;
        assert!(gone <= 8_000, "{gone} rows with ten");
        first += gone;
    }
    assert!(first >= 80_000, "{first}");
}
