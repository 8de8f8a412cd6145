//! What becomes of a transaction that decoded.

use arrow::array::{Array, Decimal128Array};
use mareva_model::{Reason, Text, TransactionBatch, is_told_by_banks};
use mareva_monitoring::moves;

use crate::screen::screened;

/// Most time between what two sources tell of one payment, milliseconds: a bank day.
const MOST_APART_MS: i64 = 86_400_000;

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
    /// Another payment under an id under which others have told as many as are told apart.
    Crowded,
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
            Self::Crowded => (
                Reason::Conflicting,
                "other sources have sent several other payments under its UETR; find out who uses the UETR of others, and \
                 send this payment under one of its own",
            ),
            Self::Ahead => (
                Reason::TimeAhead,
                "its time is ahead of the broker's append time by more than max_ahead; check the sender's clock",
            ),
        })
    }
}

/// What a row tells that has the id of an accepted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Its source has sent the accepted one too.
    Again(Verdict),
    /// The same payment, seen by another source.
    Too(Verdict),
    /// Another payment: a source may use an id of others, by mistake or to hide theirs.
    Another,
}

impl Told {
    /// Where the accepted one is history: that was not screened, so nothing of a repeat was.
    pub(crate) fn of_history(self) -> Self {
        let whole = |verdict: Verdict| match verdict.is_repeated() {
            true => Verdict::Differing(Columns::of(screened())),
            false => verdict,
        };
        match self {
            Self::Again(verdict) => Self::Again(whole(verdict)),
            Self::Too(verdict) => Self::Too(whole(verdict)),
            Self::Another => Self::Another,
        }
    }
}

/// What a row tells that has the id of an accepted one (`index` of `other`).
pub(crate) fn told(batch: &TransactionBatch, row: usize, other: &TransactionBatch, index: usize) -> Told {
    let same_text = |t: Text| value(batch, t, row) == value(other, t, index);
    let by_bank = |batch, row| is_told_by_banks(value(batch, Text::Kind, row).unwrap_or_default());
    // Senders name themselves: one of the other stream is another, whatever it is called.
    if by_bank(batch, row) != by_bank(other, index) {
        return Told::Another;
    }
    if !same_text(Text::Source) {
        if is_another(batch, row, other, index) {
            return Told::Another;
        }
        // What only the other source tells must not escape screening.
        let told = Columns::of(screened().filter(|t| batch.text(*t).is_valid(row) && !same_text(*t)));
        return Told::Too(if told == Columns::default() { Verdict::Repeated } else { Verdict::Differing(told) });
    }
    if !same_text(Text::Status) {
        return Told::Again(Verdict::Restated);
    }
    // A FIN message tells no time that could be compared: its row has the one at which it came.
    let tells_no_time = value(batch, Text::MsgNameId, row).is_some_and(|name| name.starts_with("MT"));
    let same = (tells_no_time || batch.event_time().value(row) == other.event_time().value(index))
        && option(batch.amount(), row) == option(other.amount(), index)
        // The identity may be one of several under this id.
        && Text::ALL.into_iter().all(|t| matches!(t, Text::Topic | Text::RowId) || same_text(t));
    Told::Again(if same { Verdict::Repeated } else { Verdict::Conflicting })
}

/// Whether a row moves other money than the accepted one of its id that another source has sent. A witness may leave accounts
/// out, not add any: rules would never see money at an account that only the witness names.
fn is_another(batch: &TransactionBatch, row: usize, other: &TransactionBatch, index: usize) -> bool {
    let both = |t: Text| (value(batch, t, row), value(other, t, index));
    let differ = |t: Text| both(t).0 != both(t).1;
    let moving = |batch, row| {
        let text = |t| value(batch, t, row).unwrap_or_default();
        moves(text(Text::Status), text(Text::Kind))
    };
    let added = |party: Text| match both(party) {
        (Some(account), Some(known)) => !is_told_by(account, known),
        (account, _) => account.is_some(),
    };
    let apart = batch.event_time().value(row).abs_diff(other.event_time().value(index));
    option(batch.amount(), row) != option(other.amount(), index)
        || [Text::AmountText, Text::Currency, Text::Kind].into_iter().any(differ)
        || moving(batch, row) != moving(other, index)
        || apart > MOST_APART_MS.unsigned_abs()
        || [Text::Originator, Text::Beneficiary].into_iter().any(added)
}

/// Whether `known` is `account`: the same, or the IBAN that says its bank and its number and nothing else. The letters that begin
/// many an IBAN's bank code begin the BIC of the bank, too, before the country. Where the code is a number, or the account is told
/// without its branch or bank, an account of somebody else may be called the same: that is another account.
fn is_told_by(account: &str, known: &str) -> bool {
    if account == known {
        return true;
    }
    let told = account.strip_prefix("acct:").and_then(|rest| rest.split_once('/'));
    let (Some((bank, number)), Some(iban)) = (told, known.strip_prefix("iban:")) else { return false };
    let (country, code, behind) = (iban.get(..2), iban.get(4..8), iban.get(8..));
    let of_letters = code.is_some_and(|code| code.bytes().all(|letter| letter.is_ascii_uppercase()));
    of_letters && bank.len() == 8 && bank.get(..4) == code && bank.get(4..6) == country && Some(number) == behind
}

fn value(batch: &TransactionBatch, text: Text, row: usize) -> Option<&str> {
    let column = batch.text(text);
    column.is_valid(row).then(|| column.value(row))
}

fn option(amounts: &Decimal128Array, row: usize) -> Option<i128> {
    amounts.is_valid(row).then(|| amounts.value(row))
}
