//! Where each element of a message goes.

use mareva_model::PartyRole;
use mareva_model::identifier::{phone, recognise, write_account, write_agent};

use super::tags::Tag;
use crate::decoder::PartyText;
use crate::row::text_parties;

/// A value that occurs at most once. The first five are of the group header and count for every transaction below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Slot {
    MsgId,
    CreationTime,
    GroupSettlementDate,
    GroupInstructing,
    GroupInstructingMember,
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

    /// What his institution does in the payment.
    pub(super) fn agent_role(self) -> PartyRole {
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
pub(crate) enum Extra {
    Name,
    /// BIC or clearing member id.
    Agent,
    /// Account number or IBAN.
    Account,
    Phone,
    /// Whatever the text shows itself to be; nothing, when it shows nothing.
    Any,
    /// Free text: what identifiers stand in it.
    Text,
}

impl Extra {
    /// Adds who is named by `text`.
    pub(crate) fn push(self, role: PartyRole, text: &str, found: &mut Vec<(PartyRole, PartyText)>) {
        let mut canonical = String::new();
        match self {
            Self::Name => return found.push((role, PartyText::Name(text.to_owned()))),
            Self::Text => return found.extend(text_parties(text)),
            Self::Agent => _ = write_agent(&mut canonical, text),
            Self::Account => _ = write_account(&mut canonical, text, None),
            Self::Phone => canonical = phone(text).unwrap_or_default(),
            Self::Any => canonical = recognise(text).map(|identifier| identifier.canonical).unwrap_or_default(),
        }
        if !canonical.is_empty() {
            found.push((role, PartyText::Identifier(canonical)));
        }
    }
}

/// Target of an element around the message: a party of the business application header.
pub(super) fn envelope(path: &[Tag]) -> Option<Target> {
    if path.last() == Some(&Tag::MsgDefIdr) {
        return Some(Target::MessageName);
    }
    path.contains(&Tag::HeaderParty).then(|| other(path)).flatten()
}

/// Target of an element of the group header, by its path below it.
pub(super) fn header(path: &[Tag]) -> Option<Target> {
    use Tag::{Bic, ClrSysMmbId, CreDtTm, FinInstnId, InstgAgt, IntrBkSttlmDt, MmbId, MsgId};
    let slot = match path {
        [MsgId] => Slot::MsgId,
        [CreDtTm] => Slot::CreationTime,
        [IntrBkSttlmDt] => Slot::GroupSettlementDate,
        [InstgAgt, FinInstnId, Bic] => Slot::GroupInstructing,
        [InstgAgt, FinInstnId, ClrSysMmbId, MmbId] => Slot::GroupInstructingMember,
        _ => return other(path),
    };
    Some(Target::Slot(slot as usize))
}

/// Target of an element of a transaction, by its path below it.
pub(super) fn transaction(path: &[Tag]) -> Option<Target> {
    let (first, rest) = path.split_first()?;
    let slot = match first {
        Tag::Dbtr => party(rest).map(|value| Side::Originator.slot(value)),
        Tag::Cdtr => party(rest).map(|value| Side::Beneficiary.slot(value)),
        Tag::DbtrAcct => account(rest).map(|value| Side::Originator.slot(value)),
        Tag::CdtrAcct => account(rest).map(|value| Side::Beneficiary.slot(value)),
        Tag::DbtrAgt => agent(rest).map(|value| Side::Originator.slot(value)),
        Tag::CdtrAgt => agent(rest).map(|value| Side::Beneficiary.slot(value)),
        Tag::InstgAgt => agent(rest).map(|value| match value {
            Of::AgentMember => Slot::InstructingMember as usize,
            _ => Slot::Instructing as usize,
        }),
        Tag::RmtInf if remittance(rest) => return Some(Target::Remittance),
        _ => payment(path).map(|slot| slot as usize),
    };
    slot.map(Target::Slot).or_else(|| other(path))
}

fn payment(path: &[Tag]) -> Option<Slot> {
    use Tag::{
        AccptncDtTm, Cd, ClrSysRef, CtgyPurp, EndToEndId, InstrId, IntrBkSttlmAmt, IntrBkSttlmDt, PmtId, PmtTpInf,
        Prtry, Purp, TxId, Uetr,
    };
    Some(match path {
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
    })
}

fn party(path: &[Tag]) -> Option<Of> {
    use Tag::{BirthDt, Ctry, CtryOfRes, DtAndPlcOfBirth, Id, Nm, PrvtId, PstlAdr};
    Some(match path {
        [Nm] => Of::Name,
        [PstlAdr, Ctry] => Of::AddressCountry,
        [CtryOfRes] => Of::Residence,
        [Id, PrvtId, DtAndPlcOfBirth, BirthDt] => Of::BirthDate,
        _ => return None,
    })
}

fn account(path: &[Tag]) -> Option<Of> {
    use Tag::{Iban, Id, Othr};
    match path {
        [Id, Iban] => Some(Of::Iban),
        [Id, Othr, Id] => Some(Of::OtherAccount),
        _ => None,
    }
}

fn agent(path: &[Tag]) -> Option<Of> {
    use Tag::{Bic, ClrSysMmbId, FinInstnId, MmbId};
    match path {
        [FinInstnId, Bic] => Some(Of::Agent),
        [FinInstnId, ClrSysMmbId, MmbId] => Some(Of::AgentMember),
        _ => None,
    }
}

fn remittance(path: &[Tag]) -> bool {
    use Tag::{AddtlRmtInf, CdtrRefInf, Nb, Ref, RfrdDocInf, Strd, Ustrd};
    matches!(path, [Ustrd] | [Strd, AddtlRmtInf] | [Strd, CdtrRefInf, Ref] | [Strd, RfrdDocInf, Nb])
}

/// Whoever else an element names, wherever it stands: he acts as the innermost element around it says, and comes with the
/// remittance information when none does.
pub(super) fn other(path: &[Tag]) -> Option<Target> {
    let (last, around) = path.split_last()?;
    let in_account = around.iter().any(|tag| tag.is_account());
    let extra = last.extra(in_account)?;
    // Other elements of this name number branches and the like.
    if *last == Tag::Id && !matches!(around.last(), Some(Tag::Othr | Tag::Prxy)) {
        return None;
    }
    let extra = if around.last() == Some(&Tag::Prxy) { Extra::Any } else { extra };
    let role = around.iter().rev().find_map(|tag| tag.role());
    Some(Target::Extra(role.unwrap_or(PartyRole::Remittance), extra))
}
