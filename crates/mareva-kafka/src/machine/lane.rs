//! One input partition.
use std::collections::{VecDeque, btree_map::Entry};

use mareva_pipeline::InputRecord;

use super::{Action, Block, Bounds, Machine, Now, Phase};
use crate::{
    error::{Error, Gone},
    record::{Cut, TopicPartition},
};

/// What is known of a partition, and what of it waits to be cut. Bounded by `buffer_records` over all lanes, and while
/// recorded slices are judged again by what the next one needs and a batch of each partition beside.
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
    /// Whether it is not being read: recorded slices need others first.
    pub paused: bool,
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
    /// Whether it has room for more records. When not, the consumer waits: back-pressure.
    pub fn wants_records(&self) -> bool {
        match self.phase {
            Phase::Live => !self.stopping && !self.is_full(),
            // What the next recorded slice needs may come after anything else.
            Phase::Replaying => !self.is_full() || !self.next_recorded_is_here(),
            Phase::Starting | Phase::Done => false,
        }
    }

    fn is_full(&self) -> bool {
        let limits = &self.settings.limits;
        self.buffered_records >= limits.buffer_records || self.buffered_bytes >= limits.buffer_bytes
    }

    /// The ranges of the next recorded slice that have not arrived.
    fn still_needed(&self) -> impl Iterator<Item = &Cut> {
        let missing = |cut: &&Cut| self.lanes.get(&cut.source()).is_none_or(|lane| lane.fetched < cut.to);
        self.recorded.front().into_iter().flat_map(|recorded| &recorded.cut.cuts).filter(missing)
    }

    pub(super) fn next_recorded_is_here(&self) -> bool {
        self.still_needed().next().is_none()
    }

    fn is_needed(&self, source: &TopicPartition) -> bool {
        self.still_needed().any(|cut| cut.topic == source.topic && cut.partition == source.partition)
    }

    /// While the next recorded slice waits for other partitions and there is no room, one that has nothing for it is not
    /// read: what it gives would be kept without bound.
    fn pause(&mut self, source: TopicPartition) -> Option<Action> {
        let waiting = self.phase == Phase::Replaying && self.is_full() && !self.next_recorded_is_here();
        if !waiting || self.is_needed(&source) {
            return None;
        }
        let lane = self.lanes.get_mut(&source)?;
        if std::mem::replace(&mut lane.paused, true) {
            return None;
        }
        self.figures.paused += 1;
        Some(Action::Pause(vec![source]))
    }

    /// Reads on with paused partitions that are needed, or all of them once there is room.
    pub(super) fn read_on(&mut self, now: Now) -> Option<Action> {
        if !self.lanes.values().any(|lane| lane.paused) {
            return None;
        }
        let limits = &self.settings.limits;
        let room = self.buffered_records <= limits.buffer_records / 2 && self.buffered_bytes <= limits.buffer_bytes / 2;
        let all = room || self.phase == Phase::Live;
        let paused = self.lanes.iter().filter(|(_, lane)| lane.paused);
        let wanted: Vec<_> =
            paused.map(|(source, _)| source.clone()).filter(|source| all || self.is_needed(source)).collect();
        let mut assign = Vec::new();
        for source in wanted {
            let Some(lane) = self.lanes.get_mut(&source) else { continue };
            lane.paused = false;
            lane.last_arrival = now.mono;
            assign.push((source, lane.fetched));
        }
        (!assign.is_empty()).then_some(Action::Assign(assign))
    }

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
        self.pause(block.source).into_iter().collect()
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
            return Err(Error::OffsetsGone(vec![Gone { at: source, offset: lane.fetched, low }]));
        }
        self.gaps.push(Cut { topic: source.topic.clone(), partition: source.partition, from: lane.fetched, to: low });
        lane.fetched = low;
        lane.paused = false;
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
        let silent = |lane: &&Lane| !lane.at_end && !lane.paused && now.mono.saturating_sub(lane.last_arrival) > stall;
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
            lane.paused = false;
            assign.push((source.clone(), lane.fetched));
        }
        Ok(vec![Action::Reopen(assign)])
    }
}
