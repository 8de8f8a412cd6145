use mareva_model::Refusal;

use super::{by_identifier, told};
use crate::pattern::comparisons;
use crate::{
    Entry, EntryKind, ListConfig, LoadedList, Match, Scratch, Watchlist, lists_parties, load, load_misp, load_stix,
    load_tagpack,
};

const MISP: &str = include_str!("../../fixtures/misp.json");
const STIX: &str = include_str!("../../fixtures/stix.json");

fn misp(text: &str) -> Result<LoadedList, Refusal> {
    load_misp(&ListConfig::fraud("partner", ""), text.as_bytes(), "event.json")
}

fn stix(text: &str) -> Result<LoadedList, Refusal> {
    load_stix(&ListConfig::fraud("partner", ""), text.as_bytes(), "bundle.json")
}

const TAGPACK: &str = include_str!("../../fixtures/tagpack.yaml");

fn tagpack(text: &str) -> Result<LoadedList, Refusal> {
    load_tagpack(&ListConfig::fraud("partner", ""), text.as_bytes(), "pack.yaml")
}

#[test]
fn a_tagpack_lists_addresses_that_an_abuse_is_told_of() {
    let list = tagpack(TAGPACK).unwrap();
    let all: Vec<Entry> = list.entries().collect();
    let ether = "eip155:1:0xd8da6bf26964af9d7eed9e03e53415d37aa96045";
    let found: Vec<Vec<&str>> = all.iter().map(identifiers).collect();
    assert_eq!(found, [[ether], ["tron:TH96tFMn8KGiYSLiwcV3E2UiaJc8jmcbz3"], [ether]]);
    let programmes: Vec<_> = all.iter().map(|entry| entry.programme.as_deref().unwrap()).collect();
    assert_eq!(programmes, ["scam; authority_data", "money_mule; heuristic", "ponzi_scheme; authority_data"]);
    let said = |entry: &Entry| [entry.label.clone(), entry.source.clone(), entry.reason.clone()].map(Option::unwrap);
    let title = "Deposit addresses of a pig-butchering ring";
    assert_eq!(said(&all[0]), ["Deposit address, site 1", "https://reports.example/1", title]);
    assert_eq!(said(&all[1]), ["Cash-out", "Example Bank, fraud desk", title]);
    assert_eq!(all[0].listed_at, Some(1_778_457_600_000));
    assert_eq!(all[1].listed_at, Some(1_778_572_800_000));
    // Told of twice, it is one entry.
    assert_eq!(all[0].id, all[2].id);
}

#[test]
fn a_tagpack_that_is_none_is_refused_where_it_breaks() {
    for (text, reason) in [
        (String::new(), "is no TagPack"),
        ("title: nothing\n".to_owned(), "is no TagPack"),
        (TAGPACK[..700].to_owned() + "\n  - \"", "pack.yaml:"),
        ("title: exchanges\ntags:\n  - address: 0x28c6c06298d514db089934071355e5743bf21d60\n".to_owned(), "no abuse"),
        (laughing(), "is no TagPack"),
    ] {
        let refusal = tagpack(&text).map(|list| list.counts()).unwrap_err();
        let told = told(&refusal).replace("an abuse", "no abuse");
        assert!(told.contains(reason), "{told}");
        assert!(!told.contains("0x28c6"), "an address is no news for a log");
    }
}

/// Names that stand for names, gigabytes in all.
fn laughing() -> String {
    let mut text = "title: &a0 haha\n".to_owned();
    for level in 1..40 {
        text += &format!("k{level}: &a{level} [{0}, {0}, {0}, {0}]\n", format!("*a{}", level - 1));
    }
    text + "tags: *a39\n"
}

fn identifiers(entry: &Entry) -> Vec<&str> {
    entry.identifiers.iter().map(|one| one.canonical.as_str()).collect()
}

#[test]
fn an_event_of_misp_lists_what_is_meant_to_be_looked_for() {
    let list = misp(MISP).unwrap();
    let all: Vec<Entry> = list.entries().collect();
    let found: Vec<(&str, Vec<&str>)> = all.iter().map(|entry| (&entry.id[32..], identifiers(entry))).collect();
    assert_eq!(
        found,
        [
            ("0002", vec!["iban:DE89370400440532013000"]),
            ("0005", vec!["btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]),
            ("0010", vec!["acct:COBADEFF/0532013000"]),
            ("0020", vec!["eip155:1:0xd8da6bf26964af9d7eed9e03e53415d37aa96045"]),
        ]
    );
    // An account number without its bank is anybody's.
    assert_eq!(list.counts().unmatchable, 1);
    let [first, _, collector, wallet] = &all[..] else { panic!("four entries") };
    assert_eq!(first.reason.as_deref(), Some("first hop: Investment scam, mule accounts of May"));
    assert_eq!((first.source.as_deref(), first.listed_at), (Some("Example Bank CERT"), Some(1_778_457_600_000)));
    assert_eq!(first.programme.as_deref(), Some("tlp:amber; rsit:fraud=\"phishing\""));
    assert_eq!(collector.label.as_deref(), Some("Mule & Sons"));
    assert_eq!(wallet.programme.as_deref(), Some("tlp:amber; rsit:fraud=\"phishing\"; tlp:green"));
    assert!(all.iter().all(|entry| entry.kind == EntryKind::Account && entry.names.is_empty()));
}

#[test]
fn events_come_alone_in_lists_and_in_responses() {
    for text in [format!("[{MISP}]"), format!("{{\"response\": [{MISP}]}}"), format!("\u{feff}{MISP}")] {
        assert_eq!(misp(&text).unwrap().counts().entries, 4);
    }
}

#[test]
fn a_bundle_lists_what_its_indicators_name_while_they_are_valid() {
    let list = stix(STIX).unwrap();
    let all: Vec<Entry> = list.entries().collect();
    let [accounts, wallet] = &all[..] else { panic!("two entries, not {all:?}") };
    assert_eq!(
        identifiers(accounts),
        [
            "iban:DE89370400440532013000",
            "iban:GB29NWBK60161331926819",
            "iban:FR1420041010050500013M02606",
            "acct:COBADEFF/0532013000"
        ]
    );
    assert_eq!(identifiers(wallet), ["btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]);
    assert_eq!((accounts.programme.as_deref(), accounts.source.as_deref()), (Some("tlp:amber"), Some("Example FIU")));
    assert_eq!(accounts.reason.as_deref(), Some("Mule accounts of an investment scam"));
    let watchlist = Watchlist::new(vec![list.into()]).unwrap();
    let hits = |at: i64| -> Vec<Match> {
        let mut out = Vec::new();
        watchlist.screen_identifier("iban:DE89370400440532013000", at, &mut Scratch::new(), &mut out);
        out
    };
    let (before, within, after) = (1_778_457_599_999, 1_778_457_600_000, 1_786_406_400_000);
    assert_eq!([before, within, after].map(|at| hits(at).len()), [0, 1, 0]);
    // Withdrawn, and beside indicators no indicator itself.
    assert!(by_identifier(&watchlist, "iban:ES9121000418450200051332").is_empty());
    assert!(by_identifier(&watchlist, "iban:NL91ABNA0417164300").is_empty());
}

#[test]
fn without_indicators_the_accounts_of_a_bundle_are_listed() {
    let envelope = r#"{"more": false, "objects": [
        {"type": "identity", "id": "identity--1", "name": "Mule & Sons"},
        {"type": "bank-account", "id": "bank-account--1", "iban": "NL91ABNA0417164300", "holder_ref": "identity--1"},
        {"type": "cryptocurrency-wallet", "id": "cryptocurrency-wallet--1", "value": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}]}"#;
    let all: Vec<Entry> = stix(envelope).unwrap().entries().collect();
    assert_eq!(
        all.iter().flat_map(identifiers).collect::<Vec<_>>(),
        ["iban:NL91ABNA0417164300", "btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"]
    );
    assert_eq!(all[0].label.as_deref(), Some("Mule & Sons"));
}

#[test]
fn patterns_that_say_more_than_values_are_left_out_and_counted() {
    let with = |pattern: &str| {
        let object = serde_json::json!({"type": "indicator", "id": "indicator--1", "pattern": pattern});
        serde_json::json!({"objects": [object]}).to_string()
    };
    for (pattern, expected) in [
        ("[bank-account:iban LIKE 'DE%']", "has LIKE in it"),
        ("[bank-account:iban = 'DE89370400440532013000'", "ends too early"),
        ("[bank-account:iban = 'DE89", "has a text without an end"),
        ("[NOT bank-account:iban = 'DE89370400440532013000']", "has NOT in it"),
        ("[bank-account:iban != 'DE89370400440532013000']", "has something in it"),
        ("[bank-account:iban = 'DE89370400440532013000'] REPEATS 2 TIMES", "has REPEATS in it"),
        ("[domain-name:value = 'a.example']", "holds no account and no wallet"),
        ("[bank-account:iban = DE89370400440532013000]", "has something in it"),
        (
            "[bank-account:iban = 'DE89370400440532013000' AND bank-account:currency = 'EUR']",
            "holds no account and no wallet",
        ),
        (
            "[bank-account:iban = 'DE89370400440532013000' AND bank-account:iban = 'NL91ABNA0417164300']",
            "holds no account and no wallet",
        ),
        // The account alone is not what it is about.
        ("[bank-account:iban = 'DE89370400440532013000' AND url:value = 'x']", "holds no account and no wallet"),
    ] {
        let told = told(&stix(&with(pattern)).unwrap_err());
        assert!(told.contains(expected), "{pattern}: {told}");
        assert!(!told.contains("DE893"), "{told}");
    }
    let two_banks =
        with("[bank-account:account_number = '0532013000' AND bank-account:bic IN ('COBADEFFXXX', 'DEUTDEFF')]");
    assert_eq!(stix(&two_banks).unwrap().counts().identifiers, 2);
    let mixed = STIX.replace("[domain-name:value LIKE '%.invest.example']", "[bank-account:iban LIKE 'DE%']");
    let list = stix(&mixed).unwrap();
    assert_eq!((list.counts().entries, list.counts().unmatchable), (2, 1));
    let bracketed = with("[(bank-account:iban == 'DE89370400440532013000')]");
    assert_eq!(stix(&bracketed).unwrap().counts().identifiers, 1);
    // A mistyped IBAN names its bank itself.
    assert_eq!(stix(&with("[bank-account:iban = 'DE88370400440532013000']")).unwrap().counts().identifiers, 1);
    let many = vec!["a:b = 'c'"; 10_001].join(" OR ");
    assert!(comparisons(&format!("[{many}]")).unwrap_err().contains("more than 10000"));
    assert_eq!(comparisons(r"[a:b = 'it\'s \\']").unwrap()[0][0].values, [r"it's \"]);
}

#[test]
fn what_is_no_document_is_refused() {
    for (text, expected) in [
        ("", "event.json:1: is no event of MISP"),
        ("<html>", "event.json:1: is no event of MISP"),
        (&MISP[..MISP.len() - 9], "is no event of MISP"),
        ("{}", "is no event of MISP"),
        (r#"{"response": []}"#, "holds no account and no wallet"),
        (
            &MISP.replace(r#""uuid": "5f1e0c52-6a0f-4c7e-9a39-2b1f5d2c0002", "#, ""),
            "has an attribute or object without uuid",
        ),
    ] {
        let told = told(&misp(text).unwrap_err());
        assert!(told.contains(expected), "{expected}: {told}");
    }
    for text in ["", "[]", "{}", "{\"objects\": 1}"] {
        stix(text).unwrap_err();
    }
    let wrong = STIX.replace("2026-08-11T00:00:00Z", "August");
    assert!(told(&stix(&wrong).unwrap_err()).contains("valid_until"));
}

#[test]
fn the_first_keys_tell_the_format() {
    let folder = tempfile::tempdir().unwrap();
    for (text, entries) in [(MISP, 4), (STIX, 2)] {
        let path = folder.path().join("list");
        std::fs::write(&path, text).unwrap();
        assert_eq!(load(&ListConfig::fraud("partner", path.to_str().unwrap())).unwrap().counts().entries, entries);
        assert!(!lists_parties(&path));
    }
}

#[test]
fn of_the_versions_of_an_indicator_the_latest_counts() {
    let version = |modified: &str, revoked: bool| {
        serde_json::json!({"type": "indicator", "id": "indicator--1", "modified": modified, "revoked": revoked,
            "pattern": "[bank-account:iban = 'DE89370400440532013000']"})
    };
    let other = serde_json::json!({"type": "indicator", "id": "indicator--2", "pattern": "[bank-account:iban = 'NL91ABNA0417164300']"});
    let (old, new) = (version("2026-01-01T00:00:00.000Z", false), version("2026-02-01T00:00:00.000Z", true));
    for objects in [[old.clone(), new.clone(), other.clone()], [new, other.clone(), old]] {
        let list = stix(&serde_json::json!({ "objects": objects }).to_string()).unwrap();
        assert_eq!(list.entries().map(|entry| entry.id).collect::<Vec<_>>(), ["indicator--2"]);
    }
    let mut benign = other;
    benign["indicator_types"] = serde_json::json!(["benign"]);
    stix(&serde_json::json!({ "objects": [benign] }).to_string()).unwrap_err();
}

#[test]
fn what_an_event_says_is_harmless_or_of_a_victim_is_not_listed() {
    let value = r#""value": "DE89 3704 0044 0532 0130 00""#;
    for (from, to) in [
        (value.to_owned(), format!(r#""Tag": [{{"name": "false-positive:risk=\"high\""}}], {value}"#)),
        (
            format!(r#""category": "Financial fraud", "to_ids": true, {value}"#),
            format!(r#""category": "Targeting data", "to_ids": true, {value}"#),
        ),
    ] {
        assert!(MISP.contains(&from));
        assert_eq!(misp(&MISP.replacen(&from, &to, 1)).unwrap().counts().entries, 3, "{to}");
    }
    // Values of other types are not ours to judge.
    let other = MISP.replace(r#""value": "invest.example""#, r#""comment": null, "value": 5"#);
    assert_eq!(misp(&other).unwrap().counts().entries, 4);
}
