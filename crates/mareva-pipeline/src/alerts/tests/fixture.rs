//! A small world: our bank and exchange, payments between accounts, rules and lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, StringArray, new_null_array};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use mareva_model::alert::Alert;
use mareva_model::{
    AliasQuality, Detection, DetectionChange, EntryRef, EvidenceClass, Hit, ListAction, ListRef, MatchedOn,
    PREPARED_COLUMNS, PartyRole, Prepared, Raises, Regime, RuleRef, SourcePosition, SubjectRole, Table, Targets, Text,
    TransactionBatch, TransactionBatchBuilder, TransactionRow, digest, prepared_schema,
};
use mareva_monitoring::RetainedRows;

use crate::alerts::{AlertBook, AlertConfig, InstitutionConfig};

pub(super) const DAY: i64 = 86_400_000;
pub(super) const HOUR: i64 = 3_600_000;
pub(super) const MINUTE: i64 = 60_000;
/// 2026-01-05T00:00:00Z.
pub(super) const START: i64 = 1_767_571_200_000;

pub(super) const MULE: &str = "iban:DE89370400440532013000";
pub(super) const FAR: &str = "iban:GB33BUKB20201555555555";
pub(super) const ANNA: &str = "iban:DE02120300000000202051";
pub(super) const BERT: &str = "iban:DE02500105170137075030";
pub(super) const USER: &str = "exch:kestrel:10023";
pub(super) const WALLET: &str = "tron:TJRabPrwbZy45sbavfcjinPJC18kjpRTv8";

pub(crate) fn config() -> AlertConfig {
    AlertConfig {
        institution: InstitutionConfig {
            bics: vec!["MRVADEFF".into()],
            exchanges: vec!["kestrel".into()],
            jurisdiction: Some("DE".into()),
        },
        episode_ms: DAY,
        lateness_ms: 5 * MINUTE,
        reach_ms: 2 * DAY,
        memory_ms: 3 * DAY,
        hold_ms: 72 * HOUR,
        clock_basis: Some("internal policy: fraud hold of 72 hours".into()),
        fraud_legal_basis: None,
        sanctions_legal_basis: None,
        confidentiality: Some("customer must not be told".into()),
        tlp: Some("amber".into()),
        operation: None,
        notice_ref: None,
        reference_currency: "EUR".into(),
        max_open: 1_000,
        max_closed: 1_000,
        max_signals: 10_000,
        max_targets: 100,
        epoch: digest(b"epoch"),
        engine: "0.1.0".into(),
    }
}

/// One transaction, owned.
#[derive(Debug, Clone)]
pub(super) struct Payment {
    pub(super) time: i64,
    cents: i64,
    reference: Option<i64>,
    texts: BTreeMap<usize, String>,
    prepared: BTreeMap<usize, String>,
    balance: Option<(bool, i64)>,
    log_index: Option<i64>,
}

/// The bank that keeps an account in this world: ours for German IBANs.
fn agent(account: &str) -> Option<&'static str> {
    match account {
        _ if account.starts_with("iban:DE") => Some("bic:MRVADEFFXXX"),
        _ if account.starts_with("iban:") => Some("bic:OTHRGB2LXXX"),
        _ if account.starts_with("exch:kestrel:") => Some("vasp:kestrel"),
        _ => None,
    }
}

/// A settled credit transfer in euros.
pub(super) fn pay(id: &str, time: i64, from: &str, to: &str, cents: i64) -> Payment {
    let payment = Payment {
        time,
        cents,
        reference: Some(cents),
        texts: BTreeMap::new(),
        prepared: BTreeMap::new(),
        balance: None,
        log_index: None,
    };
    let payment = payment
        .with(Text::RowId, &row_id(id))
        .with(Text::Kind, "credit_transfer")
        .with(Text::Status, "settled")
        .with(Text::Source, "MRVADEFF")
        .with(Text::Currency, "EUR")
        .with(Text::Topic, "bank.transactions")
        .with(Text::TxId, id);

    [(Text::Originator, Text::OriginatorAgent, from), (Text::Beneficiary, Text::BeneficiaryAgent, to)]
        .into_iter()
        .filter(|(.., account)| !account.is_empty())
        .fold(payment, |payment, (side, bank, account)| {
            let payment = payment.with(side, account);
            match agent(account) {
                Some(agent) => payment.with(bank, agent),
                None => payment,
            }
        })
}

pub(super) fn row_id(id: &str) -> String {
    format!("MRVADEFF:{id}")
}

impl Payment {
    pub(super) fn with(mut self, column: Text, value: &str) -> Self {
        self.texts.insert(column as usize, value.to_owned());
        self
    }

    pub(super) fn without(mut self, column: Text) -> Self {
        self.texts.remove(&(column as usize));
        self
    }

    pub(super) fn prepared(mut self, column: Prepared, value: &str) -> Self {
        self.prepared.insert(column as usize, value.to_owned());
        self
    }

    pub(super) fn names(self, payer: &str, receiver: &str) -> Self {
        self.with(Text::OriginatorName, payer).with(Text::BeneficiaryName, receiver)
    }

    pub(super) fn reference(mut self, cents: Option<i64>) -> Self {
        self.reference = cents;
        self
    }

    /// Balance of the payer (`out`) or the receiver afterwards.
    pub(super) fn balance(mut self, out: bool, cents: i64) -> Self {
        self.balance = Some((out, cents));
        self
    }

    pub(super) fn log_index(mut self, index: i64) -> Self {
        self.log_index = Some(index);
        self
    }
}

pub(super) fn batch(payments: &[Payment]) -> TransactionBatch {
    let mut builder = TransactionBatchBuilder::default();
    for (offset, payment) in payments.iter().enumerate() {
        let mut row = TransactionRow::new(payment.time);
        row.amount = Some(i128::from(payment.cents) * 10_i128.pow(16));
        row.offset = offset as i64;
        row.log_index = payment.log_index;
        for text in Text::ALL {
            row.set(text, payment.texts.get(&(text as usize)).map(String::as_str));
        }
        builder.append(&row);
    }
    let mut columns = builder.finish().into_batch().columns().to_vec();
    let money = |value: &dyn Fn(&Payment) -> Option<i64>| -> ArrayRef {
        let values = payments.iter().map(|payment| value(payment).map(i128::from));
        Arc::new(Decimal128Array::from_iter(values).with_precision_and_scale(38, 2).unwrap())
    };
    columns.push(money(&|payment| payment.reference));
    columns.push(money(&|payment| payment.balance.filter(|(out, _)| *out).map(|(_, cents)| cents)));
    columns.push(money(&|payment| payment.balance.filter(|(out, _)| !out).map(|(_, cents)| cents)));
    for (column, (_, kind)) in PREPARED_COLUMNS.iter().enumerate().skip(3) {
        let values = payments.iter().map(|payment| payment.prepared.get(&column).map(String::as_str));
        columns.push(match kind {
            DataType::Utf8 => Arc::new(StringArray::from_iter(values)),
            DataType::Boolean => {
                Arc::new(BooleanArray::from_iter(values.map(|value| value.map(|flag| flag == "true"))))
            }
            other => new_null_array(other, payments.len()),
        });
    }
    TransactionBatch::try_new(RecordBatch::try_new(prepared_schema(), columns).unwrap()).unwrap()
}

pub(super) fn rows(payments: &[Payment]) -> RetainedRows {
    let mut rows = RetainedRows::new();
    rows.insert(&batch(payments));
    rows
}

pub(super) fn rule(id: &str, raises: Raises, role: SubjectRole, targets: Targets) -> RuleRef {
    RuleRef {
        shadow: false,
        challenger_of: None,
        id: id.to_owned(),
        version: 1,
        title: id.replace('-', " "),
        severity: "high".into(),
        raises,
        table: Table::Transactions,
        subject_role: role,
        targets,
        action: "hold".into(),
        reason_code: "FRAD".into(),
        typology: "T03 rapid pass-through".into(),
        span_ms: DAY,
        hops: false,
        parameters: BTreeMap::from([("min_received".to_owned(), "1000".to_owned())]),
    }
}

/// The first level of a mule: money in and out again.
pub(super) fn pass_through() -> Arc<RuleRef> {
    Arc::new(rule("rapid-pass-through", Raises::Signal, SubjectRole::Suspect, Targets::SubjectAccount))
}

/// The second level of a mule.
pub(super) fn mule_account() -> Arc<RuleRef> {
    Arc::new(rule("mule-account", Raises::Alert, SubjectRole::Suspect, Targets::SubjectAccount))
}

/// The first level of a victim.
pub(super) fn escalation() -> Arc<RuleRef> {
    Arc::new(rule("victim-escalation", Raises::Signal, SubjectRole::Victim, Targets::OutgoingPayments))
}

/// The second level of a victim.
pub(super) fn scam_victim() -> Arc<RuleRef> {
    let mut rule = rule("scam-victim", Raises::Alert, SubjectRole::Victim, Targets::OutgoingPayments);
    rule.action = "recall".into();
    Arc::new(rule)
}

/// A row of the table whose rows have ids like this.
pub(super) fn detection(rule: &Arc<RuleRef>, row_id: &str, subject: &str, event_time: i64) -> Detection {
    let table = match row_id.rsplit_once('/') {
        _ if rule.raises == Raises::Alert && row_id.matches(':').count() > 1 => Table::Signals,
        Some((_, "in" | "out")) => Table::Movements,
        _ => Table::Transactions,
    };
    over(rule, table, row_id, subject, event_time)
}

/// Like [`detection`] where the id looks like one of another table.
pub(super) fn over(rule: &Arc<RuleRef>, table: Table, row_id: &str, subject: &str, event_time: i64) -> Detection {
    let columns = serde_json::from_str(r#"{"received":"5000.00","counterparties":2}"#).unwrap();
    let rule = Arc::new(RuleRef { table, ..RuleRef::clone(rule) });
    Detection { rule, row_id: row_id.to_owned(), subject: subject.to_owned(), event_time, columns }
}

/// A signal on a movement and the alert that a second-level rule makes of it.
pub(super) fn composed(
    first: &Arc<RuleRef>,
    second: &Arc<RuleRef>,
    id: &str,
    leg: &str,
    subject: &str,
    time: i64,
) -> Vec<DetectionChange> {
    let row = format!("{}/{leg}", row_id(id));
    let signal = format!("{}:{row}", first.id);
    vec![
        DetectionChange::Raised(detection(first, &row, subject, time)),
        DetectionChange::Raised(detection(second, &signal, subject, time)),
    ]
}

pub(super) fn list(name: &str, regime: Regime, action: ListAction, binding_in: &str) -> Arc<ListRef> {
    Arc::new(ListRef {
        name: name.to_owned(),
        version: "2026-01-04".into(),
        digest: digest(name.as_bytes()).to_string(),
        regime,
        action,
        binding_in: vec![binding_in.to_owned()],
        measure: None,
    })
}

pub(super) fn entry(class: EvidenceClass) -> Arc<EntryRef> {
    Arc::new(EntryRef {
        id: "demo:17".into(),
        name: "KESSEL TRADING".into(),
        programme: Some("DEMO2".into()),
        evidence_class: class,
        digest: "00112233445566778899aabbccddeeff".into(),
        lineage: Vec::new(),
    })
}

pub(super) fn hit(id: &str, time: i64, role: PartyRole, value: &str, list: &Arc<ListRef>, class: EvidenceClass) -> Hit {
    Hit {
        row_id: row_id(id),
        event_time: time,
        position: SourcePosition { topic: "bank.transactions".into(), partition: 0, offset: 0, index: 0 },
        role,
        matched: MatchedOn::Identifier { value: value.to_owned() },
        list: Arc::clone(list),
        entry: entry(class),
        apart: None,
        look_back: false,
    }
}

pub(super) fn by_name(mut hit: Hit, name: &str, supported_by: &[&str]) -> Hit {
    hit.matched = MatchedOn::Name {
        value: name.to_owned(),
        listed: name.to_uppercase(),
        quality: AliasQuality::Primary,
        supported_by: supported_by.iter().map(|s| (*s).to_owned()).collect(),
        likeness: None,
    };
    hit
}

/// Slice by slice into a new book: the revisions at once, then the closing ones.
pub(super) fn run_slices(slices: &[(Vec<Payment>, Vec<Hit>, Vec<DetectionChange>)]) -> Vec<Alert> {
    let (mut rows, mut book, mut alerts) = (RetainedRows::new(), AlertBook::new(config()), Vec::new());
    for (payments, hits, changes) in slices {
        let accepted = [batch(payments)];
        rows.insert(&accepted[0]);
        alerts.extend(book.apply(&accepted, hits, changes, &rows));
    }
    alerts.extend(book.close(&rows, Some(START), true));
    alerts
}

/// Everything at once into a new book: the revisions at once, then the closing ones.
pub(super) fn run(payments: &[Payment], hits: &[Hit], changes: &[DetectionChange]) -> Vec<Alert> {
    let rows = rows(payments);
    let mut book = AlertBook::new(config());
    let mut alerts = book.apply(&[], hits, changes, &rows);
    alerts.extend(book.close(&rows, Some(START), true));
    alerts
}

/// The last revision of each alert.
pub(super) fn last(alerts: Vec<Alert>) -> BTreeMap<String, Alert> {
    alerts.into_iter().map(|alert| (alert.alert_id.clone(), alert)).collect()
}
