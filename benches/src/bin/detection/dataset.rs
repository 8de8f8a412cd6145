//! What is judged: records, everything in force over them, and what is true of them.

use mareva_benches::{Arriving, Economy, mule_list, mules};
use mareva_pipeline::{InputRecord, Parts};
use mareva_screening::Watchlist;
use mareva_sim::Label;

/// A labelled stream.
pub(crate) struct Dataset {
    /// Everything in force. Nobody is on a list: what lists find says nothing of rules.
    pub(crate) parts: Parts,
    /// In event-time order.
    pub(crate) records: Box<dyn Iterator<Item = InputRecord>>,
    /// What is true.
    pub(crate) labels: Vec<Label>,
}

/// A list on which none of those judged is; an empty one is never taken into force.
pub(crate) fn nobody() -> Watchlist {
    mules(mule_list(1).as_bytes())
}

impl Dataset {
    /// An economy of `mareva sim`.
    pub(crate) fn simulated(seed: u64, transactions: u64) -> Self {
        let economy = Economy::without_records(seed, transactions);
        let reference = economy.reference();
        let parts = mareva_benches::parts(nobody(), &reference.accounts, &reference.vasps_csv, &reference.rates_csv);
        let labels = reference.labels.clone();
        Self { parts, records: Box::new(Arriving::new(seed, transactions)), labels }
    }
}
