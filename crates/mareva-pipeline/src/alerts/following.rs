//! What happens beside the alerts that changes what they say: who becomes known as a victim, and money that moves on.

use arrow::array::Array;
use mareva_model::{Kind, Prepared, Regime, Text, TransactionBatch};
use mareva_monitoring::moves;

use super::draft::AlertKey;
use super::standing::Knowledge;
use super::{AlertBook, Due};

impl AlertBook {
    /// Takes note of a victim or suspect; alerts whose targets that makes a victim's, or no victim's any more, are looked
    /// at again.
    pub(super) fn learn(&mut self, identity: &str, what: Knowledge, time: i64, stands: bool, due: &mut Due) {
        let victim = |book: &Self, key: &AlertKey| {
            let span = (book.start(key.episode), book.start(key.episode.saturating_add(1)));
            let memory = book.config.memory_ms;
            book.state.known.victim(identity, span.0.saturating_sub(memory), span.1.saturating_add(memory))
        };
        let decides = self.state.known.decides(identity, what);
        let watching = self.watchers.get(identity).filter(|_| decides).into_iter().flatten();
        let before: Vec<(AlertKey, bool)> = watching.map(|key| (key.clone(), victim(self, key))).collect();
        self.state.known.apply(identity, what, time, stands);
        for (key, was) in before {
            if victim(self, &key) != was {
                due.insert(key, true);
            }
        }
    }

    /// Takes note of money that leaves the accounts of open alerts, or comes back to them, and looks again at those alerts
    /// of which it may have changed an amount by a tenth.
    pub(super) fn follow(&mut self, batch: &TransactionBatch, due: &mut Due) {
        if self.watchers.is_empty() {
            return;
        }
        let (payers, payees) = (batch.text(Text::Originator), batch.text(Text::Beneficiary));
        let (kinds, status) = (batch.text(Text::Kind), batch.text(Text::Status));
        let amounts = batch.prepared_amount(Prepared::AmountRef);
        for row in 0..batch.len() {
            let payee = (kinds.value(row) == Kind::Return.as_str() && payees.is_valid(row)).then(|| payees.value(row));
            let payer = payers.is_valid(row).then(|| payers.value(row));
            let mut keys =
                payer.into_iter().chain(payee).filter_map(|name| self.watchers.get(name)).flatten().peekable();
            if keys.peek().is_none() || !moves(status.value(row), kinds.value(row)) || amounts.is_null(row) {
                continue;
            }
            let amount = i64::try_from(amounts.value(row)).unwrap_or(i64::MAX).max(0);
            for key in keys.filter(|key| key.regime == Regime::Fraud) {
                let Some(record) = self.state.records.get_mut(key).filter(|record| !record.closed) else { continue };
                // Where nothing is asked for, only money that comes back can change that.
                if record.asked() == 0 && payee.is_none() {
                    continue;
                }
                record.moved = record.moved.saturating_add(amount);
                if record.has_moved() {
                    due.entry(key.clone()).or_insert(false);
                }
            }
        }
    }
}
