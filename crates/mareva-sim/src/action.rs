use crate::world::{AccountId, Asset, UserId, WalletId};

/// A step of an operation: which one, and what part the transaction plays in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) operation: u16,
    pub(crate) role: TransactionRole,
}

/// The part that a transaction plays in an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransactionRole {
    Test,
    Inducement,
    VictimPayment,
    Layer,
    Structuring,
    OnRamp,
    Conversion,
    CryptoWithdrawal,
    ChainHop,
    CryptoDeposit,
    OffRamp,
    CashOut,
    Sanctioned,
}

impl TransactionRole {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Inducement => "inducement",
            Self::VictimPayment => "victim_payment",
            Self::Layer => "layer",
            Self::Structuring => "structuring",
            Self::OnRamp => "on_ramp",
            Self::Conversion => "conversion",
            Self::CryptoWithdrawal => "crypto_withdrawal",
            Self::ChainHop => "chain_hop",
            Self::CryptoDeposit => "crypto_deposit",
            Self::OffRamp => "off_ramp",
            Self::CashOut => "cash_out",
            Self::Sanctioned => "sanctioned_payment",
        }
    }
}

/// What a payment is said to be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    Salary,
    Pension,
    Benefit,
    Rent,
    Bill,
    Invoice,
    Present,
    Dinner,
    Savings,
    PocketMoney,
    Trip,
    Deed,
    Car,
    Works,
    Tuition,
    Tax,
    Batch,
    Supplier,
    Exchange,
    Loan,
    SafeAccount,
    Portfolio,
    Affection,
    Task,
    Project,
    /// Names the wallet that the money is for.
    Usdt(WalletId),
}

impl Note {
    /// Remittance text and ISO 20022 purpose code.
    pub(crate) fn parts(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Salary => ("Salary", Some("SALA")),
            Self::Pension => ("Pension", Some("PENS")),
            Self::Benefit => ("Benefit", Some("BENE")),
            Self::Rent => ("Rent", Some("RENT")),
            Self::Bill => ("Contract", Some("UBIL")),
            Self::Invoice => ("Invoice", Some("GDDS")),
            Self::Present => ("Happy birthday", None),
            Self::Dinner => ("Dinner, thanks", None),
            Self::Savings => ("Savings", Some("SAVG")),
            Self::PocketMoney => ("Pocket money", None),
            Self::Trip => ("Trip share", None),
            Self::Deed => ("Purchase deed", Some("HLRP")),
            Self::Car => ("Car purchase", Some("GDDS")),
            Self::Works => ("Works, stage", None),
            Self::Tuition => ("Tuition fee", Some("STDY")),
            Self::Tax => ("Tax account", Some("TAXS")),
            Self::Batch => ("Settlement batch", Some("CCRD")),
            Self::Supplier => ("Supplier invoice", Some("SUPP")),
            Self::Exchange => ("Reference", None),
            Self::Loan => ("Loan, as agreed", None),
            Self::SafeAccount => ("Transfer to safe account", None),
            Self::Portfolio => ("Portfolio top-up", None),
            Self::Affection => ("For you", None),
            Self::Task => ("Task deposit", None),
            Self::Project => ("Project payment", None),
            Self::Usdt(_) => ("USDT for", None),
        }
    }
}

/// How a payment was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Mobile,
    Online,
    Branch,
    Api,
}

impl Channel {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Online => "online",
            Self::Branch => "branch",
            Self::Api => "api",
        }
    }
}

/// A payment between bank accounts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transfer {
    pub(crate) from: AccountId,
    pub(crate) to: AccountId,
    /// Hundredths of the currency.
    pub(crate) cents: i64,
    pub(crate) currency: &'static str,
    pub(crate) note: Note,
    pub(crate) channel: Channel,
    /// Device number, 0 for none.
    pub(crate) device: u32,
    /// The exchange user whose account the payment tops up.
    pub(crate) user: Option<UserId>,
    pub(crate) mark: Option<Mark>,
}

impl Transfer {
    /// A euro payment that no device ordered.
    pub(crate) fn new(from: AccountId, to: AccountId, cents: i64, note: Note) -> Self {
        Self { from, to, cents, currency: "EUR", note, channel: Channel::Api, device: 0, user: None, mark: None }
    }

    pub(crate) fn by(self, channel: Channel, device: u32) -> Self {
        Self { channel, device, ..self }
    }

    pub(crate) fn marked(self, operation: u16, role: TransactionRole) -> Self {
        Self { mark: Some(Mark { operation, role }), ..self }
    }
}

/// Something that happens at a time and gives at most one record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    Transfer(Transfer),
    Card {
        payer: AccountId,
        shop: u32,
        cents: i64,
    },
    CashIn {
        account: AccountId,
        cents: i64,
        mark: Option<Mark>,
    },
    CashOut {
        account: AccountId,
        cents: i64,
        mark: Option<Mark>,
    },
    /// The beneficiary `from` sends a payment back.
    Return {
        original: u64,
        from: AccountId,
        to: AccountId,
        cents: i64,
    },
    /// Euros arrive at the exchange.
    FiatIn {
        user: UserId,
        cents: i64,
        mark: Option<Mark>,
    },
    FiatOut {
        user: UserId,
        cents: i64,
        mark: Option<Mark>,
    },
    Buy {
        user: UserId,
        asset: Asset,
        cents: i64,
        mark: Option<Mark>,
    },
    Sell {
        user: UserId,
        asset: Asset,
        units: i64,
        mark: Option<Mark>,
    },
    CryptoIn {
        user: UserId,
        asset: Asset,
        units: i64,
        wallet: WalletId,
        mark: Option<Mark>,
    },
    CryptoOut {
        user: UserId,
        asset: Asset,
        units: i64,
        wallet: WalletId,
        mark: Option<Mark>,
    },
    Internal {
        user: UserId,
        other: UserId,
        asset: Asset,
        units: i64,
    },
    /// USDT moves on Ethereum; `units` are millionths.
    Token {
        from: WalletId,
        to: WalletId,
        units: i64,
        mark: Option<Mark>,
    },
    /// A step of an operation, by index; its amount follows from what has happened so far.
    Step(u32),
}

/// An action and when it happens; equal times keep the order of planning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planned {
    pub(crate) time: i64,
    pub(crate) order: u64,
    pub(crate) action: Action,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        (self.time, self.order) == (other.time, other.order)
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.order).cmp(&(other.time, other.order))
    }
}
