//! What the command line says when something is wrong: one message that lists every fault and what to do, exit 2 where it
//! refused and 1 where it failed on the way, and nothing half done that looks whole.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mareva_tests::stream::Simulated;
use mareva_tests::{binary, root};
use tempfile::TempDir;

const KEPT: &str = "what stood here before\n";

/// A folder with a small economy in `sim`, a file `kept`, and whatever a case needs that is broken.
fn workplace() -> TempDir {
    let place = TempDir::new().unwrap();
    let at = |path: &str| place.path().join(path);
    let write = |path: &str, text: &str| {
        fs::create_dir_all(at(path).parent().unwrap()).unwrap();
        fs::write(at(path), text).unwrap();
    };
    Simulated::new(&at("sim"), 3, 2_000);
    write("kept", KEPT);
    write("kept.partial", KEPT);
    write(
        "bad.toml",
        "[semantics]\nallowed_latenes = \"5 min\"\nmax_rows = \"many\"\n[log]\nformat = \"xml\"\n[kafak]\n",
    );
    write("syntax.toml", "[semantics\nmax_rows 1\n");
    write(
        "paths.toml",
        "[rules]\npath = \"no-rules\"\n[tables]\naccounts = \"no-accounts\"\nrates = \"no-rates\"\nvasps = \"no-vasps\"\n\
         [[lists]]\nname = \"mules\"\npath = \"no-list\"\nregime = \"fraud\"\naction = \"hold\"\nbinding_in = [\"*\"]\n\
         evidence_class = \"partner\"\n[snapshots]\npath = \"kept/snapshots\"\n[kafka]\n\"no.such.property\" = 1\n\"sasl.password.file\" = \"no-secret\"\n",
    );
    write(
        "all.toml",
        "[semantics]\nallowed_latenes = \"5 min\"\nmax_rows = \"many\"\nreference_currency = \"euro\"\n[log]\nlevel = \"infoo\"\n\
         [rules]\npath = \"broken\"\n[[lists]]\nname = \"mules\"\npath = \"no-list\"\nregime = \"fraude\"\naction = \"hold\"\n\
         binding_in = [\"*\"]\nevidence_class = \"partner\"\n[[lists]]\nname = \"mules\"\npath = \"sim/mules.csv\"\n\
         regime = \"fraud\"\naction = \"hold\"\nbinding_in = [\"Germany\"]\nevidence_class = \"partner\"\nkey_file = \"no-key\"\n",
    );
    write(
        "lists.toml",
        "[[lists]]\nname = \"mules\"\npath = \"no-list\"\nregime = \"sanctions\"\naction = \"report\"\n\
         binding_in = [\"DE\"]\nevidence_class = \"allegation\"\n",
    );
    write("unreachable.toml", "[kafka]\n\"bootstrap.servers\" = \"127.0.0.1:1\"\n[http]\nlisten = \"\"\n");
    write("empty.csv", "");
    fs::write(at("binary"), b"identifier\n\xff\xfe\n").unwrap();
    write("rows.csv", "identifier,reason\nDE89370400440532013000\nGB33BUKB20201555555555,x,y\n");
    write("cut.csv", "identifier,reason\nDE89370400440532013000,mule\nGB33BUKB2020");
    write("ofac/alt.csv", "1,1,\"aka\",\"X\",-0-\n");
    fs::create_dir(at("ofac-empty")).unwrap();
    write("folder/accounts.parquet", KEPT);
    let bad = "not a record\n{\"type\":\"credit_transfer\"\n\u{feff}[1]\n\n";
    write("bad.ndjson", &(bad.to_owned() + &fs::read_to_string(at("sim/bank.ndjson")).unwrap()));
    let rule = |name: &str, file: &str| fs::read_to_string(root().join("rules").join(name).join(file)).unwrap();
    let toml = rule("structuring", "rule.toml");
    let line = |key: &str| toml.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    let broken = toml
        .replacen(&line("severity"), "severity = \"huge\"", 1)
        .replacen(&line("version"), "version = \"one\"", 1)
        .replacen(&line("title"), "titel = \"x\"", 1);
    write("rules/structuring/rule.toml", &broken);
    write("rules/structuring/rule.sql", &rule("structuring", "rule.sql"));
    write("rules/collector/rule.toml", &rule("collector", "rule.toml"));
    let misspelt = rule("shared-device", "rule.sql").replace("event_time", "event_tyme");
    for folder in ["rules", "broken"] {
        write(&format!("{folder}/shared-device/rule.toml"), &rule("shared-device", "rule.toml"));
        write(&format!("{folder}/shared-device/rule.sql"), &misspelt);
    }
    fs::create_dir_all(at("broken/structuring/rule.sql")).unwrap();
    place
}

/// A command in a folder.
fn command(place: &Path, line: &str) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(place).args(line.split_whitespace()).stdin(Stdio::null());
    command
}

/// What holds however a command ends.
#[track_caller]
fn said(line: &str, output: &Output, exit: i32, expected: &[&str]) -> String {
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(exit), "{line}: {told}");
    for one in expected {
        assert!(told.contains(one), "{line} does not say `{one}`:\n{told}");
    }
    for never in ["panicked", "backtrace", "RUST_", "src/"] {
        assert!(!told.contains(never), "{line} says `{never}`:\n{told}");
    }
    told
}

/// Faults named and the number stated agree.
fn faults(told: &str) -> usize {
    told.lines().filter(|line| line.starts_with("  ")).count()
}

const NOT_FOUND: &str = "No such file or directory";

/// What is refused, in how many faults, and what the message holds.
const REFUSED: &[(&str, usize, &[&str])] = &[
    (
        "check --config nope.toml --rules nope-rules",
        2,
        &["nope.toml (--config): cannot be read", "nope-rules (rules.path): "],
    ),
    ("check --config folder", 1, &["folder (--config): cannot be read: it is a folder; name a file"]),
    ("check --config binary", 1, &["binary (--config): cannot be read: it is no text in UTF-8; save it as UTF-8"]),
    (
        "check --config all.toml",
        11,
        &[
            "all.toml:2: semantics.allowed_latenes",
            "all.toml:3: semantics.max_rows",
            "all.toml: semantics.reference_currency: `euro`",
            "all.toml: log.level: `infoo` is no level; write off, error, warn",
            "broken/shared-device/rule.sql:2:36: there is no column event_tyme",
            "broken/structuring/rule.sql: cannot be read: it is a folder",
            "lists[0].regime: `fraude` is not known; did you mean \"fraud\"?",
            "no-list (lists.mules.path): cannot be read",
            "lists.mules: two lists have this name",
            "lists.mules: binding_in holds \"Germany\"",
            "no-key (lists.mules.key_file): cannot be read",
        ],
    ),
    ("run --config all.toml --history no-history", 12, &["max_rows", "no-list", "no-history"]),
    ("lists build --config all.toml", 9, &["max_rows", "no-list"]),
    ("check --list a=sim/mules.csv --list a=empty.csv", 1, &["--list a: is given twice; name each list differently"]),
    ("check --config lists.toml", 1, &["no-list (lists.mules.path): cannot be read"]),
    ("check --config lists.toml --list mules=nope", 1, &["nope (--list mules): cannot be read"]),
    ("sim --out kept/sim", 1, &["kept/sim: cannot hold a simulation: it is no folder, or lies in none; name a folder"]),
    ("replay --bank sim/bank.ndjson --out new --late -", 1, &["-: cannot be standard output: only --out can; name a"]),
    ("lists build --config empty.csv", 1, &["empty.csv: names no list; write [[lists]]"]),
    (
        "check --accounts binary --rates folder --vasps binary --rules kept",
        5,
        &[
            "binary:1: is no account",
            "binary:2: is no text in UTF-8; save it as UTF-8",
            "binary:2: cannot be read: it is no text in UTF-8",
            "folder (tables.rates): cannot be read: it is a folder; name a file",
            "kept (rules.path): cannot be read: it is no folder",
        ],
    ),
    (
        "check --config bad.toml",
        4,
        &["bad.toml:2", "did you mean `allowed_lateness`?", "bad.toml:3", "whole number", "\"json\"", "[kafka]?"],
    ),
    ("check --config syntax.toml", 2, &["syntax.toml:1", "syntax.toml:2", "https://toml.io"]),
    (
        "check --config paths.toml",
        8,
        &[
            "kept/snapshots (snapshots.path)",
            "no-rules",
            "no-accounts",
            "no-rates",
            "no-vasps",
            "no-list",
            "no.such.property",
            "no-secret",
            "check the",
        ],
    ),
    ("run --config paths.toml --history no-history", 9, &["no-rules", "no-history"]),
    (
        "rules check --rules rules",
        15,
        &[
            "rules/collector: has no rule.sql; add it",
            "rules/shared-device/rule.sql:2:36: there is no column event_tyme",
            "rules/shared-device/quiet.ndjson: is missing",
            "rules/structuring/rule.toml:2: version: ",
            "rules/structuring/rule.toml: title: is missing",
            "rules/structuring/rule.toml:3: titel: is no key of a rule; perhaps you mean title; the keys are id, version",
            "rules/structuring/rule.toml:4: severity: `huge` is unknown; use low, medium, high or critical",
        ],
    ),
    ("rules test --rules folder", 1, &["folder: holds no rule; name a folder"]),
    ("rules test no-such-rule", 1, &["no-such-rule", "mareva rules list"]),
    ("rules list --rules kept", 1, &["kept: cannot be read: it is no folder"]),
    (
        "lists build --list a=empty.csv --list b=rows.csv --list c=cut.csv --list d=nope --list ofac1=ofac --list \
             ofac2=ofac-empty",
        10,
        &[
            "empty.csv (--list a): the file is empty",
            "rows.csv:2 (--list b): 1 columns where the header has 2",
            "rows.csv:3 (--list b): 3 columns",
            "looks cut off",
            "nope (--list d): cannot be read",
            "sdn.csv",
            "ofac-empty (--list ofac2): holds no OFAC file",
        ],
    ),
    (
        "replay --bank nope --exchange folder --accounts no-accounts --rates no-rates --vasps no-vasps --rules \
             no-rules --list m=no-list --config nope.toml --out none/a --detections folder --tables kept/tables",
        11,
        &[
            "nope: cannot be read",
            "folder: cannot be read: it is a folder; name a file",
            "nope.toml",
            "none/a: cannot be written: its folder is not there; make the folder first",
            "folder: cannot be written: it is a folder",
            "kept/tables: cannot hold tables: it is no folder, or lies in none",
            "no-rules",
            "no-list",
        ],
    ),
    (
        "replay --bank kept.partial --out kept",
        1,
        &["kept: is named for something else, too", "the .partial of another"],
    ),
    (
        "replay --bank folder/accounts.parquet --out new --tables folder",
        1,
        &["folder/accounts.parquet: is named for something else, too"],
    ),
    (
        "replay --bank kept --out kept --detections new --late ./new",
        2,
        &["kept: is named for something else, too", "./new: is named for something else", "a file of its own"],
    ),
];

#[test]
fn what_is_refused_is_listed_whole() {
    let place = workplace();
    let before = names(place.path());
    for (line, count, expected) in REFUSED {
        let output = command(place.path(), line).output().unwrap();
        let told = said(line, &output, 2, expected);
        assert!(
            faults(&told) == *count && told.contains(&format!("refused, {} fault", faults(&told))),
            "{line}: {told}"
        );
        assert!(told.lines().skip(1).all(|fault| fault.contains("; ")), "{line}: a fault without a remedy: {told}");
        assert!(output.stdout.is_empty(), "{line}");
    }
    assert_eq!(names(place.path()), before);
    assert_eq!(fs::read_to_string(place.path().join("kept")).unwrap(), KEPT);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn wrong_flags_say_how_it_is_done() {
    let place = TempDir::new().unwrap();
    for (line, expected) in [
        ("", &["Usage: mareva <COMMAND>", "Examples:"][..]),
        ("cheque", &["unrecognized subcommand 'cheque'", "'check'"]),
        ("replay", &["--out <FILE>", "--bank <FILE>", "--exchange <FILE>", "Usage"]),
        ("replay --bank a --out b --list mules", &["write NAME=PATH, such as"]),
        ("run", &["--config <FILE>"]),
        ("run --config a --drain --until-end", &["cannot be used with"]),
        ("sim --transactions many --out a", &["invalid value 'many'"]),
        ("sim --transactions 18446744073709551615 --out a", &["is not in 1..=50000000"]),
        ("sim --transactions 0 --out a", &["is not in 1..=50000000"]),
        ("demo --for ever", &["invalid value 'ever'"]),
        ("demo --transactions 0", &["is not in 1..=50000000"]),
        ("rules test --update", &["--rules <DIR>"]),
        ("lists match", &["--config <FILE>", "--list <NAME=PATH>"]),
        ("completions csh", &["bash", "zsh"]),
    ] {
        let output = command(place.path(), line).output().unwrap();
        said(line, &output, 2, expected);
        assert!(output.stdout.is_empty() && names(place.path()).is_empty(), "{line}");
    }
}

#[test]
fn a_bad_level_in_the_environment_is_refused() {
    let place = workplace();
    for line in ["check", "replay --bank bad.ndjson --out new", "run --config unreachable.toml"] {
        let output = command(place.path(), line).env("MAREVA_LOG", "verbose").output().unwrap();
        said(line, &output, 2, &["MAREVA_LOG: `verbose` is no level; write off, error, warn"]);
    }
}

#[test]
fn a_list_named_as_one_of_the_config_is_only_another_file_for_it() {
    let place = workplace();
    let line = "check --config lists.toml --list mules=sim/mules.csv --list more=sim/mules.csv --json";
    let output = command(place.path(), line).output().unwrap();
    said(line, &output, 0, &[]);
    let in_force: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = |at: usize| {
        let list = &in_force["lists"][at]["list"];
        ["name", "regime", "action"].map(|key| list[key].as_str().unwrap().to_owned())
    };
    assert_eq!([list(0), list(1)], [["mules", "sanctions", "report"], ["more", "fraud", "hold"]]);
    assert_eq!(in_force["lists"][0]["list"]["binding_in"], serde_json::json!(["DE"]));
}

#[test]
fn a_rule_that_fails_on_rows_ends_no_run_and_shows_no_value() {
    let place = workplace();
    let folder = place.path().join("failing/structuring");
    fs::create_dir_all(&folder).unwrap();
    let shipped = root().join("rules/structuring");
    fs::copy(shipped.join("rule.toml"), folder.join("rule.toml")).unwrap();
    let sql = fs::read_to_string(shipped.join("rule.sql")).unwrap();
    let failing = "direction, MIN(CAST(remittance AS BIGINT)) OVER w AS least,";
    fs::write(folder.join("rule.sql"), sql.replacen("direction,", failing, 1)).unwrap();
    let line = "replay --bank sim/bank.ndjson --out new --rules failing";
    let output = command(place.path(), line).output().unwrap();
    let expected = [
        "rule evaluations that failed: ",
        "rule structuring failed on ",
        "a value that cannot be cast, in WHERE, FILTER, an argument or what QUALIFY asks of the row alone, which reads remittance",
    ];
    let told = said(line, &output, 0, &expected);
    assert!(place.path().join("new").exists() && !told.contains("Salary"), "{told}");
}

#[test]
fn an_update_of_expected_detections_forgives_nothing_else() {
    let place = workplace();
    let folder = place.path().join("mine/structuring");
    fs::create_dir_all(&folder).unwrap();
    for file in ["rule.toml", "rule.sql", "fires.ndjson", "quiet.ndjson", "expected.ndjson"] {
        fs::copy(root().join("rules/structuring").join(file), folder.join(file)).unwrap();
    }
    let expected = fs::read_to_string(folder.join("expected.ndjson")).unwrap();
    let run = |update: &str, exit: i32, part: &str| {
        let line = format!("rules test --rules mine {update}");
        let output = command(place.path(), &line).output().unwrap();
        said(&line, &output, exit, &[]);
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains(part), "{line}: {told}");
    };
    run("", 0, "structuring: passes");
    fs::write(folder.join("expected.ndjson"), expected.lines().next().unwrap()).unwrap();
    run("", 1, "came and was not expected");
    run("--update", 0, "differences written anew");
    run("", 0, "structuring: passes");
    // What is written says as little of the version as what was there.
    assert!(!fs::read_to_string(folder.join("expected.ndjson")).unwrap().contains("version"));
    fs::copy(folder.join("fires.ndjson"), folder.join("quiet.ndjson")).unwrap();
    run("--update", 1, "quiet.ndjson fires it");
    fs::copy(root().join("rules/structuring/quiet.ndjson"), folder.join("fires.ndjson")).unwrap();
    let before = fs::read_to_string(folder.join("expected.ndjson")).unwrap();
    run("--update", 1, "nothing in fires.ndjson fires it");
    assert_eq!(fs::read_to_string(folder.join("expected.ndjson")).unwrap(), before);
}

#[test]
fn an_unreachable_broker_is_named_with_the_cause() {
    let place = workplace();
    let output = command(place.path(), "run --config unreachable.toml").output().unwrap();
    let told = said(
        "run",
        &output,
        1,
        &["mareva: cannot reach broker 127.0.0.1:1", "Connection refused", "check the address"],
    );
    assert!(told.lines().count() < 20, "the message drowns:\n{told}");
}

#[test]
fn bad_records_are_dead_letters_and_the_rest_is_judged() {
    let place = workplace();
    let line = "replay --bank bad.ndjson --out - --dead-letters dead --json";
    let output = command(place.path(), line).output().unwrap();
    let told = said(line, &output, 0, &[]);
    let summary: serde_json::Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(fs::read_to_string(place.path().join("dead")).unwrap().lines().count(), 3);
    assert!(summary.to_string().contains("\"dead_lettered\":3"), "{summary}");
}

#[test]
fn a_full_disk_leaves_nothing_that_looks_whole() {
    let place = workplace();
    let full = "No space left on device";
    for (line, expected) in [
        ("replay --bank bad.ndjson --out /dev/full", full),
        ("replay --bank bad.ndjson --out kept --dead-letters /dev/full", full),
        ("replay --bank bad.ndjson --out new --dead-letters /dev/full", full),
    ] {
        let output = command(place.path(), line).output().unwrap();
        said(line, &output, 1, &["mareva: cannot ", expected]);
        assert_eq!(fs::read_to_string(place.path().join("kept")).unwrap(), KEPT, "{line}");
        assert!(!place.path().join("new").exists(), "{line}");
    }
    for line in ["rules list", "rules check --json", "check", "completions bash", "lists build --list m=sim/mules.csv"]
    {
        let out = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        said(line, &command(place.path(), line).stdout(out).output().unwrap(), 1, &[full]);
    }
}

#[test]
fn a_full_disk_leaves_no_table_and_no_simulation_that_looks_whole() {
    let place = workplace();
    let kept = fs::read_to_string(place.path().join("sim/mareva.toml")).unwrap();
    for (line, folder, file) in [
        ("replay --bank sim/bank.ndjson --out new --tables tables", "tables", "movements.parquet"),
        ("replay --bank sim/bank.ndjson --out new --tables tables2", "tables2", "accounts.parquet"),
        ("sim --transactions 2000 --out sim2", "sim2", "exchange.ndjson"),
        ("sim --transactions 2000 --out sim3", "sim3", "mareva.toml"),
    ] {
        let folder = place.path().join(folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(file), &kept).unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.join(format!("{file}.partial"))).unwrap();
        said(line, &command(place.path(), line).output().unwrap(), 1, &["mareva: cannot ", "No space left on device"]);
        assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), kept, "{line}");
        let is_whole = |name: &String| !name.ends_with(".partial") && name != file && name != "sanctions";
        let whole: Vec<String> = names(&folder).into_iter().filter(is_whole).collect();
        assert!(whole.is_empty() || file == "mareva.toml", "{line}: {whole:?}");
        assert!(!place.path().join("new").exists(), "{line}");
    }
}

#[test]
fn a_summary_that_nobody_can_read_is_no_error() {
    let place = workplace();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = command(place.path(), "replay --bank bad.ndjson --out new").stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(place.path().join("new").exists());
}

#[test]
fn a_reader_that_has_had_enough_is_no_error_but_of_a_replay() {
    let place = workplace();
    // What was refused stays refused.
    let mut cases = vec![("check --json --config nope.toml", 2, NOT_FOUND)];
    cases.push(("replay --bank bad.ndjson --out -", 1, "whoever read the output ended before it was whole"));
    cases.extend(["rules list", "rules list --json", "check", "completions bash"].map(|line| (line, 0, "")));
    for (line, exit, expected) in cases {
        let mut child = command(place.path(), line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let told = said(line, &child.wait_with_output().unwrap(), exit, &[expected]);
        assert_eq!(told.lines().any(|line| line.starts_with("mareva:")), exit != 0, "{told}");
    }
}

/// Waits for a file, and fails when the command ends before it is there.
fn wait_for(path: &Path, child: &mut Child) {
    let since = Instant::now();
    while !path.exists() {
        assert!(child.try_wait().unwrap().is_none() && since.elapsed() < Duration::from_secs(30), "{}", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_signal_ends_a_replay_and_leaves_what_was_there() {
    let place = workplace();
    let lines = BufReader::new(fs::File::open(place.path().join("sim/bank.ndjson")).unwrap()).lines();
    let first: String = lines.take(5).map(|line| line.unwrap() + "\n").collect();
    for signal in ["TERM", "INT"] {
        // A pipe that stays open, so that the replay is still at work.
        let pipe = place.path().join(signal);
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let line = format!("replay --bank {signal} --out kept --detections new --tables tables");
        let mut child = command(place.path(), &line).stderr(Stdio::piped()).spawn().unwrap();
        let mut writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        writer.write_all(first.as_bytes()).unwrap();
        wait_for(&place.path().join("new.partial"), &mut child);
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        said(&line, &output, 1, &["stopped by a signal before the end", ".partial"]);
        assert_eq!(fs::read_to_string(place.path().join("kept")).unwrap(), KEPT);
        assert!(!place.path().join("new").exists());
        fs::remove_file(place.path().join("new.partial")).unwrap();
        let tables = names(&place.path().join("tables"));
        assert!(!tables.is_empty() && tables.iter().all(|name| name.ends_with(".partial")), "{tables:?}");
    }
}

#[test]
fn a_signal_ends_a_simulation_and_leaves_nothing_that_looks_whole() {
    let place = TempDir::new().unwrap();
    let line = "sim --transactions 20000000 --out sim";
    let mut child = command(place.path(), line).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&place.path().join("sim/bank.ndjson.partial"), &mut child);
    assert!(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap().success());
    said(line, &child.wait_with_output().unwrap(), 1, &["stopped by a signal before the end", ".partial"]);
    assert_eq!(names(&place.path().join("sim")), ["bank.ndjson.partial", "exchange.ndjson.partial", "sanctions"]);
}
