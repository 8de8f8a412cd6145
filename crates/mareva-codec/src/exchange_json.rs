//! Canonical JSON of the exchange stream (`schema/exchange.schema.json`), which also carries `ethereum-etl`.

use mareva_model::identifier::{is_fiat_network, write_account, write_exchange_account, write_vasp, write_wallet};
use mareva_model::{Kind, PartyRole, Text, TransactionRow};
use serde::Deserialize;

use crate::amount::{ReadAmount, balance};
use crate::bank_json::status;
use crate::decoder::{Limits, PartyText};
use crate::ethereum_etl;
use crate::fault::Fault;
use crate::json::plain::{Place, Record, Slot};
use crate::json::{self, Field, Token};
use crate::row::{Context, Scratch, unknown_value};

/// The fields of both formats: which one a record is, only its type tells.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) struct ExchangeRecord<'a> {
    #[serde(rename = "type")]
    kind: Field<'a>,
    tx_id: Field<'a>,
    source: Field<'a>,
    time: Option<Token<'a>>,
    status: Field<'a>,
    user: Field<'a>,
    amount: Option<Token<'a>>,
    asset: Field<'a>,
    network: Field<'a>,
    pub(crate) from_address: Field<'a>,
    pub(crate) to_address: Field<'a>,
    tag: Field<'a>,
    tx_hash: Field<'a>,
    pub(crate) log_index: Option<Token<'a>>,
    asset_contract: Field<'a>,
    linked_account: Field<'a>,
    user_name: Field<'a>,
    user_country: Field<'a>,
    balance_after: Option<Token<'a>>,
    channel: Field<'a>,
    device: Field<'a>,
    ip: Field<'a>,
    counterparty_user: Field<'a>,
    to_asset: Field<'a>,
    to_amount: Option<Token<'a>>,
    pub(crate) token_address: Field<'a>,
    pub(crate) transaction_hash: Field<'a>,
    pub(crate) hash: Field<'a>,
    pub(crate) value: Option<Token<'a>>,
    pub(crate) block_timestamp: Option<Token<'a>>,
    pub(crate) receipt_status: Option<Token<'a>>,
    pub(crate) receipt_contract_address: Field<'a>,
}

impl<'a> Record<'a> for ExchangeRecord<'a> {
    const NAMES: &'static [&'static str] = &[
        "type",
        "tx_id",
        "source",
        "time",
        "status",
        "user",
        "amount",
        "asset",
        "network",
        "from_address",
        "to_address",
        "tag",
        "tx_hash",
        "log_index",
        "asset_contract",
        "linked_account",
        "user_name",
        "user_country",
        "balance_after",
        "channel",
        "device",
        "ip",
        "counterparty_user",
        "to_asset",
        "to_amount",
        "token_address",
        "transaction_hash",
        "hash",
        "value",
        "block_timestamp",
        "receipt_status",
        "receipt_contract_address",
    ];

    fn place(&mut self, at: usize) -> Option<Place<'_, 'a>> {
        Some(match at {
            0 => self.kind.place(),
            1 => self.tx_id.place(),
            2 => self.source.place(),
            3 => self.time.place(),
            4 => self.status.place(),
            5 => self.user.place(),
            6 => self.amount.place(),
            7 => self.asset.place(),
            8 => self.network.place(),
            9 => self.from_address.place(),
            10 => self.to_address.place(),
            11 => self.tag.place(),
            12 => self.tx_hash.place(),
            13 => self.log_index.place(),
            14 => self.asset_contract.place(),
            15 => self.linked_account.place(),
            16 => self.user_name.place(),
            17 => self.user_country.place(),
            18 => self.balance_after.place(),
            19 => self.channel.place(),
            20 => self.device.place(),
            21 => self.ip.place(),
            22 => self.counterparty_user.place(),
            23 => self.to_asset.place(),
            24 => self.to_amount.place(),
            25 => self.token_address.place(),
            26 => self.transaction_hash.place(),
            27 => self.hash.place(),
            28 => self.value.place(),
            29 => self.block_timestamp.place(),
            30 => self.receipt_status.place(),
            31 => self.receipt_contract_address.place(),
            _ => return None,
        })
    }
}

/// Decodes one record.
pub(crate) fn decode(text: &str, context: Context<'_, '_>) -> Result<(), Fault> {
    let sent: ExchangeRecord<'_> = json::parse(text, context.limits.depth)?;
    let kind = match context.limits.required("type", sent.kind.get())? {
        "deposit" => Kind::Deposit,
        "withdrawal" => Kind::Withdrawal,
        "trade" => Kind::Trade,
        "internal_transfer" => Kind::InternalTransfer,
        "token_transfer" => return ethereum_etl::token_transfer(&sent, context),
        "transaction" => return ethereum_etl::transaction(&sent, context),
        _ => {
            let known = "deposit, withdrawal, trade, internal_transfer, token_transfer, transaction";
            return Err(unknown_value("type", known));
        }
    };
    canonical(&sent, kind, context)
}

fn canonical(sent: &ExchangeRecord<'_>, kind: Kind, context: Context<'_, '_>) -> Result<(), Fault> {
    let Context { limits, record, scratch, collected } = context;
    let status = status(sent.status.get())?;
    let source = limits.source(sent.source.get())?;
    let tx_id = limits.required("tx_id", sent.tx_id.get())?;
    let time = sent.time.ok_or_else(|| Fault::missing("time"))?;
    let amount = ReadAmount::json("amount", sent.amount.ok_or_else(|| Fault::missing("amount"))?.get())?;
    let asset = limits.required("asset", sent.asset.get())?;
    let outside = write_parties(limits, kind, sent, source, scratch)?;
    scratch.row_id.extend([source, ":", tx_id]);
    if let Some(contract) = limits.text("asset_contract", sent.asset_contract.get())? {
        write_wallet(&mut scratch.asset_contract, contract, sent.network.get(), None);
    }

    let scratch = &*scratch;
    let mut row = TransactionRow::new(json::time("time", time.get())?);
    amount.set(&mut row);
    row.log_index = sent.log_index.map(|raw| log_index(raw.get())).transpose()?;
    scratch.set(&mut row);
    row.set(Text::Kind, kind.as_str());
    row.set(Text::Status, status.as_str());
    row.set(Text::Currency, asset);
    set_user(limits, kind, sent, &mut row)?;
    set_texts(limits, sent, &mut row)?;
    let bought = sent.to_amount.map(|raw| ReadAmount::json("to_amount", raw.get())).transpose()?;
    row.set(Text::ToAmount, bought.as_ref().map(|amount| amount.text.as_ref()));
    let outside = outside.into_iter().filter(|(_, address)| !address.is_empty());
    let parties = outside.map(|(role, address)| (role, PartyText::Identifier(address))).collect();
    collected.append(row, record, 0, parties);
    Ok(())
}

/// A log index: a small whole number.
pub(crate) fn log_index(token: &str) -> Result<i64, Fault> {
    let digits = token.trim_matches('"');
    digits
        .parse()
        .ok()
        .filter(|index| *index >= 0)
        .ok_or_else(|| Fault::invalid("log_index", "not a whole number of zero or more"))
}

/// Writes both sides. Returns the addresses on the exchange's own side, which have no column but are screened.
fn write_parties(
    limits: &Limits,
    kind: Kind,
    sent: &ExchangeRecord<'_>,
    source: &str,
    scratch: &mut Scratch,
) -> Result<[(PartyRole, String); 2], Fault> {
    let user = limits.required("user", sent.user.get())?;
    let network = limits.text("network", sent.network.get())?;
    let tag = limits.text("tag", sent.tag.get())?;
    let from = limits.text("from_address", sent.from_address.get())?;
    let to = limits.text("to_address", sent.to_address.get())?;
    let linked = limits.text("linked_account", sent.linked_account.get())?;
    if let Some(linked) = linked {
        write_account(&mut scratch.linked_account, linked, None);
    }
    // The bank account of the user stands in for an address where bank money moves.
    let fallback = linked.filter(|_| network.is_some_and(is_fiat_network));
    let Scratch { originator, beneficiary, originator_agent, beneficiary_agent, .. } = scratch;
    let mut outside = [(PartyRole::Originator, String::new()), (PartyRole::Beneficiary, String::new())];
    match kind {
        Kind::Deposit => {
            let payer = from.or(fallback).ok_or_else(|| Fault::missing("from_address"))?;
            // A tag names the user at the exchange, on the receiving side.
            write_wallet(originator, payer, network, None);
            write_exchange_account(beneficiary, source, user);
            write_vasp(beneficiary_agent, source);
            if let Some(to) = to {
                write_wallet(&mut outside[1].1, to, network, tag);
            }
        }
        Kind::Withdrawal => {
            let payee = to.or(fallback).ok_or_else(|| Fault::missing("to_address"))?;
            write_exchange_account(originator, source, user);
            write_vasp(originator_agent, source);
            write_wallet(beneficiary, payee, network, tag);
            if let Some(from) = from {
                write_wallet(&mut outside[0].1, from, network, None);
            }
        }
        _ => {
            let other = match kind {
                Kind::InternalTransfer => limits.required("counterparty_user", sent.counterparty_user.get())?,
                _ => user,
            };
            write_exchange_account(originator, source, user);
            write_exchange_account(beneficiary, source, other);
            write_vasp(originator_agent, source);
            write_vasp(beneficiary_agent, source);
            for ((_, out), address) in outside.iter_mut().zip([from, to]) {
                if let Some(address) = address {
                    write_wallet(out, address, network, tag);
                }
            }
        }
    }
    Ok(outside)
}

/// Puts name, country and balance of the user on the side of the user.
fn set_user<'a>(
    limits: &Limits,
    kind: Kind,
    sent: &'a ExchangeRecord<'_>,
    row: &mut TransactionRow<'a>,
) -> Result<(), Fault> {
    let name = limits.text("user_name", sent.user_name.get())?;
    let country = limits.text("user_country", sent.user_country.get())?;
    let after = sent.balance_after.map_or(Ok(None), |raw| balance("balance_after", raw.get()))?;
    if kind != Kind::Deposit {
        row.set(Text::OriginatorName, name);
        row.set(Text::OriginatorCountry, country);
        row.originator_balance = after;
    }
    if matches!(kind, Kind::Deposit | Kind::Trade) {
        row.set(Text::BeneficiaryName, name);
        row.set(Text::BeneficiaryCountry, country);
    }
    if kind == Kind::Deposit {
        row.beneficiary_balance = after;
    }
    Ok(())
}

fn set_texts<'a>(limits: &Limits, sent: &'a ExchangeRecord<'_>, row: &mut TransactionRow<'a>) -> Result<(), Fault> {
    for (column, field) in [
        (Text::Source, &sent.source),
        (Text::TxId, &sent.tx_id),
        (Text::Network, &sent.network),
        (Text::TxHash, &sent.tx_hash),
        (Text::Channel, &sent.channel),
        (Text::Device, &sent.device),
        (Text::Ip, &sent.ip),
        (Text::ToAsset, &sent.to_asset),
    ] {
        row.set(column, limits.column(column, field.get())?);
    }
    Ok(())
}
