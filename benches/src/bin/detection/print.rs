//! Figures as tables and as JSON.

use std::collections::BTreeMap;

use mareva_model::Raises;
use serde_json::{Value, json};

use crate::figures::{AUDIENCES, Alerts, Contender, Figures};
use crate::instances::Tally;
use crate::quality::share;

/// Single rules shown beside the alerts.
const BEST: usize = 3;

/// Tables on standard output.
pub(crate) fn text(figures: &Figures) {
    println!("\n# {}: {} transactions accepted, {} not\n", figures.name, figures.accepted, figures.refused);
    alerts(figures);
    rules(figures);
    contest(figures);
    tallies("operations by kind of fraud", &figures.schemes, Some(figures.operations()));
    tallies("parts of operations by what they do", &figures.parts, None);
}

fn alerts(figures: &Figures) {
    println!("| run | alerts | stand | precision | operations found | of innocents: alerts | holds | reachable |");
    println!("|---|---|---|---|---|---|---|---|");
    let line = |name: &str, tally: &Tally, alerts: &Alerts| {
        println!(
            "| {name} | {} | {} | {:.2} | {} of {} | {} ({:.3} per 1,000 a day) | {} ({:.4}) | {:.2} |",
            alerts.published,
            alerts.standing,
            alerts.precision(),
            tally.either,
            tally.of,
            alerts.wrong,
            alerts.rate(alerts.wrong),
            alerts.wrong_holds,
            alerts.rate(alerts.wrong_holds),
            alerts.reachable_share()
        );
    };
    figures.runs.iter().for_each(|(name, tally, alerts)| line(name, tally, alerts));
    line("all", &figures.operations(), &figures.alerts);
}

fn rules(figures: &Figures) {
    println!("\n| rule | raises | subject | named | right | of | precision | recall | F1 |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut sorted: Vec<_> = figures.rules.iter().collect();
    sorted.sort_by(|(_, (left, a)), (_, (right, b))| {
        let alert = |raises: Raises| raises != Raises::Alert;
        alert(left.raises).cmp(&alert(right.raises)).then(b.f1().total_cmp(&a.f1()))
    });
    let (quiet, sorted): (Vec<_>, Vec<_>) = sorted.into_iter().partition(|(_, (_, found))| found.named == 0);
    for (id, (rule, found)) in sorted {
        let raises = if rule.raises == Raises::Alert { "alert" } else { "signal" };
        let role = format!("{:?}", rule.subject_role).to_lowercase();
        let [precision, recall, f1] = [found.precision(), found.recall(), found.f1()];
        let (named, right, of) = (found.named, found.right, found.of);
        println!("| {id} | {raises} | {role} | {named} | {right} | {of} | {precision:.2} | {recall:.2} | {f1:.2} |");
    }
    let quiet: Vec<&str> = quiet.into_iter().map(|(id, _)| id.as_str()).collect();
    if !quiet.is_empty() {
        println!("\nName no account that we keep: {}.", quiet.join(", "));
    }
}

/// The single rules with the highest F1, best first.
fn best(singles: &BTreeMap<String, Contender>) -> Vec<(&String, &Contender)> {
    let mut sorted: Vec<_> = singles.iter().collect();
    sorted.sort_by(|(_, a), (_, b)| b.accounts.f1().total_cmp(&a.accounts.f1()));
    sorted
}

fn contest(figures: &Figures) {
    println!("\n| find | by | named | precision | recall | F1 | operations found |");
    println!("|---|---|---|---|---|---|---|");
    for (audience, _) in AUDIENCES {
        let Some((alerts, singles)) = figures.contest.get(audience) else { continue };
        let line = |name: &str, by: &Contender| {
            let [precision, recall, f1] = [by.accounts.precision(), by.accounts.recall(), by.accounts.f1()];
            let named = by.accounts.named;
            let found = format!("{} of {}", by.operations, by.of);
            println!("| {audience} | {name} | {named} | {precision:.2} | {recall:.2} | {f1:.2} | {found} |");
        };
        line("alerts: subjects", &alerts[0]);
        line("alerts: subjects and targets", &alerts[1]);
        let best = best(singles).into_iter().filter(|(_, single)| single.accounts.right > 0);
        best.take(BEST).for_each(|(id, single)| line(id, single));
    }
}

fn tallies(title: &str, tallies: &BTreeMap<String, Tally>, all: Option<Tally>) {
    if tallies.is_empty() {
        return;
    }
    println!(
        "\n| {title} | of | by account | by transaction | found | recall | touched | hours p50, p90 | value named |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let line = |kind: &str, tally: &Tally| {
        let hours = |quantile| tally.hours(quantile).map_or("-".to_owned(), |hours| format!("{hours:.1}"));
        println!(
            "| {kind} | {} | {} | {} | {} | {:.2} | {} | {}, {} | {:.2} |",
            tally.of,
            tally.by_account,
            tally.by_transaction,
            tally.either,
            share(tally.either, tally.of),
            tally.touched,
            hours(0.5),
            hours(0.9),
            tally.value_share()
        );
    };
    tallies.iter().for_each(|(kind, tally)| line(kind, tally));
    if let Some(all) = all {
        line("all", &all);
    }
}

/// The same as JSON.
pub(crate) fn json(figures: &Figures) -> Value {
    let rules = figures.rules.iter().map(|(id, (rule, found))| {
        let mut line = found.json();
        line["rule"] = json!(id);
        line["typology"] = json!(rule.typology);
        line["raises"] = json!(rule.raises);
        line["subject_role"] = json!(rule.subject_role);
        line
    });
    let contender = |by: &Contender| {
        let mut line = by.accounts.json();
        line["operations_found"] = json!(by.operations);
        line["operations"] = json!(by.of);
        line
    };
    let contest = figures.contest.iter().map(|(audience, (alerts, singles))| {
        let singles: Vec<Value> = best(singles)
            .into_iter()
            .map(|(id, single)| {
                let mut line = contender(single);
                line["rule"] = json!(id);
                line
            })
            .collect();
        let [subjects, targets] = alerts.each_ref().map(&contender);
        json!({
            "find": audience,
            "subjects_of_alerts": subjects,
            "subjects_and_targets_of_alerts": targets,
            "single_rules_best_first": singles,
        })
    });
    let tallies = |tallies: &BTreeMap<String, Tally>| {
        tallies.iter().map(|(kind, tally)| (kind.clone(), tally.json())).collect::<serde_json::Map<_, _>>()
    };
    let runs = figures
        .runs
        .iter()
        .map(|(name, tally, alerts)| json!({ "run": name, "operations": tally.json(), "alerts": alerts_json(alerts) }));
    json!({
        "data": figures.name,
        "accepted": figures.accepted,
        "not_accepted": figures.refused,
        "alerts": alerts_json(&figures.alerts),
        "operations": figures.operations().json(),
        "runs": runs.collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
        "contest": contest.collect::<Vec<_>>(),
        "operations_by_kind": tallies(&figures.schemes),
        "parts_of_operations": tallies(&figures.parts),
    })
}

fn alerts_json(alerts: &Alerts) -> Value {
    json!({
        "published": alerts.published,
        "standing": alerts.standing,
        "right": alerts.right,
        "precision": alerts.precision(),
        "about_innocents": alerts.wrong,
        "about_innocents_per_1000_a_day": alerts.rate(alerts.wrong),
        "holds_of_innocents": alerts.wrong_holds,
        "holds_of_innocents_per_1000_a_day": alerts.rate(alerts.wrong_holds),
        "reachable_at_alert": alerts.reachable_share(),
    })
}
