use std::sync::Arc;

use mareva_model::{AliasQuality, EvidenceClass, ListAction, MatchedOn};
use proptest::prelude::*;

use super::{NOW, by_identifier, by_name, party, sanctions};
use crate::{
    Basis, Column, DateOrder, Entry, FilterKey, ListConfig, ListedName, LoadedList, Scratch, Support, Watchlist,
    name_key, strongest,
};

#[test]
fn a_match_says_what_agreed() {
    let names = [("SMITH, John", AliasQuality::Primary), ("Johnny", AliasQuality::Weak), ("JS", AliasQuality::Strong)];
    let mut entry = party("1", &names, &["DE89370400440532013000"]);
    entry.birth_dates = vec![crate::BirthDate::parse("1980").unwrap()];
    entry.countries = vec!["GB".to_owned()];
    let watchlist = sanctions(vec![entry]);
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    let country = Support { birth_date: None, country: Some("United Kingdom") };
    let support = Support { birth_date: Some("1980-05-01"), ..country };
    for (name, support, basis, action) in [
        ("John Smith", Support::default(), Basis::Name, ListAction::Review),
        ("John Smith", support, Basis::SupportedName, ListAction::Block),
        ("johnny", Support::default(), Basis::WeakName, ListAction::Review),
        // Half of a country may be called that.
        ("johnny", country, Basis::WeakName, ListAction::Review),
        ("js", country, Basis::WeakName, ListAction::Review),
        ("John Smith", country, Basis::SupportedName, ListAction::Block),
        ("js", support, Basis::SupportedWeakName, ListAction::Block),
    ] {
        out.clear();
        watchlist.screen_name(name, &support, NOW, &mut scratch, &mut out);
        assert_eq!(out.len(), 1, "{name}");
        assert_eq!((out[0].strength.basis, out[0].strength.action), (basis, action), "{name}");
    }
    let MatchedOn::Name { value, listed, quality, supported_by, .. } = &out[0].matched else { panic!("a name") };
    assert_eq!((value.as_str(), listed.as_str(), *quality), ("js", "JS", AliasQuality::Weak));
    assert_eq!(supported_by, &["birth_date", "country"]);
    out.extend(by_identifier(&watchlist, "iban:DE89370400440532013000"));
    assert_eq!(strongest(&out).unwrap().strength.basis, Basis::Identifier);
    assert_eq!(out[0].list.version, out[0].list.digest[..12]);
}

#[test]
fn evidence_below_confirmed_is_for_review() {
    let config = ListConfig { evidence_class: EvidenceClass::Partner, ..ListConfig::fraud("partner", "") };
    let entry = party("1", &[], &["DE89370400440532013000"]);
    let watchlist = Watchlist::from_entries(&config, vec![entry]).unwrap();
    let hits = by_identifier(&watchlist, "iban:DE89370400440532013000");
    assert_eq!(hits[0].strength.action, ListAction::Review);
}

#[test]
fn an_address_listed_alone_covers_its_tags() {
    let mut entry = party("1", &[], &[]);
    let address = mareva_model::identifier::Identifier {
        canonical: "xrp:rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh".to_owned(),
        validated: true,
    };
    entry.identifiers.push(address);
    let watchlist = sanctions(vec![entry]);
    assert_eq!(by_identifier(&watchlist, "xrp:rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh#12").len(), 1);
    assert_eq!(by_identifier(&watchlist, "xrp:rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh").len(), 1);
}

#[test]
fn a_branch_meets_entries_that_list_the_bank_and_not_the_other_way_round() {
    let listed = |id: &str, bic: &str| {
        let canonical = mareva_model::identifier::Identifier { canonical: bic.to_owned(), validated: true };
        Entry { identifiers: vec![canonical], ..party(id, &[], &[]) }
    };
    let watchlist = sanctions(vec![listed("1", "bic:BOELKPPYXXX"), listed("2", "bic:MRVADEFF123")]);
    for (bic, hits) in [
        ("bic:BOELKPPYXXX", 1),
        ("bic:BOELKPPYPYG", 1),
        ("bic:BOELKPPZPYG", 0),
        ("bic:MRVADEFF123", 1),
        ("bic:MRVADEFFXXX", 0),
        ("bic:MRVADEFF456", 0),
    ] {
        assert_eq!(by_identifier(&watchlist, bic).len(), hits, "{bic}");
    }
}

#[test]
fn a_namesake_with_another_date_of_birth_is_for_review_whatever_the_country() {
    let mut entry = party("1", &[("Karim Haddadi", AliasQuality::Primary)], &[]);
    entry.birth_dates = vec![crate::BirthDate::parse("1950").unwrap()];
    entry.countries = vec!["IQ".to_owned()];
    let watchlist = sanctions(vec![entry]);
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    for (born, action) in
        [(Some("1998-02-03"), ListAction::Review), (Some("1950-06-01"), ListAction::Block), (None, ListAction::Block)]
    {
        out.clear();
        let support = Support { birth_date: born, country: Some("IQ") };
        watchlist.screen_name("Karim Haddadi", &support, NOW, &mut scratch, &mut out);
        assert_eq!(out.len(), 1, "{born:?}");
        assert_eq!(out[0].strength.action, action, "{born:?}");
    }
}

#[test]
fn lists_are_kept_apart_and_stats_survive_a_swap() {
    let list = |name: &str, id: &str| {
        let entries = vec![party(id, &[], &["DE89370400440532013000"])];
        Arc::new(LoadedList::from_entries(&ListConfig::fraud(name, ""), entries).unwrap())
    };
    let (a, b) = (list("a", "1"), list("b", "2"));
    let both = Watchlist::new(vec![Arc::clone(&a), Arc::clone(&b)]).unwrap();
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    both.screen_identifier("iban:DE89370400440532013000", NOW, &mut scratch, &mut out);
    let ids: Vec<&str> = out.iter().map(|one| one.entry.id.as_str()).collect();
    assert_eq!(ids, ["a:1", "b:2"]);
    let one = Watchlist::new(vec![b]).unwrap();
    assert_ne!(one.epoch(), both.epoch());
    one.screen_identifier("iban:DE89370400440532013000", NOW, &mut scratch, &mut out);
    let stats = scratch.take_stats();
    let confirmed: Vec<(&str, u64)> = stats.lists.iter().map(|one| (one.list.as_str(), one.confirmed)).collect();
    assert_eq!(confirmed, [("b", 2), ("a", 1)]);
    assert_eq!(stats.identifiers, 2);
    assert!(Watchlist::new(vec![Arc::clone(&a), a]).unwrap_err().to_string().contains("two lists"));
    let none = Watchlist::new(Vec::new()).unwrap();
    assert!(by_identifier(&none, "x").is_empty() && by_name(&none, "x").is_empty());
}

#[test]
fn keys_and_policies_are_part_of_the_epoch() {
    let entries = || vec![party("1", &[], &["DE89370400440532013000"])];
    let base = ListConfig::fraud("a", "");
    let keyed = |byte: u8| ListConfig { key: Some(FilterKey(vec![byte; 32])), ..base.clone() };
    let other = ListConfig { action: ListAction::Warn, ..base.clone() };
    let mapped = ListConfig { columns: super::parts::columns(&[(Column::Id, &["no"])]), ..base.clone() };
    let dated = ListConfig { dates: DateOrder::DayFirst, ..base.clone() };
    let moved = ListConfig { path: "elsewhere".into(), ..base.clone() };
    let epoch = |config: &ListConfig| Watchlist::from_entries(config, entries()).unwrap().epoch();
    let epochs = [epoch(&base), epoch(&keyed(1)), epoch(&keyed(2)), epoch(&other), epoch(&mapped), epoch(&dated)];
    for (place, one) in epochs.iter().enumerate() {
        assert!(!epochs[..place].contains(one));
    }
    assert_eq!(epoch(&moved), epochs[0]);
}

#[test]
fn a_remembered_name_changes_nothing() {
    let watchlist = sanctions(vec![party("1", &[("SMITH, John", AliasQuality::Primary)], &[])]);
    let later = sanctions(vec![party("1", &[("DOE, Jane", AliasQuality::Primary)], &[])]);
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    for _ in 0..3 {
        watchlist.screen_name("Jane Doe", &Support::default(), NOW, &mut scratch, &mut out);
    }
    assert!(out.is_empty());
    assert_eq!(scratch.take_stats().names_remembered, 2);
    later.screen_name("Jane Doe", &Support::default(), NOW, &mut scratch, &mut out);
    assert_eq!(out.len(), 1);
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let name = ("\\PC{0,24}", 0..3_u8).prop_map(|(text, quality)| ListedName {
        text,
        quality: [AliasQuality::Primary, AliasQuality::Strong, AliasQuality::Weak][usize::from(quality)],
    });
    let account = ("\\PC{1,30}", any::<bool>())
        .prop_map(|(canonical, validated)| mareva_model::identifier::Identifier { canonical, validated });
    let texts = prop::collection::vec(prop::option::of("\\PC{0,12}"), 4);
    let times = (prop::option::of(0..NOW), prop::option::of(NOW + 1..NOW * 2), prop::option::of(0..NOW));
    (
        "[a-z0-9]{0,8}",
        prop::collection::vec(name, 0..4),
        prop::collection::vec(account, 0..4),
        texts,
        times,
        prop::collection::vec("[A-Z]{2}", 0..3),
    )
        .prop_map(|(id, names, identifiers, mut texts, times, countries)| Entry {
            id,
            names,
            identifiers,
            label: texts.pop().flatten(),
            reason: texts.pop().flatten(),
            programme: texts.pop().flatten(),
            source: texts.pop().flatten(),
            valid_from: times.0,
            valid_until: times.1,
            listed_at: times.2,
            countries,
            ..Entry::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_key_is_found_and_every_hit_holds_its_key(
        entries in prop::collection::vec(any_entry(), 1..40),
        strangers in prop::collection::vec("\\PC{0,20}", 0..60),
    ) {
        let watchlist = sanctions(entries.clone());
        for (place, entry) in entries.iter().enumerate() {
            let stored = watchlist.loaded()[0].entries().nth(place).unwrap();
            let id = if entry.id.is_empty() { stored.id.clone() } else { entry.id.clone() };
            prop_assert_eq!(&stored, &Entry { id: id.clone(), ..entry.clone() });
            let wanted = format!("test:{id}");
            for identifier in &entry.identifiers {
                let hits = by_identifier(&watchlist, &identifier.canonical);
                prop_assert!(hits.iter().any(|hit| hit.entry.id == wanted));
            }
            for name in &entry.names {
                let hits = by_name(&watchlist, &name.text);
                let found = hits.iter().any(|hit| hit.entry.id == wanted);
                prop_assert_eq!(found, !name_key(&name.text).is_empty());
            }
        }
        for text in &strangers {
            let holders = entries.iter().filter(|one| one.identifiers.iter().any(|id| id.canonical == *text));
            prop_assert_eq!(by_identifier(&watchlist, text).len(), holders.count());
            let key = name_key(text);
            let same = |one: &&Entry| !key.is_empty() && one.names.iter().any(|name| name_key(&name.text) == key);
            let equal = by_name(&watchlist, text).into_iter().filter(|hit| {
                matches!(hit.matched, MatchedOn::Name { likeness: None, .. })
            });
            prop_assert_eq!(equal.count(), entries.iter().filter(same).count());
        }
    }

    #[test]
    fn order_case_and_punctuation_of_a_name_do_not_matter(
        tokens in prop::collection::vec("[a-z]{2,8}", 1..6),
        seed in any::<u64>(),
    ) {
        let mut shuffled = tokens.clone();
        let turn = seed as usize % tokens.len();
        shuffled.rotate_left(turn);
        let written = shuffled.join(if seed % 2 == 0 { ", " } else { "-" }).to_uppercase();
        prop_assert_eq!(name_key(&tokens.join(" ")), name_key(&written));
    }

    #[test]
    fn no_file_makes_the_loader_panic(text in "\\PC{0,200}", header in prop::bool::ANY) {
        let text = if header { format!("identifier,name\n{text}") } else { text };
        let _ = crate::load_plain(&ListConfig::fraud("x", ""), text.as_bytes(), "x");
        let _ = crate::remarks::Remarks::parse(&text);
    }
}
