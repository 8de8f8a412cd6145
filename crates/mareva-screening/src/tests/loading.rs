use std::path::Path;

use mareva_model::{ListAction, Measure, Refusal};

use super::{NOW, by_identifier, by_name};
use crate::remarks::Remarks;
use crate::{Entry, FilterKey, ListConfig, LoadedList, ProgrammePolicy, Scratch, Support, Watchlist, load, load_plain};

const IBAN: &str = "DE89370400440532013000";
const CANONICAL: &str = "iban:DE89370400440532013000";

fn plain(text: &str) -> Result<LoadedList, Refusal> {
    load_plain(&ListConfig::fraud("mules", ""), text.as_bytes(), "mules.csv")
}

fn watch(list: LoadedList) -> Watchlist {
    Watchlist::new(vec![list.into()]).unwrap()
}

#[test]
fn plain_lists_keep_what_does_not_validate() {
    let text = format!(
        "identifier,reason,reported_at,source\n{IBAN},voice phishing,2026-01-02T00:00:00Z,bank-a\n\
         \"de89 3704 0044 0532 0130 01\",typo in the checksum,soon,bank-a\nacct:-/99887766,local number,,bank-b\n"
    );
    let list = plain(&text).unwrap();
    assert_eq!((list.counts().entries, list.counts().unvalidated, list.counts().unreadable_dates), (3, 2, 1));
    let watchlist = watch(list);
    let hits = by_identifier(&watchlist, CANONICAL);
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].entry.name.as_str(), hits[0].entry.programme.as_deref()), ("voice phishing", Some("bank-a")));
    assert_eq!(hits[0].strength.action, ListAction::Hold);
    assert_eq!(hits[0].list.digest, blake3::hash(text.as_bytes()).to_hex().to_string());
    assert_eq!(by_identifier(&watchlist, "acct:-/99887766").len(), 1);
    let entry = watchlist.entry(&hits[0].entry.id).unwrap();
    assert_eq!((entry.reason.as_deref(), entry.listed_at), (Some("voice phishing"), Some(1_767_312_000_000)));
}

#[test]
fn plain_lists_come_in_many_shapes() {
    for text in [
        format!("\u{feff}IBAN;Name\r\n{IBAN};Müller\r\n"),
        format!("name\tAccount Number\nx\t{IBAN}"),
        format!("unknown,address\n,\"{IBAN} \"\n"),
        format!("id,account,agent\n7,{IBAN},MRVADEFF\n"),
    ] {
        assert_eq!(by_identifier(&watch(plain(&text).unwrap()), CANONICAL).len(), 1, "{text}");
    }
    for (text, canonical) in [
        ("account\nacct:-/99887766\n", "acct:-/99887766"),
        ("account,agent\n99887766,MRVADEFF\n", "acct:MRVADEFF/99887766"),
        ("account,agent\n99-88 77.66,MRVADEFF\n", "acct:MRVADEFF/99887766"),
        ("identifier,vasp\n99887766,Kestrel\n", "exch:kestrel:99887766"),
        ("account,vasp\n12,Kestrel\n", "exch:kestrel:12"),
        ("account,vasp\nuser_ab7,Kestrel\n", "exch:kestrel:user_ab7"),
        ("account,agent\nAB-12345,MRVADEFF\n", "acct:MRVADEFF/AB12345"),
        ("identifier,agent\n99887766,MRVADEFF\n", "acct:MRVADEFF/99887766"),
    ] {
        assert_eq!(by_identifier(&watch(plain(text).unwrap()), canonical).len(), 1, "{text}");
    }
    let vasps = watch(plain(&format!("identifier,vasp,country\n{IBAN},kestrel,Germany\n")).unwrap());
    assert_eq!(by_identifier(&vasps, CANONICAL)[0].entry.name, "kestrel");
    assert_eq!(by_name(&vasps, "kestrel").len(), 0);
}

#[test]
fn names_of_plain_lists_are_screened_where_that_makes_sense() {
    let text = format!("identifier,name,birth_date\n{IBAN},\"MUSTER, Anna Maria\",1980-01-31\n");
    assert_eq!(by_name(&watch(plain(&text).unwrap()), "Anna Maria Muster").len(), 0);
    let own = ListConfig::sanctions("own", "");
    let own = watch(load_plain(&own, text.as_bytes(), "own.csv").unwrap());
    assert_eq!(by_name(&own, "Anna Maria Muster").len(), 1);
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    let support = Support { birth_date: Some("1980"), country: None };
    own.screen_name("anna maria muster", &support, NOW, &mut scratch, &mut out);
    assert_eq!(out[0].strength.action, ListAction::Block);
    assert_eq!(by_name(&watch(plain("name\nAnna Maria Muster\n").unwrap()), "MUSTER, Anna Maria").len(), 1);
}

#[test]
fn validity_is_judged_at_the_time_of_the_transaction() {
    let text = format!("account,valid_from,valid_until\n{IBAN},2026-01-05,2026-01-06\n");
    let watchlist = watch(plain(&text).unwrap());
    let day = 86_400_000;
    let midnight = NOW - day / 2;
    for (time, hits) in [(midnight - 1, 0), (midnight, 1), (midnight + 2 * day - 1, 1), (midnight + 2 * day, 0)] {
        let (mut scratch, mut out) = (Scratch::new(), Vec::new());
        watchlist.screen_identifier(CANONICAL, time, &mut scratch, &mut out);
        assert_eq!(out.len(), hits, "{time}");
        let stats = scratch.take_stats();
        assert_eq!((stats.identifiers, stats.lists[0].filter_hits), (1, 1));
        assert_eq!((stats.lists[0].confirmed, stats.lists[0].outside_validity), (hits as u64, 1 - hits as u64));
    }
}

#[test]
fn bad_plain_lists_are_refused_with_every_fault() {
    let long = format!("identifier\n\"{}", "x\n".repeat(1 << 20));
    for (text, places, reason) in [
        ("", vec!["mules.csv"], "empty"),
        (" \n ", vec!["mules.csv"], "empty"),
        ("<!doctype html><html>", vec!["mules.csv"], "HTML"),
        ("{\"a\":1}", vec!["mules.csv"], "JSON"),
        ("PK\u{3}\u{4}", vec!["mules.csv"], "compressed"),
        ("a\0b\0", vec!["mules.csv"], "binary"),
        ("identifier,reason\n", vec!["mules.csv"], "no rows"),
        ("DE89370400440532013000,x\n", vec!["mules.csv:1"], "no header"),
        ("country,reason\nDE,x\n", vec!["mules.csv:1"], "no column to screen"),
        ("identifier,reason\na\nb,c,d\n,\n", vec!["mules.csv:2", "mules.csv:3", "mules.csv:4"], "columns"),
        ("identifier,reason\nacct:-/1,b\nDE893704", vec!["mules.csv:3", "mules.csv:3"], "columns"),
        ("reason,identifier\nb,acct:-/1\nc,DE893704004405320130", vec!["mules.csv:3"], "no end"),
        ("reason,identifier\nb,acct:-/1\nc,DE893704", vec!["mules.csv:3", "mules.csv:3"], "no end"),
        ("identifier\nacct:-/1\n\"acct:-/2\nacct:-/3\n", vec!["mules.csv:3"], "quote"),
        (long.as_str(), vec!["mules.csv", "mules.csv:2"], "longer"),
        ("identifier,valid_until\nacct:-/1,someday\n", vec!["mules.csv:2"], "valid_until"),
        ("account,reason\nDE89370400440532013000,x\n99887766,x\n", vec!["mules.csv:3"], "without its bank or exchange"),
        ("account\n99-88 77/66\n", vec!["mules.csv:2"], "without its bank or exchange"),
        ("identifier\nexch:?:99887766\n", vec!["mules.csv:2"], "without its bank or exchange"),
        ("identifier\n99887766\n", vec!["mules.csv:2"], "without its bank or exchange"),
        ("account\nAB-12345\n", vec!["mules.csv:2"], "can match nothing"),
        ("name,account\nAnna Muster,AB-12345\n", vec!["mules.csv:2"], "can match nothing"),
        ("address\n3HQJ9ta7TmYNRjkby3nbMGdHzNCCiXs3Ui\n", vec!["mules.csv:2"], "can match nothing"),
        ("account,agent\n***,MRVADEFF\n", vec!["mules.csv:2"], "can match nothing"),
    ] {
        let refusal = plain(text).unwrap_err();
        let found: Vec<&str> = refusal.0.iter().map(|fault| fault.place.as_str()).collect();
        let head: String = text.chars().take(40).collect();
        assert_eq!(found, places, "{head:?}: {refusal}");
        assert!(refusal.0[0].reason.contains(reason), "{head:?}: {refusal}");
        let values = ["DE89370400440532013000", "DE893704", "99887766", "someday", "AB-12345", "3HQJ9"];
        assert!(values.iter().all(|value| !refusal.to_string().contains(value)), "{head:?}: {refusal}");
    }
    let refusal = load_plain(&ListConfig::fraud("mules", ""), &b"identifier\n\xff\xff\n"[..], "m").unwrap_err();
    assert_eq!(refusal.0[0].place, "m:2");
    let many = format!("identifier,valid_from\n{}", "acct:-/1,b\n".repeat(1_000));
    assert_eq!(plain(&many).unwrap_err().0.len(), 101);
    let few = ListConfig { min_entries: 3, ..ListConfig::fraud("mules", "") };
    assert!(
        load_plain(&few, &b"identifier\nacct:-/1\nacct:-/2\n"[..], "m")
            .unwrap_err()
            .to_string()
            .contains("min_entries")
    );
}

#[test]
fn mistyped_ibans_match_the_same_mistake_at_any_bank() {
    let text = "account,agent\n\"DE89 3704 0044 0532 0130 01\",\nGB33BUKB20201555555556,MRVADEFF\n";
    let list = plain(text).unwrap();
    assert_eq!((list.counts().unvalidated, list.doubts().unvalidated_lines.as_slice()), (2, &[2, 3][..]));
    let watchlist = watch(list);
    for number in ["DE89370400440532013001", "GB33BUKB20201555555556"] {
        for agent in [None, Some("MRVADEFF"), Some("DEUTDEFF500"), Some("021150706")] {
            let sent = mareva_model::identifier::account(number, agent);
            assert_eq!(by_identifier(&watchlist, &sent.canonical).len(), 1, "{}", sent.canonical);
        }
    }
    // Any other number means something at its bank only.
    let local = watch(plain("account\nacct:-/99887766\n").unwrap());
    assert_eq!(by_identifier(&local, "acct:MRVADEFF/99887766").len(), 0);
    assert_eq!(by_identifier(&local, "acct:-/99887766").len(), 1);
}

#[test]
fn a_config_may_allow_rows_that_can_match_nothing() {
    let text = format!("account,name\nAB-12345,x\n{IBAN},x\n99887766,x\n\"1BadAddress, 2Bad\",x\n");
    let load = |max_unmatchable| {
        load_plain(&ListConfig { max_unmatchable, ..ListConfig::fraud("mules", "") }, text.as_bytes(), "mules.csv")
    };
    let refusal = load(3).unwrap_err();
    let places: Vec<&str> = refusal.0.iter().map(|fault| fault.place.as_str()).collect();
    assert_eq!(places, ["mules.csv:2", "mules.csv:4", "mules.csv:5", "mules.csv:5"]);
    let list = load(4).unwrap();
    assert_eq!((list.counts().entries, list.counts().unmatchable, list.counts().unvalidated), (1, 4, 0));
    assert_eq!(list.doubts().unmatchable_lines, [2, 4, 5]);
    assert_eq!(by_identifier(&watch(list), CANONICAL).len(), 1);
    let all = ListConfig { max_unmatchable: 9, ..ListConfig::fraud("mules", "") };
    let refusal = load_plain(&all, &b"account\nAB-12345\n"[..], "mules.csv").unwrap_err();
    assert!(refusal.to_string().contains("no rows to screen"), "{refusal}");
    let many = format!("account\n{}{IBAN}\n", "AB-12345\n".repeat(1_000));
    let all = ListConfig { max_unmatchable: 1_000, ..ListConfig::fraud("mules", "") };
    assert_eq!(load_plain(&all, many.as_bytes(), "m").unwrap().doubts().unmatchable_lines.len(), 100);
}

#[test]
fn a_restraint_of_the_other_regime_is_refused() {
    let told = |config: ListConfig| load_plain(&config, &b"account\nacct:A/1\n"[..], "m").unwrap_err().to_string();
    let block = ListConfig { action: ListAction::Block, ..ListConfig::fraud("x", "") };
    assert!(told(block).contains("list x: the fraud regime blocks nothing"));
    let own = |action| ProgrammePolicy { programme: "P".to_owned(), action, binding_in: None, measure: None };
    let programmes = vec![own(ListAction::Report), own(ListAction::Hold)];
    assert!(told(ListConfig { programmes, ..ListConfig::sanctions("x", "") }).contains("write action = \"block\""));
}

#[test]
fn a_measure_stands_beside_no_restraint() {
    let told =
        |config: ListConfig| load_plain(&config, &b"account\nacct:A/1\n"[..], "m").map(drop).map_err(|e| e.to_string());
    let list = |action, measure| ListConfig { action, measure: Some(measure), ..ListConfig::sanctions("x", "") };
    for measure in [Measure::ProhibitCorrespondent, Measure::AssetInterest] {
        assert!(told(list(ListAction::Block, measure)).unwrap_err().contains("a measure that restrains no property"));
        assert_eq!(told(list(ListAction::Report, measure)), Ok(()));
        let own = ProgrammePolicy {
            programme: "P".to_owned(),
            action: ListAction::Block,
            binding_in: None,
            measure: Some(measure),
        };
        let config = ListConfig { programmes: vec![own], ..ListConfig::sanctions("x", "") };
        assert!(told(config).unwrap_err().contains("write action = \"report\""));
    }
    // Another measure is another list.
    let print = |measure| list(ListAction::Report, measure).print(mareva_model::digest(b""));
    assert_ne!(print(Measure::ProhibitCorrespondent), print(Measure::AssetInterest));
}

#[test]
fn bad_configs_are_refused_with_every_fault() {
    let config = ListConfig {
        false_positive_rate: 0.0,
        binding_in: vec!["Germany".to_owned()],
        key: Some(FilterKey(vec![1])),
        ..ListConfig::fraud("My List", "/nowhere")
    };
    assert_eq!(load_plain(&config, &b"identifier\na\n"[..], "m").unwrap_err().0.len(), 4);
    let told = load(&config).unwrap_err();
    assert!(told.0.len() == 5 && told.to_string().contains("/nowhere"), "{told}");
    assert!(load(&ListConfig::fraud("x", "/nowhere")).unwrap_err().to_string().contains("/nowhere"));
    assert!(!format!("{config:?}").contains("[1]"));
}

const SDN: &str = "36,\"AERO LINES, S.A.\",-0- ,\"CUBA\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"a.k.a. 'AL'.\"\r\n\
    40,\"MUSTER, Juan\",\"individual\",\"SDGT] [IFSR\",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,\"REMARKS\"\r\n\x1a";

fn remarks() -> (String, String) {
    let address = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT";
    let start = "DOB 31 Oct 1973; alt. DOB circa 1950; nationality Korea, North; Passport AF127300 (Colombia) issued \
        24 Oct 1990; a.k.a. 'EL 'TORO''; Linked To: X";
    let padding = ".".repeat(1_000 - start.len() - "; Digital Currency Address - XBT 1Boat".len());
    let cut = format!("{start}{padding}; Digital Currency Address - XBT 1Boat");
    assert_eq!(cut.len(), 1_000);
    (cut, format!("{}; alt. Digital Currency Address - ETH 0x12; a.k.a. 'PEPE'.", &address[5..]))
}

fn folder(change: impl Fn(&str, &str) -> Option<String>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (cut, overflow) = remarks();
    for (name, text) in [
        ("sdn.csv", SDN.replace("REMARKS", &cut)),
        ("ALT.CSV", "40,1,\"aka\",\"MODELO, Juan\",-0- \r\n\x1a".to_owned()),
        ("add.csv", "36,1,\"Street 1, 2\",\"Havana\",\"Cuba\",-0- \r\n40,2,-0- ,-0- ,-0- ,-0- \r\n\x1a".to_owned()),
        ("sdn_comments.csv", format!("40,\"{overflow}\"\r\n")),
    ] {
        if let Some(text) = change(name, &text) {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
    }
    folder
}

fn ofac(folder: &Path) -> Result<LoadedList, Refusal> {
    load(&ListConfig::sanctions("ofac", folder))
}

#[test]
fn ofac_sets_are_joined_before_they_are_read() {
    let folder = folder(|_, text| Some(text.to_owned()));
    let list = ofac(folder.path()).unwrap();
    assert_eq!(list.counts().address_mentions, 2);
    let watchlist = watch(list);
    let hits = by_identifier(&watchlist, "btc:1BoatSLRHtKNngkdXEeobR76b53LETtpyT");
    assert_eq!(hits[0].entry.id, "ofac:40");
    assert_eq!(hits[0].entry.programme.as_deref(), Some("SDGT; IFSR"));
    for name in ["Juan Muster", "Juan Modelo", "El Toro", "PEPE", "aero lines sa"] {
        assert_eq!(by_name(&watchlist, name).len(), 1, "{name}");
    }
    let entry = watchlist.entry("ofac:40").unwrap();
    assert_eq!(entry.countries, ["KP"]);
    assert_eq!((entry.birth_dates.len(), entry.documents[0].number.as_str()), (2, "AF127300"));
    assert_eq!(entry.documents[0].country.as_deref(), Some("CO"));
    assert_eq!(watchlist.entry("ofac:36").unwrap().countries, ["CU"]);
    assert_eq!(watchlist.entry("ofac:37"), None::<Entry>);
}

#[test]
fn programmes_may_have_a_policy_of_their_own() {
    let folder = folder(|_, text| Some(text.to_owned()));
    let own = |programme: &str, action| ProgrammePolicy {
        programme: programme.to_owned(),
        action,
        binding_in: None,
        measure: None,
    };
    let config = ListConfig {
        programmes: vec![own("CUBA", ListAction::Report), own("IFSR", ListAction::Report)],
        ..ListConfig::sanctions("ofac", folder.path())
    };
    let watchlist = watch(load(&config).unwrap());
    assert_eq!(by_name(&watchlist, "Aero Lines S.A.")[0].list.action, ListAction::Report);
    assert_eq!(by_name(&watchlist, "Muster Juan")[0].list.action, ListAction::Block);
}

#[test]
fn ofac_sets_that_are_not_whole_are_refused() {
    let check = |reason: &str, change: &dyn Fn(&str, &str) -> Option<String>| {
        let refusal = ofac(folder(change).path()).unwrap_err();
        assert!(refusal.to_string().contains(reason), "{reason}: {refusal}");
    };
    for missing in ["sdn.csv", "ALT.CSV", "add.csv", "sdn_comments.csv"] {
        check("missing", &|name, text| (name != missing).then(|| text.to_owned()));
        let reason = if missing == "sdn_comments.csv" { "no overflow" } else { "empty" };
        check(reason, &|name, text| Some(if name == missing { String::new() } else { text.to_owned() }));
        check("HTML", &|name, text| Some(if name == missing { "<html>".to_owned() } else { text.to_owned() }));
        let cut = |text: &str| text.trim_end_matches(['\x1a', '\r', '\n', '"'])[..text.len() - 20].to_owned();
        let refusal = ofac(folder(|name, text| Some(if name == missing { cut(text) } else { text.to_owned() })).path());
        let refusal = refusal.unwrap_err().to_string();
        assert!(missing != "sdn.csv" || !refusal.contains("not in the primary file"), "{refusal}");
    }
    check("not in the primary file", &|name, text| {
        Some(text.replace("40,1", if name == "ALT.CSV" { "41,1" } else { "40,1" }))
    });
    check("no overflow", &|name, text| {
        Some(if name == "sdn_comments.csv" { "36,\"; x\"\n".to_owned() } else { text.to_owned() })
    });
    check("twice", &|_, text| Some(text.replace("\r\n40,\"MUSTER", "\r\n36,\"MUSTER")));
    check("holds no OFAC file", &|_, _| None);
    let empty_mark = folder(|name, text| Some(if name == "add.csv" { "\x1a".to_owned() } else { text.to_owned() }));
    assert!(ofac(empty_mark.path()).is_ok());
}

#[test]
fn remarks_are_read_part_by_part() {
    let remarks = Remarks::parse(
        "DOB unknown; Digital Currency Address - XMR 5be5543ff73456ab; alt. a.k.a. 'X Y'; SWIFT/BIC MRVADEFF; \
         citizen Mexico.",
    );
    assert_eq!((remarks.unreadable_dates, remarks.address_mentions), (1, 1));
    assert_eq!(remarks.weak_names[0].text, "X Y");
    assert_eq!(remarks.countries, ["MX"]);
    let found: Vec<&str> = remarks.identifiers.iter().map(|one| one.canonical.as_str()).collect();
    assert_eq!(found, ["chain:xmr/5be5543ff73456ab", "bic:MRVADEFFXXX"]);
}
