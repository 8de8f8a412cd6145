use std::io;
use std::sync::Arc;

use super::*;
use crate::tests::{Tx, batch};

fn tx(time: i64) -> Tx {
    let from = u8::try_from(time % 7).ok();
    Tx { time, from, to: Some(9), cents: Some(time), device: None, status: 0, kind: 0 }
}

fn filled(spill: Option<Spill>) -> RetainedRows {
    let mut rows = RetainedRows::with(spill);
    for from in (0..40_000_usize).step_by(1_000) {
        let some: Vec<(usize, Tx)> = (from..from + 1_000).map(|at| (at, tx(at as i64))).collect();
        rows.insert(&batch(&some));
    }
    rows
}

#[test]
fn rows_on_disk_are_the_rows_that_were_in_memory() {
    let (all, mut some) = (filled(None), filled(Some(Spill { memory: 1 << 20, make: Arc::new(tempfile::tempfile) })));
    assert!(some.on_disk().0 > 30_000 && all.on_disk().0 == 0);
    for account in ["a0", "a3", "a9"] {
        assert_eq!(all.movements(account, 100, 35_000), some.movements(account, 100, 35_000));
    }
    let view = |rows: &RetainedRows, id: &str| rows.transaction(rows.find(id).unwrap()).unwrap().amount_ref();
    assert_eq!((view(&some, "s:5"), view(&some, "s:39999")), (Some(5), Some(39_999)));
    let together = |rows: &RetainedRows| {
        let batches: Vec<_> = rows.batches().map(|(_, rows)| rows.batch().clone()).collect();
        concat_batches(&prepared_schema(), &batches).unwrap()
    };
    assert_eq!(together(&all), together(&some));
    // What was read is let go of again, and what has expired is not found.
    let gone: usize = some.expire(20_000, usize::MAX).iter().map(|(_, rows)| rows.len()).sum();
    assert!(gone > 19_000 && some.find("s:5").is_none() && some.find("s:39999").is_some());
    assert_eq!(some.len() as usize + gone, 40_000);
    assert_eq!(some.failure(), None);
}

/// As they come in, and joined to a segment.
#[test]
fn columns_that_hold_nothing_share_their_memory() {
    let rows = filled(None);
    let open = rows.segments.iter().filter(|segment| segment.len < SEGMENT_ROWS).count();
    assert!(open > 0 && open < rows.segments.len());
    for (_, rows) in rows.batches() {
        let of = |text: Text| rows.batch().column(mareva_model::column::text(text));
        assert!(Arc::ptr_eq(of(Text::Device), of(Text::Ip)) && of(Text::Device).null_count() == rows.len());
        assert!(!Arc::ptr_eq(of(Text::Originator), of(Text::Beneficiary)));
    }
}

#[test]
fn what_was_read_from_disk_leaves_memory_again() {
    let mut rows = filled(Some(Spill { memory: 0, make: Arc::new(tempfile::tempfile) }));
    for number in 0..30_000 {
        rows.transaction(RowNumber(number)).unwrap();
    }
    let held =
        |rows: &RetainedRows| rows.segments.iter().filter(|s| s.stored.is_some() && s.rows.get().is_some()).count();
    let before = held(&rows);
    assert!(before > 50);
    (0..READ_BLOCKS as u64).for_each(|number| rows.read.lock().unwrap().push_back(u64::MAX - number));
    rows.insert(&batch(&[(50_000, tx(50_000))]));
    assert_eq!(held(&rows), 0);
}

#[test]
fn a_disk_that_refuses_keeps_rows_in_memory_and_is_told() {
    let full = || Err(io::Error::from(io::ErrorKind::StorageFull));
    let rows = filled(Some(Spill { memory: 1 << 20, make: Arc::new(full) }));
    assert_eq!(rows.failure(), Some(io::ErrorKind::StorageFull));
    assert_eq!((rows.on_disk().0, rows.len()), (0, 40_000));
    assert!(rows.find("s:5").is_some());
}

#[test]
fn no_identity_has_all_the_others_moved() {
    let (mut ids, mut most) = (ids::Ids::default(), 0);
    for number in 0..500_000 {
        let before = ids.bytes();
        ids.insert([key_of(&format!("s:{number}"))].into_iter(), number);
        most = most.max(ids.bytes() - before);
    }
    assert!(ids.bytes() > 500_000 * 25 && most * 100 < ids.bytes(), "{most} of {}", ids.bytes());
    assert_eq!(ids.get(key_of("s:7")), Some(7));
    ids.remove(key_of("s:7"));
    assert_eq!((ids.get(key_of("s:7")), ids.get(key_of("s:8"))), (None, Some(8)));
}
