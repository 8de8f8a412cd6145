//! Alerts held against what a simulation knows to be true.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use mareva_model::alert::{Action, Alert, Target};
use mareva_sim::{EXCHANGE, OUR_BIC};
use serde_json::Value;

use crate::ndjson;

/// Roles of those who take part in a crime and are no victims.
const CRIMINAL: [&str; 4] = ["collector", "mule", "wallet", "sanctioned"];

/// Who is who in a simulated economy.
pub struct Truth {
    roles: HashMap<String, String>,
    /// Accounts of `accounts.ndjson` that we keep, with the customer and the role.
    ours: HashMap<String, (String, String)>,
    /// Days of the stream.
    pub days: usize,
}

/// How many innocents there are, by two counts.
#[derive(Debug, Clone, Copy)]
pub struct Innocents {
    /// Accounts of our customers that are not labelled as criminal: at our bank those that moved money, and users of our
    /// exchange.
    pub accounts: usize,
    /// The stricter count: people and firms behind them, each once, without payrolls, shops and other collective accounts.
    pub customers: usize,
}

impl Truth {
    /// Reads what `mareva sim` wrote.
    ///
    /// # Panics
    /// When a file is not as the simulator writes it.
    pub fn read(folder: &Path) -> Self {
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let labels = ndjson(&folder.join("labels.ndjson"));
        let labelled = labels.iter().filter(|label| label["type"] == "account");
        let roles = labelled.map(|label| (text(label, "account"), text(label, "role"))).collect();
        let (mut kept, mut days) = (BTreeSet::new(), BTreeSet::new());
        for record in ndjson(&folder.join("bank.ndjson")) {
            days.insert(text(&record, "time").chars().take(10).collect::<String>());
            for party in [&record["originator"], &record["beneficiary"]] {
                if text(party, "agent") == OUR_BIC {
                    kept.insert(format!("iban:{}", text(party, "account")));
                }
            }
        }
        let users = format!("exch:{EXCHANGE}:");
        let ours = ndjson(&folder.join("accounts.ndjson"))
            .iter()
            .map(|account| (text(account, "account"), (text(account, "customer"), text(account, "role"))))
            .filter(|(account, _)| kept.contains(account) || account.starts_with(&users))
            .collect();
        Self { roles, ours, days: days.len() }
    }

    /// Whether an account is labelled as a collector's, a mule's, a scam centre's wallet or a listed party's.
    pub fn is_criminal(&self, account: &str) -> bool {
        self.roles.get(account).is_some_and(|role| CRIMINAL.contains(&role.as_str()))
    }

    /// Whether an account is labelled as a victim's.
    pub fn is_victim(&self, account: &str) -> bool {
        self.roles.get(account).is_some_and(|role| role == "victim")
    }

    /// Counts the innocents.
    pub fn innocents(&self) -> Innocents {
        let innocent = self.ours.iter().filter(|(account, _)| !self.is_criminal(account));
        let mut found = Innocents { accounts: 0, customers: 0 };
        let mut customers = BTreeSet::new();
        for (_, (customer, role)) in innocent {
            found.accounts += 1;
            if role == "retail" || role == "business" {
                customers.insert(customer);
            }
        }
        found.customers = customers.len();
        found
    }
}

/// Targets to hold, recall or block.
pub fn restrained(alert: &Alert) -> impl Iterator<Item = &Target> {
    alert.targets.iter().filter(|target| target.action.restrains())
}

/// Targets to hold or recall.
pub fn held(alert: &Alert) -> impl Iterator<Item = &Target> {
    alert.targets.iter().filter(|target| matches!(target.action, Action::Hold | Action::Recall))
}

/// Whether an alert names an account: as its subject or at any side of a target.
pub fn names(alert: &Alert, account: &str) -> bool {
    let sides = |target: &Target| {
        let sides = [&target.account, &target.originator.account, &target.beneficiary.account];
        sides.into_iter().flatten().any(|side| side == account)
    };
    alert.subject == account || alert.targets.iter().any(sides)
}
