use std::collections::{HashMap, HashSet};

use crate::labels::Label;

/// What the labels say of each account, to hold what was found against it.
#[derive(Debug, Default)]
pub struct Truth<'l> {
    roles: HashMap<&'l str, &'static str>,
    operations: HashMap<&'l str, &'l str>,
    /// Operations of which a payment was seen: as long as nobody has paid there is nothing to find.
    begun: HashSet<&'l str>,
}

impl<'l> Truth<'l> {
    /// Reads the labels.
    pub fn of(labels: &'l [Label]) -> Self {
        let mut truth = Self::default();
        for label in labels {
            match label {
                Label::Account { account, role, operation } => {
                    truth.roles.insert(account, role);
                    if let Some(operation) = operation {
                        truth.operations.insert(account, operation);
                    }
                }
                Label::Transaction { role, operation, .. } => {
                    if matches!(*role, "victim_payment" | "sanctioned_payment") {
                        truth.begun.insert(operation);
                    }
                }
            }
        }
        truth
    }

    /// The role of an account, where it has one.
    pub fn role(&self, account: &str) -> Option<&'static str> {
        self.roles.get(account).copied()
    }

    /// Whether an account is a collector's, a mule's, a scam centre's wallet or a listed party's.
    pub fn is_criminal(&self, account: &str) -> bool {
        matches!(self.role(account), Some("collector" | "mule" | "wallet" | "sanctioned"))
    }

    /// Whether an account is a victim's.
    pub fn is_victim(&self, account: &str) -> bool {
        self.role(account) == Some("victim")
    }

    /// Accounts of a role whose operation has begun.
    pub fn active(&self, role: &str) -> Vec<&'l str> {
        let begun = |account: &&str| self.operations.get(*account).is_some_and(|one| self.begun.contains(one));
        self.roles.iter().filter(|(_, own)| **own == role).map(|(account, _)| *account).filter(begun).collect()
    }
}
