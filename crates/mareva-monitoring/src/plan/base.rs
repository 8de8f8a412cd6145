//! What lies below the windows: a table, perhaps joined, perhaps filtered.

use std::collections::HashMap;

use arrow::datatypes::Field;
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, Operator};
use mareva_model::{Fault, Table};

use super::listed::{FORM as LISTED_FORM, listed};
use super::{Matcher, WindowPlan};
use crate::program::join_key;
use crate::tables::schema_of;

/// What lies below the windows.
#[derive(Clone)]
pub(super) struct Base {
    pub table: Table,
    /// What each column of the plan stands for, by its qualified name.
    pub names: HashMap<String, Expr>,
    /// Type of every canonical column.
    pub columns: HashMap<String, Field>,
    pub atoms: Vec<Expr>,
    pub is_joined: bool,
}

impl Matcher<'_> {
    pub(super) fn base(&self, plan: &LogicalPlan) -> Result<Base, Fault> {
        match plan {
            LogicalPlan::Filter(filter) => {
                let mut base = self.base(&filter.input)?;
                for atom in split_conjunction(&filter.predicate) {
                    base.atoms.push(self.canonical(atom, &base.names)?);
                }
                Ok(base)
            }
            LogicalPlan::SubqueryAlias(alias) => self.scan(&alias.input, Some(alias.alias.table())),
            LogicalPlan::TableScan(_) => self.scan(plan, None),
            LogicalPlan::Join(join) => self.join(join),
            other => Err(self.no_form(other)),
        }
    }

    fn scan(&self, plan: &LogicalPlan, alias: Option<&str>) -> Result<Base, Fault> {
        let LogicalPlan::TableScan(scan) = plan else {
            return Err(self.no_form(plan));
        };
        let name = scan.table_name.table();
        let tables = [Table::Transactions, Table::Movements, Table::Signals];
        let Some(table) = tables.into_iter().find(|table| table.name() == name) else {
            let reason = format!("a rule cannot start from {name}");
            return Err(self.text.refuse(name, reason, "start from transactions, movements or signals"));
        };
        let schema = schema_of(table);
        let qualifier = alias.unwrap_or(name);
        let names = schema.fields().iter().map(|f| (flat(Some(qualifier), f.name()), column(f.name()))).collect();
        let columns = schema.fields().iter().map(|f| (f.name().clone(), f.as_ref().clone())).collect();
        Ok(Base { table, names, columns, atoms: Vec::new(), is_joined: false })
    }

    /// `… JOIN accounts a ON m.<key> = a.account`, or of listed rows, inner or left.
    fn join(&self, join: &datafusion::logical_expr::Join) -> Result<Base, Fault> {
        let refuse = |reason: &str| {
            let remedy = match listed(&join.right) {
                Some(_) => LISTED_FORM,
                None => "write [LEFT] JOIN accounts a ON <table>.<column> = a.account",
            };
            let on = join.on.iter().flat_map(|(left, right)| [left, right]).chain(&join.filter);
            let here = self.text.near(on);
            // Tables after commas are joined without the word.
            here.refuse(if here.has("join") { "join" } else { "from" }, reason.to_owned(), remedy)
        };
        let mut base = Base { is_joined: true, ..self.base(&join.left)? };
        let pair = || join_pair(join).ok_or_else(|| refuse("the join is not on one pair of equal columns"));
        if let Some(table) = listed(&join.right) {
            self.join_listed(&mut base, &table, pair()?, join.join_type)?;
            return Ok(base);
        }
        let (scan, alias) = match join.right.as_ref() {
            LogicalPlan::SubqueryAlias(alias) => (alias.input.as_ref(), Some(alias.alias.table())),
            other => (other, None),
        };
        let LogicalPlan::TableScan(scan) = scan else {
            return Err(refuse("only accounts and listed rows can be joined"));
        };
        if scan.table_name.table() != "accounts" {
            return Err(refuse("only accounts and listed rows can be joined"));
        }
        let pair = pair()?;
        let joined = flat(Some(alias.unwrap_or("accounts")), "account");
        let (left, right) = if flat_column(&pair.0) == joined { (pair.1, pair.0) } else { pair };
        if flat_column(&right) != joined {
            return Err(refuse("the join is not on accounts.account"));
        }
        let left = &left;
        let key = match base.names.get(&flat_column(left)) {
            Some(Expr::Column(column)) if join_key(&column.name).is_none() => column.name.clone(),
            Some(_) => return Err(refuse("accounts are joined by a column of the table that the rule starts from")),
            _ => return Err(refuse("unknown column in the join")),
        };
        for field in scan.source.schema().fields() {
            let canonical = format!("accounts({key}).{}", field.name());
            base.names.insert(flat(Some(alias.unwrap_or("accounts")), field.name()), column(&canonical));
            base.columns.insert(canonical.clone(), Field::new(canonical, field.data_type().clone(), true));
        }
        match join.join_type {
            JoinType::Left => {}
            JoinType::Inner => {
                base.atoms.push(column(&format!("accounts({key}).account")).is_not_null());
            }
            other => return Err(refuse(&format!("a {other} join is not supported"))),
        }
        Ok(base)
    }

    /// Canonical columns, and what these windows give.
    pub(super) fn schema(&self, base: &Base, windows: &[WindowPlan]) -> Result<DFSchema, Fault> {
        let of_windows = windows.iter().map(|window| Field::new(&window.name, window.output.clone(), true));
        let fields: Vec<Field> =
            base.columns.iter().map(|(name, f)| f.clone().with_name(name)).chain(of_windows).collect();
        DFSchema::try_from(arrow::datatypes::Schema::new(fields)).map_err(|e| self.text.engine(&e))
    }
}

/// The two columns of a join on one equality: DataFusion leaves it in the filter until it optimises.
fn join_pair(join: &datafusion::logical_expr::Join) -> Option<(Column, Column)> {
    let (left, right) = match (join.on.as_slice(), &join.filter) {
        ([(left, right)], None) => (left, right),
        ([], Some(Expr::BinaryExpr(equal))) if equal.op == Operator::Eq => (equal.left.as_ref(), equal.right.as_ref()),
        _ => return None,
    };
    match (left, right) {
        (Expr::Column(left), Expr::Column(right)) => Some((left.clone(), right.clone())),
        _ => None,
    }
}

/// A canonical column.
pub(super) fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

pub(super) fn flat(qualifier: Option<&str>, name: &str) -> String {
    qualifier.map_or_else(|| name.to_owned(), |qualifier| format!("{qualifier}.{name}"))
}

pub(super) fn flat_column(column: &Column) -> String {
    flat(column.relation.as_ref().map(ToString::to_string).as_deref(), &column.name)
}
