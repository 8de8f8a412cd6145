//! How far back `LAG` has to look. It reaches any row of its partition, however old; rows are not kept for ever. A condition
//! that must hold wherever the rule fires says how old a row may be: beyond it, it need not be there.

use datafusion::logical_expr::expr::WindowFunctionParams;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Operator};

use super::Matcher;
use super::aligned::{fixed, is_event_time, uncast};

/// Most rows that `LAG` looks back.
pub(super) const MAX_LAG: i64 = 64;

/// Of the windows with this partition: no rule fires where the row so many before is further away than so long.
#[derive(Debug)]
pub(super) struct LagBound {
    partition_by: Vec<Expr>,
    rows: i64,
    span: i64,
}

impl Matcher<'_> {
    /// The bounds that the conjuncts of a condition give.
    pub(super) fn lag_bounds(&self, condition: Option<&Expr>, windows: &[(String, &Expr)]) -> Vec<LagBound> {
        let atoms = condition.map(|c| split_conjunction(c)).unwrap_or_default();
        atoms.into_iter().filter_map(|atom| bound(atom, windows)).collect()
    }
}

/// The least bound on a row `rows` before.
pub(super) fn reach(bounds: &[LagBound], params: &WindowFunctionParams, rows: i64) -> Option<i64> {
    let of_it = bounds.iter().filter(|bound| bound.rows >= rows && bound.partition_by == params.partition_by);
    of_it.map(|bound| bound.span).min()
}

/// How many rows `LAG` looks back.
pub(super) fn rows_back(args: &[Expr]) -> Option<i64> {
    match args {
        [_] => Some(1),
        [_, back] => match uncast(back) {
            Expr::Literal(value, _) => value.to_string().parse().ok().filter(|back| (1..=MAX_LAG).contains(back)),
            _ => None,
        },
        _ => None,
    }
}

/// `LAG(event_time) OVER w >= event_time - INTERVAL …`, either way round.
fn bound(atom: &Expr, windows: &[(String, &Expr)]) -> Option<LagBound> {
    let (earlier, floor) = match atom {
        Expr::BinaryExpr(compared) => match compared.op {
            Operator::GtEq | Operator::Gt => (&*compared.left, &*compared.right),
            Operator::LtEq | Operator::Lt => (&*compared.right, &*compared.left),
            _ => return None,
        },
        Expr::Between(between) if !between.negated => (&*between.expr, &*between.low),
        _ => return None,
    };
    let Expr::BinaryExpr(floor) = uncast(floor) else { return None };
    let span = fixed(&floor.right).filter(|span| *span >= 0)?;
    if floor.op != Operator::Minus || !is_event_time(&floor.left) {
        return None;
    }
    let Expr::Column(column) = uncast(earlier) else { return None };
    let (_, Expr::WindowFunction(function)) =
        windows.iter().find(|(name, _)| *name == super::base::flat_column(column))?
    else {
        return None;
    };
    let params = &function.params;
    let of_time = params.args.first().is_some_and(is_event_time);
    (function.fun.name() == "lag" && of_time).then_some(())?;
    Some(LagBound { partition_by: params.partition_by.clone(), rows: rows_back(&params.args)?, span })
}
