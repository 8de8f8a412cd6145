//! Decisions of people that are in force: part of the state, since they come as records and go by the tick of a slice.

mod mules;
mod take;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use mareva_model::{ClearedPair, Decision, Digest, MatchedOn, Regime, Ruling, digest};
use mareva_monitoring::Accounts;
use mareva_screening::{ListChanges, Watchlist};
use serde::{Deserialize, Serialize};

pub use mules::LIST as LIST_OF_DECISIONS;
pub(crate) use mules::{Mules, entry_id};
pub(crate) use take::{Circumstances, Refused};

/// Decisions that are in force, and ids that are not to come again.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    /// By id.
    in_force: BTreeMap<String, InForce>,
    /// By id, those that ended before their time and revocations, until that is over.
    over: BTreeMap<String, Over>,
    /// Ids of those in force by the account, customer or entry that they are about; made anew from them.
    #[serde(skip)]
    about: HashMap<String, BTreeSet<String>>,
    /// How many of each kind are in force.
    #[serde(skip)]
    kinds: BTreeMap<&'static str, u64>,
    /// When those in force and over end.
    #[serde(skip)]
    ends: BTreeSet<(i64, String)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct InForce {
    decision: Arc<Decision>,
    /// Of a cleared pair, the rows of the entry when it came.
    entry: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Over {
    until: i64,
    /// Of the decision, so that it is known when it comes again.
    digest: Digest,
}

/// A decision that begins or ends to be in force.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Turn {
    pub decision: Arc<Decision>,
    pub is: Turned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    Begun,
    /// Its time is over, or the entry that it is about says something else.
    Ended,
    Revoked,
}

/// Whom or what a decision is about.
fn subject(ruling: &Ruling) -> String {
    match ruling {
        Ruling::ClearedPair(pair) => subject_of_pair(&pair.entry, pair.account.as_deref()),
        Ruling::Snooze { account, .. } | Ruling::ConfirmedMule { account } => account.clone(),
        Ruling::VictimAtRisk { party } | Ruling::DoNotFreezeYet { party } => party.clone(),
        Ruling::Revocation { decision } => decision.clone(),
    }
}

/// No id of an entry and no account has a line end in it.
fn subject_of_pair(entry: &str, account: Option<&str>) -> String {
    format!("{entry}\n{}", account.unwrap_or_default())
}

/// Of all that is decided, whoever signed it.
fn print_of(decision: &Decision) -> Digest {
    let Decision { id, ruling, reason, issued_at, until, by: _ } = decision;
    digest(format!("{id:?} {ruling:?} {reason:?} {issued_at} {until}").as_bytes())
}

impl Decisions {
    /// The same, ready to be asked, after it was read.
    pub(crate) fn indexed(mut self) -> Self {
        (self.about, self.ends, self.kinds) = (HashMap::new(), BTreeSet::new(), BTreeMap::new());
        for InForce { decision, entry } in std::mem::take(&mut self.in_force).into_values() {
            self.hold(decision, entry);
        }
        self.ends.extend(self.over.iter().map(|(id, over)| (over.until, id.clone())));
        self
    }

    /// Whether none is in force.
    pub(crate) fn is_empty(&self) -> bool {
        self.in_force.is_empty()
    }

    /// How many of each kind are in force.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let kinds = Ruling::ALL.into_iter().filter(|kind| *kind != "revocation");
        kinds.map(|kind| (kind, self.kinds.get(kind).copied().unwrap_or(0))).collect()
    }

    /// Those about a party or entry.
    fn about(&self, who: &str) -> impl Iterator<Item = &Arc<Decision>> {
        let ids = self.about.get(who).into_iter().flatten();
        ids.filter_map(|id| self.in_force.get(id)).map(|one| &one.decision)
    }

    /// The decision that says of a party that it is a victim at risk.
    pub(crate) fn victim(&self, party: &str) -> Option<&Arc<Decision>> {
        self.about(party).find(|one| matches!(one.ruling, Ruling::VictimAtRisk { .. }))
    }

    /// The decision that nothing is to be restrained at a party while it lasts.
    pub(crate) fn waits(&self, party: &str) -> Option<&Arc<Decision>> {
        self.about(party).find(|one| matches!(one.ruling, Ruling::DoNotFreezeYet { .. }))
    }

    /// The decision that the holder of an account is a mule.
    pub(crate) fn mule(&self, account: &str) -> Option<&Arc<Decision>> {
        self.about(account).find(|one| matches!(one.ruling, Ruling::ConfirmedMule { .. }))
    }

    /// The snoozes of an account: the rules, the most money (hundredths of the reference currency), and the decision.
    pub(crate) fn snoozes(&self, account: &str) -> impl Iterator<Item = (&[String], i64, &Arc<Decision>)> {
        self.about(account).filter_map(|one| match &one.ruling {
            Ruling::Snooze { rules, amount_cap, .. } => Some((rules.as_slice(), *amount_cap, one)),
            _ => None,
        })
    }

    /// The decision that `subject` is not the entry that it met by this, other than one that is left aside. An identifier that a
    /// sanctions list names is never cleared: that is for its publisher.
    pub(crate) fn cleared(&self, met: &Met<'_>, aside: Option<&str>) -> Option<&Arc<Decision>> {
        // Where the account is known a name alone says nothing of it: another party of the name is another one.
        let account = (!met.subject.starts_with("entry:")).then_some(met.subject);
        let clears = |pair: &ClearedPair| match met.matched {
            MatchedOn::Identifier { .. } => met.regime == Regime::Fraud && pair.name.is_none(),
            MatchedOn::Name { value, supported_by, .. } => {
                pair.name.as_ref().is_some_and(|name| is_spelt_as(name, value))
                    && supported_by.iter().all(|support| pair.supported_by.contains(support))
            }
        };
        self.about(&subject_of_pair(met.entry, account)).find(|one| match &one.ruling {
            Ruling::ClearedPair(pair) => aside != Some(one.id.as_str()) && clears(pair),
            _ => false,
        })
    }

    /// Ends those whose time is over.
    pub(crate) fn expire(&mut self, tick: i64) -> Vec<Turn> {
        let mut turns = Vec::new();
        while let Some((until, id)) = self.ends.first().filter(|(until, _)| *until <= tick).cloned() {
            self.ends.remove(&(until, id.clone()));
            self.over.remove(&id);
            turns.extend(self.leave(&id).map(|decision| Turn { decision, is: Turned::Ended }));
        }
        turns
    }

    /// Ends the cleared pairs whose entries say something else under other lists, or are gone.
    pub(crate) fn relist(&mut self, changes: &ListChanges, lists: &Watchlist) -> Vec<Turn> {
        let is_another = |one: &&InForce| match &one.decision.ruling {
            Ruling::ClearedPair(pair) => changes.concerns(&pair.entry) && rows_of(pair, lists) != one.entry,
            _ => false,
        };
        let ended: Vec<_> = self.in_force.values().filter(is_another).map(|one| one.decision.clone()).collect();
        for decision in &ended {
            self.end_early(decision);
        }
        ended.into_iter().map(|decision| Turn { decision, is: Turned::Ended }).collect()
    }

    /// Holds one, whatever is said against it.
    pub(crate) fn hold(&mut self, decision: Arc<Decision>, entry: Vec<String>) {
        self.about.entry(subject(&decision.ruling)).or_default().insert(decision.id.clone());
        self.ends.insert((decision.until, decision.id.clone()));
        *self.kinds.entry(decision.ruling.as_str()).or_default() += 1;
        self.in_force.insert(decision.id.clone(), InForce { decision, entry });
    }

    /// Takes one out before its time; it is remembered until then.
    fn end_early(&mut self, decision: &Decision) {
        self.leave(&decision.id);
        self.over.insert(decision.id.clone(), Over { until: decision.until, digest: print_of(decision) });
    }

    pub(crate) fn leave(&mut self, id: &str) -> Option<Arc<Decision>> {
        let InForce { decision, .. } = self.in_force.remove(id)?;
        if let Some(count) = self.kinds.get_mut(decision.ruling.as_str()) {
            *count -= 1;
        }
        let who = subject(&decision.ruling);
        if let Some(ids) = self.about.get_mut(&who) {
            ids.remove(id);
            if ids.is_empty() {
                self.about.remove(&who);
            }
        }
        Some(decision)
    }
}

/// The rows of the entry that a pair is about: by its number those that list it, by its name all.
fn rows_of(pair: &ClearedPair, lists: &Watchlist) -> Vec<String> {
    lists.digests(&pair.entry, pair.account.as_deref().filter(|_| pair.name.is_none()))
}

/// Whether an account is of this customer.
pub(crate) fn is_of_customer(accounts: &Accounts, account: &str, customer: &str) -> bool {
    accounts.find(account).is_some_and(|known| known.customer == Some(customer))
}

/// What a party met on a list.
pub(crate) struct Met<'a> {
    /// What its alert is about.
    pub subject: &'a str,
    pub regime: Regime,
    pub entry: &'a str,
    pub matched: &'a MatchedOn,
}

/// Whether two spellings of a name differ in case and white space alone.
fn is_spelt_as(name: &str, written: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    plain(name) == plain(written)
}
