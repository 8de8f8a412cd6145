use super::{Series, by_number, columns, escaped, evenly, lines, scale, scale_of_counts};

#[test]
fn nothing_in_a_name_ends_an_element() {
    let name = "</svg><script>alert('x')</script>\" onload=\"y\u{202e}";
    assert_eq!(escaped("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
    let series = [Series { name: name.to_owned(), values: vec![Some(1.0)] }];
    let chart = columns(name, &[name.to_owned()], &series, (name, name));
    assert_eq!(chart.matches("</svg>").count(), 1);
    assert!(!chart.contains("<script") && !chart.contains("\" onload") && !chart.contains('\u{202e}'));
}

#[test]
fn scales_are_round_and_hold_the_greatest_value() {
    for most in [0.0, 0.3, 1.0, 7.0, 19.0, 130.0, 999.0, 10_707.0] {
        let (top, step) = scale(most);
        assert!(top >= most && top <= most * 2.0 + 1.0, "{most}: {top}");
        let lines = top / step;
        assert!(lines.round() <= 5.0 && (lines - lines.round()).abs() < 1e-9, "{most}: {top} by {step}");
    }
    for (most, due) in
        [(0.0, (1.0, 1.0)), (1.0, (1.0, 1.0)), (3.0, (3.0, 1.0)), (9.0, (9.0, 3.0)), (94.0, (100.0, 25.0))]
    {
        assert_eq!(scale_of_counts(most), due, "{most}");
    }
}

#[test]
fn empty_charts_have_no_numbers_that_are_none() {
    let none = [Series { name: "n".to_owned(), values: vec![None, Some(0.0)] }];
    let chart = lines("t", &["a".to_owned(), "b".to_owned()], &none, ("x", "y"), None);
    assert!(!chart.contains("NaN") && !chart.contains("inf"), "{chart}");
    let nothing = columns("t", &[], &[], ("x", "y"));
    assert!(!nothing.contains("NaN") && nothing.ends_with("</svg>"), "{nothing}");
}

#[test]
fn numbers_stand_as_far_apart_as_they_are() {
    let named = |labels: &[&str]| by_number(&labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>(), "x");
    let at = |labels: &[&str]| named(labels).0;
    let (places, axis) = named(&["1", "10", "100"]);
    assert_eq!(axis, "x (logarithmic)");
    assert!((places[1] - places[0] - (places[2] - places[1])).abs() < 1e-6, "{places:?}");
    let (places, axis) = named(&["0", "1", "100"]);
    assert_eq!(axis, "x", "zero has no logarithm");
    assert!((places[1] - places[0]) * 90.0 < places[2] - places[1]);
    let places = at(&["0", "1", "10"]);
    assert!(((places[1] - places[0]) * 9.0 - (places[2] - places[1])).abs() < 1e-6, "{places:?}");
    for labels in [&["a", "b", "c"][..], &["1", "b"], &["5"], &["5", "5"], &["NaN", "1"], &[]] {
        assert_eq!(at(labels), evenly(labels.len()), "{labels:?}");
    }
}
