//! Files that nothing else can see: they have no name from the moment they are open, so that none is left however a run ends.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};

/// Makes such files in a folder.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    made: AtomicU64,
}

/// In the folder that TMPDIR names.
impl Default for Scratch {
    fn default() -> Self {
        Self::inside(std::env::temp_dir())
    }
}

impl Scratch {
    /// In this folder.
    pub fn inside(folder: PathBuf) -> Self {
        Self { folder, made: AtomicU64::new(0) }
    }

    /// Sees that a file can be made, before hours are spent on what goes into it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn try_it(&self) -> Result<()> {
        self.file(0).map(drop).with_context(|| {
            let folder = self.folder.display();
            format!("cannot write temporary files into {folder}; set TMPDIR to a folder with space that can be written")
        })
    }

    /// A file to write, and as many readers of it, each with a position of its own.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn file(&self, readers: usize) -> io::Result<(File, Vec<File>)> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("mareva-{}-{number}.tmp", std::process::id()));
        // It holds accounts and names: for the owner alone.
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        let opened: io::Result<Vec<File>> = (0..readers).map(|_| File::open(&path)).collect();
        fs::remove_file(&path)?;
        Ok((file, opened?))
    }
}
