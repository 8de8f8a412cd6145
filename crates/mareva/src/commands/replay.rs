use std::fs::File;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use mareva_model::{Fault, Refusal};
use mareva_pipeline::Pipeline;
use serde_json::json;

use crate::open::{Instead, NamedPath, keep, open, unreadable};
use crate::replay::{Frame, Merge, Tally, Targets, Writers};
use crate::{config, logging};

/// Judge files instead of topics
///
/// Reads NDJSON (canonical JSON, ethereum-etl) and pacs.008 messages, one record a line, and merges the files by event
/// time. The same pipeline as in `run` judges them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva replay --bank bank.ndjson --list mules=mules.csv --out alerts.ndjson
  mareva replay --config sim/mareva.toml --bank sim/bank.ndjson \\
                --exchange sim/exchange.ndjson --out - --tables tables
  mareva replay --bank bank.ndjson --rules my-rules --out alerts.ndjson \\
                --detections detections.ndjson --json")]
pub struct Args {
    /// Records of the bank stream; may be given several times
    #[arg(long, value_name = "FILE", required_unless_present = "exchange")]
    bank: Vec<PathBuf>,
    /// Records of the exchange stream; may be given several times
    #[arg(long, value_name = "FILE")]
    exchange: Vec<PathBuf>,
    #[command(flatten)]
    instead: InsteadArgs,
    /// The config
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where alerts go, every revision a line; - is standard output
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
    /// Folder for the tables that rules see, as Parquet
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
    /// A list beside those of the config; a folder with OFAC's files or a NAME that begins with `sanctions` or `ofac` is
    /// a sanctions list, anything else a list of accounts used for fraud; may be given several times
    #[arg(long = "list", value_name = "NAME=PATH")]
    lists: Vec<NamedPath>,
}

impl From<InsteadArgs> for Instead {
    fn from(args: InsteadArgs) -> Self {
        let InsteadArgs { accounts, rates, vasps, rules, lists } = args;
        Self { accounts, rates, vasps, rules, lists }
    }
}

pub fn run(args: Args) -> Result<()> {
    let mut config = config::load(args.config.as_deref())?;
    logging::start(&config.log.format, "warn");
    Instead::from(args.instead).apply(&mut config);
    let mut faults = Refusal::default();
    for path in args.bank.iter().chain(&args.exchange) {
        keep(File::open(path).map_err(|error| unreadable(path, &error)), &mut faults);
    }
    let written = [Some(&args.out), args.detections.as_ref(), args.dead_letters.as_ref(), args.late.as_ref()];
    for path in written.into_iter().flatten() {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            let place = path.display().to_string();
            faults.0.push(Fault::new(place, "cannot be written: its folder is not there", "make the folder first"));
        }
    }
    let opened = keep(open(&config), &mut faults);
    faults.into_result()?;
    let opened = opened.context("nothing was opened; please report this")?;
    let mut pipeline = Pipeline::new(opened.parts.clone())?;
    let started = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970; set it")?;
    let frame = Frame {
        started: i64::try_from(started.as_millis())?,
        max_ahead_ms: config.semantics.max_ahead.ms(),
        idle_after_ms: config.semantics.idle_after.ms(),
        epoch: pipeline.epoch(),
    };
    let numbered = |files: &'_ [PathBuf]| -> Vec<(i32, PathBuf)> { (0..).zip(files.iter().cloned()).collect() };
    let (bank, exchange) = (numbered(&args.bank), numbered(&args.exchange));
    let bank = bank.iter().map(|(partition, path)| (config.bank_topic(), *partition, path.as_path()));
    let exchange = exchange.iter().map(|(partition, path)| (config.exchange_topic(), *partition, path.as_path()));
    let mut merge = Merge::open(bank.chain(exchange), frame)?;
    let to_stdout = args.out.to_str() == Some("-");
    let targets = Targets {
        alerts: args.out,
        detections: args.detections,
        dead_letters: args.dead_letters,
        late: args.late,
        tables: args.tables,
    };
    let mut writers = Writers::create(&targets, &opened.parts)?;
    let progress = progress_bar(&[args.bank, args.exchange].concat());
    let mut tally = Tally::default();
    let began = Instant::now();
    while let Some(slice) = merge.next_slice().context("cannot read the records")? {
        let output = pipeline.process(&slice)?;
        writers.add(&opened.parts, &output)?;
        tally.add(&output);
        progress.set_position(merge.bytes());
    }
    writers.finish()?;
    progress.finish_and_clear();
    let seconds = began.elapsed().as_secs_f64();
    let (summary, rate) = (tally.summary(), tally.counts().produced as f64 / seconds.max(1e-9));
    if args.json {
        let mut line = serde_json::to_value(&summary)?;
        line["epoch"] = json!(pipeline.epoch());
        line["seconds"] = json!(seconds);
        line["transactions_per_second"] = json!(rate.round());
        if to_stdout { eprintln!("{line}") } else { println!("{line}") }
    } else {
        eprint!("{}", summary.text());
        eprintln!("{seconds:.1} s, {rate:.0} transactions/s, epoch {}", pipeline.epoch());
    }
    Ok(())
}

/// Progress over the bytes of all files; nothing is drawn unless standard error is a terminal.
fn progress_bar(files: &[PathBuf]) -> ProgressBar {
    let bytes = files.iter().filter_map(|file| file.metadata().ok()).map(|found| found.len()).sum();
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    let bar = ProgressBar::new(bytes);
    style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}
