//! Where a command may write: an output is no folder, lies in one that is there, and is nothing that the command reads, by
//! whatever name.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use mareva_kafka::Connection;
use mareva_model::Fault;

use crate::backtest::data_files;
use crate::config::Config;
use crate::open::in_the_way;
use crate::replay::unfinished;

/// Folders below a folder of rules or of a list in which there is something to read.
const DEPTH: usize = 2;

/// What a command reads, or writes already.
#[derive(Debug, Default)]
pub struct Taken {
    files: Vec<File>,
    /// Folders of which all is read.
    folders: Vec<(PathBuf, &'static str)>,
    /// Folders of which only data is read.
    data: Vec<PathBuf>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// Device and number, the same under all names of a file; none of one that is not there.
    number: Option<(u64, u64)>,
    what: &'static str,
}

impl Taken {
    /// All that a config names, and the config itself.
    pub fn by_config(path: Option<&Path>, config: &Config) -> Self {
        let mut taken = Self::default();
        let (tables, secret) = (&config.tables, "a secret");
        let files = [
            (path.unwrap_or(Path::new("")), "the config"),
            (&tables.accounts, "accounts"),
            (&tables.rates, "rates"),
            (&tables.vasps, "accounts of VASPs"),
            (&config.alerts.subject_key_file, secret),
            (&config.http.admin_token_file, secret),
        ];
        files.into_iter().for_each(|(path, what)| taken.read(path, what));
        taken.read_whole(&config.rules.path, "rules", DEPTH);
        for one in &config.lists {
            taken.read_whole(&one.list.path, "a list", DEPTH);
            one.key_file.iter().for_each(|path| taken.read(path, secret));
        }
        let of_brokers = config.kafka.iter().filter(|(key, value)| Connection::names_path(key, value));
        of_brokers.for_each(|(_, path)| taken.read(Path::new(path), secret));
        taken
    }

    /// A file that is read.
    pub fn read(&mut self, path: &Path, what: &'static str) {
        if let Ok(whole) = path.canonicalize() {
            self.files.push(File { number: file_number(&whole), path: whole, what });
        }
    }

    /// Records or tables: a file, or a folder whose data is read.
    pub fn read_data(&mut self, path: &Path) {
        const WHAT: &str = "data";
        match path.canonicalize() {
            Ok(folder) if folder.is_dir() => {
                // What cannot be listed is told where it is opened.
                data_files(&folder).unwrap_or_default().iter().for_each(|file| self.read(file, WHAT));
                self.data.push(folder);
            }
            _ => self.read(path, WHAT),
        }
    }

    /// A file, or a folder of which all is read that lies so deep.
    fn read_whole(&mut self, path: &Path, what: &'static str, depth: usize) {
        let Ok(whole) = path.canonicalize() else { return };
        if !whole.is_dir() {
            self.read(path, what);
            return;
        }
        let inside = fs::read_dir(&whole).into_iter().flatten().flatten().filter(|_| depth > 0);
        inside.for_each(|one| self.read_whole(&one.path(), what, depth - 1));
        self.folders.push((whole, what));
    }

    /// What is wrong with outputs; those that are fit are taken. Devices and pipes are written as they are.
    pub fn write(&mut self, outputs: &[&Path]) -> Vec<Fault> {
        let mut faults = Vec::new();
        for path in outputs {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut fault = |reason: String, remedy| {
                faults.push(Fault::new(path.display().to_string(), reason, remedy));
            };
            if path.is_dir() {
                fault("cannot be written: it is a folder".to_owned(), "name a file in it");
            } else if !folder.is_dir() || in_the_way(folder).is_some() {
                fault("cannot be written: its folder is not there".to_owned(), "make the folder first");
            } else if !path.exists() || path.is_file() {
                let whole = path.canonicalize().unwrap_or_else(|_| {
                    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
                    folder.join(path.file_name().unwrap_or_default())
                });
                let until_then = unfinished(&whole);
                if let Some(what) = self.what(&whole).or_else(|| self.what(&until_then)) {
                    let remedy = "give each input and output a file of its own, none of them the .partial of another";
                    fault(format!("is named for something else, too: {what}"), remedy);
                }
                let both = [whole, until_then].map(|path| File { number: file_number(&path), path, what: "an output" });
                self.files.extend(both);
            }
        }
        faults
    }

    /// What a path is taken for.
    fn what(&self, path: &Path) -> Option<&'static str> {
        let number = file_number(path);
        let is_it = |file: &&File| file.path == path || (number.is_some() && file.number == number);
        let file = self.files.iter().find(is_it).map(|file| file.what);
        let folder = || self.folders.iter().find(|(folder, _)| path.starts_with(folder)).map(|(_, what)| *what);
        // A file that is not there yet would be data the next time.
        let is_data = || path.extension().is_some_and(|end| end == "parquet" || end == "ndjson");
        let beside = || path.parent().filter(|folder| is_data() && self.data.iter().any(|data| data == folder));
        file.or_else(folder).or_else(|| beside().map(|_| "data of that folder"))
    }
}

/// Device and number of a file, the same under all its names; none of what is no file.
pub fn file_number(path: &Path) -> Option<(u64, u64)> {
    number_of(&path.metadata().ok()?)
}

/// The same of an open file.
pub fn number_of(found: &fs::Metadata) -> Option<(u64, u64)> {
    found.is_file().then(|| (found.dev(), found.ino()))
}
