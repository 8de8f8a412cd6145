//! Parties of a message: fields 50 to 59, and whoever stands in the others.

use mareva_model::PartyRole;
use mareva_model::identifier::write_account;

use super::{Field, text_of};
use crate::decoder::PartyText;
use crate::iso20022::Extra;
use crate::row::{Parties, text_parties};

/// A party as a field names it.
#[derive(Debug, Default)]
pub(super) struct Party<'a> {
    pub(super) account: Option<&'a str>,
    /// Clearing member id, without the code of its system.
    pub(super) member: Option<&'a str>,
    pub(super) bic: Option<&'a str>,
    pub(super) name: Option<String>,
    /// The name where it goes on in the second line, which nothing but its sense shows.
    longer_name: Option<String>,
    /// ISO 3166 alpha-2.
    pub(super) country: Option<&'a str>,
    /// `YYYY-MM-DD`.
    pub(super) birth_date: Option<String>,
}

impl<'a> Party<'a> {
    /// BIC or clearing member id.
    pub(super) fn agent(&self) -> Option<&'a str> {
        self.bic.or(self.member)
    }
}

/// What the party of a field does in the payment.
pub(super) fn role(number: &str) -> Option<PartyRole> {
    Some(match number {
        "50" => PartyRole::Originator,
        "51" | "53" | "54" | "55" | "56" => PartyRole::IntermediaryAgent,
        "52" => PartyRole::OriginatorAgent,
        "57" => PartyRole::BeneficiaryAgent,
        "58" | "59" => PartyRole::Beneficiary,
        _ => return None,
    })
}

/// Reads a field of a party, with whatever option.
pub(super) fn read<'a>(field: &Field<'a>) -> Party<'a> {
    let mut party = Party::default();
    let mut lines = field.lines().peekable();
    if let Some(first) = lines.next_if(|line| line.starts_with('/')) {
        identify(&mut party, first);
    }
    let lines: Vec<&str> = lines.collect();
    match field.option() {
        "A" => party.bic = lines.first().copied(),
        "F" => numbered(&mut party, &lines),
        // The place of an institution, or nothing but an account.
        "B" | "C" => {}
        _ => {
            party.name = lines.first().map(|line| (*line).to_owned());
            party.longer_name = lines.get(..2).map(|lines| lines.join(" "));
        }
    }
    party
}

/// `/account`, `/C/account` of an institution's account by its side, or `//` and the code of a clearing system.
fn identify<'a>(party: &mut Party<'a>, line: &'a str) {
    let rest = &line[1..];
    if let Some(code) = rest.strip_prefix('/') {
        party.member = code.get(2..).filter(|member| !member.is_empty());
        return;
    }
    let behind_side = ["C/", "D/"].iter().find_map(|side| rest.strip_prefix(side));
    party.account = Some(behind_side.unwrap_or(rest)).filter(|account| !account.is_empty());
}

/// Lines of option F: a digit says what each is.
fn numbered<'a>(party: &mut Party<'a>, lines: &[&'a str]) {
    for line in lines {
        match line.split_once('/') {
            Some(("1", more)) => match &mut party.name {
                Some(name) => name.extend([" ", more]),
                None => party.name = Some(more.to_owned()),
            },
            Some(("3", place)) => {
                let (country, _) = place.split_once('/').unwrap_or((place, ""));
                let is_code = country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_uppercase());
                party.country = Some(country).filter(|_| is_code);
            }
            Some(("4", date)) => {
                let parts = date.get(..4).zip(date.get(4..6)).zip(date.get(6..8));
                let written = parts.map(|((year, month), day)| format!("{year}-{month}-{day}"));
                party.birth_date = written.filter(|date| mareva_model::parse_time(date).is_ok());
            }
            _ => {}
        }
    }
}

/// Adds whoever a field names: its party, and what identifiers stand in its text.
pub(super) fn push(field: &Field<'_>, found: &mut Parties) {
    if let Some(role) = role(field.number()) {
        let party = read(field);
        for name in [&party.name, &party.longer_name].into_iter().flatten() {
            found.push((role, PartyText::Name(name.clone())));
        }
        if let Some(account) = party.account {
            let mut canonical = String::new();
            write_account(&mut canonical, account, party.agent());
            found.push((role, PartyText::Identifier(canonical)));
        }
        for agent in [party.bic, party.member].into_iter().flatten() {
            Extra::Agent.push(role, agent, found);
        }
    }
    push_text(field, found);
}

/// Identifiers in the lines of a field. A line holds 35 characters, fewer than the address of a wallet: what is broken over two
/// of them is found in both together.
fn push_text(field: &Field<'_>, found: &mut Parties) {
    let lines: Vec<&str> = field.lines().map(text_of).collect();
    found.extend(lines.iter().flat_map(|line| text_parties(line)));
    if lines.len() > 1 {
        found.extend(text_parties(&lines.concat()));
    }
}
