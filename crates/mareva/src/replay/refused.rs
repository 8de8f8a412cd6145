//! Records of files that were refused, by reason, and where the first of them stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mareva_model::{DeadLetter, Reason};

use super::summary::word_of;

/// Topic and partition that a file stands for, and the file.
pub type NumberedFile = (String, i32, PathBuf);

/// Dead letters of files.
#[derive(Debug, Default)]
pub struct Refused {
    pub by_reason: BTreeMap<Reason, u64>,
    /// File and line of the first, and its reason.
    pub first: Option<(String, Reason)>,
}

impl Refused {
    /// Counts what was refused of these files.
    pub fn add(&mut self, letters: &[DeadLetter], files: &[NumberedFile]) {
        for letter in letters {
            *self.by_reason.entry(letter.reason).or_default() += 1;
            self.first.get_or_insert_with(|| (place(letter, files), letter.reason));
        }
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.by_reason.values().sum()
    }

    /// How many there are for each reason, and where the first stands; nothing where there are none.
    pub fn in_words(&self) -> Option<String> {
        let (place, reason) = self.first.as_ref()?;
        let counts: Vec<String> =
            self.by_reason.iter().map(|(reason, count)| format!("{} {count}", word_of(reason))).collect();
        Some(format!("{}; the first is {place} ({})", counts.join(", "), word_of(reason)))
    }
}

/// File and line of a dead letter.
fn place(letter: &DeadLetter, files: &[NumberedFile]) -> String {
    let at = &letter.position;
    let file = files.iter().find(|(topic, partition, _)| *topic == at.topic && *partition == at.partition);
    let path = file.map_or(Path::new(&at.topic), |(_, _, path)| path);
    format!("{}:{}", path.display(), at.offset + 1)
}
