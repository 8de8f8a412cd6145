//! The elements of a message that are read. Names are those of the ISO 20022 schemas, all versions.

use mareva_model::PartyRole;

use super::places::Extra;

/// An element by its local name. What a message may have several of, or call by several names, is one tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Other,
    AccptncDtTm,
    AddtlRmtInf,
    /// Who takes a charge.
    Agt,
    /// BIC of an agent or of any party.
    Bic,
    BirthDt,
    Cd,
    Cdtr,
    CdtrAcct,
    CdtrAgt,
    CdtrAgtAcct,
    CdtrRefInf,
    CdtTrfTxInf,
    ClrSysMmbId,
    ClrSysRef,
    CreDtTm,
    CtgyPurp,
    Ctry,
    CtryOfRes,
    Dbtr,
    DbtrAcct,
    DbtrAgt,
    DbtrAgtAcct,
    DtAndPlcOfBirth,
    EndToEndId,
    FinInstnId,
    FiToFiCstmrCdtTrf,
    GrpHdr,
    /// Sender and receiver, in the business application header.
    HeaderParty,
    Iban,
    Id,
    InitgPty,
    InstdAgt,
    InstgAgt,
    /// Instructions for the agent of the creditor and for the next one.
    InstrForAgt,
    InstrId,
    InstrInf,
    IntrBkSttlmAmt,
    IntrBkSttlmDt,
    IntrmyAgt,
    IntrmyAgtAcct,
    MmbId,
    MsgDefIdr,
    MsgId,
    Nb,
    Nm,
    Othr,
    Phone,
    PmtId,
    PmtTpInf,
    Prtry,
    PrvsInstgAgt,
    PrvsInstgAgtAcct,
    PrvtId,
    Prxy,
    PstlAdr,
    Purp,
    Ref,
    RfrdDocInf,
    RltdRmtInf,
    /// The three of them.
    RmbrsmntAgt,
    RmbrsmntAgtAcct,
    RmtInf,
    Strd,
    SttlmAcct,
    TxId,
    Uetr,
    UltmtCdtr,
    UltmtDbtr,
    Ustrd,
}

impl Tag {
    /// The tag of a local name.
    pub(crate) fn of(local_name: &[u8]) -> Self {
        match local_name {
            b"AccptncDtTm" => Self::AccptncDtTm,
            b"AddtlRmtInf" => Self::AddtlRmtInf,
            b"Agt" | b"Pty" => Self::Agt,
            b"BIC" | b"BICFI" | b"AnyBIC" | b"BICOrBEI" => Self::Bic,
            b"BirthDt" => Self::BirthDt,
            b"Cd" => Self::Cd,
            b"Cdtr" => Self::Cdtr,
            b"CdtrAcct" => Self::CdtrAcct,
            b"CdtrAgt" => Self::CdtrAgt,
            b"CdtrAgtAcct" => Self::CdtrAgtAcct,
            b"CdtrRefInf" => Self::CdtrRefInf,
            b"CdtTrfTxInf" => Self::CdtTrfTxInf,
            b"ClrSysMmbId" => Self::ClrSysMmbId,
            b"ClrSysRef" => Self::ClrSysRef,
            b"CreDtTm" => Self::CreDtTm,
            b"CtgyPurp" => Self::CtgyPurp,
            b"Ctry" => Self::Ctry,
            b"CtryOfRes" => Self::CtryOfRes,
            b"Dbtr" => Self::Dbtr,
            b"DbtrAcct" => Self::DbtrAcct,
            b"DbtrAgt" => Self::DbtrAgt,
            b"DbtrAgtAcct" => Self::DbtrAgtAcct,
            b"DtAndPlcOfBirth" => Self::DtAndPlcOfBirth,
            b"EndToEndId" => Self::EndToEndId,
            b"FinInstnId" => Self::FinInstnId,
            b"FIToFICstmrCdtTrf" => Self::FiToFiCstmrCdtTrf,
            b"GrpHdr" => Self::GrpHdr,
            b"Fr" | b"To" => Self::HeaderParty,
            b"IBAN" => Self::Iban,
            b"Id" => Self::Id,
            b"InitgPty" => Self::InitgPty,
            b"InstdAgt" => Self::InstdAgt,
            b"InstgAgt" => Self::InstgAgt,
            b"InstrForCdtrAgt" | b"InstrForNxtAgt" => Self::InstrForAgt,
            b"InstrId" => Self::InstrId,
            b"InstrInf" => Self::InstrInf,
            other => Self::of_second_half(other),
        }
    }

    fn of_second_half(local_name: &[u8]) -> Self {
        match local_name {
            b"IntrBkSttlmAmt" => Self::IntrBkSttlmAmt,
            b"IntrBkSttlmDt" => Self::IntrBkSttlmDt,
            b"IntrmyAgt1" | b"IntrmyAgt2" | b"IntrmyAgt3" => Self::IntrmyAgt,
            b"IntrmyAgt1Acct" | b"IntrmyAgt2Acct" | b"IntrmyAgt3Acct" => Self::IntrmyAgtAcct,
            b"MmbId" => Self::MmbId,
            b"MsgDefIdr" => Self::MsgDefIdr,
            b"MsgId" => Self::MsgId,
            b"Nb" => Self::Nb,
            b"Nm" => Self::Nm,
            b"Othr" => Self::Othr,
            b"PhneNb" | b"MobNb" => Self::Phone,
            b"PmtId" => Self::PmtId,
            b"PmtTpInf" => Self::PmtTpInf,
            b"Prtry" => Self::Prtry,
            b"PrvsInstgAgt" | b"PrvsInstgAgt1" | b"PrvsInstgAgt2" | b"PrvsInstgAgt3" => Self::PrvsInstgAgt,
            b"PrvsInstgAgtAcct" | b"PrvsInstgAgt1Acct" | b"PrvsInstgAgt2Acct" | b"PrvsInstgAgt3Acct" => {
                Self::PrvsInstgAgtAcct
            }
            b"PrvtId" => Self::PrvtId,
            b"Prxy" => Self::Prxy,
            b"PstlAdr" => Self::PstlAdr,
            b"Purp" => Self::Purp,
            b"Ref" => Self::Ref,
            b"RfrdDocInf" => Self::RfrdDocInf,
            b"RltdRmtInf" => Self::RltdRmtInf,
            b"InstgRmbrsmntAgt" | b"InstdRmbrsmntAgt" | b"ThrdRmbrsmntAgt" => Self::RmbrsmntAgt,
            b"InstgRmbrsmntAgtAcct" | b"InstdRmbrsmntAgtAcct" | b"ThrdRmbrsmntAgtAcct" => Self::RmbrsmntAgtAcct,
            b"RmtInf" => Self::RmtInf,
            b"Strd" => Self::Strd,
            b"SttlmAcct" => Self::SttlmAcct,
            b"TxId" => Self::TxId,
            b"UETR" => Self::Uetr,
            b"UltmtCdtr" => Self::UltmtCdtr,
            b"UltmtDbtr" => Self::UltmtDbtr,
            b"Ustrd" => Self::Ustrd,
            _ => Self::Other,
        }
    }

    /// Whom the elements inside speak of.
    pub(crate) fn role(self) -> Option<PartyRole> {
        Some(match self {
            Self::Dbtr | Self::DbtrAcct => PartyRole::Originator,
            Self::Cdtr | Self::CdtrAcct => PartyRole::Beneficiary,
            Self::DbtrAgt | Self::DbtrAgtAcct => PartyRole::OriginatorAgent,
            Self::CdtrAgt | Self::CdtrAgtAcct => PartyRole::BeneficiaryAgent,
            Self::UltmtDbtr => PartyRole::UltimateOriginator,
            Self::UltmtCdtr => PartyRole::UltimateBeneficiary,
            Self::InitgPty => PartyRole::InitiatingParty,
            Self::Agt
            | Self::HeaderParty
            | Self::InstdAgt
            | Self::InstgAgt
            | Self::IntrmyAgt
            | Self::IntrmyAgtAcct
            | Self::PrvsInstgAgt
            | Self::PrvsInstgAgtAcct
            | Self::RmbrsmntAgt
            | Self::RmbrsmntAgtAcct
            | Self::SttlmAcct => PartyRole::IntermediaryAgent,
            Self::InstrForAgt | Self::RltdRmtInf | Self::RmtInf => PartyRole::Remittance,
            _ => return None,
        })
    }

    /// Whether an id inside is the number of an account.
    pub(crate) fn is_account(self) -> bool {
        matches!(
            self,
            Self::CdtrAcct
                | Self::CdtrAgtAcct
                | Self::DbtrAcct
                | Self::DbtrAgtAcct
                | Self::IntrmyAgtAcct
                | Self::PrvsInstgAgtAcct
                | Self::RmbrsmntAgtAcct
                | Self::SttlmAcct
        )
    }

    /// What the text of the element is to screening.
    pub(crate) fn extra(self, in_account: bool) -> Option<Extra> {
        Some(match self {
            Self::Nm => Extra::Name,
            Self::Bic | Self::MmbId => Extra::Agent,
            Self::Iban => Extra::Account,
            Self::Id if in_account => Extra::Account,
            Self::Id => Extra::Any,
            Self::Phone => Extra::Phone,
            Self::AddtlRmtInf | Self::InstrInf | Self::Nb | Self::Ref | Self::Ustrd => Extra::Text,
            _ => return None,
        })
    }
}
