//! Rules and lists that change while the process runs: [`watch`] looks whether other rules lie in the folder and [`lists`] whether
//! lists are other ones, [`change`] has timelines filled and retained rows looked through for them while those in force go on
//! judging, and [`kept`] keeps what recorded slices may have to be judged again under. They meet at the [`Board`].

mod change;
mod kept;
mod lists;
mod look;
mod thread;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mareva_model::{Digest, Fault, Refusal};
use mareva_monitoring::{Ruleset, Tenure};
use mareva_pipeline::Change;
use mareva_screening::Watchlist;
use serde_json::{Value, json};

pub use change::{Changes, InForce};
pub use kept::KeptEpochs;
pub use lists::ListWatch;
pub use watch::{Ask, Asked, Watch};

/// What is to take force.
#[derive(Debug, Clone)]
pub enum Offer {
    Rules(Arc<Ruleset>),
    Lists(Arc<Watchlist>),
}

/// What is known of rules and lists, for the loop, the watches and whoever asks.
#[derive(Debug, Default)]
pub struct Board(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Rules that lie in the folder and are not in force yet: the last ones only.
    offered: Option<Arc<Ruleset>>,
    /// Lists that are not in force yet: the last ones only.
    offered_lists: Option<Arc<Watchlist>>,
    /// Whether rules have waited for lists.
    rules_next: bool,
    /// Those that could not take force, until the watch asks for them.
    lists_failed: bool,
    /// Lists that took force and were not asked for yet.
    lists_in_force: Option<Arc<Watchlist>>,
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
    /// Times that other lists took force.
    pub lists_changed: u64,
    /// Times that a list was refused.
    pub lists_refused: u64,
    /// How long it took to fill the timelines of the last ones.
    pub backfill: Duration,
    /// Whether timelines are being filled.
    pub filling: bool,
}

impl Offer {
    /// What a change was begun for.
    fn of(change: &Change) -> Option<Self> {
        let lists = || change.watchlist().cloned().map(Self::Lists);
        change.ruleset().cloned().map(Self::Rules).or_else(lists)
    }
}

impl State {
    fn is_waiting(&self) -> bool {
        self.offered.is_some() || self.offered_lists.is_some() || self.figures.filling || self.ready
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

    /// Lists that are to take force; earlier ones that have not are forgotten.
    pub fn offer_lists(&self, lists: Arc<Watchlist>) {
        self.state().offered_lists = Some(lists);
    }

    /// A list that cannot take force.
    pub fn refuse_list(&self, list: &str, refusal: &Refusal) {
        for Fault { place, reason, remedy } in &refusal.0 {
            tracing::error!(list, place, reason, remedy, "a list is refused; the one in force stays");
        }
        self.state().figures.lists_refused += 1;
    }

    /// Whether the lists that were offered last could not take force; asked once.
    fn take_lists_failed(&self) -> bool {
        std::mem::take(&mut self.state().lists_failed)
    }

    /// The lists that took force since they were last asked for.
    pub fn take_lists_in_force(&self) -> Option<Arc<Watchlist>> {
        self.state().lists_in_force.take()
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

    /// Rules whose timelines cannot be filled, or lists that cannot be kept.
    fn fail(&self, of_rules: bool, refusal: Refusal) {
        if of_rules {
            self.refuse(refusal);
            self.state().read = None;
        } else {
            self.refuse_list("all", &refusal);
            self.state().lists_failed = true;
        }
    }

    /// The timelines of other rules are filled.
    fn ready(&self) {
        let mut state = self.state();
        (state.figures.filling, state.ready) = (false, true);
    }

    /// Lists first: what they bring does not wait for timelines. Where both wait, the other one next, so that neither waits for ever.
    fn take_offer(&self) -> Option<Offer> {
        let mut state = self.state();
        let rules_first = std::mem::take(&mut state.rules_next) && state.offered.is_some();
        let lists = if rules_first { None } else { state.offered_lists.take().map(Offer::Lists) };
        state.rules_next = lists.is_some() && state.offered.is_some();
        lists.or_else(|| state.offered.take().map(Offer::Rules))
    }

    /// Whether other rules were offered since.
    fn has_newer_rules(&self) -> bool {
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

    /// These lists are in force now.
    fn have_lists(&self, lists: Arc<Watchlist>) {
        self.state().lists_in_force = Some(lists);
    }

    /// These are in force now. A change says whether it was one of rules, and how long it took.
    pub fn in_force(&self, epoch: Digest, tenures: Vec<Tenure>, change: Option<(bool, Duration)>) {
        let mut state = self.state();
        state.tenures = tenures;
        state.ready = false;
        state.figures.epoch = Some(epoch);
        match change {
            Some((true, took)) => {
                state.figures.changed += 1;
                state.figures.backfill = took;
            }
            Some((false, _)) => state.figures.lists_changed += 1,
            None => {}
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
