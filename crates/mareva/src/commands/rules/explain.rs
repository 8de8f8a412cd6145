//! `mareva rules explain`.

mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use indicatif::ProgressBar;
use mareva_model::alert::{Alert, DetectionEvidence, HitEvidence, RuleEvidence};
use mareva_model::{Detection, Fault, Raises, Refusal, RuleRef, Table, format_time};
use mareva_monitoring::backtest::AccountTable;
use mareva_monitoring::explain::{Behind, WindowRows, behind, behind_signals, explain, is_of_one_subject};
use mareva_monitoring::{Rule, Ruleset};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::replay::{InsteadArgs, open_instead, stop_on_signals};
use crate::backtest::{Files, Tables, account_table};
use crate::open::{keep, readable, unreadable};
use crate::outcome::say;
use crate::replay::word_of;
use crate::scratch::Scratch;

/// Bytes of a line of alerts.
const MAX_LINE: u64 = 64 << 20;

/// Rows of a window that are told as text: the latest. All that are known stand in the JSON.
const SHOWN: usize = 10;

/// What is said of a row that is not in the data.
const NOT_THERE: &str = "the row is not in the data";

/// Say what a rule becomes and costs, or which rows made an alert
///
/// Of each rule that is named: what it is judged by before any window, its windowed aggregates and which other rules have the same, the
/// bytes and the work that it costs alone and beside the others, and its SQL with the parameters filled in, for the
/// tables of `mareva replay --tables`: stock DataFusion runs it, and another engine where it has QUALIFY and the functions
/// that the rule calls. It does not hold needs_history; deviations that the engine takes of exact sums are floats there, and
/// FIRST_VALUE and LAST_VALUE take any row of a millisecond. Of an alert: for each detection in it the rows in each window.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva rules explain structuring
  mareva rules explain --rules my-rules --json
  mareva rules explain --alert alerts.ndjson:4f0c… --data tables")]
pub struct ExplainArgs {
    /// Rules to explain; without, a line for each of them
    #[arg(value_name = "RULE", conflicts_with = "alert")]
    only: Vec<String>,
    /// The alert whose rows are told, in the place of rules: the last revision with this id
    #[arg(long, value_name = "FILE:ID", requires = "data")]
    alert: Option<AlertPlace>,
    /// What the alert was raised over: Parquet tables, records (NDJSON), or folders of them
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "alert")]
    data: Vec<PathBuf>,
    #[command(flatten)]
    instead: InsteadArgs,
    /// The config
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write it as one JSON object
    #[arg(long)]
    json: bool,
}

/// An alert in a file.
#[derive(Debug, Clone)]
pub struct AlertPlace {
    file: PathBuf,
    id: String,
}

impl FromStr for AlertPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once(':') {
            Some((file, id)) if !file.is_empty() && !id.is_empty() => Ok(Self { file: file.into(), id: id.to_owned() }),
            _ => Err("write FILE:ID, such as alerts.ndjson:4f0c…".to_owned()),
        }
    }
}

pub fn run(args: &ExplainArgs) -> Result<()> {
    stop_on_signals()?;
    let mut faults = Refusal::default();
    let (config, opened) = open_instead(args.config.as_deref(), &args.instead, |_| Vec::new(), &mut faults);
    if let Some(ruleset) = opened.as_ref().map(|opened| &opened.parts.ruleset) {
        let unknown = args.only.iter().filter(|id| ruleset.rules().iter().all(|rule| rule.reference.id != **id));
        let known = || ruleset.rules().iter().map(|rule| rule.reference.id.as_str());
        faults.0.extend(unknown.map(|id| super::unknown(id, known())));
    }
    if args.alert.is_none() && !args.data.is_empty() {
        faults.0.push(Fault::new("--data", "says nothing of a rule", "name an alert, too: --alert FILE:ID"));
    }
    let files = args.alert.as_ref().and_then(|_| keep(Files::find(&args.data), &mut faults));
    let alert = args.alert.as_ref().and_then(|place| keep(find(place), &mut faults));
    let own_accounts = files.as_ref().and_then(|files| keep(files.accounts(), &mut faults)).flatten();
    faults.into_result()?;
    let opened = opened.context("nothing was opened; please report this")?;
    let ruleset = &opened.parts.ruleset;
    let (Some(alert), Some(files)) = (alert, files) else {
        let rules = explain(ruleset, &args.only).map_err(|_| no_plan())?;
        return match &rules[..] {
            rules if args.json => say(json!({ "rules": rules })),
            rules if args.only.is_empty() && rules.len() > 1 => rule::tell_each_in_a_line(rules),
            rules => rule::tell_whole(rules),
        };
    };
    let accounts = account_table(own_accounts.as_ref(), &config, &opened.parts)?;
    let tables = files.open(&config, &opened.parts, &Scratch::default(), &ProgressBar::hidden())?;
    let explained = explain_alert(&alert, ruleset, &tables, &accounts)?;
    if args.json { say(serde_json::to_string(&explained)?) } else { tell_alert(&explained) }?;
    confirmed(&explained)
}

/// Fails where an alert is not what the data and the rules give: nobody should act on rows that do not make its numbers.
fn confirmed(explained: &AlertExplained) -> Result<()> {
    let looked_for =
        || explained.rules.iter().filter(|rule| rule.missing == Some(NOT_THERE)).flat_map(|rule| &rule.detections);
    if looked_for().count() > 0 && looked_for().all(|one| !one.behind.found) {
        bail!("no row of the alert is in the data; name with --data what it was raised over");
    }
    let is_other = |rule: &RuleBehind, one: &DetectionBehind| {
        one.agrees == Some(false) || rule.missing.is_none() || (rule.missing == Some(NOT_THERE) && !one.behind.found)
    };
    let detections = || explained.rules.iter().flat_map(|rule| rule.detections.iter().map(move |one| (rule, one)));
    let (others, all) = (detections().filter(|(rule, one)| is_other(rule, one)).count(), detections().count());
    if others > 0 {
        bail!(
            "{others} of {all} detections of the alert do not come of this data and these rules; name with --data what it was raised \
             over, and with --rules what raised it"
        );
    }
    Ok(())
}

fn no_plan() -> anyhow::Error {
    anyhow::anyhow!("a rule that was loaded does not compile again; please report it")
}

/// The last revision of an alert.
fn find(place: &AlertPlace) -> Result<Alert, Refusal> {
    readable(&place.file)?;
    let failed = |error: std::io::Error| unreadable(&place.file, &error);
    let mut reader = BufReader::new(File::open(&place.file).map_err(failed)?);
    let (mut line, mut found) = (Vec::new(), None);
    loop {
        line.clear();
        if (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        // Most lines are other alerts: they are not parsed.
        if line.windows(place.id.len()).any(|part| part == place.id.as_bytes()) {
            found = Alert::from_json(line.trim_ascii()).ok().filter(|alert| alert.alert_id == place.id).or(found);
        }
    }
    found.ok_or_else(|| {
        let remedy = "name an alert_id that stands in the file, as `mareva replay --out` wrote it";
        Refusal::one(place.file.display().to_string(), format!("holds no alert {}", place.id), remedy)
    })
}

/// An alert, and what is behind each of its detections.
#[derive(Debug, Serialize)]
struct AlertExplained {
    alert_id: String,
    revision: u32,
    subject: String,
    rules: Vec<RuleBehind>,
    /// Entries of lists that were met; they rest on one record each.
    hits: Vec<HitEvidence>,
}

#[derive(Debug, Serialize)]
struct RuleBehind {
    rule: String,
    version: u32,
    /// What differs from the rules that are loaded.
    notice: Option<String>,
    /// What to say of a detection whose row is not there; nothing where its rule is not loaded.
    #[serde(skip)]
    missing: Option<&'static str>,
    detections: Vec<DetectionBehind>,
    /// Detections that the alert itself leaves out.
    omitted: u64,
}

#[derive(Debug, Serialize)]
struct DetectionBehind {
    event_time: String,
    columns: BTreeMap<String, Value>,
    /// Whether the rule gives these columns over the data; null where it cannot be told.
    agrees: Option<bool>,
    #[serde(flatten)]
    behind: Behind,
}

fn explain_alert(alert: &Alert, ruleset: &Ruleset, tables: &Tables, accounts: &AccountTable) -> Result<AlertExplained> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("cannot start DataFusion")?;
    let mut rules = Vec::new();
    for evidence in &alert.evidence.rules {
        let loaded = ruleset.rules().iter().find(|rule| rule.reference.id == evidence.rule.id);
        let asked: Vec<(&str, i64)> =
            evidence.detections.iter().map(|one| (one.row_id.as_str(), one.event_time)).collect();
        let found: Vec<Behind> = match loaded {
            Some(rule) if rule.table == Table::Signals => {
                let signals = signals_of(alert);
                runtime.block_on(behind_signals(rule, &evidence.rule, ruleset, &signals, accounts, &asked))?
            }
            Some(rule) => {
                let stripes = if rule.table == Table::Movements { &tables.movements } else { &tables.transactions };
                let files = stripes.first().cloned().unwrap_or_default();
                runtime.block_on(behind(rule, &evidence.rule, &files, accounts, &asked))?
            }
            None => evidence.detections.iter().map(|one| Behind::nothing(&one.row_id)).collect(),
        };
        let together = evidence.detections.iter().zip(found);
        // Over signals that the alert leaves out nothing can be computed again.
        let is_whole = loaded.is_some_and(|rule| rule.table != Table::Signals || holds_all_signals(alert, rule));
        let detection = |(one, behind): (&DetectionEvidence, Behind)| DetectionBehind {
            event_time: format_time(one.event_time),
            columns: one.columns.clone(),
            agrees: (is_whole && behind.found).then(|| {
                let columns = behind.recomputed.as_ref().is_some_and(|again| is_same(again, &one.columns));
                columns && behind.subject.as_ref() == Some(&alert.subject)
            }),
            behind,
        };
        rules.push(RuleBehind {
            rule: evidence.rule.id.clone(),
            version: evidence.rule.version,
            notice: notice(evidence, loaded).or_else(|| {
                let untold = loaded.is_some() && !is_whole;
                untold.then(|| "not computed again: its signals are not all in the alert".to_owned())
            }),
            missing: loaded.map(|rule| match rule.table {
                Table::Signals => "the alert leaves the signal out",
                _ => NOT_THERE,
            }),
            detections: together.map(detection).collect(),
            omitted: evidence.omitted,
        });
    }
    Ok(AlertExplained {
        alert_id: alert.alert_id.clone(),
        revision: alert.revision,
        subject: alert.subject.clone(),
        rules,
        hits: alert.evidence.hits.clone(),
    })
}

/// That the alert was raised by another rule than the one that is loaded.
fn notice(evidence: &RuleEvidence, loaded: Option<&Rule>) -> Option<String> {
    let Some(rule) = loaded else {
        return Some("the rule is not among those loaded; name them with --rules".to_owned());
    };
    let own = &rule.reference;
    if own.version != evidence.rule.version {
        return Some(format!(
            "the alert was raised by version {}; version {} is loaded",
            evidence.rule.version, own.version
        ));
    }
    let differs = own.parameters != evidence.rule.parameters;
    differs.then(|| "the alert was raised with other parameters than are loaded".to_owned())
}

/// Of a rule over signals the rows are signals, which the alert holds itself.
fn signals_of(alert: &Alert) -> Vec<Detection> {
    let raising = alert.evidence.rules.iter().filter(|evidence| evidence.rule.raises == Raises::Signal);
    let signal = |(rule, one): (&Arc<RuleRef>, &DetectionEvidence)| Detection {
        rule: Arc::clone(rule),
        row_id: one.row_id.clone(),
        subject: alert.subject.clone(),
        event_time: one.event_time,
        columns: Map::new(),
    };
    raising.flat_map(|evidence| evidence.detections.iter().map(move |one| signal((&evidence.rule, one)))).collect()
}

/// Whether all signals that a rule counts stand in the alert: none was left out, and none is of another subject.
fn holds_all_signals(alert: &Alert, rule: &Rule) -> bool {
    let whole = |evidence: &RuleEvidence| evidence.rule.raises != Raises::Signal || evidence.omitted == 0;
    alert.evidence.rules.iter().all(whole) && is_of_one_subject(rule)
}

fn tell_alert(alert: &AlertExplained) -> Result<()> {
    say(format_args!("alert {} revision {}, subject {}", alert.alert_id, alert.revision, alert.subject))?;
    for rule in &alert.rules {
        say(format_args!("\n{} v{}", rule.rule, rule.version))?;
        rule.notice.iter().try_for_each(|notice| say(format_args!("  note: {notice}")))?;
        for one in &rule.detections {
            let columns: Vec<String> =
                one.columns.iter().map(|(name, value)| format!("{name} {}", bare(value))).collect();
            say(format_args!("  {} {}: {}", one.event_time, one.behind.row_id, columns.join(", ")))?;
            if let Some(missing) = rule.missing.filter(|_| !one.behind.found) {
                say(format_args!("    {missing}"))?;
            }
            if one.agrees == Some(false) {
                say(format_args!("    {}", difference(one)))?;
            }
            one.behind.windows.iter().try_for_each(tell_window)?;
        }
        if rule.omitted > 0 {
            say(format_args!("  {} more detections that the alert leaves out", rule.omitted))?;
        }
    }
    for hit in &alert.hits {
        let (entry, list, role) = (&hit.entry, &hit.list.name, word_of(hit.role));
        let time = format_time(hit.event_time);
        say(format_args!("\n{time} {}: its {role} is {} ({}) of the list {list}", hit.row_id, entry.id, entry.name))?;
    }
    Ok(())
}

/// Whether columns are those of an alert, which has been read from JSON: a number may be another then by its last bit.
fn is_same(again: &Map<String, Value>, columns: &BTreeMap<String, Value>) -> bool {
    let read = |value: &Value| serde_json::from_str::<Value>(&value.to_string()).ok();
    again.len() == columns.len() && again.iter().all(|(name, value)| read(value).as_ref() == columns.get(name))
}

/// How a detection differs from what the rule gives now.
fn difference(one: &DetectionBehind) -> String {
    let Some(again) = &one.behind.recomputed else {
        return "differs: over this data the rule, as it is loaded, does not fire here".to_owned();
    };
    let names: BTreeSet<&String> = again.keys().chain(one.columns.keys()).collect();
    let shown = |value: Option<&Value>| value.map_or_else(|| "absent".to_owned(), bare);
    let differs = names.into_iter().filter(|name| shown(again.get(*name)) != shown(one.columns.get(*name)));
    let each = differs.map(|name| format!("{name} {}", shown(again.get(name))));
    let subject = one.behind.subject.iter().map(|subject| format!("subject {subject}"));
    format!(
        "differs: over this data the rule, as it is loaded, gives {}",
        subject.chain(each).collect::<Vec<_>>().join(", ")
    )
}

fn tell_window(window: &WindowRows) -> Result<()> {
    let key: Vec<String> = window.key.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let rows = window.rows.len() + window.omitted;
    say(format_args!(
        "    {} over {} of {}: {rows} {}",
        window.aggregates.join(", "),
        window.window,
        key.join(", "),
        if rows == 1 { "row" } else { "rows" }
    ))?;
    let latest = window.rows.len().saturating_sub(SHOWN);
    if latest + window.omitted > 0 {
        say(format_args!("      ({} earlier ones are left out; --json tells more of them)", latest + window.omitted))?;
    }
    for row in &window.rows[latest..] {
        // The key stands above them.
        let shown = row.iter().filter(|(name, value)| {
            !value.is_null() && *name != "event_time" && window.key.iter().all(|(key, _)| key != *name)
        });
        let fields: Vec<String> = shown.map(|(name, value)| format!("{name} {}", bare(value))).collect();
        say(format_args!("      {} {}", bare(&row["event_time"]), fields.join(", ")))?;
    }
    Ok(())
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
