//! Messages about payments beside pacs.008: what a row of each says, who is screened, and that each transaction is one.

use super::*;

pub(super) fn of_row(decoded: &Decoded, row: u32) -> Vec<(PartyRole, PartyText)> {
    decoded.parties.iter().filter(|one| one.row == row).map(|one| (one.role, one.text.clone())).collect()
}

#[test]
fn a_transfer_between_institutions_moves_no_customers_account() {
    let decoded = decode(Stream::Bank, &example("pacs009.xml"));
    assert_eq!(decoded.dead_letters, []);
    check_texts(
        &decoded,
        0,
        &[
            // The payment that it covers has the same UETR.
            (Text::RowId, "institution:uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::Kind, "institution_transfer"),
            (Text::Status, "settled"),
            (Text::Source, "MRVADEFF"),
            (Text::Currency, "EUR"),
            (Text::OriginatorName, "Sending Bank"),
            (Text::BeneficiaryName, "Receiving Bank"),
            (Text::OriginatorAgent, "bic:MRVADEFFXXX"),
            (Text::BeneficiaryAgent, "bic:BUKBGB22XXX"),
            (Text::BeneficiaryCountry, "GB"),
            (Text::MsgId, "COV-1"),
            (Text::MsgNameId, "pacs.009.001.08"),
            (Text::InstrId, "CI-1"),
            (Text::EndToEndId, "I-1"),
            (Text::TxId, "CT-1"),
            (Text::Uetr, "86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::SettlementDate, "2026-01-15"),
            (Text::SettlementAmount, "1000.50"),
            (Text::SettlementCurrency, "EUR"),
        ],
    );
    names_all(
        &of_row(&decoded, 0),
        &[
            name(PartyRole::Originator, "Covered Payer"),
            name(PartyRole::Beneficiary, "Covered Payee"),
            name(PartyRole::UltimateOriginator, "Real Payer"),
            identifier(PartyRole::Originator, "iban:DE89370400440532013000"),
            identifier(PartyRole::Originator, "iban:GB33BUKB20201555555555"),
            identifier(PartyRole::Beneficiary, "acct:BUKBGB22/4001"),
            identifier(PartyRole::OriginatorAgent, "bic:COBADEFFXXX"),
            identifier(PartyRole::BeneficiaryAgent, "bic:DEUTDEFFXXX"),
            identifier(PartyRole::Remittance, "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ],
    );
    assert_eq!(text(&decoded, 1, Text::RowId).as_deref(), Some("institution:MRVADEFF:CT-2"));
    assert_eq!(text(&decoded, 1, Text::OriginatorAgent).as_deref(), Some("clearing:021150706"));
}

#[test]
fn a_return_names_the_parties_as_the_money_moves_now() {
    let decoded = decode(Stream::Bank, &example("pacs004.xml"));
    assert_eq!(decoded.dead_letters, []);
    check_texts(
        &decoded,
        0,
        &[
            (Text::RowId, "return:BUKBGB22:R-1"),
            (Text::Kind, "return"),
            (Text::Status, "settled"),
            (Text::Source, "BUKBGB22"),
            (Text::Currency, "EUR"),
            // Its chain names a bank without an account, the reference the account that the payment had gone to.
            (Text::Originator, "acct:BUKBGB22/12345678"),
            (Text::Beneficiary, "iban:DE89370400440532013000"),
            (Text::OriginatorName, "Muster Ltd"),
            (Text::BeneficiaryName, "Beispiel & Söhne GmbH"),
            (Text::OriginatorAgent, "bic:BUKBGB22XXX"),
            (Text::BeneficiaryAgent, "bic:MRVADEFFXXX"),
            (Text::OriginatorCountry, "GB"),
            (Text::Purpose, "FOCR"),
            (Text::Remittance, "recalled, see TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
            (Text::MsgId, "RTR-1"),
            (Text::MsgNameId, "pacs.004.001.10"),
            (Text::InstrId, "I-1"),
            (Text::EndToEndId, "E-1"),
            (Text::TxId, "R-1"),
            (Text::ClearingRef, "RC-1"),
            (Text::Uetr, "86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::SettlementDate, "2026-01-16"),
            (Text::SettlementAmount, "990.50"),
            (Text::SettlementCurrency, "EUR"),
            (Text::Original, "uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
        ],
    );
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(99_050 * UNIT / 100));
    names_all(
        &of_row(&decoded, 0),
        &[
            name(PartyRole::Originator, "Receiving Bank"),
            identifier(PartyRole::Originator, "bic:BUKBGB22XXX"),
            name(PartyRole::Beneficiary, "Beispiel & Söhne"),
            name(PartyRole::UltimateOriginator, "Real Payer"),
            name(PartyRole::InitiatingParty, "Compliance of Receiving Bank"),
            identifier(PartyRole::IntermediaryAgent, "bic:DEUTDEFFXXX"),
            identifier(PartyRole::Remittance, "iban:GB33BUKB20201555555555"),
        ],
    );
    // The payment had been sent by who gets it back, as he calls himself in pacs.008.
    assert_eq!(text(&decoded, 1, Text::Original).as_deref(), Some("MRVADEFF:T-2"));
    assert_eq!(
        (text(&decoded, 1, Text::Originator), text(&decoded, 1, Text::Purpose)),
        (None, Some("AC04".to_owned()))
    );
    // What the payment was is not what is returned, nor when.
    let whole = message("pacs004.xml");
    let amountless = whole.replacen("RtrdIntrBkSttlmAmt", "X", 2);
    let letters = decode(Stream::Bank, amountless.as_bytes()).dead_letters;
    assert_eq!(letters[0].detail, "RtrdIntrBkSttlmAmt is missing; send it again with this field");
    let dated = whole.replace("<IntrBkSttlmDt>2026-01-16</IntrBkSttlmDt>", "").replace(
        "<OrgnlTxRef>\n        <IntrBkSttlmAmt Ccy=\"EUR\">1000.50</IntrBkSttlmAmt>",
        "<OrgnlTxRef><IntrBkSttlmDt>2026-01-15</IntrBkSttlmDt>",
    );
    assert_eq!(text(&decode(Stream::Bank, dated.as_bytes()), 0, Text::SettlementDate), None);
    // Between institutions no account is in a column.
    let between = message("pacs004.xml").replace("pacs.008.001.08", "pacs.009.001.08");
    let decoded = decode(Stream::Bank, between.as_bytes());
    assert_eq!((text(&decoded, 0, Text::Originator), text(&decoded, 0, Text::Beneficiary)), (None, None));
    let original = "institution:uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a";
    assert_eq!(text(&decoded, 0, Text::Original).as_deref(), Some(original));
}

#[test]
fn a_rejected_payment_is_a_return_and_other_statuses_move_nothing() {
    let decoded = decode(Stream::Bank, &example("pacs002.xml"));
    assert_eq!(decoded.dead_letters, []);
    for (column, value) in [
        (Text::RowId, "return:rejected:uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
        (Text::Kind, "return"),
        (Text::Status, "settled"),
        (Text::Source, "BUKBGB22"),
        (Text::Originator, "acct:BUKBGB22/12345678"),
        (Text::Beneficiary, "iban:DE89370400440532013000"),
        (Text::OriginatorName, "Muster Ltd"),
        (Text::BeneficiaryAgent, "bic:MRVADEFFXXX"),
        (Text::Purpose, "AC04"),
        (Text::Remittance, "account closed"),
        (Text::Original, "uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
        (Text::SettlementDate, "2026-01-15"),
    ] {
        assert_eq!(text(&decoded, 0, column).as_deref(), Some(value), "{column}");
    }
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(100_050 * UNIT / 100));
    check_texts(
        &decoded,
        1,
        &[
            (Text::RowId, "status:BUKBGB22:STS-1/S-2"),
            (Text::Kind, "status_report"),
            (Text::Status, "pending"),
            (Text::Source, "BUKBGB22"),
            (Text::Currency, "XXX"),
            (Text::BeneficiaryName, "Second Payee"),
            (Text::Purpose, "BLCK"),
            (Text::Remittance, "RR04 held by order"),
            (Text::MsgId, "STS-1"),
            (Text::MsgNameId, "pacs.002.001.10"),
            (Text::TxId, "T-2"),
            (Text::Original, "MRVADEFF:T-2"),
        ],
    );
    let whole = message("pacs002.xml");
    for (status, kept) in
        [("ACSC", "settled"), ("ACCC", "settled"), ("ACTC", "accepted"), ("PDNG", "pending"), ("CANC", "rejected")]
    {
        let decoded = decode(Stream::Bank, whole.replace("RJCT", status).as_bytes());
        assert_eq!(text(&decoded, 0, Text::Kind).as_deref(), Some("status_report"), "{status}");
        assert_eq!(text(&decoded, 0, Text::Status).as_deref(), Some(kept), "{status}");
        assert_eq!(text(&decoded, 0, Text::Originator).as_deref(), Some("iban:DE89370400440532013000"));
    }
    // What was rejected is a transfer between institutions: no customer's account has moved.
    let between = decode(Stream::Bank, whole.replace("pacs.008.001.08", "pacs.009.001.08").as_bytes());
    assert_eq!(text(&between, 0, Text::Kind).as_deref(), Some("status_report"));
    assert_eq!(text(&between, 0, Text::Status).as_deref(), Some("rejected"));
}

#[test]
fn a_rejection_that_does_not_say_whose_money_it_is_says_what_is_missing() {
    let whole = message("pacs002.xml");
    let start = whole.find("<OrgnlTxRef>").unwrap();
    let end = whole.find("</OrgnlTxRef>").unwrap() + "</OrgnlTxRef>".len();
    let ids = ["OrgnlInstrId", "OrgnlTxId", "OrgnlUETR"];
    let nameless = ids.iter().fold(whole.clone(), |sent, id| sent.replacen(id, "OrgnlNothing", 2));
    let mut bare = whole.clone();
    bare.replace_range(start..end, "");
    for sent in [bare, whole.replace("DbtrAcct", "X").replace("CdtrAcct", "X"), nameless] {
        let decoded = decode(Stream::Bank, sent.as_bytes());
        assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (1, 1));
        let letter = &decoded.dead_letters[0];
        assert_eq!(letter.reason, Reason::MissingField);
        assert!(letter.detail.contains("OrgnlTxRef"), "{}", letter.detail);
        assert!(dead_parties(&decoded).contains(&name(PartyRole::InitiatingParty, "Receiving Bank")));
    }
}

#[test]
fn the_status_of_a_whole_message_is_a_row_and_its_rejection_is_not() {
    let start = "<FIToFIPmtStsRpt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-01-15T10:35:00Z</CreDtTm></GrpHdr>";
    let group = |status: &str| {
        format!(
            "<OrgnlGrpInfAndSts><OrgnlMsgId>O</OrgnlMsgId><OrgnlMsgNmId>pacs.008.001.08</OrgnlMsgNmId><GrpSts>{status}</GrpSts>\
             <StsRsnInf><Orgtr><Nm>Somebody</Nm></Orgtr><Rsn><Cd>NARR</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts>"
        )
    };
    let transaction = "<TxInfAndSts><OrgnlTxId>T</OrgnlTxId></TxInfAndSts>";
    let sent = |body: &str| decode(Stream::Bank, format!("{start}{body}</FIToFIPmtStsRpt>").as_bytes());
    let decoded = sent(&group("ACCP"));
    check_texts(
        &decoded,
        0,
        &[
            (Text::RowId, "status:pacs.002:M/0"),
            (Text::Kind, "status_report"),
            (Text::Status, "accepted"),
            (Text::Source, "pacs.002"),
            (Text::Currency, "XXX"),
            (Text::Purpose, "ACCP"),
            (Text::Remittance, "NARR"),
            (Text::MsgId, "M"),
        ],
    );
    names_all(&of_row(&decoded, 0), &[name(PartyRole::InitiatingParty, "Somebody")]);
    // It holds for transactions that say nothing themselves, unless there are several.
    for (body, status) in [
        (group("PDNG") + transaction, Some("PDNG")),
        (group("PDNG") + &group("ACCP") + transaction, None),
        (transaction.to_owned() + &group("ACCP"), Some("ACCP")),
    ] {
        let decoded = sent(&body);
        assert_eq!((decoded.batch.len(), text(&decoded, 0, Text::Purpose).as_deref()), (1, status));
    }
    for body in [group("RJCT"), group("RJCT") + transaction, group("ACCP") + &group("ACCP"), String::new()] {
        let decoded = sent(&body);
        assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (0, 1), "{body}");
        let somebody = dead_parties(&decoded).contains(&name(PartyRole::InitiatingParty, "Somebody"));
        assert_eq!(somebody, !body.is_empty());
    }
}

#[test]
fn an_order_has_the_debtor_of_its_group_and_moves_nothing() {
    let decoded = decode(Stream::Bank, &example("pain001.xml"));
    assert_eq!(decoded.dead_letters, []);
    check_texts(
        &decoded,
        0,
        &[
            // The pacs.008 of the same payment has the same UETR, and moves the money.
            (Text::RowId, "initiation:uetr:5d1f8a64-3c4b-4f5e-9a55-0c9b8e7f1a23"),
            (Text::Kind, "initiation"),
            (Text::Status, "pending"),
            (Text::Source, "MRVADEFF"),
            (Text::Currency, "EUR"),
            (Text::Originator, "iban:DE89370400440532013000"),
            (Text::Beneficiary, "acct:BUKBGB22/12345678"),
            (Text::OriginatorName, "Beispiel & Söhne"),
            (Text::BeneficiaryName, "First Employee"),
            (Text::OriginatorAgent, "bic:MRVADEFFXXX"),
            (Text::BeneficiaryAgent, "bic:BUKBGB22XXX"),
            (Text::OriginatorCountry, "DE"),
            (Text::Purpose, "SALA"),
            (Text::Remittance, "January"),
            (Text::MsgId, "ORDER-1"),
            (Text::MsgNameId, "pain.001.001.09"),
            (Text::InstrId, "OI-1"),
            (Text::EndToEndId, "OE-1"),
            (Text::Uetr, "5d1f8a64-3c4b-4f5e-9a55-0c9b8e7f1a23"),
            (Text::SettlementDate, "2026-01-15"),
        ],
    );
    let shared = [
        name(PartyRole::InitiatingParty, "Payroll Service"),
        identifier(PartyRole::IntermediaryAgent, "bic:DEUTDEFFXXX"),
    ];
    for row in 0..3 {
        names_all(&of_row(&decoded, row), &shared);
    }
    let of_group = [
        name(PartyRole::UltimateOriginator, "Real Employer"),
        identifier(PartyRole::Remittance, "iban:GB33BUKB20201555555555"),
    ];
    names_all(&of_row(&decoded, 1), &of_group);
    assert!(!of_row(&decoded, 2).contains(&of_group[0]));
    assert_eq!(amount(&decoded, 1, column::AMOUNT), Some(20 * UNIT));
    assert_eq!(text(&decoded, 1, Text::Purpose).as_deref(), Some("BONU"));
    assert_eq!(text(&decoded, 2, Text::Originator).as_deref(), Some("acct:MRVADEFF/99"));
    let ids: Vec<_> = (1..3).filter_map(|row| text(&decoded, row, Text::RowId)).collect();
    let debtor =
        |id: &str| id.strip_prefix("initiation:MRVADEFF:").and_then(|id| id.split_once('/')).unwrap().0.to_owned();
    assert!(ids[0].ends_with("/ORDER-1/1") && ids[1].ends_with("/ORDER-1/2"), "{ids:?}");
    assert!(debtor(&ids[0]) != debtor(&ids[1]) && debtor(&ids[0]).len() == 16);
}

#[test]
fn later_versions_of_an_order_instruct_with_elements() {
    let later = message("pain001.xml").replace("pain.001.001.09", "pain.001.001.12").replace(
        "debit GB33BUKB20201555555555",
        "<Cd>X</Cd><InstrInf>debit GB33BUKB20201555555555</InstrInf> and TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    );
    let decoded = decode(Stream::Bank, later.as_bytes());
    assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (3, 0), "{:?}", decoded.dead_letters);
    let wallet = identifier(PartyRole::Remittance, "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t");
    names_all(&of_row(&decoded, 0), &[identifier(PartyRole::Remittance, "iban:GB33BUKB20201555555555"), wallet]);
}

#[test]
fn a_recall_names_the_parties_of_the_payment_and_its_reason() {
    let decoded = decode(Stream::Bank, &example("camt056.xml"));
    assert_eq!(decoded.dead_letters, []);
    check_texts(
        &decoded,
        0,
        &[
            (Text::RowId, "recall:MRVADEFF:RCL-1/X-1"),
            (Text::Kind, "recall"),
            (Text::Status, "pending"),
            (Text::Source, "MRVADEFF"),
            (Text::Currency, "EUR"),
            (Text::Originator, "iban:DE89370400440532013000"),
            (Text::Beneficiary, "acct:BUKBGB22/12345678"),
            (Text::OriginatorName, "Beispiel & Söhne"),
            (Text::BeneficiaryName, "Muster Ltd"),
            (Text::OriginatorAgent, "bic:MRVADEFFXXX"),
            (Text::BeneficiaryAgent, "bic:BUKBGB22XXX"),
            (Text::BeneficiaryCountry, "GB"),
            // Of several reasons fraud.
            (Text::Purpose, "FRAD"),
            (Text::Remittance, "investment scam, wallet TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
            (Text::MsgId, "RCL-1"),
            (Text::MsgNameId, "camt.056.001.08"),
            (Text::InstrId, "I-1"),
            (Text::EndToEndId, "E-1"),
            (Text::TxId, "T-1"),
            (Text::ClearingRef, "C-1"),
            (Text::Uetr, "86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::SettlementDate, "2026-01-15"),
            (Text::SettlementAmount, "1000.50"),
            (Text::SettlementCurrency, "EUR"),
            (Text::Original, "uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
        ],
    );
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(100_050 * UNIT / 100));
    names_all(
        &of_row(&decoded, 0),
        &[
            name(PartyRole::IntermediaryAgent, "Fraud Desk"),
            name(PartyRole::InitiatingParty, "Anna Beispiel"),
            name(PartyRole::UltimateOriginator, "Real Payer"),
            name(PartyRole::UltimateBeneficiary, "Real Payee"),
            identifier(PartyRole::IntermediaryAgent, "bic:BUKBGB22XXX"),
        ],
    );
    // The second one has its reason and its message from its group, and tells of no money.
    check_texts(
        &decoded,
        1,
        &[
            (Text::RowId, "recall:MRVADEFF:RCL-1/X-2"),
            (Text::Kind, "recall"),
            (Text::Status, "pending"),
            (Text::Source, "MRVADEFF"),
            (Text::Currency, "XXX"),
            (Text::Purpose, "DUPL"),
            (Text::MsgId, "RCL-1"),
            (Text::MsgNameId, "camt.056.001.08"),
            (Text::TxId, "CT-2"),
            (Text::Original, "institution:MRVADEFF:CT-2"),
        ],
    );
    assert_eq!(amount(&decoded, 1, column::AMOUNT), None);
    // All of a message is recalled: that names no account, so somebody has to look.
    let all = message("camt056.xml")
        .replace("<TxInf>\n        <CxlId>X-2</CxlId>", "<!--")
        .replace("CT-2</OrgnlTxId>\n      </TxInf>", "-->");
    let decoded = decode(Stream::Bank, all.as_bytes());
    assert_eq!((decoded.batch.len(), decoded.dead_letters[0].reason), (1, Reason::MissingField));
    assert!(decoded.dead_letters[0].payload.starts_with("<Undrlyg>"), "{}", decoded.dead_letters[0].payload);
}

#[test]
fn what_we_ask_back_decodes_as_a_recall() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/camt056.xml");
    let decoded = decode(Stream::Bank, &std::fs::read(golden).unwrap());
    assert_eq!(decoded.dead_letters, []);
    assert_eq!(text(&decoded, 0, Text::Kind).as_deref(), Some("recall"));
    assert_eq!(text(&decoded, 0, Text::Purpose).as_deref(), Some("FRAD"));
}

#[test]
fn an_investigation_names_the_parties_of_the_payment_and_its_reason() {
    let decoded = decode(Stream::Bank, &example("camt110.xml"));
    assert_eq!(decoded.dead_letters, []);
    check_texts(
        &decoded,
        0,
        &[
            (Text::RowId, "investigation:MRVADEFF:INV-1/0"),
            (Text::Kind, "investigation"),
            (Text::Status, "pending"),
            (Text::Source, "MRVADEFF"),
            (Text::Currency, "EUR"),
            (Text::Originator, "iban:DE89370400440532013000"),
            (Text::Beneficiary, "iban:GB33BUKB20201555555555"),
            (Text::OriginatorName, "Beispiel & Söhne"),
            (Text::BeneficiaryName, "Muster Ltd"),
            (Text::Purpose, "FRAD"),
            (Text::MsgId, "INV-1"),
            (Text::MsgNameId, "camt.110.001.01"),
            (Text::InstrId, "I-1"),
            (Text::EndToEndId, "E-1"),
            (Text::Uetr, "86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::SettlementDate, "2026-01-15"),
            (Text::SettlementAmount, "1000.50"),
            (Text::SettlementCurrency, "EUR"),
            (Text::Original, "uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
        ],
    );
    assert_eq!(decoded.batch.event_time().value(0), 1_768_489_200_000);
    let wallet = identifier(PartyRole::Remittance, "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t");
    names_all(&of_row(&decoded, 0), &[wallet, identifier(PartyRole::IntermediaryAgent, "bic:BUKBGB22XXX")]);
    let whole = message("camt110.xml");
    let about = |start: &str, end: &str, put: &str| {
        let (from, to) = (whole.find(start).unwrap(), whole.find(end).unwrap() + end.len());
        format!("{}{put}{}", &whole[..from], &whole[to..])
    };
    // An account is asked about that has no side.
    let account =
        about("<IntrBk>", "</IntrBk>", "<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Nm>Asked</Nm></Acct>");
    let decoded = decode(Stream::Bank, account.as_bytes());
    let asked = identifier(PartyRole::Remittance, "iban:DE89370400440532013000");
    names_all(&of_row(&decoded, 0), &[asked, name(PartyRole::Remittance, "Asked")]);
    assert_eq!(text(&decoded, 0, Text::Original), None);
    // Nothing in the message itself says when it was sent.
    let headless = about("<AppHdr", "</AppHdr>", "");
    let decoded = decode(Stream::Bank, headless.as_bytes());
    assert_eq!(decoded.dead_letters[0].detail, "AppHdr CreDt is missing; send it again with this field");
    assert!(dead_parties(&decoded).contains(&name(PartyRole::Beneficiary, "Muster Ltd")));
}
