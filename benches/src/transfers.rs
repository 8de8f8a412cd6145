//! Payments between private accounts that all are known, from devices: each is on five timelines of the shipped rules, where a
//! simulated economy, which mostly shops, is on less than one.

use std::fmt::Write as _;
use std::sync::Arc;

use mareva_model::{Kind, format_time};
use mareva_pipeline::InputRecord;
use mareva_sim::OUR_BIC;

use crate::BANK;
use crate::economy::german_iban;

/// 2026-01-05T00:00:00Z.
const START: i64 = 1_767_571_200_000;
/// They are spread over the span that most rules look back on.
const SPREAD: u64 = 72 * 3_600_000;
const BANK_CODE: u32 = 50_010_517;
/// Whom an account pays four times out of five.
const REGULAR: u64 = 8;

const FIRST: [&str; 8] = ["Anna", "Bela", "Carla", "Darius", "Elif", "Frieda", "Goran", "Hanna"];
const LAST: [&str; 8] = ["Albers", "Brandt", "Celik", "Dorn", "Ehlers", "Fink", "Gruber", "Hoffmann"];

/// So many of them, in event-time order.
pub struct Transfers {
    seed: u64,
    accounts: u64,
    transactions: u64,
    next: u64,
}

/// SplitMix64: chance without a state. The same numbers give the same number.
pub fn chance(seed: u64, number: u64, salt: u64) -> u64 {
    let mut x = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xd1b5_4a32_d192_ed03);
    for _ in 0..2 {
        x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
    }
    x
}

fn name(account: u64) -> String {
    format!("{} {}", FIRST[(account % 8) as usize], LAST[(account / 8 % 8) as usize])
}

impl Transfers {
    /// `transactions` payments among `accounts` accounts, at least two.
    pub fn new(seed: u64, accounts: u64, transactions: u64) -> Self {
        Self { seed, accounts: accounts.max(2), transactions: transactions.max(1), next: 0 }
    }

    /// The accounts table, NDJSON.
    pub fn accounts_table(&self) -> Vec<u8> {
        let mut table = String::new();
        for account in 0..self.accounts {
            let iban = german_iban(BANK_CODE, account);
            let _ = writeln!(
                table,
                "{{\"account\":\"iban:{iban}\",\"customer\":\"C{account:07}\",\"segment\":\"retail\",\"role\":\"retail\",\
                 \"opened_at\":\"2019-03-01T00:00:00.000Z\",\"country\":\"DE\"}}"
            );
        }
        table.into_bytes()
    }
}

impl Iterator for Transfers {
    type Item = InputRecord;

    fn next(&mut self) -> Option<InputRecord> {
        if self.next >= self.transactions {
            return None;
        }
        let number = self.next;
        self.next += 1;
        let event_time = START + (u128::from(number) * u128::from(SPREAD) / u128::from(self.transactions)) as i64;
        let payer = chance(self.seed, number, 1) % self.accounts;
        let dice = chance(self.seed, number, 2);
        let payee = match dice % 5 {
            0 => chance(self.seed, number, 3) % self.accounts,
            _ => chance(payer, (dice >> 8) % REGULAR, 4) % self.accounts,
        };
        // Nor does anybody pay a namesake: rules take that for his own money.
        let payee = if name(payee) == name(payer) { (payee + 1) % self.accounts } else { payee };
        let cents = 100 + (dice >> 16) % 15_000;
        let balance = 100_000 + (dice >> 40) % 2_000_000;
        let party = |account: u64| {
            let (iban, name) = (german_iban(BANK_CODE, account), name(account));
            format!("\"account\":\"{iban}\",\"name\":\"{name}\",\"agent\":\"{OUR_BIC}\",\"country\":\"DE\"")
        };
        let json = format!(
            "{{\"type\":\"{}\",\"tx_id\":\"T{number:010}\",\"source\":\"{OUR_BIC}\",\"time\":\"{}\",\"status\":\"settled\",\
             \"amount\":\"{}.{:02}\",\"currency\":\"EUR\",\"originator\":{{{},\"balance_after\":\"{}.{:02}\"}},\
             \"beneficiary\":{{{}}},\"channel\":\"mobile\",\"device\":\"d-{payer:08x}\",\"remittance\":\"For you\",\
             \"end_to_end_id\":\"E2E{dice:016x}\"}}",
            Kind::CreditTransfer.as_str(),
            format_time(event_time),
            cents / 100,
            cents % 100,
            party(payer),
            balance / 100,
            balance % 100,
            party(payee),
        );
        let (topic, offset) = (Arc::from(BANK), number as i64);
        Some(InputRecord { topic, partition: 0, offset, append_time: event_time, payload: json.into() })
    }
}
