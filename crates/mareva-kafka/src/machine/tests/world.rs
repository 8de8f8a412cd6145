//! A broker, a judge and a process that can die anywhere, all in memory and driven by one seed.
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use mareva_model::Digest;
use mareva_pipeline::{InputRecord, InputSlice};

use crate::{
    Error,
    judge::{Message, Sink, Verdict},
    machine::{
        Action, Block, Bounds, Doubt, Input, Inspection, Limits, Machine, Now, SLICES_AHEAD, Settings, Step,
        Transaction,
    },
    record::{AlertDigest, AlertRevision, Assembler, Cut, SequenceRecord, TopicPartition},
};

/// SplitMix64.
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides.max(1)
    }
}

/// What the broker holds, committed data only.
#[derive(Default)]
pub struct Broker {
    pub inputs: BTreeMap<TopicPartition, Vec<InputRecord>>,
    pub low: BTreeMap<TopicPartition, i64>,
    pub alerts: Vec<Vec<u8>>,
    pub sequence: Vec<Vec<u8>>,
    pub epoch: u64,
    open: Vec<Message>,
    torn: u32,
}

impl Broker {
    pub fn with_records(dice: &mut Dice, partitions: i32, records: usize) -> Self {
        let mut broker = Self::default();
        let at = |partition| (TopicPartition::new("in", partition), Vec::new());
        broker.inputs.extend((0..partitions).map(at));
        broker.append(dice, records);
        broker
    }

    pub fn append(&mut self, dice: &mut Dice, records: usize) {
        let first = self.inputs.values().map(Vec::len).sum::<usize>();
        for number in first..first + records {
            let partition = dice.roll(self.inputs.len() as u64);
            let at = TopicPartition::new("in", i32::try_from(partition).unwrap());
            let there = self.inputs.get_mut(&at).unwrap();
            // Control records of transactional writers leave holes.
            let offset = there.last().map_or(0, |record| record.offset + 1) + i64::from(dice.roll(10) == 0);
            there.push(InputRecord {
                topic: at.topic,
                partition: at.partition,
                offset,
                append_time: 1_000 + i64::try_from(number).unwrap() * 50,
                payload: number.to_le_bytes().to_vec().into(),
            });
        }
    }

    pub fn bounds(&self) -> Vec<Bounds> {
        let end = |records: &Vec<InputRecord>| records.last().map_or(0, |record| record.offset + 1);
        let low = |at: &TopicPartition| self.low.get(at).copied().unwrap_or(0);
        self.inputs.iter().map(|(at, r)| Bounds { source: at.clone(), low: low(at), high: end(r) }).collect()
    }

    pub fn records(&self) -> Vec<SequenceRecord> {
        let mut assembler = Assembler::default();
        self.sequence.iter().filter_map(|payload| assembler.take(payload).unwrap()).collect()
    }

    pub fn inspect(&self) -> Inspection {
        let last = self.records().pop().map(Box::new);
        let from = last.as_ref().map_or(0, |last| last.alerts_from.get(&0).copied().unwrap_or(0));
        let visible =
            self.alerts[usize::try_from(from).unwrap()..].iter().map(|alert| AlertDigest::of(alert)).collect();
        Inspection { last, visible, complete: true }
    }

    pub fn ends(&self) -> BTreeMap<i32, i64> {
        [(0, i64::try_from(self.alerts.len()).unwrap())].into()
    }

    fn fence(&mut self) -> u64 {
        self.open.clear();
        self.epoch += 1;
        self.epoch
    }

    /// Commits what is open; torn, only the alerts or only the sequence record come through.
    fn commit(&mut self, torn: Option<Sink>) {
        for message in std::mem::take(&mut self.open) {
            match message.sink {
                sink if torn == Some(sink) => {}
                Sink::Alerts => self.alerts.push(message.payload),
                Sink::Sequence => self.sequence.push(message.payload),
                _ => {}
            }
        }
    }
}

/// A judge whose every output depends on every slice before it: any difference in a replay shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chain {
    seq: u64,
    state: u64,
    /// Of the last slice.
    epoch: Option<Digest>,
    revisions: BTreeMap<u64, u32>,
    pub judged: u64,
}

impl Chain {
    /// What it gives depends on the history too.
    fn seeded(history: Option<Digest>) -> Self {
        Self { state: history.map_or(0, |history| u64::from(history.0[0])), ..Self::default() }
    }

    pub fn process(&mut self, slice: &InputSlice) -> Verdict {
        assert_eq!(slice.seq, self.seq + 1, "slices come in order of their numbers, each once");
        self.seq = slice.seq;
        self.epoch = Some(slice.epoch);
        let mut verdict = Verdict::default();
        let mix = |state: &mut u64, value: u64| *state = (*state ^ value).wrapping_mul(0x100_0000_01b3).rotate_left(17);
        mix(&mut self.state, slice.seq);
        mix(&mut self.state, u64::try_from(slice.tick).unwrap());
        mix(&mut self.state, slice.joined.len() as u64);
        mix(&mut self.state, u64::from(slice.epoch.0[0]));
        // Under one of the epochs it finds less.
        let every = if slice.epoch == mareva_model::digest(b"new") { 23 } else { 9 };
        for record in &slice.records {
            self.judged += 1;
            let number = u64::from_le_bytes(record.payload[..8].try_into().unwrap());
            mix(&mut self.state, number);
            if number % every == 0 {
                let revision = self.revisions.entry(number % 7).or_default();
                *revision += 1;
                let payload = format!("{}/{revision} {:016x}", number % 7, self.state).into_bytes();
                verdict.revisions.push(AlertRevision { alert_id: (number % 7).to_string(), revision: *revision });
                verdict.messages.push(Message { sink: Sink::Alerts, key: None, payload, append_time: None });
            }
        }
        verdict
    }

    fn published_before(&mut self, revisions: &[AlertRevision]) {
        for AlertRevision { alert_id, revision } in revisions {
            let known = self.revisions.entry(alert_id.parse().unwrap()).or_default();
            *known = (*known).max(*revision);
        }
    }
}

/// How often things go wrong, one in so many; 0 for never.
#[derive(Debug, Clone, Copy, Default)]
pub struct Troubles {
    pub crash: u64,
    pub doubt: u64,
    pub torn: u64,
    /// The broker ends a transaction that took too long, and fences its producer.
    pub expired: u64,
    /// Other rules take force.
    pub changes: u64,
}

impl Troubles {
    fn strikes(every: u64, dice: &mut Dice) -> bool {
        every > 0 && dice.roll(every) == 0
    }
}

#[derive(Clone)]
struct Stored {
    seq: u64,
    positions: BTreeMap<TopicPartition, i64>,
    judge: Chain,
    history: Option<Digest>,
}

/// Survives the process.
#[derive(Default)]
pub struct Disk {
    named: Vec<Stored>,
    /// What a judge without a snapshot is seeded with.
    pub history: Option<Digest>,
    /// The epochs that are kept, and the one of the rules that lie there.
    pub epochs: BTreeSet<Digest>,
    pub in_force: Option<Digest>,
}

impl Disk {
    /// No snapshot, and files of history.
    pub fn seeded(history: Option<Digest>) -> Self {
        Self { history, ..Self::default() }
    }
}

impl Disk {
    /// Other rules: they are kept before a slice is judged under them, and what takes force is what lies there last.
    fn change(&mut self, troubles: Troubles, dice: &mut Dice) -> Option<Digest> {
        if !Troubles::strikes(troubles.changes, dice) {
            return None;
        }
        let next = mareva_model::digest(&dice.roll(5).to_le_bytes());
        self.epochs.extend([next, self.in_force.unwrap_or(epoch())]);
        self.in_force = Some(next);
        (dice.roll(3) > 0).then_some(next)
    }
}

/// A process.
pub struct Process {
    pub machine: Machine,
    judge: Chain,
    producer: u64,
    assigned: BTreeMap<TopicPartition, i64>,
    replies: VecDeque<Action>,
    /// Slices that are being decoded.
    judging: VecDeque<(InputSlice, Vec<AlertRevision>)>,
    partial: Option<Stored>,
    pub ended: Option<Result<(), Error>>,
    pub clock: u64,
}

pub fn epoch() -> Digest {
    mareva_model::digest(b"epoch")
}

pub fn settings(writer: &str) -> Settings {
    Settings {
        limits: Limits { slice_records: 16, buffer_records: 64, slices_in_flight: 6, ..Limits::default() },
        epoch: epoch(),
        known_epochs: BTreeSet::new(),
        writer: writer.to_owned(),
        transactional_id: "id".to_owned(),
        take_over: false,
        until_end: true,
        accept_gap: false,
        replay_other_epoch: false,
        snapshot_every: Some(Duration::from_millis(400)),
        transaction_timeout: Duration::from_secs(10),
    }
}

/// The process died.
pub struct Dead;

impl Process {
    pub fn start(settings: Settings, clock: u64) -> Self {
        let mut process = Self {
            machine: Machine::new(settings),
            judge: Chain::default(),
            producer: 0,
            assigned: BTreeMap::new(),
            replies: VecDeque::new(),
            judging: VecDeque::new(),
            partial: None,
            ended: None,
            clock,
        };
        process.replies.extend(process.machine.step(process.now(), Input::Begin));
        process
    }

    fn now(&self) -> Now {
        Now { mono: self.clock, wall: 1_000_000 + i64::try_from(self.clock).unwrap() }
    }

    /// Lets one thing happen.
    pub fn turn(
        &mut self,
        broker: &mut Broker,
        disk: &mut Disk,
        dice: &mut Dice,
        troubles: Troubles,
    ) -> Result<(), Dead> {
        self.clock += dice.roll(30);
        let input = match dice.roll(4) {
            0 => match self.replies.pop_front() {
                Some(action) => self.answer(action, broker, disk, dice, troubles)?,
                None => Some(Input::Clock),
            },
            1 if self.machine.wants_records() => self.fetch(broker, dice),
            2 => self.judge_next(),
            _ => Some(Input::Clock),
        };
        let mut inputs: VecDeque<_> = input.into_iter().collect();
        inputs.extend(disk.change(troubles, dice).map(Input::Epoch));
        while let Some(input) = inputs.pop_front() {
            for action in self.machine.step(self.now(), input) {
                inputs.extend(self.perform(action, broker, disk, dice, troubles)?);
            }
        }
        // What fits, what a recorded slice needs, and of each partition the batch that was too much.
        let bound = 64 + 16 + 20 * broker.inputs.len();
        assert!(self.machine.buffered() <= bound, "{} records are queued", self.machine.buffered());
        Ok(())
    }

    fn judge_next(&mut self) -> Option<Input> {
        let (slice, published) = self.judging.pop_front()?;
        let verdict = self.judge.process(&slice);
        self.judge.published_before(&published);
        Some(Input::Judged(verdict))
    }

    /// What the loop does itself; the rest waits for its thread.
    fn perform(
        &mut self,
        action: Action,
        broker: &mut Broker,
        disk: &mut Disk,
        dice: &mut Dice,
        troubles: Troubles,
    ) -> Result<Option<Input>, Dead> {
        if Troubles::strikes(troubles.crash, dice) {
            return Err(Dead);
        }
        match action {
            Action::Judge { slice, published, .. } => {
                self.judging.push_back((slice, published));
                assert!(self.judging.len() <= SLICES_AHEAD);
            }
            Action::OpenJudge { not_after } => {
                let found = disk.named.iter().filter(|stored| stored.seq <= not_after).max_by_key(|stored| stored.seq);
                let (seq, positions) = found.map_or((0, BTreeMap::new()), |s| (s.seq, s.positions.clone()));
                let history = found.map_or(disk.history, |stored| stored.history);
                self.judge = found.map_or_else(|| Chain::seeded(disk.history), |stored| stored.judge.clone());
                assert_eq!(self.judge.seq, seq);
                let epoch = self.judge.epoch.or(disk.in_force).unwrap_or(epoch());
                return Ok(Some(Input::Opened { seq, positions, history, epoch }));
            }
            Action::Skip(to, published) => {
                self.judge.seq = to;
                self.judge.published_before(&published);
            }
            Action::ReadLog { after } => {
                // As far back as the log is read, and perhaps further.
                let mut records = broker.records();
                let before = records.iter().rposition(|r| r.slices.first().is_some_and(|slice| slice.seq <= after + 1));
                records.drain(..before.unwrap_or(0));
                return Ok(Some(Input::Log { records, bounds: broker.bounds() }));
            }
            Action::Assign(partitions) => self.assigned.extend(partitions),
            Action::Pause(partitions) => self.assigned.retain(|at, _| !partitions.contains(at)),
            Action::Reopen(partitions) => self.assigned = partitions.into_iter().collect(),
            Action::WriteSnapshot { seq, positions } => {
                assert_eq!(self.judge.seq, seq);
                let (judge, history) = (self.judge.clone(), self.machine.history());
                self.partial = Some(Stored { seq, positions, judge, history });
                self.replies.push_back(Action::WriteSnapshot { seq, positions: BTreeMap::new() });
            }
            Action::Finish => self.ended = Some(Ok(())),
            Action::Fail(error) => self.ended = Some(Err(error)),
            later => self.replies.push_back(later),
        }
        Ok(None)
    }

    fn answer(
        &mut self,
        action: Action,
        broker: &mut Broker,
        disk: &mut Disk,
        dice: &mut Dice,
        troubles: Troubles,
    ) -> Result<Option<Input>, Dead> {
        Ok(Some(match action {
            Action::Fence => {
                self.producer = broker.fence();
                Input::Fenced(broker.ends())
            }
            Action::Inspect => Input::Inspected(broker.inspect()),
            Action::Transact(transaction) => self.transact(&transaction, broker, dice, troubles)?,
            Action::WriteSnapshot { seq, .. } => Input::SnapshotWritten(seq),
            Action::PublishSnapshot(seq) => {
                disk.named.extend(self.partial.take());
                let surplus = disk.named.len().saturating_sub(2);
                disk.named.drain(..surplus);
                Input::SnapshotPublished(seq)
            }
            _ => return Ok(None),
        }))
    }

    fn transact(
        &mut self,
        transaction: &Arc<Transaction>,
        broker: &mut Broker,
        dice: &mut Dice,
        troubles: Troubles,
    ) -> Result<Input, Dead> {
        let doubt_after =
            |fenced, open_for, reason: &str| Ok(Input::Doubt(Doubt { fenced, open_for, reason: reason.to_owned() }));
        let doubt = |fenced, reason: &str| doubt_after(fenced, Duration::ZERO, reason);
        for step in transaction.steps() {
            if Troubles::strikes(troubles.crash, dice) {
                return Err(Dead);
            }
            if self.producer == broker.epoch && Troubles::strikes(troubles.expired, dice) {
                broker.fence();
                self.clock += 10_000;
                return doubt_after(true, Duration::from_secs(10), "took too long");
            }
            if self.producer != broker.epoch {
                return doubt(true, "fenced");
            }
            if Troubles::strikes(troubles.doubt, dice) {
                return doubt(false, "lost before it had an effect");
            }
            match step {
                Step::Begin => broker.open.clear(),
                Step::Produce(message) => broker.open.push(message.clone()),
                Step::Drain | Step::SendOffsets(_) => {}
                Step::Commit if Troubles::strikes(troubles.torn, dice) => {
                    broker.torn += 1;
                    broker.commit(Some(if dice.roll(2) == 0 { Sink::Alerts } else { Sink::Sequence }));
                    return doubt(false, "torn");
                }
                Step::Commit => broker.commit(None),
            }
            if Troubles::strikes(troubles.doubt, dice) {
                return doubt(false, "answer lost");
            }
        }
        if Troubles::strikes(troubles.crash, dice) {
            return Err(Dead);
        }
        Ok(Input::Committed(broker.ends()))
    }

    /// A batch of one partition; now and then one that was there before.
    fn fetch(&mut self, broker: &Broker, dice: &mut Dice) -> Option<Input> {
        let index = usize::try_from(dice.roll(self.assigned.len() as u64)).unwrap();
        let (at, position) = self.assigned.iter_mut().nth(index)?;
        let records = &broker.inputs[at];
        let from = if dice.roll(10) == 0 { *position - 3 } else { *position };
        let batch = usize::try_from(1 + dice.roll(20)).unwrap();
        let found: Vec<_> = records.iter().filter(|record| record.offset >= from).take(batch).cloned().collect();
        match found.last() {
            None => Some(Input::End(at.clone(), (*position).max(records.last().map_or(0, |r| r.offset + 1)))),
            Some(last) => {
                *position = (*position).max(last.offset + 1);
                Some(Input::Records(Block { source: at.clone(), records: found }))
            }
        }
    }
}

/// Each alert is seen once, nothing is lost, and the log alone gives the same alerts again.
pub fn check(broker: &Broker) {
    let mut seen = BTreeSet::new();
    for alert in &broker.alerts {
        let text = String::from_utf8(alert.clone()).unwrap();
        let id = text.split(' ').next().unwrap().to_owned();
        assert!(seen.insert(id), "alert {text} is visible twice");
    }
    let mut judge = Chain::default();
    let (mut again, mut seq, mut number) = (BTreeSet::new(), 0, 0);
    let mut next: BTreeMap<TopicPartition, i64> = BTreeMap::new();
    for record in broker.records() {
        number += 1;
        assert_eq!(record.number, number);
        for slice in record.slices {
            seq += 1;
            assert_eq!(slice.seq, seq);
            let mut records = Vec::new();
            for Cut { topic, partition, from, to } in &slice.cuts {
                let at = TopicPartition::new(topic.clone(), *partition);
                assert_eq!(next.insert(at.clone(), *to).unwrap_or(0), *from, "ranges tile");
                records.extend(broker.inputs[&at].iter().filter(|r| r.offset >= *from && r.offset < *to).cloned());
            }
            let (tick, end, joined) = (slice.tick, slice.end, slice.joined);
            let verdict = judge.process(&InputSlice { seq, records, tick, end, joined, epoch: record.epoch });
            again.extend(verdict.messages.into_iter().map(|message| message.payload));
        }
    }
    let all: usize = broker.inputs.values().map(Vec::len).sum();
    assert_eq!(judge.judged, all as u64, "every record is judged once");
    let visible: BTreeSet<_> = broker.alerts.iter().cloned().collect();
    assert_eq!(visible, again, "what is visible is what the log gives");
}
