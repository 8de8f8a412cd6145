//! The elements of a message that are read. Names are those of the ISO 20022 schemas, all versions.

use mareva_model::PartyRole;

use super::places::Extra;

/// An element by its local name. What a message may have several of, or call by several names, is one tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Other,
    AccptncDtTm,
    /// An account that says of no party whose it is.
    Acct,
    /// Words beside the reason of a return, a status or a recall.
    AddtlInf,
    AddtlRmtInf,
    /// Who takes a charge; or the choice between person and institution that stands around a party.
    Agt,
    Amt,
    AppHdr,
    Assgne,
    Assgnmt,
    Assgnr,
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
    ChrgsAcct,
    ChrgsAcctAgt,
    ClrSysMmbId,
    ClrSysRef,
    CreDt,
    CreDtTm,
    Cretr,
    CstmrCdtTrfInitn,
    CtgyPurp,
    Ctry,
    CtryOfRes,
    Dbtr,
    DbtrAcct,
    DbtrAgt,
    DbtrAgtAcct,
    /// A date, or a date and time, in a choice of the two.
    Dt,
    DtAndPlcOfBirth,
    EndToEndId,
    EqvtAmt,
    FiCdtTrf,
    FinInstnId,
    FiToFiCstmrCdtTrf,
    FiToFiPmtCxlReq,
    FiToFiPmtStsRpt,
    FwdgAgt,
    GrpHdr,
    /// Sender and receiver, in the business application header.
    HeaderParty,
    Iban,
    Id,
    InitgPty,
    InstdAgt,
    InstdAmt,
    InstgAgt,
    /// Instructions for the agent of the creditor and for the next one.
    InstrForAgt,
    /// Instructions for the agent of the debtor: a text, in later versions elements.
    InstrForDbtrAgt,
    InstrId,
    InstrInf,
    IntrBkSttlmAmt,
    IntrBkSttlmDt,
    IntrmyAgt,
    IntrmyAgtAcct,
    InvstgtnData,
    InvstgtnReq,
    MmbId,
    MsgDefIdr,
    MsgId,
    Nb,
    Nm,
    /// What an original message was, also with its status or the cancellation of all of it.
    OrgnlGrpInf,
    OrgnlClrSysRef,
    OrgnlEndToEndId,
    OrgnlInstrId,
    /// Settled or instructed.
    OrgnlAmt,
    OrgnlIntrBkSttlmDt,
    OrgnlMsgNmId,
    OrgnlTxId,
    OrgnlTxRef,
    OrgnlUetr,
    /// Who wants the money back.
    Orgtr,
    Othr,
    /// The message's own id of one of its transactions.
    OwnId,
    Phone,
    PmtId,
    PmtInf,
    PmtRtr,
    PmtTpInf,
    Prtry,
    PrvsInstgAgt,
    PrvsInstgAgtAcct,
    PrvtId,
    Prxy,
    PstlAdr,
    Purp,
    Ref,
    ReqdExctnDt,
    RfrdDocInf,
    RltdRmtInf,
    /// The three of them.
    RmbrsmntAgt,
    RmbrsmntAgtAcct,
    RmtInf,
    Rqstr,
    Rsn,
    /// Of a cancellation, a return, a status.
    RsnInf,
    Rspndr,
    RtrChain,
    RtrdIntrBkSttlmAmt,
    Strd,
    Sts,
    SttlmAcct,
    TxId,
    /// A transaction that is returned, recalled or reported on.
    TxInf,
    Uetr,
    UltmtCdtr,
    UltmtDbtr,
    Undrlyg,
    Ustrd,
}

impl Tag {
    /// The tag of a local name.
    pub(crate) fn of(local_name: &[u8]) -> Self {
        match local_name {
            b"AccptncDtTm" => Self::AccptncDtTm,
            b"Acct" | b"OrgnlAcct" | b"CompstnAcct" => Self::Acct,
            b"AddtlInf" | b"AddtlCxlRsnInf" | b"ReqNrrtv" => Self::AddtlInf,
            b"AddtlRmtInf" => Self::AddtlRmtInf,
            b"Agt" | b"Pty" => Self::Agt,
            b"Amt" => Self::Amt,
            b"AppHdr" => Self::AppHdr,
            b"Assgne" => Self::Assgne,
            b"Assgnmt" => Self::Assgnmt,
            b"Assgnr" => Self::Assgnr,
            b"BIC" | b"BICFI" | b"AnyBIC" | b"BICOrBEI" => Self::Bic,
            b"BirthDt" => Self::BirthDt,
            b"Cd" => Self::Cd,
            b"Cdtr" => Self::Cdtr,
            b"CdtrAcct" => Self::CdtrAcct,
            b"CdtrAgt" => Self::CdtrAgt,
            b"CdtrAgtAcct" => Self::CdtrAgtAcct,
            b"CdtrRefInf" => Self::CdtrRefInf,
            b"CdtTrfTxInf" => Self::CdtTrfTxInf,
            b"ChrgsAcct" => Self::ChrgsAcct,
            b"ChrgsAcctAgt" => Self::ChrgsAcctAgt,
            b"ClrSysMmbId" => Self::ClrSysMmbId,
            b"ClrSysRef" => Self::ClrSysRef,
            b"CreDt" => Self::CreDt,
            b"CreDtTm" => Self::CreDtTm,
            b"Cretr" => Self::Cretr,
            b"CstmrCdtTrfInitn" => Self::CstmrCdtTrfInitn,
            b"CtgyPurp" => Self::CtgyPurp,
            b"Ctry" => Self::Ctry,
            b"CtryOfRes" => Self::CtryOfRes,
            b"Dbtr" => Self::Dbtr,
            b"DbtrAcct" => Self::DbtrAcct,
            b"DbtrAgt" => Self::DbtrAgt,
            b"DbtrAgtAcct" => Self::DbtrAgtAcct,
            b"Dt" | b"DtTm" => Self::Dt,
            b"DtAndPlcOfBirth" => Self::DtAndPlcOfBirth,
            b"EndToEndId" => Self::EndToEndId,
            b"EqvtAmt" => Self::EqvtAmt,
            b"FICdtTrf" | b"FinInstnCdtTrf" => Self::FiCdtTrf,
            b"FinInstnId" => Self::FinInstnId,
            b"FIToFICstmrCdtTrf" => Self::FiToFiCstmrCdtTrf,
            b"FIToFIPmtCxlReq" => Self::FiToFiPmtCxlReq,
            b"FIToFIPmtStsRpt" => Self::FiToFiPmtStsRpt,
            b"FwdgAgt" => Self::FwdgAgt,
            other => Self::from_g(other),
        }
    }

    fn from_g(local_name: &[u8]) -> Self {
        match local_name {
            b"GrpHdr" => Self::GrpHdr,
            b"GrpSts" | b"TxSts" => Self::Sts,
            b"Fr" | b"To" => Self::HeaderParty,
            b"IBAN" => Self::Iban,
            b"Id" => Self::Id,
            b"InitgPty" => Self::InitgPty,
            b"InstdAgt" => Self::InstdAgt,
            b"InstdAmt" => Self::InstdAmt,
            b"InstgAgt" => Self::InstgAgt,
            b"InstrForCdtrAgt" | b"InstrForNxtAgt" => Self::InstrForAgt,
            b"InstrForDbtrAgt" => Self::InstrForDbtrAgt,
            b"InstrId" => Self::InstrId,
            b"InstrInf" => Self::InstrInf,
            b"IntrBkSttlmAmt" => Self::IntrBkSttlmAmt,
            b"IntrBkSttlmDt" => Self::IntrBkSttlmDt,
            b"IntrmyAgt1" | b"IntrmyAgt2" | b"IntrmyAgt3" => Self::IntrmyAgt,
            b"IntrmyAgt1Acct" | b"IntrmyAgt2Acct" | b"IntrmyAgt3Acct" => Self::IntrmyAgtAcct,
            b"InvstgtnData" => Self::InvstgtnData,
            b"InvstgtnReq" => Self::InvstgtnReq,
            b"MmbId" => Self::MmbId,
            b"MsgDefIdr" => Self::MsgDefIdr,
            b"MsgId" => Self::MsgId,
            b"Nb" => Self::Nb,
            b"Nm" => Self::Nm,
            b"OrgnlClrSysRef" => Self::OrgnlClrSysRef,
            b"OrgnlEndToEndId" => Self::OrgnlEndToEndId,
            b"OrgnlGrpInf" | b"OrgnlGrpInfAndSts" | b"OrgnlGrpInfAndCxl" => Self::OrgnlGrpInf,
            b"OrgnlInstrId" => Self::OrgnlInstrId,
            b"OrgnlIntrBkSttlmAmt" | b"OrgnlInstdAmt" => Self::OrgnlAmt,
            b"OrgnlIntrBkSttlmDt" => Self::OrgnlIntrBkSttlmDt,
            b"OrgnlMsgNmId" => Self::OrgnlMsgNmId,
            b"OrgnlTxId" => Self::OrgnlTxId,
            b"OrgnlTxRef" => Self::OrgnlTxRef,
            b"OrgnlUETR" => Self::OrgnlUetr,
            b"Orgtr" => Self::Orgtr,
            b"Othr" => Self::Othr,
            other => Self::from_p(other),
        }
    }

    fn from_p(local_name: &[u8]) -> Self {
        match local_name {
            b"PhneNb" | b"MobNb" => Self::Phone,
            b"PmtId" => Self::PmtId,
            b"PmtInf" => Self::PmtInf,
            b"PmtRtr" => Self::PmtRtr,
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
            b"ReqdExctnDt" => Self::ReqdExctnDt,
            b"RfrdDocInf" => Self::RfrdDocInf,
            b"RltdRmtInf" => Self::RltdRmtInf,
            b"InstgRmbrsmntAgt" | b"InstdRmbrsmntAgt" | b"ThrdRmbrsmntAgt" => Self::RmbrsmntAgt,
            b"InstgRmbrsmntAgtAcct" | b"InstdRmbrsmntAgtAcct" | b"ThrdRmbrsmntAgtAcct" => Self::RmbrsmntAgtAcct,
            b"RmtInf" => Self::RmtInf,
            b"Rqstr" | b"ReqOrgtr" => Self::Rqstr,
            b"Rsn" | b"CxlRsn" => Self::Rsn,
            b"CxlRsnInf" | b"RtrRsnInf" | b"StsRsnInf" => Self::RsnInf,
            b"Rspndr" | b"XpctdRspndr" => Self::Rspndr,
            b"RtrChain" => Self::RtrChain,
            b"RtrdIntrBkSttlmAmt" => Self::RtrdIntrBkSttlmAmt,
            b"CxlId" | b"RtrId" | b"StsId" | b"RqstrInvstgtnId" => Self::OwnId,
            b"Strd" => Self::Strd,
            b"SttlmAcct" => Self::SttlmAcct,
            b"TxId" => Self::TxId,
            b"TxInf" | b"TxInfAndSts" => Self::TxInf,
            b"UETR" => Self::Uetr,
            b"UltmtCdtr" => Self::UltmtCdtr,
            b"UltmtDbtr" => Self::UltmtDbtr,
            b"Undrlyg" => Self::Undrlyg,
            b"Ustrd" => Self::Ustrd,
            _ => Self::Other,
        }
    }

    /// Whom the elements inside speak of.
    pub(crate) fn role(self) -> Option<PartyRole> {
        Some(match self {
            Self::Dbtr | Self::DbtrAcct | Self::ChrgsAcct => PartyRole::Originator,
            Self::Cdtr | Self::CdtrAcct => PartyRole::Beneficiary,
            Self::DbtrAgt | Self::DbtrAgtAcct | Self::ChrgsAcctAgt => PartyRole::OriginatorAgent,
            Self::CdtrAgt | Self::CdtrAgtAcct => PartyRole::BeneficiaryAgent,
            Self::UltmtDbtr => PartyRole::UltimateOriginator,
            Self::UltmtCdtr => PartyRole::UltimateBeneficiary,
            Self::InitgPty | Self::Orgtr => PartyRole::InitiatingParty,
            Self::Agt
            | Self::Assgne
            | Self::Assgnr
            | Self::Cretr
            | Self::FwdgAgt
            | Self::HeaderParty
            | Self::InstdAgt
            | Self::InstgAgt
            | Self::IntrmyAgt
            | Self::IntrmyAgtAcct
            | Self::PrvsInstgAgt
            | Self::PrvsInstgAgtAcct
            | Self::RmbrsmntAgt
            | Self::RmbrsmntAgtAcct
            | Self::Rqstr
            | Self::Rspndr
            | Self::SttlmAcct => PartyRole::IntermediaryAgent,
            Self::Acct | Self::InstrForAgt | Self::InstrForDbtrAgt | Self::RltdRmtInf | Self::RmtInf => {
                PartyRole::Remittance
            }
            _ => return None,
        })
    }

    /// Whether an id inside is the number of an account.
    pub(crate) fn is_account(self) -> bool {
        matches!(
            self,
            Self::Acct
                | Self::CdtrAcct
                | Self::CdtrAgtAcct
                | Self::ChrgsAcct
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
            Self::AddtlInf
            | Self::AddtlRmtInf
            | Self::InstrForDbtrAgt
            | Self::InstrInf
            | Self::Nb
            | Self::Ref
            | Self::Ustrd => Extra::Text,
            _ => return None,
        })
    }
}
