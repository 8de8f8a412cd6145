//! Snapshots and the end of a run.
use std::collections::BTreeMap;

use super::{Action, Machine, Now, Phase, Publishing, Snapshot};
use crate::record::TopicPartition;

impl Machine {
    pub(super) fn begin_snapshot(&mut self, now: Now) -> Option<Action> {
        if !self.snapshot_is_due(now) || !self.judging.is_empty() {
            return None;
        }
        self.snapshot = Snapshot::Writing;
        self.last_snapshot = now.mono;
        Some(Action::WriteSnapshot { seq: self.seq, positions: self.known_positions() })
    }

    /// Whether a snapshot is to be taken as soon as every slice that was cut is judged.
    pub(super) fn snapshot_is_due(&self, now: Now) -> bool {
        let Some(every) = self.settings.snapshot_every else { return false };
        let settled = self.nothing_waits();
        let since = now.mono.saturating_sub(self.last_snapshot);
        let due = since >= self.settings.limits.millis(every) || (self.stopping && settled);
        let wanted = self.seq > self.snapshot_seq && !(self.stopping && self.snapshot_gave_up);
        // While the last slices are being committed a stop waits: one snapshot of the final state is enough. One of a state that
        // slices are missing in waits until the log says so.
        let waits = (self.stopping || self.seq == self.committed_seq) && !settled;
        self.phase == Phase::Live && self.snapshot == Snapshot::None && due && wanted && !waits
    }

    /// Next offsets of the partitions that hold low time in the state. After a gap in the log it may not know all of them: a start
    /// from its snapshot finds the others in the log and has them join.
    fn known_positions(&self) -> BTreeMap<TopicPartition, i64> {
        let is_known = |source: &TopicPartition| self.lanes.get(source).is_none_or(|lane| lane.joined);
        self.positions().into_iter().filter(|(source, _)| is_known(source)).collect()
    }

    pub(super) fn snapshot_written(&mut self, seq: u64) -> Vec<Action> {
        self.snapshot = Snapshot::Written(seq);
        self.publish_snapshot().into_iter().collect()
    }

    /// A snapshot gets its name only when its slices are committed: a named one is never of a past that did not happen.
    pub(super) fn publish_snapshot(&mut self) -> Option<Action> {
        match self.snapshot {
            Snapshot::Written(seq) if seq <= self.committed_seq => {
                self.snapshot = Snapshot::Publishing;
                Some(Action::PublishSnapshot(seq))
            }
            _ => None,
        }
    }

    pub(super) fn snapshot_published(&mut self, seq: u64) -> Vec<Action> {
        self.snapshot = Snapshot::None;
        self.snapshot_seq = seq;
        Vec::new()
    }

    pub(super) fn snapshot_failed(&mut self) -> Vec<Action> {
        self.snapshot = Snapshot::None;
        self.snapshot_gave_up = self.stopping;
        Vec::new()
    }

    pub(super) fn stop(&mut self) -> Vec<Action> {
        self.stopping = true;
        Vec::new()
    }

    /// Whether all that is to be in the log is committed.
    fn nothing_waits(&self) -> bool {
        self.uncommitted.is_empty() && self.reissue.is_empty() && !self.announce && self.publishing == Publishing::Ready
    }

    /// Whether all is done that a stop waits for. A run that is still starting or replaying has nothing of its own.
    pub(super) fn can_finish(&self) -> bool {
        if !self.stopping || !self.judging.is_empty() {
            return false;
        }
        if self.phase != Phase::Live {
            return self.phase != Phase::Done;
        }
        let wanted = self.settings.snapshot_every.is_some() && self.seq > self.snapshot_seq && !self.snapshot_gave_up;
        self.nothing_waits() && self.snapshot == Snapshot::None && !wanted
    }
}
