use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use mareva_model::{Digest, digest};
use mareva_screening::LoadedList;
use serde::{Deserialize, Serialize};

use crate::config::{ListFetch, read_text};
use crate::replay::beside;

/// Bytes of one.
const MAX_RECEIPT: u64 = 1 << 20;

/// What a server said of the version that it sent last, so that it need not send it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipt {
    /// Digest of where it came from and by what it was proven; a URL may hold a token.
    source: Digest,
    /// Digest of the list that was made of it.
    list: Digest,
    pub tags: Tags,
}

/// The marks by which a server knows a version (RFC 9110, 8.8).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tags {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

impl Receipt {
    pub fn of(source: &ListFetch, tags: Tags, list: &LoadedList) -> Self {
        Self { source: print(source), list: list.digest(), tags }
    }

    /// The one beside a list; one that cannot be read is none.
    pub fn read(list: &Path) -> Option<Self> {
        serde_json::from_str(&read_text(&beside(list, SUFFIX), MAX_RECEIPT).ok()?).ok()
    }

    /// Whether it is of what is there, of that server, and was proven as is asked now.
    pub fn is_of(&self, source: &ListFetch, list: Option<&LoadedList>) -> bool {
        self.source == print(source) && list.is_some_and(|list| list.digest() == self.list)
    }

    /// Keeps it: the time of its file is when the publisher was asked last.
    pub fn keep(&self, list: &Path) -> io::Result<()> {
        fs::write(beside(list, SUFFIX), serde_json::to_vec(self)?)
    }
}

fn print(source: &ListFetch) -> Digest {
    let ListFetch { url, sha256, public_key, signature, .. } = source;
    digest(format!("{url:?} {sha256:?} {public_key:?} {signature:?}").as_bytes())
}

const SUFFIX: &str = ".fetched.json";

/// When the publisher of a list last sent it, or said that it is as it was.
pub fn checked_at(list: &Path) -> Option<SystemTime> {
    fs::metadata(beside(list, SUFFIX)).ok()?.modified().ok()
}
