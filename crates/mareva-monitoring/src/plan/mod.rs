//! From a rule's SQL to the parts that timelines need. DataFusion parses, resolves names and coerces types; here the plan
//! is matched against the supported forms, and whatever is none of them is refused with its place in the text.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Projection};
use datafusion::prelude::{SessionConfig, SessionContext};
use mareva_model::{Fault, Table};

use crate::aggregate::AggregateKind;
use crate::bound::bound;
use crate::extent::Extent;
use crate::nesting;
use crate::rule::CheckedRule;
use crate::rule_text::Sql;
use crate::tables::schema_of;

mod aligned;
mod base;
mod boundary;
mod clauses;
mod exact;
mod folded;
mod group;
mod growth;
mod implicit;
mod lag;
mod listed;
mod magnitude;
mod parts;
mod probe;
mod spans;
mod twice;
mod whole;
mod window;
mod zones;

pub(crate) use aligned::{HOP, SESSION};
use aligned::{begin, stubs};
use base::{Base, column, flat};
pub(crate) use listed::reads_a_table;

/// A windowed aggregate as the SQL names it, over canonical columns.
#[derive(Debug, Clone)]
pub(crate) struct WindowPlan {
    /// Canonical name: equal text, equal feature.
    pub name: String,
    pub keys: Vec<String>,
    pub kind: AggregateKind,
    pub argument: Option<Expr>,
    /// What a row must satisfy to count.
    pub atoms: Vec<Expr>,
    pub extent: Extent,
    /// It ends so many milliseconds before its row.
    pub before: i64,
    pub output: DataType,
}

/// Rows that stand together: the last of them tells what all are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupPlan {
    pub keys: Vec<String>,
    pub extent: Extent,
}

/// A rule over canonical columns: the table's own by name, joined ones as `accounts(<key>).<name>`, windows by
/// [`WindowPlan::name`].
#[derive(Debug, Clone)]
pub(crate) struct RulePlan {
    pub table: Table,
    /// What a row must satisfy to be judged, knowable without windows.
    pub gate: Vec<Expr>,
    pub windows: Vec<WindowPlan>,
    pub qualify: Vec<Expr>,
    pub outputs: Vec<(String, Expr)>,
    /// Of a rule that groups its rows: only the last row of a group can hold.
    pub group: Option<GroupPlan>,
    /// Type of every canonical base column in use.
    pub columns: HashMap<String, Field>,
}

/// A session that knows the rule tables and nothing else. Batches are for planning only: they are empty.
pub(crate) fn session(accounts: &SchemaRef) -> Result<SessionContext, datafusion::error::DataFusionError> {
    // With the places of columns, which say where a fault is.
    let places = "datafusion.sql_parser.collect_spans";
    // `CAST(x AS VARCHAR)` is a text as those of the tables are.
    let views = "datafusion.sql_parser.map_string_types_to_utf8view";
    let config = SessionConfig::new().with_target_partitions(1).set_bool(places, true).set_bool(views, false);
    let context = SessionContext::new_with_config(config);
    for table in [Table::Transactions, Table::Movements, Table::Signals] {
        context.register_table(table.name(), Arc::new(MemTable::try_new(schema_of(table), vec![vec![]])?))?;
    }
    stubs().into_iter().for_each(|stub| context.register_udf(stub));
    context.register_table("accounts", Arc::new(MemTable::try_new(accounts.clone(), vec![vec![]])?))?;
    Ok(context)
}

impl RulePlan {
    /// How far apart rows of its windows can be, milliseconds.
    pub fn reaches(&self) -> impl Iterator<Item = i64> {
        self.windows.iter().map(|w| w.extent.reach()).chain(self.group.iter().map(|g| g.extent.reach()))
    }

    /// All that is computed over rows and windows.
    fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let of_windows = self.windows.iter().flat_map(|window| window.atoms.iter().chain(&window.argument));
        let of_outputs = self.outputs.iter().map(|(_, expr)| expr);
        self.gate.iter().chain(of_windows).chain(&self.qualify).chain(of_outputs)
    }

    /// What they are computed of: columns, and what windows give. Each can be null.
    fn schema(&self) -> Schema {
        let of_rows = self.columns.iter().map(|(name, field)| (name.as_str(), field.data_type()));
        let of_windows = self.windows.iter().map(|window| (window.name.as_str(), &window.output));
        // The same window may stand there several times.
        let types: BTreeMap<&str, &DataType> = of_rows.chain(of_windows).collect();
        Schema::new(types.into_iter().map(|(name, of)| Field::new(name, of.clone(), true)).collect::<Vec<_>>())
    }

    /// Whether a row can be in several of its windows.
    pub fn is_hop(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.extent.is_hop())
    }

    /// Of hopping windows a plan for each window that a row is in, else the plan itself.
    pub fn shifts(&self) -> Vec<Self> {
        match self.group.as_ref().map(|group| group.extent) {
            Some(extent @ Extent::Aligned { .. }) => {
                (0..).zip(extent.distances()).map(|(back, _)| self.shifted(back)).collect()
            }
            _ => vec![self.clone()],
        }
    }

    /// The same of windows that began so many slides earlier.
    fn shifted(&self, back: i64) -> Self {
        let mut plan = self.clone();
        let mut renamed = HashMap::new();
        for window in &mut plan.windows {
            window.extent = window.extent.earlier(back);
            let name = format!("{} #{back}", window.name);
            renamed.insert(std::mem::replace(&mut window.name, name.clone()), column(&name));
        }
        if let Some(group) = &mut plan.group {
            group.extent = group.extent.earlier(back);
            let begin = begin(group.extent);
            let outputs = plan.outputs.iter_mut().map(|(_, expr)| expr);
            for expr in outputs.chain(&mut plan.qualify) {
                *expr = replaced(expr.clone(), &renamed, &begin);
            }
        }
        plan
    }
}

/// With other columns, and with the start of a hopping window as what it is.
fn replaced(expr: Expr, columns: &HashMap<String, Expr>, begin: &Expr) -> Expr {
    let swapped = expr.clone().transform_down(|part| {
        Ok(match &part {
            Expr::Column(column) => match columns.get(&column.name) {
                Some(other) => Transformed::new(other.clone(), true, TreeNodeRecursion::Jump),
                None => Transformed::no(part),
            },
            Expr::ScalarFunction(function) if function.name() == HOP => {
                Transformed::new(begin.clone(), true, TreeNodeRecursion::Jump)
            }
            _ => Transformed::no(part),
        })
    });
    // The closure never fails.
    swapped.map_or(expr, |swapped| swapped.data)
}

/// Plans a rule.
///
/// # Errors
/// The first fault in its SQL.
pub(crate) async fn plan(context: &SessionContext, rule: &CheckedRule) -> Result<RulePlan, Fault> {
    let text = Sql::new(format!("rules/{}/rule.sql", rule.reference.id), &rule.sql);
    planned(context, rule, &text).await.map_err(|fault| of_parameter(fault, &rule.parameters, &text))
}

/// A fault of a text that is the value of a parameter, told of that: the text stands nowhere in the SQL.
fn of_parameter(mut fault: Fault, parameters: &[(String, ScalarValue)], text: &Sql<'_>) -> Fault {
    let quoted = |value: &ScalarValue| value.try_as_str().flatten().map(|value| format!("'{value}'"));
    let told = parameters.iter().find_map(|(name, value)| {
        let quoted = quoted(value).filter(|quoted| fault.reason.contains(quoted.as_str()) && !text.has(quoted))?;
        Some((format!("${name}"), quoted))
    });
    if let Some((name, quoted)) = told {
        fault.reason = fault.reason.replacen(&quoted, &format!("{name} ({quoted})"), 1);
        fault.place = text.at(&name);
        fault.remedy = "give the parameter another type or value in rule.toml".to_owned();
    }
    fault
}

async fn planned(context: &SessionContext, rule: &CheckedRule, text: &Sql<'_>) -> Result<RulePlan, Fault> {
    nesting::check(text)?;
    clauses::check(text)?;
    let state = context.state();
    let bound = bound(context, &rule.sql, &rule.parameters).await.map_err(|e| text.engine(&e))?;
    let analysed = state.analyzer().execute_and_check(bound.clone(), state.config_options(), |_, _| {});
    let analysed = analysed.map_err(|e| text.engine(&e))?;
    let plan = Matcher { text: text.clone() }.rule(&analysed)?;
    implicit::check(&bound, &analysed, text)?;
    folded::check(context, &bound, &analysed, text)?;
    whole::check(&plan, text)?;
    probe::check(context, &plan, text)?;
    twice::check(context, &analysed, &plan, text)?;
    Ok(plan)
}

struct Matcher<'a> {
    text: Sql<'a>,
}

impl<'a> Matcher<'a> {
    /// For the part of the rule in which these expressions stand.
    fn near<'e>(&self, parts: impl IntoIterator<Item = &'e Expr>) -> Matcher<'a> {
        Matcher { text: self.text.near(parts) }
    }
}

/// Names that a detection has beside its columns.
const RESERVED: [&str; 4] = ["rule", "version", "shadow", "parameters"];

const FORM: &str =
    "write SELECT … FROM one table [JOIN accounts] [WHERE] with [WINDOW] [QUALIFY], or with GROUP BY [HAVING]";

impl Matcher<'_> {
    fn rule(&self, plan: &LogicalPlan) -> Result<RulePlan, Fault> {
        let LogicalPlan::Projection(projection) = plan else {
            return Err(self.no_form(plan));
        };
        let (condition, below) = match projection.input.as_ref() {
            LogicalPlan::Filter(filter)
                if matches!(filter.input.as_ref(), LogicalPlan::Window(_) | LogicalPlan::Aggregate(_)) =>
            {
                (Some(&filter.predicate), filter.input.as_ref())
            }
            other => (None, other),
        };
        match below {
            LogicalPlan::Aggregate(aggregate) => self.grouped(projection, condition, aggregate),
            _ => self.windowed(projection, condition, below),
        }
    }

    /// Refuses what is none of the forms.
    fn no_form(&self, plan: &LogicalPlan) -> Fault {
        let (fragment, what) = match plan {
            LogicalPlan::Sort(_) => ("order by", "ORDER BY of the whole"),
            LogicalPlan::Limit(limit) if limit.fetch.is_none() => ("offset", "OFFSET"),
            LogicalPlan::Limit(_) => ("limit", "LIMIT"),
            LogicalPlan::Distinct(_) => ("distinct", "SELECT DISTINCT"),
            LogicalPlan::Union(_) => ("union", "UNION"),
            LogicalPlan::Values(_) => ("values", "VALUES"),
            LogicalPlan::Unnest(_) => ("unnest", "UNNEST"),
            LogicalPlan::Join(_) => ("join", "this JOIN"),
            LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) if self.text.has("with") => ("with", "WITH"),
            LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => ("from (", "a query in FROM"),
            LogicalPlan::Window(_) | LogicalPlan::Aggregate(_) => ("from", "a window or group below another"),
            LogicalPlan::Filter(_) | LogicalPlan::EmptyRelation(_) | LogicalPlan::TableScan(_) => ("from", "this form"),
            _ => ("", "a statement that is no SELECT"),
        };
        // Windows and aggregates have an ORDER BY of their own; that of the whole comes last.
        let text = if matches!(plan, LogicalPlan::Sort(_)) { self.text.last() } else { self.text.clone() };
        text.refuse(fragment, format!("{what} is not supported"), FORM)
    }

    /// Form A: a row is judged as of its own time.
    fn windowed(
        &self,
        projection: &Projection,
        condition: Option<&Expr>,
        mut below: &LogicalPlan,
    ) -> Result<RulePlan, Fault> {
        let mut window_columns: Vec<(String, &Expr)> = Vec::new();
        while let LogicalPlan::Window(window) = below {
            let own = window.schema.fields().len() - window.window_expr.len();
            for (offset, expr) in window.window_expr.iter().enumerate() {
                let (qualifier, field) = window.schema.qualified_field(own + offset);
                window_columns.push((flat(qualifier.map(ToString::to_string).as_deref(), field.name()), expr));
            }
            below = window.input.as_ref();
        }
        if matches!(below, LogicalPlan::EmptyRelation(_)) {
            return Err(self.text.refuse("select", "the rule reads no table", FORM));
        }
        let base = self.base(below)?;
        let bounds = self.lag_bounds(condition, &window_columns);
        let mut windows = Vec::new();
        let mut names = base.names.clone();
        for (shown, expr) in window_columns {
            let planned = self.window(expr, &base, &bounds)?;
            names.insert(shown, column(&planned.name));
            windows.push(planned);
        }
        let plan = self.assembled(projection, condition, base, &names, windows, None)?;
        self.tells_of(&plan, "the row", ["row_id", "event_time"])?;
        Ok(plan)
    }

    /// Refuses outputs that name another row, or time, than the one that is told of.
    fn tells_of(&self, plan: &RulePlan, whom: &str, texts: [&str; 2]) -> Result<(), Fault> {
        for (needed, text) in ["row_id", "event_time"].into_iter().zip(texts) {
            let mut named = plan.outputs.iter().filter(|(name, _)| name == needed);
            if !named.all(|(_, expr)| *expr == column(needed)) {
                let reason = format!("{needed} is not that of {whom}");
                let alias = format!("as {needed}");
                let at = if self.text.has(&alias) { &alias } else { "select" };
                return Err(self.text.refuse(at, reason, &format!("select {text} AS {needed}")));
            }
        }
        Ok(())
    }

    /// Refuses a subject that is no text, or of which nothing says that it is known.
    fn subject<'e>(
        &self,
        base: &Base,
        windows: &[WindowPlan],
        outputs: &[(String, Expr)],
        mut conditions: impl Iterator<Item = &'e Expr>,
    ) -> Result<(), Fault> {
        let Some((_, subject)) = outputs.iter().find(|(name, _)| name == "subject") else { return Ok(()) };
        let schema = self.schema(base, windows)?;
        let found = subject.get_type(&schema).map_err(|e| self.text.engine(&e))?;
        if !matches!(found, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8) {
            let remedy = "select an account, a device or another text AS subject";
            return Err(self.text.refuse("as subject", "the subject is not text", remedy));
        }
        let nullable = subject.nullable(&schema).map_err(|e| self.text.engine(&e))?;
        let known = subject.clone().is_not_null();
        if nullable && !conditions.any(|condition| *condition == known) {
            let remedy = "add what it is, and IS NOT NULL, to WHERE or QUALIFY";
            return Err(self.text.refuse("as subject", "the subject can be null", remedy));
        }
        Ok(())
    }

    /// Puts the parts of a rule together, whatever its form.
    fn assembled(
        &self,
        projection: &Projection,
        condition: Option<&Expr>,
        mut base: Base,
        names: &HashMap<String, Expr>,
        windows: Vec<WindowPlan>,
        group: Option<GroupPlan>,
    ) -> Result<RulePlan, Fault> {
        let floats: Vec<String> =
            windows.iter().filter(|w| w.output == DataType::Float64).map(|w| w.name.clone()).collect();
        let is_window = |name: &str| windows.iter().any(|window| window.name == name);
        let mut gate = base.atoms.clone();
        let mut conditions = Vec::new();
        for atom in condition.map(|q| split_conjunction(q)).unwrap_or_default() {
            let here = self.near([atom]);
            let atom = self.canonical(atom, names)?;
            here.rounded(&atom, &floats)?;
            // Of a group every row counts, and only the last one is judged: its condition takes none away.
            if group.is_some() || atom.column_refs().iter().any(|c| is_window(&c.name)) {
                conditions.push(atom);
            } else {
                gate.push(atom);
            }
        }
        let mut outputs = Vec::new();
        for (expr, field) in projection.expr.iter().zip(projection.schema.fields()) {
            let output = self.canonical(&expr.clone().unalias_nested().data, names)?;
            if !matches!(output, Expr::Column(_)) {
                self.near([expr]).rounded(&output, &floats)?;
            }
            if RESERVED.contains(&field.name().as_str()) {
                let reason = format!("{} is what a detection says of its rule", field.name());
                return Err(self.text.refuse(&format!("as {}", field.name()), reason, "use another alias"));
            }
            // QUALIFY would mean the column, and the alert show the other.
            let is_told = matches!(field.name().as_str(), "row_id" | "event_time");
            let is_column = !is_told && schema_of(base.table).field_with_name(field.name()).is_ok();
            if group.is_none() && is_column && output.column_refs().iter().any(|c| is_window(&c.name)) {
                let reason = format!("{} is a column of {}, too", field.name(), base.table.name());
                return Err(self.text.refuse(&format!("as {}", field.name()), reason, "use another alias"));
            }
            outputs.push((field.name().clone(), output));
        }
        let of_windows = windows.iter().flat_map(|window| window.atoms.iter().chain(&window.argument));
        // Of a group the others may name its window.
        let of_rows = outputs.iter().map(|(_, expr)| expr).chain(&conditions).filter(|_| group.is_none());
        gate.iter().chain(of_windows).chain(of_rows).try_for_each(|expr| self.windowless(expr))?;
        for needed in ["row_id", "subject", "event_time"] {
            if !outputs.iter().any(|(name, _)| name == needed) {
                let reason = format!("the column {needed} is not selected");
                return Err(self.text.refuse("select", reason, "select row_id, event_time and a column AS subject"));
            }
        }
        self.subject(&base, &windows, &outputs, gate.iter().chain(&conditions))?;
        base.columns.retain(|name, _| {
            let used = |e: &Expr| e.column_refs().iter().any(|c| c.name == *name);
            gate.iter().chain(&conditions).chain(outputs.iter().map(|(_, e)| e)).any(used)
                || group.as_ref().is_some_and(|group| group.keys.contains(name))
                || windows
                    .iter()
                    .any(|w| w.keys.contains(name) || w.atoms.iter().any(used) || w.argument.as_ref().is_some_and(used))
        });
        Ok(RulePlan { table: base.table, gate, windows, qualify: conditions, outputs, group, columns: base.columns })
    }
}
