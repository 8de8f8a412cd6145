//! Lists from the config and from `--list NAME=PATH`.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use mareva_model::Refusal;
use mareva_screening::{FilterKey, ListConfig, Watchlist, load};

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

impl From<NamedPath> for ListFile {
    /// A sanctions list where the path is a folder with OFAC's files or the name begins with `sanctions` or `ofac`;
    /// otherwise accounts that institutions confirmed as used for fraud.
    fn from(named: NamedPath) -> Self {
        let is_sanctions = named.path.join("sdn.csv").exists()
            || ["sanctions", "ofac"].iter().any(|start| named.name.starts_with(start));
        let list = if is_sanctions { ListConfig::sanctions } else { ListConfig::fraud };
        Self { list: list(named.name, named.path), key_file: None }
    }
}

/// Loads the lists and puts them in force together.
///
/// # Errors
/// Every fault of every list.
pub fn watchlist(files: &[ListFile]) -> Result<Watchlist, Refusal> {
    let mut faults = Refusal::default();
    let mut loaded = Vec::new();
    for file in files {
        let mut list = file.list.clone();
        if let Some(path) = &file.key_file {
            list.key = keep(secret(path, "key_file"), &mut faults).flatten().map(FilterKey);
        }
        loaded.extend(keep(load(&list), &mut faults).map(Arc::new));
    }
    faults.into_result()?;
    Watchlist::new(loaded)
}
