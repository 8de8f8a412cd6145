//! What a back-test is given: Parquet tables, and records that are prepared first, as `replay` does it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Take};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use indicatif::ProgressBar;
use mareva_codec::{Decoder, Limits, Record, Stream};
use mareva_model::{Fault, Refusal, TransactionBatch};
use mareva_monitoring::backtest::{AccountTable, Holds, THREADS, TableFile, rows_twice};
use mareva_monitoring::{ParquetWriter, RetainedRows, Ruleset, Table, movements_of, whole};
use mareva_pipeline::{Counts, Parts, Pipeline};

use crate::config::Config;
use crate::open::{keep, readable, unreadable};
use crate::outputs::file_number;
use crate::replay::{Merge, ReadSlice, Refused, numbered, read_ahead, stream_of, word_of};
use crate::scratch::Scratch;

/// Bytes of a file in which its first record must begin and end.
const PEEKED: u64 = 1 << 20;
/// Times that many bytes of one line that are passed over.
const MAX_SKIPPED: usize = 64;
/// Beyond one dead letter in so many records there is a warning: rules see less than they are said to.
const DEAD_ONE_IN: u64 = 100;
/// Files of a back-test: each is open once for each thread.
const MAX_FILES: usize = 200;

/// Files of one table, open once for each thread.
pub type Stripes = Vec<Arc<Vec<TableFile>>>;

/// The files, sorted by what they hold.
#[derive(Debug, Default)]
pub struct Files {
    transactions: Vec<PathBuf>,
    movements: Vec<PathBuf>,
    accounts: Vec<PathBuf>,
    bank: Vec<PathBuf>,
    exchange: Vec<PathBuf>,
    /// Numbers on disk of all of them.
    numbers: HashSet<(u64, u64)>,
}

/// The tables, ready to be read.
#[derive(Debug)]
pub struct Tables {
    pub transactions: Stripes,
    pub movements: Stripes,
    /// What became of records that were prepared.
    pub records: Option<Counted>,
}

/// Outcomes of records.
#[derive(Debug, Default)]
pub struct Counted {
    pub counts: Counts,
    pub refused: Refused,
}

impl Files {
    /// Looks into every file, and into folders for files that end in `.parquet` or `.ndjson`.
    ///
    /// # Errors
    /// Every file that cannot be used.
    pub fn find(paths: &[PathBuf]) -> Result<Self, Refusal> {
        let (mut files, mut faults) = (Self::default(), Refusal::default());
        for path in paths {
            if path.is_dir() {
                match data_files(path) {
                    Ok(found) if !found.is_empty() => found.iter().for_each(|one| files.sort(one, &mut faults)),
                    Ok(_) => faults.0.push(Fault::new(
                        path.display().to_string(),
                        "holds no file that ends in .parquet or .ndjson",
                        "name the folder of `mareva replay --tables`, or the files themselves",
                    )),
                    Err(error) => faults.0.extend(unreadable(path, &error).0),
                }
            } else {
                files.sort(path, &mut faults);
            }
        }
        let found = files.transactions.len() + files.movements.len() + files.bank.len() + files.exchange.len();
        if found == 0 && faults.0.is_empty() {
            let remedy =
                "name transactions.parquet and movements.parquet of `mareva replay --tables`, or records as NDJSON";
            faults.0.push(Fault::new("--data", "holds no transactions and no movements", remedy));
        }
        if found > MAX_FILES {
            let remedy = "merge some of them, or back-test a part of the time";
            faults.0.push(Fault::new("--data", format!("names {found} files, more than {MAX_FILES}"), remedy));
        }
        faults.into_result()?;
        Ok(files)
    }

    fn sort(&mut self, path: &Path, faults: &mut Refusal) {
        if keep(readable(path), faults).is_none() {
            return;
        }
        let place = path.display().to_string();
        let Some(number) = file_number(path) else {
            let remedy = "write it into a file first: data is read more than once";
            faults.0.push(Fault::new(place, "is a pipe or a device", remedy));
            return;
        };
        if !self.numbers.insert(number) {
            let remedy = "name each file once, by itself or by its folder: its rows would count twice";
            faults.0.push(Fault::new(place, "is given twice", remedy));
            return;
        }
        let fault = |reason: String| {
            let remedy = "name Parquet files of `mareva replay --tables`, or NDJSON records of one stream each";
            Fault::new(path.display().to_string(), reason, remedy)
        };
        match holds(path) {
            Ok(Content::Table(Holds::Table(Table::Transactions))) => self.transactions.push(path.to_owned()),
            Ok(Content::Table(Holds::Table(Table::Movements))) => self.movements.push(path.to_owned()),
            // What rules raised is found anew.
            Ok(Content::Table(Holds::Table(Table::Signals))) => {}
            Ok(Content::Table(Holds::Accounts)) => self.accounts.push(path.to_owned()),
            Ok(Content::Records(Stream::Bank)) => self.bank.push(path.to_owned()),
            Ok(Content::Records(Stream::Exchange)) => self.exchange.push(path.to_owned()),
            Ok(Content::Empty) if path.extension().is_some_and(|end| end == "parquet") => {
                faults.0.push(fault("is empty".to_owned()));
            }
            // A stream on which nothing happened.
            Ok(Content::Empty) => tracing::warn!("{} is empty", path.display()),
            Ok(Content::Nothing(reason)) => faults.0.push(fault(reason)),
            Err(error) => faults.0.extend(unreadable(path, &error).0),
        }
    }

    /// The accounts table among the data; none where there is none.
    ///
    /// # Errors
    /// Several of them, or a damaged one.
    pub fn accounts(&self) -> Result<Option<TableFile>, Refusal> {
        match self.accounts.as_slice() {
            [] => Ok(None),
            [path] => open(path).map(Some),
            [_, second, ..] => {
                let remedy = "leave one, or name the accounts (NDJSON) with --accounts";
                Err(Refusal::one(second.display().to_string(), "is a second accounts table", remedy))
            }
        }
    }

    /// Opens the tables. Records are prepared, and movements made of transactions where no file has them.
    ///
    /// # Errors
    /// What files and disk report.
    pub fn open(&self, config: &Config, parts: &Parts, scratch: &Scratch, bar: &ProgressBar) -> Result<Tables> {
        let mut transactions = opened(&self.transactions)?;
        let mut movements = opened(&self.movements)?;
        self.check_beside(&transactions, &movements)?;
        if self.movements.is_empty() && !self.transactions.is_empty() {
            bar.set_message("making movements");
            let mut made = Prepared::begin(scratch)?;
            let first = transactions.first().map(Vec::as_slice).unwrap_or_default();
            made.make_movements(first)?;
            for (stripe, table) in movements.iter_mut().zip(made.end()?.1) {
                stripe.push(table);
            }
        }
        let mut records = None;
        if !self.bank.is_empty() || !self.exchange.is_empty() {
            bar.set_message("preparing records");
            let mut made = Prepared::begin(scratch)?;
            records = Some(self.prepare(config, parts, &mut made, bar)?);
            let (own_transactions, own_movements) = made.end()?;
            let both = [(&mut transactions, own_transactions), (&mut movements, own_movements)];
            for (stripes, tables) in both {
                stripes.iter_mut().zip(tables).for_each(|(stripe, table)| stripe.push(table));
            }
        }
        bar.set_message("looking for rows that are there twice");
        check_once(Table::Transactions, &self.transactions, &transactions)?;
        check_once(Table::Movements, &self.movements, &movements)?;
        let rows = |stripes: &[Vec<TableFile>]| each(stripes).map(TableFile::rows).sum::<u64>();
        let held = rows(&transactions) + rows(&movements);
        ensure!(
            held > 0,
            "the data holds no row; name tables of a replay that accepted records, or the records themselves"
        );
        let shared = |stripes: Vec<Vec<TableFile>>| stripes.into_iter().map(Arc::new).collect();
        Ok(Tables { transactions: shared(transactions), movements: shared(movements), records })
    }

    /// That movements are those of the transactions beside them, where both are of files that say it.
    fn check_beside(&self, transactions: &[Vec<TableFile>], movements: &[Vec<TableFile>]) -> Result<(), Refusal> {
        let Some(known) = each(transactions).map(TableFile::digest).collect::<Option<Vec<&str>>>() else {
            return Ok(());
        };
        // Of other tables than those of transactions: movements alone are all that many rules read.
        let is_other =
            |table: &TableFile| !known.is_empty() && table.beside().is_some_and(|digest| !known.contains(&digest));
        let others = self.movements.iter().zip(each(movements)).filter(|(_, table)| is_other(table));
        let fault = |(path, _): (&PathBuf, _)| {
            let remedy = "name the transactions.parquet that stood in the same folder";
            Fault::new(
                path.display().to_string(),
                "holds the movements of transactions that are not among the data",
                remedy,
            )
        };
        Refusal(others.map(fault).collect()).into_result()
    }

    /// Records through the pipeline without rules: identity, lateness and lists as in `replay`.
    fn prepare(&self, config: &Config, parts: &Parts, made: &mut Prepared, bar: &ProgressBar) -> Result<Counted> {
        let parts = Parts { ruleset: Arc::new(Ruleset::load(&[])?), ..parts.clone() };
        let mut pipeline = Pipeline::new(parts)?;
        let merge = Merge::of_streams(config, &self.bank, &self.exchange, pipeline.epoch())?;
        let Counted { mut counts, mut refused } = Counted::default();
        let files = numbered(config, &self.bank, &self.exchange);
        let paths = self.bank.iter().chain(&self.exchange);
        bar.set_length(paths.filter_map(|path| path.metadata().ok()).map(|found| found.len()).sum());
        read_ahead(merge, pipeline.decoder(), |ReadSlice { slice, decoded, bytes }| {
            let output = pipeline.process_decoded(&slice, decoded)?;
            for batch in &output.accepted {
                made.add(batch)?;
            }
            counts += &output.counts;
            refused.add(&output.dead_letters, &files);
            refused.add_late(&output.late, &files);
            bar.set_position(bytes);
            Ok(())
        })?;
        let dead = refused.in_words().map(|words| format!("dead letters: {words}")).unwrap_or_default();
        let (produced, late) = (counts.produced, counts.late);
        ensure!(
            produced == 0 || counts.accepted > 0,
            "none of {produced} records was accepted, {late} of them were late; {dead}; name files with records of one stream each"
        );
        if let Some(told) = refused.out_of_order(produced) {
            ensure!(late <= counts.accepted, told);
            tracing::warn!("{told}");
        }
        if counts.dead_lettered.saturating_mul(DEAD_ONE_IN) > produced {
            tracing::warn!("{} of {produced} records are not seen by any rule; {dead}", counts.dead_lettered);
        }
        Ok(Counted { counts, refused })
    }
}

/// Each table once: the files of all threads are the same.
fn each(stripes: &[Vec<TableFile>]) -> impl Iterator<Item = &TableFile> {
    stripes.first().into_iter().flatten()
}

/// That no row of a table stands in two of its files, which are open for each thread; the last may have been made of records.
fn check_once(table: Table, paths: &[PathBuf], stripes: &[Vec<TableFile>]) -> Result<()> {
    // What is made of records alone has none twice.
    let Some(files) = stripes.first().filter(|_| !paths.is_empty()) else { return Ok(()) };
    let name = |at: usize| paths.get(at).map_or_else(|| "the records".to_owned(), |path| path.display().to_string());
    let fault = |((one, other), rows): ((usize, usize), u64)| {
        let reason = match one == other {
            true => format!("holds {rows} rows of {} twice", table.name()),
            false => format!("holds {rows} rows of {} that {} holds, too", table.name(), name(one)),
        };
        Fault::new(name(other), reason, "leave them out of one: they would count twice")
    };
    Ok(Refusal(rows_twice(files)?.into_iter().map(fault).collect()).into_result()?)
}

/// Tables that are made on the way.
struct Prepared {
    transactions: (ParquetWriter<File>, Vec<File>),
    movements: (ParquetWriter<File>, Vec<File>),
}

impl Prepared {
    fn begin(scratch: &Scratch) -> Result<Self> {
        let empty = RetainedRows::new();
        let begin = |table: Table| -> Result<(ParquetWriter<File>, Vec<File>)> {
            let (file, readers) = scratch.file(THREADS).with_context(no_room)?;
            Ok((ParquetWriter::new(file, &whole(&empty, table)?)?, readers))
        };
        Ok(Self { transactions: begin(Table::Transactions)?, movements: begin(Table::Movements)? })
    }

    fn add(&mut self, batch: &TransactionBatch) -> Result<()> {
        self.transactions.0.write(batch.batch()).with_context(no_room)?;
        self.movements.0.write(&movements_of(batch)?).with_context(no_room)
    }

    /// The movements of tables of transactions.
    fn make_movements(&mut self, transactions: &[TableFile]) -> Result<()> {
        for file in transactions {
            file.each_transaction(|batch| -> Result<()> {
                self.movements.0.write(&movements_of(&batch)?).with_context(no_room)
            })?;
        }
        Ok(())
    }

    fn end(self) -> Result<(Vec<TableFile>, Vec<TableFile>)> {
        let end = |(writer, readers): (ParquetWriter<File>, Vec<File>)| -> Result<Vec<TableFile>> {
            _ = writer.finish().with_context(no_room)?;
            let open = |file| TableFile::open(file, "a temporary table").map_err(anyhow::Error::msg);
            readers.into_iter().map(open).collect()
        };
        Ok((end(self.transactions)?, end(self.movements)?))
    }
}

fn no_room() -> &'static str {
    "cannot write a temporary table; check the space in the folder that TMPDIR names"
}

/// The accounts that rules join: those among the data, unless the config or the command line names a table.
///
/// # Errors
/// A damaged file.
pub fn account_table(own: Option<&TableFile>, config: &Config, parts: &Parts) -> Result<AccountTable> {
    match own {
        Some(table) if config.tables.accounts.as_os_str().is_empty() => Ok(table.accounts()?),
        _ => Ok(AccountTable::from(parts.accounts.as_ref())),
    }
}

/// Whether those are others than the ones among the data, whose place they take.
///
/// # Errors
/// A damaged file.
pub fn are_of_others(joined: &AccountTable, own: Option<&TableFile>, config: &Config) -> Result<bool> {
    match own {
        Some(table) if !config.tables.accounts.as_os_str().is_empty() => Ok(!table.accounts()?.is_same(joined)),
        _ => Ok(false),
    }
}

enum Content {
    Empty,
    Table(Holds),
    Records(Stream),
    Nothing(String),
}

/// How files of gzip (RFC 1952), zstd (RFC 8878) and ZIP begin.
const COMPRESSED: [&[u8]; 3] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], b"PK\x03\x04"];

fn holds(path: &Path) -> std::io::Result<Content> {
    let file = File::open(path)?;
    let whole = file.metadata()?.len() <= PEEKED;
    let mut reader = BufReader::new(file.take(PEEKED));
    let (mut line, mut blank, mut refused) = (Vec::new(), true, None);
    for number in 1_usize.. {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if number == 1 && line.starts_with(b"PAR1") {
            let table = TableFile::open(File::open(path)?, &path.display().to_string());
            return Ok(match table.map(|table| (table.holds(), table.check_digest())) {
                Ok((holds, whole)) => whole?.map_or_else(Content::Nothing, |()| Content::Table(holds)),
                Err(reason) => Content::Nothing(reason),
            });
        }
        if number == 1 && COMPRESSED.iter().any(|magic| line.starts_with(magic)) {
            return Ok(Content::Nothing("is compressed: unpack it first".to_owned()));
        }
        let is_cut = !whole && !line.ends_with(b"\n");
        // A long line says nothing of the others; of lines of the usual length enough were looked at.
        if is_cut && (line.len() as u64 * 2 < PEEKED || !skipped(&mut reader)?) {
            break;
        }
        blank &= line.trim_ascii().is_empty();
        let Some(stream) = stream_of(&line) else { continue };
        match why_no_record(stream, &line) {
            None => return Ok(Content::Records(stream)),
            Some(reason) => _ = refused.get_or_insert((number, reason)),
        }
    }
    Ok(match refused {
        Some((number, reason)) => {
            Content::Nothing(format!("holds no record that can be read; the first is line {number} ({reason})"))
        }
        None if blank && whole => Content::Empty,
        None => Content::Nothing("holds neither a table in Parquet nor a record of a stream".to_owned()),
    })
}

/// Whether there is more behind a line that goes on beyond what is looked at.
fn skipped(reader: &mut BufReader<Take<File>>) -> std::io::Result<bool> {
    let mut rest = Vec::new();
    for _ in 0..MAX_SKIPPED {
        rest.clear();
        reader.get_mut().set_limit(PEEKED);
        if reader.read_until(b'\n', &mut rest)? == 0 {
            return Ok(false);
        }
        if rest.ends_with(b"\n") {
            reader.get_mut().set_limit(PEEKED);
            return Ok(true);
        }
    }
    Ok(false)
}

/// Why a line is no record of a stream; none where one of its transactions can be read.
fn why_no_record(stream: Stream, line: &[u8]) -> Option<String> {
    let mut decoder = Decoder::new(Limits::default());
    decoder
        .decode(stream, Record { topic: "", partition: 0, offset: 0, append_time: 0, payload: line.trim_ascii_end() });
    let decoded = decoder.finish();
    let letter = decoded.dead_letters.first().filter(|_| decoded.batch.is_empty())?;
    Some(word_of(letter.reason))
}

/// The files of a folder that hold records or tables.
///
/// # Errors
/// When the folder cannot be listed.
pub fn data_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for one in std::fs::read_dir(folder)? {
        let path = one?.path();
        let is_data = path.extension().is_some_and(|end| end == "parquet" || end == "ndjson");
        // Labels and accounts of a simulation are no records; what else is no record is told.
        let is_beside = path.file_name().is_some_and(|name| name == "labels.ndjson" || name == "accounts.ndjson");
        if is_data && !is_beside && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn open(path: &Path) -> Result<TableFile, Refusal> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    TableFile::open(file, &path.display().to_string()).map_err(|reason| {
        Refusal::one(path.display().to_string(), reason, "write it anew with `mareva replay --tables`")
    })
}

fn opened(paths: &[PathBuf]) -> Result<Vec<Vec<TableFile>>, Refusal> {
    (0..THREADS).map(|_| paths.iter().map(|path| open(path)).collect()).collect()
}
