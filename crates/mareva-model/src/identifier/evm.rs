//! EVM addresses.

use sha3::{Digest, Keccak256};

/// Appends `eip155:1:0x…` in lower case for `0x` and 40 hex digits. It is validated unless the case is mixed and not that of
/// EIP-55: chains ignore the case, so that a wrong one may be a typo but is an address all the same.
pub(super) fn write_evm(out: &mut String, text: &str) -> Option<bool> {
    let [b'0', b'x' | b'X', hex @ ..] = text.as_bytes() else {
        return None;
    };
    if hex.len() != 40 || !hex.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let lower = hex.iter().any(u8::is_ascii_lowercase);
    let upper = hex.iter().any(u8::is_ascii_uppercase);
    let validated = !(lower && upper) || eip55_holds(hex);
    let start = out.len();
    out.push_str("eip155:1:0x");
    out.push_str(&text[2..]);
    out[start..].make_ascii_lowercase();
    Some(validated)
}

fn eip55_holds(hex: &[u8]) -> bool {
    let hash = Keccak256::digest(hex.to_ascii_lowercase());
    hex.iter().enumerate().all(|(place, digit)| {
        let shift = if place % 2 == 0 { 4 } else { 0 };
        let nibble = hash[place / 2] >> shift & 0x0f;
        !digit.is_ascii_alphabetic() || digit.is_ascii_uppercase() == (nibble >= 8)
    })
}
