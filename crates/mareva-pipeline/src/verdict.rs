//! What becomes of a transaction that decoded.

use arrow::array::{Array, Decimal128Array};
use mareva_model::{Reason, Text, TransactionBatch};

use crate::screen::screened;

/// What becomes of a transaction that decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    /// Sent before in the same words, or told by another source that names nobody new.
    Repeated,
    /// Repeated by another source, which says something else of the parties, in these columns.
    Differing(Columns),
    /// Sent before by the same source with other content.
    Conflicting,
    /// Likewise, and the status at least is another one.
    Restated,
    Late,
    Ahead,
}

/// A set of text columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Columns(u64);

// Each column is a bit.
const _: () = assert!(Text::ALL.len() <= u64::BITS as usize);

impl Columns {
    fn of(columns: impl Iterator<Item = Text>) -> Self {
        Self(columns.fold(0, |set, column| set | 1 << column as u32))
    }

    fn holds(self, column: Text) -> bool {
        self.0 >> column as u32 & 1 == 1
    }
}

impl Verdict {
    /// Whether what stands in a column is screened: what an accepted transaction of the id says in the same words was.
    pub(crate) fn screens(self, column: Text) -> bool {
        match self {
            Self::Repeated => false,
            Self::Differing(columns) => columns.holds(column),
            _ => true,
        }
    }

    /// Whether it counts as repeated.
    pub(crate) fn is_repeated(self) -> bool {
        matches!(self, Self::Repeated | Self::Differing(_))
    }

    /// Why it is a dead letter and what to do, where it is one.
    pub(crate) fn refusal(self) -> Option<(Reason, &'static str)> {
        Some(match self {
            Self::Accepted | Self::Repeated | Self::Differing(_) | Self::Late => return None,
            Self::Conflicting => (
                Reason::Conflicting,
                "its source has sent this id before with other content; send corrections under an id of their own",
            ),
            Self::Restated => (
                Reason::Conflicting,
                "its source has sent this id before with another status, which stands; when a payment is rejected send a \
                 return under an id of its own with original_tx_id, when it settles send nothing, and send what cannot be \
                 returned, such as the records of exchanges, once its status is final",
            ),
            Self::Ahead => (
                Reason::TimeAhead,
                "its time is ahead of the broker's append time by more than max_ahead; check the sender's clock",
            ),
        })
    }
}

/// What a row is that has the id of an accepted one.
pub(crate) fn repetition(batch: &TransactionBatch, row: usize, other: &TransactionBatch, index: usize) -> Verdict {
    let text = |batch: &TransactionBatch, text, row| {
        let column = batch.text(text);
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let same_text = |t: Text| text(batch, t, row) == text(other, t, index);
    if !same_text(Text::Source) {
        // What only the other source tells must not escape screening.
        let told = Columns::of(screened().filter(|t| batch.text(*t).is_valid(row) && !same_text(*t)));
        return if told == Columns::default() { Verdict::Repeated } else { Verdict::Differing(told) };
    }
    if !same_text(Text::Status) {
        return Verdict::Restated;
    }
    let same = batch.event_time().value(row) == other.event_time().value(index)
        && option(batch.amount(), row) == option(other.amount(), index)
        && Text::ALL.into_iter().all(|t| matches!(t, Text::Topic) || same_text(t));
    if same { Verdict::Repeated } else { Verdict::Conflicting }
}

fn option(amounts: &Decimal128Array, row: usize) -> Option<i128> {
    amounts.is_valid(row).then(|| amounts.value(row))
}
