use super::*;

const TRON: &str = "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";

#[test]
fn a_deposit_pays_the_user_and_screens_the_own_address() {
    let decoded = decode(Stream::Exchange, &example("exchange.deposit.json"));
    check_texts(
        &decoded,
        0,
        &[
            (Text::RowId, "kestrel:X1"),
            (Text::Kind, "deposit"),
            (Text::Status, "settled"),
            (Text::Source, "kestrel"),
            (Text::Currency, "USDT"),
            (Text::Originator, TRON),
            (Text::Beneficiary, "exch:kestrel:10023"),
            (Text::BeneficiaryName, "Anna Beispiel"),
            (Text::BeneficiaryAgent, "vasp:kestrel"),
            (Text::BeneficiaryCountry, "DE"),
            (Text::Device, "dev-9"),
            (Text::Ip, "203.0.113.9"),
            (Text::Network, "tron"),
            (Text::AssetContract, TRON),
            (Text::TxHash, "9f2c"),
            (Text::LinkedAccount, "iban:DE89370400440532013000"),
            (Text::TxId, "X1"),
        ],
    );
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(2_505 * UNIT / 10));
    assert_eq!(amount(&decoded, 0, column::BENEFICIARY_BALANCE), Some(10_005 * UNIT / 10));
    assert_eq!(parties(&decoded), [identifier(PartyRole::Beneficiary, "tron:TH96tFMn8KGiYSLiwcV3E2UiaJc8jmcbz3")]);
}

#[test]
fn the_other_kinds_name_their_sides() {
    for (file, originator, beneficiary, extra) in [
        ("exchange.fiat_deposit.json", "iban:DE89370400440532013000", "exch:kestrel:10023", None),
        (
            "exchange.withdrawal.json",
            "exch:kestrel:10023",
            "xrp:rf1BiGeXwwQoi8Z2ueFYTEXSwuJYfV2Jpn#77",
            Some("xrp:rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh"),
        ),
        ("exchange.trade.json", "exch:kestrel:10023", "exch:kestrel:10023", None),
        ("exchange.internal_transfer.json", "exch:kestrel:10023", "exch:kestrel:10024", None),
    ] {
        let decoded = decode(Stream::Exchange, &example(file));
        assert_eq!(text(&decoded, 0, Text::Originator).as_deref(), Some(originator), "{file}");
        assert_eq!(text(&decoded, 0, Text::Beneficiary).as_deref(), Some(beneficiary), "{file}");
        let expected: Vec<_> = extra.map(|text| identifier(PartyRole::Originator, text)).into_iter().collect();
        assert_eq!(parties(&decoded), expected, "{file}");
    }
    let decoded = decode(Stream::Exchange, &example("exchange.trade.json"));
    assert_eq!(text(&decoded, 0, Text::ToAsset).as_deref(), Some("BTC"));
    assert_eq!(text(&decoded, 0, Text::ToAmount).as_deref(), Some("0.0041"));
    let decoded = decode(Stream::Exchange, &example("exchange.withdrawal.json"));
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(123_456_789_012_345_678));
}

#[test]
fn chain_records_are_scaled_by_contract() {
    let decoded = decode(Stream::Exchange, &example("exchange.token_transfer.json"));
    check_texts(
        &decoded,
        0,
        &[
            (Text::RowId, "ethereum:0xeb107a40ba73a50c79a9f2026e902d758d1c5e5e211f7a7db1b294f88f118dd0:3"),
            (Text::Kind, "token_transfer"),
            (Text::Status, "settled"),
            (Text::Source, "ethereum"),
            (Text::Currency, "USDT"),
            (Text::Originator, "eip155:1:0x6b75d8af000000e20b7a7ddf000ba900b4009a80"),
            (Text::Beneficiary, "eip155:1:0x7054b0f980a7eb5b3a6b3446f3c947d80162775c"),
            (Text::Network, "ethereum"),
            (Text::AssetContract, "eip155:1:0xdac17f958d2ee523a2206206994597c13d831ec7"),
            (Text::TxHash, "0xeb107a40ba73a50c79a9f2026e902d758d1c5e5e211f7a7db1b294f88f118dd0"),
        ],
    );
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(7_056_176_614_974 * UNIT / 1_000_000));
    assert_eq!(decoded.batch.event_time().value(0), 1_683_029_999_000);

    let decoded = decode(Stream::Exchange, &example("exchange.transaction.json"));
    assert_eq!(
        text(&decoded, 0, Text::RowId).as_deref(),
        Some("ethereum:0xeb107a40ba73a50c79a9f2026e902d758d1c5e5e211f7a7db1b294f88f118dd0:tx")
    );
    assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(1_642_894_143));
    assert_eq!(text(&decoded, 0, Text::Currency).as_deref(), Some("ETH"));
}

fn transfer(contract: &str, value: &str) -> Decoded {
    let sent = format!(
        r#"{{"type":"token_transfer","token_address":"{contract}","from_address":"0x6b75d8af000000e20b7a7ddf000ba900b4009a80",
        "to_address":"0x7054b0f980a7eb5b3a6b3446f3c947d80162775c","value":{value},"log_index":0,"block_timestamp":"2023-05-02T12:19:59Z",
        "transaction_hash":"0xeb107a40ba73a50c79a9f2026e902d758d1c5e5e211f7a7db1b294f88f118dd0"}}"#
    );
    decode(Stream::Exchange, sent.as_bytes())
}

#[test]
fn amounts_that_do_not_fit_are_kept_as_text() {
    let max = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    let usdt = "0xdac17f958d2ee523a2206206994597c13d831ec7";
    let other = "0x1ce270557c1f68cfb577b856766310bf8b47fd9c";
    for (contract, value, units, kept, currency) in [
        (usdt, "1500000", Some(3 * UNIT / 2), None, "USDT"),
        (usdt, "\"1500000\"", Some(3 * UNIT / 2), None, "USDT"),
        (
            usdt,
            max,
            None,
            Some("115792089237316195423570985008687907853269984665640564039457584007913129.639935"),
            "USDT",
        ),
        (other, "1500000", None, Some("1500000"), "eip155:1:0x1ce270557c1f68cfb577b856766310bf8b47fd9c"),
        (other, max, None, Some(max), "eip155:1:0x1ce270557c1f68cfb577b856766310bf8b47fd9c"),
    ] {
        let decoded = transfer(contract, value);
        assert_eq!(amount(&decoded, 0, column::AMOUNT), units, "{value} of {contract}");
        assert_eq!(text(&decoded, 0, Text::AmountText).as_deref(), kept);
        assert_eq!(text(&decoded, 0, Text::Currency).as_deref(), Some(currency));
    }
    assert_eq!(transfer(usdt, "-1").dead_letters.len(), 1);
    assert_eq!(transfer(usdt, "1.5").dead_letters.len(), 1);
    for amount_text in [max, "1000000000000000000000000000000"] {
        for quote in ["", "\""] {
            let sent = format!(
                r#"{{"type":"trade","tx_id":"1","source":"S","time":0,"user":"u","asset":"A","amount":{quote}{amount_text}{quote}}}"#
            );
            let decoded = decode(Stream::Exchange, sent.as_bytes());
            assert_eq!(amount(&decoded, 0, column::AMOUNT), None);
            assert_eq!(text(&decoded, 0, Text::AmountText).as_deref(), Some(amount_text));
        }
    }
}

#[test]
fn a_failed_transaction_is_rejected_and_a_creation_pays_the_contract() {
    let sent = |status: &str, to: &str, contract: &str| {
        format!(
            r#"{{"type":"transaction","hash":"0xeb107a40ba73a50c79a9f2026e902d758d1c5e5e211f7a7db1b294f88f118dd0","value":0,
            "from_address":"0x6b75d8af000000e20b7a7ddf000ba900b4009a80","to_address":{to},"block_timestamp":1683029999,
            "receipt_status":{status},"receipt_contract_address":{contract}}}"#
        )
    };
    let contract = "\"0x7054b0f980a7eb5b3a6b3446f3c947d80162775c\"";
    let canonical = "eip155:1:0x7054b0f980a7eb5b3a6b3446f3c947d80162775c";
    for (status, to, created, expected_status, beneficiary) in [
        ("0", contract, "null", "rejected", Some(canonical)),
        ("1", "null", contract, "settled", Some(canonical)),
        ("null", "null", "null", "settled", None),
    ] {
        let decoded = decode(Stream::Exchange, sent(status, to, created).as_bytes());
        assert_eq!(text(&decoded, 0, Text::Status).as_deref(), Some(expected_status));
        assert_eq!(text(&decoded, 0, Text::Beneficiary).as_deref(), beneficiary);
    }
}
