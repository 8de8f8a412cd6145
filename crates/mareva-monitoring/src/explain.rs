//! What a rule becomes: its plan, what it shares with others, and what it costs. For people who write rules.

mod behind;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use mareva_model::Table;
use serde::Serialize;

use behind::keys_of;
pub use behind::{Behind, WindowRows, behind, behind_signals};
pub use words::span;
use words::{aggregate, expression};

use crate::aggregate::AggregateKind;
use crate::bound::literal;
use crate::plan::WindowPlan;
use crate::program::{Planned, Program};
use crate::rule::Emit;
use crate::ruleset::{Rule, Ruleset};
use crate::timeline::bytes_of_parts;

/// A rule explained.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// Its id and version.
    pub rule: String,
    /// See `rule`.
    pub version: u32,
    /// Table whose rows fire it.
    pub table: &'static str,
    /// What a row must satisfy to be judged, before any window.
    pub gate: Vec<String>,
    /// Its windowed aggregates.
    pub windows: Vec<WindowExplained>,
    /// What must hold of the windows.
    pub qualify: Vec<String>,
    /// Columns of a detection and what they are made of.
    pub outputs: Vec<(String, String)>,
    /// Other rules on the same timelines: those that share a key.
    pub shares_timelines_with: Vec<String>,
    /// Memory, and work a row.
    pub cost: Cost,
    /// Milliseconds of history without which it does not fire; its SQL does not say so.
    pub needs_history_ms: i64,
    /// Whether it tells of a window when that has closed, and not with each row.
    pub emits_on_close: bool,
    /// The SQL as stock DataFusion takes it, its parameters filled in.
    pub sql: String,
}

/// One windowed aggregate.
#[derive(Debug, Serialize)]
pub struct WindowExplained {
    /// Such as `SUM(amount_ref)`.
    pub aggregate: String,
    /// Columns that it is partitioned by.
    pub keys: Vec<String>,
    /// Milliseconds that it reaches back.
    pub span_ms: i64,
    /// The same in words; of a session its pauses.
    pub window: String,
    /// What a row must satisfy to count.
    pub counts: Vec<String>,
    /// Rules that have the very same one: it is kept once for all of them.
    pub shared_with: Vec<String>,
}

/// A windowed aggregate, with the column that shows it and the conditions of its own.
fn told(rule: &Rule, window: &WindowPlan) -> String {
    let is_it = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == window.name);
    let names_it = |expr: &Expr| expr.column_refs().iter().any(|column| column.name == window.name);
    let shown = |shows: &dyn Fn(&Expr) -> bool| rule.plan.outputs.iter().find(|(_, expr)| shows(expr));
    let name = match (shown(&is_it), shown(&names_it)) {
        (Some((name, _)), _) => format!("{name} = "),
        (None, Some((name, _))) => format!("for {name}, "),
        (None, None) => String::new(),
    };
    // What lets rows into all of them WHERE says, and of its argument that it is there.
    let of_all =
        |atom: &Expr| rule.plan.gate.contains(atom) && rule.plan.windows.iter().all(|other| other.atoms.contains(atom));
    let is_argument = |atom: &Expr| match atom {
        Expr::IsNotNull(inner) => window.argument.as_ref() == Some(inner),
        _ => false,
    };
    let own = window.atoms.iter().filter(|atom| !of_all(atom) && !is_argument(atom));
    let own: Vec<String> = own.map(|atom| expression(atom, &[])).collect();
    let condition = if own.is_empty() { String::new() } else { format!(" where {}", own.join(" AND ")) };
    format!("{name}{}{condition}", aggregate(window))
}

/// What a rule costs, estimated from the structures that hold it. Distinct values and MIN and MAX take more, as said.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// Aggregates that a row touches: if this were the only rule, and what it adds to the others.
    pub features: usize,
    /// See `features`.
    pub features_added: usize,
    /// Conditions evaluated on each row, likewise.
    pub conditions: usize,
    /// See `conditions`.
    pub conditions_added: usize,
    /// Timelines that a row may stand on, likewise.
    pub timelines: usize,
    /// See `timelines`.
    pub timelines_added: usize,
    /// Bytes for each row on its timelines.
    pub bytes_per_row: usize,
    /// See `bytes_per_row`.
    pub bytes_per_row_added: usize,
    /// Bytes for each key, over all timelines, without its rows.
    pub bytes_per_key: usize,
    /// See `bytes_per_key`.
    pub bytes_per_key_added: usize,
    /// Aggregates that take more than that: about 32 bytes for each distinct value of `COUNT(DISTINCT)`, 24 for each
    /// different value of `MIN` and `MAX`, 8 for each row of `LAG`, `ROW_NUMBER`, `FIRST_VALUE` and `LAST_VALUE`.
    pub takes_more: usize,
}

/// Bytes of a text that is kept: most are identifiers of some thirty letters.
const TEXT: usize = 40;

/// Explains the rules whose ids are given; all of them where none is.
///
/// # Errors
/// When an expression does not compile, which loading the rules would have told.
pub fn explain(ruleset: &Ruleset, only: &[String]) -> Result<Vec<Explained>, DataFusionError> {
    let chosen = |rule: &&Rule| only.is_empty() || only.contains(&rule.reference.id);
    ruleset.rules().iter().filter(chosen).map(|rule| one(ruleset, rule)).collect()
}

/// Whether all windows of a rule over signals stay within one subject.
pub fn is_of_one_subject(rule: &Rule) -> bool {
    keys_of(rule).into_iter().all(|keys| keys.iter().any(|key| key == "subject"))
}

/// The columns of a rule's detections.
pub fn columns(rule: &Rule) -> impl Iterator<Item = &str> {
    rule.plan.outputs.iter().map(|(name, _)| name.as_str())
}

fn one(ruleset: &Ruleset, rule: &Rule) -> Result<Explained, DataFusionError> {
    let others = || ruleset.rules().iter().filter(|other| other.table == rule.table && !is_same(other, rule));
    let shared = |window: &WindowPlan| -> Vec<String> {
        let has = |other: &&Rule| other.plan.windows.iter().any(|own| own.name == window.name);
        others().filter(has).map(|other| other.reference.id.clone()).collect()
    };
    let window = |window: &WindowPlan| WindowExplained {
        aggregate: aggregate(window),
        keys: window.keys.clone(),
        span_ms: window.extent.reach(),
        window: words::window(window),
        counts: window.atoms.iter().map(|atom| expression(atom, &[])).collect(),
        shared_with: shared(window),
    };
    let on_a_key = |other: &&Rule| {
        let keys = |rule: &Rule| rule.plan.windows.iter().map(|w| w.keys.clone()).collect::<BTreeSet<_>>();
        !keys(other).is_disjoint(&keys(rule))
    };
    let told = |expr: &Expr| expression(expr, &rule.plan.windows);
    Ok(Explained {
        rule: rule.reference.id.clone(),
        version: rule.reference.version,
        table: rule.table.name(),
        gate: rule.plan.gate.iter().map(told).collect(),
        windows: rule.plan.windows.iter().map(window).collect(),
        qualify: rule.plan.qualify.iter().map(told).collect(),
        outputs: rule.plan.outputs.iter().map(|(name, expr)| (name.clone(), told(expr))).collect(),
        shares_timelines_with: others().filter(on_a_key).map(|other| other.reference.id.clone()).collect(),
        cost: cost(ruleset, rule)?,
        needs_history_ms: rule.checked.needs_history_ms,
        emits_on_close: rule.checked.emit == Emit::Close,
        sql: filled_in(rule, &rule.stock()?),
    })
}

fn is_same(a: &Rule, b: &Rule) -> bool {
    a.reference.id == b.reference.id
}

/// Sizes of a program.
#[derive(Default)]
struct Sizes {
    features: usize,
    conditions: usize,
    timelines: usize,
    per_row: usize,
    per_key: usize,
    takes_more: usize,
}

impl Sizes {
    fn of(ruleset: &Ruleset, table: Table, rules: &[&Rule]) -> Result<Self, DataFusionError> {
        if rules.is_empty() {
            return Ok(Self::default());
        }
        let planned: Vec<Planned> = rules.iter().flat_map(|rule| rule.planned()).collect();
        let program = Program::compile(ruleset.context(), table, &planned)?;
        let parts = bytes_of_parts();
        let features: usize = program.dimensions.iter().map(|(_, layout)| layout.features.len()).sum();
        let timelines = program.dimensions.len();
        let masks = program.predicates.len().div_ceil(64).max(1) * 8;
        let facts = masks + program.arguments.len() * 16 + program.texts.len() * TEXT;
        let is_large =
            |window: &&WindowPlan| !window.kind.is_total() && !matches!(window.kind, AggregateKind::Spread { .. });
        Ok(Self {
            features,
            conditions: program.atoms.len(),
            timelines,
            per_row: facts + timelines * parts.row,
            per_key: timelines * parts.key + features * parts.feature,
            takes_more: rules.iter().flat_map(|rule| &rule.plan.windows).filter(is_large).count(),
        })
    }
}

fn cost(ruleset: &Ruleset, rule: &Rule) -> Result<Cost, DataFusionError> {
    let all: Vec<&Rule> = ruleset.rules().iter().filter(|other| other.table == rule.table).collect();
    let others: Vec<&Rule> = all.iter().copied().filter(|other| !is_same(other, rule)).collect();
    let [alone, with, without] = [&[rule][..], &all, &others].map(|rules| Sizes::of(ruleset, rule.table, rules));
    let (alone, with, without) = (alone?, with?, without?);
    Ok(Cost {
        features: alone.features,
        features_added: with.features.saturating_sub(without.features),
        conditions: alone.conditions,
        conditions_added: with.conditions.saturating_sub(without.conditions),
        timelines: alone.timelines,
        timelines_added: with.timelines.saturating_sub(without.timelines),
        bytes_per_row: alone.per_row,
        bytes_per_row_added: with.per_row.saturating_sub(without.per_row),
        bytes_per_key: alone.per_key,
        bytes_per_key_added: with.per_key.saturating_sub(without.per_key),
        takes_more: alone.takes_more,
    })
}

/// A rule's text with each `$name` replaced by what stands for it. Texts in quotes and comments stay as they are.
fn filled_in(rule: &Rule, sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['\'', '$', '-']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let whole = match rest.as_bytes() {
            [b'\'', ..] => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            [b'-', b'-', ..] => rest.find('\n').unwrap_or(rest.len()),
            [b'$', ..] => {
                let end = rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(rest.len(), |end| end + 1);
                let value = rule.checked.parameters.iter().find(|(name, _)| *name == rest[1..end]);
                if let Some((_, value)) = value {
                    out.push_str(&literal(value));
                    rest = &rest[end..];
                    continue;
                }
                end
            }
            _ => 1,
        };
        out.push_str(&rest[..whole]);
        rest = &rest[whole..];
    }
    out.push_str(rest);
    out
}
