use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use mareva_model::{Decision, EntryRef, EvidenceClass, ListAction, ListRef, MatchedOn, Regime, Ruling};
use mareva_screening::{Basis, Match, Strength};

use super::{Decisions, InForce, print_of};

/// What hits on decisions call the list that they are of. No list of the config may be called so.
pub const LIST: &str = "decisions";

/// Accounts that are decided to be mules', as a list that every party is screened against.
#[derive(Debug, Default)]
pub(crate) struct Mules(HashMap<String, Vec<Decided>>);

/// The list and entry that a decision stands for.
type Decided = (Arc<ListRef>, Arc<EntryRef>);

impl Mules {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn holds(&self, account: &str) -> bool {
        self.0.contains_key(account)
    }

    /// What an account meets: each decision about it, so that one may be revoked and the others stand.
    pub fn find(&self, account: &str) -> impl Iterator<Item = Match> {
        self.0.get(account).into_iter().flatten().map(|(list, entry)| {
            let matched = MatchedOn::Identifier { value: account.to_owned() };
            let strength =
                Strength { action: list.action, basis: Basis::Identifier, evidence: Reverse(entry.evidence_class) };
            Match { list: list.clone(), entry: entry.clone(), matched, strength }
        })
    }

    /// The only account of one decision; none of another kind.
    pub fn of(decision: &Decision) -> Option<(String, Self)> {
        let Ruling::ConfirmedMule { account } = &decision.ruling else { return None };
        Some((account.clone(), Self([(account.clone(), vec![entry(decision)])].into())))
    }
}

impl Decisions {
    /// All accounts that are decided to be mules' now.
    pub(crate) fn mules(&self) -> Mules {
        let mut mules = HashMap::<_, Vec<_>>::new();
        for InForce { decision, .. } in self.in_force.values() {
            if let Ruling::ConfirmedMule { account } = &decision.ruling {
                mules.entry(account.clone()).or_default().push(entry(decision));
            }
        }
        Mules(mules)
    }
}

/// The id of the entry that a decision stands for.
pub(crate) fn entry_id(decision: &Decision) -> String {
    format!("{LIST}:{}", decision.id)
}

/// Confirmed by the institution itself: a hold, wherever we act.
fn entry(decision: &Decision) -> Decided {
    let digest = print_of(decision).to_string();
    let entry = EntryRef {
        id: entry_id(decision),
        name: decision.reason.clone(),
        programme: Some(decision.by.join(", ")),
        evidence_class: EvidenceClass::InstitutionConfirmed,
        digest: digest.get(..32).unwrap_or_default().to_owned(),
        lineage: Vec::new(),
    };
    let list = ListRef {
        name: LIST.to_owned(),
        version: digest.get(..12).unwrap_or_default().to_owned(),
        digest,
        regime: Regime::Fraud,
        action: ListAction::Hold,
        binding_in: vec!["*".to_owned()],
        measure: None,
    };
    (Arc::new(list), Arc::new(entry))
}
