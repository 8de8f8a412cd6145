//! What the threads report to the loop. Two queues, one bell: replies always fit, records wait while the loop is busy.
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    error::Error,
    machine::{Input, Now},
};

/// A report of a thread.
#[derive(Debug)]
pub(crate) enum Letter {
    /// For the machine.
    Input(Input),
    /// A transaction is committed.
    Committed {
        /// For the machine.
        input: Input,
        /// When the broker had confirmed it.
        at: Now,
        /// Microseconds from begin to confirmation.
        took: u64,
    },
    /// A slice is decoded.
    Decoded,
    /// The thread cannot go on.
    Failed(Error),
}

#[derive(Debug, Default)]
struct Queues {
    records: VecDeque<Letter>,
    replies: VecDeque<Letter>,
    closed: bool,
}

/// Bounded: `chunks` batches of records; replies are bounded by what was asked (one of each kind at most).
#[derive(Debug)]
pub(crate) struct Mailbox {
    queues: Mutex<Queues>,
    arrived: Condvar,
    room: Condvar,
    chunks: usize,
}

impl Mailbox {
    pub(crate) fn new(chunks: usize) -> Self {
        Self { queues: Mutex::default(), arrived: Condvar::new(), room: Condvar::new(), chunks }
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers one batch; waits while the bound is reached. `false` when nobody reads any more.
    pub(crate) fn deliver(&self, batch: impl IntoIterator<Item = Letter>) -> bool {
        let mut queues = self.lock();
        while queues.records.len() >= self.chunks && !queues.closed {
            queues = self.room.wait(queues).unwrap_or_else(PoisonError::into_inner);
        }
        if queues.closed {
            return false;
        }
        queues.records.extend(batch);
        self.arrived.notify_one();
        true
    }

    /// Delivers a reply at once.
    pub(crate) fn reply(&self, letter: Letter) {
        self.lock().replies.push_back(letter);
        self.arrived.notify_one();
    }

    /// Waits for letters, at most `wait`; records only when wanted.
    pub(crate) fn take(&self, records: bool, wait: Duration) -> VecDeque<Letter> {
        let mut queues = self.lock();
        let empty = |queues: &Queues| queues.replies.is_empty() && (!records || queues.records.is_empty());
        if empty(&queues) && !wait.is_zero() {
            (queues, _) = self
                .arrived
                .wait_timeout_while(queues, wait, |queues| empty(queues))
                .unwrap_or_else(PoisonError::into_inner);
        }
        let mut letters = std::mem::take(&mut queues.replies);
        if records && !queues.records.is_empty() {
            letters.append(&mut queues.records);
            self.room.notify_all();
        }
        letters
    }

    /// Drops records that wait: they are of a consumer that was replaced.
    pub(crate) fn clear_records(&self) {
        self.lock().records.clear();
        self.room.notify_all();
    }

    /// Nobody will read any more, or (`false`) somebody will again.
    pub(crate) fn close(&self, closed: bool) {
        self.lock().closed = closed;
        self.room.notify_all();
    }
}
