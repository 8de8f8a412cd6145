use super::{bare, grouped, short};

#[test]
fn amounts_are_grouped() {
    for (amount, expected) in [
        ("4310.00", "4,310.00"),
        ("999.5", "999.5"),
        ("1000000", "1,000,000"),
        ("-1500.25", "-1,500.25"),
        ("-150", "-150"),
        ("", ""),
    ] {
        assert_eq!(grouped(amount), expected);
    }
}

#[test]
fn accounts_show_their_last_characters_only() {
    for (identifier, expected) in [
        ("iban:DE89370400440532013000", "account …3000"),
        ("acct:MRVADEFF/12345678", "account …5678"),
        ("exch:kestrel:10023", "exchange account …0023"),
        ("tron:TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "wallet …RTv8"),
        ("eip155:1:0xdac17f958d2ee523a2206206994597c13d831ec7", "wallet …1ec7"),
        ("sanctions:36216", "sanctions:36216"),
        ("dev-703e3791cc", "dev-703e3791cc"),
    ] {
        assert_eq!(short(identifier), expected);
    }
    assert_eq!(bare("bic:MRVADEFFXXX"), "MRVADEFF");
    assert_eq!(bare("vasp:kestrel"), "kestrel");
}
