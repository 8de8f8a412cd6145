use mareva_model::{AliasQuality, MatchedOn, NameLikeness};
use proptest::prelude::*;

use crate::alike::{ComparedName, NameIndex, Place, Query, Search, WEIGHTS, score};
use crate::name::NameScratch;
use crate::{Basis, BirthDate, Entry, EntryKind, ListConfig, ListedName, Match, Scratch, Support, Watchlist};

fn person(id: &str, name: &str) -> Entry {
    let names = vec![ListedName { text: name.to_owned(), quality: AliasQuality::Primary }];
    Entry { id: id.to_owned(), kind: EntryKind::Person, names, ..Entry::default() }
}

fn watchlist(entries: Vec<Entry>) -> Watchlist {
    Watchlist::from_entries(&ListConfig::sanctions("test", ""), entries).unwrap()
}

fn hits(watchlist: &Watchlist, name: &str, birth_date: Option<&str>) -> Vec<Match> {
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    watchlist.screen_name(name, &Support { birth_date, country: None }, 0, &mut scratch, &mut out);
    out
}

fn likeness(found: &Match) -> Option<&NameLikeness> {
    match &found.matched {
        MatchedOn::Name { likeness, .. } => likeness.as_ref(),
        MatchedOn::Identifier { .. } => None,
    }
}

/// Each of them is the other with a slip, in another spelling or in another script.
#[test]
fn names_of_one_party_are_alike() {
    for (listed, written) in [
        ("Mohammed Yahya Mujahid", "MOHAMAD YAHYA MUJAHED"),
        ("Ismail Abdul Salah Haniya", "Ismail Abdulsalah Haniyeh"),
        ("Saddam Hussein al-Tikriti", "SADAM HUSAIN AL TIKRITI"),
        ("Ivan Petrovich Sidorov", "Иван Сидоров Петрович"),
        ("Vladimir Ivanov", "Wladimir Iwanow"),
        ("William Henry Gates", "Bill Henry Gates"),
        ("Dmitry Medvedev", "Дмитрий Медведев"),
        ("Alexander", "Αλέξανδρος"),
        ("David", "דוד"),
        ("Lee Min Ho", "이민호"),
        ("Somchai", "สมชาย"),
        ("Pak Yong Won", "Pak Yongw On"),
        ("Nursultan Abishevich Nazarbayev", "N. Abishevich Nazarbayev"),
        ("Yevgeny Prigozhin", "Y PRIGOZHIN"),
        ("Igor Ivanovich Sechin", "I IVANOVICH SECHIN"),
        ("Mohammed Hasan Mohammed", "MOHAMMEDHASAN MOHAMMED"),
        ("Abd al-Aziz Hamid", "ABDULAZIZ HAMEED"),
        ("Nasr al-Din Youssef", "NASREDDINE YOUSSEF"),
        ("Kim Jong Un", "KIM JONG-EUN"),
        ("Said Bahaji", "SAEED BAHAJI"),
        ("Amber Star", "MV AMBER STAR"),
    ] {
        let list = watchlist(vec![person("1", listed)]);
        assert_eq!(hits(&list, written, None).len(), 1, "{written} for {listed}");
        let list = watchlist(vec![person("1", written)]);
        assert_eq!(hits(&list, listed, None).len(), 1, "{listed} for {written}");
    }
}

#[test]
fn names_that_share_a_part_are_not() {
    for (listed, written) in [
        ("Saddam Hussein al-Tikriti", "Saddam Hussein al-Dulaimi"),
        ("Mohammed Ali", "Mohammed Salah"),
        ("George", "George Krueger"),
        ("Bashar al-Assad", "Hafez al-Assad"),
        ("Kim Jong Sik", "Kim Yong Nam"),
        ("Abu", "Abu Bakr"),
        ("Mullah Krekar", "MULLAH KREKAR WILSON"),
        ("Samir Jones", "Samuel Jones"),
        ("Ahmed", "SAID AHMED"),
        ("Wang Wei", "Wang Wen"),
        ("Tanker21 Line", "TANKER22 LINE"),
        ("Y A", "Y"),
    ] {
        assert_eq!(hits(&watchlist(vec![person("1", listed)]), written, None).len(), 0, "{written} for {listed}");
    }
}

#[test]
fn a_hit_says_why() {
    let found = hits(&watchlist(vec![person("1", "AL-HAQQANI, Mohammed Yahya")]), "Mohamed Haqani, Yahya", None);
    let [found] = found.as_slice() else { panic!("one hit, not {found:?}") };
    let why = likeness(found).unwrap();
    let pairs: Vec<(&str, &str, u16)> =
        why.pairs.iter().map(|pair| (pair.written.as_str(), pair.listed.as_str(), pair.per_mille)).collect();
    assert_eq!(pairs, [("yahya", "yahya", 1_000), ("mohamed", "mohammed", 900), ("haqani", "haqqani", 857)]);
    assert_eq!((why.only_written.len(), why.only_listed.as_slice()), (0, &["al".to_owned()][..]));
    assert_eq!(found.strength.basis, Basis::WeakName);
}

#[test]
fn an_equal_name_needs_no_reason() {
    let found = hits(&watchlist(vec![person("1", "Mohammed Yahya Mujahid")]), "MUJAHID, Mohammed Yahya", None);
    assert_eq!(found.len(), 1);
    assert_eq!(likeness(&found[0]), None);
    assert_eq!(found[0].strength.basis, Basis::Name);
    let alike = hits(&watchlist(vec![person("1", "Mohammed Yahya Mujahid")]), "Mohammed Yahia Mujahid", None);
    let MatchedOn::Name { quality, .. } = &alike[0].matched else { panic!("a name") };
    assert_eq!((*quality, alike[0].strength.basis), (AliasQuality::Primary, Basis::WeakName));
}

#[test]
fn another_date_of_birth_is_somebody_else() {
    let entry =
        Entry { birth_dates: vec![BirthDate::parse("1961-02-03").unwrap()], ..person("1", "Mohammed Yahya Mujahid") };
    let list = watchlist(vec![entry]);
    let basis = |birth_date| hits(&list, "Mohammed Yahia Mujahid", birth_date).first().map(|hit| hit.strength.basis);
    assert_eq!(basis(None), Some(Basis::WeakName));
    assert_eq!(basis(Some("1961-02-03")), Some(Basis::SupportedWeakName));
    assert_eq!(basis(Some("1984-05-06")), None);
    // Day and month may be swapped; that supports nothing and excludes nothing.
    assert_eq!(basis(Some("1961-03-02")), Some(Basis::WeakName));
    // What is remembered of a name is not what was known of another bearer.
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    for birth_date in ["1984-05-06", "1961-02-03"] {
        let support = Support { birth_date: Some(birth_date), country: None };
        list.screen_name("Mohammed Yahia Mujahid", &support, 0, &mut scratch, &mut out);
    }
    assert_eq!(out.len(), 1);
}

#[test]
fn weak_aliases_and_lists_that_say_so_match_equal_names_only() {
    let mut weak = person("1", "Mohammed Yahya Mujahid");
    weak.names[0].quality = AliasQuality::Weak;
    assert_eq!(hits(&watchlist(vec![weak]), "Mohammed Yahia Mujahid", None).len(), 0);
    let config = ListConfig { name_threshold: 1.0, ..ListConfig::sanctions("test", "") };
    let list = Watchlist::from_entries(&config, vec![person("1", "Mohammed Yahya Mujahid")]).unwrap();
    assert_eq!(hits(&list, "Mohammed Yahia Mujahid", None).len(), 0);
    assert_eq!(hits(&list, "Mohammed Yahya Mujahid", None).len(), 1);
}

#[test]
fn of_the_names_of_an_entry_the_best_is_told() {
    let mut entry = person("1", "Mohammed Yahya Mujahid");
    entry.names.push(ListedName { text: "Mohammed Yahia Mujahed".to_owned(), quality: AliasQuality::Strong });
    let found = hits(&watchlist(vec![entry]), "Mohammed Yahia Mujahad", None);
    let MatchedOn::Name { listed, .. } = &found[0].matched else { panic!("a name") };
    assert_eq!((found.len(), listed.as_str()), (1, "Mohammed Yahia Mujahed"));
}

#[test]
fn a_threshold_outside_its_bounds_is_refused() {
    for name_threshold in [0.0, 0.49, 1.01, f64::NAN] {
        let config = ListConfig { name_threshold, ..ListConfig::sanctions("test", "") };
        let refusal = Watchlist::from_entries(&config, vec![person("1", "Mohammed Yahya")]).unwrap_err();
        assert!(refusal.to_string().contains("name_threshold"), "{refusal}");
    }
}

/// Places and scores of all names that are alike, by the index and by comparing with each.
fn both_ways(listed: &[String], queries: &[String]) -> Vec<[Vec<(u32, f64)>; 2]> {
    let place = |entry| Place { list: 0, entry, name: 0 };
    let names = (0..).zip(listed).map(|(entry, name)| (place(entry), EntryKind::Person, name.as_str()));
    let index = NameIndex::new(names, &[7; 32]);
    let compared: Vec<ComparedName> = listed.iter().map(|name| ComparedName::new(name)).collect();
    let (mut query, mut search, mut scratch) = (Query::default(), Search::default(), NameScratch::default());
    let both = |name: &String| {
        let mut found = Vec::new();
        query.set(name, &mut scratch, |_| true);
        index.search(&query, 0.0, &mut search, |one| found.push((one.place.entry, one.score)));
        found.sort_by_key(|(entry, _)| *entry);
        let this = ComparedName::new(name);
        let all =
            (0..).zip(&compared).filter_map(|(entry, other)| Some((entry, this.features(other, EntryKind::Person)?)));
        [found, all.map(|(entry, features)| (entry, score(&features, &WEIGHTS))).collect()]
    };
    queries.iter().map(both).collect()
}

/// Names made of the tokens of real ones, some misspelt, joined or alone: as near to many names as names can be. `MAREVA_QUERIES`
/// sets how many; without it, as many as fit an ordinary test run.
#[test]
#[ignore = "needs MAREVA_DATA: the folder of official lists"]
fn of_the_un_list_the_index_finds_what_comparing_with_each_name_finds() {
    let path =
        std::path::Path::new(&std::env::var("MAREVA_DATA").unwrap()).join("lists/un/UN_consolidated-2026-02-27.xml");
    let list = crate::load(&ListConfig::sanctions("un", path)).unwrap();
    let listed: Vec<String> = list.entries().flat_map(|entry| entry.names).map(|name| name.text).collect();
    let tokens: Vec<&str> = listed.iter().flat_map(|name| name.split_whitespace()).collect();
    let asked = std::env::var("MAREVA_QUERIES").ok().map_or(300, |text| text.parse().unwrap());
    let mut random = 1_u64;
    let mut below = |end: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % end
    };
    let mut query = || {
        let mut name: Vec<char> = Vec::new();
        for _ in 0..=below(4) {
            name.extend(tokens[below(tokens.len())].chars());
            name.extend((below(8) > 0).then_some(' '));
        }
        for _ in 0..below(4) {
            let (at, other) = (below(name.len()), below(name.len()));
            match below(3) {
                0 => name[at] = name[other],
                1 => name.insert(at, name[other]),
                _ => name.swap(at, at.saturating_sub(1)),
            }
        }
        name.into_iter().collect::<String>()
    };
    let queries: Vec<String> = (0..asked).map(|_| query()).collect();
    let mut found_any = 0;
    for (query, [found, all]) in queries.iter().zip(both_ways(&listed, &queries)) {
        assert_eq!(found, all, "{query}");
        found_any += usize::from(!found.is_empty());
    }
    println!("{} names listed, {asked} queries, {found_any} of them with something to score", listed.len());
    assert!(found_any * 10 > asked);
}

/// Few letters, so that tokens are near one another, and words that mean something.
fn any_token() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[abdhmn]{1,9}",
        2 => "[a-f]{2,4}",
        1 => prop::sample::select(vec!["al", "bin", "ltd", "limited", "bank", "bill", "william", "mohd", "3", "three", "lee", "i"])
            .prop_map(str::to_owned),
        1 => "[עדמш김정은郭]{1,3}",
    ]
}

fn any_name() -> impl Strategy<Value = String> {
    (prop::collection::vec(any_token(), 0..6), prop::sample::select(vec![" ", "-", ", "]))
        .prop_map(|(tokens, between)| tokens.join(between))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_index_finds_what_comparing_with_each_name_finds(
        listed in prop::collection::vec(any_name(), 1..60),
        queries in prop::collection::vec(any_name(), 1..20),
    ) {
        let queries: Vec<String> = queries.into_iter().chain(listed.iter().cloned()).collect();
        for (query, [found, all]) in queries.iter().zip(both_ways(&listed, &queries)) {
            prop_assert_eq!(found, all, "{}", query);
        }
    }

    #[test]
    fn the_order_of_two_names_does_not_matter(a in any_name(), b in any_name(), joins in any::<bool>()) {
        // As near as names can be: one is the other with neighbours joined.
        let b = if joins { a.replacen(' ', "", 1) } else { b };
        let (x, y) = (ComparedName::new(&a), ComparedName::new(&b));
        let score = |x: &ComparedName, y: &ComparedName| {
            x.features(y, EntryKind::Person).map(|features| (score(&features, &WEIGHTS) * 1e9).round())
        };
        prop_assert_eq!(score(&x, &y), score(&y, &x));
    }

    #[test]
    fn no_name_makes_the_matcher_panic(listed in prop::collection::vec("\\PC{0,40}", 1..8), queries in prop::collection::vec("\\PC{0,300}", 1..8)) {
        both_ways(&listed, &queries);
    }
}
