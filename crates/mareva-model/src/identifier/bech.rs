//! Bech32 addresses (BIP-173, BIP-350) and cashaddr.

use bech32::primitives::decode::SegwitHrpstring;

/// Appends a segwit address of Bitcoin or Litecoin in lower case. Mixed case is refused by the standard.
pub(super) fn write_segwit(out: &mut String, text: &str) -> bool {
    let Ok(address) = SegwitHrpstring::new(text) else {
        return false;
    };
    let hrp = address.hrp();
    let scheme = match text.as_bytes() {
        [b'b' | b'B', b'c' | b'C', b'1', ..] if hrp.len() == 2 => "btc:",
        [b'l' | b'L', b't' | b'T', b'c' | b'C', b'1', ..] if hrp.len() == 3 => "ltc:",
        _ => return false,
    };
    let start = out.len();
    out.push_str(scheme);
    out.push_str(text);
    out[start..].make_ascii_lowercase();
    true
}

/// Characters of a cashaddr: 34 of payload (version byte and 20 bytes of hash), 8 of checksum.
const CASHADDR: usize = 42;
const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS: [u64; 5] = [0x98_f2bc_8e61, 0x79_b76d_99e2, 0xf3_3e5f_b3c4, 0xae_2eab_e2a8, 0x1e_4f43_e470];

/// Checksum state after the prefix `bitcoincash` and the zero behind it, then `values` of 5 bits each.
fn polymod(values: impl Iterator<Item = u8>) -> u64 {
    let prefix = b"bitcoincash".iter().map(|byte| byte & 0x1f).chain([0]);
    let mut state = 1_u64;
    for value in prefix.chain(values) {
        let top = state >> 35;
        state = ((state & 0x07_ffff_ffff) << 5) ^ u64::from(value);
        for (bit, generator) in GENERATORS.iter().enumerate() {
            if top >> bit & 1 == 1 {
                state ^= generator;
            }
        }
    }
    state ^ 1
}

/// Appends a Bitcoin Cash address without its prefix, in lower case.
pub(super) fn write_cashaddr(out: &mut String, text: &str) -> bool {
    let mixed = text.bytes().any(|b| b.is_ascii_lowercase()) && text.bytes().any(|b| b.is_ascii_uppercase());
    if text.len() != CASHADDR || mixed {
        return false;
    }
    let mut values = [0_u8; CASHADDR];
    for (value, byte) in values.iter_mut().zip(text.bytes()) {
        let Some(found) = CHARSET.iter().position(|c| *c == byte.to_ascii_lowercase()) else {
            return false;
        };
        *value = found as u8;
    }
    // The version byte is the first 8 bits: 0 pays to a key, 8 to a script, both to 20 bytes of hash; 2 bits of padding.
    let version = values[0] << 3 | values[1] >> 2;
    if !matches!(version, 0 | 8) || values[33] & 0b11 != 0 || polymod(values.into_iter()) != 0 {
        return false;
    }
    let start = out.len();
    out.push_str("bch:");
    out.push_str(text);
    out[start..].make_ascii_lowercase();
    true
}

/// Appends the cashaddr of a hash given in the old format, which Bitcoin shares.
pub(super) fn write_legacy_cash(out: &mut String, version: u8, hash: &[u8; 20]) {
    let version = if version == 0 { 0 } else { 8 };
    let mut values = [0_u8; CASHADDR];
    let (mut bits, mut held, mut next) = (0_u32, 0_u32, 0);
    for byte in std::iter::once(version).chain(hash.iter().copied()) {
        held = held << 8 | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            values[next] = (held >> bits & 0x1f) as u8;
            next += 1;
        }
    }
    // 168 bits are 33 values and 3 bits, padded by 2.
    values[next] = (held << (5 - bits) & 0x1f) as u8;
    let checksum = polymod(values.into_iter());
    for (place, value) in values[34..].iter_mut().enumerate() {
        *value = (checksum >> (5 * (7 - place)) & 0x1f) as u8;
    }
    out.push_str("bch:");
    out.extend(values.iter().map(|value| char::from(CHARSET[usize::from(*value)])));
}
