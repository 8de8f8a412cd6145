use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// What tells whether files and folders have changed.
pub type Look = Vec<Seen>;

/// One of them. What is done to its rights shows in the time of its change alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub path: PathBuf,
    bytes: u64,
    inode: u64,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
    pub modified: Option<SystemTime>,
}

impl Seen {
    /// Whether it was put whole in the place of what was seen before: another file, whose content is older than its name.
    pub fn was_moved_here(&self, before: &Look) -> bool {
        let written = self.modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let named = u64::try_from(self.changed.0).ok().map(|seconds| Duration::new(seconds, self.changed.1 as u32));
        let was_there = before.iter().any(|seen| seen.inode == self.inode);
        !was_there && written.zip(named).is_some_and(|(written, named)| written < named)
    }
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
