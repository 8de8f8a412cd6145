use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::SystemTime;

/// What tells whether files and folders have changed.
pub type Look = Vec<Seen>;

/// One of them. What is done to its rights shows in the time of its change alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    path: PathBuf,
    bytes: u64,
    inode: u64,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
    pub modified: Option<SystemTime>,
}

/// A look at some. What is not there is no part of it: that it is gone is a change. A pipe, say, cannot be read again.
pub fn look_at(paths: impl IntoIterator<Item = PathBuf>) -> Look {
    let seen = paths.into_iter().filter_map(|path| {
        let found = fs::metadata(&path).ok().filter(|found| found.is_file() || found.is_dir())?;
        let changed = (found.ctime(), found.ctime_nsec());
        Some(Seen { path, bytes: found.len(), inode: found.ino(), changed, modified: found.modified().ok() })
    });
    let mut look: Look = seen.collect();
    look.sort();
    look
}
