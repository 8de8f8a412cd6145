use std::sync::Arc;

use mareva_model::alert::{Action, Severity};
use mareva_model::{Detection, Hit, MatchedOn, PartyRole, Prepared, Raises, Regime, RuleRef, Table, Text};
use mareva_monitoring::{RetainedRows, RowNumber, TransactionView};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::config::{InstitutionConfig, exchange_of, is_collective};
use super::relisted::KnownAs;

/// What identifies a contribution, in the order in which contributions count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ContributionKey {
    pub(super) event_time: i64,
    pub(super) row_id: String,
    /// `rule <id>@<version>` or `list <entry> <role> <what matched>`.
    source: String,
}

/// What an alert rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Contribution {
    Detection {
        rule: u32,
        columns: Map<String, Value>,
    },
    /// And what is known of its party by it.
    Hit {
        hit: Box<Hit>,
        known: Option<Box<KnownAs>>,
    },
}

impl Contribution {
    /// What is known of its party by it.
    pub(super) fn known(&self) -> Option<&KnownAs> {
        match self {
            Self::Detection { .. } => None,
            Self::Hit { known, .. } => known.as_deref(),
        }
    }
}

/// Rules by number, so that a detection kept does not carry its rule along.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RuleTable(Vec<Arc<RuleRef>>);

impl RuleTable {
    /// The number of a rule; one more for each version of a rule that was ever in force, so a few hundred.
    pub(super) fn number(&mut self, rule: &Arc<RuleRef>) -> u32 {
        let same = |known: &Arc<RuleRef>| Arc::ptr_eq(known, rule) || known == rule;
        let at = self.0.iter().position(same).unwrap_or_else(|| {
            self.0.push(Arc::clone(rule));
            self.0.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// The versions of a rule that raise signals, the latest first.
    fn first_level(&self, id: &str) -> impl Iterator<Item = &RuleRef> {
        self.0
            .iter()
            .rev()
            .map(AsRef::as_ref)
            .filter(move |rule: &&RuleRef| rule.raises == Raises::Signal && rule.id == id)
    }

    pub(super) fn get(&self, number: u32) -> Option<&Arc<RuleRef>> {
        self.0.get(number as usize)
    }
}

/// The part of an alert's basis that a contribution stands for: a new revision is due at once when this set changes.
pub(super) fn basis_of(contribution: &Contribution, rules: &RuleTable) -> String {
    match contribution {
        Contribution::Detection { rule, .. } => rules.get(*rule).map_or_else(String::new, |rule| rule_source(rule)),
        Contribution::Hit { hit, .. } => format!("list {} {} {}", hit.list.name, hit.list.version, hit.entry.id),
    }
}

fn rule_source(rule: &RuleRef) -> String {
    format!("rule {}@{}", rule.id, rule.version)
}

pub(super) fn detection_key(detection: &Detection) -> ContributionKey {
    ContributionKey {
        event_time: detection.event_time,
        row_id: detection.row_id.clone(),
        source: rule_source(&detection.rule),
    }
}

/// One of a party and an entry: a name that meets another spelling of the same entry takes the place of what it met before.
pub(crate) fn hit_key(hit: &Hit) -> ContributionKey {
    let matched = match &hit.matched {
        MatchedOn::Identifier { value } => format!("identifier {value}"),
        MatchedOn::Name { value, .. } => format!("name {value}"),
    };
    ContributionKey {
        event_time: hit.event_time,
        row_id: hit.row_id.clone(),
        source: format!("list {} {:?} {matched}", hit.entry.id, hit.role),
    }
}

/// Severity of an alert on a hit, from what the list may ask for.
pub(super) fn severity_of(action: Action, regime: Regime) -> Severity {
    match action {
        Action::Block => Severity::Critical,
        Action::Hold | Action::Recall => Severity::High,
        Action::Report | Action::Warn => Severity::Medium,
        Action::Review if regime == Regime::Sanctions => Severity::Medium,
        Action::Review => Severity::Low,
    }
}

/// The transaction behind a row that `rule` fired on. The sender of a payment chooses its id, which may look like that of a
/// leg or a signal: the rule's table says which it is.
pub(super) fn row_behind(rule: &RuleRef, row_id: &str, rules: &RuleTable, rows: &RetainedRows) -> Option<RowNumber> {
    let (row_id, _) = rule.row_of(row_id);
    match rule.table {
        Table::Transactions | Table::Movements => rows.find(rule.table.transaction(row_id)?),
        Table::Signals => {
            let (first, row_id) = row_id.split_once(':')?;
            rules.first_level(first).find_map(|rule| row_behind(rule, row_id, rules, rows))
        }
    }
}

/// The accepted transaction that a hit is about: of what was refused, late or told again there is none.
pub(super) fn row_of(hit: &Hit, rows: &RetainedRows) -> Option<RowNumber> {
    rows.find(hit.accepted_row_id()?)
}

/// Whom an alert on this hit is about: the account of the party that matched, else the identifier, else the entry.
pub(super) fn subject_of(hit: &Hit, rows: &RetainedRows) -> String {
    let side = match hit.role {
        PartyRole::Originator => Some(Text::Originator),
        PartyRole::Beneficiary => Some(Text::Beneficiary),
        PartyRole::LinkedAccount => Some(Text::LinkedAccount),
        _ => None,
    };
    let row = side.and_then(|side| rows.transaction(row_of(hit, rows)?)?.text(side));
    let apart = hit.apart.as_ref().map(|party| party.account.as_str());
    match (row.or(apart), &hit.matched) {
        (Some(account), _) => account.to_owned(),
        (None, MatchedOn::Identifier { value }) => value.clone(),
        (None, MatchedOn::Name { .. }) => format!("entry:{}", hit.entry.id),
    }
}

/// Which side of a payment an account is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Payer,
    Receiver,
}

/// The side of `account` in a payment.
pub(super) fn side_of(view: &TransactionView<'_>, account: &str) -> Option<Side> {
    if view.text(Text::Beneficiary) == Some(account) {
        Some(Side::Receiver)
    } else if view.text(Text::Originator) == Some(account) {
        Some(Side::Payer)
    } else {
        None
    }
}

/// Role of the account on one side of a payment. An exchange's own account or wallet holds the money of all its users, named
/// so in the reference tables or not; accounts of users carry their user's id.
pub(super) fn role_of<'a>(view: &TransactionView<'a>, side: Side) -> Option<&'a str> {
    let (role, vasp, account) = match side {
        Side::Receiver => (Prepared::BeneficiaryRole, Prepared::BeneficiaryIsVasp, Text::Beneficiary),
        Side::Payer => (Prepared::OriginatorRole, Prepared::OriginatorIsVasp, Text::Originator),
    };
    let user = || view.text(account).is_some_and(|account| exchange_of(account).is_some());
    let named = view.prepared_text(role);
    if !is_collective(named) && view.prepared_flag(vasp) && !user() { Some("omnibus") } else { named }
}

/// The names under which the holder of an account is known: the account, its customer, and the bank account linked to an
/// exchange account (or the other way round).
pub(super) fn identities(account: &str, view: Option<&TransactionView<'_>>) -> Vec<String> {
    let mut found = vec![account.to_owned()];
    let Some(view) = view else { return found };
    let customer = match side_of(view, account) {
        Some(Side::Receiver) => view.prepared_text(Prepared::BeneficiaryCustomer),
        Some(Side::Payer) => view.prepared_text(Prepared::OriginatorCustomer),
        None => None,
    };
    found.extend(customer.map(|customer| format!("customer:{customer}")));
    if let Some(linked) = view.text(Text::LinkedAccount) {
        let users = [view.text(Text::Originator), view.text(Text::Beneficiary)];
        let user = users.into_iter().flatten().find(|user| exchange_of(user).is_some());
        match user {
            Some(user) if user == account => found.push(linked.to_owned()),
            Some(user) if linked == account => found.push(user.to_owned()),
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    found
}

/// What the hits and rules of an alert may bring about at most.
pub(super) fn action_of(contribution: &Contribution, rules: &RuleTable, institution: &InstitutionConfig) -> Action {
    match contribution {
        // A rule never blocks: blocks are for listed parties.
        Contribution::Detection { rule, .. } => {
            rules.get(*rule).map_or(Action::Review, |rule| Action::parse(&rule.action).min(Action::Hold))
        }
        Contribution::Hit { hit, .. } => institution.action_of(hit),
    }
}
