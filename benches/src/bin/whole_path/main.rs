//! Prints what the whole path costs: in memory, through Kafka, and from append to alert; and how monitoring scales. One program,
//! because linking it takes longer than any of its measurements. See `benches/README.md`.

mod in_memory;
mod latency;
mod scale;
mod through_kafka;

use std::error::Error;

const USAGE: &str = "\
whole_path in-memory | through-kafka | latency | scale [--option value …]
Options of each stand in benches/README.md.";

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    match std::env::args().nth(1).as_deref() {
        Some("in-memory") => Ok(in_memory::measure()?),
        Some("through-kafka") => through_kafka::measure(),
        Some("latency") => latency::measure().map_err(|error| error as Box<dyn Error>),
        Some("scale") => scale::measure(),
        Some("scale-point") => scale::point(),
        _ => Err(USAGE.into()),
    }
}
