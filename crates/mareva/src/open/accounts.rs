//! The `accounts` table from NDJSON.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use mareva_model::{Digest, Fault, Refusal, identifier, parse_time};
use mareva_monitoring::{Account, Accounts};
use serde::Deserialize;
use serde_json::Value;

use super::{cut, unreadable};

/// Roles that rules and alerts know.
const ROLES: [&str; 8] = ["retail", "business", "payroll", "merchant", "psp", "omnibus", "internal", "collective"];

/// What editors put in front of a text in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

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
}

/// What is wrong with a line, and what to do.
pub type LineFault = (String, &'static str);

/// Reads the table; without a path it is empty.
pub(super) fn load(path: &Path) -> Result<AccountTable, Refusal> {
    let mut hasher = blake3::Hasher::new();
    let mut accounts = Vec::new();
    let mut faults = Refusal::default();
    if !path.as_os_str().is_empty() {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let mut bytes = Vec::new();
        let mut number = 0;
        loop {
            bytes.clear();
            number += 1;
            if reader.read_until(b'\n', &mut bytes).map_err(|error| unreadable(path, &error))? == 0 {
                break;
            }
            hasher.update(&bytes);
            let line = if number == 1 { bytes.strip_prefix(MARK).unwrap_or(&bytes) } else { &bytes };
            if line.trim_ascii().is_empty() {
                continue;
            }
            let no_text = |_| vec![("is no text in UTF-8".to_owned(), "save it as UTF-8")];
            match std::str::from_utf8(line).map_err(no_text).and_then(parse_account) {
                Ok(account) => accounts.push(account),
                Err(found) => {
                    let place = format!("{}:{number}", path.display());
                    let found = found.into_iter().map(|(reason, remedy)| Fault::new(&place, reason, remedy));
                    faults.0.extend(found);
                }
            }
        }
        if accounts.is_empty() && faults.0.is_empty() {
            // Without roles, payrolls and merchants would be held like anybody.
            let remedy = "name a file with a line for each account, or none";
            faults.0.push(Fault::new(path.display().to_string(), "holds no account", remedy));
        }
    }
    faults.into_result().map_err(|refusal| cut(refusal, path))?;
    Ok(AccountTable { accounts: Accounts::new(&accounts), digest: Digest(*hasher.finalize().as_bytes()) })
}

/// One line of the table.
///
/// # Errors
/// All that is wrong with it. No value is told but that of a role: the others are accounts and people.
pub fn parse_account(line: &str) -> Result<Account, Vec<LineFault>> {
    let line: Line = serde_json::from_str(line).map_err(|error| {
        let told = error.to_string();
        let reason = if error.is_data() && !told.starts_with("duplicate") { "it is no JSON object" } else { &told };
        let remedy = "write {\"account\":…,\"customer\":…,\"role\":…,\"opened_at\":…}";
        vec![(format!("is no account: {reason}"), remedy)]
    })?;
    let mut faults: Vec<LineFault> = Vec::new();
    let mut text = |key: &str, value: Option<Value>| match value {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => {
            faults.push((format!("{key} is no text"), "write a text in quotes, or leave the key out"));
            None
        }
    };
    let is_given = line.account.is_some();
    let account = text("account", line.account);
    let [customer, segment, country] =
        [("customer", line.customer), ("segment", line.segment), ("country", line.country)]
            .map(|(key, value)| text(key, value));
    let role = text("role", line.role).filter(|role| !role.is_empty());
    if !is_given || account.as_ref().is_some_and(|account| account.trim().is_empty()) {
        let reason = if is_given { "account is empty" } else { "account is missing" };
        faults.push((reason.to_owned(), "give the account's identifier"));
    }
    if let Some(role) = role.as_deref().filter(|role| !ROLES.contains(role)) {
        let remedy = "use retail, business, payroll, merchant, psp, omnibus, internal or collective";
        faults.push((format!("role `{role}` is unknown"), remedy));
    }
    let opened_at = match &line.opened_at {
        None => None,
        Some(Value::String(text)) => Some(parse_time(text).map_err(|error| error.to_string())),
        Some(other) => Some(other.as_i64().ok_or_else(|| "is no time".to_owned())),
    };
    let opened_at = opened_at.and_then(|time| {
        let told = |reason| faults.push((format!("opened_at: {reason}"), "write RFC 3339, or milliseconds since 1970"));
        time.map_err(told).ok()
    });
    match account {
        Some(account) if faults.is_empty() => {
            let account = identifier::account(&account, None).canonical;
            Ok(Account { account, customer, segment, role, opened_at, country })
        }
        _ => Err(faults),
    }
}

#[cfg(test)]
mod tests;
