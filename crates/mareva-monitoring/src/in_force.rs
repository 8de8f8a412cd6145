//! Which rules judge which transactions. Each transaction is judged by the rules in force when it was accepted, also when a
//! late row has it judged again: a rule that is changed or retired stays for the rows it has judged until they are settled.

use std::ops::Range;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use mareva_model::{RuleRef, Table};

use crate::program::{Planned, Program};
use crate::rule::{CheckedRule, Emit};
use crate::ruleset::{Rule, Ruleset};

/// A rule and the transactions that it judges, by their numbers in the order of acceptance.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    /// Ascending with the time at which the rule took force; no two terms of a monitor have the same.
    pub id: usize,
    pub rule: Arc<Rule>,
    pub rows: Range<u64>,
    /// The slice with which it took force; 0 where it was in force from the start.
    pub since_slice: u64,
    /// Of a retired rule: the latest event time of all that it may have judged.
    pub latest: i64,
}

/// Rows of a rule that is in force: there is no end to them yet.
pub(crate) const NO_END: u64 = u64::MAX;

impl Term {
    fn new(id: usize, rule: &Rule, from: u64, since_slice: u64) -> Self {
        Self { id, rule: Arc::new(rule.clone()), rows: from..NO_END, since_slice, latest: i64::MIN }
    }

    pub fn is_live(&self) -> bool {
        self.rows.end == NO_END
    }

    fn reign(&self) -> Reign {
        let CheckedRule { needs_history_ms, emit, .. } = self.rule.checked;
        Reign { term: self.id, rows: self.rows.clone(), needs_history_ms, emit, live: self.is_live() }
    }
}

/// What a level knows of a term.
#[derive(Debug, Clone)]
pub(crate) struct Reign {
    pub term: usize,
    pub rows: Range<u64>,
    pub needs_history_ms: i64,
    pub emit: Emit,
    /// Whether the rule is in force, or is about to be, and not retired.
    live: bool,
}

impl Reign {
    /// The same for rows on timelines that are still being filled: none is judged.
    fn waiting(self) -> Self {
        Self { rows: NO_END..NO_END, ..self }
    }

    pub fn is_live(&self) -> bool {
        self.live
    }
}

/// When a change of rules takes force.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Number of the first transaction that the new rules judge.
    pub row: u64,
    /// The slice that it comes with.
    pub slice: u64,
    /// Latest event time accepted until then; none where nothing was judged.
    pub latest: Option<i64>,
    /// Rows before are settled.
    pub settled: i64,
}

/// The rules in force, and those retired whose rows are not settled.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    pub ruleset: Ruleset,
    /// Ascending by id.
    pub terms: Vec<Term>,
    next: usize,
    /// How often the rules have changed since the start.
    changes: u64,
}

impl InForce {
    /// These rules for all rows.
    pub fn new(ruleset: Ruleset) -> Self {
        let terms: Vec<Term> = ruleset.rules().iter().enumerate().map(|(id, rule)| Term::new(id, rule, 0, 0)).collect();
        Self { ruleset, next: terms.len(), terms, changes: 0 }
    }

    /// The same rules for all rows.
    pub fn anew(&self) -> Self {
        Self { changes: self.changes + 1, ..Self::new(self.ruleset.clone()) }
    }

    /// As it was saved.
    pub fn restored(ruleset: Ruleset, terms: Vec<Term>, next: usize) -> Self {
        Self { ruleset, terms, next, changes: 0 }
    }

    /// The id that the next term gets.
    pub fn next(&self) -> usize {
        self.next
    }

    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// After a change to these rules. A rule whose texts are the same goes on; of the others no row is judged by two.
    pub fn changed(&self, ruleset: &Ruleset, at: Moment) -> Self {
        let row = if at.latest.is_some() { at.row } else { 0 };
        let goes_on = |term: &Term| term.is_live() && ruleset.rules().iter().any(|rule| rule.text == term.rule.text);
        let mut terms = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let mut term = term.clone();
            if term.is_live() && !goes_on(&term) {
                term.rows.end = row;
                term.latest = at.latest.unwrap_or(i64::MIN);
            }
            if term.is_live() || !(term.rows.is_empty() || term.latest < at.settled) {
                terms.push(term);
            }
        }
        let mut next = self.next;
        for rule in ruleset.rules() {
            if terms.iter().any(|term| term.is_live() && term.rule.text == rule.text) {
                continue;
            }
            terms.push(Term::new(next, rule, row, at.slice));
            next += 1;
        }
        Self { ruleset: ruleset.clone(), terms, next, changes: self.changes + 1 }
    }

    /// The terms of a table, compiled together; in the order of their programs.
    pub fn program(&self, table: Table) -> Result<(Program, Vec<Reign>), DataFusionError> {
        let of_table = self.terms.iter().filter(|term| term.rule.table == table);
        // Of hopping windows a term has several programs.
        let (terms, planned): (Vec<&Term>, Vec<Planned>) =
            of_table.flat_map(|term| term.rule.planned().map(move |planned| (term, planned))).unzip();
        let program = Program::compile(self.ruleset.context(), table, &planned)?;
        Ok((program, terms.into_iter().map(Term::reign).collect()))
    }

    /// The same for timelines that are still being filled.
    pub fn waiting(&self, table: Table) -> Result<(Program, Vec<Reign>), DataFusionError> {
        let (program, reigns) = self.program(table)?;
        Ok((program, reigns.into_iter().map(Reign::waiting).collect()))
    }

    /// Whether a rule of this table was put in force after there had been `before` terms.
    pub fn has_new(&self, table: Table, before: usize) -> bool {
        self.terms.iter().any(|term| term.id >= before && term.rule.table == table)
    }

    /// The rows of a term; none where it is gone.
    pub fn rows(&self, id: usize) -> Range<u64> {
        self.find(id).map_or(0..0, |term| term.rows.clone())
    }

    pub fn find(&self, id: usize) -> Option<&Term> {
        self.terms.binary_search_by_key(&id, |term| term.id).ok().map(|at| &self.terms[at])
    }

    /// How long what rules say of a group of rows (of signals, or of the rest) may change after the rows are settled,
    /// milliseconds.
    pub fn longest_group(&self, signals: bool) -> i64 {
        self.longest(signals, |_| true, Rule::longest_group)
    }

    /// The same of rules that are not only tried.
    pub fn longest_group_told(&self, signals: bool) -> i64 {
        self.longest(signals, is_told, Rule::longest_group)
    }

    /// The same of rules that raise signals: those of a group come, go and move until its window closes.
    pub fn longest_group_signalled(&self) -> i64 {
        self.longest(false, |rule| rule.reference.raises_signals(), Rule::longest_group)
    }

    /// Longest window over the retained rows (or over signals), milliseconds.
    pub fn span(&self, signals: bool) -> i64 {
        self.longest(signals, |_| true, |rule| rule.reference.span_ms)
    }

    /// The same of rules that are not only tried.
    pub fn span_told(&self, signals: bool) -> i64 {
        self.longest(signals, is_told, |rule| rule.reference.span_ms)
    }

    fn longest(&self, signals: bool, counts: impl Fn(&Rule) -> bool, of: impl Fn(&Rule) -> i64) -> i64 {
        let rules = self.terms.iter().map(|term| &term.rule);
        let of_level = rules.filter(|rule| (rule.table == Table::Signals) == signals && counts(rule));
        of_level.map(|rule| of(rule)).max().unwrap_or(0)
    }
}

/// Whether anybody is told what a rule finds: nothing rests on one that is only tried.
fn is_told(rule: &Rule) -> bool {
    !rule.reference.shadow
}

/// A rule in force or retired, and the transactions it judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    /// The rule.
    pub rule: Arc<RuleRef>,
    /// The slice with which it took force; 0 where it was in force from the start.
    pub since_slice: u64,
    /// Number of the first transaction that it judges, in order of acceptance.
    pub from: u64,
    /// Number of the first that it judges no longer; none while it is in force.
    pub until: Option<u64>,
}

impl From<&Term> for Tenure {
    fn from(term: &Term) -> Self {
        let until = (!term.is_live()).then_some(term.rows.end);
        let rule = term.rule.reference.clone();
        Self { rule, since_slice: term.since_slice, from: term.rows.start, until }
    }
}
