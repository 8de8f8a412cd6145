//! From a transaction as read to a row, or to a dead letter with its parties.

use mareva_model::identifier::{write_account, write_agent, write_bic};
use mareva_model::{Kind, PartyRole, Status, Text, TransactionRow, parse_time};

use super::places::{Extra, Of, Side, Slot};
use super::{ExtraText, Message, Read};
use crate::amount::ReadAmount;
use crate::decoder::{ExtraParty, Limits, PartyText, Record};
use crate::fault::Fault;
use crate::row::{Collected, MEMBER, PRINT_BYTES, Parties, Scratch, UNNAMED, text_parties, write_uetr};

/// One transaction with the message around it.
pub(super) struct View<'m> {
    pub(super) message: &'m Message,
    pub(super) read: &'m Read,
    pub(super) extras: &'m [ExtraText],
    /// Parties of the message, which every transaction has.
    pub(super) header: &'m [ExtraText],
    pub(super) limits: &'m Limits,
}

impl<'m> View<'m> {
    fn slot(&self, slot: Slot) -> Option<&'m str> {
        self.message.span(self.read.slots[slot as usize])
    }

    fn of(&self, side: Side, value: Of) -> Option<&'m str> {
        self.message.span(self.read.slots[side.slot(value)])
    }

    /// Appends the row and its parties without a column.
    pub(super) fn append(
        &self,
        index: i32,
        record: &Record<'_>,
        scratch: &mut Scratch,
        collected: &mut Collected,
    ) -> Result<(), Fault> {
        if let Some(fault) = &self.read.fault {
            return Err(fault.clone());
        }
        let sent = self.slot(Slot::Amount).ok_or_else(|| Fault::missing("IntrBkSttlmAmt"))?;
        let sent = sent.strip_prefix('+').unwrap_or(sent);
        let amount = ReadAmount::plain("IntrBkSttlmAmt", sent)?;
        let time = self.time()?;
        scratch.clear();
        self.write_parties(scratch);
        self.write_ids(index, scratch);
        self.write_remittance(scratch);

        let scratch = &*scratch;
        let mut row = TransactionRow::new(time);
        row.amount = amount.units;
        if amount.units.is_none() {
            row.set(Text::AmountText, sent);
        }
        row.set(Text::RowId, scratch.row_id.as_str());
        row.set(Text::Kind, Kind::CreditTransfer.as_str());
        row.set(Text::Status, Status::Settled.as_str());
        row.set(Text::Source, scratch.source.as_str());
        row.set(Text::Originator, scratch.originator.as_str());
        row.set(Text::Beneficiary, scratch.beneficiary.as_str());
        row.set(Text::OriginatorAgent, scratch.originator_agent.as_str());
        row.set(Text::BeneficiaryAgent, scratch.beneficiary_agent.as_str());
        row.set(Text::Uetr, scratch.uetr.as_str());
        row.set(Text::Remittance, self.limits.remittance(Some(scratch.remittance.as_str()))?);
        row.set(Text::MsgNameId, self.message.name.as_str());
        row.set(Text::SettlementAmount, sent);
        self.set_slots(&mut row);
        let header = self.header.iter().map(|extra| extra.span.length() + size_of::<ExtraParty>());
        let bytes = row.text_bytes() + record.topic.len() + 2 * PRINT_BYTES + header.sum::<usize>();
        collected.expand(bytes, self.limits)?;
        collected.append(row, record, index, self.extra_parties(self.header));
        Ok(())
    }

    fn time(&self) -> Result<i64, Fault> {
        let (field, text) = match (self.slot(Slot::AcceptanceTime), self.slot(Slot::CreationTime)) {
            (Some(text), _) => ("AccptncDtTm", text),
            (None, Some(text)) => ("CreDtTm", text),
            (None, None) => return Err(Fault::missing("AccptncDtTm or CreDtTm")),
        };
        parse_time(text).map_err(|error| Fault::time(field, error))
    }

    fn set_slots<'a>(&self, row: &mut TransactionRow<'a>)
    where
        'm: 'a,
    {
        for (column, slot) in [
            (Text::Currency, Slot::Currency),
            (Text::SettlementCurrency, Slot::Currency),
            (Text::MsgId, Slot::MsgId),
            (Text::InstrId, Slot::InstrId),
            (Text::EndToEndId, Slot::EndToEndId),
            (Text::TxId, Slot::TxId),
            (Text::ClearingRef, Slot::ClearingRef),
        ] {
            row.set(column, self.slot(slot));
        }
        row.set(Text::SettlementDate, self.slot(Slot::SettlementDate).or(self.slot(Slot::GroupSettlementDate)));
        row.set(Text::Purpose, self.slot(Slot::Purpose).or(self.slot(Slot::CategoryPurpose)));
        for (side, name, country, birth_date) in [
            (Side::Originator, Text::OriginatorName, Text::OriginatorCountry, Text::OriginatorBirthDate),
            (Side::Beneficiary, Text::BeneficiaryName, Text::BeneficiaryCountry, Text::BeneficiaryBirthDate),
        ] {
            row.set(name, self.of(side, Of::Name));
            row.set(country, self.of(side, Of::AddressCountry).or(self.of(side, Of::Residence)));
            row.set(birth_date, self.of(side, Of::BirthDate));
        }
    }

    fn write_parties(&self, scratch: &mut Scratch) {
        for (side, account, agent) in [
            (Side::Originator, &mut scratch.originator, &mut scratch.originator_agent),
            (Side::Beneficiary, &mut scratch.beneficiary, &mut scratch.beneficiary_agent),
        ] {
            let institution = self.of(side, Of::Agent).or(self.of(side, Of::AgentMember));
            if let Some(institution) = institution {
                write_agent(agent, institution);
            }
            if let Some(number) = self.of(side, Of::Iban).or(self.of(side, Of::OtherAccount)) {
                write_account(account, number, institution);
            }
        }
    }

    /// Source: the instructing agent, else the debtor's agent; a BIC in its 8 characters where it is a head office, else
    /// [`MEMBER`] and a clearing member id. Row id: the UETR, else the first id that tells the transaction from others.
    fn write_ids(&self, index: i32, scratch: &mut Scratch) {
        let bics =
            [self.slot(Slot::Instructing), self.slot(Slot::GroupInstructing), self.of(Side::Originator, Of::Agent)];
        let members = [
            self.slot(Slot::InstructingMember),
            self.slot(Slot::GroupInstructingMember),
            self.of(Side::Originator, Of::AgentMember),
        ];
        let source = &mut scratch.source;
        if bics.into_iter().flatten().any(|bic| write_bic(source, bic)) {
            source.drain(.."bic:".len());
            if source.ends_with("XXX") {
                source.truncate(8);
            }
        } else {
            let member = members.into_iter().flatten().next().unwrap_or_default();
            source.extend([MEMBER, ":"]);
            source.extend(member.chars().filter(char::is_ascii_alphanumeric));
            if source.ends_with(':') {
                source.clear();
                source.push_str(UNNAMED);
            }
        }
        if self.slot(Slot::Uetr).is_some_and(|uetr| write_uetr(&mut scratch.uetr, uetr)) {
            scratch.row_id.extend(["uetr:", &scratch.uetr]);
            return;
        }
        scratch.row_id.extend([scratch.source.as_str(), ":"]);
        // The end-to-end id is the customer's own reference, such as a month's rent: it names no transaction.
        match self.slot(Slot::TxId).or(self.slot(Slot::InstrId)) {
            Some(id) => scratch.row_id.push_str(id),
            None => {
                let message = self.slot(Slot::MsgId).unwrap_or("-");
                scratch.row_id.extend([message, "/", &index.to_string()]);
            }
        }
    }

    fn write_remittance(&self, scratch: &mut Scratch) {
        for part in self.extras.iter().filter(|extra| extra.role.is_none()) {
            if !scratch.remittance.is_empty() {
                scratch.remittance.push(' ');
            }
            scratch.remittance.push_str(self.message.span(part.span).unwrap_or_default());
        }
    }

    /// Parties without a column, those of the message among them where they are given: they are screened all the same.
    fn extra_parties(&self, header: &[ExtraText]) -> Parties {
        let mut found = Vec::new();
        let instructing =
            [Slot::Instructing, Slot::InstructingMember, Slot::GroupInstructing, Slot::GroupInstructingMember];
        for text in instructing.into_iter().filter_map(|slot| self.slot(slot)) {
            Extra::Agent.push(PartyRole::IntermediaryAgent, text, &mut found);
        }
        for (side, role) in [(Side::Originator, PartyRole::Originator), (Side::Beneficiary, PartyRole::Beneficiary)] {
            // The column has room for one of the two.
            if let (Some(_), Some(member)) = (self.of(side, Of::Agent), self.of(side, Of::AgentMember)) {
                Extra::Agent.push(side.agent_role(), member, &mut found);
            }
            if let (Some(_), Some(number)) = (self.of(side, Of::Iban), self.of(side, Of::OtherAccount)) {
                Extra::Account.push(role, number, &mut found);
            }
        }
        for extra in header.iter().chain(self.extras) {
            if let (Some((role, kind)), Some(text)) = (extra.role, self.message.span(extra.span)) {
                kind.push(role, text, &mut found);
            }
        }
        found
    }

    /// All parties, for a transaction that became a dead letter; those of the message once for all its letters.
    pub(super) fn parties(&self, is_first: bool) -> Parties {
        let mut scratch = Scratch::default();
        self.write_parties(&mut scratch);
        self.write_remittance(&mut scratch);
        let mut found = self.extra_parties(if is_first { self.header } else { &[] });
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
        for (role, side) in [(PartyRole::Originator, Side::Originator), (PartyRole::Beneficiary, Side::Beneficiary)] {
            if let Some(name) = self.of(side, Of::Name) {
                found.push((role, PartyText::Name(name.to_owned())));
            }
        }
        found.extend(text_parties(&scratch.remittance));
        found
    }
}
