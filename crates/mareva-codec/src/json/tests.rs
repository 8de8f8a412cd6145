use super::plain::Slot as _;
use super::*;

#[test]
fn times_are_text_or_milliseconds() {
    for (token, expected) in [
        ("\"2026-01-05T10:00:00.123Z\"", Some(1_767_607_200_123)),
        ("1767607200123", Some(1_767_607_200_123)),
        ("0", Some(0)),
        ("-1", None),
        ("1767607200.5", None),
        ("253402300799000", None),
        ("99999999999999999999999", None),
        ("\"9999-12-31T23:59:59Z\"", None),
        ("\"\"", None),
        ("\"", None),
        ("true", None),
    ] {
        assert_eq!(time("time", token).ok(), expected, "{token}");
    }
}

#[test]
fn depth_counts_brackets_outside_texts() {
    for (text, max, expected) in [
        (r#"{"a":"[[[[[["}"#, 2, false),
        (r#"{"a":"\"[[[[[["}"#, 2, false),
        (r#"[[[]]]"#, 2, true),
        (r#"[[],[],[]]"#, 2, false),
        (r#"{"a":"\\"},[[["#, 2, true),
    ] {
        assert_eq!(deeper_than(text.as_bytes(), max), expected, "{text}");
    }
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Outer<'a> {
    #[serde(rename = "a")]
    first: Field<'a>,
    #[serde(rename = "bb")]
    second: Option<Token<'a>>,
    #[serde(rename = "c")]
    inner: Option<Inner<'a>>,
    #[serde(rename = "a_rather_long_name")]
    last: Field<'a>,
}

impl<'a> plain::Record<'a> for Outer<'a> {
    const NAMES: &'static [&'static str] = &["a", "bb", "c", "a_rather_long_name"];

    fn place(&mut self, at: usize) -> Option<plain::Place<'_, 'a>> {
        Some(match at {
            0 => self.first.place(),
            1 => self.second.place(),
            2 => self.inner.place(),
            3 => self.last.place(),
            _ => return None,
        })
    }
}

#[derive(Debug, Default, PartialEq, serde::Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Inner<'a> {
    #[serde(rename = "a")]
    first: Field<'a>,
    #[serde(rename = "n")]
    number: Option<Token<'a>>,
}

impl<'a> plain::Record<'a> for Inner<'a> {
    const NAMES: &'static [&'static str] = &["a", "n"];

    fn place(&mut self, at: usize) -> Option<plain::Place<'_, 'a>> {
        Some(match at {
            0 => self.first.place(),
            1 => self.number.place(),
            _ => return None,
        })
    }
}

impl<'a> plain::Slot<'a> for Option<Inner<'a>> {
    fn place(&mut self) -> plain::Place<'_, 'a> {
        plain::Place::Part(self)
    }
}

/// What is plain is read as `serde_json` reads it, and what `serde_json` refuses is not plain.
fn agrees<'a, R: plain::Record<'a> + Deserialize<'a> + PartialEq + fmt::Debug>(text: &'a str) -> bool {
    let plain = plain::read::<R>(text);
    if let Some(record) = &plain {
        assert_eq!(serde_json::from_str::<R>(text).ok().as_ref(), Some(record), "{text}");
    }
    plain.is_some()
}

#[test]
fn records_of_the_formats_are_plain() {
    for text in [
        include_str!("../../examples-data/bank.card_payment.json"),
        include_str!("../../examples-data/bank.cash_deposit.json"),
        include_str!("../../examples-data/bank.cash_withdrawal.json"),
        include_str!("../../examples-data/bank.credit_transfer.json"),
        include_str!("../../examples-data/bank.return.json"),
    ] {
        assert!(agrees::<crate::bank_json::BankRecord<'_>>(text), "{text}");
    }
    for text in [
        include_str!("../../examples-data/exchange.deposit.json"),
        include_str!("../../examples-data/exchange.internal_transfer.json"),
        include_str!("../../examples-data/exchange.token_transfer.json"),
        include_str!("../../examples-data/exchange.trade.json"),
        include_str!("../../examples-data/exchange.transaction.json"),
        include_str!("../../examples-data/exchange.withdrawal.json"),
    ] {
        assert!(agrees::<crate::exchange_json::ExchangeRecord<'_>>(text), "{text}");
    }
}

/// Each name goes to the field that `serde` gives it: with one kind of value or the other it is plain.
#[test]
fn names_stand_for_the_same_fields() {
    let texts = |names: &[&str]| -> Vec<[String; 3]> {
        let with = |name: &&str| ["\"x\"", "1", "{}"].map(|value| format!("{{\"{name}\":{value}}}"));
        names.iter().map(with).collect()
    };
    for text in texts(<crate::bank_json::BankRecord<'_> as plain::Record<'_>>::NAMES) {
        assert!(text.iter().any(|text| agrees::<crate::bank_json::BankRecord<'_>>(text)), "{text:?}");
    }
    for text in texts(<crate::bank_json::Party<'_> as plain::Record<'_>>::NAMES) {
        assert!(text.iter().any(|text| agrees::<crate::bank_json::Party<'_>>(text)), "{text:?}");
    }
    for text in texts(<crate::exchange_json::ExchangeRecord<'_> as plain::Record<'_>>::NAMES) {
        assert!(text.iter().any(|text| agrees::<crate::exchange_json::ExchangeRecord<'_>>(text)), "{text:?}");
    }
}

#[test]
fn what_is_plain_and_what_is_not() {
    let eight_times = "x".repeat(64);
    for (text, expected) in [
        ("{}", true),
        (" {\t} \r\n", true),
        (r#"{"a":"","bb":-0.5e+7,"c":{"a":null,"n":"1"},"other":true}"#, true),
        (r#"{"c":{},"a":"é — ü\u00e9"}"#, false),
        (r#"{"a":"é — ü","bb":null,"c":null}"#, true),
        (&format!(r#"{{"a":"{eight_times}"}}"#), true),
        ("{\"a\":\"12345678\u{1f}\"}", false),
        ("{\"a\":\"1234567\u{7f}\u{80}\"}", true),
        (r#"{"a":"x","a":"y"}"#, false),
        (r#"{"other":1,"other":2}"#, true),
        (r#"{"other":{}}"#, false),
        (r#"{"other":[]}"#, false),
        (r#"{"a":1}"#, false),
        (r#"{"a":true}"#, false),
        (r#"{"c":"x"}"#, false),
        (r#"{"bb":01}"#, false),
        (r#"{"bb":1.}"#, false),
        (r#"{"bb":.5}"#, false),
        (r#"{"bb":-}"#, false),
        (r#"{"bb":1e}"#, false),
        (r#"{"bb":+1}"#, false),
        (r#"{"bb":nul}"#, false),
        (r#"{"bb":truely}"#, false),
        (r#"{"bb":1,}"#, false),
        (r#"{"bb":1}}"#, false),
        (r#"{"bb":1"#, false),
        (r#"{"bb""#, false),
        (r#"{"a":"x"#, false),
        (r"{a:1}", false),
        ("[]", false),
        ("", false),
    ] {
        assert_eq!(agrees::<Outer<'_>>(text), expected, "{text}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 4_000, ..Default::default() })]

    #[test]
    fn plain_records_are_read_as_serde_json_reads_them(text in json()) {
        agrees::<Outer<'_>>(&text);
        agrees::<Inner<'_>>(&text);
    }
}

/// Objects with names that count and others, repeated ones among them, of which a piece may be another one.
fn json() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let name = prop::sample::select(vec!["a", "a", "bb", "c", "n", "a_rather_long_name", "other", "", "\\u0061"]);
    let scalar = prop_oneof![
        3 => "\"[ -!#-Z^-~é‐𝔸]{0,20}\"",
        1 => "\"\\PC{0,12}\"",
        1 => prop::sample::select(vec!["null", "true", "false", "\"\\n\"", "\"\u{1}\"", "\"\\ud800\"", "[1]", "nul"])
            .prop_map(str::to_owned),
        2 => "-?[0-9]{1,20}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,2})?",
    ];
    let space = prop::sample::select(vec!["", "", "", " ", "\n", "\t\r"]);
    let object = |value: BoxedStrategy<String>| {
        let field = (name.clone(), space.clone(), value, space.clone())
            .prop_map(|(name, before, value, after)| format!("{before}\"{name}\"{after}:{before}{value}{after}"));
        prop::collection::vec(field, 0..6).prop_map(|fields| format!("{{{}}}", fields.join(",")))
    };
    let inner = object(scalar.clone().boxed());
    let outer = object(prop_oneof![3 => scalar, 1 => inner].boxed());
    let piece = prop::sample::select(vec!["\"", "\\", "{", "}", ",", ":", "0", "-", "e", "\0", " ", "null"]);
    (outer, prop::option::weighted(0.4, (any::<prop::sample::Index>(), any::<bool>(), piece))).prop_map(
        |(text, put)| {
            let Some((at, over, piece)) = put else { return text };
            let at = text.floor_char_boundary(at.index(text.len()));
            let end = if over { text.ceil_char_boundary(at + 1) } else { at };
            format!("{}{piece}{}", &text[..at], &text[end..])
        },
    )
}
