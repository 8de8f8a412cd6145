//! Other rules, on their way into force.

use std::sync::Arc;

use mareva_model::Digest;
use mareva_monitoring::{Backfill, Ruleset};

use crate::error::Error;

/// Rules that are to take force, and the timelines that are being filled for them. [`RuleChange::run`] does the work, on
/// whatever thread, while the pipeline goes on; what was accepted meanwhile is handed over with
/// [`crate::Pipeline::hand_over`], and run again, until little is missing.
#[derive(Debug)]
pub struct RuleChange {
    pub(crate) ruleset: Arc<Ruleset>,
    pub(crate) epoch: Digest,
    pub(crate) backfill: Backfill,
}

impl RuleChange {
    /// The epoch that begins when it is adopted.
    pub fn epoch(&self) -> Digest {
        self.epoch
    }

    /// The rules.
    pub fn ruleset(&self) -> &Arc<Ruleset> {
        &self.ruleset
    }

    /// Puts all that was handed over onto the new timelines.
    ///
    /// # Errors
    /// A rule that does not compile, or a kernel that fails.
    pub fn run(&mut self) -> Result<(), Error> {
        Ok(self.backfill.run()?)
    }
}
