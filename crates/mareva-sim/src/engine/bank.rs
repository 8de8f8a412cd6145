use super::Records;
use crate::action::{Action, Channel, Mark, Note, Transfer};
use crate::calendar::{HOUR, MINUTE, SECOND};
use crate::crime::Place;
use crate::identifiers::OUR_BIC;
use crate::record::{SimRecord, Stream};
use crate::wire::{Payment, bank_id, bank_json, return_id};
use crate::world::AccountId;

impl Records {
    /// Moves cents of a euro between accounts; only our own balances are kept.
    fn settle(&mut self, from: Option<AccountId>, to: Option<AccountId>, cents: i64, mark: Option<Mark>) {
        if let Some(mark) = mark {
            self.crime.moved(mark.operation, from.map(Place::Account), to.map(Place::Account), cents);
        }
        for (account, change) in [(from, -cents), (to, cents)] {
            let Some(id) = account else { continue };
            let account = &mut self.world.accounts[id as usize];
            if account.ours() {
                account.balance += change;
            }
        }
    }

    fn next_bank(&mut self) -> u64 {
        self.bank_number += 1;
        self.bank_number
    }

    fn bank_record(&mut self, payment: &Payment, mark: Option<Mark>) -> SimRecord {
        let json = if self.render { bank_json(&self.world, payment) } else { Vec::new() };
        let number = payment.number;
        let record = SimRecord {
            stream: Stream::Bank,
            event_time: payment.time,
            source: OUR_BIC,
            tx_id: if payment.original.is_some() { return_id(number) } else { bank_id(number) },
            kind: payment.kind,
            json,
        };
        self.label(&record, mark, payment.cents, 2, payment.currency);
        record
    }

    /// Cents of a euro for hundredths of a currency.
    fn in_euro(&self, cents: i64, currency: &str, time: i64) -> i64 {
        (i128::from(cents) * i128::from(self.world.rates.at(currency, time)) / 1_000_000) as i64
    }

    pub(crate) fn transfer(&mut self, time: i64, transfer: &Transfer) -> Option<SimRecord> {
        if transfer.from == transfer.to || transfer.cents <= 0 {
            return None;
        }
        let debit = self.in_euro(transfer.cents, transfer.currency, time);
        let (from, to) = (self.world.account(transfer.from), self.world.account(transfer.to));
        let (ours_from, visible) = (from.ours(), from.ours() || to.ours());
        let rejected = from.available() < debit;
        // Most people look at the balance first.
        if rejected && (transfer.mark.is_some() || self.dice.chance(800_000)) {
            return None;
        }
        if !rejected {
            self.settle(Some(transfer.from), Some(transfer.to), debit, transfer.mark);
            if let Some(user) = transfer.user {
                let soon = time + self.dice.between(4 * SECOND, 3 * MINUTE);
                self.after(soon, Action::FiatIn { user, cents: debit, mark: transfer.mark });
            }
        }
        if !visible {
            return None;
        }
        let number = self.next_bank();
        let personal = matches!(transfer.note, Note::Dinner | Note::Present | Note::Invoice);
        if !rejected && ours_from && personal && self.dice.chance(4_000) {
            let later = time + self.dice.between(2 * HOUR, 40 * HOUR);
            let (from, to) = (transfer.to, transfer.from);
            self.after(later, Action::Return { original: number, from, to, cents: transfer.cents });
        }
        let mut payment = Payment::new("credit_transfer", number, time, transfer.cents);
        payment.rejected = rejected;
        payment.currency = transfer.currency;
        payment.from = Some(transfer.from);
        payment.to = Some(transfer.to);
        payment.channel = transfer.channel.as_str();
        payment.device = if ours_from { transfer.device } else { 0 };
        payment.note = Some(transfer.note);
        Some(self.bank_record(&payment, transfer.mark))
    }

    pub(super) fn card(&mut self, time: i64, payer: AccountId, shop: u32, cents: i64) -> Option<SimRecord> {
        let at = self.world.shops[shop as usize];
        let payee = at.psp.unwrap_or(at.account);
        let rejected = self.world.account(payer).available() < cents;
        if rejected && self.dice.chance(700_000) {
            return None;
        }
        if !rejected {
            self.settle(Some(payer), Some(payee), cents, None);
        }
        let mut payment = Payment::new("card_payment", self.next_bank(), time, cents);
        payment.rejected = rejected;
        payment.from = Some(payer);
        payment.to = Some(payee);
        payment.shop = Some(shop);
        payment.channel = "card";
        Some(self.bank_record(&payment, None))
    }

    pub(crate) fn cash_in(
        &mut self,
        time: i64,
        account: AccountId,
        cents: i64,
        mark: Option<Mark>,
    ) -> Option<SimRecord> {
        if cents <= 0 || !self.world.account(account).ours() {
            return None;
        }
        self.settle(None, Some(account), cents, mark);
        let mut payment = Payment::new("cash_deposit", self.next_bank(), time, cents);
        payment.to = Some(account);
        payment.channel = if cents > 500_000 { Channel::Branch.as_str() } else { "atm" };
        Some(self.bank_record(&payment, mark))
    }

    pub(crate) fn cash_out(
        &mut self,
        time: i64,
        account: AccountId,
        cents: i64,
        mark: Option<Mark>,
    ) -> Option<SimRecord> {
        let holder = self.world.account(account);
        if cents <= 0 || !holder.ours() || holder.available() < cents {
            return None;
        }
        self.settle(Some(account), None, cents, mark);
        let mut payment = Payment::new("cash_withdrawal", self.next_bank(), time, cents);
        payment.from = Some(account);
        payment.channel = if cents > 200_000 { Channel::Branch.as_str() } else { "atm" };
        Some(self.bank_record(&payment, mark))
    }

    pub(super) fn give_back(
        &mut self,
        time: i64,
        original: u64,
        from: AccountId,
        to: AccountId,
        cents: i64,
    ) -> Option<SimRecord> {
        if self.world.account(from).available() < cents {
            return None;
        }
        self.settle(Some(from), Some(to), cents, None);
        let mut payment = Payment::new("return", self.next_bank(), time, cents);
        payment.from = Some(from);
        payment.to = Some(to);
        payment.original = Some(original);
        Some(self.bank_record(&payment, None))
    }
}
