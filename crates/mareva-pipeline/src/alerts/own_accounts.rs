//! The other accounts of a subject: what of its money comes back from them, and what goes on from those that we keep.

use std::collections::BTreeMap;

use mareva_model::Text;
use mareva_model::alert::Action;
use mareva_monitoring::RowNumber;

use super::config::is_collective;
use super::draft::{Scene, Yield};
use super::fifo::{self, CameBack, Leg};
use super::fraud::{Account, account, payee_role, same_holder};
use super::onward::{Onward, Payers, onward};

/// What came back to `name` from other accounts of its holder, by first in, first out there: the payments from there, each
/// with the payments to there that it was paid with. What lay there before is left out of the queue: as long as what was sent
/// may have come back, it is not received anew. It may have been sent before anything was suspect, so all rows are looked at
/// that are sure to be retained.
pub(super) fn came_back(scene: &Scene<'_>, name: &str, subject: &Account<'_>, until: i64) -> CameBack {
    let in_anew = |leg: &Leg| !leg.out && leg.reverses.is_none();
    if !subject.legs.iter().zip(&subject.views).any(|(leg, view)| in_anew(leg) && same_holder(view)) {
        return CameBack::new();
    }
    match account(scene, name, scene.rows_from, until) {
        Some(longer) => paid_with(scene, &longer, until),
        None => paid_with(scene, subject, until),
    }
}

fn paid_with(scene: &Scene<'_>, subject: &Account<'_>, until: i64) -> CameBack {
    let mut sent: BTreeMap<&str, (i64, BTreeMap<RowNumber, i64>)> = BTreeMap::new();
    let mut back: BTreeMap<&str, Vec<RowNumber>> = BTreeMap::new();
    for (leg, view) in subject.legs.iter().zip(&subject.views).filter(|(_, view)| same_holder(view)) {
        let other = view.text(if leg.out { Text::Beneficiary } else { Text::Originator });
        let (Some(other), Some(amount)) = (other, leg.amount.filter(|amount| *amount > 0)) else { continue };
        if leg.out {
            let entry = sent.entry(other).or_insert((view.event_time(), BTreeMap::new()));
            entry.1.insert(leg.row, amount);
        } else if leg.reverses.is_none() {
            back.entry(other).or_default().push(leg.row);
        }
    }
    let mut found = CameBack::new();
    for (other, rows) in back {
        let Some((from, payments)) = sent.get(other) else { continue };
        let Some(account) = account(scene, other, *from, until) else { continue };
        let flow = fifo::run(&account.legs, payments, 0);
        found.extend(rows.into_iter().filter_map(|row| Some((row, flow.sent.get(&row)?.clone()))));
    }
    found
}

/// What went on from accounts with us that the payers of `paid` hold themselves, except back to the subject; takes it off what
/// is left of those payments, so that no money is asked for twice.
pub(super) fn further<'a>(
    scene: &Scene<'a>,
    subject: &str,
    paid: &mut [Onward<'a>],
    (payers, until): (&mut Payers, i64),
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
        let mut next = onward(scene, &account, (&flow, &actions), (payers, until));
        next.retain(|payment| payment.view.text(Text::Beneficiary) != Some(subject));
        let mut still: BTreeMap<RowNumber, i64> = own.iter().map(|payment| (payment.row, payment.left)).collect();
        for payment in &mut next {
            let shares = flow.carried.get(&payment.row).into_iter().flatten();
            let mut left = 0;
            for (lot, share) in shares.filter(|(lot, _)| actions.get(lot) == Some(&payment.strongest)) {
                // What came back to the subject went nowhere else, so it bounds what may have.
                let Some(still) = still.get_mut(lot) else { continue };
                let gone = (*share).min(*still);
                *still -= gone;
                left += gone;
            }
            payment.left = left;
        }
        for at in payments {
            if let Some(payment) = paid.get_mut(at) {
                payment.left = still.get(&payment.row).copied().unwrap_or(payment.left);
            }
        }
        further.extend(next);
    }
    further
}
