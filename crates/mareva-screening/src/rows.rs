//! The rows of a CSV file with a header, and what is wrong with the file as a whole.

use std::io::{BufReader, Read};

use mareva_model::Digest;

use crate::Doubts;
use crate::columns::{ColumnMap, Columns};
use crate::faults::Faults;
use crate::intake::{GuardedReader, sniff};

/// Buffer between file and CSV reader, in bytes; the whole header row must fit.
const BUFFER: usize = 256 << 10;
const CUT: &str = "the file looks cut off here; transfer it again, with a line break at its end";

/// The rows of a file.
pub(crate) struct Rows<R> {
    reader: csv::Reader<GuardedReader<BufReader<R>>>,
    pub(crate) place: String,
    raw: csv::ByteRecord,
    row: csv::StringRecord,
    /// Cells of the header.
    width: usize,
    last_line: u64,
    was_short: bool,
    /// Columns that mean nothing.
    pub(crate) unknown: Vec<String>,
}

impl<R: Read> Rows<R> {
    /// Reads the header, by this map of it; `None` when that is a fault.
    pub(crate) fn open(input: R, map: &ColumnMap, place: &str, faults: &mut Faults) -> Option<(Self, Columns)> {
        let mut rows = Self::start(input, place, faults)?;
        let columns = rows.header(map, faults)?;
        Some((rows, columns))
    }

    /// Before the first row; `None` where the file is no CSV.
    pub(crate) fn start(input: R, place: &str, faults: &mut Faults) -> Option<Self> {
        let mut input = BufReader::with_capacity(BUFFER, input);
        let delimiter = sniff(&mut input, place, faults)?;
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(GuardedReader::new(input, delimiter));
        Some(Self {
            reader,
            place: place.to_owned(),
            raw: csv::ByteRecord::new(),
            row: csv::StringRecord::new(),
            width: 0,
            last_line: 0,
            was_short: false,
            unknown: Vec::new(),
        })
    }

    /// Every row from here on has so many cells.
    pub(crate) fn expect_width(&mut self, width: usize) {
        self.width = width;
    }

    fn header(&mut self, map: &ColumnMap, faults: &mut Faults) -> Option<Columns> {
        let place = self.place.clone();
        let (_, row) = self.next(faults)?;
        let (columns, mut unknown) = Columns::of(row, map, &place, faults)?;
        self.width = row.len();
        unknown.truncate(Doubts::MAX_LINES);
        self.unknown = unknown;
        if columns.is_empty() {
            // What stands there may be an account.
            faults.add(
                format!("{place}:1"),
                format!("the first row is no header: none of its {} cells is the name of a column", self.width),
                "write a first row with the names of the columns, one of them identifier",
            );
        }
        Some(columns).filter(|columns| !columns.is_empty())
    }

    /// The next sound row and its line; unsound ones are faults.
    pub(crate) fn next(&mut self, faults: &mut Faults) -> Option<(u64, &csv::StringRecord)> {
        loop {
            match self.reader.read_byte_record(&mut self.raw) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    let remedy = "check that the file is CSV and its quotes are closed";
                    faults.add(&self.place, error.to_string(), remedy);
                    return None;
                }
            }
            let line = self.raw.position().map_or(0, csv::Position::line);
            (self.last_line, self.was_short) = (line, false);
            if self.width != 0 && self.raw.len() != self.width {
                self.was_short = self.raw.len() < self.width;
                let reason = format!("{} columns where the header has {}", self.raw.len(), self.width);
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
    pub(crate) fn close(self, last_is_doubtful: bool, faults: &mut Faults) -> Digest {
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
