use std::collections::HashSet;

use super::Quality;

#[test]
fn shares_are_of_the_sums_of_all_runs() {
    let set = |names: &'static str| names.split(' ').collect::<HashSet<_>>();
    let mut quality = Quality::of(&set("a b c d"), &set("a b e"));
    quality.add(Quality::of(&set("f"), &set("f g h i j")));
    assert_eq!((quality.named, quality.right, quality.of), (5, 3, 8));
    assert_eq!((quality.precision(), quality.recall(), quality.f1()), (3.0 / 5.0, 3.0 / 8.0, 6.0 / 13.0));
    let nothing = Quality::default();
    assert_eq!((nothing.precision(), nothing.recall(), nothing.f1()), (0.0, 0.0, 0.0));
}
