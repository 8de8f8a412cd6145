//! Where each element of a message goes.

use mareva_model::PartyRole;
use mareva_model::identifier::{phone, recognise, write_account, write_agent};

use super::definition::Definition;
use super::tags::Tag;
use crate::decoder::PartyText;
use crate::row::text_parties;

/// A value that occurs at most once in a part of a message. Ids and dates are those of the payment, which is another one in
/// messages about payments. The currency stands behind its amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Slot {
    MsgId,
    CreationTime,
    /// Of the business application header.
    HeaderTime,
    /// The message's own id of a return, a status, a recall or an investigation.
    OwnId,
    InstrId,
    EndToEndId,
    TxId,
    Uetr,
    ClearingRef,
    Amount,
    Currency,
    /// In the original transaction reference: what was settled, and what was ordered.
    ReferenceAmount,
    ReferenceCurrency,
    InstructedAmount,
    InstructedCurrency,
    SettlementDate,
    ReferenceDate,
    AcceptanceTime,
    Purpose,
    CategoryPurpose,
    Status,
    Reason,
    OriginalMessageName,
    Instructing,
    InstructingMember,
    Instructed,
    InstructedMember,
}

/// Slots whose value has a currency, which goes to the next slot.
const AMOUNTS: [Slot; 3] = [Slot::Amount, Slot::ReferenceAmount, Slot::InstructedAmount];

/// Slots of agents that have no column.
pub(super) const AGENTS: [Slot; 4] =
    [Slot::Instructing, Slot::InstructingMember, Slot::Instructed, Slot::InstructedMember];

const PARTY_SLOTS: usize = Slot::InstructedMember as usize + 1;
const VALUES: usize = Of::AgentMember as usize + 1;
/// All slots: those above, then those of both parties in both accounts of them.
pub(super) const SLOTS: usize = PARTY_SLOTS + 2 * 2 * VALUES;

/// Who tells of the two parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Telling {
    /// The payment itself; of a return, its own chain.
    Own,
    /// The reference to the original payment.
    Reference,
}

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
    /// Where the party is an institution itself.
    Institution,
    InstitutionMember,
    Agent,
    AgentMember,
}

impl Of {
    /// The values that are screened.
    pub(super) const SCREENED: [Self; 7] = [
        Self::Name,
        Self::Iban,
        Self::OtherAccount,
        Self::Institution,
        Self::InstitutionMember,
        Self::Agent,
        Self::AgentMember,
    ];
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Originator, Self::Beneficiary];

    /// What his institution does in the payment.
    pub(super) fn agent_role(self) -> PartyRole {
        match self {
            Self::Originator => PartyRole::OriginatorAgent,
            Self::Beneficiary => PartyRole::BeneficiaryAgent,
        }
    }

    /// What he does himself.
    pub(super) fn role(self) -> PartyRole {
        match self {
            Self::Originator => PartyRole::Originator,
            Self::Beneficiary => PartyRole::Beneficiary,
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Originator => Self::Beneficiary,
            Self::Beneficiary => Self::Originator,
        }
    }
}

impl Telling {
    pub(super) const BOTH: [Self; 2] = [Self::Own, Self::Reference];

    /// Index of the slot for a value of a party.
    pub(super) const fn slot(self, side: Side, value: Of) -> usize {
        PARTY_SLOTS + (self as usize * 2 + side as usize) * VALUES + value as usize
    }
}

/// Whether a slot holds an amount, whose currency goes to the next one.
pub(super) fn is_amount(slot: usize) -> bool {
    AMOUNTS.iter().any(|amount| *amount as usize == slot)
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
    /// Its time there.
    HeaderTime,
}

impl From<Slot> for Target {
    fn from(slot: Slot) -> Self {
        Self::Slot(slot as usize)
    }
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
    match path {
        [.., Tag::MsgDefIdr] => Some(Target::MessageName),
        [.., Tag::AppHdr, Tag::CreDt] => Some(Target::HeaderTime),
        _ => path.contains(&Tag::HeaderParty).then(|| other(path)).flatten(),
    }
}

/// Target of an element of a header, by the header's element and the path below it.
pub(super) fn header(header: Tag, path: &[Tag]) -> Option<Target> {
    use Tag::{
        Assgnmt, Cd, CreDtTm, GrpHdr, Id, InstdAgt, InstgAgt, IntrBkSttlmDt, InvstgtnData, MsgId, OrgnlGrpInf,
        OrgnlMsgNmId, Prtry, Rsn, RsnInf, Sts,
    };
    let slot = match (header, path) {
        (GrpHdr, [MsgId]) | (Assgnmt, [Id]) => Slot::MsgId,
        (GrpHdr | Assgnmt, [CreDtTm]) => Slot::CreationTime,
        (GrpHdr, [IntrBkSttlmDt]) => Slot::SettlementDate,
        (GrpHdr, [InstgAgt | InstdAgt, ..]) | (Assgnmt, _) => return sender(path).or_else(|| other(path)),
        (OrgnlGrpInf, [OrgnlMsgNmId]) => Slot::OriginalMessageName,
        (OrgnlGrpInf, [Sts]) => Slot::Status,
        (OrgnlGrpInf, [RsnInf, Rsn, Cd | Prtry]) | (InvstgtnData, [.., Rsn, Cd | Prtry]) => Slot::Reason,
        _ => return other(path),
    };
    Some(slot.into())
}

/// Target of an element that counts for all transactions of a group, by its path below the group's element.
pub(super) fn group(definition: Definition, path: &[Tag]) -> Option<Target> {
    use Tag::{Cd, CtgyPurp, Dt, OrgnlGrpInf, PmtTpInf, Prtry, ReqdExctnDt};
    let target = match (definition, path) {
        (Definition::Recall, [OrgnlGrpInf, rest @ ..]) => return header(OrgnlGrpInf, rest),
        (Definition::Initiation, [ReqdExctnDt] | [ReqdExctnDt, Dt]) => Some(Slot::SettlementDate.into()),
        (Definition::Initiation, [PmtTpInf, CtgyPurp, Cd | Prtry]) => Some(Slot::CategoryPurpose.into()),
        (Definition::Initiation, _) => party(Telling::Own, path),
        _ => None,
    };
    target.or_else(|| other(path))
}

/// Target of an element of a transaction, by its path below it.
pub(super) fn transaction(definition: Definition, path: &[Tag]) -> Option<Target> {
    let target = match definition {
        Definition::CustomerTransfer | Definition::InstitutionTransfer | Definition::Initiation => {
            payment(path).or_else(|| party(Telling::Own, path))
        }
        Definition::Return | Definition::StatusReport | Definition::Recall => about(definition, path),
        Definition::Investigation => match path {
            [Tag::Undrlyg, Tag::Acct, ..] => None,
            // The payment as its customer ordered it, as banks settled it, or as a statement shows it.
            [Tag::Undrlyg, _, rest @ ..] => about(definition, rest),
            [Tag::MsgId] => Some(Slot::MsgId.into()),
            [Tag::OwnId] => Some(Slot::OwnId.into()),
            _ => None,
        },
    };
    target.or_else(|| sender(path)).or_else(|| other(path))
}

/// Of a payment.
fn payment(path: &[Tag]) -> Option<Target> {
    use Tag::{
        AccptncDtTm, Amt, Cd, ClrSysRef, CtgyPurp, EndToEndId, EqvtAmt, InstdAmt, InstrId, IntrBkSttlmAmt,
        IntrBkSttlmDt, PmtId, PmtTpInf, Prtry, Purp, RmtInf, TxId, Uetr,
    };
    let slot = match path {
        [PmtId, InstrId] => Slot::InstrId,
        [PmtId, EndToEndId] => Slot::EndToEndId,
        [PmtId, TxId] => Slot::TxId,
        [PmtId, Uetr] => Slot::Uetr,
        [PmtId, ClrSysRef] => Slot::ClearingRef,
        [PmtTpInf, CtgyPurp, Cd | Prtry] => Slot::CategoryPurpose,
        [Purp, Cd | Prtry] => Slot::Purpose,
        [IntrBkSttlmAmt] | [Amt, InstdAmt] | [Amt, EqvtAmt, Amt] => Slot::Amount,
        [IntrBkSttlmDt] => Slot::SettlementDate,
        [AccptncDtTm] => Slot::AcceptanceTime,
        [RmtInf, rest @ ..] if remittance(rest) => return Some(Target::Remittance),
        _ => return None,
    };
    Some(slot.into())
}

/// Of what is said about a payment.
fn about(definition: Definition, path: &[Tag]) -> Option<Target> {
    use Tag::{
        AddtlInf, Amt, Cd, ClrSysRef, EqvtAmt, InstdAmt, IntrBkSttlmAmt, IntrBkSttlmDt, OrgnlAmt, OrgnlClrSysRef,
        OrgnlEndToEndId, OrgnlGrpInf, OrgnlInstrId, OrgnlIntrBkSttlmDt, OrgnlMsgNmId, OrgnlTxId, OrgnlTxRef, OrgnlUetr,
        OwnId, Prtry, Rsn, RsnInf, RtrChain, RtrdIntrBkSttlmAmt, Sts,
    };
    let returned = definition == Definition::Return;
    let slot = match path {
        [OwnId] => Slot::OwnId,
        [OrgnlInstrId] => Slot::InstrId,
        [OrgnlEndToEndId] => Slot::EndToEndId,
        [OrgnlTxId] => Slot::TxId,
        [OrgnlUetr] => Slot::Uetr,
        [Sts] => Slot::Status,
        [OrgnlGrpInf, OrgnlMsgNmId] => Slot::OriginalMessageName,
        [RsnInf, Rsn, Cd | Prtry] => Slot::Reason,
        [RsnInf, AddtlInf] => return Some(Target::Remittance),
        // A return has an amount, a date and a reference of its own.
        [RtrdIntrBkSttlmAmt] => Slot::Amount,
        [IntrBkSttlmDt] => Slot::SettlementDate,
        [ClrSysRef] => Slot::ClearingRef,
        [OrgnlAmt] if !returned => Slot::Amount,
        [OrgnlIntrBkSttlmDt] if !returned => Slot::SettlementDate,
        [OrgnlClrSysRef] if !returned => Slot::ClearingRef,
        [RtrChain, rest @ ..] if returned => return party(Telling::Own, rest),
        [OrgnlTxRef, IntrBkSttlmAmt] => Slot::ReferenceAmount,
        [OrgnlTxRef, IntrBkSttlmDt] => Slot::ReferenceDate,
        [OrgnlTxRef, Amt, InstdAmt] | [OrgnlTxRef, Amt, EqvtAmt, Amt] => Slot::InstructedAmount,
        [OrgnlTxRef, rest @ ..] => return party(Telling::Reference, rest),
        _ => return None,
    };
    Some(slot.into())
}

/// Of a message's sender and receiver.
fn sender(path: &[Tag]) -> Option<Target> {
    use Tag::{Agt, Assgne, Assgnr, Bic, Id, InstdAgt, InstgAgt, Rqstr, Rspndr};
    let (agents, rest) = match path {
        [InstgAgt, rest @ ..] | [Assgnr | Rqstr, Agt, rest @ ..] | [Assgnr, rest @ ..] => {
            ((Slot::Instructing, Slot::InstructingMember), rest)
        }
        [InstdAgt, rest @ ..] | [Assgne | Rspndr, Agt, rest @ ..] | [Assgne, rest @ ..] => {
            ((Slot::Instructed, Slot::InstructedMember), rest)
        }
        _ => return None,
    };
    match (agent(rest), rest) {
        (Some(Of::AgentMember), _) => Some(agents.1.into()),
        (Some(_), _) | (None, [Id, _, Bic]) => Some(agents.0.into()),
        _ => None,
    }
}

/// Of the two parties, their accounts and their institutions.
fn party(telling: Telling, path: &[Tag]) -> Option<Target> {
    let (first, rest) = path.split_first()?;
    let (side, value) = match first {
        Tag::Dbtr => (Side::Originator, person(rest)),
        Tag::Cdtr => (Side::Beneficiary, person(rest)),
        Tag::DbtrAcct => (Side::Originator, account(rest)),
        Tag::CdtrAcct => (Side::Beneficiary, account(rest)),
        Tag::DbtrAgt => (Side::Originator, agent(rest)),
        Tag::CdtrAgt => (Side::Beneficiary, agent(rest)),
        _ => return None,
    };
    value.map(|value| Target::Slot(telling.slot(side, value)))
}

fn person(path: &[Tag]) -> Option<Of> {
    use Tag::{Agt, BirthDt, Ctry, CtryOfRes, DtAndPlcOfBirth, FinInstnId, Id, Nm, PrvtId, PstlAdr};
    let path = path.strip_prefix(&[Agt]).unwrap_or(path);
    Some(match path {
        [Nm] | [FinInstnId, Nm] => Of::Name,
        [PstlAdr, Ctry] | [FinInstnId, PstlAdr, Ctry] => Of::AddressCountry,
        [CtryOfRes] => Of::Residence,
        [Id, PrvtId, DtAndPlcOfBirth, BirthDt] => Of::BirthDate,
        _ => match agent(path)? {
            Of::AgentMember => Of::InstitutionMember,
            _ => Of::Institution,
        },
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
/// remittance information when none does. The choice between person and institution inside a party says nothing of him.
pub(super) fn other(path: &[Tag]) -> Option<Target> {
    let (last, around) = path.split_last()?;
    let in_account = around.iter().any(|tag| tag.is_account());
    let extra = last.extra(in_account)?;
    // Other elements of this name number branches and the like.
    if *last == Tag::Id && !matches!(around.last(), Some(Tag::Othr | Tag::Prxy)) {
        return None;
    }
    let extra = if around.last() == Some(&Tag::Prxy) { Extra::Any } else { extra };
    let named = |tag: &&Tag| **tag != Tag::Agt;
    let role = around.iter().rev().filter(named).find_map(|tag| tag.role());
    let choice = around.iter().rev().find_map(|tag| tag.role());
    Some(Target::Extra(role.or(choice).unwrap_or(PartyRole::Remittance), extra))
}
