//! The messages that are read: what each is called and where its parts stand.

use super::tags::Tag;

/// A message of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(usize)]
pub(super) enum Definition {
    /// pacs.008, FIToFICustomerCreditTransfer.
    #[default]
    CustomerTransfer,
    /// pacs.009, FinancialInstitutionCreditTransfer, with (COV) or without a customer's payment that it covers.
    InstitutionTransfer,
    /// pacs.004, PaymentReturn.
    Return,
    /// pacs.002, FIToFIPaymentStatusReport.
    StatusReport,
    /// pain.001, CustomerCreditTransferInitiation.
    Initiation,
    /// camt.056, FIToFIPaymentCancellationRequest.
    Recall,
    /// camt.110, InvestigationRequest.
    Investigation,
}

/// How an element inside a message begins one of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opens {
    /// What counts for all transactions of the message.
    Header,
    /// What counts for all transactions inside it: the payments of one debtor, say.
    Group,
    /// A transaction.
    Transaction,
}

impl Definition {
    /// All of them, in the order of the enumeration.
    pub(super) const ALL: [Self; 7] = [
        Self::CustomerTransfer,
        Self::InstitutionTransfer,
        Self::Return,
        Self::StatusReport,
        Self::Initiation,
        Self::Recall,
        Self::Investigation,
    ];

    /// The message of an element that stands outside any message.
    pub(super) fn of(element: Tag) -> Option<Self> {
        Some(match element {
            Tag::FiToFiCstmrCdtTrf => Self::CustomerTransfer,
            Tag::FiCdtTrf => Self::InstitutionTransfer,
            Tag::PmtRtr => Self::Return,
            Tag::FiToFiPmtStsRpt => Self::StatusReport,
            Tag::CstmrCdtTrfInitn => Self::Initiation,
            Tag::FiToFiPmtCxlReq => Self::Recall,
            Tag::InvstgtnReq => Self::Investigation,
            _ => return None,
        })
    }

    /// The first part of its name.
    pub(super) fn family(self) -> &'static str {
        match self {
            Self::CustomerTransfer => "pacs.008",
            Self::InstitutionTransfer => "pacs.009",
            Self::Return => "pacs.004",
            Self::StatusReport => "pacs.002",
            Self::Initiation => "pain.001",
            Self::Recall => "camt.056",
            Self::Investigation => "camt.110",
        }
    }

    /// Versions that are read, first and last. Earlier ones call their elements otherwise; a later one is to be looked at first.
    pub(super) fn versions(self) -> (u8, u8) {
        match self {
            Self::CustomerTransfer => (2, 13),
            Self::InstitutionTransfer => (2, 12),
            Self::Return => (2, 14),
            Self::StatusReport => (3, 15),
            Self::Initiation => (3, 13),
            Self::Recall => (1, 12),
            Self::Investigation => (1, 2),
        }
    }

    /// What the element of a transaction is called, for faults.
    pub(super) fn transaction(self) -> &'static str {
        match self {
            Self::CustomerTransfer | Self::InstitutionTransfer | Self::Initiation => "CdtTrfTxInf",
            Self::Return | Self::Recall => "TxInf",
            Self::StatusReport => "TxInfAndSts",
            Self::Investigation => "InvstgtnReq",
        }
    }

    /// What the element of its amount is called, for faults.
    pub(super) fn amount(self) -> &'static str {
        match self {
            Self::CustomerTransfer | Self::InstitutionTransfer => "IntrBkSttlmAmt",
            Self::Return => "RtrdIntrBkSttlmAmt",
            Self::Initiation => "InstdAmt or EqvtAmt",
            Self::StatusReport | Self::Recall | Self::Investigation => "OrgnlTxRef IntrBkSttlmAmt",
        }
    }

    /// What an element opens, by its path below the message's element. `None` inside a part that is open, and beside all.
    pub(super) fn opens(self, path: &[Tag]) -> Option<Opens> {
        Some(match (self, path) {
            (Self::Recall, [Tag::Assgnmt])
            | (Self::Investigation, [Tag::InvstgtnData])
            | (Self::StatusReport | Self::Return, [Tag::OrgnlGrpInf]) => Opens::Header,
            (_, [Tag::GrpHdr]) => Opens::Header,
            (Self::Initiation, [Tag::PmtInf]) | (Self::Recall, [Tag::Undrlyg]) => Opens::Group,
            (Self::CustomerTransfer | Self::InstitutionTransfer, [Tag::CdtTrfTxInf])
            | (Self::Return | Self::StatusReport, [Tag::TxInf])
            | (Self::Initiation, [Tag::PmtInf, Tag::CdtTrfTxInf])
            | (Self::Recall, [Tag::Undrlyg, Tag::TxInf])
            | (Self::Investigation, [Tag::InvstgtnReq]) => Opens::Transaction,
            _ => return None,
        })
    }
}

/// Bytes of a full name, such as `pacs.008.001.08`.
const NAME_BYTES: usize = "pacs.008.001.08".len();

/// The message and version that `name` is that of, whether the version is read or not; `None` where it is another message.
pub(super) fn named(name: &str) -> Option<(Definition, u8)> {
    let definition = Definition::ALL.into_iter().find(|one| name.starts_with(one.family()))?;
    let version = name.strip_prefix(definition.family())?.strip_prefix(".001.")?;
    let digits = version.len() == 2 && version.bytes().all(|digit| digit.is_ascii_digit());
    // What is no number is no version that is read.
    Some((definition, if digits { version.parse().unwrap_or(0) } else { 0 }))
}

/// The messages that attributes name, as namespaces do.
pub(super) fn stated(attributes: &[u8]) -> impl Iterator<Item = (Definition, u8)> {
    let starts = attributes.windows(".001.".len()).enumerate().filter(|(_, window)| *window == b".001.");
    starts.filter_map(|(at, _)| {
        let from = at.checked_sub("pacs.008".len())?;
        let name = attributes.get(from..(from + NAME_BYTES).min(attributes.len()))?;
        named(std::str::from_utf8(name).ok()?)
    })
}

impl Definition {
    /// Whether a version is read.
    pub(super) fn reads(self, version: u8) -> bool {
        let (first, last) = self.versions();
        (first..=last).contains(&version)
    }
}
