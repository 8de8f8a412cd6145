use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::config::SimConfig;
use crate::engine::Records;
use crate::labels::Label;
use crate::record::Stream;

/// Records between two calls of the progress function.
const STEP: u64 = 8_192;

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Records in both streams.
    pub records: u64,
    /// Records by stream and type, such as `bank card_payment`.
    pub by_kind: BTreeMap<String, u64>,
    /// Labelled transactions by their role.
    pub illicit: BTreeMap<&'static str, u64>,
    /// Labelled accounts by their role.
    pub labelled_accounts: BTreeMap<&'static str, u64>,
    /// Lines of `accounts.ndjson`.
    pub accounts: u64,
    /// Event time of the first record, UTC milliseconds.
    pub first_time: i64,
    /// Event time of the last record, UTC milliseconds.
    pub last_time: i64,
}

/// Writes all files of a simulation. `create` opens a file by its name, such as `bank.ndjson` or `sanctions/sdn.csv`; `progress`
/// is told how many records are written, every few thousand. Gives the files too, which are whole now.
///
/// # Errors
/// What `create` and the files report.
pub fn write<F: Write>(
    config: &SimConfig,
    create: &mut dyn FnMut(&str) -> io::Result<F>,
    progress: &mut dyn FnMut(u64),
) -> io::Result<(Summary, Vec<F>)> {
    let (mut bank, mut exchange) = (create("bank.ndjson")?, create("exchange.ndjson")?);
    let mut records = Records::new(config, true);
    let mut summary = Summary::default();
    for record in records.by_ref() {
        let (file, stream) = match record.stream {
            Stream::Bank => (&mut bank, "bank"),
            Stream::Exchange => (&mut exchange, "exchange"),
        };
        file.write_all(&record.json)?;
        file.write_all(b"\n")?;
        if summary.records == 0 {
            summary.first_time = record.event_time;
        }
        summary.last_time = record.event_time;
        summary.records += 1;
        count(&mut summary.by_kind, stream, record.kind);
        if summary.records.is_multiple_of(STEP) {
            progress(summary.records);
        }
    }
    let reference = records.reference();
    for label in &reference.labels {
        match label {
            Label::Transaction { role, .. } => *summary.illicit.entry(role).or_default() += 1,
            Label::Account { role, .. } => *summary.labelled_accounts.entry(role).or_default() += 1,
        }
    }
    summary.accounts = reference.accounts.iter().filter(|byte| **byte == b'\n').count() as u64;
    let mut files = vec![bank, exchange];
    let plain = [
        ("accounts.ndjson", &reference.accounts),
        ("mules.csv", &reference.mules_csv),
        ("vasps.csv", &reference.vasps_csv),
        ("rates.csv", &reference.rates_csv),
        ("labels.ndjson", &reference.labels_ndjson()),
    ];
    let plain = plain.into_iter().map(|(name, content)| (name.to_owned(), content.as_slice()));
    let sanctions = reference.sanctions.iter().map(|(name, content)| (format!("sanctions/{name}"), content.as_slice()));
    for (name, content) in plain.chain(sanctions) {
        let mut file = create(&name)?;
        file.write_all(content)?;
        files.push(file);
    }
    files.iter_mut().try_for_each(Write::flush)?;
    progress(summary.records);
    Ok((summary, files))
}

fn count(by_kind: &mut BTreeMap<String, u64>, stream: &str, kind: &str) {
    // Few kinds, millions of records: no text is made for one that is known.
    let known = by_kind
        .iter_mut()
        .find(|(name, _)| name.strip_prefix(stream).is_some_and(|rest| rest.strip_prefix(' ') == Some(kind)));
    match known {
        Some((_, number)) => *number += 1,
        None => {
            by_kind.insert(format!("{stream} {kind}"), 1);
        }
    }
}
