use mareva_model::{ListAction, Relation};

use super::{by_identifier, told};
use crate::{Entry, ListConfig, LoadedList, ProgrammePolicy, Scratch, Watchlist, load_ftm, load_plain};

/// A guarantee market, and what it called itself later; the last one is listed by nobody.
const MARKETS: &str = "id,name,identifier,programme,listed_at,successor_of,rebrand_of,lineage_since,lineage_evidence
huione,Quilmoor Guarantee,TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t,311,2025-05-01,,,,
haowang,Hao Quil Guarantee,,,,,huione,2024-10-19,its own announcement
tudou,Tu Quil Guarantee,TJRabPrwbZy45sbavfcjinPJC18kjpRTv8,,,haowang,,2025-05-13,press
";

fn read(text: &str) -> Result<LoadedList, mareva_model::Refusal> {
    let own =
        ProgrammePolicy { programme: "311".to_owned(), action: ListAction::Report, binding_in: None, measure: None };
    let config = ListConfig { programmes: vec![own], ..ListConfig::sanctions("markets", "") };
    load_plain(&config, text.as_bytes(), "markets.csv")
}

fn watch(text: &str) -> Watchlist {
    Watchlist::new(vec![read(text).unwrap().into()]).unwrap()
}

#[test]
fn what_comes_from_a_listed_party_bears_its_risk_from_then_on() {
    let watchlist = watch(MARKETS);
    let wallet = "tron:TJRabPrwbZy45sbavfcjinPJC18kjpRTv8";
    let found = by_identifier(&watchlist, wallet).remove(0);
    // The policy of the programme under which the first of them is listed.
    assert_eq!((found.list.action, found.entry.programme.as_deref()), (ListAction::Report, Some("311")));
    let lineage: Vec<_> =
        found.entry.lineage.iter().map(|one| (one.relation, one.entry.as_str(), one.since.as_deref())).collect();
    assert_eq!(
        lineage,
        [
            (Relation::SuccessorOf, "markets:haowang", Some("2025-05-13T00:00:00.000Z")),
            (Relation::RebrandOf, "markets:huione", Some("2024-10-19T00:00:00.000Z")),
        ]
    );
    assert_eq!(found.entry.lineage[0].evidence.as_deref(), Some("press"));
    // Before it came to be it was nobody.
    let (mut scratch, mut before) = (Scratch::new(), Vec::new());
    watchlist.screen_identifier(
        wallet,
        mareva_model::parse_time("2025-05-12T23:59:59Z").unwrap(),
        &mut scratch,
        &mut before,
    );
    assert_eq!(before, []);
    // One that is listed itself is so whatever it comes from.
    let first = by_identifier(&watchlist, "tron:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t").remove(0);
    assert_eq!(first.entry.lineage, []);
}

#[test]
fn a_circle_ends_and_who_comes_from_nobody_is_refused() {
    let circle = "id,name,programme,successor_of\na,Quil One,A,b\nb,Quil Two,B,a\n";
    let all: Vec<Entry> = read(circle).unwrap().entries().collect();
    assert_eq!(all[0].programme.as_deref(), Some("A; B"));
    assert_eq!((all[0].lineage.len(), all[1].lineage.len()), (1, 1));
    let refusal = read("id,name,successor_of\na,Quil One,nobody\n").unwrap_err();
    assert!(told(&refusal).contains("entry a comes from nobody, which the list has not"), "{}", told(&refusal));
    // A chain longer than any: it ends, and says so by what it names.
    let long: String = (0..100).map(|n| format!("e{n},Quil {n},P{n},e{}\n", n + 1)).collect();
    let list = read(&format!("id,name,programme,successor_of\n{long}e100,Quil,P,\n")).unwrap();
    assert_eq!(list.entries().next().unwrap().lineage.len(), 16);
}

#[test]
fn a_succession_of_entities_lists_the_successor() {
    let text = r#"{"id":"a","schema":"Company","target":true,"properties":{"name":["Quilmoor Pay"],"topics":["reg.warn"]}}
{"id":"b","schema":"Company","target":false,"properties":{"name":["Q-Pay Service"],"swiftBic":["QPAYKHPP"]}}
{"id":"c","schema":"Company","target":false,"properties":{"name":["Somebody Else"]}}
{"id":"s","schema":"Succession","properties":{"predecessor":["a"],"successor":["b"],"startDate":["2024-06-01"],"summary":["register"]}}
{"id":"t","schema":"Succession","properties":{"predecessor":["c"],"successor":["c"]}}
{"id":"l","schema":"Sanction","properties":{"entity":["a"],"program":["311"]}}"#;
    let list = load_ftm(&ListConfig::sanctions("list", ""), text.as_bytes(), "entities.json").unwrap();
    let all: Vec<Entry> = list.entries().collect();
    let ids: Vec<&str> = all.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"], "nobody comes from somebody who is not listed");
    assert_eq!((all[1].programme.as_deref(), all[1].lineage[0].of.as_str()), (Some("311"), "a"));
    assert_eq!(all[1].lineage[0].evidence.as_deref(), Some("register"));
}
