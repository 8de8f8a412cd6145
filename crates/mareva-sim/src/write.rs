use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

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

/// What the name of an unfinished file ends in.
const UNFINISHED: &str = ".partial";

/// The files of a simulation, written beside their places: they move there together, at the end.
struct Files<'a> {
    folder: &'a Path,
    names: Vec<String>,
}

impl Files<'_> {
    fn begin(&mut self, name: &str) -> io::Result<BufWriter<File>> {
        self.names.push(name.to_owned());
        let file = File::create(self.folder.join(format!("{name}{UNFINISHED}")))?;
        Ok(BufWriter::with_capacity(1 << 18, file))
    }

    fn whole(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut file = self.begin(name)?;
        file.write_all(content)?;
        file.flush()
    }

    fn finish(self) -> io::Result<()> {
        let moved = |name: &String| fs::rename(self.folder.join(format!("{name}{UNFINISHED}")), self.folder.join(name));
        self.names.iter().try_for_each(moved)
    }
}

/// Writes all files of a simulation into a folder, which is made when it is not there. `progress` is told how many records
/// are written, every few thousand.
///
/// # Errors
/// What the file system reports; the files then end in `.partial`, and what stood under their names before is still there.
pub fn write(config: &SimConfig, out_dir: &Path, progress: &mut dyn FnMut(u64)) -> io::Result<Summary> {
    fs::create_dir_all(out_dir.join("sanctions"))?;
    let mut files = Files { folder: out_dir, names: Vec::new() };
    let (mut bank, mut exchange) = (files.begin("bank.ndjson")?, files.begin("exchange.ndjson")?);
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
    bank.flush()?;
    exchange.flush()?;
    let reference = records.reference();
    for label in &reference.labels {
        match label {
            Label::Transaction { role, .. } => *summary.illicit.entry(role).or_default() += 1,
            Label::Account { role, .. } => *summary.labelled_accounts.entry(role).or_default() += 1,
        }
    }
    summary.accounts = reference.accounts.iter().filter(|byte| **byte == b'\n').count() as u64;
    for (name, content) in [
        ("accounts.ndjson", &reference.accounts),
        ("mules.csv", &reference.mules_csv),
        ("vasps.csv", &reference.vasps_csv),
        ("rates.csv", &reference.rates_csv),
        ("labels.ndjson", &reference.labels_ndjson()),
    ] {
        files.whole(name, content)?;
    }
    for (name, content) in &reference.sanctions {
        files.whole(&format!("sanctions/{name}"), content)?;
    }
    files.finish()?;
    progress(summary.records);
    Ok(summary)
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
