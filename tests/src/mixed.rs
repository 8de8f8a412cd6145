//! A simulated stream as several banks and exchanges would send it: part of the payments as pacs.008 messages, some of them
//! two to a message, others without references that senders leave out, accounts without an IBAN, wallets with a tag. It
//! remembers what it sent, so that requests can be held against it.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use mareva_sim::OUR_BIC;
use serde_json::{Map, Value, json};

use crate::ndjson;

/// A record as it was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Topic, offset and index in the record.
    pub position: (&'static str, i64, i32),
    /// Its fields by the names of canonical JSON; what it did not give is not there.
    pub fields: Value,
    /// Whether it went as pacs.008.
    pub pacs008: bool,
}

impl Sent {
    /// A field, by its JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.fields.pointer(pointer).and_then(Value::as_str)
    }
}

/// Records by row id, as the contract forms it: UETR, else source and id.
pub type SentById = HashMap<String, Sent>;

/// Rewrites the streams of a folder.
///
/// # Panics
/// When a file cannot be read or written, or a record is not the simulator's.
pub fn mix(folder: &Path) -> SentById {
    let mut sent = SentById::new();
    let bank = ndjson(&folder.join("bank.ndjson"));
    let mut lines: Vec<String> = Vec::new();
    for (number, mut record) in bank.into_iter().enumerate() {
        without_iban(&mut record);
        let offset = lines.len() as i64;
        let convertible = record["type"] == "credit_transfer" && record["status"] == "settled";
        if !convertible || number % 2 == 0 {
            if convertible {
                leave_out(&mut record, number / 2);
            }
            remember(&mut sent, ("bank.transactions", offset, 0), &record, false);
            lines.push(record.to_string());
            continue;
        }
        let variant = number / 2 % 4;
        as_message(&mut record, variant);
        let mut message: Vec<Value> = (variant == 0).then(|| companion(&record, number)).into_iter().collect();
        message.push(record);
        for (index, record) in (0..).zip(&message) {
            remember(&mut sent, ("bank.transactions", offset, index), record, true);
        }
        lines.push(pacs008(&message));
    }
    std::fs::write(folder.join("bank.ndjson"), lines.join("\n") + "\n").expect("the stream can be written");
    let mut lines = Vec::new();
    for (number, mut record) in ndjson(&folder.join("exchange.ndjson")).into_iter().enumerate() {
        if record["type"] == "withdrawal" {
            change_wallet(&mut record, number);
        }
        remember(&mut sent, ("exchange.transactions", number as i64, 0), &record, false);
        lines.push(record.to_string());
    }
    std::fs::write(folder.join("exchange.ndjson"), lines.join("\n") + "\n").expect("the stream can be written");
    sent
}

/// The first payment of a message whose second one is `record`: a small one between two other banks.
fn companion(record: &Value, number: usize) -> Value {
    let party = |account, name, agent| json!({"account": account, "name": name, "agent": agent, "country": "NL"});
    let mut other = record.clone();
    let fields = other.as_object_mut().expect("a record is an object");
    fields.retain(|name, _| !["uetr", "purpose", "instr_id", "clearing_ref"].contains(&name.as_str()));
    for (name, value) in [
        ("source", json!("ABNANL2A")),
        ("tx_id", json!(format!("C{number}"))),
        ("end_to_end_id", json!(format!("EC{number}"))),
        ("amount", json!("1.25")),
        ("currency", json!("EUR")),
        ("originator", party("417164300", "Jan de Vries", "ABNANL2A")),
        ("beneficiary", party("NL91ABNA0417164300", "Bloemen Amsterdam", "INGBNL2A")),
    ] {
        fields.insert(name.to_owned(), value);
    }
    other
}

fn remember(sent: &mut SentById, position: (&'static str, i64, i32), record: &Value, pacs008: bool) {
    let text = |name: &str| record[name].as_str();
    let id = match (text("type"), text("uetr"), text("source"), text("tx_id")) {
        (Some("credit_transfer"), Some(uetr), ..) => format!("uetr:{uetr}"),
        (Some("return"), _, Some(source), Some(id)) => format!("return:{source}:{id}"),
        (_, _, Some(source), Some(id)) => format!("{source}:{id}"),
        // Of chains: nobody recalls what nobody of ours sent.
        _ => return,
    };
    let known = sent.insert(id, Sent { position, fields: record.clone(), pacs008 });
    assert!(known.is_none(), "one record an id: {known:?}");
}

/// One in four accounts elsewhere has a number instead of an IBAN.
fn without_iban(record: &mut Value) {
    for side in ["originator", "beneficiary"] {
        let party = &mut record[side];
        let elsewhere = party["agent"].as_str().is_some_and(|agent| agent != OUR_BIC);
        let Some(iban) = party["account"].as_str().filter(|iban| elsewhere && iban.len() == 22) else { continue };
        if iban.ends_with(['0', '4', '8']) {
            party["account"] = json!(format!("{}-{} {}", &iban[4..8], &iban[8..14], &iban[14..]));
        }
    }
}

/// What senders of canonical JSON leave out, and a settlement in another currency.
fn leave_out(record: &mut Value, number: usize) {
    let absent: &[&str] = match number % 7 {
        0 => &["uetr"],
        1 => &["instr_id", "clearing_ref"],
        2 => &["msg_id", "msg_name_id"],
        3 => &["settlement_date", "settlement_amount", "settlement_currency"],
        4 => {
            record["settlement_amount"] = json!("1234.5");
            record["settlement_currency"] = json!("USD");
            return;
        }
        _ => return,
    };
    let fields = record.as_object_mut().expect("a record is an object");
    fields.retain(|name, _| !absent.contains(&name.as_str()));
}

/// Makes a record what a message of this kind can say: complete, sparse, instructed in dollars, with markup in a name.
fn as_message(record: &mut Value, variant: usize) {
    let amount = record["amount"].clone();
    // A message names no reporter: it is the debtor's agent that sends it.
    record["source"] = record["originator"]["agent"].clone();
    let fields = record.as_object_mut().expect("a record is an object");
    fields.insert("msg_name_id".to_owned(), json!("pacs.008.001.08"));
    for (name, from) in [("settlement_amount", "amount"), ("settlement_currency", "currency")] {
        let value = fields[from].clone();
        fields.insert(name.to_owned(), value);
    }
    match variant {
        1 => {
            fields.retain(|name, _| !["instr_id", "uetr", "clearing_ref"].contains(&name.as_str()));
            fields.insert("end_to_end_id".to_owned(), json!("NOTPROVIDED"));
        }
        2 => {
            fields.insert("instructed_amount".to_owned(), json!(format!("1{}", amount.as_str().unwrap_or("0"))));
        }
        3 => {
            let name = record["beneficiary"]["name"].as_str().unwrap_or_default();
            record["beneficiary"]["name"] = json!(format!("{name} & Söhne <Ltd>"));
        }
        _ => {}
    }
}

/// A tag chain, a hash or a contract that is not told.
fn change_wallet(record: &mut Value, number: usize) {
    let fields: &mut Map<String, Value> = record.as_object_mut().expect("a record is an object");
    if fields.get("network").and_then(Value::as_str) != Some("tron") {
        return;
    }
    match number % 4 {
        0 => {
            fields.retain(|name, _| !["asset_contract", "log_index", "from_address"].contains(&name.as_str()));
            fields.insert("network".to_owned(), json!("xrp"));
            // The first account of that ledger, whose key everybody knows.
            fields.insert("to_address".to_owned(), json!("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"));
            fields.insert("tag".to_owned(), json!(number.to_string()));
        }
        1 => drop(fields.remove("tx_hash")),
        2 => fields.retain(|name, _| !["asset_contract", "log_index"].contains(&name.as_str())),
        _ => {}
    }
}

/// Payments as one pacs.008.001.08 on one line.
fn pacs008(payments: &[Value]) -> String {
    let first = &payments[0];
    let mut xml =
        String::from(r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><FIToFICstmrCdtTrf>"#);
    let sparse = first["end_to_end_id"] == "NOTPROVIDED";
    let date = |record: &Value| element("IntrBkSttlmDt", &record["settlement_date"]);
    let header = [
        element("MsgId", &first["msg_id"]),
        element("CreDtTm", &first["time"]),
        format!("<NbOfTxs>{}</NbOfTxs>", payments.len()),
        if sparse { date(first) } else { String::new() },
        "<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf>".to_owned(),
    ];
    write!(xml, "<GrpHdr>{}</GrpHdr>", header.concat()).expect("a string takes any text");
    for record in payments {
        let ids = [
            ("InstrId", "instr_id"),
            ("EndToEndId", "end_to_end_id"),
            ("TxId", "tx_id"),
            ("UETR", "uetr"),
            ("ClrSysRef", "clearing_ref"),
        ];
        let ids: String = ids.iter().map(|(tag, name)| element(tag, &record[*name])).collect();
        let parts = [
            format!("<PmtId>{ids}</PmtId>"),
            money("IntrBkSttlmAmt", &record["amount"], &record["currency"]),
            if sparse { String::new() } else { date(record) },
            element("AccptncDtTm", &record["time"]),
            money("InstdAmt", &record["instructed_amount"], &json!("USD")),
            "<ChrgBr>SLEV</ChrgBr>".to_owned(),
            party("Dbtr", &record["originator"]),
            account("DbtrAcct", &record["originator"]),
            agent("DbtrAgt", &record["originator"]),
            agent("CdtrAgt", &record["beneficiary"]),
            party("Cdtr", &record["beneficiary"]),
            account("CdtrAcct", &record["beneficiary"]),
            element("Cd", &record["purpose"]).replace("<Cd>", "<Purp><Cd>").replace("</Cd>", "</Cd></Purp>"),
            format!("<RmtInf>{}</RmtInf>", element("Ustrd", &record["remittance"])),
        ];
        write!(xml, "<CdtTrfTxInf>{}</CdtTrfTxInf>", parts.concat()).expect("a string takes any text");
    }
    xml + "</FIToFICstmrCdtTrf></Document>"
}

fn element(tag: &str, value: &Value) -> String {
    let Some(text) = value.as_str() else { return String::new() };
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<{tag}>{text}</{tag}>")
}

fn money(tag: &str, amount: &Value, currency: &Value) -> String {
    let currency = currency.as_str().unwrap_or_default();
    element(tag, amount).replacen('>', &format!(r#" Ccy="{currency}">"#), 1)
}

fn party(tag: &str, party: &Value) -> String {
    let country = element("Ctry", &party["country"]);
    format!("<{tag}>{}<PstlAdr>{country}</PstlAdr></{tag}>", element("Nm", &party["name"]))
}

/// Whether an account is written as an IBAN: a country and two check digits in front.
pub fn is_iban(account: &str) -> bool {
    let bytes = account.as_bytes();
    bytes.len() > 4 && bytes[..2].iter().all(u8::is_ascii_uppercase) && bytes[2..4].iter().all(u8::is_ascii_digit)
}

fn account(tag: &str, party: &Value) -> String {
    let iban = party["account"].as_str().is_some_and(is_iban);
    let id = if iban {
        element("IBAN", &party["account"])
    } else {
        format!("<Othr>{}</Othr>", element("Id", &party["account"]))
    };
    format!("<{tag}><Id>{id}</Id></{tag}>")
}

fn agent(tag: &str, party: &Value) -> String {
    format!("<{tag}><FinInstnId>{}</FinInstnId></{tag}>", element("BICFI", &party["agent"]))
}
