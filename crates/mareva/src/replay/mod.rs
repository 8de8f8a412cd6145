//! Files in, alerts, detections and tables out, through the same pipeline as the stream.

mod merge;
mod peek;
mod summary;
mod tables;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use mareva_model::{Detection, format_time};
use mareva_pipeline::{Output, Parts};
use serde_json::{Map, Value, json};

pub use merge::{Frame, Merge};
pub use peek::{peek_time, stream_of};
pub use summary::{Tally, word_of};
use tables::TableFiles;

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
    alerts: Box<dyn Write>,
    detections: Option<BufWriter<File>>,
    dead_letters: Option<BufWriter<File>>,
    late: Option<BufWriter<File>>,
    tables: Option<TableFiles>,
}

impl Writers {
    /// Creates all files.
    ///
    /// # Errors
    /// The first that cannot be created.
    pub fn create(targets: &Targets, parts: &Parts) -> Result<Self> {
        let maybe = |path: &Option<PathBuf>| path.as_deref().map(create).transpose();
        let alerts: Box<dyn Write> = match targets.alerts.to_str() {
            Some("-") => Box::new(BufWriter::new(io::stdout())),
            _ => Box::new(create(&targets.alerts)?),
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
            line(&mut self.alerts, &alert.to_json()).context("cannot write alerts")?;
        }
        if let Some(file) = &mut self.detections {
            for detection in &output.settled {
                line(file, detection_json(detection).to_string().as_bytes()).context("cannot write detections")?;
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

    /// Writes what is left.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn finish(mut self) -> Result<()> {
        self.alerts.flush().context("cannot write alerts")?;
        for file in [&mut self.detections, &mut self.dead_letters, &mut self.late].into_iter().flatten() {
            file.flush().context("cannot write the output")?;
        }
        self.tables.map_or(Ok(()), TableFiles::finish)
    }
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot write {}; check its folder", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 18, file))
}

fn line(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.write_all(b"\n")
}

/// A settled detection as a line of `--detections` and of `expected.ndjson`: where it stands, then the rule's columns.
pub fn detection_json(detection: &Detection) -> Value {
    let mut line = Map::new();
    line.insert("rule".to_owned(), json!(detection.rule.id));
    line.insert("version".to_owned(), json!(detection.rule.version));
    line.insert("row_id".to_owned(), json!(detection.row_id));
    line.insert("subject".to_owned(), json!(detection.subject));
    line.insert("event_time".to_owned(), json!(format_time(detection.event_time)));
    for (name, value) in &detection.columns {
        line.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Value::Object(line)
}
