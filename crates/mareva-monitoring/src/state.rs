//! The state of a monitor as bytes. Timelines are not in it: they follow from the retained rows.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;

use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use mareva_model::{Detection, RuleRef, TransactionBatch, prepared_schema};
use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::error::Error;
use crate::groups::Told;
use crate::level::Level;
use crate::monitor::{Bounds, Monitor};
use crate::retained::Spill;
use crate::ruleset::Ruleset;
use crate::signals::Signal;

/// A standing detection; its rule by id, for the rules are part of the epoch.
#[derive(Serialize, Deserialize)]
struct Saved {
    row: u64,
    rule: String,
    row_id: String,
    subject: String,
    event_time: i64,
    columns: serde_json::Map<String, serde_json::Value>,
    /// Of a rule that groups its rows.
    #[serde(default)]
    group: Option<SavedGroup>,
}

/// The group that a detection tells of.
#[derive(Serialize, Deserialize)]
struct SavedGroup {
    /// Digits of the key, base 16.
    key: String,
    start: i64,
    end: i64,
}

impl Saved {
    fn of(row: u64, detection: &Detection, group: Option<SavedGroup>) -> Self {
        Self {
            row,
            rule: detection.rule.id.clone(),
            row_id: detection.row_id.clone(),
            subject: detection.subject.clone(),
            event_time: detection.event_time,
            columns: detection.columns.clone(),
            group,
        }
    }

    /// What stands on a level.
    fn all(level: &Level) -> impl Iterator<Item = Self> {
        let alone = level.standing.iter().map(|((_, row, _), detection)| Self::of(*row, detection, None));
        let grouped = level.groups.all().map(|((_, key, start), told)| {
            let group = SavedGroup { key: format!("{key:x}"), start, end: told.end };
            Self::of(told.row, &told.detection, Some(group))
        });
        alone.chain(grouped)
    }
}

#[derive(Serialize, Deserialize)]
struct State {
    first_row: u64,
    history_from: Option<i64>,
    levels: Vec<Vec<Saved>>,
    signals: Vec<Signal>,
}

fn refuse(error: impl std::fmt::Display) -> Error {
    Error::State(error.to_string())
}

/// Without the values that the message would hold.
fn no_json(error: serde_json::Error) -> Error {
    Error::State(format!("its JSON breaks off or does not fit at byte {}", error.column()))
}

impl Monitor {
    /// Writes the retained rows and what stands on them.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&self, out: &mut dyn Write) -> Result<(), Error> {
        let state = State {
            first_row: self.retained.first(),
            history_from: self.history_from,
            levels: self.levels.iter().map(|level| Saved::all(level).collect()).collect(),
            signals: self.signals.all().cloned().collect(),
        };
        let signal = |saved: Saved| Some((self.signals.get(saved.row)?.row_id.clone(), Saved { row: 0, ..saved }));
        let second: Vec<(String, Saved)> = Saved::all(&self.second).filter_map(signal).collect();
        let bytes = serde_json::to_vec(&(state, second)).map_err(refuse)?;
        out.write_all(&(bytes.len() as u64).to_le_bytes()).map_err(refuse)?;
        out.write_all(&bytes).map_err(refuse)?;
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
        let mut writer = StreamWriter::try_new_with_options(out, &prepared_schema(), options)?;
        for (_, batch) in self.retained.batches() {
            writer.write(batch.batch())?;
        }
        self.intact()?;
        writer.finish()?;
        Ok(())
    }

    /// Reads what [`Monitor::write`] wrote, under the same rules and reference tables.
    ///
    /// # Errors
    /// [`Error::State`] when the bytes do not fit.
    pub fn read(
        ruleset: &Ruleset,
        accounts: Arc<Accounts>,
        bounds: Bounds,
        spill: Option<Spill>,
        input: &mut dyn Read,
    ) -> Result<Self, Error> {
        let mut length = [0; 8];
        input.read_exact(&mut length).map_err(refuse)?;
        let mut bytes = Vec::new();
        input.take(u64::from_le_bytes(length)).read_to_end(&mut bytes).map_err(refuse)?;
        let (state, second): (State, Vec<(String, Saved)>) = serde_json::from_slice(&bytes).map_err(no_json)?;
        let mut monitor = Self::new(ruleset, accounts, bounds, spill)?;
        monitor.retained.start_at(state.first_row);
        for batch in StreamReader::try_new(input, None)? {
            let batch = TransactionBatch::try_new(batch?).map_err(|_| refuse("other columns than this version's"))?;
            monitor.load(&batch)?;
        }
        monitor.history_from = state.history_from;
        for signal in state.signals {
            monitor.signals.raise(signal);
        }
        let numbers = monitor.signals.numbers();
        monitor.second.load(&monitor.signals, &numbers)?;
        let rules: HashMap<String, Arc<RuleRef>> =
            ruleset.rules().iter().map(|r| (r.reference.id.clone(), r.reference.clone())).collect();
        for (level, saved) in monitor.levels.iter_mut().zip(state.levels) {
            for detection in saved {
                stand(level, &rules, detection)?;
            }
        }
        for (signal, detection) in second {
            let row = monitor.signals.number(&signal).ok_or_else(|| refuse("a signal is missing"))?;
            stand(&mut monitor.second, &rules, Saved { row, ..detection })?;
        }
        Ok(monitor)
    }
}

fn stand(level: &mut Level, rules: &HashMap<String, Arc<RuleRef>>, saved: Saved) -> Result<(), Error> {
    let mut programs = level.program.rules.iter().enumerate().filter(|(_, r)| r.rule.id == saved.rule);
    let (Some((index, program)), Some(rule)) = (programs.next(), rules.get(&saved.rule)) else {
        return Err(refuse(format!("rule {} is not in force", saved.rule)));
    };
    if program.group.is_some() != saved.group.is_some() {
        return Err(refuse(format!("rule {} groups its rows otherwise", saved.rule)));
    }
    let detection = Detection {
        rule: rule.clone(),
        row_id: saved.row_id,
        subject: saved.subject,
        event_time: saved.event_time,
        columns: saved.columns,
    };
    match saved.group {
        Some(group) => {
            let key = u128::from_str_radix(&group.key, 16).map_err(|_| refuse("a key is no number"))?;
            level.groups.stand((index, key, group.start), Told { row: saved.row, end: group.end, detection });
        }
        None => {
            level.standing.insert((saved.event_time, saved.row, index), detection);
        }
    }
    Ok(())
}
