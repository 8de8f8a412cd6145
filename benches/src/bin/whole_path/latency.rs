//! How long an alert takes from the broker's append time of the record behind it to a separate `read_committed` reader, at a
//! steady rate with many alerts, on a running Apache Kafka.
//!
//! Two processes: this one writes the stream and reads the alerts, a child judges.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mareva_benches::{BANK, PipelineJudge, input, mules, option, outputs, parts, reading, run_name, wall_clock};
use mareva_kafka::{Connection, FollowFrom, Follower, JudgeError, RunConfig, TopicSpec, Topics, create_topics, run};
use mareva_sim::{HighAlertStream, high_alert_stream};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

/// How long the parts may take to start or to come to the end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Seconds at the start that are not counted: connections, first commits.
const WARM_UP: u64 = 5;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What both processes know.
struct Setting {
    brokers: String,
    run: String,
    rate: u64,
    seconds: u64,
    start: i64,
    partitions: i32,
}

impl Setting {
    fn read() -> Self {
        Self {
            brokers: option("brokers", "localhost:9092".to_owned()),
            run: option("run", run_name()),
            rate: option("rate", 10_000),
            seconds: option("seconds", 60),
            start: option("start", wall_clock()),
            partitions: option("partitions", 4),
        }
    }

    fn topics(&self) -> Topics {
        Topics { inputs: [input(&self.run, BANK)].into(), ..outputs(&self.run) }
    }

    fn stream(&self) -> HighAlertStream {
        high_alert_stream(self.rate * self.seconds, self.start, self.rate)
    }

    fn judging(&self) -> Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["latency", "--judge", "true", "--brokers", &self.brokers, "--run", &self.run]);
        for (name, value) in [("--rate", self.rate), ("--seconds", self.seconds)] {
            command.args([name, &value.to_string()]);
        }
        Ok(command.args(["--start", &self.start.to_string()]).spawn()?)
    }
}

pub(crate) fn measure() -> Result<()> {
    let setting = Setting::read();
    if option("judge", false) { judge(&setting) } else { write_and_read(&setting) }
}

/// The loop of `mareva run`, until it is killed.
fn judge(setting: &Setting) -> Result<()> {
    let (stream, topics) = (setting.stream(), setting.topics());
    let parts = parts(mules(&stream.mules_csv()), &stream.accounts(), b"", &stream.rates_csv());
    let parts = reading(parts, &topics);
    drop(stream);
    let name = format!("bench-{}", setting.run);
    let config = RunConfig {
        topics,
        transactional_id: name.clone(),
        group_id: name,
        ..RunConfig::new(Connection::to(&setting.brokers), parts.epoch())
    };
    let open = |_: Option<&mut (dyn std::io::Read + Send)>| -> std::result::Result<PipelineJudge, JudgeError> {
        PipelineJudge::open(&parts)
    };
    run(&config, open, &AtomicBool::new(false), &mut |_| {})?;
    Ok(())
}

/// An alert as the reader saw it: partition and offset of the record behind it, and when (UTC milliseconds).
struct Seen {
    at: (i32, i64),
    time: i64,
}

fn write_and_read(setting: &Setting) -> Result<()> {
    let (topics, connection) = (setting.topics(), Connection::to(&setting.brokers));
    let stamped = |name: &String| TopicSpec::input(name, setting.partitions);
    let mut specs: Vec<TopicSpec> = topics.inputs.iter().map(stamped).collect();
    specs.extend([&topics.alerts, &topics.dead_letters, &topics.late].map(|topic| TopicSpec::new(topic, 1)));
    specs.push(TopicSpec::sequence(&topics.sequence));
    create_topics(&connection, &specs, PATIENCE)?;
    let source = input(&setting.run, BANK);
    let mut child = setting.judging()?;
    let measured = wait_until_live(&connection, &topics).and_then(|()| {
        let written = AtomicBool::new(false);
        thread::scope(|scope| {
            let alerts = scope.spawn(|| read_alerts(&connection, &topics, &written));
            let times = scope.spawn(|| append_times(&connection, &source, setting.rate * setting.seconds));
            write(setting, &source)?;
            written.store(true, Ordering::Relaxed);
            let ended = "a thread of the bench panicked";
            Ok((alerts.join().map_err(|_| ended)??, times.join().map_err(|_| ended)??))
        })
    });
    child.kill()?;
    child.wait()?;
    let (seen, times) = measured?;
    report(setting, &seen, &times)
}

/// The first sequence record says that the child judges.
fn wait_until_live(connection: &Connection, topics: &Topics) -> Result<()> {
    let mut follower = Follower::open(connection, &[&topics.sequence], &FollowFrom::Beginning)?;
    match follower.next(PATIENCE)? {
        Some(_) => Ok(()),
        None => Err("the judging process does not come to life".into()),
    }
}

/// Writes the stream at its rate.
fn write(setting: &Setting, topic: &str) -> Result<()> {
    let producer: ThreadedProducer<DefaultProducerContext> =
        ClientConfig::new().set("bootstrap.servers", &setting.brokers).set("linger.ms", "2").create()?;
    let began = Instant::now();
    for (number, record) in (0_u64..).zip(setting.stream()) {
        if number.is_multiple_of(16) {
            let due = Duration::from_micros(number * 1_000_000 / setting.rate);
            thread::sleep(due.saturating_sub(began.elapsed()));
        }
        let partition = i32::try_from(number % setting.partitions.unsigned_abs() as u64)?;
        let mut sent = BaseRecord::<(), [u8]>::to(topic).partition(partition).payload(&record.json);
        while let Err((_, again)) = producer.send(sent) {
            thread::sleep(Duration::from_millis(1));
            sent = again;
        }
    }
    producer.flush(PATIENCE)?;
    println!("written in             {:>12.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Reads alerts as they come, until none has come for five seconds after everything was written.
fn read_alerts(connection: &Connection, topics: &Topics, written: &AtomicBool) -> Result<Vec<Seen>> {
    let mut follower = Follower::open(connection, &[&topics.alerts], &FollowFrom::Beginning)?;
    let (mut seen, mut last) = (Vec::new(), Instant::now());
    while !written.load(Ordering::Relaxed) || last.elapsed() < Duration::from_secs(5) {
        let Some(alert) = follower.next(Duration::from_millis(100))? else { continue };
        let time = wall_clock();
        last = Instant::now();
        let alert: serde_json::Value = serde_json::from_slice(&alert.payload)?;
        let position = &alert["evidence"]["hits"][0]["position"];
        let (partition, offset) = (position["partition"].as_i64(), position["offset"].as_i64());
        let (Some(partition), Some(offset)) = (partition, offset) else { return Err("an alert without a hit".into()) };
        // Later revisions are about what is known already.
        if alert["revision"] == 1 {
            seen.push(Seen { at: (i32::try_from(partition)?, offset), time });
        }
    }
    Ok(seen)
}

/// When the broker appended each record.
fn append_times(connection: &Connection, topic: &str, count: u64) -> Result<BTreeMap<(i32, i64), i64>> {
    let mut follower = Follower::open(connection, &[topic], &FollowFrom::Beginning)?;
    let mut times = BTreeMap::new();
    while (times.len() as u64) < count {
        match follower.next(PATIENCE)? {
            Some(record) => times.insert((record.at.partition, record.offset), record.time),
            None => return Err(format!("{} of {count} records came", times.len()).into()),
        };
    }
    Ok(times)
}

fn report(setting: &Setting, seen: &[Seen], times: &BTreeMap<(i32, i64), i64>) -> Result<()> {
    let begin = times.values().min().copied().unwrap_or_default() + i64::try_from(WARM_UP * 1_000)?;
    let taken = |seen: &Seen| {
        let appended = *times.get(&seen.at)?;
        (appended >= begin).then_some(seen.time - appended)
    };
    let mut taken: Vec<i64> = seen.iter().filter_map(taken).collect();
    taken.sort_unstable();
    let expected =
        setting.stream().mules_csv().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() - 1;
    println!("records                {:>12} at {} a second", times.len(), setting.rate);
    println!("alerts                 {:>12} of {expected}", seen.len());
    if seen.len() != expected || taken.is_empty() {
        return Err("alerts are missing".into());
    }
    let counted = setting.seconds.saturating_sub(WARM_UP).max(1);
    println!(
        "alerts a second        {:>12.1} (the first {WARM_UP} s are not counted)",
        taken.len() as f64 / counted as f64
    );
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        let rank = ((taken.len() - 1) as f64 * share).round() as usize;
        println!("append to alert {name:<6} {:>12} ms", taken[rank]);
    }
    Ok(())
}
