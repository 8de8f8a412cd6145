//! Files in, alerts, detections and tables out, through the same pipeline as the stream.

mod ahead;
mod merge;
mod peek;
mod refused;
mod summary;
mod tables;
#[cfg(test)]
mod tests;
mod whole;

use std::io::{self, BufWriter, Stdout, Write};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use mareva_model::{Detection, format_time};
use mareva_pipeline::{Output, Parts};
use serde_json::{Map, Value, json};

pub use ahead::{ReadSlice, read_ahead};
pub use merge::{Frame, Merge};
pub use peek::{peek_time, stream_of};
pub use refused::{NumberedFile, Refused, numbered};
pub use summary::{Tally, word_of};
use tables::TableFiles;
pub use tables::table_files;
pub use whole::{UNFINISHED, WholeFile, beside, unfinished};

/// Where a replay writes.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// Alerts; `-` is standard output.
    pub alerts: PathBuf,
    /// Settled detections.
    pub detections: Option<PathBuf>,
    /// Dead letters.
    pub dead_letters: Option<PathBuf>,
    /// Late rows.
    pub late: Option<PathBuf>,
    /// Folder for tables.
    pub tables: Option<PathBuf>,
}

/// The open files of a replay.
pub struct Writers {
    alerts: Alerts,
    detections: Option<WholeFile>,
    dead_letters: Option<WholeFile>,
    late: Option<WholeFile>,
    tables: Option<TableFiles>,
}

enum Alerts {
    Shown(BufWriter<Stdout>),
    Kept(WholeFile),
}

impl Writers {
    /// Creates all files.
    ///
    /// # Errors
    /// The first that cannot be created.
    pub fn create(targets: &Targets, parts: &Parts) -> Result<Self> {
        let maybe = |path: &Option<PathBuf>| path.as_deref().map(WholeFile::create).transpose();
        let alerts = match targets.alerts.to_str() {
            Some("-") => Alerts::Shown(BufWriter::new(io::stdout())),
            _ => Alerts::Kept(WholeFile::create(&targets.alerts)?),
        };
        let tables = targets.tables.as_deref().map(|folder| TableFiles::create(folder, &parts.accounts)).transpose()?;
        Ok(Self {
            alerts,
            detections: maybe(&targets.detections)?,
            dead_letters: maybe(&targets.dead_letters)?,
            late: maybe(&targets.late)?,
            tables,
        })
    }

    /// Writes what a slice gave.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn add(&mut self, parts: &Parts, output: &Output) -> Result<()> {
        for alert in &output.alerts {
            let out: &mut dyn Write = match &mut self.alerts {
                Alerts::Shown(out) => out,
                Alerts::Kept(file) => file,
            };
            line(out, &alert.to_json()).context("cannot write alerts")?;
        }
        if let Some(file) = &mut self.detections {
            for detection in &output.settled {
                line(file, detection_line(detection).to_string().as_bytes()).context("cannot write detections")?;
            }
        }
        if let Some(file) = &mut self.dead_letters {
            for letter in &output.dead_letters {
                line(file, &serde_json::to_vec(letter)?).context("cannot write dead letters")?;
            }
        }
        if let Some(file) = &mut self.late {
            for row in &output.late {
                line(file, &serde_json::to_vec(row)?).context("cannot write late rows")?;
            }
        }
        if let Some(tables) = &mut self.tables {
            tables.add(&parts.ruleset, &output.accepted, &output.settled)?;
        }
        Ok(())
    }

    /// Ends the files that say why nothing was judged; what stands in the place of the others stays.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn finish_refusals(self) -> Result<()> {
        [self.dead_letters, self.late].into_iter().flatten().try_for_each(WholeFile::finish)
    }

    /// Writes what is left; now the files stand under their names.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn finish(self) -> Result<()> {
        self.tables.map_or(Ok(()), TableFiles::finish)?;
        for file in [self.detections, self.dead_letters, self.late].into_iter().flatten() {
            file.finish()?;
        }
        match self.alerts {
            Alerts::Shown(mut out) => out.flush().context("cannot write alerts"),
            Alerts::Kept(file) => file.finish(),
        }
    }
}

fn line(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.write_all(b"\n")
}

/// A settled detection as a line of `--detections`: what is expected of it, and the values of its rule's parameters.
pub fn detection_line(detection: &Detection) -> Value {
    let mut line = detection_json(detection);
    line["parameters"] = json!(detection.rule.parameters);
    line
}

/// A settled detection as a line of `expected.ndjson`: where it stands, then the rule's columns.
pub fn detection_json(detection: &Detection) -> Value {
    let mut line = Map::new();
    line.insert("rule".to_owned(), json!(detection.rule.id));
    line.insert("version".to_owned(), json!(detection.rule.version));
    line.insert("row_id".to_owned(), json!(detection.row_id));
    line.insert("subject".to_owned(), json!(detection.subject));
    line.insert("event_time".to_owned(), json!(format_time(detection.event_time)));
    if detection.rule.shadow {
        line.insert("shadow".to_owned(), json!(true));
    }
    for (name, value) in &detection.columns {
        line.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Value::Object(line)
}
