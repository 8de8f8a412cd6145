//! From a transaction as read to a row.

use mareva_model::{Kind, Reason, Text, TransactionRow, parse_time};

use super::definition::Definition;
use super::places::{Of, Side, Slot};
use super::view::View;
use crate::amount::ReadAmount;
use crate::decoder::Record;
use crate::fault::Fault;
use crate::row::{Collected, NO_CURRENCY, PRINT_BYTES, Scratch};

/// An amount of a message: the number, and the currency, and whether it is what banks have settled.
struct Sum<'m> {
    amount: ReadAmount<'m>,
    currency: Option<&'m str>,
    is_settlement: bool,
}

impl<'m> View<'m> {
    /// Appends the row and its parties without a column.
    pub(super) fn append(
        &self,
        record: &Record<'_>,
        scratch: &mut Scratch,
        collected: &mut Collected,
    ) -> Result<(), Fault> {
        if let Some(fault) = &self.read.fault {
            return Err(fault.clone());
        }
        let sum = self.sum()?;
        let time = self.time()?;
        scratch.clear();
        self.write_parties(scratch);
        self.write_ids(scratch);
        self.write_remittance(scratch);
        self.write_name(&mut scratch.message_name);
        if self.is_rejection() && (scratch.original.is_empty() || !self.has_account()) {
            return Err(rejected());
        }

        let scratch = &*scratch;
        let mut row = TransactionRow::new(time);
        scratch.set(&mut row);
        row.set(Text::Kind, self.kind().as_str());
        row.set(Text::Status, self.status().as_str());
        row.set(Text::Source, scratch.source.as_str());
        row.set(Text::Remittance, self.limits.remittance(Some(scratch.remittance.as_str()))?);
        row.set(Text::MsgNameId, scratch.message_name.as_str());
        set_sum(sum.as_ref(), &mut row);
        self.set_slots(&mut row);
        let bytes = row.text_bytes() + record.topic.len() + 2 * PRINT_BYTES + self.repeated_bytes();
        collected.expand(bytes, self.limits)?;
        collected.append(row, record, self.index, self.extra_parties(true, true));
        Ok(())
    }

    /// Its amount; what is about a payment may leave it out.
    fn sum(&self) -> Result<Option<Sum<'m>>, Fault> {
        let definition = self.read.definition;
        let is_about = matches!(definition, Definition::StatusReport | Definition::Recall | Definition::Investigation);
        let mut told = [
            (Slot::Amount, Slot::Currency, definition != Definition::Initiation),
            (Slot::ReferenceAmount, Slot::ReferenceCurrency, true),
            (Slot::InstructedAmount, Slot::InstructedCurrency, false),
        ]
        .into_iter()
        .take(if is_about { 3 } else { 1 })
        .filter_map(|(amount, currency, settled)| Some((self.slot(amount)?, self.slot(currency), settled)));
        let field = definition.amount();
        let Some((sent, currency, is_settlement)) = told.next() else {
            return match self.kind() {
                Kind::Recall | Kind::Investigation | Kind::StatusReport => Ok(None),
                _ if self.is_rejection() => Err(rejected()),
                _ => Err(Fault::missing(field)),
            };
        };
        let text = sent.strip_prefix('+').unwrap_or(sent);
        Ok(Some(Sum { amount: ReadAmount::plain(field, text)?, currency, is_settlement }))
    }

    fn time(&self) -> Result<i64, Fault> {
        let of_header = self.slot(Slot::HeaderTime).filter(|_| self.read.definition == Definition::Investigation);
        let (field, text) = match (self.slot(Slot::AcceptanceTime), self.slot(Slot::CreationTime), of_header) {
            (Some(text), ..) => ("AccptncDtTm", text),
            (None, Some(text), _) => ("CreDtTm", text),
            (None, None, Some(text)) => ("AppHdr CreDt", text),
            (None, None, None) => return Err(Fault::missing(self.time_field())),
        };
        parse_time(text).map_err(|error| Fault::time(field, error))
    }

    fn time_field(&self) -> &'static str {
        match self.read.definition {
            Definition::CustomerTransfer | Definition::InstitutionTransfer => "AccptncDtTm or CreDtTm",
            Definition::Investigation => "AppHdr CreDt",
            _ => "CreDtTm",
        }
    }

    fn write_name(&self, out: &mut String) {
        if let Some(version) = self.read.version {
            out.extend([self.read.definition.family(), ".001.", &format!("{version:02}")]);
        }
    }

    fn set_slots<'a>(&self, row: &mut TransactionRow<'a>)
    where
        'm: 'a,
    {
        let kind = self.kind();
        for (column, slot) in [
            (Text::MsgId, Slot::MsgId),
            (Text::InstrId, Slot::InstrId),
            (Text::EndToEndId, Slot::EndToEndId),
            (Text::ClearingRef, Slot::ClearingRef),
        ] {
            row.set(column, self.slot(slot));
        }
        row.set(Text::TxId, self.slot(if kind == Kind::Return { Slot::OwnId } else { Slot::TxId }));
        // A return is settled on another day than its payment.
        let original = self.slot(Slot::ReferenceDate).filter(|_| self.read.definition != Definition::Return);
        row.set(Text::SettlementDate, self.slot(Slot::SettlementDate).or(original));
        let purpose = match kind {
            Kind::Return | Kind::Recall | Kind::Investigation => self.slot(Slot::Reason),
            Kind::StatusReport => self.slot(Slot::Status),
            _ => self.slot(Slot::Purpose).or(self.slot(Slot::CategoryPurpose)),
        };
        row.set(Text::Purpose, purpose);
        for (side, name, country, birth_date) in [
            (Side::Originator, Text::OriginatorName, Text::OriginatorCountry, Text::OriginatorBirthDate),
            (Side::Beneficiary, Text::BeneficiaryName, Text::BeneficiaryCountry, Text::BeneficiaryBirthDate),
        ] {
            row.set(name, self.of(side, Of::Name));
            row.set(country, self.of(side, Of::AddressCountry).or(self.of(side, Of::Residence)));
            row.set(birth_date, self.of(side, Of::BirthDate));
        }
    }
}

fn set_sum<'a>(sum: Option<&'a Sum<'_>>, row: &mut TransactionRow<'a>) {
    let Some(sum) = sum else {
        return row.set(Text::Currency, NO_CURRENCY);
    };
    sum.amount.set(row);
    row.set(Text::Currency, sum.currency);
    if sum.is_settlement {
        row.set(Text::SettlementAmount, sum.amount.text.as_ref());
        row.set(Text::SettlementCurrency, sum.currency);
    }
}

/// The fault of a rejection that does not say of whose money.
fn rejected() -> Fault {
    let told = "a payment is rejected, and its id (OrgnlUETR, OrgnlTxId or OrgnlInstrId) or its amount and accounts in OrgnlTxRef \
                are missing; send them, or a return in JSON with original_tx_id";
    Fault::new(Reason::MissingField, told)
}
