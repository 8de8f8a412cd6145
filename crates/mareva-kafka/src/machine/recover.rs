//! The start: from the logs and a snapshot to the state that the last committed slice left.
use std::collections::BTreeMap;

use mareva_model::Digest;

use super::{Action, Bounds, Inspection, Lane, Machine, Now, Phase, Publishing};
use crate::{
    error::{Error, Gone},
    judge::{Message, Sink, Verdict},
    record::{AlertDigest, AlertRevision, Cut, SequenceRecord, SliceCut, SliceRange, TopicPartition},
};

/// A slice of the log that is to be judged again.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    pub(super) cut: SliceCut,
    pub(super) digests: Vec<AlertDigest>,
    pub(super) revisions: Vec<AlertRevision>,
    /// The epoch that it was judged under; none where the judge does not know it.
    pub(super) epoch: Option<Digest>,
    /// Whether the judge knows that and those of all slices before it, and it was judged on our history: then it gives the same
    /// alerts again.
    pub(super) on_ours: bool,
}

impl Machine {
    pub(super) fn start_from(&mut self, found: Inspection) -> Result<Vec<Action>, Error> {
        self.publishing = Publishing::Ready;
        self.check_last(found.last.as_deref())?;
        let Some(last) = found.last else {
            // No record: alerts there belong to nobody we know, and their numbers would come again.
            if !found.visible.is_empty() && !self.settings.accept_gap {
                return Err(Error::LogLost);
            }
            self.figures.orphans = found.visible.len() as u64;
            self.orphans = found.visible;
            return Ok(vec![Action::OpenJudge { not_after: 0 }]);
        };
        self.number = last.number;
        self.committed_seq = last.last_seq;
        self.last_judged.clone_from(&last.last_judged);
        let carried = || last.alerts.iter().chain(&last.reissued).copied();
        if found.complete {
            self.missing = carried().filter(|digest| !found.visible.contains(digest)).collect();
        }
        self.orphans = found.visible;
        carried().for_each(|digest| {
            self.orphans.remove(&digest);
        });
        self.figures.orphans = self.orphans.len() as u64;
        let first = last.slices.first().map(|slice| slice.seq);
        // What a torn transaction lost must be derived again: from a state before its slices.
        let not_after = match first {
            Some(first) if !self.missing.is_empty() => first - 1,
            _ => last.last_seq,
        };
        self.last_record = Some(*last);
        Ok(vec![Action::OpenJudge { not_after }])
    }

    /// Whether the judge knows an epoch.
    pub fn knows(&self, epoch: Digest) -> bool {
        epoch == self.settings.epoch || self.settings.known_epochs.contains(&epoch)
    }

    /// New slices, and those that are cut once the recorded ones are judged again, go by this epoch.
    pub(super) fn go_under(&mut self, epoch: Digest) -> Vec<Action> {
        let before = std::mem::replace(&mut self.settings.epoch, epoch);
        self.settings.known_epochs.insert(before);
        if self.phase == Phase::Live {
            // What is ready does not wait for input.
            self.asked |= self.epoch != epoch;
            self.epoch = epoch;
        }
        Vec::new()
    }

    /// Whether we may go on with the log that ends with this record.
    pub(super) fn check_last(&self, last: Option<&SequenceRecord>) -> Result<(), Error> {
        let Some(last) = last else { return Ok(()) };
        let settings = &self.settings;
        // The broker fences by transactional id alone: whoever has another one may still be publishing.
        match &last.transactional_id {
            Some(recorded) if *recorded != settings.transactional_id && !settings.take_over => {
                let (recorded, current) = (recorded.clone(), settings.transactional_id.clone());
                return Err(Error::OtherTransactionalId { recorded, current });
            }
            _ => {}
        }
        let current = settings.epoch;
        if !self.knows(last.epoch) && !settings.replay_other_epoch {
            return Err(Error::EpochChanged { recorded: last.epoch, current });
        }
        Ok(())
    }

    pub(super) fn opened(
        &mut self,
        seq: u64,
        positions: BTreeMap<TopicPartition, i64>,
        history: Option<Digest>,
        epoch: Digest,
    ) -> Result<Vec<Action>, Error> {
        let recorded = self.last_record.as_ref().and_then(|last| last.history);
        // A snapshot holds what is needed of the history that it began with.
        if let Some(recorded) = recorded.filter(|recorded| seq == 0 && history != Some(*recorded))
            && !self.settings.accept_gap
        {
            return Err(Error::OtherHistory { recorded, current: history });
        }
        self.seq = seq;
        self.snapshot_seq = seq;
        self.covered = positions;
        self.history = history;
        self.epoch = epoch;
        Ok(vec![Action::ReadLog { after: seq }])
    }

    pub(super) fn log_read(
        &mut self,
        now: Now,
        records: Vec<SequenceRecord>,
        bounds: Vec<Bounds>,
    ) -> Result<Vec<Action>, Error> {
        self.last_slice = records.iter().flat_map(|record| &record.slices).last().map(|slice| (slice.tick, slice.end));
        // Those that hold low time in the state; after a gap in the log the next slice names the others again.
        let known = self.covered.clone();
        let skip = self.collect_recorded(records)?;
        let mut needed = self.covered.clone();
        self.check_tiling(&mut needed)?;
        let end = |offset: &BTreeMap<TopicPartition, i64>, bound: &Bounds| offset.get(&bound.source).copied();
        let (mut assign, mut gone) = (Vec::new(), Vec::new());
        for bound in bounds {
            let first = end(&needed, &bound).unwrap_or(bound.low);
            let fetched = self.check_bounds(&bound, first, &mut gone)?;
            let stop_at = self.settings.until_end.then_some(bound.high);
            let lane = Lane {
                joined: known.contains_key(&bound.source),
                began: fetched,
                next: first.max(if self.recorded.is_empty() { fetched } else { first }),
                fetched,
                last_arrival: now.mono,
                stop_at,
                at_end: fetched >= bound.high,
                ..Lane::default()
            };
            assign.push((bound.source.clone(), fetched));
            self.lanes.insert(bound.source, lane);
        }
        self.check_partitions(&needed)?;
        if !gone.is_empty() {
            return Err(Error::OffsetsGone(gone));
        }
        if self.recorded.is_empty() {
            // No slice tells it again: where partitions stand that the state does not know, or of which input is gone.
            let next = |(at, offset): (TopicPartition, i64)| {
                let next = self.lanes.get(&at).map_or(offset, |lane| lane.next);
                (at, next)
            };
            self.covered = needed.into_iter().map(next).collect();
        }
        self.phase = Phase::Replaying;
        self.last_clock = now.mono;
        if self.recorded.is_empty() {
            self.go_live(now);
        }
        Ok(skip.into_iter().chain([Action::Assign(assign)]).collect())
    }

    /// The slices of the log after the snapshot, complete and without a gap; what the judge is to skip where one is accepted.
    fn collect_recorded(&mut self, records: Vec<SequenceRecord>) -> Result<Option<Action>, Error> {
        if let Some(pair) = records.windows(2).find(|pair| pair[1].number <= pair[0].number) {
            return Err(Error::TwoLogs { number: pair[1].number });
        }
        let mut expected = self.seq + 1;
        // Past slices of an epoch that the judge does not know its state is another one than it was.
        let mut as_it_was = true;
        let mut records = records.into_iter();
        while let Some(record) = records.next() {
            // Records of earlier versions do not tell: they must agree, as those that rest on no history.
            let own_history = record.history.is_none_or(|recorded| self.history == Some(recorded));
            let epoch = Some(record.epoch).filter(|epoch| self.knows(*epoch));
            let (mut digests, mut revisions) = (record.alerts.into_iter(), record.revisions.into_iter());
            for cut in record.slices {
                let own: Vec<_> = digests.by_ref().take(cut.alerts).collect();
                let own_revisions: Vec<_> = revisions.by_ref().take(cut.alerts).collect();
                if cut.seq < expected || cut.seq > self.committed_seq {
                    continue;
                }
                if cut.seq > expected {
                    let later = records.flat_map(|record| record.revisions);
                    let there = own_revisions.into_iter().chain(revisions).chain(later);
                    return self.over_log_gap(expected, cut.seq, there).map(Some);
                }
                expected += 1;
                as_it_was &= epoch.is_some();
                let on_ours = own_history && as_it_was;
                self.recorded.push_back(Recorded { cut, digests: own, revisions: own_revisions, epoch, on_ours });
            }
        }
        if expected <= self.committed_seq {
            return self.over_log_gap(expected, self.committed_seq, std::iter::empty()).map(Some);
        }
        Ok(None)
    }

    /// Goes on after the last committed slice, without the state of those that are missing and those after them. `later` are
    /// the revisions that the log still names from there on: no number of them may come again.
    fn over_log_gap(
        &mut self,
        from: u64,
        to: u64,
        later: impl Iterator<Item = AlertRevision>,
    ) -> Result<Action, Error> {
        if !self.settings.accept_gap {
            return Err(Error::LogGap { from, to });
        }
        let published = self.recorded.drain(..).flat_map(|recorded| recorded.revisions).chain(later).collect();
        self.log_gap = Some(SliceRange { from: self.seq + 1, to: self.committed_seq });
        self.seq = self.committed_seq;
        for (topic, partitions) in self.last_record.iter().flat_map(|last| &last.judged) {
            for (partition, offset) in partitions {
                self.covered.insert(TopicPartition::new(topic.clone(), *partition), *offset);
            }
        }
        Ok(Action::Skip(self.seq, published))
    }

    /// Checks that the recorded ranges follow the snapshot and each other; gives the first offset needed per partition.
    fn check_tiling(&self, needed: &mut BTreeMap<TopicPartition, i64>) -> Result<(), Error> {
        let mut position = needed.clone();
        for cut in self.recorded.iter().flat_map(|recorded| &recorded.cut.cuts) {
            let source = cut.source();
            match position.get(&source) {
                // A gap that an operator accepted leaves a hole; going back is another past.
                Some(next) if cut.from < *next => {
                    return Err(Error::ForeignSnapshot { at: source, snapshot: *next, recorded: cut.from });
                }
                Some(_) => {}
                None => {
                    needed.insert(source.clone(), cut.from);
                }
            }
            position.insert(source, cut.to);
        }
        for (topic, partitions) in self.last_record.iter().flat_map(|last| &last.judged) {
            for (partition, offset) in partitions {
                // Joined since the snapshot, and no record of it was judged.
                needed.entry(TopicPartition::new(topic.clone(), *partition)).or_insert(*offset);
            }
        }
        if self.recorded.is_empty()
            && let Some(last) = &self.last_record
        {
            for (source, next) in needed.iter() {
                let judged = last.judged_offset(source).unwrap_or(*next);
                if judged != *next {
                    return Err(Error::ForeignSnapshot { at: source.clone(), snapshot: *next, recorded: judged });
                }
            }
        }
        Ok(())
    }

    /// Whether the input has every partition that is needed. A topic may be no input any more, unless recorded slices need it.
    fn check_partitions(&self, needed: &BTreeMap<TopicPartition, i64>) -> Result<(), Error> {
        for (at, offset) in needed.iter().filter(|(at, _)| !self.lanes.contains_key(at)) {
            let is_input = self.lanes.keys().any(|lane| lane.topic == at.topic);
            let is_cut = || self.recorded.iter().flat_map(|recorded| &recorded.cut.cuts).any(|cut| cut.source() == *at);
            if is_input || is_cut() {
                return Err(Error::PartitionGone { at: at.clone(), offset: *offset });
            }
        }
        Ok(())
    }

    /// Where to read a partition from, of which `needed` is the first offset wanted. What is missing of it and may not be
    /// goes to `gone`.
    fn check_bounds(&mut self, bound: &Bounds, needed: i64, gone: &mut Vec<Gone>) -> Result<i64, Error> {
        if needed > bound.high {
            return Err(Error::OffsetBeyond { at: bound.source.clone(), offset: needed, high: bound.high });
        }
        if needed >= bound.low {
            return Ok(needed);
        }
        // History takes the place of what is gone where it was loaded, which it is when there is no snapshot.
        let stood_for = self.history.is_some() && self.snapshot_seq == 0;
        if !self.settings.accept_gap && !stood_for {
            gone.push(Gone { at: bound.source.clone(), offset: needed, low: bound.low });
            return Ok(bound.low);
        }
        let source = &bound.source;
        self.gaps.push(Cut { topic: source.topic.clone(), partition: source.partition, from: needed, to: bound.low });
        Ok(bound.low)
    }

    /// Cuts the next slice as the log says, once all its records are here.
    pub(super) fn cut_again(&mut self) -> Option<Action> {
        if !self.next_recorded_is_here() {
            return None;
        }
        let recorded = self.recorded.front_mut()?;
        let cut = recorded.cut.clone();
        self.epoch = recorded.epoch.unwrap_or(self.epoch);
        let revisions = std::mem::take(&mut recorded.revisions);
        // Under an epoch that we know and our own history it gives them itself, unless input is gone that they rest on.
        let published = if recorded.on_ours && self.gaps.is_empty() { Vec::new() } else { revisions };
        let mut records = Vec::new();
        for block in &cut.cuts {
            let Some(lane) = self.lanes.get_mut(&block.source()) else { continue };
            while let Some(record) = lane.pending.pop_front_if(|record| record.offset < block.to) {
                self.buffered_records -= 1;
                self.buffered_bytes -= record.payload.len();
                records.push(record);
            }
            lane.next = lane.next.max(block.to);
        }
        for (topic, partition) in &cut.joined {
            if let Some(lane) = self.lanes.get_mut(&TopicPartition::new(topic.clone(), *partition)) {
                lane.joined = true;
            }
        }
        self.seq = cut.seq;
        self.tick = self.tick.max(cut.tick);
        Some(self.judge(cut, records, Some(published)))
    }

    pub(super) fn judged_again(
        &mut self,
        now: Now,
        cut: &SliceCut,
        verdict: Verdict,
        digests: Vec<AlertDigest>,
    ) -> Result<Vec<Action>, Error> {
        let Some(recorded) = self.recorded.pop_front() else { return Ok(Vec::new()) };
        self.figures.replayed += 1;
        if recorded.on_ours && self.gaps.is_empty() && recorded.digests != digests {
            return Err(Error::Diverged { seq: cut.seq, recorded: recorded.digests.len(), now: digests.len() });
        }
        for (message, digest) in verdict.messages.into_iter().filter(|m| m.sink == Sink::Alerts).zip(digests) {
            if self.missing.remove(&digest) {
                self.output_bytes += Message::bytes(&message);
                self.reissue.push(message);
            }
        }
        self.cover(cut);
        if self.recorded.is_empty() {
            self.go_live(now);
        }
        Ok(Vec::new())
    }

    fn go_live(&mut self, now: Now) {
        self.phase = Phase::Live;
        self.epoch = self.settings.epoch;
        self.figures.lost += self.missing.len() as u64;
        self.missing.clear();
        self.last_begin = now.mono;
        self.last_cut = now.mono;
        self.last_snapshot = now.mono;
        if let Some((tick, end)) = self.last_slice {
            self.tick = self.tick.max(tick);
            self.ended_before = end;
        }
        // What the next start goes by must be in the log, even if nothing is judged by then.
        let ours = |last: &SequenceRecord| {
            last.epoch == self.settings.epoch
                && last.history == self.history
                && last.transactional_id.as_ref() == Some(&self.settings.transactional_id)
        };
        self.announce = !self.gaps.is_empty()
            || self.log_gap.is_some()
            || self.last_record.as_ref().is_some_and(|last| !ours(last));
        self.last_record = None;
    }
}
