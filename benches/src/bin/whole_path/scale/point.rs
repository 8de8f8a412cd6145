//! One point of a curve: a monitor filled with a window of rows, then what a further transaction costs.

use std::error::Error;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use mareva_benches::{Usage, resident_bytes};
use mareva_model::TransactionBatch;
use mareva_monitoring::{Accounts, Bounds, Monitor, Ruleset, Spill};
use serde::{Deserialize, Serialize};

use super::rules::Rules;
use super::stream::{LATEST, Stream};

/// Rows handed over at once.
const BATCH: u64 = 4_096;
/// Rounds of measuring: the fastest counts, the others were disturbed.
const ROUNDS: usize = 3;

/// What is run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Point {
    pub rules: Rules,
    pub accounts: u64,
    pub traffic: Traffic,
    /// Longest window, seconds.
    pub window: u64,
    /// Transactions that arrive in so much stream time.
    pub window_rows: u64,
    /// Share of the payments that goes to one account.
    pub hot_percent: u64,
    /// Share of the transactions that comes up to a minute late.
    pub late_percent: u64,
    /// Transactions in a round of measuring; without them only memory is measured.
    pub measured: u64,
    /// The process stops filling its state where it takes more, GiB.
    pub budget: u64,
    /// MiB of retained columns that stay in memory, the others go to a temporary folder; without it all stay.
    pub memory_mib: Option<usize>,
    pub seed: u64,
}

/// Who pays whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Traffic {
    /// Every account pays equally often.
    Uniform,
    /// The busiest hundredth of the accounts pays a fifth of all.
    Skewed,
    /// Accounts pay in turn, one after the other.
    InTurn,
}

/// What was found.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Found {
    /// Processor time of a transaction, microseconds.
    pub micros: f64,
    pub rows: u64,
    pub keys: u64,
    pub timeline_rows: u64,
    /// As [`mareva_monitoring::Sizes`] has them.
    pub retained_bytes: u64,
    pub rows_on_disk: u64,
    pub disk_bytes: u64,
    pub fact_bytes: u64,
    /// What the process grew by while its state was filled.
    pub resident: u64,
    /// Detections that came, changed or went in the rounds.
    pub changes: u64,
    /// The budget was used up before the window was full.
    pub cut_short: bool,
}

impl Point {
    /// Runs in a process of its own, whose memory nothing else has touched.
    pub fn run(&self) -> Result<Found, Box<dyn Error>> {
        let point = serde_json::to_string(self)?;
        let output = Command::new(std::env::current_exe()?).args(["scale-point", &point]).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("the process of {point} ended with {}: {said}", output.status).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn spill(&self) -> Option<Spill> {
        let memory = self.memory_mib?.saturating_mul(1 << 20);
        Some(Spill { memory, make: Arc::new(tempfile::tempfile) })
    }

    /// Runs here.
    pub fn measure(&self) -> Result<Found, Box<dyn Error>> {
        let ruleset = Ruleset::load(&self.rules.texts(self.window)).map_err(|refusal| refusal.to_string())?;
        // Rows stay for a window even where no rule has one.
        let lookback_ms = self.window as i64 * 1000;
        let bounds = Bounds { allowed_lateness_ms: LATEST, lookback_ms, max_rows: u64::MAX };
        let mut monitor = Monitor::new(&ruleset, Arc::new(Accounts::new(&[])), bounds, self.spill())?;
        let mut stream = Stream::new(*self);
        let mut found = Found::default();
        let before = resident_bytes();
        for _ in 0..self.window_rows.div_ceil(BATCH) {
            accept(&mut monitor, &stream.batch(BATCH))?;
            if resident_bytes() > self.budget << 30 {
                found.cut_short = true;
                break;
            }
        }
        found.resident = resident_bytes().saturating_sub(before);
        let sizes = monitor.sizes();
        (found.rows, found.keys, found.timeline_rows) = (sizes.rows, sizes.keys as u64, sizes.timeline_rows as u64);
        (found.retained_bytes, found.fact_bytes) = (sizes.retained_bytes as u64, sizes.fact_bytes as u64);
        (found.rows_on_disk, found.disk_bytes) = (sizes.rows_on_disk, sizes.disk_bytes);
        if self.measured == 0 {
            return Ok(found);
        }
        let mut best = Duration::MAX;
        let batches = self.measured.div_ceil(BATCH);
        for _ in 0..ROUNDS {
            let prepared: Vec<TransactionBatch> = (0..batches).map(|_| stream.batch(BATCH)).collect();
            let usage = Usage::begin();
            for batch in &prepared {
                found.changes += accept(&mut monitor, batch)?;
            }
            best = best.min(usage.processor());
        }
        found.micros = best.as_secs_f64() * 1e6 / (batches * BATCH) as f64;
        Ok(found)
    }
}

fn accept(monitor: &mut Monitor, batch: &TransactionBatch) -> Result<u64, mareva_monitoring::Error> {
    let low_time = batch.event_time().values().iter().copied().max();
    Ok(monitor.accept(batch, low_time, i64::MAX)?.changes.len() as u64)
}
