//! Token transfers and transactions as `ethereum-etl stream` writes them.
//! Source: <https://github.com/blockchain-etl/ethereum-etl/blob/develop/docs/schema.md>.

use std::borrow::Cow;
use std::fmt::Write;

use mareva_model::identifier::write_wallet;
use mareva_model::{Amount, Kind, PartyRole, Reason, Status, Text, TransactionRow, parse_time, time_from_seconds};

use crate::amount::{ReadAmount, shift};
use crate::decoder::PartyText;
use crate::exchange_json::{ExchangeRecord, log_index};
use crate::fault::Fault;
use crate::json::Token;
use crate::row::{Context, Parties};

/// Contracts whose decimals are known: canonical identifier, ticker, decimals.
const CONTRACTS: [(&str, &str, u32); 4] = [
    ("eip155:1:0xdac17f958d2ee523a2206206994597c13d831ec7", "USDT", 6),
    ("eip155:1:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "USDC", 6),
    ("eip155:1:0x6b175474e89094c44da98b954eedeac495271d0f", "DAI", 18),
    ("eip155:1:0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "WETH", 18),
];

const SOURCE: &str = "ethereum";
/// Decimals of ether.
const ETHER: u32 = 18;

/// Decodes a token transfer. Amounts are base units: those of an unknown contract stay text, in that unit.
pub(crate) fn token_transfer(sent: &ExchangeRecord<'_>, context: Context<'_, '_>) -> Result<(), Fault> {
    let Context { record, scratch, collected, .. } = context;
    address("token_address", sent.token_address.get(), &mut scratch.asset_contract)?;
    address("from_address", sent.from_address.get(), &mut scratch.originator)?;
    address("to_address", sent.to_address.get(), &mut scratch.beneficiary)?;
    hash("transaction_hash", sent.transaction_hash.get(), &mut scratch.tx_hash)?;
    let log = log_index(sent.log_index.ok_or_else(|| Fault::missing("log_index"))?.get())?;
    write!(scratch.row_id, "{SOURCE}:{}:{log}", scratch.tx_hash).expect("a string takes any text");
    let value = base_units(sent.value)?;
    let known = CONTRACTS.iter().find(|(contract, ..)| *contract == scratch.asset_contract);

    let scratch = &*scratch;
    let mut row = TransactionRow::new(block_time(sent.block_timestamp)?);
    row.log_index = Some(log);
    row.amount = known.and_then(|(.., decimals)| Amount::parse_scaled(&value, *decimals).ok()).map(|amount| amount.0);
    let amount_text = match (row.amount, known) {
        (Some(_), _) => None,
        (None, Some((.., decimals))) => Some(shift(&value, *decimals as usize)),
        (None, None) => Some(value.into_owned()),
    };
    row.set(Text::AmountText, amount_text.as_deref());
    row.set(Text::Currency, known.map_or(scratch.asset_contract.as_str(), |(_, ticker, _)| ticker));
    scratch.set(&mut row);
    row.set(Text::Kind, Kind::TokenTransfer.as_str());
    row.set(Text::Status, Status::Settled.as_str());
    row.set(Text::Source, SOURCE);
    row.set(Text::Network, SOURCE);
    collected.append(row, record, 0, Parties::new());
    Ok(())
}

/// Decodes a native transfer. A failed transaction moves nothing: it is rejected. A contract creation pays the contract.
pub(crate) fn transaction(sent: &ExchangeRecord<'_>, context: Context<'_, '_>) -> Result<(), Fault> {
    let Context { record, scratch, collected, .. } = context;
    address("from_address", sent.from_address.get(), &mut scratch.originator)?;
    if let Some(to) = sent.to_address.get().or(sent.receipt_contract_address.get()) {
        address("to_address", Some(to), &mut scratch.beneficiary)?;
    }
    hash("hash", sent.hash.get(), &mut scratch.tx_hash)?;
    scratch.row_id.extend([SOURCE, ":", &scratch.tx_hash, ":tx"]);
    let value = base_units(sent.value)?;
    let status = match sent.receipt_status.map(|raw| raw.get().trim_matches('"')) {
        Some("0") => Status::Rejected,
        None | Some("1") => Status::Settled,
        Some(_) => return Err(Fault::invalid("receipt_status", "neither 0 nor 1")),
    };

    let scratch = &*scratch;
    let mut row = TransactionRow::new(block_time(sent.block_timestamp)?);
    row.amount = Amount::parse_scaled(&value, ETHER).ok().map(|amount| amount.0);
    let amount_text = row.amount.is_none().then(|| shift(&value, ETHER as usize));
    row.set(Text::AmountText, amount_text.as_deref());
    row.set(Text::Currency, "ETH");
    scratch.set(&mut row);
    row.set(Text::Kind, Kind::ChainTransfer.as_str());
    row.set(Text::Status, status.as_str());
    row.set(Text::Source, SOURCE);
    row.set(Text::Network, SOURCE);
    let mut parties = Parties::new();
    // Who created a contract also names it; a transfer to an old address with a contract beside it names two.
    if let (Some(_), Some(contract)) = (sent.to_address.get(), sent.receipt_contract_address.get()) {
        let mut second = String::new();
        write_wallet(&mut second, contract, Some(SOURCE), None);
        parties.push((PartyRole::Beneficiary, PartyText::Identifier(second)));
    }
    collected.append(row, record, 0, parties);
    Ok(())
}

fn address(field: &str, text: Option<&str>, out: &mut String) -> Result<(), Fault> {
    let text = text.ok_or_else(|| Fault::missing(field))?;
    if text.len() == 42 && write_wallet(out, text, None, None) && out.starts_with("eip155:") {
        return Ok(());
    }
    out.clear();
    Err(Fault::invalid(field, "not an address; write 0x and 40 hex digits"))
}

fn hash(field: &str, text: Option<&str>, out: &mut String) -> Result<(), Fault> {
    let text = text.ok_or_else(|| Fault::missing(field))?;
    let valid = text.len() == 66 && text.starts_with("0x") && text[2..].bytes().all(|b| b.is_ascii_hexdigit());
    if !valid {
        return Err(Fault::invalid(field, "not a transaction hash; write 0x and 64 hex digits"));
    }
    out.extend(text.bytes().map(|b| char::from(b.to_ascii_lowercase())));
    Ok(())
}

/// A whole number of base units, as text.
fn base_units<'a>(raw: Option<Token<'a>>) -> Result<Cow<'a, str>, Fault> {
    let read = ReadAmount::json("value", raw.ok_or_else(|| Fault::missing("value"))?.get())?;
    if read.text.contains('.') {
        return Err(Fault::new(Reason::InvalidField, "value: base units are whole; write an integer"));
    }
    Ok(read.text)
}

/// Time of the block: seconds since 1970 or RFC 3339.
fn block_time(raw: Option<Token<'_>>) -> Result<i64, Fault> {
    let token = raw.ok_or_else(|| Fault::missing("block_timestamp"))?.get();
    let read = match token.parse::<i64>() {
        Ok(seconds) => time_from_seconds(seconds),
        Err(_) => parse_time(token.trim_matches('"')),
    };
    read.map_err(|error| Fault::time("block_timestamp", error))
}
