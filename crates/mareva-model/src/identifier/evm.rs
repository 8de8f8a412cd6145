//! EVM addresses.

use sha3::{Digest, Keccak256};

/// Appends `eip155:1:0x…` in lower case for `0x` and 40 hex digits. Where the case is mixed it must be that of EIP-55.
pub(super) fn write_evm(out: &mut String, text: &str) -> bool {
    let [b'0', b'x' | b'X', hex @ ..] = text.as_bytes() else {
        return false;
    };
    if hex.len() != 40 || !hex.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let lower = hex.iter().any(u8::is_ascii_lowercase);
    let upper = hex.iter().any(u8::is_ascii_uppercase);
    if lower && upper && !eip55_holds(hex) {
        return false;
    }
    let start = out.len();
    out.push_str("eip155:1:0x");
    out.push_str(&text[2..]);
    out[start..].make_ascii_lowercase();
    true
}

fn eip55_holds(hex: &[u8]) -> bool {
    let hash = Keccak256::digest(hex.to_ascii_lowercase());
    hex.iter().enumerate().all(|(place, digit)| {
        let shift = if place % 2 == 0 { 4 } else { 0 };
        let nibble = hash[place / 2] >> shift & 0x0f;
        !digit.is_ascii_alphabetic() || digit.is_ascii_uppercase() == (nibble >= 8)
    })
}
