use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use mareva_model::{AliasQuality, Digest, Refusal};

use crate::country::code_or_text;
use crate::entry::add_new;
use crate::faults::Faults;
use crate::intake::{GuardedReader, sniff};
use crate::official::ListContent;
use crate::remarks::Remarks;
use crate::{Entry, EntryKind, ListedName, LoadCounts};

/// OFAC cuts remarks at this many characters; the rest is in the overflow file.
const REMARKS_CUT: usize = 1_000;
const PRIMARY_COLUMNS: usize = 12;
const COMMENTS_COLUMNS: usize = 2;
/// Largest file of a set, in bytes; in 2025 the largest had 5 MB.
const MAX_FILE: u64 = 512 << 20;
const DOWNLOAD: &str = "download all files of the set again, from one day";

/// The files of one set.
struct Layout {
    primary: &'static str,
    alt: &'static str,
    add: &'static str,
    comments: &'static str,
}

const SETS: [Layout; 2] = [
    Layout { primary: "sdn.csv", alt: "alt.csv", add: "add.csv", comments: "sdn_comments.csv" },
    Layout { primary: "cons_prim.csv", alt: "cons_alt.csv", add: "cons_add.csv", comments: "cons_comments.csv" },
];

/// Rows of one file with their line numbers; nulls (`-0- `) are empty.
struct Table {
    place: String,
    rows: Vec<(u64, csv::StringRecord)>,
}

/// Reads the SDN set, the consolidated set or both from a folder. A set with a missing file, files of different days
/// (rows that belong to no entry) or remarks without their overflow are refused.
pub(crate) fn read(folder: &Path) -> Result<ListContent, Refusal> {
    let mut faults = Faults::default();
    let files = files_of(folder)?;
    let mut entries = BTreeMap::new();
    let (mut digest, mut counts) = (blake3::Hasher::new(), LoadCounts::default());
    let mut sets = 0;
    for layout in &SETS {
        let names = [layout.primary, layout.alt, layout.add, layout.comments];
        if !names.iter().any(|name| files.contains_key(*name)) {
            continue;
        }
        sets += 1;
        let before = faults.count();
        let primary = open(folder, &files, layout.primary, &mut digest, &mut faults);
        // What is not in a broken primary file would be missed in every row of the others: one mistake, not thousands.
        let is_whole = faults.count() == before;
        let [alt, add, comments] =
            [layout.alt, layout.add, layout.comments].map(|name| open(folder, &files, name, &mut digest, &mut faults));
        let tables = [primary.filter(|_| is_whole), alt, add, comments];
        if let [Some(primary), Some(alt), Some(add), Some(comments)] = &tables {
            let set = join(primary, alt, add, comments, &mut counts, &mut faults);
            merge(&mut entries, set);
        }
    }
    if sets == 0 {
        let expected = SETS.map(|set| set.primary).join(" or ");
        faults.add(folder.display().to_string(), "holds no OFAC file", format!("expected {expected} in the folder"));
    }
    faults.into_result()?;
    let digest = Digest(*digest.finalize().as_bytes());
    Ok(ListContent { entries: entries.into_values().collect(), digest, counts, published: None })
}

/// File names in lower case: OFAC's own site writes them in capitals.
fn files_of(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Refusal> {
    let place = folder.display().to_string();
    let unreadable = |error: std::io::Error| {
        Refusal::one(&place, format!("cannot be read: {error}"), "name the folder that holds OFAC's CSV files")
    };
    let mut files = BTreeMap::new();
    for file in std::fs::read_dir(folder).map_err(unreadable)? {
        let file = file.map_err(unreadable)?;
        files.insert(file.file_name().to_string_lossy().to_ascii_lowercase(), file.path());
    }
    Ok(files)
}

fn open(
    folder: &Path,
    files: &BTreeMap<String, PathBuf>,
    name: &'static str,
    digest: &mut blake3::Hasher,
    faults: &mut Faults,
) -> Option<Table> {
    let Some(path) = files.get(name) else {
        faults.add(folder.join(name).display().to_string(), "this file of the set is missing", DOWNLOAD);
        return None;
    };
    let place = path.display().to_string();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => {
            faults.add(place, format!("cannot be read: {error}"), "check its permissions");
            return None;
        }
    };
    let columns = columns(name);
    // Without overflow there is nothing to write; remarks that lack theirs are noticed.
    if columns == COMMENTS_COLUMNS && file.metadata().is_ok_and(|found| found.len() == 0) {
        digest.update(name.as_bytes());
        return Some(Table { place, rows: Vec::new() });
    }
    let mut bytes = Vec::new();
    let mut reader = BufReader::new(file.take(MAX_FILE + 1));
    sniff(&mut reader, &place, faults)?;
    if let Err(error) = reader.read_to_end(&mut bytes) {
        faults.add(place, format!("cannot be read: {error}"), "check the disk");
        return None;
    }
    if bytes.len() as u64 > MAX_FILE {
        faults.add(place, format!("is larger than {MAX_FILE} bytes"), "check that it is an OFAC file");
        return None;
    }
    digest.update(name.as_bytes());
    digest.update(blake3::hash(&bytes).as_bytes());
    Some(table(place, &bytes, columns, faults))
}

fn columns(name: &str) -> usize {
    match name {
        "sdn.csv" | "cons_prim.csv" => PRIMARY_COLUMNS,
        "add.csv" | "cons_add.csv" => 6,
        "alt.csv" | "cons_alt.csv" => 5,
        _ => COMMENTS_COLUMNS,
    }
}

fn table(place: String, bytes: &[u8], columns: usize, faults: &mut Faults) -> Table {
    // The files end in 0x1A, the end-of-file mark of CP/M; one that ends in neither it nor a line break was cut.
    let marked = bytes.trim_ascii_end().last() == Some(&0x1a);
    let body = bytes.trim_ascii_end().strip_suffix(&[0x1a]).unwrap_or(bytes);
    let mut guarded = GuardedReader::new(body, b',');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&mut guarded);
    let (mut rows, mut raw, mut last_short) = (Vec::new(), csv::ByteRecord::new(), false);
    loop {
        match reader.read_byte_record(&mut raw) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                faults.add(&place, error.to_string(), DOWNLOAD);
                break;
            }
        }
        let line = raw.position().map_or(0, csv::Position::line);
        last_short = raw.len() != columns;
        if last_short {
            let reason = format!("{} columns where OFAC's layout has {columns}", raw.len());
            faults.add(format!("{place}:{line}"), reason, DOWNLOAD);
        } else if !raw.get(0).is_some_and(|id| id.eq_ignore_ascii_case(b"ent_num")) {
            rows.push((line, decoded(&raw, columns)));
        }
    }
    drop(reader);
    let reading = guarded.reading();
    if let Some(line) = reading.open_quote {
        faults.add(format!("{place}:{line}"), "a quote opens here and never closes: the file is cut off", DOWNLOAD);
    } else if !marked && !reading.ends_with_line_break && !last_short {
        faults.add(&place, "the last line has no end: the file is cut off", DOWNLOAD);
    }
    // Only a primary file may not be without rows; an end-of-file mark shows that the others are whole.
    if rows.is_empty() && faults.is_empty() && !(marked && columns != PRIMARY_COLUMNS) {
        faults.add(&place, "the file holds no rows", DOWNLOAD);
    }
    Table { place, rows }
}

/// UTF-8, or else Latin-1, which OFAC used before; `-0-` is null. Remarks and their overflow keep their outer spaces: the
/// cut may fall on one.
fn decoded(raw: &csv::ByteRecord, columns: usize) -> csv::StringRecord {
    let text = |(place, field): (usize, &[u8])| {
        let text = match std::str::from_utf8(field) {
            Ok(text) => text.to_owned(),
            Err(_) => field.iter().map(|byte| char::from(*byte)).collect(),
        };
        let is_remarks = matches!(columns, PRIMARY_COLUMNS | COMMENTS_COLUMNS) && place + 1 == columns;
        match text.trim() {
            "-0-" => String::new(),
            _ if is_remarks => text,
            trimmed => trimmed.to_owned(),
        }
    };
    raw.iter().enumerate().map(text).collect()
}

type ByNumber = BTreeMap<u64, Entry>;

fn join(
    primary: &Table,
    alt: &Table,
    add: &Table,
    comments: &Table,
    counts: &mut LoadCounts,
    faults: &mut Faults,
) -> ByNumber {
    let mut entries = ByNumber::new();
    let mut remarks = BTreeMap::new();
    for (line, row) in &primary.rows {
        let place = format!("{}:{line}", primary.place);
        let Some(number) = entry_number(&place, row, faults) else { continue };
        if row[1].is_empty() {
            faults.add(&place, "the entry has no name", DOWNLOAD);
        }
        if entries.insert(number, primary_entry(number, row)).is_some() {
            faults.add(&place, format!("ent_num {number} is listed twice"), DOWNLOAD);
        }
        remarks.insert(number, (*line, row[11].to_owned()));
    }
    join_overflow(primary, comments, &mut remarks, faults);
    for (line, row) in &alt.rows {
        let Some(entry) = owner(&mut entries, alt, *line, row, faults) else { continue };
        let name = ListedName { text: row[3].to_owned(), quality: AliasQuality::Strong };
        if !name.text.is_empty() {
            add_new(&mut entry.names, vec![name]);
        }
    }
    for (line, row) in &add.rows {
        let Some(entry) = owner(&mut entries, add, *line, row, faults) else { continue };
        if !row[4].is_empty() && &row[4] != "undetermined" {
            add_new(&mut entry.countries, vec![code_or_text(&row[4])]);
        }
    }
    for (number, (_, text)) in &remarks {
        if let Some(entry) = entries.get_mut(number) {
            apply(entry, Remarks::parse(text), counts);
        }
    }
    entries
}

fn entry_number(place: &str, row: &csv::StringRecord, faults: &mut Faults) -> Option<u64> {
    let number = row[0].parse().ok();
    if number.is_none() {
        faults.add(place, format!("ent_num is {:?}, not a number", &row[0]), DOWNLOAD);
    }
    number
}

/// The entry that a row of another file belongs to.
fn owner<'a>(
    entries: &'a mut ByNumber,
    table: &Table,
    line: u64,
    row: &csv::StringRecord,
    faults: &mut Faults,
) -> Option<&'a mut Entry> {
    let place = format!("{}:{line}", table.place);
    let number = entry_number(&place, row, faults)?;
    let entry = entries.get_mut(&number);
    if entry.is_none() {
        faults.add(place, format!("ent_num {number} is not in the primary file"), DOWNLOAD);
    }
    entry
}

/// The cut may fall into the middle of an address, so remarks and overflow are joined, with nothing between, before
/// anything is read from them.
fn join_overflow(primary: &Table, comments: &Table, remarks: &mut BTreeMap<u64, (u64, String)>, faults: &mut Faults) {
    let mut joined = std::collections::BTreeSet::new();
    for (line, row) in &comments.rows {
        let place = format!("{}:{line}", comments.place);
        let Some(number) = entry_number(&place, row, faults) else { continue };
        match remarks.get_mut(&number) {
            Some((_, text)) => text.push_str(&row[1]),
            None => faults.add(place, format!("ent_num {number} is not in the primary file"), DOWNLOAD),
        }
        joined.insert(number);
    }
    for (number, (line, text)) in remarks.iter() {
        if !joined.contains(number) && text.chars().count() == REMARKS_CUT && !text.ends_with('.') {
            let place = format!("{}:{line}", primary.place);
            faults.add(place, format!("the remarks of {number} are cut and have no overflow"), DOWNLOAD);
        }
    }
}

fn primary_entry(number: u64, row: &csv::StringRecord) -> Entry {
    let kind = match &row[2] {
        "individual" => EntryKind::Person,
        "vessel" => EntryKind::Vessel,
        "aircraft" => EntryKind::Aircraft,
        _ => EntryKind::Organisation,
    };
    let flag = if row[9].is_empty() { Vec::new() } else { vec![code_or_text(&row[9])] };
    Entry {
        id: number.to_string(),
        kind,
        names: vec![ListedName { text: row[1].to_owned(), quality: AliasQuality::Primary }],
        countries: flag,
        programme: Some(row[3].replace("] [", crate::entry::PROGRAMME_SEPARATOR)).filter(|text| !text.is_empty()),
        reason: Some(row[4].to_owned()).filter(|text| !text.is_empty()),
        ..Entry::default()
    }
}

fn apply(entry: &mut Entry, remarks: Remarks, counts: &mut LoadCounts) {
    counts.address_mentions += remarks.address_mentions;
    counts.unreadable_dates += remarks.unreadable_dates;
    add_new(&mut entry.names, remarks.weak_names);
    add_new(&mut entry.identifiers, remarks.identifiers);
    add_new(&mut entry.birth_dates, remarks.birth_dates);
    add_new(&mut entry.countries, remarks.countries);
    add_new(&mut entry.documents, remarks.documents);
}

/// A party may stand in both sets under one number: one entry, all its programmes.
fn merge(entries: &mut ByNumber, set: ByNumber) {
    for (number, entry) in set {
        match entries.entry(number) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(entry);
            }
            std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().absorb(entry),
        }
    }
}
