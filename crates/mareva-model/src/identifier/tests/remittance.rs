use super::*;

#[track_caller]
fn finds(text: &str, expected: &[&str]) {
    let mut found = Vec::new();
    recognise_in_text(text, &mut found);
    let found: Vec<_> = found.iter().map(|identifier| identifier.canonical.as_str()).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn identifiers_are_found_in_remittance_text() {
    for (text, expected) in [
        ("invoice 2026-0042, thank you for your business", vec![]),
        ("Überweisung für Müller-Lüdenscheidt GmbH, Kundennummer 4711000815", vec![]),
        ("RF18 5390 0754 7034 rent", vec![]),
        ("to DE89 3704 0044 0532 0130 00 please", vec!["iban:DE89370400440532013000"]),
        ("to DE89370400440532013000.", vec!["iban:DE89370400440532013000"]),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", vec!["iban:MT84MALT011000012345MTLCAST001S"]),
        (
            "USDT TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t/bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            vec!["btc:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"],
        ),
        (
            "wallet:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            vec!["eip155:1:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"],
        ),
        ("TН96tFMn8KGiYSLiwсV3E2UiaJc8jmcbz3", vec!["tron:TH96tFMn8KGiYSLiwcV3E2UiaJc8jmcbz3"]),
        ("call +4915123456789 now", vec!["phone:+4915123456789"]),
        (
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD in a wrong case",
            vec!["eip155:1:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"],
        ),
        ("DE89370400440532013000 DE89370400440532013000", vec!["iban:DE89370400440532013000"]),
        ("계좌DE89370400440532013000로 보내주세요", vec!["iban:DE89370400440532013000"]),
        ("账号：DE89 3704 0044 0532 0130 00，谢谢", vec!["iban:DE89370400440532013000"]),
        ("ＤＥ８９　３７０４００４４０５３２０１３０００", vec!["iban:DE89370400440532013000"]),
        ("счетDE89370400440532013000на", vec!["iban:DE89370400440532013000"]),
        ("IBANDE89370400440532013000EUR500", vec!["iban:DE89370400440532013000"]),
        ("DE89  3704.0044.0532 0130 00", vec!["iban:DE89370400440532013000"]),
        ("De89 3704\n0044 - 0532 0130 00", vec!["iban:DE89370400440532013000"]),
        ("de89370400440532013000", vec!["iban:DE89370400440532013000"]),
        ("DE89\u{200b}3704\u{ad}00440532013000", vec!["iban:DE89370400440532013000"]),
        ("кошелекTR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", vec!["tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"]),
        ("USDTTR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", vec!["tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"]),
        ("지갑TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t로", vec!["tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"]),
        (
            "ERC200x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedUSDT",
            vec!["eip155:1:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"],
        ),
        ("BTCbc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", vec!["btc:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"]),
        ("전화＋4915123456789번", vec!["phone:+4915123456789"]),
    ] {
        finds(text, &expected);
    }
}

#[test]
fn separators_other_digits_and_glued_text_hide_none() {
    for (text, expected) in [
        ("DE 89 3704 0044 0532 0130 00", vec!["iban:DE89370400440532013000"]),
        ("D-E-8-9-3704:0044:0532:0130:00", vec!["iban:DE89370400440532013000"]),
        ("IBAN:DE89,3704;0044|0532*0130=00", vec!["iban:DE89370400440532013000"]),
        ("DE89    3704 -- 0044||||0532\n          0130\n          00", vec!["iban:DE89370400440532013000"]),
        ("DE٨٩ ٣٧٠٤ ٠٠٤٤ ٠٥٣٢ ٠١٣٠ ٠٠", vec!["iban:DE89370400440532013000"]),
        ("𝐃𝐄𝟖𝟗𝟑𝟕𝟎𝟒𝟎𝟎𝟒𝟒𝟎𝟓𝟑𝟐𝟎𝟏𝟑𝟎𝟎𝟎", vec!["iban:DE89370400440532013000"]),
        ("DE८९370400440532013000๗", vec!["iban:DE89370400440532013000"]),
        ("MT84MALT011DE89370400440532013000", vec!["iban:DE89370400440532013000"]),
        ("payTR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6tend", vec!["tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"]),
        ("pay1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2end", vec!["btc:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"]),
        ("pay1111111111111111111114oLvT2", vec!["btc:1111111111111111111114oLvT2"]),
        ("x3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLyx", vec!["btc:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"]),
        ("xbc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4now", vec!["btc:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"]),
        ("xrf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpnx", vec!["xrp:rf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpn"]),
        (
            "ZqpM2QSZ qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6aend",
            vec!["bch:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"],
        ),
        (
            "toGA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZnow",
            vec!["xlm:GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"],
        ),
        ("call +49 170 1234567 now", vec!["phone:+491701234567"]),
        ("+49 (0) 170/1234567", vec!["phone:+491701234567"]),
        ("+(49)-170-1234567", vec!["phone:+491701234567"]),
        ("+49 170 1234567 12", vec!["phone:+491701234567", "phone:+49170123456712"]),
        ("+٤٩ ١٧٠ ١٢٣٤٥٦٧", vec!["phone:+491701234567"]),
        ("+49 170    1234567 is set too far apart, +0049 170 1234567 is none", vec![]),
    ] {
        finds(text, &expected);
    }
}

#[test]
fn ordinary_texts_hold_none() {
    for text in [
        "Invoice no 12 of 05/01/2026, customer 4711-000815, order DE-2026-000123456",
        "RE 2026 0042 1234 5678 9012, Kd-Nr 88 77 66 55 44 33 22 11, Miete 01/26",
        "Tel 089 1234567, Fax 089/1234568, 0170 1234567, Rechnung 00491234567890",
        "UETR eb6305c9-1f7f-49de-aed0-16487c27b42d EndToEndId NOTPROVIDED20260105000000000001",
        "a9993e364706816aba3e25717850c26c9cd0d89d SHA256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "Gehalt 13. Monat + Bonus 1500 EUR + Spesen 230,50 EUR",
        "QWxhZGRpbjpvcGVuIHNlc2FtZQ VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw",
        "請求書番号 2026年1月5日 第１２３４５６７８９０１２３４５６号 振込",
    ] {
        let mut found = Vec::new();
        recognise_in_text(text, &mut found);
        assert_eq!(found, [], "{text}");
    }
}

#[test]
fn nothing_hides_behind_many_others() {
    let phones: String = (0..200).map(|n| format!("+4915123456{n:03} ")).collect();
    let mut found = vec![recognise("MRVADEFF").unwrap()];
    recognise_in_text(&(phones + "DE89370400440532013000"), &mut found);
    assert_eq!(found.len(), 202);
    assert_eq!(
        (found[0].canonical.as_str(), found[1].canonical.as_str()),
        ("bic:MRVADEFFXXX", "iban:DE89370400440532013000")
    );
}

#[test]
fn hostile_text_is_read_in_time_that_grows_with_its_length() {
    let pieces = [
        "DE11",
        "DE11 ",
        "bc1",
        "bc1qbc1q ",
        "0x",
        "0x11",
        "Ta",
        "ВЕ11",
        "+49",
        "계",
        "T1111111111111111111111111111111111 ",
        "1A",
        "1",
        "TA",
        "rA",
        "4",
        "4A2",
        "GA",
        "qp",
        "DE 8 9 ",
        "+1234567 8 9 ",
        "D E-",
    ];
    for piece in pieces {
        let text = piece.repeat(1_000_000 / piece.len());
        let (mut found, began) = (Vec::new(), std::time::Instant::now());
        recognise_in_text(&text, &mut found);
        // Some hundredths of a second; squared, it would take minutes.
        assert!(began.elapsed().as_secs() < 5, "{piece}: {:?}", began.elapsed());
    }
}
