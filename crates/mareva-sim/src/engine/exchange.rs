use super::Records;
use crate::action::{Action, Mark, Note, Transfer};
use crate::calendar::MINUTE;
use crate::identifiers::EXCHANGE;
use crate::record::{SimRecord, Stream};
use crate::wire::{Ledger, LedgerKind, exchange_id, exchange_json, token_id, token_json};
use crate::world::{Asset, UserId, WalletId};

/// What the exchange keeps of a trade, in thousandths.
const FEE_PERMILLE: i128 = 2;

impl Records {
    fn next_exchange(&mut self) -> u64 {
        self.exchange_number += 1;
        self.exchange_number
    }

    fn change(&mut self, user: UserId, asset: Asset, units: i64) {
        self.world.users[user as usize].balances[asset as usize] += units;
    }

    fn holds(&self, user: UserId, asset: Asset, units: i64) -> bool {
        units > 0 && self.world.user(user).balances[asset as usize] >= units
    }

    fn ledger(
        &mut self,
        time: i64,
        kind: LedgerKind,
        user: UserId,
        asset: Asset,
        units: i64,
        mark: Option<Mark>,
    ) -> SimRecord {
        let number = self.next_exchange();
        let device = self.world.account(self.world.user(user).account).device;
        let ledger = Ledger { number, time, kind, user, asset, units, device };
        let record = SimRecord {
            stream: Stream::Exchange,
            event_time: time,
            source: EXCHANGE,
            tx_id: exchange_id(number),
            kind: kind.as_str(),
            json: if self.render { exchange_json(&self.world, &ledger) } else { Vec::new() },
        };
        self.label(&record, mark, units, asset.places(), asset.ticker());
        record
    }

    pub(crate) fn fiat_in(&mut self, time: i64, user: UserId, cents: i64, mark: Option<Mark>) -> Option<SimRecord> {
        self.change(user, Asset::Eur, cents);
        Some(self.ledger(time, LedgerKind::FiatIn, user, Asset::Eur, cents, mark))
    }

    pub(crate) fn fiat_out(&mut self, time: i64, user: UserId, cents: i64, mark: Option<Mark>) -> Option<SimRecord> {
        if !self.holds(user, Asset::Eur, cents) {
            return None;
        }
        self.change(user, Asset::Eur, -cents);
        let account = self.world.user(user).account;
        let payout = Transfer { mark, ..Transfer::new(self.world.places.kestrel, account, cents, Note::Exchange) };
        let soon = time + self.dice.between(MINUTE, 20 * MINUTE);
        self.after(soon, Action::Transfer(payout));
        Some(self.ledger(time, LedgerKind::FiatOut, user, Asset::Eur, cents, mark))
    }

    /// Units of an asset for cents of a euro.
    fn bought(&self, asset: Asset, cents: i64, time: i64) -> i64 {
        let rate = i128::from(self.world.rates.at(asset.ticker(), time)).max(1);
        let units = i128::from(cents) * 10_000 * 10_i128.pow(asset.places()) / rate;
        (units * (1000 - FEE_PERMILLE) / 1000) as i64
    }

    /// Cents of a euro for units of an asset.
    pub(crate) fn worth(&self, asset: Asset, units: i64, time: i64) -> i64 {
        let rate = i128::from(self.world.rates.at(asset.ticker(), time));
        (i128::from(units) * rate / 10_000 / 10_i128.pow(asset.places())) as i64
    }

    pub(crate) fn buy(
        &mut self,
        time: i64,
        user: UserId,
        asset: Asset,
        cents: i64,
        mark: Option<Mark>,
    ) -> Option<SimRecord> {
        let units = self.bought(asset, cents, time);
        if !self.holds(user, Asset::Eur, cents) || units <= 0 {
            return None;
        }
        self.change(user, Asset::Eur, -cents);
        self.change(user, asset, units);
        Some(self.ledger(time, LedgerKind::Trade(asset, units), user, Asset::Eur, cents, mark))
    }

    pub(crate) fn sell(
        &mut self,
        time: i64,
        user: UserId,
        asset: Asset,
        units: i64,
        mark: Option<Mark>,
    ) -> Option<SimRecord> {
        let cents = self.worth(asset, units, time);
        if !self.holds(user, asset, units) || cents <= 0 {
            return None;
        }
        self.change(user, asset, -units);
        self.change(user, Asset::Eur, cents);
        Some(self.ledger(time, LedgerKind::Trade(Asset::Eur, cents), user, asset, units, mark))
    }

    pub(crate) fn crypto_in(
        &mut self,
        time: i64,
        user: UserId,
        asset: Asset,
        units: i64,
        wallet: WalletId,
        mark: Option<Mark>,
    ) -> Option<SimRecord> {
        self.change(user, asset, units);
        Some(self.ledger(time, LedgerKind::CryptoIn(wallet), user, asset, units, mark))
    }

    pub(crate) fn crypto_out(
        &mut self,
        time: i64,
        user: UserId,
        asset: Asset,
        units: i64,
        wallet: WalletId,
        mark: Option<Mark>,
    ) -> Option<SimRecord> {
        if !self.holds(user, asset, units) {
            return None;
        }
        self.change(user, asset, -units);
        Some(self.ledger(time, LedgerKind::CryptoOut(wallet), user, asset, units, mark))
    }

    pub(super) fn internal(
        &mut self,
        time: i64,
        user: UserId,
        other: UserId,
        asset: Asset,
        units: i64,
    ) -> Option<SimRecord> {
        if user == other || !self.holds(user, asset, units) {
            return None;
        }
        self.change(user, asset, -units);
        self.change(other, asset, units);
        Some(self.ledger(time, LedgerKind::Internal(other), user, asset, units, None))
    }

    pub(crate) fn token(
        &mut self,
        time: i64,
        from: WalletId,
        to: WalletId,
        units: i64,
        mark: Option<Mark>,
    ) -> SimRecord {
        let number = self.next_exchange();
        let json = if self.render { token_json(&self.world, number, time, from, to, units) } else { Vec::new() };
        let record = SimRecord {
            stream: Stream::Exchange,
            event_time: time,
            source: "ethereum",
            tx_id: token_id(&self.world, number),
            kind: "token_transfer",
            json,
        };
        self.label(&record, mark, units, 6, "USDT");
        record
    }
}
