use unicode_normalization::UnicodeNormalization;

use crate::name::{is_romanised_alike, is_short};
use crate::{BirthDate, country_code, name_key};

#[test]
fn names_that_are_the_same_have_one_key() {
    for (name, key) in [
        ("HANIYA, Ismail Abdul Salah", "abdul haniya ismail salah"),
        ("Ismail Abdul Salah Haniya", "abdul haniya ismail salah"),
        ("  ismail\tABDUL-Salah,,haniya. ", "abdul haniya ismail salah"),
        ("COMERCIAL CIMEX, S.A.", "cimex comercial sa"),
        ("Comercial Cimex SA", "cimex comercial sa"),
        ("GRUPO X S.A. DE C.V.", "cv de grupo sa x"),
        ("J.Smith", "j smith"),
        ("J. R. Smith", "j r smith"),
        ("J.R. Smith", "jr smith"),
        ("ANGLO-CARIBBEAN CO., LTD.", "anglo caribbean co ltd"),
        ("Co.,Ltd", "co ltd"),
        ("ABU-'UMAR", "abu umar"),
        ("O’Neill, Seán", "oneill sean"),
        ("Müller-Lüdenscheidt", "ludenscheidt muller"),
        ("Straße", "strasse"),
        ("Łukasz Żółw", "lukasz zolw"),
        ("Ivan IVANOV", "ivan ivanov"),
        ("Иван Иванов", "ivan ivanov"),
        ("ＡＢＣ Trading", "abc trading"),
        ("Ali & Sons", "ali sons"),
        ("", ""),
        ("-- .. '' ", ""),
        ("123 Trading", "123 trading"),
    ] {
        assert_eq!(name_key(name), key, "{name}");
    }
    assert_eq!(name_key("김정은"), name_key("김정은".chars().collect::<String>().as_str()));
    assert!(!name_key("राम").is_empty());
}

#[test]
fn the_key_of_a_key_is_the_key() {
    for name in ["HANIYA, Ismail", "S.A. DE C.V.", "경수 경숙 권", "Ольга", "A.B. C"] {
        assert_eq!(name_key(&name_key(name)), name_key(name));
    }
}

#[test]
fn what_skips_decomposition_is_romanised_alike() {
    let unequal: Vec<char> = ('\0'..='\u{ffff}')
        .filter(|c| is_romanised_alike(*c))
        // A mark forces the long way and leaves nothing in the key.
        .filter(|c| name_key(&format!("x{c}x")) != name_key(&format!("x{c}x\u{300}")))
        .collect();
    assert_eq!(unequal, []);
    let composed = "Ñandú Çelik Őszi Đorđević Việt";
    assert_eq!(name_key(composed), name_key(&composed.nfd().collect::<String>()));
}

#[test]
fn short_names_are_weak() {
    for (name, short) in
        [("H7", true), ("HAMAS", false), ("BNC", true), ("Li Na", true), ("Ali Khan", false), ("X Y", true)]
    {
        assert_eq!(is_short(&name_key(name)), short, "{name}");
    }
}

#[test]
fn birth_dates_are_ranges() {
    let range = |first, last| Some(BirthDate { first, last });
    for (text, expected) in [
        ("31 Oct 1973", range(19_731_031, 19_731_031)),
        ("31 Oct 1973.", range(19_731_031, 19_731_031)),
        ("1973-10-31", range(19_731_031, 19_731_031)),
        ("1973-10-31T00:00:00Z", range(19_731_031, 19_731_031)),
        ("31.10.1973", range(19_731_031, 19_731_031)),
        ("Mar 1945", range(19_450_301, 19_450_331)),
        ("1973-10", range(19_731_001, 19_731_031)),
        ("1962", range(19_620_101, 19_621_231)),
        ("circa 1950", range(19_490_101, 19_511_231)),
        ("circa 1979-1982", range(19_780_101, 19_831_231)),
        ("1951 to 1953", range(19_510_101, 19_531_231)),
        ("02 Nov 1968 to 03 Nov 1970", range(19_681_102, 19_701_103)),
        ("1953 to 1951", None),
        ("31/10/1973", None),
        ("unknown", None),
        ("", None),
        ("1973-13-01", None),
        ("99 Oct 1973", None),
        ("0001-01-01", None),
    ] {
        assert_eq!(BirthDate::parse(text), expected, "{text}");
    }
    let [listed, party] = ["circa 1950", "1951-12-31"].map(|text| BirthDate::parse(text).unwrap());
    assert!(listed.agrees_with(party) && party.agrees_with(listed));
    assert!(!listed.agrees_with(BirthDate::parse("1952").unwrap()));
}

#[test]
fn countries_have_codes() {
    for (name, code) in [
        ("Korea, North", Some("KP")),
        ("korea, south", Some("KR")),
        ("de", Some("DE")),
        ("Congo, Democratic Republic of the", Some("CD")),
        ("Congo, Republic of the", Some("CG")),
        ("Cote d Ivoire", Some("CI")),
        ("Burma", Some("MM")),
        ("undetermined", None),
        ("", None),
    ] {
        assert_eq!(country_code(name), code, "{name}");
    }
}
