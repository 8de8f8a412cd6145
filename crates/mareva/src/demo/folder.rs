//! A folder for the simulation's lists and tables, gone with the value.

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

use mareva_sim::Reference;

pub struct Folder(PathBuf);

impl Folder {
    /// Writes what a config of the simulation names.
    pub fn write(reference: &Reference) -> io::Result<Self> {
        let folder = Self(env::temp_dir().join(format!("mareva-demo-{}", process::id())));
        fs::create_dir_all(folder.0.join("sanctions"))?;
        let tables = [
            ("accounts.ndjson", &reference.accounts),
            ("mules.csv", &reference.mules_csv),
            ("vasps.csv", &reference.vasps_csv),
            ("rates.csv", &reference.rates_csv),
        ];
        for (name, content) in tables {
            fs::write(folder.0.join(name), content)?;
        }
        for (name, content) in &reference.sanctions {
            fs::write(folder.0.join("sanctions").join(name), content)?;
        }
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans the folder of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
