//! The `accounts` table from NDJSON.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use mareva_model::{Digest, Fault, Refusal, identifier, parse_time};
use mareva_monitoring::{Account, Accounts};
use serde::Deserialize;

use super::{cut, unreadable};

/// Roles that rules and alerts know.
const ROLES: [&str; 8] = ["retail", "business", "payroll", "merchant", "psp", "omnibus", "internal", "collective"];

/// The table, and the digest of the text that it was read from.
#[derive(Debug)]
pub struct AccountTable {
    pub accounts: Accounts,
    pub digest: Digest,
}

#[derive(Deserialize)]
struct Line {
    account: String,
    #[serde(default)]
    customer: Option<String>,
    #[serde(default)]
    segment: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    opened_at: Option<Time>,
    #[serde(default)]
    country: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    Text(String),
    Milliseconds(i64),
}

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
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let no_text = |_| ("is no text in UTF-8".to_owned(), "save it as UTF-8");
            match std::str::from_utf8(&bytes).map_err(no_text).and_then(parse_account) {
                Ok(account) => accounts.push(account),
                Err((reason, remedy)) => {
                    faults.0.push(Fault::new(format!("{}:{number}", path.display()), reason, remedy));
                }
            }
        }
    }
    faults.into_result().map_err(|refusal| cut(refusal, path))?;
    Ok(AccountTable { accounts: Accounts::new(&accounts), digest: Digest(*hasher.finalize().as_bytes()) })
}

/// One line of the table; the reason and the remedy where it is none.
pub fn parse_account(line: &str) -> Result<Account, (String, &'static str)> {
    let line: Line = serde_json::from_str(line).map_err(|error| {
        (format!("is no account: {error}"), "write {\"account\":…,\"customer\":…,\"role\":…,\"opened_at\":…}")
    })?;
    let role = line.role.filter(|role| !role.is_empty());
    if let Some(role) = role.as_deref().filter(|role| !ROLES.contains(role)) {
        let remedy = "use retail, business, payroll, merchant, psp, omnibus, internal or collective";
        return Err((format!("role `{role}` is unknown"), remedy));
    }
    let opened_at = match line.opened_at {
        None => None,
        Some(Time::Milliseconds(ms)) => Some(ms),
        Some(Time::Text(text)) => Some(
            parse_time(&text)
                .map_err(|error| (format!("opened_at: {error}"), "write RFC 3339, or milliseconds since 1970"))?,
        ),
    };
    if line.account.trim().is_empty() {
        return Err(("account is empty".to_owned(), "give the account's identifier"));
    }
    Ok(Account {
        account: identifier::account(&line.account, None).canonical,
        customer: line.customer,
        segment: line.segment,
        role,
        opened_at,
        country: line.country,
    })
}
