use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use mareva_pipeline::InputSlice;

use super::*;
use crate::{
    Decode, FollowFrom, Follower, Judge, JudgeError, Message, Progress, RunConfig, Sink, Verdict, WriteState, run,
};

/// Raises an alert at every hundredth record.
#[derive(Default)]
struct Hundreds(u64);

impl Judge for Hundreds {
    type Output = Verdict;
    type Decoded = ();

    fn epoch(&self) -> mareva_model::Digest {
        mareva_model::digest(b"hundreds")
    }

    fn decoder(&self) -> Decode<()> {
        Box::new(|_| Ok(()))
    }

    fn process(&mut self, slice: &InputSlice, (): ()) -> Result<Verdict, JudgeError> {
        let mut verdict = Verdict::default();
        for record in &slice.records {
            self.0 += 1;
            if self.0.is_multiple_of(100) {
                let payload = format!("alert {}", self.0).into_bytes();
                let append_time = Some(record.append_time);
                verdict.messages.push(Message { sink: Sink::Alerts, key: None, payload, append_time });
            }
        }
        Ok(verdict)
    }

    fn skip_to(&mut self, _: u64) -> Result<(), JudgeError> {
        Ok(())
    }

    fn verdict(&self, _: &InputSlice, output: &Verdict) -> Verdict {
        output.clone()
    }

    fn snapshot(&self) -> Result<WriteState, JudgeError> {
        Ok(Box::new(|_| Ok(())))
    }
}

#[test]
fn more_than_a_partition_keeps_passes_through_and_nothing_is_evicted_unread() {
    let topics = Topics::default();
    let broker = MockBroker::start(&topics, 2).unwrap();
    let mut feed = broker.feed().unwrap();
    let pace = feed.pace();
    let mut config = RunConfig::new(broker.connection(), mareva_model::digest(b"hundreds"));
    config.check_settings = false;
    let stop = AtomicBool::new(false);
    let judged = std::sync::atomic::AtomicU64::new(0);
    let summary = thread::scope(|scope| {
        let running = scope.spawn(|| {
            run(&config, |_| Ok(Hundreds::default()), &stop, &mut |progress| {
                if let Progress::Judged { slice, .. } = progress {
                    for record in &slice.records {
                        let at = TopicPartition { topic: record.topic.clone(), partition: record.partition };
                        pace.judged(&at, record.offset + 1);
                    }
                    judged.fetch_add(slice.records.len() as u64, Ordering::Relaxed);
                }
            })
        });
        let topic: Arc<str> = "bank.transactions".into();
        let payload = vec![b'x'; 1_000];
        for number in 0..20_000u32 {
            assert!(feed.send(&topic, &number.to_le_bytes(), &payload, Duration::from_secs(20)).unwrap());
        }
        feed.finish().unwrap();
        let since = Instant::now();
        while judged.load(Ordering::Relaxed) < 20_000 && since.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Ordering::Relaxed);
        running.join().unwrap().unwrap()
    });
    assert_eq!((summary.stats.records, summary.stats.figures.skipped_offsets), (20_000, 0));
    assert_eq!(summary.stats.append_to_alert.count(), 200);
    let mut follower = Follower::open(&broker.connection(), &[&topics.alerts], &FollowFrom::Beginning).unwrap();
    assert_eq!(follower.read_to_end(Duration::from_secs(10)).unwrap().len(), 200);
    assert!(follower.at_end());
}
