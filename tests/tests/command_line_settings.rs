//! What of config, tables and lists is refused before anything begins, and how a start ends that reaches no broker.

#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mareva_tests::binary;
use tempfile::TempDir;

fn command(place: &Path, line: &str) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(place).args(line.split_whitespace()).stdin(Stdio::null());
    command
}

/// How `line` ends with this config, and what it says.
fn told(place: &Path, config: &str, line: &str) -> (Option<i32>, String) {
    fs::write(place.join("mareva.toml"), config).unwrap();
    let output = command(place, line).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_table_of_accounts_that_holds_none_is_refused() {
    let place = TempDir::new().unwrap();
    for empty in ["", "\n \n", "\u{feff}", "\u{feff}\n"] {
        fs::write(place.path().join("accounts"), empty).unwrap();
        let (exit, told) = told(place.path(), "", "check --accounts accounts");
        assert!(
            exit == Some(2) && told.contains("accounts (tables.accounts): holds no account; "),
            "{empty:?}: {told}"
        );
    }
    fs::write(place.path().join("accounts"), "\u{feff}{\"account\":\"acct:A/1\"}\r\n").unwrap();
    assert_eq!(told(place.path(), "", "check --accounts accounts"), (Some(0), String::new()));
}

#[test]
fn a_list_tells_its_own_faults_and_that_of_its_path_together() {
    let place = TempDir::new().unwrap();
    let list = "[[lists]]\nname = \"My List\"\nregime = \"sanction\"\naction = \"block\"\nbinding_in = [\"Germany\"]\n\
                false_positive_rate = 7\nevidence_class = \"partner\"\n";
    let own =
        ["may not be this", "false_positive_rate is 7", "binding_in holds \"Germany\"", "`sanction` is not known"];
    for (path, fault) in
        [("path = \"no-list\"\n", "no-list (lists.My List.path): cannot be read"), ("", "lists[0].path: is missing")]
    {
        let (exit, told) = told(place.path(), &format!("{list}{path}"), "check --config mareva.toml");
        assert!(exit == Some(2) && told.contains("refused, 5 faults"), "{told}");
        assert!(own.iter().chain([&fault]).all(|one| told.contains(one)), "{told}");
    }
}

#[test]
fn settings_of_which_no_client_can_be_made_are_refused_by_check_and_run_alike() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("empty"), "\n").unwrap();
    for (keys, expected) in [
        (
            "security.protocol = \"ssl\"\nssl.ca.location = \"no-ca.pem\"",
            "kafka.ssl.ca.location: cannot read no-ca.pem, which `ssl.ca.location` names: No such file",
        ),
        ("security.protocol = \"ssl\"\nssl.ca.location = \"empty\"", "kafka: cannot create the kafka client"),
        (
            "sasl.password.file = \"empty\"",
            "kafka.sasl.password.file: cannot read the secret for `sasl.password` from empty",
        ),
        ("security.protocol = \"sasl_ssl\"", "kafka: cannot create the kafka client"),
        ("producer.\"max.in.flight\" = 9", "kafka: cannot create the kafka client"),
    ] {
        for line in ["check --config mareva.toml", "run --config mareva.toml"] {
            let (exit, told) = told(place.path(), &format!("[kafka]\n{keys}\n"), line);
            assert!(exit == Some(2) && told.contains("refused, 1 fault:") && told.contains(expected), "{line}: {told}");
        }
    }
    let fits = "[kafka]\nsecurity.protocol = \"sasl_plaintext\"\nsasl.mechanism = \"PLAIN\"\nsasl.username = \"u\"\n\
                sasl.password.file = \"secret\"\n";
    fs::write(place.path().join("secret"), "secret\n").unwrap();
    assert_eq!(told(place.path(), fits, "check --config mareva.toml"), (Some(0), String::new()));
}

#[test]
fn a_drain_that_could_write_no_snapshot_is_refused() {
    let place = TempDir::new().unwrap();
    let (exit, told) = told(place.path(), "[snapshots]\npath = \"\"\n", "run --config mareva.toml --drain");
    assert!(exit == Some(2) && told.contains("snapshots.path: is empty: --drain would write no snapshot"), "{told}");
}

#[test]
fn a_signal_ends_a_start_that_reaches_no_broker() {
    let place = TempDir::new().unwrap();
    let config =
        "[kafka]\n\"bootstrap.servers\" = \"127.0.0.1:1\"\n[http]\nlisten = \"\"\n[snapshots]\npath = \"kept\"\n";
    fs::write(place.path().join("mareva.toml"), config).unwrap();
    let told = ended_by_a_signal(place.path(), "run --config mareva.toml", 0);
    assert!(told.contains("no broker has answered yet"), "{told}");
    let told = ended_by_a_signal(place.path(), "run --config mareva.toml --drain", 1);
    assert!(told.contains("no snapshot was written; run --drain again"), "{told}");
    let told = ended_by_a_signal(place.path(), "run --config mareva.toml --until-end", 1);
    assert!(told.contains("stopped by a signal before the end of what the topics held"), "{told}");
}

/// What `line` says, which ends with `code` soon after SIGTERM in its start.
fn ended_by_a_signal(place: &Path, line: &str, code: i32) -> String {
    let mut child = command(place, line).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("in force") && lines.read_line(&mut told).unwrap() > 0 {}
    assert!(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap().success());
    let since = Instant::now();
    lines.read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(code), "{told}");
    assert!(since.elapsed() < Duration::from_secs(5), "{told}");
    told
}

#[test]
fn a_list_whose_hits_are_reviews_at_most_says_so() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("mules.csv"), "account\nDE89370400440532013000\n").unwrap();
    let list = "[[lists]]\nname = \"mules\"\npath = \"mules.csv\"\nregime = \"fraud\"\naction = \"hold\"\nbinding_in = [\"*\"]\n";
    for (class, is_for_review) in [("partner", true), ("institution_confirmed", false)] {
        fs::write(place.path().join("mareva.toml"), format!("{list}evidence_class = \"{class}\"\n")).unwrap();
        let output = command(place.path(), "check --config mareva.toml").output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(told.contains("every hit is a review at most"), is_for_review, "{told}");
    }
}

#[test]
fn a_list_that_does_not_bind_here_shows_what_is_done_here() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("mules.csv"), "account\nDE89370400440532013000\n").unwrap();
    let list = "[[lists]]\nname = \"mules\"\npath = \"mules.csv\"\nregime = \"fraud\"\naction = \"hold\"\nbinding_in = [\"US\"]\n\
                evidence_class = \"institution_confirmed\"\n";
    for (ours, action) in [("DE", "report"), ("US", "hold")] {
        let config = format!("[institution]\njurisdiction = \"{ours}\"\n{list}");
        fs::write(place.path().join("mareva.toml"), config).unwrap();
        let output = command(place.path(), "check --config mareva.toml").output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.contains(&format!("mules (fraud, {action})")), "{told}");
        let weaker = told.contains("report, not hold: it binds in US, and not in DE");
        assert_eq!(weaker, ours == "DE", "{told}");
    }
}

#[test]
fn files_that_never_end_are_refused() {
    let place = TempDir::new().unwrap();
    let config = "[alerts]\nsubject_key_file = \"/dev/zero\"\n[tables]\nrates = \"/dev/zero\"\n\
                  accounts = \"/dev/zero\"\nvasps = \"/dev/zero\"\n\
                  [kafka]\nsasl.password.file = \"/dev/zero\"\n";
    let (exit, told) = told(place.path(), config, "check --config mareva.toml");
    assert_eq!(exit, Some(2), "{told}");
    for fault in [
        "/dev/zero (alerts.subject_key_file): cannot be read: it holds more than 1 MiB",
        "/dev/zero (tables.rates): cannot be read: it holds more than 64 MiB",
        "/dev/zero (tables.accounts): cannot be read: line 1 holds more than 64 KiB",
        "/dev/zero (tables.vasps): cannot be read: it holds more than 64 MiB",
        "cannot read the secret for `sasl.password` from /dev/zero: it holds more than 1 MiB",
    ] {
        assert!(told.contains(fault), "{fault} in {told}");
    }
}

#[test]
fn tables_that_say_what_nobody_reads_or_contradict_themselves_are_refused() {
    let place = TempDir::new().unwrap();
    let accounts = [
        r#"{"account":"acct:A/1","role":"payroll"}"#,
        r#"{"account":"acct:A/2","rol":"payroll"}"#,
        r#"{"account":"acct:A/1","role":"payroll"}"#,
        r#"{"account":"acct:A/1","role":"retail"}"#,
        r#"{"account":"4711","country":"Germany"}"#,
    ];
    fs::write(place.path().join("accounts"), accounts.join("\n")).unwrap();
    let vasps = "identifier,vasp,contry\nDE89370400440532013000,a,DE\nDE89370400440532013000,b,DE\n4711,a,DE\n";
    fs::write(place.path().join("vasps"), vasps).unwrap();
    let (exit, said) = told(place.path(), "", "check --accounts accounts --vasps vasps");
    assert!(exit == Some(2) && said.contains("refused, 7 faults:") && !said.contains("4711"), "{said}");
    for expected in [
        "accounts:2: \"rol\" is no key of an account; perhaps you mean role; there are account, customer,",
        "accounts:4: says something else of the account than line 1; ",
        "accounts:5: account is no account or address",
        "accounts:5: country is none; ",
        "vasps:1: \"contry\" is no column; perhaps you mean country; ",
        "vasps:3: says something else of the account than line 2; ",
        "vasps:4: the identifier is no account or address",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    let lines: Vec<String> = (0..50).map(|n| format!("{{\"account\":\"acct:A/{n}\",\"rol\":1}}")).collect();
    fs::write(place.path().join("accounts"), lines.join("\n")).unwrap();
    let (_, said) = told(place.path(), "", "check --accounts accounts");
    assert!(said.contains("refused, 21 faults:") && said.contains("has 30 more faults"), "{said}");
}

#[test]
fn check_shows_how_many_accounts_have_each_role() {
    let place = TempDir::new().unwrap();
    let accounts = "{\"account\":\"acct:A/1\",\"role\":\"psp\"}\n{\"account\":\"acct:A/2\"}\n{\"account\":\"acct:A/3\",\"role\":\"psp\"}";
    fs::write(place.path().join("accounts"), accounts).unwrap();
    let output = command(place.path(), "check --accounts accounts").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("roles     1 none, 2 psp\n"), "{said}");
}

#[test]
fn a_rule_that_cannot_be_read_is_not_left_out() {
    let place = TempDir::new().unwrap();
    let rules = place.path().join("mine");
    fs::create_dir_all(rules.join("half")).unwrap();
    std::os::unix::fs::symlink("nowhere", rules.join("gone")).unwrap();
    std::os::unix::fs::symlink("nowhere", rules.join("half/rule.sql")).unwrap();
    let (exit, told) = told(place.path(), "", "rules check --rules mine");
    assert!(exit == Some(2) && told.contains("mine/gone: has no rule.toml"), "{exit:?}: {told}");
    assert!(told.contains("mine/half/rule.sql: cannot be read"), "{told}");
}

#[test]
fn what_was_meant_as_a_rule_is_not_left_out_nor_a_column_of_it() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let place = TempDir::new().unwrap();
    let rules = place.path().join("mine");
    let sql = "SELECT row_id, account AS subject, event_time, kind AS version, currency AS rule FROM movements";
    mareva_tests::rules::write(&rules, "hides", "alert", sql);
    fs::create_dir(rules.join("plural")).unwrap();
    fs::write(rules.join("plural/rules.sql"), "SELECT 1").unwrap();
    let strange = rules.join(OsStr::from_bytes(b"b\xff"));
    fs::create_dir(&strange).unwrap();
    fs::write(strange.join("rule.sql"), "SELECT 1").unwrap();
    let (exit, told) = told(place.path(), "", "rules list --rules mine");
    assert_eq!(exit, Some(2), "{told}");
    for part in [
        "mine/hides/rule.sql:1:53: version is what a detection says of its rule",
        "mine/plural: holds rules.sql, and so no rule; call its files rule.toml and rule.sql",
        "has a name that is no UTF-8; rename the folder",
    ] {
        assert!(told.contains(part), "does not say `{part}`: {told}");
    }
}

#[test]
fn a_simulation_takes_the_place_of_no_config_but_one_of_a_simulation() {
    let place = TempDir::new().unwrap();
    let (exit, told) = told(place.path(), "[kafka]\n", "sim --transactions 100 --out .");
    let reason = "./mareva.toml: is no config of a simulation, and one would take its place; name another folder";
    assert!(exit == Some(2) && told.contains(reason), "{told}");
    assert_eq!(fs::read_to_string(place.path().join("mareva.toml")).unwrap(), "[kafka]\n");
    for _ in 0..2 {
        let again = command(place.path(), "sim --transactions 100 --out sim").output().unwrap();
        assert!(again.status.success(), "a simulation takes the place of another");
    }
}

/// Signs with keys that OpenSSL could have made, by the two steps of the handbook.
#[test]
fn a_decision_is_signed_by_two_and_checked_and_none_that_would_be_refused_is_signed() {
    let place = TempDir::new().unwrap();
    let pem = |der: &str| format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let write = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
    write("alice.pem", &pem("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"));
    write("bob.pem", &pem("MC4CAQAwBQYDK2VwBCIEIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"));
    let run = |line: &str| {
        let output = command(place.path(), line).output().unwrap();
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        (output.status.code(), out, err)
    };
    let approver = |name: &str| {
        let (exit, key, _) = run(&format!("decisions key --key {name}.pem"));
        assert_eq!(exit, Some(0));
        format!(
            "[[decisions.approvers]]\nname = \"{name}\"\nkey_id = \"{name}-1\"\npublic_key = \"{}\"\nmay = [\"snooze\"]\n",
            key.trim()
        )
    };
    let config = format!("[input]\ndecisions = [\"mareva.decisions\"]\n{}{}", approver("alice"), approver("bob"));
    assert!(config.contains("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), "{config}");
    assert_eq!(told(place.path(), &config, "check --config mareva.toml"), (Some(0), String::new()));
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/mareva-codec/examples-data");
    fs::copy(examples.join("decision.snooze.json"), place.path().join("decision.json")).unwrap();
    let (exit, once, _) = run("decisions sign --key alice.pem --key-id alice-1 decision.json");
    write("once.json", &once);
    let (_, twice, _) = run("decisions sign --key bob.pem --key-id bob-1 --too once.json");
    write("twice.json", &twice);
    assert_eq!(exit, Some(0));
    let (exit, _, err) = run("decisions check --config mareva.toml once.json");
    assert!(
        exit == Some(2) && err.contains("once.json: untrusted: a snooze needs the signatures of two people"),
        "{err}"
    );
    let (exit, out, err) = run("decisions check --config mareva.toml twice.json");
    assert_eq!(exit, Some(0), "{err}");
    assert!(out.contains(r#""by":["alice","bob"]"#) && out.contains(r#""kind":"snooze""#), "{out}");

    write("wrong.json", &fs::read_to_string(place.path().join("decision.json")).unwrap().replace("amount_cap", "cap"));
    for (line, wanted) in [
        ("decisions sign --key alice.pem --key-id a wrong.json", "the payload is no decision; see `cap`"),
        ("decisions sign --key once.json --key-id a decision.json", "it is no Ed25519 key in PEM"),
        ("decisions sign --key alice.pem --key-id a --too decision.json", "it is no signed decision"),
        ("decisions key --key none.pem", "none.pem: cannot be read"),
        ("decisions check --config mareva.toml decision.json", "malformed: no JSON Web Signature"),
    ] {
        let (exit, out, err) = run(line);
        assert!(exit == Some(2) && out.is_empty() && err.contains(wanted), "{line}: {err}");
    }
}

#[test]
fn approvers_that_are_none_are_refused_with_every_fault() {
    let place = TempDir::new().unwrap();
    let list = "[[lists]]\nname = \"decisions\"\npath = \"list.csv\"\nregime = \"fraud\"\naction = \"hold\"\nbinding_in = [\"*\"]\n\
                evidence_class = \"order\"\n";
    fs::write(place.path().join("list.csv"), "identifier\nDE89370400440532013000\n").unwrap();
    let one = "[[decisions.approvers]]\nname = \"\"\nkey_id = \"a\"\npublic_key = \"abc\"\nmay = [\"amnesty\"]\n";
    let (exit, told_of) = told(place.path(), &format!("{list}{one}{one}"), "check --config mareva.toml");
    let faults = [
        "[0].name: is empty",
        "[1].key_id",
        "[0].public_key: is no Ed25519 key",
        "`amnesty` is no kind",
        "no list can be called `decisions`",
    ];
    assert!(exit == Some(2) && faults.iter().all(|fault| told_of.contains(fault)), "{told_of}");
    let key = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let alice = |name: &str, id: &str| {
        format!(
            "[[decisions.approvers]]\nname = \"{name}\"\nkey_id = \"{id}\"\npublic_key = \"{key}\"\nmay = [\"snooze\"]\n"
        )
    };
    let twice = format!("{}{}", alice("Alice", "a"), alice("alice ", "b"));
    let (exit, told_of) = told(place.path(), &twice, "check --config mareva.toml");
    let faults = ["[1].public_key: is given twice", "`alice ` is spelt in two ways"];
    assert!(exit == Some(2) && faults.iter().all(|fault| told_of.contains(fault)), "{told_of}");
    let (exit, told_of) = told(place.path(), "[input]\ndecisions = [\"d\"]\n", "check --config mareva.toml");
    assert!(
        exit == Some(2) && told_of.contains("decisions.approvers: decisions are read and nobody may sign them"),
        "{told_of}"
    );
}
