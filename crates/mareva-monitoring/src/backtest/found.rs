//! Signals that rules raised, and rules over them.

use mareva_model::{Detection, Table};

use super::{AccountTable, BacktestError, Variant};
use crate::oracle;
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
    let signals = table(raised.flat_map(|raised| &raised.0))?;
    let rule = &variant.rule;
    let failed = |error| BacktestError::of_rule(&rule.reference.id, &error);
    let context = super::parts::context(1, POOL).map_err(failed)?;
    oracle::register(&context, Table::Signals.name(), signals).map_err(failed)?;
    oracle::register(&context, "accounts", accounts.0.clone()).map_err(failed)?;
    oracle::run(&context, rule).await.map_err(failed)
}

/// What sorting signals may take in memory; beyond it it spills.
const POOL: usize = 2 << 30;
