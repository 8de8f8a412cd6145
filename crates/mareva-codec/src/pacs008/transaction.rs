//! From a transaction as read to a row, or to a dead letter with its parties.

use mareva_model::identifier::{phone, recognise, write_account, write_agent, write_bic};
use mareva_model::{Kind, PartyRole, Status, Text, TransactionRow, parse_time};

use super::places::{Extra, Of, Side, Slot};
use super::{ExtraText, Message, Read};
use crate::amount::ReadAmount;
use crate::decoder::{Limits, PartyText, Record};
use crate::fault::Fault;
use crate::row::{Collected, Scratch, text_parties, write_uetr};

/// One transaction with the message around it.
pub(super) struct View<'m> {
    pub(super) message: &'m Message,
    pub(super) read: &'m Read,
    pub(super) extras: &'m [ExtraText],
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
        collected.expand(row.text_bytes() + record.topic.len(), self.limits)?;
        collected.append(&mut row, record, index);
        for (role, text) in self.extra_parties() {
            collected.party(role, text);
        }
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

    /// Source: the instructing agent, else the debtor's agent; a BIC in its 8 characters where it is a head office, else a
    /// clearing member id. Row id: the UETR, else the first id that tells the transaction from others.
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
        } else if let Some(member) = members.into_iter().flatten().next() {
            source.extend(member.chars().filter(char::is_ascii_alphanumeric));
        }
        if source.is_empty() {
            source.push_str("pacs.008");
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

    /// Parties without a column: they are screened all the same.
    fn extra_parties(&self) -> impl Iterator<Item = (PartyRole, PartyText)> + '_ {
        let agents = [Slot::Instructing, Slot::GroupInstructing, Slot::GroupInstructed];
        let agents = agents.into_iter().filter_map(|slot| self.slot(slot)).map(|text| {
            let mut canonical = String::new();
            write_agent(&mut canonical, text);
            (PartyRole::IntermediaryAgent, PartyText::Identifier(canonical))
        });
        agents.chain(self.extras.iter().filter_map(|extra| {
            let (role, kind) = extra.role?;
            Some((role, extra_text(kind, self.message.span(extra.span)?)?))
        }))
    }

    /// All parties, for a transaction that became a dead letter.
    pub(super) fn parties(&self) -> Vec<(PartyRole, PartyText)> {
        let mut scratch = Scratch::default();
        self.write_parties(&mut scratch);
        self.write_remittance(&mut scratch);
        let mut found: Vec<_> = self.extra_parties().collect();
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

fn extra_text(kind: Extra, text: &str) -> Option<PartyText> {
    let mut canonical = String::new();
    match kind {
        Extra::Name => return Some(PartyText::Name(text.to_owned())),
        Extra::Agent => _ = write_agent(&mut canonical, text),
        Extra::Account => _ = write_account(&mut canonical, text, None),
        Extra::Phone => canonical = phone(text)?,
        Extra::Any => canonical = recognise(text)?.canonical,
    }
    Some(PartyText::Identifier(canonical))
}
