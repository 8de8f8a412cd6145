//! Figures of one or several runs together: counts are added, shares are of the sums.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::sync::Arc;

use mareva_model::alert::Alert;
use mareva_model::{Raises, RuleRef, SubjectRole};
use mareva_sim::Truth;

use crate::dataset::Dataset;
use crate::instances::{Instances, Tally, instances};
use crate::quality::{Quality, Wanted, share};
use crate::run::{Run, run};

/// Whom alerts and single rules are compared on.
pub(crate) const AUDIENCES: [(&str, SubjectRole); 3] =
    [("criminals", SubjectRole::Suspect), ("victims", SubjectRole::Victim), ("both", SubjectRole::Unknown)];

/// Alerts of a run or of several.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alerts {
    pub(crate) published: usize,
    pub(crate) standing: usize,
    pub(crate) right: usize,
    /// About an innocent, in whichever revision.
    pub(crate) wrong: usize,
    /// Asking to hold or recall an innocent's money, in whichever revision.
    pub(crate) wrong_holds: usize,
    /// Innocent accounts times days.
    pub(crate) account_days: f64,
    /// At the first revision of right alerts that know both: still there, and suspect.
    pub(crate) reachable: (f64, f64),
}

impl Alerts {
    fn of(run: &Run, truth: &Truth<'_>) -> Self {
        let mut alerts = Self { published: run.alerts.len(), ..Self::default() };
        let innocent = run.moved.iter().filter(|(account, kept)| **kept && !truth.is_criminal(account)).count();
        alerts.account_days = innocent as f64 * run.days as f64;
        for told in run.alerts.values() {
            let right = told.is_right(truth);
            alerts.standing += usize::from(told.stands());
            alerts.right += usize::from(told.stands() && right);
            alerts.wrong += usize::from(!right);
            alerts.wrong_holds += usize::from(told.wrong_hold);
            if let Some((reachable, suspect)) = reachable(&told.first).filter(|_| right) {
                alerts.reachable.0 += reachable;
                alerts.reachable.1 += suspect;
            }
        }
        alerts
    }

    fn add(&mut self, other: &Self) {
        self.published += other.published;
        self.standing += other.standing;
        self.right += other.right;
        self.wrong += other.wrong;
        self.wrong_holds += other.wrong_holds;
        self.account_days += other.account_days;
        self.reachable.0 += other.reachable.0;
        self.reachable.1 += other.reachable.1;
    }

    pub(crate) fn precision(&self) -> f64 {
        share(self.right, self.standing)
    }

    /// Per 1,000 innocent accounts a day.
    pub(crate) fn rate(&self, wrong: usize) -> f64 {
        if self.account_days == 0.0 { 0.0 } else { wrong as f64 * 1_000.0 / self.account_days }
    }

    pub(crate) fn reachable_share(&self) -> f64 {
        if self.reachable.1 == 0.0 { 0.0 } else { self.reachable.0 / self.reachable.1 }
    }
}

/// What is still there and what was suspect, in the reference currency.
fn reachable(alert: &Alert) -> Option<(f64, f64)> {
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<f64>().ok());
    let suspect = number(&alert.money.as_ref()?.received).filter(|received| *received > 0.0)?;
    let mut there = 0.0;
    for target in &alert.targets {
        let Some(amount) = number(&target.reachable_amount) else { continue };
        let recommended = number(&target.recommended_amount).zip(number(&target.recommended_reference));
        let rate =
            recommended.filter(|(amount, _)| *amount > 0.0).map_or(1.0, |(amount, reference)| reference / amount);
        there += amount * rate;
    }
    Some((there.min(suspect), suspect))
}

/// One way of finding, against one audience: accounts, and operations of which half of the accounts are named.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Contender {
    pub(crate) accounts: Quality,
    pub(crate) operations: usize,
    pub(crate) of: usize,
}

impl Contender {
    fn of(named: &HashSet<&str>, wanted: &HashSet<&str>, operations: &Instances<'_>) -> Self {
        let found = operations.values().filter(|operation| operation.is_found_among(named, wanted)).count();
        Self { accounts: Quality::of(named, wanted), operations: found, of: operations.len() }
    }

    fn add(&mut self, other: Self) {
        self.accounts.add(other.accounts);
        self.operations += other.operations;
        self.of += other.of;
    }
}

/// Everything that is printed of a kind of data.
pub(crate) struct Figures {
    pub(crate) name: String,
    /// One line for each run: its name and its tallies and alerts.
    pub(crate) runs: Vec<(String, Tally, Alerts)>,
    pub(crate) alerts: Alerts,
    pub(crate) rules: BTreeMap<String, (Arc<RuleRef>, Quality)>,
    /// By audience: subjects of alerts, these and their targets, and the subjects of each single rule.
    pub(crate) contest: BTreeMap<&'static str, ([Contender; 2], BTreeMap<String, Contender>)>,
    pub(crate) schemes: BTreeMap<String, Tally>,
    pub(crate) parts: BTreeMap<String, Tally>,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
}

impl Figures {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            runs: Vec::new(),
            alerts: Alerts::default(),
            rules: BTreeMap::new(),
            contest: BTreeMap::new(),
            schemes: BTreeMap::new(),
            parts: BTreeMap::new(),
            accepted: 0,
            refused: 0,
        }
    }

    /// Judges a dataset and adds what came of it.
    pub(crate) fn add(&mut self, name: &str, dataset: Dataset, slice_ms: i64) -> Result<(), Box<dyn Error>> {
        let (run, labels) = run(dataset, slice_ms)?;
        let truth = Truth::of(&labels);
        let wanted = Wanted::of(&run, &labels, &truth);
        let operations = instances(&run, &labels, &truth, false);
        self.accepted += run.accepted;
        self.refused += run.refused;
        for (id, (reference, _)) in &run.rules {
            let quality = Quality::of(&run.subjects(id), &wanted.for_role(reference.subject_role));
            self.rules.entry(id.clone()).or_insert_with(|| (reference.clone(), Quality::default())).1.add(quality);
        }
        self.compare(&run, &wanted, &operations);
        let mut all = Tally::default();
        for (kind, tally) in Tally::of(&operations, &run) {
            all.add(&tally);
            self.schemes.entry(kind).or_default().add(&tally);
        }
        for (kind, tally) in Tally::of(&instances(&run, &labels, &truth, true), &run) {
            self.parts.entry(kind).or_default().add(&tally);
        }
        let alerts = Alerts::of(&run, &truth);
        self.alerts.add(&alerts);
        self.runs.push((name.to_owned(), all, alerts));
        Ok(())
    }

    fn compare(&mut self, run: &Run, wanted: &Wanted<'_>, operations: &Instances<'_>) {
        for (audience, role) in AUDIENCES {
            let wanted = wanted.for_role(role);
            let (alerts, singles) = self.contest.entry(audience).or_default();
            for (contender, targets) in alerts.iter_mut().zip([false, true]) {
                contender.add(Contender::of(&run.alerted(role, targets), &wanted, operations));
            }
            for (id, (rule, _)) in run.rules.iter().filter(|(_, (rule, _))| rule.raises == Raises::Signal) {
                // A rule about victims is no finder of criminals, and the other way round.
                if role == SubjectRole::Unknown || [role, SubjectRole::Unknown].contains(&rule.subject_role) {
                    let single = Contender::of(&run.subjects(id), &wanted, operations);
                    singles.entry(id.clone()).or_default().add(single);
                }
            }
        }
    }

    /// All operations together.
    pub(crate) fn operations(&self) -> Tally {
        let mut all = Tally::default();
        self.schemes.values().for_each(|tally| all.add(tally));
        all
    }
}
