//! Which payment a return gives back, and how much of it.

use std::cell::OnceCell;
use std::collections::HashMap;

use mareva_model::{Kind, Text, namesakes};
use mareva_monitoring::{Movement, RowNumber, TransactionView};

use super::draft::Scene;

/// Finds the payments that returns among the movements of one account give back.
pub(super) struct Originals<'s, 'a> {
    scene: &'s Scene<'a>,
    movements: &'s [Movement],
    /// Rows by `<source>:<tx_id>`, made for the first return that names a payment so which is known by its UETR.
    by_sent_id: OnceCell<HashMap<String, RowNumber>>,
}

impl<'s, 'a> Originals<'s, 'a> {
    pub(super) fn among(scene: &'s Scene<'a>, movements: &'s [Movement]) -> Self {
        Self { scene, movements, by_sent_id: OnceCell::new() }
    }

    /// The payment that `view` says it returns; of several under one UETR the first that it gives back. One with a later time,
    /// or from before the rows that are sure to be retained, is none: whether it is here would depend on the cut.
    pub(super) fn named(&self, view: &TransactionView<'_>) -> Option<(RowNumber, TransactionView<'a>)> {
        let id = view.text(Text::Original).filter(|_| is_return(view))?;
        let known = |row: RowNumber| {
            let paid = self.scene.rows.transaction(row)?;
            (self.scene.rows_from..=view.event_time()).contains(&paid.event_time()).then_some((row, paid))
        };
        let first = self.scene.rows.find(id).or_else(|| self.by_sent_id().get(id).copied()).and_then(known);
        if first.as_ref().is_some_and(|(_, paid)| gives_back(view, paid)) {
            return first;
        }
        let mut others = namesakes(id).filter_map(|id| known(self.scene.rows.find(&id)?));
        others.find(|(_, paid)| gives_back(view, paid)).or(first)
    }

    fn by_sent_id(&self) -> &HashMap<String, RowNumber> {
        self.by_sent_id.get_or_init(|| {
            let sent_id = |movement: &Movement| {
                let view = self.scene.rows.transaction(movement.row)?;
                Some((format!("{}:{}", view.text(Text::Source)?, view.text(Text::TxId)?), movement.row))
            };
            // Of two with one id the first counts, as everywhere.
            self.movements.iter().rev().filter_map(sent_id).collect()
        })
    }
}

/// Whether a return goes back to whom the payment came from, as far as both name them. What goes to somebody else under the
/// name of a return is a payment.
pub(super) fn gives_back(back: &TransactionView<'_>, paid: &TransactionView<'_>) -> bool {
    let same = |from: Text, to: Text| {
        let (from, to) = (paid.text(from), back.text(to));
        from.is_none() || to.is_none() || from == to
    };
    same(Text::Originator, Text::Beneficiary) && same(Text::Beneficiary, Text::Originator)
}

pub(super) fn is_return(view: &TransactionView<'_>) -> bool {
    view.text(Text::Kind) == Some(Kind::Return.as_str())
}

/// How much of the payment `paid` comes back with `back`, at the rate of `paid`: what comes back whole leaves nothing behind,
/// however rates have moved. `None` in another currency, and for more than was paid.
pub(super) fn returned(paid: &TransactionView<'_>, back: &TransactionView<'_>) -> Option<i64> {
    let whole = paid.amount_ref().filter(|_| paid.text(Text::Currency) == back.text(Text::Currency))?;
    let (paid, back) = (paid.amount()?, back.amount()?);
    if back == paid {
        return Some(whole);
    }
    if back > paid {
        return None;
    }
    i64::try_from(i128::from(whole).checked_mul(back)?.checked_div(paid)?).ok()
}
