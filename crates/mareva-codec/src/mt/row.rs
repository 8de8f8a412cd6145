//! MT103, MT202 and MT205 as rows.

use mareva_model::identifier::{write_account, write_agent};
use mareva_model::{INSTITUTION, Kind, PartyRole, Status, Text, TransactionRow};

use super::party::{self, Party};
use super::{Field, Message, MessageType, joined, missing, required, single, time};
use crate::amount::ReadAmount;
use crate::decoder::PartyText;
use crate::fault::Fault;
use crate::iso20022::Extra;
use crate::row::{Collected, Context, Parties, Scratch, write_uetr};

/// Date, currency and amount of field 32A.
pub(super) struct Settled {
    pub(super) date: String,
    pub(super) currency: String,
    /// Decimal text, with a point.
    pub(super) amount: String,
}

/// The parties that columns show.
pub(super) struct Sides<'a> {
    pub(super) originator: Party<'a>,
    pub(super) beneficiary: Party<'a>,
    /// Their institutions, where the parties are none themselves.
    pub(super) originator_agent: Option<String>,
    pub(super) beneficiary_agent: Option<String>,
    /// Whether their accounts are those of customers.
    pub(super) of_customers: bool,
}

/// Appends the row of a payment.
pub(super) fn append(message: &Message<'_>, context: Context<'_, '_>) -> Result<(), Fault> {
    let Context { limits, record, scratch, collected } = context;
    let (own, _) = message.sequences();
    let reference = limits.required("field 20", Some(required(own, "20")?.value.trim()))?;
    let settled = settled(&required(own, "32")?)?;
    let amount = ReadAmount::plain("field 32A", settled.amount.as_str())?;
    goes_forward(own)?;
    let sides = sides(message, own, true)?;
    scratch.clear();
    sides.write(scratch);
    scratch.source.push_str(message.source());
    if let Some(uetr) = message.uetr {
        write_uetr(&mut scratch.uetr, uetr);
    }
    let kind = match message.message_type {
        MessageType::InstitutionTransfer => Kind::InstitutionTransfer,
        _ => Kind::CreditTransfer,
    };
    if kind == Kind::InstitutionTransfer {
        scratch.row_id.extend([INSTITUTION, ":"]);
    }
    match scratch.uetr.as_str() {
        "" => scratch.row_id.extend([message.source(), ":", reference]),
        uetr => scratch.row_id.extend(["uetr:", uetr]),
    }
    if let Some(information) = single(own, "70")? {
        scratch.remittance.push_str(&joined(&information));
    }
    let scratch = &*scratch;
    let mut row = TransactionRow::new(time::of_row(message.sent, record.append_time));
    row.set(Text::Kind, kind.as_str());
    row.set(Text::Status, Status::Settled.as_str());
    row.set(Text::MsgId, reference);
    row.set(Text::InstrId, reference);
    settled.set(&amount, &mut row);
    set_texts(message, scratch, &mut row);
    row.set(Text::Remittance, limits.remittance(Some(scratch.remittance.as_str()))?);
    sides.set(&mut row);
    add(message, row, record, scratch, collected);
    Ok(())
}

/// What is written of every message.
pub(super) fn set_texts<'a>(message: &'a Message<'_>, scratch: &'a Scratch, row: &mut TransactionRow<'a>) {
    scratch.set(row);
    row.set(Text::Source, scratch.source.as_str());
    row.set(Text::MsgNameId, message.name.as_str());
}

/// Adds the row and whoever the message names that no column shows.
pub(super) fn add<'a>(
    message: &'a Message<'_>,
    row: TransactionRow<'a>,
    record: &crate::decoder::Record<'a>,
    scratch: &Scratch,
    collected: &mut Collected,
) {
    let mut found = Parties::new();
    for agent in [&message.sender, &message.receiver] {
        Extra::Agent.push(PartyRole::IntermediaryAgent, agent, &mut found);
    }
    for field in &message.fields {
        party::push(field, &mut found);
    }
    let names = [(PartyRole::Originator, Text::OriginatorName), (PartyRole::Beneficiary, Text::BeneficiaryName)];
    let names = names.map(|(role, column)| (role, row.get(column).map(|name| PartyText::Name(name.to_owned()))));
    let identifiers = [
        (PartyRole::Originator, &scratch.originator),
        (PartyRole::Beneficiary, &scratch.beneficiary),
        (PartyRole::OriginatorAgent, &scratch.originator_agent),
        (PartyRole::BeneficiaryAgent, &scratch.beneficiary_agent),
    ];
    let identifiers = identifiers.map(|(role, text)| (role, Some(PartyText::Identifier(text.clone()))));
    let shown: Vec<_> = names.into_iter().chain(identifiers).collect();
    found.retain(|(role, text)| !shown.iter().any(|(known, shown)| known == role && shown.as_ref() == Some(text)));
    let bytes: usize = row.text_bytes();
    collected.text_bytes += bytes;
    collected.append(row, record, 0, found);
}

/// Who pays and who is paid. Without a field of its own an institution is the sender or the receiver of the message, as the
/// standard has it; of a payment that is only copied perhaps in part nobody is taken for granted.
pub(super) fn sides<'a>(message: &Message<'a>, fields: &[Field<'a>], is_whole: bool) -> Result<Sides<'a>, Fault> {
    let of = |number: &str| Ok::<_, Fault>(single(fields, number)?.map(|field| party::read(&field)));
    let needed = |number: &str| match of(number)? {
        None if is_whole => Err(missing(number)),
        party => Ok(party.unwrap_or_default()),
    };
    let agent_of = |party: Option<Party<'a>>, else_: &str| match party {
        Some(party) => party.agent().map(str::to_owned),
        None => is_whole.then(|| else_.to_owned()),
    };
    let of_customers = match message.message_type {
        MessageType::CustomerTransfer => true,
        MessageType::InstitutionTransfer => false,
        MessageType::Recall => !fields.iter().any(|field| field.number() == "58"),
    };
    if of_customers {
        return Ok(Sides {
            originator: needed("50")?,
            beneficiary: needed("59")?,
            originator_agent: agent_of(of("52")?, &message.sender),
            beneficiary_agent: agent_of(of("57")?, &message.receiver),
            of_customers,
        });
    }
    let (ordering, beneficiary) = (of("52")?, needed("58")?);
    let originator_agent = match &ordering {
        Some(party) => party.agent().map(str::to_owned),
        None => is_whole.then(|| message.sender.clone()),
    };
    let beneficiary_agent = beneficiary.agent().map(str::to_owned);
    Ok(Sides {
        originator: ordering.unwrap_or_default(),
        beneficiary,
        originator_agent,
        beneficiary_agent,
        of_customers,
    })
}

impl Sides<'_> {
    /// Writes the columns of accounts and agents. Accounts between institutions are nobody's to judge: they are in no column.
    pub(super) fn write(&self, scratch: &mut Scratch) {
        for (party, institution, account, agent) in [
            (&self.originator, &self.originator_agent, &mut scratch.originator, &mut scratch.originator_agent),
            (&self.beneficiary, &self.beneficiary_agent, &mut scratch.beneficiary, &mut scratch.beneficiary_agent),
        ] {
            if let Some(institution) = institution {
                write_agent(agent, institution);
            }
            if let Some(number) = party.account.filter(|_| self.of_customers) {
                write_account(account, number, institution.as_deref());
            }
        }
    }

    /// Sets the columns of names, countries and dates of birth.
    pub(super) fn set<'a>(&'a self, row: &mut TransactionRow<'a>) {
        for (party, name, country, birth_date) in [
            (&self.originator, Text::OriginatorName, Text::OriginatorCountry, Text::OriginatorBirthDate),
            (&self.beneficiary, Text::BeneficiaryName, Text::BeneficiaryCountry, Text::BeneficiaryBirthDate),
        ] {
            row.set(name, party.name.as_deref());
            row.set(country, party.country);
            row.set(birth_date, party.birth_date.as_deref());
        }
    }
}

/// Reads field 32A: `YYMMDD`, currency, amount with a comma.
pub(super) fn settled(field: &Field<'_>) -> Result<Settled, Fault> {
    let invalid = |told| Fault::invalid("field 32A", told);
    let text = field.value.trim();
    let date = text.get(..6).and_then(time::date).ok_or_else(|| invalid("begins with no date; write YYMMDD"))?;
    let currency = text.get(6..9).filter(|code| code.bytes().all(|letter| letter.is_ascii_uppercase()));
    let currency = currency.ok_or_else(|| invalid("no ISO 4217 code behind the date; write three capital letters"))?;
    let (whole, fraction) = text
        .get(9..)
        .and_then(|amount| amount.split_once(','))
        .filter(|(whole, fraction)| {
            !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        })
        .ok_or_else(|| invalid("no amount behind the currency; write digits and a comma"))?;
    let point = if fraction.is_empty() { "" } else { "." };
    Ok(Settled { date, currency: currency.to_owned(), amount: format!("{whole}{point}{fraction}") })
}

impl Settled {
    pub(super) fn set<'a>(&'a self, amount: &'a ReadAmount<'_>, row: &mut TransactionRow<'a>) {
        amount.set(row);
        row.set(Text::Currency, self.currency.as_str());
        row.set(Text::SettlementDate, self.date.as_str());
        row.set(Text::SettlementAmount, self.amount.as_str());
        row.set(Text::SettlementCurrency, self.currency.as_str());
    }
}

/// A payment that field 72 calls a return or a reject is written like the one that it gives back, in either direction: taken
/// for a payment it would be counted twice, or the wrong way.
fn goes_forward(fields: &[Field<'_>]) -> Result<(), Fault> {
    let mut information = fields.iter().filter(|field| field.number() == "72");
    if information.any(|field| field.value.starts_with("/RETN/") || field.value.starts_with("/REJT/")) {
        let remedy = "it is a return or a reject; send it as pacs.004, or as a return in JSON";
        return Err(Fault::invalid("field 72", remedy));
    }
    Ok(())
}
