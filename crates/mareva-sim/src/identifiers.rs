use sha2::{Digest as _, Sha256};
use sha3::Keccak256;

use crate::dice::derive;

/// A fictional bank. German bank codes never begin with 9 and the letter codes belong to nobody, so no account is real.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bank {
    pub(crate) bic: &'static str,
    pub(crate) country: &'static str,
    /// What stands between check digits and account number in the IBAN.
    code: &'static str,
    digits: u32,
}

const fn bank(bic: &'static str, country: &'static str, code: &'static str, digits: u32) -> Bank {
    Bank { bic, country, code, digits }
}

/// The banks; the first is the one whose transactions the stream shows.
pub(crate) const BANKS: [Bank; 8] = [
    bank("MRVADEFF", "DE", "90010001", 10),
    bank("FJRDDEHH", "DE", "91020002", 10),
    bank("LNDWDEMM", "DE", "92030003", 10),
    bank("TALBATWW", "AT", "99011", 11),
    bank("HRNEGB2L", "GB", "HRNE990011", 8),
    bank("BLTKLT2X", "LT", "99042", 11),
    bank("SHNNIE2D", "IE", "SHNN990033", 8),
    bank("QILOAEAD", "AE", "990", 16),
];

/// The institution that runs the pipeline.
pub(crate) const OUR_BANK: u8 = 0;
/// BIC of [`OUR_BANK`].
pub const OUR_BIC: &str = BANKS[OUR_BANK as usize].bic;
/// Name of the exchange whose ledger is the exchange stream.
pub const EXCHANGE: &str = "kestrel";

/// IBAN with valid check digits (ISO 13616). Different serials of one bank give different numbers.
pub(crate) fn iban(bank: u8, serial: u64) -> String {
    let bank = &BANKS[usize::from(bank)];
    let modulus = 10_u128.pow(bank.digits);
    // The multiplier is odd and ends in 3, so it is coprime to the modulus and no number comes twice.
    let account = (u128::from(serial) * 73_939_133 + 4_711_815) % modulus;
    let bban = format!("{}{account:0width$}", bank.code, width = bank.digits as usize);
    let check = 98 - remainder_97(&format!("{bban}{}00", bank.country));
    format!("{}{check:02}{bban}", bank.country)
}

/// The number that a text stands for (A = 10 … Z = 35), modulo 97.
pub(crate) fn remainder_97(text: &str) -> u64 {
    text.bytes().fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u64::from(byte - b'0')) % 97,
        b'A'..=b'Z' => (rest * 100 + u64::from(byte - b'A' + 10)) % 97,
        _ => rest,
    })
}

/// 20 bytes of an address that nobody holds the key to.
pub(crate) fn address_key(seed: u64, purpose: &str, number: u64) -> [u8; 20] {
    let mut key = [0; 20];
    key.copy_from_slice(&derive(seed, purpose, number)[..20]);
    key
}

fn base58check(version: u8, key: &[u8; 20]) -> String {
    let mut bytes = vec![version];
    bytes.extend_from_slice(key);
    let check = Sha256::digest(Sha256::digest(&bytes));
    bytes.extend_from_slice(&check[..4]);
    bs58::encode(bytes).into_string()
}

/// TRON address: base58check with version 0x41.
pub(crate) fn tron(key: &[u8; 20]) -> String {
    base58check(0x41, key)
}

/// Bitcoin address: P2PKH or, every second time, segwit version 0 (BIP 173).
pub(crate) fn bitcoin(key: &[u8; 20]) -> String {
    if key[0] & 1 == 0 {
        return base58check(0, key);
    }
    bech32::segwit::encode_v0(bech32::hrp::BC, key).expect("20 bytes are a valid version 0 program")
}

/// EVM address in lower case.
pub(crate) fn evm(key: &[u8; 20]) -> String {
    key.iter().fold(String::from("0x"), |text, byte| text + &format!("{byte:02x}"))
}

/// The same address with the checksum case of EIP-55.
pub(crate) fn eip55(lower: &str) -> String {
    let hash = Keccak256::digest(&lower.as_bytes()[2..]);
    let cased = lower[2..].char_indices().map(|(at, digit)| {
        let nibble = hash[at / 2] >> (if at % 2 == 0 { 4 } else { 0 }) & 15;
        if nibble >= 8 { digit.to_ascii_uppercase() } else { digit }
    });
    String::from("0x") + &cased.collect::<String>()
}
