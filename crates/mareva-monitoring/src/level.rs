//! One level of monitoring: the rules of one table, judged whenever rows come, change or go.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, TimestampMillisecondType};
use arrow::error::ArrowError;
use mareva_model::{Detection, DetectionChange};

use crate::accounts::Accounts;
use crate::error::Error;
use crate::key::{Key, KeyBuild, key_of, key_of_parts};
use crate::program::{Bound, Program};
use crate::timeline::{Dimension, Facts};
use crate::values;

/// Where a level reads its rows again: retained transactions, or the signals.
pub(crate) trait Rows {
    /// The named columns of these rows.
    fn gather(&self, rows: &[u64], columns: &[String]) -> Result<RecordBatch, ArrowError>;
}

/// A standing detection: (event time, row, rule).
pub(crate) type Standing = (i64, u64, usize);

/// What a pass over one level gave.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// With the row each is about.
    pub changes: Vec<(u64, DetectionChange)>,
    /// Rule evaluations that failed on a row.
    pub rule_errors: u64,
}

#[derive(Debug)]
pub(crate) struct Level {
    pub program: Program,
    facts: Facts,
    dimensions: Vec<Dimension>,
    pub standing: BTreeMap<Standing, Detection>,
    accounts: Arc<Accounts>,
}

/// Base columns of some rows; those that only detections need are left out.
struct Base {
    rows: Vec<u64>,
    times: Vec<i64>,
    columns: Vec<Option<ArrayRef>>,
    /// By dimension, then row; null where a part of the key is.
    keys: Vec<Vec<Option<Key>>>,
}

impl Level {
    pub fn new(program: Program, accounts: Arc<Accounts>) -> Self {
        let facts = Facts::new(program.predicates.len(), program.arguments.len());
        let dimensions = program.dimensions.iter().map(|(_, features)| Dimension::new(features.clone())).collect();
        Self { program, facts, dimensions, standing: BTreeMap::new(), accounts }
    }

    /// Longest span of any feature, milliseconds.
    pub fn span(&self) -> i64 {
        self.dimensions.iter().map(|d| d.span).max().unwrap_or(0)
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
        let base = self.base(source, rows)?;
        self.note_facts(&base)?;
        self.enter(&base);
        Ok(())
    }

    /// Takes `new` rows in and `removed` rows out, and judges them and every row whose window they touch again.
    pub fn judge(&mut self, source: &dyn Rows, new: &[u64], removed: &[u64]) -> Result<Judged, Error> {
        let mut judged = Judged::default();
        let gone = self.base(source, removed)?;
        let mut affected = self.leave(&gone, &mut judged);
        let mut base = self.base(source, new)?;
        self.note_facts(&base)?;
        let late = self.enter(&base);
        affected.extend(late);
        for row in new {
            affected.remove(row);
        }
        if !affected.is_empty() {
            let old: Vec<u64> = affected.into_iter().collect();
            let old = self.base(source, &old)?;
            base = base.join(old)?;
        }
        self.judge_rows(source, &base, &mut judged)?;
        Ok(judged)
    }

    /// Reads the columns that predicates, arguments, keys and conditions need.
    fn base(&self, source: &dyn Rows, rows: &[u64]) -> Result<Base, Error> {
        let eager = self.program.eager();
        let (columns, times) = self.read(source, rows, &eager)?;
        let keys = self.program.dimensions.iter().map(|(positions, _)| keys(positions, &columns, rows.len())).collect();
        Ok(Base { rows: rows.to_vec(), times, columns, keys })
    }

    fn read(
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
        for (offset, (key, column)) in self.program.joined.iter().enumerate() {
            let position = self.program.own.len() + offset;
            if let (true, Some(keys)) = (wanted[position], &columns[*key]) {
                columns[position] = Some(self.accounts.lookup(keys.as_string::<i32>(), column)?);
            }
        }
        let time = self.program.own.iter().position(|name| name == "event_time").and_then(|p| columns[p].clone());
        let times = time.map(|t| t.as_primitive::<TimestampMillisecondType>().values().to_vec()).unwrap_or_default();
        Ok((columns, times))
    }

    /// Evaluates every distinct condition and argument once, and notes the outcome of each row.
    fn note_facts(&mut self, base: &Base) -> Result<(), Error> {
        let (Some(first), Some(last)) = (base.rows.iter().min(), base.rows.iter().max()) else { return Ok(()) };
        self.facts.extend_to(*first, *last + 1);
        let atoms = self.program.atoms.iter().map(|atom| truth(atom, base)).collect::<Result<Vec<_>, _>>()?;
        for (predicate, parts) in self.program.predicates.iter().enumerate() {
            let all = parts.iter().map(|atom| atoms[*atom].clone()).reduce(|a, b| &a & &b);
            match all {
                Some(all) => all.set_indices().for_each(|index| self.facts.set_predicate(base.rows[index], predicate)),
                None => base.rows.iter().for_each(|row| self.facts.set_predicate(*row, predicate)),
            }
        }
        for (argument, bound) in self.program.arguments.iter().enumerate() {
            let array = spread(evaluate(bound, &base.inputs(bound))?, base.rows.len())?;
            values::each_key(&array, |index, value| self.facts.set_argument(base.rows[index], argument, value))?;
        }
        Ok(())
    }

    /// Puts rows onto timelines; returns the rows already there whose windows they touch.
    fn enter(&mut self, base: &Base) -> BTreeSet<u64> {
        let mut affected = BTreeSet::new();
        for dimension in 0..self.dimensions.len() {
            let mut disturbed: HashMap<Key, (i64, i64), KeyBuild> = HashMap::default();
            for (index, key) in base.keys[dimension].iter().enumerate() {
                let (row, time) = (base.rows[index], base.times[index]);
                let Some(key) = key else { continue };
                if !self.program.enters[dimension].iter().any(|p| self.facts.holds(row, *p)) {
                    continue;
                }
                if self.dimensions[dimension].insert(*key, time, row, &self.facts) {
                    let range = disturbed.entry(*key).or_insert((time, time));
                    *range = (range.0.min(time), range.1.max(time));
                }
            }
            self.touched(dimension, &disturbed, &mut affected);
        }
        affected
    }

    fn touched(&self, dimension: usize, disturbed: &HashMap<Key, (i64, i64), KeyBuild>, affected: &mut BTreeSet<u64>) {
        let timelines = &self.dimensions[dimension];
        for (key, (from, to)) in disturbed {
            let rows = timelines.rows_between(*key, *from, to.saturating_add(timelines.span));
            affected.extend(rows.filter(|row| self.gated(*row)));
        }
    }

    /// Whether any rule judges this row at all.
    fn gated(&self, row: u64) -> bool {
        self.program.rules.iter().any(|rule| self.facts.holds(row, rule.gate))
    }

    /// Takes rows off the timelines and withdraws what stood on them; returns the rows whose windows they touched.
    fn leave(&mut self, gone: &Base, judged: &mut Judged) -> BTreeSet<u64> {
        let mut affected = BTreeSet::new();
        for dimension in 0..self.dimensions.len() {
            let mut disturbed: HashMap<Key, (i64, i64), KeyBuild> = HashMap::default();
            for (index, key) in gone.keys[dimension].iter().copied().enumerate() {
                let (row, time) = (gone.rows[index], gone.times[index]);
                let Some(key) = key else { continue };
                if self.program.enters[dimension].iter().any(|p| self.facts.holds(row, *p)) {
                    self.dimensions[dimension].remove(key, time, row, &self.facts);
                    let range = disturbed.entry(key).or_insert((time, time));
                    *range = (range.0.min(time), range.1.max(time));
                }
            }
            self.touched(dimension, &disturbed, &mut affected);
        }
        for (row, time) in gone.rows.iter().zip(&gone.times) {
            affected.remove(row);
            for rule in 0..self.program.rules.len() {
                if let Some(detection) = self.standing.remove(&(*time, *row, rule)) {
                    judged.changes.push((*row, DetectionChange::Withdrawn(detection)));
                }
            }
        }
        affected
    }

    fn judge_rows(&mut self, source: &dyn Rows, base: &Base, judged: &mut Judged) -> Result<(), Error> {
        let mut order: Vec<usize> = (0..base.rows.len()).filter(|i| self.gated(base.rows[*i])).collect();
        if order.is_empty() {
            return Ok(());
        }
        // In time order the cursors of a key only move forward, after at most one way back.
        order.sort_by_key(|i| (base.times[*i], base.rows[*i]));
        let features = self.feature_values(base, &order);
        for rule in 0..self.program.rules.len() {
            let gate = self.program.rules[rule].gate;
            let picked: Vec<usize> = order.iter().copied().filter(|i| self.facts.holds(base.rows[*i], gate)).collect();
            if picked.is_empty() {
                continue;
            }
            let held = self.qualified(rule, base, &features, &picked, judged);
            self.settle_rule(source, rule, base, &features, &picked, &held, judged)?;
        }
        Ok(())
    }

    /// Values of every feature at the rows of `order`; elsewhere `None`.
    fn feature_values(&mut self, base: &Base, order: &[usize]) -> Vec<Vec<Option<i128>>> {
        let mut features = vec![Vec::new(); self.program.features.len()];
        for dimension in 0..self.dimensions.len() {
            let keys = &base.keys[dimension];
            for (feature, place) in self.program.features.iter().enumerate().filter(|(_, p)| p.dimension == dimension) {
                let mut values = vec![None; base.rows.len()];
                for index in order {
                    let (Some(key), row) = (keys[*index], base.rows[*index]) else { continue };
                    if place.gates.iter().any(|gate| self.facts.holds(row, *gate)) {
                        values[*index] =
                            self.dimensions[dimension].value(key, place.index, base.times[*index], &self.facts);
                    }
                }
                features[feature] = values;
            }
        }
        features
    }

    fn inputs(
        &self,
        bound: &Bound,
        columns: &[Option<ArrayRef>],
        features: &[Vec<Option<i128>>],
        picked: &[usize],
        whole: bool,
    ) -> Result<RecordBatch, Error> {
        let base_columns = columns.len();
        let mut arrays = Vec::with_capacity(bound.inputs.len());
        let indices = UInt32Array::from_iter_values(picked.iter().map(|i| *i as u32));
        for input in &bound.inputs {
            if *input >= base_columns {
                let feature = input - base_columns;
                let values = picked.iter().map(|i| features[feature][*i]);
                arrays.push(values::array(values, &self.program.features[feature].output)?);
            } else {
                let column = columns[*input].as_ref().ok_or(Error::Column)?;
                arrays.push(if whole { column.clone() } else { take(column, &indices, None)? });
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(picked.len()));
        Ok(RecordBatch::try_new_with_options(bound.schema.clone(), arrays, &options)?)
    }

    /// Which of the picked rows the rule's condition holds for.
    fn qualified(
        &self,
        rule: usize,
        base: &Base,
        features: &[Vec<Option<i128>>],
        picked: &[usize],
        judged: &mut Judged,
    ) -> Vec<bool> {
        let Some(qualify) = &self.program.rules[rule].qualify else { return vec![true; picked.len()] };
        let attempt = |picked: &[usize]| -> Result<Vec<bool>, Error> {
            let batch = self.inputs(qualify, &base.columns, features, picked, false)?;
            let array = qualify.expr.evaluate(&batch)?.into_array(batch.num_rows())?;
            let truth = array.as_boolean_opt().ok_or(Error::Column)?;
            Ok((0..truth.len()).map(|i| truth.is_valid(i) && truth.value(i)).collect())
        };
        attempt(picked).unwrap_or_else(|_| {
            // One row's overflow must not cost the others their judgement.
            let one = |i: &usize| {
                attempt(&[*i]).map(|held| held[0]).unwrap_or_else(|_| {
                    judged.rule_errors += 1;
                    false
                })
            };
            picked.iter().map(one).collect()
        })
    }

    /// Compares what holds now with what stood before.
    #[allow(clippy::too_many_arguments)]
    fn settle_rule(
        &mut self,
        source: &dyn Rows,
        rule: usize,
        base: &Base,
        features: &[Vec<Option<i128>>],
        picked: &[usize],
        held: &[bool],
        judged: &mut Judged,
    ) -> Result<(), Error> {
        for (index, _) in picked.iter().zip(held).filter(|(_, held)| !**held) {
            let key = (base.times[*index], base.rows[*index], rule);
            if let Some(detection) = self.standing.remove(&key) {
                judged.changes.push((key.1, DetectionChange::Withdrawn(detection)));
            }
        }
        let holding: Vec<usize> = picked.iter().zip(held).filter(|(_, held)| **held).map(|(i, _)| *i).collect();
        if holding.is_empty() {
            return Ok(());
        }
        for (index, detection) in holding.iter().zip(self.detections(source, rule, base, features, &holding)?) {
            let key = (base.times[*index], base.rows[*index], rule);
            match self.standing.insert(key, detection.clone()) {
                None => judged.changes.push((key.1, DetectionChange::Raised(detection))),
                Some(before) if before != detection => {
                    judged.changes.push((key.1, DetectionChange::Revised(detection)));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn detections(
        &self,
        source: &dyn Rows,
        rule: usize,
        base: &Base,
        features: &[Vec<Option<i128>>],
        holding: &[usize],
    ) -> Result<Vec<Detection>, Error> {
        let rows: Vec<u64> = holding.iter().map(|i| base.rows[*i]).collect();
        let all = vec![true; base.columns.len()];
        let (columns, _) = self.read(source, &rows, &all)?;
        let program = &self.program.rules[rule];
        let mut outputs = Vec::with_capacity(program.outputs.len());
        for (name, bound) in &program.outputs {
            let batch = self.inputs(bound, &columns, features, holding, true)?;
            outputs.push((name.as_str(), bound.expr.evaluate(&batch)?.into_array(batch.num_rows())?));
        }
        let mut detections = Vec::with_capacity(rows.len());
        for (at, index) in holding.iter().enumerate() {
            let mut detection = Detection {
                rule: program.rule.clone(),
                row_id: String::new(),
                subject: String::new(),
                event_time: base.times[*index],
                columns: serde_json::Map::new(),
            };
            for (name, array) in &outputs {
                match *name {
                    "row_id" => detection.row_id = values::text(array, at),
                    "subject" => detection.subject = values::text(array, at),
                    "event_time" => {}
                    _ => {
                        detection.columns.insert((*name).to_owned(), values::json(array, at));
                    }
                }
            }
            detections.push(detection);
        }
        Ok(detections)
    }

    /// Detections before `before`, which nothing can change any more.
    pub fn settle(&mut self, before: i64) -> Vec<Detection> {
        let later = self.standing.split_off(&(before, 0, 0));
        std::mem::replace(&mut self.standing, later).into_values().collect()
    }

    /// Lets go of rows that no window can reach: those of `rows` and everything on their keys before `before`. Facts are
    /// kept from row `keep_from` on.
    pub fn expire(&mut self, source: &dyn Rows, rows: &[u64], before: i64, keep_from: u64) -> Result<(), Error> {
        let base = self.base(source, rows)?;
        for dimension in 0..self.dimensions.len() {
            for key in base.keys[dimension].iter().copied().flatten() {
                self.dimensions[dimension].expire(key, before, &self.facts);
            }
        }
        self.facts.expire(keep_from);
        Ok(())
    }
}

impl Base {
    fn inputs(&self, bound: &Bound) -> Vec<Option<ArrayRef>> {
        bound.inputs.iter().map(|input| self.columns.get(*input).cloned().flatten()).collect()
    }

    fn join(mut self, other: Self) -> Result<Self, ArrowError> {
        if self.rows.is_empty() {
            return Ok(other);
        }
        for (mine, theirs) in self.columns.iter_mut().zip(other.columns) {
            if let (Some(a), Some(b)) = (&*mine, theirs) {
                *mine = Some(concat(&[a.as_ref(), b.as_ref()])?);
            }
        }
        for (mine, theirs) in self.keys.iter_mut().zip(other.keys) {
            mine.extend(theirs);
        }
        self.rows.extend(other.rows);
        self.times.extend(other.times);
        Ok(self)
    }
}

fn evaluate(bound: &Bound, inputs: &[Option<ArrayRef>]) -> Result<ArrayRef, Error> {
    let arrays: Vec<ArrayRef> = inputs.iter().cloned().collect::<Option<_>>().ok_or(Error::Column)?;
    let rows = arrays.first().map_or(1, |array| array.len());
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(bound.schema.clone(), arrays, &options)?;
    Ok(bound.expr.evaluate(&batch)?.into_array(rows)?)
}

/// An expression over no column at all has one value for every row.
fn spread(array: ArrayRef, rows: usize) -> Result<ArrayRef, ArrowError> {
    if array.len() == rows { Ok(array) } else { take(&array, &UInt32Array::from(vec![0; rows]), None) }
}

/// Keys of a dimension: of several columns, all of them together.
fn keys(positions: &[usize], columns: &[Option<ArrayRef>], rows: usize) -> Vec<Option<Key>> {
    let texts: Vec<_> = positions.iter().filter_map(|p| columns[*p].as_ref()?.as_string_opt::<i32>()).collect();
    if texts.len() != positions.len() {
        return vec![None; rows];
    }
    let null = |row: usize| texts.iter().any(|t| t.is_null(row));
    let key = |row: usize| match texts.as_slice() {
        [one] => key_of(one.value(row)),
        several => key_of_parts(several.iter().map(|t| Some(t.value(row).as_bytes()))),
    };
    (0..rows).map(|row| (!null(row)).then(|| key(row))).collect()
}

/// Where a condition is true; null is not true.
fn truth(atom: &Bound, base: &Base) -> Result<BooleanBuffer, Error> {
    let rows = base.rows.len();
    let array = spread(evaluate(atom, &base.inputs(atom))?, rows)?;
    if array.data_type() == &DataType::Null {
        return Ok(BooleanBuffer::new_unset(rows));
    }
    let array: &BooleanArray = array.as_boolean_opt().ok_or(Error::Column)?;
    Ok(match array.nulls() {
        Some(nulls) => array.values() & nulls.inner(),
        None => array.values().clone(),
    })
}
