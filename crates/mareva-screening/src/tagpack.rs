//! TagPacks of GraphSense in YAML (<https://github.com/graphsense/graphsense-tagpack-tool>): addresses with what is known of whoever
//! holds them. What the pack says at its head holds for each tag that does not say it itself.

use std::io::Read;

use mareva_model::identifier;
use mareva_model::{Refusal, parse_time};
use serde::Deserialize;

use crate::entry::{add_new, joined};
use crate::faults::Faults;
use crate::official::{ListContent, matchable};
use crate::{Entry, EntryKind, LoadCounts, document};

const EXPORT: &str = "get the pack again, as its publisher has it";
/// Says that an address is of somebody who was harmed.
const VICTIM: &str = "victim";

#[derive(Deserialize)]
struct Pack {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    creator: Option<String>,
    #[serde(flatten)]
    all: About,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    #[serde(default)]
    address: Option<String>,
    #[serde(flatten)]
    own: About,
}

/// What a tag says, or the head of the pack for all of them.
#[derive(Deserialize)]
struct About {
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    network: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    abuse: Option<String>,
    #[serde(default)]
    category: Option<String>,
    /// Step of the ladder of confidence, such as `authority_data` or `heuristic`.
    #[serde(default)]
    confidence: Option<String>,
    #[serde(default)]
    lastmod: Option<String>,
}

/// Reads a pack; `place` names the file in faults.
///
/// An address that no abuse is told of, such as the wallet of an exchange, and one of a victim is left out, as is what has no address:
/// a tag of a transaction.
pub(crate) fn read(input: impl Read, place: &str) -> Result<ListContent, Refusal> {
    let (pack, digest) = document::yaml::<Pack>(input, place, "TagPack", EXPORT)?;
    let (mut entries, mut counts, mut faults) = (Vec::new(), LoadCounts::default(), Faults::default());
    for Tag { address, own } in &pack.tags {
        let told = |said: fn(&About) -> &Option<String>| {
            let text = said(own).as_ref().or(said(&pack.all).as_ref());
            text.map(|text| text.trim()).filter(|text| !text.is_empty())
        };
        let Some(abuse) = told(|about| &about.abuse).filter(|abuse| *abuse != VICTIM) else { continue };
        let category = told(|about| &about.category);
        let address = address.as_deref().map(str::trim).filter(|address| !address.is_empty());
        let Some(address) = address.filter(|_| category != Some(VICTIM)) else { continue };
        let network = told(|about| &about.network).or(told(|about| &about.currency));
        let mut programmes: Vec<&str> = Vec::new();
        let confidence = told(|about| &about.confidence);
        add_new(&mut programmes, [Some(abuse), category, confidence].into_iter().flatten().collect());
        entries.push(Entry {
            kind: EntryKind::Account,
            label: told(|about| &about.label).map(str::to_owned),
            identifiers: matchable(vec![identifier::wallet(address, network, None)], &mut counts),
            programme: joined(&programmes),
            reason: pack.title.clone(),
            source: told(|about| &about.source).or(pack.creator.as_deref()).map(str::to_owned),
            listed_at: told(|about| &about.lastmod).and_then(|date| parse_time(date).ok()),
            ..Entry::default()
        });
    }
    if entries.is_empty() {
        faults.add(place, "holds no address that an abuse is told of", EXPORT);
    }
    faults.into_result()?;
    Ok(ListContent { entries, digest, counts, published: None })
}
