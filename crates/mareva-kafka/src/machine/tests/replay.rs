//! Recorded slices, judged again at the start.
use super::*;

fn replaying(settings: Settings, records: Vec<SequenceRecord>) -> Machine {
    let mut machine = Machine::new(settings);
    let found = last(records.last().unwrap());
    machine.step(NOW, Input::Begin);
    machine.step(NOW, Input::Inspected(found.clone()));
    machine.step(NOW, Input::Fenced(BTreeMap::new()));
    assert_eq!(machine.step(NOW, Input::Inspected(found)).len(), 1);
    machine.step(NOW, Input::Opened { seq: 0, positions: BTreeMap::new() });
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
fn slices_of_another_epoch_may_give_other_alerts_and_our_own_may_not() {
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
    let before = carrying(record(1, 0, 0, 10), "under the old rules");
    let before = SequenceRecord { epoch: mareva_model::digest(b"old"), ..before };
    let records = vec![before, carrying(record(2, 0, 10, 20), "under the new rules")];
    // Whether the run that changed the epoch is started again with the flag or without it, say by systemd.
    for replay_other_epoch in [false, true] {
        let mut machine = replaying(Settings { replay_other_epoch, ..replay_settings() }, records.clone());
        machine.step(NOW, block(0, 0..20, 0));
        let verdict = |payload| Input::Judged(Verdict { messages: vec![alert(payload)], ..Verdict::default() });
        assert!(judged_slice(machine.step(NOW, Input::Clock)).is_some());
        assert_eq!(machine.step(NOW, verdict("under the new rules, not published")), []);
        assert!(judged_slice(machine.step(NOW, Input::Clock)).is_some());
        let actions = machine.step(NOW, verdict("something else"));
        assert!(matches!(actions[..], [Action::Fail(Error::Diverged { seq: 2, .. })]), "{actions:?}");
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
