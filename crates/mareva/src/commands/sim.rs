use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::value_parser;
use indicatif::{ProgressBar, ProgressStyle};
use mareva_model::{Refusal, format_time};
use mareva_sim::SimConfig;

use super::replay::stop_on_signals;
use crate::open::in_the_way;
use crate::outcome::say;
use crate::replay::WholeFile;

/// Config that fits a simulation, written beside it.
const CONFIG: &str = include_str!("sim.toml");

/// Most records of a simulation: what the simulator was made for.
pub const MAX_TRANSACTIONS: u64 = 50_000_000;

/// Write a simulated scam-centre economy, with labels
///
/// The same seed and number give the same bytes. Writes bank.ndjson, exchange.ndjson, accounts.ndjson, mules.csv,
/// vasps.csv, rates.csv, labels.ndjson, sanctions/ (fictional entries in OFAC's form), and a mareva.toml that names them.
/// They stand under their names when all are whole; until then they end in .partial.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva sim --seed 7 --transactions 200000 --out sim
  mareva replay --config sim/mareva.toml --bank sim/bank.ndjson \\
                --exchange sim/exchange.ndjson --out alerts.ndjson")]
pub struct Args {
    /// Seed of everything that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of records in both streams together
    #[arg(long, default_value_t = 100_000, value_parser = value_parser!(u64).range(1..=MAX_TRANSACTIONS))]
    transactions: u64,
    /// Folder to write to; it is made when it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write the summary as one JSON object to standard output
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<()> {
    stop_on_signals()?;
    if in_the_way(&args.out).is_some() {
        let reason = "cannot hold a simulation: it is no folder, or lies in none";
        let remedy = "name a folder; it is made when it is not there";
        return Err(Refusal::one(args.out.display().to_string(), reason, remedy).into());
    }
    if let Some(config) = config_of_others(&args.out) {
        let reason = "is no config of a simulation, and one would take its place";
        return Err(Refusal::one(config.display().to_string(), reason, "name another folder").into());
    }
    let config = SimConfig::new(args.seed, args.transactions);
    let bar = ProgressBar::new(args.transactions);
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} records, {per_sec}, {eta} left")?;
    bar.set_style(style);
    let failed = || format!("cannot write to {}; check space and permissions", args.out.display());
    std::fs::create_dir_all(args.out.join("sanctions")).with_context(failed)?;
    let mut create = |name: &str| WholeFile::create(&args.out.join(name)).map_err(io::Error::other);
    let (summary, files) =
        mareva_sim::write(&config, &mut create, &mut |records| bar.set_position(records)).with_context(failed)?;
    let mut file = create("mareva.toml").with_context(failed)?;
    file.write_all(CONFIG.as_bytes()).with_context(failed)?;
    file.settle()?;
    files.into_iter().chain([file]).try_for_each(WholeFile::finish)?;
    bar.finish_and_clear();
    if args.json {
        say(serde_json::to_string(&summary)?)?;
        return Ok(());
    }
    let listed = |counts: Vec<(String, u64)>| -> String {
        counts.iter().map(|(name, number)| format!("{name} {number}")).collect::<Vec<_>>().join(", ")
    };
    let illicit: u64 = summary.illicit.values().sum();
    let by_role = summary.illicit.iter().map(|(role, number)| ((*role).to_owned(), *number)).collect();
    say(format_args!("{} records: {}", summary.records, listed(summary.by_kind.into_iter().collect())))?;
    say(format_args!("{illicit} of them illicit: {}", listed(by_role)))?;
    say(format_args!("from {} to {}", format_time(summary.first_time), format_time(summary.last_time)))?;
    say(format_args!("written to {}", args.out.display()))?;
    Ok(())
}

/// The config in a folder that somebody else has written. Those of simulations begin alike.
fn config_of_others(folder: &Path) -> Option<PathBuf> {
    let path = folder.join("mareva.toml");
    let first = CONFIG.lines().next().unwrap_or_default();
    let mut begin = Vec::new();
    File::open(&path).ok()?.take(first.len() as u64).read_to_end(&mut begin).ok()?;
    (begin != first.as_bytes()).then_some(path)
}
