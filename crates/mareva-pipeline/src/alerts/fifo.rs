//! First in, first out over the movements of one account: which money is still there and which payment carried what on.
//!
//! Everything is counted in hundredths of the reference currency. For each suspect payment in: received = remaining +
//! carried on + returned + absorbed, always.

use std::collections::{BTreeMap, VecDeque};

use mareva_monitoring::RowNumber;

/// One movement of the account, in the order (time, `row_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) row: RowNumber,
    /// Money leaves the account.
    pub(super) out: bool,
    /// Hundredths of the reference currency; `None` where nobody knows.
    pub(super) amount: Option<i64>,
    /// The payment that this one returns.
    pub(super) reverses: Option<RowNumber>,
    /// How far below zero the account was told to be before this payment in; hundredths of the reference currency.
    pub(super) overdrawn: i64,
}

/// What became of one suspect payment in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lot {
    /// The payment, suspect or not.
    pub(super) whole: i64,
    pub(super) received: i64,
    pub(super) remaining: i64,
    pub(super) returned: i64,
    /// What an overdraft swallowed: it is not on the account, and nobody was paid with it.
    pub(super) absorbed: i64,
}

/// Outcome of [`run`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// By suspect payment in.
    pub(super) lots: BTreeMap<RowNumber, Lot>,
    /// By payment out: which lot it carried on, and how much.
    pub(super) carried: BTreeMap<RowNumber, Vec<(RowNumber, i64)>>,
    /// The same before any of it came back.
    pub(super) sent: BTreeMap<RowNumber, Vec<(RowNumber, i64)>>,
    /// A payment out has no amount in the reference currency: what remains is an upper bound.
    pub(super) uncertain: bool,
    /// The last movement that suspect money came or went with.
    pub(super) last: Option<RowNumber>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    row: Option<RowNumber>,
    suspect: bool,
    left: i64,
}

/// By payment in: what of it was paid with which payments out, hundredths of the reference currency.
pub(super) type CameBack = BTreeMap<RowNumber, Vec<(RowNumber, i64)>>;

/// Runs the queue. `suspect` says how much of a payment in is suspect; `opening` is clean money that was there before.
pub(super) fn run(legs: &[Leg], suspect: &BTreeMap<RowNumber, i64>, opening: i64) -> Flow {
    run_with(legs, suspect, opening, &CameBack::new())
}

/// The same, where `came_back` says which payments in bring back what went out before.
pub(super) fn run_with(legs: &[Leg], suspect: &BTreeMap<RowNumber, i64>, opening: i64, came_back: &CameBack) -> Flow {
    let mut queue = VecDeque::from([Piece { row: None, suspect: false, left: opening.max(0) }]);
    let mut flow = Flow::default();
    for leg in legs {
        match leg.amount.filter(|amount| *amount > 0) {
            None => flow.uncertain |= leg.out && leg.amount.is_none(),
            Some(amount) if leg.out => flow.pay_out(&mut queue, leg, amount),
            Some(amount) => {
                let whole = leg.reverses.map(|row| vec![(row, amount)]);
                let back = whole.as_ref().or_else(|| came_back.get(&leg.row)).map_or(&[][..], Vec::as_slice);
                flow.take_in(&mut queue, leg, (amount, suspect.get(&leg.row).copied().unwrap_or(0)), back);
            }
        }
    }
    for piece in queue.iter().filter(|piece| piece.suspect) {
        if let Some(lot) = piece.row.and_then(|row| flow.lots.get_mut(&row)) {
            lot.remaining += piece.left;
        }
    }
    flow.carried.retain(|_, shares| {
        shares.retain(|(_, share)| *share > 0);
        !shares.is_empty()
    });
    flow
}

impl Flow {
    fn take_in(
        &mut self,
        queue: &mut VecDeque<Piece>,
        leg: &Leg,
        (whole, suspect): (i64, i64),
        came_back: &[(RowNumber, i64)],
    ) {
        let mut amount = whole;
        let mut overdrawn = leg.overdrawn.max(0);
        // A payment out that comes back brings the suspect money it carried back with it.
        for (row, part) in came_back {
            let mut part = *part;
            for (lot, share) in self.carried.get_mut(row).into_iter().flatten() {
                let back = amount.min(part).min(*share);
                *share -= back;
                part -= back;
                amount -= back;
                self.last = Some(leg.row).filter(|_| back > 0).or(self.last);
                let absorbed = back.min(overdrawn);
                overdrawn -= absorbed;
                self.lots.entry(*lot).or_default().absorbed += absorbed;
                queue.push_back(Piece { row: Some(*lot), suspect: true, left: back - absorbed });
            }
        }
        // Inside one payment the suspect part is spent first: what is said to be still there is never too much.
        let suspect = suspect.clamp(0, amount);
        if suspect > 0 {
            let lot = self.lots.entry(leg.row).or_default();
            lot.whole = whole;
            lot.received += suspect;
            let absorbed = suspect.min(overdrawn);
            overdrawn -= absorbed;
            lot.absorbed += absorbed;
            self.last = Some(leg.row);
            queue.push_back(Piece { row: Some(leg.row), suspect: true, left: suspect - absorbed });
        }
        let clean = amount - suspect;
        queue.push_back(Piece { row: Some(leg.row), suspect: false, left: clean - clean.min(overdrawn) });
    }

    fn pay_out(&mut self, queue: &mut VecDeque<Piece>, leg: &Leg, amount: i64) {
        let mut amount = amount;
        if leg.reverses.is_some() {
            for piece in queue.iter_mut().filter(|piece| piece.row == leg.reverses) {
                let taken = amount.min(piece.left);
                piece.left -= taken;
                amount -= taken;
                self.leave(leg, *piece, taken);
            }
        }
        while amount > 0 {
            let Some(front) = queue.front_mut() else { break };
            let taken = amount.min(front.left);
            front.left -= taken;
            amount -= taken;
            let piece = *front;
            if piece.left == 0 {
                queue.pop_front();
            }
            self.leave(leg, piece, taken);
        }
    }

    /// Books what left: back to where it came from, or on to somebody else.
    fn leave(&mut self, leg: &Leg, piece: Piece, taken: i64) {
        let Some(row) = piece.row.filter(|_| piece.suspect && taken > 0) else { return };
        self.last = Some(leg.row);
        if leg.reverses.is_some() {
            if let Some(lot) = self.lots.get_mut(&row) {
                lot.returned += taken;
            }
            return;
        }
        for by_leg in [&mut self.carried, &mut self.sent] {
            let shares = by_leg.entry(leg.row).or_default();
            match shares.iter_mut().find(|(lot, _)| *lot == row) {
                Some((_, share)) => *share += taken,
                None => shares.push((row, taken)),
            }
        }
    }

    /// Suspect money that a payment out carried on.
    pub(super) fn carried_by(&self, row: RowNumber) -> i64 {
        self.carried.get(&row).map_or(0, |shares| shares.iter().map(|(_, share)| share).sum())
    }
}
