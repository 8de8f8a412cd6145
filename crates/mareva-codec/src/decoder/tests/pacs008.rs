use super::*;

#[test]
fn a_message_fills_its_columns_and_names_every_party() {
    let decoded = decode(Stream::Bank, message("pacs008.xml").as_bytes());
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
            (Text::OriginatorName, "Beispiel & Söhne"),
            (Text::BeneficiaryName, "Muster <Ltd>"),
            (Text::OriginatorAgent, "bic:MRVADEFFXXX"),
            (Text::BeneficiaryAgent, "bic:BUKBGB22XXX"),
            (Text::OriginatorCountry, "DE"),
            (Text::BeneficiaryCountry, "GB"),
            (Text::OriginatorBirthDate, "1980-01-31"),
            (Text::Purpose, "GDDS"),
            (Text::Remittance, "invoice 1 TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t RF18"),
            (Text::MsgId, "MSG-1"),
            (Text::MsgNameId, "pacs.008.001.08"),
            (Text::InstrId, "I-1"),
            (Text::EndToEndId, "E-1"),
            (Text::TxId, "T-1"),
            (Text::ClearingRef, "C-1"),
            (Text::Uetr, "86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::SettlementDate, "2026-01-15"),
            (Text::SettlementAmount, "1000.50"),
            (Text::SettlementCurrency, "EUR"),
        ],
    );
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(100_050 * UNIT / 100));
    assert_eq!(decoded.batch.event_time().values().to_vec(), [1_768_473_000_250, 1_768_473_000_000]);
    assert_eq!(decoded.batch.index().values().to_vec(), [0, 1]);
    assert_eq!(text(&decoded, 1, Text::RowId).as_deref(), Some("MRVADEFF:T-2"));
    let first: Vec<_> =
        decoded.parties.iter().filter(|party| party.row == 0).map(|p| (p.role, p.text.clone())).collect();
    assert_eq!(
        first,
        [
            identifier(PartyRole::Originator, "phone:+4915123456789"),
            name(PartyRole::BeneficiaryAgent, "Receiving Bank"),
            name(PartyRole::UltimateOriginator, "Real Payer"),
            name(PartyRole::UltimateBeneficiary, "Real Payee"),
            name(PartyRole::InitiatingParty, "Starter"),
            identifier(PartyRole::InitiatingParty, "bic:COBADEFFXXX"),
            name(PartyRole::IntermediaryAgent, "Between Bank"),
            identifier(PartyRole::IntermediaryAgent, "bic:BUKBGB22XXX"),
            identifier(PartyRole::IntermediaryAgent, "bic:DEUTDEFFXXX"),
            identifier(PartyRole::IntermediaryAgent, "bic:MRVADEFFXXX"),
        ]
    );
}

/// Agents of a message: element, where it stands.
const AGENTS: [(&str, &str); 13] = [
    ("InstgRmbrsmntAgt", "</p:SttlmMtd>"),
    ("InstdRmbrsmntAgt", "</p:SttlmMtd>"),
    ("ThrdRmbrsmntAgt", "</p:SttlmMtd>"),
    ("InstgAgt", "</p:AccptncDtTm>"),
    ("InstdAgt", "</p:AccptncDtTm>"),
    ("PrvsInstgAgt", "</p:AccptncDtTm>"),
    ("PrvsInstgAgt1", "</p:AccptncDtTm>"),
    ("PrvsInstgAgt2", "</p:AccptncDtTm>"),
    ("PrvsInstgAgt3", "</p:AccptncDtTm>"),
    ("IntrmyAgt2", "</p:AccptncDtTm>"),
    ("IntrmyAgt3", "</p:AccptncDtTm>"),
    ("ChrgsInf><p:Agt", "</p:AccptncDtTm>"),
    ("ChrgsInf><p:Pty", "</p:AccptncDtTm>"),
];

#[test]
fn every_agent_is_screened_by_name_bic_and_member_id() {
    for (element, place) in AGENTS {
        let inner = "<p:FinInstnId><p:BICFI>BOELKPPY</p:BICFI><p:ClrSysMmbId><p:MmbId>021 150</p:MmbId></p:ClrSysMmbId>\
            <p:Nm>Foreign Trade Bank</p:Nm></p:FinInstnId>";
        let end: String = element.split("><p:").collect::<Vec<_>>().iter().rev().map(|e| format!("</p:{e}>")).collect();
        let sent = message("pacs008.xml").replacen(place, &format!("{place}<p:{element}>{inner}{end}"), 1);
        let decoded = decode(Stream::Bank, sent.as_bytes());
        assert_eq!(decoded.batch.len(), 2, "{element}: {:?}", decoded.dead_letters);
        let rows = if place.contains("SttlmMtd") { 0..2 } else { 0..1 };
        for (row, party) in rows.flat_map(|row| {
            [
                (row, identifier(PartyRole::IntermediaryAgent, "bic:BOELKPPYXXX")),
                (row, identifier(PartyRole::IntermediaryAgent, "clearing:021150")),
                (row, name(PartyRole::IntermediaryAgent, "Foreign Trade Bank")),
            ]
        }) {
            let found = decoded.parties.iter().any(|one| one.row == row && (one.role, one.text.clone()) == party);
            assert!(found, "{element}: {party:?} is not among {:?}", parties(&decoded));
        }
        // A dead letter is screened for the same parties, and so is what cannot be read as a message.
        let first = sent.replacen("\"EUR\">1000.50", "\"EUR\">x", 1);
        let broken = sent.replacen("</p:RmtInf>", "</p:RmtInfo>", 1);
        for sent in [first, broken] {
            let screened = dead_parties(&decode(Stream::Bank, sent.as_bytes()));
            assert!(screened.contains(&name(PartyRole::IntermediaryAgent, "Foreign Trade Bank")), "{element}");
        }
    }
}

#[test]
fn who_is_named_anywhere_in_a_message_is_screened() {
    let iban = "GB33BUKB20201555555555";
    let found = format!("iban:{iban}");
    let remittance = |text: &str| identifier(PartyRole::Remittance, text);
    for (place, added, party) in [
        (
            "</h:Fr>",
            "<h:To><h:OrgId><h:Nm>Header Ltd</h:Nm></h:OrgId></h:To>",
            name(PartyRole::IntermediaryAgent, "Header Ltd"),
        ),
        (
            "</h:Fr>",
            "<h:To><h:FIId><h:FinInstnId><h:Nm>Header Bank</h:Nm></h:FinInstnId></h:FIId></h:To>",
            name(PartyRole::IntermediaryAgent, "Header Bank"),
        ),
        (
            "</p:SttlmMtd>",
            &format!("<p:SttlmAcct><p:Id><p:IBAN>{iban}</p:IBAN></p:Id></p:SttlmAcct>"),
            identifier(PartyRole::IntermediaryAgent, &found),
        ),
        (
            "</p:UltmtCdtr>",
            &format!("<p:InstrForCdtrAgt><p:InstrInf>credit to {iban}</p:InstrInf></p:InstrForCdtrAgt>"),
            remittance(&found),
        ),
        (
            "</p:UltmtCdtr>",
            &format!("<p:InstrForNxtAgt><p:InstrInf>/ACC/IBAN{iban}</p:InstrInf></p:InstrForNxtAgt>"),
            remittance(&found),
        ),
        (
            "</p:Ustrd>",
            "<p:Strd><p:GrnshmtRmt><p:Grnshee><p:Nm>Garnished</p:Nm></p:Grnshee></p:GrnshmtRmt></p:Strd>",
            name(PartyRole::Remittance, "Garnished"),
        ),
        (
            "</p:Ustrd>",
            "<p:Strd><p:GrnshmtRmt><p:GrnshmtAdmstr><p:Nm>Court</p:Nm></p:GrnshmtAdmstr></p:GrnshmtRmt></p:Strd>",
            name(PartyRole::Remittance, "Court"),
        ),
        (
            "</p:Ustrd>",
            "<p:Strd><p:Invcee><p:Id><p:OrgId><p:AnyBIC>BOELKPPY</p:AnyBIC></p:OrgId></p:Id></p:Invcee></p:Strd>",
            remittance("bic:BOELKPPYXXX"),
        ),
        (
            "<p:CdtrAgt><p:FinInstnId>",
            "<p:ClrSysMmbId><p:MmbId>200415</p:MmbId></p:ClrSysMmbId>",
            identifier(PartyRole::BeneficiaryAgent, "clearing:200415"),
        ),
        (
            "<p:InstgAgt><p:FinInstnId>",
            "<p:ClrSysMmbId><p:MmbId>200415</p:MmbId></p:ClrSysMmbId>",
            identifier(PartyRole::IntermediaryAgent, "clearing:200415"),
        ),
        (
            "</p:RmtInf>",
            "<p:SplmtryData><p:Envlp><x:Nm xmlns:x='urn:x'>Somewhere</x:Nm></p:Envlp></p:SplmtryData>",
            name(PartyRole::Remittance, "Somewhere"),
        ),
    ] {
        names(place, added, &party);
    }
}

#[test]
fn who_is_named_beside_the_transactions_is_screened_for_each_of_them() {
    let iban = "GB33BUKB20201555555555";
    let found = format!("iban:{iban}");
    for (place, added, party) in [
        (
            "</p:CdtTrfTxInf>",
            "<p:SplmtryData><p:Envlp><x:Nm xmlns:x='urn:x'>Between</x:Nm></p:Envlp></p:SplmtryData>",
            name(PartyRole::Remittance, "Between"),
        ),
        (
            "</p:GrpHdr>",
            &format!(
                "<p:SplmtryData><p:Envlp><p:UltmtDbtr><p:IBAN>{iban}</p:IBAN></p:UltmtDbtr></p:Envlp></p:SplmtryData>"
            ),
            identifier(PartyRole::UltimateOriginator, &found),
        ),
    ] {
        let decoded = names(place, added, &party);
        let parties = decoded.parties.iter().filter(|one| (one.role, one.text.clone()) == party);
        assert_eq!(parties.map(|one| one.row).collect::<Vec<_>>(), [0, 1], "{added}");
    }
    // What is no element of the standard may hold text and elements.
    let added =
        "<p:SplmtryData><x:Nm xmlns:x='urn:x'>First <x:Ref><x:Nm>Inner</x:Nm></x:Ref> Second</x:Nm></p:SplmtryData>";
    for one in ["First", "Inner", "Second"] {
        names("</p:GrpHdr>", added, &name(PartyRole::Remittance, one));
    }
}

/// The message with something added names a party in its first transaction.
#[track_caller]
fn names(place: &str, added: &str, party: &(PartyRole, PartyText)) -> Decoded {
    let sent = message("pacs008.xml").replacen(place, &format!("{place}{added}"), 1);
    assert_ne!(sent, message("pacs008.xml"), "{place}");
    let decoded = decode(Stream::Bank, sent.as_bytes());
    assert_eq!(decoded.batch.len(), 2, "{added}: {:?}", decoded.dead_letters);
    let first = decoded.parties.iter().filter(|one| one.row == 0).map(|one| (one.role, one.text.clone()));
    let first: Vec<_> = first.collect();
    assert!(first.contains(party), "{party:?} is not among {first:?}");
    decoded
}

#[test]
fn each_message_of_a_record_has_its_own_header() {
    let of = |agent: &str, tx: &str| {
        format!(
            "<AppHdr><Fr><OrgId><Nm>{agent}</Nm></OrgId></Fr></AppHdr><Document><FIToFICstmrCdtTrf><GrpHdr>\
             <CreDtTm>2026-01-15T10:30:00Z</CreDtTm></GrpHdr><CdtTrfTxInf><PmtId><TxId>{tx}</TxId></PmtId>\
             <IntrBkSttlmAmt Ccy='EUR'>1</IntrBkSttlmAmt></CdtTrfTxInf></FIToFICstmrCdtTrf></Document>"
        )
    };
    let sent = format!("<Batch>{}{}</Batch>", of("First Sender", "1"), of("Second Sender", "2"));
    let decoded = decode(Stream::Bank, sent.as_bytes());
    let found: Vec<_> = decoded.parties.iter().map(|one| (one.row, one.text.as_str())).collect();
    assert_eq!(found, [(0, "First Sender"), (1, "Second Sender")]);
    let many: String = (0..300).map(|n| format!("<Fr><OrgId><Nm>Sender {n}</Nm></OrgId></Fr>")).collect();
    let sent = format!("<Batch>{many}{}</Batch>", of("First Sender", "1"));
    let decoded = decode(Stream::Bank, sent.as_bytes());
    assert_eq!((decoded.batch.len(), decoded.dead_letters[0].reason), (0, Reason::TooLarge));
    assert_eq!(dead_parties(&decoded).len(), 301);
}

#[test]
fn records_that_name_other_parties_differ_in_a_column() {
    let print = |sent: &str, row| text(&decode(Stream::Bank, sent.as_bytes()), row, Text::OtherParties);
    let sent = message("pacs008.xml");
    let first = print(&sent, 0).unwrap();
    assert_eq!((first.len(), first.bytes().all(|b| b.is_ascii_hexdigit())), (32, true));
    assert_ne!(print(&sent, 1), Some(first.clone()));
    assert_ne!(print(&sent.replace("Real Payee", "Real Other"), 0), Some(first.clone()));
    // Told twice, or by an envelope that repeats the group header, is told once.
    let again =
        sent.replacen("<p:Nm>Starter</p:Nm>", "<p:Nm>Starter</p:Nm><p:CtctDtls><p:Nm>Starter</p:Nm></p:CtctDtls>", 1);
    assert_eq!(print(&again, 0), Some(first));
    let cash = |account: &str| {
        format!(
            r#"{{"type":"cash_deposit","tx_id":"1","source":"S","time":0,"amount":"1","currency":"EUR",
            "originator":{{"account":"{account}"}},"beneficiary":{{"account":"1"}}}}"#
        )
    };
    assert_ne!(print(&cash("DE89370400440532013000"), 0), print(&cash("GB33BUKB20201555555555"), 0));
    assert_eq!(print(&cash(""), 0), None);
}

#[test]
fn prefix_namespace_envelope_and_version_do_not_matter() {
    let whole = decode(Stream::Bank, message("pacs008.xml").as_bytes());
    let expected = texts(&whole, 0);
    let document = message("pacs008.xml");
    let start = document.find("<p:Document>").unwrap();
    let end = document.find("</p:Document>").unwrap() + "</p:Document>".len();
    let bare = document[start..end].replace("p:", "");
    for version in 2..=12 {
        let name = format!("pacs.008.001.{version:02}");
        let space = format!("<Document xmlns='urn:iso:std:iso:20022:tech:xsd:{name}'>");
        let mut sent = bare.replace("<Document>", &space);
        if version == 2 {
            sent = sent.replace("BICFI", "BIC").replace("AnyBIC", "BICOrBEI");
        }
        let decoded = decode(Stream::Bank, sent.as_bytes());
        let mut expected = expected.clone();
        let stated = expected.iter_mut().find(|(column, _)| *column == Text::MsgNameId).unwrap();
        stated.1 = name;
        assert_eq!(texts(&decoded, 0), expected, "version {version}");
        assert_eq!(parties(&decoded), parties(&whole));
    }
    let nameless = decode(Stream::Bank, bare.as_bytes());
    assert_eq!((nameless.batch.len(), text(&nameless, 0, Text::MsgNameId)), (2, None));
    let with_mark = [b"\xef\xbb\xbf \n".as_slice(), bare.as_bytes()].concat();
    assert_eq!(decode(Stream::Bank, &with_mark).batch.len(), 2);
}

#[test]
fn one_bad_transaction_leaves_the_others() {
    for (from, to, reason, detail) in [
        ("\"EUR\">1000.50", "\"EUR\">-1000.50", Reason::InvalidField, "IntrBkSttlmAmt"),
        ("\"EUR\">1000.50", "\"EUR\">1000,50", Reason::InvalidField, "IntrBkSttlmAmt"),
        (" Ccy=\"EUR\">1000.50", ">1000.50", Reason::MissingField, "Ccy"),
        ("\"EUR\">1000.50", "\"euro\">1000.50", Reason::InvalidField, "ISO 4217"),
        ("2026-01-15T11:30:00.250+01:00", "9999-12-31T23:59:59Z", Reason::InvalidField, "AccptncDtTm"),
        ("<p:Nm>Real Payer</p:Nm>", "<p:Nm>Real <b/>Payer</p:Nm>", Reason::InvalidField, "inside a text"),
        ("<p:TxId>T-1</p:TxId>", "<p:TxId>T-1</p:TxId><p:TxId>T-9</p:TxId>", Reason::InvalidField, "repeated"),
        ("<p:InstrId>I-1<", &format!("<p:InstrId>{}<", "I".repeat(1025)), Reason::TooLarge, "1024"),
        ("invoice 1", &"x".repeat(4097), Reason::TooLarge, "4096"),
        ("invoice 1", &"x".repeat(4090), Reason::TooLarge, "remittance"),
    ] {
        let sent = message("pacs008.xml").replace(from, to);
        assert_ne!(sent, message("pacs008.xml"));
        let decoded = decode(Stream::Bank, sent.as_bytes());
        assert_eq!(decoded.batch.index().values().to_vec(), [1], "{detail}");
        let letter = &decoded.dead_letters[0];
        assert_eq!((letter.reason, letter.position.index), (reason, 0), "{letter:?}");
        assert!(letter.detail.contains(detail), "{}", letter.detail);
        assert!(letter.payload.starts_with("<p:CdtTrfTxInf>") && letter.payload.ends_with("</p:CdtTrfTxInf>"));
        let screened = dead_parties(&decoded);
        for party in [
            identifier(PartyRole::Originator, "iban:DE89370400440532013000"),
            identifier(PartyRole::Beneficiary, "acct:BUKBGB22/12345678"),
            identifier(PartyRole::Remittance, TRON),
            name(PartyRole::Beneficiary, "Muster <Ltd>"),
            name(PartyRole::UltimateBeneficiary, "Real Payee"),
        ] {
            assert!(screened.contains(&party), "{detail}: {party:?} is not among {screened:?}");
        }
    }
}

const TRON: &str = "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";

#[test]
fn a_message_that_is_not_whole_is_one_dead_letter_and_is_screened() {
    let whole = message("pacs008.xml");
    let cases = [
        (whole[..whole.len() - 3].to_owned(), Reason::Malformed),
        (whole[..whole.find("<p:Purp>").unwrap()].to_owned(), Reason::Malformed),
        (whole.replace("</p:RmtInf>", "</p:RmtInfo>"), Reason::Malformed),
        (whole.replace("invoice 1", "invoice & 1"), Reason::Malformed),
        (whole.replace("UTF-8", "UTF-16"), Reason::Malformed),
        (whole.replace("UTF-8", "ISO-8859-1").replace("Second", "Zweiter Käufer"), Reason::Malformed),
        (whole.replace("pacs.008.001.08", "pacs.008.001.14"), Reason::UnknownFormat),
        (whole.replace("FIToFICstmrCdtTrf", "FIToFICstmrDrctDbt"), Reason::UnknownFormat),
        (whole.replace("invoice 1", "&unknown;"), Reason::Forbidden),
        (whole.replace("<p:MsgId>MSG-1", &format!("<p:MsgId>{}", "M".repeat(1025))), Reason::TooLarge),
        (whole.replace("<p:Purp>", &"<a>".repeat(70)).replace("</p:Purp>", &"</a>".repeat(70)), Reason::TooLarge),
        (whole.replace("<p:MsgId>", "<p:MsgId>M</p:MsgId><p:MsgId>"), Reason::InvalidField),
        (whole.replace("CdtTrfTxInf", "CdtTrfTx"), Reason::MissingField),
    ];
    for (sent, reason) in cases {
        let decoded = decode(Stream::Bank, sent.as_bytes());
        let found: Vec<_> = decoded.dead_letters.iter().map(|letter| letter.reason).collect();
        assert_eq!((decoded.batch.len(), found), (0, vec![reason]), "{:?}", decoded.dead_letters[0].detail);
        let screened = dead_parties(&decoded);
        for party in [
            identifier(PartyRole::Originator, "iban:DE89370400440532013000"),
            name(PartyRole::Originator, "Beispiel & Söhne"),
            name(PartyRole::Beneficiary, "Muster <Ltd>"),
            name(PartyRole::UltimateOriginator, "Real Payer"),
            identifier(PartyRole::Originator, "phone:+4915123456789"),
            identifier(PartyRole::IntermediaryAgent, "bic:DEUTDEFFXXX"),
        ] {
            assert!(screened.contains(&party), "{reason:?}: {party:?} is not among {screened:?}");
        }
    }
}

#[test]
fn ids_fall_back_until_one_tells_the_transaction_apart() {
    let second = |from: &str, to: &str| {
        let sent = message("pacs008.xml").replace(from, to);
        text(&decode(Stream::Bank, sent.as_bytes()), 1, Text::RowId)
    };
    let ids = "<p:EndToEndId>NOTPROVIDED</p:EndToEndId><p:TxId>T-2</p:TxId>";
    let instructed = "<p:InstrId>I-2</p:InstrId><p:EndToEndId>RENT-JAN</p:EndToEndId>";
    assert_eq!(second(ids, instructed).as_deref(), Some("MRVADEFF:I-2"));
    // Two customers may well call their payments the same.
    assert_eq!(second(ids, "<p:EndToEndId>RENT-JAN</p:EndToEndId>").as_deref(), Some("MRVADEFF:MSG-1/1"));
    assert_eq!(second(ids, "<p:EndToEndId>NOTPROVIDED</p:EndToEndId>").as_deref(), Some("MRVADEFF:MSG-1/1"));
    let no_bic = message("pacs008.xml").replace("<p:BICFI>MRVADEFFXXX</p:BICFI>", "");
    assert_eq!(text(&decode(Stream::Bank, no_bic.as_bytes()), 1, Text::RowId).as_deref(), Some("pacs.008:T-2"));
    let member = "<p:ClrSysMmbId><p:MmbId>021150706</p:MmbId></p:ClrSysMmbId>";
    let cleared = message("pacs008.xml").replace("<p:BICFI>MRVADEFFXXX</p:BICFI>", member);
    let decoded = decode(Stream::Bank, cleared.as_bytes());
    assert_eq!(text(&decoded, 1, Text::RowId).as_deref(), Some("member:021150706:T-2"));
    assert_eq!(text(&decoded, 0, Text::OriginatorAgent).as_deref(), Some("clearing:021150706"));
    // Nobody's member id makes an id of another format, or of another sender.
    for (member, source) in [("uetr", "member:uetr"), ("MRVADEFF", "member:MRVADEFF"), ("-", "pacs.008")] {
        let decoded = decode(Stream::Bank, cleared.replace("021150706", member).as_bytes());
        assert_eq!(text(&decoded, 1, Text::RowId), Some(format!("{source}:T-2")));
        assert_eq!(text(&decoded, 1, Text::Source).as_deref(), Some(source));
    }
}

#[test]
fn ten_thousand_bad_transactions_keep_their_own_bytes_only() {
    let many = |count: usize| {
        format!("<Document><FIToFICstmrCdtTrf>{}</FIToFICstmrCdtTrf></Document>", "<CdtTrfTxInf/>".repeat(count))
    };
    let decoded = decode(Stream::Bank, many(10_000).as_bytes());
    assert_eq!(decoded.dead_letters.len(), 10_000);
    assert_eq!(decoded.dead_letters[9_999].position.index, 9_999);
    assert!(decoded.dead_letters.iter().map(|letter| letter.payload.len()).sum::<usize>() < 1024 * 1024);
    let decoded = decode(Stream::Bank, many(10_001).as_bytes());
    assert_eq!((decoded.dead_letters.len(), decoded.dead_letters[0].reason), (1, Reason::TooLarge));
}
