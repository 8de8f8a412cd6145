use super::*;

#[test]
fn amounts_keep_every_digit() {
    let big = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    for (token, expected) in [
        ("\"1500.00\"", Some((Some(1_500 * 10_i128.pow(18)), "1500.00"))),
        ("1500.5", Some((Some(15_005 * 10_i128.pow(17)), "1500.5"))),
        ("1.5e3", Some((Some(1_500 * 10_i128.pow(18)), "1500"))),
        ("15E-1", Some((Some(15 * 10_i128.pow(17)), "1.5"))),
        ("7.056176614974947e18", Some((Some(7_056_176_614_974_947_000 * 10_i128.pow(18)), "7056176614974947000"))),
        ("0e5", Some((Some(0), "0"))),
        ("1e-3", Some((Some(10_i128.pow(15)), "0.001"))),
        (big, Some((None, big))),
        ("1e30", Some((None, "1000000000000000000000000000000"))),
        ("0.0000000000000000001", Some((None, "0.0000000000000000001"))),
        ("-1", None),
        ("\"-1\"", None),
        ("\"+1\"", None),
        ("\"1e5\"", None),
        ("\"\"", None),
        ("\"", None),
        ("\".5\"", None),
        ("\"1,5\"", None),
        ("\"\\u0031\"", None),
        ("1e999", None),
        ("1e99999999999", None),
        ("true", None),
        ("[1]", None),
    ] {
        let found = ReadAmount::json("amount", token).ok();
        assert_eq!(found.as_ref().map(|a| (a.units, a.text.as_ref())), expected, "{token}");
    }
    assert!(ReadAmount::plain("amount", "9".repeat(98)).is_err());
    assert_eq!(balance("balance_after", "\"-1.5\""), Ok(Some(-15 * 10_i128.pow(17))));
    assert_eq!(balance("balance_after", "-15e-1"), Ok(Some(-15 * 10_i128.pow(17))));
    assert!(balance("balance_after", "\"--1\"").is_err());
    assert_eq!((shift("1500000", 6), shift("1", 6)), ("1.500000".to_owned(), "0.000001".to_owned()));
}
