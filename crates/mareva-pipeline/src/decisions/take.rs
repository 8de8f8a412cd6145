//! What is asked of a decision before it takes force: whether it is right now, and about what is there.

use std::sync::Arc;

use mareva_model::{ClearedPair, Decision, Raises, Reason, Regime, Ruling};
use mareva_monitoring::{Accounts, Ruleset};
use mareva_screening::{Scratch, Watchlist};

use super::{Decisions, InForce, Over, Turn, Turned, is_of_customer, print_of, rows_of};

/// What stands around a decision when it comes.
pub(crate) struct Circumstances<'a> {
    /// Wall clock of the slice, UTC milliseconds.
    pub tick: i64,
    /// When the record was appended, UTC milliseconds.
    pub append_time: i64,
    /// How far beyond that it may say that it was made, milliseconds.
    pub max_ahead_ms: i64,
    /// The longest that one may last, milliseconds.
    pub longest_ms: i64,
    /// How many may be in force, and as many be remembered.
    pub most: usize,
    /// Hits of mules that wait to be told.
    pub waiting: usize,
    pub accounts: &'a Accounts,
    pub rules: &'a Ruleset,
    pub lists: &'a Watchlist,
}

/// Hits of mules that may wait to be told when another one is confirmed.
const MAX_WAITING: usize = 1 << 17;

/// Why a decision does not take force, and what to do.
pub(crate) type Refused = (Reason, String);

fn refused<T>(reason: Reason, detail: impl Into<String>) -> Result<T, Refused> {
    Err((reason, detail.into()))
}

impl Decisions {
    /// Has a decision take force. Returns what begins and ends with it: nothing where it is in force already.
    pub(crate) fn take(&mut self, decision: Decision, around: &Circumstances<'_>) -> Result<Vec<Turn>, Refused> {
        if let Some(known) = self.in_force.get(&decision.id) {
            if print_of(&known.decision) == print_of(&decision) {
                return Ok(Vec::new());
            }
            return refused(Reason::Conflicting, "another decision has this id; give each one of its own");
        }
        if let Some(over) = self.over.get(&decision.id) {
            if over.digest != print_of(&decision) {
                return refused(Reason::Conflicting, "another decision had this id; give each one of its own");
            }
            if matches!(decision.ruling, Ruling::Revocation { .. }) {
                return Ok(Vec::new());
            }
            return refused(Reason::Expired, "it has ended; decide again under an id of its own");
        }
        self.is_timely(&decision, around)?;
        self.fits(&decision, around)?;
        let decision = Arc::new(decision);
        let entry = match &decision.ruling {
            Ruling::Revocation { decision: other } => return self.revoke(other, &decision),
            Ruling::ClearedPair(pair) => listed_rows(pair, around)?,
            _ => Vec::new(),
        };
        self.hold(decision.clone(), entry);
        Ok(vec![Turn { decision, is: Turned::Begun }])
    }

    fn is_timely(&self, decision: &Decision, around: &Circumstances<'_>) -> Result<(), Refused> {
        if decision.issued_at > around.append_time.saturating_add(around.max_ahead_ms) {
            return refused(
                Reason::TimeAhead,
                "issued_at is ahead of the broker's append time; check the signer's clock",
            );
        }
        if decision.until <= around.tick {
            return refused(Reason::Expired, "its time was over when it came; decide again with a later until");
        }
        if decision.until.saturating_sub(decision.issued_at) > around.longest_ms {
            let detail = "until: it lasts longer than decisions.longest; end it earlier, and decide again then";
            return refused(Reason::InvalidField, detail);
        }
        let full = self.in_force.len().max(self.over.len()) >= around.most;
        if full && !matches!(decision.ruling, Ruling::Revocation { .. }) {
            let detail =
                "as many as decisions.max_in_force are in force or remembered; wait until some are over, or raise it";
            return refused(Reason::TooLarge, detail);
        }
        Ok(())
    }

    fn fits(&self, decision: &Decision, around: &Circumstances<'_>) -> Result<(), Refused> {
        match &decision.ruling {
            Ruling::Snooze { account, rules, .. } => {
                if self.mule(account).is_some() {
                    return contradicts("the account is confirmed to be a mule's");
                }
                match rules.iter().find(|id| !raises_alerts(around.rules, id)) {
                    Some(id) => refused(
                        Reason::InvalidField,
                        format!("rules: `{id}` is no rule in force that raises alerts; name those of the alert"),
                    ),
                    None => Ok(()),
                }
            }
            Ruling::ConfirmedMule { account } if self.is_victims(account, around.accounts) => {
                contradicts("the account is decided to be that of a victim at risk")
            }
            Ruling::ConfirmedMule { .. } if around.waiting >= MAX_WAITING => {
                refused(Reason::TooLarge, "so much of what other mules did waits to be told; send it again in a minute")
            }
            Ruling::VictimAtRisk { party } if self.is_mules(party, around.accounts) => {
                contradicts("the account, or one of the customer, is confirmed to be a mule's")
            }
            Ruling::Revocation { decision: other } if !self.in_force.contains_key(other) => {
                refused(Reason::InvalidField, "decision: none of this id is in force; there is nothing to revoke")
            }
            Ruling::ClearedPair(_)
            | Ruling::ConfirmedMule { .. }
            | Ruling::VictimAtRisk { .. }
            | Ruling::DoNotFreezeYet { .. }
            | Ruling::Revocation { .. } => Ok(()),
        }
    }

    /// Whether an account, or its customer, is decided to be a victim at risk.
    fn is_victims(&self, account: &str, accounts: &Accounts) -> bool {
        let customer = accounts.find(account).and_then(|known| known.customer);
        let names = customer.map(|customer| format!("customer:{customer}"));
        self.victim(account).is_some() || names.is_some_and(|customer| self.victim(&customer).is_some())
    }

    /// Whether an account, or one of a customer, is confirmed to be a mule's.
    fn is_mules(&self, party: &str, accounts: &Accounts) -> bool {
        let Some(customer) = party.strip_prefix("customer:") else { return self.mule(party).is_some() };
        self.in_force.values().any(|InForce { decision, .. }| match &decision.ruling {
            Ruling::ConfirmedMule { account } => is_of_customer(accounts, account, customer),
            _ => false,
        })
    }

    fn revoke(&mut self, other: &str, revocation: &Decision) -> Result<Vec<Turn>, Refused> {
        let Some(InForce { decision, .. }) = self.in_force.get(other).cloned() else { return Ok(Vec::new()) };
        self.end_early(&decision);
        // Of the two it is the revocation that could come again for longer.
        let over = Over { until: revocation.until, digest: print_of(revocation) };
        self.ends.insert((revocation.until, revocation.id.clone()));
        self.over.insert(revocation.id.clone(), over);
        Ok(vec![Turn { decision, is: Turned::Revoked }])
    }
}

fn contradicts<T>(told: &str) -> Result<T, Refused> {
    refused(Reason::Conflicting, format!("{told}; revoke that decision first"))
}

fn raises_alerts(rules: &Ruleset, id: &str) -> bool {
    rules.rules().iter().any(|rule| rule.reference.id == id && rule.reference.raises == Raises::Alert)
}

/// The rows of the entry that a pair is about, where they are those that were looked at.
fn listed_rows(pair: &ClearedPair, around: &Circumstances<'_>) -> Result<Vec<String>, Refused> {
    let digests = rows_of(pair, around.lists);
    if digests.is_empty() {
        return refused(Reason::InvalidField, "entry: no list in force has it; write it as the alert does");
    }
    if !digests.contains(&pair.entry_digest) {
        let detail = "entry_digest: the entry says something else by now; look at it again and decide anew";
        return refused(Reason::Conflicting, detail);
    }
    let Some(account) = &pair.account else { return Ok(digests) };
    let (mut scratch, mut found) = (Scratch::new(), Vec::new());
    around.lists.screen_identifier(account, around.tick, &mut scratch, &mut found);
    if found.iter().any(|found| found.entry.id == pair.entry && found.list.regime == Regime::Sanctions) {
        return refused(
            Reason::Forbidden,
            "the entry of a sanctions list names the account itself; only who publishes the list can clear it",
        );
    }
    Ok(digests)
}
