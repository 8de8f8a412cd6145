//! What others ask of the running process: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever starts and stops
//! it, plain text and read only; and [`admin`] for whoever has the token. No secrets and no accounts in it. It has its own thread, so that it answers while the loop
//! judges, and ends with the value that started it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use mareva_kafka::Stats;
use mareva_model::Refusal;
use tokio::sync::oneshot;

use crate::metrics::Metrics;

mod admin;

pub use admin::Admin;

/// How far a run has come, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    /// Rules, lists and tables are being read.
    Loading,
    /// A snapshot is restored and recorded slices are judged again.
    Recovering,
    /// New input is judged, more of it waits than [`CAUGHT_UP`].
    CatchingUp,
    /// Alerts come as things happen. A later lag is a matter for the metrics and does not end this.
    Ready,
    /// What is under way is finished.
    Stopping,
}

/// Records that may wait, over all partitions, for the first [`Stage::Ready`].
pub const CAUGHT_UP: i64 = 10_000;

/// How long what is judged may wait for a confirmed commit before nobody is to count on the alerts. A live run commits every
/// second, silent as its input may be.
pub const NOT_COMMITTED: Duration = Duration::from_secs(30);

/// How long open connections may take to finish after the end.
const GRACE: Duration = Duration::from_secs(2);

impl Stage {
    const ALL: [Self; 5] = [Self::Loading, Self::Recovering, Self::CatchingUp, Self::Ready, Self::Stopping];

    fn words(self) -> &'static str {
        match self {
            Self::Loading => "loading rules, lists and tables",
            Self::Recovering => "recovering: judging recorded slices again",
            Self::CatchingUp => "catching up with the topics",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
        }
    }
}

/// How the process fares. The loop writes it, requests read it.
#[derive(Debug)]
pub struct Health {
    started: Instant,
    stalled_after: Duration,
    /// Milliseconds after `started`.
    turned: AtomicU64,
    stage: AtomicU8,
    /// Milliseconds for which what is judged waits for a confirmed commit.
    uncommitted: AtomicU64,
}

impl Health {
    /// A process that loads; once it is live it counts as dead when its loop has not turned for `stalled_after`.
    pub fn new(stalled_after: Duration) -> Self {
        let stage = AtomicU8::new(Stage::Loading as u8);
        let (turned, uncommitted) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { started: Instant::now(), stalled_after, turned, stage, uncommitted }
    }

    /// Goes on to a later stage; an earlier one changes nothing.
    pub fn enter(&self, stage: Stage) {
        self.note_turn();
        self.stage.fetch_max(stage as u8, Ordering::Relaxed);
    }

    /// The loop has turned: to be called at least once a second.
    pub fn turned(&self, stats: &Stats) {
        self.note_turn();
        let uncommitted = u64::try_from(stats.waits_for_commit.as_millis()).unwrap_or(u64::MAX);
        self.uncommitted.store(uncommitted, Ordering::Relaxed);
        let waiting: i64 = stats.lag.iter().map(|(_, lag)| *lag).sum();
        if self.stage() == Stage::CatchingUp && !stats.lag.is_empty() && waiting <= CAUGHT_UP {
            self.enter(Stage::Ready);
        }
    }

    /// The stage reached.
    pub fn stage(&self) -> Stage {
        let stage = self.stage.load(Ordering::Relaxed);
        Stage::ALL.into_iter().find(|one| *one as u8 == stage).unwrap_or(Stage::Stopping)
    }

    fn note_turn(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.turned.store(elapsed, Ordering::Relaxed);
    }

    /// Why nobody is to count on the alerts now; nothing where all is well.
    fn unready(&self) -> Option<String> {
        let stage = self.stage();
        if stage != Stage::Ready {
            return Some(stage.words().to_owned());
        }
        let uncommitted = Duration::from_millis(self.uncommitted.load(Ordering::Relaxed));
        let words = || format!("nothing committed for {} s: look at the brokers and the log", uncommitted.as_secs());
        (uncommitted >= NOT_COMMITTED).then(words)
    }

    /// For how long the loop has not turned, where that is too long. Reading lists or a snapshot takes as long as it takes.
    fn stalled(&self) -> Option<Duration> {
        let turned = self.started + Duration::from_millis(self.turned.load(Ordering::Relaxed));
        let since = turned.elapsed();
        let watched = matches!(self.stage(), Stage::CatchingUp | Stage::Ready);
        (watched && since > self.stalled_after).then_some(since)
    }
}

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone)]
struct Shown {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    admin: Option<Arc<Admin>>,
}

impl Server {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// A refusal where the address cannot be had; no thread.
    pub fn start(
        address: SocketAddr,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
        admin: Option<Admin>,
    ) -> anyhow::Result<Self> {
        let refused = |error: std::io::Error| {
            let reason = format!("cannot listen on {address} for metrics: {error}");
            Refusal::one("http.listen", reason, "end what listens there, or choose a free address of this machine")
        };
        let listener = TcpListener::bind(address).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime of the metrics server; raise the limit on open files")?;
        let (stop, stopped) = oneshot::channel();
        let shown = Shown { metrics, health, admin: admin.map(Arc::new) };
        let thread = thread::Builder::new()
            .name("mareva-http".to_owned())
            .spawn(move || runtime.block_on(serve(listener, shown, stopped)))
            .context("cannot start the thread of the metrics server; raise the limit on processes")?;
        Ok(Self { address: bound, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the metrics server ended unexpectedly, please report this");
        }
    }
}

async fn serve(listener: TcpListener, shown: Shown, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "no metrics: the listener cannot be used");
            return;
        }
    };
    let routes = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/admin/rules", get(admin::rules))
        .route("/admin/rules/reload", post(admin::reload))
        .with_state(shown);
    let (end, ended) = oneshot::channel();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(async move {
        // An error means that the server's owner is gone: that is an end, too.
        let _ = stopped.await;
        let _ = end.send(());
    });
    let grace = async {
        let _ = ended.await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = serving => if let Err(error) = served {
            tracing::error!(%error, "the metrics server has ended");
        },
        () = grace => {}
    }
}

async fn metrics(State(shown): State<Shown>) -> Response {
    match shown.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn healthz(State(shown): State<Shown>) -> Response {
    match shown.health.stalled() {
        None => (StatusCode::OK, format!("alive: {}\n", shown.health.stage().words())).into_response(),
        Some(since) => {
            let text = format!("no progress for {} s\n", since.as_secs());
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

async fn readyz(State(shown): State<Shown>) -> Response {
    match shown.health.unready() {
        None => (StatusCode::OK, format!("{}\n", Stage::Ready.words())).into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests;
