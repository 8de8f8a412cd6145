//! What was found, held against what the simulation knows to be true.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use mareva_model::alert::{Alert, AlertStatus, Target};
use mareva_model::{Regime, SubjectRole};
use mareva_sim::{Label, Truth};
use serde::Serialize;

/// Found among how many.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Share {
    /// Found.
    pub found: usize,
    /// Of so many.
    pub of: usize,
}

/// The score.
#[derive(Debug, Serialize)]
pub struct Score {
    /// Suspect accounts (collectors, mules) of operations whose victims have paid: named by a standing alert.
    pub recall_suspects: Share,
    /// Victims of these operations: named as a victim by a standing alert, or the payer of a payment to restrain.
    pub recall_victims: Share,
    /// Listed accounts that paid or were paid: named by a standing sanctions alert.
    pub recall_sanctioned: Share,
    /// Standing alerts whose subject or targets take part in a crime.
    pub precision_alerts: Share,
    /// Accounts to hold, recall from or block that take part in a crime and are no victims.
    pub precision_restraints: Share,
    /// Victims whose own account would be restrained: must be none.
    pub victims_restrained: usize,
    /// Standing alerts by rule that they rest on.
    pub alerts_by_rule: BTreeMap<String, u64>,
}

/// Holds the last revisions of all alerts against the labels.
pub fn score<'a>(alerts: impl Iterator<Item = &'a Alert>, labels: &[Label]) -> Score {
    let truth = Truth::of(labels);
    let standing: Vec<&Alert> = alerts.filter(|alert| alert.status == AlertStatus::Open).collect();
    let (mut suspects, mut victims, mut listed) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut restrained = BTreeSet::new();
    let mut alerts_by_rule = BTreeMap::new();
    let mut right = 0;
    for alert in &standing {
        let accounts: Vec<&str> = alert.targets.iter().filter_map(|target| target.account.as_deref()).collect();
        let payers = alert.targets.iter().filter_map(|target| target.originator.account.as_deref());
        let parties = alert.targets.iter().flat_map(parties).chain([alert.subject.as_str()]);
        if alert.regime == Regime::Sanctions {
            listed.extend(parties.clone());
        } else {
            suspects.extend(accounts.iter().copied());
            victims.extend(payers);
            let named = if alert.subject_role == SubjectRole::Victim { &mut victims } else { &mut suspects };
            named.insert(alert.subject.as_str());
        }
        right += usize::from(parties.clone().any(|party| truth.is_criminal(party)));
        let strong = alert.targets.iter().filter(|target| target.action.restrains());
        restrained.extend(strong.filter_map(|target| target.account.as_deref()));
        for rule in &alert.evidence.rules {
            *alerts_by_rule.entry(rule.rule.id.clone()).or_insert(0) += 1;
        }
    }
    let share = |wanted: &[&str], found: &HashSet<&str>| Share {
        found: wanted.iter().filter(|account| found.contains(**account)).count(),
        of: wanted.len(),
    };
    let criminals = [truth.active("collector"), truth.active("mule")].concat();
    Score {
        recall_suspects: share(&criminals, &suspects),
        recall_victims: share(&truth.active("victim"), &victims),
        recall_sanctioned: share(&truth.active("sanctioned"), &listed),
        precision_alerts: Share { found: right, of: standing.len() },
        precision_restraints: Share {
            found: restrained.iter().filter(|account| truth.is_criminal(account)).count(),
            of: restrained.len(),
        },
        victims_restrained: restrained.iter().filter(|account| truth.is_victim(account)).count(),
        alerts_by_rule,
    }
}

/// Account and both parties of a target.
fn parties(target: &Target) -> impl Iterator<Item = &str> + Clone {
    [&target.account, &target.originator.account, &target.beneficiary.account].into_iter().filter_map(Option::as_deref)
}
