//! A change of rules or lists, from the offer to the slice at which they take force.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{self, TrySendError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mareva_kafka::JudgeError;
use mareva_model::{Digest, Refusal};
use mareva_monitoring::Ruleset;
use mareva_pipeline::{Change, Error, Outgrown, Pipeline};
use mareva_screening::Watchlist;

use super::kept::{KeptEpochs, keep};
use super::thread::Told;
use super::{Board, Offer};
use crate::judge::elsewhere;

/// Rows that may be missing on the new timelines when their rules take force: they are added while the judging waits, so no more
/// than a slice brings.
const FEW: u64 = 4_096;

/// Orders that may wait: timelines to fill, and those to drop.
const AT_WORK: usize = 2;

/// Rules and lists that are in force together.
#[derive(Debug, Clone)]
pub struct InForce {
    pub rules: Arc<Ruleset>,
    pub lists: Arc<Watchlist>,
}

impl InForce {
    /// As they will be after a change.
    fn after(&self, change: &Change) -> Self {
        Self {
            rules: change.ruleset().unwrap_or(&self.rules).clone(),
            lists: change.watchlist().unwrap_or(&self.lists).clone(),
        }
    }

    fn keep(&self, folder: &std::path::Path, epoch: Digest) -> std::io::Result<()> {
        keep(folder, epoch, self.rules.texts(), self.lists.loaded())
    }
}

/// What the thread is to do.
enum Order {
    Fill(Box<Change>, InForce),
    Drop(Outgrown),
}

/// Has timelines filled, and retained rows looked through, on a thread of its own, and keeps rules and lists of each epoch.
pub struct Changes {
    board: Arc<Board>,
    kept: KeptEpochs,
    /// What is in force for new slices, unless a change is ready.
    latest: (Digest, InForce),
    /// Since when, and which epoch of what begins after it.
    at_work: Option<(Instant, Digest, InForce)>,
    /// What there was no room for at the thread, and since when.
    put_off: Option<(Change, Instant)>,
    ready: Option<(Change, Duration)>,
    thread: Told<Order>,
    filled: mpsc::Receiver<Result<Change, (bool, String)>>,
}

impl Changes {
    /// `latest` are rules and lists of the config and their epoch, which is kept from here on.
    ///
    /// # Errors
    /// They cannot be kept; no thread.
    pub fn start(board: Arc<Board>, mut kept: KeptEpochs, latest: (Digest, InForce)) -> anyhow::Result<Self> {
        let (epoch, in_force) = &latest;
        in_force
            .keep(kept.folder(), *epoch)
            .with_context(|| format!("cannot keep rules and lists in {}; make room there", kept.folder().display()))?;
        kept.note(latest.0);
        let (answers, filled) = mpsc::sync_channel(AT_WORK);
        let folder = kept.folder().to_owned();
        let work = move |orders: mpsc::Receiver<Order>| {
            for order in orders {
                let (mut change, after) = match order {
                    Order::Fill(change, after) => (*change, after),
                    Order::Drop(outgrown) => {
                        drop(outgrown);
                        continue;
                    }
                };
                // Kept first: no slice is judged under an epoch that a start could not come back to.
                let kept = after
                    .keep(&folder, change.epoch())
                    .map_err(|error| format!("they cannot be kept in {}: {error}", folder.display()));
                let done = kept.and_then(|()| change.run().map_err(|error| error.to_string()));
                let of_rules = change.ruleset().is_some();
                if answers.send(done.map(|()| change).map_err(|reason| (of_rules, reason))).is_err() {
                    return;
                }
            }
        };
        let thread = Told::start("mareva-backfill", AT_WORK, work)?;
        Ok(Self { board, kept, latest, at_work: None, put_off: None, ready: None, thread, filled })
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
        if let Some((change, began)) = self.put_off.take() {
            self.order(pipeline, change, began);
            return None;
        }
        if self.at_work.is_some() {
            let filled = self.filled.try_recv().ok()?;
            let began = self.at_work.take().map_or_else(Instant::now, |(began, ..)| began);
            match filled {
                // Rules that were offered since take its place: those before may have been a mistake.
                Ok(change) if change.ruleset().is_some() && self.board.has_newer_rules() => {}
                // What began under others begins again.
                Ok(change) if !pipeline.fits(&change) => {
                    if let Some(offer) = Offer::of(&change) {
                        self.begin(pipeline, offer);
                    }
                    return None;
                }
                Ok(mut change) if pipeline.missing(&change) > FEW => {
                    pipeline.hand_over(&mut change);
                    self.order(pipeline, change, began);
                    return None;
                }
                Ok(change) => {
                    let epoch = change.epoch();
                    self.kept.note(epoch);
                    self.board.ready();
                    self.ready = Some((change, began.elapsed()));
                    return Some(epoch);
                }
                Err((of_rules, reason)) => {
                    self.board.filling(false);
                    let what = if of_rules { "rules" } else { "lists" };
                    let remedy = format!("mend that and have the {what} read again");
                    self.board.fail(of_rules, Refusal::one(what, reason, remedy));
                }
            }
        }
        // Until the first new slice what the log ended with is in force: a change of that would leave out what was read at the start.
        if pipeline.epoch() != self.latest.0 {
            return None;
        }
        let offered = self.board.take_offer()?;
        self.begin(pipeline, offered);
        None
    }

    fn begin(&mut self, pipeline: &Pipeline, offer: Offer) {
        let change = match offer {
            Offer::Rules(rules) => pipeline.begin(rules),
            Offer::Lists(lists) => pipeline.begin_lists(lists),
        };
        let others = change.epoch() != pipeline.epoch();
        self.board.filling(others);
        if others {
            self.order(pipeline, change, Instant::now());
        } else {
            tracing::info!("the rules and lists that lie there are those in force");
        }
    }

    fn order(&mut self, pipeline: &Pipeline, change: Change, began: Instant) {
        let (epoch, after) = (change.epoch(), in_force(pipeline).after(&change));
        let Some(orders) = self.thread.door() else { return };
        match orders.try_send(Order::Fill(Box::new(change), after.clone())) {
            Ok(()) => self.at_work = Some((began, epoch, after)),
            // It still drops what was in force before.
            Err(TrySendError::Full(Order::Fill(change, _))) => self.put_off = Some((*change, began)),
            Err(_) => {
                let remedy = "start again: recorded input is safe";
                self.board.refuse(Refusal::one("rules", "the thread that fills timelines has ended", remedy));
            }
        }
    }

    /// Puts an epoch in force: the one that is ready, or at the start one of the log, for which all is done at once.
    ///
    /// # Errors
    /// The epoch is not known, its rules or lists are not kept any more or do not load.
    pub fn adopt(&mut self, pipeline: &mut Pipeline, epoch: Digest) -> Result<(), JudgeError> {
        let ready = self.ready.take_if(|(change, _)| change.epoch() == epoch);
        let (of_rules, took) = match ready.filter(|(change, _)| pipeline.fits(change)) {
            Some((change, took)) => {
                self.latest = (epoch, in_force(pipeline).after(&change));
                let of_rules = change.ruleset().is_some();
                self.put_in_force(pipeline, change)?;
                (of_rules, took)
            }
            None => self.go_over(pipeline, epoch)?,
        };
        self.board.have_lists(pipeline.watchlist().clone());
        self.board.in_force(epoch, pipeline.monitor().tenures(), Some((of_rules, took)));
        Ok(())
    }

    /// Goes over to an epoch that differs in rules, lists or both; whether the rules do, and how long it took.
    fn go_over(&self, pipeline: &mut Pipeline, epoch: Digest) -> Result<(bool, Duration), JudgeError> {
        let began = Instant::now();
        let (rules, lists) =
            (self.rules_of(epoch)?, lists_of(&self.kept, &self.latest, epoch, Some(pipeline.watchlist()))?);
        let of_rules = rules.digest() != pipeline.ruleset().digest();
        if of_rules {
            let mut change = pipeline.begin(rules);
            elsewhere(|| change.run())??;
            self.put_in_force(pipeline, change)?;
        }
        if lists.epoch() != pipeline.watchlist().epoch() {
            let mut change = pipeline.begin_lists(lists);
            elsewhere(|| change.run())??;
            self.put_in_force(pipeline, change)?;
        }
        if pipeline.epoch() != epoch {
            return Err(format!("epoch {epoch} is needed, and what is kept of it gives {}", pipeline.epoch()).into());
        }
        Ok((of_rules, began.elapsed()))
    }

    fn put_in_force(&self, pipeline: &mut Pipeline, change: Change) -> Result<(), Error> {
        let outgrown = pipeline.adopt(change)?;
        if let Some(orders) = self.thread.door() {
            // Where there is no room it is dropped here, and takes the time it takes.
            let _ = orders.try_send(Order::Drop(outgrown));
        }
        Ok(())
    }

    /// What gives the lists of an epoch.
    pub fn lists(&self) -> impl Fn(Digest) -> Result<Arc<Watchlist>, JudgeError> + Send + use<'_> {
        let (kept, latest) = (&self.kept, &self.latest);
        move |epoch| lists_of(kept, latest, epoch, None)
    }

    fn rules_of(&self, epoch: Digest) -> Result<Arc<Ruleset>, JudgeError> {
        if self.latest.0 == epoch {
            return Ok(self.latest.1.rules.clone());
        }
        let texts = self.kept.texts(epoch).map_err(|error| {
            format!("the rules of epoch {epoch} are needed and not kept beside the snapshots: {error}")
        })?;
        Ok(Arc::new(Ruleset::load(&texts)?))
    }

    /// Removes kept rules and lists that neither a snapshot nor a slice after the oldest of them needs.
    pub fn keep_only(&mut self, in_use: &BTreeSet<Digest>) {
        let mut needed = in_use.clone();
        // Those of the config may not have judged anything yet.
        needed.insert(self.latest.0);
        needed.extend(self.ready.as_ref().map(|(change, _)| change.epoch()));
        needed.extend(self.at_work.as_ref().map(|(_, epoch, _)| *epoch));
        self.kept.keep_only(&needed, self.at_work.as_ref().map(|(.., after)| &*after.lists));
    }
}

/// The lists of an epoch; those that are `there` already are not read again.
fn lists_of(
    kept: &KeptEpochs,
    (latest, in_force): &(Digest, InForce),
    epoch: Digest,
    there: Option<&Arc<Watchlist>>,
) -> Result<Arc<Watchlist>, JudgeError> {
    if *latest == epoch {
        return Ok(in_force.lists.clone());
    }
    let there: Vec<&Arc<Watchlist>> = there.into_iter().chain([&in_force.lists]).collect();
    Ok(kept.watchlist(epoch, &there)?)
}

fn in_force(pipeline: &Pipeline) -> InForce {
    InForce { rules: pipeline.ruleset().clone(), lists: pipeline.watchlist().clone() }
}
