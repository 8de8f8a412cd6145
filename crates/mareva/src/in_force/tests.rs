use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use mareva_model::identifier;
use mareva_monitoring::{RuleText, rules_digest};
use mareva_pipeline::{EpochFrame, Pipeline};
use mareva_screening::{Entry, ListConfig, Watchlist, watchlist_epoch};

use super::kept::keep;
use super::watch::Difference;
use super::*;
use crate::open::bare_parts;

fn text(over: u32) -> RuleText {
    let toml = "id = \"large\"\nversion = 1\ntitle = \"t\"\nseverity = \"low\"\nraises = \"alert\"\nsubject_role = \"suspect\"\n\
                targets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\ntypology = \"T\"\nsources = [\"s\"]\n";
    let sql = format!("SELECT row_id, account AS subject, event_time FROM movements WHERE amount_ref > {over}");
    RuleText { folder: "large".to_owned(), toml: toml.to_owned(), sql }
}

fn frame() -> EpochFrame {
    let config = crate::config::load(None, &mut Refusal::default());
    let accounts = mareva_monitoring::Accounts::new(&[]);
    bare_parts(&config, Ruleset::load(&[]).unwrap(), accounts).unwrap().frame()
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("mareva-rules-{name}-{}", std::process::id()));
    // An earlier run with this number may have left it.
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn write(folder: &std::path::Path, rule: &RuleText) {
    fs::create_dir_all(folder.join("large")).unwrap();
    fs::write(folder.join("large/rule.toml"), &rule.toml).unwrap();
    fs::write(folder.join("large/rule.sql"), &rule.sql).unwrap();
}

fn wait(until: impl Fn() -> bool, told: &str) {
    let since = Instant::now();
    while !until() {
        assert!(since.elapsed() < Duration::from_secs(60), "{told}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn kept_rules_are_known_by_what_they_say_and_go_once_nothing_needs_them() {
    let path = folder("kept");
    let mut kept = KeptEpochs::open(path.clone(), frame(), Vec::new()).unwrap();
    let epochs = [1, 2].map(|over| (frame().epoch(rules_digest(&[text(over)]), watchlist_epoch([])), text(over)));
    for (epoch, text) in &epochs {
        keep(&path, *epoch, vec![text.clone()], &[]).unwrap();
        kept.note(*epoch);
    }
    // Of other lists or another config; damaged; not finished.
    keep(&path, mareva_model::digest(b"others"), vec![text(3)], &[]).unwrap();
    fs::write(path.join("rules-x.json"), "{}").unwrap();
    fs::write(path.join("rules-y.partial"), "{").unwrap();
    let mut kept = KeptEpochs::open(path.clone(), frame(), Vec::new()).unwrap();
    assert_eq!(kept.known().len(), 2);
    assert_eq!(kept.texts(epochs[1].0).unwrap(), [text(2)]);
    kept.keep_only(&[epochs[1].0].into(), None);
    assert!(kept.texts(epochs[0].0).is_err());
    assert_eq!(fs::read_dir(&path).unwrap().count(), 2, "what is needed, and what is no epoch");
    assert_eq!(KeptEpochs::open(path.clone(), frame(), Vec::new()).unwrap().known().len(), 1);
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_change_of_rules_names_them_and_those_that_keep_their_version() {
    let called = |id: &str, over: u32, version: u32| {
        let RuleText { toml, sql, .. } = text(over);
        let toml =
            toml.replace("\"large\"", &format!("{id:?}")).replace("version = 1", &format!("version = {version}"));
        RuleText { folder: id.to_owned(), toml, sql }
    };
    let former = Ruleset::load(&[called("a", 1, 1), called("b", 1, 1), called("c", 1, 1), called("d", 1, 1)]).unwrap();
    let after = Ruleset::load(&[called("b", 1, 1), called("c", 2, 2), called("d", 2, 1), called("e", 1, 1)]).unwrap();
    let expected = Difference {
        added: vec!["e".to_owned()],
        changed: vec!["c v1 to v2".to_owned(), "d v1 to v1".to_owned()],
        retired: vec!["a".to_owned()],
        unnumbered: vec!["d".to_owned()],
    };
    assert_eq!(Difference::between(&former, &after), expected);
}

#[test]
fn other_rules_in_the_folder_are_offered_and_faults_are_told() {
    let path = folder("watched");
    write(&path, &text(1));
    let board = Arc::new(Board::default());
    let watch = Watch::start(path.clone(), Arc::new(Ruleset::load(&[text(1)]).unwrap()), board.clone()).unwrap();
    let asked = || {
        let (ask, reply) = std::sync::mpsc::sync_channel(1);
        watch.door().unwrap().send(ask).unwrap();
        reply.recv_timeout(Duration::from_secs(60)).unwrap()
    };
    assert!(matches!(asked(), Asked::Unchanged));
    write(&path, &text(2));
    // Nobody asks: it is seen.
    wait(|| board.is_waiting(), "the change is not seen");
    let Some(Offer::Rules(offered)) = board.take_offer() else { panic!("no rules") };
    assert_eq!(offered.digest(), rules_digest(&[text(2)]));
    write(&path, &RuleText { sql: "SELECT nothing".to_owned(), ..text(2) });
    assert!(matches!(asked(), Asked::Refused(_)));
    assert_eq!(board.figures().refused, 1);
    assert!(board.shown()["faults"][0]["place"].as_str().unwrap().contains("rule.sql"));
    assert!(board.take_offer().is_none());
    // What was read before is there again: nothing is wrong any more.
    write(&path, &text(2));
    assert!(matches!(asked(), Asked::Unchanged));
    assert_eq!(board.shown()["faults"], json!([]));
    write(&path, &text(3));
    assert!(matches!(asked(), Asked::Changed));
    // They wait until they are in force, and whoever asks hears so.
    assert!(matches!(asked(), Asked::Changed));
    board.take_offer().unwrap();
    board.filling(true);
    assert!(matches!(asked(), Asked::Changed));
    board.ready();
    assert!(matches!(asked(), Asked::Changed));
    board.in_force(mareva_model::digest(b"three"), Vec::new(), None);
    assert!(matches!(asked(), Asked::Unchanged));
    // What could not take force is offered again.
    board.fail(true, Refusal::one("rules", "no room", "make room"));
    assert!(matches!(asked(), Asked::Changed));
    assert!(board.take_offer().is_some());
    // The folder goes and comes back: nobody asks, and it is told.
    let aside = path.with_extension("aside");
    fs::rename(&path, &aside).unwrap();
    wait(|| board.shown()["faults"] != json!([]), "the missing folder is not told");
    fs::rename(&aside, &path).unwrap();
    wait(|| board.shown()["faults"] == json!([]), "the folder that is back is not seen");
    fs::remove_dir_all(path).unwrap();
}

fn one_mule() -> Watchlist {
    let entry = Entry { identifiers: vec![identifier::account("DE89370400440532013000", None)], ..Entry::default() };
    Watchlist::from_entries(&ListConfig::fraud("mules", ""), vec![entry]).unwrap()
}

#[test]
fn neither_rules_nor_lists_wait_for_ever_behind_the_other() {
    let board = Board::default();
    let lists = Arc::new(one_mule());
    let rules = |over| Arc::new(Ruleset::load(&[text(over)]).unwrap());
    board.offer(rules(1));
    let turns = (0..6).map(|turn| {
        // However often either comes.
        board.offer_lists(lists.clone());
        if turn > 2 {
            board.offer(rules(turn));
        }
        matches!(board.take_offer(), Some(Offer::Lists(_)))
    });
    assert_eq!(turns.collect::<Vec<_>>(), [true, false, true, true, false, true]);
}

#[test]
fn lists_that_come_before_the_first_new_slice_leave_the_rules_of_the_start_in_force() {
    let path = folder("before-the-first-slice");
    let config = crate::config::load(None, &mut Refusal::default());
    let rules = |over| Ruleset::load(&[text(over)]).unwrap();
    let started = bare_parts(&config, rules(2), mareva_monitoring::Accounts::new(&[])).unwrap();
    // The log ended under other rules than those that were read.
    let mut pipeline = Pipeline::new(started.with_rules(Arc::new(rules(1)))).unwrap();
    let board = Arc::new(Board::default());
    let kept = KeptEpochs::open(path.clone(), started.frame(), Vec::new()).unwrap();
    let in_force = InForce { rules: started.ruleset.clone(), lists: started.watchlist.clone() };
    let mut changes = Changes::start(board.clone(), kept, (started.epoch(), in_force)).unwrap();
    board.offer_lists(Arc::new(one_mule()));
    assert_eq!(changes.next_epoch(&pipeline), None);
    changes.adopt(&mut pipeline, started.epoch()).unwrap();
    let since = Instant::now();
    let epoch = loop {
        assert!(since.elapsed() < Duration::from_secs(60), "the lists do not come");
        match changes.next_epoch(&pipeline) {
            Some(epoch) => break epoch,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    // What a snapshot needs no more goes, and what is on its way does not.
    changes.keep_only(&BTreeSet::new());
    changes.adopt(&mut pipeline, epoch).unwrap();
    assert_eq!(pipeline.ruleset().digest(), rules_digest(&[text(2)]));
    assert_eq!(pipeline.watchlist().loaded().len(), 1);
    assert_eq!(board.figures().lists_changed, 1);
    drop(changes);
    fs::remove_dir_all(path).unwrap();
}
