use std::fmt;

/// What kind of movement a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Payment from account to account.
    CreditTransfer,
    /// Cash paid into the beneficiary's account; there is no originator account.
    CashDeposit,
    /// Cash taken from the originator's account; there is no beneficiary account.
    CashWithdrawal,
    /// Card payment to a merchant.
    CardPayment,
    /// Money sent back; names the parties as the money moves now and reverses its original.
    Return,
    /// Transfer between institutions on their own accounts, of a customer's payment perhaps (cover): it has no accounts of
    /// customers, so no movements.
    InstitutionTransfer,
    /// A customer's order to his bank: moves nothing, the payment that follows does.
    Initiation,
    /// Request of another bank to give a payment back: moves nothing.
    Recall,
    /// Question of another bank about a payment or account: moves nothing.
    Investigation,
    /// What has become of a payment elsewhere, unless it was rejected (that is a return): moves nothing.
    StatusReport,
    /// Money or assets arriving at an exchange account.
    Deposit,
    /// Money or assets leaving an exchange account.
    Withdrawal,
    /// Exchange of one asset for another inside one account: moves nothing between accounts.
    Trade,
    /// Transfer between two accounts of one exchange.
    InternalTransfer,
    /// Token transfer read from a chain.
    TokenTransfer,
    /// Native transfer read from a chain.
    ChainTransfer,
}

/// Kinds that records of the bank stream tell of; those of the exchange stream tell of all others.
const TOLD_BY_BANKS: [Kind; 10] = [
    Kind::CreditTransfer,
    Kind::CashDeposit,
    Kind::CashWithdrawal,
    Kind::CardPayment,
    Kind::Return,
    Kind::InstitutionTransfer,
    Kind::Initiation,
    Kind::Recall,
    Kind::Investigation,
    Kind::StatusReport,
];

/// Kinds that move nothing between accounts, whatever their status.
const MOVING_NOTHING: [Kind; 5] =
    [Kind::Trade, Kind::Initiation, Kind::Recall, Kind::Investigation, Kind::StatusReport];

/// Whether the bank stream told of a transaction, by its `kind` column.
pub fn is_told_by_banks(kind: &str) -> bool {
    TOLD_BY_BANKS.iter().any(|told| told.as_str() == kind)
}

/// Whether a transaction of this `kind` column moves money between accounts, unless it is rejected.
pub fn is_movement(kind: &str) -> bool {
    MOVING_NOTHING.iter().all(|still| still.as_str() != kind)
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::CreditTransfer,
        Self::CashDeposit,
        Self::CashWithdrawal,
        Self::CardPayment,
        Self::Return,
        Self::InstitutionTransfer,
        Self::Initiation,
        Self::Recall,
        Self::Investigation,
        Self::StatusReport,
        Self::Deposit,
        Self::Withdrawal,
        Self::Trade,
        Self::InternalTransfer,
        Self::TokenTransfer,
        Self::ChainTransfer,
    ];

    /// The name in the `kind` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreditTransfer => "credit_transfer",
            Self::CashDeposit => "cash_deposit",
            Self::CashWithdrawal => "cash_withdrawal",
            Self::CardPayment => "card_payment",
            Self::Return => "return",
            Self::InstitutionTransfer => "institution_transfer",
            Self::Initiation => "initiation",
            Self::Recall => "recall",
            Self::Investigation => "investigation",
            Self::StatusReport => "status_report",
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::Trade => "trade",
            Self::InternalTransfer => "internal_transfer",
            Self::TokenTransfer => "token_transfer",
            Self::ChainTransfer => "chain_transfer",
        }
    }
}

/// How far a transaction has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Accepted for execution.
    Accepted,
    /// Waiting.
    Pending,
    /// Money has moved.
    Settled,
    /// Refused: it moves nothing, so it has no movements.
    Rejected,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Accepted, Self::Pending, Self::Settled, Self::Rejected];

    /// The name in the `status` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Pending => "pending",
            Self::Settled => "settled",
            Self::Rejected => "rejected",
        }
    }
}

/// Most payments that are told apart under one UETR.
const MAX_NAMESAKES: u32 = 8;

/// Begins the identity of what one of the two streams sends under an id that the other has used; no source may be called this.
pub const NAMESAKE: &str = "namesake";

/// Begins the identity of a transfer between institutions: one that covers a customer's payment has its UETR. No source may be
/// called this.
pub const INSTITUTION: &str = "institution";

/// Begins the identity of a customer's order: the payment that follows has its UETR. No source may be called this.
pub const INITIATION: &str = "initiation";

/// The identities of other payments that came under the id of a first one, in order. Under a UETR `<row_id>#2` and on: at most
/// seven, so that one that somebody floods costs a few look-ups. Under another id, which begins with its source, there is one:
/// that of the sender of the same name in the other stream.
pub fn namesakes(row_id: &str) -> impl Iterator<Item = String> {
    let behind = row_id.split_once(':').filter(|(first, _)| [INSTITUTION, INITIATION].contains(first));
    let of_uetr = behind.map_or(row_id, |(_, rest)| rest).starts_with("uetr:");
    let numbers = 2..=if of_uetr { MAX_NAMESAKES } else { 2 };
    numbers.map(move |number| if of_uetr { format!("{row_id}#{number}") } else { format!("{NAMESAKE}:{row_id}") })
}

/// The text columns of a transaction, in schema order. Identifiers are canonical (`iban:DE89…`, see
/// [`crate::identifier`]); everything else is as the sender wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Text {
    /// Identity: `uetr:<uuid>` where there is one, else `<source>:<tx_id>`; both behind `institution:` for a transfer between
    /// institutions. Returns `return:<source>:<id>`, of a rejected payment `return:rejected:<its row_id>`; recalls,
    /// investigations and status reports `recall:`, `investigation:` or `status:` and `<source>:<id>`; initiations
    /// `initiation:uetr:<uuid>` or `initiation:<source>:<id>`. Of several payments under one id the later ones have those of
    /// [`namesakes`].
    RowId,
    /// [`Kind`].
    Kind,
    /// [`Status`].
    Status,
    /// Institution, exchange or chain that reported it.
    Source,
    /// ISO 4217 code, asset ticker, or the identifier of an unknown token contract; `XXX` (no currency) where a recall, an
    /// investigation or a status report tells no amount.
    Currency,
    /// Account or wallet that pays.
    Originator,
    /// Account or wallet that receives.
    Beneficiary,
    /// Name of the payer.
    OriginatorName,
    /// Name of the receiver.
    BeneficiaryName,
    /// BIC (`bic:…`) or exchange (`vasp:<name>`) of the payer.
    OriginatorAgent,
    /// BIC or exchange of the receiver.
    BeneficiaryAgent,
    /// ISO 3166 alpha-2.
    OriginatorCountry,
    /// ISO 3166 alpha-2.
    BeneficiaryCountry,
    /// Date of birth, `YYYY-MM-DD`.
    OriginatorBirthDate,
    /// Date of birth, `YYYY-MM-DD`.
    BeneficiaryBirthDate,
    /// `mobile`, `online`, `branch`, `atm`, `card`, `api`.
    Channel,
    /// Device id.
    Device,
    /// IP address.
    Ip,
    /// ISO purpose or category purpose code such as `SALA`; of a return, recall or investigation its reason, such as `FRAD`; of
    /// a status report the status, such as `BLCK`.
    Purpose,
    /// Remittance text.
    Remittance,
    /// Chain or fiat network.
    Network,
    /// Token contract identifier.
    AssetContract,
    /// Transaction hash on the chain.
    TxHash,
    /// Bank account linked to the exchange account.
    LinkedAccount,
    /// Asset received in a trade.
    ToAsset,
    /// Amount received in a trade, decimal text.
    ToAmount,
    /// Message id.
    MsgId,
    /// Message name, such as `pacs.008.001.08`.
    MsgNameId,
    /// Instruction id.
    InstrId,
    /// End-to-end id.
    EndToEndId,
    /// Transaction id of the source.
    TxId,
    /// Clearing system reference.
    ClearingRef,
    /// UETR, lower case.
    Uetr,
    /// Interbank settlement date, of an initiation the day on which it is to be executed, `YYYY-MM-DD`.
    SettlementDate,
    /// Interbank settlement amount, decimal text as sent.
    SettlementAmount,
    /// Currency of the settlement amount.
    SettlementCurrency,
    /// `row_id` of the transaction that a return reverses, or that a recall, an investigation or a status report is about.
    Original,
    /// The amount as text where `amount` cannot hold it.
    AmountText,
    /// Digest of the parties that have no column, 32 hex digits: it tells a repeat from a record that names others.
    OtherParties,
    /// Topic or file it was read from.
    Topic,
}

impl Text {
    /// All text columns, in schema order.
    pub const ALL: [Self; 40] = [
        Self::RowId,
        Self::Kind,
        Self::Status,
        Self::Source,
        Self::Currency,
        Self::Originator,
        Self::Beneficiary,
        Self::OriginatorName,
        Self::BeneficiaryName,
        Self::OriginatorAgent,
        Self::BeneficiaryAgent,
        Self::OriginatorCountry,
        Self::BeneficiaryCountry,
        Self::OriginatorBirthDate,
        Self::BeneficiaryBirthDate,
        Self::Channel,
        Self::Device,
        Self::Ip,
        Self::Purpose,
        Self::Remittance,
        Self::Network,
        Self::AssetContract,
        Self::TxHash,
        Self::LinkedAccount,
        Self::ToAsset,
        Self::ToAmount,
        Self::MsgId,
        Self::MsgNameId,
        Self::InstrId,
        Self::EndToEndId,
        Self::TxId,
        Self::ClearingRef,
        Self::Uetr,
        Self::SettlementDate,
        Self::SettlementAmount,
        Self::SettlementCurrency,
        Self::Original,
        Self::AmountText,
        Self::OtherParties,
        Self::Topic,
    ];

    /// Column name.
    pub fn name(self) -> &'static str {
        match self {
            Self::RowId => "row_id",
            Self::Kind => "kind",
            Self::Status => "status",
            Self::Source => "source",
            Self::Currency => "currency",
            Self::Originator => "originator",
            Self::Beneficiary => "beneficiary",
            Self::OriginatorName => "originator_name",
            Self::BeneficiaryName => "beneficiary_name",
            Self::OriginatorAgent => "originator_agent",
            Self::BeneficiaryAgent => "beneficiary_agent",
            Self::OriginatorCountry => "originator_country",
            Self::BeneficiaryCountry => "beneficiary_country",
            Self::OriginatorBirthDate => "originator_birth_date",
            Self::BeneficiaryBirthDate => "beneficiary_birth_date",
            Self::Channel => "channel",
            Self::Device => "device",
            Self::Ip => "ip",
            Self::Purpose => "purpose",
            Self::Remittance => "remittance",
            Self::Network => "network",
            Self::AssetContract => "asset_contract",
            Self::TxHash => "tx_hash",
            Self::LinkedAccount => "linked_account",
            Self::ToAsset => "to_asset",
            Self::ToAmount => "to_amount",
            Self::MsgId => "msg_id",
            Self::MsgNameId => "msg_name_id",
            Self::InstrId => "instr_id",
            Self::EndToEndId => "end_to_end_id",
            Self::TxId => "tx_id",
            Self::ClearingRef => "clearing_ref",
            Self::Uetr => "uetr",
            Self::SettlementDate => "settlement_date",
            Self::SettlementAmount => "settlement_amount",
            Self::SettlementCurrency => "settlement_currency",
            Self::Original => "original",
            Self::AmountText => "amount_text",
            Self::OtherParties => "other_parties",
            Self::Topic => "topic",
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One transaction on its way from a decoder into the columns: borrowed text, exact numbers.
#[derive(Debug, Clone)]
pub struct TransactionRow<'a> {
    /// When it happened, UTC milliseconds.
    pub event_time: i64,
    /// Amount in units of 10^-18 of `Text::Currency`; null where it does not fit (then `Text::AmountText` is set).
    pub amount: Option<i128>,
    /// Balance of the originator after it, same currency and unit.
    pub originator_balance: Option<i128>,
    /// Balance of the beneficiary after it, same currency and unit.
    pub beneficiary_balance: Option<i128>,
    /// Log index on the chain.
    pub log_index: Option<i64>,
    /// Partition it was read from.
    pub partition: i32,
    /// Offset of its record.
    pub offset: i64,
    /// Its index in the record.
    pub index: i32,
    /// Append time of its record at the broker, UTC milliseconds.
    pub append_time: i64,
    texts: [Option<&'a str>; Text::ALL.len()],
}

impl<'a> TransactionRow<'a> {
    /// A row without any text yet.
    pub fn new(event_time: i64) -> Self {
        Self {
            event_time,
            amount: None,
            originator_balance: None,
            beneficiary_balance: None,
            log_index: None,
            partition: 0,
            offset: 0,
            index: 0,
            append_time: 0,
            texts: [None; Text::ALL.len()],
        }
    }

    /// Sets a text; `None` and the empty text both leave the column null.
    pub fn set(&mut self, column: Text, value: impl Into<Option<&'a str>>) {
        self.texts[column as usize] = value.into().filter(|text| !text.is_empty());
    }

    /// The text of a column.
    pub fn get(&self, column: Text) -> Option<&'a str> {
        self.texts[column as usize]
    }

    /// Bytes of all its texts.
    pub fn text_bytes(&self) -> usize {
        self.texts.iter().flatten().map(|text| text.len()).sum()
    }

    pub(crate) fn texts(&self) -> &[Option<&'a str>] {
        &self.texts
    }
}

#[cfg(test)]
mod tests;
