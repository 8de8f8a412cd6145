//! Targets of a sanctions alert: all property of the listed party that is with us, and the payments that name it.

use std::collections::BTreeMap;

use mareva_model::alert::{Action, AmountBasis, Target};
use mareva_model::{LateParty, PartyRole};
use mareva_monitoring::{RowNumber, TransactionView};

use super::config::Standing;
use super::contribution::{Contribution, ContributionKey, action_of, row_of, side_of};
use super::draft::{Scene, Yield};
use super::place::{Sum, account_target, amount_text, late_account, payment_target};

/// Targets of the sanctions alert on `subject`.
pub(super) fn targets(
    scene: &Scene<'_>,
    subject: &str,
    contributions: &BTreeMap<ContributionKey, Contribution>,
) -> Yield {
    let mut found = Yield::default();
    let mut payments: BTreeMap<(i64, String), (RowNumber, Action)> = BTreeMap::new();
    let mut account: Option<Target> = None;
    let rank = |target: &Target| (target.action, target.event_time);
    for (key, contribution) in contributions {
        let Contribution::Hit(hit) = contribution else { continue };
        let action = action_of(contribution, scene.rules, &scene.config.institution);
        if let Some(late) = hit.late.as_ref().filter(|_| action >= Action::Report) {
            account = late_own(scene, late, key.event_time, action).into_iter().chain(account).max_by_key(rank);
        }
        let Some(row) = row_of(hit, scene.rows) else { continue };
        let Some(view) = scene.rows.transaction(row) else { continue };
        let party = matches!(hit.role, PartyRole::Originator | PartyRole::Beneficiary | PartyRole::LinkedAccount);
        if party && action >= Action::Report {
            let own = own_account(scene, &view, subject, action);
            account = own.into_iter().chain(account).max_by_key(rank);
        }
        if scene.moves(row) {
            let known = payments.entry((key.event_time, key.row_id.clone())).or_insert((row, action));
            known.1 = known.1.max(action);
        }
    }
    found.extend(account);
    for (row, action) in payments.into_values() {
        if let Some(view) = scene.rows.transaction(row) {
            found.add(payment(scene, &view, action));
        }
    }
    found
}

/// The listed party's account where we keep it: all property, so no amount.
fn own_account(scene: &Scene<'_>, view: &TransactionView<'_>, subject: &str, action: Action) -> Option<Target> {
    let role = scene.config.institution.role_at(view, side_of(view, subject)?)?;
    let mut target = account_target(view, subject, action, Standing { role, reach: Action::Hold });
    target.amount_basis = Some(AmountBasis::AllProperty);
    Some(target)
}

/// The same where all that tells of it came too late.
fn late_own(scene: &Scene<'_>, late: &LateParty, event_time: i64, action: Action) -> Option<Target> {
    let standing = scene.config.institution.keeping(&late.account, late.agent.as_deref())?;
    let mut target = late_account(late, event_time, action, standing);
    target.amount_basis = Some(AmountBasis::AllProperty);
    Some(target)
}

/// A payment from, to or through a listed party: blocked while it is with us, reported once it has left.
fn payment(scene: &Scene<'_>, view: &TransactionView<'_>, action: Action) -> Target {
    let institution = &scene.config.institution;
    let stopped = action < Action::Block || institution.can_stop(view);
    let action = if stopped { action } else { Action::Report };
    let sum = Sum { native: amount_text(view), reference: view.amount_ref(), basis: Some(AmountBasis::Payment) };
    payment_target(view, action, institution.standing(view), sum)
}
