//! Canonical forms with a scheme in front, and the ones that have no checksum.

use super::bank::{is_bic, strip_scheme, write_bic, write_phone};
use super::iban::{MAX_IBAN, MIN_IBAN, write_iban};
use super::{Identifier, confusable, evm, has_mixed_case, trimmed, wallet, write_address, write_recognised};

/// The canonical account of a user at an exchange.
pub fn exchange_account(exchange: &str, user: &str) -> String {
    let mut out = String::new();
    write_exchange_account(&mut out, exchange, user);
    out
}

/// A canonical identifier without the tag or memo behind `#`: what a list names when it names the whole address.
pub fn without_tag(canonical: &str) -> &str {
    let tagged = ["xrp:", "xlm:", "iost:", "chain:"].iter().any(|scheme| canonical.starts_with(scheme));
    match canonical.rsplit_once('#') {
        Some((address, _)) if tagged => address,
        _ => canonical,
    }
}

/// The canonical BIC of the whole bank that the BIC of a branch belongs to (ISO 9362: the last three characters name the
/// branch, `XXX` all of them).
pub fn bank_of_branch(canonical: &str) -> Option<String> {
    let branch = canonical.strip_prefix("bic:").filter(|bic| bic.len() == 11 && !bic.ends_with("XXX"))?;
    Some(format!("bic:{}XXX", branch.get(..8)?))
}

/// A mistyped IBAN without the bank beside it, `acct:-/DE…`: it names its own, so that it is the same account whoever sends it.
/// `None` for any other number, which means something at its bank only.
pub fn mistyped_iban(canonical: &str) -> Option<String> {
    let (_, number) = canonical.strip_prefix("acct:")?.split_once('/')?;
    has_form_of_iban(number.as_bytes()).then(|| format!("acct:-/{number}"))
}

fn has_form_of_iban(number: &[u8]) -> bool {
    matches!(number, [a, b, c, d, rest @ ..]
        if [a, b].iter().all(|letter| letter.is_ascii_uppercase())
            && [c, d].iter().all(|digit| digit.is_ascii_digit())
            && (MIN_IBAN..=MAX_IBAN).contains(&number.len())
            && rest.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()))
}

/// Appends the canonical form of text behind `scheme:`; `None` where the scheme is unknown or its check fails.
pub(super) fn write_scheme(out: &mut String, scheme: &str, rest: &str) -> Option<bool> {
    let mut lower = [0_u8; 12];
    let name = lower.get_mut(..scheme.len())?;
    name.copy_from_slice(scheme.as_bytes());
    name.make_ascii_lowercase();
    let done = |written: bool| written.then_some(true);
    match std::str::from_utf8(name).ok()? {
        "iban" => folded(rest, |rest| done(write_iban(out, rest))),
        "bic" => done(write_bic(out, rest)),
        "phone" => done(write_phone(out, rest)),
        "clearing" => rest.contains(char::is_alphanumeric).then(|| write_clearing(out, rest)),
        "acct" => {
            let (agent, number) = rest.split_once('/')?;
            write_number(out, number, Some(agent));
            Some(false)
        }
        "exch" => {
            let (exchange, user) = rest.split_once(':')?;
            let named = !matches!(exchange.trim(), "" | "?");
            write_exchange_account(out, exchange, user);
            Some(named && !matches!(user.trim(), "" | "?"))
        }
        "vasp" => (!rest.trim().is_empty()).then(|| write_vasp(out, rest)).map(|()| true),
        "merchant" => (!rest.trim().is_empty()).then(|| write_merchant(out, rest)).map(|()| true),
        "chain" => {
            let (network, address) = rest.split_once('/')?;
            wallet::write_unvalidated(out, address, Some(network), None);
            Some(false)
        }
        "eip155" => {
            let (chain, address) = rest.split_once(':')?;
            let plain = !chain.is_empty() && chain.bytes().all(|b| b.is_ascii_digit());
            folded(address, |address| if plain { evm::write_evm(out, address) } else { None })
        }
        "iost" => {
            let (name, tag) = rest.split_once('#').map_or((rest, None), |(name, tag)| (name, Some(tag)));
            done(write_named(out, name, tag))
        }
        scheme => chain_scheme(scheme).and_then(|wanted| write_chain(out, wanted, rest)),
    }
}

/// The canonical scheme of a chain, also for the names that payment links use.
fn chain_scheme(scheme: &str) -> Option<&'static str> {
    Some(match scheme {
        "btc" | "bitcoin" => "btc:",
        "ltc" | "litecoin" => "ltc:",
        "doge" | "dogecoin" => "doge:",
        "dash" => "dash:",
        "zec" | "zcash" => "zec:",
        "btg" => "btg:",
        "bch" | "bitcoincash" => "bch:",
        "xmr" | "monero" => "xmr:",
        "tron" => "tron:",
        "xrp" | "ripple" => "xrp:",
        "xlm" | "stellar" => "xlm:",
        "ethereum" => "eip155:",
        _ => return None,
    })
}

fn write_chain(out: &mut String, wanted: &str, rest: &str) -> Option<bool> {
    let start = out.len();
    let (address, tag) = match rest.split_once('#') {
        Some((address, tag)) if matches!(wanted, "xrp:" | "xlm:") => (address, Some(tag)),
        _ => (rest, None),
    };
    let read = folded(address, |address| write_address(out, address).filter(|_| out[start..].starts_with(wanted)));
    match read {
        Some(_) => push_tag(out, start, tag),
        None => out.truncate(start),
    }
    read
}

/// Appends `#tag` to an address of a chain with tags that has none yet.
pub(super) fn push_tag(out: &mut String, start: usize, tag: Option<&str>) {
    let tagged = out[start..].starts_with("xrp:") || out[start..].starts_with("xlm:");
    if let Some(tag) = tag.map(str::trim).filter(|tag| tagged && !tag.is_empty())
        && !out[start..].contains('#')
    {
        out.push('#');
        push_visible(out, tag);
    }
}

/// Runs `write` on `text` with homoglyphs folded.
fn folded(text: &str, write: impl FnOnce(&str) -> Option<bool>) -> Option<bool> {
    if text.is_ascii() { write(text.trim()) } else { write(confusable::fold(text)?.trim()) }
}

/// Appends `iost:name#tag`: a name is 5 to 11 lower-case letters, digits and underscores, not digits alone.
pub(super) fn write_named(out: &mut String, name: &str, tag: Option<&str>) -> bool {
    let name = name.trim();
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain || !(5..=11).contains(&name.len()) || name.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    out.push_str("iost:");
    out.push_str(name);
    if let Some(tag) = tag.map(str::trim).filter(|tag| !tag.is_empty()) {
        out.push('#');
        push_visible(out, tag);
    }
    true
}

/// Appends a bank account as [`super::account`] reads it; returns whether it is validated.
pub fn write_account(out: &mut String, text: &str, agent: Option<&str>) -> bool {
    let text = trimmed(text);
    let bytes = text.as_bytes();
    // Most accounts are plain IBANs: two letters, two digits, one case.
    let plain_iban = matches!(bytes, [a, b, c, d, ..]
        if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit())
        && !has_mixed_case(bytes);
    if plain_iban && write_iban(out, text) {
        return true;
    }
    // Digits alone and short texts are no address; a BIC names an institution, not an account.
    let start = out.len();
    let worth_it = bytes.len() >= 14 || bytes.iter().any(|b| matches!(b, b':' | b'+')) || !text.is_ascii();
    if worth_it && let Some(validated) = write_recognised(out, text) {
        if !out[start..].starts_with("bic:") {
            return validated;
        }
        out.truncate(start);
    }
    write_number(out, text, agent);
    false
}

/// Appends `acct:<agent>/<number>`, the number in upper case without anything but letters and digits.
fn write_number(out: &mut String, number: &str, agent: Option<&str>) {
    out.push_str("acct:");
    let agent = agent.map(|agent| strip_scheme(strip_scheme(trimmed(agent), "bic:"), "clearing:"));
    let start = out.len();
    push_alphanumeric(out, agent.unwrap_or_default());
    // Offices of one institution share its accounts.
    if is_bic(&out.as_bytes()[start..]) {
        out.truncate(start + 8);
    }
    out.push('/');
    push_alphanumeric(out, number);
}

fn write_clearing(out: &mut String, text: &str) -> bool {
    out.push_str("clearing:");
    push_alphanumeric(out, text);
    false
}

/// Appends an institution: `bic:…`, `vasp:…` as it stands, else `clearing:<letters and digits>`, unvalidated.
pub fn write_agent(out: &mut String, text: &str) -> bool {
    let text = trimmed(text);
    if write_bic(out, text) {
        return true;
    }
    if let Some(name) = text.strip_prefix("vasp:").filter(|name| !name.trim().is_empty()) {
        write_vasp(out, name);
        return true;
    }
    write_clearing(out, strip_scheme(text, "clearing:"))
}

/// Appends `exch:<exchange>:<user>`.
pub fn write_exchange_account(out: &mut String, exchange: &str, user: &str) {
    out.push_str("exch:");
    push_key(out, exchange);
    out.push(':');
    push_visible(out, user);
}

/// Appends `vasp:<name>`.
pub fn write_vasp(out: &mut String, name: &str) {
    out.push_str("vasp:");
    push_key(out, name);
}

/// Appends `merchant:<id>`.
pub fn write_merchant(out: &mut String, id: &str) {
    out.push_str("merchant:");
    push_visible(out, id);
}

/// A name as key: lower-case ASCII, a hyphen for anything that would read as a separator. `?` when empty.
fn push_key(out: &mut String, text: &str) {
    let text = trimmed(text);
    if text.is_empty() {
        out.push('?');
    } else if text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        out.push_str(text);
    } else {
        out.extend(text.chars().map(|c| match c {
            ':' | '/' | '#' => '-',
            _ if c.is_whitespace() || c.is_control() => '-',
            _ => c.to_ascii_lowercase(),
        }));
    }
}

/// An id as it was written, an underscore for white space and control characters. `?` when empty.
pub(super) fn push_visible(out: &mut String, text: &str) {
    let text = trimmed(text);
    if text.is_empty() {
        out.push('?');
    } else if text.bytes().all(|b| b.is_ascii_graphic()) {
        out.push_str(text);
    } else {
        out.extend(text.chars().map(|c| if c.is_whitespace() || c.is_control() { '_' } else { c }));
    }
}

/// Letters and digits in upper case, digits of all scripts as those of ASCII; `-` when there are none.
fn push_alphanumeric(out: &mut String, text: &str) {
    let start = out.len();
    if text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        out.push_str(text);
        out[start..].make_ascii_uppercase();
    } else {
        let kept = text.chars().filter(|c| c.is_alphanumeric());
        out.extend(kept.map(|c| if c.is_ascii() { c.to_ascii_uppercase() } else { confusable::digit(c).unwrap_or(c) }));
    }
    if out.len() == start {
        out.push('-');
    }
}

/// `exch:?:<digits>`: a user id without its exchange.
pub(super) fn unknown_exchange(digits: &str) -> Identifier {
    Identifier { canonical: exchange_account("?", digits), validated: false }
}
