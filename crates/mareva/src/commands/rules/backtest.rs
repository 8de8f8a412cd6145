//! `mareva rules backtest`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use mareva_model::{Fault, Refusal, perhaps};
use mareva_monitoring::Ruleset;
use mareva_monitoring::backtest::{Variant, earliest, passes};
use serde_json::json;

use super::super::replay::{InsteadArgs, NO_ACCOUNTS, open_instead, stop_on_signals};
use crate::backtest::{About, Files, Labels, Outcome, Report, Work, account_table, are_of_others, page, report, text};
use crate::config::Config;
use crate::open::{keep, notices};
use crate::outcome::say;
use crate::outputs::Taken;
use crate::replay::{WholeFile, detection_line};
use crate::scratch::Scratch;

/// Labels of other data.
const NO_TRUTH: &str = "no labelled account moves money in this data: nothing is held against the labels; see --labels";
/// Accounts of another run.
const OTHER_ACCOUNTS: &str = "the accounts that are joined are not those of accounts.parquet among the data: roles, segments and customers in \
                              transactions and movements are of the run that made them, those of joined accounts are not";
/// Variants of rules that one back-test runs beside those in force.
const MAX_SWEPT: usize = 200;

/// Run rules over finished tables: what they would have named, and how right they would have been
///
/// Stock DataFusion runs the SQL of each rule over transactions and movements: Parquet tables as `mareva replay --tables`
/// writes them, or records (NDJSON) that are prepared first, as `replay` does it. Settled detections of `replay` over the
/// same data are the same. Tables are split into temporary files in the folder that TMPDIR names.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva rules backtest --data tables --accounts accounts.ndjson
  mareva rules backtest --rules my-rules --data tables --labels labels.csv \\
                        --sweep structuring.min_parts=2,3,4,5 --out report.html
  mareva rules backtest --config sim/mareva.toml \\
                        --data sim/bank.ndjson sim/exchange.ndjson \\
                        --labels sim/labels.ndjson --json

Labels are labels.ndjson of `mareva sim`, or CSV with the columns account and
label. The label `victim` is a victim; innocent, clean, normal, customer,
namesake, legit, legitimate, genuine, benign, negative, no, none, n, f, 0, 0.0,
0.00, false, nothing and the roles of accounts (retail, business, payroll,
merchant, psp, omnibus, internal, collective) are innocent; unknown, n/a, na,
null, nan, ? and - say nothing; every other one is a criminal. An account without a label counts as innocent.")]
pub struct BacktestArgs {
    /// Parquet tables, records (NDJSON, one stream a file), or folders of them
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    #[command(flatten)]
    instead: InsteadArgs,
    /// The config
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Who is known to be what: labels.ndjson of `mareva sim`, or CSV with the columns account and label
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Run rules again with other values of a parameter: of every rule that has it, or of one; may be given several times, for 200
    /// further runs in all
    #[arg(long, value_name = "[RULE.]NAME=VALUE,…")]
    sweep: Vec<String>,
    /// Where the report goes as a page (HTML) that needs nothing else
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where the detections of rules in force go: the lines of `replay --detections`, in another order
    #[arg(long, value_name = "FILE")]
    detections: Option<PathBuf>,
    /// Write the report as one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &BacktestArgs) -> Result<()> {
    stop_on_signals()?;
    let began = Instant::now();
    let mut faults = Refusal::default();
    let path_faults = |config: &Config| args.path_faults(config);
    let (config, opened) = open_instead(args.config.as_deref(), &args.instead, path_faults, &mut faults);
    let files = keep(Files::find(&args.data), &mut faults);
    let own_accounts = files.as_ref().and_then(|files| keep(files.accounts(), &mut faults)).flatten();
    let labels = args.labels.as_deref().and_then(|path| keep(Labels::read(path), &mut faults));
    let variants = opened.as_ref().map(|opened| variants(&opened.parts.ruleset, &args.sweep));
    let variants = variants.and_then(|variants| keep(variants, &mut faults));
    let passes = variants.as_deref().and_then(|variants| keep(passes(variants), &mut faults));
    faults.into_result()?;
    let (Some(opened), Some(files), Some(variants), Some(passes)) = (opened, files, variants, passes) else {
        bail!("nothing was opened; please report this");
    };
    let ruleset = &opened.parts.ruleset;
    let accounts = account_table(own_accounts.as_ref(), &config, &opened.parts)?;
    let (scratch, bar) = (Scratch::default(), progress_bar()?);
    let written = Written::begin(args)?;
    scratch.try_it()?;
    let tables = files.open(&config, &opened.parts, &scratch, &bar)?;
    let first = |stripes: &crate::backtest::Stripes| stripes.first().cloned().unwrap_or_default();
    let (transactions, movements) = (first(&tables.transactions), first(&tables.movements));
    let ends = earliest(if transactions.is_empty() { &movements } else { &transactions })?;
    let needs = |rule: &mareva_monitoring::Rule| {
        let id = &rule.reference.id;
        (id.clone(), ruleset.needs_history(id))
    };
    let work = Work {
        variants: &variants,
        tables: &tables,
        accounts: &accounts,
        scratch: &scratch,
        bar: &bar,
        keeps: args.detections.is_some(),
        from: ends.map(|(from, _)| from),
        needs_history: ruleset.rules().iter().map(needs).collect(),
    };
    let outcomes = work.run(&passes)?;
    bar.set_message("holding it against labels");
    let truth = labels.map(|labels| labels.hold_against(&transactions, &movements)).transpose()?;
    if truth.as_ref().is_some_and(|truth| truth.sizes() == (0, 0)) {
        tracing::warn!("{NO_TRUTH}");
    }
    let about = About::of_this_run(ruleset.digest().to_string(), config.semantics.reference_currency.clone());
    let mut report = report(&work, &outcomes, truth.as_ref(), ends, about)?;
    if report.data.accounts == 0 && ruleset.needs_accounts() {
        report.notices.insert(0, NO_ACCOUNTS.to_owned());
    }
    if report.data.records.is_none() {
        report.notices.extend(args.instead.without_effect_on_tables());
    }
    let of_others = are_of_others(&accounts, own_accounts.as_ref(), &config)?;
    report.notices.extend(of_others.then(|| OTHER_ACCOUNTS.to_owned()));
    report.notices.extend(notices(ruleset));
    report.notices.extend(
        report.labels.iter().filter(|labels| labels.fit_nothing()).map(|_| NO_TRUTH.to_owned()).collect::<Vec<_>>(),
    );
    bar.finish_and_clear();
    // Files first, so that whoever reads the summary finds them.
    let written = written.end(&report, &outcomes);
    tell(args, &report, began, written)
}

/// The files of a back-test, begun before it runs: a place that cannot be written is known at once.
struct Written {
    detections: Option<WholeFile>,
    page: Option<WholeFile>,
}

impl Written {
    fn begin(args: &BacktestArgs) -> Result<Self> {
        let begin = |path: &Option<PathBuf>| path.as_deref().map(WholeFile::create).transpose();
        Ok(Self { detections: begin(&args.detections)?, page: begin(&args.out)? })
    }

    fn end(self, report: &Report, outcomes: &[Outcome]) -> Result<()> {
        if let Some(mut file) = self.detections {
            let mut all: Vec<_> = outcomes.iter().flat_map(|outcome| &outcome.detections).collect();
            all.sort_by(|a, b| (a.event_time, &a.row_id, &a.rule.id).cmp(&(b.event_time, &b.row_id, &b.rule.id)));
            for detection in all {
                writeln!(file, "{}", detection_line(detection)).context("cannot write detections")?;
            }
            file.finish()?;
        }
        if let Some(mut file) = self.page {
            file.write_all(page(report).as_bytes()).context("cannot write the report")?;
            file.finish()?;
        }
        Ok(())
    }
}

/// Says what was found, also where a file could not be written: the run may have taken long.
fn tell(args: &BacktestArgs, report: &Report, began: Instant, written: Result<()>) -> Result<()> {
    let seconds = began.elapsed().as_secs_f64();
    if args.json {
        let mut line = serde_json::to_value(report)?;
        line["seconds"] = json!(seconds);
        say(line)?;
    } else {
        say(text(report).trim_end())?;
        say(format_args!("\n{seconds:.1} s"))?;
        if let Some(path) = args.out.as_ref().filter(|_| written.is_ok()) {
            say(format_args!("report written to {}", path.display()))?;
        }
    }
    written?;
    let failed = report.rules.iter().filter(|rule| rule.failed.is_some()).count();
    if failed > 0 {
        bail!("{failed} of {} rules fail over this data; the report says why", report.rules.len());
    }
    Ok(())
}

impl BacktestArgs {
    fn path_faults(&self, config: &Config) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut taken = Taken::by_config(self.config.as_deref(), config);
        self.data.iter().for_each(|path| taken.read_data(path));
        self.labels.iter().for_each(|path| taken.read(path, "labels"));
        let outputs = [&self.out, &self.detections].into_iter().flatten();
        let (shown, written): (Vec<&Path>, Vec<&Path>) =
            outputs.map(PathBuf::as_path).partition(|path| path.as_os_str() == "-");
        let remedy = "name a file; ./- where it is called that";
        faults.extend(shown.iter().map(|_| Fault::new("-", "cannot be standard output", remedy)));
        faults.extend(taken.write(&written));
        faults
    }
}

/// Whether it is a rule with another value of this parameter.
fn is_of(variant: &Variant, parameter: &str) -> bool {
    variant.replaced.as_ref().is_some_and(|(name, _)| name == parameter)
}

/// The rules in force, and behind them those with other values.
fn variants(ruleset: &Ruleset, sweeps: &[String]) -> Result<Vec<Variant>, Refusal> {
    let mut faults = Refusal::default();
    let mut variants: Vec<Variant> = ruleset.rules().iter().map(Variant::in_force).collect();
    for sweep in sweeps {
        let mut fault = |reason: String, remedy: String| {
            faults.0.push(Fault::new(format!("--sweep {sweep}"), reason, remedy));
        };
        let Some((what, values)) = sweep.split_once('=') else {
            fault("names no values".to_owned(), "write --sweep threshold=5,10,20".to_owned());
            continue;
        };
        let (only, name) = what.rsplit_once('.').map_or((None, what), |(rule, name)| (Some(rule), name));
        let has = |rule: &&mareva_monitoring::Rule| rule.reference.parameters.contains_key(name);
        let ids = ruleset.rules().iter().map(|rule| rule.reference.id.as_str());
        let chosen: Vec<_> = match only {
            Some(id) if !ids.clone().any(|own| own == id) => {
                fault("there is no such rule".to_owned(), format!("{}see `mareva rules list`", perhaps(id, ids)));
                continue;
            }
            Some(id) => ruleset.rules().iter().filter(|rule| rule.reference.id == id).collect(),
            None => ruleset.rules().iter().filter(has).collect(),
        };
        if chosen.is_empty() {
            let known = ruleset.rules().iter().flat_map(|rule| rule.reference.parameters.keys().map(String::as_str));
            let remedy = format!("{}the parameters of a rule stand in its rule.toml", perhaps(name, known));
            fault("no rule has this parameter".to_owned(), remedy);
            continue;
        }
        for rule in chosen {
            // A value that is given twice is run once.
            for value in values.split(',').map(str::trim) {
                match Variant::with(rule, name, value) {
                    Ok(variant) if variants.iter().any(|known| is_of(known, name) && known.is_alike(&variant)) => {}
                    Ok(variant) => variants.push(variant),
                    Err(one) => faults.0.push(one),
                }
            }
        }
    }
    let swept = variants.len() - ruleset.rules().len();
    if swept > MAX_SWEPT {
        let reason = format!("gives {swept} more runs of rules than there are rules");
        faults.0.push(Fault::new("--sweep", reason, format!("leave at most {MAX_SWEPT}")));
    }
    faults.into_result()?;
    Ok(variants)
}

/// Nothing is drawn unless standard error is a terminal.
fn progress_bar() -> Result<ProgressBar> {
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{bar:40} {percent:>3} %, {elapsed} gone, {eta} left, {msg}")?);
    Ok(bar)
}
