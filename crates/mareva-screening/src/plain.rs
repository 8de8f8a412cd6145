use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use mareva_model::identifier::{self, Identifier};
use mareva_model::{AliasQuality, Digest, Refusal, Regime, parse_time};

use crate::country::code_or_text;
use crate::faults::Faults;
use crate::intake::{GuardedReader, sniff};
use crate::store::EntryStore;
use crate::{BirthDate, Doubts, Entry, EntryKind, ListConfig, ListedName, LoadCounts};

const MS_PER_DAY: i64 = 86_400_000;
/// Buffer between file and CSV reader, in bytes; the whole header row must fit.
const BUFFER: usize = 256 << 10;
const CUT: &str = "the file looks cut off here; transfer it again, with a line break at its end";

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Identifier,
    Account,
    Agent,
    Name,
    Id,
    Reason,
    Programme,
    Country,
    BirthDate,
    ValidFrom,
    ValidUntil,
    ListedAt,
    Source,
    Vasp,
}

/// Header names, lower case with `_` for spaces.
fn column(header: &str) -> Option<Column> {
    Some(match header {
        "identifier" | "address" | "wallet" => Column::Identifier,
        "account" | "account_number" | "iban" => Column::Account,
        "agent" | "bic" => Column::Agent,
        "name" => Column::Name,
        "id" => Column::Id,
        "reason" => Column::Reason,
        "programme" | "program" => Column::Programme,
        "country" => Column::Country,
        "birth_date" | "date_of_birth" | "dob" => Column::BirthDate,
        "valid_from" => Column::ValidFrom,
        "valid_until" => Column::ValidUntil,
        "listed_at" | "listed_on" | "reported_at" => Column::ListedAt,
        "source" => Column::Source,
        "vasp" => Column::Vasp,
        _ => return None,
    })
}

/// What a CSV file holds.
pub(crate) struct PlainList {
    pub(crate) store: EntryStore,
    pub(crate) digest: Digest,
    pub(crate) counts: LoadCounts,
    pub(crate) doubts: Doubts,
}

/// Reads CSV with a header row, one row at a time.
pub(crate) fn read(input: impl Read, place: &str, config: &ListConfig) -> Result<PlainList, Refusal> {
    let mut faults = Faults::default();
    let mut input = BufReader::with_capacity(BUFFER, input);
    let Some(delimiter) = sniff(&mut input, place, &mut faults) else { return Err(faults.into()) };
    let mut rows = Rows::open(input, delimiter, place);
    let Some(columns) = rows.header(&mut faults) else { return Err(faults.into()) };
    let has = |wanted| columns.values().any(|column| *column == wanted);
    let has_identifiers = has(Column::Identifier) || has(Column::Account);
    let names_screened = config.match_names.unwrap_or(config.regime == Regime::Sanctions || !has_identifiers);
    if !(has_identifiers || has(Column::Name) && names_screened) {
        let reason = "the header names no column to screen";
        faults.add(format!("{place}:1"), reason, "name a column identifier, account, address, iban or name");
        return Err(faults.into());
    }
    let mut reader = RowReader::new(columns, names_screened, place, faults);
    reader.doubts.unknown_columns = std::mem::take(&mut rows.unknown);
    let mut store = EntryStore::new();
    let mut last_is_doubtful = false;
    while let Some((line, row)) = rows.next(&mut reader.faults) {
        let doubtful = reader.doubtful();
        if let Some(entry) = reader.entry(line, row)
            && !store.push(&entry)
        {
            let reason = "the list is larger than 4 GiB in memory";
            reader.faults.add(place, reason, "split it into several lists");
            break;
        }
        last_is_doubtful = reader.doubtful() > doubtful;
    }
    let digest = rows.close(last_is_doubtful, &mut reader.faults);
    let RowReader { counts, doubts, mut faults, unmatchable, .. } = reader;
    if counts.unmatchable > config.max_unmatchable {
        faults.absorb(unmatchable);
    }
    if store.is_empty() && faults.is_empty() {
        faults.add(
            place,
            "the list holds no rows to screen",
            "check the export; an empty list is never taken into force",
        );
    }
    faults.into_result()?;
    Ok(PlainList { store, digest, counts, doubts })
}

/// The rows of a file, with what must be said about the file as a whole.
struct Rows<'a, R> {
    reader: csv::Reader<GuardedReader<R>>,
    place: &'a str,
    raw: csv::ByteRecord,
    row: csv::StringRecord,
    columns: usize,
    last_line: u64,
    was_short: bool,
    unknown: Vec<String>,
}

impl<'a, R: BufRead> Rows<'a, R> {
    fn open(input: R, delimiter: u8, place: &'a str) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(GuardedReader::new(input, delimiter));
        Self {
            reader,
            place,
            raw: csv::ByteRecord::new(),
            row: csv::StringRecord::new(),
            columns: 0,
            last_line: 0,
            was_short: false,
            unknown: Vec::new(),
        }
    }

    /// The columns that mean something, by their place in the row.
    fn header(&mut self, faults: &mut Faults) -> Option<BTreeMap<usize, Column>> {
        let (_, row) = self.next(faults)?;
        let (mut columns, mut unknown) = (BTreeMap::new(), Vec::new());
        for (place, name) in row.iter().enumerate() {
            let header = name.trim().to_ascii_lowercase().replace([' ', '-'], "_");
            if let Some(column) = column(&header) {
                columns.insert(place, column);
            } else if unknown.len() < Doubts::MAX_LINES {
                unknown.push(name.chars().take(Doubts::MAX_NAME).collect());
            }
        }
        self.columns = row.len();
        self.unknown = unknown;
        if columns.is_empty() {
            // What stands there may be an account.
            faults.add(
                format!("{}:1", self.place),
                format!("the first row is no header: none of its {} cells is the name of a column", self.columns),
                "write a first row with the names of the columns, one of them identifier",
            );
        }
        Some(columns).filter(|columns| !columns.is_empty())
    }

    /// The next sound row and its line; unsound ones are faults.
    fn next(&mut self, faults: &mut Faults) -> Option<(u64, &csv::StringRecord)> {
        loop {
            match self.reader.read_byte_record(&mut self.raw) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    faults.add(self.place, error.to_string(), "check that the file is CSV and its quotes are closed");
                    return None;
                }
            }
            let line = self.raw.position().map_or(0, csv::Position::line);
            (self.last_line, self.was_short) = (line, false);
            if self.columns != 0 && self.raw.len() != self.columns {
                self.was_short = self.raw.len() < self.columns;
                let reason = format!("{} columns where the header has {}", self.raw.len(), self.columns);
                faults.add(format!("{}:{line}", self.place), reason, "quote cells that hold the delimiter");
                continue;
            }
            self.row.clear();
            let mut is_text = true;
            for field in &self.raw {
                match std::str::from_utf8(field) {
                    Ok(text) => self.row.push_field(text.trim()),
                    Err(_) => is_text = false,
                }
            }
            if !is_text {
                faults.add(format!("{}:{line}", self.place), "the row is not UTF-8", "save the file as UTF-8");
                continue;
            }
            return Some((line, &self.row));
        }
    }

    /// Judges the end of the file and gives its digest.
    fn close(self, last_is_doubtful: bool, faults: &mut Faults) -> Digest {
        let reading = self.reader.into_inner().reading();
        let place = format!("{}:{}", self.place, self.last_line);
        if let Some(line) = reading.open_quote {
            faults.add(format!("{}:{line}", self.place), "a quote opens here and never closes", CUT);
        } else if !reading.ends_with_line_break && (self.was_short || last_is_doubtful) {
            faults.add(place, "the last line has no end and is not sound", CUT);
        }
        reading.digest
    }
}

/// Who keeps the accounts of a row.
#[derive(Clone, Copy)]
struct Keeper<'r> {
    agent: Option<&'r str>,
    vasp: Option<&'r str>,
}

/// How the model writes an account at an exchange that is not named.
const NOBODYS: &str = "exch:?:";

/// Whether a text is a number of the kind that banks give accounts: digits, in groups perhaps.
fn is_number(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'.' | b'/'))
}

/// Turns rows into entries.
struct RowReader<'a> {
    columns: BTreeMap<usize, Column>,
    names_screened: bool,
    place: &'a str,
    counts: LoadCounts,
    doubts: Doubts,
    faults: Faults,
    /// Identifiers that can match nothing: faults where there are more of them than the config allows.
    unmatchable: Faults,
}

impl<'a> RowReader<'a> {
    fn new(columns: BTreeMap<usize, Column>, names_screened: bool, place: &'a str, faults: Faults) -> Self {
        Self {
            columns,
            names_screened,
            place,
            counts: LoadCounts::default(),
            doubts: Doubts::default(),
            faults,
            unmatchable: Faults::default(),
        }
    }

    /// Identifiers so far that may have been cut off.
    fn doubtful(&self) -> u64 {
        self.counts.unvalidated + self.counts.unmatchable
    }

    fn entry(&mut self, line: u64, row: &csv::StringRecord) -> Option<Entry> {
        let [agent, vasp] = [Column::Agent, Column::Vasp].map(|column| self.cells(row, column).next());
        let keeper = Keeper { agent: agent.as_deref(), vasp: vasp.as_deref() };
        let mut entry = Entry { kind: EntryKind::Account, ..Entry::default() };
        let faults = self.faults.count() + self.unmatchable.count();
        let columns = std::mem::take(&mut self.columns);
        for (place, column) in &columns {
            let text = row.get(*place).unwrap_or_default();
            if !text.is_empty() {
                self.cell(&mut entry, *column, text, keeper, line);
            }
        }
        self.columns = columns;
        if entry.identifiers.is_empty() && entry.names.is_empty() {
            if self.faults.count() + self.unmatchable.count() == faults {
                let remedy = "fill in an identifier, or delete the row";
                self.faults.add(format!("{}:{line}", self.place), "the row has nothing to screen", remedy);
            }
            return None;
        }
        if entry.identifiers.is_empty() {
            entry.kind = EntryKind::Unknown;
        }
        Some(entry)
    }

    fn cells(&self, row: &csv::StringRecord, wanted: Column) -> impl Iterator<Item = String> {
        let places = self.columns.iter().filter(move |(_, column)| **column == wanted).map(|(place, _)| *place);
        places.filter_map(|place| row.get(place)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn cell(&mut self, entry: &mut Entry, column: Column, text: &str, keeper: Keeper<'_>, line: u64) {
        match column {
            Column::Identifier | Column::Account => self.identifier(entry, text, keeper, line),
            Column::Agent => {}
            Column::Name if self.names_screened => {
                entry.names.push(ListedName { text: text.to_owned(), quality: AliasQuality::Primary });
            }
            Column::Name => entry.label = Some(text.to_owned()),
            Column::Id => text.clone_into(&mut entry.id),
            Column::Reason => entry.reason = Some(text.to_owned()),
            Column::Programme => entry.programme = Some(text.to_owned()),
            Column::Country => entry.countries.push(code_or_text(text)),
            Column::BirthDate => match BirthDate::parse(text) {
                Some(date) => entry.birth_dates.push(date),
                None => self.counts.unreadable_dates += 1,
            },
            Column::ValidFrom => entry.valid_from = self.bound("valid_from", text, line, 0),
            Column::ValidUntil => entry.valid_until = self.bound("valid_until", text, line, MS_PER_DAY),
            Column::ListedAt => match parse_time(text) {
                Ok(time) => entry.listed_at = Some(time),
                Err(_) => self.counts.unreadable_dates += 1,
            },
            Column::Source => entry.source = Some(text.to_owned()),
            Column::Vasp => entry.label = entry.label.take().or_else(|| Some(text.to_owned())),
        }
    }

    /// Every identifier of the cell. What does not validate is kept as it was written where a record may hold the same: at the
    /// agent of its row, else at its exchange, and a mistyped IBAN anywhere.
    fn identifier(&mut self, entry: &mut Entry, text: &str, keeper: Keeper<'_>, line: u64) {
        let nobodys = |found: &Identifier| found.canonical.starts_with(NOBODYS);
        if let Some(found) = identifier::recognise(text).filter(|found| !nobodys(found)) {
            return self.keep(entry, found, line);
        }
        let cell = identifier::list_cell(text);
        let nothing = cell.identifiers.is_empty() && cell.rejected.is_empty();
        for found in cell.identifiers {
            match found.canonical.strip_prefix(NOBODYS) {
                Some(number) => self.unrecognised(entry, number, keeper, line),
                None => self.keep(entry, found, line),
            }
        }
        for rejected in cell.rejected.iter().map(String::as_str).chain(nothing.then_some(text)) {
            self.unrecognised(entry, rejected, keeper, line);
        }
    }

    fn unrecognised(&mut self, entry: &mut Entry, text: &str, keeper: Keeper<'_>, line: u64) {
        let account = identifier::account(text, keeper.agent);
        if let Some(canonical) = identifier::mistyped_iban(&account.canonical) {
            return self.keep(entry, Identifier { canonical, validated: false }, line);
        }
        let has_number = text.contains(char::is_alphanumeric);
        match (keeper.agent, keeper.vasp) {
            (Some(_), _) if has_number => self.keep(entry, account, line),
            (None, Some(vasp)) if has_number => {
                let canonical = identifier::exchange_account(vasp, text);
                self.keep(entry, Identifier { canonical, validated: true }, line);
            }
            _ => self.matches_nothing(text, line),
        }
    }

    fn matches_nothing(&mut self, text: &str, line: u64) {
        self.counts.unmatchable += 1;
        Doubts::note(&mut self.doubts.unmatchable_lines, line);
        let (reason, remedy) = if is_number(text) {
            (
                "an account number without its bank or exchange, which can match nothing",
                "name the bank in a column agent or the exchange in a column vasp; write acct:-/number where no record \
                 names the bank",
            )
        } else {
            (
                "an identifier that can match nothing: no IBAN or address, and no bank or exchange is named beside it",
                "correct it; or name the bank in a column agent or the exchange in a column vasp; or write acct:-/number \
                 where no record names the bank, chain:network/address for a chain that is not known",
            )
        };
        self.unmatchable.add(format!("{}:{line}", self.place), reason, remedy);
    }

    fn keep(&mut self, entry: &mut Entry, found: Identifier, line: u64) {
        if !found.validated {
            self.counts.unvalidated += 1;
            Doubts::note(&mut self.doubts.unvalidated_lines, line);
        }
        if !entry.identifiers.contains(&found) {
            entry.identifiers.push(found);
        }
    }

    /// A bound of validity. A date alone counts whole: until the end of that day.
    fn bound(&mut self, column: &str, text: &str, line: u64, whole_day: i64) -> Option<i64> {
        match parse_time(text) {
            Ok(time) if text.len() == "2026-01-05".len() => Some(time + whole_day),
            Ok(time) => Some(time),
            Err(error) => {
                self.faults.add(format!("{}:{line}", self.place), format!("{column}: {error}"), "write 2026-01-05");
                None
            }
        }
    }
}
