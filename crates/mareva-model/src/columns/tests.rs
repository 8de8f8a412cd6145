use arrow::array::{AsArray, StringArray};
use proptest::prelude::*;

use super::*;

proptest! {
    /// Batches after one another hold what was added.
    #[test]
    fn columns_hold_what_was_added(batches in proptest::collection::vec(
        proptest::collection::vec(proptest::option::weighted(0.3, ".{0,8}"), 0..40), 1..5,
    )) {
        let mut column = TextColumn::default();
        for rows in &batches {
            rows.iter().for_each(|row| column.append(row.as_deref()));
            let found = column.finish();
            prop_assert_eq!(found.as_string::<i32>(), &rows.iter().collect::<StringArray>());
        }
    }
}
