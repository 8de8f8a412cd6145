//! Records of files that were refused, by reason, and where the first of them stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mareva_model::{DeadLetter, Reason, SourcePosition};
use mareva_pipeline::LateRow;

use super::summary::word_of;
use crate::config::Config;

/// Topic and partition that a file stands for, and the file.
pub type NumberedFile = (String, i32, PathBuf);

/// One late record in so many: beyond that a file is not in the order of time.
const LATE_ONE_IN: u64 = 100;

/// The files of both streams as partitions of their topics, from 0.
pub fn numbered(config: &Config, bank: &[PathBuf], exchange: &[PathBuf]) -> Vec<NumberedFile> {
    let of_topic = |topic: &str, paths: &[PathBuf]| -> Vec<NumberedFile> {
        (0..).zip(paths).map(|(number, path)| (topic.to_owned(), number, path.clone())).collect()
    };
    [of_topic(config.bank_topic(), bank), of_topic(config.exchange_topic(), exchange)].concat()
}

/// Dead letters of files, and records that no rule judges since they are late.
#[derive(Debug, Default)]
pub struct Refused {
    pub by_reason: BTreeMap<Reason, u64>,
    /// File and line of the first, and its reason.
    pub first: Option<(String, Reason)>,
    late: u64,
    /// File and line of the first that was late.
    first_late: Option<String>,
}

impl Refused {
    /// Counts what was refused of these files.
    pub fn add(&mut self, letters: &[DeadLetter], files: &[NumberedFile]) {
        for letter in letters {
            *self.by_reason.entry(letter.reason).or_default() += 1;
            self.first.get_or_insert_with(|| (place(&letter.position, files), letter.reason));
        }
    }

    /// Counts what was late in these files.
    pub fn add_late(&mut self, rows: &[LateRow], files: &[NumberedFile]) {
        self.late += rows.len() as u64;
        if let Some(row) = rows.first() {
            self.first_late.get_or_insert_with(|| place(&row.position, files));
        }
    }

    /// That files are not in the order of time, where so many records were late.
    pub fn out_of_order(&self, produced: u64) -> Option<String> {
        let Self { late, first_late, .. } = self;
        let place = first_late.as_ref().filter(|_| late.saturating_mul(LATE_ONE_IN) > produced)?;
        Some(format!(
            "{late} of {produced} records stand behind later ones by more than allowed_lateness, and no rule judges them; the first is \
             {place}; sort each file by time"
        ))
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

/// File and line.
fn place(at: &SourcePosition, files: &[NumberedFile]) -> String {
    let file = files.iter().find(|(topic, partition, _)| *topic == at.topic && *partition == at.partition);
    let path = file.map_or(Path::new(&at.topic), |(_, _, path)| path);
    format!("{}:{}", path.display(), at.offset + 1)
}
