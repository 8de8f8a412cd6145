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
        ("pacs.009.001.07.xml", 1),
        ("../templates/pacs.009.001.10/pacs.009.001.10.xml", 1),
        ("../templates/pacs.004.001.11/pacs.004.001.11.xml", 1),
        ("../templates/pacs.002.001.12/pacs.002.001.12.xml", 1),
        ("fednow-sample-message-pacs002.xml", 1),
        ("fednow-sample-message-outgoing-pacs002.xml", 1),
        ("pacs.002-CDATA-with-header.xml", 1),
        ("../templates/pacs.007.001.11/pacs.007.001.11.xml", 0),
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

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official data"]
fn example_messages_are_valid_by_their_schemas() {
    let schemas = folder("standards/iso20022/xsd");
    for (file, schema) in [
        ("pacs009.xml", "pacs.009.001.08"),
        ("pacs004.xml", "pacs.004.001.10"),
        ("pacs002.xml", "pacs.002.001.10"),
        ("pain001.xml", "pain.001.001.09"),
        ("camt056.xml", "camt.056.001.08"),
        ("camt110.xml", "camt.110.001.01"),
    ] {
        let whole = String::from_utf8(example(file)).unwrap();
        let (start, end) = ("<Document", "</Document>");
        let document = &whole[whole.find(start).unwrap()..whole.find(end).unwrap() + end.len()];
        let path = std::env::temp_dir().join(format!("mareva-codec-{}-{file}", std::process::id()));
        std::fs::write(&path, document).unwrap();
        let schema = schemas.join(format!("{schema}.xsd"));
        let run = std::process::Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"])
            .args([&schema, &path])
            .output();
        let run = run.expect("xmllint starts; tests/run.sh installs it");
        std::fs::remove_file(&path).unwrap();
        assert!(run.status.success(), "{file}: {}", String::from_utf8_lossy(&run.stderr));
    }
}
