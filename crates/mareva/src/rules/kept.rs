//! The rules of each epoch that a start may have to judge recorded slices again under: one file each in a folder beside the
//! snapshots, called by the epoch. Its content says the same, so that a damaged or foreign file is no epoch at all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use mareva_model::{Digest, Refusal};
use mareva_monitoring::{RuleText, rules_digest};
use mareva_pipeline::EpochFrame;
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
}

/// See the module.
#[derive(Debug)]
pub struct KeptRules {
    folder: PathBuf,
    /// All else that an epoch is made of, as it is in force now.
    frame: EpochFrame,
    known: BTreeSet<Digest>,
    /// Kept, and made with other lists, tables or another config.
    others: BTreeSet<Digest>,
}

impl KeptRules {
    /// Those that are kept in `folder`, which is made if need be. Epochs with other lists, tables or another config are not
    /// known: nothing can be judged under them.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: PathBuf, frame: EpochFrame) -> Result<Self, Refusal> {
        let failed = |error: io::Error| unreadable(&folder, &error);
        fs::create_dir_all(&folder).map_err(failed)?;
        let (mut known, mut others) = (BTreeSet::new(), BTreeSet::new());
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
                Ok((epoch, texts)) if name == name_of(epoch) => {
                    let is_ours = frame.epoch(rules_digest(&texts)) == epoch;
                    if is_ours { &mut known } else { &mut others }.insert(epoch);
                }
                _ => tracing::warn!(path = %path.display(), "these kept rules are damaged and not used"),
            }
        }
        Ok(Self { folder, frame, known, others })
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
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let (_, texts) = read(&self.folder.join(name_of(epoch)))?;
        match self.frame.epoch(rules_digest(&texts)) == epoch {
            true => Ok(texts),
            false => Err(wrong("they are not those of their epoch")),
        }
    }

    /// Removes all but those that are needed, those of other lists too: the snapshots that are left are not of them.
    pub fn keep_only(&mut self, needed: &BTreeSet<Digest>) {
        let gone: Vec<Digest> = self.known.union(&self.others).filter(|one| !needed.contains(one)).copied().collect();
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
    }
}

/// Keeps the rules of an epoch: on disk when it returns, whole or not at all.
///
/// # Errors
/// What the file system reports.
pub fn keep(folder: &Path, epoch: Digest, texts: Vec<RuleText>) -> io::Result<()> {
    let path = folder.join(name_of(epoch));
    if path.exists() {
        return Ok(());
    }
    let bytes = serde_json::to_vec(&Kept { epoch, rules: texts })?;
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&partial, &path)?;
    File::open(folder)?.sync_all()
}

fn name_of(epoch: Digest) -> String {
    format!("rules-{epoch}.json")
}

fn read(path: &Path) -> io::Result<(Digest, Vec<RuleText>)> {
    let kept: Kept = serde_json::from_str(&read_text(path, MAX_FILE)?)?;
    Ok((kept.epoch, kept.rules))
}
