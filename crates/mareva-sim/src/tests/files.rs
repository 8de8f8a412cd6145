use sha2::{Digest as _, Sha256};

use super::{run, text};
use crate::identifiers::{eip55, remainder_97};
use crate::{Reference, SimConfig, Stream, reference, write};

fn iban_is_valid(iban: &str) -> bool {
    let turned = format!("{}{}", &iban[4..], &iban[..4]);
    iban.parse::<iban::Iban>().is_ok() && remainder_97(&turned) == 1
}

fn base58_is_valid(address: &str, version: u8) -> bool {
    let Ok(bytes) = bs58::decode(address).into_vec() else { return false };
    let check = Sha256::digest(Sha256::digest(&bytes[..21]));
    bytes.len() == 25 && bytes[0] == version && check[..4] == bytes[21..]
}

fn address_is_valid(address: &str) -> bool {
    match address.as_bytes()[0] {
        b'T' => base58_is_valid(address, 0x41),
        b'1' => base58_is_valid(address, 0),
        b'b' => bech32::segwit::decode(address).is_ok(),
        _ => address.len() == 42 && (address == address.to_lowercase() || eip55(&address.to_lowercase()) == address),
    }
}

#[test]
fn known_addresses_have_the_right_form() {
    // Example of EIP-55.
    let checksummed = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    assert_eq!(eip55(&checksummed.to_lowercase()), checksummed);
    assert!(address_is_valid("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"));
    assert!(!address_is_valid("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u"));
    assert!(iban_is_valid("DE89370400440532013000"));
}

#[test]
fn every_identifier_in_the_streams_passes_its_checks() {
    let (records, _) = run(&SimConfig::new(13, 60_000));
    let mut addresses = 0;
    for (record, json) in &records {
        for path in ["/originator/account", "/beneficiary/account", "/linked_account"] {
            let iban = text(json, path);
            assert!(iban.is_empty() || iban_is_valid(iban), "{iban} in {json}");
        }
        for path in ["/from_address", "/to_address", "/asset_contract"] {
            let address = text(json, path);
            assert!(address.is_empty() || address_is_valid(address), "{address} in {json}");
            addresses += usize::from(!address.is_empty());
        }
        if record.stream == Stream::Bank && !text(json, "/uetr").is_empty() {
            let uetr = text(json, "/uetr").as_bytes();
            assert!(uetr.len() == 36 && uetr[14] == b'4' && b"89ab".contains(&uetr[19]), "{json}");
        }
    }
    assert!(addresses > 1_000);
}

fn file(reference: &Reference, name: &str) -> String {
    let (_, content) = reference.sanctions.iter().find(|(file, _)| *file == name).unwrap();
    String::from_utf8(content.clone()).unwrap()
}

fn rows(content: &str) -> Vec<csv::StringRecord> {
    let content = content.trim_end_matches('\u{1a}');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(content.as_bytes());
    reader.records().map(Result::unwrap).collect()
}

#[test]
fn the_sanctions_files_have_the_official_form() {
    let reference = reference(&SimConfig::new(1, 2_000));
    for (name, columns) in [("sdn.csv", 12), ("alt.csv", 5), ("add.csv", 6), ("sdn_comments.csv", 2)] {
        let content = file(&reference, name);
        let rows = rows(&content);
        assert!(rows.iter().all(|row| row.len() == columns), "{name}");
        assert!(content.contains("\r\n"));
        assert_eq!(content.ends_with('\u{1a}'), name != "sdn_comments.csv", "{name}");
    }
    let sdn = file(&reference, "sdn.csv");
    assert!(sdn.contains(",-0- ,"), "nothing is written as the official files write it");
    assert!(sdn.contains("DOB 14 Mar 1971"));
}

#[test]
fn addresses_in_remarks_are_valid_once_the_overflow_is_joined() {
    for seed in 1..9 {
        let reference = reference(&SimConfig::new(seed, 1_000));
        let overflow = rows(&file(&reference, "sdn_comments.csv"));
        assert_eq!(overflow.len(), 1);
        let mut addresses = 0;
        for row in rows(&file(&reference, "sdn.csv")) {
            let more = overflow.iter().find(|more| more[0] == row[0]);
            assert!(row[11].len() <= 1_000);
            let joined = format!("{}{}", &row[11], more.map_or("", |more| &more[1]));
            for part in joined.split("Digital Currency Address - ").skip(1) {
                let address = part.split_once(' ').unwrap().1;
                let address = address.split([';', '.']).next().unwrap();
                assert!(address_is_valid(address), "{address}");
                addresses += 1;
            }
            if let Some(more) = more {
                let cut = row[11].rsplit(' ').next().unwrap();
                assert!(
                    row[11].len() == 1_000 && cut.len() > 4 && !address_is_valid_or_short(cut),
                    "{cut}|{}",
                    &more[1]
                );
            }
        }
        assert!(addresses > 60);
    }
}

/// Whether the beginning of a cut address would pass for a whole one.
fn address_is_valid_or_short(cut: &str) -> bool {
    cut.len() >= 26 && address_is_valid(cut)
}

#[test]
fn written_files_agree_with_the_records() {
    let config = SimConfig::new(21, 12_000);
    let (mut told, mut names) = (Vec::new(), Vec::new());
    let mut create = |name: &str| {
        names.push(name.to_owned());
        Ok(Vec::new())
    };
    let (summary, files) = write(&config, &mut create, &mut |records| told.push(records)).unwrap();
    assert_eq!(summary.records, 12_000);
    assert_eq!(told, [8_192, 12_000]);
    assert_eq!(summary.by_kind.values().sum::<u64>(), 12_000);
    let read = |name: &str| files[names.iter().position(|one| one == name).unwrap()].clone();
    let lines = |name: &str| read(name).iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines("bank.ndjson") + lines("exchange.ndjson"), 12_000);
    let reference = reference(&config);
    assert_eq!(read("accounts.ndjson"), reference.accounts);
    assert_eq!(read("labels.ndjson"), reference.labels_ndjson());
    assert_eq!(read("mules.csv"), reference.mules_csv);
    assert_eq!(read("vasps.csv"), reference.vasps_csv);
    assert_eq!(read("rates.csv"), reference.rates_csv);
    for name in ["sdn.csv", "alt.csv", "add.csv", "sdn_comments.csv"] {
        assert_eq!(read(&format!("sanctions/{name}")), file(&reference, name).into_bytes());
    }
}

#[test]
fn accounts_and_lists_are_well_formed() {
    let reference = reference(&SimConfig::new(1, 20_000));
    for line in reference.accounts.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let json: serde_json::Value = serde_json::from_slice(line).unwrap();
        for field in ["account", "customer", "segment", "role", "opened_at", "country"] {
            assert!(json[field].is_string(), "{field} is missing in {json}");
        }
        if let Some(iban) = text(&json, "/account").strip_prefix("iban:") {
            assert!(iban_is_valid(iban));
        }
    }
    let mules = String::from_utf8(reference.mules_csv).unwrap();
    assert!(mules.lines().skip(1).all(|line| iban_is_valid(line.split(',').next().unwrap())));
    let rates = String::from_utf8(reference.rates_csv).unwrap();
    assert!(rates.lines().any(|line| line.starts_with("2026-01-05,USDT,0.9")), "{}", &rates[..400]);
}
