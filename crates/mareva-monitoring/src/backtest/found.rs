//! Signals that rules raised, and rules over them.

use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator};
use mareva_model::Detection;

use super::{AccountTable, BacktestError, Variant};
use crate::oracle;
use crate::ruleset::Rule;
use crate::signals::{Signal, table};

/// Signals of one run of a rule.
#[derive(Debug, Clone, Default)]
pub struct Raised(Vec<Signal>);

impl Raised {
    /// Takes a detection of the variant; those of rules that raise no signals are left out.
    pub fn add(&mut self, variant: &Variant, detection: &Detection) {
        if detection.rule.raises_signals() {
            self.0.push(Signal::of(detection, variant.rule.checked.weight, 0));
        }
    }
}

/// What a rule over `signals` gives over these.
///
/// # Errors
/// What stock DataFusion reports of the rule.
pub async fn second_level<'r>(
    variant: &Variant,
    accounts: &AccountTable,
    raised: impl Iterator<Item = &'r Raised>,
) -> Result<Vec<Detection>, BacktestError> {
    over(&variant.rule, table(raised.flat_map(|raised| &raised.0))?, accounts).await
}

/// What a rule gives over rows of its table that fit in memory.
///
/// # Errors
/// What stock DataFusion reports of the rule.
pub(crate) async fn over(
    rule: &Rule,
    rows: RecordBatch,
    accounts: &AccountTable,
) -> Result<Vec<Detection>, BacktestError> {
    let failed = |error| BacktestError::of_rule(&rule.reference.id, &error);
    let context = super::parts::context(1, POOL).map_err(failed)?;
    oracle::register(&context, rule.table.name(), rows).map_err(failed)?;
    oracle::register(&context, "accounts", accounts.0.clone()).map_err(failed)?;
    oracle::run(&context, rule).await.map_err(failed)
}

/// Whether signals of a rule can fire a rule over `signals`, or count in one of its windows.
pub fn counts_signals_of(variant: &Variant, raising: &str) -> bool {
    let plan = &variant.rule.plan;
    let lets_in = |atoms: &[Expr]| !atoms.iter().any(|atom| rules_out(atom, raising));
    lets_in(&plan.gate) || plan.windows.iter().any(|window| lets_in(&window.atoms))
}

/// Whether a condition holds for no signal of a rule.
fn rules_out(condition: &Expr, raising: &str) -> bool {
    let is_it = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == "rule");
    let text = |expr: &Expr| match expr {
        Expr::Literal(ScalarValue::Utf8(text), _) => text.clone(),
        _ => None,
    };
    match condition {
        Expr::BinaryExpr(two) => {
            let (left, right) = (&*two.left, &*two.right);
            let named = if is_it(left) { text(right) } else { text(left).filter(|_| is_it(right)) };
            match two.op {
                Operator::And => rules_out(left, raising) || rules_out(right, raising),
                Operator::Or => rules_out(left, raising) && rules_out(right, raising),
                Operator::Eq => named.is_some_and(|named| named != raising),
                Operator::NotEq => named.is_some_and(|named| named == raising),
                _ => false,
            }
        }
        Expr::InList(list) if is_it(&list.expr) => {
            let mut texts = list.list.iter().map(text);
            match list.negated {
                true => texts.any(|named| named.as_deref() == Some(raising)),
                false => texts.all(|named| named.is_some_and(|named| named != raising)),
            }
        }
        _ => false,
    }
}

/// What sorting them may take in memory; beyond it it spills.
const POOL: usize = 2 << 30;
