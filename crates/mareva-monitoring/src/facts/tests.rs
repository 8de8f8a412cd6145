use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn rows_and_columns_change_places(words in prop::array::uniform32(any::<u64>())) {
        let mut bits = [0; 64];
        bits[..32].copy_from_slice(&words);
        let before = bits;
        transpose(&mut bits);
        for (row, word) in bits.iter().enumerate() {
            for (column, other) in before.iter().enumerate() {
                prop_assert_eq!(word >> column & 1, other >> row & 1);
            }
        }
    }

    #[test]
    fn set_bits_are_told_in_order(words in prop::collection::vec(any::<u64>(), 0..4)) {
        let set = |bit: &usize| words[bit / 64] >> (bit % 64) & 1 == 1;
        let expected: Vec<usize> = (0..words.len() * 64).filter(set).collect();
        prop_assert_eq!(bits(words.iter().copied()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn values_stay_what_they_are_when_one_needs_more_room() {
    let mut facts = Facts::new(1, 2, 1);
    facts.extend_to(100_000, 100_004);
    let values = [1, i128::from(i64::MAX) + 1, -5, i128::from(i64::MIN) - 1, i128::MAX];
    let narrow = facts.bytes();
    for (row, value) in (100_000..).zip(values) {
        facts.set_argument(row, 1, value as u128);
    }
    for (row, value) in (100_000..).zip(values) {
        assert_eq!((facts.argument(row, 1) as i128, facts.argument(row, 0)), (value, 0));
    }
    assert_eq!(facts.bytes(), narrow + CHUNK * 8, "one argument of two is wide now");
}

#[test]
fn a_text_that_is_empty_is_not_null() {
    let mut facts = Facts::new(1, 0, 1);
    facts.extend_to(0, 3);
    facts.set_text(0, 0, "");
    facts.set_text(2, 0, "é");
    assert_eq!([0, 1, 2].map(|row| facts.text(row, 0)), [Some(""), None, Some("é")]);
}
