mod bank;
mod exchange;

pub(crate) use bank::{Payment, bank_id, bank_json, return_id};
pub(crate) use exchange::{Ledger, LedgerKind, exchange_id, exchange_json, token_id, token_json};

use crate::dice::mix;

/// Hexadecimal digits that depend on a purpose and a number alone, 16 a word.
fn hex(purpose: u64, number: u64, words: u64) -> String {
    let mut text = String::with_capacity(64);
    for word in 0..words {
        push_hex(&mut text, mix(mix(purpose.wrapping_mul(0x1_0001).wrapping_add(word)) ^ number), 16);
    }
    text
}

/// The last `count` hexadecimal digits of a value.
fn push_hex(text: &mut String, value: u64, count: u32) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for place in (0..count).rev() {
        text.push(char::from(DIGITS[(value >> (4 * place) & 15) as usize]));
    }
}

/// A device id; scrambled, so that its order tells nothing.
fn device_id(seed: u64, device: u32) -> String {
    let mut text = String::with_capacity(16);
    text.push_str("dev-");
    push_hex(&mut text, mix(seed.rotate_left(20) ^ u64::from(device)), 10);
    text
}

/// An address of the ranges that are set apart for benchmarks (RFC 2544) or, for devices that do not belong to the
/// account's household, for documentation (RFC 5737).
fn ip(device: u32, household: bool) -> String {
    let bits = mix(u64::from(device));
    let (a, b, c) = (bits & 1, bits >> 8 & 255, bits >> 16 & 255);
    if household { format!("198.{}.{b}.{c}", 18 + a) } else { format!("203.0.113.{b}") }
}
