//! What is signed: one JSON object, of the keys that its kind has and no others.

use mareva_model::identifier::recognise;
use mareva_model::{Amount, ClearedPair, Decision, Reason, Ruling, parse_time};
use serde::Deserialize;

use crate::fault::Fault;

/// Bytes of a text, and how many there may be in a list.
const MAX_TEXT: usize = 1_024;
const MAX_TEXTS: usize = 64;
/// Longest key that a fault names: ours are shorter, and what else stands there is the sender's.
const MAX_KEY: usize = 32;

/// All keys that some kind of decision has. One that is wrongly spelt must not pass for one that is absent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    id: String,
    kind: String,
    reason: String,
    issued_at: String,
    until: String,
    account: Option<String>,
    customer: Option<String>,
    entry: Option<String>,
    entry_digest: Option<String>,
    name: Option<String>,
    supported_by: Option<Vec<String>>,
    rules: Option<Vec<String>>,
    amount_cap: Option<String>,
    decision: Option<String>,
}

impl Written {
    pub(super) fn read(payload: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(payload).map_err(|error| {
            // The key that is missing or unknown, and never what it holds.
            let told = error.to_string();
            let is_key =
                |key: &&str| key.len() <= MAX_KEY && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let key = told.split('`').nth(1).filter(|_| told.contains(" field `")).filter(is_key);
            let key = key.map(|key| format!("; see `{key}`"));
            let detail = format!("the payload is no decision{}", key.unwrap_or_default());
            Fault::new(Reason::InvalidField, detail)
        })
    }

    /// The decision, without those who signed it.
    pub(super) fn check(mut self) -> Result<Decision, Fault> {
        let ruling = self.ruling()?;
        self.has_no_more()?;
        let time = |field, text: &str| parse_time(text).map_err(|error| Fault::time(field, error));
        let (issued_at, until) = (time("issued_at", &self.issued_at)?, time("until", &self.until)?);
        if until <= issued_at {
            return Err(Fault::invalid("until", "write a time after issued_at"));
        }
        let (id, reason) = (text("id", self.id)?, text("reason", self.reason)?);
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) || id.len() > 128 {
            return Err(Fault::invalid("id", "write 1 to 128 of letters, digits, '-', '_' and '.'"));
        }
        Ok(Decision { id, ruling, reason, issued_at, until, by: Vec::new() })
    }

    /// Takes what the kind needs.
    fn ruling(&mut self) -> Result<Ruling, Fault> {
        Ok(match self.kind.as_str() {
            "cleared_pair" => Ruling::ClearedPair(self.pair()?),
            "snooze" => Ruling::Snooze {
                account: account(needed("account", self.account.take())?)?,
                rules: texts("rules", self.rules.take().ok_or_else(|| Fault::missing("rules"))?)?,
                amount_cap: cap(&needed("amount_cap", self.amount_cap.take())?)?,
            },
            "confirmed_mule" => Ruling::ConfirmedMule { account: account(needed("account", self.account.take())?)? },
            "victim_at_risk" => Ruling::VictimAtRisk { party: self.party()? },
            "do_not_freeze_yet" => Ruling::DoNotFreezeYet { party: self.party()? },
            "revocation" => Ruling::Revocation { decision: needed("decision", self.decision.take())? },
            _ => return Err(Fault::invalid("kind", &format!("write one of {}", Ruling::ALL.join(", ")))),
        })
    }

    fn pair(&mut self) -> Result<ClearedPair, Fault> {
        let account = self.account.take().map(account).transpose()?;
        let name = self.name.take().map(|name| text("name", name)).transpose()?;
        if account.is_none() && name.is_none() {
            return Err(Fault::new(Reason::MissingField, "account or name is missing; say who is not the entry"));
        }
        Ok(ClearedPair {
            entry: needed("entry", self.entry.take())?,
            entry_digest: needed("entry_digest", self.entry_digest.take())?,
            account,
            name,
            supported_by: self.supported_by.take().map_or(Ok(Vec::new()), |all| texts("supported_by", all))?,
        })
    }

    /// An account or a customer, one of them.
    fn party(&mut self) -> Result<String, Fault> {
        match (self.account.take(), self.customer.take()) {
            (Some(text), None) => account(text),
            (None, Some(customer)) => Ok(format!("customer:{}", text("customer", customer)?)),
            (None, None) => Err(Fault::missing("account or customer")),
            (Some(_), Some(_)) => {
                Err(Fault::invalid("customer", "name the account or the customer; decide twice for both"))
            }
        }
    }

    /// What is left is of another kind.
    fn has_no_more(&self) -> Result<(), Fault> {
        let left = [
            ("account", self.account.is_some()),
            ("customer", self.customer.is_some()),
            ("entry", self.entry.is_some()),
            ("entry_digest", self.entry_digest.is_some()),
            ("name", self.name.is_some()),
            ("supported_by", self.supported_by.is_some()),
            ("rules", self.rules.is_some()),
            ("amount_cap", self.amount_cap.is_some()),
            ("decision", self.decision.is_some()),
        ];
        match left.into_iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) => Err(Fault::invalid(key, &format!("a {} has no such key; leave it out", self.kind))),
            None => Ok(()),
        }
    }
}

fn needed(field: &str, value: Option<String>) -> Result<String, Fault> {
    text(field, value.ok_or_else(|| Fault::missing(field))?)
}

fn text(field: &str, text: String) -> Result<String, Fault> {
    if text.len() > MAX_TEXT {
        return Err(Fault::too_long(field, MAX_TEXT));
    }
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(Fault::invalid(field, "write a text without control characters"));
    }
    Ok(text)
}

fn texts(field: &str, mut all: Vec<String>) -> Result<Vec<String>, Fault> {
    if all.len() > MAX_TEXTS {
        return Err(Fault::new(Reason::TooLarge, format!("{field} holds more than {MAX_TEXTS}; decide several times")));
    }
    all = all.into_iter().map(|one| text(field, one)).collect::<Result<_, _>>()?;
    all.sort();
    all.dedup();
    Ok(all)
}

/// A canonical account, from any form of it that says by itself what it is.
fn account(written: String) -> Result<String, Fault> {
    let known = recognise(&text("account", written)?).map(|account| account.canonical);
    known.ok_or_else(|| {
        Fault::invalid("account", "write it as alerts do, such as iban:DE89…, acct:…, exch:… or a wallet")
    })
}

/// Hundredths of the reference currency.
fn cap(written: &str) -> Result<i64, Fault> {
    let wrong = || Fault::invalid("amount_cap", "write an amount of the reference currency with two decimals at most");
    let amount = Amount::parse(written).map_err(|_| wrong())?;
    amount.hundredths().filter(|hundredths| *hundredths >= 0).ok_or_else(wrong)
}
