use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mareva_model::{Fault, Refusal, perhaps};
use mareva_monitoring::{Ruleset, Table};
use serde_json::{Value, json};

use crate::config;
use crate::open::{RuleFolder, keep, load_rules, notices, rule_folders, uncounted, without_sources};
use crate::outcome::say;
use crate::replay::{WholeFile, word_of};

mod backtest;
mod evidence;
mod explain;

use evidence::{Trial, try_rule, unread};

/// Check, test, back-test, explain and list rules
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Check(CheckArgs),
    Test(TestArgs),
    List(ListArgs),
    Backtest(backtest::BacktestArgs),
    Explain(explain::ExplainArgs),
}

/// Read, plan and compile rules, and see that each carries evidence that can be read
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva rules check
  mareva rules check --rules my-rules --json")]
pub struct CheckArgs {
    /// Folder with one folder for each rule; without it the rule pack in the binary
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Write the rules, or the faults, as one JSON object
    #[arg(long)]
    json: bool,
}

/// Run the evidence of rules: what must fire, what must not, and what comes out
///
/// A rule over transactions or movements is alone in force; with a rule over signals all are. Lines of fires.ndjson and
/// quiet.ndjson are records of either stream, or accounts with "type":"account".
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva rules test
  mareva rules test --rules my-rules structuring shared-device
  mareva rules test --rules my-rules --update structuring")]
pub struct TestArgs {
    /// Folder with one folder for each rule; without it the rule pack in the binary
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Rules to test; all of them without
    #[arg(value_name = "RULE")]
    only: Vec<String>,
    /// Write expected.ndjson anew where fires.ndjson fires the rule; look at what changed before you keep it. What must not
    /// fire and does is a failure all the same
    #[arg(long, requires = "rules")]
    update: bool,
    /// Write the results as one JSON object
    #[arg(long)]
    json: bool,
}

/// List rules
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva rules list
  mareva rules list --rules my-rules --json")]
pub struct ListArgs {
    /// Folder with one folder for each rule; without it the rule pack in the binary
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Write the rules as one JSON array
    #[arg(long)]
    json: bool,
}

pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Check(args) => check(&args),
        Command::Test(args) => test(&args),
        Command::List(args) => list(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Explain(args) => explain::run(&args),
    }
}

fn folders(path: Option<&Path>) -> Result<Vec<RuleFolder>, Refusal> {
    rule_folders(path.unwrap_or(Path::new("")))
}

fn check(args: &CheckArgs) -> Result<()> {
    let checked = checked(args.rules.as_deref());
    match checked {
        Ok(ruleset) if args.json => {
            say(json!({ "ok": true, "rules": described(&ruleset), "notices": noted(&ruleset) }))?;
        }
        Ok(ruleset) => {
            let number = ruleset.rules().len();
            let rules = if number == 1 { "rule" } else { "rules" };
            say(format_args!("{number} {rules}, digest {}", ruleset.digest()))?;
            noted(&ruleset).iter().try_for_each(say)?;
        }
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

fn checked(path: Option<&Path>) -> Result<Ruleset, Refusal> {
    let folders = folders(path)?;
    let mut faults = Refusal::default();
    let config = config::load(None, &mut faults);
    let ruleset = keep(load_rules(&folders), &mut faults);
    for folder in &folders {
        let beside = format!("{}/{}", folder.beside.trim_end_matches('/'), folder.folder);
        for file in folder.missing_evidence() {
            let place = format!("{beside}/{file}");
            let is_read = folder.unreadable.0.iter().all(|fault| fault.place != place);
            if is_read {
                let remedy = match file {
                    "expected.ndjson" => "write it with `mareva rules test --rules DIR --update`",
                    _ => "a rule is not a rule until it carries its evidence; see rules/README.md",
                };
                faults.0.push(Fault::new(place, "is missing or empty", remedy));
            }
        }
        match unread(&config, folder) {
            Ok(lines) => faults.0.extend(lines.into_iter().map(|(file, (line, reason))| {
                Fault::new(format!("{beside}/{file}:{line}"), reason, "mend the line; see rules/README.md")
            })),
            Err(error) => faults.0.push(Fault::new(beside, format!("cannot be tried: {error:#}"), "report this")),
        }
    }
    match ruleset {
        Some(ruleset) if faults.0.is_empty() => Ok(ruleset),
        _ => Err(faults),
    }
}

/// A rule that is not there.
fn unknown<'r>(id: &str, known: impl Iterator<Item = &'r str>) -> Fault {
    let near = perhaps(id, known);
    let remedy = format!("{near}see `mareva rules list`, with --rules where the rule is of a folder of yours");
    Fault::new(format!("rule {id}"), "there is no such rule", remedy)
}

fn noted(ruleset: &Ruleset) -> Vec<String> {
    notices(ruleset).into_iter().chain(uncounted(ruleset)).chain(without_sources(ruleset)).collect()
}

fn described(ruleset: &Ruleset) -> Vec<Value> {
    let describe = |rule: &mareva_monitoring::Rule| {
        let mut line = json!(*rule.reference);
        line["table"] = json!(rule.table.name());
        line
    };
    ruleset.rules().iter().map(describe).collect()
}

fn list(args: &ListArgs) -> Result<()> {
    let ruleset = load_rules(&folders(args.rules.as_deref())?)?;
    if args.json {
        say(Value::Array(described(&ruleset)))?;
        return Ok(());
    }
    let longest = ruleset.rules().iter().map(|rule| rule.reference.id.len()).max().unwrap_or(0);
    for rule in ruleset.rules() {
        let reference = &rule.reference;
        say(format_args!(
            "{:longest$}  v{} {:6} on {:12} {:9} {}",
            reference.id,
            reference.version,
            if reference.shadow { "shadow".to_owned() } else { word_of(reference.raises) },
            rule.table.name(),
            reference.severity,
            reference.title
        ))?;
    }
    Ok(())
}

fn test(args: &TestArgs) -> Result<()> {
    let mut faults = Refusal::default();
    let config = config::load(None, &mut faults);
    faults.into_result()?;
    let folders = folders(args.rules.as_deref())?;
    let all = load_rules(&folders)?;
    let unknown: Vec<Fault> = args
        .only
        .iter()
        .filter(|id| folders.iter().all(|folder| folder.folder != **id))
        .map(|id| unknown(id, folders.iter().map(|folder| folder.folder.as_str())))
        .collect();
    Refusal(unknown).into_result()?;
    let chosen = |id: &str| args.only.is_empty() || args.only.iter().any(|only| only == id);
    let mut results = Vec::new();
    for folder in folders.iter().filter(|folder| chosen(&folder.folder)) {
        let second = all.rules().iter().any(|rule| rule.reference.id == folder.folder && rule.table == Table::Signals);
        let ruleset = if second { all.clone() } else { load_rules(std::slice::from_ref(folder))? };
        let mut trial = try_rule(&config, &ruleset, folder)?;
        let mut updated = 0;
        if let Some(path) = args.rules.as_deref().filter(|_| args.update && !trial.fired.is_empty()) {
            let mut file = WholeFile::create(&path.join(&folder.folder).join("expected.ndjson"))?;
            for mut line in trial.fired.iter().cloned() {
                // The evidence stays what it is when the version counts up.
                if let Some(line) = line.as_object_mut() {
                    line.remove("version");
                }
                writeln!(file, "{line}").context("cannot write expected.ndjson")?;
            }
            file.finish()?;
            updated = std::mem::take(&mut trial.differences).len();
        }
        results.push(Tested { rule: folder.folder.clone(), trial, updated });
    }
    show(&results, args)
}

/// How a rule did.
struct Tested {
    rule: String,
    trial: Trial,
    /// Differences that `--update` has put into `expected.ndjson`.
    updated: usize,
}

fn show(results: &[Tested], args: &TestArgs) -> Result<()> {
    if args.json {
        let rules: Vec<Value> = results
            .iter()
            .map(|Tested { rule, trial, updated }| {
                let failures: Vec<&String> = trial.failures.iter().chain(&trial.differences).collect();
                json!({
                    "rule": rule, "passed": trial.passed(), "fired": trial.fired.len(), "failures": failures,
                    "updated": updated,
                })
            })
            .collect();
        say(json!({ "rules": rules }))?;
    } else {
        for Tested { rule, trial, updated } in results {
            let verdict = if trial.passed() { "passes" } else { "FAILS" };
            let changed = match updated {
                0 => String::new(),
                1 => ", 1 difference written anew".to_owned(),
                more => format!(", {more} differences written anew"),
            };
            say(format_args!("{rule}: {verdict}, fired {} times{changed}", trial.fired.len()))?;
            for failure in trial.failures.iter().chain(&trial.differences) {
                say(format_args!("  {failure}"))?;
            }
        }
    }
    let failed = results.iter().filter(|tested| !tested.trial.passed()).count();
    if failed > 0 {
        bail!("{failed} of {} rules fail their evidence; mend the rule or its evidence", results.len());
    }
    Ok(())
}
