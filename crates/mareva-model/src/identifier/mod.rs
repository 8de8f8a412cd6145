//! Identifiers: type by format and checksum, never by a ticker; one canonical form each.
//!
//! | canonical form | what it is | how it is checked |
//! |---|---|---|
//! | `iban:DE89370400440532013000` | bank account | ISO 13616: country structure, mod 97 |
//! | `bic:MRVADEFFXXX` | institution, always 11 characters | ISO 9362 format |
//! | `clearing:021150706` | institution by clearing member id | none |
//! | `acct:MRVADEFF/12345` | account number at an institution (first 8 of the BIC, or `-`) | none: unvalidated |
//! | `btc:…` `ltc:…` `doge:…` `dash:…` `zec:…` `btg:…` `tron:…` | address as written | base58check version, BIP-173 and BIP-350 |
//! | `bch:q…` | address without its `bitcoincash:` prefix | cashaddr |
//! | `eip155:1:0x…` | EVM address, lower case, the same for every EVM chain | EIP-55 where the case is mixed; a wrong case is unvalidated |
//! | `xmr:…` | address as written | Keccak |
//! | `xrp:r…#tag` `xlm:G…#memo` | address and, where there is one, its tag | base58check, strkey CRC-16 |
//! | `iost:name#tag` | account name and tag | format |
//! | `exch:<exchange>:<uid>` | account at an exchange; `?` where the exchange is not known | format |
//! | `phone:+…` | telephone number | E.164 format |
//! | `vasp:<name>` `merchant:<id>` | institution or shop | format |
//! | `chain:<network>/<text>` | address that did not validate, as it was written | none: unvalidated |
//!
//! A `3…` address of Litecoin is byte for byte one of Bitcoin, and a `D…` address of Verge one of Dogecoin: they are
//! `btc:` and `doge:`, so that they match whatever the sender called them. Letters of other alphabets that look like
//! ASCII, and decimal digits of other scripts, are folded before a checksum is computed: the checksum decides.

mod bank;
mod base58;
mod bech;
mod cell;
mod confusable;
mod evm;
mod forms;
mod iban;
mod monero;
mod remittance;
mod stellar;
mod wallet;

pub use bank::{bic, phone, write_bic};
pub use cell::{ListCell, list_cell};
pub use forms::{
    bank_of_branch, exchange_account, mistyped_iban, without_tag, write_account, write_agent, write_exchange_account,
    write_merchant, write_vasp,
};
pub use iban::write_iban;
pub use remittance::recognise_in_text;
pub use wallet::{is_fiat_network, write_wallet};

/// A canonical identifier.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier {
    /// The canonical form; [`recognise`] gives it back unchanged.
    pub canonical: String,
    /// Whether its checksum held, or its format where the form has no checksum. `acct:`, `clearing:`, `chain:` and
    /// `exch:?:` are never validated, nor an `eip155:` that was written in a wrong case.
    pub validated: bool,
}

/// Longest text that is looked at, in bytes: above any field that a decoder lets through, and its scheme.
const MAX_TEXT: usize = 2_048;

/// The identifier that `text` is, by format and checksum; `None` where it is none or several. Canonical text is
/// accepted and checked again. Bare digits are not recognised: nothing says whose they are.
pub fn recognise(text: &str) -> Option<Identifier> {
    let mut canonical = String::new();
    write_recognised(&mut canonical, text).map(|validated| Identifier { canonical, validated })
}

/// A bank account field: a valid IBAN, anything else that [`recognise`] knows (a BIC alone aside), else
/// `acct:<agent or ->/<text>` with the first 8 characters of the agent's BIC, unvalidated.
pub fn account(text: &str, agent: Option<&str>) -> Identifier {
    let mut canonical = String::new();
    let validated = write_account(&mut canonical, text, agent);
    Identifier { canonical, validated }
}

/// An address on a chain. The network only picks among the readings that the format leaves open; an address that
/// fails every checksum becomes `chain:<network>/<text>`, unvalidated. The tag joins the address where the chain has tags.
pub fn wallet(text: &str, network: Option<&str>, tag: Option<&str>) -> Identifier {
    let mut canonical = String::new();
    let validated = write_wallet(&mut canonical, text, network, tag);
    Identifier { canonical, validated }
}

/// Appends what [`recognise`] finds to `out` and returns whether it is validated; on `None`, `out` is as it was.
pub fn write_recognised(out: &mut String, text: &str) -> Option<bool> {
    let text = trimmed(text);
    if text.is_empty() || text.len() > MAX_TEXT {
        return None;
    }
    if let Some((scheme, rest)) = text.split_once(':')
        && let Some(validated) = forms::write_scheme(out, scheme, rest)
    {
        return Some(validated);
    }
    if text.is_ascii() {
        return write_ascii(out, text);
    }
    write_ascii(out, &confusable::fold(text)?)
}

/// The bare forms, told apart by length and first characters so that few are tried.
fn write_ascii(out: &mut String, text: &str) -> Option<bool> {
    let text = trimmed(text);
    let bytes = text.as_bytes();
    let first = *bytes.first()?;
    let known = |written: bool| written.then_some(true);
    match bytes.len() {
        _ if first == b'+' => known(bank::write_phone(out, text)),
        8 | 11 if bank::is_plain_bic(bytes) => known(bank::write_bic(out, text)),
        _ if has_mixed_case(bytes) => write_address(out, text).or_else(|| known(iban::write_iban(out, text))),
        _ => known(iban::write_iban(out, text)).or_else(|| write_address(out, text)),
    }
}

/// Addresses on chains, bare; whether it is validated where it is one.
fn write_address(out: &mut String, text: &str) -> Option<bool> {
    let written = match (text.len(), text.as_bytes()) {
        (42, [b'0', b'x' | b'X', ..]) => return evm::write_evm(out, text),
        (42, [b'4', b'1', ..]) => base58::write_tron_hex(out, text),
        (42, [b'q' | b'p' | b'Q' | b'P', ..]) => bech::write_cashaddr(out, text),
        (14..=90, [b'b' | b'B', b'c' | b'C', b'1', ..]) => bech::write_segwit(out, text),
        (14..=90, [b'l' | b'L', b't' | b'T', b'c' | b'C', b'1', ..]) => bech::write_segwit(out, text),
        (25..=35, [b'r', ..]) => base58::write_ripple(out, text),
        (25..=35, _) => base58::write_base58check(out, text),
        (56, [b'G', ..]) | (69, [b'M', ..]) => stellar::write_stellar(out, text),
        (95 | 106, [b'4' | b'8', ..]) => monero::write_monero(out, text),
        _ => false,
    };
    written.then_some(true)
}

/// `text.trim()`, at once where there is nothing to trim.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

fn has_mixed_case(bytes: &[u8]) -> bool {
    bytes.iter().any(u8::is_ascii_lowercase) && bytes.iter().any(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests;
