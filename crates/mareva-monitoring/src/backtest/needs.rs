//! What rules read, and which of them can share one way through a table. It is read off DataFusion's own plan, so that it
//! holds for every form of SQL that a rule may have.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};
use datafusion::prelude::SessionContext;
use mareva_model::{Refusal, Table};

use super::Variant;
use crate::accounts::accounts_schema;
use crate::bound::bound;
use crate::plan::{reads_a_table, session};
use crate::rule_text::Sql;
use crate::ruleset::Rule;
use crate::tables::schema_of;

/// One way through a table, for rules whose windows never reach from one value of `key` to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The table.
    pub table: Table,
    /// The column that rows are split by; none where the rule needs the table as a whole.
    pub key: Option<String>,
    /// Columns that its rules read, in the order of the table.
    pub columns: Vec<String>,
    /// Places of its rules in what [`passes`] was given.
    pub variants: Vec<usize>,
    /// Whether accounts are joined by `key` alone, so that each part needs its own only.
    pub(super) joins_by_key: bool,
    /// Whether every rule asks for `key IS NOT NULL` of all rows, so that those without it need not be kept.
    pub(super) skips_null: bool,
}

/// What a rule reads.
struct Needs {
    columns: BTreeSet<String>,
    /// Columns that every window and every group is partitioned by; none where it has neither.
    keys: Option<BTreeSet<String>>,
    /// Columns that accounts are joined by; `None` among them is something else than a column.
    joined_by: BTreeSet<Option<String>>,
    /// Columns that are not null in any row that comes to a window.
    present: BTreeSet<String>,
}

/// Ways through the tables for all variants that do not start from signals.
///
/// # Errors
/// A variant that stock DataFusion cannot plan.
pub fn passes(variants: &[Variant]) -> Result<Vec<Pass>, Refusal> {
    let context = session(&accounts_schema())
        .map_err(|e| Refusal::one("rules", e.to_string(), "report this: the rule tables themselves do not plan"))?;
    let mut faults = Refusal::default();
    let mut left: Vec<(usize, Table, Needs)> = Vec::new();
    for (at, variant) in variants.iter().enumerate().filter(|(_, v)| v.rule.table != Table::Signals) {
        match futures::executor::block_on(needs(&context, variant)) {
            Ok(needs) => left.push((at, variant.rule.table, needs)),
            Err(error) => {
                faults.0.push(Sql::new(variant.rule.place(), &variant.rule.sql).engine(&error));
            }
        }
    }
    faults.into_result()?;
    let mut passes = Vec::new();
    while let Some(table) = left.first().map(|(_, table, _)| *table) {
        let key = most_shared(left.iter().filter(|one| one.1 == table).map(|one| &one.2));
        let fits = |(_, own, needs): &(usize, Table, Needs)| {
            *own == table && key.as_ref().is_none_or(|key| needs.keys.as_ref().is_none_or(|keys| keys.contains(key)))
        };
        let (taken, others): (Vec<_>, Vec<_>) = left.into_iter().partition(fits);
        left = others;
        match key {
            Some(key) => passes.push(pass(table, Some(key), &taken)),
            // Nothing to share: each goes its own way.
            None => passes.extend(taken.iter().map(|one| pass(table, None, std::slice::from_ref(one)))),
        }
    }
    Ok(passes)
}

/// The key column that most rules have in all their windows.
fn most_shared<'n>(needs: impl Iterator<Item = &'n Needs>) -> Option<String> {
    let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
    for key in needs.filter_map(|needs| needs.keys.as_ref()).flatten() {
        *votes.entry(key).or_default() += 1;
    }
    votes.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0))).map(|(key, _)| key.to_owned())
}

fn pass(table: Table, key: Option<String>, rules: &[(usize, Table, Needs)]) -> Pass {
    let mut wanted: BTreeSet<&str> = rules.iter().flat_map(|(.., n)| n.columns.iter().map(String::as_str)).collect();
    wanted.extend(key.as_deref().into_iter().chain(["event_time"]));
    let schema = schema_of(table);
    let columns = schema.fields().iter().map(|f| f.name()).filter(|name| wanted.contains(name.as_str()));
    let by_key = |needs: &Needs| needs.joined_by.iter().all(|column| column.is_some() && *column == key);
    Pass {
        table,
        columns: columns.cloned().collect(),
        variants: rules.iter().map(|(at, ..)| *at).collect(),
        joins_by_key: rules.iter().all(|(.., needs)| by_key(needs)),
        skips_null: key.as_ref().is_some_and(|key| rules.iter().all(|(.., needs)| needs.present.contains(key))),
        key,
    }
}

/// Columns of its table that stock DataFusion reads for a rule.
pub(crate) async fn columns_read(rule: &Rule) -> Result<BTreeSet<String>, DataFusionError> {
    let context = session(&accounts_schema())?;
    let plan = bound(&context, &rule.stock()?, &rule.checked.parameters).await?;
    let mut columns = scanned(&context.state().optimize(&plan)?, rule.table.name())?;
    columns.extend(named(rule));
    Ok(columns)
}

/// Columns that the text names: the optimizer may need them no more, and the planner asks for them.
fn named(rule: &Rule) -> impl Iterator<Item = String> {
    let text = Sql::new(rule.place(), &rule.sql);
    let takes_all = text.has("exclude") || text.has("except");
    let schema = schema_of(rule.table);
    let wanted: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    wanted.into_iter().filter(move |name| takes_all || text.has(name) || text.has(&format!("\"{name}\"")))
}

async fn needs(context: &SessionContext, variant: &Variant) -> Result<Needs, DataFusionError> {
    let plan = bound(context, &variant.rule.stock()?, &variant.rule.checked.parameters).await?;
    let table = variant.rule.table.name();
    let (names, of_table) = (names_of(&plan, table)?, schema_of(variant.rule.table));
    let column = |expr: &Expr| match expr {
        Expr::Column(column) => {
            let own = column.relation.as_ref().is_some_and(|relation| names.contains(relation.table()));
            // What `hop` and `session` stand for makes a column of its own.
            own.then(|| column.name.clone()).filter(|name| of_table.field_with_name(name).is_ok())
        }
        _ => None,
    };
    let mut keys: Option<BTreeSet<String>> = None;
    let (mut joined_by, mut present) = (BTreeSet::new(), BTreeSet::new());
    let mut narrow = |by: &[Expr]| {
        let by: BTreeSet<String> = by.iter().filter_map(&column).collect();
        keys = Some(match keys.take() {
            Some(keys) => keys.intersection(&by).cloned().collect(),
            None => by,
        });
    };
    // Two scans meet rows of other keys in ways that this does not look into.
    let scans = count_scans(&plan, table)?;
    if scans != 1 {
        narrow(&[]);
    }
    plan.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::Window(window) => window.window_expr.iter().for_each(|expr| {
                if let Expr::WindowFunction(function) = expr.clone().unalias() {
                    narrow(&function.params.partition_by);
                }
            }),
            // WHERE; a filter right above windows is QUALIFY, which takes no row out of them.
            LogicalPlan::Filter(filter) if !matches!(filter.input.as_ref(), LogicalPlan::Window(_)) => {
                present.extend(split_conjunction(&filter.predicate).into_iter().filter_map(|atom| match atom {
                    Expr::IsNotNull(inner) => column(inner),
                    _ => None,
                }));
            }
            LogicalPlan::Aggregate(aggregate) => narrow(&aggregate.group_expr),
            LogicalPlan::Distinct(_) | LogicalPlan::Limit(_) | LogicalPlan::Union(_) => narrow(&[]),
            // Until it optimises, DataFusion leaves the condition in the filter.
            LogicalPlan::Join(join) if reads_a_table(&join.right) => match (join.on.as_slice(), &join.filter) {
                ([(left, right)], None) => _ = joined_by.insert(column(left).or_else(|| column(right))),
                ([], Some(Expr::BinaryExpr(equal))) if equal.op == Operator::Eq => {
                    joined_by.insert(column(&equal.left).or_else(|| column(&equal.right)));
                }
                _ => _ = joined_by.insert(None),
            },
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let mut columns = scanned(&context.state().optimize(&plan)?, table)?;
    columns.extend(named(&variant.rule));
    if scans != 1 {
        present.clear();
    }
    Ok(Needs { columns, keys, joined_by, present })
}

/// Names that the table goes by: its own and its aliases.
fn names_of(plan: &LogicalPlan, table: &str) -> Result<BTreeSet<String>, DataFusionError> {
    let is_scan = |plan: &LogicalPlan| matches!(plan, LogicalPlan::TableScan(scan) if scan.table_name.table() == table);
    let mut names = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::SubqueryAlias(alias) if is_scan(&alias.input) => {
                names.insert(alias.alias.table().to_owned());
            }
            node if is_scan(node) => {
                names.insert(table.to_owned());
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(names)
}

fn count_scans(plan: &LogicalPlan, table: &str) -> Result<usize, DataFusionError> {
    let mut scans = 0;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            scans += usize::from(scan.table_name.table() == table);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(scans)
}

/// Columns of the table that the optimised plan reads.
fn scanned(plan: &LogicalPlan, table: &str) -> Result<BTreeSet<String>, DataFusionError> {
    let mut columns = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && scan.table_name.table() == table
        {
            columns.extend(scan.projected_schema.fields().iter().map(|field| field.name().clone()));
            // A filter may have gone into the scan.
            let of_filters = scan.filters.iter().flat_map(Expr::column_refs);
            columns.extend(of_filters.map(|column| column.name.clone()));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(columns)
}
