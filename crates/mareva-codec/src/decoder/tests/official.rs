use super::*;

fn folder(name: &str) -> std::path::PathBuf {
    std::path::Path::new(&std::env::var("MAREVA_DATA").expect("MAREVA_DATA names the folder of official data"))
        .join(name)
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official data"]
fn two_real_blocks_decode_in_full() {
    for (file, count, kind) in [
        ("ethereum_etl_token_transfers.ndjson", 291, "token_transfer"),
        ("ethereum_etl_transactions.ndjson", 298, "chain_transfer"),
    ] {
        let lines = std::fs::read_to_string(folder("chain").join(file)).unwrap();
        let mut decoder = Decoder::new(Limits::default());
        for line in lines.lines() {
            decoder.decode(Stream::Exchange, record(line.as_bytes()));
        }
        let decoded = decoder.finish();
        assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (count, 0));
        let mut ids = std::collections::BTreeSet::new();
        for (row, line) in lines.lines().enumerate() {
            let sent: serde_json::Value = serde_json::from_str(line).unwrap();
            let value = sent["value"].to_string();
            assert_eq!(text(&decoded, row, Text::Kind).as_deref(), Some(kind));
            ids.insert(text(&decoded, row, Text::RowId));
            let decimals = match text(&decoded, row, Text::Currency).as_deref() {
                Some("USDT" | "USDC") => 6,
                Some("ETH" | "WETH" | "DAI") => 18,
                _ => {
                    assert_eq!(text(&decoded, row, Text::AmountText), Some(value));
                    assert_eq!(amount(&decoded, row, column::AMOUNT), None);
                    continue;
                }
            };
            let units = value.parse::<i128>().unwrap() * 10_i128.pow(18 - decimals);
            assert_eq!(amount(&decoded, row, column::AMOUNT), Some(units), "{value}");
        }
        assert_eq!(ids.len(), count);
        let rejected =
            (0..count).filter(|row| text(&decoded, *row, Text::Status).as_deref() == Some("rejected")).count();
        let failed = lines.lines().filter(|line| line.contains("\"receipt_status\": 0")).count();
        assert_eq!(rejected, failed);
    }
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official data"]
fn published_messages_decode_or_say_why_not() {
    let samples = folder("standards/iso20022/samples");
    for (file, rows) in [
        ("pacs.008.001.07.xml", 1),
        ("sample-participant-to-fednow-message.xml", 1),
        ("../templates/pacs.008.001.08/pacs.008.001.08.xml", 1),
        ("../templates/pacs.008.001.13/pacs.008.001.13.xml", 1),
        ("pacs.009.001.07.xml", 0),
        ("pacs.002-CDATA-with-header.xml", 0),
        ("fednow-sample-message-pacs002.xml", 0),
    ] {
        let decoded = decode(Stream::Bank, &std::fs::read(samples.join(file)).unwrap());
        assert_eq!(decoded.batch.len(), rows, "{file}: {:?}", decoded.dead_letters);
        if rows == 0 {
            assert_eq!(decoded.dead_letters[0].reason, Reason::UnknownFormat, "{file}");
        }
    }
    let decoded =
        decode(Stream::Bank, &std::fs::read(samples.join("sample-participant-to-fednow-message.xml")).unwrap());
    for (column, value) in [
        (Text::RowId, "uetr:8a562c67-ca16-48ba-b074-65581be6f011"),
        (Text::Source, "member:111111111"),
        (Text::Originator, "acct:111111111/44444444444"),
        (Text::Beneficiary, "acct:333333333/55555555555"),
        (Text::OriginatorName, "Individual A"),
        (Text::BeneficiaryAgent, "clearing:333333333"),
        (Text::Remittance, "INV34563"),
        (Text::Purpose, "CONS"),
        (Text::MsgNameId, "pacs.008.001.08"),
    ] {
        assert_eq!(text(&decoded, 0, column).as_deref(), Some(value));
    }
    let decoded = decode(Stream::Bank, &std::fs::read(samples.join("pacs.008.001.07.xml")).unwrap());
    assert_eq!(text(&decoded, 0, Text::RowId).as_deref(), Some("CITTGB2LPBG:123452342"));
    assert_eq!(text(&decoded, 0, Text::OriginatorName).as_deref(), Some("JOHN DOE"));
    assert!(parties(&decoded).contains(&name(PartyRole::OriginatorAgent, "Juan Perez")));
}
