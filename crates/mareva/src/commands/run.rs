use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use mareva_kafka::{Histogram, Progress, RunSummary};
use mareva_model::{Digest, Fault, Refusal, format_time};
use serde_json::{Value, json};

use crate::open::{keep, open, warn_of_doubts};
use crate::outcome::say;
use crate::serve::{Manner, history_files, serve};
use crate::{config, logging};

/// Judge Kafka topics until SIGTERM or Ctrl-C
///
/// Alerts, dead letters, late transactions, the sequence record and the offsets leave in one Kafka transaction. Started
/// again, it goes on where the last committed transaction ended.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mareva run --config mareva.toml
  mareva run --config mareva.toml --history archive    rules look back on it
  mareva run --config mareva.toml --until-end          what the topics hold now
  mareva run --config mareva.toml --drain              snapshot before an upgrade")]
pub struct Args {
    /// The config
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Records from before the stream, an NDJSON file or a folder of *.ndjson files: retained, not judged; used when there
    /// is no snapshot to start from, in the place of input that is gone from the topics, too; the same each time
    #[arg(long, value_name = "PATH")]
    history: Option<PathBuf>,
    /// End when all that the topics held at the start is judged
    #[arg(long)]
    until_end: bool,
    /// Start although needed input is gone, or the history that the log began with; the sequence topic says so
    #[arg(long)]
    accept_gap: bool,
    /// Go on with a sequence topic that was written under another `transactional.id`; the instance that has it must be gone
    #[arg(long)]
    take_over: bool,
    /// Recover, write a snapshot at the last committed slice, and end
    #[arg(long, conflicts_with = "until_end")]
    drain: bool,
    /// Judge the recorded input again when lists, tables, config or the version have changed since (rules may change without it)
    #[arg(long)]
    replay_under_new_epoch: bool,
    /// Write a summary as one JSON object to standard output at the end
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args) -> Result<()> {
    let mut faults = Refusal::default();
    let config = config::load(Some(&args.config), &mut faults);
    keep(logging::start(&config.log.format, &config.log.level), &mut faults);
    let stop = stop_on_signals()?;
    let opened = keep(open(&config), &mut faults);
    if let Some(path) = &args.history {
        keep(history_files(&config, path), &mut faults);
    }
    if args.drain && config.snapshots.path.as_os_str().is_empty() {
        let reason = "is empty: --drain would write no snapshot";
        faults.0.push(Fault::new("snapshots.path", reason, "name a folder, or leave --drain out"));
    }
    faults.into_result()?;
    let opened = opened.context("nothing was opened; please report this")?;
    let epoch = opened.parts.epoch();
    tracing::info!(
        %epoch,
        rules = opened.parts.ruleset.rules().len(),
        lists = opened.parts.watchlist.loaded().len(),
        brokers = opened.connection.brokers(),
        "in force"
    );
    warn_of_doubts(&opened.parts.watchlist);
    opened.notices.iter().for_each(|notice| tracing::warn!("{notice}"));
    let manner = Manner {
        history: args.history,
        until_end: args.until_end,
        accept_gap: args.accept_gap,
        take_over: args.take_over,
        replay_under_new_epoch: args.replay_under_new_epoch,
        drain: args.drain,
        mock: false,
    };
    let mut live = false;
    let summary = serve(&config, opened, &manner, &stop, &mut |progress| {
        live |= matches!(progress, Progress::Live { .. });
    })?;
    let stats = &summary.stats;
    ensure!(
        !args.until_end || !stop.load(Ordering::SeqCst),
        "stopped by a signal before the end of what the topics held: what was judged is committed; run it again to go on"
    );
    ensure!(
        !args.drain || live,
        "stopped by a signal before the last committed slice was reached: no snapshot was written; run --drain again"
    );
    ensure!(
        !args.drain || summary.snapshot_seq == stats.committed_seq,
        "no snapshot was written at the last committed slice, see the log; what was judged is committed all the same"
    );
    tracing::info!(
        records = stats.records,
        produced = stats.counts.produced,
        accepted = stats.counts.accepted,
        repeated = stats.counts.repeated,
        late = stats.counts.late,
        dead_lettered = stats.counts.dead_lettered,
        alerts = stats.alerts,
        committed_slice = stats.committed_seq,
        "stopped, all is committed"
    );
    if args.json {
        say(summary_json(&summary, epoch))?;
    }
    Ok(())
}

fn summary_json(summary: &RunSummary, epoch: Digest) -> Value {
    let stats = &summary.stats;
    let millis = |histogram: &Histogram| json!({ "count": histogram.count(), "p50": histogram.quantile(0.5), "p99": histogram.quantile(0.99), "max": histogram.max });
    let positions: Vec<Value> = summary
        .positions
        .iter()
        .map(|(at, next)| json!({ "topic": &*at.topic, "partition": at.partition, "next_offset": next }))
        .collect();
    json!({
        "epoch": epoch,
        "counts": stats.counts,
        "alerts": stats.alerts,
        "dead_letters": stats.dead_letters,
        "late": stats.late,
        "committed_slice": stats.committed_seq,
        "low_time": stats.low_time.map(format_time),
        "append_to_alert_ms": millis(&stats.append_to_alert),
        "commit_ms": millis(&stats.commit),
        "judging_seconds": stats.judging_micros as f64 / 1e6,
        "longest_slice_ms": stats.longest_slice_micros as f64 / 1e3,
        "epoch_changes": stats.epoch_changes,
        "slice_ms": millis(&stats.other_slices),
        "slice_with_change_ms": millis(&stats.changing_slices),
        "longest_change_ms": stats.longest_change_micros as f64 / 1e3,
        "longest_change_at_start_ms": stats.longest_change_at_start_micros as f64 / 1e3,
        "longest_snapshot_ms": stats.longest_snapshot_micros as f64 / 1e3,
        "snapshots": stats.snapshots,
        "positions": positions,
    })
}

/// A flag that SIGTERM, SIGINT and SIGHUP set; the second signal ends the process at once.
pub fn stop_on_signals() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let handle = move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(handle).context("cannot listen to signals")?;
    Ok(stop)
}
