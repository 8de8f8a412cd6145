use mareva_model::alert::{Action, OurRole};
use mareva_model::{Digest, Hit, ListAction, MatchedOn, Regime, Status, Text};
use mareva_monitoring::TransactionView;

use super::contribution::Side;

/// Roles of accounts that many people's money runs through: their money is never held, at most reported.
const COLLECTIVE_ROLES: [&str; 6] = ["payroll", "merchant", "omnibus", "psp", "internal", "collective"];

/// Who runs this: decides what is with us, what has left us, and which lists bind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstitutionConfig {
    /// Our BICs; 8 characters (or 11 ending in `XXX`) stand for all branches.
    pub bics: Vec<String>,
    /// Names of our exchanges, as in `exch:<name>:<uid>`.
    pub exchanges: Vec<String>,
    /// ISO 3166 code of the law we act under.
    pub jurisdiction: Option<String>,
}

/// Everything that the alert book is told and does not find out. All times in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertConfig {
    /// Who runs this.
    pub institution: InstitutionConfig,
    /// Length of an episode; one day.
    pub episode_ms: i64,
    /// How long after low time has passed it what is told of a time may change: the lateness that the pipeline allows, and,
    /// which the pipeline adds, as long as groups of rows are open.
    pub lateness_ms: i64,
    /// How far back the rows of a detection can reach: the longest span of the second level plus the longest of the first.
    pub reach_ms: i64,
    /// How far before and after its episode an alert looks for victims, and back for the alert it continues.
    pub memory_ms: i64,
    /// How long a fraud hold may last, from the first contribution.
    pub hold_ms: i64,
    /// The rule of law or policy behind `hold_ms`.
    pub clock_basis: Option<String>,
    /// Legal basis of fraud holds and recalls.
    pub fraud_legal_basis: Option<String>,
    /// Legal basis of sanctions blocks, in front of the programmes.
    pub sanctions_legal_basis: Option<String>,
    /// Marking of every alert: whether the customer may be told.
    pub confidentiality: Option<String>,
    /// Marking: traffic light protocol.
    pub tlp: Option<String>,
    /// Marking: operation.
    pub operation: Option<String>,
    /// Marking: notice or order.
    pub notice_ref: Option<String>,
    /// Code of the reference currency.
    pub reference_currency: String,
    /// Alerts kept open; beyond it the oldest are closed early and counted. They stand, and what comes later goes into alerts
    /// that continue them.
    pub max_open: usize,
    /// Closed alerts remembered for `continues` and for victims found later.
    pub max_closed: usize,
    /// First-level detections kept to name what a second-level one rests on.
    pub max_signals: usize,
    /// Targets in one alert, largest amounts first.
    pub max_targets: usize,
    /// Digest of what is in force.
    pub epoch: Digest,
    /// Version of the engine.
    pub engine: String,
}

/// Who keeps an account, seen from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    Bank,
    Exchange,
    Other,
}

/// Where we stand in a payment and what that lets us do at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) role: OurRole,
    /// `hold` where the money is with us, `recall` where it left us, `report` where we only look on.
    pub(super) reach: Action,
}

impl InstitutionConfig {
    fn keeper(&self, account: Option<&str>, agent: Option<&str>) -> Keeper {
        let exchange = account.and_then(exchange_of).or_else(|| agent.and_then(|agent| agent.strip_prefix("vasp:")));
        if exchange.is_some_and(|name| self.exchanges.iter().any(|ours| ours.eq_ignore_ascii_case(name))) {
            return Keeper::Exchange;
        }
        let number = account.and_then(|account| account.strip_prefix("acct:")).and_then(|rest| rest.split_once('/'));
        let bic = agent.and_then(|agent| agent.strip_prefix("bic:")).or(number.map(|(bic, _)| bic));
        if bic.is_some_and(|bic| self.bics.iter().any(|ours| same_institution(ours, bic))) {
            return Keeper::Bank;
        }
        Keeper::Other
    }

    /// Where we stand to money on an account that we keep; `None` where others keep it.
    pub(super) fn keeping(&self, account: &str, agent: Option<&str>) -> Option<Standing> {
        let role = match self.keeper(Some(account), agent) {
            Keeper::Bank => OurRole::CreditorAgent,
            Keeper::Exchange => OurRole::Exchange,
            Keeper::Other => return None,
        };
        Some(Standing { role, reach: Action::Hold })
    }

    fn keeper_at(&self, view: &TransactionView<'_>, side: Side) -> Keeper {
        match side {
            Side::Receiver => self.keeper(view.text(Text::Beneficiary), view.text(Text::BeneficiaryAgent)),
            Side::Payer => self.keeper(view.text(Text::Originator), view.text(Text::OriginatorAgent)),
        }
    }

    /// Where we stand to the account on one side of a payment; `None` where others keep it.
    pub(super) fn role_at(&self, view: &TransactionView<'_>, side: Side) -> Option<OurRole> {
        match (self.keeper_at(view, side), side) {
            (Keeper::Bank, Side::Receiver) => Some(OurRole::CreditorAgent),
            (Keeper::Bank, Side::Payer) => Some(OurRole::DebtorAgent),
            (Keeper::Exchange, _) => Some(OurRole::Exchange),
            (Keeper::Other, _) => None,
        }
    }

    /// Where we stand in a payment whose money is to be restrained at its beneficiary.
    pub(super) fn standing(&self, view: &TransactionView<'_>) -> Standing {
        match (self.keeper_at(view, Side::Receiver), self.keeper_at(view, Side::Payer)) {
            (Keeper::Bank, _) => Standing { role: OurRole::CreditorAgent, reach: Action::Hold },
            (Keeper::Exchange, _) => Standing { role: OurRole::Exchange, reach: Action::Hold },
            (_, Keeper::Bank) => Standing { role: OurRole::DebtorAgent, reach: Action::Recall },
            (_, Keeper::Exchange) => Standing { role: OurRole::Exchange, reach: Action::Recall },
            _ if self.reported_by_us(view) => Standing { role: OurRole::Intermediary, reach: Action::Recall },
            _ => Standing { role: OurRole::Observer, reach: Action::Report },
        }
    }

    /// Whether a payment can still be stopped by us: with us, or not settled and on its way through us.
    pub(super) fn can_stop(&self, view: &TransactionView<'_>) -> bool {
        let standing = self.standing(view);
        let settled = view.text(Text::Status) == Some(Status::Settled.as_str());
        standing.reach == Action::Hold || (standing.reach == Action::Recall && !settled)
    }

    fn reported_by_us(&self, view: &TransactionView<'_>) -> bool {
        let source = view.text(Text::Source).unwrap_or_default();
        self.bics.iter().any(|ours| same_institution(ours, source))
    }

    /// Whether a list binds under our law.
    pub(super) fn binds(&self, binding_in: &[String]) -> bool {
        binding_in.iter().any(|place| {
            place == "*" || self.jurisdiction.as_ref().is_some_and(|ours| ours.eq_ignore_ascii_case(place))
        })
    }

    /// The strongest action that a hit can bring about: what the list asks for, where it binds, `report` elsewhere; a
    /// name alone, or evidence below institution-confirmed, is at most a review.
    pub(super) fn action_of(&self, hit: &Hit) -> Action {
        let name_alone = matches!(&hit.matched, MatchedOn::Name { supported_by, .. } if supported_by.is_empty());
        if name_alone || !hit.entry.evidence_class.is_confirmed() {
            return Action::Review;
        }
        self.action_here(hit.list.action, hit.list.regime, &hit.list.binding_in)
    }

    /// What a list that asks for this may bring about under our law: that where it binds, at most `report` elsewhere.
    pub fn action_here(&self, asked: ListAction, regime: Regime, binding_in: &[String]) -> Action {
        let asked = match (asked, regime) {
            (ListAction::Review, _) => Action::Review,
            (ListAction::Warn, _) => Action::Warn,
            (ListAction::Report, _) => Action::Report,
            (ListAction::Hold | ListAction::Block, Regime::Fraud) => Action::Hold,
            (ListAction::Hold | ListAction::Block, Regime::Sanctions) => Action::Block,
        };
        if self.binds(binding_in) { asked } else { asked.min(Action::Report) }
    }
}

/// What a target may be asked for: the action of the basis as far as we can reach, and no restraint on a collective account.
pub(super) fn effective(basis: Action, reach: Action, role: Option<&str>) -> Action {
    let action = if basis.restrains() { reach } else { basis.min(Action::Report) };
    if is_collective(role) { action.min(Action::Report) } else { action }
}

/// Whether an account of this role carries many people's money.
pub(super) fn is_collective(role: Option<&str>) -> bool {
    role.is_some_and(|role| COLLECTIVE_ROLES.contains(&role))
}

/// The exchange of `exch:<exchange>:<uid>`.
pub(super) fn exchange_of(account: &str) -> Option<&str> {
    account.strip_prefix("exch:").and_then(|rest| rest.split_once(':')).map(|(exchange, _)| exchange)
}

/// The user id of `exch:<exchange>:<uid>`.
pub(super) fn uid_of(account: &str) -> Option<&str> {
    account.strip_prefix("exch:").and_then(|rest| rest.split_once(':')).map(|(_, uid)| uid)
}

/// Whether `bic` is ours: same 8 characters, and the same branch where ours names one.
fn same_institution(ours: &str, bic: &str) -> bool {
    let ours = ours.strip_prefix("bic:").unwrap_or(ours).as_bytes();
    let bic = bic.strip_prefix("bic:").unwrap_or(bic).as_bytes();
    let (Some(head), Some(other)) = (ours.get(..8), bic.get(..8)) else { return false };
    let branch = ours.get(8..).filter(|branch| branch.len() == 3 && !branch.eq_ignore_ascii_case(b"XXX"));
    head.eq_ignore_ascii_case(other)
        && branch.is_none_or(|branch| bic.get(8..).is_some_and(|other| branch.eq_ignore_ascii_case(other)))
}
