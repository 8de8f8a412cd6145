//! What a transaction is called: its source, its row id, and the row id of the payment that it is about.

use mareva_model::identifier::write_bic;
use mareva_model::{INITIATION, INSTITUTION, Kind, digest};

use super::definition::Definition;
use super::places::{Of, Side, Slot, Telling};
use super::view::View;
use crate::row::{INVESTIGATION, MEMBER, RECALL, REJECTED, RETURN, STATUS, Scratch, write_uetr};

/// Hex digits that tell the orders of one debtor from those of others.
const DEBTOR_DIGITS: usize = 16;

impl View<'_> {
    /// Writes source, UETR, the id of the original and the row id, in this order: each rests on those before.
    pub(super) fn write_ids(&self, scratch: &mut Scratch) {
        self.write_sender(&mut scratch.source);
        if let Some(uetr) = self.slot(Slot::Uetr) {
            write_uetr(&mut scratch.uetr, uetr);
        }
        let kind = self.kind();
        if !matches!(kind, Kind::CreditTransfer | Kind::InstitutionTransfer | Kind::Initiation) {
            self.write_original(scratch);
        }
        let Scratch { row_id, source, uetr, original, .. } = scratch;
        let own_id = self.slot(Slot::OwnId);
        match kind {
            Kind::InstitutionTransfer => row_id.extend([INSTITUTION, ":"]),
            Kind::Initiation => row_id.extend([INITIATION, ":"]),
            // A payment is rejected once, whoever along its way tells it.
            Kind::Return if self.read.definition == Definition::StatusReport => {
                return row_id.extend([RETURN, ":", REJECTED, ":", original]);
            }
            Kind::Return => row_id.extend([RETURN, ":"]),
            Kind::Recall => row_id.extend([RECALL, ":"]),
            Kind::Investigation => row_id.extend([INVESTIGATION, ":"]),
            Kind::StatusReport => row_id.extend([STATUS, ":"]),
            _ => {}
        }
        let is_payment = matches!(kind, Kind::CreditTransfer | Kind::InstitutionTransfer);
        if (is_payment || kind == Kind::Initiation) && !uetr.is_empty() {
            return row_id.extend(["uetr:", uetr]);
        }
        row_id.extend([source, ":"]);
        // The end-to-end id is the customer's own reference, such as a month's rent: it names no transaction.
        let id = match kind {
            _ if is_payment => self.slot(Slot::TxId).or(self.slot(Slot::InstrId)),
            Kind::Return => own_id,
            _ => None,
        };
        if let Some(id) = id {
            return row_id.push_str(id);
        }
        // Customers number their messages each for himself.
        if kind == Kind::Initiation {
            let name = self.of(Side::Originator, Of::Name).unwrap_or_default();
            let debtor = digest(format!("{}\n{name}", scratch.originator).as_bytes()).to_string();
            row_id.extend(debtor.chars().take(DEBTOR_DIGITS).chain(['/']));
        }
        let number = self.index.to_string();
        // Reminders repeat the id of what they remind of.
        let id = own_id.filter(|_| matches!(kind, Kind::Recall | Kind::StatusReport));
        row_id.extend([self.slot(Slot::MsgId).unwrap_or("-"), "/", id.unwrap_or(&number)]);
    }

    /// The sender of the message: the instructing agent, else of a payment the debtor's agent.
    fn write_sender(&self, out: &mut String) {
        let payment = matches!(self.kind(), Kind::CreditTransfer | Kind::InstitutionTransfer | Kind::Initiation);
        let told = payment.then_some((Telling::Own, Side::Originator));
        self.write_source(out, (Slot::Instructing, Slot::InstructingMember), told, self.read.definition);
    }

    /// Writes the row id of the payment that this is about; nothing where it is not told. Its source is who sent the payment: of
    /// a recall or an investigation the sender himself, of a return or a status the receiver.
    fn write_original(&self, scratch: &mut Scratch) {
        let (original, start) = (&mut scratch.original, scratch.uetr.as_str());
        let of_institutions = self.is_of_institutions();
        if of_institutions {
            original.extend([INSTITUTION, ":"]);
        }
        if !start.is_empty() {
            return original.extend(["uetr:", start]);
        }
        let Some(id) = self.slot(Slot::TxId).or(self.slot(Slot::InstrId)) else { return original.clear() };
        let agents = match self.read.definition {
            Definition::Recall | Definition::Investigation => (Slot::Instructing, Slot::InstructingMember),
            _ => (Slot::Instructed, Slot::InstructedMember),
        };
        let named = if of_institutions { Definition::InstitutionTransfer } else { Definition::CustomerTransfer };
        self.write_source(original, agents, Some((Telling::Reference, Side::Originator)), named);
        original.extend([":", id]);
    }

    /// A BIC in its 8 characters where it is a head office, else [`MEMBER`] and a clearing member id; the name of the message
    /// where neither is told.
    fn write_source(
        &self,
        out: &mut String,
        (bic, member): (Slot, Slot),
        debtor: Option<(Telling, Side)>,
        unnamed: Definition,
    ) {
        let of_debtor = |values: [Of; 2]| {
            let told = debtor.into_iter().flat_map(move |debtor| values.map(|value| (debtor, value)));
            told.filter_map(|(debtor, value)| self.told(debtor, value))
        };
        let start = out.len();
        let mut bics = self.all(bic).chain(of_debtor([Of::Agent, Of::Institution]));
        if bics.any(|bic| write_bic(out, bic)) {
            out.replace_range(start..start + "bic:".len(), "");
            if out.len() - start == 11 && out.ends_with("XXX") {
                out.truncate(start + 8);
            }
            return;
        }
        let mut members = self.all(member).chain(of_debtor([Of::AgentMember, Of::InstitutionMember]));
        let member = members.next().unwrap_or_default();
        out.extend([MEMBER, ":"]);
        out.extend(member.chars().filter(char::is_ascii_alphanumeric));
        if out.ends_with(':') {
            out.truncate(start);
            out.push_str(unnamed.family());
        }
    }
}
