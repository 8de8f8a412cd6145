//! Pattern instances: an operation of the simulator, or what plays one part in it, and whether alerts find it.

use std::collections::{BTreeMap, HashMap, HashSet};

use mareva_sim::{Label, Truth};
use serde_json::{Value, json};

use crate::quality::share;
use crate::run::{Leg, Run, Told, row_of};

/// What belongs together.
#[derive(Default)]
pub(crate) struct Instance<'a> {
    /// Accounts of criminals and victims that we keep; where there are none, all of them.
    pub(crate) accounts: HashSet<&'a str>,
    elsewhere: HashSet<&'a str>,
    rows: HashMap<&'a str, &'a Leg>,
}

/// Instances of a dataset by (kind, operation).
pub(crate) type Instances<'a> = BTreeMap<(String, &'a str), Instance<'a>>;

/// Operations by kind of fraud, or their parts by the role of the transaction.
pub(crate) fn instances<'a>(run: &'a Run, labels: &'a [Label], truth: &Truth<'_>, by_part: bool) -> Instances<'a> {
    let mut found = Instances::new();
    for label in labels {
        let Label::Transaction { source, tx_id, scheme, operation, role, .. } = label else { continue };
        // There are no lists, which alone find a sanctioned payment.
        if *role == "sanctioned_payment" {
            continue;
        }
        let Some(leg) = run.legs.get(&row_of(source, tx_id)) else { continue };
        let kind = if by_part { (*role).to_owned() } else { (*scheme).to_owned() };
        let instance: &mut Instance<'_> = found.entry((kind, operation.as_str())).or_default();
        instance.rows.insert(leg.row_id.as_str(), leg);
        let parties = leg.parties.iter().map(String::as_str);
        for account in parties.filter(|account| truth.is_criminal(account) || truth.is_victim(account)) {
            let place = if run.keeps(account) { &mut instance.accounts } else { &mut instance.elsewhere };
            place.insert(account);
        }
    }
    for instance in found.values_mut().filter(|instance| instance.accounts.is_empty()) {
        instance.accounts = std::mem::take(&mut instance.elsewhere);
    }
    found
}

impl Instance<'_> {
    /// Whether half of its accounts are among these.
    pub(crate) fn is_found_by(&self, named: &HashSet<&str>) -> bool {
        let hit = self.accounts.iter().filter(|account| named.contains(**account)).count();
        hit > 0 && 2 * hit >= self.accounts.len()
    }

    /// The same over those of its accounts that are wanted; one without any is not found.
    pub(crate) fn is_found_among(&self, named: &HashSet<&str>, wanted: &HashSet<&str>) -> bool {
        let wanted = self.accounts.iter().filter(|account| wanted.contains(**account));
        let (hit, of) = wanted.fold((0, 0), |(hit, of), account| (hit + usize::from(named.contains(*account)), of + 1));
        hit > 0 && 2 * hit >= of
    }

    fn begins(&self) -> i64 {
        self.rows.values().map(|leg| leg.time).min().unwrap_or_default()
    }

    fn is_named_by(&self, told: &Told) -> bool {
        let row = || self.rows.keys().any(|row| told.rows.contains(*row));
        self.accounts.iter().any(|account| told.accounts.contains(*account)) || row()
    }
}

/// How many instances of a kind are found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) of: usize,
    /// Half of the accounts are named.
    pub(crate) by_account: usize,
    /// Half of the transactions are named.
    pub(crate) by_transaction: usize,
    /// One or the other.
    pub(crate) either: usize,
    /// Something of it is named.
    pub(crate) touched: usize,
    /// From the first illicit leg to the first alert, of those touched, milliseconds.
    pub(crate) delays: Vec<i64>,
    /// Hundredths of the labelled transactions' money that alerts name, and all of it.
    pub(crate) value: (i128, i128),
}

impl Tally {
    /// Holds the alerts that stand against instances.
    pub(crate) fn of(instances: &Instances<'_>, run: &Run) -> BTreeMap<String, Self> {
        let standing: Vec<&Told> = run.alerts.values().filter(|told| told.stands()).collect();
        let accounts: HashSet<&str> = standing.iter().flat_map(|told| &told.accounts).map(String::as_str).collect();
        let rows: HashSet<&str> = standing.iter().flat_map(|told| &told.rows).map(String::as_str).collect();
        let mut tallies: BTreeMap<String, Self> = BTreeMap::new();
        for ((kind, _), instance) in instances {
            let tally = tallies.entry(kind.clone()).or_default();
            let named: Vec<&&Leg> =
                instance.rows.iter().filter(|(row, _)| rows.contains(**row)).map(|(_, leg)| leg).collect();
            let by_account = instance.is_found_by(&accounts);
            let by_transaction = !named.is_empty() && 2 * named.len() >= instance.rows.len();
            tally.of += 1;
            tally.by_account += usize::from(by_account);
            tally.by_transaction += usize::from(by_transaction);
            tally.either += usize::from(by_account || by_transaction);
            tally.value.0 += named.iter().map(|leg| leg.amount).sum::<i128>();
            tally.value.1 += instance.rows.values().map(|leg| leg.amount).sum::<i128>();
            let first = standing.iter().filter(|told| instance.is_named_by(told)).map(|told| told.at).min();
            if let Some(first) = first {
                tally.touched += 1;
                // An alert may come first: of another part of the operation.
                tally.delays.push((first - instance.begins()).max(0));
            }
        }
        tallies
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.of += other.of;
        self.by_account += other.by_account;
        self.by_transaction += other.by_transaction;
        self.either += other.either;
        self.touched += other.touched;
        self.delays.extend(&other.delays);
        self.value.0 += other.value.0;
        self.value.1 += other.value.1;
    }

    /// Hours within which this share of the touched instances had an alert.
    pub(crate) fn hours(&self, quantile: f64) -> Option<f64> {
        let mut sorted = self.delays.clone();
        sorted.sort_unstable();
        let at = ((sorted.len() as f64 * quantile).ceil() as usize).saturating_sub(1);
        sorted.get(at).map(|ms| *ms as f64 / 3_600_000.0)
    }

    pub(crate) fn value_share(&self) -> f64 {
        if self.value.1 == 0 { 0.0 } else { self.value.0 as f64 / self.value.1 as f64 }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "instances": self.of,
            "found_by_account": self.by_account,
            "found_by_transaction": self.by_transaction,
            "found": self.either,
            "touched": self.touched,
            "recall_by_account": share(self.by_account, self.of),
            "recall": share(self.either, self.of),
            "hours_to_alert_p50": self.hours(0.5),
            "hours_to_alert_p90": self.hours(0.9),
            "value_named": self.value_share(),
        })
    }
}

#[cfg(test)]
mod tests;
