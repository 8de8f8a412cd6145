//! Where suspect money went: the payments that carried it on from the subject's account.

use std::collections::BTreeMap;

use mareva_model::Text;
use mareva_model::alert::{Action, AmountBasis};
use mareva_monitoring::{RowNumber, TransactionView};

use super::config::{Standing, effective};
use super::contribution::identities;
use super::draft::{Scene, Yield};
use super::fifo::Flow;
use super::fraud::{Account, payee_role, reachable, standing_at_payee, where_left};
use super::own_accounts;
use super::place::{Sum, kept_by, payment_target};
use super::share::{places, share, share_text};

/// How money flowed, and what the suspect payments in may bring about.
pub(super) type Shares<'b> = (&'b Flow, &'b BTreeMap<RowNumber, Action>);

/// Most that goes back to a payer as a bait, in percent of what he paid in: a fraud that promises gains pays out a little more
/// than the first deposit, to draw larger ones. Beyond it a payment in would only be made to hide where the loot goes.
const MOST_BAIT_PERCENT: i128 = 150;

/// Who paid suspect money in, under all names, and what went back to them; hundredths of the reference currency.
#[derive(Debug, Default)]
pub(super) struct Payers {
    paid_in: BTreeMap<String, i64>,
    back: BTreeMap<String, i64>,
}

impl Payers {
    pub(super) fn pay_in(&mut self, names: Vec<String>, amount: i64) {
        for name in names {
            let sum = self.paid_in.entry(name).or_default();
            *sum = sum.saturating_add(amount);
        }
    }

    /// Whether a payment to `names` is more likely a bait for a victim than a mule being paid; it counts as one from now on.
    fn is_bait(&mut self, names: &[String], amount: i64) -> bool {
        let most = |sums: &BTreeMap<String, i64>| names.iter().filter_map(|name| sums.get(name)).max().copied();
        let Some(paid_in) = most(&self.paid_in) else { return false };
        let back = most(&self.back).unwrap_or(0).saturating_add(amount);
        let is_bait = i128::from(back) * 100 <= i128::from(paid_in) * MOST_BAIT_PERCENT;
        if is_bait {
            self.back.extend(names.iter().map(|name| (name.clone(), back)));
        }
        is_bait
    }
}

/// A payment that carried suspect money on.
pub(super) struct Onward<'a> {
    pub(super) row: RowNumber,
    pub(super) view: TransactionView<'a>,
    pub(super) standing: Standing,
    /// Who keeps the account that it went to, where other payments say so.
    pub(super) keeper: Option<&'a str>,
    /// What the money may bring about, wherever it went.
    pub(super) strongest: Action,
    /// Hundredths of the reference currency: the payment, ...
    pub(super) whole: i64,
    /// ... the suspect share of it, ...
    pub(super) sent: i64,
    /// ... and what of that has not come back, nor gone on to further payments here.
    pub(super) left: i64,
}

/// Each payment that carried suspect money on, at its beneficiary. From an account of the same holder that we keep (the user's at
/// our exchange, say) the money is followed once more: it has only changed its place.
pub(super) fn carried_on(
    scene: &Scene<'_>,
    subject: &str,
    account: &Account<'_>,
    shares: Shares<'_>,
    (payers, until): (&mut Payers, i64),
    found: &mut Yield,
) {
    let mut paid = onward(scene, account, shares, (payers, until));
    let further = own_accounts::further(scene, subject, &mut paid, (payers, until), found);
    paid.extend(further);
    let seen = paid.iter().map(|payment| (payment.view, payment.standing, payment.sent));
    let still = reachable(scene, seen, until, found);
    for Onward { view, standing, keeper, strongest, whole, left, .. } in paid {
        let nothing = view.amount().is_some_and(|amount| share(amount, left, whole, places(&view)) == 0);
        if left == 0 || nothing {
            continue;
        }
        let sum =
            Sum { native: share_text(&view, left, whole), reference: Some(left), basis: Some(AmountBasis::WindowFifo) };
        let there = view.text(Text::RowId).and_then(|row_id| still.get(row_id)).map(|there| left.min(*there));
        let action = where_left(effective(strongest, standing.reach, payee_role(&view)), there);
        let mut target = kept_by(payment_target(&view, action, standing, sum), keeper);
        target.reachable_amount = there.and_then(|there| share_text(&view, there, whole));
        found.add(target);
    }
}

pub(super) fn onward<'a>(
    scene: &Scene<'a>,
    account: &Account<'a>,
    (flow, actions): Shares<'_>,
    (payers, until): (&mut Payers, i64),
) -> Vec<Onward<'a>> {
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
        let known = identities(payee, Some(view));
        if !known.iter().any(|who| scene.suspect(who)) && payers.is_bait(&known, whole) {
            continue;
        }
        let part = |shares: &Vec<(RowNumber, i64)>| -> i64 {
            shares.iter().filter(|(lot, _)| actions.get(lot) == Some(&strongest)).map(|(_, share)| share).sum()
        };
        let (standing, keeper) = standing_at_payee(scene, view, until);
        // What came back takes part in what is still there: it is what the money that came back was paid with.
        paid.push(Onward {
            row: leg.row,
            view: *view,
            standing,
            keeper,
            strongest,
            whole,
            sent: part(sent),
            left: left.map_or(0, part),
        });
    }
    paid
}
