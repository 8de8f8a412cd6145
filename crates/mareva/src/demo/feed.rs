//! The simulator as the senders: records go to the broker in their order, spread over the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use mareva_kafka::Feed;
use mareva_sim::{Label, Records, Stream};

use super::board::Board;

/// Records between two looks at the clock.
const STEP: u64 = 64;
/// How long a full partition may wait before we look whether to end.
const PATIENCE: Duration = Duration::from_millis(200);

/// What to send where and how fast.
pub struct Plan {
    pub bank: Arc<str>,
    pub exchange: Arc<str>,
    pub time: Duration,
    pub transactions: u64,
}

/// What was sent.
pub struct Fed {
    /// Records.
    pub records: u64,
    /// What is true of them, and of all accounts.
    pub labels: Vec<Label>,
}

/// Sends until all is sent, the time is up, or the end.
pub fn feed(mut feed: Feed, mut records: Records, plan: &Plan, board: &Board, ending: &AtomicBool) -> Result<Fed> {
    let began = Instant::now();
    let mut sent = 0_u64;
    'records: for record in records.by_ref() {
        let topic = match record.stream {
            Stream::Bank => &plan.bank,
            Stream::Exchange => &plan.exchange,
        };
        while !feed.send(topic, record.tx_id.as_bytes(), &record.json, PATIENCE)? {
            if ending.load(Ordering::Relaxed) || began.elapsed() > plan.time {
                break 'records;
            }
        }
        sent += 1;
        if sent.is_multiple_of(STEP) {
            board.sent(sent, record.event_time);
            let due = plan.time.mul_f64(sent as f64 / plan.transactions.max(1) as f64);
            let early = due.saturating_sub(began.elapsed());
            if !early.is_zero() {
                std::thread::sleep(early);
            }
            if ending.load(Ordering::Relaxed) || early.is_zero() && began.elapsed() > plan.time {
                break;
            }
        }
    }
    feed.finish()?;
    board.sent(sent, 0);
    Ok(Fed { records: sent, labels: records.labels().to_vec() })
}
