//! Chain addresses with the network and tag that a transaction states beside them.

use super::forms::{push_tag, push_visible, write_named};
use super::{base58, bech, trimmed, write_account, write_recognised};

/// What a network name says about the reading of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// Bank money: the field holds an account.
    Fiat,
    Tron,
    BitcoinCash,
    Iost,
    Other,
}

fn family(network: &str) -> Family {
    // Compared without case and separators: "Bitcoin Cash", "bitcoin-cash" and "BITCOINCASH" are one.
    let mut name = [0_u8; 16];
    let mut length = 0;
    for byte in network.bytes().filter(u8::is_ascii_alphanumeric) {
        let Some(place) = name.get_mut(length) else {
            return Family::Other;
        };
        *place = byte.to_ascii_lowercase();
        length += 1;
    }
    match &name[..length] {
        b"sepa" | b"swift" | b"card" | b"ach" | b"fedwire" | b"fps" | b"fiat" | b"bank" => Family::Fiat,
        b"tron" | b"trx" | b"trc20" => Family::Tron,
        b"bitcoincash" | b"bch" => Family::BitcoinCash,
        b"iost" => Family::Iost,
        _ => Family::Other,
    }
}

/// Whether a network moves bank money (`sepa`, `swift`, `card`, …): its addresses are bank accounts.
pub fn is_fiat_network(network: &str) -> bool {
    family(network) == Family::Fiat
}

/// Appends an address as [`super::wallet`] reads it; returns whether it is validated.
pub fn write_wallet(out: &mut String, text: &str, network: Option<&str>, tag: Option<&str>) -> bool {
    let text = trimmed(text);
    let start = out.len();
    match network.map_or(Family::Other, family) {
        Family::Fiat => return write_account(out, text, None),
        // Nodes print TRON addresses in the form of Ethereum.
        Family::Tron if text.starts_with("0x") && base58::write_tron_hex(out, text) => return true,
        Family::BitcoinCash => {
            if let Some((version, hash)) = base58::bitcoin_hash(text) {
                bech::write_legacy_cash(out, version, &hash);
                return true;
            }
        }
        Family::Iost if write_named(out, text, tag) => return true,
        _ => {}
    }
    if let Some(validated) = write_recognised(out, text) {
        // An address field holds no institution.
        if !out[start..].starts_with("bic:") {
            push_tag(out, start, tag);
            return validated;
        }
        out.truncate(start);
    }
    write_unvalidated(out, text, network, tag);
    false
}

/// Appends `chain:<network>/<text>` with its tag.
pub(super) fn write_unvalidated(out: &mut String, text: &str, network: Option<&str>, tag: Option<&str>) {
    out.push_str("chain:");
    let start = out.len();
    let letters = network.unwrap_or_default().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-');
    out.extend(letters.map(|c| c.to_ascii_lowercase()));
    if out.len() == start {
        out.push('-');
    }
    out.push('/');
    push_visible(out, text);
    if let Some(tag) = tag.filter(|tag| !tag.trim().is_empty()) {
        out.push('#');
        push_visible(out, tag);
    }
}
