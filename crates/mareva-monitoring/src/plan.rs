//! From a rule's SQL to the parts that timelines need. DataFusion parses, resolves names and coerces types; here the plan
//! is matched against form A, and whatever is not form A is refused with its place in the text.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, ParamValues, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Expr, JoinType, LogicalPlan, Operator, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use datafusion::prelude::{SessionConfig, SessionContext};
use mareva_model::{Fault, Table};

use crate::aggregate::AggregateKind;
use crate::nesting;
use crate::rule::CheckedRule;
use crate::rule_text::Sql;
use crate::tables::schema_of;

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
    pub span: i64,
    pub output: DataType,
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
    /// Type of every canonical base column in use.
    pub columns: HashMap<String, Field>,
}

/// A session that knows the rule tables and nothing else. Batches are for planning only: they are empty.
pub(crate) fn session(accounts: &SchemaRef) -> Result<SessionContext, datafusion::error::DataFusionError> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    for table in [Table::Transactions, Table::Movements, Table::Signals] {
        context.register_table(table.name(), Arc::new(MemTable::try_new(schema_of(table), vec![vec![]])?))?;
    }
    context.register_table("accounts", Arc::new(MemTable::try_new(accounts.clone(), vec![vec![]])?))?;
    Ok(context)
}

/// Plans a rule.
///
/// # Errors
/// The first fault in its SQL.
pub(crate) async fn plan(context: &SessionContext, rule: &CheckedRule) -> Result<RulePlan, Fault> {
    let text = Sql { place: format!("rules/{}/rule.sql", rule.reference.id), sql: &rule.sql };
    nesting::check(&text)?;
    let state = context.state();
    let planned = state.create_logical_plan(&rule.sql).await.map_err(|e| text.engine(&e))?;
    let parameters = ParamValues::from(
        rule.parameters.iter().map(|(n, v)| (n.clone(), v.clone())).collect::<HashMap<String, ScalarValue>>(),
    );
    let bound = planned.with_param_values(parameters).map_err(|e| text.engine(&e))?;
    let analysed =
        state.analyzer().execute_and_check(bound, state.config_options(), |_, _| {}).map_err(|e| text.engine(&e))?;
    Matcher { text }.rule(&analysed)
}

struct Matcher<'a> {
    text: Sql<'a>,
}

/// What lies below the windows.
struct Base {
    table: Table,
    /// Canonical name of each column of the scan or join, by its qualified name.
    names: HashMap<String, String>,
    columns: HashMap<String, Field>,
    atoms: Vec<Expr>,
}

const FORM: &str = "write SELECT … FROM one table [JOIN accounts] [WHERE] [WINDOW] [QUALIFY]";

impl Matcher<'_> {
    fn rule(&self, plan: &LogicalPlan) -> Result<RulePlan, Fault> {
        let LogicalPlan::Projection(projection) = plan else {
            return Err(self.text.refuse("", format!("{} at the top", plan.display()), FORM));
        };
        let (qualify, mut below) = match projection.input.as_ref() {
            LogicalPlan::Filter(filter) if matches!(filter.input.as_ref(), LogicalPlan::Window(_)) => {
                (Some(&filter.predicate), filter.input.as_ref())
            }
            other => (None, other),
        };
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
        let mut base = self.base(below)?;
        let mut windows = Vec::new();
        let mut names = base.names.clone();
        for (column, expr) in window_columns {
            let planned = self.window(expr, &base)?;
            names.insert(column, planned.name.clone());
            windows.push(planned);
        }
        let mut gate = base.atoms.clone();
        let mut conditions = Vec::new();
        for atom in qualify.map(|q| split_conjunction(q)).unwrap_or_default() {
            let atom = self.canonical(atom, &names)?;
            if atom.column_refs().iter().any(|c| windows.iter().any(|w| w.name == c.name)) {
                conditions.push(atom);
            } else {
                gate.push(atom);
            }
        }
        let mut outputs = Vec::new();
        for (expr, field) in projection.expr.iter().zip(projection.schema.fields()) {
            outputs.push((field.name().clone(), self.canonical(&expr.clone().unalias(), &names)?));
        }
        for needed in ["row_id", "subject", "event_time"] {
            if !outputs.iter().any(|(name, _)| name == needed) {
                let reason = format!("the column {needed} is not selected");
                return Err(self.text.refuse("select", reason, "select row_id, event_time and a column AS subject"));
            }
        }
        base.columns.retain(|name, _| {
            let used = |e: &Expr| e.column_refs().iter().any(|c| c.name == *name);
            gate.iter().chain(&conditions).chain(outputs.iter().map(|(_, e)| e)).any(used)
                || windows
                    .iter()
                    .any(|w| w.keys.contains(name) || w.atoms.iter().any(used) || w.argument.as_ref().is_some_and(used))
        });
        Ok(RulePlan { table: base.table, gate, windows, qualify: conditions, outputs, columns: base.columns })
    }

    fn base(&self, plan: &LogicalPlan) -> Result<Base, Fault> {
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
            other => Err(self.text.refuse("from", format!("{} is not supported", first_line(other)), FORM)),
        }
    }

    fn scan(&self, plan: &LogicalPlan, alias: Option<&str>) -> Result<Base, Fault> {
        let LogicalPlan::TableScan(scan) = plan else {
            return Err(self.text.refuse("from", format!("{} is not supported", first_line(plan)), FORM));
        };
        let name = scan.table_name.table();
        let tables = [Table::Transactions, Table::Movements, Table::Signals];
        let Some(table) = tables.into_iter().find(|table| table.name() == name) else {
            let reason = format!("a rule cannot start from {name}");
            return Err(self.text.refuse(name, reason, "start from transactions, movements or signals"));
        };
        let schema = schema_of(table);
        let qualifier = alias.unwrap_or(name);
        let names = schema.fields().iter().map(|f| (flat(Some(qualifier), f.name()), f.name().clone())).collect();
        let columns = schema.fields().iter().map(|f| (f.name().clone(), f.as_ref().clone())).collect();
        Ok(Base { table, names, columns, atoms: Vec::new() })
    }

    /// `… JOIN accounts a ON m.<key> = a.account`, inner or left.
    fn join(&self, join: &datafusion::logical_expr::Join) -> Result<Base, Fault> {
        let refuse = |reason: &str| {
            let remedy = "write [LEFT] JOIN accounts a ON <table>.<column> = a.account";
            self.text.refuse("join", reason.to_owned(), remedy)
        };
        let mut base = self.base(&join.left)?;
        let (scan, alias) = match join.right.as_ref() {
            LogicalPlan::SubqueryAlias(alias) => (alias.input.as_ref(), Some(alias.alias.table())),
            other => (other, None),
        };
        let LogicalPlan::TableScan(scan) = scan else { return Err(refuse("only accounts can be joined")) };
        if scan.table_name.table() != "accounts" {
            return Err(refuse("only accounts can be joined"));
        }
        let pair = join_pair(join).ok_or_else(|| refuse("the join is not on one pair of equal columns"))?;
        let joined = flat(Some(alias.unwrap_or("accounts")), "account");
        let (left, right) = if flat_column(&pair.0) == joined { (pair.1, pair.0) } else { pair };
        if flat_column(&right) != joined {
            return Err(refuse("the join is not on accounts.account"));
        }
        let left = &left;
        let key = base.names.get(&flat_column(left)).cloned().ok_or_else(|| refuse("unknown column in the join"))?;
        for field in scan.source.schema().fields() {
            let canonical = format!("accounts({key}).{}", field.name());
            base.names.insert(flat(Some(alias.unwrap_or("accounts")), field.name()), canonical.clone());
            base.columns.insert(canonical.clone(), Field::new(canonical, field.data_type().clone(), true));
        }
        match join.join_type {
            JoinType::Left => {}
            JoinType::Inner => {
                base.atoms
                    .push(Expr::Column(Column::new_unqualified(format!("accounts({key}).account"))).is_not_null());
            }
            other => return Err(refuse(&format!("{other} join"))),
        }
        Ok(base)
    }

    /// Rewrites columns to canonical ones and refuses what cannot be computed exactly or safely.
    fn canonical(&self, expr: &Expr, names: &HashMap<String, String>) -> Result<Expr, Fault> {
        let mut fault = None;
        let rewritten = expr.clone().transform_down(|part| {
            Ok(match part {
                Expr::Column(column) => match names.get(&flat_column(&column)) {
                    Some(name) => Transformed::yes(Expr::Column(Column::new_unqualified(name.clone()))),
                    None => {
                        fault = Some(self.text.refuse(&column.name, "unknown column", FORM));
                        Transformed::no(Expr::Column(column))
                    }
                },
                other => Transformed::no(other),
            })
        });
        let rewritten = rewritten.map_err(|e| self.text.engine(&e))?.data;
        self.exact(&rewritten)?;
        fault.map_or(Ok(rewritten), Err)
    }

    fn exact(&self, expr: &Expr) -> Result<(), Fault> {
        let mut fault = None;
        let walked = expr.apply(|part| {
            fault = match part {
                Expr::Literal(ScalarValue::Float64(_) | ScalarValue::Float32(_) | ScalarValue::Float16(_), _) => {
                    let shown = part.human_display().to_string();
                    let remedy = "use a decimal parameter or CAST('0.85' AS DECIMAL(3, 2))";
                    Some(self.text.refuse(&shown, "a floating-point number is not exact", remedy))
                }
                Expr::Cast(cast) if cast.field.data_type().is_floating() => {
                    Some(self.text.refuse("cast", "a floating-point number is not exact", "cast to DECIMAL(p, s)"))
                }
                Expr::BinaryExpr(binary) if matches!(binary.op, Operator::Divide | Operator::Modulo) => {
                    let safe = match binary.right.as_ref() {
                        Expr::Literal(value, _) => !value.is_null() && !is_zero(value),
                        Expr::ScalarFunction(function) => function.name() == "nullif",
                        _ => false,
                    };
                    (!safe).then(|| {
                        let remedy = "multiply the other side instead, or divide by NULLIF(x, 0)";
                        self.text.refuse(&binary.op.to_string(), "this division can meet a zero", remedy)
                    })
                }
                Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) => {
                    Some(self.text.refuse("(select", "a subquery is not supported", FORM))
                }
                Expr::ScalarFunction(function)
                    if function.func.signature().volatility != datafusion::logical_expr::Volatility::Immutable =>
                {
                    let reason = format!("{} gives another value every time", function.name());
                    Some(self.text.refuse(function.name(), reason, "time is the row's event_time"))
                }
                _ => None,
            };
            Ok(if fault.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        });
        walked.map_err(|e| self.text.engine(&e))?;
        fault.map_or(Ok(()), Err)
    }

    fn window(&self, expr: &Expr, base: &Base) -> Result<WindowPlan, Fault> {
        let Expr::WindowFunction(function) = expr.clone().unalias() else {
            return Err(self.text.refuse("over", "not a window function", FORM));
        };
        let params = &function.params;
        let name = function.fun.name().to_owned();
        let WindowFunctionDefinition::AggregateUDF(_) = &function.fun else {
            let remedy = "use COUNT, COUNT(DISTINCT), SUM, AVG, MIN or MAX";
            return Err(self.text.refuse(&name, format!("{name} is not supported over a window"), remedy));
        };
        let span = self.span(&function)?;
        let keys = self.keys(&function, base)?;
        let mut atoms = base.atoms.clone();
        for atom in params.filter.iter().flat_map(|filter| split_conjunction(filter)) {
            atoms.push(self.canonical(atom, &base.names)?);
        }
        let argument = match params.args.as_slice() {
            [Expr::Literal(value, _)] if !value.is_null() && !params.distinct => None,
            [argument] => Some(self.canonical(argument, &base.names)?),
            _ => return Err(self.text.refuse(&name, "one argument is expected", FORM)),
        };
        let kind = self.aggregate(&name, params.distinct, argument.as_ref(), base)?;
        if let Some(argument) = &argument {
            atoms.push(argument.clone().is_not_null());
        }
        let output = match kind {
            AggregateKind::Count | AggregateKind::CountDistinct => DataType::Int64,
            _ => {
                let schema = self.schema(base)?;
                let argument = argument.clone().unwrap_or_else(|| Expr::Literal(ScalarValue::Int64(Some(1)), None));
                let kind_of = datafusion::logical_expr::ExprSchemable::get_type(&argument, &schema)
                    .map_err(|e| self.text.engine(&e))?;
                output_type(&name, kind_of)
            }
        };
        let shown: Vec<String> = atoms.iter().map(ToString::to_string).collect();
        let argument_shown = argument.as_ref().map(ToString::to_string).unwrap_or_default();
        let canonical = format!("{kind:?}({argument_shown}) where {shown:?} over {span} of {keys:?}");
        Ok(WindowPlan { name: canonical, keys, kind, argument, atoms, span, output })
    }

    fn schema(&self, base: &Base) -> Result<datafusion::common::DFSchema, Fault> {
        let fields: Vec<Field> = base.columns.iter().map(|(name, f)| f.clone().with_name(name)).collect();
        datafusion::common::DFSchema::try_from(arrow::datatypes::Schema::new(fields)).map_err(|e| self.text.engine(&e))
    }

    fn aggregate(
        &self,
        name: &str,
        distinct: bool,
        argument: Option<&Expr>,
        base: &Base,
    ) -> Result<AggregateKind, Fault> {
        let argument_type = match argument {
            Some(argument) => Some(
                datafusion::logical_expr::ExprSchemable::get_type(argument, &self.schema(base)?)
                    .map_err(|e| self.text.engine(&e))?,
            ),
            None => None,
        };
        if argument_type.as_ref().is_some_and(DataType::is_floating) {
            return Err(self.text.refuse(
                name,
                "an aggregate over floating-point numbers is not exact",
                "use a decimal",
            ));
        }
        let decimal = match argument_type {
            Some(DataType::Decimal128(_, scale)) if scale <= 6 => Some(scale),
            _ => None,
        };
        let ordered = matches!(
            argument_type,
            Some(
                DataType::Decimal128(..)
                    | DataType::Int64
                    | DataType::Int32
                    | DataType::Timestamp(..)
                    | DataType::Date32
            )
        );
        let over = argument_type.as_ref().map_or_else(|| "all rows".to_owned(), ToString::to_string);
        let countable = ordered || matches!(argument_type, Some(DataType::Utf8 | DataType::Boolean));
        match (name, distinct) {
            ("count", false) => Ok(AggregateKind::Count),
            ("count", true) if countable => Ok(AggregateKind::CountDistinct),
            ("sum", false) if decimal.is_some() => Ok(AggregateKind::Sum),
            ("avg", false) if decimal.is_some() => {
                let scale = decimal.unwrap_or_default();
                let target = (scale + 4).min(38);
                Ok(AggregateKind::Average { scale_up: 10_i128.pow(u32::try_from(target - scale).unwrap_or(0)) })
            }
            ("min", false) if ordered => Ok(AggregateKind::Min),
            ("max", false) if ordered => Ok(AggregateKind::Max),
            ("sum" | "avg", false) => {
                let reason = format!("{name} over {over} can wrap or lose value in SQL");
                Err(self.text.refuse(name, reason, "sum amount_ref, or cast to DECIMAL(p, s) with s up to 6"))
            }
            _ => {
                let reason = format!("{name} over {over} is not supported");
                Err(self.text.refuse(
                    name,
                    reason,
                    "use COUNT, COUNT(DISTINCT), SUM or AVG of decimals, MIN or MAX of numbers or times",
                ))
            }
        }
    }

    fn span(&self, function: &WindowFunction) -> Result<i64, Fault> {
        let params = &function.params;
        let remedy = "write ORDER BY event_time RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW";
        let by_time = match params.order_by.as_slice() {
            [sort] => sort.asc && matches!(&sort.expr, Expr::Column(column) if column.name == "event_time"),
            _ => false,
        };
        if !by_time {
            return Err(self.text.refuse("order by", "a window is ordered by event_time alone, ascending", remedy));
        }
        let frame = &params.window_frame;
        if frame.units != WindowFrameUnits::Range || !matches!(frame.end_bound, WindowFrameBound::CurrentRow) {
            return Err(self.text.refuse("between", "the frame is not RANGE … AND CURRENT ROW", remedy));
        }
        let WindowFrameBound::Preceding(ScalarValue::IntervalMonthDayNano(Some(interval))) = &frame.start_bound else {
            return Err(self.text.refuse("over", "the frame does not start at a fixed interval", remedy));
        };
        if interval.months < 0 || interval.days < 0 || interval.nanoseconds < 0 {
            return Err(self.text.refuse(
                "interval",
                "the interval is negative: the frame would begin after its row",
                remedy,
            ));
        }
        if interval.months != 0 || interval.nanoseconds % 1_000_000 != 0 {
            return Err(self.text.refuse("interval", "the interval is no whole number of milliseconds", remedy));
        }
        Ok(i64::from(interval.days) * 86_400_000 + interval.nanoseconds / 1_000_000)
    }

    fn keys(&self, function: &WindowFunction, base: &Base) -> Result<Vec<String>, Fault> {
        let mut keys = Vec::new();
        for key in &function.params.partition_by {
            let Expr::Column(column) = self.canonical(key, &base.names)? else {
                let remedy = "partition by plain columns such as account or device";
                return Err(self.text.refuse("partition by", "the key is not a column", remedy));
            };
            if base.columns.get(&column.name).is_some_and(|field| field.data_type() != &DataType::Utf8) {
                let remedy = "partition by text columns such as account or device";
                return Err(self.text.refuse("partition by", "the key is not text", remedy));
            }
            let nullable = base.columns.get(&column.name).is_none_or(Field::is_nullable);
            let guarded = base.atoms.contains(&Expr::Column(column.clone()).is_not_null());
            if nullable && !guarded {
                let reason = format!("the key {} can be null", column.name);
                let remedy = format!("add {} IS NOT NULL to WHERE", column.name);
                return Err(self.text.refuse("partition by", reason, &remedy));
            }
            keys.push(column.name);
        }
        if keys.is_empty() {
            return Err(self.text.refuse(
                "over",
                "the window has no PARTITION BY",
                "partition by account or another key",
            ));
        }
        Ok(keys)
    }
}

fn is_zero(value: &ScalarValue) -> bool {
    ScalarValue::new_zero(&value.data_type()).is_ok_and(|zero| zero == *value)
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

/// Types of SUM, AVG, MIN and MAX in DataFusion 55 (`sum.rs`, `average.rs`, `min_max.rs`).
fn output_type(name: &str, argument: DataType) -> DataType {
    match (name, argument) {
        ("sum", DataType::Decimal128(p, s)) => DataType::Decimal128((p + 10).min(38), s),
        ("avg", DataType::Decimal128(p, s)) => DataType::Decimal128((p + 4).min(38), (s + 4).min(38)),
        (_, other) => other,
    }
}

fn flat(qualifier: Option<&str>, name: &str) -> String {
    qualifier.map_or_else(|| name.to_owned(), |qualifier| format!("{qualifier}.{name}"))
}

fn flat_column(column: &Column) -> String {
    flat(column.relation.as_ref().map(ToString::to_string).as_deref(), &column.name)
}

fn first_line(plan: &LogicalPlan) -> String {
    plan.display().to_string().lines().next().unwrap_or_default().to_owned()
}
