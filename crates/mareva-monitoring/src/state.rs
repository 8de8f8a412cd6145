//! The state of a monitor as bytes. Timelines are not in it: they follow from the retained rows.

use std::io::{Read, Write};
use std::ops::Range;
use std::sync::Arc;

use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use mareva_model::{Detection, TransactionBatch, prepared_schema};
use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::error::Error;
use crate::groups::Told;
use crate::in_force::{InForce, NO_END, Term};
use crate::level::{Level, Standing};
use crate::monitor::{Bounds, Monitor};
use crate::retained::{Block, Spill};
use crate::rule::RuleText;
use crate::ruleset::Ruleset;
use crate::signals::Signal;

/// A standing detection; its rule by the term.
#[derive(Serialize, Deserialize)]
struct Saved {
    row: u64,
    term: usize,
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
    fn of((_, row, term): Standing, detection: &Detection, group: Option<SavedGroup>) -> Self {
        Self {
            row,
            term,
            row_id: detection.row_id.clone(),
            subject: detection.subject.clone(),
            event_time: detection.event_time,
            columns: detection.columns.clone(),
            group,
        }
    }

    /// What stands on a level.
    fn all(level: &Level) -> impl Iterator<Item = Self> {
        let alone = level.standing.iter().map(|(at, detection)| Self::of(*at, detection, None));
        let grouped = level.groups.all().map(|((term, key, start), told)| {
            let group = SavedGroup { key: format!("{key:x}"), start, end: told.end };
            Self::of((told.detection.event_time, told.row, term), &told.detection, Some(group))
        });
        alone.chain(grouped)
    }
}

/// A rule in force, or one that was and whose rows are not settled.
#[derive(Serialize, Deserialize)]
struct SavedTerm {
    id: usize,
    folder: String,
    toml: String,
    sql: String,
    from: u64,
    until: u64,
    since_slice: u64,
    latest: i64,
}

#[derive(Serialize, Deserialize)]
struct State {
    first_row: u64,
    history_from: Option<i64>,
    terms: Vec<SavedTerm>,
    next_term: usize,
    latest: Option<i64>,
    settled: i64,
    /// Of each level, the second last.
    levels_settled: Vec<i64>,
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

/// The state of a monitor at one moment, to be written while the monitor goes on: of the retained rows it holds what they are
/// shared by.
#[derive(Debug)]
pub struct MonitorState {
    /// All but the rows.
    head: Vec<u8>,
    blocks: Vec<Block>,
}

impl MonitorState {
    /// Writes it: rows on disk are read for that.
    ///
    /// # Errors
    /// When writing or reading fails.
    pub fn write(self, out: &mut dyn Write) -> Result<(), Error> {
        out.write_all(&(self.head.len() as u64).to_le_bytes()).map_err(refuse)?;
        out.write_all(&self.head).map_err(refuse)?;
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
        let mut writer = StreamWriter::try_new_with_options(out, &prepared_schema(), options)?;
        for block in self.blocks {
            let rows = block.read()?;
            writer.write(rows.batch())?;
        }
        writer.finish()?;
        Ok(())
    }
}

impl Monitor {
    /// What a snapshot holds, as it is now.
    ///
    /// # Errors
    /// When what stands cannot be written as JSON, which would be a fault of this crate.
    pub fn state(&self) -> Result<MonitorState, Error> {
        let state = State {
            first_row: self.retained.first(),
            history_from: self.history_from,
            terms: self.in_force.terms.iter().map(SavedTerm::of).collect(),
            next_term: self.in_force.next(),
            latest: self.latest,
            settled: self.settled,
            levels_settled: self.levels.iter().chain([&self.second]).map(|level| level.settled).collect(),
            levels: self.levels.iter().map(|level| Saved::all(level).collect()).collect(),
            signals: self.signals.all().cloned().collect(),
        };
        let signal = |saved: Saved| Some((self.signals.get(saved.row)?.row_id.clone(), Saved { row: 0, ..saved }));
        let second: Vec<(String, Saved)> = Saved::all(&self.second).filter_map(signal).collect();
        let head = serde_json::to_vec(&(state, second)).map_err(refuse)?;
        self.intact()?;
        Ok(MonitorState { head, blocks: self.retained.blocks(self.retained.first()).collect() })
    }

    /// Reads what [`MonitorState::write`] wrote, under the rules that were in force then and the same reference tables. `ruleset`
    /// spares compiling them where it is the same.
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
        let mut monitor = Self::under(in_force(ruleset, state.terms, state.next_term)?, accounts, bounds, spill)?;
        monitor.retained.start_at(state.first_row);
        for batch in StreamReader::try_new(input, None)? {
            let batch = TransactionBatch::try_new(batch?).map_err(|_| refuse("other columns than this version's"))?;
            monitor.load(&batch)?;
        }
        monitor.warm()?;
        monitor.history_from = state.history_from;
        (monitor.latest, monitor.settled) = (state.latest, state.settled);
        for signal in state.signals {
            monitor.signals.raise(signal);
        }
        let numbers = monitor.signals.numbers();
        monitor.second.load(&monitor.signals, &numbers)?;
        for (level, saved) in monitor.levels.iter_mut().zip(state.levels) {
            for detection in saved {
                stand(level, &monitor.in_force, detection)?;
            }
        }
        for (signal, detection) in second {
            let row = monitor.signals.number(&signal).ok_or_else(|| refuse("a signal is missing"))?;
            stand(&mut monitor.second, &monitor.in_force, Saved { row, ..detection })?;
        }
        for (level, settled) in monitor.levels.iter_mut().chain([&mut monitor.second]).zip(state.levels_settled) {
            level.settled = settled;
        }
        Ok(monitor)
    }
}

impl SavedTerm {
    fn of(term: &Term) -> Self {
        let RuleText { folder, toml, sql } = term.rule.text.clone();
        let Range { start, end } = term.rows;
        let (since_slice, latest) = (term.since_slice, term.latest);
        Self { id: term.id, folder, toml, sql, from: start, until: end, since_slice, latest }
    }

    fn text(&self) -> RuleText {
        RuleText { folder: self.folder.clone(), toml: self.toml.clone(), sql: self.sql.clone() }
    }
}

/// The rules of a saved state, compiled again.
fn in_force(ruleset: &Ruleset, saved: Vec<SavedTerm>, next: usize) -> Result<InForce, Error> {
    let load = |texts: &[RuleText]| {
        Ruleset::load(texts).map_err(|refusal| refuse(format!("{} faults in its rules", refusal.0.len())))
    };
    let live: Vec<RuleText> = saved.iter().filter(|term| term.until == NO_END).map(SavedTerm::text).collect();
    let same = live.len() == ruleset.rules().len() && ruleset.rules().iter().all(|rule| live.contains(&rule.text));
    let ruleset = if same { ruleset.clone() } else { load(&live)? };
    let mut terms: Vec<Term> = Vec::with_capacity(saved.len());
    for SavedTerm { id, from, until, since_slice, latest, .. } in &saved {
        let text = saved[terms.len()].text();
        let retired = if *until == NO_END { None } else { Some(load(std::slice::from_ref(&text))?) };
        let mut rules = retired.as_ref().unwrap_or(&ruleset).rules().iter();
        let rule = rules.find(|rule| rule.text == text).ok_or_else(|| refuse("a rule is missing"))?;
        let (rule, rows) = (Arc::new(rule.clone()), *from..*until);
        terms.push(Term { id: *id, rule, rows, since_slice: *since_slice, latest: *latest });
    }
    let in_order = terms.windows(2).all(|pair| pair[0].id < pair[1].id) && terms.iter().all(|term| term.id < next);
    if !in_order {
        return Err(refuse("its rules are out of order"));
    }
    Ok(InForce::restored(ruleset, terms, next))
}

fn stand(level: &mut crate::level::Level, in_force: &InForce, saved: Saved) -> Result<(), Error> {
    let (true, Some(term)) = (level.rule(saved.term).is_some(), in_force.find(saved.term)) else {
        return Err(refuse("a rule of a standing detection is missing"));
    };
    let groups = level.rule(saved.term).is_some_and(|(program, _)| program.group.is_some());
    if groups != saved.group.is_some() {
        return Err(refuse("a rule groups its rows otherwise"));
    }
    let detection = Detection {
        rule: term.rule.reference.clone(),
        row_id: saved.row_id,
        subject: saved.subject,
        event_time: saved.event_time,
        columns: saved.columns,
    };
    let standing = (saved.event_time, saved.row, saved.term);
    match saved.group {
        Some(group) => {
            let key = u128::from_str_radix(&group.key, 16).map_err(|_| refuse("a key is no number"))?;
            let told = Told { row: saved.row, end: group.end, detection };
            level.groups.stand((saved.term, key, group.start), told);
        }
        None => {
            level.standing.insert(standing, detection);
        }
    }
    Ok(())
}
