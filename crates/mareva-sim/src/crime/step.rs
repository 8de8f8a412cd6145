use super::{Deed, Place, Sum};
use crate::action::{Action, Channel, Mark, TransactionRole, Transfer};
use crate::calendar::SECOND;
use crate::engine::Records;
use crate::record::SimRecord;
use crate::world::{AccountId, Asset, UserId, WalletId};

/// Less than this is not worth a step: a euro, in cents.
const LEAST_CENTS: i64 = 100;

impl Records {
    /// Does the next step of an operation with the money that is there. Nothing happens when there is none.
    pub(crate) fn step(&mut self, time: i64, at: u32) -> Option<SimRecord> {
        let step = self.crime.steps[at as usize];
        let operation = step.operation;
        let mark = |role| Some(Mark { operation, role });
        match step.deed {
            Deed::Pay { from, to, sum, role, note, device, user } => {
                let cents = self.cents(operation, from, sum);
                let device = if device == 0 { self.world.account(from).device } else { device };
                let order = Transfer::new(from, to, cents, note).by(Channel::Mobile, device).marked(operation, role);
                (cents >= LEAST_CENTS).then_some(())?;
                self.transfer(time, &Transfer { user, ..order })
            }
            Deed::CashIn(account, cents) => self.cash_in(time, account, cents, mark(TransactionRole::Structuring)),
            Deed::CashOut(account, most) => {
                let held = self.crime.holds(operation, Place::Account(account));
                let cents = most.min(held).min(self.world.account(account).available()) / 1_000 * 1_000;
                self.cash_out(time, account, cents, mark(TransactionRole::CashOut))
            }
            Deed::Convert(user, asset, role) => {
                let cents = self.world.user(user).balances[Asset::Eur as usize];
                self.buy(time, user, asset, cents, mark(role))
            }
            Deed::Withdraw(user, asset, wallet, role) => {
                let units = self.world.user(user).balances[asset as usize];
                let record = self.crypto_out(time, user, asset, units, wallet, mark(role))?;
                self.crime.moved(operation, None, Some(Place::Wallet(wallet)), units);
                Some(record)
            }
            Deed::Hop(from, to, permille) => {
                let units = self.crime.holds(operation, Place::Wallet(from)) * permille / 1_000;
                if units > 0 {
                    self.crime.moved(operation, Some(Place::Wallet(from)), Some(Place::Wallet(to)), units);
                    let token = Action::Token { from, to, units, mark: mark(TransactionRole::ChainHop) };
                    // Not before the block after the one in which the money came.
                    self.after(time + 12 * SECOND, token);
                }
                None
            }
            Deed::Arrive(held_by, gate, user) => self.arrive(time, operation, held_by, gate, user),
            Deed::Sell(user) => {
                let units = self.world.user(user).balances[Asset::Usdt as usize];
                self.sell(time, user, Asset::Usdt, units, mark(TransactionRole::Conversion))
            }
            Deed::PayOut(user) => {
                let cents = self.world.user(user).balances[Asset::Eur as usize];
                self.fiat_out(time, user, cents, mark(TransactionRole::OffRamp))
            }
            Deed::Act(action) => {
                self.after(time, action);
                None
            }
        }
    }

    fn cents(&mut self, operation: u16, from: AccountId, sum: Sum) -> i64 {
        let account = self.world.account(from);
        let available = account.available();
        let cents = match sum {
            Sum::Cents(cents) => cents,
            Sum::OfBalance(permille) => account.balance * permille / 1_000 / 100 * 100,
            Sum::OfHeld(permille) => {
                let cents = self.crime.holds(operation, Place::Account(from)) * permille / 1_000;
                // Round sums are as frequent as others.
                if cents > 20_000 && self.dice_chance(500_000) { cents / 1_000 * 1_000 } else { cents }
            }
        };
        cents.min(available)
    }

    fn arrive(
        &mut self,
        time: i64,
        operation: u16,
        held_by: WalletId,
        gate: WalletId,
        user: UserId,
    ) -> Option<SimRecord> {
        // Two hops out of sight cost a little.
        let units = self.crime.holds(operation, Place::Wallet(held_by)) * 985 / 1_000;
        (units > 0).then_some(())?;
        self.crime.moved(operation, Some(Place::Wallet(held_by)), None, units);
        let mark = Some(Mark { operation, role: TransactionRole::CryptoDeposit });
        self.crypto_in(time, user, Asset::Usdt, units, gate, mark)
    }
}
