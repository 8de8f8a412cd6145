use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mareva_model::{Digest, Refusal};
use mareva_pipeline::Pipeline;

use crate::config::{Config, load};
use crate::history::{Account, load_history};
use crate::open::open;
use crate::serve::history_files;

/// Default config, no lists.
fn pipeline() -> (Config, Pipeline) {
    let mut faults = Refusal::default();
    let config = load(None, &mut faults);
    let opened = open(&config).unwrap();
    faults.into_result().unwrap();
    (config, Pipeline::new(opened.parts).unwrap())
}

fn payment(number: u32, time: &str) -> String {
    format!(
        r#"{{"type":"credit_transfer","tx_id":"H{number}","source":"MRVADEFF","time":"{time}","amount":"1.00","currency":"EUR",
        "originator":{{"account":"DE89370400440532013000"}},"beneficiary":{{"account":"FR1420041010050500013M02606"}}}}"#
    )
    .replace('\n', "")
}

/// Digest of a history of these files, loaded under the default config with another bound.
fn digest_of(name: &str, files: &[(&str, String)], max_rows: u64) -> Digest {
    let folder = std::env::temp_dir().join(format!("mareva-history-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for (file, text) in files {
        fs::write(folder.join(file), text).unwrap();
    }
    let (mut config, mut pipeline) = pipeline();
    config.semantics.max_rows = max_rows;
    let digest = load_history(&config, &history_files(&config, &folder).unwrap(), &mut pipeline).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    digest
}

#[test]
fn the_digest_of_a_history_is_that_of_its_records() {
    let day = |day: u32, numbers: std::ops::Range<u32>| -> String {
        numbers.map(|number| payment(number, &format!("2026-01-{day:02}T10:00:00Z")) + "\n").collect()
    };
    let files = |names: [&'static str; 2]| [(names[0], day(5, 0..3)), (names[1], day(4, 3..6))];
    let digest = digest_of("whole", &files(["a.ndjson", "b.ndjson"]), 1_000);
    assert_eq!(digest, digest_of("renamed", &files(["c.ndjson", "d.ndjson"]), 2_000), "it names records alone");
    let one_less = [("a.ndjson", day(5, 0..2)), ("b.ndjson", day(4, 3..6))];
    assert_ne!(digest, digest_of("less", &one_less, 1_000));
    let moved = [("a.ndjson", day(5, 0..3) + &day(4, 3..4)), ("b.ndjson", day(4, 4..6))];
    assert_ne!(digest, digest_of("moved", &moved, 1_000), "and of which file each is");
    let other_amount = files(["a.ndjson", "b.ndjson"]).map(|(name, text)| (name, text.replace("1.00", "2.00")));
    assert_ne!(digest, digest_of("amount", &other_amount, 1_000));
}

fn load_text(name: &str, text: &str) -> (u64, Option<String>) {
    let folder = std::env::temp_dir().join(format!("mareva-history-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("bank.ndjson");
    fs::write(&path, text).unwrap();
    let (config, mut pipeline) = pipeline();
    let files = history_files(&config, Path::new(&path)).unwrap();
    let loaded = load_history(&config, &files, &mut pipeline);
    fs::remove_dir_all(&folder).unwrap();
    let refusal = loaded.err().map(|error| error.downcast::<Refusal>().unwrap().to_string());
    (pipeline.retained().len(), refusal.map(|text| text.replace(&folder.display().to_string(), "")))
}

#[test]
fn a_history_of_which_more_than_one_in_a_hundred_cannot_be_read_is_refused_with_the_first_place() {
    let mut text = String::new();
    for number in 0..198 {
        writeln!(text, "{}", payment(number, "2026-01-05T10:00:00Z")).unwrap();
    }
    text += "{\"type\":\"credit_tra\n";
    // Its time tells nothing of how whole the file is.
    writeln!(text, "{}", payment(500, "2131-01-05T10:00:00Z")).unwrap();
    assert_eq!(load_text("few", &text), (198, None));
    text += "\n<Document>\n{\"type\":\n";
    let (_, refusal) = load_text("many", &text);
    let refusal = refusal.unwrap();
    assert!(refusal.starts_with("/bank.ndjson:199: 3 of 202 records of --history cannot be read"), "{refusal}");
    assert!(!refusal.contains("DE89"), "{refusal}");
}

#[test]
fn nothing_refused_is_no_refusal() {
    Account::default().check().unwrap();
}
