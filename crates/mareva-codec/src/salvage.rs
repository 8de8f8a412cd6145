//! Parties of a record that cannot be decoded, read on a best effort: a sender must not escape screening by breaking a
//! record. Nothing here is trusted; a wrong reading costs a probe.

use std::collections::HashSet;

use mareva_model::PartyRole;
use mareva_model::identifier::{exchange_account, write_account, write_agent, write_merchant, write_wallet};

use crate::decoder::{PartyText, Stream};
use crate::iso20022::Tag;
use crate::mt;
use crate::row::{Parties, text_parties};

/// Parties taken from one record at most.
const MAX_PARTIES: usize = 4_096;

/// Bytes of a record in which identifiers are looked for wherever they stand: hostile text has a checksum to try at each.
const MAX_TEXT: usize = 64 * 1024;

/// Bytes behind a tag that are read as its text: overlapping texts must not multiply a record.
const MAX_CONTENT: usize = 4_096;

/// Fields of JSON that are read here.
const FIELDS: [&str; 18] = [
    "name",
    "user_name",
    "remittance",
    "account",
    "linked_account",
    "agent",
    "merchant",
    "from_address",
    "to_address",
    "receipt_contract_address",
    "asset_contract",
    "token_address",
    "user",
    "counterparty_user",
    "network",
    "tag",
    "source",
    "type",
];

/// The parties that can be made out in `payload`, and whether these are all: a bound may have ended the search.
pub(crate) fn parties(stream: Stream, payload: &[u8]) -> (Parties, bool) {
    let text = text(payload);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let (mut found, read) = if start.starts_with('<') {
        xml(&text)
    } else if start.starts_with(mt::START) {
        (mt::salvage(&text), true)
    } else {
        (json(stream, &text), true)
    };
    // Whatever the fields are called and however they are nested or quoted, an identifier is known by its form.
    let known: HashSet<String> = found.iter().map(|(_, party)| party.as_str().to_owned()).collect();
    let scanned = &text[..text.floor_char_boundary(MAX_TEXT)];
    found.extend(text_parties(scanned).filter(|(_, party)| !known.contains(party.as_str())));
    let all = read && found.len() <= MAX_PARTIES;
    found.truncate(MAX_PARTIES);
    (found, all)
}

/// The payload as text: UTF-8, with Latin-1 for what is not, or UTF-16 where every second byte of the start is zero.
fn text(payload: &[u8]) -> String {
    let wide = |pair: fn([u8; 2]) -> u16| {
        let units = payload.chunks_exact(2).map(|bytes| pair([bytes[0], bytes[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match payload {
        [0xff, 0xfe, ..] | [1..=255, 0, 1..=255, 0, ..] => return wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] | [0, 1..=255, 0, 1..=255, ..] => return wide(u16::from_be_bytes),
        _ => {}
    }
    let mut text = String::with_capacity(payload.len());
    for chunk in payload.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| char::from(*byte)));
    }
    text
}

/// A text field of JSON, with the object it stands in.
struct Pair<'t> {
    side: Option<PartyRole>,
    key: &'t str,
    value: String,
}

fn json(stream: Stream, text: &str) -> Parties {
    let pairs = pairs(text);
    let first = |key: &str| pairs.iter().find(|pair| pair.key == key).map(|pair| pair.value.as_str());
    let (network, tag, source) = (first("network"), first("tag"), first("source").unwrap_or("?"));
    let user = match first("type") {
        Some("deposit") => PartyRole::Beneficiary,
        _ => PartyRole::Originator,
    };
    let agent_of = |side| pairs.iter().find(|p| p.side == side && p.key == "agent").map(|p| p.value.as_str());
    let agents = [None, Some(PartyRole::Originator), Some(PartyRole::Beneficiary)].map(|side| (side, agent_of(side)));
    let mut found = Parties::new();
    for Pair { side, key, value } in &pairs {
        if found.len() > MAX_PARTIES {
            break;
        }
        let role = side.unwrap_or(PartyRole::Originator);
        let agent = agents.iter().find(|(of, _)| of == side).and_then(|(_, agent)| *agent);
        let mut canonical = String::new();
        let role = match (stream, *key) {
            (_, "name" | "user_name") => {
                let role = if *key == "name" { role } else { user };
                found.push((role, PartyText::Name(value.clone())));
                continue;
            }
            (_, "remittance") => {
                found.extend(text_parties(value));
                continue;
            }
            (_, "account") => {
                write_account(&mut canonical, value, agent);
                role
            }
            (_, "linked_account") => {
                write_account(&mut canonical, value, None);
                PartyRole::LinkedAccount
            }
            (_, "agent") => {
                write_agent(&mut canonical, value);
                agent_role(role)
            }
            (Stream::Bank, "merchant") => {
                write_merchant(&mut canonical, value);
                PartyRole::Beneficiary
            }
            (_, "from_address") => {
                write_wallet(&mut canonical, value, network, None);
                PartyRole::Originator
            }
            (_, "to_address" | "receipt_contract_address") => {
                write_wallet(&mut canonical, value, network, tag);
                PartyRole::Beneficiary
            }
            (_, "asset_contract" | "token_address") => {
                write_wallet(&mut canonical, value, network, None);
                PartyRole::AssetContract
            }
            (Stream::Exchange, "user") => {
                canonical = exchange_account(source, value);
                user
            }
            (Stream::Exchange, "counterparty_user") => {
                canonical = exchange_account(source, value);
                PartyRole::Beneficiary
            }
            _ => continue,
        };
        found.push((role, PartyText::Identifier(canonical)));
    }
    found
}

fn agent_role(role: PartyRole) -> PartyRole {
    match role {
        PartyRole::Originator => PartyRole::OriginatorAgent,
        PartyRole::Beneficiary => PartyRole::BeneficiaryAgent,
        other => other,
    }
}

/// Every `"key": "text"` of [`FIELDS`] in broken or whole JSON, repeated ones included.
fn pairs(text: &str) -> Vec<Pair<'_>> {
    let mut pairs = Vec::new();
    let mut sides: Vec<Option<PartyRole>> = Vec::new();
    let mut key = None;
    let mut rest = text;
    while let Some(at) = rest.find(['"', '{', '}', ',']) {
        let (found, behind) = (rest.as_bytes()[at], &rest[at + 1..]);
        rest = behind;
        match found {
            b'{' => {
                let inherited = sides.last().copied().flatten();
                sides.push(match key.take() {
                    Some("originator") => Some(PartyRole::Originator),
                    Some("beneficiary") => Some(PartyRole::Beneficiary),
                    _ => inherited,
                });
            }
            b'}' => _ = sides.pop(),
            b',' => key = None,
            _ => {
                let (quoted, after) = quoted(behind);
                rest = after;
                match key.take() {
                    Some(key) if FIELDS.contains(&key) => {
                        let side = sides.last().copied().flatten();
                        pairs.push(Pair { side, key, value: unescape(quoted) });
                    }
                    Some(_) => {}
                    None if after.trim_start().starts_with(':') => key = Some(quoted),
                    None => {}
                }
            }
        }
    }
    pairs
}

/// Splits behind the next quote that is not escaped; all of it when there is none.
fn quoted(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

fn unescape(quoted: &str) -> String {
    if !quoted.contains('\\') {
        return quoted.to_owned();
    }
    serde_json::from_str(&format!("\"{quoted}\"")).unwrap_or_else(|_| quoted.replace('\\', ""))
}

/// The parties, and whether no text was cut.
fn xml(text: &str) -> (Parties, bool) {
    let (mut found, mut whole) = (Parties::new(), true);
    let mut party: Option<(PartyRole, Tag)> = None;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let tag_end = rest[at..].find('>').map_or(rest.len(), |end| at + end);
        let tag = &rest[at + 1..tag_end];
        let behind = rest.get(tag_end + 1..).unwrap_or_default();
        rest = behind;
        let closing = tag.starts_with('/');
        let name = tag.trim_start_matches('/').split([' ', '\t', '\r', '\n', '/', '>']).next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or_default();
        let element = Tag::of(name.as_bytes());
        // The choice between person and institution inside a party says nothing of him.
        let is_inside = element == Tag::Agt && party.is_some_and(|(_, container)| container != Tag::Agt);
        if let Some(role) = element.role().filter(|_| !is_inside) {
            party = (!closing).then_some((role, element));
            // Instructions are an element of this kind and a text themselves.
            if element.extra(false).is_none() {
                continue;
            }
        }
        let Some(extra) = element.extra(party.is_some_and(|(_, container)| container.is_account())) else { continue };
        if closing || tag.ends_with('/') {
            continue;
        }
        let (content, all) = xml_text(behind);
        whole &= all;
        if !content.is_empty() {
            extra.push(party.map_or(PartyRole::Originator, |(role, _)| role), &content, &mut found);
        }
        if found.len() > MAX_PARTIES {
            break;
        }
    }
    (found, whole)
}

/// Text up to the next tag, with what stands in CDATA sections, references of XML itself resolved; and whether all of it
/// was read.
fn xml_text(behind: &str) -> (String, bool) {
    let mut content = String::new();
    let mut rest = &behind[..behind.floor_char_boundary(MAX_CONTENT)];
    let cut = rest.len() < behind.len();
    let ended = loop {
        let end = rest.find('<').unwrap_or(rest.len());
        content.push_str(&unescape_xml(&rest[..end]));
        let Some(data) = rest[end..].strip_prefix("<![CDATA[") else {
            // A cut may also fall into the mark of a section.
            break end < rest.len() && !"<![CDATA[".starts_with(&rest[end..]);
        };
        let Some(close) = data.find("]]>") else {
            content.push_str(data);
            break false;
        };
        content.push_str(&data[..close]);
        rest = &data[close + 3..];
    };
    (content.trim().to_owned(), ended || !cut)
}

fn unescape_xml(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), |text| text.into_owned())
}
