//! Rules and lists of each epoch that a start may have to judge recorded slices again under, in a folder beside the snapshots:
//! one file for each epoch, called by it, with its rules and the digests of its lists, and one for each list that any of them
//! names. What they hold says the same as their names, so that a damaged or foreign file is no epoch at all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mareva_model::{Digest, Refusal};
use mareva_monitoring::{RuleText, rules_digest};
use mareva_pipeline::EpochFrame;
use mareva_screening::{ListConfig, LoadedList, Watchlist, watchlist_epoch};
use serde::{Deserialize, Serialize};

use crate::config::read_text;
use crate::open::unreadable;

/// Bytes of a file: some thousand rules.
const MAX_FILE: u64 = 64 << 20;
/// Files that are looked at. They are removed once neither a snapshot nor a slice after it needs them.
const MAX_FILES: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct Kept {
    epoch: Digest,
    rules: Vec<RuleText>,
    /// Of the content of each list, in the order of the config.
    lists: Vec<Digest>,
}

/// See the module.
#[derive(Debug)]
pub struct KeptEpochs {
    folder: PathBuf,
    /// The lists as the config has them now.
    lists: Vec<ListConfig>,
    /// All else that an epoch is made of, as it is in force now.
    frame: EpochFrame,
    known: BTreeSet<Digest>,
    /// Kept, and made with other lists, tables or another config.
    others: BTreeSet<Digest>,
}

impl KeptEpochs {
    /// Those that are kept in `folder`, which is made if need be. Epochs with other tables or another config are not known, nor are
    /// those with lists that are not kept: nothing can be judged under them.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: PathBuf, frame: EpochFrame, lists: Vec<ListConfig>) -> Result<Self, Refusal> {
        let failed = |error: io::Error| unreadable(&folder, &error);
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut kept = Self { folder: folder.clone(), lists, frame, known: BTreeSet::new(), others: BTreeSet::new() };
        for entry in fs::read_dir(&folder).map_err(failed)?.take(MAX_FILES) {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.ends_with(".partial") {
                // What cannot be removed is in nobody's way.
                let _ = fs::remove_file(&path);
                continue;
            }
            if !name.starts_with("rules-") {
                continue;
            }
            match read(&path) {
                Ok(read) if name == name_of(read.epoch) => {
                    let is_ours = kept.is_ours(&read) && kept.list_paths(&read).all(|path| path.exists());
                    if is_ours { &mut kept.known } else { &mut kept.others }.insert(read.epoch);
                }
                _ => tracing::warn!(path = %path.display(), "this kept epoch is damaged and not used"),
            }
        }
        Ok(kept)
    }

    /// Whether an epoch is one of our tables and config.
    fn is_ours(&self, kept: &Kept) -> bool {
        let prints = self.lists.iter().zip(&kept.lists).map(|(list, content)| list.print(*content));
        self.lists.len() == kept.lists.len()
            && self.frame.epoch(rules_digest(&kept.rules), watchlist_epoch(prints)) == kept.epoch
    }

    fn list_paths(&self, kept: &Kept) -> impl Iterator<Item = PathBuf> {
        self.lists.iter().zip(&kept.lists).map(|(list, content)| self.folder.join(list_name(list.print(*content))))
    }

    /// The epochs under which slices can be judged again.
    pub fn known(&self) -> &BTreeSet<Digest> {
        &self.known
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes note that an epoch is kept now.
    pub fn note(&mut self, epoch: Digest) {
        self.known.insert(epoch);
    }

    /// The rules of an epoch.
    ///
    /// # Errors
    /// They are not there, or not those any more.
    pub fn texts(&self, epoch: Digest) -> io::Result<Vec<RuleText>> {
        Ok(self.read(epoch)?.rules)
    }

    fn read(&self, epoch: Digest) -> io::Result<Kept> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let kept = read(&self.folder.join(name_of(epoch)))?;
        if self.is_ours(&kept) && kept.epoch == epoch { Ok(kept) } else { Err(wrong("it is not what was kept")) }
    }

    /// The lists of an epoch. Those that `there` has are not read.
    ///
    /// # Errors
    /// They are not there, or damaged.
    pub fn watchlist(&self, epoch: Digest, there: &[&Arc<Watchlist>]) -> Result<Arc<Watchlist>, Refusal> {
        let unkept = |error: io::Error| unreadable(&self.folder.join(name_of(epoch)), &error);
        let kept = self.read(epoch).map_err(unkept)?;
        let mut lists = Vec::new();
        for ((config, content), path) in self.lists.iter().zip(&kept.lists).zip(self.list_paths(&kept)) {
            let print = config.print(*content);
            let known = there.iter().flat_map(|lists| lists.loaded()).find(|list| list.print() == print);
            lists.push(match known {
                Some(list) => list.clone(),
                None => {
                    let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
                    Arc::new(LoadedList::read(config, &mut BufReader::new(file))?)
                }
            });
        }
        Watchlist::new(lists).map(Arc::new)
    }

    /// Removes all but those that are needed, those of another config too: the snapshots that are left are not of them. Lists that are
    /// `on_the_way` into force stay.
    pub fn keep_only(&mut self, needed: &BTreeSet<Digest>, on_the_way: Option<&Watchlist>) {
        let gone: Vec<Digest> = self.known.union(&self.others).filter(|one| !needed.contains(one)).copied().collect();
        if gone.is_empty() {
            return;
        }
        for epoch in gone {
            let path = self.folder.join(name_of(epoch));
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), %error, "cannot remove rules that nothing needs any more");
                }
                _ => {
                    self.known.remove(&epoch);
                    self.others.remove(&epoch);
                }
            }
        }
        // Which lists an epoch needs that cannot be read now is not known: they stay until the next time.
        let kept: io::Result<Vec<Kept>> = needed.iter().map(|epoch| self.read(*epoch)).collect();
        let Ok(kept) = kept else { return };
        let needed = kept.iter().flat_map(|kept| self.list_paths(kept).collect::<Vec<_>>());
        let coming = on_the_way.iter().flat_map(|lists| lists.loaded());
        let coming = coming.map(|list| self.folder.join(list_name(list.print())));
        let needed: BTreeSet<PathBuf> = needed.chain(coming).collect();
        for path in fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path()).take(MAX_FILES)
        {
            if path.extension().is_some_and(|extension| extension == "list") && !needed.contains(&path) {
                // What cannot be removed now is asked for again with the next snapshot.
                let _ = fs::remove_file(&path);
            }
        }
    }
}

/// Keeps the rules and lists of an epoch: on disk when it returns, each file whole or not at all.
///
/// # Errors
/// What the file system reports.
pub fn keep(folder: &Path, epoch: Digest, rules: Vec<RuleText>, lists: &[Arc<LoadedList>]) -> io::Result<()> {
    let path = folder.join(name_of(epoch));
    for list in lists {
        write_whole(&folder.join(list_name(list.print())), |file| {
            let mut out = BufWriter::new(file);
            list.write(&mut out)?;
            out.flush()
        })?;
    }
    let lists = lists.iter().map(|list| list.digest()).collect();
    let bytes = serde_json::to_vec(&Kept { epoch, rules, lists })?;
    write_whole(&path, |file| file.write_all(&bytes))
}

fn write_whole(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    write(&mut file)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn name_of(epoch: Digest) -> String {
    format!("rules-{epoch}.json")
}

fn list_name(print: Digest) -> String {
    format!("{print}.list")
}

fn read(path: &Path) -> io::Result<Kept> {
    Ok(serde_json::from_str(&read_text(path, MAX_FILE)?)?)
}
