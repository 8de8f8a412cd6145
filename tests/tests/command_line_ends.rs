//! How commands end where nothing is refused for its content: warnings, answers line by line, standard error that is full.

#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use mareva_tests::binary;
use mareva_tests::small::payment;
use tempfile::TempDir;

fn command(place: &Path, line: &str) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(place).args(line.split_whitespace()).stdin(Stdio::null());
    command
}

#[track_caller]
fn ends(output: &Output, exit: i32, expected: &[&str]) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{told}");
    for one in expected {
        assert!(told.contains(one), "`{one}` is not in:\n{told}");
    }
}

#[test]
fn a_replay_of_dead_letters_alone_says_so() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("bad.ndjson"), "no record\n[1]\n").unwrap();
    for (more, hint) in
        [("", "replay with --dead-letters FILE"), ("--dead-letters dead --json", "see the reasons in dead")]
    {
        let output = command(place.path(), &format!("replay --bank bad.ndjson --out new {more}")).output().unwrap();
        ends(&output, 1, &["every record was a dead letter", hint]);
    }
}

#[test]
fn a_replay_of_no_record_replaces_nothing() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("bank.ndjson"), "\n").unwrap();
    fs::write(place.path().join("alerts.ndjson"), "yesterday").unwrap();
    let output = command(place.path(), "replay --bank bank.ndjson --out alerts.ndjson").output().unwrap();
    ends(&output, 1, &["no file holds a record", "no output was replaced"]);
    assert_eq!(fs::read_to_string(place.path().join("alerts.ndjson")).unwrap(), "yesterday");
}

#[test]
fn a_replay_whose_files_are_not_in_the_order_of_time_replaces_nothing() {
    let place = TempDir::new().unwrap();
    let lines = |order: &mut dyn Iterator<Item = i64>| -> String {
        order.map(|at| format!("{}\n", payment(&at.to_string(), at * 3_600, 1, 2))).collect()
    };
    // More than a slice: within one, all are in time.
    fs::write(place.path().join("good.ndjson"), lines(&mut (0..9_000))).unwrap();
    fs::write(place.path().join("newest.ndjson"), lines(&mut (0..9_000).rev())).unwrap();
    fs::write(place.path().join("alerts"), "kept\n").unwrap();
    let line = "replay --bank newest.ndjson --out alerts --late late";
    let expected = [
        "records stand behind later ones by more than allowed_lateness",
        "the first is newest.ndjson:",
        "sort each file",
    ];
    ends(&command(place.path(), line).output().unwrap(), 1, &expected);
    assert_eq!(fs::read_to_string(place.path().join("alerts")).unwrap(), "kept\n");
    assert!(fs::read_to_string(place.path().join("late")).unwrap().lines().count() > 4_000);
    let output = command(place.path(), "rules backtest --data newest.ndjson").output().unwrap();
    ends(&output, 1, &["the first is newest.ndjson:"]);
    ends(&command(place.path(), "replay --bank good.ndjson --out alerts").output().unwrap(), 0, &[]);
    let twice =
        command(place.path(), "replay --bank good.ndjson --exchange good.ndjson --out alerts").output().unwrap();
    ends(&twice, 2, &["good.ndjson: is given twice"]);
}

#[test]
fn every_line_of_queries_has_an_answer() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("mules.csv"), "account\nDE89370400440532013000\n").unwrap();
    let mut command = command(place.path(), "lists match --list mules=mules.csv");
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let queries = b"\n{\"identifier\":\"DE89 3704 0044 0532 0130 00\"}\n  \n\
        {\"nam\":\"A\",\"identifier\":\"B\"}\n{\"name\":\"A\",\"country\":\"Nowhere\"}\n\
        {\"name\":\"A\",\"birth_date\":\"31/10/1973\"}\n{\"name\":\"A\",\"country\":\"DE\",\"birth_date\":\"1973\"}\n";
    child.stdin.take().unwrap().write_all(queries).unwrap();
    let output = child.wait_with_output().unwrap();
    ends(&output, 1, &["5 queries could not be read"]);
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), 7, "{answers:?}");
    assert!(answers[0].contains("error") && answers[2].contains("the line is blank"), "{answers:?}");
    assert!(answers[1].contains("\"list\":\"mules\""), "{answers:?}");
    for (answer, expected) in
        answers[3..].iter().zip(["unknown field `nam`", "country: is none", "birth_date: is no date", "hits"])
    {
        assert!(answer.contains(expected), "{answer}");
    }
}

#[test]
fn lines_of_a_list_that_need_a_look_are_named() {
    let place = TempDir::new().unwrap();
    let rows = "account,Nam\nDE89370400440532013000,A\nAB-12345,B\nDE89370400440532013001,C\n";
    fs::write(place.path().join("mules.csv"), rows).unwrap();
    let list = "[[lists]]\nname = \"mules\"\npath = \"mules.csv\"\nregime = \"fraud\"\naction = \"hold\"\nbinding_in = [\"*\"]\n\
                evidence_class = \"partner\"\n";
    fs::write(place.path().join("strict.toml"), list).unwrap();
    fs::write(place.path().join("loose.toml"), format!("{list}max_unmatchable = 1\n")).unwrap();
    fs::write(place.path().join("bank.ndjson"), "").unwrap();
    let output = command(place.path(), "check --config strict.toml").output().unwrap();
    ends(&output, 2, &["1 fault:", "mules.csv:3", "can match nothing"]);
    let expected = [
        "1 identifiers can match nothing and were left out: lines 3",
        "1 identifiers do not validate",
        "lines 4",
        "columns that nobody reads: \"Nam\"",
    ];
    for line in ["check --config loose.toml", "lists build --config loose.toml"] {
        let output = command(place.path(), line).output().unwrap();
        ends(&output, 0, &[]);
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(expected.iter().all(|one| told.contains(one)), "{line}: {told}");
    }
    let output = command(place.path(), "replay --bank bank.ndjson --out new --config loose.toml").output().unwrap();
    ends(&output, 1, &expected);
}

#[test]
fn what_cannot_be_said_changes_no_exit_code() {
    let place = TempDir::new().unwrap();
    for line in ["check --config nope.toml", "rules test --rules nope"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = command(place.path(), line).stderr(full).status().unwrap();
        assert_eq!(status.code(), Some(2), "{line}");
    }
}

#[test]
fn log_lines_that_cannot_be_written_end_nothing() {
    let place = TempDir::new().unwrap();
    let record = payment("1", 0, 1, 2).to_string();
    fs::write(place.path().join("binary"), [b"\xff\xfe\n", record.as_bytes()].concat()).unwrap();
    fs::write(
        place.path().join("away.toml"),
        "[kafka]\n\"bootstrap.servers\" = \"127.0.0.1:1\"\n[http]\nlisten = \"\"\n",
    )
    .unwrap();
    for (line, exit) in [("replay --bank binary --out new", 0), ("run --config away.toml", 1)] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = command(place.path(), line).env("MAREVA_LOG", "debug").stderr(full).status().unwrap();
        assert_eq!(status.code(), Some(exit), "{line}");
    }
}

#[test]
fn a_debug_log_holds_no_steps_of_the_planner() {
    let place = TempDir::new().unwrap();
    let lines = |level: &str| {
        let output = command(place.path(), "check").env("MAREVA_LOG", level).output().unwrap();
        ends(&output, 0, &[]);
        output.stderr.iter().filter(|byte| **byte == b'\n').count()
    };
    assert!(lines("debug") < 100, "{}", lines("debug"));
    assert!(lines("debug,sqlparser=debug") > 1_000);
}

#[test]
fn a_replay_whose_reader_ends_early_fails() {
    let place = TempDir::new().unwrap();
    let lines: String = (0..20_000).map(|n| format!("no record {n}\n")).collect();
    fs::write(place.path().join("bad.ndjson"), lines).unwrap();
    let script = "\"$0\" replay --bank bad.ndjson --out new --dead-letters /dev/stdout --late late 2>told | head -1; \
                  echo ${PIPESTATUS[0]}; cat told";
    let mut shell = Command::new("bash");
    shell.current_dir(place.path()).args(["-c", script]).arg(binary());
    let output = shell.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("\n1\n") && told.contains("whoever read the output ended before it was whole"), "{told}");
    assert!(!place.path().join("new").exists() && !place.path().join("late").exists());
    let full = command(place.path(), "replay --bank bad.ndjson --out new --dead-letters /dev/full").output().unwrap();
    ends(&full, 1, &["No space left on device"]);
    assert_eq!(String::from_utf8_lossy(&full.stderr).matches("No space left").count(), 1);
}

#[test]
fn a_replay_whose_standard_output_is_closed_fails() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("bad.ndjson"), format!("no record\n{}\n", payment("1", 0, 1, 2))).unwrap();
    for (output, exit) in [(">&-", 1), ("> /dev/null", 0)] {
        let script = format!("exec \"$0\" replay --bank bad.ndjson --out - {output}");
        let mut shell = Command::new("sh");
        shell.current_dir(place.path()).args(["-c", &script]).arg(binary()).stdin(Stdio::null());
        let expected: &[&str] = if exit == 1 { &["cannot write to standard output: it is closed"] } else { &[] };
        ends(&shell.output().unwrap(), exit, expected);
    }
}

/// Python and Node open `/dev/null` both ways for a program whose output they ignore: its exit code is what they look at.
#[test]
fn a_command_whose_output_is_ignored_ends_as_it_would() {
    let place = TempDir::new().unwrap();
    for (line, exit) in [("check", 0), ("rules list", 0), ("rules check", 0), ("lists build --list a=nope", 2)] {
        let nothing = fs::OpenOptions::new().read(true).write(true).open("/dev/null").unwrap();
        let mut started = command(place.path(), line);
        started.stdout(nothing).stderr(Stdio::piped());
        ends(&started.spawn().unwrap().wait_with_output().unwrap(), exit, &[]);
    }
}

#[test]
fn a_rule_that_is_not_there_is_told_with_the_nearest() {
    let place = TempDir::new().unwrap();
    for line in ["rules test structurin", "rules explain structurin"] {
        let output = command(place.path(), line).output().unwrap();
        ends(
            &output,
            2,
            &["rule structurin: there is no such rule; perhaps you mean structuring; see `mareva rules list`"],
        );
    }
}

/// A folder `rules` with one rule of this text.
fn one_rule(place: &Path, sql: &str) {
    let folder = place.join("rules/r");
    fs::create_dir_all(&folder).unwrap();
    let keys = "id = \"r\"\nversion = 1\ntitle = \"t\"\nseverity = \"low\"\nraises = \"alert\"\nsubject_role = \"suspect\"\n\
                targets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\ntypology = \"T\"\nsources = [\"s\"]\n";
    fs::write(folder.join("rule.toml"), keys).unwrap();
    fs::write(folder.join("rule.sql"), sql).unwrap();
}

#[test]
fn a_rule_of_any_length_is_refused_or_judged() {
    let place = TempDir::new().unwrap();
    let record = r#"{"type":"credit_transfer","tx_id":"1","source":"A","time":"2026-01-05T08:00:00Z","amount":"1.00","currency":"EUR",
        "originator":{"account":"DE89370400440532013000"},"beneficiary":{"account":"DE97910200020000150002"}}"#;
    fs::write(place.path().join("bank.ndjson"), record.replace('\n', "")).unwrap();
    let expected = r#"{"rule":"r","row_id":"A:1/in","subject":"a","event_time":"2026-01-05T08:00:00Z"}"#;
    fs::create_dir_all(place.path().join("rules/r")).unwrap();
    for (name, line) in [("fires.ndjson", record), ("quiet.ndjson", record), ("expected.ndjson", expected)] {
        fs::write(place.path().join("rules/r").join(name), line.replace('\n', "")).unwrap();
    }
    let judge = "replay --bank bank.ndjson --rules rules --out - --tables tables";
    for (first, link, links) in [
        ("counterparty = 'a'", " OR counterparty = 'b'", 127),
        ("counterparty <> 'a'", " AND counterparty <> 'b'", 127),
        ("amount_ref", " + amount_ref", 250),
        ("kind", " || kind", 250),
        ("kind", "::text", 120),
        ("kind", " IS NULL", 127),
    ] {
        let sql = |links: usize| {
            let chain = format!("{first}{}", link.repeat(links));
            // The alias stands for all of it, so that the condition nests twice as deep.
            format!(
                "SELECT row_id, account AS subject, event_time, {chain} AS x, COUNT(*) OVER w AS n FROM movements WHERE \
                 account IS NOT NULL AND ({chain}) IS NOT NULL WINDOW w AS (PARTITION BY account ORDER BY event_time RANGE \
                 BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) QUALIFY n > 0 AND x IS NOT NULL"
            )
        };
        one_rule(place.path(), &sql(links - 8));
        for line in ["rules check --rules rules", judge] {
            let output = command(place.path(), line).output().unwrap();
            ends(&output, 0, &[]);
        }
        let output = command(place.path(), "rules test --rules rules").output().unwrap();
        ends(&output, 1, &["1 of 1 rules fail their evidence"]);
        for more in [links * 3, 3_000] {
            one_rule(place.path(), &sql(more));
            for line in ["rules check --rules rules", judge] {
                let output = command(place.path(), line).output().unwrap();
                let reason = if more < 3_000 { "nests more than 256" } else { "; " };
                ends(&output, 2, &["rules/r/rule.sql:", reason]);
            }
        }
    }
}
