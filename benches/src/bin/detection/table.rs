//! Labelled tables as bank records: an AMLSim graph, and a CSV with documented columns.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use mareva_benches::BANK;
use mareva_model::{format_time, identifier, parse_time};
use mareva_pipeline::InputRecord;
use mareva_sim::{Label, OUR_BIC};
use serde_json::json;

use crate::dataset::{Dataset, nobody};

/// 2026-01-05T00:00:00Z, a Monday: day 0 of what counts days.
const START: i64 = 1_767_571_200_000;
const DAY: i64 = 86_400_000;
/// Name of the source of all records.
const SOURCE: &str = "csv";
/// All amounts are in euros; a table of rates must hold one.
const RATES: &[u8] = b"date,currency,rate\n2026-01-05,USD,0.92\n";
/// Rows that are read at most.
const MAX_ROWS: usize = 20_000_000;
/// Labels of those who take part in nothing.
const INNOCENT: [&str; 8] = ["", "0", "false", "no", "none", "clean", "normal", "innocent"];

/// One payment.
struct Payment {
    time: i64,
    from: String,
    to: String,
    amount: String,
    id: String,
    illicit: bool,
    pattern: String,
}

/// A graph of IBM AMLSim: `transactions.csv` and `nodes.csv`, whose accounts alone are labelled. A step is a day, over whose
/// hours its payments are spread in their order; all accounts are with us, amounts are in euros times `scale`.
pub(crate) fn amlsim(folder: &Path, scale: u32) -> Result<Dataset, Box<dyn Error>> {
    let mut payments = Vec::new();
    let mut rows = Reader::open(&folder.join("transactions.csv"))?;
    while let Some(row) = rows.next()? {
        let step: i64 = row.number("time")?;
        payments.push(Payment {
            time: step,
            from: row.text("sourceNodeId")?.to_owned(),
            to: row.text("targetNodeId")?.to_owned(),
            amount: scaled(row.number("value")?, scale),
            id: row.line.to_string(),
            illicit: false,
            pattern: String::new(),
        });
    }
    let mut in_step: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    payments.iter().for_each(|payment| in_step.entry(payment.time).or_default().1 += 1);
    for payment in &mut payments {
        let (at, of) = in_step.entry(payment.time).or_default();
        payment.time = START + payment.time * DAY + *at * DAY / *of;
        *at += 1;
    }
    let mut labels = Vec::new();
    let mut nodes = Reader::open(&folder.join("nodes.csv"))?;
    while let Some(row) = nodes.next()? {
        labels.extend(label(row.text("nodeid")?, row.text("isFraud")?));
    }
    Ok(dataset(payments, labels))
}

fn scaled(value: f64, scale: u32) -> String {
    format!("{:.2}", value * f64::from(scale))
}

/// Payments with the columns `time` (RFC 3339, or days as a whole number), `from`, `to`, `amount` (euros), and where there are
/// `tx_id`, `label` (of the payment) and `pattern` (the instance that it belongs to). `labels` has the columns `account` and
/// `label`; without it both sides of a labelled payment are criminals.
pub(crate) fn labelled(file: &Path, labels: Option<&Path>) -> Result<Dataset, Box<dyn Error>> {
    let mut payments = Vec::new();
    let mut rows = Reader::open(file)?;
    while let Some(row) = rows.next()? {
        let told = row.text("time")?;
        let time = match told.parse::<i64>() {
            Ok(day) => day.checked_mul(DAY).and_then(|ms| ms.checked_add(START)),
            Err(_) => parse_time(told).ok(),
        };
        payments.push(Payment {
            time: time.ok_or_else(|| row.fault("time", "write RFC 3339, or a whole number of days"))?,
            from: row.text("from")?.to_owned(),
            to: row.text("to")?.to_owned(),
            amount: row.text("amount")?.to_owned(),
            id: row.optional("tx_id").map_or_else(|| row.line.to_string(), str::to_owned),
            illicit: row.optional("label").is_some_and(|label| !is_innocent(label)),
            pattern: row.optional("pattern").unwrap_or("all").to_owned(),
        });
    }
    payments.sort_by_key(|payment| payment.time);
    let mut all = Vec::new();
    if let Some(file) = labels {
        let mut rows = Reader::open(file)?;
        while let Some(row) = rows.next()? {
            all.extend(label(row.text("account")?, row.text("label")?));
        }
    } else {
        let illicit = payments.iter().filter(|payment| payment.illicit);
        let sides: HashSet<&str> = illicit.flat_map(|payment| [payment.from.as_str(), &payment.to]).collect();
        all.extend(sides.into_iter().filter_map(|account| label(account, "criminal")));
    }
    for payment in payments.iter().filter(|payment| payment.illicit) {
        all.push(Label::Transaction {
            tx_id: payment.id.clone(),
            source: SOURCE,
            scheme: "labelled",
            operation: payment.pattern.clone(),
            role: "labelled",
            illicit_amount: payment.amount.clone(),
            currency: "EUR",
        });
    }
    Ok(dataset(payments, all))
}

fn is_innocent(label: &str) -> bool {
    INNOCENT.contains(&label.to_lowercase().as_str())
}

fn label(account: &str, label: &str) -> Option<Label> {
    let role = if label.eq_ignore_ascii_case("victim") { "victim" } else { "mule" };
    let account = identifier::account(account, Some(OUR_BIC)).canonical;
    (!is_innocent(label)).then_some(Label::Account { account, role, operation: None })
}

fn dataset(payments: Vec<Payment>, labels: Vec<Label>) -> Dataset {
    let topic: Arc<str> = BANK.into();
    let records = payments.into_iter().enumerate().map(move |(at, payment)| {
        let side = |account: &str| json!({ "account": account, "agent": OUR_BIC });
        let record = json!({
            "type": "credit_transfer",
            "tx_id": payment.id,
            "source": SOURCE,
            "time": format_time(payment.time),
            "amount": payment.amount,
            "currency": "EUR",
            "originator": side(&payment.from),
            "beneficiary": side(&payment.to),
        });
        let (topic, append_time) = (topic.clone(), payment.time);
        InputRecord { topic, partition: 0, offset: at as i64, append_time, payload: record.to_string().into() }
    });
    let parts = mareva_benches::parts(nobody(), b"", b"identifier,vasp,country\n", RATES);
    Dataset { parts, records: Box::new(records), labels }
}

/// Rows of a CSV file by the names in its first line.
struct Reader {
    rows: csv::StringRecordsIntoIter<std::fs::File>,
    headers: csv::StringRecord,
    file: String,
    read: usize,
}

struct Row<'r> {
    fields: csv::StringRecord,
    reader: &'r Reader,
    line: usize,
}

impl Reader {
    fn open(path: &Path) -> Result<Self, Box<dyn Error>> {
        let file = path.display().to_string();
        let read = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path);
        let mut read = read.map_err(|error| format!("{file}: {error}"))?;
        let headers = read.headers().map_err(|error| format!("{file}: {error}"))?.clone();
        Ok(Self { rows: read.into_records(), headers, file, read: 0 })
    }

    fn next(&mut self) -> Result<Option<Row<'_>>, Box<dyn Error>> {
        let Some(fields) = self.rows.next() else { return Ok(None) };
        self.read += 1;
        if self.read > MAX_ROWS {
            return Err(format!("{}: has more than {MAX_ROWS} rows; give a part of it", self.file).into());
        }
        let fields = fields.map_err(|error| format!("{}: {error}", self.file))?;
        Ok(Some(Row { fields, line: self.read + 1, reader: self }))
    }
}

impl Row<'_> {
    fn optional(&self, name: &str) -> Option<&str> {
        let at = self.reader.headers.iter().position(|header| header.eq_ignore_ascii_case(name))?;
        self.fields.get(at).filter(|text| !text.is_empty())
    }

    fn text(&self, name: &str) -> Result<&str, Box<dyn Error>> {
        self.optional(name).ok_or_else(|| self.fault(name, "it must be there"))
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, Box<dyn Error>> {
        self.text(name)?.parse().map_err(|_| self.fault(name, "write a number"))
    }

    fn fault(&self, name: &str, remedy: &str) -> Box<dyn Error> {
        format!("{}:{}: column {name}: {remedy}", self.reader.file, self.line).into()
    }
}
