use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use mareva_model::{AliasQuality, Digest, ListRef, Refusal};
use serde::{Deserialize, Serialize};

use crate::alike::Place;
use crate::config::FilterKey;
use crate::entry::programmes;
use crate::faults::Faults;
use crate::index::KeyIndex;
use crate::name::NameScratch;
use crate::official::{self, ListContent};
use crate::store::EntryStore;
use crate::{Entry, EntryKind, ListConfig, ListFormat, ftm, lineage, misp, ofac, plain, stix, tagpack, uk_csv};

/// Digits of the digest that serve as the version where the format states no publication date.
const VERSION_DIGITS: usize = 12;
/// First bytes of a JSON file that tell what it is.
const JSON_HEAD: usize = 256;
/// Most names of a list of which alike ones are found: their index takes about a kilobyte each.
const MAX_ALIKE_NAMES: u64 = 1 << 20;
/// Buffer before a file, in bytes.
const BUFFER: usize = 256 << 10;

/// What was found while a list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LoadCounts {
    /// Entries.
    pub entries: u64,
    /// Identifiers that are screened.
    pub identifiers: u64,
    /// Of these, those that did not validate and are compared as they were written.
    pub unvalidated: u64,
    /// Identifiers of the file that can match nothing and were left out, because `max_unmatchable` allows so many.
    pub unmatchable: u64,
    /// Names that are screened.
    pub names: u64,
    /// Names of which the normal form leaves nothing, so that they cannot match.
    pub names_without_key: u64,
    /// Digital currency addresses that OFAC remarks mention.
    pub address_mentions: u64,
    /// Dates of birth or of reporting that could not be read and support nothing.
    pub unreadable_dates: u64,
}

/// Lines of a plain list that somebody should look at, the first [`Doubts::MAX_LINES`] of each kind; the counts have them all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Doubts {
    /// Identifiers that did not validate: they match only what was written in the same way.
    pub unvalidated_lines: Vec<u64>,
    /// Identifiers that can match nothing and were left out.
    pub unmatchable_lines: Vec<u64>,
    /// Columns that mean nothing here, by the first letters of their names.
    pub unknown_columns: Vec<String>,
}

impl Doubts {
    /// Most lines of one kind, and most columns, that are noted.
    pub const MAX_LINES: usize = 100;
    /// Letters of a column's name that are noted.
    pub const MAX_NAME: usize = 40;

    pub(crate) fn note(lines: &mut Vec<u64>, line: u64) {
        if lines.len() < Self::MAX_LINES && lines.last() != Some(&line) {
            lines.push(line);
        }
    }
}

/// A list that was read whole, with its filters, each entry probed back. Immutable; shared between watchlists.
pub struct LoadedList {
    pub(crate) config: ListConfig,
    pub(crate) store: EntryStore,
    pub(crate) identifiers: KeyIndex,
    pub(crate) names: KeyIndex,
    pub(crate) key: FilterKey,
    /// The list, then one for each programme with a policy of its own.
    refs: Vec<Arc<ListRef>>,
    counts: LoadCounts,
    pub(crate) doubts: Doubts,
    digest: Digest,
}

impl fmt::Debug for LoadedList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedList").field("list", &self.refs[0]).field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// Reads a list from its file or folder.
///
/// # Errors
/// Every fault of the config and the files; a list is never taken in part.
pub fn load(config: &ListConfig) -> Result<LoadedList, Refusal> {
    let mut faults = Faults::default();
    config.check(&mut faults);
    let place = config.path.display().to_string();
    let unreadable =
        |error: std::io::Error| (format!("cannot be read: {error}"), "check the path of the list and its permissions");
    // What is wrong with the config must not hide that there is no file, nor the other way round.
    if let Err((reason, remedy)) = std::fs::metadata(&config.path).map_err(unreadable) {
        faults.add(&place, reason, remedy);
    }
    faults.into_result()?;
    let is_auto = config.format == ListFormat::Auto && !config.is_mapped();
    let is_folder = config.format == ListFormat::OfacCsv
        || is_auto && std::fs::metadata(&config.path).is_ok_and(|found| found.is_dir());
    if is_folder {
        return load_ofac(config, &config.path);
    }
    let file = File::open(&config.path).map_err(|error| {
        let (reason, remedy) = unreadable(error);
        Refusal::one(&place, reason, remedy)
    })?;
    let mut file = BufReader::with_capacity(BUFFER, file);
    let format = if is_auto { file.fill_buf().map_or(ListFormat::Csv, format_of) } else { config.format };
    match format {
        ListFormat::Xml => load_xml(config, file, &place),
        ListFormat::Ftm => load_ftm(config, file, &place),
        ListFormat::UkCsv => load_uk_csv(config, file, &place),
        ListFormat::Misp => load_misp(config, file, &place),
        ListFormat::Stix => load_stix(config, file, &place),
        ListFormat::Tagpack => load_tagpack(config, file, &place),
        ListFormat::Csv | ListFormat::OfacCsv | ListFormat::Auto => load_plain(config, file, &place),
    }
}

/// Whether a file or folder looks like an official list or one of FollowTheMoney: sanctioned parties, not accounts.
pub fn lists_parties(path: &Path) -> bool {
    let head = || {
        // Who looks into a pipe takes what the loader is to read.
        std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        let mut file = BufReader::new(File::open(path).ok()?);
        file.fill_buf().ok().map(format_of)
    };
    let of_accounts = [ListFormat::Csv, ListFormat::Misp, ListFormat::Stix, ListFormat::Tagpack];
    path.join("sdn.csv").exists() || head().is_some_and(|format| !of_accounts.contains(&format))
}

/// What a file is by its first bytes.
fn format_of(head: &[u8]) -> ListFormat {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    match head {
        [b'<', ..] => ListFormat::Xml,
        [b'{' | b'[', ..] => json_format_of(head),
        _ if head.starts_with(b"---") || head.starts_with(b"title:") => ListFormat::Tagpack,
        _ if head.starts_with(uk_csv::PREAMBLE.as_bytes()) => ListFormat::UkCsv,
        _ => ListFormat::Csv,
    }
}

/// What a JSON file is by its first keys.
fn json_format_of(head: &[u8]) -> ListFormat {
    let head = &head[..head.len().min(JSON_HEAD)];
    let has_key = |key: &str| {
        let mut found = head.windows(key.len()).enumerate().filter(|(_, window)| *window == key.as_bytes());
        found.any(|(at, _)| head[at + key.len()..].trim_ascii_start().first() == Some(&b':'))
    };
    match () {
        () if has_key("\"Event\"") => ListFormat::Misp,
        () if has_key("\"objects\"") => ListFormat::Stix,
        () => ListFormat::Ftm,
    }
}

/// Reads entities of FollowTheMoney, one JSON object a line; `place` names the source in faults.
///
/// # Errors
/// Every fault of the config and the lines.
pub fn load_ftm(config: &ListConfig, input: impl Read, place: &str) -> Result<LoadedList, Refusal> {
    checked(config)?;
    LoadedList::from_content(config, ftm::read(input, place)?)
}

/// Reads an official list in XML, told apart by its first element; `place` names the source in faults. Entries are read one at a
/// time.
///
/// # Errors
/// Every fault of the config and the entries.
pub fn load_xml(config: &ListConfig, input: impl Read, place: &str) -> Result<LoadedList, Refusal> {
    checked(config)?;
    LoadedList::from_content(config, official::read(input, place)?)
}

/// Reads the UK Sanctions List in CSV; `place` names the source in faults.
///
/// # Errors
/// Every fault of the config and the rows.
pub fn load_uk_csv(config: &ListConfig, input: impl Read, place: &str) -> Result<LoadedList, Refusal> {
    checked(config)?;
    LoadedList::from_content(config, uk_csv::read(input, place)?)
}

/// Reads events of MISP in JSON; `place` names the source in faults.
///
/// # Errors
/// Every fault of the config and the events.
pub fn load_misp(config: &ListConfig, input: impl Read, place: &str) -> Result<LoadedList, Refusal> {
    checked(config)?;
    LoadedList::from_content(config, misp::read(input, place)?)
}

/// Reads a bundle of STIX 2.1; `place` names the source in faults.
///
/// # Errors
/// Every fault of the config and the objects.
pub fn load_stix(config: &ListConfig, input: impl Read, place: &str) -> Result<LoadedList, Refusal> {
    checked(config)?;
    LoadedList::from_content(config, stix::read(input, place)?)
}

/// Reads a TagPack in YAML; `place` names the source in faults.
///
/// # Errors
/// Every fault of the config and the pack.
pub fn load_tagpack(config: &ListConfig, input: impl Read, place: &str) -> Result<LoadedList, Refusal> {
    checked(config)?;
    LoadedList::from_content(config, tagpack::read(input, place)?)
}

/// Reads OFAC's CSV files from a folder.
///
/// # Errors
/// Every fault of the config and the files.
pub fn load_ofac(config: &ListConfig, folder: &Path) -> Result<LoadedList, Refusal> {
    checked(config)?;
    LoadedList::from_content(config, ofac::read(folder)?)
}

/// Reads plain CSV with a header row; `place` names the source in faults. Rows are read one at a time.
///
/// # Errors
/// Every fault of the config and the rows.
pub fn load_plain(config: &ListConfig, input: impl Read, place: &str) -> Result<LoadedList, Refusal> {
    checked(config)?;
    let list = plain::read(input, place, config)?;
    let mut loaded = LoadedList::build(config, list.store, list.digest, None, list.counts)?;
    loaded.doubts = list.doubts;
    Ok(loaded)
}

fn checked(config: &ListConfig) -> Result<(), Refusal> {
    let mut faults = Faults::default();
    config.check(&mut faults);
    faults.into_result()
}

impl LoadedList {
    /// A list of entries that come from no file; its digest is that of the entries.
    ///
    /// # Errors
    /// Every fault of the config; entries that do not fit.
    pub fn from_entries(config: &ListConfig, entries: Vec<Entry>) -> Result<Self, Refusal> {
        checked(config)?;
        let store = stored(config, &lineage::inherited(config, entries)?)?;
        let digest = store.digest();
        Self::build(config, store, digest, None, LoadCounts::default())
    }

    fn from_content(config: &ListConfig, content: ListContent) -> Result<Self, Refusal> {
        let ListContent { entries, digest, counts, published } = content;
        Self::build(config, stored(config, &lineage::inherited(config, entries)?)?, digest, published, counts)
    }

    /// Filters and indices over the stored entries, then the probe of every one of them.
    pub(crate) fn build(
        config: &ListConfig,
        mut store: EntryStore,
        digest: Digest,
        published: Option<String>,
        counts: LoadCounts,
    ) -> Result<Self, Refusal> {
        let place = format!("list {}", config.name);
        let entries = store.len() as u64;
        if entries < config.min_entries {
            return Err(Refusal::one(
                place,
                format!("holds {entries} entries, fewer than min_entries {}", config.min_entries),
                "check that the file is whole; lower min_entries if the list did shrink",
            ));
        }
        store.seal();
        let key = config.key.clone().unwrap_or_else(|| FilterKey(store.secret().to_vec()));
        let [identifier_seed, name_seed] = ["identifiers", "names"].map(|kind| seed(&key, &config.name, kind));
        let new = |keys, seed| KeyIndex::new(keys, config.false_positive_rate, seed);
        let refused = |reason| Refusal::one(&place, reason, "check false_positive_rate of the list");
        if config.name_threshold < 1.0 && store.names() > MAX_ALIKE_NAMES {
            return Err(too_many_names(&place, store.names()));
        }
        let mut list = Self {
            identifiers: new(store.identifiers(), &identifier_seed).map_err(refused)?,
            names: new(store.names(), &name_seed).map_err(refused)?,
            key,
            refs: list_refs(config, digest, published),
            config: config.clone(),
            counts,
            doubts: Doubts::default(),
            store,
            digest,
        };
        list.index();
        list.probe_back()?;
        Ok(list)
    }

    fn index(&mut self) {
        let Self { store, identifiers, names, counts, .. } = self;
        counts.entries = store.len() as u64;
        (counts.identifiers, counts.unvalidated, counts.names, counts.names_without_key) =
            (store.identifiers(), 0, 0, 0);
        for_each_key(store, |key, entry| match key {
            Key::Identifier(text, validated) => {
                counts.unvalidated += u64::from(!validated);
                identifiers.add(text, entry);
            }
            Key::Name("") => counts.names_without_key += 1,
            Key::Name(key) => {
                counts.names += 1;
                names.add(key, entry);
            }
        });
        identifiers.seal();
        names.seal();
    }

    /// Every key of every entry is found again, or the list is refused.
    fn probe_back(&self) -> Result<(), Refusal> {
        let mut missed = None;
        for_each_key(&self.store, |key, entry| {
            let (index, text) = match key {
                Key::Identifier(text, _) => (&self.identifiers, text),
                Key::Name("") => return,
                Key::Name(key) => (&self.names, key),
            };
            if !index.may_hold(text) || !index.candidates(text).any(|found| found == entry) {
                missed.get_or_insert(entry);
            }
        });
        missed.map_or(Ok(()), |entry| Err(self.miss(entry)))
    }

    pub(crate) fn miss(&self, entry: u32) -> Refusal {
        let id = self.store.view(entry).id();
        Refusal::one(
            format!("list {}", self.config.name),
            format!("entry {id} is not found through the filter"),
            "keep the last good list and report this with the list: it is a fault of the engine",
        )
    }

    /// Calls `see` with every key of every entry.
    pub(crate) fn for_each_key(&self, see: impl FnMut(Key<'_>, u32)) {
        for_each_key(&self.store, see);
    }

    /// The list under the policy of an entry's programmes: the strongest action among them.
    pub(crate) fn list_ref(&self, programme: Option<&str>) -> &Arc<ListRef> {
        let default = &self.refs[0];
        if self.refs.len() == 1 {
            return default;
        }
        let own = |tag: &str| self.config.programmes.iter().position(|one| one.programme == tag);
        let policies = programmes(programme).map(|tag| own(tag).map_or(default, |place| &self.refs[place + 1]));
        policies.reduce(|best, next| if next.action > best.action { next } else { best }).unwrap_or(default)
    }

    /// The list as hits name it.
    pub fn list(&self) -> &Arc<ListRef> {
        &self.refs[0]
    }

    /// Its name and policy.
    pub fn config(&self) -> &ListConfig {
        &self.config
    }

    /// What was found while it was read.
    pub fn counts(&self) -> LoadCounts {
        self.counts
    }

    /// Where its file holds what somebody should look at.
    pub fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// BLAKE3 of the file, or of the names and digests of the files.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Tells it from a list of another policy or content.
    pub fn print(&self) -> Digest {
        self.config.print(self.digest)
    }

    /// The list as if it held these entries alone: the same name, version and policy.
    pub(crate) fn part(&self, numbers: impl Iterator<Item = u32>) -> Result<Self, Refusal> {
        let entries: Vec<Entry> = numbers.map(|number| self.store.entry(number)).collect();
        let config = ListConfig { min_entries: 0, ..self.config.clone() };
        let store = stored(&config, &entries)?;
        Self::build(&config, store, self.digest, Some(self.list().version.clone()), LoadCounts::default())
    }

    /// Names that are also matched where they are not equal, by the number of the list: a weak alias is too little for that.
    pub(crate) fn names_alike(&self, list: u32) -> impl Iterator<Item = (Place, EntryKind, &str)> {
        let numbers = if self.config.name_threshold < 1.0 { self.numbers() } else { 0..0 };
        numbers.flat_map(move |entry| {
            let view = self.store.view(entry);
            let kind = view.kind();
            let names = (0..).zip(view.names()).filter(|(_, (quality, _))| *quality != AliasQuality::Weak);
            names.map(move |(name, (_, text))| (Place { list, entry, name }, kind, text))
        })
    }

    /// All entries, in the order of the list.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.numbers().map(|number| self.store.entry(number))
    }

    pub(crate) fn numbers(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.store.len()).unwrap_or(u32::MAX)
    }

    /// Measured memory, bytes.
    pub fn size(&self) -> usize {
        self.store.size() + self.identifiers.size() + self.names.size()
    }
}

pub(crate) fn stored(config: &ListConfig, entries: &[Entry]) -> Result<EntryStore, Refusal> {
    let mut store = EntryStore::new();
    if !entries.iter().all(|entry| store.push(entry)) {
        let place = format!("list {}", config.name);
        return Err(Refusal::one(place, "is larger than 4 GiB in memory", "split it into several lists"));
    }
    Ok(store)
}

fn too_many_names(place: &str, names: u64) -> Refusal {
    Refusal::one(
        place,
        format!("has {names} names, and names that are not equal are looked for in lists of at most {MAX_ALIKE_NAMES}"),
        "write name_threshold = 1, so that only equal names match, or match_names = false",
    )
}

/// A key of an entry.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    /// Canonical form, and whether it validated.
    Identifier(&'a str, bool),
    /// Normal form of a name.
    Name(&'a str),
}

fn for_each_key(store: &EntryStore, mut see: impl FnMut(Key<'_>, u32)) {
    let mut names = NameScratch::default();
    for number in 0..u32::try_from(store.len()).unwrap_or(u32::MAX) {
        let view = store.view(number);
        for (validated, text) in view.identifiers() {
            see(Key::Identifier(text, validated), number);
        }
        for (_, text) in view.names() {
            see(Key::Name(names.key(text)), number);
        }
    }
}

fn seed(key: &FilterKey, list: &str, kind: &str) -> [u8; 32] {
    let mut material = key.0.clone();
    material.extend_from_slice(list.as_bytes());
    material.push(0xff);
    material.extend_from_slice(kind.as_bytes());
    blake3::derive_key("mareva-screening 2026 filter", &material)
}

fn list_refs(config: &ListConfig, digest: Digest, published: Option<String>) -> Vec<Arc<ListRef>> {
    let digest = digest.to_string();
    let list = ListRef {
        name: config.name.clone(),
        version: published.unwrap_or_else(|| digest[..VERSION_DIGITS].to_owned()),
        digest,
        regime: config.regime,
        action: config.action,
        binding_in: config.binding_in.clone(),
        measure: config.measure,
    };
    let own = config.programmes.iter().map(|policy| ListRef {
        action: policy.action,
        measure: policy.measure,
        binding_in: policy.binding_in.clone().unwrap_or_else(|| config.binding_in.clone()),
        ..list.clone()
    });
    std::iter::once(list.clone()).chain(own).map(Arc::new).collect()
}
