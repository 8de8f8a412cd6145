use ::iban::{Iban, ParseIbanError};
use proptest::prelude::*;

use super::*;
use crate::identifier::recognise_in_text;

/// Countries that the library does not know.
const OURS: [&str; 2] = ["HN", "PK"];

/// The same with the check digits that it should have, digit by digit.
fn checked(country: &str, account: &str) -> String {
    let numbers =
        format!("{account}{country}00").chars().map(|c| c.to_digit(36).unwrap().to_string()).collect::<String>();
    let check = 98 - numbers.bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("{country}{check:02}{account}")
}

fn is_iban(text: &str) -> bool {
    write_iban(&mut String::new(), text)
}

/// The library takes check digits that no bank writes: 98 less a remainder of 97 are 02 to 98.
fn is_of_library(electronic: &str) -> bool {
    ("02"..="98").contains(&&electronic[2..4]) && electronic.parse::<Iban>().is_ok()
}

fn codes() -> impl Iterator<Item = String> {
    (b'A'..=b'Z').flat_map(|a| (b'A'..=b'Z').map(move |b| String::from_utf8(vec![a, b]).unwrap()))
}

#[test]
fn countries_are_those_of_the_library_and_two_more() {
    for code in codes() {
        let is_unknown =
            matches!(checked(&code, "00000000000").parse::<Iban>(), Err(ParseIbanError::UnknownCountry(_)));
        let is_ours = OURS.contains(&code.as_str());
        let [first, second] = *code.as_bytes() else { unreachable!() };
        assert_eq!(has_ibans(first, second), !is_unknown || is_ours, "{code}");
        assert!(is_unknown || !is_ours, "the library has learnt {code}: compare its structure");
    }
}

/// Every length, and at every place a digit or a letter, with the right check digits.
#[test]
fn structures_are_those_of_the_library() {
    for code in codes().filter(|code| !OURS.contains(&code.as_str())) {
        let Structure { length, letters, .. } = BY_COUNTRY[place(code.as_bytes()[0], code.as_bytes()[1]).unwrap()];
        let account = |length: u32, letters: u32| -> String {
            (0..length).map(|at| if letters >> at & 1 == 1 { 'K' } else { '7' }).collect()
        };
        for sent in (0..=30)
            .map(|length| account(length, letters))
            .chain((0..length).map(|at| account(length, letters ^ 1 << at)))
        {
            let sent = checked(&code, &sent);
            assert_eq!(is_iban(&sent), is_of_library(&sent), "{sent}");
        }
        assert_eq!(is_iban(&checked(&code, &account(length, letters))), length > 0, "{code}");
    }
}

#[test]
fn ibans_that_the_library_does_not_know() {
    for (text, valid) in [
        ("PK36 SCBL 0000 0011 2345 6702", true),
        ("HN88CABF00000000000250005469", true),
        ("PK37SCBL0000001123456702", false),
        ("PK36SCBL000000112345670", false),
        ("DE02120300000000202051", true),
        ("DE99120300000000202051", false),
        ("HN88CABF0000000000025000546", false),
        ("PK091234000000112345670A", false),
    ] {
        assert_eq!(write_iban(&mut String::new(), text), valid, "{text}");
    }
    let mut found = Vec::new();
    recognise_in_text("send to PK36 SCBL 0000 0011 2345 6702 today", &mut found);
    assert_eq!(found[0].canonical, "iban:PK36SCBL0000001123456702");
}

proptest! {
    #[test]
    fn check_digits_are_those_of_the_library(
        country in "DE|FR|MT|NO|GB|IT|KZ|XX",
        account in "[0-9A-Z]{10,31}|[0-9]{10,31}|[A-Z]{4}[0-9]{5}[0-9A-Z]{18}|[0-9]{10}[0-9A-Z]{11}[0-9]{2}",
        check in 0_u8..100,
        right in any::<bool>(),
    ) {
        let sent = if right { checked(&country, &account) } else { format!("{country}{check:02}{account}") };
        prop_assert_eq!(is_iban(&sent), is_of_library(&sent), "{}", sent);
        let mut out = String::new();
        prop_assert_eq!(write_iban(&mut out, &sent.to_ascii_lowercase()), is_of_library(&sent));
        prop_assert!(out.is_empty() || out.strip_prefix("iban:") == Some(sent.as_str()));
        let spaced: Vec<&str> = sent.as_bytes().chunks(4).map(|four| std::str::from_utf8(four).unwrap()).collect();
        prop_assert_eq!(is_iban(&spaced.join(" ")), is_of_library(&sent));
        prop_assert!(!is_iban(&spaced.join("/")));
    }
}
