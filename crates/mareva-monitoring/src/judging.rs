//! Judging rows that are on their timelines: features, conditions, detections.

use std::collections::HashMap;
use std::rc::Rc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use mareva_model::{Detection, DetectionChange};

use crate::again::BusyKeys;
use crate::base::Base;
use crate::dimension::Slot;
use crate::error::Error;
use crate::evaluate::{RuleFailure, truth};
use crate::facts::bits;
use crate::feature_values::FeatureValues;
use crate::groups::Told;
use crate::in_force::Reign;
use crate::key::Key;
use crate::level::{Judged, Level, Rows, Standing};
use crate::program::{Bound, GroupProgram, Least, RuleProgram, Stage};
use crate::timeline::AsOf;
use crate::values::{self, of_window};

/// Rows that a rule looks at, by their places in the order of judging.
#[derive(Debug, Default, Clone)]
struct Picked {
    /// Those that it judges.
    judged: Rc<Vec<u32>>,
    /// Last rows of groups that another rule judges: it tells of them no more.
    others: Vec<u32>,
}

/// Rows that are judged.
pub(super) struct Pass<'a> {
    source: &'a dyn Rows,
    pub(super) base: &'a Base,
    /// Rows of the base in the order of judging.
    pub(super) order: &'a [usize],
    /// Rows of the base from here on were judged before.
    fresh: usize,
}

impl Level {
    /// Judges rows; nothing stands on the first `fresh` of them.
    pub(super) fn judge_rows(
        &mut self,
        source: &dyn Rows,
        base: &Base,
        (fresh, busy): (usize, &BusyKeys),
        judged: &mut Judged,
    ) -> Result<(), Error> {
        let mut order: Vec<usize> = (0..base.rows.len()).filter(|i| self.gated(base.rows[*i])).collect();
        if order.is_empty() {
            return Ok(());
        }
        order.sort_by_key(|i| (base.times[*i], base.rows[*i]));
        let pass = Pass { source, base, order: &order, fresh };
        let mut picked = self.picked(&pass);
        let mut holding = self.can_hold(&pass, &picked);
        self.leave_out(&pass, busy, &mut holding);
        let mut values = FeatureValues::new(&self.program, base, &order, &self.dimensions);
        let stages = self.program.rules.iter().map(|rule| rule.stages.len()).max().unwrap_or(0);
        for stage in 0..stages {
            for (rule, holding) in self.program.rules.iter().zip(&holding) {
                let asks = rule.stages.get(stage).map_or(&[][..], |stage| &stage.features);
                values.ask(&self.program, asks, holding);
            }
            values.fetch(&self.program, &mut self.dimensions, &self.facts);
            for (rule, holding) in self.program.rules.iter().zip(&mut holding) {
                if let Some(stage) = rule.stages.get(stage).filter(|_| !holding.is_empty()) {
                    self.hold(rule, stage, &pass, &values, holding, judged)?;
                }
            }
        }
        for (rule, (picked, holding)) in picked.iter_mut().zip(&mut holding).enumerate() {
            self.keep_last(rule, &pass, picked, holding);
            values.ask(&self.program, &self.program.rules[rule].told, holding);
        }
        values.fetch(&self.program, &mut self.dimensions, &self.facts);
        for (rule, (picked, holding)) in picked.iter().zip(&holding).enumerate() {
            self.settle_rule(rule, &pass, &values, (&picked.others, &[]), judged)?;
            self.settle_rule(rule, &pass, &values, (&picked.judged, holding), judged)?;
        }
        Ok(())
    }

    /// The rows that each rule looks at. Rules of one gate look at the same ones, and have them in common.
    fn picked(&self, pass: &Pass<'_>) -> Vec<Picked> {
        let mut through = vec![Vec::new(); self.program.predicates.len()];
        for (at, index) in pass.order.iter().enumerate() {
            let mask = self.facts.mask(pass.base.rows[*index]).iter().zip(&self.program.gates);
            bits(mask.map(|(mask, gates)| mask & gates)).for_each(|gate| through[gate].push(at as u32));
        }
        let through: Vec<Rc<Vec<u32>>> = through.into_iter().map(Rc::new).collect();
        let transactions = &pass.base.transactions;
        let (first, last) = (transactions.iter().min(), transactions.iter().max());
        let rules = self.program.rules.iter().zip(&self.reigns);
        let picked = rules.map(|(rule, Reign { rows: reign, .. })| {
            let judged = through[rule.gate].clone();
            if first.zip(last).is_some_and(|(first, last)| reign.contains(first) && reign.contains(last)) {
                return Picked { judged, others: Vec::new() };
            }
            let judges = |at: &u32| reign.contains(&transactions[pass.order[*at as usize]]);
            let (judged, others): (Vec<u32>, Vec<u32>) = judged.iter().partition(|at| judges(at));
            Picked { judged: judged.into(), others: if rule.group.is_some() { others } else { Vec::new() } }
        });
        picked.collect()
    }

    /// Of the rows that each rule judges those in whose windows there are enough for it to hold.
    fn can_hold(&self, pass: &Pass<'_>, picked: &[Picked]) -> Vec<Vec<u32>> {
        let rules = &self.program.rules;
        // Where the timeline of each row lies, and how far it goes up to the row.
        let lines = |dimension: usize| -> Vec<Option<(Slot, u32)>> {
            let timelines = &self.dimensions[dimension];
            if rules.iter().flat_map(|rule| &rule.least).all(|least| least.dimension != dimension) {
                return Vec::new();
            }
            let slots: Vec<Option<Slot>> = pass.order.iter().map(|index| pass.base.slots[dimension][*index]).collect();
            let line = |(at, index): (usize, &usize)| {
                timelines.approach(&slots, at);
                slots[at].map(|slot| (slot, timelines.upto(slot, pass.base.times[*index])))
            };
            pass.order.iter().enumerate().map(line).collect()
        };
        let lines: Vec<Vec<Option<(Slot, u32)>>> = (0..self.dimensions.len()).map(lines).collect();
        let has = |Least { dimension, extent, rows }: &Least, at: u32| {
            let from = extent.start(pass.base.times[pass.order[at as usize]]);
            let line = lines[*dimension][at as usize];
            line.is_some_and(|(slot, upto)| self.dimensions[*dimension].has_since(slot, from, upto, *rows))
        };
        // Most rules ask for the same of the same rows.
        let mut known: HashMap<(*const Vec<u32>, &[Least]), Vec<u32>> = HashMap::new();
        let mut holding = Vec::with_capacity(rules.len());
        for (rule, Picked { judged, .. }) in rules.iter().zip(picked) {
            let enough = |at: &&u32| rule.least.iter().all(|least| has(least, **at));
            let found = known.entry((Rc::as_ptr(judged), &rule.least));
            holding.push(found.or_insert_with(|| judged.iter().filter(enough).copied().collect()).clone());
        }
        holding
    }

    /// Of a rule that groups its rows, only the last row of a group holds; and only of groups of which something stood there is
    /// anything to tell where it does not.
    fn keep_last(&self, rule: usize, pass: &Pass<'_>, picked: &mut Picked, holding: &mut Vec<u32>) {
        let Some(group) = self.program.rules[rule].group else { return };
        let gate = self.program.rules[rule].gate;
        let index = |at: &u32| pass.order[*at as usize];
        holding.retain(|at| self.is_last(group, gate, pass.base, index(at)));
        let term = self.reigns[rule].term;
        let any = self.groups.tells_of(term, None);
        let told = |at: &u32| any && self.groups.tells_of(term, pass.base.keys[group.dimension][index(at)]);
        let tells = |at: &u32| told(at) && self.is_last(group, gate, pass.base, index(at));
        picked.others.retain(tells);
        Rc::make_mut(&mut picked.judged).retain(|at| holding.binary_search(at).is_ok() || tells(at));
    }

    /// Whether no later row of its group counts for a rule that groups its rows.
    fn is_last(&self, group: GroupProgram, gate: usize, base: &Base, index: usize) -> bool {
        let GroupProgram { dimension, window } = group;
        let Some(key) = base.keys[dimension][index] else { return false };
        let as_of = AsOf { time: base.times[index], row: base.rows[index] };
        let end = window.extent.end(window.extent.start(as_of.time), as_of.time);
        !self.dimensions[dimension].is_followed(key, as_of, end, gate, &self.facts)
    }

    fn inputs(
        &self,
        bound: &Bound,
        columns: &[Option<ArrayRef>],
        values: &FeatureValues<'_>,
        rows: &[u32],
        indices: Option<&UInt32Array>,
    ) -> Result<Vec<ArrayRef>, Error> {
        let input = |input: &usize| match input.checked_sub(columns.len()) {
            Some(feature) => Ok(values.array(feature, rows, &self.program.features[feature].output)?),
            None => {
                let column = columns[*input].as_ref().ok_or(Error::Column)?;
                Ok(indices.map_or_else(|| Ok(column.clone()), |indices| take(column, indices, None))?)
            }
        };
        bound.inputs.iter().map(input).collect()
    }

    /// Keeps the rows for which a stage of a rule holds.
    fn hold(
        &self,
        rule: &RuleProgram,
        Stage { condition, .. }: &Stage,
        pass: &Pass<'_>,
        values: &FeatureValues<'_>,
        rows: &mut Vec<u32>,
        judged: &mut Judged,
    ) -> Result<(), Error> {
        let indices = UInt32Array::from_iter_values(rows.iter().map(|at| pass.order[*at as usize] as u32));
        let inputs = self.inputs(condition, &pass.base.columns, values, rows, Some(&indices))?;
        let found = condition.evaluate(inputs, rows.len())?;
        if let Some(failed) = &found.failed {
            judged.failures.push(RuleFailure::new(&rule.rule, "QUALIFY".to_owned(), condition, failed));
        }
        *rows = truth(&found.array)?.set_indices().map(|at| rows[at]).collect();
        Ok(())
    }

    /// Compares what holds now with what stood before.
    fn settle_rule(
        &mut self,
        rule: usize,
        pass: &Pass<'_>,
        values: &FeatureValues<'_>,
        (picked, holding): (&[u32], &[u32]),
        judged: &mut Judged,
    ) -> Result<(), Error> {
        let mut holds = holding.iter().zip(self.detections(rule, pass, values, holding, judged)?).peekable();
        let grouped = self.program.rules[rule].group;
        // Nothing stood before on rows that are all new, but of a group something may stand on another row.
        let picked = if pass.fresh == pass.base.rows.len() && grouped.is_none() { holding } else { picked };
        for at in picked {
            let now = holds.next_if(|(holding, _)| *holding == at).and_then(|(_, found)| found);
            let index = pass.order[*at as usize];
            // Of a group something may stand on another row.
            if now.is_none() && index < pass.fresh && grouped.is_none() {
                continue;
            }
            // Rows are also looked at for the sake of others.
            if grouped.is_none() && pass.base.times[index] < self.settled {
                continue;
            }
            let standing = (pass.base.times[index], pass.base.rows[index], self.reigns[rule].term);
            let before = match (grouped, &now) {
                (Some(group), _) => {
                    let Some(key) = pass.base.keys[group.dimension][index] else { continue };
                    let Some(before) = self.tell((group, key), standing, now.clone(), judged) else { continue };
                    before
                }
                (None, Some(now)) => self.standing.insert(standing, now.clone()),
                (None, None) => self.standing.remove(&standing),
            };
            let change = match (before, now) {
                (None, Some(now)) => DetectionChange::Raised(now),
                (Some(before), Some(now)) if before != now => DetectionChange::Revised(now),
                (Some(before), None) => DetectionChange::Withdrawn(before),
                _ => continue,
            };
            judged.changes.push((standing, change));
        }
        Ok(())
    }

    /// Tells of the group whose last row this is; returns what stood on the row. None of a group that is closed.
    fn tell(
        &mut self,
        (GroupProgram { dimension, window }, key): (GroupProgram, Key),
        (time, row, term): Standing,
        now: Option<Detection>,
        judged: &mut Judged,
    ) -> Option<Option<Detection>> {
        let start = self.dimensions[dimension].begins(key, window, AsOf { time, row }, &self.facts);
        let end = window.extent.end(start, time);
        if end <= self.settled {
            return None;
        }
        let range = (window.extent.start(time).min(start), window.extent.merged(start, time));
        let told = now.map(|detection| Told { row, end, detection });
        let mut gone = Vec::new();
        let before = self.groups.tell((term, key, start), range, told, row, &mut gone);
        // What another row told of the group stands no more.
        judged.changes.extend(gone.into_iter().map(|(at, detection)| (at, DetectionChange::Withdrawn(detection))));
        Some(before)
    }

    /// The detections of rows for which a rule holds; none where a row's identity or subject fails.
    fn detections(
        &self,
        rule: usize,
        pass: &Pass<'_>,
        values: &FeatureValues<'_>,
        holding: &[u32],
        judged: &mut Judged,
    ) -> Result<Vec<Option<Detection>>, Error> {
        if holding.is_empty() {
            return Ok(Vec::new());
        }
        let indices: Vec<usize> = holding.iter().map(|at| pass.order[*at as usize]).collect();
        let rows: Vec<u64> = indices.iter().map(|index| pass.base.rows[*index]).collect();
        let all = vec![true; pass.base.columns.len()];
        let (columns, _) = self.read(pass.source, &rows, &all)?;
        let program = &self.program.rules[rule];
        let mut outputs = Vec::with_capacity(program.outputs.len());
        let mut named = vec![true; rows.len()];
        for (name, bound) in program.outputs.iter().filter(|(name, _)| name != "event_time") {
            let found = bound.evaluate(self.inputs(bound, &columns, values, holding, None)?, rows.len())?;
            if let Some(failed) = &found.failed {
                judged.failures.push(RuleFailure::new(&program.rule, format!("column {name}"), bound, failed));
                if matches!(name.as_str(), "row_id" | "subject") {
                    failed.rows.set_indices().for_each(|at| named[at] = false);
                }
            }
            outputs.push((name.as_str(), found.array));
        }
        let hop = program.group.map(|group| group.window.extent).filter(|extent| extent.is_hop());
        let of_window = |time| hop.map_or_else(String::new, |hop| of_window(hop.start(time)));
        let detection = |at: usize| {
            let mut detection = Detection {
                rule: program.rule.clone(),
                row_id: String::new(),
                subject: String::new(),
                event_time: pass.base.times[indices[at]],
                columns: serde_json::Map::new(),
            };
            for (name, array) in &outputs {
                match *name {
                    "row_id" => detection.row_id = values::text(array, at) + &of_window(pass.base.times[indices[at]]),
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
