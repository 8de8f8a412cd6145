//! The demo: a broker inside the process, the simulator as the senders, the same run as ever, and a view of it.

mod board;
mod feed;
mod folder;
mod report;
mod score;
mod view;

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow};
use mareva_kafka::{MockBroker, Progress, RunSummary, TopicPartition};
use mareva_model::Refusal;
use mareva_sim::SimConfig;

use crate::commands::run::stop_on_signals;
use crate::judge::Judged;
use crate::open::open;
use crate::outcome::say;
use crate::serve::{Manner, serve, topics};
use crate::{config, logging};

use board::Board;
use feed::{Fed, Plan};
use folder::Folder;

/// Config of the simulated institution.
const CONFIG: &str = include_str!("../commands/sim.toml");
/// What a demo wants otherwise than a run: nothing is kept and nobody asks for metrics.
const OWN: &str = "\n[snapshots]\npath = \"\"\n\n[http]\nlisten = \"\"\n";
/// Partitions of the input topics.
const PARTITIONS: i32 = 2;
/// Share of the time in which all is fed, so that the rest can be judged in it.
const FEEDING: f64 = 0.9;
/// How long after the feed has ended the last records may take.
const DRAIN: Duration = Duration::from_secs(30);

/// What the command line says.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub time: Duration,
    pub seed: u64,
    pub transactions: u64,
    pub json: bool,
}

/// Runs the demo.
///
/// # Errors
/// What keeps it from going on.
pub fn run(settings: &Settings) -> Result<()> {
    let live_view = !settings.json && io::stdout().is_terminal() && io::stderr().is_terminal();
    logging::start("text", if live_view { "off" } else { "error" })?;
    // Before anything is written that a signal would leave behind.
    let stop = stop_on_signals()?;
    let simulation = simulation(settings)?;
    if !settings.json {
        say(format_args!(
            "simulating {} transactions of one bank and one exchange, seed {}",
            settings.transactions, settings.seed
        ))?;
    }
    let records = mareva_sim::records(&simulation);
    let folder = Folder::write(&records.reference()).context("cannot write to the folder for temporary files")?;
    let mut faults = Refusal::default();
    let mut config = config::read(&format!("{CONFIG}{OWN}"), "demo", folder.path(), &mut faults);
    faults.into_result()?;
    let broker = MockBroker::start(&topics(&config), PARTITIONS)?;
    config.kafka.insert("bootstrap.servers".to_owned(), broker.bootstrap_servers());
    let opened = open(&config)?;
    let board = Board::new(settings.transactions, settings.time, opened.parts.watchlist.as_ref());
    let feed = broker.feed()?;
    let pace = feed.pace();
    let plan = Plan {
        bank: config.bank_topic().into(),
        exchange: config.exchange_topic().into(),
        time: settings.time.mul_f64(FEEDING),
        transactions: settings.transactions,
    };
    let mut observe = |progress: &Progress<'_, Judged>| {
        if let Progress::Judged { slice, .. } = progress {
            for run in slice.records.chunk_by(|a, b| a.partition == b.partition && a.topic == b.topic) {
                let last = &run[run.len() - 1];
                pace.judged(&TopicPartition::new(last.topic.clone(), last.partition), last.offset + 1);
            }
        }
        board.observe(progress);
    };
    let ending = AtomicBool::new(false);
    let (fed, ran) = thread::scope(|scope| -> Result<(Fed, RunSummary)> {
        let (board, stop) = (&board, stop.as_ref());
        let feeding = scope.spawn(|| {
            let fed = feed::feed(feed, records, &plan, board, &ending);
            board.fed_all();
            fed
        });
        let watching = scope.spawn(|| {
            let watched = watch(board, stop, live_view, settings.json);
            // Nobody else ends the run.
            stop.store(true, Ordering::Relaxed);
            watched
        });
        let ran = serve(&config, opened, &Manner { mock: true, ..Manner::default() }, stop, &mut observe);
        ending.store(true, Ordering::Relaxed);
        stop.store(true, Ordering::Relaxed);
        board.end();
        watching.join().map_err(|_| anyhow!("the view ended unexpectedly"))??;
        let fed = feeding.join().map_err(|_| anyhow!("the feed ended unexpectedly"))?;
        Ok((fed?, ran?))
    })?;
    drop(broker);
    report::write(settings, &board, &fed, &ran)
}

/// The simulation, over before now: records from the future are refused.
fn simulation(settings: &Settings) -> Result<SimConfig> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970; set it")?;
    let (now, week) = (i64::try_from(now.as_millis())?, 7 * 86_400_000);
    let mut simulation = SimConfig::new(settings.seed, settings.transactions);
    while simulation.start + (simulation.days() + 2) * 86_400_000 > now {
        simulation.start -= week;
    }
    Ok(simulation)
}

/// Shows the board until it ends, and stops the run when all that was fed is judged.
fn watch(board: &Board, stop: &AtomicBool, live_view: bool, quiet: bool) -> Result<()> {
    let mut screen = if live_view { view::Screen::Live(view::open()?) } else { view::Screen::lines(quiet) };
    let mut idle_since: Option<Instant> = None;
    while !board.has_ended() {
        let leave = screen.show(board)?;
        if leave {
            stop.store(true, Ordering::Relaxed);
        }
        if board.is_fed() {
            let since = idle_since.get_or_insert_with(Instant::now);
            if board.is_judged() || since.elapsed() > DRAIN {
                stop.store(true, Ordering::Relaxed);
            }
        }
    }
    screen.close();
    Ok(())
}
