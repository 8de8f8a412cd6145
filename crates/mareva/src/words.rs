//! An alert in one line of plain words, for a terminal. Accounts are shortened to their last characters: nobody learns a
//! number by looking over a shoulder.

use mareva_model::Regime;
use mareva_model::alert::{Action, Alert, AlertStatus, Target, TargetKind};
use mareva_model::{Raises, SubjectRole};

/// Characters of an account that are shown.
const SHOWN: usize = 4;
/// Signs that are named.
const SIGNS: usize = 3;

/// What to do, how much, where, and why.
pub fn headline(alert: &Alert) -> String {
    let verb = match alert.status {
        AlertStatus::Open => alert.action.as_str().to_uppercase(),
        AlertStatus::Withdrawn => "WITHDRAWN".to_owned(),
        AlertStatus::BasisWithdrawn => "DELISTED".to_owned(),
        AlertStatus::SetAside => "SET ASIDE".to_owned(),
    };
    let strongest: Vec<&Target> = alert.targets.iter().filter(|target| target.action == alert.action).collect();
    let amount = amount(alert, &strongest);
    let (what, at) = (amount.as_deref().unwrap_or_default(), place(alert, &strongest, amount.is_some()));
    let parts: Vec<&str> = [verb.as_str(), what, at.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}: {}", parts.join(" "), reason(alert, &strongest))
}

fn amount(alert: &Alert, targets: &[&Target]) -> Option<String> {
    if alert.action < Action::Report {
        return None;
    }
    if let [target] = targets {
        let amount = target.recommended_amount.as_ref().or(target.amount.as_ref())?;
        return Some(format!("{} {}", grouped(amount), target.currency.as_deref().unwrap_or_default()));
    }
    let money = alert.money.as_ref()?;
    Some(format!("{} {}", grouped(&money.recommended), money.currency))
}

fn place(alert: &Alert, targets: &[&Target], has_amount: bool) -> String {
    let subject = match alert.subject_role {
        SubjectRole::Victim => "from victim",
        SubjectRole::Suspect => "at",
        SubjectRole::Listed => "of listed party",
        SubjectRole::Unknown => "around",
    };
    match targets {
        [] => format!("{subject} {}", short(&alert.subject)),
        [target] => {
            let account = target.account.as_deref().map_or_else(|| "an unknown account".to_owned(), short);
            let agent = target.agent.as_deref().map(|agent| format!(" ({})", bare(agent))).unwrap_or_default();
            let place = match (target.kind, has_amount) {
                (TargetKind::Account, _) => "at",
                (TargetKind::Payment, true) => "of a payment to",
                (TargetKind::Payment, false) => "a payment to",
            };
            format!("{place} {account}{agent}")
        }
        [first, more @ ..] => format!("{} and {} more", place(alert, &[*first], has_amount), more.len()),
    }
}

fn reason(alert: &Alert, targets: &[&Target]) -> String {
    let mut parts = Vec::new();
    let entries = alert.evidence.hits.iter().map(|hit| {
        let name = if alert.regime == Regime::Sanctions { hit.entry.name.as_str() } else { "account" };
        format!("{name} on list {}", hit.list.name)
    });
    for entry in entries {
        if !parts.contains(&entry) && parts.len() < SIGNS {
            parts.push(entry);
        }
    }
    let (raising, signs): (Vec<_>, Vec<_>) =
        alert.evidence.rules.iter().map(|evidence| &evidence.rule).partition(|rule| rule.raises == Raises::Alert);
    parts.extend(raising.iter().map(|rule| rule.title.to_lowercase()));
    let payments: usize = targets.iter().map(|target| target.row_ids.len()).sum();
    if payments > 0 && alert.regime == Regime::Fraud {
        parts.push(format!("{payments} {}", if payments == 1 { "payment" } else { "payments" }));
    }
    if !signs.is_empty() {
        let named: Vec<&str> = signs.iter().take(SIGNS).map(|rule| rule.id.as_str()).collect();
        parts.push(format!("signs: {}", named.join(", ")));
    }
    parts.join("; ")
}

/// The last characters of an account; a device or a list entry in full.
fn short(identifier: &str) -> String {
    let (scheme, rest) = identifier.split_once(':').unwrap_or(("", identifier));
    let kind = match scheme {
        "iban" | "acct" => "account",
        "exch" => "exchange account",
        "" => return identifier.to_owned(),
        "device" | "ip" | "merchant" | "vasp" | "bic" => scheme,
        _ if rest.chars().count() >= 20 => "wallet",
        _ => return identifier.to_owned(),
    };
    let tail: Vec<char> = rest.chars().rev().take(SHOWN).collect();
    format!("{kind} …{}", tail.into_iter().rev().collect::<String>())
}

/// An identifier without its scheme.
fn bare(identifier: &str) -> &str {
    let bare = identifier.split_once(':').map_or(identifier, |(_, rest)| rest);
    bare.strip_suffix("XXX").filter(|bic| bic.len() == 8).unwrap_or(bare)
}

/// `4310.00` as `4,310.00`.
fn grouped(amount: &str) -> String {
    let (whole, fraction) = amount.split_once('.').map_or((amount, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits: Vec<char> = whole.chars().collect();
    let mut shown = String::new();
    for (index, digit) in digits.iter().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left.is_multiple_of(3) && digits[index - 1].is_ascii_digit() {
            shown.push(',');
        }
        shown.push(*digit);
    }
    fraction.map_or(shown.clone(), |fraction| format!("{shown}.{fraction}"))
}

#[cfg(test)]
mod tests;
