//! What the real loop costs beside a bare one that consumes, decodes and counts, with the same client settings on the same
//! topics of a running Apache Kafka.

use std::error::Error;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use mareva_benches::{
    BANK, EXCHANGE, Economy, PipelineJudge, Usage, input, option, outputs, reading, run_name, stream_of,
};
use mareva_codec::{Decoder, Limits, Record};
use mareva_kafka::{
    Connection, Fetched, JudgeError, RunConfig, TopicPartition, TopicSpec, Topics, create_topics, open_queue,
};
use mareva_pipeline::Parts;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

/// Records a call and how long it gathers them, as in the real loop.
const BATCH: usize = 4_096;
const LINGER: Duration = Duration::from_millis(5);

/// How long the broker may take to make topics.
const PATIENCE: Duration = Duration::from_secs(30);

struct Place {
    brokers: String,
    topics: Topics,
    partitions: i32,
}

pub(crate) fn measure() -> Result<(), Box<dyn Error>> {
    let transactions: u64 = option("transactions", 2_000_000);
    let rounds: u32 = option("rounds", 2);
    let economy = Economy::new(option("seed", 1), transactions);
    let count = economy.records.len();
    let place = fill(&economy)?;
    let parts = reading(economy.parts(), &place.topics);
    drop(economy);
    println!("records                {count} in {} partitions a topic", place.partitions);

    let (mut bare_best, mut real_best) = (Cost::WORST, Cost::WORST);
    for _ in 0..rounds.max(1) {
        bare_best = bare_best.min(bare(&place, count)?);
        real_best = real_best.min(real(&place, &parts, count)?);
    }
    println!("bare loop              {}", bare_best.shown(count));
    println!("real loop              {}", real_best.shown(count));
    println!("ratio of rates         {:>12.3}", bare_best.elapsed.as_secs_f64() / real_best.elapsed.as_secs_f64());
    println!("ratio of processor     {:>12.3}", bare_best.processor.as_secs_f64() / real_best.processor.as_secs_f64());
    Ok(())
}

#[derive(Clone, Copy)]
struct Cost {
    elapsed: Duration,
    processor: Duration,
}

impl Cost {
    const WORST: Self = Self { elapsed: Duration::MAX, processor: Duration::MAX };

    fn of(usage: &Usage) -> Self {
        Self { elapsed: usage.elapsed(), processor: usage.processor() }
    }

    fn min(self, other: Self) -> Self {
        Self { elapsed: self.elapsed.min(other.elapsed), processor: self.processor.min(other.processor) }
    }

    fn shown(self, count: usize) -> String {
        let rate = count as f64 / self.elapsed.as_secs_f64();
        let micros = self.processor.as_secs_f64() * 1e6 / count.max(1) as f64;
        format!("{rate:>12.0} records/s   {micros:.3} µs of processor each")
    }
}

/// Makes topics that nobody has used and writes the economy to them, over all partitions by account.
fn fill(economy: &Economy) -> Result<Place, Box<dyn Error>> {
    let brokers: String = option("brokers", "localhost:9092".to_owned());
    let partitions: i32 = option("partitions", 4);
    let run = run_name();
    let name = |stream: &str| input(&run, stream);
    let topics = Topics { inputs: [BANK, EXCHANGE].map(name).into(), ..outputs(&format!("{run}-fill")) };
    let inputs: Vec<TopicSpec> = topics.inputs.iter().map(|topic| TopicSpec::input(topic, partitions)).collect();
    create_topics(&Connection::to(&brokers), &inputs, PATIENCE)?;

    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("linger.ms", "20")
        .set("enable.idempotence", "true")
        .create()?;
    for (at, record) in economy.records.iter().enumerate() {
        let topic = name(&record.topic);
        // In turn: event time stays in order in each partition, and the partitions stay together.
        let partition = i32::try_from(at)? % partitions;
        let mut sent = BaseRecord::<(), [u8]>::to(&topic).partition(partition).payload(&record.payload);
        while let Err((error, again)) = producer.send(sent) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            std::thread::sleep(Duration::from_millis(1));
            sent = again;
        }
    }
    producer.flush(Duration::from_secs(60))?;
    Ok(Place { brokers, topics, partitions })
}

/// Consumes, decodes and counts, with the consumer settings of the real loop.
fn bare(place: &Place, count: usize) -> Result<Cost, Box<dyn Error>> {
    let usage = Usage::begin();
    let mut queue = open_queue(&Connection::to(&place.brokers), BATCH)?;
    let mut open = 0;
    for topic in &place.topics.inputs {
        for partition in 0..place.partitions {
            queue.start(&TopicPartition { topic: topic.as_str().into(), partition }, 0)?;
            open += 1;
        }
    }
    let mut decoder = Decoder::new(Limits::default());
    let (mut records, mut rows, mut failed) = (0, 0, None);
    while open > 0 && failed.is_none() {
        queue.next_batch(LINGER, |fetched| match fetched {
            Fetched::Record { topic, partition, offset, time, payload, .. } => {
                records += 1;
                let record = Record { topic, partition, offset, append_time: time, payload };
                decoder.decode(stream_of(topic), record);
            }
            Fetched::End { .. } => open -= 1,
            Fetched::Failed { code, .. } => failed = Some(code),
        });
        rows += decoder.finish().batch.len();
        queue.serve();
    }
    if let Some(code) = failed {
        return Err(format!("a partition failed: {code}").into());
    }
    let cost = Cost::of(&usage);
    if records != count || rows == 0 {
        return Err(format!("read {records} records of {count}, {rows} rows").into());
    }
    Ok(cost)
}

/// The loop of `mareva run`, to the end of the topics.
fn real(place: &Place, parts: &Parts, count: usize) -> Result<Cost, Box<dyn Error>> {
    let run = run_name();
    let topics = Topics { inputs: place.topics.inputs.clone(), ..outputs(&run) };
    let connection = Connection::to(&place.brokers);
    let mut specs = vec![TopicSpec::sequence(&topics.sequence)];
    specs.extend([&topics.alerts, &topics.dead_letters, &topics.late].map(|topic| TopicSpec::new(topic, 1)));
    create_topics(&connection, &specs, PATIENCE)?;
    let config = RunConfig {
        topics,
        transactional_id: format!("bench-{run}"),
        group_id: format!("bench-{run}"),
        until_end: true,
        ..RunConfig::new(connection, parts.epoch())
    };
    let usage = Usage::begin();
    let open = |_: Option<&mut (dyn std::io::Read + Send)>| -> Result<PipelineJudge, JudgeError> {
        PipelineJudge::open(parts)
    };
    let summary = mareva_kafka::run(&config, open, &AtomicBool::new(false), &mut |_| {})?;
    let cost = Cost::of(&usage);
    if summary.stats.records != count as u64 {
        return Err(format!("judged {} records of {count}", summary.stats.records).into());
    }
    let stats = &summary.stats;
    println!(
        "  real: {:.2} s, of them judging {:.2} s; {} slices, {} transactions, {} alerts, commit p99 {:?} ms",
        cost.elapsed.as_secs_f64(),
        stats.judging_micros as f64 / 1e6,
        stats.figures.slices,
        stats.figures.transactions,
        stats.alerts,
        stats.commit.quantile(0.99)
    );
    Ok(cost)
}
