use mareva_model::{AliasQuality, MatchedOn, NameLikeness, TokenPair};

use crate::alike::{Found, Place, Query, Search};
use crate::matched::{is_of_another_year, new_match, supported_by};
use crate::name::{is_short, name_key};
use crate::scratch::Scratch;
use crate::watchlist::in_force;
use crate::{Basis, Entry, ListStats, LoadedList, Match, Support, Watchlist};

/// A name of the stream, with what else is known of its bearer.
#[derive(Clone, Copy)]
struct Named<'a> {
    name: &'a str,
    support: &'a Support<'a>,
    event_time: i64,
}

impl Watchlist {
    /// Appends a match for each entry that has a name and is in force at `event_time` (UTC milliseconds): equal under
    /// [`name_key`] to a listed name or alias, or alike to one that is not weak, by the threshold of its list. A short name counts
    /// as weak whatever the list says, and so does one that is only alike.
    #[inline]
    pub fn screen_name(
        &self,
        name: &str,
        support: &Support<'_>,
        event_time: i64,
        scratch: &mut Scratch,
        out: &mut Vec<Match>,
    ) {
        scratch.stats.names += 1;
        if self.names.is_empty() {
            return;
        }
        scratch.bind(&self.epoch(), self.list_names());
        if scratch.clear.holds(name) {
            scratch.stats.names_remembered += 1;
            return;
        }
        self.confirm_name(Named { name, support, event_time }, scratch, out);
    }

    fn confirm_name(&self, named: Named<'_>, scratch: &mut Scratch, out: &mut Vec<Match>) {
        let Scratch { names, clear, stats, query, search, .. } = scratch;
        let looks_for_alike = !self.spellings.is_empty();
        if looks_for_alike {
            query.set(named.name, names, |key| self.spellings.passes(key));
        }
        let key = names.key(named.name);
        let key = if self.names.passes(key) { key } else { "" };
        let mut met = Vec::new();
        if !key.is_empty() {
            for (number, (list, stats)) in (0..).zip(self.lists.iter().zip(&mut stats.lists)) {
                equal_names((number, list), key, named, stats, &mut met, out);
            }
        }
        let is_alike = looks_for_alike
            && !query.is_clear()
            && self.alike_names((query, search), &met, named, &mut stats.lists, out);
        if met.is_empty() && !is_alike {
            clear.remember(named.name);
        }
    }

    /// Appends a match for each entry, those already met aside, with a name that is alike; returns whether there are any, whatever
    /// is known of the bearer and the time.
    fn alike_names(
        &self,
        (query, search): (&Query, &mut Search),
        met: &[(u32, u32)],
        named: Named<'_>,
        stats: &mut [ListStats],
        out: &mut Vec<Match>,
    ) -> bool {
        // The best name of each entry, and the first of equals.
        let mut best: Vec<(Place, f64, NameLikeness)> = Vec::new();
        let threshold = |list: u32| self.lists[list as usize].config.name_threshold;
        let least = (0..).zip(&self.lists).map(|(list, _)| threshold(list)).fold(1.0, f64::min);
        self.alike.search(query, least, search, |found| {
            let Place { list, entry, name } = found.place;
            if found.score < threshold(list) || met.contains(&(list, entry)) {
                return;
            }
            match best.iter_mut().find(|(place, ..)| (place.list, place.entry) == (list, entry)) {
                Some(known) if found.score > known.1 || found.score == known.1 && name < known.0.name => {
                    *known = (found.place, found.score, explained(&found));
                }
                Some(_) => {}
                None => best.push((found.place, found.score, explained(&found))),
            }
        });
        best.sort_by_key(|(place, ..)| *place);
        let any = !best.is_empty();
        for (place, _, likeness) in best {
            let (list, stats) = (&self.lists[place.list as usize], &mut stats[place.list as usize]);
            stats.filter_hits += 1;
            let view = list.store.view(place.entry);
            let Some((quality, listed)) = view.names().nth(place.name as usize) else { continue };
            let entry = view.to_entry();
            if !is_of_another_year(&entry, named.support) && in_force(&view, named.event_time, stats) {
                out.push(name_match(list, entry, (listed, quality), named, Some(likeness)));
            }
        }
        any
    }
}

/// Appends a match for each entry with an equal name, and to `met` all such entries, in force or not.
fn equal_names(
    (list_number, list): (u32, &LoadedList),
    key: &str,
    named: Named<'_>,
    stats: &mut ListStats,
    met: &mut Vec<(u32, u32)>,
    out: &mut Vec<Match>,
) {
    if !list.names.may_hold(key) {
        return;
    }
    stats.filter_hits += 1;
    for number in list.names.candidates(key) {
        let view = list.store.view(number);
        let equal = view.names().filter(|(_, listed)| name_key(listed) == key);
        let Some((quality, listed)) = equal.min_by_key(|(quality, _)| *quality) else { continue };
        met.push((list_number, number));
        if in_force(&view, named.event_time, stats) {
            let quality = if is_short(key) { AliasQuality::Weak } else { quality };
            out.push(name_match(list, view.to_entry(), (listed, quality), named, None));
        }
    }
}

fn name_match(
    list: &LoadedList,
    entry: Entry,
    (listed, quality): (&str, AliasQuality),
    named: Named<'_>,
    likeness: Option<NameLikeness>,
) -> Match {
    // A name that is only alike is no more than a weak alias.
    let counts_as = if likeness.is_some() { AliasQuality::Weak } else { quality };
    let supported_by = supported_by(&entry, counts_as, named.support);
    let basis = match (counts_as, supported_by.is_empty()) {
        (AliasQuality::Weak, true) => Basis::WeakName,
        (AliasQuality::Weak, false) => Basis::SupportedWeakName,
        (_, true) => Basis::Name,
        (_, false) => Basis::SupportedName,
    };
    let (value, listed) = (named.name.to_owned(), listed.to_owned());
    new_match(list, entry, MatchedOn::Name { value, listed, quality, supported_by, likeness }, basis)
}

/// Why two names are taken for one.
fn explained(found: &Found<'_>) -> NameLikeness {
    let texts = |parts: (u8, u8)| {
        let written = found.query.token(usize::from(parts.0)).text.clone();
        (written, found.listed.token(usize::from(parts.1)).text.clone())
    };
    let pairs = found.alignment.pairs.iter().map(|pair| {
        let (written, listed) = texts(pair.parts);
        TokenPair { written, listed, per_mille: per_mille(pair.likeness.into()) }
    });
    let (of_query, of_listed) = found.alignment.left_out;
    NameLikeness {
        per_mille: per_mille(found.score),
        pairs: pairs.collect(),
        only_written: found.query.tokens_of(of_query).map(|token| token.text.clone()).collect(),
        only_listed: found.listed.tokens_of(of_listed).map(|token| token.text.clone()).collect(),
    }
}

/// Of a share, over 0 to 1.
fn per_mille(share: f64) -> u16 {
    (share * 1_000.0).round() as u16
}
