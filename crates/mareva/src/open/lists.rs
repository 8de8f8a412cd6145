//! Lists from the config and from `--list NAME=PATH`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use mareva_model::{Fault, Refusal};
use mareva_screening::{Doubts, FilterKey, ListConfig, ListSummary, LoadedList, Watchlist, load};

use super::{keep, secret};
use crate::config::ListFile;

/// A list on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    /// Name, first half of every entry id.
    pub name: String,
    /// File or folder.
    pub path: PathBuf,
}

impl FromStr for NamedPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok(Self { name: name.to_owned(), path: path.into() })
            }
            _ => Err("write NAME=PATH, such as sanctions=lists/ofac".to_owned()),
        }
    }
}

impl NamedPath {
    /// What it is called in messages.
    fn key(&self) -> String {
        format!("--list {}", self.name)
    }

    /// Puts it among the lists of the config: in the place of the file of the list that has its name, which otherwise stays
    /// as the config has it, or as a new list.
    pub(super) fn join(self, lists: &mut Vec<ListFile>, faults: &mut Refusal) {
        let key = self.key();
        match lists.iter_mut().find(|known| known.list.name == self.name) {
            Some(known) if known.path_key == key => {
                faults.0.push(Fault::new(key, "is given twice", "name each list differently"));
            }
            Some(known) => {
                known.list.path = self.path;
                known.path_key = key;
            }
            None => {
                let list = ListFile::assumed(self.name, self.path);
                lists.push(ListFile { list, key_file: None, fetch: None, key: key.clone(), path_key: key });
            }
        }
    }
}

/// Loads the lists and puts them in force together.
///
/// # Errors
/// Every fault of every list.
pub fn watchlist(files: &[ListFile]) -> Result<Watchlist, Refusal> {
    let mut faults = Refusal::default();
    let mut loaded = Vec::new();
    let mut names = HashSet::new();
    for file in files {
        if !names.insert(&file.list.name) {
            faults.0.push(Fault::new(&file.key, "two lists have this name", "name each list differently"));
        }
        loaded.extend(list(file, &mut faults));
    }
    faults.into_result()?;
    Watchlist::new(loaded)
}

/// Loads a list with the key of its filters.
fn list(file: &ListFile, faults: &mut Refusal) -> Option<Arc<LoadedList>> {
    let mut list = file.list.clone();
    if let Some(path) = &file.key_file {
        list.key = keep(secret(path, &format!("{}.key_file", file.key)), faults).flatten().map(FilterKey);
    }
    keep(load_one(file, &list), faults).map(Arc::new)
}

/// Loads a list as a run would.
///
/// # Errors
/// Every fault of it.
pub fn load_list(file: &ListFile) -> Result<Arc<LoadedList>, Refusal> {
    let mut faults = Refusal::default();
    let loaded = list(file, &mut faults);
    faults.into_result()?;
    loaded.ok_or_else(|| Refusal::one(&file.key, "could not be loaded", "report this"))
}

/// Loads a list that may have other content than `former`; none where it has not.
///
/// # Errors
/// Every fault of it, and what keeps it from taking the place of `former`.
pub fn reload(file: &ListFile, former: &LoadedList) -> Result<Option<Arc<LoadedList>>, Refusal> {
    let loaded = load_list(file)?;
    if loaded.print() == former.print() {
        return Ok(None);
    }
    if loaded.config().key != former.config().key {
        let reason = "holds another key, and filters keep theirs while the process runs";
        return Err(Refusal::one(
            format!("{}.key_file", file.key),
            reason,
            "start again with it, or put the former one back",
        ));
    }
    loaded.may_follow(former).map_err(|mut refusal| {
        refusal.0.iter_mut().for_each(|fault| fault.place.clone_from(&file.key));
        refusal
    })?;
    Ok(Some(loaded))
}

/// Loads a list; its faults say by which key or option it is named.
fn load_one(file: &ListFile, list: &ListConfig) -> Result<LoadedList, Refusal> {
    load(list).map_err(|mut refusal| {
        let own = format!("list {}", list.name);
        // That a path is not given at all is a fault of the config and told there.
        refusal.0.retain(|fault| fault.place == own || !list.path.as_os_str().is_empty());
        for fault in &mut refusal.0 {
            fault.place =
                if fault.place == own { file.key.clone() } else { format!("{} ({})", fault.place, file.path_key) };
        }
        refusal
    })
}

/// Says of each list, in words, what its file holds that somebody should look at, with the first lines.
pub fn doubts(list: &ListSummary) -> Vec<String> {
    let (counts, doubts) = (&list.counts, &list.doubts);
    let kinds = [
        (counts.unmatchable, &doubts.unmatchable_lines, "can match nothing and were left out"),
        (
            counts.unvalidated,
            &doubts.unvalidated_lines,
            "do not validate: they match only what is written in the same way",
        ),
    ];
    let said = kinds.into_iter().filter(|(number, ..)| *number > 0).map(|(number, lines, what)| {
        let shown: Vec<String> = lines.iter().map(u64::to_string).collect();
        let more = if lines.len() >= Doubts::MAX_LINES { " and others" } else { "" };
        // The files of an OFAC set have their lines apart: nothing is noted of them.
        let place = if lines.is_empty() { String::new() } else { format!(": lines {}{more}", shown.join(", ")) };
        format!("{number} identifiers {what}{place}")
    });
    let unknown = (!doubts.unknown_columns.is_empty()).then(|| {
        let shown: Vec<String> = doubts.unknown_columns.iter().map(|name| format!("{name:?}")).collect();
        format!("columns that nobody reads: {}", shown.join(", "))
    });
    said.chain(unknown).collect()
}

/// Logs what [`doubts`] says.
pub fn warn_of_doubts(watchlist: &Watchlist) {
    for list in watchlist.lists() {
        for doubt in doubts(&list) {
            tracing::warn!(list = list.list.name, "{doubt}");
        }
    }
}
