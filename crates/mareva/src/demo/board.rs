//! What the view shows and the report is made of: filled by the run and the feed, read by the view.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mareva_kafka::{Progress, Stats};
use mareva_model::Regime;
use mareva_model::alert::Alert;
use mareva_screening::Watchlist;

use crate::judge::Judged;
use crate::replay::Tally;
use crate::words::headline;

/// Newest alerts that are kept for the view.
const NEWEST: usize = 40;

/// Shared by the run, the feed and the view.
pub struct Board {
    began: Instant,
    transactions: u64,
    time: Duration,
    lists: usize,
    state: Mutex<State>,
}

/// What is known so far.
#[derive(Default)]
pub struct State {
    /// Records sent.
    pub sent: u64,
    /// Event time that the feed has reached, UTC milliseconds.
    pub event_time: i64,
    /// Records judged.
    pub judged: u64,
    /// Figures of the run.
    pub stats: Stats,
    /// Counts over all slices.
    pub tally: Tally,
    /// Confirmed hits on sanctions lists, and on lists of accounts used for fraud.
    pub hits: [u64; 2],
    /// The last revision of every committed alert.
    pub alerts: HashMap<String, Alert>,
    /// First revisions and changes of action, newest first.
    pub newest: VecDeque<String>,
    fed: bool,
    ended: bool,
}

impl Board {
    pub fn new(transactions: u64, time: Duration, watchlist: &Watchlist) -> Self {
        let lists = watchlist.loaded().len();
        Self { began: Instant::now(), transactions, time, lists, state: Mutex::default() }
    }

    /// What is known so far, while nobody else changes it.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn time(&self) -> Duration {
        self.time
    }

    pub fn transactions(&self) -> u64 {
        self.transactions
    }

    pub fn lists(&self) -> usize {
        self.lists
    }

    /// The feed has got this far.
    pub fn sent(&self, records: u64, event_time: i64) {
        let mut state = self.state();
        state.sent = records;
        state.event_time = state.event_time.max(event_time);
    }

    pub fn fed_all(&self) {
        self.state().fed = true;
    }

    pub fn is_fed(&self) -> bool {
        self.state().fed
    }

    /// Whether all that was sent is judged.
    pub fn is_judged(&self) -> bool {
        let state = self.state();
        state.judged >= state.sent
    }

    pub fn end(&self) {
        self.state().ended = true;
    }

    pub fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Takes what the run reports.
    pub fn observe(&self, progress: &Progress<'_, Judged>) {
        let mut state = self.state();
        match progress {
            Progress::Judged { slice, output, .. } => {
                state.judged += slice.records.len() as u64;
                state.tally.add(&output.output);
                for hit in &output.output.hits {
                    state.hits[usize::from(hit.list.regime == Regime::Fraud)] += 1;
                }
            }
            Progress::Committed { transaction, stats } => {
                for message in transaction.alerts() {
                    // Our own bytes: they can be read back.
                    if let Ok(alert) = Alert::from_json(&message.payload) {
                        state.take(alert);
                    }
                }
                state.stats = (*stats).clone();
            }
            Progress::Live { stats } | Progress::Second { stats } => state.stats = (*stats).clone(),
        }
    }
}

impl State {
    fn take(&mut self, alert: Alert) {
        let before = self.alerts.get(&alert.alert_id);
        let is_news = before.is_none_or(|before| before.action != alert.action || before.status != alert.status);
        if is_news {
            self.newest.push_front(headline(&alert));
            self.newest.truncate(NEWEST);
        }
        self.alerts.insert(alert.alert_id.clone(), alert);
    }

    /// Records that are sent and not judged.
    pub fn lag(&self) -> u64 {
        self.sent.saturating_sub(self.judged)
    }
}
