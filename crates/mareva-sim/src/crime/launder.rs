use super::cast::Draft;
use super::{CastRole, Deed, Sum};
use crate::action::{Note, TransactionRole};
use crate::calendar::{HOUR, MINUTE};
use crate::world::{AccountId, Asset, Chain};

/// Thousandths of the *current* holding for the n-th of `count` equal parts when `keep` thousandths of the whole stay.
fn part_permille(n: i64, count: i64, keep: i64) -> i64 {
    let part = (1_000 - keep) * 1_000 / count;
    let left = 1_000_000 - n * part;
    (part * 1_000 / left.max(1)).min(1_000)
}

impl Draft<'_> {
    fn layer(&mut self, time: i64, from: AccountId, to: AccountId, permille: i64) {
        let note = if self.dice.chance(500_000) { Note::Invoice } else { Note::Loan };
        let sum = Sum::OfHeld(permille);
        self.add(time, Deed::Pay { from, to, sum, role: TransactionRole::Layer, note, device: 0, user: None }, 1);
    }

    /// A collector spreads what it holds and keeps a commission of 4 to 10 %. Returns the time of the last payment.
    pub(super) fn disperse(&mut self, time: i64, collector: AccountId, mules: &[AccountId]) -> i64 {
        let keep = self.dice.between(40, 100);
        let mut at = time;
        for (n, mule) in mules.iter().enumerate() {
            at += self.minutes(1, 9);
            self.layer(at, collector, *mule, part_permille(n as i64, mules.len() as i64, keep));
        }
        at
    }

    /// One more hop, which keeps 5 to 10 %.
    pub(super) fn pass_on(&mut self, time: i64, from: AccountId) -> (i64, AccountId) {
        let to = self.mule(CastRole::Mule);
        let at = time + self.minutes(6, 95);
        let keep = self.dice.between(50, 100);
        self.layer(at, from, to, 1_000 - keep);
        (at, to)
    }

    /// Over an exchange into a wallet: several payments to the exchange, one purchase of USDT, everything out at once.
    pub(super) fn on_ramp(&mut self, time: i64, mule: AccountId, payments: i64) -> i64 {
        let user = self.user(mule, CastRole::Mule);
        let kestrel = self.world.places.kestrel;
        let mut at = time;
        for n in 0..payments {
            at += self.minutes(5, 25);
            let sum = Sum::OfHeld(part_permille(n, payments, 50));
            let (role, note) = (TransactionRole::OnRamp, Note::Exchange);
            // The payment and its arrival at the exchange.
            let deed = Deed::Pay { from: mule, to: kestrel, sum, role, note, device: 0, user: Some(user) };
            self.add(at, deed, 2);
        }
        // Payments arrive within three minutes.
        at += self.minutes(4, 10);
        let asset = if self.dice.chance(750_000) { Asset::Usdt } else { Asset::UsdtEvm };
        self.add(at, Deed::Convert(user, asset, TransactionRole::Conversion), 1);
        at += self.minutes(2, 14);
        let last = self.last_wallet(asset.chain());
        if asset.chain() == Chain::Evm {
            let (first, second) = (self.wallet(Chain::Evm), self.wallet(Chain::Evm));
            self.add(at, Deed::Withdraw(user, asset, first, TransactionRole::CryptoWithdrawal), 1);
            for (from, to) in [(first, second), (second, last)] {
                at += self.minutes(3, 30);
                let permille = 1_000 - self.dice.between(5, 50);
                self.add(at, Deed::Hop(from, to, permille), 1);
            }
        } else {
            self.add(at, Deed::Withdraw(user, asset, last, TransactionRole::CryptoWithdrawal), 1);
        }
        at
    }

    /// From a wallet back to euros: hops that nobody shows us, then another user of the exchange, then cash.
    pub(super) fn round_trip(&mut self, time: i64, mule: AccountId) {
        let user = self.user(mule, CastRole::Mule);
        let (stop, kestrel) = (self.wallet(Chain::Tron), self.world.places.kestrel);
        let mut at = time + self.minutes(5, 20);
        let sum = Sum::OfHeld(930);
        let (role, note) = (TransactionRole::OnRamp, Note::Exchange);
        self.add(at, Deed::Pay { from: mule, to: kestrel, sum, role, note, device: 0, user: Some(user) }, 2);
        at += self.minutes(5, 12);
        self.add(at, Deed::Convert(user, Asset::Usdt, TransactionRole::Conversion), 1);
        at += self.minutes(2, 9);
        self.add(at, Deed::Withdraw(user, Asset::Usdt, stop, TransactionRole::CryptoWithdrawal), 1);
        let broker = self.mule(CastRole::Mule);
        let other = self.user(broker, CastRole::Mule);
        let gate = self.wallet(Chain::Tron);
        at += self.minutes(25, 180);
        self.add(at, Deed::Arrive(stop, gate, other), 1);
        at += self.minutes(3, 12);
        self.add(at, Deed::Sell(other), 1);
        at += self.minutes(3, 20);
        // The withdrawal and its arrival at the bank.
        self.add(at, Deed::PayOut(other), 2);
        self.cash_out(at + 30 * MINUTE, broker, 2);
    }

    /// At cash machines, in amounts that machines give; or over the counter below 10,000.
    pub(super) fn cash_out(&mut self, time: i64, mule: AccountId, times: i64) {
        let mut at = time;
        for _ in 0..times {
            at += self.minutes(3, 50);
            let euros = if self.dice.chance(750_000) {
                self.dice.between(8, 20) * 100
            } else {
                self.dice.between(70, 98) * 100
            };
            self.add(at, Deed::CashOut(mule, euros * 100), 1);
        }
    }

    /// To an account at another bank, often abroad.
    pub(super) fn send_away(&mut self, time: i64, mule: AccountId) {
        let to = self.mule_elsewhere();
        let at = time + self.minutes(4, 80);
        let (role, note) = (TransactionRole::CashOut, Note::Invoice);
        let sum = Sum::OfHeld(1_000 - self.dice.between(50, 100));
        self.add(at, Deed::Pay { from: mule, to, sum, role, note, device: 0, user: None }, 1);
    }

    /// Couriers pay cash in, each time below 10,000, within a day; the account passes it on.
    pub(super) fn structure(&mut self, time: i64, to: AccountId) {
        let mule = self.herd_mule();
        let mut at = time;
        for _ in 0..self.dice.between(3, 5) {
            let euros = self.dice.between(820, 995) * 10;
            self.add(at, Deed::CashIn(mule, euros * 100), 1);
            at += self.minutes(40, 200);
        }
        at += self.dice.between(10 * MINUTE, HOUR);
        self.layer(at, mule, to, 940);
        self.send_away(at, to);
    }

    /// What a mule does with the money at the end of its chain; at most 11 transactions.
    pub(super) fn exit(&mut self, time: i64, mule: AccountId) {
        match self.dice.below(20) {
            0..5 => {
                self.on_ramp(time, mule, 3);
            }
            5..9 => {
                self.on_ramp(time, mule, 1);
            }
            9..11 => self.round_trip(time, mule),
            11..15 => {
                let times = self.dice.between(2, 4);
                self.cash_out(time, mule, times);
            }
            _ => self.send_away(time, mule),
        }
    }
}
