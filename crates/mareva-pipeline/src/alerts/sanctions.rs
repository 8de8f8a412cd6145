//! Targets of a sanctions alert: all property of the listed party that is with us, and the payments that name it.

use std::collections::BTreeMap;

use mareva_model::alert::{Action, AmountBasis, Target};
use mareva_model::{Hit, MatchedOn, PartyApart, PartyRole};
use mareva_monitoring::{RowNumber, TransactionView};

use super::config::{Standing, is_collective};
use super::contribution::{Contribution, ContributionKey, action_of, role_of, row_of, side_of};
use super::draft::{Scene, Yield};
use super::place::{Sum, account_apart, account_target, amount_text, payment_target};

/// Targets of the sanctions alert on `subject`.
pub(super) fn targets(
    scene: &Scene<'_>,
    subject: &str,
    contributions: &BTreeMap<ContributionKey, Contribution>,
) -> Yield {
    let mut found = Yield::default();
    let mut payments: BTreeMap<(i64, String), (RowNumber, Action)> = BTreeMap::new();
    let (mut account, mut apart): (Option<Target>, Option<Target>) = (None, None);
    let rank = |target: &Target| (target.action, target.event_time);
    for (key, contribution) in contributions {
        let Contribution::Hit { hit, .. } = contribution else { continue };
        let action = action_of(contribution, scene.rules, &scene.config.institution);
        if let Some(party) = hit.apart.as_ref().filter(|_| action >= Action::Report) {
            let own = own_apart(scene, hit, party, action);
            apart = own.into_iter().chain(apart).max_by_key(rank);
        }
        let Some(row) = row_of(hit, scene.rows) else { continue };
        let Some(view) = scene.rows.transaction(row) else { continue };
        let party = matches!(hit.role, PartyRole::Originator | PartyRole::Beneficiary | PartyRole::LinkedAccount);
        if party && action >= Action::Report {
            let own = own_account(scene, hit, &view, subject, action);
            account = own.into_iter().chain(account).max_by_key(rank);
        }
        if scene.moves(row) {
            let known = payments.entry((key.event_time, key.row_id.clone())).or_insert((row, action));
            known.1 = known.1.max(action);
        }
    }
    // A retained transaction says more of the account.
    found.extend(match (account, apart) {
        (Some(account), Some(apart)) => Some(Target { action: account.action.max(apart.action), ..account }),
        (account, apart) => account.or(apart),
    });
    for (row, action) in payments.into_values() {
        if let Some(view) = scene.rows.transaction(row) {
            found.add(payment(scene, &view, action));
        }
    }
    found
}

/// The listed party's account where we keep it: all property, so no amount.
fn own_account(
    scene: &Scene<'_>,
    hit: &Hit,
    view: &TransactionView<'_>,
    subject: &str,
    action: Action,
) -> Option<Target> {
    let side = side_of(view, subject)?;
    let standing = Standing { role: scene.config.institution.role_at(view, side)?, reach: Action::Hold };
    let action = on_account(hit, role_of(view, side), action)?;
    let mut target = account_target(view, subject, action, standing);
    target.amount_basis = Some(AmountBasis::AllProperty);
    Some(target)
}

/// The same where nothing that tells of it was accepted.
fn own_apart(scene: &Scene<'_>, hit: &Hit, party: &PartyApart, action: Action) -> Option<Target> {
    let standing = scene.config.institution.keeping(&party.account, party.agent.as_deref())?;
    let action = on_account(hit, party.role.as_deref(), action)?;
    let mut target = account_apart(party, hit.event_time, action, standing);
    target.amount_basis = Some(AmountBasis::AllProperty);
    Some(target)
}

/// What a hit may bring about on the whole account. A name is what the payment says: many people's names stand beside a
/// collective account, and a payer writes what he likes of whom he pays. So it is looked up first who holds the account.
fn on_account(hit: &Hit, role: Option<&str>, action: Action) -> Option<Action> {
    // Whoever tells a payment in other words than we did may name our payer, too.
    let payer_with_us = hit.role != PartyRole::Beneficiary && hit.apart.is_none();
    match hit.matched {
        MatchedOn::Identifier { .. } => Some(action),
        MatchedOn::Name { .. } if is_collective(role) => None,
        MatchedOn::Name { .. } if payer_with_us => Some(action),
        MatchedOn::Name { .. } => Some(action.min(Action::Report)),
    }
}

/// A payment from, to or through a listed party: blocked while it is with us, reported once it has left.
fn payment(scene: &Scene<'_>, view: &TransactionView<'_>, action: Action) -> Target {
    let institution = &scene.config.institution;
    let stopped = action < Action::Block || institution.can_stop(view);
    let action = if stopped { action } else { Action::Report };
    let sum = Sum { native: amount_text(view), reference: view.amount_ref(), basis: Some(AmountBasis::Payment) };
    payment_target(view, action, institution.standing(view), sum)
}
