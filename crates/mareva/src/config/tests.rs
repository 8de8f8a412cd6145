use std::path::Path;

use mareva_model::Refusal;

use super::schema::{Key, Kind, LIST, SECTIONS};
use super::span::parse_span;
use super::{Config, DEFAULTS, read};

fn config(text: &str) -> Config {
    let (config, faults) = config_and_faults(text);
    assert!(faults.is_empty(), "{faults:?}");
    config
}

fn faults(text: &str) -> Vec<String> {
    config_and_faults(text).1
}

fn config_and_faults(text: &str) -> (Config, Vec<String>) {
    let mut faults = Refusal::default();
    let config = read(text, "mareva.toml", Path::new("/etc/mareva"), &mut faults);
    (config, faults.0.iter().map(ToString::to_string).collect())
}

#[test]
fn the_defaults_name_every_key_and_no_other() {
    let defaults: toml::Table = DEFAULTS.parse().unwrap();
    for (section, keys) in SECTIONS {
        let table = defaults[*section].as_table().unwrap();
        let mut known: Vec<&str> = keys.iter().map(|key| key.name).collect();
        known.sort_unstable();
        let written: Vec<&String> = table.keys().collect();
        assert_eq!(written, known, "[{section}]");
        for key in *keys {
            let value = &table[key.name];
            let fits = match key.kind {
                Kind::Text | Kind::Choice(_) => value.is_str(),
                Kind::Texts | Kind::Tables(_) => value.is_array(),
                Kind::Span => value.as_str().is_some_and(|text| parse_span(text).is_ok()),
                Kind::Count => value.is_integer(),
                _ => false,
            };
            assert!(fits, "{section}.{} = {value}", key.name);
        }
    }
    assert_eq!(defaults.len(), SECTIONS.len() + 1, "sections beside [kafka]");
}

#[test]
fn what_the_example_says_of_a_list_can_be_written_so() {
    let keys =
        DEFAULTS.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| line.starts_with("max_unmatchable"));
    let keys: Vec<&str> = keys.collect();
    assert_eq!(keys.len(), 1);
    let list =
        "[[lists]]\nname = \"a\"\npath = \"a.csv\"\nregime = \"fraud\"\naction = \"hold\"\nbinding_in = [\"*\"]\n";
    let faults = faults(&format!("{list}evidence_class = \"order\"\n{}\n", keys[0]));
    assert!(faults.iter().all(|fault| !fault.contains("max_unmatchable")), "{faults:?}");
}

#[test]
fn every_key_of_the_defaults_is_explained() {
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#')) {
        assert!(lines[number - 1].starts_with('#'), "line {}: {line}", number + 1);
    }
}

#[test]
fn a_file_is_laid_over_the_defaults() {
    let config = config(
        r#"
        [institution]
        bics = ["MRVADEFF"]
        [kafka]
        bootstrap.servers = "broker:9092"
        [kafka.producer]
        "linger.ms" = 3
        [semantics]
        allowed_lateness = "90 s"
        [tables]
        rates = "rates.csv"
        accounts = "/data/accounts.ndjson"
        [[lists]]
        name = "ofac"
        path = "lists/ofac"
        regime = "sanctions"
        action = "block"
        binding_in = ["US"]
        evidence_class = "order"
        key_file = "key"
        "#,
    );
    assert_eq!(config.institution.bics, ["MRVADEFF"]);
    assert_eq!(config.semantics.allowed_lateness.ms(), 90_000);
    assert_eq!(config.semantics.max_ahead.ms(), 300_000);
    assert_eq!(config.kafka["bootstrap.servers"], "broker:9092");
    assert_eq!(config.kafka["producer.linger.ms"], "3");
    assert_eq!(config.kafka["group.id"], "mareva");
    assert_eq!(config.tables.rates, Path::new("/etc/mareva/rates.csv"));
    assert_eq!(config.tables.accounts, Path::new("/data/accounts.ndjson"));
    assert_eq!(config.tables.vasps, Path::new(""));
    assert_eq!(config.lists[0].list.path, Path::new("/etc/mareva/lists/ofac"));
    assert_eq!(config.lists[0].key_file.as_deref(), Some(Path::new("/etc/mareva/key")));
    assert_eq!(config.lists[0].list.false_positive_rate, 1e-4);
}

/// The list that the comments of the defaults show.
fn shown_list() -> String {
    let from = DEFAULTS.find("# [[lists]]").unwrap();
    let lines = DEFAULTS[from..].lines().take_while(|line| line.starts_with('#'));
    lines.map(|line| line.trim_start_matches('#').strip_prefix(' ').unwrap_or_default().to_owned() + "\n").collect()
}

#[test]
fn the_list_that_the_defaults_show_has_every_key_and_can_be_read() {
    let text = shown_list();
    let config = config(&text);
    let list = &config.lists[0].list;
    assert_eq!((list.parts.len(), list.programmes.len()), (2, 1));
    assert_eq!(list.parts[0].path, Path::new("/etc/mareva/lists/names.csv"));
    let table: toml::Table = text.parse().unwrap();
    let shown = table["lists"][0].as_table().unwrap();
    let names = |keys: &[Key]| keys.iter().map(|key| key.name.to_owned()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(shown.keys().cloned().collect::<std::collections::BTreeSet<_>>(), names(LIST));
    for key in LIST {
        match key.kind {
            // Every format is told there, and none that the loader does not know.
            Kind::Choice(words) => {
                for word in words {
                    assert!(DEFAULTS.contains(word), "{word}");
                    let other = text.replace(
                        &format!("{} = {:?}", key.name, shown[key.name].as_str().unwrap()),
                        &format!("{} = {word:?}", key.name),
                    );
                    self::config(&other);
                }
            }
            Kind::Headers(words) => {
                for word in words {
                    assert!(DEFAULTS.contains(word), "{word}");
                    let columns = r#"{ id = "ref", kind = "type", listed_at = "date_listed" }"#;
                    self::config(&text.replace(columns, &format!("{{ {word} = \"x\" }}")));
                }
            }
            _ => {}
        }
    }
    let wrong = text.replace("kind = \"type\"", "kynd = \"type\"").replace("[\"first\", \"last\"]", "[\"first\", 2]");
    let found = faults(&wrong).join("\n");
    assert!(found.contains("lists[0].columns.kynd: is no column of a list; did you mean `kind`?"), "{found}");
    assert!(found.contains("lists[0].parts[0].columns.name[1]: is an integer"), "{found}");
}

#[test]
fn every_fault_is_listed_with_its_line_and_what_to_do() {
    let found = faults(
        r#"[semantic]
lookback = "7 days"
[semantics]
alowed_lateness = "5 min"
max_ahead = "5 parsecs"
max_rows = -3
[institution]
bics = "MRVADEFF"
reference_currency = "EUR"
[alerts]
tlp = "ambr"
[[lists]]
name = "x"
regime = "fraude"
"#,
    );
    let expected = [
        "mareva.toml:1: semantic: is no section of the config; did you mean [semantics]?",
        "mareva.toml:4: semantics.alowed_lateness: is no key of this section; did you mean `allowed_lateness`?",
        "mareva.toml:5: semantics.max_ahead: `5 parsecs` is no duration; write a number and ms, s, min, h or days, such as \"5 min\"",
        "mareva.toml:6: semantics.max_rows: -3 is out of range; write a whole number from 1 on",
        "mareva.toml:8: institution.bics: is a string where another type is due; write a list of texts, such as [\"a\", \"b\"]",
        "mareva.toml:9: institution.reference_currency: is no key of this section; move it to [semantics]",
        "mareva.toml:11: alerts.tlp: `ambr` is not known; did you mean \"amber\"?",
        "mareva.toml:12: lists[0].path: is missing; write a text in quotes",
        "mareva.toml:14: lists[0].regime: `fraude` is not known; did you mean \"fraud\"?",
        "mareva.toml:12: lists[0].evidence_class: is missing; write one of \"order\", \"institution_confirmed\", \"partner\", \"allegation\", \"heuristic\"",
    ];
    for line in expected {
        assert!(found.iter().any(|fault| fault == line), "{line}\nis not in\n{}", found.join("\n"));
    }
}

#[test]
fn values_that_make_no_sense_are_refused_together() {
    let found = faults(
        r#"
        [institution]
        bics = ["NOBIC"]
        jurisdiction = "Germany"
        [output]
        alerts = "bank.transactions"
        late = "späte"
        [http]
        listen = "9464"
        [semantics]
        reference_currency = "euro"
        "#,
    );
    for part in ["`NOBIC` is no BIC", "`Germany`", "is named twice", "`späte`", "`9464`", "`euro`"] {
        assert!(found.iter().any(|fault| fault.contains(part)), "{part} in {found:?}");
    }
}

#[test]
fn properties_that_would_lose_something_or_name_nothing_are_refused() {
    let found = faults(
        r#"
        [kafka]
        "bootstrap.servers" = ""
        "group.id" = " "
        "transactional.id" = ""
        acks = 0
        [kafka.producer]
        "request.required.acks" = "1"
        "#,
    );
    let expected = [
        "mareva.toml: kafka.bootstrap.servers: is empty",
        "mareva.toml: kafka.transactional.id: is empty",
        "mareva.toml: kafka.group.id: is empty",
        "mareva.toml: kafka.acks: `0` would lose what is committed",
        "mareva.toml: kafka.producer.request.required.acks: `1` would lose what is committed",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (fault, expected) in found.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{expected} in {found:#?}");
    }
    assert!(faults("[kafka]\nacks = \"all\"\n[kafka.producer]\nacks = -1").is_empty());
}

#[test]
fn properties_that_the_engine_sets_itself_are_refused_with_their_place() {
    let found = faults(
        r#"
        [kafka]
        "isolation.level" = "read_uncommitted"
        "enable.idempotence" = true
        [kafka.consumer]
        "group.id" = "x"
        "auto.offset.reset" = "earliest"
        "enable.auto.commit" = true
        [kafka.producer]
        "transactional.id" = "x"
        "enable.idempotence" = false
        "delivery.report.only.error" = true
        "#,
    );
    let expected = [
        ("kafka.consumer.group.id", "move it to [kafka]"),
        ("kafka.producer.transactional.id", "move it to [kafka]"),
        ("kafka.isolation.level", "always sets it to `read_committed`"),
        ("kafka.consumer.enable.auto.commit", "always sets it to `false`"),
        ("kafka.consumer.auto.offset.reset", "leave it out"),
        ("kafka.producer.enable.idempotence", "always sets it to `true`"),
        ("kafka.producer.delivery.report.only.error", "leave it out"),
    ];
    for (key, part) in expected {
        assert!(found.iter().any(|fault| fault.contains(key) && fault.contains(part)), "{key} in {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn a_fault_hides_nothing_of_the_rest() {
    let (read, found) = config_and_faults(
        r#"
        [semantics]
        lookback = 5
        idle_after = "7 s"
        reference_currency = "euro"
        [tables]
        rate = "x"
        vasps = "vasps.csv"
        [[lists]]
        name = "mules"
        path = "mules.csv"
        regime = "fraude"
        binding_in = ["Germany"]
        key_file = "key"
        [[lists]]
        path = "sanctions.csv"
        [[lists]]
        name = "other"
        "#,
    );
    for part in ["lookback", "`euro`", "tables.rate", "`fraude`", "lists[0].action", "lists[1].name", "lists[2].path"] {
        assert_eq!(found.iter().filter(|fault| fault.contains(part)).count(), 1, "{part} in {found:#?}");
    }
    assert_eq!(read.semantics.idle_after.ms(), 7_000);
    assert_eq!(read.semantics.lookback.ms(), config("").semantics.lookback.ms());
    assert_eq!(read.tables.vasps, Path::new("/etc/mareva/vasps.csv"));
    let lists: Vec<(&str, &Path)> =
        read.lists.iter().map(|one| (one.path_key.as_str(), one.list.path.as_path())).collect();
    let expected = [
        ("lists.mules.path", Path::new("/etc/mareva/mules.csv")),
        ("lists[1].path", Path::new("/etc/mareva/sanctions.csv")),
        ("lists.other.path", Path::new("")),
    ];
    assert_eq!(lists, expected);
    assert_eq!(read.lists[0].key_file.as_deref(), Some(Path::new("/etc/mareva/key")));
    assert_eq!(read.lists[0].list.binding_in, ["Germany"]);
}

#[test]
fn one_of_a_list_of_texts_hides_nothing_of_the_others() {
    let (read, found) = config_and_faults(
        r#"
        [institution]
        bics = ["NOBIC", 3, "MRVADEFF", 4]
        exchanges = [5]
        [[lists]]
        name = "mules"
        path = "mules.csv"
        regime = "fraud"
        action = "hold"
        binding_in = ["Germany", 6]
        evidence_class = "partner"
        "#,
    );
    for part in ["bics[1]: is an integer", "bics[3]", "`NOBIC` is no BIC", "exchanges[0]", "lists[0].binding_in[1]"] {
        assert_eq!(found.iter().filter(|fault| fault.contains(part)).count(), 1, "{part} in {found:#?}");
    }
    assert_eq!(found.len(), 5, "{found:#?}");
    assert_eq!(read.institution.bics, ["NOBIC", "MRVADEFF"]);
    assert_eq!(read.lists[0].list.binding_in, ["Germany"]);
}

#[test]
fn paths_in_properties_of_the_clients_count_from_the_folder_of_the_file() {
    let read = config(
        r#"
        [kafka]
        "sasl.password.file" = "secret"
        "ssl.ca.location" = "probe"
        [kafka.consumer]
        "ssl.key.pem.file" = "/run/key"
        ssl.certificate.location = "tls/own.pem"
        "#,
    );
    for (key, path) in [
        ("sasl.password.file", "/etc/mareva/secret"),
        ("ssl.ca.location", "probe"),
        ("consumer.ssl.key.pem.file", "/run/key"),
        ("consumer.ssl.certificate.location", "/etc/mareva/tls/own.pem"),
    ] {
        assert_eq!(read.kafka[key], path, "{key}");
    }
}

#[test]
fn a_level_is_a_word_or_directives() {
    for level in ["info", "OFF", "info,librdkafka=warn", "mareva=debug, info", "[span]=trace", "[span{a=1}]=info"] {
        assert_eq!(config(&format!("[log]\nlevel = \"{level}\"")).log.level, level);
    }
    for level in ["", "infoo", "verbose", "info,", "librdkafka=loud", "librdkafka", "mareva=", "3", "=info", "[span"] {
        let found = faults(&format!("[log]\nlevel = \"{level}\""));
        let [fault] = found.as_slice() else { panic!("{level}: {found:?}") };
        assert!(fault.starts_with("mareva.toml: log.level: ") && fault.contains("write off, error"), "{fault}");
    }
}

#[test]
fn broken_syntax_is_refused_with_its_line() {
    let found = faults("[semantics]\nlookback = \n[log\n");
    assert!(found.iter().any(|fault| fault.starts_with("mareva.toml:2: ")), "{found:?}");
}

#[test]
fn durations_are_read() {
    for (text, expected) in [
        ("250 ms", Ok(250)),
        ("60 s", Ok(60_000)),
        ("30s", Ok(30_000)),
        ("5 min", Ok(300_000)),
        ("72 h", Ok(259_200_000)),
        ("3 days", Ok(259_200_000)),
        ("1 day", Ok(86_400_000)),
        ("0 s", Err("out of range")),
        ("5", Err("no duration")),
        ("-5 s", Err("no duration")),
        ("1.5 h", Err("no whole number")),
        ("100000 days", Err("out of range")),
        ("99999999999999999999 s", Err("out of range")),
        ("9999999 days", Err("out of range")),
        ("", Err("no duration")),
        ("min", Err("no duration")),
    ] {
        match (parse_span(text), expected) {
            (Ok(ms), Ok(expected)) => assert_eq!(ms, expected, "{text}"),
            (Err((reason, _)), Err(expected)) => assert_eq!(reason, format!("`{text}` is {expected}")),
            (found, _) => panic!("{text}: {found:?}"),
        }
    }
}

#[test]
fn of_a_file_that_is_no_toml_at_all_the_first_faults_are_told_and_how_many_more_there_are() {
    let told = faults(&"identifier,reason\n".repeat(50));
    assert_eq!(told.len(), 11, "{told:?}");
    assert!(told.iter().take(10).all(|fault| !fault.contains("more faults")), "{told:?}");
    assert!(told[10].contains(" more faults; mend those above first"), "{told:?}");
}
