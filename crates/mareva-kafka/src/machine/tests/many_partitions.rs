//! Topics of many partitions.
use std::collections::BTreeMap;

use super::*;
use crate::record::SliceCut;

const PARTITIONS: i32 = 256;
/// Offsets as they are after years.
const FIRST: i64 = 1_000_000_000_000;

fn at(partition: i32) -> TopicPartition {
    TopicPartition::new("exchange.transactions", partition)
}

fn one_record(partition: i32, offset: i64) -> Input {
    let TopicPartition { topic, partition } = at(partition);
    let record = InputRecord { topic, partition, offset, append_time: 0, payload: vec![0; 10].into() };
    Input::Records(Block { source: at(partition), records: vec![record] })
}

/// Judges slices of a record of every partition until no more is wanted; the last gives an alert. Gives the transactions begun.
fn fill(machine: &mut Machine, now: Now) -> Vec<Action> {
    let mut begun = Vec::new();
    for offset in FIRST.. {
        for partition in 0..PARTITIONS {
            machine.step(now, one_record(partition, offset));
        }
        if judged_slice(machine.step(now, Input::Clock)).is_none() {
            return begun;
        }
        let alert = Message { sink: Sink::Alerts, key: None, payload: vec![1], append_time: None };
        let last = !begun.is_empty() && machine.uncommitted.len() + 1 == machine.settings.limits.slices_in_flight;
        let verdict = Verdict { messages: if last { vec![alert] } else { Vec::new() }, ..Verdict::default() };
        begun.extend(machine.step(now, Input::Judged(verdict)));
    }
    begun
}

#[test]
fn a_transaction_takes_as_many_slices_as_its_sequence_record_holds() {
    let limits = Limits { commit_every: Duration::from_secs(60), ..Limits::default() };
    let live = Settings { until_end: false, snapshot_every: None, limits, ..settings("w") };
    let bounds = (0..PARTITIONS).map(|partition| Bounds { source: at(partition), low: FIRST, high: FIRST + 1_000 });
    let (mut machine, _) = started(live, bounds.collect());
    let mut now = Now { mono: 1, wall: 5_000 };
    let mut actions = fill(&mut machine, now);
    let (mut seen, mut transactions, mut alerts) = (0, 0, 0);
    while let Some(Action::Transact(transaction)) = actions.pop() {
        transactions += 1;
        alerts += transaction.alerts().count();
        for message in transaction.messages.iter().filter(|message| message.sink == Sink::Sequence) {
            assert!(message.payload.len() < 1_000_000, "{} bytes: more than a broker takes", message.payload.len());
        }
        for slice in &transaction.record.slices {
            seen += 1;
            assert_eq!((slice.seq, slice.cuts.len()), (seen, PARTITIONS as usize));
        }
        assert_eq!(transaction.record.judged_offset(&at(7)), Some(FIRST + i64::try_from(seen).unwrap()));
        assert_eq!(transaction.record.last_seq, seen);
        now.mono += 10;
        actions = machine.step(now, Input::Committed(BTreeMap::new()));
        now.mono += 10;
        actions.extend(machine.step(now, Input::Clock));
        actions.retain(|action| matches!(action, Action::Transact(_)));
    }
    assert!(seen > 64 && transactions > 3, "{seen} slices in {transactions} transactions");
    assert_eq!(alerts, 1, "it waits for no clock");
}

#[test]
fn a_slice_is_no_larger_than_it_says() {
    let topic: std::sync::Arc<str> = "t".repeat(249).into();
    let cut = Cut { topic: topic.clone(), partition: i32::MAX, from: i64::MAX, to: i64::MAX };
    for places in [0, 1, 50] {
        let slice = SliceCut {
            seq: u64::MAX,
            tick: i64::MAX,
            end: true,
            joined: vec![(topic.clone(), i32::MAX); places],
            cuts: vec![cut.clone(); places],
            alerts: usize::MAX,
        };
        assert!(serde_json::to_vec(&slice).unwrap().len() <= slice.most_bytes());
    }
}
