use super::{device_id, hex, ip};
use crate::action::{Channel, Note};
use crate::identifiers::OUR_BIC;
use crate::json::Json;
use crate::world::{AccountId, World};

/// A record of the bank stream, before it is written. Balances are read from the world, so it must have moved already.
#[derive(Debug)]
pub(crate) struct Payment {
    pub(crate) kind: &'static str,
    pub(crate) number: u64,
    pub(crate) time: i64,
    pub(crate) rejected: bool,
    pub(crate) cents: i64,
    pub(crate) currency: &'static str,
    pub(crate) from: Option<AccountId>,
    pub(crate) to: Option<AccountId>,
    /// Number of the shop.
    pub(crate) shop: Option<u32>,
    pub(crate) channel: &'static str,
    pub(crate) device: u32,
    pub(crate) note: Option<Note>,
    pub(crate) original: Option<u64>,
}

impl Payment {
    pub(crate) fn new(kind: &'static str, number: u64, time: i64, cents: i64) -> Self {
        Self {
            kind,
            number,
            time,
            rejected: false,
            cents,
            currency: "EUR",
            from: None,
            to: None,
            shop: None,
            channel: Channel::Api.as_str(),
            device: 0,
            note: None,
            original: None,
        }
    }
}

/// Id of a payment, cash or card record.
pub(crate) fn bank_id(number: u64) -> String {
    format!("B{number:010}")
}

/// Id of a return.
pub(crate) fn return_id(number: u64) -> String {
    format!("R{number:010}")
}

pub(crate) fn bank_json(world: &World, payment: &Payment) -> Vec<u8> {
    let mut json = Json::new();
    json.text("type", payment.kind);
    json.numbered("tx_id", if payment.original.is_some() { "R" } else { "B" }, payment.number, 10);
    json.text("source", OUR_BIC);
    json.time("time", &world.date(payment.time), payment.time);
    json.text("status", if payment.rejected { "rejected" } else { "settled" });
    json.decimal("amount", payment.cents, 2);
    json.text("currency", payment.currency);
    for (side, account) in [("originator", payment.from), ("beneficiary", payment.to)] {
        if let Some(account) = account {
            party(&mut json, world, side, account);
        }
    }
    if let Some(shop) = payment.shop {
        json.numbered("merchant", "M", u64::from(shop), 6);
    }
    json.text("channel", payment.channel);
    if payment.device != 0 {
        let own = payment.from.or(payment.to).is_none_or(|id| {
            let account = world.account(id);
            [account.device, account.home].contains(&payment.device)
        });
        json.text("device", &device_id(world.seed, payment.device));
        json.text("ip", &ip(payment.device, own));
    }
    if payment.note.is_some() || payment.original.is_some() {
        references(&mut json, world, payment);
    }
    json.finish()
}

fn party(json: &mut Json, world: &World, side: &str, id: AccountId) {
    let account = world.account(id);
    json.open(side);
    json.text("account", &account.iban);
    json.text("name", &account.name);
    json.text("agent", account.bic());
    json.text("country", account.country);
    if let Some(birth) = &account.birth {
        json.text("birth_date", birth);
    }
    if account.ours() {
        json.decimal("balance_after", account.balance, 2);
    }
    json.close();
}

/// What interbank messages carry and a recall has to repeat. At most 35 characters each (Max35Text).
fn references(json: &mut Json, world: &World, payment: &Payment) {
    let number = payment.number;
    if let Some(note) = payment.note {
        let (text, purpose) = note.parts();
        if let Some(purpose) = purpose {
            json.text("purpose", purpose);
        }
        remittance(json, world, note, text, number);
    }
    let message = if payment.original.is_some() { "pacs.004.001.09" } else { "pacs.008.001.08" };
    let day = world.date(payment.time);
    let prefix = ["MRV", &day[..4], &day[5..7], &day[8..], "-"].concat();
    json.numbered("msg_id", &prefix, number / 50, 8);
    json.text("msg_name_id", message);
    json.numbered("instr_id", "INS", number, 10);
    json.texts("end_to_end_id", &["E2E", &hex(1, world.seed ^ number, 1)]);
    json.numbered("clearing_ref", "CLR", number, 12);
    uetr(json, "uetr", world.seed, number);
    json.text("settlement_date", &day);
    json.decimal("settlement_amount", payment.cents, 2);
    json.text("settlement_currency", payment.currency);
    if let Some(original) = payment.original {
        json.numbered("original_tx_id", "B", original, 10);
        uetr(json, "original_uetr", world.seed, original);
    }
}

fn remittance(json: &mut Json, world: &World, note: Note, text: &str, number: u64) {
    match note {
        Note::Usdt(wallet) => json.texts("remittance", &[text, " ", &world.wallet(wallet).address]),
        Note::Invoice | Note::Supplier | Note::Bill | Note::Batch | Note::Exchange | Note::Project => {
            json.numbered("remittance", &[text, " "].concat(), 10_000 + number * 37 % 990_000, 1);
        }
        Note::Works => json.numbered("remittance", &[text, " "].concat(), 1 + number % 4, 1),
        _ => json.text("remittance", text),
    }
}

/// A version 4 UUID (RFC 9562).
fn uetr(json: &mut Json, key: &str, seed: u64, number: u64) {
    let digits = hex(2, seed.rotate_left(17) ^ number, 2);
    let variant = ["8", "9", "a", "b"][(number % 4) as usize];
    let parts =
        [&digits[..8], "-", &digits[8..12], "-4", &digits[13..16], "-", variant, &digits[17..20], "-", &digits[20..]];
    json.texts(key, &parts);
}
