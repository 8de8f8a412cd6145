//! A change of rules, from the offer to the slice at which they take force.

use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mareva_kafka::JudgeError;
use mareva_model::{Digest, Refusal};
use mareva_monitoring::{Outgrown, Ruleset};
use mareva_pipeline::{Pipeline, RuleChange};

use super::Board;
use super::kept::{KeptRules, keep};
use crate::STACK;
use crate::judge::elsewhere;

/// Rows that may be missing on the new timelines when their rules take force: they are added while the judging waits, so no more
/// than a slice brings.
const FEW: u64 = 4_096;

/// Orders that may wait: timelines to fill, and those to drop.
const AT_WORK: usize = 2;

/// What the thread is to do.
enum Order {
    Fill(Box<RuleChange>),
    Drop(Outgrown),
}

/// Has timelines filled on a thread of its own, and keeps the rules of each epoch.
pub struct Changes {
    board: Arc<Board>,
    kept: KeptRules,
    /// The rules of new slices, unless others are ready.
    latest: (Digest, Arc<Ruleset>),
    at_work: Option<Instant>,
    ready: Option<(RuleChange, Duration)>,
    orders: Option<mpsc::SyncSender<Order>>,
    filled: mpsc::Receiver<Result<RuleChange, String>>,
    thread: Option<JoinHandle<()>>,
}

impl Changes {
    /// `latest` are the rules of the config and their epoch, which is kept from here on.
    ///
    /// # Errors
    /// They cannot be kept; no thread.
    pub fn start(board: Arc<Board>, mut kept: KeptRules, latest: (Digest, Arc<Ruleset>)) -> anyhow::Result<Self> {
        keep(kept.folder(), latest.0, latest.1.texts())
            .with_context(|| format!("cannot keep the rules in {}; make room there", kept.folder().display()))?;
        kept.note(latest.0);
        let (orders, received) = mpsc::sync_channel::<Order>(AT_WORK);
        let (answers, filled) = mpsc::sync_channel(AT_WORK);
        let folder = kept.folder().to_owned();
        let work = move || {
            for order in received {
                let mut change = match order {
                    Order::Fill(change) => *change,
                    Order::Drop(outgrown) => {
                        drop(outgrown);
                        continue;
                    }
                };
                // Kept first: no slice is judged under an epoch that a start could not come back to.
                let kept = keep(&folder, change.epoch(), change.ruleset().texts())
                    .map_err(|error| format!("they cannot be kept in {}: {error}", folder.display()));
                let done = kept.and_then(|()| change.run().map_err(|error| error.to_string()));
                if answers.send(done.map(|()| change)).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new()
            .name("mareva-backfill".to_owned())
            .stack_size(STACK)
            .spawn(work)
            .context("cannot start the thread that fills timelines; raise the limit on processes")?;
        let (orders, thread) = (Some(orders), Some(thread));
        Ok(Self { board, kept, latest, at_work: None, ready: None, orders, filled, thread })
    }

    /// The epochs under which slices can be judged.
    pub fn known(&self) -> &BTreeSet<Digest> {
        self.kept.known()
    }

    /// The epoch that is ready to take force; begins what was offered, and has the thread catch up.
    pub fn next_epoch(&mut self, pipeline: &Pipeline) -> Option<Digest> {
        if let Some((change, _)) = &self.ready {
            return Some(change.epoch());
        }
        if let Some(began) = self.at_work {
            let filled = self.filled.try_recv().ok()?;
            self.at_work = None;
            match filled {
                // What was offered since takes its place; and what began under other rules begins again.
                Ok(_) if self.board.has_offer() => {}
                Ok(change) if !pipeline.fits(&change) => {
                    self.begin(pipeline, change.ruleset().clone());
                    return None;
                }
                Ok(mut change) if pipeline.missing(&change) > FEW => {
                    pipeline.hand_over(&mut change);
                    self.order(change, began);
                    return None;
                }
                Ok(change) => {
                    let epoch = change.epoch();
                    self.kept.note(epoch);
                    self.board.ready();
                    self.ready = Some((change, began.elapsed()));
                    return Some(epoch);
                }
                Err(reason) => {
                    self.board.filling(false);
                    self.board.fail(Refusal::one("rules", reason, "mend that and have the rules read again"));
                }
            }
        }
        let offered = self.board.take_offer()?;
        self.begin(pipeline, offered);
        None
    }

    fn begin(&mut self, pipeline: &Pipeline, ruleset: Arc<Ruleset>) {
        let change = pipeline.begin(ruleset);
        let others = change.epoch() != pipeline.epoch();
        self.board.filling(others);
        if others {
            self.order(change, Instant::now());
        } else {
            tracing::info!("the rules that lie there are those in force");
        }
    }

    fn order(&mut self, change: RuleChange, began: Instant) {
        // There is room: one is being filled at most, and what was dropped before has been or waits alone.
        if self.orders.as_ref().is_some_and(|orders| orders.try_send(Order::Fill(Box::new(change))).is_ok()) {
            self.at_work = Some(began);
        } else {
            let remedy = "start again: recorded input is safe";
            self.board.refuse(Refusal::one("rules", "the thread that fills timelines has ended", remedy));
        }
    }

    /// Puts an epoch in force: the one that is ready, or at the start one of the log, whose timelines are filled at once.
    ///
    /// # Errors
    /// The epoch is not known, its rules are not kept any more or do not load.
    pub fn adopt(&mut self, pipeline: &mut Pipeline, epoch: Digest) -> Result<(), JudgeError> {
        let ready = self.ready.take_if(|(change, _)| change.epoch() == epoch);
        let (change, took) = match ready.filter(|(change, _)| pipeline.fits(change)) {
            Some((change, took)) => {
                self.latest = (epoch, change.ruleset().clone());
                (change, took)
            }
            None => {
                let began = Instant::now();
                let mut change = pipeline.begin(self.rules_of(epoch)?);
                elsewhere(|| change.run())??;
                (change, began.elapsed())
            }
        };
        let outgrown = pipeline.adopt(change)?;
        if let Some(orders) = &self.orders {
            // Where there is no room it is dropped here, and takes the time it takes.
            let _ = orders.try_send(Order::Drop(outgrown));
        }
        self.board.in_force(epoch, pipeline.monitor().tenures(), Some(took));
        Ok(())
    }

    fn rules_of(&self, epoch: Digest) -> Result<Arc<Ruleset>, JudgeError> {
        if self.latest.0 == epoch {
            return Ok(self.latest.1.clone());
        }
        let texts = self.kept.texts(epoch).map_err(|error| {
            format!("the rules of epoch {epoch} are needed and not kept beside the snapshots: {error}")
        })?;
        Ok(Arc::new(Ruleset::load(&texts)?))
    }

    /// Removes kept rules that neither a snapshot nor a slice after the oldest of them needs.
    pub fn keep_only(&mut self, in_use: &BTreeSet<Digest>) {
        let mut needed = in_use.clone();
        // Those of the config may not have judged anything yet.
        needed.insert(self.latest.0);
        needed.extend(self.ready.as_ref().map(|(change, _)| change.epoch()));
        self.kept.keep_only(&needed);
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.orders = None;
        // What it is filling is not waited for: it ends with the process, or when it finds nobody to answer.
        if let Some(thread) = self.thread.take().filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
    }
}
