use super::*;

/// Rows 0, 1, … at times 0, 10, …, the first of them at this position.
fn ring(front: u32, rows: u64) -> Ring {
    let mut ring = Ring { front, ..Ring::default() };
    (0..rows).for_each(|row| ring.push(RingRow { time: row as i64 * 10, row }));
    ring
}

#[test]
fn positions_go_on_past_the_greatest_number() {
    let mut ring = ring(u32::MAX - 2, 8);
    let all = |ring: &Ring| ring.rows(ring.front, ring.end()).collect::<Vec<_>>();
    assert_eq!((ring.end(), all(&ring)), (5, (0..8).collect()));
    for hint in [u32::MAX - 2, u32::MAX, 0, 5] {
        let at = ring.first_at_or_after(35, hint);
        assert_eq!((at, ring.rows(at, ring.end()).next()), (1, Some(4)), "looked for from {hint}");
    }
    assert!(ring.is_before(u32::MAX, 0) && !ring.is_before(0, u32::MAX));
    assert_eq!(ring.between(u32::MAX, 2), 3);
    ring.insert(1, RingRow { time: 35, row: 99 });
    assert_eq!(all(&ring), [0, 1, 2, 3, 99, 4, 5, 6, 7]);
    assert_eq!(ring.find(35, 99), Some(1));
    ring.remove(1);
    ring.expire(0);
    assert_eq!((all(&ring), ring.before(2).map(|r| r.row).collect::<Vec<_>>()), ((3..8).collect(), vec![4, 3]));
}

#[test]
fn no_rows_lie_between_a_place_and_one_before_it() {
    let ring = ring(0, 3);
    assert_eq!((ring.rows(2, 1).count(), ring.rows(1, 1).count()), (0, 0));
}

#[test]
fn a_row_alone_is_found_and_goes() {
    let mut ring = ring(u32::MAX, 1);
    assert_eq!((ring.len(), ring.last_time(), ring.end(), ring.find(0, 0)), (1, Some(0), 0, Some(u32::MAX)));
    assert_eq!([-1, 0, 1].map(|time| ring.first_at_or_after(time, 0)), [u32::MAX, u32::MAX, 0]);
    ring.insert(u32::MAX, RingRow { time: -5, row: 7 });
    assert_eq!(ring.rows(u32::MAX, 1).collect::<Vec<_>>(), [7, 0]);
    ring.remove(u32::MAX);
    ring.expire(ring.after_front(0));
    assert_eq!(ring.len(), 1);
    ring.expire(ring.after_front(1));
    assert!(ring.is_empty() && ring.rows(ring.end(), ring.end()).next().is_none());
    assert_eq!(size_of::<Ring>(), 40, "a row alone takes no room beside the ring");
}

#[test]
fn what_a_busy_key_needed_is_given_back() {
    let mut ring = ring(0, 1_000);
    ring.expire(998);
    let Rows::Several(rows) = &ring.rows else { panic!("two rows are not one") };
    assert!(rows.capacity() < 16, "room for {} rows", rows.capacity());
}

#[test]
fn the_first_row_that_does_not_hold_is_found_from_wherever_it_is_looked_for() {
    for rows in 0..40 {
        // Three rows of each time.
        let mut ring = Ring::default();
        (0..rows).for_each(|row| ring.push(RingRow { time: row as i64 / 3, row }));
        for time in -1..15 {
            let expected = (0..rows).filter(|row| (*row as i64 / 3) < time).count();
            for near in 0..=rows as usize + 2 {
                assert_eq!(ring.rows.partition_point(near, |row| row.time < time), expected, "{rows} {time} {near}");
                assert_eq!(ring.first_at_or_after(time, near as u32), expected as u32);
            }
        }
    }
}
