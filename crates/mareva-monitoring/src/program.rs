//! All rules of one table, compiled together: distinct predicates, arguments, dimensions and features are shared.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Column, DFSchema};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable, cast};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;

use crate::aggregate::AggregateKind;
use crate::cheaper::cheaper;
use crate::cursor::Feature;
use crate::extent::Extent;
use crate::facts::mask_of;
use crate::plan::{GroupPlan, RulePlan, WindowPlan};
use crate::rule::SharedRule;
use crate::tables::schema_of;
use crate::timeline::{Layout, Window};
use mareva_model::Table;

mod stages;

pub(crate) use stages::{Least, Stage};

/// An expression and the positions, in the table's base columns then features, of the columns it reads.
#[derive(Debug)]
pub(crate) struct Bound {
    pub expr: Arc<dyn PhysicalExpr>,
    pub inputs: Vec<usize>,
    pub schema: SchemaRef,
    /// The columns of the table among them, for messages.
    pub reads: String,
}

/// Where a feature is kept: dimension and index in it; and the type of its value.
#[derive(Debug, Clone)]
pub(crate) struct FeaturePlace {
    pub dimension: usize,
    pub index: usize,
    pub output: DataType,
}

/// One rule of the table.
#[derive(Debug)]
pub(crate) struct RuleProgram {
    pub rule: SharedRule,
    pub weight: i64,
    /// The predicate that a row must hold to be judged at all.
    pub gate: usize,
    /// The gate, and the predicates that let rows into the rule's aggregates.
    pub predicates: Vec<usize>,
    /// What must hold of its features, the least costly first.
    pub stages: Vec<Stage>,
    /// On whose timelines its features and groups are.
    pub dimensions: Vec<usize>,
    /// Features that must come to a number, at least, for it to hold.
    pub totals: Vec<(usize, i128)>,
    /// Without which it cannot hold.
    pub least: Vec<Least>,
    pub group: Option<GroupProgram>,
    /// Output columns beside row_id; evaluated on detections only.
    pub outputs: Vec<(String, Bound)>,
    /// Features that only they read.
    pub told: Vec<usize>,
}

/// How a rule groups its rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupProgram {
    pub dimension: usize,
    pub window: Window,
}

/// The program of one table.
#[derive(Debug)]
pub(crate) struct Program {
    pub table: Table,
    /// Own columns that are read off retained rows.
    pub own: Vec<String>,
    /// Joined columns: key column among `own`, column of `accounts`.
    pub joined: Vec<(usize, String)>,
    /// Distinct conditions, evaluated once a batch.
    pub atoms: Vec<Bound>,
    /// Predicates: conjunctions of atoms.
    pub predicates: Vec<Vec<usize>>,
    pub arguments: Vec<Bound>,
    /// Texts that are kept as they are.
    pub texts: Vec<Bound>,
    /// Key columns (positions among the base columns) of each dimension, and what is computed on it.
    pub dimensions: Vec<(Vec<usize>, Layout)>,
    /// Predicates that bring a row onto a dimension's timelines, as bits.
    pub enters: Vec<Vec<u64>>,
    pub features: Vec<FeaturePlace>,
    /// The number of each feature of a dimension among all.
    pub numbers: Vec<Vec<usize>>,
    pub rules: Vec<RuleProgram>,
    /// Predicates that are gates, as bits.
    pub gates: Vec<u64>,
    /// Which base columns predicates, arguments, keys and conditions read; the others are read for detections only.
    pub eager: Vec<bool>,
}

/// A planned rule on its way into a program.
pub(crate) struct Planned {
    pub rule: SharedRule,
    pub weight: i64,
    pub plan: RulePlan,
}

struct Builder<'a> {
    context: &'a SessionContext,
    base: Vec<(String, Field)>,
    atoms: Vec<(Expr, Bound)>,
    predicates: Vec<Vec<usize>>,
    arguments: Vec<(Expr, Bound)>,
    texts: Vec<(Expr, Bound)>,
    dimensions: Vec<(Vec<usize>, Layout)>,
    enters: Vec<Vec<usize>>,
    features: Vec<FeaturePlace>,
    feature_names: HashMap<String, usize>,
}

impl Program {
    /// Compiles the rules of a table.
    ///
    /// # Errors
    /// When DataFusion cannot compile an expression.
    pub fn compile(context: &SessionContext, table: Table, rules: &[Planned]) -> Result<Self, DataFusionError> {
        let mut columns: BTreeMap<String, Field> = BTreeMap::new();
        for name in ["row_id", "event_time"] {
            columns.insert(name.to_owned(), schema_of(table).field_with_name(name)?.clone());
        }
        for rule in rules {
            columns.extend(rule.plan.columns.iter().map(|(name, field)| (name.clone(), field.clone())));
        }
        // The key of a join is an own column that must be read as well.
        let keys: Vec<String> =
            columns.keys().filter_map(|name| join_key(name).map(|(key, _)| key.to_owned())).collect();
        for key in keys {
            columns.insert(key.clone(), schema_of(table).field_with_name(&key)?.clone());
        }
        let (joined, own): (Vec<_>, Vec<_>) = columns.into_iter().partition(|(name, _)| join_key(name).is_some());
        let own_names: Vec<String> = own.iter().map(|(name, _)| name.clone()).collect();
        let joins = joined
            .iter()
            .filter_map(|(name, _)| {
                let (key, column) = join_key(name)?;
                Some((own_names.iter().position(|n| n == key)?, column.to_owned()))
            })
            .collect();
        let mut builder = Builder {
            context,
            base: own.into_iter().chain(joined).collect(),
            atoms: Vec::new(),
            predicates: Vec::new(),
            arguments: Vec::new(),
            texts: Vec::new(),
            dimensions: Vec::new(),
            enters: Vec::new(),
            features: Vec::new(),
            feature_names: HashMap::new(),
        };
        for rule in rules {
            let gate = builder.predicate(&rule.plan.gate)?;
            if let Some(group) = &rule.plan.group {
                let dimension = builder.dimension(&group.keys, group.extent, true, &[gate])?;
                let layout = &mut builder.dimensions[dimension].1;
                layout.grouped = layout.grouped.max(group.extent.reach());
            }
            for window in &rule.plan.windows {
                builder.feature(window, gate)?;
            }
        }
        let programs = rules.iter().map(|rule| builder.rule(rule)).collect::<Result<Vec<_>, _>>()?;
        Ok(builder.finish(table, own_names, joins, programs))
    }

    fn read_eagerly(&self) -> Vec<bool> {
        let columns = self.own.len() + self.joined.len();
        let mut eager = vec![false; columns];
        let conditions = self.rules.iter().flat_map(|rule| &rule.stages).map(|stage| &stage.condition);
        let bounds = self.atoms.iter().chain(&self.arguments).chain(&self.texts).chain(conditions);
        let inputs = bounds.flat_map(|bound| bound.inputs.iter().copied());
        for position in inputs.chain(self.dimensions.iter().flat_map(|(keys, _)| keys.iter().copied())) {
            if position < columns {
                eager[position] = true;
            }
        }
        for (offset, (key, _)) in self.joined.iter().enumerate() {
            eager[*key] |= eager[self.own.len() + offset];
        }
        for (position, name) in self.own.iter().enumerate() {
            eager[position] |= name == "event_time";
        }
        eager
    }
}

/// `accounts(<key>).<column>` taken apart.
pub(crate) fn join_key(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("accounts(")?.split_once(").")
}

/// The number of an expression among those known, which it joins if it is none of them.
fn number(known: &mut Vec<(Expr, Bound)>, expr: &Expr, bound: Bound) -> usize {
    known.iter().position(|(one, _)| one == expr).unwrap_or_else(|| {
        known.push((expr.clone(), bound));
        known.len() - 1
    })
}

/// Features among what an expression reads: they follow the base columns.
fn features_of(bound: &Bound, columns: usize) -> impl Iterator<Item = usize> + '_ {
    bound.inputs.iter().filter_map(move |input| input.checked_sub(columns))
}

impl Builder<'_> {
    fn finish(self, table: Table, own: Vec<String>, joined: Vec<(usize, String)>, rules: Vec<RuleProgram>) -> Program {
        let words = self.predicates.len().div_ceil(64).max(1);
        let mut numbers: Vec<Vec<usize>> = self.dimensions.iter().map(|(_, of)| vec![0; of.features.len()]).collect();
        self.features.iter().enumerate().for_each(|(number, place)| numbers[place.dimension][place.index] = number);
        let mut program = Program {
            table,
            own,
            joined,
            atoms: self.atoms.into_iter().map(|(_, bound)| bound).collect(),
            predicates: self.predicates,
            arguments: self.arguments.into_iter().map(|(_, bound)| bound).collect(),
            texts: self.texts.into_iter().map(|(_, bound)| bound).collect(),
            dimensions: self.dimensions,
            enters: self.enters.iter().map(|of| mask_of(of.iter().copied(), words)).collect(),
            features: self.features,
            numbers,
            gates: mask_of(rules.iter().map(|rule| rule.gate), words),
            rules,
            eager: Vec::new(),
        };
        program.eager = program.read_eagerly();
        program
    }

    fn predicate(&mut self, atoms: &[Expr]) -> Result<usize, DataFusionError> {
        let mut ids = Vec::with_capacity(atoms.len());
        for atom in atoms {
            let id = match self.atoms.iter().position(|(known, _)| known == atom) {
                Some(id) => id,
                None => {
                    let bound = self.bind(atom)?;
                    self.atoms.push((atom.clone(), bound));
                    self.atoms.len() - 1
                }
            };
            ids.push(id);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(match self.predicates.iter().position(|known| *known == ids) {
            Some(id) => id,
            None => {
                self.predicates.push(ids);
                self.predicates.len() - 1
            }
        })
    }

    fn argument(&mut self, argument: &Expr) -> Result<usize, DataFusionError> {
        let bound = self.bind(argument)?;
        Ok(number(&mut self.arguments, argument, bound))
    }

    /// Has a text kept.
    fn text(&mut self, text: &Expr) -> Result<usize, DataFusionError> {
        let bound = self.bind(text)?;
        Ok(number(&mut self.texts, text, bound))
    }

    /// The dimension of these keys, onto whose timelines these predicates bring rows.
    fn dimension(
        &mut self,
        keys: &[String],
        extent: Extent,
        in_order: bool,
        predicates: &[usize],
    ) -> Result<usize, DataFusionError> {
        let keys: Vec<usize> =
            keys.iter().filter_map(|key| self.base.iter().position(|(name, _)| name == key)).collect();
        let dimension = match self.dimensions.iter().position(|(known, _)| *known == keys) {
            Some(dimension) => dimension,
            None => {
                self.dimensions.push((keys, Layout::default()));
                self.enters.push(Vec::new());
                self.dimensions.len() - 1
            }
        };
        for enters in predicates {
            if !self.enters[dimension].contains(enters) {
                self.enters[dimension].push(*enters);
            }
        }
        if in_order {
            let order = self.text(&Expr::Column(Column::new_unqualified("row_id")))?;
            self.dimensions[dimension].1.order = Some(order);
        }
        let layout = &mut self.dimensions[dimension].1;
        layout.span = layout.span.max(extent.reach());
        Ok(dimension)
    }

    fn feature(&mut self, window: &WindowPlan, gate: usize) -> Result<(), DataFusionError> {
        let predicate = self.predicate(&window.atoms)?;
        let (argument, text) = match &window.argument {
            Some(text) if window.output == DataType::Utf8 => (None, Some(self.text(text)?)),
            // COUNT(x) counts the rows that its predicate lets in; it needs no value.
            Some(argument) if window.kind != AggregateKind::Count => (Some(self.argument(argument)?), None),
            _ => (None, None),
        };
        let known = match &window.argument {
            Some(argument) if window.kind.picks_a_row() => Some(self.predicate(&[argument.clone().is_not_null()])?),
            _ => None,
        };
        let in_order = window.kind.needs_order();
        let dimension = self.dimension(&window.keys, window.extent, in_order, &[predicate, gate])?;
        let windows = &mut self.dimensions[dimension].1.windows;
        let known_window = Window::of(window.extent, window.before, gate);
        let at = windows.iter().position(|one| *one == known_window).unwrap_or_else(|| {
            windows.push(known_window);
            windows.len() - 1
        });
        let feature = Feature { kind: window.kind, predicate, argument, text, known, window: at };
        let features = &mut self.dimensions[dimension].1.features;
        let index = features.iter().position(|one| *one == feature).unwrap_or_else(|| {
            features.push(feature);
            features.len() - 1
        });
        let known = self.features.iter().position(|f| f.dimension == dimension && f.index == index);
        let place = known.unwrap_or_else(|| {
            let output = window.output.clone();
            self.features.push(FeaturePlace { dimension, index, output });
            self.features.len() - 1
        });
        self.feature_names.insert(window.name.clone(), place);
        Ok(())
    }

    fn rule(&mut self, planned: &Planned) -> Result<RuleProgram, DataFusionError> {
        let gate = self.predicate(&planned.plan.gate)?;
        let mut predicates = vec![gate];
        for window in &planned.plan.windows {
            predicates.push(self.predicate(&window.atoms)?);
        }
        predicates.sort_unstable();
        predicates.dedup();
        let (stages, totals) = (self.stages(&planned.plan.qualify)?, self.totals(&planned.plan.qualify)?);
        let least = self.least(&totals);
        let mut outputs = Vec::new();
        for (name, expr) in &planned.plan.outputs {
            outputs.push((name.clone(), self.bind(expr)?));
        }
        let group = match &planned.plan.group {
            Some(GroupPlan { keys, extent }) => {
                let dimension = self.dimension(keys, *extent, true, &[])?;
                Some(GroupProgram { dimension, window: Window::of(*extent, 0, gate) })
            }
            None => None,
        };
        let (rule, weight) = (planned.rule.clone(), planned.weight);
        let windows = planned.plan.windows.iter().filter_map(|window| self.feature_names.get(&window.name));
        let dimensions = windows.map(|feature| self.features[*feature].dimension);
        let dimensions = dimensions.chain(group.map(|group| group.dimension)).collect();
        let known: Vec<usize> = stages.iter().flat_map(|stage| stage.features.iter().copied()).collect();
        let told = outputs.iter().flat_map(|(_, bound)| features_of(bound, self.base.len()));
        let told = told.filter(|feature| !known.contains(feature)).collect();
        Ok(RuleProgram { rule, weight, gate, predicates, stages, dimensions, totals, least, group, outputs, told })
    }

    /// Compiles an expression over just the columns it reads, simplified as DataFusion's optimizer does: some functions
    /// (COALESCE) exist only in their simplified form.
    fn bind(&self, expr: &Expr) -> Result<Bound, DataFusionError> {
        let expr = &self.simplified(expr)?;
        let (mut inputs, mut fields, mut reads) = (Vec::new(), Vec::new(), Vec::new());
        let mut columns: Vec<&Column> = expr.column_refs().into_iter().collect();
        columns.sort();
        for column in columns {
            let (position, field) = match self.base.iter().position(|(name, _)| *name == column.name) {
                Some(position) => {
                    reads.push(column.name.as_str());
                    (position, self.base[position].1.clone().with_name(&column.name))
                }
                None => {
                    let feature = *self.feature_names.get(&column.name).ok_or_else(|| {
                        DataFusionError::Plan(format!("the column {} is neither own nor a window", column.name))
                    })?;
                    let output = self.features[feature].output.clone();
                    (self.base.len() + feature, Field::new(&column.name, output, true))
                }
            };
            inputs.push(position);
            fields.push(field);
        }
        let schema = Arc::new(Schema::new(fields));
        let df_schema = DFSchema::try_from(schema.as_ref().clone())?;
        let physical = self.context.create_physical_expr(expr.clone(), &df_schema)?;
        Ok(Bound { expr: physical, inputs, schema, reads: reads.join(", ") })
    }

    fn simplified(&self, expr: &Expr) -> Result<Expr, DataFusionError> {
        let base = self.base.iter().map(|(name, field)| field.clone().with_name(name));
        let features =
            self.feature_names.iter().map(|(name, f)| Field::new(name, self.features[*f].output.clone(), true));
        let schema = Arc::new(DFSchema::try_from(Schema::new(base.chain(features).collect::<Vec<_>>()))?);
        simplified(self.context, &schema, expr)
    }
}

/// An expression as DataFusion's optimizer leaves it.
pub(crate) fn simplified(
    context: &SessionContext,
    schema: &Arc<DFSchema>,
    expr: &Expr,
) -> Result<Expr, DataFusionError> {
    if let Expr::IsNotNull(inner) = expr
        && !matches!(inner.as_ref(), Expr::Column(_) | Expr::Literal(..))
    {
        // What is never null may still fail, and is then unknown: that must stay to be seen.
        return Ok(simplified(context, schema, inner)?.is_not_null());
    }
    let kind = expr.get_type(schema)?;
    let expr = cheaper(expr.clone(), schema)?;
    // Its state would be copied, with all functions.
    let config = context.copied_config();
    let context =
        SimplifyContext::builder().with_schema(schema.clone()).with_config_options(config.options().clone()).build();
    let simple = ExprSimplifier::new(context).simplify(expr)?;
    // The rule was planned with that type: the type of some functions hangs on arguments that are literals only now.
    Ok(if simple.get_type(schema)? == kind { simple } else { cast(simple, kind) })
}
