//! Rules that change while the process runs: [`watch`] looks whether other ones lie in the folder, [`change`] has timelines
//! filled for them while those in force go on judging, and [`kept`] keeps what recorded slices may have to be judged again
//! under. They meet at the [`Board`].

mod change;
mod kept;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mareva_model::{Digest, Fault, Refusal};
use mareva_monitoring::{Ruleset, Tenure};
use serde_json::{Value, json};

pub use change::Changes;
pub use kept::KeptRules;
pub use watch::{Ask, Asked, Watch};

/// What is known of the rules, for the loop, the watch and whoever asks.
#[derive(Debug, Default)]
pub struct Board(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Rules that lie in the folder and are not in force yet: the last ones only.
    offered: Option<Arc<Ruleset>>,
    /// Whether the timelines of other ones are filled, and they have not judged yet.
    ready: bool,
    /// What was read last: in force or on the way there. None where it could not take force.
    read: Option<Digest>,
    /// Faults of those that lie there, where they were refused.
    faults: Vec<Fault>,
    tenures: Vec<Tenure>,
    figures: Figures,
}

/// Figures of the rules.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// What is in force.
    pub epoch: Option<Digest>,
    /// Times that other rules took force.
    pub changed: u64,
    /// Times that rules were refused.
    pub refused: u64,
    /// How long it took to fill the timelines of the last ones.
    pub backfill: Duration,
    /// Whether timelines are being filled.
    pub filling: bool,
}

impl State {
    fn is_waiting(&self) -> bool {
        self.offered.is_some() || self.figures.filling || self.ready
    }
}

impl Board {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rules that are to take force; earlier ones that have not are forgotten.
    pub fn offer(&self, ruleset: Arc<Ruleset>) {
        let mut state = self.state();
        state.read = Some(ruleset.digest());
        state.offered = Some(ruleset);
        state.faults.clear();
    }

    /// Takes note of the rules that a start has read.
    fn have_read(&self, digest: Digest) {
        self.state().read = Some(digest);
    }

    /// Takes note that these were read, and says whether they are other ones than those read before.
    pub fn are_others(&self, digest: Digest) -> bool {
        let mut state = self.state();
        if state.read != Some(digest) {
            return true;
        }
        if !state.faults.is_empty() {
            tracing::info!("the rules can be read again, and are those read before");
            state.faults.clear();
        }
        false
    }

    /// Whether other rules are on the way.
    pub fn is_waiting(&self) -> bool {
        self.state().is_waiting()
    }

    /// Rules whose timelines cannot be filled.
    fn fail(&self, refusal: Refusal) {
        self.refuse(refusal);
        self.state().read = None;
    }

    /// The timelines of other rules are filled.
    fn ready(&self) {
        let mut state = self.state();
        (state.figures.filling, state.ready) = (false, true);
    }

    fn take_offer(&self) -> Option<Arc<Ruleset>> {
        self.state().offered.take()
    }

    fn has_offer(&self) -> bool {
        self.state().offered.is_some()
    }

    /// Rules that cannot take force.
    pub fn refuse(&self, refusal: Refusal) {
        for Fault { place, reason, remedy } in &refusal.0 {
            tracing::error!(place, reason, remedy, "the rules are refused; those in force stay");
        }
        let mut state = self.state();
        state.figures.refused += 1;
        state.faults = refusal.0;
    }

    fn filling(&self, filling: bool) {
        self.state().figures.filling = filling;
    }

    /// These are in force now. Without a time they did not have to be changed for it.
    pub fn in_force(&self, epoch: Digest, tenures: Vec<Tenure>, backfill: Option<Duration>) {
        let mut state = self.state();
        state.tenures = tenures;
        state.ready = false;
        state.figures.epoch = Some(epoch);
        if let Some(took) = backfill {
            state.figures.changed += 1;
            state.figures.backfill = took;
        }
    }

    /// Figures now.
    pub fn figures(&self) -> Figures {
        self.state().figures
    }

    /// The rules in force and those retired whose rows are not settled; what waits and what was refused.
    pub fn shown(&self) -> Value {
        let state = self.state();
        let rule = |tenure: &Tenure| {
            json!({
                "id": tenure.rule.id,
                "version": tenure.rule.version,
                "raises": tenure.rule.raises,
                "shadow": tenure.rule.shadow,
                "challenger_of": tenure.rule.challenger_of,
                "parameters": tenure.rule.parameters,
                "since_slice": tenure.since_slice,
                "from_row": tenure.from,
                "until_row": tenure.until,
            })
        };
        json!({
            "epoch": state.figures.epoch,
            "rules": state.tenures.iter().map(rule).collect::<Vec<_>>(),
            "waiting": state.is_waiting(),
            "changed": state.figures.changed,
            "refused": state.figures.refused,
            "faults": state.faults,
        })
    }
}

#[cfg(test)]
mod tests;
