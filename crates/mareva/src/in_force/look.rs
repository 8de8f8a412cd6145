use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

/// What tells whether files and folders have changed: their sizes and times.
pub type Look = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// A look at some. What is not there is no part of it: that it is gone is a change. A pipe, say, cannot be read again.
pub fn look_at(paths: impl IntoIterator<Item = PathBuf>) -> Look {
    let seen = paths.into_iter().filter_map(|path| {
        let found = fs::metadata(&path).ok().filter(|found| found.is_file() || found.is_dir())?;
        Some((path, found.len(), found.modified().ok()))
    });
    let mut look: Look = seen.collect();
    look.sort();
    look
}
