//! What slices gave, into transactions; doubts.
use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mareva_model::Digest;

use super::{Action, Doubt, Inspection, Judging, LastRecord, Machine, Now, Phase, Publishing, Transaction};
use crate::{
    error::Error,
    judge::{Message, Sink, Verdict},
    record::{AlertDigest, AlertRevision, SequenceRecord, SliceCut, TopicPartition},
};

/// A judged slice whose output is in no transaction yet.
#[derive(Debug, Clone)]
pub(super) struct JudgedSlice {
    pub(super) cut: SliceCut,
    pub(super) epoch: Digest,
    pub(super) messages: Vec<Message>,
    pub(super) digests: Vec<AlertDigest>,
    pub(super) revisions: Vec<AlertRevision>,
    pub(super) last: Vec<LastRecord>,
    /// Whether it holds an alert that is to be committed at once.
    pub(super) urgent: bool,
}

impl Machine {
    pub(super) fn judged(&mut self, now: Now, verdict: Verdict) -> Result<Vec<Action>, Error> {
        let Some(Judging { mut cut, epoch, replay, last }) = self.judging.pop_front() else { return Ok(Vec::new()) };
        let alert = |message: &&Message| message.sink == Sink::Alerts;
        let digests: Vec<_> = verdict.messages.iter().filter(alert).map(Message::digest).collect();
        if replay {
            return self.judged_again(now, &cut, verdict, digests);
        }
        self.figures.slices += 1;
        cut.alerts = digests.len();
        // While catching up it comes late in any case, and the broker has no time for a commit of each.
        let urgent = !digests.is_empty() && !self.is_behind(cut.tick, now);
        self.alerts_waiting |= urgent;
        self.output_bytes += verdict.messages.iter().map(Message::bytes).sum::<usize>();
        self.stopping |= cut.end;
        self.asked |= verdict.has_more;
        let (messages, revisions) = (verdict.messages, verdict.revisions);
        self.waits_since.get_or_insert(now.mono);
        self.uncommitted.push_back(JudgedSlice { cut, epoch, messages, digests, revisions, last, urgent });
        Ok(self.begin_transaction(now).into_iter().collect())
    }

    /// Begins a transaction if there is something to publish and it is time.
    pub(super) fn begin_transaction(&mut self, now: Now) -> Option<Action> {
        let limits = &self.settings.limits;
        if self.phase != Phase::Live || self.publishing != Publishing::Ready {
            return None;
        }
        if self.uncommitted.is_empty() && self.reissue.is_empty() && !self.announce {
            return None;
        }
        let due = self.alerts_waiting
            || self.stopping
            || !self.reissue.is_empty()
            || self.announce
            || self.uncommitted.len() >= limits.slices_in_flight / 2
            || self.output_bytes >= limits.output_bytes / 2
            || now.mono.saturating_sub(self.last_begin) >= limits.millis(limits.commit_every);
        let soon =
            self.last_commit.is_some_and(|last| now.mono.saturating_sub(last) < limits.millis(limits.commit_gap));
        if !due || soon {
            return None;
        }
        let transaction = Arc::new(self.next_transaction());
        self.last_begin = now.mono;
        self.publishing = Publishing::InFlight(transaction.clone());
        Some(Action::Transact(transaction))
    }

    fn next_transaction(&mut self) -> Transaction {
        let mut slices: Vec<SliceCut> = Vec::new();
        let mut alerts: Vec<AlertDigest> = Vec::new();
        let mut revisions: Vec<AlertRevision> = Vec::new();
        let mut messages: Vec<Message> = Vec::new();
        let mut room = SequenceRecord::MAX_SLICE_BYTES;
        // A record names one epoch: that of its slices.
        let epoch = self.uncommitted.front().map_or(self.epoch, |first| first.epoch);
        let fits = |next: &JudgedSlice, room| next.epoch == epoch && next.cut.most_bytes() <= room;
        while let Some(judged) = self.uncommitted.pop_front_if(|next| slices.is_empty() || fits(next, room)) {
            room = room.saturating_sub(judged.cut.most_bytes());
            self.cover(&judged.cut);
            slices.push(judged.cut);
            alerts.extend(judged.digests);
            revisions.extend(judged.revisions);
            messages.extend(judged.messages);
            for (source, digest) in judged.last {
                self.last_judged.entry(source.topic).or_default().insert(source.partition, digest);
            }
        }
        let reissued = self.reissue.iter().map(Message::digest).collect();
        self.figures.reissued += self.reissue.len() as u64;
        messages.append(&mut self.reissue);
        self.alerts_waiting = self.uncommitted.iter().any(|judged| judged.urgent);
        self.announce = false;
        self.number += 1;
        let mut judged: crate::record::Judged = BTreeMap::new();
        for (source, offset) in &self.covered {
            judged.entry(source.topic.clone()).or_default().insert(source.partition, *offset);
        }
        let record = SequenceRecord {
            version: SequenceRecord::VERSION,
            number: self.number,
            last_seq: slices.last().map_or(self.committed_seq, |slice| slice.seq),
            epoch,
            history: self.history,
            writer: self.settings.writer.clone(),
            transactional_id: Some(self.settings.transactional_id.clone()),
            part: false,
            slices,
            alerts,
            revisions,
            reissued,
            judged,
            last_judged: self.last_judged.clone(),
            alerts_from: self.alert_ends.clone(),
            gaps: std::mem::take(&mut self.gaps),
            log_gap: self.log_gap.take(),
        };
        let mut transaction = Transaction::new(record, messages);
        for digest in &transaction.record.alerts {
            // An alert that a torn transaction of an earlier run left visible, derived again with the same bytes.
            if self.orphans.remove(digest) {
                transaction.seen.insert(*digest);
            }
        }
        transaction
    }

    /// Positions after a slice: a partition that joins without a record stands where its lane began.
    pub(super) fn cover(&mut self, slice: &SliceCut) {
        for (topic, partition) in &slice.joined {
            let source = TopicPartition::new(topic.clone(), *partition);
            if let Some(lane) = self.lanes.get(&source) {
                let start = slice.cuts.iter().find(|cut| cut.source() == source).map_or(lane.began, |cut| cut.from);
                self.covered.insert(source, start);
            }
        }
        for cut in &slice.cuts {
            self.covered.insert(cut.source(), cut.to);
        }
    }

    pub(super) fn committed(&mut self, now: Now, ends: BTreeMap<i32, i64>) -> Vec<Action> {
        if let Publishing::InFlight(transaction) = std::mem::replace(&mut self.publishing, Publishing::Ready) {
            self.alert_ends = ends;
            self.has_committed = true;
            self.last_commit = Some(now.mono);
            self.close(now, &transaction);
        }
        let mut actions: Vec<_> = self.begin_transaction(now).into_iter().collect();
        actions.extend(self.publish_snapshot());
        actions
    }

    /// The transaction is committed: what it carried need not be kept.
    fn close(&mut self, now: Now, transaction: &Transaction) {
        let bytes: usize = transaction.messages.iter().filter(|m| m.sink != Sink::Sequence).map(Message::bytes).sum();
        self.output_bytes = self.output_bytes.saturating_sub(bytes);
        self.committed_seq = transaction.record.last_seq;
        self.figures.transactions += 1;
        self.doubted = None;
        self.doubt_since = None;
        self.figures.input_gaps += transaction.record.gaps.len() as u64;
        self.figures.log_gaps += u64::from(transaction.record.log_gap.is_some());
        self.figures.last_commit = Some(now.wall);
        self.waits_since = (!self.uncommitted.is_empty()).then_some(now.mono);
    }

    /// For how long what was judged has waited without any confirmed commit. While the input is silent the clock's own slices
    /// are committed, so a live run whose brokers answer waits for no more than moments, however little it has to do.
    pub fn waits_for_commit(&self, now: Now) -> Duration {
        self.waits_since.map_or(Duration::ZERO, |since| Duration::from_millis(now.mono.saturating_sub(since)))
    }

    pub(super) fn doubt(&mut self, now: Now, doubt: Doubt) -> Result<Vec<Action>, Error> {
        self.figures.doubts += 1;
        self.doubt_since.get_or_insert(now.mono);
        self.doubt_reason = doubt.reason;
        // A transaction that took too long is fenced by the broker itself, and a new producer perhaps by an earlier attempt
        // to make it that arrived late. Where it can be neither it was another instance.
        let perhaps_ours = doubt.open_for >= self.settings.transaction_timeout || !self.has_committed;
        if doubt.fenced && !perhaps_ours {
            return Err(Error::Fenced { writer: None });
        }
        self.check_patience(now)?;
        if let Publishing::InFlight(transaction) = &self.publishing {
            self.doubted = Some(transaction.clone());
        }
        self.publishing = Publishing::Looking;
        Ok(vec![Action::Inspect])
    }

    pub(super) fn check_patience(&self, now: Now) -> Result<(), Error> {
        let patience = self.settings.limits.millis(self.settings.limits.patience);
        match self.doubt_since {
            Some(since) if now.mono.saturating_sub(since) > patience => {
                Err(Error::CannotCommit { seconds: (now.mono - since) / 1_000, reason: self.doubt_reason.clone() })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn fenced(&mut self, ends: BTreeMap<i32, i64>) -> Result<Vec<Action>, Error> {
        self.alert_ends = ends;
        self.has_committed = false;
        self.publishing = Publishing::Inspecting;
        Ok(vec![Action::Inspect])
    }

    /// What the logs hold: before we fence, or after.
    pub(super) fn inspected(&mut self, now: Now, found: Inspection) -> Result<Vec<Action>, Error> {
        let starting = self.phase == Phase::Starting;
        if self.publishing != Publishing::Looking {
            return if starting { self.start_from(found) } else { self.resolve(now, found) };
        }
        if starting {
            // Who cannot go on anyway must not stop one who can.
            self.check_last(found.last.as_deref())?;
        } else if let Some(writer) = self.other_writer(&found) {
            return Err(Error::Fenced { writer: Some(writer) });
        }
        self.publishing = Publishing::Fencing;
        Ok(vec![Action::Fence])
    }

    /// The run that committed a transaction in the place of the one in doubt.
    fn other_writer(&self, found: &Inspection) -> Option<String> {
        let (doubted, last) = (self.doubted.as_ref()?, found.last.as_ref()?);
        let other = last.number >= doubted.record.number && last.writer != self.settings.writer;
        other.then(|| last.writer.clone())
    }

    /// After a doubt: what the broker holds decides.
    fn resolve(&mut self, now: Now, found: Inspection) -> Result<Vec<Action>, Error> {
        if let Some(writer) = self.other_writer(&found) {
            // It committed after we looked, and has met our fence since.
            return Err(Error::Overtaken { writer });
        }
        self.publishing = Publishing::Ready;
        let Some(doubted) = self.doubted.take() else { return Ok(self.begin_transaction(now).into_iter().collect()) };
        let number = found.last.as_ref().map_or(0, |last| last.number);
        if number == doubted.record.number {
            if found.complete {
                self.reissue_missing(&doubted, &found);
            }
            self.close(now, &doubted);
            return Ok(self.begin_transaction(now).into_iter().chain(self.publish_snapshot()).collect());
        }
        if number + 1 != doubted.record.number {
            return Err(Error::LogBehind { expected: doubted.record.number - 1, found: number });
        }
        let mut again = (*doubted).clone();
        let carried = doubted.record.alerts.iter().chain(&doubted.record.reissued);
        again.seen.extend(carried.filter(|digest| found.visible.contains(digest)));
        let again = Arc::new(again);
        self.publishing = Publishing::InFlight(again.clone());
        self.last_begin = now.mono;
        Ok(vec![Action::Transact(again)])
    }

    /// The sequence record of `doubted` is committed and some of its alerts are not: they are published again.
    fn reissue_missing(&mut self, doubted: &Transaction, found: &Inspection) {
        let missing = doubted.alerts().filter(|alert| !found.visible.contains(&alert.digest()));
        let missing: Vec<_> = missing.cloned().collect();
        self.output_bytes += missing.iter().map(Message::bytes).sum::<usize>();
        self.reissue.extend(missing);
    }
}
