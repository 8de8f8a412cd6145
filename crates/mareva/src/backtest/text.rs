//! The report as tables for a terminal.

use std::fmt::Write as _;

use super::figures::{Report, RuleFigures, Scored, Sweep};
use crate::challenge::{Challenge, Compared};

/// Pairs of rules that are shown.
const PAIRS: usize = 10;

/// Days of a challenger that are shown.
const CHALLENGE_DAYS: usize = 31;

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    let data = &report.data;
    let between = match (&data.from, &data.to) {
        (Some(from), Some(to)) => format!(" from {from} to {to}"),
        _ => String::new(),
    };
    let _ = writeln!(
        text,
        "{} transactions, {} movements, {}{between}",
        grouped(data.transactions),
        grouped(data.movements),
        data.days_in_words()
    );
    if let Some(records) = &data.records {
        let _ = writeln!(
            text,
            "records: {} produced = {} accepted + {} repeated + {} late + {} dead-lettered",
            records.produced, records.accepted, records.repeated, records.late, records.dead_lettered
        );
        records.dead_letters.iter().for_each(|words| _ = writeln!(text, "dead letters: {words}"));
        if records.without_rate > 0 {
            let _ = writeln!(text, "amounts without a rate: {}", records.without_rate);
        }
    }
    text.push('\n');
    rules(&mut text, report);
    if !report.notices.is_empty() {
        text.push('\n');
    }
    report.notices.iter().for_each(|notice| _ = writeln!(text, "note: {notice}"));
    if let Some(labels) = &report.labels {
        let _ = writeln!(text, "\nlabels: {}", labels.in_words());
        labels.all_alerts.iter().for_each(|all| _ = writeln!(text, "all alerts together: {}", scored(all)));
    }
    report.challengers.iter().for_each(|one| challenge(&mut text, one));
    if !report.overlap.is_empty() {
        text.push_str("\nsubjects that two rules both name (rows that fire both)\n");
        for pair in report.overlap.iter().take(PAIRS) {
            let [a, b] = &pair.rules;
            let _ = writeln!(text, "  {:>9} ({}) {a} and {b}", grouped(pair.subjects), grouped(pair.rows));
        }
        if report.overlap.len() > PAIRS {
            let _ = writeln!(text, "  and {} pairs more, see --out or --json", report.overlap.len() - PAIRS);
        }
    }
    report.sweeps.iter().for_each(|one| sweep(&mut text, one));
    for failed in report.rules.iter().filter_map(|rule| rule.failed.as_ref()) {
        let _ = writeln!(text, "\n{failed}");
    }
    text
}

fn rules(text: &mut String, report: &Report) {
    let longest = report.rules.iter().map(|rule| rule.rule.len()).max().unwrap_or(4);
    let mut header = format!(
        "{:longest$}  raises  {:>11} {:>9} {:>12} {:>9}",
        "rule", "detections", "subjects", "subject-days", "a day"
    );
    if report.labels.is_some() {
        let _ = write!(header, " {:>9} {:>7} {:>6} {:>13}", "precision", "recall", "F1", "value caught");
    }
    let _ = writeln!(text, "{header}");
    let per_day = |rule: &RuleFigures| rule.counts.subject_days as f64 / report.data.days.max(1) as f64;
    for rule in &report.rules {
        let counts = &rule.counts;
        let _ = write!(
            text,
            "{:longest$}  {:6}  {:>11} {:>9} {:>12} {:>9.1}",
            rule.rule,
            if rule.shadow { "shadow" } else { &rule.raises },
            grouped(counts.detections),
            grouped(counts.subjects),
            grouped(counts.subject_days),
            per_day(rule)
        );
        if let Some(score) = &rule.score {
            let _ = write!(
                text,
                " {:>9} {:>7} {:>6} {:>13}",
                share(score.precision),
                share(score.recall),
                share(score.f1),
                percent(score.value_share)
            );
        }
        let lacks = rule.failed.as_ref().map(|_| "FAILED".to_owned()).or(rule.lacks().map(str::to_uppercase));
        text.push_str(&lacks.map_or_else(|| "\n".to_owned(), |lacks| format!("  {lacks}\n")));
    }
}

fn challenge(text: &mut String, challenge: &Challenge) {
    let Challenge { rule, champion, all, days } = challenge;
    let _ = writeln!(text, "\n{rule} against {champion}: rows of both, of {rule} alone, of {champion} alone");
    let mut line = |what: &str, compared: &Compared| {
        let Compared { same, extra, missing } = compared;
        let (same, extra, missing) = (grouped(*same), grouped(*extra), grouped(*missing));
        let _ = writeln!(text, "  {what:>10}  {same:>9} the same {extra:>9} extra {missing:>9} missing");
    };
    line("all days", all);
    days.iter().take(CHALLENGE_DAYS).for_each(|(day, compared)| line(day, compared));
    if days.len() > CHALLENGE_DAYS {
        let _ = writeln!(text, "  and {} days more, see --out or --json", days.len() - CHALLENGE_DAYS);
    }
}

fn sweep(text: &mut String, sweep: &Sweep) {
    let _ = writeln!(text, "\n{} by {} (in force: {})", sweep.rule, sweep.parameter, sweep.in_force);
    for point in &sweep.points {
        let counts = &point.counts;
        let _ = write!(
            text,
            "  {:>12}  {:>9} detections {:>9} subjects {:>9} subject-days",
            point.value,
            grouped(counts.detections),
            grouped(counts.subjects),
            grouped(counts.subject_days)
        );
        if let Some(alerts) = point.alerts_over_signals {
            let _ = write!(text, " {:>9} alerts over signals", grouped(alerts));
        }
        if let Some(score) = &point.score {
            let _ = write!(text, "  {}", scored(score));
        }
        text.push_str(if point.failed.is_some() { "  FAILED\n" } else { "\n" });
    }
}

fn scored(score: &Scored) -> String {
    format!(
        "precision {}, recall {}, F1 {}, value caught {}",
        share(score.precision),
        share(score.recall),
        share(score.f1),
        percent(score.value_share)
    )
}

/// A share with two places; a dash where there is nothing to share.
pub fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.2}"))
}

/// A share in hundredths, likewise.
pub fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// A number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
