use super::*;

fn credit_transfer(changes: &[(&str, &str)]) -> String {
    let sent = String::from_utf8(example("bank.credit_transfer.json")).unwrap();
    changes.iter().fold(sent, |sent, (from, to)| {
        assert!(sent.contains(from), "{from}");
        sent.replace(from, to)
    })
}

#[track_caller]
fn refused(stream: Stream, payload: &[u8], reason: Reason, detail: &str) -> Decoded {
    let decoded = decode(stream, payload);
    assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (0, 1));
    let letter = &decoded.dead_letters[0];
    assert_eq!(letter.reason, reason, "{}", letter.detail);
    assert!(letter.detail.contains(detail), "{} does not say {detail}", letter.detail);
    decoded
}

#[test]
fn bad_fields_are_dead_letters_that_say_which() {
    for (change, reason, detail) in [
        (("\"1500.00\",\n  \"currency\"", "\"-1\",\n  \"currency\""), Reason::InvalidField, "amount"),
        (("\"1500.00\",\n  \"currency\"", "[1],\n  \"currency\""), Reason::InvalidField, "amount"),
        (("2026-01-05T10:00:00.123Z", "9999-12-31T23:59:59Z"), Reason::InvalidField, "time"),
        (("2026-01-05T10:00:00.123Z", "yesterday"), Reason::InvalidField, "time"),
        (("credit_transfer", "loan"), Reason::InvalidField, "type"),
        (("\"status\": \"settled\"", "\"status\": \"done\""), Reason::InvalidField, "status"),
        (("\"tx_id\": \"B000001\"", "\"tx_id\": 1"), Reason::InvalidField, "expected a text"),
        (("\"tx_id\": \"B000001\"", "\"tx_id\": \" \""), Reason::MissingField, "tx_id"),
        (("\"tx_id\"", "\"id\""), Reason::MissingField, "tx_id"),
        (("\"tx_id\"", "\"source\": \"X\", \"tx_id\""), Reason::InvalidField, "duplicate field `source`"),
        (("\"source\": \"MRVADEFF\"", "\"source\": \"uetr\""), Reason::InvalidField, "source"),
        (("\"source\": \"MRVADEFF\"", "\"source\": \"dead\""), Reason::InvalidField, "source"),
        (("January, see", "\\u0000"), Reason::InvalidField, "NUL"),
        (("dev-123", &"d".repeat(1025)), Reason::TooLarge, "device"),
        (("January, see", &"r".repeat(4097)), Reason::TooLarge, "remittance"),
        (("dev-123", "dev\n123"), Reason::Malformed, "not JSON"),
        (("\"channel\": \"mobile\",", "\"channel\": \"mobile\""), Reason::Malformed, "not JSON"),
    ] {
        let sent = credit_transfer(&[change]);
        let decoded = refused(Stream::Bank, sent.as_bytes(), reason, detail);
        let screened = dead_parties(&decoded);
        for party in [
            identifier(PartyRole::Originator, "iban:DE89370400440532013000"),
            name(PartyRole::Originator, "Anna Beispiel"),
            identifier(PartyRole::OriginatorAgent, "bic:MRVADEFFXXX"),
            identifier(PartyRole::Beneficiary, "iban:GB33BUKB20201555555555"),
            name(PartyRole::Beneficiary, "Jörg Muster"),
            identifier(PartyRole::Remittance, "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ] {
            assert!(screened.contains(&party), "{change:?}: {party:?} is not among {screened:?}");
        }
    }
}

#[test]
fn details_never_repeat_what_the_sender_wrote() {
    let secret = "DE89370400440532013000";
    for sent in [
        credit_transfer(&[("\"EUR\",\n  \"originator\"", "\"DE89370400440532013000\",\n  \"originator\"")]),
        credit_transfer(&[("\"originator\": {", "\"originator\": \"expected DE89370400440532013000\", \"x\": {")]),
        credit_transfer(&[("mobile\"", "mobile\" DE89370400440532013000")]),
    ] {
        let decoded = decode(Stream::Bank, sent.as_bytes());
        assert!(!decoded.dead_letters[0].detail.contains(secret), "{}", decoded.dead_letters[0].detail);
    }
}

#[test]
fn records_that_are_no_format_are_refused() {
    for (stream, payload, reason) in [
        (Stream::Bank, b"".as_slice(), Reason::UnknownFormat),
        (Stream::Bank, b" \n\t", Reason::UnknownFormat),
        (Stream::Bank, b"[]", Reason::UnknownFormat),
        (Stream::Bank, b"hello", Reason::UnknownFormat),
        (Stream::Bank, b"\"text\"", Reason::UnknownFormat),
        (Stream::Exchange, b"<Document/>", Reason::UnknownFormat),
        (Stream::Bank, b"<Document/>", Reason::UnknownFormat),
        (Stream::Bank, b"<", Reason::Malformed),
        (Stream::Bank, b"{", Reason::Malformed),
        (Stream::Bank, b"{}{}", Reason::Malformed),
        (Stream::Bank, b"{}", Reason::MissingField),
        (Stream::Exchange, b"{}", Reason::MissingField),
        (Stream::Bank, b"\xff\xfe{\0}\0", Reason::Malformed),
        (Stream::Bank, b"\0{\0}", Reason::Malformed),
        (Stream::Bank, b"{\"type\":\"\xff\"}", Reason::Malformed),
        (Stream::Bank, b"\x80\x81\x82", Reason::UnknownFormat),
    ] {
        refused(stream, payload, reason, "");
    }
    let decoded = refused(Stream::Bank, b"{\"\xff\"}", Reason::Malformed, "byte 2");
    assert_eq!(
        (decoded.dead_letters[0].payload.as_str(), decoded.dead_letters[0].payload_is_hex),
        ("7b22ff227d", true)
    );
}

#[test]
fn other_encodings_are_refused_and_read_for_screening() {
    let sent = credit_transfer(&[("dev-123", "dev")]);
    let latin: Vec<u8> = sent.chars().map(|c| u8::try_from(c as u32).unwrap()).collect();
    let wide = |bytes: fn(u16) -> [u8; 2]| sent.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let marked = [b"\xff\xfe".to_vec(), wide(u16::to_le_bytes)].concat();
    for payload in [latin, wide(u16::to_le_bytes), wide(u16::to_be_bytes), marked] {
        let decoded = decode(Stream::Bank, &payload);
        assert_eq!(decoded.dead_letters[0].reason, Reason::Malformed);
        let screened = dead_parties(&decoded);
        assert!(screened.contains(&name(PartyRole::Beneficiary, "Jörg Muster")), "{screened:?}");
        assert!(screened.contains(&identifier(PartyRole::Beneficiary, "iban:GB33BUKB20201555555555")));
    }
}

#[test]
fn truncated_deep_and_huge_records_are_refused_and_screened() {
    let anna = name(PartyRole::Originator, "Anna Beispiel");
    let sent = credit_transfer(&[]);
    let cut = &sent[..sent.find("\"beneficiary\"").unwrap()];
    assert!(dead_parties(&refused(Stream::Bank, cut.as_bytes(), Reason::Malformed, "too early")).contains(&anna));

    let deep = sent.replacen('{', &format!("{{\"x\":{}{},", "[".repeat(100_000), "]".repeat(100_000)), 1);
    assert!(dead_parties(&refused(Stream::Bank, deep.as_bytes(), Reason::TooLarge, "64 levels")).contains(&anna));
    let open = "{\"a\":".repeat(150_000);
    refused(Stream::Bank, open.as_bytes(), Reason::TooLarge, "64 levels");
    let flat = sent.replacen('{', &format!("{{\"x\":[{}0],", "[],".repeat(1_000)), 1);
    assert_eq!(decode(Stream::Bank, flat.as_bytes()).batch.len(), 1);

    let huge = sent.replacen('{', &format!("{{\"x\":\"{}\",", "y".repeat(1024 * 1024)), 1);
    refused(Stream::Bank, huge.as_bytes(), Reason::TooLarge, "1048576");
    let huge = sent.replacen("\"msg_id\"", &format!("\"x\":\"{}\",\"msg_id\"", "y".repeat(1024 * 1024)), 1);
    let decoded = refused(Stream::Bank, huge.as_bytes(), Reason::TooLarge, "1048576");
    assert!(dead_parties(&decoded).contains(&anna));
    assert_eq!(decoded.dead_letters[0].payload.len(), DeadLetter::MAX_PAYLOAD);
}

#[test]
fn entities_are_never_expanded() {
    let body = String::from_utf8(example("pacs008.xml")).unwrap();
    let body = body.split_once("?>").unwrap().1;
    let mut laughs = String::from("<!DOCTYPE lolz [<!ENTITY lol0 \"lol\">");
    for n in 1..10 {
        laughs += &format!("<!ENTITY lol{n} \"{}\">", format!("&lol{};", n - 1).repeat(10));
    }
    laughs += "]>";
    let body_with = |reference: &str| body.replace("invoice 1", reference);
    for sent in [
        format!("{laughs}{}", body_with("&lol9;")),
        format!("<!DOCTYPE x [<!ENTITY xxe SYSTEM \"file:///etc/passwd\">]>{}", body_with("&xxe;")),
        format!("<!DOCTYPE x SYSTEM \"http://192.0.2.1/x.dtd\">{body}"),
        format!("<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://192.0.2.1/x.dtd\"> %p;]>{body}"),
        body_with("&xxe;"),
    ] {
        let decoded = refused(Stream::Bank, sent.as_bytes(), Reason::Forbidden, "");
        assert!(dead_parties(&decoded).contains(&name(PartyRole::UltimateOriginator, "Real Payer")));
    }
    assert_eq!(decode(Stream::Bank, body_with("&#x41;&lt;&#66;").as_bytes()).batch.len(), 2);
    for reference in ["&#0;", "&#xD800;", "&#x110000;", "&#99999999999;", "&", "&;", "&amp"] {
        assert_eq!(decode(Stream::Bank, body_with(reference).as_bytes()).batch.len(), 0, "{reference}");
    }
}

#[test]
fn dead_letters_of_the_exchange_stream_are_screened() {
    let sent = String::from_utf8(example("exchange.withdrawal.json")).unwrap();
    let sent = sent.replace("2026-01-05T10:05:00Z", "9999-01-01T00:00:00Z");
    let decoded = refused(Stream::Exchange, sent.as_bytes(), Reason::InvalidField, "time");
    assert_eq!(
        dead_parties(&decoded),
        [
            identifier(PartyRole::Originator, "exch:kestrel:10023"),
            identifier(PartyRole::Originator, "xrp:rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh"),
            identifier(PartyRole::Beneficiary, "xrp:rf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpn#77"),
            name(PartyRole::Originator, "Anna Beispiel"),
            // Wherever it stands, an address is seen by its form: without the tag beside it.
            identifier(PartyRole::Remittance, "xrp:rf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpn"),
        ]
    );
}

/// A message of ten thousand small transactions that all repeat its longest texts.
fn repeating_message() -> String {
    let (id, member) = ("i".repeat(1_000), "9".repeat(1_000));
    let transactions = "<CdtTrfTxInf><IntrBkSttlmAmt Ccy=\"EUR\">1</IntrBkSttlmAmt></CdtTrfTxInf>".repeat(10_000);
    let agent = format!("<FinInstnId><ClrSysMmbId><MmbId>{member}</MmbId></ClrSysMmbId></FinInstnId>");
    let header = format!(
        "<GrpHdr><MsgId>{id}</MsgId><CreDtTm>2026-01-05T10:00:00Z</CreDtTm><InstgAgt>{agent}</InstgAgt></GrpHdr>"
    );
    format!("<Document><FIToFICstmrCdtTrf>{header}{transactions}</FIToFICstmrCdtTrf></Document>")
}

#[test]
fn a_message_that_repeats_long_texts_has_a_bound() {
    let message = repeating_message();
    let limits = Limits::default();
    assert!(message.len() < limits.record_bytes);
    let mut decoder = Decoder::new(limits.clone());
    let mut records = 0;
    while !decoder.is_full() {
        decoder.decode(Stream::Bank, record(message.as_bytes()));
        records += 1;
        assert!(records < 10, "it never fills up");
    }
    let decoded = decoder.finish();
    assert!(!decoder.is_full());
    assert_eq!(decoded.batch.len() + decoded.dead_letters.len(), records * 10_000);
    let texts: usize = Text::ALL.into_iter().map(|text| decoded.batch.text(text).value_data().len()).sum();
    assert!((limits.expanded_bytes..=records * limits.expanded_bytes).contains(&texts), "{texts} bytes");
    for letter in &decoded.dead_letters {
        assert_eq!(letter.reason, Reason::TooLarge);
        assert!(letter.detail.contains("16777216 bytes; split it"), "{}", letter.detail);
    }
    let refused: Vec<i32> = decoded.dead_letters.iter().map(|letter| letter.position.index).collect();
    assert!(refused.contains(&9_999) && !refused.contains(&0));

    // The longest ids that the standard allows stay far below the bound.
    let short = message.replace(&"i".repeat(1_000), &"i".repeat(35)).replace(&"9".repeat(1_000), &"9".repeat(35));
    assert_eq!(decode(Stream::Bank, short.as_bytes()).batch.len(), 10_000);
}

#[test]
fn fields_that_nobody_reads_hide_no_party() {
    let anna = name(PartyRole::Originator, "Anna Beispiel");
    let junk: String = (0..20_000).map(|n| format!("\"x{n}\":\"y\",")).collect();
    let sent = credit_transfer(&[("2026-01-05T10:00:00.123Z", "yesterday")]).replacen('{', &format!("{{{junk}"), 1);
    let decoded = refused(Stream::Bank, sent.as_bytes(), Reason::InvalidField, "time");
    assert!(dead_parties(&decoded).contains(&anna));
    assert!(!decoded.dead_letters[0].detail.contains("by hand"));
}

#[test]
fn a_dead_letter_says_that_it_was_not_screened_whole() {
    let parties = |count: usize| (0..count).map(|n| format!("\"name\":\"N{n}\",")).collect::<String>();
    let elements = |count: usize| (0..count).map(|n| format!("<Nm>N{n}</Nm>")).collect::<String>();
    let long = |bytes: usize| format!("<Nm>{}</Nm>", "n".repeat(bytes));
    let data = |bytes: usize| format!("<Nm><![CDATA[{}]]></Nm>", "n".repeat(bytes));
    let huge = |pad: usize| format!("{{\"name\":\"N\",\"x\":\"{}\"}}", "y".repeat(pad));
    for (sent, found, whole) in [
        (format!("{{{}", parties(4_096)), 4_096, true),
        (format!("{{{}", parties(4_097)), 4_096, false),
        (format!("<a>{}", elements(4_096)), 4_096, true),
        (format!("<a>{}", elements(4_097)), 4_096, false),
        (format!("<a>{}", long(4_000)), 1, true),
        (format!("<a>{}", long(5_000)), 1, false),
        (format!("<a>{}", data(4_000)), 1, true),
        (format!("<a>{}", data(4_090)), 1, false),
        (format!("<a><other>{}</other>{}", "o".repeat(5_000), long(1)), 1, true),
        (huge(1024 * 1024), 1, false),
    ] {
        let decoded = decode(Stream::Bank, sent.as_bytes());
        let (screened, letter) = (decoded.dead_letter_parties.len(), &decoded.dead_letters[0]);
        let told = letter.detail.contains("too large to be screened whole");
        assert_eq!((screened, !told), (found, whole), "{}: {}", &sent[..60.min(sent.len())], letter.detail);
    }
}

#[test]
fn an_identifier_is_screened_whatever_a_broken_record_calls_it() {
    let told =
        r#"{"type":"credit_transfer","tx_id":"1","source":"MRVADEFF","time":"2026-01-05T10:00:00Z","amount":"1","#;
    for (party, listed) in [
        (r#""beneficiary":{"account":"GB33BUKB20201555555555\u0000"}}"#, "iban:GB33BUKB20201555555555"),
        (r#""beneficiary":{"account":{"iban":"GB33BUKB20201555555555"}}}"#, "iban:GB33BUKB20201555555555"),
        (r#""Beneficiary":{"Account":"GB33 BUKB 2020 1555 5555 55"}}"#, "iban:GB33BUKB20201555555555"),
        (r#""creditor_iban":"GB33BUKB20201555555555"}"#, "iban:GB33BUKB20201555555555"),
        ("'beneficiary':{'account':'GB33BUKB20201555555555'}}", "iban:GB33BUKB20201555555555"),
        (r#""wallet":"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"}"#, "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ] {
        let decoded = decode(Stream::Bank, format!("{told}{party}").as_bytes());
        let found = decoded.dead_letter_parties.iter().filter(|(_, _, party)| party.as_str() == listed).count();
        assert_eq!((decoded.dead_letters.len(), found), (1, 1), "{party}");
    }
}

#[test]
fn broken_records_are_read_in_time_that_grows_with_their_length() {
    let fill = |piece: &str| piece.repeat(1_000_000 / piece.len());
    let agents = format!("{{\"agent\":\"MRVADEFF\",\"originator\":{{{}", fill("\"account\":\"1\","));
    for sent in [
        agents,
        format!("{{{}", fill("\"account\":\"1\",")),
        format!("<a>{}", fill("<![CDATA[]]>")),
        format!("<a>{}", fill("<Nm><![CDATA[x]]>")),
        format!("<a>{}", fill("<Nm>&lt;")),
        fill("{\"name\":"),
        fill("\"\\"),
    ] {
        let began = std::time::Instant::now();
        let decoded = decode(Stream::Bank, sent.as_bytes());
        assert_eq!(decoded.dead_letters.len(), 1);
        // Squared, any of these would take minutes.
        assert!(began.elapsed().as_secs() < 10, "{}: {:?}", &sent[..40], began.elapsed());
    }
}
