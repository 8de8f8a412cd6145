use std::collections::HashMap;
use std::ops::RangeInclusive;

use mareva_model::identifier::Identifier;
use mareva_model::{AliasQuality, Digest, Relation};

use crate::entry::derived_id;
use crate::{BirthDate, Document, Entry, EntryKind, Lineage, ListedName};

/// Most texts that are kept once and referred to (reasons, programmes, sources, countries); further ones are written out.
const MAX_SHARED: usize = 1 << 16;

/// All entries of a list, packed: one run of bytes, some 50 a mule account. At most 4 GiB.
#[derive(Default)]
pub(crate) struct EntryStore {
    bytes: Vec<u8>,
    starts: Vec<u32>,
    shared: Vec<Box<str>>,
    shared_numbers: HashMap<Box<str>, u32>,
    identifiers: u64,
    names: u64,
}

impl EntryStore {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    pub(crate) fn identifiers(&self) -> u64 {
        self.identifiers
    }

    pub(crate) fn names(&self) -> u64 {
        self.names
    }

    /// Measured size, bytes.
    pub(crate) fn size(&self) -> usize {
        let shared: usize = self.shared.iter().map(|text| text.len() + size_of::<Box<str>>()).sum();
        self.bytes.capacity() + self.starts.capacity() * size_of::<u32>() + shared
    }

    /// Gives back what growing left over. Nothing is pushed after it.
    pub(crate) fn seal(&mut self) {
        self.bytes.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.shared_numbers = HashMap::new();
    }

    /// The digest of everything stored, for lists that come from no file.
    pub(crate) fn digest(&self) -> Digest {
        Digest(self.hash(blake3::Hasher::new()))
    }

    /// A filter key that only who has the list can know; its published digest does not give it away.
    pub(crate) fn secret(&self) -> [u8; 32] {
        self.hash(blake3::Hasher::new_derive_key("mareva-screening 2026 filter key of a list"))
    }

    /// All that is stored: the packed entries, where each begins, and the shared texts.
    pub(crate) fn packed(&self) -> (&[u8], &[u32], &[Box<str>]) {
        (&self.bytes, &self.starts, &self.shared)
    }

    /// The store of what [`EntryStore::packed`] gave, sealed, and the number of its identifiers and names.
    pub(crate) fn unpacked(
        (bytes, starts, shared): (Vec<u8>, Vec<u32>, Vec<Box<str>>),
        (identifiers, names): (u64, u64),
    ) -> Self {
        Self { bytes, starts, shared, shared_numbers: HashMap::new(), identifiers, names }
    }

    fn hash(&self, mut hasher: blake3::Hasher) -> [u8; 32] {
        hasher.update(&self.bytes);
        for text in &self.shared {
            hasher.update(text.as_bytes()).update(&[0xff]);
        }
        *hasher.finalize().as_bytes()
    }

    /// Appends an entry; false when the store is full.
    pub(crate) fn push(&mut self, entry: &Entry) -> bool {
        let (Ok(start), Ok(_)) = (u32::try_from(self.bytes.len()), u32::try_from(self.starts.len() + 1)) else {
            return false;
        };
        self.starts.push(start);
        self.bytes.push(kind_code(entry.kind));
        self.text(&entry.id);
        self.number(entry.identifiers.len() as u64);
        for identifier in &entry.identifiers {
            self.bytes.push(u8::from(identifier.validated));
            self.text(&identifier.canonical);
        }
        self.number(entry.names.len() as u64);
        for name in &entry.names {
            self.bytes.push(quality_code(name.quality));
            self.text(&name.text);
        }
        self.times([entry.valid_from, entry.valid_until, entry.listed_at]);
        for text in [&entry.label, &entry.reason, &entry.programme, &entry.source] {
            self.shared_text(text.as_deref());
        }
        self.number(entry.birth_dates.len() as u64);
        for date in &entry.birth_dates {
            self.number(u64::from(date.first));
            self.number(u64::from(date.last));
        }
        self.number(entry.countries.len() as u64);
        for country in &entry.countries {
            self.shared_text(Some(country));
        }
        self.number(entry.documents.len() as u64);
        for document in &entry.documents {
            self.shared_text(Some(&document.kind));
            self.text(&document.number);
            self.shared_text(document.country.as_deref());
        }
        self.number(entry.lineage.len() as u64);
        for from in &entry.lineage {
            self.bytes.push(u8::from(from.relation == Relation::RebrandOf));
            self.text(&from.of);
            self.times([from.since, None, None]);
            self.shared_text(from.evidence.as_deref());
        }
        self.identifiers += entry.identifiers.len() as u64;
        self.names += entry.names.len() as u64;
        true
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// 0 none, 1 written out, else the number of a shared text + 2.
    fn shared_text(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.number(0) };
        if let Some(number) = self.shared_numbers.get(text) {
            return self.number(u64::from(*number) + 2);
        }
        if self.shared.len() >= MAX_SHARED {
            self.number(1);
            return self.text(text);
        }
        let number = self.shared.len() as u32;
        self.shared.push(text.into());
        self.shared_numbers.insert(text.into(), number);
        self.number(u64::from(number) + 2);
    }

    /// A byte that tells which are there, then those. Times are positive: 1970 to 2199.
    fn times(&mut self, times: [Option<i64>; 3]) {
        self.bytes.push((0..3).map(|bit| u8::from(times[bit].is_some()) << bit).sum());
        for time in times.into_iter().flatten() {
            self.number(time.cast_unsigned());
        }
    }

    /// A look at the entry with this number; an empty one for a number that was never given out.
    pub(crate) fn view(&self, number: u32) -> View<'_> {
        let start = self.starts.get(number as usize).map_or(self.bytes.len(), |start| *start as usize);
        let mut cursor = Cursor { store: self, at: start };
        View { kind: kind_of(cursor.byte()), id: cursor.text(), keys: cursor }
    }

    pub(crate) fn entry(&self, number: u32) -> Entry {
        self.view(number).to_entry()
    }
}

/// An entry in its packed form; each question reads no further than it must.
pub(crate) struct View<'a> {
    kind: EntryKind,
    id: &'a str,
    /// Before the identifiers.
    keys: Cursor<'a>,
}

/// Texts one after another, each with the code before it.
struct Coded<'a> {
    left: u64,
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Coded<'a> {
    type Item = (u8, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some((self.cursor.byte(), self.cursor.text()))
    }
}

impl<'a> Coded<'a> {
    fn at(mut cursor: Cursor<'a>) -> Self {
        Self { left: cursor.number(), cursor }
    }

    /// What follows the last of them.
    fn after(mut self) -> Cursor<'a> {
        while self.next().is_some() {}
        self.cursor
    }
}

impl<'a> View<'a> {
    /// Validated or not, canonical form.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = (bool, &'a str)> + use<'a> {
        Coded::at(self.keys).map(|(code, text)| (code != 0, text))
    }

    pub(crate) fn kind(&self) -> EntryKind {
        self.kind
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (AliasQuality, &'a str)> + use<'a> {
        Coded::at(Coded::at(self.keys).after()).map(|(code, text)| (quality_of(code), text))
    }

    pub(crate) fn has_identifier(&self, canonical: &str) -> bool {
        self.identifiers().any(|(_, text)| text == canonical)
    }

    fn after_keys(&self) -> Cursor<'a> {
        Coded::at(Coded::at(self.keys).after()).after()
    }

    /// Whether the entry is in force at a time, UTC milliseconds.
    pub(crate) fn is_valid_at(&self, time: i64) -> bool {
        self.is_valid_within(&(time..=time))
    }

    /// Whether the entry is in force at one of these times.
    pub(crate) fn is_valid_within(&self, times: &RangeInclusive<i64>) -> bool {
        let [from, until, _] = self.after_keys().times();
        from.is_none_or(|from| from <= *times.end()) && until.is_none_or(|until| *times.start() < until)
    }

    /// The id, derived where the list gave none.
    pub(crate) fn id(&self) -> String {
        if !self.id.is_empty() {
            return self.id.to_owned();
        }
        let first = self.identifiers().map(|(_, text)| text).next();
        derived_id(first.or_else(|| self.names().map(|(_, text)| text).next()).unwrap_or_default())
    }

    pub(crate) fn to_entry(&self) -> Entry {
        let mut cursor = self.after_keys();
        let [valid_from, valid_until, listed_at] = cursor.times();
        let [label, reason, programme, source] = [(); 4].map(|()| cursor.shared_text());
        let birth_dates = (0..cursor.number())
            .map(|_| BirthDate { first: cursor.number() as u32, last: cursor.number() as u32 })
            .collect();
        let countries = (0..cursor.number()).filter_map(|_| cursor.shared_text()).collect();
        let documents = (0..cursor.number())
            .map(|_| Document {
                kind: cursor.shared_text().unwrap_or_default(),
                number: cursor.text().to_owned(),
                country: cursor.shared_text(),
            })
            .collect();
        let lineage = (0..cursor.number())
            .map(|_| Lineage {
                relation: if cursor.byte() == 0 { Relation::SuccessorOf } else { Relation::RebrandOf },
                of: cursor.text().to_owned(),
                since: cursor.times()[0],
                evidence: cursor.shared_text(),
            })
            .collect();
        let identifier = |(validated, text): (bool, &str)| Identifier { canonical: text.to_owned(), validated };
        let name = |(quality, text): (AliasQuality, &str)| ListedName { text: text.to_owned(), quality };
        Entry {
            id: self.id(),
            kind: self.kind,
            names: self.names().map(name).collect(),
            label,
            identifiers: self.identifiers().map(identifier).collect(),
            birth_dates,
            countries,
            documents,
            programme,
            reason,
            source,
            listed_at,
            valid_from,
            valid_until,
            lineage,
        }
    }
}

/// Reads what [`EntryStore::push`] wrote.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    store: &'a EntryStore,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> u8 {
        let byte = self.store.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 || shift > 63 {
                return number;
            }
        }
    }

    fn text(&mut self) -> &'a str {
        let length = self.number() as usize;
        let bytes = self.store.bytes.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        // Only text was ever pushed.
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn shared_text(&mut self) -> Option<String> {
        match self.number() {
            0 => None,
            1 => Some(self.text().to_owned()),
            number => self.store.shared.get(number as usize - 2).map(|text| text.to_string()),
        }
    }

    fn times(&mut self) -> [Option<i64>; 3] {
        let there = self.byte();
        [0, 1, 2].map(|bit| (there >> bit & 1 == 1).then(|| self.number().cast_signed()))
    }
}

fn kind_code(kind: EntryKind) -> u8 {
    kind as u8
}

fn kind_of(code: u8) -> EntryKind {
    use EntryKind::{Account, Aircraft, Organisation, Person, Unknown, Vessel};
    [Unknown, Person, Organisation, Vessel, Aircraft, Account].get(usize::from(code)).copied().unwrap_or_default()
}

fn quality_code(quality: AliasQuality) -> u8 {
    quality as u8
}

fn quality_of(code: u8) -> AliasQuality {
    match code {
        0 => AliasQuality::Primary,
        1 => AliasQuality::Strong,
        _ => AliasQuality::Weak,
    }
}
