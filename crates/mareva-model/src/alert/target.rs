use serde::{Deserialize, Serialize};

use super::{Action, rfc3339};

/// Whether a target is one payment or what lies on an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// Money on an account.
    Account,
    /// One payment, at its beneficiary.
    Payment,
}

/// What a recommended amount rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmountBasis {
    /// The whole payment.
    Payment,
    /// The suspect share, first in first out over the account's movements up to the alert's `as_of`; of a victim's payment,
    /// what has not come back.
    WindowFifo,
    /// No amount: all property of a listed party.
    AllProperty,
}

/// Where the institution that runs this stands in the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OurRole {
    /// The payer's bank: the payment has left us.
    DebtorAgent,
    /// The receiver's bank: the money is with us.
    CreditorAgent,
    /// In between.
    Intermediary,
    /// The exchange whose user pays or receives.
    Exchange,
    /// Only looking on, as a financial intelligence unit does.
    Observer,
}

/// A party of the payment behind a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyRef {
    /// Canonical account or wallet.
    pub account: Option<String>,
    /// Name as the payment gave it.
    pub name: Option<String>,
    /// Institution: `bic:…` or `vasp:…`.
    pub agent: Option<String>,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
}

/// What a recall of a bank payment (camt.056) refers to, as the payment gave it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentReferences {
    /// Message id.
    pub msg_id: Option<String>,
    /// Message name, such as `pacs.008.001.08`.
    pub msg_name_id: Option<String>,
    /// Instruction id.
    pub instr_id: Option<String>,
    /// End-to-end id.
    pub end_to_end_id: Option<String>,
    /// Transaction id.
    pub tx_id: Option<String>,
    /// UETR, lower case.
    pub uetr: Option<String>,
    /// Clearing system reference.
    pub clearing_ref: Option<String>,
    /// Interbank settlement amount, decimal text as sent.
    pub settlement_amount: Option<String>,
    /// Its currency.
    pub settlement_currency: Option<String>,
    /// Interbank settlement date, `YYYY-MM-DD`.
    pub settlement_date: Option<String>,
}

/// What a request to an exchange or an issuer refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainReferences {
    /// Chain or fiat network.
    pub network: Option<String>,
    /// Token contract.
    pub asset_contract: Option<String>,
    /// Transaction hash.
    pub tx_hash: Option<String>,
    /// Log index in the transaction.
    pub log_index: Option<i64>,
    /// Address on the other side of the exchange, without its tag.
    pub address: Option<String>,
    /// Tag or memo of that address.
    pub tag: Option<String>,
    /// Exchange.
    pub exchange: Option<String>,
    /// User id at that exchange.
    pub exchange_uid: Option<String>,
    /// The transaction's id at the exchange.
    pub tx_id: Option<String>,
    /// Bank account linked to the exchange account.
    pub linked_account: Option<String>,
}

/// One payment or account to restrain, or to report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Payment or account.
    pub kind: TargetKind,
    /// What to do here.
    pub action: Action,
    /// Where we stand.
    pub our_role: OurRole,
    /// Account or wallet where the money is or went.
    pub account: Option<String>,
    /// Institution that keeps it: `bic:…` or `vasp:…`.
    pub agent: Option<String>,
    /// Its holder, where it is a customer in the reference tables.
    pub customer: Option<String>,
    /// Payer of the payment; empty for money of several payers on an account.
    pub originator: PartyRef,
    /// Receiver of the payment.
    pub beneficiary: PartyRef,
    /// The payment, or the payments whose money lies on the account; at most [`Target::MAX_ROWS`], the first ones.
    pub row_ids: Vec<String>,
    /// Time of the payment, of the last one for an account.
    #[serde(with = "rfc3339")]
    pub event_time: i64,
    /// Original amount, decimal text; for an account the sum of the payments.
    pub amount: Option<String>,
    /// Currency of all amounts here but `recommended_reference`; null for all property.
    pub currency: Option<String>,
    /// How much to restrain, never above the suspect money received.
    pub recommended_amount: Option<String>,
    /// What that rests on.
    pub amount_basis: Option<AmountBasis>,
    /// The same in the reference currency.
    pub recommended_reference: Option<String>,
    /// How much of it is still there as of the alert's `as_of`, as far as we see.
    pub reachable_amount: Option<String>,
    /// Bank payment.
    pub payment: Option<PaymentReferences>,
    /// Exchange or chain transfer.
    pub chain: Option<ChainReferences>,
    /// Fields above that are null because nobody told us, by name.
    pub missing: Vec<String>,
}

impl Target {
    /// Rows named by one target.
    pub const MAX_ROWS: usize = 32;

    /// What makes it the same target in another revision.
    pub fn key(&self) -> String {
        match self.kind {
            TargetKind::Payment => format!("payment {}", self.row_ids.first().map_or("", String::as_str)),
            TargetKind::Account => format!(
                "account {} {}",
                self.account.as_deref().unwrap_or_default(),
                self.currency.as_deref().unwrap_or("*")
            ),
        }
    }
}

/// The suspect money of an alert in the reference currency, decimal text: received = on the account + carried on +
/// returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspectMoney {
    /// Reference currency.
    pub currency: String,
    /// Suspect money received by the subject, or by those it paid where the subject is the victim.
    pub received: Option<String>,
    /// Of it, still on the subject's account as of the alert.
    pub on_account: Option<String>,
    /// Of it, carried on by outgoing payments and withdrawals, or swallowed by an overdraft of the account.
    pub carried_on: Option<String>,
    /// Of it, sent back to where it came from.
    pub returned: Option<String>,
    /// Sum of the targets' recommended amounts.
    pub recommended: String,
}
