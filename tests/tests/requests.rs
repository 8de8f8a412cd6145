//! An alert is enough to act on: from its lines alone, every bank recall becomes a camt.056 and every recall from an
//! exchange a request to it, and each value is that of the original payment.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use mareva_codec::outbound::{camt056, exchange_request};
use mareva_model::alert::{Action, Alert, Target, TargetKind};
use mareva_model::identifier::{account, bic, is_fiat_network, wallet};
use mareva_model::{Amount, SourcePosition};
use mareva_sim::{OUR_BIC, SimConfig};
use mareva_tests::mixed::{Sent, SentById, is_iban, mix};
use mareva_tests::stream::Simulated;

/// With far more crime than there is, so that few transactions give many recalls.
const ILLICIT_PER_MILLION: u64 = 20_000;
const TRANSACTIONS: u64 = 60_000;
const SEED: u64 = 479_001_599;
/// 2026-03-01T12:00:00Z, the time of writing.
const CREATED: i64 = 1_772_366_400_000;

/// One recall, and what was sent.
struct Recall {
    alert: Alert,
    target: Target,
    sent: Sent,
}

struct Run {
    recalls: Vec<Recall>,
    folder: tempfile::TempDir,
}

/// The recalls of one replay, each payment of each alert once, in the last revision that asks for it.
fn recalls() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let simulated = Simulated::new(folder.path(), SEED, 1_000);
        let config = SimConfig { illicit_per_million: ILLICIT_PER_MILLION, ..SimConfig::new(SEED, TRANSACTIONS) };
        fs::create_dir_all(folder.path().join("sanctions")).expect("the folder is there");
        let mut create = |name: &str| fs::File::create(folder.path().join(name)).map(BufWriter::new);
        mareva_sim::write(&config, &mut create, &mut |_| ()).expect("the simulation is written");
        let sent = mix(folder.path());
        let mut recalls = BTreeMap::new();
        for alert in simulated.replayed() {
            positions_are_true(&alert, &sent);
            for target in alert.targets.iter().filter(|target| target.action == Action::Recall) {
                assert_eq!((target.kind, target.row_ids.len()), (TargetKind::Payment, 1), "{target:#?}");
                let sent = sent.get(&target.row_ids[0]).unwrap_or_else(|| panic!("never sent: {target:#?}")).clone();
                let key = (alert.alert_id.clone(), target.row_ids[0].clone());
                recalls.insert(key, Recall { alert: alert.clone(), target: target.clone(), sent });
            }
        }
        Run { recalls: recalls.into_values().collect(), folder }
    })
}

/// Where the evidence says that a record was read, it was read.
fn positions_are_true(alert: &Alert, sent: &SentById) {
    let hits = alert.evidence.hits.iter().map(|hit| (&hit.row_id, &hit.position));
    let detections = alert.evidence.rules.iter().flat_map(|rule| &rule.detections);
    for (row_id, position) in hits.chain(detections.map(|detection| (&detection.row_id, &detection.position))) {
        // A movement's row id ends in its leg, a signal's begins with its rule.
        let row_id = row_id.trim_end_matches("/in").trim_end_matches("/out");
        let known = sent.get(row_id).or_else(|| sent.get(row_id.split_once(':')?.1));
        let (Some(sent), Some(SourcePosition { topic, offset, index, .. })) = (known, position) else { continue };
        assert_eq!((topic.as_str(), *offset, *index), sent.position, "{row_id}");
    }
}

fn is_bank(recall: &&Recall) -> bool {
    recall.target.payment.is_some()
}

fn xml(recall: &Recall) -> String {
    camt056(&recall.alert, &recall.target, &[OUR_BIC.to_owned()], CREATED)
        .unwrap_or_else(|refusal| panic!("{refusal}\n{:#?}", recall.target))
}

#[test]
fn every_bank_recall_says_what_the_payment_said() {
    let bank: Vec<&Recall> = recalls().recalls.iter().filter(is_bank).collect();
    let messages = bank.iter().filter(|recall| recall.sent.pacs008).count();
    let second = bank.iter().filter(|recall| recall.sent.position.2 > 0).count();
    let numbered = bank.iter().filter(|r| r.target.account.as_ref().is_some_and(|a| a.starts_with("acct:"))).count();
    println!(
        "{} bank recalls, {messages} of pacs.008 payments ({second} second in theirs), {numbered} at accounts without IBAN",
        bank.len()
    );
    assert!(bank.len() >= 20 && messages >= 5 && bank.len() - messages >= 5 && second >= 1 && numbered >= 1);
    let mut shapes = BTreeSet::new();
    for recall in bank {
        let leaves = leaves(&xml(recall));
        let said = |path: &str| leaves.get(path).map(String::as_str);
        let expected = original(&recall.sent);
        let original = |path: &str| path.starts_with("Undrlyg/TxInf/Orgnl");
        let found: BTreeMap<_, _> = leaves.iter().filter(|(path, _)| original(path)).collect();
        assert_eq!(found, expected.iter().collect(), "{:#?}", recall.sent);
        assert_eq!(said("Assgnmt/Assgnr/Agt/FinInstnId/BICFI"), agent(&recall.sent, "originator").as_deref());
        assert_eq!(said("Assgnmt/Assgne/Agt/FinInstnId/BICFI"), agent(&recall.sent, "beneficiary").as_deref());
        assert_eq!(said("Undrlyg/TxInf/CxlRsnInf/Rsn/Cd"), Some(recall.alert.reason_code.as_str()));
        assert_same_number(recall.target.amount.as_deref(), recall.sent.text("/amount"));
        assert_eq!(recall.target.currency.as_deref(), recall.sent.text("/currency"));
        assert_no_more_than_paid(&recall.target);
        assert_missing(&recall.target, &missing_of_bank(&recall.sent));
        shapes.insert(recall.target.missing.clone());
    }
    assert!(shapes.len() >= 4, "payments leave out different things: {shapes:?}");
}

#[test]
fn every_recall_from_an_exchange_says_what_the_transfer_said() {
    let others: Vec<&Recall> = recalls().recalls.iter().filter(|recall| !is_bank(recall)).collect();
    let tagged = others.iter().filter(|recall| recall.sent.text("/tag").is_some()).count();
    let mut networks: BTreeMap<&str, usize> = BTreeMap::new();
    for recall in &others {
        *networks.entry(recall.sent.text("/network").unwrap_or_default()).or_default() += 1;
    }
    println!("{} recalls from exchanges, {tagged} with a tag: {networks:?}", others.len());
    let on_chain = others.iter().filter(|recall| !is_fiat_network(recall.sent.text("/network").unwrap_or_default()));
    assert!(on_chain.count() >= 5 && tagged >= 1);
    for recall in others {
        let request = exchange_request(&recall.alert, &recall.target, CREATED);
        let request = request.unwrap_or_else(|refusal| panic!("{refusal}\n{:#?}", recall.target));
        let json = serde_json::to_value(&request).expect("a request is JSON");
        let said = |pointer: &str| json.pointer(pointer).and_then(serde_json::Value::as_str).map(str::to_owned);
        let sent = |pointer: &str| recall.sent.text(pointer).map(str::to_owned);
        assert_eq!(recall.sent.text("/type"), Some("withdrawal"), "what leaves an exchange is a withdrawal");
        let network = recall.sent.text("/network");
        for (pointer, expected) in [
            ("/transfer/network", sent("/network")),
            ("/transfer/tx_hash", sent("/tx_hash")),
            ("/transfer/tag", sent("/tag")),
            ("/transfer/exchange", sent("/source")),
            ("/transfer/exchange_uid", sent("/user")),
            ("/transfer/tx_id", sent("/tx_id")),
            ("/transfer/asset_contract", sent("/asset_contract").map(|text| wallet(&text, network, None).canonical)),
            ("/transfer/linked_account", sent("/linked_account").map(|text| account(&text, None).canonical)),
            ("/currency", sent("/asset")),
            ("/event_time", sent("/time")),
            ("/originator/name", sent("/user_name")),
            ("/originator/country", sent("/user_country")),
            ("/beneficiary/name", None),
        ] {
            assert_eq!(said(pointer), expected, "{pointer} of {:#?}", recall.sent);
        }
        // Ethereum writes an address in any case; the canonical one is lower.
        let address =
            |text: Option<String>| text.map(|text| if text.starts_with("0x") { text.to_lowercase() } else { text });
        assert_eq!(address(said("/transfer/address")), address(sent("/to_address")));
        assert_eq!(json.pointer("/transfer/log_index"), Some(&recall.sent.fields["log_index"]));
        assert_same_number(request.amount.as_deref(), recall.sent.text("/amount"));
        assert_eq!(Some(&request.freeze_amount), recall.target.recommended_amount.as_ref());
        assert_no_more_than_paid(&recall.target);
        assert_missing(&recall.target, &missing_of_exchange(&recall.sent));
    }
}

#[test]
#[ignore = "needs MAREVA_DATA: the folder of official data"]
fn every_bank_recall_is_valid_against_the_official_schema() {
    let data = std::env::var("MAREVA_DATA").expect("MAREVA_DATA names the folder of official data");
    let schemas = Path::new(&data).join("standards/iso20022/xsd");
    let folder = recalls().folder.path();
    let mut requests = Vec::new();
    for (number, recall) in recalls().recalls.iter().filter(is_bank).enumerate() {
        let path = folder.join(format!("recall-{number}.xml"));
        std::fs::write(&path, xml(recall)).expect("the recall can be written");
        requests.push(path);
    }
    assert!(requests.len() >= 20);
    validate(&schemas.join("camt.056.001.08.xsd"), &requests);
    // What was sent is valid too: the comparison above is with messages as banks send them.
    let stream = std::fs::read_to_string(folder.join("bank.ndjson")).expect("the stream is there");
    let messages: Vec<_> = stream.lines().filter(|line| line.starts_with('<')).take(50).enumerate().collect();
    let paths = messages.iter().map(|(number, xml)| {
        let path = folder.join(format!("payment-{number}.xml"));
        std::fs::write(&path, xml).expect("the payment can be written");
        path
    });
    validate(&schemas.join("pacs.008.001.08.xsd"), &paths.collect::<Vec<_>>());
}

fn validate(schema: &Path, files: &[std::path::PathBuf]) {
    let run = Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).args(files).output();
    let run = run.expect("xmllint starts; tests/run.sh installs it");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// What a camt.056 must repeat of a payment: every leaf below `Undrlyg/TxInf` that begins with `Orgnl`.
fn original(sent: &Sent) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    let mut add = |path: &str, value: Option<&str>| {
        if let Some(value) = value {
            leaves.insert(format!("Undrlyg/TxInf/{path}"), value.to_owned());
        }
    };
    for (path, pointer) in [
        ("OrgnlGrpInf/OrgnlMsgId", "/msg_id"),
        ("OrgnlGrpInf/OrgnlMsgNmId", "/msg_name_id"),
        ("OrgnlInstrId", "/instr_id"),
        ("OrgnlEndToEndId", "/end_to_end_id"),
        ("OrgnlTxId", "/tx_id"),
        ("OrgnlUETR", "/uetr"),
        ("OrgnlClrSysRef", "/clearing_ref"),
        ("OrgnlIntrBkSttlmAmt", "/settlement_amount"),
        ("OrgnlIntrBkSttlmAmt@Ccy", "/settlement_currency"),
        ("OrgnlIntrBkSttlmDt", "/settlement_date"),
        ("OrgnlTxRef/Dbtr/Pty/Nm", "/originator/name"),
        ("OrgnlTxRef/Dbtr/Pty/CtryOfRes", "/originator/country"),
        ("OrgnlTxRef/Cdtr/Pty/Nm", "/beneficiary/name"),
        ("OrgnlTxRef/Cdtr/Pty/CtryOfRes", "/beneficiary/country"),
    ] {
        add(path, sent.text(pointer));
    }
    for (tag, side) in [("DbtrAgt", "originator"), ("CdtrAgt", "beneficiary")] {
        add(&format!("OrgnlTxRef/{tag}/FinInstnId/BICFI"), agent(sent, side).as_deref());
    }
    for (tag, pointer) in [("DbtrAcct", "/originator/account"), ("CdtrAcct", "/beneficiary/account")] {
        let number = sent.text(pointer).unwrap_or_default();
        if is_iban(number) {
            add(&format!("OrgnlTxRef/{tag}/Id/IBAN"), Some(number));
        } else {
            // Banks read an account number without its separators, and that is how it is compared everywhere.
            let digits: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
            add(&format!("OrgnlTxRef/{tag}/Id/Othr/Id"), Some(&digits));
        }
    }
    // What was instructed is repeated where canonical JSON tells it and another sum was settled.
    let settled = (sent.text("/settlement_amount"), sent.text("/settlement_currency"));
    if !sent.pacs008 && settled != (sent.text("/amount"), sent.text("/currency")) {
        add("OrgnlTxRef/Amt/InstdAmt", sent.text("/amount"));
        add("OrgnlTxRef/Amt/InstdAmt@Ccy", sent.text("/currency"));
    }
    leaves
}

/// BIC of a side in 11 characters: in 8 or with XXX behind them it names the same head office (ISO 9362).
fn agent(sent: &Sent, side: &str) -> Option<String> {
    let canonical = bic(sent.text(&format!("/{side}/agent"))?)?;
    canonical.strip_prefix("bic:").map(str::to_owned)
}

fn missing_of_bank(sent: &Sent) -> BTreeSet<&'static str> {
    let fields = [
        ("originator.account", "/originator/account"),
        ("originator.name", "/originator/name"),
        ("originator.agent", "/originator/agent"),
        ("originator.country", "/originator/country"),
        ("beneficiary.account", "/beneficiary/account"),
        ("beneficiary.name", "/beneficiary/name"),
        ("beneficiary.agent", "/beneficiary/agent"),
        ("beneficiary.country", "/beneficiary/country"),
        ("account", "/beneficiary/account"),
        ("agent", "/beneficiary/agent"),
        ("payment.msg_id", "/msg_id"),
        ("payment.msg_name_id", "/msg_name_id"),
        ("payment.instr_id", "/instr_id"),
        ("payment.end_to_end_id", "/end_to_end_id"),
        ("payment.tx_id", "/tx_id"),
        ("payment.uetr", "/uetr"),
        ("payment.clearing_ref", "/clearing_ref"),
        ("payment.settlement_amount", "/settlement_amount"),
        ("payment.settlement_currency", "/settlement_currency"),
        ("payment.settlement_date", "/settlement_date"),
    ];
    fields.into_iter().filter(|(_, pointer)| sent.text(pointer).is_none()).map(|(name, _)| name).collect()
}

/// A receiver behind an address is never told; a contract, hash or tag is missing where the chain has such a thing.
fn missing_of_exchange(sent: &Sent) -> BTreeSet<&'static str> {
    let (network, asset) = (sent.text("/network").unwrap_or_default(), sent.text("/asset"));
    let token = matches!(network, "tron" | "ethereum") && asset == Some("USDT");
    let fields = [
        ("agent", true),
        ("beneficiary.agent", true),
        ("beneficiary.name", true),
        ("beneficiary.country", true),
        ("originator.country", sent.text("/user_country").is_none()),
        ("originator.name", sent.text("/user_name").is_none()),
        ("chain.network", network.is_empty()),
        ("chain.tx_hash", !is_fiat_network(network) && sent.text("/tx_hash").is_none()),
        ("chain.asset_contract", token && sent.text("/asset_contract").is_none()),
        ("chain.log_index", token && sent.fields["log_index"].is_null()),
        ("chain.tag", network == "xrp" && sent.text("/tag").is_none()),
    ];
    fields.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect()
}

/// `missing` names exactly what the payment did not give, and all of that is null. Whether the money is still there, no
/// payment says.
fn assert_missing(target: &Target, expected: &BTreeSet<&'static str>) {
    let named: BTreeSet<&str> =
        target.missing.iter().map(String::as_str).filter(|name| *name != "reachable_amount").collect();
    assert_eq!(&named, expected, "{target:#?}");
    let json = serde_json::to_value(target).expect("a target is JSON");
    for name in &target.missing {
        let value = json.pointer(&format!("/{}", name.replace('.', "/")));
        assert_eq!(value, Some(&serde_json::Value::Null), "{name} of {target:#?}");
    }
}

fn assert_same_number(found: Option<&str>, sent: Option<&str>) {
    let number = |text: Option<&str>| Amount::parse(text.expect("an amount")).expect("a decimal");
    assert_eq!(number(found), number(sent));
}

fn assert_no_more_than_paid(target: &Target) {
    let number = |text: &Option<String>| Amount::parse(text.as_deref().expect("an amount")).expect("a decimal").0;
    assert!(number(&target.recommended_amount) > 0, "{target:#?}");
    assert!(number(&target.recommended_amount) <= number(&target.amount), "{target:#?}");
}

/// Every leaf of a camt.056 by its path below the message, and the currency of amounts. No leaf comes twice in ours.
fn leaves(xml: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut path: Vec<&str> = Vec::new();
    for part in xml.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        if tag.starts_with('?') {
            continue;
        }
        if tag.starts_with('/') {
            path.pop();
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        path.push(name);
        let below = path.get(2..).unwrap_or_default().join("/");
        if let Some(currency) = attributes.strip_prefix("Ccy=\"").and_then(|rest| rest.strip_suffix('"')) {
            found.insert(format!("{below}@Ccy"), currency.to_owned());
        }
        if !text.is_empty() {
            let twice = found.insert(below, unescaped(text));
            assert_eq!(twice, None, "{xml}");
        }
    }
    found
}

fn unescaped(text: &str) -> String {
    let marks = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    marks.iter().fold(text.to_owned(), |text, (written, meant)| text.replace(written, meant))
}
