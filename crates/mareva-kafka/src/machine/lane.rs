//! One input partition.
use std::collections::{VecDeque, btree_map::Entry};

use mareva_pipeline::InputRecord;

use super::{Action, Block, Bounds, Machine, Now, Phase};
use crate::{
    error::Error,
    record::{Cut, TopicPartition},
};

/// What is known of a partition, and what of it waits to be cut. Bounded by `buffer_records` over all lanes.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Whether a slice has named it: it holds low time from that one on.
    pub joined: bool,
    /// First offset of it that this run may cut.
    pub began: i64,
    /// Next offset to be cut: where the next range begins.
    pub next: i64,
    /// Offset after the last record that arrived, or the end that was reached.
    pub fetched: i64,
    /// Arrived, not cut.
    pub pending: VecDeque<InputRecord>,
    /// Whether nothing more is there to be read.
    pub at_end: bool,
    /// Append time of the last arrival.
    pub last_append: Option<i64>,
    /// When something last arrived.
    pub last_arrival: u64,
    /// Judge no offset from here on.
    pub stop_at: Option<i64>,
    /// The last error reported.
    pub trouble: Option<String>,
}

impl Machine {
    pub(super) fn arrived(&mut self, now: Now, block: Block) -> Vec<Action> {
        let Some(lane) = self.lanes.get_mut(&block.source) else { return Vec::new() };
        lane.last_arrival = now.mono;
        lane.at_end = false;
        lane.trouble = None;
        self.reopens = 0;
        for record in block.records {
            if record.offset < lane.fetched {
                self.figures.duplicates += 1;
                continue;
            }
            if let Some(stop) = lane.stop_at
                && record.offset >= stop
            {
                lane.fetched = lane.fetched.max(stop);
                lane.at_end = true;
                break;
            }
            self.figures.skipped_offsets += u64::try_from(record.offset - lane.fetched).unwrap_or(0);
            lane.fetched = record.offset + 1;
            lane.last_append = Some(record.append_time);
            self.buffered_records += 1;
            self.buffered_bytes += record.payload.len();
            lane.pending.push_back(record);
        }
        Vec::new()
    }

    pub(super) fn end_reached(&mut self, now: Now, source: &TopicPartition, offset: i64) -> Vec<Action> {
        if let Some(lane) = self.lanes.get_mut(source) {
            lane.at_end = true;
            lane.last_arrival = now.mono;
            lane.trouble = None;
            // An end below what has arrived is an old notice.
            if offset > lane.fetched {
                self.figures.skipped_offsets += u64::try_from(offset - lane.fetched).unwrap_or(0);
                lane.fetched = offset;
            }
        }
        Vec::new()
    }

    pub(super) fn trouble(&mut self, source: &TopicPartition, reason: String) -> Vec<Action> {
        if let Some(lane) = self.lanes.get_mut(source) {
            lane.at_end = false;
            lane.trouble = Some(reason);
        }
        Vec::new()
    }

    pub(super) fn offset_gone(&mut self, source: TopicPartition, low: i64) -> Result<Vec<Action>, Error> {
        let Some(lane) = self.lanes.get_mut(&source) else { return Ok(Vec::new()) };
        if low < lane.fetched {
            return Err(Error::OffsetBeyond { at: source, offset: lane.fetched, high: low });
        }
        if !self.settings.accept_gap {
            return Err(Error::OffsetGone { at: source, offset: lane.fetched, low });
        }
        self.gaps.push(Cut { topic: source.topic.clone(), partition: source.partition, from: lane.fetched, to: low });
        lane.fetched = low;
        Ok(vec![Action::Assign(vec![(source, low)])])
    }

    pub(super) fn partitions_found(&mut self, now: Now, bounds: Vec<Bounds>) -> Vec<Action> {
        let mut assign = Vec::new();
        if self.phase == Phase::Live && !self.settings.until_end {
            for Bounds { source, low, .. } in bounds {
                if let Entry::Vacant(place) = self.lanes.entry(source) {
                    let lane = Lane { began: low, next: low, fetched: low, last_arrival: now.mono, ..Lane::default() };
                    assign.push((place.key().clone(), low));
                    place.insert(lane);
                }
            }
        }
        if assign.is_empty() { Vec::new() } else { vec![Action::Assign(assign)] }
    }

    /// The watchdog: a partition that has more and gives nothing gets a new consumer, then ends the run.
    pub(super) fn check_progress(&mut self, now: Now) -> Result<Vec<Action>, Error> {
        let stall = self.settings.limits.millis(self.settings.limits.stall);
        let busy = !self.wants_records() || self.stopping || now.mono.saturating_sub(self.last_clock) > 5_000;
        if busy {
            // Nothing could arrive: the silence says nothing.
            for lane in self.lanes.values_mut() {
                lane.last_arrival = lane.last_arrival.max(now.mono);
            }
        }
        self.last_clock = now.mono;
        let silent = |lane: &&Lane| !lane.at_end && now.mono.saturating_sub(lane.last_arrival) > stall;
        let Some((source, lane)) = self.lanes.iter().find(|(_, lane)| silent(lane)) else { return Ok(Vec::new()) };
        if self.reopens >= self.settings.limits.reopens {
            return Err(Error::Stalled {
                at: source.clone(),
                offset: lane.fetched,
                seconds: stall * u64::from(self.reopens + 1) / 1_000,
                reason: lane.trouble.clone().unwrap_or_else(|| "no error was reported".to_owned()),
            });
        }
        self.reopens += 1;
        self.figures.reopened += 1;
        let mut assign = Vec::new();
        for (source, lane) in &mut self.lanes {
            lane.last_arrival = now.mono;
            lane.at_end = false;
            assign.push((source.clone(), lane.fetched));
        }
        Ok(vec![Action::Reopen(assign)])
    }
}
