//! One transaction with the message around it: what each column shows, and who is named beside the columns.

use mareva_model::identifier::{write_account, write_agent};
use mareva_model::{Kind, PartyRole, Status};

use super::definition::Definition;
use super::places::{AGENTS, Extra, Of, Side, Slot, Telling};
use super::{ExtraText, Level, Message, Read, SLOTS, Span};
use crate::decoder::{ExtraParty, Limits, PartyText};
use crate::row::{Parties, Scratch, text_parties};

/// One transaction with the message around it.
pub(super) struct View<'m> {
    pub(super) message: &'m Message,
    pub(super) read: &'m Read,
    pub(super) extras: &'m [ExtraText],
    pub(super) limits: &'m Limits,
    /// Its number in the record.
    pub(super) index: i32,
}

/// Names of messages whose payments are between institutions.
const OF_INSTITUTIONS: [&str; 5] = ["pacs.009", "MT202", "MT205", "MT 202", "MT 205"];
/// Names of messages whose payments are of customers.
const OF_CUSTOMERS: [&str; 3] = ["pacs.008", "MT103", "MT 103"];

impl<'m> View<'m> {
    fn header(&self) -> Option<&'m Level> {
        self.message.headers.get(self.read.header)
    }

    fn group(&self) -> Option<&'m Level> {
        self.message.groups.get(self.read.group?)
    }

    /// Its own slots, then those of its group and its message.
    pub(super) fn levels(&self) -> impl Iterator<Item = &'m [Span; SLOTS]> {
        let around = [self.group(), self.header()].into_iter().flatten();
        std::iter::once(&self.read.slots).chain(around.map(|level| &level.slots))
    }

    /// The text of a slot that stands nearest.
    fn span(&self, slot: usize) -> Option<Span> {
        self.levels().map(|slots| slots[slot]).find(|span| span.length() > 0)
    }

    fn text(&self, slot: usize) -> Option<&'m str> {
        self.message.span(self.span(slot)?)
    }

    pub(super) fn slot(&self, slot: Slot) -> Option<&'m str> {
        self.text(slot as usize)
    }

    /// The text of a slot in each part that has it, nearest first.
    pub(super) fn all(&self, slot: Slot) -> impl Iterator<Item = &'m str> {
        self.levels().filter_map(move |slots| self.message.span(slots[slot as usize]))
    }

    pub(super) fn told(&self, (telling, side): (Telling, Side), value: Of) -> Option<&'m str> {
        self.text(telling.slot(side, value))
    }

    /// Whether it is a payment between institutions, or about one: their accounts with each other are nobody's to judge, so
    /// they are in no column.
    pub(super) fn is_of_institutions(&self) -> bool {
        let original = self.slot(Slot::OriginalMessageName).unwrap_or_default();
        self.read.definition == Definition::InstitutionTransfer
            || OF_INSTITUTIONS.iter().any(|name| original.starts_with(name))
    }

    /// Whether it says that a payment of a customer was rejected: then its money has not moved.
    pub(super) fn is_rejection(&self) -> bool {
        let is_payment = |name: &str| OF_CUSTOMERS.iter().any(|one| name.starts_with(one));
        self.read.definition == Definition::StatusReport
            && self.slot(Slot::Status) == Some("RJCT")
            && self.slot(Slot::OriginalMessageName).is_none_or(is_payment)
    }

    pub(super) fn kind(&self) -> Kind {
        match self.read.definition {
            Definition::CustomerTransfer => Kind::CreditTransfer,
            Definition::InstitutionTransfer => Kind::InstitutionTransfer,
            Definition::Return => Kind::Return,
            Definition::StatusReport if self.is_rejection() => Kind::Return,
            Definition::StatusReport => Kind::StatusReport,
            Definition::Initiation => Kind::Initiation,
            Definition::Recall => Kind::Recall,
            Definition::Investigation => Kind::Investigation,
        }
    }

    pub(super) fn status(&self) -> Status {
        match (self.kind(), self.slot(Slot::Status)) {
            (Kind::StatusReport, Some("ACSC" | "ACCC")) => Status::Settled,
            (Kind::StatusReport, Some("RJCT" | "CANC")) => Status::Rejected,
            (Kind::StatusReport, Some(code)) if code.starts_with("AC") => Status::Accepted,
            (Kind::CreditTransfer | Kind::InstitutionTransfer | Kind::Return, _) => Status::Settled,
            _ => Status::Pending,
        }
    }

    /// Who tells of a party as it is now: a return goes back along its own chain, which may name a bank where the original
    /// names the customer whose account it was.
    fn told_by(&self, side: Side) -> (Telling, Side) {
        let (own, reference) = ((Telling::Own, side), self.reference(side));
        let says = |told, values: [Of; 2]| values.into_iter().any(|value| self.told(told, value).is_some());
        match self.read.definition {
            Definition::CustomerTransfer | Definition::InstitutionTransfer | Definition::Initiation => own,
            Definition::StatusReport | Definition::Recall | Definition::Investigation => reference,
            Definition::Return if says(own, [Of::Iban, Of::OtherAccount]) => own,
            Definition::Return if says(reference, [Of::Iban, Of::OtherAccount]) => reference,
            Definition::Return if says(own, [Of::Name, Of::Institution]) => own,
            Definition::Return => reference,
        }
    }

    /// Where the original payment tells of who is on this side now.
    fn reference(&self, side: Side) -> (Telling, Side) {
        let is_back = self.kind() == Kind::Return;
        (Telling::Reference, if is_back { side.other() } else { side })
    }

    /// What a column shows of a party.
    pub(super) fn of(&self, side: Side, value: Of) -> Option<&'m str> {
        self.told(self.told_by(side), value)
    }

    /// Slot of the account in the column.
    fn account_slot(&self, side: Side) -> Option<usize> {
        if self.is_of_institutions() {
            return None;
        }
        let (telling, side) = self.told_by(side);
        let slots = [Of::Iban, Of::OtherAccount].map(|value| telling.slot(side, value));
        slots.into_iter().find(|slot| self.span(*slot).is_some())
    }

    /// Slot of the institution in the column: the party itself where it is one.
    fn agent_slot(&self, side: Side) -> Option<usize> {
        let values = [Of::Institution, Of::InstitutionMember, Of::Agent, Of::AgentMember];
        let (told_by, reference) = (self.told_by(side), self.reference(side));
        let may_differ = self.read.definition == Definition::Return;
        let tellings = [Some(told_by), may_differ.then_some(reference), may_differ.then_some((Telling::Own, side))];
        let slots = tellings.into_iter().flatten().flat_map(|(telling, side)| values.map(|of| telling.slot(side, of)));
        slots.into_iter().find(|slot| self.span(*slot).is_some())
    }

    pub(super) fn has_account(&self) -> bool {
        Side::BOTH.into_iter().any(|side| self.account_slot(side).is_some())
    }

    /// Writes the columns of accounts and agents.
    pub(super) fn write_parties(&self, scratch: &mut Scratch) {
        for (side, account, agent) in [
            (Side::Originator, &mut scratch.originator, &mut scratch.originator_agent),
            (Side::Beneficiary, &mut scratch.beneficiary, &mut scratch.beneficiary_agent),
        ] {
            let institution = self.agent_slot(side).and_then(|slot| self.text(slot));
            if let Some(institution) = institution {
                write_agent(agent, institution);
            }
            if let Some(number) = self.account_slot(side).and_then(|slot| self.text(slot)) {
                write_account(account, number, institution);
            }
        }
    }

    pub(super) fn write_remittance(&self, scratch: &mut Scratch) {
        // The status itself is the purpose of a status report.
        let reason = self.slot(Slot::Reason).filter(|_| self.kind() == Kind::StatusReport);
        let parts = self.extras.iter().filter(|extra| extra.role.is_none());
        let parts = parts.filter_map(|part| self.message.span(part.span));
        for part in reason.into_iter().chain(parts) {
            if !scratch.remittance.is_empty() {
                scratch.remittance.push(' ');
            }
            scratch.remittance.push_str(part);
        }
    }

    /// Bytes of the texts of its message and its group, which every transaction of theirs repeats.
    pub(super) fn repeated_bytes(&self) -> usize {
        let [of_header, of_group] = self.around();
        let extras = of_header.iter().chain(of_group).map(|extra| extra.span.length() + size_of::<ExtraParty>());
        let slots = [self.header(), self.group()].into_iter().flatten().map(|level| level.bytes);
        extras.chain(slots).sum()
    }

    /// Parties of its message and its group.
    fn around(&self) -> [&'m [ExtraText]; 2] {
        let part = |extras: &'m [ExtraText], level: Option<&Level>| {
            level.and_then(|level| extras.get(level.extras.0..level.extras.1)).unwrap_or_default()
        };
        [part(&self.message.header_extras, self.header()), part(&self.message.group_extras, self.group())]
    }

    /// Parties without a column, those of the message and of the group among them where they are asked for: they are screened
    /// all the same.
    pub(super) fn extra_parties(&self, of_message: bool, of_group: bool) -> Parties {
        let mut found = Vec::new();
        let shown = self.shown();
        let around = [self.group().filter(|_| of_group), self.header().filter(|_| of_message)].into_iter().flatten();
        for slots in std::iter::once(&self.read.slots).chain(around.map(|level| &level.slots)) {
            for text in AGENTS.into_iter().filter_map(|slot| self.message.span(slots[slot as usize])) {
                Extra::Agent.push(PartyRole::IntermediaryAgent, text, &mut found);
            }
            for (telling, side) in Telling::BOTH.into_iter().flat_map(|one| Side::BOTH.map(|side| (one, side))) {
                for value in Of::SCREENED {
                    let span = slots[telling.slot(side, value)];
                    if let Some(text) = self.message.span(span).filter(|_| !shown.contains(&Some(span))) {
                        self.push_party((telling, side), value, text, &mut found);
                    }
                }
            }
        }
        let [header, group] = self.around();
        let around = header.iter().filter(|_| of_message).chain(group.iter().filter(|_| of_group));
        for extra in around.chain(self.extras) {
            if let (Some((role, kind)), Some(text)) = (extra.role, self.message.span(extra.span)) {
                kind.push(role, text, &mut found);
            }
        }
        found
    }

    /// What the columns show of names, accounts and agents.
    fn shown(&self) -> [Option<Span>; 6] {
        let [a, b] = Side::BOTH.map(|side| {
            let (telling, told) = self.told_by(side);
            let slots = [Some(telling.slot(told, Of::Name)), self.account_slot(side), self.agent_slot(side)];
            slots.map(|slot| self.span(slot?))
        });
        [a[0], a[1], a[2], b[0], b[1], b[2]]
    }

    /// Adds a party that a slot names and no column shows.
    fn push_party(&self, (telling, side): (Telling, Side), value: Of, text: &str, found: &mut Parties) {
        let is_back = telling == Telling::Reference && self.kind() == Kind::Return;
        let now = if is_back { side.other() } else { side };
        match value {
            Of::Iban | Of::OtherAccount => {
                let agents = [Of::Institution, Of::InstitutionMember, Of::Agent, Of::AgentMember];
                let agent = agents.into_iter().find_map(|agent| self.told((telling, side), agent));
                let mut canonical = String::new();
                write_account(&mut canonical, text, agent);
                found.push((now.role(), PartyText::Identifier(canonical)));
            }
            Of::Agent | Of::AgentMember => Extra::Agent.push(now.agent_role(), text, found),
            // An institution in the column of agents is screened as one.
            Of::Institution | Of::InstitutionMember => Extra::Agent.push(now.role(), text, found),
            _ => Extra::Name.push(now.role(), text, found),
        }
    }

    /// All parties, for a transaction that became a dead letter; those of its message and its group where they are asked for:
    /// once is enough for all their letters.
    pub(super) fn parties(&self, of_message: bool, of_group: bool) -> Parties {
        let mut scratch = Scratch::default();
        let mut found = self.extra_parties(of_message, of_group);
        if of_group {
            self.write_parties(&mut scratch);
        } else {
            self.push_own(&mut found);
        }
        self.write_remittance(&mut scratch);
        for (role, canonical) in [
            (PartyRole::Originator, scratch.originator),
            (PartyRole::Beneficiary, scratch.beneficiary),
            (PartyRole::OriginatorAgent, scratch.originator_agent),
            (PartyRole::BeneficiaryAgent, scratch.beneficiary_agent),
        ] {
            if !canonical.is_empty() {
                found.push((role, PartyText::Identifier(canonical)));
            }
        }
        for side in Side::BOTH.into_iter().filter(|_| of_group) {
            if let Some(name) = self.of(side, Of::Name) {
                found.push((side.role(), PartyText::Name(name.to_owned())));
            }
        }
        found.extend(text_parties(&scratch.remittance));
        found
    }

    /// What its own element names of the parties in the columns.
    fn push_own(&self, found: &mut Parties) {
        let shown = self.shown();
        for (telling, side) in Telling::BOTH.into_iter().flat_map(|one| Side::BOTH.map(|side| (one, side))) {
            for value in Of::SCREENED {
                let span = self.read.slots[telling.slot(side, value)];
                if let Some(text) = self.message.span(span).filter(|_| shown.contains(&Some(span))) {
                    self.push_party((telling, side), value, text, found);
                }
            }
        }
    }
}
