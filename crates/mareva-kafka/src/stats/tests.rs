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
