use std::fs;

use mareva_model::SubjectRole;
use mareva_monitoring::key_of;

use super::{Labels, Meaning, Part, Truth};
use mareva_monitoring::backtest::Through;

fn read(text: &str) -> Result<Labels, String> {
    let path = std::env::temp_dir().join(format!("mareva-labels-{}-{:x}", std::process::id(), key_of(text)));
    fs::write(&path, text).unwrap();
    let labels = Labels::read(&path).map_err(|refusal| refusal.to_string());
    fs::remove_file(&path).unwrap();
    labels
}

#[test]
fn labels_are_read_from_tables_and_from_simulations() {
    let table =
        "bank,Account,label\nx,DE89 3704 0044 0532 0130 00,mule\nx,acct:ABCDDEFF/1,Victim\nx,acct:ABCDDEFF/2,payroll\n";
    let labels = read(table).unwrap();
    let part = |account: &str| labels.accounts.get(&key_of(account)).map(|(part, _)| *part);
    assert_eq!(part("iban:DE89370400440532013000"), Some(Part::Criminal));
    assert_eq!(part("acct:ABCDDEFF/1"), Some(Part::Victim));
    assert_eq!(part("acct:ABCDDEFF/2"), None);
    // The same account in two spellings is one.
    let again = read(&format!("{table}x,DE89370400440532013000,mule\nx,DE89370400440532013000,collector\n")).unwrap();
    let words = |word: &str| again.words.get(word).copied();
    assert_eq!((words("mule"), words("collector"), words("victim")), (Some(1), Some(1), Some(1)));
    let lines = "{\"type\":\"account\",\"account\":\"a\",\"role\":\"mule\",\"operation\":\"op-1\"}\n\
                 {\"type\":\"account\",\"account\":\"b\",\"role\":\"mule\",\"operation\":\"op-2\"}\n\
                 {\"type\":\"transaction\",\"tx_id\":\"1\",\"source\":\"s\",\"operation\":\"op-1\",\"role\":\"victim_payment\"}\n";
    let labels = read(lines).unwrap();
    assert_eq!(labels.accounts.len(), 1, "nobody has paid into the other operation");
    assert!(labels.transactions.contains(&key_of("s:1")));
}

#[test]
fn what_is_no_label_is_told_by_line() {
    assert!(read("account;label\n").unwrap_err().contains("columns account and label"));
    assert!(read("account,label\na,mule,x\n,mule\n").unwrap_err().matches(": ").count() >= 2);
    assert!(read("account,label,Label\na,mule,x\n").unwrap_err().contains("label twice"));
    assert!(read("account,label\na,clean\n").unwrap_err().contains("no account is labelled"));
    assert!(read("{\"type\":\"account\"}\nnot json\n").unwrap_err().contains(":2: is no JSON"));
}

#[test]
fn labels_that_are_misspelt_or_contradict_each_other_are_refused_and_others_counted() {
    let labels = read("account,label\na,mule\nb,Unknown\nc,n/a\nd,mule\na,mule\na,unknown\ne,\n").unwrap();
    assert_eq!(labels.accounts.len(), 2);
    let words: Vec<(&str, usize)> = labels.words.iter().map(|(word, number)| (word.as_str(), *number)).collect();
    assert_eq!(words, [("", 1), ("mule", 2), ("n/a", 1), ("unknown", 2)]);
    let refusal = read("account,label\na,victm\nb,inocent\nc,victim\nd,normal\nc,mule\nd,victim\n").unwrap_err();
    for part in [
        ":2: the label `victm` is not known; perhaps you mean victim",
        ":3: the label `inocent` is not known; perhaps you mean innocent",
        ":6: says something else of an account than line 4",
        ":7: says something else of an account than line 5",
    ] {
        assert!(refusal.contains(part), "{part}: {refusal}");
    }
    for criminal in ["collector", "sanctioned", "fraud", "mule", "1", "yes", "cash_out", "scammer"] {
        let read = read(&format!("account,label\na,{criminal}\n"));
        assert_eq!(read.unwrap().accounts.len(), 1, "{criminal}");
    }
}

#[test]
fn a_score_counts_those_whom_a_rule_is_meant_to_find() {
    let through = |received, sent| Through { received, sent };
    let accounts = [
        ("m", Part::Criminal, through(300, 1)),
        ("n", Part::Criminal, through(100, 1)),
        ("v", Part::Victim, through(9, 400)),
    ];
    let truth = Truth {
        accounts: accounts.into_iter().map(|(name, part, through)| (key_of(name), (part, through))).collect(),
        by_transaction: false,
        labelled: 3,
        words: Default::default(),
    };
    let named = || ["m", "v", "x"].into_iter().map(key_of);
    let suspects = truth.score(SubjectRole::Suspect, named());
    assert_eq!((suspects.named, suspects.right, suspects.of), (3, 1, 2));
    assert_eq!((suspects.value_caught, suspects.value_of), (300, 400));
    let told = serde_json::to_value(suspects).unwrap();
    assert_eq!((&told["value_caught"], &told["value_of"]), (&"3.00".into(), &"4.00".into()));
    assert_eq!((suspects.recall(), suspects.f1()), (Some(0.5), Some(0.4)));
    let victims = truth.score(SubjectRole::Victim, named());
    assert_eq!((victims.right, victims.of, victims.value_caught), (1, 1, 400));
    assert_eq!(truth.score(SubjectRole::Unknown, named()).right, 2);
    assert_eq!(truth.score(SubjectRole::Victim, std::iter::empty()).precision(), None);
}

#[test]
fn words_of_cleared_cases_are_innocent() {
    for label in ["false positive", "false_positive", "false-positive", "cleared", "no_sar", "not suspicious", ""] {
        assert!(Meaning::of(label) == Meaning::Innocent, "{label}");
    }
    assert!(Meaning::of("-") == Meaning::Unknown);
    for label in ["mule", "--", "positive", "suspicious"] {
        assert!(Meaning::of(label) == Meaning::Criminal, "{label}");
    }
}
