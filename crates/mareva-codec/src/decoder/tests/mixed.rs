//! All messages alike: how they are wrapped and mixed, and that nobody hides in them and nothing grows out of them.

use super::messages::of_row;
use super::*;

/// Messages, their rows, and the element of a transaction.
const MESSAGES: [(&str, usize, &str); 6] = [
    ("pacs009.xml", 2, "CdtTrfTxInf"),
    ("pacs004.xml", 2, "TxInf"),
    ("pacs002.xml", 2, "TxInfAndSts"),
    ("pain001.xml", 3, "CdtTrfTxInf"),
    ("camt056.xml", 2, "TxInf"),
    ("camt110.xml", 1, "InvstgtnReq"),
];

#[test]
fn prefix_namespace_envelope_and_version_do_not_matter_to_any_message() {
    for (file, rows, _) in MESSAGES {
        let whole = decode(Stream::Bank, &example(file));
        let bare = message(file).replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "");
        let prefixed = bare.replace("</", "\u{1}").replace('<', "<q:").replace('\u{1}', "</q:").replace("<q:![", "<![");
        let wrapped = format!("<Outer xmlns:q='urn:q' xmlns='urn:pacs.008.001.99'><Inner>{bare}</Inner></Outer>");
        let marked = format!("\u{feff}\n{bare}");
        for (sent, what) in [(prefixed, "prefixed"), (wrapped, "wrapped"), (marked, "marked")] {
            let decoded = decode(Stream::Bank, sent.as_bytes());
            assert_eq!(decoded.batch.len(), rows, "{file} {what}: {:?}", decoded.dead_letters);
            for row in 0..rows {
                assert_eq!(texts(&decoded, row), texts(&whole, row), "{file} {what}");
            }
            assert_eq!(parties(&decoded), parties(&whole), "{file} {what}");
        }
        let name = text(&whole, 0, Text::MsgNameId).unwrap();
        let later = message(file).replace(&name, &format!("{}99", &name[..name.len() - 2]));
        let decoded = decode(Stream::Bank, later.as_bytes());
        assert_eq!((decoded.batch.len(), decoded.dead_letters[0].reason), (0, Reason::UnknownFormat), "{file}");
        assert!(decoded.dead_letters[0].detail.contains(&name[..8]), "{}", decoded.dead_letters[0].detail);
    }
}

#[test]
fn every_transaction_of_mixed_messages_is_one_row_or_one_dead_letter() {
    let all: String = MESSAGES
        .iter()
        .chain(&[("pacs008.xml", 2, "CdtTrfTxInf")])
        .map(|(file, ..)| {
            let whole = message(file);
            whole.split_once("?>").unwrap().1.to_owned()
        })
        .collect();
    let all = format!("<Batch>{all}</Batch>");
    let decoded = decode(Stream::Bank, all.as_bytes());
    assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (14, 0), "{:?}", decoded.dead_letters);
    let names: Vec<_> =
        [0, 2, 4, 6, 9, 11, 12].iter().filter_map(|row| text(&decoded, *row, Text::MsgNameId)).collect();
    let expected = [
        "pacs.009.001.08",
        "pacs.004.001.10",
        "pacs.002.001.10",
        "pain.001.001.09",
        "camt.056.001.08",
        "camt.110.001.01",
        "pacs.008.001.08",
    ];
    assert_eq!(names, expected);
    // Nobody of one message is named in another.
    assert!(!of_row(&decoded, 0).contains(&name(PartyRole::InitiatingParty, "Payroll Service")));
    let places: Vec<_> = decoded.places.iter().map(|place| &all[place.start as usize..place.end as usize]).collect();
    assert!(places[11].starts_with("<InvstgtnReq>") && places[9].starts_with("<TxInf>"), "{}", places[11]);

    // Whatever is wrong with a time, each transaction of its message is a dead letter of its own, and the others are rows.
    for (file, rows, element) in MESSAGES {
        let whole = message(file);
        let (time, other) =
            if file == "camt110.xml" { ("2026-01-15T15", "CreDt>") } else { ("CreDtTm>2026", "CreDtTm>") };
        let sent = whole.replacen(time, &format!("{other}x").replace("CreDt>x", "x"), 1);
        let both = format!("<Batch>{}{}</Batch>", sent.split_once("?>").unwrap().1, whole.split_once("?>").unwrap().1);
        let decoded = decode(Stream::Bank, both.as_bytes());
        assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (rows, rows), "{file}");
        let indexes: Vec<_> = decoded.dead_letters.iter().map(|letter| letter.position.index).collect();
        assert_eq!(indexes, (0..rows as i32).collect::<Vec<_>>());
        let element = format!("<{element}>");
        assert!(decoded.dead_letters.iter().all(|letter| letter.payload.starts_with(&element)), "{file}");
    }
}

#[test]
fn nobody_hides_in_a_message_a_group_or_a_place_without_transactions() {
    let hidden = name(PartyRole::UltimateOriginator, "Hidden");
    let party = "<UltmtDbtr><Nm>Hidden</Nm></UltmtDbtr>";
    let order = message("pain001.xml");
    for (sent, rows, letters) in [
        (order.replacen("<PmtInf>", &format!("<PmtInf>{party}</PmtInf><PmtInf>"), 1), 3, 1),
        (order.replacen("</PmtInf>", &format!("</PmtInf><PmtInf>{party}</PmtInf>"), 1), 3, 1),
        (order.replacen("</GrpHdr>", &format!("</GrpHdr>{party}"), 1), 3, 0),
        (format!("<B><FICdtTrf>{party}</FICdtTrf>{}</B>", order.split_once("?>").unwrap().1), 3, 1),
        (format!("<B>{}<PmtRtr>{party}</PmtRtr></B>", order.split_once("?>").unwrap().1), 3, 1),
        (format!("<FIToFIPmtCxlReq><Undrlyg>{party}</Undrlyg></FIToFIPmtCxlReq>"), 0, 1),
        (format!("<InvstgtnReq>{party}</InvstgtnReq>"), 0, 1),
    ] {
        let decoded = decode(Stream::Bank, sent.as_bytes());
        assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (rows, letters), "{sent}");
        let found = [parties(&decoded), dead_parties(&decoded)].concat();
        assert!(found.contains(&hidden), "{sent}: {found:?}");
    }
    // What stands twice, in the group and in the transaction, is named twice.
    let twice = order.replacen("<CdtTrfTxInf>", "<CdtTrfTxInf><Dbtr><Nm>Shadow</Nm></Dbtr>", 1);
    let decoded = decode(Stream::Bank, twice.as_bytes());
    assert_eq!(text(&decoded, 0, Text::OriginatorName).as_deref(), Some("Shadow"));
    names_all(&of_row(&decoded, 0), &[name(PartyRole::Originator, "Beispiel & Söhne")]);
    // A group whose parties stand behind its transactions names them all the same.
    let behind = order.replacen("</PmtInf>", "<UltmtCdtr><Nm>Behind</Nm></UltmtCdtr></PmtInf>", 1);
    names_all(&of_row(&decode(Stream::Bank, behind.as_bytes()), 0), &[name(PartyRole::UltimateBeneficiary, "Behind")]);
}

#[test]
fn an_order_that_is_broken_is_screened_for_its_instructions_however_long_it_is() {
    let long = format!("<Ustrd>{}</Ustrd>", "x".repeat(100)).repeat(1_000);
    let sent = message("pain001.xml").replacen("<PmtInf>", &format!("<PmtInf>{long}<b>"), 1);
    let decoded = decode(Stream::Bank, sent.as_bytes());
    assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (0, 1));
    let told = identifier(PartyRole::Remittance, "iban:GB33BUKB20201555555555");
    assert!(dead_parties(&decoded).contains(&told), "{:?}", dead_parties(&decoded));
}

#[test]
fn what_a_group_repeats_has_a_bound() {
    let transactions = "<CdtTrfTxInf><Amt><InstdAmt Ccy='EUR'>x</InstdAmt></Amt></CdtTrfTxInf>".repeat(9_000);
    let party = format!("<UltmtDbtr><Nm>{}</Nm></UltmtDbtr>", "n".repeat(1_000)).repeat(250);
    let debtor = format!("<Dbtr><Nm>{}</Nm></Dbtr>", "d".repeat(1_000));
    let order = |transactions: &str| {
        format!(
            "<CstmrCdtTrfInitn><GrpHdr><CreDtTm>2026-01-14T08:00:00Z</CreDtTm></GrpHdr><PmtInf>{debtor}{party}{transactions}\
             </PmtInf></CstmrCdtTrfInitn>"
        )
    };
    let decoded = decode(Stream::Bank, order(&transactions).as_bytes());
    assert_eq!(decoded.dead_letters.len(), 9_000);
    assert_eq!(decoded.dead_letter_parties.len(), 251);
    let decoded = decode(Stream::Bank, order(&transactions.replace(">x<", ">1<")).as_bytes());
    assert_eq!(decoded.batch.len() + decoded.dead_letters.len(), 9_000);
    let texts: usize = decoded.parties.iter().map(|party| party.text.as_str().len()).sum();
    assert!(texts <= Limits::default().expanded_bytes, "{texts}");
    assert!(decoded.dead_letters.iter().all(|letter| letter.reason == Reason::TooLarge));
    // Groups and messages count as transactions do.
    for sent in [
        format!("<CstmrCdtTrfInitn>{}</CstmrCdtTrfInitn>", "<PmtInf/>".repeat(10_001)),
        format!("<B>{}</B>", "<PmtRtr/>".repeat(10_001)),
    ] {
        let decoded = decode(Stream::Bank, sent.as_bytes());
        assert_eq!((decoded.dead_letters.len(), decoded.dead_letters[0].reason), (1, Reason::TooLarge));
    }
}

#[test]
fn what_is_wrong_with_a_record_is_one_dead_letter_that_is_screened_whatever_the_message() {
    for (file, _, element) in MESSAGES {
        let whole = message(file);
        let body = whole.split_once("?>").unwrap().1;
        let everybody = [parties(&decode(Stream::Bank, whole.as_bytes()))].concat();
        let names = everybody.iter().filter(|(_, party)| matches!(party, PartyText::Name(_)));
        let names: Vec<_> = names.map(|(_, party)| party.clone()).collect();
        let deep = format!("{}{}", "<a>".repeat(70), "</a>".repeat(70));
        for (sent, reason) in [
            (format!("<!DOCTYPE x [<!ENTITY a 'b'>]>{body}"), Reason::Forbidden),
            (whole.replacen("EUR\">", "EUR\">&a;", 1), Reason::Forbidden),
            (whole.replacen("</", "\0</", 1), Reason::Malformed),
            (whole.replacen("UTF-8", "UTF-16", 1), Reason::Malformed),
            (whole.trim_end().strip_suffix('>').unwrap().to_owned(), Reason::Malformed),
            (whole.replacen(&format!("</{element}>"), &format!("</{element}s>"), 1), Reason::Malformed),
            (whole.replacen(&format!("<{element}>"), &format!("<{element}>{deep}"), 1), Reason::TooLarge),
        ] {
            let decoded = decode(Stream::Bank, sent.as_bytes());
            assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (0, 1), "{file} {reason:?}");
            assert_eq!(decoded.dead_letters[0].reason, reason, "{file}: {}", decoded.dead_letters[0].detail);
            let screened = dead_parties(&decoded);
            for name in &names {
                assert!(screened.iter().any(|(_, party)| party == name), "{file} {reason:?}: {name:?}");
            }
        }
        let data = whole.replace("<Nm>", "<Nm><![CDATA[").replace("</Nm>", "]]></Nm>").replace("&amp;", "&");
        assert_eq!(parties(&decode(Stream::Bank, data.as_bytes())), everybody, "{file}");
    }
}
