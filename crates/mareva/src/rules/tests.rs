use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use mareva_monitoring::{RuleText, rules_digest};
use mareva_pipeline::EpochFrame;

use super::kept::keep;
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

#[test]
fn kept_rules_are_known_by_what_they_say_and_go_once_nothing_needs_them() {
    let path = folder("kept");
    let mut kept = KeptRules::open(path.clone(), frame()).unwrap();
    let epochs = [1, 2].map(|over| (frame().epoch(rules_digest(&[text(over)])), text(over)));
    for (epoch, text) in &epochs {
        keep(&path, *epoch, vec![text.clone()]).unwrap();
        kept.note(*epoch);
    }
    // Of other lists or another config; damaged; not finished.
    keep(&path, mareva_model::digest(b"others"), vec![text(3)]).unwrap();
    fs::write(path.join("rules-x.json"), "{}").unwrap();
    fs::write(path.join("rules-y.partial"), "{").unwrap();
    let mut kept = KeptRules::open(path.clone(), frame()).unwrap();
    assert_eq!(kept.known().len(), 2);
    assert_eq!(kept.texts(epochs[1].0).unwrap(), [text(2)]);
    kept.keep_only(&[epochs[1].0].into());
    assert!(kept.texts(epochs[0].0).is_err());
    assert_eq!(fs::read_dir(&path).unwrap().count(), 2, "what is needed, and what is no epoch");
    assert_eq!(KeptRules::open(path.clone(), frame()).unwrap().known().len(), 1);
    fs::remove_dir_all(path).unwrap();
}

#[test]
fn other_rules_in_the_folder_are_offered_and_faults_are_told() {
    let path = folder("watched");
    write(&path, &text(1));
    let board = Arc::new(Board::default());
    let watch = Watch::start(path.clone(), rules_digest(&[text(1)]), board.clone()).unwrap();
    let asked = || {
        let (ask, reply) = std::sync::mpsc::sync_channel(1);
        watch.door().unwrap().send(ask).unwrap();
        reply.recv_timeout(Duration::from_secs(60)).unwrap()
    };
    assert!(matches!(asked(), Asked::Unchanged));
    write(&path, &text(2));
    // Nobody asks: it is seen.
    let since = Instant::now();
    while !board.has_offer() {
        assert!(since.elapsed() < Duration::from_secs(60), "the change is not seen");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(board.take_offer().unwrap().digest(), rules_digest(&[text(2)]));
    write(&path, &RuleText { sql: "SELECT nothing".to_owned(), ..text(2) });
    assert!(matches!(asked(), Asked::Refused(_)));
    assert_eq!(board.figures().refused, 1);
    assert!(board.shown()["faults"][0]["place"].as_str().unwrap().contains("rule.sql"));
    assert!(board.take_offer().is_none());
    write(&path, &text(3));
    assert!(matches!(asked(), Asked::Changed));
    assert_eq!(board.shown()["faults"], json!([]));
    fs::remove_dir_all(path).unwrap();
}
