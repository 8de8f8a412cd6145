use arrow::array::{AsArray, StringArray};
use proptest::prelude::*;

use super::*;

proptest! {
    /// Batches after one another hold what was added.
    #[test]
    fn columns_hold_what_was_added(batches in proptest::collection::vec(
        proptest::collection::vec(proptest::option::weighted(0.3, ".{0,8}"), 0..40), 1..5,
    )) {
        let (mut column, mut absent) = (TextColumn::default(), AbsentColumns::default());
        for rows in &batches {
            rows.iter().for_each(|row| column.append(row.as_deref()));
            let found = column.finish(&mut absent);
            prop_assert_eq!(found.as_string::<i32>(), &rows.iter().collect::<StringArray>());
        }
    }
}

#[test]
fn absent_columns_share_their_memory() {
    let mut absent = AbsentColumns::default();
    let nulls = |rows| new_null_array(&DataType::Decimal128(38, 2), rows);
    let mut columns = vec![nulls(3), Arc::new(StringArray::from(vec!["a", "b", "c"])), nulls(3)];
    absent.share(&mut columns);
    assert!(Arc::ptr_eq(&columns[0], &columns[2]) && columns[0].data_type() == &DataType::Decimal128(38, 2));
    assert_eq!(columns[1].null_count(), 0);
    columns[0] = nulls(4);
    absent.share(&mut columns);
    assert_eq!((columns[0].len(), columns[2].len()), (4, 3));
}
