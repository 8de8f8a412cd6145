//! Judging rows that are on their timelines: features, conditions, detections.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use mareva_model::{Detection, DetectionChange};

use crate::aggregate::Value;
use crate::base::Base;
use crate::error::Error;
use crate::evaluate::{RuleFailure, truth};
use crate::groups::Told;
use crate::in_force::Reign;
use crate::key::Key;
use crate::level::{Judged, Level, Rows};
use crate::program::{Bound, GroupProgram};
use crate::values::{self, of_window};

impl Level {
    pub(super) fn judge_rows(&mut self, source: &dyn Rows, base: &Base, judged: &mut Judged) -> Result<(), Error> {
        let mut order: Vec<usize> = (0..base.rows.len()).filter(|i| self.gated(base.rows[*i])).collect();
        if order.is_empty() {
            return Ok(());
        }
        // In time order the cursors of a key only move forward, after at most one way back.
        order.sort_by_key(|i| (base.times[*i], base.rows[*i]));
        let features = self.feature_values(base, &order);
        for rule in 0..self.program.rules.len() {
            let (gate, reign) = (self.program.rules[rule].gate, self.reigns[rule].rows.clone());
            let judges = |i: &usize| reign.contains(&base.transactions[*i]);
            let gated = order.iter().copied().filter(|i| self.facts.holds(base.rows[*i], gate));
            let (mut picked, mut others): (Vec<usize>, Vec<usize>) = gated.partition(judges);
            picked.retain(|i| self.is_last(rule, base, *i));
            // A group whose last row another rule judges is told of by this one no more.
            others.retain(|i| self.program.rules[rule].group.is_some() && self.is_last(rule, base, *i));
            if !others.is_empty() {
                self.settle_rule(source, rule, base, &features, &others, &vec![false; others.len()], judged)?;
            }
            if picked.is_empty() {
                continue;
            }
            let held = self.qualified(rule, base, &features, &picked, judged)?;
            self.settle_rule(source, rule, base, &features, &picked, &held, judged)?;
        }
        Ok(())
    }

    /// Whether no later row of its group counts for a rule; a rule without groups judges every row.
    fn is_last(&self, rule: usize, base: &Base, index: usize) -> bool {
        let program = &self.program.rules[rule];
        let Some(group) = program.group else { return true };
        let Some(key) = base.keys[group.dimension][index] else { return false };
        let (time, row) = (base.times[index], base.rows[index]);
        let end = group.extent.end(group.extent.start(time), time);
        !self.dimensions[group.dimension].is_followed(key, time, row, end, program.gate, &self.facts)
    }

    /// When the window of a row's group began.
    fn begins(&mut self, rule: usize, group: GroupProgram, key: Key, time: i64, row: u64) -> i64 {
        let gate = self.program.rules[rule].gate;
        self.dimensions[group.dimension].begins(key, group.extent, gate, time, row, &self.facts)
    }

    /// Values of every feature at the rows of `order`; elsewhere null.
    fn feature_values(&mut self, base: &Base, order: &[usize]) -> Vec<Vec<Value>> {
        let mut features = vec![Vec::new(); self.program.features.len()];
        let wanted = self.wanted(base);
        for dimension in 0..self.dimensions.len() {
            let keys = &base.keys[dimension];
            let of_dimension = self.program.features.iter().enumerate().filter(|(_, p)| p.dimension == dimension);
            for (feature, place) in of_dimension.filter(|(feature, _)| wanted[*feature]) {
                let mut values = vec![Value::Null; base.rows.len()];
                for index in order {
                    let (Some(key), row) = (keys[*index], base.rows[*index]) else { continue };
                    if place.gates.iter().any(|gate| self.facts.holds(row, *gate)) {
                        values[*index] =
                            self.dimensions[dimension].value(key, place.index, base.times[*index], row, &self.facts);
                    }
                }
                features[feature] = values;
            }
        }
        features
    }

    /// The features of rules that judge any of these rows: those of a retired rule cost nothing where only late rows need it.
    fn wanted(&self, base: &Base) -> Vec<bool> {
        let mut wanted = vec![false; self.program.features.len()];
        let range = base.transactions.iter().min().zip(base.transactions.iter().max());
        let judges =
            |reign: &Reign| range.is_some_and(|(first, last)| reign.rows.start <= *last && *first < reign.rows.end);
        for reign in self.reigns.iter().filter(|reign| judges(reign)) {
            reign.reads.iter().for_each(|feature| wanted[*feature] = true);
        }
        wanted
    }

    fn inputs(
        &self,
        bound: &Bound,
        columns: &[Option<ArrayRef>],
        features: &[Vec<Value>],
        picked: &[usize],
        whole: bool,
    ) -> Result<Vec<ArrayRef>, Error> {
        let base_columns = columns.len();
        let mut arrays = Vec::with_capacity(bound.inputs.len());
        let indices = UInt32Array::from_iter_values(picked.iter().map(|i| *i as u32));
        for input in &bound.inputs {
            if *input >= base_columns {
                let feature = input - base_columns;
                let values = picked.iter().map(|i| &features[feature][*i]);
                arrays.push(values::array(values, &self.program.features[feature].output)?);
            } else {
                let column = columns[*input].as_ref().ok_or(Error::Column)?;
                arrays.push(if whole { column.clone() } else { take(column, &indices, None)? });
            }
        }
        Ok(arrays)
    }

    /// Which of the picked rows the rule's condition holds for.
    fn qualified(
        &self,
        rule: usize,
        base: &Base,
        features: &[Vec<Value>],
        picked: &[usize],
        judged: &mut Judged,
    ) -> Result<Vec<bool>, Error> {
        let program = &self.program.rules[rule];
        let Some(qualify) = &program.qualify else { return Ok(vec![true; picked.len()]) };
        let found = qualify.evaluate(self.inputs(qualify, &base.columns, features, picked, false)?, picked.len())?;
        if let Some(failed) = &found.failed {
            judged.failures.push(RuleFailure::new(&program.rule, "QUALIFY".to_owned(), qualify, failed));
        }
        Ok(truth(&found.array)?.iter().collect())
    }

    /// Compares what holds now with what stood before.
    #[allow(clippy::too_many_arguments)]
    fn settle_rule(
        &mut self,
        source: &dyn Rows,
        rule: usize,
        base: &Base,
        features: &[Vec<Value>],
        picked: &[usize],
        held: &[bool],
        judged: &mut Judged,
    ) -> Result<(), Error> {
        let holding: Vec<usize> = picked.iter().zip(held).filter(|(_, held)| **held).map(|(i, _)| *i).collect();
        let mut found = self.detections(source, rule, base, features, &holding, judged)?.into_iter();
        for (index, held) in picked.iter().zip(held) {
            let now = if *held { found.next().flatten() } else { None };
            let (time, row) = (base.times[*index], base.rows[*index]);
            let term = self.reigns[rule].term;
            let before = match self.program.rules[rule].group {
                Some(group) => {
                    let Some(key) = base.keys[group.dimension][*index] else { continue };
                    let start = self.begins(rule, group, key, time, row);
                    let end = group.extent.end(start, time);
                    let told = now.clone().map(|detection| Told { row, end, detection });
                    let mut gone = Vec::new();
                    let merged = group.extent.merged(start, time);
                    let before = self.groups.tell((term, key, start), merged, told, row, &mut gone);
                    // What another row told of the group stands no more.
                    let gone = gone.into_iter().map(|(at, detection)| (at, DetectionChange::Withdrawn(detection)));
                    judged.changes.extend(gone);
                    before
                }
                None => match &now {
                    Some(now) => self.standing.insert((time, row, term), now.clone()),
                    None => self.standing.remove(&(time, row, term)),
                },
            };
            let change = match (before, now) {
                (None, Some(now)) => DetectionChange::Raised(now),
                (Some(before), Some(now)) if before != now => DetectionChange::Revised(now),
                (Some(before), None) => DetectionChange::Withdrawn(before),
                _ => continue,
            };
            judged.changes.push(((time, row, term), change));
        }
        Ok(())
    }

    /// The detections of rows for which a rule holds; none where a row's identity or subject fails.
    fn detections(
        &self,
        source: &dyn Rows,
        rule: usize,
        base: &Base,
        features: &[Vec<Value>],
        holding: &[usize],
        judged: &mut Judged,
    ) -> Result<Vec<Option<Detection>>, Error> {
        if holding.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<u64> = holding.iter().map(|i| base.rows[*i]).collect();
        let all = vec![true; base.columns.len()];
        let (columns, _) = self.read(source, &rows, &all)?;
        let program = &self.program.rules[rule];
        let mut outputs = Vec::with_capacity(program.outputs.len());
        let mut named = vec![true; rows.len()];
        for (name, bound) in program.outputs.iter().filter(|(name, _)| name != "event_time") {
            let found = bound.evaluate(self.inputs(bound, &columns, features, holding, true)?, rows.len())?;
            if let Some(failed) = &found.failed {
                judged.failures.push(RuleFailure::new(&program.rule, format!("column {name}"), bound, failed));
                if matches!(name.as_str(), "row_id" | "subject") {
                    failed.rows.set_indices().for_each(|at| named[at] = false);
                }
            }
            outputs.push((name.as_str(), found.array));
        }
        let hop = program.group.map(|group| group.extent).filter(|extent| extent.is_hop());
        let of_window = |time| hop.map_or_else(String::new, |hop| of_window(hop.start(time)));
        let detection = |at: usize| {
            let mut detection = Detection {
                rule: program.rule.clone(),
                row_id: String::new(),
                subject: String::new(),
                event_time: base.times[holding[at]],
                columns: serde_json::Map::new(),
            };
            for (name, array) in &outputs {
                match *name {
                    "row_id" => detection.row_id = values::text(array, at) + &of_window(base.times[holding[at]]),
                    "subject" => detection.subject = values::text(array, at),
                    _ => {
                        detection.columns.insert((*name).to_owned(), values::json(array, at));
                    }
                }
            }
            detection
        };
        Ok((0..rows.len()).map(|at| named[at].then(|| detection(at))).collect())
    }
}
