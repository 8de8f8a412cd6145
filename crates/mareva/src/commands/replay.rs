use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use mareva_model::{Fault, Refusal};
use mareva_pipeline::Pipeline;
use serde_json::json;

use crate::config::Config;
use crate::open::{Instead, NamedPath, Opened, in_the_way, keep, open, readable, warn_of_doubts};
use crate::outcome::{needs_its_reader, say, stdout_is_closed};
use crate::outputs::{Taken, file_number};
use crate::replay::{Merge, ReadSlice, Tally, Targets, UNFINISHED, Writers, numbered, read_ahead, table_files};
use crate::{config, logging};

/// Judge files instead of topics
///
/// Reads NDJSON (canonical JSON, ethereum-etl) and ISO 20022 messages, one record a line, and merges the files by event
/// time. Each file must be in the order of time, give or take allowed_lateness. The same pipeline as in `run` judges them.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("records").required(true).multiple(true))]
#[command(after_help = "Examples:
  mareva replay --bank bank.ndjson --list mules=mules.csv --out alerts.ndjson
  mareva replay --config sim/mareva.toml --bank sim/bank.ndjson \\
                --exchange sim/exchange.ndjson --out - --tables tables
  mareva replay --bank bank.ndjson --rules my-rules --out alerts.ndjson \\
                --detections detections.ndjson --json")]
pub struct Args {
    /// Records of the bank stream; may be given several times
    #[arg(long, value_name = "FILE", group = "records")]
    bank: Vec<PathBuf>,
    /// Records of the exchange stream; may be given several times
    #[arg(long, value_name = "FILE", group = "records")]
    exchange: Vec<PathBuf>,
    #[command(flatten)]
    instead: InsteadArgs,
    /// The config
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where alerts go, every revision a line; - is standard output. This and the other files stand under their names
    /// when they are whole; until then they end in .partial
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where settled detections go
    #[arg(long, value_name = "FILE")]
    detections: Option<PathBuf>,
    /// Where dead letters go
    #[arg(long, value_name = "FILE")]
    dead_letters: Option<PathBuf>,
    /// Where late transactions go
    #[arg(long, value_name = "FILE")]
    late: Option<PathBuf>,
    /// Folder for the tables that rules see, as Parquet; what stands there under their names is replaced
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
    /// Write the summary as one JSON object to standard output (to standard error with `--out -`)
    #[arg(long)]
    json: bool,
}

/// Files that take the place of those in the config.
#[derive(Debug, Clone, clap::Args)]
pub struct InsteadArgs {
    /// The accounts table (NDJSON) instead of the config's
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Rates (CSV date,currency,rate) instead of the config's
    #[arg(long, value_name = "FILE")]
    rates: Option<PathBuf>,
    /// Accounts of exchanges and other VASPs (CSV) instead of the config's
    #[arg(long, value_name = "FILE")]
    vasps: Option<PathBuf>,
    /// Folder of rules instead of the config's
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// A list; may be given several times. Where the config has a list of that NAME, only its file is replaced: regime,
    /// action, format and the rest stay as they are there. A new one is a sanctions list where PATH holds an official
    /// list or entities of FollowTheMoney or NAME begins with `sanctions` or `ofac`, and else a list of accounts used for fraud
    #[arg(long = "list", value_name = "NAME=PATH")]
    lists: Vec<NamedPath>,
}

/// What is said where rules look at accounts and none are known.
pub const NO_ACCOUNTS: &str = "no accounts table: roles, segments and customers are unknown, so that rules name those whom they \
                               would leave out, and those that ask when an account was opened, say, find nothing; name it with \
                               --accounts";
/// What is said where nobody is on a list.
const NO_LISTS: &str = "no list: nothing is screened; name one in [[lists]] or with --list";

impl InsteadArgs {
    /// What is given and changes nothing of tables, which were prepared before.
    pub fn without_effect_on_tables(&self) -> Vec<String> {
        let given = [
            (self.rates.is_some(), "--rates changes nothing"),
            (self.vasps.is_some(), "--vasps changes nothing"),
            (!self.lists.is_empty(), "--list changes nothing"),
            (self.accounts.is_some(), "--accounts changes joins of accounts alone"),
        ];
        let told = |(_, what): &(bool, &str)| format!("{what}: the tables hold what was prepared before");
        given.iter().filter(|(given, _)| *given).map(told).collect()
    }
}

impl From<InsteadArgs> for Instead {
    fn from(args: InsteadArgs) -> Self {
        let InsteadArgs { accounts, rates, vasps, rules, lists } = args;
        Self { accounts, rates, vasps, rules, lists }
    }
}

impl Args {
    fn inputs(&self) -> impl Iterator<Item = &PathBuf> {
        self.bank.iter().chain(&self.exchange)
    }

    /// Input that cannot be read, and output that cannot be written or would overwrite something that is needed.
    fn path_faults(&self, config: &Config) -> Vec<Fault> {
        let mut faults = Refusal::default();
        let mut taken = Taken::by_config(self.config.as_deref(), config);
        let mut numbers = HashSet::new();
        for path in self.inputs() {
            keep(readable(path), &mut faults);
            taken.read(path, "records");
            if file_number(path).is_some_and(|number| !numbers.insert(number)) {
                let remedy = "name each file once: it is either bank or exchange";
                faults.0.push(Fault::new(path.display().to_string(), "is given twice", remedy));
            }
        }
        let mut fault =
            |path: &Path, reason, remedy| faults.0.push(Fault::new(path.display().to_string(), reason, remedy));
        let others = [&self.detections, &self.dead_letters, &self.late, &self.tables];
        for path in others.into_iter().flatten().filter(|path| path.as_os_str() == "-") {
            fault(path, "cannot be standard output: only --out can", "name a file; ./- where it is called that");
        }
        let mut written = vec![self.out.clone()];
        written.extend([&self.detections, &self.dead_letters, &self.late].into_iter().flatten().cloned());
        if let Some(tables) = &self.tables {
            if in_the_way(tables).is_some() {
                let remedy = "name a folder; it is made when it is not there";
                fault(tables, "cannot hold tables: it is no folder, or lies in none", remedy);
            } else if tables.is_dir() {
                written.extend(table_files(tables));
            }
        }
        let written: Vec<&Path> = written.iter().map(PathBuf::as_path).filter(|path| path.as_os_str() != "-").collect();
        faults.0.extend(taken.write(&written));
        faults.0
    }
}

/// Opens what a config names, with the files of the command line instead, and starts the log.
pub fn open_instead(
    path: Option<&Path>,
    instead: &InsteadArgs,
    path_faults: impl FnOnce(&Config) -> Vec<Fault>,
    faults: &mut Refusal,
) -> (Config, Option<Opened>) {
    let mut config = config::load(path, faults);
    keep(logging::start(&config.log.format, "warn"), faults);
    Instead::from(instead.clone()).apply(&mut config, faults);
    faults.0.extend(path_faults(&config));
    let opened = keep(open(&config), faults);
    (config, opened)
}

pub fn run(args: Args) -> Result<()> {
    stop_on_signals()?;
    let mut faults = Refusal::default();
    let path_faults = |config: &Config| args.path_faults(config);
    let (config, opened) = open_instead(args.config.as_deref(), &args.instead, path_faults, &mut faults);
    faults.into_result()?;
    let opened = opened.context("nothing was opened; please report this")?;
    ensure!(
        args.out.as_os_str() != "-" || !stdout_is_closed(),
        "cannot write to standard output: it is closed or ignored; leave it open, or write --out FILE"
    );
    warn_of_doubts(&opened.parts.watchlist);
    opened.notices.iter().for_each(|notice| tracing::warn!("{notice}"));
    let mut pipeline = Pipeline::new(opened.parts.clone())?;
    let rules = opened.parts.ruleset.rules().iter().map(|rule| &*rule.reference);
    let files = numbered(&config, &args.bank, &args.exchange);
    let (mut tally, began) = (Tally::of(rules, files), Instant::now());
    let unjudged = judge(&args, &config, &opened, &mut pipeline, &mut tally).map_err(needs_its_reader)?;
    let seconds = began.elapsed().as_secs_f64();
    let (summary, counts) = (tally.summary(), tally.counts());
    let rate = counts.produced as f64 / seconds.max(1e-9);
    if args.json {
        let mut line = serde_json::to_value(&summary)?;
        line["epoch"] = json!(pipeline.epoch());
        line["rule_failures"] = pipeline.monitor().rule_failures().map(|failure| json!(failure)).collect();
        line["seconds"] = json!(seconds);
        line["transactions_per_second"] = json!(rate.round());
        if args.out.as_os_str() == "-" {
            writeln!(io::stderr(), "{line}").context("cannot write to standard error")?;
        } else {
            say(&line)?;
        }
    } else {
        let mut text = summary.text();
        if opened.parts.accounts.batch().num_rows() == 0 && opened.parts.ruleset.needs_accounts() {
            text.push_str(&format!("{NO_ACCOUNTS}\n"));
        }
        if config.lists.is_empty() {
            text.push_str(&format!("{NO_LISTS}\n"));
        }
        for failure in pipeline.monitor().rule_failures() {
            text.push_str(&format!("  {failure}\n"));
        }
        text.push_str(&format!("{seconds:.1} s, {rate:.0} transactions/s, epoch {}\n", pipeline.epoch()));
        // All is written: whether anybody reads about it changes nothing.
        _ = io::stderr().write_all(text.as_bytes());
    }
    unjudged.map_or(Ok(()), |reason| Err(anyhow!(reason)))
}

/// What to say where not one record could be read: a file given for the wrong stream, say.
fn all_dead(args: &Args) -> String {
    let place = match &args.dead_letters {
        Some(path) => format!("see the reasons in {}", path.display()),
        None => "replay with --dead-letters FILE to see the reasons".to_owned(),
    };
    format!(
        "every record was a dead letter: no rule judged anything, and no output was replaced; {place}, and check which file is --bank and which --exchange"
    )
}

/// Judges all records and writes what comes of them. Gives the reason where that is worth nothing, and then replaces no output.
fn judge(
    args: &Args,
    config: &Config,
    opened: &Opened,
    pipeline: &mut Pipeline,
    tally: &mut Tally,
) -> Result<Option<String>> {
    let merge = Merge::of_streams(config, &args.bank, &args.exchange, pipeline.epoch())?;
    let targets = Targets {
        alerts: args.out.clone(),
        detections: args.detections.clone(),
        dead_letters: args.dead_letters.clone(),
        late: args.late.clone(),
        tables: args.tables.clone(),
    };
    let mut writers = Writers::create(&targets, &opened.parts)?;
    let progress = progress_bar(args.inputs());
    read_ahead(merge, pipeline.decoder(), |ReadSlice { slice, decoded, bytes }| {
        let output = pipeline.process_decoded(&slice, decoded)?;
        writers.add(&opened.parts, &output)?;
        tally.add(&output);
        progress.set_position(bytes);
        Ok(())
    })?;
    progress.finish_and_clear();
    let counts = tally.counts();
    let out_of_order = tally.refused().out_of_order(counts.produced);
    let unjudged = match counts.produced {
        0 => Some("no file holds a record: no rule judged anything, and no output was replaced".to_owned()),
        produced if produced == counts.dead_lettered => Some(all_dead(args)),
        _ => out_of_order.clone().filter(|_| counts.late > counts.accepted),
    };
    if unjudged.is_some() {
        writers.finish_refusals()?;
        return Ok(unjudged);
    }
    writers.finish()?;
    out_of_order.iter().for_each(|told| tracing::warn!("{told}"));
    Ok(None)
}

/// Ends with 1 at the first SIGTERM, SIGINT or SIGHUP: there is nothing to bring to an end, and what is half done does not
/// stand under its name.
pub fn stop_on_signals() -> Result<()> {
    let stop = || {
        let text =
            format!("mareva: stopped by a signal before the end; files that are not whole end in {UNFINISHED}\n");
        _ = io::stderr().write_all(text.as_bytes());
        std::process::exit(1);
    };
    ctrlc::set_handler(stop).context("cannot listen to signals")
}

/// Progress over the bytes of all files; nothing is drawn unless standard error is a terminal.
fn progress_bar<'p>(files: impl Iterator<Item = &'p PathBuf>) -> ProgressBar {
    let bytes = files.filter_map(|file| file.metadata().ok()).map(|found| found.len()).sum();
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    let bar = ProgressBar::new(bytes);
    style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}
