//! Recorded slices, judged again at the start.
use mareva_model::Digest;

use super::*;

fn replaying(settings: Settings, records: Vec<SequenceRecord>) -> Machine {
    let mut machine = Machine::new(settings);
    let found = last(records.last().unwrap());
    machine.step(NOW, Input::Begin);
    machine.step(NOW, Input::Inspected(found.clone()));
    machine.step(NOW, Input::Fenced(BTreeMap::new()));
    assert_eq!(machine.step(NOW, Input::Inspected(found)).len(), 1);
    machine.step(NOW, Input::Opened { seq: 0, positions: BTreeMap::new(), history: None, epoch: epoch() });
    let actions = machine.step(NOW, Input::Log { records, bounds: bounds(0, 1_000) });
    assert_eq!(actions, [Action::Assign(vec![(source(0), 0), (source(1), 0)])]);
    machine
}

const NOW: Now = Now { mono: 0, wall: 1_000_000 };

fn replay_settings() -> Settings {
    Settings { until_end: false, snapshot_every: None, ..settings("w") }
}

fn judge_next(machine: &mut Machine) -> usize {
    let slice = judged_slice(machine.step(NOW, Input::Clock)).expect("the next slice is here");
    assert_eq!(machine.step(NOW, Input::Judged(Verdict::default())), []);
    slice.records.len()
}

#[test]
fn a_partition_that_runs_ahead_is_not_read_while_there_is_no_room() {
    let records = (1..=4).map(|number| record(number, 1, 10 * number as i64 - 10, 10 * number as i64)).collect();
    let mut machine = replaying(replay_settings(), records);
    for begin in [0, 20, 40] {
        assert_eq!(machine.step(NOW, block(0, begin..begin + 20, 0)), []);
    }
    assert_eq!(machine.step(NOW, block(0, 60..80, 0)), [Action::Pause(vec![source(0)])], "64 are the bound");
    assert_eq!(machine.step(NOW, block(0, 80..90, 0)), [], "what was under way is taken");
    assert!(machine.wants_records(), "what the first slice needs is not here");
    assert_eq!(machine.step(NOW, block(1, 0..40, 0)), []);
    assert!(!machine.wants_records(), "it is here, and there is no room");
    for _ in 0..4 {
        assert_eq!(judge_next(&mut machine), 10);
    }
    assert!(machine.is_live());
    assert_eq!(machine.buffered(), 90);
    assert!(machine.step(NOW, Input::Clock).contains(&Action::Assign(vec![(source(0), 90)])), "it is read on with");
}

#[test]
fn a_partition_that_was_put_aside_is_read_again_once_it_is_needed() {
    let records = vec![record(1, 1, 0, 10), record(2, 0, 0, 200)];
    let mut machine = replaying(replay_settings(), records);
    assert_eq!(machine.step(NOW, block(0, 0..70, 0)), [Action::Pause(vec![source(0)])]);
    machine.step(NOW, block(1, 0..10, 0));
    assert_eq!(judge_next(&mut machine), 10);
    assert!(machine.wants_records());
    assert_eq!(machine.step(NOW, Input::Clock), [Action::Assign(vec![(source(0), 70)])], "though there is no room");
    for begin in [70, 120, 170] {
        assert_eq!(machine.step(NOW, block(0, begin..begin + 50, 0)), []);
    }
    assert_eq!(judge_next(&mut machine), 200, "a slice may be larger than the buffer");
}

#[test]
fn slices_of_another_epoch_and_those_after_them_may_give_other_alerts_and_our_own_before_them_may_not() {
    let alert = |payload: &str| Message {
        sink: Sink::Alerts,
        key: None,
        payload: payload.as_bytes().to_vec(),
        append_time: None,
    };
    let carrying = |mut record: SequenceRecord, payload: &str| {
        record.slices[0].alerts = 1;
        record.alerts = vec![alert(payload).digest()];
        record
    };
    let other = carrying(record(2, 0, 10, 20), "under the old rules");
    let other = SequenceRecord { epoch: mareva_model::digest(b"old"), ..other };
    let own = carrying(record(1, 0, 0, 10), "under the new rules");
    let records = vec![own, other, carrying(record(3, 0, 20, 30), "on what the old rules left")];
    let verdict = |payload| Input::Judged(Verdict { messages: vec![alert(payload)], ..Verdict::default() });
    // Whether the run that changed the epoch is started again with the flag or without it, say by systemd.
    for replay_other_epoch in [false, true] {
        let begun = || {
            let mut machine = replaying(Settings { replay_other_epoch, ..replay_settings() }, records.clone());
            machine.step(NOW, block(0, 0..30, 0));
            assert!(judged_slice(machine.step(NOW, Input::Clock)).is_some());
            machine
        };
        let actions = begun().step(NOW, verdict("something else"));
        assert!(matches!(actions[..], [Action::Fail(Error::Diverged { seq: 1, .. })]), "{actions:?}");
        let mut machine = begun();
        assert_eq!(machine.step(NOW, verdict("under the new rules")), []);
        for _ in 0..2 {
            assert!(judged_slice(machine.step(NOW, Input::Clock)).is_some());
            assert_eq!(machine.step(NOW, verdict("something else, not published")), []);
        }
        assert!(machine.is_live());
    }
}

#[test]
fn alerts_without_any_record_of_them_are_not_published_beside() {
    let found = Inspection { visible: [AlertDigest::of(b"a/1")].into(), complete: true, ..Inspection::default() };
    for accept_gap in [false, true] {
        let mut machine = Machine::new(Settings { accept_gap, ..replay_settings() });
        machine.step(NOW, Input::Begin);
        machine.step(NOW, Input::Inspected(found.clone()));
        machine.step(NOW, Input::Fenced(BTreeMap::new()));
        let actions = machine.step(NOW, Input::Inspected(found.clone()));
        match accept_gap {
            false => assert_eq!(actions, [Action::Fail(Error::LogLost)]),
            true => assert_eq!(actions, [Action::OpenJudge { not_after: 0 }]),
        }
    }
}

/// Runs to the end of the input, from no snapshot.
fn run_once(settings: Settings, broker: &mut Broker) -> Result<Figures, Error> {
    run_from(&mut Disk::default(), settings, broker)
}

/// Runs to the end of the input, from the newest snapshot.
fn run_from(disk: &mut Disk, settings: Settings, broker: &mut Broker) -> Result<Figures, Error> {
    let mut dice = Dice(7);
    let mut process = Process::start(settings, 0);
    for _ in 0..200_000 {
        assert!(process.turn(broker, disk, &mut dice, Troubles::default()).is_ok());
        if let Some(ended) = process.ended.take() {
            return ended.map(|()| process.machine.figures());
        }
    }
    panic!("it stands still: {:?}", process.machine);
}

#[test]
fn another_epoch_or_id_is_in_the_log_though_nothing_is_judged_under_it() {
    let mut broker = Broker::with_records(&mut Dice(3), 2, 100);
    run_once(settings("first"), &mut broker).unwrap();
    let changed = |writer: &str| Settings {
        epoch: mareva_model::digest(b"new"),
        transactional_id: "new id".to_owned(),
        ..settings(writer)
    };
    let before = broker.records();
    let error = run_once(Settings { take_over: true, ..changed("refused") }, &mut broker).unwrap_err();
    assert!(matches!(error, Error::EpochChanged { .. }), "{error}");
    let error = run_once(Settings { replay_other_epoch: true, ..changed("refused") }, &mut broker).unwrap_err();
    assert!(matches!(error, Error::OtherTransactionalId { .. }), "{error}");
    let flags = Settings { take_over: true, replay_other_epoch: true, ..changed("second") };
    let figures = run_once(flags, &mut broker).unwrap();
    assert_eq!((figures.slices, figures.transactions), (0, 1));
    let last = broker.records().pop().unwrap();
    assert_eq!((last.number, last.last_seq), (before.len() as u64 + 1, before.last().unwrap().last_seq));
    assert!(last.slices.is_empty() && last.alerts.is_empty());
    assert_eq!(last.judged, before.last().unwrap().judged);

    let figures = run_once(changed("third"), &mut broker).expect("without flags, say by systemd");
    assert_eq!((figures.slices, figures.transactions), (0, 0), "it is said once");
    check(&broker);
}

/// The log of one slice of either partition, of whose input the first five records are gone.
fn with_gone_input(settings: Settings, history: Option<Digest>) -> (Machine, Vec<Action>) {
    let records = vec![record(1, 0, 0, 10), record(2, 1, 0, 10)];
    let mut machine = Machine::new(settings);
    let found = last(records.last().unwrap());
    machine.step(NOW, Input::Begin);
    machine.step(NOW, Input::Inspected(found.clone()));
    machine.step(NOW, Input::Fenced(BTreeMap::new()));
    machine.step(NOW, Input::Inspected(found));
    machine.step(NOW, Input::Opened { seq: 0, positions: BTreeMap::new(), history, epoch: epoch() });
    let actions = machine.step(NOW, Input::Log { records, bounds: bounds(5, 10) });
    (machine, actions)
}

#[test]
fn gone_input_is_named_for_every_partition() {
    let (_, actions) = with_gone_input(replay_settings(), None);
    let [Action::Fail(error)] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(
        error.to_string(),
        "offset 0 of in/0 is needed and gone (the topic begins at 5), offset 0 of in/1 is needed and gone (the topic \
         begins at 5); restore a snapshot that covers it, seed with --history and no snapshot, or start with --accept-gap"
    );
}

#[test]
fn a_gap_is_in_the_log_though_nothing_is_judged_after_it() {
    let accepting = Settings { accept_gap: true, ..replay_settings() };
    for (settings, history) in [(accepting, None), (replay_settings(), Some(mareva_model::digest(b"archive")))] {
        let (mut machine, actions) = with_gone_input(settings, history);
        assert_eq!(actions, [Action::Assign(vec![(source(0), 5), (source(1), 5)])]);
        machine.step(NOW, block(0, 5..10, 0));
        machine.step(NOW, block(1, 5..10, 0));
        assert_eq!([judge_next(&mut machine), judge_next(&mut machine)], [5, 5]);
        assert_eq!(machine.step(NOW, Input::Stop), [], "the gap is not in the log");
        let actions = machine.step(NOW, Input::Clock);
        let [Action::Transact(transaction)] = &actions[..] else { panic!("{actions:?}") };
        let gap = |partition| Cut { topic: "in".into(), partition, from: 0, to: 5 };
        assert_eq!(transaction.record.gaps, [gap(0), gap(1)]);
        assert!(transaction.record.slices.is_empty());
        assert_eq!(machine.step(NOW, Input::Committed(BTreeMap::new())), [Action::Finish]);
    }
}

#[test]
fn an_input_with_fewer_partitions_than_were_judged_is_refused_though_no_slice_is_judged_again() {
    let judged = [("in".into(), [(0, 10), (1, 7)].into()), ("no input any more".into(), [(0, 3)].into())].into();
    let records = vec![SequenceRecord { judged, ..record(1, 0, 0, 10) }];
    let found = last(&records[0]);
    // The snapshot names it, or it joined since without a record.
    for positions in [vec![(source(0), 10), (source(1), 7)], vec![(source(0), 10)]] {
        for there in [1, 2] {
            let mut machine = Machine::new(Settings { accept_gap: true, ..replay_settings() });
            machine.step(NOW, Input::Begin);
            machine.step(NOW, Input::Inspected(found.clone()));
            machine.step(NOW, Input::Fenced(BTreeMap::new()));
            machine.step(NOW, Input::Inspected(found.clone()));
            let positions = positions.iter().cloned().collect();
            machine.step(NOW, Input::Opened { seq: 1, positions, history: None, epoch: epoch() });
            let bounds = bounds(0, 10).into_iter().take(there).collect();
            let actions = machine.step(NOW, Input::Log { records: records.clone(), bounds });
            if there == 2 {
                assert!(matches!(actions[..], [Action::Assign(_)]), "{actions:?}");
                continue;
            }
            assert_eq!(actions, [Action::Fail(Error::PartitionGone { at: source(1), offset: 7 })]);
            let [Action::Fail(error)] = &actions[..] else { panic!("{actions:?}") };
            assert!(!error.is_retryable(), "a restart makes no partition");
        }
    }
}

#[test]
fn an_accepted_gap_after_the_snapshot_is_behind_the_next_start() {
    let judged = [("in".into(), [(0, 10), (1, 10)].into())].into();
    let records = vec![SequenceRecord { judged, ..record(1, 0, 0, 10) }];
    let found = last(&records[0]);
    let mut machine = Machine::new(Settings { accept_gap: true, ..replay_settings() });
    machine.step(NOW, Input::Begin);
    machine.step(NOW, Input::Inspected(found.clone()));
    machine.step(NOW, Input::Fenced(BTreeMap::new()));
    machine.step(NOW, Input::Inspected(found));
    let positions = [(source(0), 10), (source(1), 10)].into();
    machine.step(NOW, Input::Opened { seq: 1, positions, history: None, epoch: epoch() });
    machine.step(NOW, Input::Log { records, bounds: bounds(15, 15) });
    let actions = machine.step(NOW, Input::Clock);
    let Some(Action::Transact(transaction)) = actions.first() else { panic!("{actions:?}") };
    assert_eq!(transaction.record.gaps.len(), 2);
    // A snapshot names the same: another offset there would make it that of another log.
    let judged: Vec<_> = transaction.record.judged.values().flatten().map(|(_, offset)| *offset).collect();
    assert_eq!(judged, [15, 15]);
    assert_eq!(machine.positions(), [(source(0), 15), (source(1), 15)].into());
}

#[test]
fn history_does_not_stand_for_what_a_snapshot_does_not_cover() {
    let mut machine = Machine::new(replay_settings());
    let records = vec![record(1, 0, 0, 10), record(2, 0, 10, 20)];
    let found = last(records.last().unwrap());
    machine.step(NOW, Input::Begin);
    machine.step(NOW, Input::Inspected(found.clone()));
    machine.step(NOW, Input::Fenced(BTreeMap::new()));
    machine.step(NOW, Input::Inspected(found));
    // It was loaded into no judge: there was a snapshot.
    machine.step(
        NOW,
        Input::Opened {
            seq: 1,
            positions: [(source(0), 10)].into(),
            history: Some(mareva_model::digest(b"archive")),
            epoch: epoch(),
        },
    );
    let actions = machine.step(NOW, Input::Log { records, bounds: bounds(15, 20) });
    assert!(matches!(&actions[..], [Action::Fail(Error::OffsetsGone(gone))] if gone.len() == 1), "{actions:?}");
}

#[test]
fn under_another_epoch_no_revision_is_published_a_second_time() {
    for seed in 0..50 {
        let mut dice = Dice(seed);
        let mut broker = Broker::with_records(&mut dice, 2, 200);
        for (change, epoch) in ["old", "new", "old", "newer"].into_iter().enumerate() {
            // What came until then was judged under the epochs before.
            if change > 0 {
                broker.append(&mut dice, 60);
            }
            let epoch = mareva_model::digest(epoch.as_bytes());
            let settings = Settings { epoch, replay_other_epoch: true, ..settings(&format!("run {change}")) };
            let figures = run_once(settings.clone(), &mut broker).unwrap();
            assert!(figures.slices > 0, "seed {seed}");
            // Derived again it is the same, from no snapshot too.
            let again = run_once(Settings { replay_other_epoch: false, ..settings }, &mut broker).unwrap();
            assert_eq!(again.slices, 0, "seed {seed}");
        }
        assert_each_revision_once(&broker, seed);
        assert!(broker.alerts.len() > 20);
    }
}

fn assert_each_revision_once(broker: &Broker, seed: u64) {
    let mut seen = BTreeSet::new();
    for alert in &broker.alerts {
        let text = String::from_utf8(alert.clone()).unwrap();
        let revision = text.split(' ').next().unwrap().to_owned();
        assert!(seen.insert(revision), "seed {seed}: {text} is visible twice");
    }
}

fn accepting(writer: &str) -> Settings {
    Settings { accept_gap: true, ..settings(writer) }
}

#[test]
fn after_a_gap_in_the_log_it_goes_on_and_the_next_start_from_its_snapshot() {
    for seed in 0..50 {
        let mut dice = Dice(seed);
        let (mut broker, mut disk) = (Broker::with_records(&mut dice, 2, 300), Disk::default());
        if seed % 2 == 0 {
            // There is a snapshot of before the gap.
            run_from(&mut disk, settings("early"), &mut broker).unwrap();
            broker.append(&mut dice, 300);
        }
        let covered = broker.sequence.len();
        run_once(settings("first"), &mut broker).unwrap();
        broker.sequence.drain(..covered + (broker.sequence.len() - covered) / 3 + 1);
        let error = run_from(&mut disk, settings("refused"), &mut broker);
        assert!(matches!(error, Err(Error::LogGap { .. })), "seed {seed}: {error:?}");
        let figures = run_from(&mut disk, accepting("nothing new"), &mut broker).unwrap();
        assert_eq!(figures.slices, 0, "seed {seed}");
        let last = broker.records().pop().unwrap();
        let gap = last.log_gap.expect("it is in the log though nothing is judged after it");
        assert!(gap.from <= gap.to && gap.to == last.last_seq && figures.log_gaps == 1, "seed {seed}: {gap:?}");
        // Its state is in a snapshot though nothing is judged after it: the next start is a plain one.
        let figures = run_from(&mut disk, settings("plain"), &mut broker).unwrap();
        assert_eq!((figures.slices, figures.transactions), (0, 0), "seed {seed}");
        let before = broker.records().len();
        for settings in [accepting("second"), settings("third")] {
            broker.append(&mut dice, 100);
            assert!(run_from(&mut disk, settings, &mut broker).unwrap().slices > 0, "seed {seed}");
        }
        let joined: usize =
            broker.records()[before..].iter().flat_map(|r| &r.slices).map(|slice| slice.joined.len()).sum();
        assert_eq!(joined, if seed % 2 == 0 { 0 } else { 2 }, "seed {seed}: those that the state does not know join");
        assert_each_revision_once(&broker, seed);
    }
}

#[test]
fn where_input_is_gone_no_revision_is_published_a_second_time() {
    for seed in 0..50 {
        let mut dice = Dice(seed);
        let mut broker = Broker::with_records(&mut dice, 2, 300);
        run_once(settings("first"), &mut broker).unwrap();
        broker.low.insert(source(0), 70);
        let error = run_once(settings("refused"), &mut broker);
        assert!(matches!(error, Err(Error::OffsetsGone(_))), "seed {seed}: {error:?}");
        let history = seed % 2 == 0;
        let settings = Settings { accept_gap: !history, ..settings("second") };
        // Each judges the log again without what is gone, the last one what the one before published too.
        for _ in 0..3 {
            broker.append(&mut dice, 100);
            let mut disk = seeded(history.then_some("archive"));
            assert!(run_from(&mut disk, settings.clone(), &mut broker).unwrap().slices > 0, "seed {seed}");
        }
        assert_each_revision_once(&broker, seed);
    }
}

/// No snapshot, and files of history.
fn seeded(history: Option<&str>) -> Disk {
    Disk::seeded(history.map(|text| mareva_model::digest(text.as_bytes())))
}

#[test]
fn the_history_of_the_log_must_be_given_again_where_no_snapshot_stands_for_it() {
    let run = |history: Option<&str>, settings: Settings, broker: &mut Broker| {
        run_from(&mut seeded(history), settings, broker)
    };
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let (mut broker, mut disk) = (Broker::with_records(&mut dice, 2, 200), seeded(Some("a")));
        run_from(&mut disk, settings("first"), &mut broker).unwrap();
        assert!(broker.records().iter().all(|record| record.history == disk.history));
        broker.append(&mut dice, 50);
        let new = |writer: &str| Settings {
            epoch: mareva_model::digest(b"new"),
            replay_other_epoch: true,
            ..settings(writer)
        };
        for history in [None, Some("b")] {
            for settings in [settings("lost"), new("new")] {
                let error = run(history, settings, &mut broker).unwrap_err();
                assert!(matches!(error, Error::OtherHistory { .. }) && !error.is_retryable(), "seed {seed}: {error}");
                assert!(error.to_string().contains("--history PATH"), "{error}");
            }
        }
        // Where a snapshot stands for it the flag may be left out; it is not forgotten.
        disk.history = None;
        assert!(run_from(&mut disk, settings("restored"), &mut broker).unwrap().slices > 0, "seed {seed}");
        broker.append(&mut dice, 50);
        for settings in [settings("seeded"), new("new and seeded")] {
            run(Some("a"), settings, &mut broker).unwrap();
            assert_eq!(broker.records().pop().unwrap().history, seeded(Some("a")).history, "seed {seed}");
        }
        // Accepted once it is in the log, though nothing is judged on it, and needs no flag any more.
        let figures = run(None, accepting("without"), &mut broker);
        assert!(matches!(figures, Err(Error::EpochChanged { .. })), "{figures:?}");
        let figures = run(None, Settings { accept_gap: true, ..new("without") }, &mut broker).unwrap();
        assert_eq!((figures.slices, broker.records().pop().unwrap().history), (0, None), "seed {seed}");
        for _ in 0..2 {
            broker.append(&mut dice, 50);
            assert!(run(None, new("plain"), &mut broker).unwrap().slices > 0, "seed {seed}");
        }
        assert_each_revision_once(&broker, seed);
    }
}

#[test]
fn a_log_that_tells_of_no_history_takes_one_that_agrees_with_it() {
    let mut dice = Dice(5);
    let mut broker = Broker::with_records(&mut dice, 2, 200);
    run_from(&mut seeded(Some("a")), settings("first"), &mut broker).unwrap();
    // As earlier versions wrote it.
    let forget = |record: SequenceRecord| SequenceRecord { history: None, ..record }.to_payloads();
    broker.sequence = broker.records().into_iter().flat_map(forget).collect();
    let error = run_once(settings("forgotten"), &mut broker).unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }) && error.to_string().contains("--history"), "{error}");
    run_from(&mut seeded(Some("a")), settings("again"), &mut broker).unwrap();
    let error = run_once(settings("forgotten"), &mut broker).unwrap_err();
    assert!(matches!(error, Error::OtherHistory { .. }), "it is in the log now: {error}");
}
