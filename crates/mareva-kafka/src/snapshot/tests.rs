use std::time::Duration;

use super::*;

fn epoch() -> Digest {
    mareva_model::digest(b"epoch")
}

fn history() -> Digest {
    mareva_model::digest(b"history")
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("mareva-snapshot-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn write(store: &SnapshotStore, seqs: &[u64], bytes: usize) {
    let mailbox = Arc::new(Mailbox::new(4));
    let writer = SnapshotWriter::start(store.clone(), Failpoints::default(), &mailbox).unwrap();
    for &seq in seqs {
        let positions = [(TopicPartition::new("bank.transactions", 0), seq as i64 * 10)].into();
        let info = SnapshotInfo::new(seq, epoch(), Some(history()), &positions);
        let state = vec![u8::try_from(seq % 251).unwrap(); bytes];
        writer.write(info, Box::new(move |out| Ok(out.write_all(&state)?))).unwrap();
        writer.publish(seq).unwrap();
    }
    let mut answers = 0;
    while answers < 2 * seqs.len() {
        for letter in mailbox.take(true, Duration::from_secs(5)) {
            assert!(matches!(letter, Letter::Input(Input::SnapshotWritten(_) | Input::SnapshotPublished(_))));
            answers += 1;
        }
    }
}

fn newest(store: &SnapshotStore, not_after: u64) -> Option<(u64, Vec<u8>)> {
    let (info, _, mut state) = store.newest(not_after, &|one| one == epoch()).unwrap()?;
    let mut bytes = Vec::new();
    state.read_to_end(&mut bytes).unwrap();
    Some((info.seq, bytes))
}

#[test]
fn the_newest_usable_one_is_read_back_and_two_are_kept() {
    let store = SnapshotStore::open(folder("keep"), 2).unwrap();
    assert_eq!(newest(&store, u64::MAX), None);
    write(&store, &[3, 9, 10], 3 * CHUNK + 17);
    assert_eq!(newest(&store, u64::MAX), Some((10, vec![10; 3 * CHUNK + 17])));
    assert_eq!(newest(&store, 9).map(|found| found.0), Some(9));
    assert_eq!(newest(&store, 8), None, "the oldest is gone");
    let (info, ..) = store.newest(9, &|one| one == epoch()).unwrap().unwrap();
    assert_eq!(info.history, Some(history()));
    assert_eq!(info.next_offsets(), [(TopicPartition::new("bank.transactions", 0), 90)].into());
    assert!(store.newest(u64::MAX, &|_| false).unwrap().is_none(), "another epoch's is not used");
    fs::remove_dir_all(&store.folder).unwrap();
}

#[test]
fn one_that_is_passed_over_says_why() {
    let info = SnapshotInfo::new(9, epoch(), None, &BTreeMap::new());
    let other = mareva_model::digest(b"other");
    assert_eq!(info.unusable(9, &|one| one == epoch()), None);
    assert_eq!(info.unusable(8, &|one| one == epoch()).unwrap(), "it holds slice 9, wanted is one up to slice 8");
    let reason = format!("it was written under epoch {}, and what that was is not known", epoch());
    assert_eq!(info.unusable(8, &|one| one == other), Some(reason));
}

#[test]
fn a_damaged_or_cut_one_is_passed_over() {
    let store = SnapshotStore::open(folder("damage"), 9).unwrap();
    write(&store, &[1, 2, 3, 4], 1000);
    let mut bytes = fs::read(store.path(4, "mareva")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(store.path(4, "mareva"), &bytes).unwrap();
    fs::write(store.path(3, "mareva"), &bytes[..bytes.len() - 1]).unwrap();
    fs::write(store.path(2, "mareva"), b"").unwrap();
    assert_eq!(newest(&store, u64::MAX), Some((1, vec![1; 1000])));
    fs::remove_dir_all(&store.folder).unwrap();
}

#[test]
fn what_was_not_finished_is_removed_at_the_next_start() {
    let folder = folder("partial");
    let store = SnapshotStore::open(&folder, 2).unwrap();
    fs::write(store.path(7, "partial"), b"half").unwrap();
    let store = SnapshotStore::open(&folder, 2).unwrap();
    assert!(store.files("partial").unwrap().is_empty());
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn one_that_fails_leaves_nothing_and_the_next_is_written() {
    let store = SnapshotStore::open(folder("failed"), 2).unwrap();
    let mailbox = Arc::new(Mailbox::new(4));
    let writer = SnapshotWriter::start(store.clone(), Failpoints::default(), &mailbox).unwrap();
    let answer = || {
        let letter = mailbox.take(true, Duration::from_secs(5)).pop_front();
        let Some(Letter::Input(input)) = letter else { panic!("{letter:?}") };
        input
    };
    let info = |seq| SnapshotInfo::new(seq, epoch(), None, &BTreeMap::new());
    let failing: WriteState = Box::new(|out| {
        out.write_all(&vec![1; 2 * CHUNK])?;
        Err("the judge fails".into())
    });
    writer.write(info(7), failing).unwrap();
    assert_eq!(answer(), Input::SnapshotFailed(7));
    assert!(store.files("partial").unwrap().is_empty(), "half of one would fill the disk");
    // It cannot be made at all: something stands in its place.
    fs::create_dir(store.path(8, "partial")).unwrap();
    let state = || -> WriteState { Box::new(|out| Ok(out.write_all(b"state")?)) };
    writer.write(info(8), state()).unwrap();
    assert_eq!(answer(), Input::SnapshotFailed(8));
    fs::remove_dir(store.path(8, "partial")).unwrap();
    writer.write(info(9), state()).unwrap();
    assert_eq!(answer(), Input::SnapshotWritten(9));
    writer.publish(9).unwrap();
    assert_eq!(answer(), Input::SnapshotPublished(9));
    assert_eq!(newest(&store, u64::MAX), Some((9, b"state".to_vec())));
    drop(writer);
    fs::remove_dir_all(&store.folder).unwrap();
}

#[test]
fn judging_does_not_wait_for_a_snapshot_to_be_written() {
    let store = SnapshotStore::open(folder("meanwhile"), 2).unwrap();
    let mailbox = Arc::new(Mailbox::new(4));
    let writer = SnapshotWriter::start(store.clone(), Failpoints::default(), &mailbox).unwrap();
    let (go_on, wait) = mpsc::channel::<()>();
    let state: WriteState = Box::new(move |out| {
        wait.recv()?;
        Ok(out.write_all(&vec![1; 5 * CHUNK])?)
    });
    writer.write(SnapshotInfo::new(7, epoch(), None, &BTreeMap::new()), state).unwrap();
    assert!(mailbox.take(true, Duration::ZERO).is_empty(), "it is not written yet");
    go_on.send(()).unwrap();
    let letter = mailbox.take(true, Duration::from_secs(5)).pop_front();
    assert!(matches!(letter, Some(Letter::Input(Input::SnapshotWritten(7)))), "{letter:?}");
    assert_eq!(writer.bytes(), 5 * CHUNK as u64);
    drop(writer);
    fs::remove_dir_all(&store.folder).unwrap();
}
