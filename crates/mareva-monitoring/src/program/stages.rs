//! What must hold of a rule's features, in the order in which it is tried.

use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::{Bound, Builder, FeaturePlace, features_of};
use crate::aggregate::AggregateKind;

/// One condition of a rule on features. Rows that fail it are asked for no more.
#[derive(Debug)]
pub(crate) struct Stage {
    pub condition: Bound,
    /// Features it reads that no earlier stage has.
    pub features: Vec<usize>,
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

    /// How many rows must be on a timeline: as many as a count has to reach. Most keys have fewer, and no feature of theirs
    /// needs to be looked at.
    pub(super) fn least(&self, conditions: &[Expr]) -> Result<Vec<(usize, u32)>, DataFusionError> {
        let mut least: Vec<(usize, u32)> = Vec::new();
        for condition in conditions {
            let condition = self.simplified(condition)?;
            for (name, rows) in split_conjunction(&condition).into_iter().filter_map(reaches) {
                let Some(feature) = self.feature_names.get(name) else { continue };
                if !matches!(self.kind(*feature), AggregateKind::Count | AggregateKind::CountDistinct) {
                    continue;
                }
                let dimension = self.features[*feature].dimension;
                match least.iter_mut().find(|(of, _)| *of == dimension) {
                    Some((_, known)) => *known = rows.max(*known),
                    None => least.push((dimension, rows)),
                }
            }
        }
        Ok(least)
    }
}

/// The column that must reach a number, of a condition that says so.
fn reaches(condition: &Expr) -> Option<(&str, u32)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return None };
    let (column, op, literal) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), Expr::Literal(literal, _)) => (column, *op, literal),
        (Expr::Literal(literal, _), Expr::Column(column)) => (column, op.swap()?, literal),
        _ => return None,
    };
    let ScalarValue::Int64(Some(number)) = literal else { return None };
    let least = match op {
        Operator::GtEq | Operator::Eq => *number,
        Operator::Gt => number.checked_add(1)?,
        _ => return None,
    };
    Some((column.name.as_str(), u32::try_from(least).ok()?))
}
