//! What rules become and cost, as text.

use std::fmt::Display;

use anyhow::Result;
use mareva_monitoring::explain::{Cost, Explained, WindowExplained, span};

use crate::outcome::say;

/// One line for each rule: what it adds to the others, and in brackets what it would take alone.
pub(super) fn tell_each_in_a_line(rules: &[Explained]) -> Result<()> {
    let longest = rules.iter().map(|rule| rule.rule.len()).max().unwrap_or(0);
    say("What each rule adds to the others, and in brackets what it takes alone (estimates):\n")?;
    let line = |rule: &str, table: &str, cells: [String; 5]| {
        let cells = cells.map(|cell| format!("  {cell:>12}")).concat();
        say(format_args!("{rule:longest$}  {table:12}{cells}"))
    };
    let heads = ["aggregates", "conditions", "timelines", "bytes a row", "bytes a key"];
    line("rule", "table", heads.map(str::to_owned))?;
    for rule in rules {
        let cells = figures(&rule.cost).map(|(_, alone, added)| format!("{added} ({alone})"));
        line(&rule.rule, rule.table, cells)?;
    }
    say(
        "\nName rules to see their conditions, windows and SQL: `mareva rules explain RULE…`; --json tells all of every one.",
    )
}

/// All of each rule.
pub(super) fn tell_whole(rules: &[Explained]) -> Result<()> {
    for (number, rule) in rules.iter().enumerate() {
        if number > 0 {
            say("")?;
        }
        tell_plan(rule)?;
        tell_cost(rule)?;
        say("  SQL for stock DataFusion, and engines that have its functions:")?;
        rule.sql.trim_end().lines().try_for_each(|line| say(format_args!("    {line}")))?;
    }
    Ok(())
}

fn tell_plan(rule: &Explained) -> Result<()> {
    say(format_args!("{} v{}, on {}", rule.rule, rule.version, rule.table))?;
    if rule.gate.is_empty() {
        say("  judges every row")?;
    }
    // What WHERE says is said once, not of each window again.
    let is_for_all = |atom: &String| {
        let counted = |window: &WindowExplained| window.counts.contains(atom);
        !rule.windows.is_empty() && rule.windows.iter().all(counted)
    };
    let (all, judged): (Vec<&String>, Vec<&String>) = rule.gate.iter().partition(|atom| is_for_all(atom));
    list("judges and counts rows where", &all)?;
    list("judges a row where", &judged)?;
    for window in &rule.windows {
        say(format_args!("  {} by {} over {}", window.aggregate, window.keys.join(", "), window.window))?;
        let own: Vec<&String> = window.counts.iter().filter(|atom| !all.contains(atom)).collect();
        list("    counts where", &own)?;
        if !window.shared_with.is_empty() {
            say(format_args!("      shared with {}", window.shared_with.join(", ")))?;
        }
    }
    list("fires where", &rule.qualify)?;
    let is_told =
        |(name, made_of): &&(String, String)| name != made_of && !matches!(name.as_str(), "row_id" | "event_time");
    let told = rule.outputs.iter().filter(is_told).map(|(name, made_of)| format!("{name} = {made_of}"));
    list("reports", &told.collect::<Vec<_>>())?;
    if rule.needs_history_ms > 0 {
        let needed = span(rule.needs_history_ms);
        say(format_args!("  fires once there are {needed} of history (needs_history), which its SQL does not say"))?;
    }
    if rule.emits_on_close {
        say("  tells of a window when it has closed, and takes nothing back (emit)")?;
    }
    if !rule.shares_timelines_with.is_empty() {
        say(format_args!("  stands on the timelines of {}", rule.shares_timelines_with.join(", ")))?;
    }
    Ok(())
}

/// What each figure is of, the rule alone and what it adds to the others.
fn figures(cost: &Cost) -> [(&'static str, usize, usize); 5] {
    [
        ("aggregates a row touches", cost.features, cost.features_added),
        ("conditions a row is tested by", cost.conditions, cost.conditions_added),
        ("timelines a row stands on", cost.timelines, cost.timelines_added),
        ("bytes for each row", cost.bytes_per_row, cost.bytes_per_row_added),
        ("bytes for each key", cost.bytes_per_key, cost.bytes_per_key_added),
    ]
}

fn tell_cost(rule: &Explained) -> Result<()> {
    let cost = &rule.cost;
    say("  costs, alone and added to the other rules (estimates):")?;
    say(format_args!("    {:32} {:>6} {:>6}", "", "alone", "added"))?;
    for (what, alone, added) in figures(cost) {
        say(format_args!("    {what:32} {alone:>6} {added:>6}"))?;
    }
    if cost.takes_more > 0 {
        say(format_args!(
            "    and for {} aggregates about 32 bytes for each distinct value in the window (24 for MIN and MAX)",
            cost.takes_more
        ))?;
    }
    Ok(())
}

fn list(what: &str, atoms: &[impl Display]) -> Result<()> {
    atoms.iter().try_for_each(|atom| say(format_args!("  {what} {atom}")))
}
