//! Clauses of other dialects that the parser takes and the planner leaves out without a word.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, DateTimeField, ExactNumberInfo, Expr, Function, FunctionArguments, GroupByExpr, Interval,
    Join, NamedWindowDefinition, NamedWindowExpr, Query, Select, SetExpr, SetOperator, Statement, TableFactor,
    WindowType, visit_expressions,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use mareva_model::Fault;

use super::{FORM, zones};
use crate::rule_text::Sql;

/// A clause that may be there.
struct Clause {
    there: bool,
    /// What it begins with.
    words: &'static str,
    /// What it is, where its words do not say it, and what to write instead.
    said: Option<(&'static str, &'static str)>,
}

/// A clause that its words name.
fn named(there: bool, words: &'static str) -> Clause {
    Clause { there, words, said: None }
}

fn told(there: bool, words: &'static str, what: &'static str, remedy: &'static str) -> Clause {
    Clause { there, words, said: Some((what, remedy)) }
}

/// Refuses the first of them. Text that does not parse is left to the planner, which says so.
///
/// # Errors
/// The clause.
pub(super) fn check(text: &Sql<'_>) -> Result<(), Fault> {
    let statements = Parser::parse_sql(&GenericDialect {}, text.sql).unwrap_or_default();
    let queries = statements.iter().filter_map(|statement| match statement {
        Statement::Query(query) => Some(query.as_ref()),
        _ => None,
    });
    zones::check(text, &statements)?;
    let dropped = statements.iter().flat_map(of_expressions);
    let found = queries.flat_map(of_query).chain(dropped).find(|clause| clause.there);
    // What is refused of the windows themselves comes first.
    found.map_or_else(
        || unused_window(text, &statements),
        |Clause { words, said, .. }| {
            let (what, remedy) =
                said.map_or_else(|| (words.to_uppercase(), FORM), |(what, remedy)| (what.to_owned(), remedy));
            Err(text.refuse(words, format!("{what} is not supported"), remedy))
        },
    )
}

/// Refuses a window that nobody names: the planner does not look at it, nor at whether its columns are there.
fn unused_window(text: &Sql<'_>, statements: &[Statement]) -> Result<(), Fault> {
    let mut named = Vec::new();
    for statement in statements {
        _ = visit_expressions(statement, |expr| {
            if let Expr::Function(Function { over: Some(WindowType::NamedWindow(name)), .. }) = expr {
                named.push(name.value.to_lowercase());
            }
            ControlFlow::<()>::Continue(())
        });
    }
    let selects = statements.iter().filter_map(|statement| match statement {
        Statement::Query(query) => query.body.as_select(),
        _ => None,
    });
    let mut windows = selects.flat_map(|select| &select.named_window).map(|NamedWindowDefinition(name, _)| &name.value);
    match windows.find(|name| !named.contains(&name.to_lowercase())) {
        None => Ok(()),
        Some(name) => {
            let remedy = format!("write OVER {name} where it is meant, or take it out");
            Err(text.refuse(&format!("{name} as ("), format!("nothing is computed over the window {name}"), &remedy))
        }
    }
}

/// Instead of a text of so many letters.
const SHORTER: &str = "write CAST(x AS VARCHAR), or substr(x, 1, 7)";

/// Parts of expressions of which the planner takes a part.
fn of_expressions(statement: &Statement) -> Vec<Clause> {
    let mut found = Vec::new();
    _ = visit_expressions(statement, |expr| {
        found.push(match expr {
            Expr::Function(function) => {
                let names_another =
                    matches!(&function.over, Some(WindowType::WindowSpec(window)) if window.window_name.is_some());
                let there = names_another || !matches!(function.parameters, FunctionArguments::None);
                let what = "a window that names another, or a parameter,";
                told(there, "over (", what, "name a window alone, OVER w, or write it out")
            }
            // To the parser what stands behind it is all that follows.
            Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) if binds_less(right) => {
                let remedy = "write brackets around it: (x IS DISTINCT FROM y) AND z";
                told(true, "distinct from", "IS DISTINCT FROM before AND, OR or IS, without brackets,", remedy)
            }
            Expr::BinaryOp { left, op, right } => match unsettled(left, op, right) {
                None => return ControlFlow::Continue(()),
                Some(sign) => {
                    let what = "this sign beside others, without brackets,";
                    told(true, sign, what, "write brackets: (a >> 1) & b")
                }
            },
            Expr::SimilarTo { .. } => told(true, "similar to", "SIMILAR TO", "write LIKE, or x ~ '^…$'"),
            Expr::Cast {
                data_type:
                    DataType::Varchar(Some(_)) | DataType::CharVarying(Some(_)) | DataType::CharacterVarying(Some(_)),
                ..
            } => told(true, "varchar", "VARCHAR", SHORTER),
            Expr::Cast { data_type: DataType::String(Some(_)), .. } => told(true, "string", "STRING", SHORTER),
            Expr::Cast { data_type: DataType::Nvarchar(Some(_)), .. } => told(true, "nvarchar", "NVARCHAR", SHORTER),
            Expr::Cast { data_type: DataType::Timestamp(Some(places), _), .. } if *places < 3 => {
                let remedy = "write date_trunc('second', x)";
                told(true, "timestamp", "a TIMESTAMP of less than three places", remedy)
            }
            Expr::Interval(Interval { value, leading_field: Some(unit), .. }) if is_cut(value, unit) => {
                told(true, "interval", "a part of a unit in an interval", "write whole ones: INTERVAL '36' HOUR")
            }
            // Without a length it is one letter, of which the planner makes all.
            Expr::Cast { data_type: DataType::Char(_), .. } => told(true, "char", "CHAR", SHORTER),
            Expr::Cast { data_type: DataType::Character(_), .. } => told(true, "character", "CHARACTER", SHORTER),
            Expr::Cast {
                data_type:
                    DataType::Decimal(ExactNumberInfo::PrecisionAndScale(_, scale))
                    | DataType::Numeric(ExactNumberInfo::PrecisionAndScale(_, scale))
                    | DataType::Dec(ExactNumberInfo::PrecisionAndScale(_, scale)),
                ..
            } if *scale < 0 => told(true, "cast", "a scale below zero", "divide it, and write DECIMAL(38, 0)"),
            _ => return ControlFlow::<()>::Continue(()),
        });
        ControlFlow::Continue(())
    });
    found
}

/// Whether a span has a part of its unit, which PostgreSQL leaves out. Of seconds it does not.
fn is_cut(value: &Expr, unit: &DateTimeField) -> bool {
    let unit = unit.to_string().to_lowercase();
    value.to_string().contains('.') && !unit.contains("second")
}

/// Whether an expression is of AND, OR or IS, without brackets.
fn binds_less(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. }
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
    )
}

/// The sign of two operations without brackets of which the parser and PostgreSQL do not take the same one first.
fn unsettled(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<&'static str> {
    let sign = sign_of_no_rank(op);
    let below = [left, right].into_iter().find_map(|side| match side {
        Expr::BinaryOp { op: below, .. } if below != op => Some((below, sign_of_no_rank(below))),
        _ => None,
    });
    match below? {
        (below, _) if !is_arithmetic(below) => None,
        (_, of_below) => sign.or(of_below).filter(|_| is_arithmetic(op)),
    }
}

/// Signs that bind less than `+` in PostgreSQL (4.1.6, Operator Precedence), and alike.
fn sign_of_no_rank(op: &BinaryOperator) -> Option<&'static str> {
    match op {
        BinaryOperator::BitwiseAnd => Some("&"),
        BinaryOperator::BitwiseOr => Some("|"),
        BinaryOperator::BitwiseXor => Some("^"),
        BinaryOperator::PGBitwiseXor => Some("#"),
        BinaryOperator::PGBitwiseShiftLeft => Some("<<"),
        BinaryOperator::PGBitwiseShiftRight => Some(">>"),
        BinaryOperator::StringConcat => Some("||"),
        _ => None,
    }
}

fn is_arithmetic(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus};
    matches!(op, Plus | Minus | Multiply | Divide | Modulo) || sign_of_no_rank(op).is_some()
}

fn of_query(query: &Query) -> Vec<Clause> {
    // All fields are named, so that nothing new is left out. What a rule may not have otherwise, the planner tells.
    let Query {
        with: _,
        body,
        order_by: _,
        limit_clause: _,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    let mut clauses = match body.as_ref() {
        SetExpr::Select(select) => of_select(select),
        SetExpr::SetOperation { op, .. } => vec![named(true, of_operation(*op))],
        _ => Vec::new(),
    };
    clauses.extend([
        named(fetch.is_some(), "fetch"),
        named(!locks.is_empty() || for_clause.is_some(), "for"),
        named(settings.is_some(), "settings"),
        named(format_clause.is_some(), "format"),
        named(!pipe_operators.is_empty(), "|>"),
    ]);
    clauses
}

fn of_operation(operator: SetOperator) -> &'static str {
    match operator {
        SetOperator::Union => "union",
        SetOperator::Except => "except",
        SetOperator::Intersect => "intersect",
        SetOperator::Minus => "minus",
    }
}

fn of_select(select: &Select) -> Vec<Clause> {
    let Select {
        select_token: _,
        optimizer_hints,
        distinct: _,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection: _,
        exclude,
        into,
        from,
        lateral_views,
        prewhere,
        selection: _,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having: _,
        named_window,
        qualify: _,
        window_before_qualify: _,
        value_table_mode,
        flavor: _,
    } = select;
    let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) = group_by;
    let mut clauses = vec![
        named(!optimizer_hints.is_empty() || select_modifiers.is_some() || value_table_mode.is_some(), "select"),
        named(top.is_some(), "top"),
        named(exclude.is_some(), "exclude"),
        named(into.is_some(), "into"),
        named(!lateral_views.is_empty(), "lateral"),
        named(prewhere.is_some(), "prewhere"),
        named(!connect_by.is_empty(), "connect by"),
        named(!modifiers.is_empty(), "with"),
        named(!cluster_by.is_empty(), "cluster by"),
        named(!distribute_by.is_empty(), "distribute by"),
        named(!sort_by.is_empty(), "sort by"),
        told(
            named_window.iter().any(|NamedWindowDefinition(_, window)| !is_written_out(window)),
            "window",
            "a window that is called after another",
            "write the window out a second time",
        ),
        told(
            are_alike(named_window),
            "window",
            "a window whose name differs from another's in case alone",
            "give each a name of its own",
        ),
    ];
    for table in from {
        clauses.extend(of_table(&table.relation));
        clauses.extend(table.joins.iter().flat_map(of_join));
    }
    clauses
}

/// Whether two names of windows differ in case alone: the planner takes the last one for both.
fn are_alike(windows: &[NamedWindowDefinition]) -> bool {
    let names: Vec<&str> = windows.iter().map(|NamedWindowDefinition(name, _)| name.value.as_str()).collect();
    let alike = |one: &&str, other: &&str| one != other && one.eq_ignore_ascii_case(other);
    names.iter().any(|one| names.iter().any(|other| alike(one, other)))
}

fn is_written_out(window: &NamedWindowExpr) -> bool {
    matches!(window, NamedWindowExpr::WindowSpec(window) if window.window_name.is_none())
}

fn of_join(join: &Join) -> Vec<Clause> {
    let mut clauses = of_table(&join.relation);
    clauses.push(named(join.global, "global"));
    clauses
}

fn of_table(table: &TableFactor) -> Vec<Clause> {
    let TableFactor::Table {
        name,
        alias,
        args: _,
        with_hints,
        version,
        with_ordinality,
        partitions,
        json_path,
        sample,
        index_hints,
    } = table
    else {
        return Vec::new();
    };
    let sampled = if table.to_string().contains("TABLESAMPLE") { "tablesample" } else { "sample" };
    vec![
        named(sample.is_some(), sampled),
        named(!with_hints.is_empty() || *with_ordinality, "with"),
        told(
            name.0.len() > 1 || alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()),
            "from",
            "a schema before a table's name, or a list of columns after it,",
            "write the name of the table alone",
        ),
        named(version.is_some() || json_path.is_some() || !index_hints.is_empty(), "for"),
        named(!partitions.is_empty(), "partition"),
    ]
}
