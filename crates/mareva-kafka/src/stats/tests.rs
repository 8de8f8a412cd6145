use super::*;

#[test]
fn quantiles_are_bounds_of_classes() {
    let mut times = Histogram::default();
    assert_eq!(times.quantile(0.5), None);
    (1..=100).for_each(|millis| times.record(millis));
    assert_eq!((times.count(), times.max, times.sum), (100, 100, 5050));
    assert_eq!(times.quantile(0.5), Some(50));
    assert_eq!(times.quantile(0.99), Some(100));
    times.record(1_000_000);
    assert_eq!(times.quantile(1.0), Some(1_000_000));
}

#[test]
fn what_a_start_waits_for_is_no_pause_of_a_live_run() {
    let mut stats = Stats::default();
    stats.note_change(Duration::from_millis(800), true);
    stats.note_change(Duration::from_millis(3), false);
    stats.note_change(Duration::from_millis(2), false);
    assert_eq!((stats.longest_change_micros, stats.longest_change_at_start_micros), (3_000, 800_000));
    stats.note_snapshot(Duration::from_millis(5));
    stats.note_snapshot(Duration::from_millis(4));
    assert_eq!((stats.snapshot_stall_micros, stats.longest_snapshot_micros), (4_000, 5_000));
}
