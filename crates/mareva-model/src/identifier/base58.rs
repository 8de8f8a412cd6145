//! Addresses in base58check: Bitcoin and its kin, TRON, XRP.
//!
//! The decoder is our own because addresses are the hot path of the exchange stream: whole limbs instead of byte by byte,
//! about ten times the speed of the library, which the tests hold it against.

use sha2::{Digest, Sha256};

const NOT_A_DIGIT: u8 = 0xff;

const BITCOIN: [u8; 128] = digits(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz");
const RIPPLE: [u8; 128] = digits(b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz");

const fn digits(alphabet: &[u8; 58]) -> [u8; 128] {
    let mut table = [NOT_A_DIGIT; 128];
    let mut value = 0;
    while value < 58 {
        table[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    table
}

/// The value of a digit in Bitcoin's alphabet.
pub(super) fn digit(byte: u8) -> Option<u8> {
    BITCOIN.get(usize::from(byte)).copied().filter(|digit| *digit != NOT_A_DIGIT)
}

/// Decodes base58 of exactly `N` ≤ 32 bytes, leading zeros included; `None` for anything else.
fn decode<const N: usize>(text: &str, alphabet: &[u8; 128]) -> Option<[u8; N]> {
    // 43 digits stay below 58^43 < 2^252: the four limbs cannot overflow.
    if text.len() > 43 {
        return None;
    }
    let mut limbs = [0_u64; 4];
    let mut zeros = 0;
    let mut leading = true;
    // Ten digits at a time: 58^10 < 2^59.
    for chunk in text.as_bytes().chunks(10) {
        let (mut value, mut factor) = (0_u64, 1_u64);
        for &byte in chunk {
            let digit = *alphabet.get(usize::from(byte)).filter(|digit| **digit != NOT_A_DIGIT)?;
            leading &= digit == 0;
            zeros += usize::from(leading);
            value = value * 58 + u64::from(digit);
            factor *= 58;
        }
        for limb in &mut limbs {
            let wide = u128::from(*limb) * u128::from(factor) + u128::from(value);
            *limb = wide as u64;
            value = (wide >> 64) as u64;
        }
    }
    let mut wide = [0_u8; 32];
    for (bytes, limb) in wide.chunks_exact_mut(8).zip(limbs.iter().rev()) {
        bytes.copy_from_slice(&limb.to_be_bytes());
    }
    let (over, kept) = wide.split_at(32 - N);
    let kept: [u8; N] = kept.try_into().ok()?;
    let zero_bytes = kept.iter().take_while(|byte| **byte == 0).count();
    (over.iter().all(|byte| *byte == 0) && zero_bytes == zeros).then_some(kept)
}

fn checksum_holds(decoded: &[u8]) -> bool {
    let (payload, checksum) = decoded.split_at(decoded.len() - 4);
    double_sha256(payload)[..4] == *checksum
}

fn double_sha256(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(payload)).into()
}

/// The scheme of a version byte that stands before 20 bytes of hash.
fn scheme(version: u8) -> Option<&'static str> {
    Some(match version {
        0x00 | 0x05 => "btc:",
        0x30 | 0x32 => "ltc:",
        0x1e | 0x16 => "doge:",
        0x4c | 0x10 => "dash:",
        0x26 | 0x17 => "btg:",
        0x41 => "tron:",
        _ => return None,
    })
}

/// Appends the address under the scheme that its version byte names.
pub(super) fn write_base58check(out: &mut String, text: &str) -> bool {
    let scheme = match text.as_bytes() {
        // Zcash transparent addresses have two version bytes: t1 and t3.
        [b't', ..] => decode::<26>(text, &BITCOIN)
            .filter(|d| matches!(d[..2], [0x1c, 0xb8 | 0xbd]) && checksum_holds(d))
            .map(|_| "zec:"),
        _ => decode::<25>(text, &BITCOIN).and_then(|d| scheme(d[0]).filter(|_| checksum_holds(&d))),
    };
    let Some(scheme) = scheme else { return false };
    out.push_str(scheme);
    out.push_str(text);
    true
}

/// Appends an XRP classic address.
pub(super) fn write_ripple(out: &mut String, text: &str) -> bool {
    let valid = decode::<25>(text, &RIPPLE).is_some_and(|d| d[0] == 0 && checksum_holds(&d));
    if valid {
        out.push_str("xrp:");
        out.push_str(text);
    }
    valid
}

/// Appends a TRON address that is given as the hex of its 21 bytes (`41…`), or of the last 20 behind `0x`.
pub(super) fn write_tron_hex(out: &mut String, text: &str) -> bool {
    let Some(hex) = text.strip_prefix("41").or_else(|| text.strip_prefix("0x")).filter(|hex| hex.len() == 40) else {
        return false;
    };
    let mut address = [0_u8; 25];
    address[0] = 0x41;
    for (byte, pair) in address[1..21].iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let nibble = |digit: u8| char::from(digit).to_digit(16);
        let (Some(high), Some(low)) = (nibble(pair[0]), nibble(pair[1])) else {
            return false;
        };
        *byte = (high * 16 + low) as u8;
    }
    let checksum = double_sha256(&address[..21]);
    address[21..].copy_from_slice(&checksum[..4]);
    out.push_str("tron:");
    out.push_str(&bs58::encode(address).into_string());
    true
}

/// The version and hash of a valid Bitcoin address in base58, for chains that share the format.
pub(super) fn bitcoin_hash(text: &str) -> Option<(u8, [u8; 20])> {
    let decoded = decode::<25>(text, &BITCOIN).filter(|d| matches!(d[0], 0x00 | 0x05) && checksum_holds(d))?;
    let hash = decoded[1..21].try_into().ok()?;
    Some((decoded[0], hash))
}

#[cfg(test)]
mod tests;
