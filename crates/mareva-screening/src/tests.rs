mod alike;
mod changing;
mod ftm;
mod indicators;
mod lineage;
mod loading;
mod mules;
mod names;
mod official;
mod parts;
mod uk_csv;
mod watching;
mod xml;

use mareva_model::{AliasQuality, Refusal, identifier};

use crate::{Entry, ListConfig, ListedName, Match, Scratch, Support, Watchlist};

/// Midday of 2026-01-05, UTC milliseconds.
const NOW: i64 = 1_767_614_400_000;

fn by_identifier(watchlist: &Watchlist, text: &str) -> Vec<Match> {
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    watchlist.screen_identifier(text, NOW, &mut scratch, &mut out);
    out
}

fn by_name(watchlist: &Watchlist, name: &str) -> Vec<Match> {
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    watchlist.screen_name(name, &Support::default(), NOW, &mut scratch, &mut out);
    out
}

/// Names of one quality.
fn names(entry: &Entry, quality: AliasQuality) -> Vec<&str> {
    entry.names.iter().filter(|name| name.quality == quality).map(|name| name.text.as_str()).collect()
}

/// Places and reasons, a line each.
fn told(refusal: &Refusal) -> String {
    refusal.0.iter().map(|fault| format!("{}: {}", fault.place, fault.reason)).collect::<Vec<_>>().join("\n")
}

fn party(id: &str, names: &[(&str, AliasQuality)], accounts: &[&str]) -> Entry {
    let name = |(text, quality): &(&str, AliasQuality)| ListedName { text: (*text).to_owned(), quality: *quality };
    Entry {
        id: id.to_owned(),
        names: names.iter().map(name).collect(),
        identifiers: accounts.iter().map(|text| identifier::account(text, None)).collect(),
        ..Entry::default()
    }
}

fn sanctions(entries: Vec<Entry>) -> Watchlist {
    Watchlist::from_entries(&ListConfig::sanctions("test", ""), entries).unwrap()
}

/// Time on a processor since `before`, where Linux tells: other work on the machine does not count.
struct Cpu(u64);

impl Cpu {
    fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        Self(stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
    }

    fn elapsed(&self) -> std::time::Duration {
        std::time::Duration::from_nanos(Self::now().0 - self.0)
    }
}
