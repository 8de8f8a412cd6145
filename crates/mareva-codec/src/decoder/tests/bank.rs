use super::*;

#[test]
fn a_credit_transfer_fills_its_columns() {
    let decoded = decode(Stream::Bank, &example("bank.credit_transfer.json"));
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
            (Text::Beneficiary, "iban:GB33BUKB20201555555555"),
            (Text::OriginatorName, "Anna Beispiel"),
            (Text::BeneficiaryName, "Jörg Muster"),
            (Text::OriginatorAgent, "bic:MRVADEFFXXX"),
            (Text::BeneficiaryAgent, "bic:BUKBGB22XXX"),
            (Text::OriginatorCountry, "DE"),
            (Text::BeneficiaryCountry, "GB"),
            (Text::OriginatorBirthDate, "1980-01-31"),
            (Text::Channel, "mobile"),
            (Text::Device, "dev-123"),
            (Text::Ip, "203.0.113.7"),
            (Text::Purpose, "SALA"),
            (Text::Remittance, "January, see TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
            (Text::MsgId, "M1"),
            (Text::MsgNameId, "pacs.008.001.08"),
            (Text::InstrId, "I1"),
            (Text::EndToEndId, "E1"),
            (Text::TxId, "B000001"),
            (Text::ClearingRef, "C1"),
            (Text::Uetr, "86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
            (Text::SettlementDate, "2026-01-05"),
            (Text::SettlementAmount, "1500.00"),
            (Text::SettlementCurrency, "EUR"),
        ],
    );
    assert_eq!(decoded.batch.event_time().value(0), 1_767_607_200_123);
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(1_500 * UNIT));
    assert_eq!(amount(&decoded, 0, column::ORIGINATOR_BALANCE), Some(120_010 * UNIT / 100));
    assert_eq!(amount(&decoded, 0, column::BENEFICIARY_BALANCE), None);
    assert_eq!(text(&decoded, 0, Text::Topic).as_deref(), Some("bank.transactions"));
}

#[test]
fn cash_cards_and_returns_name_only_who_takes_part() {
    let decoded = decode(Stream::Bank, &example("bank.cash_deposit.json"));
    check_texts(
        &decoded,
        0,
        &[
            (Text::RowId, "MRVADEFF:B000002"),
            (Text::Kind, "cash_deposit"),
            (Text::Status, "settled"),
            (Text::Source, "MRVADEFF"),
            (Text::Currency, "EUR"),
            (Text::Beneficiary, "acct:MRVADEFF/0532013000"),
            (Text::OriginatorName, "Anna Beispiel"),
            (Text::BeneficiaryAgent, "bic:MRVADEFFXXX"),
            (Text::Channel, "branch"),
            (Text::TxId, "B000002"),
        ],
    );
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(9_500 * UNIT));
    assert_eq!(amount(&decoded, 0, column::BENEFICIARY_BALANCE), Some(-125 * UNIT / 10));
    assert_eq!(decoded.batch.event_time().value(0), 1_767_607_200_123);

    let decoded = decode(Stream::Bank, &example("bank.cash_withdrawal.json"));
    assert_eq!(text(&decoded, 0, Text::Beneficiary), None);
    assert_eq!(text(&decoded, 0, Text::Status).as_deref(), Some("pending"));
    assert_eq!(decoded.batch.event_time().value(0), 1_767_607_200_000);

    let decoded = decode(Stream::Bank, &example("bank.card_payment.json"));
    assert_eq!(text(&decoded, 0, Text::Beneficiary).as_deref(), Some("merchant:M-5411-77"));

    let decoded = decode(Stream::Bank, &example("bank.return.json"));
    assert_eq!(text(&decoded, 0, Text::RowId).as_deref(), Some("return:MRVADEFF:R000001"));
    assert_eq!(text(&decoded, 0, Text::Original).as_deref(), Some("uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"));
}

#[test]
fn an_account_that_takes_no_part_is_screened_all_the_same() {
    let cash = br#"{"type":"cash_deposit","tx_id":"1","source":"S","time":0,"amount":"1","currency":"EUR",
        "originator":{"account":"DE89370400440532013000"},"beneficiary":{"account":"1"}}"#;
    let decoded = decode(Stream::Bank, cash);
    assert_eq!(text(&decoded, 0, Text::Originator), None);
    assert_eq!(parties(&decoded), [identifier(PartyRole::Originator, "iban:DE89370400440532013000")]);
    let card = br#"{"type":"card_payment","tx_id":"1","source":"S","time":0,"amount":"1","currency":"EUR",
        "originator":{"account":"1"},"beneficiary":{"account":"2"},"merchant":"M"}"#;
    let decoded = decode(Stream::Bank, card);
    assert_eq!(text(&decoded, 0, Text::Beneficiary).as_deref(), Some("acct:-/2"));
    assert_eq!(parties(&decoded), [identifier(PartyRole::Beneficiary, "merchant:M")]);
}

#[test]
fn a_uetr_identifies_credit_transfers_only_and_only_when_it_is_one() {
    for (kind, uetr, expected) in [
        ("credit_transfer", "86D7DA8E-6E41-4466-B9BB-9B41D5814D5A", "uetr:86d7da8e-6e41-4466-b9bb-9b41d5814d5a"),
        ("credit_transfer", "86d7da8e6e414466b9bb9b41d5814d5a", "S:1"),
        ("credit_transfer", "", "S:1"),
        ("card_payment", "86d7da8e-6e41-4466-b9bb-9b41d5814d5a", "S:1"),
    ] {
        let sent = format!(
            r#"{{"type":"{kind}","tx_id":"1","source":"S","time":0,"amount":"1","currency":"EUR","uetr":"{uetr}",
            "originator":{{"account":"1"}},"beneficiary":{{"account":"2"}}}}"#
        );
        assert_eq!(text(&decode(Stream::Bank, sent.as_bytes()), 0, Text::RowId).as_deref(), Some(expected));
    }
}
