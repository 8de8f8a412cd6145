//! Evidence shows each threshold of its rule to the unit: with one more or one less something else comes out.

use std::collections::BTreeSet;
use std::path::Path;

use mareva_model::Refusal;
use mareva_monitoring::Ruleset;

use super::try_rule;
use crate::config;
use crate::open::{RuleFolder, load_rules, rule_folders};

/// A number one unit of its last place larger or smaller, as it is written.
fn moved(number: &str, by: i64) -> String {
    let places = number.split_once('.').map_or(0, |(_, places)| places.len());
    let units: i64 = number.replace('.', "").parse().unwrap();
    let digits = format!("{:0>width$}", units + by, width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    if places == 0 { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// The rule with each parameter, and each interval of its SQL, one unit larger and smaller; with what was moved.
fn variants(folder: &RuleFolder) -> Vec<(String, RuleFolder)> {
    let mut all = Vec::new();
    let text = folder.toml.as_deref().unwrap();
    for (at, _) in text.match_indices("[parameters.") {
        let name = text[at + "[parameters.".len()..].split(']').next().unwrap();
        let value = at + text[at..].find("value = ").unwrap() + "value = ".len();
        let written = text[value..].lines().next().unwrap();
        let number = written.trim_matches('"');
        for by in [-1, 1].into_iter().filter(|_| number.chars().all(|c| c.is_ascii_digit() || c == '.')) {
            let mut toml = text.to_owned();
            toml.replace_range(value..value + written.len(), &written.replace(number, &moved(number, by)));
            all.push((format!("{name} {by:+}"), RuleFolder { toml: Some(toml), ..folder.clone() }));
        }
    }
    let text = folder.sql.as_deref().unwrap();
    for (at, _) in text.match_indices("INTERVAL '") {
        let number = at + "INTERVAL '".len();
        let (amount, rest) = text[number..].split_once("' ").unwrap();
        let unit: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        let millis = match unit.as_str() {
            "SECOND" => 1_000.0,
            "MINUTE" => 60_000.0,
            "HOUR" => 3_600_000.0,
            _ => 86_400_000.0,
        };
        let millis = (amount.parse::<f64>().unwrap() * millis) as i64;
        let end = number + amount.len() + "' ".len() + unit.len();
        for by in [-1, 1] {
            let mut sql = text.to_owned();
            sql.replace_range(at..end, &format!("INTERVAL '{} milliseconds'", millis + by));
            let line = 1 + text[..at].matches('\n').count();
            all.push((
                format!("line {line}, {} {by:+} ms", &text[at..end]),
                RuleFolder { sql: Some(sql), ..folder.clone() },
            ));
        }
    }
    all
}

/// What no scene can show, and why.
const NEVER: [(&str, &[&str], &str); 9] = [
    ("collector", &["min_score -1"], WEIGHTS),
    ("mule-account", &["min_score -1"], WEIGHTS),
    ("scam-victim", &["min_score -1"], WEIGHTS),
    ("round-amounts", &["min_total -1"], "it is the total of multiples of 100"),
    ("odd-hours", &["night_from -1"], "hours begin at 0"),
    (
        "odd-hours",
        &["line 23, INTERVAL '6' HOUR +1 ms", "line 23, INTERVAL '6' HOUR -1 ms"],
        "what counts lies between midnight and five: two such rows are less than 5 or more than 19 hours apart",
    ),
    (
        "on-ramp-burst",
        &["line 14, INTERVAL '30' DAY +1 ms"],
        "an earlier row makes its payee one that was known before",
    ),
    (
        "probe-then-large",
        &["line 17, INTERVAL '1' HOUR +1 ms"],
        "an earlier row makes its payee one that was known before",
    ),
    (
        "payee-ladder",
        &[
            "line 21, INTERVAL '90' DAY +1 ms",
            "line 21, INTERVAL '90' DAY -1 ms",
            "line 25, INTERVAL '90' DAY +1 ms",
            "line 25, INTERVAL '90' DAY -1 ms",
        ],
        "a payee who was paid 90 days ago or earlier is none of the rule's",
    ),
];

const WEIGHTS: &str = "weights are multiples of 0.25";

#[test]
fn evidence_shows_every_threshold_to_the_unit() {
    let config = config::load(None, &mut Refusal::default());
    let folders = rule_folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules")).unwrap();
    let mut unseen = BTreeSet::new();
    for folder in &folders {
        // Rules over signals need the rules that raise them.
        let is_alone = !folder.sql.as_deref().unwrap().contains("FROM signals");
        for (what, changed) in variants(folder) {
            let with = |one: &RuleFolder| if one.folder == changed.folder { changed.clone() } else { one.clone() };
            let rules: Result<Ruleset, Refusal> = match is_alone {
                true => load_rules(std::slice::from_ref(&changed)),
                false => load_rules(&folders.iter().map(with).collect::<Vec<_>>()),
            };
            // One that is refused is no rule that evidence could be for.
            let Ok(rules) = rules else { continue };
            if try_rule(&config, &rules, &changed).unwrap().passed() {
                unseen.insert(format!("{}: {what}", folder.folder));
            }
        }
    }
    let never: BTreeSet<String> =
        NEVER.iter().flat_map(|(rule, whats, _)| whats.iter().map(move |what| format!("{rule}: {what}"))).collect();
    let missing: Vec<&String> = unseen.difference(&never).collect();
    assert!(missing.is_empty(), "no scene shows these: {missing:#?}");
    let shown: Vec<&String> = never.difference(&unseen).collect();
    assert!(shown.is_empty(), "a scene shows what none can: {shown:#?}");
}
