//! Monero addresses.

use sha3::{Digest, Keccak256};

use super::base58;

/// Appends `xmr:` and the address: standard and sub-addresses of 95 characters, integrated ones of 106, of the main net.
pub(super) fn write_monero(out: &mut String, text: &str) -> bool {
    let mut decoded = [0_u8; 77];
    // Blocks of 8 bytes are 11 characters each; the last 5 bytes are 7 characters.
    let mut length = 0;
    for block in text.as_bytes().chunks(11) {
        let size = match block.len() {
            11 => 8,
            7 => 5,
            _ => return false,
        };
        let Some(value) = block
            .iter()
            .try_fold(0_u128, |value, byte| base58::digit(*byte).map(|digit| value * 58 + u128::from(digit)))
        else {
            return false;
        };
        if value >> (8 * size) != 0 || length + size > decoded.len() {
            return false;
        }
        decoded[length..length + size].copy_from_slice(&value.to_be_bytes()[16 - size..]);
        length += size;
    }
    let network = matches!((decoded[0], length), (18 | 42, 69) | (19, 77));
    if !network || Keccak256::digest(&decoded[..length - 4])[..4] != decoded[length - 4..length] {
        return false;
    }
    out.push_str("xmr:");
    out.push_str(text);
    true
}
