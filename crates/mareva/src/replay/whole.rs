//! Files that stand under their names only when they are whole.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::outputs::{file_number, number_of};

/// What the name of an unfinished file ends in.
pub const UNFINISHED: &str = ".partial";

/// A file that is written beside its place and moves there at the end. A device or a pipe is written as it is.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    /// Where it is written; none where that is its place.
    beside: Option<PathBuf>,
    file: BufWriter<File>,
}

impl WholeFile {
    /// Begins a file; what stands in its place stays until the end.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        // A link stays one: what it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let direct = path.metadata().is_ok_and(|found| !found.is_file());
        let beside = (!direct).then(|| unfinished(&path));
        let file = match &beside {
            Some(beside) => alone(beside)?,
            None => File::create(&path).with_context(|| cannot_write(&path))?,
        };
        Ok(Self { path, beside, file: BufWriter::with_capacity(1 << 18, file) })
    }

    /// Writes what waits in memory, so that only the move is left to do.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn settle(&mut self) -> Result<()> {
        self.file.flush().with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Where it is until it is finished.
    pub fn written(&self) -> &Path {
        self.beside.as_ref().unwrap_or(&self.path)
    }

    /// Writes what waits in memory and has it on the disk.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn sync(&mut self) -> Result<()> {
        self.settle()?;
        self.file.get_ref().sync_all().with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Empties it.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.get_ref().set_len(0)
    }

    /// Gives it up; what stands in its place stays, and a device is what it was.
    pub fn discard(self) {
        let Some(beside) = &self.beside else { return };
        if let Err(error) = fs::remove_file(beside) {
            tracing::warn!(path = %beside.display(), %error, "cannot be removed");
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn finish(mut self) -> Result<()> {
        self.settle()?;
        let moved = self.beside.as_ref().map_or(Ok(()), |beside| fs::rename(beside, &self.path));
        moved.with_context(|| format!("cannot finish {}", self.path.display()))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}; check its folder and permissions", path.display())
}

/// An empty file that no other run writes: two that did would publish a mixture.
fn alone(path: &Path) -> Result<File> {
    let file = File::options().write(true).create(true).truncate(false).open(path);
    let file = file.with_context(|| cannot_write(path))?;
    let own = file.metadata().ok().and_then(|found| number_of(&found));
    if own.is_none() {
        // A device, by a link.
        return Ok(file);
    }
    let lock = file.try_lock();
    // Where the other run has just moved it to its place, it is what that has written.
    if matches!(lock, Err(TryLockError::WouldBlock)) || file_number(path) != own {
        bail!("{} is being written by another run; wait for its end, or name another file", path.display());
    }
    // Some file systems know no locks.
    file.set_len(0).with_context(|| cannot_write(path))?;
    Ok(file)
}

/// Where a file is written until it is whole.
pub fn unfinished(path: &Path) -> PathBuf {
    beside(path, UNFINISHED)
}

/// A file beside another, by what its name has more.
pub fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(more);
    name.into()
}

#[cfg(test)]
mod tests;
