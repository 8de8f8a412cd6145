//! Where each element of a message goes.

use mareva_model::PartyRole;

use super::tags::Tag;

/// A value that occurs at most once. The first six are of the group header and count for every transaction below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Slot {
    MsgId,
    CreationTime,
    GroupSettlementDate,
    GroupInstructing,
    GroupInstructingMember,
    GroupInstructed,
    InstrId,
    EndToEndId,
    TxId,
    Uetr,
    ClearingRef,
    Amount,
    Currency,
    SettlementDate,
    AcceptanceTime,
    Purpose,
    CategoryPurpose,
    Instructing,
    InstructingMember,
}

/// Slots of the group header.
pub(super) const HEADER_SLOTS: usize = Slot::InstrId as usize;
const PARTY_SLOTS: usize = Slot::InstructingMember as usize + 1;
/// All slots: those above, then those of the two parties.
pub(super) const SLOTS: usize = PARTY_SLOTS + 2 * (Of::AgentMember as usize + 1);

/// Which of the two parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Side {
    Originator,
    Beneficiary,
}

/// A value of a party that has a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Of {
    Name,
    AddressCountry,
    Residence,
    BirthDate,
    Iban,
    OtherAccount,
    Agent,
    AgentMember,
}

impl Side {
    /// Index of the slot for a value of this party.
    pub(super) const fn slot(self, value: Of) -> usize {
        PARTY_SLOTS + self as usize * (Of::AgentMember as usize + 1) + value as usize
    }

    fn role(self) -> PartyRole {
        match self {
            Self::Originator => PartyRole::Originator,
            Self::Beneficiary => PartyRole::Beneficiary,
        }
    }

    fn agent_role(self) -> PartyRole {
        match self {
            Self::Originator => PartyRole::OriginatorAgent,
            Self::Beneficiary => PartyRole::BeneficiaryAgent,
        }
    }
}

/// Where the text of an element goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A slot, by index.
    Slot(usize),
    /// Parties without a column, any number of them.
    Extra(PartyRole, Extra),
    /// A part of the remittance text.
    Remittance,
    /// The name of the message, in the business application header.
    MessageName,
}

/// What the text of a party without a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extra {
    Name,
    /// BIC or clearing member id.
    Agent,
    /// Account number or IBAN.
    Account,
    Phone,
    /// Whatever the text shows itself to be; nothing, when it shows nothing.
    Any,
}

/// Target of an element of the group header, by its path below it.
pub(super) fn header(path: &[Tag]) -> Option<Target> {
    use Tag::{Bic, ClrSysMmbId, CreDtTm, FinInstnId, InstdAgt, InstgAgt, IntrBkSttlmDt, MmbId, MsgId};
    let slot = match path {
        [MsgId] => Slot::MsgId,
        [CreDtTm] => Slot::CreationTime,
        [IntrBkSttlmDt] => Slot::GroupSettlementDate,
        [InstgAgt, FinInstnId, Bic] => Slot::GroupInstructing,
        [InstgAgt, FinInstnId, ClrSysMmbId, MmbId] => Slot::GroupInstructingMember,
        [InstdAgt, FinInstnId, Bic] => Slot::GroupInstructed,
        _ => return None,
    };
    Some(Target::Slot(slot as usize))
}

/// Target of an element of a transaction, by its path below it.
pub(super) fn transaction(path: &[Tag]) -> Option<Target> {
    let (first, rest) = path.split_first()?;
    let role = match first {
        Tag::Dbtr => return party(Some(Side::Originator), PartyRole::Originator, rest),
        Tag::Cdtr => return party(Some(Side::Beneficiary), PartyRole::Beneficiary, rest),
        Tag::UltmtDbtr => return party(None, PartyRole::UltimateOriginator, rest),
        Tag::UltmtCdtr => return party(None, PartyRole::UltimateBeneficiary, rest),
        Tag::InitgPty => return party(None, PartyRole::InitiatingParty, rest),
        Tag::DbtrAcct => return account(Some(Side::Originator), PartyRole::Originator, rest),
        Tag::CdtrAcct => return account(Some(Side::Beneficiary), PartyRole::Beneficiary, rest),
        Tag::DbtrAgtAcct => return account(None, PartyRole::OriginatorAgent, rest),
        Tag::CdtrAgtAcct => return account(None, PartyRole::BeneficiaryAgent, rest),
        Tag::IntrmyAgtAcct | Tag::PrvsInstgAgtAcct => {
            return account(None, PartyRole::IntermediaryAgent, rest);
        }
        Tag::RmtInf => return remittance(rest),
        Tag::DbtrAgt => Side::Originator.agent_role(),
        Tag::CdtrAgt => Side::Beneficiary.agent_role(),
        Tag::InstgAgt | Tag::InstdAgt | Tag::IntrmyAgt | Tag::PrvsInstgAgt => PartyRole::IntermediaryAgent,
        _ => return payment(path),
    };
    agent(*first, role, rest)
}

fn payment(path: &[Tag]) -> Option<Target> {
    use Tag::{
        AccptncDtTm, Cd, ClrSysRef, CtgyPurp, EndToEndId, InstrId, IntrBkSttlmAmt, IntrBkSttlmDt, PmtId, PmtTpInf,
        Prtry, Purp, TxId, Uetr,
    };
    let slot = match path {
        [PmtId, InstrId] => Slot::InstrId,
        [PmtId, EndToEndId] => Slot::EndToEndId,
        [PmtId, TxId] => Slot::TxId,
        [PmtId, Uetr] => Slot::Uetr,
        [PmtId, ClrSysRef] => Slot::ClearingRef,
        [PmtTpInf, CtgyPurp, Cd | Prtry] => Slot::CategoryPurpose,
        [Purp, Cd | Prtry] => Slot::Purpose,
        [IntrBkSttlmAmt] => Slot::Amount,
        [IntrBkSttlmDt] => Slot::SettlementDate,
        [AccptncDtTm] => Slot::AcceptanceTime,
        _ => return None,
    };
    Some(Target::Slot(slot as usize))
}

fn party(side: Option<Side>, role: PartyRole, path: &[Tag]) -> Option<Target> {
    use Tag::{
        AnyBic, Bic, BirthDt, CtctDtls, Ctry, CtryOfRes, DtAndPlcOfBirth, Id, MobNb, Nm, OrgId, Othr, PhneNb, PrvtId,
        PstlAdr,
    };
    let slot = |value| side.map(|side| Target::Slot(side.slot(value)));
    match path {
        [Nm] => slot(Of::Name).or(Some(Target::Extra(role, Extra::Name))),
        [PstlAdr, Ctry] => slot(Of::AddressCountry),
        [CtryOfRes] => slot(Of::Residence),
        [Id, PrvtId, DtAndPlcOfBirth, BirthDt] => slot(Of::BirthDate),
        [Id, OrgId, AnyBic | Bic] => Some(Target::Extra(role, Extra::Agent)),
        [Id, OrgId | PrvtId, Othr, Id] => Some(Target::Extra(role, Extra::Any)),
        [CtctDtls, Nm] => Some(Target::Extra(role, Extra::Name)),
        [CtctDtls, PhneNb | MobNb] => Some(Target::Extra(role, Extra::Phone)),
        _ => None,
    }
}

fn account(side: Option<Side>, role: PartyRole, path: &[Tag]) -> Option<Target> {
    use Tag::{Iban, Id, Nm, Othr, Prxy};
    let slot = |value| side.map_or(Target::Extra(role, Extra::Account), |side| Target::Slot(side.slot(value)));
    match path {
        [Id, Iban] => Some(slot(Of::Iban)),
        [Id, Othr, Id] => Some(slot(Of::OtherAccount)),
        [Prxy, Id] => Some(Target::Extra(role, Extra::Any)),
        [Nm] => Some(Target::Extra(side.map_or(role, Side::role), Extra::Name)),
        _ => None,
    }
}

fn agent(tag: Tag, role: PartyRole, path: &[Tag]) -> Option<Target> {
    use Tag::{Bic, BrnchId, ClrSysMmbId, FinInstnId, MmbId, Nm};
    let slots = match tag {
        Tag::DbtrAgt => Some((Side::Originator.slot(Of::Agent), Side::Originator.slot(Of::AgentMember))),
        Tag::CdtrAgt => Some((Side::Beneficiary.slot(Of::Agent), Side::Beneficiary.slot(Of::AgentMember))),
        Tag::InstgAgt => Some((Slot::Instructing as usize, Slot::InstructingMember as usize)),
        _ => None,
    };
    match path {
        [FinInstnId, Bic] => Some(slots.map_or(Target::Extra(role, Extra::Agent), |(bic, _)| Target::Slot(bic))),
        [FinInstnId, ClrSysMmbId, MmbId] => {
            Some(slots.map_or(Target::Extra(role, Extra::Agent), |(_, member)| Target::Slot(member)))
        }
        [FinInstnId | BrnchId, Nm] => Some(Target::Extra(role, Extra::Name)),
        _ => None,
    }
}

fn remittance(path: &[Tag]) -> Option<Target> {
    use Tag::{AddtlRmtInf, CdtrRefInf, Invcee, Invcr, Nb, Nm, Ref, RfrdDocInf, Strd, Ustrd};
    match path {
        [Ustrd] | [Strd, AddtlRmtInf] | [Strd, CdtrRefInf, Ref] | [Strd, RfrdDocInf, Nb] => Some(Target::Remittance),
        [Strd, Invcr | Invcee, Nm] => Some(Target::Extra(PartyRole::Remittance, Extra::Name)),
        _ => None,
    }
}
