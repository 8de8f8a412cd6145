//! Counts of what was named and what was right, over accounts.

use std::collections::HashSet;

use mareva_model::SubjectRole;
use mareva_sim::{Label, Truth};
use serde_json::{Value, json};

use crate::run::Run;

/// Named, right and wanted accounts, of one dataset or of several together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quality {
    pub(crate) named: usize,
    pub(crate) right: usize,
    pub(crate) of: usize,
}

impl Quality {
    pub(crate) fn of(named: &HashSet<&str>, wanted: &HashSet<&str>) -> Self {
        Self { named: named.len(), right: named.intersection(wanted).count(), of: wanted.len() }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.named += other.named;
        self.right += other.right;
        self.of += other.of;
    }

    pub(crate) fn precision(&self) -> f64 {
        share(self.right, self.named)
    }

    pub(crate) fn recall(&self) -> f64 {
        share(self.right, self.of)
    }

    pub(crate) fn f1(&self) -> f64 {
        share(2 * self.right, self.named + self.of)
    }

    pub(crate) fn json(&self) -> Value {
        let Self { named, right, of } = self;
        let (precision, recall, f1) = (self.precision(), self.recall(), self.f1());
        json!({ "named": named, "right": right, "of": of, "precision": precision, "recall": recall, "f1": f1 })
    }
}

/// A share; 0 of nothing is 0.
pub(crate) fn share(part: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

/// Whom there is to find among the accounts that we keep.
pub(crate) struct Wanted<'a> {
    pub(crate) criminals: HashSet<&'a str>,
    pub(crate) victims: HashSet<&'a str>,
}

impl<'a> Wanted<'a> {
    /// Those on a side of a labelled transaction; where none is labelled, of those who moved money. Who is only on a list
    /// is left out, since there are no lists.
    pub(crate) fn of(run: &'a Run, labels: &[Label], truth: &Truth<'_>) -> Self {
        let by_transaction = labels.iter().any(|label| matches!(label, Label::Transaction { .. }));
        let seen: HashSet<&str> = match by_transaction {
            true => run.legs.values().flat_map(|leg| &leg.parties).map(String::as_str).collect(),
            false => run.moved.keys().map(String::as_str).collect(),
        };
        let kept = |account: &&&str| run.keeps(account) && truth.role(account) != Some("sanctioned");
        let of = |part: &dyn Fn(&str) -> bool| {
            seen.iter().filter(kept).filter(|account| part(account)).copied().collect::<HashSet<&str>>()
        };
        Self { criminals: of(&|account| truth.is_criminal(account)), victims: of(&|account| truth.is_victim(account)) }
    }

    /// Those whom a rule with subjects of this role is meant to find.
    pub(crate) fn for_role(&self, role: SubjectRole) -> HashSet<&'a str> {
        match role {
            SubjectRole::Victim => self.victims.clone(),
            SubjectRole::Suspect | SubjectRole::Listed => self.criminals.clone(),
            SubjectRole::Unknown => self.criminals.union(&self.victims).copied().collect(),
        }
    }
}

impl Run {
    /// Whether we keep the account.
    pub(crate) fn keeps(&self, account: &str) -> bool {
        self.moved.get(account).copied().unwrap_or(false)
    }

    /// Subjects of a rule whose accounts we keep.
    pub(crate) fn subjects(&self, rule: &str) -> HashSet<&str> {
        let subjects = self.rules.get(rule).map(|(_, subjects)| subjects);
        subjects.into_iter().flatten().map(String::as_str).filter(|account| self.keeps(account)).collect()
    }

    /// Accounts that we keep and that standing alerts are about, as suspects, as victims or as either; and with `targets`
    /// those that they ask to restrain, which are never victims'.
    pub(crate) fn alerted(&self, role: SubjectRole, targets: bool) -> HashSet<&str> {
        let mut named = HashSet::new();
        for told in self.alerts.values().filter(|told| told.stands()) {
            let victim = told.last.subject_role == SubjectRole::Victim;
            if role == SubjectRole::Unknown || victim == (role == SubjectRole::Victim) {
                named.insert(told.last.subject.as_str());
            }
            if targets && role != SubjectRole::Victim {
                let strong = told.last.targets.iter().filter(|target| target.action.restrains());
                named.extend(strong.filter_map(|target| target.account.as_deref()));
            }
        }
        named.retain(|account| self.keeps(account));
        named
    }
}

#[cfg(test)]
mod tests;
