//! Transfers between an exchange and a bank, of which both tell.

use std::collections::{HashMap, HashSet, VecDeque};

use mareva_model::Text;
use mareva_monitoring::{RowNumber, TransactionView};

use super::fifo::Leg;

/// Most time between the two records of one transfer, milliseconds: a bank day.
const MOST_APART_MS: i64 = 86_400_000;

/// Leaves out the bank's record of each transfer of `account` of which an exchange tells too: money must not count twice, and
/// the exchange knows whose account with it the money came to or from. Each record of an exchange, which names `account` as
/// linked, stands for the first record of a bank with the same direction, amount and currency within [`MOST_APART_MS`].
pub(super) fn leave_one(account: &str, legs: &mut Vec<Leg>, views: &mut Vec<TransactionView<'_>>) {
    let by_exchange = |view: &TransactionView<'_>| view.text(Text::LinkedAccount) == Some(account);
    if !views.iter().any(by_exchange) {
        return;
    }
    let money =
        |leg: &Leg, view: &TransactionView<'_>| Some((leg.out, view.amount()?, view.text(Text::Currency)?.to_owned()));
    let mut by_bank: HashMap<_, VecDeque<usize>> = HashMap::new();
    for (at, (leg, view)) in legs.iter().zip(views.iter()).enumerate().filter(|(_, (_, view))| !by_exchange(view)) {
        if let Some(money) = money(leg, view) {
            by_bank.entry(money).or_default().push_back(at);
        }
    }
    let mut stands_for: HashMap<RowNumber, RowNumber> = HashMap::new();
    let mut left_out: HashSet<usize> = HashSet::new();
    for (leg, view) in legs.iter().zip(views.iter()).filter(|(_, view)| by_exchange(view)) {
        let Some(same) = money(leg, view).and_then(|money| by_bank.get_mut(&money)) else { continue };
        let time = view.event_time();
        // Both go by time, so one too early for this record is too early for all that follow.
        while same.front().is_some_and(|at| views[*at].event_time() < time.saturating_sub(MOST_APART_MS)) {
            same.pop_front();
        }
        if let Some(at) =
            same.front().copied().filter(|at| views[*at].event_time() <= time.saturating_add(MOST_APART_MS))
        {
            same.pop_front();
            stands_for.insert(legs[at].row, leg.row);
            left_out.insert(at);
        }
    }
    let kept = legs.drain(..).zip(views.drain(..)).enumerate().filter(|(at, _)| !left_out.contains(at));
    let (kept_legs, kept_views): (Vec<Leg>, Vec<_>) = kept.map(|(_, kept)| kept).unzip();
    (*legs, *views) = (kept_legs, kept_views);
    for leg in legs {
        // A return names the payment that the bank knows.
        leg.reverses = leg.reverses.map(|row| stands_for.get(&row).copied().unwrap_or(row));
    }
}
