//! Where suspect money went: the payments that carried it on from the subject's account, and from the subject's other accounts
//! that we keep.

use std::collections::{BTreeMap, BTreeSet};

use mareva_model::Text;
use mareva_model::alert::{Action, AmountBasis};
use mareva_monitoring::{RowNumber, TransactionView};

use super::config::{Standing, effective, is_collective};
use super::contribution::identities;
use super::draft::{Scene, Yield};
use super::fifo::{self, Flow};
use super::fraud::{Account, account, payee_role, reachable, same_holder, where_left};
use super::place::{Sum, payment_target};
use super::share::{places, share, share_text};

/// How money flowed, what the suspect payments in may bring about, and who paid them.
pub(super) type Shares<'b> = (&'b Flow, &'b BTreeMap<RowNumber, Action>, &'b BTreeSet<String>);

/// A payment that carried suspect money on.
struct Onward<'a> {
    row: RowNumber,
    view: TransactionView<'a>,
    standing: Standing,
    /// What the money may bring about, wherever it went.
    strongest: Action,
    /// Hundredths of the reference currency: the payment, ...
    whole: i64,
    /// ... the suspect share of it, ...
    sent: i64,
    /// ... and what of that has not come back, nor gone on to further payments here.
    left: i64,
}

/// Each payment that carried suspect money on, at its beneficiary. From an account of the same holder that we keep (the user's at
/// our exchange, say) the money is followed once more: it has only changed its place.
pub(super) fn carried_on(
    scene: &Scene<'_>,
    subject: &str,
    account: &Account<'_>,
    shares: Shares<'_>,
    until: i64,
    found: &mut Yield,
) {
    let mut paid = onward(scene, account, shares);
    let further = from_own_accounts(scene, subject, &mut paid, (shares.2, until), found);
    paid.extend(further);
    let seen = paid.iter().map(|payment| (payment.view, payment.standing, payment.sent));
    let still = reachable(scene, seen, until, found);
    for Onward { view, standing, strongest, whole, left, .. } in paid {
        let nothing = view.amount().is_some_and(|amount| share(amount, left, whole, places(&view)) == 0);
        if left == 0 || nothing {
            continue;
        }
        let sum =
            Sum { native: share_text(&view, left, whole), reference: Some(left), basis: Some(AmountBasis::WindowFifo) };
        let there = view.text(Text::RowId).and_then(|row_id| still.get(row_id)).map(|there| left.min(*there));
        let action = where_left(effective(strongest, standing.reach, payee_role(&view)), there);
        let mut target = payment_target(&view, action, standing, sum);
        target.reachable_amount = there.and_then(|there| share_text(&view, there, whole));
        found.add(target);
    }
}

fn onward<'a>(scene: &Scene<'a>, account: &Account<'a>, (flow, actions, payers): Shares<'_>) -> Vec<Onward<'a>> {
    let mut paid = Vec::new();
    for (leg, view) in account.legs.iter().zip(&account.views) {
        let (Some(sent), Some(whole)) = (flow.sent.get(&leg.row), leg.amount) else { continue };
        let left = flow.carried.get(&leg.row);
        let strongest = left.unwrap_or(sent).iter().filter_map(|(lot, _)| actions.get(lot)).max().copied();
        let Some(strongest) = strongest.filter(|action| *action >= Action::Report) else { continue };
        let Some(payee) = view.text(Text::Beneficiary) else { continue };
        // What goes back to where it came from before we looked is no loot carried on, as far as anybody can tell.
        if account.strays.contains(&leg.row) {
            continue;
        }
        // Money that goes back to somebody who paid in: more likely a bait for a victim than a mule being paid.
        let known = identities(payee, Some(view));
        if known.iter().any(|who| payers.contains(who)) && !known.iter().any(|who| scene.suspect(who)) {
            continue;
        }
        let part = |shares: &Vec<(RowNumber, i64)>| -> i64 {
            shares.iter().filter(|(lot, _)| actions.get(lot) == Some(&strongest)).map(|(_, share)| share).sum()
        };
        // What came back takes part in what is still there: it is what the money that came back was paid with.
        paid.push(Onward {
            row: leg.row,
            view: *view,
            standing: scene.config.institution.standing(view),
            strongest,
            whole,
            sent: part(sent),
            left: left.map_or(0, part),
        });
    }
    paid
}

/// What went on from accounts with us that the payers of `paid` hold themselves, except back to the subject; takes it off what is left of those payments, so
/// that no money is asked for twice.
fn from_own_accounts<'a>(
    scene: &Scene<'a>,
    subject: &str,
    paid: &mut [Onward<'a>],
    (payers, until): (&BTreeSet<String>, i64),
    found: &mut Yield,
) -> Vec<Onward<'a>> {
    let mut by_account: BTreeMap<&'a str, Vec<usize>> = BTreeMap::new();
    for (at, Onward { view, standing, .. }) in paid.iter().enumerate() {
        let with_us = standing.reach == Action::Hold && !is_collective(payee_role(view));
        if let Some(payee) = view.text(Text::Beneficiary).filter(|_| with_us && same_holder(view)) {
            by_account.entry(payee).or_default().push(at);
        }
    }
    let mut further = Vec::new();
    for (name, payments) in by_account {
        let own: Vec<&Onward<'_>> = payments.iter().filter_map(|at| paid.get(*at)).collect();
        let from = own.iter().map(|payment| payment.view.event_time()).min().unwrap_or(until);
        let Some(account) = account(scene, name, from, until) else { continue };
        let suspect = own.iter().map(|payment| (payment.row, payment.sent)).collect();
        let actions: BTreeMap<RowNumber, Action> = own.iter().map(|payment| (payment.row, payment.strongest)).collect();
        let flow = fifo::run(&account.legs, &suspect, account.opening);
        if flow.uncertain {
            continue;
        }
        found.see(scene, &flow);
        let mut next = onward(scene, &account, (&flow, &actions, payers));
        next.retain(|payment| payment.view.text(Text::Beneficiary) != Some(subject));
        let mut gone: BTreeMap<RowNumber, i64> = BTreeMap::new();
        for payment in &next {
            let shares = flow.carried.get(&payment.row).into_iter().flatten();
            for (lot, share) in shares.filter(|(lot, _)| actions.get(lot) == Some(&payment.strongest)) {
                *gone.entry(*lot).or_default() += share;
            }
        }
        for at in payments {
            if let Some(payment) = paid.get_mut(at) {
                payment.left = (payment.left - gone.get(&payment.row).copied().unwrap_or(0)).max(0);
            }
        }
        further.extend(next);
    }
    further
}
