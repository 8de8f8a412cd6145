//! One level of monitoring: the rules of one table, judged whenever rows come, change or go.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::TimestampMillisecondType;
use arrow::error::ArrowError;
use mareva_model::{Detection, DetectionChange};

use crate::accounts::Accounts;
use crate::again::BusyKeys;
use crate::base::{Base, keys};
use crate::dimension::{Dimension, Slot};
use crate::error::Error;
use crate::evaluate::{Failed, RuleFailure, truth};
use crate::facts::{Facts, transpose};
use crate::groups::Groups;
use crate::in_force::Reign;
use crate::key::{Key, KeyBuild};
use crate::program::{Program, RuleProgram};
use crate::values;

/// Where a level reads its rows again: retained transactions, or the signals.
pub(crate) trait Rows {
    /// The named columns of these rows.
    fn gather(&self, rows: &[u64], columns: &[String]) -> Result<RecordBatch, ArrowError>;

    /// Number of the transaction that a row is of: which rules judge it.
    fn transaction(&self, row: u64) -> u64;
}

/// A standing detection: (event time, row, term of the rule).
pub(crate) type Standing = (i64, u64, usize);

/// Times of the first and the last row that came or went, by key.
pub(super) type Disturbed = HashMap<Key, (i64, i64), KeyBuild>;

/// What a pass over one level gave.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub changes: Vec<(Standing, DetectionChange)>,
    pub failures: Vec<RuleFailure>,
}

impl Judged {
    /// Rule evaluations that failed on a row.
    pub fn rule_errors(&self) -> u64 {
        self.failures.iter().map(|failure| failure.rows).sum()
    }
}

#[derive(Debug)]
pub(crate) struct Level {
    pub program: Program,
    /// Which transactions each rule of the program judges; ascending by term.
    pub reigns: Vec<Reign>,
    pub(super) facts: Facts,
    pub(super) dimensions: Vec<Dimension>,
    /// Of rules that judge each row by itself.
    pub standing: BTreeMap<Standing, Detection>,
    /// Of rules that group their rows.
    pub groups: Groups,
    /// Of all passes: at most one for each rule, part of its SQL and kind of error.
    pub failures: Vec<RuleFailure>,
    /// What is told of rows before is settled, and of groups that have closed by then, UTC milliseconds.
    pub settled: i64,
    accounts: Arc<Accounts>,
}

impl Level {
    pub fn new((program, reigns): (Program, Vec<Reign>), accounts: Arc<Accounts>) -> Self {
        let facts = Facts::new(program.predicates.len(), program.arguments.len(), program.texts.len());
        let dimensions = program.dimensions.iter().map(|(_, layout)| Dimension::new(layout.clone())).collect();
        let (standing, groups, failures) = (BTreeMap::new(), Groups::default(), Vec::new());
        let settled = i64::MIN;
        Self { program, reigns, facts, dimensions, standing, groups, failures, settled, accounts }
    }

    /// Keys and rows on the timelines of each dimension.
    pub fn sizes(&self) -> Vec<(usize, usize)> {
        self.dimensions.iter().map(Dimension::size).collect()
    }

    /// Bytes of the facts.
    pub fn fact_bytes(&self) -> usize {
        self.facts.bytes()
    }

    /// Takes rows onto the timelines without judging them: after a restart, or as history.
    pub fn load(&mut self, source: &dyn Rows, rows: &[u64]) -> Result<(), Error> {
        let mut base = self.base(source, rows)?;
        for failure in self.note_facts(&base)? {
            failure.note(&mut self.failures);
        }
        self.enter(&mut base);
        Ok(())
    }

    /// Takes `new` rows in and `removed` rows out, and judges them and every row whose window they touch again.
    pub fn judge(&mut self, source: &dyn Rows, new: &[u64], removed: &[u64]) -> Result<Judged, Error> {
        let mut judged = Judged::default();
        let gone = self.base(source, removed)?;
        let mut affected = self.leave(&gone, &mut judged);
        let mut base = self.base(source, new)?;
        judged.failures = self.note_facts(&base)?;
        let late = self.enter(&mut base);
        let mut busy = BusyKeys::new();
        for (dimension, late) in late.iter().enumerate() {
            let (rows, keys) = self.judged_again(dimension, late);
            affected.extend(rows);
            busy.push(keys);
        }
        for row in new {
            affected.remove(row);
        }
        if !affected.is_empty() {
            let old: Vec<u64> = affected.into_iter().collect();
            let mut old = self.base(source, &old)?;
            for dimension in 0..self.dimensions.len() {
                old.slots[dimension] = self.find_lines(&old, dimension);
            }
            base = base.join(old)?;
        }
        self.judge_rows(source, &base, (new.len(), &busy), &mut judged)?;
        for failure in &judged.failures {
            failure.note(&mut self.failures);
        }
        Ok(judged)
    }

    /// Reads the columns that predicates, arguments, keys and conditions need.
    fn base(&self, source: &dyn Rows, rows: &[u64]) -> Result<Base, Error> {
        let (columns, times) = self.read(source, rows, &self.program.eager)?;
        let keys = self.program.dimensions.iter().map(|(positions, _)| keys(positions, &columns, rows.len())).collect();
        let transactions = rows.iter().map(|row| source.transaction(*row)).collect();
        let slots = vec![vec![None; rows.len()]; self.dimensions.len()];
        Ok(Base { rows: rows.to_vec(), transactions, times, columns, keys, slots })
    }

    pub(super) fn read(
        &self,
        source: &dyn Rows,
        rows: &[u64],
        wanted: &[bool],
    ) -> Result<(Vec<Option<ArrayRef>>, Vec<i64>), Error> {
        let mut columns: Vec<Option<ArrayRef>> = vec![None; wanted.len()];
        if rows.is_empty() {
            return Ok((columns, Vec::new()));
        }
        let positions: Vec<usize> = (0..self.program.own.len()).filter(|p| wanted[*p]).collect();
        let names: Vec<String> = positions.iter().map(|p| self.program.own[*p].clone()).collect();
        let batch = source.gather(rows, &names)?;
        for (position, array) in positions.into_iter().zip(batch.columns()) {
            columns[position] = Some(array.clone());
        }
        let mut places: HashMap<usize, UInt32Array> = HashMap::new();
        for (offset, (key, column)) in self.program.joined.iter().enumerate() {
            let position = self.program.own.len() + offset;
            if let (true, Some(keys)) = (wanted[position], &columns[*key]) {
                let places = places.entry(*key).or_insert_with(|| self.accounts.places(keys.as_string::<i32>()));
                columns[position] = Some(self.accounts.column(places, column)?);
            }
        }
        let time = self.program.own.iter().position(|name| name == "event_time").and_then(|p| columns[p].clone());
        let times = time.map(|t| t.as_primitive::<TimestampMillisecondType>().values().to_vec()).unwrap_or_default();
        Ok((columns, times))
    }

    /// Evaluates every distinct condition and argument once, and notes the outcome of each row.
    fn note_facts(&mut self, base: &Base) -> Result<Vec<RuleFailure>, Error> {
        let (Some(first), Some(last)) = (base.rows.iter().min(), base.rows.iter().max()) else { return Ok(Vec::new()) };
        self.facts.extend_to(*first, *last + 1);
        let (mut holds, mut failed) = (Vec::new(), Vec::new());
        for atom in &self.program.atoms {
            let found = atom.evaluate(base.inputs(atom)?, base.rows.len())?;
            holds.push(truth(&found.array)?);
            failed.push(found.failed);
        }
        self.note_predicates(base, &holds);
        for (argument, bound) in self.program.arguments.iter().enumerate() {
            // A row on which it fails counts nowhere: that it is not null, a condition of every aggregate, fails there, too.
            let found = bound.evaluate(base.inputs(bound)?, base.rows.len())?;
            values::each_key(&found.array, |index, value| self.facts.set_argument(base.rows[index], argument, value))?;
        }
        for (slot, bound) in self.program.texts.iter().enumerate() {
            let found = bound.evaluate(base.inputs(bound)?, base.rows.len())?;
            let texts = found.array.as_string_opt::<i32>().ok_or(Error::Column)?;
            for (row, text) in base.rows.iter().zip(texts) {
                if let Some(text) = text {
                    self.facts.set_text(*row, slot, text);
                }
            }
        }
        if failed.iter().all(Option::is_none) {
            return Ok(Vec::new());
        }
        let judged = |reign: &Reign| base.transactions.iter().map(|row| reign.rows.contains(row)).collect();
        let rules = self.program.rules.iter().zip(self.reigns.iter().map(judged));
        Ok(rules.filter_map(|(rule, judged)| self.undecided(rule, judged, &holds, &failed)).collect())
    }

    fn note_predicates(&mut self, base: &Base, holds: &[BooleanBuffer]) {
        let blocks = base.rows.len().div_ceil(64);
        for (word, predicates) in self.program.predicates.chunks(64).enumerate() {
            let words = predicates.iter().map(|parts| -> Vec<u64> {
                match parts.iter().map(|atom| holds[*atom].clone()).reduce(|a, b| &a & &b) {
                    Some(all) => all.bit_chunks().iter_padded().collect(),
                    None => vec![u64::MAX; blocks],
                }
            });
            let words: Vec<Vec<u64>> = words.collect();
            for (block, rows) in base.rows.chunks(64).enumerate() {
                let mut bits = [0; 64];
                for (bits, words) in bits.iter_mut().zip(&words) {
                    *bits = words[block];
                }
                transpose(&mut bits);
                for (row, bits) in rows.iter().zip(bits) {
                    self.facts.set_mask(*row, word, bits);
                }
            }
        }
    }

    /// The rows that a rule would take in, or into an aggregate, but for conditions that failed on them; of those it judges.
    fn undecided(
        &self,
        rule: &RuleProgram,
        judged: BooleanBuffer,
        holds: &[BooleanBuffer],
        failed: &[Option<Failed>],
    ) -> Option<RuleFailure> {
        let mut found: Option<(usize, BooleanBuffer)> = None;
        for predicate in &rule.predicates {
            let parts = &self.program.predicates[*predicate];
            let failing = parts.iter().filter_map(|atom| Some((*atom, failed[*atom].as_ref()?.rows.clone())));
            let Some((atom, some)) = failing.reduce(|(atom, a), (_, b)| (atom, &a | &b)) else { continue };
            let open = |atom: &usize| match &failed[*atom] {
                Some(failed) => &holds[*atom] | &failed.rows,
                None => holds[*atom].clone(),
            };
            let rows = parts.iter().map(open).fold(some, |a, b| &a & &b);
            let rows = &rows & &judged;
            if rows.count_set_bits() > 0 {
                found = Some(found.map_or_else(|| (atom, rows.clone()), |(first, before)| (first, &before | &rows)));
            }
        }
        let (atom, rows) = found?;
        let failed = Failed { rows, kind: failed[atom].as_ref()?.kind };
        let part = "WHERE, FILTER, an argument or what QUALIFY asks of the row alone".to_owned();
        Some(RuleFailure::new(&rule.rule, part, &self.program.atoms[atom], &failed))
    }

    /// Puts rows onto timelines; returns, by dimension, the keys on which rows of the same or a later time were there before, and the
    /// times of the first and the last row that came so.
    fn enter(&mut self, base: &mut Base) -> Vec<Disturbed> {
        let mut all = Vec::with_capacity(self.dimensions.len());
        for dimension in 0..self.dimensions.len() {
            let mut disturbed = Disturbed::default();
            let slots = self.find_lines(base, dimension);
            for (index, key) in base.keys[dimension].iter().enumerate() {
                self.dimensions[dimension].approach(&slots, index);
                let (row, time) = (base.rows[index], base.times[index]);
                let Some(key) = key.filter(|_| self.facts.any(row, &self.program.enters[dimension])) else { continue };
                let (slot, late) = self.dimensions[dimension].insert((key, slots[index]), time, row, &self.facts);
                base.slots[dimension][index] = Some(slot);
                if late {
                    let range = disturbed.entry(key).or_insert((time, time));
                    *range = (range.0.min(time), range.1.max(time));
                }
            }
            all.push(disturbed);
        }
        all
    }

    /// Where the timelines of the rows' keys lie, as far as they are there: looked up at one go, so that the processor waits for
    /// memory on behalf of several at once.
    fn find_lines(&self, base: &Base, dimension: usize) -> Vec<Option<Slot>> {
        let find = |key: &Option<Key>| key.and_then(|key| self.dimensions[dimension].find(key));
        base.keys[dimension].iter().map(find).collect()
    }

    fn touched(&self, dimension: usize, disturbed: &Disturbed, affected: &mut BTreeSet<u64>) {
        for (key, range) in disturbed {
            affected.extend(self.rows_behind(dimension, *key, *range).filter(|row| self.gated(*row)));
        }
    }

    /// Rows of a key whose windows may hold one of the times between `from` and `to`.
    pub(super) fn rows_behind(
        &self,
        dimension: usize,
        key: Key,
        (from, to): (i64, i64),
    ) -> impl Iterator<Item = u64> + '_ {
        let timelines = &self.dimensions[dimension];
        timelines.rows_between(key, from, to.saturating_add(timelines.layout.span))
    }

    /// Whether any rule judges this row at all.
    pub(super) fn gated(&self, row: u64) -> bool {
        self.facts.any(row, &self.program.gates)
    }

    /// Takes rows off the timelines and withdraws what stood on them; returns the rows whose windows they touched.
    fn leave(&mut self, gone: &Base, judged: &mut Judged) -> BTreeSet<u64> {
        let mut affected = BTreeSet::new();
        for dimension in 0..self.dimensions.len() {
            let mut disturbed = Disturbed::default();
            for (index, key) in gone.keys[dimension].iter().copied().enumerate() {
                let (row, time) = (gone.rows[index], gone.times[index]);
                let Some(key) = key else { continue };
                if self.facts.any(row, &self.program.enters[dimension]) {
                    self.dimensions[dimension].remove(key, time, row, &self.facts);
                    // Of its groups an earlier row may be the last one now.
                    let from = time.saturating_sub(self.dimensions[dimension].layout.grouped);
                    let range = disturbed.entry(key).or_insert((from, time));
                    *range = (range.0.min(from), range.1.max(time));
                }
            }
            self.touched(dimension, &disturbed, &mut affected);
        }
        for (index, (row, time)) in gone.rows.iter().zip(&gone.times).enumerate() {
            for (program, reign) in self.program.rules.iter().zip(&self.reigns) {
                let Some(group) = program.group else { continue };
                let Some(key) = gone.keys[group.dimension][index] else { continue };
                let extent = group.window.extent;
                let from = extent.start(*time);
                let told = self.groups.leave((reign.term, key, from), extent.merged(from, *time), *row);
                let standing = (*time, *row, reign.term);
                judged.changes.extend(told.map(|told| (standing, DetectionChange::Withdrawn(told))));
            }
        }
        for (row, time) in gone.rows.iter().zip(&gone.times) {
            affected.remove(row);
            for reign in &self.reigns {
                let key = (*time, *row, reign.term);
                if let Some(detection) = self.standing.remove(&key) {
                    judged.changes.push((key, DetectionChange::Withdrawn(detection)));
                }
            }
        }
        affected
    }

    /// Detections before `before`, which nothing can change any more.
    pub fn settle(&mut self, before: i64) -> Vec<(Standing, Detection)> {
        self.settled = self.settled.max(before);
        let later = self.standing.split_off(&(before, 0, 0));
        let alone = std::mem::replace(&mut self.standing, later);
        alone.into_iter().chain(self.groups.settle(before)).collect()
    }

    /// Takes rows off the timelines as if they had never been there. Nothing may stand on them or beside them.
    pub fn unload(&mut self, source: &dyn Rows, rows: &[u64]) -> Result<(), Error> {
        let gone = self.base(source, rows)?;
        self.leave(&gone, &mut Judged::default());
        Ok(())
    }

    /// Other timelines of the same rows take the place of these. What stands goes over: the terms of its rules are the same.
    pub fn make_way_for(&mut self, mut filled: Self) -> Self {
        filled.standing = std::mem::take(&mut self.standing);
        filled.groups = std::mem::take(&mut self.groups);
        filled.settled = self.settled;
        for failure in &self.failures {
            failure.note(&mut filled.failures);
        }
        std::mem::replace(self, filled)
    }

    /// The rule of a term, and how it reigns.
    pub fn rule(&self, term: usize) -> Option<(&RuleProgram, &Reign)> {
        let at = self.reigns.binary_search_by_key(&term, |reign| reign.term).ok()?;
        Some((&self.program.rules[at], &self.reigns[at]))
    }

    /// Detections that stand.
    pub fn stands(&self) -> impl Iterator<Item = (Standing, &Detection)> {
        self.standing.iter().map(|(at, detection)| (*at, detection)).chain(self.groups.stands())
    }

    /// How many stand.
    pub fn standing_count(&self) -> usize {
        self.standing.len() + self.groups.len()
    }

    /// Lets go of rows that no window can reach: those of `rows` and everything on their keys before `before`. Facts are
    /// kept from row `keep_from` on.
    pub fn expire(&mut self, source: &dyn Rows, rows: &[u64], before: i64, keep_from: u64) -> Result<(), Error> {
        let base = self.base(source, rows)?;
        for dimension in 0..self.dimensions.len() {
            for (key, slot) in base.keys[dimension].iter().zip(self.find_lines(&base, dimension)) {
                if let Some(place) = key.zip(slot) {
                    self.dimensions[dimension].expire(place, before, &self.facts);
                }
            }
        }
        self.facts.expire(keep_from);
        Ok(())
    }
}
