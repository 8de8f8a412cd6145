//! The run itself, the same for `run` and `demo`: the Kafka loop over the pipeline, with metrics and health.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use mareva_kafka::{
    EpochChange, Failpoints, Judge as _, JudgeError, Limits, Progress, RunConfig, RunSummary, SnapshotConfig, Topics,
};
use mareva_model::Refusal;
use mareva_pipeline::Counts;

use crate::config::{Config, ListFile, Span};
use crate::fetch::checked_at;
use crate::history::HistoryFile;
use crate::http::{Admin, Health, Server, Stage};
use crate::in_force::{Board, Changes, InForce, KeptEpochs, ListWatch, Watch};
use crate::judge::{Judged, PipelineJudge};
use crate::metrics::Metrics;
use crate::open::{Opened, unreadable};
use crate::replay::stream_of;

/// How long the loop may stand still before `/healthz` says so.
const STALLED_AFTER: Duration = Duration::from_secs(30);
/// Seconds between two log lines on progress.
const LOG_SECONDS: u64 = 10;

/// How to run, beside the config.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// Records to retain before the stream begins: a file or a folder.
    pub history: Option<PathBuf>,
    /// Stop when all that the topics held at the start is judged.
    pub until_end: bool,
    /// Start although needed input is gone.
    pub accept_gap: bool,
    /// Go on with a log that was written under another transactional id.
    pub take_over: bool,
    /// Judge the recorded input again under a new epoch.
    pub replay_under_new_epoch: bool,
    /// Recover, write a snapshot, stop.
    pub drain: bool,
    /// The brokers are a mock cluster.
    pub mock: bool,
}

/// Runs until `stop`, until the end where that is asked for, or until an error.
///
/// # Errors
/// A refusal, or what keeps the loop from going on.
pub fn serve(
    config: &Config,
    opened: Opened,
    manner: &Manner,
    stop: &AtomicBool,
    observe: &mut dyn FnMut(&Progress<'_, Judged>),
) -> Result<RunSummary> {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")).context("cannot register the metrics")?);
    metrics.epoch(opened.parts.epoch());
    let (tried, told): (Vec<_>, Vec<_>) =
        opened.parts.ruleset.rules().iter().map(|rule| &*rule.reference).partition(|rule| rule.shadow);
    metrics.expect(opened.parts.config.streams.keys().map(String::as_str), told.iter().map(|rule| rule.id.as_str()));
    metrics.expect_tried(tried.iter().map(|rule| rule.id.as_str()));
    metrics.lists(&opened.parts.watchlist.lists(), |name| modified(&config.lists, name));
    let health = Arc::new(Health::new(STALLED_AFTER));
    let board = Arc::new(Board::default());
    let changes = changes(config, &opened, &board)?;
    let known_epochs = changes.as_ref().map(|changes| changes.known().clone()).unwrap_or_default();
    // All end when this function does.
    let of_rules = watch(config, &opened, changes.is_some(), &board)?;
    let lists = (opened.parts.watchlist.clone(), opened.read_at);
    let _of_lists =
        changes.is_some().then(|| ListWatch::start(config.lists.clone(), lists, board.clone())).transpose()?;
    let door = of_rules.as_ref().and_then(Watch::door);
    let admin = opened.admin_token.as_ref().map(|token| Admin::new(token, board.clone(), door));
    let _server = match config.http.listen.parse() {
        Ok(address) => {
            let server = Server::start(address, metrics.clone(), health.clone(), admin)?;
            tracing::info!(address = %server.address(), "metrics and health");
            Some(server)
        }
        Err(_) => None,
    };
    let run_config = RunConfig { known_epochs, ..run_config(config, &opened, manner)? };
    if run_config.snapshots.is_some() {
        metrics.expect_snapshots();
    }
    health.enter(Stage::Recovering);
    let history = manner.history.as_deref().map(|path| history_files(config, path)).transpose()?;
    let (parts, subject_key) = (opened.parts, opened.subject_key);
    let at_start = board.clone();
    let open = |snapshot: Option<&mut (dyn Read + Send)>| -> Result<PipelineJudge, JudgeError> {
        let fresh = snapshot.is_none();
        let mut judge = PipelineJudge::open(parts, subject_key, snapshot, changes)?;
        match history {
            Some(files) if fresh => judge.seed(config, &files)?,
            Some(_) => tracing::warn!("--history is not used: there is a snapshot to start from, which stands for it"),
            None => {}
        }
        at_start.in_force(judge.epoch(), judge.tenures(), None);
        Ok(judge)
    };
    let max_rows = config.semantics.max_rows;
    let drain = manner.drain;
    let mut lookout = Lookout {
        metrics: &metrics,
        health: &health,
        board: &board,
        files: &config.lists,
        max_rows,
        drain,
        seconds: 0,
        counts: Counts::default(),
    };
    let mut watch = |progress: &Progress<'_, Judged>| {
        lookout.see(progress, stop);
        observe(progress);
    };
    let summary = mareva_kafka::run(&run_config, open, stop, &mut watch)?;
    metrics.stats(&summary.stats);
    metrics.rules(&board.figures());
    Ok(summary)
}

/// What has rules and lists change while the process runs, where there is a folder to keep those of each epoch in.
fn changes(config: &Config, opened: &Opened, board: &Arc<Board>) -> Result<Option<Changes>> {
    if config.snapshots.path.as_os_str().is_empty() {
        return Ok(None);
    }
    let (rules, lists) = (opened.parts.ruleset.clone(), opened.parts.watchlist.clone());
    let configs = lists.loaded().iter().map(|list| list.config().clone()).collect();
    let kept = KeptEpochs::open(config.snapshots.path.join("rules"), opened.parts.frame(), configs)?;
    let latest = (opened.parts.epoch(), InForce { rules, lists });
    Changes::start(board.clone(), kept, latest).map(Some)
}

/// Looks after the folder of rules, where there is one and they can change.
fn watch(config: &Config, opened: &Opened, can_change: bool, board: &Arc<Board>) -> Result<Option<Watch>> {
    let path = &config.rules.path;
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    if !can_change {
        tracing::info!("other rules take force with a restart: for a change while it runs, set snapshots.path");
        return Ok(None);
    }
    Watch::start(path.clone(), opened.parts.ruleset.clone(), board.clone()).map(Some)
}

/// Turns what the loop reports into metrics, health and log lines.
struct Lookout<'a> {
    metrics: &'a Metrics,
    health: &'a Health,
    board: &'a Board,
    files: &'a [ListFile],
    max_rows: u64,
    drain: bool,
    seconds: u64,
    /// Of this process.
    counts: Counts,
}

impl Lookout<'_> {
    fn see(&mut self, progress: &Progress<'_, Judged>, stop: &AtomicBool) {
        match progress {
            Progress::Live { stats } => {
                self.metrics.live(true);
                self.metrics.stats(stats);
                self.health.enter(Stage::CatchingUp);
                if self.drain {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            Progress::Judged { slice, output, replay, .. } => {
                if !replay {
                    self.metrics.judged(slice, &output.output);
                    self.counts += &output.output.counts;
                }
                if let Some(sizes) = &output.sizes {
                    self.metrics.sizes(sizes, self.max_rows);
                }
            }
            Progress::Second { stats } => {
                self.metrics.stats(stats);
                self.metrics.rules(&self.board.figures());
                if let Some(lists) = self.board.take_lists_in_force() {
                    self.metrics.lists(&lists.lists(), |name| modified(self.files, name));
                }
                self.tell_ages();
                self.health.turned(stats);
                self.seconds += 1;
                if self.seconds.is_multiple_of(LOG_SECONDS) {
                    let lag: i64 = stats.lag.iter().map(|(_, lag)| lag).sum();
                    let Counts { late, dead_lettered, .. } = self.counts;
                    tracing::info!(records = stats.records, alerts = stats.alerts, late, dead_lettered, lag, "judging");
                }
            }
            Progress::Committed { .. } => {}
        }
        if stop.load(Ordering::Relaxed) {
            self.health.enter(Stage::Stopping);
        }
    }
}

impl Lookout<'_> {
    /// Says how long ago the publishers of lists were asked.
    fn tell_ages(&self) {
        for (file, source) in self.files.iter().filter_map(|one| Some((one, one.fetch.as_ref()?))) {
            let checked = checked_at(&file.list.path);
            let is_within = |most: Span| checked.is_some_and(|at| at.elapsed().is_ok_and(|age| age <= most.duration()));
            self.metrics.checked(&file.list.name, checked, source.max_age.map(|most| !is_within(most)));
        }
    }
}

/// What the loop is told.
fn run_config(config: &Config, opened: &Opened, manner: &Manner) -> Result<RunConfig, Refusal> {
    let mut connection = opened.connection.clone();
    // These two are settings of the loop: it hands them to the clients itself.
    let transactional_id = connection.properties.remove("transactional.id");
    let group_id = connection.properties.remove("group.id");
    let mut run = RunConfig::new(connection, opened.parts.epoch());
    run.transactional_id = transactional_id.unwrap_or(run.transactional_id);
    run.group_id = group_id.unwrap_or(run.group_id);
    run.topics = topics(config);
    run.limits = Limits::default();
    run.until_end = manner.until_end;
    run.accept_gap = manner.accept_gap;
    run.take_over = manner.take_over;
    run.check_settings = !manner.mock;
    if manner.replay_under_new_epoch {
        run.epoch_change = EpochChange::Replay;
    }
    if !config.snapshots.path.as_os_str().is_empty() {
        run.snapshots = Some(SnapshotConfig {
            folder: config.snapshots.path.clone(),
            every: config.snapshots.every.duration(),
            keep: config.snapshots.keep,
        });
    }
    let failpoint = std::env::var("MAREVA_FAILPOINT").unwrap_or_default();
    run.failpoints = Failpoints::from_str(&failpoint)
        .map_err(|reason| Refusal::one("MAREVA_FAILPOINT", reason, "unset it: it is for tests only"))?;
    Ok(run)
}

/// The topics of a config.
pub fn topics(config: &Config) -> Topics {
    let inputs = config.input.bank.iter().chain(&config.input.exchange).chain(&config.input.decisions);
    let inputs = inputs.cloned().collect();
    let output = &config.output;
    Topics {
        inputs,
        alerts: output.alerts.clone(),
        dead_letters: output.dead_letters.clone(),
        late: output.late.clone(),
        sequence: output.sequence.clone(),
        ..Topics::default()
    }
}

/// Time of the newest file of a list.
fn modified(files: &[ListFile], name: &str) -> Option<SystemTime> {
    let file = files.iter().find(|one| one.list.name == name)?;
    let own = fs::metadata(&file.list.path).ok()?;
    if !own.is_dir() {
        return own.modified().ok();
    }
    let inside = fs::read_dir(&file.list.path).ok()?.flatten();
    inside.filter_map(|one| one.metadata().ok()?.modified().ok()).max()
}

/// The files of a history: one file, or all NDJSON files of a folder whose records are transactions.
///
/// # Errors
/// When there is none, or one cannot be read.
pub fn history_files(config: &Config, path: &Path) -> Result<Vec<HistoryFile>, Refusal> {
    let failed = |error: std::io::Error| unreadable(path, &error);
    let mut paths = vec![path.to_owned()];
    if fs::metadata(path).map_err(failed)?.is_dir() {
        let all: Result<Vec<PathBuf>, _> = fs::read_dir(path).map_err(failed)?.map(|one| Ok(one?.path())).collect();
        let is_read =
            |path: &PathBuf| path.extension().is_some_and(|extension| extension == "ndjson") && path.is_file();
        let unread: Vec<PathBuf>;
        (paths, unread) = all.map_err(failed)?.into_iter().partition(is_read);
        paths.sort();
        for path in &unread {
            tracing::warn!(entry = %path.display(), "no part of the history: of a folder its *.ndjson files are read, and no others");
        }
    }
    let (mut files, mut bank, mut exchange) = (Vec::new(), 0, 0);
    for path in paths {
        let (topic, partition) = match stream_of(&first_line(&path)?) {
            Some(mareva_codec::Stream::Bank) => (config.bank_topic(), &mut bank),
            Some(mareva_codec::Stream::Exchange) => (config.exchange_topic(), &mut exchange),
            None => {
                // Said twice at a start, as the entries above are: it checks the files before it opens anything.
                tracing::warn!(file = %path.display(), "its first line is no transaction: the file is no part of the history");
                continue;
            }
        };
        files.push((topic.to_owned(), *partition, path));
        *partition += 1;
    }
    if files.is_empty() {
        let place = path.display().to_string();
        return Err(Refusal::one(place, "holds no transactions", "name an NDJSON file or a folder of them"));
    }
    Ok(files)
}

fn first_line(path: &Path) -> Result<Vec<u8>, Refusal> {
    use std::io::{BufRead as _, BufReader};
    let mut line = Vec::new();
    let file = fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut start = BufReader::new(file).take(1 << 20);
    start.read_until(b'\n', &mut line).map_err(|error| unreadable(path, &error))?;
    Ok(line)
}
