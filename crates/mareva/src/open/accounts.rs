//! The `accounts` table from NDJSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use mareva_model::{Digest, Refusal, digest, parse_time};
use mareva_monitoring::{Account, Accounts, Key, ROLES, key_of};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::table::{Faults, LineFault, Told, canonical, country_fault, no_account, unknown};
use super::unreadable;

/// The keys of a line.
const KEYS: [&str; 6] = ["account", "customer", "segment", "role", "opened_at", "country"];

/// What editors put in front of a text in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes of a line.
const MAX_LINE: u64 = 64 << 10;
/// Bytes of a table: some twenty million accounts.
const MAX_TABLE: u64 = 4 << 30;

/// The table, and the digest of the text that it was read from.
#[derive(Debug)]
pub struct AccountTable {
    pub accounts: Accounts,
    pub digest: Digest,
}

/// The keys of a line with whatever stands there: what is wrong is told of each, and by its name alone.
#[derive(Deserialize)]
struct Line {
    account: Option<Value>,
    customer: Option<Value>,
    segment: Option<Value>,
    role: Option<Value>,
    opened_at: Option<Value>,
    country: Option<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Reads the table; without a path it is empty.
pub(super) fn load(path: &Path) -> Result<AccountTable, Refusal> {
    if path.as_os_str().is_empty() {
        return Ok(AccountTable { accounts: Accounts::new(&[]), digest: digest(b"") });
    }
    let mut hasher = blake3::Hasher::new();
    let (mut accounts, mut told, mut faults) = (Vec::new(), Told::nothing(), Faults::of(path));
    let failed = |error: io::Error| unreadable(path, &error);
    let too_large = |what: String| failed(io::Error::new(io::ErrorKind::FileTooLarge, what));
    let file = File::open(path).map_err(failed)?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let (mut bytes, mut number, mut left) = (Vec::new(), 0, MAX_TABLE);
    loop {
        bytes.clear();
        number += 1;
        let read = (&mut reader).take(MAX_LINE + 1).read_until(b'\n', &mut bytes).map_err(failed)? as u64;
        if read == 0 {
            break;
        }
        if read > MAX_LINE {
            return Err(too_large(format!("line {number} holds more than {} KiB", MAX_LINE >> 10)));
        }
        left =
            left.checked_sub(read).ok_or_else(|| too_large(format!("it holds more than {} GiB", MAX_TABLE >> 30)))?;
        hasher.update(&bytes);
        let line = if number == 1 { bytes.strip_prefix(MARK).unwrap_or(&bytes) } else { &bytes };
        if line.trim_ascii().is_empty() {
            continue;
        }
        let no_text = |_| vec![("is no text in UTF-8".to_owned(), "save it as UTF-8".to_owned())];
        match std::str::from_utf8(line).map_err(no_text).and_then(|line| parse_account(line, &[])) {
            Ok(account) => match told.tell(&account.account, number, said(&account)) {
                Ok(true) => accounts.push(account),
                Ok(false) => {}
                Err(fault) => faults.add(number, fault),
            },
            Err(found) => found.into_iter().for_each(|fault| faults.add(number, fault)),
        }
    }
    faults.into_result()?;
    if accounts.is_empty() {
        // Without roles, payrolls and merchants would be held like anybody.
        let remedy = "name a file with a line for each account, or none";
        return Err(Refusal::one(path.display().to_string(), "holds no account", remedy));
    }
    Ok(AccountTable { accounts: Accounts::new(&accounts), digest: Digest(*hasher.finalize().as_bytes()) })
}

/// What a line says of its account, in short.
fn said(account: &Account) -> Key {
    let Account { account: _, customer, segment, role, opened_at, country } = account;
    key_of(&format!("{customer:?} {segment:?} {role:?} {opened_at:?} {country:?}"))
}

/// One line of the table; the keys `beside` may stand there, too, and mean nothing.
///
/// # Errors
/// All that is wrong with it. No value is told but that of a role: the others are accounts and people.
pub fn parse_account(line: &str, beside: &[&str]) -> Result<Account, Vec<LineFault>> {
    let line: Line = serde_json::from_str(line).map_err(|error| {
        let told = error.to_string();
        let reason = if error.is_data() && !told.starts_with("duplicate") { "it is no JSON object" } else { &told };
        let remedy = "write {\"account\":…,\"customer\":…,\"role\":…,\"opened_at\":…}";
        vec![(format!("is no account: {reason}"), remedy.to_owned())]
    })?;
    let mut faults: Vec<LineFault> = Vec::new();
    faults.extend(
        line.others
            .keys()
            .filter(|key| !beside.contains(&key.as_str()))
            .map(|key| unknown("key of an account", key, &KEYS)),
    );
    let is_given = line.account.is_some();
    let account = text("account", line.account, &mut faults);
    let [customer, segment, role, country] =
        [("customer", line.customer), ("segment", line.segment), ("role", line.role), ("country", line.country)]
            .map(|(key, value)| text(key, value, &mut faults).filter(|text| !text.trim().is_empty()));
    let account = account.and_then(|account| {
        let found = canonical(&account);
        if account.trim().is_empty() {
            faults.push(("account is empty".to_owned(), "give the account's identifier".to_owned()));
        } else if found.is_none() {
            faults.push(no_account("account"));
        }
        found
    });
    if !is_given {
        faults.push(("account is missing".to_owned(), "give the account's identifier".to_owned()));
    }
    if let Some(role) = role.as_deref().filter(|role| !ROLES.contains(role)) {
        faults.push((format!("role `{role}` is unknown"), format!("use {}", ROLES.join(", "))));
    }
    faults.extend(country.as_deref().and_then(country_fault));
    let opened_at = match &line.opened_at {
        None => None,
        Some(Value::String(text)) => Some(parse_time(text).map_err(|error| error.to_string())),
        Some(other) => Some(other.as_i64().ok_or_else(|| "is no time".to_owned())),
    };
    let opened_at = opened_at.and_then(|time| {
        let remedy = "write RFC 3339, or milliseconds since 1970".to_owned();
        time.map_err(|reason| faults.push((format!("opened_at: {reason}"), remedy))).ok()
    });
    match account {
        Some(account) if faults.is_empty() => Ok(Account { account, customer, segment, role, opened_at, country }),
        _ => Err(faults),
    }
}

fn text(key: &str, value: Option<Value>, faults: &mut Vec<LineFault>) -> Option<String> {
    match value {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => {
            let remedy = "write a text in quotes, or leave the key out";
            faults.push((format!("{key} is no text"), remedy.to_owned()));
            None
        }
    }
}

#[cfg(test)]
mod tests;
