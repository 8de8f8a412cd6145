//! Transfers of an exchange of which a bank or the chain tells too.

use std::collections::{BTreeSet, HashMap};

use mareva_model::{Kind, Prepared, Text};
use mareva_monitoring::{RowNumber, TransactionView};

use super::config::exchange_of;
use super::fifo::Leg;

/// Most time between the two records of one transfer, milliseconds: a bank day.
const MOST_APART_MS: i64 = 86_400_000;

/// Places of the records that are left out, each with the row that tells the same.
type LeftOut = HashMap<usize, RowNumber>;

/// Leaves out the bank's or the chain's record of each transfer of `account` of which an exchange tells too: money must not
/// count twice, and the exchange knows whose account with it the money came to or from.
pub(super) fn leave_one(account: &str, legs: &mut Vec<Leg>, views: &mut Vec<TransactionView<'_>>) {
    let mut left_out = LeftOut::new();
    by_bank(account, legs, views, &mut left_out);
    on_chain(legs, views, &mut left_out);
    if left_out.is_empty() {
        return;
    }
    let stands_for: HashMap<RowNumber, RowNumber> =
        left_out.iter().filter_map(|(at, row)| Some((legs.get(*at)?.row, *row))).collect();
    let kept = legs.drain(..).zip(views.drain(..)).enumerate().filter(|(at, _)| !left_out.contains_key(at));
    let (kept_legs, kept_views): (Vec<Leg>, Vec<_>) = kept.map(|(_, kept)| kept).unzip();
    (*legs, *views) = (kept_legs, kept_views);
    for leg in legs {
        // A return names the payment that the bank knows.
        leg.reverses = leg.reverses.map(|row| stands_for.get(&row).copied().unwrap_or(row));
    }
}

/// Each record of an exchange, which names `account` as linked, stands for the record of a bank with the same direction, amount
/// and currency within [`MOST_APART_MS`] whose other side is an exchange; of several for the nearest in time. What went to or
/// came from anybody else is other money, however equal the sum: a mule could hide a payment behind a transfer of its own.
fn by_bank(account: &str, legs: &[Leg], views: &[TransactionView<'_>], left_out: &mut LeftOut) {
    let by_exchange = |view: &TransactionView<'_>| view.text(Text::LinkedAccount) == Some(account);
    if !views.iter().any(by_exchange) {
        return;
    }
    let money =
        |leg: &Leg, view: &TransactionView<'_>| Some((leg.out, view.amount()?, view.text(Text::Currency)?.to_owned()));
    let mut told: HashMap<_, BTreeSet<(i64, usize)>> = HashMap::new();
    for (at, (leg, view)) in legs.iter().zip(views).enumerate().filter(|(_, (_, view))| !by_exchange(view)) {
        if let Some(money) = money(leg, view).filter(|_| with_exchange(leg, view)) {
            told.entry(money).or_default().insert((view.event_time(), at));
        }
    }
    for (leg, view) in legs.iter().zip(views).filter(|(_, view)| by_exchange(view)) {
        let Some(same) = money(leg, view).and_then(|money| told.get_mut(&money)) else { continue };
        let time = view.event_time();
        let before = same.range((time.saturating_sub(MOST_APART_MS), 0)..(time, 0)).next_back();
        let after = same.range((time, 0)..=(time.saturating_add(MOST_APART_MS), usize::MAX)).next();
        if let Some(nearest) = before.into_iter().chain(after).min_by_key(|(other, _)| other.abs_diff(time)).copied() {
            same.remove(&nearest);
            left_out.insert(nearest.1, leg.row);
        }
    }
}

/// Whether the other side of a payment is an exchange or a user's account with one, as far as tables and record tell.
fn with_exchange(leg: &Leg, view: &TransactionView<'_>) -> bool {
    let (flag, account, agent) = if leg.out {
        (Prepared::BeneficiaryIsVasp, Text::Beneficiary, Text::BeneficiaryAgent)
    } else {
        (Prepared::OriginatorIsVasp, Text::Originator, Text::OriginatorAgent)
    };
    view.prepared_flag(flag)
        || view.text(account).is_some_and(|account| exchange_of(account).is_some())
        || view.text(agent).is_some_and(|agent| agent.starts_with("vasp:"))
}

/// Each deposit or withdrawal of an exchange stands for the chain's record of the same direction and transaction hash, that
/// with its log index where it tells one, else the first one with its amount and currency.
fn on_chain(legs: &[Leg], views: &[TransactionView<'_>], left_out: &mut LeftOut) {
    let is = |view: &TransactionView<'_>, kinds: [Kind; 2]| {
        kinds.iter().any(|kind| view.text(Text::Kind) == Some(kind.as_str()))
    };
    let mut told: HashMap<(bool, String), Vec<usize>> = HashMap::new();
    for (at, (leg, view)) in legs.iter().zip(views).enumerate() {
        if let Some(hash) = hash(view).filter(|_| is(view, [Kind::TokenTransfer, Kind::ChainTransfer])) {
            told.entry((leg.out, hash)).or_default().push(at);
        }
    }
    if told.is_empty() {
        return;
    }
    // Those that name the log go first, so that no other takes it from them.
    for by_log in [true, false] {
        for (leg, view) in legs.iter().zip(views).filter(|(_, view)| is(view, [Kind::Deposit, Kind::Withdrawal])) {
            let log = view.log_index();
            let Some(hash) = hash(view).filter(|_| log.is_some() == by_log) else { continue };
            let Some(same) = told.get_mut(&(leg.out, hash)) else { continue };
            let twin = same.iter().position(|at| {
                let other = &views[*at];
                let money = other.amount() == view.amount() && other.text(Text::Currency) == view.text(Text::Currency);
                if by_log { other.log_index() == log } else { money && view.amount().is_some() }
            });
            if let Some(at) = twin {
                left_out.insert(same.remove(at), leg.row);
            }
        }
    }
}

/// The transaction hash, however its sender writes it.
fn hash(view: &TransactionView<'_>) -> Option<String> {
    let hash = view.text(Text::TxHash)?.trim().to_ascii_lowercase();
    let bare = hash.strip_prefix("0x").unwrap_or(&hash);
    (!bare.is_empty()).then(|| bare.to_owned())
}
