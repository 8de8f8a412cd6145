//! Texts of which the planner makes numbers or times since they meet some: on most rows they are none. And numbers of which it
//! makes texts, which are then compared letter by letter.

use std::collections::BTreeSet;

use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use mareva_model::Fault;

use super::parts::{compared, each_part, picked_from};
use crate::rule_text::Sql;

/// What is made of which columns.
type Conversion = (BTreeSet<String>, String);

/// Refuses the first value that a plan makes another kind of, and that was none as it was `written`.
///
/// # Errors
/// The value.
pub(super) fn check(written: &LogicalPlan, analysed: &LogicalPlan, text: &Sql<'_>) -> Result<(), Fault> {
    let (mut known, mut found) = (BTreeSet::new(), None);
    let walked = each_part(written, &mut |part, _| {
        if let Expr::Cast(cast) = part {
            known.insert(conversion(cast));
        }
        false
    });
    let walked = walked.and_then(|()| {
        each_part(analysed, &mut |part, schema| {
            let met = met_in(part).into_iter().filter_map(|one| match one {
                Expr::Cast(cast) => Some(cast),
                _ => None,
            });
            let mut made = met.filter(|cast| !cast.expr.column_refs().is_empty() && !known.contains(&conversion(cast)));
            found = made.find_map(|cast| Some((cast.clone(), kind_of(cast, part, schema)?)));
            found.is_some()
        })
    });
    walked.map_err(|error| text.engine(&error))?;
    let Some((cast, kind)) = found else { return Ok(()) };
    let columns = cast.expr.column_refs();
    let named = columns.into_iter().find_map(|column| name_in(&column.name, text)).unwrap_or("a value");
    let (what, remedy) = match kind {
        Kind::Number => ("a text", format!("write quotes around what it is compared with, or CAST({named} AS BIGINT)")),
        Kind::Time => ("a text", format!("write CAST({named} AS TIMESTAMP)")),
        Kind::Text => ("no text", format!("take the quotes off what it meets, or write CAST({named} AS VARCHAR)")),
    };
    let met = if kind == Kind::Text { "a text" } else { "what is none" };
    let text = text.naming([named]).near([cast.expr.as_ref()]);
    Err(text.refuse(named, format!("{named} is {what}, and meets {met}"), &remedy))
}

/// What the planner makes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Time,
    Text,
}

/// What is made of a text; of numbers and times a text, where they are compared or one of both is given.
fn kind_of(cast: &Cast, part: &Expr, schema: &DFSchema) -> Option<Kind> {
    let (from, to) = (cast.expr.get_type(schema).ok()?, cast.field.data_type());
    match (from.is_string(), to.is_string()) {
        (true, _) if to.is_numeric() => Some(Kind::Number),
        (true, _) if to.is_temporal() => Some(Kind::Time),
        // What is put behind a text is one.
        (false, true) if !from.is_null() && !matches!(part, Expr::Cast(_)) => Some(Kind::Text),
        _ => None,
    }
}

/// What is compared in a part of an expression, or of which it gives one; a conversion itself.
fn met_in(part: &Expr) -> Vec<&Expr> {
    match part {
        Expr::Cast(_) => vec![part],
        Expr::Case(case) => {
            let branches = case.when_then_expr.iter().flat_map(|(when, then)| [when.as_ref(), then]);
            branches.chain(case.else_expr.as_deref()).chain(case.expr.as_deref()).collect()
        }
        _ => compared(part).into_iter().chain(picked_from(part)).collect(),
    }
}

/// The name of a column as the SQL has it. What a window gives is called by all that it computes: `max(movements.device) …`.
fn name_in<'c>(column: &'c str, text: &Sql<'_>) -> Option<&'c str> {
    let is_other = |c: char| !c.is_alphanumeric() && c != '_';
    let pieces = column.split_inclusive(is_other).filter(|piece| !piece.ends_with(['(', '.']));
    pieces.map(|piece| piece.trim_end_matches(is_other)).find(|word| !word.is_empty() && text.has(word))
}

fn conversion(cast: &Cast) -> Conversion {
    let columns = cast.expr.column_refs().into_iter().map(|column| column.name.clone()).collect();
    (columns, cast.field.data_type().to_string())
}
