use std::path::PathBuf;

use anyhow::Result;
use mareva_model::alert::Action;
use mareva_model::{Raises, Refusal};
use mareva_monitoring::Accounts;
use mareva_pipeline::alerts::InstitutionConfig;
use mareva_screening::{ListConfig, ListSummary, ProgrammePolicy};
use serde_json::{Value, json};

use super::replay::InsteadArgs;
use crate::config::{self, ListFile};
use crate::logging;
use crate::open::{Instead, Opened, doubts, keep, open};
use crate::outcome::say;

/// Load config, rules, lists and tables, and show what would be in force
///
/// Nothing is contacted and nothing is written. Every fault is listed, and the exit code is 2.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva check --config mareva.toml
  mareva check --list sanctions=lists/ofac --json")]
pub struct Args {
    /// The config; without it the defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    instead: InsteadArgs,
    /// Write what is in force, or the faults, as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<()> {
    let mut faults = Refusal::default();
    keep(logging::start("text", "warn"), &mut faults);
    let mut config = config::load(args.config.as_deref(), &mut faults);
    Instead::from(args.instead).apply(&mut config, &mut faults);
    let opened = keep(open(&config), &mut faults);
    let opened = faults
        .into_result()
        .and_then(|()| opened.ok_or_else(|| Refusal::one("config", "could not be opened", "report this")));
    match opened {
        Ok(opened) if args.json => say(in_force(&opened, &config.lists))?,
        Ok(opened) => say(shown(&in_force(&opened, &config.lists), &opened.parts.watchlist.lists()).trim_end())?,
        Err(refusal) => {
            if args.json {
                // The refusal decides how it ends, read or not.
                _ = say(json!({ "ok": false, "faults": refusal.0 }));
            }
            return Err(refusal.into());
        }
    }
    Ok(())
}

fn in_force(opened: &Opened, lists: &[ListFile]) -> Value {
    let parts = &opened.parts;
    let for_review = lists.iter().filter(|file| !file.list.evidence_class.is_confirmed());
    let for_review: Vec<&str> = for_review.map(|file| file.list.name.as_str()).collect();
    let rules = parts.ruleset.rules().iter().map(|rule| &rule.reference);
    let rules: Vec<Value> = rules
        .map(|rule| json!({ "id": rule.id, "version": rule.version, "raises": rule.raises, "shadow": rule.shadow }))
        .collect();
    json!({
        "ok": true,
        "epoch": parts.epoch(),
        "rules": rules,
        "notices": opened.notices,
        "lists": parts.watchlist.lists(),
        "actions_here": actions_here(&parts.config.alerts.institution, lists),
        "jurisdiction": parts.config.alerts.institution.jurisdiction.as_deref().unwrap_or_default(),
        "for_review": for_review,
        "accounts": parts.accounts.batch().num_rows(),
        "roles": roles(&parts.accounts),
        "vasps": parts.vasps.len(),
        "reference_currency": parts.rates.reference(),
        "rates": parts.rates.digest(),
        "topics": parts.config.streams.keys().collect::<Vec<_>>(),
        "brokers": opened.connection.brokers(),
    })
}

/// How many accounts have each role.
fn roles(accounts: &Accounts) -> Value {
    let named = |(role, count): (Option<&str>, usize)| (role.unwrap_or("none").to_owned(), json!(count));
    accounts.by_role().into_iter().map(named).collect::<serde_json::Map<_, _>>().into()
}

/// What each list, and each programme with a policy of its own, may bring about at most at this institution.
fn actions_here(institution: &InstitutionConfig, lists: &[ListFile]) -> Vec<Value> {
    let at_most = |list: &ListConfig, programme: Option<&ProgrammePolicy>| {
        let asked = programme.map_or(list.action, |own| own.action);
        let binding_in = programme.and_then(|own| own.binding_in.as_ref()).unwrap_or(&list.binding_in);
        let here = match list.evidence_class.is_confirmed() {
            true => institution.action_here(asked, list.regime, binding_in),
            false => Action::Review,
        };
        json!({
            "list": list.name, "programme": programme.map(|own| &own.programme), "asked": asked, "here": here,
            "binding_in": binding_in,
        })
    };
    let each = lists.iter().flat_map(|file| {
        let programmes = file.list.programmes.iter().map(Some);
        std::iter::once(None).chain(programmes).map(|programme| at_most(&file.list, programme))
    });
    each.collect()
}

/// Says where less is done here than a list asks for, since it does not bind here.
fn not_binding(action: &Value, jurisdiction: &str) -> Option<String> {
    let text = |key: &str| action[key].as_str().unwrap_or_default();
    let weaker = text("here") == "report" && text("asked") != "report";
    let ours = if jurisdiction.is_empty() { "institution.jurisdiction, which is empty" } else { jurisdiction };
    let places: Vec<&str> = action["binding_in"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let programme = action["programme"].as_str().map_or(String::new(), |name| format!("programme {name}: "));
    let binding = if places.is_empty() { "nowhere".to_owned() } else { format!("in {}", places.join(", ")) };
    weaker.then(|| format!("{programme}report, not {}: it binds {binding}, and not in {ours}", text("asked")))
}

fn shown(in_force: &Value, summaries: &[ListSummary]) -> String {
    let mut text = format!("epoch     {}\n", in_force["epoch"].as_str().unwrap_or_default());
    let mut line = |label: &str, content: String| text.push_str(&format!("{label:<9} {content}\n"));
    let rules = in_force["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    let alert = json!(Raises::Alert);
    let (tried, told): (Vec<&Value>, Vec<&Value>) = rules.iter().partition(|rule| rule["shadow"] == true);
    let ids = |rules: &[&Value]| -> Vec<String> {
        rules.iter().filter_map(|rule| rule["id"].as_str()).map(str::to_owned).collect()
    };
    let raising = ids(&told.into_iter().filter(|rule| rule["raises"] == alert).collect::<Vec<_>>());
    line("rules", format!("{}, of which {} raise alerts: {}", rules.len(), raising.len(), raising.join(", ")));
    if !tried.is_empty() {
        line("in shadow", ids(&tried).join(", "));
    }
    let noted = in_force["notices"].as_array().into_iter().flatten().filter_map(Value::as_str);
    noted.for_each(|notice| line("notice", notice.to_owned()));
    let for_review = in_force["for_review"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lists = in_force["lists"].as_array().map(Vec::as_slice).unwrap_or_default();
    let actions = in_force["actions_here"].as_array().map(Vec::as_slice).unwrap_or_default();
    let here = |name: &Value| actions.iter().find(|action| action["list"] == *name);
    for (list, summary) in lists.iter().zip(summaries) {
        let (name, counts) = (&list["list"], &list["counts"]);
        let what = format!(
            "{} ({}, {}), version {}: {} entries, {} identifiers, {} names, {} KiB",
            name["name"].as_str().unwrap_or_default(),
            name["regime"].as_str().unwrap_or_default(),
            here(&name["name"]).map_or("", |action| action["here"].as_str().unwrap_or_default()),
            name["version"].as_str().unwrap_or_default(),
            counts["entries"],
            counts["identifiers"],
            counts["names"],
            list["bytes"].as_u64().unwrap_or_default() / 1024,
        );
        line("list", what);
        if for_review.contains(&name["name"]) {
            line("", "every hit is a review at most: its evidence_class is below institution_confirmed".to_owned());
        }
        let jurisdiction = in_force["jurisdiction"].as_str().unwrap_or_default();
        for action in actions.iter().filter(|action| action["list"] == name["name"]) {
            not_binding(action, jurisdiction).into_iter().for_each(|text| line("", text));
        }
        for doubt in doubts(summary) {
            line("", doubt);
        }
    }
    if lists.is_empty() {
        line("lists", "none: nothing is screened".to_owned());
    }
    line("tables", format!("{} accounts, {} accounts of VASPs", in_force["accounts"], in_force["vasps"]));
    let roles = in_force["roles"].as_object().into_iter().flatten();
    let roles: Vec<String> = roles.map(|(role, count)| format!("{count} {role}")).collect();
    if !roles.is_empty() {
        line("roles", roles.join(", "));
    }
    let rates =
        in_force["rates"].as_str().map_or("no rates: amounts in other currencies count for nothing", |_| "with rates");
    line("currency", format!("{}, {rates}", in_force["reference_currency"].as_str().unwrap_or_default()));
    let topics: Vec<&str> =
        in_force["topics"].as_array().map(|all| all.iter().filter_map(Value::as_str).collect()).unwrap_or_default();
    line(
        "kafka",
        format!("{} from {} (not contacted)", topics.join(", "), in_force["brokers"].as_str().unwrap_or_default()),
    );
    text
}
