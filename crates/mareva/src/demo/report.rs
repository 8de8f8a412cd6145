//! The end of the demo, in figures.

use anyhow::Result;
use mareva_kafka::RunSummary;
use serde_json::json;

use super::Settings;
use super::board::Board;
use super::feed::Fed;
use super::score::{Score, Share, score};
use crate::outcome::say;

/// Writes the summary to standard output.
pub fn write(settings: &Settings, board: &Board, fed: &Fed, ran: &RunSummary) -> Result<()> {
    let state = board.state();
    let summary = state.tally.summary();
    let score = score(state.alerts.values(), &fed.labels);
    let latency = [0.5, 0.99].map(|q| ran.stats.append_to_alert.quantile(q));
    let [sanctions, mules] = state.hits;
    if settings.json {
        let mut line = serde_json::to_value(&summary)?;
        line["broker"] = json!("in-process mock cluster of librdkafka");
        line["seed"] = json!(settings.seed);
        line["sent"] = json!(fed.records);
        line["seconds"] = json!(board.elapsed().as_secs_f64());
        line["confirmed_sanctions_hits"] = json!(sanctions);
        line["confirmed_mule_hits"] = json!(mules);
        line["rules_behind_alerts"] = json!(score.alerts_by_rule.len());
        line["append_to_alert_ms"] = json!({ "p50": latency[0], "p99": latency[1] });
        line["score"] = serde_json::to_value(&score)?;
        say(&line)?;
        return Ok(());
    }
    say(format_args!("\n{}", summary.text().trim_end()))?;
    say(format_args!("confirmed hits: {sanctions} on sanctions lists, {mules} on the list of mule accounts"))?;
    say(by_rule(&score))?;
    let [p50, p99] = latency.map(|ms| ms.map_or("-".to_owned(), |ms| format!("{ms} ms")));
    say(format_args!(
        "append to alert: p50 {p50}, p99 {p99} (mock broker inside the process: no promise about a real one)"
    ))?;
    say("\nagainst the labels of the simulation:")?;
    let found = [
        ("collectors and mules found", score.recall_suspects),
        ("victims recognised", score.recall_victims),
        ("listed parties found", score.recall_sanctioned),
        ("alerts about a crime", score.precision_alerts),
        ("restraints on criminals' accounts", score.precision_restraints),
    ];
    for (what, share) in found {
        say(format_args!("  {what:<34} {}", shown(share)))?;
    }
    say(format_args!("  {:<34} {}", "victims' accounts restrained", score.victims_restrained))?;
    if fed.records < settings.transactions {
        say(format_args!("\nended after {} of {} records", fed.records, settings.transactions))?;
    }
    Ok(())
}

fn by_rule(score: &Score) -> String {
    let rules: Vec<String> = score.alerts_by_rule.iter().map(|(rule, alerts)| format!("{rule} {alerts}")).collect();
    if rules.is_empty() {
        return "no alert rests on a rule".to_owned();
    }
    format!("alerts rest on {} rules: {}", rules.len(), rules.join(", "))
}

fn shown(share: Share) -> String {
    match share.of {
        0 => "none to find".to_owned(),
        of => format!("{} of {of} ({} %)", share.found, share.found * 100 / of),
    }
}
