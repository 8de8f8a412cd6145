use super::*;

/// Append time of a record, 2026-01-05T10:01:40Z.
const APPENDED: i64 = 1_767_607_300_000;

/// Whoever was read of a record, refused or not.
fn everybody(decoded: &Decoded) -> Vec<(PartyRole, PartyText)> {
    [parties(decoded), dead_parties(decoded)].concat()
}

#[track_caller]
fn refused(sent: &str, reason: Reason, detail: &str) {
    let decoded = decode(Stream::Bank, sent.as_bytes());
    assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (0, 1), "{sent}");
    let letter = &decoded.dead_letters[0];
    assert_eq!(letter.reason, reason, "{}: {sent}", letter.detail);
    assert!(letter.detail.contains(detail), "{} does not say {detail}", letter.detail);
}

#[test]
fn a_payment_of_a_customer_is_what_its_pacs008_is() {
    let decoded = decode(Stream::Bank, &example("mt103.txt"));
    assert_eq!(decoded.dead_letters, []);
    check_texts(
        &decoded,
        0,
        &[
            (Text::RowId, "uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::Kind, "credit_transfer"),
            (Text::Status, "settled"),
            (Text::Source, "MRVADEFF"),
            (Text::Currency, "EUR"),
            (Text::Originator, "iban:DE89370400440532013000"),
            (Text::Beneficiary, "acct:BUKBGB22/12345678"),
            (Text::OriginatorName, "BEISPIEL UND SOEHNE GMBH HANDELS"),
            (Text::BeneficiaryName, "MUSTER LTD OF THE LONG AND WINDING NAME"),
            (Text::OriginatorAgent, "bic:MRVADEFFXXX"),
            (Text::BeneficiaryAgent, "bic:BUKBGB22XXX"),
            (Text::BeneficiaryCountry, "GB"),
            (Text::Remittance, "INVOICE 1 PAY TO 0X5AAEB6053F3E94C9 B9A09F33669435E7EF1BEAED"),
            (Text::MsgId, "I-1"),
            (Text::MsgNameId, "MT103"),
            (Text::InstrId, "I-1"),
            (Text::Uetr, "86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::SettlementDate, "2026-01-15"),
            (Text::SettlementAmount, "1000.50"),
            (Text::SettlementCurrency, "EUR"),
        ],
    );
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(100_050 * UNIT / 100));
    assert_eq!(decoded.places[0], 0..u32::try_from(example("mt103.txt").len()).unwrap());
    names_all(
        &everybody(&decoded),
        &[
            // A line ends where it is full.
            name(PartyRole::Originator, "BEISPIEL UND SOEHNE GMBH HANDELS GESELLSCHAFT"),
            identifier(PartyRole::IntermediaryAgent, "bic:COBADEFFXXX"),
            identifier(PartyRole::IntermediaryAgent, "acct:COBADEFF/4001"),
            identifier(PartyRole::IntermediaryAgent, "bic:DEUTDEFFXXX"),
            identifier(PartyRole::IntermediaryAgent, "bic:MRVADEFFXXX"),
            identifier(PartyRole::Remittance, "iban:GB33BUKB20201555555555"),
        ],
    );
    // The address of a wallet is longer than a line.
    let lines = message("mt103.txt").replace("0X5AAEB6053F3E94C9", "0x5aaeb6053f3e94c9");
    let lines = lines.replace("B9A09F33669435E7EF1BEAED", "b9a09f33669435e7ef1beaed");
    let found = parties(&decode(Stream::Bank, lines.as_bytes()));
    let wallet = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed";
    assert!(found.iter().any(|(_, party)| party.as_str().ends_with(wallet)), "{found:?}");
}

#[test]
fn a_cover_has_an_id_of_its_own_and_screens_whom_it_covers() {
    let decoded = decode(Stream::Bank, &example("mt202cov.txt"));
    assert_eq!(decoded.dead_letters, []);
    check_texts(
        &decoded,
        0,
        &[
            (Text::RowId, "institution:uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::Kind, "institution_transfer"),
            (Text::Status, "settled"),
            (Text::Source, "DEUTDEFF"),
            (Text::Currency, "EUR"),
            (Text::BeneficiaryName, "RECEIVING BANK"),
            (Text::OriginatorAgent, "bic:MRVADEFFXXX"),
            (Text::MsgId, "CI-1"),
            (Text::MsgNameId, "MT202"),
            (Text::InstrId, "CI-1"),
            (Text::Uetr, "86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::SettlementDate, "2026-01-15"),
            (Text::SettlementAmount, "1000.50"),
            (Text::SettlementCurrency, "EUR"),
        ],
    );
    names_all(
        &everybody(&decoded),
        &[
            name(PartyRole::Originator, "COVERED PAYER"),
            identifier(PartyRole::Originator, "iban:DE89370400440532013000"),
            name(PartyRole::Beneficiary, "COVERED PAYEE"),
            identifier(PartyRole::Beneficiary, "acct:-/12345678"),
            identifier(PartyRole::Beneficiary, "acct:-/4001"),
            identifier(PartyRole::BeneficiaryAgent, "bic:COBADEFFXXX"),
        ],
    );
    // Without its own field the sender orders it.
    let bare = message("mt202cov.txt")
        .replace(":52A:MRVADEFFXXX\r\n", "")
        .replace("{121:86d7da8e-6e41-4466-b9bb-9b41d5814d5a}", "");
    let decoded = decode(Stream::Bank, bare.as_bytes());
    assert_eq!(text(&decoded, 0, Text::OriginatorAgent).as_deref(), Some("bic:DEUTDEFFXXX"));
    assert_eq!(text(&decoded, 0, Text::RowId).as_deref(), Some("institution:DEUTDEFF:CI-1"));
}

#[test]
fn a_recall_names_the_payment_and_copies_its_parties() {
    let decoded = decode(Stream::Bank, &example("mt192.txt"));
    assert_eq!(decoded.dead_letters, []);
    let expected = [
        (Text::RowId, "recall:MRVADEFF:RCL-1"),
        (Text::Kind, "recall"),
        (Text::Status, "pending"),
        (Text::Source, "MRVADEFF"),
        (Text::Currency, "EUR"),
        (Text::Originator, "iban:DE89370400440532013000"),
        (Text::Beneficiary, "iban:GB33BUKB20201555555555"),
        (Text::OriginatorName, "BEISPIEL UND SOEHNE"),
        (Text::BeneficiaryName, "MUSTER LTD"),
        (Text::Purpose, "FRAD"),
        (Text::Remittance, "/INDM/ /FRAD/INVESTMENT SCAM WALLET TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        (Text::MsgId, "RCL-1"),
        (Text::MsgNameId, "MT192"),
        (Text::InstrId, "I-1"),
        (Text::Uetr, "86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
        (Text::SettlementDate, "2026-01-15"),
        (Text::SettlementAmount, "1000.50"),
        (Text::SettlementCurrency, "EUR"),
        (Text::Original, "uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
    ];
    check_texts(&decoded, 0, &expected);
    names_all(&everybody(&decoded), &[identifier(PartyRole::Remittance, "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")]);
    // Without a UETR it names the payment by its sender's reference, and without a copy nobody.
    let whole = message("mt192.txt");
    let start = whole.find(":20:I-1").unwrap();
    let bare = format!("{}-}}", &whole[..start]).replace("{3:{121:86d7da8e-6e41-4466-b9bb-9b41d5814d5a}}", "");
    let decoded = decode(Stream::Bank, bare.as_bytes());
    assert_eq!(text(&decoded, 0, Text::Original).as_deref(), Some("MRVADEFF:I-1"));
    assert_eq!(
        (text(&decoded, 0, Text::Beneficiary), text(&decoded, 0, Text::Currency)),
        (None, Some("XXX".to_owned()))
    );
    // What is recalled is a transfer between institutions where field 11S, or else the type of the recall says so.
    for (from, to, original) in [
        (":11S:103", ":11S:202", "institution:MRVADEFF:I-1"),
        (":11S:103", ":11R:103", "MRVADEFF:I-1"),
        ("{2:O192", "{2:O292", "MRVADEFF:I-1"),
    ] {
        let decoded = decode(Stream::Bank, bare.replace(from, to).as_bytes());
        assert_eq!(text(&decoded, 0, Text::Original).as_deref(), Some(original), "{to}");
    }
    let between = bare.replace("{2:O192", "{2:O292").replace(":11S:103\r\n260115\r\n", "");
    assert_eq!(
        text(&decode(Stream::Bank, between.as_bytes()), 0, Text::Original).as_deref(),
        Some("institution:MRVADEFF:I-1")
    );
}

#[test]
fn a_row_has_the_brokers_time_unless_its_message_is_from_an_archive() {
    let time = |sent: &str| decode(Stream::Bank, sent.as_bytes()).batch.event_time().value(0);
    let whole = message("mt103.txt");
    // Sent later by a clock ahead of ours, by one far behind, or two days ago.
    for (sent, expected) in [
        ("O1031030260115", APPENDED),
        ("O1032230260103", APPENDED),
        ("O1032130260103", 1_767_475_800_000),
        ("O1031030800115", 316_780_200_000),
    ] {
        assert_eq!(time(&whole.replace("O1031030260115", sent)), expected, "{sent}");
    }
    assert_eq!(time(&message("mt202cov.txt")), APPENDED);
    for sent in ["O1032530260115", "O1031030261315", "O10310302601", "O103"] {
        refused(&whole.replace("O1031030260115", sent), Reason::Malformed, "send the message");
    }
}

#[test]
fn amounts_are_read_to_the_last_digit() {
    let whole = message("mt103.txt");
    let with = |amount: &str| whole.replace("EUR1000,50", amount);
    for (sent, told) in [
        ("EUR1,", "1"),
        ("JPY123456789012,", "123456789012"),
        ("BHD0,001", "0.001"),
        ("EUR9007199254740993,01", "9007199254740993.01"),
    ] {
        let decoded = decode(Stream::Bank, with(sent).as_bytes());
        assert_eq!(text(&decoded, 0, Text::SettlementAmount).as_deref(), Some(told));
        let units = mareva_model::Amount::parse(told).unwrap().0;
        assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(units), "{told}");
    }
    let huge = format!("EUR{},", "9".repeat(40));
    let decoded = decode(Stream::Bank, with(&huge).as_bytes());
    assert_eq!(
        (amount(&decoded, 0, column::AMOUNT), text(&decoded, 0, Text::AmountText).map(|text| text.len())),
        (None, Some(40))
    );
    for sent in [
        "EUR1000.50",
        "EUR1000",
        "EUR,50",
        "EUR-1,00",
        "EUR1,000,50",
        "EUR1 000,50",
        "eur1,",
        "EU1,",
        "EUR",
        "EUR1e3,",
        "EURÄ,",
    ] {
        refused(&with(sent), Reason::InvalidField, "field 32A");
    }
    refused(&whole.replace(":32A:260115", ":32A:260230"), Reason::InvalidField, "no date");
    refused(&with(&format!("EUR{},", "9".repeat(200))), Reason::InvalidField, "96 digits");
}

#[test]
fn whatever_is_wrong_with_a_message_is_a_dead_letter_that_is_screened() {
    let whole = message("mt103.txt");
    for (from, to, reason, detail) in [
        ("{1:F01", "{1:F02", Reason::Malformed, "F01"),
        ("{1:F01BUKBGB22AXXX", "{1:F01BUKB!B22AXXX", Reason::Malformed, "terminal"),
        ("{1:F01BUKBGB22AXXX", "{1:F01BÜKBGB22AX", Reason::Malformed, "terminal"),
        ("{2:O103", "{2:X103", Reason::Malformed, "block 2"),
        ("{2:O103", "{2:O940", Reason::UnknownFormat, "MT103"),
        ("{2:O103", "{4:O103", Reason::Malformed, "missing"),
        ("{3:", "{7:", Reason::Malformed, "standard"),
        ("{3:{108", "{3:{{108", Reason::Malformed, ""),
        ("-}{5", "}{5", Reason::Malformed, "-}"),
        ("-}{5", "-}{1:F01BUKBGB22AXXX2222123456}{5", Reason::Malformed, "two messages"),
        ("-}{5", "-}$\r\n{5", Reason::Malformed, "between blocks"),
        (":20:I-1\r\n", "", Reason::MissingField, "field 20"),
        (":20:I-1\r\n", ":20: \r\n", Reason::MissingField, "field 20"),
        (":20:I-1\r\n", ":20:I-1\r\n:20:I-2\r\n", Reason::InvalidField, "field 20: stands more than once"),
        (":20:I-1\r\n", "I-1\r\n:20:I-1\r\n", Reason::Malformed, "begins with no field"),
        (":23B:CRED", ":23b:CRED", Reason::Malformed, "colon or hyphen"),
        (":23B:CRED", ":23B:CRED\r\n-X", Reason::Malformed, "colon or hyphen"),
        (":59F:", ":99F:", Reason::MissingField, "field 59"),
        (":50K:", ":51K:", Reason::MissingField, "field 50"),
        (":72:/ACC/", ":72:/RETN/", Reason::InvalidField, "return"),
        (":72:/ACC/", ":72:/REJT/", Reason::InvalidField, "reject"),
    ] {
        assert!(whole.contains(from), "{from}");
        let sent = whole.replacen(from, to, 1);
        refused(&sent, reason, detail);
        let decoded = decode(Stream::Bank, sent.as_bytes());
        if !from.starts_with(":5") {
            names_all(
                &everybody(&decoded),
                &[
                    identifier(PartyRole::Originator, "iban:DE89370400440532013000"),
                    name(PartyRole::Originator, "BEISPIEL UND SOEHNE GMBH HANDELS"),
                    name(PartyRole::Beneficiary, "MUSTER LTD OF THE LONG AND WINDING NAME"),
                    identifier(PartyRole::IntermediaryAgent, "bic:DEUTDEFFXXX"),
                    identifier(PartyRole::Remittance, "iban:GB33BUKB20201555555555"),
                ],
            );
        }
    }
    let text = "x".repeat(5_000);
    refused(&whole.replace("INVOICE 1", &text), Reason::TooLarge, "remittance");
    refused(&whole.replace("BEISPIEL UND", &text), Reason::TooLarge, "field 50");
    refused(&whole.replace("COBADEFFXXX", &text), Reason::TooLarge, "field 53");
    let many = ":13C:X\r\n".repeat(1_000);
    refused(&whole.replace(":23B:", &format!("{many}:23B:")), Reason::TooLarge, "1000 fields");
    let decoded = decode(Stream::Exchange, whole.as_bytes());
    assert_eq!(decoded.dead_letters[0].detail, "an MT on the exchange stream; send it to the bank stream");
    names_all(&everybody(&decoded), &[name(PartyRole::Originator, "BEISPIEL UND SOEHNE GMBH HANDELS")]);
}

#[test]
fn an_acknowledgement_before_a_message_is_read() {
    let whole = message("mt103.txt");
    let acknowledged =
        |flag: u8| format!("{{1:F21BUKBGB22AXXX2222123456}}{{4:{{177:2601151031}}{{451:{flag}}}}}{whole}");
    let expected = texts(&decode(Stream::Bank, whole.as_bytes()), 0);
    assert_eq!(texts(&decode(Stream::Bank, acknowledged(0).as_bytes()), 0), expected);
    refused(&acknowledged(1), Reason::InvalidField, "451");
    refused(acknowledged(0).strip_suffix(&whole).unwrap(), Reason::Malformed, "without its message");
    refused(&(acknowledged(0) + &whole), Reason::Malformed, "two messages");
    for start in ["\u{feff}", " \r\n"] {
        assert_eq!(texts(&decode(Stream::Bank, format!("{start}{whole}").as_bytes()), 0), expected);
    }
    // Lines may end without a carriage return.
    assert_eq!(texts(&decode(Stream::Bank, whole.replace('\r', "").as_bytes()), 0), expected);
}

#[test]
fn every_form_of_a_party_is_read() {
    let of = |number: &str, put: &str| {
        let sent = message("mt103.txt");
        let start = sent.find(&format!(":{number}")).unwrap();
        let end = start + 1 + sent[start + 1..].find("\r\n:").unwrap();
        decode(Stream::Bank, format!("{}{put}{}", &sent[..start], &sent[end..]).as_bytes())
    };
    let decoded = of("50K", ":50A:/99\r\nCOBADEFF");
    assert_eq!(text(&decoded, 0, Text::OriginatorName), None);
    names_all(&everybody(&decoded), &[identifier(PartyRole::Originator, "bic:COBADEFFXXX")]);
    let decoded = of("50K", ":50F:CCPT/DE/C01X00T47\r\n1/PAYER\r\n3/DE/BERLIN\r\n4/19800131\r\n5/DE/BONN");
    for (column, value) in
        [(Text::OriginatorName, "PAYER"), (Text::OriginatorCountry, "DE"), (Text::OriginatorBirthDate, "1980-01-31")]
    {
        assert_eq!(text(&decoded, 0, column).as_deref(), Some(value));
    }
    assert_eq!(text(&decoded, 0, Text::Originator), None);
    for (put, agent, account) in [
        (":57A://FW021150706\r\nCOBADEFF", Some("bic:COBADEFFXXX"), "acct:COBADEFF/12345678"),
        (":57D://FW021150706\r\nSOME BANK", Some("clearing:021150706"), "acct:021150706/12345678"),
        (":57D:SOME BANK", None, "acct:-/12345678"),
        (":57C:/77", None, "acct:-/12345678"),
        (":57B:/77\r\nLONDON", None, "acct:-/12345678"),
    ] {
        let decoded = of("57A", put);
        assert_eq!(text(&decoded, 0, Text::BeneficiaryAgent).as_deref(), agent, "{put}");
        assert_eq!(text(&decoded, 0, Text::Beneficiary).as_deref(), Some(account), "{put}");
    }
    names_all(&everybody(&of("57A", ":57D:SOME BANK")), &[name(PartyRole::BeneficiaryAgent, "SOME BANK")]);
    // Without the field the receiver keeps the account.
    let decoded = of("57A", ":13C:X");
    assert_eq!(text(&decoded, 0, Text::BeneficiaryAgent).as_deref(), Some("bic:BUKBGB22XXX"));
}

#[test]
fn broken_messages_are_read_in_time_that_grows_with_their_length() {
    let start = "{1:F01BUKBGB22AXXX2222123456}{2:I103MRVADEFFXXXXN}{4:\r\n";
    let fill = |piece: &str| format!("{start}{}", piece.repeat(1_000_000 / piece.len()));
    let begun = std::time::Instant::now();
    for sent in [
        fill(":20:X\r\n"),
        fill(":50K:/1\r\n"),
        fill("X\r\n"),
        fill("\n"),
        format!("{start}:70:{}", "DE8937040044053201300\r\n".repeat(40_000)),
        format!("{start}:59:{}-}}", "/1\r\n".repeat(200_000)),
        format!("{start}:59F:{}\n-}}", "1/N\r\n".repeat(150_000)),
        "{1:".repeat(300_000),
        format!("{{1:F01{}", "{".repeat(1_000_000)),
        format!("{start}-}}{}", "{5:}".repeat(200_000)),
    ] {
        decode(Stream::Bank, sent.as_bytes());
    }
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
