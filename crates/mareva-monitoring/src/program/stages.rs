//! What must hold of a rule's features, in the order in which it is tried.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::{Bound, Builder, FeaturePlace, features_of};
use crate::aggregate::AggregateKind;
use crate::extent::Extent;

/// One condition of a rule on features. Rows that fail it are asked for no more.
#[derive(Debug)]
pub(crate) struct Stage {
    pub condition: Bound,
    /// Features it reads that no earlier stage has.
    pub features: Vec<usize>,
}

/// So many rows must be in a row's window of a dimension, at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Least {
    pub dimension: usize,
    pub extent: Extent,
    pub rows: u32,
}

impl Builder<'_> {
    fn kind(&self, feature: usize) -> AggregateKind {
        let FeaturePlace { dimension, index, .. } = &self.features[feature];
        self.dimensions[*dimension].1.features[*index].kind
    }

    /// Conditions in the order in which they are tried: first those that ask for the least.
    pub(super) fn stages(&self, conditions: &[Expr]) -> Result<Vec<Stage>, DataFusionError> {
        let mut left = Vec::with_capacity(conditions.len());
        for condition in conditions {
            let mut features: Vec<usize> = features_of(&self.bind(condition)?, self.base.len()).collect();
            features.sort_unstable();
            left.push((condition, features));
        }
        let (mut known, mut stages): (Vec<usize>, Vec<Stage>) = (Vec::new(), Vec::new());
        while !left.is_empty() {
            let asks = |(_, of): &(&Expr, Vec<usize>)| -> Vec<usize> {
                of.iter().filter(|feature| !known.contains(feature)).copied().collect()
            };
            let cost = |features: &Vec<usize>| features.iter().map(|feature| self.kind(*feature).cost()).sum::<u32>();
            let features = left.iter().map(asks).min_by_key(cost).unwrap_or_default();
            known.extend(&features);
            let (now, later) = left.into_iter().partition(|(_, of)| of.iter().all(|feature| known.contains(feature)));
            left = later;
            let conditions: Vec<(&Expr, Vec<usize>)> = now;
            let all = conditions.into_iter().map(|(condition, _)| condition.clone()).reduce(Expr::and);
            if let Some(all) = all {
                stages.push(Stage { condition: self.bind(&all)?, features });
            }
        }
        Ok(stages)
    }

    /// What counts and sums of a rule must come to for it to hold: the feature, and its least value.
    pub(super) fn totals(&self, conditions: &[Expr]) -> Result<Vec<(usize, i128)>, DataFusionError> {
        let mut totals = Vec::new();
        for condition in conditions {
            let condition = self.simplified(condition)?;
            for (name, reached, scale) in split_conjunction(&condition).into_iter().filter_map(reaches) {
                let Some(feature) = self.feature_names.get(name) else { continue };
                let own = match self.features[*feature].output {
                    DataType::Int64 => 0,
                    DataType::Decimal128(_, scale) => scale,
                    _ => continue,
                };
                // A conversion to fewer places rounds.
                let Some(unit) = u32::try_from(i32::from(scale) - i32::from(own))
                    .ok()
                    .and_then(|places| 10_i128.checked_pow(places))
                else {
                    continue;
                };
                totals.push((*feature, reached.div_euclid(unit) + i128::from(reached.rem_euclid(unit) > 0)));
            }
        }
        Ok(totals)
    }

    /// How many rows there must be in windows: as many as a count has to reach. Most keys have fewer, and no feature of theirs needs
    /// to be looked at.
    pub(super) fn least(&self, totals: &[(usize, i128)]) -> Vec<Least> {
        let mut least: Vec<Least> = Vec::new();
        for (feature, reached) in totals {
            let Some(rows) = u32::try_from(*reached).ok().filter(|rows| *rows > 0) else { continue };
            if !matches!(self.kind(*feature), AggregateKind::Count | AggregateKind::CountDistinct) {
                continue;
            }
            let FeaturePlace { dimension, index, .. } = self.features[*feature];
            let layout = &self.dimensions[dimension].1;
            let extent = layout.windows[layout.features[index].window].extent;
            match least.iter_mut().find(|known| (known.dimension, known.extent) == (dimension, extent)) {
                Some(known) => known.rows = rows.max(known.rows),
                None => least.push(Least { dimension, extent, rows }),
            }
        }
        least
    }
}

/// The column that must reach a number, of a condition that says so, and the number: its digits, and how many of them are places.
fn reaches(condition: &Expr) -> Option<(&str, i128, i8)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return None };
    let (column, op, literal) = match (left.as_ref(), right.as_ref()) {
        (column, Expr::Literal(literal, _)) => (column, *op, literal),
        (Expr::Literal(literal, _), column) => (column, op.swap()?, literal),
        _ => return None,
    };
    let column = match column {
        Expr::Cast(cast) => cast.expr.as_ref(),
        column => column,
    };
    let Expr::Column(column) = column else { return None };
    let (number, scale) = match literal {
        ScalarValue::Int64(Some(number)) => (i128::from(*number), 0),
        ScalarValue::Decimal128(Some(number), _, scale) => (*number, *scale),
        _ => return None,
    };
    let least = match op {
        Operator::GtEq | Operator::Eq => number,
        Operator::Gt => number.checked_add(1)?,
        _ => return None,
    };
    Some((column.name.as_str(), least, scale))
}
