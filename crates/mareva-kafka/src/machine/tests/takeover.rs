//! Two instances with one transactional id: the one that fenced last goes on, the other ends.
use super::*;

/// Two runs with one transactional id, the second of which begins some time after the first. Gives how many were fenced.
fn twins(seed: u64, troubles: Troubles) -> u64 {
    let mut dice = Dice(seed);
    let mut broker = Broker::with_records(&mut dice, 3, 400);
    let mut disks = [Disk::default(), Disk::default()];
    let mut runs = [Some(Process::start(settings("a"), 0)), None];
    let (mut fenced, mut finished, mut starts) = (0, false, 1);
    for turn in 0..400_000u64 {
        if turn == 200 {
            runs[1] = Some(Process::start(settings("b"), 0));
        }
        // In long stretches, so that one sleeps while the other goes on.
        let index = usize::from((turn / (20 + seed % 100)) % 2 == 1);
        let Some(run) = &mut runs[index] else { continue };
        assert!(run.turn(&mut broker, &mut disks[index], &mut dice, troubles).is_ok());
        match run.ended.take() {
            None => continue,
            Some(Ok(())) => {
                finished = true;
                runs[index] = None;
            }
            Some(Err(Error::Fenced { .. })) => {
                fenced += 1;
                assert!(finished || runs[1 - index].is_some(), "seed {seed}: nobody goes on");
                runs[index] = None;
            }
            // As whoever watches over it would do.
            Some(Err(error)) => {
                assert!(error.is_retryable(), "seed {seed}: {error}");
                starts += 1;
                runs[index] = Some(Process::start(settings(&format!("start {starts}")), run.clock));
            }
        }
        if turn > 200 && runs.iter().all(Option::is_none) {
            // What the one that went on has committed is all there is.
            check(&broker);
            return fenced;
        }
    }
    panic!("seed {seed} stands still");
}

#[test]
fn of_two_runs_one_goes_on_and_nothing_is_published_twice() {
    let fenced: u64 = (0..200).map(|seed| twins(seed, Troubles::default())).sum();
    assert!(fenced > 50, "{fenced}");
    let troubles = Troubles { doubt: 60, expired: 100, ..Troubles::default() };
    let fenced: u64 = (0..300).map(|seed| twins(seed, troubles)).sum();
    assert!(fenced > 50, "{fenced}");
}

fn at(mono: u64) -> Now {
    Now { mono, wall: 5 }
}

fn live() -> Machine {
    started(Settings { until_end: false, snapshot_every: None, ..settings("w") }, bounds(0, 0)).0
}

/// Lets it judge a slice and begin a transaction.
fn transact(machine: &mut Machine, mono: u64) {
    assert!(judged_slice(machine.step(at(mono), Input::Clock)).is_some());
    let actions = machine.step(at(mono), Input::Judged(Verdict::default()));
    assert!(matches!(actions[..], [Action::Transact(_)]), "{actions:?}");
}

fn doubt(fenced: bool, open_for: u64) -> Input {
    Input::Doubt(Doubt { fenced, open_for: Duration::from_millis(open_for), reason: "told so".to_owned() })
}

fn failed(actions: Vec<Action>) -> Error {
    match actions.into_iter().next() {
        Some(Action::Fail(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// A producer that has committed, and has a transaction open since 4 s.
fn in_second_transaction() -> Machine {
    let mut machine = live();
    transact(&mut machine, 2_000);
    machine.step(at(2_010), Input::Committed(BTreeMap::new()));
    transact(&mut machine, 4_000);
    machine
}

#[test]
fn fenced_in_time_it_was_another_instance() {
    let mut machine = in_second_transaction();
    let error = failed(machine.step(at(4_010), doubt(true, 10)));
    assert!(matches!(error, Error::Fenced { .. }) && !error.is_retryable(), "started again it would fence the other");
}

#[test]
fn a_transaction_that_took_too_long_is_tried_again_unless_somebody_has_published_since() {
    let mut machine = in_second_transaction();
    assert_eq!(machine.step(at(14_000), doubt(true, 10_000)), [Action::Inspect], "whom would it hit?");
    let own = last(&SequenceRecord { writer: "w".to_owned(), ..record(1, 0, 0, 0) });
    assert_eq!(machine.step(at(14_000), Input::Inspected(own.clone())), [Action::Fence]);
    machine.step(at(14_000), Input::Fenced(BTreeMap::new()));
    assert!(matches!(machine.step(at(14_000), Input::Inspected(own))[..], [Action::Transact(_)]));
    machine.step(at(14_010), Input::Committed(BTreeMap::new()));

    transact(&mut machine, 17_000);
    assert_eq!(machine.step(at(27_000), doubt(true, 10_000)), [Action::Inspect]);
    let error = failed(machine.step(at(27_000), Input::Inspected(last(&record(3, 0, 0, 0)))));
    assert!(!error.is_retryable());
    assert!(error.to_string().starts_with("another instance (run other) has taken over"), "{error}");
}

#[test]
fn an_attempt_to_make_a_producer_that_arrives_late_fences_nobody_out() {
    let mut machine = live();
    transact(&mut machine, 2_000);
    assert_eq!(machine.step(at(2_010), doubt(true, 10)), [Action::Inspect], "this producer has committed nothing yet");
    assert_eq!(machine.step(at(2_010), Input::Inspected(Inspection::default())), [Action::Fence]);
}

#[test]
fn whoever_has_fenced_one_that_published_starts_again() {
    let mut machine = live();
    transact(&mut machine, 2_000);
    machine.step(at(12_000), doubt(false, 10_000));
    assert_eq!(machine.step(at(12_000), Input::Inspected(Inspection::default())), [Action::Fence]);
    machine.step(at(12_000), Input::Fenced(BTreeMap::new()));
    let error = failed(machine.step(at(12_000), Input::Inspected(last(&record(1, 0, 0, 0)))));
    assert!(error.is_retryable(), "the other one ends, so this one must not: {error}");
}

#[test]
fn one_that_cannot_go_on_fences_nobody() {
    let mut machine = Machine::new(settings("w"));
    assert_eq!(machine.step(at(0), Input::Begin), [Action::Inspect]);
    let foreign = SequenceRecord { epoch: mareva_model::digest(b"another epoch"), ..record(7, 0, 60, 70) };
    let error = failed(machine.step(at(0), Input::Inspected(last(&foreign))));
    assert!(matches!(error, Error::EpochChanged { .. }), "{error}");
}

#[test]
fn a_log_of_another_transactional_id_is_gone_on_with_only_where_that_is_wanted() {
    let foreign = SequenceRecord { transactional_id: Some("theirs".to_owned()), ..record(7, 0, 60, 70) };
    let look = |take_over: bool, record: &SequenceRecord| {
        let mut machine = Machine::new(Settings { take_over, ..settings("w") });
        machine.step(at(0), Input::Begin);
        machine.step(at(0), Input::Inspected(last(record)))
    };
    let error = failed(look(false, &foreign));
    assert!(matches!(error, Error::OtherTransactionalId { .. }) && !error.is_retryable(), "{error}");
    assert!(error.to_string().contains("under `transactional.id` theirs, now it is id:"), "{error}");
    assert_eq!(look(true, &foreign), [Action::Fence]);
    let unknown = SequenceRecord { transactional_id: None, ..foreign };
    assert_eq!(look(false, &unknown), [Action::Fence], "records of earlier versions do not say");
}

#[test]
fn a_log_that_two_instances_wrote_is_no_base_to_start_from() {
    let records = vec![record(1, 0, 0, 10), record(2, 0, 10, 20), record(2, 0, 10, 30)];
    let mut machine = Machine::new(settings("w"));
    let found = last(records.last().unwrap());
    machine.step(at(0), Input::Begin);
    machine.step(at(0), Input::Inspected(found.clone()));
    machine.step(at(0), Input::Fenced(BTreeMap::new()));
    machine.step(at(0), Input::Inspected(found));
    machine.step(at(0), Input::Opened { seq: 0, positions: BTreeMap::new(), history: None, epoch: epoch() });
    let error = failed(machine.step(at(0), Input::Log { records, bounds: bounds(0, 1_000) }));
    assert!(matches!(error, Error::TwoLogs { number: 2 }) && !error.is_retryable(), "{error}");
}
