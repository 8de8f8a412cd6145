//! Canonical JSON of the bank stream (`schema/bank.schema.json`).

use mareva_model::identifier::{write_account, write_agent, write_merchant};
use mareva_model::{Kind, PartyRole, Status, Text, TransactionRow};
use serde::Deserialize;

use crate::amount::{ReadAmount, balance};
use crate::decoder::{Limits, PartyText};
use crate::fault::Fault;
use crate::json::plain::{Place, Record, Slot};
use crate::json::{self, Field, Token};
use crate::row::{Context, Scratch, unknown_value, write_uetr};

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct BankRecord<'a> {
    #[serde(rename = "type")]
    kind: Field<'a>,
    tx_id: Field<'a>,
    source: Field<'a>,
    time: Option<Token<'a>>,
    status: Field<'a>,
    amount: Option<Token<'a>>,
    currency: Field<'a>,
    originator: Option<Party<'a>>,
    beneficiary: Option<Party<'a>>,
    merchant: Field<'a>,
    channel: Field<'a>,
    device: Field<'a>,
    ip: Field<'a>,
    purpose: Field<'a>,
    remittance: Field<'a>,
    msg_id: Field<'a>,
    msg_name_id: Field<'a>,
    instr_id: Field<'a>,
    end_to_end_id: Field<'a>,
    clearing_ref: Field<'a>,
    uetr: Field<'a>,
    settlement_date: Field<'a>,
    settlement_amount: Option<Token<'a>>,
    settlement_currency: Field<'a>,
    original_tx_id: Field<'a>,
    original_uetr: Field<'a>,
}

impl<'a> Record<'a> for BankRecord<'a> {
    const NAMES: &'static [&'static str] = &[
        "type",
        "tx_id",
        "source",
        "time",
        "status",
        "amount",
        "currency",
        "originator",
        "beneficiary",
        "merchant",
        "channel",
        "device",
        "ip",
        "purpose",
        "remittance",
        "msg_id",
        "msg_name_id",
        "instr_id",
        "end_to_end_id",
        "clearing_ref",
        "uetr",
        "settlement_date",
        "settlement_amount",
        "settlement_currency",
        "original_tx_id",
        "original_uetr",
    ];

    fn place(&mut self, at: usize) -> Option<Place<'_, 'a>> {
        Some(match at {
            0 => self.kind.place(),
            1 => self.tx_id.place(),
            2 => self.source.place(),
            3 => self.time.place(),
            4 => self.status.place(),
            5 => self.amount.place(),
            6 => self.currency.place(),
            7 => self.originator.place(),
            8 => self.beneficiary.place(),
            9 => self.merchant.place(),
            10 => self.channel.place(),
            11 => self.device.place(),
            12 => self.ip.place(),
            13 => self.purpose.place(),
            14 => self.remittance.place(),
            15 => self.msg_id.place(),
            16 => self.msg_name_id.place(),
            17 => self.instr_id.place(),
            18 => self.end_to_end_id.place(),
            19 => self.clearing_ref.place(),
            20 => self.uetr.place(),
            21 => self.settlement_date.place(),
            22 => self.settlement_amount.place(),
            23 => self.settlement_currency.place(),
            24 => self.original_tx_id.place(),
            25 => self.original_uetr.place(),
            _ => return None,
        })
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct Party<'a> {
    account: Field<'a>,
    name: Field<'a>,
    agent: Field<'a>,
    country: Field<'a>,
    birth_date: Field<'a>,
    balance_after: Option<Token<'a>>,
}

impl<'a> Record<'a> for Party<'a> {
    const NAMES: &'static [&'static str] = &["account", "name", "agent", "country", "birth_date", "balance_after"];

    fn place(&mut self, at: usize) -> Option<Place<'_, 'a>> {
        Some(match at {
            0 => self.account.place(),
            1 => self.name.place(),
            2 => self.agent.place(),
            3 => self.country.place(),
            4 => self.birth_date.place(),
            5 => self.balance_after.place(),
            _ => return None,
        })
    }
}

impl<'a> Slot<'a> for Option<Party<'a>> {
    fn place(&mut self) -> Place<'_, 'a> {
        Place::Part(self)
    }
}

/// Where the fields of a party go.
struct Side {
    field: &'static str,
    name: Text,
    country: Text,
    birth_date: Text,
    balance: &'static str,
}

const ORIGINATOR: Side = Side {
    field: "originator.account",
    name: Text::OriginatorName,
    country: Text::OriginatorCountry,
    birth_date: Text::OriginatorBirthDate,
    balance: "originator.balance_after",
};
const BENEFICIARY: Side = Side {
    field: "beneficiary.account",
    name: Text::BeneficiaryName,
    country: Text::BeneficiaryCountry,
    birth_date: Text::BeneficiaryBirthDate,
    balance: "beneficiary.balance_after",
};

/// Decodes one record.
pub(crate) fn decode(text: &str, context: Context<'_, '_>) -> Result<(), Fault> {
    let Context { limits, record, scratch, collected } = context;
    let sent: BankRecord<'_> = json::parse(text, limits.depth)?;
    let kind = kind(limits.required("type", sent.kind.get())?)?;
    let status = status(sent.status.get())?;
    let currency = limits.required("currency", sent.currency.get())?;
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Fault::invalid("currency", "not an ISO 4217 code; write three capital letters"));
    }
    let time = sent.time.ok_or_else(|| Fault::missing("time"))?;
    let amount = ReadAmount::json("amount", sent.amount.ok_or_else(|| Fault::missing("amount"))?.get())?;
    let none = Party::default();
    let originator = sent.originator.as_ref().unwrap_or(&none);
    let beneficiary = sent.beneficiary.as_ref().unwrap_or(&none);
    let unpaid = write_parties(limits, kind, &sent, (originator, beneficiary), scratch)?;
    write_ids(limits, kind, &sent, scratch)?;

    let scratch = &*scratch;
    let mut row = TransactionRow::new(json::time("time", time.get())?);
    amount.set(&mut row);
    row.originator_balance = set_party(limits, originator, &ORIGINATOR, &mut row)?;
    row.beneficiary_balance = set_party(limits, beneficiary, &BENEFICIARY, &mut row)?;
    scratch.set(&mut row);
    row.set(Text::Kind, kind.as_str());
    row.set(Text::Status, status.as_str());
    row.set(Text::Currency, currency);
    row.set(Text::Remittance, limits.remittance(sent.remittance.get())?);
    set_texts(limits, &sent, &mut row)?;
    let settled = sent.settlement_amount.map(|raw| ReadAmount::json("settlement_amount", raw.get())).transpose()?;
    row.set(Text::SettlementAmount, settled.as_ref().map(|amount| amount.text.as_ref()));
    let role = if kind == Kind::CashDeposit { PartyRole::Originator } else { PartyRole::Beneficiary };
    let unpaid = Some(unpaid).filter(|account| !account.is_empty());
    let parties = unpaid.map(|account| (role, PartyText::Identifier(account))).into_iter().collect();
    collected.append(row, record, 0, parties);
    Ok(())
}

fn kind(name: &str) -> Result<Kind, Fault> {
    Ok(match name {
        "credit_transfer" => Kind::CreditTransfer,
        "cash_deposit" => Kind::CashDeposit,
        "cash_withdrawal" => Kind::CashWithdrawal,
        "card_payment" => Kind::CardPayment,
        "return" => Kind::Return,
        _ => {
            return Err(unknown_value("type", "credit_transfer, cash_deposit, cash_withdrawal, card_payment, return"));
        }
    })
}

/// The status of a canonical record; settled when it does not say.
pub(crate) fn status(name: Option<&str>) -> Result<Status, Fault> {
    Ok(match name {
        None | Some("settled") => Status::Settled,
        Some("accepted") => Status::Accepted,
        Some("pending") => Status::Pending,
        Some("rejected") => Status::Rejected,
        Some(_) => {
            return Err(unknown_value("status", "accepted, pending, settled, rejected"));
        }
    })
}

/// Writes accounts and agents. Returns an account that takes no part in the movement (the payer of cash, say) but is
/// screened; empty when there is none.
fn write_parties(
    limits: &Limits,
    kind: Kind,
    sent: &BankRecord<'_>,
    (originator, beneficiary): (&Party<'_>, &Party<'_>),
    scratch: &mut Scratch,
) -> Result<String, Fault> {
    let mut unpaid = String::new();
    let cash_in = kind == Kind::CashDeposit;
    let cash_out = kind == Kind::CashWithdrawal;
    let payer = limits.text(ORIGINATOR.field, originator.account.get())?;
    let payer_agent = limits.text("originator.agent", originator.agent.get())?;
    let payee = limits.text(BENEFICIARY.field, beneficiary.account.get())?;
    let payee_agent = limits.text("beneficiary.agent", beneficiary.agent.get())?;
    match payer {
        Some(account) if cash_in => _ = write_account(&mut unpaid, account, payer_agent),
        Some(account) => _ = write_account(&mut scratch.originator, account, payer_agent),
        None if cash_in => {}
        None => return Err(Fault::missing(ORIGINATOR.field)),
    }
    let merchant = limits.text("merchant", sent.merchant.get())?;
    match (payee, merchant) {
        (Some(account), _) if cash_out => _ = write_account(&mut unpaid, account, payee_agent),
        (Some(account), merchant) => {
            write_account(&mut scratch.beneficiary, account, payee_agent);
            if let Some(merchant) = merchant.filter(|_| !cash_in) {
                write_merchant(&mut unpaid, merchant);
            }
        }
        (None, Some(merchant)) if kind == Kind::CardPayment => write_merchant(&mut scratch.beneficiary, merchant),
        (None, _) if cash_out => {}
        (None, _) => return Err(Fault::missing(BENEFICIARY.field)),
    }
    for (agent, out) in [(payer_agent, &mut scratch.originator_agent), (payee_agent, &mut scratch.beneficiary_agent)] {
        if let Some(agent) = agent {
            write_agent(out, agent);
        }
    }
    Ok(unpaid)
}

/// Writes the row id, the UETR and, of a return, the row id of its original.
fn write_ids(limits: &Limits, kind: Kind, sent: &BankRecord<'_>, scratch: &mut Scratch) -> Result<(), Fault> {
    let source = limits.source(sent.source.get())?;
    let tx_id = limits.required("tx_id", sent.tx_id.get())?;
    if let Some(uetr) = sent.uetr.get() {
        write_uetr(&mut scratch.uetr, uetr);
    }
    let parts: &[&str] = match kind {
        Kind::Return => &["return:", source, ":", tx_id],
        Kind::CreditTransfer if !scratch.uetr.is_empty() => &["uetr:", &scratch.uetr],
        _ => &[source, ":", tx_id],
    };
    scratch.row_id.extend(parts.iter().copied());
    if kind == Kind::Return {
        let original = limits.required("original_tx_id", sent.original_tx_id.get())?;
        scratch.original.push_str("uetr:");
        if !sent.original_uetr.get().is_some_and(|uetr| write_uetr(&mut scratch.original, uetr)) {
            scratch.original.clear();
            scratch.original.extend([source, ":", original]);
        }
    }
    Ok(())
}

fn set_party<'a>(
    limits: &Limits,
    party: &'a Party<'_>,
    side: &Side,
    row: &mut TransactionRow<'a>,
) -> Result<Option<i128>, Fault> {
    row.set(side.name, limits.column(side.name, party.name.get())?);
    row.set(side.country, limits.column(side.country, party.country.get())?);
    row.set(side.birth_date, limits.column(side.birth_date, party.birth_date.get())?);
    party.balance_after.map_or(Ok(None), |raw| balance(side.balance, raw.get()))
}

fn set_texts<'a>(limits: &Limits, sent: &'a BankRecord<'_>, row: &mut TransactionRow<'a>) -> Result<(), Fault> {
    for (column, field) in [
        (Text::Source, &sent.source),
        (Text::TxId, &sent.tx_id),
        (Text::Channel, &sent.channel),
        (Text::Device, &sent.device),
        (Text::Ip, &sent.ip),
        (Text::Purpose, &sent.purpose),
        (Text::MsgId, &sent.msg_id),
        (Text::MsgNameId, &sent.msg_name_id),
        (Text::InstrId, &sent.instr_id),
        (Text::EndToEndId, &sent.end_to_end_id),
        (Text::ClearingRef, &sent.clearing_ref),
        (Text::SettlementDate, &sent.settlement_date),
        (Text::SettlementCurrency, &sent.settlement_currency),
    ] {
        row.set(column, limits.column(column, field.get())?);
    }
    Ok(())
}
