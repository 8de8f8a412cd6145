//! Bundles of STIX 2.1 and envelopes of TAXII 2.1 (<https://docs.oasis-open.org/cti/stix/v2.1/stix-v2.1.html>). Accounts and wallets
//! are the extension objects `bank-account` and `cryptocurrency-wallet` (<https://github.com/muchdogesec/stix2extensions>): those
//! that a pattern of an indicator names, and where there is no indicator, those that stand in the bundle.

use std::collections::HashMap;
use std::io::Read;

use mareva_model::identifier::{self, Identifier};
use mareva_model::{Refusal, parse_time};
use serde::Deserialize;

use crate::entry::{add_new, joined};
use crate::faults::Faults;
use crate::official::{ListContent, matchable};
use crate::pattern::{Comparison, comparisons};
use crate::{Entry, EntryKind, LoadCounts, document};

const EXPORT: &str = "export the bundle again as STIX 2.1";
const PATTERN: &str = "write each account as [bank-account:iban = '…'], with OR between";

/// Markings that the standard and TLP 2.0 give fixed ids.
const TLP: [(&str, &str); 9] = [
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "tlp:white"),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", "tlp:green"),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", "tlp:amber"),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "tlp:red"),
    ("marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", "tlp:clear"),
    ("marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "tlp:green"),
    ("marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "tlp:amber"),
    ("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", "tlp:amber+strict"),
    ("marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", "tlp:red"),
];

#[derive(Deserialize)]
struct Bundle {
    #[serde(default)]
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    created_by_ref: Option<String>,
    #[serde(default)]
    holder_ref: Option<String>,
    #[serde(default)]
    object_marking_refs: Vec<String>,
    #[serde(default)]
    revoked: bool,
    #[serde(default)]
    modified: Option<String>,
    #[serde(default)]
    indicator_types: Vec<String>,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    pattern_type: Option<String>,
    #[serde(default)]
    valid_from: Option<String>,
    #[serde(default)]
    valid_until: Option<String>,
    #[serde(default)]
    iban: Option<String>,
    #[serde(default)]
    account_number: Option<String>,
    #[serde(default)]
    bic: Option<String>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    symbol: Option<String>,
}

/// Reads a bundle; `place` names the file in faults.
pub(crate) fn read(input: impl Read, place: &str) -> Result<ListContent, Refusal> {
    let (mut bundle, digest) = document::json::<Bundle>(input, place, "bundle of STIX 2.1", EXPORT)?;
    keep_latest(&mut bundle.objects);
    let names: HashMap<&str, &str> =
        bundle.objects.iter().filter_map(|one| Some((one.id.as_str(), one.name.as_deref()?))).collect();
    let (mut entries, mut counts, mut faults) = (Vec::new(), LoadCounts::default(), Faults::default());
    let mut unread: Option<(String, String)> = None;
    let is_indicator = |one: &&Object| one.kind == "indicator";
    let has_indicators = bundle.objects.iter().any(|one| is_indicator(&one));
    for object in bundle.objects.iter().filter(|one| is_in_use(one) && is_indicator(one) == has_indicators) {
        let here = format!("{place}: {}", if object.id.is_empty() { "object without id" } else { &object.id });
        let found = if has_indicators { of_indicator(object) } else { Ok(of_observed(object)) };
        let found = found.unwrap_or_else(|reason| {
            // Partners write patterns for many readers, and nobody here can correct them.
            counts.unmatchable += 1;
            unread.get_or_insert((here.clone(), reason));
            Vec::new()
        });
        let identifiers = matchable(found, &mut counts);
        if identifiers.is_empty() {
            continue;
        }
        if object.id.is_empty() {
            faults.add(&here, "has no id", EXPORT);
        }
        entries.push(Entry { identifiers, ..about(object, &names, &here, &mut faults) });
    }
    if entries.is_empty() && faults.is_empty() {
        match unread {
            Some((place, reason)) => faults.add(place, format!("its pattern {reason}"), PATTERN),
            None => faults.add(place, "holds no account and no wallet in an indicator of its own", EXPORT),
        }
    }
    faults.into_result()?;
    Ok(ListContent { entries, digest, counts, published: None })
}

/// Of the versions of an object the latest, where the first of them stands.
fn keep_latest(objects: &mut Vec<Object>) {
    let mut latest: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Object> = Vec::new();
    for object in objects.drain(..) {
        match latest.get(&object.id).copied().filter(|_| !object.id.is_empty()) {
            // Times of one format, in UTC, sort as texts.
            Some(at) if kept[at].modified < object.modified => kept[at] = object,
            Some(_) => {}
            None => {
                latest.insert(object.id.clone(), kept.len());
                kept.push(object);
            }
        }
    }
    *objects = kept;
}

/// Neither taken back nor about what is harmless.
fn is_in_use(object: &Object) -> bool {
    !object.revoked && !object.indicator_types.iter().any(|kind| kind == "benign")
}

/// What an object says beside its pattern.
fn about(object: &Object, names: &HashMap<&str, &str>, place: &str, faults: &mut Faults) -> Entry {
    let named =
        |reference: &Option<String>| reference.as_deref().and_then(|id| names.get(id)).map(|name| (*name).to_owned());
    let mut marked: Vec<&str> = Vec::new();
    for id in &object.object_marking_refs {
        let fixed = TLP.iter().find(|(known, _)| known == id).map(|(_, name)| *name);
        add_new(&mut marked, fixed.or(names.get(id.as_str()).copied()).into_iter().collect());
    }
    let mut time = |text: &Option<String>, what: &str| {
        let parsed = text.as_deref().map(parse_time).transpose();
        parsed.unwrap_or_else(|error| {
            faults.add(place, format!("{what}: {error}"), EXPORT);
            None
        })
    };
    let (valid_from, valid_until) = (time(&object.valid_from, "valid_from"), time(&object.valid_until, "valid_until"));
    Entry {
        id: object.id.clone(),
        kind: EntryKind::Account,
        label: named(&object.holder_ref),
        programme: joined(&marked),
        reason: object.name.clone().or(object.description.clone()),
        source: named(&object.created_by_ref),
        listed_at: valid_from,
        valid_from,
        valid_until,
        ..Entry::default()
    }
}

/// Accounts and wallets of an object that stands for itself.
fn of_observed(object: &Object) -> Vec<Identifier> {
    let text =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    match object.kind.as_str() {
        "bank-account" => {
            let number = text(&object.iban).or(text(&object.account_number));
            number.map(|number| identifier::account(&number, object.bic.as_deref())).into_iter().collect()
        }
        "cryptocurrency-wallet" => text(&object.value)
            .map(|address| identifier::wallet(&address, object.symbol.as_deref(), None))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// Paths of numbers of accounts and addresses of wallets, and of what tells which bank or network they are of.
const NUMBERS: [&str; 4] = [
    "bank-account:iban",
    "bank-account:account_number",
    "cryptocurrency-wallet:value",
    "cryptocurrency-wallet:address",
];
const ABOUT: [&str; 2] = ["bank-account:bic", "cryptocurrency-wallet:symbol"];

/// Accounts and wallets that a pattern names, each of which alone is enough for it; or what of a pattern about them cannot be read.
fn of_indicator(object: &Object) -> Result<Vec<Identifier>, String> {
    let is_stix = object.pattern_type.as_deref().is_none_or(|kind| kind == "stix");
    let Some(pattern) = object.pattern.as_deref().filter(|_| is_stix) else { return Ok(Vec::new()) };
    let observations = match comparisons(pattern) {
        Ok(observations) => observations,
        Err(reason) if NUMBERS.iter().any(|path| pattern.contains(path)) => return Err(reason),
        // What is about something else is not ours to judge.
        Err(_) => return Ok(Vec::new()),
    };
    let mut found = Vec::new();
    // Where something else has to hold beside one account or wallet, that alone is not enough.
    let is_known = |one: &Comparison| NUMBERS.contains(&one.path.as_str()) || ABOUT.contains(&one.path.as_str());
    let has_one = |all: &[Comparison]| all.iter().filter(|one| NUMBERS.contains(&one.path.as_str())).count() == 1;
    for all in observations.into_iter().filter(|all| all.iter().all(is_known) && has_one(all)) {
        let values = |path: &str| all.iter().find(|one| one.path == path).map_or(&[][..], |one| &one.values);
        let [banks, networks] = ABOUT.map(|path| {
            let of: Vec<Option<&str>> = values(path).iter().map(|value| Some(value.as_str())).collect();
            if of.is_empty() { vec![None] } else { of }
        });
        let [ibans, numbers, wallets, addresses] = NUMBERS.map(values);
        for number in ibans.iter().chain(numbers) {
            found.extend(banks.iter().map(|bank| identifier::account(number, *bank)));
        }
        for address in wallets.iter().chain(addresses) {
            found.extend(networks.iter().map(|network| identifier::wallet(address, *network, None)));
        }
    }
    // An IBAN is the same whatever bank stands beside it.
    let mut once = Vec::new();
    add_new(&mut once, found);
    Ok(once)
}
