//! Cutting slices.
use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mareva_model::Digest;
use mareva_pipeline::{InputRecord, InputSlice};

use super::{Action, Machine, Now, Phase, lane::Lane};
use crate::record::{AlertDigest, AlertRevision, Cut, SliceCut, TopicPartition};

/// Bounds and times of a run. Every buffer in it has its bound here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Records in a slice.
    pub slice_records: usize,
    /// Payload bytes in a slice (one record may be larger).
    pub slice_bytes: usize,
    /// How long the consumer gathers records before it hands them over.
    pub linger: Duration,
    /// Time between commits when there is no alert, and while catching up.
    pub commit_every: Duration,
    /// Time between the end of a transaction and the beginning of the next: while the broker still writes the markers of
    /// the last one, a new one is refused and tried again 20 ms later.
    pub commit_gap: Duration,
    /// Time after which a slice is cut without any record, so that the clock is seen to go on.
    pub idle_tick: Duration,
    /// Slices judged and not committed.
    pub slices_in_flight: usize,
    /// Bytes of their output (one slice may give more).
    pub output_bytes: usize,
    /// Records that arrived and are not cut.
    pub buffer_records: usize,
    /// Bytes of their payload.
    pub buffer_bytes: usize,
    /// How much later (by append time) a partition may be judged than one that has more to give, and how far behind the
    /// wall clock counts as catching up.
    pub max_skew: Duration,
    /// How long that waits for a silent partition.
    pub skew_wait: Duration,
    /// Silence of a partition that has more to give, after which the consumer is replaced.
    pub stall: Duration,
    /// How often the consumer is replaced before the run ends.
    pub reopens: u32,
    /// How long a transaction is tried again before the run ends.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            slice_records: 4_096,
            slice_bytes: 8 << 20,
            linger: Duration::from_millis(5),
            commit_every: Duration::from_millis(250),
            commit_gap: Duration::from_millis(5),
            idle_tick: Duration::from_secs(1),
            slices_in_flight: 64,
            output_bytes: 64 << 20,
            buffer_records: 32_768,
            buffer_bytes: 64 << 20,
            max_skew: Duration::from_secs(10),
            skew_wait: Duration::from_millis(500),
            stall: Duration::from_secs(30),
            reopens: 3,
            patience: Duration::from_secs(120),
        }
    }
}

impl Limits {
    pub(super) fn millis(&self, time: Duration) -> u64 {
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Slices that are with the judge: one is judged, while the next one is decoded, and one waits for whoever is done first.
pub(crate) const SLICES_AHEAD: usize = 3;

/// A slice that is with the judge.
#[derive(Debug)]
pub(super) struct Judging {
    pub(super) cut: SliceCut,
    pub(super) epoch: Digest,
    pub(super) replay: bool,
    pub(super) last: Vec<LastRecord>,
}

impl Machine {
    /// Whether a new slice may be cut at all now.
    pub(super) fn may_cut(&self) -> bool {
        let limits = &self.settings.limits;
        match self.phase {
            // Of a recorded slice the judge has to say what the log says of it before the next one.
            Phase::Replaying => !self.stopping && self.judging.is_empty(),
            Phase::Live => {
                self.judging.len() < SLICES_AHEAD
                    && !self.stopping
                    && !self.ended
                    && self.uncommitted.len() < limits.slices_in_flight
                    && self.output_bytes < limits.output_bytes
            }
            Phase::Starting | Phase::Done => false,
        }
    }

    /// Whether a slice is due though nothing has come. Where more is to come it comes with that: an empty slice is of the wall clock,
    /// by which partitions that are behind would count as idle.
    pub(super) fn is_asked_now(&self) -> bool {
        self.asked && self.may_cut() && self.lanes.values().all(|lane| lane.at_end && lane.pending.is_empty())
    }

    pub(super) fn cut(&mut self, now: Now) -> Option<Action> {
        // A snapshot is of a state that no slice is on its way to.
        if !self.may_cut() || (!self.judging.is_empty() && self.snapshot_is_due(now)) {
            return None;
        }
        if self.phase == Phase::Replaying {
            return self.cut_again();
        }
        let end = self.settings.until_end && self.lanes.values().all(|lane| lane.stop_at.is_some() && at_stop(lane));
        let chosen = self.choose(now);
        let all = chosen.values().sum::<usize>() == self.buffered_records;
        let end = end && all;
        let since = now.mono.saturating_sub(self.last_cut);
        let due = self.is_asked_now() || since >= self.settings.limits.millis(self.settings.limits.idle_tick);
        if end && chosen.is_empty() && self.ended_before {
            // The last run ended the input and nothing has come since.
            self.ended = true;
            self.stopping = true;
            return None;
        }
        if chosen.is_empty() && !due && !end {
            return None;
        }
        self.seq += 1;
        (self.last_cut, self.asked) = (now.mono, false);
        self.ended = end;
        self.ended_before = false;
        let mut cuts = Vec::with_capacity(chosen.len());
        let mut records = Vec::with_capacity(chosen.values().sum());
        for (source, count) in chosen {
            let Some(lane) = self.lanes.get_mut(&source) else { continue };
            let from = lane.next;
            let start = records.len();
            records.extend(lane.pending.drain(..count));
            let to = records.last().map_or(from, |last: &InputRecord| last.offset + 1);
            lane.next = to;
            self.buffered_records -= count;
            self.buffered_bytes -= records[start..].iter().map(|r: &InputRecord| r.payload.len()).sum::<usize>();
            cuts.push(Cut { topic: source.topic, partition: source.partition, from, to });
        }
        self.tick = self.tick.max(self.clock_of(&records, now));
        let cut = SliceCut { seq: self.seq, tick: self.tick, end, joined: self.join(), cuts, alerts: 0 };
        Some(self.judge(cut, records, None))
    }

    /// The clock as a slice with these records sees it: while catching up, as it was when they were appended. With the wall
    /// clock, the speed at which a backlog is judged would decide which partitions count as idle.
    fn clock_of(&self, records: &[InputRecord], now: Now) -> i64 {
        let more = self.lanes.values().any(|lane| !lane.at_end || !lane.pending.is_empty());
        let newest = records.iter().map(|record| record.append_time).max();
        newest.filter(|newest| more && self.is_behind(*newest, now)).unwrap_or(now.wall)
    }

    /// Whether a time is so far behind the wall clock that this counts as catching up.
    pub(super) fn is_behind(&self, time: i64, now: Now) -> bool {
        time < now.wall.saturating_sub(self.max_skew())
    }

    /// The partitions that no slice has named yet.
    fn join(&mut self) -> Vec<(Arc<str>, i32)> {
        let new = self.lanes.iter_mut().filter(|(_, lane)| !lane.joined);
        new.map(|(source, lane)| {
            lane.joined = true;
            (source.topic.clone(), source.partition)
        })
        .collect()
    }

    /// Has a slice judged, a recorded one with the revisions that it may not give itself again.
    pub(super) fn judge(
        &mut self,
        cut: SliceCut,
        records: Vec<InputRecord>,
        recorded: Option<Vec<AlertRevision>>,
    ) -> Action {
        let replay = recorded.is_some();
        self.cut_last = true;
        // Those of recorded slices are known from the last record of the log.
        let last = if replay { Vec::new() } else { last_records(&cut, &records) };
        let slice = InputSlice {
            seq: cut.seq,
            records,
            tick: cut.tick,
            end: cut.end,
            joined: cut.joined.clone(),
            epoch: self.epoch,
        };
        self.judging.push_back(Judging { cut, epoch: self.epoch, replay, last });
        Action::Judge { slice, replay, published: recorded.unwrap_or_default() }
    }

    /// How many pending records of each partition the next slice takes: those appended first, so that partitions keep
    /// in step while catching up. Nothing when that waits for a partition that has more to give.
    fn choose(&self, now: Now) -> BTreeMap<TopicPartition, usize> {
        let limits = &self.settings.limits;
        let mut horizon = self.horizon(now);
        let lanes: Vec<_> = self.lanes.iter().filter(|(_, lane)| !lane.pending.is_empty()).collect();
        let mut taken = vec![0usize; lanes.len()];
        let (mut records, mut bytes) = (0, 0);
        let full = |records: usize, bytes: usize| records >= limits.slice_records || bytes >= limits.slice_bytes;
        while !full(records, bytes) {
            // The lane with the oldest front, and how far it may go before another one is older.
            let (mut first, mut oldest, mut until) = (None, i64::MAX, i64::MAX);
            for (index, (_, lane)) in lanes.iter().enumerate() {
                let Some(record) = lane.pending.get(taken[index]) else { continue };
                if first.is_none() || record.append_time < oldest {
                    (first, until, oldest) = (Some(index), oldest, record.append_time);
                } else {
                    until = until.min(record.append_time);
                }
            }
            let Some(index) = first else { break };
            if oldest > horizon {
                break;
            }
            let mut advanced = false;
            while let Some(record) = lanes[index].1.pending.get(taken[index]) {
                if full(records, bytes) || (advanced && record.append_time > until.min(horizon)) {
                    break;
                }
                taken[index] += 1;
                records += 1;
                bytes += record.payload.len();
                advanced = true;
            }
            let lane = lanes[index].1;
            if taken[index] == lane.pending.len() && self.holds(lane, now) {
                horizon = horizon.min(self.latest_beside(lane));
            }
        }
        let chosen = lanes.iter().zip(taken).filter(|(_, count)| *count > 0);
        chosen.map(|((source, _), count)| ((*source).clone(), count)).collect()
    }

    /// The latest append time that may be judged now.
    fn horizon(&self, now: Now) -> i64 {
        let empty = self.lanes.values().filter(|lane| lane.pending.is_empty() && self.holds(lane, now));
        empty.map(|lane| self.latest_beside(lane)).min().unwrap_or(i64::MAX)
    }

    /// Whether a partition of which nothing is left here holds the others back: it has more to give and has not been
    /// silent for long. Nothing waits when the buffer is full.
    fn holds(&self, lane: &Lane, now: Now) -> bool {
        let wait = self.settings.limits.millis(self.settings.limits.skew_wait);
        self.wants_records() && !lane.at_end && now.mono.saturating_sub(lane.last_arrival) < wait
    }

    /// The latest append time that may be judged before the next record of this partition.
    fn latest_beside(&self, lane: &Lane) -> i64 {
        lane.last_append.map_or(i64::MIN, |time| time.saturating_add(self.max_skew()))
    }

    fn max_skew(&self) -> i64 {
        i64::try_from(self.settings.limits.max_skew.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Digest of the last record of a block, and where it is from.
pub(super) type LastRecord = (TopicPartition, AlertDigest);

fn last_records(cut: &SliceCut, records: &[InputRecord]) -> Vec<LastRecord> {
    let blocks = records.chunk_by(|a, b| a.partition == b.partition && a.topic == b.topic);
    let lasts = cut.cuts.iter().zip(blocks).filter_map(|(cut, block)| Some((cut.source(), block.last()?)));
    lasts.map(|(source, record)| (source, AlertDigest::of(&record.payload))).collect()
}

/// Whether all that a lane held at the start has arrived.
fn at_stop(lane: &Lane) -> bool {
    lane.stop_at.is_some_and(|stop| lane.fetched >= stop)
}
