use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{judge::Sink, record::SliceCut};
use world::{Broker, Dice, Disk, Process, Troubles, check, epoch, settings};

mod many_partitions;
mod replay;
mod takeover;
mod world;

/// Runs processes, one after the other, until one finishes.
fn run_to_end(broker: &mut Broker, dice: &mut Dice, troubles: Troubles) -> Figures {
    let mut disk = Disk::default();
    let mut clock = 0;
    for life in 0..10_000 {
        let under = (disk.in_force.unwrap_or(epoch()), disk.epochs.clone());
        let settings = Settings { epoch: under.0, known_epochs: under.1, ..settings(&format!("run {life}")) };
        let mut process = Process::start(settings, clock);
        let mut turns = 0;
        while process.turn(broker, &mut disk, dice, troubles).is_ok() {
            turns += 1;
            assert!(turns < 200_000, "it stands still: {:?}", process.machine);
            match process.ended.take() {
                Some(Ok(())) => return process.machine.figures(),
                Some(Err(error)) => panic!("life {life}: {error}"),
                None => {}
            }
        }
        clock = process.clock;
    }
    panic!("it never gets through");
}

fn simulate(seeds: std::ops::Range<u64>, troubles: Troubles) -> Figures {
    let mut all = Figures::default();
    for seed in seeds {
        let mut dice = Dice(seed);
        let mut broker = Broker::with_records(&mut dice, 3, 400);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let figures = run_to_end(&mut broker, &mut dice, troubles);
            check(&broker);
            figures
        }));
        let figures = result.unwrap_or_else(|_| panic!("seed {seed} of {troubles:?}"));
        all.doubts += figures.doubts;
        all.replayed += figures.replayed;
        all.reissued += figures.reissued;
        all.duplicates += figures.duplicates;
    }
    all
}

#[test]
fn undisturbed() {
    let figures = simulate(0..20, Troubles::default());
    assert!(figures.doubts == 0 && figures.replayed == 0 && figures.duplicates > 0);
}

#[test]
fn crashes_at_every_action() {
    let figures = simulate(0..300, Troubles { crash: 60, ..Troubles::default() });
    assert!(figures.replayed > 100, "{figures:?}");
}

#[test]
fn answers_and_requests_get_lost() {
    let figures = simulate(0..300, Troubles { doubt: 40, ..Troubles::default() });
    assert!(figures.doubts > 100, "{figures:?}");
}

#[test]
fn rules_change_between_slices_and_each_is_judged_again_under_its_own() {
    simulate(0..50, Troubles { changes: 20, ..Troubles::default() });
    let figures = simulate(0..300, Troubles { changes: 20, crash: 100, doubt: 80, ..Troubles::default() });
    assert!(figures.doubts > 100 && figures.replayed > 100, "{figures:?}");
    let figures = simulate(0..200, Troubles { changes: 30, torn: 4, ..Troubles::default() });
    assert!(figures.reissued > 50, "{figures:?}");
}

#[test]
fn crashes_and_losses_together() {
    let figures = simulate(0..300, Troubles { crash: 150, doubt: 60, expired: 100, torn: 0, changes: 0 });
    assert!(figures.doubts > 100 && figures.replayed > 100, "{figures:?}");
}

#[test]
fn transactions_that_took_too_long_are_tried_again() {
    let figures = simulate(0..100, Troubles { expired: 20, ..Troubles::default() });
    assert!(figures.doubts > 100, "{figures:?}");
}

#[test]
fn torn_transactions_are_mended() {
    let figures = simulate(0..300, Troubles { torn: 4, ..Troubles::default() });
    assert!(figures.reissued > 50, "{figures:?}");
    simulate(0..300, Troubles { torn: 4, doubt: 60, ..Troubles::default() });
}

#[test]
fn what_a_torn_transaction_lost_is_derived_again_after_a_crash() {
    let mut mended = 0;
    for seed in 0..100 {
        let mut dice = Dice(seed);
        let mut broker = Broker::with_records(&mut dice, 2, 200);
        run_to_end(&mut broker, &mut dice, Troubles::default());
        // The last transaction that carried alerts loses some of them; what followed it never was.
        let records = broker.records();
        let Some(last) = records.iter().rposition(|record| !record.alerts.is_empty()) else { continue };
        broker.sequence.truncate(last + 1);
        let from = usize::try_from(records[last].alerts_from[&0]).unwrap();
        broker.alerts.truncate(from + dice.roll(records[last].alerts.len() as u64) as usize);
        let figures = run_to_end(&mut broker, &mut dice, Troubles::default());
        mended += figures.reissued;
        check(&broker);
    }
    assert!(mended > 50, "{mended}");
}

fn started(settings: Settings, bounds: Vec<Bounds>) -> (Machine, Vec<Action>) {
    let mut machine = Machine::new(settings);
    let now = Now { mono: 0, wall: 1_000_000 };
    machine.step(now, Input::Begin);
    machine.step(now, Input::Inspected(Inspection::default()));
    machine.step(now, Input::Fenced(BTreeMap::new()));
    machine.step(now, Input::Inspected(Inspection::default()));
    machine.step(now, Input::Opened { seq: 0, positions: BTreeMap::new(), history: None, epoch: epoch() });
    let actions = machine.step(now, Input::Log { records: Vec::new(), bounds });
    (machine, actions)
}

#[test]
fn what_waits_for_its_commit_is_told_and_an_idle_run_waits_for_nothing() {
    let settings = Settings { until_end: false, snapshot_every: None, ..settings("w") };
    let (mut machine, _) = started(settings, bounds(0, 0));
    let at = |mono: u64| Now { mono, wall: 1_000_000 + i64::try_from(mono).unwrap() };
    let mut mono = 0;
    let mut open = 0;
    // The clock's own slices are committed though nothing comes.
    while mono < 60_000 {
        mono += 100;
        let mut actions = VecDeque::from(machine.step(at(mono), Input::Clock));
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Judge { .. } => actions.extend(machine.step(at(mono), Input::Judged(Verdict::default()))),
                // Half a minute on, nothing is answered any more.
                Action::Transact(_) if mono < 30_000 => {
                    actions.extend(machine.step(at(mono), Input::Committed(BTreeMap::new())));
                }
                Action::Transact(_) => open += 1,
                _ => {}
            }
        }
        if mono < 30_000 {
            assert!(machine.waits_for_commit(at(mono)) < Duration::from_secs(2), "at {mono} ms");
        }
    }
    assert_eq!(open, 1);
    assert!(machine.waits_for_commit(at(mono)) > Duration::from_secs(27));
    let last = machine.figures().last_commit.expect("there were commits");
    assert!((1_027_000..1_030_000).contains(&last), "{last}");
    machine.step(at(mono), Input::Committed(BTreeMap::new()));
    assert_eq!(machine.waits_for_commit(at(mono)), Duration::ZERO, "what came meanwhile waits from here on");
}

fn source(partition: i32) -> TopicPartition {
    TopicPartition::new("in", partition)
}

fn bounds(low: i64, high: i64) -> Vec<Bounds> {
    (0..2).map(|partition| Bounds { source: source(partition), low, high }).collect()
}

fn block(partition: i32, offsets: std::ops::Range<i64>, append_time: i64) -> Input {
    let record =
        |offset| InputRecord { topic: "in".into(), partition, offset, append_time, payload: vec![0; 10].into() };
    Input::Records(Block { source: source(partition), records: offsets.map(record).collect() })
}

/// A record of another run that covers one slice without an alert: records `from` to `to` of a partition.
fn record(number: u64, partition: i32, from: i64, to: i64) -> SequenceRecord {
    let cut = Cut { topic: "in".into(), partition, from, to };
    SequenceRecord {
        version: SequenceRecord::VERSION,
        number,
        last_seq: number,
        epoch: settings("w").epoch,
        history: None,
        writer: "other".to_owned(),
        transactional_id: settings("w").transactional_id.into(),
        part: false,
        slices: vec![SliceCut { seq: number, tick: 1_000, end: false, joined: Vec::new(), cuts: vec![cut], alerts: 0 }],
        alerts: Vec::new(),
        revisions: Vec::new(),
        reissued: Vec::new(),
        judged: [("in".into(), [(partition, to)].into())].into(),
        last_judged: BTreeMap::new(),
        alerts_from: BTreeMap::new(),
        gaps: Vec::new(),
        log_gap: None,
    }
}

fn last(record: &SequenceRecord) -> Inspection {
    Inspection { last: Some(Box::new(record.clone())), ..Inspection::default() }
}

fn judged_slice(actions: Vec<Action>) -> Option<InputSlice> {
    actions.into_iter().find_map(|action| match action {
        Action::Judge { slice, .. } => Some(slice),
        _ => None,
    })
}

#[test]
fn a_partition_far_ahead_waits_for_one_that_has_more_to_give() {
    let live = Settings { until_end: false, ..settings("w") };
    let (mut machine, actions) = started(live, bounds(0, 1_000));
    assert_eq!(actions, [Action::Assign(vec![(source(0), 0), (source(1), 0)])]);
    let at = |mono| Now { mono, wall: 1_000_000 };
    machine.step(at(1), block(0, 0..5, 50_000));
    assert_eq!(judged_slice(machine.step(at(2), Input::Clock)), None, "partition 1 has not said anything yet");
    machine.step(at(3), block(1, 0..2, 20_000));
    let slice = judged_slice(machine.step(at(4), Input::Clock)).unwrap();
    assert_eq!(slice.records.len(), 2, "partition 0 is 30 s ahead, 10 s are allowed");
    assert_eq!(slice.joined.len(), 2);
    machine.step(at(5), Input::Judged(Verdict::default()));
    assert_eq!(judged_slice(machine.step(at(6), Input::Clock)), None);
    machine.step(at(7), Input::End(source(1), 1_000));
    let slice = judged_slice(machine.step(at(8), Input::Clock)).unwrap();
    assert_eq!((slice.records.len(), slice.joined.len()), (5, 0), "nothing more to wait for");
}

#[test]
fn while_catching_up_the_clock_is_that_of_the_records() {
    let (mut machine, _) = started(Settings { until_end: false, ..settings("w") }, bounds(0, 1_000));
    let at = |mono| Now { mono, wall: 1_000_000 };
    let tick = |machine: &mut Machine, mono: u64| {
        let slice = judged_slice(machine.step(at(mono), Input::Clock)).unwrap();
        machine.step(at(mono), Input::Judged(Verdict::default()));
        slice.tick
    };
    machine.step(at(1), block(0, 0..5, 50_000));
    machine.step(at(1), block(1, 0..5, 52_000));
    assert_eq!(tick(&mut machine, 2), 52_000, "not the wall clock: a minute of judging must make nobody idle");
    machine.step(at(3), Input::End(source(0), 1_000));
    machine.step(at(3), block(1, 5..10, 51_000));
    assert_eq!(tick(&mut machine, 4), 52_000, "it never goes back");
    machine.step(at(5), block(1, 10..12, 995_000));
    assert_eq!(tick(&mut machine, 6), 1_000_000, "within ten seconds it has caught up");
    machine.step(at(7), Input::End(source(1), 1_000));
    assert_eq!(tick(&mut machine, 1_100), 1_000_000);
}

#[test]
fn waiting_for_a_silent_partition_ends() {
    let live = Settings { until_end: false, ..settings("w") };
    let (mut machine, _) = started(live, bounds(0, 1_000));
    machine.step(Now { mono: 1, wall: 5 }, block(0, 0..5, 50_000));
    assert!(judged_slice(machine.step(Now { mono: 499, wall: 5 }, Input::Clock)).is_none());
    assert!(judged_slice(machine.step(Now { mono: 502, wall: 5 }, Input::Clock)).is_some());
}

#[test]
fn input_that_is_gone_is_a_fault_unless_accepted() {
    let (mut machine, _) = started(Settings { until_end: false, ..settings("w") }, bounds(0, 1_000));
    let now = Now { mono: 1, wall: 5 };
    machine.step(now, block(0, 0..5, 50_000));
    let actions = machine.step(now, Input::Gone(source(0), 700));
    let [Action::Fail(error)] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(
        error.to_string(),
        "offset 5 of in/0 is needed and gone (the topic begins at 700); restore a snapshot that covers it, \
         seed with --history and no snapshot, or start with --accept-gap"
    );
    let accepting = Settings { until_end: false, accept_gap: true, ..settings("w") };
    let (mut machine, _) = started(accepting, bounds(0, 1_000));
    machine.step(now, block(0, 0..5, 50_000));
    assert_eq!(machine.step(now, Input::Gone(source(0), 700)), [Action::Assign(vec![(source(0), 700)])]);
    machine.step(now, Input::End(source(1), 1_000));
    assert!(judged_slice(machine.step(now, Input::Clock)).is_some());
    machine.step(now, Input::Judged(Verdict::default()));
    let actions = machine.step(Now { mono: 300, wall: 5 }, Input::Clock);
    let [Action::Transact(transaction)] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(transaction.record.gaps, [Cut { topic: "in".into(), partition: 0, from: 5, to: 700 }], "recorded");
}

#[test]
fn an_alert_is_committed_at_once_and_quiet_slices_every_so_often() {
    let (mut machine, _) = started(Settings { until_end: false, ..settings("w") }, bounds(0, 1_000));
    let at = |mono| Now { mono, wall: 1_000_000 };
    machine.step(at(1), block(0, 0..1, 999_000));
    machine.step(at(1), block(1, 0..1, 999_000));
    assert!(judged_slice(machine.step(at(2), Input::Clock)).is_some());
    assert_eq!(machine.step(at(3), Input::Judged(Verdict::default())), [], "quiet");
    assert!(machine.wait(at(3)) <= 247);
    assert!(matches!(machine.step(at(260), Input::Clock)[..], [Action::Transact(_)]));
    machine.step(at(261), Input::Committed(BTreeMap::new()));
    machine.step(at(265), block(0, 1..2, 999_000));
    assert!(judged_slice(machine.step(at(266), Input::Clock)).is_some());
    let alert = Message { sink: Sink::Alerts, key: None, payload: b"a/1".to_vec(), append_time: None };
    let verdict = Verdict { messages: vec![alert], ..Verdict::default() };
    let actions = machine.step(at(267), Input::Judged(verdict.clone()));
    let [Action::Transact(transaction)] = &actions[..] else { panic!("{actions:?}") };
    let sinks: Vec<_> = transaction.messages.iter().map(|message| message.sink).collect();
    assert_eq!(sinks, [Sink::Alerts, Sink::Sequence], "the sequence record comes last");
    assert_eq!(transaction.offsets, [(source(0), 2), (source(1), 1)]);
    machine.step(at(268), Input::Committed(BTreeMap::new()));
    machine.step(at(268), block(0, 2..3, 999_000));
    assert!(judged_slice(machine.step(at(269), Input::Clock)).is_some());
    assert_eq!(
        machine.step(at(270), Input::Judged(verdict)),
        [],
        "the broker still writes the markers of the last one"
    );
    assert!(machine.wait(at(270)) <= 3);
    assert!(matches!(machine.step(at(273), Input::Clock)[..], [Action::Transact(_)]));
}

#[test]
fn while_catching_up_alerts_are_committed_together() {
    let (mut machine, _) = started(Settings { until_end: false, ..settings("w") }, bounds(0, 1_000));
    let at = |mono| Now { mono, wall: 1_000_000 };
    let alert = |name: &[u8]| Message { sink: Sink::Alerts, key: None, payload: name.to_vec(), append_time: None };
    let verdict = |name| Verdict { messages: vec![alert(name)], ..Verdict::default() };
    for (mono, append_time) in [(1, 50_000), (4, 51_000)] {
        let from = i64::from(mono == 4);
        for partition in [0, 1] {
            machine.step(at(mono), block(partition, from..from + 1, append_time));
        }
        assert!(judged_slice(machine.step(at(mono + 1), Input::Clock)).is_some());
        assert_eq!(machine.step(at(mono + 2), Input::Judged(verdict(b"a/1"))), [], "fifteen minutes late it can wait");
    }
    let actions = machine.step(at(260), Input::Clock);
    let [Action::Transact(transaction)] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!((transaction.record.slices.len(), transaction.record.alerts.len()), (2, 2));
    machine.step(at(261), Input::Committed(BTreeMap::new()));
    for partition in [0, 1] {
        machine.step(at(262), block(partition, 2..3, 995_000));
    }
    assert!(judged_slice(machine.step(at(263), Input::Clock)).is_some());
    let actions = machine.step(at(270), Input::Judged(verdict(b"a/2")));
    assert!(matches!(actions[..], [Action::Transact(_)]), "it has caught up: {actions:?}");
}

#[test]
fn slices_in_flight_are_bounded() {
    let live = Settings { until_end: false, snapshot_every: None, ..settings("w") };
    let (mut machine, _) = started(live, bounds(0, 1_000));
    let at = |mono| Now { mono, wall: 1_000_000 };
    machine.step(at(1), Input::End(source(1), 1_000));
    let mut slices = 0;
    for turn in 0..100 {
        machine.step(at(turn), block(0, 16 * turn as i64..16 * (turn as i64 + 1), 0));
        if judged_slice(machine.step(at(turn), Input::Clock)).is_some() {
            slices += 1;
            machine.step(at(turn), Input::Judged(Verdict::default()));
        }
    }
    // Half of the bound goes into the transaction that is never answered, then the whole bound waits.
    assert_eq!(slices, 3 + 6);
    assert!(!machine.wants_records(), "back-pressure");
}

#[test]
fn silence_replaces_the_consumer_and_then_ends_the_run() {
    let (mut machine, _) = started(Settings { until_end: false, ..settings("w") }, bounds(0, 1_000));
    let mut reopened = 0;
    for mono in (0..200_000).step_by(1_000) {
        for action in machine.step(Now { mono, wall: 5 }, Input::Clock) {
            match action {
                Action::Reopen(partitions) => {
                    assert_eq!(partitions.len(), 2);
                    reopened += 1;
                }
                Action::Judge { .. } => {
                    machine.step(Now { mono, wall: 5 }, Input::Judged(Verdict::default()));
                }
                Action::Transact(_) => {
                    machine.step(Now { mono, wall: 5 }, Input::Committed(BTreeMap::new()));
                }
                Action::Fail(error) => {
                    assert!(matches!(error, Error::Stalled { .. }), "{error}");
                    assert_eq!(reopened, 3);
                    return;
                }
                _ => {}
            }
        }
    }
    panic!("it waits for ever");
}

#[test]
fn doubts_without_end_end_the_run() {
    let (mut machine, _) = started(Settings { until_end: false, ..settings("w") }, bounds(0, 0));
    machine.step(Now { mono: 1_500, wall: 5 }, Input::Clock);
    machine.step(Now { mono: 1_500, wall: 5 }, Input::Judged(Verdict::default()));
    machine.step(Now { mono: 2_000, wall: 5 }, Input::Clock);
    for mono in (2_000..).step_by(5_000) {
        let now = Now { mono, wall: 5 };
        let lost = Doubt { fenced: false, open_for: Duration::ZERO, reason: "timed out".to_owned() };
        let actions = machine.step(now, Input::Doubt(lost));
        if let [Action::Fail(error)] = &actions[..] {
            assert!(error.is_retryable() && error.to_string().contains("timed out"), "{error}");
            assert!(Duration::from_millis(mono) > Duration::from_secs(120));
            return;
        }
        assert_eq!(actions, [Action::Inspect]);
        assert_eq!(machine.step(now, Input::Inspected(Inspection::default())), [Action::Fence]);
        machine.step(now, Input::Fenced(BTreeMap::new()));
        machine.step(now, Input::Inspected(Inspection::default()));
    }
}

#[test]
fn an_epoch_that_is_ready_and_a_verdict_that_has_more_wait_for_no_input() {
    let (mut machine, _) = started(Settings { until_end: false, ..settings("w") }, bounds(0, 0));
    let at = |mono| Now { mono, wall: 1_000_000 };
    assert!(judged_slice(machine.step(at(1_500), Input::Clock)).is_some_and(|slice| slice.seq == 1));
    machine.step(at(1_501), Input::Judged(Verdict::default()));
    assert!(judged_slice(machine.step(at(1_502), Input::Clock)).is_none());
    let other = mareva_model::digest(b"other");
    machine.step(at(1_503), Input::Epoch(other));
    assert_eq!(machine.wait(at(1_503)), 0);
    let slice = judged_slice(machine.step(at(1_504), Input::Clock)).unwrap();
    assert_eq!((slice.seq, slice.epoch, slice.records.len()), (2, other, 0));
    machine.step(at(1_505), Input::Judged(Verdict { has_more: true, ..Verdict::default() }));
    assert!(judged_slice(machine.step(at(1_506), Input::Clock)).is_some_and(|slice| slice.seq == 3));
    machine.step(at(1_507), Input::Judged(Verdict::default()));
    machine.step(at(1_508), Input::Epoch(other));
    assert!(judged_slice(machine.step(at(1_509), Input::Clock)).is_none(), "it is in force");
    assert!(machine.wait(at(1_509)) > 0);
}

#[test]
fn the_next_slice_is_cut_while_one_is_judged_but_for_a_snapshot() {
    let live = Settings { until_end: false, snapshot_every: Some(Duration::from_millis(500)), ..settings("w") };
    let (mut machine, _) = started(live, bounds(0, 1_000));
    let at = |mono| Now { mono, wall: 1_000_000 };
    machine.step(at(1), Input::End(source(1), 1_000));
    machine.step(at(1), block(0, 0..64, 0));
    for seq in 1..=SLICES_AHEAD as u64 {
        assert!(judged_slice(machine.step(at(1 + seq), Input::Clock)).is_some_and(|slice| slice.seq == seq));
        assert_eq!(machine.wait(at(1 + seq)) == 0, seq < SLICES_AHEAD as u64, "there is more to cut");
    }
    assert_eq!(machine.judged_seq(), 0);
    assert_eq!(machine.step(at(5), Input::Clock), [], "there are as many out as there may be");
    machine.step(at(5), Input::Judged(Verdict::default()));
    assert_eq!(machine.judged_seq(), 1);
    // A snapshot is due: first what is cut is judged.
    for _ in 1..SLICES_AHEAD {
        assert!(judged_slice(machine.step(at(600), Input::Clock)).is_none());
        machine.step(at(601), Input::Judged(Verdict::default()));
    }
    let actions = machine.step(at(602), Input::Clock);
    assert!(actions.iter().any(|action| matches!(action, Action::WriteSnapshot { seq: 3, .. })), "{actions:?}");
    assert!(judged_slice(actions).is_some_and(|slice| slice.seq == 4));
}
