use mareva_monitoring::{RuleText, Ruleset};

use super::{all_faults, without_source};

const SQL: &str = "-- $comment\nSELECT row_id, account AS subject, event_time FROM movements WHERE kind <> '$text' AND amount_ref > $least";
const TOML: &str = "id = \"a\"\nversion = 1\ntitle = \"t\"\nseverity = \"low\"\nraises = \"signal\"\nweight = \"1.00\"\n\
                    subject_role = \"suspect\"\ntargets = \"none\"\naction = \"review\"\nreason_code = \"FRAD\"\n\
                    typology = \"T\"\nsources = [{ title = \"s\" }]\n\
                    [parameters.least]\nvalue = \"5.00\"\ntype = \"decimal\"\nsource = \"s\"\n";

/// What is said of a rule whose text has this in the place of that.
fn faults(changes: &[(&str, &str)]) -> Vec<String> {
    let toml = changes.iter().fold(TOML.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let texts = [RuleText { folder: "a".to_owned(), toml, sql: SQL.to_owned() }];
    let of_engine = Ruleset::load(&texts).err().map(|refusal| refusal.0).unwrap_or_default();
    let told = all_faults(&texts, of_engine);
    told.iter().map(|fault| fault.to_string().replace("rules/a/rule.toml", "")).collect()
}

#[test]
fn every_fault_has_its_line_and_says_what_to_write() {
    assert_eq!(faults(&[]), [""; 0]);
    for (from, to, expected) in [
        ("title = \"t\"", "title = My count", ":3: string values must be quoted"),
        ("severity = \"low\"", "severity = \"low", ":4: "),
        ("title = \"t\"", "title = \"t\"\ntitle = \"u\"", ":4: duplicate key"),
        ("severity = \"low\"", "severity = \"huge\"", ":4: severity: `huge` is unknown"),
        ("version = 1", "version = \"1\"", ":2: version: is no whole number; write it without quotes: version = 1"),
        ("version = 1", "version = 0", ":2: version: is 0; begin with version = 1"),
        ("weight = \"1.00\"", "weight = 1.0", ":6: weight: is no text; write a decimal in quotes"),
        ("weight = \"1.00\"", "weight = \"-1.00\"", ":6: weight: is below zero"),
        ("raises = \"signal\"", "raises = \"alert\"", ":6: weight: is read of no rule that raises alerts; remove it"),
        ("{ title = \"s\" }", "\"\u{200b}\"", ":12: sources: no source; name the published red flag"),
        ("{ title = \"s\" }", "\"\u{3164}\"", ":12: sources: no source; name the published red flag"),
        ("version = 1", "version = 1\nemit = \"close\"", ":3: emit: a rule that fires as of each row has no window"),
        (
            "version = 1",
            "version = 1\nemit = \"later\"",
            ":3: emit: unknown variant `later`, expected `update` or `close`",
        ),
        ("version = 1", "version = 1\nknown_gaps = [\"\"]", ":3: known_gaps: one is blank; say what"),
        ("version = 1", "version = 1\nneeds_history = \"180d\"", ":3: needs_history: not a span; write a number and"),
        (
            "value = \"5.00\"",
            "value = 3.5",
            ":14: parameters.least.value: is a floating-point number, which is not exact; write it in quotes: value = \"3.5\"",
        ),
        ("type = \"decimal\"\n", "", ":13: parameters.least.type: is missing; write type = \"decimal\""),
        ("value = \"5.00\"\n", "", ":13: parameters.least.value: is missing"),
        ("value = \"5.00\"", "value = \"many\"", ":13: parameters.least: "),
        ("source = \"s\"", "sorce = \"s\"", ":16: parameters.least.sorce: is no key here; perhaps you mean source"),
        ("{ title = \"s\" }", "{ titel = \"s\" }", ":12: sources[0].titel: is no key here; perhaps you mean title"),
        (
            "[parameters.least]",
            "[parameters.text]\nvalue = 1\ntype = \"integer\"\n[parameters.least]",
            ":13: parameters.text: is not in rule.sql; write $text where it is meant",
        ),
    ] {
        let told = faults(&[(from, to)]);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{to}: {told:?}");
    }
    let told = faults(&[("severity", "severty")]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|one| one.starts_with(": severity: is missing")), "{told:?}");
    assert!(told.iter().any(|one| one.contains(":4: severty: is no key of a rule; perhaps you mean severity; ")));
}

#[test]
fn a_parameter_without_a_source_is_told() {
    let text = |toml: String| RuleText { folder: "a".to_owned(), toml, sql: SQL.to_owned() };
    assert_eq!(without_source(&text(TOML.to_owned())), [""; 0]);
    let blank = without_source(&text(TOML.replace("source = \"s\"\n", "source = \" \"\n")));
    let told = without_source(&text(TOML.replace("source = \"s\"\n", "")));
    assert_eq!(told, blank);
    assert_eq!(told, ["parameter least of a names no source"]);
}
