//! Lists in CSV with a header row.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;

use mareva_model::identifier::{self, Identifier};
use mareva_model::{AliasQuality, Digest, Refusal, Regime, Relation, parse_time};

use crate::columns::{Column, Columns};
use crate::config::{DateOrder, ListPart};
use crate::country::code_or_text;
use crate::faults::Faults;
use crate::lineage::inherited;
use crate::list::stored;
use crate::rows::Rows;
use crate::store::EntryStore;
use crate::{BirthDate, Document, Doubts, Entry, EntryKind, Lineage, ListConfig, ListedName, LoadCounts};

const MS_PER_DAY: i64 = 86_400_000;
const TOO_LARGE: &str = "the list is larger than 4 GiB in memory";
const SPLIT: &str = "split it into several lists";

/// What a CSV file holds.
pub(crate) struct PlainList {
    pub(crate) store: EntryStore,
    pub(crate) digest: Digest,
    pub(crate) counts: LoadCounts,
    pub(crate) doubts: Doubts,
}

/// Reads CSV with a header row, one row at a time; the entries of a list with further files are collected first.
pub(crate) fn read(input: impl Read, place: &str, config: &ListConfig) -> Result<PlainList, Refusal> {
    let mut faults = Faults::default();
    let opened = Rows::open(input, &config.columns, place, &mut faults);
    let parts: Vec<_> = config.parts.iter().filter_map(|part| open_part(part, &mut faults)).collect();
    let Some((mut rows, columns)) = opened.filter(|_| faults.is_empty()) else { return Err(faults.into()) };
    let has = |wanted| columns.has(wanted) || parts.iter().any(|(_, columns)| columns.has(wanted));
    let has_lineage = has(Column::SuccessorOf) || has(Column::RebrandOf);
    let has_identifiers = has(Column::Identifier) || has(Column::Account);
    let names_screened = config.match_names.unwrap_or(config.regime == Regime::Sanctions || !has_identifiers);
    if !(has_identifiers || has(Column::Name) && names_screened) {
        let reason = "the header names no column to screen";
        faults.add(format!("{place}:1"), reason, "name a column identifier, account, address, iban or name");
        return Err(faults.into());
    }
    let unknown_columns = std::mem::take(&mut rows.unknown);
    let mut reader = RowReader {
        columns,
        names_screened,
        dates: config.dates,
        place: place.to_owned(),
        counts: LoadCounts::default(),
        doubts: Doubts { unknown_columns, ..Doubts::default() },
        faults,
        unmatchable: Faults::default(),
    };
    let mut store = EntryStore::new();
    let digest = if parts.is_empty() {
        single(rows, &mut reader, &mut store)
    } else {
        joined(rows, parts, &mut reader, &mut store)
    };
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
    if has_lineage {
        let entries = (0..store.len() as u32).map(|number| store.entry(number)).collect();
        store = stored(config, &inherited(config, entries)?)?;
    }
    Ok(PlainList { store, digest, counts, doubts })
}

/// Opens a further file of a list.
fn open_part(part: &ListPart, faults: &mut Faults) -> Option<(Rows<File>, Columns)> {
    let place = part.path.display().to_string();
    match File::open(&part.path) {
        Ok(file) => Rows::open(file, &part.columns, &place, faults),
        Err(error) => {
            faults.add(place, format!("cannot be read: {error}"), "check the path of the part and its permissions");
            None
        }
    }
}

/// A list in one file: each row is an entry.
fn single(mut rows: Rows<impl Read>, reader: &mut RowReader, store: &mut EntryStore) -> Digest {
    let mut last_is_doubtful = false;
    while let Some((line, row)) = rows.next(&mut reader.faults) {
        let (doubtful, faulty) = (reader.doubtful(), reader.faulty());
        let entry = reader.entry(line, row);
        if !has_something(&entry) {
            if reader.faulty() == faulty {
                let remedy = "fill in an identifier, or delete the row";
                reader.faults.add(format!("{}:{line}", reader.place), "the row has nothing to screen", remedy);
            }
        } else if !store.push(&entry) {
            reader.faults.add(&reader.place, TOO_LARGE, SPLIT);
            break;
        }
        last_is_doubtful = reader.doubtful() > doubtful;
    }
    rows.close(last_is_doubtful, &mut reader.faults)
}

fn has_something(entry: &Entry) -> bool {
    !entry.identifiers.is_empty() || !entry.names.is_empty()
}

/// A list in several files: rows with the same id are one entry, and all of them have one in the first file.
fn joined(
    rows: Rows<impl Read>,
    parts: Vec<(Rows<File>, Columns)>,
    reader: &mut RowReader,
    store: &mut EntryStore,
) -> Digest {
    let first = rows.place.clone();
    let (mut entries, mut places) = (Vec::<Entry>::new(), HashMap::<String, usize>::new());
    let mut digest = blake3::Hasher::new();
    let own = each_entry(rows, reader, |entry| {
        let at = *places.entry(entry.id.clone()).or_insert(entries.len());
        match entries.get_mut(at) {
            Some(known) => known.absorb(entry),
            None => entries.push(entry),
        }
        true
    });
    digest.update(&own.0);
    for (rows, columns) in parts {
        reader.place.clone_from(&rows.place);
        reader.columns = columns;
        let own = each_entry(rows, reader, |entry| {
            let known = places.get(&entry.id).and_then(|at| entries.get_mut(*at));
            known.map(|known| known.absorb(entry)).is_some()
        });
        digest.update(&own.0);
    }
    for entry in &entries {
        if !has_something(entry) {
            let reason = format!("entry {} has nothing to screen in any of the files", entry.id);
            reader.faults.add(&first, reason, "check that the files of the list are of one day, and whole");
        } else if !store.push(entry) {
            reader.faults.add(&first, TOO_LARGE, SPLIT);
            break;
        }
    }
    Digest(*digest.finalize().as_bytes())
}

/// Gives away what each row says; a row without id, or whose id nobody `knows`, is a fault. Returns the digest of the file.
fn each_entry(mut rows: Rows<impl Read>, reader: &mut RowReader, mut knows: impl FnMut(Entry) -> bool) -> Digest {
    let mut last_is_doubtful = false;
    while let Some((line, row)) = rows.next(&mut reader.faults) {
        let doubtful = reader.doubtful();
        let entry = reader.entry(line, row);
        let fault = if entry.id.is_empty() {
            Some("the row has no id")
        } else {
            (!knows(entry)).then_some("the first file of the list has no row with this id")
        };
        if let Some(reason) = fault {
            let remedy = "check that the files of the list are of one day, and whole";
            reader.faults.add(format!("{}:{line}", reader.place), reason, remedy);
        }
        last_is_doubtful = reader.doubtful() > doubtful;
    }
    rows.close(last_is_doubtful, &mut reader.faults)
}

/// What a row says of its other cells: who keeps the accounts, how good the names are.
#[derive(Clone, Copy)]
struct About<'r> {
    agent: Option<&'r str>,
    vasp: Option<&'r str>,
    quality: AliasQuality,
}

/// The words of lists, such as `low_quality_aka` and `primary_variation`.
fn quality_of(text: &str) -> AliasQuality {
    let text = text.to_ascii_lowercase();
    let has = |word| text.contains(word);
    match (has("low") || has("weak"), has("primary")) {
        (true, _) => AliasQuality::Weak,
        (_, true) => AliasQuality::Primary,
        _ => AliasQuality::Strong,
    }
}

/// How the model writes an account at an exchange that is not named.
const NOBODYS: &str = "exch:?:";

/// Whether a text is a number of the kind that banks give accounts: digits, in groups perhaps.
fn is_number(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'.' | b'/'))
}

/// Turns rows into entries.
struct RowReader {
    columns: Columns,
    names_screened: bool,
    dates: DateOrder,
    /// File that is being read.
    place: String,
    counts: LoadCounts,
    doubts: Doubts,
    faults: Faults,
    /// Identifiers that can match nothing: faults where there are more of them than the config allows.
    unmatchable: Faults,
}

impl RowReader {
    /// Identifiers so far that may have been cut off.
    fn doubtful(&self) -> u64 {
        self.counts.unvalidated + self.counts.unmatchable
    }

    fn faulty(&self) -> u64 {
        self.faults.count() + self.unmatchable.count()
    }

    /// What the row says; perhaps nothing that could be screened.
    fn entry(&mut self, line: u64, row: &csv::StringRecord) -> Entry {
        let columns = std::mem::take(&mut self.columns);
        let of = |column| columns.value(row, column);
        let (agent, vasp, quality) = (of(Column::Agent), of(Column::Vasp), of(Column::Quality));
        let about = About {
            agent: agent.as_deref(),
            vasp: vasp.as_deref(),
            quality: quality.as_deref().map_or(AliasQuality::Primary, quality_of),
        };
        let mut entry = Entry::default();
        for (column, text) in columns.values(row) {
            self.cell(&mut entry, (column, &text), about, line);
        }
        if let Some(number) = of(Column::Document) {
            let kind = of(Column::DocumentKind).unwrap_or_default().into_owned();
            entry.documents.push(Document { kind, number: number.into_owned(), country: None });
        }
        let (since, evidence) = (of(Column::LineageSince), of(Column::LineageEvidence));
        let since = since.and_then(|text| self.bound("lineage_since", &text, line, 0));
        for from in &mut entry.lineage {
            (from.since, from.evidence) = (since, evidence.as_deref().map(str::to_owned));
        }
        self.columns = columns;
        if entry.kind == EntryKind::Unknown && !entry.identifiers.is_empty() {
            entry.kind = EntryKind::Account;
        }
        entry
    }

    fn cell(&mut self, entry: &mut Entry, (column, text): (Column, &str), about: About<'_>, line: u64) {
        match column {
            Column::Identifier | Column::Account => self.identifier(entry, text, about, line),
            Column::Agent
            | Column::Quality
            | Column::Document
            | Column::DocumentKind
            | Column::LineageSince
            | Column::LineageEvidence => {}
            Column::SuccessorOf | Column::RebrandOf => {
                let relation = if column == Column::RebrandOf { Relation::RebrandOf } else { Relation::SuccessorOf };
                entry.lineage.push(Lineage { relation, of: text.to_owned(), since: None, evidence: None });
            }
            Column::Name if self.names_screened => {
                entry.names.push(ListedName { text: text.to_owned(), quality: about.quality });
            }
            Column::Name => entry.label = Some(text.to_owned()),
            Column::Kind => entry.kind = EntryKind::of(text),
            Column::Id => text.clone_into(&mut entry.id),
            Column::Reason => entry.reason = Some(text.to_owned()),
            Column::Programme => entry.programme = Some(text.to_owned()),
            Column::Country => entry.countries.push(code_or_text(text)),
            Column::BirthDate => match BirthDate::parse(&self.dates.iso(text)) {
                Some(date) => entry.birth_dates.push(date),
                None => self.counts.unreadable_dates += 1,
            },
            Column::ValidFrom => entry.valid_from = self.bound("valid_from", text, line, 0),
            Column::ValidUntil => entry.valid_until = self.bound("valid_until", text, line, MS_PER_DAY),
            Column::ListedAt => match parse_time(&self.dates.iso(text)) {
                Ok(time) => entry.listed_at = Some(time),
                Err(_) => self.counts.unreadable_dates += 1,
            },
            Column::Source => entry.source = Some(text.to_owned()),
            Column::Vasp => entry.label = entry.label.take().or_else(|| Some(text.to_owned())),
        }
    }

    /// Every identifier of the cell. What does not validate is kept as it was written where a record may hold the same: at the
    /// agent of its row, else at its exchange, and a mistyped IBAN anywhere.
    fn identifier(&mut self, entry: &mut Entry, text: &str, about: About<'_>, line: u64) {
        let nobodys = |found: &Identifier| found.canonical.starts_with(NOBODYS);
        if let Some(found) = identifier::recognise(text).filter(|found| !nobodys(found)) {
            return self.keep(entry, found, line);
        }
        let cell = identifier::list_cell(text);
        let nothing = cell.identifiers.is_empty() && cell.rejected.is_empty();
        for found in cell.identifiers {
            match found.canonical.strip_prefix(NOBODYS) {
                Some(number) => self.unrecognised(entry, number, about, line),
                None => self.keep(entry, found, line),
            }
        }
        for rejected in cell.rejected.iter().map(String::as_str).chain(nothing.then_some(text)) {
            self.unrecognised(entry, rejected, about, line);
        }
    }

    fn unrecognised(&mut self, entry: &mut Entry, text: &str, about: About<'_>, line: u64) {
        let account = identifier::account(text, about.agent);
        if let Some(canonical) = identifier::mistyped_iban(&account.canonical) {
            return self.keep(entry, Identifier { canonical, validated: false }, line);
        }
        let has_number = text.contains(char::is_alphanumeric);
        match (about.agent, about.vasp) {
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
        let text = self.dates.iso(text);
        match parse_time(&text) {
            Ok(time) if text.len() == "2026-01-05".len() => Some(time + whole_day),
            Ok(time) => Some(time),
            Err(error) => {
                self.faults.add(format!("{}:{line}", self.place), format!("{column}: {error}"), "write 2026-01-05");
                None
            }
        }
    }
}
