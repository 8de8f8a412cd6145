//! What the optimizer of stock DataFusion makes of a text otherwise than it says, without a word. Engine and stock share it, so
//! that no test of one against the other sees that: each expression is computed as it is written and as it is optimized, over
//! rows at its edges, and refused where they differ.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DFSchemaRef, ExprSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Case, ColumnarValue, Expr, LogicalPlan, Operator};
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::SessionContext;
use mareva_model::Fault;

use super::aligned::{HOP, SESSION};
use super::{RulePlan, boundary};
use crate::program::simplified;
use crate::rule_text::Sql;

/// Terms of AND or OR that are tried two by two; of more, those of a column together.
const MOST_PAIRED: usize = 12;

/// Refuses the first expression whose optimized form gives something else.
///
/// # Errors
/// The expression, and a row for which it does.
pub(super) fn check(
    context: &SessionContext,
    analysed: &LogicalPlan,
    plan: &RulePlan,
    text: &Sql<'_>,
) -> Result<(), Fault> {
    let mut found = None;
    let walked = analysed.apply(|node| {
        let schema = Arc::new(merge_schema(&node.inputs()));
        node.apply_expressions(|expr: &Expr| {
            found = misread(context, &schema, expr);
            Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    });
    walked.map_err(|error| text.engine(&error))?;
    // Conditions of columns alone are moved to those of WHERE, and optimized with them.
    let all = plan.gate.iter().chain(&plan.qualify).cloned().reduce(Expr::and);
    let schema = Arc::new(DFSchema::try_from(plan.schema()).map_err(|error| text.engine(&error))?);
    let found = found.or_else(|| misread(context, &schema, &all?));
    found.map_or(Ok(()), |misread| Err(misread.refusal(text)))
}

/// A part of an expression that must not stay.
enum Misread {
    Differs(Difference),
    /// It fails for every row that holds what it asks for.
    Fails(Expr, DataFusionError),
    /// A list of which a member that differs from row to row is kept as one value.
    Kept(Expr),
}

impl Misread {
    fn refusal(self, text: &Sql<'_>) -> Fault {
        match self {
            Self::Differs(difference) => difference.refusal(text),
            Self::Kept(part) => {
                let reason = "of a CASE or COALESCE in a list one value is kept for all rows";
                text.near([&part]).refuse("in", reason, "write x = 'a' OR x = CASE … END")
            }
            Self::Fails(part, error) => {
                let fault = text.near([&part]).engine(&error);
                let remedy = "look at what it is given: a format, a unit, a number";
                text.near([&part]).refuse(&sign(&part), format!("fails for every row: {}", fault.reason), remedy)
            }
        }
    }
}

/// A row for which a part of an expression gives something else.
struct Difference {
    part: Expr,
    row: Vec<(Column, ScalarValue)>,
    written: ScalarValue,
    optimized: ScalarValue,
}

impl Difference {
    fn refusal(self, text: &Sql<'_>) -> Fault {
        let Self { part, row, written, optimized } = self;
        let columns: Vec<&Column> = row.iter().map(|(column, _)| column).collect();
        let text = text.naming(columns.iter().map(|column| column.name.as_str())).near([&part]);
        let named = |column: &Column| if text.has(&column.name) { column.name.clone() } else { "a window".to_owned() };
        let row: Vec<String> =
            row.iter().map(|(column, value)| format!("{} is {}", named(column), shown(value))).collect();
        let reason = format!(
            "stock SQL makes something else of this: where {} it gives {}, and not {}",
            row.join(" and "),
            shown(&optimized),
            shown(&written)
        );
        text.refuse(&sign(&part), reason, remedy(&part))
    }
}

fn shown(value: &ScalarValue) -> String {
    match value.try_as_str() {
        Some(Some(text)) => format!("'{}'", text.escape_debug()),
        _ if value.is_null() => "null".to_owned(),
        _ => value.to_string(),
    }
}

/// What stands where such a part does.
fn sign(part: &Expr) -> String {
    match part {
        Expr::BinaryExpr(binary) => binary.op.to_string(),
        Expr::InList(_) => "in".to_owned(),
        Expr::ScalarFunction(function) => function.name().to_owned(),
        _ => String::new(),
    }
}

/// What to write instead.
fn remedy(part: &Expr) -> &'static str {
    let has = |seen: fn(&Expr) -> bool| part.exists(|part| Ok(seen(part))).unwrap_or(false);
    let is_pattern = |part: &Expr| match part {
        Expr::Like(_) => true,
        Expr::ScalarFunction(function) => function.name().starts_with("regexp_"),
        Expr::BinaryExpr(binary) => binary.op.to_string().contains('~'),
        _ => false,
    };
    let is_list = |part: &Expr| matches!(part, Expr::InList(_));
    let is_cast = |part: &Expr| matches!(part, Expr::Cast(_) | Expr::TryCast(_));
    let is_chain = matches!(part, Expr::BinaryExpr(binary) if matches!(binary.op, Operator::And | Operator::Or));
    if has(is_pattern) {
        "look for a plain text, strpos(remittance, 'x') > 0, or ask for IS NOT NULL"
    } else if is_chain || has(is_list) && !has(is_cast) {
        "write one list, x NOT IN ('a', 'b'), and IS NULL or IS NOT NULL beside it"
    } else if has(is_cast) {
        "say between which values: x >= 99.995 AND x < 100.005"
    } else {
        "write it in a plainer way"
    }
}

fn misread(context: &SessionContext, schema: &DFSchemaRef, expr: &Expr) -> Option<Misread> {
    // What cannot be computed at all is told of elsewhere.
    parts(expr).into_iter().find_map(|part| compared(context, schema, part).ok().flatten())
}

/// What the optimizer makes of its constants.
fn constants(context: &SessionContext, schema: &DFSchemaRef, expr: &Expr) -> Vec<Expr> {
    let mut found = Vec::new();
    let walked = expr.apply(|part| {
        let is_constant = !part.any_column_refs() && !matches!(part, Expr::Literal(..));
        found.extend(is_constant.then(|| simplified(context, schema, part).ok()).flatten());
        Ok(if is_constant { TreeNodeRecursion::Jump } else { TreeNodeRecursion::Continue })
    });
    // The closure never fails.
    debug_assert!(walked.is_ok(), "{walked:?}");
    found
}

/// Parts that are computed by themselves, the smallest first: terms of AND and OR are tried together with those beside them.
fn parts(expr: &Expr) -> Vec<Expr> {
    let (mut found, mut known, mut within) = (Vec::new(), HashSet::new(), HashSet::new());
    let walked = expr.apply(|part| {
        if matches!(part, Expr::Column(_) | Expr::Literal(..)) || part.column_refs().is_empty() {
            return Ok(TreeNodeRecursion::Jump);
        }
        match part {
            Expr::Alias(_) | Expr::WindowFunction(_) | Expr::AggregateFunction(_) => {}
            Expr::BinaryExpr(BinaryExpr { op: op @ (Operator::And | Operator::Or), .. }) => {
                if !within.contains(&std::ptr::from_ref(part)) {
                    let mut terms = Vec::new();
                    flatten(part, *op, &mut terms, &mut within);
                    found.extend(chains(&terms, *op));
                }
            }
            _ => found.push(part.clone()),
        }
        Ok(TreeNodeRecursion::Continue)
    });
    // The closure never fails.
    debug_assert!(walked.is_ok(), "{walked:?}");
    // Calls that make windows are no functions.
    let is_call =
        |part: &Expr| matches!(part, Expr::ScalarFunction(function) if [HOP, SESSION].contains(&function.name()));
    found.retain(|part| !part.exists(|part| Ok(is_call(part))).unwrap_or(false));
    found.reverse();
    found.retain(|part| known.insert(part.clone()));
    found
}

/// Terms that one operator joins. Its inner operations are part of the whole.
fn flatten<'e>(part: &'e Expr, op: Operator, terms: &mut Vec<&'e Expr>, within: &mut HashSet<*const Expr>) {
    match part {
        Expr::BinaryExpr(binary) if binary.op == op => {
            within.insert(std::ptr::from_ref(part));
            flatten(&binary.left, op, terms, within);
            flatten(&binary.right, op, terms, within);
        }
        _ => terms.push(part),
    }
}

/// All terms, those of each column, and two by two those that share one.
fn chains(terms: &[&Expr], op: Operator) -> Vec<Expr> {
    let joined = |some: &[&Expr]| {
        let join = |left: Expr, right: Expr| Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)));
        some.iter().map(|term| (*term).clone()).reduce(join)
    };
    let mut found: Vec<Expr> = joined(terms).into_iter().collect();
    let columns: Vec<HashSet<&Column>> = terms.iter().map(|term| term.column_refs()).collect();
    let all: BTreeSet<&Column> = columns.iter().flatten().copied().collect();
    for column in all {
        let of_column: Vec<&Expr> =
            terms.iter().zip(&columns).filter(|(_, of)| of.contains(column)).map(|(term, _)| *term).collect();
        if of_column.len() < 2 {
            continue;
        }
        found.extend(joined(&of_column));
        if of_column.len() <= MOST_PAIRED {
            for (at, one) in of_column.iter().enumerate() {
                found.extend(of_column[at + 1..].iter().filter_map(|other| joined(&[*one, *other])));
            }
        }
    }
    found
}

/// The first row for which the optimized form gives something else, or anything where the written one fails.
fn compared(context: &SessionContext, schema: &DFSchemaRef, part: Expr) -> Result<Option<Misread>, DataFusionError> {
    if let Expr::InList(list) = &part
        && list.list.iter().any(|member| is_kept(context, schema, member).unwrap_or(false))
    {
        return Ok(Some(Misread::Kept(part)));
    }
    let (written, optimized) = (as_written(&part)?, simplified(context, schema, &part)?);
    // What is left as it is differs in nothing, but a function may refuse every value.
    if written == optimized && !matches!(part, Expr::ScalarFunction(_)) {
        return Ok(None);
    }
    let constants = constants(context, schema, &part);
    let (known, rows) = boundary::rows(&part, constants.iter().chain([&optimized]), schema)?;
    let schema = &known;
    let forms = [written, optimized].map(|form| context.create_physical_expr(form, schema));
    let [written, optimized] = forms;
    let (written, optimized) = (written?, optimized?);
    let whole = computed(&written, &rows).and_then(|one| Ok((one, computed(&optimized, &rows)?)));
    if let Ok((one, other)) = whole {
        return Ok(differs(&part, schema, &rows, &one, &other)?.map(Misread::Differs));
    }
    let mut failure = None;
    let mut is_ever_computed = asks_for_text(&part, schema);
    for at in 0..rows.num_rows() {
        let row = rows.slice(at, 1);
        // Where the optimized form fails, engine and stock say so.
        let other = match computed(&optimized, &row) {
            Ok(other) => other,
            Err(error) => {
                failure = Some(error);
                continue;
            }
        };
        is_ever_computed |= !other.is_null(0);
        let one = computed(&written, &row).unwrap_or_else(|_| new_null_array(other.data_type(), 1));
        if let Some(difference) = differs(&part, schema, &row, &one, &other)? {
            return Ok(Some(Misread::Differs(difference)));
        }
    }
    Ok(failure.filter(|_| !is_ever_computed).map(|error| Misread::Fails(part, error)))
}

/// Whether a member of a list is taken for a constant and is none: its kernel computes each over no rows and keeps what is one
/// value then (`try_evaluate_constant_list` of datafusion-physical-expr 55).
fn is_kept(context: &SessionContext, schema: &DFSchemaRef, member: &Expr) -> Result<bool, DataFusionError> {
    if !member.any_column_refs() {
        return Ok(false);
    }
    let member = context.create_physical_expr(simplified(context, schema, member)?, schema)?;
    let none = RecordBatch::new_empty(schema.inner().clone());
    Ok(matches!(member.evaluate(&none)?, ColumnarValue::Scalar(_)))
}

/// Whether the texts are not known that it can be computed of.
fn asks_for_text(part: &Expr, schema: &DFSchema) -> bool {
    let is_text = |column: &Column| schema.field_from_column(column).is_ok_and(|of| of.data_type().is_string());
    part.column_refs().into_iter().any(is_text)
}

fn computed(expr: &Arc<dyn PhysicalExpr>, rows: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
    expr.evaluate(rows)?.into_array(rows.num_rows())
}

fn differs(
    part: &Expr,
    schema: &DFSchema,
    rows: &RecordBatch,
    written: &ArrayRef,
    optimized: &ArrayRef,
) -> Result<Option<Difference>, DataFusionError> {
    if written == optimized {
        return Ok(None);
    }
    for at in 0..rows.num_rows() {
        let of = |array: &ArrayRef| ScalarValue::try_from_array(array, at);
        let (written, optimized) = (of(written)?, of(optimized)?);
        if written != optimized {
            let mut row = Vec::new();
            for column in part.column_refs() {
                row.push((column.clone(), of(rows.column(schema.index_of_column(column)?))?));
            }
            row.sort_by(|one, other| one.0.cmp(&other.0));
            return Ok(Some(Difference { part: part.clone(), row, written, optimized }));
        }
    }
    Ok(None)
}

/// Functions that exist in their optimized form alone, written out.
fn as_written(part: &Expr) -> Result<Expr, DataFusionError> {
    let written = part.clone().transform_up(|part| {
        let Expr::ScalarFunction(function) = &part else { return Ok(Transformed::no(part)) };
        let known = |value: &Expr| Box::new(value.clone().is_not_null());
        let (picked, last) = match (function.name(), function.args.as_slice()) {
            ("coalesce" | "nvl", [first @ .., last]) => {
                (first.iter().map(|value| (known(value), Box::new(value.clone()))).collect(), last)
            }
            ("nvl2", [asked, value, last]) => (vec![(known(asked), Box::new(value.clone()))], last),
            _ => return Ok(Transformed::no(part)),
        };
        Ok(Transformed::yes(match picked.is_empty() {
            true => last.clone(),
            false => Expr::Case(Case::new(None, picked, Some(Box::new(last.clone())))),
        }))
    })?;
    Ok(written.data)
}
